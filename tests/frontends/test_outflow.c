/* Output on its way to a descriptor: order, limits, blocking descriptors, failures. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frontends/outflow.h"

typedef struct Fixture {
    Loop *loop;
    Outflow out;
    int fd[2]; /* reading and writing end */
    int error;
    unsigned failures;
} Fixture;

static void failed(void *opaque, int error)
{
    Fixture *f = opaque;
    f->error = error;
    f->failures++;
    outflow_close(&f->out);
}

static int setup_with(void **state, int flags)
{
    Fixture *f = calloc(1, sizeof *f);
    f->loop = loop_new();
    outflow_init(&f->out, f->loop, failed, f);
    assert_int_equal(pipe2(f->fd, O_CLOEXEC | flags), 0);
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, O_NONBLOCK);
}

static int setup_blocking(void **state)
{
    setup_with(state, 0);
    Fixture *f = *state;
    return fcntl(f->fd[0], F_SETFL, O_NONBLOCK);
}

static int teardown(void **state)
{
    Fixture *f = *state;
    outflow_free(&f->out);
    loop_free(f->loop);
    if (f->fd[0] >= 0)
        close(f->fd[0]);
    close(f->fd[1]);
    free(f);
    return 0;
}

static uint8_t nth(size_t n)
{
    return (uint8_t)(n * 7 + n / 256);
}

static void put(Fixture *f, size_t from, size_t count)
{
    for (size_t n = 0; n < count; n++)
        outflow_put(&f->out, nth(from + n));
}

/* Reads what is there, and compares it with what comes after `from` bytes. */
static size_t take(Fixture *f, size_t from)
{
    static uint8_t data[1 << 20];
    ssize_t got = read(f->fd[0], data, sizeof data);
    for (ssize_t n = 0; n < got; n++)
        if (data[n] != nth(from + (size_t)n))
            fail_msg("byte %zu is wrong", from + (size_t)n);
    return got > 0 ? (size_t)got : 0;
}

static void test_waits_for_the_loop(void **state)
{
    Fixture *f = *state;
    outflow_open(&f->out, f->fd[1]);
    put(f, 0, 100);
    assert_int_equal(take(f, 0), 0);
    loop_poll(f->loop, UINT64_MAX);
    assert_int_equal(take(f, 0), 100);
    assert_int_equal(f->out.length, 0);
    assert_int_equal(f->out.written, 100);
}

/* Full from the one mark to the other, with everything in order and nothing lost. */
static void test_marks(void **state)
{
    Fixture *f = *state;
    outflow_open(&f->out, f->fd[1]);
    size_t sent = 0, got = 0;
    while (!f->out.full) {
        put(f, sent++, 1);
        loop_poll(f->loop, 0);
    }
    assert_int_equal(f->out.length, OUTFLOW_FULL);
    put(f, sent, 1000); /* what an instruction in progress still sends */
    sent += 1000;
    while (f->out.full) {
        size_t more = take(f, got);
        assert_true(more > 0);
        got += more;
        loop_poll(f->loop, 0);
    }
    assert_true(f->out.length <= OUTFLOW_ROOM);
    while (got < sent) {
        loop_poll(f->loop, 0);
        got += take(f, got);
    }
    assert_int_equal(got, sent);
    assert_int_equal(f->failures, 0);
}

/* A pipe that blocks is never given more than it takes at once: this would hang. */
static void test_blocking(void **state)
{
    Fixture *f = *state;
    outflow_open(&f->out, f->fd[1]);
    put(f, 0, 300000);
    for (unsigned n = 0; n < 1000; n++)
        loop_poll(f->loop, 0);
    assert_true(outflow_flush(&f->out));
    assert_true(f->out.length > 0 && f->out.length < 300000);
    for (size_t got = 0; got < 300000; got += take(f, got))
        loop_poll(f->loop, 0);
    assert_int_equal(f->out.length, 0);
}

static void test_reader_leaves(void **state)
{
    Fixture *f = *state;
    outflow_open(&f->out, f->fd[1]);
    loop_poll(f->loop, 0);
    assert_int_equal(f->failures, 0);
    close(f->fd[0]);
    f->fd[0] = -1;
    loop_poll(f->loop, UINT64_MAX); /* noticed with nothing to write */
    assert_int_equal(f->failures, 1);
    assert_int_equal(f->error, EPIPE);
    put(f, 0, 10);
    loop_poll(f->loop, 0);
    assert_int_equal(f->failures, 1);
}

static void test_full_disk(void **state)
{
    Fixture *f = *state;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    outflow_open(&f->out, fd);
    put(f, 0, 1);
    loop_poll(f->loop, UINT64_MAX);
    assert_int_equal(f->error, ENOSPC);
    assert_int_equal(f->failures, 1);
    outflow_open(&f->out, fd);
    assert_false(outflow_flush(&f->out));
    assert_int_equal(errno, ENOSPC);
    outflow_close(&f->out);
    close(fd);
}

static void test_trim(void **state)
{
    Fixture *f = *state;
    put(f, 0, 3 * OUTFLOW_FULL); /* to nowhere */
    assert_true(f->out.full);
    outflow_trim(&f->out, 1000);
    assert_false(f->out.full);
    outflow_trim(&f->out, 2000);
    outflow_open(&f->out, f->fd[1]);
    loop_poll(f->loop, UINT64_MAX);
    assert_int_equal(take(f, 3 * OUTFLOW_FULL - 1000), 1000);
}

static void test_discard(void **state)
{
    Fixture *f = *state;
    size_t got = 0;
    outflow_open(&f->out, f->fd[1]);
    put(f, 0, 3 * OUTFLOW_FULL);
    while (f->out.written == 0)
        loop_poll(f->loop, UINT64_MAX);
    size_t written = f->out.written;
    outflow_discard(&f->out);
    put(f, 0, 100000); /* dropped */
    assert_int_equal(f->out.length, 0);
    assert_false(f->out.full);
    loop_poll(f->loop, 0);
    assert_true(f->out.discards);
    while (got < written)
        got += take(f, got);
    loop_poll(f->loop, UINT64_MAX);
    assert_false(f->out.discards);
    put(f, written, 10);
    loop_poll(f->loop, UINT64_MAX);
    assert_int_equal(take(f, written), 10);
}

/* The flags of a descriptor that others have as well stay as they are. */
static void test_reopen(void **state)
{
    Fixture *f = *state;
    int sockets[2], file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int fd = outflow_reopen(f->fd[1]);
    assert_true(fd >= 0 && fd != f->fd[1]);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_false(fcntl(f->fd[1], F_GETFL) & O_NONBLOCK);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    assert_int_equal(read(f->fd[0], sockets, 1), 1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    assert_int_equal(outflow_reopen(sockets[0]), -1);
    assert_int_equal(outflow_reopen(file), -1);
    close(sockets[0]);
    close(sockets[1]);
    close(file);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define BLOCKING(name) cmocka_unit_test_setup_teardown(name, setup_blocking, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_waits_for_the_loop), CASE(test_marks), BLOCKING(test_blocking), CASE(test_reader_leaves),
        CASE(test_full_disk),          CASE(test_trim),  CASE(test_discard),      BLOCKING(test_reopen),
    };
    signal(SIGPIPE, SIG_IGN);
    alarm(120); /* a write that blocks would wait for ever */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
