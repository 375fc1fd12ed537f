/* Loading: everything is read, checked and prepared first; what changes the machine after that cannot fail.
 */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "snapshot/disk_loader.h"
#include "snapshot/disk_record.h"
#include "snapshot/head.h"
#include "snapshot/memory_loader.h"
#include "snapshot/pages.h"
#include "snapshot/state.h"
#include "snapshot/temporary.h"
#include "snapshot/views.h"

/* A head is small; a note is a line. */
enum { HEAD_MOST = 1 << 16 };

struct Snapshot {
    char *path;
    ChunkFile file;
    SnapshotInfo info;
    uint64_t disk_bytes[DISK_SLOTS];
    bool force, memory_there;
    StagedDisks *disks; /* owned; NULL: those of the file */
};

static bool is_type(const Chunk *chunk, const char *type)
{
    return !strcmp(chunk->type, type);
}

/* Says which file an error is about. */
static bool about(const Snapshot *snapshot, Error *err)
{
    Error what = *err;
    return error_set(err, "cannot load '%s': %s", snapshot->path, what.text);
}

/* ---- Opening ------------------------------------------------------------------------------------------- */

bool snapshot_is(const char *path)
{
    uint8_t start[4] = {0};
    FILE *file = fopen(path, "rbe");
    bool read = file && fread(start, 1, sizeof start, file) == sizeof start;
    if (file)
        fclose(file);
    return read && !memcmp(start,
                           "\x89"
                           "ARM",
                           sizeof start);
}

static void copy_text(char *to, size_t size, const DeviceMemory *text)
{
    size_t length = text->size < size - 1 ? text->size : size - 1;
    for (size_t n = 0; n < length; n++)
        to[n] = text->bytes[n] < ' ' || text->bytes[n] == 0x7f ? '?' : (char)text->bytes[n];
    to[length] = 0;
}

static bool read_head(Snapshot *snapshot, Error *err)
{
    uint8_t payload[HEAD_MOST];
    const Chunk *chunk = snapshot->file.chunk;
    Head head;
    if (!snapshot->file.count || !is_type(chunk, CHUNK_HEAD) || chunk->length > sizeof payload)
        return error_set(err, "it does not say what it is");
    if (!chunk_read(&snapshot->file, chunk, payload, err))
        return false;
    bool ok = head_decode(&head, payload, chunk->length, err);
    SnapshotInfo *info = &snapshot->info;
    copy_text(info->program, sizeof info->program, &head.program);
    copy_text(info->note, sizeof info->note, &head.note);
    info->host_time = (int64_t)head.host_time;
    info->guest_ns = head.guest_ns;
    info->instructions = head.instructions;
    info->memory = head.memory;
    info->cpus = head.cpus;
    info->deterministic = head.deterministic;
    info->compressed = head.compressed;
    info->file_size = snapshot->file.size;
    head_free(&head);
    return ok;
}

/* Where the bytes of a chunk of pages count. */
static uint64_t *bytes_of_pages(Snapshot *snapshot, const Chunk *chunk, unsigned memories)
{
    uint32_t memory = 0;
    chunk_peek(&snapshot->file, chunk, &memory, sizeof memory);
    return memory < memories || memory - memories >= DISK_SLOTS ? &snapshot->info.memory_bytes
                                                                : &snapshot->disk_bytes[memory - memories];
}

/* Every type must be known: what a later version added is not to be lost silently. */
static bool check_types(Snapshot *snapshot, Error *err)
{
    unsigned memories = 0;
    for (unsigned n = 1; n < snapshot->file.count; n++)
        memories += is_type(&snapshot->file.chunk[n], CHUNK_MEMORY);
    for (unsigned n = 1; n < snapshot->file.count; n++) {
        const Chunk *chunk = &snapshot->file.chunk[n];
        if (is_type(chunk, CHUNK_PART))
            snapshot->info.parts++;
        else if (is_type(chunk, CHUNK_DISK))
            snapshot->info.disks++;
        else if (is_type(chunk, CHUNK_PAGES))
            *bytes_of_pages(snapshot, chunk, memories) += chunk->length;
        else if (is_type(chunk, CHUNK_PNG) && !snapshot->info.png_size)
            snapshot->info.png_size = chunk->length;
        else if (!is_type(chunk, CHUNK_MEMORY))
            return error_set(err, "this version of armature does not know its chunk %u", n);
    }
    return true;
}

static Snapshot *open_as(const char *path, const char *name, Error *err)
{
    Snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot || !(snapshot->path = strdup(name)))
        abort();
    if (chunk_open(&snapshot->file, CHUNKS_SNAPSHOT, path, err) && read_head(snapshot, err) &&
        check_types(snapshot, err))
        return snapshot;
    about(snapshot, err);
    snapshot_close(snapshot);
    return NULL;
}

Snapshot *snapshot_open(const char *path, Error *err)
{
    return open_as(path, path, err);
}

Snapshot *snapshot_open_received(int fd, const char *name, Error *err)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open_as(path, name, err);
}

void snapshot_memory_is_there(Snapshot *snapshot)
{
    snapshot->memory_there = true;
}

void snapshot_disks_are_there(Snapshot *snapshot, StagedDisks *disks)
{
    snapshot->disks = disks;
}

StagedDisks *snapshot_stage_disks(Snapshot *snapshot, Machine *machine, Error *err)
{
    StagedDisks *disks =
        disks_stage(&snapshot->file, machine, snapshot->force ? DISKS_FORCED : DISKS_SAME, err);
    if (disks)
        disks_renew(disks);
    else
        about(snapshot, err);
    return disks;
}

void snapshot_close(Snapshot *snapshot)
{
    if (!snapshot)
        return;
    disks_unstage(snapshot->disks);
    chunk_close(&snapshot->file);
    free(snapshot->path);
    free(snapshot);
}

const SnapshotInfo *snapshot_info(const Snapshot *snapshot)
{
    return &snapshot->info;
}

bool snapshot_disk(Snapshot *snapshot, unsigned n, SnapshotDisk *disk, Error *err)
{
    uint8_t payload[DISK_RECORD_MOST];
    DiskRecord record;
    const Chunk *chunk = snapshot->file.chunk;
    for (unsigned disks = 0;; chunk++) {
        if (is_type(chunk, CHUNK_DISK) && disks++ == n)
            break;
    }
    bool ok = chunk->length <= sizeof payload || error_set(err, "a disk's description is too long");
    if (!ok || !chunk_read(&snapshot->file, chunk, payload, err) ||
        !disk_record_decode(&record, payload, chunk->length, err))
        return about(snapshot, err);
    *disk = (SnapshotDisk){.slot = disk_slot_name(record.slot),
                           .keeps_changes = record.medium.keeps_changes,
                           .bytes = n < DISK_SLOTS ? snapshot->disk_bytes[n] : 0};
    snprintf(disk->file, sizeof disk->file, "%s", record.medium.file);
    return true;
}

/* ---- Parts --------------------------------------------------------------------------------------------- */

/* A machine's state that was read and checked. */
typedef struct Stage {
    StagedState *state;
    StagedMemory *memory;
    StagedDisks *disks;
} Stage;

static uint8_t *read_payload(const Snapshot *snapshot, const Chunk *chunk, Error *err)
{
    uint8_t *payload = malloc(chunk->length + 1);
    if (!payload) {
        error_set(err, "not enough memory");
        return NULL;
    }
    if (chunk_read(&snapshot->file, chunk, payload, err))
        return payload;
    free(payload);
    return NULL;
}

static bool stage_part(StagedState *state, const Snapshot *snapshot, const Chunk *chunk, Error *err)
{
    uint8_t *payload = read_payload(snapshot, chunk, err);
    return payload && state_stage_part(state, payload, chunk->length, err);
}

/* For the stage to free. */
static StagedDisks *stage_disks(Snapshot *snapshot, Machine *machine, DiskRigour rigour, Error *err)
{
    StagedDisks *disks = snapshot->disks;
    if (!disks)
        return disks_stage(&snapshot->file, machine, rigour, err);
    if (!disks_check_same(disks, &snapshot->file, err))
        return NULL;
    snapshot->disks = NULL;
    return disks;
}

static bool stage_all(Stage *stage, Snapshot *snapshot, Machine *machine, bool dry, Error *err)
{
    stage->state = state_stage_new(machine);
    for (unsigned n = 0; n < snapshot->file.count; n++)
        if (is_type(&snapshot->file.chunk[n], CHUNK_PART) &&
            !stage_part(stage->state, snapshot, &snapshot->file.chunk[n], err))
            return false;
    if (!state_stage_check(stage->state, dry, err))
        return false;
    DiskRigour rigour = dry ? DISKS_DRY : snapshot->force ? DISKS_FORCED : DISKS_SAME;
    stage->disks = stage_disks(snapshot, machine, rigour, err);
    stage->memory = stage->disks
                        ? memory_stage(&snapshot->file, machine, snapshot->memory_there, stage->disks, err)
                        : NULL;
    return stage->memory && disks_ready(stage->disks, err);
}

static void stage_free(Stage *stage)
{
    memory_unstage(stage->memory);
    disks_unstage(stage->disks);
    state_stage_free(stage->state);
}

/* ---- Into the machine ---------------------------------------------------------------------------------- */

/* What threads of the host do for devices ends in the memory, and on the disks, that they do it for. In
 * deterministic runs there are none, and devices take back what waits when they are loaded. */
static void drain(Machine *machine)
{
    for (unsigned n = 0; n < DISK_SLOTS; n++)
        if (machine->env.disk[n].disk)
            disk_drain(machine->env.disk[n].disk);
    for (unsigned n = 0; n < SHARES; n++)
        if (machine->env.share[n].work)
            host_work_drain(machine->env.share[n].work);
    arrivals_deliver(machine->arrivals);
}

/* The disks can change back, memory cannot. */
static bool exchange(Stage *stage, Machine *machine, Error *err)
{
    Error other;
    if (!disks_swap(stage->disks, err))
        return false;
    if (memory_apply(stage->memory, machine, err))
        return true;
    disks_swap(stage->disks, &other);
    return false;
}

static bool load(Snapshot *snapshot, Machine *machine, bool dry, Error *err)
{
    Stage stage = {0};
    if (!dry)
        drain(machine);
    bus_settle(machine->bus);
    bool ok = stage_all(&stage, snapshot, machine, dry, err);
    if (ok && !dry) {
        ok = exchange(&stage, machine, err);
        if (ok)
            state_apply(stage.state, machine, STATE_MEMORY_OTHER);
    }
    stage_free(&stage);
    return ok || about(snapshot, err);
}

void snapshot_force(Snapshot *snapshot)
{
    snapshot->force = true;
}

bool snapshot_load(Snapshot *snapshot, Machine *machine, Error *err)
{
    return load(snapshot, machine, false, err);
}

/* ---- Without a machine --------------------------------------------------------------------------------- */

bool snapshot_options(Snapshot *snapshot, MachineOptions *options, Error *err)
{
    Machine none = {.options.cpus = 0};
    StagedState *stage = state_stage_new(&none);
    bool found = false, ok = true;
    char name[256];
    for (unsigned n = 0; ok && !found && n < snapshot->file.count; n++) {
        const Chunk *chunk = &snapshot->file.chunk[n];
        uint8_t *payload = is_type(chunk, CHUNK_PART) ? read_payload(snapshot, chunk, err) : NULL;
        ok = payload || !is_type(chunk, CHUNK_PART);
        found = payload && part_name(payload, chunk->length, name) && !strcmp(name, "setup");
        free(payload);
        if (found)
            ok = stage_part(stage, snapshot, chunk, err);
    }
    if (ok && !found)
        ok = error_set(err, "it does not say what machine it is of");
    if (ok) {
        const Part *setup = parts_find(&stage->parts, "setup");
        part_apply(&stage->part[setup - stage->parts.part], setup->base);
        ok = views_options(stage->parts.views, options, err);
    }
    state_stage_free(stage);
    return ok || about(snapshot, err);
}

bool snapshot_verify(Snapshot *snapshot, Error *err)
{
    MachineOptions options = {.jit.mode = JIT_OFF};
    if (!snapshot_options(snapshot, &options, err))
        return false;
    Machine *machine = machine_new(&options, log_new(NULL), err);
    if (!machine)
        return about(snapshot, err);
    bool ok = load(snapshot, machine, true, err);
    size_t size;
    Error png = {""};
    if (ok) {
        free(snapshot_png(snapshot, &size, &png));
        ok = !png.text[0];
        if (!ok)
            *err = png;
    }
    machine_free(machine);
    return ok;
}

uint8_t *snapshot_png(Snapshot *snapshot, size_t *size, Error *err)
{
    for (unsigned n = 0; n < snapshot->file.count; n++) {
        const Chunk *chunk = &snapshot->file.chunk[n];
        if (!is_type(chunk, CHUNK_PNG))
            continue;
        uint8_t *png = read_payload(snapshot, chunk, err);
        *size = chunk->length;
        if (!png)
            about(snapshot, err);
        return png;
    }
    return NULL;
}

/* ---- Converting ---------------------------------------------------------------------------------------- */

static bool convert_head(const uint8_t *payload, size_t size, bool compress, Buffer *out, Error *err)
{
    Head head;
    bool ok = head_decode(&head, payload, size, err);
    head.compressed = compress;
    if (ok)
        head_encode(&head, out);
    head_free(&head);
    return ok;
}

static bool convert_pages(const uint8_t *payload, size_t size, bool compress, Buffer *out, Error *err)
{
    PageUnit *unit = malloc(sizeof *unit);
    if (!unit)
        abort();
    bool ok = unit_decode(unit, payload, size, err);
    if (ok)
        unit_encode(unit, compress, out);
    free(unit);
    return ok;
}

static bool convert_chunk(const Snapshot *snapshot, const Chunk *chunk, ChunkWriter *writer, bool compress,
                          Error *err)
{
    Buffer out = {0};
    bool ok = true;
    uint8_t *payload = read_payload(snapshot, chunk, err);
    if (!payload)
        return false;
    if (is_type(chunk, CHUNK_HEAD))
        ok = convert_head(payload, chunk->length, compress, &out, err);
    else if (is_type(chunk, CHUNK_PAGES))
        ok = convert_pages(payload, chunk->length, compress, &out, err);
    else
        buffer_put(&out, payload, chunk->length);
    ok = ok && chunk_write(writer, chunk->type, out.data, out.size, err);
    buffer_free(&out);
    free(payload);
    return ok;
}

bool snapshot_convert(Snapshot *snapshot, const char *path, bool compress, Error *err)
{
    Temporary file;
    ChunkWriter writer;
    if (!temporary_open(&file, path, err)) {
        temporary_free(&file);
        return false;
    }
    bool ok = chunk_begin(&writer, CHUNKS_SNAPSHOT, file.fd, err);
    for (unsigned n = 0; ok && n < snapshot->file.count; n++)
        ok = convert_chunk(snapshot, &snapshot->file.chunk[n], &writer, compress, err);
    ok = ok && chunk_finish(&writer, err);
    if (!ok)
        about(snapshot, err);
    ok = ok && temporary_keep(&file, err);
    temporary_free(&file);
    return ok;
}
