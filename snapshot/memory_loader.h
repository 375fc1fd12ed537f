/* Reads memory out of a file into memory of its own, checks it, and puts it in place. */
#ifndef ARMATURE_SNAPSHOT_MEMORY_LOADER_H
#define ARMATURE_SNAPSHOT_MEMORY_LOADER_H

#include "snapshot/chunk.h"
#include "snapshot/disk_loader.h"
#include "snapshot/memory.h"

typedef struct StagedMemory StagedMemory;

/* All memory of the file, which must be that of the machine; pages of disks go to `disks`. NULL with err set
 * if it is not, or is damaged. RAM that can be mapped is not read yet (lazy_memory.h) if `path`, the file's
 * name, is not NULL. */
StagedMemory *memory_stage(const ChunkFile *file, const Machine *machine, StagedDisks *disks,
                           const char *path, Error *err);
/* Gives the machine the memory. False with err set if the host refuses; nothing has changed then. */
bool memory_apply(StagedMemory *staged, Machine *machine, Error *err);
void memory_unstage(StagedMemory *staged); /* NULL is allowed */

#endif
