/* The LAN9118: FIFOs and their commands, MAC, PHY, EEPROM, interrupts, timers. */
#include "tests/devices/harness.h"

enum {
    RX_DATA = 0x00,
    TX_DATA = 0x20,
    RX_STATUS = 0x40,
    RX_PEEK = 0x44,
    TX_STATUS = 0x48,
    TX_PEEK = 0x4c,
    IRQ_CFG = 0x54,
    INT_STS = 0x58,
    INT_EN = 0x5c,
    BYTE_TEST = 0x64,
    FIFO_INT = 0x68,
    RX_CFG = 0x6c,
    TX_CFG = 0x70,
    HW_CFG = 0x74,
    RX_DP_CTRL = 0x78,
    RX_INF = 0x7c,
    TX_INF = 0x80,
    PMT_CTRL = 0x84,
    GPT_CFG = 0x8c,
    GPT_CNT = 0x90,
    FREE_RUN = 0x9c,
    RX_DROP = 0xa0,
    CSR_CMD = 0xa4,
    CSR_DATA = 0xa8,
    E2P_CMD = 0xb0,
    E2P_DATA = 0xb4
};
enum { MAC_CR = 1, ADDRH, ADDRL, HASHH, HASHL, MII_ACC, MII_DATA, FLOW, WUCSR = 12 };
enum { TXEN = 8, RXEN = 4, PRMS = 1 << 18, FDPX = 1 << 20, LOOPBK = 1 << 21 };
enum { FIRST = 1 << 13, LAST = 1 << 12 };

static Harness h;
static Device *lan;
static NetPort *port;
static uint8_t sent[2048];
static size_t sent_length;
static unsigned sents;
static bool sendable;

static bool host_takes(void *opaque, const uint8_t *frame, size_t length)
{
    (void)opaque;
    if (!sendable)
        return false;
    memcpy(sent, frame, length);
    sent_length = length;
    sents++;
    return true;
}

static void mac_write(unsigned number, uint32_t value)
{
    write_reg(lan, CSR_DATA, value);
    write_reg(lan, CSR_CMD, 0x80000000 | number);
    expect_equal(read_reg(lan, CSR_CMD) >> 31, 0);
}

static uint32_t mac_read(unsigned number)
{
    write_reg(lan, CSR_CMD, 0xc0000000 | number);
    return read_reg(lan, CSR_DATA);
}

static uint32_t phy_read(unsigned number)
{
    mac_write(MII_ACC, 1 << 11 | number << 6);
    return mac_read(MII_DATA);
}

static void phy_write(unsigned number, uint32_t value)
{
    mac_write(MII_DATA, value);
    mac_write(MII_ACC, 1 << 11 | number << 6 | 2);
}

static int set_up(void **state)
{
    (void)state;
    harness_init(&h, 1);
    lan = harness_device(&h, "lan9118", "lan", NULL);
    port = &h.env.net[NET_PORT_LAN9118];
    port->send = host_takes;
    net_connect(port, true);
    sents = 0;
    sendable = true;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    harness_done(&h);
    return 0;
}

static void run(uint32_t more)
{
    write_reg(lan, TX_CFG, 2);
    mac_write(MAC_CR, TXEN | RXEN | FDPX | more);
}

/* ---- Sending ------------------------------------------------------------------------------------------ */

static void put(uint32_t flags, uint32_t offset, uint32_t size, uint32_t command_b, uint8_t fill)
{
    write_reg(lan, TX_DATA, flags | offset << 16 | size);
    write_reg(lan, TX_DATA, command_b);
    for (uint32_t at = 0; at < offset + size; at += 4) {
        uint32_t word = 0;
        for (uint32_t k = 0; k < 4; k++)
            word |= (uint32_t)(at + k < offset ? 0xee : fill) << 8 * k;
        write_reg(lan, TX_DATA + 4 * (at / 4 % 8), word); /* any of the eight words is the same */
    }
}

static void test_send(void **state)
{
    (void)state;
    run(0);
    expect_reg(lan, TX_INF, 0x1200);
    put(FIRST | LAST, 0, 100, 0xabcd0000 | 100, 5);
    assert_int_equal(sents, 1);
    assert_int_equal(sent_length, 100);
    assert_int_equal(sent[0], 5);
    assert_int_equal(sent[99], 5);
    expect_reg(lan, TX_INF, 0x11200);
    expect_reg(lan, TX_PEEK, 0xabcd0000);
    expect_reg(lan, TX_STATUS, 0xabcd0000);
    expect_reg(lan, TX_STATUS, 0);
}

static void test_send_in_parts(void **state)
{
    (void)state;
    run(0);
    put(FIRST, 3, 30, 61, 1);
    put(0, 0, 1, 61, 2);
    assert_int_equal(sents, 0);
    assert_true(read_reg(lan, TX_INF) < 0x1200);
    put(LAST | 1u << 31, 1, 30, 61, 3);
    assert_int_equal(sents, 1);
    assert_int_equal(sent_length, 61);
    for (unsigned n = 0; n < 61; n++)
        assert_int_equal(sent[n], n < 30 ? 1 : n == 30 ? 2 : 3);
    assert_true(read_reg(lan, INT_STS) & 1 << 21); /* TX IOC */
}

static void test_end_alignment(void **state)
{
    (void)state;
    run(0);
    put(FIRST | LAST | 1 << 24, 0, 60, 60, 1); /* 15 words, to 16 */
    assert_int_equal(sents, 0);
    write_reg(lan, TX_DATA, 0xffffffff);
    assert_int_equal(sents, 1);
    put(FIRST | LAST | 2 << 24, 0, 64, 64, 1); /* 16 words, to 16 */
    assert_int_equal(sents, 2);
}

static void test_padding_and_crc(void **state)
{
    (void)state;
    run(0);
    put(FIRST | LAST, 0, 20, 20, 9);
    assert_int_equal(sent_length, 60);
    assert_int_equal(sent[20], 0);
    put(FIRST | LAST, 0, 20, 20 | 1 << 12, 9); /* no padding */
    assert_int_equal(sent_length, 20);
    put(FIRST | LAST, 0, 104, 104 | 1 << 13, 9); /* it brings its check sequence */
    assert_int_equal(sent_length, 100);
}

static void test_bad_commands(void **state)
{
    (void)state;
    run(0);
    put(LAST, 0, 60, 60, 1);         /* no first buffer */
    put(FIRST | LAST, 0, 60, 61, 1); /* another length */
    put(FIRST, 0, 60, 120, 1);
    put(LAST, 0, 60, 121, 1); /* another command B */
    assert_int_equal(sents, 0);
    assert_true(read_reg(lan, INT_STS) & 1 << 13); /* TXE */
    put(FIRST, 0, 2000, 4000, 1);
    put(LAST, 0, 2000, 4000, 1);
    assert_int_equal(sents, 0);
    put(FIRST | LAST, 0, 60, 60, 1);
    assert_int_equal(sents, 1);
}

static void test_transmitter_stands_still(void **state)
{
    (void)state;
    mac_write(MAC_CR, RXEN);
    put(FIRST | LAST, 0, 60, 60, 1);
    assert_int_equal(sents, 0);
    expect_reg(lan, TX_INF, 0x1200 - 4 * 17);
    run(0);
    assert_int_equal(sents, 1);
    write_reg(lan, TX_CFG, 1); /* STOP_TX */
    assert_true(read_reg(lan, INT_STS) & 1 << 25);
    put(FIRST | LAST, 0, 60, 60, 1);
    assert_int_equal(sents, 1);
    write_reg(lan, TX_CFG, 1 << 14 | 1 << 15); /* dump both */
    expect_reg(lan, TX_INF, 0x1200);
    for (unsigned n = 0; n < 0x1200 / 4 + 1; n++)
        write_reg(lan, TX_DATA, 0);
    expect_reg(lan, TX_INF, 0);
    assert_true(read_reg(lan, INT_STS) & 1 << 10); /* TDFO */
}

static void test_host_is_busy(void **state)
{
    (void)state;
    run(0);
    sendable = false;
    put(FIRST | LAST, 0, 60, 60, 1);
    expect_equal(read_reg(lan, TX_INF) >> 16, 0);
    sendable = true;
    net_send_again(port);
    assert_int_equal(sents, 1);
    expect_equal(read_reg(lan, TX_INF) >> 16, 1);
}

static void test_status_fifo_full(void **state)
{
    (void)state;
    run(0);
    for (unsigned n = 0; n < 130; n++)
        put(FIRST | LAST, 0, 60, n << 16 | 60, 1);
    assert_int_equal(sents, 128);
    assert_true(read_reg(lan, INT_STS) & 1 << 8); /* TSFF */
    expect_reg(lan, TX_STATUS, 0);
    assert_int_equal(sents, 129);
}

static void test_no_carrier(void **state)
{
    (void)state;
    run(0);
    net_connect(port, false);
    put(FIRST | LAST, 0, 60, 60, 1);
    assert_int_equal(sents, 0);
    expect_reg(lan, TX_STATUS, 0x8c00);
}

/* ---- Receiving ---------------------------------------------------------------------------------------- */

static uint8_t frame[2048];

static void frame_in(const char *to, size_t length)
{
    for (size_t n = 0; n < length; n++)
        frame[n] = (uint8_t)n;
    memcpy(frame, to ? to : (const char *)port->mac, NET_MAC);
    memcpy(frame + 12, "\x08\x00", 2);
    net_receive(port, frame, length);
}

/* Reads a frame that is at the FIFO's front, `offset` bytes behind it. */
static void read_frame(uint32_t offset, uint32_t length)
{
    uint8_t got[2100];
    for (uint32_t at = 0; at < offset + length + 4; at += 4) {
        uint32_t word = read_reg(lan, RX_DATA + 4 * (at / 4 % 8));
        memcpy(got + at, &word, 4);
    }
    assert_memory_equal(got + offset, frame, length);
}

static void test_receive(void **state)
{
    (void)state;
    frame_in(NULL, 100);
    expect_reg(lan, RX_INF, 0); /* the receiver is off */
    run(0);
    frame_in(NULL, 100);
    expect_reg(lan, RX_INF, 0x10000 | 104);
    expect_reg(lan, RX_PEEK, 104 << 16 | 1 << 5);
    expect_reg(lan, RX_STATUS, 104 << 16 | 1 << 5);
    read_frame(0, 100);
    expect_reg(lan, RX_INF, 0);
    expect_reg(lan, RX_DATA, 0);
    assert_true(read_reg(lan, INT_STS) & 1 << 14); /* RXE */
}

static void test_check_sequence(void **state)
{
    (void)state;
    run(PRMS);
    memset(frame, 0, 60);
    net_receive(port, frame, 60);
    for (unsigned n = 0; n < 15; n++)
        expect_reg(lan, RX_DATA, 0);
    expect_reg(lan, RX_DATA, 0x04128908); /* CRC-32 of 60 zeros */
}

static void test_offset_and_alignment(void **state)
{
    (void)state;
    run(0);
    write_reg(lan, RX_CFG, 2 << 8 | 1u << 30); /* two bytes before; ends at 16 bytes */
    frame_in(NULL, 61);                        /* 2 + 61 + 4: 17 words, to 20 */
    frame_in(NULL, 61);
    expect_reg(lan, RX_INF, 0x20000 | 2 * 4 * 17);
    read_frame(2, 61);
    for (unsigned n = 0; n < 3; n++)
        expect_reg(lan, RX_DATA, 0);
    read_frame(2, 61);
}

static void test_fast_forward(void **state)
{
    (void)state;
    run(0);
    frame_in(NULL, 200);
    frame_in(NULL, 100);
    read_reg(lan, RX_DATA);
    write_reg(lan, RX_DP_CTRL, 1u << 31);
    expect_reg(lan, RX_DP_CTRL, 0);
    read_frame(0, 100);
    frame_in(NULL, 100);
    write_reg(lan, RX_CFG, 1 << 15); /* RX_DUMP */
    expect_reg(lan, RX_INF, 0);
}

static void test_overflow(void **state)
{
    (void)state;
    run(0);
    for (unsigned n = 0; n < 20; n++)
        frame_in(NULL, 1514);
    expect_equal(read_reg(lan, RX_INF) >> 16, 6); /* 6 * 1520 of 10560 bytes */
    expect_reg(lan, RX_DROP, 14);
    expect_reg(lan, RX_DROP, 0);
    assert_true(read_reg(lan, INT_STS) & 1 << 6);
    /* With flow control the other end waits. */
    mac_write(FLOW, 2);
    frame_in(NULL, 1514);
    expect_reg(lan, RX_DROP, 0);
    assert_true(port->queued > 0);
    read_reg(lan, RX_STATUS);
    read_frame(0, 1514);
    assert_int_equal(port->queued, 0);
    expect_equal(read_reg(lan, RX_INF) >> 16, 6);
}

static bool gets(const char *to)
{
    write_reg(lan, RX_CFG, 1 << 15);
    frame_in(to, 60);
    return read_reg(lan, RX_INF);
}

#define OTHER "\x02\x00\x00\x00\x00\x77"
#define GROUP "\x01\x00\x5e\x00\x00\x01"
#define EVERYBODY "\xff\xff\xff\xff\xff\xff"

static void test_filters(void **state)
{
    (void)state;
    run(0);
    assert_true(gets(NULL) && gets(EVERYBODY));
    assert_false(gets(OTHER) || gets(GROUP));
    run(1 << 11); /* BCAST: none */
    assert_false(gets(EVERYBODY));
    run(PRMS);
    assert_true(gets(OTHER) && gets(GROUP));
    run(1 << 19); /* MCPAS */
    assert_true(gets(GROUP));
    assert_false(gets(OTHER));
    run(1 << 17); /* INVFILT */
    assert_true(gets(OTHER));
    assert_false(gets(NULL));
    run(1 << 13); /* HPFILT: groups by hash */
    mac_write(HASHH, 0x80000000);
    assert_false(gets(GROUP));
    mac_write(HASHL, 0x80000000); /* the upper six bits of the CRC are 31 */
    assert_true(gets(GROUP));
    assert_true(gets(NULL));
    run(1 << 13 | 1 << 15); /* HFILT: all by hash */
    assert_false(gets(NULL));
    run((int)(1u << 31)); /* RXALL: with a mark */
    assert_true(gets(OTHER));
    assert_true(read_reg(lan, RX_STATUS) & 1 << 30);
}

static void test_receive_status(void **state)
{
    (void)state;
    run(1 << 19);
    frame_in(EVERYBODY, 60);
    expect_reg(lan, RX_STATUS, 64 << 16 | 1 << 13 | 1 << 5);
    frame_in(GROUP, 60);
    expect_reg(lan, RX_STATUS, 64 << 16 | 1 << 10 | 1 << 5);
    frame_in(NULL, 1515);
    expect_reg(lan, RX_STATUS, 1519 << 16 | 1 << 15 | 1 << 7 | 1 << 5);
    frame_in(NULL, 14); /* runts are padded by whoever sends them */
    expect_reg(lan, RX_STATUS, 64 << 16 | 1 << 5);
}

static void test_loopback(void **state)
{
    (void)state;
    run(LOOPBK | PRMS);
    put(FIRST | LAST, 0, 60, 60, 7);
    assert_int_equal(sents, 0);
    expect_reg(lan, RX_INF, 0x10000 | 64);
    expect_reg(lan, RX_DATA, 0x07070707);
    frame_in(NULL, 60); /* the wire is off */
    expect_equal(read_reg(lan, RX_INF) >> 16, 1);
    run(PRMS);
    phy_write(0, 0x4100); /* the PHY's own */
    put(FIRST | LAST, 0, 60, 60, 7);
    assert_int_equal(sents, 0);
    expect_equal(read_reg(lan, RX_INF) >> 16, 2);
}

/* ---- MAC, PHY, EEPROM --------------------------------------------------------------------------------- */

static void test_address(void **state)
{
    (void)state;
    const uint8_t *m = port->mac;
    expect_equal(mac_read(ADDRL), m[0] | m[1] << 8 | m[2] << 16 | (uint32_t)m[3] << 24);
    expect_equal(mac_read(ADDRH), (uint32_t)(m[4] | m[5] << 8));
    net_set_mac(port, (const uint8_t[]){2, 1, 2, 3, 4, 5});
    expect_equal(mac_read(ADDRH), 0x0504);
    mac_write(ADDRH, 0x9988);
    write_reg(lan, HW_CFG, 1); /* a soft reset loads it again */
    expect_reg(lan, HW_CFG, 0x50000);
    expect_equal(mac_read(ADDRH), 0x0504);
    expect_equal(mac_read(MAC_CR), 0x40000);
}

static uint32_t eeprom(unsigned command, uint32_t address)
{
    write_reg(lan, E2P_CMD, 0x80000000 | command << 28 | address);
    expect_equal(read_reg(lan, E2P_CMD) >> 31, 0);
    return read_reg(lan, E2P_CMD);
}

static void test_eeprom(void **state)
{
    (void)state;
    eeprom(0, 0);
    expect_reg(lan, E2P_DATA, 0xa5);
    eeprom(0, 3);
    expect_reg(lan, E2P_DATA, port->mac[2]);
    write_reg(lan, E2P_DATA, 0x66);
    assert_true(eeprom(3, 6) & 1 << 9); /* protected: no answer in time */
    write_reg(lan, E2P_CMD, 1 << 9);
    assert_false(read_reg(lan, E2P_CMD) & 1 << 9);
    eeprom(2, 0); /* EWEN */
    assert_false(eeprom(3, 6) & 1 << 9);
    assert_true(eeprom(7, 0) & 1 << 8); /* reloaded */
    expect_equal(mac_read(ADDRH) >> 8, 0x66);
    eeprom(6, 0); /* ERAL */
    eeprom(0, 0);
    expect_reg(lan, E2P_DATA, 0xff);
    write_reg(lan, E2P_CMD, 1 << 8);
    assert_false(eeprom(7, 0) & 1 << 8); /* there is no address any more */
}

static void test_phy(void **state)
{
    (void)state;
    expect_equal(phy_read(2), 0x0007);
    expect_equal(phy_read(3), 0xc0d1);
    phy_read(1);
    expect_equal(phy_read(1), 0x782d);
    expect_equal(phy_read(5), 0x45e1);
    expect_equal(phy_read(31) >> 2 & 7, 6); /* 100 Mbit/s, full duplex */
    phy_write(4, 0x0061);                   /* 10 Mbit/s only */
    expect_equal(phy_read(31) >> 2 & 7, 5);
    phy_write(0, 0x2100); /* not negotiated */
    expect_equal(phy_read(31) >> 2 & 7, 6);
    expect_equal(phy_read(5), 0);
    phy_write(0, 0x8000);
    expect_equal(phy_read(0), 0x3000);
    mac_write(MII_ACC, 2 << 11 | 2 << 6); /* there is no PHY 2 */
    expect_equal(mac_read(MII_DATA), 0xffff);
}

static void test_link(void **state)
{
    (void)state;
    phy_read(29);
    phy_write(30, 0x50);
    write_reg(lan, INT_EN, 1 << 18);
    phy_read(1);
    phy_read(1);
    net_connect(port, false);
    expect_reg(lan, INT_STS, 1 << 18);
    expect_equal(phy_read(29), 0x10);
    assert_false(read_reg(lan, INT_STS) & 1 << 18);
    net_connect(port, true);
    expect_equal(phy_read(1) & 4, 0); /* it was down since */
    expect_equal(phy_read(1) & 4, 4);
    expect_equal(phy_read(29) & 0x40, 0x40);
    phy_write(0, 0x3800); /* power down */
    expect_equal(phy_read(1) & 4, 0);
}

/* ---- Interrupts, timers, power ------------------------------------------------------------------------ */

static void test_pin(void **state)
{
    (void)state;
    expect_irq(lan, 0, false); /* open drain */
    write_reg(lan, IRQ_CFG, 0x101);
    expect_irq(lan, 0, true); /* active low */
    write_reg(lan, IRQ_CFG, 0x111);
    expect_irq(lan, 0, false);
    write_reg(lan, INT_EN, 1u << 31);
    expect_irq(lan, 0, true);
    expect_equal(read_reg(lan, IRQ_CFG), 0x1111);
    write_reg(lan, INT_EN, 0);
    expect_irq(lan, 0, false);
    write_reg(lan, INT_STS, 1u << 31);
    write_reg(lan, INT_EN, 1u << 31);
    write_reg(lan, IRQ_CFG, 0x11); /* disabled */
    expect_irq(lan, 0, false);
}

static void test_deassertion(void **state)
{
    (void)state;
    write_reg(lan, IRQ_CFG, 10 << 24 | 0x111); /* 100 us */
    write_reg(lan, INT_EN, 1u << 31);
    expect_irq(lan, 0, true);
    write_reg(lan, INT_EN, 0);
    expect_irq(lan, 0, false);
    expect_equal(read_reg(lan, IRQ_CFG) & 1 << 13, 1 << 13);
    write_reg(lan, INT_EN, 1u << 31);
    expect_irq(lan, 0, false);
    step(&h, 99999);
    expect_irq(lan, 0, false);
    step(&h, 1);
    expect_irq(lan, 0, true);
    write_reg(lan, INT_EN, 0);
    write_reg(lan, INT_EN, 1u << 31);
    expect_irq(lan, 0, false);
    write_reg(lan, IRQ_CFG, 10 << 24 | 1 << 14 | 0x111); /* INT_DEAS_CLR */
    expect_irq(lan, 0, true);
}

static void test_levels(void **state)
{
    (void)state;
    run(0);
    write_reg(lan, FIFO_INT, 0x48000001); /* more than one frame */
    frame_in(NULL, 60);
    assert_false(read_reg(lan, INT_STS) & 8);
    frame_in(NULL, 60);
    assert_true(read_reg(lan, INT_STS) & 8); /* RSFL */
    write_reg(lan, INT_STS, 8);
    assert_true(read_reg(lan, INT_STS) & 8); /* it still holds */
    read_reg(lan, RX_STATUS);
    write_reg(lan, INT_STS, 8);
    assert_false(read_reg(lan, INT_STS) & 8);
    write_reg(lan, INT_STS, 1 << 9);
    assert_false(read_reg(lan, INT_STS) & 1 << 9);
    write_reg(lan, FIFO_INT, 0x47000000);
    assert_true(read_reg(lan, INT_STS) & 1 << 9); /* TDFA: 0x48 * 64 bytes are free */
}

static void test_timer(void **state)
{
    (void)state;
    expect_reg(lan, GPT_CNT, 0xffff);
    write_reg(lan, GPT_CFG, 1 << 29 | 10);
    expect_reg(lan, GPT_CNT, 10);
    step(&h, 999999);
    assert_false(read_reg(lan, INT_STS) & 1 << 19);
    step(&h, 1);
    assert_true(read_reg(lan, INT_STS) & 1 << 19);
    expect_reg(lan, GPT_CNT, 0);
    step(&h, 100000);
    expect_reg(lan, GPT_CNT, 0xffff);
    write_reg(lan, INT_STS, 1 << 19);
    step(&h, UINT64_C(65535) * 100000);
    assert_true(read_reg(lan, INT_STS) & 1 << 19);
    step(&h, SECOND_NS - (UINT64_C(65535) * 100000 + 1100000) % SECOND_NS);
    expect_equal(read_reg(lan, FREE_RUN) % 25000000, 0);
}

static void test_sleep(void **state)
{
    (void)state;
    uint8_t magic[NET_HEADER + 102] = {0};
    run(0);
    memcpy(magic, port->mac, NET_MAC);
    memset(magic + NET_HEADER, 0xff, 6);
    for (unsigned n = 0; n < 16; n++)
        memcpy(magic + NET_HEADER + 6 + 6 * n, port->mac, NET_MAC);
    mac_write(WUCSR, 2);
    write_reg(lan, PMT_CTRL, 1 << 12);
    expect_equal(read_reg(lan, PMT_CTRL) & 1, 0);
    frame_in(NULL, 200);
    expect_reg(lan, RX_INF, 0);
    expect_equal(read_reg(lan, PMT_CTRL) >> 4 & 3, 0);
    net_receive(port, magic, sizeof magic);
    expect_equal(read_reg(lan, PMT_CTRL) >> 4 & 3, 2);
    expect_equal(mac_read(WUCSR), 0x22);
    assert_true(read_reg(lan, INT_STS) & 1 << 17);
    write_reg(lan, BYTE_TEST, 0);
    expect_equal(read_reg(lan, PMT_CTRL) & 1, 1);
    expect_reg(lan, BYTE_TEST, 0x87654321);
    write_reg(lan, PMT_CTRL, 2 << 4);
    expect_equal(read_reg(lan, PMT_CTRL) >> 4 & 3, 0);
}

static void test_fifo_sizes(void **state)
{
    (void)state;
    write_reg(lan, HW_CFG, 14 << 16);
    expect_reg(lan, TX_INF, 14 * 1024 - 512);
    run(0);
    for (unsigned n = 0; n < 5; n++)
        frame_in(NULL, 500);
    expect_equal(read_reg(lan, RX_INF) >> 16, 3); /* 3 * 504 of 1920 bytes */
    write_reg(lan, HW_CFG, 2 << 16);
    expect_reg(lan, TX_INF, 2 * 1024 - 512);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_send),           TEST(test_send_in_parts),
        TEST(test_end_alignment),  TEST(test_padding_and_crc),
        TEST(test_bad_commands),   TEST(test_transmitter_stands_still),
        TEST(test_host_is_busy),   TEST(test_status_fifo_full),
        TEST(test_no_carrier),     TEST(test_receive),
        TEST(test_check_sequence), TEST(test_offset_and_alignment),
        TEST(test_fast_forward),   TEST(test_overflow),
        TEST(test_filters),        TEST(test_receive_status),
        TEST(test_loopback),       TEST(test_address),
        TEST(test_eeprom),         TEST(test_phy),
        TEST(test_link),           TEST(test_pin),
        TEST(test_deassertion),    TEST(test_levels),
        TEST(test_timer),          TEST(test_sleep),
        TEST(test_fifo_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
