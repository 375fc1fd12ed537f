/* Serial ports on stdin and stdout or in files; signals; the keys that leave. */
#define _GNU_SOURCE
#include "frontends/headless.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "frontends/terminal.h"

enum { ESCAPE = 0x01 /* Ctrl-A */ };

/* More than the guest has taken is left in the pipe, so that a long file waits there and not in memory. */
enum { MAX_QUEUED = 1 << 16 };

typedef struct Output {
    Headless *headless;
    int fd; /* -1: none */
    bool owned;
    unsigned length;
    char data[4096];
} Output;

struct Headless {
    Machine *machine;
    Output output[SERIAL_PORTS];
    SerialPort *console; /* the port with the terminal, NULL if none */
    int signal_fd;
    sigset_t old_signals;
    bool is_terminal; /* stdin */
    bool input_open;
    bool escaped; /* Ctrl-A came, its command has not */
    bool leave;
    int signal, write_error;
};

/* ---- Output ---------------------------------------------------------------------------------- */

static void flush(Output *out)
{
    unsigned done = 0;
    while (done < out->length) {
        ssize_t wrote = write(out->fd, out->data + done, out->length - done);
        if (wrote >= 0) {
            done += (unsigned)wrote;
        } else if (errno == EAGAIN) {
            poll(&(struct pollfd){.fd = out->fd, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            out->headless->write_error = errno;
            out->headless->leave = true;
            break;
        }
    }
    out->length = 0;
}

static void output(void *opaque, uint8_t ch)
{
    Output *out = opaque;
    out->data[out->length++] = (char)ch;
    if (out->length == sizeof out->data)
        flush(out);
}

static bool open_output(Headless *h, unsigned n, const char *where, Error *err)
{
    Output *out = &h->output[n];
    SerialPort *port = &h->machine->env.serial[n];
    if (!strcmp(where, "none"))
        return true;
    if (!strcmp(where, "stdio")) {
        out->fd = STDOUT_FILENO;
        h->console = port;
    } else {
        const char *path = where + strlen("file:");
        out->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        out->owned = true;
        if (out->fd < 0)
            return error_set(err, "--serial: cannot write %s: %s", path, strerror(errno));
    }
    port->output = output;
    port->output_opaque = out;
    return true;
}

/* ---- Input ----------------------------------------------------------------------------------- */

static void escape_command(Headless *h, uint8_t key)
{
    if (key == 'x' || key == 'X')
        h->leave = true;
    else if (key == ESCAPE || key == 'a')
        serial_send(h->console, &(uint8_t){ESCAPE}, 1);
    else
        fputs("\narmature: Ctrl-A x leaves, Ctrl-A Ctrl-A sends Ctrl-A\n", stderr);
}

/* Characters typed at the terminal; pipes and files are passed on as they are. */
static void typed(Headless *h, const uint8_t *data, size_t length)
{
    for (size_t i = 0; i < length && !h->leave; i++) {
        if (h->escaped)
            escape_command(h, data[i]);
        else if (data[i] != ESCAPE)
            serial_send(h->console, &data[i], 1);
        h->escaped = !h->escaped && data[i] == ESCAPE;
    }
}

static void read_input(Headless *h)
{
    uint8_t data[4096];
    ssize_t got = read(STDIN_FILENO, data, sizeof data);
    if (got > 0 && h->is_terminal)
        typed(h, data, (size_t)got);
    else if (got > 0)
        serial_send(h->console, data, (size_t)got);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        h->input_open = false;
}

/* ---- Signals --------------------------------------------------------------------------------- */

static void stop_and_continue(Headless *h)
{
    if (h->is_terminal)
        terminal_release();
    raise(SIGSTOP);
}

static void read_signal(Headless *h)
{
    struct signalfd_siginfo info;
    if (read(h->signal_fd, &info, sizeof info) != sizeof info)
        return;
    switch (info.ssi_signo) {
    case SIGTSTP:
        stop_and_continue(h);
        break;
    case SIGCONT:
        if (h->is_terminal)
            terminal_take();
        break;
    default:
        h->signal = (int)info.ssi_signo;
        h->leave = true;
    }
}

static bool catch_signals(Headless *h, Error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    sigaddset(&set, SIGTSTP);
    sigaddset(&set, SIGCONT);
    sigprocmask(SIG_BLOCK, &set, &h->old_signals);
    h->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return h->signal_fd >= 0 || error_set(err, "cannot watch for signals: %s", strerror(errno));
}

/* ---- The machine's view ---------------------------------------------------------------------- */

static bool poll_host(void *opaque, uint64_t timeout_ns)
{
    Headless *h = opaque;
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        flush(&h->output[n]);
    bool listen = h->console && h->input_open && h->console->length < MAX_QUEUED;
    struct pollfd fds[2] = {
        {.fd = h->signal_fd,               .events = POLLIN},
        {.fd = listen ? STDIN_FILENO : -1, .events = POLLIN}
    };
    struct timespec wait = {(time_t)(timeout_ns / 1000000000u), (long)(timeout_ns % 1000000000u)};
    if (!h->leave && ppoll(fds, 2, timeout_ns == UINT64_MAX ? NULL : &wait, NULL) > 0) {
        if (fds[0].revents)
            read_signal(h);
        if (fds[1].revents)
            read_input(h);
    }
    return !h->leave;
}

Headless *headless_new(Machine *machine, const char *const where[SERIAL_PORTS], Error *err)
{
    Headless *h = calloc(1, sizeof *h);
    if (!h)
        abort();
    h->machine = machine;
    h->signal_fd = -1;
    h->input_open = true;
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        h->output[n] = (Output){.headless = h, .fd = -1};
    bool ok = catch_signals(h, err);
    for (unsigned n = 0; ok && n < SERIAL_PORTS; n++)
        ok = open_output(h, n, where[n], err);
    if (!ok) {
        headless_free(h);
        return NULL;
    }
    machine->poll = poll_host;
    machine->poll_opaque = h;
    h->is_terminal = h->console && terminal_take();
    if (h->is_terminal)
        fputs("armature: the terminal is the guest's serial port; Ctrl-A x leaves\n", stderr);
    return h;
}

void headless_free(Headless *h)
{
    for (unsigned n = 0; n < SERIAL_PORTS; n++) {
        h->machine->env.serial[n].output = NULL;
        if (h->output[n].fd >= 0 && !h->write_error)
            flush(&h->output[n]);
        if (h->output[n].owned && h->output[n].fd >= 0)
            close(h->output[n].fd);
    }
    h->machine->poll = NULL;
    if (h->is_terminal)
        terminal_release();
    if (h->signal_fd >= 0)
        close(h->signal_fd);
    sigprocmask(SIG_SETMASK, &h->old_signals, NULL);
    free(h);
}

int headless_signal(const Headless *headless)
{
    return headless->signal;
}

bool headless_output_ok(const Headless *headless, Error *err)
{
    if (!headless->write_error)
        return true;
    return error_set(err, "cannot write the serial port's output: %s", strerror(headless->write_error));
}
