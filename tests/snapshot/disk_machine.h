/* A machine with one virtio disk, whose contents are known, for tests of snapshots. */
#ifndef ARMATURE_TESTS_SNAPSHOT_DISK_MACHINE_H
#define ARMATURE_TESTS_SNAPSHOT_DISK_MACHINE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "images/image.h"
#include "images/manage.h"
#include "machine/machine.h"
#include "snapshot/snapshot.h"

typedef struct DiskMachine {
    Machine *machine;
    DiskImage image;
    Disk *disk;
    uint32_t seed;
} DiskMachine;

static inline void disk_done(DiskRequest *request)
{
    (void)request;
}

static inline bool disk_machine_start(DiskMachine *m, const ImageOptions *options, Error *err)
{
    const MachineOptions wanted = {.cpus = 1, .memory = 1 << 20, .virtio_disks = 1, .jit = {.mode = JIT_OFF}};
    *m = (DiskMachine){.seed = 1};
    if (!image_open(&m->image, options, err))
        return false;
    if (!(m->machine = machine_new(&wanted, log_new(NULL), err))) {
        image_close(&m->image);
        return false;
    }
    m->disk = disk_new("disk0", m->image.ops, m->image.medium, &m->image.info, NULL, m->machine->arrivals);
    disk_slot_set(&m->machine->env.disk[DISK_SLOT_VIRTIO], m->disk);
    return true;
}

static inline void disk_machine_end(DiskMachine *m)
{
    disk_free(disk_slot_set(&m->machine->env.disk[DISK_SLOT_VIRTIO], NULL));
    machine_free(m->machine);
    *m = (DiskMachine){.machine = NULL};
}

static inline DiskResult disk_machine_do(DiskMachine *m, DiskAction action, uint64_t offset, void *data,
                                         uint64_t length)
{
    DiskRequest request = {
        .action = action, .offset = offset, .length = length, .data = data, .done = disk_done};
    if (!disk_submit(m->disk, &request))
        disk_drain(m->disk);
    return request.result;
}

static inline bool disk_machine_load(DiskMachine *m, const char *path, bool force, Error *err)
{
    Snapshot *snapshot = snapshot_open(path, err);
    if (snapshot && force)
        snapshot_force(snapshot);
    bool ok = snapshot && snapshot_load(snapshot, m->machine, err);
    snapshot_close(snapshot);
    return ok;
}

static inline uint32_t disk_machine_chance(DiskMachine *m, uint32_t below)
{
    m->seed = m->seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(m->seed >> 4) * below >> 28);
}

/* A random change, which happens to the model as well. */
static inline bool disk_machine_change(DiskMachine *m, uint8_t *model)
{
    static uint8_t data[60 * DISK_SECTOR];
    uint64_t size = disk_size(m->disk);
    uint64_t offset = (uint64_t)disk_machine_chance(m, (uint32_t)(size / DISK_SECTOR)) * DISK_SECTOR;
    uint64_t length =
        (uint64_t)(1 + disk_machine_chance(m, disk_machine_chance(m, 2) ? 60 : 9)) * DISK_SECTOR;
    length = length < size - offset ? length : size - offset;
    switch (disk_machine_chance(m, 6)) {
    case 0:
        memset(model + offset, 0, length);
        return !disk_machine_do(m, DISK_ZERO, offset, NULL, length);
    case 1:
        return !disk_machine_do(m, DISK_DISCARD, offset, NULL, length) &&
               !disk_machine_do(m, DISK_READ, offset, model + offset, length);
    default:
        for (uint64_t n = 0; n < length; n += 8)
            data[n] = (uint8_t)disk_machine_chance(m, 256);
        memcpy(model + offset, data, length);
        return !disk_machine_do(m, DISK_WRITE, offset, data, length);
    }
}

#endif
