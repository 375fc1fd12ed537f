/* The host's time, for what is not part of the machine's state: statistics, patience, how often to look. */
#ifndef ARMATURE_MACHINE_HOST_TIME_H
#define ARMATURE_MACHINE_HOST_TIME_H

#include <stdint.h>
#include <time.h>

/* What one of the host's clocks (CLOCK_*) shows, in ns. */
static inline uint64_t host_clock_ns(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Host time in ns, from some moment of the past; it only goes forward. */
static inline uint64_t host_ns(void)
{
    return host_clock_ns(CLOCK_MONOTONIC);
}

/* The time that the calling thread has computed, in ns. */
static inline uint64_t host_thread_ns(void)
{
    return host_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

#endif
