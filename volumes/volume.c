/* See volume.h. Kinds are told by signatures as the file systems' own documents give them. */
#include "volumes/volume.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

typedef enum IdKind { ID_NONE, ID_BYTES, ID_FAT, ID_TEXT } IdKind;

typedef struct Signature {
    const char *type;
    uint32_t at;
    const char *magic;
    uint8_t magic_length;
    bool is_root_type;
    IdKind id;
    uint32_t id_at, label_at;
    uint8_t label_length;
} Signature;

/* clang-format off */
static const Signature signatures[] = {
    /* what          magic                           root   UUID               label */
    {"ext2/3/4",     1080, "\x53\xef", 2,            true,  ID_BYTES, 1128,    1144, 16},
    {"XFS",          0, "XFSB", 4,                   true,  ID_BYTES, 32,      108, 12},
    {"Btrfs",        0x10040, "_BHRfS_M", 8,         true,  ID_BYTES, 0x10020, 0x1012b, 63},
    {"F2FS",         1024, "\x10\x20\xf5\xf2", 4,    true,  ID_BYTES, 1132,    0, 0},
    {"LUKS",         0, "LUKS\xba\xbe", 6,           false, ID_TEXT, 168,      0, 0},
    {"LVM",          536, "LVM2 001", 8,             false, ID_NONE, 0,        0, 0},
    {"swap space",   4086, "SWAPSPACE2", 10,         false, ID_BYTES, 1036,    1052, 16},
    {"SquashFS",     0, "hsqs", 4,                   true,  ID_NONE, 0,        0, 0},
    {"ISO 9660",     32769, "CD001", 5,              false, ID_NONE, 0,        0, 0},
    {"NTFS",         3, "NTFS    ", 8,               false, ID_NONE, 0,        0, 0},
    {"FAT",          82, "FAT32   ", 8,              false, ID_FAT, 67,        71, 11},
    {"FAT",          54, "FAT", 3,                   false, ID_FAT, 39,        43, 11},
};
/* clang-format on */

static void read_label(Volume *volume, const Signature *s)
{
    char label[VOLUME_LABEL_TEXT] = "";
    if (!s->label_length || !source_read(&volume->source, s->label_at, label, s->label_length))
        return;
    size_t length = strlen(label);
    while (length && label[length - 1] == ' ')
        length--;
    for (size_t n = 0; n < length; n++)
        if (iscntrl((unsigned char)label[n]))
            return;
    memcpy(volume->label, label, length);
}

static void read_id(Volume *volume, const Signature *s)
{
    uint8_t id[36] = {0};
    if (s->id == ID_NONE || !source_read(&volume->source, s->id_at, id, s->id == ID_TEXT ? 36 : 16))
        return;
    if (s->id == ID_FAT) {
        snprintf(volume->uuid, sizeof volume->uuid, "%04X-%04X", source_le16(id + 2), source_le16(id));
        return;
    }
    if (s->id == ID_TEXT) {
        for (unsigned n = 0; n < 36 && (isxdigit(id[n]) || id[n] == '-'); n++)
            volume->uuid[n] = (char)id[n];
        return;
    }
    char *at = volume->uuid;
    for (unsigned n = 0; n < 16; n++)
        at += sprintf(at, "%s%02x", n == 4 || n == 6 || n == 8 || n == 10 ? "-" : "", id[n]);
}

void volume_open(Volume *volume, const Source *source, const Partition *partition)
{
    *volume = (Volume){.source = *source};
    if (partition) {
        volume->source = source_part(source, partition->start, partition->size);
        volume->partition = partition->number;
        memcpy(volume->partition_uuid, partition->uuid, sizeof volume->partition_uuid);
    }
    for (unsigned n = 0; n < sizeof signatures / sizeof *signatures; n++) {
        const Signature *s = &signatures[n];
        char magic[16];
        if (!source_read(&volume->source, s->at, magic, s->magic_length) ||
            memcmp(magic, s->magic, s->magic_length))
            continue;
        volume->type = s->type;
        volume->is_root_type = s->is_root_type;
        read_id(volume, s);
        read_label(volume, s);
        volume->ops = n == 0 ? ext_ops : s->id == ID_FAT ? &fat_ops : NULL;
        break;
    }
    if (volume->ops && !(volume->fs = volume->ops->open(&volume->source))) {
        volume->ops = NULL;
        volume->damaged = true;
    }
}

void volume_close(Volume *volume)
{
    if (volume->fs)
        volume->ops->close(volume->fs);
    volume->fs = NULL;
}
