/* The machine that leaves. Rounds of pages are sent by a thread while the guest runs; which pages a round has
 * follows from the write watches, on the machine's thread. A page that is written while it is copied was
 * marked before, and comes again. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "snapshot/disk_capture.h"
#include "snapshot/head.h"
#include "snapshot/identity.h"
#include "snapshot/migrate.h"
#include "snapshot/page_writer.h"
#include "snapshot/stream.h"

enum { REST_PIECE = 256 << 10, DRAIN_TRIES = 1000 };

typedef struct Run {
    uint32_t memory, first, count; /* pages */
} Run;

struct Migration {
    Machine *machine;
    MigrationWish wish;
    Stream stream;
    MachineMemory memory[MACHINE_MEMORIES];
    Watch *watch[MACHINE_MEMORIES]; /* NULL: all of it is in the rest */
    unsigned memories;
    Buffer build;
    /* The round. */
    Run *run;
    size_t runs, capacity;
    uint64_t pages; /* in it */
    bool first;     /* the other end's memory is new */
    bool all_changed;
    PageUnit *unit;
    Buffer payload;
    uint64_t round_ns;
    pthread_t thread;
    bool has_thread, ok;
    Error error;
    atomic_uint_fast64_t left, bytes;
    unsigned rounds;
    uint64_t sent_bytes, sent_ns; /* what the throughput follows from */
    uint64_t begun, stopped, downtime;
    /* The rest. */
    Buffer *part; /* [parts]: head first */
    unsigned parts;
    DiskCapture *disks; /* NULL: only when the guest stands still */
    Buffer rest;        /* a piece */
    uint32_t *flash;    /* [flash_count]: pages of memory[flash_memory] with contents */
    unsigned flash_memory;
    size_t flash_count, flash_capacity, flash_at;
};

static uint64_t host_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void *checked(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* ---- A round --------------------------------------------------------------------------------------------
 */

static bool send_unit(Migration *m, Error *err)
{
    PageUnit *unit = m->unit;
    m->payload.size = 0;
    if (!unit->runs)
        return true;
    unit_encode(unit, m->wish.compress, &m->payload);
    bool ok = stream_send(&m->stream, STREAM_PAGES, m->payload.data, m->payload.size, err);
    unit->runs = unit->pages = 0;
    atomic_store_explicit(&m->bytes, m->stream.bytes, memory_order_relaxed);
    return ok;
}

static bool send_page(Migration *m, uint32_t memory, uint32_t page, Error *err)
{
    PageUnit *unit = m->unit;
    const MachineMemory *from = &m->memory[memory];
    uint8_t *copy = unit->data[unit->pages];
    memcpy(copy, from->host + (size_t)page * MEMORY_PAGE, MEMORY_PAGE);
    bool filled = memory_is_filled(copy, from->fill);
    if (!filled || !m->first)
        unit_add(unit, page, filled ? RUN_IS_ZEROS : RUN_IS_DATA);
    return !unit_is_full(unit) || send_unit(m, err);
}

/* Where the host has nothing, nothing is looked at: reading would make it. */
static bool send_run(Migration *m, const Run *run, Error *err)
{
    const MachineMemory *memory = &m->memory[run->memory];
    uint32_t page = run->first, end = run->first + run->count;
    while (page < end) {
        uint64_t from = (uint64_t)page * MEMORY_PAGE, to;
        if (!memory_next_data(memory, &from, &to))
            from = to = memory->size;
        uint32_t data = (uint32_t)(from / MEMORY_PAGE), hole = (uint32_t)(to / MEMORY_PAGE);
        data = data < end ? data : end;
        hole = hole < end ? hole : end;
        if (data > page && !m->first) {
            unit_add_zeros(m->unit, page, data - page);
            if (unit_is_full(m->unit) && !send_unit(m, err))
                return false;
        }
        for (page = data; page < hole; page++)
            if (!send_page(m, run->memory, page, err))
                return false;
        page = hole > data ? hole : data;
    }
    return true;
}

static bool send_runs(Migration *m, Error *err)
{
    uint64_t begun = host_ns(), before = m->stream.bytes;
    uint8_t pages[8];
    bool ok = true;
    for (size_t n = 0; ok && n < m->runs; n++) {
        if (n && m->run[n].memory != m->run[n - 1].memory)
            ok = send_unit(m, err);
        m->unit->memory = m->run[n].memory;
        ok = ok && send_run(m, &m->run[n], err);
        atomic_fetch_sub_explicit(&m->left, (uint64_t)m->run[n].count * MEMORY_PAGE, memory_order_relaxed);
    }
    for (unsigned n = 0; n < sizeof pages; n++)
        pages[n] = (uint8_t)(m->pages >> 8 * n);
    ok = ok && send_unit(m, err) && stream_send(&m->stream, STREAM_ROUND, pages, sizeof pages, err);
    m->sent_bytes = m->stream.bytes - before;
    m->sent_ns = host_ns() - begun;
    return ok;
}

/* Changes of disks since the last time. */
static bool send_disk(Migration *m, unsigned n, Error *err)
{
    PageUnit *unit = m->unit;
    unit->memory = m->memories + n;
    for (uint64_t block = 0, count = 1;; block += count) {
        count = 1;
        MediumStep step = disk_capture_next(m->disks, n, &block, &count, unit->data[unit->pages], err);
        if (step == STEP_FAILED)
            return false;
        if (step == STEP_END)
            return send_unit(m, err);
        if (step == STEP_ZEROS)
            unit_add_zeros(unit, (uint32_t)block, (uint32_t)count);
        else
            unit_add(unit, (uint32_t)block, RUN_IS_DATA);
        if (unit_is_full(unit) && !send_unit(m, err))
            return false;
    }
}

static bool send_disks(Migration *m, Error *err)
{
    bool ok = true;
    for (unsigned n = 0; m->disks && ok && n < disk_capture_count(m->disks); n++)
        ok = send_disk(m, n, err);
    return ok;
}

static bool connect_and_greet(Migration *m, Error *err)
{
    if (m->stream.fd >= 0)
        return true;
    int fd = m->wish.connect(m->wish.connect_opaque, err);
    if (fd < 0)
        return false;
    m->stream.fd = fd;
    return stream_greet(&m->stream, err) &&
           stream_send(&m->stream, STREAM_BUILD, m->build.data, m->build.size, err);
}

static void *send_round(void *opaque)
{
    Migration *m = opaque;
    m->ok = connect_and_greet(m, &m->error) && send_disks(m, &m->error) && send_runs(m, &m->error);
    if (m->wish.ended)
        m->wish.ended(m->wish.opaque);
    return NULL;
}

static void start_round(Migration *m)
{
    atomic_store(&m->left, m->pages * MEMORY_PAGE);
    bool beside = !m->machine->options.deterministic;
    m->has_thread = beside && !pthread_create(&m->thread, NULL, send_round, m);
    if (!m->has_thread)
        send_round(m);
}

/* ---- Which pages ----------------------------------------------------------------------------------------
 */

typedef struct Taking {
    Migration *migration;
    uint32_t memory;
} Taking;

static void add_run(void *opaque, uint32_t pa, uint32_t size)
{
    const Taking *taking = opaque;
    Migration *m = taking->migration;
    if (m->runs == m->capacity) {
        m->capacity = 2 * m->capacity + 256;
        m->run = checked(realloc(m->run, m->capacity * sizeof *m->run));
    }
    m->run[m->runs++] =
        (Run){taking->memory, (pa - m->memory[taking->memory].base) / MEMORY_PAGE, size / MEMORY_PAGE};
    m->pages += size / MEMORY_PAGE;
}

/* Everything, guarded at once. */
static void take_all(Migration *m)
{
    Watches *watches = bus_watches(m->machine->bus);
    for (uint32_t n = 0; n < m->memories; n++) {
        Taking taking = {m, n};
        if (!m->watch[n])
            continue;
        watches_seen(watches, m->watch[n]);
        add_run(&taking, m->memory[n].base, (uint32_t)m->memory[n].size);
    }
    for (unsigned n = 0; n < m->machine->options.cpus; n++)
        mmu_protect_all(m->machine->cpu[n]);
}

/* Adds to those that are taken and not sent. */
static void take_pages(Migration *m)
{
    bus_settle(m->machine->bus);
    if (m->all_changed) {
        m->all_changed = false;
        take_all(m);
        return;
    }
    for (uint32_t n = 0; n < m->memories; n++) {
        Taking taking = {m, n};
        if (m->watch[n])
            watches_take(bus_watches(m->machine->bus), m->watch[n], add_run, &taking);
    }
}

/* ---- Rounds ---------------------------------------------------------------------------------------------
 */

static bool put_to_buffer(void *opaque, const void *data, size_t size, Error *err)
{
    (void)err;
    buffer_put(opaque, data, size);
    return true;
}

static void encode_head(Migration *m, Buffer *out)
{
    Head head;
    uint64_t identity[2];
    identity_of(m->machine, NULL, 0, identity); /* not that of any file */
    machine_changed(m->machine);
    head_fill(&head, m->machine, &(SnapshotWish){.host_time = time(NULL)}, identity);
    head_encode(&head, out);
    head_free(&head);
}

/* A snapshot file of the head, the part that says how the machine is built, and which disks' changes come
 * with the memory. */
static void encode_build(Migration *m)
{
    Parts *parts = checked(malloc(sizeof *parts));
    Buffer head = {0}, setup = {0}, disk = {0};
    ChunkWriter writer;
    Error err;
    parts_take(parts, m->machine);
    encode_head(m, &head);
    part_encode(parts_find(parts, "setup"), &setup);
    chunk_begin_stream(&writer, put_to_buffer, &m->build, &err);
    chunk_write(&writer, CHUNK_HEAD, head.data, head.size, &err);
    chunk_write(&writer, CHUNK_PART, setup.data, setup.size, &err);
    for (unsigned n = 0; m->disks && n < disk_capture_count(m->disks); n++) {
        disk.size = 0;
        disk_capture_encode(m->disks, n, &disk);
        chunk_write(&writer, CHUNK_DISK, disk.data, disk.size, &err);
    }
    chunk_finish(&writer, &err);
    parts_free(parts);
    free(parts);
    buffer_free(&head);
    buffer_free(&setup);
    buffer_free(&disk);
}

/* The changes of disks go along while the guest runs if all of them are in overlays: the other end can open
 * its disks at once then. In deterministic machines there are no rounds. */
static bool capture_disks(Migration *m, Error *err)
{
    if (m->machine->options.deterministic)
        return true;
    if (!(m->disks = disk_capture_begin(m->machine, NULL, NULL, err)))
        return false;
    if (disk_capture_count(m->disks) && disk_capture_is_apart(m->disks))
        return true;
    disk_capture_end(m->disks);
    m->disks = NULL;
    return true;
}

Migration *migration_begin(Machine *machine, const MigrationWish *wish, Error *err)
{
    Migration *m = checked(calloc(1, sizeof *m));
    m->machine = machine;
    m->wish = *wish;
    m->unit = checked(calloc(1, sizeof *m->unit));
    m->begun = host_ns();
    stream_init(&m->stream, -1);
    arrivals_deliver(machine->arrivals);
    if (!capture_disks(m, err)) {
        migration_free(m);
        return NULL;
    }
    encode_build(m);
    for (; machine_memory(machine, m->memories, &m->memory[m->memories]); m->memories++) {
        const MachineMemory *memory = &m->memory[m->memories];
        if (memory->watched)
            m->watch[m->memories] =
                watches_add(bus_watches(machine->bus), memory->base, (uint32_t)memory->size);
    }
    m->first = m->all_changed = true;
    take_pages(m);
    start_round(m);
    return m;
}

static void join(Migration *m)
{
    if (m->has_thread)
        pthread_join(m->thread, NULL);
    m->has_thread = false;
}

/* Whether the pages of the next round can be sent in the time that the guest may stand still. */
static bool is_little(const Migration *m)
{
    if (!m->sent_bytes || !m->sent_ns)
        return true;
    return (double)(m->pages * MEMORY_PAGE) / (double)m->sent_bytes * (double)m->sent_ns <=
           (double)m->wish.downtime_ns;
}

MigrationStep migration_step(Migration *m, Error *err)
{
    join(m);
    m->rounds++;
    if (!m->ok) {
        *err = m->error;
        return MIGRATION_FAILED;
    }
    m->first = false;
    m->runs = 0;
    m->pages = 0;
    if (m->machine->options.deterministic || m->rounds >= m->wish.rounds)
        return MIGRATION_LAST;
    take_pages(m);
    if (m->disks && !disk_capture_again(m->disks, err))
        return MIGRATION_FAILED;
    bool last = is_little(m);
    if (!last)
        start_round(m);
    return last ? MIGRATION_LAST : MIGRATION_ROUND;
}

void migration_all_changed(Migration *m)
{
    m->all_changed = true;
}

void migration_cancel(Migration *m)
{
    stream_cancel(&m->stream);
}

void migration_progress(const Migration *migration, MigrationProgress *progress)
{
    Migration *m = (Migration *)migration;
    *progress = (MigrationProgress){.rounds = m->rounds,
                                    .bytes = atomic_load(&m->bytes),
                                    .left = atomic_load(&m->left),
                                    .seconds_ns = host_ns() - m->begun,
                                    .downtime_ns = m->downtime};
    for (unsigned n = 0; n < m->memories; n++)
        progress->all += m->memory[n].size;
}

static void free_rest(Migration *m)
{
    disk_capture_end(m->disks);
    m->disks = NULL;
    for (unsigned n = 0; n < m->parts; n++)
        buffer_free(&m->part[n]);
    free(m->part);
    m->part = NULL;
    m->parts = 0;
}

void migration_free(Migration *m)
{
    if (!m)
        return;
    if (m->has_thread)
        stream_cancel(&m->stream);
    join(m);
    free_rest(m);
    for (unsigned n = 0; n < m->memories; n++)
        watches_remove(bus_watches(m->machine->bus), m->watch[n]);
    stream_close(&m->stream);
    buffer_free(&m->build);
    buffer_free(&m->payload);
    buffer_free(&m->rest);
    free(m->flash);
    free(m->unit);
    free(m->run);
    free(m);
}

/* ---- The rest: a snapshot file without the pages that were sent -------------------------------------------
 */

static bool send_piece(Migration *m, Error *err)
{
    bool ok = !m->rest.size || stream_send(&m->stream, STREAM_REST, m->rest.data, m->rest.size, err);
    m->rest.size = 0;
    return ok;
}

static bool put_to_rest(void *opaque, const void *data, size_t size, Error *err)
{
    Migration *m = opaque;
    const uint8_t *at = data;
    while (size) {
        size_t room = REST_PIECE - m->rest.size, part = size < room ? size : room;
        buffer_put(&m->rest, at, part);
        at += part;
        size -= part;
        if (m->rest.size == REST_PIECE && !send_piece(m, err))
            return false;
    }
    return true;
}

static void add_flash_page(void *opaque, uint32_t page, const uint8_t *data)
{
    Migration *m = opaque;
    (void)data;
    if (m->flash_count == m->flash_capacity) {
        m->flash_capacity = 2 * m->flash_capacity + 64;
        m->flash = checked(realloc(m->flash, m->flash_capacity * sizeof *m->flash));
    }
    m->flash[m->flash_count++] = page;
}

static MediumStep next_of_flash(Migration *m, unsigned memory, uint64_t *page, uint8_t *copy)
{
    if (m->flash_memory != memory) {
        m->flash_memory = memory;
        m->flash_count = m->flash_at = 0;
        memory_pages(&m->memory[memory], add_flash_page, m);
    }
    if (m->flash_at == m->flash_count)
        return STEP_END;
    *page = m->flash[m->flash_at++];
    memcpy(copy, m->memory[memory].host + *page * MEMORY_PAGE, MEMORY_PAGE);
    return STEP_DATA;
}

static MediumStep next_page(void *opaque, unsigned memory, uint64_t *page, uint64_t *count, uint8_t *copy,
                            Error *err)
{
    Migration *m = opaque;
    if (memory >= m->memories)
        return disk_capture_next(m->disks, memory - m->memories, page, count, copy, err);
    return m->memory[memory].fd ? STEP_END : next_of_flash(m, memory, page, copy);
}

static bool write_descriptions(Migration *m, ChunkWriter *writer, Error *err)
{
    Buffer payload = {0};
    bool ok = true;
    for (unsigned n = 0; ok && n < m->memories; n++) {
        payload.size = 0;
        memory_encode(&m->memory[n], &payload);
        ok = chunk_write(writer, CHUNK_MEMORY, payload.data, payload.size, err);
    }
    for (unsigned n = 0; ok && n < disk_capture_count(m->disks); n++) {
        payload.size = 0;
        disk_capture_encode(m->disks, n, &payload);
        ok = chunk_write(writer, CHUNK_DISK, payload.data, payload.size, err);
    }
    buffer_free(&payload);
    return ok;
}

static bool send_rest(Migration *m, Error *err)
{
    ChunkWriter writer;
    PageProgress progress = {false};
    PageSource source = {next_page, m, m->memories + disk_capture_count(m->disks), 0};
    m->flash_memory = MACHINE_MEMORIES;
    bool ok = chunk_begin_stream(&writer, put_to_rest, m, err);
    for (unsigned n = 0; ok && n < m->parts; n++)
        ok = chunk_write(&writer, n ? CHUNK_PART : CHUNK_HEAD, m->part[n].data, m->part[n].size, err);
    return ok && write_descriptions(m, &writer, err) &&
           pages_write(&writer, &source, m->wish.compress, &progress, err) && chunk_finish(&writer, err) &&
           send_piece(m, err);
}

/* ---- Handing over
 * ------------------------------------------------------------------------------------------ */

/* What a disk has carried out is known to its device, so that nothing is left that would be carried out here
 * after the other end has the disk. (In deterministic runs that happens in virtual time, which stands still.)
 */
static void drain_disks(Machine *machine)
{
    for (unsigned n = 0; n < DISK_SLOTS; n++)
        for (unsigned tries = 0; tries < DRAIN_TRIES && machine->env.disk[n].disk &&
                                 disk_under_way(machine->env.disk[n].disk) && !machine->options.deterministic;
             tries++)
            disk_drain(machine->env.disk[n].disk);
    arrivals_deliver(machine->arrivals);
}

static void encode_parts(Migration *m)
{
    Parts *parts = checked(malloc(sizeof *parts));
    parts_take(parts, m->machine);
    m->parts = parts->count + 1;
    m->part = checked(calloc(m->parts, sizeof *m->part));
    encode_head(m, &m->part[0]);
    for (unsigned n = 0; n < parts->count; n++)
        part_encode(&parts->part[n], &m->part[n + 1]);
    parts_free(parts);
    free(parts);
}

static void let_go(Machine *machine)
{
    for (unsigned n = 0; n < DISK_SLOTS; n++)
        if (machine->env.disk[n].disk)
            disk_let_go(machine->env.disk[n].disk);
}

static bool take_again(Machine *machine, Error *err)
{
    bool ok = true;
    for (unsigned n = 0; n < DISK_SLOTS; n++)
        if (machine->env.disk[n].disk && !disk_take_again(machine->env.disk[n].disk, ok ? err : &(Error){""}))
            ok = false;
    return ok;
}

static bool send_all(Migration *m, Error *err)
{
    drain_disks(m->machine);
    encode_parts(m);
    if (m->disks ? !disk_capture_again(m->disks, err)
                 : !(m->disks = disk_capture_begin(m->machine, NULL, NULL, err)))
        return false;
    take_pages(m);
    return send_runs(m, err) && send_rest(m, err);
}

static bool await_word(Migration *m, const char *word, Error *err)
{
    char type[STREAM_TYPE + 1];
    Buffer payload = {0};
    bool ok = stream_receive(&m->stream, type, &payload, 1 << 10, err);
    buffer_free(&payload);
    return ok && (!strcmp(type, word) || error_set(err, "the other end speaks out of turn"));
}

/* The other end cannot run. */
static MigrationEnd fail(Migration *m, bool let, Error *err)
{
    Error why = *err, who;
    free_rest(m);
    stream_close(&m->stream);
    if (!let || take_again(m->machine, &who))
        return MIGRATION_REFUSED;
    error_set(err, "%.400s, and now %.400s", why.text, who.text);
    return MIGRATION_TAKEN;
}

bool migration_take_back(Migration *m, Error *err)
{
    return take_again(m->machine, err);
}

MigrationEnd migration_hand_over(Migration *m, bool paused, Error *err)
{
    uint8_t is_paused = paused;
    uint64_t stopped = m->machine->options.deterministic ? m->begun : host_ns();
    if (!send_all(m, err))
        return fail(m, false, err);
    let_go(m->machine);
    if (!stream_send(&m->stream, STREAM_OVER, &is_paused, 1, err) || !await_word(m, STREAM_READY, err))
        return fail(m, true, err);
    /* As soon as a byte of this is on its way, the machine may run there. */
    uint64_t before = m->stream.bytes;
    bool ok = stream_send(&m->stream, STREAM_GO, NULL, 0, err);
    if (!ok && m->stream.bytes == before)
        return fail(m, true, err);
    ok = ok && await_word(m, STREAM_RUNS, err);
    m->downtime = host_ns() - stopped;
    atomic_store(&m->bytes, m->stream.bytes);
    free_rest(m);
    stream_close(&m->stream);
    return ok ? MIGRATION_MOVED : MIGRATION_UNKNOWN;
}
