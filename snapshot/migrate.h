/* A machine that goes on in another process while it runs. docs/migration.md has the protocol, and why. */
#ifndef ARMATURE_SNAPSHOT_MIGRATE_H
#define ARMATURE_SNAPSHOT_MIGRATE_H

#include "machine/machine.h"
#include "snapshot/snapshot.h"

/* ---- The machine that leaves ------------------------------------------------------------------------- */

typedef struct MigrationWish {
    /* Connects, on whatever thread: a non-blocking socket, which is taken over, or -1 with err set. */
    int (*connect)(void *opaque, Error *err);
    void *connect_opaque;
    bool compress;        /* pages */
    uint64_t downtime_ns; /* how long the guest may stand still for the pages that are left */
    unsigned rounds;      /* after so many, it stands still however many are left; at least 1 */
    /* Called on another thread when a round has ended; then migration_step() is due. */
    void (*ended)(void *opaque);
    void *opaque;
} MigrationWish;

typedef struct MigrationProgress {
    unsigned rounds;      /* that have ended */
    uint64_t bytes;       /* sent */
    uint64_t left, all;   /* bytes of memory: of this round that are still to be sent; of the machine */
    uint64_t seconds_ns;  /* of host time since the beginning */
    uint64_t downtime_ns; /* that the guest has stood still */
} MigrationProgress;

typedef struct Migration Migration;

/* All of these are for the machine's thread, between instructions.
 *
 * Begins the first round: on a thread of its own while the guest goes on, but in a deterministic machine at
 * once, so that nothing of the host's time shows. One at a time for each machine, no snapshot is being saved,
 * and until the end none is begun, and no disk is taken out or commits. NULL with err set if the host cannot
 * tell what the disks are. */
Migration *migration_begin(Machine *machine, const MigrationWish *wish, Error *err);

typedef enum MigrationStep {
    MIGRATION_ROUND, /* a round is under way, ended() will be called */
    MIGRATION_LAST,  /* what is left goes with migration_hand_over() */
    MIGRATION_FAILED /* err says why; the machine goes on here */
} MigrationStep;

/* After ended(). */
MigrationStep migration_step(Migration *migration, Error *err);

typedef enum MigrationEnd {
    MIGRATION_MOVED,   /* the other end runs the machine: it must not go on here */
    MIGRATION_REFUSED, /* err says why; the machine goes on here */
    MIGRATION_UNKNOWN, /* the other end had everything and was told to go on, but its answer was lost: whether
                          it runs there cannot be known from here, so that it must stand still here */
    MIGRATION_TAKEN /* it failed, but somebody else has a disk now: the machine cannot go on here; err: who */
} MigrationEnd;

/* Sends what is left, lets go of the disks' locks, and waits until the other end goes on. Virtual time stands
 * still, and has to in the cases that say so afterwards. paused: the machine is not to go on there by itself.
 */
MigrationEnd migration_hand_over(Migration *migration, bool paused, Error *err);

/* After MIGRATION_UNKNOWN and MIGRATION_TAKEN: takes the disks' locks again. Only after true the machine may
 * go on here, and only if it does not run there; err: who has a disk. */
bool migration_take_back(Migration *migration, Error *err);

/* The guest's memory has changed without a word (a reset): all of it is sent again. */
void migration_all_changed(Migration *migration);
/* What is under way fails soon. */
void migration_cancel(Migration *migration);
void migration_progress(const Migration *migration, MigrationProgress *progress);
void migration_free(Migration *migration); /* NULL is allowed */

/* ---- The machine that comes -------------------------------------------------------------------------- */

typedef struct Incoming Incoming;

/* Takes the socket over and reads how the machine is built. wake: a descriptor that ends all waiting when it
 * becomes readable; -1: none. NULL with err set if no machine comes; the other end was told so. */
Incoming *incoming_begin(int fd, int wake, Error *err);
void incoming_wake(Incoming *incoming, int wake);
void incoming_free(Incoming *incoming); /* NULL is allowed */

/* To build it by: snapshot_options(). Borrowed. */
Snapshot *incoming_build(Incoming *incoming);

/* Whether changes of disks come with the memory; then the machine's disks have to be there before. */
bool incoming_has_disks(const Incoming *incoming);
/* False with err set if the machine's disks are others. force: see snapshot_force(). */
bool incoming_take_disks(Incoming *incoming, Machine *machine, bool force, Error *err);

/* Puts memory into the machine, which is new and has not run, until everything has come. False with err set:
 * the machine is of no use. */
bool incoming_receive(Incoming *incoming, Machine *machine, Error *err);

/* With the machine's disks, shares and networks in place: gives it its state. force: see snapshot_force(). */
bool incoming_load(Incoming *incoming, Machine *machine, bool force, Error *err);

/* Says that all is well, and waits for the word to go on. Only after true the machine may run; *paused: not
 * by itself. */
bool incoming_take_over(Incoming *incoming, bool *paused, Error *err);

/* It did not work: tells the other end why. */
void incoming_refuse(Incoming *incoming, const char *text);

#endif
