/* Memory that is at two addresses: what is written through one is executed through the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "machine/machine.h"

enum { MOV_R0_1 = 0xe3a00001, MOV_R0_2 = 0xe3a00002, NOP = 0xe320f000, LOOP = 0xeafffffe };

#define RAM 0x60000000u
#define SCCTRL 0x10001000u
#define REMAP_CLEAR 0x100u
#define CODE 0x1000u

static Machine *machine;

static void write_word(uint32_t address, uint32_t value)
{
    BusAccess access = {.size = 4, .cpu = 0, .secure = true, .privileged = true};
    assert_int_equal(bus_write(machine->bus, address, &access, value), BUS_OK);
}

/* Lets CPU 0 run `count` instructions from address on. */
static void run(uint32_t address, unsigned count)
{
    machine->cpu[0]->pc = address;
    machine_step(machine, count);
}

static int setup(void **state)
{
    (void)state;
    MachineOptions options = {.cpus = 1, .memory = 4 << 20, .deterministic = true};
    machine = machine_new(&options, log_new(stderr), NULL);
    write_word(SCCTRL, REMAP_CLEAR);
    write_word(CODE, MOV_R0_1);
    write_word(CODE + 4, LOOP);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    machine_free(machine);
    return 0;
}

static void test_same_memory(void **state)
{
    (void)state;
    assert_memory_equal(machine->ram + CODE, (uint32_t[]){MOV_R0_1}, 4);
    assert_int_equal(bus_home(machine->bus, CODE), RAM + CODE);
    assert_int_equal(bus_home(machine->bus, RAM + CODE), RAM + CODE);
    assert_int_equal(bus_home(machine->bus, 0x10009000), 0x10009000);
}

/* Code runs at one address; the bus writes it at the other. */
static void test_bus_writes(void **state)
{
    (void)state;
    run(RAM + CODE, 2);
    assert_int_equal(machine->cpu[0]->r[0], 1);
    write_word(CODE, MOV_R0_2);
    run(RAM + CODE, 2);
    assert_int_equal(machine->cpu[0]->r[0], 2);
    write_word(RAM + CODE, MOV_R0_1);
    run(CODE, 2);
    assert_int_equal(machine->cpu[0]->r[0], 1);
}

/* The CPU itself stores to the other address, through an entry that its TLB already has. */
static void test_cpu_stores(void **state)
{
    (void)state;
    static const uint32_t code[] = {
        0xe5821800, /* str r1, [r2, #0x800] */
        LOOP,
    };
    memcpy(machine->ram + 0x2000, code, sizeof code);
    Cpu *cpu = machine->cpu[0];
    cpu->r[1] = NOP;
    cpu->r[2] = CODE;
    run(RAM + 0x2000, 2); /* the page may be written directly from now on */
    run(RAM + CODE, 2);   /* until there is code in it */
    assert_int_equal(cpu->r[0], 1);
    cpu->r[1] = MOV_R0_2;
    cpu->r[2] = CODE - 0x800;
    run(RAM + 0x2000, 2);
    run(RAM + CODE, 2);
    assert_int_equal(cpu->r[0], 2);
}

/* When the alias goes, so does what was known about it. */
static void test_remap_back(void **state)
{
    (void)state;
    run(CODE, 2);
    assert_int_equal(machine->cpu[0]->r[0], 1);
    memcpy(machine->rom + CODE, (uint32_t[]){MOV_R0_2, LOOP}, 8);
    write_word(SCCTRL, 0);
    run(CODE, 2);
    assert_int_equal(machine->cpu[0]->r[0], 2);
    write_word(SCCTRL, REMAP_CLEAR);
    run(CODE, 2);
    assert_int_equal(machine->cpu[0]->r[0], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bus_writes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cpu_stores, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remap_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
