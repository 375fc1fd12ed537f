/* LAN9118 Ethernet controller: SMSC LAN9118 datasheet. Registers on the bus, interrupts, timers, EEPROM; see
 * lan9118.h for the other parts.
 *
 * The board connects it with 32 bits, so that WORD_SWAP has no effect. It reports power-management events
 * only by its interrupt. Not modelled: half duplex and what goes wrong on a wire, wake-up frame filters,
 * removing of padding (PADSTR), the limits of time that a PHY needs. */
#include "devices/lan9118.h"

#include <string.h>

enum { FREE_RUN_HZ = 25000000, GPT_HZ = 10000 };
#define DEASSERTION_NS 10000u

#define IRQ_DEAS_CLR (1u << 14)
#define IRQ_DEAS_STS (1u << 13)
#define IRQ_INT (1u << 12)
#define IRQ_EN (1u << 8)
#define IRQ_POL (1u << 4)
#define IRQ_PUSH_PULL 1u

#define RX_DUMP (1u << 15)
#define TXS_DUMP (1u << 15)
#define TXD_DUMP (1u << 14)
#define STOP_TX 1u
#define SRST 1u
#define RX_FFWD (1u << 31)
#define PHY_RST (1u << 10)
#define READY 1u
#define WUPS (3u << 4)
#define GPT_EN (1u << 29)
#define CSR_BUSY (1u << 31)
#define CSR_READ (1u << 30)
#define EPC_BUSY (1u << 31)
#define EPC_TIMEOUT (1u << 9)
#define EPC_LOADED (1u << 8)

enum { EPC_READ, EPC_EWDS, EPC_EWEN, EPC_WRITE, EPC_WRAL, EPC_ERASE, EPC_ERAL, EPC_RELOAD };

typedef Lan9118 State;

/* ---- Interrupts --------------------------------------------------------------------------------------- */

static uint32_t int_sts_value(const State *s)
{
    return (s->int_sts & ~LAN_PHY_INT) | (lan9118_phy_wants_interrupt(s) ? LAN_PHY_INT : 0);
}

/* After the pin was active it stays inactive for INT_DEAS, whatever happens. */
static void update(Device *dev)
{
    State *s = (State *)dev;
    s->int_sts |= lan9118_fifo_levels(s);
    bool wanted = int_sts_value(s) & s->int_en;
    bool quiet = s->deassertion.due != CLOCK_NEVER;
    uint32_t interval = s->irq_cfg >> 24;
    if (s->pin && !wanted && interval && !quiet) {
        timer_set(&s->deassertion, device_now(dev) + (uint64_t)interval * DEASSERTION_NS);
        quiet = true;
    }
    s->pin = wanted && !quiet && s->irq_cfg & IRQ_EN;
    /* As an open-drain output the pin only pulls down. What else is at the line is not documented; taking it
     * for low, a controller that nobody has set up asserts nothing. */
    bool push_pull = s->irq_cfg & IRQ_PUSH_PULL, active_high = s->irq_cfg & IRQ_POL;
    irq_set(&dev->out[0], push_pull && s->pin == active_high);
}

static void timer_passed(void *opaque)
{
    device_changed(opaque);
}

static uint32_t irq_cfg_read(Device *dev, const RegAccess *access)
{
    (void)access;
    const State *s = (State *)dev;
    return s->irq_cfg | (s->deassertion.due != CLOCK_NEVER ? IRQ_DEAS_STS : 0) |
           (int_sts_value(s) & s->int_en ? IRQ_INT : 0);
}

static void irq_cfg_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    s->irq_cfg = value & ~IRQ_DEAS_CLR;
    if (value & IRQ_DEAS_CLR || !(value >> 24))
        timer_cancel(&s->deassertion);
}

static uint32_t int_sts_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return int_sts_value((State *)dev);
}

static uint32_t int_en_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return ((State *)dev)->int_en;
}

static void int_en_written(Device *dev, const RegAccess *access, uint32_t value)
{
    State *s = (State *)dev;
    if (value & ~s->int_en & LAN_SW_INT)
        s->int_sts |= LAN_SW_INT;
    s->int_en = reg_merged(s->int_en, access, value);
}

/* ---- FIFOs' configuration ----------------------------------------------------------------------------- */

static void rx_cfg_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    s->rx_cfg = value & ~RX_DUMP;
    if (value & RX_DUMP)
        lan9118_rx_dump(s);
}

static void tx_cfg_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    s->tx_cfg = value & (LAN_TXSAO | LAN_TX_ON);
    if (value & STOP_TX) {
        s->tx_cfg &= ~LAN_TX_ON;
        s->int_sts |= LAN_TXSTOP_INT;
    }
    lan9118_tx_dump(s, value & TXD_DUMP, value & TXS_DUMP);
    lan9118_tx_run(s);
}

static void rx_dp_ctrl_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    if (value & RX_FFWD)
        lan9118_rx_skip((State *)dev);
}

static uint32_t rx_drop_read(Device *dev, const RegAccess *access)
{
    State *s = (State *)dev;
    uint32_t value = s->rx_drop;
    if (!access->debug)
        s->rx_drop = 0;
    return value;
}

/* A soft reset leaves the PHY alone. */
static void hw_cfg_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    uint32_t phy[32];
    bool lost = s->phy_lost;
    s->hw_cfg &= ~SRST;
    if (!(value & SRST))
        return;
    memcpy(phy, s->phy, sizeof phy);
    device_reset(dev);
    memcpy(s->phy, phy, sizeof phy);
    s->phy_lost = lost;
}

/* ---- Power, timers ------------------------------------------------------------------------------------ */

static uint32_t pmt_ctrl_read(Device *dev, const RegAccess *access)
{
    (void)access;
    const State *s = (State *)dev;
    return s->pmt_ctrl | (s->pmt_ctrl & LAN_PM_MODE ? 0 : READY);
}

static void pmt_ctrl_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    if (value & PHY_RST)
        lan9118_phy_reset(s);
    s->pmt_ctrl = (value & ~(PHY_RST | WUPS)) | (s->pmt_ctrl & WUPS & ~value);
}

/* Any write there wakes the chip up. */
static void byte_test_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    (void)value;
    ((State *)dev)->pmt_ctrl &= ~LAN_PM_MODE;
}

static uint32_t byte_test_read(Device *dev, const RegAccess *access)
{
    (void)dev;
    (void)access;
    return 0x87654321;
}

static uint64_t gpt_ticks(const State *s)
{
    return clock_ns_to_ticks(device_now(&s->dev) - s->gpt_started, GPT_HZ);
}

/* It counts down to 0, and then on from 0xffff. */
static void set_gpt(State *s)
{
    uint64_t load = s->gpt_cfg & 0xffff, ticks = gpt_ticks(s);
    uint64_t next = ticks < load ? load : ticks + 0x10000 - ((ticks - load) & 0xffff);
    timer_set(&s->gpt, s->gpt_cfg & GPT_EN ? s->gpt_started + clock_ticks_to_ns(next, GPT_HZ) : CLOCK_NEVER);
}

static void gpt_expired(void *opaque)
{
    State *s = opaque;
    s->int_sts |= LAN_GPT_INT;
    set_gpt(s);
    device_changed(opaque);
}

static void gpt_cfg_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    (void)value;
    State *s = (State *)dev;
    s->gpt_started = device_now(dev);
    set_gpt(s);
}

static uint32_t gpt_cnt_read(Device *dev, const RegAccess *access)
{
    (void)access;
    const State *s = (State *)dev;
    if (!(s->gpt_cfg & GPT_EN))
        return 0xffff;
    return (s->gpt_cfg - (uint32_t)gpt_ticks(s)) & 0xffff;
}

static uint32_t free_run_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return (uint32_t)clock_ns_to_ticks(device_now(dev) - ((State *)dev)->started, FREE_RUN_HZ);
}

/* ---- The MAC's registers and the EEPROM: commands complete at once ------------------------------------ */

static void mac_csr_cmd_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    s->mac_csr_cmd = value & ~CSR_BUSY;
    if (!(value & CSR_BUSY))
        return;
    if (value & CSR_READ)
        s->mac_csr_data = lan9118_mac_read(s, value & 0xff);
    else
        lan9118_mac_write(s, value & 0xff, s->mac_csr_data);
}

/* False: it does not answer, as its contents are protected. */
static bool eeprom_command(State *s, uint32_t command)
{
    uint8_t *byte = &s->eeprom[command % LAN_EEPROM], value = (uint8_t)s->e2p_data;
    switch (command >> 28 & 7) {
    case EPC_READ:
        s->e2p_data = *byte;
        return true;
    case EPC_EWDS:
    case EPC_EWEN:
        s->eeprom_writable = (command >> 28 & 7) == EPC_EWEN;
        return true;
    case EPC_WRITE:
    case EPC_ERASE:
        if (s->eeprom_writable)
            *byte = (command >> 28 & 7) == EPC_WRITE ? value : 0xff;
        return s->eeprom_writable;
    case EPC_WRAL:
    case EPC_ERAL:
        if (s->eeprom_writable)
            memset(s->eeprom, (command >> 28 & 7) == EPC_WRAL ? value : 0xff, LAN_EEPROM);
        return s->eeprom_writable;
    default:
        if (lan9118_load_address(s))
            s->e2p_cmd |= EPC_LOADED;
        return true;
    }
}

static uint32_t e2p_cmd_read(Device *dev, const RegAccess *access)
{
    (void)access;
    return ((State *)dev)->e2p_cmd;
}

static void e2p_cmd_written(Device *dev, const RegAccess *access, uint32_t value)
{
    (void)access;
    State *s = (State *)dev;
    s->e2p_cmd = (s->e2p_cmd & (EPC_TIMEOUT | EPC_LOADED) & ~value) | (value & 0x700000ff);
    if (value & EPC_BUSY && !eeprom_command(s, value))
        s->e2p_cmd |= EPC_TIMEOUT;
}

/* ---- The device --------------------------------------------------------------------------------------- */

#define ALL 0xffffffffu

/* clang-format off */
static const RegDef regs[] = {
    /* name             offset kind       storage          reset       writable    read                    written */
    {"RX_DATA_FIFO",    0x000, REG_RO,    NO_STORE,        0,          0,          lan9118_rx_data_read,   NULL,                8, REG_READ_ACTS | REG_TIMELESS},
    {"TX_DATA_FIFO",    0x020, REG_WO,    NO_STORE,        0,          ALL,        NULL,                   lan9118_tx_data_written, 8, 0},
    {"RX_STATUS_FIFO",  0x040, REG_RO,    NO_STORE,        0,          0,          lan9118_rx_status_read, NULL,                0, REG_READ_ACTS},
    {"RX_STATUS_PEEK",  0x044, REG_RO,    NO_STORE,        0,          0,          lan9118_rx_status_peek, NULL,                0, 0},
    {"TX_STATUS_FIFO",  0x048, REG_RO,    NO_STORE,        0,          0,          lan9118_tx_status_read, NULL,                0, REG_READ_ACTS},
    {"TX_STATUS_PEEK",  0x04c, REG_RO,    NO_STORE,        0,          0,          lan9118_tx_status_peek, NULL,                0, 0},
    {"ID_REV",          0x050, REG_CONST, NO_STORE,        0x01180001, 0,          NULL,                   NULL,                0, 0},
    {"IRQ_CFG",         0x054, REG_RW,    AT(irq_cfg),     0,          0xff004111, irq_cfg_read,           irq_cfg_written,     0, 0},
    {"INT_STS",         0x058, REG_W1C,   AT(int_sts),     0,          0x83bbe7df, int_sts_read,           NULL,                0, 0},
    {"INT_EN",          0x05c, REG_RW,    NO_STORE,        0,          0x83bfe7df, int_en_read,            int_en_written,      0, 0},
    {"BYTE_TEST",       0x064, REG_RW,    NO_STORE,        0,          ALL,        byte_test_read,         byte_test_written,   0, 0},
    {"FIFO_INT",        0x068, REG_RW,    AT(fifo_int),    0x48000000, ALL,        NULL,                   NULL,                0, 0},
    {"RX_CFG",          0x06c, REG_RW,    AT(rx_cfg),      0,          0xcfff9f00, NULL,                   rx_cfg_written,      0, 0},
    {"TX_CFG",          0x070, REG_RW,    AT(tx_cfg),      0,          0xc007,     NULL,                   tx_cfg_written,      0, 0},
    {"HW_CFG",          0x074, REG_RW,    AT(hw_cfg),      0x00050000, 0x003f3001, NULL,                   hw_cfg_written,      0, 0},
    {"RX_DP_CTRL",      0x078, REG_RW,    NO_STORE,        0,          1u << 31,   NULL,                   rx_dp_ctrl_written,  0, 0},
    {"RX_FIFO_INF",     0x07c, REG_RO,    NO_STORE,        0,          0,          lan9118_rx_inf_read,    NULL,                0, 0},
    {"TX_FIFO_INF",     0x080, REG_RO,    NO_STORE,        0,          0,          lan9118_tx_inf_read,    NULL,                0, 0},
    {"PMT_CTRL",        0x084, REG_RW,    NO_STORE,        0,          0x377e,     pmt_ctrl_read,          pmt_ctrl_written,    0, 0},
    {"GPIO_CFG",        0x088, REG_RW,    AT(gpio_cfg),    0,          0x7777071f, NULL,                   NULL,                0, 0},
    {"GPT_CFG",         0x08c, REG_RW,    AT(gpt_cfg),     0x0000ffff, 0x2000ffff, NULL,                   gpt_cfg_written,     0, 0},
    {"GPT_CNT",         0x090, REG_RO,    NO_STORE,        0,          0,          gpt_cnt_read,           NULL,                0, 0},
    {"WORD_SWAP",       0x098, REG_RW,    AT(word_swap),   0,          ALL,        NULL,                   NULL,                0, 0},
    {"FREE_RUN",        0x09c, REG_RO,    NO_STORE,        0,          0,          free_run_read,          NULL,                0, 0},
    {"RX_DROP",         0x0a0, REG_RO,    AT(rx_drop),     0,          0,          rx_drop_read,           NULL,                0, 0},
    {"MAC_CSR_CMD",     0x0a4, REG_RW,    AT(mac_csr_cmd), 0,          0xc00000ff, NULL,                   mac_csr_cmd_written, 0, 0},
    {"MAC_CSR_DATA",    0x0a8, REG_RW,    AT(mac_csr_data), 0,         ALL,        NULL,                   NULL,                0, 0},
    {"AFC_CFG",         0x0ac, REG_RW,    AT(afc_cfg),     0,          0x00ffffff, NULL,                   NULL,                0, 0},
    {"E2P_CMD",         0x0b0, REG_RW,    NO_STORE,        0,          0xf00003ff, e2p_cmd_read,           e2p_cmd_written,     0, 0},
    {"E2P_DATA",        0x0b4, REG_RW,    AT(e2p_data),    0,          0xff,       NULL,                   NULL,                0, 0},
};

#define RING(name) FIELD_ARRAY(name, FIELD_U32, 2)
static const FieldDef fields[] = {
    FIELD(int_en, FIELD_U32),
    FIELD(pmt_ctrl, FIELD_U32),
    FIELD(e2p_cmd, FIELD_U32),
    FIELD_ARRAY(mac, FIELD_U32, MAC_REGS),
    FIELD_ARRAY(phy, FIELD_U32, 32),
    FIELD(phy_lost, FIELD_BOOL),
    FIELD(pin, FIELD_BOOL),
    FIELD_ARRAY(eeprom, FIELD_U8, LAN_EEPROM),
    FIELD(eeprom_writable, FIELD_BOOL),
    FIELD(deassertion, FIELD_TIMER),
    FIELD(gpt, FIELD_TIMER),
    FIELD(started, FIELD_U64),
    FIELD(gpt_started, FIELD_U64),
    FIELD_ARRAY(rx_data, FIELD_U32, LAN_RX_DATA),
    FIELD_ARRAY(rx_status, FIELD_U32, LAN_RX_STATUS),
    FIELD_ARRAY(rx_frame, FIELD_U32, LAN_RX_STATUS),
    RING(rx_data_ring),
    RING(rx_status_ring),
    RING(rx_frame_ring),
    FIELD(rx_frame_words, FIELD_U32),
    FIELD(rx_padding, FIELD_U32),
    FIELD_ARRAY(tx_data, FIELD_U32, LAN_TX_DATA),
    FIELD_ARRAY(tx_status, FIELD_U32, LAN_TX_STATUS),
    RING(tx_data_ring),
    RING(tx_status_ring),
    FIELD(tx_state, FIELD_U32),
    FIELD(tx_command_a, FIELD_U32),
    FIELD(tx_command_b, FIELD_U32),
    FIELD(tx_skip, FIELD_U32),
    FIELD(tx_bytes, FIELD_U32),
    FIELD(tx_words, FIELD_U32),
    FIELD(tx_held, FIELD_U32),
    FIELD(tx_length, FIELD_U32),
    FIELD(tx_bad, FIELD_BOOL),
    FIELD(tx_ready, FIELD_BOOL),
    FIELD_ARRAY(tx_frame, FIELD_U8, LAN_PACKET),
    TRANSIENT(port, "a wire of the board"),
};
/* clang-format on */

/* The chip's own memories keep what they held; nothing can be read of it. */
static void reset(Device *dev)
{
    State *s = (State *)dev;
    s->int_en = s->pmt_ctrl = s->e2p_cmd = 0;
    s->eeprom_writable = s->pin = false;
    timer_cancel(&s->deassertion);
    timer_cancel(&s->gpt);
    s->started = s->gpt_started = device_now(dev);
    memset(s->rx_data, 0, sizeof s->rx_data);
    memset(s->rx_status, 0, sizeof s->rx_status);
    memset(s->rx_frame, 0, sizeof s->rx_frame);
    memset(s->tx_data, 0, sizeof s->tx_data);
    memset(s->tx_status, 0, sizeof s->tx_status);
    memset(s->tx_frame, 0, sizeof s->tx_frame);
    s->rx_data_ring = s->rx_status_ring = s->rx_frame_ring = (LanRing){0};
    s->rx_frame_words = s->rx_padding = 0;
    lan9118_tx_dump(s, true, true);
    s->tx_command_a = s->tx_command_b = 0;
    lan9118_mac_reset(s);
    lan9118_phy_reset(s);
    net_reset(s->port);
}

/* The board's maker has written the address into the EEPROM. */
static void mac_changed(void *opaque)
{
    enum { MAGIC = 0xa5 };
    State *s = opaque;
    memset(s->eeprom, 0xff, sizeof s->eeprom);
    s->eeprom[0] = MAGIC;
    memcpy(s->eeprom + 1, s->port->mac, NET_MAC);
    lan9118_load_address(s);
}

static void send_again(void *opaque)
{
    lan9118_tx_run(opaque);
    device_changed(opaque);
}

/* A snapshot may hold anything. */
static void loaded(Device *dev)
{
    State *s = (State *)dev;
    const struct {
        LanRing *ring;
        uint32_t size;
    } rings[] = {
        {&s->rx_data_ring,   LAN_RX_DATA  },
        {&s->rx_status_ring, LAN_RX_STATUS},
        {&s->rx_frame_ring,  LAN_RX_STATUS},
        {&s->tx_data_ring,   LAN_TX_DATA  },
        {&s->tx_status_ring, LAN_TX_STATUS},
    };
    bool sound = s->tx_length <= LAN_PACKET && (s->tx_state < 2 || s->tx_words);
    for (unsigned n = 0; n < sizeof rings / sizeof *rings; n++)
        sound &= rings[n].ring->head < rings[n].size && rings[n].ring->used <= rings[n].size;
    if (!sound)
        device_reset(dev);
}

static bool create(Device *dev, Error *err)
{
    (void)err;
    State *s = (State *)dev;
    timer_init(&s->deassertion, dev->env->clock, "lan9118 deassertion", 0, timer_passed, s);
    timer_init(&s->gpt, dev->env->clock, "lan9118 gpt", 0, gpt_expired, s);
    s->port = &dev->env->net[NET_PORT_LAN9118];
    s->port->receive = lan9118_receive;
    s->port->link_changed = lan9118_link_changed;
    s->port->send_again = send_again;
    s->port->mac_changed = mac_changed;
    s->port->receive_opaque = s;
    mac_changed(s);
    return true;
}

const DeviceType lan9118_type = {
    .name = "lan9118",
    .summary = "Ethernet controller SMSC LAN9118",
    .state_size = sizeof(State),
    .window = 0x10000,
    DEVICE_REGS,
    DEVICE_FIELDS,
    .version = 1,
    .outputs = 1,
    .create = create,
    .reset = reset,
    .update = update,
    .loaded = loaded,
};
