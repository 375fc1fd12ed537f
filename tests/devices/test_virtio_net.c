/* The virtio network device: frames both ways, what the driver may leave to it, filters, and odd drivers. */
#include "tests/devices/virtio_driver.h"

enum { RX, TX, CONTROL, SIZE = 16, HEADER = 12 };
enum { F_CSUM = 1, F_GUEST_CSUM = 2, F_TSO4 = 1 << 11, F_MRG = 1 << 15, F_CONTROL = 0x9e0000 };
enum { STATUS_FIELD = REG_CONFIG + 6, MTU_FIELD = REG_CONFIG + 10 };

static Driver d;
static NetPort *port;
static uint8_t sent[128][2000];
static size_t sent_length[128];
static unsigned sents;
static bool sendable;

static bool host_takes(void *opaque, const uint8_t *frame, size_t length)
{
    (void)opaque;
    if (!sendable)
        return false;
    memcpy(sent[sents % 128], frame, length < 2000 ? length : 2000);
    sent_length[sents++ % 128] = length;
    return true;
}

static void make(void)
{
    driver_init(&d, "virtio_net", &(DeviceProps){{1}});
    port = &d.h.env.net[NET_PORT_VIRTIO + 1];
    port->send = host_takes;
    net_connect(port, true);
    sents = 0;
    sendable = true;
}

static void start(uint32_t features)
{
    make();
    driver_negotiate(&d, features);
    for (unsigned n = 0; n < 3; n++)
        driver_queue(&d, n, SIZE);
    write_reg(d.dev, REG_STATUS, 0xf);
}

static void offer_rx(uint32_t address, uint32_t size)
{
    driver_offer(&d, RX, 1, &(Buffer){address, size, true});
}

static void frame_in(const char *to, uint8_t fill, size_t length)
{
    static uint8_t frame[NET_FRAME_MOST];
    memset(frame, fill, length);
    memcpy(frame, to ? to : (const char *)port->mac, NET_MAC);
    net_receive(port, frame, length);
}

static void expect_frame(uint32_t address, uint32_t bytes, unsigned buffers)
{
    uint32_t id, written;
    assert_true(driver_used(&d, RX, &id, &written));
    assert_int_equal(get32(&d, ring(RX, 16 * id)), address);
    assert_int_equal(written, bytes);
    if (buffers)
        assert_int_equal(get16(&d, address + 10), buffers);
}

static void expect_none(unsigned queue)
{
    uint32_t id, written;
    assert_false(driver_used(&d, queue, &id, &written));
}

static void test_configuration(void **state)
{
    (void)state;
    make();
    expect_reg(d.dev, REG_DEVICE_ID, 1);
    for (unsigned n = 0; n < NET_MAC; n++)
        expect_equal(read_narrow(d.dev, REG_CONFIG + n, 1), port->mac[n]);
    expect_equal(read_narrow(d.dev, STATUS_FIELD, 2), 1);
    expect_equal(read_narrow(d.dev, MTU_FIELD, 2), 1500);
    uint32_t generation = read_reg(d.dev, REG_GENERATION);
    net_connect(port, false);
    expect_equal(read_narrow(d.dev, STATUS_FIELD, 2), 0);
    assert_int_not_equal(read_reg(d.dev, REG_GENERATION), generation);
    driver_done(&d);
}

static void test_link_interrupt(void **state)
{
    (void)state;
    start(0);
    expect_irq(d.dev, 0, false);
    net_connect(port, false);
    expect_reg(d.dev, REG_INT_STATUS, 2);
    expect_irq(d.dev, 0, true);
    driver_done(&d);
}

static void test_receive(void **state)
{
    (void)state;
    start(F_GUEST_CSUM);
    frame_in(NULL, 1, 60); /* waits for a buffer */
    offer_rx(DATA, 2000);
    offer_rx(DATA + 2000, 2000);
    driver_notify(&d, RX);
    expect_frame(DATA, HEADER + 60, 1);
    expect_equal(*(uint8_t *)at(&d, DATA), 2); /* DATA_VALID */
    expect_equal(*(uint8_t *)at(&d, DATA + HEADER + 59), 1);
    expect_irq(d.dev, 0, true);
    frame_in(NULL, 2, 1514);
    expect_frame(DATA + 2000, HEADER + 1514, 1);
    expect_none(RX);
    driver_done(&d);
}

static void test_too_long_for_the_buffer(void **state)
{
    (void)state;
    start(0);
    offer_rx(DATA, 100);
    driver_notify(&d, RX);
    frame_in(NULL, 1, 1000); /* dropped, and the buffer is still there */
    frame_in(NULL, 2, 88);
    expect_frame(DATA, 100, 1);
    driver_done(&d);
}

static void test_merged_buffers(void **state)
{
    (void)state;
    start(F_MRG | F_EVENT_INDEX);
    offer_rx(DATA, 100);
    offer_rx(DATA + 100, 100);
    driver_notify(&d, RX);
    frame_in(NULL, 3, 250); /* 262 bytes: not yet */
    expect_none(RX);
    offer_rx(DATA + 200, 100);
    driver_notify(&d, RX);
    expect_frame(DATA, 100, 3);
    expect_frame(DATA + 100, 100, 0);
    expect_frame(DATA + 200, 62, 0);
    for (unsigned n = NET_MAC; n < 250; n++)
        expect_equal(*(uint8_t *)at(&d, DATA + HEADER + n), 3);
    /* More than the whole queue holds never fits, and blocks nobody. */
    for (unsigned n = 0; n < SIZE; n++)
        offer_rx(DATA + 100 * n, 100);
    driver_notify(&d, RX);
    frame_in(NULL, 4, 2000);
    expect_none(RX);
    frame_in(NULL, 5, 60);
    expect_frame(DATA, 72, 1);
    driver_done(&d);
}

static void test_tiny_buffer(void **state)
{
    (void)state;
    start(0);
    offer_rx(DATA, 11);
    driver_notify(&d, RX);
    frame_in(NULL, 1, 60);
    driver_expect_broken(&d, true);
    frame_in(NULL, 1, 60); /* goes nowhere */
    assert_int_equal(port->queued, 0);
    driver_done(&d);
}

/* A frame of `length` bytes behind a header. */
static void transmit(const void *header, uint8_t fill, uint32_t length)
{
    memcpy(at(&d, DATA), header, HEADER);
    memset(at(&d, DATA + HEADER), fill, length);
    driver_offer(&d, TX, 2,
                 (Buffer[]){
                     {DATA,              HEADER + 5, false},
                     {DATA + HEADER + 5, length - 5, false}
    });
    driver_notify(&d, TX);
}

static void test_transmit(void **state)
{
    (void)state;
    static const uint8_t plain[HEADER];
    start(0);
    transmit(plain, 7, 100);
    assert_int_equal(sents, 1);
    assert_int_equal(sent_length[0], 100);
    assert_int_equal(sent[0][99], 7);
    uint32_t id, written;
    assert_true(driver_used(&d, TX, &id, &written));
    assert_int_equal(written, 0);
    transmit(plain, 7, 13); /* no Ethernet frame */
    assert_int_equal(sents, 1);
    assert_true(driver_used(&d, TX, &id, &written));
    driver_expect_broken(&d, false);
    driver_done(&d);
}

static void test_host_is_busy(void **state)
{
    (void)state;
    static const uint8_t plain[HEADER];
    start(0);
    sendable = false;
    transmit(plain, 1, 60);
    expect_none(TX);
    sendable = true;
    net_send_again(port);
    assert_int_equal(sents, 1);
    uint32_t id, written;
    assert_true(driver_used(&d, TX, &id, &written));
    driver_done(&d);
}

static void test_checksum(void **state)
{
    (void)state;
    const uint8_t header[HEADER] = {1, 0, 0, 0, 0, 0, 34, 0, 6, 0};
    start(F_CSUM);
    transmit(header, 0x11, 60);
    /* 13 half-words of 0x1111 from byte 34 on. */
    assert_int_equal(sent[0][40] << 8 | sent[0][41], 0xffff - (0x1111 * 13 % 0xffff));
    const uint8_t outside[HEADER] = {1, 0, 0, 0, 0, 0, 34, 0, 26, 0};
    transmit(outside, 0x11, 60);
    assert_int_equal(sents, 2);
    assert_int_equal(sent[1][59], 0x11);
    driver_done(&d);
    start(0);
    transmit(header, 0x11, 60); /* not negotiated */
    assert_int_equal(sents, 0);
    driver_done(&d);
}

static void make_segment(uint8_t *frame, size_t length)
{
    memset(frame, 0, length);
    frame[12] = 8;
    frame[14] = 0x45;
    frame[23] = 6;
    frame[46] = 0x50;
}

static void test_segmentation(void **state)
{
    (void)state;
    const uint8_t header[HEADER] = {1, 1, 54, 0, 0xe8, 3, 34, 0, 16, 0}; /* TCP over IPv4, 1000 bytes each */
    start(F_CSUM | F_TSO4);
    memcpy(at(&d, DATA), header, HEADER);
    make_segment(at(&d, DATA + HEADER), 54 + 2500);
    driver_offer(&d, TX, 1, &(Buffer){DATA, HEADER + 54 + 2500, false});
    driver_notify(&d, TX);
    assert_int_equal(sents, 3);
    assert_int_equal(sent_length[0], 1054);
    assert_int_equal(sent_length[2], 554);
    port->whole_segments = true;
    driver_offer(&d, TX, 1, &(Buffer){DATA, HEADER + 54 + 2500, false});
    driver_notify(&d, TX);
    assert_int_equal(sents, 4);
    assert_int_equal(sent_length[3], 2554);
    driver_done(&d);
}

/* Sends a command; returns the device's answer. */
static uint8_t control(const void *command, uint32_t size)
{
    memcpy(at(&d, DATA), command, size);
    memset(at(&d, DATA + 0x8000), 0xee, 1);
    driver_offer(&d, CONTROL, 2,
                 (Buffer[]){
                     {DATA,          size, false},
                     {DATA + 0x8000, 1,    true }
    });
    driver_notify(&d, CONTROL);
    return *(uint8_t *)at(&d, DATA + 0x8000);
}

static bool gets(const char *to)
{
    unsigned before = (unsigned)port->stats.received;
    uint32_t id, written;
    offer_rx(DATA + 0x10000, 2000);
    driver_notify(&d, RX);
    frame_in(to, 1, 60);
    assert_int_equal(port->stats.received, before + 1);
    return driver_used(&d, RX, &id, &written);
}

#define GROUP "\x01\x00\x5e\x01\x02\x03"
#define OTHER "\x02\x00\x00\x00\x00\x77"
#define EVERYBODY "\xff\xff\xff\xff\xff\xff"

static void test_filters(void **state)
{
    (void)state;
    start(F_CONTROL);
    assert_true(gets(OTHER)); /* until it is asked for less */
    assert_int_equal(control("\0\0\0", 3), 0);
    assert_false(gets(OTHER));
    assert_false(gets(GROUP));
    assert_true(gets(NULL));
    assert_true(gets(EVERYBODY));
    assert_int_equal(control("\0\5\1", 3), 0); /* NOBCAST */
    assert_false(gets(EVERYBODY));
    assert_int_equal(control("\0\1\1", 3), 0); /* ALLMULTI */
    assert_true(gets(GROUP));
    assert_int_equal(control("\0\3\1", 3), 0); /* NOMULTI */
    assert_false(gets(GROUP));
    assert_int_equal(control("\0\3\0", 3), 0);
    assert_int_equal(control("\0\1\0", 3), 0);
    assert_int_equal(control("\1\0\1\0\0\0" OTHER "\1\0\0\0" GROUP, 2 + 4 + 6 + 4 + 6), 0);
    assert_true(gets(OTHER));
    assert_true(gets(GROUP));
    assert_int_equal(control("\1\1\2\0\0\0\0\5", 8), 0); /* another address of its own */
    assert_false(gets(NULL));
    assert_true(gets("\2\0\0\0\0\5"));
    assert_int_equal(read_narrow(d.dev, REG_CONFIG + 5, 1), 5);
    driver_done(&d);
}

static void test_full_tables(void **state)
{
    (void)state;
    uint8_t command[2 + 4 + 6 * 65 + 4] = {1, 0, 65};
    start(F_CONTROL);
    assert_int_equal(control("\0\0\0", 3), 0);
    assert_int_equal(control(command, sizeof command), 0);
    assert_true(gets(OTHER)); /* too many to remember: all */
    assert_false(gets(GROUP));
    command[2] = 66; /* more than there are */
    assert_int_equal(control(command, sizeof command), 1);
    driver_done(&d);
}

static void test_vlans(void **state)
{
    (void)state;
    start(F_CONTROL);
    assert_int_equal(control("\0\0\0", 3), 0);
    uint8_t frame[60] = {0};
    memcpy(frame, port->mac, NET_MAC);
    memcpy(frame + 12, "\x81\x00\x60\x07", 4);
    for (unsigned n = 0; n < 3; n++)
        offer_rx(DATA + 0x10000 + 2000 * n, 2000);
    driver_notify(&d, RX);
    net_receive(port, frame, sizeof frame);
    expect_none(RX);
    assert_int_equal(control("\2\0\7\0", 4), 0);
    net_receive(port, frame, sizeof frame);
    expect_frame(DATA + 0x10000, 72, 1);
    assert_int_equal(control("\2\1\7\0", 4), 0);
    net_receive(port, frame, sizeof frame);
    expect_none(RX);
    assert_int_equal(control("\2\0\0\x10", 4), 1); /* 4096 */
    driver_done(&d);
}

static void test_bad_commands(void **state)
{
    (void)state;
    static const struct {
        const char *command;
        uint32_t size;
    } bad[] = {
        {"\0",                   1},
        {"\0\0",                 2},
        {"\0\6\1",               3},
        {"\0\0\2",               3},
        {"\1\0\1\0",             4},
        {"\1\0\xff\xff\xff\xff", 6},
        {"\1\1\1\2\3",           5},
        {"\1\2\0\0\0\0\0\0",     8},
        {"\2\2\1\0",             4},
        {"\3\0",                 2},
        {"\xff\xff\0\0",         4},
    };
    start(F_CONTROL);
    for (unsigned n = 0; n < sizeof bad / sizeof *bad; n++)
        assert_int_equal(control(bad[n].command, bad[n].size), 1);
    driver_expect_broken(&d, false);
    driver_done(&d);
    start(0);
    assert_int_equal(control("\0\0\0", 3), 1); /* not negotiated */
    driver_done(&d);
}

static void test_reset(void **state)
{
    (void)state;
    start(F_CONTROL);
    control("\0\0\0", 3);
    control("\1\1\2\0\0\0\0\5", 8);
    write_reg(d.dev, REG_STATUS, 0);
    expect_equal(read_narrow(d.dev, REG_CONFIG + 5, 1), port->mac[5]);
    frame_in(NULL, 1, 60);
    assert_int_equal(port->queued, 0); /* nobody listens */
    driver_start(&d, 0, SIZE);
    assert_true(gets(OTHER));
    driver_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configuration),  cmocka_unit_test(test_link_interrupt),
        cmocka_unit_test(test_receive),        cmocka_unit_test(test_too_long_for_the_buffer),
        cmocka_unit_test(test_merged_buffers), cmocka_unit_test(test_tiny_buffer),
        cmocka_unit_test(test_transmit),       cmocka_unit_test(test_host_is_busy),
        cmocka_unit_test(test_checksum),       cmocka_unit_test(test_segmentation),
        cmocka_unit_test(test_filters),        cmocka_unit_test(test_full_tables),
        cmocka_unit_test(test_vlans),          cmocka_unit_test(test_bad_commands),
        cmocka_unit_test(test_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
