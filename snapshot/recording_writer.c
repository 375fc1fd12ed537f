/* See recording.h. Entries are collected, and written as one chunk when somebody flushes. */
#define _GNU_SOURCE
#include "snapshot/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "snapshot/bytes.h"
#include "snapshot/chunk.h"
#include "snapshot/disk_record.h"
#include "snapshot/recording_code.h"

struct RecordingWriter {
    char *path;
    Journal *journal;
    ChunkWriter chunks;
    Buffer buffer;
    JournalPlace last; /* of the entry before */
    bool failed;
};

static void put_varint(Buffer *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buffer_put8(out, (uint8_t)(value | 0x80));
    buffer_put8(out, (uint8_t)value);
}

static void take_entry(void *opaque, const JournalEntry *entry)
{
    RecordingWriter *writer = opaque;
    Buffer *out = &writer->buffer;
    if (writer->failed)
        return;
    buffer_put8(out, (uint8_t)((entry->kind == JOURNAL_RESULT ? ENTRY_RESULT : 0) |
                               (entry->place.settled ? ENTRY_SETTLED : 0)));
    buffer_put8(out, (uint8_t)entry->channel);
    buffer_put8(out, entry->place.turn);
    put_varint(out, entry->place.icount - writer->last.icount);
    put_varint(out, entry->place.time - writer->last.time);
    put_varint(out, entry->size);
    buffer_put(out, entry->data, entry->size);
    writer->last = entry->place;
    if (out->size > ENTRIES_AT_ONCE)
        recording_flush(writer, NULL);
}

static bool write_disks(RecordingWriter *writer, Machine *machine, Error *err)
{
    for (unsigned n = 0; n < DISK_SLOTS; n++) {
        Disk *disk = machine->env.disk[n].disk;
        DiskRecord record = {.slot = n};
        Buffer out = {0};
        if (!disk)
            continue;
        record.size = disk_size(disk);
        if (!disk_identify(disk, &record.medium, err))
            return false;
        if (!disk_read_only(disk) && !record.medium.keeps_changes)
            return error_set(
                err, "%s would be changed by the run, which could not be repeated then; add overlay=temp",
                disk_name(disk));
        disk_record_encode(&record, &out);
        bool ok = chunk_write(&writer->chunks, CHUNK_DISK, out.data, out.size, err);
        buffer_free(&out);
        if (!ok)
            return false;
    }
    return true;
}

static bool write_channels(RecordingWriter *writer, Error *err)
{
    Buffer out = {0};
    const char *name;
    for (unsigned n = 0; (name = journal_channel_name(writer->journal, n)); n++)
        buffer_put_name(&out, name);
    bool ok = chunk_write(&writer->chunks, CHUNK_CHANNELS, out.data, out.size, err);
    buffer_free(&out);
    return ok;
}

static void free_writer(RecordingWriter *writer)
{
    if (writer->chunks.fd >= 0)
        close(writer->chunks.fd);
    buffer_free(&writer->buffer);
    free(writer->path);
    free(writer);
}

RecordingWriter *recording_create(const char *path, Machine *machine, const char *options, Error *err)
{
    Error why;
    RecordingWriter *writer = calloc(1, sizeof *writer);
    if (!writer || !(writer->path = strdup(path)))
        abort();
    writer->journal = machine->journal;
    int fd = writer->chunks.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool ok = fd >= 0 || error_set(&why, "%s", strerror(errno));
    ok = ok && chunk_begin(&writer->chunks, CHUNKS_RECORDING, fd, &why) &&
         chunk_write(&writer->chunks, CHUNK_OPTIONS, options, strlen(options), &why) &&
         write_channels(writer, &why) && write_disks(writer, machine, &why);
    if (!ok) {
        error_set(err, "cannot record to %.400s: %.600s", path, why.text);
        free_writer(writer);
        return NULL;
    }
    journal_on_entry(writer->journal, take_entry, writer);
    journal_keep_nothing(writer->journal, true);
    journal_record(writer->journal);
    return writer;
}

bool recording_flush(RecordingWriter *writer, Error *err)
{
    Error why;
    if (writer->failed || !writer->buffer.size)
        return true;
    bool ok = chunk_write(&writer->chunks, CHUNK_ENTRIES, writer->buffer.data, writer->buffer.size, &why);
    writer->buffer.size = 0;
    writer->failed = !ok;
    return ok || error_set(err, "cannot write the recording %.400s: %.600s", writer->path, why.text);
}

uint64_t recording_size(const RecordingWriter *writer)
{
    return writer->chunks.offset + writer->buffer.size;
}

bool recording_finish(RecordingWriter *writer, Error *err)
{
    Error why;
    if (!writer)
        return true;
    journal_on_entry(writer->journal, NULL, NULL);
    journal_stop(writer->journal);
    bool ok = recording_flush(writer, &why) && !writer->failed;
    ok = ok && (chunk_finish(&writer->chunks, &why) ||
                error_set(&why, "cannot write the recording %.400s: %.600s", writer->path, why.text));
    if (!ok && writer->failed)
        error_set(&why, "the recording %.400s is not whole", writer->path);
    free_writer(writer);
    return ok || error_set(err, "%s", why.text);
}
