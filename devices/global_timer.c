/* Global timer of the Cortex-A9 MPCore (DDI 0407, 4.3): one 64-bit counter, and for each CPU a comparator at
 * the same address. As from revision r2p0, a comparator fires while the counter is greater than or equal to
 * it.
 *
 * Property 0: PERIPHCLK in Hz (0: 200 MHz). The peer, if any, is the snoop control unit, which may shut
 * Non-secure software out. Output n is the private interrupt of CPU n. */
#include "devices/scu.h"

enum {
    CPUS = 4,
    ENABLE = 1, /* common to all CPUs, as the prescaler is */
    COMPARE_ENABLE = 2,
    IRQ_ENABLE = 4,
    AUTO_INCREMENT = 8,
    DEFAULT_HZ = 200000000
};

#define COMMON_BITS 0xff01u
#define BANKED_BITS 0x000eu
/* Events further away than this many counts are approached in steps, so that no sum overflows. */
#define HORIZON (UINT64_C(1) << 40)

typedef struct {
    Device dev;
    uint32_t control;      /* COMMON_BITS */
    uint32_t banked[CPUS]; /* BANKED_BITS */
    uint32_t event[CPUS], increment[CPUS];
    uint64_t compare[CPUS];
    uint64_t count; /* the counter at tick `since` */
    uint64_t since; /* in ticks of PERIPHCLK */
    Timer next;
} State;

static unsigned cpu_of(const RegAccess *access)
{
    return access->cpu < CPUS ? access->cpu : 0;
}

static uint32_t hz(const State *s)
{
    return s->dev.props.value[0] ? s->dev.props.value[0] : DEFAULT_HZ;
}

static uint64_t ticks_now(const State *s)
{
    return clock_ns_to_ticks(device_now(&s->dev), hz(s));
}

/* Ticks for one count. */
static uint32_t divider(const State *s)
{
    return (s->control >> 8 & 0xff) + 1;
}

static uint64_t counts_passed(const State *s)
{
    return (s->control & ENABLE) ? (ticks_now(s) - s->since) / divider(s) : 0;
}

typedef struct {
    uint64_t compare;
    bool event;
} Comparator;

/* A comparator and its event flag when the counter stands at `count`. */
static Comparator comparator(const State *s, unsigned cpu, uint64_t count)
{
    Comparator c = {s->compare[cpu], s->event[cpu]};
    if (!(s->banked[cpu] & COMPARE_ENABLE) || count < c.compare)
        return c;
    c.event = true;
    uint64_t increment = s->increment[cpu];
    if ((s->banked[cpu] & AUTO_INCREMENT) && increment)
        c.compare += ((count - c.compare) / increment + 1) * increment;
    return c;
}

/* Brings the state up to the present. */
static void catch_up(State *s)
{
    uint64_t passed = counts_passed(s);
    s->count += passed;
    s->since += passed * divider(s);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        Comparator c = comparator(s, cpu, s->count);
        s->compare[cpu] = c.compare;
        s->event[cpu] = c.event;
    }
}

static uint32_t half(uint64_t value, const RegAccess *access)
{
    return (uint32_t)(value >> (32 * access->index));
}

static uint64_t with_half(uint64_t old, const RegAccess *access, uint32_t value)
{
    unsigned shift = 32 * access->index;
    return (old & ~((uint64_t)access->lanes << shift)) | (uint64_t)value << shift;
}

static uint32_t counter_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    return half(s->count + counts_passed(s), access);
}

static void counter_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    catch_up(s);
    s->count = with_half(s->count, access, value);
    s->since = ticks_now(s);
}

static uint32_t control_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    return s->control | s->banked[cpu_of(access)];
}

static void control_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    uint32_t *banked = &s->banked[cpu_of(access)], old = s->control;
    uint32_t control = reg_merged(old | *banked, access, value);
    catch_up(s);
    s->control = control & COMMON_BITS;
    *banked = control & BANKED_BITS;
    if (old != s->control)
        s->since = ticks_now(s);
}

static uint32_t status_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    return comparator(s, cpu_of(access), s->count + counts_passed(s)).event;
}

/* The interrupt controller wants an edge for each event: the line goes low even if the next event is there at
 * once. */
static void status_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    unsigned cpu = cpu_of(access);
    catch_up(s);
    s->event[cpu] &= ~value;
    if (!s->event[cpu])
        irq_set(&dev->out[cpu], false);
}

static uint32_t compare_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    return half(comparator(s, cpu_of(access), s->count + counts_passed(s)).compare, access);
}

static void compare_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    uint64_t *compare = &s->compare[cpu_of(access)];
    catch_up(s);
    *compare = with_half(*compare, access, value);
}

static uint32_t increment_read(Device *dev, const RegAccess *access)
{
    return ((State *)dev)->increment[cpu_of(access)];
}

static void increment_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    uint32_t *increment = &s->increment[cpu_of(access)];
    catch_up(s);
    *increment = reg_merged(*increment, access, value);
}

/* clang-format off */
static const RegDef regs[] = {
    /* name               offset kind    storage   reset writable    read            written       count */
    {"Counter",           0x00,  REG_RW, NO_STORE, 0,    0xffffffff, counter_read,   counter_written,   2, 0},
    {"Control",           0x08,  REG_RW, NO_STORE, 0,    0xff0f,     control_read,   control_written,   0, 0},
    {"Interrupt Status",  0x0c,  REG_RW, NO_STORE, 0,    0x1,        status_read,    status_written,    0, 0},
    {"Comparator Value",  0x10,  REG_RW, NO_STORE, 0,    0xffffffff, compare_read,   compare_written,   2, 0},
    {"Auto-increment",    0x18,  REG_RW, NO_STORE, 0,    0xffffffff, increment_read, increment_written, 0, 0},
};
/* clang-format on */

static const FieldDef fields[] = {
    FIELD(control, FIELD_U32),
    FIELD_ARRAY(banked, FIELD_U32, CPUS),
    FIELD_ARRAY(event, FIELD_U32, CPUS),
    FIELD_ARRAY(increment, FIELD_U32, CPUS),
    FIELD_ARRAY(compare, FIELD_U64, CPUS),
    FIELD(count, FIELD_U64),
    FIELD(since, FIELD_U64),
    FIELD(next, FIELD_TIMER),
};

static void reset(Device *dev)
{
    State *s = (State *)dev;
    s->control = 0;
    s->count = s->since = 0;
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        s->banked[cpu] = s->event[cpu] = s->increment[cpu] = 0;
        s->compare[cpu] = 0;
    }
}

/* When the comparator, which is up to date, next raises an interrupt. */
static uint64_t next_match(const State *s, unsigned cpu)
{
    const uint32_t needed = COMPARE_ENABLE | IRQ_ENABLE;
    if (!(s->control & ENABLE) || (s->banked[cpu] & needed) != needed || s->event[cpu])
        return CLOCK_NEVER;
    uint64_t counts = s->compare[cpu] - s->count;
    counts = counts > HORIZON ? HORIZON : counts;
    return clock_ticks_to_ns(s->since + counts * divider(s), hz(s));
}

static void update(Device *dev)
{
    State *s = (State *)dev;
    uint64_t due = CLOCK_NEVER;
    catch_up(s);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        irq_set(&dev->out[cpu], s->event[cpu] && (s->banked[cpu] & IRQ_ENABLE));
        uint64_t match = next_match(s, cpu);
        due = match < due ? match : due;
    }
    timer_set(&s->next, due);
}

static bool allows(Device *dev, const RegAccess *access, bool write)
{
    (void)write;
    return scu_allows(dev->peer, SCU_GLOBAL_TIMER, access);
}

const DeviceType global_timer_type = {
    .name = "global_timer",
    .summary = "global timer of the Cortex-A9 MPCore (DDI 0407)",
    .state_size = sizeof(State),
    .window = 0x20,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .outputs = CPUS,
    .reset = reset,
    .update = update,
    .allows = allows,
};
