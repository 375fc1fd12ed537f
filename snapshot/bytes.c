#include "snapshot/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

uint8_t *buffer_grow(Buffer *buffer, size_t size)
{
    if (buffer->capacity - buffer->size < size) {
        buffer->capacity = 2 * buffer->capacity + size + 256;
        buffer->data = realloc(buffer->data, buffer->capacity);
        if (!buffer->data)
            abort();
    }
    buffer->size += size;
    return buffer->data + buffer->size - size;
}

void buffer_put(Buffer *buffer, const void *data, size_t size)
{
    if (size)
        memcpy(buffer_grow(buffer, size), data, size);
}

void buffer_put8(Buffer *buffer, uint8_t value)
{
    buffer_put(buffer, &value, sizeof value);
}

void buffer_put32(Buffer *buffer, uint32_t value)
{
    buffer_put(buffer, &value, sizeof value);
}

void buffer_put64(Buffer *buffer, uint64_t value)
{
    buffer_put(buffer, &value, sizeof value);
}

void buffer_put_name(Buffer *buffer, const char *name)
{
    size_t length = strlen(name);
    assert(length < 256);
    buffer_put8(buffer, (uint8_t)length);
    buffer_put(buffer, name, length);
}

void buffer_free(Buffer *buffer)
{
    free(buffer->data);
    *buffer = (Buffer){0};
}

const uint8_t *cursor_take(Cursor *cursor, uint64_t size)
{
    const uint8_t *at = cursor->at;
    if (cursor->short_of || size > cursor->left) {
        cursor->short_of = true;
        return NULL;
    }
    cursor->at += size;
    cursor->left -= size;
    return at;
}

static uint64_t take(Cursor *cursor, size_t size)
{
    uint64_t value = 0;
    const uint8_t *at = cursor_take(cursor, size);
    if (at)
        memcpy(&value, at, size);
    return value;
}

uint8_t cursor_take8(Cursor *cursor)
{
    return (uint8_t)take(cursor, 1);
}

uint32_t cursor_take32(Cursor *cursor)
{
    return (uint32_t)take(cursor, 4);
}

uint64_t cursor_take64(Cursor *cursor)
{
    return take(cursor, 8);
}

void cursor_take_name(Cursor *cursor, char *name)
{
    size_t length = cursor_take8(cursor);
    const uint8_t *text = cursor_take(cursor, length);
    name[0] = 0;
    for (size_t n = 0; text && n < length; n++)
        if (text[n] < ' ' || text[n] > '~')
            cursor->short_of = true;
    if (cursor->short_of || !text)
        return;
    memcpy(name, text, length);
    name[length] = 0;
}
