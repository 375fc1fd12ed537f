/* Who owns a shared file and with what mode, as the guest sees it and as the host has it.
 *
 * The user of the host who runs the emulator and the guest's user of choice (1000 is Debian's first) trade
 * places: what one owns on the host, the other owns in the guest; other numbers are the same on both sides.
 * What the host does not permit or would rather not have (an owner that its user may not give files to, a
 * mode that shuts its own user out, set-user-ID bits) is kept in an extended attribute, "user.armature", of
 * files and folders, where their file system has such. Private to shares/. */
#ifndef ARMATURE_SHARES_OWNER_H
#define ARMATURE_SHARES_OWNER_H

#include <stdint.h>
#include <sys/stat.h>

#include "shares/p9.h"

#define OWNER_ATTRIBUTE "user.armature"

typedef struct Owners {
    uint32_t host_uid, host_gid;
    uint32_t guest_uid, guest_gid;
} Owners;

/* For this process's user. */
void owners_init(Owners *owners, uint32_t guest_uid, uint32_t guest_gid);

/* All fds may be O_PATH descriptors. Functions return 0 or a negative errno. */

/* Turns what the host says of a file into what the guest is told. */
void owner_show(const Owners *owners, int fd, struct stat *st);

/* Guest's numbers, or P9_NO_ID to leave one as it is. */
int owner_change(const Owners *owners, int fd, uint32_t uid, uint32_t gid);

int owner_change_mode(const Owners *owners, int fd, uint32_t mode);

/* A file or folder was just made by that user of the guest: as owner_change() and owner_change_mode(), but it
 * is not a failure if an owner cannot be kept. */
int owner_created(const Owners *owners, int fd, uint32_t uid, uint32_t gid, uint32_t mode);

#endif
