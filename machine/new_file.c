#define _GNU_SOURCE
#include "machine/new_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIGITS = 8, TRIES = 100 };

/* ---- Folders ------------------------------------------------------------------------------------------- */

static const char *name_in(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Of path; to be freed. */
static char *folder_of(const char *path)
{
    size_t length = (size_t)(name_in(path) - path);
    char *folder = length ? strndup(path, length) : strdup(".");
    if (!folder)
        abort();
    return folder;
}

void sync_folder_of(const char *path)
{
    char *folder = folder_of(path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

int nameless_file(const char *folder)
{
    char *name;
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    if (asprintf(&name, "%s/armature-XXXXXX", folder) < 0)
        abort();
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    free(name);
    return fd;
}

int nameless_file_beside(const char *path)
{
    char *folder = folder_of(path);
    int fd = nameless_file(folder), error = errno;
    free(folder);
    errno = error;
    return fd;
}

/* ---- What others have left ----------------------------------------------------------------------------- */

/* .NAME.xxxxxxxx */
static bool is_beside(const char *entry, const char *name)
{
    size_t length = strlen(name);
    if (entry[0] != '.' || strncmp(entry + 1, name, length) || entry[1 + length] != '.')
        return false;
    const char *digits = entry + 1 + length + 1;
    return strlen(digits) == DIGITS && strspn(digits, "0123456789abcdef") == DIGITS;
}

/* The lock shows that nobody writes it, and that nobody who begins to can go on before it is gone. */
static void remove_if_left(int folder, const char *entry)
{
    struct stat status, named;
    int fd = openat(folder, entry, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (!fstat(fd, &status) && S_ISREG(status.st_mode) && !flock(fd, LOCK_EX | LOCK_NB) &&
        !fstatat(folder, entry, &named, AT_SYMLINK_NOFOLLOW) && named.st_dev == status.st_dev &&
        named.st_ino == status.st_ino)
        unlinkat(folder, entry, 0);
    close(fd);
}

static void remove_left(const char *path)
{
    char *folder = folder_of(path);
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    while (entries && (entry = readdir(entries)))
        if (is_beside(entry->d_name, name_in(path)))
            remove_if_left(dirfd(entries), entry->d_name);
    if (entries)
        closedir(entries);
    free(folder);
}

/* ---- Making -------------------------------------------------------------------------------------------- */

static int open_beside(const char *name)
{
    /* mkostemp() would make a file that only its owner may read. */
    return open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

static bool link_beside(int fd, const char *name)
{
    char self[40];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    return !linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

/* Finds a name beside the path, and puts a new file there, or the one that has none. False with errno set. */
static bool name_beside(NewFile *file)
{
    const char *name = name_in(file->path);
    for (unsigned tries = 0; tries < TRIES; tries++) {
        uint32_t random;
        if (getrandom(&random, sizeof random, 0) != sizeof random)
            return false;
        if (asprintf(&file->beside, "%.*s.%s.%08x", (int)(name - file->path), file->path, name, random) < 0)
            abort();
        bool linked = file->fd >= 0 && link_beside(file->fd, file->beside);
        if (linked || (file->fd < 0 && (file->fd = open_beside(file->beside)) >= 0))
            return true;
        free(file->beside);
        file->beside = NULL;
        if (errno != EEXIST)
            return false;
    }
    return false;
}

/* It can get a name later if the process sees its own descriptors. */
static bool open_nameless(NewFile *file)
{
    char *folder = folder_of(file->path), self[40];
    file->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    free(folder);
    snprintf(self, sizeof self, "/proc/self/fd/%d", file->fd);
    if (file->fd >= 0 && access(self, F_OK)) {
        close(file->fd);
        file->fd = -1;
    }
    return file->fd >= 0;
}

/* Others who look for what was left may have removed the file before it was locked. */
static bool open_named(NewFile *file)
{
    struct stat status;
    while (name_beside(file)) {
        if (flock(file->fd, LOCK_EX) || fstat(file->fd, &status) || status.st_nlink)
            return true; /* a file system without locks never lets anybody think that it was left */
        close(file->fd);
        free(file->beside);
        file->fd = -1;
        file->beside = NULL;
    }
    return false;
}

bool new_file_open(NewFile *file, const char *path, bool durable, Error *err)
{
    struct stat status;
    bool exists = !stat(path, &status);
    *file = (NewFile){.fd = -1, .path = strdup(path), .durable = durable};
    if (!file->path)
        abort();
    if (exists && !S_ISREG(status.st_mode))
        return error_set(err, "it is no regular file");
    if (durable || exists) /* pictures of a series, each new, need not look at the whole folder */
        remove_left(path);
    if (!open_nameless(file))
        return open_named(file) || error_set(err, "%s", strerror(errno));
    flock(file->fd, LOCK_EX); /* for when it has a name and is not in its place yet */
    return true;
}

FILE *new_file_stream(const NewFile *file)
{
    int fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "w");
    if (!stream && fd >= 0)
        close(fd);
    return stream;
}

/* A name that is taken can only be had by renaming. */
static bool put_in_place(NewFile *file)
{
    if (!file->beside && link_beside(file->fd, file->path))
        return true;
    if (!file->beside && (errno != EEXIST || !name_beside(file)))
        return false;
    if (rename(file->beside, file->path))
        return false;
    free(file->beside);
    file->beside = NULL;
    return true;
}

bool new_file_keep(NewFile *file, Error *err)
{
    if (!put_in_place(file))
        return error_set(err, "%s", strerror(errno));
    if (file->durable)
        sync_folder_of(file->path);
    return true;
}

void new_file_drop(NewFile *file)
{
    if (file->beside)
        unlink(file->beside);
    if (file->fd >= 0)
        close(file->fd);
    free(file->beside);
    free(file->path);
    *file = (NewFile){.fd = -1};
}
