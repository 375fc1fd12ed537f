/* What threads hand over: order, posting twice, taking back, posting from within, waking a sleeper. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "machine/arrivals.h"

typedef struct Note {
    Arrival arrival;
    Arrivals *arrivals;
    char name;
    unsigned again; /* how often it posts itself again */
    char *log;
} Note;

static void run(void *opaque)
{
    Note *note = opaque;
    char *at = note->log;
    while (*at)
        at++;
    at[0] = note->name;
    at[1] = 0;
    if (note->again && note->again--)
        arrivals_post(note->arrivals, &note->arrival);
}

static void make(Note *notes, unsigned count, Arrivals *arrivals, char *log)
{
    for (unsigned n = 0; n < count; n++) {
        notes[n] = (Note){.arrivals = arrivals, .name = (char)('a' + n), .log = log};
        notes[n].arrival = (Arrival){.run = run, .opaque = &notes[n]};
    }
}

static void test_order(void **state)
{
    (void)state;
    char log[16] = "";
    Note note[3];
    Arrivals *arrivals = arrivals_new();
    make(note, 3, arrivals, log);
    assert_false(arrivals_waiting(arrivals));
    arrivals_post(arrivals, &note[1].arrival);
    arrivals_post(arrivals, &note[0].arrival);
    arrivals_post(arrivals, &note[1].arrival); /* waits already */
    arrivals_post(arrivals, &note[2].arrival);
    assert_true(arrivals_waiting(arrivals));
    arrivals_deliver(arrivals);
    assert_string_equal(log, "bac");
    assert_false(arrivals_waiting(arrivals));
    arrivals_post(arrivals, &note[0].arrival);
    arrivals_deliver(arrivals);
    assert_string_equal(log, "baca");
    arrivals_free(arrivals);
}

static void test_cancel(void **state)
{
    (void)state;
    char log[16] = "";
    Note note[3];
    Arrivals *arrivals = arrivals_new();
    make(note, 3, arrivals, log);
    for (unsigned n = 0; n < 3; n++)
        arrivals_post(arrivals, &note[n].arrival);
    arrivals_cancel(arrivals, &note[2].arrival);
    arrivals_cancel(arrivals, &note[0].arrival);
    arrivals_cancel(arrivals, &note[0].arrival);
    arrivals_post(arrivals, &note[0].arrival);
    arrivals_deliver(arrivals);
    assert_string_equal(log, "ba");
    arrivals_post(arrivals, &note[1].arrival);
    arrivals_cancel(arrivals, &note[1].arrival);
    assert_false(arrivals_waiting(arrivals));
    assert_true(arrivals_sleep(arrivals, true));
    arrivals_sleep(arrivals, false);
    arrivals_free(arrivals);
}

/* One that always comes again must not keep the machine from going on. */
static void test_again(void **state)
{
    (void)state;
    char log[16] = "";
    Note note[2];
    Arrivals *arrivals = arrivals_new();
    make(note, 2, arrivals, log);
    note[0].again = 2;
    arrivals_post(arrivals, &note[0].arrival);
    arrivals_post(arrivals, &note[1].arrival);
    arrivals_deliver(arrivals);
    assert_string_equal(log, "ab");
    assert_true(arrivals_waiting(arrivals));
    arrivals_deliver(arrivals);
    assert_string_equal(log, "aba");
    arrivals_deliver(arrivals);
    arrivals_deliver(arrivals);
    assert_string_equal(log, "abaa");
    arrivals_free(arrivals);
}

static void count_wake(void *opaque)
{
    ++*(unsigned *)opaque;
}

static void test_wake(void **state)
{
    (void)state;
    char log[16] = "";
    unsigned woken = 0;
    Note note[2];
    Arrivals *arrivals = arrivals_new();
    make(note, 2, arrivals, log);
    arrivals_on_wake(arrivals, count_wake, &woken);
    arrivals_post(arrivals, &note[0].arrival);
    assert_int_equal(woken, 0); /* nobody sleeps */
    assert_false(arrivals_sleep(arrivals, true));
    arrivals_sleep(arrivals, false);
    arrivals_deliver(arrivals);
    assert_true(arrivals_sleep(arrivals, true));
    arrivals_post(arrivals, &note[1].arrival);
    assert_int_equal(woken, 1);
    arrivals_sleep(arrivals, false);
    arrivals_deliver(arrivals);
    assert_string_equal(log, "ab");
    arrivals_free(arrivals);
}

/* ---- Threads ----------------------------------------------------------------------------------------- */

enum { POSTERS = 4, POSTS = 2000 };

typedef struct Poster {
    Arrival arrival;
    Arrivals *arrivals;
    atomic_uint handed; /* grows before each post */
    unsigned seen;
} Poster;

static void look(void *opaque)
{
    Poster *poster = opaque;
    poster->seen = atomic_load(&poster->handed);
}

static void *post_many(void *opaque)
{
    Poster *poster = opaque;
    for (unsigned n = 0; n < POSTS; n++) {
        atomic_fetch_add(&poster->handed, 1);
        arrivals_post(poster->arrivals, &poster->arrival);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    Poster poster[POSTERS];
    pthread_t thread[POSTERS];
    Arrivals *arrivals = arrivals_new();
    for (unsigned n = 0; n < POSTERS; n++) {
        poster[n] = (Poster){
            .arrival = {.run = look, .opaque = &poster[n]},
              .arrivals = arrivals
        };
        assert_int_equal(pthread_create(&thread[n], NULL, post_many, &poster[n]), 0);
    }
    for (bool all = false; !all;) {
        arrivals_deliver(arrivals);
        all = true;
        for (unsigned n = 0; n < POSTERS; n++)
            all &= poster[n].seen == POSTS;
    }
    for (unsigned n = 0; n < POSTERS; n++)
        pthread_join(thread[n], NULL);
    arrivals_free(arrivals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order), cmocka_unit_test(test_cancel),  cmocka_unit_test(test_again),
        cmocka_unit_test(test_wake),  cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
