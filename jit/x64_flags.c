/* Guest flags: taken from the host's flags where those are still what an operation left, otherwise found by
 * doing the comparison again, or from the CPU's fields. A subtraction's guest carry is the opposite of the
 * host's. */
#include <stddef.h>
#include <string.h>

#include "jit/x64_lower.h"

void clobber_flags(Lower *l)
{
    l->host_flags = IR_NO_REF;
}

void flags_are(Lower *l, IrRef ref, bool all)
{
    l->host_flags = ref;
    l->host_flags_all = all;
}

static bool is_op(const Lower *l, IrRef ref, IrOp op)
{
    return ref != IR_NO_REF && insn_of(l, ref)->op == op;
}

static bool subtracts(const Lower *l, IrRef of)
{
    return is_op(l, of, IR_SUB) || is_op(l, of, IR_SBC);
}

static void compare(Lower *l, const IrInsn *insn)
{
    uint32_t value;
    Mem mem;
    bool a_in_memory = in_memory(l, insn->a, &mem);
    if (a_in_memory && is_const(l, insn->b, &value))
        x64_alu_mi(l->a, ALU_CMP, W32, mem, (int32_t)value);
    else if (a_in_memory && l->loc[insn->b].kind == LOC_TEMP)
        x64_alu_mr(l->a, ALU_CMP, W32, mem, use_reg(l, insn->b));
    else
        alu_operand(l, ALU_CMP, use_reg(l, insn->a), insn->b);
}

static void test_and(Lower *l, const IrInsn *insn)
{
    uint32_t value;
    Reg reg = use_reg(l, insn->a);
    if (is_const(l, insn->b, &value))
        x64_test_ri(l->a, W32, reg, (int32_t)value);
    else
        x64_test_rr(l->a, W32, reg, use_reg(l, insn->b));
}

Reg compute(Lower *l, IrRef ref)
{
    static const uint8_t alu[IR_OPS] = {
        [IR_ADD] = ALU_ADD, [IR_SUB] = ALU_SUB, [IR_AND] = ALU_AND, [IR_XOR] = ALU_XOR};
    const IrInsn *insn = insn_of(l, ref);
    if (insn->op == IR_FP_FLAG)
        return fp_flag_value(l, insn);
    if (insn->op != IR_ADD && insn->op != IR_SUB && insn->op != IR_AND && insn->op != IR_XOR) {
        l->failed = true;
        return RAX;
    }
    if (insn->a == insn->b)
        use_reg(l, insn->b); /* not to be used up by the copy */
    Reg reg = use_copy(l, insn->a);
    alu_operand(l, (AluOp)alu[insn->op], reg, insn->b);
    flags_are(l, ref, insn->op == IR_ADD || insn->op == IR_SUB);
    return reg;
}

/* Makes the host's flags those of operation `of`. all: carry and overflow too. */
static void make_flags(Lower *l, IrRef of, bool all)
{
    const IrInsn *insn = insn_of(l, of);
    if (l->host_flags == of && (l->host_flags_all || !all))
        return;
    Mem mem;
    bool as_made = false; /* by the operation itself, not by looking at its result */
    bool pinned[TEMPS];
    memcpy(pinned, l->pinned, sizeof pinned);
    if (!all && in_memory(l, of, &mem)) {
        x64_alu_mi(l->a, ALU_CMP, W32, mem, 0);
    } else if (!all && (l->loc[of].kind != LOC_NONE || insn->op == IR_CONST)) {
        Reg reg = use_reg(l, of);
        x64_test_rr(l->a, W32, reg, reg);
    } else if (insn->op == IR_SUB) {
        compare(l, insn);
        as_made = true;
    } else if (insn->op == IR_AND && !all) {
        test_and(l, insn);
    } else {
        l->failed |= all && insn->op != IR_ADD;
        compute(l, of);
        as_made = insn->op == IR_ADD;
    }
    unpin(l, pinned);
    flags_are(l, of, as_made);
}

Cc flag_condition(Lower *l, IrRef ref)
{
    const IrInsn *insn = insn_of(l, ref);
    make_flags(l, insn->a, true);
    if (insn->op == IR_OVERFLOW)
        return CC_O;
    return subtracts(l, insn->a) ? CC_AE : CC_B;
}

void carry_in(Lower *l, IrRef ref, bool inverted)
{
    bool opposite = inverted;
    Mem mem;
    if (l->loc[ref].kind == LOC_FLAGS && is_op(l, ref, IR_CARRY))
        opposite ^= flag_condition(l, ref) == CC_AE;
    else if (in_memory(l, ref, &mem))
        x64_bt_mi(l->a, W32, mem, 0);
    else
        x64_bt_ri(l->a, W32, use_reg(l, ref), 0);
    if (opposite)
        x64_cmc(l->a);
    clobber_flags(l);
}

void store_flag(Lower *l, IrField field, IrRef ref)
{
    uint32_t value;
    save_field(l, field);
    if (is_const(l, ref, &value))
        x64_store_imm(l->a, W32, field_mem(field), (int32_t)value);
    else if (l->loc[ref].kind == LOC_FLAGS)
        x64_setcc_m(l->a, flag_condition(l, ref), field_mem(field));
    else
        x64_store(l->a, W32, field_mem(field), use_reg(l, ref));
}

void store_flags(Lower *l, const IrFlags *flags)
{
    static const bool nothing_pinned[TEMPS];
    for (IrField f = FIELD_NF; f <= FIELD_VF; f++) {
        if (flags->value[f] != IR_NO_REF)
            store_flag(l, f, flags->value[f]);
        unpin(l, nothing_pinned);
    }
}

/* ---- Conditions -------------------------------------------------------------------------------------- */

/* The operation whose flags f are, if its host flags would tell: IR_NO_REF if there is none. */
static IrRef origin(const Lower *l, const IrFlags *flags, IrField f)
{
    IrRef ref = flags->value[f];
    if (ref == IR_NO_REF)
        return IR_NO_REF;
    if (f == FIELD_NF || f == FIELD_ZF)
        return ref;
    if (is_op(l, ref, f == FIELD_CF ? IR_CARRY : IR_OVERFLOW)) {
        IrRef of = insn_of(l, ref)->a;
        bool again = is_op(l, of, IR_ADD) || is_op(l, of, IR_SUB);
        return again || (l->host_flags == of && l->host_flags_all) ? of : IR_NO_REF;
    }
    return IR_NO_REF;
}

/* The one operation that all needed flags come from. */
static IrRef common_origin(const Lower *l, const IrCond *cond)
{
    uint8_t needs = ir_cond_needs(cond->cond);
    IrRef of = IR_NO_REF;
    bool first = true;
    for (IrField f = FIELD_NF; f <= FIELD_VF; f++) {
        if (!(needs >> f & 1))
            continue;
        IrRef one = origin(l, &cond->flags, f);
        if (one == IR_NO_REF || (!first && one != of))
            return IR_NO_REF;
        of = one;
        first = false;
    }
    return of;
}

enum { COND_EQ = 0, COND_CS = 2, COND_MI = 4, COND_VS = 6, COND_HI = 8, COND_GE = 10, COND_GT = 12 };

/* After a comparison with 0 only the value is to be looked at: carry is set, and overflow is not. */
static bool condition_of_zero(Lower *l, const IrCond *cond, Cc *cc)
{
    const IrFlags *flags = &cond->flags;
    IrRef value = flags->value[FIELD_NF];
    uint32_t carry, overflow;
    unsigned base = cond->cond & ~1u;
    if (base < COND_HI || value == IR_NO_REF || value != flags->value[FIELD_ZF] ||
        l->loc[value].kind == LOC_NONE || !is_const(l, flags->value[FIELD_CF], &carry) || !carry ||
        !is_const(l, flags->value[FIELD_VF], &overflow) || overflow)
        return false;
    clobber_flags(l); /* those of the operation that made the value may say something else */
    make_flags(l, value, false);
    *cc = base == COND_HI ? CC_NE : base == COND_GE ? CC_GE : CC_G;
    return true;
}

static bool direct_condition(Lower *l, const IrCond *cond, Cc *cc)
{
    static const uint8_t of_subtraction[] = {CC_E, CC_AE, CC_S, CC_O, CC_A, CC_GE, CC_G};
    IrRef of = common_origin(l, cond);
    unsigned base = cond->cond & ~1u;
    if (of == IR_NO_REF || (base == COND_HI && !subtracts(l, of)))
        return false;
    make_flags(l, of, base != COND_EQ && base != COND_MI);
    *cc = (Cc)of_subtraction[base / 2];
    if (base == COND_CS && !subtracts(l, of))
        *cc = CC_B;
    return true;
}

static Reg copy_flag(Lower *l, const IrFlags *flags, IrField f)
{
    if (flags->value[f] != IR_NO_REF)
        return use_copy(l, flags->value[f]);
    Reg reg = scratch(l);
    x64_load(l->a, field_width(f), reg, field_mem(f));
    return reg;
}

static void alu_flag(Lower *l, AluOp op, Reg dst, const IrFlags *flags, IrField f)
{
    if (flags->value[f] != IR_NO_REF)
        alu_operand(l, op, dst, flags->value[f]);
    else
        x64_alu_rm(l->a, op, field_width(f), dst, field_mem(f));
}

static void test_flag(Lower *l, const IrFlags *flags, IrField f)
{
    if (flags->value[f] == IR_NO_REF) {
        x64_alu_mi(l->a, ALU_CMP, field_width(f), field_mem(f), 0);
        return;
    }
    Reg reg = use_reg(l, flags->value[f]);
    x64_test_rr(l->a, W32, reg, reg);
}

/* N != V as 0 or 1. */
static Reg sign_differs(Lower *l, const IrFlags *flags)
{
    Reg reg = copy_flag(l, flags, FIELD_NF);
    x64_shift_ri(l->a, SHIFT_OP_SHR, W32, reg, 31);
    clobber_flags(l);
    alu_flag(l, ALU_XOR, reg, flags, FIELD_VF);
    return reg;
}

static Cc composed_condition(Lower *l, const IrCond *cond)
{
    const IrFlags *flags = &cond->flags;
    Reg reg;
    switch (cond->cond & ~1u) {
    case COND_EQ:
        test_flag(l, flags, FIELD_ZF);
        return CC_E;
    case COND_CS:
        test_flag(l, flags, FIELD_CF);
        return CC_NE;
    case COND_MI:
        test_flag(l, flags, FIELD_NF);
        return CC_S;
    case COND_VS:
        test_flag(l, flags, FIELD_VF);
        return CC_NE;
    case COND_HI:
        reg = copy_flag(l, flags, FIELD_CF);
        x64_unary(l->a, UNARY_NEG, W32, reg);
        clobber_flags(l);
        alu_flag(l, ALU_AND, reg, flags, FIELD_ZF);
        return CC_NE;
    case COND_GE:
        sign_differs(l, flags);
        return CC_E;
    default:
        reg = sign_differs(l, flags);
        x64_alu_ri(l->a, ALU_SUB, W32, reg, 1);
        clobber_flags(l);
        alu_flag(l, ALU_AND, reg, flags, FIELD_ZF);
        return CC_NE;
    }
}

Cc condition(Lower *l, const IrCond *cond)
{
    Cc cc;
    if (fp_condition(l, cond, &cc)) {
        clobber_flags(l);
    } else if (!condition_of_zero(l, cond, &cc) && !direct_condition(l, cond, &cc)) {
        cc = composed_condition(l, cond);
        clobber_flags(l);
    }
    return cond->cond & 1 ? cc_not(cc) : cc;
}
