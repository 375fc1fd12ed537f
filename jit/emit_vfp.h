/* The primitives of VFP instruction bodies, for translation: beside emit.h, with the meanings that
 * cpu/exec_vfp.h gives them. Registers are read as integers; where a float is wanted, the reference is taken
 * for the register's number instead, and the integer never made. */
#ifndef ARMATURE_JIT_EMIT_VFP_H
#define ARMATURE_JIT_EMIT_VFP_H

#include "cpu/fp.h"
#include "jit/emit.h"
#include "jit/emit_simd.h"
#include "jit/simd.h"

/* ---- Appending (emit_vfp.c) ---- */

IrRef emit_float(C *c, IrRef ref); /* the value as a vector value */
IrRef emit_fp_binary(C *c, FpOp op, IrRef x, IrRef y, unsigned how);
IrRef emit_fp_unary(C *c, FpOp op, IrRef x, unsigned how);
IrRef emit_fp_sign(C *c, FpOp op, IrRef x, unsigned how);
IrRef emit_fp_compare(C *c, IrRef x, IrRef y, unsigned how);
IrRef emit_fp_to_fixed(C *c, IrRef x, FpFixed to, bool round_zero, unsigned how);
IrRef emit_fp_from_fixed(C *c, IrRef x, FpFixed from, unsigned how);
void set_s(C *c, unsigned n, V value);
void set_d(C *c, unsigned n, V64 value);
void set_nzcv_from_fpscr(C *c);

/* ---- Access and registers ---- */

static inline bool vfp_begin(C *c, unsigned d_registers)
{
    (void)d_registers;
    emit_fp_access(c, FP_ACCESS_VFP);
    return true;
}

static inline bool vfp_begin_scalar(C *c, unsigned d_registers)
{
    (void)d_registers;
    emit_fp_access(c, FP_ACCESS_SCALAR);
    return true;
}

static inline bool simd_begin(C *c)
{
    emit_fp_access(c, FP_ACCESS_SIMD);
    return true;
}

static inline V get_s(C *c, unsigned n)
{
    return (V){emit_op(c, IR_GET_WORD, 0, 0, 0, n)};
}

static inline V64 get_d(C *c, unsigned n)
{
    return (V64){emit_op(c, IR_GET_LONG, 0, 0, 0, n)};
}

/* Only data that is little-endian takes the fast path. */
static inline V64 join_words(C *c, V first, V second)
{
    return pair64(c, second, first);
}

static inline V first_word(C *c, V64 value)
{
    return low32(c, value);
}

static inline V second_word(C *c, V64 value)
{
    return high32(c, value);
}

/* ---- FPSCR ---- */

static inline V get_fpscr(C *c)
{
    c->must_call = true;
    return imm(c, 0);
}

/* nzcv is an FP_COMPARE, which has set FPSCR. */
static inline void set_fp_nzcv(C *c, V nzcv)
{
    c->fp_nzcv = nzcv.ref;
}

static inline V read_fp_register(C *c, unsigned reg)
{
    (void)reg;
    return get_fpscr(c);
}

static inline void write_fp_register(C *c, unsigned reg, V value)
{
    (void)reg;
    (void)value;
    c->must_call = true;
}

/* ---- Arithmetic under the control of FPSCR ---- */

static inline V f32_add(C *c, V x, V y)
{
    return (V){emit_fp_binary(c, FP_OP_ADD, x.ref, y.ref, 0)};
}

static inline V f32_sub(C *c, V x, V y)
{
    return (V){emit_fp_binary(c, FP_OP_SUB, x.ref, y.ref, 0)};
}

static inline V f32_mul(C *c, V x, V y)
{
    return (V){emit_fp_binary(c, FP_OP_MUL, x.ref, y.ref, 0)};
}

static inline V f32_div(C *c, V x, V y)
{
    return (V){emit_fp_binary(c, FP_OP_DIV, x.ref, y.ref, 0)};
}

static inline V f32_sqrt(C *c, V x)
{
    return (V){emit_fp_unary(c, FP_OP_SQRT, x.ref, 0)};
}

static inline V f32_abs(C *c, V x)
{
    return (V){emit_fp_sign(c, FP_OP_ABS, x.ref, 0)};
}

static inline V f32_neg(C *c, V x)
{
    return (V){emit_fp_sign(c, FP_OP_NEG, x.ref, 0)};
}

static inline V64 f64_add(C *c, V64 x, V64 y)
{
    return (V64){emit_fp_binary(c, FP_OP_ADD, x.ref, y.ref, FP_DOUBLE)};
}

static inline V64 f64_sub(C *c, V64 x, V64 y)
{
    return (V64){emit_fp_binary(c, FP_OP_SUB, x.ref, y.ref, FP_DOUBLE)};
}

static inline V64 f64_mul(C *c, V64 x, V64 y)
{
    return (V64){emit_fp_binary(c, FP_OP_MUL, x.ref, y.ref, FP_DOUBLE)};
}

static inline V64 f64_div(C *c, V64 x, V64 y)
{
    return (V64){emit_fp_binary(c, FP_OP_DIV, x.ref, y.ref, FP_DOUBLE)};
}

static inline V64 f64_sqrt(C *c, V64 x)
{
    return (V64){emit_fp_unary(c, FP_OP_SQRT, x.ref, FP_DOUBLE)};
}

static inline V64 f64_abs(C *c, V64 x)
{
    return (V64){emit_fp_sign(c, FP_OP_ABS, x.ref, FP_DOUBLE)};
}

static inline V64 f64_neg(C *c, V64 x)
{
    return (V64){emit_fp_sign(c, FP_OP_NEG, x.ref, FP_DOUBLE)};
}

static inline V f32_compare(C *c, V x, V y, bool signal_quiet)
{
    return (V){emit_fp_compare(c, x.ref, y.ref, signal_quiet ? FP_SIGNALS : 0)};
}

static inline V f64_compare(C *c, V64 x, V64 y, bool signal_quiet)
{
    return (V){emit_fp_compare(c, x.ref, y.ref, FP_DOUBLE | (signal_quiet ? FP_SIGNALS : 0))};
}

/* ---- Conversions under the control of FPSCR ---- */

static inline V64 f32_to_f64(C *c, V x)
{
    return (V64){emit_fp_unary(c, FP_OP_TO_DOUBLE, x.ref, 0)};
}

static inline V f64_to_f32(C *c, V64 x)
{
    return (V){emit_fp_unary(c, FP_OP_TO_SINGLE, x.ref, FP_DOUBLE)};
}

static inline V f16_to_f32(C *c, V x)
{
    (void)x;
    return get_fpscr(c);
}

static inline V f32_to_f16(C *c, V x)
{
    (void)x;
    return get_fpscr(c);
}

static inline V f32_to_fixed(C *c, V x, FpFixed to, bool round_zero)
{
    return (V){emit_fp_to_fixed(c, x.ref, to, round_zero, 0)};
}

static inline V f64_to_fixed(C *c, V64 x, FpFixed to, bool round_zero)
{
    return (V){emit_fp_to_fixed(c, x.ref, to, round_zero, FP_DOUBLE)};
}

static inline V f32_from_fixed(C *c, V x, FpFixed from, bool round_nearest)
{
    (void)round_nearest; /* it rounds so always */
    return (V){emit_fp_from_fixed(c, x.ref, from, 0)};
}

static inline V64 f64_from_fixed(C *c, V x, FpFixed from, bool round_nearest)
{
    (void)round_nearest;
    return (V64){emit_fp_from_fixed(c, x.ref, from, FP_DOUBLE)};
}

#endif
