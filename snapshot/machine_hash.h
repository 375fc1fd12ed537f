/* Fingerprints of a machine's complete state, between instructions: equal for the same state whatever the
 * host, the engine (--jit=off, on, verify) and what was looked at or saved before. */
#ifndef ARMATURE_SNAPSHOT_MACHINE_HASH_H
#define ARMATURE_SNAPSHOT_MACHINE_HASH_H

#include "snapshot/part.h"

enum { HASH_COMPONENTS = PARTS_MOST + MACHINE_MEMORIES };

typedef struct ComponentHash {
    char name[PART_NAME]; /* "cpu0", "uart0", "ram" */
    uint64_t hash;
} ComponentHash;

typedef struct MachineHash {
    uint64_t all; /* of the components */
    unsigned count;
    ComponentHash component[HASH_COMPONENTS];
} MachineHash;

void machine_hash(Machine *machine, MachineHash *hash);
/* Without the memories, which take longest. */
void machine_hash_parts(Machine *machine, MachineHash *hash);

/* Name of the first component in which two differ, NULL if they are equal. */
const char *machine_hash_difference(const MachineHash *a, const MachineHash *b);

#endif
