/* Conversions between floating-point formats, and to and from integers and fixed-point numbers. */
#include "cpu/fp_host.h"
#include "cpu/fp_soft.h"

/* ---- Between floating-point formats ---- */

/* Moves the fraction of a NaN to the other format, top-aligned, and makes it quiet. */
static uint64_t convert_nan(FpFormat from, FpFormat to, const FpUnpacked *u, uint64_t bits, FpEnv *env)
{
    if (u->type == FP_SNAN_T)
        *env |= FPSCR_IOC;
    if (*env & FPSCR_DN)
        return fp_default_nan(to);
    uint64_t fraction = bits & ((1ull << from.fraction_bits) - 1);
    int wider = to.fraction_bits - from.fraction_bits;
    fraction = wider >= 0 ? fraction << wider : fraction >> -wider;
    return fp_infinity(to, u->sign) | 1ull << (to.fraction_bits - 1) | fraction;
}

static uint64_t convert(FpFormat from, FpFormat to, uint64_t bits, FpEnv *env)
{
    FpUnpacked u = fp_unpack(from, bits, env);
    switch (u.type) {
    case FP_ZERO_T:
        return fp_zero(to, u.sign);
    case FP_INFINITY_T:
        return fp_infinity(to, u.sign);
    case FP_NONZERO_T:
        return fp_round(to, u.sign, u.exponent, u.mantissa, env);
    default:
        return convert_nan(from, to, &u, bits, env);
    }
}

uint64_t fp32_to_fp64(uint32_t a, FpEnv *env)
{
    if (plain_or_zero32(a))
        return from_double((double)to_float(a));
    return convert(FP_SINGLE, FP_DOUBLE, a, env);
}

uint32_t fp64_to_fp32(uint64_t a, FpEnv *env)
{
    if (nearest(env) && plain_or_zero64(a)) {
        double d = to_double(a);
        float f = (float)d;
        uint32_t result = from_float(f);
        if (plain32(result) || zero64(a)) {
            inexact_if(env, (double)f != d);
            return result;
        }
    }
    return (uint32_t)convert(FP_DOUBLE, FP_SINGLE, a, env);
}

uint32_t fp16_to_fp32(uint16_t a, FpEnv *env)
{
    return (uint32_t)convert(FP_HALF, FP_SINGLE, a, env);
}

/* The alternative half-precision format has neither NaNs nor infinities (FPSingleToHalf). */
static uint16_t to_alternative_half(const FpUnpacked *u, FpEnv *env)
{
    *env |= FPSCR_IOC;
    return (uint16_t)(fp_zero(FP_HALF, u->sign) | (u->type == FP_INFINITY_T ? 0x7fff : 0));
}

uint16_t fp32_to_fp16(uint32_t a, FpEnv *env)
{
    if (*env & FPSCR_AHP) {
        FpEnv probe = *env;
        FpUnpacked u = fp_unpack(FP_SINGLE, a, &probe);
        if (u.type >= FP_INFINITY_T)
            return to_alternative_half(&u, env);
    }
    return (uint16_t)convert(FP_SINGLE, FP_HALF, a, env);
}

/* ---- To fixed point ---- */

/* The largest magnitude of that sign. */
static uint64_t limit_of(FpFixed to, bool sign)
{
    if (to.is_unsigned)
        return sign ? 0 : (1ull << to.size) - 1;
    return (1ull << (to.size - 1)) - !sign;
}

static uint32_t from_magnitude(uint64_t magnitude, bool sign)
{
    return (uint32_t)(sign ? -magnitude : magnitude);
}

static uint32_t to_fixed(FpFormat from, uint64_t bits, FpFixed to, bool round_zero, FpEnv *env)
{
    FpUnpacked u = fp_unpack(from, bits, env);
    if (u.type == FP_ZERO_T)
        return 0;
    if (fp_is_nan(u.type)) {
        *env |= FPSCR_IOC;
        return 0;
    }
    int exponent = u.exponent + to.fraction;
    uint64_t limit = limit_of(to, u.sign);
    if (u.type == FP_INFINITY_T || exponent > 32) {
        *env |= FPSCR_IOC;
        return from_magnitude(limit, u.sign);
    }
    /* mantissa / 2^63 * 2^exponent as a whole number and a remainder in 2^-64 */
    unsigned shift = (unsigned)(63 - exponent);
    uint64_t whole = shift > 63 ? 0 : u.mantissa >> shift;
    uint64_t remainder = shift > 64 ? 1 : u.mantissa << (64 - shift);
    FpRounding rounding = round_zero ? FP_RZ : fp_rounding(*env);
    whole += fp_rounds_up(rounding, u.sign, whole & 1, remainder);
    if (whole > limit) {
        *env |= FPSCR_IOC;
        return from_magnitude(limit, u.sign);
    }
    inexact_if(env, remainder != 0);
    return from_magnitude(whole, u.sign);
}

/* The common case in C programs: to an integer, towards zero. */
static inline bool fast_to_int(double d, FpFixed to, bool round_zero, uint32_t *result, FpEnv *env)
{
    if (!round_zero || to.size != 32 || to.fraction != 0)
        return false;
    bool fits = to.is_unsigned ? d > -1 && d < 0x1p32 : d > -0x1p31 && d < 0x1p31;
    if (!fits)
        return false;
    int64_t whole = (int64_t)d;
    inexact_if(env, (double)whole != d);
    *result = (uint32_t)whole;
    return true;
}

uint32_t fp32_to_fixed(uint32_t a, FpFixed to, bool round_zero, FpEnv *env)
{
    uint32_t result;
    if (plain_or_zero32(a) && fast_to_int((double)to_float(a), to, round_zero, &result, env))
        return result;
    return to_fixed(FP_SINGLE, a, to, round_zero, env);
}

uint32_t fp64_to_fixed(uint64_t a, FpFixed to, bool round_zero, FpEnv *env)
{
    uint32_t result;
    if (plain_or_zero64(a) && fast_to_int(to_double(a), to, round_zero, &result, env))
        return result;
    return to_fixed(FP_DOUBLE, a, to, round_zero, env);
}

/* ---- From fixed point ---- */

static inline int64_t extend(uint32_t value, FpFixed from)
{
    if (from.size == 32)
        return from.is_unsigned ? (int64_t)value : (int32_t)value;
    return from.is_unsigned ? (uint16_t)value : (int16_t)value;
}

uint64_t fp64_from_fixed(uint32_t value, FpFixed from, bool round_nearest, FpEnv *env)
{
    (void)round_nearest; /* 32 bits fit: always exact */
    (void)env;
    double d = (double)extend(value, from);
    if (from.fraction == 0)
        return from_double(d);
    double scale = to_double((uint64_t)(1023 - from.fraction) << 52); /* 2^-fraction */
    return from_double(d * scale);
}

uint32_t fp32_from_fixed(uint32_t value, FpFixed from, bool round_nearest, FpEnv *env)
{
    uint64_t exact = fp64_from_fixed(value, from, round_nearest, env);
    FpEnv rounding = round_nearest ? *env & ~FPSCR_RMODE : *env;
    uint32_t result = fp64_to_fp32(exact, &rounding);
    *env |= rounding & FPSCR_FLAGS;
    return result;
}
