/* Level 2 cache controller L2C-310 (DDI 0246) with 512 KiB in 8 ways. */
#include "harness.h"

enum {
    CACHE_ID = 0x000,
    CACHE_TYPE = 0x004,
    CONTROL = 0x100,
    AUX = 0x104,
    TAG_LATENCY = 0x108,
    EVENT_CONTROL = 0x200,
    EVENT_COUNTER1 = 0x20c,
    EVENT_COUNTER0 = 0x210,
    INTERRUPT_MASK = 0x214,
    MASKED_STATUS = 0x218,
    LOCKDOWN = 0x900,
    FILTER_START = 0xc00,
    DEBUG = 0xf40,
    PREFETCH = 0xf60,
    POWER = 0xf80
};

static void test_identification(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *l2 = harness_device(&h, "l2c310", "l2", NULL);
    expect_reg(l2, CACHE_ID, 0x410000c8);
    expect_reg(l2, AUX, 0x02060000);
    expect_reg(l2, CACHE_TYPE, 0x1e300300); /* 64 KiB ways, 8 of them */
    write_reg(l2, AUX, 0x02050000);
    expect_reg(l2, CACHE_TYPE, 0x1e240240); /* 32 KiB ways, 16 of them */
    expect_reg(l2, TAG_LATENCY, 0x777);
    expect_reg(l2, CONTROL, 0);
    expect_reg(l2, POWER, 0);
    harness_done(&h);
}

static void test_maintenance_completes_at_once(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *l2 = harness_device(&h, "l2c310", "l2", NULL);
    const uint32_t operations[] = {0x730, 0x770, 0x77c, 0x7b0, 0x7b8, 0x7bc, 0x7f0, 0x7f8, 0x7fc, 0x954};
    for (unsigned n = 0; n < sizeof operations / sizeof *operations; n++) {
        write_reg(l2, operations[n], 0xffffffff);
        expect_reg(l2, operations[n], 0);
    }
    harness_done(&h);
}

static void test_locked_while_enabled(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *l2 = harness_device(&h, "l2c310", "l2", NULL);
    write_reg(l2, AUX, 0xffffffff);
    expect_reg(l2, AUX, 0x7fff3c01);
    write_reg(l2, CONTROL, 0xffffffff);
    expect_reg(l2, CONTROL, 1);
    write_reg(l2, AUX, 0);
    write_reg(l2, TAG_LATENCY, 0);
    expect_reg(l2, AUX, 0x7fff3c01);
    expect_reg(l2, TAG_LATENCY, 0x777);
    write_reg(l2, CONTROL, 0);
    write_reg(l2, TAG_LATENCY, 0);
    expect_reg(l2, TAG_LATENCY, 0);
    harness_done(&h);
}

static void test_prefetch_bits_are_shared(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *l2 = harness_device(&h, "l2c310", "l2", NULL);
    write_reg(l2, PREFETCH, 0xffffffff);
    expect_reg(l2, PREFETCH, 0x79a0001f);
    expect_reg(l2, AUX, 0x32060000);
    write_reg(l2, AUX, 0x12060000);
    expect_reg(l2, PREFETCH, 0x59a0001f);
    harness_done(&h);
}

static void test_other_registers(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *l2 = harness_device(&h, "l2c310", "l2", NULL);
    for (unsigned n = 0; n < 16; n++) {
        write_reg(l2, LOCKDOWN + 4 * n, 0xffffff00 + n);
        expect_reg(l2, LOCKDOWN + 4 * n, 0xff00 + n);
    }
    write_reg(l2, FILTER_START, 0xffffffff);
    expect_reg(l2, FILTER_START, 0xfff00001);
    write_reg(l2, DEBUG, 0xffffffff);
    expect_reg(l2, DEBUG, 7);
    write_reg(l2, EVENT_COUNTER0, 5);
    write_reg(l2, EVENT_COUNTER1, 6);
    write_reg(l2, EVENT_CONTROL, 2);
    expect_reg(l2, EVENT_CONTROL, 0);
    expect_reg(l2, EVENT_COUNTER0, 0);
    expect_reg(l2, EVENT_COUNTER1, 6);
    write_reg(l2, EVENT_CONTROL, 1);
    write_reg(l2, EVENT_COUNTER1, 9);
    expect_reg(l2, EVENT_COUNTER1, 6);
    write_reg(l2, INTERRUPT_MASK, 0xffffffff);
    expect_reg(l2, INTERRUPT_MASK, 0x1ff);
    expect_reg(l2, MASKED_STATUS, 0);
    expect_irq(l2, 0, false);
    harness_done(&h);
}

static void test_nonsecure_access(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *l2 = harness_device(&h, "l2c310", "l2", NULL);
    write_ns(l2, 0, CONTROL, 1);
    write_ns(l2, 0, POWER, 3);
    write_ns(l2, 0, LOCKDOWN, 1);
    write_ns(l2, 0, INTERRUPT_MASK, 1);
    expect_reg(l2, CONTROL, 0);
    expect_reg(l2, POWER, 0);
    expect_reg(l2, LOCKDOWN, 0);
    expect_reg(l2, INTERRUPT_MASK, 0);
    expect_reg_ns(l2, 0, CACHE_ID, 0x410000c8);
    write_reg(l2, AUX, 0x0e060000); /* Non-secure lockdown and interrupts allowed */
    write_ns(l2, 0, LOCKDOWN, 1);
    write_ns(l2, 0, INTERRUPT_MASK, 1);
    expect_reg(l2, LOCKDOWN, 1);
    expect_reg(l2, INTERRUPT_MASK, 1);
    harness_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identification),       cmocka_unit_test(test_maintenance_completes_at_once),
        cmocka_unit_test(test_locked_while_enabled), cmocka_unit_test(test_prefetch_bits_are_shared),
        cmocka_unit_test(test_other_registers),      cmocka_unit_test(test_nonsecure_access),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
