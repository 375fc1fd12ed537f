/* Locks that belong to open files name no process (F_OFD_GETLK says -1), but Linux lists them with the
 * descriptors of each process that we may look at: proc(5), /proc/PID/fdinfo. */
#define _GNU_SOURCE
#include "machine/file_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Readers lock only the beginning, so that programs which lock elsewhere for reading (QEMU) can share. */
enum { READERS_BYTES = 100 };

/* Whether the descriptor is the same file, and has a lock on it. */
static bool holds(const char *pid, const char *fd, const struct stat *file)
{
    char path[300], line[256];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%.20s/fd/%.20s", pid, fd);
    if (stat(path, &status) || status.st_dev != file->st_dev || status.st_ino != file->st_ino)
        return false;
    snprintf(path, sizeof path, "/proc/%.20s/fdinfo/%.20s", pid, fd);
    FILE *info = fopen(path, "r");
    bool found = false;
    while (info && !found && fgets(line, sizeof line, info))
        found = !strncmp(line, "lock:", 5);
    if (info)
        fclose(info);
    return found;
}

static bool process_holds(const char *pid, const struct stat *file)
{
    char path[300];
    const struct dirent *entry;
    bool found = false;
    snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
    DIR *folder = opendir(path);
    while (folder && !found && (entry = readdir(folder)))
        found = entry->d_name[0] != '.' && holds(pid, entry->d_name, file);
    if (folder)
        closedir(folder);
    return found;
}

static void describe(const char *pid, char *text, size_t size)
{
    char path[64], name[64] = "a program";
    if ((pid_t)atol(pid) == getpid()) {
        snprintf(text, size, "this machine itself");
        return;
    }
    snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
    FILE *file = fopen(path, "r");
    if (file && fgets(name, sizeof name, file))
        name[strcspn(name, "\n")] = 0;
    if (file)
        fclose(file);
    for (char *p = name; *p; p++)
        *p = *p < ' ' || *p > '~' ? '?' : *p;
    snprintf(text, size, "%s (process %.20s)", name, pid);
}

void file_lock_holder(int fd, char *text, size_t size)
{
    struct stat file;
    const struct dirent *entry;
    bool found = false;
    snprintf(text, size, "another program");
    DIR *processes = fstat(fd, &file) ? NULL : opendir("/proc");
    while (processes && !found && (entry = readdir(processes))) {
        found = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && process_holds(entry->d_name, &file);
        if (found)
            describe(entry->d_name, text, size);
    }
    if (processes)
        closedir(processes);
}

bool file_lock(int fd, const char *path, bool writes, Error *err)
{
    struct flock lock = {
        .l_type = writes ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET, .l_len = writes ? 0 : READERS_BYTES};
    char who[200];
    if (!fcntl(fd, F_OFD_SETLK, &lock) || (errno != EAGAIN && errno != EACCES))
        return true;
    file_lock_holder(fd, who, sizeof who);
    return error_set(err, "%s is in use by %s%s", path, who,
                     writes ? "; only one machine can write to it" : ", which writes to it");
}

void file_unlock(int fd)
{
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    fcntl(fd, F_OFD_SETLK, &lock);
}
