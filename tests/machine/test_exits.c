/* The test device in a whole machine, and that nothing of it, or of semihosting, is there unless asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "machine/machine.h"

#define RAM 0x60000000u
#define TEST_DEVICE 0x10018000u

static Machine *make(bool test_device)
{
    MachineOptions options = {
        .cpus = 2, .memory = 1 << 20, .deterministic = true, .test_device = test_device};
    Machine *machine = machine_new(&options, log_new(stderr), NULL);
    assert_non_null(machine);
    return machine;
}

/* str r1, [r0]; ldr r2, [r0]; b . */
static void put_code(Machine *machine, uint32_t address, uint32_t value)
{
    static const uint32_t code[] = {0xe5801000, 0xe5902000, 0xeafffffe};
    memcpy(machine->ram, code, sizeof code);
    Cpu *cpu = machine->cpu[0];
    cpu->pc = RAM;
    cpu->r[0] = address;
    cpu->r[1] = value;
    machine->cpu[1]->attention |= ATTN_RESET;
}

/* The address belongs to nothing, as on the board: loads and stores abort. */
static void test_off(void **state)
{
    (void)state;
    Machine *machine = make(false);
    assert_null(machine_device(machine, "test"));
    assert_null(machine->semihosting);
    assert_null(machine->cpu[0]->semihost);
    for (uint32_t offset = 0; offset < 0x1000; offset += 4)
        assert_null(bus_find(machine->bus, TEST_DEVICE + offset));
    put_code(machine, TEST_DEVICE + 8, 5);
    machine_step(machine, 1);
    assert_int_equal(machine->cpu[0]->mode, MODE_ABT);
    assert_int_equal(machine->cpu[0]->pc, 0x10);
    assert_int_equal(machine->cpu[0]->cp15.bank[0].dfar, TEST_DEVICE + 8);
    assert_false(machine->request_pending);
    machine_free(machine);
}

/* The run ends after the very store. */
static void test_exit(void **state)
{
    (void)state;
    Machine *machine = make(true);
    put_code(machine, TEST_DEVICE + 8, 77);
    uint64_t before = machine->cpu[0]->icount;
    assert_int_equal(machine_run(machine), END_GUEST_EXIT);
    assert_int_equal(machine->exit_code, 77);
    assert_int_equal(machine->cpu[0]->icount, before + 1);
    assert_int_equal(machine->cpu[0]->pc, RAM + 4);
    machine_free(machine);
}

static void test_power(void **state)
{
    (void)state;
    Machine *machine = make(true);
    put_code(machine, TEST_DEVICE + 0x10, 1);
    assert_int_equal(machine_run(machine), END_POWER_OFF);
    put_code(machine, TEST_DEVICE + 0x10, 2);
    assert_int_equal(machine_run(machine), END_REBOOT);
    machine_free(machine);
}

static void test_counters(void **state)
{
    (void)state;
    Machine *machine = make(true);
    put_code(machine, TEST_DEVICE + 0x28, 0);
    machine_step(machine, 1);
    uint64_t now = machine_icount(machine);
    machine_step(machine, 1);
    assert_int_equal(machine->cpu[0]->r[2], now);
    put_code(machine, TEST_DEVICE + 0x30, 0);
    machine_step(machine, 1);
    now = clock_now(machine->clock);
    machine_step(machine, 1);
    assert_int_equal(machine->cpu[0]->r[2], now);
    machine_free(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_exit),
        cmocka_unit_test(test_power),
        cmocka_unit_test(test_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
