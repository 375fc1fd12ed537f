/* Private timers and watchdogs of the Cortex-A9 MPCore (DDI 0407, 4.1 and 4.2). PERIPHCLK is 200 MHz: 5 ns.
 */
#include "harness.h"

enum {
    LOAD = 0x00,
    COUNTER = 0x04,
    CONTROL = 0x08,
    STATUS = 0x0c,
    RESET_STATUS = 0x10,
    DISABLE = 0x14,
    ENABLE = 1,
    AUTO_RELOAD = 2,
    IRQ_ENABLE = 4,
    WATCHDOG_MODE = 8,
    TICK = 5
};

static void test_reset_values(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 4);
    Device *t = harness_device(&h, "a9_timer", "ptimer", NULL);
    for (uint32_t at = 0; at < 0x10; at += 4)
        expect_reg(t, at, 0);
    write_reg(t, CONTROL, 0xffffffff);
    expect_reg(t, CONTROL, 0xff07); /* no watchdog mode here */
    harness_done(&h);
}

static void test_one_shot(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "a9_timer", "ptimer", NULL);
    write_reg(t, LOAD, 100);
    expect_reg(t, COUNTER, 100); /* written along */
    step(&h, 1000);
    expect_reg(t, COUNTER, 100); /* not enabled */
    write_reg(t, CONTROL, ENABLE | IRQ_ENABLE);
    step(&h, 40 * TICK);
    expect_reg(t, COUNTER, 60);
    step(&h, 59 * TICK);
    expect_reg(t, COUNTER, 1);
    expect_reg(t, STATUS, 0);
    expect_irq(t, 0, false);
    step(&h, TICK);
    expect_reg(t, COUNTER, 0);
    expect_reg(t, STATUS, 1);
    expect_irq(t, 0, true);
    step(&h, 1000 * TICK);
    expect_reg(t, COUNTER, 0); /* stopped */
    write_reg(t, STATUS, 0);
    expect_irq(t, 0, true);
    write_reg(t, STATUS, 1);
    expect_irq(t, 0, false);
    step(&h, 1000 * TICK);
    expect_reg(t, STATUS, 0);
    write_reg(t, COUNTER, 10); /* runs again from there */
    step(&h, 10 * TICK);
    expect_irq(t, 0, true);
    expect_reg(t, LOAD, 100);
    harness_done(&h);
}

/* Interval = (PRESCALER + 1) * (Load + 1) / PERIPHCLK */
static void test_auto_reload(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "a9_timer", "ptimer", NULL);
    write_reg(t, LOAD, 9);
    write_reg(t, CONTROL, ENABLE | AUTO_RELOAD | IRQ_ENABLE);
    step(&h, 9 * TICK);
    expect_reg(t, COUNTER, 0);
    expect_irq(t, 0, true);
    write_reg(t, STATUS, 1);
    expect_irq(t, 0, false);
    step(&h, TICK);
    expect_reg(t, COUNTER, 9);
    step(&h, 8 * TICK);
    expect_irq(t, 0, false);
    step(&h, TICK);
    expect_irq(t, 0, true);
    step(&h, 1000007 * 10 * TICK); /* nobody looks: nothing is lost, nothing storms */
    expect_reg(t, COUNTER, 0);
    step(&h, 3 * TICK);
    expect_reg(t, COUNTER, 7);
    harness_done(&h);
}

static void test_prescaler(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "a9_timer", "ptimer", NULL);
    write_reg(t, LOAD, 1000);
    write_reg(t, CONTROL, 0xff00 | ENABLE);
    step(&h, 256 * 10 * TICK - 1);
    expect_reg(t, COUNTER, 991);
    step(&h, 1);
    expect_reg(t, COUNTER, 990);
    write_reg(t, CONTROL, 0x0100 | ENABLE);
    step(&h, 2 * 10 * TICK);
    expect_reg(t, COUNTER, 980);
    write_reg(t, CONTROL, 0);
    step(&h, 1000);
    expect_reg(t, COUNTER, 980);
    harness_done(&h);
}

static void test_clock_property(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "a9_timer", "ptimer", &(DeviceProps){{1000}});
    write_reg(t, LOAD, 1000);
    write_reg(t, CONTROL, ENABLE | IRQ_ENABLE);
    step(&h, SECOND_NS - 1);
    expect_irq(t, 0, false);
    step(&h, 1);
    expect_irq(t, 0, true);
    harness_done(&h);
}

static void test_banks(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 4);
    Device *t = harness_device(&h, "a9_timer", "ptimer", NULL);
    for (unsigned cpu = 0; cpu < 4; cpu++) {
        write_cpu(t, cpu, LOAD, 100 * (cpu + 1));
        write_cpu(t, cpu, CONTROL, ENABLE | IRQ_ENABLE);
    }
    step(&h, 250 * TICK);
    const bool fired[] = {true, true, false, false};
    for (unsigned cpu = 0; cpu < 4; cpu++) {
        expect_irq(t, cpu, fired[cpu]);
        expect_reg_cpu(t, cpu, STATUS, fired[cpu]);
    }
    expect_reg_cpu(t, 2, COUNTER, 50);
    write_cpu(t, 0, STATUS, 1);
    expect_irq(t, 0, false);
    expect_irq(t, 1, true);
    step(&h, 150 * TICK);
    expect_irq(t, 3, true);
    harness_done(&h);
}

static void test_interrupt_enabled_later(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "a9_timer", "ptimer", NULL);
    write_reg(t, LOAD, 10);
    write_reg(t, CONTROL, ENABLE);
    step(&h, 20 * TICK);
    expect_reg(t, STATUS, 1);
    expect_irq(t, 0, false);
    write_reg(t, CONTROL, ENABLE | IRQ_ENABLE);
    expect_irq(t, 0, true);
    harness_done(&h);
}

/* A guest that sets the shortest period and never clears, or always clears, must not stop virtual time. */
static void test_absurd_periods(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "a9_timer", "ptimer", &(DeviceProps){{0xffffffff}});
    write_reg(t, LOAD, 0);
    write_reg(t, CONTROL, ENABLE | AUTO_RELOAD | IRQ_ENABLE);
    step(&h, SECOND_NS);
    expect_irq(t, 0, true);
    expect_reg(t, COUNTER, 0);
    for (unsigned n = 0; n < 1000; n++) {
        write_reg(t, STATUS, 1);
        step(&h, 1);
        expect_irq(t, 0, true);
    }
    write_reg(t, LOAD, 0xffffffff);
    write_reg(t, CONTROL, 0xff00 | ENABLE | AUTO_RELOAD | IRQ_ENABLE);
    write_reg(t, STATUS, 1);
    step(&h, 1000 * SECOND_NS);
    expect_irq(t, 0, true);
    harness_done(&h);
}

static void test_nonsecure_access(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 2);
    Device *scu = harness_device(&h, "scu", "scu", NULL);
    Device *t = harness_device(&h, "a9_timer", "ptimer", NULL);
    write_ns(t, 1, LOAD, 5); /* no peer: no limits */
    expect_reg_ns(t, 1, LOAD, 5);
    t->peer = scu;
    write_ns(t, 1, LOAD, 6);
    expect_reg_cpu(t, 1, LOAD, 5);
    expect_reg_ns(t, 1, LOAD, 0);
    write_reg(scu, 0x54, 1 << 5); /* SNSAC: private timers of CPU 1 */
    write_ns(t, 1, LOAD, 6);
    expect_reg_ns(t, 1, LOAD, 6);
    write_ns(t, 0, LOAD, 6);
    expect_reg_cpu(t, 0, LOAD, 0);
    harness_done(&h);
}

static void test_watchdog_as_timer(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 2);
    Device *w = harness_device(&h, "a9_watchdog", "wdt", NULL);
    write_cpu(w, 1, LOAD, 99);
    write_cpu(w, 1, CONTROL, ENABLE | AUTO_RELOAD | IRQ_ENABLE);
    step(&h, 99 * TICK);
    expect_irq(w, 1, true);
    expect_reg_cpu(w, 1, STATUS, 1);
    expect_reg_cpu(w, 1, RESET_STATUS, 0);
    write_cpu(w, 1, STATUS, 1);
    step(&h, 100 * TICK);
    expect_irq(w, 1, true);
    assert_int_equal(h.requests[REQUEST_REBOOT], 0);
    harness_done(&h);
}

static void test_watchdog_resets(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 2);
    Device *w = harness_device(&h, "a9_watchdog", "wdt", NULL);
    write_reg(w, LOAD, 1000);
    write_reg(w, CONTROL, WATCHDOG_MODE | ENABLE | IRQ_ENABLE | AUTO_RELOAD);
    step(&h, 900 * TICK);
    write_reg(w, COUNTER, 5000); /* ignored in watchdog mode */
    expect_reg(w, COUNTER, 100);
    write_reg(w, LOAD, 1000); /* the way to refresh it */
    step(&h, 900 * TICK);
    assert_int_equal(h.requests[REQUEST_REBOOT], 0);
    step(&h, 99 * TICK);
    assert_int_equal(h.requests[REQUEST_REBOOT], 0);
    step(&h, TICK);
    assert_int_equal(h.requests[REQUEST_REBOOT], 1);
    expect_reg(w, RESET_STATUS, 1);
    expect_reg_cpu(w, 1, RESET_STATUS, 0);
    expect_reg(w, STATUS, 0);
    expect_irq(w, 0, false);
    step(&h, 10000 * TICK);
    assert_int_equal(h.requests[REQUEST_REBOOT], 1);
    device_reset(w);
    expect_reg(w, CONTROL, 0);
    expect_reg(w, RESET_STATUS, 1); /* tells after the reset why there was one */
    write_reg(w, RESET_STATUS, 1);
    expect_reg(w, RESET_STATUS, 0);
    harness_done(&h);
}

static void test_watchdog_mode_is_left_by_sequence_only(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *w = harness_device(&h, "a9_watchdog", "wdt", NULL);
    write_reg(w, CONTROL, WATCHDOG_MODE);
    write_reg(w, CONTROL, 0);
    expect_reg(w, CONTROL, WATCHDOG_MODE);
    write_reg(w, DISABLE, 0x87654321);
    write_reg(w, DISABLE, 0x12345678);
    write_reg(w, DISABLE, 0);
    write_reg(w, DISABLE, 0x87654321);
    expect_reg(w, CONTROL, WATCHDOG_MODE);
    write_reg(w, DISABLE, 0x12345678);
    write_reg(w, DISABLE, 0x87654321);
    expect_reg(w, CONTROL, 0);
    harness_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_values),
        cmocka_unit_test(test_one_shot),
        cmocka_unit_test(test_auto_reload),
        cmocka_unit_test(test_prescaler),
        cmocka_unit_test(test_clock_property),
        cmocka_unit_test(test_banks),
        cmocka_unit_test(test_interrupt_enabled_later),
        cmocka_unit_test(test_absurd_periods),
        cmocka_unit_test(test_nonsecure_access),
        cmocka_unit_test(test_watchdog_as_timer),
        cmocka_unit_test(test_watchdog_resets),
        cmocka_unit_test(test_watchdog_mode_is_left_by_sequence_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
