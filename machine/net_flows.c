#include "machine/net_flows.h"

#include <string.h>

enum { ETHERNET = 14, IPV4_LEAST = 20, IPV6 = 40, TCP_LEAST = 20, PROTOCOL_TCP = 6 };
enum { TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86dd, FRAGMENT = 0x3fff };
enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };
enum { GUEST_ENDED = 1, PEER_ENDED = 2, BOTH_ENDED = 3 };

/* A segment in a frame. */
typedef struct Segment {
    const uint8_t *source, *destination; /* addresses */
    unsigned address;                    /* bytes of one */
    const uint8_t *tcp;
    size_t payload;
} Segment;

static uint32_t get(const uint8_t *bytes, unsigned size)
{
    uint32_t value = 0;
    for (unsigned n = 0; n < size; n++)
        value = value << 8 | bytes[n];
    return value;
}

static void put(uint8_t *bytes, unsigned size, uint32_t value)
{
    while (size--) {
        bytes[size] = (uint8_t)value;
        value >>= 8;
    }
}

/* ---- Segments ----------------------------------------------------------------------------------------- */

/* The IP header's addresses, and where what it carries begins; 0: no TCP. */
static size_t read_ip(Segment *s, const uint8_t *ip, size_t length, size_t *total)
{
    size_t header = (size_t)(ip[0] & 15) * 4;
    if (ip[0] >> 4 == 4 && length >= IPV4_LEAST && header >= IPV4_LEAST) {
        *s = (Segment){.source = ip + 12, .destination = ip + 16, .address = 4};
        *total = get(ip + 2, 2);
        return ip[9] == PROTOCOL_TCP && !(get(ip + 6, 2) & FRAGMENT) ? header : 0;
    }
    if (ip[0] >> 4 != 6 || length < IPV6)
        return 0;
    *s = (Segment){.source = ip + 8, .destination = ip + 24, .address = NET_FLOW_ADDRESS};
    *total = IPV6 + get(ip + 4, 2);
    return ip[6] == PROTOCOL_TCP ? IPV6 : 0;
}

static bool read_segment(Segment *s, const uint8_t *frame, size_t length)
{
    uint32_t type = length > ETHERNET ? get(frame + 12, 2) : 0;
    size_t total;
    if (type != TYPE_IPV4 && type != TYPE_IPV6)
        return false;
    size_t header = read_ip(s, frame + ETHERNET, length - ETHERNET, &total);
    if (!header || total > length - ETHERNET || total < header + TCP_LEAST)
        return false;
    s->tcp = frame + ETHERNET + header;
    size_t tcp = (size_t)(s->tcp[12] >> 4) * 4;
    if (tcp < TCP_LEAST || total < header + tcp)
        return false;
    s->payload = total - header - tcp;
    return true;
}

/* ---- Connections -------------------------------------------------------------------------------------- */

static void set_address(uint8_t *to, const uint8_t *from, unsigned size)
{
    memset(to, 0, NET_FLOW_ADDRESS);
    memcpy(to, from, size);
}

static NetFlow flow_of(const Segment *s, const uint8_t *frame, bool to_guest)
{
    NetFlow flow = {.zero = 0};
    set_address(flow.guest, to_guest ? s->destination : s->source, s->address);
    set_address(flow.peer, to_guest ? s->source : s->destination, s->address);
    memcpy(flow.guest_port, s->tcp + (to_guest ? 2 : 0), 2);
    memcpy(flow.peer_port, s->tcp + (to_guest ? 0 : 2), 2);
    memcpy(flow.ethernet, frame + (to_guest ? 0 : 6), 6);
    memcpy(flow.ethernet + 6, frame + (to_guest ? 6 : 0), 6);
    memcpy(flow.ethernet + 12, frame + 12, 2);
    return flow;
}

static bool is_same(const NetFlow *a, const NetFlow *b)
{
    return !memcmp(a->guest, b->guest, NET_FLOW_ADDRESS) && !memcmp(a->peer, b->peer, NET_FLOW_ADDRESS) &&
           !memcmp(a->guest_port, b->guest_port, 2) && !memcmp(a->peer_port, b->peer_port, 2) &&
           !memcmp(a->ethernet + 12, b->ethernet + 12, 2);
}

/* Takes it out; the last ones are looked at first, as most frames are theirs. */
static bool take(NetFlows *flows, NetFlow *flow)
{
    for (unsigned n = flows->count; n-- > 0;) {
        if (!is_same(&flows->flow[n], flow))
            continue;
        *flow = flows->flow[n];
        flows->count--;
        memmove(&flows->flow[n], &flows->flow[n + 1], (flows->count - n) * sizeof *flow);
        return true;
    }
    return false;
}

static void append(NetFlows *flows, const NetFlow *flow)
{
    if (flows->count == NET_FLOWS)
        memmove(&flows->flow[0], &flows->flow[1], --flows->count * sizeof *flow);
    flows->flow[flows->count++] = *flow;
}

void net_flows_note(NetFlows *flows, const uint8_t *frame, size_t length, bool to_guest)
{
    Segment s;
    if (!read_segment(&s, frame, length))
        return;
    unsigned flags = s.tcp[13];
    NetFlow flow = flow_of(&s, frame, to_guest);
    bool known = take(flows, &flow);
    if (flags & RST || (!known && (to_guest || !(flags & ACK))))
        return;
    if (flags & SYN)
        flow.ended = 0;
    if (flags & FIN)
        flow.ended |= to_guest ? PEER_ENDED : GUEST_ENDED;
    if (!to_guest && flags & ACK) {
        flow.seq = get(s.tcp + 4, 4) + (uint32_t)s.payload + !!(flags & SYN) + !!(flags & FIN);
        flow.ack = get(s.tcp + 8, 4);
    }
    append(flows, &flow);
}

/* ---- Probes ------------------------------------------------------------------------------------------- */

static uint32_t add(uint32_t sum, const uint8_t *bytes, size_t size)
{
    for (size_t n = 0; n < size; n += 2)
        sum += get(bytes + n, 2);
    return sum;
}

static uint32_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static size_t put_ip(const NetFlow *flow, uint8_t *ip)
{
    enum { HOPS = 64 };
    if (get(flow->ethernet + 12, 2) == TYPE_IPV6) {
        put(ip, 4, 6u << 28);
        put(ip + 4, 2, TCP_LEAST);
        ip[6] = PROTOCOL_TCP;
        ip[7] = HOPS;
        memcpy(ip + 8, flow->peer, 16);
        memcpy(ip + 24, flow->guest, 16);
        return IPV6;
    }
    ip[0] = 4 << 4 | IPV4_LEAST / 4;
    put(ip + 2, 2, IPV4_LEAST + TCP_LEAST);
    ip[8] = HOPS;
    ip[9] = PROTOCOL_TCP;
    memcpy(ip + 12, flow->peer, 4);
    memcpy(ip + 16, flow->guest, 4);
    put(ip + 10, 2, fold(add(0, ip, IPV4_LEAST)));
    return IPV4_LEAST;
}

size_t net_flows_probe(const NetFlows *flows, unsigned n, uint8_t *frame)
{
    enum { WINDOW = 0xffff };
    const NetFlow *flow = &flows->flow[n];
    if (n >= flows->count || flow->ended == BOTH_ENDED)
        return 0;
    memset(frame, 0, NET_PROBE_MOST);
    memcpy(frame, flow->ethernet, ETHERNET);
    uint8_t *tcp = frame + ETHERNET + put_ip(flow, frame + ETHERNET);
    memcpy(tcp, flow->peer_port, 2);
    memcpy(tcp + 2, flow->guest_port, 2);
    put(tcp + 4, 4, flow->ack - 1);
    put(tcp + 8, 4, flow->seq);
    tcp[12] = TCP_LEAST / 4 << 4;
    tcp[13] = ACK;
    put(tcp + 14, 2, WINDOW);
    uint32_t sum = add(PROTOCOL_TCP + TCP_LEAST, flow->guest, NET_FLOW_ADDRESS);
    put(tcp + 16, 2, fold(add(add(sum, flow->peer, NET_FLOW_ADDRESS), tcp, TCP_LEAST)));
    return (size_t)(tcp + TCP_LEAST - frame);
}

/* ---- Snapshots ---------------------------------------------------------------------------------------- */

bool net_flows_set(NetFlows *flows, const void *data, size_t size)
{
    if (size % sizeof(NetFlow) || size > sizeof flows->flow)
        return false;
    for (size_t at = 0; at < size; at += sizeof(NetFlow)) {
        NetFlow flow;
        memcpy(&flow, (const uint8_t *)data + at, sizeof flow);
        uint32_t type = get(flow.ethernet + 12, 2);
        if ((type != TYPE_IPV4 && type != TYPE_IPV6) || flow.ended > BOTH_ENDED || flow.zero)
            return false;
    }
    if (size)
        memcpy(flows->flow, data, size);
    flows->count = (unsigned)(size / sizeof(NetFlow));
    return true;
}
