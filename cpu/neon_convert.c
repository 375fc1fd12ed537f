/* Advanced SIMD conversions of single-precision floats (DDI 0406C A7.4), with the standard FPSCR value as in
 * neon_float.c. */
#include "cpu/neon.h"
#include "cpu/neon_lanes.h"

/* ---- Conversions between single-precision and fixed-point (imm fraction bits; integer: 0) ---- */

typedef uint32_t ConvertOp(uint32_t m, FpFixed fixed, FpEnv *env);

INLINE void each_fixed(Cpu *c, const Insn *i, ConvertOp *op)
{
    FpEnv env = fp_standard_env(c->fpscr);
    FpFixed fixed = {32, (uint8_t)i->imm, !i->s};
    unsigned lanes = i->q ? 4 : 2;
    for (unsigned k = 0; k < lanes; k++)
        c->v.s[2 * i->rd + k] = op(c->v.s[2 * i->rm + k], fixed, &env);
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
        result |= (uint64_t)fp32_to_fp16(c->v.s[2 * i->rm + k], &env) << 16 * k;
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
