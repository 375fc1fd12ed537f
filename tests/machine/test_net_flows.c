/* Connections that are followed by their frames, and what asks the guest about them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "machine/net_flows.h"

enum { ETHERNET = 14, TCP = 20, PAYLOAD = 5, MOST = 200 };
enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

static NetFlows flows;

static int set_up(void **state)
{
    (void)state;
    memset(&flows, 0, sizeof flows);
    return 0;
}

/* From port 1000 + number of the guest to port 80, or back. Returns the frame's length. */
static size_t make(uint8_t *frame, bool v6, bool to_guest, unsigned number, unsigned flags, uint32_t seq,
                   uint32_t ack)
{
    size_t ip = v6 ? 40 : 20, address = v6 ? 16 : 4, total = ip + TCP + PAYLOAD;
    memset(frame, 0, MOST);
    memset(frame + (to_guest ? 0 : 6), 0x22, 6); /* the guest's */
    memset(frame + (to_guest ? 6 : 0), 0x44, 6);
    frame[12] = v6 ? 0x86 : 8;
    frame[13] = v6 ? 0xdd : 0;
    uint8_t *p = frame + ETHERNET, *from = p + (v6 ? 8 : 12), *tcp = p + ip;
    p[0] = v6 ? 0x60 : 0x45;
    p[v6 ? 5 : 3] = (uint8_t)(v6 ? TCP + PAYLOAD : total);
    p[v6 ? 6 : 9] = 6;
    memset(from + (to_guest ? address : 0), 0x0a, address);
    memset(from + (to_guest ? 0 : address), 0x0b, address);
    uint8_t *guest = tcp + (to_guest ? 2 : 0), *peer = tcp + (to_guest ? 0 : 2);
    guest[0] = (uint8_t)((1000 + number) >> 8);
    guest[1] = (uint8_t)(1000 + number);
    peer[1] = 80;
    for (unsigned n = 0; n < 4; n++) {
        tcp[4 + n] = (uint8_t)(seq >> (24 - 8 * n));
        tcp[8 + n] = (uint8_t)(ack >> (24 - 8 * n));
    }
    tcp[12] = TCP / 4 << 4;
    tcp[13] = (uint8_t)flags;
    return ETHERNET + total;
}

static void pass(bool v6, bool to_guest, unsigned number, unsigned flags, uint32_t seq, uint32_t ack)
{
    uint8_t frame[MOST];
    size_t length = make(frame, v6, to_guest, number, flags, seq, ack);
    net_flows_note(&flows, frame, length, to_guest);
}

static uint32_t word(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t sum(uint32_t before, const uint8_t *data, size_t size)
{
    for (size_t n = 0; n < size; n++)
        before += n & 1 ? data[n] : (uint32_t)data[n] << 8;
    while (before >> 16)
        before = (before & 0xffff) + (before >> 16);
    return before;
}

static void check_probe(bool v6)
{
    uint8_t probe[NET_PROBE_MOST], like[MOST];
    size_t ip = v6 ? 40 : 20;
    set_up(NULL);
    pass(v6, false, 0, SYN, 0x12345678, 0);
    assert_int_equal(flows.count, 0); /* it would send that again by itself */
    pass(v6, true, 0, SYN | ACK, 0xfffffff0, 0x12345679);
    pass(v6, false, 0, ACK, 0x12345679, 0xfffffff1);
    assert_int_equal(flows.count, 1);
    size_t length = net_flows_probe(&flows, 0, probe);
    assert_int_equal(length, ETHERNET + ip + TCP);
    make(like, v6, true, 0, ACK, 0xfffffff0, 0x12345679 + PAYLOAD);
    assert_memory_equal(probe, like, ETHERNET);
    assert_memory_equal(probe + ETHERNET + (v6 ? 8 : 12), like + ETHERNET + (v6 ? 8 : 12),
                        ip - (v6 ? 8 : 12) + 14);
    const uint8_t *tcp = probe + ETHERNET + ip;
    assert_int_equal(word(tcp + 4), 0xfffffff0);
    /* Sums with their checksums are all ones. */
    if (!v6)
        assert_int_equal(sum(0, probe + ETHERNET, ip), 0xffff);
    assert_int_equal(sum(sum(6 + TCP, probe + ETHERNET + (v6 ? 8 : 12), v6 ? 32 : 8), tcp, TCP), 0xffff);
    assert_int_equal(net_flows_probe(&flows, 1, probe), 0);
}

static void test_probe(void **state)
{
    (void)state;
    check_probe(false);
    check_probe(true);
}

static void test_ends(void **state)
{
    (void)state;
    uint8_t probe[NET_PROBE_MOST];
    pass(false, false, 0, ACK, 1, 1);
    pass(false, false, 1, ACK, 1, 1);
    pass(true, false, 1, ACK, 1, 1);
    pass(false, true, 2, ACK, 1, 1); /* the guest has said nothing there */
    assert_int_equal(flows.count, 3);
    pass(false, true, 0, RST, 1, 1);
    assert_int_equal(flows.count, 2);
    pass(false, false, 1, FIN | ACK, 6, 1);
    assert_true(net_flows_probe(&flows, 1, probe)); /* half of it is there */
    pass(false, true, 1, FIN | ACK, 1, 12);
    pass(false, false, 1, ACK, 12, 7);
    assert_int_equal(flows.count, 2);
    assert_int_equal(net_flows_probe(&flows, 1, probe), 0);
    pass(false, false, 1, SYN, 100, 0); /* the same ports once more */
    assert_true(net_flows_probe(&flows, 1, probe));
    pass(false, false, 1, RST, 100, 0);
    assert_int_equal(flows.count, 1);
}

/* Of more than there is room for, those that say something are kept. */
static void test_many(void **state)
{
    (void)state;
    for (unsigned n = 0; n < NET_FLOWS + 10; n++) {
        pass(false, false, n, ACK, n, n);
        pass(false, true, 0, ACK, 1, 1);
    }
    assert_int_equal(flows.count, NET_FLOWS);
    for (unsigned n = 1; n <= 10; n++)
        pass(false, true, n, RST, 1, 1);
    assert_int_equal(flows.count, NET_FLOWS);
    pass(false, true, 0, RST, 1, 1);
    assert_int_equal(flows.count, NET_FLOWS - 1);
}

/* Frames of any length and contents. */
static void test_hostile(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (unsigned n = 0; n < 200000; n++) {
        uint8_t frame[MOST];
        size_t length = make(frame, n & 1, n & 2, n % 100, n >> 3 & 31, n, n);
        for (unsigned changes = n % 4; changes; changes--) {
            seed = seed * 1664525 + 1013904223;
            frame[(seed >> 8) % length] = (uint8_t)(seed >> 24);
        }
        seed = seed * 1664525 + 1013904223;
        size_t part = n & 4 ? length : (seed >> 8) % (length + 1);
        uint8_t *exact = malloc(part ? part : 1);
        memcpy(exact, frame, part);
        net_flows_note(&flows, exact, part, n & 2);
        free(exact);
        assert_true(flows.count <= NET_FLOWS);
    }
    NetFlows again;
    assert_true(net_flows_set(&again, flows.flow, flows.count * sizeof(NetFlow)));
    assert_memory_equal(&again.flow, &flows.flow, flows.count * sizeof(NetFlow));
}

static void test_saved(void **state)
{
    (void)state;
    NetFlow flow;
    pass(false, false, 0, ACK, 1, 1);
    flow = flows.flow[0];
    assert_true(net_flows_set(&flows, NULL, 0));
    assert_int_equal(flows.count, 0);
    assert_false(net_flows_set(&flows, &flow, sizeof flow - 1));
    assert_false(net_flows_set(&flows, &flow, (NET_FLOWS + 1) * sizeof flow));
    flow.ended = 4;
    assert_false(net_flows_set(&flows, &flow, sizeof flow));
    flow.ended = 0;
    flow.ethernet[12] = 1;
    assert_false(net_flows_set(&flows, &flow, sizeof flow));
    assert_int_equal(flows.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_probe, set_up), cmocka_unit_test_setup(test_ends, set_up),
        cmocka_unit_test_setup(test_many, set_up),  cmocka_unit_test_setup(test_hostile, set_up),
        cmocka_unit_test_setup(test_saved, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
