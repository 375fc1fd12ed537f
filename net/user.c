#define _GNU_SOURCE
#include "net/user.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/host_time.h"

enum { TIMERS = 4 };

/* A timer of libslirp's. */
typedef struct UserTimer {
    bool used, running;
    SlirpTimerId id;
    void *opaque;
    int64_t due_ms;
} UserTimer;

typedef struct User {
    NetEnd end;
    NetUserOptions options;
    char *tftp, *bootfile;
    Slirp *slirp; /* NULL until it is needed */
    UserTimer timer[TIMERS];
    NetPolls *polls;
    NetForward forward[NET_FORWARDS];
    unsigned forwards;
} User;

/* ---- What libslirp asks for --------------------------------------------------------------------------- */

static int64_t clock_ns(void *opaque)
{
    (void)opaque;
    return (int64_t)host_ns();
}

static ssize_t send_packet(const void *frame, size_t length, void *opaque)
{
    net_end_put(opaque, frame, length);
    return (ssize_t)length;
}

/* The guest's own mistakes on its own network. */
static void guest_error(const char *text, void *opaque)
{
    (void)text;
    (void)opaque;
}

static void *timer_new(SlirpTimerId id, void *timer_opaque, void *opaque)
{
    User *user = opaque;
    for (unsigned n = 0; n < TIMERS; n++) {
        if (user->timer[n].used)
            continue;
        user->timer[n] = (UserTimer){.used = true, .id = id, .opaque = timer_opaque};
        return &user->timer[n];
    }
    abort(); /* libslirp has one timer */
}

static void timer_free(void *timer, void *opaque)
{
    (void)opaque;
    *(UserTimer *)timer = (UserTimer){0};
}

static void timer_mod(void *opaque_timer, int64_t due_ms, void *opaque)
{
    UserTimer *timer = opaque_timer;
    (void)opaque;
    timer->running = true;
    timer->due_ms = due_ms;
}

/* Every round asks anew which descriptors there are. */
static void poll_fd(int fd, void *opaque)
{
    (void)fd;
    (void)opaque;
}

/* The thread goes on by itself: it looks at everything in each round. */
static void notify(void *opaque)
{
    (void)opaque;
}

static const SlirpCb callbacks = {
    .send_packet = send_packet,
    .guest_error = guest_error,
    .clock_get_ns = clock_ns,
    .timer_free = timer_free,
    .timer_mod = timer_mod,
    .register_poll_fd = poll_fd,
    .unregister_poll_fd = poll_fd,
    .notify = notify,
    .timer_new_opaque = timer_new,
};

static void set_up(User *user)
{
    if (user->slirp)
        return;
    SlirpConfig config = {
        .version = 4,
        .restricted = user->options.restricted,
        .in_enabled = true,
        .in6_enabled = true,
        .vprefix_len = 64,
        .vhostname = "armature",
        .tftp_path = user->tftp,
        .bootfile = user->bootfile,
        .if_mtu = user->end.port->mtu,
        .if_mru = user->end.port->mtu,
    };
    inet_pton(AF_INET, "10.0.2.0", &config.vnetwork);
    inet_pton(AF_INET, "255.255.255.0", &config.vnetmask);
    inet_pton(AF_INET, "10.0.2.2", &config.vhost);
    inet_pton(AF_INET, "10.0.2.3", &config.vnameserver);
    inet_pton(AF_INET, "10.0.2.15", &config.vdhcp_start);
    inet_pton(AF_INET6, "fec0::", &config.vprefix_addr6);
    inet_pton(AF_INET6, "fec0::2", &config.vhost6);
    inet_pton(AF_INET6, "fec0::3", &config.vnameserver6);
    user->slirp = slirp_new(&config, &callbacks, user);
    if (!user->slirp)
        abort(); /* only a wrong configuration can do that */
}

/* ---- The thread's rounds ------------------------------------------------------------------------------ */

static void input(NetEnd *end, const uint8_t *frame, size_t length)
{
    User *user = (User *)end;
    set_up(user);
    slirp_input(user->slirp, frame, (int)length);
}

static int add_poll(int fd, int wanted, void *opaque)
{
    short events = (short)((wanted & SLIRP_POLL_IN ? POLLIN : 0) | (wanted & SLIRP_POLL_OUT ? POLLOUT : 0) |
                           (wanted & SLIRP_POLL_PRI ? POLLPRI : 0));
    return (int)net_polls_add(((User *)opaque)->polls, fd, events);
}

static int revents(int number, void *opaque)
{
    short got = net_polls_revents(((User *)opaque)->polls, (unsigned)number);
    return (got & POLLIN ? SLIRP_POLL_IN : 0) | (got & POLLOUT ? SLIRP_POLL_OUT : 0) |
           (got & POLLPRI ? SLIRP_POLL_PRI : 0) | (got & POLLERR ? SLIRP_POLL_ERR : 0) |
           (got & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static void fill(NetEnd *end, NetPolls *polls)
{
    User *user = (User *)end;
    uint32_t timeout = UINT32_MAX;
    if (!user->slirp)
        return;
    user->polls = polls;
    slirp_pollfds_fill(user->slirp, &timeout, add_poll, user);
    net_polls_limit(polls, timeout > INT32_MAX ? -1 : (int)timeout);
    int64_t now = clock_ns(NULL) / 1000000;
    for (unsigned n = 0; n < TIMERS; n++) {
        int64_t left = user->timer[n].due_ms - now;
        if (user->timer[n].running)
            net_polls_limit(polls, left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left);
    }
}

static void run_timers(User *user)
{
    int64_t now = clock_ns(NULL) / 1000000;
    for (unsigned n = 0; n < TIMERS; n++) {
        UserTimer *timer = &user->timer[n];
        if (!timer->running || timer->due_ms > now)
            continue;
        timer->running = false;
        slirp_handle_timer(user->slirp, timer->id, timer->opaque);
    }
}

static void serve(NetEnd *end, NetPolls *polls)
{
    User *user = (User *)end;
    if (!user->slirp)
        return;
    user->polls = polls;
    slirp_pollfds_poll(user->slirp, 0, revents, user);
    run_timers(user);
}

static void user_free(NetEnd *end)
{
    User *user = (User *)end;
    if (user->slirp)
        slirp_cleanup(user->slirp);
    free(user->tftp);
    free(user->bootfile);
}

static const NetEndOps ops = {"user", input, fill, serve, user_free};

bool net_end_is_user(const NetEnd *end)
{
    return end->ops == &ops;
}

static char *copy(const char *text)
{
    char *result = text ? strdup(text) : NULL;
    if (text && !result)
        abort();
    return result;
}

/* libslirp would only tell the guest, file by file. */
static bool check_folder(const char *folder, Error *err)
{
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder && fd < 0)
        return error_set(err, "cannot use the folder tftp=%s: %s", folder, strerror(errno));
    if (fd >= 0)
        close(fd);
    return true;
}

NetEnd *net_user_new(NetPort *port, Arrivals *arrivals, const NetUserOptions *options, Error *err)
{
    if (!check_folder(options->tftp, err))
        return NULL;
    User *user = calloc(1, sizeof *user);
    if (!user)
        abort();
    user->options = *options;
    if (!net_end_init(&user->end, &ops, port, arrivals, err)) {
        free(user);
        return NULL;
    }
    user->tftp = copy(options->tftp);
    user->bootfile = copy(options->bootfile);
    port->whole_segments = true;
    net_end_start_later(&user->end);
    return &user->end;
}

/* ---- Forwards ----------------------------------------------------------------------------------------- */

typedef union Address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} Address;

/* The size of the address; 0 if the text is none. */
static socklen_t parse_address(const char *text, uint16_t port, Address *address)
{
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        return sizeof address->v4;
    }
    if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) != 1)
        return 0;
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = htons(port);
    return sizeof address->v6;
}

/* A port that is free on the host at this moment; 0 if there is none. */
static uint16_t free_port(const NetForward *forward, Error *err)
{
    Address address;
    socklen_t size = parse_address(forward->host, 0, &address);
    int fd = socket(address.any.sa_family, (forward->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    bool got = fd >= 0 && !bind(fd, &address.any, size) && !getsockname(fd, &address.any, &size);
    if (!got)
        error_set(err, "no port on %s is free: %s", forward->host, strerror(errno));
    if (fd >= 0)
        close(fd);
    return got ? ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port) : 0;
}

static int flags_of(const NetForward *forward)
{
    return (forward->udp ? SLIRP_HOSTFWD_UDP : 0) | SLIRP_HOSTFWD_V6ONLY;
}

static bool listen_at(User *user, const NetForward *forward, Error *err)
{
    Address host, guest;
    socklen_t host_size = parse_address(forward->host, forward->host_port, &host);
    socklen_t guest_size = parse_address(forward->guest, forward->guest_port, &guest);
    if (!host_size || !guest_size || host_size != guest_size)
        return error_set(err, "give two addresses of one kind, IPv4 or IPv6, in numbers");
    net_end_lock(&user->end);
    set_up(user);
    int failed =
        slirp_add_hostxfwd(user->slirp, &host.any, host_size, &guest.any, guest_size, flags_of(forward));
    int error = errno;
    net_end_unlock(&user->end);
    if (!failed)
        return true;
    if (error == EADDRINUSE)
        return error_set(err, "port %u of %s is taken by another program on the host; choose another",
                         forward->host_port, forward->host);
    if (error == EACCES)
        return error_set(err, "port %u of %s needs rights that you do not have; choose one from 1024 on",
                         forward->host_port, forward->host);
    return error_set(err, "cannot listen at port %u of %s: %s", forward->host_port, forward->host,
                     strerror(error));
}

static void restart(User *user)
{
    net_end_lock(&user->end);
    if (user->slirp)
        slirp_cleanup(user->slirp);
    user->slirp = NULL;
    net_end_unlock(&user->end);
}

void net_user_restart(NetEnd *end)
{
    User *user = (User *)end;
    restart(user);
    for (unsigned n = 0; n < user->forwards;) {
        Error err;
        if (listen_at(user, &user->forward[n], &err)) {
            n++;
            continue;
        }
        fprintf(stderr, "armature: after the load, a forward has ended: %s\n", err.text);
        user->forwards--;
        memmove(&user->forward[n], &user->forward[n + 1], (user->forwards - n) * sizeof *user->forward);
    }
}

bool net_user_add(NetEnd *end, NetForward *forward, Error *err)
{
    User *user = (User *)end;
    if (user->forwards == NET_FORWARDS)
        return error_set(err, "at most %d ports can be forwarded", NET_FORWARDS);
    if (!*forward->guest)
        strcpy(forward->guest, strchr(forward->host, ':') ? "fec0::15" : "10.0.2.15");
    if (!forward->host_port && !(forward->host_port = free_port(forward, err)))
        return false;
    if (!listen_at(user, forward, err))
        return false;
    user->forward[user->forwards++] = *forward;
    return net_end_start(end, err);
}

bool net_user_remove(NetEnd *end, const NetForward *forward, Error *err)
{
    User *user = (User *)end;
    for (unsigned n = 0; n < user->forwards; n++) {
        const NetForward *have = &user->forward[n];
        Address host;
        if (have->udp != forward->udp || have->host_port != forward->host_port ||
            strcmp(have->host, forward->host) != 0)
            continue;
        socklen_t size = parse_address(have->host, have->host_port, &host);
        net_end_lock(end);
        slirp_remove_hostxfwd(user->slirp, &host.any, size, flags_of(have));
        net_end_unlock(end);
        user->forwards--;
        memmove(&user->forward[n], &user->forward[n + 1], (user->forwards - n) * sizeof *user->forward);
        return true;
    }
    return error_set(err, "no %s port %u of %s is forwarded", forward->udp ? "UDP" : "TCP",
                     forward->host_port, forward->host);
}

const NetForward *net_user_forwards(const NetEnd *end, unsigned *count)
{
    const User *user = (const User *)end;
    *count = user->forwards;
    return user->forward;
}
