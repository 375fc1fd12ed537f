/* Dual timer SP804 (DDI 0271). TIMCLK is 1 MHz: 1 us. */
#include "harness.h"

enum {
    LOAD = 0x00,
    VALUE = 0x04,
    CONTROL = 0x08,
    INTCLR = 0x0c,
    RIS = 0x10,
    MIS = 0x14,
    BGLOAD = 0x18,
    TIMER2 = 0x20,
    ITCR = 0xf00,
    ITOP = 0xf04,
    ONE_SHOT = 0x01,
    SIZE_32 = 0x02,
    DIV_16 = 0x04,
    DIV_256 = 0x08,
    INT_ENABLE = 0x20,
    PERIODIC = 0x40,
    ENABLE = 0x80,
    TICK = 1000
};

static void test_reset_values(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "sp804", "timer", NULL);
    for (uint32_t base = 0; base <= TIMER2; base += TIMER2) {
        expect_reg(t, base + LOAD, 0);
        expect_reg(t, base + VALUE, 0xffffffff);
        expect_reg(t, base + CONTROL, 0x20);
        expect_reg(t, base + RIS, 0);
        expect_reg(t, base + MIS, 0);
        expect_reg(t, base + BGLOAD, 0);
    }
    const uint32_t id[] = {0x04, 0x18, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    for (unsigned n = 0; n < 8; n++)
        expect_reg(t, 0xfe0 + 4 * n, id[n]);
    harness_done(&h);
}

static void test_free_running(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "sp804", "timer", NULL);
    write_reg(t, CONTROL, ENABLE | SIZE_32);
    step(&h, 5 * TICK);
    expect_reg(t, VALUE, 0xfffffffa);
    write_reg(t, LOAD, 3);
    expect_reg(t, VALUE, 3);
    step(&h, 3 * TICK);
    expect_reg(t, VALUE, 0);
    expect_reg(t, RIS, 1);
    step(&h, TICK);
    expect_reg(t, VALUE, 0xffffffff);
    write_reg(t, INTCLR, 0);
    expect_reg(t, RIS, 0);
    step(&h, (UINT64_C(1) << 32) * TICK - 2 * TICK);
    expect_reg(t, RIS, 0);
    step(&h, TICK);
    expect_reg(t, RIS, 1);
    harness_done(&h);
}

static void test_sixteen_bits(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "sp804", "timer", NULL);
    write_reg(t, LOAD, 0x12340002);
    write_reg(t, CONTROL, ENABLE | INT_ENABLE);
    step(&h, 2 * TICK);
    expect_irq(t, 0, true);
    step(&h, TICK);
    expect_reg(t, VALUE, 0x1234ffff); /* the upper half is not cleared and does not count */
    write_reg(t, INTCLR, 1);
    step(&h, 0xffff * TICK);
    expect_irq(t, 0, true);
    harness_done(&h);
}

static void test_periodic(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "sp804", "timer", NULL);
    write_reg(t, LOAD, 10000); /* TimerXLoad = interval * TIMCLK: 100 Hz */
    write_reg(t, CONTROL, ENABLE | PERIODIC | INT_ENABLE | SIZE_32);
    for (unsigned n = 0; n < 100; n++) {
        step(&h, 10 * MILLISECOND_NS - 1);
        expect_irq(t, 0, false);
        step(&h, 1);
        expect_irq(t, 0, true);
        write_reg(t, INTCLR, 1);
        expect_irq(t, 0, false);
    }
    step(&h, 25 * MILLISECOND_NS);
    expect_reg(t, VALUE, 5000);
    expect_reg(t, MIS, 1);
    harness_done(&h);
}

static void test_background_load(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "sp804", "timer", NULL);
    write_reg(t, LOAD, 100);
    write_reg(t, CONTROL, ENABLE | PERIODIC | INT_ENABLE | SIZE_32);
    step(&h, 40 * TICK);
    write_reg(t, BGLOAD, 300);
    expect_reg(t, LOAD, 300);
    expect_reg(t, VALUE, 60); /* the count goes on */
    step(&h, 60 * TICK);
    expect_irq(t, 0, true);
    write_reg(t, INTCLR, 1);
    step(&h, 299 * TICK);
    expect_irq(t, 0, false);
    expect_reg(t, VALUE, 1);
    step(&h, TICK);
    expect_irq(t, 0, true);
    harness_done(&h);
}

static void test_one_shot(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "sp804", "timer", NULL);
    write_reg(t, CONTROL, ENABLE | ONE_SHOT | PERIODIC | INT_ENABLE | SIZE_32);
    write_reg(t, LOAD, 50);
    step(&h, 50 * TICK);
    expect_irq(t, 0, true);
    write_reg(t, INTCLR, 1);
    step(&h, SECOND_NS);
    expect_irq(t, 0, false);
    expect_reg(t, VALUE, 0); /* halted */
    write_reg(t, LOAD, 50);
    step(&h, 50 * TICK);
    expect_irq(t, 0, true);
    write_reg(t, INTCLR, 1);
    write_reg(t, CONTROL, ENABLE | PERIODIC | INT_ENABLE | SIZE_32); /* clearing the bit restarts it too */
    step(&h, 50 * TICK);
    expect_irq(t, 0, true);
    harness_done(&h);
}

static void test_prescalers(void **state)
{
    (void)state;
    const struct {
        uint32_t control;
        unsigned divider;
    } cases[] = {
        {0,       1  },
        {DIV_16,  16 },
        {DIV_256, 256}
    };
    for (unsigned n = 0; n < 3; n++) {
        Harness h;
        harness_init(&h, 1);
        Device *t = harness_device(&h, "sp804", "timer", NULL);
        write_reg(t, LOAD, 1000);
        write_reg(t, CONTROL, ENABLE | SIZE_32 | cases[n].control);
        step(&h, (uint64_t)100 * cases[n].divider * TICK - 1);
        expect_reg(t, VALUE, 901);
        step(&h, 1);
        expect_reg(t, VALUE, 900);
        harness_done(&h);
    }
}

static void test_outputs(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "sp804", "timer",
                               &(DeviceProps){
                                   {1000000, 2000000}
    });
    write_reg(t, LOAD, 30);
    write_reg(t, TIMER2 + LOAD, 30);
    write_reg(t, CONTROL, ENABLE | PERIODIC | INT_ENABLE);
    write_reg(t, TIMER2 + CONTROL, ENABLE | PERIODIC | INT_ENABLE);
    step(&h, 15 * TICK); /* the second one's clock is twice as fast */
    expect_irq(t, 0, true);
    expect_irq(t, 1, false);
    expect_irq(t, 2, true);
    step(&h, 15 * TICK);
    expect_irq(t, 1, true);
    write_reg(t, TIMER2 + INTCLR, 1);
    expect_irq(t, 0, true);
    expect_irq(t, 2, false);
    write_reg(t, CONTROL, ENABLE | PERIODIC);
    expect_irq(t, 0, false);
    expect_irq(t, 1, false);
    expect_reg(t, RIS, 1);
    expect_reg(t, MIS, 0);
    write_reg(t, ITOP, 2);
    expect_irq(t, 2, false);
    write_reg(t, ITCR, 1);
    expect_irq(t, 2, true);
    expect_irq(t, 0, true);
    harness_done(&h);
}

static void test_absurd_values(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *t = harness_device(&h, "sp804", "timer",
                               &(DeviceProps){
                                   {0xffffffff, 1}
    });
    write_reg(t, CONTROL, ENABLE | PERIODIC | INT_ENABLE | SIZE_32);
    write_reg(t, LOAD, 0); /* an interrupt at once */
    expect_irq(t, 1, true);
    step(&h, SECOND_NS);
    for (unsigned n = 0; n < 1000; n++) {
        write_reg(t, INTCLR, 1);
        step(&h, 1);
        expect_irq(t, 1, true);
    }
    write_reg(t, TIMER2 + LOAD, 0xffffffff);
    write_reg(t, TIMER2 + CONTROL, 0xffffffff);
    step(&h, 1000 * SECOND_NS);
    expect_reg(t, TIMER2 + VALUE, 0xffffffff - 1000 / 256);
    harness_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_values),    cmocka_unit_test(test_free_running),
        cmocka_unit_test(test_sixteen_bits),    cmocka_unit_test(test_periodic),
        cmocka_unit_test(test_background_load), cmocka_unit_test(test_one_shot),
        cmocka_unit_test(test_prescalers),      cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_absurd_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
