/* Packets of the GDB remote serial protocol ("Debugging with GDB", appendix "GDB Remote Serial Protocol",
 * section Overview), apart from what they mean: bytes in, packets out, and the other way round. */
#ifndef ARMATURE_FRONTENDS_GDB_WIRE_H
#define ARMATURE_FRONTENDS_GDB_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a packet holds at most, once its escapes are resolved. */
enum { GDB_PACKET_MOST = 16384 };

typedef enum GdbInput {
    GDB_NOTHING,   /* more has to come */
    GDB_PACKET,    /* data[length] is one; data[length] is 0 */
    GDB_DAMAGED,   /* one came whose checksum was wrong, or that was too long */
    GDB_AGAIN,     /* the other side did not get the last one ('-') */
    GDB_INTERRUPT, /* Ctrl-C */
} GdbInput;

typedef struct GdbWire {
    enum { GDB_OUTSIDE, GDB_INSIDE, GDB_ESCAPED, GDB_SUM_HIGH, GDB_SUM_LOW } state;
    uint8_t data[GDB_PACKET_MOST + 1];
    size_t length;
    uint8_t sum, given;
    bool too_long;
} GdbWire;

/* All zeros is the beginning. */
GdbInput gdb_wire_take(GdbWire *wire, uint8_t ch);

/* Frames data as a packet, with put(opaque, ch) for each byte. */
void gdb_wire_frame(const void *data, size_t length, void (*put)(void *opaque, uint8_t ch), void *opaque);

/* The value of a hexadecimal digit; -1: it is none. */
int gdb_digit(uint8_t ch);

#endif
