#include "snapshot/hash64.h"

#include <string.h>

#define PRIME1 UINT64_C(0x9e3779b185ebca87)
#define PRIME2 UINT64_C(0xc2b2ae3d27d4eb4f)
#define PRIME3 UINT64_C(0x165667b19e3779f9)
#define PRIME4 UINT64_C(0x85ebca77c2b2ae63)
#define PRIME5 UINT64_C(0x27d4eb2f165667c5)

enum { LANES = 4, STRIPE = 8 * LANES };

static uint64_t rotate(uint64_t value, unsigned by)
{
    return value << by | value >> (64 - by);
}

static uint64_t word64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint64_t add_word(uint64_t lane, uint64_t word)
{
    return rotate(lane + word * PRIME2, 31) * PRIME1;
}

static uint64_t merge(uint64_t sum, uint64_t lane)
{
    return (sum ^ add_word(0, lane)) * PRIME1 + PRIME4;
}

static uint64_t add_stripes(const uint8_t *at, size_t stripes, uint64_t seed)
{
    uint64_t a = seed + PRIME1 + PRIME2, b = seed + PRIME2, c = seed, d = seed - PRIME1;
    for (; stripes; stripes--, at += STRIPE) {
        a = add_word(a, word64(at));
        b = add_word(b, word64(at + 8));
        c = add_word(c, word64(at + 16));
        d = add_word(d, word64(at + 24));
    }
    uint64_t sum = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
    return merge(merge(merge(merge(sum, a), b), c), d);
}

static uint64_t add_rest(uint64_t sum, const uint8_t *at, size_t size)
{
    for (; size >= 8; size -= 8, at += 8)
        sum = rotate(sum ^ add_word(0, word64(at)), 27) * PRIME1 + PRIME4;
    for (; size >= 4; size -= 4, at += 4) {
        uint32_t word;
        memcpy(&word, at, sizeof word);
        sum = rotate(sum ^ word * PRIME1, 23) * PRIME2 + PRIME3;
    }
    for (; size; size--, at++)
        sum = rotate(sum ^ *at * PRIME5, 11) * PRIME1;
    return sum;
}

uint64_t hash64(const void *data, size_t size, uint64_t seed)
{
    size_t stripes = size / STRIPE;
    uint64_t sum = stripes ? add_stripes(data, stripes, seed) : seed + PRIME5;
    sum = add_rest(sum + size, (const uint8_t *)data + stripes * STRIPE, size % STRIPE);
    sum = (sum ^ sum >> 33) * PRIME2;
    sum = (sum ^ sum >> 29) * PRIME3;
    return sum ^ sum >> 32;
}
