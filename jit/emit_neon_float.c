/* Advanced SIMD on singles, by the standard FPSCR. */
#include "jit/emit_neon.h"

static IrRef float_op(C *c, const Insn *i, unsigned op, IrRef n, IrRef m)
{
    emit_fp_host(c, FP_HOST_FLAGS);
    return emit_slow(c, IR_VEC_FLOAT, n, m, op | (i->q ? VEC_QUAD : 0));
}

static IrRef float_abs(C *c, IrRef x)
{
    return lanes_binary(c, VEC_AND, 3, x, lanes_splat(c, 0x7fffffff, 2));
}

void emit_float_binary(C *c, const Insn *i, unsigned op)
{
    neon_put_low(c, i, float_op(c, i, op, neon_get_n(c, i), neon_get_m(c, i)));
}

void emit_float_difference(C *c, const Insn *i, unsigned op)
{
    (void)op;
    neon_put_low(c, i, float_abs(c, float_op(c, i, VEC_FSUB, neon_get_n(c, i), neon_get_m(c, i))));
}

void emit_float_compare_abs(C *c, const Insn *i, unsigned op)
{
    neon_put_low(c, i, float_op(c, i, op, float_abs(c, neon_get_n(c, i)), float_abs(c, neon_get_m(c, i))));
}

void emit_float_compare_zero(C *c, const Insn *i, unsigned op)
{
    neon_put_low(c, i, float_op(c, i, op | VEC_B_PLAIN, neon_get_m(c, i), lanes_zero(c)));
}

/* op: VEC_FADD or VEC_FSUB of the product. */
void emit_float_accumulate(C *c, const Insn *i, unsigned op)
{
    IrRef x = float_op(c, i, VEC_FMUL, neon_get_n(c, i), neon_get_m(c, i));
    neon_put_low(c, i, float_op(c, i, op | VEC_B_PLAIN, neon_get_d(c, i), x));
}

void emit_float_pairwise(C *c, const Insn *i, unsigned op)
{
    IrRef both = lanes_binary(c, VEC_ZIP_LOW, 3, neon_get_n(c, i), neon_get_m(c, i));
    IrRef even = lanes_low_half(c, lanes_unary(c, VEC_SHUFFLE_WORDS, 2, 0x08, both));
    IrRef odd = lanes_low_half(c, lanes_unary(c, VEC_SHUFFLE_WORDS, 2, 0x0d, both));
    neon_put_low(c, i, float_op(c, i, op, even, odd));
}

/* op: 1 negates. */
void emit_float_sign(C *c, const Insn *i, unsigned op)
{
    IrRef m = neon_get_m(c, i);
    neon_put_low(c, i, op ? lanes_binary(c, VEC_XOR, 3, m, lanes_splat(c, 0x80000000, 2)) : float_abs(c, m));
}

/* op: 1 from integers. */
void emit_float_convert(C *c, const Insn *i, unsigned op)
{
    IrRef m = neon_get_m(c, i);
    c->must_call |= i->imm != 0 || !i->s;
    if (op) {
        emit_fp_host(c, FP_HOST_FLAGS);
        neon_put_low(c, i, lanes_unary(c, VEC_FROM_INT, 2, 0, m));
    } else {
        neon_put_low(c, i, float_op(c, i, VEC_FTOINT, m, m));
    }
}
