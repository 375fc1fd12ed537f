/* What a disk may hold after a crash: for each sector what it held at the last flush, and all that was
 * written to it since. The operations follow from a seed, so that whoever survives can make the history of
 * who was killed. */
#ifndef ARMATURE_TESTS_IMAGES_HISTORY_H
#define ARMATURE_TESTS_IMAGES_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "images/image.h"

enum { HISTORY_SECTORS = 4000, HISTORY_LATER = 120, HISTORY_BYTES = HISTORY_SECTORS * DISK_SECTOR };

typedef struct Step {
    DiskAction action;     /* no reads */
    uint32_t first, count; /* sectors */
} Step;

typedef struct SectorHistory {
    uint32_t settled;
    uint32_t later[HISTORY_LATER];
    unsigned count;
} SectorHistory;

typedef struct History {
    uint32_t seed;
    bool raw;                     /* discards are exact; an overlay's are of whole blocks */
    uint8_t start[HISTORY_BYTES]; /* what was there when it began */
    SectorHistory sector[HISTORY_SECTORS];
} History;

/* Takes what the image holds now for the start. */
void history_begin(History *history, uint32_t seed, DiskImage *image);

/* The step with that number; every few there is a flush. */
Step history_step(uint32_t seed, uint32_t number);

/* The step was begun. settles: and a flush has ended. */
void history_note(History *history, uint32_t number, bool settles);

/* A flush has ended. */
void history_settle(History *history);

/* What the step writes, of step.count sectors. */
void history_data(uint32_t seed, uint32_t number, uint8_t *data);

/* What data, all of the disk, holds that it must not: a sector's number, or -1 if all is well. */
int history_check(const History *history, const uint8_t *data);

#endif
