/* See terminal.h. The saved state is the process's only global: the terminal belongs to the process, and
 * signal handlers get no argument. */
#include "frontends/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct {
    struct termios original, raw;
    volatile sig_atomic_t taken;
} terminal;

void terminal_release(void)
{
    if (!terminal.taken)
        return;
    terminal.taken = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal.original);
}

void terminal_retake(void)
{
    if (tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal.raw) == 0)
        terminal.taken = 1;
}

/* The handler is gone when it runs (SA_RESETHAND), so the signal then ends the process as it would have. */
static void restore_and_die(int number)
{
    if (terminal.taken)
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal.original);
    raise(number);
}

bool terminal_take(void)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGPIPE};
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &terminal.original))
        return false;
    terminal.raw = terminal.original;
    cfmakeraw(&terminal.raw);
    terminal.raw.c_oflag |= OPOST; /* our own messages need their carriage returns */
    struct sigaction action = {.sa_handler = restore_and_die, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};
    for (unsigned i = 0; i < sizeof deadly / sizeof *deadly; i++)
        sigaction(deadly[i], &action, NULL);
    atexit(terminal_release);
    terminal_retake();
    return true;
}
