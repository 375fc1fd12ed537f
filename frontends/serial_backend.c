#define _GNU_SOURCE
#include "frontends/serial_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontends/exit_codes.h"
#include "frontends/serial_end.h"
#include "frontends/terminal.h"
#include "machine/host_time.h"

/* How long the end waits for programs that are connected. */
enum { FINISH_MS = 1000 };

struct SerialBackends {
    Session *session;
    SerialEnd end[SERIAL_PORTS];
    bool finished;
};

/* ---- What all kinds share ----------------------------------------------------------------------------- */

void serial_end_notice(const SerialEnd *end, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (end->number == SERIAL_CONSOLE)
        fprintf(stderr, "armature: console: %s\n", text);
    else
        fprintf(stderr, "armature: serial port %u: %s\n", end->number, text);
}

void serial_end_place(SerialEnd *end, const char *place)
{
    free(end->place);
    if (asprintf(&end->place, "%s%s%s", end->kind->name, *place ? " " : "", place) < 0)
        abort();
}

/* ---- Standard output and files: nothing is ever dropped ------------------------------------------------ */

static void put_patiently(SerialEnd *end, uint8_t ch)
{
    end->mid_line = ch != '\n';
    if (end->out.fd >= 0)
        outflow_put(&end->out, ch);
}

static void close_file(SerialEnd *end)
{
    outflow_close(&end->out);
    if (end->fd >= 0)
        close(end->fd);
}

static bool same_place(int one, int other)
{
    struct stat a, b;
    return !fstat(one, &a) && !fstat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool open_stdio(SerialEnd *end, Error *err)
{
    end->has_stderr = same_place(STDOUT_FILENO, STDERR_FILENO);
    end->is_terminal = isatty(STDOUT_FILENO);
    end->fd = outflow_reopen(STDOUT_FILENO);
    outflow_open(&end->out, end->fd >= 0 ? end->fd : STDOUT_FILENO);
    end->console = console_new(end->session, end->port, err);
    return end->console;
}

/* A terminal that is gone sends SIGHUP as well. */
static void stdio_failed(SerialEnd *end, int error)
{
    char text[128];
    outflow_close(&end->out);
    snprintf(text, sizeof text,
             error == EPIPE ? "nobody reads the serial port's output (stdout) any more"
                            : "cannot write the serial port's output to stdout: %s",
             strerror(error));
    session_end(end->session, end->is_terminal ? EXIT_SIGNAL + SIGHUP : EXIT_HOST,
                end->is_terminal ? NULL : text);
}

static bool open_file(SerialEnd *end, Error *err)
{
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    end->fd = open(end->spec.path, flags | (end->spec.append ? O_APPEND : O_TRUNC), 0666);
    serial_end_place(end, end->spec.path);
    if (end->fd >= 0)
        outflow_open(&end->out, end->fd);
    else if (errno == ENXIO)
        error_set(err, "cannot write %s: it is a pipe that nobody reads", end->spec.path);
    else
        error_set(err, "cannot write %s: %s", end->spec.path, strerror(errno));
    return end->fd >= 0;
}

static void file_failed(SerialEnd *end, int error)
{
    char text[512];
    outflow_close(&end->out);
    snprintf(text, sizeof text, "cannot write the output of serial port %u to %s: %s", end->number,
             end->spec.path, strerror(error));
    session_end(end->session, EXIT_HOST, text);
}

static bool open_none(SerialEnd *end, Error *err)
{
    (void)end;
    (void)err;
    return true;
}

static const SerialEndKind serial_none = {.name = "none", .open = open_none};

static const SerialEndKind serial_stdio = {
    .name = "stdio",
    .open = open_stdio,
    .put = put_patiently,
    .close = close_file,
    .failed = stdio_failed,
    .patient = true,
};

static const SerialEndKind serial_file = {
    .name = "file",
    .open = open_file,
    .put = put_patiently,
    .close = close_file,
    .failed = file_failed,
    .patient = true,
};

static const SerialEndKind *const kinds[] = {
    [SERIAL_NONE] = &serial_none,
    [SERIAL_STDIO] = &serial_stdio,
    [SERIAL_FILE] = &serial_file,
    [SERIAL_PTY] = &serial_pty,
    [SERIAL_UNIX] = &serial_unix,
    [SERIAL_TCP_CONNECT] = &serial_tcp_connect,
    [SERIAL_TCP_LISTEN] = &serial_tcp_listen,
};

/* ---- Traffic ------------------------------------------------------------------------------------------ */

static void output(void *opaque, uint8_t ch)
{
    SerialEnd *end = opaque;
    bool was_full = end->out.full;
    if (end->kind->put)
        end->kind->put(end, ch);
    if (end->out.full && !was_full)
        machine_yield(session_machine(end->session));
    session_post(end->session,
                 &(SessionEvent){.kind = SESSION_OUTPUT, .port = end->number, .data = &ch, .length = 1});
}

static void output_failed(void *opaque, int error)
{
    SerialEnd *end = opaque;
    end->kind->failed(end, error);
}

bool serial_backends_hold(const SerialBackends *backends)
{
    bool hold = false;
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        hold |= backends->end[n].waiting || backends->end[n].out.full;
    return hold;
}

/* ---- Opening ------------------------------------------------------------------------------------------ */

static void init_end(SerialBackends *backends, unsigned n)
{
    Session *session = backends->session;
    SerialEnd *end = &backends->end[n];
    *end = (SerialEnd){.session = session, .loop = session_loop(session), .number = n};
    end->port = &session_machine(session)->env.serial[n];
    end->fd = end->link.fd = end->listen_fd = end->unix_listener.fd = end->trying = -1;
    outflow_init(&end->out, end->loop, output_failed, end);
}

static bool open_end(SerialEnd *end, Error *err)
{
    const char *text = session_options(end->session)->serial[end->number];
    const char *option = end->number == SERIAL_CONSOLE ? "--console" : "--serial";
    Error why;
    if (!serial_spec_parse(&end->spec, text ? text : "none", &why))
        return error_set(err, "%s %s: %.900s", option, text, why.text);
    end->kind = kinds[end->spec.kind];
    serial_end_place(end, "");
    if (!end->kind->open(end, &why))
        return error_set(err, "%s %s: %.900s", option, text, why.text);
    end->port->output = output;
    end->port->output_opaque = end;
    return true;
}

static bool open_all(SerialBackends *backends, Error *err)
{
    bool on_stdio = false;
    for (unsigned n = 0; n < SERIAL_PORTS; n++) {
        if (!open_end(&backends->end[n], err))
            return false;
        bool stdio = backends->end[n].kind == &serial_stdio;
        if (stdio && on_stdio)
            return error_set(err, "--serial stdio: only one serial port can have the terminal");
        on_stdio |= stdio;
    }
    return true;
}

SerialBackends *serial_backends_new(Session *session, Error *err)
{
    SerialBackends *backends = calloc(1, sizeof *backends);
    if (!backends)
        abort();
    signal(SIGPIPE, SIG_IGN); /* writing says it as well */
    backends->session = session;
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        init_end(backends, n);
    if (open_all(backends, err)) {
        if (serial_backends_hold(backends))
            machine_yield(session_machine(session)); /* before the first instruction */
        return backends;
    }
    serial_backends_free(backends, false);
    return NULL;
}

/* ---- The end ------------------------------------------------------------------------------------------ */

static uint64_t host_ms(void)
{
    return host_ns() / 1000000;
}

/* Whether the end waits for this port; *timeout_ms then becomes the longest it may, -1: any time. */
static bool worth_waiting(const SerialEnd *end, bool wait, uint64_t deadline, int *timeout_ms)
{
    uint64_t now = host_ms();
    if (!end->out.length || end->out.fd < 0 || !end->kind)
        return false;
    if (end->kind->patient)
        return wait;
    if (now >= deadline)
        return false;
    *timeout_ms = (int)(deadline - now);
    return true;
}

static bool flush_end(SerialEnd *end, Error *err)
{
    if (!end->out.length || end->out.fd < 0 || outflow_flush(&end->out))
        return true;
    int error = errno;
    outflow_close(&end->out);
    if (!end->kind->patient)
        return true;
    return error_set(err, "cannot write the output of serial port %u to %s: %s", end->number, end->place,
                     strerror(error));
}

/* Waits until something can be written; false if there is nothing to wait for, or a signal came. */
static bool wait_for_room(SerialBackends *backends, int signals, bool wait, uint64_t deadline)
{
    struct pollfd fds[SERIAL_PORTS + 1] = {
        {.fd = signals, .events = POLLIN}
    };
    nfds_t count = 1;
    int timeout_ms = -1;
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        if (worth_waiting(&backends->end[n], wait, deadline, &timeout_ms))
            fds[count++] = (struct pollfd){.fd = backends->end[n].out.fd, .events = POLLOUT};
    if (count == 1)
        return false;
    int ready = poll(fds, count, timeout_ms);
    return ready >= 0 ? !fds[0].revents : errno == EINTR;
}

/* Output that an impatient user did not wait for is not an error. */
bool serial_backends_finish(SerialBackends *backends, bool wait, Error *err)
{
    sigset_t set;
    bool ok = true;
    uint64_t deadline = host_ms() + FINISH_MS;
    backends->finished = true;
    terminal_release();
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        backends->end[n].port->output = NULL;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    do {
        for (unsigned n = 0; n < SERIAL_PORTS; n++)
            ok = flush_end(&backends->end[n], err) && ok;
    } while (wait_for_room(backends, signals, wait, deadline));
    if (signals >= 0)
        close(signals);
    return ok;
}

void serial_backends_flush(SerialBackends *backends)
{
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        if (backends->end[n].out.length)
            outflow_flush(&backends->end[n].out);
}

void serial_backends_begin_line(SerialBackends *backends)
{
    serial_backends_flush(backends);
    for (unsigned n = 0; n < SERIAL_PORTS; n++) {
        SerialEnd *end = &backends->end[n];
        if (end->has_stderr && end->mid_line)
            fputc('\n', stderr);
        end->mid_line = false;
    }
}

void serial_backends_free(SerialBackends *backends, bool wait)
{
    Error err;
    if (!backends)
        return;
    if (!backends->finished && !serial_backends_finish(backends, wait, &err))
        fprintf(stderr, "armature: %s\n", err.text);
    for (unsigned n = 0; n < SERIAL_PORTS; n++) {
        SerialEnd *end = &backends->end[n];
        console_free(end->console);
        if (end->kind && end->kind->close)
            end->kind->close(end);
        serial_link_free(end);
        outflow_free(&end->out);
        serial_spec_free(&end->spec);
        free(end->place);
    }
    free(backends);
}

Console *serial_backends_console(const SerialBackends *backends)
{
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        if (backends->end[n].console)
            return backends->end[n].console;
    return NULL;
}

const char *serial_backend_place(const SerialBackends *backends, unsigned port)
{
    return backends->end[port].place;
}
