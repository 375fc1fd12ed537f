#include "machine/net.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void net_port_init(NetPort *port, unsigned number)
{
    /* Locally administered (IEEE 802, the second bit of the first byte). */
    *port = (NetPort){
        .mtu = 1500, .mac = {0x02, 'A', 'R', 'M', 0, (uint8_t)(number + 1)}
    };
    port->last = &port->first;
    port->out_last = &port->out_first;
}

void net_set_mac(NetPort *port, const uint8_t *mac)
{
    memcpy(port->mac, mac, NET_MAC);
    if (port->mac_changed)
        port->mac_changed(port->receive_opaque);
}

static void drop_first(NetPort *port)
{
    NetFrame *frame = port->first;
    port->first = frame->next;
    if (!port->first)
        port->last = &port->first;
    port->queued -= frame->length;
    free(frame);
}

static void forget(NetPort *port)
{
    while (port->first)
        drop_first(port);
}

static void drop_out(NetPort *port)
{
    NetFrame *frame = port->out_first;
    port->out_first = frame->next;
    if (!port->out_first)
        port->out_last = &port->out_first;
    port->out_queued -= frame->length;
    free(frame);
}

void net_port_free(NetPort *port)
{
    forget(port);
    while (port->out_first)
        drop_out(port);
}

static void tell_of_room(NetPort *port)
{
    if (!port->full || port->queued > NET_QUEUE_BYTES / 2)
        return;
    port->full = false;
    if (port->room)
        port->room(port->room_opaque);
}

void net_reset(NetPort *port)
{
    forget(port);
    tell_of_room(port);
}

static void count(NetPort *port, size_t length)
{
    port->stats.received++;
    port->stats.received_bytes += length;
}

void net_deliver(NetPort *port)
{
    /* receive() may lead back here. */
    if (port->delivering)
        return;
    port->delivering = true;
    while (port->first && port->receive &&
           port->receive(port->receive_opaque, port->first->data, port->first->length)) {
        count(port, port->first->length);
        drop_first(port);
    }
    port->delivering = false;
    tell_of_room(port);
}

/* A frame that nothing waits before need not be copied if the controller has room for it. */
static bool deliver_at_once(NetPort *port, const uint8_t *data, size_t length)
{
    if (port->first || port->delivering || !port->receive)
        return false;
    port->delivering = true;
    bool taken = port->receive(port->receive_opaque, data, length);
    port->delivering = false;
    if (taken)
        count(port, length);
    return taken;
}

static NetFrame **append(NetFrame **last, size_t *queued, const uint8_t *data, size_t length)
{
    NetFrame *frame = malloc(sizeof *frame + length);
    if (!frame)
        abort();
    frame->next = NULL;
    frame->length = length;
    memcpy(frame->data, data, length);
    *last = frame;
    *queued += length;
    return &frame->next;
}

void net_put_back(NetPort *port, const uint8_t *data, size_t length)
{
    port->last = append(port->last, &port->queued, data, length);
}

/* What enters. */
enum { FRAME = 'f', CABLE = 'c', AGAIN = 'a' };

static bool can_enter(NetPort *port, size_t length)
{
    bool can = port->connected && length >= NET_HEADER && length <= NET_FRAME_MOST &&
               port->queued + length <= 2 * NET_QUEUE_BYTES;
    port->stats.dropped += !can;
    return can;
}

static void enter(NetPort *port, const uint8_t *data, size_t length)
{
    if (port->watch)
        port->watch(port->watch_opaque, data, length, true);
    if (deliver_at_once(port, data, length))
        return;
    net_put_back(port, data, length);
    net_deliver(port);
}

void net_receive(NetPort *port, const uint8_t *data, size_t length)
{
    if (!can_enter(port, length) || !journal_event(port->channel, FRAME, data, length))
        return;
    if (port->follows_flows)
        net_flows_note(&port->flows, data, length, true);
    enter(port, data, length);
}

void net_end_flows(NetPort *port)
{
    const NetFlows were = port->flows;
    uint8_t frame[NET_PROBE_MOST];
    for (unsigned n = 0; n < were.count; n++) {
        size_t length = net_flows_probe(&were, n, frame);
        if (length)
            net_receive(port, frame, length);
    }
}

bool net_has_room(NetPort *port)
{
    port->full = port->queued >= NET_QUEUE_BYTES;
    return !port->full;
}

void net_connect(NetPort *port, bool connected)
{
    uint8_t byte = connected;
    if (port->connected == connected || !journal_event(port->channel, CABLE, &byte, 1))
        return;
    port->connected = connected;
    port->pulled = !connected;
    net_reset(port);
    if (port->link_changed)
        port->link_changed(port->receive_opaque);
}

void net_join_hubs(NetPort *ports, unsigned count, const uint8_t *number)
{
    for (unsigned n = 0; n < count; n++) {
        unsigned next = (n + 1) % count;
        if (!number[n])
            continue;
        while (number[next] != number[n])
            next = (next + 1) % count;
        ports[n].next_on_hub = &ports[next];
        ports[n].connected = true;
    }
}

/* A hub holds up nobody: what a port has no room for is lost there. */
static void send_to_hub(const NetPort *port, const uint8_t *frame, size_t length)
{
    for (NetPort *other = port->next_on_hub; other != port; other = other->next_on_hub)
        if (can_enter(other, length))
            enter(other, frame, length);
}

static void send_waiting(NetPort *port)
{
    while (port->out_first &&
           (!port->send || port->send(port->send_opaque, port->out_first->data, port->out_first->length)))
        drop_out(port);
}

/* Whether the other end has room must not show in a run that is to be repeated. */
static void send_or_keep(NetPort *port, const uint8_t *frame, size_t length)
{
    if (journal_recalls(port->channel) || !port->send)
        return;
    send_waiting(port);
    if ((port->out_first || !port->send(port->send_opaque, frame, length)) &&
        port->out_queued + length <= NET_QUEUE_BYTES)
        port->out_last = append(port->out_last, &port->out_queued, frame, length);
}

/* False: the other end has no room. */
static bool hand_over(NetPort *port, const uint8_t *frame, size_t length)
{
    if (port->channel) {
        send_or_keep(port, frame, length);
        return true;
    }
    return !port->send || port->send(port->send_opaque, frame, length);
}

bool net_send(NetPort *port, const uint8_t *frame, size_t length)
{
    assert(length >= NET_HEADER && length <= NET_FRAME_MOST);
    if (port->connected && !port->next_on_hub && !hand_over(port, frame, length)) {
        port->refused = true;
        return false;
    }
    port->stats.sent++;
    port->stats.sent_bytes += length;
    if (port->connected && port->follows_flows)
        net_flows_note(&port->flows, frame, length, false);
    if (port->connected && port->watch)
        port->watch(port->watch_opaque, frame, length, false);
    if (port->connected && port->next_on_hub)
        send_to_hub(port, frame, length);
    return true;
}

void net_send_again(NetPort *port)
{
    if (journal_open(port->channel))
        send_waiting(port);
    if (port->channel && (!port->refused || !journal_event(port->channel, AGAIN, NULL, 0)))
        return;
    port->refused = false;
    if (port->send_again)
        port->send_again(port->receive_opaque);
}

static bool apply(void *opaque, uint8_t what, const uint8_t *data, size_t size)
{
    NetPort *port = opaque;
    if (what == FRAME)
        net_receive(port, data, size);
    else if (what == CABLE && size == 1)
        net_connect(port, data[0]);
    else if (what == AGAIN && !size)
        net_send_again(port);
    else
        return false;
    return true;
}

void net_set_journal(NetPort *port, Journal *journal, const char *name)
{
    port->channel = journal_channel(journal, name, apply, port);
}
