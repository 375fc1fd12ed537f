/* Exception entry (ARM DDI 0406C, B1.8 and B1.9). */
#include "cpu/cpu.h"
#include "cpu/insn.h"
#include "cpu/store_log.h"

enum {
    SCR_NS = 1 << 0,
    SCR_IRQ = 1 << 1,
    SCR_FIQ = 1 << 2,
    SCR_EA = 1 << 3,
    SCR_FW = 1 << 4,
    SCR_AW = 1 << 5,
    SCTLR_V = 1 << 13,
    SCTLR_EE = 1 << 25,
    SCTLR_TE = 1 << 30
};
enum { VIRTUAL_FIQ = 1 << 6, VIRTUAL_IRQ = 1 << 7, VIRTUAL_ABORT = 1 << 8 }; /* VCR, VIR */
enum { DSCR_MOE = 0xf << 2, DSCR_MOE_BKPT = 3 << 2 };
enum { PMU_EXCEPTION_TAKEN = 0x09, PMU_EXTERNAL_INTERRUPT = 0x93 };

typedef struct ExceptionInfo {
    const char *name;
    uint8_t offset; /* of the vector */
    uint8_t mode;
    bool masks_a, masks_f;
    uint8_t a32_return, thumb_return; /* LR minus address of the instruction; table B1-7 */
} ExceptionInfo;

static const ExceptionInfo info[EXC_COUNT] = {
  /* clang-format off */
    [EXC_RESET]          = {"reset",                 0x00, MODE_SVC, true,  true,  0, 0},
    [EXC_UNDEFINED]      = {"undefined instruction", 0x04, MODE_UND, false, false, 4, 2},
    [EXC_SVC]            = {"supervisor call",       0x08, MODE_SVC, false, false, 4, 2},
    [EXC_SMC]            = {"secure monitor call",   0x08, MODE_MON, true,  true,  4, 4},
    [EXC_PREFETCH_ABORT] = {"prefetch abort",        0x0c, MODE_ABT, true,  false, 4, 4},
    [EXC_DATA_ABORT]     = {"data abort",            0x10, MODE_ABT, true,  false, 8, 8},
    [EXC_IRQ]            = {"IRQ",                   0x18, MODE_IRQ, true,  false, 4, 4},
    [EXC_FIQ]            = {"FIQ",                   0x1c, MODE_FIQ, true,  true,  4, 4},
  /* clang-format on */
};

static uint32_t vector_base(Cpu *cpu, bool to_monitor)
{
    if (to_monitor)
        return cpu->cp15.mvbar;
    const Cp15Banked *bank = cp15_bank(cpu);
    return bank->sctlr & SCTLR_V ? 0xffff0000 : bank->vbar;
}

/* Masks of the new state. Outside Monitor mode, A and F are left alone in Non-secure state unless SCR lets it
 * change them. */
static void set_masks(Cpu *cpu, const ExceptionInfo *e, bool to_monitor)
{
    bool secure = !(cpu->cp15.scr & SCR_NS);
    cpu->i = true;
    if (to_monitor || (e->masks_a && (secure || cpu->cp15.scr & SCR_AW)))
        cpu->a = true;
    if (to_monitor || (e->masks_f && (secure || cpu->cp15.scr & SCR_FW)))
        cpu->f = true;
}

static void log_entry(const Cpu *cpu, Exception exc, uint32_t from, uint32_t spsr)
{
    if (log_on(cpu->log, LOG_IRQ))
        log_line(cpu->log, LOG_IRQ, cpu->name, "%s at 0x%08x, mode 0x%02x%s -> 0x%02x, vector 0x%08x",
                 info[exc].name, from, spsr & PSR_MODE, spsr & PSR_T ? " Thumb" : "", cpu->mode, cpu->pc);
}

const char *exception_name(Exception exc)
{
    return info[exc].name;
}

/* Keeps faults for those who explain later where the guest went. The same again only counts. */
static void record(Cpu *cpu, Exception exc, uint32_t from, const Cp15Banked *bank)
{
    ExceptionRecord *newest = &cpu->recent[(cpu->recent_count - 1) % EXCEPTION_RECORDS];
    bool data = exc == EXC_DATA_ABORT, fetch = exc == EXC_PREFETCH_ABORT;
    uint32_t far = data ? bank->dfar : fetch ? bank->ifar : 0;
    if (!data && !fetch && exc != EXC_UNDEFINED)
        return;
    if (cpu->recent_count && newest->kind == exc && newest->pc == from && newest->far == far) {
        newest->times++;
        newest->icount = cpu->icount;
        return;
    }
    cpu->recent[cpu->recent_count++ % EXCEPTION_RECORDS] =
        (ExceptionRecord){.icount = cpu->icount,
                          .times = 1,
                          .pc = from,
                          .cpsr = cpsr_read(cpu),
                          .vector = vector_base(cpu, false) + info[exc].offset,
                          .fsr = data    ? bank->dfsr
                                 : fetch ? bank->ifsr
                                         : 0,
                          .far = far,
                          .raw = cpu->insn ? cpu->insn->raw : 0,
                          .kind = (uint8_t)exc,
                          .has_insn = cpu->insn != NULL};
}

/* itstate: what SPSR shall hold. */
static void take(Cpu *cpu, Exception exc, bool to_monitor, uint8_t itstate)
{
    const ExceptionInfo *e = &info[exc];
    uint32_t from = cpu_insn_address(cpu);
    uint32_t lr = from + (cpu->thumb ? e->thumb_return : e->a32_return);
    uint32_t spsr = (cpsr_read(cpu) & ~(uint32_t)PSR_IT) | (itstate & 3u) << 25 | (itstate & 0xfcu) << 8;
    record(cpu, exc, from, to_monitor ? &cpu->cp15.bank[0] : cp15_bank(cpu));
    if (cpu->mode == MODE_MON)
        cpu->cp15.scr &= ~(uint32_t)SCR_NS;
    cpu_switch_mode(cpu, to_monitor ? MODE_MON : (CpuMode)e->mode);
    cpu->spsr[cpu_bank_of(cpu->mode)] = spsr;
    cpu->r[14] = lr;
    set_masks(cpu, e, to_monitor);
    uint32_t sctlr = cp15_bank(cpu)->sctlr;
    cpu->thumb = sctlr & SCTLR_TE ? 1 : 0;
    cpu->e = sctlr & SCTLR_EE;
    cpu->j = false;
    cpu->itstate = 0;
    cpu->pc = vector_base(cpu, to_monitor) + e->offset;
    cpu->leave |= LEAVE_PC | LEAVE_FAULT;
    mmu_select(cpu);
    cpu->exceptions[exc]++;
    if (cpu->cp15.pmu.pmcnten)
        pmu_event(cpu, PMU_EXCEPTION_TAKEN, 1);
    log_entry(cpu, exc, from, spsr);
}

static uint8_t current_itstate(const Cpu *cpu)
{
    return cpu->insn ? cpu->insn->itstate : cpu->itstate;
}

void exception_undefined(Cpu *cpu)
{
    take(cpu, EXC_UNDEFINED, false, current_itstate(cpu));
}

void exception_svc(Cpu *cpu)
{
    take(cpu, EXC_SVC, false, it_advance(current_itstate(cpu)));
}

/* A call that waits changes nothing: its instruction executes again when there is input, and after interrupts
 * that are taken until then. */
void cpu_semihost(Cpu *cpu)
{
    if (cpu->stores)
        cpu->stores->final = true;
    if (cpu->semihost(cpu))
        return;
    cpu->pc = cpu_insn_address(cpu);
    cpu->itstate = current_itstate(cpu);
    cpu->attention |= ATTN_INPUT;
    cpu->leave |= LEAVE_PC | LEAVE_CHECK;
}

void exception_smc(Cpu *cpu)
{
    take(cpu, EXC_SMC, true, it_advance(current_itstate(cpu)));
}

static bool abort_to_monitor(const Cpu *cpu, const Fault *fault)
{
    bool external = fault->kind == FAULT_EXTERNAL || fault->kind == FAULT_EXTERNAL_ON_WALK;
    return external && cpu->cp15.scr & SCR_EA;
}

/* The fault registers of the state that handles the abort. */
static Cp15Banked *abort_bank(Cpu *cpu, bool to_monitor)
{
    return to_monitor ? &cpu->cp15.bank[0] : cp15_bank(cpu);
}

void exception_data_abort(Cpu *cpu, const Fault *fault)
{
    bool to_monitor = abort_to_monitor(cpu, fault);
    Cp15Banked *bank = abort_bank(cpu, to_monitor);
    bank->dfsr = fault_dfsr(fault);
    if (fault->kind != FAULT_ASYNCHRONOUS)
        bank->dfar = fault->va;
    if (log_on(cpu->log, LOG_MMU))
        log_line(cpu->log, LOG_MMU, cpu->name, "data abort: DFSR 0x%03x DFAR 0x%08x at pc 0x%08x", bank->dfsr,
                 bank->dfar, cpu_insn_address(cpu));
    take(cpu, EXC_DATA_ABORT, to_monitor, current_itstate(cpu));
}

/* A BKPT leaves IFAR as it is (it is UNKNOWN then). */
void exception_prefetch_abort(Cpu *cpu, const Fault *fault)
{
    bool to_monitor = abort_to_monitor(cpu, fault);
    Cp15Banked *bank = abort_bank(cpu, to_monitor);
    bank->ifsr = fault_ifsr(fault);
    if (fault->kind == FAULT_DEBUG)
        cpu->cp15.dbgdscr = (cpu->cp15.dbgdscr & ~(uint32_t)DSCR_MOE) | DSCR_MOE_BKPT;
    else
        bank->ifar = fault->va;
    if (log_on(cpu->log, LOG_MMU))
        log_line(cpu->log, LOG_MMU, cpu->name, "prefetch abort: IFSR 0x%03x IFAR 0x%08x at pc 0x%08x",
                 bank->ifsr, bank->ifar, cpu_insn_address(cpu));
    take(cpu, EXC_PREFETCH_ABORT, to_monitor, current_itstate(cpu));
}

void exception_interrupt(Cpu *cpu, Exception irq_or_fiq)
{
    uint32_t route = irq_or_fiq == EXC_FIQ ? SCR_FIQ : SCR_IRQ;
    if (cpu->cp15.pmu.pmcnten)
        pmu_event(cpu, PMU_EXTERNAL_INTERRUPT, 1);
    take(cpu, irq_or_fiq, cpu->cp15.scr & route, current_itstate(cpu));
}

/* The Cortex-A9's virtual interrupts and abort: in Non-secure state, taken there. */
static bool take_virtual(Cpu *cpu)
{
    uint32_t *vir = &cpu->cp15.virtualization_interrupt;
    if (cpu->secure)
        return false;
    if (*vir & VIRTUAL_ABORT && !cpu->a) {
        Fault fault = {.kind = FAULT_ASYNCHRONOUS};
        *vir &= ~(uint32_t)VIRTUAL_ABORT;
        exception_data_abort(cpu, &fault);
        return true;
    }
    if (*vir & VIRTUAL_FIQ && !cpu->f) {
        take(cpu, EXC_FIQ, false, current_itstate(cpu));
        return true;
    }
    if (*vir & VIRTUAL_IRQ && !cpu->i) {
        take(cpu, EXC_IRQ, false, current_itstate(cpu));
        return true;
    }
    return false;
}

/* In Non-secure state, VCR lets an interrupt that goes to Monitor mode override its mask. */
static bool unmasked(const Cpu *cpu, bool mask, uint32_t route, uint32_t override)
{
    const Cp15 *cp15 = &cpu->cp15;
    return !mask || (!cpu->secure && cp15->scr & route && cp15->virtualization_control & override);
}

bool exception_take_pending(Cpu *cpu)
{
    if (cpu->attention & ATTN_FIQ && unmasked(cpu, cpu->f, SCR_FIQ, VIRTUAL_FIQ)) {
        exception_interrupt(cpu, EXC_FIQ);
        return true;
    }
    if (cpu->attention & ATTN_IRQ && unmasked(cpu, cpu->i, SCR_IRQ, VIRTUAL_IRQ)) {
        exception_interrupt(cpu, EXC_IRQ);
        return true;
    }
    return cpu->attention & ATTN_VIRTUAL && take_virtual(cpu);
}
