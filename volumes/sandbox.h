/* A process of its own for reading what strangers made. File systems' data structures go through libraries
 * that are not ours to prove; if one of them crashes, loops or grows, a child ends and the emulator says so.
 * The child can read the disk through its parent, write to the files it was handed, and nothing else. */
#ifndef ARMATURE_VOLUMES_SANDBOX_H
#define ARMATURE_VOLUMES_SANDBOX_H

#include "machine/error.h"
#include "volumes/source.h"

enum { SANDBOX_FILES = 2 };

typedef struct SandboxJob SandboxJob;
struct SandboxJob {
    /* Runs in the child: reads `disk`, writes to the descriptors, fills result in (all zeros before). */
    void (*work)(const SandboxJob *job, const Source *disk, void *result);
    const void *argument;
    int file[SANDBOX_FILES];
    size_t result_size;
};

/* Serves the child until it is done. False with err set if it crashed or took too much time or memory. */
bool sandbox_run(const SandboxJob *job, const Source *disk, void *result, Error *err);

#endif
