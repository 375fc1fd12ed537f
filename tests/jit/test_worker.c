/* Blocks that another thread compiles. The worker is held where it began with a block, until the test lets it
 * go on: so it is late, or its result comes too late, whenever the test wants it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cpu/code_cache.h"
#include "jit/private.h"
#include "machine/machine.h"

enum { RAM_BYTES = 16 << 20, SYSTEM = 0x1f, THRESHOLD = 2, ASKED = 3 /* executions */ };
#define RAM 0x60000000u
#define CODE (RAM + 0x100000u)
#define OTHER (RAM + 0x102000u)

/* A32 */
enum {
    ADD_R0_1 = 0xe2800001,
    ADD_R0_16 = 0xe2800010,
    ADD_R0_R1 = 0xe0800001,
    LDR_R1_80 = 0xe59f1078, /* ldr r1, [pc, #0x78]: at the start of a page, what is at 0x80 of it */
    STR_R1_R2 = 0xe5821000,
    B_BACK_1 = 0xeafffffd, /* to the instruction before */
    B_BACK_2 = 0xeafffffc
};

typedef struct Held {
    Machine *machine;
    Cpu *cpu;
    atomic_bool hold;
    atomic_uint begun;
    sem_t go;
} Held;

static void hold(void *opaque)
{
    Held *h = opaque;
    atomic_fetch_add(&h->begun, 1);
    if (atomic_load(&h->hold))
        sem_wait(&h->go);
}

static void go_on(Held *h)
{
    atomic_store(&h->hold, false);
    sem_post(&h->go);
}

static void a_moment(void)
{
    nanosleep(&(struct timespec){0, 100000}, NULL);
}

enum { MOMENTS = 200000 };

static void wait_begun(Held *h, unsigned jobs)
{
    for (unsigned n = 0; atomic_load(&h->begun) < jobs; n++) {
        assert_true(n < MOMENTS);
        a_moment();
    }
}

static void wait_done(Held *h, unsigned jobs)
{
    uint64_t blocks = 0;
    for (unsigned n = 0; worker_busy(h->machine->jit->worker, &blocks), blocks < jobs; n++) {
        assert_true(n < MOMENTS);
        a_moment();
    }
}

static void start_as(Held *h, bool held, JitThread thread, bool repeatable)
{
    *h = (Held){.hold = held};
    sem_init(&h->go, 0, 0);
    MachineOptions options = {
        .cpus = 1,
        .memory = RAM_BYTES,
        .deterministic = repeatable,
        .jit = {.mode = JIT_ON,
                .threshold = THRESHOLD,
                .thread = thread,
                .thread_delay = 1000,
                .worker_hook = hold,
                .worker_opaque = h}
    };
    h->machine = machine_new(&options, log_new(stderr), NULL);
    h->cpu = h->machine->cpu[0];
    cpsr_write(h->cpu, SYSTEM | PSR_I | PSR_F, UINT32_MAX);
    h->cpu->leave = 0;
    h->cpu->pc = CODE;
}

static void start(Held *h, bool held, JitThread thread)
{
    start_as(h, held, thread, true);
}

static void end(Held *h)
{
    machine_free(h->machine);
    sem_destroy(&h->go);
}

static void put(Held *h, uint32_t pa, const uint32_t *words, unsigned count)
{
    assert_true(bus_dma_write(h->machine->bus, pa, words, 4 * count));
}

#define PUT(h, pa, ...)                                                                                      \
    put(h, pa, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static JitCounts counts(const Held *h)
{
    return jit_counts(h->machine->jit);
}

/* Rounds of a loop of two or three instructions, which is one block. */
static void run(Held *h, unsigned rounds, unsigned insns)
{
    machine_step(h->machine, (uint64_t)rounds * insns);
}

/* The worker has a block of a loop that adds 1, and is held at it, or finished it. */
static void asked(Held *h, bool held)
{
    start(h, held, JIT_THREAD_ON);
    PUT(h, CODE, ADD_R0_1, B_BACK_1);
    run(h, ASKED, 2);
    wait_begun(h, 1);
    if (!held)
        wait_done(h, 1);
    assert_int_equal(counts(h).blocks, 0);
}

static void test_taken(void **state)
{
    (void)state;
    Held h;
    asked(&h, false);
    run(&h, 10, 2);
    assert_int_equal(counts(&h).worker_blocks, 1);
    assert_int_equal(counts(&h).worker_missed, 0);
    assert_int_equal(counts(&h).interpreted, 4 * THRESHOLD);
    assert_int_equal(counts(&h).compiled, 2 * (ASKED + 10 - 2 * THRESHOLD));
    assert_int_equal(h.cpu->r[0], ASKED + 10);
    end(&h);
}

/* The same at the same time, though the worker is not ready. */
static void test_late(void **state)
{
    (void)state;
    Held h;
    asked(&h, true);
    run(&h, 10, 2);
    assert_int_equal(counts(&h).blocks, 1);
    assert_int_equal(counts(&h).worker_blocks, 0);
    assert_int_equal(counts(&h).worker_missed, 1);
    assert_int_equal(counts(&h).interpreted, 4 * THRESHOLD);
    assert_int_equal(h.cpu->r[0], ASKED + 10);
    go_on(&h);
    wait_done(&h, 1);
    PUT(&h, OTHER, ADD_R0_16, B_BACK_1); /* it goes on with the next one */
    h.cpu->pc = OTHER;
    run(&h, ASKED, 2);
    wait_done(&h, 2);
    run(&h, 10, 2);
    assert_int_equal(counts(&h).blocks, 2);
    assert_int_equal(counts(&h).worker_blocks, 1);
    assert_int_equal(counts(&h).worker_stale, 0);
    assert_int_equal(h.cpu->r[0], (ASKED + 10) * 17);
    end(&h);
}

/* Not hot, but asked for so many instructions ago. */
static void test_due(void **state)
{
    (void)state;
    Held h;
    asked(&h, false);
    PUT(&h, OTHER, ADD_R0_16, B_BACK_1);
    h.cpu->pc = OTHER;
    run(&h, 1000, 2);
    /* Compiled code ran all the time: it is taken when the dispatcher is next at it. */
    JitCounts before = counts(&h);
    h.cpu->pc = CODE;
    run(&h, 1, 2);
    assert_int_equal(counts(&h).blocks, 2);
    assert_int_equal(counts(&h).interpreted, before.interpreted);
    assert_int_equal(counts(&h).compiled, before.compiled + 2);
    end(&h);
}

/* Then the loop adds 16: who still added 1 would be the old code. */
static void assert_new_code(Held *h)
{
    h->cpu->r[0] = 0;
    h->cpu->pc = CODE;
    run(h, 20, 2);
    assert_int_equal(h->cpu->r[0], 20 * 16);
    assert_int_equal(counts(h).worker_stale, 1);
    assert_int_equal(counts(h).blocks, 1);
}

static void test_changed_while_running(void **state)
{
    (void)state;
    Held h;
    asked(&h, true);
    PUT(&h, CODE, ADD_R0_16);
    assert_new_code(&h);
    go_on(&h);
    wait_done(&h, 1);
    assert_new_code(&h);
    end(&h);
}

static void test_changed_when_done(void **state)
{
    (void)state;
    Held h;
    asked(&h, false);
    PUT(&h, CODE, ADD_R0_16);
    assert_new_code(&h);
    end(&h);
}

/* The guest's own store. */
static void test_changes_itself(void **state)
{
    (void)state;
    for (unsigned held = 0; held < 2; held++) {
        Held h;
        asked(&h, held);
        PUT(&h, OTHER, STR_R1_R2);
        h.cpu->r[1] = ADD_R0_16;
        h.cpu->r[2] = CODE;
        h.cpu->pc = OTHER;
        run(&h, 1, 1);
        assert_new_code(&h);
        if (held)
            go_on(&h);
        end(&h);
    }
}

/* Who writes to a constant does not touch the block as long as it is not known to depend on it. */
static void test_constant_changed(void **state)
{
    (void)state;
    for (unsigned changed = 0; changed < 2; changed++) {
        Held h;
        start(&h, false, JIT_THREAD_ON);
        PUT(&h, CODE, LDR_R1_80, ADD_R0_R1, B_BACK_2);
        PUT(&h, CODE + 0x80, 1);
        run(&h, ASKED, 3);
        wait_done(&h, 1);
        PUT(&h, CODE + 0x80, changed ? 16 : 1);
        h.cpu->r[0] = 0;
        run(&h, 20, 3);
        assert_int_equal(h.cpu->r[0], changed ? 20 * 16 : 20);
        assert_int_equal(counts(&h).worker_stale, changed);
        assert_int_equal(counts(&h).worker_blocks, !changed);
        assert_int_equal(counts(&h).blocks, 1);
        PUT(&h, CODE + 0x80, 256);
        h.cpu->r[0] = 0;
        run(&h, 20, 3);
        assert_int_equal(h.cpu->r[0], 20 * 256);
        end(&h);
    }
}

static void test_all_dropped(void **state)
{
    (void)state;
    Held h;
    asked(&h, true);
    code_cache_flush(h.machine->code, FLUSH_FULL);
    h.cpu->leave = 0;
    run(&h, ASKED, 2);
    assert_int_equal(counts(&h).worker_stale, 1);
    go_on(&h);
    wait_done(&h, 2);
    run(&h, 10, 2);
    assert_int_equal(counts(&h).blocks, 1);
    assert_int_equal(counts(&h).worker_blocks, 1);
    assert_int_equal(h.cpu->r[0], 2 * ASKED + 10);
    end(&h);
}

/* More loops than can be asked for at a time, each run some rounds, with the worker held, or not. */
static JitCounts many_loops(bool held, JitThread thread, bool repeatable)
{
    enum { LOOPS = 3 * WORKER_JOBS, PASSES = 3 };
    Held h;
    start_as(&h, held, thread, repeatable);
    for (unsigned n = 0; n < LOOPS; n++)
        PUT(&h, CODE + 0x100 * n, ADD_R0_1, B_BACK_1);
    for (unsigned n = 0; n < PASSES * LOOPS; n++) {
        h.cpu->pc = CODE + 0x100 * (n % LOOPS);
        run(&h, ASKED - 1, 2);
    }
    JitCounts now = counts(&h);
    assert_int_equal(h.cpu->r[0], PASSES * LOOPS * (ASKED - 1));
    assert_true(now.blocks > WORKER_JOBS);
    if (held)
        go_on(&h);
    end(&h);
    return now;
}

static void assert_same(const JitCounts *a, const JitCounts *b)
{
    assert_int_equal(a->blocks, b->blocks);
    assert_int_equal(a->interpreted, b->interpreted);
    assert_int_equal(a->compiled, b->compiled);
    assert_int_equal(a->enters, b->enters);
    assert_int_equal(a->bytes, b->bytes);
}

/* Whatever the worker does, and without one, the same instructions are compiled at the same time. */
static void test_same_either_way(void **state)
{
    (void)state;
    JitCounts held = many_loops(true, JIT_THREAD_ON, true), free = many_loops(false, JIT_THREAD_ON, true),
              none = many_loops(false, JIT_THREAD_OFF, true);
    assert_int_equal(held.worker_blocks, 0);
    assert_int_equal(none.worker_blocks + none.worker_missed, 0);
    assert_same(&held, &free);
    assert_same(&held, &none);
}

/* A worker that gets no processor is not asked for everything, unless the run must be repeatable. */
static void test_starved(void **state)
{
    (void)state;
    JitCounts repeatable = many_loops(true, JIT_THREAD_ON, true),
              other = many_loops(true, JIT_THREAD_ON, false);
    assert_int_equal(repeatable.worker_missed, repeatable.blocks);
    assert_true(other.blocks > WORKER_JOBS);
    assert_true(other.worker_missed >= 64);
    assert_true(other.worker_missed < other.blocks);
}

static void test_off(void **state)
{
    (void)state;
    Held h;
    start(&h, false, JIT_THREAD_OFF);
    PUT(&h, CODE, ADD_R0_1, B_BACK_1);
    run(&h, 20, 2);
    assert_false(worker_has_thread(h.machine->jit->worker));
    assert_int_equal(counts(&h).blocks, 1);
    assert_int_equal(counts(&h).worker_blocks + counts(&h).worker_missed, 0);
    assert_int_equal(atomic_load(&h.begun), 0);
    end(&h);
}

static void test_two_machines(void **state)
{
    (void)state;
    Held one, two;
    asked(&one, true);
    asked(&two, false);
    run(&two, 10, 2);
    assert_int_equal(counts(&two).worker_blocks, 1);
    end(&two);
    go_on(&one);
    wait_done(&one, 1);
    run(&one, 10, 2);
    assert_int_equal(counts(&one).worker_blocks, 1);
    end(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_changed_while_running),
        cmocka_unit_test(test_changed_when_done),
        cmocka_unit_test(test_changes_itself),
        cmocka_unit_test(test_constant_changed),
        cmocka_unit_test(test_all_dropped),
        cmocka_unit_test(test_same_either_way),
        cmocka_unit_test(test_starved),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_two_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
