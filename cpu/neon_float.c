/* Advanced SIMD on single-precision floats (DDI 0406C A7.4). All arithmetic uses the standard
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

/* ---- On the host's vectors, where these do the same ----
 *
 * That is so when operands and results are zeros or normal numbers. The one flag that remains, inexact, does
 * not matter once FPSCR has it. */

typedef float Floats __attribute__((vector_size(16)));

/* The result; clears in *same the lanes where it may differ from the exact one in value or flags. */
typedef Vec HostOp(Vec d, Vec n, Vec m, Vec *same);

INLINE Vec magnitude(Vec v)
{
    return v & v_dup(0x7fffffff, 2);
}

/* Lanes whose magnitude is above that of `above` and finite. */
INLINE Vec finite_above(Vec v, uint32_t above)
{
    Vec size = magnitude(v);
    return v_gt(size, v_dup(above, 2), 2, true) & v_gt(v_dup(0x7f800000, 2), size, 2, true);
}

INLINE Vec is_zero(Vec v)
{
    return v_eq(magnitude(v), v_zero(), 2);
}

INLINE Vec plain(Vec v)
{
    return finite_above(v, 0x007fffff) | is_zero(v);
}

/* A sum that is tiny is exact, so a result that is normal or zero was never rounded up from a denormal one.
 */
INLINE Vec host_add(Vec d, Vec n, Vec m, Vec *same)
{
    Vec sum = (Vec)((Floats)n + (Floats)m);
    (void)d;
    *same &= plain(n) & plain(m) & plain(sum);
    return sum;
}

INLINE Vec host_sub(Vec d, Vec n, Vec m, Vec *same)
{
    return host_add(d, n, m ^ v_dup(0x80000000, 2), same);
}

/* The least normal number may have been rounded up from below it. */
INLINE Vec host_mul(Vec d, Vec n, Vec m, Vec *same)
{
    Vec product = (Vec)((Floats)n * (Floats)m);
    (void)d;
    *same &= plain(n) & plain(m) & (finite_above(product, 0x00800000) | is_zero(n) | is_zero(m));
    return product;
}

INLINE Vec host_mla(Vec d, Vec n, Vec m, Vec *same)
{
    return host_add(d, d, host_mul(d, n, m, same), same);
}

INLINE Vec host_mls(Vec d, Vec n, Vec m, Vec *same)
{
    return host_sub(d, d, host_mul(d, n, m, same), same);
}

INLINE Vec host_abd(Vec d, Vec n, Vec m, Vec *same)
{
    return magnitude(host_sub(d, n, m, same));
}

/* Equal operands differ at most in the sign of zero. */
INLINE Vec host_max(Vec d, Vec n, Vec m, Vec *same)
{
    Vec greater = (Vec)((Floats)n > (Floats)m), less = (Vec)((Floats)n < (Floats)m);
    (void)d;
    *same &= plain(n) & plain(m);
    return (n & greater) | (m & less) | (n & m & ~(greater | less));
}

INLINE Vec host_min(Vec d, Vec n, Vec m, Vec *same)
{
    Vec greater = (Vec)((Floats)n > (Floats)m), less = (Vec)((Floats)n < (Floats)m);
    (void)d;
    *same &= plain(n) & plain(m);
    return (n & less) | (m & greater) | ((n | m) & ~(greater | less));
}

INLINE Vec host_eq(Vec d, Vec n, Vec m, Vec *same)
{
    (void)d;
    *same &= plain(n) & plain(m);
    return (Vec)((Floats)n == (Floats)m);
}

INLINE Vec host_ge(Vec d, Vec n, Vec m, Vec *same)
{
    (void)d;
    *same &= plain(n) & plain(m);
    return (Vec)((Floats)n >= (Floats)m);
}

INLINE Vec host_gt(Vec d, Vec n, Vec m, Vec *same)
{
    (void)d;
    *same &= plain(n) & plain(m);
    return (Vec)((Floats)n > (Floats)m);
}

/* exact_op where the host's vectors do not do. For operations that are never inexact. */
INLINE void all_floats(Cpu *c, const Insn *i, HostOp *host_op, FloatOp *exact_op)
{
    Vec same = ~v_zero();
    Vec n = read_vec(c, i->rn, i->q), m = read_m(c, i, i->q);
    Vec result = host_op(read_vec(c, i->rd, i->q), n, m, &same);
    if (__builtin_expect(~(same[0] & same[1]) == 0, 1))
        write_vec(c, i->rd, i->q, result);
    else
        each_float(c, i, exact_op);
}

/* The same for those that may be inexact. */
INLINE void all_floats_rounded(Cpu *c, const Insn *i, HostOp *host_op, FloatOp *exact_op)
{
    if (__builtin_expect(c->fpscr & FPSCR_IXC, 1))
        all_floats(c, i, host_op, exact_op);
    else
        each_float(c, i, exact_op);
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
    all_floats_rounded(c, i, host_add, op_add);
}

void neon_vsub_f(Cpu *c, const Insn *i)
{
    all_floats_rounded(c, i, host_sub, op_sub);
}

void neon_vabd_f(Cpu *c, const Insn *i)
{
    all_floats_rounded(c, i, host_abd, op_abd);
}

void neon_vmul_f(Cpu *c, const Insn *i)
{
    all_floats_rounded(c, i, host_mul, op_mul);
}

void neon_vmla_f(Cpu *c, const Insn *i)
{
    all_floats_rounded(c, i, host_mla, fp32_mla);
}

void neon_vmls_f(Cpu *c, const Insn *i)
{
    all_floats_rounded(c, i, host_mls, fp32_mls);
}

void neon_vmax_f(Cpu *c, const Insn *i)
{
    all_floats(c, i, host_max, op_max);
}

void neon_vmin_f(Cpu *c, const Insn *i)
{
    all_floats(c, i, host_min, op_min);
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
    all_floats(c, i, host_eq, op_eq);
}

void neon_vcge_f(Cpu *c, const Insn *i)
{
    all_floats(c, i, host_ge, op_ge);
}

void neon_vcgt_f(Cpu *c, const Insn *i)
{
    all_floats(c, i, host_gt, op_gt);
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
