/* Where values are. One pass, without looking back: an operation asks for its operands with use_reg() or
 * use_copy(), for room with scratch(), and says where its result is with define(). Guest registers are
 * values' natural places: reading one makes no code, and before one is overwritten, values that are still
 * needed move to a temporary or a spill slot. Values never change, so a spill slot stays valid as long as its
 * value lives.
 *
 * All moves made here leave the host's flags alone. */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "jit/x64_lower.h"

/* A temporary that holds something which is no value of the IR. */
#define SCRATCH UINT16_MAX

const Reg temp_regs[TEMPS] = {RAX, RCX, RDX};

Reg home_of(unsigned n)
{
    static const Reg homes[15] = {RBX,      RSI,      RDI,      R8,       R9,       R10, R11,     R12,
                                  REG_NONE, REG_NONE, REG_NONE, REG_NONE, REG_NONE, R15, REG_NONE};
    return homes[n];
}

const IrInsn *insn_of(const Lower *l, IrRef ref)
{
    return &l->ir->insn[ref];
}

bool needed_after(const Lower *l, IrRef ref)
{
    return insn_of(l, ref)->last > l->at;
}

bool is_const(const Lower *l, IrRef ref, uint32_t *value)
{
    *value = insn_of(l, ref)->imm;
    return insn_of(l, ref)->op == IR_CONST;
}

static Mem guest_mem(unsigned n)
{
    return CPU_OFFSET(offsetof(Cpu, r) + 4 * n);
}

static Mem spill_mem(unsigned n)
{
    return CPU_OFFSET(offsetof(Cpu, jit_spill) + 8 * n);
}

static Mem save_mem(unsigned n)
{
    return CPU_OFFSET(offsetof(Cpu, jit_save) + 8 * n);
}

Mem field_mem(IrField field)
{
    static const uint16_t offset[IR_FIELDS] = {
        [FIELD_NF] = offsetof(Cpu, nf), [FIELD_ZF] = offsetof(Cpu, zf), [FIELD_CF] = offsetof(Cpu, cf),
        [FIELD_VF] = offsetof(Cpu, vf), [FIELD_Q] = offsetof(Cpu, q),   [FIELD_GE] = offsetof(Cpu, ge)};
    return CPU_OFFSET(offset[field]);
}

/* Carry and overflow are written as bytes: reading more than that would wait for the store to reach the
 * cache. */
Width field_width(IrField field)
{
    return field >= FIELD_CF ? W8 : W32;
}

/* ---- The books --------------------------------------------------------------------------------------- */

static void set_loc(Lower *l, IrRef ref, LocKind kind, unsigned n)
{
    if (l->loc[ref].kind == LOC_NONE) {
        if (l->lives == MAX_LIVE) {
            l->failed = true;
            return;
        }
        l->live[l->lives++] = ref;
    }
    l->loc[ref] = (Loc){(uint8_t)kind, (uint8_t)n};
    if (kind == LOC_TEMP)
        l->temp[n] = ref;
}

static void free_temp_of(Lower *l, IrRef ref)
{
    if (l->loc[ref].kind == LOC_TEMP && l->temp[l->loc[ref].n] == ref)
        l->temp[l->loc[ref].n] = IR_NO_REF;
}

/* (Most blocks need none.) */
static int slot_of(const Lower *l, IrRef ref)
{
    if (!l->spills)
        return -1;
    for (int n = 0; n < SPILLS; n++)
        if (l->spill[n] == ref)
            return n;
    return -1;
}

static int take_slot(Lower *l, IrRef ref)
{
    l->spills = true;
    int slot = slot_of(l, IR_NO_REF);
    if (slot < 0)
        l->failed = true;
    else
        l->spill[slot] = ref;
    return slot < 0 ? 0 : slot;
}

/* A guest register other than `but` that has the value, or -1. */
static int held_by(const Lower *l, IrRef ref, int but)
{
    for (int n = 0; n < 15; n++)
        if (l->holds[n] == ref && n != but)
            return n;
    return -1;
}

static void evict(Lower *l, unsigned temp)
{
    IrRef ref = l->temp[temp];
    int slot = slot_of(l, ref), guest = held_by(l, ref, -1);
    if (guest >= 0) {
        l->temp[temp] = IR_NO_REF;
        set_loc(l, ref, LOC_GUEST, (unsigned)guest);
        return;
    }
    if (slot < 0) {
        slot = take_slot(l, ref);
        x64_store(l->a, W64, spill_mem((unsigned)slot), temp_regs[temp]);
    }
    l->temp[temp] = IR_NO_REF;
    set_loc(l, ref, LOC_SPILL, (unsigned)slot);
}

/* A temporary that nothing is in, pinned. */
static unsigned take_temp(Lower *l)
{
    int best = -1;
    for (int n = 0; n < TEMPS; n++) {
        if (l->pinned[n])
            continue;
        if (l->temp[n] == IR_NO_REF) {
            best = n;
            break;
        }
        if (best < 0 || insn_of(l, l->temp[n])->last > insn_of(l, l->temp[best])->last)
            best = n;
    }
    if (best < 0) {
        l->failed = true;
        return 0;
    }
    if (l->temp[best] != IR_NO_REF)
        evict(l, (unsigned)best);
    l->pinned[best] = true;
    return (unsigned)best;
}

unsigned temp_number(Reg reg)
{
    return reg == RAX ? 0 : reg == RCX ? 1 : 2;
}

Reg scratch(Lower *l)
{
    unsigned temp = take_temp(l);
    l->temp[temp] = SCRATCH;
    return temp_regs[temp];
}

void end_scratch(Lower *l, Reg reg)
{
    l->temp[temp_number(reg)] = IR_NO_REF;
    l->pinned[temp_number(reg)] = false;
}

void unpin(Lower *l, const bool *before)
{
    for (unsigned n = 0; n < TEMPS; n++) {
        if (l->pinned[n] && !before[n] && l->temp[n] == SCRATCH)
            l->temp[n] = IR_NO_REF;
        l->pinned[n] = before[n];
    }
}

void scratch_rcx(Lower *l)
{
    enum { TEMP_RCX = 1 };
    if (l->temp[TEMP_RCX] != IR_NO_REF && l->temp[TEMP_RCX] != SCRATCH)
        evict(l, TEMP_RCX);
    l->temp[TEMP_RCX] = SCRATCH;
    l->pinned[TEMP_RCX] = true;
}

void end_operation(Lower *l)
{
    unsigned kept = 0;
    for (unsigned n = 0; n < l->lives; n++) {
        IrRef ref = l->live[n];
        if (needed_after(l, ref)) {
            l->live[kept++] = ref;
            continue;
        }
        free_temp_of(l, ref);
        int slot = slot_of(l, ref);
        if (slot >= 0)
            l->spill[slot] = IR_NO_REF;
        l->loc[ref].kind = LOC_NONE;
    }
    l->lives = kept;
    for (unsigned n = 0; n < TEMPS; n++) {
        l->pinned[n] = false;
        if (l->temp[n] == SCRATCH)
            l->temp[n] = IR_NO_REF;
    }
}

/* ---- Operands ---------------------------------------------------------------------------------------- */

bool in_memory(const Lower *l, IrRef ref, Mem *mem)
{
    Loc loc = l->loc[ref];
    if (loc.kind == LOC_SPILL)
        *mem = spill_mem(loc.n);
    else if (loc.kind == LOC_GUEST && home_of(loc.n) == REG_NONE)
        *mem = guest_mem(loc.n);
    else if (loc.kind == LOC_FIELD && field_width((IrField)loc.n) == W32)
        *mem = field_mem((IrField)loc.n);
    else
        return false;
    return true;
}

/* dst := the value, which is not in a temporary. */
static void load_value(Lower *l, Reg dst, IrRef ref)
{
    Asm *a = l->a;
    Loc loc = l->loc[ref];
    const IrInsn *insn = insn_of(l, ref);
    switch (loc.kind) {
    case LOC_CONST:
        x64_mov_ri(a, dst, insn->imm);
        break;
    case LOC_GUEST:
        if (home_of(loc.n) != REG_NONE)
            x64_mov_rr(a, W32, dst, home_of(loc.n));
        else
            x64_load(a, W32, dst, guest_mem(loc.n));
        break;
    case LOC_SPILL:
        x64_load(a, W64, dst, spill_mem(loc.n));
        break;
    case LOC_FIELD:
        x64_load(a, field_width((IrField)loc.n), dst, field_mem((IrField)loc.n));
        break;
    case LOC_AT:
        x64_load(a, W32, dst, mem_at(use_reg(l, insn->a), (int32_t)insn->imm));
        break;
    case LOC_FLAGS: {
        Cc cc = flag_condition(l, ref);
        x64_setcc_r(a, cc, dst);
        x64_movzx(a, W8, dst, dst);
        break;
    }
    default: /* a value of which only the flags were thought to be wanted */
        x64_mov_rr(a, W32, dst, compute(l, ref));
    }
}

void move_to(Lower *l, Reg dst, IrRef ref)
{
    if (l->loc[ref].kind != LOC_TEMP)
        load_value(l, dst, ref);
    else if (temp_regs[l->loc[ref].n] != dst)
        x64_mov_rr(l->a, ir_ops[insn_of(l, ref)->op].result == IR_V64 ? W64 : W32, dst,
                   temp_regs[l->loc[ref].n]);
}

Reg use_reg(Lower *l, IrRef ref)
{
    Loc loc = l->loc[ref];
    if (loc.kind == LOC_GUEST && home_of(loc.n) != REG_NONE)
        return home_of(loc.n);
    if (loc.kind == LOC_TEMP) {
        l->pinned[loc.n] = true;
        return temp_regs[loc.n];
    }
    Reg reg = scratch(l);
    load_value(l, reg, ref);
    if (loc.kind != LOC_CONST && loc.kind != LOC_NONE)
        set_loc(l, ref, LOC_TEMP, temp_number(reg));
    return reg;
}

/* True if the operation may ask for the value more than once: it must not be used up then. */
static bool asked_again(const Lower *l, IrRef ref)
{
    const IrInsn *insn = insn_of(l, l->at);
    const IrRef operand[] = {insn->a, insn->b, insn->c};
    unsigned times = 0;
    for (unsigned n = 0; n < 3; n++) {
        times += operand[n] == ref;
        if (l->loc[operand[n]].kind == LOC_FLAGS) { /* may be found by comparing again */
            IrRef of = insn_of(l, operand[n])->a;
            times += (of == ref) + (insn_of(l, of)->a == ref) + (insn_of(l, of)->b == ref);
        }
    }
    const IrCond *cond = ir_condition(l->ir, insn);
    if (cond) {
        for (IrField f = FIELD_NF; f <= FIELD_VF; f++)
            times += ir_cond_needs(cond->cond) >> f & 1 && cond->flags.value[f] == ref;
    }
    return times > 1;
}

Reg use_copy(Lower *l, IrRef ref)
{
    Loc loc = l->loc[ref];
    if (loc.kind == LOC_TEMP && !needed_after(l, ref) && !l->pinned[loc.n] && !asked_again(l, ref)) {
        l->temp[loc.n] = SCRATCH;
        l->pinned[loc.n] = true;
        l->loc[ref] = (Loc){LOC_NONE, 0}; /* gone: nobody asks again */
        return temp_regs[loc.n];
    }
    if (loc.kind == LOC_TEMP)
        l->pinned[loc.n] = true;
    Reg reg = scratch(l);
    move_to(l, reg, ref);
    return reg;
}

void alu_operand(Lower *l, AluOp op, Reg dst, IrRef ref)
{
    uint32_t value;
    Mem mem;
    if (is_const(l, ref, &value))
        x64_alu_ri(l->a, op, W32, dst, (int32_t)value);
    else if (in_memory(l, ref, &mem))
        x64_alu_rm(l->a, op, W32, dst, mem);
    else
        x64_alu_rr(l->a, op, W32, dst, use_reg(l, ref));
}

/* ---- Results ----------------------------------------------------------------------------------------- */

void define_as(Lower *l, Loc loc)
{
    set_loc(l, l->at, (LocKind)loc.kind, loc.n);
}

void define_in(Lower *l, Reg temp)
{
    set_loc(l, l->at, LOC_TEMP, temp_number(temp));
}

static bool is_temp(Reg reg)
{
    return reg == RAX || reg == RCX || reg == RDX;
}

Reg define(Lower *l, Reg reuse)
{
    unsigned hint = insn_of(l, l->at)->hint;
    if (hint && home_of(hint - 1u) != REG_NONE) {
        save_guest(l, hint - 1u, IR_NO_REF);
        l->holds[hint - 1u] = l->at;
        set_loc(l, l->at, LOC_GUEST, hint - 1u);
        return home_of(hint - 1u);
    }
    if (reuse != REG_NONE && is_temp(reuse)) {
        IrRef ref = l->temp[temp_number(reuse)];
        if (ref == SCRATCH || (ref != IR_NO_REF && !needed_after(l, ref))) {
            if (ref != SCRATCH)
                l->loc[ref] = (Loc){LOC_NONE, 0};
            set_loc(l, l->at, LOC_TEMP, temp_number(reuse));
            return reuse;
        }
    }
    unsigned temp = take_temp(l);
    set_loc(l, l->at, LOC_TEMP, temp);
    return temp_regs[temp];
}

void save_guest(Lower *l, unsigned n, IrRef except)
{
    l->holds[n] = IR_NO_REF; /* what moves away to make room must not move there */
    for (unsigned i = 0; i < l->lives; i++) {
        IrRef ref = l->live[i];
        if (ref == except || l->loc[ref].kind != LOC_GUEST || l->loc[ref].n != n || !needed_after(l, ref) ||
            ref == l->at)
            continue;
        int other = held_by(l, ref, (int)n);
        if (other >= 0) {
            set_loc(l, ref, LOC_GUEST, (unsigned)other);
            continue;
        }
        unsigned temp = take_temp(l);
        load_value(l, temp_regs[temp], ref);
        set_loc(l, ref, LOC_TEMP, temp);
        l->pinned[temp] = false;
    }
}

void save_field(Lower *l, unsigned field)
{
    for (unsigned i = 0; i < l->lives; i++) {
        IrRef ref = l->live[i];
        if (l->loc[ref].kind != LOC_FIELD || l->loc[ref].n != field || !needed_after(l, ref))
            continue;
        unsigned temp = take_temp(l);
        load_value(l, temp_regs[temp], ref);
        set_loc(l, ref, LOC_TEMP, temp);
        l->pinned[temp] = false;
    }
}

void store_guest(Lower *l, unsigned n, IrRef ref)
{
    Loc loc = l->loc[ref];
    Reg home = home_of(n);
    uint32_t value;
    if (loc.kind == LOC_GUEST && loc.n == n) {
        l->holds[n] = ref;
        return;
    }
    save_guest(l, n, ref);
    l->holds[n] = ref;
    if (home != REG_NONE)
        move_to(l, home, ref);
    else if (is_const(l, ref, &value))
        x64_store_imm(l->a, W32, guest_mem(n), (int32_t)value);
    else
        x64_store(l->a, W32, guest_mem(n), use_reg(l, ref));
    loc = l->loc[ref];
    if (needed_after(l, ref) && (loc.kind == LOC_TEMP || loc.kind == LOC_AT) && home != REG_NONE) {
        free_temp_of(l, ref);
        set_loc(l, ref, LOC_GUEST, n);
    }
}

/* ---- Branches ---------------------------------------------------------------------------------------- */

void live_after(const Lower *l, IrRef end, LiveSet *set)
{
    set->count = 0;
    for (unsigned n = 0; n < l->lives; n++) {
        IrRef ref = l->live[n];
        if (insn_of(l, ref)->last > end)
            set->at[set->count++] = (LiveAt){ref, l->loc[ref]};
    }
}

void read_guest(Lower *l, unsigned n)
{
    set_loc(l, l->at, LOC_GUEST, n);
    if (l->holds[n] == IR_NO_REF || !needed_after(l, l->holds[n]))
        l->holds[n] = l->at;
}

/* What the operations up to the label overwrite must not be the place of a value that is needed after it. */
void keep_before_skip(Lower *l, IrRef label)
{
    uint16_t regs = 0, fields = 0;
    for (unsigned at = l->at; at < label; at++) {
        const IrInsn *insn = insn_of(l, (IrRef)at);
        if (insn->op == IR_SET_REG)
            regs |= (uint16_t)(1u << insn->imm);
        if (insn->op == IR_SET_FIELD || insn->op == IR_OR_FIELD)
            fields |= (uint16_t)(1u << insn->imm);
        if (insn->op == IR_SET_FLAGS)
            fields |= 0xf;
    }
    for (unsigned n = 0; n < 15; n++) /* nothing is left to them from here on */
        if (regs >> n & 1)
            l->holds[n] = IR_NO_REF;
    for (unsigned i = 0; i < l->lives; i++) {
        IrRef ref = l->live[i];
        Loc loc = l->loc[ref];
        bool lost =
            (loc.kind == LOC_GUEST && regs >> loc.n & 1) || (loc.kind == LOC_FIELD && fields >> loc.n & 1);
        if (!lost || insn_of(l, ref)->last <= label)
            continue;
        unsigned temp = take_temp(l);
        load_value(l, temp_regs[temp], ref);
        set_loc(l, ref, LOC_TEMP, temp);
        l->pinned[temp] = false;
    }
    l->set_in_skip = regs;
    live_after(l, label, &l->at_skip);
    memcpy(l->spill_at_skip, l->spill, sizeof l->spill);
}

/* Slots that were filled on one of two ways that meet are not valid where they meet. */
void forget_slots(Lower *l, const IrRef *filled_before)
{
    for (unsigned n = 0; n < SPILLS; n++) {
        IrRef ref = l->spill[n];
        if (ref != filled_before[n] && (ref == IR_NO_REF || l->loc[ref].kind != LOC_SPILL))
            l->spill[n] = IR_NO_REF;
    }
}

static bool same_loc(Loc x, Loc y)
{
    return x.kind == y.kind && x.n == y.n;
}

/* Where the skip leads, values are where they were before it. */
void restore_at_label(Lower *l)
{
    for (unsigned n = 0; n < l->at_skip.count; n++) {
        LiveAt was = l->at_skip.at[n];
        Loc now = l->loc[was.ref];
        if (same_loc(was.loc, now) || was.loc.kind != LOC_TEMP || now.kind == LOC_GUEST ||
            slot_of(l, was.ref) >= 0)
            continue;
        int slot = take_slot(l, was.ref);
        Reg reg = use_reg(l, was.ref);
        x64_store(l->a, W64, spill_mem((unsigned)slot), reg);
        for (unsigned t = 0; t < TEMPS; t++)
            l->pinned[t] = false;
    }
    for (unsigned n = 0; n < TEMPS; n++)
        if (l->temp[n] != SCRATCH)
            l->temp[n] = IR_NO_REF;
    for (unsigned n = 0; n < l->at_skip.count; n++) {
        LiveAt was = l->at_skip.at[n];
        Loc now = l->loc[was.ref];
        if (was.loc.kind == LOC_TEMP && now.kind == LOC_GUEST)
            load_value(l, temp_regs[was.loc.n], was.ref);
        else if (was.loc.kind == LOC_TEMP && !same_loc(was.loc, now))
            x64_load(l->a, W64, temp_regs[was.loc.n], spill_mem((unsigned)slot_of(l, was.ref)));
        set_loc(l, was.ref, (LocKind)was.loc.kind, was.loc.n);
    }
    forget_slots(l, l->spill_at_skip);
    for (unsigned n = 0; n < 15; n++)
        if (l->set_in_skip >> n & 1)
            l->holds[n] = IR_NO_REF;
}

void keep_books(const Lower *l, Books *books)
{
    books->at = l->at;
    live_after(l, 0, &books->here);
    memcpy(books->spill, l->spill, sizeof books->spill);
}

/* The state of the books at a branch, to go on from there. */
void enter_books(Lower *l, const Books *books)
{
    for (unsigned n = 0; n < l->lives; n++)
        l->loc[l->live[n]].kind = LOC_NONE;
    l->lives = 0;
    for (unsigned n = 0; n < TEMPS; n++) {
        l->temp[n] = IR_NO_REF;
        l->pinned[n] = false;
    }
    memcpy(l->spill, books->spill, sizeof l->spill);
    memset(l->holds, 0, sizeof l->holds);
    for (unsigned n = 0; n < books->here.count; n++)
        set_loc(l, books->here.at[n].ref, (LocKind)books->here.at[n].loc.kind, books->here.at[n].loc.n);
    l->at = books->at;
    l->host_flags = IR_NO_REF;
}

/* Values that the call of an instruction would lose, or that must be elsewhere after it. */
static bool must_carry(const Lower *l, const LiveAt *after)
{
    LocKind to = (LocKind)after->loc.kind;
    Loc now = l->loc[after->ref];
    if (now.kind == LOC_NONE || (to != LOC_TEMP && to != LOC_SPILL))
        return false;
    return to == LOC_TEMP || !same_loc(now, after->loc);
}

/* Those in temporaries first: the others need one to be moved. */
void save_lives(Lower *l, const SlowSite *site)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned n = 0; n < site->after.count; n++) {
            IrRef ref = site->after.at[n].ref;
            Loc now = l->loc[ref];
            if (!must_carry(l, &site->after.at[n]) || (now.kind == LOC_TEMP) != (pass == 0))
                continue;
            l->failed |= n >= SAVES;
            Reg reg = pass == 0 ? temp_regs[now.n] : RAX;
            if (pass == 1)
                load_value(l, reg, ref);
            x64_store(l->a, W64, save_mem(n % SAVES), reg);
        }
    }
}

void reload_lives(Lower *l, const SlowSite *site)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned n = 0; n < site->after.count; n++) {
            const LiveAt *after = &site->after.at[n];
            if (!must_carry(l, after) || (after->loc.kind == LOC_SPILL) != (pass == 0))
                continue;
            Reg reg = pass == 0 ? RAX : temp_regs[after->loc.n];
            x64_load(l->a, W64, reg, save_mem(n % SAVES));
            if (pass == 0)
                x64_store(l->a, W64, spill_mem(after->loc.n), reg);
        }
    }
}
