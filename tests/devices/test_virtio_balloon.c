/* The memory balloon: pages that go to the host and come back as zeros, reports of free pages, statistics. */
#include "tests/devices/virtio_driver.h"

enum { SIZE = 16, INFLATE = 0, DEFLATE, STATS, FREE_PAGES, REPORTS, QUEUES, PAGE = 4096 };
enum { F_STATS = 2, F_HINT = 8, F_POISON = 16, F_REPORTING = 32 };
enum { NUM_PAGES = REG_CONFIG, ACTUAL = REG_CONFIG + 4, HINT_ID = REG_CONFIG + 8, POISON = REG_CONFIG + 12 };

static Driver d;
static unsigned discards, writes;
static bool refuses;

static bool discard(void *opaque, uint8_t *host, uint64_t size)
{
    (void)opaque;
    discards++;
    if (refuses)
        return false;
    memset(host, 0, size);
    return true;
}

static void written(void *opaque, uint32_t pa, uint32_t size)
{
    (void)opaque;
    (void)pa;
    writes += size / PAGE;
}

/* Rings of 4 KiB apart, below DATA; test pages above. */
static void make(uint32_t features)
{
    driver_init(&d, "virtio_balloon", NULL);
    bus_on_discard(d.h.env.bus, discard, NULL);
    bus_on_write(d.h.env.bus, written, NULL);
    discards = writes = 0;
    refuses = false;
    driver_negotiate(&d, features);
    for (unsigned n = 0; n < 2; n++)
        driver_queue(&d, n, SIZE);
    write_reg(d.dev, REG_STATUS, 0xf);
}

/* The driver of the tests has two queues; the others take the place of the second. */
static void use_queue(unsigned queue)
{
    write_reg(d.dev, REG_QUEUE_SEL, queue);
    memset(at(&d, ring(1, 0)), 0, QUEUE_BYTES);
    write_reg(d.dev, REG_QUEUE_NUM, SIZE);
    write_reg(d.dev, REG_DESC, ring(1, 0));
    write_reg(d.dev, REG_DRIVER, ring(1, DRIVER_AVAIL));
    write_reg(d.dev, REG_DEVICE, ring(1, DRIVER_USED));
    write_reg(d.dev, REG_QUEUE_READY, 1);
    d.queue[1] = (DriverQueue){.size = SIZE};
}

static void mark(uint32_t page)
{
    put32(&d, page, 0x12345678);
    put32(&d, page + PAGE - 4, 0x12345678);
}

static void expect_page(uint32_t page, uint32_t value)
{
    expect_equal(get32(&d, page), value);
    expect_equal(get32(&d, page + PAGE - 4), value);
}

static BalloonState state_of(void)
{
    BalloonState state;
    d.h.env.balloon.look(d.h.env.balloon.opaque, &state);
    return state;
}

static void test_inflate(void **state)
{
    (void)state;
    uint32_t id, length, first = DATA + 0x10000;
    static const unsigned pages[] = {0, 1, 2, 5};
    make(0);
    expect_reg(d.dev, REG_DEVICE_ID, 5);
    for (unsigned n = 0; n < 7; n++)
        mark(first + n * PAGE);
    for (unsigned n = 0; n < 4; n++)
        put32(&d, DATA + 4 * n, first / PAGE + pages[n]);
    put32(&d, DATA + 16, 0x80000); /* nothing is there */
    put32(&d, DATA + 20, 0xffffffff);
    driver_offer(&d, INFLATE, 1, &(Buffer){DATA, 24, false});
    driver_notify(&d, INFLATE);
    assert_true(driver_used(&d, INFLATE, &id, &length));
    assert_int_equal(length, 0);
    for (unsigned n = 0; n < 7; n++)
        expect_page(first + n * PAGE, n < 3 || n == 5 ? 0 : 0x12345678);
    assert_int_equal(discards, 2); /* those in a row at once */
    assert_int_equal(writes, 4);   /* code in them is forgotten */
    assert_int_equal(state_of().given_back, 4 * PAGE);
    driver_offer(&d, DEFLATE, 1, &(Buffer){DATA, 16, false});
    driver_notify(&d, DEFLATE);
    assert_true(driver_used(&d, DEFLATE, &id, &length));
    driver_expect_broken(&d, false);
    driver_done(&d);
}

static void test_host_that_keeps_memory(void **state)
{
    (void)state;
    make(0);
    refuses = true;
    mark(DATA + PAGE);
    put32(&d, DATA, DATA / PAGE + 1);
    driver_offer(&d, INFLATE, 1, &(Buffer){DATA, 4, false});
    driver_notify(&d, INFLATE);
    expect_page(DATA + PAGE, 0);
    driver_done(&d);
}

static void test_target(void **state)
{
    (void)state;
    make(0);
    expect_reg(d.dev, NUM_PAGES, 0);
    d.h.env.balloon.set_target(d.h.env.balloon.opaque, 5000);
    expect_reg(d.dev, NUM_PAGES, 5000);
    expect_reg(d.dev, REG_INT_STATUS, 2);
    expect_irq(d.dev, 0, true);
    write_reg(d.dev, REG_INT_ACK, 2);
    d.h.env.balloon.set_target(d.h.env.balloon.opaque, 5000);
    expect_irq(d.dev, 0, false);
    write_reg(d.dev, ACTUAL, 77);
    write_reg(d.dev, NUM_PAGES, 1);
    assert_int_equal(state_of().actual, 77);
    assert_int_equal(state_of().target, 5000);
    assert_true(state_of().driven);
    write_reg(d.dev, REG_STATUS, 0);
    assert_false(state_of().driven);
    assert_int_equal(state_of().target, 5000); /* for whoever comes next */
    assert_int_equal(state_of().actual, 0);
    driver_done(&d);
}

static void report(unsigned queue, uint32_t from, uint32_t size)
{
    uint32_t id, length;
    driver_offer(&d, 1, 2,
                 (Buffer[]){
                     {from,           size, true},
                     {DATA + 0x40000, PAGE, true}
    });
    write_reg(d.dev, REG_NOTIFY, queue);
    assert_true(driver_used(&d, 1, &id, &length));
}

static void test_reports(void **state)
{
    (void)state;
    /* By the standard, and as Linux numbers queues without hints. */
    for (unsigned n = 0; n < 2; n++) {
        make(F_REPORTING | (n ? 0 : F_HINT));
        use_queue(n ? FREE_PAGES : REPORTS);
        assert_true(state_of().reports);
        for (unsigned k = 0; k < 4; k++)
            mark(DATA + 0x10000 + k * PAGE);
        mark(DATA + 0x40000);
        report(n ? FREE_PAGES : REPORTS, DATA + 0x10000 + 100, 3 * PAGE); /* whole pages only */
        expect_page(DATA + 0x10000, 0x12345678);
        expect_page(DATA + 0x10000 + PAGE, 0);
        expect_page(DATA + 0x10000 + 2 * PAGE, 0);
        expect_page(DATA + 0x10000 + 3 * PAGE, 0x12345678);
        expect_page(DATA + 0x40000, 0);
        driver_done(&d);
    }
    make(F_REPORTING | F_HINT | F_POISON);
    use_queue(REPORTS);
    write_reg(d.dev, POISON, 0xaaaaaaaa);
    mark(DATA + 0x10000);
    report(REPORTS, DATA + 0x10000, PAGE);
    expect_page(DATA + 0x10000, 0x12345678);
    write_reg(d.dev, POISON, 0);
    report(REPORTS, DATA + 0x10000, PAGE);
    expect_page(DATA + 0x10000, 0);
    /* Hints are taken and mean nothing. */
    use_queue(FREE_PAGES);
    mark(DATA + 0x10000);
    report(FREE_PAGES, DATA + 0x10000, PAGE);
    expect_page(DATA + 0x10000, 0x12345678);
    expect_reg(d.dev, HINT_ID, 0);
    driver_done(&d);
}

static void put_stat(unsigned n, uint16_t tag, uint64_t value)
{
    memcpy(at(&d, DATA + 10 * n), &tag, 2);
    memcpy(at(&d, DATA + 10 * n + 2), &value, 8);
}

static void test_stats(void **state)
{
    (void)state;
    uint32_t id, length;
    make(F_STATS);
    use_queue(STATS);
    put_stat(0, 4, 0x123456789a);
    put_stat(1, 5, 1 << 30);
    put_stat(2, 99, 5); /* of a later standard */
    driver_offer(&d, 1, 1, &(Buffer){DATA, 35, false});
    write_reg(d.dev, REG_NOTIFY, STATS);
    assert_false(driver_used(&d, 1, &id, &length)); /* kept until news are wanted */
    BalloonState seen = state_of();
    assert_int_equal(seen.known, 0x30);
    assert_int_equal(seen.stat[4], 0x123456789a);
    assert_true(driver_used(&d, 1, &id, &length));
    put_stat(0, 4, 7);
    driver_offer(&d, 1, 1, &(Buffer){DATA, 10, false});
    write_reg(d.dev, REG_NOTIFY, STATS);
    seen = state_of();
    assert_int_equal(seen.known, 0x10);
    assert_int_equal(seen.stat[4], 7);
    write_reg(d.dev, REG_STATUS, 0);
    assert_int_equal(state_of().known, 0);
    driver_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inflate), cmocka_unit_test(test_host_that_keeps_memory),
        cmocka_unit_test(test_target),  cmocka_unit_test(test_reports),
        cmocka_unit_test(test_stats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
