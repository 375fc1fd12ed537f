#define _GNU_SOURCE
#include "frontends/outflow.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TERMINAL_MOST = 256 /* what a terminal has room for when poll() says that it has */ };

void outflow_init(Outflow *out, Loop *loop, void (*failed)(void *opaque, int error), void *opaque)
{
    *out = (Outflow){.loop = loop, .fd = -1, .failed = failed, .opaque = opaque};
}

void outflow_free(Outflow *out)
{
    outflow_close(out);
    free(out->data);
    *out = (Outflow){.fd = -1};
}

/* ---- The buffer --------------------------------------------------------------------------------------- */

static void reserve(Outflow *out)
{
    if (out->head + out->length < out->capacity)
        return;
    if (out->head && out->head >= out->capacity / 2) {
        memmove(out->data, out->data + out->head, out->length);
        out->head = 0;
        return;
    }
    out->capacity = out->capacity ? 2 * out->capacity : 4096;
    out->data = realloc(out->data, out->capacity);
    if (!out->data)
        abort();
}

static void drop(Outflow *out, size_t count)
{
    out->length -= count;
    out->head = out->length ? out->head + count : 0;
    if (out->length <= OUTFLOW_ROOM)
        out->full = false;
}

static void choose_events(Outflow *out)
{
    if (out->watch)
        loop_events(out->watch, out->length || out->discards ? POLLOUT : 0);
}

void outflow_put(Outflow *out, uint8_t ch)
{
    if (out->discards)
        return;
    reserve(out);
    out->data[out->head + out->length++] = ch;
    if (out->length >= OUTFLOW_FULL)
        out->full = true;
    if (out->length == 1)
        choose_events(out);
}

void outflow_trim(Outflow *out, size_t keep)
{
    if (out->length > keep)
        drop(out, out->length - keep);
    choose_events(out);
}

void outflow_discard(Outflow *out)
{
    drop(out, out->length);
    out->discards = true;
    choose_events(out);
}

/* ---- The descriptor ----------------------------------------------------------------------------------- */

/* True if a write was made (false with errno = 0 or EAGAIN: nothing to do now). */
static bool write_some(Outflow *out)
{
    size_t count = out->length < out->most ? out->length : out->most;
    errno = 0;
    if (!count)
        return false;
    ssize_t wrote = write(out->fd, out->data + out->head, count);
    if (wrote < 0)
        return errno == EINTR;
    out->written += (uint64_t)wrote;
    drop(out, (size_t)wrote);
    return true;
}

static bool still_good(void)
{
    return errno == 0 || errno == EAGAIN || errno == EINTR;
}

bool outflow_flush(Outflow *out)
{
    if (out->fd < 0)
        return true;
    while (!out->once && write_some(out)) {
    }
    while (out->once && out->length) {
        struct pollfd ready = {.fd = out->fd, .events = POLLOUT};
        errno = EAGAIN;
        if (poll(&ready, 1, 0) <= 0 || !write_some(out))
            break;
    }
    int error = errno;
    choose_events(out);
    errno = error;
    return !out->length || still_good();
}

static void ready(void *opaque, short revents)
{
    Outflow *out = opaque;
    out->discards &= !(revents & POLLOUT);
    int error = 0;
    if (out->length && !outflow_flush(out))
        error = errno;
    else if (revents & (POLLERR | POLLHUP))
        error = EPIPE;
    choose_events(out);
    if (error)
        out->failed(out->opaque, error);
}

void outflow_open(Outflow *out, int fd)
{
    struct stat status;
    int flags = fcntl(fd, F_GETFL);
    out->fd = fd;
    out->once = flags >= 0 && !(flags & O_NONBLOCK) && !fstat(fd, &status) && !S_ISREG(status.st_mode);
    out->most = !out->once ? SSIZE_MAX : isatty(fd) ? TERMINAL_MOST : PIPE_BUF;
    out->watch = loop_watch(out->loop, fd, 0, ready, out);
    choose_events(out);
}

void outflow_close(Outflow *out)
{
    loop_unwatch(out->watch);
    out->watch = NULL;
    out->fd = -1;
    out->discards = false;
}

int outflow_reopen(int fd)
{
    struct stat status;
    char path[64];
    if (fstat(fd, &status) || S_ISREG(status.st_mode) || S_ISSOCK(status.st_mode))
        return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}
