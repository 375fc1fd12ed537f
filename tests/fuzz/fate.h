/* What decides a fuzzed driver's run, and what came of it. */
#ifndef ARMATURE_TESTS_FUZZ_FATE_H
#define ARMATURE_TESTS_FUZZ_FATE_H

#include "tests/fuzz/random.h"

typedef struct Fate {
    Random random;
    uint32_t care; /* one thing in so many is wrong */
    uint64_t sum;  /* fingerprint of what guest, user and host see */
} Fate;

/* careful: 0 to 3, how seldom there are mistakes. */
static inline Fate fate_of(uint64_t seed, uint64_t careful)
{
    Fate fate = {.random = {seed}, .care = 20};
    for (; careful; careful--)
        fate.care *= 10;
    return fate;
}

static inline void mix(Fate *fate, uint32_t value)
{
    fate->sum = (fate->sum ^ value) * 0x100000001b3u;
}

static inline uint32_t below(Fate *fate, uint32_t n)
{
    return random_below(&fate->random, n);
}

static inline bool one_in(Fate *fate, uint32_t n)
{
    return random_one_in(&fate->random, n);
}

static inline bool mistake(Fate *fate)
{
    return one_in(fate, fate->care);
}

/* A number at which things tend to go wrong, or any other. */
static inline uint32_t anything(Fate *fate)
{
    return random_value(&fate->random);
}

#endif
