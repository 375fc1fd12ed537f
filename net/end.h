/* The other end of a wire: something that is served on a thread of its own, which waits for descriptors and
 * for what the guest sends. A kind of end is a table of functions; all of them run with the end's lock held,
 * on that thread or (net_end_lock()) another. */
#ifndef ARMATURE_NET_END_H
#define ARMATURE_NET_END_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/error.h"
#include "net/crossing.h"

typedef struct NetEnd NetEnd;

/* What the thread waits for. */
typedef struct NetPolls {
    struct pollfd *fds;
    unsigned count, room;
    int timeout_ms; /* -1: as long as it takes */
} NetPolls;

/* Returns the number by which net_polls_revents() knows it. */
unsigned net_polls_add(NetPolls *polls, int fd, short events);
short net_polls_revents(const NetPolls *polls, unsigned number);
/* Wait no longer than that; -1: no limit. */
void net_polls_limit(NetPolls *polls, int timeout_ms);

typedef struct NetEndOps {
    const char *kind;
    void (*input)(NetEnd *end, const uint8_t *frame, size_t length); /* the guest has sent it */
    void (*fill)(NetEnd *end, NetPolls *polls);                      /* adds what is to be waited for */
    void (*serve)(NetEnd *end, NetPolls *polls);                     /* looks at what is ready */
    void (*free)(NetEnd *end); /* the thread has ended; frees what the kind has made */
} NetEndOps;

/* The first member of each kind's own structure. */
struct NetEnd {
    const NetEndOps *ops;
    NetPort *port;
    Crossing *crossing;
    pthread_t thread;
    bool threaded;
    pthread_mutex_t mutex;
    pthread_cond_t woken; /* the thread does not wait any more */
    bool waiting;         /* for descriptors, which must not be closed meanwhile */
    atomic_uint wanted;   /* others wait for the mutex */
    atomic_bool quit;
    NetPolls polls;
};

/* Connects an end, whose memory is the kind's (calloc), to a port. False with err set if the host has no
 * descriptor left; nothing is to be undone then. */
bool net_end_init(NetEnd *end, const NetEndOps *ops, NetPort *port, Arrivals *arrivals, Error *err);

/* Starts the thread: now, or when the guest sends its first frame. */
bool net_end_start(NetEnd *end, Error *err);
void net_end_start_later(NetEnd *end);

/* Ends the thread, disconnects, and frees the end; NULL is allowed. */
void net_end_free(NetEnd *end);

/* For the end's functions: a frame for the guest. */
void net_end_put(NetEnd *end, const uint8_t *frame, size_t length);

/* For other threads: interrupts the end's thread between two of its rounds, and lets it go on. */
void net_end_lock(NetEnd *end);
void net_end_unlock(NetEnd *end);

#endif
