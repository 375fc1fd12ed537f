/* Waiting for a machine (--incoming). */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frontends/migration.h"
#include "frontends/migration_place.h"
#include "frontends/sockets.h"

static bool listen_at(const SerialSpec *spec, UnixListener *listener, Error *err)
{
    char address[160];
    *listener = (UnixListener){.fd = -1};
    if (spec->kind == SERIAL_UNIX) {
        if (!unix_listen(listener, spec->path, err))
            return false;
        fprintf(stderr, "armature: waiting for a machine at unix:%s\n", spec->path);
        return true;
    }
    listener->fd = tcp_listen(spec->host, spec->service, err);
    if (listener->fd < 0)
        return false;
    tcp_own_address(listener->fd, address, sizeof address);
    fprintf(stderr, "armature: waiting for a machine at tcp:%s\n", address);
    return true;
}

static int accept_one(int listener, Error *err)
{
    for (;;) {
        struct pollfd ready = {.fd = listener, .events = POLLIN};
        if (poll(&ready, 1, -1) < 0 && errno != EINTR)
            return error_set(err, "%s", strerror(errno)), -1;
        int yes = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* fails on UNIX sockets */
            return fd;
        }
        if (errno != EINTR && errno != EAGAIN && errno != ECONNABORTED)
            return error_set(err, "%s", strerror(errno)), -1;
    }
}

/* A stranger who knocks at the door does not end the waiting. */
Incoming *migration_await(const char *place, Error *err)
{
    SerialSpec spec;
    UnixListener listener = {.fd = -1};
    Incoming *incoming = NULL;
    Error why;
    bool ok = migration_from_parse(&spec, place, &why) && listen_at(&spec, &listener, &why);
    while (ok && !incoming) {
        int fd = accept_one(listener.fd, &why);
        ok = fd >= 0;
        incoming = ok ? incoming_begin(fd, -1, &why) : NULL;
        if (ok && !incoming)
            fprintf(stderr, "armature: no machine came: %s; still waiting\n", why.text);
    }
    unix_listener_close(&listener);
    serial_spec_free(&spec);
    if (!ok)
        error_set(err, "--incoming %.300s: %.600s", place, why.text);
    return incoming;
}
