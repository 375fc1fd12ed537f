/* A folder of the host whose files a guest may use, and no others: names are paths inside it, whatever `..`,
 * symbolic links, or other programs that change the folder meanwhile, do. Private to machine/.
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
