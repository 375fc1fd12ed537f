/* PL011 UART: PrimeCell UART (PL011) r1p5, DDI 0183.
 *
 * Revision 3 in PeriphID2 means r1p5, whose FIFOs hold 32 characters; trigger levels are eighths of that.
 *
 * What the wire is like: a transmitted character leaves at once and reaches the host with all its eight bits,
 * whatever the word length; a character or break from the host is taken when the receive FIFO has room and
 * waits in the port's queue until then, so that none is lost and overruns happen only in loop-back. The other
 * end holds CTS, DSR and DCD asserted. Only the receive timeout knows the baud rate. Not modelled: the DMA
 * requests, the IrDA line (SIREN disconnects the wire, as nothing is at the infra-red pins), the integration
 * test registers.
 *
 * Properties: value[0] number of the serial port, value[1] UARTCLK in Hz (0: 24 MHz).
 * Outputs: 0 UARTINTR (combined), 1 UARTMSINTR, 2 UARTRXINTR, 3 UARTTXINTR, 4 UARTRTINTR, 5 UARTEINTR. */
#include "devices/device.h"

enum { FIFO_DEPTH = 32, TIMEOUT_BITS = 32, DEFAULT_CLOCK_HZ = 24000000 };

/* UARTDR: errors of the character read, and bits 10:8 of it in UARTRSR; overrun is bit 3 there. */
enum { DR_FE = 1 << 8, DR_PE = 1 << 9, DR_BE = 1 << 10, DR_OE = 1 << 11, RSR_OE = 1 << 3 };

enum {
    FR_CTS = 1 << 0,
    FR_DSR = 1 << 1,
    FR_DCD = 1 << 2,
    FR_BUSY = 1 << 3,
    FR_RXFE = 1 << 4,
    FR_TXFF = 1 << 5,
    FR_RXFF = 1 << 6,
    FR_TXFE = 1 << 7,
    FR_RI = 1 << 8,
    FR_MODEM = FR_CTS | FR_DSR | FR_DCD | FR_RI
};

enum { LCR_BRK = 1 << 0, LCR_PEN = 1 << 1, LCR_EPS = 1 << 2, LCR_FEN = 1 << 4, LCR_SPS = 1 << 7 };

enum {
    CR_UARTEN = 1 << 0,
    CR_SIREN = 1 << 1,
    CR_LBE = 1 << 7,
    CR_TXE = 1 << 8,
    CR_RXE = 1 << 9,
    CR_DTR = 1 << 10,
    CR_RTS = 1 << 11,
    CR_OUT1 = 1 << 12,
    CR_OUT2 = 1 << 13,
    CR_RTSEN = 1 << 14,
    CR_CTSEN = 1 << 15,
    CR_WRITABLE = 0xff87
};

enum {
    INT_RI = 1 << 0,
    INT_CTS = 1 << 1,
    INT_DCD = 1 << 2,
    INT_DSR = 1 << 3,
    INT_RX = 1 << 4,
    INT_TX = 1 << 5,
    INT_RT = 1 << 6,
    INT_FE = 1 << 7,
    INT_PE = 1 << 8,
    INT_BE = 1 << 9,
    INT_OE = 1 << 10,
    INT_MODEM = INT_RI | INT_CTS | INT_DCD | INT_DSR,
    INT_ERROR = INT_FE | INT_PE | INT_BE | INT_OE,
    INT_ALL = 0x7ff
};

typedef struct {
    Device dev;
    uint32_t rsr, ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, ris, dmacr;
    uint32_t divisor; /* IBRD and FBRD as they were when LCR_H was last written, in 64ths */
    uint32_t modem;   /* FR_MODEM bits as last seen */
    uint32_t rx_count, tx_count;
    uint16_t rx[FIFO_DEPTH]; /* oldest first; DR_FE, DR_PE, DR_BE beside the character */
    uint8_t tx[FIFO_DEPTH];
    bool overrun; /* a character was lost and the FIFO is full since */
    Timer timeout;
} State;

/* ---- Levels ------------------------------------------------------------------------------------------- */

static uint32_t depth(const State *s)
{
    return s->lcr_h & LCR_FEN ? FIFO_DEPTH : 1;
}

/* 1/8, 1/4, 1/2, 3/4, 7/8; the reserved codes act as the last. */
static uint32_t trigger_level(uint32_t code)
{
    static const uint8_t eighths[8] = {1, 2, 4, 6, 7, 7, 7, 7};
    return eighths[code & 7] * (FIFO_DEPTH / 8);
}

static uint32_t rx_trigger(const State *s)
{
    return s->lcr_h & LCR_FEN ? trigger_level(s->ifls >> 3) : 1;
}

static uint32_t tx_trigger(const State *s)
{
    return s->lcr_h & LCR_FEN ? trigger_level(s->ifls) : 0;
}

static bool loopback(const State *s)
{
    return s->cr & CR_LBE;
}

/* With RTSEN the receiver asks for data while the FIFO is below its trigger level. */
static bool rts(const State *s)
{
    return s->cr & CR_RTSEN ? s->rx_count < rx_trigger(s) : s->cr & CR_RTS;
}

/* In loop-back the modem outputs are led back to the inputs. */
static uint32_t modem_inputs(const State *s)
{
    if (!loopback(s))
        return FR_CTS | FR_DSR | FR_DCD;
    return (rts(s) ? FR_CTS : 0) | (s->cr & CR_DTR ? FR_DSR : 0) | (s->cr & CR_OUT1 ? FR_DCD : 0) |
           (s->cr & CR_OUT2 ? FR_RI : 0);
}

static void modem_changed(State *s)
{
    uint32_t now = modem_inputs(s), changed = now ^ s->modem;
    s->modem = now;
    s->ris |= (changed & FR_CTS ? INT_CTS : 0) | (changed & FR_DSR ? INT_DSR : 0) |
              (changed & FR_DCD ? INT_DCD : 0) | (changed & FR_RI ? INT_RI : 0);
}

/* ---- Receiving ---------------------------------------------------------------------------------------- */

static void restart_timeout(State *s)
{
    if (!s->rx_count) {
        timer_cancel(&s->timeout);
        return;
    }
    uint32_t hz = s->dev.props.value[1] ? s->dev.props.value[1] : DEFAULT_CLOCK_HZ;
    uint64_t sixty_fourths = (uint64_t)(s->divisor ? s->divisor : 64) * 16 * TIMEOUT_BITS;
    timer_set(&s->timeout, device_now(&s->dev) + muldiv64(sixty_fourths, 1000000000u, (uint64_t)hz * 64));
}

static void timeout_due(void *opaque)
{
    State *s = opaque;
    s->ris |= INT_RT;
    device_changed(&s->dev);
}

static void receive(State *s, uint32_t character)
{
    if (s->rx_count >= depth(s)) {
        s->overrun = true;
        s->rsr |= RSR_OE;
        s->ris |= INT_OE;
        return;
    }
    s->rx[s->rx_count++] = (uint16_t)character;
    s->ris |= (character & DR_FE ? INT_FE : 0) | (character & DR_PE ? INT_PE : 0) |
              (character & DR_BE ? INT_BE : 0);
    if (s->rx_count >= rx_trigger(s))
        s->ris |= INT_RX;
    restart_timeout(s);
}

/* A break is received as one character 0 whose parity bit (if any) and stop bit are low. */
static void receive_break(State *s)
{
    bool parity_low =
        !(s->lcr_h & LCR_SPS) == !!(s->lcr_h & LCR_EPS) || (s->lcr_h & LCR_SPS && s->lcr_h & LCR_EPS);
    receive(s, DR_BE | DR_FE | (s->lcr_h & LCR_PEN && !parity_low ? DR_PE : 0));
}

static bool receiving(const State *s)
{
    return (s->cr & (CR_UARTEN | CR_RXE)) == (CR_UARTEN | CR_RXE);
}

static SerialPort *port(State *s)
{
    return &s->dev.env->serial[s->dev.props.value[0]];
}

static void fill_from_host(State *s)
{
    uint16_t item;
    if (!receiving(s) || loopback(s) || s->cr & CR_SIREN)
        return;
    while (s->rx_count < depth(s) && serial_take(port(s), &item)) {
        if (item == SERIAL_BREAK)
            receive_break(s);
        else
            receive(s, item);
    }
}

static void host_has_characters(void *opaque)
{
    fill_from_host(opaque);
    device_changed(opaque);
}

/* ---- Transmitting ------------------------------------------------------------------------------------- */

static bool transmitting(const State *s)
{
    if ((s->cr & (CR_UARTEN | CR_TXE)) != (CR_UARTEN | CR_TXE) || s->lcr_h & LCR_BRK)
        return false;
    return !(s->cr & CR_CTSEN) || modem_inputs(s) & FR_CTS;
}

static void send_character(State *s, uint8_t ch)
{
    if (loopback(s)) {
        unsigned bits = 5 + (s->lcr_h >> 5 & 3);
        if (receiving(s))
            receive(s, ch & ((1u << bits) - 1));
    } else if (!(s->cr & CR_SIREN)) {
        serial_output(port(s), ch);
    }
}

/* Sends what may be sent. The interrupt follows the FIFO falling to its trigger level, which it does as soon
 * as a character leaves, since nothing slows the line down. */
static void transmit(State *s)
{
    uint32_t sent = 0;
    while (sent < s->tx_count && transmitting(s)) {
        send_character(s, s->tx[sent++]);
        modem_changed(s);
    }
    s->tx_count -= sent;
    for (uint32_t n = 0; n < s->tx_count; n++)
        s->tx[n] = s->tx[n + sent];
    if (sent && s->tx_count <= tx_trigger(s))
        s->ris |= INT_TX;
}

/* ---- Registers ---------------------------------------------------------------------------------------- */

static uint32_t dr_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    uint32_t character = s->rx[0] | (s->overrun ? DR_OE : 0);
    if (!s->rx_count)
        return 0;
    s->overrun = false; /* there is room again */
    s->rsr = (s->rsr & RSR_OE) | (s->rx[0] >> 8 & 7);
    s->rx_count--;
    for (uint32_t n = 0; n < s->rx_count; n++)
        s->rx[n] = s->rx[n + 1];
    if (s->rx_count < rx_trigger(s))
        s->ris &= ~(uint32_t)INT_RX;
    fill_from_host(s);
    if (!s->rx_count)
        s->ris &= ~(uint32_t)INT_RT;
    restart_timeout(s);
    modem_changed(s);
    transmit(s);
    return character;
}

static void dr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    if (s->tx_count >= depth(s)) {
        log_line(dev->env->log, LOG_GUEST, dev->name, "UARTDR written while the transmit FIFO is full");
        return;
    }
    if (!(access->lanes & 0xff))
        return;
    s->tx[s->tx_count++] = (uint8_t)value;
    if (s->tx_count > tx_trigger(s))
        s->ris &= ~(uint32_t)INT_TX;
    transmit(s);
}

/* Any value clears the errors. */
static void ecr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    (void)value;
    ((State *)dev)->rsr = 0;
}

static uint32_t fr_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    return modem_inputs(s) | (s->tx_count ? FR_BUSY : FR_TXFE) | (s->rx_count ? 0 : FR_RXFE) |
           (s->tx_count >= depth(s) ? FR_TXFF : 0) | (s->rx_count >= depth(s) ? FR_RXFF : 0);
}

/* UARTLCR_H also latches the baud rate. Turning the FIFOs off empties the transmitter; received characters
 * stay and can still be read. */
static void lcr_h_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    s->divisor = s->ibrd ? s->ibrd * 64 + s->fbrd : 0;
    if (!(value & LCR_FEN) && s->tx_count > 1)
        s->tx_count = 0;
    if (value & LCR_BRK && loopback(s) && receiving(s) && s->cr & CR_TXE)
        receive_break(s);
    transmit(s);
    fill_from_host(s);
}

static void cr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    (void)value;
    State *s = (State *)dev;
    modem_changed(s);
    transmit(s);
    fill_from_host(s);
}

static uint32_t mis_read(Device *dev, const RegAccess *access)
{
    (void)access;
    State *s = (State *)dev;
    return s->ris & s->imsc;
}

/* A timeout that is cleared while characters wait comes again if they go on waiting. */
static void icr_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    s->ris &= ~value;
    if (value & INT_RT)
        restart_timeout(s);
}

/* clang-format off */
static const RegDef regs[] = {
    /* name        offset kind       storage    reset  writable     read      written        */
    {"UARTDR",     0x000, REG_RW,    NO_STORE,  0,     0xff,        dr_read,  dr_written,    0, REG_READ_ACTS},
    {"UARTRSR",    0x004, REG_RW,    AT(rsr),   0,     0,           NULL,     ecr_written,   0, 0},
    {"UARTFR",     0x018, REG_RO,    NO_STORE,  0,     0,           fr_read,  NULL,          0, 0},
    {"UARTILPR",   0x020, REG_RW,    AT(ilpr),  0,     0xff,        NULL,     NULL,          0, 0},
    {"UARTIBRD",   0x024, REG_RW,    AT(ibrd),  0,     0xffff,      NULL,     NULL,          0, 0},
    {"UARTFBRD",   0x028, REG_RW,    AT(fbrd),  0,     0x3f,        NULL,     NULL,          0, 0},
    {"UARTLCR_H",  0x02c, REG_RW,    AT(lcr_h), 0,     0xff,        NULL,     lcr_h_written, 0, 0},
    {"UARTCR",     0x030, REG_RW,    AT(cr),    0x300, CR_WRITABLE, NULL,     cr_written,    0, 0},
    {"UARTIFLS",   0x034, REG_RW,    AT(ifls),  0x12,  0x3f,        NULL,     NULL,          0, 0},
    {"UARTIMSC",   0x038, REG_RW,    AT(imsc),  0,     INT_ALL,     NULL,     NULL,          0, 0},
    {"UARTRIS",    0x03c, REG_RO,    AT(ris),   0,     0,           NULL,     NULL,          0, 0},
    {"UARTMIS",    0x040, REG_RO,    NO_STORE,  0,     0,           mis_read, NULL,          0, 0},
    {"UARTICR",    0x044, REG_WO,    NO_STORE,  0,     INT_ALL,     NULL,     icr_written,   0, 0},
    {"UARTDMACR",  0x048, REG_RW,    AT(dmacr), 0,     0x7,         NULL,     NULL,          0, 0},
    {"UARTTCR",    0x080, REG_UNIMP, NO_STORE,  0,     0,           NULL,     NULL,          0, 0},
    {"UARTITIP",   0x084, REG_UNIMP, NO_STORE,  0,     0,           NULL,     NULL,          0, 0},
    {"UARTITOP",   0x088, REG_UNIMP, NO_STORE,  0,     0,           NULL,     NULL,          0, 0},
    {"UARTTDR",    0x08c, REG_UNIMP, NO_STORE,  0,     0,           NULL,     NULL,          0, 0},
};

static const FieldDef fields[] = {
    FIELD(divisor, FIELD_U32),
    FIELD(modem, FIELD_U32),
    FIELD(rx_count, FIELD_U32),
    FIELD(tx_count, FIELD_U32),
    FIELD_ARRAY(rx, FIELD_U16, FIFO_DEPTH),
    FIELD_ARRAY(tx, FIELD_U8, FIFO_DEPTH),
    FIELD(overrun, FIELD_BOOL),
    FIELD(timeout, FIELD_TIMER),
};
/* clang-format on */

static bool create(Device *dev, Error *err)
{
    State *s = (State *)dev;
    if (dev->props.value[0] >= SERIAL_UARTS)
        return error_set(err, "%s: there is no serial port %u", dev->name, dev->props.value[0]);
    timer_init(&s->timeout, dev->env->clock, dev->name, 0, timeout_due, s);
    port(s)->available = host_has_characters;
    port(s)->available_opaque = s;
    return true;
}

static void destroy(Device *dev)
{
    State *s = (State *)dev;
    timer_cancel(&s->timeout);
    port(s)->available = NULL;
}

static void reset(Device *dev)
{
    State *s = (State *)dev;
    s->divisor = s->rx_count = s->tx_count = 0;
    s->overrun = false;
    s->modem = modem_inputs(s);
    timer_cancel(&s->timeout);
}

static void update(Device *dev)
{
    static const uint32_t lines[] = {INT_ALL, INT_MODEM, INT_RX, INT_TX, INT_RT, INT_ERROR};
    State *s = (State *)dev;
    for (unsigned n = 0; n < sizeof lines / sizeof *lines; n++)
        irq_set(&dev->out[n], s->ris & s->imsc & lines[n]);
}

/* The counts index the FIFOs. */
static void loaded(Device *dev)
{
    State *s = (State *)dev;
    if (s->rx_count > FIFO_DEPTH)
        s->rx_count = FIFO_DEPTH;
    if (s->tx_count > FIFO_DEPTH)
        s->tx_count = FIFO_DEPTH;
}

const DeviceType pl011_type = {
    .name = "pl011",
    .summary = "UART, PrimeCell PL011 r1p5 (DDI 0183)",
    .state_size = sizeof(State),
    .window = 0x1000,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .periph_id = 0x00341011,
    .outputs = 6,
    .create = create,
    .destroy = destroy,
    .reset = reset,
    .update = update,
    .loaded = loaded,
};
