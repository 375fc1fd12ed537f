/* A folder of the host whose files a guest may use, and no others: names are paths inside it, whatever `..`,
 * symbolic links, or other programs that change the folder meanwhile, do.
 *
 * With openat2(2), which Linux has since 5.6, the kernel resolves names beneath the folder; symbolic links
 * that stay inside are followed. Without it, names are walked one component at a time from folder to folder;
 * then symbolic links and `..` are refused. Only regular files can be opened, removed and renamed: opening
 * never waits, and never touches a device. */
#ifndef ARMATURE_MACHINE_HOST_FOLDER_H
#define ARMATURE_MACHINE_HOST_FOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "machine/error.h"

typedef struct HostFolder HostFolder;

/* NULL with err set if path is no folder that can be entered. */
HostFolder *host_folder_new(const char *path, Error *err);
void host_folder_free(HostFolder *folder); /* NULL is allowed */

/* Behaves as on a kernel without openat2 from now on (tests). */
void host_folder_walk_only(HostFolder *folder);

/* The place that a path inside the folder names, opened with flags of open(2) and, for O_CREAT, a mode. Not
 * one symbolic link is followed, whoever put it there; with O_PATH | O_NOFOLLOW the last component may be
 * one, and that is opened. `..` is refused; "." is the folder itself. For a path that the folder's user did
 * not check, open with O_PATH and look at what it is before host_reopen(). Returns a descriptor, which the
 * caller closes, or a negative errno. */
int host_folder_at(const HostFolder *folder, const char *path, int flags, mode_t mode);

/* Opens what an O_PATH descriptor of a regular file or folder stands for, with other flags; waits for
 * nothing. Descriptor or negative errno. */
int host_reopen(int fd, int flags);

/* Where /proc has the descriptor: for calls that take no O_PATH descriptor. */
enum { HOST_FD_PATH = 32 };
const char *host_fd_path(int fd, char path[HOST_FD_PATH]);

/* Regular files only, symbolic links that stay inside are followed: */

enum { HOST_READ = 1, HOST_WRITE = 2, HOST_CREATE = 4, HOST_APPEND = 8 };

/* Opens a file for HOST_READ, HOST_WRITE or both. HOST_CREATE: makes it if there is none, and sets *created.
 * Returns a descriptor, which the caller closes, or a negative errno: -EACCES for all that lies outside or is
 * neither a file nor a folder. */
int host_folder_open(const HostFolder *folder, const char *name, unsigned how, bool *created);

/* What a removed or replaced file occupied; 0 bytes if other names or nobody had it. */
typedef struct HostFreed {
    uint64_t bytes;
    dev_t dev;
    ino_t ino;
} HostFreed;

/* Both return 0 or a negative errno. A file at the new name is replaced. */
int host_folder_remove(const HostFolder *folder, const char *name, HostFreed *freed);
int host_folder_rename(const HostFolder *folder, const char *from, const char *to, HostFreed *freed);

#endif
