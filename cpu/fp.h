/* Floating-point arithmetic as the VFPv3 and Advanced SIMD units do it (DDI 0406C A2.7, appendix D16.6), on
 * bit patterns. Exact in every rounding mode, with the cumulative exception flags, flush-to-zero, default NaN
 * and the alternative half-precision format.
 *
 * fp.c           arithmetic, comparisons: fast paths on the host's arithmetic where these are provably the
 * same fp_soft.{h,c}  the exact integer arithmetic behind them fp_convert.c   conversions fp_estimate.c
 * reciprocal (square root) estimates and Newton-Raphson steps */
#ifndef ARMATURE_CPU_FP_H
#define ARMATURE_CPU_FP_H

#include <stdbool.h>
#include <stdint.h>

/* The environment is an FPSCR value, as in the manual's pseudo-code: operations read its control bits and set
 * its cumulative flags. VFP instructions pass &cpu->fpscr; Advanced SIMD ones work on FpEnv env =
 * fp_standard_env(cpu->fpscr); ... fp_merge_flags(&cpu->fpscr, env); */
typedef uint32_t FpEnv;

enum {
    FPSCR_N = 1u << 31,
    FPSCR_Z = 1 << 30,
    FPSCR_C = 1 << 29,
    FPSCR_V = 1 << 28,
    FPSCR_NZCV = 0xf0000000,
    FPSCR_QC = 1 << 27,
    FPSCR_AHP = 1 << 26,
    FPSCR_DN = 1 << 25,
    FPSCR_FZ = 1 << 24,
    FPSCR_RMODE = 3 << 22, /* FP_RN ... FP_RZ */
    FPSCR_STRIDE = 3 << 20,
    FPSCR_LEN = 7 << 16,
    FPSCR_IDC = 1 << 7,
    FPSCR_IXC = 1 << 4,
    FPSCR_UFC = 1 << 3,
    FPSCR_OFC = 1 << 2,
    FPSCR_DZC = 1 << 1,
    FPSCR_IOC = 1 << 0,
    FPSCR_FLAGS = 0x9f
};

enum { FP_RMODE_SHIFT = 22 };
typedef enum FpRounding { FP_RN, FP_RP, FP_RM, FP_RZ } FpRounding;

#define FP16_DEFAULT_NAN 0x7e00u
#define FP32_DEFAULT_NAN 0x7fc00000u
#define FP64_DEFAULT_NAN 0x7ff8000000000000u

/* StandardFPSCRValue(): round to nearest, flush to zero, default NaN; AHP as it is; no flags. */
static inline FpEnv fp_standard_env(uint32_t fpscr)
{
    return (fpscr & FPSCR_AHP) | FPSCR_FZ | FPSCR_DN;
}

static inline void fp_merge_flags(uint32_t *fpscr, FpEnv env)
{
    *fpscr |= env & FPSCR_FLAGS;
}

/* ---- Arithmetic (fp.c) ---- */

uint32_t fp32_add(uint32_t a, uint32_t b, FpEnv *env);
uint32_t fp32_sub(uint32_t a, uint32_t b, FpEnv *env); /* a - b */
uint32_t fp32_mul(uint32_t a, uint32_t b, FpEnv *env);
uint32_t fp32_div(uint32_t a, uint32_t b, FpEnv *env); /* a / b */
uint32_t fp32_sqrt(uint32_t a, FpEnv *env);
uint64_t fp64_add(uint64_t a, uint64_t b, FpEnv *env);
uint64_t fp64_sub(uint64_t a, uint64_t b, FpEnv *env);
uint64_t fp64_mul(uint64_t a, uint64_t b, FpEnv *env);
uint64_t fp64_div(uint64_t a, uint64_t b, FpEnv *env);
uint64_t fp64_sqrt(uint64_t a, FpEnv *env);

/* FPAbs and FPNeg: the sign bit only, NaNs too. */
static inline uint32_t fp32_abs(uint32_t a)
{
    return a & 0x7fffffff;
}

static inline uint32_t fp32_neg(uint32_t a)
{
    return a ^ 0x80000000;
}

static inline uint64_t fp64_abs(uint64_t a)
{
    return a & ~(1ull << 63);
}

static inline uint64_t fp64_neg(uint64_t a)
{
    return a ^ 1ull << 63;
}

/* VMLA and VMLS: the product is rounded before it is added (there is no fused operation before VFPv4). */
static inline uint32_t fp32_mla(uint32_t addend, uint32_t a, uint32_t b, FpEnv *env)
{
    return fp32_add(addend, fp32_mul(a, b, env), env);
}

static inline uint32_t fp32_mls(uint32_t addend, uint32_t a, uint32_t b, FpEnv *env)
{
    return fp32_add(addend, fp32_neg(fp32_mul(a, b, env)), env);
}

/* |a - b|: VABD (FPAbs of FPSub). */
static inline uint32_t fp32_abd(uint32_t a, uint32_t b, FpEnv *env)
{
    return fp32_abs(fp32_sub(a, b, env));
}

/* FPMax and FPMin: a NaN operand gives a NaN; +0 is greater than -0. */
uint32_t fp32_max(uint32_t a, uint32_t b, FpEnv *env);
uint32_t fp32_min(uint32_t a, uint32_t b, FpEnv *env);

/* FPCompare: the NZCV value, in bits 31:28 as FPSCR has it. signal_quiet: IOC for quiet NaNs too (VCMPE). */
uint32_t fp32_compare(uint32_t a, uint32_t b, bool signal_quiet, FpEnv *env);
uint32_t fp64_compare(uint64_t a, uint64_t b, bool signal_quiet, FpEnv *env);
/* FPCompareEQ (IOC for signalling NaNs only), FPCompareGE, FPCompareGT (IOC for any NaN). False for NaNs. */
bool fp32_compare_eq(uint32_t a, uint32_t b, FpEnv *env);
bool fp32_compare_ge(uint32_t a, uint32_t b, FpEnv *env);
bool fp32_compare_gt(uint32_t a, uint32_t b, FpEnv *env);

/* ---- Conversions (fp_convert.c) ---- */

uint64_t fp32_to_fp64(uint32_t a, FpEnv *env);
uint32_t fp64_to_fp32(uint64_t a, FpEnv *env);
uint32_t fp16_to_fp32(uint16_t a, FpEnv *env);
uint16_t fp32_to_fp16(uint32_t a, FpEnv *env);

/* A fixed-point (fraction 0: integer) format: `size` bits wide, 16 or 32; fraction 0 to size. */
typedef struct FpFixed {
    uint8_t size, fraction;
    bool is_unsigned;
} FpFixed;

/* FPToFixed: saturates (IOC; NaN gives 0 and IOC). round_zero overrides the rounding mode. The result is
 * sign- or zero-extended from `size` to 32 bits, as is_unsigned says. */
uint32_t fp32_to_fixed(uint32_t a, FpFixed to, bool round_zero, FpEnv *env);
uint32_t fp64_to_fixed(uint64_t a, FpFixed to, bool round_zero, FpEnv *env);
/* FixedToFP: reads the low `size` bits of value. round_nearest overrides the rounding mode. */
uint32_t fp32_from_fixed(uint32_t value, FpFixed from, bool round_nearest, FpEnv *env);
uint64_t fp64_from_fixed(uint32_t value, FpFixed from, bool round_nearest, FpEnv *env);

/* The 32-bit integer cases. */
static inline uint32_t fp32_to_int(uint32_t a, bool is_unsigned, bool round_zero, FpEnv *env)
{
    return fp32_to_fixed(a, (FpFixed){32, 0, is_unsigned}, round_zero, env);
}

static inline uint32_t fp64_to_int(uint64_t a, bool is_unsigned, bool round_zero, FpEnv *env)
{
    return fp64_to_fixed(a, (FpFixed){32, 0, is_unsigned}, round_zero, env);
}

static inline uint32_t fp32_from_int(uint32_t value, bool is_unsigned, bool round_nearest, FpEnv *env)
{
    return fp32_from_fixed(value, (FpFixed){32, 0, is_unsigned}, round_nearest, env);
}

static inline uint64_t fp64_from_int(uint32_t value, bool is_unsigned, bool round_nearest, FpEnv *env)
{
    return fp64_from_fixed(value, (FpFixed){32, 0, is_unsigned}, round_nearest, env);
}

/* ---- Estimates (fp_estimate.c): Advanced SIMD only, so env is a standard one ---- */

uint32_t fp32_recip_estimate(uint32_t a, FpEnv *env);         /* VRECPE.F32 */
uint32_t fp32_rsqrt_estimate(uint32_t a, FpEnv *env);         /* VRSQRTE.F32 */
uint32_t fp32_recip_step(uint32_t a, uint32_t b, FpEnv *env); /* VRECPS: 2 - a * b */
uint32_t fp32_rsqrt_step(uint32_t a, uint32_t b, FpEnv *env); /* VRSQRTS: (3 - a * b) / 2 */
uint32_t u32_recip_estimate(uint32_t a);                      /* VRECPE.U32 */
uint32_t u32_rsqrt_estimate(uint32_t a);                      /* VRSQRTE.U32 */

#endif
