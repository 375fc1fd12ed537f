/* Dual timer, PrimeCell SP804 r1p2 (DDI 0271): two down counters with interrupts.
 *
 * A counter is worked out from virtual time when it is looked at; there is an event only for an interrupt
 * that can happen. A periodic timer's period is TimerXLoad counts, as the manual's formula for TimerXLoad has
 * it.
 *
 * Properties 0 and 1: clock of timer 1 and 2 in Hz (0: 1 MHz). Outputs: 0 is TIMINTC, 1 and 2 are TIMINT1 and
 * TIMINT2. */
#include "devices/device.h"

enum {
    TIMERS = 2,
    ONE_SHOT = 0x01,
    SIZE_32 = 0x02,
    PRESCALE_SHIFT = 2,
    INT_ENABLE = 0x20,
    PERIODIC = 0x40,
    ENABLE = 0x80,
    TEST_MODE = 1, /* of ITCR: the interrupt outputs follow ITOP */
    DEFAULT_HZ = 1000000
};

typedef struct {
    Device dev;
    uint32_t load[TIMERS], control[TIMERS], raised[TIMERS];
    uint32_t count[TIMERS]; /* the counter at tick `since` */
    uint64_t since[TIMERS]; /* in ticks of the timer's clock */
    uint32_t itcr, itop;
    Timer next;
} State;

/* The second timer's registers lie 0x20 above the first one's. */
static unsigned timer_of(const RegAccess *access)
{
    return access->offset >> 5 & 1;
}

static uint32_t hz(const State *s, unsigned t)
{
    return s->dev.props.value[t] ? s->dev.props.value[t] : DEFAULT_HZ;
}

static uint64_t ticks_now(const State *s, unsigned t)
{
    return clock_ns_to_ticks(device_now(&s->dev), hz(s, t));
}

static uint32_t divider(const State *s, unsigned t)
{
    static const uint16_t dividers[] = {1, 16, 256, 256}; /* the last is undefined in the manual */
    return dividers[s->control[t] >> PRESCALE_SHIFT & 3];
}

/* The bits that count. The others keep their value. */
static uint32_t size_mask(const State *s, unsigned t)
{
    return (s->control[t] & SIZE_32) ? 0xffffffff : 0xffff;
}

/* Counts from one zero to the next, 0 if there is none. A load value of 0 interrupts all the time. */
static uint64_t period(const State *s, unsigned t)
{
    uint32_t mask = size_mask(s, t);
    if (s->control[t] & ONE_SHOT)
        return 0;
    if (!(s->control[t] & PERIODIC))
        return (uint64_t)mask + 1;
    return (s->load[t] & mask) ? s->load[t] & mask : 1;
}

typedef struct {
    uint64_t counts; /* since `since` */
    uint32_t count;
    bool reached_zero;
} Progress;

static Progress progress(const State *s, unsigned t)
{
    uint32_t mask = size_mask(s, t), start = s->count[t] & mask, high = s->count[t] & ~mask;
    if (!(s->control[t] & ENABLE))
        return (Progress){0, s->count[t], false};
    uint64_t n = (ticks_now(s, t) - s->since[t]) / divider(s, t);
    if (n < start || n == 0)
        return (Progress){n, high | (start - (uint32_t)n), false};
    uint64_t every = period(s, t), beyond = n - start;
    if (!every)
        return (Progress){n, high, start != 0};
    uint32_t low = beyond % every ? (uint32_t)(every - beyond % every) : 0;
    return (Progress){n, high | low, start != 0 || beyond >= every};
}

/* Brings the state up to the present. */
static void catch_up(State *s, unsigned t)
{
    Progress p = progress(s, t);
    s->since[t] += p.counts * divider(s, t);
    s->count[t] = p.count;
    s->raised[t] |= p.reached_zero;
}

/* TimerXLoad and TimerXBGLoad both read as what a periodic timer reloads next. */
static uint32_t load_read(Device *dev, const RegAccess *access)
{
    return ((State *)dev)->load[timer_of(access)];
}

static void bgload_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    unsigned t = timer_of(access);
    catch_up(s, t);
    s->load[t] = reg_merged(s->load[t], access, value);
}

static void load_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    unsigned t = timer_of(access);
    bgload_written(dev, access, value);
    s->count[t] = s->load[t];
    s->since[t] = ticks_now(s, t);
    if ((s->control[t] & ENABLE) && !(s->load[t] & size_mask(s, t)))
        s->raised[t] = 1;
}

static uint32_t value_read(Device *dev, const RegAccess *access)
{
    return progress((State *)dev, timer_of(access)).count;
}

static uint32_t control_read(Device *dev, const RegAccess *access)
{
    return ((State *)dev)->control[timer_of(access)];
}

static void control_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    unsigned t = timer_of(access);
    uint32_t old = s->control[t];
    catch_up(s, t);
    s->control[t] = reg_merged(old, access, value);
    if (!(old & ENABLE) || (old ^ s->control[t]) & 3u << PRESCALE_SHIFT)
        s->since[t] = ticks_now(s, t);
}

/* Where the interrupt controller wants edges, it gets one even if the next interrupt is there at once. */
static void intclr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)value;
    State *s = (State *)dev;
    unsigned t = timer_of(access);
    catch_up(s, t);
    s->raised[t] = 0;
    if (s->itcr & TEST_MODE)
        return;
    irq_set(&dev->out[1 + t], false);
    if (!s->raised[!t])
        irq_set(&dev->out[0], false);
}

static uint32_t ris_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    return s->raised[timer_of(access)] | progress(s, timer_of(access)).reached_zero;
}

static uint32_t mis_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    return (s->control[timer_of(access)] & INT_ENABLE) ? ris_read(dev, access) : 0;
}

/* clang-format off */
static const RegDef regs[] = {
    /* name            offset kind    storage   reset writable    read          written */
    {"Timer1Load",     0x000, REG_RW, NO_STORE, 0,    0xffffffff, load_read,    load_written,    0, 0},
    {"Timer1Value",    0x004, REG_RO, NO_STORE, 0,    0,          value_read,   NULL,            0, 0},
    {"Timer1Control",  0x008, REG_RW, NO_STORE, 0,    0xef,       control_read, control_written, 0, 0},
    {"Timer1IntClr",   0x00c, REG_WO, NO_STORE, 0,    0xffffffff, NULL,         intclr_written,  0, 0},
    {"Timer1RIS",      0x010, REG_RO, NO_STORE, 0,    0,          ris_read,     NULL,            0, 0},
    {"Timer1MIS",      0x014, REG_RO, NO_STORE, 0,    0,          mis_read,     NULL,            0, 0},
    {"Timer1BGLoad",   0x018, REG_RW, NO_STORE, 0,    0xffffffff, load_read,    bgload_written,  0, 0},
    {"Timer2Load",     0x020, REG_RW, NO_STORE, 0,    0xffffffff, load_read,    load_written,    0, 0},
    {"Timer2Value",    0x024, REG_RO, NO_STORE, 0,    0,          value_read,   NULL,            0, 0},
    {"Timer2Control",  0x028, REG_RW, NO_STORE, 0,    0xef,       control_read, control_written, 0, 0},
    {"Timer2IntClr",   0x02c, REG_WO, NO_STORE, 0,    0xffffffff, NULL,         intclr_written,  0, 0},
    {"Timer2RIS",      0x030, REG_RO, NO_STORE, 0,    0,          ris_read,     NULL,            0, 0},
    {"Timer2MIS",      0x034, REG_RO, NO_STORE, 0,    0,          mis_read,     NULL,            0, 0},
    {"Timer2BGLoad",   0x038, REG_RW, NO_STORE, 0,    0xffffffff, load_read,    bgload_written,  0, 0},
    {"TimerITCR",      0xf00, REG_RW, AT(itcr), 0,    TEST_MODE,  NULL,         NULL,            0, 0},
    {"TimerITOP",      0xf04, REG_WO, AT(itop), 0,    0x3,        NULL,         NULL,            0, 0},
};
/* clang-format on */

static const FieldDef fields[] = {
    FIELD_ARRAY(load, FIELD_U32, TIMERS),   FIELD_ARRAY(control, FIELD_U32, TIMERS),
    FIELD_ARRAY(raised, FIELD_U32, TIMERS), FIELD_ARRAY(count, FIELD_U32, TIMERS),
    FIELD_ARRAY(since, FIELD_U64, TIMERS),  FIELD(next, FIELD_TIMER),
};

static void reset(Device *dev)
{
    State *s = (State *)dev;
    for (unsigned t = 0; t < TIMERS; t++) {
        s->load[t] = s->raised[t] = 0;
        s->control[t] = INT_ENABLE;
        s->count[t] = 0xffffffff;
        s->since[t] = 0;
    }
}

/* When the counter, which is up to date, next raises an interrupt. */
static uint64_t next_interrupt(const State *s, unsigned t)
{
    const uint32_t needed = ENABLE | INT_ENABLE;
    uint64_t counts = s->count[t] & size_mask(s, t);
    if (!counts)
        counts = period(s, t);
    if ((s->control[t] & needed) != needed || s->raised[t] || !counts)
        return CLOCK_NEVER;
    return clock_ticks_to_ns(s->since[t] + counts * divider(s, t), hz(s, t));
}

static void update(Device *dev)
{
    State *s = (State *)dev;
    uint64_t due = CLOCK_NEVER;
    uint32_t interrupts = 0;
    for (unsigned t = 0; t < TIMERS; t++) {
        catch_up(s, t);
        uint64_t interrupt = next_interrupt(s, t);
        due = interrupt < due ? interrupt : due;
        if (s->raised[t] && (s->control[t] & INT_ENABLE))
            interrupts |= 1u << t;
    }
    timer_set(&s->next, due);
    if (s->itcr & TEST_MODE)
        interrupts = s->itop;
    irq_set(&dev->out[0], interrupts);
    irq_set(&dev->out[1], interrupts & 1);
    irq_set(&dev->out[2], interrupts & 2);
}

const DeviceType sp804_type = {
    .name = "sp804",
    .summary = "dual timer, PrimeCell SP804 (DDI 0271)",
    .state_size = sizeof(State),
    .window = 0x1000,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .periph_id = 0x00141804,
    .outputs = 3,
    .reset = reset,
    .update = update,
};
