/* All state hangs off a Machine: machines that run by turns, or at the same time in two threads, do what they
 * do alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <pthread.h>
#include <cmocka.h>

#include "tests/fuzz/guest.h"

enum { PAIRS = 4 };

static FILE *log_out;

static uint64_t sum_of(Guest *guest)
{
    State state;
    assert_null(guest->wrong);
    state_take(&state, guest->machine);
    return state_sum(&state) ^ guest->output;
}

static uint64_t run_alone(uint64_t seed)
{
    Guest *guest = guest_new(seed, 0, log_out);
    guest_run(guest, UINT32_MAX);
    uint64_t sum = sum_of(guest);
    guest_free(guest);
    return sum;
}

static void test_seeds_differ(void **state)
{
    (void)state;
    assert_int_equal(run_alone(1), run_alone(1));
    assert_int_not_equal(run_alone(1), run_alone(2));
}

static void test_by_turns(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 100 + 2 * PAIRS; seed += 2) {
        Guest *first = guest_new(seed, 0, log_out);
        guest_run(first, 3); /* one is under way when the other is made */
        Guest *second = guest_new(seed + 1, 0, log_out);
        for (bool more = true; more;) {
            more = guest_run(first, 1);
            more |= guest_run(second, 2);
        }
        uint64_t sums[2] = {sum_of(first), sum_of(second)};
        guest_free(first);
        assert_int_equal(sum_of(second), sums[1]); /* nor does the end of one touch the other */
        guest_free(second);
        assert_int_equal(sums[0], run_alone(seed));
        assert_int_equal(sums[1], run_alone(seed + 1));
    }
}

static void *run_thread(void *opaque)
{
    uint64_t *cell = opaque;
    *cell = run_alone(*cell);
    return NULL;
}

static void test_in_threads(void **state)
{
    (void)state;
    for (uint64_t seed = 200; seed < 200 + 2 * PAIRS; seed += 2) {
        pthread_t thread[2];
        uint64_t cell[2] = {seed, seed + 1};
        for (unsigned n = 0; n < 2; n++)
            assert_int_equal(pthread_create(&thread[n], NULL, run_thread, &cell[n]), 0);
        for (unsigned n = 0; n < 2; n++)
            pthread_join(thread[n], NULL);
        assert_int_equal(cell[0], run_alone(seed));
        assert_int_equal(cell[1], run_alone(seed + 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seeds_differ),
        cmocka_unit_test(test_by_turns),
        cmocka_unit_test(test_in_threads),
    };
    log_out = fopen("/dev/null", "w");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
