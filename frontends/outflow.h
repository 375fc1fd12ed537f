/* Output on its way to a host descriptor. It waits in a buffer, is written whenever the loop polls and the
 * descriptor takes it, and says when it is too much. Without a descriptor it just waits. */
#ifndef ARMATURE_FRONTENDS_OUTFLOW_H
#define ARMATURE_FRONTENDS_OUTFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontends/loop.h"

/* Above the first it is full, until it has fallen to the second. */
enum { OUTFLOW_FULL = 1 << 16, OUTFLOW_ROOM = 1 << 15 };

typedef struct Outflow {
    Loop *loop;
    LoopWatch *watch;
    int fd;        /* -1: none. Not owned */
    size_t most;   /* bytes per write() */
    bool once;     /* the descriptor blocks: one write() each time poll() allows one */
    bool full;     /* see above */
    bool discards; /* until the descriptor takes something again */
    uint8_t *data;
    size_t head, length, capacity;
    uint64_t written; /* bytes in all: shows progress */
    void (*failed)(void *opaque, int error);
    void *opaque;
} Outflow;

/* failed(opaque, errno) is called from the loop when the descriptor takes nothing any more (EPIPE, ENOSPC
 * and so on); it has to close or free the outflow. */
void outflow_init(Outflow *out, Loop *loop, void (*failed)(void *opaque, int error), void *opaque);
void outflow_free(Outflow *out);

/* Begins writing to fd. A descriptor that blocks is allowed: it is given no more than poll() promises. */
void outflow_open(Outflow *out, int fd);

/* Forgets the descriptor; what waits is kept. */
void outflow_close(Outflow *out);

void outflow_put(Outflow *out, uint8_t ch);

/* Drops what waits, but for the newest `keep` bytes. */
void outflow_trim(Outflow *out, size_t keep);

/* Drops what waits and what comes, until the descriptor is ready again. */
void outflow_discard(Outflow *out);

/* Writes what goes at once. False (with errno) if the descriptor failed. */
bool outflow_flush(Outflow *out);

/* A descriptor of our own, non-blocking, for the terminal, pipe or device that fd is open for writing on: the
 * flags of fd itself are shared with other processes. -1 if there is no such thing (files, sockets). */
int outflow_reopen(int fd);

#endif
