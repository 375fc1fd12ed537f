/* The wire: order, bounds, who is told of room, and what a pulled cable does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "machine/net.h"

static NetPort port;
static unsigned taken, rooms, links, sends, again, watched[2], addresses;
static bool accepts, sendable;
static uint8_t last[NET_FRAME_MOST];
static size_t last_length;

static bool receive(void *opaque, const uint8_t *frame, size_t length)
{
    assert_ptr_equal(opaque, &taken);
    if (!accepts)
        return false;
    taken++;
    memcpy(last, frame, length);
    last_length = length;
    return true;
}

static void room(void *opaque)
{
    (void)opaque;
    rooms++;
}

static void link_changed(void *opaque)
{
    (void)opaque;
    links++;
}

static void send_again(void *opaque)
{
    (void)opaque;
    again++;
}

static void mac_changed(void *opaque)
{
    (void)opaque;
    addresses++;
}

static bool send(void *opaque, const uint8_t *frame, size_t length)
{
    (void)opaque;
    (void)frame;
    (void)length;
    sends += sendable;
    return sendable;
}

static void watch(void *opaque, const uint8_t *frame, size_t length, bool to_guest)
{
    (void)opaque;
    (void)frame;
    (void)length;
    watched[to_guest]++;
}

static int set_up(void **state)
{
    (void)state;
    net_port_init(&port, 4);
    taken = rooms = links = sends = again = watched[0] = watched[1] = addresses = 0;
    accepts = sendable = true;
    port.receive = receive;
    port.link_changed = link_changed;
    port.send_again = send_again;
    port.mac_changed = mac_changed;
    port.receive_opaque = &taken;
    port.send = send;
    port.room = room;
    port.watch = watch;
    net_connect(&port, true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    net_port_free(&port);
    return 0;
}

static void frame_in(uint8_t value, size_t length)
{
    static uint8_t frame[NET_FRAME_MOST + 1];
    memset(frame, value, length);
    net_receive(&port, frame, length);
}

static void test_order(void **state)
{
    (void)state;
    frame_in(1, 60);
    assert_int_equal(taken, 1);
    accepts = false;
    for (uint8_t n = 2; n < 6; n++)
        frame_in(n, 60u + n);
    assert_int_equal(taken, 1);
    accepts = true;
    net_deliver(&port);
    assert_int_equal(taken, 5);
    assert_int_equal(last[0], 5);
    assert_int_equal(last_length, 65);
    assert_int_equal(port.queued, 0);
    assert_int_equal(port.stats.received, 5);
    assert_int_equal(port.stats.received_bytes, 60 + 62 + 63 + 64 + 65);
    assert_int_equal(watched[1], 5);
}

static void test_waiting_ones_go_first(void **state)
{
    (void)state;
    accepts = false;
    frame_in(1, 60);
    accepts = true;
    frame_in(2, 60);
    assert_int_equal(taken, 2);
    assert_int_equal(last[0], 2);
}

static void test_lengths(void **state)
{
    (void)state;
    frame_in(1, NET_HEADER - 1);
    frame_in(1, NET_FRAME_MOST + 1);
    assert_int_equal(taken, 0);
    assert_int_equal(port.stats.dropped, 2);
    frame_in(1, NET_HEADER);
    frame_in(1, NET_FRAME_MOST);
    assert_int_equal(taken, 2);
}

static void test_bound(void **state)
{
    (void)state;
    accepts = false;
    while (net_has_room(&port))
        frame_in(1, 60000);
    assert_in_range(port.queued, NET_QUEUE_BYTES, NET_QUEUE_BYTES + 60000);
    for (unsigned n = 0; n < 100; n++)
        frame_in(1, 60000);
    assert_true(port.queued <= 2 * NET_QUEUE_BYTES);
    assert_true(port.stats.dropped > 0);
    assert_int_equal(rooms, 0);
    accepts = true;
    net_deliver(&port);
    assert_int_equal(rooms, 1);
    net_deliver(&port);
    assert_int_equal(rooms, 1); /* told once */
}

/* Who waits for room must hear of it, however the frames went away. */
static void test_room_after_reset(void **state)
{
    (void)state;
    accepts = false;
    while (net_has_room(&port))
        frame_in(1, 60000);
    net_reset(&port);
    assert_int_equal(port.queued, 0);
    assert_int_equal(rooms, 1);
    while (net_has_room(&port))
        frame_in(1, 60000);
    net_connect(&port, false);
    assert_int_equal(rooms, 2);
}

static void test_cable(void **state)
{
    (void)state;
    uint8_t frame[60] = {0};
    assert_int_equal(links, 1);
    net_connect(&port, true);
    assert_int_equal(links, 1);
    net_connect(&port, false);
    assert_int_equal(links, 2);
    frame_in(1, 60);
    assert_true(net_send(&port, frame, sizeof frame)); /* lost */
    assert_int_equal(taken + sends, 0);
    assert_int_equal(watched[0] + watched[1], 0);
    net_connect(&port, true);
    assert_true(net_send(&port, frame, sizeof frame));
    assert_int_equal(sends, 1);
}

static void test_sending(void **state)
{
    (void)state;
    uint8_t frame[60] = {0};
    sendable = false;
    assert_false(net_send(&port, frame, sizeof frame));
    assert_int_equal(port.stats.sent + watched[0], 0);
    net_send_again(&port);
    assert_int_equal(again, 1);
    sendable = true;
    assert_true(net_send(&port, frame, sizeof frame));
    assert_int_equal(port.stats.sent_bytes, 60);
    assert_int_equal(watched[0], 1);
    port.send = NULL;
    assert_true(net_send(&port, frame, sizeof frame));
}

static void test_addresses(void **state)
{
    (void)state;
    NetPort other;
    net_port_init(&other, 5);
    assert_memory_not_equal(port.mac, other.mac, NET_MAC);
    assert_int_equal(port.mac[0] & 3, 2);
    net_set_mac(&port, (const uint8_t[]){2, 0, 0, 0, 0, 9});
    assert_int_equal(port.mac[5], 9);
    assert_int_equal(addresses, 1);
    net_set_mac(&other, port.mac); /* no controller */
    net_deliver(&other);
    net_send_again(&other);
    net_connect(&other, true);
    net_receive(&other, last, 60);
    assert_int_equal(other.queued, 60);
    net_port_free(&other);
}

/* Three on a hub, and a fourth that is on another with nobody. */
enum { HUB = 4 };

typedef struct Member {
    NetPort *port;
    unsigned frames;
    bool full;
} Member;

static Member member[HUB];

static bool member_receives(void *opaque, const uint8_t *frame, size_t length)
{
    Member *m = opaque;
    if (m->full)
        return false;
    m->frames++;
    memcpy(last, frame, length);
    last_length = length;
    return true;
}

static void make_hub(NetPort *ports)
{
    for (unsigned n = 0; n < HUB; n++) {
        net_port_init(&ports[n], n);
        member[n] = (Member){.port = &ports[n]};
        ports[n].receive = member_receives;
        ports[n].receive_opaque = &member[n];
    }
    net_join_hubs(ports, HUB, (const uint8_t[]){2, 1, 2, 2});
}

static void free_hub(NetPort *ports)
{
    for (unsigned n = 0; n < HUB; n++)
        net_port_free(&ports[n]);
}

static void expect_frames(unsigned a, unsigned b, unsigned c, unsigned d)
{
    const unsigned want[HUB] = {a, b, c, d};
    for (unsigned n = 0; n < HUB; n++)
        if (member[n].frames != want[n])
            fail_msg("port %u has got %u frames, not %u", n, member[n].frames, want[n]);
}

static void test_hub(void **state)
{
    (void)state;
    NetPort ports[HUB];
    uint8_t frame[60] = {1, 2, 3};
    make_hub(ports);
    assert_true(ports[0].connected && ports[1].connected);
    assert_true(net_send(&ports[2], frame, sizeof frame));
    expect_frames(1, 0, 0, 1);
    assert_int_equal(last_length, sizeof frame);
    assert_memory_equal(last, frame, sizeof frame);
    assert_true(net_send(&ports[1], frame, sizeof frame)); /* nobody is there */
    expect_frames(1, 0, 0, 1);
    net_connect(&ports[0], false);
    assert_true(net_send(&ports[0], frame, sizeof frame));
    assert_true(net_send(&ports[3], frame, sizeof frame));
    expect_frames(1, 0, 1, 1);
    assert_true(ports[0].pulled);
    net_connect(&ports[0], true);
    assert_true(net_send(&ports[0], frame, sizeof frame));
    expect_frames(1, 0, 2, 2);
    assert_int_equal(ports[0].stats.sent, 2);
    assert_int_equal(ports[0].stats.received, 1);
    free_hub(ports);
}

/* One that takes nothing keeps a bounded number of frames, and holds up nobody. */
static void test_full_hub(void **state)
{
    (void)state;
    NetPort ports[HUB];
    static uint8_t frame[60000];
    make_hub(ports);
    member[0].full = true;
    for (unsigned n = 0; n < 100; n++)
        assert_true(net_send(&ports[2], frame, sizeof frame));
    expect_frames(0, 0, 0, 100);
    assert_in_range(ports[0].queued, NET_QUEUE_BYTES, 2 * NET_QUEUE_BYTES);
    assert_int_equal(ports[0].queued + ports[0].stats.dropped * sizeof frame, 100 * sizeof frame);
    member[0].full = false;
    net_deliver(&ports[0]);
    expect_frames(100 - (unsigned)ports[0].stats.dropped, 0, 0, 100);
    free_hub(ports);
}

static void no_place(void *opaque, JournalPlace *place)
{
    (void)opaque;
    *place = (JournalPlace){.icount = 0};
}

/* It is inside the machine: a journal hears nothing of it, and a replay shuts no door. */
static void test_hub_and_journal(void **state)
{
    (void)state;
    NetPort ports[HUB];
    uint8_t frame[60] = {0};
    make_hub(ports);
    Journal *journal = journal_new(no_place, NULL);
    for (unsigned n = 0; n < HUB; n++)
        net_set_journal(&ports[n], journal, (const char *const[]){"a", "b", "c", "d"}[n]);
    journal_record(journal);
    assert_true(net_send(&ports[0], frame, sizeof frame));
    expect_frames(0, 0, 1, 1);
    assert_int_equal(journal_end(journal), 0);
    journal_replay(journal, 0);
    assert_true(net_send(&ports[0], frame, sizeof frame));
    expect_frames(0, 0, 2, 2);
    net_receive(&ports[0], frame, sizeof frame); /* from outside */
    expect_frames(0, 0, 2, 2);
    free_hub(ports);
    journal_free(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_waiting_ones_go_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lengths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_room_after_reset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sending, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_addresses, set_up, tear_down),
        cmocka_unit_test_setup(test_hub, set_up),
        cmocka_unit_test_setup(test_full_hub, set_up),
        cmocka_unit_test_setup(test_hub_and_journal, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
