/* System controller SP810 (DDI 0254). */
#include "harness.h"

enum {
    SCCTRL = 0x00,
    SCSYSSTAT = 0x04,
    SCXTALCTRL = 0x10,
    SCPLLCTRL = 0x14,
    SCPERCTRL1 = 0x20,
    SCPEREN = 0x24,
    SCPERDIS = 0x28,
    SCPERCLKEN = 0x2c,
    SCPERSTAT = 0x30
};

static void test_modes(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *s = harness_device(&h, "sp810", "sysctl", NULL);
    expect_reg(s, SCCTRL, 0x9); /* DOZE, and in DOZE */
    const struct {
        uint32_t mode, status;
    } cases[] = {
        {0, 0},
        {1, 1},
        {2, 2},
        {3, 2},
        {4, 4},
        {7, 4}
    };
    for (unsigned n = 0; n < 6; n++) {
        write_reg(s, SCCTRL, cases[n].mode);
        expect_reg(s, SCCTRL, cases[n].status << 3 | cases[n].mode);
    }
    expect_reg(s, SCXTALCTRL, 4);
    expect_reg(s, SCPLLCTRL, 4);
    write_reg(s, SCCTRL, 2);
    expect_reg(s, SCXTALCTRL, 4);
    expect_reg(s, SCPLLCTRL, 0);
    write_reg(s, SCPLLCTRL, 3);
    expect_reg(s, SCPLLCTRL, 7);
    harness_done(&h);
}

static void test_timer_selection_is_kept(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *s = harness_device(&h, "sp810", "sysctl", NULL);
    write_reg(s, SCCTRL, 1u << 15 | 1u << 17 | 1u << 19 | 1u << 21);
    expect_reg(s, SCCTRL, 0x002a8000);
    write_reg(s, SCCTRL, 0xffffffff);
    expect_reg(s, SCCTRL, 0x00fff327);
    harness_done(&h);
}

/* RemapClear (bit 8) shows in RemapStat (bit 9) and on the output, until a reset. */
static void test_remap(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *s = harness_device(&h, "sp810", "sysctl", NULL);
    assert_false(s->out[0].level);
    write_reg(s, SCCTRL, 0x101);
    expect_reg(s, SCCTRL, 0x309);
    assert_true(s->out[0].level);
    device_reset(s);
    assert_false(s->out[0].level);
    harness_done(&h);
}

static void test_soft_reset(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *s = harness_device(&h, "sp810", "sysctl", NULL);
    expect_reg(s, SCSYSSTAT, 0);
    assert_int_equal(h.requests[REQUEST_REBOOT], 0);
    write_reg(s, SCSYSSTAT, 0);
    assert_int_equal(h.requests[REQUEST_REBOOT], 1);
    harness_done(&h);
}

static void test_peripheral_clocks(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *s = harness_device(&h, "sp810", "sysctl", NULL);
    write_reg(s, SCPERDIS, 0xffffffff);
    expect_reg(s, SCPERCLKEN, 0);
    write_reg(s, SCPEREN, 0x30);
    write_reg(s, SCPEREN, 0x03);
    write_reg(s, SCPERDIS, 0x10);
    expect_reg(s, SCPERCLKEN, 0x23);
    expect_reg(s, SCPERSTAT, 0x23);
    write_reg(s, SCPERCTRL1, 0x12345678);
    expect_reg(s, SCPERCTRL1, 0x12345678);
    expect_reg(s, 0xfe0, 0x10);
    expect_reg(s, 0xfe4, 0x18);
    expect_reg(s, 0xfe8, 0x04);
    harness_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_timer_selection_is_kept),
        cmocka_unit_test(test_remap),
        cmocka_unit_test(test_soft_reset),
        cmocka_unit_test(test_peripheral_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
