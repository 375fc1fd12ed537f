/* Partition tables: MBR with logical partitions, and GPT (UEFI specification 2.10, chapter 5). */
#ifndef ARMATURE_VOLUMES_PARTITIONS_H
#define ARMATURE_VOLUMES_PARTITIONS_H

#include "volumes/source.h"

enum { PARTITIONS_MOST = 128, PARTITION_UUID_TEXT = 40 };

typedef struct Partition {
    unsigned number;                /* as Linux counts: 1 to 4, logical ones from 5 */
    uint64_t start, size;           /* bytes, inside the disk */
    char uuid[PARTITION_UUID_TEXT]; /* as in PARTUUID= */
} Partition;

typedef enum PartitionTable { TABLE_NONE, TABLE_MBR, TABLE_GPT } PartitionTable;

/* Fills list (room for PARTITIONS_MOST) with the partitions that begin inside the disk. *end: where the last
 * one ends, in bytes, which is behind the disk's end if that was cut off; 0: there is none. */
PartitionTable partitions_read(const Source *disk, Partition *list, unsigned *count, uint64_t *end);

/* "01234567-89ab-..." of the 16 bytes of a GUID, whose first three parts are little-endian numbers. */
void partition_guid_text(const uint8_t *guid, char *text, size_t size);

#endif
