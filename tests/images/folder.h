/* A folder for a test's files, and whole reads and writes. */
#ifndef ARMATURE_TESTS_IMAGES_FOLDER_H
#define ARMATURE_TESTS_IMAGES_FOLDER_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static inline int folder_make(void **state)
{
    (void)state;
    const char *wanted = getenv("TMPDIR"); /* else where flushing costs nothing */
    snprintf(folder, sizeof folder, "%.40s/armature-XXXXXX",
             wanted                     ? wanted
             : access("/dev/shm", W_OK) ? "/tmp"
                                        : "/dev/shm");
    return mkdtemp(folder) ? 0 : -1;
}

static inline int folder_remove(void **state)
{
    char command[100];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* The path of a file in it; up to four at a time. */
static inline const char *in_folder(const char *name)
{
    static char path[4][200];
    static unsigned next;
    char *at = path[next++ % 4];
    snprintf(at, sizeof path[0], "%s/%s", folder, name);
    return at;
}

static inline void put_file(const char *path, uint64_t size, const void *data, uint64_t length,
                            uint64_t offset)
{
    int fd = open(path, O_RDWR | O_CREAT, 0644);
    if (fd < 0 || ftruncate(fd, (off_t)size) || pwrite(fd, data, length, (off_t)offset) != (ssize_t)length)
        abort();
    close(fd);
}

static inline void get_file(const char *path, void *data, uint64_t length, uint64_t offset)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0 || pread(fd, data, length, (off_t)offset) != (ssize_t)length)
        abort();
    close(fd);
}

static inline uint64_t allocated(const char *path)
{
    struct stat status;
    return stat(path, &status) ? 0 : (uint64_t)status.st_blocks * 512;
}

#endif
