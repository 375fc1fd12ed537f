/* Kinds, address ranges, filters and prefixes of the log; the list of what is not modelled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "machine/log.h"
#include "machine/machine.h"
#include "machine/unmodelled.h"

static Log *log_;
static FILE *out;
static char *text;
static size_t size;

static int setup(void **state)
{
    (void)state;
    out = open_memstream(&text, &size);
    log_ = log_new(out);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    log_free(log_);
    fclose(out);
    free(text);
    text = NULL;
    return 0;
}

static void expect(const char *wanted)
{
    fflush(out);
    assert_string_equal(text, wanted);
}

static void test_kinds(void **state)
{
    (void)state;
    Error err;
    assert_true(log_select(log_, "guest,irq", &err));
    log_line(log_, LOG_GUEST, "uart0", "one");
    log_line(log_, LOG_MMIO, "uart0", "two");
    log_line(log_, LOG_IRQ, "gic", "three");
    expect("guest uart0: one\nirq gic: three\n");
    assert_true(log_select(log_, "none", &err));
    for (LogKind kind = 0; kind < LOG_KINDS; kind++)
        assert_false(log_on(log_, kind));
}

static void test_unknown_kind_is_named(void **state)
{
    (void)state;
    Error err;
    assert_false(log_select(log_, "guest,interrupts", &err));
    assert_non_null(strstr(err.text, "'interrupts'"));
    for (LogKind kind = 0; kind < LOG_KINDS; kind++)
        assert_non_null(strstr(err.text, log_kind_name(kind)));
}

static void test_ranges(void **state)
{
    (void)state;
    Error err;
    assert_true(log_select(log_, "exec@0xc0000000-0xc00000ff,exec@0x8000,in_asm", &err));
    assert_true(log_on_at(log_, LOG_EXEC, 0xc0000000));
    assert_true(log_on_at(log_, LOG_EXEC, 0xc00000ff));
    assert_false(log_on_at(log_, LOG_EXEC, 0xc0000100));
    assert_true(log_on_at(log_, LOG_EXEC, 0x8000));
    assert_false(log_on_at(log_, LOG_EXEC, 0x8004));
    assert_true(log_on_at(log_, LOG_IN_ASM, 0x8004));
    /* The whole kind wins over its parts, in either order. */
    assert_true(log_select(log_, "exec", &err));
    assert_true(log_on_at(log_, LOG_EXEC, 0x8004));
    assert_true(log_select(log_, "exec@0", &err));
    assert_true(log_on_at(log_, LOG_EXEC, 0x8004));
}

static void test_bad_ranges(void **state)
{
    (void)state;
    static const char *const bad[] = {"exec@",      "exec@x", "exec@8-4", "exec@0-", "exec@0x100000000",
                                      "exec@0-1-2", "exec@-1"};
    Error err;
    for (unsigned n = 0; n < sizeof bad / sizeof *bad; n++) {
        assert_false(log_select(log_, bad[n], &err));
        assert_non_null(strstr(err.text, "exec@0xc0000000"));
    }
    assert_false(log_select(log_, "mmio@0-1", &err));
    assert_non_null(strstr(err.text, "can be limited to addresses"));
}

static void test_filter(void **state)
{
    (void)state;
    Error err;
    assert_true(log_select(log_, "all", &err));
    assert_true(log_filter(log_, "uart*,cpu0,-uart1", &err));
    log_line(log_, LOG_MMIO, "uart0", "a");
    log_line(log_, LOG_MMIO, "uart1", "b");
    log_line(log_, LOG_MMIO, "cpu1", "c");
    log_line(log_, LOG_IRQ, "cpu0", "d");
    log_once(log_, LOG_GUEST, "gic", "e");
    expect("mmio uart0: a\nirq cpu0: d\n");
    assert_true(log_filter(log_, "-uart*", &err));
    log_line(log_, LOG_MMIO, "uart0", "f");
    log_line(log_, LOG_MMIO, "gic", "g");
    expect("mmio uart0: a\nirq cpu0: d\nmmio gic: g\n");
    assert_false(log_filter(log_, "uart0,,gic", &err));
}

static uint64_t fixed_time(void *opaque)
{
    (void)opaque;
    return UINT64_C(12003004005);
}

static uint64_t fixed_icount(void *opaque)
{
    (void)opaque;
    return 77;
}

static uint32_t fixed_pc(void *opaque)
{
    (void)opaque;
    return 0x8010;
}

static void test_prefixes(void **state)
{
    (void)state;
    Error err;
    log_set_context(log_, &(LogContext){fixed_time, fixed_icount, fixed_pc, NULL});
    assert_true(log_select(log_, "boot,time,icount", &err));
    log_line(log_, LOG_BOOT, "kernel", "here");
    expect("[   12.003004005] #77 boot kernel: here\n");
}

static void test_unmodelled(void **state)
{
    (void)state;
    Error err;
    log_set_context(log_, &(LogContext){.pc = fixed_pc});
    log_unmodelled(log_, "clcd", "LCDTiming", 4, false);
    expect("");
    assert_true(log_select(log_, "unimp", &err));
    for (unsigned n = 0; n < 3; n++)
        log_unmodelled(log_, "clcd", "LCDTiming", 4, true);
    log_unmodelled(log_, "clcd", "", 8, false);
    log_unmodelled(log_, "cpu0", "MRC p15, 1, c2, c3, 4", LOG_NO_OFFSET, false);
    expect("unimp clcd: register LCDTiming (offset 0x004) is not modelled: written at pc 0x00008010\n"
           "unimp clcd: read at offset 0x008, where no register is, at pc 0x00008010\n"
           "unimp cpu0: MRC p15, 1, c2, c3, 4 at pc 0x00008010: not modelled\n");
    const Unmodelled *list = log_unmodelled_list(log_);
    assert_int_equal(unmodelled_count(list), 3);
    const UnmodelledRow *row = unmodelled_row(list, 0);
    assert_string_equal(row->name, "LCDTiming");
    assert_int_equal(row->reads, 1);
    assert_int_equal(row->writes, 3);
    assert_int_equal(row->first_pc, 0x8010);
    assert_null(unmodelled_row(list, 3));
}

/* A guest cannot make the table grow without bounds. */
static void test_unmodelled_is_bounded(void **state)
{
    (void)state;
    for (uint32_t offset = 0; offset < 4 * 3000; offset += 4)
        log_unmodelled(log_, "clcd", "", offset, false);
    assert_int_equal(unmodelled_count(log_unmodelled_list(log_)), UNMODELLED_MOST);
    unmodelled_print(log_unmodelled_list(log_), out);
    fflush(out);
    assert_non_null(strstr(text, "1976 accesses to further registers"));
}

/* The device engine counts what the guest does. */
static void test_machine_counts(void **state)
{
    (void)state;
    MachineOptions options = {.cpus = 1, .memory = 1 << 20, .deterministic = true};
    Machine *m = machine_new(&options, log_new(stderr), NULL);
    BusAccess access = {.size = 4, .cpu = 0, .secure = true, .privileged = true};
    uint32_t value;
    m->cpu[0]->pc = 0x60001234;
    for (unsigned n = 0; n < 5; n++)
        bus_read(m->bus, 0x10009000 + 0xf00, &access, &value);
    bus_write(m->bus, 0x10009000 + 0xf00, &access, 1);
    const Unmodelled *list = log_unmodelled_list(m->log);
    assert_int_equal(unmodelled_count(list), 1);
    assert_string_equal(unmodelled_row(list, 0)->source, "uart0");
    assert_int_equal(unmodelled_row(list, 0)->offset, 0xf00);
    assert_int_equal(unmodelled_row(list, 0)->reads, 5);
    assert_int_equal(unmodelled_row(list, 0)->writes, 1);
    assert_int_equal(unmodelled_row(list, 0)->first_pc, 0x60001234);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_kind_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ranges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_ranges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_filter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prefixes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unmodelled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unmodelled_is_bounded, setup, teardown),
        cmocka_unit_test(test_machine_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
