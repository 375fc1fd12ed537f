/* Host file descriptors and host-time timers, served on the machine's thread: while the guest is idle by
 * waiting for them, while it is busy by a look every millisecond. Nothing here is visible to the guest except
 * through what the callbacks do. */
#ifndef ARMATURE_FRONTENDS_LOOP_H
#define ARMATURE_FRONTENDS_LOOP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Loop Loop;
typedef struct LoopWatch LoopWatch;
typedef struct LoopTimer LoopTimer;

Loop *loop_new(void);
void loop_free(Loop *loop); /* frees what is still watched; closes no fd */

/* Calls ready(opaque, revents) when one of `events` (POLLIN, POLLOUT; 0: not for now) holds for fd, or
 * POLLERR or POLLHUP do. Callbacks may watch, unwatch (themselves too) and change events. The fd is not
 * owned. */
LoopWatch *loop_watch(Loop *loop, int fd, short events, void (*ready)(void *opaque, short revents),
                      void *opaque);
void loop_events(LoopWatch *watch, short events);
void loop_unwatch(LoopWatch *watch); /* NULL is allowed */

/* Calls fire(opaque) once, ns of host time from now. loop_timer_set() starts it again or moves it. */
LoopTimer *loop_timer_new(Loop *loop, void (*fire)(void *opaque), void *opaque);
void loop_timer_set(LoopTimer *timer, uint64_t ns); /* UINT64_MAX: stops it */
void loop_timer_free(LoopTimer *timer);             /* NULL is allowed */

/* Waits at most timeout_ns (0: only looks; UINT64_MAX: as long as it takes) for a descriptor or timer, and
 * calls back for each that is ready. Returns early when a signal handler called loop_wake(). */
void loop_poll(Loop *loop, uint64_t timeout_ns);
void loop_wake(Loop *loop); /* async-signal-safe, and from other threads */

#endif
