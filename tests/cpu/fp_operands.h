/* Operands for floating-point tests: a fixed pseudo-random sequence with many values from the corners. */
#ifndef ARMATURE_TESTS_FP_OPERANDS_H
#define ARMATURE_TESTS_FP_OPERANDS_H

#include <stdint.h>

typedef struct Random {
    uint64_t state;
} Random;

static inline uint64_t random64(Random *r)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return r->state * 0x2545f4914f6cdd1dull;
}

static const uint32_t special32[] = {
    0x00000000, 0x00000001, 0x00000002, 0x007fffff, 0x00800000, 0x00800001, 0x00ffffff, 0x01000000,
    0x3f000000, 0x3f7fffff, 0x3f800000, 0x3f800001, 0x3fffffff, 0x40000000, 0x4b000000, 0x4b7fffff,
    0x4effffff, 0x4f000000, 0x4f7fffff, 0x4f800000, 0x7e800000, 0x7f000000, 0x7f7ffffe, 0x7f7fffff,
    0x7f800000, 0x7f800001, 0x7fbfffff, 0x7fc00000, 0x7fc12345, 0x7fffffff, 0x38800000, 0x387fffff,
    0x33000000, 0x33000001, 0x477fefff, 0x477ff000,
};

static const uint64_t special64[] = {
    0x0000000000000000, 0x0000000000000001, 0x000fffffffffffff, 0x0010000000000000, 0x0010000000000001,
    0x001fffffffffffff, 0x0020000000000000, 0x3fe0000000000000, 0x3fefffffffffffff, 0x3ff0000000000000,
    0x3ff0000000000001, 0x4000000000000000, 0x4330000000000000, 0x41dfffffffc00000, 0x41dfffffffe00000,
    0x41e0000000000000, 0x41efffffffe00000, 0x41efffffffefffff, 0x41f0000000000000, 0x7fd0000000000000,
    0x7fe0000000000000, 0x7fefffffffffffff, 0x7ff0000000000000, 0x7ff0000000000001, 0x7ff7ffffffffffff,
    0x7ff8000000000000, 0x7ff8123456789abc, 0x380fffffffffffff, 0x3810000000000000, 0x36a0000000000000,
    0x369fffffffffffff, 0x47efffffefffffff, 0x47effffff0000000,
};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* A third from anywhere, a third of few significant bits and middling size, and corners with small changes.
 */
static inline uint32_t operand32(Random *r)
{
    uint64_t x = random64(r);
    uint32_t sign = (uint32_t)(x >> 32) & 0x80000000, bits = (uint32_t)x;
    switch (x >> 60) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        return bits;
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
        return sign | (120 + bits % 16) << 23 | ((bits >> 8 & 0x7fffff) & ~0u << (x >> 40 & 31) % 24);
    case 10:
    case 11:
    case 12:
        return sign | (110 + bits % 40) << 23 | (bits >> 8 & 0x7fffff);
    case 13:
        return (sign | special32[bits % COUNT_OF(special32)]) + (bits >> 30) - 1;
    default:
        return sign | special32[bits % COUNT_OF(special32)];
    }
}

static inline uint64_t operand64(Random *r)
{
    uint64_t x = random64(r), y = random64(r);
    uint64_t sign = y & 1ull << 63, fraction = y & 0xfffffffffffff;
    switch (x >> 60) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        return y;
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
        return sign | (1016 + x % 16) << 52 | (fraction & ~0ull << (x >> 40) % 53);
    case 10:
    case 11:
    case 12:
        return sign | (1000 + x % 50) << 52 | fraction;
    case 13:
        return (sign | special64[x % COUNT_OF(special64)]) + (x >> 20) % 4 - 1;
    default:
        return sign | special64[x % COUNT_OF(special64)];
    }
}

#endif
