/* The terminal is as it was found, whatever ends the process. Each case runs in a child with a
 * pseudo-terminal as its stdin. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "frontends/terminal.h"

typedef struct Pty {
    int master, slave;
    struct termios before;
} Pty;

static int setup(void **state)
{
    static Pty pty;
    pty.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_int_equal(grantpt(pty.master), 0);
    assert_int_equal(unlockpt(pty.master), 0);
    pty.slave = open(ptsname(pty.master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(pty.slave >= 0);
    /* Not what a new one has, so that it shows if somebody restores what they think is usual. */
    assert_int_equal(tcgetattr(pty.slave, &pty.before), 0);
    pty.before.c_cc[VINTR] = 0x07;
    pty.before.c_lflag ^= ECHOK;
    pty.before.c_oflag &= ~(tcflag_t)ONLCR;
    assert_int_equal(tcsetattr(pty.slave, TCSANOW, &pty.before), 0);
    assert_int_equal(tcgetattr(pty.slave, &pty.before), 0);
    *state = &pty;
    return 0;
}

static int teardown(void **state)
{
    Pty *pty = *state;
    close(pty->slave);
    close(pty->master);
    return 0;
}

static bool is_raw(const Pty *pty)
{
    struct termios now;
    assert_int_equal(tcgetattr(pty->slave, &now), 0);
    return !(now.c_lflag & (ICANON | ECHO | ISIG | IEXTEN)) && !(now.c_iflag & (IXON | ICRNL | ISTRIP)) &&
           now.c_oflag & OPOST;
}

static bool is_restored(const Pty *pty)
{
    struct termios now;
    const struct termios *before = &pty->before;
    assert_int_equal(tcgetattr(pty->slave, &now), 0);
    return now.c_iflag == before->c_iflag && now.c_oflag == before->c_oflag &&
           now.c_cflag == before->c_cflag && now.c_lflag == before->c_lflag &&
           !memcmp(now.c_cc, before->c_cc, sizeof now.c_cc);
}

/* The signals that the test's frame catches. */
static const int cmockas_own[] = {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGBUS, SIGSYS};

/* Runs end(number) in a child that has taken the terminal; returns the child's wait status. */
static int child(Pty *pty, void (*end)(int number), int number)
{
    int raw[2];
    char ok = 0;
    assert_int_equal(pipe2(raw, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        alarm(30);
        for (unsigned n = 0; n < sizeof cmockas_own / sizeof *cmockas_own; n++)
            signal(cmockas_own[n], SIG_DFL);
        dup2(pty->slave, STDIN_FILENO);
        ok = terminal_take() && terminal_taken() && is_raw(pty);
        if (write(raw[1], &ok, 1) == 1)
            end(number);
        _exit(99);
    }
    close(raw[1]);
    assert_int_equal(read(raw[0], &ok, 1), 1);
    close(raw[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(ok); /* it was raw meanwhile */
    return status;
}

static void end_by_exit(int number)
{
    exit(number);
}

static void end_by_signal(int number)
{
    raise(number);
}

static void end_by_abort(int number)
{
    (void)number;
    abort();
}

static void end_by_bad_access(int number)
{
    (void)number;
    char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *(volatile char *)page = 1;
}

static int deep(unsigned levels, volatile char *above)
{
    volatile char here[4096];
    here[0] = above[0];
    return levels ? deep(levels - 1, here) + here[0] : 0;
}

static void end_by_stack_overflow(int number)
{
    struct rlimit small = {1 << 20, 1 << 20};
    (void)number;
    setrlimit(RLIMIT_STACK, &small);
    exit(deep(1u << 20, &(char){0}));
}

static void test_exit(void **state)
{
    Pty *pty = *state;
    int status = child(pty, end_by_exit, 3);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    assert_true(is_restored(pty));
}

/* The process still ends by the signal, so that its parent sees what happened. */
static void test_signals(void **state)
{
    static const int deadly[] = {SIGHUP,  SIGINT,    SIGQUIT,   SIGILL,  SIGTRAP, SIGABRT, SIGBUS,  SIGFPE,
                                 SIGUSR1, SIGSEGV,   SIGUSR2,   SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGXFSZ,
                                 SIGPROF, SIGVTALRM, SIGSTKFLT, SIGIO,   SIGPWR,  SIGSYS};
    Pty *pty = *state;
    for (unsigned n = 0; n < sizeof deadly / sizeof *deadly; n++) {
        int status = child(pty, end_by_signal, deadly[n]);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != deadly[n])
            fail_msg("signal %d: wait status %#x", deadly[n], (unsigned)status);
        if (!is_restored(pty))
            fail_msg("signal %d left the terminal as it was", deadly[n]);
    }
}

static void test_crashes(void **state)
{
    static void (*const ends[])(int) = {end_by_abort, end_by_bad_access, end_by_stack_overflow};
    static const int number[] = {SIGABRT, SIGSEGV, SIGSEGV};
    Pty *pty = *state;
    for (unsigned n = 0; n < sizeof ends / sizeof *ends; n++) {
        int status = child(pty, ends[n], 0);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != number[n])
            fail_msg("case %u: wait status %#x", n, (unsigned)status);
        assert_true(is_restored(pty));
    }
}

static volatile sig_atomic_t handled;

static void own_handler(int number)
{
    handled = number;
    _exit(42);
}

static void end_with_own_handler(int number)
{
    raise(number);
}

/* A handler that was there before gets its signal after the terminal was restored. */
static void test_earlier_handler(void **state)
{
    Pty *pty = *state;
    signal(SIGUSR1, own_handler);
    int status = child(pty, end_with_own_handler, SIGUSR1);
    signal(SIGUSR1, SIG_DFL);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    assert_true(is_restored(pty));
}

static void release_and_take(int number)
{
    terminal_release();
    if (terminal_taken())
        _exit(1);
    terminal_release();
    if (!terminal_take() || !terminal_take())
        _exit(2);
    terminal_release();
    _exit(number);
}

static void test_release(void **state)
{
    Pty *pty = *state;
    int status = child(pty, release_and_take, 7);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    assert_true(is_restored(pty));
}

static void test_no_terminal(void **state)
{
    (void)state;
    int saved = dup(STDIN_FILENO), null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    bool took = terminal_take(), foreground = terminal_in_foreground();
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(null);
    assert_false(took);
    assert_false(foreground);
    terminal_release();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_exit),    CASE(test_signals),     CASE(test_crashes), CASE(test_earlier_handler),
        CASE(test_release), CASE(test_no_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
