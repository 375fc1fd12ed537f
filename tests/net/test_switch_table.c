#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "net/switch_table.h"

static SwitchTable table;

static int pass(const char *to, const char *sender, int from)
{
    uint8_t frame[14] = {0};
    memcpy(frame, to, NET_MAC);
    memcpy(frame + NET_MAC, sender, NET_MAC);
    return switch_table_pass(&table, frame, from);
}

#define A "\x02\x00\x00\x00\x00\x0a"
#define B "\x02\x00\x00\x00\x00\x0b"
#define GROUP "\x01\x00\x5e\x00\x00\x01"

static void test_learning(void **state)
{
    (void)state;
    switch_table_init(&table);
    assert_int_equal(pass(B, A, 3), SWITCH_EVERY_PORT);
    assert_int_equal(pass(A, B, 5), 3);
    assert_int_equal(pass(B, A, 3), 5);
    assert_int_equal(pass(B, A, 4), 5); /* A has moved */
    assert_int_equal(pass(A, B, 5), 4);
    assert_int_equal(pass("\xff\xff\xff\xff\xff\xff", A, 4), SWITCH_EVERY_PORT);
    assert_int_equal(pass(GROUP, A, 4), SWITCH_EVERY_PORT);
    switch_table_forget(&table, 4);
    assert_int_equal(pass(A, B, 5), SWITCH_EVERY_PORT);
}

static void test_groups_send_nothing(void **state)
{
    (void)state;
    switch_table_init(&table);
    pass(A, GROUP, 3);
    assert_int_equal(pass(GROUP, A, 4), SWITCH_EVERY_PORT);
}

/* Many made-up senders: the table stays what it is, and whoever speaks again is found again. */
static void test_flood(void **state)
{
    (void)state;
    switch_table_init(&table);
    pass(B, A, 1);
    for (uint32_t n = 0; n < 100000; n++) {
        char sender[NET_MAC] = {2, 1};
        memcpy(sender + 2, &n, sizeof n);
        pass(B, sender, 2);
    }
    pass(B, A, 1);
    assert_int_equal(pass(A, B, 3), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learning),
        cmocka_unit_test(test_groups_send_nothing),
        cmocka_unit_test(test_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
