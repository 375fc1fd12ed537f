#define _GNU_SOURCE
#include "snapshot/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the last component of path begins. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* mkostemp() would make a file that only its owner may read. */
static int open_new(char *path)
{
    char *end = path + strlen(path);
    for (unsigned tries = 0; tries < 100; tries++) {
        uint32_t random;
        if (getrandom(&random, sizeof random, 0) != sizeof random)
            return -1;
        snprintf(end - 8, 9, "%08x", random);
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

bool temporary_open(Temporary *file, const char *path, Error *err)
{
    struct stat status;
    *file = (Temporary){.fd = -1, .path = strdup(path)};
    if (!stat(path, &status) && !S_ISREG(status.st_mode))
        return error_set(err, "cannot save '%s': it is no regular file", path);
    if (asprintf(&file->temporary, "%.*s.%s.12345678", (int)folder_length(path), path,
                 path + folder_length(path)) < 0)
        abort();
    file->fd = open_new(file->temporary);
    if (file->fd >= 0)
        return true;
    error_set(err, "cannot save '%s': %s", path, strerror(errno));
    free(file->temporary);
    file->temporary = NULL;
    return false;
}

/* A name that is not on the disk yet is lost with the power. */
static void sync_folder(const char *path)
{
    char *folder = strndup(path, folder_length(path));
    int fd = open(folder && *folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

bool temporary_keep(Temporary *file, Error *err)
{
    if (rename(file->temporary, file->path))
        return error_set(err, "cannot save '%s': %s", file->path, strerror(errno));
    sync_folder(file->path);
    free(file->temporary);
    file->temporary = NULL;
    return true;
}

void temporary_free(Temporary *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->temporary)
        unlink(file->temporary);
    free(file->temporary);
    free(file->path);
    *file = (Temporary){.fd = -1};
}
