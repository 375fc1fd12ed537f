/* Semihosting: what the host answers to calls on files, through the journal. While that replays, no file of
 * the host is touched: handles have no descriptor, and positions are as they were. */
#include "machine/semihosting_call.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a call leaves behind; what was read follows. */
typedef struct Outcome {
    int64_t result;
    uint64_t grown, at;
} Outcome;

static void keep(Semihosting *s, const OpenFile *file, int64_t result, const void *data, size_t size)
{
    if (!s->channel)
        return;
    Outcome outcome = {result, s->files.grown, file ? file->at : 0};
    uint8_t bytes[sizeof outcome + SEMIHOST_CHUNK];
    assert(size <= SEMIHOST_CHUNK);
    memcpy(bytes, &outcome, sizeof outcome);
    if (size)
        memcpy(bytes + sizeof outcome, data, size);
    journal_keep(s->channel, bytes, sizeof outcome + size);
}

/* The result; data: [size], of which result bytes are filled. */
static int64_t recall(Semihosting *s, OpenFile *file, void *data, size_t size)
{
    Outcome outcome = {-EIO, 0, 0};
    size_t got;
    const uint8_t *bytes = journal_recall(s->channel, &got);
    if (!bytes || got < sizeof outcome)
        return -EIO;
    memcpy(&outcome, bytes, sizeof outcome);
    got -= sizeof outcome;
    bool sound = outcome.result >= -4095 && outcome.result <= INT32_MAX && got <= size &&
                 (!data || outcome.result < 0 || (size_t)outcome.result == got);
    if (!sound || outcome.grown > FILES_GROWTH_MOST || outcome.at > FILES_LENGTH_MOST) {
        journal_channel_fail(s->channel, "an answer that makes no sense");
        return -EIO;
    }
    s->files.grown = outcome.grown;
    if (file)
        file->at = outcome.at;
    if (got)
        memcpy(data, bytes + sizeof outcome, got);
    return outcome.result;
}

static bool is_of_host(const OpenFile *file)
{
    return file->kind == FILE_HOST;
}

int semihost_files_allowed(Semihosting *s)
{
    int own = s->files.folder ? 0 : -EACCES;
    int result = journal_recalls(s->channel) ? (int)recall(s, NULL, NULL, 0) : own;
    keep(s, NULL, result, NULL, 0);
    return result;
}

int semihost_files_open(Semihosting *s, const char *name, uint32_t mode)
{
    bool own = !strcmp(name, ":tt") || !strcmp(name, ":semihosting-features");
    int result;
    if (own || !journal_recalls(s->channel)) {
        result = files_open(&s->files, name, mode);
        if (!own)
            keep(s, NULL, result, NULL, 0);
        return result;
    }
    result = (int)recall(s, NULL, NULL, 0);
    if (result < 0 || files_adopt(&s->files, result, name, mode))
        return result;
    journal_channel_fail(s->channel, "an answer that makes no sense");
    return -EIO;
}

int64_t semihost_files_read(Semihosting *s, OpenFile *file, void *data, size_t size)
{
    if (!is_of_host(file))
        return files_read(file, data, size);
    if (journal_recalls(s->channel))
        return recall(s, file, data, size);
    int64_t got = files_read(file, data, size);
    keep(s, file, got, data, got > 0 ? (size_t)got : 0);
    return got;
}

int64_t semihost_files_write(Semihosting *s, OpenFile *file, const void *data, size_t size)
{
    int64_t done =
        journal_recalls(s->channel) ? recall(s, file, NULL, 0) : files_write(&s->files, file, data, size);
    keep(s, file, done, NULL, 0);
    return done <= (int64_t)size ? done : -EIO;
}

int semihost_files_seek(Semihosting *s, OpenFile *file, uint32_t at)
{
    if (!is_of_host(file))
        return files_seek(&s->files, file, at);
    int result =
        journal_recalls(s->channel) ? (int)recall(s, file, NULL, 0) : files_seek(&s->files, file, at);
    keep(s, file, result, NULL, 0);
    return result;
}

int64_t semihost_files_length(Semihosting *s, OpenFile *file)
{
    if (!is_of_host(file))
        return files_length(file);
    int64_t length = journal_recalls(s->channel) ? recall(s, file, NULL, 0) : files_length(file);
    keep(s, file, length, NULL, 0);
    return length;
}

int semihost_files_remove(Semihosting *s, const char *name)
{
    int result = journal_recalls(s->channel) ? (int)recall(s, NULL, NULL, 0) : files_remove(&s->files, name);
    keep(s, NULL, result, NULL, 0);
    return result;
}

int semihost_files_rename(Semihosting *s, const char *from, const char *to)
{
    int result =
        journal_recalls(s->channel) ? (int)recall(s, NULL, NULL, 0) : files_rename(&s->files, from, to);
    keep(s, NULL, result, NULL, 0);
    return result;
}

void semihosting_set_journal(Semihosting *s, Journal *journal)
{
    s->channel = journal_channel(journal, "semihosting", NULL, NULL);
}
