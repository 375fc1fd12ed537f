/* What of semihosting a snapshot has: the files that are open are named, and opened again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/semihosting_call.h"

struct SemihostingFiles {
    OpenFile file[FILES_MOST];
};

/* A file as it is saved; the name's bytes follow. */
typedef struct SavedFile {
    uint32_t handle, kind, how, name_length;
    uint64_t at;
} SavedFile;

/* The folder is the host's, and length_most follows from the host. */
_Static_assert(sizeof(OpenFile) == 32 && sizeof(Files) == FILES_MOST * sizeof(OpenFile) + 24,
               "what is new in OpenFile or Files: save it here, or say why not");

void semihosting_state(const Semihosting *s, SemihostingState *state)
{
    *state = (SemihostingState){.error = s->error,
                                .free_base = s->free_base,
                                .free_limit = s->free_limit,
                                .started = s->started,
                                .grown = s->files.grown,
                                .command_line = s->command_line};
}

uint8_t *semihosting_save_files(const Semihosting *s, size_t *size)
{
    *size = 0;
    for (unsigned n = 0; n < FILES_MOST; n++)
        if (s->files.file[n].kind != FILE_CLOSED)
            *size += sizeof(SavedFile) + (s->files.file[n].name ? strlen(s->files.file[n].name) : 0);
    uint8_t *saved = malloc(*size + 1), *at = saved;
    if (!saved)
        abort();
    for (unsigned n = 0; n < FILES_MOST; n++) {
        const OpenFile *file = &s->files.file[n];
        if (file->kind == FILE_CLOSED)
            continue;
        uint32_t length = file->name ? (uint32_t)strlen(file->name) : 0;
        SavedFile record = {n, file->kind, file->how, length, file->at};
        memcpy(at, &record, sizeof record);
        memcpy(at + sizeof record, file->name ? file->name : "", length);
        at += sizeof record + length;
    }
    return saved;
}

void semihosting_files_free(SemihostingFiles *files)
{
    for (unsigned n = 0; files && n < FILES_MOST; n++) {
        if (files->file[n].kind == FILE_HOST)
            close(files->file[n].fd);
        free(files->file[n].name);
    }
    free(files);
}

static bool possible(const SemihostingFiles *files, const SavedFile *record, const uint8_t *name, size_t left)
{
    const uint32_t ways = HOST_READ | HOST_WRITE | HOST_CREATE | HOST_APPEND | 0x100;
    bool named = record->name_length > 0;
    return record->handle < FILES_MOST && files->file[record->handle].kind == FILE_CLOSED &&
           record->kind > FILE_CLOSED && record->kind <= FILE_HOST && !(record->how & ~ways) &&
           record->at <= FILES_LENGTH_MOST && record->name_length <= left &&
           record->name_length <= FILES_NAME_MOST && named == (record->kind == FILE_HOST) &&
           (record->kind != FILE_FEATURES || record->at <= 5) && !memchr(name, 0, record->name_length);
}

/* One record; what it takes up is returned, 0 if it is damaged or cannot be opened. */
static size_t reopen(const Semihosting *s, SemihostingFiles *files, const uint8_t *saved, size_t size,
                     Error *err)
{
    SavedFile record = {0};
    if (size >= sizeof record)
        memcpy(&record, saved, sizeof record);
    if (size < sizeof record || !possible(files, &record, saved + sizeof record, size - sizeof record)) {
        error_set(err, "semihosting: the list of open files is damaged");
        return 0;
    }
    OpenFile *file = &files->file[record.handle];
    OpenFile copy = {.kind = (FileKind)record.kind, .how = record.how, .at = record.at};
    if (copy.kind == FILE_HOST) {
        copy.name = strndup((const char *)saved + sizeof record, record.name_length);
        int bad = files_reopen(&s->files, &copy);
        if (bad) {
            error_set(err, "semihosting: the guest had '%s' open, which cannot be opened%s: %s", copy.name,
                      s->files.folder ? "" : " without --semihosting-dir", strerror(-bad));
            free(copy.name);
            return 0;
        }
    }
    *file = copy;
    return sizeof record + record.name_length;
}

SemihostingFiles *semihosting_reopen(const Semihosting *s, const uint8_t *saved, size_t size, Error *err)
{
    SemihostingFiles *files = calloc(1, sizeof *files);
    if (!files)
        abort();
    for (size_t done = 0, part; done < size; done += part) {
        part = reopen(s, files, saved + done, size - done, err);
        if (!part) {
            semihosting_files_free(files);
            return NULL;
        }
    }
    return files;
}

void semihosting_restore(Semihosting *s, const SemihostingState *state, SemihostingFiles *files)
{
    files_close_all(&s->files);
    memcpy(s->files.file, files->file, sizeof s->files.file);
    free(files);
    s->files.grown = state->grown;
    s->error = state->error;
    s->free_base = state->free_base;
    s->free_limit = state->free_limit;
    s->started = state->started;
    free(s->command_line);
    s->command_line = state->command_line ? strdup(state->command_line) : NULL;
}
