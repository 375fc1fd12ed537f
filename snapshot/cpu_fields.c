/* What of a CPU is saved. Between instructions, the engine's working memory means nothing. */
#include "snapshot/part.h"

typedef Cpu State;

/* clang-format off */
#define AS(name, kind, member, count) {name, kind, AT(member), count, 1, NULL}
#define BOTH(reg) \
    AS(#reg "_s", FIELD_U32, cp15.bank[0].reg, 1), AS(#reg "_ns", FIELD_U32, cp15.bank[1].reg, 1)
#define CP15(reg) AS(#reg, FIELD_U32, cp15.reg, 1)
#define DERIVED(member) TRANSIENT(member, "follows from the registers")
#define ENGINE(member) TRANSIENT(member, "working memory of the engine")
#define BUILT(member) TRANSIENT(member, "set up with the machine")

static const FieldDef fields[] = {
    AS("r", FIELD_U32, r, 15),
    {"r15", FIELD_TRANSIENT, AT(r[15]), 4, 1, "holds a value while an instruction executes"},
    FIELD(nf, FIELD_U32), FIELD(zf, FIELD_U32), FIELD(cf, FIELD_U32), FIELD(vf, FIELD_U32),
    FIELD(pc, FIELD_U32),
    ENGINE(page_va), ENGINE(leave),
    FIELD(attention, FIELD_U8), FIELD(thumb, FIELD_U8), FIELD(itstate, FIELD_U8),
    ENGINE(insn), ENGINE(block_start), ENGINE(tlb), ENGINE(fast), ENGINE(jumps), ENGINE(jit_budget),
    ENGINE(jit_end), DERIVED(world), DERIVED(unaligned),
    FIELD(counts_refills, FIELD_BOOL),
    ENGINE(stamp), ENGINE(jit_target), ENGINE(jit_exit), ENGINE(jit_second),
    FIELD(icount, FIELD_U64),
    TRANSIENT(icount_limit, "set for each slice"),
    FIELD(mode, FIELD_U8), FIELD(ge, FIELD_U8),
    FIELD(q, FIELD_BOOL), FIELD(e, FIELD_BOOL), FIELD(a, FIELD_BOOL), FIELD(i, FIELD_BOOL), FIELD(f, FIELD_BOOL),
    FIELD(j, FIELD_BOOL), FIELD(secure, FIELD_BOOL),
    FIELD(halted_for_event, FIELD_BOOL), FIELD(event, FIELD_BOOL),
    BUILT(ram_host), BUILT(ram_size), BUILT(ram_base),
    FIELD(exclusive_valid, FIELD_BOOL), FIELD(exclusive_size, FIELD_U8), FIELD(exclusive_pa, FIELD_U32),
    FIELD_ARRAY(bank_r13, FIELD_U32, BANKS), FIELD_ARRAY(bank_r14, FIELD_U32, BANKS),
    FIELD_ARRAY(spsr, FIELD_U32, BANKS),
    FIELD_ARRAY(usr_r8_12, FIELD_U32, 5), FIELD_ARRAY(fiq_r8_12, FIELD_U32, 5),
    AS("d", FIELD_U64, v.d, 32),
    FIELD(fpscr, FIELD_U32), FIELD(fpexc, FIELD_U32),
    DERIVED(fp_access), ENGINE(fp_host), ENGINE(jit_mxcsr), ENGINE(jit_const), ENGINE(jit_spill), ENGINE(jit_save),
    BOTH(csselr), BOTH(sctlr), BOTH(actlr_unused), BOTH(ttbr0), BOTH(ttbr1), BOTH(ttbcr), BOTH(dacr),
    BOTH(dfsr), BOTH(ifsr), BOTH(adfsr), BOTH(aifsr), BOTH(dfar), BOTH(ifar), BOTH(par), BOTH(prrr), BOTH(nmrr),
    BOTH(vbar), BOTH(fcseidr), BOTH(contextidr), BOTH(tpidrurw), BOTH(tpidruro), BOTH(tpidrprw),
    CP15(actlr), CP15(cpacr), CP15(scr), CP15(sder), CP15(nsacr), CP15(mvbar), CP15(diagnostic),
    CP15(power_control), CP15(config_base), CP15(virtualization_control), CP15(virtualization_interrupt),
    CP15(tlb_lockdown), CP15(lockdown_va), CP15(lockdown_pa), CP15(lockdown_attributes),
    AS("plecr", FIELD_U32, cp15.plecr, 8),
    CP15(pmu.pmcr), CP15(pmu.pmcnten), CP15(pmu.pmovsr), CP15(pmu.pmselr), CP15(pmu.pmuserenr), CP15(pmu.pminten),
    AS("pmu.evtyper", FIELD_U32, cp15.pmu.evtyper, PMU_COUNTERS),
    AS("pmu.count", FIELD_U32, cp15.pmu.count, PMU_COUNTERS),
    AS("pmu.base", FIELD_U64, cp15.pmu.base, PMU_COUNTERS),
    CP15(pmu.ccnt), AS("pmu.ccnt_base", FIELD_U64, cp15.pmu.ccnt_base, 1),
    CP15(teecr), CP15(teehbr), CP15(dbgdscr), CP15(dbgvcr),
    BUILT(number), BUILT(cpus), BUILT(name), BUILT(mmu), BUILT(bus), BUILT(clock), BUILT(log),
    BUILT(code), BUILT(jit), BUILT(stores),
    TRANSIENT(stop_icount, "a debugger's, not the machine's"), TRANSIENT(stop_pc, "a debugger's, not the machine's"),
    TRANSIENT(stopped, "a debugger's, not the machine's"), TRANSIENT(watchpoints, "a debugger's, not the machine's"),
    TRANSIENT(watch_hit, "a debugger's, not the machine's"),
    BUILT(pmu_irq.changed), BUILT(pmu_irq.opaque), BUILT(pmu_irq.input),
    AS("pmu_irq", FIELD_BOOL, pmu_irq.level, 1),
    BUILT(peers), BUILT(send_event), BUILT(semihost), BUILT(semihost_opaque),
    FIELD_ARRAY(exceptions, FIELD_U64, EXC_COUNT),
    TRANSIENT(recent, "only for explanations"), TRANSIENT(recent_count, "only for explanations"),
};
/* clang-format on */

const FieldTable cpu_table = {fields, sizeof fields / sizeof *fields};
