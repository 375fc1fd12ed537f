/* The wire from a block device of the board to the medium in it: an SD card, a disk image, a disk elsewhere.
 *
 * A request is submitted by the device and done later, on the machine's thread between instructions.
 * Meanwhile a host thread works on it, one for each disk, in the order of submission, so that I/O does not
 * stall the CPU. In deterministic runs there is no thread: a request is carried out, all of it, at a virtual
 * time that depends on nothing but the requests.
 *
 * Durability: when a flush is done without error, everything that was done before it was submitted is on the
 * host's medium. */
#ifndef ARMATURE_MACHINE_DISK_H
#define ARMATURE_MACHINE_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/host_work.h"
#include "machine/arrivals.h"
#include "machine/clock.h"
#include "machine/error.h"
#include "machine/journal.h"

enum { DISK_SECTOR = 512, DISK_SERIAL_BYTES = 20 };

typedef enum DiskAction {
    DISK_READ,
    DISK_WRITE,
    DISK_FLUSH,
    DISK_DISCARD, /* the contents of the range are not needed any more; it reads as anything, then */
    DISK_ZERO,    /* the range reads as zero */
    DISK_ACTIONS
} DiskAction;

typedef enum DiskResult {
    DISK_OK,
    DISK_IO_ERROR,
    DISK_NO_SPACE,  /* on the host */
    DISK_READ_ONLY, /* a change of a medium that must not change */
    DISK_OUTSIDE    /* beyond the end of the medium */
} DiskResult;

/* ---- Media: what is behind a disk ---------------------------------------------------------------- */

/* ---- What snapshots need of media ---- */

enum { MEDIUM_BLOCK = 4096, MEDIUM_FILE_BYTES = 1024 };

/* What a medium is known by, so that a snapshot goes on with the contents that it was made with. */
typedef struct MediumIdentity {
    char file[MEDIUM_FILE_BYTES]; /* of the host, for messages */
    bool keeps_changes; /* they are apart from the file, which does not change: in an overlay. The rest is the
                           file's that lies below, then */
    uint64_t size;      /* bytes */
    int64_t modified;   /* host's time of the file's last change in ns since 1970; 0: it has none */
    uint32_t sample;    /* CRC-32 of the first 64 KiB */
    uint64_t run;       /* random, another one each time a disk is put in; 0: `modified` says enough */
    uint64_t changes;   /* of the file, since then */
} MediumIdentity;

typedef enum MediumStep { STEP_END, STEP_DATA, STEP_ZEROS, STEP_FAILED } MediumStep;

/* What a medium's changes were at one moment; and giving it such changes. */
typedef struct MediumPointOps {
    /* No operation is under way. `run` is the disk's business. False with err set if the host cannot. */
    bool (*identify)(void *medium, MediumIdentity *identity, Error *err);
    /* From now on, until thaw(), next() finds what was changed before. One at a time; no operation is under
     * way. */
    void (*freeze)(void *medium);
    /* On any one thread, while operations go on: the next of the changed blocks at or behind *block. DATA:
     * one block, in data, [MEDIUM_BLOCK]; zeros: *count of them. END: there are no more, and what the file of
     * the medium itself had is durable. */
    MediumStep (*next)(void *medium, uint64_t *block, uint64_t *count, uint8_t *data, Error *err);
    /* No operation is under way: from now on next() finds, as they are now, changes since freeze() or the
     * last refreeze(), and those that it has not found yet. */
    void (*refreeze)(void *medium);
    void (*thaw)(void *medium); /* no operation is under way */
    /* What the medium has is known by `id`, [2], from now on; the last few of these are kept in mind. No
     * operation is under way. */
    void (*mark)(void *medium, const uint64_t *id);
    /* After freeze(): next() finds only what was changed since that mark. False if it is not in mind, or
     * blocks have gone since. */
    bool (*since)(void *medium, const uint64_t *id);

    /* Makes a place for other changes, at first none, beside those that hold. NULL with err set if the medium
     * keeps none or cannot be written. What follows is for this place. */
    void *(*stage)(void *medium, Error *err);
    void (*renew)(void *stage); /* from now on, blocks may be put again */
    /* On any thread: `count` blocks have been changed, to data or (NULL) zeros. False if one was already. */
    bool (*put)(void *stage, uint64_t block, uint64_t count, const uint8_t *data, Error *err);
    /* What was put may be put once more. On one thread, while nobody puts. */
    void (*again)(void *stage);
    /* What put() has put there since then; false: nothing. On one thread. */
    bool (*get)(void *stage, uint64_t block, uint8_t *data, Error *err);
    /* As durable as the medium is, and ready. */
    bool (*ready)(void *stage, Error *err);
    /* No operation is under way: the medium has these changes, and the place has those that the medium had;
     * once more, and it is undone. */
    bool (*swap)(void *stage, Error *err);
    void (*drop)(void *stage);
} MediumPointOps;

/* The operations of a medium. All are called on one thread at a time (the disk's own, or the machine's), with
 * ranges inside the medium and of whole sectors; they block. Failures set err to one line about the host's
 * side ("/home/me/a.img: No space left on device"). */
typedef struct MediumOps {
    DiskResult (*read)(void *medium, uint64_t offset, void *data, uint64_t length, Error *err);
    DiskResult (*write)(void *medium, uint64_t offset, const void *data, uint64_t length, Error *err);
    DiskResult (*flush)(void *medium, Error *err);
    /* All that was written is there even if this process is killed now, though not if the host ends: waits
     * for no medium. NULL: it always is. */
    DiskResult (*settle)(void *medium, Error *err);
    DiskResult (*discard)(void *medium, uint64_t offset, uint64_t length,
                          Error *err); /* NULL: does nothing */
    DiskResult (*zero)(void *medium, uint64_t offset, uint64_t length,
                       Error *err); /* NULL: zeros are written */
    /* Reads without waiting for the host's medium (its page cache has it all), on the machine's thread while
     * no other operation is under way; false: it would have to wait. NULL: never. */
    bool (*read_now)(void *medium, uint64_t offset, void *data, uint64_t length);
    /* Whether a write there would find all it needs in the host's memory, as far as can be told; such writes,
     * if they are small, are done on the machine's thread, too. NULL: never. */
    bool (*may_write_now)(void *medium, uint64_t offset, uint64_t length);
    /* Lets go of the host's lock on it (false), or takes it again, so that another process can go on with it.
     * False with err set if somebody else has it now. NULL: there is none that others would need. */
    bool (*own)(void *medium, bool own, Error *err);
    void (*close)(void *medium); /* flushes nothing */
    const MediumPointOps *point; /* NULL: snapshots know its size only. Without changes of its own, a medium
                                    has no functions from stage() on */
} MediumOps;

typedef struct MediumInfo {
    uint64_t size;  /* bytes, any number; the device sees whole sectors, the last one filled with zeros */
    bool read_only; /* every change is DISK_READ_ONLY */
    char serial[DISK_SERIAL_BYTES + 1];
    const char *name; /* for messages; the medium's, as long as it is open */
} MediumInfo;

/* ---- Disks --------------------------------------------------------------------------------------- */

typedef struct Disk Disk;

/* A request: the device's, at an address that stays, untouched until it is done. */
typedef struct DiskRequest {
    DiskAction action;
    uint64_t offset, length; /* bytes, multiples of DISK_SECTOR; without meaning for a flush */
    uint8_t *data;           /* of `length` bytes: filled by DISK_READ, taken by DISK_WRITE; else NULL */
    void (*done)(struct DiskRequest *request);
    void *opaque;
    bool settle;       /* a change that no flush will follow: when it is done it outlives this process */
    DiskResult result; /* set when it is done */
    /* Deterministic runs: virtual time at which it is carried out. disk_submit() sets it if it is 0; a device
     * that was loaded from a snapshot submits its requests again, in the order of this time, with the value
     * that was saved. 0 in other runs, and when it is done. */
    uint64_t due;
    Disk *disk; /* the disk's own, as what follows is */
    HostJob job;
} DiskRequest;

/* Takes the medium over. With a clock, requests are carried out by its timers: deterministic. Otherwise
 * `arrivals` brings what the disk's thread has done. name: "disk0". */
Disk *disk_new(const char *name, const MediumOps *ops, void *medium, const MediumInfo *info, Clock *clock,
               Arrivals *arrivals);
/* Waits for what is under way, drops what waits (done() is not called), closes the medium. */
void disk_free(Disk *disk);

/* Bytes, a multiple of DISK_SECTOR. */
uint64_t disk_size(const Disk *disk);
bool disk_read_only(const Disk *disk);
const char *disk_serial(const Disk *disk);
const char *disk_name(const Disk *disk);
const char *disk_medium_name(const Disk *disk);

/* Machine's thread. True: it is done already, request->result says how, and done() will not be called. False:
 * done() will be called. */
bool disk_submit(Disk *disk, DiskRequest *request);

/* Machine's thread: takes a request back that was submitted and is not done. It may have been carried out all
 * the same, but done() will not be called, and its data are not touched any more. Waits if it is under way
 * just now. */
void disk_take_back(Disk *disk, DiskRequest *request);

/* Machine's thread: how many requests are submitted and not done. */
unsigned disk_under_way(const Disk *disk);

/* Machine's thread: waits until all that was submitted is done, and calls done() for each. Does nothing in
 * deterministic runs, where what is under way is part of the machine's state. */
void disk_drain(Disk *disk);

/* Machine's thread, drained: reads any range of bytes inside disk_size() without being a request of the
 * guest. False with err set if the host cannot. */
bool disk_peek(Disk *disk, uint64_t offset, void *data, uint64_t length, Error *err);

/* Machine's thread, in deterministic runs: called before a part of the medium changes that is about to, in
 * bytes; disk_peek() still finds what was there. One for each disk; NULL: nobody. */
void disk_before_change(Disk *disk, void (*before)(void *opaque, uint64_t offset, uint64_t length),
                        void *opaque);

/* Machine's thread, in deterministic runs: writes whole sectors without being a request of the guest; NULL:
 * zeros. disk_before_change() is not told. False with err set if the host cannot. */
bool disk_poke(Disk *disk, uint64_t offset, const void *data, uint64_t length, Error *err);

/* The medium, for whoever made the disk: drain first. */
void *disk_medium(Disk *disk);

/* The medium has another size now (drained before). */
void disk_resized(Disk *disk, uint64_t size);

/* Called on the machine's thread with one line for the user when the host fails. A failure like the one
 * before, of the same action, is told once only, until a hundred such requests have succeeded. */
void disk_on_trouble(Disk *disk, void (*trouble)(void *opaque, const char *text), void *opaque);

/* ---- Snapshots ---- */

/* Machine's thread: waits for the request that the medium works on; those that wait go on waiting until the
 * release. */
void disk_hold(Disk *disk);
void disk_release(Disk *disk);

/* Machine's thread: what the medium is, now. False with err set if the host cannot tell. */
bool disk_identify(Disk *disk, MediumIdentity *identity, Error *err);

/* Machine's thread: from now on the medium's point (MediumPointOps) is what it has now, until the thaw; with
 * what it is. */
bool disk_freeze(Disk *disk, MediumIdentity *identity, Error *err);
/* Of a frozen one: see MediumPointOps.refreeze(). */
bool disk_freeze_again(Disk *disk, MediumIdentity *identity, Error *err);
void disk_thaw(Disk *disk);

/* Machine's thread: nothing that was submitted is carried out, and the lock on the medium is free for another
 * process, from disk_let_go() to disk_take_again(). False with err set if somebody else has it now: the disk
 * goes on standing still. */
void disk_let_go(Disk *disk);
bool disk_take_again(Disk *disk, Error *err);
/* Machine's thread: marks of media (MediumPointOps). `since`: whether, and after the freeze. */
void disk_mark(Disk *disk, const uint64_t *id);
bool disk_since(Disk *disk, const uint64_t *id);

const MediumPointOps *disk_point_ops(const Disk *disk); /* NULL: none */

typedef struct DiskStats {
    uint64_t requests[DISK_ACTIONS], bytes[DISK_ACTIONS], errors, at_once;
} DiskStats;
const DiskStats *disk_stats(const Disk *disk);

/* ---- Slots --------------------------------------------------------------------------------------- */

/* Where media can be. */
typedef enum DiskSlotNumber {
    DISK_SLOT_SD,
    DISK_SLOT_CF,
    DISK_SLOT_VIRTIO,
    DISK_SLOTS = DISK_SLOT_VIRTIO + 8
} DiskSlotNumber;

typedef struct DiskSlot {
    Disk *disk; /* NULL: empty */
    /* Guest side, set by the device: the disk in the slot is another one now, or none, or another size. */
    void (*changed)(void *opaque);
    void *changed_opaque;
    JournalChannel *channel; /* for failures of the host; NULL: no journal */
} DiskSlot;

/* What goes wrong goes through the journal, by this name, from now on. */
void disk_slot_set_journal(DiskSlot *slot, Journal *journal, const char *name);

/* Host side, between instructions: puts a disk in, or takes it out (NULL), and tells the device. What was in
 * it is returned; its requests are finished before, so that none is lost. */
Disk *disk_slot_set(DiskSlot *slot, Disk *disk);

#endif
