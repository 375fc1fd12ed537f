/* Which kernel a disk is booted with. Private to volumes/: it runs in a process of its own, see bootable.h.
 */
#ifndef ARMATURE_VOLUMES_FIND_KERNEL_H
#define ARMATURE_VOLUMES_FIND_KERNEL_H

#include "volumes/tree.h"

enum { COMMAND_LINE = 2048, FIND_TEXT = 1024 };

typedef struct DiskContents {
    Source disk;
    PartitionTable table;
    Volume volume[PARTITIONS_MOST];
    unsigned count;
    uint64_t end; /* of the last partition, in bytes; behind the disk's end: it was cut off */
} DiskContents;

typedef struct FoundKernel {
    TreeFile kernel, initrd;
    bool has_initrd;
    char command_line[COMMAND_LINE]; /* what is special about this disk: root=... ro, or the entry's */
    char text[FIND_TEXT];            /* not found: why, and what was looked at; found: a warning, or "" */
} FoundKernel;

/* disk stays as long as contents, at its address. */
void disk_contents_open(DiskContents *contents, const Source *disk);
void disk_contents_close(DiskContents *contents);

/* has_root: the user says where the root file system is. */
bool find_kernel(DiskContents *contents, bool has_root, FoundKernel *found);

#endif
