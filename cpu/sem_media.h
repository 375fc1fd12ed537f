/* Bodies: saturating and parallel arithmetic, packing, extension. */
#ifndef ARMATURE_CPU_SEM_MEDIA_H
#define ARMATURE_CPU_SEM_MEDIA_H

/* ---- Saturating arithmetic on words -------------------------------------------------------------------- */

static inline void saturated_result(C *c, const Insn *i, SatOut out)
{
    set_q_if(c, out.saturated);
    set_reg(c, i->rd, out.value);
}

/* SignedSat(2 * Rn), which sets Q of its own. */
static inline V saturated_double(C *c, const Insn *i)
{
    SatOut out = signed_add_sat(c, get_reg(c, i->rn), get_reg(c, i->rn));
    set_q_if(c, out.saturated);
    return out.value;
}

static inline void sem_qadd(C *c, const Insn *i)
{
    saturated_result(c, i, signed_add_sat(c, get_reg(c, i->rm), get_reg(c, i->rn)));
}

static inline void sem_qsub(C *c, const Insn *i)
{
    saturated_result(c, i, signed_sub_sat(c, get_reg(c, i->rm), get_reg(c, i->rn)));
}

static inline void sem_qdadd(C *c, const Insn *i)
{
    saturated_result(c, i, signed_add_sat(c, get_reg(c, i->rm), saturated_double(c, i)));
}

static inline void sem_qdsub(C *c, const Insn *i)
{
    saturated_result(c, i, signed_sub_sat(c, get_reg(c, i->rm), saturated_double(c, i)));
}

static inline void sem_ssat(C *c, const Insn *i)
{
    saturated_result(c, i, signed_sat(c, operand2(c, i), i->imm));
}

static inline void sem_usat(C *c, const Insn *i)
{
    saturated_result(c, i, unsigned_sat(c, operand2(c, i), i->imm));
}

static inline void saturated_halves(C *c, const Insn *i, SatOut low, SatOut high)
{
    set_q_if(c, or32(c, low.saturated, high.saturated));
    set_reg(c, i->rd, insert_bits(c, ubits(c, low.value, 0, 16), high.value, 16, 16));
}

static inline void sem_ssat16(C *c, const Insn *i)
{
    V x = get_reg(c, i->rm);
    saturated_halves(c, i, signed_sat(c, sbits(c, x, 0, 16), i->imm),
                     signed_sat(c, sbits(c, x, 16, 16), i->imm));
}

static inline void sem_usat16(C *c, const Insn *i)
{
    V x = get_reg(c, i->rm);
    saturated_halves(c, i, unsigned_sat(c, sbits(c, x, 0, 16), i->imm),
                     unsigned_sat(c, sbits(c, x, 16, 16), i->imm));
}

/* ---- Parallel addition and subtraction ----------------------------------------------------------------- */

/* What becomes of the sum or difference of two lanes, by prefix of the mnemonic: S, Q, SH, U, UQ, UH. */
typedef enum LaneKind { LANE_S, LANE_Q, LANE_SH, LANE_U, LANE_UQ, LANE_UH } LaneKind;

static inline V lane_operand(C *c, LaneKind kind, V x, unsigned lsb, unsigned width)
{
    return kind < LANE_U ? sbits(c, x, lsb, width) : ubits(c, x, lsb, width);
}

/* The GE bit: not below zero, for unsigned sums carry. */
static inline V lane_ge(C *c, LaneKind kind, V sum, bool subtract, unsigned width)
{
    if (kind == LANE_U && !subtract)
        return ubits(c, sum, width, 1);
    return xor32(c, ubits(c, sum, 31, 1), imm(c, 1));
}

static inline V lane_result(C *c, LaneKind kind, V sum, unsigned width)
{
    switch (kind) {
    case LANE_Q:
        return signed_sat(c, sum, width).value;
    case LANE_UQ:
        return unsigned_sat(c, sum, width).value;
    case LANE_SH:
    case LANE_UH:
        return ubits(c, sum, 1, width);
    default:
        return sum;
    }
}

typedef struct Lanes {
    V value;
    V ge;
} Lanes;

/* One lane of the result, from lane x_lsb of Rn and lane y_lsb of Rm. */
static inline void parallel_lane(C *c, const Insn *i, LaneKind kind, bool subtract, unsigned x_lsb,
                                 unsigned y_lsb, unsigned width, Lanes *out)
{
    V x = lane_operand(c, kind, get_reg(c, i->rn), x_lsb, width);
    V y = lane_operand(c, kind, get_reg(c, i->rm), y_lsb, width);
    V sum = subtract ? sub32(c, x, y) : add32(c, x, y);
    out->value = insert_bits(c, out->value, lane_result(c, kind, sum, width), x_lsb, width);
    if (kind == LANE_S || kind == LANE_U) {
        V ge = lane_ge(c, kind, sum, subtract, width);
        out->ge = insert_bits(c, out->ge, ge, x_lsb / 8, 1);
        if (width == 16)
            out->ge = insert_bits(c, out->ge, ge, x_lsb / 8 + 1, 1);
    }
}

static inline void parallel_result(C *c, const Insn *i, LaneKind kind, Lanes out)
{
    set_reg(c, i->rd, out.value);
    if (kind == LANE_S || kind == LANE_U)
        set_ge(c, out.ge);
}

static inline void parallel8(C *c, const Insn *i, LaneKind kind, bool subtract)
{
    Lanes out = {imm(c, 0), imm(c, 0)};
    for (unsigned lsb = 0; lsb < 32; lsb += 8)
        parallel_lane(c, i, kind, subtract, lsb, lsb, 8, &out);
    parallel_result(c, i, kind, out);
}

/* exchange: the halves of Rm change places (ASX, SAX). */
static inline void parallel16(C *c, const Insn *i, LaneKind kind, bool subtract_low, bool subtract_high,
                              bool exchange)
{
    Lanes out = {imm(c, 0), imm(c, 0)};
    parallel_lane(c, i, kind, subtract_low, 0, exchange ? 16 : 0, 16, &out);
    parallel_lane(c, i, kind, subtract_high, 16, exchange ? 0 : 16, 16, &out);
    parallel_result(c, i, kind, out);
}

static inline void parallel_add16(C *c, const Insn *i, LaneKind kind)
{
    parallel16(c, i, kind, false, false, false);
}

static inline void parallel_asx(C *c, const Insn *i, LaneKind kind)
{
    parallel16(c, i, kind, true, false, true);
}

static inline void parallel_sax(C *c, const Insn *i, LaneKind kind)
{
    parallel16(c, i, kind, false, true, true);
}

static inline void parallel_sub16(C *c, const Insn *i, LaneKind kind)
{
    parallel16(c, i, kind, true, true, false);
}

/* clang-format off */
static inline void sem_sadd16(C *c, const Insn *i) { parallel_add16(c, i, LANE_S); }
static inline void sem_sasx(C *c, const Insn *i) { parallel_asx(c, i, LANE_S); }
static inline void sem_ssax(C *c, const Insn *i) { parallel_sax(c, i, LANE_S); }
static inline void sem_ssub16(C *c, const Insn *i) { parallel_sub16(c, i, LANE_S); }
static inline void sem_sadd8(C *c, const Insn *i) { parallel8(c, i, LANE_S, false); }
static inline void sem_ssub8(C *c, const Insn *i) { parallel8(c, i, LANE_S, true); }

static inline void sem_qadd16(C *c, const Insn *i) { parallel_add16(c, i, LANE_Q); }
static inline void sem_qasx(C *c, const Insn *i) { parallel_asx(c, i, LANE_Q); }
static inline void sem_qsax(C *c, const Insn *i) { parallel_sax(c, i, LANE_Q); }
static inline void sem_qsub16(C *c, const Insn *i) { parallel_sub16(c, i, LANE_Q); }
static inline void sem_qadd8(C *c, const Insn *i) { parallel8(c, i, LANE_Q, false); }
static inline void sem_qsub8(C *c, const Insn *i) { parallel8(c, i, LANE_Q, true); }

static inline void sem_shadd16(C *c, const Insn *i) { parallel_add16(c, i, LANE_SH); }
static inline void sem_shasx(C *c, const Insn *i) { parallel_asx(c, i, LANE_SH); }
static inline void sem_shsax(C *c, const Insn *i) { parallel_sax(c, i, LANE_SH); }
static inline void sem_shsub16(C *c, const Insn *i) { parallel_sub16(c, i, LANE_SH); }
static inline void sem_shadd8(C *c, const Insn *i) { parallel8(c, i, LANE_SH, false); }
static inline void sem_shsub8(C *c, const Insn *i) { parallel8(c, i, LANE_SH, true); }

static inline void sem_uadd16(C *c, const Insn *i) { parallel_add16(c, i, LANE_U); }
static inline void sem_uasx(C *c, const Insn *i) { parallel_asx(c, i, LANE_U); }
static inline void sem_usax(C *c, const Insn *i) { parallel_sax(c, i, LANE_U); }
static inline void sem_usub16(C *c, const Insn *i) { parallel_sub16(c, i, LANE_U); }
static inline void sem_uadd8(C *c, const Insn *i) { parallel8(c, i, LANE_U, false); }
static inline void sem_usub8(C *c, const Insn *i) { parallel8(c, i, LANE_U, true); }

static inline void sem_uqadd16(C *c, const Insn *i) { parallel_add16(c, i, LANE_UQ); }
static inline void sem_uqasx(C *c, const Insn *i) { parallel_asx(c, i, LANE_UQ); }
static inline void sem_uqsax(C *c, const Insn *i) { parallel_sax(c, i, LANE_UQ); }
static inline void sem_uqsub16(C *c, const Insn *i) { parallel_sub16(c, i, LANE_UQ); }
static inline void sem_uqadd8(C *c, const Insn *i) { parallel8(c, i, LANE_UQ, false); }
static inline void sem_uqsub8(C *c, const Insn *i) { parallel8(c, i, LANE_UQ, true); }

static inline void sem_uhadd16(C *c, const Insn *i) { parallel_add16(c, i, LANE_UH); }
static inline void sem_uhasx(C *c, const Insn *i) { parallel_asx(c, i, LANE_UH); }
static inline void sem_uhsax(C *c, const Insn *i) { parallel_sax(c, i, LANE_UH); }
static inline void sem_uhsub16(C *c, const Insn *i) { parallel_sub16(c, i, LANE_UH); }
static inline void sem_uhadd8(C *c, const Insn *i) { parallel8(c, i, LANE_UH, false); }
static inline void sem_uhsub8(C *c, const Insn *i) { parallel8(c, i, LANE_UH, true); }

/* clang-format on */

/* ---- Selection, packing -------------------------------------------------------------------------------- */

static inline void sem_sel(C *c, const Insn *i)
{
    V ge = get_ge(c), value = imm(c, 0);
    for (unsigned n = 0; n < 4; n++) {
        V x = ubits(c, get_reg(c, i->rn), 8 * n, 8), y = ubits(c, get_reg(c, i->rm), 8 * n, 8);
        value = insert_bits(c, value, select(c, ubits(c, ge, n, 1), x, y), 8 * n, 8);
    }
    set_reg(c, i->rd, value);
}

static inline void sem_pkhbt(C *c, const Insn *i)
{
    set_reg(c, i->rd, insert_bits(c, operand2(c, i), get_reg(c, i->rn), 0, 16));
}

static inline void sem_pkhtb(C *c, const Insn *i)
{
    set_reg(c, i->rd, insert_bits(c, get_reg(c, i->rn), operand2(c, i), 0, 16));
}

/* ---- Extension (shift_n: rotation) --------------------------------------------------------------------- */

static inline V rotated(C *c, const Insn *i)
{
    return rotate_right(c, get_reg(c, i->rm), i->shift_n);
}

/* The two halves of a result, each a sum modulo 2^16. */
static inline V halves(C *c, V low, V high)
{
    return insert_bits(c, ubits(c, low, 0, 16), high, 16, 16);
}

static inline void sem_sxtb(C *c, const Insn *i)
{
    set_reg(c, i->rd, sbits(c, rotated(c, i), 0, 8));
}

static inline void sem_sxth(C *c, const Insn *i)
{
    set_reg(c, i->rd, sbits(c, rotated(c, i), 0, 16));
}

static inline void sem_sxtb16(C *c, const Insn *i)
{
    V x = rotated(c, i);
    set_reg(c, i->rd, halves(c, sbits(c, x, 0, 8), sbits(c, x, 16, 8)));
}

static inline void sem_sxtab(C *c, const Insn *i)
{
    set_reg(c, i->rd, add32(c, get_reg(c, i->rn), sbits(c, rotated(c, i), 0, 8)));
}

static inline void sem_sxtah(C *c, const Insn *i)
{
    set_reg(c, i->rd, add32(c, get_reg(c, i->rn), sbits(c, rotated(c, i), 0, 16)));
}

static inline void sem_sxtab16(C *c, const Insn *i)
{
    V x = rotated(c, i), n = get_reg(c, i->rn);
    V low = add32(c, n, sbits(c, x, 0, 8));
    V high = add32(c, ubits(c, n, 16, 16), sbits(c, x, 16, 8));
    set_reg(c, i->rd, halves(c, low, high));
}

static inline void sem_uxtb(C *c, const Insn *i)
{
    set_reg(c, i->rd, ubits(c, rotated(c, i), 0, 8));
}

static inline void sem_uxth(C *c, const Insn *i)
{
    set_reg(c, i->rd, ubits(c, rotated(c, i), 0, 16));
}

static inline void sem_uxtb16(C *c, const Insn *i)
{
    V x = rotated(c, i);
    set_reg(c, i->rd, halves(c, ubits(c, x, 0, 8), ubits(c, x, 16, 8)));
}

static inline void sem_uxtab(C *c, const Insn *i)
{
    set_reg(c, i->rd, add32(c, get_reg(c, i->rn), ubits(c, rotated(c, i), 0, 8)));
}

static inline void sem_uxtah(C *c, const Insn *i)
{
    set_reg(c, i->rd, add32(c, get_reg(c, i->rn), ubits(c, rotated(c, i), 0, 16)));
}

static inline void sem_uxtab16(C *c, const Insn *i)
{
    V x = rotated(c, i), n = get_reg(c, i->rn);
    V low = add32(c, n, ubits(c, x, 0, 8));
    V high = add32(c, ubits(c, n, 16, 16), ubits(c, x, 16, 8));
    set_reg(c, i->rd, halves(c, low, high));
}

/* ---- Sum of absolute differences ----------------------------------------------------------------------- */

static inline V absolute_differences(C *c, const Insn *i)
{
    V sum = imm(c, 0);
    for (unsigned n = 0; n < 4; n++) {
        V x = ubits(c, get_reg(c, i->rn), 8 * n, 8), y = ubits(c, get_reg(c, i->rm), 8 * n, 8);
        sum = add32(c, sum, select(c, less_unsigned(c, x, y), sub32(c, y, x), sub32(c, x, y)));
    }
    return sum;
}

static inline void sem_usad8(C *c, const Insn *i)
{
    set_reg(c, i->rd, absolute_differences(c, i));
}

static inline void sem_usada8(C *c, const Insn *i)
{
    set_reg(c, i->rd, add32(c, get_reg(c, i->ra), absolute_differences(c, i)));
}

#endif
