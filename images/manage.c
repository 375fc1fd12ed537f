#define _GNU_SOURCE
#include "images/manage.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "images/host_file.h"
#include "images/overlay_state.h"
#include "images/raw.h"
#include "machine/file_lock.h"

uint64_t image_allocated(const DiskImage *image)
{
    if (image->kind == IMAGE_NBD)
        return UINT64_MAX;
    return host_file_allocated(image->kind == IMAGE_OVERLAY ? overlay_file(image) : raw_file(image));
}

bool image_holder(const char *path, char *who, size_t size)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool held = fd >= 0 && !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
    if (held)
        file_lock_holder(fd, who, size);
    if (fd >= 0)
        close(fd);
    return held;
}

bool image_create_raw(const char *path, uint64_t size, Error *err)
{
    HostFile file;
    if (!size)
        return error_set(err, "%s: a disk has at least one byte", path);
    if (!host_file_open(&file, path, HOST_CREATE, err))
        return false;
    bool ok = host_file_resize(&file, size, err) && !host_file_sync(&file, err);
    host_file_close(&file);
    if (!ok)
        unlink(path);
    return ok;
}

bool image_create_overlay(const char *path, const char *base, uint64_t size, Error *err)
{
    DiskImage below;
    if (!image_open_below(&below, &(ImageOptions){.path = base, .read_only = true}, 1, err))
        return false;
    return overlay_create(path, &(OverlayOptions){.base = &below, .base_path = base}, size, err);
}

/* ---- Another size ------------------------------------------------------------------------------------ */

/* The file is longer before the header says so, and shorter after. What lies behind the end has left the
 * table before, so that it does not come back when the disk grows again. */
static bool resize_overlay(Overlay *o, uint64_t size, Error *err)
{
    uint64_t blocks = overlay_blocks(size), before = o->header.size;
    uint32_t torn, lost;
    if (overlay_pages(size) > o->header.table_room)
        return error_set(
            err, "%s has room for %llu GiB only; commit it, resize what is below and make a new one",
            o->file.path, (unsigned long long)o->header.table_room * OVERLAY_BITS * OVERLAY_BLOCK >> 30);
    if (overlay_use(o, err) || (size > before && !host_file_resize(&o->file, o->header.data + size, err)))
        return false;
    if (blocks < o->table.blocks)
        table_set(&o->table, blocks, o->table.blocks, false);
    if (overlay_flush(o, err))
        return false;
    o->header.size = size;
    if (overlay_write_header(o, err) ||
        (size < before && !host_file_resize(&o->file, o->header.data + size, err)))
        return false;
    table_free(&o->table);
    table_init(&o->table, size);
    return table_load(&o->table, &o->file, NULL, false, &torn, &lost, err);
}

bool image_resize(const char *path, uint64_t size, bool shrink, Error *err)
{
    DiskImage image;
    if (!size)
        return error_set(err, "%s: a disk has at least one byte", path);
    if (!image_open(&image, &(ImageOptions){.path = path}, err))
        return false;
    bool ok = true;
    if (image.kind == IMAGE_NBD || image.kind == IMAGE_DEVICE)
        ok = error_set(err, "%s is %s, whose size is the host's business", path,
                       image.kind == IMAGE_NBD ? "on an NBD server" : "a block device");
    else if (image.info.read_only)
        ok = error_set(err, "%s cannot be written", path);
    else if (size < image.info.size && !shrink)
        ok = error_set(err, "%s has %llu bytes; with --shrink it may lose the last %llu of them", path,
                       (unsigned long long)image.info.size, (unsigned long long)(image.info.size - size));
    else if (image.kind == IMAGE_OVERLAY)
        ok = resize_overlay(overlay_of(&image), size, err);
    else
        ok = host_file_resize(raw_file(&image), size, err) && !image.ops->flush(image.medium, err);
    image_close(&image);
    return ok;
}

/* ---- Checking ---------------------------------------------------------------------------------------- */

/* Whether everything that the table names can be read. */
static bool read_all(Overlay *o, Error *err)
{
    enum { CHUNK = 1 << 20 };
    uint8_t *buffer = malloc(CHUNK);
    uint64_t end = o->header.data + o->header.size;
    bool ok = buffer;
    for (uint64_t at = o->header.data; ok && (at = host_file_next_data(&o->file, at, end)) < end; at += CHUNK)
        ok = !host_file_read(&o->file, at, buffer, end - at < CHUNK ? end - at : CHUNK, err);
    free(buffer);
    return ok;
}

/* Every page of the table anew, and what the base is now. */
static bool mend(Overlay *o, const ImageCheck *check, Error *err)
{
    if (overlay_use(o, err))
        return false;
    for (uint32_t n = 0; check->repair && check->lost && n < o->table.pages; n++) {
        o->table.dirty += !o->table.page[n].dirty;
        o->table.page[n].dirty = true;
    }
    if (overlay_flush(o, err))
        return false;
    return !check->accept_base ||
           (overlay_identify(&o->base, &o->header.base, err) && !overlay_write_header(o, err));
}

static bool check_overlay(HostFile *file, ImageCheck *check, Error *err)
{
    DiskImage image = {.kind = IMAGE_OVERLAY};
    bool changes = check->repair || check->accept_base;
    if (!overlay_open(&image, file, &(OverlayOptions){.check = check}, err))
        return false;
    bool ok = read_all(overlay_of(&image), err) && (!changes || mend(overlay_of(&image), check, err));
    image_close(&image);
    return ok;
}

static bool is_overlay(HostFile *file)
{
    uint8_t page[DISK_SECTOR];
    return file->size >= sizeof page && !host_file_read(file, 0, page, sizeof page, NULL) &&
           image_probe(page, sizeof page, NULL) == CONTENT_OVERLAY;
}

bool image_check(const char *path, ImageCheck *check, Error *err)
{
    HostFile file;
    DiskImage image;
    bool changes = check->repair || check->accept_base;
    if (strncmp(path, "nbd", 3)) {
        if (!host_file_open(&file, path, changes ? HOST_WRITE : HOST_READ, err))
            return false;
        if (is_overlay(&file))
            return check_overlay(&file, check, err);
        host_file_close(&file);
    }
    if (!image_open(&image, &(ImageOptions){.path = path, .read_only = true}, err))
        return false;
    image_close(&image);
    return true;
}
