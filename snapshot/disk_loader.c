#include "snapshot/disk_loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "snapshot/disk_record.h"

typedef struct Staged {
    DiskRecord record;
    const MediumPointOps *ops;
    void *stage; /* NULL: there must not be changes, or they are not wanted */
    bool not_wanted;
    bool whole;                   /* no file below has anything of it */
    char name[MEDIUM_FILE_BYTES]; /* of the machine's, for messages */
} Staged;

struct StagedDisks {
    Staged staged[DISK_SLOTS]; /* as in the file */
    unsigned count;
};

/* ---- Is it the same? ----------------------------------------------------------------------------------- */

static void date(int64_t ns, char *text, size_t size)
{
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm tm;
    if (!localtime_r(&seconds, &tm) || !strftime(text, size, "%Y-%m-%d %H:%M:%S", &tm))
        snprintf(text, size, "another time");
}

/* What to do about it. */
static bool refuse(Error *err, const char *slot, const char *why, bool has_overlay)
{
    return error_set(err, "%s: %.650s; %s--force loads all the same", slot, why,
                     has_overlay ? "" : "with overlay=temp, changes become part of snapshots; ");
}

/* The files are the same; were they changed since? */
static bool check_changes(const DiskRecord *record, const MediumIdentity *is, Error *err)
{
    const MediumIdentity *was = &record->medium;
    const char *slot = disk_slot_name(record->slot);
    char why[800], then[64], now[64];
    date(was->modified, then, sizeof then);
    date(is->modified, now, sizeof now);
    bool same_run = was->run && was->run == is->run;
    if (same_run && was->changes == is->changes)
        return true;
    if (same_run)
        snprintf(why, sizeof why, "%.300s was changed since", is->file);
    else if (was->modified && is->modified && was->modified != is->modified)
        snprintf(why, sizeof why,
                 "the snapshot was made with %.200s as it was on %s, but %.200s was changed on %s", was->file,
                 then, is->file, now);
    else if (!(was->modified && is->modified) && was->changes)
        snprintf(why, sizeof why, "whether %.300s was changed since cannot be known", is->file);
    else if (was->sample != is->sample)
        snprintf(why, sizeof why, "%.200s is not what %.200s was when the snapshot was made", is->file,
                 was->file);
    else
        return true;
    return refuse(err, slot, why, was->keeps_changes || is->keeps_changes);
}

static bool check_identity(const DiskRecord *record, const MediumIdentity *is, Error *err)
{
    const MediumIdentity *was = &record->medium;
    char why[800];
    if (was->size == is->size)
        return check_changes(record, is, err);
    snprintf(why, sizeof why, "the snapshot was made with %.200s, of %llu bytes, and %.200s has %llu",
             was->file, (unsigned long long)was->size, is->file, (unsigned long long)is->size);
    return refuse(err, disk_slot_name(record->slot), why, true);
}

/* ---- Staging ------------------------------------------------------------------------------------------- */

static bool stage_disk(Staged *staged, Disk *disk, DiskRigour rigour, Error *err)
{
    const DiskRecord *record = &staged->record;
    const char *slot = disk_slot_name(record->slot);
    MediumIdentity is;
    Error why;
    if (!disk || disk_size(disk) != record->size)
        return error_set(err, "%s: the machine has no disk of %llu bytes there", slot,
                         (unsigned long long)record->size);
    if (!disk_identify(disk, &is, &why))
        return error_set(err, "%s: %.800s", slot, why.text);
    if (rigour == DISKS_SAME && !check_identity(record, &is, err))
        return false;
    snprintf(staged->name, sizeof staged->name, "%s", is.file);
    staged->ops = disk_point_ops(disk);
    if (!is.keeps_changes) {
        staged->not_wanted = rigour == DISKS_FORCED;
        return true;
    }
    staged->stage = staged->ops->stage(disk_medium(disk), &why);
    return staged->stage || error_set(err, "%s: %.800s", slot, why.text);
}

static bool read_record(DiskRecord *record, const ChunkFile *file, const Chunk *chunk, Error *err)
{
    uint8_t payload[DISK_RECORD_MOST];
    if (chunk->length > sizeof payload)
        return error_set(err, "a disk's description is too long");
    return chunk_read(file, chunk, payload, err) && disk_record_decode(record, payload, chunk->length, err);
}

static bool stage_record(StagedDisks *disks, const ChunkFile *file, const Chunk *chunk, Machine *machine,
                         DiskRigour rigour, Error *err)
{
    static const uint64_t most = (uint64_t)UINT32_MAX * MEDIUM_BLOCK;
    Staged *staged = &disks->staged[disks->count];
    if (disks->count == DISK_SLOTS)
        return error_set(err, "there are too many disks");
    if (!read_record(&staged->record, file, chunk, err))
        return false;
    staged->whole = !staged->record.from_base;
    for (unsigned n = 0; n < disks->count; n++)
        if (disks->staged[n].record.slot == staged->record.slot)
            return error_set(err, "%s is there twice", disk_slot_name(staged->record.slot));
    disks->count++;
    if (staged->record.size > most)
        return error_set(err, "%s: its size is impossible", disk_slot_name(staged->record.slot));
    staged->not_wanted = rigour == DISKS_DRY;
    return rigour == DISKS_DRY ||
           stage_disk(staged, machine->env.disk[staged->record.slot].disk, rigour, err);
}

static bool check_all_there(const StagedDisks *disks, const Machine *machine, Error *err)
{
    for (unsigned slot = 0; slot < DISK_SLOTS; slot++) {
        bool found = !machine->env.disk[slot].disk;
        for (unsigned n = 0; n < disks->count; n++)
            found |= disks->staged[n].record.slot == slot;
        if (!found)
            return error_set(err, "%s: the file does not say what was on it; --force loads all the same",
                             disk_slot_name(slot));
    }
    return true;
}

StagedDisks *disks_stage(const ChunkFile *file, Machine *machine, DiskRigour rigour, Error *err)
{
    StagedDisks *disks = calloc(1, sizeof *disks);
    if (!disks)
        abort();
    bool ok = true;
    for (unsigned n = 0; ok && n < file->count; n++)
        if (!strcmp(file->chunk[n].type, CHUNK_DISK))
            ok = stage_record(disks, file, &file->chunk[n], machine, rigour, err);
    if (ok && (rigour != DISKS_SAME || check_all_there(disks, machine, err)))
        return disks;
    disks_unstage(disks);
    return NULL;
}

/* ---- Files below --------------------------------------------------------------------------------------- */

static Staged *at_slot(StagedDisks *disks, uint32_t slot)
{
    for (unsigned n = 0; n < disks->count; n++)
        if (disks->staged[n].record.slot == slot)
            return &disks->staged[n];
    return NULL;
}

bool disks_below(StagedDisks *disks, const ChunkFile *file, unsigned *map, unsigned *count, Error *err)
{
    bool found[DISK_SLOTS] = {false};
    *count = 0;
    for (unsigned n = 0; n < file->count; n++) {
        DiskRecord record;
        if (!chunk_is(&file->chunk[n], CHUNK_DISK))
            continue;
        if (*count == DISK_SLOTS)
            return error_set(err, "there are too many disks");
        if (!read_record(&record, file, &file->chunk[n], err))
            return false;
        Staged *staged = at_slot(disks, record.slot);
        if (found[record.slot])
            return error_set(err, "%s is there twice", disk_slot_name(record.slot));
        found[record.slot] = true;
        bool used = staged && !staged->whole;
        if (used && record.size != staged->record.size)
            return error_set(err, "%s is of another size there", disk_slot_name(record.slot));
        map[(*count)++] = used ? (unsigned)(staged - disks->staged) : DISK_NOT_HERE;
        if (used)
            staged->whole = !record.from_base;
    }
    for (unsigned n = 0; n < disks->count; n++)
        if (!disks->staged[n].whole && !found[disks->staged[n].record.slot])
            return error_set(err, "%s is not there", disk_slot_name(disks->staged[n].record.slot));
    return true;
}

bool disks_founded(const StagedDisks *disks, Error *err)
{
    for (unsigned n = 0; n < disks->count; n++)
        if (!disks->staged[n].whole)
            return error_set(err, "%s: its changes are said to be in a base, and there is none",
                             disk_slot_name(disks->staged[n].record.slot));
    return true;
}

void disks_again(StagedDisks *disks)
{
    for (unsigned n = 0; n < disks->count; n++)
        if (disks->staged[n].stage)
            disks->staged[n].ops->again(disks->staged[n].stage);
}

void disks_unstage(StagedDisks *disks)
{
    for (unsigned n = 0; disks && n < disks->count; n++)
        if (disks->staged[n].stage)
            disks->staged[n].ops->drop(disks->staged[n].stage);
    free(disks);
}

void disks_renew(StagedDisks *disks)
{
    for (unsigned n = 0; n < disks->count; n++)
        if (disks->staged[n].stage)
            disks->staged[n].ops->renew(disks->staged[n].stage);
}

bool disks_check_same(const StagedDisks *disks, const ChunkFile *file, Error *err)
{
    uint8_t payload[DISK_RECORD_MOST];
    DiskRecord record;
    unsigned count = 0;
    bool same = true;
    for (unsigned n = 0; same && n < file->count; n++) {
        const Chunk *chunk = &file->chunk[n];
        if (strcmp(chunk->type, CHUNK_DISK) != 0)
            continue;
        if (count == disks->count || chunk->length > sizeof payload)
            return error_set(err, "its disks have changed on the way");
        if (!chunk_read(file, chunk, payload, err) ||
            !disk_record_decode(&record, payload, chunk->length, err))
            return false;
        const DiskRecord *was = &disks->staged[count++].record;
        same = record.slot == was->slot && record.size == was->size;
    }
    return (same && count == disks->count) || error_set(err, "its disks have changed on the way");
}

/* ---- Blocks -------------------------------------------------------------------------------------------- */

/* False: not to be put. */
static bool wanted(StagedDisks *disks, uint32_t n, uint64_t block, uint64_t count, bool *ok, Error *err)
{
    Staged *staged = n < disks->count ? &disks->staged[n] : NULL;
    uint64_t blocks = staged ? (staged->record.size + MEDIUM_BLOCK - 1) / MEDIUM_BLOCK : 0;
    *ok = block < blocks && count <= blocks - block;
    if (!*ok)
        return error_set(err, "pages: there is no such memory, or no such block of a disk");
    if (staged->stage)
        return true;
    *ok = staged->not_wanted;
    return *ok ? false
               : error_set(err,
                           "%s: it was saved with an overlay and has changes, but %.300s has no overlay: add "
                           "overlay=temp; --force loads without them",
                           disk_slot_name(staged->record.slot), staged->name);
}

bool disks_put(StagedDisks *disks, uint32_t n, uint64_t block, uint64_t count, const uint8_t *data,
               Error *err)
{
    bool ok;
    if (!wanted(disks, n, block, count, &ok, err))
        return ok;
    return disks->staged[n].ops->put(disks->staged[n].stage, block, count, data, err);
}

bool disks_put_equal(StagedDisks *disks, uint32_t n, uint64_t block, uint64_t count, uint64_t source,
                     Error *err)
{
    uint8_t data[MEDIUM_BLOCK];
    bool ok;
    if (!wanted(disks, n, block, count, &ok, err))
        return ok;
    const Staged *staged = &disks->staged[n];
    ok = staged->ops->get(staged->stage, source, data, err);
    for (uint64_t k = 0; ok && k < count; k++)
        ok = staged->ops->put(staged->stage, block + k, 1, data, err);
    return ok;
}

bool disks_ready(StagedDisks *disks, Error *err)
{
    for (unsigned n = 0; n < disks->count; n++)
        if (disks->staged[n].stage && !disks->staged[n].ops->ready(disks->staged[n].stage, err))
            return false;
    return true;
}

bool disks_swap(StagedDisks *disks, Error *err)
{
    Error other;
    for (unsigned n = 0; n < disks->count; n++) {
        const Staged *staged = &disks->staged[n];
        if (!staged->stage || staged->ops->swap(staged->stage, err))
            continue;
        while (n--)
            if (disks->staged[n].stage)
                disks->staged[n].ops->swap(disks->staged[n].stage, &other);
        return false;
    }
    return true;
}
