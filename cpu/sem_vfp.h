/* Bodies: VFPv3, and the moves between core and extension registers. A suffix tells the precision: _s, _d. */
#ifndef ARMATURE_CPU_SEM_VFP_H
#define ARMATURE_CPU_SEM_VFP_H

#include "cpu/sem_mem.h"

/* ---- Arithmetic ---- */

static inline void sem_vadd_s(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, 0))
        set_s(c, i->rd, f32_add(c, get_s(c, i->rn), get_s(c, i->rm)));
}

static inline void sem_vadd_d(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, i->rd | i->rn | i->rm))
        set_d(c, i->rd, f64_add(c, get_d(c, i->rn), get_d(c, i->rm)));
}

static inline void sem_vsub_s(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, 0))
        set_s(c, i->rd, f32_sub(c, get_s(c, i->rn), get_s(c, i->rm)));
}

static inline void sem_vsub_d(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, i->rd | i->rn | i->rm))
        set_d(c, i->rd, f64_sub(c, get_d(c, i->rn), get_d(c, i->rm)));
}

static inline void sem_vdiv_s(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, 0))
        set_s(c, i->rd, f32_div(c, get_s(c, i->rn), get_s(c, i->rm)));
}

static inline void sem_vdiv_d(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, i->rd | i->rn | i->rm))
        set_d(c, i->rd, f64_div(c, get_d(c, i->rn), get_d(c, i->rm)));
}

static inline V product_s(C *c, const Insn *i)
{
    return f32_mul(c, get_s(c, i->rn), get_s(c, i->rm));
}

static inline V64 product_d(C *c, const Insn *i)
{
    return f64_mul(c, get_d(c, i->rn), get_d(c, i->rm));
}

static inline void sem_vmul_s(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, 0))
        set_s(c, i->rd, product_s(c, i));
}

static inline void sem_vmul_d(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, i->rd | i->rn | i->rm))
        set_d(c, i->rd, product_d(c, i));
}

static inline void sem_vnmul_s(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, 0))
        set_s(c, i->rd, f32_neg(c, product_s(c, i)));
}

static inline void sem_vnmul_d(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, i->rd | i->rn | i->rm))
        set_d(c, i->rd, f64_neg(c, product_d(c, i)));
}

/* Multiply and accumulate: the product is rounded, then the sum. That the product is negated rather than
 * subtracted shows in the sign of NaNs. */
static inline void sem_vmla_s(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, 0))
        set_s(c, i->rd, f32_add(c, get_s(c, i->rd), product_s(c, i)));
}

static inline void sem_vmla_d(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, i->rd | i->rn | i->rm))
        set_d(c, i->rd, f64_add(c, get_d(c, i->rd), product_d(c, i)));
}

static inline void sem_vmls_s(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, 0))
        set_s(c, i->rd, f32_add(c, get_s(c, i->rd), f32_neg(c, product_s(c, i))));
}

static inline void sem_vmls_d(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, i->rd | i->rn | i->rm))
        set_d(c, i->rd, f64_add(c, get_d(c, i->rd), f64_neg(c, product_d(c, i))));
}

static inline void sem_vnmla_s(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, 0))
        set_s(c, i->rd, f32_add(c, f32_neg(c, get_s(c, i->rd)), f32_neg(c, product_s(c, i))));
}

static inline void sem_vnmla_d(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, i->rd | i->rn | i->rm))
        set_d(c, i->rd, f64_add(c, f64_neg(c, get_d(c, i->rd)), f64_neg(c, product_d(c, i))));
}

static inline void sem_vnmls_s(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, 0))
        set_s(c, i->rd, f32_add(c, f32_neg(c, get_s(c, i->rd)), product_s(c, i)));
}

static inline void sem_vnmls_d(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, i->rd | i->rn | i->rm))
        set_d(c, i->rd, f64_add(c, f64_neg(c, get_d(c, i->rd)), product_d(c, i)));
}

static inline void sem_vsqrt_s(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, 0))
        set_s(c, i->rd, f32_sqrt(c, get_s(c, i->rm)));
}

static inline void sem_vsqrt_d(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, i->rd | i->rm))
        set_d(c, i->rd, f64_sqrt(c, get_d(c, i->rm)));
}

static inline void sem_vabs_s(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, 0))
        set_s(c, i->rd, f32_abs(c, get_s(c, i->rm)));
}

static inline void sem_vabs_d(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, i->rd | i->rm))
        set_d(c, i->rd, f64_abs(c, get_d(c, i->rm)));
}

static inline void sem_vneg_s(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, 0))
        set_s(c, i->rd, f32_neg(c, get_s(c, i->rm)));
}

static inline void sem_vneg_d(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, i->rd | i->rm))
        set_d(c, i->rd, f64_neg(c, get_d(c, i->rm)));
}

/* ---- Moves within the extension registers ---- */

static inline void sem_vmov_s(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, 0))
        set_s(c, i->rd, get_s(c, i->rm));
}

static inline void sem_vmov_d(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, i->rd | i->rm))
        set_d(c, i->rd, get_d(c, i->rm));
}

static inline void sem_vmov_imm_s(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, 0))
        set_s(c, i->rd, imm(c, i->imm));
}

/* imm is the high word. */
static inline void sem_vmov_imm_d(C *c, const Insn *i)
{
    if (vfp_begin_scalar(c, i->rd))
        set_d(c, i->rd, pair64(c, imm(c, i->imm), imm(c, 0)));
}

/* ---- Comparisons: q = quiet NaNs signal too (VCMPE) ---- */

static inline void sem_vcmp_s(C *c, const Insn *i)
{
    if (vfp_begin(c, 0))
        set_fp_nzcv(c, f32_compare(c, get_s(c, i->rd), get_s(c, i->rm), i->q));
}

static inline void sem_vcmp_d(C *c, const Insn *i)
{
    if (vfp_begin(c, i->rd | i->rm))
        set_fp_nzcv(c, f64_compare(c, get_d(c, i->rd), get_d(c, i->rm), i->q));
}

static inline void sem_vcmp_zero_s(C *c, const Insn *i)
{
    if (vfp_begin(c, 0))
        set_fp_nzcv(c, f32_compare(c, get_s(c, i->rd), imm(c, 0), i->q));
}

static inline void sem_vcmp_zero_d(C *c, const Insn *i)
{
    if (vfp_begin(c, i->rd))
        set_fp_nzcv(c, f64_compare(c, get_d(c, i->rd), zero_extend64(c, imm(c, 0)), i->q));
}

/* ---- Conversions ---- */

static inline void sem_vcvt_f64_f32(C *c, const Insn *i)
{
    if (vfp_begin(c, i->rd))
        set_d(c, i->rd, f32_to_f64(c, get_s(c, i->rm)));
}

static inline void sem_vcvt_f32_f64(C *c, const Insn *i)
{
    if (vfp_begin(c, i->rm))
        set_s(c, i->rd, f64_to_f32(c, get_d(c, i->rm)));
}

/* VCVTB, VCVTT: imm is the lowest bit of the half. */
static inline void sem_vcvt_f32_f16(C *c, const Insn *i)
{
    if (vfp_begin(c, 0))
        set_s(c, i->rd, f16_to_f32(c, ubits(c, get_s(c, i->rm), i->imm, 16)));
}

static inline void sem_vcvt_f16_f32(C *c, const Insn *i)
{
    if (!vfp_begin(c, 0))
        return;
    V half = f32_to_f16(c, get_s(c, i->rm));
    set_s(c, i->rd, insert_bits(c, get_s(c, i->rd), half, i->imm, 16));
}

/* The fixed-point format of a conversion: imm fraction bits, shift_n size, s unsigned. */
static inline FpFixed fixed_format(const Insn *i)
{
    return (FpFixed){i->shift_n, (uint8_t)i->imm, i->s};
}

/* Integers: the integer is in an S register. q: round towards zero rather than as FPSCR says. */
static inline void sem_vcvt_int_f32(C *c, const Insn *i)
{
    if (vfp_begin(c, 0))
        set_s(c, i->rd, f32_to_fixed(c, get_s(c, i->rm), fixed_format(i), i->q));
}

static inline void sem_vcvt_int_f64(C *c, const Insn *i)
{
    if (vfp_begin(c, i->rm))
        set_s(c, i->rd, f64_to_fixed(c, get_d(c, i->rm), fixed_format(i), i->q));
}

static inline void sem_vcvt_f32_int(C *c, const Insn *i)
{
    if (vfp_begin(c, 0))
        set_s(c, i->rd, f32_from_fixed(c, get_s(c, i->rm), fixed_format(i), false));
}

static inline void sem_vcvt_f64_int(C *c, const Insn *i)
{
    if (vfp_begin(c, i->rd))
        set_d(c, i->rd, f64_from_fixed(c, get_s(c, i->rm), fixed_format(i), false));
}

/* Fixed point, in place: always towards zero and to nearest. */
static inline void sem_vcvt_fixed_f32(C *c, const Insn *i)
{
    if (vfp_begin(c, 0))
        set_s(c, i->rd, f32_to_fixed(c, get_s(c, i->rd), fixed_format(i), true));
}

static inline void sem_vcvt_fixed_f64(C *c, const Insn *i)
{
    if (!vfp_begin(c, i->rd))
        return;
    V fixed = f64_to_fixed(c, get_d(c, i->rd), fixed_format(i), true);
    set_d(c, i->rd, i->s ? zero_extend64(c, fixed) : sign_extend64(c, fixed));
}

static inline void sem_vcvt_f32_fixed(C *c, const Insn *i)
{
    if (vfp_begin(c, 0))
        set_s(c, i->rd, f32_from_fixed(c, get_s(c, i->rd), fixed_format(i), true));
}

static inline void sem_vcvt_f64_fixed(C *c, const Insn *i)
{
    if (vfp_begin(c, i->rd))
        set_d(c, i->rd, f64_from_fixed(c, get_s(c, 2 * i->rd), fixed_format(i), true));
}

/* ---- Moves between core and extension registers ---- */

/* The word of S registers (0 to 63) that holds the lane imm of D register rn, and the lane's lowest bit in
 * it. */
static inline unsigned lane_word(const Insn *i)
{
    return 2 * i->rn + ((i->imm << i->size) >> 2);
}

static inline unsigned lane_bit(const Insn *i)
{
    return 8 * ((i->imm << i->size) & 3);
}

/* Lanes of 8 and 16 bits belong to Advanced SIMD, words to VFP. */
static inline bool lane_begin(C *c, const Insn *i)
{
    return i->size == 2 ? vfp_begin(c, i->rn) : simd_begin(c);
}

static inline void sem_vmov_to_lane(C *c, const Insn *i)
{
    if (!lane_begin(c, i))
        return;
    V word = get_s(c, lane_word(i));
    set_s(c, lane_word(i), insert_bits(c, word, get_reg(c, i->rd), lane_bit(i), 8u << i->size));
}

/* s: unsigned. */
static inline void sem_vmov_from_lane(C *c, const Insn *i)
{
    if (!lane_begin(c, i))
        return;
    V word = get_s(c, lane_word(i));
    unsigned bit = lane_bit(i), width = 8u << i->size;
    set_reg(c, i->rd, i->s ? ubits(c, word, bit, width) : sbits(c, word, bit, width));
}

/* VDUP: core register rd to all lanes of D register rn (q: two of them). */
static inline void sem_vdup_core(C *c, const Insn *i)
{
    static const uint32_t repeat[] = {0x01010101, 0x00010001, 1};
    if (!simd_begin(c))
        return;
    V word = mul32(c, ubits(c, get_reg(c, i->rd), 0, 8u << i->size), imm(c, repeat[i->size]));
    for (unsigned n = 0; n < (i->q ? 4 : 2); n++)
        set_s(c, 2 * i->rn + n, word);
}

static inline void sem_vmov_s_core(C *c, const Insn *i)
{
    if (vfp_begin(c, 0))
        set_s(c, i->rn, get_reg(c, i->rd));
}

static inline void sem_vmov_core_s(C *c, const Insn *i)
{
    if (vfp_begin(c, 0))
        set_reg(c, i->rd, get_s(c, i->rn));
}

/* Two words from S register rm on, or D register rm, and the core registers rd and ra. */
static inline void sem_vmov_2s_core(C *c, const Insn *i)
{
    if (!vfp_begin(c, 0))
        return;
    set_s(c, i->rm, get_reg(c, i->rd));
    set_s(c, i->rm + 1u, get_reg(c, i->ra));
}

static inline void sem_vmov_core_2s(C *c, const Insn *i)
{
    if (!vfp_begin(c, 0))
        return;
    set_reg(c, i->rd, get_s(c, i->rm));
    set_reg(c, i->ra, get_s(c, i->rm + 1u));
}

static inline void sem_vmov_d_core(C *c, const Insn *i)
{
    if (!vfp_begin(c, i->rm))
        return;
    set_s(c, 2u * i->rm, get_reg(c, i->rd));
    set_s(c, 2u * i->rm + 1, get_reg(c, i->ra));
}

static inline void sem_vmov_core_d(C *c, const Insn *i)
{
    if (!vfp_begin(c, i->rm))
        return;
    set_reg(c, i->rd, get_s(c, 2u * i->rm));
    set_reg(c, i->ra, get_s(c, 2u * i->rm + 1));
}

/* ---- Special registers ---- */

static inline void sem_vmrs(C *c, const Insn *i)
{
    V value = read_fp_register(c, i->rn);
    if (faulted(c))
        return;
    set_reg(c, i->rd, value);
}

static inline void sem_vmrs_fpscr(C *c, const Insn *i)
{
    if (vfp_begin(c, 0))
        set_reg(c, i->rd, get_fpscr(c));
}

static inline void sem_vmrs_flags(C *c, const Insn *i)
{
    (void)i;
    if (vfp_begin(c, 0))
        set_nzcv_from_fpscr(c);
}

static inline void sem_vmsr(C *c, const Insn *i)
{
    write_fp_register(c, i->rn, get_reg(c, i->rd));
}

/* ---- Loads and stores ---- */

static inline void sem_vldr_s(C *c, const Insn *i)
{
    if (!vfp_begin(c, 0))
        return;
    V value = load(c, offset_address(c, i), MEM_32 | MEM_ALIGN_4);
    if (faulted(c))
        return;
    set_s(c, i->rd, value);
}

static inline void sem_vldr_d(C *c, const Insn *i)
{
    V words[2];
    if (!vfp_begin(c, i->rd))
        return;
    load_words(c, offset_address(c, i), words, 2);
    if (faulted(c))
        return;
    set_d(c, i->rd, join_words(c, words[0], words[1]));
}

static inline void sem_vstr_s(C *c, const Insn *i)
{
    if (vfp_begin(c, 0))
        store(c, offset_address(c, i), get_s(c, i->rd), MEM_32 | MEM_ALIGN_4);
}

static inline void sem_vstr_d(C *c, const Insn *i)
{
    if (!vfp_begin(c, i->rd))
        return;
    V64 value = get_d(c, i->rd);
    V words[2] = {first_word(c, value), second_word(c, value)};
    store_words(c, offset_address(c, i), words, 2);
}

/* Multiple registers: from rd on, shift_n of them; imm is what write-back adds or subtracts. */
enum { VFP_MAX_WORDS = 32 };

static inline V vfp_multiple_address(C *c, const Insn *i, V base)
{
    return i->add ? base : sub32(c, base, imm(c, i->imm));
}

static inline void vfp_multiple_write_back(C *c, const Insn *i, V base)
{
    if (i->wback)
        set_reg(c, i->rn, add32(c, base, imm(c, i->add ? i->imm : -i->imm)));
}

static inline void sem_vldm_s(C *c, const Insn *i)
{
    V words[VFP_MAX_WORDS];
    if (!vfp_begin(c, 0))
        return;
    V base = base_register(c, i);
    load_words(c, vfp_multiple_address(c, i, base), words, i->shift_n);
    if (faulted(c))
        return;
    vfp_multiple_write_back(c, i, base);
    for (unsigned n = 0; n < i->shift_n; n++)
        set_s(c, i->rd + n, words[n]);
}

static inline void sem_vldm_d(C *c, const Insn *i)
{
    V words[VFP_MAX_WORDS];
    if (!vfp_begin(c, i->rd + i->shift_n - 1u))
        return;
    V base = base_register(c, i);
    load_words(c, vfp_multiple_address(c, i, base), words, 2u * i->shift_n);
    if (faulted(c))
        return;
    vfp_multiple_write_back(c, i, base);
    for (unsigned n = 0; n < i->shift_n; n++)
        set_d(c, i->rd + n, join_words(c, words[2 * n], words[2 * n + 1]));
}

static inline void sem_vstm_s(C *c, const Insn *i)
{
    V words[VFP_MAX_WORDS];
    if (!vfp_begin(c, 0))
        return;
    V base = base_register(c, i);
    for (unsigned n = 0; n < i->shift_n; n++)
        words[n] = get_s(c, i->rd + n);
    store_words(c, vfp_multiple_address(c, i, base), words, i->shift_n);
    if (faulted(c))
        return;
    vfp_multiple_write_back(c, i, base);
}

static inline void sem_vstm_d(C *c, const Insn *i)
{
    V words[VFP_MAX_WORDS];
    if (!vfp_begin(c, i->rd + i->shift_n - 1u))
        return;
    V base = base_register(c, i);
    for (unsigned n = 0; n < i->shift_n; n++) {
        V64 value = get_d(c, i->rd + n);
        words[2 * n] = first_word(c, value);
        words[2 * n + 1] = second_word(c, value);
    }
    store_words(c, vfp_multiple_address(c, i, base), words, 2u * i->shift_n);
    if (faulted(c))
        return;
    vfp_multiple_write_back(c, i, base);
}

#endif
