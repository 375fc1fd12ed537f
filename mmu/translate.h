/* What translate.c offers access.c: entries of the TLB, and what both do about faults. */
#ifndef ARMATURE_MMU_TRANSLATE_H
#define ARMATURE_MMU_TRANSLATE_H

#include "cpu/cpu.h"
#include "mmu/tlb.h"

enum { SCTLR_M = 1 << 0, SCTLR_A = 1 << 1 };

/* The entry of va in the current address space, filled if need be, for an access of that kind. NULL: it
 * faults; *fault says why, no abort was taken. */
const TlbEntry *tlb_translate(Cpu *cpu, uint32_t va, AccessKind kind, bool privileged, Fault *fault);

/* Lets compiled code access the page of va, whose tags match, directly, if it may. */
void translate_add_fast(Cpu *cpu, const TlbEntry *entry, uint32_t va, bool privileged);

/* Makes the fault one of a bus that answered an access, or a walk, with result. */
void fault_external(Fault *fault, FaultKind kind, BusResult result);

/* Logs that once. what: "load". */
void fault_log_external(const Cpu *cpu, uint32_t pa, BusResult result, const char *what);

static inline bool has_code(const Cpu *cpu, uint32_t pa)
{
    return cpu->code && code_cache_has_code(cpu->code, pa);
}

static inline void count_event(Cpu *cpu, unsigned event)
{
    if (cpu->cp15.pmu.pmcnten)
        pmu_event(cpu, event, 1);
}

#endif
