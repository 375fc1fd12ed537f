/* See semihosting_files.h. */
#define _GNU_SOURCE
#include "machine/semihosting_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Magic number, then feature byte 0: SH_EXT_EXIT_EXTENDED, SH_EXT_STDOUT_STDERR. */
static const uint8_t features[] = {'S', 'H', 'F', 'B', 1 << 0 | 1 << 1};

enum { TRUNCATE = 0x100 };

/* As fopen(): r, r+, w, w+, a, a+; each has a twin with b, which means nothing here. */
static const unsigned modes[] = {HOST_READ,
                                 HOST_READ | HOST_WRITE,
                                 HOST_WRITE | HOST_CREATE | TRUNCATE,
                                 HOST_READ | HOST_WRITE | HOST_CREATE | TRUNCATE,
                                 HOST_WRITE | HOST_CREATE | HOST_APPEND,
                                 HOST_READ | HOST_WRITE | HOST_CREATE | HOST_APPEND};

void files_init(Files *files, HostFolder *folder)
{
    struct rlimit limit;
    *files = (Files){.folder = folder, .length_most = FILES_LENGTH_MOST};
    if (!getrlimit(RLIMIT_FSIZE, &limit) && limit.rlim_cur < files->length_most)
        files->length_most = limit.rlim_cur;
}

static void close_file(OpenFile *file)
{
    if (file->kind == FILE_HOST && file->fd >= 0)
        close(file->fd);
    free(file->name);
    *file = (OpenFile){0};
}

void files_close_all(Files *files)
{
    for (unsigned n = 0; n < FILES_MOST; n++)
        close_file(&files->file[n]);
}

void files_done(Files *files)
{
    files_close_all(files);
    host_folder_free(files->folder);
    files->folder = NULL;
}

/* ---- What the folder may grow by ---------------------------------------------------------------------- */

static bool may_grow(const Files *files, uint64_t bytes)
{
    return bytes <= FILES_GROWTH_MOST - files->grown;
}

static void give_back(Files *files, uint64_t bytes)
{
    files->grown -= bytes < files->grown ? bytes : files->grown;
}

/* A file that a handle still has open keeps its place on the disk. */
static void give_back_removed(Files *files, const HostFreed *freed)
{
    struct stat st;
    for (unsigned n = 0; n < FILES_MOST; n++)
        if (files->file[n].kind == FILE_HOST && !fstat(files->file[n].fd, &st) && st.st_dev == freed->dev &&
            st.st_ino == freed->ino)
            return;
    if (freed->ino)
        give_back(files, freed->bytes + FILES_NEW_COST);
}

/* ---- Opening and closing ------------------------------------------------------------------------------ */

static int truncate_open(Files *files, int fd)
{
    struct stat st;
    if (fstat(fd, &st) || ftruncate(fd, 0))
        return -errno;
    give_back(files, (uint64_t)st.st_size);
    return 0;
}

static int open_host(Files *files, const char *name, OpenFile *file)
{
    unsigned how = file->how;
    bool created;
    if (!files->folder)
        return -EACCES;
    bool room = may_grow(files, FILES_NEW_COST);
    int fd = host_folder_open(files->folder, name, room ? how : how & ~(unsigned)HOST_CREATE, &created);
    if (fd == -ENOENT && !room && how & HOST_CREATE)
        return -ENOSPC;
    if (fd < 0)
        return fd;
    files->grown += created ? FILES_NEW_COST : 0;
    int bad = how & TRUNCATE ? truncate_open(files, fd) : 0;
    if (bad) {
        close(fd);
        return bad;
    }
    file->kind = FILE_HOST;
    file->fd = fd;
    file->name = strdup(name);
    return 0;
}

int files_reopen(const Files *files, OpenFile *file)
{
    bool created;
    if (!files->folder)
        return -EACCES;
    int fd = host_folder_open(files->folder, file->name, file->how & ~(unsigned)HOST_CREATE, &created);
    file->fd = fd;
    return fd < 0 ? fd : 0;
}

int files_open(Files *files, const char *name, uint32_t mode)
{
    unsigned n = 0;
    while (n < FILES_MOST && files->file[n].kind != FILE_CLOSED)
        n++;
    if (mode > 11)
        return -EINVAL;
    if (n == FILES_MOST)
        return -EMFILE;
    OpenFile file = {.how = modes[mode / 2]};
    int bad = 0;
    if (!strcmp(name, ":tt"))
        file.kind = FILE_CONSOLE;
    else if (strcmp(name, ":semihosting-features"))
        bad = open_host(files, name, &file);
    else if (mode <= 1)
        file.kind = FILE_FEATURES;
    else
        bad = -EACCES;
    if (bad)
        return bad;
    files->file[n] = file;
    return (int)n + 1;
}

bool files_adopt(Files *files, int handle, const char *name, uint32_t mode)
{
    if (mode > 11 || handle < 1 || handle > FILES_MOST || files->file[handle - 1].kind != FILE_CLOSED)
        return false;
    files->file[handle - 1] =
        (OpenFile){.kind = FILE_HOST, .fd = -1, .how = modes[mode / 2], .name = strdup(name)};
    return true;
}

OpenFile *files_get(Files *files, uint32_t handle)
{
    bool open = handle >= 1 && handle <= FILES_MOST && files->file[handle - 1].kind != FILE_CLOSED;
    return open ? &files->file[handle - 1] : NULL;
}

int files_close(Files *files, uint32_t handle)
{
    OpenFile *file = files_get(files, handle);
    if (!file)
        return -EBADF;
    close_file(file);
    return 0;
}

/* ---- Transfers ---------------------------------------------------------------------------------------- */

int64_t files_length(OpenFile *file)
{
    struct stat st;
    if (file->kind == FILE_FEATURES)
        return sizeof features;
    if (file->kind != FILE_HOST)
        return -ESPIPE;
    if (fstat(file->fd, &st))
        return -errno;
    return st.st_size <= FILES_LENGTH_MOST ? st.st_size : -EOVERFLOW;
}

int files_seek(const Files *files, OpenFile *file, uint32_t at)
{
    if (file->kind == FILE_CONSOLE)
        return -ESPIPE;
    if (at > (file->kind == FILE_FEATURES ? sizeof features : files->length_most))
        return -EINVAL;
    file->at = at;
    return 0;
}

int64_t files_read(OpenFile *file, void *data, size_t size)
{
    if (!(file->how & HOST_READ))
        return -EBADF;
    if (file->kind == FILE_FEATURES) {
        size_t left = sizeof features - file->at;
        size = size < left ? size : left;
        memcpy(data, features + file->at, size);
        file->at += size;
        return (int64_t)size;
    }
    ssize_t got;
    do
        got = pread(file->fd, data, size, (off_t)file->at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    file->at += (uint64_t)got;
    return got;
}

int64_t files_write(Files *files, OpenFile *file, const void *data, size_t size)
{
    struct stat st;
    if (!(file->how & HOST_WRITE))
        return -EBADF;
    if (fstat(file->fd, &st))
        return -errno;
    uint64_t old = (uint64_t)st.st_size, at = file->how & HOST_APPEND ? old : file->at;
    if (at >= files->length_most)
        return -EFBIG;
    if (size > files->length_most - at)
        size = files->length_most - at;
    uint64_t gap = at > old ? at - old : 0, inside = at < old ? old - at : 0;
    uint64_t room = FILES_GROWTH_MOST - files->grown;
    if (gap > room || (size > inside && gap + (size - inside) > room))
        size = gap > room ? 0 : inside + (room - gap);
    if (!size)
        return -ENOSPC;
    ssize_t done;
    do
        done = pwrite(file->fd, data, size, (off_t)at);
    while (done < 0 && errno == EINTR);
    if (done < 0)
        return -errno;
    file->at = at + (uint64_t)done;
    files->grown += file->at > old ? file->at - old : 0;
    return done;
}

/* ---- Names -------------------------------------------------------------------------------------------- */

int files_remove(Files *files, const char *name)
{
    HostFreed freed;
    if (!files->folder)
        return -EACCES;
    int bad = host_folder_remove(files->folder, name, &freed);
    if (!bad)
        give_back_removed(files, &freed);
    return bad;
}

int files_rename(Files *files, const char *from, const char *to)
{
    HostFreed freed;
    if (!files->folder)
        return -EACCES;
    int bad = host_folder_rename(files->folder, from, to, &freed);
    if (!bad)
        give_back_removed(files, &freed);
    return bad;
}
