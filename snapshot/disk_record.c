#include "snapshot/disk_record.h"

#include <stddef.h>
#include <string.h>

/* As fields know it. */
typedef struct Flat {
    DeviceMemory file;
    uint64_t size, file_size, modified, run, changes;
    uint32_t slot, sample;
    bool keeps_changes, from_base;
} Flat;

#define MEMBER(member, kind)                                                                                 \
    {                                                                                                        \
#member, kind, offsetof(Flat, member), 1, 1, NULL                                                    \
    }

static const FieldDef fields[] = {
    MEMBER(slot, FIELD_U32),           MEMBER(size, FIELD_U64),
    MEMBER(file, FIELD_MEMORY),        MEMBER(sample, FIELD_U32),
    MEMBER(file_size, FIELD_U64),      MEMBER(modified, FIELD_U64),
    MEMBER(changes, FIELD_U64),        MEMBER(run, FIELD_U64),
    MEMBER(keeps_changes, FIELD_BOOL), {"from_base", FIELD_BOOL, offsetof(Flat, from_base), 1, 2, NULL},
};

static Part part_of(Flat *flat)
{
    return (Part){.name = "disk",
                  .type = "disk",
                  .version = 2,
                  .base = flat,
                  .fields = fields,
                  .field_count = sizeof fields / sizeof *fields};
}

const char *disk_slot_name(unsigned slot)
{
    static const char *const names[DISK_SLOTS] = {[DISK_SLOT_SD] = "sd",
                                                  [DISK_SLOT_CF] = "cf",
                                                  [DISK_SLOT_VIRTIO] = "disk0",
                                                  [DISK_SLOT_VIRTIO + 1] = "disk1",
                                                  [DISK_SLOT_VIRTIO + 2] = "disk2",
                                                  [DISK_SLOT_VIRTIO + 3] = "disk3",
                                                  [DISK_SLOT_VIRTIO + 4] = "disk4",
                                                  [DISK_SLOT_VIRTIO + 5] = "disk5",
                                                  [DISK_SLOT_VIRTIO + 6] = "disk6",
                                                  [DISK_SLOT_VIRTIO + 7] = "disk7"};
    return names[slot];
}

void disk_record_encode(const DiskRecord *record, Buffer *out)
{
    const MediumIdentity *medium = &record->medium;
    Flat flat = {
        .file = {.bytes = (uint8_t *)medium->file, .size = strlen(medium->file)},
        .size = record->size,
        .file_size = medium->size,
        .modified = (uint64_t)medium->modified,
        .run = medium->run,
        .changes = medium->changes,
        .slot = record->slot,
        .sample = medium->sample,
        .keeps_changes = medium->keeps_changes,
        .from_base = record->from_base
    };
    Part part = part_of(&flat);
    part_encode(&part, out);
}

static void take(DiskRecord *record, const Flat *flat)
{
    MediumIdentity *medium = &record->medium;
    size_t length = flat->file.size < MEDIUM_FILE_BYTES - 1 ? flat->file.size : MEDIUM_FILE_BYTES - 1;
    *record = (DiskRecord){
        .slot = flat->slot,
        .size = flat->size,
        .from_base = flat->from_base,
        .medium = {.keeps_changes = flat->keeps_changes,
                   .size = flat->file_size,
                   .modified = (int64_t)flat->modified,
                   .sample = flat->sample,
                   .run = flat->run,
                   .changes = flat->changes},
    };
    for (size_t n = 0; n < length; n++)
        medium->file[n] =
            flat->file.bytes[n] < ' ' || flat->file.bytes[n] == 0x7f ? '?' : (char)flat->file.bytes[n];
}

bool disk_record_decode(DiskRecord *record, const uint8_t *data, size_t size, Error *err)
{
    Flat flat = {.slot = 0};
    Part part = part_of(&flat);
    bool ok = part_decode(&part, data, size, err);
    if (ok)
        take(record, &flat);
    device_memory_set(&flat.file, 0);
    return ok && (record->slot < DISK_SLOTS || error_set(err, "a disk is in a place that there is not"));
}
