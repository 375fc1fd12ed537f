/* fp.h against the host's arithmetic (IEEE 754 in hardware), in all rounding modes and with flags. Where the
 * Arm architecture says more or other than the host does (NaNs, tininess before rounding) the expectation is
 * made here. */
#include "cpu/fp_soft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fp_operands.h"

enum { ROUNDS = 60000 };

static const int host_rounding[] = {
    [FP_RN] = FE_TONEAREST, [FP_RP] = FE_UPWARD, [FP_RM] = FE_DOWNWARD, [FP_RZ] = FE_TOWARDZERO};

static float as_float(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static double as_double(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static uint32_t bits_of_float(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static uint64_t bits_of_double(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

/* A result with the flags of FPSCR it sets. */
typedef struct Outcome {
    uint64_t value;
    uint32_t flags;
} Outcome;

typedef enum Op { ADD, SUB, MUL, DIV, SQRT, OPS } Op;
static const char *const op_name[] = {"add", "sub", "mul", "div", "sqrt"};

static float host_op32(Op op, float a, float b)
{
    volatile float x = a, y = b, z;
    switch (op) {
    case ADD:
        z = x + y;
        break;
    case SUB:
        z = x - y;
        break;
    case MUL:
        z = x * y;
        break;
    case DIV:
        z = x / y;
        break;
    default:
        z = sqrtf(x);
    }
    return z;
}

static double host_op64(Op op, double a, double b)
{
    volatile double x = a, y = b, z;
    switch (op) {
    case ADD:
        z = x + y;
        break;
    case SUB:
        z = x - y;
        break;
    case MUL:
        z = x * y;
        break;
    case DIV:
        z = x / y;
        break;
    default:
        z = sqrt(x);
    }
    return z;
}

/* The host finds underflow after rounding, the Arm before: so it looks at the truncated result. */
static uint32_t flags_from_host(int raised, bool truncated_is_tiny)
{
    uint32_t flags = 0;
    flags |= raised & FE_INVALID ? FPSCR_IOC : 0;
    flags |= raised & FE_DIVBYZERO ? FPSCR_DZC : 0;
    flags |= raised & FE_OVERFLOW ? FPSCR_OFC : 0;
    flags |= raised & FE_INEXACT ? FPSCR_IXC : 0;
    flags |= (raised & FE_INEXACT) && truncated_is_tiny ? FPSCR_UFC : 0;
    return flags;
}

/* FPProcessNaNs for operands of `width` bits with a fraction of f bits; 0 if there is no NaN. */
static bool nan_outcome(uint64_t a, uint64_t b, unsigned width, unsigned f, Outcome *out)
{
    uint64_t infinity = ((1ull << (width - 1)) - 1) & ~((1ull << f) - 1), quiet = 1ull << (f - 1);
    uint64_t magnitude = (1ull << (width - 1)) - 1;
    uint64_t operands[] = {a, b};
    for (int want_quiet = 0; want_quiet < 2; want_quiet++)
        for (int n = 0; n < 2; n++)
            if ((operands[n] & magnitude) > infinity && !!(operands[n] & quiet) == want_quiet) {
                *out = (Outcome){operands[n] | quiet, want_quiet ? 0 : FPSCR_IOC};
                return true;
            }
    return false;
}

static Outcome expected32(Op op, uint32_t a, uint32_t b, FpRounding rounding)
{
    Outcome out;
    if (nan_outcome(a, op == SQRT ? 0 : b, 32, 23, &out))
        return out;
    fesetround(FE_TOWARDZERO);
    float truncated = host_op32(op, as_float(a), as_float(b));
    fesetround(host_rounding[rounding]);
    feclearexcept(FE_ALL_EXCEPT);
    float z = host_op32(op, as_float(a), as_float(b));
    int raised = fetestexcept(FE_ALL_EXCEPT);
    fesetround(FE_TONEAREST);
    out.value = isnan(z) ? FP32_DEFAULT_NAN : bits_of_float(z);
    out.flags = flags_from_host(raised, fabsf(truncated) < 0x1p-126f);
    return out;
}

static Outcome expected64(Op op, uint64_t a, uint64_t b, FpRounding rounding)
{
    Outcome out;
    if (nan_outcome(a, op == SQRT ? 0 : b, 64, 52, &out))
        return out;
    fesetround(FE_TOWARDZERO);
    double truncated = host_op64(op, as_double(a), as_double(b));
    fesetround(host_rounding[rounding]);
    feclearexcept(FE_ALL_EXCEPT);
    double z = host_op64(op, as_double(a), as_double(b));
    int raised = fetestexcept(FE_ALL_EXCEPT);
    fesetround(FE_TONEAREST);
    out.value = isnan(z) ? FP64_DEFAULT_NAN : bits_of_double(z);
    out.flags = flags_from_host(raised, fabs(truncated) < 0x1p-1022);
    return out;
}

static uint32_t run32(Op op, uint32_t a, uint32_t b, FpEnv *env)
{
    switch (op) {
    case ADD:
        return fp32_add(a, b, env);
    case SUB:
        return fp32_sub(a, b, env);
    case MUL:
        return fp32_mul(a, b, env);
    case DIV:
        return fp32_div(a, b, env);
    default:
        return fp32_sqrt(a, env);
    }
}

static uint64_t run64(Op op, uint64_t a, uint64_t b, FpEnv *env)
{
    switch (op) {
    case ADD:
        return fp64_add(a, b, env);
    case SUB:
        return fp64_sub(a, b, env);
    case MUL:
        return fp64_mul(a, b, env);
    case DIV:
        return fp64_div(a, b, env);
    default:
        return fp64_sqrt(a, env);
    }
}

static uint64_t run_soft(FpFormat format, Op op, uint64_t a, uint64_t b, FpEnv *env)
{
    switch (op) {
    case ADD:
        return fp_soft_sum(format, a, b, (FpSumKind){false, false}, env);
    case SUB:
        return fp_soft_sum(format, a, b, (FpSumKind){true, false}, env);
    case MUL:
        return fp_soft_mul(format, a, b, env);
    case DIV:
        return fp_soft_div(format, a, b, env);
    default:
        return fp_soft_sqrt(format, a, env);
    }
}

static void check(const char *what, FpRounding rounding, uint64_t a, uint64_t b, Outcome want, uint64_t got,
                  const FpEnv *env)
{
    if (got == want.value && (*env & FPSCR_FLAGS) == want.flags)
        return;
    fail_msg("%s rounding %d: %#llx %#llx gives %#llx flags %#x, expected %#llx flags %#x", what, rounding,
             (unsigned long long)a, (unsigned long long)b, (unsigned long long)got, *env & FPSCR_FLAGS,
             (unsigned long long)want.value, want.flags);
}

static void arithmetic32(void **state)
{
    (void)state;
    Random r = {0x123456789abcdef};
    for (Op op = 0; op < OPS; op++)
        for (FpRounding rounding = FP_RN; rounding <= FP_RZ; rounding++)
            for (unsigned n = 0; n < ROUNDS; n++) {
                uint32_t a = operand32(&r), b = operand32(&r);
                Outcome want = expected32(op, a, b, rounding);
                FpEnv base = (FpEnv)rounding << FP_RMODE_SHIFT, env = base;
                check(op_name[op], rounding, a, b, want, run32(op, a, b, &env), &env);
                env = base;
                check("soft", rounding, a, b, want, run_soft(FP_SINGLE, op, a, b, &env), &env);
                env = base | FPSCR_IXC;
                want.flags |= FPSCR_IXC;
                check("with IXC", rounding, a, b, want, run32(op, a, b, &env), &env);
            }
}

static void arithmetic64(void **state)
{
    (void)state;
    Random r = {0x9e3779b97f4a7c15};
    for (Op op = 0; op < OPS; op++)
        for (FpRounding rounding = FP_RN; rounding <= FP_RZ; rounding++)
            for (unsigned n = 0; n < ROUNDS; n++) {
                uint64_t a = operand64(&r), b = operand64(&r);
                Outcome want = expected64(op, a, b, rounding);
                FpEnv base = (FpEnv)rounding << FP_RMODE_SHIFT, env = base;
                check(op_name[op], rounding, a, b, want, run64(op, a, b, &env), &env);
                env = base;
                check("soft", rounding, a, b, want, run_soft(FP_DOUBLE, op, a, b, &env), &env);
                env = base | FPSCR_IXC;
                want.flags |= FPSCR_IXC;
                check("with IXC", rounding, a, b, want, run64(op, a, b, &env), &env);
            }
}

/* Quotients, products and roots that are exact, or off by one in the last place. */
static void near_exact64(void **state)
{
    (void)state;
    Random r = {77};
    for (unsigned n = 0; n < 4 * ROUNDS; n++) {
        uint64_t a = operand64(&r), b = operand64(&r),
                 p = bits_of_double(as_double(a) * as_double(b)) + n % 3 - 1;
        FpEnv env = 0;
        check("div", FP_RN, p, b, expected64(DIV, p, b, FP_RN), fp64_div(p, b, &env), &env);
        uint64_t square = bits_of_double(as_double(a) * as_double(a)) + n % 3 - 1;
        env = 0;
        check("sqrt", FP_RN, square, 0, expected64(SQRT, square, 0, FP_RN), fp64_sqrt(square, &env), &env);
        uint64_t near = (a ^ 1ull << 63) + (b & 3);
        env = 0;
        check("add", FP_RN, a, near, expected64(ADD, a, near, FP_RN), fp64_add(a, near, &env), &env);
    }
}

static uint32_t expected_compare(bool unordered, bool less, bool equal)
{
    return unordered ? FPSCR_C | FPSCR_V : less ? FPSCR_N : equal ? FPSCR_Z | FPSCR_C : FPSCR_C;
}

static void comparisons(void **state)
{
    (void)state;
    Random r = {4711};
    for (unsigned n = 0; n < 10 * ROUNDS; n++) {
        uint32_t a = operand32(&r), b = n % 8 ? operand32(&r) : a;
        uint64_t c = operand64(&r), d = n % 8 ? operand64(&r) : c;
        float x = as_float(a), y = as_float(b);
        double z = as_double(c), w = as_double(d);
        Outcome nan;
        bool some_nan = nan_outcome(a, b, 32, 23, &nan);
        uint32_t quiet = some_nan ? nan.flags : 0, signalling = some_nan ? FPSCR_IOC : 0;
        uint32_t nzcv = expected_compare(isunordered(x, y), x < y, x == y);
        FpEnv env = 0;
        check("vcmp.f32", FP_RN, a, b, (Outcome){nzcv, quiet}, fp32_compare(a, b, false, &env), &env);
        env = 0;
        check("vcmpe.f32", FP_RN, a, b, (Outcome){nzcv, signalling}, fp32_compare(a, b, true, &env), &env);
        env = 0;
        check("eq", FP_RN, a, b, (Outcome){x == y, quiet}, fp32_compare_eq(a, b, &env), &env);
        env = 0;
        check("ge", FP_RN, a, b, (Outcome){isgreaterequal(x, y), signalling}, fp32_compare_ge(a, b, &env),
              &env);
        env = 0;
        check("gt", FP_RN, a, b, (Outcome){isgreater(x, y), signalling}, fp32_compare_gt(a, b, &env), &env);
        some_nan = nan_outcome(c, d, 64, 52, &nan);
        nzcv = expected_compare(isunordered(z, w), z < w, z == w);
        env = 0;
        check("vcmp.f64", FP_RN, c, d, (Outcome){nzcv, some_nan ? nan.flags : 0},
              fp64_compare(c, d, false, &env), &env);
        env = 0;
        check("vcmpe.f64", FP_RN, c, d, (Outcome){nzcv, some_nan ? FPSCR_IOC : 0},
              fp64_compare(c, d, true, &env), &env);
    }
}

static void maximum_and_minimum(void **state)
{
    (void)state;
    Random r = {99};
    for (unsigned n = 0; n < 10 * ROUNDS; n++) {
        uint32_t a = operand32(&r), b = operand32(&r);
        float x = as_float(a), y = as_float(b);
        Outcome max = {0}, min = {0};
        if (nan_outcome(a, b, 32, 23, &max))
            min = max;
        else if (x == 0 && y == 0)
            max.value = a & b, min.value = a | b;
        else
            max.value = x > y ? a : b, min.value = x < y ? a : b;
        FpEnv env = 0;
        check("max", FP_RN, a, b, max, fp32_max(a, b, &env), &env);
        env = 0;
        check("min", FP_RN, a, b, min, fp32_min(a, b, &env), &env);
    }
}

static void between_single_and_double(void **state)
{
    (void)state;
    Random r = {31337};
    for (FpRounding rounding = FP_RN; rounding <= FP_RZ; rounding++)
        for (unsigned n = 0; n < 4 * ROUNDS; n++) {
            uint32_t a = operand32(&r);
            uint64_t b = n & 1 ? operand64(&r) : bits_of_double(as_float(operand32(&r))) + n % 7 - 3;
            FpEnv base = (FpEnv)rounding << FP_RMODE_SHIFT, env = base;
            Outcome want, nan;
            if (nan_outcome(a, 0, 32, 23, &nan))
                want = (Outcome){(nan.value >> 31) << 63 | 0x7ff0000000000000 | (nan.value & 0x7fffff) << 29,
                                 nan.flags};
            else
                want = (Outcome){bits_of_double(as_float(a)), 0};
            check("to double", rounding, a, 0, want, fp32_to_fp64(a, &env), &env);
            if (nan_outcome(b, 0, 64, 52, &nan)) {
                want =
                    (Outcome){(nan.value >> 63) << 31 | 0x7f800000 | (nan.value >> 29 & 0x7fffff), nan.flags};
            } else {
                fesetround(FE_TOWARDZERO);
                volatile double d = as_double(b);
                volatile float truncated = (float)d;
                fesetround(host_rounding[rounding]);
                feclearexcept(FE_ALL_EXCEPT);
                volatile float f = (float)d;
                int raised = fetestexcept(FE_ALL_EXCEPT);
                fesetround(FE_TONEAREST);
                want = (Outcome){bits_of_float(f), flags_from_host(raised, fabsf(truncated) < 0x1p-126f)};
            }
            env = base;
            check("to single", rounding, b, 0, want, fp64_to_fp32(b, &env), &env);
        }
}

/* d times 2^fraction as an integer, by the definition of FPToFixed. */
static Outcome expected_fixed(double d, FpFixed to, FpRounding rounding)
{
    double low = to.is_unsigned ? 0 : -ldexp(1, to.size - 1);
    double high = to.is_unsigned ? ldexp(1, to.size) - 1 : ldexp(1, to.size - 1) - 1;
    if (isnan(d))
        return (Outcome){0, FPSCR_IOC};
    double scaled = ldexp(d, to.fraction);
    fesetround(host_rounding[rounding]);
    volatile double rounded = nearbyint(scaled);
    fesetround(FE_TONEAREST);
    if (rounded < low)
        return (Outcome){(uint32_t)(int64_t)low, FPSCR_IOC};
    if (rounded > high)
        return (Outcome){(uint32_t)(int64_t)high, FPSCR_IOC};
    return (Outcome){(uint32_t)(int64_t)rounded, rounded != scaled ? FPSCR_IXC : 0};
}

static void to_integers_and_fixed_point(void **state)
{
    (void)state;
    Random r = {271828};
    for (unsigned n = 0; n < 20 * ROUNDS; n++) {
        uint64_t x = random64(&r);
        FpFixed to = {x & 1 ? 32 : 16, 0, x >> 1 & 1};
        if (x >> 2 & 1)
            to.fraction = (uint8_t)((x >> 8 & 63) % (to.size + 1u));
        else
            to.size = 32;
        FpRounding rounding = (FpRounding)(x >> 3 & 3);
        bool round_zero = x >> 5 & 1;
        FpRounding effective = round_zero ? FP_RZ : rounding;
        uint32_t a = operand32(&r);
        uint64_t b = operand64(&r);
        FpEnv env = (FpEnv)rounding << FP_RMODE_SHIFT;
        check("f32 to fixed", effective, a, to.fraction, expected_fixed(as_float(a), to, effective),
              fp32_to_fixed(a, to, round_zero, &env), &env);
        env = (FpEnv)rounding << FP_RMODE_SHIFT;
        check("f64 to fixed", effective, b, to.fraction, expected_fixed(as_double(b), to, effective),
              fp64_to_fixed(b, to, round_zero, &env), &env);
    }
}

static void from_integers_and_fixed_point(void **state)
{
    (void)state;
    Random r = {1618033};
    for (unsigned n = 0; n < 10 * ROUNDS; n++) {
        uint64_t x = random64(&r);
        FpFixed from = {x & 1 ? 32 : 16, 0, x >> 1 & 1};
        from.fraction = (uint8_t)((x >> 8 & 63) % (from.size + 1u));
        FpRounding rounding = (FpRounding)(x >> 3 & 3);
        bool round_nearest = x >> 5 & 1;
        uint32_t value = (uint32_t)random64(&r) >> (x >> 20 & 31);
        int64_t exact = from.size == 16 ? (from.is_unsigned ? (uint16_t)value : (int16_t)value)
                                        : (from.is_unsigned ? (int64_t)value : (int32_t)value);
        double d = ldexp((double)exact, -from.fraction);
        fesetround(host_rounding[round_nearest ? FP_RN : rounding]);
        volatile double source = d;
        volatile float f = (float)source;
        fesetround(FE_TONEAREST);
        FpEnv env = (FpEnv)rounding << FP_RMODE_SHIFT, before = env;
        check("f64 from fixed", rounding, value, from.fraction, (Outcome){bits_of_double(d), 0},
              fp64_from_fixed(value, from, round_nearest, &env), &env);
        env = before;
        check("f32 from fixed", rounding, value, from.fraction,
              (Outcome){bits_of_float(f), (double)f != d ? FPSCR_IXC : 0},
              fp32_from_fixed(value, from, round_nearest, &env), &env);
        assert_int_equal(env & ~FPSCR_FLAGS, before);
    }
}

static double value_of_half(uint16_t h, bool alternative)
{
    unsigned exponent = h >> 10 & 31, fraction = h & 0x3ff;
    double magnitude = exponent == 0 ? ldexp(fraction, -24) : ldexp(fraction + 1024, (int)exponent - 25);
    if (exponent == 31 && !alternative)
        magnitude = fraction ? NAN : INFINITY;
    return h & 0x8000 ? -magnitude : magnitude;
}

static void all_halves_to_single(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 0x10000; h++) {
        FpEnv env = 0;
        bool nan = (h & 0x7fff) > 0x7c00, signalling = nan && !(h & 0x200);
        uint32_t want = nan ? (h & 0x8000) << 16 | 0x7fc00000 | (h & 0x1ff) << 13
                            : bits_of_float((float)value_of_half((uint16_t)h, false));
        check("from half", FP_RN, h, 0, (Outcome){want, signalling ? FPSCR_IOC : 0},
              fp16_to_fp32((uint16_t)h, &env), &env);
        env = FPSCR_AHP;
        want = bits_of_float((float)value_of_half((uint16_t)h, true));
        check("from alternative half", FP_RN, h, 0, (Outcome){want, 0}, fp16_to_fp32((uint16_t)h, &env),
              &env);
        env = FPSCR_FZ;
        if (!nan)
            assert_int_equal(fp16_to_fp32((uint16_t)h, &env),
                             bits_of_float((float)value_of_half((uint16_t)h, false)));
        assert_int_equal(env & ~FPSCR_IOC, FPSCR_FZ);
    }
}

/* By the definition of FPRound: in units of the last place at that exponent. */
static Outcome expected_half(float f, FpRounding rounding, bool alternative)
{
    uint16_t sign = bits_of_float(f) >> 16 & 0x8000;
    double magnitude = fabs((double)f);
    int exponent;
    frexp(magnitude, &exponent);
    exponent = magnitude == 0 || exponent - 1 < -14 ? -14 : exponent - 1;
    double units = ldexp(magnitude, 10 - exponent);
    FpRounding mirrored = sign && rounding == FP_RP ? FP_RM : sign && rounding == FP_RM ? FP_RP : rounding;
    fesetround(host_rounding[mirrored]);
    volatile double rounded = nearbyint(units);
    fesetround(FE_TONEAREST);
    Outcome out = {0};
    double back = ldexp(rounded, exponent - 10);
    double limit = alternative ? 131008 : 65504;
    if (back > limit) {
        if (alternative)
            return (Outcome){sign | 0x7fff, FPSCR_IOC};
        bool infinite = mirrored == FP_RN || mirrored == FP_RP;
        return (Outcome){sign | (infinite ? 0x7c00 : 0x7bff), FPSCR_OFC | FPSCR_IXC};
    }
    out.value = sign | (uint16_t)(rounded + (exponent + 14) * 1024.0);
    out.flags = rounded != units ? FPSCR_IXC | (magnitude < 0x1p-14 ? FPSCR_UFC : 0) : 0;
    return out;
}

static void single_to_half(void **state)
{
    (void)state;
    Random r = {65504};
    for (unsigned n = 0; n < 20 * ROUNDS; n++) {
        uint32_t a = operand32(&r);
        if (n & 1)
            a = (a & 0x80ffffff) + ((100 + (uint32_t)(random64(&r) % 50)) << 23);
        FpRounding rounding = (FpRounding)(n >> 2 & 3);
        bool alternative = n >> 1 & 1;
        FpEnv env = (FpEnv)rounding << FP_RMODE_SHIFT | (alternative ? FPSCR_AHP : 0);
        Outcome want, nan;
        if (nan_outcome(a, 0, 32, 23, &nan))
            want = alternative ? (Outcome){a >> 16 & 0x8000, FPSCR_IOC}
                               : (Outcome){(a >> 16 & 0x8000) | 0x7e00 | (a >> 13 & 0x1ff), nan.flags};
        else if ((a & 0x7fffffff) == 0x7f800000)
            want = alternative ? (Outcome){(a >> 16 & 0x8000) | 0x7fff, FPSCR_IOC}
                               : (Outcome){a >> 16 & 0xfc00, 0};
        else
            want = expected_half(as_float(a), rounding, alternative);
        check(alternative ? "to alternative half" : "to half", rounding, a, 0, want, fp32_to_fp16(a, &env),
              &env);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic32),
        cmocka_unit_test(arithmetic64),
        cmocka_unit_test(near_exact64),
        cmocka_unit_test(comparisons),
        cmocka_unit_test(maximum_and_minimum),
        cmocka_unit_test(between_single_and_double),
        cmocka_unit_test(to_integers_and_fixed_point),
        cmocka_unit_test(from_integers_and_fixed_point),
        cmocka_unit_test(all_halves_to_single),
        cmocka_unit_test(single_to_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
