/* See recorder.h. */
#define _GNU_SOURCE
#include "frontends/recorder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frontends/disks.h"
#include "frontends/exit_codes.h"
#include "frontends/past.h"
#include "machine/host_time.h"
#include "snapshot/recording.h"

/* Of the channel "session". */
enum { RESET = 'r', POWER_OFF = 'o', END = 'e' };

/* Hashes are made so often, in host time, but never take more than a hundredth of it: half of that for those
 * of memory, which take longest. */
#define HASH_INTERVAL_NS UINT64_C(1000000000)
#define MEMORY_INTERVAL_NS UINT64_C(10000000000)
enum { HASH_SHARE = 200 };

/* What was written down is handed to the host after so long, or before the guest sleeps. */
#define FLUSH_INTERVAL_NS UINT64_C(100000000)

struct Recorder {
    Session *session;
    Machine *machine;
    JournalChannel *hash, *life;
    RecordingWriter *writer; /* NULL: a replay */
    const char *path;
    /* Recording. */
    uint64_t flushed, hash_due, memory_due; /* host ns */
    uint64_t hashed;                        /* instructions */
    bool failed;
    /* Replaying. */
    bool replays, whole, compared;
    uint64_t equal_at; /* instructions at the last hash that was equal */
};

/* ---- Hashes -------------------------------------------------------------------------------------------- */

static uint64_t later(uint64_t used, uint64_t interval)
{
    uint64_t least = used * HASH_SHARE;
    return host_ns() + (least > interval ? least : interval);
}

static void note_hash(Recorder *recorder)
{
    uint64_t now = host_ns(), icount = machine_icount(recorder->machine);
    if (now < recorder->hash_due || icount == recorder->hashed)
        return;
    bool memories = now >= recorder->memory_due;
    uint64_t before = host_thread_ns();
    recording_note_hash(recorder->machine, recorder->hash, memories);
    recorder->hashed = icount;
    recorder->hash_due = later(memories ? 0 : host_thread_ns() - before, HASH_INTERVAL_NS);
    if (memories)
        recorder->memory_due = later(host_thread_ns() - before, MEMORY_INTERVAL_NS);
}

static void differs(Recorder *recorder, const char *component)
{
    Journal *journal = recorder->machine->journal;
    uint64_t now = machine_icount(recorder->machine);
    if (!recorder->compared)
        journal_fail(journal,
                     "%s is not as it was when the recording began: kernel, files or options are others",
                     component);
    else
        journal_fail(journal,
                     "%s differs; between %" PRIu64 " and %" PRIu64 " instructions the run went another way",
                     component, recorder->equal_at, now);
}

static bool apply_hash(void *opaque, uint8_t what, const uint8_t *data, size_t size)
{
    Recorder *recorder = opaque;
    char component[RECORDING_COMPONENT];
    if (!recording_compare_hash(recorder->machine, what, data, size, component))
        return false;
    if (*component)
        differs(recorder, component);
    else
        recorder->equal_at = machine_icount(recorder->machine);
    recorder->compared = true;
    return true;
}

/* ---- The session's life -------------------------------------------------------------------------------- */

bool recorder_reset_enters(Recorder *recorder)
{
    return !recorder || journal_event(recorder->life, RESET, NULL, 0);
}

bool recorder_power_off_enters(Recorder *recorder)
{
    return !recorder || journal_event(recorder->life, POWER_OFF, NULL, 0);
}

/* Somebody who is there may look at the machine, and go on from here; there is nobody else to decide. */
static void replayed(Recorder *recorder, int code, const char *text)
{
    uint64_t icount = machine_icount(recorder->machine);
    recorder->replays = false;
    if (!session_attended(recorder->session) || session_off(recorder->session)) {
        session_end(recorder->session, code, text);
        return;
    }
    journal_stop(recorder->machine->journal);
    session_say(recorder->session,
                "the recording ends here, after %" PRIu64 " instructions; the machine is paused", icount);
    session_pause(recorder->session);
}

static bool apply_end(Recorder *recorder, const uint8_t *data, size_t size)
{
    int32_t code;
    if (size < sizeof code)
        return false;
    for (size_t n = sizeof code; n < size; n++)
        if (data[n] < ' ' && data[n] != '\n' && data[n] != '\t')
            return false;
    memcpy(&code, data, sizeof code);
    if (code < 0 || code > 255)
        return false;
    char *text = strndup((const char *)data + sizeof code, size - sizeof code);
    replayed(recorder, code, text && *text ? text : NULL);
    free(text);
    return true;
}

static bool apply_life(void *opaque, uint8_t what, const uint8_t *data, size_t size)
{
    Recorder *recorder = opaque;
    Error err;
    if (what == END)
        return apply_end(recorder, data, size);
    if (what == POWER_OFF && !size)
        return session_power_off(recorder->session);
    if (what != RESET || size)
        return false;
    if (!session_reset_now(recorder->session, &err))
        journal_channel_fail(recorder->life, "%s", err.text);
    return true;
}

void recorder_ended(Recorder *recorder, int code, const char *text)
{
    if (!recorder || !recorder->writer)
        return;
    size_t length = text ? strlen(text) : 0;
    int32_t number = code;
    uint8_t *bytes = malloc(sizeof number + length);
    if (!bytes)
        abort();
    memcpy(bytes, &number, sizeof number);
    if (length)
        memcpy(bytes + sizeof number, text, length);
    recording_note_hash(recorder->machine, recorder->hash, true);
    journal_event(recorder->life, END, bytes, sizeof number + length);
    free(bytes);
}

/* ---- Looks --------------------------------------------------------------------------------------------- */

static void look_at_recording(Recorder *recorder, bool waits)
{
    Error err;
    uint64_t now = host_ns();
    note_hash(recorder);
    if (!waits && now - recorder->flushed < FLUSH_INTERVAL_NS)
        return;
    recorder->flushed = now;
    if (!recording_flush(recorder->writer, &err)) {
        session_say(recorder->session, "%s; the run goes on without it", err.text);
        recorder->failed = true;
    }
}

static void diverged(Recorder *recorder)
{
    char text[400];
    snprintf(text, sizeof text, "--replay: %s", journal_diverged(recorder->machine->journal));
    recorder->replays = false;
    session_end(recorder->session, EXIT_DIVERGED, text);
}

void recorder_look(Recorder *recorder, bool waits)
{
    if (!recorder)
        return;
    if (recorder->writer)
        look_at_recording(recorder, waits);
    if (!recorder->replays)
        return;
    Journal *journal = recorder->machine->journal;
    if (journal_diverged(journal)) {
        diverged(recorder);
    } else if (journal_next(journal) == journal_end(journal)) {
        session_say(recorder->session, "the recording breaks off here: its end is missing");
        replayed(recorder, EXIT_OFF, NULL);
    }
}

void recorder_feed(Recorder *recorder, bool off)
{
    if (recorder && past_is_past(session_past(recorder->session)))
        machine_feed_journal(recorder->machine);
    if (!recorder || !recorder->replays)
        return;
    Journal *journal = recorder->machine->journal;
    machine_feed_journal(recorder->machine);
    bool on_again = off && !session_off(recorder->session);
    if (on_again && !journal_diverged(journal))
        return;
    if (recorder->replays && journal_next(journal) < journal_end(journal))
        journal_fail(journal, "the guest ended the run after %" PRIu64 " instructions, which it did not",
                     machine_icount(recorder->machine));
    if (recorder->replays && journal_diverged(journal))
        diverged(recorder);
}

/* ---- Life ---------------------------------------------------------------------------------------------- */

static void ignored(void *opaque, const char *channel)
{
    const Recorder *recorder = opaque;
    session_say(recorder->session, "while a recording is replayed, what comes from outside is ignored (%s)",
                channel);
}

static bool begin_recording(Recorder *recorder, Error *err)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    options_print_machine(session_options(recorder->session), recorder->machine->options.rtc_base, out);
    fclose(out);
    recorder->writer = recording_create(recorder->path, recorder->machine, text, err);
    free(text);
    if (!recorder->writer)
        return false;
    recording_note_hash(recorder->machine, recorder->hash, true);
    recorder->hash_due = recorder->memory_due = host_ns() + HASH_INTERVAL_NS;
    return true;
}

static bool begin_replay(Recorder *recorder, Error *err)
{
    Journal *journal = recorder->machine->journal;
    Recording *recording = recording_open(recorder->path, err);
    bool ok = recording && recording_check_disks(recording, recorder->machine, err) &&
              recording_feed(recording, journal, err);
    if (ok)
        recorder->whole = recording_is_whole(recording);
    recording_close(recording);
    if (!ok)
        return false;
    journal_on_ignored(journal, ignored, recorder);
    journal_replay(journal, journal_first(journal));
    recorder->replays = true;
    return true;
}

Recorder *recorder_new(Session *session, Error *err)
{
    const Options *options = session_options(session);
    Recorder *recorder = calloc(1, sizeof *recorder);
    if (!recorder)
        abort();
    recorder->session = session;
    recorder->machine = session_machine(session);
    recorder->path = options->record ? options->record : options->replay;
    machine_make_journal(recorder->machine);
    recorder->hash = journal_channel(recorder->machine->journal, "hash", apply_hash, recorder);
    recorder->life = journal_channel(recorder->machine->journal, "session", apply_life, recorder);
    disks_set_journal(session_disks(session));
    if (options->history)
        return recorder;
    if (options->record ? begin_recording(recorder, err) : begin_replay(recorder, err))
        return recorder;
    recorder_free(recorder);
    return NULL;
}

void recorder_free(Recorder *recorder)
{
    if (recorder && recorder->writer)
        recording_finish(recorder->writer, NULL);
    free(recorder);
}

bool recorder_finish(Recorder *recorder, Error *err)
{
    if (!recorder || !recorder->writer)
        return true;
    bool whole = recording_finish(recorder->writer, err);
    recorder->writer = NULL;
    return whole;
}
