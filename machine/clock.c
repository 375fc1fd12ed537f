#include "machine/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct Clock {
    uint64_t (*source)(void *opaque);
    void *source_opaque;
    void (*sooner)(void *opaque);
    void *sooner_opaque;
    struct Heap {
        Timer **timer; /* binary heap, earliest first */
        int count, capacity;
    } heap[2]; /* the machine's own timers, watchers' */
    uint64_t callbacks;
};

typedef struct Heap Heap;

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
        for (unsigned n = 0; n < 2; n++)
            free(clock->heap[n].timer);
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

static Heap *heap_of(const Timer *timer)
{
    return &timer->clock->heap[timer->priority >= CLOCK_WATCHERS];
}

static void place(Heap *heap, int index, Timer *timer)
{
    heap->timer[index] = timer;
    timer->heap_index = index;
}

static void sift_up(Heap *heap, int index)
{
    Timer *timer = heap->timer[index];
    while (index > 0 && before(timer, heap->timer[(index - 1) / 2])) {
        place(heap, index, heap->timer[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    place(heap, index, timer);
}

static void sift_down(Heap *heap, int index)
{
    Timer *timer = heap->timer[index];
    for (;;) {
        int child = 2 * index + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && before(heap->timer[child + 1], heap->timer[child]))
            child++;
        if (!before(heap->timer[child], timer))
            break;
        place(heap, index, heap->timer[child]);
        index = child;
    }
    place(heap, index, timer);
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

static void insert(Heap *heap, Timer *timer)
{
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity ? 2 * heap->capacity : 32;
        heap->timer = realloc(heap->timer, (size_t)heap->capacity * sizeof *heap->timer);
        if (!heap->timer)
            abort();
    }
    place(heap, heap->count++, timer);
    sift_up(heap, timer->heap_index);
}

void timer_cancel(Timer *timer)
{
    int index = timer->heap_index;
    timer->due = CLOCK_NEVER;
    timer->heap_index = -1;
    if (index < 0)
        return;
    Heap *heap = heap_of(timer);
    Timer *last = heap->timer[--heap->count];
    if (last == timer)
        return;
    place(heap, index, last);
    sift_up(heap, index);
    sift_down(heap, last->heap_index);
}

void timer_set(Timer *timer, uint64_t due)
{
    timer_cancel(timer);
    if (due == CLOCK_NEVER)
        return;
    timer->due = due;
    insert(heap_of(timer), timer);
    if (timer->heap_index == 0 && timer->clock->sooner)
        timer->clock->sooner(timer->clock->sooner_opaque);
}

static Timer *first_of(const Heap *heap)
{
    return heap->count ? heap->timer[0] : NULL;
}

/* The earliest of both heaps. */
static Timer *first(const Clock *clock)
{
    Timer *own = first_of(&clock->heap[0]), *watcher = first_of(&clock->heap[1]);
    return !own || (watcher && before(watcher, own)) ? watcher : own;
}

uint64_t clock_next_due(const Clock *clock)
{
    const Timer *timer = first(clock);
    return timer ? timer->due : CLOCK_NEVER;
}

static void fire(Clock *clock, Timer *timer)
{
    timer_cancel(timer);
    clock->callbacks++;
    timer->callback(timer->opaque);
}

void clock_run_due(Clock *clock)
{
    uint64_t now = clock_now(clock);
    for (Timer *timer; (timer = first(clock)) && timer->due <= now;)
        fire(clock, timer);
}

void clock_run_own(Clock *clock)
{
    uint64_t now = clock_now(clock);
    for (Timer *timer; (timer = first_of(&clock->heap[0])) && timer->due <= now;)
        fire(clock, timer);
}

void clock_run_in_turn(Clock *clock, void (*between)(void *opaque), void *opaque)
{
    clock_run_own(clock);
    if (between)
        between(opaque);
    uint64_t now = clock_now(clock);
    int count = clock->heap[1].count;
    for (Timer *timer; count-- > 0 && (timer = first_of(&clock->heap[1])) && timer->due <= now;)
        fire(clock, timer);
}

/* The order stays: what would leave the range of times ends up at the same end. */
void clock_shift(Clock *clock, int64_t ns)
{
    for (unsigned k = 0; k < 2; k++)
        for (int n = 0; n < clock->heap[k].count; n++) {
            Timer *timer = clock->heap[k].timer[n];
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
