/* Global timer of the Cortex-A9 MPCore (DDI 0407, 4.3). PERIPHCLK is 200 MHz: 5 ns. */
#include "harness.h"

enum {
    COUNTER = 0x00,
    CONTROL = 0x08,
    STATUS = 0x0c,
    COMPARE = 0x10,
    INCREMENT = 0x18,
    ENABLE = 1,
    COMPARE_ENABLE = 2,
    IRQ_ENABLE = 4,
    AUTO_INCREMENT = 8,
    TICK = 5
};

static void set_compare(Device *t, unsigned cpu, uint64_t value)
{
    write_cpu(t, cpu, COMPARE, (uint32_t)value);
    write_cpu(t, cpu, COMPARE + 4, (uint32_t)(value >> 32));
}

static void test_counts_64_bits(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "global_timer", "gtimer", NULL);
    expect_reg(t, COUNTER, 0);
    expect_reg(t, CONTROL, 0);
    step(&h, 100 * TICK);
    expect_reg(t, COUNTER, 0);
    write_reg(t, CONTROL, ENABLE);
    step(&h, 100 * TICK);
    expect_reg(t, COUNTER, 100);
    write_reg(t, CONTROL, 0);
    step(&h, 100 * TICK);
    expect_reg(t, COUNTER, 100);
    write_reg(t, COUNTER, 0xfffffff0);
    write_reg(t, COUNTER + 4, 7);
    write_reg(t, CONTROL, ENABLE);
    step(&h, 0x20 * TICK);
    expect_reg(t, COUNTER, 0x10);
    expect_reg(t, COUNTER + 4, 8);
    harness_done(&h);
}

static void test_prescaler_is_common(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 2);
    Device *t = harness_device(&h, "global_timer", "gtimer", NULL);
    write_cpu(t, 0, CONTROL, 0x0900 | ENABLE | AUTO_INCREMENT);
    expect_reg_cpu(t, 1, CONTROL, 0x0901); /* enable and prescaler shared, the rest banked */
    step(&h, 10 * 50 * TICK);
    expect_reg_cpu(t, 1, COUNTER, 50);
    write_cpu(t, 1, CONTROL, 0x0901 | IRQ_ENABLE);
    expect_reg_cpu(t, 0, CONTROL, 0x0901 | AUTO_INCREMENT);
    harness_done(&h);
}

static void test_comparators(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 4);
    Device *t = harness_device(&h, "global_timer", "gtimer", NULL);
    for (unsigned cpu = 0; cpu < 4; cpu++) {
        set_compare(t, cpu, 100 * (cpu + 1));
        write_cpu(t, cpu, CONTROL, ENABLE | COMPARE_ENABLE | IRQ_ENABLE);
    }
    step(&h, 100 * TICK - 1);
    expect_irq(t, 0, false);
    step(&h, 1);
    expect_irq(t, 0, true);
    expect_irq(t, 1, false);
    step(&h, 150 * TICK);
    expect_irq(t, 1, true);
    expect_irq(t, 2, false);
    expect_reg_cpu(t, 1, STATUS, 1);
    write_cpu(t, 1, STATUS, 1);
    expect_irq(t, 1, true); /* greater than or equal still holds */
    set_compare(t, 1, 1000);
    write_cpu(t, 1, STATUS, 1);
    expect_irq(t, 1, false);
    expect_irq(t, 0, true);
    harness_done(&h);
}

static void test_auto_increment(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "global_timer", "gtimer", NULL);
    set_compare(t, 0, 1000);
    write_reg(t, INCREMENT, 200);
    write_reg(t, CONTROL, ENABLE | COMPARE_ENABLE | IRQ_ENABLE | AUTO_INCREMENT);
    step(&h, 1000 * TICK);
    expect_irq(t, 0, true);
    expect_reg(t, COMPARE, 1200);
    write_reg(t, STATUS, 1);
    expect_irq(t, 0, false);
    step(&h, 199 * TICK);
    expect_irq(t, 0, false);
    step(&h, TICK);
    expect_irq(t, 0, true);
    step(&h, 2050 * TICK); /* missed ones are one event */
    expect_reg(t, COMPARE, 3400);
    write_reg(t, STATUS, 1);
    expect_irq(t, 0, false);
    step(&h, 150 * TICK);
    expect_irq(t, 0, true);
    harness_done(&h);
}

static void test_without_interrupt(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "global_timer", "gtimer", NULL);
    set_compare(t, 0, 10);
    write_reg(t, CONTROL, ENABLE | COMPARE_ENABLE);
    step(&h, 20 * TICK);
    expect_reg(t, STATUS, 1);
    expect_irq(t, 0, false);
    assert_int_equal(clock_next_due(h.env.clock), CLOCK_NEVER);
    harness_done(&h);
}

static void test_far_and_absurd_values(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "global_timer", "gtimer", &(DeviceProps){{0xffffffff}});
    set_compare(t, 0, UINT64_MAX);
    write_reg(t, CONTROL, 0xff00 | ENABLE | COMPARE_ENABLE | IRQ_ENABLE | AUTO_INCREMENT);
    step(&h, 100000 * SECOND_NS);
    expect_irq(t, 0, false);
    write_reg(t, INCREMENT, 1);
    set_compare(t, 0, 0);
    write_reg(t, COUNTER, 0xffffffff);
    write_reg(t, COUNTER + 4, 0xffffffff);
    write_reg(t, CONTROL, ENABLE | COMPARE_ENABLE | IRQ_ENABLE | AUTO_INCREMENT);
    for (unsigned n = 0; n < 1000; n++) {
        step(&h, 1);
        write_reg(t, STATUS, 1);
    }
    step(&h, SECOND_NS);
    expect_irq(t, 0, true);
    harness_done(&h);
}

/* A comparator beyond the horizon of one event is still met to the tick. */
static void test_distant_match(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "global_timer", "gtimer", NULL);
    const uint64_t ticks = UINT64_C(5) << 40;
    set_compare(t, 0, ticks);
    write_reg(t, CONTROL, ENABLE | COMPARE_ENABLE | IRQ_ENABLE);
    step(&h, ticks * TICK - 1);
    expect_irq(t, 0, false);
    step(&h, 1);
    expect_irq(t, 0, true);
    harness_done(&h);
}

static void test_nonsecure_access(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 2);
    Device *t = harness_device(&h, "global_timer", "gtimer", NULL);
    t->peer = harness_device(&h, "scu", "scu", NULL);
    write_ns(t, 0, CONTROL, ENABLE);
    expect_reg(t, CONTROL, 0);
    write_reg(t->peer, 0x54, 1 << 8);
    write_ns(t, 0, CONTROL, ENABLE);
    expect_reg_ns(t, 0, CONTROL, ENABLE);
    expect_reg_ns(t, 1, CONTROL, 0);
    harness_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_64_bits),    cmocka_unit_test(test_prescaler_is_common),
        cmocka_unit_test(test_comparators),       cmocka_unit_test(test_auto_increment),
        cmocka_unit_test(test_without_interrupt), cmocka_unit_test(test_far_and_absurd_values),
        cmocka_unit_test(test_distant_match),     cmocka_unit_test(test_nonsecure_access),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
