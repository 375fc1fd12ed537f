/* Lanes of vectors, for the Advanced SIMD functions: operations on a whole quadword whose lane type is a
 * compile-time constant once they are inlined, and the loops that bring operands to them. A doubleword is the
 * low half of a Vec.
 *
 * An operation (LaneOp) is written once, for any lane type; the shapes below (same_length() and so on)
 * compile it for each size and signedness, so that each becomes a few vector instructions of the host. */
#ifndef ARMATURE_CPU_NEON_LANES_H
#define ARMATURE_CPU_NEON_LANES_H

#include <string.h>

#include "cpu/cpu.h"
#include "cpu/fp.h"
#include "cpu/insn.h"

#define INLINE static inline __attribute__((always_inline))

typedef uint64_t Vec __attribute__((vector_size(16)));
typedef uint8_t U8 __attribute__((vector_size(16)));
typedef uint16_t U16 __attribute__((vector_size(16)));
typedef uint32_t U32 __attribute__((vector_size(16)));
typedef uint64_t U64 __attribute__((vector_size(16)));
typedef int8_t S8 __attribute__((vector_size(16)));
typedef int16_t S16 __attribute__((vector_size(16)));
typedef int32_t S32 __attribute__((vector_size(16)));
typedef int64_t S64 __attribute__((vector_size(16)));
typedef uint8_t HalfU8 __attribute__((vector_size(8)));
typedef uint16_t HalfU16 __attribute__((vector_size(8)));
typedef uint32_t HalfU32 __attribute__((vector_size(8)));
typedef int8_t HalfS8 __attribute__((vector_size(8)));
typedef int16_t HalfS16 __attribute__((vector_size(8)));
typedef int32_t HalfS32 __attribute__((vector_size(8)));

/* What an operation knows beside its operands. */
typedef struct Lanes {
    unsigned size; /* log2 of the lane size in bytes */
    bool is_signed;
    unsigned imm;  /* shift amount */
    Vec saturated; /* bits set where a lane saturated */
} Lanes;

/* d: old destination. Returns the new one. */
typedef Vec LaneOp(Vec d, Vec n, Vec m, Lanes *l);

/* ---- Registers ---- */

INLINE Vec read_d(const Cpu *c, unsigned reg)
{
    return (Vec){c->v.d[reg], 0};
}

INLINE Vec read_q(const Cpu *c, unsigned reg)
{
    return (Vec){c->v.d[reg], c->v.d[reg + 1]};
}

INLINE Vec read_vec(const Cpu *c, unsigned reg, bool q)
{
    return q ? read_q(c, reg) : read_d(c, reg);
}

INLINE void write_d(Cpu *c, unsigned reg, Vec value)
{
    c->v.d[reg] = value[0];
}

INLINE void write_q(Cpu *c, unsigned reg, Vec value)
{
    c->v.d[reg] = value[0];
    c->v.d[reg + 1] = value[1];
}

INLINE void write_vec(Cpu *c, unsigned reg, bool q, Vec value)
{
    c->v.d[reg] = value[0];
    if (q)
        c->v.d[reg + 1] = value[1];
}

/* ---- Lane by lane ---- */

INLINE unsigned lane_count(unsigned size)
{
    return 16u >> size;
}

INLINE uint64_t lane_get(Vec v, unsigned size, unsigned n)
{
    switch (size) {
    case 0:
        return ((U8)v)[n];
    case 1:
        return ((U16)v)[n];
    case 2:
        return ((U32)v)[n];
    default:
        return v[n];
    }
}

INLINE int64_t lane_get_signed(Vec v, unsigned size, unsigned n)
{
    unsigned unused_bits = 64 - (8u << size);
    return (int64_t)(lane_get(v, size, n) << unused_bits) >> unused_bits;
}

INLINE Vec lane_set(Vec v, unsigned size, unsigned n, uint64_t value)
{
    union {
        Vec v;
        uint8_t b[16];
        uint16_t h[8];
        uint32_t w[4];
        uint64_t d[2];
    } u = {.v = v};
    switch (size) {
    case 0:
        u.b[n] = (uint8_t)value;
        break;
    case 1:
        u.h[n] = (uint16_t)value;
        break;
    case 2:
        u.w[n] = (uint32_t)value;
        break;
    default:
        u.d[n] = value;
    }
    return u.v;
}

INLINE Vec v_dup(uint64_t value, unsigned size)
{
    switch (size) {
    case 0:
        value = (value & 0xff) * 0x0101010101010101u;
        break;
    case 1:
        value = (value & 0xffff) * 0x0001000100010001u;
        break;
    case 2:
        value = (value & 0xffffffff) * 0x0000000100000001u;
        break;
    }
    return (Vec){value, value};
}

INLINE Vec v_zero(void)
{
    return (Vec){0, 0};
}

/* The least value of a signed lane; its complement is the greatest. */
INLINE Vec v_min_signed(unsigned size)
{
    return v_dup(1ull << ((8u << size) - 1), size);
}

/* ---- Arithmetic ---- */

INLINE Vec v_add(Vec a, Vec b, unsigned size)
{
    switch (size) {
    case 0:
        return (Vec)((U8)a + (U8)b);
    case 1:
        return (Vec)((U16)a + (U16)b);
    case 2:
        return (Vec)((U32)a + (U32)b);
    default:
        return a + b;
    }
}

INLINE Vec v_sub(Vec a, Vec b, unsigned size)
{
    switch (size) {
    case 0:
        return (Vec)((U8)a - (U8)b);
    case 1:
        return (Vec)((U16)a - (U16)b);
    case 2:
        return (Vec)((U32)a - (U32)b);
    default:
        return a - b;
    }
}

INLINE Vec v_mul(Vec a, Vec b, unsigned size)
{
    switch (size) {
    case 0:
        return (Vec)((U8)a * (U8)b);
    case 1:
        return (Vec)((U16)a * (U16)b);
    case 2:
        return (Vec)((U32)a * (U32)b);
    default:
        return a * b;
    }
}

/* Shifts by one amount for all lanes, less than the lane size. */
INLINE Vec v_shl(Vec a, unsigned n, unsigned size)
{
    switch (size) {
    case 0:
        return (Vec)((U8)a << (uint8_t)n);
    case 1:
        return (Vec)((U16)a << (uint16_t)n);
    case 2:
        return (Vec)((U32)a << n);
    default:
        return a << (uint64_t)n;
    }
}

INLINE Vec v_shr(Vec a, unsigned n, unsigned size, bool is_signed)
{
    switch (size) {
    case 0:
        return is_signed ? (Vec)((S8)a >> (int8_t)n) : (Vec)((U8)a >> (uint8_t)n);
    case 1:
        return is_signed ? (Vec)((S16)a >> (int16_t)n) : (Vec)((U16)a >> (uint16_t)n);
    case 2:
        return is_signed ? (Vec)((S32)a >> (int32_t)n) : (Vec)((U32)a >> n);
    default:
        return is_signed ? (Vec)((S64)a >> (int64_t)n) : a >> (uint64_t)n;
    }
}

/* Right shift by 1 to the lane size. */
INLINE Vec v_shr_full(Vec a, unsigned n, unsigned size, bool is_signed)
{
    return v_shr(v_shr(a, n - 1, size, is_signed), 1, size, is_signed);
}

INLINE Vec v_shr_rounded(Vec a, unsigned n, unsigned size, bool is_signed)
{
    Vec almost = v_shr(a, n - 1, size, is_signed);
    return v_add(v_shr(almost, 1, size, is_signed), almost & v_dup(1, size), size);
}

/* ---- Comparisons: lanes of all ones or all zeros ---- */

INLINE Vec v_eq(Vec a, Vec b, unsigned size)
{
    switch (size) {
    case 0:
        return (Vec)((U8)a == (U8)b);
    case 1:
        return (Vec)((U16)a == (U16)b);
    case 2:
        return (Vec)((U32)a == (U32)b);
    default:
        return (Vec)(a == b);
    }
}

INLINE Vec v_gt(Vec a, Vec b, unsigned size, bool is_signed)
{
    switch (size) {
    case 0:
        return is_signed ? (Vec)((S8)a > (S8)b) : (Vec)((U8)a > (U8)b);
    case 1:
        return is_signed ? (Vec)((S16)a > (S16)b) : (Vec)((U16)a > (U16)b);
    case 2:
        return is_signed ? (Vec)((S32)a > (S32)b) : (Vec)((U32)a > (U32)b);
    default:
        return is_signed ? (Vec)((S64)a > (S64)b) : (Vec)(a > b);
    }
}

/* Bits of a where mask is 1, of b elsewhere. */
INLINE Vec v_select(Vec mask, Vec a, Vec b)
{
    return (a & mask) | (b & ~mask);
}

INLINE Vec v_max(Vec a, Vec b, unsigned size, bool is_signed)
{
    return v_select(v_gt(a, b, size, is_signed), a, b);
}

INLINE Vec v_min(Vec a, Vec b, unsigned size, bool is_signed)
{
    return v_select(v_gt(a, b, size, is_signed), b, a);
}

/* |a - b| as an unsigned lane. */
INLINE Vec v_abd(Vec a, Vec b, unsigned size, bool is_signed)
{
    return v_select(v_gt(a, b, size, is_signed), v_sub(a, b, size), v_sub(b, a, size));
}

/* ---- Saturation ---- */

INLINE Vec v_qadd(Vec a, Vec b, unsigned size, bool is_signed, Vec *saturated)
{
    Vec sum = v_add(a, b, size);
    if (!is_signed) {
        Vec over = v_gt(a, sum, size, false);
        *saturated |= over;
        return sum | over;
    }
    Vec over = v_gt(v_zero(), (a ^ sum) & (b ^ sum), size, true);
    *saturated |= over;
    return v_select(over, v_gt(v_zero(), a, size, true) ^ ~v_min_signed(size), sum);
}

INLINE Vec v_qsub(Vec a, Vec b, unsigned size, bool is_signed, Vec *saturated)
{
    Vec difference = v_sub(a, b, size);
    if (!is_signed) {
        Vec under = v_gt(b, a, size, false);
        *saturated |= under;
        return difference & ~under;
    }
    Vec over = v_gt(v_zero(), (a ^ b) & (a ^ difference), size, true);
    *saturated |= over;
    return v_select(over, v_gt(v_zero(), a, size, true) ^ ~v_min_signed(size), difference);
}

/* ---- Changing the lane size ---- */

/* The low doubleword's lanes of `size`, each extended to twice that. */
INLINE Vec v_widen(Vec v, unsigned size, bool is_signed)
{
    uint64_t low = v[0];
    switch (size) {
    case 0:
        return is_signed ? (Vec) __builtin_convertvector((HalfS8)low, S16)
                         : (Vec) __builtin_convertvector((HalfU8)low, U16);
    case 1:
        return is_signed ? (Vec) __builtin_convertvector((HalfS16)low, S32)
                         : (Vec) __builtin_convertvector((HalfU16)low, U32);
    default:
        return is_signed ? (Vec) __builtin_convertvector((HalfS32)low, S64)
                         : (Vec) __builtin_convertvector((HalfU32)low, U64);
    }
}

/* The low halves of the lanes of size + 1, in the low doubleword. */
INLINE Vec v_narrow(Vec v, unsigned size)
{
    switch (size) {
    case 0:
        return (Vec){(uint64_t) __builtin_convertvector((U16)v, HalfU8), 0};
    case 1:
        return (Vec){(uint64_t) __builtin_convertvector((U32)v, HalfU16), 0};
    default:
        return (Vec){(uint64_t) __builtin_convertvector((U64)v, HalfU32), 0};
    }
}

/* SatQ of the lanes of size + 1 to lanes of size. */
INLINE Vec v_narrow_saturated(Vec v, unsigned size, bool from_signed, bool to_signed, Vec *saturated)
{
    unsigned wide = size + 1, bits = 8u << size;
    uint64_t top = to_signed ? (1ull << (bits - 1)) - 1 : (1ull << bits) - 1;
    Vec clipped = v_min(v, v_dup(top, wide), wide, from_signed);
    if (from_signed)
        clipped = v_max(clipped, to_signed ? ~v_dup(top, wide) : v_zero(), wide, true);
    *saturated |= clipped ^ v;
    return v_narrow(clipped, size);
}

/* The lanes with even and with odd numbers, of low (its low doubleword) followed by high. */
INLINE void v_unzip(Vec low, Vec high, unsigned size, Vec *even, Vec *odd)
{
    Vec both = {low[0], high[0]};
    *even = v_narrow(both, size);
    *odd = v_narrow(v_shr(both, 8u << size, size + 1, false), size);
}

/* ---- Shapes ---- */

INLINE void merge_saturation(Cpu *c, Vec saturated, bool q)
{
    if (saturated[0] | (q ? saturated[1] : 0))
        c->fpscr |= FPSCR_QC;
}

/* The third operand: a register, or all lanes equal to a scalar. */
INLINE Vec read_m(const Cpu *c, const Insn *i, bool q)
{
    if (!i->index)
        return read_vec(c, i->rm, q);
    return v_dup(c->v.d[i->rm] >> ((8u << i->size) * i->imm), i->size);
}

INLINE void same_length(Cpu *c, const Insn *i, LaneOp *op, unsigned size, bool is_signed)
{
    Lanes l = {size, is_signed, i->imm, v_zero()};
    Vec n = read_vec(c, i->rn, i->q), m = read_m(c, i, i->q);
    Vec d = op(read_vec(c, i->rd, i->q), n, m, &l);
    write_vec(c, i->rd, i->q, d);
    merge_saturation(c, l.saturated, i->q);
}

/* Both sources are doublewords, which are extended before op sees them; the destination is a quadword. size
 * is that of the narrow lanes, op gets that of the wide ones. */
INLINE void lengthening(Cpu *c, const Insn *i, LaneOp *op, unsigned size, bool is_signed)
{
    Lanes l = {size + 1, is_signed, i->imm, v_zero()};
    Vec n = v_widen(read_d(c, i->rn), size, is_signed), m = v_widen(read_m(c, i, false), size, is_signed);
    write_q(c, i->rd, op(read_q(c, i->rd), n, m, &l));
    merge_saturation(c, l.saturated, true);
}

/* The first source is a quadword already. */
INLINE void widening(Cpu *c, const Insn *i, LaneOp *op, unsigned size, bool is_signed)
{
    Lanes l = {size + 1, is_signed, i->imm, v_zero()};
    Vec n = read_q(c, i->rn), m = v_widen(read_d(c, i->rm), size, is_signed);
    write_q(c, i->rd, op(read_q(c, i->rd), n, m, &l));
}

/* Sources are quadwords of lanes of twice `size`; op narrows, it gets the narrow size. */
INLINE void narrowing(Cpu *c, const Insn *i, LaneOp *op, unsigned size, bool is_signed)
{
    Lanes l = {size, is_signed, i->imm, v_zero()};
    write_d(c, i->rd, op(v_zero(), read_q(c, i->rn), read_q(c, i->rm), &l));
}

typedef void Shape(Cpu *c, const Insn *i, LaneOp *op, unsigned size, bool is_signed);

/* The shape for the instruction's lane size. */
INLINE void by_size_as(Cpu *c, const Insn *i, Shape *shape, LaneOp *op, bool is_signed)
{
    switch (i->size) {
    case 0:
        shape(c, i, op, 0, is_signed);
        break;
    case 1:
        shape(c, i, op, 1, is_signed);
        break;
    case 2:
        shape(c, i, op, 2, is_signed);
        break;
    default:
        shape(c, i, op, 3, is_signed);
    }
}

/* The same where the sign does not matter. */
INLINE void by_size(Cpu *c, const Insn *i, Shape *shape, LaneOp *op)
{
    by_size_as(c, i, shape, op, false);
}

INLINE void by_size_and_sign(Cpu *c, const Insn *i, Shape *shape, LaneOp *op)
{
    if (i->s)
        by_size_as(c, i, shape, op, true);
    else
        by_size_as(c, i, shape, op, false);
}

/* The same for shapes that take the size of the narrower lanes, which is never 64 bits. */
INLINE void by_narrow_size(Cpu *c, const Insn *i, Shape *shape, LaneOp *op, bool is_signed)
{
    switch (i->size) {
    case 0:
        shape(c, i, op, 0, is_signed);
        break;
    case 1:
        shape(c, i, op, 1, is_signed);
        break;
    default:
        shape(c, i, op, 2, is_signed);
    }
}

INLINE void by_narrow_size_and_sign(Cpu *c, const Insn *i, Shape *shape, LaneOp *op)
{
    if (i->s)
        by_narrow_size(c, i, shape, op, true);
    else
        by_narrow_size(c, i, shape, op, false);
}

#endif
