/* Other changes for an overlay, from a snapshot: a second file, which takes the place of the first when it is
 * whole. A temporary overlay's has no name either; another's lies beside it until then. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images/overlay_state.h"
#include "machine/new_file.h"

#define SUFFIX ".load-" /* and the process's number */

typedef struct Stage {
    Overlay *overlay;
    char *path, *made;     /* of the overlay, and of the other file; NULL: temporary */
    Overlay other;         /* file, header and table of the changes that do not hold */
    OverlayTable layer;    /* what was put since again() */
    pthread_mutex_t mutex; /* over both tables */
    bool renewed;          /* blocks may be put again */
} Stage;

/* Whether the name is that of the overlay's other file in some process. */
static bool is_other(const char *name, const char *overlay)
{
    size_t length = strlen(overlay);
    const char *number = name + length + sizeof SUFFIX - 1;
    return !strncmp(name, overlay, length) && !strncmp(name + length, SUFFIX, sizeof SUFFIX - 1) && *number &&
           strspn(number, "0123456789") == strlen(number);
}

/* What processes left that were killed: nobody has it locked. */
static void remove_left(const char *overlay)
{
    char path[PATH_MAX];
    const char *slash = strrchr(overlay, '/');
    int length = (int)(slash - overlay);
    snprintf(path, sizeof path, "%.*s/", length, overlay);
    DIR *folder = opendir(path);
    for (const struct dirent *entry; folder && (entry = readdir(folder));) {
        HostFile file;
        Error err;
        snprintf(path, sizeof path, "%.*s/%s", length, overlay, entry->d_name);
        if (!is_other(entry->d_name, slash + 1) || !host_file_open(&file, path, HOST_WRITE, &err))
            continue;
        unlink(path);
        host_file_close(&file);
    }
    if (folder)
        closedir(folder);
}

static bool make_file(Stage *stage, Error *err)
{
    Overlay *o = stage->overlay, *other = &stage->other;
    struct stat status;
    if (o->temporary)
        return host_file_temporary(&other->file, o->base_path, err) &&
               host_file_resize(&other->file, o->header.size, err);
    if (o->file.device || fstat(o->file.fd, &status))
        return error_set(err, "%s is not a file, whose contents could be put back", o->file.path);
    if (!(stage->path = realpath(o->file.path, NULL)))
        return error_set(err, "cannot find %s: %s", o->file.path, strerror(errno));
    remove_left(stage->path);
    if (asprintf(&stage->made, "%s" SUFFIX "%d", stage->path, (int)getpid()) < 0)
        abort();
    if (!host_file_open(&other->file, stage->made, HOST_CREATE, err)) {
        free(stage->made);
        stage->made = NULL;
        return false;
    }
    if (fchmod(other->file.fd, status.st_mode & 0777) ||
        fchown(other->file.fd, status.st_uid, status.st_gid)) {
        /* It is ours, then. */
    }
    return overlay_make_room(other, err);
}

void *overlay_stage(void *medium, Error *err)
{
    Overlay *o = medium;
    if (!o->file.writable) {
        error_set(err, "%s cannot be written", o->file.path);
        return NULL;
    }
    Stage *stage = calloc(1, sizeof *stage);
    if (!stage)
        abort();
    stage->overlay = o;
    stage->other.file.fd = -1;
    stage->other.header = o->header;
    stage->other.header.flags &= ~(uint32_t)OVERLAY_CLOSED;
    stage->other.in_use = true;
    stage->other.temporary = o->temporary;
    pthread_mutex_init(&stage->mutex, NULL);
    table_init(&stage->other.table, o->header.size);
    table_init(&stage->layer, o->header.size);
    if (make_file(stage, err))
        return stage;
    overlay_stage_drop(stage);
    return NULL;
}

void overlay_stage_drop(void *opaque)
{
    Stage *stage = opaque;
    if (stage->made)
        unlink(stage->made);
    host_file_close(&stage->other.file);
    table_free(&stage->other.table);
    table_free(&stage->layer);
    pthread_mutex_destroy(&stage->mutex);
    free(stage->made);
    free(stage->path);
    free(stage);
}

static bool none_has(const OverlayTable *table, uint64_t block, uint64_t count)
{
    return !table_has(table, block) && table_run(table, block, block + count) == block + count;
}

/* *blank: the file has holes there. */
static bool claim(Stage *stage, uint64_t block, uint64_t count, bool *blank, Error *err)
{
    OverlayTable *table = &stage->other.table, *layer = &stage->layer;
    bool inside = count && block < table->blocks && count <= table->blocks - block;
    if (!inside)
        return error_set(err, "there is no such block of a disk");
    pthread_mutex_lock(&stage->mutex);
    bool first = stage->renewed || none_has(layer, block, count);
    if (first) {
        *blank = none_has(table, block, count);
        table_set(layer, block, block + count, true);
        table_set(table, block, block + count, true);
    }
    pthread_mutex_unlock(&stage->mutex);
    return first || stage->renewed || error_set(err, "a block of a disk is there twice");
}

void overlay_stage_renew(void *opaque)
{
    ((Stage *)opaque)->renewed = true;
}

/* Nothing of the last block lies behind the disk's end. */
bool overlay_stage_put(void *opaque, uint64_t block, uint64_t count, const uint8_t *data, Error *err)
{
    Stage *stage = opaque;
    Overlay *o = &stage->other;
    bool blank = true;
    if (!claim(stage, block, count, &blank, err))
        return false;
    uint64_t rest = o->header.size - block * OVERLAY_BLOCK, length = count * OVERLAY_BLOCK;
    length = length < rest ? length : rest;
    if (!data)
        return blank || !host_file_zero(&o->file, overlay_place(o, block), length, err);
    return !host_file_write(&o->file, overlay_place(o, block), data, length, err);
}

void overlay_stage_again(void *opaque)
{
    Stage *stage = opaque;
    table_set(&stage->layer, 0, stage->layer.blocks, false);
}

bool overlay_stage_get(void *opaque, uint64_t block, uint8_t *data, Error *err)
{
    Stage *stage = opaque;
    Overlay *o = &stage->other;
    if (block >= o->table.blocks || !table_has(&stage->layer, block))
        return error_set(err, "a block of a disk is equal to one that is not there");
    uint64_t rest = o->header.size - block * OVERLAY_BLOCK;
    memset(data, 0, OVERLAY_BLOCK);
    return !host_file_read(&o->file, overlay_place(o, block), data,
                           rest < OVERLAY_BLOCK ? rest : OVERLAY_BLOCK, err);
}

/* The other copy of the header becomes good as well. */
bool overlay_stage_ready(void *opaque, Error *err)
{
    Overlay *o = &((Stage *)opaque)->other;
    return o->temporary ||
           (!overlay_flush(o, err) && !overlay_write_header(o, err) && !overlay_write_header(o, err));
}

/* Where the file system cannot exchange names, the old file's is lost. */
static bool exchange_names(const Stage *stage, Error *err)
{
    bool ok = !renameat2(AT_FDCWD, stage->made, AT_FDCWD, stage->path, RENAME_EXCHANGE);
    if (!ok && (errno == EINVAL || errno == ENOSYS))
        ok = !rename(stage->made, stage->path);
    if (!ok)
        return error_set(err, "cannot replace %s: %s", stage->path, strerror(errno));
    sync_folder_of(stage->path);
    return true;
}

#define SWAP(type, a, b)                                                                                     \
    do {                                                                                                     \
        type kept = a;                                                                                       \
        a = b;                                                                                               \
        b = kept;                                                                                            \
    } while (0)

/* Whoever has the overlay's name by its address has it still. */
bool overlay_stage_swap(void *opaque, Error *err)
{
    Stage *stage = opaque;
    Overlay *o = stage->overlay, *other = &stage->other;
    if (!o->temporary && !exchange_names(stage, err))
        return false;
    SWAP(HostFile, o->file, other->file);
    SWAP(char *, o->file.path, other->file.path);
    SWAP(OverlayHeader, o->header, other->header);
    SWAP(OverlayTable, o->table, other->table);
    SWAP(bool, o->in_use, other->in_use);
    overlay_forget_marks(o);
    return true;
}
