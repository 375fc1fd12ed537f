/* BP147: set and clear registers change their own group only, and the size register keeps its ten bits. */
#include "tests/devices/harness.h"

static void test_groups(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *tzpc = harness_device(&h, "bp147", "tzpc", NULL);
    write_reg(tzpc, 0x804, 0xffffff0f);
    write_reg(tzpc, 0x810, 0x3c);
    expect_reg(tzpc, 0x800, 0x0f);
    expect_reg(tzpc, 0x80c, 0x3c);
    expect_reg(tzpc, 0x818, 0);
    write_reg(tzpc, 0x814, 0x0c);
    expect_reg(tzpc, 0x80c, 0x30);
    write_reg(tzpc, 0x800, 0xff); /* read-only */
    expect_reg(tzpc, 0x800, 0x0f);
    harness_done(&h);
}

static void test_size(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *tzpc = harness_device(&h, "bp147", "tzpc", NULL);
    expect_reg(tzpc, 0x000, 0x200);
    write_reg(tzpc, 0x000, 0xffffffff);
    expect_reg(tzpc, 0x000, 0x3ff);
    harness_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
