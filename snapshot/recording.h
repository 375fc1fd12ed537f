/* Recordings: a journal in a file, with what the machine was. docs/replay.md has the format.
 *
 * A recording is written as the run goes on, so that one whose writer was killed holds all but the last
 * moments. Errors are one line of text; for the machine's thread. */
#ifndef ARMATURE_SNAPSHOT_RECORDING_H
#define ARMATURE_SNAPSHOT_RECORDING_H

#include "machine/journal.h"
#include "machine/machine.h"
#include "snapshot/machine_hash.h"

/* ---- Writing ------------------------------------------------------------------------------------------- */

typedef struct RecordingWriter RecordingWriter;

/* Begins a file at path with the machine's options (text, for whoever builds it again) and its disks, and
 * makes its journal, which is off, record into it. Entries do not stay in memory. NULL with err set if the
 * file cannot be written, or a disk of the machine would be changed by the run so that it could not be
 * repeated. */
RecordingWriter *recording_create(const char *path, Machine *machine, const char *options, Error *err);

/* Hands what was written down since the last time to the host. Cheap if that is nothing. False with err set,
 * once, if the host could not write; nothing more is written then. */
bool recording_flush(RecordingWriter *writer, Error *err);
uint64_t recording_size(const RecordingWriter *writer); /* bytes */

/* Writes the end, and closes. The journal is off. NULL is allowed. False with err set if the file is not
 * whole. */
bool recording_finish(RecordingWriter *writer, Error *err);

/* ---- Reading ------------------------------------------------------------------------------------------- */

typedef struct Recording Recording;

/* Reads and checks the whole file. NULL with err set if it is none, or damaged in its first part; damage
 * further behind ends it there. */
Recording *recording_open(const char *path, Error *err);
void recording_close(Recording *recording); /* NULL is allowed */

const char *recording_options(const Recording *recording); /* text */
bool recording_is_whole(const Recording *recording);
unsigned recording_entries(const Recording *recording);

/* Whether the machine's disks are those that the recording began with. False with err set if not. */
bool recording_check_disks(const Recording *recording, Machine *machine, Error *err);

/* Appends all entries to a journal. False with err set if they come from a part that it does not know, or
 * make no sense. */
bool recording_feed(const Recording *recording, Journal *journal, Error *err);

/* ---- Hashes in a journal ----------------------------------------------------------------------------- */

/* An event of the channel "hash": a fingerprint of the machine as it is, with the memories or without. */
void recording_note_hash(Machine *machine, JournalChannel *channel, bool memories);

/* Such an event, fed: name becomes that of the first component that differs, "" if the machine is the same.
 * False: it is no such event. */
enum { RECORDING_COMPONENT = 64 };
bool recording_compare_hash(Machine *machine, uint8_t what, const uint8_t *data, size_t size,
                            char name[RECORDING_COMPONENT]);

#endif
