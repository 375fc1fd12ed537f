/* Where frames cross between the machine's thread and the thread that serves a network: one lane each way,
 * under one lock, in batches. Neither side waits for the other: who finds a lane full keeps what he has, and
 * is told when there is room.
 *
 * Memory is bounded: a lane is full from CROSSING_FULL bytes on, and a frame that was begun before still
 * fits. */
#ifndef ARMATURE_NET_CROSSING_H
#define ARMATURE_NET_CROSSING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/arrivals.h"
#include "machine/net.h"

enum { CROSSING_FULL = 1 << 20 };

typedef struct Crossing Crossing;

/* Connects the port's host side. NULL: no descriptor was to be had; errno says why. */
Crossing *crossing_new(NetPort *port, Arrivals *arrivals);
/* Machine's thread, when the network's thread has ended. */
void crossing_free(Crossing *crossing);

/* Calls first(opaque), on the machine's thread, before the first frame from the guest crosses. */
void crossing_on_first(Crossing *crossing, void (*first)(void *opaque), void *opaque);

/* ---- The network's thread ---- */

/* A frame for the guest. False: it was lost, as the lane was long full. */
bool crossing_put(Crossing *crossing, const uint8_t *frame, size_t length);
/* No more should be put: the guest does not take what it has got. */
bool crossing_full(Crossing *crossing);
/* Calls each() for every frame that the guest has sent so far. */
void crossing_take(Crossing *crossing, void (*each)(void *opaque, const uint8_t *frame, size_t length),
                   void *opaque);
/* Before waiting for crossing_fd(): false if there is a reason not to wait. `blocked`: only room for the
 * guest's frames is waited for. */
bool crossing_sleep(Crossing *crossing, bool blocked);
/* After waiting; whether the descriptor is readable. */
void crossing_woken(Crossing *crossing, bool readable);
/* Becomes readable when the thread has to look at the lanes, or crossing_wake() was called. */
int crossing_fd(const Crossing *crossing);

/* Any thread: ends a sleep. */
void crossing_wake(Crossing *crossing);

#endif
