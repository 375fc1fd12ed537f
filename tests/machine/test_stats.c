/* The table of counters: every row has a name of its own, and counts what happened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "machine/stats.h"

#define RAM 0x60000000u

static Machine *make(unsigned cpus)
{
    MachineOptions options = {.cpus = cpus, .memory = 1 << 20, .deterministic = true};
    return machine_new(&options, log_new(stderr), NULL);
}

static double value(const Machine *m, const char *name)
{
    for (unsigned n = 0; n < stats_count(m); n++) {
        Stat stat;
        stats_get(m, n, &stat);
        if (!strcmp(stat.name, name))
            return stat.value;
    }
    fail_msg("there is no counter %s", name);
    return 0;
}

static void test_names(void **state)
{
    (void)state;
    for (unsigned cpus = 1; cpus <= MAX_CPUS; cpus++) {
        Machine *m = make(cpus);
        for (unsigned n = 0; n < stats_count(m); n++) {
            Stat one, other;
            stats_get(m, n, &one);
            assert_true(one.name[0] && one.group[0] && one.help[0]);
            for (unsigned k = 0; k < n; k++) {
                stats_get(m, k, &other);
                assert_string_not_equal(one.name, other.name);
            }
        }
        machine_free(m);
    }
}

/* svc; then the vector's instruction, which reads SYS_ID; then itself. */
static void test_counts(void **state)
{
    (void)state;
    Machine *m = make(1);
    static const uint32_t code[] = {0xe3a00201 /* mov r0, #0x10000000 */, 0xe5901000 /* ldr r1, [r0] */,
                                    0xe5901000, 0xe5801000 /* str r1, [r0] */, 0xe7f000f0 /* udf */};
    double undefined = value(m, "cpu0.undefined"), reads = value(m, "sysreg.reads");
    double before = value(m, "cpu0.instructions"), decoded = value(m, "blocks.decoded");
    memcpy(m->ram, code, sizeof code);
    m->cpu[0]->pc = RAM;
    machine_step(m, 5);
    assert_true(value(m, "cpu0.instructions") == before + 5);
    assert_true(value(m, "instructions.all") == before + 5);
    assert_true(value(m, "cpu0.undefined") == undefined + 1);
    assert_true(value(m, "sysreg.reads") == reads + 2);
    assert_true(value(m, "sysreg.writes") == 1);
    assert_true(value(m, "blocks.decoded") > decoded);
    assert_true(value(m, "cpu0.tlb_fills") > 0);
    assert_true(value(m, "time.guest") > 0);
    machine_free(m);
}

static void test_print(void **state)
{
    (void)state;
    Machine *m = make(2);
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    machine_step(m, 100);
    stats_print(m, out);
    fclose(out);
    assert_non_null(strstr(text, "\ninstructions\n"));
    assert_non_null(strstr(text, "cpu0.instructions                       100"));
    assert_non_null(strstr(text, "cpu1.instructions                         0"));
    assert_null(strstr(text, "cpu0.fiqs"));
    free(text);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
