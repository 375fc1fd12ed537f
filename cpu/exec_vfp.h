/* Primitives for VFP instruction bodies, for execution: beside exec.h, with the same rules. A translator
 * gives them another meaning; what it has no better code for are calls of fp.h. */
#ifndef ARMATURE_CPU_EXEC_VFP_H
#define ARMATURE_CPU_EXEC_VFP_H

#include "cpu/exec.h"
#include "cpu/fp.h"

/* ---- Access and registers ---- */

/* Comes first in every body: false if the instruction was refused (Undefined Instruction is taken).
 * d_registers: the numbers of the D registers it uses, or-ed together. */
static inline bool vfp_begin(C *c, unsigned d_registers)
{
    return __builtin_expect(c->fp_access & FP_ACCESS_VFP, 1) || fpu_access_vfp(c, FP_ACCESS_VFP, d_registers);
}

/* The same for data processing that is UNDEFINED with FPSCR.Len not 0. */
static inline bool vfp_begin_scalar(C *c, unsigned d_registers)
{
    return __builtin_expect(c->fp_access & FP_ACCESS_SCALAR, 1) ||
           fpu_access_vfp(c, FP_ACCESS_SCALAR, d_registers);
}

static inline bool simd_begin(C *c)
{
    return fpu_simd_enabled(c);
}

/* S registers; n from 32 to 63 are the words of D16 to D31. */
static inline V get_s(C *c, unsigned n)
{
    return c->v.s[n];
}

static inline void set_s(C *c, unsigned n, V value)
{
    c->v.s[n] = value;
}

static inline V64 get_d(C *c, unsigned n)
{
    return c->v.d[n];
}

static inline void set_d(C *c, unsigned n, V64 value)
{
    c->v.d[n] = value;
}

/* A doubleword from the two words at ascending addresses, and those words of it. */
static inline V64 join_words(C *c, V first, V second)
{
    return c->e ? (V64)first << 32 | second : (V64)second << 32 | first;
}

static inline V first_word(C *c, V64 value)
{
    return c->e ? (V)(value >> 32) : (V)value;
}

static inline V second_word(C *c, V64 value)
{
    return c->e ? (V)value : (V)(value >> 32);
}

/* ---- FPSCR ---- */

static inline V get_fpscr(C *c)
{
    return c->fpscr;
}

/* Sets the flags of FPSCR to bits 31:28 of nzcv. */
static inline void set_fp_nzcv(C *c, V nzcv)
{
    c->fpscr = (c->fpscr & ~FPSCR_NZCV) | nzcv;
}

/* APSR.NZCV := FPSCR.NZCV */
static inline void set_nzcv_from_fpscr(C *c)
{
    uint32_t fpscr = c->fpscr;
    c->nf = fpscr;
    c->zf = ~fpscr & FPSCR_Z;
    c->cf = fpscr >> 29 & 1;
    c->vf = fpscr >> 28 & 1;
}

/* VMRS and VMSR of the other cases: with all checks, followed by faulted(). */
static inline V read_fp_register(C *c, unsigned reg)
{
    return fpu_read_register(c, reg);
}

static inline void write_fp_register(C *c, unsigned reg, V value)
{
    fpu_write_register(c, reg, value);
}

/* ---- Arithmetic under the control of FPSCR ---- */

static inline V f32_add(C *c, V x, V y)
{
    return fp32_add(x, y, &c->fpscr);
}

static inline V f32_sub(C *c, V x, V y)
{
    return fp32_sub(x, y, &c->fpscr);
}

static inline V f32_mul(C *c, V x, V y)
{
    return fp32_mul(x, y, &c->fpscr);
}

static inline V f32_div(C *c, V x, V y)
{
    return fp32_div(x, y, &c->fpscr);
}

static inline V f32_sqrt(C *c, V x)
{
    return fp32_sqrt(x, &c->fpscr);
}

static inline V f32_abs(C *c, V x)
{
    (void)c;
    return fp32_abs(x);
}

static inline V f32_neg(C *c, V x)
{
    (void)c;
    return fp32_neg(x);
}

static inline V64 f64_add(C *c, V64 x, V64 y)
{
    return fp64_add(x, y, &c->fpscr);
}

static inline V64 f64_sub(C *c, V64 x, V64 y)
{
    return fp64_sub(x, y, &c->fpscr);
}

static inline V64 f64_mul(C *c, V64 x, V64 y)
{
    return fp64_mul(x, y, &c->fpscr);
}

static inline V64 f64_div(C *c, V64 x, V64 y)
{
    return fp64_div(x, y, &c->fpscr);
}

static inline V64 f64_sqrt(C *c, V64 x)
{
    return fp64_sqrt(x, &c->fpscr);
}

static inline V64 f64_abs(C *c, V64 x)
{
    (void)c;
    return fp64_abs(x);
}

static inline V64 f64_neg(C *c, V64 x)
{
    (void)c;
    return fp64_neg(x);
}

static inline V f32_compare(C *c, V x, V y, bool signal_quiet)
{
    return fp32_compare(x, y, signal_quiet, &c->fpscr);
}

static inline V f64_compare(C *c, V64 x, V64 y, bool signal_quiet)
{
    return fp64_compare(x, y, signal_quiet, &c->fpscr);
}

/* ---- Conversions under the control of FPSCR ---- */

static inline V64 f32_to_f64(C *c, V x)
{
    return fp32_to_fp64(x, &c->fpscr);
}

static inline V f64_to_f32(C *c, V64 x)
{
    return fp64_to_fp32(x, &c->fpscr);
}

/* x has the half-precision number in its low half; so has the result. */
static inline V f16_to_f32(C *c, V x)
{
    return fp16_to_fp32((uint16_t)x, &c->fpscr);
}

static inline V f32_to_f16(C *c, V x)
{
    return fp32_to_fp16(x, &c->fpscr);
}

static inline V f32_to_fixed(C *c, V x, FpFixed to, bool round_zero)
{
    return fp32_to_fixed(x, to, round_zero, &c->fpscr);
}

static inline V f64_to_fixed(C *c, V64 x, FpFixed to, bool round_zero)
{
    return fp64_to_fixed(x, to, round_zero, &c->fpscr);
}

static inline V f32_from_fixed(C *c, V x, FpFixed from, bool round_nearest)
{
    return fp32_from_fixed(x, from, round_nearest, &c->fpscr);
}

static inline V64 f64_from_fixed(C *c, V x, FpFixed from, bool round_nearest)
{
    return fp64_from_fixed(x, from, round_nearest, &c->fpscr);
}

#endif
