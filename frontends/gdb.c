#define _GNU_SOURCE
#include "frontends/gdb.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frontends/gdb_parts.h"
#include "frontends/gdb_registers.h"
#include "frontends/gdb_spec.h"
#include "machine/checked.h"

/* What may wait for a debugger that does not read; how long the end of the run waits for it. */
enum { UNSENT_MOST = 4 << 20, LAST_MS = 500 };

/* ---- Output ------------------------------------------------------------------------------------------ */

static void put_framed(void *opaque, uint8_t ch)
{
    Gdb *gdb = opaque;
    if (gdb->last_length == gdb->last_capacity) {
        gdb->last_capacity = 2 * gdb->last_capacity + 256;
        gdb->last = checked(realloc(gdb->last, gdb->last_capacity));
    }
    gdb->last[gdb->last_length++] = ch;
}

static void send_last_packet(Gdb *gdb)
{
    for (size_t n = 0; n < gdb->last_length; n++)
        outflow_put(&gdb->out, gdb->last[n]);
}

void gdb_reply(Gdb *gdb, const void *data, size_t length)
{
    if (gdb->fd < 0)
        return;
    gdb->last_length = 0;
    gdb_wire_frame(data, length, put_framed, gdb);
    send_last_packet(gdb);
}

void gdb_reply_text(Gdb *gdb, const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    gdb_reply(gdb, text, length < (int)sizeof text ? (size_t)length : sizeof text - 1);
}

/* ---- A debugger comes and goes ----------------------------------------------------------------------- */

static void hang_up(Gdb *gdb)
{
    if (gdb->fd < 0)
        return;
    gdb_forget_motion(gdb);
    gdb_points_clear(gdb);
    loop_unwatch(gdb->in);
    outflow_close(&gdb->out);
    outflow_trim(&gdb->out, 0);
    close(gdb->fd);
    gdb->fd = -1;
    loop_events(gdb->listening, POLLIN);
}

/* It did not detach, so that it may come back to where it was. */
static void lost(Gdb *gdb)
{
    bool stands = session_paused(gdb->session) && !session_ending(gdb->session);
    hang_up(gdb);
    if (stands)
        session_say(gdb->session,
                    "the debugger has hung up; the machine stands still until one connects again");
}

static void cannot_send(void *opaque, int error)
{
    (void)error;
    lost(opaque);
}

static void take(Gdb *gdb, uint8_t ch)
{
    GdbWire *wire = &gdb->wire;
    switch (gdb_wire_take(wire, ch)) {
    case GDB_PACKET:
        if (!gdb->no_acks)
            outflow_put(&gdb->out, '+');
        gdb->last_length = 0; /* nothing but its own answer is to be repeated */
        gdb_command(gdb, (const char *)wire->data);
        break;
    case GDB_DAMAGED:
        if (!gdb->no_acks)
            outflow_put(&gdb->out, '-');
        break;
    case GDB_AGAIN:
        if (!gdb->no_acks)
            send_last_packet(gdb);
        break;
    case GDB_INTERRUPT:
        gdb_interrupt(gdb);
        break;
    default:
        break;
    }
}

static void ready(void *opaque, short revents)
{
    Gdb *gdb = opaque;
    uint8_t bytes[4096];
    (void)revents;
    ssize_t got = recv(gdb->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    bool ended = got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
    for (ssize_t n = 0; n < got && gdb->out.length <= UNSENT_MOST; n++)
        take(gdb, bytes[n]);
    if (ended || gdb->out.length > UNSENT_MOST)
        lost(gdb);
    else
        outflow_flush(&gdb->out); /* what fails is found out by the loop */
}

static void welcome(Gdb *gdb, int fd)
{
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes,
               sizeof yes); /* fails for UNIX sockets, which wait for nothing */
    memset(&gdb->wire, 0, sizeof gdb->wire);
    gdb->last_length = 0;
    gdb->no_acks = gdb->knows_swbreak = gdb->knows_hwbreak = false;
    gdb->cpu = 0;
    gdb->fd = fd;
    gdb->in = loop_watch(session_loop(gdb->session), fd, POLLIN, ready, gdb);
    outflow_open(&gdb->out, fd);
    session_pause(gdb->session);
}

/* Who comes while one is there waits in the host's queue. */
static void somebody_came(void *opaque, short revents)
{
    Gdb *gdb = opaque;
    (void)revents;
    int fd = accept4(gdb->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    loop_events(gdb->listening, 0);
    welcome(gdb, fd);
}

/* ---- The socket -------------------------------------------------------------------------------------- */

static bool start_listening(Gdb *gdb, const char *text, Error *err)
{
    char address[160];
    const SerialSpec *spec = &gdb->spec;
    Error why;
    if (!gdb_spec_parse(&gdb->spec, text, &why))
        return error_set(err, "--gdb %.300s: %.600s", text, why.text);
    bool is_unix = spec->kind == SERIAL_UNIX;
    if (is_unix)
        gdb->listen_fd = unix_listen(&gdb->unix_listener, spec->path, &why) ? gdb->unix_listener.fd : -1;
    else
        gdb->listen_fd = tcp_listen(spec->host, spec->service, &why);
    if (gdb->listen_fd < 0)
        return error_set(err, "--gdb %.300s: %.600s", text, why.text);
    gdb->listening = loop_watch(session_loop(gdb->session), gdb->listen_fd, POLLIN, somebody_came, gdb);
    if (!is_unix)
        tcp_own_address(gdb->listen_fd, address, sizeof address);
    fprintf(stderr, "armature: %s; in gdb: target remote %s\n",
            spec->wait ? "the machine waits for a debugger" : "a debugger may connect",
            is_unix ? spec->path : address);
    if (spec->wait)
        session_pause(gdb->session);
    return true;
}

static void on_event(void *opaque, const SessionEvent *event)
{
    gdb_event(opaque, event);
}

Gdb *gdb_new(Session *session, const char *place, Error *err)
{
    Gdb *gdb = checked(calloc(1, sizeof *gdb));
    gdb->session = session;
    gdb->fd = gdb->listen_fd = gdb->unix_listener.fd = -1;
    gdb->registers_xml = gdb_registers_xml();
    gdb_run_init(gdb);
    outflow_init(&gdb->out, session_loop(session), cannot_send, gdb);
    client_init(&gdb->client, session, "gdb");
    gdb->events = session_listen(session, on_event, gdb);
    if (start_listening(gdb, place, err))
        return gdb;
    gdb_free(gdb);
    return NULL;
}

/* That the run has ended should arrive. */
static void send_rest(Gdb *gdb)
{
    struct pollfd fd = {.fd = gdb->fd, .events = POLLOUT};
    for (int patience = LAST_MS / 50; gdb->fd >= 0 && gdb->out.length && patience > 0; patience--) {
        poll(&fd, 1, 50);
        if (!outflow_flush(&gdb->out))
            break;
    }
}

void gdb_free(Gdb *gdb)
{
    if (!gdb)
        return;
    send_rest(gdb);
    hang_up(gdb);
    client_leave(&gdb->client);
    session_unlisten(gdb->events);
    loop_unwatch(gdb->listening);
    if (gdb->unix_listener.fd >= 0)
        unix_listener_close(&gdb->unix_listener);
    else if (gdb->listen_fd >= 0)
        close(gdb->listen_fd);
    outflow_free(&gdb->out);
    serial_spec_free(&gdb->spec);
    free(gdb->registers_xml);
    free(gdb->last);
    free(gdb);
}
