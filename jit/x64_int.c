/* Integers: arithmetic, shifts, comparisons, selection, 64 bits. */
#include "jit/x64_lower.h"

/* ---- Arithmetic -------------------------------------------------------------------------------------- */

/* The result in dst by a two-operand operation: dst := a, dst op= b. */
static void two_operands(Lower *l, const IrInsn *insn, AluOp op, bool commutes)
{
    IrRef x = insn->a, y = insn->b;
    uint32_t value;
    Mem mem;
    bool y_plain = is_const(l, y, &value) || in_memory(l, y, &mem);
    Reg rx = is_const(l, x, &value) ? REG_NONE : use_reg(l, x);
    Reg ry = x == y ? rx : y_plain ? REG_NONE : use_reg(l, y);
    Reg dst = define(l, rx);
    if (dst == ry && ry != REG_NONE && dst != rx) {
        if (commutes) {
            alu_operand(l, op, dst, x);
            return;
        }
        Reg t = scratch(l);
        if (rx == REG_NONE)
            x64_mov_ri(l->a, t, insn_of(l, x)->imm);
        else
            x64_mov_rr(l->a, W32, t, rx);
        x64_alu_rr(l->a, op, W32, t, ry);
        x64_mov_rr(l->a, W32, dst, t);
        return;
    }
    if (rx == REG_NONE)
        x64_mov_ri(l->a, dst, insn_of(l, x)->imm);
    else if (rx != dst)
        x64_mov_rr(l->a, W32, dst, rx);
    if (ry != REG_NONE)
        x64_alu_rr(l->a, op, W32, dst, ry);
    else
        alu_operand(l, op, dst, y);
}

/* An addition whose flags nobody needs may be an address computation, with a destination of its own. */
static bool lea_instead(Lower *l, const IrInsn *insn)
{
    uint32_t value;
    Mem mem;
    if (insn->used & IR_USED_FLAGS || in_memory(l, insn->b, &mem))
        return false;
    bool constant = is_const(l, insn->b, &value);
    Reg rx = use_reg(l, insn->a);
    if (constant) {
        Reg dst = define(l, rx);
        int32_t disp = (int32_t)(insn->op == IR_SUB ? -value : value);
        if (dst == rx) {
            clobber_flags(l);
            x64_alu_ri(l->a, insn->op == IR_SUB ? ALU_SUB : ALU_ADD, W32, dst, (int32_t)value);
        } else {
            x64_lea(l->a, W32, dst, mem_at(rx, disp));
        }
        return true;
    }
    if (insn->op == IR_SUB)
        return false;
    Reg ry = use_reg(l, insn->b);
    Reg dst = define(l, rx);
    if (dst == rx || dst == ry) {
        clobber_flags(l);
        x64_alu_rr(l->a, ALU_ADD, W32, dst, dst == rx ? ry : rx);
    } else {
        x64_lea(l->a, W32, dst, mem_index(rx, ry, 1, 0));
    }
    return true;
}

void lower_add_sub(Lower *l, const IrInsn *insn)
{
    if (!(insn->used & IR_USED_VALUE))
        return; /* a comparison: made where its flags are used */
    uint32_t value;
    if (!is_const(l, insn->a, &value) && lea_instead(l, insn))
        return;
    clobber_flags(l);
    two_operands(l, insn, insn->op == IR_ADD ? ALU_ADD : ALU_SUB, insn->op == IR_ADD);
    flags_are(l, l->at, true);
}

void lower_logic(Lower *l, const IrInsn *insn)
{
    static const uint8_t op[IR_OPS] = {[IR_AND] = ALU_AND, [IR_OR] = ALU_OR, [IR_XOR] = ALU_XOR};
    uint32_t value;
    if (!(insn->used & IR_USED_VALUE) && insn->op != IR_OR)
        return;
    clobber_flags(l);
    if (insn->op == IR_AND && is_const(l, insn->b, &value) && (value == 0xff || value == 0xffff)) {
        Reg rx = use_reg(l, insn->a);
        x64_movzx(l->a, value == 0xff ? W8 : W16, define(l, rx), rx);
        return;
    }
    two_operands(l, insn, (AluOp)op[insn->op], true);
    flags_are(l, l->at, false);
}

void lower_adc_sbc(Lower *l, const IrInsn *insn)
{
    bool subtract = insn->op == IR_SBC;
    uint32_t value;
    Mem mem;
    /* Whatever needs arithmetic to be found comes before the carry. */
    if (!is_const(l, insn->b, &value) && !in_memory(l, insn->b, &mem))
        use_reg(l, insn->b);
    Reg t = use_copy(l, insn->a);
    carry_in(l, insn->c, subtract);
    alu_operand(l, subtract ? ALU_SBB : ALU_ADC, t, insn->b);
    flags_are(l, l->at, true);
    unsigned hint = insn->hint;
    if (hint && home_of(hint - 1u) != REG_NONE)
        x64_mov_rr(l->a, W32, define(l, REG_NONE), t);
    else
        define_in(l, t);
}

void lower_mul(Lower *l, const IrInsn *insn)
{
    uint32_t value;
    Reg rx = use_reg(l, insn->a);
    if (is_const(l, insn->b, &value)) {
        clobber_flags(l);
        x64_imul_rri(l->a, W32, define(l, rx), rx, (int32_t)value);
        return;
    }
    Reg ry = use_reg(l, insn->b);
    Reg dst = define(l, rx);
    clobber_flags(l);
    if (dst == ry) {
        x64_imul_rr(l->a, W32, dst, rx);
    } else {
        if (dst != rx)
            x64_mov_rr(l->a, W32, dst, rx);
        x64_imul_rr(l->a, W32, dst, ry);
    }
}

static Reg unary_operand(Lower *l, const IrInsn *insn)
{
    Mem mem;
    if (in_memory(l, insn->a, &mem) && needed_after(l, insn->a)) {
        Reg dst = define(l, REG_NONE);
        move_to(l, dst, insn->a);
        return dst;
    }
    Reg rx = use_reg(l, insn->a);
    Reg dst = define(l, rx);
    if (dst != rx)
        x64_mov_rr(l->a, W32, dst, rx);
    return dst;
}

void lower_shift(Lower *l, const IrInsn *insn)
{
    static const uint8_t op[IR_OPS] = {
        [IR_SHL] = SHIFT_OP_SHL, [IR_SHR] = SHIFT_OP_SHR, [IR_SAR] = SHIFT_OP_SAR, [IR_ROR] = SHIFT_OP_ROR};
    Reg dst = unary_operand(l, insn);
    clobber_flags(l);
    x64_shift_ri(l->a, (ShiftOp)op[insn->op], W32, dst, insn->imm);
}

void lower_simple(Lower *l, const IrInsn *insn)
{
    Reg dst = unary_operand(l, insn);
    if (insn->op == IR_NOT)
        x64_unary(l->a, UNARY_NOT, W32, dst);
    else
        x64_bswap(l->a, W32, dst);
}

void lower_bits(Lower *l, const IrInsn *insn)
{
    unsigned lsb = insn->imm & 0xff, width = insn->imm >> 8;
    bool is_signed = insn->op == IR_SBITS;
    if (lsb == 0 && (width == 8 || width == 16)) {
        Reg rx = use_reg(l, insn->a);
        Reg dst = define(l, rx);
        if (is_signed)
            x64_movsx(l->a, (Width)width, dst, rx);
        else
            x64_movzx(l->a, (Width)width, dst, rx);
        return;
    }
    Reg dst = unary_operand(l, insn);
    clobber_flags(l);
    unsigned left = 32 - width - lsb, right = 32 - width;
    if (!is_signed && width <= 31 && lsb == 0) {
        x64_alu_ri(l->a, ALU_AND, W32, dst, (int32_t)(UINT32_MAX >> right));
        return;
    }
    if (!is_signed && left && width < 31) {
        x64_shift_ri(l->a, SHIFT_OP_SHR, W32, dst, lsb);
        x64_alu_ri(l->a, ALU_AND, W32, dst, (int32_t)(UINT32_MAX >> right));
        return;
    }
    if (left)
        x64_shift_ri(l->a, SHIFT_OP_SHL, W32, dst, left);
    x64_shift_ri(l->a, is_signed ? SHIFT_OP_SAR : SHIFT_OP_SHR, W32, dst, right);
}

void lower_insert(Lower *l, const IrInsn *insn)
{
    unsigned lsb = insn->imm & 0xff, width = insn->imm >> 8;
    uint32_t mask = UINT32_MAX >> (32 - width);
    Reg piece = use_copy(l, insn->b);
    Reg whole = use_copy(l, insn->a);
    clobber_flags(l);
    x64_alu_ri(l->a, ALU_AND, W32, piece, (int32_t)mask);
    if (lsb)
        x64_shift_ri(l->a, SHIFT_OP_SHL, W32, piece, lsb);
    x64_alu_ri(l->a, ALU_AND, W32, whole, (int32_t) ~(mask << lsb));
    x64_alu_rr(l->a, ALU_OR, W32, whole, piece);
    define_in(l, whole);
}

void lower_clz(Lower *l, const IrInsn *insn)
{
    Reg rx = use_reg(l, insn->a);
    clobber_flags(l);
    if (l->runtime->host & HOST_LZCNT) {
        x64_lzcnt(l->a, W32, define(l, rx), rx);
        return;
    }
    /* 2x + 1 has its highest bit one place higher, and is never 0. */
    Reg t = scratch(l);
    x64_lea(l->a, W64, t, mem_index(rx, rx, 1, 1));
    x64_bsr(l->a, W64, t, t);
    x64_unary(l->a, UNARY_NEG, W32, t);
    x64_alu_ri(l->a, ALU_ADD, W32, t, 32);
    define_in(l, t);
}

/* ---- Shifts by a register ---------------------------------------------------------------------------- */

/* t, which holds x, is shifted by the low byte of RCX: amounts of 32 and more give 0, or the sign. The 64-bit
 * shift takes six bits of the amount, which must be cut to them. */
static void shift_by_rcx(Lower *l, IrOp op, Reg t)
{
    Asm *a = l->a;
    if (op == IR_RORV) {
        x64_shift_cl(a, SHIFT_OP_ROR, W32, t);
        return;
    }
    x64_movzx(a, W8, RCX, RCX);
    x64_alu_ri(a, ALU_CMP, W32, RCX, 63);
    Patch small = x64_jcc_short(a, CC_BE);
    x64_mov_ri(a, RCX, 63);
    x64_patch_short(small, a->at);
    if (op == IR_SARV)
        x64_movsx(a, W32, t, t);
    x64_shift_cl(a, op == IR_SHLV ? SHIFT_OP_SHL : op == IR_SHRV ? SHIFT_OP_SHR : SHIFT_OP_SAR, W64, t);
    x64_mov_rr(a, W32, t, t);
}

void lower_shift_by(Lower *l, const IrInsn *insn)
{
    scratch_rcx(l);
    move_to(l, RCX, insn->b);
    Reg t = use_copy(l, insn->a);
    clobber_flags(l);
    shift_by_rcx(l, (IrOp)insn->op, t);
    define_in(l, t);
}

/* Carry out of a shift by a register: for an amount n of 1 to 255 the bit that went out last. */
void lower_shift_carry(Lower *l, const IrInsn *insn)
{
    Asm *a = l->a;
    scratch_rcx(l);
    Reg out = use_copy(l, insn->c);
    move_to(l, RCX, insn->b);
    Reg t = use_copy(l, insn->a);
    clobber_flags(l);
    x64_movzx(a, W8, RCX, RCX);
    x64_test_rr(a, W32, RCX, RCX);
    Patch none = x64_jcc_short(a, CC_E);
    if (insn->op == IR_RORV_C) {
        x64_shift_cl(a, SHIFT_OP_ROR, W32, t);
        x64_shift_ri(a, SHIFT_OP_SHR, W32, t, 31);
        x64_mov_rr(a, W32, out, t);
    } else {
        x64_alu_ri(a, ALU_CMP, W32, RCX, 63);
        Patch small = x64_jcc_short(a, CC_BE);
        x64_mov_ri(a, RCX, 63);
        x64_patch_short(small, a->at);
        if (insn->op == IR_SHLV_C) {
            x64_shift_cl(a, SHIFT_OP_SHL, W64, t);
            x64_shift_ri(a, SHIFT_OP_SHR, W64, t, 32);
        } else {
            if (insn->op == IR_SARV_C)
                x64_movsx(a, W32, t, t);
            x64_alu_ri(a, ALU_SUB, W32, RCX, 1);
            x64_shift_cl(a, insn->op == IR_SARV_C ? SHIFT_OP_SAR : SHIFT_OP_SHR, W64, t);
        }
        x64_alu_ri(a, ALU_AND, W32, t, 1);
        x64_mov_rr(a, W32, out, t);
    }
    x64_patch_short(none, a->at);
    define_in(l, out);
}

/* ---- Comparisons and selection ----------------------------------------------------------------------- */

void define_condition(Lower *l, Cc cc)
{
    Reg dst = define(l, REG_NONE);
    x64_setcc_r(l->a, cc, dst);
    x64_movzx(l->a, W8, dst, dst);
}

void lower_less(Lower *l, const IrInsn *insn)
{
    alu_operand(l, ALU_CMP, use_reg(l, insn->a), insn->b);
    clobber_flags(l);
    define_condition(l, insn->op == IR_LTU ? CC_B : CC_L);
}

void lower_eqz(Lower *l, const IrInsn *insn)
{
    Reg rx = use_reg(l, insn->a);
    clobber_flags(l);
    x64_test_rr(l->a, W32, rx, rx);
    define_condition(l, CC_E);
}

void lower_select(Lower *l, const IrInsn *insn)
{
    Mem mem;
    Cc cc = CC_NE;
    bool from_flags = l->loc[insn->a].kind == LOC_FLAGS && l->loc[insn->b].kind != LOC_FLAGS &&
                      l->loc[insn->c].kind != LOC_FLAGS;
    if (from_flags)
        cc = flag_condition(l, insn->a);
    Reg t = use_copy(l, insn->c);
    Reg yes = use_reg(l, insn->b);
    if (from_flags) {
        ; /* they are there, and moves keep them */
    } else if (in_memory(l, insn->a, &mem)) {
        x64_alu_mi(l->a, ALU_CMP, W32, mem, 0);
        clobber_flags(l);
    } else {
        Reg cond = use_reg(l, insn->a);
        x64_test_rr(l->a, W32, cond, cond);
        clobber_flags(l);
    }
    x64_cmov(l->a, cc, W32, t, yes);
    define_in(l, t);
}

/* Both values are at hand before the condition is looked at: from there on there are only moves. */
void lower_select_if(Lower *l, const IrInsn *insn)
{
    Reg yes = use_reg(l, insn->a), no = use_reg(l, insn->b);
    Cc cc = condition(l, &l->ir->cond[insn->imm]);
    Reg dst = define(l, REG_NONE);
    if (dst == yes) {
        x64_cmov(l->a, cc_not(cc), W32, dst, no);
        return;
    }
    if (dst != no)
        x64_mov_rr(l->a, W32, dst, no);
    x64_cmov(l->a, cc, W32, dst, yes);
}

/* ---- 64 bits ----------------------------------------------------------------------------------------- */

void lower_mul64(Lower *l, const IrInsn *insn)
{
    Reg t = use_copy(l, insn->a);
    if (insn->op == IR_MULS64) {
        Reg u = use_copy(l, insn->b);
        x64_movsx(l->a, W32, t, t);
        x64_movsx(l->a, W32, u, u);
        x64_imul_rr(l->a, W64, t, u);
    } else {
        x64_imul_rr(l->a, W64, t, use_reg(l, insn->b));
    }
    clobber_flags(l);
    define_in(l, t);
}

void lower_wide(Lower *l, const IrInsn *insn)
{
    Asm *a = l->a;
    bool two = insn->op == IR_PAIR || insn->op == IR_ADD64 || insn->op == IR_SUB64;
    Reg t = use_copy(l, insn->a), other = two ? use_reg(l, insn->b) : REG_NONE;
    clobber_flags(l);
    switch (insn->op) {
    case IR_PAIR:
        x64_shift_ri(a, SHIFT_OP_SHL, W64, t, 32);
        x64_alu_rr(a, ALU_OR, W64, t, other);
        break;
    case IR_SEXT64:
        x64_movsx(a, W32, t, t);
        break;
    case IR_ADD64:
    case IR_SUB64:
        x64_alu_rr(a, insn->op == IR_ADD64 ? ALU_ADD : ALU_SUB, W64, t, other);
        break;
    case IR_SHL64:
    case IR_SAR64:
        if (insn->imm)
            x64_shift_ri(a, insn->op == IR_SHL64 ? SHIFT_OP_SHL : SHIFT_OP_SAR, W64, t, insn->imm);
        break;
    case IR_LOW:
        x64_mov_rr(a, W32, t, t);
        break;
    case IR_HIGH:
        x64_shift_ri(a, SHIFT_OP_SHR, W64, t, 32);
        break;
    default: /* ZEXT64: values of 32 bits are kept so */
        break;
    }
    define_in(l, t);
}
