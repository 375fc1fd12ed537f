/* The test device: exit codes, reports, the console, power, and counters. */
#include "tests/devices/harness.h"

enum {
    ID = 0x00,
    VERSION = 0x04,
    EXIT = 0x08,
    CHAR = 0x0c,
    POWER = 0x10,
    REPORT = 0x14,
    PASSED = 0x18,
    FAILED = 0x1c,
    FIRST_FAILED = 0x20,
    FINISH = 0x24,
    INSTRUCTIONS = 0x28,
    INSTRUCTIONSH = 0x2c,
    TIME = 0x30,
    TIMEH = 0x34
};

static Device *make(Harness *h)
{
    harness_init(h, 1);
    return harness_device(h, "test_device", "test", NULL);
}

static void expect_exit(Harness *h, unsigned times, int code)
{
    assert_int_equal(h->requests[REQUEST_EXIT], times);
    assert_int_equal(h->env.exit_code, code);
}

static void test_identification(void **state)
{
    (void)state;
    Harness h;
    Device *dev = make(&h);
    expect_reg(dev, ID, 0x544d5241);
    expect_reg(dev, VERSION, 1);
    write_reg(dev, ID, 0);
    expect_reg(dev, ID, 0x544d5241);
    harness_done(&h);
}

static void test_exit(void **state)
{
    (void)state;
    Harness h;
    Device *dev = make(&h);
    assert_int_equal(h.requests[REQUEST_EXIT], 0);
    write_reg(dev, EXIT, 0);
    expect_exit(&h, 1, 0);
    write_reg(dev, EXIT, 42);
    expect_exit(&h, 2, 42);
    write_reg(dev, EXIT, 0xffffffff);
    expect_exit(&h, 3, -1);
    write_narrow(dev, EXIT, 1, 7);
    expect_exit(&h, 4, 7);
    expect_reg(dev, EXIT, 0); /* reading ends nothing */
    assert_int_equal(h.requests[REQUEST_EXIT], 4);
    harness_done(&h);
}

static void test_reports(void **state)
{
    (void)state;
    Harness h;
    Device *dev = make(&h);
    write_reg(dev, FINISH, 0); /* no test passed */
    expect_exit(&h, 1, 1);
    write_reg(dev, REPORT, 0);
    write_reg(dev, REPORT, 0);
    write_reg(dev, FINISH, 0);
    expect_exit(&h, 2, 0);
    write_reg(dev, REPORT, 17);
    write_reg(dev, REPORT, 0);
    write_reg(dev, REPORT, 18);
    expect_reg(dev, PASSED, 3);
    expect_reg(dev, FAILED, 2);
    expect_reg(dev, FIRST_FAILED, 17);
    write_reg(dev, FINISH, 0);
    expect_exit(&h, 3, 1);
    write_reg(dev, FAILED, 0);
    expect_reg(dev, FAILED, 2);
    device_reset(dev);
    expect_reg(dev, PASSED, 0);
    expect_reg(dev, FAILED, 0);
    expect_reg(dev, FIRST_FAILED, 0);
    harness_done(&h);
}

static void test_console(void **state)
{
    (void)state;
    Harness h;
    Device *dev = make(&h);
    write_reg(dev, CHAR, 'o');
    write_narrow(dev, CHAR, 1, 'k');
    write_reg(dev, CHAR, 0xffffff21);
    assert_int_equal(h.output_length, 3);
    assert_memory_equal(h.output, "ok!", 3);
    harness_done(&h);
}

static void test_power(void **state)
{
    (void)state;
    Harness h;
    Device *dev = make(&h);
    write_reg(dev, POWER, 0);
    write_reg(dev, POWER, 3);
    assert_int_equal(h.requests[REQUEST_POWER_OFF] + h.requests[REQUEST_REBOOT], 0);
    write_reg(dev, POWER, 1);
    assert_int_equal(h.requests[REQUEST_POWER_OFF], 1);
    write_reg(dev, POWER, 2);
    assert_int_equal(h.requests[REQUEST_REBOOT], 1);
    assert_int_equal(h.requests[REQUEST_EXIT], 0);
    harness_done(&h);
}

static uint64_t instructions(void *machine)
{
    (void)machine;
    return 0x123456789a;
}

static void test_counters(void **state)
{
    (void)state;
    Harness h;
    Device *dev = make(&h);
    expect_reg(dev, INSTRUCTIONS, 0);
    h.env.instructions = instructions;
    expect_reg(dev, INSTRUCTIONS, 0x3456789a);
    expect_reg(dev, INSTRUCTIONSH, 0x12);
    step(&h, 5 * SECOND_NS);
    expect_reg(dev, TIME, (uint32_t)(5 * SECOND_NS));
    expect_reg(dev, TIMEH, (uint32_t)(5 * SECOND_NS >> 32));
    device_reset(dev);
    expect_reg(dev, INSTRUCTIONS, 0);
    expect_reg(dev, TIME, 0);
    harness_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identification), cmocka_unit_test(test_exit),  cmocka_unit_test(test_reports),
        cmocka_unit_test(test_console),        cmocka_unit_test(test_power), cmocka_unit_test(test_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
