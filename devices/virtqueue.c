#include "devices/virtqueue.h"

enum { DESCRIPTOR_BYTES = 16, USED_BYTES = 8 };
enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };
enum { AVAIL_NO_INTERRUPT = 1 };
/* Offsets within both rings. */
enum { RING_INDEX = 2, RING_ENTRIES = 4 };

typedef struct Descriptor {
    uint64_t address;
    uint32_t size;
    uint16_t flags, next;
} Descriptor;

_Static_assert(sizeof(Descriptor) == DESCRIPTOR_BYTES, "descriptors are read as they are");

/* A table of descriptors: the queue's own, or an indirect one. */
typedef struct Table {
    uint32_t address, count;
} Table;

static uint16_t read16(const VirtqueueAccess *access, uint32_t address)
{
    uint16_t value = 0;
    bus_dma_read(access->bus, address, &value, sizeof value);
    return value;
}

/* Where the driver says from which chain on it wants to be told, and where the device does. */
static uint32_t used_event_address(const Virtqueue *queue)
{
    return queue->driver[0] + RING_ENTRIES + 2 * queue->size;
}

static uint32_t avail_event_address(const Virtqueue *queue)
{
    return queue->device[0] + RING_ENTRIES + USED_BYTES * queue->size;
}

/* Is [address, address + size) memory, that can be written if need be? */
static bool is_memory(Bus *bus, uint64_t address, uint64_t size, bool write)
{
    if (address > UINT32_MAX)
        return false;
    const Region *region = bus_find(bus, (uint32_t)address);
    bool kind_fits =
        region && region->host && (region->kind == REGION_RAM || (!write && region->kind == REGION_ROM));
    return kind_fits && address + size <= (uint64_t)region->base + region->size;
}

static bool ring_fits(const VirtqueueAccess *access, const uint32_t *address, uint32_t bytes, uint32_t align)
{
    return address[0] % align == 0 &&
           is_memory(access->bus, (uint64_t)address[1] << 32 | address[0], bytes, true);
}

const char *virtqueue_problem(const VirtqueueAccess *access)
{
    const Virtqueue *queue = access->queue;
    uint32_t size = queue->size;
    if (!size || size & (size - 1) || size > VIRTQUEUE_MOST)
        return "the queue's size is not a power of two within its limit";
    if (!ring_fits(access, queue->descriptors, DESCRIPTOR_BYTES * size, 16))
        return "the descriptor table is not in memory, or not aligned";
    if (!ring_fits(access, queue->driver, RING_ENTRIES + 2 * size + 2, 2))
        return "the available ring is not in memory, or not aligned";
    if (!ring_fits(access, queue->device, RING_ENTRIES + USED_BYTES * size + 2, 4))
        return "the used ring is not in memory, or not aligned";
    return NULL;
}

uint32_t virtqueue_waiting(const VirtqueueAccess *access)
{
    const Virtqueue *queue = access->queue;
    return (uint16_t)(read16(access, queue->driver[0] + RING_INDEX) - queue->taken);
}

/* ---- Chains ------------------------------------------------------------------------------------------- */

static const char *add_segment(VirtChain *chain, const Descriptor *d)
{
    bool write = d->flags & DESC_WRITE;
    uint32_t *bytes = write ? &chain->writable_bytes : &chain->readable_bytes;
    unsigned count = chain->readable + chain->writable;
    if (!write && chain->writable)
        return "a buffer for the device to read follows one to write";
    if (!is_memory(chain->bus, d->address, d->size, write))
        return "a buffer is not in memory";
    if (count == VIRTQUEUE_MOST || d->size > UINT32_MAX - *bytes)
        return "a chain is too long";
    chain->segment[count] = (VirtSegment){(uint32_t)d->address, d->size};
    *bytes += d->size;
    if (write)
        chain->writable++;
    else
        chain->readable++;
    return NULL;
}

static const char *enter_indirect(const VirtqueueAccess *access, const Descriptor *d, Table *table)
{
    if (!access->indirect)
        return "an indirect table that was not negotiated";
    if (d->flags & DESC_NEXT || d->size % DESCRIPTOR_BYTES || !d->size)
        return "an indirect table that is not one";
    if (!is_memory(access->bus, d->address, d->size, false))
        return "an indirect table is not in memory";
    *table = (Table){(uint32_t)d->address, d->size / DESCRIPTOR_BYTES};
    return NULL;
}

/* An indirect table is entered once at most, and no table gives more steps than a chain may have. */
const char *virtqueue_chain(const VirtqueueAccess *access, uint32_t head, VirtChain *chain)
{
    const Virtqueue *queue = access->queue;
    Table table = {queue->descriptors[0], queue->size};
    bool inside = false;
    uint32_t at = head;
    chain->bus = access->bus;
    chain->head = (uint16_t)head;
    chain->readable = chain->writable = 0;
    chain->readable_bytes = chain->writable_bytes = 0;
    for (unsigned steps = 0; steps <= VIRTQUEUE_MOST; steps++) {
        Descriptor d;
        if (at >= table.count)
            return "a descriptor's number is outside its table";
        if (!bus_dma_read(access->bus, table.address + DESCRIPTOR_BYTES * at, &d, sizeof d))
            return "the descriptor table is not in memory";
        const char *problem;
        if (d.flags & DESC_INDIRECT) {
            problem = inside ? "an indirect table within another" : enter_indirect(access, &d, &table);
            inside = true;
            at = 0;
        } else {
            problem = d.size ? add_segment(chain, &d) : NULL;
            at = d.next;
        }
        if (problem)
            return problem;
        if (!(d.flags & (DESC_INDIRECT | DESC_NEXT)))
            return NULL;
    }
    return "a chain is too long, or goes round in circles";
}

const char *virtqueue_next(const VirtqueueAccess *access, VirtChain *chain)
{
    const Virtqueue *queue = access->queue;
    uint32_t entry = queue->taken & (queue->size - 1);
    return virtqueue_chain(access, read16(access, queue->driver[0] + RING_ENTRIES + 2 * entry), chain);
}

void virtqueue_advance(const VirtqueueAccess *access)
{
    access->queue->taken = (uint16_t)(access->queue->taken + 1);
}

/* ---- Giving back -------------------------------------------------------------------------------------- */

bool virtqueue_give_back(const VirtqueueAccess *access, uint32_t head, uint32_t written)
{
    Virtqueue *queue = access->queue;
    uint32_t element[2] = {head, written}, entry = queue->used & (queue->size - 1);
    if (!bus_dma_write(access->bus, queue->device[0] + RING_ENTRIES + USED_BYTES * entry, element,
                       sizeof element))
        return false;
    uint16_t index = (uint16_t)(queue->used + 1);
    queue->used = index;
    return bus_dma_write(access->bus, queue->device[0] + RING_INDEX, &index, sizeof index);
}

bool virtqueue_wants_interrupt(const VirtqueueAccess *access)
{
    Virtqueue *queue = access->queue;
    uint16_t news = (uint16_t)(queue->used - queue->signalled);
    queue->signalled = queue->used;
    if (!news)
        return false;
    if (!access->event_index)
        return !(read16(access, queue->driver[0]) & AVAIL_NO_INTERRUPT);
    /* Is the chain that the driver waits for among the new ones? */
    uint16_t event = read16(access, used_event_address(queue));
    return (uint16_t)(queue->used - 1 - event) < news;
}

void virtqueue_ask_for_notification(const VirtqueueAccess *access)
{
    const Virtqueue *queue = access->queue;
    uint16_t event = (uint16_t)queue->taken;
    if (access->event_index)
        bus_dma_write(access->bus, avail_event_address(queue), &event, sizeof event);
}

/* ---- What is in the buffers --------------------------------------------------------------------------- */

typedef bool Copy(Bus *bus, uint32_t address, uint8_t *data, uint64_t size);

static bool copy_in(Bus *bus, uint32_t address, uint8_t *data, uint64_t size)
{
    return bus_dma_read(bus, address, data, size);
}

static bool copy_out(Bus *bus, uint32_t address, uint8_t *data, uint64_t size)
{
    return bus_dma_write(bus, address, data, size);
}

static size_t transfer(const VirtChain *chain, const VirtSegment *segment, unsigned count, size_t offset,
                       uint8_t *data, size_t size, Copy *copy)
{
    size_t done = 0;
    for (unsigned n = 0; n < count && done < size; n++) {
        if (offset >= segment[n].size) {
            offset -= segment[n].size;
            continue;
        }
        size_t part = segment[n].size - offset;
        if (part > size - done)
            part = size - done;
        if (!copy(chain->bus, segment[n].address + (uint32_t)offset, data + done, part))
            break;
        done += part;
        offset = 0;
    }
    return done;
}

size_t virt_chain_read(const VirtChain *chain, size_t offset, void *data, size_t size)
{
    return transfer(chain, chain->segment, chain->readable, offset, data, size, copy_in);
}

size_t virt_chain_write(const VirtChain *chain, size_t offset, const void *data, size_t size)
{
    return transfer(chain, chain->segment + chain->readable, chain->writable, offset, (uint8_t *)data, size,
                    copy_out);
}
