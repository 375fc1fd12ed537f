/* What threads of the host hand to the machine's thread: finished disk requests, packets.
 *
 * Posting is for any thread. The machine delivers between instructions, at the end of the slice under way, or
 * at once if it sleeps; so each delivery has an exact place in the order of instructions. */
#ifndef ARMATURE_MACHINE_ARRIVALS_H
#define ARMATURE_MACHINE_ARRIVALS_H

#include <stdbool.h>

typedef struct Arrivals Arrivals;

/* Owned by whoever posts it, at an address that stays; all members but run and opaque belong to this module.
 */
typedef struct Arrival {
    void (*run)(void *opaque); /* on the machine's thread; may post again */
    void *opaque;
    struct Arrival *next;
    bool posted;
} Arrival;

Arrivals *arrivals_new(void);
void arrivals_free(Arrivals *arrivals);

/* Any thread. Posting one that waits already changes nothing: it runs once, after the post. */
void arrivals_post(Arrivals *arrivals, Arrival *arrival);

/* Machine's thread: takes back what was posted and has not run. Nobody may be posting it. */
void arrivals_cancel(Arrivals *arrivals, Arrival *arrival);

/* Machine's thread: whether something waits. One relaxed load. */
bool arrivals_waiting(const Arrivals *arrivals);

/* Machine's thread: runs what was posted before, in that order; what is posted meanwhile waits for the next
 * time, so that nobody who posts again and again keeps the guest from running. */
void arrivals_deliver(Arrivals *arrivals);

/* How a thread that posts wakes the machine's thread up while it sleeps: called on that other thread, only
 * between arrivals_sleep(true), which says false if something waits already, and arrivals_sleep(false).
 * Without wake() a sleeper looks by itself from time to time. */
void arrivals_on_wake(Arrivals *arrivals, void (*wake)(void *opaque), void *opaque);
bool arrivals_sleep(Arrivals *arrivals, bool sleeping);

#endif
