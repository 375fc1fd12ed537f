/* The machine that leaves: from the beginning to where the other end runs it. */
#include "snapshot/migrate_out.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "machine/checked.h"
#include "machine/host_time.h"
#include "snapshot/head.h"
#include "snapshot/identity.h"

enum { DRAIN_TRIES = 1000 };

/* ---- Rounds ------------------------------------------------------------------------------------------ */

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
    migration_take_pages(m);
    migration_start_round(m);
    return m;
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
    migration_join_round(m);
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
    migration_take_pages(m);
    if (m->disks && !disk_capture_again(m->disks, err))
        return MIGRATION_FAILED;
    bool last = is_little(m);
    if (!last)
        migration_start_round(m);
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
    migration_join_round(m);
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

/* ---- Handing over ------------------------------------------------------------------------------------ */

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
    migration_take_pages(m);
    return migration_send_runs(m, err) && migration_send_rest(m, err);
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
