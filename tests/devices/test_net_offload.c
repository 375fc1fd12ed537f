/* Checksums and segmentation, against sums made the slow way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "devices/net_offload.h"

enum { MOST = 64, ETHERNET = 14 };

static uint8_t out[MOST][70000];
static size_t out_length[MOST];
static unsigned outs;

static void emit(void *opaque, const uint8_t *frame, size_t length)
{
    (void)opaque;
    assert_true(outs < MOST);
    memcpy(out[outs], frame, length);
    out_length[outs++] = length;
}

static uint32_t add(const uint8_t *data, size_t size, uint32_t sum)
{
    for (size_t n = 0; n < size; n++)
        sum += n & 1 ? data[n] : (uint32_t)data[n] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static uint32_t word(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void test_checksum(void **state)
{
    (void)state;
    for (size_t length = 20; length < 200; length++) {
        uint8_t frame[200];
        for (size_t n = 0; n < length; n++)
            frame[n] = (uint8_t)(n * 37 + length);
        size_t start = length % 5, offset = 3 + length % 3;
        uint32_t want = ~add(frame + start, length - start, 0) & 0xffff;
        assert_true(net_offload_checksum(frame, length, start, offset));
        /* RFC 1071: stored at an odd place of the sum it would be swapped; drivers never do that. */
        if (offset % 2 == 0)
            assert_int_equal((uint32_t)frame[start + offset] << 8 | frame[start + offset + 1], want);
    }
}

static void test_checksum_outside(void **state)
{
    (void)state;
    uint8_t frame[60] = {0};
    assert_false(net_offload_checksum(frame, 60, 61, 0));
    assert_false(net_offload_checksum(frame, 60, 50, 9));
    assert_false(net_offload_checksum(frame, 60, 65535, 65535));
    assert_true(net_offload_checksum(frame, 60, 50, 8));
}

/* A TCP segment with `payload` bytes; returns the frame's length. */
static size_t make(uint8_t *frame, bool v6, unsigned tags, unsigned options, size_t payload, uint8_t flags)
{
    size_t ip = ETHERNET + 4 * tags, tcp = ip + (v6 ? 40 : 20), data = tcp + 20 + options;
    memset(frame, 0, data);
    for (unsigned n = 0; n < tags; n++)
        frame[12 + 4 * n] = 0x81;
    frame[ip - 2] = v6 ? 0x86 : 8;
    frame[ip - 1] = v6 ? 0xdd : 0;
    frame[ip] = v6 ? 0x60 : 0x45;
    frame[ip + (v6 ? 6 : 9)] = 6;
    for (unsigned n = 0; n < (v6 ? 32u : 8u); n++)
        frame[ip + (v6 ? 8 : 12) + n] = (uint8_t)(n + 1);
    frame[ip + 5] = v6 ? 0 : 0xff; /* identification 255 */
    frame[tcp + 4] = 0xff;         /* sequence number: about to wrap */
    frame[tcp + 5] = frame[tcp + 6] = 0xff;
    frame[tcp + 12] = (uint8_t)((20 + options) / 4 << 4);
    frame[tcp + 13] = flags;
    for (size_t n = 0; n < payload; n++)
        frame[data + n] = (uint8_t)(n * 7);
    return data + payload;
}

static void check_part(unsigned n, bool v6, unsigned tags, const uint8_t *whole, size_t headers)
{
    const uint8_t *frame = out[n], *ip = frame + ETHERNET + 4 * tags, *tcp = ip + (v6 ? 40 : 20);
    size_t bytes = out_length[n] - (size_t)(tcp - frame);
    uint32_t sum = add(ip + (v6 ? 8 : 12), v6 ? 32 : 8, 6 + (uint32_t)bytes);
    assert_int_equal(add(tcp, bytes, sum), 0xffff);
    if (v6) {
        assert_int_equal(ip[4] << 8 | ip[5], bytes);
    } else {
        assert_int_equal(add(ip, 20, 0), 0xffff);
        assert_int_equal(ip[2] << 8 | ip[3], bytes + 20);
        assert_int_equal(ip[4] << 8 | ip[5], (255 + n) & 0xffff);
    }
    uint32_t at = word(tcp + 4) - 0xffffff00;
    assert_memory_equal(frame + headers, whole + headers + at, out_length[n] - headers);
}

static void test_segments(void **state)
{
    (void)state;
    static uint8_t frame[70000];
    for (unsigned n = 0; n < 8; n++) {
        bool v6 = n & 1;
        unsigned tags = n >> 1 & 1, options = n & 4 ? 12 : 0;
        size_t headers = ETHERNET + 4 * tags + (v6 ? 40u : 20u) + 20 + options, payload = 10 * 1000 + 1;
        size_t length = make(frame, v6, tags, options, payload, 0x80 | 0x10 | 8 | 1);
        outs = 0;
        assert_true(net_offload_segment(frame, length, 1000, emit, NULL));
        assert_int_equal(outs, 11);
        size_t sum = 0;
        for (unsigned k = 0; k < outs; k++) {
            check_part(k, v6, tags, frame, headers);
            sum += out_length[k] - headers;
            uint8_t flags = out[k][headers - 20 - options + 13];
            assert_int_equal(flags, 0x10 | (k ? 0 : 0x80) | (k == 10 ? 9 : 0));
        }
        assert_int_equal(sum, payload);
    }
}

static void test_no_segments(void **state)
{
    (void)state;
    static uint8_t frame[70000];
    size_t length = make(frame, false, 0, 0, 3000, 0);
    outs = 0;
    assert_false(net_offload_segment(frame, length, 0, emit, NULL));
    assert_false(net_offload_segment(frame, 54, 1000, emit, NULL)); /* no payload */
    for (size_t n = 0; n < 54; n++)
        assert_false(net_offload_segment(frame, n, 1000, emit, NULL));
    static const struct {
        unsigned at;
        uint8_t value;
    } wrong[] = {
        {12,           9   },
        {14,           0x55},
        {14,           0x41},
        {14 + 9,       17  },
        {14 + 20 + 12, 0x40},
    };
    for (unsigned n = 0; n < sizeof wrong / sizeof *wrong; n++) {
        length = make(frame, false, 0, 0, 3000, 0);
        frame[wrong[n].at] = wrong[n].value;
        assert_false(net_offload_segment(frame, length, 1000, emit, NULL));
    }
    assert_int_equal(outs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_checksum_outside),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_no_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
