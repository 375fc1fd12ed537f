/* The medium of an overlay. Block n of the disk has its place in the file at data + n * OVERLAY_BLOCK, a hole
 * until it is written; the table says which are there. */
#include "images/overlay.h"

#include <stdlib.h>
#include <string.h>

#include "images/overlay_state.h"

Overlay *overlay_of(const DiskImage *image)
{
    return image->medium;
}

HostFile *overlay_file(const DiskImage *image)
{
    return &overlay_of(image)->file;
}

uint64_t overlay_place(const Overlay *o, uint64_t block)
{
    return o->header.data + block * OVERLAY_BLOCK;
}

/* ---- Reading ----------------------------------------------------------------------------------------- */

/* What is below may be shorter. */
static uint64_t below(const Overlay *o, uint64_t offset, uint64_t length)
{
    uint64_t size = o->base.info.size, rest = size > offset ? size - offset : 0;
    return length < rest ? length : rest;
}

static DiskResult read_base(Overlay *o, uint64_t offset, uint8_t *data, uint64_t length, Error *err)
{
    uint64_t there = below(o, offset, length);
    memset(data + there, 0, length - there);
    return there ? o->base.ops->read(o->base.medium, offset, data, there, err) : DISK_OK;
}

static bool read_base_now(Overlay *o, uint64_t offset, uint8_t *data, uint64_t length)
{
    uint64_t there = below(o, offset, length);
    memset(data + there, 0, length - there);
    return !there || (o->base.ops->read_now && o->base.ops->read_now(o->base.medium, offset, data, there));
}

/* How much of the range from offset on is in the same place. */
static uint64_t run(const Overlay *o, uint64_t offset, uint64_t length, bool *here)
{
    uint64_t block = offset / OVERLAY_BLOCK, end = overlay_blocks(offset + length);
    *here = table_has(&o->table, block);
    uint64_t until = table_run(&o->table, block, end) * OVERLAY_BLOCK - offset;
    return until < length ? until : length;
}

static DiskResult overlay_read(void *medium, uint64_t offset, void *data, uint64_t length, Error *err)
{
    Overlay *o = medium;
    uint8_t *to = data;
    DiskResult result = DISK_OK;
    for (uint64_t part; length && !result; offset += part, to += part, length -= part) {
        bool here;
        part = run(o, offset, length, &here);
        result = here ? host_file_read(&o->file, o->header.data + offset, to, part, err)
                      : read_base(o, offset, to, part, err);
    }
    return result;
}

static bool overlay_read_now(void *medium, uint64_t offset, void *data, uint64_t length)
{
    Overlay *o = medium;
    uint8_t *to = data;
    bool there = true;
    for (uint64_t part; length && there; offset += part, to += part, length -= part) {
        bool here;
        part = run(o, offset, length, &here);
        there = here ? host_file_read_now(&o->file, o->header.data + offset, to, part)
                     : read_base_now(o, offset, to, part);
    }
    return there;
}

/* The first change waits until the header is on the medium; parts of blocks may come from below; what a
 * snapshot still needs is copied first. */
static bool overlay_may_write_now(void *medium, uint64_t offset, uint64_t length)
{
    Overlay *o = medium;
    bool whole = offset % OVERLAY_BLOCK == 0 && length % OVERLAY_BLOCK == 0, here;
    if ((!o->in_use && !o->temporary) || o->point) /* what it overwrites must be kept first */
        return false;
    return whole || (run(o, offset, length, &here) == length && here &&
                     host_file_may_write_now(&o->file, o->header.data + offset, length));
}

/* ---- Durability -------------------------------------------------------------------------------------- */

DiskResult overlay_write_header(Overlay *o, Error *err)
{
    uint8_t page[OVERLAY_PAGE];
    o->header.sequence++;
    overlay_header_write(&o->header, page);
    uint64_t place = o->header.sequence % OVERLAY_HEADERS * OVERLAY_PAGE;
    DiskResult result = host_file_write(&o->file, place, page, sizeof page, err);
    result = result ? result : host_file_sync(&o->file, err);
    o->header.sequence -= result != DISK_OK; /* the same copy again, not the one that holds */
    return result;
}

DiskResult overlay_use(Overlay *o, Error *err)
{
    if (o->in_use || o->temporary)
        return DISK_OK;
    uint32_t flags = o->header.flags;
    o->header.flags &= ~(uint32_t)OVERLAY_CLOSED;
    DiskResult result = overlay_write_header(o, err);
    o->in_use = !result;
    if (result)
        o->header.flags = flags;
    return result;
}

/* Data before the table that names them. A table that could not be written is written again next time, to the
 * same places, so that what holds is never touched. */
DiskResult overlay_flush(Overlay *o, Error *err)
{
    if (o->temporary || !o->in_use)
        return DISK_OK;
    DiskResult result = host_file_sync(&o->file, err);
    if (result || !o->table.dirty)
        return result;
    result = table_save(&o->table, &o->file, err);
    result = result ? result : host_file_sync(&o->file, err);
    if (!result)
        table_saved(&o->table);
    return result;
}

/* The table's other copy, which does not hold before the next flush if the host ends. */
static DiskResult overlay_settle(void *medium, Error *err)
{
    Overlay *o = medium;
    return o->temporary || !o->table.dirty ? DISK_OK : table_save(&o->table, &o->file, err);
}

static DiskResult medium_flush(void *medium, Error *err)
{
    return overlay_flush(medium, err);
}

/* ---- Writing ----------------------------------------------------------------------------------------- */

static uint64_t block_end(const Overlay *o, uint64_t block)
{
    uint64_t end = (block + 1) * OVERLAY_BLOCK;
    return end < o->header.size ? end : o->header.size;
}

/* A block that is not here, of which a part is written: the rest comes from below. */
static DiskResult write_part(Overlay *o, uint64_t offset, const uint8_t *data, uint64_t length, Error *err)
{
    uint64_t block = offset / OVERLAY_BLOCK, start = block * OVERLAY_BLOCK,
             size = block_end(o, block) - start;
    DiskResult result = read_base(o, start, o->block, size, err);
    if (result)
        return result;
    memcpy(o->block + (offset - start), data, length);
    return host_file_write(&o->file, overlay_place(o, block), o->block, size, err);
}

/* Whole blocks, or parts of those that are here, go straight there. */
static uint64_t next_write(const Overlay *o, uint64_t offset, uint64_t length, bool *part)
{
    uint64_t block = offset / OVERLAY_BLOCK, end = block_end(o, block),
             last = (offset + length) / OVERLAY_BLOCK;
    uint64_t first_length = end - offset < length ? end - offset : length;
    bool whole = offset % OVERLAY_BLOCK == 0 && offset + length >= end;
    *part = !whole && !table_has(&o->table, block);
    if (*part || last <= block)
        return first_length;
    bool to_the_end = offset + length == o->header.size || table_has(&o->table, last);
    return to_the_end ? length : last * OVERLAY_BLOCK - offset;
}

static DiskResult overlay_write(void *medium, uint64_t offset, const void *data, uint64_t length, Error *err)
{
    Overlay *o = medium;
    const uint8_t *from = data;
    DiskResult result = overlay_use(o, err);
    overlay_keep(o, offset, length);
    for (uint64_t size; length && !result; offset += size, from += size, length -= size) {
        bool part;
        size = next_write(o, offset, length, &part);
        result = part ? write_part(o, offset, from, size, err)
                      : host_file_write(&o->file, o->header.data + offset, from, size, err);
        if (!result)
            table_set(&o->table, offset / OVERLAY_BLOCK, overlay_blocks(offset + size), true);
    }
    return result;
}

static DiskResult write_zeros(Overlay *o, uint64_t offset, uint64_t length, Error *err)
{
    static const uint8_t zeros[OVERLAY_BLOCK];
    return length ? overlay_write(o, offset, zeros, length, err) : DISK_OK;
}

/* The whole blocks of a range become holes that are here; false: there are none. */
static bool whole_blocks(const Overlay *o, uint64_t offset, uint64_t length, uint64_t *first, uint64_t *end)
{
    *first = overlay_blocks(offset);
    *end = offset + length == o->header.size ? o->table.blocks : (offset + length) / OVERLAY_BLOCK;
    return *first < *end;
}

static DiskResult overlay_zero(void *medium, uint64_t offset, uint64_t length, Error *err)
{
    Overlay *o = medium;
    uint64_t first, end, stop = offset + length;
    if (!whole_blocks(o, offset, length, &first, &end)) {
        uint64_t border = first * OVERLAY_BLOCK < stop ? first * OVERLAY_BLOCK : stop;
        DiskResult result = write_zeros(o, offset, border - offset, err);
        return result ? result : write_zeros(o, border, stop - border, err);
    }
    uint64_t start = first * OVERLAY_BLOCK, last = end * OVERLAY_BLOCK < stop ? end * OVERLAY_BLOCK : stop;
    DiskResult result = overlay_use(o, err);
    overlay_keep(o, offset, length);
    result = result ? result : write_zeros(o, offset, start - offset, err);
    result = result ? result
                    : host_file_zero(&o->file, o->header.data + start, (end - first) * OVERLAY_BLOCK, err);
    if (result)
        return result;
    table_set(&o->table, first, end, true);
    return write_zeros(o, last, stop - last, err);
}

/* Where the host has no holes, there is nothing to gain. */
static DiskResult overlay_discard(void *medium, uint64_t offset, uint64_t length, Error *err)
{
    Overlay *o = medium;
    uint64_t first, end;
    if (!whole_blocks(o, offset, length, &first, &end))
        return DISK_OK;
    DiskResult result = overlay_use(o, err);
    overlay_keep(o, offset, length);
    result = result
                 ? result
                 : host_file_discard(&o->file, overlay_place(o, first), (end - first) * OVERLAY_BLOCK, err);
    if (!result && !o->file.cannot_punch)
        table_set(&o->table, first, end, true);
    return result;
}

/* ---- Closing ----------------------------------------------------------------------------------------- */

/* An orderly end keeps everything. */
static void close_file(Overlay *o)
{
    if (!o->in_use || overlay_flush(o, NULL))
        return;
    o->header.flags |= OVERLAY_CLOSED;
    o->header.table_check = table_check(&o->table);
    overlay_write_header(o, NULL);
}

void overlay_close(void *medium)
{
    Overlay *o = medium;
    overlay_point_free(o);
    if (!o->temporary && o->file.fd >= 0)
        close_file(o);
    image_close(&o->base);
    host_file_close(&o->file);
    table_free(&o->table);
    free(o->base_path);
    free(o);
}

const MediumOps overlay_ops = {.read = overlay_read,
                               .write = overlay_write,
                               .flush = medium_flush,
                               .settle = overlay_settle,
                               .discard = overlay_discard,
                               .zero = overlay_zero,
                               .read_now = overlay_read_now,
                               .may_write_now = overlay_may_write_now,
                               .close = overlay_close,
                               .point = &overlay_point_ops};

void overlay_attach(DiskImage *image, Overlay *o)
{
    image->kind = IMAGE_OVERLAY;
    image->ops = &overlay_ops;
    image->medium = o;
    image->info = (MediumInfo){.size = o->header.size,
                               .read_only = !o->file.writable,
                               .name = o->temporary ? o->base.info.name : o->file.path};
}
