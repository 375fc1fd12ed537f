/* Watched memory: stores of all kinds are noticed, in both engines, once for each look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "machine/machine.h"

#define RAM 0x60000000u
#define FRAME (RAM + 0x100000u)
#define CODE (RAM + 0x2000u)
#define SCCTRL 0x10001000u

enum { FRAME_SIZE = 0x8000, LOOP = 0xeafffffe };

static Machine *machine;
static Watch *watch;
static uint32_t pages; /* bit n: page n of the frame was reported */

static void written(void *opaque, uint32_t pa, uint32_t size)
{
    (void)opaque;
    assert_int_equal(pa % 4096, 0);
    assert_int_equal(size % 4096, 0);
    for (uint32_t at = pa; at < pa + size; at += 4096)
        pages |= 1u << ((at - FRAME) / 4096);
}

/* Bits for the pages that were written since the last call. */
static uint32_t take(void)
{
    pages = 0;
    watches_take(bus_watches(machine->bus), watch, written, NULL);
    return pages;
}

static void start(JitMode mode)
{
    MachineOptions options = {
        .cpus = 1, .memory = 4 << 20, .deterministic = true, .jit = {.mode = mode, .threshold = 1}
    };
    machine = machine_new(&options, log_new(stderr), NULL);
    assert_non_null(machine);
    watch = watches_add(bus_watches(machine->bus), FRAME, FRAME_SIZE);
    assert_int_equal(take(), 0xff); /* to begin with, all of it */
    assert_int_equal(take(), 0);
}

static void stop(void)
{
    watches_remove(bus_watches(machine->bus), watch);
    machine_free(machine);
}

/* Runs one instruction at CODE, many times over, so that it is compiled and its page's way is short. */
static void store(uint32_t instruction, uint32_t address)
{
    const uint32_t code[] = {
        instruction,
        0xe2533001, /* subs r3, r3, #1 */
        0x1afffffc, /* bne to the instruction */
        LOOP,
    };
    assert_true(bus_dma_write(machine->bus, CODE, code, sizeof code));
    Cpu *cpu = machine->cpu[0];
    cpu->r[2] = address;
    cpu->r[3] = 100;
    cpu->pc = CODE;
    machine_step(machine, 301);
    assert_int_equal(cpu->r[3], 0);
}

static void check_stores(JitMode mode)
{
    start(mode);
    for (unsigned round = 0; round < 3; round++) {
        store(0xe5821000, FRAME + 0x1004); /* str r1, [r2] */
        assert_int_equal(take(), 1 << 1);
        store(0xe5c21000, FRAME + 0x7fff); /* strb r1, [r2] */
        assert_int_equal(take(), 1 << 7);
        store(0xe8820003, FRAME + 0x2ffc); /* stm r2, {r0, r1}: over a page's end */
        assert_int_equal(take(), 1 << 2 | 1 << 3);
        store(0xe5821000, FRAME - 4);
        assert_int_equal(take(), 0);
        store(0xe5921000, FRAME); /* ldr r1, [r2] */
        assert_int_equal(take(), 0);
    }
    stop();
}

static void test_interpreted(void **state)
{
    (void)state;
    check_stores(JIT_OFF);
}

static void test_compiled(void **state)
{
    (void)state;
    check_stores(JIT_ON);
}

/* Other masters, and memory seen at another address. */
static void test_bus(void **state)
{
    (void)state;
    BusAccess access = {.size = 4, .cpu = BUS_DMA, .secure = true, .privileged = true};
    start(JIT_OFF);
    assert_int_equal(bus_write(machine->bus, FRAME + 0x4000, &access, 1), BUS_OK);
    assert_int_equal(take(), 1 << 4);
    uint8_t block[0x3000] = {1};
    assert_true(bus_dma_write(machine->bus, FRAME + 0x4800, block, sizeof block));
    assert_int_equal(take(), 0xf << 4);
    assert_int_equal(bus_write(machine->bus, SCCTRL, &access, 0x100), BUS_OK); /* RAM is at 0, too */
    store(0xe5821000, FRAME - RAM + 0x5000);
    assert_int_equal(take(), 1 << 5);
    stop();
}

/* Two that watch the same pages are told independently. */
static void test_two(void **state)
{
    (void)state;
    start(JIT_OFF);
    Watch *first = watch, *second = watches_add(bus_watches(machine->bus), FRAME + 0x1800, 0x1000);
    watch = second;
    assert_int_equal(take(), 3 << 1);
    store(0xe5821000, FRAME + 0x1000);
    assert_int_equal(take(), 1 << 1);
    store(0xe5821000, FRAME + 0x2000);
    watch = first;
    assert_int_equal(take(), 3 << 1);
    watches_remove(bus_watches(machine->bus), second);
    store(0xe5821000, FRAME + 0x6000);
    assert_int_equal(take() & ~(3u << 1), 1 << 6);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interpreted),
        cmocka_unit_test(test_compiled),
        cmocka_unit_test(test_bus),
        cmocka_unit_test(test_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
