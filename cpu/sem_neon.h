/* Bodies of Advanced SIMD instructions: all are out of line (neon.h), behind the check that they may execute.
 */
#ifndef ARMATURE_CPU_SEM_NEON_H
#define ARMATURE_CPU_SEM_NEON_H

#include "cpu/exec_vfp.h"
#include "cpu/neon.h"

static inline void simd_operation(C *c, const Insn *i, InsnBody *operation)
{
    if (simd_begin(c))
        operation(c, i);
}

/* clang-format off */

static inline void sem_neon_vand(C *c, const Insn *i)            { simd_operation(c, i, neon_vand); }
static inline void sem_neon_vbic(C *c, const Insn *i)            { simd_operation(c, i, neon_vbic); }
static inline void sem_neon_vorr(C *c, const Insn *i)            { simd_operation(c, i, neon_vorr); }
static inline void sem_neon_vorn(C *c, const Insn *i)            { simd_operation(c, i, neon_vorn); }
static inline void sem_neon_veor(C *c, const Insn *i)            { simd_operation(c, i, neon_veor); }
static inline void sem_neon_vbsl(C *c, const Insn *i)            { simd_operation(c, i, neon_vbsl); }
static inline void sem_neon_vbit(C *c, const Insn *i)            { simd_operation(c, i, neon_vbit); }
static inline void sem_neon_vbif(C *c, const Insn *i)            { simd_operation(c, i, neon_vbif); }
static inline void sem_neon_vmov_imm(C *c, const Insn *i)        { simd_operation(c, i, neon_vmov_imm); }
static inline void sem_neon_vmvn_imm(C *c, const Insn *i)        { simd_operation(c, i, neon_vmvn_imm); }
static inline void sem_neon_vorr_imm(C *c, const Insn *i)        { simd_operation(c, i, neon_vorr_imm); }
static inline void sem_neon_vbic_imm(C *c, const Insn *i)        { simd_operation(c, i, neon_vbic_imm); }
static inline void sem_neon_vmov_i64(C *c, const Insn *i)        { simd_operation(c, i, neon_vmov_i64); }
static inline void sem_neon_vadd(C *c, const Insn *i)            { simd_operation(c, i, neon_vadd); }
static inline void sem_neon_vsub(C *c, const Insn *i)            { simd_operation(c, i, neon_vsub); }
static inline void sem_neon_vqadd(C *c, const Insn *i)           { simd_operation(c, i, neon_vqadd); }
static inline void sem_neon_vqsub(C *c, const Insn *i)           { simd_operation(c, i, neon_vqsub); }
static inline void sem_neon_vhadd(C *c, const Insn *i)           { simd_operation(c, i, neon_vhadd); }
static inline void sem_neon_vrhadd(C *c, const Insn *i)          { simd_operation(c, i, neon_vrhadd); }
static inline void sem_neon_vhsub(C *c, const Insn *i)           { simd_operation(c, i, neon_vhsub); }
static inline void sem_neon_vcgt(C *c, const Insn *i)            { simd_operation(c, i, neon_vcgt); }
static inline void sem_neon_vcge(C *c, const Insn *i)            { simd_operation(c, i, neon_vcge); }
static inline void sem_neon_vceq(C *c, const Insn *i)            { simd_operation(c, i, neon_vceq); }
static inline void sem_neon_vtst(C *c, const Insn *i)            { simd_operation(c, i, neon_vtst); }
static inline void sem_neon_vmax(C *c, const Insn *i)            { simd_operation(c, i, neon_vmax); }
static inline void sem_neon_vmin(C *c, const Insn *i)            { simd_operation(c, i, neon_vmin); }
static inline void sem_neon_vabd(C *c, const Insn *i)            { simd_operation(c, i, neon_vabd); }
static inline void sem_neon_vaba(C *c, const Insn *i)            { simd_operation(c, i, neon_vaba); }
static inline void sem_neon_vpadd(C *c, const Insn *i)           { simd_operation(c, i, neon_vpadd); }
static inline void sem_neon_vpmax(C *c, const Insn *i)           { simd_operation(c, i, neon_vpmax); }
static inline void sem_neon_vpmin(C *c, const Insn *i)           { simd_operation(c, i, neon_vpmin); }

static inline void sem_neon_vadd_f(C *c, const Insn *i)          { simd_operation(c, i, neon_vadd_f); }
static inline void sem_neon_vsub_f(C *c, const Insn *i)          { simd_operation(c, i, neon_vsub_f); }
static inline void sem_neon_vabd_f(C *c, const Insn *i)          { simd_operation(c, i, neon_vabd_f); }
static inline void sem_neon_vmul_f(C *c, const Insn *i)          { simd_operation(c, i, neon_vmul_f); }
static inline void sem_neon_vmla_f(C *c, const Insn *i)          { simd_operation(c, i, neon_vmla_f); }
static inline void sem_neon_vmls_f(C *c, const Insn *i)          { simd_operation(c, i, neon_vmls_f); }
static inline void sem_neon_vmax_f(C *c, const Insn *i)          { simd_operation(c, i, neon_vmax_f); }
static inline void sem_neon_vmin_f(C *c, const Insn *i)          { simd_operation(c, i, neon_vmin_f); }
static inline void sem_neon_vpadd_f(C *c, const Insn *i)         { simd_operation(c, i, neon_vpadd_f); }
static inline void sem_neon_vpmax_f(C *c, const Insn *i)         { simd_operation(c, i, neon_vpmax_f); }
static inline void sem_neon_vpmin_f(C *c, const Insn *i)         { simd_operation(c, i, neon_vpmin_f); }
static inline void sem_neon_vrecps(C *c, const Insn *i)          { simd_operation(c, i, neon_vrecps); }
static inline void sem_neon_vrsqrts(C *c, const Insn *i)         { simd_operation(c, i, neon_vrsqrts); }
static inline void sem_neon_vceq_f(C *c, const Insn *i)          { simd_operation(c, i, neon_vceq_f); }
static inline void sem_neon_vcge_f(C *c, const Insn *i)          { simd_operation(c, i, neon_vcge_f); }
static inline void sem_neon_vcgt_f(C *c, const Insn *i)          { simd_operation(c, i, neon_vcgt_f); }
static inline void sem_neon_vacge(C *c, const Insn *i)           { simd_operation(c, i, neon_vacge); }
static inline void sem_neon_vacgt(C *c, const Insn *i)           { simd_operation(c, i, neon_vacgt); }
static inline void sem_neon_vceq_0f(C *c, const Insn *i)         { simd_operation(c, i, neon_vceq_0f); }
static inline void sem_neon_vcge_0f(C *c, const Insn *i)         { simd_operation(c, i, neon_vcge_0f); }
static inline void sem_neon_vcgt_0f(C *c, const Insn *i)         { simd_operation(c, i, neon_vcgt_0f); }
static inline void sem_neon_vcle_0f(C *c, const Insn *i)         { simd_operation(c, i, neon_vcle_0f); }
static inline void sem_neon_vclt_0f(C *c, const Insn *i)         { simd_operation(c, i, neon_vclt_0f); }
static inline void sem_neon_vabs_f(C *c, const Insn *i)          { simd_operation(c, i, neon_vabs_f); }
static inline void sem_neon_vneg_f(C *c, const Insn *i)          { simd_operation(c, i, neon_vneg_f); }
static inline void sem_neon_vrecpe_f(C *c, const Insn *i)        { simd_operation(c, i, neon_vrecpe_f); }
static inline void sem_neon_vrsqrte_f(C *c, const Insn *i)       { simd_operation(c, i, neon_vrsqrte_f); }
static inline void sem_neon_vrecpe(C *c, const Insn *i)          { simd_operation(c, i, neon_vrecpe); }
static inline void sem_neon_vrsqrte(C *c, const Insn *i)         { simd_operation(c, i, neon_vrsqrte); }
static inline void sem_neon_vcvt_to_fixed(C *c, const Insn *i)   { simd_operation(c, i, neon_vcvt_to_fixed); }
static inline void sem_neon_vcvt_from_fixed(C *c, const Insn *i) { simd_operation(c, i, neon_vcvt_from_fixed); }
static inline void sem_neon_vcvt_h_s(C *c, const Insn *i)        { simd_operation(c, i, neon_vcvt_h_s); }
static inline void sem_neon_vcvt_s_h(C *c, const Insn *i)        { simd_operation(c, i, neon_vcvt_s_h); }

static inline void sem_neon_vld_multiple(C *c, const Insn *i)    { simd_operation(c, i, neon_vld_multiple); }
static inline void sem_neon_vst_multiple(C *c, const Insn *i)    { simd_operation(c, i, neon_vst_multiple); }
static inline void sem_neon_vld_lane(C *c, const Insn *i)        { simd_operation(c, i, neon_vld_lane); }
static inline void sem_neon_vst_lane(C *c, const Insn *i)        { simd_operation(c, i, neon_vst_lane); }
static inline void sem_neon_vld_all(C *c, const Insn *i)         { simd_operation(c, i, neon_vld_all); }

static inline void sem_neon_vrev64(C *c, const Insn *i)          { simd_operation(c, i, neon_vrev64); }
static inline void sem_neon_vrev32(C *c, const Insn *i)          { simd_operation(c, i, neon_vrev32); }
static inline void sem_neon_vrev16(C *c, const Insn *i)          { simd_operation(c, i, neon_vrev16); }
static inline void sem_neon_vclz(C *c, const Insn *i)            { simd_operation(c, i, neon_vclz); }
static inline void sem_neon_vcls(C *c, const Insn *i)            { simd_operation(c, i, neon_vcls); }
static inline void sem_neon_vcnt(C *c, const Insn *i)            { simd_operation(c, i, neon_vcnt); }
static inline void sem_neon_vmvn(C *c, const Insn *i)            { simd_operation(c, i, neon_vmvn); }
static inline void sem_neon_vneg(C *c, const Insn *i)            { simd_operation(c, i, neon_vneg); }
static inline void sem_neon_vabs(C *c, const Insn *i)            { simd_operation(c, i, neon_vabs); }
static inline void sem_neon_vqneg(C *c, const Insn *i)           { simd_operation(c, i, neon_vqneg); }
static inline void sem_neon_vqabs(C *c, const Insn *i)           { simd_operation(c, i, neon_vqabs); }
static inline void sem_neon_vpaddl(C *c, const Insn *i)          { simd_operation(c, i, neon_vpaddl); }
static inline void sem_neon_vpadal(C *c, const Insn *i)          { simd_operation(c, i, neon_vpadal); }
static inline void sem_neon_vcgt_0(C *c, const Insn *i)          { simd_operation(c, i, neon_vcgt_0); }
static inline void sem_neon_vcge_0(C *c, const Insn *i)          { simd_operation(c, i, neon_vcge_0); }
static inline void sem_neon_vceq_0(C *c, const Insn *i)          { simd_operation(c, i, neon_vceq_0); }
static inline void sem_neon_vcle_0(C *c, const Insn *i)          { simd_operation(c, i, neon_vcle_0); }
static inline void sem_neon_vclt_0(C *c, const Insn *i)          { simd_operation(c, i, neon_vclt_0); }

static inline void sem_neon_vmul(C *c, const Insn *i)            { simd_operation(c, i, neon_vmul); }
static inline void sem_neon_vmla(C *c, const Insn *i)            { simd_operation(c, i, neon_vmla); }
static inline void sem_neon_vmls(C *c, const Insn *i)            { simd_operation(c, i, neon_vmls); }
static inline void sem_neon_vmul_p(C *c, const Insn *i)          { simd_operation(c, i, neon_vmul_p); }
static inline void sem_neon_vqdmulh(C *c, const Insn *i)         { simd_operation(c, i, neon_vqdmulh); }
static inline void sem_neon_vqrdmulh(C *c, const Insn *i)        { simd_operation(c, i, neon_vqrdmulh); }
static inline void sem_neon_vaddl(C *c, const Insn *i)           { simd_operation(c, i, neon_vaddl); }
static inline void sem_neon_vaddw(C *c, const Insn *i)           { simd_operation(c, i, neon_vaddw); }
static inline void sem_neon_vsubl(C *c, const Insn *i)           { simd_operation(c, i, neon_vsubl); }
static inline void sem_neon_vsubw(C *c, const Insn *i)           { simd_operation(c, i, neon_vsubw); }
static inline void sem_neon_vabdl(C *c, const Insn *i)           { simd_operation(c, i, neon_vabdl); }
static inline void sem_neon_vabal(C *c, const Insn *i)           { simd_operation(c, i, neon_vabal); }
static inline void sem_neon_vmull(C *c, const Insn *i)           { simd_operation(c, i, neon_vmull); }
static inline void sem_neon_vmlal(C *c, const Insn *i)           { simd_operation(c, i, neon_vmlal); }
static inline void sem_neon_vmlsl(C *c, const Insn *i)           { simd_operation(c, i, neon_vmlsl); }
static inline void sem_neon_vmull_p(C *c, const Insn *i)         { simd_operation(c, i, neon_vmull_p); }
static inline void sem_neon_vqdmull(C *c, const Insn *i)         { simd_operation(c, i, neon_vqdmull); }
static inline void sem_neon_vqdmlal(C *c, const Insn *i)         { simd_operation(c, i, neon_vqdmlal); }
static inline void sem_neon_vqdmlsl(C *c, const Insn *i)         { simd_operation(c, i, neon_vqdmlsl); }
static inline void sem_neon_vaddhn(C *c, const Insn *i)          { simd_operation(c, i, neon_vaddhn); }
static inline void sem_neon_vraddhn(C *c, const Insn *i)         { simd_operation(c, i, neon_vraddhn); }
static inline void sem_neon_vsubhn(C *c, const Insn *i)          { simd_operation(c, i, neon_vsubhn); }
static inline void sem_neon_vrsubhn(C *c, const Insn *i)         { simd_operation(c, i, neon_vrsubhn); }

static inline void sem_neon_vswp(C *c, const Insn *i)            { simd_operation(c, i, neon_vswp); }
static inline void sem_neon_vtrn(C *c, const Insn *i)            { simd_operation(c, i, neon_vtrn); }
static inline void sem_neon_vuzp(C *c, const Insn *i)            { simd_operation(c, i, neon_vuzp); }
static inline void sem_neon_vzip(C *c, const Insn *i)            { simd_operation(c, i, neon_vzip); }
static inline void sem_neon_vext(C *c, const Insn *i)            { simd_operation(c, i, neon_vext); }
static inline void sem_neon_vdup(C *c, const Insn *i)            { simd_operation(c, i, neon_vdup); }
static inline void sem_neon_vtbl(C *c, const Insn *i)            { simd_operation(c, i, neon_vtbl); }
static inline void sem_neon_vtbx(C *c, const Insn *i)            { simd_operation(c, i, neon_vtbx); }

static inline void sem_neon_vshl(C *c, const Insn *i)            { simd_operation(c, i, neon_vshl); }
static inline void sem_neon_vrshl(C *c, const Insn *i)           { simd_operation(c, i, neon_vrshl); }
static inline void sem_neon_vqshl(C *c, const Insn *i)           { simd_operation(c, i, neon_vqshl); }
static inline void sem_neon_vqrshl(C *c, const Insn *i)          { simd_operation(c, i, neon_vqrshl); }
static inline void sem_neon_vshr(C *c, const Insn *i)            { simd_operation(c, i, neon_vshr); }
static inline void sem_neon_vrshr(C *c, const Insn *i)           { simd_operation(c, i, neon_vrshr); }
static inline void sem_neon_vsra(C *c, const Insn *i)            { simd_operation(c, i, neon_vsra); }
static inline void sem_neon_vrsra(C *c, const Insn *i)           { simd_operation(c, i, neon_vrsra); }
static inline void sem_neon_vsri(C *c, const Insn *i)            { simd_operation(c, i, neon_vsri); }
static inline void sem_neon_vshl_i(C *c, const Insn *i)          { simd_operation(c, i, neon_vshl_i); }
static inline void sem_neon_vsli(C *c, const Insn *i)            { simd_operation(c, i, neon_vsli); }
static inline void sem_neon_vqshl_i(C *c, const Insn *i)         { simd_operation(c, i, neon_vqshl_i); }
static inline void sem_neon_vqshlu_i(C *c, const Insn *i)        { simd_operation(c, i, neon_vqshlu_i); }
static inline void sem_neon_vshll(C *c, const Insn *i)           { simd_operation(c, i, neon_vshll); }
static inline void sem_neon_vshrn(C *c, const Insn *i)           { simd_operation(c, i, neon_vshrn); }
static inline void sem_neon_vrshrn(C *c, const Insn *i)          { simd_operation(c, i, neon_vrshrn); }
static inline void sem_neon_vqshrn(C *c, const Insn *i)          { simd_operation(c, i, neon_vqshrn); }
static inline void sem_neon_vqrshrn(C *c, const Insn *i)         { simd_operation(c, i, neon_vqrshrn); }
static inline void sem_neon_vqshrun(C *c, const Insn *i)         { simd_operation(c, i, neon_vqshrun); }
static inline void sem_neon_vqrshrun(C *c, const Insn *i)        { simd_operation(c, i, neon_vqrshrun); }
/* clang-format on */

#endif
