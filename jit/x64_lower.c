/* IR to x86-64: a block's operations in their order, each by the function in the table, values placed as it
 * goes.
 *
 * A block's code:
 *
 *     far entry   EAX is the guest address: the page it is in becomes the current one
 *     entry       a loop loads what it keeps in XMM registers
 *     again       where it goes back to: the block's instructions are taken off the budget, or it is left
 *                 if there are not so many
 *     ...         operations; links to blocks of the same page are jumps that can be patched
 *
 * and among the buffer's rare code:
 *
 *     stubs       slow paths, exits
 *
 * The entry's first bytes become a jump when the block is dropped. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "jit/x64_lower.h"

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
