/* Advanced SIMD: instructions as expressions of the host's operations on lanes. Those whose operations the host lacks,
 * and those that have no translation here, are called. The interpreter's functions (cpu/neon*.c) say what is meant. */
#include "cpu/neon.h"
#include "jit/emit_simd.h"
#include "jit/simd.h"

/* A translation, and what tells it from others that it has in common with. */
typedef struct NeonEmit {
    void (*emit)(C *c, const Insn *i, unsigned op);
    uint8_t op;
} NeonEmit;

/* ---- Operations ---- */

static IrRef with_number(C *c, IrOp ir_op, VecOp op, unsigned size, unsigned number, IrRef a, IrRef b)
{
    c->must_call |= !vec_op_exists(op, size);
    return emit_op(c, ir_op, a, b, 0, op | size << 8 | number << 16);
}

static IrRef binary(C *c, VecOp op, unsigned size, IrRef a, IrRef b)
{
    return with_number(c, IR_VEC_BINARY, op, size, 0, a, b);
}

static IrRef unary(C *c, VecOp op, unsigned size, unsigned number, IrRef a)
{
    return with_number(c, IR_VEC_UNARY, op, size, number, a, 0);
}

static IrRef low_half(C *c, IrRef a)
{
    return unary(c, VEC_LOW, 0, 0, a);
}

/* value in all lanes. */
static IrRef splat(C *c, uint64_t value, unsigned size)
{
    for (unsigned bits = 8u << size; bits < 64; bits *= 2)
        value = (value & (~0ull >> (64 - bits))) * ((1ull << bits) + 1);
    return emit_op(c, IR_VEC_CONST, emit_const(c, (uint32_t)value), emit_const(c, (uint32_t)(value >> 32)), 0, 1);
}

static IrRef ones(C *c)
{
    return splat(c, ~0ull, 3);
}

static IrRef zero(C *c)
{
    return splat(c, 0, 3);
}

static IrRef invert(C *c, IrRef a)
{
    return binary(c, VEC_XOR, 3, a, ones(c));
}

/* The bits of a where the mask has ones, else those of b. */
static IrRef choose(C *c, IrRef mask, IrRef a, IrRef b)
{
    return binary(c, VEC_XOR, 3, b, binary(c, VEC_AND, 3, binary(c, VEC_XOR, 3, a, b), mask));
}

/* ---- Registers ---- */

static IrRef get_register(C *c, unsigned reg, bool q)
{
    return emit_get_x(c, 2 * reg, q ? 4 : 2);
}

static IrRef get_n(C *c, const Insn *i)
{
    return get_register(c, i->rn, i->q);
}

static IrRef get_d(C *c, const Insn *i)
{
    return get_register(c, i->rd, i->q);
}

static void set_register(C *c, unsigned reg, bool q, IrRef value)
{
    emit_set_x(c, 2 * reg, q ? 4 : 2, value);
}

/* The result; for doublewords, its upper half is 0 already. */
static void put(C *c, const Insn *i, IrRef value)
{
    set_register(c, i->rd, i->q, value);
}

static void put_low(C *c, const Insn *i, IrRef value)
{
    put(c, i, i->q ? value : low_half(c, value));
}

/* One lane of a doubleword in all lanes. */
static IrRef dup_lane(C *c, IrRef x, unsigned size, unsigned lane)
{
    if (size == 2)
        return unary(c, VEC_SHUFFLE_WORDS, 2, lane * 0x55, x);
    if (size == 0)
        x = binary(c, VEC_ZIP_LOW, 0, x, x);
    if (lane < 4)
        return unary(c, VEC_SHUFFLE_WORDS, 2, 0, unary(c, VEC_SHUFFLE_LOW_HALVES, 1, lane * 0x55, x));
    return unary(c, VEC_SHUFFLE_WORDS, 2, 0xaa, unary(c, VEC_SHUFFLE_HIGH_HALVES, 1, (lane - 4) * 0x55, x));
}

static IrRef get_scalar(C *c, const Insn *i)
{
    return dup_lane(c, get_register(c, i->rm, false), i->size, i->imm);
}

static IrRef get_m(C *c, const Insn *i)
{
    if (!i->index)
        return get_register(c, i->rm, i->q);
    return i->q ? get_scalar(c, i) : low_half(c, get_scalar(c, i));
}

/* ---- Shifts by a constant that are right for all lanes ---- */

static IrRef lanes_left(C *c, IrRef x, unsigned size, unsigned n)
{
    if (n == 0)
        return x;
    if (size == 0)
        return binary(c, VEC_AND, 3, unary(c, VEC_SHL, 1, n, x), splat(c, 0xffu << n, 0));
    return unary(c, VEC_SHL, size, n, x);
}

static IrRef lanes_right_unsigned(C *c, IrRef x, unsigned size, unsigned n)
{
    if (n == 0)
        return x;
    if (n == 8u << size)
        return zero(c);
    if (size == 0)
        return binary(c, VEC_AND, 3, unary(c, VEC_SHR, 1, n, x), splat(c, 0xffu >> n, 0));
    return unary(c, VEC_SHR, size, n, x);
}

static IrRef lanes_right_signed(C *c, IrRef x, unsigned size, unsigned n)
{
    unsigned bits = 8u << size;
    if (n == 0)
        return x;
    if (n == bits)
        n--;
    if (size == 1 || size == 2)
        return unary(c, VEC_SAR, size, n, x);
    IrRef sign = splat(c, 1ull << (bits - 1 - n), size);
    return binary(c, VEC_SUB, size, binary(c, VEC_XOR, 3, lanes_right_unsigned(c, x, size, n), sign), sign);
}

static IrRef lanes_right(C *c, IrRef x, unsigned size, unsigned n, bool is_signed)
{
    return is_signed ? lanes_right_signed(c, x, size, n) : lanes_right_unsigned(c, x, size, n);
}

/* Rounded: plus the last bit that goes out. */
static IrRef lanes_right_rounded(C *c, IrRef x, unsigned size, unsigned n, bool is_signed)
{
    if (n == 0)
        return x;
    IrRef half = binary(c, VEC_AND, 3, lanes_right_unsigned(c, x, size, n - 1), splat(c, 1, size));
    return binary(c, VEC_ADD, size, lanes_right(c, x, size, n, is_signed), half);
}

/* ---- Lanes of other sizes: size is always that of the narrower ones ---- */

static IrRef widen(C *c, IrRef x, unsigned size, bool is_signed)
{
    return unary(c, is_signed ? VEC_WIDEN : VEC_WIDEN_U, size, 0, x);
}

/* The low parts of the lanes of two, side by side. */
static IrRef narrow_two(C *c, IrRef x, IrRef y, unsigned size)
{
    if (size == 0) {
        IrRef mask = splat(c, 0xff, 1);
        return binary(c, VEC_PACK_U, 0, binary(c, VEC_AND, 3, x, mask), binary(c, VEC_AND, 3, y, mask));
    }
    if (size == 1)
        return binary(c, VEC_PACK, 1, lanes_right_signed(c, lanes_left(c, x, 2, 16), 2, 16),
                      lanes_right_signed(c, lanes_left(c, y, 2, 16), 2, 16));
    return binary(c, VEC_ZIP_LOW, 3, unary(c, VEC_SHUFFLE_WORDS, 2, 0x08, x), unary(c, VEC_SHUFFLE_WORDS, 2, 0x08, y));
}

static IrRef narrow(C *c, IrRef x, unsigned size)
{
    return low_half(c, size == 2 ? unary(c, VEC_SHUFFLE_WORDS, 2, 0x08, x) : narrow_two(c, x, x, size));
}

static void saturated_if_differ(C *c, IrRef a, IrRef b)
{
    emit_op(c, IR_VEC_SATURATED, a, b, 0, 0);
}

/* From signed or unsigned lanes to signed or unsigned ones (not from unsigned to signed). */
static IrRef narrow_saturated(C *c, IrRef x, unsigned size, bool from_signed, bool to_signed)
{
    IrRef result;
    if (size == 2)
        c->must_call = true;
    if (!from_signed) {
        IrRef most = binary(c, VEC_MIN_U, size + 1, x, splat(c, (1ull << (8u << size)) - 1, size + 1));
        saturated_if_differ(c, most, x);
        return low_half(c, binary(c, VEC_PACK_U, size & 1, most, most));
    }
    result = low_half(c, binary(c, to_signed ? VEC_PACK : VEC_PACK_U, size & 1, x, x));
    saturated_if_differ(c, widen(c, result, size, to_signed), x);
    return result;
}

/* ---- Bitwise ---- */

enum { BIT_AND, BIT_BIC, BIT_OR, BIT_ORN, BIT_EOR, BIT_BSL, BIT_BIT, BIT_BIF };

static void emit_bitwise(C *c, const Insn *i, unsigned op)
{
    IrRef n = get_n(c, i), m = get_m(c, i);
    switch (op) {
    case BIT_AND:
        put(c, i, binary(c, VEC_AND, 3, n, m));
        break;
    case BIT_BIC:
        put(c, i, binary(c, VEC_AND_NOT, 3, m, n));
        break;
    case BIT_OR:
        put(c, i, i->rn == i->rm ? n : binary(c, VEC_OR, 3, n, m));
        break;
    case BIT_ORN:
        put_low(c, i, binary(c, VEC_OR, 3, n, invert(c, m)));
        break;
    case BIT_EOR:
        put(c, i, i->rn == i->rm && i->q ? zero(c) : binary(c, VEC_XOR, 3, n, m));
        break;
    case BIT_BSL:
        put(c, i, choose(c, get_d(c, i), n, m));
        break;
    case BIT_BIT:
        put(c, i, choose(c, m, n, get_d(c, i)));
        break;
    default:
        put(c, i, choose(c, m, get_d(c, i), n));
    }
}

enum { IMM_MOV, IMM_MVN, IMM_OR, IMM_BIC, IMM_MOV_64 };

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

static void emit_immediate(C *c, const Insn *i, unsigned op)
{
    uint64_t value = expanded(i, op);
    IrRef x = emit_op(c, IR_VEC_CONST, emit_const(c, (uint32_t)value), emit_const(c, (uint32_t)(value >> 32)), 0, i->q);
    if (op == IMM_OR || op == IMM_BIC)
        x = binary(c, op == IMM_OR ? VEC_OR : VEC_AND, 3, get_d(c, i), x);
    put(c, i, x);
}

static void emit_vmvn(C *c, const Insn *i, unsigned op)
{
    (void)op;
    put_low(c, i, invert(c, get_m(c, i)));
}

/* ---- Sums, comparisons ---- */

static void emit_add_sub(C *c, const Insn *i, unsigned op)
{
    put(c, i, binary(c, (VecOp)op, i->size, get_n(c, i), get_m(c, i)));
}

/* op: the signed operation; the unsigned one follows. */
static void emit_saturating(C *c, const Insn *i, unsigned op)
{
    IrRef n = get_n(c, i), m = get_m(c, i);
    IrRef result = binary(c, (VecOp)(i->s ? op : op + 1), i->size, n, m);
    saturated_if_differ(c, result, binary(c, op == VEC_ADD_SAT ? VEC_ADD : VEC_SUB, i->size, n, m));
    put(c, i, result);
}

enum { HALF_ADD, HALF_ADD_ROUNDED, HALF_SUB };

static void emit_halving(C *c, const Insn *i, unsigned op)
{
    IrRef n = get_n(c, i), m = get_m(c, i);
    unsigned size = i->size;
    if (op == HALF_ADD_ROUNDED && !i->s && size < 2) {
        put(c, i, binary(c, VEC_AVERAGE, size, n, m));
    } else if (op == HALF_SUB) {
        IrRef halves = binary(c, VEC_SUB, size, lanes_right(c, n, size, 1, i->s), lanes_right(c, m, size, 1, i->s));
        IrRef borrow = binary(c, VEC_AND, 3, binary(c, VEC_AND_NOT, 3, n, m), splat(c, 1, size));
        put_low(c, i, binary(c, VEC_SUB, size, halves, borrow));
    } else {
        IrRef differing = lanes_right(c, binary(c, VEC_XOR, 3, n, m), size, 1, i->s);
        IrRef common = binary(c, op == HALF_ADD ? VEC_AND : VEC_OR, 3, n, m);
        put_low(c, i, binary(c, op == HALF_ADD ? VEC_ADD : VEC_SUB, size, common, differing));
    }
}

static IrRef greater(C *c, IrRef a, IrRef b, unsigned size, bool is_signed)
{
    if (is_signed)
        return binary(c, VEC_GT, size, a, b);
    return invert(c, binary(c, VEC_EQ, size, binary(c, VEC_MAX_U, size, a, b), b));
}

static IrRef greater_equal(C *c, IrRef a, IrRef b, unsigned size, bool is_signed)
{
    if (is_signed)
        return invert(c, binary(c, VEC_GT, size, b, a));
    return binary(c, VEC_EQ, size, binary(c, VEC_MAX_U, size, a, b), a);
}

enum { COMPARE_GT, COMPARE_GE, COMPARE_EQ, COMPARE_TST, COMPARE_LE, COMPARE_LT };

static IrRef compared(C *c, unsigned op, IrRef n, IrRef m, unsigned size, bool is_signed)
{
    switch (op) {
    case COMPARE_GT:
        return greater(c, n, m, size, is_signed);
    case COMPARE_GE:
        return greater_equal(c, n, m, size, is_signed);
    case COMPARE_EQ:
        return binary(c, VEC_EQ, size, n, m);
    case COMPARE_TST:
        return invert(c, binary(c, VEC_EQ, size, binary(c, VEC_AND, 3, n, m), zero(c)));
    case COMPARE_LE:
        return greater_equal(c, m, n, size, is_signed);
    default:
        return greater(c, m, n, size, is_signed);
    }
}

static void emit_compare(C *c, const Insn *i, unsigned op)
{
    put_low(c, i, compared(c, op, get_n(c, i), get_m(c, i), i->size, i->s));
}

static void emit_compare_zero(C *c, const Insn *i, unsigned op)
{
    put_low(c, i, compared(c, op, get_m(c, i), zero(c), i->size, true));
}

/* op: the signed operation; the unsigned one follows. */
static void emit_max_min(C *c, const Insn *i, unsigned op)
{
    put(c, i, binary(c, (VecOp)(i->s ? op : op + 1), i->size, get_n(c, i), get_m(c, i)));
}

/* op: 1 accumulates. */
static void emit_difference(C *c, const Insn *i, unsigned op)
{
    IrRef n = get_n(c, i), m = get_m(c, i);
    IrRef most = binary(c, i->s ? VEC_MAX : VEC_MAX_U, i->size, n, m);
    IrRef least = binary(c, i->s ? VEC_MIN : VEC_MIN_U, i->size, n, m);
    IrRef x = binary(c, VEC_SUB, i->size, most, least);
    put(c, i, op ? binary(c, VEC_ADD, i->size, get_d(c, i), x) : x);
}

static void emit_vabs(C *c, const Insn *i, unsigned op)
{
    (void)op;
    put(c, i, unary(c, VEC_ABS, i->size, 0, get_m(c, i)));
}

/* op: 1 saturates. */
static void emit_vneg(C *c, const Insn *i, unsigned op)
{
    IrRef m = get_m(c, i), x = binary(c, VEC_SUB, i->size, zero(c), m);
    if (op) {
        IrRef wrapped = x;
        x = binary(c, VEC_SUB_SAT, i->size, zero(c), m);
        saturated_if_differ(c, x, wrapped);
    }
    put(c, i, x);
}

/* Neighbours of n, then of m (doublewords). op: on the lanes, or its unsigned form. */
static void emit_pairwise(C *c, const Insn *i, unsigned op)
{
    IrRef both = binary(c, VEC_ZIP_LOW, 3, get_n(c, i), get_m(c, i));
    IrRef odd = lanes_right_unsigned(c, both, i->size + 1, 8u << i->size);
    if (op != VEC_ADD && !i->s)
        op++;
    put(c, i, narrow(c, binary(c, (VecOp)op, i->size, both, odd), i->size));
}

/* op: 1 accumulates. */
static void emit_pair_long(C *c, const Insn *i, unsigned op)
{
    unsigned bits = 8u << i->size, wide = i->size + 1u;
    IrRef m = get_m(c, i);
    IrRef even = lanes_right(c, lanes_left(c, m, wide, bits), wide, bits, i->s);
    IrRef x = binary(c, VEC_ADD, wide, even, lanes_right(c, m, wide, bits, i->s));
    put_low(c, i, op ? binary(c, VEC_ADD, wide, get_d(c, i), x) : x);
}

/* ---- Products ---- */

static IrRef product(C *c, IrRef n, IrRef m, unsigned size)
{
    if (size != 0)
        return binary(c, VEC_MUL, size, n, m);
    IrRef even = binary(c, VEC_AND, 3, binary(c, VEC_MUL, 1, n, m), splat(c, 0xff, 1));
    IrRef odd = binary(c, VEC_MUL, 1, unary(c, VEC_SHR, 1, 8, n), unary(c, VEC_SHR, 1, 8, m));
    return binary(c, VEC_OR, 3, even, unary(c, VEC_SHL, 1, 8, odd));
}

enum { PLAIN, ACCUMULATE, SUBTRACT };

static IrRef accumulated(C *c, unsigned op, IrRef d, IrRef x, unsigned size)
{
    return op == PLAIN ? x : binary(c, op == ACCUMULATE ? VEC_ADD : VEC_SUB, size, d, x);
}

static void emit_multiply(C *c, const Insn *i, unsigned op)
{
    IrRef x = product(c, get_n(c, i), get_m(c, i), i->size);
    put(c, i, accumulated(c, op, op == PLAIN ? IR_NO_REF : get_d(c, i), x, i->size));
}

static IrRef long_product(C *c, IrRef n, IrRef m, unsigned size, bool is_signed)
{
    if (size == 0)
        return binary(c, VEC_MUL, 1, widen(c, n, 0, is_signed), widen(c, m, 0, is_signed));
    if (size == 1)
        return binary(c, VEC_ZIP_LOW, 1, binary(c, VEC_MUL, 1, n, m),
                      binary(c, is_signed ? VEC_MUL_HIGH : VEC_MUL_HIGH_U, 1, n, m));
    return binary(c, is_signed ? VEC_MUL_EVEN : VEC_MUL_EVEN_U, 2, unary(c, VEC_SHUFFLE_WORDS, 2, 0x10, n),
                  unary(c, VEC_SHUFFLE_WORDS, 2, 0x10, m));
}

/* The scalar of long forms is in all lanes of a doubleword at least. */
static IrRef long_m(C *c, const Insn *i)
{
    return i->index ? get_scalar(c, i) : get_register(c, i->rm, false);
}

static void emit_multiply_long(C *c, const Insn *i, unsigned op)
{
    IrRef x = long_product(c, get_register(c, i->rn, false), long_m(c, i), i->size, i->s);
    IrRef d = op == PLAIN ? IR_NO_REF : get_register(c, i->rd, true);
    set_register(c, i->rd, true, accumulated(c, op, d, x, i->size + 1));
}

enum { LONG_ADD, LONG_SUB, WIDE_ADD, WIDE_SUB };

static void emit_long(C *c, const Insn *i, unsigned op)
{
    IrRef m = widen(c, get_register(c, i->rm, false), i->size, i->s);
    IrRef n = op >= WIDE_ADD ? get_register(c, i->rn, true)
                             : widen(c, get_register(c, i->rn, false), i->size, i->s);
    bool add = op == LONG_ADD || op == WIDE_ADD;
    set_register(c, i->rd, true, binary(c, add ? VEC_ADD : VEC_SUB, i->size + 1, n, m));
}

static void emit_difference_long(C *c, const Insn *i, unsigned op)
{
    IrRef n = widen(c, get_register(c, i->rn, false), i->size, i->s);
    IrRef m = widen(c, get_register(c, i->rm, false), i->size, i->s);
    unsigned wide = i->size + 1u;
    IrRef x = unary(c, VEC_ABS, wide, 0, binary(c, VEC_SUB, wide, n, m));
    IrRef d = op == PLAIN ? IR_NO_REF : get_register(c, i->rd, true);
    set_register(c, i->rd, true, accumulated(c, op, d, x, wide));
}

/* op: bit 0 subtracts, bit 1 rounds. */
static void emit_high_half(C *c, const Insn *i, unsigned op)
{
    unsigned bits = 8u << i->size, wide = i->size + 1u;
    IrRef x = binary(c, op & 1 ? VEC_SUB : VEC_ADD, wide, get_register(c, i->rn, true), get_register(c, i->rm, true));
    if (op & 2)
        x = binary(c, VEC_ADD, wide, x, splat(c, 1ull << (bits - 1), wide));
    set_register(c, i->rd, false, narrow(c, lanes_right_unsigned(c, x, wide, bits), i->size));
}

/* ---- Shifts ---- */

enum { SHIFT_ROUNDED = 1, SHIFT_ACCUMULATE = 2 };

static void emit_shift_right(C *c, const Insn *i, unsigned op)
{
    IrRef m = get_m(c, i);
    IrRef x = op & SHIFT_ROUNDED ? lanes_right_rounded(c, m, i->size, i->imm, i->s)
                                 : lanes_right(c, m, i->size, i->imm, i->s);
    if (op & SHIFT_ACCUMULATE)
        x = binary(c, VEC_ADD, i->size, get_d(c, i), x);
    put_low(c, i, x);
}

/* op: 1 inserts into the destination. */
static void emit_shift_left(C *c, const Insn *i, unsigned op)
{
    IrRef x = lanes_left(c, get_m(c, i), i->size, i->imm);
    if (op)
        x = binary(c, VEC_OR, 3, x, binary(c, VEC_AND, 3, get_d(c, i), splat(c, (1ull << i->imm) - 1, i->size)));
    put(c, i, x);
}

static void emit_vsri(C *c, const Insn *i, unsigned op)
{
    uint64_t inserted = i->imm == 64 ? 0 : (~0ull >> (64 - (8u << i->size))) >> i->imm;
    (void)op;
    IrRef x = lanes_right_unsigned(c, get_m(c, i), i->size, i->imm);
    put_low(c, i, binary(c, VEC_OR, 3, x, binary(c, VEC_AND, 3, get_d(c, i), splat(c, ~inserted, i->size))));
}

static void emit_vshll(C *c, const Insn *i, unsigned op)
{
    (void)op;
    IrRef x = widen(c, get_register(c, i->rm, false), i->size, i->s);
    set_register(c, i->rd, true, lanes_left(c, x, i->size + 1, i->imm));
}

/* op: 1 rounds. */
static void emit_narrow(C *c, const Insn *i, unsigned op)
{
    IrRef m = get_register(c, i->rm, true);
    IrRef x = op ? lanes_right_rounded(c, m, i->size + 1, i->imm, false)
                 : lanes_right_unsigned(c, m, i->size + 1, i->imm);
    set_register(c, i->rd, false, narrow(c, x, i->size));
}

/* op: bit 0 rounds, bit 1: signed to unsigned. */
static void emit_narrow_saturated(C *c, const Insn *i, unsigned op)
{
    bool from_signed = i->s || op & 2;
    IrRef m = get_register(c, i->rm, true);
    IrRef x = op & 1 ? lanes_right_rounded(c, m, i->size + 1, i->imm, from_signed)
                     : lanes_right(c, m, i->size + 1, i->imm, from_signed);
    set_register(c, i->rd, false, narrow_saturated(c, x, i->size, from_signed, i->s && !(op & 2)));
}

/* ---- Permutations ---- */

/* op: log2 of the bytes of a group. */
static void emit_reverse(C *c, const Insn *i, unsigned op)
{
    IrRef x = get_m(c, i);
    if (i->size == 0)
        x = binary(c, VEC_OR, 3, unary(c, VEC_SHL, 1, 8, x), unary(c, VEC_SHR, 1, 8, x));
    if (i->size <= 1 && op > 1) {
        unsigned order = op == 3 ? 0x1b : 0xb1;
        x = unary(c, VEC_SHUFFLE_HIGH_HALVES, 1, order, unary(c, VEC_SHUFFLE_LOW_HALVES, 1, order, x));
    } else if (i->size == 2) {
        x = unary(c, VEC_SHUFFLE_WORDS, 2, 0xb1, x);
    }
    put_low(c, i, x);
}

static void emit_vext(C *c, const Insn *i, unsigned op)
{
    IrRef n = get_n(c, i), m = get_m(c, i);
    (void)op;
    if (i->q)
        put(c, i, with_number(c, IR_VEC_BINARY, VEC_ALIGN, 0, i->imm, m, n));
    else
        put_low(c, i, unary(c, VEC_SHR_BYTES, 0, i->imm, binary(c, VEC_ZIP_LOW, 3, n, m)));
}

static void emit_vdup(C *c, const Insn *i, unsigned op)
{
    (void)op;
    put_low(c, i, get_scalar(c, i));
}

static void put_two(C *c, const Insn *i, IrRef d, IrRef m)
{
    set_register(c, i->rd, i->q, i->q ? d : low_half(c, d));
    set_register(c, i->rm, i->q, i->q ? m : low_half(c, m));
}

static void emit_vswp(C *c, const Insn *i, unsigned op)
{
    IrRef d = get_d(c, i), m = get_m(c, i);
    (void)op;
    IrRef copy = binary(c, VEC_OR, 3, d, d); /* registers are read where they are used */
    set_register(c, i->rd, i->q, m);
    set_register(c, i->rm, i->q, copy);
}

static void emit_vtrn(C *c, const Insn *i, unsigned op)
{
    unsigned bits = 8u << i->size, wide = i->size + 1u;
    IrRef d = get_d(c, i), m = get_m(c, i), even = splat(c, (1ull << bits) - 1, wide);
    (void)op;
    IrRef first = binary(c, VEC_OR, 3, binary(c, VEC_AND, 3, d, even), lanes_left(c, m, wide, bits));
    IrRef second = binary(c, VEC_OR, 3, lanes_right_unsigned(c, d, wide, bits), binary(c, VEC_AND_NOT, 3, even, m));
    put_two(c, i, first, second);
}

static void emit_vzip(C *c, const Insn *i, unsigned op)
{
    IrRef d = get_d(c, i), m = get_m(c, i), low = binary(c, VEC_ZIP_LOW, i->size, d, m);
    (void)op;
    put_two(c, i, low, i->q ? binary(c, VEC_ZIP_HIGH, i->size, d, m) : unary(c, VEC_SHR_BYTES, 0, 8, low));
}

static void emit_vuzp(C *c, const Insn *i, unsigned op)
{
    unsigned bits = 8u << i->size, wide = i->size + 1u;
    IrRef d = get_d(c, i), m = get_m(c, i);
    (void)op;
    if (!i->q)
        d = m = binary(c, VEC_ZIP_LOW, 3, d, m);
    IrRef odd_d = lanes_right_unsigned(c, d, wide, bits), odd_m = lanes_right_unsigned(c, m, wide, bits);
    IrRef odd = narrow_two(c, odd_d, odd_m, i->size);
    put_two(c, i, narrow_two(c, d, m, i->size), odd);
}

/* Indexes from 16 on have their top bit set, which gives 0; a table of 8 bytes has zeros behind. */
static void emit_vtbl(C *c, const Insn *i, unsigned op)
{
    (void)op;
    c->must_call |= i->ra > 2;
    IrRef table = get_register(c, i->rn, false);
    if (i->ra == 2)
        table = binary(c, VEC_ZIP_LOW, 3, table, get_register(c, i->rn + 1u, false));
    IrRef index = binary(c, VEC_ADD_SAT_U, 0, get_register(c, i->rm, false), splat(c, 0x70, 0));
    set_register(c, i->rd, false, low_half(c, binary(c, VEC_SHUFFLE_BYTES, 0, table, index)));
}

/* ---- Singles ---- */

static IrRef float_op(C *c, const Insn *i, unsigned op, IrRef n, IrRef m)
{
    emit_fp_host(c, FP_HOST_FLAGS);
    return emit_slow(c, IR_VEC_FLOAT, n, m, op | (i->q ? VEC_QUAD : 0));
}

static IrRef float_abs(C *c, IrRef x)
{
    return binary(c, VEC_AND, 3, x, splat(c, 0x7fffffff, 2));
}

static void emit_float_binary(C *c, const Insn *i, unsigned op)
{
    put_low(c, i, float_op(c, i, op, get_n(c, i), get_m(c, i)));
}

static void emit_float_difference(C *c, const Insn *i, unsigned op)
{
    (void)op;
    put_low(c, i, float_abs(c, float_op(c, i, VEC_FSUB, get_n(c, i), get_m(c, i))));
}

static void emit_float_compare_abs(C *c, const Insn *i, unsigned op)
{
    put_low(c, i, float_op(c, i, op, float_abs(c, get_n(c, i)), float_abs(c, get_m(c, i))));
}

static void emit_float_compare_zero(C *c, const Insn *i, unsigned op)
{
    put_low(c, i, float_op(c, i, op | VEC_B_PLAIN, get_m(c, i), zero(c)));
}

/* op: VEC_FADD or VEC_FSUB of the product. */
static void emit_float_accumulate(C *c, const Insn *i, unsigned op)
{
    IrRef x = float_op(c, i, VEC_FMUL, get_n(c, i), get_m(c, i));
    put_low(c, i, float_op(c, i, op | VEC_B_PLAIN, get_d(c, i), x));
}

static void emit_float_pairwise(C *c, const Insn *i, unsigned op)
{
    IrRef both = binary(c, VEC_ZIP_LOW, 3, get_n(c, i), get_m(c, i));
    IrRef even = low_half(c, unary(c, VEC_SHUFFLE_WORDS, 2, 0x08, both));
    IrRef odd = low_half(c, unary(c, VEC_SHUFFLE_WORDS, 2, 0x0d, both));
    put_low(c, i, float_op(c, i, op, even, odd));
}

/* op: 1 negates. */
static void emit_float_sign(C *c, const Insn *i, unsigned op)
{
    IrRef m = get_m(c, i);
    put_low(c, i, op ? binary(c, VEC_XOR, 3, m, splat(c, 0x80000000, 2)) : float_abs(c, m));
}

/* ---- Memory ---- */

static void write_back_bytes(C *c, const Insn *i, V base, unsigned bytes)
{
    if (i->rm == 13)
        set_reg(c, i->rn, add32(c, base, imm(c, bytes)));
    else if (i->rm != 15)
        set_reg(c, i->rn, add32(c, base, get_reg(c, i->rm)));
}

static uint32_t span(const Insn *i, unsigned bytes)
{
    unsigned element = i->size < 2 ? i->size : 2;
    return bytes | (i->rs > element ? i->rs : element) << 8;
}

/* Structures of one element: registers as they are in memory. */
static void emit_vld_multiple(C *c, const Insn *i, unsigned op)
{
    (void)op;
    c->must_call |= i->q != 1;
    V base = get_reg(c, i->rn);
    emit_load_registers(c, emit_slow(c, IR_SPAN_READ, base.ref, 0, span(i, 8u * i->ra)), 2u * i->rd, 2u * i->ra);
    write_back_bytes(c, i, base, 8u * i->ra);
}

static void emit_vst_multiple(C *c, const Insn *i, unsigned op)
{
    (void)op;
    c->must_call |= i->q != 1;
    V base = get_reg(c, i->rn);
    emit_store_registers(c, emit_slow(c, IR_SPAN_WRITE, base.ref, 0, span(i, 8u * i->ra)), 2u * i->rd, 2u * i->ra);
    write_back_bytes(c, i, base, 8u * i->ra);
}

/* One element: the lane's word is changed as an integer. */
static void emit_vld_lane(C *c, const Insn *i, unsigned op)
{
    unsigned byte = 8u * i->rd + (i->imm << i->size);
    (void)op;
    c->must_call |= i->q != 1;
    V base = get_reg(c, i->rn), x = load(c, base, 1u << i->size);
    if (i->size < 2)
        x = insert_bits(c, (V){emit_op(c, IR_GET_WORD, 0, 0, 0, byte / 4)}, x, byte % 4 * 8, 8u << i->size);
    emit_op(c, IR_SET_WORD, x.ref, 0, 0, byte / 4);
    write_back_bytes(c, i, base, 1u << i->size);
}

static void emit_vst_lane(C *c, const Insn *i, unsigned op)
{
    unsigned byte = 8u * i->rd + (i->imm << i->size);
    (void)op;
    c->must_call |= i->q != 1;
    V base = get_reg(c, i->rn), x = {emit_op(c, IR_GET_WORD, 0, 0, 0, byte / 4)};
    if (i->size < 2)
        x = ubits(c, x, byte % 4 * 8, 8u << i->size);
    store(c, base, x, 1u << i->size);
    write_back_bytes(c, i, base, 1u << i->size);
}

static void emit_vld_all(C *c, const Insn *i, unsigned op)
{
    (void)op;
    c->must_call |= i->q != 1;
    V base = get_reg(c, i->rn), x = load(c, base, 1u << i->size);
    IrRef all = emit_op(c, IR_VEC_DUP, x.ref, 0, 0, (uint32_t)i->size << 8);
    if (i->ra == 2 && !(i->rd & 1)) {
        set_register(c, i->rd, true, all);
    } else {
        IrRef low = low_half(c, all);
        for (unsigned n = 0; n < i->ra; n++)
            set_register(c, i->rd + n, false, low);
    }
    write_back_bytes(c, i, base, 1u << i->size);
}

void emit_vdup_core(C *c, const Insn *i)
{
    emit_fp_access(c, FP_ACCESS_SIMD);
    IrRef all = emit_op(c, IR_VEC_DUP, get_reg(c, i->rd).ref, 0, 0, (uint32_t)i->size << 8);
    set_register(c, i->rn, i->q, i->q ? all : low_half(c, all));
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
CALL(sem_neon_vcvt_from_fixed)
CALL(sem_neon_vcvt_to_fixed)
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
