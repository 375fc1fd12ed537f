/* What every benchmark workload shares. A workload is one file with run(), a fixed amount of work per unit;
 * it gives the same checksum on every platform, which shows that the same work was done. */
#ifndef ARMATURE_BENCH_WORKLOAD_H
#define ARMATURE_BENCH_WORKLOAD_H

#include <stdint.h>

/* Does units times the workload's unit of work and returns a checksum of the results. */
uint32_t run(unsigned units);

/* Ends the program with a message if something that has to work does not. */
void require(int success, const char *what);

/* Keeps the compiler from knowing the value. */
#define OPAQUE(value) __asm__ volatile("" : "+r"(value))

static inline uint32_t next_random(uint32_t *state)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

static inline uint32_t mix(uint32_t hash, uint32_t value)
{
    hash = (hash ^ value) * 0x9e3779b1u;
    return hash ^ hash >> 15;
}

#endif
