/* Files are told apart by device and number, since they have many names. What cannot be read stays. */
#define _GNU_SOURCE
#include "frontends/snapshot_prune.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshot/snapshot.h"

typedef struct Entry {
    char *path, *base; /* base: NULL: none */
    dev_t device;
    ino_t inode;
    int64_t time, written; /* seconds since 1970; ns, of the file, for those that were made in one second */
    uint64_t size;
    int needs;       /* number of the base among the files; -1: none of them */
    int needed_by;   /* one that stays; -1: none */
    unsigned height; /* files below it */
    bool named, stays;
} Entry;

typedef struct Files {
    Entry *entry;
    int count;
    unsigned unreadable;
} Files;

static char *print(const char *folder, const char *name)
{
    char *path;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        abort();
    return path;
}

static int find(const Files *files, const struct stat *status)
{
    for (int n = 0; n < files->count; n++)
        if (files->entry[n].device == status->st_dev && files->entry[n].inode == status->st_ino)
            return n;
    return -1;
}

/* A snapshot; others are passed over. */
static void add_file(Files *files, const char *path, bool named)
{
    struct stat status;
    Error err;
    if (stat(path, &status) || !S_ISREG(status.st_mode) || !snapshot_is(path))
        return;
    int known = find(files, &status);
    if (known >= 0) {
        files->entry[known].named |= named;
        return;
    }
    Snapshot *snapshot = snapshot_open(path, &err);
    if (!snapshot) {
        printf("%-9s %s: %s\n", "unknown", path, err.text);
        files->unreadable++;
        return;
    }
    files->entry = realloc(files->entry, (size_t)(files->count + 1) * sizeof *files->entry);
    if (!files->entry)
        abort();
    files->entry[files->count++] =
        (Entry){.path = strdup(path),
                .base = snapshot_base_path(snapshot),
                .device = status.st_dev,
                .inode = status.st_ino,
                .time = snapshot_info(snapshot)->host_time,
                .written = status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec,
                .size = (uint64_t)status.st_size,
                .needs = -1,
                .needed_by = -1,
                .named = named};
    snapshot_close(snapshot);
}

static bool add_folder(Files *files, const char *path, bool named, Error *err)
{
    DIR *folder = opendir(path);
    if (!folder)
        return error_set(err, "'%s': %s", path, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char *file = print(path, entry->d_name);
        if (entry->d_name[0] != '.') /* files that are being saved begin with a dot */
            add_file(files, file, named);
        free(file);
    }
    closedir(folder);
    return true;
}

static bool add(Files *files, const char *path, Error *err)
{
    struct stat status;
    if (stat(path, &status))
        return error_set(err, "'%s': %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return add_folder(files, path, true, err);
    if (!snapshot_is(path))
        return error_set(err, "'%s' is no snapshot", path);
    add_file(files, path, true);
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + (slash == path)) : strdup(".");
    if (!folder)
        abort();
    bool ok = add_folder(files, folder, false, err);
    free(folder);
    return ok;
}

static int newest_first(const void *a, const void *b)
{
    const Entry *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? 1 : -1;
    return x->written != y->written ? (x->written < y->written ? 1 : -1) : strcmp(x->path, y->path);
}

static void find_bases(Files *files)
{
    struct stat status;
    for (int n = 0; n < files->count; n++)
        if (files->entry[n].base && !stat(files->entry[n].base, &status))
            files->entry[n].needs = find(files, &status);
    for (int n = 0; n < files->count; n++)
        for (int at = files->entry[n].needs; at >= 0 && files->entry[n].height <= (unsigned)files->count;
             at = files->entry[at].needs)
            files->entry[n].height++;
}

/* With all that it needs. */
static void stay(Files *files, int n)
{
    files->entry[n].stays = true;
    for (int at = files->entry[n].needs; at >= 0 && !files->entry[at].stays; at = files->entry[at].needs) {
        files->entry[at].stays = true;
        files->entry[at].needed_by = n;
    }
}

static void choose(Files *files, unsigned keep)
{
    qsort(files->entry, (size_t)files->count, sizeof *files->entry, newest_first);
    find_bases(files);
    for (int n = 0; n < files->count; n++) {
        bool wanted = !files->entry[n].named || keep;
        keep -= files->entry[n].named && keep;
        if (wanted)
            stay(files, n);
    }
}

/* What needs others goes before them, so that whatever stops us leaves nothing without its base. */
static int next_to_go(const Files *files)
{
    int next = -1;
    for (int n = 0; n < files->count; n++) {
        const Entry *entry = &files->entry[n];
        if (!entry->stays && (next < 0 || entry->height > files->entry[next].height))
            next = n;
    }
    return next;
}

static bool let_go(Files *files, bool remove, Error *err)
{
    double bytes = 0;
    unsigned count = 0;
    for (int n; (n = next_to_go(files)) >= 0; count++) {
        Entry *entry = &files->entry[n];
        if (remove && unlink(entry->path))
            return error_set(err, "cannot delete '%s': %s", entry->path, strerror(errno));
        printf("%-9s %s\n", remove ? "deleted" : "would go", entry->path);
        bytes += (double)entry->size;
        entry->stays = true;
    }
    printf("%u file%s, %.1f MiB%s\n", count, count == 1 ? "" : "s", bytes / (1 << 20),
           remove || !count ? "" : "; --delete deletes them");
    return true;
}

static void print_staying(const Files *files)
{
    for (int n = 0; n < files->count; n++) {
        const Entry *entry = &files->entry[n];
        if (!entry->stays || !entry->named)
            continue;
        printf("%-9s %s", "stays", entry->path);
        if (entry->needed_by >= 0)
            printf(", which %s needs", files->entry[entry->needed_by].path);
        printf("\n");
    }
}

bool snapshot_prune(char *const *paths, unsigned count, unsigned keep, bool remove, Error *err)
{
    Files files = {.count = 0};
    bool ok = true;
    for (unsigned n = 0; ok && n < count; n++)
        ok = add(&files, paths[n], err);
    if (ok && files.unreadable && remove)
        ok = error_set(err, "nothing was deleted: what the files need that cannot be read is unknown");
    if (ok) {
        choose(&files, keep);
        print_staying(&files);
        ok = let_go(&files, remove, err);
    }
    for (int n = 0; n < files.count; n++) {
        free(files.entry[n].path);
        free(files.entry[n].base);
    }
    free(files.entry);
    return ok;
}
