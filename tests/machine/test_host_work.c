/* Jobs for the host: in order, all of them, once; by a thread, and at exact times of a deterministic clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "machine/host_work.h"

enum { JOBS = 200 };

typedef struct Test {
    HostJob job;
    unsigned number, done;
    bool slow, submits_another;
} Test;

static Test test[JOBS];
static unsigned carried_out, done_jobs;
static HostWork *work;
static Arrivals *arrivals;
static Clock *hours;
static uint64_t now;

static uint64_t time_now(void *opaque)
{
    (void)opaque;
    return now;
}

static void carry_out(HostJob *job)
{
    Test *t = (Test *)job;
    if (t->slow)
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    assert_int_equal(t->number, carried_out++);
}

static void submit(unsigned n);

static void done(HostJob *job)
{
    Test *t = (Test *)job;
    assert_int_equal(t->number, done_jobs++);
    t->done++;
    if (t->submits_another)
        submit(t->number + 1);
}

static void submit(unsigned n)
{
    test[n].job.carry_out = carry_out;
    test[n].job.done = done;
    test[n].number = n;
    host_work_submit(work, &test[n].job);
}

static void start(bool deterministic)
{
    memset(test, 0, sizeof test);
    carried_out = done_jobs = 0;
    now = 1000;
    hours = clock_new(time_now, NULL);
    arrivals = arrivals_new();
    work = host_work_new("work", deterministic ? hours : NULL, arrivals);
}

static void end(void)
{
    host_work_free(work);
    arrivals_free(arrivals);
    clock_free(hours);
}

static void test_thread(void **state)
{
    (void)state;
    start(false);
    for (unsigned n = 0; n < JOBS; n++) {
        test[n].slow = n == 3;
        submit(n);
        if (n % 7 == 0)
            arrivals_deliver(arrivals);
    }
    assert_true(done_jobs < JOBS); /* the slow one is still under way */
    host_work_drain(work);
    assert_int_equal(done_jobs, JOBS);
    end();
}

static void test_drain_goes_on(void **state)
{
    (void)state;
    start(false);
    for (unsigned n = 0; n < 5; n++)
        test[n].submits_another = true;
    submit(0);
    host_work_drain(work);
    assert_int_equal(done_jobs, 6);
    end();
}

static void test_drop(void **state)
{
    (void)state;
    start(false);
    for (unsigned n = 0; n < 20; n++) {
        test[n].slow = true;
        submit(n);
    }
    nanosleep(&(struct timespec){0, 30000000}, NULL);
    host_work_drop(work);
    unsigned count = carried_out;
    assert_in_range(count, 1, 19);
    nanosleep(&(struct timespec){0, 30000000}, NULL);
    arrivals_deliver(arrivals);
    assert_int_equal(carried_out, count);
    assert_int_equal(done_jobs, 0);
    end();
}

static void run_until(uint64_t time)
{
    now = time;
    clock_run_due(hours);
}

static void test_deterministic(void **state)
{
    (void)state;
    start(true);
    for (unsigned n = 0; n < 3; n++) {
        test[n].job.takes = 100;
        submit(n);
        assert_int_equal(test[n].job.due, 1100 + 100 * n);
    }
    host_work_drain(work); /* what waits is part of the machine */
    run_until(1099);
    assert_int_equal(carried_out, 0);
    run_until(1100);
    assert_int_equal(done_jobs, 1);
    run_until(1300);
    assert_int_equal(done_jobs, 3);
    /* One that was loaded from a snapshot has its time. */
    test[3].job.due = 1350;
    test[3].job.takes = 7;
    submit(3);
    test[4].job.takes = 100;
    submit(4);
    assert_int_equal(test[4].job.due, 1450);
    run_until(1350);
    assert_int_equal(done_jobs, 4);
    host_work_drop(work);
    run_until(2000);
    assert_int_equal(done_jobs, 4);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thread),
        cmocka_unit_test(test_drain_goes_on),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_deterministic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
