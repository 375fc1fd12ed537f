/* See terminal.h. The saved state is the process's only global: the terminal belongs to the process, and
 * signal handlers get no argument. */
#define _GNU_SOURCE
#include "frontends/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

/* Every signal that ends a process unless it is caught. Those that the session watches for are blocked while
 * it does, and then never get here. */
static const int deadly[] = {SIGHUP,  SIGINT,    SIGQUIT,   SIGILL,  SIGTRAP, SIGABRT, SIGBUS,  SIGFPE,
                             SIGUSR1, SIGSEGV,   SIGUSR2,   SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGXFSZ,
                             SIGPROF, SIGVTALRM, SIGSTKFLT, SIGIO,   SIGPWR,  SIGSYS};

enum { DEADLY = sizeof deadly / sizeof *deadly, STACK = 1 << 16 };

static struct {
    struct termios original;
    volatile sig_atomic_t taken;
    bool guarded;
    struct sigaction before[DEADLY];
    char stack[STACK]; /* for the handler: the usual stack may have overflowed */
} terminal;

bool terminal_in_foreground(void)
{
    if (!isatty(STDIN_FILENO))
        return false;
    pid_t group = tcgetpgrp(STDIN_FILENO);
    return group < 0 || group == getpgrp(); /* -1: it is a terminal, but does not control our session */
}

bool terminal_taken(void)
{
    return terminal.taken;
}

/* What is in the background must not touch it: the shell has it and would stop us. */
void terminal_release(void)
{
    if (!terminal.taken)
        return;
    terminal.taken = 0;
    if (terminal_in_foreground())
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal.original);
}

/* Restores, and then lets the signal do what it would have done without us. */
static void restore_and_die(int number)
{
    terminal_release();
    for (unsigned n = 0; n < DEADLY; n++)
        if (deadly[n] == number)
            sigaction(number, &terminal.before[n], NULL);
    raise(number);
}

static void guard(void)
{
    struct sigaction action = {.sa_handler = restore_and_die, .sa_flags = SA_NODEFER | SA_ONSTACK};
    stack_t stack = {.ss_sp = terminal.stack, .ss_size = STACK}, present;
    if (terminal.guarded)
        return;
    terminal.guarded = true;
    if (!sigaltstack(NULL, &present) && present.ss_flags & SS_DISABLE)
        sigaltstack(&stack, NULL);
    for (unsigned n = 0; n < DEADLY; n++) {
        sigaction(deadly[n], NULL, &terminal.before[n]);
        bool ignored =
            !(terminal.before[n].sa_flags & SA_SIGINFO) && terminal.before[n].sa_handler == SIG_IGN;
        if (!ignored)
            sigaction(deadly[n], &action, NULL);
    }
    atexit(terminal_release);
}

/* What is restored is what was there the first time: later it might be our own raw mode, left by a stop that
 * could not be caught. */
bool terminal_take(void)
{
    if (!terminal_in_foreground() || (!terminal.guarded && tcgetattr(STDIN_FILENO, &terminal.original)))
        return false;
    struct termios raw = terminal.original;
    cfmakeraw(&raw);
    raw.c_oflag |= OPOST; /* our own messages need their carriage returns */
    guard();
    terminal.taken = 1; /* before the change: a signal in between restores what is there already */
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0)
        return true;
    terminal.taken = 0;
    return false;
}
