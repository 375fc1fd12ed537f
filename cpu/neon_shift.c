/* Advanced SIMD shifts: by a register (DDI 0406C A7.4.1), by an immediate, narrowing and lengthening ones
 * (A7.4.4), and the narrowing moves, which are shifts by 0. */
#include "cpu/neon.h"
#include "cpu/neon_lanes.h"

/* ---- By a register: m shifted left by the signed low byte of n ---- */

typedef __int128 Wide;

enum { SHIFT_ROUND = 1, SHIFT_SATURATE = 2 };

INLINE Wide lane_value(Vec v, unsigned k, const Lanes *l)
{
    if (l->is_signed)
        return lane_get_signed(v, l->size, k);
    return lane_get(v, l->size, k);
}

/* Amounts past the lane size give the same as 65 does for 64 bits. */
INLINE Wide shifted_right(Wide value, unsigned amount, bool rounding)
{
    unsigned n = amount < 65 ? amount : 65;
    return (value + (rounding ? (Wide)1 << (n - 1) : 0)) >> n;
}

INLINE Wide shifted_left(Wide value, unsigned amount, Lanes *l, unsigned k, unsigned manner)
{
    unsigned bits = 8u << l->size;
    if (!(manner & SHIFT_SATURATE))
        return amount < bits ? value << amount : 0;
    Wide top = l->is_signed ? ((Wide)1 << (bits - 1)) - 1 : ((Wide)1 << bits) - 1;
    Wide bottom = l->is_signed ? ~top : 0;
    if (value == 0)
        return 0;
    if (amount < bits && value << amount <= top && value << amount >= bottom)
        return value << amount;
    l->saturated = lane_set(l->saturated, l->size, k, 1);
    return value > 0 ? top : bottom;
}

INLINE Vec shift_lanes(Vec amounts, Vec m, Lanes *l, unsigned manner)
{
    Vec result = v_zero();
    for (unsigned k = 0; k < lane_count(l->size); k++) {
        Wide value = lane_value(m, k, l);
        int amount = (int8_t)lane_get(amounts, l->size, k);
        if (amount < 0)
            value = shifted_right(value, (unsigned)-amount, manner & SHIFT_ROUND);
        else
            value = shifted_left(value, (unsigned)amount, l, k, manner);
        result = lane_set(result, l->size, k, (uint64_t)value);
    }
    return result;
}

INLINE Vec op_shl(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return shift_lanes(n, m, l, 0);
}

INLINE Vec op_rshl(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return shift_lanes(n, m, l, SHIFT_ROUND);
}

INLINE Vec op_qshl(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return shift_lanes(n, m, l, SHIFT_SATURATE);
}

INLINE Vec op_qrshl(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d;
    return shift_lanes(n, m, l, SHIFT_SATURATE | SHIFT_ROUND);
}

void neon_vshl(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_shl);
}

void neon_vrshl(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_rshl);
}

void neon_vqshl(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_qshl);
}

void neon_vqrshl(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, same_length, op_qrshl);
}

/* ---- Right by an immediate, 1 to the lane size ---- */

INLINE void by_immediate(Cpu *c, const Insn *i, LaneOp *op, unsigned size, bool is_signed)
{
    Lanes l = {size, is_signed, i->imm, v_zero()};
    write_vec(c, i->rd, i->q, op(read_vec(c, i->rd, i->q), v_zero(), read_vec(c, i->rm, i->q), &l));
    merge_saturation(c, l.saturated, i->q);
}

INLINE Vec op_shr(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)n;
    return v_shr_full(m, l->imm, l->size, l->is_signed);
}

INLINE Vec op_rshr(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)n;
    return v_shr_rounded(m, l->imm, l->size, l->is_signed);
}

INLINE Vec op_sra(Vec d, Vec n, Vec m, Lanes *l)
{
    return v_add(d, op_shr(d, n, m, l), l->size);
}

INLINE Vec op_rsra(Vec d, Vec n, Vec m, Lanes *l)
{
    return v_add(d, op_rshr(d, n, m, l), l->size);
}

INLINE Vec op_sri(Vec d, Vec n, Vec m, Lanes *l)
{
    Vec inserted = v_shr_full(~v_zero(), l->imm, l->size, false);
    return v_select(inserted, op_shr(d, n, m, l), d);
}

void neon_vshr(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, by_immediate, op_shr);
}

void neon_vrshr(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, by_immediate, op_rshr);
}

void neon_vsra(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, by_immediate, op_sra);
}

void neon_vrsra(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, by_immediate, op_rsra);
}

void neon_vsri(Cpu *c, const Insn *i)
{
    by_size(c, i, by_immediate, op_sri);
}

/* ---- Left by an immediate, 0 to the lane size - 1 ---- */

INLINE Vec op_shl_i(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)n;
    return v_shl(m, l->imm, l->size);
}

INLINE Vec op_sli(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)n;
    return v_select(v_shl(~v_zero(), l->imm, l->size), v_shl(m, l->imm, l->size), d);
}

INLINE Vec op_qshl_i(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)n;
    Vec shifted = v_shl(m, l->imm, l->size);
    Vec fits = v_eq(v_shr(shifted, l->imm, l->size, l->is_signed), m, l->size);
    Vec limit = l->is_signed ? v_gt(v_zero(), m, l->size, true) ^ ~v_min_signed(l->size) : ~v_zero();
    l->saturated |= ~fits;
    return v_select(fits, shifted, limit);
}

/* Signed operands, unsigned result. */
INLINE Vec op_qshlu_i(Vec d, Vec n, Vec m, Lanes *l)
{
    Vec negative = v_gt(v_zero(), m, l->size, true);
    l->saturated |= negative;
    return op_qshl_i(d, n, m & ~negative, l);
}

void neon_vshl_i(Cpu *c, const Insn *i)
{
    by_size(c, i, by_immediate, op_shl_i);
}

void neon_vsli(Cpu *c, const Insn *i)
{
    by_size(c, i, by_immediate, op_sli);
}

void neon_vqshl_i(Cpu *c, const Insn *i)
{
    by_size_and_sign(c, i, by_immediate, op_qshl_i);
}

void neon_vqshlu_i(Cpu *c, const Insn *i)
{
    by_size(c, i, by_immediate, op_qshlu_i);
}

/* ---- Lengthening: also VMOVL, which is a shift by 0, and the shift by the lane size ---- */

INLINE Vec op_shll(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)n;
    return v_shl(m, l->imm, l->size);
}

INLINE void lengthening_m(Cpu *c, const Insn *i, LaneOp *op, unsigned size, bool is_signed)
{
    Lanes l = {size + 1, is_signed, i->imm, v_zero()};
    write_q(c, i->rd, op(v_zero(), v_zero(), v_widen(read_d(c, i->rm), size, is_signed), &l));
}

/* ---- Narrowing ---- */

INLINE void narrowing_m(Cpu *c, const Insn *i, LaneOp *op, unsigned size, bool is_signed)
{
    Lanes l = {size, is_signed, i->imm, v_zero()};
    write_d(c, i->rd, op(v_zero(), v_zero(), read_q(c, i->rm), &l));
    merge_saturation(c, l.saturated, true);
}

INLINE Vec op_shrn(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)n;
    return v_narrow(v_shr(m, l->imm, l->size + 1, false), l->size);
}

INLINE Vec op_rshrn(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)n;
    return v_narrow(v_shr_rounded(m, l->imm, l->size + 1, false), l->size);
}

INLINE Vec op_qshrn(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)n;
    Vec wide = v_shr(m, l->imm, l->size + 1, l->is_signed);
    return v_narrow_saturated(wide, l->size, l->is_signed, l->is_signed, &l->saturated);
}

INLINE Vec op_qrshrn(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)n;
    Vec wide = v_shr_rounded(m, l->imm, l->size + 1, l->is_signed);
    return v_narrow_saturated(wide, l->size, l->is_signed, l->is_signed, &l->saturated);
}

INLINE Vec op_qshrun(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)n;
    return v_narrow_saturated(v_shr(m, l->imm, l->size + 1, true), l->size, true, false, &l->saturated);
}

INLINE Vec op_qrshrun(Vec d, Vec n, Vec m, Lanes *l)
{
    (void)d, (void)n;
    Vec wide = v_shr_rounded(m, l->imm, l->size + 1, true);
    return v_narrow_saturated(wide, l->size, true, false, &l->saturated);
}

void neon_vshll(Cpu *c, const Insn *i)
{
    by_narrow_size_and_sign(c, i, lengthening_m, op_shll);
}

void neon_vshrn(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, narrowing_m, op_shrn, false);
}

void neon_vrshrn(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, narrowing_m, op_rshrn, false);
}

void neon_vqshrn(Cpu *c, const Insn *i)
{
    by_narrow_size_and_sign(c, i, narrowing_m, op_qshrn);
}

void neon_vqrshrn(Cpu *c, const Insn *i)
{
    by_narrow_size_and_sign(c, i, narrowing_m, op_qrshrn);
}

void neon_vqshrun(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, narrowing_m, op_qshrun, true);
}

void neon_vqrshrun(Cpu *c, const Insn *i)
{
    by_narrow_size(c, i, narrowing_m, op_qrshrun, true);
}
