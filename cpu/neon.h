/* Advanced SIMD: what the instruction bodies of sem_neon.h call. Each works on the operands that the formats
 * of format_neon.c left in the instruction, and sets FPSCR's cumulative bits. Access was checked before. */
#ifndef ARMATURE_CPU_NEON_H
#define ARMATURE_CPU_NEON_H

#include "cpu/insn.h"

/* Lists of VLDn and VSTn (insn->shift_type). */
typedef enum ListKind { LIST_WHOLE, LIST_LANE, LIST_ALL } ListKind;

/* neon.c */
InsnBody neon_vand, neon_vbic, neon_vorr, neon_vorn, neon_veor, neon_vbsl, neon_vbit, neon_vbif,
    neon_vmov_imm, neon_vmvn_imm, neon_vorr_imm, neon_vbic_imm, neon_vmov_i64, neon_vadd, neon_vsub,
    neon_vqadd, neon_vqsub, neon_vhadd, neon_vrhadd, neon_vhsub, neon_vcgt, neon_vcge, neon_vceq, neon_vtst,
    neon_vmax, neon_vmin, neon_vabd, neon_vaba, neon_vpadd, neon_vpmax, neon_vpmin;

/* neon_float.c */
InsnBody neon_vadd_f, neon_vsub_f, neon_vabd_f, neon_vmul_f, neon_vmla_f, neon_vmls_f, neon_vmax_f,
    neon_vmin_f, neon_vpadd_f, neon_vpmax_f, neon_vpmin_f, neon_vrecps, neon_vrsqrts, neon_vceq_f,
    neon_vcge_f, neon_vcgt_f, neon_vacge, neon_vacgt, neon_vceq_0f, neon_vcge_0f, neon_vcgt_0f, neon_vcle_0f,
    neon_vclt_0f, neon_vabs_f, neon_vneg_f, neon_vrecpe_f, neon_vrsqrte_f, neon_vrecpe, neon_vrsqrte;

/* neon_convert.c */
InsnBody neon_vcvt_to_fixed, neon_vcvt_from_fixed, neon_vcvt_h_s, neon_vcvt_s_h;

/* neon_memory.c */
InsnBody neon_vld_multiple, neon_vst_multiple, neon_vld_lane, neon_vst_lane, neon_vld_all;

/* neon_misc.c */
InsnBody neon_vrev64, neon_vrev32, neon_vrev16, neon_vclz, neon_vcls, neon_vcnt, neon_vmvn, neon_vneg,
    neon_vabs, neon_vqneg, neon_vqabs, neon_vpaddl, neon_vpadal, neon_vcgt_0, neon_vcge_0, neon_vceq_0,
    neon_vcle_0, neon_vclt_0;

/* neon_multiply.c */
InsnBody neon_vmul, neon_vmla, neon_vmls, neon_vmul_p, neon_vqdmulh, neon_vqrdmulh, neon_vaddl, neon_vaddw,
    neon_vsubl, neon_vsubw, neon_vabdl, neon_vabal, neon_vmull, neon_vmlal, neon_vmlsl, neon_vmull_p,
    neon_vqdmull, neon_vqdmlal, neon_vqdmlsl, neon_vaddhn, neon_vraddhn, neon_vsubhn, neon_vrsubhn;

/* neon_permute.c */
InsnBody neon_vswp, neon_vtrn, neon_vuzp, neon_vzip, neon_vext, neon_vdup, neon_vtbl, neon_vtbx;

/* neon_shift.c */
InsnBody neon_vshl, neon_vrshl, neon_vqshl, neon_vqrshl, neon_vshr, neon_vrshr, neon_vsra, neon_vrsra,
    neon_vsri, neon_vshl_i, neon_vsli, neon_vqshl_i, neon_vqshlu_i, neon_vshll, neon_vshrn, neon_vrshrn,
    neon_vqshrn, neon_vqrshrn, neon_vqshrun, neon_vqrshrun;

#endif
