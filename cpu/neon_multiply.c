/* Advanced SIMD multiplications on registers of the same length, and everything whose operands and result
 * have different lengths (DDI 0406C A7.4.2, A7.4.3). The third operand may be a scalar. */
#include "cpu/neon.h"
#include "cpu/neon_lanes.h"

INLINE Vec op_mul(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_mul(n, m, l->size);
}

INLINE Vec op_mla(Vec d, Vec n, Vec m, Lanes *l)
{
    return v_add(d, v_mul(n, m, l->size), l->size);
}

INLINE Vec op_mls(Vec d, Vec n, Vec m, Lanes *l)
{
    return v_sub(d, v_mul(n, m, l->size), l->size);
}

/* Polynomials over {0, 1} of degree 7, in lanes of any size. */
INLINE Vec op_mul_p(Vec d, Vec n, Vec m, Lanes *l)
{
    Vec product = v_zero();
    (void)d;
    for (unsigned bit = 0; bit < 8; bit++) {
        Vec chosen = v_sub(v_zero(), v_shr(m, bit, l->size, false) & v_dup(1, l->size), l->size);
        product ^= v_shl(n, bit, l->size) & chosen;
    }
    return product;
}

void neon_vmul(Cpu *c, const Insn *i)
{
    by_size(c, i, same_length, op_mul);
}

void neon_vmla(Cpu *c, const Insn *i)
{
    by_size(c, i, same_length, op_mla);
}

void neon_vmls(Cpu *c, const Insn *i)
{
    by_size(c, i, same_length, op_mls);
}

void neon_vmul_p(Cpu *c, const Insn *i)
{
    same_length(c, i, op_mul_p, 0, false);
}

/* ---- Saturating doubling, high half ---- */

/* (2 * n * m + rounding) >> esize of the lanes in two doublewords, computed as half of that to stay within
 * the wide lane. */
INLINE uint64_t doubling_high_half(uint64_t n, uint64_t m, Lanes *l, bool rounding)
{
    unsigned bits = 8u << l->size, wide = l->size + 1;
    Vec product = v_mul(v_widen((Vec){n, 0}, l->size, true), v_widen((Vec){m, 0}, l->size, true), wide);
    if (rounding)
        product = v_add(product, v_dup(1ull << (bits - 2), wide), wide);
    return v_narrow_saturated(v_shr(product, bits - 1, wide, true), l->size, true, true, &l->saturated)[0];
}

/* An operation on doublewords has zeros on top, which do not saturate. */
INLINE Vec doubling_high(Vec n, Vec m, Lanes *l, bool rounding)
{
    uint64_t low = doubling_high_half(n[0], m[0], l, rounding);
    uint64_t high = doubling_high_half(n[1], m[1], l, rounding);
    l->saturated = (Vec){l->saturated[0] | l->saturated[1], 0};
    return (Vec){low, high};
}

INLINE Vec op_qdmulh(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return doubling_high(n, m, l, false);
}

INLINE Vec op_qrdmulh(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return doubling_high(n, m, l, true);
}

/* The sizes are 16 and 32 bits only. */
INLINE void by_16_or_32(Cpu *c, const Insn *i, Shape *shape, LaneOp *op)
{
    if (i->size == 1)
        shape(c, i, op, 1, true);
    else
        shape(c, i, op, 2, true);
}

void neon_vqdmulh(Cpu *c, const Insn *i)
{
    by_16_or_32(c, i, same_length, op_qdmulh);
}

void neon_vqrdmulh(Cpu *c, const Insn *i)
{
    by_16_or_32(c, i, same_length, op_qrdmulh);
}

/* ---- Long and wide: operations on the extended lanes ---- */

INLINE Vec op_add(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_add(n, m, l->size);
}

INLINE Vec op_sub(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_sub(n, m, l->size);
}

/* Extended lanes differ by less than half their range: they compare as signed. */
INLINE Vec op_abd(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_abd(n, m, l->size, true);
}

INLINE Vec op_aba(Vec d, Vec n, Vec m, Lanes *l)
{
    return v_add(d, v_abd(n, m, l->size, true), l->size);
}

void neon_vaddl(Cpu *c, const Insn *i)
{
    by_narrow_size_and_sign(c, i, lengthening, op_add);
}

void neon_vaddw(Cpu *c, const Insn *i)
{
    by_narrow_size_and_sign(c, i, widening, op_add);
}

void neon_vsubl(Cpu *c, const Insn *i)
{
    by_narrow_size_and_sign(c, i, lengthening, op_sub);
}

void neon_vsubw(Cpu *c, const Insn *i)
{
    by_narrow_size_and_sign(c, i, widening, op_sub);
}

void neon_vabdl(Cpu *c, const Insn *i)
{
    by_narrow_size_and_sign(c, i, lengthening, op_abd);
}

void neon_vabal(Cpu *c, const Insn *i)
{
    by_narrow_size_and_sign(c, i, lengthening, op_aba);
}

void neon_vmull(Cpu *c, const Insn *i)
{
    by_narrow_size_and_sign(c, i, lengthening, op_mul);
}

void neon_vmlal(Cpu *c, const Insn *i)
{
    by_narrow_size_and_sign(c, i, lengthening, op_mla);
}

void neon_vmlsl(Cpu *c, const Insn *i)
{
    by_narrow_size_and_sign(c, i, lengthening, op_mls);
}

void neon_vmull_p(Cpu *c, const Insn *i)
{
    lengthening(c, i, op_mul_p, 0, false);
}

/* ---- Saturating doubling long ---- */

INLINE Vec op_qdmul(Vec d, Vec n, Vec m, Lanes *l)
{
    Vec product = v_mul(n, m, l->size);
    (void)d;
    return v_qadd(product, product, l->size, true, &l->saturated);
}

INLINE Vec op_qdmla(Vec d, Vec n, Vec m, Lanes *l)
{
    return v_qadd(d, op_qdmul(d, n, m, l), l->size, true, &l->saturated);
}

INLINE Vec op_qdmls(Vec d, Vec n, Vec m, Lanes *l)
{
    return v_qsub(d, op_qdmul(d, n, m, l), l->size, true, &l->saturated);
}

void neon_vqdmull(Cpu *c, const Insn *i)
{
    by_16_or_32(c, i, lengthening, op_qdmul);
}

void neon_vqdmlal(Cpu *c, const Insn *i)
{
    by_16_or_32(c, i, lengthening, op_qdmla);
}

void neon_vqdmlsl(Cpu *c, const Insn *i)
{
    by_16_or_32(c, i, lengthening, op_qdmls);
}

/* ---- High half of sums and differences ---- */

INLINE Vec high_half(Vec wide, Lanes *l, bool rounding)
{
    unsigned bits = 8u << l->size;
    if (rounding)
        wide = v_add(wide, v_dup(1ull << (bits - 1), l->size + 1), l->size + 1);
    return v_narrow(v_shr(wide, bits, l->size + 1, false), l->size);
}

INLINE Vec op_addhn(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return high_half(v_add(n, m, l->size + 1), l, false);
}

INLINE Vec op_raddhn(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return high_half(v_add(n, m, l->size + 1), l, true);
}

INLINE Vec op_subhn(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return high_half(v_sub(n, m, l->size + 1), l, false);
}

INLINE Vec op_rsubhn(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return high_half(v_sub(n, m, l->size + 1), l, true);
}

void neon_vaddhn(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, narrowing, op_addhn, false);
}

void neon_vraddhn(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, narrowing, op_raddhn, false);
}

void neon_vsubhn(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, narrowing, op_subhn, false);
}

void neon_vrsubhn(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, narrowing, op_rsubhn, false);
}
