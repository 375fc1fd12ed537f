/* Translation: the TLB's entries from page tables, VA-to-PA operations, and looking at a CPU's memory from
 * outside, without any effect on it. */
#include <string.h>

#include "mmu/translate.h"

/* ---- Entries of the TLB -------------------------------------------------------------------------------- */

static MmuRegs mmu_regs(const Cpu *cpu, bool secure)
{
    const Cp15Banked *bank = &cpu->cp15.bank[!secure];
    return (MmuRegs){bank->sctlr, bank->ttbr0, bank->ttbr1, bank->ttbcr,
                     bank->dacr,  bank->prrr,  bank->nmrr,  secure};
}

void fault_external(Fault *fault, FaultKind kind, BusResult result)
{
    fault->kind = kind;
    fault->decode_error = result == BUS_DECODE_ERROR;
}

void fault_log_external(const Cpu *cpu, uint32_t pa, BusResult result, const char *what)
{
    log_once(cpu->log, LOG_GUEST, cpu->name, "%s 0x%08x (%s at pc 0x%08x)",
             result == BUS_DECODE_ERROR ? "no device at" : "device refuses access at", pa, what,
             cpu_insn_address(cpu));
}

/* Reads a page-table descriptor (WalkRead). */
static bool read_descriptor(void *opaque, uint32_t pa, uint32_t *value, Fault *fault)
{
    Cpu *cpu = opaque;
    BusAccess access = {4, (uint8_t)cpu->number, cpu->secure, true};
    BusResult result = bus_read(cpu->bus, pa, &access, value);
    if (result == BUS_OK)
        return true;
    fault_external(fault, FAULT_EXTERNAL_ON_WALK, result);
    fault_log_external(cpu, pa, result, "translation table walk");
    return false;
}

static bool may_write_straight(const Cpu *cpu, uint32_t pa)
{
    return !has_code(cpu, pa) && !watches_guard(bus_watches(cpu->bus), pa);
}

/* Compiled code takes it that what is in the table may be accessed unaligned if cpu->unaligned. */
void translate_add_fast(Cpu *cpu, const TlbEntry *entry, uint32_t va, bool privileged)
{
    if (entry->type == MEM_NORMAL || !(cp15_bank(cpu)->sctlr & SCTLR_M))
        tlb_add_fast(cpu->mmu, privileged, va, entry->host, entry->read != TLB_NO_MATCH,
                     entry->write != TLB_NO_MATCH, entry->global);
}

void tlb_set_tags(Cpu *cpu, TlbEntry *entry, uint32_t va, bool privileged)
{
    uint32_t page = va & PAGE_MASK;
    const Region *region = bus_find(cpu->bus, entry->pa_page);
    if (!region || !bus_page_uniform(cpu->bus, entry->pa_page))
        return;
    bool watched = cpu->watchpoints && watchpoints_in_page(cpu->watchpoints, va);
    if (!region->direct) {
        if (watched)
            return;
        entry->device = region;
        entry->may |= (uint8_t)((entry->may & TLB_MAY) << TLB_DEVICE);
        return;
    }
    entry->may &= TLB_MAY;
    entry->host = (uintptr_t)region->host + (entry->pa_page - region->base) - page;
    bool write =
        entry->may & TLB_MAY_WRITE && region->kind == REGION_RAM && may_write_straight(cpu, entry->pa_page);
    if (entry->may & TLB_MAY_FETCH)
        entry->fetch = page;
    if (watched)
        return;
    if (entry->may & TLB_MAY_READ)
        entry->read = page;
    if (write)
        tlb_allow_write(cpu->mmu, entry, va);
    translate_add_fast(cpu, entry, va, privileged);
}

static const TlbEntry *fill(Cpu *cpu, uint32_t va, AccessKind kind, bool privileged, Fault *fault)
{
    MmuRegs regs = mmu_regs(cpu, cpu->secure);
    Translation t;
    if (!mmu_walk(&regs, read_descriptor, cpu, va, kind, privileged, &t, fault))
        return NULL;
    TlbEntry *entry = tlb_replace(cpu->mmu, privileged, va, t.page_size);
    entry->page = va & PAGE_MASK;
    entry->pa_page = bus_home(cpu->bus, t.pa) & PAGE_MASK;
    entry->may = (uint8_t)((t.may_read ? TLB_MAY_READ : 0) | (t.may_write ? TLB_MAY_WRITE : 0) |
                           (t.may_fetch ? TLB_MAY_FETCH : 0));
    /* With the MMU off the type of a fetch is not that of a load; entries hold what data accesses need. */
    entry->type = regs.sctlr & SCTLR_M ? t.type : MEM_STRONGLY_ORDERED;
    entry->global = t.global;
    if (t.global)
        tlb_note_global(cpu->mmu, va, t.page_size);
    entry->ns = t.ns;
    tlb_set_tags(cpu, entry, va, privileged);
    count_event(cpu, kind == ACCESS_FETCH ? PMU_ITLB_REFILL : PMU_DTLB_REFILL);
    /* The page that runs may be the one that made room: fetching the next instruction shows it, wherever its
     * block ends. */
    cpu->leave |= cpu->counts_refills && kind != ACCESS_FETCH ? LEAVE_CHECK : 0;
    return entry;
}

const TlbEntry *tlb_translate(Cpu *cpu, uint32_t va, AccessKind kind, bool privileged, Fault *fault)
{
    static const uint8_t needed[] = {
        [ACCESS_READ] = TLB_MAY_READ, [ACCESS_WRITE] = TLB_MAY_WRITE, [ACCESS_FETCH] = TLB_MAY_FETCH};
    const TlbEntry *entry = tlb_entry(tlb_table(cpu->mmu, privileged), va);
    if (entry->page == (va & PAGE_MASK) && entry->may & needed[kind])
        return entry;
    return fill(cpu, va, kind, privileged, fault);
}

/* ---- VA to PA --------------------------------------------------------------------------------------- */

/* Inner attributes of PAR[6:4] for Normal memory, by Translation.inner. */
static uint32_t par_inner(unsigned cacheability)
{
    static const uint8_t code[4] = {0, 5, 6, 7};
    return code[cacheability & 3];
}

static uint32_t par_attributes(const Translation *t)
{
    if (t->type == MEM_STRONGLY_ORDERED)
        return 1u << 4;
    if (t->type == MEM_DEVICE)
        return 3u << 4;
    return par_inner(t->inner) << 4 | (uint32_t)t->outer << 2;
}

/* PAR of a fault: F, and FS as bits 12, 10 and 3:0 of the fault status. */
static uint32_t par_fault(const Fault *fault)
{
    uint32_t fsr = fault_dfsr(fault);
    return (fsr >> 12 & 1) << 6 | (fsr >> 10 & 1) << 5 | (fsr & 15) << 1 | 1;
}

uint32_t mmu_translate_par(Cpu *cpu, uint32_t va, AccessKind kind, bool privileged, bool secure_regs)
{
    MmuRegs regs = mmu_regs(cpu, secure_regs);
    Translation t;
    Fault fault;
    if (!mmu_walk(&regs, read_descriptor, cpu, va, kind, privileged, &t, &fault)) {
        if (fault.kind == FAULT_EXTERNAL_ON_WALK) {
            fault.cache_maintenance = true;
            exception_data_abort(cpu, &fault);
        }
        return par_fault(&fault);
    }
    uint32_t par = par_attributes(&t) | (uint32_t)t.shareable << 7 | (uint32_t)t.inner_shareable << 10;
    if (t.ns)
        par |= 1u << 9;
    if (t.page_size > 0x100000)
        return par | (t.pa & 0xff000000) | 2;
    return par | (t.pa & PAGE_MASK);
}

bool mmu_probe_maintenance(Cpu *cpu, uint32_t va)
{
    if (tlb_entry(tlb_table(cpu->mmu, cpu_privileged(cpu)), va)->page == (va & PAGE_MASK))
        return true;
    MmuRegs regs = mmu_regs(cpu, cpu->secure);
    Translation t;
    Fault fault;
    if (mmu_walk(&regs, read_descriptor, cpu, va, ACCESS_READ, true, &t, &fault) ||
        fault.kind == FAULT_DOMAIN || fault.kind == FAULT_PERMISSION)
        return true;
    fault.cache_maintenance = true;
    exception_data_abort(cpu, &fault);
    return false;
}

/* ---- Debugger --------------------------------------------------------------------------------------- */

/* As read_descriptor(), but devices are left alone: reading them might change them. */
static bool peek_descriptor(void *opaque, uint32_t pa, uint32_t *value, Fault *fault)
{
    (void)fault;
    const Cpu *cpu = opaque;
    return bus_dma_read(cpu->bus, pa, value, sizeof *value);
}

/* Physical address of va, if regs let it be accessed so, and how many bytes from there on are in its page. */
static bool quiet_translate(Cpu *cpu, const MmuRegs *regs, uint32_t va, AccessKind kind, bool privileged,
                            uint32_t size, uint32_t *pa, uint32_t *part)
{
    Translation t;
    Fault fault;
    if (!mmu_walk(regs, peek_descriptor, cpu, va, kind, privileged, &t, &fault))
        return false;
    uint32_t in_page = PAGE_SIZE - (va & ~PAGE_MASK);
    *pa = t.pa;
    *part = size < in_page ? size : in_page;
    return true;
}

static bool debug_translate(Cpu *cpu, uint32_t va, uint32_t size, uint32_t *pa, uint32_t *part)
{
    MmuRegs regs = mmu_regs(cpu, cpu->secure);
    regs.dacr = UINT32_MAX; /* manager of all domains: permissions do not count */
    regs.sctlr &= ~(1u << 29);
    return quiet_translate(cpu, &regs, va, ACCESS_READ, true, size, pa, part);
}

bool mmu_debug_read(Cpu *cpu, uint32_t va, void *data, uint32_t size)
{
    uint8_t *to = data;
    for (uint32_t pa, part; size; size -= part, va += part, to += part)
        if (!debug_translate(cpu, va, size, &pa, &part) || !bus_dma_read(cpu->bus, pa, to, part))
            return false;
    return true;
}

bool mmu_debug_write(Cpu *cpu, uint32_t va, const void *data, uint32_t size)
{
    const uint8_t *from = data;
    for (uint32_t pa, part; size; size -= part, va += part, from += part)
        if (!debug_translate(cpu, va, size, &pa, &part) || !bus_dma_write(cpu->bus, pa, from, part))
            return false;
    return true;
}

/* ---- On behalf of a program --------------------------------------------------------------------------- */

static bool program_translate(Cpu *cpu, uint32_t va, AccessKind kind, uint32_t size, uint32_t *pa,
                              uint32_t *part)
{
    MmuRegs regs = mmu_regs(cpu, cpu->secure);
    return quiet_translate(cpu, &regs, va, kind, cpu_privileged(cpu), size, pa, part);
}

bool mmu_copy_in(Cpu *cpu, uint32_t va, void *data, uint32_t size)
{
    uint8_t *to = data;
    for (uint32_t pa, part; size; size -= part, va += part, to += part)
        if (!program_translate(cpu, va, ACCESS_READ, size, &pa, &part) ||
            !bus_dma_read(cpu->bus, pa, to, part))
            return false;
    return true;
}

bool mmu_copy_out(Cpu *cpu, uint32_t va, const void *data, uint32_t size)
{
    const uint8_t *from = data;
    for (uint32_t pa, part; size; size -= part, va += part, from += part)
        if (!program_translate(cpu, va, ACCESS_WRITE, size, &pa, &part) ||
            !bus_dma_write(cpu->bus, pa, from, part))
            return false;
    return true;
}
