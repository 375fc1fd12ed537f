/* Frames between two threads: none lost or changed, in order, memory bounded, nobody asleep for ever. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "net/crossing.h"
#include "tests/net/ends.h"

enum { FRAMES = 60000, QUIT = 0xff };

static Side side;
static Crossing *crossing;
static atomic_bool quit;
static unsigned echoed;

/* The network's thread sends everything back. */
static void echo(void *opaque, const uint8_t *frame, size_t length)
{
    (void)opaque;
    assert_true(crossing_put(crossing, frame, length));
    echoed++;
}

static void *thread(void *opaque)
{
    while (!atomic_load(&quit)) {
        bool full = crossing_full(crossing);
        if (!full)
            crossing_take(crossing, echo, NULL);
        struct pollfd fd = {.fd = crossing_fd(crossing), .events = POLLIN};
        int timeout = crossing_sleep(crossing, full) && !atomic_load(&quit) ? 10000 : 0;
        poll(&fd, 1, timeout);
        crossing_woken(crossing, fd.revents);
    }
    return opaque;
}

static uint32_t expected, held_back;

/* Frames carry a number; their lengths follow from it. */
static size_t length_of(uint32_t number)
{
    return 14 + number * 2654435761u % 3000;
}

static bool take_numbered(void *opaque, const uint8_t *frame, size_t length)
{
    uint32_t number;
    (void)opaque;
    if (held_back && expected % 1000 == 999) {
        held_back--;
        return false;
    }
    memcpy(&number, frame, sizeof number);
    assert_int_equal(number, expected);
    assert_int_equal(length, length_of(number));
    expected++;
    return true;
}

static bool send_numbered(uint32_t number)
{
    static uint8_t frame[4000];
    memcpy(frame, &number, sizeof number);
    return net_send(&side.port, frame, length_of(number));
}

static void test_echo(void **state)
{
    (void)state;
    pthread_t other;
    side_init(&side, 0);
    side.port.receive = take_numbered;
    held_back = 20;
    crossing = crossing_new(&side.port, side.arrivals);
    assert_non_null(crossing);
    assert_int_equal(pthread_create(&other, NULL, thread, NULL), 0);
    unsigned idle = 0;
    for (uint32_t next = 0; expected < FRAMES && idle < 20000;) {
        uint32_t before = expected;
        while (next < FRAMES && next < expected + 2000 && send_numbered(next))
            next++;
        side_deliver(&side);
        net_deliver(&side.port);
        idle = before == expected ? idle + 1 : 0;
        if (idle > 10)
            usleep(500);
    }
    assert_int_equal(expected, FRAMES);
    atomic_store(&quit, true);
    crossing_wake(crossing);
    pthread_join(other, NULL);
    assert_int_equal(echoed, FRAMES);
    crossing_free(crossing);
    assert_null(side.port.send);
    side_free(&side);
}

static unsigned firsts, again;

static void first(void *opaque)
{
    (void)opaque;
    firsts++;
}

static void send_again(void *opaque)
{
    (void)opaque;
    again++;
}

static void ignore(void *opaque, const uint8_t *frame, size_t length)
{
    (void)opaque;
    (void)frame;
    (void)length;
}

static void test_full_lanes(void **state)
{
    (void)state;
    side_init(&side, 0);
    side.port.send_again = send_again;
    crossing = crossing_new(&side.port, side.arrivals);
    crossing_on_first(crossing, first, NULL);
    unsigned count = 0;
    static uint8_t frame[60000];
    while (net_send(&side.port, frame, sizeof frame))
        count++;
    assert_in_range(count, CROSSING_FULL / sizeof frame, CROSSING_FULL / sizeof frame + 2);
    assert_int_equal(firsts, 1);
    crossing_take(crossing, ignore, NULL);
    side_deliver(&side);
    assert_int_equal(again, 1);
    assert_true(net_send(&side.port, frame, sizeof frame));
    /* The other way. */
    side.accepts = false;
    for (count = 0; !crossing_full(crossing); count++)
        assert_true(crossing_put(crossing, frame, sizeof frame));
    for (unsigned n = 0; n < 100; n++)
        crossing_put(crossing, frame, sizeof frame);
    side_deliver(&side);
    assert_true(side.port.queued < 2 * NET_QUEUE_BYTES);
    side.accepts = true;
    net_deliver(&side.port);
    for (unsigned n = 0; n < 10; n++)
        side_deliver(&side);
    assert_in_range(side.frames, count, 2 * count + 2);
    assert_false(crossing_full(crossing));
    crossing_free(crossing);
    side_free(&side);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_full_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
