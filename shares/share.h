/* A folder of the host as a 9P2000.L file server, behind a SharePort. docs/sharing.md says what the guest
 * sees.
 *
 * Whatever the guest asks for, and whatever other programs do to the folder meanwhile, nothing outside the
 * folder is reached, and nothing blocks but the host's file system itself: names are resolved beneath the
 * folder without following any symbolic link (the guest follows them itself), and only regular files and
 * folders are opened. */
#ifndef ARMATURE_SHARES_SHARE_H
#define ARMATURE_SHARES_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/error.h"
#include "machine/share_port.h"

typedef struct Share Share;

typedef struct ShareSettings {
    const char *path;
    bool read_only;
    /* The user and group of the guest who own what this process's user and group own on the host. */
    uint32_t uid, gid;
} ShareSettings;

/* NULL with err set if path is no folder that can be used. */
Share *share_new(const ShareSettings *settings, Error *err);
void share_free(Share *share); /* NULL is allowed */

/* For share_port_connect(); `share` is a Share. */
extern const ShareOps share_ops;

/* Behaves as on a kernel without openat2 from now on (tests). */
void share_walk_only(Share *share);

#endif
