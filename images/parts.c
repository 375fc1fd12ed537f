/* Partitions and file systems, by libblkid. It wants a file: a sparse one in memory gets the places of the
 * disk where it looks, so that overlays and servers can be looked at as well. */
#define _GNU_SOURCE
#include <blkid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "images/manage.h"

enum { BEGINNING = 1 << 20, ENDING = 64 << 10 };

static bool copy(DiskImage *image, int fd, uint64_t offset, uint64_t length)
{
    uint64_t rest = image->info.size > offset ? image->info.size - offset : 0;
    length = length < rest ? length : rest;
    void *data = malloc(length + 1);
    bool ok = data && !image->ops->read(image->medium, offset, data, length, NULL) &&
              pwrite(fd, data, length, (off_t)offset) == (ssize_t)length;
    free(data);
    return ok;
}

static void take(blkid_probe probe, const char *name, char *text, size_t size)
{
    const char *value;
    *text = 0;
    if (!blkid_probe_lookup_value(probe, name, &value, NULL))
        snprintf(text, size, "%s", value);
    for (char *p = text; *p; p++)
        *p = (unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p;
}

/* The file system in a part of the disk. */
static void look_into(DiskImage *image, int fd, ImagePart *part)
{
    blkid_probe probe = copy(image, fd, part->start, BEGINNING) ? blkid_new_probe() : NULL;
    if (!probe)
        return;
    blkid_probe_enable_superblocks(probe, 1);
    blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL);
    if (!blkid_probe_set_device(probe, fd, (blkid_loff_t)part->start, (blkid_loff_t)part->size) &&
        !blkid_do_safeprobe(probe)) {
        take(probe, "TYPE", part->system, sizeof part->system);
        take(probe, "LABEL", part->label, sizeof part->label);
    }
    blkid_free_probe(probe);
}

static unsigned list(blkid_probe probe, char table[32], ImagePart *parts, unsigned most)
{
    blkid_partlist found = blkid_probe_get_partitions(probe);
    blkid_parttable type = found ? blkid_partlist_get_table(found) : NULL;
    int count = type ? blkid_partlist_numof_partitions(found) : 0;
    unsigned taken = 0;
    snprintf(table, 32, "%s", type ? blkid_parttable_get_type(type) : "");
    for (int n = 0; n < count && taken < most; n++) {
        blkid_partition one = blkid_partlist_get_partition(found, n);
        parts[taken++] = (ImagePart){.number = (unsigned)blkid_partition_get_partno(one),
                                     .start = (uint64_t)blkid_partition_get_start(one) * DISK_SECTOR,
                                     .size = (uint64_t)blkid_partition_get_size(one) * DISK_SECTOR};
    }
    return taken;
}

bool image_parts(DiskImage *image, char table[32], ImagePart *parts, unsigned most, unsigned *count)
{
    uint64_t size = image->info.size;
    int fd = memfd_create("disk", MFD_CLOEXEC);
    *table = 0;
    *count = 0;
    bool ok = fd >= 0 && most && !ftruncate(fd, (off_t)size) && copy(image, fd, 0, BEGINNING) &&
              copy(image, fd, size > ENDING ? size - ENDING : 0, ENDING);
    blkid_probe probe = ok ? blkid_new_probe() : NULL;
    if (probe && !blkid_probe_set_device(probe, fd, 0, (blkid_loff_t)size))
        *count = list(probe, table, parts, most);
    if (probe)
        blkid_free_probe(probe);
    if (probe && !*table)
        parts[(*count)++] = (ImagePart){.size = size};
    for (unsigned n = 0; n < *count; n++)
        look_into(image, fd, &parts[n]);
    if (fd >= 0)
        close(fd);
    return probe;
}
