/* What is on the machine's disks at one moment, while the machine goes on. */
#ifndef ARMATURE_SNAPSHOT_DISK_CAPTURE_H
#define ARMATURE_SNAPSHOT_DISK_CAPTURE_H

#include "machine/machine.h"
#include "snapshot/bytes.h"

typedef struct DiskCapture DiskCapture;

/* Machine's thread. NULL with err set if the host cannot tell what the disks are. */
DiskCapture *disk_capture_begin(Machine *machine, Error *err);
/* Machine's thread, everything was taken: what was changed since. False with err set as above. */
bool disk_capture_again(DiskCapture *capture, Error *err);
/* Machine's thread: the other thread has ended. NULL is allowed. */
void disk_capture_end(DiskCapture *capture);

unsigned disk_capture_count(const DiskCapture *capture);
/* Whether no disk is written directly: all that changes is in overlays. */
bool disk_capture_is_apart(const DiskCapture *capture);
/* Bytes of disk n. */
uint64_t disk_capture_size(const DiskCapture *capture, unsigned n);
/* The payload of the chunk of disk n, appended. */
void disk_capture_encode(const DiskCapture *capture, unsigned n, Buffer *out);

/* The other thread: changes of disk n, as MediumPointOps.next(). */
MediumStep disk_capture_next(DiskCapture *capture, unsigned n, uint64_t *block, uint64_t *count,
                             uint8_t *data, Error *err);

#endif
