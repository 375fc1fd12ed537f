/* See loop.h. The watches are an array in the order of their making, which is also the order of their
 * callbacks. What a callback removes stays in the array, dead, until no dispatch is under way. */
#define _GNU_SOURCE
#include "frontends/loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "machine/checked.h"
#include "machine/host_time.h"

#define NEVER UINT64_MAX

struct LoopWatch {
    Loop *loop;
    int fd; /* -1: dead */
    short events, revents;
    void (*ready)(void *opaque, short revents);
    void *opaque;
};

struct LoopTimer {
    Loop *loop;
    LoopTimer *next;
    uint64_t due; /* host ns, NEVER: stopped */
    bool firing;  /* was due when the present round of callbacks began */
    bool dead;
    void (*fire)(void *opaque);
    void *opaque;
};

struct Loop {
    LoopWatch **watch;
    unsigned count, capacity;
    struct pollfd *fds; /* one for each watch, and the wake-up's behind them */
    LoopTimer *timers;
    int wake_fd;
    unsigned depth; /* loop_poll() calls under way: callbacks may poll */
    bool any_dead;
};

/* ---- Making and removing ------------------------------------------------------------------------------ */

static void reserve(Loop *loop)
{
    if (loop->count < loop->capacity)
        return;
    loop->capacity = loop->capacity ? 2 * loop->capacity : 16;
    loop->watch = checked(realloc(loop->watch, loop->capacity * sizeof(LoopWatch *)));
    loop->fds = checked(realloc(loop->fds, (loop->capacity + 1) * sizeof *loop->fds));
}

Loop *loop_new(void)
{
    Loop *loop = checked(calloc(1, sizeof *loop));
    reserve(loop);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0)
        abort();
    return loop;
}

/* Frees what was removed while callbacks ran. */
static void sweep(Loop *loop)
{
    if (!loop->any_dead || loop->depth)
        return;
    unsigned kept = 0;
    for (unsigned n = 0; n < loop->count; n++) {
        if (loop->watch[n]->fd >= 0)
            loop->watch[kept++] = loop->watch[n];
        else
            free(loop->watch[n]);
    }
    loop->count = kept;
    for (LoopTimer **at = &loop->timers; *at;) {
        LoopTimer *timer = *at;
        if (timer->dead) {
            *at = timer->next;
            free(timer);
        } else {
            at = &timer->next;
        }
    }
    loop->any_dead = false;
}

void loop_free(Loop *loop)
{
    if (!loop)
        return;
    assert(!loop->depth);
    for (unsigned n = 0; n < loop->count; n++)
        loop->watch[n]->fd = -1;
    for (LoopTimer *timer = loop->timers; timer; timer = timer->next)
        timer->dead = true;
    loop->any_dead = true;
    sweep(loop);
    close(loop->wake_fd);
    free(loop->watch);
    free(loop->fds);
    free(loop);
}

LoopWatch *loop_watch(Loop *loop, int fd, short events, void (*ready)(void *opaque, short revents),
                      void *opaque)
{
    assert(fd >= 0);
    LoopWatch *watch = checked(calloc(1, sizeof *watch));
    *watch = (LoopWatch){.loop = loop, .fd = fd, .events = events, .ready = ready, .opaque = opaque};
    reserve(loop);
    loop->watch[loop->count++] = watch;
    return watch;
}

void loop_events(LoopWatch *watch, short events)
{
    watch->events = events;
}

void loop_unwatch(LoopWatch *watch)
{
    if (!watch)
        return;
    watch->fd = -1;
    watch->loop->any_dead = true;
    sweep(watch->loop);
}

LoopTimer *loop_timer_new(Loop *loop, void (*fire)(void *opaque), void *opaque)
{
    LoopTimer *timer = checked(calloc(1, sizeof *timer));
    *timer = (LoopTimer){.loop = loop, .next = loop->timers, .due = NEVER, .fire = fire, .opaque = opaque};
    loop->timers = timer;
    return timer;
}

void loop_timer_set(LoopTimer *timer, uint64_t ns)
{
    uint64_t now = ns == UINT64_MAX ? 0 : host_ns();
    timer->due = ns < NEVER - now ? now + ns : NEVER;
    timer->firing = false;
}

void loop_timer_free(LoopTimer *timer)
{
    if (!timer)
        return;
    timer->dead = true;
    timer->loop->any_dead = true;
    sweep(timer->loop);
}

/* ---- Waiting ------------------------------------------------------------------------------------------ */

/* How long to wait: not beyond the first timer. */
static uint64_t until_first_timer(const Loop *loop, uint64_t timeout_ns)
{
    uint64_t due = NEVER;
    for (const LoopTimer *timer = loop->timers; timer; timer = timer->next)
        if (!timer->dead && timer->due < due)
            due = timer->due;
    if (due == NEVER || !timeout_ns)
        return timeout_ns;
    uint64_t now = host_ns(), wait = due > now ? due - now : 0;
    return wait < timeout_ns ? wait : timeout_ns;
}

/* Leaves in each watch what is ready. */
static void wait_for(Loop *loop, uint64_t timeout_ns)
{
    nfds_t count = loop->count;
    for (nfds_t n = 0; n < count; n++)
        loop->fds[n] = (struct pollfd){.fd = loop->watch[n]->fd, .events = loop->watch[n]->events};
    loop->fds[count] = (struct pollfd){.fd = loop->wake_fd, .events = POLLIN};
    struct timespec wait = {(time_t)(timeout_ns / 1000000000u), (long)(timeout_ns % 1000000000u)};
    int ready = ppoll(loop->fds, count + 1, timeout_ns == UINT64_MAX ? NULL : &wait, NULL);
    if (ready < 0 && errno != EINTR && errno != EAGAIN && errno != ENOMEM)
        abort();
    for (nfds_t n = 0; n < count; n++)
        loop->watch[n]->revents = ready > 0 ? loop->fds[n].revents : 0;
    uint64_t wakes;
    if (ready > 0 && loop->fds[count].revents && read(loop->wake_fd, &wakes, sizeof wakes) < 0)
        return; /* somebody else's poll took it */
}

static void dispatch_watches(Loop *loop)
{
    for (unsigned n = 0; n < loop->count; n++) {
        LoopWatch *watch = loop->watch[n];
        short revents = watch->revents & (watch->events | POLLERR | POLLHUP | POLLNVAL);
        watch->revents = 0;
        if (revents & POLLNVAL)
            revents |= POLLERR;
        if (watch->fd >= 0 && revents)
            watch->ready(watch->opaque, revents);
    }
}

/* Timers that callbacks set anew wait for the next round, even if they are due at once. */
static void dispatch_timers(Loop *loop)
{
    uint64_t now = loop->timers ? host_ns() : 0;
    for (LoopTimer *timer = loop->timers; timer; timer = timer->next)
        timer->firing = timer->due != NEVER && timer->due <= now;
    for (LoopTimer *timer = loop->timers; timer; timer = timer->next) {
        if (!timer->firing || timer->dead)
            continue;
        timer->firing = false;
        timer->due = NEVER;
        timer->fire(timer->opaque);
    }
}

void loop_poll(Loop *loop, uint64_t timeout_ns)
{
    wait_for(loop, until_first_timer(loop, timeout_ns));
    loop->depth++;
    dispatch_watches(loop);
    dispatch_timers(loop);
    loop->depth--;
    sweep(loop);
}

void loop_wake(Loop *loop)
{
    int saved = errno;
    if (write(loop->wake_fd, &(uint64_t){1}, sizeof(uint64_t)) < 0) {
        /* The counter is full: it is awake already. */
    }
    errno = saved;
}
