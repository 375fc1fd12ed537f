/* A PL050 with something in its socket, as a driver uses it: bytes to and from the device. */
#ifndef ARMATURE_TESTS_DEVICES_PS2_HOST_H
#define ARMATURE_TESTS_DEVICES_PS2_HOST_H

#include "machine/keys.h"
#include "tests/devices/harness.h"

enum { KMICR = 0x00, KMISTAT = 0x04, KMIDATA = 0x08, KMICLKDIV = 0x0c, KMIIR = 0x10 };
enum { FKMIC = 1, FKMID = 2, KMIEN = 4, TXINTREN = 8, RXINTREN = 0x10 };
enum { DATA_IN = 1, CLK_IN = 2, RXPARITY = 4, RXBUSY = 8, RXFULL = 0x10, TXBUSY = 0x20, TXEMPTY = 0x40 };

enum { NOTHING = -1 };

typedef struct Ps2Host {
    Harness h;
    Device *kmi, *device;
} Ps2Host;

/* A PL050 in socket 0, enabled, and, unless type is NULL, a device that is plugged into it. */
static inline void ps2_host_init(Ps2Host *host, const char *type)
{
    harness_init(&host->h, 1);
    host->kmi = harness_device(&host->h, "pl050", "kmi0", NULL);
    host->device = type ? harness_device(&host->h, type, "device", NULL) : NULL;
    write_reg(host->kmi, KMICLKDIV, 2);
    write_reg(host->kmi, KMICR, KMIEN | RXINTREN);
}

static inline void ps2_host_send(Ps2Host *host, uint8_t byte)
{
    write_reg(host->kmi, KMIDATA, byte);
    step(&host->h, 2 * MILLISECOND_NS);
    expect_equal(read_reg(host->kmi, KMISTAT) & TXEMPTY, TXEMPTY);
}

/* The next byte, which must come within 2 ms; NOTHING if none does. */
static inline int ps2_host_get(Ps2Host *host)
{
    for (unsigned n = 0; n < 20 && !(read_reg(host->kmi, KMISTAT) & RXFULL); n++)
        step(&host->h, MILLISECOND_NS / 10);
    if (!(read_reg(host->kmi, KMISTAT) & RXFULL))
        return NOTHING;
    return (int)read_reg(host->kmi, KMIDATA);
}

static inline void ps2_host_take(Ps2Host *host, const uint8_t *bytes, size_t count, int line)
{
    for (size_t n = 0; n < count; n++) {
        int got = ps2_host_get(host);
        if (got != bytes[n])
            fail_msg("line %d: byte %zu of %zu is %02x, expected %02x", line, n + 1, count, (unsigned)got,
                     bytes[n]);
    }
}

static inline void ps2_host_expect(Ps2Host *host, const uint8_t *bytes, size_t count, int line)
{
    ps2_host_take(host, bytes, count, line);
    int more = ps2_host_get(host);
    if (more != NOTHING)
        fail_msg("line %d: %02x comes after the %zu bytes that were expected", line, (unsigned)more, count);
}

/* These bytes come, and no others. */
#define expect_bytes(host, ...)                                                                              \
    ps2_host_expect(host, (const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__}, __LINE__)

/* These bytes come, and others may follow. */
#define expect_first_bytes(host, ...)                                                                        \
    ps2_host_take(host, (const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__}, __LINE__)

static inline void expect_nothing(Ps2Host *host)
{
    expect_equal((uint32_t)ps2_host_get(host), (uint32_t)NOTHING);
}

/* A byte from the host and the whole answer. */
#define expect_answer(host, byte, ...) ps2_host_send(host, byte), expect_bytes(host, __VA_ARGS__)

static inline void user(Ps2Host *host, InputEventKind kind, uint16_t code, bool down, int32_t x, int32_t y)
{
    input_send(host->h.env.input, &(InputEvent){.kind = kind, .code = code, .down = down, .x = x, .y = y});
}

#endif
