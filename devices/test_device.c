/* A device for tests, which no board has: lets a guest without semihosting say how its tests went, end the
 * run with an exit code, write to the console, and read the instruction count and virtual time since reset.
 * Its registers are described in docs/test-device.md.
 *
 * The 64-bit counters run while they are read: read the high word, the low word, and the high word again,
 * until both high words are equal. */
#include "devices/device.h"

enum { VERSION = 1 };
enum { POWER_OFF = 1, POWER_RESET = 2 };
enum { CODE_FAILED = 1 };

#define MAGIC 0x544d5241u /* "ARMT" */

typedef struct {
    Device dev;
    uint32_t passed, failed, first_failed;
    uint64_t insns_before, time_before; /* what the counters count from: reset */
} State;

static void exit_with(Device *dev, uint32_t code)
{
    dev->env->exit_code = (int)code;
    dev->env->request(dev->env->machine, REQUEST_EXIT);
}

static void exit_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    exit_with(dev, value);
}

static void char_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    serial_output(&dev->env->serial[0], (uint8_t)value);
}

static void power_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    if (value == POWER_OFF || value == POWER_RESET)
        dev->env->request(dev->env->machine, value == POWER_OFF ? REQUEST_POWER_OFF : REQUEST_REBOOT);
    else
        log_line(dev->env->log, LOG_GUEST, dev->name, "POWER: 0x%x is neither 1 (off) nor 2 (reset)", value);
}

static void count_up(uint32_t *counter)
{
    *counter += *counter < UINT32_MAX;
}

static void report_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    (void)access;
    count_up(value ? &s->failed : &s->passed);
    if (!s->first_failed)
        s->first_failed = value;
}

static void finish_written(Device *dev, const RegAccess *access, uint32_t value)
{
    const State *s = (const State *)dev;
    (void)access;
    (void)value;
    exit_with(dev, s->passed && !s->failed ? 0 : CODE_FAILED);
}

static uint64_t all_instructions(const Device *dev)
{
    return dev->env->instructions ? dev->env->instructions(dev->env->machine) : 0;
}

static uint64_t instructions(const Device *dev)
{
    return all_instructions(dev) - ((const State *)dev)->insns_before;
}

static uint64_t elapsed(const Device *dev)
{
    return device_now(dev) - ((const State *)dev)->time_before;
}

static uint32_t insns_lo_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return (uint32_t)instructions(dev);
}

static uint32_t insns_hi_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return (uint32_t)(instructions(dev) >> 32);
}

static uint32_t time_lo_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return (uint32_t)elapsed(dev);
}

static uint32_t time_hi_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return (uint32_t)(elapsed(dev) >> 32);
}

#define ALL 0xffffffffu
/* clang-format off */
static const RegDef regs[] = {
    /* name           offset kind       storage           reset    writable read           written         */
    {"ID",            0x00,  REG_CONST, NO_STORE,         MAGIC,   0,       NULL,          NULL,           0, 0},
    {"VERSION",       0x04,  REG_CONST, NO_STORE,         VERSION, 0,       NULL,          NULL,           0, 0},
    {"EXIT",          0x08,  REG_WO,    NO_STORE,         0,       ALL,     NULL,          exit_written,   0, 0},
    {"CHAR",          0x0c,  REG_WO,    NO_STORE,         0,       0xff,    NULL,          char_written,   0, 0},
    {"POWER",         0x10,  REG_WO,    NO_STORE,         0,       ALL,     NULL,          power_written,  0, 0},
    {"REPORT",        0x14,  REG_WO,    NO_STORE,         0,       ALL,     NULL,          report_written, 0, 0},
    {"PASSED",        0x18,  REG_RO,    AT(passed),       0,       0,       NULL,          NULL,           0, 0},
    {"FAILED",        0x1c,  REG_RO,    AT(failed),       0,       0,       NULL,          NULL,           0, 0},
    {"FIRST_FAILED",  0x20,  REG_RO,    AT(first_failed), 0,       0,       NULL,          NULL,           0, 0},
    {"FINISH",        0x24,  REG_WO,    NO_STORE,         0,       ALL,     NULL,          finish_written, 0, 0},
    {"INSTRUCTIONS",  0x28,  REG_RO,    NO_STORE,         0,       0,       insns_lo_read, NULL,           0, 0},
    {"INSTRUCTIONSH", 0x2c,  REG_RO,    NO_STORE,         0,       0,       insns_hi_read, NULL,           0, 0},
    {"TIME",          0x30,  REG_RO,    NO_STORE,         0,       0,       time_lo_read,  NULL,           0, 0},
    {"TIMEH",         0x34,  REG_RO,    NO_STORE,         0,       0,       time_hi_read,  NULL,           0, 0},
};
/* clang-format on */

static const FieldDef fields[] = {
    FIELD(insns_before, FIELD_U64),
    FIELD(time_before, FIELD_U64),
};

static void reset(Device *dev)
{
    State *s = (State *)dev;
    s->insns_before = all_instructions(dev);
    s->time_before = device_now(dev);
}

const DeviceType test_device_type = {
    .name = "test_device",
    .summary = "test device (docs/test-device.md)",
    .state_size = sizeof(State),
    .window = 0x1000,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .reset = reset,
};
