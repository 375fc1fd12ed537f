/* Floating point on the host's SSE arithmetic.
 *
 * FPSCR asks for the same as the host's MXCSR in its default state (IEEE arithmetic, to nearest, nothing
 * trapped), which is left as it is: compiled code and C share it. Results are the same then, but for NaNs,
 * whose choice and default differ; and flags are the same, but for underflow where rounding makes a normal
 * number of a tiny one, which only the guest calls an underflow. Both show in the result: then the
 * interpreter's function does the instruction.
 *
 * The host's sticky flags stand for those of FPSCR that have not been merged: cpu->fp_host tells whether.
 * They are merged (fold_fp_flags) wherever compiled code calls C or returns to it, which may read FPSCR or
 * compute itself. */
#include <stddef.h>
#include <string.h>

#include "cpu/fp.h"
#include "jit/simd.h"
#include "jit/x64_lower.h"
#include "jit/x64_sse.h"

enum { MXCSR_DEFAULT = 0x1f80 };

/* ---- The host's state -------------------------------------------------------------------------------- */

/* IE, DE, ZE, OE, UE, PE are bits 0 to 5 of MXCSR; IOC, DZC, OFC, UFC, IXC bits 0 to 4 of FPSCR. */
void fold_fp_flags(Asm *a)
{
    Mem now = CPU_OFFSET(offsetof(Cpu, jit_mxcsr) + 4);
    x64_alu_mi(a, ALU_CMP, W8, CPU_FIELD(fp_host), 0);
    Patch none = x64_jcc(a, CC_E);
    x64_stmxcsr(a, now);
    x64_load(a, W32, RCX, now);
    x64_mov_rr(a, W32, RDX, RCX);
    x64_shift_ri(a, SHIFT_OP_SHR, W32, RCX, 1);
    x64_alu_ri(a, ALU_AND, W32, RCX, 0x1e);
    x64_alu_ri(a, ALU_AND, W32, RDX, 1);
    x64_alu_rr(a, ALU_OR, W32, RCX, RDX);
    x64_alu_mr(a, ALU_OR, W32, CPU_FIELD(fpscr), RCX);
    x64_patch(none, a->at);
}

/* After a call in the middle: if the flags are still the host's, none are set. */
void begin_fp_flags(Asm *a)
{
    x64_alu_mi(a, ALU_CMP, W8, CPU_FIELD(fp_host), 0);
    Patch none = x64_jcc(a, CC_E);
    x64_ldmxcsr(a, CPU_FIELD(jit_mxcsr));
    x64_patch(none, a->at);
}

void make_fp_host(Asm *a)
{
    x64_alu_mi(a, ALU_CMP, W8, CPU_FIELD(fp_host), 0);
    Patch begun = x64_jcc(a, CC_NE);
    x64_ldmxcsr(a, CPU_FIELD(jit_mxcsr));
    x64_store_imm(a, W8, CPU_FIELD(fp_host), FP_HOST_FLAGS);
    x64_test_mi(a, W8, CPU_FIELD(fp_access), FP_ACCESS_HOST);
    Patch other = x64_jcc(a, CC_E);
    x64_store_imm(a, W8, CPU_FIELD(fp_host), FP_HOST_FLAGS | FP_HOST_VFP);
    x64_patch(begun, a->at);
    x64_patch(other, a->at);
    x64_ret(a);
}

static void set_const(Cpu *cpu, XmmConst which, uint64_t low, uint64_t high)
{
    cpu->jit_const[which][0] = low;
    cpu->jit_const[which][1] = high;
}

void x64_prepare_cpu(Cpu *cpu)
{
    _Static_assert((int)XMM_CONSTS <= (int)JIT_CONSTANTS, "they fit");
    const uint64_t both = 0x0000000100000001;
    cpu->jit_mxcsr[0] = MXCSR_DEFAULT;
    set_const(cpu, CONST_ABS_S, 0x7fffffff, 0);
    set_const(cpu, CONST_ABS_D, INT64_MAX, 0);
    set_const(cpu, CONST_SIGN_S, 0x80000000, 0);
    set_const(cpu, CONST_SIGN_D, 1ull << 63, 0);
    set_const(cpu, CONST_LEAST_S, 0x00800000, 0);
    set_const(cpu, CONST_LEAST_D, 1ull << 52, 0);
    set_const(cpu, CONST_ABS_4S, both * 0x7fffffff, both * 0x7fffffff);
    set_const(cpu, CONST_SIGN_4S, both << 31, both << 31);
    set_const(cpu, CONST_LEAST_4S, both << 23, both << 23);
    set_const(cpu, CONST_MOVE_4S, both * 0x7f800000, both * 0x7f800000);
    set_const(cpu, CONST_TOP_4S, both * 0xff000000, both * 0xff000000);
    set_const(cpu, CONST_MOVE_PRODUCT_4S, both * 0x7f7fffff, both * 0x7f7fffff);
    set_const(cpu, CONST_TOP_PRODUCT_4S, both * 0xfeffffff, both * 0xfeffffff);
    set_const(cpu, CONST_2_32, 0x41f0000000000000, 0);
    set_const(cpu, CONST_2_32_S, 0x4f800000, 0);
    set_const(cpu, CONST_MINUS_1, 0xbff0000000000000, 0);
    set_const(cpu, CONST_MINUS_1_S, 0xbf800000, 0);
    set_const(cpu, CONST_NZCV, 0x6000000080000000, 0x30000000);
    set_const(cpu, CONST_ONES, UINT64_MAX, UINT64_MAX);
}

/* ---- What is checked --------------------------------------------------------------------------------- */

static void rest_if(Lower *l, Mem byte, uint32_t bit, uint8_t host)
{
    SlowSite *site = new_site(l);
    site->rest = true;
    site->host = host;
    x64_test_mi(l->a, W8, byte, (int32_t)bit);
    leave_if(l, site, CC_E);
    site->back = l->a->at;
    clobber_flags(l);
}

/* ---- Arithmetic -------------------------------------------------------------------------------------- */

static SseOp binary_op(uint32_t imm)
{
    static const SseOp single[] = {
        {0xf3, 0x0f, 0x58},
        {0xf3, 0x0f, 0x5c},
        {0xf3, 0x0f, 0x59},
        {0xf3, 0x0f, 0x5e}
    };
    static const SseOp twice[] = {
        {0xf2, 0x0f, 0x58},
        {0xf2, 0x0f, 0x5c},
        {0xf2, 0x0f, 0x59},
        {0xf2, 0x0f, 0x5e}
    };
    return imm & FP_DOUBLE ? twice[imm & FP_OP] : single[imm & FP_OP];
}

static void compare_xmm(Lower *l, bool is_double, Xmm x, Xmm y)
{
    x64_sse_rr(l->a, is_double ? SSE_UCOMISD : SSE_UCOMISS, x, y);
    clobber_flags(l);
}

static void leave_if_nan(Lower *l, Xmm x, bool is_double)
{
    SlowSite *site = same_site(l);
    compare_xmm(l, is_double, x, x);
    leave_if(l, site, CC_P);
}

/* NaNs, and what may have been rounded to the least normal number. */
static void leave_if_nan_or_least(Lower *l, Xmm x, bool is_double)
{
    Xmm size = scratch_xmm(l);
    SlowSite *site = same_site(l);
    x64_sse_rr(l->a, SSE_MOVAPS, size, x);
    x64_sse_rm(l->a, SSE_ANDPS, size, const_mem(is_double ? CONST_ABS_D : CONST_ABS_S));
    x64_sse_rm(l->a, is_double ? SSE_UCOMISD : SSE_UCOMISS, size,
               const_mem(is_double ? CONST_LEAST_D : CONST_LEAST_S));
    clobber_flags(l);
    leave_if(l, site, CC_E); /* unordered too */
}

static void lower_binary(Lower *l, const IrInsn *insn)
{
    unsigned op = insn->imm & FP_OP;
    Xmm y = use_xmm(l, insn->b);
    Xmm x = copy_xmm(l, insn->a);
    x64_sse_rr(l->a, binary_op(insn->imm), x, y);
    if (op == FP_OP_MUL || op == FP_OP_DIV)
        leave_if_nan_or_least(l, x, insn->imm & FP_DOUBLE);
    else if (!(insn->imm & FP_LATER))
        leave_if_nan(l, x, insn->imm & FP_DOUBLE);
    define_xmm(l, x);
}

static void lower_unary(Lower *l, const IrInsn *insn)
{
    bool is_double = insn->imm & FP_DOUBLE;
    Xmm y = use_xmm(l, insn->a), x = scratch_xmm(l);
    x64_sse_rr(l->a, SSE_XORPS, x, x);
    switch (insn->imm & FP_OP) {
    case FP_OP_SQRT:
        x64_sse_rr(l->a, is_double ? SSE_SQRTSD : SSE_SQRTSS, x, y);
        leave_if_nan(l, x, is_double);
        break;
    case FP_OP_TO_DOUBLE:
        x64_sse_rr(l->a, SSE_CVTSS2SD, x, y);
        leave_if_nan(l, x, true);
        break;
    default:
        x64_sse_rr(l->a, SSE_CVTSD2SS, x, y);
        leave_if_nan_or_least(l, x, false);
    }
    define_xmm(l, x);
}

static void lower_sign(Lower *l, const IrInsn *insn)
{
    bool is_double = insn->imm & FP_DOUBLE, negate = (insn->imm & FP_OP) == FP_OP_NEG;
    Xmm x = copy_xmm(l, insn->a);
    XmmConst which =
        negate ? (is_double ? CONST_SIGN_D : CONST_SIGN_S) : (is_double ? CONST_ABS_D : CONST_ABS_S);
    x64_sse_rm(l->a, negate ? SSE_XORPS : SSE_ANDPS, x, const_mem(which));
    define_xmm(l, x);
}

/* ---- Comparison -------------------------------------------------------------------------------------- */

static Mem nzcv_mem(unsigned n)
{
    Mem mem = const_mem(CONST_NZCV);
    mem.disp += (int32_t)(4 * n);
    return mem;
}

/* Unordered sets all of the host's flags, so it comes last. COMISD complains about quiet NaNs too. */
static void lower_compare(Lower *l, const IrInsn *insn)
{
    Asm *a = l->a;
    bool is_double = insn->imm & FP_DOUBLE, signals = insn->imm & FP_SIGNALS;
    SseOp op = is_double ? (signals ? SSE_COMISD : SSE_UCOMISD) : (signals ? SSE_COMISS : SSE_UCOMISS);
    Xmm x = use_xmm(l, insn->a), y;
    if (insn->imm & FP_ZERO) {
        y = scratch_xmm(l);
        x64_sse_rr(a, SSE_XORPS, y, y);
    } else {
        y = use_xmm(l, insn->b);
    }
    Reg nzcv = define(l, REG_NONE);
    Reg fpscr = scratch(l);
    clobber_flags(l);
    x64_sse_rr(a, op, x, y);
    x64_mov_ri(a, nzcv, FPSCR_C);
    x64_cmov_rm(a, CC_B, W32, nzcv, nzcv_mem(0));
    x64_cmov_rm(a, CC_E, W32, nzcv, nzcv_mem(1));
    x64_cmov_rm(a, CC_P, W32, nzcv, nzcv_mem(2));
    x64_load(a, W32, fpscr, CPU_FIELD(fpscr));
    x64_alu_ri(a, ALU_AND, W32, fpscr, (int32_t) ~(uint32_t)FPSCR_NZCV);
    x64_alu_rr(a, ALU_OR, W32, fpscr, nzcv);
    x64_store(a, W32, CPU_FIELD(fpscr), fpscr);
}

/* Bits 31:28 to the four fields. */
static void lower_set_flags(Lower *l, const IrInsn *insn)
{
    Asm *a = l->a;
    for (unsigned field = FIELD_NF; field <= FIELD_VF; field++)
        save_field(l, field);
    Reg nzcv = use_reg(l, insn->a);
    Reg t = scratch(l);
    clobber_flags(l);
    x64_store(a, W32, field_mem(FIELD_NF), nzcv);
    x64_mov_rr(a, W32, t, nzcv);
    x64_unary(a, UNARY_NOT, W32, t);
    x64_alu_ri(a, ALU_AND, W32, t, FPSCR_Z);
    x64_store(a, W32, field_mem(FIELD_ZF), t);
    x64_mov_rr(a, W32, t, nzcv);
    x64_shift_ri(a, SHIFT_OP_SHL, W32, t, 3);
    x64_shift_ri(a, SHIFT_OP_SHR, W32, t, 31);
    x64_store(a, W32, field_mem(FIELD_VF), t);
    x64_mov_rr(a, W32, t, nzcv);
    x64_shift_ri(a, SHIFT_OP_SHL, W32, t, 2);
    x64_shift_ri(a, SHIFT_OP_SHR, W32, t, 31);
    x64_store(a, W32, field_mem(FIELD_CF), t);
}

Reg fp_flag_value(Lower *l, const IrInsn *insn)
{
    Reg reg = use_copy(l, insn->a);
    clobber_flags(l);
    if (insn->imm == FIELD_ZF) {
        x64_unary(l->a, UNARY_NOT, W32, reg);
        x64_alu_ri(l->a, ALU_AND, W32, reg, FPSCR_Z);
    } else if (insn->imm != FIELD_NF) {
        x64_shift_ri(l->a, SHIFT_OP_SHL, W32, reg, insn->imm == FIELD_CF ? 2 : 3);
        x64_shift_ri(l->a, SHIFT_OP_SHR, W32, reg, 31);
    }
    return reg;
}

/* The four results (less, equal, greater, unordered) differ enough for one test to find any condition. */
bool fp_condition(Lower *l, const IrCond *cond, Cc *cc)
{
    static const struct {
        uint32_t mask;
        Cc cc;
    } test[] = {
        {FPSCR_Z,                     CC_NE},
        {FPSCR_C,                     CC_NE},
        {FPSCR_N,                     CC_NE},
        {FPSCR_V,                     CC_NE},
        {FPSCR_N | FPSCR_Z,           CC_E },
        {FPSCR_N | FPSCR_V,           CC_E },
        {FPSCR_N | FPSCR_Z | FPSCR_V, CC_E }
    };
    uint8_t needs = ir_cond_needs(cond->cond);
    IrRef nzcv = IR_NO_REF;
    for (IrField f = FIELD_NF; f <= FIELD_VF; f++) {
        IrRef ref = cond->flags.value[f];
        if (!(needs >> f & 1))
            continue;
        if (!ir_is(l->ir, ref, IR_FP_FLAG) || (nzcv && nzcv != insn_of(l, ref)->a))
            return false;
        nzcv = insn_of(l, ref)->a;
    }
    if (nzcv == IR_NO_REF)
        return false;
    x64_test_ri(l->a, W32, use_reg(l, nzcv), (int32_t)test[cond->cond / 2].mask);
    *cc = test[cond->cond / 2].cc;
    return true;
}

/* ---- Conversion -------------------------------------------------------------------------------------- */

/* Out of range, the host gives the least integer, which is asked about; NaNs likewise. Unsigned numbers are
 * made as 64-bit integers, after a look at their range, so that no flags are raised for what does not fit. */
static void lower_to_int(Lower *l, const IrInsn *insn)
{
    Asm *a = l->a;
    bool is_double = insn->imm & FP_DOUBLE, nearest = insn->imm & FP_NEAREST;
    SseOp op =
        is_double ? (nearest ? SSE_CVTSD2SI : SSE_CVTTSD2SI) : (nearest ? SSE_CVTSS2SI : SSE_CVTTSS2SI);
    SseOp compare = is_double ? SSE_UCOMISD : SSE_UCOMISS;
    bool is_unsigned = insn->imm & FP_UNSIGNED;
    Xmm x = use_xmm(l, insn->a), limit = scratch_xmm(l);
    Reg t = scratch(l);
    clobber_flags(l);
    SlowSite *site = new_site(l);
    if (is_unsigned) {
        x64_sse_rm(a, is_double ? SSE_MOVSD : SSE_MOVSS, limit,
                   const_mem(is_double ? CONST_2_32 : CONST_2_32_S));
        x64_sse_rr(a, compare, limit, x);
        leave_if(l, site, CC_BE);
        x64_sse_rm(a, compare, x, const_mem(is_double ? CONST_MINUS_1 : CONST_MINUS_1_S));
        leave_if(l, site, CC_BE);
        x64_cvt_rx(a, op, W64, t, x);
        x64_mov_rr(a, W32, t, t);
    } else {
        x64_cvt_rx(a, op, W32, t, x);
        x64_alu_ri(a, ALU_CMP, W32, t, INT32_MIN);
        leave_if(l, site, CC_E);
    }
    define_in(l, t);
}

static void lower_from_int(Lower *l, const IrInsn *insn)
{
    bool is_unsigned = insn->imm & FP_UNSIGNED;
    Reg reg = use_reg(l, insn->a);
    Xmm x = scratch_xmm(l);
    x64_sse_rr(l->a, SSE_XORPS, x, x);
    x64_cvt_xr(l->a, insn->imm & FP_DOUBLE ? SSE_CVTSI2SD : SSE_CVTSI2SS, is_unsigned ? W64 : W32, x, reg);
    define_xmm(l, x);
}

void lower_fp(Lower *l, const IrInsn *insn)
{
    switch (insn->op) {
    case IR_FP_ACCESS:
        rest_if(l, CPU_FIELD(fp_access), insn->imm, 0);
        break;
    case IR_FP_HOST:
        rest_if(l, CPU_FIELD(fp_host), insn->imm, (uint8_t)insn->imm);
        break;
    case IR_FP_BINARY:
        lower_binary(l, insn);
        break;
    case IR_FP_UNARY:
        lower_unary(l, insn);
        break;
    case IR_FP_SIGN:
        lower_sign(l, insn);
        break;
    case IR_FP_COMPARE:
        lower_compare(l, insn);
        break;
    case IR_FP_TO_INT:
        lower_to_int(l, insn);
        break;
    case IR_FP_FROM_INT:
        lower_from_int(l, insn);
        break;
    case IR_GET_NZCV:
        x64_load(l->a, W32, define(l, REG_NONE), CPU_FIELD(fpscr));
        break;
    case IR_SET_FLAGS:
        lower_set_flags(l, insn);
        break;
    default: /* FP_FLAG */
        if (insn->used & IR_USED_VALUE)
            define_in(l, fp_flag_value(l, insn));
    }
    end_xmm(l);
}
