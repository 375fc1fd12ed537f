/* The handles of semihosting: the console, the feature bytes, and files of one folder of the host. Knows
 * nothing of the guest's memory. Private to machine/.
 *
 * Bounds: 64 handles; files of at most 2 GiB - 1 (lengths must fit the interface) that the process may write
 * (RLIMIT_FSIZE); all files together may grow by 4 GiB at most, each new one counting as 4 KiB at least. */
#ifndef ARMATURE_MACHINE_SEMIHOSTING_FILES_H
#define ARMATURE_MACHINE_SEMIHOSTING_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/host_folder.h"

enum { FILES_MOST = 64, FILES_NAME_MOST = 4096 };
#define FILES_LENGTH_MOST INT32_MAX
#define FILES_GROWTH_MOST (UINT64_C(4) << 30)
#define FILES_NEW_COST 4096u

typedef enum FileKind { FILE_CLOSED, FILE_CONSOLE, FILE_FEATURES, FILE_HOST } FileKind;

typedef struct OpenFile {
    FileKind kind;
    int fd;       /* FILE_HOST */
    unsigned how; /* HOST_READ, HOST_WRITE, HOST_APPEND ... */
    uint64_t at;  /* position */
    char *name;   /* FILE_HOST: what it was opened as */
} OpenFile;

typedef struct Files {
    OpenFile file[FILES_MOST];
    HostFolder *folder;   /* NULL: there are no files */
    uint64_t length_most; /* of one file */
    uint64_t grown;       /* bytes */
} Files;

/* folder is taken over; NULL: calls that need files fail with EACCES. */
void files_init(Files *files, HostFolder *folder);
void files_close_all(Files *files);
void files_done(Files *files); /* closes everything, frees the folder */

/* Functions that return int or int64_t return a negative errno if they fail. Handles are from 1 up. */

/* mode: 0 to 11 as in SYS_OPEN. Returns a handle. */
int files_open(Files *files, const char *name, uint32_t mode);
/* As files_open() of a file of the host that gave this handle, but there is no such file: for replays. False
 * if that cannot have been. */
bool files_adopt(Files *files, int handle, const char *name, uint32_t mode);
int files_close(Files *files, uint32_t handle);
OpenFile *files_get(Files *files, uint32_t handle); /* NULL if it is not open */

/* At the position, which moves on. FILE_HOST and FILE_FEATURES only. Fewer bytes at the end of the file or at
 * a bound; a write that can do nothing fails with EFBIG or ENOSPC. */
int64_t files_read(OpenFile *file, void *data, size_t size);
int64_t files_write(Files *files, OpenFile *file, const void *data, size_t size);
int files_seek(const Files *files, OpenFile *file, uint32_t at);
int64_t files_length(OpenFile *file);

/* Opens a file of the host once more, as it is, for a snapshot that has it open: file->name, how and at are
 * set. A negative errno if that cannot be done. */
int files_reopen(const Files *files, OpenFile *file);

int files_remove(Files *files, const char *name);
int files_rename(Files *files, const char *from, const char *to);

#endif
