/* Advanced SIMD on integers. */
#include "jit/emit_neon.h"

/* ---- Bitwise ---- */

void emit_bitwise(C *c, const Insn *i, unsigned op)
{
    IrRef n = neon_get_n(c, i), m = neon_get_m(c, i);
    switch (op) {
    case BIT_AND:
        neon_put(c, i, lanes_binary(c, VEC_AND, 3, n, m));
        break;
    case BIT_BIC:
        neon_put(c, i, lanes_binary(c, VEC_AND_NOT, 3, m, n));
        break;
    case BIT_OR:
        neon_put(c, i, i->rn == i->rm ? n : lanes_binary(c, VEC_OR, 3, n, m));
        break;
    case BIT_ORN:
        neon_put_low(c, i, lanes_binary(c, VEC_OR, 3, n, lanes_invert(c, m)));
        break;
    case BIT_EOR:
        neon_put(c, i, i->rn == i->rm && i->q ? lanes_zero(c) : lanes_binary(c, VEC_XOR, 3, n, m));
        break;
    case BIT_BSL:
        neon_put(c, i, lanes_choose(c, neon_get_d(c, i), n, m));
        break;
    case BIT_BIT:
        neon_put(c, i, lanes_choose(c, m, n, neon_get_d(c, i)));
        break;
    default:
        neon_put(c, i, lanes_choose(c, m, neon_get_d(c, i), n));
    }
}

static uint64_t expanded(const Insn *i, unsigned op)
{
    uint64_t value = (uint64_t)i->imm << 32 | i->imm;
    if (op != IMM_MOV_64)
        return op == IMM_MVN || op == IMM_BIC ? ~value : value;
    value = 0;
    for (unsigned n = 0; n < 8; n++)
        if (i->imm >> n & 1)
            value |= 0xffull << 8 * n;
    return value;
}

void emit_immediate(C *c, const Insn *i, unsigned op)
{
    uint64_t value = expanded(i, op);
    IrRef x = emit_op(c, IR_VEC_CONST, emit_const(c, (uint32_t)value), emit_const(c, (uint32_t)(value >> 32)),
                      0, i->q);
    if (op == IMM_OR || op == IMM_BIC)
        x = lanes_binary(c, op == IMM_OR ? VEC_OR : VEC_AND, 3, neon_get_d(c, i), x);
    neon_put(c, i, x);
}

void emit_vmvn(C *c, const Insn *i, unsigned op)
{
    (void)op;
    neon_put_low(c, i, lanes_invert(c, neon_get_m(c, i)));
}

/* ---- Sums, comparisons ---- */

void emit_add_sub(C *c, const Insn *i, unsigned op)
{
    neon_put(c, i, lanes_binary(c, (VecOp)op, i->size, neon_get_n(c, i), neon_get_m(c, i)));
}

/* op: the signed operation; the unsigned one follows. */
void emit_saturating(C *c, const Insn *i, unsigned op)
{
    IrRef n = neon_get_n(c, i), m = neon_get_m(c, i);
    IrRef result = lanes_binary(c, (VecOp)(i->s ? op : op + 1), i->size, n, m);
    lanes_saturated_if_differ(c, result,
                              lanes_binary(c, op == VEC_ADD_SAT ? VEC_ADD : VEC_SUB, i->size, n, m));
    neon_put(c, i, result);
}

void emit_halving(C *c, const Insn *i, unsigned op)
{
    IrRef n = neon_get_n(c, i), m = neon_get_m(c, i);
    unsigned size = i->size;
    if (op == HALF_ADD_ROUNDED && !i->s && size < 2) {
        neon_put(c, i, lanes_binary(c, VEC_AVERAGE, size, n, m));
    } else if (op == HALF_SUB) {
        IrRef halves = lanes_binary(c, VEC_SUB, size, lanes_right(c, n, size, 1, i->s),
                                    lanes_right(c, m, size, 1, i->s));
        IrRef borrow =
            lanes_binary(c, VEC_AND, 3, lanes_binary(c, VEC_AND_NOT, 3, n, m), lanes_splat(c, 1, size));
        neon_put_low(c, i, lanes_binary(c, VEC_SUB, size, halves, borrow));
    } else {
        IrRef differing = lanes_right(c, lanes_binary(c, VEC_XOR, 3, n, m), size, 1, i->s);
        IrRef common = lanes_binary(c, op == HALF_ADD ? VEC_AND : VEC_OR, 3, n, m);
        neon_put_low(c, i, lanes_binary(c, op == HALF_ADD ? VEC_ADD : VEC_SUB, size, common, differing));
    }
}

static IrRef greater(C *c, IrRef a, IrRef b, unsigned size, bool is_signed)
{
    if (is_signed)
        return lanes_binary(c, VEC_GT, size, a, b);
    return lanes_invert(c, lanes_binary(c, VEC_EQ, size, lanes_binary(c, VEC_MAX_U, size, a, b), b));
}

static IrRef greater_equal(C *c, IrRef a, IrRef b, unsigned size, bool is_signed)
{
    if (is_signed)
        return lanes_invert(c, lanes_binary(c, VEC_GT, size, b, a));
    return lanes_binary(c, VEC_EQ, size, lanes_binary(c, VEC_MAX_U, size, a, b), a);
}

static IrRef compared(C *c, unsigned op, IrRef n, IrRef m, unsigned size, bool is_signed)
{
    switch (op) {
    case COMPARE_GT:
        return greater(c, n, m, size, is_signed);
    case COMPARE_GE:
        return greater_equal(c, n, m, size, is_signed);
    case COMPARE_EQ:
        return lanes_binary(c, VEC_EQ, size, n, m);
    case COMPARE_TST:
        return lanes_invert(c,
                            lanes_binary(c, VEC_EQ, size, lanes_binary(c, VEC_AND, 3, n, m), lanes_zero(c)));
    case COMPARE_LE:
        return greater_equal(c, m, n, size, is_signed);
    default:
        return greater(c, m, n, size, is_signed);
    }
}

void emit_compare(C *c, const Insn *i, unsigned op)
{
    neon_put_low(c, i, compared(c, op, neon_get_n(c, i), neon_get_m(c, i), i->size, i->s));
}

void emit_compare_zero(C *c, const Insn *i, unsigned op)
{
    neon_put_low(c, i, compared(c, op, neon_get_m(c, i), lanes_zero(c), i->size, true));
}

/* op: the signed operation; the unsigned one follows. */
void emit_max_min(C *c, const Insn *i, unsigned op)
{
    neon_put(c, i, lanes_binary(c, (VecOp)(i->s ? op : op + 1), i->size, neon_get_n(c, i), neon_get_m(c, i)));
}

/* op: 1 accumulates. */
void emit_difference(C *c, const Insn *i, unsigned op)
{
    IrRef n = neon_get_n(c, i), m = neon_get_m(c, i);
    IrRef most = lanes_binary(c, i->s ? VEC_MAX : VEC_MAX_U, i->size, n, m);
    IrRef least = lanes_binary(c, i->s ? VEC_MIN : VEC_MIN_U, i->size, n, m);
    IrRef x = lanes_binary(c, VEC_SUB, i->size, most, least);
    neon_put(c, i, op ? lanes_binary(c, VEC_ADD, i->size, neon_get_d(c, i), x) : x);
}

void emit_vabs(C *c, const Insn *i, unsigned op)
{
    (void)op;
    neon_put(c, i, lanes_unary(c, VEC_ABS, i->size, 0, neon_get_m(c, i)));
}

/* op: 1 saturates. */
void emit_vneg(C *c, const Insn *i, unsigned op)
{
    IrRef m = neon_get_m(c, i), x = lanes_binary(c, VEC_SUB, i->size, lanes_zero(c), m);
    if (op) {
        IrRef wrapped = x;
        x = lanes_binary(c, VEC_SUB_SAT, i->size, lanes_zero(c), m);
        lanes_saturated_if_differ(c, x, wrapped);
    }
    neon_put(c, i, x);
}

/* Neighbours of n, then of m (doublewords). op: on the lanes, or its unsigned form. */
void emit_pairwise(C *c, const Insn *i, unsigned op)
{
    IrRef both = lanes_binary(c, VEC_ZIP_LOW, 3, neon_get_n(c, i), neon_get_m(c, i));
    IrRef odd = lanes_right_unsigned(c, both, i->size + 1, 8u << i->size);
    if (op != VEC_ADD && !i->s)
        op++;
    neon_put(c, i, lanes_narrow(c, lanes_binary(c, (VecOp)op, i->size, both, odd), i->size));
}

/* op: 1 accumulates. */
void emit_pair_long(C *c, const Insn *i, unsigned op)
{
    unsigned bits = 8u << i->size, wide = i->size + 1u;
    IrRef m = neon_get_m(c, i);
    IrRef even = lanes_right(c, lanes_left(c, m, wide, bits), wide, bits, i->s);
    IrRef x = lanes_binary(c, VEC_ADD, wide, even, lanes_right(c, m, wide, bits, i->s));
    neon_put_low(c, i, op ? lanes_binary(c, VEC_ADD, wide, neon_get_d(c, i), x) : x);
}

/* ---- Products ---- */

static IrRef product(C *c, IrRef n, IrRef m, unsigned size)
{
    if (size != 0)
        return lanes_binary(c, VEC_MUL, size, n, m);
    IrRef even = lanes_binary(c, VEC_AND, 3, lanes_binary(c, VEC_MUL, 1, n, m), lanes_splat(c, 0xff, 1));
    IrRef odd =
        lanes_binary(c, VEC_MUL, 1, lanes_unary(c, VEC_SHR, 1, 8, n), lanes_unary(c, VEC_SHR, 1, 8, m));
    return lanes_binary(c, VEC_OR, 3, even, lanes_unary(c, VEC_SHL, 1, 8, odd));
}

static IrRef accumulated(C *c, unsigned op, IrRef d, IrRef x, unsigned size)
{
    return op == PLAIN ? x : lanes_binary(c, op == ACCUMULATE ? VEC_ADD : VEC_SUB, size, d, x);
}

void emit_multiply(C *c, const Insn *i, unsigned op)
{
    IrRef x = product(c, neon_get_n(c, i), neon_get_m(c, i), i->size);
    neon_put(c, i, accumulated(c, op, op == PLAIN ? IR_NO_REF : neon_get_d(c, i), x, i->size));
}

static IrRef long_product(C *c, IrRef n, IrRef m, unsigned size, bool is_signed)
{
    if (size == 0)
        return lanes_binary(c, VEC_MUL, 1, lanes_widen(c, n, 0, is_signed), lanes_widen(c, m, 0, is_signed));
    if (size == 1)
        return lanes_binary(c, VEC_ZIP_LOW, 1, lanes_binary(c, VEC_MUL, 1, n, m),
                            lanes_binary(c, is_signed ? VEC_MUL_HIGH : VEC_MUL_HIGH_U, 1, n, m));
    return lanes_binary(c, is_signed ? VEC_MUL_EVEN : VEC_MUL_EVEN_U, 2,
                        lanes_unary(c, VEC_SHUFFLE_WORDS, 2, 0x10, n),
                        lanes_unary(c, VEC_SHUFFLE_WORDS, 2, 0x10, m));
}

/* The scalar of long forms is in all lanes of a doubleword at least. */
static IrRef long_m(C *c, const Insn *i)
{
    return i->index ? neon_get_scalar(c, i) : neon_get(c, i->rm, false);
}

void emit_multiply_long(C *c, const Insn *i, unsigned op)
{
    IrRef x = long_product(c, neon_get(c, i->rn, false), long_m(c, i), i->size, i->s);
    IrRef d = op == PLAIN ? IR_NO_REF : neon_get(c, i->rd, true);
    neon_set(c, i->rd, true, accumulated(c, op, d, x, i->size + 1));
}

void emit_long(C *c, const Insn *i, unsigned op)
{
    IrRef m = lanes_widen(c, neon_get(c, i->rm, false), i->size, i->s);
    IrRef n =
        op >= WIDE_ADD ? neon_get(c, i->rn, true) : lanes_widen(c, neon_get(c, i->rn, false), i->size, i->s);
    bool add = op == LONG_ADD || op == WIDE_ADD;
    neon_set(c, i->rd, true, lanes_binary(c, add ? VEC_ADD : VEC_SUB, i->size + 1, n, m));
}

void emit_difference_long(C *c, const Insn *i, unsigned op)
{
    IrRef n = lanes_widen(c, neon_get(c, i->rn, false), i->size, i->s);
    IrRef m = lanes_widen(c, neon_get(c, i->rm, false), i->size, i->s);
    unsigned wide = i->size + 1u;
    IrRef x = lanes_unary(c, VEC_ABS, wide, 0, lanes_binary(c, VEC_SUB, wide, n, m));
    IrRef d = op == PLAIN ? IR_NO_REF : neon_get(c, i->rd, true);
    neon_set(c, i->rd, true, accumulated(c, op, d, x, wide));
}

/* op: bit 0 subtracts, bit 1 rounds. */
void emit_high_half(C *c, const Insn *i, unsigned op)
{
    unsigned bits = 8u << i->size, wide = i->size + 1u;
    IrRef x =
        lanes_binary(c, op & 1 ? VEC_SUB : VEC_ADD, wide, neon_get(c, i->rn, true), neon_get(c, i->rm, true));
    if (op & 2)
        x = lanes_binary(c, VEC_ADD, wide, x, lanes_splat(c, 1ull << (bits - 1), wide));
    neon_set(c, i->rd, false, lanes_narrow(c, lanes_right_unsigned(c, x, wide, bits), i->size));
}

/* ---- Shifts ---- */

void emit_shift_right(C *c, const Insn *i, unsigned op)
{
    IrRef m = neon_get_m(c, i);
    IrRef x = op & SHIFT_ROUNDED ? lanes_right_rounded(c, m, i->size, i->imm, i->s)
                                 : lanes_right(c, m, i->size, i->imm, i->s);
    if (op & SHIFT_ACCUMULATE)
        x = lanes_binary(c, VEC_ADD, i->size, neon_get_d(c, i), x);
    neon_put_low(c, i, x);
}

/* op: 1 inserts into the destination. */
void emit_shift_left(C *c, const Insn *i, unsigned op)
{
    IrRef x = lanes_left(c, neon_get_m(c, i), i->size, i->imm);
    if (op)
        x = lanes_binary(
            c, VEC_OR, 3, x,
            lanes_binary(c, VEC_AND, 3, neon_get_d(c, i), lanes_splat(c, (1ull << i->imm) - 1, i->size)));
    neon_put(c, i, x);
}

void emit_vsri(C *c, const Insn *i, unsigned op)
{
    uint64_t inserted = i->imm == 64 ? 0 : (~0ull >> (64 - (8u << i->size))) >> i->imm;
    (void)op;
    IrRef x = lanes_right_unsigned(c, neon_get_m(c, i), i->size, i->imm);
    neon_put_low(
        c, i,
        lanes_binary(c, VEC_OR, 3, x,
                     lanes_binary(c, VEC_AND, 3, neon_get_d(c, i), lanes_splat(c, ~inserted, i->size))));
}

void emit_vshll(C *c, const Insn *i, unsigned op)
{
    (void)op;
    IrRef x = lanes_widen(c, neon_get(c, i->rm, false), i->size, i->s);
    neon_set(c, i->rd, true, lanes_left(c, x, i->size + 1, i->imm));
}

/* op: 1 rounds. */
void emit_narrow(C *c, const Insn *i, unsigned op)
{
    IrRef m = neon_get(c, i->rm, true);
    IrRef x = op ? lanes_right_rounded(c, m, i->size + 1, i->imm, false)
                 : lanes_right_unsigned(c, m, i->size + 1, i->imm);
    neon_set(c, i->rd, false, lanes_narrow(c, x, i->size));
}

/* op: bit 0 rounds, bit 1: signed to unsigned. */
void emit_narrow_saturated(C *c, const Insn *i, unsigned op)
{
    bool from_signed = i->s || op & 2;
    IrRef m = neon_get(c, i->rm, true);
    IrRef x = op & 1 ? lanes_right_rounded(c, m, i->size + 1, i->imm, from_signed)
                     : lanes_right(c, m, i->size + 1, i->imm, from_signed);
    neon_set(c, i->rd, false, lanes_narrow_saturated(c, x, i->size, from_signed, i->s && !(op & 2)));
}
