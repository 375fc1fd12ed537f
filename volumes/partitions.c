/* See partitions.h. */
#include "volumes/partitions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { SECTOR = 512, MBR_TABLE = 446, MBR_ENTRY = 16, MBR_DISK_ID = 440 };
enum { TYPE_EMPTY = 0, TYPE_EXTENDED = 0x05, TYPE_EXTENDED_LBA = 0x0f, TYPE_EXTENDED_LINUX = 0x85 };
enum { TYPE_GPT = 0xee }; /* all of the disk or more; the partitions are in a GPT */

typedef struct Entries {
    const Source *disk;
    Partition *list;
    unsigned count;
    uint32_t disk_id;
    uint64_t end; /* of the last partition, whether it is inside the disk or not */
} Entries;

static void note_end(Entries *e, uint64_t end)
{
    e->end = end > e->end ? end : e->end;
}

static Partition *add(Entries *e, unsigned number, uint64_t start, uint64_t size)
{
    if (!size || start >= e->disk->size || e->count == PARTITIONS_MOST)
        return NULL;
    Partition *partition = &e->list[e->count++];
    *partition = (Partition){.number = number, .start = start, .size = size};
    if (size > e->disk->size - start)
        partition->size = e->disk->size - start;
    return partition;
}

/* ---- MBR --------------------------------------------------------------------------------------------- */

static const uint8_t *mbr_entry(const uint8_t *sector, unsigned n)
{
    return sector + MBR_TABLE + n * MBR_ENTRY;
}

static bool is_extended(uint8_t type)
{
    return type == TYPE_EXTENDED || type == TYPE_EXTENDED_LBA || type == TYPE_EXTENDED_LINUX;
}

/* A FAT file system without partitions has the same signature, and code where the table would be. */
static bool is_table(const uint8_t *sector)
{
    bool any = false;
    if (sector[510] != 0x55 || sector[511] != 0xaa || !memcmp(sector + 54, "FAT", 3) ||
        !memcmp(sector + 82, "FAT32", 5))
        return false;
    for (unsigned n = 0; n < 4; n++) {
        const uint8_t *entry = mbr_entry(sector, n);
        if (entry[0] & 0x7f)
            return false;
        any |= entry[4] != TYPE_EMPTY && source_le32(entry + 8) && source_le32(entry + 12);
    }
    return any;
}

static void add_mbr(Entries *e, unsigned number, uint64_t origin, const uint8_t *entry)
{
    uint64_t start = (origin + source_le32(entry + 8)) * SECTOR;
    uint64_t size = (uint64_t)source_le32(entry + 12) * SECTOR;
    Partition *partition = add(e, number, start, size);
    if (entry[4] != TYPE_GPT && size)
        note_end(e, start + size);
    if (partition)
        snprintf(partition->uuid, sizeof partition->uuid, "%08x-%02x", e->disk_id, number);
}

/* Each logical partition has a table of its own, which leads to the next. */
static void add_logical(Entries *e, uint64_t extended)
{
    uint8_t sector[SECTOR];
    uint64_t at = extended;
    for (unsigned number = 5; number < PARTITIONS_MOST; number++) {
        if (!source_read(e->disk, at * SECTOR, sector, SECTOR) || sector[510] != 0x55 || sector[511] != 0xaa)
            return;
        const uint8_t *own = mbr_entry(sector, 0), *next = mbr_entry(sector, 1);
        if (own[4] != TYPE_EMPTY)
            add_mbr(e, number, at, own);
        if (!is_extended(next[4]) || !source_le32(next + 8))
            return;
        at = extended + source_le32(next + 8);
    }
}

static void add_all_mbr(Entries *e, const uint8_t *sector)
{
    e->disk_id = source_le32(sector + MBR_DISK_ID);
    for (unsigned n = 0; n < 4; n++) {
        const uint8_t *entry = mbr_entry(sector, n);
        if (entry[4] != TYPE_EMPTY && !is_extended(entry[4]))
            add_mbr(e, n + 1, 0, entry);
    }
    for (unsigned n = 0; n < 4; n++)
        if (is_extended(mbr_entry(sector, n)[4]))
            add_logical(e, source_le32(mbr_entry(sector, n) + 8));
}

/* ---- GPT --------------------------------------------------------------------------------------------- */

enum { GPT_HEADER = 92, GPT_ENTRY_LEAST = 128, GPT_TABLE_MOST = 1 << 20 };

void partition_guid_text(const uint8_t *guid, char *text, size_t size)
{
    snprintf(text, size, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", source_le32(guid),
             source_le16(guid + 4), source_le16(guid + 6), guid[8], guid[9], guid[10], guid[11], guid[12],
             guid[13], guid[14], guid[15]);
}

static void add_gpt_entries(Entries *e, const uint8_t *table, uint32_t count, uint32_t entry_size,
                            uint32_t sector)
{
    static const uint8_t unused[16];
    for (uint32_t n = 0; n < count; n++) {
        const uint8_t *entry = table + (size_t)n * entry_size;
        uint64_t first = source_le64(entry + 32), last = source_le64(entry + 40);
        if (!memcmp(entry, unused, sizeof unused) || last < first || last >= INT64_MAX / sector)
            continue;
        note_end(e, (last + 1) * sector);
        if (last >= e->disk->size / sector)
            continue;
        Partition *partition = add(e, n + 1, first * sector, (last - first + 1) * sector);
        if (partition)
            partition_guid_text(entry + 16, partition->uuid, sizeof partition->uuid);
    }
}

/* The header at a sector, and the table it leads to; both must be whole. */
static bool add_all_gpt(Entries *e, uint64_t at, uint32_t sector)
{
    uint8_t header[SECTOR];
    if (!source_read(e->disk, at * sector, header, SECTOR) || memcmp(header, "EFI PART", 8))
        return false;
    uint32_t header_size = source_le32(header + 12), header_crc = source_le32(header + 16);
    uint32_t count = source_le32(header + 80), entry_size = source_le32(header + 84);
    uint64_t table_at = source_le64(header + 72);
    memset(header + 16, 0, 4);
    if (header_size < GPT_HEADER || header_size > SECTOR || crc32(0, header, header_size) != header_crc ||
        entry_size < GPT_ENTRY_LEAST || entry_size > GPT_TABLE_MOST || !count ||
        count > GPT_TABLE_MOST / entry_size || table_at > e->disk->size / sector)
        return false;
    size_t table_size = (size_t)count * entry_size;
    uint8_t *table = malloc(table_size);
    bool whole = table && source_read(e->disk, table_at * sector, table, table_size) &&
                 crc32(0, table, (uInt)table_size) == source_le32(header + 88);
    if (whole)
        add_gpt_entries(e, table, count, entry_size, sector);
    free(table);
    return whole;
}

/* With sectors of either size, the first copy or the one at the end. */
static bool read_gpt(Entries *e)
{
    for (uint32_t sector = 512; sector <= 4096; sector *= 8)
        if (add_all_gpt(e, 1, sector) ||
            (e->disk->size >= 2 * sector && add_all_gpt(e, e->disk->size / sector - 1, sector)))
            return true;
    return false;
}

PartitionTable partitions_read(const Source *disk, Partition *list, unsigned *count, uint64_t *end)
{
    Entries e = {.disk = disk, .list = list};
    uint8_t sector[SECTOR];
    PartitionTable kind = TABLE_NONE;
    if (source_read(disk, 0, sector, SECTOR) && is_table(sector)) {
        kind = TABLE_GPT;
        if (!read_gpt(&e)) {
            kind = TABLE_MBR;
            add_all_mbr(&e, sector);
        }
    }
    *count = e.count;
    *end = e.end;
    return kind;
}
