/* The requests of the virtio block device: see virtio_blk.c. One goes through steps, each a request to the
 * disk: pieces of its data, ranges to discard or to zero, and the flush that a write ends with if the driver
 * wants no write cache. Data go through buffers of the device's, of which there are IN_FLIGHT_MOST bytes at
 * most; more requests wait in their queue. */
#include "devices/virtio_blk.h"

#include <stdlib.h>
#include <string.h>

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK, S_IOERR, S_UNSUPP };
enum { RANGE_UNMAP = 1 };

enum {
    PIECE_BYTES = 2 << 20, /* of a request, in one step */
    AT_ONCE_PIECE = 128 << 10,
    AT_ONCE_MOST = 8 << 20, /* then the guest goes on while the disk works */
    IN_FLIGHT_MOST = 32 << 20,
    LEAST_BYTES = 4096,
    KEPT_BYTES = 64 << 10, /* larger buffers are given back to the host when there are many */
    KEPT_MOST = IN_FLIGHT_MOST
};

/* As they are in the chain. */
typedef struct Header {
    uint32_t type, reserved;
    uint64_t sector;
} Header;

typedef struct Range {
    uint64_t sector;
    uint32_t sectors, flags;
} Range;

typedef enum Phase { IDLE, MOVING, FLUSHING } Phase;

/* The host's side of a request. */
struct BlkRequest {
    DiskRequest disk;
    Disk *with; /* it is under way there; NULL: it is not */
    VirtioBlk *state;
    uint8_t *buffer; /* NULL while VirtioBlk.data has it */
    uint32_t room, head;
    bool holds; /* the buffer is in use */
};

DiskSlot *blk_slot(const VirtioBlk *s)
{
    const Device *dev = &s->virtio.dev;
    return &dev->env->disk[DISK_SLOT_VIRTIO + dev->props.value[0]];
}

/* ---- Buffers ------------------------------------------------------------------------------------------ */

static bool has_data(uint64_t type)
{
    return type == T_OUT || type == T_DISCARD || type == T_WRITE_ZEROES;
}

/* A buffer for a step, NULL if the host has no memory. */
static uint8_t *take_buffer(VirtioBlk *s, BlkRequest *r, uint32_t size)
{
    s->kept -= r->buffer ? r->room : 0;
    if (!r->buffer || r->room < size) {
        free(r->buffer);
        r->room = size < LEAST_BYTES ? LEAST_BYTES : size;
        r->buffer = malloc(r->room);
    }
    r->holds = r->buffer;
    return r->buffer;
}

/* The step is over: the buffer waits for the next one. */
static void leave_buffer(VirtioBlk *s, BlkRequest *r)
{
    DeviceMemory *data = &s->data[r->head];
    if (!r->holds)
        return;
    r->holds = false;
    if (data->bytes)
        r->buffer = data->bytes;
    *data = (DeviceMemory){NULL, 0};
    if (r->room <= KEPT_BYTES || s->kept + r->room <= KEPT_MOST) {
        s->kept += r->room;
        return;
    }
    free(r->buffer);
    r->buffer = NULL;
}

/* ---- Steps -------------------------------------------------------------------------------------------- */

static bool is_through(const VirtioBlk *s)
{
    const Virtio *v = &s->virtio;
    return !virtio_has(v, F_FLUSH) || (virtio_has(v, F_CONFIG_WCE) && !s->writeback);
}

/* The disk's request for one piece or range. */
static uint8_t set_transfer(BlkProgress *p, DiskRequest *disk, uint8_t *buffer)
{
    disk->action = p->type == T_IN ? DISK_READ : DISK_WRITE;
    disk->offset = p->sector * DISK_SECTOR + p->place;
    disk->length = p->length;
    disk->data = buffer;
    return S_OK;
}

static uint8_t set_range(const BlkProgress *p, DiskRequest *disk, const uint8_t *buffer)
{
    Range range;
    bool discard = p->type == T_DISCARD;
    memcpy(&range, buffer, sizeof range);
    disk->action = discard ? DISK_DISCARD : DISK_ZERO;
    disk->data = NULL;
    if (range.flags & (discard ? ~0u : ~(uint32_t)RANGE_UNMAP))
        return S_UNSUPP;
    if (range.sectors > (discard ? BLK_DISCARD_SECTORS : BLK_ZERO_SECTORS) ||
        range.sector > UINT64_MAX / DISK_SECTOR)
        return S_IOERR;
    disk->offset = range.sector * DISK_SECTOR;
    disk->length = (uint64_t)range.sectors * DISK_SECTOR;
    return S_OK;
}

/* Makes the disk's request from the progress, and from what was saved with it if that is all there is. */
static uint8_t set_request(VirtioBlk *s, BlkRequest *r, uint8_t *buffer)
{
    BlkProgress *p = &s->progress[r->head];
    if (p->phase == FLUSHING) {
        r->disk.action = DISK_FLUSH;
        r->disk.data = NULL;
        return S_OK;
    }
    return p->type == T_IN || p->type == T_OUT ? set_transfer(p, &r->disk, buffer)
                                               : set_range(p, &r->disk, buffer);
}

static uint64_t most_in_step(const BlkProgress *p)
{
    return p->type == T_IN || p->type == T_OUT ? PIECE_BYTES : sizeof(Range);
}

/* Reads that the host has in memory are done at once in small pieces, which stay in the processor's caches.
 */
static uint64_t step_length(const VirtioBlk *s, const BlkProgress *p)
{
    uint64_t left = p->total - p->place, most = most_in_step(p);
    if (p->phase == FLUSHING)
        return 0;
    if (p->type == T_IN && p->quick && s->at_once < AT_ONCE_MOST && !disk_under_way(blk_slot(s)->disk))
        most = AT_ONCE_PIECE;
    return left < most ? left : most;
}

/* Gets the next step ready to be submitted. */
static uint8_t prepare(VirtioBlk *s, BlkRequest *r, const VirtChain *chain)
{
    BlkProgress *p = &s->progress[r->head];
    uint8_t *buffer = NULL;
    uint64_t length = step_length(s, p);
    r->disk.result = DISK_IO_ERROR;
    if (length && !(buffer = take_buffer(s, r, (uint32_t)length)))
        return S_IOERR;
    p->length = length;
    s->in_flight += length;
    if (length && has_data(p->type)) {
        size_t got = virt_chain_read(chain, sizeof(Header) + p->place, buffer, p->length);
        memset(buffer + got, 0, p->length - got);
        s->data[r->head] = (DeviceMemory){buffer, p->length};
        r->buffer = NULL;
    }
    return set_request(s, r, buffer);
}

/* A step is done, well or not. What follows it is in the progress then. */
static uint8_t conclude(VirtioBlk *s, BlkRequest *r, const VirtChain *chain)
{
    BlkProgress *p = &s->progress[r->head];
    uint8_t status = r->disk.result == DISK_OK ? S_OK : S_IOERR;
    if (status == S_OK && p->type == T_IN)
        virt_chain_write(chain, p->place, r->buffer, p->length);
    leave_buffer(s, r);
    s->in_flight -= p->length;
    p->place += status == S_OK ? p->length : 0;
    p->length = p->due = 0;
    if (p->phase == FLUSHING)
        p->phase = IDLE;
    else if (p->place >= p->total)
        p->phase = has_data(p->type) && is_through(s) ? FLUSHING : IDLE;
    return status;
}

static bool submit(VirtioBlk *s, BlkRequest *r)
{
    BlkProgress *p = &s->progress[r->head];
    Disk *disk = blk_slot(s)->disk;
    r->disk.due = p->due;
    r->with = disk;
    if (disk_submit(disk, &r->disk)) {
        r->with = NULL;
        s->at_once += r->disk.result == DISK_OK ? p->length : 0;
        return true;
    }
    p->due = r->disk.due;
    p->quick = 0;
    s->at_once = 0;
    return false;
}

/* Goes on with a request until the disk needs time for it: false. True: it is done. */
static bool go_on(VirtioBlk *s, BlkRequest *r, const VirtChain *chain, uint8_t *status)
{
    BlkProgress *p = &s->progress[r->head];
    while (*status == S_OK && p->phase != IDLE) {
        *status = blk_slot(s)->disk ? prepare(s, r, chain) : S_IOERR;
        if (*status == S_OK && !submit(s, r))
            return false;
        uint8_t result = conclude(s, r, chain);
        *status = *status == S_OK ? result : *status;
    }
    p->phase = IDLE;
    return true;
}

/* Stores the status, and returns how many bytes from the start of the writable part on were written. Nothing
 * is left of a request that is done: it would be state that nobody sees. */
static uint32_t answer(BlkProgress *p, const VirtChain *chain, uint8_t status)
{
    uint32_t before = chain->writable_bytes - 1;
    uint64_t data = p->type == T_IN || p->type == T_GET_ID ? p->place : 0;
    virt_chain_write(chain, before, &status, 1);
    *p = (BlkProgress){.phase = IDLE};
    return data >= before ? before + 1 : (uint32_t)data;
}

/* ---- Requests ----------------------------------------------------------------------------------------- */

static uint8_t get_id(const VirtioBlk *s, BlkProgress *p, const VirtChain *chain)
{
    char id[DISK_SERIAL_BYTES] = "";
    const Disk *disk = blk_slot(s)->disk;
    if (!disk || chain->writable_bytes < 1 + sizeof id)
        return S_IOERR;
    memcpy(id, disk_serial(disk), strlen(disk_serial(disk)));
    p->place = virt_chain_write(chain, 0, id, sizeof id);
    return S_OK;
}

static bool is_inside(const VirtioBlk *s, const BlkProgress *p)
{
    const Disk *disk = blk_slot(s)->disk;
    uint64_t sectors = disk ? disk_size(disk) / DISK_SECTOR : 0;
    return p->total % DISK_SECTOR == 0 && p->sector <= sectors &&
           p->total / DISK_SECTOR <= sectors - p->sector;
}

/* What is to be done for the request; its phase stays IDLE if that is nothing. */
static uint8_t begin(VirtioBlk *s, BlkProgress *p, const VirtChain *chain)
{
    uint64_t sent = chain->readable_bytes - sizeof(Header);
    switch (p->type) {
    case T_IN:
    case T_OUT:
        p->total = p->type == T_IN ? chain->writable_bytes - 1 : sent;
        p->phase = p->total ? MOVING : IDLE;
        return is_inside(s, p) ? S_OK : S_IOERR;
    case T_FLUSH:
        p->phase = FLUSHING;
        return S_OK;
    case T_GET_ID:
        return get_id(s, p, chain);
    case T_DISCARD:
    case T_WRITE_ZEROES:
        if (!virtio_has(&s->virtio, p->type == T_DISCARD ? F_DISCARD : F_WRITE_ZEROES))
            return S_UNSUPP;
        p->total = sent;
        p->phase = sent ? MOVING : IDLE;
        return sent % sizeof(Range) || sent > BLK_RANGES * sizeof(Range) ? S_IOERR : S_OK;
    default:
        log_line(s->virtio.dev.env->log, LOG_UNIMP, s->virtio.dev.name, "request of type %llu",
                 (unsigned long long)p->type);
        return S_UNSUPP;
    }
}

VirtioAnswer blk_requested(Virtio *v, unsigned queue, const VirtChain *chain, uint32_t *written)
{
    (void)queue;
    VirtioBlk *s = (VirtioBlk *)v;
    BlkRequest *r = &s->request[chain->head];
    BlkProgress *p = &s->progress[chain->head];
    Header header;
    uint8_t status;
    if (virt_chain_read(chain, 0, &header, sizeof header) != sizeof header || !chain->writable_bytes) {
        virtio_broken(v, "a request has no header, or no room for its status");
        return VIRTIO_DONE;
    }
    if (p->phase != IDLE) {
        virtio_broken(v, "a request was offered again before it was done");
        return VIRTIO_DONE;
    }
    if (s->in_flight >= IN_FLIGHT_MOST) {
        s->stalled = true;
        return VIRTIO_NOT_NOW;
    }
    *p = (BlkProgress){.type = header.type, .sector = header.sector, .quick = 1};
    status = begin(s, p, chain);
    if (!go_on(s, r, chain, &status))
        return VIRTIO_LATER;
    *written = answer(p, chain, status);
    return VIRTIO_DONE;
}

/* Takes up the queue again when there is room. */
static void unstall(VirtioBlk *s)
{
    if (!s->stalled || s->in_flight > IN_FLIGHT_MOST / 2)
        return;
    s->stalled = false;
    virtio_resume(&s->virtio, 0);
}

static void done(DiskRequest *request)
{
    BlkRequest *r = request->opaque;
    VirtioBlk *s = r->state;
    Virtio *v = &s->virtio;
    VirtChain chain;
    r->with = NULL;
    bool usable = virtio_chain(v, 0, r->head, &chain) && chain.writable_bytes;
    if (!usable)
        chain.readable = chain.writable = 0;
    uint8_t status = conclude(s, r, &chain);
    if (!usable)
        s->progress[r->head] = (BlkProgress){.phase = IDLE};
    else if (go_on(s, r, &chain, &status)) {
        virtio_finish(v, 0, r->head, answer(&s->progress[r->head], &chain, status));
        virtio_signal(v, 0);
    }
    unstall(s);
}

/* Takes a request that is under way back from its disk. */
static void take_back(BlkRequest *r)
{
    if (r->with)
        disk_take_back(r->with, &r->disk);
    r->with = NULL;
}

/* ---- All of them ------------------------------------------------------------------------------------- */

bool blk_requests_new(VirtioBlk *s)
{
    if (!(s->request = calloc(BLK_QUEUE_SIZE, sizeof *s->request)))
        return false;
    for (uint32_t n = 0; n < BLK_QUEUE_SIZE; n++) {
        s->request[n].disk.done = done;
        s->request[n].disk.opaque = &s->request[n];
        s->request[n].state = s;
        s->request[n].head = n;
    }
    return true;
}

void blk_requests_free(VirtioBlk *s)
{
    for (uint32_t n = 0; n < BLK_QUEUE_SIZE; n++) {
        if (blk_slot(s)->disk)
            take_back(&s->request[n]);
        free(s->request[n].buffer);
    }
    free(s->request);
}

void blk_requests_forget(VirtioBlk *s)
{
    for (unsigned n = 0; n < BLK_QUEUE_SIZE; n++) {
        take_back(&s->request[n]);
        leave_buffer(s, &s->request[n]);
        s->progress[n] = (BlkProgress){.phase = IDLE};
    }
    s->in_flight = 0;
    s->stalled = false;
}

/* ---- Snapshots ---------------------------------------------------------------------------------------- */

/* A request as it was saved: is it one that this device could have had? */
static bool is_sound(const VirtioBlk *s, uint32_t head)
{
    const BlkProgress *p = &s->progress[head];
    bool moves = p->type == T_IN || p->type == T_OUT, data = p->phase == MOVING && has_data(p->type);
    uint64_t unit = moves ? DISK_SECTOR : sizeof(Range);
    if (p->phase == FLUSHING)
        return !p->length && !s->data[head].size;
    return p->phase == MOVING && (moves || data) && p->sector <= UINT32_MAX * (uint64_t)DISK_SECTOR &&
           p->total <= UINT32_MAX && p->place < p->total && p->total % unit == 0 && p->place % unit == 0 &&
           p->length && p->length <= most_in_step(p) && p->length <= p->total - p->place &&
           p->length % unit == 0 && s->data[head].size == (data ? p->length : 0);
}

/* Under way when the state was saved; the disk has not heard of it. */
static bool waits(const VirtioBlk *s, uint32_t head)
{
    return s->progress[head].phase != IDLE && !s->request[head].with;
}

/* Which of them was to be done first; BLK_QUEUE_SIZE: none is left. */
static uint32_t first_waiting(const VirtioBlk *s)
{
    uint32_t first = BLK_QUEUE_SIZE;
    for (uint32_t n = 0; n < BLK_QUEUE_SIZE; n++)
        if (waits(s, n) && (first == BLK_QUEUE_SIZE || s->progress[n].due < s->progress[first].due))
            first = n;
    return first;
}

void blk_submit_again(VirtioBlk *s)
{
    for (uint32_t head; blk_slot(s)->disk && (head = first_waiting(s)) < BLK_QUEUE_SIZE;) {
        BlkRequest *r = &s->request[head];
        uint32_t length = (uint32_t)s->progress[head].length;
        uint8_t *buffer = s->data[head].bytes;
        r->disk.result = DISK_IO_ERROR;
        if (!buffer && length)
            buffer = take_buffer(s, r, length);
        bool ready = (buffer || !length) && set_request(s, r, buffer) == S_OK;
        if (!ready || submit(s, r))
            done(&r->disk);
    }
}

void blk_requests_loaded(VirtioBlk *s)
{
    s->in_flight = 0;
    for (uint32_t n = 0; n < BLK_QUEUE_SIZE; n++) {
        BlkRequest *r = &s->request[n];
        DeviceMemory *data = &s->data[n];
        take_back(r);
        if (!is_sound(s, n)) {
            s->progress[n] = (BlkProgress){.phase = IDLE};
            device_memory_set(data, 0);
        }
        s->in_flight += s->progress[n].length;
        s->kept -= r->buffer && !r->holds ? r->room : 0;
        free(r->buffer);
        r->buffer = NULL;
        r->room = (uint32_t)data->size;
        r->holds = data->bytes;
    }
    blk_submit_again(s);
}
