/* Exact floating-point arithmetic on integers: what fp.c falls back to, and the building blocks of the
 * conversions. Private to cpu/fp*.c (and their tests). Names follow the pseudo-code of DDI 0406C D16.6. */
#ifndef ARMATURE_CPU_FP_SOFT_H
#define ARMATURE_CPU_FP_SOFT_H

#include "cpu/fp.h"

typedef unsigned __int128 uint128;

/* An IEEE 754 interchange format of at most 64 bits. */
typedef struct FpFormat {
    uint8_t exponent_bits, fraction_bits;
} FpFormat;

#define FP_HALF ((FpFormat){5, 10})
#define FP_SINGLE ((FpFormat){8, 23})
#define FP_DOUBLE ((FpFormat){11, 52})

typedef enum FpType { FP_ZERO_T, FP_NONZERO_T, FP_INFINITY_T, FP_QNAN_T, FP_SNAN_T } FpType;

/* If type is FP_NONZERO_T, bit 63 of mantissa is set and the magnitude is mantissa / 2^63 * 2^exponent. */
typedef struct FpUnpacked {
    FpType type;
    bool sign;
    int exponent;
    uint64_t mantissa;
} FpUnpacked;

static inline unsigned fp_exponent_ones(FpFormat format)
{
    return (1u << format.exponent_bits) - 1;
}

static inline uint64_t fp_zero(FpFormat format, bool sign)
{
    return (uint64_t)sign << (format.exponent_bits + format.fraction_bits);
}

static inline uint64_t fp_infinity(FpFormat format, bool sign)
{
    return fp_zero(format, sign) | (uint64_t)fp_exponent_ones(format) << format.fraction_bits;
}

static inline uint64_t fp_default_nan(FpFormat format)
{
    return fp_infinity(format, false) | 1ull << (format.fraction_bits - 1);
}

static inline uint64_t fp_max_normal(FpFormat format, bool sign)
{
    return fp_infinity(format, sign) - 1;
}

static inline FpRounding fp_rounding(FpEnv env)
{
    return (FpRounding)(env >> FP_RMODE_SHIFT & 3);
}

static inline bool fp_is_nan(FpType type)
{
    return type >= FP_QNAN_T;
}

/* value << n and value >> n for any n; what leaves on the right is kept in bit 0 ("jammed"). */
static inline uint128 fp_shift_right_jam(uint128 value, unsigned n)
{
    if (n == 0)
        return value;
    if (n > 127)
        return value != 0;
    return value >> n | ((value << (128 - n)) != 0);
}

FpUnpacked fp_unpack(FpFormat format, uint64_t bits, FpEnv *env);
/* FPRound: mantissa is normalised (bit 63), with everything below bit 0 jammed into it. */
uint64_t fp_round(FpFormat format, bool sign, int exponent, uint64_t mantissa, FpEnv *env);
/* As fp_round, for any value: wide / 2^126 * 2^exponent; zero gives a zero of that sign. */
uint64_t fp_round_wide(FpFormat format, bool sign, int exponent, uint128 wide, FpEnv *env);
/* Whether to round the magnitude up: remainder is the part cut off, as a fraction of 2^64. */
bool fp_rounds_up(FpRounding rounding, bool sign, bool odd, uint64_t remainder);
/* FPProcessNaN of a NaN operand; FPProcessNaNs: false if neither operand is a NaN. */
uint64_t fp_process_nan(FpFormat format, FpType type, uint64_t bits, FpEnv *env);
bool fp_process_nans(FpFormat format, FpType type1, FpType type2, uint64_t a, uint64_t b, uint64_t *result,
                     FpEnv *env);

/* FPAdd; with negate_b FPSub; with halve the sum is halved before it is rounded (FPHalvedSub). */
typedef struct FpSumKind {
    bool negate_b, halve;
} FpSumKind;

uint64_t fp_soft_sum(FpFormat format, uint64_t a, uint64_t b, FpSumKind kind, FpEnv *env);
uint64_t fp_soft_mul(FpFormat format, uint64_t a, uint64_t b, FpEnv *env);
uint64_t fp_soft_div(FpFormat format, uint64_t a, uint64_t b, FpEnv *env);
uint64_t fp_soft_sqrt(FpFormat format, uint64_t a, FpEnv *env);

/* How a compares to b. */
typedef enum FpOrder { FP_LESS, FP_EQUAL, FP_GREATER, FP_UNORDERED } FpOrder;

/* Sets IOC for signalling NaNs, with signal_quiet for any NaN. */
FpOrder fp_soft_compare(FpFormat format, uint64_t a, uint64_t b, bool signal_quiet, FpEnv *env);

#endif
