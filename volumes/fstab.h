/* /etc/fstab of a system that is not running: which file system belongs where. */
#ifndef ARMATURE_VOLUMES_FSTAB_H
#define ARMATURE_VOLUMES_FSTAB_H

#include "volumes/volume.h"

enum { FSTAB_SPEC = 256 };

/* What fstab(5) calls fs_spec ("UUID=...", "/dev/vda1") of the line for a folder. False: there is none. */
bool fstab_find(const char *fstab, const char *folder, char spec[FSTAB_SPEC]);

/* Does spec name this volume? Names of devices are compared by the partition's number alone, since the disk
 * may have another name at each start. */
bool fstab_matches(const char *spec, const Volume *volume);

#endif
