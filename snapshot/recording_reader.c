/* See recording.h. The file is read at once; its bytes are those of the entries, more or less. */
#define _GNU_SOURCE
#include "snapshot/recording.h"

#include <stdlib.h>
#include <string.h>

#include "machine/checked.h"
#include "snapshot/bytes.h"
#include "snapshot/chunk.h"
#include "snapshot/disk_record.h"
#include "snapshot/recording_code.h"

enum { OPTIONS_MOST = 1 << 20, CHANNELS_MOST = JOURNAL_CHANNELS * (JOURNAL_NAME + 1) };

struct Recording {
    char *path, *options;
    char channel[JOURNAL_CHANNELS][JOURNAL_NAME];
    unsigned channels, disks, entries;
    DiskRecord disk[DISK_SLOTS];
    JournalEntry *entry;
    unsigned capacity;
    uint8_t **piece; /* what chunks of entries held */
    unsigned pieces;
    bool whole;
};

/* The payload with a 0 behind it; NULL with err set. */
static uint8_t *load(const ChunkFile *file, const Chunk *chunk, uint64_t most, Error *err)
{
    if (chunk->length > most) {
        error_set(err, "it has a chunk that is too large");
        return NULL;
    }
    uint8_t *data = checked(malloc(chunk->length + 1));
    data[chunk->length] = 0;
    if (chunk_read(file, chunk, data, err))
        return data;
    free(data);
    return NULL;
}

/* ---- The first part ------------------------------------------------------------------------------------ */

static bool take_options(Recording *r, uint8_t *data, size_t size, Error *err)
{
    free(r->options);
    r->options = (char *)data;
    return !memchr(data, 0, size) || error_set(err, "its options are no text");
}

static bool take_channels(Recording *r, const uint8_t *data, size_t size, Error *err)
{
    Cursor cursor = {.at = data, .left = size};
    char name[256];
    while (cursor.left && !cursor.short_of) {
        cursor_take_name(&cursor, name);
        if (cursor.short_of || !*name || strlen(name) >= JOURNAL_NAME || r->channels == JOURNAL_CHANNELS)
            return error_set(err, "its list of channels is damaged");
        memcpy(r->channel[r->channels++], name, strlen(name) + 1);
    }
    return true;
}

static bool take_disk(Recording *r, const uint8_t *data, size_t size, Error *err)
{
    if (r->disks == DISK_SLOTS)
        return error_set(err, "it has too many disks");
    return disk_record_decode(&r->disk[r->disks++], data, size, err);
}

/* Options, channels, disks. */
static bool take_head(Recording *r, const ChunkFile *file, const Chunk *chunk, Error *err)
{
    bool options = !strcmp(chunk->type, CHUNK_OPTIONS), channels = !strcmp(chunk->type, CHUNK_CHANNELS);
    uint64_t most = options ? OPTIONS_MOST : channels ? CHANNELS_MOST : DISK_RECORD_MOST;
    uint8_t *data = load(file, chunk, most, err);
    if (!data)
        return false;
    if (options)
        return take_options(r, data, chunk->length, err);
    bool ok = channels ? take_channels(r, data, chunk->length, err) : take_disk(r, data, chunk->length, err);
    free(data);
    return ok;
}

/* ---- Entries ------------------------------------------------------------------------------------------- */

static uint64_t take_varint(Cursor *cursor)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = cursor_take8(cursor);
        if (cursor->short_of || shift > 63 || (shift == 63 && byte > 1)) {
            cursor->short_of = true;
            return 0;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

static JournalEntry *new_entry(Recording *r)
{
    if (r->entries == r->capacity) {
        r->capacity = 2 * r->capacity + 1024;
        r->entry = checked(realloc(r->entry, r->capacity * sizeof *r->entry));
    }
    return &r->entry[r->entries];
}

static bool take_entry(Recording *r, Cursor *cursor)
{
    JournalEntry *entry = new_entry(r);
    const JournalPlace *last = r->entries ? &r->entry[r->entries - 1].place : &(JournalPlace){0};
    uint8_t flags = cursor_take8(cursor), channel = cursor_take8(cursor), turn = cursor_take8(cursor);
    uint64_t icount = take_varint(cursor), time = take_varint(cursor), size = take_varint(cursor);
    bool sound = !cursor->short_of && !(flags & ~(ENTRY_RESULT | ENTRY_SETTLED)) && channel < r->channels &&
                 size <= JOURNAL_ENTRY_MOST && (size || flags & ENTRY_RESULT) &&
                 icount <= UINT64_MAX / 4 - last->icount && time <= UINT64_MAX / 4 - last->time;
    const uint8_t *data = sound ? cursor_take(cursor, size) : NULL;
    if (!data)
        return false;
    *entry = (JournalEntry){
        .place = {last->icount + icount, last->time + time, turn, flags & ENTRY_SETTLED},
        .kind = flags & ENTRY_RESULT ? JOURNAL_RESULT : JOURNAL_EVENT,
        .channel = channel,
        .size = (uint32_t)size,
        .data = (uint8_t *)data
    };
    r->entries++;
    return true;
}

/* False: something is damaged, and the recording ends before it. */
static bool take_entries(Recording *r, const ChunkFile *file, const Chunk *chunk)
{
    uint8_t *data = load(file, chunk, 4u * ENTRIES_AT_ONCE + 2u * JOURNAL_ENTRY_MOST, NULL);
    if (!data)
        return false;
    r->piece = checked(realloc(r->piece, (r->pieces + 1) * sizeof *r->piece));
    r->piece[r->pieces++] = data;
    Cursor cursor = {.at = data, .left = chunk->length};
    while (cursor.left)
        if (!take_entry(r, &cursor))
            return false;
    return true;
}

static bool read_all(Recording *r, const ChunkFile *file, Error *err)
{
    unsigned n = 0;
    for (; n < file->count && strcmp(file->chunk[n].type, CHUNK_ENTRIES); n++) {
        const char *type = file->chunk[n].type;
        bool known =
            !strcmp(type, CHUNK_OPTIONS) || !strcmp(type, CHUNK_CHANNELS) || !strcmp(type, CHUNK_DISK);
        if (!known)
            return error_set(err, "it has something that this armature does not know");
        if (!take_head(r, file, &file->chunk[n], err))
            return false;
    }
    if (!r->options || !r->channels)
        return error_set(err, "it is cut off");
    while (n < file->count && !strcmp(file->chunk[n].type, CHUNK_ENTRIES) &&
           take_entries(r, file, &file->chunk[n]))
        n++;
    r->whole = n == file->count && !file->cut_off;
    return true;
}

Recording *recording_open(const char *path, Error *err)
{
    Error why;
    ChunkFile file;
    Recording *r = checked(calloc(1, sizeof *r));
    r->path = checked(strdup(path));
    bool ok = chunk_open(&file, CHUNKS_RECORDING, path, &why) && read_all(r, &file, &why);
    chunk_close(&file);
    if (ok)
        return r;
    recording_close(r);
    error_set(err, "cannot use the recording %.400s: %.600s", path, why.text);
    return NULL;
}

void recording_close(Recording *recording)
{
    if (!recording)
        return;
    for (unsigned n = 0; n < recording->pieces; n++)
        free(recording->piece[n]);
    free(recording->piece);
    free(recording->entry);
    free(recording->options);
    free(recording->path);
    free(recording);
}

const char *recording_options(const Recording *recording)
{
    return recording->options;
}

bool recording_is_whole(const Recording *recording)
{
    return recording->whole;
}

unsigned recording_entries(const Recording *recording)
{
    return recording->entries;
}

/* ---- Using it ------------------------------------------------------------------------------------------ */

static bool check_disk(const DiskRecord *record, Disk *disk, Error *err)
{
    MediumIdentity now;
    const MediumIdentity *then = &record->medium;
    const char *slot = disk_slot_name(record->slot);
    if (!disk)
        return error_set(err, "%s is missing; it was %.400s", slot, then->file);
    if (!disk_identify(disk, &now, err))
        return false;
    if (disk_size(disk) != record->size || now.size != then->size || now.sample != then->sample ||
        (then->modified && now.modified != then->modified))
        return error_set(err, "%s is another medium than %.400s was, or was changed since", slot, then->file);
    return disk_read_only(disk) || now.keeps_changes ||
           error_set(err, "%s would be changed by the run; add overlay=temp", slot);
}

bool recording_check_disks(const Recording *recording, Machine *machine, Error *err)
{
    bool known[DISK_SLOTS] = {false};
    Error why;
    for (unsigned n = 0; n < recording->disks; n++) {
        const DiskRecord *record = &recording->disk[n];
        known[record->slot] = true;
        if (!check_disk(record, machine->env.disk[record->slot].disk, &why))
            return error_set(err, "cannot replay %.400s: %.600s", recording->path, why.text);
    }
    for (unsigned n = 0; n < DISK_SLOTS; n++)
        if (machine->env.disk[n].disk && !known[n])
            return error_set(err, "cannot replay %.400s: %s was empty", recording->path, disk_slot_name(n));
    return true;
}

bool recording_feed(const Recording *recording, Journal *journal, Error *err)
{
    for (unsigned n = 0; n < recording->entries; n++) {
        JournalEntry entry = recording->entry[n];
        const JournalChannel *channel = journal_channel_find(journal, recording->channel[entry.channel]);
        if (!channel)
            return error_set(err, "cannot replay %.400s: this armature does not know its channel %s",
                             recording->path, recording->channel[entry.channel]);
        entry.channel = journal_channel_number(channel);
        if (!journal_append(journal, &entry))
            return error_set(err, "cannot replay %.400s: its entry %u makes no sense", recording->path, n);
    }
    return true;
}
