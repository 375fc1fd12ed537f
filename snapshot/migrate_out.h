/* The machine that leaves, as the files that send it know it; nobody else sees it. */
#ifndef ARMATURE_SNAPSHOT_MIGRATE_OUT_H
#define ARMATURE_SNAPSHOT_MIGRATE_OUT_H

#include <pthread.h>

#include "snapshot/disk_capture.h"
#include "snapshot/migrate.h"
#include "snapshot/page_writer.h"
#include "snapshot/stream.h"

typedef struct Run {
    uint32_t memory, first, count; /* pages */
} Run;

struct Migration {
    Machine *machine;
    MigrationWish wish;
    Stream stream;
    MachineMemory memory[MACHINE_MEMORIES];
    Watch *watch[MACHINE_MEMORIES]; /* NULL: all of it is in the rest */
    unsigned memories;
    Buffer build;
    /* The round. */
    Run *run;
    size_t runs, capacity;
    uint64_t pages; /* in it */
    bool first;     /* the other end's memory is new */
    bool all_changed;
    PageUnit *unit;
    Buffer payload;
    uint64_t round_ns;
    pthread_t thread;
    bool has_thread, ok;
    Error error;
    atomic_uint_fast64_t left, bytes;
    unsigned rounds;
    uint64_t sent_bytes, sent_ns; /* what the throughput follows from */
    uint64_t begun, stopped, downtime;
    /* The rest. */
    Buffer *part; /* [parts]: head first */
    unsigned parts;
    DiskCapture *disks; /* NULL: only when the guest stands still */
    Buffer rest;        /* a piece */
    uint32_t *flash;    /* [flash_count]: pages of memory[flash_memory] with contents */
    unsigned flash_memory;
    size_t flash_count, flash_capacity, flash_at;
};

/* ---- migrate_round.c ---- */

/* Adds the pages that were written since the last time to those that are taken and not sent. */
void migration_take_pages(Migration *migration);

/* Sends what was taken: on a thread of its own while the guest runs, unless the machine is deterministic. */
void migration_start_round(Migration *migration);
void migration_join_round(Migration *migration);

/* Sends the pages that were taken, and says how many there were. False with err set as of stream_send(). */
bool migration_send_runs(Migration *migration, Error *err);

/* ---- migrate_rest.c ---- */

/* Sends a snapshot file without the pages that were sent: of the parts, and of what has no write watch. False
 * with err set as of stream_send(), or if a disk cannot be read. */
bool migration_send_rest(Migration *migration, Error *err);

#endif
