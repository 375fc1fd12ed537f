/* Saving: the state that is not memory is encoded at once, memory and disks are captured (capture.h,
 * disk_capture.h) and written by a thread into a file that takes its name at the end (new_file.h). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/new_file.h"
#include "snapshot/base_record.h"
#include "snapshot/capture.h"
#include "snapshot/delta.h"
#include "snapshot/disk_capture.h"
#include "snapshot/head.h"
#include "snapshot/identity.h"
#include "snapshot/open.h"
#include "snapshot/page_writer.h"

struct SnapshotSave {
    Machine *machine;
    NewFile file;
    bool compress;
    const char *base_path; /* until the save has begun */
    uint64_t identity[2];
    Buffer *part; /* payloads of chunks, [parts] */
    unsigned parts;
    Buffer base; /* payload of the chunk; empty: none */
    uint8_t *(*png)(const void *picture, size_t *size);
    const void *picture;
    Delta *delta; /* NULL: everything is saved */
    Capture *capture;
    unsigned memories;
    DiskCapture *disks;
    uint64_t all, passed; /* bytes of memory and disks; of those that the thread has ended with */
    struct Piece {
        uint64_t from, to;
    } piece; /* of memory that has data, where the thread is */
    PageProgress progress;
    pthread_t thread;
    bool has_thread, ok;
    Error error;
    atomic_bool ended;
    void (*tell)(void *opaque);
    void *opaque;
};

/* ---- The thread ---------------------------------------------------------------------------------------- */

/* What was changed may hold nothing now, which the file says, then. */
static MediumStep next_changed(SnapshotSave *save, unsigned memory, uint64_t *page, uint8_t *copy, Error *err)
{
    struct Piece *piece = &save->piece;
    for (uint32_t at = (uint32_t)*page; delta_next(save->delta, memory, &at); at++) {
        uint64_t place = (uint64_t)at * MEMORY_PAGE;
        if (place >= piece->to) {
            piece->from = place;
            if (!capture_next_data(save->capture, memory, &piece->from, &piece->to))
                piece->from = piece->to = UINT64_MAX;
        }
        if (!capture_fetch(save->capture, memory, at, err))
            return STEP_FAILED;
        bool filled = place < piece->from || !capture_page(save->capture, memory, at, copy);
        *page = at;
        if (delta_differs(save->delta, memory, at, filled ? NULL : copy))
            return filled ? STEP_ZEROS : STEP_DATA;
    }
    return STEP_END;
}

/* The host is asked where data is once for each piece: it looks through the whole piece. */
static MediumStep next_of_memory(SnapshotSave *save, unsigned memory, uint64_t *page, uint8_t *copy,
                                 Error *err)
{
    struct Piece *piece = &save->piece;
    uint64_t at = *page * MEMORY_PAGE;
    if (!*page)
        piece->from = piece->to = 0;
    if (save->delta)
        return next_changed(save, memory, page, copy, err);
    for (;; at += MEMORY_PAGE) {
        if (at >= piece->to) {
            piece->from = at;
            if (!capture_next_data(save->capture, memory, &piece->from, &piece->to))
                return STEP_END;
            at = piece->from;
        }
        *page = at / MEMORY_PAGE;
        if (!capture_fetch(save->capture, memory, (uint32_t)*page, err))
            return STEP_FAILED;
        if (capture_page(save->capture, memory, (uint32_t)*page, copy))
            return STEP_DATA;
    }
}

/* However little of a disk is in the file, it is behind us at its end. */
static void pass(SnapshotSave *save, unsigned memory)
{
    MachineMemory passed;
    if (machine_memory(save->machine, memory, &passed))
        save->passed += passed.size;
    else
        save->passed += disk_capture_size(save->disks, memory - save->memories);
    atomic_store(&save->progress.done, save->passed);
}

static MediumStep next_page(void *opaque, unsigned memory, uint64_t *page, uint64_t *count, uint8_t *copy,
                            Error *err)
{
    SnapshotSave *save = opaque;
    MediumStep step = memory < save->memories
                          ? next_of_memory(save, memory, page, copy, err)
                          : disk_capture_next(save->disks, memory - save->memories, page, count, copy, err);
    if (step == STEP_END)
        pass(save, memory);
    return step;
}

static bool write_picture(SnapshotSave *save, ChunkWriter *writer, Error *err)
{
    size_t size = 0;
    uint8_t *png = save->png ? save->png(save->picture, &size) : NULL;
    bool ok = !png || chunk_write(writer, CHUNK_PNG, png, size, err);
    free(png);
    return ok;
}

static bool write_parts(SnapshotSave *save, ChunkWriter *writer, Error *err)
{
    for (unsigned n = 0; n < save->parts; n++) {
        if (!chunk_write(writer, n ? CHUNK_PART : CHUNK_HEAD, save->part[n].data, save->part[n].size, err))
            return false;
        if (n == 0 && save->base.size &&
            !chunk_write(writer, CHUNK_BASE, save->base.data, save->base.size, err))
            return false;
        if (n == 0 && !write_picture(save, writer, err))
            return false;
    }
    return true;
}

static bool write_memory(SnapshotSave *save, ChunkWriter *writer, Error *err)
{
    unsigned disks = disk_capture_count(save->disks);
    PageSource source = {next_page, save, save->memories + disks, save->memories};
    MachineMemory memory;
    Buffer payload = {0};
    bool ok = true;
    for (unsigned n = 0; ok && machine_memory(save->machine, n, &memory); n++) {
        payload.size = 0;
        memory_encode(&memory, &payload);
        ok = chunk_write(writer, CHUNK_MEMORY, payload.data, payload.size, err);
    }
    for (unsigned n = 0; ok && n < disks; n++) {
        payload.size = 0;
        disk_capture_encode(save->disks, n, &payload);
        ok = chunk_write(writer, CHUNK_DISK, payload.data, payload.size, err);
    }
    buffer_free(&payload);
    return ok && pages_write(writer, &source, save->compress, &save->progress, err);
}

static void *write_file(void *opaque)
{
    SnapshotSave *save = opaque;
    ChunkWriter writer;
    Error *err = &save->error;
    save->ok = (!save->delta || delta_prepare(save->delta, err)) &&
               chunk_begin(&writer, CHUNKS_SNAPSHOT, save->file.fd, err) && write_parts(save, &writer, err) &&
               write_memory(save, &writer, err) && chunk_finish(&writer, err) &&
               new_file_keep(&save->file, err);
    atomic_store(&save->ended, true);
    if (save->tell)
        save->tell(save->opaque);
    return NULL;
}

/* ---- The machine's thread ------------------------------------------------------------------------------ */

static void encode_parts(SnapshotSave *save, const SnapshotWish *wish)
{
    Parts parts;
    Head head;
    parts_take(&parts, save->machine);
    save->parts = parts.count + 1;
    save->part = calloc(save->parts, sizeof *save->part);
    if (!save->part)
        abort();
    for (unsigned n = 0; n < parts.count; n++)
        part_encode(&parts.part[n], &save->part[n + 1]);
    parts_free(&parts);
    identity_of(save->machine, save->part + 1, save->parts - 1, save->identity);
    head_fill(&head, save->machine, wish, save->identity);
    head_encode(&head, &save->part[0]);
    head_free(&head);
}

static void free_save(SnapshotSave *save)
{
    capture_end(save->capture);
    disk_capture_end(save->disks);
    for (unsigned n = 0; n < save->parts; n++)
        buffer_free(&save->part[n]);
    free(save->part);
    delta_free(save->delta);
    buffer_free(&save->base);
    new_file_drop(&save->file);
    free(save);
}

/* The base and all below it, and what the file says of it. False with err set. */
static bool open_base(SnapshotSave *save, const char *path, Snapshot **base, Error *err)
{
    BaseRecord record;
    *base = snapshot_open(save->base_path, err);
    if (!*base || !snapshot_open_chain(*base, err) || !snapshot_may_write(*base, path, err))
        return false;
    unsigned depth = 1;
    for (const Snapshot *at = *base; at; at = snapshot_base(at))
        depth++;
    if (depth > CHAIN_MOST)
        return error_set(
            err,
            "cannot save '%s': it would have %u files below it; `armature snapshot merge` makes one "
            "of them",
            path, depth - 1);
    memcpy(record.identity, snapshot_info(*base)->identity, sizeof record.identity);
    if (!base_relative_path(path, save->base_path, record.file, sizeof record.file, err))
        return false;
    base_record_encode(&record, &save->base);
    return true;
}

/* Memory and disks, as they are from now on. False with err set. */
static bool capture(SnapshotSave *save, Snapshot *base, SnapshotMarks *marks, Error *err)
{
    PageSets none;
    Error why;
    save->disks =
        disk_capture_begin(save->machine, base ? snapshot_info(base)->identity : NULL, save->identity, &why);
    if (!save->disks) {
        snapshot_close(base);
        return error_set(err, "cannot save '%s': %s", save->file.path, why.text);
    }
    save->capture = capture_begin(save->machine);
    if (base)
        save->delta = delta_new(save->machine, base, marks, save->identity);
    else if (marks)
        marks_take(marks, NULL, save->identity, &none);
    return true;
}

static void count_bytes(SnapshotSave *save)
{
    MachineMemory memory;
    for (; machine_memory(save->machine, save->memories, &memory); save->memories++)
        save->all += memory.size;
    for (unsigned n = 0; n < disk_capture_count(save->disks); n++)
        save->all += disk_capture_size(save->disks, n);
}

SnapshotSave *snapshot_save_begin(Machine *machine, const char *path, const SnapshotWish *wish, Error *err)
{
    SnapshotSave *save = calloc(1, sizeof *save);
    Snapshot *base = NULL;
    if (!save)
        abort();
    save->machine = machine;
    save->compress = wish->compress;
    save->base_path = wish->base;
    save->png = wish->png;
    save->picture = wish->picture;
    save->tell = wish->ended;
    save->opaque = wish->opaque;
    bool made = new_file_open(&save->file, path, true, &save->error) ||
                error_set(err, "cannot save '%s': %s", path, save->error.text);
    if (!made || (wish->base && !open_base(save, path, &base, err))) {
        snapshot_close(base);
        free_save(save);
        return NULL;
    }
    /* A request that a disk has carried out since then, and its device does not know of, is one that the
     * loaded machine submits again. */
    arrivals_deliver(machine->arrivals);
    encode_parts(save, wish);
    if (!capture(save, base, wish->marks, err)) {
        free_save(save);
        return NULL;
    }
    count_bytes(save);
    save->has_thread = !pthread_create(&save->thread, NULL, write_file, save);
    if (!save->has_thread)
        write_file(save);
    return save;
}

bool snapshot_save_progress(const SnapshotSave *save, uint64_t *done, uint64_t *all)
{
    *done = atomic_load(&((SnapshotSave *)save)->progress.done);
    *all = save->all;
    return atomic_load(&((SnapshotSave *)save)->ended);
}

void snapshot_save_cancel(SnapshotSave *save)
{
    atomic_store(&save->progress.cancel, true);
}

bool snapshot_save_end(SnapshotSave *save, Error *err)
{
    if (save->has_thread)
        pthread_join(save->thread, NULL);
    bool ok = save->ok;
    if (!ok)
        error_set(err, "cannot save '%s': %s", save->file.path, save->error.text);
    free_save(save);
    return ok;
}

bool snapshot_save(Machine *machine, const char *path, const SnapshotWish *wish, Error *err)
{
    SnapshotWish now = *wish;
    now.ended = NULL;
    SnapshotSave *save = snapshot_save_begin(machine, path, &now, err);
    return save && snapshot_save_end(save, err);
}
