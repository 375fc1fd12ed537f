#include "frontends/disks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "images/manage.h"

enum { PLACES = DISK_SLOTS, NAME_BYTES = 32 };

typedef struct Entry {
    DiskPlace place;
    char name[NAME_BYTES];
} Entry;

struct Disks {
    Machine *machine;
    Entry entry[PLACES];
    unsigned count;
    bool recorded; /* a recording is replayed */
};

/* While the guest runs: it may have left the cursor in the middle of a line. */
static void trouble(void *opaque, const char *text)
{
    const DiskPlace *place = opaque;
    fprintf(stderr, "\narmature: %s: %s\n", place->name, text);
}

unsigned disks_count(const Disks *disks)
{
    return disks->count;
}

DiskPlace *disks_place(Disks *disks, unsigned n)
{
    return &disks->entry[n].place;
}

DiskPlace *disks_find(Disks *disks, const char *name)
{
    for (unsigned n = 0; n < disks->count; n++)
        if (!strcmp(disks->entry[n].name, name))
            return &disks->entry[n].place;
    return NULL;
}

/* ---- Media ------------------------------------------------------------------------------------------- */

bool disks_insert(Disks *disks, DiskPlace *place, const DiskSpec *spec, Error *err)
{
    Machine *machine = disks->machine;
    /* Whatever the recording says: a replay changes nothing. */
    bool temporary = disks->recorded && !spec->read_only;
    ImageOptions options = {.path = spec->file,
                            .overlay = temporary ? NULL : spec->overlay,
                            .temporary = temporary || spec->temporary,
                            .read_only = spec->read_only,
                            .raw = spec->raw};
    if (!image_open(&place->image, &options, err))
        return false;
    if (*place->image.note)
        fprintf(stderr, "armature: %s: %s\n", place->name, place->image.note);
    memcpy(place->image.info.serial, spec->serial, sizeof spec->serial);
    Disk *disk = disk_new(place->name, place->image.ops, place->image.medium, &place->image.info,
                          machine->options.deterministic ? machine->clock : NULL, machine->arrivals);
    disk_on_trouble(disk, trouble, place);
    disk_slot_set(place->slot, disk);
    machine_changed(machine);
    return true;
}

/* What was submitted is done, and on the host's medium. */
static bool take_out(DiskPlace *place, Error *err)
{
    const MediumOps *ops = place->image.ops;
    Disk *disk = disk_slot_set(place->slot, NULL);
    bool kept = disk_read_only(disk) || !ops->flush(disk_medium(disk), err);
    disk_free(disk);
    place->image = (DiskImage){.kind = IMAGE_FILE};
    return kept;
}

/* What is done to media: the event's data are the place's name, and text behind its 0. */
enum { INSERT = 'i', EJECT = 'e', REVERT = 'r' };

static bool enters(const DiskPlace *place, uint8_t what, const char *text, Error *err)
{
    char bytes[8192];
    size_t name = strlen(place->name) + 1, length = strlen(text) + 1;
    if (name + length > sizeof bytes)
        return error_set(err, "its name is too long");
    memcpy(bytes, place->name, name);
    memcpy(bytes + name, text, length);
    return journal_event(place->media, what, bytes, name + length) ||
           error_set(err, "a recording is being replayed");
}

/* A recording that changes what it began with could not be replayed. */
static bool may_change(const DiskPlace *place, Error *err)
{
    return !place->media || error_set(err, "not while a run is recorded or replayed");
}

bool disks_insert_text(Disks *disks, DiskPlace *place, const char *text, Error *err)
{
    DiskSpec spec;
    char folder[4096], *whole = disk_spec_move(text, getcwd(folder, sizeof folder));
    bool ok = disk_spec_parse(&spec, text, err);
    if (ok && place->slot->disk)
        ok = error_set(err, "%s has a disk; disk_eject takes it out", place->name);
    if (ok && place->media && !spec.read_only && !spec.temporary)
        ok = error_set(err, "a run that is recorded must not change it; add overlay=temp");
    ok = ok && enters(place, INSERT, whole, err) && disks_insert(disks, place, &spec, err);
    disk_spec_free(&spec);
    free(whole);
    return ok;
}

bool disks_eject(Disks *disks, DiskPlace *place, Error *err)
{
    (void)disks;
    return enters(place, EJECT, "", err) && take_out(place, err);
}

/* False: it stands still already, and somebody else lets it go on. */
static bool hold_time(Disks *disks)
{
    bool runs = disks->machine->held_at == CLOCK_NEVER;
    if (runs)
        machine_hold_time(disks->machine, true);
    return runs;
}

bool disks_commit(Disks *disks, DiskPlace *place, Error *err)
{
    if (!may_change(place, err))
        return false;
    bool hold = hold_time(disks);
    disk_drain(place->slot->disk);
    machine_changed(disks->machine);
    bool ok = image_commit(&place->image, NULL, err);
    if (hold)
        machine_hold_time(disks->machine, false);
    return ok;
}

bool disks_revert(Disks *disks, DiskPlace *place, Error *err)
{
    if (!enters(place, REVERT, "", err))
        return false;
    bool hold = hold_time(disks);
    disk_drain(place->slot->disk);
    machine_changed(disks->machine);
    bool ok = image_forget_changes(&place->image, err);
    if (hold)
        machine_hold_time(disks->machine, false);
    if (ok && place->slot->changed)
        place->slot->changed(place->slot->changed_opaque);
    return ok;
}

static bool apply(void *opaque, uint8_t what, const uint8_t *data, size_t size)
{
    Disks *disks = opaque;
    const char *name = (const char *)data;
    size_t length = strnlen(name, size);
    DiskPlace *place = length < size && !data[size - 1] ? disks_find(disks, name) : NULL;
    Error err = {""};
    bool full = place && place->slot->disk, ok = false;
    if (place && what == INSERT && !full && length + 1 < size)
        ok = disks_insert_text(disks, place, name + length + 1, &err);
    else if (full && what == EJECT)
        ok = disks_eject(disks, place, &err);
    else if (full && what == REVERT)
        ok = disks_revert(disks, place, &err);
    if (!ok && *err.text)
        journal_channel_fail(place->media, "%s: %s", place->name, err.text);
    return ok || *err.text;
}

void disks_set_journal(Disks *disks)
{
    JournalChannel *media = journal_channel(disks->machine->journal, "media", apply, disks);
    for (unsigned n = 0; n < disks->count; n++)
        disks->entry[n].place.media = media;
}

/* ---- All of them ------------------------------------------------------------------------------------- */

static Entry *add(Disks *disks, DiskBus bus, DiskSlot *slot, const char *name)
{
    Entry *entry = &disks->entry[disks->count++];
    snprintf(entry->name, sizeof entry->name, "%s", name);
    entry->place = (DiskPlace){.name = entry->name, .bus = bus, .slot = slot};
    return entry;
}

/* Every slot of the board is a place, whether something is in it or not. */
static void add_places(Disks *disks)
{
    char name[NAME_BYTES];
    DiskSlot *slots = disks->machine->env.disk;
    for (unsigned n = 0; n < disks->machine->options.virtio_disks; n++) {
        snprintf(name, sizeof name, "disk%u", n);
        add(disks, DISK_BUS_VIRTIO, &slots[DISK_SLOT_VIRTIO + n], name);
    }
    add(disks, DISK_BUS_SD, &slots[DISK_SLOT_SD], "sd");
    add(disks, DISK_BUS_CF, &slots[DISK_SLOT_CF], "cf");
}

static Entry *first_empty(Disks *disks, DiskBus bus)
{
    for (unsigned n = 0; n < disks->count; n++)
        if (disks->entry[n].place.bus == bus && !disks->entry[n].place.slot->disk)
            return &disks->entry[n];
    return NULL;
}

static bool open_one(Disks *disks, const char *text, Error *err)
{
    DiskSpec spec;
    Error why;
    bool ok = disk_spec_parse(&spec, text, &why);
    Entry *entry = ok ? first_empty(disks, spec.bus) : NULL;
    const DiskPlace *same = ok && spec.name ? disks_find(disks, spec.name) : NULL;
    if (ok && !entry)
        ok = error_set(&why, "the machine that was saved has no such place for a disk");
    if (ok && same && same != &entry->place)
        ok = error_set(&why, "another disk has that name");
    if (ok && spec.name)
        snprintf(entry->name, sizeof entry->name, "%s", spec.name);
    ok = ok && disks_insert(disks, &entry->place, &spec, &why);
    disk_spec_free(&spec);
    return ok || error_set(err, "--disk %.300s: %.600s", text, why.text);
}

Disks *disks_new(Machine *machine, const char *const *specs, unsigned count, bool recorded, Error *err)
{
    Disks *disks = calloc(1, sizeof *disks);
    if (!disks)
        abort();
    disks->machine = machine;
    disks->recorded = recorded;
    add_places(disks);
    for (unsigned n = 0; n < count; n++)
        if (!open_one(disks, specs[n], err)) {
            disks_free(disks);
            return NULL;
        }
    return disks;
}

void disks_free(Disks *disks)
{
    Error err;
    for (unsigned n = 0; disks && n < disks->count; n++) {
        DiskPlace *place = &disks->entry[n].place;
        if (place->slot->disk && !take_out(place, &err))
            fprintf(stderr, "armature: %s: %s\n", place->name, err.text);
    }
    free(disks);
}
