/* Expressions over the lanes of vectors, made of operations that the host has. */
#include "jit/emit_lanes.h"

/* ---- Operations ---- */

IrRef lanes_with_number(C *c, IrOp ir_op, VecOp op, unsigned size, unsigned number, IrRef a, IrRef b)
{
    c->must_call |= !vec_op_exists(op, size, c->host);
    return emit_op(c, ir_op, a, b, 0, op | size << 8 | number << 16);
}

IrRef lanes_binary(C *c, VecOp op, unsigned size, IrRef a, IrRef b)
{
    return lanes_with_number(c, IR_VEC_BINARY, op, size, 0, a, b);
}

IrRef lanes_unary(C *c, VecOp op, unsigned size, unsigned number, IrRef a)
{
    return lanes_with_number(c, IR_VEC_UNARY, op, size, number, a, 0);
}

IrRef lanes_low_half(C *c, IrRef a)
{
    return lanes_unary(c, VEC_LOW, 0, 0, a);
}

/* value in all lanes. */
IrRef lanes_splat(C *c, uint64_t value, unsigned size)
{
    for (unsigned bits = 8u << size; bits < 64; bits *= 2)
        value = (value & (~0ull >> (64 - bits))) * ((1ull << bits) + 1);
    return emit_op(c, IR_VEC_CONST, emit_const(c, (uint32_t)value), emit_const(c, (uint32_t)(value >> 32)), 0,
                   1);
}

IrRef lanes_ones(C *c)
{
    return lanes_splat(c, ~0ull, 3);
}

IrRef lanes_zero(C *c)
{
    return lanes_splat(c, 0, 3);
}

IrRef lanes_invert(C *c, IrRef a)
{
    return lanes_binary(c, VEC_XOR, 3, a, lanes_ones(c));
}

/* The bits of a where the mask has ones, else those of b. */
IrRef lanes_choose(C *c, IrRef mask, IrRef a, IrRef b)
{
    return lanes_binary(c, VEC_XOR, 3, b,
                        lanes_binary(c, VEC_AND, 3, lanes_binary(c, VEC_XOR, 3, a, b), mask));
}

/* ---- Shifts by a constant that are right for all lanes ---- */

IrRef lanes_left(C *c, IrRef x, unsigned size, unsigned n)
{
    if (n == 0)
        return x;
    if (size == 0)
        return lanes_binary(c, VEC_AND, 3, lanes_unary(c, VEC_SHL, 1, n, x), lanes_splat(c, 0xffu << n, 0));
    return lanes_unary(c, VEC_SHL, size, n, x);
}

IrRef lanes_right_unsigned(C *c, IrRef x, unsigned size, unsigned n)
{
    if (n == 0)
        return x;
    if (n == 8u << size)
        return lanes_zero(c);
    if (size == 0)
        return lanes_binary(c, VEC_AND, 3, lanes_unary(c, VEC_SHR, 1, n, x), lanes_splat(c, 0xffu >> n, 0));
    return lanes_unary(c, VEC_SHR, size, n, x);
}

IrRef lanes_right_signed(C *c, IrRef x, unsigned size, unsigned n)
{
    unsigned bits = 8u << size;
    if (n == 0)
        return x;
    if (n == bits)
        n--;
    if (size == 1 || size == 2)
        return lanes_unary(c, VEC_SAR, size, n, x);
    IrRef sign = lanes_splat(c, 1ull << (bits - 1 - n), size);
    return lanes_binary(c, VEC_SUB, size,
                        lanes_binary(c, VEC_XOR, 3, lanes_right_unsigned(c, x, size, n), sign), sign);
}

IrRef lanes_right(C *c, IrRef x, unsigned size, unsigned n, bool is_signed)
{
    return is_signed ? lanes_right_signed(c, x, size, n) : lanes_right_unsigned(c, x, size, n);
}

/* Rounded: plus the last bit that goes out. */
IrRef lanes_right_rounded(C *c, IrRef x, unsigned size, unsigned n, bool is_signed)
{
    if (n == 0)
        return x;
    IrRef half =
        lanes_binary(c, VEC_AND, 3, lanes_right_unsigned(c, x, size, n - 1), lanes_splat(c, 1, size));
    return lanes_binary(c, VEC_ADD, size, lanes_right(c, x, size, n, is_signed), half);
}

/* ---- Lanes of other sizes: size is always that of the narrower ones ---- */

IrRef lanes_widen(C *c, IrRef x, unsigned size, bool is_signed)
{
    return lanes_unary(c, is_signed ? VEC_WIDEN : VEC_WIDEN_U, size, 0, x);
}

/* The low parts of the lanes of two, side by side. */
IrRef lanes_narrow_two(C *c, IrRef x, IrRef y, unsigned size)
{
    if (size == 0) {
        IrRef mask = lanes_splat(c, 0xff, 1);
        return lanes_binary(c, VEC_PACK_U, 0, lanes_binary(c, VEC_AND, 3, x, mask),
                            lanes_binary(c, VEC_AND, 3, y, mask));
    }
    if (size == 1)
        return lanes_binary(c, VEC_PACK, 1, lanes_right_signed(c, lanes_left(c, x, 2, 16), 2, 16),
                            lanes_right_signed(c, lanes_left(c, y, 2, 16), 2, 16));
    return lanes_binary(c, VEC_ZIP_LOW, 3, lanes_unary(c, VEC_SHUFFLE_WORDS, 2, 0x08, x),
                        lanes_unary(c, VEC_SHUFFLE_WORDS, 2, 0x08, y));
}

IrRef lanes_narrow(C *c, IrRef x, unsigned size)
{
    return lanes_low_half(c, size == 2 ? lanes_unary(c, VEC_SHUFFLE_WORDS, 2, 0x08, x)
                                       : lanes_narrow_two(c, x, x, size));
}

void lanes_saturated_if_differ(C *c, IrRef a, IrRef b)
{
    emit_op(c, IR_VEC_SATURATED, a, b, 0, 0);
}

/* From signed or unsigned lanes to signed or unsigned ones (not from unsigned to signed). */
IrRef lanes_narrow_saturated(C *c, IrRef x, unsigned size, bool from_signed, bool to_signed)
{
    IrRef result;
    if (size == 2)
        c->must_call = true;
    if (!from_signed) {
        IrRef most =
            lanes_binary(c, VEC_MIN_U, size + 1, x, lanes_splat(c, (1ull << (8u << size)) - 1, size + 1));
        lanes_saturated_if_differ(c, most, x);
        return lanes_low_half(c, lanes_binary(c, VEC_PACK_U, size & 1, most, most));
    }
    result = lanes_low_half(c, lanes_binary(c, to_signed ? VEC_PACK : VEC_PACK_U, size & 1, x, x));
    lanes_saturated_if_differ(c, lanes_widen(c, result, size, to_signed), x);
    return result;
}
