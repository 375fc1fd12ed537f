/* Bodies: multiplications. Half selectors in q: bit 0 the top half of Rm, bit 1 the top half of Rn. */
#ifndef ARMATURE_CPU_SEM_MUL_H
#define ARMATURE_CPU_SEM_MUL_H

/* ---- 32 by 32 bits ------------------------------------------------------------------------------------- */

static inline void mul_result(C *c, const Insn *i, V value)
{
    set_reg(c, i->rd, value);
    if (i->s)
        set_nz(c, value);
}

static inline void sem_mul(C *c, const Insn *i)
{
    mul_result(c, i, mul32(c, get_reg(c, i->rn), get_reg(c, i->rm)));
}

static inline void sem_mla(C *c, const Insn *i)
{
    V product = mul32(c, get_reg(c, i->rn), get_reg(c, i->rm));
    mul_result(c, i, add32(c, get_reg(c, i->ra), product));
}

static inline void sem_mls(C *c, const Insn *i)
{
    V product = mul32(c, get_reg(c, i->rn), get_reg(c, i->rm));
    mul_result(c, i, sub32(c, get_reg(c, i->ra), product));
}

/* ---- Long ---------------------------------------------------------------------------------------------- */

static inline V64 long_accumulator(C *c, const Insn *i)
{
    return pair64(c, get_reg(c, i->rd), get_reg(c, i->ra));
}

static inline void long_result(C *c, const Insn *i, V64 value)
{
    V high = high32(c, value), low = low32(c, value);
    set_reg(c, i->ra, low);
    set_reg(c, i->rd, high);
    if (i->s)
        set_nz64(c, high, low);
}

static inline void sem_umull(C *c, const Insn *i)
{
    long_result(c, i, umul64(c, get_reg(c, i->rn), get_reg(c, i->rm)));
}

static inline void sem_umlal(C *c, const Insn *i)
{
    V64 product = umul64(c, get_reg(c, i->rn), get_reg(c, i->rm));
    long_result(c, i, add64(c, long_accumulator(c, i), product));
}

static inline void sem_umaal(C *c, const Insn *i)
{
    V64 product = umul64(c, get_reg(c, i->rn), get_reg(c, i->rm));
    V64 sum = add64(c, product, zero_extend64(c, get_reg(c, i->rd)));
    long_result(c, i, add64(c, sum, zero_extend64(c, get_reg(c, i->ra))));
}

static inline void sem_smull(C *c, const Insn *i)
{
    long_result(c, i, smul64(c, get_reg(c, i->rn), get_reg(c, i->rm)));
}

static inline void sem_smlal(C *c, const Insn *i)
{
    V64 product = smul64(c, get_reg(c, i->rn), get_reg(c, i->rm));
    long_result(c, i, add64(c, long_accumulator(c, i), product));
}

/* ---- Halfwords ----------------------------------------------------------------------------------------- */

static inline V half_of(C *c, V x, bool top)
{
    return sbits(c, x, top ? 16 : 0, 16);
}

static inline V half_product(C *c, const Insn *i)
{
    return mul32(c, half_of(c, get_reg(c, i->rn), i->q & 2), half_of(c, get_reg(c, i->rm), i->q & 1));
}

/* Rd := the low half of value, Q set if that loses something. */
static inline void wide_result(C *c, const Insn *i, V64 value)
{
    set_q_if(c, overflows32(c, value));
    set_reg(c, i->rd, low32(c, value));
}

static inline void sem_smlaxy(C *c, const Insn *i)
{
    V64 product = sign_extend64(c, half_product(c, i));
    wide_result(c, i, add64(c, product, sign_extend64(c, get_reg(c, i->ra))));
}

static inline void sem_smulxy(C *c, const Insn *i)
{
    set_reg(c, i->rd, half_product(c, i));
}

static inline void sem_smlalxy(C *c, const Insn *i)
{
    long_result(c, i, add64(c, long_accumulator(c, i), sign_extend64(c, half_product(c, i))));
}

static inline V64 word_half_product(C *c, const Insn *i)
{
    V64 product = smul64(c, get_reg(c, i->rn), half_of(c, get_reg(c, i->rm), i->q & 1));
    return shift_right_signed64(c, product, 16);
}

static inline void sem_smlawy(C *c, const Insn *i)
{
    wide_result(c, i, add64(c, word_half_product(c, i), sign_extend64(c, get_reg(c, i->ra))));
}

static inline void sem_smulwy(C *c, const Insn *i)
{
    set_reg(c, i->rd, low32(c, word_half_product(c, i)));
}

/* ---- Dual halfwords (q: swap the halves of Rm) --------------------------------------------------------- */

static inline V64 dual_product(C *c, const Insn *i, bool top)
{
    V x = half_of(c, get_reg(c, i->rn), top);
    return smul64(c, x, half_of(c, get_reg(c, i->rm), top != (bool)(i->q & 1)));
}

static inline V64 dual_sum(C *c, const Insn *i)
{
    return add64(c, dual_product(c, i, false), dual_product(c, i, true));
}

static inline V64 dual_difference(C *c, const Insn *i)
{
    return sub64(c, dual_product(c, i, false), dual_product(c, i, true));
}

static inline void sem_smlad(C *c, const Insn *i)
{
    wide_result(c, i, add64(c, dual_sum(c, i), sign_extend64(c, get_reg(c, i->ra))));
}

static inline void sem_smlsd(C *c, const Insn *i)
{
    wide_result(c, i, add64(c, dual_difference(c, i), sign_extend64(c, get_reg(c, i->ra))));
}

static inline void sem_smuad(C *c, const Insn *i)
{
    wide_result(c, i, dual_sum(c, i));
}

static inline void sem_smusd(C *c, const Insn *i)
{
    set_reg(c, i->rd, low32(c, dual_difference(c, i)));
}

static inline void sem_smlald(C *c, const Insn *i)
{
    long_result(c, i, add64(c, long_accumulator(c, i), dual_sum(c, i)));
}

static inline void sem_smlsld(C *c, const Insn *i)
{
    long_result(c, i, add64(c, long_accumulator(c, i), dual_difference(c, i)));
}

/* ---- Most significant word (q: round) ------------------------------------------------------------------ */

static inline void most_significant_result(C *c, const Insn *i, V64 value)
{
    V64 round = zero_extend64(c, imm(c, i->q ? 0x80000000 : 0));
    set_reg(c, i->rd, high32(c, add64(c, value, round)));
}

static inline void sem_smmul(C *c, const Insn *i)
{
    most_significant_result(c, i, smul64(c, get_reg(c, i->rn), get_reg(c, i->rm)));
}

static inline void sem_smmla(C *c, const Insn *i)
{
    V64 product = smul64(c, get_reg(c, i->rn), get_reg(c, i->rm));
    most_significant_result(c, i, add64(c, pair64(c, get_reg(c, i->ra), imm(c, 0)), product));
}

static inline void sem_smmls(C *c, const Insn *i)
{
    V64 product = smul64(c, get_reg(c, i->rn), get_reg(c, i->rm));
    most_significant_result(c, i, sub64(c, pair64(c, get_reg(c, i->ra), imm(c, 0)), product));
}

#endif
