/* Builds the machine a board's table describes, and runs it. */
#define _GNU_SOURCE
#include "machine/machine.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "cpu/code_cache.h"
#include "machine/board.h"
#include "machine/machine_journal.h"
#include "machine/semihosting.h"

/* Instructions a CPU runs before the machine looks at timers and other CPUs again. */
enum { SLICE_ALONE = 50000, SLICE_SHARED = 5000 };

/* Host time: about what an instruction takes, so that slices end when timers are due; the shortest slice. */
enum { HOST_NS_PER_INSN = 8, SLICE_LEAST = 500 };

/* Deterministic time: every instruction takes this long. */
enum { NS_PER_INSN = 5 };

/* How often, in host time, the frontend is asked for input while the guest is busy. */
#define POLL_INTERVAL_NS 1000000u

static uint64_t host_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t machine_icount(const Machine *machine)
{
    uint64_t sum = 0;
    for (unsigned n = 0; n < machine->options.cpus; n++)
        sum += cpu_icount(machine->cpu[n]);
    return sum;
}

static uint64_t time_from_icount(void *opaque)
{
    const Machine *m = opaque;
    return m->time_base + machine_icount(m) * NS_PER_INSN;
}

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

static uint64_t time_from_host(void *opaque)
{
    const Machine *m = opaque;
    if (m->held_at != CLOCK_NEVER)
        return m->held_at;
    uint64_t passed = host_ns() - m->host_base, scale = m->options.time_scale;
    return m->time_base + (scale ? muldiv64(passed, TIME_SCALE_ONE, scale) : passed);
}

/* How long that is for the host, rounded up; UINT64_MAX is for ever. */
static uint64_t host_time_of(const Machine *m, uint64_t ns)
{
    uint64_t scale = m->options.time_scale;
    if (!scale || ns == UINT64_MAX)
        return ns;
    unsigned __int128 host = ((unsigned __int128)ns * scale + TIME_SCALE_ONE - 1) / TIME_SCALE_ONE;
    return host > INT64_MAX ? INT64_MAX : (uint64_t)host;
}

/* ---- What the parts of the machine tell each other -------------------------------------------------- */

/* Makes the running CPU come back after its current instruction. */
static void interrupt_slice(Machine *m)
{
    Cpu *cpu = m->cpu[m->current_cpu];
    if (!cpu)
        return;
    cpu->leave |= cpu->insn ? LEAVE_CHECK : 0;
    cpu->icount_limit = cpu->icount;
}

static void event_became_sooner(void *opaque)
{
    Machine *m = opaque;
    if (m->running)
        interrupt_slice(m);
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
    interrupt_slice(m);
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

void machine_break(Machine *m, const char *report)
{
    if (!m->broken)
        m->broken = strdup(report);
    m->request_pending = true;
    interrupt_slice(m);
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

/* ---- Building --------------------------------------------------------------------------------------- */

static bool make_store(uint8_t **store, int *fd, const char *name, uint64_t size, Error *err)
{
    *fd = memfd_create(name, MFD_CLOEXEC);
    if (*fd < 0 || ftruncate(*fd, (off_t)size))
        return error_set(err, "cannot create %llu KiB of guest memory: %s%s", (unsigned long long)size >> 10,
                         strerror(errno), errno == EFBIG ? " (a limit of the shell, see ulimit -f)" : "");
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, *fd, 0);
    if (at == MAP_FAILED)
        return error_set(err, "cannot map %llu KiB of guest memory: %s", (unsigned long long)size >> 10,
                         strerror(errno));
    *store = at;
    return true;
}

static uint8_t *store_host(const Machine *m, BoardStore store)
{
    uint8_t *const host[STORES] = {
        [STORE_RAM] = m->ram, [STORE_ROM] = m->rom, [STORE_VRAM] = m->vram, [STORE_PSRAM] = m->psram};
    return host[store];
}

static bool row_is_mapped(const Machine *m, const BoardMemory *row, BoardRemap when)
{
    bool wanted = row->store != STORE_ROM || !m->options.boot_from_flash;
    return row->when == when && wanted;
}

static void map_memory(Machine *m, const Board *board, BoardRemap when)
{
    for (unsigned n = 0; n < board->memory_count; n++) {
        const BoardMemory *row = &board->memory[n];
        if (!row_is_mapped(m, row, when))
            continue;
        uint64_t size = row->store == STORE_RAM ? m->options.memory : board->store_size[row->store];
        if (row->size && row->size < size)
            size = row->size;
        Region *region = bus_add(m->bus, &(Region){.name = row->name,
                                                   .base = row->base,
                                                   .size = size,
                                                   .kind = row->kind,
                                                   .host = store_host(m, row->store)});
        if (when != REMAP_EITHER)
            m->remapped[m->remapped_count++] = region;
    }
}

static bool make_memory(Machine *m, const Board *board, Error *err)
{
    if (!make_store(&m->ram, &m->ram_fd, "armature-ram", m->options.memory, err) ||
        !make_store(&m->rom, &m->rom_fd, "armature-rom", board->store_size[STORE_ROM], err) ||
        !make_store(&m->vram, &m->vram_fd, "armature-vram", board->store_size[STORE_VRAM], err) ||
        !make_store(&m->psram, &m->psram_fd, "armature-psram", board->store_size[STORE_PSRAM], err))
        return false;
    map_memory(m, board, REMAP_EITHER);
    return true;
}

Device *machine_device(Machine *machine, const char *name)
{
    for (unsigned n = 0; n < machine->device_count; n++)
        if (!strcmp(machine->device[n]->name, name))
            return machine->device[n];
    return NULL;
}

static Region *map_device(Machine *m, Device *dev, uint32_t base)
{
    Region region = {.name = dev->name,
                     .base = base,
                     .size = dev->type->window,
                     .kind = REGION_MMIO,
                     .ops = &device_mmio,
                     .opaque = dev};
    if (dev->type->map)
        dev->type->map(dev, &region);
    return bus_add(m->bus, &region);
}

/* Changes what is at address 0. */
static void remap(void *opaque, unsigned input, bool after)
{
    Machine *m = opaque;
    const Board *board = &vexpress_a9;
    Device *boot_flash = machine_device(m, board->boot_flash);
    (void)input;
    while (m->remapped_count)
        bus_remove(m->bus, m->remapped[--m->remapped_count]);
    boot_flash->alias = NULL;
    m->is_remapped = after;
    map_memory(m, board, after ? REMAP_AFTER : REMAP_BEFORE);
    if (!after && m->options.boot_from_flash)
        boot_flash->alias = m->remapped[m->remapped_count++] = map_device(m, boot_flash, 0);
}

bool machine_is_remapped(const Machine *machine)
{
    return machine->is_remapped;
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
        dev->region = map_device(m, dev, row->base);
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
    remap(m, 0, false);
    machine_device(m, board->remap_device)->out[board->remap_output] = (IrqLine){remap, m, 0, false};
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
    m->stopped_cpu = -1;
    m->log = log;
    m->clock = clock_new(options->deterministic ? time_from_icount : time_from_host, m);
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
    m->host_base = m->built = host_ns();
    make_cpus(m);
    log_set_context(log, &(LogContext){log_time, all_instructions, log_pc, m});
    if (!make_jit(m, err) || !make_memory(m, board, err) || !make_devices(m, board, err) ||
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

static void free_memory(Machine *m)
{
    MachineMemory memory;
    for (unsigned n = 0; machine_memory(m, n, &memory); n++) {
        if (memory.fd && memory.host)
            munmap(memory.host, memory.size);
        if (memory.fd && *memory.fd >= 0)
            close(*memory.fd);
    }
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
    free_memory(machine);
    log_free(machine->log);
    free(machine);
}

/* Where a store is whatever the remap says. */
static uint32_t store_base(BoardStore store)
{
    const Board *board = &vexpress_a9;
    for (unsigned n = 0; n < board->memory_count; n++)
        if (board->memory[n].store == store && board->memory[n].when == REMAP_EITHER)
            return board->memory[n].base;
    assert(!"every store is mapped");
    return 0;
}

bool machine_memory(const Machine *machine, unsigned n, MachineMemory *memory)
{
    Machine *m = (Machine *)machine;
    const uint32_t *size = vexpress_a9.store_size;
    const MachineMemory stores[STORES] = {
        [STORE_RAM] = {.name = "ram",   .host = m->ram,   .size = m->options.memory, .fd = &m->ram_fd  },
        [STORE_ROM] = {.name = "rom",   .host = m->rom,   .size = size[STORE_ROM],   .fd = &m->rom_fd  },
        [STORE_VRAM] = {.name = "vram",  .host = m->vram,  .size = size[STORE_VRAM],  .fd = &m->vram_fd },
        [STORE_PSRAM] = {.name = "psram", .host = m->psram, .size = size[STORE_PSRAM], .fd = &m->psram_fd},
    };
    if (n < STORES) {
        *memory = stores[n];
        memory->watched = true;
        memory->base = store_base((BoardStore)n);
        return true;
    }
    n -= STORES;
    unsigned bank = 0;
    for (unsigned k = 0; k < m->device_count; k++) {
        const Region *region = m->device[k]->region;
        if (!region || region->kind != REGION_ROM_DEVICE)
            continue;
        if (bank < n) {
            bank++;
            continue;
        }
        *memory = (MachineMemory){.name = region->name,
                                  .host = region->host,
                                  .size = region->size,
                                  .base = region->home,
                                  .fill = 0xff,
                                  .blank = !m->options.flash[bank]};
        return true;
    }
    return false;
}

uint32_t machine_ram_base(const Machine *machine)
{
    (void)machine;
    return store_base(STORE_RAM);
}

/* Between instructions: nobody has to be told. */
static void drop_code(Machine *m, CodeFlush reason)
{
    code_cache_flush(m->code, reason);
    for (unsigned n = 0; n < m->options.cpus; n++)
        m->cpu[n]->leave = 0;
}

void machine_reset(Machine *machine)
{
    input_reset(machine->input);
    for (unsigned n = 0; n < NET_PORTS; n++)
        net_reset(&machine->env.net[n]);
    for (unsigned n = 0; n < machine->device_count; n++)
        device_reset(machine->device[n]);
    for (unsigned n = 0; n < machine->options.cpus; n++)
        cpu_reset(machine->cpu[n]);
    semihosting_reset(machine->semihosting);
    drop_code(machine, FLUSH_RESET);
    machine->request_pending = machine->yield = false;
    machine->next_cpu = 0;
    machine->slice_end = 0;
    machine->stopped_cpu = -1;
}

void machine_set_time(Machine *machine, uint64_t now)
{
    if (machine->options.deterministic) {
        machine->time_base = now - machine_icount(machine) * NS_PER_INSN;
        return;
    }
    machine->time_base = now;
    machine->host_base = host_ns();
    if (machine->held_at != CLOCK_NEVER)
        machine->held_at = now;
}

void machine_set_date(Machine *machine, uint32_t seconds)
{
    enum { LOAD_REGISTER = 0x08 }; /* PL031 LR */
    const Device *clock = machine_device(machine, "rtc");
    const BusAccess access = {.size = 4, .cpu = BUS_DMA, .secure = true, .privileged = true};
    if (clock && clock->region)
        bus_write(machine->bus, clock->region->base + LOAD_REGISTER, &access, seconds);
    uint32_t since = (uint32_t)(clock_now(machine->clock) / 1000000000u);
    machine->options.rtc_base = machine->env.rtc_base = seconds - since;
}

void machine_set_remap(Machine *machine, bool after)
{
    if (machine_is_remapped(machine) != after)
        remap(machine, 0, after);
}

void machine_forget(Machine *machine)
{
    MachineMemory memory;
    for (unsigned n = 0; n < machine->options.cpus; n++)
        mmu_flush_all(machine->cpu[n]);
    drop_code(machine, FLUSH_MAP);
    for (unsigned n = 0; machine_memory(machine, n, &memory); n++)
        bus_host_changed(machine->bus, memory.host, memory.size);
}

/* ---- Breakpoints ------------------------------------------------------------------------------------ */

bool machine_add_breakpoint(Machine *machine, uint32_t address, Error *err)
{
    Breakpoints *list = code_cache_breakpoints(machine->code);
    if (breakpoints_at(list, address))
        return true;
    if (!breakpoints_add(list, address))
        return error_set(err, "there are %d breakpoints already", BREAKPOINTS_MOST);
    drop_code(machine, FLUSH_BREAKPOINTS);
    return true;
}

bool machine_remove_breakpoint(Machine *machine, uint32_t address, Error *err)
{
    if (!breakpoints_remove(code_cache_breakpoints(machine->code), address))
        return error_set(err, "there is no breakpoint at 0x%08x", address);
    drop_code(machine, FLUSH_BREAKPOINTS);
    return true;
}

const uint32_t *machine_breakpoints(const Machine *machine, unsigned *count)
{
    const Breakpoints *list = code_cache_breakpoints(machine->code);
    *count = list->count;
    return list->address;
}

/* TLBs let accesses to watched pages go straight no more, or again. What a guest sees of its TLB stays. */
static void watchpoints_changed(Machine *m)
{
    for (unsigned n = 0; n < m->options.cpus; n++) {
        size_t words;
        Cpu *cpu = m->cpu[n];
        cpu->watchpoints = m->watchpoints.count ? &m->watchpoints : NULL;
        uint32_t *entries = mmu_save(cpu, &words);
        mmu_flush_all(cpu);
        mmu_restore(cpu, entries, words);
        free(entries);
    }
    drop_code(m, FLUSH_BREAKPOINTS);
}

bool machine_add_watchpoint(Machine *machine, uint32_t address, uint32_t size, unsigned kinds, Error *err)
{
    if (!size || size - 1 > UINT32_MAX - address)
        return error_set(err, "0x%08x: there is no memory of %u bytes", address, size);
    if (!watchpoints_add(&machine->watchpoints, &(Watchpoint){address, size, kinds}))
        return error_set(err, "there are %d watchpoints already", WATCHPOINTS_MOST);
    watchpoints_changed(machine);
    return true;
}

bool machine_remove_watchpoint(Machine *machine, uint32_t address, Error *err)
{
    if (!watchpoints_remove(&machine->watchpoints, address))
        return error_set(err, "there is no watchpoint at 0x%08x", address);
    watchpoints_changed(machine);
    return true;
}

const Watchpoints *machine_watchpoints(const Machine *machine)
{
    return &machine->watchpoints;
}

const WatchHit *machine_stop_hit(const Machine *machine, unsigned cpu)
{
    const WatchHit *hit = &machine->cpu[cpu]->watch_hit;
    return hit->hit ? hit : NULL;
}

bool machine_stopped(Machine *machine, unsigned *cpu)
{
    if (machine->stopped_cpu < 0)
        return false;
    *cpu = (unsigned)machine->stopped_cpu;
    machine->stopped_cpu = -1;
    return true;
}

/* ---- Running ---------------------------------------------------------------------------------------- */

/* How many instructions the next slice may have before a timer is due. */
static uint64_t slice_length(const Machine *m, uint64_t now, uint64_t most)
{
    uint64_t due = clock_next_due(m->clock);
    if (due == CLOCK_NEVER)
        return most;
    uint64_t wait = due > now ? due - now : 0;
    uint64_t ahead = m->options.deterministic ? (wait + NS_PER_INSN - 1) / NS_PER_INSN
                                              : SLICE_LEAST + host_time_of(m, wait) / HOST_NS_PER_INSN;
    return ahead < 1 ? 1 : ahead < most ? ahead : most;
}

/* The nearest place ahead that somebody wants to have a look at. */
static uint64_t next_pause(const Machine *m, uint64_t icount)
{
    uint64_t pause = m->pause_at > icount ? m->pause_at : UINT64_MAX;
    return m->mark_at > icount && m->mark_at < pause ? m->mark_at : pause;
}

static void run_cpu(Machine *m, unsigned n, uint64_t count)
{
    Cpu *cpu = m->cpu[n];
    /* This CPU may write memory now; another one's store-exclusive after that must fail (DDI 0406C A3.4.2
     * lets it fail). */
    if (n != m->current_cpu)
        mmu_clear_exclusive(m->cpu[m->current_cpu]);
    m->current_cpu = n;
    m->idle_since = m->known = 0;
    m->running = true;
    cpu->stopped = cpu->watch_hit.hit = false;
    cpu->icount_limit = cpu->icount + count;
    uint64_t total = machine_icount(m), place = next_pause(m, total);
    if (place - total < count)
        cpu->icount_limit = cpu->icount + (place - total);
    uint64_t event = m->journal ? machine_next_event(m) : UINT64_MAX;
    if (event > total && event - total < cpu->icount_limit - cpu->icount)
        cpu->icount_limit = cpu->icount + (event - total);
    uint64_t overflow = pmu_next_overflow(cpu);
    if (overflow < cpu->icount_limit)
        cpu->icount_limit = overflow;
    cpu->attention &= (uint8_t)~ATTN_STOP;
    if (m->jit)
        jit_run(m->jit, cpu);
    else
        interp_run(cpu);
    m->running = false;
    pmu_check(cpu);
}

static bool can_run(const Machine *m, Cpu *cpu)
{
    if (cpu->attention & ATTN_RESET)
        return false;
    if (cpu->attention & ATTN_INPUT && semihosting_has_input(m->semihosting))
        cpu->attention &= (uint8_t)~ATTN_INPUT;
    if (cpu->attention & ATTN_INPUT)
        return cpu->attention & (ATTN_IRQ | ATTN_FIQ);
    if (!(cpu->attention & ATTN_HALTED))
        return true;
    return (cpu->attention & (ATTN_IRQ | ATTN_FIQ)) || (cpu->halted_for_event && cpu->event);
}

/* How many instructions the CPU whose turn it is may run: those that are left of a slice that a breakpoint
 * interrupted, or a whole slice. */
static uint64_t slice_most(Machine *m)
{
    uint64_t end = m->slice_end, icount = m->cpu[m->next_cpu]->icount;
    m->slice_end = 0;
    if (end)
        return end > icount ? end - icount : 0;
    return m->options.cpus > 1 ? SLICE_SHARED : SLICE_ALONE;
}

void machine_settle(Machine *m)
{
    if (!m->options.deterministic) {
        clock_run_due(m->clock);
        return;
    }
    do
        clock_run_in_turn(m->clock, machine_own_timers_ran, m);
    while (clock_next_due(m->clock) <= clock_now(m->clock));
    machine_own_timers_ran(m);
}

/* A slice for the CPU whose turn it is. slice_end is set if the CPU is to go on with it: a breakpoint or
 * machine_pause_at() interrupts it. In deterministic runs it goes on after all that happens in between,
 * timers, yields, the journal's events: whether somebody watches must not show in the order of slices. */
static void run_slice(Machine *m, uint64_t most)
{
    Cpu *cpu = m->cpu[m->next_cpu];
    bool deterministic = m->options.deterministic;
    uint64_t before = cpu->icount, length = slice_length(m, clock_now(m->clock), most);
    uint64_t end = before + (deterministic ? most : length);
    uint64_t place = next_pause(m, machine_icount(m));
    run_cpu(m, m->next_cpu, length);
    bool pause = machine_icount(m) == place;
    bool goes_on = deterministic && cpu->icount != before;
    if (cpu->stopped)
        m->stopped_cpu = (int)m->next_cpu;
    if (cpu->stopped || pause)
        m->yield = true;
    if (cpu->stopped || ((pause || goes_on) && cpu->icount < end))
        m->slice_end = end;
}

/* What has happened meanwhile, after a slice. */
static void after_slice(Machine *m)
{
    if (m->options.deterministic && clock_next_due(m->clock) <= clock_now(m->clock))
        machine_settle(m);
    if (arrivals_waiting(m->arrivals))
        arrivals_deliver(m->arrivals);
}

/* Gives every CPU that can run a slice; false if none could. */
static bool run_slices(Machine *m)
{
    bool any = m->next_cpu > 0; /* only a whole round shows that none can run */
    while (m->next_cpu < m->options.cpus && !m->request_pending && !m->yield) {
        if (m->journal && machine_attend(m))
            continue;
        const Cpu *cpu = m->cpu[m->next_cpu];
        uint64_t before = cpu->icount, most = slice_most(m);
        bool runs = most && can_run(m, m->cpu[m->next_cpu]);
        if (runs)
            run_slice(m, most);
        any |= !most || cpu->icount != before || cpu->stopped;
        m->next_cpu += !m->slice_end;
        if (runs)
            after_slice(m);
    }
    if (m->next_cpu >= m->options.cpus)
        m->next_cpu = 0;
    return any;
}

/* Idle time is not skipped beyond this, 73 years: what is due later (the clock's alarm, timers that a guest
 * set as far away as they go) does not come, and virtual time cannot overflow. */
#define END_OF_TIME MACHINE_END_OF_TIME

/* Virtual time passes to the next timer, or as far as the journal's next event. */
static bool skip_idle_time(Machine *m, uint64_t due)
{
    uint64_t now = clock_now(m->clock), next = m->journal ? machine_idle_until(m, due) : due;
    bool forever = next >= END_OF_TIME && !m->yield;
    m->time_base += next >= END_OF_TIME || next < now ? 0 : next - now;
    if (m->options.deterministic && !forever)
        machine_settle(m);
    return m->poll ? m->poll(m->poll_opaque, forever ? UINT64_MAX : 0) : !forever;
}

static bool all_sleep(Machine *m)
{
    for (unsigned n = 0; n < m->options.cpus; n++)
        if (can_run(m, m->cpu[n]))
            return false;
    return true;
}

void machine_pass_idle_time(Machine *m)
{
    if (!m->idle_since || !all_sleep(m))
        return;
    uint64_t now = clock_now(m->clock), due = clock_next_due(m->clock), host = host_ns();
    uint64_t passed = host - m->idle_since, most = due > now ? due - now - 1 : 0;
    m->idle_since = host;
    if (now + passed < END_OF_TIME)
        m->time_base += passed < most ? passed : most;
}

void machine_stop_pacing(Machine *machine)
{
    machine_pass_idle_time(machine);
    machine->idle_since = 0;
}

/* The host waits as long as the guest would. What enters meanwhile makes virtual time pass to where the host
 * is (machine_pass_idle_time()); otherwise it passes all at once, at the end. */
static bool pace_idle_time(Machine *m, uint64_t due)
{
    uint64_t now = clock_now(m->clock), wait = due >= END_OF_TIME ? UINT64_MAX : due > now ? due - now : 0;
    if (!m->idle_since)
        m->idle_since = host_ns();
    uint64_t passed = host_ns() - m->idle_since;
    return m->poll(m->poll_opaque, wait == UINT64_MAX ? wait : wait > passed ? wait - passed : 0);
}

static void end_of_paced_time(Machine *m)
{
    uint64_t now = clock_now(m->clock), due = clock_next_due(m->clock);
    if (!m->idle_since || due >= END_OF_TIME || due <= now || !all_sleep(m) ||
        host_ns() - m->idle_since < due - now)
        return;
    m->time_base += due - now;
    m->idle_since = 0;
}

static bool is_paced(const Machine *m)
{
    return m->options.deterministic && m->options.paced && !m->turbo && m->poll && !machine_replays(m);
}

/* Nothing can run before the next timer or input. Returns false if the frontend wants to stop. */
static bool wait_for_something(Machine *m)
{
    uint64_t now = clock_now(m->clock), due = clock_next_due(m->clock);
    uint64_t wait = due == CLOCK_NEVER ? UINT64_MAX : due > now ? due - now : 0;
    if (is_paced(m))
        return pace_idle_time(m, due);
    if (m->options.deterministic || m->turbo)
        return skip_idle_time(m, due);
    wait = host_time_of(m, wait);
    if (m->poll)
        return m->poll(m->poll_opaque, wait);
    if (wait && wait != UINT64_MAX) {
        struct timespec ts = {(time_t)(wait / 1000000000u), (long)(wait % 1000000000u)};
        nanosleep(&ts, NULL);
    }
    return wait != UINT64_MAX;
}

static bool idle(Machine *m)
{
    uint64_t before = host_ns();
    bool go_on = true;
    if (arrivals_sleep(m->arrivals, true))
        go_on = wait_for_something(m);
    arrivals_sleep(m->arrivals, false);
    arrivals_deliver(m->arrivals);
    end_of_paced_time(m);
    m->idle_ns += host_ns() - before;
    return go_on;
}

/* Handles what a device asked for; true if the machine run ends. */
static bool handle_request(Machine *m, MachineEnd *end)
{
    if (m->broken) {
        *end = END_BROKEN;
        return true;
    }
    if (!m->request_pending)
        return false;
    m->request_pending = false;
    m->exit_code = m->env.exit_code;
    *end = m->request == REQUEST_POWER_OFF ? END_POWER_OFF
           : m->request == REQUEST_EXIT    ? END_GUEST_EXIT
                                           : END_REBOOT;
    return true;
}

MachineEnd machine_run(Machine *machine)
{
    MachineEnd end = END_STOPPED;
    uint64_t polled = host_ns();
    machine->stop_requested = false;
    while (!machine->stop_requested && !handle_request(machine, &end)) {
        machine_settle(machine);
        bool ran = run_slices(machine);
        uint64_t now = host_ns();
        if (ran && !machine->yield && now - polled < POLL_INTERVAL_NS)
            continue;
        polled = now;
        bool busy = ran || machine->yield;
        machine->yield = false;
        if (busy ? machine->poll && !machine->poll(machine->poll_opaque, 0) : !idle(machine))
            break;
    }
    return end;
}

void machine_stop(Machine *machine)
{
    machine->stop_requested = true;
}

void machine_yield(Machine *machine)
{
    machine->yield = true;
    if (machine->running)
        interrupt_slice(machine);
}

void machine_pause_at(Machine *machine, uint64_t icount)
{
    machine->pause_at = icount;
}

void machine_mark_at(Machine *machine, uint64_t icount)
{
    machine->mark_at = icount;
}

void machine_moved(Machine *machine)
{
    machine->idle_since = 0;
    machine->yield = true;
    machine->stopped_cpu = -1;
    for (unsigned n = 0; n < machine->options.cpus; n++)
        machine->cpu[n]->watch_hit.hit = false;
}

void machine_hold_time(Machine *machine, bool hold)
{
    if (machine->options.deterministic || hold == (machine->held_at != CLOCK_NEVER))
        return;
    uint64_t now = clock_now(machine->clock);
    machine->held_at = hold ? now : CLOCK_NEVER;
    machine->time_base = now;
    machine->host_base = host_ns();
}

static void run_own_timers(Machine *m)
{
    if (m->journal) /* watchers wait: nothing may enter in the middle of a step */
        clock_run_own(m->clock);
    else
        clock_run_due(m->clock);
}

void machine_changed(Machine *machine)
{
    machine->known = 0;
}

uint64_t machine_step_raw(Machine *machine, unsigned n, uint64_t count)
{
    Cpu *cpu = machine->cpu[n];
    uint64_t start = cpu->icount, target = start + count;
    uint32_t from = cpu->pc;
    run_own_timers(machine);
    while (cpu->icount < target && !machine->request_pending && can_run(machine, cpu)) {
        uint64_t before = cpu->icount;
        run_cpu(machine, n, slice_length(machine, clock_now(machine->clock), target - before));
        run_own_timers(machine);
        bool begins = cpu->stopped && cpu->icount == start && cpu->pc == from;
        if (cpu->stopped && !begins)
            machine->stopped_cpu = (int)n;
        if (!begins && (cpu->stopped || cpu->icount == before))
            break;
    }
    return cpu->icount - start;
}

uint64_t machine_step_cpu(Machine *machine, unsigned cpu, uint64_t count)
{
    return machine->journal ? machine_step_by_journal(machine, cpu, count)
                            : machine_step_raw(machine, cpu, count);
}

void machine_step(Machine *machine, uint64_t count)
{
    machine_step_cpu(machine, 0, count);
}
