/* Waiting in deterministic mode: time jumps to the next event, but neither for ever nor past its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "machine/machine.h"

#define RAM 0x60000000u
#define GLOBAL_TIMER 0x1e000200u
#define SECOND UINT64_C(1000000000)

static Machine *machine;
static unsigned polls;
static uint64_t last_timeout;

static void write_word(uint32_t address, uint32_t value)
{
    BusAccess access = {.size = 4, .cpu = 0, .secure = true, .privileged = true};
    assert_int_equal(bus_write(machine->bus, address, &access, value), BUS_OK);
}

/* "wfi; b ." with all interrupts masked. */
static int setup(void **state)
{
    (void)state;
    static const uint32_t code[] = {0xe320f003, 0xeafffffd};
    MachineOptions options = {.cpus = 1, .memory = 1 << 20, .deterministic = true};
    machine = machine_new(&options, log_new(stderr), NULL);
    memcpy(machine->ram, code, sizeof code);
    machine->cpu[0]->pc = RAM;
    polls = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    machine_free(machine);
    return 0;
}

static bool stop_at_third_poll(void *opaque, uint64_t timeout_ns)
{
    (void)opaque;
    last_timeout = timeout_ns;
    return ++polls < 3;
}

/* Nothing will ever happen, and nobody can give input. */
static void test_nobody_waits(void **state)
{
    (void)state;
    assert_int_equal(machine_run(machine), END_STOPPED);
    assert_true(clock_now(machine->clock) < SECOND);
}

/* Only input can help: the frontend is asked to wait for it, and time stands still. */
static void test_waits_for_input(void **state)
{
    (void)state;
    machine->poll = stop_at_third_poll;
    assert_int_equal(machine_run(machine), END_STOPPED);
    assert_int_equal(polls, 3);
    assert_true(last_timeout == UINT64_MAX);
    assert_true(clock_now(machine->clock) < SECOND);
}

/* Sleeping towards a comparator that is as far away as can be: time goes on, but not round. */
static void test_far_away(void **state)
{
    (void)state;
    write_word(GLOBAL_TIMER + 0x10, UINT32_MAX);
    write_word(GLOBAL_TIMER + 0x14, UINT32_MAX);
    write_word(GLOBAL_TIMER + 0x08, 0xff07);
    uint64_t before = clock_now(machine->clock);
    assert_int_equal(machine_run(machine), END_STOPPED);
    assert_true(clock_now(machine->clock) > before);
    assert_true(clock_now(machine->clock) < UINT64_C(1) << 61);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nobody_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waits_for_input, setup, teardown),
        cmocka_unit_test_setup_teardown(test_far_away, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
