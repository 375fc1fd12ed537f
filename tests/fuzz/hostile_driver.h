/* A virtio driver that does nearly the right thing. */
#ifndef ARMATURE_TESTS_FUZZ_HOSTILE_DRIVER_H
#define ARMATURE_TESTS_FUZZ_HOSTILE_DRIVER_H

#include "tests/devices/virtio_driver.h"
#include "tests/fuzz/fate.h"

static inline void hostile_write(Fate *fate, Device *dev, uint32_t offset, uint32_t value)
{
    write_reg(dev, offset, mistake(fate) ? anything(fate) : value);
}

/* From a reset to DRIVER_OK. Queues get `least` entries, or up to 16 times as many; least: a power of two. */
static inline void hostile_set_up(Fate *fate, Driver *d, DriverQueue *queue, unsigned queues,
                                  uint32_t features, unsigned least)
{
    static const uint32_t steps[] = {0, 1, 3};
    for (unsigned n = 0; n < 3; n++)
        hostile_write(fate, d->dev, REG_STATUS, steps[n]);
    hostile_write(fate, d->dev, REG_DRIVER_FEATURES_SEL, 0);
    hostile_write(fate, d->dev, REG_DRIVER_FEATURES, below(fate, 4) << 28 | features);
    hostile_write(fate, d->dev, REG_DRIVER_FEATURES_SEL, 1);
    hostile_write(fate, d->dev, REG_DRIVER_FEATURES, 1);
    hostile_write(fate, d->dev, REG_STATUS, 0xb);
    for (unsigned n = 0; n < queues; n++) {
        uint16_t size = (uint16_t)(least << below(fate, 5));
        queue[n] = (DriverQueue){.size = size};
        memset(at(d, ring(n, DRIVER_AVAIL)), 0, 4);
        memset(at(d, ring(n, DRIVER_USED)), 0, 4);
        hostile_write(fate, d->dev, REG_QUEUE_SEL, n);
        hostile_write(fate, d->dev, REG_QUEUE_NUM, size);
        hostile_write(fate, d->dev, REG_DESC, ring(n, 0));
        hostile_write(fate, d->dev, REG_DRIVER, ring(n, DRIVER_AVAIL));
        hostile_write(fate, d->dev, REG_DEVICE, ring(n, DRIVER_USED));
        hostile_write(fate, d->dev, REG_DESC + 4, 0);
        hostile_write(fate, d->dev, REG_QUEUE_READY, 1);
    }
    hostile_write(fate, d->dev, REG_STATUS, 0xf);
}

static inline void hostile_descriptor(Fate *fate, Driver *d, uint32_t table, unsigned number, Buffer buffer,
                                      uint16_t flags, uint16_t next)
{
    if (mistake(fate))
        buffer.address = anything(fate);
    if (mistake(fate))
        buffer.size = anything(fate);
    if (mistake(fate))
        flags = (uint16_t)below(fate, 8);
    if (mistake(fate))
        next = (uint16_t)below(fate, 300);
    driver_descriptor(d, table, number, &buffer, flags, next);
}

#endif
