/* PL050 keyboard/mouse interface: PrimeCell PS2 Keyboard/Mouse Interface (PL050) r1p0, DDI 0143.
 *
 * Bytes take their time on the cable, and KMISTAT shows the lines as they are at that moment. The manual
 * leaves open, and this is how it is here: the transmit register is empty again when the byte has gone; a
 * byte that was written while the interface is disabled goes when it is enabled; the interface holds the
 * clock low, so that the device waits, until a received byte has been read; a byte that the device sends to a
 * disabled interface is lost. Not modelled: the test registers, and software that makes bytes by moving the
 * lines itself with KMICR (a line that is forced low keeps both sides from sending; KMITYPE has no effect).
 *
 * Properties: value[0] number of the socket (see devices/ps2.h), value[1] KMIREFCLK in Hz (0: 24 MHz).
 * Outputs: 0 KMIINTR (combined), 1 KMITXINTR, 2 KMIRXINTR. */
#include "devices/device.h"
#include "devices/ps2.h"

enum { DEFAULT_CLOCK_HZ = 24000000 };

/* In periods of the clock after the divider, which should be 8 MHz: the interface asks for the line by
 * holding the clock low for 64 us, and gives up if the device has not begun after 16 ms. */
enum { REQUEST_TICKS = 512, GIVE_UP_TICKS = 131072 };

enum { CR_FKMIC = 1 << 0, CR_FKMID = 1 << 1, CR_EN = 1 << 2, CR_TXINTREN = 1 << 3, CR_RXINTREN = 1 << 4 };

enum {
    STAT_DATA_IN = 1 << 0,
    STAT_CLK_IN = 1 << 1,
    STAT_RXPARITY = 1 << 2,
    STAT_RXBUSY = 1 << 3,
    STAT_RXFULL = 1 << 4,
    STAT_TXBUSY = 1 << 5,
    STAT_TXEMPTY = 1 << 6
};

enum { IIR_RX = 1 << 0, IIR_TX = 1 << 1 };

/* Start, eight data bits, parity, stop; towards the device its acknowledgement follows. */
enum { FRAME_BITS = 11, ACKNOWLEDGED_BITS = 12, PARITY_BIT = 9, STOP_BIT = 10 };

typedef enum Phase { IDLE, RECEIVING, REQUESTING, SENDING, UNANSWERED } Phase;

typedef struct {
    Device dev;
    uint32_t cr, clkdiv;
    uint32_t phase;
    uint8_t tx, rx; /* the data registers */
    bool tx_full, rx_full, rx_parity;
    uint8_t arriving; /* the byte that is being received */
    uint64_t began;   /* the phase */
    Timer next;       /* its end */
} State;

static Ps2Port *port(const State *s)
{
    return &s->dev.env->ps2[s->dev.props.value[0]];
}

static bool parity(uint8_t byte)
{
    return !__builtin_parity(byte); /* odd with the byte's own bits */
}

/* ---- The cable ---------------------------------------------------------------------------------------- */

static uint64_t ticks_ns(const State *s, uint64_t ticks)
{
    uint32_t hz = s->dev.props.value[1] ? s->dev.props.value[1] : DEFAULT_CLOCK_HZ;
    return clock_ticks_to_ns(ticks * (s->clkdiv + 1), hz);
}

static void enter(State *s, Phase phase, uint64_t ns)
{
    s->phase = phase;
    s->began = device_now(&s->dev);
    timer_set(&s->next, phase == IDLE ? CLOCK_NEVER : s->began + ns);
}

static bool enabled(const State *s)
{
    return s->cr & CR_EN;
}

/* Begins what can begin: the host goes first, the device when the clock is not held low. */
static void begin(State *s)
{
    if (s->phase != IDLE || s->cr & (CR_FKMIC | CR_FKMID))
        return;
    if (s->tx_full && enabled(s))
        enter(s, REQUESTING, ticks_ns(s, REQUEST_TICKS));
    else if (!(s->rx_full && enabled(s)) && ps2_next(port(s)->device, &s->arriving))
        enter(s, RECEIVING, FRAME_BITS * PS2_BIT_NS);
}

static void device_wants(void *opaque)
{
    begin(opaque);
}

static void received(State *s)
{
    if (enabled(s)) {
        s->rx = s->arriving;
        s->rx_parity = parity(s->rx);
        s->rx_full = true;
    }
    ps2_sent(port(s)->device);
}

static void unanswered(State *s)
{
    s->tx_full = false;
    log_line(s->dev.env->log, LOG_GUEST, s->dev.name, "nobody took the byte 0x%02x that was sent", s->tx);
}

static void phase_over(void *opaque)
{
    State *s = opaque;
    Phase phase = s->phase;
    enter(s, IDLE, 0);
    switch (phase) {
    case RECEIVING:
        received(s);
        break;
    case REQUESTING:
        if (ps2_listens(port(s)->device))
            enter(s, SENDING, ACKNOWLEDGED_BITS * PS2_BIT_NS);
        else
            enter(s, UNANSWERED, ticks_ns(s, GIVE_UP_TICKS));
        break;
    case SENDING:
        s->tx_full = false;
        ps2_received(port(s)->device, s->tx);
        break;
    case UNANSWERED:
        unanswered(s);
        break;
    case IDLE:
        break;
    }
    begin(s);
    device_changed(&s->dev);
}

/* How many bits of the frame are over. */
static uint64_t bits(const State *s)
{
    return (device_now(&s->dev) - s->began) / PS2_BIT_NS;
}

/* A frame that is cut short is sent again later; one whose parity is through is complete. */
static void stop(State *s)
{
    bool forced = s->cr & (CR_FKMIC | CR_FKMID);
    bool receiving = s->phase == RECEIVING;
    if (receiving ? forced && bits(s) <= PARITY_BIT : forced || !enabled(s))
        enter(s, IDLE, 0);
}

/* ---- Registers ---------------------------------------------------------------------------------------- */

static bool frame_bit(uint8_t byte, uint64_t bit)
{
    if (bit >= STOP_BIT)
        return true;
    return bit == PARITY_BIT ? parity(byte) : bit && byte >> (bit - 1) & 1;
}

/* The lines without what software forces. The clock is low in the second half of each bit. */
static uint32_t lines(const State *s)
{
    bool clock_high = (device_now(&s->dev) - s->began) % PS2_BIT_NS < PS2_BIT_NS / 2;
    switch ((Phase)s->phase) {
    case RECEIVING:
        return (clock_high ? STAT_CLK_IN : 0) | (frame_bit(s->arriving, bits(s)) ? STAT_DATA_IN : 0);
    case REQUESTING:
        return STAT_DATA_IN;
    case SENDING: /* the device acknowledges by pulling the data line low */
        return (clock_high ? STAT_CLK_IN : 0) |
               (bits(s) < FRAME_BITS && frame_bit(s->tx, bits(s)) ? STAT_DATA_IN : 0);
    case UNANSWERED:
        return STAT_CLK_IN;
    case IDLE:
        break;
    }
    return (s->rx_full && enabled(s) ? 0 : STAT_CLK_IN) | STAT_DATA_IN;
}

static uint32_t stat_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    uint32_t forced = (s->cr & CR_FKMIC ? STAT_CLK_IN : 0) | (s->cr & CR_FKMID ? STAT_DATA_IN : 0);
    bool sending = s->phase == REQUESTING || s->phase == SENDING || s->phase == UNANSWERED;
    return (lines(s) & ~forced) | (s->rx_parity ? STAT_RXPARITY : 0) |
           (s->phase == RECEIVING && enabled(s) ? STAT_RXBUSY : 0) | (s->rx_full ? STAT_RXFULL : 0) |
           (sending ? STAT_TXBUSY : 0) | (s->tx_full ? 0 : STAT_TXEMPTY);
}

static uint32_t data_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    s->rx_full = false;
    begin(s);
    return s->rx;
}

static void data_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    if (!(access->lanes & 0xff))
        return;
    if (s->tx_full) {
        log_line(dev->env->log, LOG_GUEST, dev->name, "KMIDATA written while the transmit register is full");
        return;
    }
    s->tx = (uint8_t)value;
    s->tx_full = true;
    begin(s);
}

static void cr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    (void)value;
    State *s = (State *)dev;
    stop(s);
    ps2_enable(port(s), enabled(s));
    begin(s);
}

static uint32_t iir_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    return (s->rx_full && s->cr & CR_RXINTREN ? IIR_RX : 0) |
           (!s->tx_full && s->cr & CR_TXINTREN ? IIR_TX : 0);
}

/* clang-format off */
static const RegDef regs[] = {
    /* name       offset kind       storage     reset writable read       written */
    {"KMICR",     0x000, REG_RW,    AT(cr),     0,    0x3f,    NULL,      cr_written,   0, 0},
    {"KMISTAT",   0x004, REG_RO,    NO_STORE,   0,    0,       stat_read, NULL,         0, 0},
    {"KMIDATA",   0x008, REG_RW,    NO_STORE,   0,    0xff,    data_read, data_written, 0, REG_READ_ACTS},
    {"KMICLKDIV", 0x00c, REG_RW,    AT(clkdiv), 0,    0xf,     NULL,      NULL,         0, 0},
    {"KMIIR",     0x010, REG_RO,    NO_STORE,   0,    0,       iir_read,  NULL,         0, 0},
    {"test",      0x080, REG_UNIMP, NO_STORE,   0,    0,       NULL,      NULL,         8, 0},
};

static const FieldDef fields[] = {
    FIELD(phase, FIELD_U32),
    FIELD(tx, FIELD_U8),
    FIELD(rx, FIELD_U8),
    FIELD(tx_full, FIELD_BOOL),
    FIELD(rx_full, FIELD_BOOL),
    FIELD(rx_parity, FIELD_BOOL),
    FIELD(arriving, FIELD_U8),
    FIELD(began, FIELD_U64),
    FIELD(next, FIELD_TIMER),
};
/* clang-format on */

static bool create(Device *dev, Error *err)
{
    State *s = (State *)dev;
    if (dev->props.value[0] >= PS2_PORTS)
        return error_set(err, "%s: there is no PS/2 socket %u", dev->name, dev->props.value[0]);
    timer_init(&s->next, dev->env->clock, dev->name, 0, phase_over, s);
    port(s)->wanted = device_wants;
    port(s)->host = s;
    return true;
}

static void destroy(Device *dev)
{
    *port((State *)dev) = (Ps2Port){.device = port((State *)dev)->device};
}

static void reset(Device *dev)
{
    State *s = (State *)dev;
    s->tx = s->rx = s->arriving = 0;
    s->tx_full = s->rx_full = s->rx_parity = false;
    enter(s, IDLE, 0);
    ps2_enable(port(s), false);
}

static void update(Device *dev)
{
    uint32_t iir = iir_read(dev, NULL);
    irq_set(&dev->out[0], iir);
    irq_set(&dev->out[1], iir & IIR_TX);
    irq_set(&dev->out[2], iir & IIR_RX);
}

static void loaded(Device *dev)
{
    State *s = (State *)dev;
    if (s->phase > UNANSWERED)
        enter(s, IDLE, 0);
    port(s)->enabled = enabled(s);
}

const DeviceType pl050_type = {
    .name = "pl050",
    .summary = "keyboard and mouse interface, PrimeCell PL050 (DDI 0143)",
    .state_size = sizeof(State),
    .window = 0x1000,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .periph_id = 0x00041050,
    .outputs = 3,
    .create = create,
    .destroy = destroy,
    .reset = reset,
    .update = update,
    .loaded = loaded,
};
