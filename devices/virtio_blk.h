/* What the parts of the virtio block device share: virtio_blk.c has the device and its configuration space,
 * virtio_blk_request.c its requests. */
#ifndef ARMATURE_DEVICES_VIRTIO_BLK_H
#define ARMATURE_DEVICES_VIRTIO_BLK_H

#include "devices/virtio.h"

enum {
    F_SIZE_MAX = 1,
    F_SEG_MAX = 2,
    F_RO = 5,
    F_BLK_SIZE = 6,
    F_FLUSH = 9,
    F_TOPOLOGY = 10,
    F_CONFIG_WCE = 11,
    F_DISCARD = 13,
    F_WRITE_ZEROES = 14
};
enum {
    BLK_QUEUE_SIZE = VIRTQUEUE_MOST,
    BLK_RANGES = 32, /* of a request to discard or zero, at most */
    BLK_DISCARD_SECTORS = 1 << 22,
    BLK_ZERO_SECTORS = 1 << 20
};

/* What a request is about: saved, as FIELD_U64. */
typedef struct BlkProgress {
    uint64_t phase;        /* 0: there is no request */
    uint64_t type, sector; /* of its header */
    uint64_t total;        /* bytes of data */
    uint64_t place;        /* how many of them are done with */
    uint64_t length;       /* of the step under way: bytes of data */
    uint64_t due;          /* of the disk's request */
    uint64_t quick;        /* so far nothing of it had to wait for the disk */
} BlkProgress;

typedef struct BlkRequest BlkRequest;

typedef struct VirtioBlk {
    Virtio virtio;
    uint8_t writeback;                    /* of the configuration space */
    bool stalled;                         /* requests wait in the queue for others to be done */
    BlkProgress progress[BLK_QUEUE_SIZE]; /* by head */
    DeviceMemory data[BLK_QUEUE_SIZE];    /* of requests under way: what they write, or their ranges */
    BlkRequest *request;                  /* BLK_QUEUE_SIZE of them, by head */
    uint64_t in_flight;                   /* bytes */
    uint64_t at_once;                     /* bytes, since the disk was given something to do */
    uint64_t kept;                        /* bytes of buffers that wait to be used again */
} VirtioBlk;

DiskSlot *blk_slot(const VirtioBlk *s);

/* The host's side of the requests. False: the host has no memory. */
bool blk_requests_new(VirtioBlk *s);
void blk_requests_free(VirtioBlk *s);

/* Takes back what is under way, and forgets all requests. */
void blk_requests_forget(VirtioBlk *s);

/* Their progress was loaded from a snapshot: what cannot be is dropped, and the rest gets under way. */
void blk_requests_loaded(VirtioBlk *s);

/* Submits what was under way when the state was saved, if the medium is there now. */
void blk_submit_again(VirtioBlk *s);

/* The handler of the device's queue (VirtioQueueDef). */
VirtioAnswer blk_requested(Virtio *v, unsigned queue, const VirtChain *chain, uint32_t *written);

#endif
