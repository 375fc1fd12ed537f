/* A CPU's state as snapshots see it: in one representation, checked, and with what follows from it. */
#include <string.h>

#include "cpu/cpu.h"

enum { SCR_NS = 1 };

void cpu_settle(Cpu *cpu)
{
    CpuBank bank = cpu_bank_of(cpu->mode);
    pmu_settle(cpu);
    cpu->nf &= PSR_N;
    cpu->zf = cpu->zf != 0;
    /* Copies of the current registers that are not valid. */
    cpu->bank_r13[bank] = cpu->r[13];
    cpu->bank_r14[bank] = cpu->r[14];
    memcpy(bank == BANK_FIQ ? cpu->fiq_r8_12 : cpu->usr_r8_12, &cpu->r[8], sizeof cpu->usr_r8_12);
    if (!cpu->exclusive_valid)
        cpu->exclusive_pa = cpu->exclusive_size = 0;
    cpu->attention &= (uint8_t)~ATTN_STOP;
}

static const char *check_exclusive(const Cpu *cpu)
{
    uint8_t size = cpu->exclusive_size;
    bool sized = size == 1 || size == 2 || size == 4 || size == 8;
    if (cpu->exclusive_valid ? !sized : size)
        return "the exclusive monitor's size";
    return size && cpu->exclusive_pa & (size - 1u) ? "the exclusive monitor's address" : NULL;
}

const char *cpu_problem(const Cpu *cpu)
{
    const uint8_t known = ATTN_IRQ | ATTN_FIQ | ATTN_HALTED | ATTN_RESET | ATTN_VIRTUAL | ATTN_INPUT;
    if (cpu_bank_of(cpu->mode) == BANKS)
        return "the mode";
    if (cpu->secure != (cpu->mode == MODE_MON || !(cpu->cp15.scr & SCR_NS)))
        return "the security state";
    if (cpu->thumb > 1 || cpu->cf > 1 || cpu->vf > 1 || cpu->ge > 15 || cpu->j)
        return "a flag";
    if (cpu->pc & (cpu->thumb ? 1 : 3))
        return "the program counter";
    if (!cpu->thumb && cpu->itstate)
        return "ITSTATE";
    if (cpu->attention & ~known || (cpu->attention & ATTN_INPUT && !cpu->semihost))
        return "what it waits for";
    if (cpu->icount >> 62)
        return "the instruction count";
    return check_exclusive(cpu);
}

void cpu_loaded(Cpu *cpu)
{
    cpu->insn = cpu->block_start = NULL;
    cpu->leave = 0;
    cpu->fp_host = 0;
    cpu->stop_icount = UINT64_MAX;
    cpu->stopped = false;
    cpu->recent_count = 0;
    fpu_update_access(cpu);
    mmu_flush_all(cpu);
}
