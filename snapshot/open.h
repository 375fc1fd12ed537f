/* An open file, for those who read what is in it. */
#ifndef ARMATURE_SNAPSHOT_OPEN_H
#define ARMATURE_SNAPSHOT_OPEN_H

#include <sys/types.h>

#include "snapshot/chunk.h"
#include "snapshot/disk_loader.h"
#include "snapshot/layers.h"
#include "snapshot/snapshot.h"

struct Snapshot {
    char *path;
    ChunkFile file;
    SnapshotInfo info;
    uint64_t disk_bytes[DISK_SLOTS];
    bool force, memory_there;
    StagedDisks *disks; /* owned; NULL: those of the file */
    dev_t device;
    ino_t inode;
    Snapshot *base; /* once the chain is open; owned */
};

/* Says which file an error is about; false. */
bool snapshot_about(const Snapshot *snapshot, Error *err);

/* The payload of one of its chunks, checked, allocated. NULL with err set. */
uint8_t *snapshot_payload(const Snapshot *snapshot, const Chunk *chunk, Error *err);

/* False with err set if the file at path is one of the chain (NULL: empty), which would lose it. */
bool snapshot_may_write(const Snapshot *chain, const char *path, Error *err);

/* The files of the chain, which is open, the last base first. */
void snapshot_layers(const Snapshot *snapshot, Layers *layers);

#endif
