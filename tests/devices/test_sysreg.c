/* V2M-P1 system registers (DUI 0447) and the configuration bus. */
#include "tests/devices/harness.h"

enum {
    SYS_ID = 0,
    SW = 4,
    LED = 8,
    HZ100 = 0x24,
    FLAGS = 0x30,
    FLAGSCLR = 0x34,
    NVFLAGS = 0x38,
    NVFLAGSCLR = 0x3c
};
enum { MCI = 0x48, FLASH = 0x4c, CFGSW = 0x58, MHZ24 = 0x5c, MISC = 0x60, PROCID0 = 0x84, PROCID1 = 0x88 };
enum { CFGDATA = 0xa0, CFGCTRL = 0xa4, CFGSTAT = 0xa8 };
enum { OSC = 1, VOLT, AMP, TEMP, RESET, SCC, MUXFPGA, SHUTDOWN, REBOOT, DVIMODE = 11, POWER, ENERGY };
enum { DONE = 1, FAILED = 3 };

#define START 0x80000000u
#define WRITE 0x40000000u

typedef struct Board {
    Harness h;
    Device *dev;
} Board;

static int setup(void **state)
{
    static Board board;
    harness_init(&board.h, 1);
    DeviceProps props = {
        {0x105, 0x3}
    };
    board.dev = harness_device(&board.h, "sysreg", "sysreg", &props);
    *state = &board;
    return 0;
}

static int teardown(void **state)
{
    harness_done(&((Board *)*state)->h);
    return 0;
}

/* Runs one command as a driver does, and gives CFGSTAT. */
static uint32_t command(Board *b, uint32_t function, uint32_t site, uint32_t device, uint32_t flags)
{
    write_reg(b->dev, CFGSTAT, 0);
    write_reg(b->dev, CFGCTRL, START | flags | function << 20 | site << 16 | device);
    expect_equal(read_reg(b->dev, CFGCTRL) & START, 0);
    return read_reg(b->dev, CFGSTAT);
}

static uint32_t cfg_read(Board *b, uint32_t function, uint32_t site, uint32_t device)
{
    write_reg(b->dev, CFGDATA, 0xdeadbeef);
    return command(b, function, site, device, 0);
}

static uint32_t cfg_write(Board *b, uint32_t function, uint32_t site, uint32_t device, uint32_t data)
{
    write_reg(b->dev, CFGDATA, data);
    return command(b, function, site, device, WRITE);
}

static void test_identification(void **state)
{
    Board *b = *state;
    expect_reg(b->dev, SYS_ID, 0x1190f500);
    expect_reg(b->dev, PROCID0, 0x0c000191);
    expect_reg(b->dev, PROCID1, 0xff000000);
    expect_reg(b->dev, SW, 0x05);
    expect_reg(b->dev, CFGSW, 0x03);
    expect_equal(read_reg(b->dev, MISC) & 1 << 14, 0); /* the master is site 1 */
}

static void test_flags(void **state)
{
    Board *b = *state;
    write_reg(b->dev, FLAGS, 0x60008000);
    write_reg(b->dev, FLAGS, 0x1);
    expect_reg(b->dev, FLAGS, 0x60008001);
    write_reg(b->dev, FLAGSCLR, 0x60000000);
    expect_reg(b->dev, FLAGS, 0x8001);
    write_reg(b->dev, NVFLAGS, 0xf0);
    write_reg(b->dev, NVFLAGSCLR, 0x30);
    expect_reg(b->dev, NVFLAGS, 0xc0);
    expect_reg(b->dev, FLAGS, 0x8001);
    device_reset(b->dev);
    expect_reg(b->dev, FLAGS, 0);
}

static void test_leds_keep_eight_bits(void **state)
{
    Board *b = *state;
    write_reg(b->dev, LED, 0x1ff);
    expect_reg(b->dev, LED, 0xff);
}

static void test_counters(void **state)
{
    Board *b = *state;
    expect_reg(b->dev, HZ100, 0);
    expect_reg(b->dev, MHZ24, 0);
    step(&b->h, SECOND_NS);
    expect_reg(b->dev, HZ100, 100);
    expect_reg(b->dev, MHZ24, 24000000);
    step(&b->h, 999 * SECOND_NS); /* the faster one wraps every 179 s */
    expect_reg(b->dev, HZ100, 100000);
    expect_reg(b->dev, MHZ24, (uint32_t)24000000000ull);
    device_reset(b->dev);
    expect_reg(b->dev, MHZ24, 0);
    write_reg(b->dev, MHZ24, 5);
    expect_reg(b->dev, MHZ24, 0);
}

static void test_card_detect(void **state)
{
    Board *b = *state;
    expect_reg(b->dev, MCI, 0);
    device_input(b->dev, 0, true);
    expect_reg(b->dev, MCI, 1);
    device_input(b->dev, 1, true);
    expect_reg(b->dev, MCI, 3);
    device_input(b->dev, 0, false);
    expect_reg(b->dev, MCI, 2);
}

static void test_software_interrupt(void **state)
{
    Board *b = *state;
    expect_irq(b->dev, 0, false);
    write_reg(b->dev, MISC, 1 << 19);
    expect_irq(b->dev, 0, true);
    write_reg(b->dev, MISC, 0);
    expect_irq(b->dev, 0, false);
}

static void test_oscillators(void **state)
{
    Board *b = *state;
    static const uint32_t hz[2][3] = {
        {50000000, 23750000, 24000000},
        {45000000, 23750000, 66670000}
    };
    for (uint32_t site = 0; site < 2; site++)
        for (uint32_t n = 0; n < 3; n++) {
            expect_equal(cfg_read(b, OSC, site, n), DONE);
            expect_reg(b->dev, CFGDATA, hz[site][n]);
        }
    expect_equal(cfg_read(b, OSC, 1, 3), FAILED);
    expect_equal(cfg_write(b, OSC, 1, 1, 65000000), DONE);
    expect_equal(cfg_read(b, OSC, 1, 1), DONE);
    expect_reg(b->dev, CFGDATA, 65000000);
    expect_equal(cfg_write(b, OSC, 1, 1, 80000001), FAILED);
    expect_equal(cfg_write(b, OSC, 1, 1, 9999999), FAILED);
    cfg_read(b, OSC, 1, 1);
    expect_reg(b->dev, CFGDATA, 65000000);
    cfg_read(b, OSC, 0, 1);
    expect_reg(b->dev, CFGDATA, 23750000);
}

static void test_sensors(void **state)
{
    Board *b = *state;
    static const uint32_t microvolts[6] = {1000000, 1000000, 1000000, 1800000, 900000, 3300000};
    expect_equal(cfg_read(b, VOLT, 0, 0), DONE);
    expect_reg(b->dev, CFGDATA, 3300000);
    for (uint32_t n = 0; n < 6; n++) {
        expect_equal(cfg_read(b, VOLT, 1, n), DONE);
        expect_reg(b->dev, CFGDATA, microvolts[n]);
    }
    expect_equal(cfg_read(b, VOLT, 1, 6), FAILED);
    expect_equal(cfg_read(b, TEMP, 0, 0), DONE);
    assert_in_range(read_reg(b->dev, CFGDATA), 10000000, 80000000);
    for (uint32_t n = 0; n < 2; n++) {
        expect_equal(cfg_read(b, AMP, 1, n), DONE);
        uint64_t current = read_reg(b->dev, CFGDATA);
        expect_equal(cfg_read(b, POWER, 1, n), DONE);
        expect_reg(b->dev, CFGDATA, (uint32_t)(current * microvolts[n + 1] / 1000000));
    }
    expect_equal(cfg_read(b, ENERGY, 1, 0), FAILED);
    expect_equal(cfg_write(b, TEMP, 0, 0, 1), FAILED);
}

static void test_settings(void **state)
{
    Board *b = *state;
    expect_equal(cfg_write(b, DVIMODE, 0, 0, 2), DONE);
    expect_equal(cfg_read(b, DVIMODE, 0, 0), DONE);
    expect_reg(b->dev, CFGDATA, 2);
    expect_equal(cfg_write(b, DVIMODE, 0, 0, 5), FAILED);
    expect_equal(cfg_write(b, MUXFPGA, 0, 0, 1), DONE);
    expect_equal(cfg_write(b, MUXFPGA, 0, 0, 3), FAILED);
    cfg_read(b, MUXFPGA, 0, 0);
    expect_reg(b->dev, CFGDATA, 1);
    expect_equal(cfg_read(b, SCC, 1, 1), DONE);
    expect_reg(b->dev, CFGDATA, 0x1f09);
    expect_equal(cfg_write(b, SCC, 1, 2, 0x12345678), DONE);
    cfg_read(b, SCC, 1, 2);
    expect_reg(b->dev, CFGDATA, 0x12345678);
    expect_equal(cfg_read(b, SCC, 0, 0), FAILED);
}

static void test_power(void **state)
{
    Board *b = *state;
    expect_equal(cfg_read(b, SHUTDOWN, 0, 0), FAILED);
    expect_equal(b->h.requests[REQUEST_POWER_OFF], 0);
    expect_equal(cfg_write(b, SHUTDOWN, 0, 0, 0), DONE);
    expect_equal(b->h.requests[REQUEST_POWER_OFF], 1);
    expect_equal(cfg_write(b, REBOOT, 0, 0, 0), DONE);
    expect_equal(cfg_write(b, RESET, 1, 0, 0), DONE);
    expect_equal(b->h.requests[REQUEST_REBOOT], 2);
    expect_equal(b->h.requests[REQUEST_POWER_OFF], 1);
}

static void test_refused_commands(void **state)
{
    Board *b = *state;
    expect_equal(cfg_read(b, OSC, 2, 0), FAILED); /* nothing at site 2 */
    expect_equal(cfg_read(b, OSC, 3, 0), FAILED);
    expect_equal(cfg_read(b, 0, 0, 0), FAILED);
    expect_equal(cfg_read(b, 63, 1, 0), FAILED);
    expect_equal(command(b, OSC, 0, 0, 1 << 26), FAILED); /* no second DCC */
    expect_equal(command(b, OSC, 0, 0, 1 << 12), FAILED); /* no stack */
    write_reg(b->dev, CFGSTAT, 0);
    write_reg(b->dev, CFGCTRL, OSC << 20); /* without START nothing happens */
    expect_reg(b->dev, CFGSTAT, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_identification),
        CASE(test_flags),
        CASE(test_leds_keep_eight_bits),
        CASE(test_counters),
        CASE(test_card_detect),
        CASE(test_software_interrupt),
        CASE(test_oscillators),
        CASE(test_sensors),
        CASE(test_settings),
        CASE(test_power),
        CASE(test_refused_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
