/* See journal.h. The entries are an array that slides; what is forgotten at its beginning goes when it has
 * become as much as the rest. */
#include "machine/journal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct JournalChannel {
    Journal *journal;
    unsigned number;
    char name[JOURNAL_NAME];
    bool (*apply)(void *opaque, uint8_t what, const uint8_t *data, size_t size);
    void *opaque;
    bool ignored; /* something, in this replay */
};

struct Journal {
    void (*place)(void *opaque, JournalPlace *place);
    void *place_opaque;
    void (*sink)(void *opaque, const JournalEntry *entry);
    void *sink_opaque;
    void (*on_ignored)(void *opaque, const char *channel);
    void *ignored_opaque;
    JournalChannel *channel[JOURNAL_CHANNELS];
    unsigned channels;
    JournalMode mode;
    bool applying, settled, keep_nothing;
    JournalEntry *entry; /* those that are kept begin at `head` */
    size_t head, count, capacity;
    uint64_t first; /* number of the entry at head */
    uint64_t next;  /* replaying: the next to be fed */
    uint64_t bytes;
    size_t event_at; /* journal_next_event(): index behind head, or NO_EVENT, or UNKNOWN */
    uint8_t *recalled;
    char diverged[256];
};

#define NO_EVENT (SIZE_MAX - 1)
#define UNKNOWN SIZE_MAX

Journal *journal_new(void (*place)(void *opaque, JournalPlace *place), void *opaque)
{
    Journal *journal = calloc(1, sizeof *journal);
    if (!journal)
        abort();
    journal->place = place;
    journal->place_opaque = opaque;
    journal->settled = true;
    journal->event_at = UNKNOWN;
    return journal;
}

static JournalEntry *at(const Journal *journal, size_t index)
{
    return &journal->entry[journal->head + index];
}

static void drop(Journal *journal, JournalEntry *entry)
{
    journal->bytes -= sizeof *entry + entry->size;
    free(entry->data);
    entry->data = NULL;
}

void journal_free(Journal *journal)
{
    if (!journal)
        return;
    for (size_t n = 0; n < journal->count; n++)
        drop(journal, at(journal, n));
    for (unsigned n = 0; n < journal->channels; n++)
        free(journal->channel[n]);
    free(journal->entry);
    free(journal->recalled);
    free(journal);
}

/* ---- The list ------------------------------------------------------------------------------------------ */

static void reserve(Journal *journal)
{
    if (journal->head + journal->count < journal->capacity)
        return;
    if (journal->head > journal->count) {
        memmove(journal->entry, at(journal, 0), journal->count * sizeof *journal->entry);
        journal->head = 0;
        return;
    }
    journal->capacity = 2 * journal->capacity + 64;
    journal->entry = realloc(journal->entry, journal->capacity * sizeof *journal->entry);
    if (!journal->entry)
        abort();
}

/* Takes over data. */
static JournalEntry *append(Journal *journal, const JournalEntry *entry)
{
    reserve(journal);
    JournalEntry *to = at(journal, journal->count++);
    *to = *entry;
    journal->bytes += sizeof *to + to->size;
    if (journal->event_at == NO_EVENT)
        journal->event_at = UNKNOWN;
    return to;
}

uint64_t journal_first(const Journal *journal)
{
    return journal->first;
}

uint64_t journal_end(const Journal *journal)
{
    return journal->first + journal->count;
}

uint64_t journal_next(const Journal *journal)
{
    return journal->mode == JOURNAL_REPLAY ? journal->next : journal_end(journal);
}

const JournalEntry *journal_entry(const Journal *journal, uint64_t number)
{
    bool kept = number >= journal->first && number < journal_end(journal);
    return kept ? at(journal, (size_t)(number - journal->first)) : NULL;
}

uint64_t journal_find(const Journal *journal, uint64_t icount)
{
    size_t low = 0, high = journal->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (at(journal, middle)->place.icount < icount)
            low = middle + 1;
        else
            high = middle;
    }
    return journal->first + low;
}

void journal_cut(Journal *journal, uint64_t number)
{
    while (journal->count && journal_end(journal) > number)
        drop(journal, at(journal, --journal->count));
    if (journal->next > journal_end(journal))
        journal->next = journal_end(journal);
    journal->event_at = UNKNOWN;
}

void journal_forget(Journal *journal, uint64_t number)
{
    if (journal->mode == JOURNAL_REPLAY && number > journal->next)
        number = journal->next;
    while (journal->count && journal->first < number) {
        drop(journal, at(journal, 0));
        journal->head++;
        journal->first++;
        journal->count--;
    }
    if (!journal->count)
        journal->head = 0;
    journal->event_at = UNKNOWN;
}

uint64_t journal_bytes(const Journal *journal)
{
    return journal->bytes;
}

static bool is_ordered(const Journal *journal, const JournalPlace *place)
{
    const JournalPlace *last = journal->count ? &at(journal, journal->count - 1)->place : NULL;
    return !last || (place->icount >= last->icount && place->time >= last->time);
}

bool journal_append(Journal *journal, const JournalEntry *entry)
{
    if (entry->channel >= journal->channels || entry->size > JOURNAL_ENTRY_MOST ||
        (entry->kind == JOURNAL_EVENT && !entry->size) || !is_ordered(journal, &entry->place))
        return false;
    JournalEntry copy = *entry;
    copy.data = malloc(entry->size + 1);
    if (!copy.data)
        abort();
    memcpy(copy.data, entry->data, entry->size);
    append(journal, &copy);
    return true;
}

/* ---- Modes --------------------------------------------------------------------------------------------- */

JournalMode journal_mode(const Journal *journal)
{
    return journal->mode;
}

static void change_mode(Journal *journal, JournalMode mode)
{
    journal->mode = mode;
    journal->settled = true;
    journal->diverged[0] = 0;
    journal->event_at = UNKNOWN;
    for (unsigned n = 0; n < journal->channels; n++)
        journal->channel[n]->ignored = false;
}

void journal_record(Journal *journal)
{
    change_mode(journal, JOURNAL_RECORD);
}

void journal_replay(Journal *journal, uint64_t number)
{
    assert(number >= journal->first && number <= journal_end(journal));
    journal->next = number;
    change_mode(journal, JOURNAL_REPLAY);
}

void journal_stop(Journal *journal)
{
    change_mode(journal, JOURNAL_OFF);
}

void journal_on_entry(Journal *journal, void (*sink)(void *opaque, const JournalEntry *entry), void *opaque)
{
    journal->sink = sink;
    journal->sink_opaque = opaque;
}

void journal_keep_nothing(Journal *journal, bool nothing)
{
    journal->keep_nothing = nothing;
}

void journal_on_ignored(Journal *journal, void (*ignored)(void *opaque, const char *channel), void *opaque)
{
    journal->on_ignored = ignored;
    journal->ignored_opaque = opaque;
}

/* ---- Channels ------------------------------------------------------------------------------------------ */

JournalChannel *journal_channel(Journal *journal, const char *name,
                                bool (*apply)(void *opaque, uint8_t what, const uint8_t *data, size_t size),
                                void *opaque)
{
    assert(journal->channels < JOURNAL_CHANNELS && strlen(name) < JOURNAL_NAME &&
           !journal_channel_find(journal, name));
    JournalChannel *channel = calloc(1, sizeof *channel);
    if (!channel)
        abort();
    channel->journal = journal;
    channel->number = journal->channels;
    channel->apply = apply;
    channel->opaque = opaque;
    memcpy(channel->name, name, strlen(name) + 1);
    journal->channel[journal->channels++] = channel;
    return channel;
}

const char *journal_channel_name(const Journal *journal, unsigned number)
{
    return number < journal->channels ? journal->channel[number]->name : NULL;
}

JournalChannel *journal_channel_find(const Journal *journal, const char *name)
{
    for (unsigned n = 0; n < journal->channels; n++)
        if (!strcmp(journal->channel[n]->name, name))
            return journal->channel[n];
    return NULL;
}

unsigned journal_channel_number(const JournalChannel *channel)
{
    return channel->number;
}

/* ---- Doors --------------------------------------------------------------------------------------------- */

static void write_down(JournalChannel *channel, JournalKind kind, const uint8_t *what, const void *data,
                       size_t size)
{
    Journal *journal = channel->journal;
    size_t before = what ? 1 : 0;
    assert(size < JOURNAL_ENTRY_MOST);
    JournalEntry entry = {.kind = kind, .channel = channel->number, .size = (uint32_t)(size + before)};
    entry.data = malloc(entry.size + 1);
    if (!entry.data)
        abort();
    if (what)
        entry.data[0] = *what;
    if (size)
        memcpy(entry.data + before, data, size);
    journal->place(journal->place_opaque, &entry.place);
    entry.place.settled = journal->settled;
    if (kind == JOURNAL_EVENT)
        journal->settled = false;
    const JournalEntry *kept = append(journal, &entry);
    if (journal->sink)
        journal->sink(journal->sink_opaque, kept);
    if (journal->keep_nothing)
        journal_forget(journal, journal_end(journal));
}

bool journal_open(const JournalChannel *channel)
{
    return !channel || channel->journal->mode != JOURNAL_REPLAY || channel->journal->applying;
}

bool journal_event(JournalChannel *channel, uint8_t what, const void *data, size_t size)
{
    Journal *journal = channel ? channel->journal : NULL;
    if (!channel || journal->applying || journal->mode == JOURNAL_OFF)
        return true;
    if (journal->mode == JOURNAL_RECORD) {
        write_down(channel, JOURNAL_EVENT, &what, data, size);
        return true;
    }
    if (!channel->ignored && journal->on_ignored)
        journal->on_ignored(journal->ignored_opaque, channel->name);
    channel->ignored = true;
    return false;
}

void journal_keep(JournalChannel *channel, const void *data, size_t size)
{
    if (channel && channel->journal->mode == JOURNAL_RECORD)
        write_down(channel, JOURNAL_RESULT, NULL, data, size);
}

bool journal_recalls(const JournalChannel *channel)
{
    return channel && channel->journal->mode == JOURNAL_REPLAY;
}

/* NULL: there is none. */
static JournalEntry *next_entry(const Journal *journal)
{
    return (JournalEntry *)journal_entry(journal, journal->next);
}

const uint8_t *journal_recall(JournalChannel *channel, size_t *size)
{
    Journal *journal = channel->journal;
    JournalEntry *entry = next_entry(journal);
    *size = 0;
    if (!entry || entry->kind != JOURNAL_RESULT || entry->channel != channel->number) {
        journal_fail(journal, "%s: the guest asked for something that it did not ask for", channel->name);
        return NULL;
    }
    free(journal->recalled);
    journal->recalled = malloc(entry->size + 1);
    if (!journal->recalled)
        abort();
    memcpy(journal->recalled, entry->data, entry->size);
    *size = entry->size;
    journal->next++;
    journal->event_at = UNKNOWN;
    return journal->recalled;
}

const JournalEntry *journal_recall_here(JournalChannel *channel)
{
    Journal *journal = channel->journal;
    const JournalEntry *entry = next_entry(journal);
    JournalPlace here;
    if (!entry || entry->kind != JOURNAL_RESULT || entry->channel != channel->number)
        return NULL;
    journal->place(journal->place_opaque, &here);
    return here.icount == entry->place.icount && here.time == entry->place.time ? entry : NULL;
}

void journal_take(JournalChannel *channel)
{
    channel->journal->next++;
    channel->journal->event_at = UNKNOWN;
}

/* ---- The machine's side -------------------------------------------------------------------------------- */

static size_t find_event(const Journal *journal)
{
    size_t n = (size_t)(journal->next - journal->first);
    while (n < journal->count && at(journal, n)->kind != JOURNAL_EVENT)
        n++;
    return n < journal->count ? n : NO_EVENT;
}

const JournalEntry *journal_next_event(const Journal *journal)
{
    if (journal->mode != JOURNAL_REPLAY)
        return NULL;
    if (journal->event_at == UNKNOWN)
        ((Journal *)journal)->event_at = find_event(journal);
    return journal->event_at == NO_EVENT ? NULL : at(journal, journal->event_at);
}

void journal_apply(Journal *journal)
{
    const JournalEntry *entry = next_entry(journal);
    if (!entry || entry->kind != JOURNAL_EVENT) {
        journal_fail(journal, "%s: the guest did not ask for what it asked for",
                     entry ? journal->channel[entry->channel]->name : "the journal");
        return;
    }
    const JournalChannel *channel = journal->channel[entry->channel];
    journal->next++;
    journal->event_at = UNKNOWN;
    journal->applying = true;
    bool ok =
        channel->apply && channel->apply(channel->opaque, entry->data[0], entry->data + 1, entry->size - 1);
    journal->applying = false;
    if (!ok)
        journal_fail(journal, "%s: an input that makes no sense", channel->name);
}

void journal_settled(Journal *journal)
{
    journal->settled = true;
}

void journal_fail(Journal *journal, const char *format, ...)
{
    if (journal->diverged[0])
        return;
    va_list list;
    va_start(list, format);
    vsnprintf(journal->diverged, sizeof journal->diverged, format, list);
    va_end(list);
}

void journal_channel_fail(JournalChannel *channel, const char *format, ...)
{
    char text[200];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    journal_fail(channel->journal, "%s: %s", channel->name, text);
}

const char *journal_diverged(const Journal *journal)
{
    return journal->diverged[0] ? journal->diverged : NULL;
}
