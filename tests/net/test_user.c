/* The user-mode network from the guest's side: it answers; and forwards that can and cannot be had. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

#include "net/user.h"
#include "tests/net/ends.h"

static Side side;
static NetEnd *end;

static int set_up(void **state)
{
    (void)state;
    Error err;
    side_init(&side, 0);
    end = net_user_new(&side.port, side.arrivals, &(NetUserOptions){0}, &err);
    assert_non_null(end);
    assert_true(net_end_is_user(end));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    net_end_free(end);
    side_free(&side);
    return 0;
}

/* "Who has 10.0.2.2?", until it is answered. */
static void test_arp_answer(void)
{
    uint8_t frame[60] = {[12] = 8, [13] = 6, [15] = 1, [16] = 8, [18] = 6, [19] = 4, [21] = 1};
    memset(frame, 0xff, NET_MAC);
    memcpy(frame + 6, side.port.mac, NET_MAC);
    memcpy(frame + 22, side.port.mac, NET_MAC);
    memcpy(frame + 28, "\x0a\x00\x02\x0f", 4);
    memcpy(frame + 38, "\x0a\x00\x02\x02", 4);
    for (unsigned n = 0; n < 1000; n++) {
        net_send(&side.port, frame, sizeof frame);
        usleep(10000);
        side_deliver(&side);
        bool answer = side.last[12] == 8 && side.last[13] == 6 && side.last[21] == 2;
        if (answer && !memcmp(side.last + 28, "\x0a\x00\x02\x02", 4) &&
            !memcmp(side.last, side.port.mac, NET_MAC))
            return;
    }
    fail_msg("no answer");
}

/* Nothing is there before it is needed. */
static void test_arp(void **state)
{
    (void)state;
    assert_false(end->threaded);
    test_arp_answer();
    assert_true(end->threaded);
}

static void test_rubbish(void **state)
{
    (void)state;
    static uint8_t frame[NET_FRAME_MOST];
    static const uint8_t types[][2] = {
        {8,    0   },
        {8,    6   },
        {0x86, 0xdd},
        {0x81, 0   },
        {0,    46  }
    };
    unsigned random = 7;
    for (unsigned n = 0; n < 20000; n++) {
        random = random * 1103515245 + 12345;
        size_t length = 14 + (random >> 8) % (n % 100 ? 120 : sizeof frame - 14);
        for (size_t k = 0; k < length && k < 200; k++)
            frame[k] = (uint8_t)((random = random * 1103515245 + 12345) >> 16);
        memcpy(frame + 12, types[n % 5], 2);
        if (n % 5 == 0 && n & 1)
            memcpy(frame + 14, "\x45\x00", 2);
        if (n % 3)
            memcpy(frame + 30, "\x0a\x00\x02\x02", 4);
        net_send(&side.port, frame, length);
        if (n % 64 == 0)
            side_deliver(&side);
    }
    test_arp_answer();
}

static void test_forwards(void **state)
{
    (void)state;
    Error err;
    unsigned count;
    NetForward forward = {.host = "127.0.0.1", .guest_port = 22}, same;
    assert_true(net_user_add(end, &forward, &err));
    assert_true(forward.host_port > 0);
    assert_string_equal(forward.guest, "10.0.2.15");
    assert_true(end->threaded);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(forward.host_port)};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    side_wait(&side, 1); /* it looks for the guest */
    close(fd);
    same = forward;
    assert_false(net_user_add(end, &same, &err));
    assert_non_null(strstr(err.text, "is taken"));
    assert_string_equal(net_user_forwards(end, &count)->host, "127.0.0.1");
    assert_int_equal(count, 1);
    char text[200], want[200];
    net_forward_text(&forward, text, sizeof text);
    snprintf(want, sizeof want, "tcp:127.0.0.1:%u:10.0.2.15:22", forward.host_port);
    assert_string_equal(text, want);
    assert_true(net_user_remove(end, &forward, &err));
    assert_false(net_user_remove(end, &forward, &err));
    assert_non_null(strstr(err.text, "no TCP port"));
    net_user_forwards(end, &count);
    assert_int_equal(count, 0);
    if (!net_user_add(end, &same, &err)) /* free again */
        fail_msg("%s", err.text);
}

static void test_mixed_addresses(void **state)
{
    (void)state;
    Error err;
    NetForward forward = {.host = "127.0.0.1", .host_port = 1, .guest = "fec0::15", .guest_port = 22};
    assert_false(net_user_add(end, &forward, &err));
    assert_non_null(strstr(err.text, "of one kind"));
}

static void test_too_many(void **state)
{
    (void)state;
    Error err;
    for (unsigned n = 0; n < NET_FORWARDS; n++) {
        NetForward forward = {.udp = true, .host = "127.0.0.1", .guest_port = 53};
        assert_true(net_user_add(end, &forward, &err));
    }
    NetForward forward = {.udp = true, .host = "127.0.0.1", .guest_port = 53};
    assert_false(net_user_add(end, &forward, &err));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_arp),      TEST(test_rubbish), TEST(test_forwards), TEST(test_mixed_addresses),
        TEST(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
