/* Where floats and vectors are; see x64_xmm.h. Nothing here changes the host's flags. */
#include <stddef.h>
#include <string.h>

#include "jit/x64_lower.h"
#include "jit/x64_sse.h"

static XmmKind kind_of(IrOp op)
{
    switch (op) {
    case IR_GET_S:
    case IR_SET_S:
        return COPY_S;
    case IR_GET_D:
    case IR_SET_D:
        return COPY_D;
    case IR_GET_Q:
    case IR_SET_Q:
        return COPY_Q;
    default:
        return COPY_NONE;
    }
}

static unsigned first_byte(XmmKind kind, unsigned n)
{
    return kind == COPY_S ? 4 * n : 8 * n;
}

static unsigned byte_count(XmmKind kind)
{
    return kind == COPY_S ? 4 : kind == COPY_D ? 8 : 16;
}

static Mem vector_mem(unsigned byte)
{
    return CPU_OFFSET(offsetof(Cpu, v) + byte);
}

Mem const_mem(XmmConst which)
{
    return CPU_OFFSET(offsetof(Cpu, jit_const) + 16 * (size_t)which);
}

static void load_xmm(Lower *l, Xmm xmm, unsigned bytes, Mem mem)
{
    x64_sse_rm(l->a, bytes == 4 ? SSE_MOVSS : bytes == 8 ? SSE_MOVSD : SSE_MOVUPS, xmm, mem);
}

static void store_xmm(Lower *l, Mem mem, unsigned bytes, Xmm xmm)
{
    x64_sse_mr(l->a, bytes == 4 ? SSE_MOVSS_M : bytes == 8 ? SSE_MOVSD_M : SSE_MOVUPS_M, mem, xmm);
}

/* ---- The books --------------------------------------------------------------------------------------- */

static Xmm pin(Lower *l, unsigned xmm)
{
    l->xmm.pinned[xmm] = true;
    l->xmm.used[xmm] = ++l->xmm.clock;
    return (Xmm)xmm;
}

/* An empty register, or else the copy that was used least recently. */
Xmm scratch_xmm(Lower *l)
{
    XmmState *x = &l->xmm;
    int best = -1;
    for (int n = 0; n < XMMS; n++) {
        if (x->pinned[n] || x->value[n] != IR_NO_REF)
            continue;
        if (x->copies.kind[n] == COPY_NONE) {
            best = n;
            break;
        }
        if (best < 0 || x->used[n] < x->used[best])
            best = n;
    }
    if (best < 0) {
        l->failed = true;
        return XMM0;
    }
    x->copies.kind[best] = COPY_NONE;
    return pin(l, (unsigned)best);
}

void end_xmm(Lower *l)
{
    XmmState *x = &l->xmm;
    for (unsigned n = 0; n < XMMS; n++) {
        x->pinned[n] = false;
        if (x->value[n] != IR_NO_REF && insn_of(l, x->value[n])->last <= l->at)
            x->value[n] = IR_NO_REF;
    }
}

void define_xmm(Lower *l, Xmm xmm)
{
    l->xmm.value[xmm] = l->at;
}

void forget_xmms(Lower *l)
{
    memset(l->xmm.copies.kind, COPY_NONE, sizeof l->xmm.copies.kind);
}

void merge_xmms(Lower *l, const XmmCopies *other)
{
    XmmCopies *copies = &l->xmm.copies;
    for (unsigned n = 0; n < XMMS; n++)
        if (copies->kind[n] != other->kind[n] || copies->n[n] != other->n[n])
            copies->kind[n] = COPY_NONE;
}

void reload_xmms(Lower *l, const XmmCopies *copies)
{
    for (unsigned n = 0; n < XMMS; n++) {
        XmmKind kind = (XmmKind)copies->kind[n];
        if (kind != COPY_NONE)
            load_xmm(l, (Xmm)n, byte_count(kind), vector_mem(first_byte(kind, copies->n[n])));
    }
}

void drop_xmms(Lower *l, unsigned first, unsigned count)
{
    XmmCopies *copies = &l->xmm.copies;
    for (unsigned n = 0; n < XMMS; n++) {
        XmmKind kind = (XmmKind)copies->kind[n];
        unsigned byte = first_byte(kind, copies->n[n]);
        if (kind != COPY_NONE && byte < first + count && first < byte + byte_count(kind))
            copies->kind[n] = COPY_NONE;
    }
}

static int copy_of(const Lower *l, XmmKind kind, unsigned reg)
{
    for (int n = 0; n < XMMS; n++)
        if (l->xmm.copies.kind[n] == kind && l->xmm.copies.n[n] == reg)
            return n;
    return -1;
}

static int place_of(const Lower *l, IrRef ref)
{
    for (int n = 0; n < XMMS; n++)
        if (l->xmm.value[n] == ref)
            return n;
    return -1;
}

/* ---- Operands ---------------------------------------------------------------------------------------- */

Xmm use_xmm(Lower *l, IrRef ref)
{
    const IrInsn *insn = insn_of(l, ref);
    XmmKind kind = kind_of((IrOp)insn->op);
    int place = kind == COPY_NONE ? place_of(l, ref) : copy_of(l, kind, insn->imm);
    if (place >= 0)
        return pin(l, (unsigned)place);
    if (kind == COPY_NONE) {
        l->failed = true;
        return XMM0;
    }
    Xmm xmm = scratch_xmm(l);
    load_xmm(l, xmm, byte_count(kind), vector_mem(first_byte(kind, insn->imm)));
    l->xmm.copies.kind[xmm] = (uint8_t)kind;
    l->xmm.copies.n[xmm] = (uint8_t)insn->imm;
    return xmm;
}

Xmm copy_xmm(Lower *l, IrRef ref)
{
    const IrInsn *insn = insn_of(l, ref);
    XmmKind kind = kind_of((IrOp)insn->op);
    if (kind != COPY_NONE && copy_of(l, kind, insn->imm) < 0) {
        Xmm xmm = scratch_xmm(l);
        load_xmm(l, xmm, byte_count(kind), vector_mem(first_byte(kind, insn->imm)));
        return xmm;
    }
    Xmm from = use_xmm(l, ref);
    if (kind == COPY_NONE && !needed_after(l, ref) && l->xmm.copies.kind[from] == COPY_NONE) {
        l->xmm.value[from] = IR_NO_REF;
        return from;
    }
    Xmm xmm = scratch_xmm(l);
    x64_sse_rr(l->a, SSE_MOVAPS, xmm, from);
    return xmm;
}

/* ---- State ------------------------------------------------------------------------------------------- */

static void set_vector(Lower *l, const IrInsn *insn)
{
    XmmKind kind = kind_of((IrOp)insn->op);
    unsigned byte = first_byte(kind, insn->imm);
    Xmm xmm = use_xmm(l, insn->a);
    store_xmm(l, vector_mem(byte), byte_count(kind), xmm);
    drop_xmms(l, byte, byte_count(kind));
    if (l->xmm.copies.kind[xmm] == COPY_NONE) {
        l->xmm.copies.kind[xmm] = (uint8_t)kind;
        l->xmm.copies.n[xmm] = (uint8_t)insn->imm;
    }
}

static void set_integer(Lower *l, const IrInsn *insn)
{
    Width width = insn->op == IR_SET_WORD ? W32 : W64;
    unsigned bytes = width / 8, byte = bytes * insn->imm;
    uint32_t value;
    if (width == W32 && is_const(l, insn->a, &value))
        x64_store_imm(l->a, W32, vector_mem(byte), (int32_t)value);
    else
        x64_store(l->a, width, vector_mem(byte), use_reg(l, insn->a));
    drop_xmms(l, byte, bytes);
}

static void set_long_const(Lower *l, const IrInsn *insn)
{
    uint64_t high = insn_of(l, insn->a)->imm, low = insn_of(l, insn->b)->imm;
    Reg reg = scratch(l);
    x64_mov_ri(l->a, reg, high << 32 | low);
    x64_store(l->a, W64, vector_mem(8 * insn->imm), reg);
    drop_xmms(l, 8 * insn->imm, 8);
}

/* A place in guest memory, and how many bytes. */
static Mem place_in_memory(Lower *l, const IrInsn *insn)
{
    return mem_at(use_reg(l, insn->a), (int32_t)(insn->imm & 0xffff));
}

static void load_vector(Lower *l, const IrInsn *insn)
{
    Mem mem = place_in_memory(l, insn);
    Xmm xmm = scratch_xmm(l);
    load_xmm(l, xmm, insn->imm >> 16, mem);
    define_xmm(l, xmm);
}

/* ---- Loops ------------------------------------------------------------------------------------------- */

enum { LOOP_COPIES = 10 };

static bool any_written(const uint8_t *written, unsigned first, unsigned count)
{
    for (unsigned byte = first; byte < first + count; byte++)
        if (written[byte])
            return true;
    return false;
}

static void note_written(uint8_t *written, const IrInsn *insn)
{
    XmmKind kind = kind_of((IrOp)insn->op);
    if (insn->op == IR_SET_WORD)
        memset(written + 4 * insn->imm, 1, 4);
    else if (insn->op == IR_SET_LONG || insn->op == IR_SET_LONG_CONST)
        memset(written + 8 * insn->imm, 1, 8);
    else
        memset(written + first_byte(kind, insn->imm), 1, byte_count(kind));
}

void load_loop_xmms(Lower *l)
{
    uint8_t written[sizeof((Cpu *)0)->v] = {0};
    unsigned count = 0;
    for (unsigned at = 1; l->loops && at < l->ir->count && count < LOOP_COPIES; at++) {
        const IrInsn *insn = &l->ir->insn[at];
        XmmKind kind = kind_of((IrOp)insn->op);
        if (insn->op == IR_CALL_INSN)
            break;
        if (insn->op == IR_GET_S || insn->op == IR_GET_D || insn->op == IR_GET_Q) {
            unsigned byte = first_byte(kind, insn->imm);
            if (any_written(written, byte, byte_count(kind)) || copy_of(l, kind, insn->imm) >= 0)
                continue;
            l->xmm.copies.kind[count] = (uint8_t)kind;
            l->xmm.copies.n[count++] = (uint8_t)insn->imm;
        } else if (kind != COPY_NONE || insn->op == IR_SET_WORD || insn->op == IR_SET_LONG ||
                   insn->op == IR_SET_LONG_CONST) {
            note_written(written, insn);
        }
    }
    l->loop = l->xmm.copies;
    reload_xmms(l, &l->loop);
}

/* True if xmm has what a place that is not settled yet wants. */
static bool is_source(const int *source, const bool *settled, int xmm)
{
    for (int n = 0; n < XMMS; n++)
        if (!settled[n] && n != xmm && source[n] == xmm)
            return true;
    return false;
}

static void settle(Lower *l, int xmm, int source)
{
    XmmKind kind = (XmmKind)l->loop.kind[xmm];
    if (source < 0)
        load_xmm(l, (Xmm)xmm, byte_count(kind), vector_mem(first_byte(kind, l->loop.n[xmm])));
    else if (source != xmm)
        x64_sse_rr(l->a, SSE_MOVAPS, (Xmm)xmm, (Xmm)source);
    l->xmm.copies.kind[xmm] = (uint8_t)kind;
    l->xmm.copies.n[xmm] = l->loop.n[xmm];
}

/* Places whose content nobody else wants first; where that goes round in circles, memory has it too. */
void settle_loop_xmms(Lower *l)
{
    int source[XMMS];
    bool settled[XMMS];
    for (int n = 0; n < XMMS; n++) {
        settled[n] = l->loop.kind[n] == COPY_NONE;
        source[n] = settled[n] ? -1 : copy_of(l, (XmmKind)l->loop.kind[n], l->loop.n[n]);
        if (!settled[n] && l->xmm.copies.kind[n] == l->loop.kind[n] && l->xmm.copies.n[n] == l->loop.n[n])
            source[n] = n;
    }
    for (int left = XMMS; left > 0; left--) {
        int pick = -1;
        for (int n = 0; n < XMMS && (pick < 0 || is_source(source, settled, pick)); n++)
            if (!settled[n])
                pick = n;
        if (pick < 0)
            return;
        for (int n = 0; n < XMMS; n++)
            if (n != pick && !settled[n] && source[n] == pick)
                source[n] = -1;
        settle(l, pick, source[pick]);
        settled[pick] = true;
    }
}

void lower_vector_state(Lower *l, const IrInsn *insn)
{
    switch (insn->op) {
    case IR_GET_WORD:
        x64_load(l->a, W32, define(l, REG_NONE), vector_mem(4 * insn->imm));
        break;
    case IR_GET_LONG:
        x64_load(l->a, W64, define(l, REG_NONE), vector_mem(8 * insn->imm));
        break;
    case IR_SET_WORD:
    case IR_SET_LONG:
        set_integer(l, insn);
        break;
    case IR_SET_LONG_CONST:
        set_long_const(l, insn);
        break;
    case IR_SET_S:
    case IR_SET_D:
    case IR_SET_Q:
        set_vector(l, insn);
        break;
    case IR_LOAD_X:
        load_vector(l, insn);
        break;
    case IR_STORE_X: {
        Xmm xmm = use_xmm(l, insn->b);
        store_xmm(l, place_in_memory(l, insn), insn->imm >> 16, xmm);
        break;
    }
    default: /* GET_S and so on: read where they are used */
        break;
    }
    end_xmm(l);
}
