/* Ways out of a block, and over conditional instructions within it. */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "jit/x64_lower.h"

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

bool is_own_start(const Lower *l, const IrInsn *exit)
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

void far_link_elsewhere(Lower *l, unsigned number)
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
void lower_exit(Lower *l, const IrInsn *insn)
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

void lower_exit_if(Lower *l, const IrInsn *insn)
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

void emit_side_exits(Lower *l)
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

void lower_exit_to(Lower *l, const IrInsn *insn)
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

void lower_skip(Lower *l, const IrInsn *insn)
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

void lower_label(Lower *l, const IrInsn *insn)
{
    (void)insn;
    restore_at_label(l);
    x64_patch(l->skip, l->a->at);
    merge_xmms(l, &l->copies_at_skip);
    if (l->host_flags != l->skip_flags)
        clobber_flags(l);
    l->host_flags_all &= l->skip_flags_all;
}
