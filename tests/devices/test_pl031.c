/* PL031: the clock counts virtual seconds from the machine's base, can be set, and raises its alarm. */
#include "tests/devices/harness.h"

enum { DR = 0x000, MR = 0x004, LR = 0x008, CR = 0x00c, IMSC = 0x010, RIS = 0x014, MIS = 0x018, ICR = 0x01c };

#define SECONDS(n) ((uint64_t)(n)*1000000000u)

static Device *make(Harness *h, uint32_t base)
{
    harness_init(h, 1);
    h->env.rtc_base = base;
    return harness_device(h, "pl031", "rtc", NULL);
}

static void test_counts_from_the_base(void **state)
{
    (void)state;
    Harness h;
    Device *rtc = make(&h, 1700000000);
    expect_reg(rtc, DR, 1700000000);
    expect_reg(rtc, CR, 1);
    step(&h, SECONDS(90));
    expect_reg(rtc, DR, 1700000090);
    write_reg(rtc, LR, 5);
    expect_reg(rtc, LR, 5);
    step(&h, SECONDS(2));
    expect_reg(rtc, DR, 7);
    device_reset(rtc); /* the battery keeps it */
    expect_reg(rtc, DR, 7);
    harness_done(&h);
}

static void test_alarm(void **state)
{
    (void)state;
    Harness h;
    Device *rtc = make(&h, 100);
    write_reg(rtc, MR, 103);
    write_reg(rtc, IMSC, 1);
    step(&h, SECONDS(2));
    expect_irq(rtc, 0, false);
    step(&h, SECONDS(1));
    expect_irq(rtc, 0, true);
    expect_reg(rtc, RIS, 1);
    expect_reg(rtc, MIS, 1);
    write_reg(rtc, IMSC, 0);
    expect_irq(rtc, 0, false);
    expect_reg(rtc, MIS, 0);
    write_reg(rtc, IMSC, 1);
    write_reg(rtc, ICR, 1);
    expect_irq(rtc, 0, false);
    step(&h, SECONDS(10));
    expect_irq(rtc, 0, false);
    harness_done(&h);
}

/* The comparison is of 32 bits: a match behind the clock is reached after it wraps. */
static void test_alarm_after_wrap(void **state)
{
    (void)state;
    Harness h;
    Device *rtc = make(&h, 0xfffffffe);
    write_reg(rtc, IMSC, 1);
    write_reg(rtc, MR, 1);
    step(&h, SECONDS(2));
    expect_reg(rtc, DR, 0);
    expect_irq(rtc, 0, false);
    step(&h, SECONDS(1));
    expect_irq(rtc, 0, true);
    harness_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_from_the_base),
        cmocka_unit_test(test_alarm),
        cmocka_unit_test(test_alarm_after_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
