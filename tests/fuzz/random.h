/* The fuzzers' random numbers: the same seed gives the same case on every host. */
#ifndef ARMATURE_TESTS_FUZZ_RANDOM_H
#define ARMATURE_TESTS_FUZZ_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Random {
    uint64_t state;
} Random;

static inline uint32_t random_next(Random *random)
{
    random->state += 0x9e3779b97f4a7c15u;
    uint64_t z = random->state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ z >> 31) >> 16);
}

/* 0 to n - 1. */
static inline uint32_t random_below(Random *random, uint32_t n)
{
    return (uint32_t)((uint64_t)random_next(random) * n >> 32);
}

static inline bool random_one_in(Random *random, uint32_t n)
{
    return random_below(random, n) == 0;
}

/* Numbers at which things tend to go wrong, and all others. */
static inline uint32_t random_value(Random *random)
{
    uint32_t bit = 1u << random_below(random, 32);
    switch (random_below(random, 10)) {
    case 0:
        return 0;
    case 1:
        return bit;
    case 2:
        return bit - 1;
    case 3:
        return ~bit;
    case 4:
        return random_below(random, 16);
    case 5:
        return random_below(random, 256);
    case 6:
        return UINT32_MAX - random_below(random, 16);
    case 7:
        return random_below(random, 0x10000);
    default:
        return random_next(random);
    }
}

#endif
