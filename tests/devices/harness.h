/* Helpers for device tests: a DeviceEnv whose clock stands still until step() moves it, and one-line
 * accesses.
 *
 *     Harness h;
 *     harness_init(&h, 1);
 *     Device *rtc = harness_device(&h, "pl031", "rtc", NULL);   // created and reset; freed by harness_done()
 *     write_reg(rtc, 0x04, 10);
 *     step(&h, 10 * SECOND_NS);
 *     expect_reg(rtc, 0x14, 1);
 *     expect_irq(rtc, 0, true);
 *     harness_done(&h);
 */
#ifndef ARMATURE_TESTS_DEVICES_HARNESS_H
#define ARMATURE_TESTS_DEVICES_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "devices/device.h"

#define MILLISECOND_NS UINT64_C(1000000)
#define SECOND_NS UINT64_C(1000000000)

enum { HARNESS_DEVICES = 8, HARNESS_OUTPUT = 1024 };

typedef struct Harness {
    DeviceEnv env;
    uint64_t now; /* virtual ns */
    Device *device[HARNESS_DEVICES];
    unsigned device_count;
    unsigned requests[4];           /* how often each MachineRequest was made */
    uint8_t output[HARNESS_OUTPUT]; /* what came out of the serial ports, in order */
    size_t output_length;
} Harness;

static inline uint64_t harness_source(void *opaque)
{
    return ((Harness *)opaque)->now;
}

static inline void harness_request(void *machine, MachineRequest request)
{
    ((Harness *)machine)->requests[request]++;
}

static inline void harness_output(void *opaque, uint8_t ch)
{
    Harness *h = opaque;
    if (h->output_length < HARNESS_OUTPUT)
        h->output[h->output_length++] = ch;
}

static inline void harness_init(Harness *h, unsigned cpus)
{
    memset(h, 0, sizeof *h);
    h->env.clock = clock_new(harness_source, h);
    h->env.log = log_new(stderr);
    h->env.bus = bus_new(h->env.log);
    h->env.display = display_new();
    h->env.input = input_new();
    for (unsigned n = 0; n < NET_PORTS; n++)
        net_port_init(&h->env.net[n], n);
    h->env.cpus = cpus;
    h->env.request = harness_request;
    h->env.machine = h;
    for (unsigned n = 0; n < SERIAL_PORTS; n++) {
        h->env.serial[n].output = harness_output;
        h->env.serial[n].output_opaque = h;
    }
}

/* Devices are freed in reverse order of creation. */
static inline void harness_done(Harness *h)
{
    while (h->device_count)
        device_free(h->device[--h->device_count]);
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        serial_free(&h->env.serial[n]);
    for (unsigned n = 0; n < NET_PORTS; n++)
        net_port_free(&h->env.net[n]);
    display_free(h->env.display);
    input_free(h->env.input);
    bus_free(h->env.bus);
    clock_free(h->env.clock);
    log_free(h->env.log);
}

/* Creates and resets a device of the named type; props may be NULL. */
static inline Device *harness_device(Harness *h, const char *type_name, const char *name,
                                     const DeviceProps *props)
{
    const DeviceType *type = device_type_find(type_name);
    assert_non_null(type);
    assert_true(h->device_count < HARNESS_DEVICES);
    Error err = {""};
    Device *dev = device_new(type, name, &h->env, props, 0, &err);
    if (!dev)
        fail_msg("device %s refused: %s", type_name, err.text);
    h->device[h->device_count++] = dev;
    device_reset(dev);
    return dev;
}

/* Lets virtual time pass; every timer that becomes due runs at its own time. Fails if timers storm. */
static inline void step(Harness *h, uint64_t ns)
{
    uint64_t target = h->now + ns;
    for (unsigned events = 0; clock_next_due(h->env.clock) <= target; events++) {
        if (events > 1000000)
            fail_msg("more than a million timer events in %llu ns", (unsigned long long)ns);
        if (clock_next_due(h->env.clock) > h->now)
            h->now = clock_next_due(h->env.clock);
        clock_run_due(h->env.clock);
    }
    h->now = target;
}

/* Who accesses: CPU 0, secure and privileged, unless said otherwise. */
static inline BusAccess access_as(unsigned cpu, bool secure)
{
    return (BusAccess){.size = 4, .cpu = (uint8_t)cpu, .secure = secure, .privileged = true};
}

static inline uint32_t read_as(Device *dev, const BusAccess *access, uint32_t offset)
{
    uint32_t value = 0xdeadbeef;
    assert_int_equal(device_mmio.read(dev, offset, access, &value), BUS_OK);
    return value;
}

static inline void write_as(Device *dev, const BusAccess *access, uint32_t offset, uint32_t value)
{
    assert_int_equal(device_mmio.write(dev, offset, access, value), BUS_OK);
}

static inline uint32_t read_reg(Device *dev, uint32_t offset)
{
    BusAccess access = access_as(0, true);
    return read_as(dev, &access, offset);
}

static inline void write_reg(Device *dev, uint32_t offset, uint32_t value)
{
    BusAccess access = access_as(0, true);
    write_as(dev, &access, offset, value);
}

/* Narrow accesses: size is 1 or 2 bytes. */
static inline uint32_t read_narrow(Device *dev, uint32_t offset, unsigned size)
{
    BusAccess access = access_as(0, true);
    access.size = (uint8_t)size;
    return read_as(dev, &access, offset);
}

static inline void write_narrow(Device *dev, uint32_t offset, unsigned size, uint32_t value)
{
    BusAccess access = access_as(0, true);
    access.size = (uint8_t)size;
    write_as(dev, &access, offset, value);
}

/* Banked registers: the same as CPU `cpu`, secure. */
static inline uint32_t read_cpu(Device *dev, unsigned cpu, uint32_t offset)
{
    BusAccess access = access_as(cpu, true);
    return read_as(dev, &access, offset);
}

static inline void write_cpu(Device *dev, unsigned cpu, uint32_t offset, uint32_t value)
{
    BusAccess access = access_as(cpu, true);
    write_as(dev, &access, offset, value);
}

/* Non-secure accesses of CPU `cpu`. */
static inline uint32_t read_ns(Device *dev, unsigned cpu, uint32_t offset)
{
    BusAccess access = access_as(cpu, false);
    return read_as(dev, &access, offset);
}

static inline void write_ns(Device *dev, unsigned cpu, uint32_t offset, uint32_t value)
{
    BusAccess access = access_as(cpu, false);
    write_as(dev, &access, offset, value);
}

/* Expectations report the caller's line. */
#define expect_equal(got, want) harness_expect((got), (want), #got, __FILE__, __LINE__)
#define expect_reg(dev, offset, want) expect_equal(read_reg(dev, offset), want)
#define expect_reg_cpu(dev, cpu, offset, want) expect_equal(read_cpu(dev, cpu, offset), want)
#define expect_reg_ns(dev, cpu, offset, want) expect_equal(read_ns(dev, cpu, offset), want)
#define expect_irq(dev, output, want) expect_equal((dev)->out[output].level, want)

static inline void harness_expect(uint32_t got, uint32_t want, const char *what, const char *file, int line)
{
    if (got == want)
        return;
    print_error("%s:%d: %s is 0x%08x, expected 0x%08x\n", file, line, what, got, want);
    _fail(file, line);
}

#endif
