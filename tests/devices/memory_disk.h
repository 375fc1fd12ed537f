/* A disk in memory for tests of block devices. With the harness's clock its requests are done when step()
 * lets time pass; without one, by the disk's thread, which arrivals_deliver() hears of.
 *
 *     MemoryDisk m;
 *     memory_disk_init(&m, &h, 64 * DISK_SECTOR, true);
 *     disk_slot_set(&h.env.disk[DISK_SLOT_SD], m.disk);
 *     ...
 *     disk_slot_set(&h.env.disk[DISK_SLOT_SD], NULL);
 *     memory_disk_done(&m);   // before harness_done()
 */
#ifndef ARMATURE_TESTS_DEVICES_MEMORY_DISK_H
#define ARMATURE_TESTS_DEVICES_MEMORY_DISK_H

#include "tests/devices/harness.h"

typedef struct MemoryDisk {
    uint8_t *bytes;
    uint64_t size;
    unsigned operations[DISK_ACTIONS];
    DiskResult fails; /* what every operation answers */
    Arrivals *arrivals;
    Disk *disk;
} MemoryDisk;

static inline DiskResult memory_note(MemoryDisk *m, DiskAction action, uint64_t offset, uint64_t length,
                                     Error *err)
{
    m->operations[action]++;
    if (offset > m->size || length > m->size - offset)
        abort();
    if (m->fails)
        error_set(err, "the test's disk fails");
    return m->fails;
}

static inline DiskResult memory_read(void *medium, uint64_t offset, void *data, uint64_t length, Error *err)
{
    MemoryDisk *m = medium;
    DiskResult result = memory_note(m, DISK_READ, offset, length, err);
    if (!result)
        memcpy(data, m->bytes + offset, length);
    return result;
}

static inline DiskResult memory_write(void *medium, uint64_t offset, const void *data, uint64_t length,
                                      Error *err)
{
    MemoryDisk *m = medium;
    DiskResult result = memory_note(m, DISK_WRITE, offset, length, err);
    if (!result)
        memcpy(m->bytes + offset, data, length);
    return result;
}

static inline DiskResult memory_flush(void *medium, Error *err)
{
    return memory_note(medium, DISK_FLUSH, 0, 0, err);
}

static inline DiskResult memory_discard(void *medium, uint64_t offset, uint64_t length, Error *err)
{
    MemoryDisk *m = medium;
    DiskResult result = memory_note(m, DISK_DISCARD, offset, length, err);
    if (!result)
        memset(m->bytes + offset, 0xdd, length);
    return result;
}

static inline DiskResult memory_zero(void *medium, uint64_t offset, uint64_t length, Error *err)
{
    MemoryDisk *m = medium;
    DiskResult result = memory_note(m, DISK_ZERO, offset, length, err);
    if (!result)
        memset(m->bytes + offset, 0, length);
    return result;
}

static inline void memory_close(void *medium)
{
    (void)medium;
}

static inline void memory_disk_init_as(MemoryDisk *m, Harness *h, uint64_t size, bool deterministic,
                                       bool read_only)
{
    static const MediumOps ops = {.read = memory_read,
                                  .write = memory_write,
                                  .flush = memory_flush,
                                  .discard = memory_discard,
                                  .zero = memory_zero,
                                  .close = memory_close};
    MediumInfo info = {.size = size, .read_only = read_only, .serial = "SERIAL-0123", .name = "memory"};
    memset(m, 0, sizeof *m);
    m->size = size;
    m->bytes = malloc(size);
    for (uint64_t n = 0; n < size; n++)
        m->bytes[n] = (uint8_t)(n * 7 + n / DISK_SECTOR);
    m->arrivals = arrivals_new();
    m->disk = disk_new("memory", &ops, m, &info, deterministic ? h->env.clock : NULL, m->arrivals);
}

static inline void memory_disk_init(MemoryDisk *m, Harness *h, uint64_t size, bool deterministic)
{
    memory_disk_init_as(m, h, size, deterministic, false);
}

/* It is in no slot any more. */
static inline void memory_disk_done(MemoryDisk *m)
{
    disk_free(m->disk);
    arrivals_free(m->arrivals);
    free(m->bytes);
}

#endif
