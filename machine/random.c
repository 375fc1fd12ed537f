#include "machine/random.h"

#include <string.h>

/* SplitMix64 spreads the seed, so that no state is all zeros. */
void random_seed(uint64_t s[RANDOM_WORDS], uint64_t seed)
{
    for (unsigned n = 0; n < RANDOM_WORDS; n++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        s[n] = z ^ z >> 31;
    }
}

static uint64_t rotate(uint64_t value, unsigned by)
{
    return value << by | value >> (64 - by);
}

static uint64_t generate(uint64_t s[RANDOM_WORDS])
{
    uint64_t result = rotate(s[1] * 5, 7) * 9, shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

void random_bytes(uint64_t s[RANDOM_WORDS], uint8_t *bytes, size_t size)
{
    for (size_t n = 0; n < size; n += sizeof(uint64_t)) {
        uint64_t word = generate(s);
        memcpy(bytes + n, &word, size - n < sizeof word ? size - n : sizeof word);
    }
}
