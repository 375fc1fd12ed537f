/* Exact floating-point arithmetic on integers (DDI 0406C D16.6): one implementation for all formats. */
#include "cpu/fp_soft.h"

#include <stddef.h>

static int minimum_exponent(FpFormat format)
{
    return 2 - (1 << (format.exponent_bits - 1));
}

static bool alternative_half(FpFormat format, FpEnv env)
{
    return format.exponent_bits == 5 && (env & FPSCR_AHP);
}

/* Flush-to-zero does not apply to half precision. */
static bool flushes(FpFormat format, FpEnv env)
{
    return format.exponent_bits != 5 && (env & FPSCR_FZ);
}

static FpType type_of(FpFormat format, unsigned biased, uint64_t fraction, FpEnv env)
{
    if (biased == 0 && fraction == 0)
        return FP_ZERO_T;
    if (biased != fp_exponent_ones(format) || alternative_half(format, env))
        return FP_NONZERO_T;
    if (fraction == 0)
        return FP_INFINITY_T;
    return fraction >> (format.fraction_bits - 1) ? FP_QNAN_T : FP_SNAN_T;
}

FpUnpacked fp_unpack(FpFormat format, uint64_t bits, FpEnv *env)
{
    uint64_t fraction = bits & ((1ull << format.fraction_bits) - 1);
    unsigned biased = (unsigned)(bits >> format.fraction_bits) & fp_exponent_ones(format);
    FpUnpacked u = {.type = type_of(format, biased, fraction, *env),
                    .sign = bits >> (format.exponent_bits + format.fraction_bits) & 1};
    if (u.type != FP_NONZERO_T)
        return u;
    if (biased == 0 && flushes(format, *env)) {
        *env |= FPSCR_IDC;
        u.type = FP_ZERO_T;
        return u;
    }
    uint64_t significand = biased ? fraction | 1ull << format.fraction_bits : fraction;
    int lift = __builtin_clzll(significand);
    u.mantissa = significand << lift;
    u.exponent = (biased ? (int)biased - 1 : 0) + minimum_exponent(format) + 63 - format.fraction_bits - lift;
    return u;
}

bool fp_rounds_up(FpRounding rounding, bool sign, bool odd, uint64_t remainder)
{
    const uint64_t half = 1ull << 63;
    switch (rounding) {
    case FP_RN:
        return remainder > half || (remainder == half && odd);
    case FP_RP:
        return remainder && !sign;
    case FP_RM:
        return remainder && sign;
    default:
        return false;
    }
}

static uint64_t overflowed(FpFormat format, bool sign, FpEnv *env)
{
    FpRounding rounding = fp_rounding(*env);
    bool to_infinity = rounding == FP_RN || rounding == (sign ? FP_RM : FP_RP);
    *env |= FPSCR_OFC | FPSCR_IXC;
    return to_infinity ? fp_infinity(format, sign) : fp_max_normal(format, sign);
}

/* The alternative half-precision format has no infinity: its largest number is all ones. */
static uint64_t overflowed_alternative(bool sign, FpEnv *env)
{
    *env |= FPSCR_IOC;
    return fp_zero(FP_HALF, sign) | 0x7fff;
}

uint64_t fp_round(FpFormat format, bool sign, int exponent, uint64_t mantissa, FpEnv *env)
{
    int too_small = minimum_exponent(format) - exponent;
    if (too_small > 0 && flushes(format, *env)) {
        *env |= FPSCR_UFC;
        return fp_zero(format, sign);
    }
    unsigned biased = too_small > 0 ? 0 : (unsigned)(1 - too_small);
    unsigned shift = 63u - format.fraction_bits + (too_small > 0 ? (unsigned)too_small : 0);
    uint64_t whole = shift > 63 ? 0 : mantissa >> shift;
    uint64_t remainder = shift > 64 ? 1 : mantissa << (64 - shift);
    if (biased == 0 && remainder)
        *env |= FPSCR_UFC;
    whole += fp_rounds_up(fp_rounding(*env), sign, whole & 1, remainder);
    /* A carry out of the fraction goes into the exponent; the implicit 1 of a normal number counts as one
     * too. */
    uint64_t magnitude = whole + ((uint64_t)(biased ? biased - 1 : 0) << format.fraction_bits);
    unsigned top = (unsigned)(magnitude >> format.fraction_bits);
    if (alternative_half(format, *env)) {
        if (top > fp_exponent_ones(format))
            return overflowed_alternative(sign, env);
    } else if (top >= fp_exponent_ones(format)) {
        return overflowed(format, sign, env);
    }
    if (remainder)
        *env |= FPSCR_IXC;
    return fp_zero(format, sign) | magnitude;
}

uint64_t fp_round_wide(FpFormat format, bool sign, int exponent, uint128 wide, FpEnv *env)
{
    if (wide == 0)
        return fp_zero(format, sign);
    uint64_t high = (uint64_t)(wide >> 64), low = (uint64_t)wide;
    int lift = high ? __builtin_clzll(high) : 64 + __builtin_clzll(low);
    wide <<= lift;
    uint64_t mantissa = (uint64_t)(wide >> 64) | ((uint64_t)wide != 0);
    return fp_round(format, sign, exponent + 1 - lift, mantissa, env);
}

uint64_t fp_process_nan(FpFormat format, FpType type, uint64_t bits, FpEnv *env)
{
    if (type == FP_SNAN_T) {
        *env |= FPSCR_IOC;
        bits |= 1ull << (format.fraction_bits - 1);
    }
    return *env & FPSCR_DN ? fp_default_nan(format) : bits;
}

bool fp_process_nans(FpFormat format, FpType type1, FpType type2, uint64_t a, uint64_t b, uint64_t *result,
                     FpEnv *env)
{
    if (!fp_is_nan(type1) && !fp_is_nan(type2))
        return false;
    bool first = type1 == FP_SNAN_T || (type2 != FP_SNAN_T && type1 == FP_QNAN_T);
    *result = fp_process_nan(format, first ? type1 : type2, first ? a : b, env);
    return true;
}

static uint64_t invalid(FpFormat format, FpEnv *env)
{
    *env |= FPSCR_IOC;
    return fp_default_nan(format);
}

/* Both are FP_NONZERO_T. */
static uint64_t sum_of_numbers(FpFormat format, FpUnpacked x, FpUnpacked y, bool halve, FpEnv *env)
{
    if (x.exponent < y.exponent || (x.exponent == y.exponent && x.mantissa < y.mantissa)) {
        FpUnpacked swap = x;
        x = y;
        y = swap;
    }
    uint128 big = (uint128)x.mantissa << 63;
    uint128 small = fp_shift_right_jam((uint128)y.mantissa << 63, (unsigned)(x.exponent - y.exponent));
    uint128 sum = x.sign == y.sign ? big + small : big - small;
    bool sign = sum ? x.sign : fp_rounding(*env) == FP_RM;
    return fp_round_wide(format, sign, x.exponent - halve, sum, env);
}

uint64_t fp_soft_sum(FpFormat format, uint64_t a, uint64_t b, FpSumKind kind, FpEnv *env)
{
    uint64_t result;
    FpUnpacked x = fp_unpack(format, a, env), y = fp_unpack(format, b, env);
    if (fp_process_nans(format, x.type, y.type, a, b, &result, env))
        return result;
    y.sign ^= kind.negate_b;
    if (x.type == FP_INFINITY_T && y.type == FP_INFINITY_T && x.sign != y.sign)
        return invalid(format, env);
    if (x.type == FP_INFINITY_T)
        return fp_infinity(format, x.sign);
    if (y.type == FP_INFINITY_T)
        return fp_infinity(format, y.sign);
    if (x.type == FP_ZERO_T && y.type == FP_ZERO_T)
        return fp_zero(format, x.sign == y.sign ? x.sign : fp_rounding(*env) == FP_RM);
    if (x.type == FP_ZERO_T)
        return fp_round(format, y.sign, y.exponent - kind.halve, y.mantissa, env);
    if (y.type == FP_ZERO_T)
        return fp_round(format, x.sign, x.exponent - kind.halve, x.mantissa, env);
    return sum_of_numbers(format, x, y, kind.halve, env);
}

uint64_t fp_soft_mul(FpFormat format, uint64_t a, uint64_t b, FpEnv *env)
{
    uint64_t result;
    FpUnpacked x = fp_unpack(format, a, env), y = fp_unpack(format, b, env);
    if (fp_process_nans(format, x.type, y.type, a, b, &result, env))
        return result;
    bool sign = x.sign != y.sign;
    bool any_zero = x.type == FP_ZERO_T || y.type == FP_ZERO_T;
    if (x.type == FP_INFINITY_T || y.type == FP_INFINITY_T)
        return any_zero ? invalid(format, env) : fp_infinity(format, sign);
    if (any_zero)
        return fp_zero(format, sign);
    uint128 product = (uint128)x.mantissa * y.mantissa;
    return fp_round_wide(format, sign, x.exponent + y.exponent, product, env);
}

uint64_t fp_soft_div(FpFormat format, uint64_t a, uint64_t b, FpEnv *env)
{
    uint64_t result;
    FpUnpacked x = fp_unpack(format, a, env), y = fp_unpack(format, b, env);
    if (fp_process_nans(format, x.type, y.type, a, b, &result, env))
        return result;
    bool sign = x.sign != y.sign;
    if (x.type == y.type && x.type != FP_NONZERO_T)
        return invalid(format, env);
    if (x.type == FP_INFINITY_T)
        return fp_infinity(format, sign);
    if (y.type == FP_ZERO_T) {
        *env |= FPSCR_DZC;
        return fp_infinity(format, sign);
    }
    if (x.type == FP_ZERO_T || y.type == FP_INFINITY_T)
        return fp_zero(format, sign);
    bool smaller = x.mantissa < y.mantissa;
    uint128 dividend = (uint128)x.mantissa << (smaller ? 64 : 63);
    uint64_t quotient = (uint64_t)(dividend / y.mantissa);
    quotient |= dividend % y.mantissa != 0;
    return fp_round(format, sign, x.exponent - y.exponent - smaller, quotient, env);
}

/* The integer square root; the argument is at least 2^126. */
static uint64_t square_root(uint128 x)
{
    uint64_t root = 0;
    for (int bit = 63; bit >= 0; bit--) {
        uint64_t candidate = root | 1ull << bit;
        if ((uint128)candidate * candidate <= x)
            root = candidate;
    }
    return root;
}

uint64_t fp_soft_sqrt(FpFormat format, uint64_t a, FpEnv *env)
{
    FpUnpacked x = fp_unpack(format, a, env);
    if (fp_is_nan(x.type))
        return fp_process_nan(format, x.type, a, env);
    if (x.type == FP_ZERO_T)
        return fp_zero(format, x.sign);
    if (x.sign)
        return invalid(format, env);
    if (x.type == FP_INFINITY_T)
        return fp_infinity(format, false);
    bool odd = x.exponent & 1;
    uint128 radicand = (uint128)x.mantissa << (odd ? 64 : 63);
    uint64_t root = square_root(radicand);
    root |= (uint128)root * root != radicand;
    return fp_round(format, false, (x.exponent - odd) / 2, root, env);
}

/* The order of two values that are no NaNs. */
static FpOrder order(FpUnpacked x, FpUnpacked y)
{
    if (x.type == FP_ZERO_T && y.type == FP_ZERO_T)
        return FP_EQUAL;
    if (x.type == FP_ZERO_T)
        return y.sign ? FP_GREATER : FP_LESS;
    if (y.type == FP_ZERO_T || x.sign != y.sign)
        return x.sign ? FP_LESS : FP_GREATER;
    FpOrder larger = x.sign ? FP_LESS : FP_GREATER, smaller = x.sign ? FP_GREATER : FP_LESS;
    if (x.type != y.type)
        return x.type == FP_INFINITY_T ? larger : smaller;
    if (x.type == FP_INFINITY_T || (x.exponent == y.exponent && x.mantissa == y.mantissa))
        return FP_EQUAL;
    if (x.exponent != y.exponent)
        return x.exponent > y.exponent ? larger : smaller;
    return x.mantissa > y.mantissa ? larger : smaller;
}

FpOrder fp_soft_compare(FpFormat format, uint64_t a, uint64_t b, bool signal_quiet, FpEnv *env)
{
    FpUnpacked x = fp_unpack(format, a, env), y = fp_unpack(format, b, env);
    if (fp_is_nan(x.type) || fp_is_nan(y.type)) {
        if (signal_quiet || x.type == FP_SNAN_T || y.type == FP_SNAN_T)
            *env |= FPSCR_IOC;
        return FP_UNORDERED;
    }
    return order(x, y);
}
