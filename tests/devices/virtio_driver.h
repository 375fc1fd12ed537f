/* A driver for tests of virtio devices: memory, queues in it, and the steps that a driver takes.
 *
 *     Driver d;
 *     driver_init(&d, "virtio_input", &props);
 *     driver_start(&d, features);                    // up to DRIVER_OK, with all queues of `size` entries
 *     driver_offer(&d, 0, 2, (Buffer[]){...});       // a chain; then driver_notify()
 *     driver_used(&d, 0, &id, &written)              // what came back
 *     driver_done(&d);
 */
#ifndef ARMATURE_TESTS_DEVICES_VIRTIO_DRIVER_H
#define ARMATURE_TESTS_DEVICES_VIRTIO_DRIVER_H

#include "tests/devices/harness.h"

enum {
    MEMORY = 0x60000000,
    MEMORY_BYTES = 1 << 20,
    RINGS = MEMORY, /* 64 KiB for each queue */
    DATA = MEMORY + 0x80000,
    QUEUE_BYTES = 0x10000,
    DRIVER_AVAIL = 0x4000,
    DRIVER_USED = 0x8000
};

enum { F_INDIRECT = 1 << 28, F_EVENT_INDEX = 1 << 29 };
enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };
enum { STATUS_NEEDS_RESET = 0x40 };

/* Register offsets. */
enum {
    REG_MAGIC = 0x000,
    REG_DEVICE_ID = 0x008,
    REG_FEATURES = 0x010,
    REG_FEATURES_SEL = 0x014,
    REG_DRIVER_FEATURES = 0x020,
    REG_DRIVER_FEATURES_SEL = 0x024,
    REG_QUEUE_SEL = 0x030,
    REG_QUEUE_MAX = 0x034,
    REG_QUEUE_NUM = 0x038,
    REG_QUEUE_READY = 0x044,
    REG_NOTIFY = 0x050,
    REG_INT_STATUS = 0x060,
    REG_INT_ACK = 0x064,
    REG_STATUS = 0x070,
    REG_DESC = 0x080,
    REG_DRIVER = 0x090,
    REG_DEVICE = 0x0a0,
    REG_GENERATION = 0x0fc,
    REG_CONFIG = 0x100
};

typedef struct Buffer {
    uint32_t address, size;
    bool write;
} Buffer;

typedef struct DriverQueue {
    uint16_t size, next, offered, seen;
} DriverQueue;

typedef struct Driver {
    Harness h;
    Device *dev;
    uint8_t *memory;
    DriverQueue queue[3];
} Driver;

static inline void driver_memory(Harness *h, uint8_t **memory)
{
    void *at = NULL;
    assert_int_equal(posix_memalign(&at, 4096, MEMORY_BYTES), 0);
    memset(at, 0, MEMORY_BYTES);
    *memory = at;
    bus_add(
        h->env.bus,
        &(Region){.name = "ram", .base = MEMORY, .size = MEMORY_BYTES, .kind = REGION_RAM, .host = *memory});
}

static inline void driver_init(Driver *d, const char *type, const DeviceProps *props)
{
    memset(d, 0, sizeof *d);
    harness_init(&d->h, 1);
    driver_memory(&d->h, &d->memory);
    d->dev = harness_device(&d->h, type, type, props);
}

static inline void driver_done(Driver *d)
{
    harness_done(&d->h);
    free(d->memory);
}

static inline void *at(Driver *d, uint32_t address)
{
    assert_in_range(address, MEMORY, MEMORY + MEMORY_BYTES - 1);
    return d->memory + (address - MEMORY);
}

static inline void put16(Driver *d, uint32_t address, uint16_t value)
{
    memcpy(at(d, address), &value, 2);
}

static inline uint16_t get16(Driver *d, uint32_t address)
{
    uint16_t value;
    memcpy(&value, at(d, address), 2);
    return value;
}

static inline uint32_t get32(Driver *d, uint32_t address)
{
    uint32_t value;
    memcpy(&value, at(d, address), 4);
    return value;
}

static inline void put32(Driver *d, uint32_t address, uint32_t value)
{
    memcpy(at(d, address), &value, 4);
}

static inline uint32_t ring(unsigned queue, uint32_t part)
{
    return RINGS + queue * QUEUE_BYTES + part;
}

static inline void driver_negotiate(Driver *d, uint32_t features)
{
    write_reg(d->dev, REG_STATUS, 0);
    write_reg(d->dev, REG_STATUS, 3);
    write_reg(d->dev, REG_DRIVER_FEATURES_SEL, 0);
    write_reg(d->dev, REG_DRIVER_FEATURES, features);
    write_reg(d->dev, REG_DRIVER_FEATURES_SEL, 1);
    write_reg(d->dev, REG_DRIVER_FEATURES, 1);
    write_reg(d->dev, REG_STATUS, 0xb);
    expect_reg(d->dev, REG_STATUS, 0xb);
}

static inline void driver_queue(Driver *d, unsigned queue, uint16_t size)
{
    memset(at(d, ring(queue, 0)), 0, QUEUE_BYTES);
    write_reg(d->dev, REG_QUEUE_SEL, queue);
    write_reg(d->dev, REG_QUEUE_NUM, size);
    write_reg(d->dev, REG_DESC, ring(queue, 0));
    write_reg(d->dev, REG_DRIVER, ring(queue, DRIVER_AVAIL));
    write_reg(d->dev, REG_DEVICE, ring(queue, DRIVER_USED));
    write_reg(d->dev, REG_QUEUE_READY, 1);
    d->queue[queue] = (DriverQueue){.size = size};
}

static inline void driver_start(Driver *d, uint32_t features, uint16_t size)
{
    driver_negotiate(d, features);
    driver_queue(d, 0, size);
    driver_queue(d, 1, size);
    write_reg(d->dev, REG_STATUS, 0xf);
    expect_reg(d->dev, REG_STATUS, 0xf);
}

static inline void driver_descriptor(Driver *d, uint32_t table, unsigned number, const Buffer *buffer,
                                     uint16_t flags, uint16_t next)
{
    uint32_t address = table + 16 * number;
    put32(d, address, buffer->address);
    put32(d, address + 4, 0);
    put32(d, address + 8, buffer->size);
    put16(d, address + 12, (uint16_t)(flags | (buffer->write ? DESC_WRITE : 0)));
    put16(d, address + 14, next);
}

/* Puts the chain that begins at `head` into the available ring. */
static inline void driver_publish(Driver *d, unsigned queue, uint16_t head)
{
    DriverQueue *q = &d->queue[queue];
    put16(d, ring(queue, DRIVER_AVAIL) + 4 + 2 * (q->offered % q->size), head);
    put16(d, ring(queue, DRIVER_AVAIL) + 2, ++q->offered);
}

/* Offers a chain, and returns its head. Descriptors are used round and round. */
static inline uint16_t driver_offer(Driver *d, unsigned queue, unsigned count, const Buffer *buffer)
{
    DriverQueue *q = &d->queue[queue];
    uint16_t head = q->next;
    for (unsigned n = 0; n < count; n++) {
        uint16_t here = q->next;
        q->next = (uint16_t)((q->next + 1) % q->size);
        driver_descriptor(d, ring(queue, 0), here, &buffer[n], n + 1 < count ? DESC_NEXT : 0, q->next);
    }
    driver_publish(d, queue, head);
    return head;
}

static inline void driver_notify(Driver *d, unsigned queue)
{
    write_reg(d->dev, REG_NOTIFY, queue);
}

/* The next chain that came back; false if there is none. */
static inline bool driver_used(Driver *d, unsigned queue, uint32_t *id, uint32_t *written)
{
    DriverQueue *q = &d->queue[queue];
    uint32_t used = ring(queue, DRIVER_USED);
    *id = *written = UINT32_MAX;
    if (q->seen == get16(d, used + 2))
        return false;
    uint32_t element = used + 4 + 8 * (q->seen++ % q->size);
    *id = get32(d, element);
    *written = get32(d, element + 4);
    return true;
}

static inline void driver_expect_broken(Driver *d, bool broken)
{
    expect_equal(read_reg(d->dev, REG_STATUS) & STATUS_NEEDS_RESET, broken ? STATUS_NEEDS_RESET : 0);
}

#endif
