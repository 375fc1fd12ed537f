/* Snapshots: a whole machine in a file, and back. docs/snapshots.md has the format and how it works.
 *
 * All of this is for the machine's thread, between instructions. Errors are one line of text that says what
 * is wrong and in which file; after one, the machine is as it was. */
#ifndef ARMATURE_SNAPSHOT_SNAPSHOT_H
#define ARMATURE_SNAPSHOT_SNAPSHOT_H

#include <stdio.h>

#include "machine/machine.h"

/* ---- Saving ------------------------------------------------------------------------------------------ */

typedef struct SnapshotWish {
    bool compress;
    const char *note; /* a line for people; NULL: none */
    /* Makes the picture on the screen, a PNG that is allocated; NULL: there is none. Called on the thread
     * that writes, since it takes longer than the machine may stand still. picture is kept by the caller
     * until snapshot_save_end(). May be NULL. */
    uint8_t *(*png)(const void *picture, size_t *size);
    const void *picture;
    int64_t host_time; /* seconds since 1970; not what the guest sees */
    const char *base;  /* a snapshot of this machine, by its path, that what has not changed since is left to;
                          NULL: none, the file holds everything */
    struct SnapshotMarks
        *marks; /* what has changed is found by them, without reading the base; may be NULL */
    /* Called on the thread that writes when it has ended; may be NULL. */
    void (*ended)(void *opaque);
    void *opaque;
} SnapshotWish;

typedef struct SnapshotSave SnapshotSave;

/* What of a machine's memory has changed since the last few snapshots that were saved or loaded. It costs
 * the guest a slow store for each page and snapshot. */
typedef struct SnapshotMarks SnapshotMarks;

SnapshotMarks *snapshot_marks_new(Machine *machine);
void snapshot_marks_free(SnapshotMarks *marks); /* before the machine; NULL is allowed */
/* The memory is just what the snapshot with this identity, [2], says. */
void snapshot_marks_loaded(SnapshotMarks *marks, const uint64_t *identity);
/* It has changed, and nobody was told. */
void snapshot_marks_forget(SnapshotMarks *marks);

/* Takes the state down and begins to write it in the background, into a temporary file beside path; the
 * machine can go on at once. It must not be reset, loaded into or freed before the end, nor its disks be
 * taken out or commit. One at a time for each machine. NULL with err set if the file cannot be made. */
SnapshotSave *snapshot_save_begin(Machine *machine, const char *path, const SnapshotWish *wish, Error *err);

/* Bytes of memory and disks that were dealt with, and of all; true once the thread has ended. */
bool snapshot_save_progress(const SnapshotSave *save, uint64_t *done, uint64_t *all);

/* Makes the thread end soon, as failed. */
void snapshot_save_cancel(SnapshotSave *save);

/* Waits for the thread: then the file is at path, whole and on the host's disk. False with err set if
 * that did not work: what was at path before is still there. */
bool snapshot_save_end(SnapshotSave *save, Error *err);

/* All at once. */
bool snapshot_save(Machine *machine, const char *path, const SnapshotWish *wish, Error *err);

/* ---- Loading ----------------------------------------------------------------------------------------- */

typedef struct Snapshot Snapshot;

/* What a file says of itself. */
typedef struct SnapshotInfo {
    char program[64], note[256];
    int64_t host_time;
    uint64_t guest_ns, instructions, memory, file_size;
    uint32_t cpus;
    bool deterministic, compressed;
    unsigned parts, disks;
    uint64_t memory_bytes; /* in the file, without those of disks */
    size_t png_size;
    uint64_t identity[2]; /* of the state, random */
    char base[4096];      /* the file that has what is not here, as this one calls it; empty: none */
    uint64_t base_identity[2];
} SnapshotInfo;

/* Whether the file begins like a snapshot. */
bool snapshot_is(const char *path);

/* NULL with err set if the file is none, is damaged or of another version. Contents are checked when they are
 * read. */
Snapshot *snapshot_open(const char *path, Error *err);
/* The same of an open file, which stays the caller's; name: for messages. */
Snapshot *snapshot_open_received(int fd, const char *name, Error *err);
/* The machine that it will be loaded into has its memory already, all that is behind a descriptor
 * (MachineMemory), and the file must not have it. */
void snapshot_memory_is_there(Snapshot *snapshot);
void snapshot_close(Snapshot *snapshot);
const SnapshotInfo *snapshot_info(const Snapshot *snapshot);
const char *snapshot_path(const Snapshot *snapshot);

/* Opens its base, and that one's, down to a file that has none; what loads, verifies or merges does so
 * itself. False with err set if one is missing, damaged, changed, or there are too many. */
bool snapshot_open_chain(Snapshot *snapshot, Error *err);
/* Where its base is to be, allocated; NULL: it has none. */
char *snapshot_base_path(const Snapshot *snapshot);
/* NULL: it has none, or the chain is not open. */
const Snapshot *snapshot_base(const Snapshot *snapshot);

/* Before snapshot_load(): a place for the changes of the machine's disks, which are those of the file (of
 * which nothing else is read), to put blocks into again and again; for snapshot_disks_are_there(). NULL with
 * err set as snapshot_load() would say it. */
struct StagedDisks *snapshot_stage_disks(Snapshot *snapshot, Machine *machine, Error *err);
/* Blocks of disks have come already; disks is taken over, and the file has what is left. */
void snapshot_disks_are_there(Snapshot *snapshot, struct StagedDisks *disks);

/* A disk that the machine had. */
typedef struct SnapshotDisk {
    const char *slot; /* "disk0", "sd", "cf" */
    char file[1024];  /* of the host */
    bool keeps_changes;
    uint64_t bytes; /* of changes in the file */
} SnapshotDisk;

/* Number n of info's `disks`. False with err set if what the file says of it is damaged. */
bool snapshot_disk(Snapshot *snapshot, unsigned n, SnapshotDisk *disk, Error *err);

/* The machine that the file was made by: sets what a snapshot decides and leaves the rest (jit, files of the
 * host). */
bool snapshot_options(Snapshot *snapshot, MachineOptions *options, Error *err);

/* The machine's disks may be others than the snapshot was made with, or changed since, as long as they have
 * the same sizes. */
void snapshot_force(Snapshot *snapshot);

/* Gives the machine the state of the file, and its overlays the changes. It must be built as
 * snapshot_options() says, but for `deterministic`. False with err set: nothing has changed. */
bool snapshot_load(Snapshot *snapshot, Machine *machine, Error *err);

/* Reads and checks everything, without a machine. */
bool snapshot_verify(Snapshot *snapshot, Error *err);

/* The picture, allocated; NULL if there is none, or with err set if it is damaged. */
uint8_t *snapshot_png(Snapshot *snapshot, size_t *size, Error *err);

/* Writes the same snapshot, compressed or not, to another file. It has the same base. */
bool snapshot_convert(Snapshot *snapshot, const char *path, bool compress, Error *err);

/* Writes it to another file that has no base. */
bool snapshot_merge(Snapshot *snapshot, const char *path, bool compress, Error *err);

/* Prints in which ways the second differs from the first. *same: in none but the time of saving, note and
 * picture. False with err set if one is damaged. */
bool snapshot_diff(Snapshot *a, Snapshot *b, FILE *out, bool *same, Error *err);

#endif
