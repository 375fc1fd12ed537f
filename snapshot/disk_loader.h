/* Whether the machine's disks are those of a snapshot, and the changes that they had, from a file into places
 * beside those that hold. */
#ifndef ARMATURE_SNAPSHOT_DISK_LOADER_H
#define ARMATURE_SNAPSHOT_DISK_LOADER_H

#include "machine/machine.h"
#include "snapshot/chunk.h"

typedef enum DiskRigour {
    DISKS_DRY,    /* there is no machine with disks: only what the file says is checked */
    DISKS_FORCED, /* disks of the same sizes will do */
    DISKS_SAME
} DiskRigour;

typedef struct StagedDisks StagedDisks;

/* Machine's thread, disks drained. NULL with err set if the disks are others, or were changed since. */
StagedDisks *disks_stage(const ChunkFile *file, Machine *machine, DiskRigour rigour, Error *err);

/* From now on, blocks may be put again. */
void disks_renew(StagedDisks *disks);
/* False with err set if a file speaks of other disks. */
bool disks_check_same(const StagedDisks *disks, const ChunkFile *file, Error *err);

/* Any thread: `count` blocks of disk n, as many as data has (NULL: zeros). False with err set. */
bool disks_put(StagedDisks *disks, uint32_t n, uint64_t block, uint64_t count, const uint8_t *data,
               Error *err);
/* One thread: `count` blocks equal to the block `source`, which was put. */
bool disks_put_equal(StagedDisks *disks, uint32_t n, uint64_t block, uint64_t count, uint64_t source,
                     Error *err);
/* Everything was put. */
bool disks_ready(StagedDisks *disks, Error *err);

/* Machine's thread, no request under way. Puts the changes in force; with others afterwards, it takes them
 * back. False with err set: nothing has changed. */
bool disks_swap(StagedDisks *disks, Error *err);
void disks_unstage(StagedDisks *disks); /* NULL is allowed */

#endif
