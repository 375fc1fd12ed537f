/* Private timers and watchdogs of the Cortex-A9 MPCore (DDI 0407, 4.1 and 4.2): one of each per CPU, at the
 * same address for every CPU.
 *
 * A counter is worked out from virtual time when it is looked at; there is an event only for what somebody
 * waits for.
 *
 * Property 0: PERIPHCLK in Hz (0: 200 MHz). The peer, if any, is the snoop control unit, which may shut
 * Non-secure software out. Output n is the private interrupt of CPU n. WDRESETREQ of any watchdog restarts
 * the board. */
#include "devices/scu.h"

enum {
    CPUS = 4,
    ENABLE = 1,
    AUTO_RELOAD = 2,
    IRQ_ENABLE = 4,
    WATCHDOG_MODE = 8,
    TIMER_ROWS = 4, /* a private timer has the first four registers of a watchdog */
    DEFAULT_HZ = 200000000
};

/* Written to the disable register one after the other, these end watchdog mode. */
#define DISABLE_FIRST 0x12345678u
#define DISABLE_SECOND 0x87654321u

typedef struct {
    Device dev;
    uint32_t load[CPUS], control[CPUS], event[CPUS];
    uint32_t count[CPUS];        /* the counter at tick `since` */
    uint64_t since[CPUS];        /* in ticks of PERIPHCLK */
    uint32_t reset_status[CPUS]; /* survives the reset that the watchdog causes */
    bool disabling[CPUS];        /* DISABLE_FIRST was the last write to the disable register */
    Timer next;
} State;

extern const DeviceType a9_timer_type;

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

/* Ticks for one decrement. */
static uint32_t divider(const State *s, unsigned cpu)
{
    return (s->control[cpu] >> 8 & 0xff) + 1;
}

static bool reloads(const State *s, unsigned cpu)
{
    return (s->control[cpu] & AUTO_RELOAD) && !(s->control[cpu] & WATCHDOG_MODE);
}

typedef struct {
    uint64_t decrements; /* since `since` */
    uint32_t count;
    bool reached_zero;
} Progress;

/* Where the counter has got to. With auto-reload it is zero for one decrement and then starts from `load`. */
static Progress progress(const State *s, unsigned cpu)
{
    uint32_t count = s->count[cpu], load = s->load[cpu];
    if (!(s->control[cpu] & ENABLE))
        return (Progress){0, count, false};
    uint64_t n = (ticks_now(s) - s->since[cpu]) / divider(s, cpu);
    if (n < count || n == 0)
        return (Progress){n, count - (uint32_t)n, false};
    if (!reloads(s, cpu))
        return (Progress){n, 0, count != 0};
    uint64_t beyond = n - count, period = (uint64_t)load + 1;
    uint32_t now = beyond ? load - (uint32_t)((beyond - 1) % period) : 0;
    return (Progress){n, now, count != 0 || beyond >= period};
}

/* Brings the state up to the present. */
static void catch_up(State *s, unsigned cpu)
{
    Progress p = progress(s, cpu);
    s->since[cpu] += p.decrements * divider(s, cpu);
    s->count[cpu] = p.count;
    if (!p.reached_zero)
        return;
    if (s->control[cpu] & WATCHDOG_MODE) {
        s->reset_status[cpu] = 1;
        s->dev.env->request(s->dev.env->machine, REQUEST_REBOOT);
    } else {
        s->event[cpu] = 1;
    }
}

static void start_from(State *s, unsigned cpu, uint32_t count)
{
    s->count[cpu] = count;
    s->since[cpu] = ticks_now(s);
}

static uint32_t load_read(Device *dev, const RegAccess *access)
{
    return ((State *)dev)->load[cpu_of(access)];
}

static void load_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    unsigned cpu = cpu_of(access);
    catch_up(s, cpu);
    s->load[cpu] = reg_merged(s->load[cpu], access, value);
    start_from(s, cpu, s->load[cpu]);
}

static uint32_t counter_read(Device *dev, const RegAccess *access)
{
    return progress((State *)dev, cpu_of(access)).count;
}

/* A watchdog in watchdog mode can be refreshed through its load register only. */
static void counter_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    unsigned cpu = cpu_of(access);
    catch_up(s, cpu);
    if (!(s->control[cpu] & WATCHDOG_MODE))
        start_from(s, cpu, reg_merged(s->count[cpu], access, value));
}

static uint32_t control_read(Device *dev, const RegAccess *access)
{
    return ((State *)dev)->control[cpu_of(access)];
}

static void control_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    unsigned cpu = cpu_of(access);
    uint32_t old = s->control[cpu], control = reg_merged(old, access, value);
    if (dev->type == &a9_timer_type)
        control &= ~(uint32_t)WATCHDOG_MODE;
    catch_up(s, cpu);
    s->control[cpu] = control | (old & WATCHDOG_MODE);
    if (!(old & ENABLE) || (old ^ control) >> 8)
        start_from(s, cpu, s->count[cpu]);
}

static uint32_t status_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    unsigned cpu = cpu_of(access);
    bool reached = !(s->control[cpu] & WATCHDOG_MODE) && progress(s, cpu).reached_zero;
    return s->event[cpu] | reached;
}

/* The interrupt controller wants an edge for each event: the line goes low even if the next event is there at
 * once. */
static void status_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    unsigned cpu = cpu_of(access);
    catch_up(s, cpu);
    s->event[cpu] &= ~value;
    if (!s->event[cpu])
        irq_set(&dev->out[cpu], false);
}

static uint32_t reset_status_read(Device *dev, const RegAccess *access)
{
    return ((State *)dev)->reset_status[cpu_of(access)];
}

static void reset_status_written(Device *dev, const RegAccess *access, uint32_t value)
{
    ((State *)dev)->reset_status[cpu_of(access)] &= ~value;
}

static void disable_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    unsigned cpu = cpu_of(access);
    catch_up(s, cpu);
    if (s->disabling[cpu] && value == DISABLE_SECOND)
        s->control[cpu] &= ~(uint32_t)WATCHDOG_MODE;
    s->disabling[cpu] = value == DISABLE_FIRST;
}

/* clang-format off */
static const RegDef regs[] = {
    /* name              offset kind    storage   reset writable    read               written */
    {"Load",             0x00,  REG_RW, NO_STORE, 0,    0xffffffff, load_read,         load_written, 0, 0},
    {"Counter",          0x04,  REG_RW, NO_STORE, 0,    0xffffffff, counter_read,      counter_written, 0, 0},
    {"Control",          0x08,  REG_RW, NO_STORE, 0,    0xff0f,     control_read,      control_written, 0, 0},
    {"Interrupt Status", 0x0c,  REG_RW, NO_STORE, 0,    0x1,        status_read,       status_written, 0, 0},
    {"Reset Status",     0x10,  REG_RW, NO_STORE, 0,    0x1,        reset_status_read, reset_status_written, 0, 0},
    {"Disable",          0x14,  REG_WO, NO_STORE, 0,    0xffffffff, NULL,              disable_written, 0, 0},
};
/* clang-format on */

static const FieldDef fields[] = {
    FIELD_ARRAY(load, FIELD_U32, CPUS),         FIELD_ARRAY(control, FIELD_U32, CPUS),
    FIELD_ARRAY(event, FIELD_U32, CPUS),        FIELD_ARRAY(count, FIELD_U32, CPUS),
    FIELD_ARRAY(since, FIELD_U64, CPUS),        FIELD_ARRAY(disabling, FIELD_BOOL, CPUS),
    FIELD_ARRAY(reset_status, FIELD_U32, CPUS), FIELD(next, FIELD_TIMER),
};

static void reset(Device *dev)
{
    State *s = (State *)dev;
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        s->load[cpu] = s->control[cpu] = s->event[cpu] = s->count[cpu] = 0;
        s->since[cpu] = 0;
        s->disabling[cpu] = false;
    }
}

/* When the counter, which is up to date, next reaches zero and that has an effect. */
static uint64_t next_zero(const State *s, unsigned cpu)
{
    uint32_t control = s->control[cpu];
    bool awaited = (control & WATCHDOG_MODE) || ((control & IRQ_ENABLE) && !s->event[cpu]);
    uint64_t decrements = s->count[cpu];
    if (!decrements && reloads(s, cpu))
        decrements = (uint64_t)s->load[cpu] + 1;
    if (!(control & ENABLE) || !awaited || !decrements)
        return CLOCK_NEVER;
    return clock_ticks_to_ns(s->since[cpu] + decrements * divider(s, cpu), hz(s));
}

static void update(Device *dev)
{
    State *s = (State *)dev;
    uint64_t due = CLOCK_NEVER;
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        catch_up(s, cpu);
        irq_set(&dev->out[cpu],
                s->event[cpu] && (s->control[cpu] & (IRQ_ENABLE | WATCHDOG_MODE)) == IRQ_ENABLE);
        uint64_t zero = next_zero(s, cpu);
        due = zero < due ? zero : due;
    }
    timer_set(&s->next, due);
}

static bool allows(Device *dev, const RegAccess *access, bool write)
{
    (void)write;
    return scu_allows(dev->peer, SCU_PRIVATE_TIMERS, access);
}

const DeviceType a9_timer_type = {
    .name = "a9_timer",
    .summary = "private timers of the Cortex-A9 MPCore (DDI 0407)",
    .state_size = sizeof(State),
    .window = 0x20,
    .regs = regs,
    .reg_count = TIMER_ROWS,
    DEVICE_FIELDS,
    .version = 1,
    .outputs = CPUS,
    .reset = reset,
    .update = update,
    .allows = allows,
};

const DeviceType a9_watchdog_type = {
    .name = "a9_watchdog",
    .summary = "private watchdogs of the Cortex-A9 MPCore (DDI 0407)",
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
