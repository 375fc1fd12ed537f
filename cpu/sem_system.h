/* Bodies: exceptions, status registers, hints, barriers, coprocessors. These are rare: plain C on the CPU's
 * state. */
#ifndef ARMATURE_CPU_SEM_SYSTEM_H
#define ARMATURE_CPU_SEM_SYSTEM_H

#include "cpu/exec.h"

/* ---- Exceptions ---------------------------------------------------------------------------------------- */

/* The immediates that make SVC a trap instruction of semihosting. */
enum { SEMIHOST_A32 = 0x123456, SEMIHOST_T32 = 0xab };

static inline void sem_undefined(C *c, const Insn *i)
{
    (void)i;
    exception_undefined(c);
}

static inline void sem_svc(C *c, const Insn *i)
{
    if (c->semihost && i->imm == (i->length == 2 ? SEMIHOST_T32 : SEMIHOST_A32))
        cpu_semihost(c);
    else
        exception_svc(c);
}

/* ARMv8's halting instruction is UNDEFINED here; but with one immediate, the only one that has a line, it is
 * a trap instruction of semihosting too. */
static inline void sem_hlt(C *c, const Insn *i)
{
    (void)i;
    if (c->semihost)
        cpu_semihost(c);
    else
        exception_undefined(c);
}

static inline void sem_smc(C *c, const Insn *i)
{
    (void)i;
    if (cpu_privileged(c))
        exception_smc(c);
    else
        exception_undefined(c);
}

static inline void sem_bkpt(C *c, const Insn *i)
{
    (void)i;
    Fault fault = {.kind = FAULT_DEBUG, .va = cpu_insn_address(c)};
    exception_prefetch_abort(c, &fault);
}

/* ---- Status registers ---------------------------------------------------------------------------------- */

/* The execution state bits of CPSR read as zero. */
static inline void sem_mrs(C *c, const Insn *i)
{
    if (i->size && in_user_or_system_mode(c))
        exception_undefined(c);
    else if (i->size)
        set_reg(c, i->rd, spsr_read(c));
    else
        set_reg(c, i->rd, cpsr_read(c) & ~(V)(PSR_J | PSR_T | PSR_IT));
}

static inline void sem_msr(C *c, const Insn *i)
{
    V value = operand2(c, i);
    if (i->size && in_user_or_system_mode(c))
        exception_undefined(c);
    else if (i->size)
        spsr_write_by_instr(c, value, i->q);
    else
        cpsr_write_by_instr(c, value, i->q, false);
}

/* add: clear, index: set the mask bits in q (A, I, F = 4, 2, 1); size: change to mode imm. */
static inline void sem_cps(C *c, const Insn *i)
{
    if (!cpu_privileged(c))
        return;
    V value = cpsr_read(c), bits = (V)i->q << 6;
    unsigned bytes = 1 | (bits & PSR_A ? 2 : 0);
    if (i->add)
        value &= ~bits;
    if (i->index)
        value |= bits;
    if (i->size & 1)
        value = (value & ~(V)PSR_MODE) | i->imm;
    cpsr_write_by_instr(c, value, bytes, false);
}

static inline void sem_setend(C *c, const Insn *i)
{
    cpsr_write(c, i->q ? PSR_E : 0, PSR_E);
}

/* The lower of two words that SRS and RFE access, and the base afterwards. */
static inline V return_state_address(const Insn *i, V base)
{
    return (i->add ? base : base - 8) + (i->add == i->index ? 4 : 0);
}

static inline V return_state_end(const Insn *i, V base)
{
    return i->add ? base + 8 : base - 8;
}

static inline void sem_srs(C *c, const Insn *i)
{
    if (in_user_or_system_mode(c) || !cpu_mode_valid(c, i->imm)) {
        exception_undefined(c);
        return;
    }
    V base = cpu_reg_of_mode(c, 13, (CpuMode)i->imm);
    V word[2] = {get_reg(c, 14), spsr_read(c)};
    store_words(c, return_state_address(i, base), word, 2);
    if (!faulted(c) && i->wback)
        cpu_set_reg_of_mode(c, 13, (CpuMode)i->imm, return_state_end(i, base));
}

static inline void sem_rfe(C *c, const Insn *i)
{
    if (!cpu_privileged(c)) {
        exception_undefined(c);
        return;
    }
    V base = get_reg(c, i->rn), word[2] = {0, 0};
    load_words(c, return_state_address(i, base), word, 2);
    if (faulted(c))
        return;
    if (i->wback)
        set_reg(c, i->rn, return_state_end(i, base));
    cpsr_write_by_instr(c, word[1], 0xf, true);
    branch_write_pc(c, word[0]);
}

/* ---- Hints and barriers -------------------------------------------------------------------------------- */

static inline void sem_nop(C *c, const Insn *i)
{
    (void)c;
    (void)i;
}

static inline void wait_for(C *c, bool event)
{
    c->halted_for_event = event;
    c->attention |= ATTN_HALTED;
    c->leave |= LEAVE_CHECK;
}

static inline void sem_wfi(C *c, const Insn *i)
{
    (void)i;
    wait_for(c, false);
}

static inline void sem_wfe(C *c, const Insn *i)
{
    (void)i;
    if (c->event)
        c->event = false;
    else
        wait_for(c, true);
}

static inline void sem_sev(C *c, const Insn *i)
{
    (void)i;
    if (c->send_event)
        c->send_event(c);
    c->leave |= LEAVE_CHECK;
}

static inline void sem_yield(C *c, const Insn *i)
{
    (void)i;
    c->leave |= LEAVE_CHECK;
}

/* Accesses happen one after the other, in program order. */
static inline void sem_dmb(C *c, const Insn *i)
{
    (void)c;
    (void)i;
}

static inline void sem_dsb(C *c, const Insn *i)
{
    (void)c;
    (void)i;
}

static inline void sem_isb(C *c, const Insn *i)
{
    (void)i;
    c->leave |= LEAVE_CHECK;
}

/* ---- Coprocessors (size: number, shift_type: opc1, shift_n: opc2) -------------------------------------- */

/* 10 and 11 have lines of their own; 14 and 15 are cp_read() and cp_write(); there are no others. */
static inline bool coprocessor_exists(C *c, const Insn *i)
{
    if (i->size >= 14)
        return true;
    exception_undefined(c);
    return false;
}

static inline void sem_mcr(C *c, const Insn *i)
{
    if (coprocessor_exists(c, i))
        cp_write(c, i->size, i->shift_type, i->rn, i->rm, i->shift_n, get_reg(c, i->rd));
}

/* Rt = PC: the flags. */
static inline void sem_mrc(C *c, const Insn *i)
{
    if (!coprocessor_exists(c, i))
        return;
    V value = cp_read(c, i->size, i->shift_type, i->rn, i->rm, i->shift_n);
    if (faulted(c))
        return;
    if (i->rd == 15)
        cpsr_write(c, value, PSR_N | PSR_Z | PSR_C | PSR_V);
    else
        set_reg(c, i->rd, value);
}

static inline void sem_mcrr(C *c, const Insn *i)
{
    if (coprocessor_exists(c, i))
        cp_write64(c, i->size, i->shift_type, i->rm, pair64(c, get_reg(c, i->ra), get_reg(c, i->rd)));
}

static inline void sem_mrrc(C *c, const Insn *i)
{
    if (!coprocessor_exists(c, i))
        return;
    V64 value = cp_read64(c, i->size, i->shift_type, i->rm);
    if (faulted(c))
        return;
    set_reg(c, i->rd, low32(c, value));
    set_reg(c, i->ra, high32(c, value));
}

/* The only coprocessor register that LDC and STC know is the debug data transfer register: p14, c5. */
static inline bool transfers_debug_data(const Insn *i)
{
    return i->size == 14 && i->rd == 5 && !i->q;
}

static inline V transfer_offset(C *c, const Insn *i)
{
    return get_reg(c, i->rn) + (i->add ? i->imm : -i->imm);
}

static inline V transfer_address(C *c, const Insn *i)
{
    V address = i->index ? transfer_offset(c, i) : get_reg(c, i->rn);
    return i->rn == 15 ? address & ~3u : address;
}

static inline void sem_ldc(C *c, const Insn *i)
{
    if (!transfers_debug_data(i)) {
        exception_undefined(c);
        return;
    }
    V value = load(c, transfer_address(c, i), MEM_32 | MEM_ALIGN_4);
    if (faulted(c))
        return;
    V offset = transfer_offset(c, i);
    cp_write(c, 14, 0, 0, 5, 0, value);
    if (!faulted(c) && i->wback)
        set_reg(c, i->rn, offset);
}

static inline void sem_stc(C *c, const Insn *i)
{
    if (!transfers_debug_data(i)) {
        exception_undefined(c);
        return;
    }
    V value = cp_read(c, 14, 0, 0, 5, 0);
    if (faulted(c))
        return;
    store(c, transfer_address(c, i), value, MEM_32 | MEM_ALIGN_4);
    if (!faulted(c) && i->wback)
        set_reg(c, i->rn, transfer_offset(c, i));
}

/* CDP, and MCR2 and its like: no coprocessor here has them. */
static inline void sem_cdp(C *c, const Insn *i)
{
    (void)i;
    exception_undefined(c);
}

/* IT: its format has told the decoder all there is. */
static inline void sem_it(C *c, const Insn *i)
{
    (void)c;
    (void)i;
}

#endif
