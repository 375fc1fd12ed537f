/* Builds the machine that a board's table describes. */
#define _GNU_SOURCE
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "cpu/code_cache.h"
#include "machine/board.h"
#include "machine/host_time.h"
#include "machine/machine_parts.h"
#include "machine/semihosting.h"

/* ---- What the parts of the machine tell each other -------------------------------------------------- */

static uint64_t log_time(void *opaque)
{
    return clock_now(((Machine *)opaque)->clock);
}

static uint64_t all_instructions(void *opaque)
{
    return machine_icount(opaque);
}

static uint32_t log_pc(void *opaque)
{
    const Machine *m = opaque;
    return cpu_insn_address(m->cpu[m->current_cpu]);
}

static void event_became_sooner(void *opaque)
{
    Machine *m = opaque;
    if (m->running)
        machine_interrupt(m);
}

static void trouble_from_device(void *opaque, const char *source, const char *text)
{
    (void)opaque;
    fprintf(stderr, "\narmature: %s: %s\n", source, text);
}

static void request_from_device(void *opaque, MachineRequest request)
{
    Machine *m = opaque;
    m->request_pending = true;
    m->request = request;
    machine_interrupt(m);
}

static void bus_changed(void *opaque, uint32_t base, uint64_t size)
{
    Machine *m = opaque;
    for (unsigned n = 0; n < m->options.cpus && m->cpu[n]; n++)
        mmu_flush_physical(m->cpu[n], base, size);
    if (m->code)
        code_cache_flush(m->code, FLUSH_MAP);
}

static void memory_written(void *opaque, uint32_t pa, uint32_t size)
{
    Machine *m = opaque;
    if (m->code)
        code_cache_written(m->code, pa, size);
}

/* Holes in shared memory read as zero. */
static bool give_back(void *opaque, uint8_t *host, uint64_t size)
{
    (void)opaque;
    return !madvise(host, size, MADV_REMOVE);
}

static void page_guarded(void *opaque, uint32_t page)
{
    Machine *m = opaque;
    for (unsigned n = 0; n < m->options.cpus && m->cpu[n]; n++)
        mmu_protect(m->cpu[n], page);
}

static void compiler_is_wrong(void *opaque, const char *report)
{
    machine_break(opaque, report);
}

static void send_event(Cpu *cpu)
{
    for (unsigned n = 0; n < cpu->cpus; n++)
        cpu->peers[n]->event = true;
}

/* ---- Devices and CPUs ---------------------------------------------------------------------------------- */

Device *machine_device(Machine *machine, const char *name)
{
    for (unsigned n = 0; n < machine->device_count; n++)
        if (!strcmp(machine->device[n]->name, name))
            return machine->device[n];
    return NULL;
}

static bool make_device(Machine *m, const BoardDevice *row, Error *err)
{
    const DeviceType *type = device_type_find(row->type);
    assert(type && m->device_count < MAX_DEVICES);
    Device *dev = device_new(type, row->name, &m->env, &row->props, row->base, err);
    if (!dev)
        return false;
    if (row->peer) {
        dev->peer = machine_device(m, row->peer);
        assert(dev->peer);
    }
    m->device[m->device_count++] = dev;
    if (!type->off_bus)
        dev->region = machine_map_device(m, dev, row->base);
    return true;
}

static void connect(IrqLine *line, Device *controller, unsigned input)
{
    assert(input < controller->type->inputs);
    *line = (IrqLine){device_input_changed, controller, input, false};
}

static bool is_wanted(const Machine *m, const BoardDevice *row)
{
    const MachineOptions *options = &m->options;
    switch (row->option) {
    case BOARD_ALWAYS:
        return true;
    case BOARD_TEST_DEVICE:
        return options->test_device;
    case BOARD_GPU:
        return options->gpu;
    case BOARD_DISK:
        return row->number < options->virtio_disks;
    case BOARD_NET:
        return row->number < options->virtio_nets;
    case BOARD_SHARE:
        return row->number < options->shares;
    case BOARD_RNG:
        return options->rng;
    case BOARD_CONSOLE:
        return options->console;
    case BOARD_BALLOON:
        return options->balloon;
    }
    assert(!"an option");
    return false;
}

static bool make_devices(Machine *m, const Board *board, Error *err)
{
    for (unsigned n = 0; n < board->device_count; n++)
        if (is_wanted(m, &board->device[n]) && !make_device(m, &board->device[n], err))
            return false;
    machine_remap(m, 0, false);
    machine_device(m, board->remap_device)->out[board->remap_output] = (IrqLine){machine_remap, m, 0, false};
    Device *controller = machine_device(m, board->interrupt_controller);
    for (unsigned n = 0; n < board->device_count; n++) {
        const BoardDevice *row = &board->device[n];
        Device *dev = machine_device(m, row->name);
        for (unsigned k = 0; dev && k < row->lines; k++)
            connect(&dev->out[row->line[k].output],
                    row->line[k].device ? machine_device(m, row->line[k].device) : controller,
                    row->line[k].input);
    }
    for (unsigned n = 0; n < m->options.cpus; n++) {
        controller->out[2 * n] = (IrqLine){cpu_interrupt_changed, m->cpu[n], EXC_IRQ, false};
        controller->out[2 * n + 1] = (IrqLine){cpu_interrupt_changed, m->cpu[n], EXC_FIQ, false};
        connect(&m->cpu[n]->pmu_irq, controller, board->pmu_line[n]);
    }
    return true;
}

static void make_cpus(Machine *m)
{
    for (unsigned n = 0; n < m->options.cpus; n++) {
        m->cpu[n] = cpu_new(n, m->options.cpus, m->bus, m->clock, m->log);
        m->cpu[n]->peers = m->cpu;
        m->cpu[n]->send_event = send_event;
    }
    m->code = code_cache_new(m->options.cpus, m->cpu);
    for (unsigned n = 0; n < m->options.cpus; n++)
        m->cpu[n]->code = m->code;
}

/* A host that gives no memory for generated code runs the machine all the same, only slower. */
static bool make_jit(Machine *m, Error *err)
{
    JitOptions *options = &m->options.jit;
    options->repeatable = m->options.deterministic;
    if (options->mode == JIT_OFF)
        return true;
    m->jit = jit_new(options, m->code, m->options.cpus, m->cpu, err);
    if (m->jit || options->mode == JIT_VERIFY)
        return m->jit != NULL;
    log_line(m->log, LOG_BOOT, "jit", "not used: %s", err->text);
    return true;
}

static void tell_cpus_of_ram(Machine *m)
{
    for (unsigned n = 0; n < m->options.cpus; n++) {
        m->cpu[n]->ram_host = (uint64_t)(uintptr_t)m->ram;
        m->cpu[n]->ram_size = m->options.memory;
        m->cpu[n]->ram_base = bus_home(m->bus, machine_ram_base(m));
    }
}

static void host_entropy(uint8_t *bytes, size_t size)
{
    while (size) {
        ssize_t some = getrandom(bytes, size, 0);
        if (some <= 0)
            continue; /* a signal */
        bytes += some;
        size -= (size_t)some;
    }
}

/* ---- The whole ----------------------------------------------------------------------------------------- */

static bool check_options(const MachineOptions *options, const Board *board, Error *err)
{
    uint32_t most = board->store_size[STORE_RAM];
    if (options->cpus < 1 || options->cpus > MAX_CPUS)
        return error_set(err, "--cpus %u: the board has 1 to %d CPUs", options->cpus, MAX_CPUS);
    if (options->memory > most)
        return error_set(err, "--memory %lluM: the board takes at most %uM",
                         (unsigned long long)options->memory >> 20, most >> 20);
    if (options->memory < 1 << 20 || options->memory % (1 << 20))
        return error_set(err, "--memory: the size must be a multiple of 1M, at least 1M");
    return true;
}

Machine *machine_new(const MachineOptions *options, Log *log, Error *err)
{
    const Board *board = &vexpress_a9;
    if (!check_options(options, board, err)) {
        log_free(log);
        return NULL;
    }
    Machine *m = calloc(1, sizeof *m);
    if (!m)
        abort();
    m->options = *options;
    m->ram_fd = m->rom_fd = m->vram_fd = m->psram_fd = -1;
    m->held_at = CLOCK_NEVER;
    m->pause_at = m->mark_at = UINT64_MAX;
    m->pause_cpu = -1;
    m->stopped_cpu = -1;
    m->log = log;
    m->clock = clock_new(options->deterministic ? machine_time_from_icount : machine_time_from_host, m);
    m->arrivals = arrivals_new();
    m->bus = bus_new(log);
    m->display = display_new();
    m->input = input_new();
    m->env = (DeviceEnv){
        .clock = m->clock,
        .display = m->display,
        .input = m->input,
        .log = log,
        .bus = m->bus,
        .cpus = options->cpus,
        .rtc_base = options->rtc_base,
        .seed = options->seed,
        .entropy = options->deterministic ? NULL : host_entropy,
        .request = request_from_device,
        .trouble = trouble_from_device,
        .instructions = all_instructions,
        .machine = m,
        .flash_path = {options->flash[0], options->flash[1]}
    };
    for (unsigned n = 0; n < NET_PORTS; n++)
        net_port_init(&m->env.net[n], n);
    net_join_hubs(m->env.net, NET_PORTS, options->hub);
    m->host_base = m->built = host_ns();
    make_cpus(m);
    log_set_context(log, &(LogContext){log_time, all_instructions, log_pc, m});
    if (!make_jit(m, err) || !machine_make_memory(m, err) || !make_devices(m, board, err) ||
        (options->semihosting && !(m->semihosting = semihosting_new(m, err)))) {
        machine_free(m);
        return NULL;
    }
    if (m->jit)
        jit_on_difference(m->jit, compiler_is_wrong, m);
    bus_on_change(m->bus, bus_changed, m);
    bus_on_write(m->bus, memory_written, m);
    bus_on_discard(m->bus, give_back, m);
    watches_on_guard(bus_watches(m->bus), page_guarded, m);
    clock_on_sooner(m->clock, event_became_sooner, m);
    tell_cpus_of_ram(m);
    machine_reset(m);
    return m;
}

void machine_free(Machine *machine)
{
    if (!machine)
        return;
    bus_on_change(machine->bus, NULL, NULL);
    watches_on_guard(bus_watches(machine->bus), NULL, NULL);
    semihosting_free(machine->semihosting);
    for (unsigned n = 0; n < machine->device_count; n++)
        device_free(machine->device[n]);
    machine->device_count = 0;
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        serial_free(&machine->env.serial[n]);
    for (unsigned n = 0; n < NET_PORTS; n++)
        net_port_free(&machine->env.net[n]);
    display_free(machine->display);
    input_free(machine->input);
    for (unsigned n = 0; n < machine->options.cpus; n++)
        cpu_free(machine->cpu[n]);
    jit_free(machine->jit);
    free(machine->broken);
    code_cache_free(machine->code);
    bus_free(machine->bus);
    clock_free(machine->clock);
    journal_free(machine->journal);
    arrivals_free(machine->arrivals);
    machine_free_memory(machine);
    log_free(machine->log);
    free(machine);
}
