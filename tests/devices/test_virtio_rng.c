/* The entropy device: bytes of the environment, or of a generator that can be repeated and saved. */
#include "tests/devices/virtio_driver.h"

enum { SIZE = 8, QUEUE_MOST = 4096 };

static Driver d;

static void make(uint64_t seed, void (*entropy)(uint8_t *bytes, size_t size))
{
    memset(&d, 0, sizeof d);
    harness_init(&d.h, 1);
    d.h.env.seed = seed;
    d.h.env.entropy = entropy;
    driver_memory(&d.h, &d.memory);
    d.dev = harness_device(&d.h, "virtio_rng", "rng", NULL);
    driver_negotiate(&d, 0);
    driver_queue(&d, 0, SIZE);
    write_reg(d.dev, REG_STATUS, 0xf);
}

static uint32_t ask(uint32_t size)
{
    uint32_t id, written;
    memset(at(&d, DATA), 0, 0x10000);
    driver_offer(&d, 0, 1, &(Buffer){DATA, size, true});
    driver_notify(&d, 0);
    assert_true(driver_used(&d, 0, &id, &written));
    expect_irq(d.dev, 0, true);
    return written;
}

static void host(uint8_t *bytes, size_t size)
{
    memset(bytes, 0x5a, size);
}

static void test_environment(void **state)
{
    (void)state;
    make(1, host);
    expect_reg(d.dev, REG_DEVICE_ID, 4);
    assert_int_equal(ask(100), 100);
    for (unsigned n = 0; n < 100; n++)
        assert_int_equal(*(uint8_t *)at(&d, DATA + n), 0x5a);
    assert_int_equal(get32(&d, DATA + 100), 0);
    driver_done(&d);
}

static void test_sizes(void **state)
{
    (void)state;
    make(1, NULL);
    assert_int_equal(ask(1), 1);
    assert_int_equal(*(uint8_t *)at(&d, DATA + 1), 0);
    assert_int_equal(ask(0x10000), QUEUE_MOST);
    assert_int_equal(get32(&d, DATA + QUEUE_MOST), 0);
    uint32_t id, written;
    driver_offer(&d, 0, 1, &(Buffer){DATA, 8, false}); /* nowhere to write */
    driver_notify(&d, 0);
    assert_true(driver_used(&d, 0, &id, &written));
    assert_int_equal(written, 0);
    driver_expect_broken(&d, false);
    driver_done(&d);
}

static void test_repeatable(void **state)
{
    (void)state;
    uint8_t first[256], second[256];
    make(7, NULL);
    ask(256);
    memcpy(first, at(&d, DATA), 256);
    ask(256);
    memcpy(second, at(&d, DATA), 256);
    assert_memory_not_equal(first, second, 8);
    device_reset(d.dev); /* goes on where it was */
    driver_negotiate(&d, 0);
    driver_queue(&d, 0, SIZE);
    write_reg(d.dev, REG_STATUS, 0xf);
    ask(256);
    assert_memory_not_equal(first, at(&d, DATA), 8);
    driver_done(&d);
    make(7, NULL);
    ask(256);
    assert_memory_equal(first, at(&d, DATA), 256);
    driver_done(&d);
    make(8, NULL);
    ask(256);
    assert_memory_not_equal(first, at(&d, DATA), 8);
    driver_done(&d);
}

/* Bits are set as often as not. */
static void test_spread(void **state)
{
    (void)state;
    unsigned ones = 0;
    make(0, NULL);
    ask(QUEUE_MOST);
    for (unsigned n = 0; n < QUEUE_MOST; n += 4)
        ones += (unsigned)__builtin_popcount(get32(&d, DATA + n));
    assert_in_range(ones, QUEUE_MOST * 4 - 600, QUEUE_MOST * 4 + 600);
    driver_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_repeatable),
        cmocka_unit_test(test_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
