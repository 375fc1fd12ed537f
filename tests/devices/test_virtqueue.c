/* Virtqueues by themselves: chains as drivers make them, and as they should not be. */
#include "tests/devices/virtio_driver.h"

#include "devices/virtqueue.h"

enum { SIZE = 8 };

static Driver d;
static Virtqueue queue;
static VirtqueueAccess queue_access;
static VirtChain chain;

static int setup(void **state)
{
    (void)state;
    memset(&d, 0, sizeof d);
    harness_init(&d.h, 1);
    driver_memory(&d.h, &d.memory);
    d.queue[0].size = SIZE;
    queue = (Virtqueue){.size = SIZE,
                        .ready = 1,
                        .descriptors = {ring(0, 0)},
                        .driver = {ring(0, DRIVER_AVAIL)},
                        .device = {ring(0, DRIVER_USED)}};
    queue_access = (VirtqueueAccess){.bus = d.h.env.bus, .queue = &queue, .indirect = true};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    driver_done(&d);
    return 0;
}

static void expect_refused(const char *part)
{
    const char *problem = virtqueue_next(&queue_access, &chain);
    if (!problem || !strstr(problem, part))
        fail_msg("\"%s\" should mention \"%s\"", problem ? problem : "no problem", part);
}

static void test_setting_up(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint32_t value;
        bool works;
    } cases[] = {
        {offsetof(Virtqueue, size),           8,                           true },
        {offsetof(Virtqueue, size),           256,                         true },
        {offsetof(Virtqueue, size),           0,                           false},
        {offsetof(Virtqueue, size),           12,                          false},
        {offsetof(Virtqueue, size),           512,                         false},
        {offsetof(Virtqueue, descriptors),    MEMORY + 8,                  false},
        {offsetof(Virtqueue, descriptors),    MEMORY - 16,                 false},
        {offsetof(Virtqueue, descriptors),    MEMORY + MEMORY_BYTES - 64,  false},
        {offsetof(Virtqueue, descriptors),    MEMORY + MEMORY_BYTES - 128, true },
        {offsetof(Virtqueue, descriptors[1]), 1,                           false},
        {offsetof(Virtqueue, driver),         MEMORY + 1,                  false},
        {offsetof(Virtqueue, driver),         MEMORY + MEMORY_BYTES - 20,  false},
        {offsetof(Virtqueue, driver),         MEMORY + MEMORY_BYTES - 22,  true },
        {offsetof(Virtqueue, device),         MEMORY + 2,                  false},
        {offsetof(Virtqueue, device),         0xfffffffc,                  false},
        {offsetof(Virtqueue, device[1]),      0x80000000,                  false},
    };
    const Virtqueue good = queue;
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        queue = good;
        memcpy((uint8_t *)&queue + cases[n].at, &cases[n].value, 4);
        if (!virtqueue_problem(&queue_access) != cases[n].works)
            fail_msg("case %u should %s", n, cases[n].works ? "work" : "be refused");
    }
}

static void test_chain(void **state)
{
    (void)state;
    driver_offer(&d, 0, 4,
                 (Buffer[]){
                     {DATA,      3, false},
                     {DATA + 16, 0, false},
                     {DATA + 32, 5, false},
                     {DATA + 64, 7, true }
    });
    memcpy(at(&d, DATA), "abc", 3);
    memcpy(at(&d, DATA + 32), "defgh", 5);
    assert_int_equal(virtqueue_waiting(&queue_access), 1);
    assert_null(virtqueue_next(&queue_access, &chain));
    assert_int_equal(chain.readable, 2); /* the empty one does not count */
    assert_int_equal(chain.writable, 1);
    assert_int_equal(chain.readable_bytes, 8);
    assert_int_equal(chain.writable_bytes, 7);
    char text[16] = "";
    assert_int_equal(virt_chain_read(&chain, 2, text, 4), 4);
    assert_string_equal(text, "cdef");
    assert_int_equal(virt_chain_read(&chain, 6, text, 16), 2);
    assert_int_equal(virt_chain_read(&chain, 8, text, 1), 0);
    assert_int_equal(virt_chain_write(&chain, 5, "xyz", 3), 2);
    assert_memory_equal(at(&d, DATA + 64), "\0\0\0\0\0xy\0", 8);
    assert_int_equal(virtqueue_waiting(&queue_access), 1);
    virtqueue_advance(&queue_access);
    assert_int_equal(virtqueue_waiting(&queue_access), 0);
}

static void test_indirect(void **state)
{
    (void)state;
    uint32_t table = DATA + 0x1000;
    for (unsigned n = 0; n < 20; n++) /* more than the queue has */
        driver_descriptor(&d, table, n, &(Buffer){DATA + 16 * n, 16, n >= 10}, n < 19 ? DESC_NEXT : 0,
                          (uint16_t)(n + 1));
    driver_descriptor(&d, ring(0, 0), 3, &(Buffer){table, 20 * 16, true}, DESC_INDIRECT, 0);
    driver_publish(&d, 0, 3);
    assert_null(virtqueue_next(&queue_access, &chain)); /* the table's own WRITE flag means nothing */
    assert_int_equal(chain.head, 3);
    assert_int_equal(chain.readable, 10);
    assert_int_equal(chain.writable, 10);
    queue_access.indirect = false;
    expect_refused("not negotiated");
    queue_access.indirect = true;
    driver_descriptor(&d, ring(0, 0), 3, &(Buffer){table, 20 * 16 + 1, false}, DESC_INDIRECT, 0);
    expect_refused("not one");
    driver_descriptor(&d, ring(0, 0), 3, &(Buffer){table, 0, false}, DESC_INDIRECT, 0);
    expect_refused("not one");
    driver_descriptor(&d, ring(0, 0), 3, &(Buffer){table, 32, false}, DESC_INDIRECT | DESC_NEXT, 1);
    expect_refused("not one");
    driver_descriptor(&d, ring(0, 0), 3, &(Buffer){table, 32, false}, DESC_INDIRECT, 0);
    expect_refused("outside its table"); /* entry 2 */
    driver_descriptor(&d, ring(0, 0), 3, &(Buffer){MEMORY - 16, 32, false}, DESC_INDIRECT, 0);
    expect_refused("not in memory");
    driver_descriptor(&d, table, 0, &(Buffer){table, 32, false}, DESC_INDIRECT, 0);
    driver_descriptor(&d, ring(0, 0), 3, &(Buffer){table, 32, false}, DESC_INDIRECT, 0);
    expect_refused("within another");
}

static void test_bad_chains(void **state)
{
    (void)state;
    driver_publish(&d, 0, SIZE);
    expect_refused("outside its table");
    put16(&d, ring(0, DRIVER_AVAIL) + 4, 0xffff);
    expect_refused("outside its table");
    put16(&d, ring(0, DRIVER_AVAIL) + 4, 0);
    static const Buffer bad[] = {
        {MEMORY + MEMORY_BYTES - 4, 5,          false},
        {MEMORY - 1,                4,          true },
        {0xffffffff,                0xffffffff, true },
        {0,                         1,          false},
        {MEMORY,                    0xffffffff, false}
    };
    for (unsigned n = 0; n < sizeof bad / sizeof *bad; n++) {
        driver_descriptor(&d, ring(0, 0), 0, &bad[n], 0, 0);
        expect_refused("not in memory");
    }
    driver_descriptor(&d, ring(0, 0), 0, &(Buffer){DATA, 4, false}, 0, 0);
    put32(&d, ring(0, 4), 1); /* above 4 GiB */
    expect_refused("not in memory");
    driver_descriptor(&d, ring(0, 0), 0, &(Buffer){DATA, 4, true}, DESC_NEXT, 1);
    driver_descriptor(&d, ring(0, 0), 1, &(Buffer){DATA, 4, false}, 0, 0);
    expect_refused("follows one to write");
}

static void test_circles(void **state)
{
    (void)state;
    driver_publish(&d, 0, 0);
    driver_descriptor(&d, ring(0, 0), 0, &(Buffer){DATA, 4, false}, DESC_NEXT, 1);
    driver_descriptor(&d, ring(0, 0), 1, &(Buffer){DATA, 4, false}, DESC_NEXT, 0);
    expect_refused("too long");
    driver_descriptor(&d, ring(0, 0), 1, &(Buffer){DATA, 0, false}, DESC_NEXT, 1);
    expect_refused("circles");
    /* As many bytes as a 32-bit number cannot count. */
    for (unsigned n = 0; n < SIZE; n++)
        driver_descriptor(&d, ring(0, 0), n, &(Buffer){MEMORY, MEMORY_BYTES, false}, DESC_NEXT,
                          (uint16_t)((n + 1) % SIZE));
    expect_refused("too long");
}

static void test_giving_back(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 3 * SIZE; n++) {
        uint32_t id, written;
        assert_true(virtqueue_give_back(&queue_access, n % SIZE, 100 + n));
        assert_true(driver_used(&d, 0, &id, &written));
        assert_int_equal(id, n % SIZE);
        assert_int_equal(written, 100 + n);
        assert_false(driver_used(&d, 0, &id, &written));
    }
    queue.device[0] = 0;
    assert_false(virtqueue_give_back(&queue_access, 0, 0));
}

static void test_indices_wrap(void **state)
{
    (void)state;
    queue.taken = queue.used = queue.signalled = d.queue[0].offered = 0xfffe;
    put16(&d, ring(0, DRIVER_AVAIL) + 2, 0xfffe);
    for (unsigned n = 0; n < 4; n++)
        driver_offer(&d, 0, 1, &(Buffer){DATA + 16 * n, 16, true});
    for (unsigned n = 0; n < 4; n++) {
        assert_int_equal(virtqueue_waiting(&queue_access), 4 - n);
        assert_null(virtqueue_next(&queue_access, &chain));
        assert_int_equal(chain.segment[0].address, DATA + 16 * n);
        virtqueue_advance(&queue_access);
        assert_true(virtqueue_give_back(&queue_access, chain.head, 0));
    }
    assert_int_equal(get16(&d, ring(0, DRIVER_USED) + 2), 2);
    assert_true(virtqueue_wants_interrupt(&queue_access));
}

static void test_interrupts_by_flag(void **state)
{
    (void)state;
    assert_false(virtqueue_wants_interrupt(&queue_access)); /* nothing came back */
    virtqueue_give_back(&queue_access, 0, 0);
    assert_true(virtqueue_wants_interrupt(&queue_access));
    assert_false(virtqueue_wants_interrupt(&queue_access)); /* once is enough */
    put16(&d, ring(0, DRIVER_AVAIL), 1);
    virtqueue_give_back(&queue_access, 0, 0);
    assert_false(virtqueue_wants_interrupt(&queue_access));
}

static void test_interrupts_by_index(void **state)
{
    (void)state;
    uint32_t used_event = ring(0, DRIVER_AVAIL) + 4 + 2 * SIZE;
    queue_access.event_index = true;
    put16(&d, ring(0, DRIVER_AVAIL), 1); /* the flag means nothing now */
    put16(&d, used_event, 2);            /* when the third comes back */
    static const bool wanted[] = {false, false, true, false, false};
    for (unsigned n = 0; n < 5; n++) {
        virtqueue_give_back(&queue_access, 0, 0);
        assert_int_equal(virtqueue_wants_interrupt(&queue_access), wanted[n]);
    }
    put16(&d, used_event, 6); /* several at a time, the seventh among them */
    for (unsigned n = 0; n < 4; n++)
        virtqueue_give_back(&queue_access, 0, 0);
    assert_true(virtqueue_wants_interrupt(&queue_access));
    queue.taken = 0x12345;
    virtqueue_ask_for_notification(&queue_access);
    assert_int_equal(get16(&d, ring(0, DRIVER_USED) + 4 + 8 * SIZE), 0x2345);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_setting_up),
        TEST(test_chain),
        TEST(test_indirect),
        TEST(test_bad_chains),
        TEST(test_circles),
        TEST(test_giving_back),
        TEST(test_indices_wrap),
        TEST(test_interrupts_by_flag),
        TEST(test_interrupts_by_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
