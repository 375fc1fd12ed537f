/* Virtual time and the machine's one event queue.
 *
 * Time is in nanoseconds since power-on. Where it comes from (the host's clock or the instruction count) is
 * the machine's business; devices only ask clock_now() and set timers. Timers that are due at the same time
 * run in the order of their priority (low first), then of their names, so that a run can be repeated. */
#ifndef ARMATURE_MACHINE_CLOCK_H
#define ARMATURE_MACHINE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_NEVER UINT64_MAX

/* Timers from this priority on are not the machine's, but those of who watches it. */
enum { CLOCK_WATCHERS = 1000 };

typedef struct Clock Clock;

typedef struct Timer {
    const char *name; /* unique enough to order ties: "sp804.0 timer1" */
    int priority;     /* low runs first among equal due times */
    void (*callback)(void *opaque);
    void *opaque;
    uint64_t due; /* virtual ns, CLOCK_NEVER when not running */
    Clock *clock;
    int heap_index; /* place in the queue, -1 when not in it */
} Timer;

/* source(opaque) gives the current virtual time and never goes backwards. */
Clock *clock_new(uint64_t (*source)(void *opaque), void *opaque);
void clock_free(Clock *clock);

uint64_t clock_now(const Clock *clock);

/* Prepares a timer that is not running. name must outlive the timer. */
void timer_init(Timer *timer, Clock *clock, const char *name, int priority, void (*callback)(void *),
                void *opaque);

/* Starts or moves the timer; due may lie in the past (then it runs at the next opportunity). CLOCK_NEVER
 * stops it. */
void timer_set(Timer *timer, uint64_t due);
void timer_cancel(Timer *timer);

/* When the earliest timer is due, CLOCK_NEVER if none runs. */
uint64_t clock_next_due(const Clock *clock);

/* Runs every timer due at or before now. A timer is stopped before its callback is called. */
void clock_run_due(Clock *clock);

/* Of the timers due now, first the machine's own, until none is due; then once each watcher's that is due. So
 * what a watcher does comes at an exact place: behind all that the machine does by then. Whoever needs all to
 * be done calls again while something is due. between() is called between the two; NULL: nothing. */
void clock_run_in_turn(Clock *clock, void (*between)(void *opaque), void *opaque);
/* The machine's own only. */
void clock_run_own(Clock *clock);

/* Moves all timers that run by so many ns: time itself was set to another value. */
void clock_shift(Clock *clock, int64_t ns);

/* How many callbacks were made so far: what tests recognise a storm of events by. */
uint64_t clock_callbacks(const Clock *clock);

/* Called when the earliest due time moved nearer, so that the running engine can shorten its slice. */
void clock_on_sooner(Clock *clock, void (*sooner)(void *opaque), void *opaque);

/* value * mul / div without overflow in between; div must not be 0. */
static inline uint64_t muldiv64(uint64_t value, uint64_t mul, uint64_t div)
{
    return (uint64_t)((unsigned __int128)value * mul / div);
}

/* Ticks of a clock of `hz` that have passed at virtual time ns, and the time at which tick number n begins
 * (rounded up, so that clock_ns_to_ticks(clock_ticks_to_ns(n)) == n). */
static inline uint64_t clock_ns_to_ticks(uint64_t ns, uint64_t hz)
{
    return muldiv64(ns, hz, 1000000000u);
}

static inline uint64_t clock_ticks_to_ns(uint64_t ticks, uint64_t hz)
{
    unsigned __int128 ns = ((unsigned __int128)ticks * 1000000000u + hz - 1) / hz;
    return ns >= CLOCK_NEVER ? CLOCK_NEVER - 1 : (uint64_t)ns;
}

#endif
