/* The wire between a memory balloon of the board and whoever moves it. All on the machine's thread, between
 * instructions. */
#ifndef ARMATURE_MACHINE_BALLOON_H
#define ARMATURE_MACHINE_BALLOON_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/journal.h"

enum { BALLOON_PAGE = 4096, BALLOON_STATS = 16 };

/* What the guest says of its memory: VIRTIO 1.2, section 5.5.6.3. Bytes, or numbers of events. */
typedef struct BalloonState {
    bool driven;             /* a driver runs it */
    bool reports;            /* the driver also reports pages that are free */
    uint32_t target, actual; /* pages in the balloon: wished for, and there */
    uint64_t given_back;     /* bytes that the host got, by balloon and reports, since power-on */
    uint32_t known;          /* a bit for each of */
    uint64_t stat[BALLOON_STATS];
} BalloonState;

/* Set by the device; NULL: there is none. */
typedef struct BalloonPort {
    void (*set_target)(void *opaque, uint32_t pages);
    /* What is known; asks the guest for new statistics, which it gives when it gets to it. */
    void (*look)(void *opaque, BalloonState *state);
    void *opaque;
    JournalChannel *channel; /* NULL: no journal */
} BalloonPort;

/* For frontends; only if there is one. */
void balloon_set_target(BalloonPort *port, uint32_t pages);
void balloon_look(BalloonPort *port, BalloonState *state);

/* What enters goes through the journal from now on. */
void balloon_set_journal(BalloonPort *port, Journal *journal);

#endif
