/* The files that one machine's memory and disks are in: what is in a later one replaces what is in those
 * before. */
#ifndef ARMATURE_SNAPSHOT_LAYERS_H
#define ARMATURE_SNAPSHOT_LAYERS_H

#include "snapshot/chunk.h"

enum { CHAIN_MOST = 60 }; /* files; each is open while it is read */

typedef struct Layers {
    const ChunkFile *file[CHAIN_MOST];
    const char *path[CHAIN_MOST];
    unsigned count;
} Layers;

#endif
