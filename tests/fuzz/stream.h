/* What a fuzzer sends to a socket: it arrives in pieces of any size. */
#ifndef ARMATURE_TESTS_FUZZ_STREAM_H
#define ARMATURE_TESTS_FUZZ_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/fuzz/random.h"

typedef struct Stream {
    int fd; /* not blocking for long: the other side is the same thread */
    uint8_t *data;
    size_t length, done, capacity;
} Stream;

static inline void stream_add(Stream *stream, const void *data, size_t length)
{
    if (stream->done == stream->length)
        stream->done = stream->length = 0;
    if (stream->length + length > stream->capacity) {
        stream->capacity = 2 * (stream->length + length);
        stream->data = realloc(stream->data, stream->capacity);
        if (!stream->data)
            abort();
    }
    memcpy(stream->data + stream->length, data, length);
    stream->length += length;
}

static inline bool stream_is_sent(const Stream *stream)
{
    return stream->done == stream->length;
}

/* Sends some of what waits, if the other side takes it. */
static inline void stream_send(Stream *stream, Random *random)
{
    size_t left = stream->length - stream->done, part = 1 + random_below(random, 400);
    part = random_one_in(random, 3) || left > 5000 || part > left ? left : part;
    ssize_t sent = send(stream->fd, stream->data + stream->done, part, MSG_DONTWAIT | MSG_NOSIGNAL);
    stream->done += sent > 0 ? (size_t)sent : 0;
}

#endif
