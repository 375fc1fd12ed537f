/* See host_folder.h. */
#define _GNU_SOURCE
#include "machine/host_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct HostFolder {
    int fd;
    bool walk_only;
};

/* How often a name is resolved again because the folder changed meanwhile. */
enum { TRIES = 64 };

/* ---- Resolving -------------------------------------------------------------------------------------- */

static int beneath(int folder, const char *name, int flags, mode_t mode, uint64_t links)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
                           .mode = flags & O_CREAT ? mode : 0,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | links};
    for (unsigned n = 0; n < TRIES; n++) {
        int fd = (int)syscall(SYS_openat2, folder, name, &how, sizeof how);
        if (fd >= 0)
            return fd;
        if (errno != EAGAIN && errno != EINTR)
            break;
    }
    return errno == EXDEV || errno == ELOOP || errno == EAGAIN ? -EACCES : -errno;
}

static int step(int from, const char *name, int flags, mode_t mode)
{
    int fd = openat(from, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
    return fd >= 0 ? fd : errno == ELOOP ? -EACCES : -errno;
}

/* Every step starts at a folder that is held open and takes one name that is no link, so that it cannot lead
 * out. */
static int walk(int folder, const char *name, int flags, mode_t mode)
{
    char part[NAME_MAX + 1];
    int at = folder, result = -EACCES;
    while (name[0] && name[0] != '/') {
        size_t length = strcspn(name, "/");
        size_t gap = strspn(name + length, "/");
        bool last = !name[length + gap];
        if (length > NAME_MAX) {
            result = -ENAMETOOLONG;
            break;
        }
        memcpy(part, name, length);
        part[length] = '\0';
        if (!strcmp(part, "..") || (last && gap && !(flags & O_DIRECTORY)))
            break;
        int next = step(at, part, last ? flags : O_PATH | O_DIRECTORY, mode);
        if (at != folder)
            close(at);
        at = folder;
        if (next < 0 || last)
            return next;
        at = next;
        name += length + gap;
    }
    if (at != folder)
        close(at);
    return result;
}

/* Opens what a name inside the folder stands for; returns a descriptor or a negative errno. */
static int resolve(const HostFolder *folder, const char *name, int flags)
{
    if (!name[0])
        return -ENOENT;
    return folder->walk_only ? walk(folder->fd, name, flags, 0666)
                             : beneath(folder->fd, name, flags, 0666, 0);
}

int host_folder_at(const HostFolder *folder, const char *path, int flags, mode_t mode)
{
    return folder->walk_only ? walk(folder->fd, path, flags, mode)
                             : beneath(folder->fd, path, flags, mode, RESOLVE_NO_SYMLINKS);
}

const char *host_fd_path(int fd, char path[HOST_FD_PATH])
{
    snprintf(path, HOST_FD_PATH, "/proc/self/fd/%d", fd);
    return path;
}

int host_reopen(int fd, int flags)
{
    char path[HOST_FD_PATH];
    struct stat st;
    if (fstat(fd, &st))
        return -errno;
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return S_ISLNK(st.st_mode) ? -ELOOP : -EACCES;
    int opened = open(host_fd_path(fd, path), flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return opened >= 0 ? opened : -errno;
}

/* 0 if fd is a regular file, else the negative errno to answer. */
static int check_file(int fd)
{
    struct stat st;
    if (fstat(fd, &st))
        return -errno;
    return S_ISREG(st.st_mode) ? 0 : S_ISDIR(st.st_mode) ? -EISDIR : -EACCES;
}

/* ---- Opening ---------------------------------------------------------------------------------------- */

static int open_flags(unsigned how)
{
    int access = how & HOST_READ ? how & HOST_WRITE ? O_RDWR : O_RDONLY : O_WRONLY;
    return access | (how & HOST_APPEND ? O_APPEND : 0) | O_NONBLOCK | O_NOCTTY;
}

/* Looks before it opens, as opening some kinds of files has effects; but only what the second look finds
 * counts, for the name may stand for something else by then. */
static int open_existing(const HostFolder *folder, const char *name, unsigned how)
{
    int fd = resolve(folder, name, O_PATH);
    if (fd < 0)
        return fd;
    int bad = check_file(fd);
    close(fd);
    if (bad)
        return bad;
    fd = resolve(folder, name, open_flags(how));
    if (fd < 0)
        return fd;
    bad = check_file(fd);
    if (!bad)
        return fd;
    close(fd);
    return bad;
}

int host_folder_open(const HostFolder *folder, const char *name, unsigned how, bool *created)
{
    *created = false;
    for (unsigned n = 0; n < TRIES; n++) {
        int fd = open_existing(folder, name, how);
        if (fd != -ENOENT || !(how & HOST_CREATE))
            return fd;
        fd = resolve(folder, name, open_flags(how) | O_CREAT | O_EXCL);
        if (fd >= 0)
            *created = true;
        if (fd != -EEXIST)
            return fd;
    }
    return -EACCES; /* a link that leads nowhere */
}

/* ---- Removing and renaming -------------------------------------------------------------------------- */

/* Where a file is: the open folder, and its name there, which is no path. */
typedef struct Place {
    int folder;
    const char *name;
} Place;

static int find_place(const HostFolder *folder, const char *name, Place *place)
{
    char path[PATH_MAX];
    const char *slash = strrchr(name, '/');
    size_t length = slash ? (size_t)(slash - name) : 0;
    place->name = slash ? slash + 1 : name;
    if (length >= sizeof path)
        return -ENAMETOOLONG;
    if (!name[0])
        return -ENOENT;
    if (slash == name || !place->name[0] || !strcmp(place->name, ".") || !strcmp(place->name, ".."))
        return -EACCES;
    memcpy(path, name, length);
    path[length] = '\0';
    place->folder = resolve(folder, length ? path : ".", O_PATH | O_DIRECTORY);
    return place->folder < 0 ? place->folder : 0;
}

/* 0 if there is a regular file, and what would be free without it. */
static int look(const Place *place, HostFreed *freed)
{
    struct stat st;
    *freed = (HostFreed){0};
    if (fstatat(place->folder, place->name, &st, AT_SYMLINK_NOFOLLOW))
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? -EISDIR : -EACCES;
    if (st.st_nlink == 1)
        *freed = (HostFreed){(uint64_t)st.st_size, st.st_dev, st.st_ino};
    return 0;
}

int host_folder_remove(const HostFolder *folder, const char *name, HostFreed *freed)
{
    Place place;
    int bad = find_place(folder, name, &place);
    if (bad)
        return bad;
    bad = look(&place, freed);
    if (!bad && unlinkat(place.folder, place.name, 0))
        bad = -errno;
    close(place.folder);
    return bad;
}

static int rename_places(const Place *from, const Place *to, HostFreed *freed)
{
    HostFreed stays;
    int bad = look(from, &stays);
    if (bad)
        return bad;
    bad = look(to, freed);
    if (bad && bad != -ENOENT)
        return bad;
    if (freed->dev == stays.dev && freed->ino == stays.ino)
        *freed = (HostFreed){0};
    return renameat(from->folder, from->name, to->folder, to->name) ? -errno : 0;
}

int host_folder_rename(const HostFolder *folder, const char *from, const char *to, HostFreed *freed)
{
    Place old, new;
    *freed = (HostFreed){0};
    int bad = find_place(folder, from, &old);
    if (bad)
        return bad;
    bad = find_place(folder, to, &new);
    if (!bad) {
        bad = rename_places(&old, &new, freed);
        close(new.folder);
    }
    close(old.folder);
    return bad;
}

/* ---- Life ------------------------------------------------------------------------------------------- */

HostFolder *host_folder_new(const char *path, Error *err)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int usable = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (usable < 0) {
        error_set(err, "cannot use %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    close(usable);
    HostFolder *folder = calloc(1, sizeof *folder);
    if (!folder)
        abort();
    folder->fd = fd;
    int probe = beneath(fd, ".", O_PATH | O_DIRECTORY, 0, 0);
    folder->walk_only = probe < 0;
    if (probe >= 0)
        close(probe);
    return folder;
}

void host_folder_free(HostFolder *folder)
{
    if (!folder)
        return;
    close(folder->fd);
    free(folder);
}

void host_folder_walk_only(HostFolder *folder)
{
    folder->walk_only = true;
}
