/* Reads memory out of a file into memory of its own, checks it, and puts it in place. */
#ifndef ARMATURE_SNAPSHOT_MEMORY_LOADER_H
#define ARMATURE_SNAPSHOT_MEMORY_LOADER_H

#include "snapshot/chunk.h"
#include "snapshot/disk_loader.h"
#include "snapshot/layers.h"
#include "snapshot/memory.h"

typedef struct StagedMemory StagedMemory;

/* All memory of the files, which must be that of the machine; pages of disks go to `disks`, which are those
 * of the last file. there: what is behind a descriptor (MachineMemory) has its contents already, and must not
 * be in the file. later: RAM that can be mapped need not be read yet (lazy_memory.h). NULL with err set if it
 * is not the machine's, or is damaged. */
StagedMemory *memory_stage(const Layers *layers, const Machine *machine, bool there, StagedDisks *disks,
                           bool later, Error *err);
/* Gives the machine the memory. False with err set if the host refuses; nothing has changed then. */
bool memory_apply(StagedMemory *staged, Machine *machine, Error *err);
void memory_unstage(StagedMemory *staged); /* NULL is allowed */

#endif
