/* The journal: everything that enters a machine from outside, with its exact place in the run, so that the
 * run can be repeated. Deterministic time is a condition.
 *
 * What comes from outside comes through doors: a serial port's serial_send(), input_send(), net_receive() and
 * so on. Each has a channel. While the journal records, a door's journal_event() writes down what enters;
 * while it replays, the same call says that the door is shut, and the machine feeds the channel's apply() at
 * the places that were written down. What the machine asks the host for (an answer of a shared folder, an
 * error of a disk) is a result: written down by journal_keep(), and given instead of the host's by
 * journal_recall().
 *
 * Entries have numbers, from 0, that stay what they are when older entries are forgotten. A point of a run
 * (a snapshot) is remembered with journal_next(): replaying from the point is replaying from that number.
 *
 * All of it is for the machine's thread. */
#ifndef ARMATURE_MACHINE_JOURNAL_H
#define ARMATURE_MACHINE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Journal Journal;
typedef struct JournalChannel JournalChannel;

enum { JOURNAL_CHANNELS = 64, JOURNAL_NAME = 32 /* bytes, with the 0 */, JOURNAL_ENTRY_MOST = 16 << 20 };

/* A place between two instructions. Several inputs may come at the same. */
typedef struct JournalPlace {
    uint64_t icount; /* machine_icount() */
    uint64_t time;   /* virtual ns: while all CPUs sleep it passes, though icount does not */
    /* Whose turn it is: twice the CPU's number, and 1 if it is in the middle of its slice. */
    uint8_t turn;
    /* Timers that were due have run since the entry before: that one may have set some. */
    bool settled;
} JournalPlace;

typedef enum JournalKind { JOURNAL_EVENT, JOURNAL_RESULT } JournalKind;

typedef struct JournalEntry {
    JournalPlace place; /* of a result: icount and time only say roughly where it was */
    JournalKind kind;
    unsigned channel; /* its number */
    uint32_t size;
    uint8_t *data; /* the journal's; of an event, the first byte is the door's `what` */
} JournalEntry;

/* JOURNAL_OFF: doors are open, nothing is written down. */
typedef enum JournalMode { JOURNAL_OFF, JOURNAL_RECORD, JOURNAL_REPLAY } JournalMode;

/* place() fills in where the machine is; called for each entry that is written down. */
Journal *journal_new(void (*place)(void *opaque, JournalPlace *place), void *opaque);
void journal_free(Journal *journal); /* NULL is allowed */

/* ---- Doors --------------------------------------------------------------------------------------------- */

/* Makes a channel. apply() feeds one event to the machine, in the way that the door itself does: the door is
 * open meanwhile. NULL: it has results only. False: the data are none of this channel. name is copied, and
 * less than JOURNAL_NAME bytes. */
JournalChannel *journal_channel(Journal *journal, const char *name,
                                bool (*apply)(void *opaque, uint8_t what, const uint8_t *data, size_t size),
                                void *opaque);

/* At a door: `size` bytes of kind `what` come in. True: go on, they enter. False: a replay is under way, and
 * they must not. NULL is allowed and always open. */
bool journal_event(JournalChannel *channel, uint8_t what, const void *data, size_t size);

/* Whether journal_event() would say true; writes nothing down. For what cannot be known before it is done. */
bool journal_open(const JournalChannel *channel);

/* What the host answered. Does nothing unless the journal records. NULL is allowed. */
void journal_keep(JournalChannel *channel, const void *data, size_t size);

/* Whether results come from the journal. NULL is allowed. */
bool journal_recalls(const JournalChannel *channel);

/* The next result, which must be this channel's; valid until the next call of anything here. NULL: the run
 * has gone another way, as journal_diverged() says from now on. */
const uint8_t *journal_recall(JournalChannel *channel, size_t *size);

/* For channels whose results are seldom anything else than good: the next entry, if it is a result of this
 * channel that was written down at this place; it stays the next. */
const JournalEntry *journal_recall_here(JournalChannel *channel);
void journal_take(JournalChannel *channel); /* takes that */

/* journal_fail() with the channel's name. */
void journal_channel_fail(JournalChannel *channel, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- The journal's owner ----------------------------------------------------------------------------- */

JournalMode journal_mode(const Journal *journal);

/* Writes down from now on, behind the entries that are there. */
void journal_record(Journal *journal);

/* Entry `number` is the next to be fed; one of those that are kept, or the next that would be written. */
void journal_replay(Journal *journal, uint64_t number);

/* Doors are open, and nothing is written down. */
void journal_stop(Journal *journal);

/* The number of the next entry: that is fed while replaying, else that is written. */
uint64_t journal_next(const Journal *journal);

/* Entries that are kept: [first, end). */
uint64_t journal_first(const Journal *journal);
uint64_t journal_end(const Journal *journal);
const JournalEntry *journal_entry(const Journal *journal, uint64_t number); /* NULL: not kept */

/* The first entry that is kept at or behind an instruction; journal_end() if there is none. */
uint64_t journal_find(const Journal *journal, uint64_t icount);

/* Drops entry `number` and all behind it: the run goes another way from there. If it replays, up to there. */
void journal_cut(Journal *journal, uint64_t number);

/* Forgets the entries before `number`; not those that a replay still needs. */
void journal_forget(Journal *journal, uint64_t number);

/* Memory that the entries take, in bytes. */
uint64_t journal_bytes(const Journal *journal);

/* Appends an entry as it is, at the end; for readers of files. False: its channel is none, it is too large,
 * or it lies before the last one. data is copied. */
bool journal_append(Journal *journal, const JournalEntry *entry);

/* Each entry that is written down, after it is; for a file. NULL: nobody. */
void journal_on_entry(Journal *journal, void (*sink)(void *opaque, const JournalEntry *entry), void *opaque);

/* Forgets each entry once it is in the sink: memory does not grow with a recording. */
void journal_keep_nothing(Journal *journal, bool nothing);

/* A door was shut for something: once for each channel in a replay. */
void journal_on_ignored(Journal *journal, void (*ignored)(void *opaque, const char *channel), void *opaque);

/* Channels, by number; NULL if there are not so many, and no channel of that name. */
const char *journal_channel_name(const Journal *journal, unsigned number);
JournalChannel *journal_channel_find(const Journal *journal, const char *name);
unsigned journal_channel_number(const JournalChannel *channel);

/* ---- The machine's side ------------------------------------------------------------------------------ */

/* The next event that a replay feeds, behind results that come before it; NULL: none, or no replay. */
const JournalEntry *journal_next_event(const Journal *journal);

/* Feeds it. If results should have been asked for before, or apply() knows nothing of it, the run has gone
 * another way. */
void journal_apply(Journal *journal);

/* Timers that were due have run. */
void journal_settled(Journal *journal);

/* The run has gone another way: what is wrong, in words, the first time. */
void journal_fail(Journal *journal, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *journal_diverged(const Journal *journal); /* NULL: all is well */

#endif
