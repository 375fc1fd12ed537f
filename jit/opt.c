/* Passes over the IR of a block: dead operations, last uses, and where values are going. */
#include <string.h>

#include "jit/ir.h"

const IrOpInfo ir_ops[IR_OPS] = {
#define NONE IR_NONE
#define V32 IR_V32
#define V64 IR_V64
#define V128 IR_V128
#define IR_OP(name, operands, result, effects) {#name, operands, result, IR_##effects},
#include "jit/ir_ops.def"
#undef IR_OP
};

void ir_reset(Ir *ir)
{
    ir->count = ir->snaps = 1; /* number 0 is none */
    ir->conds = 0;
    ir->insn[0] = (IrInsn){.op = IR_NOP};
}

uint8_t ir_cond_needs(unsigned cond)
{
    static const uint8_t needs[8] = {
        1 << FIELD_ZF,
        1 << FIELD_CF,
        1 << FIELD_NF,
        1 << FIELD_VF,
        1 << FIELD_CF | 1 << FIELD_ZF,
        1 << FIELD_NF | 1 << FIELD_VF,
        1 << FIELD_NF | 1 << FIELD_ZF | 1 << FIELD_VF,
        0,
    };
    return needs[cond >> 1];
}

const IrCond *ir_condition(const Ir *ir, const IrInsn *insn)
{
    if (insn->op == IR_SKIP_UNLESS || insn->op == IR_SELECT_IF)
        return &ir->cond[insn->imm];
    return insn->op == IR_EXIT_IF ? &ir->cond[insn->imm & 0xffff] : NULL;
}

/* ---- What is used ----------------------------------------------------------------------------------- */

/* Calls use() for every value that operation at needs. Both passes are compiled with it in place: as calls
 * they took a fifth of the time of a translation. */
typedef void IrUse(Ir *ir, IrRef ref, IrRef at, bool as_flags);

#define IN_PLACE __attribute__((always_inline)) static inline

IN_PLACE void use_flags(Ir *ir, const IrFlags *flags, uint8_t fields, IrRef at, IrUse *use)
{
    for (IrField f = FIELD_NF; f <= FIELD_VF; f++)
        if (fields >> f & 1 && flags->value[f] != IR_NO_REF)
            use(ir, flags->value[f], at, true);
}

IN_PLACE void use_operands(Ir *ir, IrRef at, IrUse *use)
{
    const IrInsn *insn = &ir->insn[at];
    unsigned operands = ir_ops[insn->op].operands;
    bool of_flags = insn->op == IR_CARRY || insn->op == IR_OVERFLOW;
    if (operands > 0 && insn->a != IR_NO_REF)
        use(ir, insn->a, at, of_flags);
    if (operands > 1 && insn->b != IR_NO_REF)
        use(ir, insn->b, at, of_flags);
    if (operands > 2 && insn->c != IR_NO_REF)
        use(ir, insn->c, at, of_flags);
    if (insn->snap)
        use_flags(ir, &ir->snap[insn->snap], 0xf, at, use);
    const IrCond *cond = ir_condition(ir, insn);
    if (cond)
        use_flags(ir, &cond->flags, ir_cond_needs(cond->cond), at, use);
}

IN_PLACE void mark(Ir *ir, IrRef ref, IrRef at, bool as_flags)
{
    (void)at;
    ir->insn[ref].used |= as_flags ? IR_USED_FLAGS : IR_USED_VALUE;
}

/* The slow path's snapshot stores N and Z as values, so those count as uses of the value. */
static void mark_snap(Ir *ir, IrRef at)
{
    const IrFlags *snap = &ir->snap[ir->insn[at].snap];
    for (IrField f = FIELD_NF; f <= FIELD_ZF; f++)
        if (snap->value[f] != IR_NO_REF)
            ir->insn[snap->value[f]].used |= IR_USED_VALUE;
}

static void drop_unused(Ir *ir)
{
    for (unsigned at = ir->count; --at > 0;) {
        IrInsn *insn = &ir->insn[at];
        if (ir_ops[insn->op].effect < IR_EFFECT && !insn->used) {
            insn->op = IR_NOP;
            continue;
        }
        use_operands(ir, (IrRef)at, mark);
        if (insn->snap && insn->op != IR_EXIT_IF) /* which has the comparison made again */
            mark_snap(ir, (IrRef)at);
    }
}

/* ---- How long ---------------------------------------------------------------------------------------- */

bool ir_keeps_host_flags(const Ir *ir, IrRef from, IrRef to)
{
    for (unsigned at = from + 1u; at < to; at++) {
        switch (ir->insn[at].op) {
        case IR_NOP:
        case IR_CONST:
        case IR_PCREL:
        case IR_GET_REG:
        case IR_SET_REG:
        case IR_GET_FIELD:
        case IR_SET_FIELD:
        case IR_CARRY:
        case IR_OVERFLOW:
        case IR_SKIP_UNLESS:
        case IR_EXIT:
        case IR_INSN:
            break;
        default:
            return false;
        }
    }
    return true;
}

static void extend(Ir *ir, IrRef ref, IrRef at)
{
    if (ir->insn[ref].last < at)
        ir->insn[ref].last = at;
}

static void extend_operands(Ir *ir, IrRef ref, IrRef at)
{
    extend(ir, ir->insn[ref].a, at);
    extend(ir, ir->insn[ref].b, at);
}

/* Operations that look at a carry or an overflow before they change the host's flags themselves. */
static bool takes_host_flags(IrOp op)
{
    return op == IR_SET_FIELD || op == IR_SKIP_UNLESS || op == IR_SELECT_IF || op == IR_ADC || op == IR_SBC ||
           op == IR_SELECT;
}

static bool lazy_flags(const IrInsn *insn)
{
    return insn->op == IR_ADD || insn->op == IR_SUB;
}

/* What must be alive at `at` so that ref can be used there. Carry and overflow are found by comparing again,
 * unless the host's flags are still those of the operation; results that are only tested, likewise. */
static void keep(Ir *ir, IrRef ref, IrRef at, bool as_flags)
{
    const IrInsn *insn = &ir->insn[ref];
    extend(ir, ref, at);
    if (lazy_flags(insn) && (ir->insn[at].op == IR_CARRY || ir->insn[at].op == IR_OVERFLOW))
        return; /* they are found where they are used */
    if (insn->op == IR_LOAD_AT || insn->op == IR_FP_FLAG)
        extend(ir, insn->a, at);
    if (insn->op == IR_CARRY || insn->op == IR_OVERFLOW) {
        IrRef of = insn->a;
        if (!lazy_flags(&ir->insn[of]))
            return;
        extend(ir, of, at);
        bool emitted = ir->insn[of].used & IR_USED_VALUE;
        if (!emitted || !takes_host_flags((IrOp)ir->insn[at].op) || !ir_keeps_host_flags(ir, of, at))
            extend_operands(ir, of, at);
    } else if (as_flags && !(insn->used & IR_USED_VALUE) &&
               (lazy_flags(insn) || insn->op == IR_AND || insn->op == IR_XOR)) {
        extend_operands(ir, ref, at);
    }
}

static void find_lives(Ir *ir)
{
    for (unsigned at = ir->count; --at > 0;)
        if (ir->insn[at].op != IR_NOP)
            use_operands(ir, (IrRef)at, keep);
}

/* ---- Where to ---------------------------------------------------------------------------------------- */

/* True if the value made at `from` may be put into guest register n at once rather than at `to`. */
static bool may_go_early(const Ir *ir, IrRef from, IrRef to, uint32_t n)
{
    for (unsigned at = from + 1u; at < to; at++) {
        const IrInsn *insn = &ir->insn[at];
        bool touches = (insn->op == IR_GET_REG || insn->op == IR_SET_REG) && insn->imm == n;
        bool leaves = ir_ops[insn->op].effect == IR_SLOW || insn->op == IR_SKIP_UNLESS ||
                      insn->op == IR_SKIP_IF_ZERO || insn->op == IR_LABEL || insn->op == IR_EXIT ||
                      insn->op == IR_EXIT_IF || insn->op == IR_EXIT_TO || insn->op == IR_INSN;
        if (touches || leaves)
            return false;
    }
    return true;
}

static void find_hints(Ir *ir)
{
    for (unsigned at = 1; at < ir->count; at++) {
        const IrInsn *set = &ir->insn[at];
        if (set->op != IR_SET_REG)
            continue;
        IrInsn *value = &ir->insn[set->a];
        if (!value->hint && ir_ops[value->op].result == IR_V32 &&
            may_go_early(ir, set->a, (IrRef)at, set->imm))
            value->hint = (uint8_t)(set->imm + 1);
    }
}

void ir_optimise(Ir *ir)
{
    drop_unused(ir);
    find_lives(ir);
    find_hints(ir);
}

/* ---- Text -------------------------------------------------------------------------------------------- */

static void print_flags(const IrFlags *flags, FILE *out)
{
    static const char name[] = "nzcv";
    for (IrField f = FIELD_NF; f <= FIELD_VF; f++)
        if (flags->value[f] != IR_NO_REF)
            fprintf(out, " %c=%%%u", name[f], flags->value[f]);
}

void ir_print(const Ir *ir, FILE *out)
{
    for (unsigned at = 1; at < ir->count; at++) {
        const IrInsn *insn = &ir->insn[at];
        const IrOpInfo *info = &ir_ops[insn->op];
        const IrRef operand[] = {insn->a, insn->b, insn->c};
        if (insn->op == IR_NOP)
            continue;
        if (info->result == IR_NONE)
            fprintf(out, "         %s", info->name);
        else
            fprintf(out, "  %%%-4u = %s", at, info->name);
        for (unsigned n = 0; n < info->operands; n++)
            fprintf(out, " %%%u", operand[n]);
        fprintf(out, " #0x%x", insn->imm);
        const IrCond *cond = ir_condition(ir, insn);
        if (cond) {
            fprintf(out, " cond %u", cond->cond);
            print_flags(&cond->flags, out);
        }
        if (insn->snap) {
            fputs(" pending", out);
            print_flags(&ir->snap[insn->snap], out);
        }
        fputc('\n', out);
    }
}
