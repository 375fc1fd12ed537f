#include "tests/fuzz/guest.h"

#include <stdlib.h>
#include <string.h>

enum { PUSHES = 40, PUSH_MOST_NS = 20000 };

/* RAM from its start: vectors, the stack that handlers use, tables, code. Tables of honest guests are in ROM,
 * where nothing that the guest does can write them. */
enum { STACK = 0x800, TABLES = 0x4000, SECOND_LEVEL = 16, CODE = 0x10000, ROM = 0x1fff0000 };

#define MIB 0x100000u

/* ---- Translation tables ----------------------------------------------------------------------------- */

/* How wild the tables are: one descriptor in so many is random. */
static uint32_t second_level_entry(Guest *g, uint32_t va, uint32_t wildness)
{
    Random *r = &g->random;
    if (random_one_in(r, wildness))
        return random_next(r);
    uint32_t target = random_one_in(r, 32) ? g->places.ram + random_below(r, g->places.ram_size) : va;
    uint32_t bits = random_one_in(r, 8) ? random_next(r) & 0xffd : 0x03e | random_below(r, 4) << 10;
    if (random_one_in(r, 16))
        return (target & 0xffff0000) | (random_next(r) & 0xfffc) | 1;
    return (target & 0xfffff000) | bits | 2;
}

static uint32_t first_level_entry(Guest *g, uint32_t va, uint32_t wildness)
{
    Random *r = &g->random;
    if (random_one_in(r, wildness))
        return random_next(r);
    if (va >= g->places.ram && va < g->places.ram + g->places.ram_size && random_one_in(r, 2)) {
        uint32_t table = (va - g->places.ram) / MIB % SECOND_LEVEL;
        return (g->places.tables + 0x4000 + 0x400 * table) | (random_next(r) & 0x1ec) | 1;
    }
    uint32_t target = random_one_in(r, 32) ? g->places.ram : va;
    uint32_t bits = random_one_in(r, 8) ? random_next(r) & 0xfffff : 0x0c00 | (random_next(r) & 0x2f1fc);
    if (random_one_in(r, 64))
        bits |= 1 << 18;
    return (target & 0xfff00000) | (bits & ~3u) | 2;
}

static void make_tables(Guest *g)
{
    static const uint16_t choices[] = {2, 16, 64, 1024, 60000};
    uint32_t wildness = g->places.honest ? UINT32_MAX : choices[random_below(&g->random, 5)];
    uint32_t entries[4096 + 256 * SECOND_LEVEL];
    for (uint32_t n = 0; n < 4096; n++)
        entries[n] = first_level_entry(g, n * MIB, wildness);
    for (uint32_t n = 0; n < 256 * SECOND_LEVEL; n++)
        entries[4096 + n] = second_level_entry(g, g->places.ram + n * PAGE_SIZE, wildness);
    memcpy((g->places.honest ? g->machine->rom : g->machine->ram) + TABLES, entries, sizeof entries);
}

/* ---- Registers -------------------------------------------------------------------------------------- */

static void write_cp15(Cpu *cpu, unsigned crn, unsigned opc2, unsigned crm, uint32_t value)
{
    cp_write(cpu, 15, 0, crn, crm, opc2, value);
}

/* The registers of one security state that decide about translation and vectors. */
static void set_bank(Guest *g, Cpu *cpu)
{
    Random *r = &g->random;
    bool elsewhere = !g->places.honest && random_one_in(r, 16);
    uint32_t tables = elsewhere ? code_address(r, &g->places) : g->places.tables;
    uint32_t sctlr = random_one_in(r, 4) ? random_next(r) & ~1u : 1u << 12 | 1 << 11;
    write_cp15(cpu, 2, 0, 0, tables | (random_next(r) & 0x5b));
    write_cp15(cpu, 2, 1, 0, tables);
    write_cp15(cpu, 2, 2, 0, random_one_in(r, 4) ? random_next(r) & 0x37 : 0);
    write_cp15(cpu, 3, 0, 0, random_one_in(r, 4) ? random_next(r) : 0x55555555 | random_next(r));
    write_cp15(cpu, 13, 1, 0, random_next(r));
    if (random_one_in(r, 4)) {
        write_cp15(cpu, 10, 0, 2, random_next(r));
        write_cp15(cpu, 10, 1, 2, random_next(r));
        sctlr |= 1 << 28;
    }
    write_cp15(cpu, 12, 0, 0, g->places.ram);
    if (random_one_in(r, 2))
        sctlr |= 1;
    write_cp15(cpu, 1, 0, 0, sctlr);
}

/* Floating point on, mostly; now and then with short vectors, flush-to-zero, trapping bits. */
static void set_floating_point(Guest *g, Cpu *cpu)
{
    Random *r = &g->random;
    write_cp15(cpu, 1, 2, 0, random_one_in(r, 8) ? random_next(r) : 0x00f00000);
    cpu->fpexc = random_one_in(r, 8) ? 0 : 1u << 30;
    cpu->fpscr = random_one_in(r, 2) ? 0 : random_next(r) & 0xf7f7009f;
    for (unsigned n = 0; n < 64; n++)
        cpu->v.s[n] = random_one_in(r, 2) ? random_next(r) : random_value(r) << 16;
    fpu_update_access(cpu);
}

static void set_core_registers(Guest *g, Cpu *cpu)
{
    for (unsigned n = 0; n < 15; n++)
        cpu->r[n] =
            random_one_in(&g->random, 3) ? random_value(&g->random) : code_address(&g->random, &g->places);
    if (!random_one_in(&g->random, 4))
        cpu->r[13] = g->places.ram + STACK;
}

/* Lets the CPU go on at some code. */
static void send_to(Cpu *cpu, uint32_t target)
{
    cpu->pc = target & ~1u;
    cpu->thumb = target & 1;
    cpu->itstate = 0;
    cpu->attention &= (uint8_t)~ATTN_HALTED;
}

/* Prepares the Non-secure registers, from Monitor mode; the CPU may go on in Non-secure state. */
static void set_nonsecure(Guest *g, Cpu *cpu)
{
    Random *r = &g->random;
    cpsr_write(cpu, MODE_MON, PSR_MODE);
    write_cp15(cpu, 1, 0, 1, 1); /* SCR.NS: the other bank */
    set_bank(g, cpu);
    write_cp15(cpu, 12, 1, 0, g->places.ram);
    write_cp15(cpu, 1, 2, 1, random_next(r));
    write_cp15(cpu, 1, 3, 1, random_next(r));
    write_cp15(cpu, 12, 1, 1, random_one_in(r, 2) ? random_next(r) : 0);
    write_cp15(cpu, 1, 0, 1, random_next(r) & 0x3f);
}

static void set_cpu(Guest *g, Cpu *cpu)
{
    static const uint8_t modes[] = {MODE_SVC, MODE_SYS, MODE_IRQ, MODE_FIQ,
                                    MODE_ABT, MODE_UND, MODE_MON, MODE_USR};
    Random *r = &g->random;
    set_bank(g, cpu);
    if (random_one_in(r, 3))
        set_nonsecure(g, cpu);
    set_floating_point(g, cpu);
    cpsr_write(cpu, modes[random_below(r, 8)], PSR_MODE);
    cpsr_write(cpu, random_next(r), PSR_N | PSR_Z | PSR_C | PSR_V | PSR_Q | PSR_GE | PSR_A | PSR_I | PSR_F);
    if (random_one_in(r, 16))
        cpsr_write(cpu, PSR_E, PSR_E);
    set_core_registers(g, cpu);
    cpu->leave = 0;
    send_to(cpu, code_target(r, &g->places));
}

/* ---- Devices ---------------------------------------------------------------------------------------- */

static void write_device(Guest *g, uint32_t address, uint32_t value)
{
    BusAccess access = {.size = 4, .cpu = 0, .secure = true, .privileged = true};
    bus_write(g->machine->bus, address, &access, value);
}

/* An interrupt controller that lets everything through, and timers that use it. */
static void set_devices(Guest *g)
{
    Random *r = &g->random;
    write_device(g, 0x1e001000, 3);
    write_device(g, 0x1e000100, 0x7 | (random_next(r) & 0x18));
    write_device(g, 0x1e000104, 0xff);
    for (uint32_t n = 0; n < 12; n += 4) {
        write_device(g, 0x1e001100 + n, random_next(r) | random_next(r));
        write_device(g, 0x1e001080 + n, random_one_in(r, 2) ? random_next(r) : 0);
    }
    for (uint32_t n = 32; n < 96; n += 4)
        write_device(g, 0x1e001800 + n, random_next(r));
    write_device(g, 0x1e000600, random_below(r, 2000));
    write_device(g, 0x1e000608, 7);
    write_device(g, 0x10011000, random_below(r, 100));
    write_device(g, 0x10011008, 0xe2);
    write_device(g, 0x10009038, 0x7ff);
    write_device(g, 0x10009030, 0x301 | random_below(r, 2) << 7);
}

/* ---- Life ------------------------------------------------------------------------------------------- */

static void fill_memory(Guest *g)
{
    Random *r = &g->random;
    code_vectors(r, &g->places, g->places.ram, g->machine->ram);
    code_vectors(r, &g->places, 0, g->machine->rom);
    make_tables(g);
    for (uint32_t n = 0; n < g->places.chunks; n++)
        code_fill(r, &g->places, g->places.code + n * CHUNK, g->machine->ram + CODE + n * CHUNK);
}

static void start(Guest *g)
{
    for (unsigned n = 0; n < g->machine->options.cpus; n++)
        set_cpu(g, g->machine->cpu[n]);
    if (random_one_in(&g->random, 2))
        set_devices(g);
}

/* Types at a random port. */
static void type_characters(Guest *g)
{
    uint8_t text[40];
    for (unsigned n = 0; n < sizeof text; n++)
        text[n] = (uint8_t)random_next(&g->random);
    serial_send(&g->machine->env.serial[random_below(&g->random, SERIAL_UARTS)], text,
                random_below(&g->random, sizeof text));
}

static void push(void *opaque)
{
    Guest *g = opaque;
    Random *r = &g->random;
    for (unsigned n = 0; n < g->machine->options.cpus; n++) {
        Cpu *cpu = g->machine->cpu[n];
        if (!random_one_in(r, 4))
            send_to(cpu, code_target(r, &g->places));
        if (random_one_in(r, 2))
            set_core_registers(g, cpu);
    }
    if (random_one_in(r, 8))
        type_characters(g);
    if (!g->wrong)
        g->wrong = state_check(g->machine);
    if (--g->pushes_left)
        timer_set(&g->push, clock_now(g->machine->clock) + 1 + random_below(r, PUSH_MOST_NS));
    machine_stop(g->machine);
}

static void output(void *opaque, uint8_t ch)
{
    uint64_t *sum = opaque;
    *sum = (*sum ^ ch) * 0x100000001b3u;
}

static Guest *make_guest(uint64_t seed, unsigned cpus, FILE *log_out, JitOptions jit, bool honest)
{
    static const uint8_t cpu_choices[] = {1, 1, 4, 4, 2, 3};
    Guest *g = calloc(1, sizeof *g);
    if (!g)
        abort();
    Random *r = &g->random;
    r->state = seed * 0x2545f4914f6cdd1du;
    unsigned chosen = cpu_choices[random_below(r, 6)];
    MachineOptions options = {.cpus = cpus ? cpus : chosen,
                              .memory = (1 + random_below(r, 4)) * MIB,
                              .jit = jit,
                              .deterministic = true,
                              .rtc_base = random_next(r),
                              .boot_from_flash = random_one_in(r, 16)};
    Log *log = log_new(log_out);
    if (random_one_in(r, 16))
        log_select(log, "all", NULL);
    g->machine = machine_new(&options, log, NULL);
    if (!g->machine)
        abort();
    uint32_t ram = machine_ram_base(g->machine);
    g->places = (Places){.machine = g->machine,
                         .ram = ram,
                         .ram_size = (uint32_t)options.memory,
                         .tables = (honest ? ROM : ram) + TABLES,
                         .second_level = SECOND_LEVEL,
                         .code = ram + CODE,
                         .chunks = 32 + random_below(r, 256),
                         .honest = honest};
    for (unsigned n = 0; n < SERIAL_PORTS; n++) {
        g->machine->env.serial[n].output = output;
        g->machine->env.serial[n].output_opaque = &g->output;
    }
    fill_memory(g);
    start(g);
    g->pushes_left = PUSHES;
    timer_init(&g->push, g->machine->clock, "push", 100, push, g);
    timer_set(&g->push, 1 + random_below(r, PUSH_MOST_NS));
    return g;
}

Guest *guest_new(uint64_t seed, unsigned cpus, FILE *log_out)
{
    return make_guest(seed, cpus, log_out, (JitOptions){.mode = JIT_OFF}, false);
}

Guest *guest_new_honest(uint64_t seed, unsigned cpus, FILE *log_out, JitOptions jit)
{
    return make_guest(seed, cpus, log_out, jit, true);
}

void guest_free(Guest *guest)
{
    timer_cancel(&guest->push);
    machine_free(guest->machine);
    free(guest);
}

void guest_step(Guest *guest)
{
    MachineEnd end = machine_run(guest->machine);
    if (end == END_BROKEN)
        guest->wrong = "compiled code differs from the interpreter";
    if (end == END_STOPPED || end == END_BROKEN)
        return;
    guest->resets++;
    machine_reset(guest->machine);
    start(guest);
}

bool guest_run(Guest *guest, unsigned pushes)
{
    unsigned until = guest->pushes_left > pushes ? guest->pushes_left - pushes : 0;
    while (guest->pushes_left > until && !guest->wrong)
        guest_step(guest);
    return guest->pushes_left && !guest->wrong;
}
