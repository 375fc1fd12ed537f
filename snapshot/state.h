/* All of a machine's state that is not memory or disks: its parts (part.h), checked before they are applied.
 *
 * For the machine's thread, between instructions. */
#ifndef ARMATURE_SNAPSHOT_STATE_H
#define ARMATURE_SNAPSHOT_STATE_H

#include "snapshot/bytes.h"
#include "snapshot/part_code.h"

/* A state that is read and checked part by part; nothing of the machine has changed yet. */
typedef struct StagedState {
    Parts parts;
    StagedPart part[PARTS_MOST];  /* as in parts */
    uint8_t *payload[PARTS_MOST]; /* NULL: it has no such part */
} StagedState;

StagedState *state_stage_new(Machine *machine);
void state_stage_free(StagedState *stage); /* NULL is allowed */

/* Takes an encoded part over, allocated. False with err set if it does not fit. */
bool state_stage_part(StagedState *stage, uint8_t *payload, size_t size, Error *err);

/* All parts were staged: whether the machine can take them. With `dry`, files that the guest has open are not
 * looked for, and the state cannot be applied. */
bool state_stage_check(StagedState *stage, bool dry, Error *err);

/* What has been kept about the machine's memory until now. */
typedef enum StateMemory {
    STATE_MEMORY_OTHER, /* is of other memory: forgotten, decoded and compiled code as well */
    STATE_MEMORY_TOLD   /* holds: everybody was told of the pages that have changed */
} StateMemory;

/* Sets the machine's state; memory and disks have the contents that belong to it already. Cannot fail. */
void state_apply(StagedState *stage, Machine *machine, StateMemory memory);

/* The whole state as bytes, added to `out`; and a stage of such bytes, NULL with err set if this machine
 * cannot take them. */
void state_encode(Machine *machine, Buffer *out);
StagedState *state_decode(Machine *machine, const uint8_t *data, size_t size, Error *err);

#endif
