#include "devices/net_offload.h"

#include <string.h>

enum {
    ETHERNET = 14,
    VLAN_TAG = 4,
    TYPE_VLAN = 0x8100,
    TYPE_QINQ = 0x88a8,
    TYPE_IP4 = 0x800,
    TYPE_IP6 = 0x86dd
};
enum { IP4_LEAST = 20, IP6_BYTES = 40, TCP_LEAST = 20, PROTOCOL_TCP = 6 };
enum { TCP_FIN = 1, TCP_PSH = 8, TCP_CWR = 0x80 };
enum { FRAME_MOST = 65536 + ETHERNET + 2 * VLAN_TAG };

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) << 16 | get16(at + 2);
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

/* RFC 1071: the sum does not depend on the order of bytes if it is stored in the same order. Words of 32 bits
 * in host order are added into 64 bits, several at once. */
static uint32_t sum(const uint8_t *data, size_t size)
{
    uint64_t total[4] = {0};
    for (; size >= 16; data += 16, size -= 16) {
        uint32_t word[4];
        memcpy(word, data, sizeof word);
        for (unsigned n = 0; n < 4; n++)
            total[n] += word[n];
    }
    uint64_t all = total[0] + total[1] + total[2] + total[3];
    for (; size >= 2; data += 2, size -= 2) {
        uint16_t half;
        memcpy(&half, data, sizeof half);
        all += half;
    }
    if (size) {
        uint16_t half = 0;
        memcpy(&half, data, 1);
        all += half;
    }
    while (all >> 16)
        all = (all & 0xffff) + (all >> 16);
    return (uint32_t)all;
}

static void store_checksum(uint8_t *field, uint32_t total)
{
    uint16_t value = (uint16_t) ~((total & 0xffff) + (total >> 16));
    memcpy(field, &value, sizeof value);
}

bool net_offload_checksum(uint8_t *frame, size_t length, size_t start, size_t offset)
{
    if (start > length || offset > length - start || length - start - offset < 2)
        return false;
    store_checksum(frame + start + offset, sum(frame + start, length - start));
    return true;
}

/* Where the parts of a frame begin. */
typedef struct Layout {
    size_t ip, tcp, payload;
    bool v6;
} Layout;

static bool find_ip4(const uint8_t *frame, size_t length, Layout *layout)
{
    const uint8_t *ip = frame + layout->ip;
    if (length < layout->ip + IP4_LEAST || ip[0] >> 4 != 4 || ip[9] != PROTOCOL_TCP)
        return false;
    layout->tcp = layout->ip + 4u * (ip[0] & 15);
    return layout->tcp >= layout->ip + IP4_LEAST;
}

/* Without extension headers, which Linux does not send with TCP. */
static bool find_ip6(const uint8_t *frame, size_t length, Layout *layout)
{
    const uint8_t *ip = frame + layout->ip;
    layout->v6 = true;
    layout->tcp = layout->ip + IP6_BYTES;
    return length >= layout->tcp && ip[0] >> 4 == 6 && ip[6] == PROTOCOL_TCP;
}

static bool find_parts(const uint8_t *frame, size_t length, Layout *layout)
{
    *layout = (Layout){.ip = ETHERNET};
    if (length < ETHERNET || length > FRAME_MOST)
        return false;
    uint32_t type = get16(frame + 12);
    for (unsigned tags = 0; tags < 2 && (type == TYPE_VLAN || type == TYPE_QINQ); tags++) {
        if (length < layout->ip + VLAN_TAG)
            return false;
        type = get16(frame + layout->ip + 2);
        layout->ip += VLAN_TAG;
    }
    bool found = type == TYPE_IP4 ? find_ip4(frame, length, layout)
                                  : type == TYPE_IP6 && find_ip6(frame, length, layout);
    if (!found || length < layout->tcp + TCP_LEAST)
        return false;
    size_t tcp_bytes = 4u * (frame[layout->tcp + 12] >> 4);
    layout->payload = layout->tcp + tcp_bytes;
    return tcp_bytes >= TCP_LEAST && layout->payload < length;
}

static void finish_ip(uint8_t *frame, size_t length, const Layout *layout, uint32_t number)
{
    uint8_t *ip = frame + layout->ip;
    if (layout->v6) {
        put16(ip + 4, (uint32_t)(length - layout->tcp));
        return;
    }
    put16(ip + 2, (uint32_t)(length - layout->ip));
    put16(ip + 4, get16(ip + 4) + number);
    put16(ip + 10, 0);
    store_checksum(ip + 10, sum(ip, layout->tcp - layout->ip));
}

static void finish_tcp(uint8_t *frame, size_t length, const Layout *layout)
{
    uint8_t *ip = frame + layout->ip, *tcp = frame + layout->tcp;
    uint8_t pseudo[40] = {0};
    size_t address_bytes = layout->v6 ? 32 : 8;
    memcpy(pseudo, ip + (layout->v6 ? 8 : 12), address_bytes);
    put16(pseudo + address_bytes + 2, PROTOCOL_TCP);
    put32(pseudo + address_bytes + 4, (uint32_t)(length - layout->tcp));
    put16(tcp + 16, 0);
    store_checksum(tcp + 16, sum(pseudo, sizeof pseudo) + sum(tcp, length - layout->tcp));
}

bool net_offload_segment(const uint8_t *frame, size_t length, size_t most,
                         void (*emit)(void *opaque, const uint8_t *frame, size_t length), void *opaque)
{
    Layout layout;
    uint8_t part[FRAME_MOST];
    if (!most || !find_parts(frame, length, &layout))
        return false;
    uint8_t flags = frame[layout.tcp + 13];
    size_t whole = length - layout.payload;
    uint32_t number = 0;
    for (size_t at = 0; at < whole; at += most, number++) {
        size_t size = whole - at < most ? whole - at : most;
        bool last = at + size == whole;
        memcpy(part, frame, layout.payload);
        memcpy(part + layout.payload, frame + layout.payload + at, size);
        put32(part + layout.tcp + 4, get32(frame + layout.tcp + 4) + (uint32_t)at);
        part[layout.tcp + 13] = flags & (uint8_t) ~((last ? 0 : TCP_FIN | TCP_PSH) | (number ? TCP_CWR : 0));
        finish_ip(part, layout.payload + size, &layout, number);
        finish_tcp(part, layout.payload + size, &layout);
        emit(opaque, part, layout.payload + size);
    }
    return true;
}
