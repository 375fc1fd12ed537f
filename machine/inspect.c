#include "machine/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cpu/insn.h"
#include "machine/machine_journal.h"

/* ---- Registers of the system coprocessors ------------------------------------------------------------ */

#define NOT_STORED UINT16_MAX

typedef struct SystemRegister {
    const char *name, *access, *read_function;
    uint32_t at; /* in Cp15; in bank[0] where there is a copy per security state */
    uint32_t reset, writable;
} SystemRegister;

/* clang-format off */
#define BANKED(field) offsetof(Cp15, bank[0].field)
#define COMMON(field) offsetof(Cp15, field)
#define NONE NOT_STORED

static const SystemRegister system_registers[] = {
#define CP_REG(name, cp, opc1, crn, crm, opc2, access, at, reset, writable, read, write) \
    {#name, #access, #read, at, reset, writable},
#include "cpu/cp15.def"
#undef CP_REG
};
/* clang-format on */

/* Registers that only act when written, and those that are computed, have no value to show. */
static const SystemRegister *find_system_register(const char *name)
{
    for (unsigned n = 0; n < sizeof system_registers / sizeof *system_registers; n++) {
        const SystemRegister *reg = &system_registers[n];
        size_t length = strlen(reg->access);
        bool write_only = length >= 2 && !strcmp(reg->access + length - 2, "WO");
        bool has_value = reg->at != NOT_STORED || (!strcmp(reg->read_function, "0") && !write_only);
        if (has_value && !strcasecmp(reg->name, name))
            return reg;
    }
    return NULL;
}

static uint32_t *system_register_cell(Cpu *cpu, const SystemRegister *reg)
{
    if (reg->at == NOT_STORED)
        return NULL;
    size_t at = reg->at;
    if (at < sizeof cpu->cp15.bank && !cpu->secure)
        at += sizeof cpu->cp15.bank[0];
    return (uint32_t *)(void *)((char *)&cpu->cp15 + at);
}

/* The MMU's tables and the access rights follow from these registers. */
static void write_system_register(Cpu *cpu, const SystemRegister *reg, uint32_t value)
{
    uint32_t *cell = system_register_cell(cpu, reg);
    *cell = (*cell & ~reg->writable) | (value & reg->writable);
    mmu_flush_all(cpu);
    mmu_select(cpu);
    fpu_update_access(cpu);
}

/* ---- Core registers and PSRs ------------------------------------------------------------------------- */

static const struct {
    const char *name;
    CpuMode mode;
} modes[] = {
    {"usr", MODE_USR},
    {"fiq", MODE_FIQ},
    {"irq", MODE_IRQ},
    {"svc", MODE_SVC},
    {"mon", MODE_MON},
    {"abt", MODE_ABT},
    {"und", MODE_UND},
    {"sys", MODE_SYS}
};

/* "_irq" to MODE_IRQ; 0 if it is no mode. */
static unsigned mode_suffix(const char *suffix)
{
    for (unsigned n = 0; *suffix == '_' && n < sizeof modes / sizeof *modes; n++)
        if (!strcasecmp(suffix + 1, modes[n].name))
            return modes[n].mode;
    return 0;
}

/* What a name means. */
typedef struct Place {
    enum {
        PLACE_NONE,
        PLACE_CORE,
        PLACE_CPSR,
        PLACE_SPSR,
        PLACE_D,
        PLACE_S,
        PLACE_FPSCR,
        PLACE_FPEXC,
        PLACE_SYSTEM
    } kind;
    unsigned number, mode;
    const SystemRegister *system;
} Place;

/* The number behind a letter, up to `most`; UINT32_MAX if it is none. *rest: what follows it. */
static unsigned numbered(const char *name, char letter, unsigned most, const char **rest)
{
    char *end;
    if ((name[0] | 0x20) != letter || name[1] < '0' || name[1] > '9' ||
        (name[1] == '0' && name[2] >= '0' && name[2] <= '9'))
        return UINT32_MAX;
    unsigned long number = strtoul(name + 1, &end, 10);
    *rest = end;
    return number <= most ? (unsigned)number : UINT32_MAX;
}

static unsigned core_number(const char *name, const char **rest)
{
    static const char *const names[] = {"sp", "lr", "pc"};
    for (unsigned n = 0; n < 3; n++)
        if (!strncasecmp(name, names[n], 2)) {
            *rest = name + 2;
            return 13 + n;
        }
    return numbered(name, 'r', 15, rest);
}

static Place find_core(const Cpu *cpu, const char *name)
{
    const char *rest = "";
    unsigned number = core_number(name, &rest);
    if (number == UINT32_MAX)
        return (Place){0};
    unsigned mode = *rest ? mode_suffix(rest) : cpu->mode;
    if (!mode || (number == 15 && *rest))
        return (Place){0};
    return (Place){.kind = PLACE_CORE, .number = number, .mode = mode};
}

static Place find_psr(const Cpu *cpu, const char *name)
{
    if (!strcasecmp(name, "cpsr"))
        return (Place){.kind = PLACE_CPSR};
    if (strncasecmp(name, "spsr", 4))
        return (Place){0};
    unsigned mode = name[4] ? mode_suffix(name + 4) : cpu->mode;
    if (!mode || (name[4] && (mode == MODE_USR || mode == MODE_SYS)))
        return (Place){0};
    return (Place){.kind = PLACE_SPSR, .mode = mode};
}

static Place find_fpu(const char *name)
{
    const char *rest = "";
    unsigned number = numbered(name, 'd', 31, &rest);
    if (number != UINT32_MAX && !*rest)
        return (Place){.kind = PLACE_D, .number = number};
    number = numbered(name, 's', 31, &rest);
    if (number != UINT32_MAX && !*rest)
        return (Place){.kind = PLACE_S, .number = number};
    if (!strcasecmp(name, "fpscr"))
        return (Place){.kind = PLACE_FPSCR};
    return (Place){.kind = strcasecmp(name, "fpexc") ? PLACE_NONE : PLACE_FPEXC};
}

static bool find_place(const Cpu *cpu, const char *name, Place *place, Error *err)
{
    *place = find_core(cpu, name);
    if (!place->kind)
        *place = find_psr(cpu, name);
    if (!place->kind)
        *place = find_fpu(name);
    if (!place->kind && (place->system = find_system_register(name)))
        place->kind = PLACE_SYSTEM;
    return place->kind ||
           error_set(err,
                     "there is no register %.40s; there are r0 to r15, sp_irq and the like, cpsr, "
                     "spsr, d0 to d31, s0 to s31, fpscr, fpexc, and CP15's by name (SCTLR)",
                     name);
}

static uint32_t *spsr_of(Cpu *cpu, unsigned mode)
{
    return mode == MODE_USR || mode == MODE_SYS ? NULL : &cpu->spsr[cpu_bank_of(mode)];
}

bool inspect_read_register(Machine *machine, unsigned cpu_number, const char *name, uint64_t *value,
                           Error *err)
{
    Cpu *cpu = machine->cpu[cpu_number];
    Place place;
    const uint32_t *cell;
    if (!find_place(cpu, name, &place, err))
        return false;
    switch (place.kind) {
    case PLACE_CORE:
        *value = place.number == 15 ? cpu->pc : cpu_reg_of_mode(cpu, place.number, (CpuMode)place.mode);
        break;
    case PLACE_CPSR:
        *value = cpsr_read(cpu);
        break;
    case PLACE_SPSR:
        cell = spsr_of(cpu, place.mode);
        *value = cell ? *cell : 0;
        break;
    case PLACE_D:
        *value = cpu->v.d[place.number];
        break;
    case PLACE_S:
        *value = cpu->v.s[place.number];
        break;
    case PLACE_FPSCR:
        *value = cpu->fpscr;
        break;
    case PLACE_FPEXC:
        *value = cpu->fpexc;
        break;
    default:
        cell = system_register_cell(cpu, place.system);
        *value = cell ? *cell : place.system->reset;
        break;
    }
    return true;
}

static bool write_place(Cpu *cpu, const Place *place, const char *name, uint64_t value, Error *err)
{
    uint32_t word = (uint32_t)value;
    uint32_t *spsr = place->kind == PLACE_SPSR ? spsr_of(cpu, place->mode) : NULL;
    switch (place->kind) {
    case PLACE_CORE:
        if (place->number == 15)
            cpu->pc = word & (cpu->thumb ? ~1u : ~3u);
        else
            cpu_set_reg_of_mode(cpu, place->number, (CpuMode)place->mode, word);
        return true;
    case PLACE_CPSR:
        if (!cpu_mode_valid(cpu, word & PSR_MODE))
            return error_set(err, "cpsr: 0x%02x is no mode that the CPU can be in now", word & PSR_MODE);
        cpsr_write(cpu, word, UINT32_MAX);
        if (!cpu->thumb) /* where IT blocks and halfwords mean nothing */
            cpu->itstate = 0;
        cpu->pc &= cpu->thumb ? ~1u : ~3u;
        return true;
    case PLACE_SPSR:
        if (spsr)
            *spsr = word;
        return spsr || error_set(err, "%s: the CPU's mode has no SPSR", name);
    case PLACE_D:
        cpu->v.d[place->number] = value;
        return true;
    case PLACE_S:
        cpu->v.s[place->number] = word;
        return true;
    case PLACE_FPSCR:
        cpu->fpscr = word & 0xfff7009f;
        fpu_update_access(cpu);
        return true;
    case PLACE_FPEXC:
        cpu->fpexc = word & 0x60000000;
        fpu_update_access(cpu);
        return true;
    default:
        if (!system_register_cell(cpu, place->system) || !place->system->writable)
            return error_set(err, "%s cannot be written", place->system->name);
        write_system_register(cpu, place->system, word);
        return true;
    }
}

bool inspect_write_register(Machine *machine, unsigned cpu_number, const char *name, uint64_t value,
                            Error *err)
{
    Cpu *cpu = machine->cpu[cpu_number];
    Place place;
    uint8_t leave = cpu->leave;
    if (!find_place(cpu, name, &place, err))
        return false;
    int64_t signed_value = (int64_t)value;
    bool fits = value <= UINT32_MAX || (signed_value < 0 && signed_value >= INT32_MIN);
    if (place.kind != PLACE_D && !fits)
        return error_set(err, "%s has 32 bits", name);
    if (!machine_register_enters(machine, cpu_number, name, value))
        return error_set(err, "a recording is being replayed");
    bool ok = write_place(cpu, &place, name, value, err);
    cpu->leave = leave; /* nothing executes that would have to end */
    return ok;
}

const char *inspect_register_name(unsigned n)
{
    static const char *const names[] = {
        "r0",         "r1",       "r2",       "r3",      "r4",       "r5",     "r6",       "r7",
        "r8",         "r9",       "r10",      "r11",     "r12",      "sp",     "lr",       "pc",
        "cpsr",       "spsr",     "sp_usr",   "lr_usr",  "sp_svc",   "lr_svc", "spsr_svc", "sp_abt",
        "lr_abt",     "spsr_abt", "sp_und",   "lr_und",  "spsr_und", "sp_irq", "lr_irq",   "spsr_irq",
        "r8_fiq",     "r9_fiq",   "r10_fiq",  "r11_fiq", "r12_fiq",  "sp_fiq", "lr_fiq",   "spsr_fiq",
        "sp_mon",     "lr_mon",   "spsr_mon", "sctlr",   "ttbr0",    "ttbr1",  "ttbcr",    "dacr",
        "contextidr", "vbar",     "dfsr",     "dfar",    "ifsr",     "ifar",   "scr",      "cpacr",
        "tpidrurw",   "tpidruro", "tpidrprw", "fpscr",   "fpexc",
    };
    return n < sizeof names / sizeof *names ? names[n] : NULL;
}

/* ---- State ------------------------------------------------------------------------------------------- */

const char *inspect_mode(const Machine *machine, unsigned cpu)
{
    for (unsigned n = 0; n < sizeof modes / sizeof *modes; n++)
        if (modes[n].mode == machine->cpu[cpu]->mode)
            return modes[n].name;
    return "?";
}

const char *inspect_activity(const Machine *machine, unsigned number)
{
    const Cpu *cpu = machine->cpu[number];
    if (cpu->attention & ATTN_RESET)
        return "held in reset";
    if (!(cpu->attention & ATTN_HALTED))
        return "running";
    return cpu->halted_for_event ? "waiting for an event" : "waiting for an interrupt";
}

/* ---- Memory ------------------------------------------------------------------------------------------ */

enum { ENTERS_AT_ONCE = 1 << 20 };

typedef bool Accessor(Machine *machine, int cpu, uint32_t address, void *data, uint32_t size);

static bool read_piece(Machine *machine, int cpu, uint32_t address, void *data, uint32_t size)
{
    return cpu < 0 ? bus_dma_read(machine->bus, address, data, size)
                   : mmu_debug_read(machine->cpu[cpu], address, data, size);
}

static bool write_piece(Machine *machine, int cpu, uint32_t address, void *data, uint32_t size)
{
    return cpu < 0 ? bus_dma_write(machine->bus, address, data, size)
                   : mmu_debug_write(machine->cpu[cpu], address, data, size);
}

/* Page by page, so that the message can name the place. */
static bool each_page(Machine *machine, int cpu, uint32_t address, uint8_t *data, uint32_t size,
                      Accessor *access, Error *err)
{
    for (uint32_t part; size; size -= part, address += part, data += part) {
        part = PAGE_SIZE - address % PAGE_SIZE;
        part = part < size ? part : size;
        if (!access(machine, cpu, address, data, part))
            return error_set(err,
                             cpu < 0 ? "there is no memory at physical address 0x%08x"
                                     : "there is no memory at 0x%08x as CPU %d sees it now",
                             address, cpu);
        if (part < size && address + part == 0)
            return error_set(err, "the memory ends at 0xffffffff");
    }
    return true;
}

bool inspect_read_memory(Machine *machine, int cpu, uint32_t address, void *data, uint32_t size, Error *err)
{
    return each_page(machine, cpu, address, data, size, read_piece, err);
}

bool inspect_write_memory(Machine *machine, int cpu, uint32_t address, const void *data, uint32_t size,
                          Error *err)
{
    machine_changed(machine);
    for (uint32_t part; size; size -= part, address += part, data = (const uint8_t *)data + part) {
        part = size < ENTERS_AT_ONCE ? size : ENTERS_AT_ONCE;
        if (!machine_memory_enters(machine, cpu, address, data, part))
            return error_set(err, "a recording is being replayed");
        if (!each_page(machine, cpu, address, (uint8_t *)(uintptr_t)data, part, write_piece, err))
            return false;
        if (part < size && address + part == 0)
            return error_set(err, "the memory ends at 0xffffffff");
    }
    return true;
}

/* ---- Code -------------------------------------------------------------------------------------------- */

unsigned inspect_disassemble(Machine *machine, unsigned cpu, uint32_t address, bool thumb, uint32_t *raw,
                             char *text, unsigned size)
{
    Insn insn;
    uint16_t half[2];
    Cpu *at = machine->cpu[cpu];
    if (!thumb) {
        if (!mmu_debug_read(at, address & ~3u, raw, 4))
            return 0;
        decode(&insn, SET_A32, *raw, 0);
        disassemble(&insn, address & ~3u, text, size);
        return 4;
    }
    address &= ~1u;
    if (!mmu_debug_read(at, address, &half[0], 2))
        return 0;
    bool wide = thumb_is_32bit(half[0]);
    if (wide && !mmu_debug_read(at, address + 2, &half[1], 2))
        return 0;
    *raw = wide ? (uint32_t)half[0] << 16 | half[1] : half[0];
    decode(&insn, wide ? SET_T32 : SET_T16, *raw, 0);
    disassemble(&insn, address, text, size);
    return wide ? 4 : 2;
}
