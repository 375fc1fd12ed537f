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

void net_port_free(NetPort *port)
{
    forget(port);
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

void net_put_back(NetPort *port, const uint8_t *data, size_t length)
{
    NetFrame *frame = malloc(sizeof *frame + length);
    if (!frame)
        abort();
    frame->next = NULL;
    frame->length = length;
    memcpy(frame->data, data, length);
    *port->last = frame;
    port->last = &frame->next;
    port->queued += length;
}

void net_receive(NetPort *port, const uint8_t *data, size_t length)
{
    if (!port->connected || length < NET_HEADER || length > NET_FRAME_MOST ||
        port->queued + length > 2 * NET_QUEUE_BYTES) {
        port->stats.dropped++;
        return;
    }
    if (port->watch)
        port->watch(port->watch_opaque, data, length, true);
    if (deliver_at_once(port, data, length))
        return;
    net_put_back(port, data, length);
    net_deliver(port);
}

bool net_has_room(NetPort *port)
{
    port->full = port->queued >= NET_QUEUE_BYTES;
    return !port->full;
}

void net_connect(NetPort *port, bool connected)
{
    if (port->connected == connected)
        return;
    port->connected = connected;
    net_reset(port);
    if (port->link_changed)
        port->link_changed(port->receive_opaque);
}

bool net_send(NetPort *port, const uint8_t *frame, size_t length)
{
    assert(length >= NET_HEADER && length <= NET_FRAME_MOST);
    if (port->connected && port->send && !port->send(port->send_opaque, frame, length))
        return false;
    port->stats.sent++;
    port->stats.sent_bytes += length;
    if (port->connected && port->watch)
        port->watch(port->watch_opaque, frame, length, false);
    return true;
}

void net_send_again(NetPort *port)
{
    if (port->send_again)
        port->send_again(port->receive_opaque);
}
