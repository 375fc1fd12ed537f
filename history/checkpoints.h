/* The list of checkpoints, and which of them go when there are too many. Private to history/. */
#ifndef ARMATURE_HISTORY_CHECKPOINTS_H
#define ARMATURE_HISTORY_CHECKPOINTS_H

#include "history/page_set.h"
#include "machine/machine.h"

typedef struct Checkpoint {
    uint64_t icount, time; /* virtual ns */
    uint64_t journal;      /* number of the next entry */
    uint64_t sent[SERIAL_PORTS];
    bool arrived;   /* it was made when `icount` had just been reached; else time may have passed there */
    uint8_t *state; /* packed */
    size_t size, packed;
    /* Of the pages that change between this one and the next. Before the place where the machine is: what
     * they were here; behind it: what they are at the next. */
    PageSet pages;
} Checkpoint;

typedef struct Checkpoints {
    Checkpoint *item; /* ascending */
    unsigned count, capacity;
    unsigned at;    /* the last one before the place where the machine is */
    uint64_t bytes; /* all of them take */
} Checkpoints;

/* At the end. state: `size` bytes, copied. */
Checkpoint *checkpoints_add(Checkpoints *all, const uint8_t *state, size_t size);

/* The state's bytes, allocated. */
uint8_t *checkpoint_state(const Checkpoint *checkpoint);

/* Somebody has changed the pages of one. */
void checkpoints_count(Checkpoints *all);

/* Lets checkpoints go until they take `most` bytes: those that are old and have others near, then the oldest.
 * The one where the machine is and the last one stay. False if that is not enough. */
bool checkpoints_thin(Checkpoints *all, uint64_t most);

/* Those behind number n. */
void checkpoints_cut(Checkpoints *all, unsigned n);

void checkpoints_free(Checkpoints *all); /* empty afterwards */

#endif
