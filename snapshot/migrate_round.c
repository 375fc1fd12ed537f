/* Rounds of pages of a machine that leaves. A thread sends them while the guest runs; which pages a round has
 * follows from the write watches, on the machine's thread. A page that is written while it is copied was
 * marked before, and comes again. */
#include "snapshot/migrate_out.h"

#include <stdlib.h>
#include <string.h>

#include "machine/checked.h"
#include "machine/host_time.h"

/* ---- A round ----------------------------------------------------------------------------------------- */

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

bool migration_send_runs(Migration *m, Error *err)
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

/* ---- Which pages ------------------------------------------------------------------------------------- */

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
void migration_take_pages(Migration *m)
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

/* ---- Beside the guest -------------------------------------------------------------------------------- */

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
    m->ok = connect_and_greet(m, &m->error) && send_disks(m, &m->error) && migration_send_runs(m, &m->error);
    if (m->wish.ended)
        m->wish.ended(m->wish.opaque);
    return NULL;
}

void migration_start_round(Migration *m)
{
    atomic_store(&m->left, m->pages * MEMORY_PAGE);
    bool beside = !m->machine->options.deterministic;
    m->has_thread = beside && !pthread_create(&m->thread, NULL, send_round, m);
    if (!m->has_thread)
        send_round(m);
}

void migration_join_round(Migration *m)
{
    if (m->has_thread)
        pthread_join(m->thread, NULL);
    m->has_thread = false;
}
