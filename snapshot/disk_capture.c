#include "snapshot/disk_capture.h"

#include <stdlib.h>

#include "snapshot/disk_record.h"

struct DiskCapture {
    Disk *disk[DISK_SLOTS];
    DiskRecord record[DISK_SLOTS];
    unsigned count;
};

DiskCapture *disk_capture_begin(Machine *machine, Error *err)
{
    DiskCapture *capture = calloc(1, sizeof *capture);
    if (!capture)
        abort();
    for (unsigned n = 0; n < DISK_SLOTS; n++) {
        Disk *disk = machine->env.disk[n].disk;
        DiskRecord *record = &capture->record[capture->count];
        if (!disk)
            continue;
        *record = (DiskRecord){.slot = n, .size = disk_size(disk)};
        if (!disk_freeze(disk, &record->medium, err)) {
            disk_capture_end(capture);
            return NULL;
        }
        capture->disk[capture->count++] = disk;
    }
    return capture;
}

bool disk_capture_again(DiskCapture *capture, Error *err)
{
    bool ok = true;
    for (unsigned n = 0; ok && n < capture->count; n++)
        ok = disk_freeze_again(capture->disk[n], &capture->record[n].medium, err);
    return ok;
}

bool disk_capture_is_apart(const DiskCapture *capture)
{
    bool apart = true;
    for (unsigned n = 0; n < capture->count; n++)
        apart &= capture->record[n].medium.keeps_changes || disk_read_only(capture->disk[n]);
    return apart;
}

void disk_capture_end(DiskCapture *capture)
{
    for (unsigned n = 0; capture && n < capture->count; n++)
        disk_thaw(capture->disk[n]);
    free(capture);
}

unsigned disk_capture_count(const DiskCapture *capture)
{
    return capture->count;
}

uint64_t disk_capture_size(const DiskCapture *capture, unsigned n)
{
    return capture->record[n].size;
}

void disk_capture_encode(const DiskCapture *capture, unsigned n, Buffer *out)
{
    disk_record_encode(&capture->record[n], out);
}

MediumStep disk_capture_next(DiskCapture *capture, unsigned n, uint64_t *block, uint64_t *count,
                             uint8_t *data, Error *err)
{
    Disk *disk = capture->disk[n];
    const MediumPointOps *ops = disk_point_ops(disk);
    return ops ? ops->next(disk_medium(disk), block, count, data, err) : STEP_END;
}
