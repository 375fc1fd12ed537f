/* The 9P device: messages and answers in chains, many under way, resets, snapshots between any two steps. */
#include "tests/devices/virtio_driver.h"

#include "machine/arrivals.h"

enum { SIZE = 64, RLERROR = 7, TREAD = 116, HEADER = 7 };
enum { LATENCY = 20000 };

/* A share that answers each message with its bytes, the type plus one. */
typedef struct Echo {
    unsigned handled, resets;
    uint8_t last;
} Echo;

static void handle(void *share, ShareRequest *request)
{
    Echo *echo = share;
    size_t size = request->size < request->room ? request->size : request->room;
    echo->handled++;
    memcpy(request->answer, request->message, size);
    request->answer[4]++;
    request->answered = size;
    echo->last = request->message[HEADER];
}

static void reset(void *share)
{
    ((Echo *)share)->resets++;
}

static uint8_t *save(void *share, size_t *size)
{
    uint8_t *bytes = malloc(1);
    assert_non_null(bytes);
    *bytes = ((Echo *)share)->last;
    *size = 1;
    return bytes;
}

static bool load(void *share, const uint8_t *bytes, size_t size)
{
    ((Echo *)share)->last = *bytes;
    return size == 1;
}

static const ShareOps ops = {handle, reset, save, load};
static Driver d;
static Echo echo;
static Arrivals *arrivals;

/* deterministic: by the harness's clock, otherwise by a thread. */
static void make(bool deterministic)
{
    echo = (Echo){0};
    arrivals = arrivals_new();
    driver_init(&d, "virtio_9p", NULL);
    share_port_connect(&d.h.env.share[0], "folder", &ops, &echo, deterministic ? d.h.env.clock : NULL,
                       arrivals);
    driver_negotiate(&d, 1);
    driver_queue(&d, 0, SIZE);
    write_reg(d.dev, REG_STATUS, 0xf);
}

static void done(void)
{
    share_port_disconnect(&d.h.env.share[0]);
    driver_done(&d);
    arrivals_free(arrivals);
}

/* Writes a message of so many bytes, whose first byte after the header is `mark`. */
static void message(uint32_t address, uint32_t size, uint8_t mark)
{
    memset(at(&d, address), 0, size);
    put32(&d, address, size);
    *(uint8_t *)at(&d, address + 4) = TREAD;
    put16(&d, address + 5, 77);
    if (size > HEADER)
        *(uint8_t *)at(&d, address + HEADER) = mark;
}

static void offer(unsigned n, uint8_t mark)
{
    uint32_t in = DATA + 0x100 * n, out = DATA + 0x10000 + 0x100 * n;
    message(in, 23, mark);
    put32(&d, in + 19, 64); /* its count */
    driver_offer(&d, 0, 2,
                 (Buffer[]){
                     {in,  23,  false},
                     {out, 100, true }
    });
}

static void expect_answer(unsigned n, uint8_t mark)
{
    uint32_t id, written, out = DATA + 0x10000 + 0x100 * n;
    assert_true(driver_used(&d, 0, &id, &written));
    assert_int_equal(written, 23);
    assert_int_equal(*(uint8_t *)at(&d, out + 4), TREAD + 1);
    assert_int_equal(*(uint8_t *)at(&d, out + HEADER), mark);
}

static void expect_no_answer(void)
{
    uint32_t id, written;
    assert_false(driver_used(&d, 0, &id, &written));
}

static void test_identity(void **state)
{
    (void)state;
    make(true);
    expect_reg(d.dev, REG_DEVICE_ID, 9);
    write_reg(d.dev, REG_FEATURES_SEL, 0);
    assert_true(read_reg(d.dev, REG_FEATURES) & 1);
    expect_equal(read_narrow(d.dev, REG_CONFIG, 2), 6);
    char tag[8] = "";
    for (unsigned n = 0; n < 6; n++)
        tag[n] = (char)read_narrow(d.dev, REG_CONFIG + 2 + n, 1);
    assert_string_equal(tag, "folder");
    expect_equal(read_narrow(d.dev, REG_CONFIG + 8, 1), 0);
    done();
}

static void test_deterministic(void **state)
{
    (void)state;
    make(true);
    for (unsigned n = 0; n < 3; n++)
        offer(n, (uint8_t)(10 + n));
    driver_notify(&d, 0);
    step(&d.h, LATENCY - 1);
    expect_no_answer();
    assert_int_equal(echo.handled, 0);
    step(&d.h, 1000);
    expect_answer(0, 10);
    expect_no_answer();
    expect_irq(d.dev, 0, true);
    step(&d.h, 10 * LATENCY);
    expect_answer(1, 11);
    expect_answer(2, 12);
    assert_int_equal(echo.handled, 3);
    done();
}

static void test_thread(void **state)
{
    (void)state;
    make(false);
    for (unsigned n = 0; n < SIZE / 2; n++)
        offer(n, (uint8_t)n);
    driver_notify(&d, 0);
    host_work_drain(d.h.env.share[0].work);
    for (unsigned n = 0; n < SIZE / 2; n++)
        expect_answer(n, (uint8_t)n);
    expect_no_answer();
    done();
}

/* Nothing of the guest's memory is touched once the driver has reset the device. */
static void test_reset(void **state)
{
    (void)state;
    for (unsigned thread = 0; thread < 2; thread++) {
        make(!thread);
        for (unsigned n = 0; n < 5; n++)
            offer(n, 1);
        driver_notify(&d, 0);
        write_reg(d.dev, REG_STATUS, 0);
        assert_int_equal(echo.resets, 1);
        step(&d.h, SECOND_NS);
        arrivals_deliver(arrivals);
        expect_no_answer();
        assert_int_equal(get32(&d, DATA + 0x10000), 0);
        driver_negotiate(&d, 1);
        driver_queue(&d, 0, SIZE);
        write_reg(d.dev, REG_STATUS, 0xf);
        offer(9, 3);
        driver_notify(&d, 0);
        step(&d.h, SECOND_NS);
        host_work_drain(d.h.env.share[0].work);
        expect_answer(9, 3);
        done();
    }
}

static void test_odd_chains(void **state)
{
    (void)state;
    uint32_t id, written;
    make(true);
    message(DATA, 6, 0);
    driver_offer(&d, 0, 2,
                 (Buffer[]){
                     {DATA,         6,   false},
                     {DATA + 0x100, 100, true }
    }); /* no whole header */
    driver_offer(&d, 0, 1, &(Buffer){DATA, 6, false});
    message(DATA + 0x200, 20, 0);
    driver_offer(&d, 0, 2,
                 (Buffer[]){
                     {DATA + 0x200, 20, false},
                     {DATA + 0x300, 3,  true }
    });
    driver_offer(&d, 0, 1, &(Buffer){DATA + 0x400, 100, true});
    driver_notify(&d, 0);
    step(&d.h, SECOND_NS);
    static const uint32_t wanted[] = {11, 0, 3, 11};
    for (unsigned n = 0; n < 4; n++) {
        assert_true(driver_used(&d, 0, &id, &written));
        assert_int_equal(written, wanted[n]);
    }
    assert_int_equal(*(uint8_t *)at(&d, DATA + 0x104), RLERROR);
    assert_int_equal(get16(&d, DATA + 0x105), 77); /* as much of its tag as there is */
    driver_expect_broken(&d, false);
    done();
}

static void test_nothing_connected(void **state)
{
    (void)state;
    uint32_t id, written;
    driver_init(&d, "virtio_9p", NULL);
    expect_equal(read_narrow(d.dev, REG_CONFIG, 2), 0);
    driver_negotiate(&d, 1);
    driver_queue(&d, 0, SIZE);
    write_reg(d.dev, REG_STATUS, 0xf);
    offer(0, 1);
    driver_notify(&d, 0);
    assert_true(driver_used(&d, 0, &id, &written));
    assert_int_equal(written, 11);
    assert_int_equal(get16(&d, DATA + 0x10005), 77);
    driver_done(&d);
}

/* Saved and loaded at any moment, the same answers come at the same times. */
static void test_snapshot(void **state)
{
    (void)state;
    make(true);
    for (unsigned n = 0; n < 3; n++)
        offer(n, (uint8_t)(20 + n));
    driver_notify(&d, 0);
    step(&d.h, LATENCY + 1000);
    expect_answer(0, 20);
    d.dev->type->saving(d.dev);
    echo.last = 99;
    d.dev->type->loaded(d.dev);
    assert_int_equal(echo.last, 20);
    expect_no_answer();
    step(&d.h, LATENCY);
    expect_answer(1, 21);
    expect_no_answer();
    step(&d.h, LATENCY + 1000);
    expect_answer(2, 22);
    assert_int_equal(echo.handled, 3);
    done();
}

static void test_bad_number(void **state)
{
    (void)state;
    Harness h;
    Error err;
    harness_init(&h, 1);
    assert_null(device_new(device_type_find("virtio_9p"), "x", &h.env, &(DeviceProps){{4}}, 0, &err));
    assert_non_null(strstr(err.text, "no share 4"));
    harness_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),   cmocka_unit_test(test_deterministic),
        cmocka_unit_test(test_thread),     cmocka_unit_test(test_reset),
        cmocka_unit_test(test_odd_chains), cmocka_unit_test(test_nothing_connected),
        cmocka_unit_test(test_snapshot),   cmocka_unit_test(test_bad_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
