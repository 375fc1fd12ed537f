/* What a snapshot says of a disk: a DISK chunk. Disks are numbered behind the memories, in the order of these
 * chunks, and their changed blocks are pages. */
#ifndef ARMATURE_SNAPSHOT_DISK_RECORD_H
#define ARMATURE_SNAPSHOT_DISK_RECORD_H

#include "machine/disk.h"
#include "snapshot/part_code.h"

enum { DISK_RECORD_MOST = 1 << 14 }; /* bytes of the chunk */

typedef struct DiskRecord {
    uint32_t slot;
    uint64_t size; /* bytes of the disk */
    MediumIdentity medium;
    bool from_base; /* blocks that are not there are as in the snapshot's base */
} DiskRecord;

/* "disk0", "sd", "cf". */
const char *disk_slot_name(unsigned slot);

void disk_record_encode(const DiskRecord *record, Buffer *out);
/* False with err set if it is damaged. */
bool disk_record_decode(DiskRecord *record, const uint8_t *data, size_t size, Error *err);

#endif
