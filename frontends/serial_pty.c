/* Serial ports on pseudo-terminals. The host reports for as long as nobody has the slave open that it was
 * hung up, so the master is not watched then, but looked at from time to time. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "frontends/serial_end.h"

enum { NAME = 128, LAST_LOOKS = 200, LAST_LOOK_NS = 5000000 };

#define LOOK_NS UINT64_C(100000000)

/* Somebody who opens the slave, writes and closes it again between two looks has left only what they wrote.
 */
static void look(void *opaque)
{
    SerialEnd *end = opaque;
    struct pollfd state = {.fd = end->fd, .events = POLLIN};
    if (poll(&state, 1, 0) > 0 && state.revents & POLLHUP && !(state.revents & POLLIN))
        loop_timer_set(end->again, LOOK_NS);
    else
        serial_link_open(end, end->fd);
}

static void nobody(SerialEnd *end)
{
    serial_link_close(end);
    loop_timer_set(end->again, LOOK_NS);
}

/* The last one who had the slave open has closed it. */
static void hung_up(SerialEnd *end, int error)
{
    (void)error;
    struct pollfd state = {.fd = end->fd, .events = POLLIN};
    while (!end->link.parked && poll(&state, 1, 0) > 0 && state.revents & POLLIN && serial_link_read(end)) {
    }
    nobody(end);
}

/* Without the link of an earlier run that could not remove it; a link to a terminal that exists may be in
 * use. */
static bool make_link(SerialEnd *end, const char *slave, Error *err)
{
    const char *path = end->spec.path;
    char target[NAME];
    if (!path)
        return true;
    ssize_t length = readlink(path, target, sizeof target - 1);
    target[length > 0 ? length : 0] = 0;
    if (!strncmp(target, "/dev/pts/", strlen("/dev/pts/"))) {
        if (access(target, F_OK) == 0)
            return error_set(err,
                             "the link %s exists and leads to %s, which is in use; remove it if not by an "
                             "emulator",
                             path, target);
        unlink(path);
    }
    if (symlink(slave, path))
        return error_set(err, "cannot make the link %s: %s", path, strerror(errno));
    end->symlink = strdup(path);
    if (!end->symlink)
        abort();
    return true;
}

/* Raw: who opens it gets what the guest sends, and the guest what they write, without an echo. */
static bool set_raw(const char *slave)
{
    struct termios settings;
    int fd = open(slave, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = !tcgetattr(fd, &settings);
    cfmakeraw(&settings);
    ok = ok && !tcsetattr(fd, TCSANOW, &settings);
    close(fd);
    return ok;
}

static bool open_pty(SerialEnd *end, Error *err)
{
    char slave[NAME];
    end->fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (end->fd < 0 || grantpt(end->fd) || unlockpt(end->fd) || ptsname_r(end->fd, slave, sizeof slave) ||
        !set_raw(slave))
        return error_set(err, "cannot make a pseudo-terminal: %s", strerror(errno));
    serial_end_place(end, slave);
    if (!make_link(end, slave, err))
        return false;
    if (end->symlink)
        serial_end_notice(end, "is %s (%s)", slave, end->symlink);
    else
        serial_end_notice(end, "is %s", slave);
    end->again = loop_timer_new(end->loop, look, end);
    loop_timer_set(end->again, 0);
    return true;
}

/* Closing the master throws away what the reader has not fetched yet: gives it a second to do so. */
static void let_reader_finish(const SerialEnd *end)
{
    char slave[NAME];
    int unread = 0;
    if (end->link.fd < 0 || ptsname_r(end->fd, slave, sizeof slave))
        return;
    int fd = open(slave, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    for (unsigned n = 0; fd >= 0 && n < LAST_LOOKS; n++) {
        nanosleep(&(struct timespec){0, LAST_LOOK_NS}, NULL);
        if (ioctl(fd, FIONREAD, &unread) || !unread)
            break;
    }
    if (fd >= 0)
        close(fd);
}

static void close_pty(SerialEnd *end)
{
    char target[NAME];
    if (end->symlink) {
        ssize_t length = readlink(end->symlink, target, sizeof target - 1);
        target[length > 0 ? length : 0] = 0;
        if (!strcmp(target, end->place + strlen("pty ")))
            unlink(end->symlink);
        free(end->symlink);
    }
    let_reader_finish(end);
    serial_link_close(end);
    loop_timer_free(end->again);
    if (end->fd >= 0)
        close(end->fd);
}

const SerialEndKind serial_pty = {
    .name = "pty",
    .open = open_pty,
    .put = serial_link_put,
    .close = close_pty,
    .failed = hung_up,
    .input_ended = nobody,
    .gone = nobody,
};
