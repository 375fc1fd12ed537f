/* Reciprocal and reciprocal square root: estimates of 8 bits and Newton-Raphson steps (DDI 0406C A2.7.7). */
#include "cpu/fp_soft.h"

#define FP32_TWO 0x40000000u
#define FP32_THREE 0x40400000u

/* recip_estimate of the manual: q is the operand in [0.5, 1.0) times 512, rounded down; the result is the
 * estimate in [1.0, 2.0) times 256. With the operand (2q + 1) / 1024, it is 256 * 1024 / (2q + 1), rounded to
 * nearest. */
static uint32_t recip_estimate(uint32_t q)
{
    uint32_t odd = 2 * q + 1;
    return ((1u << 19) / odd + 1) / 2;
}

/* floor(2^n / sqrt(x)) for x > 0: the largest r with r * r * x <= 2^2n, below 2^10. */
static uint32_t scaled_rsqrt(uint32_t x, unsigned n)
{
    uint32_t r = 0;
    for (uint32_t bit = 1 << 10; bit; bit >>= 1)
        if ((uint64_t)(r | bit) * (r | bit) * x <= 1ull << 2 * n)
            r |= bit;
    return r;
}

/* recip_sqrt_estimate: of q / 512 (q from 128 to 255: operand in [0.25, 0.5)) or q / 256 (q from 128 to 255:
 * operand in [0.5, 1.0), below_half false). The result is the estimate in [1.0, 2.0) times 256: with the
 * operand x = (2q + 1) / 1024 or (2q + 1) / 512, it is 256 / sqrt(x) rounded to nearest. */
static uint32_t rsqrt_estimate(uint32_t q, bool below_half)
{
    /* twice 256 / sqrt(x) is 512 * 32 / sqrt(2q + 1) or 512 * 16 * sqrt(2) / sqrt(2q + 1) */
    uint32_t odd = 2 * q + 1;
    uint32_t twice = below_half ? scaled_rsqrt(odd, 14) : scaled_rsqrt(2 * odd, 14);
    return (twice + 1) / 2;
}

uint32_t u32_recip_estimate(uint32_t a)
{
    if (!(a >> 31))
        return 0xffffffff;
    return recip_estimate(a >> 23) << 23;
}

uint32_t u32_rsqrt_estimate(uint32_t a)
{
    if (!(a >> 30))
        return 0xffffffff;
    return (a >> 31 ? rsqrt_estimate(a >> 24, false) : rsqrt_estimate(a >> 23, true)) << 23;
}

static uint32_t infinity_by_zero(bool sign, FpEnv *env)
{
    *env |= FPSCR_DZC;
    return (uint32_t)fp_infinity(FP_SINGLE, sign);
}

/* The number with that biased exponent whose significand is estimate / 256. */
static uint32_t from_estimate(bool sign, uint32_t biased_exponent, uint32_t estimate)
{
    return (uint32_t)fp_zero(FP_SINGLE, sign) | biased_exponent << 23 | (estimate & 0xff) << 15;
}

uint32_t fp32_recip_estimate(uint32_t a, FpEnv *env)
{
    FpUnpacked u = fp_unpack(FP_SINGLE, a, env);
    if (fp_is_nan(u.type))
        return (uint32_t)fp_process_nan(FP_SINGLE, u.type, a, env);
    if (u.type == FP_INFINITY_T)
        return (uint32_t)fp_zero(FP_SINGLE, u.sign);
    if (u.type == FP_ZERO_T)
        return infinity_by_zero(u.sign, env);
    if (u.exponent >= 126) {
        *env |= FPSCR_UFC;
        return (uint32_t)fp_zero(FP_SINGLE, u.sign);
    }
    uint32_t q = (uint32_t)(u.mantissa >> 55);
    return from_estimate(u.sign, (uint32_t)(126 - u.exponent), recip_estimate(q));
}

uint32_t fp32_rsqrt_estimate(uint32_t a, FpEnv *env)
{
    FpUnpacked u = fp_unpack(FP_SINGLE, a, env);
    if (fp_is_nan(u.type))
        return (uint32_t)fp_process_nan(FP_SINGLE, u.type, a, env);
    if (u.type == FP_ZERO_T)
        return infinity_by_zero(u.sign, env);
    if (u.sign) {
        *env |= FPSCR_IOC;
        return FP32_DEFAULT_NAN;
    }
    if (u.type == FP_INFINITY_T)
        return 0;
    uint32_t biased = (uint32_t)(u.exponent + 127), q = (uint32_t)(u.mantissa >> 56);
    bool below_half = biased & 1;
    return from_estimate(false, (380 - biased) / 2, rsqrt_estimate(q, below_half));
}

/* The product of a step: infinity times zero is zero here. */
static uint32_t step_product(uint32_t a, uint32_t b, FpEnv *env)
{
    FpUnpacked x = fp_unpack(FP_SINGLE, a, env), y = fp_unpack(FP_SINGLE, b, env);
    if ((x.type == FP_INFINITY_T && y.type == FP_ZERO_T) || (x.type == FP_ZERO_T && y.type == FP_INFINITY_T))
        return 0;
    return fp32_mul(a, b, env);
}

static bool any_nan(uint32_t a, uint32_t b, uint32_t *result, FpEnv *env)
{
    uint64_t nan;
    FpUnpacked x = fp_unpack(FP_SINGLE, a, env), y = fp_unpack(FP_SINGLE, b, env);
    bool any = fp_process_nans(FP_SINGLE, x.type, y.type, a, b, &nan, env);
    *result = any ? (uint32_t)nan : 0;
    return any;
}

uint32_t fp32_recip_step(uint32_t a, uint32_t b, FpEnv *env)
{
    uint32_t result;
    if (any_nan(a, b, &result, env))
        return result;
    return fp32_sub(FP32_TWO, step_product(a, b, env), env);
}

uint32_t fp32_rsqrt_step(uint32_t a, uint32_t b, FpEnv *env)
{
    uint32_t result;
    if (any_nan(a, b, &result, env))
        return result;
    uint32_t product = step_product(a, b, env);
    return (uint32_t)fp_soft_sum(FP_SINGLE, FP32_THREE, product, (FpSumKind){.negate_b = true, .halve = true},
                                 env);
}
