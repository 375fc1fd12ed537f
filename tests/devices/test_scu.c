/* Snoop control unit of the Cortex-A9 MPCore (DDI 0407, chapter 2). */
#include "harness.h"

enum {
    CONTROL = 0x00,
    CONFIGURATION = 0x04,
    POWER = 0x08,
    INVALIDATE_ALL = 0x0c,
    FILTER_START = 0x40,
    FILTER_END = 0x44,
    SAC = 0x50,
    SNSAC = 0x54
};

static void test_registers(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 4);
    Device *scu = harness_device(&h, "scu", "scu", NULL);
    expect_reg(scu, CONTROL, 0);
    expect_reg(scu, CONFIGURATION, 0x5503); /* 32 KiB each, four CPUs, none in SMP mode */
    expect_reg(scu, SAC, 0xf);
    expect_reg(scu, SNSAC, 0);
    write_reg(scu, CONTROL, 0xffffffff);
    expect_reg(scu, CONTROL, 0x7f);
    write_reg(scu, FILTER_START, 0x12345678);
    write_reg(scu, FILTER_END, 0xffffffff);
    expect_reg(scu, FILTER_START, 0x12300000);
    expect_reg(scu, FILTER_END, 0xfff00000);
    write_reg(scu, INVALIDATE_ALL, 0xffff);
    expect_reg(scu, INVALIDATE_ALL, 0);
    device_input(scu, 2, true);
    expect_reg(scu, CONFIGURATION, 0x5543);
    device_input(scu, 2, false);
    expect_reg(scu, CONFIGURATION, 0x5503);
    harness_done(&h);
}

static void test_power_status_by_byte(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 2);
    Device *scu = harness_device(&h, "scu", "scu", NULL);
    expect_reg(scu, CONFIGURATION, 0x0501);
    expect_reg(scu, POWER, 0x03030000); /* CPUs that are not there are off */
    write_narrow(scu, POWER + 1, 1, 0xff);
    expect_reg(scu, POWER, 0x03030300);
    write_narrow(scu, POWER + 1, 1, 0);
    write_narrow(scu, POWER, 1, 2);
    expect_reg(scu, POWER, 0x03030002);
    harness_done(&h);
}

static void test_access_control(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 4);
    Device *scu = harness_device(&h, "scu", "scu", NULL);
    write_ns(scu, 1, CONTROL, 1);
    expect_reg_ns(scu, 1, CONTROL, 0);
    write_ns(scu, 1, SNSAC, 0xfff);
    expect_reg(scu, SNSAC, 0);
    write_reg(scu, SNSAC, 0x2);
    write_ns(scu, 1, CONTROL, 1);
    expect_reg_ns(scu, 1, CONTROL, 1);
    write_ns(scu, 0, CONTROL, 0);
    expect_reg(scu, CONTROL, 1);
    write_ns(scu, 1, SNSAC, 0xfff);
    expect_reg(scu, SNSAC, 0x2);
    write_reg(scu, SAC, 0x4); /* from now on only CPU 2 */
    write_reg(scu, CONTROL, 0);
    write_reg(scu, SAC, 0xf);
    write_ns(scu, 1, CONTROL, 0);
    expect_reg(scu, CONTROL, 1);
    expect_reg(scu, SAC, 0x4);
    write_cpu(scu, 2, CONTROL, 0);
    expect_reg(scu, CONTROL, 0);
    write_cpu(scu, 2, SAC, 0);
    write_cpu(scu, 2, SAC, 0xf); /* locked for good */
    expect_reg(scu, SAC, 0);
    harness_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registers),
        cmocka_unit_test(test_power_status_by_byte),
        cmocka_unit_test(test_access_control),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
