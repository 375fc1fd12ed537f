/* See switch.h. Frames that a peer does not take are lost: nobody can make the others wait. */
#define _GNU_SOURCE
#include "net/switch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/switch_table.h"

/* Ports of the switch: this machine's own, then the peers'. */
enum { OWN_PORT, FIRST_PEER, PORTS = FIRST_PEER + SWITCH_PEERS };
enum { SEND_BUFFER = 1 << 20, RETRY_MS = 50, BATCH = 64 };

typedef struct Peer {
    int fd;        /* -1: none */
    unsigned poll; /* its number in this round; 0 (crossing_fd): not in it */
} Peer;

typedef struct Switch {
    NetEnd end;
    struct sockaddr_un address;
    char lock_path[sizeof(((struct sockaddr_un *)0)->sun_path) + 8];
    int lock_fd, listen_fd; /* >= 0: this machine forwards for all */
    unsigned listen_poll;
    Peer server; /* whoever else does */
    Peer peer[PORTS];
    SwitchTable table;
    uint8_t frame[NET_FRAME_MOST];
} Switch;

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- Joining ------------------------------------------------------------------------------------------ */

static void set_buffer(int fd)
{
    int size = SEND_BUFFER;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size); /* less will do, too */
}

static int new_socket(void)
{
    return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static bool join(Switch *s)
{
    int fd = new_socket();
    if (fd < 0)
        return false;
    if (connect(fd, (struct sockaddr *)&s->address, sizeof s->address)) {
        int error = errno;
        close(fd);
        errno = error;
        return false;
    }
    set_buffer(fd);
    s->server.fd = fd;
    return true;
}

/* The lock is good only while its name still leads to it: its last owner takes the name away. */
static bool take_lock(Switch *s)
{
    struct stat held, named;
    s->lock_fd = open(s->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock_fd < 0)
        return false;
    if (!flock(s->lock_fd, LOCK_EX | LOCK_NB) && !fstat(s->lock_fd, &held) && !stat(s->lock_path, &named) &&
        held.st_ino == named.st_ino && held.st_dev == named.st_dev)
        return true;
    close_fd(&s->lock_fd);
    errno = EAGAIN;
    return false;
}

/* Nobody else has the lock, so that a socket of this name is of somebody who is gone. */
static bool open_socket(Switch *s)
{
    struct stat there;
    if (!lstat(s->address.sun_path, &there) && !S_ISSOCK(there.st_mode)) {
        errno = EEXIST;
        return false;
    }
    unlink(s->address.sun_path);
    s->listen_fd = new_socket();
    return s->listen_fd >= 0 && !bind(s->listen_fd, (struct sockaddr *)&s->address, sizeof s->address) &&
           !chmod(s->address.sun_path, 0600) && !listen(s->listen_fd, SWITCH_PEERS);
}

static bool open_switch(Switch *s)
{
    if (!take_lock(s))
        return false;
    switch_table_init(&s->table);
    if (open_socket(s))
        return true;
    int error = errno;
    close_fd(&s->listen_fd);
    unlink(s->lock_path);
    close_fd(&s->lock_fd);
    errno = error;
    return false;
}

/* False: neither; errno says why, EAGAIN: somebody else is about to. */
static bool join_or_open(Switch *s)
{
    return join(s) || ((errno == ENOENT || errno == ECONNREFUSED) && open_switch(s));
}

/* ---- Forwarding --------------------------------------------------------------------------------------- */

static void put_to(Switch *s, int port, const uint8_t *frame, size_t length)
{
    if (port == OWN_PORT)
        net_end_put(&s->end, frame, length);
    else if (s->peer[port].fd >= 0)
        send(s->peer[port].fd, frame, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void forward(Switch *s, int from, const uint8_t *frame, size_t length)
{
    int to = switch_table_pass(&s->table, frame, from);
    if (to != SWITCH_EVERY_PORT) {
        if (to != from)
            put_to(s, to, frame, length);
        return;
    }
    for (int port = 0; port < PORTS; port++)
        if (port != from)
            put_to(s, port, frame, length);
}

static void input(NetEnd *end, const uint8_t *frame, size_t length)
{
    Switch *s = (Switch *)end;
    if (s->listen_fd >= 0)
        forward(s, OWN_PORT, frame, length);
    else if (s->server.fd >= 0)
        send(s->server.fd, frame, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void accept_peer(Switch *s)
{
    int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    for (int port = FIRST_PEER; port < PORTS; port++) {
        if (s->peer[port].fd >= 0)
            continue;
        set_buffer(fd);
        s->peer[port] = (Peer){.fd = fd};
        return;
    }
    close(fd);
}

/* Passes on what a peer has sent, up to BATCH frames; false if the peer is gone. */
static bool serve_peer(Switch *s, int fd, int port)
{
    for (unsigned n = 0; n < BATCH; n++) {
        ssize_t got = recv(fd, s->frame, sizeof s->frame, MSG_DONTWAIT | MSG_TRUNC);
        if (got < 0)
            return errno == EAGAIN || errno == EINTR;
        if (!got)
            return false;
        if (got < NET_HEADER || (size_t)got > sizeof s->frame)
            continue; /* no frame */
        if (port == OWN_PORT)
            net_end_put(&s->end, s->frame, (size_t)got);
        else
            forward(s, port, s->frame, (size_t)got);
    }
    return true;
}

/* ---- The thread's rounds ------------------------------------------------------------------------------ */

static void fill(NetEnd *end, NetPolls *polls)
{
    Switch *s = (Switch *)end;
    if (s->listen_fd < 0) {
        if (s->server.fd >= 0)
            s->server.poll = net_polls_add(polls, s->server.fd, POLLIN);
        else
            net_polls_limit(polls, RETRY_MS);
        return;
    }
    s->listen_poll = net_polls_add(polls, s->listen_fd, POLLIN);
    for (int port = FIRST_PEER; port < PORTS; port++) {
        s->peer[port].poll = 0;
        if (s->peer[port].fd >= 0)
            s->peer[port].poll = net_polls_add(polls, s->peer[port].fd, POLLIN);
    }
}

static void serve_peers(Switch *s, const NetPolls *polls)
{
    for (int port = FIRST_PEER; port < PORTS; port++) {
        Peer *peer = &s->peer[port];
        if (!peer->poll || !net_polls_revents(polls, peer->poll) || serve_peer(s, peer->fd, port))
            continue;
        close_fd(&peer->fd);
        switch_table_forget(&s->table, port);
    }
    if (net_polls_revents(polls, s->listen_poll))
        accept_peer(s);
}

static void serve(NetEnd *end, NetPolls *polls)
{
    Switch *s = (Switch *)end;
    if (s->listen_fd >= 0) {
        serve_peers(s, polls);
        return;
    }
    if (s->server.fd >= 0 && net_polls_revents(polls, s->server.poll) &&
        !serve_peer(s, s->server.fd, OWN_PORT))
        close_fd(&s->server.fd);
    if (s->server.fd < 0)
        join_or_open(s); /* or once more, a little later */
}

static void switch_free(NetEnd *end)
{
    Switch *s = (Switch *)end;
    if (s->listen_fd >= 0) {
        unlink(s->address.sun_path);
        unlink(s->lock_path);
    }
    close_fd(&s->listen_fd);
    close_fd(&s->lock_fd);
    close_fd(&s->server.fd);
    for (int port = 0; port < PORTS; port++)
        close_fd(&s->peer[port].fd);
}

static const NetEndOps ops = {"switch", input, fill, serve, switch_free};

static Switch *allocate(const char *path)
{
    Switch *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->address.sun_family = AF_UNIX;
    snprintf(s->address.sun_path, sizeof s->address.sun_path, "%s", path);
    snprintf(s->lock_path, sizeof s->lock_path, "%s.lock", path);
    s->lock_fd = s->listen_fd = s->server.fd = -1;
    for (int port = 0; port < PORTS; port++)
        s->peer[port].fd = -1;
    return s;
}

NetEnd *net_switch_new(NetPort *port, Arrivals *arrivals, const char *path, Error *err)
{
    Switch *s = allocate(path);
    if (!net_end_init(&s->end, &ops, port, arrivals, err)) {
        free(s);
        return NULL;
    }
    /* EAGAIN: somebody opens it at this moment; the thread joins in a moment. */
    bool joined = join_or_open(s) || errno == EAGAIN;
    if (!joined && errno == EEXIST)
        error_set(err, "%s is there already, and is not a socket", path);
    else if (!joined)
        error_set(err, "cannot open %s: %s", path, strerror(errno));
    if (joined && net_end_start(&s->end, err))
        return &s->end;
    net_end_free(&s->end);
    return NULL;
}
