/* The Versatile two-wire interface driven as software drives it, and what answers on the board's buses. */
#include "tests/devices/harness.h"

enum { SET = 0, CLEAR = 4, SCL = 1, SDA = 2 };
enum { TPI = 0x39, CPI = 0x60, DDC = 0x50 };

typedef struct Buses {
    Harness h;
    Device *with_display, *with_switch;
} Buses;

static int setup(void **state)
{
    static Buses buses;
    harness_init(&buses.h, 1);
    DeviceProps bus1 = {{1}};
    buses.with_switch = harness_device(&buses.h, "versatile_i2c", "i2c1", NULL);
    buses.with_display = harness_device(&buses.h, "versatile_i2c", "i2c0", &bus1);
    harness_device(&buses.h, "sii9022", "dvi", &bus1);
    *state = &buses;
    return 0;
}

static int teardown(void **state)
{
    harness_done(&((Buses *)*state)->h);
    return 0;
}

/* ---- A software master --------------------------------------------------------------------------------- */

static void line(Device *i2c, uint32_t which, bool level)
{
    write_reg(i2c, level ? SET : CLEAR, which);
}

static bool data(Device *i2c)
{
    return read_reg(i2c, SET) & SDA;
}

static void start(Device *i2c)
{
    line(i2c, SDA, true);
    line(i2c, SCL, true);
    line(i2c, SDA, false);
    line(i2c, SCL, false);
}

static void stop(Device *i2c)
{
    line(i2c, SDA, false);
    line(i2c, SCL, true);
    line(i2c, SDA, true);
}

static bool clock_bit(Device *i2c, bool out)
{
    line(i2c, SDA, out);
    line(i2c, SCL, true);
    bool in = data(i2c);
    line(i2c, SCL, false);
    return in;
}

static bool send_byte(Device *i2c, uint8_t byte)
{
    for (int bit = 7; bit >= 0; bit--)
        clock_bit(i2c, byte >> bit & 1);
    return !clock_bit(i2c, true);
}

static uint8_t get_byte(Device *i2c, bool ack)
{
    uint8_t byte = 0;
    for (int bit = 7; bit >= 0; bit--)
        byte = (uint8_t)(byte << 1 | clock_bit(i2c, true));
    clock_bit(i2c, !ack);
    return byte;
}

static bool probe(Device *i2c, uint8_t address)
{
    start(i2c);
    bool ack = send_byte(i2c, (uint8_t)(address << 1));
    stop(i2c);
    return ack;
}

static void put_register(Device *i2c, uint8_t address, uint8_t reg, uint8_t value)
{
    start(i2c);
    assert_true(send_byte(i2c, (uint8_t)(address << 1)));
    assert_true(send_byte(i2c, reg));
    assert_true(send_byte(i2c, value));
    stop(i2c);
}

/* Register pointer, repeated start, read; the last byte is not acknowledged. */
static void get_registers(Device *i2c, uint8_t address, uint8_t reg, uint8_t *to, unsigned count)
{
    start(i2c);
    assert_true(send_byte(i2c, (uint8_t)(address << 1)));
    assert_true(send_byte(i2c, reg));
    start(i2c);
    assert_true(send_byte(i2c, (uint8_t)(address << 1 | 1)));
    for (unsigned n = 0; n < count; n++)
        to[n] = get_byte(i2c, n + 1 < count);
    stop(i2c);
}

/* ---- Cases --------------------------------------------------------------------------------------------- */

static void test_lines(void **state)
{
    Device *i2c = ((Buses *)*state)->with_switch;
    expect_reg(i2c, SET, SCL | SDA);
    write_reg(i2c, CLEAR, SDA);
    expect_reg(i2c, SET, SCL);
    write_reg(i2c, CLEAR, SCL);
    expect_reg(i2c, SET, 0);
    write_reg(i2c, SET, SCL | SDA);
    expect_reg(i2c, SET, SCL | SDA);
}

/* The whole address range: the display bus has the transmitter's two interfaces, the other bus nothing (the
 * PCIe switch of the device tree is not fitted). */
static void test_who_answers(void **state)
{
    Buses *b = *state;
    for (unsigned address = 0; address < 0x80; address++) {
        assert_false(probe(b->with_switch, (uint8_t)address));
        assert_int_equal(probe(b->with_display, (uint8_t)address), address == TPI || address == CPI);
        expect_reg(b->with_display, SET, SCL | SDA);
    }
}

static void test_identification(void **state)
{
    Device *i2c = ((Buses *)*state)->with_display;
    uint8_t id[4];
    put_register(i2c, TPI, 0xc7, 0);
    get_registers(i2c, TPI, 0x1b, id, 4);
    expect_equal(id[0], 0xb0);
    get_registers(i2c, CPI, 0x1b, id, 4);
    assert_int_not_equal(id[0], 0xb0); /* not a second transmitter */
}

static void test_registers_count_up(void **state)
{
    Device *i2c = ((Buses *)*state)->with_display;
    uint8_t mode[10];
    start(i2c);
    send_byte(i2c, TPI << 1);
    send_byte(i2c, 0x00);
    for (uint8_t n = 0; n < 8; n++)
        assert_true(send_byte(i2c, (uint8_t)(0x31 * (n + 1))));
    stop(i2c);
    get_registers(i2c, TPI, 0x00, mode, 10);
    for (uint8_t n = 0; n < 8; n++)
        expect_equal(mode[n], (uint8_t)(0x31 * (n + 1)));
    expect_equal(mode[8], 0x60);
    expect_equal(mode[9], 0);
}

static void test_hot_plug(void **state)
{
    Device *i2c = ((Buses *)*state)->with_display;
    uint8_t status;
    get_registers(i2c, TPI, 0x3d, &status, 1);
    expect_equal(status, 0x0f); /* events, and the state of both pins */
    put_register(i2c, TPI, 0x3d, 0x01);
    get_registers(i2c, TPI, 0x3d, &status, 1);
    expect_equal(status, 0x0e);
}

static void check_edid(const uint8_t *edid)
{
    static const uint8_t header[8] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
    uint8_t sum = 0;
    for (unsigned n = 0; n < 128; n++)
        sum += edid[n];
    expect_equal(sum, 0);
    assert_memory_equal(edid, header, 8);
    const uint8_t *timing = edid + 54;
    expect_equal(timing[0] | timing[1] << 8, 6500); /* 65 MHz */
    expect_equal(timing[2] | (timing[4] & 0xf0) << 4, 1024);
    expect_equal(timing[3] | (timing[4] & 0x0f) << 8, 320);
    expect_equal(timing[5] | (timing[7] & 0xf0) << 4, 768);
    expect_equal(timing[6] | (timing[7] & 0x0f) << 8, 38);
    expect_equal(edid[24] & 2, 2); /* the first timing is the preferred one */
    expect_equal(edid[126], 0);
}

static void test_edid_behind_the_transmitter(void **state)
{
    Device *i2c = ((Buses *)*state)->with_display;
    uint8_t control, edid[130];
    assert_false(probe(i2c, DDC));
    get_registers(i2c, TPI, 0x1a, &control, 1);
    expect_equal(control & 6, 0);
    put_register(i2c, TPI, 0x1a, control | 4);
    get_registers(i2c, TPI, 0x1a, &control, 1);
    expect_equal(control & 6, 6);
    put_register(i2c, TPI, 0x1a, control);
    get_registers(i2c, DDC, 0, edid, sizeof edid);
    check_edid(edid);
    expect_equal(edid[128], 0xff);
    put_register(i2c, TPI, 0x1a, control & ~6);
    assert_false(probe(i2c, DDC));
}

static void test_edid_is_write_protected(void **state)
{
    Device *i2c = ((Buses *)*state)->with_display;
    put_register(i2c, TPI, 0x1a, 4);
    start(i2c);
    assert_true(send_byte(i2c, DDC << 1));
    assert_true(send_byte(i2c, 0x10));
    assert_false(send_byte(i2c, 0x55));
    stop(i2c);
}

/* A master that gives up in the middle of a byte starts over. */
static void test_abandoned_transfer(void **state)
{
    Device *i2c = ((Buses *)*state)->with_display;
    uint8_t id;
    start(i2c);
    send_byte(i2c, TPI << 1 | 1);
    for (unsigned n = 0; n < 3; n++)
        clock_bit(i2c, true);
    for (unsigned n = 0; n < 9; n++) /* the usual recovery: nine clocks and a stop */
        clock_bit(i2c, true);
    stop(i2c);
    get_registers(i2c, TPI, 0x1b, &id, 1);
    expect_equal(id, 0xb0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_lines),
        CASE(test_who_answers),
        CASE(test_identification),
        CASE(test_registers_count_up),
        CASE(test_hot_plug),
        CASE(test_edid_behind_the_transmitter),
        CASE(test_edid_is_write_protected),
        CASE(test_abandoned_transfer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
