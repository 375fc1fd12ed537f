/* The system control coprocessor, CP15, and the debug, ThumbEE and Jazelle registers of CP14.
 *
 * cp15.def has one row per register; here are the index over the rows, the access checks, and the functions
 * of the registers that compute or act. Caches and branch predictors are not modelled: their maintenance
 * completes at once. */
#include "cpu/cp15.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

enum {
    SCTLR_M = 1 << 0,
    SCTLR_RR = 1 << 14,
    SCTLR_EE = 1 << 25,
    SCTLR_TRE = 1 << 28,
    SCTLR_AFE = 1 << 29,
    ACTLR_SMP = 1 << 6,
    SCR_NS = 1 << 0,
    TEECR_XED = 1 << 0,
    DSCR_UDCCDIS = 1 << 12,
    DSCR_NS = 1 << 18,
    PMUSERENR_EN = 1 << 0,
    NSACR_CP10 = 1 << 10,
    NSACR_CP11 = 1 << 11,
    NSACR_NSD32DIS = 1 << 14,
    NSACR_NSASEDIS = 1 << 15,
    NSACR_PLE = 1 << 16,
    NSACR_TL = 1 << 17,
    NSACR_NS_SMP = 1 << 18
};
#define CPACR_CP10 (3u << 20)
#define CPACR_CP11 (3u << 22)
#define CPACR_D32DIS (1u << 30)
#define CPACR_ASEDIS (1u << 31)

enum { PMU_CONTEXT_CHANGE = 0x0b };

static_assert(offsetof(Cp15, bank) == 0, "offsets below sizeof bank[0] are of banked registers");

/* Coprocessor accesses go to the copy that SCR.NS names, also in Monitor mode. */
static unsigned bank_number(const Cpu *cpu)
{
    return cpu->cp15.scr & SCR_NS;
}

static Cp15Banked *accessed_bank(Cpu *cpu)
{
    return &cpu->cp15.bank[bank_number(cpu)];
}

uint32_t *cp15_cell(Cpu *cpu, const CpReg *reg)
{
    if (reg->at == CP_NO_STORE)
        return NULL;
    size_t at = reg->at;
    if (at < sizeof(Cp15Banked))
        at += bank_number(cpu) * sizeof(Cp15Banked);
    return (uint32_t *)((char *)&cpu->cp15 + at);
}

/* ---- c0: identification ----------------------------------------------------------------------------- */

/* U is 0 with one CPU too: it tells a Cortex-A9 MPCore, which has SCU and GIC, from a Cortex-A9. */
static uint32_t mpidr_read(Cpu *cpu, const CpReg *reg)
{
    (void)reg;
    return 1u << 31 | cpu->number;
}

/* 32 KiB, 4 ways of 256 sets of 32-byte lines. */
static uint32_t ccsidr_read(Cpu *cpu, const CpReg *reg)
{
    (void)reg;
    switch (accessed_bank(cpu)->csselr) {
    case 0:
        return 0x701fe019;
    case 1:
        return 0x201fe019;
    default:
        return 0;
    }
}

/* ---- c1: system control ----------------------------------------------------------------------------- */

static void sctlr_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    uint32_t *sctlr = cp15_cell(cpu, reg);
    if (!cpu->secure)
        value = (value & ~(uint32_t)SCTLR_RR) | (*sctlr & SCTLR_RR);
    uint32_t changed = *sctlr ^ value;
    *sctlr = value;
    if (changed & (SCTLR_M | SCTLR_EE | SCTLR_TRE | SCTLR_AFE))
        mmu_flush_all(cpu);
    else
        mmu_select(cpu);
}

/* Non-secure state may change only SMP, and that only with NSACR.NS_SMP. */
static void actlr_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    uint32_t *actlr = cp15_cell(cpu, reg);
    uint32_t mask = cpu->secure ? UINT32_MAX : cpu->cp15.nsacr & NSACR_NS_SMP ? ACTLR_SMP : 0;
    *actlr = (*actlr & ~mask) | (value & mask);
}

/* The fields of CPACR that NSACR withholds from Non-secure state. */
static uint32_t cpacr_withheld(const Cpu *cpu)
{
    uint32_t nsacr = cpu->cp15.nsacr;
    if (cpu->secure)
        return 0;
    return (nsacr & NSACR_CP10 ? 0 : CPACR_CP10) | (nsacr & NSACR_CP11 ? 0 : CPACR_CP11) |
           (nsacr & NSACR_NSD32DIS ? CPACR_D32DIS : 0) | (nsacr & NSACR_NSASEDIS ? CPACR_ASEDIS : 0);
}

/* Withheld coprocessors read as denied, withheld features as disabled. */
static uint32_t cpacr_read(Cpu *cpu, const CpReg *reg)
{
    (void)reg;
    uint32_t withheld = cpacr_withheld(cpu);
    return (cpu->cp15.cpacr & ~withheld) | (withheld & (CPACR_D32DIS | CPACR_ASEDIS));
}

static void cpacr_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    uint32_t *cpacr = cp15_cell(cpu, reg), withheld = cpacr_withheld(cpu);
    *cpacr = (*cpacr & withheld) | (value & ~withheld);
    fpu_update_access(cpu);
}

static void nsacr_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    *cp15_cell(cpu, reg) = value;
    fpu_update_access(cpu);
}

static void scr_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    *cp15_cell(cpu, reg) = value;
    cpu->secure = cpu->mode == MODE_MON || !(value & SCR_NS);
    fpu_update_access(cpu);
    mmu_select(cpu);
}

/* ---- c2, c3, c10, c13: translation ------------------------------------------------------------------ */

static void ttbcr_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    uint32_t *ttbcr = cp15_cell(cpu, reg);
    bool changed = *ttbcr != value;
    *ttbcr = value;
    if (changed)
        mmu_flush_all(cpu);
}

static void remap_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    uint32_t *cell = cp15_cell(cpu, reg);
    bool changed = *cell != value;
    *cell = value;
    if (changed && accessed_bank(cpu)->sctlr & SCTLR_TRE)
        mmu_flush_all(cpu);
}

static void address_space_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    *cp15_cell(cpu, reg) = value;
    mmu_select(cpu);
}

static void contextidr_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    address_space_write(cpu, reg, value);
    pmu_event(cpu, PMU_CONTEXT_CHANGE, 1);
}

/* ---- c7: caches, barriers, address translation ------------------------------------------------------ */

static void cache_by_mva(Cpu *cpu, const CpReg *reg, uint32_t va)
{
    (void)reg;
    mmu_probe_maintenance(cpu, va);
}

/* Ends the block, so that what was changed before is seen after it. */
static void isb_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    (void)cpu;
    (void)reg;
    (void)value;
}

static void translate(Cpu *cpu, uint32_t va, AccessKind kind, bool privileged, bool secure_regs)
{
    uint32_t par = mmu_translate_par(cpu, va, kind, privileged, secure_regs);
    if (!(cpu->leave & LEAVE_FAULT))
        accessed_bank(cpu)->par = par;
}

static void ats1cpr(Cpu *cpu, const CpReg *reg, uint32_t va)
{
    (void)reg;
    translate(cpu, va, ACCESS_READ, true, !bank_number(cpu));
}

static void ats1cpw(Cpu *cpu, const CpReg *reg, uint32_t va)
{
    (void)reg;
    translate(cpu, va, ACCESS_WRITE, true, !bank_number(cpu));
}

static void ats1cur(Cpu *cpu, const CpReg *reg, uint32_t va)
{
    (void)reg;
    translate(cpu, va, ACCESS_READ, false, !bank_number(cpu));
}

static void ats1cuw(Cpu *cpu, const CpReg *reg, uint32_t va)
{
    (void)reg;
    translate(cpu, va, ACCESS_WRITE, false, !bank_number(cpu));
}

static void ats12nsopr(Cpu *cpu, const CpReg *reg, uint32_t va)
{
    (void)reg;
    translate(cpu, va, ACCESS_READ, true, false);
}

static void ats12nsopw(Cpu *cpu, const CpReg *reg, uint32_t va)
{
    (void)reg;
    translate(cpu, va, ACCESS_WRITE, true, false);
}

static void ats12nsour(Cpu *cpu, const CpReg *reg, uint32_t va)
{
    (void)reg;
    translate(cpu, va, ACCESS_READ, false, false);
}

static void ats12nsouw(Cpu *cpu, const CpReg *reg, uint32_t va)
{
    (void)reg;
    translate(cpu, va, ACCESS_WRITE, false, false);
}

/* ---- c8: TLB maintenance ---------------------------------------------------------------------------- */

static void tlbiall(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    (void)reg;
    (void)value;
    mmu_flush_all(cpu);
}

static void tlbimva(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    (void)reg;
    mmu_flush_va(cpu, value & PAGE_MASK, value & 0xff);
}

static void tlbiasid(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    (void)reg;
    mmu_flush_asid(cpu, value & 0xff);
}

static void tlbimvaa(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    (void)reg;
    mmu_flush_va_all_asids(cpu, value & PAGE_MASK);
}

/* The inner-shareable forms reach every CPU of the cluster. */
static void broadcast(Cpu *cpu, const CpReg *reg, uint32_t value,
                      void (*operation)(Cpu *, const CpReg *, uint32_t))
{
    operation(cpu, reg, value);
    for (unsigned n = 0; cpu->peers && n < cpu->cpus; n++)
        if (cpu->peers[n] && cpu->peers[n] != cpu)
            operation(cpu->peers[n], reg, value);
}

static void tlbiallis(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    broadcast(cpu, reg, value, tlbiall);
}

static void tlbimvais(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    broadcast(cpu, reg, value, tlbimva);
}

static void tlbiasidis(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    broadcast(cpu, reg, value, tlbiasid);
}

static void tlbimvaais(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    broadcast(cpu, reg, value, tlbimvaa);
}

/* ---- c12: vectors ----------------------------------------------------------------------------------- */

static uint32_t isr_read(Cpu *cpu, const CpReg *reg)
{
    (void)reg;
    uint32_t virtual = cpu->secure ? 0 : cpu->cp15.virtualization_interrupt;
    return virtual | (cpu->attention & ATTN_IRQ ? PSR_I : 0) | (cpu->attention & ATTN_FIQ ? PSR_F : 0);
}

/* The virtual interrupts reach Non-secure state as if their inputs were high. */
static void vir_write(Cpu *cpu, const CpReg *reg, uint32_t value)
{
    *cp15_cell(cpu, reg) = value;
    cpu->attention = (uint8_t)(value ? cpu->attention | ATTN_VIRTUAL : cpu->attention & ~ATTN_VIRTUAL);
}

/* ---- CP14 ------------------------------------------------------------------------------------------- */

static uint32_t dbgdscr_read(Cpu *cpu, const CpReg *reg)
{
    return *cp15_cell(cpu, reg) | (cpu->secure ? 0 : DSCR_NS);
}

/* ---- The table -------------------------------------------------------------------------------------- */

enum {
    RW = PL1_READ | PL1_WRITE,
    RO = PL1_READ,
    WO = PL1_WRITE,
    USER_RW = RW | PL0_READ | PL0_WRITE,
    USER_RO = RO | PL0_READ,
    USER_WO = WO | PL0_WRITE,
    RW_USER_RO = RW | PL0_READ,
    SECURE_RW = RW | SECURE_ONLY,
    SECURE_WO = WO | SECURE_ONLY,
    NSACR_RW = RW | SECURE_WRITE,
    CBAR_RW = RW_USER_RO | SECURE_WRITE,
    PMU_RW = USER_RW | NEED_PMUSERENR,
    PMU_WO = USER_WO | NEED_PMUSERENR,
    LOCK_RW = RW | NEED_NSACR_TL,
    PLE_RW = RW | NEED_NSACR_PLE,
    PLE_RO = RO | NEED_NSACR_PLE,
    DEBUG_RW = USER_RW | NEED_UDCC,
    DEBUG_RO = USER_RO | NEED_UDCC,
    TEEHBR_RW = USER_RW | NEED_THUMBEE_USER
};

#define BANKED(field) offsetof(Cp15, bank[0].field)
#define COMMON(field) offsetof(Cp15, field)
#define NONE CP_NO_STORE

/* clang-format off */
enum {
#define CP_REG(name, cp, opc1, crn, crm, opc2, access, at, reset, writable, read, write) ROW_##name,
#include "cpu/cp15.def"
#undef CP_REG
    ROWS
};

static const CpReg rows[ROWS] = {
#define CP_REG(name, cp, opc1, crn, crm, opc2, access, at, reset, writable, read, write) \
    {#name, access, at, reset, writable, read, write},
#include "cpu/cp15.def"
#undef CP_REG
};

#define KEY(cp, opc1, crn, crm, opc2) (((cp) & 1) << 14 | (opc1) << 11 | (crn) << 7 | (crm) << 3 | (opc2))

/* Row number + 1 by the numbers of the coprocessor instruction. */
static const uint8_t index_of[1 << 15] = {
#define CP_REG(name, cp, opc1, crn, crm, opc2, access, at, reset, writable, read, write) \
    [KEY(cp, opc1, crn, crm, opc2)] = ROW_##name + 1,
#include "cpu/cp15.def"
#undef CP_REG
};
/* clang-format on */

static_assert(ROWS < 256, "index_of holds bytes");

/* The rest of the identification space (c0, c1 to c7) reads as zero. */
static const CpReg reserved_id = {"reserved ID register", RO, CP_NO_STORE, 0, 0, NULL, NULL};

static const CpReg *find(unsigned coproc, unsigned opc1, unsigned crn, unsigned crm, unsigned opc2)
{
    unsigned row = index_of[KEY(coproc, opc1 & 7, crn & 15, crm & 15, opc2 & 7)];
    if (row)
        return &rows[row - 1];
    return coproc == 15 && opc1 == 0 && crn == 0 && crm >= 1 && crm <= 7 ? &reserved_id : NULL;
}

/* Conditions for an access in User mode beyond the row's PL0 bits. */
static bool user_allowed(const Cpu *cpu, unsigned access)
{
    const Cp15 *cp15 = &cpu->cp15;
    if (access & NEED_PMUSERENR && !(cp15->pmu.pmuserenr & PMUSERENR_EN))
        return false;
    if (access & NEED_UDCC && cp15->dbgdscr & DSCR_UDCCDIS)
        return false;
    return !(access & NEED_THUMBEE_USER && cp15->teecr & TEECR_XED);
}

static bool nonsecure_allowed(const Cpu *cpu, unsigned access, bool write)
{
    if (access & SECURE_ONLY || (write && access & SECURE_WRITE))
        return false;
    if (access & NEED_NSACR_TL && !(cpu->cp15.nsacr & NSACR_TL))
        return false;
    return !(access & NEED_NSACR_PLE && !(cpu->cp15.nsacr & NSACR_PLE));
}

static bool allowed(const Cpu *cpu, const CpReg *reg, bool write)
{
    unsigned access = reg->access;
    if (!cpu->secure && !nonsecure_allowed(cpu, access, write))
        return false;
    if (cpu_privileged(cpu))
        return access & (write ? PL1_WRITE : PL1_READ);
    return access & (write ? PL0_WRITE : PL0_READ) && user_allowed(cpu, access);
}

static void unknown(Cpu *cpu, const char *what, unsigned coproc, unsigned opc1, unsigned crn, unsigned crm,
                    unsigned opc2)
{
    char name[48];
    snprintf(name, sizeof name, "%s p%u, %u, c%u, c%u, %u", what, coproc, opc1, crn, crm, opc2);
    log_unmodelled(cpu->log, cpu->name, name, LOG_NO_OFFSET, what[1] == 'C');
    exception_undefined(cpu);
}

bool cp15_plain_read(Cpu *cpu, unsigned opc1, unsigned crn, unsigned crm, unsigned opc2, uint32_t *offset)
{
    const unsigned by_world = PL1_READ | PL1_WRITE | PL0_READ | PL0_WRITE | SECURE_ONLY | SECURE_WRITE;
    const CpReg *reg = find(15, opc1, crn, crm, opc2);
    if (!reg || reg->read || reg->at == CP_NO_STORE || reg->access & ~by_world || !allowed(cpu, reg, false))
        return false;
    *offset = (uint32_t)((char *)cp15_cell(cpu, reg) - (char *)cpu);
    return true;
}

uint32_t cp_read(Cpu *cpu, unsigned coproc, unsigned opc1, unsigned crn, unsigned crm, unsigned opc2)
{
    const CpReg *reg = find(coproc, opc1, crn, crm, opc2);
    if (!reg) {
        unknown(cpu, "MRC", coproc, opc1, crn, crm, opc2);
        return 0;
    }
    if (!allowed(cpu, reg, false)) {
        exception_undefined(cpu);
        return 0;
    }
    if (reg->read)
        return reg->read(cpu, reg);
    const uint32_t *cell = cp15_cell(cpu, reg);
    return cell ? *cell : reg->reset;
}

void cp_write(Cpu *cpu, unsigned coproc, unsigned opc1, unsigned crn, unsigned crm, unsigned opc2,
              uint32_t value)
{
    const CpReg *reg = find(coproc, opc1, crn, crm, opc2);
    if (!reg) {
        unknown(cpu, "MCR", coproc, opc1, crn, crm, opc2);
        return;
    }
    if (!allowed(cpu, reg, true)) {
        exception_undefined(cpu);
        return;
    }
    uint32_t *cell = cp15_cell(cpu, reg);
    value &= reg->writable;
    if (cell)
        value |= *cell & ~reg->writable;
    if (reg->write) {
        cpu->leave |= LEAVE_CHECK;
        reg->write(cpu, reg, value);
    } else if (cell) {
        *cell = value;
    }
}

/* MCRR and MRRC reach no register: the ones of the architecture belong to extensions that the A9 does not
 * have, and its own to the preload engine. */
uint64_t cp_read64(Cpu *cpu, unsigned coproc, unsigned opc1, unsigned crm)
{
    unknown(cpu, "MRRC", coproc, opc1, 0, crm, 0);
    return 0;
}

void cp_write64(Cpu *cpu, unsigned coproc, unsigned opc1, unsigned crm, uint64_t value)
{
    (void)value;
    unknown(cpu, "MCRR", coproc, opc1, 0, crm, 0);
}

void cp15_reset(Cpu *cpu)
{
    for (const CpReg *reg = rows; reg < rows + ROWS; reg++) {
        if (reg->at == CP_NO_STORE)
            continue;
        char *cell = (char *)&cpu->cp15 + reg->at;
        *(uint32_t *)cell = reg->reset;
        if (reg->at < sizeof(Cp15Banked))
            *(uint32_t *)(cell + sizeof(Cp15Banked)) = reg->reset;
    }
    cpu->attention &= (uint8_t)~ATTN_VIRTUAL;
    pmu_reset(cpu);
}
