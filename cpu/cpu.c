/* One CPU: creation, reset, program status registers, modes and banked registers (ARM DDI 0406C, B1.3). */
#include "cpu/cpu.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/insn.h"

enum { SCTLR_V = 1 << 13, SCTLR_NMFI = 1 << 27, SCR_NS = 1 << 0, SCR_FW = 1 << 4, SCR_AW = 1 << 5 };
enum { NSACR_RFR = 1 << 19, PMU_EXCEPTION_RETURN = 0x0a };

#define PSR_FLAGS (PSR_N | PSR_Z | PSR_C | PSR_V | PSR_Q | PSR_GE)

Cpu *cpu_new(unsigned number, unsigned cpus, Bus *bus, Clock *clock, Log *log)
{
    assert(number < cpus);
    Cpu *cpu = aligned_alloc(_Alignof(Cpu), sizeof *cpu);
    if (!cpu)
        abort();
    memset(cpu, 0, sizeof *cpu);
    cpu->number = number;
    cpu->cpus = cpus;
    cpu->bus = bus;
    cpu->clock = clock;
    cpu->log = log;
    snprintf(cpu->name, sizeof cpu->name, "cpu%u", number & 0xf);
    cpu->mmu = mmu_new();
    cpu_reset(cpu);
    return cpu;
}

void cpu_free(Cpu *cpu)
{
    if (!cpu)
        return;
    mmu_free(cpu->mmu);
    free(cpu);
}

static void reset_core_registers(Cpu *cpu)
{
    memset(cpu->r, 0, sizeof cpu->r);
    memset(cpu->bank_r13, 0, sizeof cpu->bank_r13);
    memset(cpu->bank_r14, 0, sizeof cpu->bank_r14);
    memset(cpu->spsr, 0, sizeof cpu->spsr);
    memset(cpu->usr_r8_12, 0, sizeof cpu->usr_r8_12);
    memset(cpu->fiq_r8_12, 0, sizeof cpu->fiq_r8_12);
    memset(&cpu->v, 0, sizeof cpu->v);
    cpu->fpscr = cpu->fpexc = 0;
}

static void reset_psr(Cpu *cpu)
{
    cpu->nf = cpu->cf = cpu->vf = 0;
    cpu->zf = 1;
    cpu->ge = 0;
    cpu->q = cpu->e = cpu->j = false;
    cpu->counts_refills = false;
    cpu->a = cpu->i = cpu->f = true;
    cpu->thumb = cpu->itstate = 0;
    cpu->mode = MODE_SVC;
    cpu->secure = true;
}

void cpu_reset(Cpu *cpu)
{
    reset_core_registers(cpu);
    reset_psr(cpu);
    cpu->insn = cpu->block_start = NULL;
    cpu->leave = 0;
    cpu->attention &= (uint8_t) ~(ATTN_HALTED | ATTN_INPUT);
    cpu->halted_for_event = cpu->event = cpu->exclusive_valid = false;
    cpu->stop_icount = UINT64_MAX;
    cpu->stopped = false;
    cp15_reset(cpu);
    fpu_update_access(cpu);
    mmu_flush_all(cpu);
    cpu->pc = cp15_bank(cpu)->sctlr & SCTLR_V ? 0xffff0000 : 0;
    cpu->exceptions[EXC_RESET]++;
    cpu->recent_count = 0;
}

void cpu_interrupt_changed(void *opaque, unsigned input, bool level)
{
    Cpu *cpu = opaque;
    uint8_t bit = input == EXC_FIQ ? ATTN_FIQ : ATTN_IRQ;
    log_line(cpu->log, LOG_IRQ, cpu->name, "%s input %s", input == EXC_FIQ ? "FIQ" : "IRQ",
             level ? "high" : "low");
    cpu->attention = (uint8_t)(level ? cpu->attention | bit : cpu->attention & ~bit);
    if (cpu->insn)
        cpu->leave |= LEAVE_CHECK;
}

uint64_t cpu_icount(const Cpu *cpu)
{
    return cpu->insn ? cpu->icount + (uint64_t)(cpu->insn - cpu->block_start) : cpu->icount;
}

uint32_t cpu_insn_address(const Cpu *cpu)
{
    return cpu->insn ? cpu->page_va + cpu->insn->offset : cpu->pc;
}

/* ---- Modes and banked registers --------------------------------------------------------------------- */

/* The bank of a mode number; BANKS if there is no such mode. */
CpuBank cpu_bank_of(uint32_t mode)
{
    switch (mode) {
    case MODE_USR:
    case MODE_SYS:
        return BANK_USR;
    case MODE_FIQ:
        return BANK_FIQ;
    case MODE_IRQ:
        return BANK_IRQ;
    case MODE_SVC:
        return BANK_SVC;
    case MODE_ABT:
        return BANK_ABT;
    case MODE_UND:
        return BANK_UND;
    case MODE_MON:
        return BANK_MON;
    default:
        return BANKS;
    }
}

bool cpu_mode_valid(const Cpu *cpu, uint32_t mode)
{
    if (cpu_bank_of(mode) == BANKS)
        return false;
    if (cpu->secure)
        return true;
    return mode != MODE_MON && !(mode == MODE_FIQ && cpu->cp15.nsacr & NSACR_RFR);
}

static void switch_r8_12(Cpu *cpu, bool to_fiq)
{
    uint32_t *save = to_fiq ? cpu->usr_r8_12 : cpu->fiq_r8_12;
    const uint32_t *load = to_fiq ? cpu->fiq_r8_12 : cpu->usr_r8_12;
    memcpy(save, &cpu->r[8], sizeof cpu->usr_r8_12);
    memcpy(&cpu->r[8], load, sizeof cpu->usr_r8_12);
}

void cpu_switch_mode(Cpu *cpu, CpuMode mode)
{
    CpuBank from = cpu_bank_of(cpu->mode), to = cpu_bank_of(mode);
    assert(from < BANKS && to < BANKS);
    if (from != to) {
        cpu->bank_r13[from] = cpu->r[13];
        cpu->bank_r14[from] = cpu->r[14];
        cpu->r[13] = cpu->bank_r13[to];
        cpu->r[14] = cpu->bank_r14[to];
        if ((from == BANK_FIQ) != (to == BANK_FIQ))
            switch_r8_12(cpu, to == BANK_FIQ);
    }
    bool privileged = cpu_privileged(cpu), secure = cpu->secure;
    cpu->mode = (uint8_t)mode;
    cpu->secure = mode == MODE_MON || !(cpu->cp15.scr & SCR_NS);
    if (cpu_privileged(cpu) != privileged || cpu->secure != secure)
        fpu_update_access(cpu);
    mmu_select(cpu);
}

/* Where register reg of a mode is kept now. */
static uint32_t *reg_of_mode(Cpu *cpu, unsigned reg, CpuMode mode)
{
    CpuBank bank = cpu_bank_of(mode), current = cpu_bank_of(cpu->mode);
    assert(reg < 16 && bank < BANKS);
    if (bank == current || reg < 8 || reg == 15)
        return &cpu->r[reg];
    if (reg == 13)
        return &cpu->bank_r13[bank];
    if (reg == 14)
        return &cpu->bank_r14[bank];
    if (bank == BANK_FIQ)
        return &cpu->fiq_r8_12[reg - 8];
    return current == BANK_FIQ ? &cpu->usr_r8_12[reg - 8] : &cpu->r[reg];
}

uint32_t cpu_reg_of_mode(const Cpu *cpu, unsigned reg, CpuMode mode)
{
    return *reg_of_mode((Cpu *)cpu, reg, mode);
}

void cpu_set_reg_of_mode(Cpu *cpu, unsigned reg, CpuMode mode, uint32_t value)
{
    *reg_of_mode(cpu, reg, mode) = value;
}

/* ---- Program status registers ----------------------------------------------------------------------- */

uint32_t cpsr_read(const Cpu *cpu)
{
    uint32_t it = cpu->insn ? cpu->insn->itstate : cpu->itstate;
    return (cpu->nf & PSR_N) | (cpu->zf == 0 ? PSR_Z : 0) | (cpu->cf ? PSR_C : 0) | (cpu->vf ? PSR_V : 0) |
           (cpu->q ? PSR_Q : 0) | (it & 3) << 25 | (cpu->j ? PSR_J : 0) | (uint32_t)cpu->ge << 16 |
           (it & 0xfc) << 8 | (cpu->e ? PSR_E : 0) | (cpu->a ? PSR_A : 0) | (cpu->i ? PSR_I : 0) |
           (cpu->f ? PSR_F : 0) | (cpu->thumb ? PSR_T : 0) | cpu->mode;
}

static void write_flags(Cpu *cpu, uint32_t value, uint32_t mask)
{
    if (mask & PSR_N)
        cpu->nf = value;
    if (mask & PSR_Z)
        cpu->zf = !(value & PSR_Z);
    if (mask & PSR_C)
        cpu->cf = value >> 29 & 1;
    if (mask & PSR_V)
        cpu->vf = value >> 28 & 1;
    if (mask & PSR_Q)
        cpu->q = value & PSR_Q;
    if (mask & PSR_GE)
        cpu->ge = (uint8_t)((cpu->ge & ~(mask >> 16)) | (value >> 16 & mask >> 16)) & 15;
}

static void write_mode(Cpu *cpu, uint32_t mode)
{
    if (!cpu_mode_valid(cpu, mode))
        log_line(cpu->log, LOG_GUEST, cpu->name, "illegal mode 0x%02x written to CPSR at 0x%08x: ignored",
                 mode, cpu_insn_address(cpu));
    else
        cpu_switch_mode(cpu, (CpuMode)mode);
}

/* Everything but the flags: how the next instructions execute. */
static void write_state(Cpu *cpu, uint32_t value, uint32_t mask)
{
    if (mask & PSR_IT) {
        uint8_t it = (uint8_t)((value >> 25 & 3) | (value >> 8 & 0xfc)),
                bits = (mask >> 25 & 3) | (mask >> 8 & 0xfc);
        cpu->itstate = (uint8_t)((cpu->itstate & ~bits) | (it & bits));
    }
    if (mask & PSR_E)
        cpu->e = value & PSR_E;
    if (mask & PSR_A)
        cpu->a = value & PSR_A;
    if (mask & PSR_I)
        cpu->i = value & PSR_I;
    if (mask & PSR_F)
        cpu->f = value & PSR_F;
    if (mask & PSR_T)
        cpu->thumb = value >> 5 & 1;
    if (mask & PSR_MODE)
        write_mode(cpu, (cpu->mode & ~mask & PSR_MODE) | (value & mask & PSR_MODE));
    mmu_select(cpu);
    cpu->leave |= LEAVE_CHECK;
}

/* CPSR.J stays 0: neither Jazelle nor ThumbEE state exists (BXJ and ENTERX behave accordingly). */
void cpsr_write(Cpu *cpu, uint32_t value, uint32_t mask)
{
    write_flags(cpu, value, mask);
    if (mask & ~PSR_FLAGS)
        write_state(cpu, value, mask);
}

uint32_t spsr_read(const Cpu *cpu)
{
    CpuBank bank = cpu_bank_of(cpu->mode);
    return bank == BANK_USR ? 0 : cpu->spsr[bank];
}

void spsr_write(Cpu *cpu, uint32_t value, uint32_t mask)
{
    CpuBank bank = cpu_bank_of(cpu->mode);
    if (bank != BANK_USR)
        cpu->spsr[bank] = (cpu->spsr[bank] & ~mask) | (value & mask);
}

/* The bits of byte 0 of the CPSR that may be written in the current mode and security state. */
static uint32_t writable_control(Cpu *cpu, uint32_t value, bool is_exception_return)
{
    uint32_t mask = is_exception_return ? PSR_T : 0;
    if (!cpu_privileged(cpu))
        return mask;
    mask |= PSR_I;
    bool nmfi = cp15_bank(cpu)->sctlr & SCTLR_NMFI;
    if ((!nmfi || !(value & PSR_F)) && (cpu->secure || cpu->cp15.scr & SCR_FW))
        mask |= PSR_F;
    if (cpu_mode_valid(cpu, value & PSR_MODE))
        return mask | PSR_MODE;
    log_line(cpu->log, LOG_GUEST, cpu->name, "change to mode 0x%02x not allowed at 0x%08x: ignored",
             value & PSR_MODE, cpu_insn_address(cpu));
    return mask;
}

void cpsr_write_by_instr(Cpu *cpu, uint32_t value, unsigned bytemask, bool is_exception_return)
{
    uint32_t mask = 0;
    if (bytemask & 8)
        mask |= PSR_N | PSR_Z | PSR_C | PSR_V | PSR_Q | (is_exception_return ? PSR_IT & 0xff000000 : 0);
    if (bytemask & 4)
        mask |= PSR_GE;
    if (bytemask & 2) {
        mask |= PSR_E | (is_exception_return ? PSR_IT & 0xff00 : 0);
        if (cpu_privileged(cpu) && (cpu->secure || cpu->cp15.scr & SCR_AW))
            mask |= PSR_A;
    }
    if (bytemask & 1)
        mask |= writable_control(cpu, value, is_exception_return);
    cpsr_write(cpu, value, mask);
    /* IT bits only mean something in Thumb state. */
    if (is_exception_return && !cpu->thumb)
        cpu->itstate = 0;
    if (is_exception_return && cpu->cp15.pmu.pmcnten)
        pmu_event(cpu, PMU_EXCEPTION_RETURN, 1);
}

void spsr_write_by_instr(Cpu *cpu, uint32_t value, unsigned bytemask)
{
    uint32_t mask = 0;
    for (unsigned n = 0; n < 4; n++)
        if (bytemask >> n & 1)
            mask |= 0xffu << (8 * n);
    spsr_write(cpu, value, mask & ~0x00f00000u);
}
