/* Two threads that take turns, with a mutex and a condition variable. */
#define _GNU_SOURCE
#include "workload.h"

#include <pthread.h>
#include <sched.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned turn, turns;
static uint32_t value = 1;

static void *play(void *argument)
{
    unsigned me = argument != NULL;

    pthread_mutex_lock(&mutex);
    for (;;) {
        while (turn < turns && turn % 2 != me)
            pthread_cond_wait(&changed, &mutex);
        if (turn >= turns)
            break;
        value = mix(value, me + turn);
        turn++;
        pthread_cond_signal(&changed);
    }
    pthread_mutex_unlock(&mutex);
    return NULL;
}

uint32_t run(unsigned units)
{
    pthread_t other;
    cpu_set_t set;

    /* The guest has one CPU; a second one would make the host's waking slower. */
    CPU_ZERO(&set);
    CPU_SET((unsigned)sched_getcpu(), &set);
    require(sched_setaffinity(0, sizeof set, &set) == 0, "sched_setaffinity");
    turns = units * 500;
    require(pthread_create(&other, NULL, play, &turn) == 0, "pthread_create");
    play(NULL);
    require(pthread_join(other, NULL) == 0, "pthread_join");
    return value;
}
