/* The loop: descriptors, timers, wake-ups, and callbacks that change what is being dispatched. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "frontends/loop.h"

#define FOREVER UINT64_MAX
#define MS UINT64_C(1000000)

enum { PIPES = 4 };

typedef struct Fixture Fixture;

typedef struct Side {
    Fixture *f;
    unsigned number;
    int fd[2];
    LoopWatch *watch;
    unsigned calls;
    short revents;
    void (*also)(struct Side *side);
} Side;

struct Fixture {
    Loop *loop;
    Side side[PIPES];
    LoopTimer *timer[2];
    unsigned fired[2];
    char order[32];
};

static void note(Fixture *f, char what)
{
    size_t length = strlen(f->order);
    if (length + 1 < sizeof f->order)
        f->order[length] = what;
}

static void readable(void *opaque, short revents)
{
    Side *side = opaque;
    char ch;
    side->calls++;
    side->revents = revents;
    note(side->f, (char)('0' + side->number));
    if (revents & POLLIN)
        assert_int_equal(read(side->fd[0], &ch, 1), 1);
    if (side->also)
        side->also(side);
}

static void fire0(void *opaque)
{
    Fixture *f = opaque;
    f->fired[0]++;
    note(f, 'a');
}

static void fire1(void *opaque)
{
    Fixture *f = opaque;
    f->fired[1]++;
    note(f, 'b');
}

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    f->loop = loop_new();
    for (unsigned n = 0; n < PIPES; n++) {
        f->side[n].f = f;
        f->side[n].number = n;
        assert_int_equal(pipe2(f->side[n].fd, O_CLOEXEC | O_NONBLOCK), 0);
        f->side[n].watch = loop_watch(f->loop, f->side[n].fd[0], POLLIN, readable, &f->side[n]);
    }
    f->timer[0] = loop_timer_new(f->loop, fire0, f);
    f->timer[1] = loop_timer_new(f->loop, fire1, f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    loop_free(f->loop);
    for (unsigned n = 0; n < PIPES; n++) {
        close(f->side[n].fd[0]);
        if (f->side[n].fd[1] >= 0)
            close(f->side[n].fd[1]);
    }
    free(f);
    return 0;
}

static void put(Fixture *f, unsigned n)
{
    assert_int_equal(write(f->side[n].fd[1], "x", 1), 1);
}

static void test_descriptors(void **state)
{
    Fixture *f = *state;
    loop_poll(f->loop, 0);
    assert_string_equal(f->order, "");
    put(f, 2);
    put(f, 1);
    loop_poll(f->loop, FOREVER);
    assert_string_equal(f->order, "12"); /* in the order in which they were watched */
    assert_int_equal(f->side[1].revents, POLLIN);
    loop_poll(f->loop, 0);
    assert_string_equal(f->order, "12");
}

static void test_events(void **state)
{
    Fixture *f = *state;
    loop_events(f->side[0].watch, 0);
    put(f, 0);
    loop_poll(f->loop, 0);
    assert_string_equal(f->order, "");
    loop_events(f->side[0].watch, POLLIN);
    loop_poll(f->loop, FOREVER);
    assert_string_equal(f->order, "0");
    loop_events(f->side[0].watch, 0);
    close(f->side[0].fd[1]);
    f->side[0].fd[1] = -1;
    loop_poll(f->loop, FOREVER); /* a hang-up comes in any case */
    assert_string_equal(f->order, "00");
    assert_int_equal(f->side[0].revents, POLLHUP);
}

static void test_closed_descriptor(void **state)
{
    Fixture *f = *state;
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    loop_unwatch(f->side[3].watch);
    f->side[3].watch = loop_watch(f->loop, fd[0], POLLIN, readable, &f->side[3]);
    close(fd[0]);
    close(fd[1]);
    loop_poll(f->loop, FOREVER);
    assert_true(f->side[3].revents & POLLERR);
}

static void unwatch_all(Side *side)
{
    for (unsigned n = 0; n < PIPES; n++) {
        loop_unwatch(side->f->side[n].watch);
        side->f->side[n].watch = NULL;
    }
}

/* The first callback removes itself and the others, which were ready too. */
static void test_unwatch_others(void **state)
{
    Fixture *f = *state;
    f->side[1].also = unwatch_all;
    for (unsigned n = 0; n < PIPES; n++)
        put(f, n);
    loop_poll(f->loop, FOREVER);
    assert_string_equal(f->order, "01");
    loop_poll(f->loop, 0);
    assert_string_equal(f->order, "01");
    loop_unwatch(NULL);
}

static void silence_next(Side *side)
{
    loop_events(side->f->side[side->number + 1].watch, 0);
}

static void test_events_of_others(void **state)
{
    Fixture *f = *state;
    f->side[1].also = silence_next;
    for (unsigned n = 0; n < PIPES; n++)
        put(f, n);
    loop_poll(f->loop, FOREVER);
    assert_string_equal(f->order, "013");
}

static void watch_many(Side *side)
{
    for (unsigned n = 0; n < 100; n++)
        loop_watch(side->f->loop, side->f->side[3].fd[0], POLLIN, readable, &side->f->side[3]);
    side->also = NULL;
}

/* New watches, for which the array grows, are served from the next poll on. */
static void test_watch_in_callback(void **state)
{
    Fixture *f = *state;
    f->side[0].also = watch_many;
    put(f, 0);
    put(f, 1);
    loop_poll(f->loop, FOREVER);
    assert_string_equal(f->order, "01");
    for (unsigned n = 0; n < 101; n++)
        put(f, 3);
    loop_poll(f->loop, FOREVER);
    assert_int_equal(f->side[3].calls, 101);
}

/* A watch for the same descriptor that replaces one that was ready gets nothing that was meant for the old
 * one. */
static void replace_next(Side *side)
{
    Side *next = &side->f->side[side->number + 1];
    loop_unwatch(next->watch);
    next->watch = loop_watch(side->f->loop, next->fd[0], POLLIN, readable, next);
}

static void test_replaced_watch(void **state)
{
    Fixture *f = *state;
    f->side[0].also = replace_next;
    put(f, 0);
    put(f, 1);
    loop_poll(f->loop, FOREVER);
    assert_string_equal(f->order, "0");
    loop_poll(f->loop, FOREVER);
    assert_string_equal(f->order, "01");
}

static void poll_again(Side *side)
{
    side->also = NULL;
    loop_poll(side->f->loop, 0);
    note(side->f, '.');
}

/* A callback may poll: what is ready is served there, once. */
static void test_nested(void **state)
{
    Fixture *f = *state;
    f->side[1].also = poll_again;
    f->side[2].also = unwatch_all;
    for (unsigned n = 0; n < PIPES; n++)
        put(f, n);
    loop_poll(f->loop, FOREVER);
    assert_string_equal(f->order, "012.");
}

static void test_timers(void **state)
{
    Fixture *f = *state;
    loop_timer_set(f->timer[0], 1000 * MS);
    loop_timer_set(f->timer[0], 0); /* moved */
    loop_poll(f->loop, FOREVER);
    assert_int_equal(f->fired[0], 1);
    loop_poll(f->loop, 0);
    assert_int_equal(f->fired[0], 1); /* once */
    loop_timer_set(f->timer[0], 0);
    loop_timer_set(f->timer[0], UINT64_MAX); /* stopped */
    loop_timer_set(f->timer[1], 2 * MS);
    while (!f->fired[1])
        loop_poll(f->loop, FOREVER);
    assert_int_equal(f->fired[0], 1);
}

/* loop_poll() does not wait beyond a timer, and fires none before its time. */
static void test_timer_is_not_early(void **state)
{
    Fixture *f = *state;
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    loop_timer_set(f->timer[0], 20 * MS);
    while (!f->fired[0])
        loop_poll(f->loop, FOREVER);
    clock_gettime(CLOCK_MONOTONIC, &after);
    int64_t ns = (after.tv_sec - before.tv_sec) * INT64_C(1000000000) + after.tv_nsec - before.tv_nsec;
    assert_true(ns >= (int64_t)(20 * MS));
}

static void again_at_once(void *opaque)
{
    Fixture *f = opaque;
    f->fired[0]++;
    loop_timer_set(f->timer[0], 0);
}

/* A timer that sets itself again at once does not keep the loop from returning. */
static void test_timer_again(void **state)
{
    Fixture *f = *state;
    loop_timer_free(f->timer[0]);
    f->timer[0] = loop_timer_new(f->loop, again_at_once, f);
    loop_timer_set(f->timer[0], 0);
    for (unsigned n = 1; n <= 5; n++) {
        loop_poll(f->loop, FOREVER);
        assert_int_equal(f->fired[0], n);
    }
}

static void free_both(void *opaque)
{
    Fixture *f = opaque;
    f->fired[0]++;
    loop_timer_free(f->timer[0]);
    loop_timer_free(f->timer[1]);
    f->timer[0] = f->timer[1] = NULL;
}

static void test_timer_frees_others(void **state)
{
    Fixture *f = *state;
    LoopTimer *first = loop_timer_new(f->loop, free_both, f), *second = loop_timer_new(f->loop, free_both, f);
    loop_timer_free(f->timer[0]);
    loop_timer_free(f->timer[1]);
    f->timer[0] = first;
    f->timer[1] = second;
    loop_timer_set(first, 0);
    loop_timer_set(second, 0);
    loop_poll(f->loop, FOREVER);
    assert_int_equal(f->fired[0], 1);
    loop_timer_free(NULL);
}

static Loop *to_wake;

static void wake(int number)
{
    (void)number;
    loop_wake(to_wake);
}

/* From a signal handler, also when it ran just before the wait began; many wake-ups are one. */
static void test_wake(void **state)
{
    Fixture *f = *state;
    to_wake = f->loop;
    for (unsigned n = 0; n < 3; n++)
        loop_wake(f->loop);
    loop_poll(f->loop, FOREVER);
    signal(SIGALRM, wake);
    struct itimerspec soon = {.it_value = {.tv_nsec = (long)(5 * MS)}};
    timer_t timer;
    assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
    timer_settime(timer, 0, &soon, NULL);
    loop_poll(f->loop, FOREVER); /* hangs if the wake-up is missed, or the earlier ones are counted */
    timer_delete(timer);
    signal(SIGALRM, SIG_DFL);
    assert_string_equal(f->order, "");
}

static int signals;

static void signal_ready(void *opaque, short revents)
{
    struct signalfd_siginfo info;
    (void)revents;
    assert_int_equal(read(signals, &info, sizeof info), sizeof info);
    *(unsigned *)opaque = info.ssi_signo;
}

static void test_signalfd(void **state)
{
    Fixture *f = *state;
    unsigned got = 0;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    loop_watch(f->loop, signals, POLLIN, signal_ready, &got);
    raise(SIGUSR1);
    loop_poll(f->loop, FOREVER);
    assert_int_equal(got, SIGUSR1);
    close(signals);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_descriptors),
        CASE(test_events),
        CASE(test_closed_descriptor),
        CASE(test_unwatch_others),
        CASE(test_events_of_others),
        CASE(test_watch_in_callback),
        CASE(test_replaced_watch),
        CASE(test_nested),
        CASE(test_timers),
        CASE(test_timer_is_not_early),
        CASE(test_timer_again),
        CASE(test_timer_frees_others),
        CASE(test_wake),
        CASE(test_signalfd),
    };
    alarm(120); /* a loop that does not wake up would wait for ever */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
