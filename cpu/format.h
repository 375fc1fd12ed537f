/* Formats: what turns the fields of an encoding into the operands of an Insn.
 *
 * Each names the letters it reads. A letter that the pattern does not have reads as 0. The letters common to
 * all:
 *
 *     d rd (also Rt)   n rn   m rm   s rs   a ra (accumulator, Rt2, RdLo)   S sets flags   P U W index, add,
 * wback
 *
 * False means UNDEFINED; so do most encodings that the manual calls UNPREDICTABLE. */
#ifndef ARMATURE_CPU_FORMAT_H
#define ARMATURE_CPU_FORMAT_H

#include "cpu/insn.h"

/* ---- Helpers for formats ------------------------------------------------------------------------------- */

/* rd, rn, rm, rs, ra, s from their letters. */
void format_registers(Insn *insn, const Fields *f);
/* index, add, wback as loads and stores of single registers have them: (P), (U), (!P || W). */
void format_addressing(Insn *insn, const Fields *f);
/* DecodeImmShift: operand 2 is rm shifted. */
void format_shift(Insn *insn, unsigned type, unsigned imm5);
/* Marks the end of a block if rd is PC. */
void format_result(Insn *insn);

static inline int32_t sign_extend(uint32_t value, unsigned bits)
{
    return (int32_t)(value << (32 - bits)) >> (32 - bits);
}

/* ---- A32 and shared formats (format.c) ----------------------------------------------------------------- */

/* No operands. */
InsnFormat fmt_none;
/* i: imm. */
InsnFormat fmt_imm;

/* Data processing. fmt_dp_imm: i modified immediate (12 bits, A32); fmt_dp_reg: i amount, t type;
 * fmt_dp_rsr: t type, shifted by rs. */
InsnFormat fmt_dp_imm, fmt_dp_reg, fmt_dp_rsr;
/* Shift instructions, for the body of MOV: d, m, S; i amount (ROR by 0: RRX) or s. */
InsnFormat fmt_lsl_imm, fmt_lsr_imm, fmt_asr_imm, fmt_ror_imm;
InsnFormat fmt_lsl_reg, fmt_lsr_reg, fmt_asr_reg, fmt_ror_reg;
/* MOVW, MOVT: d, i (16 bits). */
InsnFormat fmt_movw;

/* Registers d, n, m, a, and S; none may be PC. X, Y, R, N, M: q = M | N << 1 | X | R. */
InsnFormat fmt_registers;
/* The same; d and a are RdHi and RdLo, which must differ. */
InsnFormat fmt_long;
/* d, n, m, i amount of LSL or ASR. */
InsnFormat fmt_pkhbt, fmt_pkhtb;
/* d, m, i amount, t: 0 LSL, 1 ASR; w: saturate_to (fmt_ssat: minus 1). SSAT, SSAT16 and USAT, USAT16. */
InsnFormat fmt_ssat, fmt_usat;
/* d, n, m, r rotation / 8. */
InsnFormat fmt_extend;
/* d, n, l lsb, w msb (BFI, BFC) or width minus 1 (SBFX, UBFX). */
InsnFormat fmt_bfi, fmt_bfx;

/* Single loads and stores: d, n, P U W; _imm: i offset; _reg: m, i amount, t type.
 * _ldr: LDR, which may load PC; _str: STR, which may store it; _part: neither. */
InsnFormat fmt_ldr_imm, fmt_str_imm, fmt_part_imm;
InsnFormat fmt_ldr_reg, fmt_str_reg, fmt_part_reg;
/* LDRD, STRD of rd and rd + 1. */
InsnFormat fmt_ldrd_imm, fmt_ldrd_reg, fmt_strd_imm, fmt_strd_reg;
/* PLD, PLDW, PLI: n, U, i or m i t. */
InsnFormat fmt_pld_imm, fmt_pld_reg;
/* n, P U W, i register list. wback = W. The _user forms have no write-back; the
 * _return form adds PC to the list. */
InsnFormat fmt_ldm, fmt_stm, fmt_ldm_user, fmt_stm_user, fmt_ldm_return;
/* i register list. */
InsnFormat fmt_push, fmt_pop;
/* PUSH and POP of the one register d. */
InsnFormat fmt_push_one, fmt_pop_one;
/* Exclusives: n, d (Rt), s (status), i offset / 4. The _d forms use rd and rd + 1. */
InsnFormat fmt_ldrex, fmt_strex, fmt_ldrexd, fmt_strexd;
/* SWP: d, m, n. */
InsnFormat fmt_swp;

/* B, BL: i words; BLX: i words, H halfword. */
InsnFormat fmt_branch, fmt_blx_imm;
/* BX: m; BLX, BXJ: m, not PC. */
InsnFormat fmt_bx, fmt_blx_reg;

/* MRS: d, R (SPSR). MSR: R, k byte mask; i modified immediate or n (goes to rm). */
InsnFormat fmt_mrs, fmt_msr_imm, fmt_msr_reg;
/* CPS: I imod, M change mode, f AIF, i mode. SETEND: E. */
InsnFormat fmt_cps, fmt_setend;
/* SRS: P U W, i mode. RFE: n, P U W. */
InsnFormat fmt_srs, fmt_rfe;
/* BKPT: i; the condition must be "always". */
InsnFormat fmt_bkpt;

/* Coprocessors: p number, j opc1, k opc2, n CRn, m CRm, d Rt or CRd, a Rt2. Numbers 10 and 11 are refused. */
InsnFormat fmt_mcr, fmt_mrc, fmt_mcrr, fmt_mrrc, fmt_cdp;
/* LDC, STC: p, d CRd, n, P U W, i offset / 4, L long (goes to q); _option: i option, offset 0. */
InsnFormat fmt_ldc, fmt_ldc_option;

/* ---- VFP (format_vfp.c) ---- */

/* Registers Dd, Nn, Mm: all S, all D, or D and S mixed. E: q. */
InsnFormat fmt_vfp_s, fmt_vfp_d, fmt_vfp_s_from_d, fmt_vfp_d_from_s;
/* Dd, i: immediate of 8 bits; imm is the number it stands for (_d: the high word). */
InsnFormat fmt_vfp_imm_s, fmt_vfp_imm_d;
/* S registers; T: imm is the lowest bit of the half. */
InsnFormat fmt_vfp_half;
/* Conversions of integers: s signed (Insn.s: unsigned), r round towards zero (goes to q). shift_n is the
 * size. */
InsnFormat fmt_vfp_int_s, fmt_vfp_int_s_from_d, fmt_vfp_int_d_from_s;
/* Conversions of fixed-point numbers in Dd: x size (shift_n), i:l size less fraction bits (imm), u unsigned
 * (s). */
InsnFormat fmt_vfp_fixed_s, fmt_vfp_fixed_d;
/* Moves: t core register (rd), Nn D register, i lane (imm), u unsigned (s). VDUP: be size, Q. */
InsnFormat fmt_vfp_lane_8, fmt_vfp_lane_16, fmt_vfp_lane_32, fmt_vdup_core;
/* t (rd), Nn S register. t, a (rd, ra), Mm D register or first of two S registers. */
InsnFormat fmt_vfp_core_s, fmt_vmov_2s_core, fmt_vmov_core_2s, fmt_vmov_d_core, fmt_vmov_core_d;
/* VMRS, VMSR: t (rd), r special register (rn). */
InsnFormat fmt_vfp_special;
/* Dd, n, U, i words. */
InsnFormat fmt_vldr_s, fmt_vldr_d, fmt_vstr_s, fmt_vstr_d;
/* Dd, n, P U W, i registers (shift_n); imm is the size in memory. */
InsnFormat fmt_vldm_s, fmt_vldm_d, fmt_fldmx, fmt_vpush_s, fmt_vpush_d, fmt_vpop_s, fmt_vpop_d;

/* ---- Thumb (format_thumb.c) ---------------------------------------------------------------------------- */

/* Two or three low registers; T16 sets flags outside IT blocks. _rdn: d is also n; mul: d is also m.
 * _high: no flags, all registers; _pc: d is PC. */
InsnFormat fmt_thumb_dp_reg, fmt_t16_rdn_reg, fmt_t16_mul;
InsnFormat fmt_t16_high_mov, fmt_t16_high_add, fmt_t16_mov_pc, fmt_t16_add_pc;
/* d, n, m, i amount, t type; PC is no destination. */
InsnFormat fmt_t32_dp_shift;
/* d := m shifted by i; d := d shifted by s. */
InsnFormat fmt_thumb_lsl_imm, fmt_thumb_lsr_imm, fmt_thumb_asr_imm, fmt_thumb_ror_imm;
InsnFormat fmt_t16_lsl_reg, fmt_t16_lsr_reg, fmt_t16_asr_reg, fmt_t16_ror_reg;
/* i: unsigned immediate (_sp, adr: words), modified immediate, plain immediate, immediate with j on top. */
InsnFormat fmt_t16_dp_imm, fmt_t16_rdn_imm, fmt_t16_add_sp, fmt_t16_adjust_sp, fmt_t16_adr;
InsnFormat fmt_t32_dp_imm, fmt_t32_plain_imm, fmt_t32_adr, fmt_t32_mov16, fmt_t32_subs_pc_lr;
/* Single loads and stores: d, n, i offset in units of the access; m. */
InsnFormat fmt_t16_mem_word, fmt_t16_mem_half, fmt_t16_mem_byte, fmt_t16_mem_sp, fmt_t16_mem_pc,
    fmt_t16_mem_reg;
/* d, n, i offset, P U W; m, i amount; a second register. */
InsnFormat fmt_t32_mem_imm12, fmt_t32_mem_imm8, fmt_t32_mem_unpriv, fmt_t32_mem_literal, fmt_t32_mem_reg;
InsnFormat fmt_t32_pld_imm12, fmt_t32_pld_imm8, fmt_t32_pld_literal, fmt_t32_pld_reg;
InsnFormat fmt_t32_mem_dual, fmt_t32_ldrexd, fmt_t32_strexd;
/* n, i register list, W; push: M link register. SRS, RFE: n, W, i mode. */
InsnFormat fmt_t16_stm, fmt_t16_ldm, fmt_t16_pop, fmt_t16_pop_pc, fmt_t16_push;
InsnFormat fmt_t32_stm, fmt_t32_ldm, fmt_t32_srs, fmt_t32_rfe;
/* Branches: c condition, i displacement, S J K j its other parts; n, m. */
InsnFormat fmt_t16_b_cond, fmt_t16_b, fmt_t16_cbz, fmt_t32_b_cond, fmt_t32_b, fmt_t32_blx, fmt_t32_tb;
/* IT: i the new ITSTATE. CPS: I disable, f AIF. */
InsnFormat fmt_t16_it, fmt_t16_cps;

/* ---- Advanced SIMD (format_neon.c); the letters are in neon.def ---- */

InsnFormat fmt_neon_3same_no64, fmt_neon_3same, fmt_neon_3same_16_32, fmt_neon_3same_f, fmt_neon_long,
    fmt_neon_wide, fmt_neon_high, fmt_neon_long_16_32, fmt_neon_scalar, fmt_neon_scalar_f,
    fmt_neon_scalar_long, fmt_neon_shift_right, fmt_neon_shift_left, fmt_neon_shift_narrow,
    fmt_neon_shift_long, fmt_neon_movl_8, fmt_neon_movl_16, fmt_neon_movl_32, fmt_neon_fixed, fmt_neon_imm_32,
    fmt_neon_imm_16, fmt_neon_imm_ones, fmt_neon_imm_8, fmt_neon_imm_f32, fmt_neon_imm_64, fmt_neon_2reg_no64,
    fmt_neon_2reg_8_16, fmt_neon_2reg, fmt_neon_2reg_f, fmt_neon_zip, fmt_neon_2reg_narrow, fmt_neon_shll_max,
    fmt_neon_to_half, fmt_neon_from_half, fmt_neon_vext, fmt_neon_vtbl, fmt_neon_vdup, fmt_neon_multiple_1,
    fmt_neon_multiple_2, fmt_neon_multiple_22, fmt_neon_multiple_3, fmt_neon_multiple_4, fmt_neon_lane_1,
    fmt_neon_lane_2, fmt_neon_lane_3, fmt_neon_lane_4, fmt_neon_all_1, fmt_neon_all_2, fmt_neon_all_3,
    fmt_neon_all_4;

#endif
