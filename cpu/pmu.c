/* The performance monitors (ARM DDI 0406C, C12; Cortex-A9 TRM, chapter 11): a cycle counter and six event
 * counters.
 *
 * One instruction takes one cycle. Counts that follow from the instruction count are computed when somebody
 * looks, and when the engine reaches the instruction at which an overflow interrupt is due
 * (pmu_next_overflow). Rare events are added as they happen (pmu_event). Events that are not counted stay at
 * 0. */
#include "cpu/cp15.h"

#include <string.h>

enum {
    PMCR_E = 1 << 0,
    PMCR_P = 1 << 1,
    PMCR_C = 1 << 2,
    PMCR_D = 1 << 3,
    PMCR_X = 1 << 4,
    PMCR_DP = 1 << 5,
    EVENT_SOFTWARE = 0x00,
    EVENT_INSTRUCTIONS = 0x08,
    EVENT_CYCLES = 0x11,
    EVENT_A9_RENAMED = 0x68
};
#define PMCR_ID 0x41093000u /* implementer, IDCODE, N = 6 */
#define CYCLE_BIT (1u << 31)

static bool follows_icount(uint32_t event)
{
    return event == EVENT_INSTRUCTIONS || event == EVENT_CYCLES || event == EVENT_A9_RENAMED;
}

static bool running(const Pmu *pmu, uint32_t bit)
{
    return pmu->pmcr & PMCR_E && pmu->pmcnten & bit;
}

static unsigned divider(const Pmu *pmu)
{
    return pmu->pmcr & PMCR_D ? 64 : 1;
}

static void add(Pmu *pmu, uint32_t *count, uint64_t n, uint32_t bit)
{
    uint64_t sum = *count + n;
    *count = (uint32_t)sum;
    if (sum >> 32)
        pmu->pmovsr |= bit;
}

/* Brings all counts up to the present. */
static void sync(Cpu *cpu)
{
    Pmu *pmu = &cpu->cp15.pmu;
    uint64_t now = cpu_icount(cpu);
    for (unsigned n = 0; n < PMU_COUNTERS; n++) {
        if (running(pmu, 1u << n) && follows_icount(pmu->evtyper[n]))
            add(pmu, &pmu->count[n], now - pmu->base[n], 1u << n);
        pmu->base[n] = now;
    }
    uint64_t ticks = (now - pmu->ccnt_base) / divider(pmu);
    if (running(pmu, CYCLE_BIT)) {
        add(pmu, &pmu->ccnt, ticks, CYCLE_BIT);
        pmu->ccnt_base += ticks * divider(pmu);
    } else {
        pmu->ccnt_base = now;
    }
}

/* To be called after any change: drives the interrupt and makes the engine stop in time for the next one. */
static void update(Cpu *cpu)
{
    const Pmu *pmu = &cpu->cp15.pmu;
    irq_set(&cpu->pmu_irq, pmu->pmovsr & pmu->pminten);
    uint64_t due = pmu_next_overflow(cpu);
    if (due < cpu->icount_limit)
        cpu->icount_limit = due;
}

uint64_t pmu_next_overflow(const Cpu *cpu)
{
    const Pmu *pmu = &cpu->cp15.pmu;
    uint32_t watched = pmu->pminten & ~pmu->pmovsr;
    uint64_t due = UINT64_MAX, at;
    if (!watched)
        return due;
    for (unsigned n = 0; n < PMU_COUNTERS; n++) {
        if (!(watched >> n & 1) || !running(pmu, 1u << n) || !follows_icount(pmu->evtyper[n]))
            continue;
        at = pmu->base[n] + ((uint64_t)1 << 32) - pmu->count[n];
        due = at < due ? at : due;
    }
    if (watched & CYCLE_BIT && running(pmu, CYCLE_BIT)) {
        at = pmu->ccnt_base + (((uint64_t)1 << 32) - pmu->ccnt) * divider(pmu);
        due = at < due ? at : due;
    }
    return due;
}

void pmu_check(Cpu *cpu)
{
    if (!cpu->cp15.pmu.pmcnten)
        return;
    sync(cpu);
    update(cpu);
}

void pmu_settle(Cpu *cpu)
{
    sync(cpu);
}

void pmu_event(Cpu *cpu, unsigned event, uint32_t n)
{
    Pmu *pmu = &cpu->cp15.pmu;
    bool counted = false;
    for (unsigned k = 0; pmu->pmcnten && k < PMU_COUNTERS; k++) {
        if (!running(pmu, 1u << k) || pmu->evtyper[k] != event || follows_icount(event))
            continue;
        add(pmu, &pmu->count[k], n, 1u << k);
        counted = true;
    }
    if (counted)
        update(cpu);
}

void pmu_reset(Cpu *cpu)
{
    memset(&cpu->cp15.pmu, 0, sizeof cpu->cp15.pmu);
    sync(cpu);
    irq_set(&cpu->pmu_irq, false);
}

/* ---- Registers -------------------------------------------------------------------------------------- */

uint32_t pmcr_read(Cpu *cpu, const CpReg *reg)
{
    return PMCR_ID | *cp15_cell(cpu, reg);
}

void pmcr_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    Pmu *pmu = &cpu->cp15.pmu;
    sync(cpu);
    *cp15_cell(cpu, reg) = value & (PMCR_E | PMCR_D | PMCR_X | PMCR_DP);
    if (value & PMCR_P)
        memset(pmu->count, 0, sizeof pmu->count);
    if (value & PMCR_C) {
        pmu->ccnt = 0;
        pmu->ccnt_base = cpu_icount(cpu);
    }
    update(cpu);
}

/* Registers of which a bit that is written 1 is set or cleared. */
static void change_bits(Cpu *cpu, const CpReg *reg, uint32_t set, uint32_t clear)
{
    sync(cpu);
    uint32_t *cell = cp15_cell(cpu, reg);
    *cell = (*cell | set) & ~clear;
    update(cpu);
}

static bool counts_refills(const Pmu *pmu)
{
    for (unsigned n = 0; n < PMU_COUNTERS; n++)
        if (pmu->pmcnten >> n & 1 &&
            (pmu->evtyper[n] == PMU_ITLB_REFILL || pmu->evtyper[n] == PMU_DTLB_REFILL))
            return true;
    return false;
}

/* Other events are counted now. Compiled code remembers more pages than the TLB holds, so refills are counted
 * by the interpreter, from an empty TLB on. */
static void events_changed(Cpu *cpu)
{
    bool before = cpu->counts_refills;
    cpu->counts_refills = counts_refills(&cpu->cp15.pmu);
    if (cpu->counts_refills && !before)
        mmu_flush_all(cpu);
    mmu_select(cpu); /* unaligned accesses may be counted, too */
    cpu->leave |= LEAVE_CHECK;
}

void pmcntenset_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    change_bits(cpu, reg, value, 0);
    events_changed(cpu);
}

void pmcntenclr_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    change_bits(cpu, reg, 0, value);
    events_changed(cpu);
}

uint32_t pmovsr_read(Cpu *cpu, const CpReg *reg)
{
    sync(cpu);
    update(cpu);
    return *cp15_cell(cpu, reg);
}

void pmovsr_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    change_bits(cpu, reg, 0, value);
}

void pmintenset_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    change_bits(cpu, reg, value, 0);
}

void pmintenclr_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    change_bits(cpu, reg, 0, value);
}

void pmswinc_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    (void)reg;
    Pmu *pmu = &cpu->cp15.pmu;
    sync(cpu);
    for (unsigned n = 0; n < PMU_COUNTERS; n++)
        if (value >> n & 1 && running(pmu, 1u << n) && pmu->evtyper[n] == EVENT_SOFTWARE)
            add(pmu, &pmu->count[n], 1, 1u << n);
    update(cpu);
}

uint32_t pmccntr_read(Cpu *cpu, const CpReg *reg)
{
    (void)reg;
    sync(cpu);
    update(cpu);
    return cpu->cp15.pmu.ccnt;
}

void pmccntr_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    (void)reg;
    sync(cpu);
    cpu->cp15.pmu.ccnt = value;
    cpu->cp15.pmu.ccnt_base = cpu_icount(cpu);
    update(cpu);
}

/* The selected counter; a selection of one that does not exist reads as zero and ignores writes. */
static bool selected(const Cpu *cpu, unsigned *n)
{
    *n = cpu->cp15.pmu.pmselr;
    return *n < PMU_COUNTERS;
}

uint32_t pmxevtyper_read(Cpu *cpu, const CpReg *reg)
{
    (void)reg;
    unsigned n;
    return selected(cpu, &n) ? cpu->cp15.pmu.evtyper[n] : 0;
}

void pmxevtyper_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    (void)reg;
    unsigned n;
    sync(cpu);
    if (selected(cpu, &n))
        cpu->cp15.pmu.evtyper[n] = value;
    update(cpu);
    events_changed(cpu);
}

uint32_t pmxevcntr_read(Cpu *cpu, const CpReg *reg)
{
    (void)reg;
    unsigned n;
    sync(cpu);
    update(cpu);
    return selected(cpu, &n) ? cpu->cp15.pmu.count[n] : 0;
}

void pmxevcntr_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    (void)reg;
    unsigned n;
    sync(cpu);
    if (selected(cpu, &n))
        cpu->cp15.pmu.count[n] = value;
    update(cpu);
}
