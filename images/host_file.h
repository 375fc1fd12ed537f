/* A file or block device of the host as a row of bytes: whole transfers, holes, durability, locks. Failures
 * are one line with the file's name. */
#ifndef ARMATURE_IMAGES_HOST_FILE_H
#define ARMATURE_IMAGES_HOST_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "machine/disk.h"

typedef enum HostFileMode {
    HOST_LOOK, /* no lock: others may write */
    HOST_READ,
    HOST_WRITE,     /* exclusively */
    HOST_TRY_WRITE, /* or, where the host does not let it, for reading */
    HOST_CREATE     /* a new file that must not exist */
} HostFileMode;

typedef struct HostFile {
    int fd; /* -1: closed */
    char *path;
    bool writable, device;
    int refused;       /* HOST_TRY_WRITE: errno of what the host did not let; 0: it did */
    uint64_t size;     /* bytes, when it was opened */
    bool lost;         /* the host could not keep what was written before: no flush succeeds any more */
    bool in_memory;    /* it lies in a tmpfs, which knows no other reads than those that do not wait */
    bool cannot_punch; /* the file system has no holes */
} HostFile;

/* Opens and locks: any number of readers, or one writer. */
bool host_file_open(HostFile *file, const char *path, HostFileMode mode, Error *err);
/* A file without a name, in $TMPDIR, or in the folder of `beside` if that is not set. */
bool host_file_temporary(HostFile *file, const char *beside, Error *err);
void host_file_close(HostFile *file);

DiskResult host_file_read(HostFile *file, uint64_t offset, void *data, uint64_t length, Error *err);
DiskResult host_file_write(HostFile *file, uint64_t offset, const void *data, uint64_t length, Error *err);
/* Only what the host has in memory; false: not all of it. */
bool host_file_read_now(const HostFile *file, uint64_t offset, void *data, uint64_t length);
/* A write there changes whole pages of the host's memory, or pages that are there. */
bool host_file_may_write_now(const HostFile *file, uint64_t offset, uint64_t length);
/* All that was written is on the medium. */
DiskResult host_file_sync(HostFile *file, Error *err);
/* Gives the space back; where that cannot be, nothing happens. */
DiskResult host_file_discard(HostFile *file, uint64_t offset, uint64_t length, Error *err);
/* Reads as zero then, and takes no space if that can be. */
DiskResult host_file_zero(HostFile *file, uint64_t offset, uint64_t length, Error *err);
bool host_file_resize(HostFile *file, uint64_t size, Error *err);
/* Bytes that the file takes on the host; a device's size. */
uint64_t host_file_allocated(const HostFile *file);
/* Where data (not a hole) begins at or after offset, `end` if there is none before. */
uint64_t host_file_next_data(const HostFile *file, uint64_t offset, uint64_t end);
/* Where that data ends. */
uint64_t host_file_next_hole(const HostFile *file, uint64_t offset, uint64_t end);

#endif
