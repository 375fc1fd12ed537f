/* Floating-point arithmetic and comparisons.
 *
 * Fast paths compute with the host's single and double arithmetic, which rounds each operation once, to
 * nearest. They are taken if rounding is to nearest, the operands are normal numbers (or zeros) away from the
 * ends of the range, and so is the result: then nothing can overflow, underflow, be flushed or be a NaN, and
 * all that is left to find out is whether the result is exact. That need not be asked once IXC is set. The
 * integer arithmetic of fp_soft.c does everything else. This file must not be compiled with contraction to
 * fused operations or with -ffast-math. */
#include "cpu/fp_host.h"
#include "cpu/fp_soft.h"

#include <math.h>

/* Of the product of two 53-bit significands: whether it fits 53 bits. The number of zeros at its end is the
 * sum of theirs; with 52, the length of the product, 105 or 106 bits, decides. */
typedef enum Fits { FITS_NOT, FITS_PERHAPS, FITS } Fits;

static inline Fits product_fits(uint64_t a, uint64_t b)
{
    int zeros = __builtin_ctzll(a | 1ull << 52) + __builtin_ctzll(b | 1ull << 52);
    return zeros > 52 ? FITS : zeros == 52 ? FITS_PERHAPS : FITS_NOT;
}

/* ---- Single precision ---- */

static uint32_t soft32_sum(uint32_t a, uint32_t b, bool negate_b, FpEnv *env)
{
    return (uint32_t)fp_soft_sum(FP_SINGLE, a, b, (FpSumKind){negate_b, false}, env);
}

/* True if the sum of a and b, none of them a NaN, was computed into *result. */
static inline bool fast32_add(uint32_t a, uint32_t b, uint32_t *result, FpEnv *env)
{
    if (!nearest(env) || !plain_or_zero32(a) || !plain_or_zero32(b))
        return false;
    float x = to_float(a), y = to_float(b), sum = x + y;
    *result = from_float(sum);
    if (!plain_or_zero32(*result))
        return false;
    if (must_see_inexact(env)) {
        bool swap = a << 1 < b << 1;
        float large = swap ? y : x, small = swap ? x : y;
        inexact_if(env, sum - large != small);
    }
    return true;
}

uint32_t fp32_add(uint32_t a, uint32_t b, FpEnv *env)
{
    uint32_t result;
    return fast32_add(a, b, &result, env) ? result : soft32_sum(a, b, false, env);
}

uint32_t fp32_sub(uint32_t a, uint32_t b, FpEnv *env)
{
    uint32_t result;
    return fast32_add(a, fp32_neg(b), &result, env) ? result : soft32_sum(a, b, true, env);
}

uint32_t fp32_mul(uint32_t a, uint32_t b, FpEnv *env)
{
    if (nearest(env) && plain_or_zero32(a) && plain_or_zero32(b)) {
        double exact = (double)to_float(a) * to_float(b);
        float rounded = (float)exact;
        uint32_t result = from_float(rounded);
        if (plain32(result) || zero32(a) || zero32(b)) {
            inexact_if(env, rounded != exact);
            return result;
        }
    }
    return (uint32_t)fp_soft_mul(FP_SINGLE, a, b, env);
}

uint32_t fp32_div(uint32_t a, uint32_t b, FpEnv *env)
{
    if (nearest(env) && plain32(a) && plain32(b)) {
        float quotient = to_float(a) / to_float(b);
        uint32_t result = from_float(quotient);
        if (plain32(result)) {
            inexact_if(env, (double)quotient * to_float(b) != to_float(a));
            return result;
        }
    }
    return (uint32_t)fp_soft_div(FP_SINGLE, a, b, env);
}

uint32_t fp32_sqrt(uint32_t a, FpEnv *env)
{
    if (nearest(env) && plain32(a) && !(a >> 31)) {
        float root = sqrtf(to_float(a));
        inexact_if(env, (double)root * root != to_float(a));
        return from_float(root);
    }
    return (uint32_t)fp_soft_sqrt(FP_SINGLE, a, env);
}

/* ---- Double precision ---- */

static uint64_t soft64_sum(uint64_t a, uint64_t b, bool negate_b, FpEnv *env)
{
    return fp_soft_sum(FP_DOUBLE, a, b, (FpSumKind){negate_b, false}, env);
}

static inline bool fast64_add(uint64_t a, uint64_t b, uint64_t *result, FpEnv *env)
{
    if (!nearest(env) || !plain_or_zero64(a) || !plain_or_zero64(b))
        return false;
    double x = to_double(a), y = to_double(b), sum = x + y;
    *result = from_double(sum);
    if (!plain_or_zero64(*result))
        return false;
    if (must_see_inexact(env)) {
        bool swap = a << 1 < b << 1;
        double large = swap ? y : x, small = swap ? x : y;
        inexact_if(env, sum - large != small);
    }
    return true;
}

uint64_t fp64_add(uint64_t a, uint64_t b, FpEnv *env)
{
    uint64_t result;
    return fast64_add(a, b, &result, env) ? result : soft64_sum(a, b, false, env);
}

uint64_t fp64_sub(uint64_t a, uint64_t b, FpEnv *env)
{
    uint64_t result;
    return fast64_add(a, fp64_neg(b), &result, env) ? result : soft64_sum(a, b, true, env);
}

uint64_t fp64_mul(uint64_t a, uint64_t b, FpEnv *env)
{
    if (nearest(env) && plain_or_zero64(a) && plain_or_zero64(b)) {
        uint64_t result = from_double(to_double(a) * to_double(b));
        if (plain64(result) || zero64(a) || zero64(b)) {
            if (!must_see_inexact(env))
                return result;
            Fits fits = product_fits(a, b);
            inexact_if(env, fits == FITS_NOT);
            if (fits != FITS_PERHAPS)
                return result;
        }
    }
    return fp_soft_mul(FP_DOUBLE, a, b, env);
}

/* A quotient or root is exact if multiplying back gives the operand and this product is exact itself. */
uint64_t fp64_div(uint64_t a, uint64_t b, FpEnv *env)
{
    if (nearest(env) && plain64(a) && plain64(b)) {
        double quotient = to_double(a) / to_double(b);
        uint64_t result = from_double(quotient);
        if (plain64(result)) {
            if (!must_see_inexact(env))
                return result;
            Fits fits = product_fits(result, b);
            inexact_if(env, fits == FITS_NOT || (fits == FITS && quotient * to_double(b) != to_double(a)));
            if (fits != FITS_PERHAPS)
                return result;
        }
    }
    return fp_soft_div(FP_DOUBLE, a, b, env);
}

uint64_t fp64_sqrt(uint64_t a, FpEnv *env)
{
    if (nearest(env) && plain64(a) && !(a >> 63)) {
        double root = sqrt(to_double(a));
        uint64_t result = from_double(root);
        if (!must_see_inexact(env))
            return result;
        Fits fits = product_fits(result, result);
        inexact_if(env, fits == FITS_NOT || (fits == FITS && root * root != to_double(a)));
        if (fits != FITS_PERHAPS)
            return result;
    }
    return fp_soft_sqrt(FP_DOUBLE, a, env);
}

/* ---- Comparisons ---- */

static uint32_t order_to_nzcv(FpOrder order)
{
    static const uint32_t nzcv[] = {[FP_LESS] = FPSCR_N,
                                    [FP_EQUAL] = FPSCR_Z | FPSCR_C,
                                    [FP_GREATER] = FPSCR_C,
                                    [FP_UNORDERED] = FPSCR_C | FPSCR_V};
    return nzcv[order];
}

static inline FpOrder compare32(uint32_t a, uint32_t b, bool signal_quiet, FpEnv *env)
{
    if (plain_or_zero32(a) && plain_or_zero32(b)) {
        float x = to_float(a), y = to_float(b);
        return x < y ? FP_LESS : x == y ? FP_EQUAL : FP_GREATER;
    }
    return fp_soft_compare(FP_SINGLE, a, b, signal_quiet, env);
}

static inline FpOrder compare64(uint64_t a, uint64_t b, bool signal_quiet, FpEnv *env)
{
    if (plain_or_zero64(a) && plain_or_zero64(b)) {
        double x = to_double(a), y = to_double(b);
        return x < y ? FP_LESS : x == y ? FP_EQUAL : FP_GREATER;
    }
    return fp_soft_compare(FP_DOUBLE, a, b, signal_quiet, env);
}

uint32_t fp32_compare(uint32_t a, uint32_t b, bool signal_quiet, FpEnv *env)
{
    return order_to_nzcv(compare32(a, b, signal_quiet, env));
}

uint32_t fp64_compare(uint64_t a, uint64_t b, bool signal_quiet, FpEnv *env)
{
    return order_to_nzcv(compare64(a, b, signal_quiet, env));
}

bool fp32_compare_eq(uint32_t a, uint32_t b, FpEnv *env)
{
    return compare32(a, b, false, env) == FP_EQUAL;
}

bool fp32_compare_ge(uint32_t a, uint32_t b, FpEnv *env)
{
    FpOrder order = compare32(a, b, true, env);
    return order == FP_EQUAL || order == FP_GREATER;
}

bool fp32_compare_gt(uint32_t a, uint32_t b, FpEnv *env)
{
    return compare32(a, b, true, env) == FP_GREATER;
}

/* FPMax and FPMin: wanted is the order of a to b in which a is the result. */
static uint32_t select32(uint32_t a, uint32_t b, FpOrder wanted, FpEnv *env)
{
    uint64_t result;
    FpUnpacked x = fp_unpack(FP_SINGLE, a, env), y = fp_unpack(FP_SINGLE, b, env);
    if (fp_process_nans(FP_SINGLE, x.type, y.type, a, b, &result, env))
        return (uint32_t)result;
    if (x.type == FP_ZERO_T && y.type == FP_ZERO_T)
        return (uint32_t)fp_zero(FP_SINGLE, wanted == FP_GREATER ? x.sign && y.sign : x.sign || y.sign);
    FpEnv ignored = *env;
    bool first = fp_soft_compare(FP_SINGLE, a, b, false, &ignored) == wanted;
    FpUnpacked chosen = first ? x : y;
    return chosen.type == FP_ZERO_T ? (uint32_t)fp_zero(FP_SINGLE, chosen.sign) : first ? a : b;
}

uint32_t fp32_max(uint32_t a, uint32_t b, FpEnv *env)
{
    return select32(a, b, FP_GREATER, env);
}

uint32_t fp32_min(uint32_t a, uint32_t b, FpEnv *env)
{
    return select32(a, b, FP_LESS, env);
}
