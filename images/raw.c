#include "images/raw.h"

#include <stdlib.h>
#include <string.h>

typedef struct Raw {
    HostFile file;
    bool guarded;
} Raw;

static DiskResult raw_read(void *medium, uint64_t offset, void *data, uint64_t length, Error *err)
{
    Raw *raw = medium;
    return host_file_read(&raw->file, offset, data, length, err);
}

/* A guest that could turn its disk into an overlay would choose which file of the host is read below it. */
static bool becomes_another(const Raw *raw, uint64_t offset, const void *data, uint64_t length,
                            const char **what)
{
    if (!raw->guarded || offset || length < DISK_SECTOR)
        return false;
    ImageContent content = image_probe(data, DISK_SECTOR, what);
    return content == CONTENT_OVERLAY || content == CONTENT_FOREIGN;
}

static DiskResult raw_write(void *medium, uint64_t offset, const void *data, uint64_t length, Error *err)
{
    Raw *raw = medium;
    const char *what;
    if (!becomes_another(raw, offset, data, length, &what))
        return host_file_write(&raw->file, offset, data, length, err);
    error_set(err,
              "%s: the guest wants to write the beginning of %s, which the next run would take it for; "
              "format=raw allows that",
              raw->file.path, what);
    return DISK_IO_ERROR;
}

static DiskResult raw_flush(void *medium, Error *err)
{
    return host_file_sync(&((Raw *)medium)->file, err);
}

static DiskResult raw_discard(void *medium, uint64_t offset, uint64_t length, Error *err)
{
    return host_file_discard(&((Raw *)medium)->file, offset, length, err);
}

static DiskResult raw_zero(void *medium, uint64_t offset, uint64_t length, Error *err)
{
    return host_file_zero(&((Raw *)medium)->file, offset, length, err);
}

static bool raw_read_now(void *medium, uint64_t offset, void *data, uint64_t length)
{
    return host_file_read_now(&((Raw *)medium)->file, offset, data, length);
}

static bool raw_may_write_now(void *medium, uint64_t offset, uint64_t length)
{
    return host_file_may_write_now(&((Raw *)medium)->file, offset, length);
}

static void raw_close(void *medium)
{
    Raw *raw = medium;
    host_file_close(&raw->file);
    free(raw);
}

static const MediumOps raw_ops = {.read = raw_read,
                                  .write = raw_write,
                                  .flush = raw_flush,
                                  .discard = raw_discard,
                                  .zero = raw_zero,
                                  .read_now = raw_read_now,
                                  .may_write_now = raw_may_write_now,
                                  .close = raw_close};

void raw_open(DiskImage *image, HostFile *file, bool guarded)
{
    Raw *raw = calloc(1, sizeof *raw);
    if (!raw)
        abort();
    raw->file = *file;
    raw->guarded = guarded;
    image->kind = file->device ? IMAGE_DEVICE : IMAGE_FILE;
    image->ops = &raw_ops;
    image->medium = raw;
    image->info = (MediumInfo){.size = file->size, .read_only = !file->writable, .name = raw->file.path};
}

HostFile *raw_file(const DiskImage *image)
{
    return &((Raw *)image->medium)->file;
}
