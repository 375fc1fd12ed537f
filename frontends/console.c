#define _GNU_SOURCE
#include "frontends/console.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <poll.h>
#include <unistd.h>

#include "frontends/escape_key.h"
#include "frontends/exit_codes.h"
#include "frontends/terminal.h"

/* More than the guest has taken is left in the pipe, so that a long file waits there and not in memory. A
 * terminal is read further, so that the escape key is seen behind a long text that the guest does not take.
 */
enum { MOST_FROM_PIPE = 1 << 16, MOST_FROM_TERMINAL = 1 << 20 };

enum { MAX_COMMANDS = 16 };

/* In the background: how often to look whether the shell has given the terminal back. */
#define BACKGROUND_LOOK_NS UINT64_C(200000000)

typedef struct Command {
    char key;
    const char *text;
    void (*chosen)(void *opaque);
    void *opaque; /* NULL in the table: the console */
} Command;

struct Console {
    Session *session;
    Loop *loop;
    SerialPort *port;
    void (*divert)(void *opaque, const uint8_t *data, size_t length);
    void *divert_opaque;
    bool is_terminal;
    bool input_ended;
    LoopWatch *watch; /* of stdin; NULL while nothing is read */
    LoopTimer *background;
    int signal_fd;
    LoopWatch *signals;
    sigset_t old_signals;
    int escape_key; /* -1: none */
    bool escaped;   /* it came, its command has not */
    char escape_name[ESCAPE_KEY_NAME];
    Command command[MAX_COMMANDS];
    unsigned commands;
};

/* ---- The menu ----------------------------------------------------------------------------------------- */

static void leave(void *opaque)
{
    session_end(((Console *)opaque)->session, EXIT_OFF, NULL);
}

static void reset(void *opaque)
{
    Error err;
    if (!session_reset(((Console *)opaque)->session, &err))
        fprintf(stderr, "\narmature: %s\n", err.text);
}

static void pause_or_resume(void *opaque)
{
    Console *console = opaque;
    if (session_paused(console->session)) {
        session_resume(console->session);
        return;
    }
    session_pause(console->session);
    fprintf(stderr, "\narmature: paused; %s p goes on\n", console->escape_name);
}

static void send_break(void *opaque)
{
    Console *console = opaque;
    if (console->port)
        serial_send_break(console->port);
    else
        fputs("\narmature: no serial port is on the terminal\n", stderr);
}

static void show_help(void *opaque)
{
    const Console *console = opaque;
    fprintf(stderr, "\narmature: after %s\n", console->escape_name);
    for (unsigned n = 0; n < console->commands; n++)
        fprintf(stderr, "  %c  %s\n", console->command[n].key, console->command[n].text);
    fprintf(stderr, "  %s again sends it to the guest\n", console->escape_name);
}

static const Command menu[] = {
    {'x', "leaves",                                             leave,           NULL},
    {'r', "resets the machine",                                 reset,           NULL},
    {'p', "pauses the machine, and lets it go on",              pause_or_resume, NULL},
    {'b', "sends a break (Linux takes the next key for SysRq)", send_break,      NULL},
    {'h', "shows this",                                         show_help,       NULL},
};

void console_add_command(Console *console, char key, const char *text, void (*chosen)(void *opaque),
                         void *opaque)
{
    if (console->commands < MAX_COMMANDS)
        console->command[console->commands++] = (Command){key, text, chosen, opaque};
}

static bool run_command(Console *console, int key)
{
    for (unsigned n = 0; n < console->commands; n++) {
        const Command *command = &console->command[n];
        if (command->key == key) {
            command->chosen(command->opaque);
            return true;
        }
    }
    return false;
}

/* ---- Input -------------------------------------------------------------------------------------------- */

static void pass_on(Console *console, const uint8_t *data, size_t length)
{
    if (console->divert)
        console->divert(console->divert_opaque, data, length);
    else if (console->port)
        serial_send(console->port, data, length);
}

/* The escape key again, or its letter, sends it. */
static void menu_key(Console *console, uint8_t key)
{
    uint8_t escape = (uint8_t)console->escape_key;
    int low = tolower(key);
    if (key != escape && run_command(console, low))
        return;
    if (key == escape || low == tolower(escape | '@'))
        pass_on(console, &escape, 1);
    else
        fprintf(stderr, "\narmature: %s h shows what can follow it, %s x leaves\n", console->escape_name,
                console->escape_name);
}

static void typed(Console *console, const uint8_t *data, size_t length)
{
    size_t begin = 0;
    for (size_t n = 0; n < length && !session_ending(console->session); n++) {
        if (console->escaped) {
            console->escaped = false;
            begin = n + 1;
            menu_key(console, data[n]);
        } else if (data[n] == console->escape_key) {
            if (n > begin)
                pass_on(console, data + begin, n - begin);
            begin = n + 1;
            console->escaped = true;
        }
    }
    if (length > begin && !session_ending(console->session))
        pass_on(console, data + begin, length - begin);
}

static void stop_reading(Console *console)
{
    loop_unwatch(console->watch);
    console->watch = NULL;
}

/* Can nobody else type? */
static bool only_source(const Console *console)
{
    const Options *options = session_options(console->session);
    return !options->script && !options->control && !options->send;
}

static void end_of_input(Console *console)
{
    stop_reading(console);
    console->input_ended = true;
    if (console->port)
        serial_end(console->port, only_source(console));
    if (console->divert)
        console->divert(console->divert_opaque, NULL, 0);
}

static bool too_much(const Console *console)
{
    size_t most = console->is_terminal ? MOST_FROM_TERMINAL : MOST_FROM_PIPE;
    return !console->divert && console->port && console->port->length >= most;
}

static void look_whether_in_foreground(void *opaque);

static void input_ready(void *opaque, short revents)
{
    Console *console = opaque;
    uint8_t data[4096];
    (void)revents;
    if (console->is_terminal && !terminal_in_foreground()) { /* reading would stop the process */
        look_whether_in_foreground(console);
        return;
    }
    ssize_t got = read(STDIN_FILENO, data, sizeof data);
    if (got > 0 && console->is_terminal)
        typed(console, data, (size_t)got);
    else if (got > 0)
        pass_on(console, data, (size_t)got);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        end_of_input(console);
    if (too_much(console))
        stop_reading(console);
}

static void go_on_reading(Console *console)
{
    bool wanted = console->port || console->divert || console->is_terminal;
    if (!console->watch && wanted && !console->input_ended && !too_much(console))
        console->watch = loop_watch(console->loop, STDIN_FILENO, POLLIN, input_ready, console);
}

static void room(void *opaque)
{
    go_on_reading(opaque);
}

void console_divert(Console *console, void (*input)(void *opaque, const uint8_t *data, size_t length),
                    void *opaque)
{
    console->divert = input;
    console->divert_opaque = opaque;
    if (console->input_ended && input)
        input(opaque, NULL, 0);
    go_on_reading(console);
}

bool console_diverted(const Console *console)
{
    return console->divert;
}

/* ---- Job control -------------------------------------------------------------------------------------- */

static void look_whether_in_foreground(void *opaque)
{
    Console *console = opaque;
    if (terminal_take()) {
        loop_timer_set(console->background, UINT64_MAX);
        go_on_reading(console);
        return;
    }
    stop_reading(console);
    terminal_release();
    loop_timer_set(console->background, BACKGROUND_LOOK_NS);
}

/* Virtual time stands still while the process does. */
static void stop_and_continue(Console *console)
{
    Machine *machine = session_machine(console->session);
    bool hold = machine->held_at == CLOCK_NEVER;
    terminal_release();
    if (hold)
        machine_hold_time(machine, true);
    raise(SIGSTOP);
    if (hold)
        machine_hold_time(machine, false);
}

/* How large the terminal is, for consoles that can tell the guest. */
static void tell_size(Console *console)
{
    struct winsize size;
    if (console->port && !ioctl(STDIN_FILENO, TIOCGWINSZ, &size))
        serial_resize(console->port, size.ws_col, size.ws_row);
}

/* Whatever stopped us, the shell may have changed the terminal since. */
static void job_signal(void *opaque, short revents)
{
    Console *console = opaque;
    struct signalfd_siginfo info;
    (void)revents;
    if (read(console->signal_fd, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_signo == SIGTSTP)
        stop_and_continue(console);
    tell_size(console);
    look_whether_in_foreground(console);
}

static bool watch_signals(Console *console, Error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    sigaddset(&set, SIGCONT);
    sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, &console->old_signals);
    console->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (console->signal_fd < 0)
        return error_set(err, "cannot watch for signals: %s", strerror(errno));
    console->signals = loop_watch(console->loop, console->signal_fd, POLLIN, job_signal, console);
    return true;
}

/* ---- Making and freeing ------------------------------------------------------------------------------- */

static void start_line(const Console *console)
{
    bool monitor = !console->port || session_options(console->session)->monitor;
    const char *owner = monitor ? "the monitor" : "the guest's serial port";
    if (console->escape_key < 0)
        fprintf(stderr, "armature: the terminal is %s; no key leaves, only a signal (kill)\n", owner);
    else
        fprintf(stderr, "armature: the terminal is %s; %s x leaves, %s h for help\n", owner,
                console->escape_name, console->escape_name);
}

Console *console_new(Session *session, SerialPort *port, Error *err)
{
    Console *console = calloc(1, sizeof *console);
    if (!console)
        abort();
    console->session = session;
    console->loop = session_loop(session);
    console->port = port;
    console->signal_fd = -1;
    console->is_terminal = isatty(STDIN_FILENO);
    console->escape_key = session_options(session)->escape_key;
    escape_key_name(console->escape_key, console->escape_name);
    for (unsigned n = 0; n < sizeof menu / sizeof *menu; n++)
        console_add_command(console, menu[n].key, menu[n].text, menu[n].chosen, console);
    if (port) {
        port->room = room;
        port->room_opaque = console;
    }
    if (!console->is_terminal) {
        go_on_reading(console);
    } else if (watch_signals(console, err)) {
        start_line(console);
        tell_size(console);
        console->background = loop_timer_new(console->loop, look_whether_in_foreground, console);
        look_whether_in_foreground(console);
    } else {
        console_free(console);
        return NULL;
    }
    return console;
}

void console_free(Console *console)
{
    if (!console)
        return;
    if (console->port)
        console->port->room = NULL;
    stop_reading(console);
    loop_timer_free(console->background);
    loop_unwatch(console->signals);
    terminal_release();
    if (console->signal_fd >= 0) {
        close(console->signal_fd);
        sigprocmask(SIG_SETMASK, &console->old_signals, NULL);
    }
    free(console);
}

const char *console_escape_name(const Console *console)
{
    return console->is_terminal && console->escape_key >= 0 ? console->escape_name : NULL;
}
