/* Traffic between a serial port and somebody who may come and go: a socket's or pseudo-terminal's other side.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "frontends/serial_end.h"

/* Who takes nothing for so long, while the guest is held, is given up. */
#define STALL_NS UINT64_C(5000000000)

/* ---- Input -------------------------------------------------------------------------------------------- */

static void end_input(SerialEnd *end)
{
    SerialLink *link = &end->link;
    loop_unwatch(link->in);
    link->in = NULL;
    link->parked = false;
    link->input_ended = true;
    if (link->output_ended)
        end->kind->gone(end);
    else
        end->kind->input_ended(end);
}

static void watch_input(SerialEnd *end);

bool serial_link_read(SerialEnd *end)
{
    uint8_t data[4096];
    SerialLink *link = &end->link;
    ssize_t got = read(link->fd, data, sizeof data);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    serial_send(end->port, data, (size_t)got);
    if (end->port->length >= SERIAL_QUEUE_MOST) {
        link->parked = true;
        watch_input(end);
    }
    return true;
}

/* What hung up while nothing was read from it is read when the guest wants it. */
static void input_ready(void *opaque, short revents)
{
    SerialEnd *end = opaque;
    SerialLink *link = &end->link;
    (void)revents;
    if (link->parked) {
        loop_unwatch(link->in);
        link->in = NULL;
        end->kind->input_ended(end);
    } else if (!serial_link_read(end)) {
        end_input(end);
    }
}

static void watch_input(SerialEnd *end)
{
    SerialLink *link = &end->link;
    loop_unwatch(link->in);
    link->in = loop_watch(end->loop, link->fd, link->parked ? POLLRDHUP : POLLIN, input_ready, end);
}

static void room(void *opaque)
{
    SerialEnd *end = opaque;
    if (!end->link.parked)
        return;
    end->link.parked = false;
    watch_input(end);
}

/* ---- Output ------------------------------------------------------------------------------------------- */

static void stalled(void *opaque)
{
    SerialEnd *end = opaque;
    SerialLink *link = &end->link;
    if (link->fd < 0 || !end->out.full)
        return;
    if (end->out.written != link->progress) {
        link->progress = end->out.written;
        loop_timer_set(link->stall, STALL_NS);
    } else if (end->kind == &serial_pty) {
        serial_end_notice(end, "nobody reads %s; output is dropped until somebody does", end->place);
        outflow_discard(&end->out);
    } else {
        serial_end_notice(end, "the other side of %s takes nothing; the connection is closed", end->place);
        end->kind->gone(end);
    }
}

void serial_link_put(SerialEnd *end, uint8_t ch)
{
    SerialLink *link = &end->link;
    bool was_full = end->out.full, there = link->fd >= 0 && !link->output_ended;
    if (!there && !end->spec.keep)
        return;
    outflow_put(&end->out, ch);
    if (!there && end->out.full)
        outflow_trim(&end->out, OUTFLOW_ROOM);
    if (end->out.full && !was_full) {
        link->progress = end->out.written;
        loop_timer_set(link->stall, STALL_NS);
    }
}

/* There may be input left to read. */
void serial_link_failed(SerialEnd *end, int error)
{
    (void)error;
    SerialLink *link = &end->link;
    outflow_close(&end->out);
    link->output_ended = true;
    if (!end->spec.keep)
        outflow_trim(&end->out, 0);
    if (link->input_ended)
        end->kind->gone(end);
}

/* ---- Both --------------------------------------------------------------------------------------------- */

void serial_link_open(SerialEnd *end, int fd)
{
    SerialLink *link = &end->link;
    if (!link->stall)
        link->stall = loop_timer_new(end->loop, stalled, end);
    link->fd = fd;
    link->input_ended = link->output_ended = false;
    link->parked = end->port->length >= SERIAL_QUEUE_MOST;
    watch_input(end);
    outflow_open(&end->out, fd);
    end->port->room = room;
    end->port->room_opaque = end;
    end->waiting = false;
}

void serial_link_close(SerialEnd *end)
{
    SerialLink *link = &end->link;
    outflow_close(&end->out);
    outflow_trim(&end->out, end->spec.keep ? OUTFLOW_ROOM : 0);
    loop_unwatch(link->in);
    link->in = NULL;
    link->parked = false;
    link->fd = -1;
    end->port->room = NULL;
}

void serial_link_free(SerialEnd *end)
{
    loop_timer_free(end->link.stall);
    end->link.stall = NULL;
}
