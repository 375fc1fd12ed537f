/* Watchdog, PrimeCell SP805 r2p0 (DDI 0270): counts down, interrupts at zero, and resets the board if the
 * interrupt is still pending when it reaches zero again.
 *
 * The counter is worked out from virtual time when it is looked at. Property 0: clock in Hz (0: 32,768).
 * Output 0 is WDOGINT; WDOGRES restarts the board. */
#include "devices/device.h"

enum {
    INTEN = 1, /* also what lets the counter run */
    RESEN = 2,
    LOCK = 0xc00,
    TEST_MODE = 1, /* of WDOGITCR: the outputs follow WDOGITOP */
    TEST_WDOGRES = 1,
    TEST_WDOGINT = 2,
    DEFAULT_HZ = 32768
};

#define UNLOCK_KEY 0x1acce551u

typedef struct {
    Device dev;
    uint32_t load, control, raised, locked, itcr, itop;
    uint32_t count; /* the counter at tick `since` */
    uint64_t since; /* in ticks of the watchdog's clock */
    bool resetting; /* WDOGRES is asserted; nothing counts any more */
    Timer next;
} State;

static uint32_t hz(const State *s)
{
    return s->dev.props.value[0] ? s->dev.props.value[0] : DEFAULT_HZ;
}

static uint64_t ticks_now(const State *s)
{
    return clock_ns_to_ticks(device_now(&s->dev), hz(s));
}

static bool running(const State *s)
{
    return (s->control & INTEN) && !s->resetting;
}

/* Ticks from one zero to the next; 1 is the smallest load value that makes sense. */
static uint32_t period(const State *s)
{
    return s->load ? s->load : 1;
}

typedef struct {
    uint64_t ticks; /* since `since` */
    uint32_t count;
    uint64_t zeros; /* how often the counter reached zero */
} Progress;

static Progress progress(const State *s)
{
    if (!running(s))
        return (Progress){0, s->count, 0};
    uint64_t n = ticks_now(s) - s->since;
    if (n < s->count || n == 0)
        return (Progress){n, s->count - (uint32_t)n, 0};
    uint64_t beyond = n - s->count, rest = beyond % period(s);
    return (Progress){n, rest ? (uint32_t)(period(s) - rest) : 0, beyond / period(s) + (s->count != 0)};
}

static void assert_reset(State *s)
{
    if (!s->resetting)
        s->dev.env->request(s->dev.env->machine, REQUEST_REBOOT);
    s->resetting = true;
}

/* Brings the state up to the present. */
static void catch_up(State *s)
{
    Progress p = progress(s);
    s->since += p.ticks;
    s->count = p.count;
    bool unserved = s->raised + p.zeros > 1 && p.zeros;
    s->raised |= p.zeros != 0;
    if (unserved && (s->control & RESEN))
        assert_reset(s);
}

static void start(State *s)
{
    s->count = s->load;
    s->since = ticks_now(s);
}

static uint32_t load_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return ((State *)dev)->load;
}

static void load_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    catch_up(s);
    s->load = reg_merged(s->load, access, value);
    start(s);
    if (running(s) && !s->load)
        s->raised = 1;
}

static uint32_t value_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return progress((State *)dev).count;
}

static uint32_t control_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return ((State *)dev)->control;
}

/* Setting INTEN reloads the counter. */
static void control_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    uint32_t old = s->control;
    catch_up(s);
    s->control = reg_merged(old, access, value);
    if (s->control & ~old & INTEN)
        start(s);
}

static void intclr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    (void)value;
    State *s = (State *)dev;
    catch_up(s);
    s->raised = 0;
    start(s);
}

static uint32_t ris_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    return s->raised || progress(s).zeros;
}

static uint32_t mis_read(Device *dev, const RegAccess *access)
{
    return (((State *)dev)->control & INTEN) ? ris_read(dev, access) : 0;
}

static void lock_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    ((State *)dev)->locked = value != UNLOCK_KEY;
}

static uint32_t lock_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return ((State *)dev)->locked;
}

static bool allows(Device *dev, const RegAccess *access, bool write)
{
    return !write || access->offset == LOCK || !((State *)dev)->locked;
}

/* clang-format off */
static const RegDef regs[] = {
    /* name          offset kind    storage   reset writable    read          written */
    {"WdogLoad",     0x000, REG_RW, NO_STORE, 0,    0xffffffff, load_read,    load_written,    0, 0},
    {"WdogValue",    0x004, REG_RO, NO_STORE, 0,    0,          value_read,   NULL,            0, 0},
    {"WdogControl",  0x008, REG_RW, NO_STORE, 0,    0x3,        control_read, control_written, 0, 0},
    {"WdogIntClr",   0x00c, REG_WO, NO_STORE, 0,    0xffffffff, NULL,         intclr_written,  0, 0},
    {"WdogRIS",      0x010, REG_RO, NO_STORE, 0,    0,          ris_read,     NULL,            0, 0},
    {"WdogMIS",      0x014, REG_RO, NO_STORE, 0,    0,          mis_read,     NULL,            0, 0},
    {"WdogLock",     LOCK,  REG_RW, NO_STORE, 0,    0xffffffff, lock_read,    lock_written,    0, 0},
    {"WdogITCR",     0xf00, REG_RW, AT(itcr), 0,    TEST_MODE,  NULL,         NULL,            0, 0},
    {"WdogITOP",     0xf04, REG_WO, AT(itop), 0,    0x3,        NULL,         NULL,            0, 0},
};
/* clang-format on */

static const FieldDef fields[] = {
    FIELD(load, FIELD_U32),   FIELD(control, FIELD_U32),    FIELD(raised, FIELD_U32),
    FIELD(locked, FIELD_U32), FIELD(count, FIELD_U32),      FIELD(since, FIELD_U64),
    FIELD(next, FIELD_TIMER), FIELD(resetting, FIELD_BOOL),
};

static void reset(Device *dev)
{
    State *s = (State *)dev;
    s->load = s->count = 0xffffffff;
    s->control = s->raised = s->locked = 0;
    s->since = 0;
    s->resetting = false;
}

/* When the counter, which is up to date, next reaches zero and that has an effect. */
static uint64_t next_zero(const State *s)
{
    if (!running(s) || (s->raised && !(s->control & RESEN)))
        return CLOCK_NEVER;
    return clock_ticks_to_ns(s->since + (s->count ? s->count : period(s)), hz(s));
}

static void update(Device *dev)
{
    State *s = (State *)dev;
    catch_up(s);
    timer_set(&s->next, next_zero(s));
    bool interrupt = s->raised && (s->control & INTEN);
    if (s->itcr & TEST_MODE) {
        interrupt = s->itop & TEST_WDOGINT;
        if (s->itop & TEST_WDOGRES)
            assert_reset(s);
    }
    irq_set(&dev->out[0], interrupt);
}

const DeviceType sp805_type = {
    .name = "sp805",
    .summary = "watchdog, PrimeCell SP805 (DDI 0270)",
    .state_size = sizeof(State),
    .window = 0x1000,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .periph_id = 0x00141805,
    .outputs = 1,
    .reset = reset,
    .update = update,
    .allows = allows,
};
