/* Advanced SIMD on single-precision floats and conversions (DDI 0406C A7.4). All arithmetic uses the standard
 * FPSCR value: round to nearest, flush to zero, default NaN; the cumulative flags go to FPSCR. */
#include "cpu/neon.h"
#include "cpu/neon_lanes.h"

/* One lane. d: old destination. */
typedef uint32_t FloatOp(uint32_t d, uint32_t n, uint32_t m, FpEnv *env);

INLINE uint32_t lane_s(const Cpu *c, unsigned reg, unsigned lane)
{
    return c->v.s[2 * reg + lane];
}

INLINE void each_float(Cpu *c, const Insn *i, FloatOp *op)
{
    FpEnv env = fp_standard_env(c->fpscr);
    unsigned lanes = i->q ? 4 : 2;
    uint32_t result[4];
    for (unsigned k = 0; k < lanes; k++) {
        uint32_t m = lane_s(c, i->rm, i->index ? i->imm : k);
        result[k] = op(lane_s(c, i->rd, k), lane_s(c, i->rn, k), m, &env);
    }
    memcpy(&c->v.s[2 * i->rd], result, 4 * lanes);
    fp_merge_flags(&c->fpscr, env);
}

/* Adjacent pairs of n, then of m; doublewords only. */
INLINE void each_float_pair(Cpu *c, const Insn *i, FloatOp *op)
{
    FpEnv env = fp_standard_env(c->fpscr);
    uint32_t low = op(0, lane_s(c, i->rn, 0), lane_s(c, i->rn, 1), &env);
    uint32_t high = op(0, lane_s(c, i->rm, 0), lane_s(c, i->rm, 1), &env);
    c->v.s[2 * i->rd] = low;
    c->v.s[2 * i->rd + 1] = high;
    fp_merge_flags(&c->fpscr, env);
}

/* ---- Arithmetic ---- */

INLINE uint32_t op_add(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d;
    return fp32_add(n, m, env);
}

INLINE uint32_t op_sub(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d;
    return fp32_sub(n, m, env);
}

INLINE uint32_t op_abd(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d;
    return fp32_abd(n, m, env);
}

INLINE uint32_t op_mul(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d;
    return fp32_mul(n, m, env);
}

INLINE uint32_t op_max(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d;
    return fp32_max(n, m, env);
}

INLINE uint32_t op_min(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d;
    return fp32_min(n, m, env);
}

INLINE uint32_t op_recps(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d;
    return fp32_recip_step(n, m, env);
}

INLINE uint32_t op_rsqrts(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d;
    return fp32_rsqrt_step(n, m, env);
}

void neon_vadd_f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_add);
}

void neon_vsub_f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_sub);
}

void neon_vabd_f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_abd);
}

void neon_vmul_f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_mul);
}

void neon_vmla_f(Cpu *c, const Insn *i)
{
    each_float(c, i, fp32_mla);
}

void neon_vmls_f(Cpu *c, const Insn *i)
{
    each_float(c, i, fp32_mls);
}

void neon_vmax_f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_max);
}

void neon_vmin_f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_min);
}

void neon_vpadd_f(Cpu *c, const Insn *i)
{
    each_float_pair(c, i, op_add);
}

void neon_vpmax_f(Cpu *c, const Insn *i)
{
    each_float_pair(c, i, op_max);
}

void neon_vpmin_f(Cpu *c, const Insn *i)
{
    each_float_pair(c, i, op_min);
}

void neon_vrecps(Cpu *c, const Insn *i)
{
    each_float(c, i, op_recps);
}

void neon_vrsqrts(Cpu *c, const Insn *i)
{
    each_float(c, i, op_rsqrts);
}

/* ---- Comparisons: all ones if true ---- */

INLINE uint32_t op_eq(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d;
    return -(uint32_t)fp32_compare_eq(n, m, env);
}

INLINE uint32_t op_ge(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d;
    return -(uint32_t)fp32_compare_ge(n, m, env);
}

INLINE uint32_t op_gt(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d;
    return -(uint32_t)fp32_compare_gt(n, m, env);
}

INLINE uint32_t op_acge(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    return op_ge(d, fp32_abs(n), fp32_abs(m), env);
}

INLINE uint32_t op_acgt(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    return op_gt(d, fp32_abs(n), fp32_abs(m), env);
}

INLINE uint32_t op_eq_0(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)n;
    return op_eq(d, m, 0, env);
}

INLINE uint32_t op_ge_0(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)n;
    return op_ge(d, m, 0, env);
}

INLINE uint32_t op_gt_0(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)n;
    return op_gt(d, m, 0, env);
}

INLINE uint32_t op_le_0(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)n;
    return op_ge(d, 0, m, env);
}

INLINE uint32_t op_lt_0(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)n;
    return op_gt(d, 0, m, env);
}

void neon_vceq_f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_eq);
}

void neon_vcge_f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_ge);
}

void neon_vcgt_f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_gt);
}

void neon_vacge(Cpu *c, const Insn *i)
{
    each_float(c, i, op_acge);
}

void neon_vacgt(Cpu *c, const Insn *i)
{
    each_float(c, i, op_acgt);
}

void neon_vceq_0f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_eq_0);
}

void neon_vcge_0f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_ge_0);
}

void neon_vcgt_0f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_gt_0);
}

void neon_vcle_0f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_le_0);
}

void neon_vclt_0f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_lt_0);
}

/* ---- One operand ---- */

INLINE uint32_t op_abs(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d, (void)n, (void)env;
    return fp32_abs(m);
}

INLINE uint32_t op_neg(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d, (void)n, (void)env;
    return fp32_neg(m);
}

INLINE uint32_t op_recpe_f(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d, (void)n;
    return fp32_recip_estimate(m, env);
}

INLINE uint32_t op_rsqrte_f(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d, (void)n;
    return fp32_rsqrt_estimate(m, env);
}

INLINE uint32_t op_recpe(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d, (void)n, (void)env;
    return u32_recip_estimate(m);
}

INLINE uint32_t op_rsqrte(uint32_t d, uint32_t n, uint32_t m, FpEnv *env)
{
    (void)d, (void)n, (void)env;
    return u32_rsqrt_estimate(m);
}

void neon_vabs_f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_abs);
}

void neon_vneg_f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_neg);
}

void neon_vrecpe_f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_recpe_f);
}

void neon_vrsqrte_f(Cpu *c, const Insn *i)
{
    each_float(c, i, op_rsqrte_f);
}

void neon_vrecpe(Cpu *c, const Insn *i)
{
    each_float(c, i, op_recpe);
}

void neon_vrsqrte(Cpu *c, const Insn *i)
{
    each_float(c, i, op_rsqrte);
}

/* ---- Conversions between single-precision and fixed-point (imm fraction bits; integer: 0) ---- */

typedef uint32_t ConvertOp(uint32_t m, FpFixed fixed, FpEnv *env);

INLINE void each_fixed(Cpu *c, const Insn *i, ConvertOp *op)
{
    FpEnv env = fp_standard_env(c->fpscr);
    FpFixed fixed = {32, (uint8_t)i->imm, !i->s};
    unsigned lanes = i->q ? 4 : 2;
    for (unsigned k = 0; k < lanes; k++)
        c->v.s[2 * i->rd + k] = op(lane_s(c, i->rm, k), fixed, &env);
    fp_merge_flags(&c->fpscr, env);
}

/* To fixed-point rounds towards zero, from it to nearest. */
INLINE uint32_t op_to_fixed(uint32_t m, FpFixed fixed, FpEnv *env)
{
    return fp32_to_fixed(m, fixed, true, env);
}

INLINE uint32_t op_from_fixed(uint32_t m, FpFixed fixed, FpEnv *env)
{
    return fp32_from_fixed(m, fixed, true, env);
}

void neon_vcvt_to_fixed(Cpu *c, const Insn *i)
{
    each_fixed(c, i, op_to_fixed);
}

void neon_vcvt_from_fixed(Cpu *c, const Insn *i)
{
    each_fixed(c, i, op_from_fixed);
}

/* ---- Conversions between single and half precision ---- */

void neon_vcvt_h_s(Cpu *c, const Insn *i)
{
    FpEnv env = fp_standard_env(c->fpscr);
    uint64_t result = 0;
    for (unsigned k = 0; k < 4; k++)
        result |= (uint64_t)fp32_to_fp16(lane_s(c, i->rm, k), &env) << 16 * k;
    c->v.d[i->rd] = result;
    fp_merge_flags(&c->fpscr, env);
}

void neon_vcvt_s_h(Cpu *c, const Insn *i)
{
    FpEnv env = fp_standard_env(c->fpscr);
    uint64_t halves = c->v.d[i->rm];
    for (unsigned k = 0; k < 4; k++)
        c->v.s[2 * i->rd + k] = fp16_to_fp32((uint16_t)(halves >> 16 * k), &env);
    fp_merge_flags(&c->fpscr, env);
}
