#include "devices/ps2.h"

#include <string.h>

#include "devices/device.h"

/* From acknowledging a reset to the end of the self-test: 300 to 500 ms. */
#define TEST_NS UINT64_C(500000000)

static void wanted(const Ps2Device *device)
{
    const Ps2Port *port = device->link.port;
    if (port->wanted)
        port->wanted(port->host);
}

static void test_done(void *opaque)
{
    Ps2Device *device = opaque;
    ps2_answer_byte(device, PS2_TEST_PASSED);
    device->link.ops->tested(device->link.opaque);
}

bool ps2_plug(Ps2Device *device, Device *dev, const Ps2DeviceOps *ops, Error *err)
{
    uint32_t number = dev->props.value[0];
    if (number >= PS2_PORTS)
        return error_set(err, "%s: there is no PS/2 socket %u", dev->name, number);
    Ps2Port *port = &dev->env->ps2[number];
    if (port->device)
        return error_set(err, "%s: PS/2 socket %u is taken", dev->name, number);
    device->link.port = port;
    device->link.ops = ops;
    device->link.opaque = dev;
    port->device = device;
    timer_init(&device->test, dev->env->clock, dev->name, 0, test_done, device);
    return true;
}

void ps2_unplug(Ps2Device *device)
{
    timer_cancel(&device->test);
    device->link.port->device = NULL;
}

void ps2_reset(Ps2Device *device)
{
    timer_cancel(&device->test);
    device->answered = device->queued = 0;
    device->command = 0;
}

void ps2_loaded(Ps2Device *device)
{
    if (device->answered > sizeof device->answer)
        device->answered = sizeof device->answer;
    if (device->queued > sizeof device->queue)
        device->queued = sizeof device->queue;
}

bool ps2_heard(const Ps2Device *device)
{
    return device->link.port->enabled;
}

/* ---- Towards the host --------------------------------------------------------------------------------- */

void ps2_answer(Ps2Device *device, const uint8_t *bytes, unsigned count)
{
    for (unsigned n = 0; n < count && device->answered < sizeof device->answer; n++)
        device->answer[device->answered++] = bytes[n];
    wanted(device);
}

void ps2_answer_byte(Ps2Device *device, uint8_t byte)
{
    ps2_answer(device, &byte, 1);
}

bool ps2_queue(Ps2Device *device, const uint8_t *bytes, unsigned count)
{
    if (device->queued + count > PS2_BUFFER)
        return false;
    memcpy(device->queue + device->queued, bytes, count);
    device->queued += count;
    wanted(device);
    return true;
}

void ps2_overrun(Ps2Device *device, uint8_t code)
{
    if (device->queued <= PS2_BUFFER && !(device->queued && device->queue[device->queued - 1] == code))
        device->queue[device->queued++] = code;
    wanted(device);
}

void ps2_clear_queue(Ps2Device *device)
{
    device->queued = 0;
}

bool ps2_next(const Ps2Device *device, uint8_t *byte)
{
    if (!device || !(device->answered || device->queued))
        return false;
    *byte = device->answered ? device->answer[0] : device->queue[0];
    return true;
}

static uint8_t take(uint8_t *bytes, uint32_t *count)
{
    uint8_t first = bytes[0];
    memmove(bytes, bytes + 1, --*count);
    return first;
}

void ps2_sent(Ps2Device *device)
{
    if (device && device->answered)
        device->link.ops->sent(device->link.opaque, take(device->answer, &device->answered));
    else if (device && device->queued)
        device->link.ops->sent(device->link.opaque, take(device->queue, &device->queued));
}

/* ---- From the host ------------------------------------------------------------------------------------ */

bool ps2_testing(const Ps2Device *device)
{
    return device->test.due != CLOCK_NEVER;
}

bool ps2_listens(const Ps2Device *device)
{
    return device && !ps2_testing(device);
}

/* A new byte ends the answer to the one before. */
void ps2_received(Ps2Device *device, uint8_t byte)
{
    if (!device)
        return;
    device->answered = 0;
    device->link.ops->received(device->link.opaque, byte);
}

void ps2_begin_test(Ps2Device *device)
{
    ps2_clear_queue(device);
    ps2_answer_byte(device, PS2_ACK);
    timer_set(&device->test, clock_now(device->test.clock) + TEST_NS);
}

void ps2_enable(Ps2Port *port, bool enabled)
{
    if (port->enabled == enabled)
        return;
    port->enabled = enabled;
    if (port->device)
        port->device->link.ops->switched(port->device->link.opaque);
}
