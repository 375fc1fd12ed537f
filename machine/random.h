/* Random numbers that can be repeated: xoshiro256** (Blackman and Vigna), seeded by SplitMix64. No secret. */
#ifndef ARMATURE_MACHINE_RANDOM_H
#define ARMATURE_MACHINE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { RANDOM_WORDS = 4 };

void random_seed(uint64_t state[RANDOM_WORDS], uint64_t seed);
void random_bytes(uint64_t state[RANDOM_WORDS], uint8_t *bytes, size_t size);

#endif
