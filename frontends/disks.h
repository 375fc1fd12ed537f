/* The disks of a session: opens what --disk names, puts it into the board's slots, and tells the user of
 * trouble. */
#ifndef ARMATURE_FRONTENDS_DISKS_H
#define ARMATURE_FRONTENDS_DISKS_H

#include <stdbool.h>

#include "frontends/disk_spec.h"
#include "images/image.h"
#include "machine/machine.h"

typedef struct Disks Disks;

/* A slot of the board, in it or not. */
typedef struct DiskPlace {
    const char *name; /* "disk0", "sd"; or as name= says */
    DiskBus bus;
    DiskSlot *slot;
    JournalChannel *media; /* NULL: no journal */
    DiskImage image;       /* while slot->disk: what it is; the medium belongs to the disk */
} DiskPlace;

/* Opens everything; recorded: a recording is replayed, and all overlays are temporary. NULL with err set. */
Disks *disks_new(Machine *machine, const char *const *specs, unsigned count, bool recorded, Error *err);
/* What the guest has submitted is done before; the machine is still there. NULL is allowed. */
void disks_free(Disks *disks);

unsigned disks_count(const Disks *disks);
DiskPlace *disks_place(Disks *disks, unsigned n);
/* By name; NULL: there is none. */
DiskPlace *disks_find(Disks *disks, const char *name);

/* What is done to media goes through the machine's journal from now on. */
void disks_set_journal(Disks *disks);

/* Between instructions: puts what the spec names into an empty place; its if= and name= do not count. */
bool disks_insert(Disks *disks, DiskPlace *place, const DiskSpec *spec, Error *err);
/* The same, from text as --disk has it. */
bool disks_insert_text(Disks *disks, DiskPlace *place, const char *text, Error *err);
/* Between instructions, on a place with a disk. Takes it out, flushed. */
bool disks_eject(Disks *disks, DiskPlace *place, Error *err);
/* Writes an overlay's changes to what is below; forgets them. Time stands still meanwhile. */
bool disks_commit(Disks *disks, DiskPlace *place, Error *err);
bool disks_revert(Disks *disks, DiskPlace *place, Error *err);

#endif
