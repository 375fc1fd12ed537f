/* Bytes that are written one after the other, and read again with every step checked. */
#ifndef ARMATURE_SNAPSHOT_BYTES_H
#define ARMATURE_SNAPSHOT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Buffer {
    uint8_t *data;
    size_t size, capacity;
} Buffer;

/* Makes room for size more bytes at the end, and counts them in; aborts if the host has no memory. */
uint8_t *buffer_grow(Buffer *buffer, size_t size);
void buffer_put(Buffer *buffer, const void *data, size_t size);
void buffer_put8(Buffer *buffer, uint8_t value);
void buffer_put32(Buffer *buffer, uint32_t value);
void buffer_put64(Buffer *buffer, uint64_t value);
/* A length in 8 bits and the text. */
void buffer_put_name(Buffer *buffer, const char *name);
void buffer_free(Buffer *buffer);

/* Reading: once something is missing, `short_of` is set, and everything reads as zeros. */
typedef struct Cursor {
    const uint8_t *at;
    size_t left;
    bool short_of;
} Cursor;

/* NULL if there are not so many. */
const uint8_t *cursor_take(Cursor *cursor, uint64_t size);
uint8_t cursor_take8(Cursor *cursor);
uint32_t cursor_take32(Cursor *cursor);
uint64_t cursor_take64(Cursor *cursor);
/* name holds 256 bytes. What is no printable text counts as missing. */
void cursor_take_name(Cursor *cursor, char *name);

#endif
