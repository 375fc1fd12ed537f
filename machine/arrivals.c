#include "machine/arrivals.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct Arrivals {
    pthread_mutex_t mutex; /* over all but `waiting` */
    Arrival *first, **last;
    unsigned count;
    void (*wake)(void *opaque);
    void *wake_opaque;
    bool sleeping;
    atomic_bool waiting;
};

Arrivals *arrivals_new(void)
{
    Arrivals *arrivals = calloc(1, sizeof *arrivals);
    if (!arrivals)
        abort();
    pthread_mutex_init(&arrivals->mutex, NULL);
    arrivals->last = &arrivals->first;
    return arrivals;
}

void arrivals_free(Arrivals *arrivals)
{
    if (arrivals)
        pthread_mutex_destroy(&arrivals->mutex);
    free(arrivals);
}

void arrivals_post(Arrivals *arrivals, Arrival *arrival)
{
    pthread_mutex_lock(&arrivals->mutex);
    if (!arrival->posted) {
        arrival->posted = true;
        arrival->next = NULL;
        *arrivals->last = arrival;
        arrivals->last = &arrival->next;
        arrivals->count++;
        atomic_store_explicit(&arrivals->waiting, true, memory_order_release);
        if (arrivals->sleeping && arrivals->wake)
            arrivals->wake(arrivals->wake_opaque);
    }
    pthread_mutex_unlock(&arrivals->mutex);
}

/* It is not in the list any more. */
static void taken(Arrivals *arrivals, Arrival *arrival)
{
    arrival->posted = false;
    if (!--arrivals->count)
        atomic_store_explicit(&arrivals->waiting, false, memory_order_relaxed);
}

void arrivals_cancel(Arrivals *arrivals, Arrival *arrival)
{
    pthread_mutex_lock(&arrivals->mutex);
    for (Arrival **at = &arrivals->first; *at; at = &(*at)->next) {
        if (*at != arrival)
            continue;
        *at = arrival->next;
        if (!*at)
            arrivals->last = at;
        taken(arrivals, arrival);
        break;
    }
    pthread_mutex_unlock(&arrivals->mutex);
}

bool arrivals_waiting(const Arrivals *arrivals)
{
    return atomic_load_explicit(&arrivals->waiting, memory_order_relaxed);
}

static Arrival *take(Arrivals *arrivals)
{
    pthread_mutex_lock(&arrivals->mutex);
    Arrival *arrival = arrivals->first;
    if (arrival) {
        arrivals->first = arrival->next;
        if (!arrivals->first)
            arrivals->last = &arrivals->first;
        taken(arrivals, arrival);
    }
    pthread_mutex_unlock(&arrivals->mutex);
    return arrival;
}

void arrivals_deliver(Arrivals *arrivals)
{
    pthread_mutex_lock(&arrivals->mutex);
    unsigned count = arrivals->count;
    pthread_mutex_unlock(&arrivals->mutex);
    for (Arrival *arrival; count && (arrival = take(arrivals)); count--)
        arrival->run(arrival->opaque);
}

void arrivals_on_wake(Arrivals *arrivals, void (*wake)(void *opaque), void *opaque)
{
    pthread_mutex_lock(&arrivals->mutex);
    arrivals->wake = wake;
    arrivals->wake_opaque = opaque;
    pthread_mutex_unlock(&arrivals->mutex);
}

bool arrivals_sleep(Arrivals *arrivals, bool sleeping)
{
    pthread_mutex_lock(&arrivals->mutex);
    arrivals->sleeping = sleeping && !arrivals->first;
    bool asleep = arrivals->sleeping;
    pthread_mutex_unlock(&arrivals->mutex);
    return asleep == sleeping;
}
