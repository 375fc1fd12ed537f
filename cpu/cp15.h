/* Rows of cp15.def, and the functions that pmu.c contributes to them. */
#ifndef ARMATURE_CPU_CP15_H
#define ARMATURE_CPU_CP15_H

#include "cpu/cpu.h"

/* Who may access a register. Whatever is not allowed is UNDEFINED. */
enum {
    PL1_READ = 1,
    PL1_WRITE = 2,
    PL0_READ = 4,
    PL0_WRITE = 8,
    SECURE_ONLY = 0x10,        /* Secure state (with Monitor mode) only */
    SECURE_WRITE = 0x20,       /* Non-secure state may only read */
    NEED_PMUSERENR = 0x40,     /* User mode only with PMUSERENR.EN */
    NEED_UDCC = 0x80,          /* User mode only without DBGDSCR.UDCCdis */
    NEED_THUMBEE_USER = 0x100, /* User mode only without TEECR.XED */
    NEED_NSACR_TL = 0x200,     /* Non-secure state only with NSACR.TL */
    NEED_NSACR_PLE = 0x400     /* Non-secure state only with NSACR.PLE */
};

typedef struct CpReg CpReg;

struct CpReg {
    const char *name;
    uint16_t access;
    uint16_t at; /* offset in Cp15; in bank[0] for registers with a copy per security state */
    uint32_t reset;
    uint32_t writable; /* mask */
    /* NULL: the stored value, or reset if nothing is stored. */
    uint32_t (*read)(Cpu *cpu, const CpReg *reg);
    /* NULL: stores value. value is the stored one with the writable bits replaced. */
    void (*write)(Cpu *cpu, const CpReg *reg, uint32_t value);
};

#define CP_NO_STORE UINT16_MAX

/* Where a register is stored for the security state that coprocessor accesses refer to; NULL if it is not. */
uint32_t *cp15_cell(Cpu *cpu, const CpReg *reg);

/* pmu.c */
void pmu_reset(Cpu *cpu);
uint32_t pmcr_read(Cpu *cpu, const CpReg *reg);
void pmcr_write(Cpu *cpu, const CpReg *reg, uint32_t value);
void pmcntenset_write(Cpu *cpu, const CpReg *reg, uint32_t value);
void pmcntenclr_write(Cpu *cpu, const CpReg *reg, uint32_t value);
uint32_t pmovsr_read(Cpu *cpu, const CpReg *reg);
void pmovsr_write(Cpu *cpu, const CpReg *reg, uint32_t value);
void pmswinc_write(Cpu *cpu, const CpReg *reg, uint32_t value);
uint32_t pmccntr_read(Cpu *cpu, const CpReg *reg);
void pmccntr_write(Cpu *cpu, const CpReg *reg, uint32_t value);
uint32_t pmxevtyper_read(Cpu *cpu, const CpReg *reg);
void pmxevtyper_write(Cpu *cpu, const CpReg *reg, uint32_t value);
uint32_t pmxevcntr_read(Cpu *cpu, const CpReg *reg);
void pmxevcntr_write(Cpu *cpu, const CpReg *reg, uint32_t value);
void pmintenset_write(Cpu *cpu, const CpReg *reg, uint32_t value);
void pmintenclr_write(Cpu *cpu, const CpReg *reg, uint32_t value);

#endif
