/* Advanced SIMD on registers of the same length, integers: three registers (DDI 0406C A7.4.1), bitwise
 * operations and modified immediates. */
#include "cpu/neon.h"
#include "cpu/neon_lanes.h"

/* ---- Bitwise: the lane size does not matter ---- */

INLINE void bitwise(Cpu *c, const Insn *i, LaneOp *op)
{
    same_length(c, i, op, 3, false);
}

INLINE Vec op_and(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)l;
    return n & m;
}

INLINE Vec op_bic(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)l;
    return n & ~m;
}

INLINE Vec op_orr(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)l;
    return n | m;
}

INLINE Vec op_orn(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)l;
    return n | ~m;
}

INLINE Vec op_eor(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)l;
    return n ^ m;
}

INLINE Vec op_bsl(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)l;
    return v_select(d, n, m);
}

INLINE Vec op_bit(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)l;
    return v_select(m, n, d);
}

INLINE Vec op_bif(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)l;
    return v_select(m, d, n);
}

void neon_vand(Cpu *c, const Insn *i)
{
    bitwise(c, i, op_and);
}

void neon_vbic(Cpu *c, const Insn *i)
{
    bitwise(c, i, op_bic);
}

void neon_vorr(Cpu *c, const Insn *i)
{
    bitwise(c, i, op_orr);
}

void neon_vorn(Cpu *c, const Insn *i)
{
    bitwise(c, i, op_orn);
}

void neon_veor(Cpu *c, const Insn *i)
{
    bitwise(c, i, op_eor);
}

void neon_vbsl(Cpu *c, const Insn *i)
{
    bitwise(c, i, op_bsl);
}

void neon_vbit(Cpu *c, const Insn *i)
{
    bitwise(c, i, op_bit);
}

void neon_vbif(Cpu *c, const Insn *i)
{
    bitwise(c, i, op_bif);
}

/* ---- Modified immediates: imm is the same in both words ---- */

INLINE Vec expanded(const Insn *i)
{
    return v_dup(i->imm, 2);
}

void neon_vmov_imm(Cpu *c, const Insn *i)
{
    write_vec(c, i->rd, i->q, expanded(i));
}

void neon_vmvn_imm(Cpu *c, const Insn *i)
{
    write_vec(c, i->rd, i->q, ~expanded(i));
}

void neon_vorr_imm(Cpu *c, const Insn *i)
{
    write_vec(c, i->rd, i->q, read_vec(c, i->rd, i->q) | expanded(i));
}

void neon_vbic_imm(Cpu *c, const Insn *i)
{
    write_vec(c, i->rd, i->q, read_vec(c, i->rd, i->q) & ~expanded(i));
}

/* Each bit of the 8 makes a byte of ones or zeros. */
void neon_vmov_i64(Cpu *c, const Insn *i)
{
    uint64_t value = 0;
    for (unsigned n = 0; n < 8; n++)
        if (i->imm >> n & 1)
            value |= 0xffull << 8 * n;
    write_vec(c, i->rd, i->q, v_dup(value, 3));
}

/* ---- Addition and subtraction ---- */

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

INLINE Vec op_qadd(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_qadd(n, m, l->size, l->is_signed, &l->saturated);
}

INLINE Vec op_qsub(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_qsub(n, m, l->size, l->is_signed, &l->saturated);
}

/* (n + m) >> 1 without the carry: the bits both have, plus half of those only one has. */
INLINE Vec op_hadd(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_add(n & m, v_shr(n ^ m, 1, l->size, l->is_signed), l->size);
}

INLINE Vec op_rhadd(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_sub(n | m, v_shr(n ^ m, 1, l->size, l->is_signed), l->size);
}

INLINE Vec op_hsub(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    Vec halves = v_sub(v_shr(n, 1, l->size, l->is_signed), v_shr(m, 1, l->size, l->is_signed), l->size);
    return v_sub(halves, ~n & m & v_dup(1, l->size), l->size);
}

void neon_vadd(Cpu *c, const Insn *i)
{
    by_size(c, i, same_length, op_add);
}

void neon_vsub(Cpu *c, const Insn *i)
{
    by_size(c, i, same_length, op_sub);
}

void neon_vqadd(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_qadd);
}

void neon_vqsub(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_qsub);
}

void neon_vhadd(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_hadd);
}

void neon_vrhadd(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_rhadd);
}

void neon_vhsub(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_hsub);
}

/* ---- Comparison, maximum, difference ---- */

INLINE Vec op_gt(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_gt(n, m, l->size, l->is_signed);
}

INLINE Vec op_ge(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return ~v_gt(m, n, l->size, l->is_signed);
}

INLINE Vec op_eq(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_eq(n, m, l->size);
}

INLINE Vec op_tst(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return ~v_eq(n & m, v_zero(), l->size);
}

INLINE Vec op_max(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_max(n, m, l->size, l->is_signed);
}

INLINE Vec op_min(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_min(n, m, l->size, l->is_signed);
}

INLINE Vec op_abd(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return v_abd(n, m, l->size, l->is_signed);
}

INLINE Vec op_aba(Vec d, Vec n, Vec m, Lanes *l)
{
    return v_add(d, v_abd(n, m, l->size, l->is_signed), l->size);
}

void neon_vcgt(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_gt);
}

void neon_vcge(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_ge);
}

void neon_vceq(Cpu *c, const Insn *i)
{
    by_size(c, i, same_length, op_eq);
}

void neon_vtst(Cpu *c, const Insn *i)
{
    by_size(c, i, same_length, op_tst);
}

void neon_vmax(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_max);
}

void neon_vmin(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_min);
}

void neon_vabd(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_abd);
}

void neon_vaba(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_aba);
}

/* ---- Adjacent pairs of n, then of m (doublewords only) ---- */

INLINE Vec op_padd(Vec d, Vec n, Vec m, Lanes *l)
{
    v_unzip(n, m, l->size, &n, &m);
    return op_add(d, n, m, l);
}

INLINE Vec op_pmax(Vec d, Vec n, Vec m, Lanes *l)
{
    v_unzip(n, m, l->size, &n, &m);
    return op_max(d, n, m, l);
}

INLINE Vec op_pmin(Vec d, Vec n, Vec m, Lanes *l)
{
    v_unzip(n, m, l->size, &n, &m);
    return op_min(d, n, m, l);
}

void neon_vpadd(Cpu *c, const Insn *i)
{
    by_size(c, i, same_length, op_padd);
}

void neon_vpmax(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_pmax);
}

void neon_vpmin(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_pmin);
}
