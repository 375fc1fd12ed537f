#define _GNU_SOURCE
#include "frontends/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frontends/rpc.h"
#include "frontends/sockets.h"

/* Connections at one time; what may wait for a client that does not read; what is read at once. */
enum { CLIENTS_MOST = 64, UNSENT_MOST = 16 << 20, READ_SIZE = 65536 };

/* How long the end of the run waits for clients to take their last messages. */
enum { LAST_MS = 500 };

typedef struct Connection Connection;
struct Connection {
    Control *control;
    unsigned number;
    int fd;
    LoopWatch *watch;
    Rpc *rpc;
    char *in, *out;
    size_t in_length, in_capacity, out_length, out_capacity;
    bool skipping; /* the rest of a line that was too long */
    bool busy;     /* is being worked on: freed after that */
    bool dead, no_input;
    Connection *next;
};

struct Control {
    Session *session;
    UnixListener listener;
    LoopWatch *watch;
    SessionListener *events;
    Connection *connections;
    unsigned count, number;
    uint64_t read[SERIAL_PORTS]; /* how far clients have seen the ports' output */
};

/* ---- Connections ------------------------------------------------------------------------------------- */

static void connection_free(Connection *c)
{
    Connection **link = &c->control->connections;
    while (*link != c)
        link = &(*link)->next;
    *link = c->next;
    c->control->count--;
    loop_unwatch(c->watch);
    rpc_free(c->rpc);
    close(c->fd);
    free(c->in);
    free(c->out);
    free(c);
}

static void drop(Connection *c, const char *why)
{
    if (why && !c->dead)
        fprintf(stderr, "armature: control client %u was disconnected: %s\n", c->number, why);
    c->dead = true;
}

/* Frees the connections that died while they could not be freed. */
static void sweep(Control *control)
{
    for (Connection *c = control->connections, *next; c; c = next) {
        next = c->next;
        if (c->dead && !c->busy)
            connection_free(c);
    }
}

/* ---- Output ------------------------------------------------------------------------------------------ */

static void flush(Connection *c)
{
    size_t done = 0;
    while (done < c->out_length && !c->dead) {
        ssize_t sent = send(c->fd, c->out + done, c->out_length - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0)
            done += (size_t)sent;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            break;
        else if (errno != EINTR)
            drop(c, NULL);
    }
    memmove(c->out, c->out + done, c->out_length - done);
    c->out_length -= done;
    loop_events(c->watch, (short)((c->no_input ? 0 : POLLIN) | (c->out_length ? POLLOUT : 0)));
}

static void send_line(void *opaque, const char *line, size_t length)
{
    Connection *c = opaque;
    if (c->dead)
        return;
    if (c->out_length + length > UNSENT_MOST) {
        drop(c, "it does not read what it is sent");
        return;
    }
    if (c->out_length + length > c->out_capacity) {
        c->out_capacity = 2 * (c->out_length + length);
        c->out = realloc(c->out, c->out_capacity);
        if (!c->out)
            abort();
    }
    memcpy(c->out + c->out_length, line, length);
    c->out_length += length;
    flush(c);
}

static void seen(void *opaque, unsigned port, uint64_t offset)
{
    Control *control = ((Connection *)opaque)->control;
    if (offset > control->read[port])
        control->read[port] = offset;
}

/* ---- Input ------------------------------------------------------------------------------------------- */

static void take_lines(Connection *c)
{
    size_t begin = 0;
    char *end;
    while (!c->dead && (end = memchr(c->in + begin, '\n', c->in_length - begin))) {
        size_t length = (size_t)(end - (c->in + begin));
        *end = 0;
        if (!c->skipping)
            rpc_line(c->rpc, c->in + begin, length);
        c->skipping = false;
        begin += length + 1;
    }
    memmove(c->in, c->in + begin, c->in_length - begin);
    c->in_length -= begin;
    if (c->in_length <= RPC_LINE_MOST)
        return;
    if (!c->skipping)
        rpc_too_long(c->rpc);
    c->skipping = true;
    c->in_length = 0;
}

static void read_input(Connection *c)
{
    if (c->in_length + READ_SIZE > c->in_capacity) {
        c->in_capacity = 2 * c->in_capacity + READ_SIZE;
        c->in = realloc(c->in, c->in_capacity);
        if (!c->in)
            abort();
    }
    ssize_t got = recv(c->fd, c->in + c->in_length, READ_SIZE, MSG_DONTWAIT);
    if (got > 0) {
        c->in_length += (size_t)got;
        take_lines(c);
    } else if (got == 0) {
        drop(c, NULL);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        drop(c, NULL);
    }
}

static void ready(void *opaque, short revents)
{
    Connection *c = opaque;
    Control *control = c->control;
    bool outer = c->busy;
    c->busy = true;
    if (revents & POLLOUT)
        flush(c);
    if (revents & (POLLIN | POLLHUP | POLLERR) && !outer)
        read_input(c);
    c->busy = outer;
    sweep(control);
}

void control_adopt(Control *control, int fd)
{
    Connection *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    *c =
        (Connection){.control = control, .fd = fd, .number = ++control->number, .next = control->connections};
    c->rpc = rpc_new(control->session, control->read, send_line, seen, c);
    c->watch = loop_watch(session_loop(control->session), fd, POLLIN, ready, c);
    control->connections = c;
    control->count++;
}

static void accept_client(void *opaque, short revents)
{
    Control *control = opaque;
    (void)revents;
    int fd;
    while ((fd = accept4(control->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        if (control->count < CLIENTS_MOST) {
            control_adopt(control, fd);
            continue;
        }
        fprintf(stderr, "armature: a control client was refused: there are %d already\n", CLIENTS_MOST);
        close(fd);
    }
}

/* ---- The socket -------------------------------------------------------------------------------------- */

static void on_event(void *opaque, const SessionEvent *event)
{
    Control *control = opaque;
    for (Connection *c = control->connections; c; c = c->next)
        if (!c->dead)
            rpc_event(c->rpc, event);
    sweep(control);
}

Control *control_new(Session *session, const char *path, Error *err)
{
    Control *control = calloc(1, sizeof *control);
    if (!control)
        abort();
    control->session = session;
    control->listener.fd = -1;
    Error why;
    if (path && !unix_listen(&control->listener, path, &why)) {
        error_set(err, "--control %.300s: %.600s", path, why.text);
        free(control);
        return NULL;
    }
    if (path) {
        listen(control->listener.fd, CLIENTS_MOST); /* so many may connect before the machine looks */
        control->watch =
            loop_watch(session_loop(session), control->listener.fd, POLLIN, accept_client, control);
    }
    control->events = session_listen(session, on_event, control);
    return control;
}

/* What was said last ("stopped") should arrive. */
static void send_last(Connection *c)
{
    struct pollfd fd = {.fd = c->fd, .events = POLLOUT};
    for (int patience = LAST_MS / 50; c->out_length && !c->dead && patience > 0; patience--) {
        poll(&fd, 1, 50);
        flush(c);
    }
}

void control_free(Control *control)
{
    if (!control)
        return;
    while (control->connections) {
        send_last(control->connections);
        connection_free(control->connections);
    }
    session_unlisten(control->events);
    loop_unwatch(control->watch);
    if (control->listener.fd >= 0)
        unix_listener_close(&control->listener);
    free(control);
}
