#include "machine/net.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void net_port_init(NetPort *port)
{
    *port = (NetPort){.mtu = 1500};
    port->last = &port->first;
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

void net_reset(NetPort *port)
{
    while (port->first)
        drop_first(port);
}

void net_port_free(NetPort *port)
{
    net_reset(port);
}

static void tell_of_room(NetPort *port)
{
    if (!port->full || port->queued > NET_QUEUE_BYTES / 2)
        return;
    port->full = false;
    if (port->room)
        port->room(port->room_opaque);
}

void net_deliver(NetPort *port)
{
    /* receive() may lead back here. */
    if (port->delivering)
        return;
    port->delivering = true;
    while (port->first && port->receive &&
           port->receive(port->receive_opaque, port->first->data, port->first->length)) {
        port->stats.received++;
        port->stats.received_bytes += port->first->length;
        drop_first(port);
    }
    port->delivering = false;
    tell_of_room(port);
}

void net_receive(NetPort *port, const uint8_t *data, size_t length)
{
    if (!port->connected || length < NET_HEADER || length > NET_FRAME_MOST ||
        port->queued + length > 2 * NET_QUEUE_BYTES) {
        port->stats.dropped++;
        return;
    }
    NetFrame *frame = malloc(sizeof *frame + length);
    if (!frame)
        abort();
    frame->next = NULL;
    frame->length = length;
    memcpy(frame->data, data, length);
    *port->last = frame;
    port->last = &frame->next;
    port->queued += length;
    if (port->watch)
        port->watch(port->watch_opaque, data, length, true);
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
    tell_of_room(port);
    if (port->link_changed)
        port->link_changed(port->receive_opaque);
}

void net_send(NetPort *port, const uint8_t *frame, size_t length)
{
    assert(length >= NET_HEADER && length <= NET_FRAME_MOST);
    port->stats.sent++;
    port->stats.sent_bytes += length;
    if (!port->connected)
        return;
    if (port->watch)
        port->watch(port->watch_opaque, frame, length, false);
    if (port->send)
        port->send(port->send_opaque, frame, length);
}
