/* Virtio block device: Virtual I/O Device (VIRTIO) 1.2, section 5.2. Property 0 is its number: the medium is
 * in slot DISK_SLOT_VIRTIO + number. Requests are asynchronous (virtio_blk_request.c).
 *
 * Not modelled: several queues, secure erase, lifetime metrics, geometry. */
#include "devices/virtio_blk.h"

#include <string.h>

enum { ID_BLOCK = 2 };
enum {
    SEGMENTS = BLK_QUEUE_SIZE - 2, /* of data: a chain has a header and a status, too */
    SEGMENT_BYTES = 1 << 20,
    BLOCKS_IN_PAGE_LOG = 3 /* hosts keep files in pages of 4 KiB */
};

typedef VirtioBlk State;

/* ---- Resets, media ------------------------------------------------------------------------------------ */

static void reset(Virtio *v)
{
    State *s = (State *)v;
    blk_requests_forget(s);
    s->writeback = 1;
}

static void loaded(Device *dev)
{
    blk_requests_loaded((State *)dev);
}

/* Another medium, none, or another size. Nothing is under way, but for what a snapshot said before its medium
 * was there. */
static void changed(void *opaque)
{
    State *s = opaque;
    blk_submit_again(s);
    virtio_config_changed(&s->virtio);
}

/* ---- Configuration space ------------------------------------------------------------------------------ */

static void put(uint8_t *bytes, uint64_t value, unsigned size)
{
    memcpy(bytes, &value, size);
}

static void capacity_read(Virtio *v, uint8_t *bytes)
{
    const Disk *disk = blk_slot((State *)v)->disk;
    put(bytes, disk ? disk_size(disk) / DISK_SECTOR : 0, 8);
}

static void writeback_written(Virtio *v, const uint8_t *bytes)
{
    ((State *)v)->writeback = bytes[0] != 0;
}

/* clang-format off */
#define CONSTANT_READ(name, value, size)                                                                     \
    static void name(Virtio *v, uint8_t *bytes) { (void)v; put(bytes, value, size); }
CONSTANT_READ(size_max_read, SEGMENT_BYTES, 4)
CONSTANT_READ(seg_max_read, SEGMENTS, 4)
CONSTANT_READ(blk_size_read, DISK_SECTOR, 4)
CONSTANT_READ(physical_read, BLOCKS_IN_PAGE_LOG, 1)
CONSTANT_READ(min_io_read, 1 << BLOCKS_IN_PAGE_LOG, 2)
CONSTANT_READ(discard_sectors_read, BLK_DISCARD_SECTORS, 4)
CONSTANT_READ(zero_sectors_read, BLK_ZERO_SECTORS, 4)
CONSTANT_READ(ranges_read, BLK_RANGES, 4)
CONSTANT_READ(alignment_read, 1 << BLOCKS_IN_PAGE_LOG, 4)

static const VirtioConfigDef config[] = {
    /* name                     offset size  at          writable read         written */
    {"capacity",                  0, 8, NO_STORE,      false, capacity_read,        NULL},
    {"size_max",                  8, 4, NO_STORE,      false, size_max_read,        NULL},
    {"seg_max",                  12, 4, NO_STORE,      false, seg_max_read,         NULL},
    {"blk_size",                 20, 4, NO_STORE,      false, blk_size_read,        NULL},
    {"physical_block_exp",       24, 1, NO_STORE,      false, physical_read,        NULL},
    {"min_io_size",              26, 2, NO_STORE,      false, min_io_read,          NULL},
    {"writeback",                32, 1, AT(writeback), true,  NULL,                 writeback_written},
    {"max_discard_sectors",      36, 4, NO_STORE,      false, discard_sectors_read, NULL},
    {"max_discard_seg",          40, 4, NO_STORE,      false, ranges_read,          NULL},
    {"discard_sector_alignment", 44, 4, NO_STORE,      false, alignment_read,       NULL},
    {"max_write_zeroes_sectors", 48, 4, NO_STORE,      false, zero_sectors_read,    NULL},
    {"max_write_zeroes_seg",     52, 4, NO_STORE,      false, ranges_read,          NULL},
};
/* clang-format on */

static uint64_t more_features(const Virtio *v)
{
    const Disk *disk = blk_slot((const State *)v)->disk;
    return disk && disk_read_only(disk) ? 1 << F_RO : 0;
}

/* ---- The device --------------------------------------------------------------------------------------- */

static const VirtioQueueDef queues[] = {
    {BLK_QUEUE_SIZE, blk_requested, NULL}
};

static const VirtioType type = {
    .id = ID_BLOCK,
    .features = 1 << F_SIZE_MAX | 1 << F_SEG_MAX | 1 << F_BLK_SIZE | 1 << F_FLUSH | 1 << F_TOPOLOGY |
                1 << F_CONFIG_WCE | 1 << F_DISCARD | 1 << F_WRITE_ZEROES,
    .more_features = more_features,
    VIRTIO_TABLES,
    .reset = reset,
};

static bool create(Device *dev, Error *err)
{
    State *s = (State *)dev;
    if (dev->props.value[0] >= DISK_SLOTS - DISK_SLOT_VIRTIO)
        return error_set(err, "%s: there is no disk %u", dev->name, dev->props.value[0]);
    virtio_create(&s->virtio, &type);
    if (!blk_requests_new(s))
        return error_set(err, "%s: no memory", dev->name);
    blk_slot(s)->changed = changed;
    blk_slot(s)->changed_opaque = s;
    return true;
}

static void destroy(Device *dev)
{
    State *s = (State *)dev;
    if (!s->request)
        return;
    blk_slot(s)->changed = NULL;
    blk_requests_free(s);
}

static const FieldDef fields[] = {
    VIRTIO_FIELDS,
    FIELD(writeback, FIELD_U8),
    FIELD(stalled, FIELD_BOOL),
    FIELD_ARRAY(progress, FIELD_U64, BLK_QUEUE_SIZE * sizeof(BlkProgress) / 8),
    FIELD_ARRAY(data, FIELD_MEMORY, BLK_QUEUE_SIZE),
    TRANSIENT(request, "the host's side of the requests, made from their progress"),
    TRANSIENT(in_flight, "the sum of the requests' lengths"),
    TRANSIENT(at_once, "about the host's cache"),
    TRANSIENT(kept, "about buffers of the host"),
};

const DeviceType virtio_blk_type = {
    VIRTIO_DEVICE,
    .name = "virtio_blk",
    .summary = "virtio block device",
    .state_size = sizeof(State),
    DEVICE_FIELDS,
    .version = 1,
    .create = create,
    .destroy = destroy,
    .loaded = loaded,
};
