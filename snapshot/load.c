/* Loading: everything is read, checked and prepared first; what changes the machine after that cannot fail.
 */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "snapshot/aligned.h"
#include "snapshot/disk_loader.h"
#include "snapshot/disk_record.h"
#include "snapshot/head.h"
#include "snapshot/memory_loader.h"
#include "snapshot/pages.h"
#include "snapshot/temporary.h"
#include "snapshot/views.h"

/* A head is small; a note is a line. */
enum { HEAD_MOST = 1 << 16 };

struct Snapshot {
    char *path;
    ChunkFile file;
    SnapshotInfo info;
    uint64_t disk_bytes[DISK_SLOTS];
    bool force;
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
        else if (is_type(chunk, CHUNK_DATA))
            snapshot->info.memory_bytes += chunk->length;
        else if (is_type(chunk, CHUNK_PNG) && !snapshot->info.png_size)
            snapshot->info.png_size = chunk->length;
        else if (!is_type(chunk, CHUNK_MEMORY))
            return error_set(err, "this version of armature does not know its chunk %u", n);
    }
    return true;
}

Snapshot *snapshot_open(const char *path, Error *err)
{
    Snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot || !(snapshot->path = strdup(path)))
        abort();
    if (chunk_open(&snapshot->file, CHUNKS_SNAPSHOT, path, err) && read_head(snapshot, err) &&
        check_types(snapshot, err))
        return snapshot;
    about(snapshot, err);
    snapshot_close(snapshot);
    return NULL;
}

void snapshot_close(Snapshot *snapshot)
{
    if (!snapshot)
        return;
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
    Parts parts;
    StagedPart part[PARTS_MOST]; /* as in parts; part NULL: not in the file */
    uint8_t *payload[PARTS_MOST];
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

static bool stage_part(Stage *stage, const Snapshot *snapshot, const Chunk *chunk, Error *err)
{
    char name[256];
    uint8_t *payload = read_payload(snapshot, chunk, err);
    if (!payload)
        return false;
    const Part *part = NULL;
    if (!part_name(payload, chunk->length, name))
        error_set(err, "a part has no name");
    else if (!(part = parts_find(&stage->parts, name)))
        error_set(err, "this machine has no part '%s'", name);
    unsigned n = part ? (unsigned)(part - stage->parts.part) : 0;
    if (part && stage->payload[n]) {
        error_set(err, "part '%s' is there twice", name);
        part = NULL;
    }
    if (!part) {
        free(payload);
        return false;
    }
    stage->payload[n] = payload;
    return part_stage(&stage->part[n], part, payload, chunk->length, err);
}

/* A device that the file's version did not have is as after a reset. */
static bool check_all_there(const Stage *stage, Error *err)
{
    for (unsigned n = 0; n < stage->parts.count; n++)
        if (!stage->payload[n] && !stage->parts.part[n].device)
            return error_set(err, "the state of '%s' is missing", stage->parts.part[n].name);
    return true;
}

/* On copies of the CPUs. */
static bool check_cpus(Stage *stage, Error *err)
{
    for (unsigned n = 0; n < stage->parts.count; n++) {
        const Part *part = &stage->parts.part[n];
        if (!part->cpu)
            continue;
        Cpu *copy = aligned_alloc(_Alignof(Cpu), sizeof *copy);
        if (!copy)
            abort();
        *copy = *part->cpu;
        part_apply(&stage->part[n], copy);
        const char *problem = cpu_problem(copy);
        free(copy);
        if (problem)
            return error_set(err, "%s: %s is impossible", part->name, problem);
    }
    return true;
}

static void apply_views(Stage *stage)
{
    for (unsigned n = 0; n < stage->parts.count; n++)
        if (!stage->parts.part[n].cpu && !stage->parts.part[n].device)
            part_apply(&stage->part[n], stage->parts.part[n].base);
}

static bool stage_all(Stage *stage, const Snapshot *snapshot, Machine *machine, bool dry, Error *err)
{
    parts_prepare(&stage->parts, machine);
    for (unsigned n = 0; n < snapshot->file.count; n++)
        if (is_type(&snapshot->file.chunk[n], CHUNK_PART) &&
            !stage_part(stage, snapshot, &snapshot->file.chunk[n], err))
            return false;
    if (!check_all_there(stage, err) || !check_cpus(stage, err))
        return false;
    apply_views(stage);
    if (!views_check(stage->parts.views, dry, err))
        return false;
    DiskRigour rigour = dry ? DISKS_DRY : snapshot->force ? DISKS_FORCED : DISKS_SAME;
    stage->disks = disks_stage(&snapshot->file, machine, rigour, err);
    stage->memory =
        stage->disks ? memory_stage(&snapshot->file, machine, stage->disks, dry ? NULL : snapshot->path, err)
                     : NULL;
    return stage->memory && disks_ready(stage->disks, err);
}

static void stage_free(Stage *stage)
{
    memory_unstage(stage->memory);
    disks_unstage(stage->disks);
    for (unsigned n = 0; n < stage->parts.count; n++) {
        part_unstage(&stage->part[n]);
        free(stage->payload[n]);
    }
    parts_free(&stage->parts);
    free(stage);
}

/* ---- Into the machine ---------------------------------------------------------------------------------- */

static void apply_device(Stage *stage, unsigned n)
{
    Device *dev = stage->parts.part[n].device;
    if (!stage->payload[n])
        device_reset(dev);
    else
        part_apply(&stage->part[n], dev);
}

static void devices_loaded(Machine *machine)
{
    for (unsigned n = 0; n < machine->device_count; n++)
        device_loaded(machine->device[n]);
    for (unsigned n = 0; n < machine->device_count; n++)
        device_changed(machine->device[n]);
}

/* Time goes on from what was saved, before devices set their timers by it. */
static void apply(Stage *stage, Machine *machine)
{
    const Parts *parts = &stage->parts;
    uint64_t before = clock_now(machine->clock);
    for (unsigned n = 0; n < parts->count; n++)
        if (parts->part[n].cpu)
            part_apply(&stage->part[n], parts->part[n].cpu);
    views_apply_time(parts->views);
    clock_shift(machine->clock, (int64_t)(clock_now(machine->clock) - before));
    for (unsigned n = 0; n < parts->count; n++)
        if (parts->part[n].device)
            apply_device(stage, n);
    for (unsigned n = 0; n < machine->options.cpus; n++)
        cpu_loaded(machine->cpu[n]);
    machine_forget(machine);
    views_apply(parts->views);
    devices_loaded(machine);
}

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
    Stage *stage = calloc(1, sizeof *stage);
    if (!stage)
        abort();
    if (!dry)
        drain(machine);
    bus_await(machine->bus);
    bool ok = stage_all(stage, snapshot, machine, dry, err);
    if (ok && !dry) {
        ok = exchange(stage, machine, err);
        if (ok)
            apply(stage, machine);
    }
    stage_free(stage);
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
    Stage *stage = calloc(1, sizeof *stage);
    bool found = false, ok = true;
    char name[256];
    if (!stage)
        abort();
    parts_prepare(&stage->parts, &none);
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
    stage_free(stage);
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

static bool write_unit(const PageUnit *unit, ChunkWriter *writer, bool aligned, bool compress, Error *err)
{
    Buffer out = {0};
    if (aligned)
        return aligned_write(writer, unit, err);
    unit_encode(unit, compress, &out);
    bool ok = chunk_write(writer, CHUNK_PAGES, out.data, out.size, err);
    buffer_free(&out);
    return ok;
}

static bool convert_pages(const Snapshot *snapshot, unsigned n, const uint8_t *payload, ChunkWriter *writer,
                          bool compress, Error *err)
{
    unsigned memories = 0;
    PageUnit *unit = malloc(sizeof *unit);
    if (!unit)
        abort();
    for (unsigned k = 0; k < snapshot->file.count; k++)
        memories += is_type(&snapshot->file.chunk[k], CHUNK_MEMORY);
    bool ok = aligned_read(unit, &snapshot->file, n, payload, err) &&
              write_unit(unit, writer, !compress && unit->memory < memories, compress, err);
    free(unit);
    return ok;
}

/* DATA chunks were read, and are written, with the ones before. */
static bool convert_chunk(const Snapshot *snapshot, unsigned n, ChunkWriter *writer, bool compress,
                          Error *err)
{
    const Chunk *chunk = &snapshot->file.chunk[n];
    Buffer out = {0};
    bool ok;
    if (is_type(chunk, CHUNK_DATA))
        return true;
    uint8_t *payload = read_payload(snapshot, chunk, err);
    if (!payload)
        return false;
    if (is_type(chunk, CHUNK_PAGES))
        ok = convert_pages(snapshot, n, payload, writer, compress, err);
    else if (is_type(chunk, CHUNK_HEAD))
        ok = convert_head(payload, chunk->length, compress, &out, err) &&
             chunk_write(writer, chunk->type, out.data, out.size, err);
    else
        ok = chunk_write(writer, chunk->type, payload, chunk->length, err);
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
        ok = convert_chunk(snapshot, n, &writer, compress, err);
    ok = ok && chunk_finish(&writer, err);
    if (!ok)
        about(snapshot, err);
    ok = ok && temporary_keep(&file, err);
    temporary_free(&file);
    return ok;
}
