/* Advanced SIMD on two registers (DDI 0406C A7.4.5) but for shifts and floats; permutations, VEXT, VTBL,
 * VDUP. */
#include "cpu/neon.h"
#include "cpu/neon_lanes.h"

INLINE void two_registers(Cpu *c, const Insn *i, LaneOp *op, unsigned size, bool is_signed)
{
    Lanes l = {size, is_signed, i->imm, v_zero()};
    write_vec(c, i->rd, i->q, op(read_vec(c, i->rd, i->q), v_zero(), read_vec(c, i->rm, i->q), &l));
    merge_saturation(c, l.saturated, i->q);
}

/* ---- Order of lanes within groups ---- */

/* Exchanges neighbouring lanes. */
INLINE Vec swapped_neighbours(Vec v, unsigned size)
{
    unsigned bits = 8u << size;
    return v_shl(v, bits, size + 1) | v_shr(v, bits, size + 1, false);
}

/* Reverses the lanes of each group of 1 << group bytes: neighbours, then neighbouring pairs, and so on. */
INLINE Vec reversed(Vec v, unsigned size, unsigned group)
{
    for (unsigned width = size; width < group; width++)
        v = swapped_neighbours(v, width);
    return v;
}

INLINE Vec op_rev64(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)n;
    return reversed(m, l->size, 3);
}

INLINE Vec op_rev32(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)n;
    return reversed(m, l->size, 2);
}

INLINE Vec op_rev16(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)n;
    return reversed(m, l->size, 1);
}

void neon_vrev64(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, two_registers, op_rev64, false);
}

void neon_vrev32(Cpu *c, const Insn *i)
{
    if (i->size == 0)
        two_registers(c, i, op_rev32, 0, false);
    else
        two_registers(c, i, op_rev32, 1, false);
}

void neon_vrev16(Cpu *c, const Insn *i)
{
    two_registers(c, i, op_rev16, 0, false);
}

/* ---- Counting bits ---- */

INLINE Vec bits_per_byte(Vec v)
{
    U8 x = (U8)v;
    x = x - (x >> 1 & 0x55);
    x = (x & 0x33) + (x >> 2 & 0x33);
    return (Vec)((x + (x >> 4)) & 0x0f);
}

INLINE Vec bits_per_lane(Vec v, unsigned size)
{
    v = bits_per_byte(v);
    for (unsigned half = 0; half < size; half++)
        v = v_add(v, v_shr(v, 8u << half, size, false), size);
    return v & v_dup(0xff, size);
}

/* Ones from the highest one downwards are all but the leading zeros. */
INLINE Vec op_clz(Vec d, Vec n, Vec m, Lanes *l)
{
    unsigned bits = 8u << l->size;
    (void)d, (void)n;
    for (unsigned shift = 1; shift < bits; shift *= 2)
        m |= v_shr(m, shift, l->size, false);
    return v_sub(v_dup(bits, l->size), bits_per_lane(m, l->size), l->size);
}

/* Bits below the sign bit that equal it: leading zeros of x ^ (x << 1), whose lowest bit is made not to
 * matter. */
INLINE Vec op_cls(Vec d, Vec n, Vec m, Lanes *l)
{
    Vec sign = v_gt(v_zero(), m, l->size, true);
    Vec differing = v_shl(m ^ sign, 1, l->size) | v_dup(1, l->size);
    return op_clz(d, n, differing, l);
}

INLINE Vec op_cnt(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)n, (void)l;
    return bits_per_byte(m);
}

void neon_vclz(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, two_registers, op_clz, false);
}

void neon_vcls(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, two_registers, op_cls, false);
}

void neon_vcnt(Cpu *c, const Insn *i)
{
    two_registers(c, i, op_cnt, 0, false);
}

/* ---- Arithmetic ---- */

INLINE Vec op_mvn(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)n, (void)l;
    return ~m;
}

INLINE Vec op_neg(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_sub(n, m, l->size);
}

INLINE Vec op_abs(Vec d, Vec n, Vec m, Lanes *l)
{
    return v_select(v_gt(n, m, l->size, true), op_neg(d, n, m, l), m);
}

INLINE Vec op_qneg(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_qsub(n, m, l->size, true, &l->saturated);
}

/* Negating a positive value never saturates, so that doing it to all lanes is harmless. */
INLINE Vec op_qabs(Vec d, Vec n, Vec m, Lanes *l)
{
    return v_select(v_gt(n, m, l->size, true), op_qneg(d, n, m, l), m);
}

/* Sums of adjacent lanes, in lanes of twice the size. */
INLINE Vec op_paddl(Vec d, Vec n, Vec m, Lanes *l)
{
    unsigned bits = 8u << l->size, wide = l->size + 1;
    (void)d, (void)n;
    Vec even = v_shr(v_shl(m, bits, wide), bits, wide, l->is_signed);
    return v_add(even, v_shr(m, bits, wide, l->is_signed), wide);
}

INLINE Vec op_padal(Vec d, Vec n, Vec m, Lanes *l)
{
    return v_add(d, op_paddl(d, n, m, l), l->size + 1);
}

void neon_vmvn(Cpu *c, const Insn *i)
{
    two_registers(c, i, op_mvn, 3, false);
}

void neon_vneg(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, two_registers, op_neg, true);
}

void neon_vabs(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, two_registers, op_abs, true);
}

void neon_vqneg(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, two_registers, op_qneg, true);
}

void neon_vqabs(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, two_registers, op_qabs, true);
}

void neon_vpaddl(Cpu *c, const Insn *i)
{
    by_narrow_size_and_sign(c, i, two_registers, op_paddl);
}

void neon_vpadal(Cpu *c, const Insn *i)
{
    by_narrow_size_and_sign(c, i, two_registers, op_padal);
}

/* ---- Comparisons with zero: n is the zero ---- */

INLINE Vec op_gt_0(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_gt(m, n, l->size, true);
}

INLINE Vec op_ge_0(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return ~v_gt(n, m, l->size, true);
}

INLINE Vec op_eq_0(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_eq(m, n, l->size);
}

INLINE Vec op_le_0(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return ~v_gt(m, n, l->size, true);
}

INLINE Vec op_lt_0(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_gt(n, m, l->size, true);
}

void neon_vcgt_0(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, two_registers, op_gt_0, true);
}

void neon_vcge_0(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, two_registers, op_ge_0, true);
}

void neon_vceq_0(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, two_registers, op_eq_0, true);
}

void neon_vcle_0(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, two_registers, op_le_0, true);
}

void neon_vclt_0(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, two_registers, op_lt_0, true);
}
