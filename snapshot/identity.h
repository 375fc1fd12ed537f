/* The identity of a machine's state: random, and the same for each snapshot of the same state, so that a
 * machine that is loaded and saved again makes the same file. */
#ifndef ARMATURE_SNAPSHOT_IDENTITY_H
#define ARMATURE_SNAPSHOT_IDENTITY_H

#include "snapshot/bytes.h"
#include "machine/machine.h"

/* Machine's thread: of the state whose parts are encoded in part[0] and so on. */
void identity_of(Machine *machine, const Buffer *part, unsigned parts, uint64_t identity[2]);

/* Machine's thread: the machine was just given the state with this identity. */
void identity_loaded(Machine *machine, const uint64_t identity[2]);

#endif
