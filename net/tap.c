#define _GNU_SOURCE
#include "net/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BATCH = 64 };

typedef struct Tap {
    NetEnd end;
    int fd;
    unsigned poll;
    uint8_t frame[NET_FRAME_MOST];
} Tap;

/* What the device does not take is lost, as on a wire. */
static void input(NetEnd *end, const uint8_t *frame, size_t length)
{
    ssize_t written = write(((Tap *)end)->fd, frame, length);
    (void)written;
}

static void fill(NetEnd *end, NetPolls *polls)
{
    Tap *tap = (Tap *)end;
    tap->poll = tap->fd >= 0 ? net_polls_add(polls, tap->fd, POLLIN) : 0;
}

static void serve(NetEnd *end, NetPolls *polls)
{
    Tap *tap = (Tap *)end;
    if (!tap->poll || !net_polls_revents(polls, tap->poll))
        return;
    for (unsigned n = 0; n < BATCH; n++) {
        ssize_t got = read(tap->fd, tap->frame, sizeof tap->frame);
        if (got >= NET_HEADER) {
            net_end_put(end, tap->frame, (size_t)got);
            continue;
        }
        /* The device was deleted: nothing comes any more. */
        if (got < 0 && errno != EAGAIN && errno != EINTR) {
            close(tap->fd);
            tap->fd = -1;
        }
        return;
    }
}

static void tap_free(NetEnd *end)
{
    Tap *tap = (Tap *)end;
    if (tap->fd >= 0)
        close(tap->fd);
}

static const NetEndOps ops = {"tap", input, fill, serve, tap_free};

static int open_tap(const char *name, Error *err)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    /* The kernel would make one for root, with no address and down. */
    if (!if_nametoindex(name)) {
        error_set(err, "there is no such device; make it with: ip tuntap add dev %s mode tap user $USER",
                  name);
        return -1;
    }
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        error_set(err, "cannot open /dev/net/tun: %s", strerror(errno));
        return -1;
    }
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (!ioctl(fd, TUNSETIFF, &request))
        return fd;
    if (errno == EPERM)
        error_set(err, "you may not use it; its owner is set with: ip tuntap add dev %s mode tap user $USER",
                  name);
    else if (errno == EBUSY)
        error_set(err, "the device is in use by another program");
    else
        error_set(err, "cannot use the device: %s", strerror(errno));
    close(fd);
    return -1;
}

NetEnd *net_tap_new(NetPort *port, Arrivals *arrivals, const char *name, Error *err)
{
    int fd = open_tap(name, err);
    if (fd < 0)
        return NULL;
    Tap *tap = calloc(1, sizeof *tap);
    if (!tap)
        abort();
    tap->fd = fd;
    if (!net_end_init(&tap->end, &ops, port, arrivals, err)) {
        close(fd);
        free(tap);
        return NULL;
    }
    if (net_end_start(&tap->end, err))
        return &tap->end;
    net_end_free(&tap->end);
    return NULL;
}
