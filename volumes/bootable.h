/* Booting from a disk: finds the kernel, the initrd and the root file system of what is installed on it.
 *
 * Understood are partition tables (MBR, GPT, none) and, for reading, ext2, ext3, ext4 and FAT. Nothing is
 * written. The disk's contents are not trusted, see sandbox.h. docs/installing.md says what is looked for. */
#ifndef ARMATURE_VOLUMES_BOOTABLE_H
#define ARMATURE_VOLUMES_BOOTABLE_H

#include "machine/error.h"
#include "volumes/source.h"

enum { BOOTABLE_NAME = 1200, BOOTABLE_COMMAND_LINE = 2048, BOOTABLE_WARNING = 1024 };

typedef struct Bootable {
    int kernel, initrd; /* descriptors of files in memory with their contents; initrd -1: there is none */
    char kernel_name[BOOTABLE_NAME], initrd_name[BOOTABLE_NAME]; /* "partition 1: /boot/vmlinuz-6.1.0" */
    char command_line[BOOTABLE_COMMAND_LINE]; /* "root=UUID=... ro", or what extlinux.conf says; may be "" */
    char warning[BOOTABLE_WARNING];           /* "": all is well */
} Bootable;

/* Reads the disk as it is now. has_root: the user says where the root file system is. False with err set to
 * the second half of a sentence: why the disk cannot be booted from. */
bool bootable_find(const Source *disk, bool has_root, Bootable *bootable, Error *err);
void bootable_close(Bootable *bootable);

/* A command line: `given` behind `found`, from which goes what given says otherwise (root=, ro and rw), with
 * `console` (words "console=...") before it if neither names a console. Allocated. given may be NULL. */
char *bootable_command_line(const char *found, const char *console, const char *given);

#endif
