/* What the Arm architecture adds to IEEE 754 or leaves open there, by hand-made cases (DDI 0406C A2.7,
 * D16.6): NaNs, default NaN, flush-to-zero, estimates and steps. */
#include "cpu/fp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#define ONE 0x3f800000u
#define INF 0x7f800000u
#define QNAN 0x7fc12345u /* quiet */
#define SNAN 0xff812345u /* signalling, negative */
#define SNAN_QUIET 0xffc12345u
#define MIN_NORMAL 0x00800000u
#define DENORMAL 0x00400000u

typedef uint32_t Op32(uint32_t a, uint32_t b, FpEnv *env);

typedef struct Case32 {
    Op32 *op;
    FpEnv env;
    uint32_t a, b, want, flags;
} Case32;

static void run_cases(const Case32 *cases, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        const Case32 *t = &cases[n];
        FpEnv env = t->env;
        uint32_t got = t->op(t->a, t->b, &env);
        if (got != t->want || env != (t->env | t->flags))
            fail_msg("case %u: %#x, %#x gives %#x and FPSCR %#x, expected %#x and %#x", n, t->a, t->b, got,
                     env, t->want, t->env | t->flags);
    }
}

#define RUN(cases) run_cases(cases, sizeof cases / sizeof *cases)

static uint32_t sqrt_of(uint32_t a, uint32_t b, FpEnv *env)
{
    (void)b;
    return fp32_sqrt(a, env);
}

static void nan_propagation(void **state)
{
    (void)state;
    /* clang-format off */
    static const Case32 cases[] = {
        /* a signalling operand before a quiet one, the first before the second; made quiet, sign kept */
        {fp32_add, 0,        QNAN,       SNAN,       SNAN_QUIET,       FPSCR_IOC},
        {fp32_add, 0,        SNAN,       QNAN,       SNAN_QUIET,       FPSCR_IOC},
        {fp32_mul, 0,        0x7f800001, SNAN,       0x7fc00001,       FPSCR_IOC},
        {fp32_div, 0,        QNAN,       0xffc00001, QNAN,             0},
        {fp32_sub, 0,        ONE,        QNAN,       QNAN,             0},
        {fp32_sub, 0,        QNAN,       ONE,        QNAN,             0},
        {sqrt_of,  0,        SNAN,       0,          SNAN_QUIET,       FPSCR_IOC},
        {fp32_max, 0,        ONE,        QNAN,       QNAN,             0},
        {fp32_min, 0,        SNAN,       ONE,        SNAN_QUIET,       FPSCR_IOC},
        /* default NaN mode */
        {fp32_add, FPSCR_DN, QNAN,       ONE,        FP32_DEFAULT_NAN, 0},
        {fp32_mul, FPSCR_DN, SNAN,       QNAN,       FP32_DEFAULT_NAN, FPSCR_IOC},
        /* invalid operations give the default NaN, which is positive */
        {fp32_add, 0,        INF,        0xff800000, FP32_DEFAULT_NAN, FPSCR_IOC},
        {fp32_sub, 0,        INF,        INF,        FP32_DEFAULT_NAN, FPSCR_IOC},
        {fp32_mul, 0,        0x80000000, INF,        FP32_DEFAULT_NAN, FPSCR_IOC},
        {fp32_div, 0,        0,          0x80000000, FP32_DEFAULT_NAN, FPSCR_IOC},
        {fp32_div, 0,        INF,        INF,        FP32_DEFAULT_NAN, FPSCR_IOC},
        {sqrt_of,  0,        0xbf800000, 0,          FP32_DEFAULT_NAN, FPSCR_IOC},
        {sqrt_of,  0,        0x80000000, 0,          0x80000000,       0},
        {fp32_div, 0,        ONE,        0x80000000, 0xff800000,       FPSCR_DZC},
        {fp32_div, 0,        INF,        0,          INF,              0},
    };
    /* clang-format on */
    RUN(cases);
}

static void flush_to_zero(void **state)
{
    (void)state;
    const FpEnv fz = FPSCR_FZ;
    /* clang-format off */
    const Case32 cases[] = {
        /* operands: IDC, and nothing for what the zero then does */
        {fp32_add, fz,                   DENORMAL,   ONE,        ONE,        FPSCR_IDC},
        {fp32_add, fz,                   DENORMAL,   0x80000001, 0,          FPSCR_IDC},
        {fp32_add, fz,                   0x80000001, 0x80000002, 0x80000000, FPSCR_IDC},
        {fp32_mul, fz,                   0x80000001, INF,        FP32_DEFAULT_NAN, FPSCR_IDC | FPSCR_IOC},
        {fp32_div, fz,                   ONE,        DENORMAL,   INF,        FPSCR_IDC | FPSCR_DZC},
        {sqrt_of,  fz,                   0x80000001, 0,          0x80000000, FPSCR_IDC},
        {fp32_max, fz,                   0x80000001, 0,          0,          FPSCR_IDC},
        {fp32_max, fz,                   DENORMAL,   0xbf800000, 0,          FPSCR_IDC},
        {fp32_min, fz,                   0x80000001, ONE,        0x80000000, FPSCR_IDC},
        {fp32_add, fz,                   DENORMAL,   QNAN,       QNAN,       FPSCR_IDC},
        /* results: UFC without IXC, with the sign, in every rounding mode */
        {fp32_mul, fz,                   MIN_NORMAL, 0xbf000000, 0x80000000, FPSCR_UFC},
        {fp32_sub, fz,                   0x00c00000, MIN_NORMAL, 0,          FPSCR_UFC},
        {fp32_mul, fz | FPSCR_RMODE,     MIN_NORMAL, 0x3f7fffff, 0,          FPSCR_UFC},
        {fp32_mul, fz | 1 << FP_RMODE_SHIFT, MIN_NORMAL, 0x3f7fffff, 0,      FPSCR_UFC},
        /* tininess is found before rounding: this rounds to the smallest normal number, but is below it */
        {fp32_mul, fz,                   MIN_NORMAL, 0x3f7fffff, 0,          FPSCR_UFC},
        {fp32_mul, 0,                    MIN_NORMAL, 0x3f7fffff, MIN_NORMAL, FPSCR_UFC | FPSCR_IXC},
        /* exact and subnormal is no underflow unless flushing */
        {fp32_mul, 0,                    MIN_NORMAL, 0x3f000000, DENORMAL,   0},
        {fp32_max, 0,                    DENORMAL,   0,          DENORMAL,   0},
        {fp32_add, fz,                   MIN_NORMAL, 0,          MIN_NORMAL, 0},
    };
    /* clang-format on */
    RUN(cases);
}

static void flush_to_zero_in_conversions(void **state)
{
    (void)state;
    FpEnv env = FPSCR_FZ;
    assert_int_equal(fp32_to_fp64(0x80000001, &env), 0x8000000000000000);
    assert_int_equal(env, FPSCR_FZ | FPSCR_IDC);
    env = FPSCR_FZ;
    assert_int_equal(fp64_to_fp32(0x3800000000000000, &env), 0); /* 2^-127 */
    assert_int_equal(env, FPSCR_FZ | FPSCR_UFC);
    env = FPSCR_FZ;
    assert_int_equal(fp32_to_int(0x00000001, false, false, &env), 0);
    assert_int_equal(env, FPSCR_FZ | FPSCR_IDC);
    env = 0;
    assert_int_equal(fp32_to_int(0x00000001, false, false, &env), 0);
    assert_int_equal(env, FPSCR_IXC);
    /* half-precision results and operands are not flushed */
    env = FPSCR_FZ;
    assert_int_equal(fp32_to_fp16(0x33800000, &env), 1);
    assert_int_equal(fp16_to_fp32(1, &env), 0x33800000);
    assert_int_equal(env, FPSCR_FZ);
    assert_int_equal(fp32_to_fp16(0x80000001, &env), 0x8000);
    assert_int_equal(env, FPSCR_FZ | FPSCR_IDC);
    env = FPSCR_FZ;
    assert_int_equal(fp32_compare(1, 0x80000002, false, &env), FPSCR_Z | FPSCR_C);
    assert_int_equal(env, FPSCR_FZ | FPSCR_IDC);
}

static void default_nan_in_conversions(void **state)
{
    (void)state;
    FpEnv env = FPSCR_DN;
    assert_int_equal(fp32_to_fp64(QNAN, &env), FP64_DEFAULT_NAN);
    assert_int_equal(fp64_to_fp32(0xfff8000000000001, &env), FP32_DEFAULT_NAN);
    assert_int_equal(fp32_to_fp16(QNAN, &env), FP16_DEFAULT_NAN);
    assert_int_equal(fp16_to_fp32(0xfe01, &env), FP32_DEFAULT_NAN);
    assert_int_equal(env, FPSCR_DN);
    assert_int_equal(fp32_to_fp16(SNAN, &env), FP16_DEFAULT_NAN);
    assert_int_equal(env, FPSCR_DN | FPSCR_IOC);
}

static void sign_of_zero_sums(void **state)
{
    (void)state;
    const FpEnv rm = (FpEnv)FP_RM << FP_RMODE_SHIFT;
    const Case32 cases[] = {
        {fp32_sub, 0,  ONE,        ONE,        0,          0},
        {fp32_sub, rm, ONE,        ONE,        0x80000000, 0},
        {fp32_add, 0,  0,          0x80000000, 0,          0},
        {fp32_add, rm, 0,          0x80000000, 0x80000000, 0},
        {fp32_add, rm, 0,          0,          0,          0},
        {fp32_sub, 0,  0x80000000, 0,          0x80000000, 0},
    };
    RUN(cases);
}

/* The product is rounded before the sum: 1 + 2^-22 + 2^-46 loses its last bit. */
static void accumulation_rounds_twice(void **state)
{
    (void)state;
    FpEnv env = 0;
    assert_int_equal(fp32_mla(0xbf800002, 0x3f800001, 0x3f800001, &env), 0);
    assert_int_equal(env, FPSCR_IXC);
    /* subtraction negates the product, NaN or not */
    env = 0;
    assert_int_equal(fp32_mls(ONE, QNAN, ONE, &env), QNAN | 0x80000000);
    assert_int_equal(fp32_abd(ONE, 0x40000000, &env), ONE);
    assert_int_equal(fp32_abd(0xffc00001, ONE, &env), 0x7fc00001);
}

static double double_of(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static uint64_t bits_of(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

/* recip_estimate and recip_sqrt_estimate as the manual writes them, in double precision. */
static double manual_recip_estimate(double a)
{
    int q = (int)(a * 512.0);
    double r = 1.0 / (((double)q + 0.5) / 512.0);
    int s = (int)(256.0 * r + 0.5);
    return (double)s / 256.0;
}

static double manual_rsqrt_estimate(double a)
{
    double scale = a < 0.5 ? 512.0 : 256.0;
    int q = (int)(a * scale);
    double r = 1.0 / sqrt(((double)q + 0.5) / scale);
    int s = (int)(256.0 * r + 0.5);
    return (double)s / 256.0;
}

static uint32_t fraction_of(double d)
{
    return (uint32_t)(bits_of(d) >> 29) & 0x7fffff;
}

/* Every value of the bits that matter, at several exponents. */
static void float_estimates(void **state)
{
    (void)state;
    for (uint32_t exponent = 1; exponent < 255; exponent += 1 + (exponent % 11) * 4)
        for (uint32_t top = 0; top < 512; top++) {
            uint32_t a = exponent << 23 | top << 14 | (top * 37 & 0x3fff);
            double scaled = double_of((uint64_t)0x3fe << 52 | (uint64_t)(a & 0x7fffff) << 29);
            FpEnv env = fp_standard_env(0);
            uint32_t want =
                exponent >= 253 ? 0 : (253 - exponent) << 23 | fraction_of(manual_recip_estimate(scaled));
            assert_int_equal(fp32_recip_estimate(a, &env), want);
            assert_int_equal(env & FPSCR_FLAGS, exponent >= 253 ? FPSCR_UFC : 0);
            assert_int_equal(fp32_recip_estimate(a | 0x80000000, &env), want | 0x80000000);
            if (a & 1u << 23)
                scaled /= 2;
            env = fp_standard_env(0);
            want = (380 - exponent) / 2 << 23 | fraction_of(manual_rsqrt_estimate(scaled));
            assert_int_equal(fp32_rsqrt_estimate(a, &env), want);
            assert_int_equal(env & FPSCR_FLAGS, 0);
        }
}

static void integer_estimates(void **state)
{
    (void)state;
    for (uint32_t top = 0; top < 1024; top++) {
        uint32_t a = top << 22 | (top * 4099 & 0x3fffff);
        uint32_t recip = 0xffffffff, rsqrt = 0xffffffff;
        if (a >> 31)
            recip = 0x80000000 | fraction_of(manual_recip_estimate(a / 4294967296.0)) << 8;
        if (a >> 30)
            rsqrt = 0x80000000 | fraction_of(manual_rsqrt_estimate(a / 4294967296.0)) << 8;
        assert_int_equal(u32_recip_estimate(a), recip);
        assert_int_equal(u32_rsqrt_estimate(a), rsqrt);
    }
}

static uint32_t recip_of(uint32_t a, uint32_t b, FpEnv *env)
{
    (void)b;
    return fp32_recip_estimate(a, env);
}

static uint32_t rsqrt_of(uint32_t a, uint32_t b, FpEnv *env)
{
    (void)b;
    return fp32_rsqrt_estimate(a, env);
}

static void estimates_and_steps_of_special_values(void **state)
{
    (void)state;
    const FpEnv standard = FPSCR_FZ | FPSCR_DN;
    /* clang-format off */
    const Case32 cases[] = {
        {recip_of,        standard, ONE,        0,          0x3f7f8000,       0},
        {recip_of,        standard, 0,          0,          INF,              FPSCR_DZC},
        {recip_of,        standard, 0x80000000, 0,          0xff800000,       FPSCR_DZC},
        {recip_of,        standard, 0x80000001, 0,          0xff800000,       FPSCR_DZC | FPSCR_IDC},
        {recip_of,        standard, 0xff800000, 0,          0x80000000,       0},
        {recip_of,        standard, QNAN,       0,          FP32_DEFAULT_NAN, 0},
        {recip_of,        standard, SNAN,       0,          FP32_DEFAULT_NAN, FPSCR_IOC},
        {rsqrt_of,        standard, ONE,        0,          0x3f7f8000,       0},
        {rsqrt_of,        standard, 0x80000000, 0,          0xff800000,       FPSCR_DZC},
        {rsqrt_of,        standard, 0xbf800000, 0,          FP32_DEFAULT_NAN, FPSCR_IOC},
        {rsqrt_of,        standard, 0xff800000, 0,          FP32_DEFAULT_NAN, FPSCR_IOC},
        {rsqrt_of,        standard, INF,        0,          0,                0},
        {rsqrt_of,        standard, DENORMAL,   0,          INF,              FPSCR_DZC | FPSCR_IDC},
        {fp32_recip_step, standard, ONE,        ONE,        ONE,              0},
        {fp32_recip_step, standard, 0,          INF,        0x40000000,       0},
        {fp32_recip_step, standard, 0xff800000, 0x80000000, 0x40000000,       0},
        {fp32_recip_step, standard, 0x00000001, INF,        0x40000000,       FPSCR_IDC},
        {fp32_recip_step, standard, INF,        ONE,        0xff800000,       0},
        {fp32_recip_step, standard, QNAN,       ONE,        FP32_DEFAULT_NAN, 0},
        {fp32_recip_step, standard, SNAN,       ONE,        FP32_DEFAULT_NAN, FPSCR_IOC},
        /* 2 - (1 + 2^-22 + 2^-46): rounded twice */
        {fp32_recip_step, standard, 0x3f800001, 0x3f800001, 0x3f7ffffc,       FPSCR_IXC},
        {fp32_rsqrt_step, standard, ONE,        ONE,        ONE,              0},
        {fp32_rsqrt_step, standard, 0,          INF,        0x3fc00000,       0},
        {fp32_rsqrt_step, standard, 0x40400000, ONE,        0,                0},
        {fp32_rsqrt_step, standard, ONE,        SNAN,       FP32_DEFAULT_NAN, FPSCR_IOC},
        /* halved before rounding: (3 + max) / 2 does not overflow */
        {fp32_rsqrt_step, standard, 0xff7fffff, ONE,        0x7effffff,       FPSCR_IXC},
    };
    /* clang-format on */
    RUN(cases);
}

/* The edges of saturation. */
static void conversions_to_integers(void **state)
{
    (void)state;
    static const struct {
        uint64_t from;
        bool is_unsigned, round_zero;
        uint32_t want, flags;
    } cases[] = {
        {0x41dfffffffc00000, false, true,  0x7fffffff, 0        }, /* 2^31 - 1 */
        {0x41dfffffffe00000, false, true,  0x7fffffff, FPSCR_IXC}, /* and a half */
        {0x41dfffffffe00000, false, false, 0x7fffffff, FPSCR_IOC}, /* rounds to 2^31 */
        {0xc1e0000000000000, false, false, 0x80000000, 0        }, /* -2^31 */
        {0xc1e0000000100000, false, false, 0x80000000, FPSCR_IXC}, /* and half less: to even */
        {0xc1e0000000100001, false, false, 0x80000000, FPSCR_IOC},
        {0xbfe0000000000000, true,  false, 0,          FPSCR_IXC}, /* -0.5 to even */
        {0xbfe0000000000001, true,  false, 0,          FPSCR_IOC},
        {0xbfefffffffffffff, true,  true,  0,          FPSCR_IXC},
        {0xbff0000000000000, true,  true,  0,          FPSCR_IOC},
        {0x41efffffffe00000, true,  true,  0xffffffff, 0        },
        {0x41f0000000000000, true,  true,  0xffffffff, FPSCR_IOC},
        {0x7ff0000000000000, false, true,  0x7fffffff, FPSCR_IOC},
        {0xfff0000000000000, true,  true,  0,          FPSCR_IOC},
        {0xfff8000000000000, false, true,  0,          FPSCR_IOC},
        {0x4004000000000000, false, false, 2,          FPSCR_IXC}, /* 2.5 to even */
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        FpEnv env = 0;
        assert_int_equal(fp64_to_int(cases[n].from, cases[n].is_unsigned, cases[n].round_zero, &env),
                         cases[n].want);
        assert_int_equal(env, cases[n].flags);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nan_propagation),
        cmocka_unit_test(flush_to_zero),
        cmocka_unit_test(flush_to_zero_in_conversions),
        cmocka_unit_test(default_nan_in_conversions),
        cmocka_unit_test(sign_of_zero_sums),
        cmocka_unit_test(accumulation_rounds_twice),
        cmocka_unit_test(float_estimates),
        cmocka_unit_test(integer_estimates),
        cmocka_unit_test(estimates_and_steps_of_special_values),
        cmocka_unit_test(conversions_to_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
