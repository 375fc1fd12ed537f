/* IR to x86-64: one function per kind of operation, in the order of the block, values placed as it goes.
 *
 * A block's code:
 *
 *     far entry   EAX is the guest address: the page it is in becomes the current one
 *     entry       a loop loads what it keeps in XMM registers
 *     again       where it goes back to: the block's instructions are taken off the budget; if there are not
 * so many: exit
 *     ...         operations; links to blocks of the same page are jumps that can be patched
 *
 * and among the buffer's rare code:
 *
 *     stubs       slow paths, exits
 *
 * The entry's first bytes become a jump when the block is dropped. */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

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

static void lower_add_sub(Lower *l, const IrInsn *insn)
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

static void lower_logic(Lower *l, const IrInsn *insn)
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

static void lower_adc_sbc(Lower *l, const IrInsn *insn)
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

static void lower_mul(Lower *l, const IrInsn *insn)
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

static void lower_shift(Lower *l, const IrInsn *insn)
{
    static const uint8_t op[IR_OPS] = {
        [IR_SHL] = SHIFT_OP_SHL, [IR_SHR] = SHIFT_OP_SHR, [IR_SAR] = SHIFT_OP_SAR, [IR_ROR] = SHIFT_OP_ROR};
    Reg dst = unary_operand(l, insn);
    clobber_flags(l);
    x64_shift_ri(l->a, (ShiftOp)op[insn->op], W32, dst, insn->imm);
}

static void lower_simple(Lower *l, const IrInsn *insn)
{
    Reg dst = unary_operand(l, insn);
    if (insn->op == IR_NOT)
        x64_unary(l->a, UNARY_NOT, W32, dst);
    else
        x64_bswap(l->a, W32, dst);
}

static void lower_bits(Lower *l, const IrInsn *insn)
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

static void lower_insert(Lower *l, const IrInsn *insn)
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

static void lower_clz(Lower *l, const IrInsn *insn)
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

static void lower_shift_by(Lower *l, const IrInsn *insn)
{
    scratch_rcx(l);
    move_to(l, RCX, insn->b);
    Reg t = use_copy(l, insn->a);
    clobber_flags(l);
    shift_by_rcx(l, (IrOp)insn->op, t);
    define_in(l, t);
}

/* Carry out of a shift by a register: for an amount n of 1 to 255 the bit that went out last. */
static void lower_shift_carry(Lower *l, const IrInsn *insn)
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

static void define_condition(Lower *l, Cc cc)
{
    Reg dst = define(l, REG_NONE);
    x64_setcc_r(l->a, cc, dst);
    x64_movzx(l->a, W8, dst, dst);
}

static void lower_less(Lower *l, const IrInsn *insn)
{
    alu_operand(l, ALU_CMP, use_reg(l, insn->a), insn->b);
    clobber_flags(l);
    define_condition(l, insn->op == IR_LTU ? CC_B : CC_L);
}

static void lower_eqz(Lower *l, const IrInsn *insn)
{
    Reg rx = use_reg(l, insn->a);
    clobber_flags(l);
    x64_test_rr(l->a, W32, rx, rx);
    define_condition(l, CC_E);
}

static void lower_select(Lower *l, const IrInsn *insn)
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
static void lower_select_if(Lower *l, const IrInsn *insn)
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

static void lower_mul64(Lower *l, const IrInsn *insn)
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

static void lower_wide(Lower *l, const IrInsn *insn)
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

/* ---- Guest state ------------------------------------------------------------------------------------- */

static void lower_pcrel(Lower *l, const IrInsn *insn)
{
    Reg dst = define(l, REG_NONE);
    x64_load(l->a, W32, dst, CPU_FIELD(page_va));
    if (insn->imm)
        x64_lea(l->a, W32, dst, mem_at(dst, (int32_t)insn->imm));
}

static void lower_set_field(Lower *l, const IrInsn *insn)
{
    uint32_t value;
    if (insn->imm < FIELD_Q) {
        store_flag(l, (IrField)insn->imm, insn->a);
        return;
    }
    save_field(l, insn->imm);
    if (is_const(l, insn->a, &value))
        x64_store_imm(l->a, W8, field_mem((IrField)insn->imm), (int8_t)value);
    else
        x64_store(l->a, W8, field_mem((IrField)insn->imm), use_reg(l, insn->a));
}

static void lower_or_field(Lower *l, const IrInsn *insn)
{
    save_field(l, insn->imm);
    Reg reg = use_reg(l, insn->a);
    clobber_flags(l);
    x64_alu_mr(l->a, ALU_OR, W8, field_mem((IrField)insn->imm), reg);
}

/* Carry and overflow of sums with a carry are found at once; of others, where they are used. */
static void lower_flag_of(Lower *l, const IrInsn *insn)
{
    IrOp of = (IrOp)insn_of(l, insn->a)->op;
    if (of == IR_ADD || of == IR_SUB) {
        define_as(l, (Loc){LOC_FLAGS, 0});
        return;
    }
    Cc cc = flag_condition(l, l->at);
    define_condition(l, cc);
}

static void lower_store_at(Lower *l, const IrInsn *insn)
{
    uint32_t value;
    Mem mem = mem_at(use_reg(l, insn->a), (int32_t)insn->imm);
    if (is_const(l, insn->b, &value))
        x64_store_imm(l->a, W32, mem, (int32_t)value);
    else
        x64_store(l->a, W32, mem, use_reg(l, insn->b));
}

/* ---- Control ----------------------------------------------------------------------------------------- */

static void add_link(Lower *l, Patch patch, uint32_t offset, uint8_t itstate)
{
    X64Exits *exits = l->exits;
    if (exits->links == X64_MAX_LINKS) {
        l->failed = true;
        return;
    }
    exits->link[exits->links++] = (X64Link){.patch = (uint32_t)(patch - l->base),
                                            .offset = offset,
                                            .itstate = itstate,
                                            .thumb = l->block->key.thumb};
}

/* Of the block's end, where an IT block may go on. */
static uint8_t itstate_at(const Lower *l, uint32_t offset)
{
    const Insn *last = &l->block->insn[l->block->count - 1];
    return offset == (uint32_t)last->offset + last->length ? l->block->next_itstate : 0;
}

/* How many of the block's instructions are behind the present one: they are not executed if it is left here.
 */
static unsigned not_begun(const Lower *l)
{
    return l->insn < l->block->count ? l->block->count - l->insn - 1 : 0;
}

static void give_back(Lower *l, unsigned insns)
{
    if (insns)
        x64_alu_ri(l->a, ALU_ADD, W64, REG_BUDGET, (int32_t)insns);
}

static bool is_own_start(const Lower *l, const IrInsn *exit)
{
    return exit->imm == (l->block->key.pa & ~PAGE_MASK) && !exit->c && l->block->key.itstate == 0;
}

/* EAX is the guest address with its Thumb bit. Returns the branch that is taken if it is not in the jump
 * cache. */
static Patch far_jump(Lower *l)
{
    Asm *a = l->a;
    x64_load(a, W64, RDX, CPU_FIELD(jumps));
    x64_mov_rr(a, W32, RCX, RAX);
    x64_alu_ri(a, ALU_AND, W32, RCX, JUMP_MASK);
    x64_alu_rm(a, ALU_CMP, W32, RAX, mem_index(RDX, RCX, 4, (int32_t)offsetof(JumpEntry, key)));
    Patch miss = x64_jcc(a, CC_NE);
    x64_jmp_m(a, mem_index(RDX, RCX, 4, (int32_t)offsetof(JumpEntry, code)));
    return miss;
}

/* A 32-bit constant that is written when the link is made, and is not what a stamp or an address can be
 * before. */
enum { NOT_LINKED = 0x7fffffff };

static void far_link(Lower *l, uint32_t offset, bool thumb)
{
    Asm *a = l->a;
    X64Exits *exits = l->exits;
    if (exits->links == X64_MAX_LINKS) {
        l->failed = true;
        return;
    }
    Patch *elsewhere = l->elsewhere[exits->links];
    X64Link *link = &exits->link[exits->links++];
    *link = (X64Link){.offset = offset, .thumb = thumb, .far = true};
    x64_alu_mi(a, ALU_CMP, W32, CPU_FIELD(page_va), NOT_LINKED);
    const uint8_t *from_page = a->at - 4;
    elsewhere[0] = x64_jcc(a, CC_NE);
    x64_alu_mi(a, ALU_CMP, W32, CPU_FIELD(stamp[0]), NOT_LINKED);
    const uint8_t *stamp = a->at - 4;
    elsewhere[1] = x64_jcc(a, CC_NE);
    x64_store_imm(a, W32, CPU_FIELD(page_va), NOT_LINKED);
    const uint8_t *page = a->at - 4;
    Patch patch = x64_jmp(a);
    link->patch = (uint32_t)(patch - l->base);
    assert(a->full ||
           (from_page == patch + FAR_FROM_PAGE && stamp == patch + FAR_STAMP && page == patch + FAR_PAGE));
}

/* Where a link to another page goes that is not good now. */
static void far_link_elsewhere(Lower *l, unsigned number)
{
    Asm *a = l->a;
    X64Link *link = &l->exits->link[number];
    const Patch *elsewhere = l->elsewhere[number];
    x64_patch(elsewhere[0], a->at);
    x64_patch(elsewhere[1], a->at);
    link->other = (uint32_t)(x64_jmp(a) - l->base);
    x64_load(a, W32, RAX, CPU_FIELD(page_va));
    x64_alu_ri(a, ALU_ADD, W32, RAX, (int32_t)(link->offset | link->thumb));
    Patch miss = far_jump(l);
    x64_patch(miss, a->at);
    x64_store_imm(a, W32, CPU_FIELD(jit_exit), (int32_t)(EXIT_LINK + number));
    add_number(l);
    x64_jmp_to(a, l->runtime->exit_link);
}

/* In an IT block ITSTATE goes along to the next page, which the jump cache knows nothing of: that exit is a
 * link too, but never linked. */
static void lower_exit(Lower *l, const IrInsn *insn)
{
    give_back(l, not_begun(l));
    if ((insn->imm < PAGE_SIZE && !insn->c) || (insn->imm == PAGE_SIZE && l->block->next_itstate)) {
        if (is_own_start(l, insn))
            settle_loop_xmms(l);
        add_link(l, x64_jmp(l->a), insn->imm, itstate_at(l, insn->imm));
        return;
    }
    far_link(l, insn->imm, l->block->key.thumb ^ insn->c);
}

static void lower_exit_if(Lower *l, const IrInsn *insn)
{
    if (l->sides == SIDE_EXITS) {
        l->failed = true;
        return;
    }
    Cc cc = condition(l, ir_condition(l->ir, insn));
    SideExit *side = &l->side[l->sides++];
    keep_books(l, &side->books);
    side->flags = l->ir->snap[insn->snap];
    side->host_flags = l->host_flags;
    side->host_flags_all = l->host_flags_all;
    side->not_begun = not_begun(l);
    side->offset = insn->imm >> 16;
    side->from = x64_jcc(l->a, cc);
}

static void emit_side_exits(Lower *l)
{
    for (unsigned n = 0; n < l->sides && !l->a->full; n++) {
        const SideExit *side = &l->side[n];
        x64_patch(side->from, l->a->at);
        enter_books(l, &side->books);
        l->at--; /* what is last needed here may be asked for by several flags */
        flags_are(l, side->host_flags, side->host_flags_all);
        store_flags(l, &side->flags);
        give_back(l, side->not_begun);
        add_link(l, x64_jmp(l->a), side->offset, 0);
    }
}

static void lower_exit_to(Lower *l, const IrInsn *insn)
{
    give_back(l, not_begun(l));
    move_to(l, RAX, insn->a);
    x64_patch(far_jump(l), l->runtime->exit_far - l->a->to_run);
}

static IrRef next_op(const Lower *l, IrRef at)
{
    do
        at++;
    while (at < l->ir->count && l->ir->insn[at].op == IR_NOP);
    return at;
}

static IrRef find_label(const Lower *l, IrRef skip)
{
    IrRef at = skip;
    while (l->ir->insn[at].op != IR_LABEL)
        at++;
    return at;
}

/* A conditional branch within the page is one jump. Returns true if that was it. */
static bool exit_if(Lower *l, Cc cc)
{
    IrRef exit = next_op(l, l->at), label = next_op(l, exit);
    if (not_begun(l) || insn_of(l, exit)->op != IR_EXIT || insn_of(l, exit)->imm >= PAGE_SIZE ||
        insn_of(l, exit)->c || insn_of(l, label)->op != IR_LABEL)
        return false;
    if (is_own_start(l, insn_of(l, exit)))
        settle_loop_xmms(l);
    uint32_t offset = insn_of(l, exit)->imm;
    add_link(l, x64_jcc(l->a, cc), offset, itstate_at(l, offset));
    l->at = label;
    return true;
}

static void lower_skip(Lower *l, const IrInsn *insn)
{
    Cc cc = CC_NE;
    keep_before_skip(l, find_label(l, l->at));
    if (insn->op == IR_SKIP_UNLESS) {
        cc = condition(l, &l->ir->cond[insn->imm]);
    } else {
        Reg reg = use_reg(l, insn->a);
        x64_test_rr(l->a, W32, reg, reg);
        clobber_flags(l);
    }
    if (exit_if(l, cc))
        return;
    l->skip = x64_jcc(l->a, cc_not(cc));
    live_after(l, find_label(l, l->at), &l->at_skip);
    memcpy(l->spill_at_skip, l->spill, sizeof l->spill);
    l->copies_at_skip = l->xmm.copies;
    l->skip_flags = l->host_flags;
    l->skip_flags_all = l->host_flags_all;
}

static void lower_label(Lower *l, const IrInsn *insn)
{
    (void)insn;
    restore_at_label(l);
    x64_patch(l->skip, l->a->at);
    merge_xmms(l, &l->copies_at_skip);
    if (l->host_flags != l->skip_flags)
        clobber_flags(l);
    l->host_flags_all &= l->skip_flags_all;
}

/* ---- All operations ---------------------------------------------------------------------------------- */

/* A guest instruction begins. */
static void lower_insn(Lower *l, const IrInsn *insn)
{
    l->at--;
    close_sites(l);
    l->at++;
    l->insn = insn->imm;
}

static void lower_const(Lower *l, const IrInsn *insn)
{
    (void)insn;
    define_as(l, (Loc){LOC_CONST, 0});
}

static void lower_get_reg(Lower *l, const IrInsn *insn)
{
    read_guest(l, insn->imm);
}

static void lower_set_reg(Lower *l, const IrInsn *insn)
{
    store_guest(l, insn->imm, insn->a);
}

static void lower_get_field(Lower *l, const IrInsn *insn)
{
    define_as(l, (Loc){LOC_FIELD, (uint8_t)insn->imm});
}

static void lower_load_at(Lower *l, const IrInsn *insn)
{
    (void)insn;
    define_as(l, (Loc){LOC_AT, 0});
}

static void lower_get_cpu(Lower *l, const IrInsn *insn)
{
    x64_load(l->a, W32, define(l, REG_NONE), CPU_OFFSET(insn->imm));
}

/* Operation l->at is lowered; it may go on to a later one that it has lowered, too. */
static void (*const lowering[IR_OPS])(Lower *l, const IrInsn *insn) = {
    [IR_CONST] = lower_const,
    [IR_PCREL] = lower_pcrel,
    [IR_GET_REG] = lower_get_reg,
    [IR_SET_REG] = lower_set_reg,
    [IR_GET_FIELD] = lower_get_field,
    [IR_SET_FIELD] = lower_set_field,
    [IR_OR_FIELD] = lower_or_field,

    [IR_ADD] = lower_add_sub,
    [IR_SUB] = lower_add_sub,
    [IR_ADC] = lower_adc_sbc,
    [IR_SBC] = lower_adc_sbc,
    [IR_CARRY] = lower_flag_of,
    [IR_OVERFLOW] = lower_flag_of,
    [IR_MUL] = lower_mul,
    [IR_AND] = lower_logic,
    [IR_OR] = lower_logic,
    [IR_XOR] = lower_logic,
    [IR_NOT] = lower_simple,
    [IR_SHL] = lower_shift,
    [IR_SHR] = lower_shift,
    [IR_SAR] = lower_shift,
    [IR_ROR] = lower_shift,
    [IR_SHLV] = lower_shift_by,
    [IR_SHRV] = lower_shift_by,
    [IR_SARV] = lower_shift_by,
    [IR_RORV] = lower_shift_by,
    [IR_SHLV_C] = lower_shift_carry,
    [IR_SHRV_C] = lower_shift_carry,
    [IR_SARV_C] = lower_shift_carry,
    [IR_RORV_C] = lower_shift_carry,
    [IR_UBITS] = lower_bits,
    [IR_SBITS] = lower_bits,
    [IR_INSERT] = lower_insert,
    [IR_CLZ] = lower_clz,
    [IR_BSWAP] = lower_simple,
    [IR_LTU] = lower_less,
    [IR_LTS] = lower_less,
    [IR_EQZ] = lower_eqz,
    [IR_SELECT] = lower_select,
    [IR_SELECT_IF] = lower_select_if,

    [IR_MULU64] = lower_mul64,
    [IR_MULS64] = lower_mul64,
    [IR_PAIR] = lower_wide,
    [IR_ZEXT64] = lower_wide,
    [IR_SEXT64] = lower_wide,
    [IR_ADD64] = lower_wide,
    [IR_SUB64] = lower_wide,
    [IR_SHL64] = lower_wide,
    [IR_SAR64] = lower_wide,
    [IR_LOW] = lower_wide,
    [IR_HIGH] = lower_wide,

    [IR_LOAD] = lower_load,
    [IR_STORE] = lower_store,
    [IR_LOAD_EX] = lower_exclusive,
    [IR_LOAD_EX64] = lower_exclusive,
    [IR_STORE_EX] = lower_exclusive,
    [IR_WORDS_READ] = lower_words,
    [IR_WORDS_WRITE] = lower_words,
    [IR_LOAD_AT] = lower_load_at,
    [IR_STORE_AT] = lower_store_at,

    [IR_GET_WORD] = lower_vector_state,
    [IR_GET_LONG] = lower_vector_state,
    [IR_SET_WORD] = lower_vector_state,
    [IR_SET_LONG] = lower_vector_state,
    [IR_SET_LONG_CONST] = lower_vector_state,
    [IR_GET_S] = lower_vector_state,
    [IR_GET_D] = lower_vector_state,
    [IR_GET_Q] = lower_vector_state,
    [IR_SET_S] = lower_vector_state,
    [IR_SET_D] = lower_vector_state,
    [IR_SET_Q] = lower_vector_state,
    [IR_SPAN_READ] = lower_words,
    [IR_SPAN_WRITE] = lower_words,
    [IR_LOAD_X] = lower_vector_state,
    [IR_STORE_X] = lower_vector_state,
    [IR_FP_ACCESS] = lower_fp,
    [IR_FP_HOST] = lower_fp,
    [IR_FP_BINARY] = lower_fp,
    [IR_FP_UNARY] = lower_fp,
    [IR_FP_SIGN] = lower_fp,
    [IR_FP_COMPARE] = lower_fp,
    [IR_FP_TO_INT] = lower_fp,
    [IR_FP_FROM_INT] = lower_fp,
    [IR_GET_NZCV] = lower_fp,
    [IR_SET_FLAGS] = lower_fp,
    [IR_FP_FLAG] = lower_fp,
    [IR_VEC_CONST] = lower_vec,
    [IR_VEC_UNARY] = lower_vec,
    [IR_VEC_BINARY] = lower_vec,
    [IR_VEC_DUP] = lower_vec,
    [IR_VEC_SATURATED] = lower_vec,
    [IR_VEC_FLOAT] = lower_vec,

    [IR_GUARD] = lower_guard,
    [IR_GET_CPU] = lower_get_cpu,
    [IR_SKIP_UNLESS] = lower_skip,
    [IR_SKIP_IF_ZERO] = lower_skip,
    [IR_EXIT_IF] = lower_exit_if,
    [IR_LABEL] = lower_label,
    [IR_CALL_INSN] = lower_call,
    [IR_EXIT] = lower_exit,
    [IR_EXIT_TO] = lower_exit_to,
    [IR_INSN] = lower_insn,
};

/* ---- A block ----------------------------------------------------------------------------------------- */

static void prologue(Lower *l, Patch *budget)
{
    Asm *a = l->a;
    const uint8_t *base = l->base;
    l->exits->far_entry = (uint32_t)(a->at - base);
    x64_alu_ri(a, ALU_AND, W32, RAX, (int32_t)PAGE_MASK);
    x64_store(a, W32, CPU_FIELD(page_va), RAX);
    l->exits->entry = (uint32_t)(a->at - base);
    load_loop_xmms(l);
    l->exits->again = (uint32_t)(a->at - base);
    x64_alu_ri(a, ALU_SUB, W64, REG_BUDGET, l->block->count);
    *budget = x64_jcc(a, CC_S);
}

static void exit_with(Lower *l, unsigned code)
{
    x64_mov_ri(l->a, RAX, code);
    add_number(l);
    x64_jmp_to(l->a, l->runtime->exit);
}

static void stubs(Lower *l, Patch budget)
{
    Asm *a = l->a;
    const uint8_t *base = l->base;
    l->exits->stubs = (uint32_t)(a->at - base);
    emit_sites(l);
    x64_patch(budget, a->at);
    x64_alu_ri(a, ALU_ADD, W64, REG_BUDGET, l->block->count);
    exit_with(l, EXIT_BUDGET);
    l->exits->stale = (uint32_t)(a->at - base);
    exit_with(l, EXIT_STALE);
    for (unsigned n = 0; n < l->exits->links && !a->full; n++) {
        X64Link *link = &l->exits->link[n];
        if (link->far)
            far_link_elsewhere(l, n);
        if (a->full)
            return;
        if (link->far)
            x64_patch(l->base + link->other, a->at);
        x64_patch(l->base + link->patch, a->at);
        exit_with(l, EXIT_LINK + n);
    }
    l->exits->stubs_end = (uint32_t)(a->at - base);
}

static void lower_ops(Lower *l)
{
    for (l->at = 1; l->at < l->ir->count && !l->a->full && !l->failed; l->at++) {
        const IrInsn *insn = &l->ir->insn[l->at];
        if (insn->op == IR_NOP)
            continue;
        lowering[insn->op](l, insn);
        end_operation(l);
    }
    l->at = (IrRef)(l->ir->count - 1);
    close_sites(l);
}

Lower *x64_lower_new(void)
{
    Lower *l = calloc(1, sizeof *l);
    if (!l)
        abort();
    for (unsigned op = IR_NOP + 1; op < IR_OPS; op++)
        if (!lowering[op])
            abort(); /* an operation that the table lacks */
    return l;
}

/* Everything as before the first operation of a block. */
static void begin(Lower *l, X64Piece *piece, Ir *ir, const Block *block)
{
    l->ir = ir;
    l->block = block;
    l->piece = piece;
    l->base = piece->code;
    l->exits = &piece->exits;
    l->lives = l->sites = l->open_sites = l->sides = 0;
    l->host_flags = IR_NO_REF;
    memset(&l->xmm, 0, sizeof l->xmm);
    l->loops = false;
    for (unsigned at = 1; at < ir->count; at++)
        l->loops |= ir->insn[at].op == IR_EXIT && is_own_start(l, &ir->insn[at]);
    l->failed = l->spills = false;
    memset(l->loc, 0, ir->count * sizeof *l->loc);
    memset(l->temp, 0, sizeof l->temp);
    memset(l->pinned, 0, sizeof l->pinned);
    memset(l->spill, 0, sizeof l->spill);
    memset(l->holds, 0, sizeof l->holds);
    l->exits->links = 0;
    ir->snap[0] = (IrFlags){{0}};
}

bool x64_lower(Lower *l, X64Piece *piece, const X64Runtime *runtime, Ir *ir, const Block *block)
{
    Patch budget;
    l->runtime = runtime;
    begin(l, piece, ir, block);
    Asm usual = begin_part(l, 0), rare = begin_part(l, 1);
    l->a = &usual;
    prologue(l, &budget);
    lower_ops(l);
    emit_side_exits(l);
    l->exits->end = (uint32_t)(usual.at - l->base);
    l->a = &rare;
    if (!usual.full && !l->failed)
        stubs(l, budget);
    l->a = NULL;
    if (usual.full || rare.full || l->failed)
        return false;
    end_piece(l, &usual, &rare);
    return !l->failed;
}
