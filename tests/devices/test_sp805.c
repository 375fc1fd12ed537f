/* Watchdog SP805 (DDI 0270), with a clock of 1 kHz here. */
#include "harness.h"

enum {
    LOAD = 0x000,
    VALUE = 0x004,
    CONTROL = 0x008,
    INTCLR = 0x00c,
    RIS = 0x010,
    MIS = 0x014,
    LOCK = 0xc00,
    ITCR = 0xf00,
    ITOP = 0xf04,
    INTEN = 1,
    RESEN = 2
};

static Device *watchdog(Harness *h)
{
    harness_init(h, 1);
    return harness_device(h, "sp805", "wdt", &(DeviceProps){{1000}});
}

static void test_reset_values(void **state)
{
    (void)state;
    Harness h;
    Device *w = watchdog(&h);
    expect_reg(w, LOAD, 0xffffffff);
    expect_reg(w, VALUE, 0xffffffff);
    expect_reg(w, CONTROL, 0);
    expect_reg(w, RIS, 0);
    expect_reg(w, MIS, 0);
    expect_reg(w, LOCK, 0);
    const uint32_t id[] = {0x05, 0x18, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    for (unsigned n = 0; n < 8; n++)
        expect_reg(w, 0xfe0 + 4 * n, id[n]);
    harness_done(&h);
}

static void test_interrupt_then_reset(void **state)
{
    (void)state;
    Harness h;
    Device *w = watchdog(&h);
    write_reg(w, LOAD, 1000);
    step(&h, 5 * SECOND_NS);
    expect_reg(w, VALUE, 1000); /* INTEN lets it count */
    write_reg(w, CONTROL, INTEN | RESEN);
    step(&h, SECOND_NS / 4);
    expect_reg(w, VALUE, 750);
    step(&h, SECOND_NS * 3 / 4);
    expect_irq(w, 0, true);
    expect_reg(w, RIS, 1);
    expect_reg(w, MIS, 1);
    step(&h, SECOND_NS / 2);
    expect_reg(w, VALUE, 500);
    assert_int_equal(h.requests[REQUEST_REBOOT], 0);
    step(&h, SECOND_NS / 2);
    assert_int_equal(h.requests[REQUEST_REBOOT], 1);
    step(&h, 10 * SECOND_NS);
    assert_int_equal(h.requests[REQUEST_REBOOT], 1);
    device_reset(w);
    expect_irq(w, 0, false);
    expect_reg(w, CONTROL, 0);
    harness_done(&h);
}

static void test_served_in_time(void **state)
{
    (void)state;
    Harness h;
    Device *w = watchdog(&h);
    write_reg(w, LOAD, 1000);
    write_reg(w, CONTROL, INTEN | RESEN);
    for (unsigned n = 0; n < 10; n++) {
        step(&h, SECOND_NS + SECOND_NS / 2);
        expect_irq(w, 0, true);
        write_reg(w, INTCLR, 0); /* any value: clears and reloads */
        expect_irq(w, 0, false);
        expect_reg(w, VALUE, 1000);
    }
    assert_int_equal(h.requests[REQUEST_REBOOT], 0);
    harness_done(&h);
}

static void test_no_reset_without_resen(void **state)
{
    (void)state;
    Harness h;
    Device *w = watchdog(&h);
    write_reg(w, LOAD, 10);
    write_reg(w, CONTROL, INTEN);
    step(&h, 100 * SECOND_NS);
    expect_irq(w, 0, true);
    assert_int_equal(h.requests[REQUEST_REBOOT], 0);
    write_reg(w, CONTROL, INTEN | RESEN); /* the interrupt still waits: the next zero resets */
    step(&h, 10 * MILLISECOND_NS);
    assert_int_equal(h.requests[REQUEST_REBOOT], 1);
    harness_done(&h);
}

static void test_disable_and_enable_reloads(void **state)
{
    (void)state;
    Harness h;
    Device *w = watchdog(&h);
    write_reg(w, LOAD, 1000);
    write_reg(w, CONTROL, INTEN);
    step(&h, SECOND_NS / 2);
    write_reg(w, CONTROL, 0);
    step(&h, SECOND_NS);
    expect_reg(w, VALUE, 500);
    write_reg(w, CONTROL, INTEN);
    expect_reg(w, VALUE, 1000);
    harness_done(&h);
}

static void test_lock(void **state)
{
    (void)state;
    Harness h;
    Device *w = watchdog(&h);
    write_reg(w, LOCK, 1);
    expect_reg(w, LOCK, 1);
    write_reg(w, LOAD, 5);
    write_reg(w, CONTROL, INTEN | RESEN);
    write_reg(w, ITCR, 1);
    expect_reg(w, LOAD, 0xffffffff);
    expect_reg(w, CONTROL, 0);
    expect_reg(w, ITCR, 0);
    write_reg(w, LOCK, 0x1acce550);
    expect_reg(w, LOCK, 1);
    write_reg(w, LOCK, 0x1acce551);
    expect_reg(w, LOCK, 0);
    write_reg(w, LOAD, 5);
    expect_reg(w, LOAD, 5);
    harness_done(&h);
}

static void test_integration_outputs(void **state)
{
    (void)state;
    Harness h;
    Device *w = watchdog(&h);
    write_reg(w, ITOP, 2);
    expect_irq(w, 0, false);
    write_reg(w, ITCR, 1);
    expect_irq(w, 0, true);
    write_reg(w, ITOP, 1);
    expect_irq(w, 0, false);
    assert_int_equal(h.requests[REQUEST_REBOOT], 1);
    harness_done(&h);
}

static void test_absurd_loads(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *w = harness_device(&h, "sp805", "wdt", &(DeviceProps){{0xffffffff}});
    write_reg(w, CONTROL, INTEN);
    write_reg(w, LOAD, 0);
    expect_irq(w, 0, true);
    for (unsigned n = 0; n < 1000; n++) {
        write_reg(w, INTCLR, 0);
        step(&h, 1);
        expect_irq(w, 0, true);
    }
    step(&h, 100 * SECOND_NS);
    harness_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_values),
        cmocka_unit_test(test_interrupt_then_reset),
        cmocka_unit_test(test_served_in_time),
        cmocka_unit_test(test_no_reset_without_resen),
        cmocka_unit_test(test_disable_and_enable_reloads),
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_integration_outputs),
        cmocka_unit_test(test_absurd_loads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
