/* PL031 real-time clock: PrimeCell Real Time Clock (PL031) r1p3, DDI 0224.
 *
 * Counts seconds of virtual time from the machine's RTC base. All registers are modelled; the integration
 * test registers are rows marked unmodelled. */
#include "devices/device.h"

enum { INTERRUPT = 1 };

#define SECOND 1000000000u

typedef struct {
    Device dev;
    uint32_t match, load, imsc, ris;
    uint32_t offset; /* DR minus seconds of virtual time, modulo 2^32 */
    Timer alarm;
} State;

static uint32_t seconds(Device *dev)
{
    return (uint32_t)(device_now(dev) / SECOND);
}

static uint32_t dr_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return seconds(dev) + ((State *)dev)->offset;
}

/* The next moment at which DR becomes equal to MR. */
static void set_alarm(Device *dev)
{
    State *s = (State *)dev;
    uint32_t ahead = s->match - (seconds(dev) + s->offset);
    uint64_t wait = ahead ? ahead : (uint64_t)1 << 32;
    timer_set(&s->alarm, (device_now(dev) / SECOND + wait) * SECOND);
}

static void alarm_due(void *opaque)
{
    State *s = opaque;
    s->ris |= INTERRUPT;
    set_alarm(&s->dev);
    device_changed(&s->dev);
}

static void mr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    (void)value;
    State *s = (State *)dev;
    if (s->match == seconds(dev) + s->offset)
        s->ris |= INTERRUPT;
    set_alarm(dev);
}

static void lr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    ((State *)dev)->offset = value - seconds(dev);
    mr_written(dev, access, value);
}

static uint32_t mis_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    return s->ris & s->imsc;
}

static void icr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    ((State *)dev)->ris &= ~value;
}

static const RegDef regs[] = {
  /* name   offset kind       storage    reset writable    read      written */
    {"DR",      0x000, REG_RO,    NO_STORE,  0, 0,          dr_read,  NULL,        0, 0},
    {"MR",      0x004, REG_RW,    AT(match), 0, 0xffffffff, NULL,     mr_written,  0, 0},
    {"LR",      0x008, REG_RW,    AT(load),  0, 0xffffffff, NULL,     lr_written,  0, 0},
    {"CR",      0x00c, REG_CONST, NO_STORE,  1, 0,          NULL,     NULL,        0, 0},
    {"IMSC",    0x010, REG_RW,    AT(imsc),  0, INTERRUPT,  NULL,     NULL,        0, 0},
    {"RIS",     0x014, REG_RO,    AT(ris),   0, 0,          NULL,     NULL,        0, 0},
    {"MIS",     0x018, REG_RO,    NO_STORE,  0, 0,          mis_read, NULL,        0, 0},
    {"ICR",     0x01c, REG_WO,    NO_STORE,  0, INTERRUPT,  NULL,     icr_written, 0, 0},
    {"ITCR",    0x080, REG_UNIMP, NO_STORE,  0, 0,          NULL,     NULL,        0, 0},
    {"ITIP",    0x084, REG_UNIMP, NO_STORE,  0, 0,          NULL,     NULL,        0, 0},
    {"ITOP",    0x088, REG_UNIMP, NO_STORE,  0, 0,          NULL,     NULL,        0, 0},
    {"TOFFSET", 0x08c, REG_UNIMP, NO_STORE,  0, 0,          NULL,     NULL,        0, 0},
    {"TCOUNT",  0x090, REG_UNIMP, NO_STORE,  0, 0,          NULL,     NULL,        0, 0},
};

static const FieldDef fields[] = {
    FIELD(offset, FIELD_U32),
    FIELD(alarm, FIELD_TIMER),
};

static bool create(Device *dev, Error *err)
{
    (void)err;
    State *s = (State *)dev;
    timer_init(&s->alarm, dev->env->clock, dev->name, 0, alarm_due, s);
    return true;
}

/* The clock keeps running through a reset (it has a battery): only the first reset sets it. */
static void reset(Device *dev)
{
    State *s = (State *)dev;
    if (s->alarm.due == CLOCK_NEVER)
        s->offset = dev->env->rtc_base;
    set_alarm(dev);
}

static void update(Device *dev)
{
    State *s = (State *)dev;
    irq_set(&dev->out[0], s->ris & s->imsc);
}

const DeviceType pl031_type = {
    .name = "pl031",
    .summary = "real-time clock, PrimeCell PL031 (DDI 0224)",
    .state_size = sizeof(State),
    .window = 0x1000,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .periph_id = 0x00041031,
    .outputs = 1,
    .create = create,
    .reset = reset,
    .update = update,
};
