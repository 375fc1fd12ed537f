/* Advanced SIMD: instructions as expressions of the host's operations on lanes. Those whose operations the
 * host lacks, and those that have no translation here, are called. The interpreter's functions (cpu/neon*.c)
 * say what is meant. */
#include "jit/emit_neon.h"

typedef struct NeonEmit {
    NeonFunction *emit; /* NULL: called */
    uint8_t op;
} NeonEmit;

/* ---- Registers ---- */

IrRef neon_get(C *c, unsigned reg, bool q)
{
    return emit_get_x(c, 2 * reg, q ? 4 : 2);
}

IrRef neon_get_n(C *c, const Insn *i)
{
    return neon_get(c, i->rn, i->q);
}

IrRef neon_get_d(C *c, const Insn *i)
{
    return neon_get(c, i->rd, i->q);
}

void neon_set(C *c, unsigned reg, bool q, IrRef value)
{
    emit_set_x(c, 2 * reg, q ? 4 : 2, value);
}

/* The result; for doublewords, its upper half is 0 already. */
void neon_put(C *c, const Insn *i, IrRef value)
{
    neon_set(c, i->rd, i->q, value);
}

void neon_put_low(C *c, const Insn *i, IrRef value)
{
    neon_put(c, i, i->q ? value : lanes_low_half(c, value));
}

/* One lane of a doubleword in all lanes. */
IrRef neon_dup_lane(C *c, IrRef x, unsigned size, unsigned lane)
{
    if (size == 2)
        return lanes_unary(c, VEC_SHUFFLE_WORDS, 2, lane * 0x55, x);
    if (size == 0)
        x = lanes_binary(c, VEC_ZIP_LOW, 0, x, x);
    if (lane < 4)
        return lanes_unary(c, VEC_SHUFFLE_WORDS, 2, 0,
                           lanes_unary(c, VEC_SHUFFLE_LOW_HALVES, 1, lane * 0x55, x));
    return lanes_unary(c, VEC_SHUFFLE_WORDS, 2, 0xaa,
                       lanes_unary(c, VEC_SHUFFLE_HIGH_HALVES, 1, (lane - 4) * 0x55, x));
}

IrRef neon_get_scalar(C *c, const Insn *i)
{
    return neon_dup_lane(c, neon_get(c, i->rm, false), i->size, i->imm);
}

IrRef neon_get_m(C *c, const Insn *i)
{
    if (!i->index)
        return neon_get(c, i->rm, i->q);
    return i->q ? neon_get_scalar(c, i) : lanes_low_half(c, neon_get_scalar(c, i));
}

/* ---- The table ---- */

/* clang-format off */
#define EMIT(body, function, op) static const NeonEmit body = {function, op};
#define CALL(body) static const NeonEmit body = {NULL, 0};

EMIT(sem_neon_vand, emit_bitwise, BIT_AND)
EMIT(sem_neon_vbic, emit_bitwise, BIT_BIC)
EMIT(sem_neon_vorr, emit_bitwise, BIT_OR)
EMIT(sem_neon_vorn, emit_bitwise, BIT_ORN)
EMIT(sem_neon_veor, emit_bitwise, BIT_EOR)
EMIT(sem_neon_vbsl, emit_bitwise, BIT_BSL)
EMIT(sem_neon_vbit, emit_bitwise, BIT_BIT)
EMIT(sem_neon_vbif, emit_bitwise, BIT_BIF)
EMIT(sem_neon_vmov_imm, emit_immediate, IMM_MOV)
EMIT(sem_neon_vmvn_imm, emit_immediate, IMM_MVN)
EMIT(sem_neon_vorr_imm, emit_immediate, IMM_OR)
EMIT(sem_neon_vbic_imm, emit_immediate, IMM_BIC)
EMIT(sem_neon_vmov_i64, emit_immediate, IMM_MOV_64)
EMIT(sem_neon_vmvn, emit_vmvn, 0)
EMIT(sem_neon_vadd, emit_add_sub, VEC_ADD)
EMIT(sem_neon_vsub, emit_add_sub, VEC_SUB)
EMIT(sem_neon_vqadd, emit_saturating, VEC_ADD_SAT)
EMIT(sem_neon_vqsub, emit_saturating, VEC_SUB_SAT)
EMIT(sem_neon_vhadd, emit_halving, HALF_ADD)
EMIT(sem_neon_vrhadd, emit_halving, HALF_ADD_ROUNDED)
EMIT(sem_neon_vhsub, emit_halving, HALF_SUB)
EMIT(sem_neon_vcgt, emit_compare, COMPARE_GT)
EMIT(sem_neon_vcge, emit_compare, COMPARE_GE)
EMIT(sem_neon_vceq, emit_compare, COMPARE_EQ)
EMIT(sem_neon_vtst, emit_compare, COMPARE_TST)
EMIT(sem_neon_vcgt_0, emit_compare_zero, COMPARE_GT)
EMIT(sem_neon_vcge_0, emit_compare_zero, COMPARE_GE)
EMIT(sem_neon_vceq_0, emit_compare_zero, COMPARE_EQ)
EMIT(sem_neon_vcle_0, emit_compare_zero, COMPARE_LE)
EMIT(sem_neon_vclt_0, emit_compare_zero, COMPARE_LT)
EMIT(sem_neon_vmax, emit_max_min, VEC_MAX)
EMIT(sem_neon_vmin, emit_max_min, VEC_MIN)
EMIT(sem_neon_vabd, emit_difference, 0)
EMIT(sem_neon_vaba, emit_difference, 1)
EMIT(sem_neon_vabs, emit_vabs, 0)
EMIT(sem_neon_vneg, emit_vneg, 0)
EMIT(sem_neon_vqneg, emit_vneg, 1)
EMIT(sem_neon_vpadd, emit_pairwise, VEC_ADD)
EMIT(sem_neon_vpmax, emit_pairwise, VEC_MAX)
EMIT(sem_neon_vpmin, emit_pairwise, VEC_MIN)
EMIT(sem_neon_vpaddl, emit_pair_long, 0)
EMIT(sem_neon_vpadal, emit_pair_long, 1)
EMIT(sem_neon_vmul, emit_multiply, PLAIN)
EMIT(sem_neon_vmla, emit_multiply, ACCUMULATE)
EMIT(sem_neon_vmls, emit_multiply, SUBTRACT)
EMIT(sem_neon_vmull, emit_multiply_long, PLAIN)
EMIT(sem_neon_vmlal, emit_multiply_long, ACCUMULATE)
EMIT(sem_neon_vmlsl, emit_multiply_long, SUBTRACT)
EMIT(sem_neon_vaddl, emit_long, LONG_ADD)
EMIT(sem_neon_vaddw, emit_long, WIDE_ADD)
EMIT(sem_neon_vsubl, emit_long, LONG_SUB)
EMIT(sem_neon_vsubw, emit_long, WIDE_SUB)
EMIT(sem_neon_vabdl, emit_difference_long, PLAIN)
EMIT(sem_neon_vabal, emit_difference_long, ACCUMULATE)
EMIT(sem_neon_vaddhn, emit_high_half, 0)
EMIT(sem_neon_vsubhn, emit_high_half, 1)
EMIT(sem_neon_vraddhn, emit_high_half, 2)
EMIT(sem_neon_vrsubhn, emit_high_half, 3)
EMIT(sem_neon_vshr, emit_shift_right, 0)
EMIT(sem_neon_vrshr, emit_shift_right, SHIFT_ROUNDED)
EMIT(sem_neon_vsra, emit_shift_right, SHIFT_ACCUMULATE)
EMIT(sem_neon_vrsra, emit_shift_right, SHIFT_ROUNDED | SHIFT_ACCUMULATE)
EMIT(sem_neon_vsri, emit_vsri, 0)
EMIT(sem_neon_vshl_i, emit_shift_left, 0)
EMIT(sem_neon_vsli, emit_shift_left, 1)
EMIT(sem_neon_vshll, emit_vshll, 0)
EMIT(sem_neon_vshrn, emit_narrow, 0)
EMIT(sem_neon_vrshrn, emit_narrow, 1)
EMIT(sem_neon_vqshrn, emit_narrow_saturated, 0)
EMIT(sem_neon_vqrshrn, emit_narrow_saturated, 1)
EMIT(sem_neon_vqshrun, emit_narrow_saturated, 2)
EMIT(sem_neon_vqrshrun, emit_narrow_saturated, 3)
EMIT(sem_neon_vrev64, emit_reverse, 3)
EMIT(sem_neon_vrev32, emit_reverse, 2)
EMIT(sem_neon_vrev16, emit_reverse, 1)
EMIT(sem_neon_vext, emit_vext, 0)
EMIT(sem_neon_vdup, emit_vdup, 0)
EMIT(sem_neon_vswp, emit_vswp, 0)
EMIT(sem_neon_vtrn, emit_vtrn, 0)
EMIT(sem_neon_vzip, emit_vzip, 0)
EMIT(sem_neon_vuzp, emit_vuzp, 0)
EMIT(sem_neon_vtbl, emit_vtbl, 0)
EMIT(sem_neon_vadd_f, emit_float_binary, VEC_FADD)
EMIT(sem_neon_vsub_f, emit_float_binary, VEC_FSUB)
EMIT(sem_neon_vmul_f, emit_float_binary, VEC_FMUL)
EMIT(sem_neon_vmax_f, emit_float_binary, VEC_FMAX)
EMIT(sem_neon_vmin_f, emit_float_binary, VEC_FMIN)
EMIT(sem_neon_vceq_f, emit_float_binary, VEC_FEQ)
EMIT(sem_neon_vcge_f, emit_float_binary, VEC_FGE)
EMIT(sem_neon_vcgt_f, emit_float_binary, VEC_FGT)
EMIT(sem_neon_vabd_f, emit_float_difference, 0)
EMIT(sem_neon_vacge, emit_float_compare_abs, VEC_FGE)
EMIT(sem_neon_vacgt, emit_float_compare_abs, VEC_FGT)
EMIT(sem_neon_vceq_0f, emit_float_compare_zero, VEC_FEQ)
EMIT(sem_neon_vcge_0f, emit_float_compare_zero, VEC_FGE)
EMIT(sem_neon_vcgt_0f, emit_float_compare_zero, VEC_FGT)
EMIT(sem_neon_vcle_0f, emit_float_compare_zero, VEC_FLE)
EMIT(sem_neon_vclt_0f, emit_float_compare_zero, VEC_FLT)
EMIT(sem_neon_vmla_f, emit_float_accumulate, VEC_FADD)
EMIT(sem_neon_vmls_f, emit_float_accumulate, VEC_FSUB)
EMIT(sem_neon_vpadd_f, emit_float_pairwise, VEC_FADD)
EMIT(sem_neon_vpmax_f, emit_float_pairwise, VEC_FMAX)
EMIT(sem_neon_vpmin_f, emit_float_pairwise, VEC_FMIN)
EMIT(sem_neon_vabs_f, emit_float_sign, 0)
EMIT(sem_neon_vneg_f, emit_float_sign, 1)
EMIT(sem_neon_vld_multiple, emit_vld_multiple, 0)
EMIT(sem_neon_vst_multiple, emit_vst_multiple, 0)
EMIT(sem_neon_vld_lane, emit_vld_lane, 0)
EMIT(sem_neon_vst_lane, emit_vst_lane, 0)
EMIT(sem_neon_vld_all, emit_vld_all, 0)
CALL(sem_neon_vshl)
CALL(sem_neon_vqshl)
CALL(sem_neon_vrshl)
CALL(sem_neon_vqrshl)
CALL(sem_neon_vmul_p)
CALL(sem_neon_vmull_p)
CALL(sem_neon_vqdmulh)
CALL(sem_neon_vqrdmulh)
CALL(sem_neon_vqdmlal)
CALL(sem_neon_vqdmlsl)
CALL(sem_neon_vqdmull)
CALL(sem_neon_vqshlu_i)
CALL(sem_neon_vqshl_i)
CALL(sem_neon_vrecps)
CALL(sem_neon_vrsqrts)
EMIT(sem_neon_vcvt_from_fixed, emit_float_convert, 1)
EMIT(sem_neon_vcvt_to_fixed, emit_float_convert, 0)
CALL(sem_neon_vcvt_h_s)
CALL(sem_neon_vcvt_s_h)
CALL(sem_neon_vcls)
CALL(sem_neon_vclz)
CALL(sem_neon_vcnt)
CALL(sem_neon_vqabs)
CALL(sem_neon_vrecpe)
CALL(sem_neon_vrsqrte)
CALL(sem_neon_vrecpe_f)
CALL(sem_neon_vrsqrte_f)
CALL(sem_neon_vtbx)

/* In the order of neon.def. */
static const NeonEmit *const rows[] = {
#define INSN(name, pattern, format, body, flags, text) &body,
#include "cpu/neon.def"
#undef INSN
};
/* clang-format on */

static void emit_row(C *c, const Insn *i)
{
    const NeonEmit *row = rows[i->row - emit_first_neon_row()];
    emit_fp_access(c, FP_ACCESS_SIMD);
    row->emit(c, i, row->op);
}

EmitBody *emit_neon_body(const C *c, unsigned row)
{
    (void)c;
    return row < sizeof rows / sizeof *rows && rows[row]->emit ? emit_row : NULL;
}
