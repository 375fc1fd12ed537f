/* Parts as bytes, and back. A part says its name, its type and the type's version, and every field by name,
 * kind and number of elements, so that older files can be read, and what does not fit is refused by name. */
#ifndef ARMATURE_SNAPSHOT_PART_CODE_H
#define ARMATURE_SNAPSHOT_PART_CODE_H

#include "snapshot/bytes.h"
#include "snapshot/part.h"

void part_encode(const Part *part, Buffer *out);

/* The name at the beginning of an encoded part, [256]; false if it is damaged. */
bool part_name(const uint8_t *data, size_t size, char *name);

/* A part that was read and fits: nothing of the machine has changed yet. */
typedef struct StagedItem {
    Item item;
    const uint8_t *data;  /* in the encoded part; NULL: missing, so that it takes its default */
    DeviceMemory *memory; /* ITEM_MEMORY: [count], owned until applied */
} StagedItem;

typedef struct StagedPart {
    const Part *part;
    StagedItem *items;
    unsigned count;
} StagedPart;

/* data outlives the stage. False with err set if it does not fit the part. */
bool part_stage(StagedPart *stage, const Part *part, const uint8_t *data, size_t size, Error *err);
/* Sets the fields. With another base than the part's own, timers and memory are left out. */
void part_apply(StagedPart *stage, void *base);
void part_unstage(StagedPart *stage);

/* All of it at once: sets the part's fields, or changes nothing and returns false with err set. */
bool part_decode(const Part *part, const uint8_t *data, size_t size, Error *err);

#endif
