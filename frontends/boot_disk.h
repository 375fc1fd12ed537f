/* Booting from a disk, when nothing else is given to run: the first disk with a kernel on it. */
#ifndef ARMATURE_FRONTENDS_BOOT_DISK_H
#define ARMATURE_FRONTENDS_BOOT_DISK_H

#include "machine/boot.h"
#include "machine/machine.h"

typedef struct BootDisk BootDisk;

/* What `given` leaves to the disks, if there are any: looks for a kernel on them as they are now, and
 * completes *options, a copy of given, from it. NULL with err set if they have none; otherwise the result
 * stays until *options is not needed any more. */
BootDisk *boot_disk_find(Machine *machine, const BootOptions *given, BootOptions *options, Error *err);
void boot_disk_free(BootDisk *disk); /* NULL is allowed */

#endif
