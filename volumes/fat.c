/* FAT12, FAT16 and FAT32 with long names, for reading: "Microsoft Extensible Firmware Initiative FAT32 File
 * System Specification", version 1.03. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "volumes/volume.h"

enum { ENTRY = 32, ENTRIES_MOST = 65536, NAME_UNITS = 13, NAME_PARTS = 20, NAME_TEXT = 1024 };
enum { ATTR_VOLUME = 0x08, ATTR_FOLDER = 0x10, ATTR_LONG_NAME = 0x0f, LAST_PART = 0x40 };

typedef struct Fat {
    const Source *source;
    uint32_t bits;                    /* of an entry: 12, 16 or 32 */
    uint32_t cluster_bytes, clusters; /* clusters are numbered from 2 to clusters + 1 */
    uint64_t table, root, data;       /* where they begin */
    uint32_t root_entries;            /* FAT12 and FAT16: the root has a place of its own */
    uint32_t root_cluster;            /* FAT32 */
    /* Where the last read ended, so that reading on need not follow the chain again. */
    uint32_t near_first, near_index, near_cluster;
} Fat;

/* The root of FAT12 and FAT16 has no cluster. */
enum { FIXED_ROOT = 0 };

static bool is_power_of_two(uint32_t n)
{
    return n && !(n & (n - 1));
}

static void *fat_open(const Source *source)
{
    uint8_t boot[512];
    if (!source_read(source, 0, boot, sizeof boot))
        return NULL;
    uint32_t sector = source_le16(boot + 11), per_cluster = boot[13], reserved = source_le16(boot + 14);
    uint32_t root_entries = source_le16(boot + 17);
    uint64_t sectors = source_le16(boot + 19) ? source_le16(boot + 19) : source_le32(boot + 32);
    uint64_t table_sectors = source_le16(boot + 22) ? source_le16(boot + 22) : source_le32(boot + 36);
    uint64_t root = reserved + boot[16] * table_sectors;
    if (!is_power_of_two(sector) || sector < 512 || sector > 4096 || !is_power_of_two(per_cluster) ||
        !reserved || !boot[16])
        return NULL;
    uint64_t data = root + ((uint64_t)root_entries * ENTRY + sector - 1) / sector;
    if (data >= sectors)
        return NULL;
    uint64_t clusters = (sectors - data) / per_cluster;
    if (clusters > 0x0ffffff5)
        return NULL;
    Fat *fat = calloc(1, sizeof *fat);
    if (!fat)
        return NULL;
    *fat = (Fat){.source = source,
                 .bits = clusters < 4085    ? 12
                         : clusters < 65525 ? 16
                                            : 32,
                 .cluster_bytes = sector * per_cluster,
                 .clusters = (uint32_t)clusters,
                 .table = (uint64_t)reserved * sector,
                 .root = root * sector,
                 .data = data * sector,
                 .root_entries = root_entries};
    fat->root_cluster = fat->bits == 32 ? source_le32(boot + 44) : FIXED_ROOT;
    return fat;
}

static void fat_close(void *fs)
{
    free(fs);
}

/* ---- Clusters ---------------------------------------------------------------------------------------- */

/* The cluster after this one; 0: there is none, or the table is damaged. */
static uint32_t next_cluster(const Fat *fat, uint32_t cluster)
{
    uint8_t entry[4] = {0};
    uint64_t at = fat->table + (uint64_t)cluster * fat->bits / 8;
    if (!source_read(fat->source, at, entry, fat->bits == 32 ? 4 : 2))
        return 0;
    uint32_t next = fat->bits == 32 ? source_le32(entry) & 0x0fffffff : source_le16(entry);
    if (fat->bits == 12)
        next = cluster & 1 ? next >> 4 : next & 0xfff;
    return next >= 2 && next - 2 < fat->clusters ? next : 0;
}

/* The cluster that holds byte `index` * cluster_bytes of a chain. */
static uint32_t find_cluster(Fat *fat, uint32_t first, uint32_t index)
{
    uint32_t cluster = first, n = 0;
    if (fat->near_first == first && fat->near_index <= index && fat->near_cluster) {
        cluster = fat->near_cluster;
        n = fat->near_index;
    }
    if (index > fat->clusters || cluster < 2 || cluster - 2 >= fat->clusters)
        return 0;
    for (; n < index && cluster; n++)
        cluster = next_cluster(fat, cluster);
    fat->near_first = first;
    fat->near_index = index;
    fat->near_cluster = cluster;
    return cluster;
}

/* How much there was before the chain ended. */
static size_t read_chain(Fat *fat, uint32_t first, uint64_t offset, uint8_t *data, size_t length)
{
    size_t done = 0;
    while (done < length) {
        uint64_t index = (offset + done) / fat->cluster_bytes;
        uint32_t within = (uint32_t)((offset + done) % fat->cluster_bytes);
        uint32_t cluster = index <= fat->clusters ? find_cluster(fat, first, (uint32_t)index) : 0;
        size_t part = fat->cluster_bytes - within;
        part = part < length - done ? part : length - done;
        uint64_t at = fat->data + (uint64_t)(cluster - 2) * fat->cluster_bytes + within;
        if (!cluster || !source_read(fat->source, at, data + done, part))
            break;
        done += part;
    }
    return done;
}

/* ---- Folders ----------------------------------------------------------------------------------------- */

typedef struct Names {
    uint16_t units[NAME_PARTS * NAME_UNITS + 1];
    unsigned parts;   /* how many the name has; 0: there is none */
    unsigned missing; /* of them */
    uint8_t checksum;
} Names;

static uint8_t short_name_checksum(const uint8_t *name)
{
    uint8_t sum = 0;
    for (unsigned n = 0; n < 11; n++)
        sum = (uint8_t)((sum >> 1 | sum << 7) + name[n]);
    return sum;
}

/* Parts come from the last to the first, before the entry that they name. */
static void take_part(Names *names, const uint8_t *entry)
{
    static const uint8_t places[NAME_UNITS] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    unsigned number = entry[0] & 0x3f;
    if (entry[0] & LAST_PART) {
        names->parts = names->missing = number <= NAME_PARTS ? number : 0;
        names->checksum = entry[13];
        memset(names->units, 0, sizeof names->units);
    }
    if (!number || number != names->missing || entry[13] != names->checksum) {
        names->parts = names->missing = 0;
        return;
    }
    names->missing--;
    for (unsigned n = 0; n < NAME_UNITS; n++)
        names->units[(number - 1) * NAME_UNITS + n] = source_le16(entry + places[n]);
}

/* UTF-8; characters beyond the first plane do not matter here. */
static void long_name(const Names *names, char *text)
{
    unsigned char *at = (unsigned char *)text;
    for (const uint16_t *unit = names->units; *unit && *unit != 0xffff; unit++) {
        if (*unit < 0x80) {
            *at++ = (unsigned char)*unit;
        } else if (*unit < 0x800) {
            *at++ = (unsigned char)(0xc0 | *unit >> 6);
            *at++ = (unsigned char)(0x80 | (*unit & 0x3f));
        } else {
            *at++ = (unsigned char)(0xe0 | *unit >> 12);
            *at++ = (unsigned char)(0x80 | (*unit >> 6 & 0x3f));
            *at++ = (unsigned char)(0x80 | (*unit & 0x3f));
        }
    }
    *at = '\0';
}

static void short_name(const uint8_t *entry, char *text)
{
    enum { LOWER_BASE = 0x08, LOWER_EXTENSION = 0x10 }; /* as Windows NT and Linux write them */
    char *at = text;
    for (unsigned n = 0; n < 11; n++) {
        bool lower = entry[12] & (n < 8 ? LOWER_BASE : LOWER_EXTENSION);
        if (entry[n] == ' ')
            continue;
        if (n >= 8 && (at == text || !memchr(text, '.', (size_t)(at - text))))
            *at++ = '.';
        *at++ = (char)(lower && entry[n] >= 'A' && entry[n] <= 'Z' ? entry[n] + 32 : entry[n]);
    }
    *at = '\0';
}

static bool read_entry(Fat *fat, const Node *folder, unsigned n, uint8_t *entry)
{
    if (folder->id == FIXED_ROOT)
        return n < fat->root_entries &&
               source_read(fat->source, fat->root + (uint64_t)n * ENTRY, entry, ENTRY);
    return read_chain(fat, (uint32_t)folder->id, (uint64_t)n * ENTRY, entry, ENTRY) == ENTRY;
}

static void describe(const Fat *fat, const uint8_t *entry, Node *node)
{
    uint32_t cluster =
        source_le16(entry + 26) | (fat->bits == 32 ? (uint32_t)source_le16(entry + 20) << 16 : 0);
    *node = (Node){.kind = entry[11] & ATTR_FOLDER ? NODE_FOLDER : NODE_FILE,
                   .id = cluster,
                   .size = source_le32(entry + 28)};
}

/* Calls each(opaque, name, node) until it returns false. */
static bool walk(Fat *fat, const Node *folder, bool (*each)(void *opaque, const char *name, const Node *node),
                 void *opaque)
{
    Names names = {.parts = 0};
    uint8_t entry[ENTRY];
    for (unsigned n = 0; n < ENTRIES_MOST && read_entry(fat, folder, n, entry) && entry[0]; n++) {
        char text[NAME_TEXT];
        Node node;
        if (entry[0] != 0xe5 && (entry[11] & 0x3f) == ATTR_LONG_NAME) {
            take_part(&names, entry);
            continue;
        }
        bool has_long = names.parts && !names.missing && names.checksum == short_name_checksum(entry);
        if (entry[0] != 0xe5 && !(entry[11] & ATTR_VOLUME)) {
            if (has_long)
                long_name(&names, text);
            else
                short_name(entry, text);
            describe(fat, entry, &node);
            if (!each(opaque, text, &node))
                return true;
        }
        names.parts = 0;
    }
    return true;
}

static void fat_root(void *fs, Node *node)
{
    *node = (Node){.kind = NODE_FOLDER, .id = ((Fat *)fs)->root_cluster};
}

typedef struct Search {
    const char *name;
    Node *node;
    bool found;
} Search;

static bool match(void *opaque, const char *name, const Node *node)
{
    Search *search = opaque;
    if (strcasecmp(name, search->name))
        return true;
    *search->node = *node;
    search->found = true;
    return false;
}

static bool fat_find(void *fs, const Node *folder, const char *name, Node *node)
{
    Search search = {name, node, false};
    return folder->kind == NODE_FOLDER && walk(fs, folder, match, &search) && search.found;
}

typedef struct Listing {
    bool (*entry)(void *opaque, const char *name);
    void *opaque;
} Listing;

static bool list_one(void *opaque, const char *name, const Node *node)
{
    const Listing *listing = opaque;
    (void)node;
    return listing->entry(listing->opaque, name);
}

static bool fat_list(void *fs, const Node *folder, bool (*entry)(void *opaque, const char *name),
                     void *opaque)
{
    Listing listing = {entry, opaque};
    return walk(fs, folder, list_one, &listing);
}

static long fat_read(void *fs, const Node *node, uint64_t offset, void *data, size_t length)
{
    uint64_t rest = offset < node->size ? node->size - offset : 0;
    size_t wanted = length < rest ? length : (size_t)rest;
    return read_chain(fs, (uint32_t)node->id, offset, data, wanted) == wanted ? (long)wanted : -1;
}

const FileSystemOps fat_ops = {fat_open, fat_close, fat_root, fat_find, fat_list, fat_read};
