#include "snapshot/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/semihosting.h"

/* ---- The views ----------------------------------------------------------------------------------------- */

/* What the machine is: it does not change while it runs. */
typedef struct SetupView {
    uint64_t memory, seed;
    uint32_t cpus, rtc_base, virtio_disks, virtio_nets, shares;
    bool deterministic, boot_from_flash, semihosting, test_device, gpu, rng, console, balloon;
    uint8_t hub[NET_PORTS];
} SetupView;

typedef struct MachineView {
    uint64_t now, slice_end;
    uint32_t next_cpu, current_cpu, request, exit_code;
    bool request_pending, remapped;
} MachineView;

typedef struct TlbView {
    DeviceMemory words;
} TlbView;

/* What waits for the guest: items of 16 bits. */
typedef struct SerialView {
    DeviceMemory queue;
} SerialView;

typedef struct InputView {
    bool down[INPUT_KEYS];
    uint32_t leds;
    DeviceMemory queue; /* InputRecords */
} InputView;

typedef struct InputRecord {
    uint16_t kind, code;
    uint32_t down;
    int32_t x, y;
} InputRecord;

/* Each frame: its length in 32 bits, then its bytes. */
typedef struct NetView {
    uint8_t mac[NET_MAC];
    bool pulled;
    uint16_t mtu; /* on a hub, which is part of the machine; elsewhere 0 */
    DeviceMemory queue, flows;
} NetView;

/* Which disks there are; not what is on them. */
typedef struct DiskView {
    uint64_t size[DISK_SLOTS]; /* 0: none */
    bool read_only[DISK_SLOTS];
} DiskView;

typedef struct SemihostingView {
    uint32_t error, free_base, free_limit;
    uint64_t started, grown;
    DeviceMemory command_line, files;
} SemihostingView;

enum { VIEWS = 5 + MAX_CPUS + SERIAL_PORTS + NET_PORTS };

struct Views {
    Machine *machine;
    SetupView setup;
    MachineView run;
    TlbView tlb[MAX_CPUS];
    SerialView serial[SERIAL_PORTS];
    InputView input;
    NetView net[NET_PORTS];
    DiskView disks;
    SemihostingView semihosting;
    SemihostingFiles *files; /* reopened by views_check() */
    char name[VIEWS][PART_NAME];
    View view[VIEWS];
    unsigned count;
};

/* ---- Their tables ------------------------------------------------------------------------------------ */

/* clang-format off */
#define TABLE(name, ...)                                                                                     \
    static const FieldDef name##_fields[] = {__VA_ARGS__};                                                   \
    static const FieldTable name##_table = {name##_fields, sizeof name##_fields / sizeof *name##_fields}
#define VIEW_FIELD(member, kind, n) {#member, kind, offsetof(VIEW, member), n, 1, NULL}
#define VIEW_FIELD_SINCE(version, member, kind, n) {#member, kind, offsetof(VIEW, member), n, version, NULL}

#define VIEW SetupView
TABLE(setup,
      VIEW_FIELD(memory, FIELD_U64, 1), VIEW_FIELD(seed, FIELD_U64, 1), VIEW_FIELD(cpus, FIELD_U32, 1), VIEW_FIELD(rtc_base, FIELD_U32, 1),
      VIEW_FIELD(virtio_disks, FIELD_U32, 1), VIEW_FIELD(virtio_nets, FIELD_U32, 1),
      VIEW_FIELD(shares, FIELD_U32, 1), VIEW_FIELD(deterministic, FIELD_BOOL, 1),
      VIEW_FIELD(boot_from_flash, FIELD_BOOL, 1), VIEW_FIELD(semihosting, FIELD_BOOL, 1),
      VIEW_FIELD(test_device, FIELD_BOOL, 1), VIEW_FIELD(gpu, FIELD_BOOL, 1), VIEW_FIELD(rng, FIELD_BOOL, 1),
      VIEW_FIELD(console, FIELD_BOOL, 1), VIEW_FIELD(balloon, FIELD_BOOL, 1),
      VIEW_FIELD_SINCE(2, hub, FIELD_U8, NET_PORTS));
#undef VIEW
#define VIEW MachineView
TABLE(run,
      VIEW_FIELD(now, FIELD_U64, 1), VIEW_FIELD(slice_end, FIELD_U64, 1), VIEW_FIELD(next_cpu, FIELD_U32, 1),
      VIEW_FIELD(current_cpu, FIELD_U32, 1), VIEW_FIELD(request, FIELD_U32, 1),
      VIEW_FIELD(exit_code, FIELD_U32, 1), VIEW_FIELD(request_pending, FIELD_BOOL, 1),
      VIEW_FIELD(remapped, FIELD_BOOL, 1));
#undef VIEW
#define VIEW TlbView
TABLE(tlb, VIEW_FIELD(words, FIELD_MEMORY, 1));
#undef VIEW
#define VIEW SerialView
TABLE(serial, VIEW_FIELD(queue, FIELD_MEMORY, 1));
#undef VIEW
#define VIEW InputView
TABLE(input, VIEW_FIELD(down, FIELD_BOOL, INPUT_KEYS), VIEW_FIELD(leds, FIELD_U32, 1),
      VIEW_FIELD(queue, FIELD_MEMORY, 1));
#undef VIEW
#define VIEW NetView
TABLE(net,
      VIEW_FIELD(mac, FIELD_U8, NET_MAC), VIEW_FIELD_SINCE(2, pulled, FIELD_BOOL, 1), VIEW_FIELD_SINCE(2, mtu, FIELD_U16, 1),
      VIEW_FIELD(queue, FIELD_MEMORY, 1), VIEW_FIELD_SINCE(2, flows, FIELD_MEMORY, 1));
#undef VIEW
#define VIEW DiskView
TABLE(disks, VIEW_FIELD(size, FIELD_U64, DISK_SLOTS), VIEW_FIELD(read_only, FIELD_BOOL, DISK_SLOTS));
#undef VIEW
#define VIEW SemihostingView
TABLE(semihosting,
      VIEW_FIELD(error, FIELD_U32, 1), VIEW_FIELD(free_base, FIELD_U32, 1), VIEW_FIELD(free_limit, FIELD_U32, 1),
      VIEW_FIELD(started, FIELD_U64, 1), VIEW_FIELD(grown, FIELD_U64, 1),
      VIEW_FIELD(command_line, FIELD_MEMORY, 1), VIEW_FIELD(files, FIELD_MEMORY, 1));
#undef VIEW
/* clang-format on */

static void add(Views *views, const char *type, int number, void *base, const FieldTable *table,
                unsigned flags)
{
    char *name = views->name[views->count];
    if (number < 0)
        snprintf(name, PART_NAME, "%s", type);
    else
        snprintf(name, PART_NAME, "%s%d", type, number);
    views->view[views->count++] = (View){name, type, base, table, flags};
}

Views *views_new(Machine *machine)
{
    Views *views = calloc(1, sizeof *views);
    if (!views)
        abort();
    views->machine = machine;
    add(views, "setup", -1, &views->setup, &setup_table, 0);
    add(views, "machine", -1, &views->run, &run_table, 0);
    for (unsigned n = 0; n < machine->options.cpus; n++)
        add(views, "tlb", (int)n, &views->tlb[n], &tlb_table, PART_NOT_HASHED);
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        add(views, "serial", (int)n, &views->serial[n], &serial_table, 0);
    add(views, "input", -1, &views->input, &input_table, 0);
    for (unsigned n = 0; n < NET_PORTS; n++)
        add(views, "net", (int)n, &views->net[n], &net_table, 0);
    add(views, "disks", -1, &views->disks, &disks_table, 0);
    if (machine->semihosting)
        add(views, "semihosting", -1, &views->semihosting, &semihosting_table, 0);
    return views;
}

void views_free(Views *views)
{
    if (!views)
        return;
    semihosting_files_free(views->files);
    for (unsigned n = 0; n < MAX_CPUS; n++)
        device_memory_set(&views->tlb[n].words, 0);
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        device_memory_set(&views->serial[n].queue, 0);
    device_memory_set(&views->input.queue, 0);
    for (unsigned n = 0; n < NET_PORTS; n++) {
        device_memory_set(&views->net[n].queue, 0);
        device_memory_set(&views->net[n].flows, 0);
    }
    device_memory_set(&views->semihosting.command_line, 0);
    device_memory_set(&views->semihosting.files, 0);
    free(views);
}

bool views_get(const Views *views, unsigned n, View *view)
{
    if (n >= views->count)
        return false;
    *view = views->view[n];
    return true;
}

/* ---- Out of the machine ------------------------------------------------------------------------------ */

static void set_bytes(DeviceMemory *memory, const void *data, size_t size)
{
    if (!device_memory_set(memory, size))
        abort();
    if (size)
        memcpy(memory->bytes, data, size);
}

static void fill_setup(SetupView *view, const MachineOptions *options)
{
    *view = (SetupView){
        .memory = options->memory,
        .seed = options->seed,
        .cpus = options->cpus,
        .rtc_base = options->rtc_base,
        .virtio_disks = options->virtio_disks,
        .virtio_nets = options->virtio_nets,
        .shares = options->shares,
        .deterministic = options->deterministic,
        .boot_from_flash = options->boot_from_flash,
        .semihosting = options->semihosting,
        .test_device = options->test_device,
        .gpu = options->gpu,
        .rng = options->rng,
        .console = options->console,
        .balloon = options->balloon,
    };
    memcpy(view->hub, options->hub, sizeof view->hub);
}

/* With one CPU, slices change nothing but when the machine looks up. */
static void fill_run(MachineView *view, const Machine *m)
{
    bool alone = m->options.cpus == 1;
    *view = (MachineView){
        .now = clock_now(m->clock),
        .slice_end = alone ? 0 : m->slice_end,
        .next_cpu = m->next_cpu,
        .current_cpu = m->current_cpu,
        .request = m->request_pending ? m->request : 0,
        .exit_code = m->request_pending ? (uint32_t)m->env.exit_code : 0,
        .request_pending = m->request_pending,
        .remapped = machine_is_remapped(m),
    };
}

static void fill_tlb(TlbView *view, const Cpu *cpu)
{
    size_t count;
    uint32_t *word = mmu_save(cpu, &count);
    set_bytes(&view->words, word, 4 * count);
    free(word);
}

static void fill_serial(SerialView *view, const SerialPort *port)
{
    set_bytes(&view->queue, port->queue + port->head, port->length * sizeof *port->queue);
}

static void fill_input(InputView *view, const Input *input)
{
    unsigned count = input_waiting(input);
    input_keys_down(input, view->down);
    view->leds = input_leds(input);
    device_memory_set(&view->queue, count * sizeof(InputRecord));
    for (unsigned n = 0; n < count; n++) {
        InputEvent event = input_event_waiting(input, n);
        InputRecord record = {(uint16_t)event.kind, event.code, event.down, event.x, event.y};
        memcpy(view->queue.bytes + n * sizeof record, &record, sizeof record);
    }
}

static void fill_net(NetView *view, const NetPort *port)
{
    size_t size = 0;
    memcpy(view->mac, port->mac, NET_MAC);
    view->pulled = port->pulled;
    view->mtu = port->next_on_hub ? port->mtu : 0;
    set_bytes(&view->flows, port->flows.flow, port->flows.count * sizeof(NetFlow));
    for (const NetFrame *frame = port->first; frame; frame = frame->next)
        size += 4 + frame->length;
    if (!device_memory_set(&view->queue, size))
        abort();
    uint8_t *at = view->queue.bytes;
    for (const NetFrame *frame = port->first; frame; frame = frame->next) {
        uint32_t length = (uint32_t)frame->length;
        memcpy(at, &length, 4);
        memcpy(at + 4, frame->data, length);
        at += 4 + length;
    }
}

static void fill_semihosting(SemihostingView *view, const Semihosting *s)
{
    SemihostingState state;
    size_t size;
    semihosting_state(s, &state);
    uint8_t *files = semihosting_save_files(s, &size);
    view->error = (uint32_t)state.error;
    view->free_base = state.free_base;
    view->free_limit = state.free_limit;
    view->started = state.started;
    view->grown = state.grown;
    set_bytes(&view->command_line, state.command_line, state.command_line ? strlen(state.command_line) : 0);
    set_bytes(&view->files, files, size);
    free(files);
}

static void fill_disks(DiskView *view, const DiskSlot *slot)
{
    for (unsigned n = 0; n < DISK_SLOTS; n++) {
        view->size[n] = slot[n].disk ? disk_size(slot[n].disk) : 0;
        view->read_only[n] = slot[n].disk && disk_read_only(slot[n].disk);
    }
}

void views_fill(Views *views)
{
    Machine *m = views->machine;
    fill_setup(&views->setup, &m->options);
    fill_run(&views->run, m);
    for (unsigned n = 0; n < m->options.cpus; n++)
        fill_tlb(&views->tlb[n], m->cpu[n]);
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        fill_serial(&views->serial[n], &m->env.serial[n]);
    fill_input(&views->input, m->input);
    fill_disks(&views->disks, m->env.disk);
    for (unsigned n = 0; n < NET_PORTS; n++)
        fill_net(&views->net[n], &m->env.net[n]);
    if (m->semihosting)
        fill_semihosting(&views->semihosting, m->semihosting);
}

/* ---- Checks ------------------------------------------------------------------------------------------ */

/* Times beyond this do not come up in 70 years, and leave room for sums. */
#define TIME_MOST (UINT64_C(1) << 61)

static bool check_run(const MachineView *view, const Machine *m, Error *err)
{
    if (view->now > TIME_MOST)
        return error_set(err, "machine: its time is impossible");
    if (view->next_cpu >= m->options.cpus || view->current_cpu >= m->options.cpus)
        return error_set(err, "machine: there is no such CPU");
    if (view->slice_end >> 62 || view->request > REQUEST_EXIT)
        return error_set(err, "machine: a field is out of range");
    return true;
}

static bool check_serial(const SerialView *view, unsigned port, Error *err)
{
    if (view->queue.size % 2)
        return error_set(err, "serial%u: the queue has half a character", port);
    for (uint64_t n = 0; n < view->queue.size; n += 2) {
        uint16_t item;
        memcpy(&item, view->queue.bytes + n, 2);
        if (item > SERIAL_BREAK)
            return error_set(err, "serial%u: the queue has something that is no character", port);
    }
    return true;
}

static bool check_input(const InputView *view, Error *err)
{
    if (view->queue.size % sizeof(InputRecord))
        return error_set(err, "input: the queue has half an event");
    for (uint64_t at = 0; at < view->queue.size; at += sizeof(InputRecord)) {
        InputRecord record;
        memcpy(&record, view->queue.bytes + at, sizeof record);
        bool key = record.kind == INPUT_KEY || record.kind == INPUT_BUTTON;
        if (record.kind > INPUT_WHEEL || record.down > 1 || (key && record.code >= INPUT_KEYS))
            return error_set(err, "input: the queue has an impossible event");
    }
    return true;
}

static bool check_net(const NetView *view, unsigned port, Error *err)
{
    const uint8_t *at = view->queue.bytes;
    uint64_t left = view->queue.size;
    if (view->mtu && view->mtu < NET_MTU_LEAST)
        return error_set(err, "net%u: its MTU is impossible", port);
    NetFlows flows;
    if (!net_flows_set(&flows, view->flows.bytes, view->flows.size))
        return error_set(err, "net%u: its connections are impossible", port);
    if (left > 4 * (uint64_t)NET_QUEUE_BYTES)
        return error_set(err, "net%u: the queue is too long", port);
    while (left) {
        uint32_t length = 0;
        if (left >= 4)
            memcpy(&length, at, 4);
        if (length < NET_HEADER || length > NET_FRAME_MOST || length > left - 4)
            return error_set(err, "net%u: a frame has an impossible length", port);
        at += 4 + length;
        left -= 4 + length;
    }
    return true;
}

static bool check_tlb(const TlbView *view, unsigned cpu, Error *err)
{
    const char *problem = view->words.size % 4
                              ? "the length"
                              : mmu_saved_problem((const uint32_t *)view->words.bytes, view->words.size / 4);
    return !problem || error_set(err, "tlb%u: %s is impossible", cpu, problem);
}

static bool check_semihosting(Views *views, Error *err)
{
    const SemihostingView *view = &views->semihosting;
    if (view->started > TIME_MOST || view->command_line.size > 1 << 20)
        return error_set(err, "semihosting: a field is out of range");
    if (memchr(view->command_line.size ? (char *)view->command_line.bytes : "", 0, view->command_line.size))
        return error_set(err, "semihosting: the command line is no text");
    views->files = semihosting_reopen(views->machine->semihosting, view->files.bytes, view->files.size, err);
    return views->files;
}

static bool check_number(const char *what, uint64_t saved, uint64_t own, Error *err)
{
    return saved == own || error_set(err, "setup: the snapshot's machine has %s %llu, this one %llu", what,
                                     (unsigned long long)saved, (unsigned long long)own);
}

/* Where virtual time comes from may differ. */
static bool check_setup(const SetupView *saved, const Machine *m, Error *err)
{
    SetupView own;
    fill_setup(&own, &m->options);
    if (memcmp(saved->hub, own.hub, sizeof own.hub) != 0)
        return error_set(err, "setup: the saved machine's networks are wired to other hubs (--net hub)");
    return check_number("--cpus", saved->cpus, own.cpus, err) &&
           check_number("bytes of --memory:", saved->memory, own.memory, err) &&
           check_number("virtio disks:", saved->virtio_disks, own.virtio_disks, err) &&
           check_number("virtio networks:", saved->virtio_nets, own.virtio_nets, err) &&
           check_number("shared folders:", saved->shares, own.shares, err) &&
           check_number("--gpu:", saved->gpu, own.gpu, err) &&
           check_number("--semihosting:", saved->semihosting, own.semihosting, err) &&
           check_number("--test-device:", saved->test_device, own.test_device, err) &&
           check_number("virtio entropy:", saved->rng, own.rng, err) &&
           check_number("virtio console:", saved->console, own.console, err) &&
           check_number("virtio balloon:", saved->balloon, own.balloon, err) &&
           check_number("a boot from flash:", saved->boot_from_flash, own.boot_from_flash, err);
}

/* The guest goes on with the disks that it had. */
static bool check_disks(const DiskView *saved, const Machine *m, Error *err)
{
    static const char *const kind[] = {[DISK_SLOT_SD] = "SD card", [DISK_SLOT_CF] = "CompactFlash card"};
    DiskView own;
    fill_disks(&own, m->env.disk);
    for (unsigned n = 0; n < DISK_SLOTS; n++) {
        const char *what = n < DISK_SLOT_VIRTIO ? kind[n] : "virtio disk";
        unsigned long long size = saved->size[n], here = own.size[n];
        if (size && !here)
            return error_set(err, "disks: the guest has a %s of %llu bytes: give it with --disk", what, size);
        if (size != here)
            return error_set(err, "disks: the guest's %s has %llu bytes, this one %llu", what, size, here);
        if (own.read_only[n] && !saved->read_only[n])
            return error_set(err, "disks: the guest writes to its %s, and this one must not be written",
                             what);
    }
    return true;
}

bool views_options(const Views *views, MachineOptions *options, Error *err)
{
    const SetupView *view = &views->setup;
    bool possible = view->cpus >= 1 && view->cpus <= MAX_CPUS && view->memory <= 1u << 30 &&
                    view->virtio_disks <= 32 && view->virtio_nets <= 32 && view->shares <= 32;
    for (unsigned n = 0; n < NET_PORTS; n++)
        possible = possible && view->hub[n] <= NET_PORTS;
    if (!possible)
        return error_set(err, "setup: there is no machine like that");
    options->cpus = view->cpus;
    options->memory = view->memory;
    options->seed = view->seed;
    options->rtc_base = view->rtc_base;
    options->virtio_disks = view->virtio_disks;
    options->virtio_nets = view->virtio_nets;
    options->shares = view->shares;
    options->deterministic = view->deterministic;
    options->boot_from_flash = view->boot_from_flash;
    options->semihosting = view->semihosting;
    options->test_device = view->test_device;
    options->gpu = view->gpu;
    options->rng = view->rng;
    options->console = view->console;
    options->balloon = view->balloon;
    memcpy(options->hub, view->hub, sizeof options->hub);
    return true;
}

bool views_check(Views *views, bool dry, Error *err)
{
    const Machine *m = views->machine;
    if (!check_setup(&views->setup, m, err) || !check_run(&views->run, m, err) ||
        !check_input(&views->input, err))
        return false;
    for (unsigned n = 0; n < m->options.cpus; n++)
        if (!check_tlb(&views->tlb[n], n, err))
            return false;
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        if (!check_serial(&views->serial[n], n, err))
            return false;
    for (unsigned n = 0; n < NET_PORTS; n++)
        if (!check_net(&views->net[n], n, err))
            return false;
    if (!dry && !check_disks(&views->disks, m, err))
        return false;
    return !m->semihosting || dry || check_semihosting(views, err);
}

/* ---- Into the machine -------------------------------------------------------------------------------- */

void views_apply_time(Views *views)
{
    Machine *m = views->machine;
    const MachineView *view = &views->run;
    m->slice_end = view->slice_end;
    m->next_cpu = view->next_cpu;
    m->current_cpu = view->current_cpu;
    m->request = view->request;
    m->request_pending = view->request_pending;
    m->env.exit_code = (int)view->exit_code;
    m->stopped_cpu = -1;
    m->env.seed = m->options.seed = views->setup.seed;
    machine_set_time(m, view->now);
    machine_set_remap(m, view->remapped);
}

static void apply_serial(const SerialView *view, SerialPort *port)
{
    serial_clear(port);
    for (uint64_t at = 0; at < view->queue.size; at += 2) {
        uint16_t item;
        memcpy(&item, view->queue.bytes + at, 2);
        serial_put_back(port, item);
    }
}

static void apply_input(const InputView *view, Input *input)
{
    input_reset(input);
    input_set_keys_down(input, view->down);
    input_set_leds(input, view->leds);
    for (uint64_t at = 0; at < view->queue.size; at += sizeof(InputRecord)) {
        InputRecord record;
        memcpy(&record, view->queue.bytes + at, sizeof record);
        input_put_back(input, &(InputEvent){.kind = (InputEventKind)record.kind,
                                            .code = record.code,
                                            .down = record.down,
                                            .x = record.x,
                                            .y = record.y});
    }
}

/* A cable that was pulled out since is in again, if there is one, and the other way round. */
static void apply_net(const NetView *view, NetPort *port)
{
    memcpy(port->mac, view->mac, NET_MAC);
    if (view->pulled != port->pulled)
        port->connected = !view->pulled && (port->send || port->next_on_hub);
    port->pulled = view->pulled;
    if (port->next_on_hub && view->mtu)
        port->mtu = view->mtu;
    net_flows_set(&port->flows, view->flows.bytes, view->flows.size);
    net_reset(port);
    for (uint64_t at = 0; at < view->queue.size;) {
        uint32_t length;
        memcpy(&length, view->queue.bytes + at, 4);
        net_put_back(port, view->queue.bytes + at + 4, length);
        at += 4 + length;
    }
}

static void apply_semihosting(Views *views)
{
    const SemihostingView *view = &views->semihosting;
    SemihostingState state = {
        .error = (int)view->error,
        .free_base = view->free_base,
        .free_limit = view->free_limit,
        .started = view->started,
        .grown = view->grown,
        .command_line =
            strndup(view->command_line.size ? (char *)view->command_line.bytes : "", view->command_line.size),
    };
    semihosting_restore(views->machine->semihosting, &state, views->files);
    free((char *)state.command_line);
    views->files = NULL;
}

void views_apply(Views *views)
{
    Machine *m = views->machine;
    m->options.rtc_base = m->env.rtc_base = views->setup.rtc_base;
    for (unsigned n = 0; n < m->options.cpus; n++)
        mmu_restore(m->cpu[n], (const uint32_t *)views->tlb[n].words.bytes, views->tlb[n].words.size / 4);
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        apply_serial(&views->serial[n], &m->env.serial[n]);
    apply_input(&views->input, m->input);
    for (unsigned n = 0; n < NET_PORTS; n++)
        apply_net(&views->net[n], &m->env.net[n]);
    if (m->semihosting)
        apply_semihosting(views);
}
