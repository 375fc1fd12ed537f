/* The front end: the instruction bodies of cpu/sem_*.h, compiled against emit.h, append to the IR what they
 * mean. */
#include "jit/translate.h"

#include <string.h>

#include "jit/emit.h"
#include "jit/emit_simd.h"

#include "cpu/sem_operand.h"
#include "cpu/sem_data.h"
#include "cpu/sem_mul.h"
#include "cpu/sem_media.h"
#include "cpu/sem_mem.h"
#include "cpu/sem_branch.h"

static void sem_nop(C *c, const Insn *insn)
{
    (void)c;
    (void)insn;
}

/* ---- Bodies with a better translation than that of their parts ------------------------------------------
 */

static V constant_alu(C *c, IrOp op, V x, uint32_t y)
{
    return (V){emit_alu(c, op, x.ref, emit_const(c, y))};
}

/* Four bytes at once: the low seven bits of each are added as they are, the highest without carry. */
static void emit_uadd8(C *c, const Insn *i)
{
    const uint32_t tops = 0x80808080, ones = 0x01010101;
    V x = get_reg(c, i->rn), y = get_reg(c, i->rm);
    V low = add32(c, constant_alu(c, IR_AND, x, ~tops), constant_alu(c, IR_AND, y, ~tops));
    V sum = xor32(c, low, constant_alu(c, IR_AND, xor32(c, x, y), tops));
    V carry = or32(c, and32(c, x, y), and32(c, or32(c, x, y), not32(c, sum)));
    V bits = constant_alu(c, IR_AND, (V){emit_unary(c, IR_SHR, carry.ref, 7)}, ones);
    /* Bits 0, 8, 16 and 24 come together in bits 27:24. */
    V ge = constant_alu(c, IR_MUL, bits, 0x01020408);
    set_ge(c, ubits(c, ge, 24, 4));
    set_reg(c, i->rd, sum);
}

/* Bits 3:0 of GE are spread to bits 24, 16, 8 and 0, and from there over their bytes. */
static void emit_sel(C *c, const Insn *i)
{
    V spread = constant_alu(c, IR_AND, constant_alu(c, IR_MUL, get_ge(c), 0x00204081), 0x01010101);
    V mask = constant_alu(c, IR_MUL, spread, 0xff);
    V x = get_reg(c, i->rn), y = get_reg(c, i->rm);
    set_reg(c, i->rd, xor32(c, y, and32(c, mask, xor32(c, x, y))));
}

static void emit_load_exclusive(C *c, const Insn *i, unsigned size)
{
    V address = add32(c, get_reg(c, i->rn), imm(c, i->imm));
    set_reg(c, i->rd, (V){emit_slow(c, IR_LOAD_EX, address.ref, 0, size)});
}

static void emit_store_exclusive(C *c, const Insn *i, unsigned size)
{
    V address = add32(c, get_reg(c, i->rn), imm(c, i->imm));
    emit_slow(c, IR_STORE_EX, address.ref, get_reg(c, i->rd).ref, size);
    set_reg(c, i->rs, imm(c, 0));
}

static void sem_ldrex(C *c, const Insn *i)
{
    emit_load_exclusive(c, i, 4);
}

static void sem_ldrexb(C *c, const Insn *i)
{
    emit_load_exclusive(c, i, 1);
}

static void sem_ldrexh(C *c, const Insn *i)
{
    emit_load_exclusive(c, i, 2);
}

static void sem_ldrexd(C *c, const Insn *i)
{
    V64 value = {emit_slow(c, IR_LOAD_EX64, get_reg(c, i->rn).ref, 0, 8)};
    set_reg(c, i->rd, low32(c, value));
    set_reg(c, i->ra, high32(c, value));
}

static void sem_strexd(C *c, const Insn *i)
{
    V64 value = pair64(c, get_reg(c, i->ra), get_reg(c, i->rd));
    emit_slow(c, IR_STORE_EX, get_reg(c, i->rn).ref, value.ref, 8);
    set_reg(c, i->rs, imm(c, 0));
}

static void sem_strex(C *c, const Insn *i)
{
    emit_store_exclusive(c, i, 4);
}

static void sem_strexb(C *c, const Insn *i)
{
    emit_store_exclusive(c, i, 1);
}

static void sem_strexh(C *c, const Insn *i)
{
    emit_store_exclusive(c, i, 2);
}

#define sem_uadd8 emit_uadd8
#define sem_sel emit_sel

/* Reads of registers that are just stored (thread IDs above all). */
static void sem_mrc(C *c, const Insn *i)
{
    const Source *source = c->source;
    uint32_t offset = source->cell[i - c->first];
    c->must_call |= offset == NO_CELL;
    if (c->must_call)
        return;
    emit_slow(c, IR_GUARD, 0, 0, source->world);
    set_reg(c, i->rd, (V){emit_op(c, IR_GET_CPU, 0, 0, 0, offset)});
}

/* Bodies that are plain C (sem_system.h, sem_mem_special.h): compiled code calls the interpreter's function.
 */
/* clang-format off */
#define sem_undefined NULL
#define sem_svc NULL
#define sem_hlt NULL
#define sem_smc NULL
#define sem_bkpt NULL
#define sem_mrs NULL
#define sem_msr NULL
#define sem_cps NULL
#define sem_setend NULL
#define sem_srs NULL
#define sem_rfe NULL
#define sem_wfi NULL
#define sem_wfe NULL
#define sem_sev NULL
#define sem_yield NULL
#define sem_dmb sem_nop
#define sem_dsb sem_nop
#define sem_isb sem_nop
#define sem_mcr NULL
#define sem_mcrr NULL
#define sem_mrrc NULL
#define sem_ldc NULL
#define sem_stc NULL
#define sem_cdp NULL
#define sem_it sem_nop
#define sem_ldm_return NULL
#define sem_ldm_user NULL
#define sem_stm_user NULL
#define sem_clrex NULL
#define sem_swp NULL
#define sem_swpb NULL

/* In the order of insn_table. */
static EmitBody *const bodies[] = {
    NULL,
#define INSN(name, pattern, format, body, flags, text) body,
#include "cpu/a32.def"
#include "cpu/cop.def"
#undef INSN
#define INSN(name, pattern, format, body, flags, text) NULL,
#include "cpu/vfp.def"
#include "cpu/neon.def"
#undef INSN
#define INSN(name, pattern, format, body, flags, text) body,
#include "cpu/t16.def"
#include "cpu/t32.def"
#undef INSN
};
/* clang-format on */

/* IR operations that one instruction may append at most; a body that could need more is called. */
enum { ROOM_FOR_INSN = 256 };

static void call_insn(C *c)
{
    emit_store_flags(c);
    emit_forget(c);
    emit_op(c, IR_CALL_INSN, 0, 0, 0, 0);
}

/* Appends the instruction, without its condition. False: it must be called, and what was appended is rubbish.
 */
static bool emit_body(C *c)
{
    EmitBody *body = bodies[c->insn->row];
    if (!body)
        body = emit_simd_body(c);
    if (!body || c->ir->count + ROOM_FOR_INSN > IR_MAX)
        return false;
    c->must_call = false;
    body(c, c->insn);
    return !c->must_call;
}

/* What the instruction wrote, on one of two ways that meet behind it, is not in the values known on one. */
static void forget_written(C *c)
{
    for (unsigned n = 0; n < 15; n++)
        if (c->written >> n & 1)
            c->reg[n] = IR_NO_REF;
}

/* The slow path does not pass by what the fast path defines, or just reads, after leaving it was possible. */
static void forget_after_slow(C *c)
{
    forget_written(c);
    for (unsigned n = 0; n < 15; n++)
        if (c->reg[n] >= c->slow)
            c->reg[n] = IR_NO_REF;
}

static void unconditional(C *c)
{
    Translator before = *c;
    unsigned count = c->ir->count, snaps = c->ir->snaps;
    c->written = 0;
    c->slow = IR_NO_REF;
    if (!emit_body(c)) {
        *c = before;
        c->ir->count = count;
        c->ir->snaps = snaps;
        call_insn(c);
    } else if (c->slow) {
        forget_after_slow(c);
    }
}

static IrRef skip_unless(C *c, unsigned cond)
{
    Ir *ir = c->ir;
    ir->cond[ir->conds] = (IrCond){c->flags, (uint8_t)cond};
    return emit_op(c, IR_SKIP_UNLESS, 0, 0, 0, ir->conds++);
}

static bool same_flags(const C *a, const C *b)
{
    return !memcmp(&a->flags, &b->flags, sizeof a->flags);
}

/* True if what was appended from `from` on only computes, and not much. */
static bool only_computes(const Ir *ir, unsigned from)
{
    enum { WORTH_IT = 5 };
    for (unsigned at = from; at < ir->count; at++)
        if (ir_ops[ir->insn[at].op].effect >= IR_EFFECT)
            return false;
    return ir->count - from <= WORTH_IT;
}

/* A conditional instruction that just computes one register is done without a branch, which the host might
 * predict wrongly: the result is computed anyway, and taken if the condition holds. False: it is not one. */
static bool conditional_move(C *c)
{
    Translator before = *c;
    unsigned count = c->ir->count, snaps = c->ir->snaps;
    c->capture = true;
    c->captures = 0;
    c->slow = IR_NO_REF;
    bool emitted = emit_body(c);
    c->capture = false;
    if (!emitted || c->slow || c->captures != 1 || !same_flags(c, &before) || !only_computes(c->ir, count)) {
        *c = before;
        c->ir->count = count;
        c->ir->snaps = snaps;
        return false;
    }
    Ir *ir = c->ir;
    unsigned n = c->captured;
    V old = get_reg(c, n);
    ir->cond[ir->conds] = (IrCond){c->flags, c->insn->cond};
    set_reg(c, n, (V){emit_op(c, IR_SELECT_IF, c->capture_value, old.ref, 0, ir->conds++)});
    return true;
}

/* An instruction that executes only if its condition holds. Whatever it changes is unknown afterwards; if it
 * changes flags, they are in the CPU on both ways. */
static void conditional(C *c)
{
    Translator before = *c;
    unsigned count = c->ir->count, snaps = c->ir->snaps, conds = c->ir->conds;
    for (bool store_first = false;; store_first = true) {
        if (store_first)
            emit_store_flags(c);
        Translator skipped = *c;
        IrRef skip = skip_unless(c, c->insn->cond);
        c->written = 0;
        c->slow = IR_NO_REF;
        bool called = !emit_body(c);
        if (called) {
            *c = skipped;
            c->ir->count = skip + 1u;
            c->ir->snaps = snaps;
            call_insn(c);
        }
        bool changed = called || !same_flags(c, &skipped) || c->flags_stored != skipped.flags_stored;
        if (changed && !store_first) {
            *c = before;
            c->ir->count = count;
            c->ir->snaps = snaps;
            c->ir->conds = conds;
            continue;
        }
        if (changed)
            emit_store_flags(c);
        emit_op(c, IR_LABEL, 0, 0, 0, skip);
        uint16_t written = called ? UINT16_MAX : c->written;
        IrFlags flags = skipped.flags;
        bool compared = c->fp_nzcv != skipped.fp_nzcv;
        *c = skipped;
        c->fp_nzcv = compared || called ? IR_NO_REF : skipped.fp_nzcv;
        c->written = written;
        forget_written(c);
        c->flags = changed ? (IrFlags){{0}} : flags;
        c->flags_stored = changed ? 0 : skipped.flags_stored;
        return;
    }
}

/* A conditional branch that the block goes on behind. False: it cannot be emitted so. */
static bool side_exit(C *c)
{
    const Insn *i = c->insn;
    IrCond cond = {c->flags, i->cond};
    if (i->cond == 14) { /* CBZ, CBNZ: the register is looked at as if it were the last result */
        cond = (IrCond){.cond = i->q ? 1 : 0};
        cond.flags.value[FIELD_ZF] = get_reg(c, i->rn).ref;
    }
    return emit_exit_if(c, &cond, branch_offset(i, c->thumb));
}

/* Ends the block where it falls through to the next instruction. */
static void fall_through(C *c, const Insn *last)
{
    emit_store_flags(c);
    emit_op(c, IR_EXIT, 0, 0, 0, (uint32_t)last->offset + last->length);
}

uint64_t translate_block(Ir *ir, const Source *source, const Block *block, unsigned host)
{
    Translator c = {
        .ir = ir, .source = source, .first = block->insn, .host = host, .thumb = block->key.thumb};
    ir_reset(ir);
    for (unsigned n = 0; n < block->count; n++) {
        c.insn = &block->insn[n];
        emit_op(&c, IR_INSN, 0, 0, 0, n);
        if (c.insn->may_fall && n + 1u < block->count && side_exit(&c))
            continue;
        if (c.insn->cond >= 14) /* 15: an encoding that is UNDEFINED */
            unconditional(&c);
        else if (!conditional_move(&c))
            conditional(&c);
    }
    emit_op(&c, IR_INSN, 0, 0, 0, block->count); /* slow paths of the last instruction go on here */
    if (!c.ended)
        fall_through(&c, &block->insn[block->count - 1]);
    return c.literals;
}

/* ---- What is translated ------------------------------------------------------------------------------ */

/* Where an instruction that counts from PC may find a constant. */
static void take_literals(Source *source, const Insn *i, const uint8_t *host_page)
{
    uint32_t pc = (uint32_t)i->offset + (source->block->key.thumb ? 4 : 8);
    uint32_t at = i->add ? (pc & ~3u) + i->imm : (pc & ~3u) - i->imm, size = 1u << CODE_GRAIN_BITS;
    uint64_t grain = at < PAGE_SIZE ? (uint64_t)1 << (at >> CODE_GRAIN_BITS) : 0;
    if (!grain || source->grains & grain)
        return;
    source->grains |= grain;
    memcpy(source->page + (at & ~(size - 1)), host_page + (at & ~(size - 1)), size);
}

static void take_cell(Source *source, Cpu *cpu, const Insn *i, unsigned n)
{
    uint32_t offset;
    bool plain = i->size == 15 && i->rd != 15 &&
                 cp15_plain_read(cpu, i->shift_type, i->rn, i->rm, i->shift_n, &offset);
    source->cell[n] = plain ? offset : NO_CELL;
}

void source_take(Source *source, Cpu *cpu, const Block *block)
{
    memcpy(source->block, block, BLOCK_BYTES(block->count));
    source->world = cpu->world;
    source->grains = 0;
    for (unsigned n = 0; n < block->count; n++) {
        const Insn *i = &block->insn[n];
        if (bodies[i->row] == sem_mrc)
            take_cell(source, cpu, i, n);
        else if (i->rn == 15 && block->host_page && !cpu->watchpoints)
            take_literals(source, i, block->host_page);
    }
}

bool source_holds(const Source *source, uint64_t grains, const uint8_t *host_page)
{
    const uint32_t size = 1u << CODE_GRAIN_BITS;
    for (uint32_t at = 0; grains; at += size, grains >>= 1)
        if (grains & 1 && memcmp(source->page + at, host_page + at, size))
            return false;
    return true;
}
