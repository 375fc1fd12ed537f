#include "machine/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct Clock {
    uint64_t (*source)(void *opaque);
    void *source_opaque;
    void (*sooner)(void *opaque);
    void *sooner_opaque;
    Timer **heap; /* binary heap, earliest first */
    int count, capacity;
    uint64_t callbacks;
};

Clock *clock_new(uint64_t (*source)(void *opaque), void *opaque)
{
    Clock *clock = calloc(1, sizeof *clock);
    if (!clock)
        abort();
    clock->source = source;
    clock->source_opaque = opaque;
    return clock;
}

void clock_free(Clock *clock)
{
    if (clock)
        free(clock->heap);
    free(clock);
}

uint64_t clock_now(const Clock *clock)
{
    return clock->source(clock->source_opaque);
}

static bool before(const Timer *a, const Timer *b)
{
    if (a->due != b->due)
        return a->due < b->due;
    if (a->priority != b->priority)
        return a->priority < b->priority;
    return strcmp(a->name, b->name) < 0;
}

static void place(Clock *clock, int index, Timer *timer)
{
    clock->heap[index] = timer;
    timer->heap_index = index;
}

static void sift_up(Clock *clock, int index)
{
    Timer *timer = clock->heap[index];
    while (index > 0 && before(timer, clock->heap[(index - 1) / 2])) {
        place(clock, index, clock->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    place(clock, index, timer);
}

static void sift_down(Clock *clock, int index)
{
    Timer *timer = clock->heap[index];
    for (;;) {
        int child = 2 * index + 1;
        if (child >= clock->count)
            break;
        if (child + 1 < clock->count && before(clock->heap[child + 1], clock->heap[child]))
            child++;
        if (!before(clock->heap[child], timer))
            break;
        place(clock, index, clock->heap[child]);
        index = child;
    }
    place(clock, index, timer);
}

void timer_init(Timer *timer, Clock *clock, const char *name, int priority, void (*callback)(void *),
                void *opaque)
{
    *timer = (Timer){.name = name,
                     .priority = priority,
                     .callback = callback,
                     .opaque = opaque,
                     .due = CLOCK_NEVER,
                     .clock = clock,
                     .heap_index = -1};
}

static void insert(Clock *clock, Timer *timer)
{
    if (clock->count == clock->capacity) {
        clock->capacity = clock->capacity ? 2 * clock->capacity : 32;
        clock->heap = realloc(clock->heap, (size_t)clock->capacity * sizeof *clock->heap);
        if (!clock->heap)
            abort();
    }
    place(clock, clock->count++, timer);
    sift_up(clock, timer->heap_index);
}

void timer_cancel(Timer *timer)
{
    Clock *clock = timer->clock;
    int index = timer->heap_index;
    timer->due = CLOCK_NEVER;
    timer->heap_index = -1;
    if (index < 0)
        return;
    Timer *last = clock->heap[--clock->count];
    if (last == timer)
        return;
    place(clock, index, last);
    sift_up(clock, index);
    sift_down(clock, last->heap_index);
}

void timer_set(Timer *timer, uint64_t due)
{
    timer_cancel(timer);
    if (due == CLOCK_NEVER)
        return;
    timer->due = due;
    insert(timer->clock, timer);
    if (timer->heap_index == 0 && timer->clock->sooner)
        timer->clock->sooner(timer->clock->sooner_opaque);
}

uint64_t clock_next_due(const Clock *clock)
{
    return clock->count ? clock->heap[0]->due : CLOCK_NEVER;
}

void clock_run_due(Clock *clock)
{
    uint64_t now = clock_now(clock);
    while (clock->count && clock->heap[0]->due <= now) {
        Timer *timer = clock->heap[0];
        timer_cancel(timer);
        clock->callbacks++;
        timer->callback(timer->opaque);
    }
}

/* The order stays: what would leave the range of times ends up at the same end. */
void clock_shift(Clock *clock, int64_t ns)
{
    for (int n = 0; n < clock->count; n++) {
        Timer *timer = clock->heap[n];
        if (ns < 0)
            timer->due = timer->due > (uint64_t)-ns ? timer->due - (uint64_t)-ns : 0;
        else
            timer->due =
                timer->due < CLOCK_NEVER - 1 - (uint64_t)ns ? timer->due + (uint64_t)ns : CLOCK_NEVER - 1;
    }
}

uint64_t clock_callbacks(const Clock *clock)
{
    return clock->callbacks;
}

void clock_on_sooner(Clock *clock, void (*sooner)(void *opaque), void *opaque)
{
    clock->sooner = sooner;
    clock->sooner_opaque = opaque;
}
