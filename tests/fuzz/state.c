#include "tests/fuzz/state.h"

#include <stdio.h>
#include <string.h>

#include "cpu/code_cache.h"
#include "devices/cfi_flash.h"
#include "mmu/tlb.h"

/* ---- Fingerprints ----------------------------------------------------------------------------------- */

enum { FLASH_PART = 1 << 20, STORE_PART = 1 << 20 };

static uint64_t mix(uint64_t sum, uint64_t value)
{
    sum = (sum ^ value) * 0x9fb21c651e98df25u;
    return sum ^ sum >> 32;
}

static uint64_t mix_bytes(uint64_t sum, const void *data, size_t size)
{
    const uint8_t *at = data;
    uint64_t value;
    for (; size >= 8; size -= 8, at += 8) {
        memcpy(&value, at, 8);
        sum = mix(sum, value);
    }
    for (; size; size--)
        sum = mix(sum, *at++);
    return sum;
}

static uint64_t mix_cp15(uint64_t sum, const Cp15 *cp15)
{
    const Pmu *pmu = &cp15->pmu;
    sum = mix_bytes(sum, cp15, offsetof(Cp15, pmu));
    sum = mix_bytes(sum, pmu, offsetof(Pmu, base));
    sum = mix_bytes(sum, pmu->base, sizeof pmu->base);
    sum = mix(mix(sum, pmu->ccnt), pmu->ccnt_base);
    return mix_bytes(sum, &cp15->teecr, 4 * sizeof cp15->teecr);
}

static uint64_t cpu_fingerprint(const Cpu *cpu)
{
    uint64_t sum = mix_bytes(1, cpu->r, 15 * sizeof *cpu->r);
    sum = mix(sum, (uint64_t)cpsr_read(cpu) << 32 | cpu->pc);
    sum = mix(sum, cpu->icount);
    sum = mix(sum, (uint64_t)(cpu->attention << 8 | cpu->secure << 4 | cpu->halted_for_event << 3 |
                              cpu->event << 2 | cpu->exclusive_valid << 1));
    if (cpu->exclusive_valid)
        sum = mix(sum, (uint64_t)cpu->exclusive_pa << 8 | cpu->exclusive_size);
    sum = mix_bytes(sum, cpu->bank_r13, sizeof cpu->bank_r13);
    sum = mix_bytes(sum, cpu->bank_r14, sizeof cpu->bank_r14);
    sum = mix_bytes(sum, cpu->spsr, sizeof cpu->spsr);
    sum = mix_bytes(sum, cpu->usr_r8_12, sizeof cpu->usr_r8_12);
    sum = mix_bytes(sum, cpu->fiq_r8_12, sizeof cpu->fiq_r8_12);
    sum = mix_bytes(sum, &cpu->v, sizeof cpu->v);
    sum = mix(sum, (uint64_t)cpu->fpscr << 32 | cpu->fpexc);
    sum = mix_bytes(sum, cpu->exceptions, sizeof cpu->exceptions);
    return mix_cp15(sum, &cpu->cp15);
}

static size_t field_bytes(const FieldDef *field)
{
    static const uint8_t size[] = {[FIELD_U8] = 1,  [FIELD_U16] = 2,  [FIELD_U32] = 4,
                                   [FIELD_U64] = 8, [FIELD_BOOL] = 1, [FIELD_BYTES] = 1};
    return size[field->kind] * (size_t)(field->count ? field->count : 1);
}

/* Everything a snapshot would hold. */
static uint64_t device_fingerprint(Device *dev)
{
    const DeviceType *type = dev->type;
    const char *state = (const char *)dev;
    uint64_t sum = 2;
    for (unsigned n = 0; n < type->reg_count; n++)
        if (type->regs[n].at != NO_STORE)
            sum =
                mix_bytes(sum, state + type->regs[n].at, 4 * (type->regs[n].count ? type->regs[n].count : 1));
    for (unsigned n = 0; n < type->field_count; n++) {
        const FieldDef *field = &type->fields[n];
        if (field->kind == FIELD_TIMER)
            sum = mix(sum, ((const Timer *)(state + field->at))->due);
        else if (field->kind != FIELD_TRANSIENT)
            sum = mix_bytes(sum, state + field->at, field_bytes(field));
    }
    for (unsigned n = 0; n < DEVICE_OUTPUTS; n++)
        sum = mix(sum, dev->out[n].level);
    if (!strcmp(type->name, "cfi_flash"))
        sum = mix_bytes(sum, cfi_flash_contents(dev), FLASH_PART);
    return sum;
}

void state_take(State *state, Machine *machine)
{
    *state = (State){.cpus = machine->options.cpus, .devices = machine->device_count};
    for (unsigned n = 0; n < state->cpus; n++)
        state->cpu[n] = cpu_fingerprint(machine->cpu[n]);
    for (unsigned n = 0; n < state->devices; n++)
        state->device[n] = device_fingerprint(machine->device[n]);
    state->ram = mix_bytes(3, machine->ram, machine->options.memory);
    state->store = mix_bytes(mix_bytes(4, machine->vram, STORE_PART), machine->psram, STORE_PART);
    state->clock = mix(clock_now(machine->clock), clock_callbacks(machine->clock));
}

uint64_t state_sum(const State *state)
{
    return mix_bytes(5, state, sizeof *state);
}

const char *state_difference(const State *a, const State *b, const Machine *machine)
{
    for (unsigned n = 0; n < a->cpus; n++)
        if (a->cpu[n] != b->cpu[n])
            return machine->cpu[n]->name;
    for (unsigned n = 0; n < a->devices; n++)
        if (a->device[n] != b->device[n])
            return machine->device[n]->name;
    if (a->ram != b->ram)
        return "ram";
    if (a->store != b->store)
        return "video RAM or PSRAM";
    return a->clock != b->clock ? "clock" : NULL;
}

/* ---- Invariants ------------------------------------------------------------------------------------- */

static const char *check_psr(const Cpu *cpu)
{
    if (cpu_bank_of(cpu->mode) == BANKS)
        return "the mode is none";
    if (cpu->secure != (cpu->mode == MODE_MON || !(cpu->cp15.scr & 1)))
        return "the security state does not follow from SCR.NS and the mode";
    if (cpu->thumb > 1 || cpu->cf > 1 || cpu->ge > 15)
        return "a flag has an impossible value";
    if (cpu->pc & (cpu->thumb ? 1 : 3))
        return "pc is not aligned";
    return !cpu->thumb && cpu->itstate ? "ITSTATE is not 0 in A32 state" : NULL;
}

/* What instructions leave behind. A store can make the other CPUs look, which LEAVE_CHECK says. */
static const char *check_engine(const Cpu *cpu)
{
    if (cpu->insn)
        return "an instruction executes";
    if (cpu->leave & ~LEAVE_CHECK)
        return "leave says that an instruction branched or faulted";
    if (cpu->attention & ~(ATTN_IRQ | ATTN_FIQ | ATTN_HALTED | ATTN_STOP | ATTN_RESET | ATTN_VIRTUAL))
        return "attention has an unknown bit";
    return NULL;
}

/* State that is derived from other state. */
static const char *check_derived(Cpu *cpu)
{
    uint8_t access = cpu->fp_access;
    const TlbTable *tlb = cpu->tlb;
    fpu_update_access(cpu);
    mmu_select(cpu);
    if (access != cpu->fp_access)
        return "fp_access does not follow from the registers";
    return tlb != cpu->tlb ? "the TLB table is not that of the address space and privilege" : NULL;
}

static const char *check_tlb_entry(const Machine *m, const TlbEntry *e, unsigned index)
{
    if (e->page == TLB_NO_MATCH)
        return e->read == TLB_NO_MATCH && e->write == TLB_NO_MATCH && e->fetch == TLB_NO_MATCH
                   ? NULL
                   : "an empty TLB entry matches";
    if ((e->page >> PAGE_BITS & (TLB_SIZE - 1)) != index || e->page & ~PAGE_MASK || e->pa_page & ~PAGE_MASK)
        return "a TLB entry is in the wrong place";
    const uint32_t tag[] = {e->read, e->write, e->fetch};
    bool direct = false;
    for (unsigned n = 0; n < 3; n++) {
        if (tag[n] != TLB_NO_MATCH && (tag[n] != e->page || !(e->may >> n & 1)))
            return "a TLB tag allows what the entry does not";
        direct |= tag[n] != TLB_NO_MATCH;
    }
    const Region *region = bus_find(m->bus, e->pa_page);
    if (direct &&
        (!region || !region->direct || e->pa_page - (uint64_t)region->base + PAGE_SIZE > region->size))
        return "a TLB entry leads past memory";
    if (direct && e->host + e->page != (uintptr_t)region->host + (e->pa_page - region->base))
        return "a TLB entry leads to the wrong memory";
    if (e->write != TLB_NO_MATCH && (region->kind != REGION_RAM || code_cache_has_code(m->code, e->pa_page)))
        return "a TLB entry lets stores go to read-only memory or unnoticed into decoded code";
    return NULL;
}

static const char *check_tlb(const Machine *m, const Cpu *cpu)
{
    for (unsigned privileged = 0; privileged < 2; privileged++) {
        const TlbTable *table = tlb_table(cpu->mmu, privileged);
        for (unsigned n = 0; n < TLB_SIZE; n++) {
            const char *wrong = check_tlb_entry(m, &table->entry[n], n);
            if (wrong)
                return wrong;
        }
    }
    return NULL;
}

/* Decoded instructions are what memory holds. */
static const char *check_block(const Block *block, const uint8_t *page)
{
    for (unsigned n = 0; block && n < block->count; n++) {
        const Insn *insn = &block->insn[n];
        const uint8_t *at = page + insn->offset;
        uint32_t low = at[0] | (uint32_t)at[1] << 8, raw = low;
        if (insn->length == 4) {
            uint32_t high = at[2] | (uint32_t)at[3] << 8;
            raw = block->key.thumb ? low << 16 | high : high << 16 | low;
        }
        if (raw != insn->raw)
            return "a decoded block is not what memory holds";
    }
    return NULL;
}

static const char *check_code(Machine *m)
{
    uint32_t base = machine_ram_base(m);
    for (uint32_t page = 0; page < m->options.memory; page += PAGE_SIZE) {
        if (!code_cache_has_code(m->code, base + page))
            continue;
        for (uint32_t at = 0; at < PAGE_SIZE; at += 2)
            for (unsigned thumb = 0; thumb < 2; thumb++) {
                BlockKey key = {.pa = base + page + at, .thumb = (uint8_t)thumb};
                const char *wrong = check_block(code_cache_find(m->code, key), m->ram + page);
                if (wrong)
                    return wrong;
            }
    }
    return NULL;
}

const char *state_check(Machine *machine)
{
    for (unsigned n = 0; n < machine->options.cpus; n++) {
        Cpu *cpu = machine->cpu[n];
        const char *wrong = check_psr(cpu);
        wrong = wrong ? wrong : check_engine(cpu);
        wrong = wrong ? wrong : check_derived(cpu);
        wrong = wrong ? wrong : check_tlb(machine, cpu);
        if (wrong)
            return wrong;
    }
    return check_code(machine);
}
