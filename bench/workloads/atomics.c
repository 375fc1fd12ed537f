/* Atomic additions, exchanges and comparisons, barriers, and an uncontended mutex. */
#include "workload.h"

#include <pthread.h>

static uint32_t counter, maximum, flags;
static uint64_t wide;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void raise_maximum(uint32_t value)
{
    uint32_t old = __atomic_load_n(&maximum, __ATOMIC_RELAXED);

    while (value > old &&
           !__atomic_compare_exchange_n(&maximum, &old, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        ;
}

uint32_t run(unsigned units)
{
    uint32_t state = 577215664, hash = 0;

    for (unsigned i = 0; i < units * 10000; i++) {
        uint32_t random = next_random(&state);
        hash += __atomic_fetch_add(&counter, random & 7, __ATOMIC_SEQ_CST);
        hash += __atomic_exchange_n(&flags, random, __ATOMIC_ACQ_REL);
        raise_maximum(random >> (i % 8 ? 8 : 0));
        __atomic_fetch_add(&wide, random, __ATOMIC_RELAXED);
        pthread_mutex_lock(&mutex);
        hash = mix(hash, counter);
        pthread_mutex_unlock(&mutex);
    }
    return mix(mix(hash, maximum), (uint32_t)wide ^ (uint32_t)(wide >> 32));
}
