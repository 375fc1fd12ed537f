/* Moving an overlay's changes to what is below, and forgetting them. */
#include <stdlib.h>
#include <string.h>

#include "images/overlay_state.h"
#include "images/raw.h"

enum { CHUNK = 1 << 20, PIECE = 1 << 14 }; /* bytes at once; blocks between two reports */

/* Stands in for what is below while that cannot be opened. */
static DiskResult no_read(void *medium, uint64_t offset, void *data, uint64_t length, Error *err)
{
    (void)medium, (void)offset, (void)data, (void)length;
    error_set(err, "what the overlay lies upon could not be opened again");
    return DISK_IO_ERROR;
}

static void no_close(void *medium)
{
    (void)medium;
}

static const MediumOps nothing = {.read = no_read, .close = no_close};

/* What is below cannot be opened for writing while we have it for reading. */
static bool reopen_base(Overlay *o, bool read_only, Error *err)
{
    ImageOptions options = {
        .path = o->base_path, .read_only = read_only, .raw = o->header.flags & OVERLAY_BASE_RAW};
    uint64_t size = o->base.info.size;
    image_close(&o->base);
    if (!image_open_below(&o->base, &options, o->depth + 1, err)) {
        o->base = (DiskImage){
            .ops = &nothing, .medium = o, .info = {.size = size, .name = o->base_path}
        };
        return false;
    }
    return read_only || !o->base.info.read_only || error_set(err, "%s cannot be written", o->base.info.name);
}

static DiskResult copy(Overlay *o, uint64_t offset, uint64_t length, uint8_t *buffer, Error *err)
{
    DiskResult result = DISK_OK;
    for (uint64_t part; length && !result; offset += part, length -= part) {
        part = length < CHUNK ? length : CHUNK;
        result = host_file_read(&o->file, o->header.data + offset, buffer, part, err);
        result = result ? result : o->base.ops->write(o->base.medium, offset, buffer, part, err);
    }
    return result;
}

/* Holes of the overlay are zeros, and become holes below if that has some. */
static DiskResult zero(Overlay *o, uint64_t offset, uint64_t length, uint8_t *buffer, Error *err)
{
    if (o->base.ops->zero)
        return length ? o->base.ops->zero(o->base.medium, offset, length, err) : DISK_OK;
    memset(buffer, 0, CHUNK);
    DiskResult result = DISK_OK;
    for (uint64_t part; length && !result; offset += part, length -= part) {
        part = length < CHUNK ? length : CHUNK;
        result = o->base.ops->write(o->base.medium, offset, buffer, part, err);
    }
    return result;
}

/* A run of blocks that are here. */
static DiskResult commit_run(Overlay *o, uint64_t offset, uint64_t end, uint8_t *buffer, Error *err)
{
    uint64_t base = o->header.data;
    DiskResult result = DISK_OK;
    while (offset < end && !result) {
        uint64_t data = host_file_next_data(&o->file, base + offset, base + end) - base;
        result = zero(o, offset, data - offset, buffer, err);
        uint64_t hole = host_file_next_hole(&o->file, base + data, base + end) - base;
        result = result ? result : copy(o, data, hole - data, buffer, err);
        offset = hole;
    }
    return result;
}

static bool commit_all(Overlay *o, const ImageProgress *progress, Error *err)
{
    uint8_t *buffer = malloc(CHUNK);
    uint64_t total = o->table.present * OVERLAY_BLOCK, done = 0, size = o->header.size;
    DiskResult result = DISK_OK;
    if (!buffer)
        abort();
    for (uint64_t block = 0, end; block < o->table.blocks && !result; block = end) {
        end = table_run(&o->table, block, o->table.blocks);
        if (!table_has(&o->table, block))
            continue;
        end = end - block > PIECE ? block + PIECE : end;
        uint64_t stop = end * OVERLAY_BLOCK < size ? end * OVERLAY_BLOCK : size;
        result = commit_run(o, block * OVERLAY_BLOCK, stop, buffer, err);
        done += (end - block) * OVERLAY_BLOCK;
        if (progress && progress->report)
            progress->report(progress->opaque, done, total);
    }
    free(buffer);
    return !result && !o->base.ops->flush(o->base.medium, err);
}

/* The table first: a block that is not here any more must not look as if it were, and full of zeros. */
static bool forget(Overlay *o, Error *err)
{
    overlay_keep(o, 0, o->header.size);
    overlay_forget_marks(o);
    table_set(&o->table, 0, o->table.blocks, false);
    return !overlay_flush(o, err) &&
           !host_file_discard(&o->file, o->header.data, o->table.blocks * OVERLAY_BLOCK, err);
}

static bool set_committing(Overlay *o, bool committing, Error *err)
{
    o->header.flags &= ~(uint32_t)OVERLAY_COMMITTING;
    o->header.flags |= committing ? OVERLAY_COMMITTING : 0;
    return o->temporary || !overlay_write_header(o, err);
}

/* A file below grows with the disk. */
static bool make_room(Overlay *o, Error *err)
{
    uint64_t size = o->header.size;
    if (size <= o->base.info.size)
        return true;
    if (o->base.kind == IMAGE_FILE && host_file_resize(raw_file(&o->base), size, err)) {
        o->base.info.size = size;
        return true;
    }
    return o->base.kind != IMAGE_FILE &&
           error_set(err, "%s has %llu bytes and the disk %llu", o->base.info.name,
                     (unsigned long long)o->base.info.size, (unsigned long long)size);
}

/* Until the table is empty the disk reads what is here wherever it is here, so that it does not matter how
 * far the copying came. The header says meanwhile that what is below is neither the old nor the new. */
static bool commit(Overlay *o, const ImageProgress *progress, Error *err)
{
    if (overlay_use(o, err) || overlay_flush(o, err))
        return false;
    o->commits++;
    return reopen_base(o, false, err) && set_committing(o, true, err) && make_room(o, err) &&
           commit_all(o, progress, err) && forget(o, err);
}

bool image_commit(DiskImage *image, const ImageProgress *progress, Error *err)
{
    Error why;
    if (image->kind != IMAGE_OVERLAY)
        return error_set(err, "%s is no overlay: there is nothing to commit", image->info.name);
    Overlay *o = overlay_of(image);
    if (!o->file.writable)
        return error_set(err, "%s is read-only here", image->info.name);
    bool ok = commit(o, progress, err), opened = reopen_base(o, true, ok ? err : &why);
    /* Closing may have changed it once more. */
    return ok && opened && overlay_identify(&o->base, &o->header.base, err) && set_committing(o, false, err);
}

bool image_forget_changes(DiskImage *image, Error *err)
{
    if (image->kind != IMAGE_OVERLAY)
        return error_set(err, "%s is no overlay: there is nothing to forget", image->info.name);
    Overlay *o = overlay_of(image);
    if (!o->file.writable)
        return error_set(err, "%s is read-only here", image->info.name);
    if (o->header.flags & OVERLAY_COMMITTING)
        return error_set(err,
                         "a commit was interrupted, and what is below is incomplete without %s; commit again",
                         image->info.name);
    return !overlay_use(o, err) && forget(o, err);
}

bool image_overlay(const DiskImage *image, OverlayInfo *info)
{
    if (image->kind != IMAGE_OVERLAY)
        return false;
    const Overlay *o = overlay_of(image);
    *info = (OverlayInfo){.path = o->temporary ? NULL : o->file.path,
                          .base = o->base_path,
                          .changed = o->table.present * OVERLAY_BLOCK,
                          .committing = o->header.flags & OVERLAY_COMMITTING,
                          .closed = o->was_closed,
                          .torn = o->torn};
    return true;
}
