#define _GNU_SOURCE
#include "net/end.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- What is waited for ------------------------------------------------------------------------------- */

unsigned net_polls_add(NetPolls *polls, int fd, short events)
{
    if (polls->count == polls->room) {
        polls->room = 2 * polls->room + 8;
        polls->fds = realloc(polls->fds, polls->room * sizeof *polls->fds);
        if (!polls->fds)
            abort();
    }
    polls->fds[polls->count] = (struct pollfd){.fd = fd, .events = events};
    return polls->count++;
}

short net_polls_revents(const NetPolls *polls, unsigned number)
{
    return number < polls->count ? polls->fds[number].revents : 0;
}

void net_polls_limit(NetPolls *polls, int timeout_ms)
{
    if (timeout_ms >= 0 && (polls->timeout_ms < 0 || timeout_ms < polls->timeout_ms))
        polls->timeout_ms = timeout_ms;
}

/* ---- The thread --------------------------------------------------------------------------------------- */

static void input(void *opaque, const uint8_t *frame, size_t length)
{
    NetEnd *end = opaque;
    end->ops->input(end, frame, length);
}

/* Whoever waits for the lock gets it. */
static void give_way(NetEnd *end)
{
    while (atomic_load(&end->wanted)) {
        pthread_mutex_unlock(&end->mutex);
        sched_yield();
        pthread_mutex_lock(&end->mutex);
    }
}

/* While the guest takes nothing, nothing is fetched for it, nor asked for by what it sends. */
static void wait_round(NetEnd *end, bool blocked)
{
    NetPolls *polls = &end->polls;
    polls->count = 0;
    polls->timeout_ms = -1;
    net_polls_add(polls, crossing_fd(end->crossing), POLLIN);
    if (!blocked)
        end->ops->fill(end, polls);
    if (!crossing_sleep(end->crossing, blocked) || atomic_load(&end->quit))
        polls->timeout_ms = 0;
    end->waiting = true;
    pthread_mutex_unlock(&end->mutex);
    int ready = poll(polls->fds, polls->count, polls->timeout_ms);
    pthread_mutex_lock(&end->mutex);
    end->waiting = false;
    pthread_cond_broadcast(&end->woken);
    if (ready < 0)
        for (unsigned n = 0; n < polls->count; n++)
            polls->fds[n].revents = 0;
    crossing_woken(end->crossing, polls->fds[0].revents);
}

static void *run(void *opaque)
{
    NetEnd *end = opaque;
    pthread_mutex_lock(&end->mutex);
    while (!atomic_load(&end->quit)) {
        give_way(end);
        bool blocked = crossing_full(end->crossing);
        if (!blocked)
            crossing_take(end->crossing, input, end);
        wait_round(end, blocked);
        if (!blocked)
            end->ops->serve(end, &end->polls);
    }
    pthread_mutex_unlock(&end->mutex);
    return NULL;
}

bool net_end_start(NetEnd *end, Error *err)
{
    sigset_t all, old;
    if (end->threaded)
        return true;
    /* Signals are for the machine's thread. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    int failed = pthread_create(&end->thread, NULL, run, end);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    end->threaded = !failed;
    return !failed || error_set(err, "no thread for the network: %s", strerror(failed));
}

static void first_frame(void *opaque)
{
    Error err;
    if (!net_end_start(opaque, &err))
        fprintf(stderr, "armature: %s\n", err.text);
}

void net_end_start_later(NetEnd *end)
{
    crossing_on_first(end->crossing, first_frame, end);
}

/* ---- Beginning and end -------------------------------------------------------------------------------- */

bool net_end_init(NetEnd *end, const NetEndOps *ops, NetPort *port, Arrivals *arrivals, Error *err)
{
    end->crossing = crossing_new(port, arrivals);
    if (!end->crossing)
        return error_set(err, "no descriptor for the network: %s", strerror(errno));
    end->ops = ops;
    end->port = port;
    pthread_mutex_init(&end->mutex, NULL);
    pthread_cond_init(&end->woken, NULL);
    return true;
}

void net_end_free(NetEnd *end)
{
    if (!end)
        return;
    atomic_store(&end->quit, true);
    crossing_wake(end->crossing);
    if (end->threaded)
        pthread_join(end->thread, NULL);
    if (end->ops->free)
        end->ops->free(end);
    crossing_free(end->crossing);
    pthread_cond_destroy(&end->woken);
    pthread_mutex_destroy(&end->mutex);
    free(end->polls.fds);
    free(end);
}

void net_end_put(NetEnd *end, const uint8_t *frame, size_t length)
{
    crossing_put(end->crossing, frame, length);
}

void net_end_lock(NetEnd *end)
{
    atomic_fetch_add(&end->wanted, 1);
    crossing_wake(end->crossing);
    pthread_mutex_lock(&end->mutex);
    while (end->waiting)
        pthread_cond_wait(&end->woken, &end->mutex);
    atomic_fetch_sub(&end->wanted, 1);
}

void net_end_unlock(NetEnd *end)
{
    pthread_mutex_unlock(&end->mutex);
}
