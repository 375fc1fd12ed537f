/* Serial ports on sockets: one program at a time is connected. A listening port lets the next one in when the
 * first has closed its side or hung up; until then it waits in the host's queue. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frontends/serial_end.h"

static void connected(SerialEnd *end, int fd)
{
    int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes,
               sizeof yes); /* fails for UNIX sockets, which wait for nothing */
    serial_link_open(end, fd);
}

/* Closing with unread input would make the host throw away what is on its way to the other side. */
static void hang_up(SerialEnd *end)
{
    char unread[4096];
    int fd = end->link.fd;
    if (fd < 0)
        return;
    serial_link_close(end);
    shutdown(fd, SHUT_WR);
    for (unsigned n = 0; n < 64 && recv(fd, unread, sizeof unread, MSG_DONTWAIT) > 0; n++) {
    }
    close(fd);
}

/* ---- Listening ---------------------------------------------------------------------------------------- */

static void somebody_came(void *opaque, short revents)
{
    SerialEnd *end = opaque;
    (void)revents;
    int fd = accept4(end->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (end->link.parked)
        serial_end_notice(end,
                          "somebody else has connected; what the last one sent and the guest has not read "
                          "is lost");
    hang_up(end);
    connected(end, fd);
    loop_events(end->listening, 0);
}

static bool start_listening(SerialEnd *end, Error *err)
{
    (void)err;
    end->listening = loop_watch(end->loop, end->listen_fd, POLLIN, somebody_came, end);
    end->waiting = end->spec.wait;
    if (end->waiting)
        serial_end_notice(end, "waits for a connection to %s", end->place);
    else if (end->kind == &serial_tcp_listen)
        serial_end_notice(end, "listens at %s", end->place);
    return true;
}

static bool open_unix(SerialEnd *end, Error *err)
{
    if (!unix_listen(&end->unix_listener, end->spec.path, err))
        return false;
    end->listen_fd = end->unix_listener.fd;
    serial_end_place(end, end->spec.path);
    return start_listening(end, err);
}

static bool open_tcp_listen(SerialEnd *end, Error *err)
{
    char address[160];
    end->listen_fd = tcp_listen(end->spec.host, end->spec.service, err);
    if (end->listen_fd < 0)
        return false;
    tcp_own_address(end->listen_fd, address, sizeof address);
    serial_end_place(end, address);
    return start_listening(end, err);
}

static void listener_gone(SerialEnd *end)
{
    hang_up(end);
    loop_events(end->listening, POLLIN);
}

/* A program that has sent all it wants to (nc with its input at the end) may still want the output, but
 * whoever comes next is preferred. Output that is to be kept is not spent on somebody who may be gone. */
static void listener_input_ended(SerialEnd *end)
{
    if (end->spec.keep && !end->link.parked)
        listener_gone(end);
    else
        loop_events(end->listening, POLLIN);
}

static void close_listener(SerialEnd *end)
{
    hang_up(end);
    loop_unwatch(end->listening);
    if (end->listen_fd >= 0 && end->listen_fd != end->unix_listener.fd)
        close(end->listen_fd);
    if (end->unix_listener.fd >= 0)
        unix_listener_close(&end->unix_listener);
    end->listen_fd = -1;
}

/* ---- Connecting --------------------------------------------------------------------------------------- */

static void try_again_later(SerialEnd *end)
{
    loop_timer_set(end->again, end->spec.reconnect * UINT64_C(1000000000));
}

static void end_attempt(SerialEnd *end, int error)
{
    int fd = end->trying;
    loop_unwatch(end->connecting);
    end->connecting = NULL;
    end->trying = -1;
    if (!error) {
        connected(end, fd);
        return;
    }
    if (fd >= 0)
        close(fd);
    end->next_address = end->next_address->ai_next;
    if (end->next_address)
        loop_timer_set(end->again, 0);
    else
        try_again_later(end);
}

static void attempt_ended(void *opaque, short revents)
{
    SerialEnd *end = opaque;
    (void)revents;
    end_attempt(end, tcp_connect_error(end->trying));
}

static void attempt(void *opaque)
{
    SerialEnd *end = opaque;
    if (!end->next_address)
        end->next_address = end->addresses;
    end->trying = tcp_connect_begin(end->next_address);
    if (end->trying < 0)
        end_attempt(end, errno);
    else
        end->connecting = loop_watch(end->loop, end->trying, POLLOUT, attempt_ended, end);
}

static bool open_tcp_connect(SerialEnd *end, Error *err)
{
    char place[300];
    snprintf(place, sizeof place, "%s:%s", end->spec.host ? end->spec.host : "127.0.0.1", end->spec.service);
    serial_end_place(end, place);
    if (!end->spec.reconnect) {
        int fd = tcp_connect(end->spec.host, end->spec.service, err);
        if (fd >= 0)
            connected(end, fd);
        return fd >= 0;
    }
    end->addresses = tcp_resolve(end->spec.host, end->spec.service, false, err);
    if (!end->addresses)
        return false;
    end->again = loop_timer_new(end->loop, attempt, end);
    attempt(end);
    return true;
}

static void connection_gone(SerialEnd *end)
{
    hang_up(end);
    if (end->again) {
        end->next_address = NULL;
        try_again_later(end);
    } else {
        serial_end_notice(end, "the connection to %s has ended", end->place);
    }
}

static void close_connection(SerialEnd *end)
{
    hang_up(end);
    loop_unwatch(end->connecting);
    if (end->trying >= 0)
        close(end->trying);
    end->trying = -1;
    if (end->addresses)
        freeaddrinfo(end->addresses);
    loop_timer_free(end->again);
}

/* ------------------------------------------------------------------------------------------------------- */

const SerialEndKind serial_unix = {
    .name = "unix",
    .open = open_unix,
    .put = serial_link_put,
    .close = close_listener,
    .failed = serial_link_failed,
    .input_ended = listener_input_ended,
    .gone = listener_gone,
};

const SerialEndKind serial_tcp_listen = {
    .name = "tcp",
    .open = open_tcp_listen,
    .put = serial_link_put,
    .close = close_listener,
    .failed = serial_link_failed,
    .input_ended = listener_input_ended,
    .gone = listener_gone,
};

const SerialEndKind serial_tcp_connect = {
    .name = "tcp",
    .open = open_tcp_connect,
    .put = serial_link_put,
    .close = close_connection,
    .failed = serial_link_failed,
    .input_ended = connection_gone,
    .gone = connection_gone,
};
