/* Translation of Advanced SIMD, in parts. Private to jit/emit_neon*.c.
 *
 * emit_neon.c        operands, the table
 * emit_neon_data.c   integers
 * emit_neon_float.c  singles
 * emit_neon_move.c   permutations, loads and stores */
#ifndef ARMATURE_JIT_EMIT_NEON_H
#define ARMATURE_JIT_EMIT_NEON_H

#include "jit/emit_lanes.h"
#include "jit/emit_simd.h"

/* ---- Operands (format_neon.c tells which members they are in) ---- */

IrRef neon_get(C *c, unsigned reg, bool q);
IrRef neon_get_n(C *c, const Insn *i);
IrRef neon_get_d(C *c, const Insn *i);
void neon_set(C *c, unsigned reg, bool q, IrRef value);
void neon_put(C *c, const Insn *i, IrRef value);
void neon_put_low(C *c, const Insn *i, IrRef value);
IrRef neon_dup_lane(C *c, IrRef x, unsigned size, unsigned lane);
IrRef neon_get_scalar(C *c, const Insn *i);
IrRef neon_get_m(C *c, const Insn *i);

/* ---- Translations: op tells those apart that have one in common ---- */

typedef void NeonFunction(C *c, const Insn *i, unsigned op);

NeonFunction emit_bitwise, emit_immediate, emit_vmvn, emit_add_sub, emit_saturating, emit_halving,
    emit_compare, emit_compare_zero, emit_max_min, emit_difference, emit_vabs, emit_vneg, emit_pairwise,
    emit_pair_long, emit_multiply, emit_multiply_long, emit_long, emit_difference_long, emit_high_half,
    emit_shift_right, emit_vsri, emit_shift_left, emit_vshll, emit_narrow, emit_narrow_saturated,
    emit_reverse, emit_vext, emit_vdup, emit_vswp, emit_vtrn, emit_vzip, emit_vuzp, emit_vtbl,
    emit_float_binary, emit_float_difference, emit_float_compare_abs, emit_float_compare_zero,
    emit_float_accumulate, emit_float_pairwise, emit_float_sign, emit_float_convert, emit_vld_multiple,
    emit_vst_multiple, emit_vld_lane, emit_vst_lane, emit_vld_all;

enum { BIT_AND, BIT_BIC, BIT_OR, BIT_ORN, BIT_EOR, BIT_BSL, BIT_BIT, BIT_BIF };
enum { IMM_MOV, IMM_MVN, IMM_OR, IMM_BIC, IMM_MOV_64 };
enum { HALF_ADD, HALF_ADD_ROUNDED, HALF_SUB };
enum { COMPARE_GT, COMPARE_GE, COMPARE_EQ, COMPARE_TST, COMPARE_LE, COMPARE_LT };
enum { PLAIN, ACCUMULATE, SUBTRACT };
enum { LONG_ADD, LONG_SUB, WIDE_ADD, WIDE_SUB };
enum { SHIFT_ROUNDED = 1, SHIFT_ACCUMULATE = 2 };

#endif
