/* Files of snapshots, one by one and in chains. */
#define _GNU_SOURCE
#include "snapshot/open.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "snapshot/base_record.h"
#include "snapshot/disk_record.h"
#include "snapshot/hash64.h"
#include "snapshot/head.h"

/* A head is small; a note is a line. */
enum { HEAD_MOST = 1 << 16 };

bool snapshot_about(const Snapshot *snapshot, Error *err)
{
    Error what = *err;
    return error_set(err, "cannot load '%s': %s", snapshot->path, what.text);
}

uint8_t *snapshot_payload(const Snapshot *snapshot, const Chunk *chunk, Error *err)
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

static bool read_base(Snapshot *snapshot, const Chunk *chunk, Error *err)
{
    BaseRecord base;
    SnapshotInfo *info = &snapshot->info;
    if (info->base[0])
        return error_set(err, "it has two bases");
    uint8_t payload[BASE_RECORD_MOST];
    bool ok = chunk->length <= sizeof payload || error_set(err, "its base's description is too long");
    if (!ok || !chunk_read(&snapshot->file, chunk, payload, err) ||
        !base_record_decode(&base, payload, chunk->length, err))
        return false;
    memcpy(info->base_identity, base.identity, sizeof info->base_identity);
    memcpy(info->base, base.file, sizeof info->base);
    return true;
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
    if (!snapshot->file.count || !chunk_is(chunk, CHUNK_HEAD) || chunk->length > sizeof payload)
        return error_set(err, "it does not say what it is");
    if (!chunk_read(&snapshot->file, chunk, payload, err))
        return false;
    bool ok = head_decode(&head, payload, chunk->length, err);
    SnapshotInfo *info = &snapshot->info;
    copy_text(info->program, sizeof info->program, &head.program);
    copy_text(info->note, sizeof info->note, &head.note);
    /* A file of the first version is known by what is in it. */
    const uint64_t sum = snapshot->file.sum, others = hash64(&sum, sizeof sum, snapshot->file.size);
    info->identity[0] = snapshot->file.version == SNAPSHOT_FIRST ? sum : head.identity[0];
    info->identity[1] = snapshot->file.version == SNAPSHOT_FIRST ? others : head.identity[1];
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
        memories += chunk_is(&snapshot->file.chunk[n], CHUNK_MEMORY);
    for (unsigned n = 1; n < snapshot->file.count; n++) {
        const Chunk *chunk = &snapshot->file.chunk[n];
        if (chunk_is(chunk, CHUNK_PART))
            snapshot->info.parts++;
        else if (chunk_is(chunk, CHUNK_DISK))
            snapshot->info.disks++;
        else if (chunk_is(chunk, CHUNK_PAGES))
            *bytes_of_pages(snapshot, chunk, memories) += chunk->length;
        else if (chunk_is(chunk, CHUNK_DATA))
            snapshot->info.memory_bytes += chunk->length;
        else if (chunk_is(chunk, CHUNK_PNG) && !snapshot->info.png_size)
            snapshot->info.png_size = chunk->length;
        else if (chunk_is(chunk, CHUNK_BASE) && snapshot->file.version != SNAPSHOT_FIRST) {
            if (!read_base(snapshot, chunk, err))
                return false;
        } else if (!chunk_is(chunk, CHUNK_MEMORY))
            return error_set(err, "this version of armature does not know its chunk %u", n);
    }
    return true;
}

/* With err set to what is wrong, without the file's name. */
static Snapshot *open_one(const char *path, const char *name, Error *err)
{
    struct stat status;
    Snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot || !(snapshot->path = strdup(name)))
        abort();
    if (chunk_open(&snapshot->file, CHUNKS_SNAPSHOT, path, err) && read_head(snapshot, err) &&
        check_types(snapshot, err) && !fstat(snapshot->file.fd, &status)) {
        snapshot->device = status.st_dev;
        snapshot->inode = status.st_ino;
        return snapshot;
    }
    snapshot_close(snapshot);
    return NULL;
}

Snapshot *snapshot_open(const char *path, Error *err)
{
    Error why;
    Snapshot *snapshot = open_one(path, path, &why);
    if (!snapshot)
        error_set(err, "cannot load '%s': %s", path, why.text);
    return snapshot;
}

Snapshot *snapshot_open_received(int fd, const char *name, Error *err)
{
    Error why;
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    Snapshot *snapshot = open_one(path, name, &why);
    if (snapshot && snapshot->info.base[0]) {
        error_set(&why, "it has a base, which did not come with it");
        snapshot_close(snapshot);
        snapshot = NULL;
    }
    if (!snapshot)
        error_set(err, "cannot load '%s': %s", name, why.text);
    return snapshot;
}

void snapshot_close(Snapshot *snapshot)
{
    while (snapshot) {
        Snapshot *base = snapshot->base;
        disks_unstage(snapshot->disks);
        chunk_close(&snapshot->file);
        free(snapshot->path);
        free(snapshot);
        snapshot = base;
    }
}

const char *snapshot_path(const Snapshot *snapshot)
{
    return snapshot->path;
}

/* ---- Chains -------------------------------------------------------------------------------------------- */

char *snapshot_base_path(const Snapshot *snapshot)
{
    const char *base = snapshot->info.base, *slash = strrchr(snapshot->path, '/');
    char *path;
    if (!*base)
        return NULL;
    int folder = *base == '/' || !slash ? 0 : (int)(slash - snapshot->path) + 1;
    if (asprintf(&path, "%.*s%s", folder, snapshot->path, base) < 0)
        abort();
    return path;
}

static bool is_in_chain(const Snapshot *first, const Snapshot *other)
{
    for (; first; first = first->base)
        if (first->device == other->device && first->inode == other->inode)
            return true;
    return false;
}

/* The next file of the chain that begins with first. */
static bool open_base(Snapshot *first, Snapshot *snapshot, unsigned depth, Error *err)
{
    Error why;
    char *path = snapshot_base_path(snapshot);
    Snapshot *base = open_one(path, path, &why);
    bool ok = false;
    if (!base)
        error_set(err, "its base '%s' is not good: %s", path, why.text);
    else if (is_in_chain(first, base))
        error_set(err, "'%s' is its own base", path);
    else if (memcmp(base->info.identity, snapshot->info.base_identity, sizeof base->info.identity) != 0)
        error_set(err, "its base '%s' is another snapshot than the one it was made from", path);
    else if (depth == CHAIN_MOST)
        error_set(err, "there are more than %d files below it", CHAIN_MOST - 1);
    else
        ok = true;
    free(path);
    if (ok)
        snapshot->base = base;
    else
        snapshot_close(base);
    return ok;
}

bool snapshot_open_chain(Snapshot *snapshot, Error *err)
{
    Error why;
    unsigned depth = 1;
    for (Snapshot *at = snapshot; at->info.base[0]; at = at->base, depth++) {
        if (at->base || open_base(snapshot, at, depth, &why))
            continue;
        if (at == snapshot)
            error_set(err, "cannot load '%s': %s", snapshot->path, why.text);
        else
            error_set(err, "cannot load '%s', which needs '%s': %s", snapshot->path, at->path, why.text);
        return false;
    }
    return true;
}

const Snapshot *snapshot_base(const Snapshot *snapshot)
{
    return snapshot->base;
}

bool snapshot_may_write(const Snapshot *chain, const char *path, Error *err)
{
    struct stat status;
    if (stat(path, &status))
        return true;
    for (; chain; chain = chain->base)
        if (chain->device == status.st_dev && chain->inode == status.st_ino)
            return error_set(err, "cannot save '%s': what is to be saved needs the file that is there", path);
    return true;
}

void snapshot_layers(const Snapshot *snapshot, Layers *layers)
{
    layers->count = 0;
    for (const Snapshot *at = snapshot; at; at = at->base)
        layers->count++;
    unsigned n = layers->count;
    for (const Snapshot *at = snapshot; at; at = at->base) {
        layers->file[--n] = &at->file;
        layers->path[n] = at->path;
    }
}

/* ---- What a file says ---------------------------------------------------------------------------------- */

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
        if (chunk_is(chunk, CHUNK_DISK) && disks++ == n)
            break;
    }
    bool ok = chunk->length <= sizeof payload || error_set(err, "a disk's description is too long");
    if (!ok || !chunk_read(&snapshot->file, chunk, payload, err) ||
        !disk_record_decode(&record, payload, chunk->length, err))
        return snapshot_about(snapshot, err);
    *disk = (SnapshotDisk){.slot = disk_slot_name(record.slot),
                           .keeps_changes = record.medium.keeps_changes,
                           .bytes = n < DISK_SLOTS ? snapshot->disk_bytes[n] : 0};
    snprintf(disk->file, sizeof disk->file, "%s", record.medium.file);
    return true;
}
