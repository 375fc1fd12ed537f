/* Breakpoints and steps in whole machines, in the interpreter, in compiled code and in both at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cpu/code_cache.h"
#include "jit/state.h"
#include "machine/machine.h"

#define RAM 0x60000000u
#define CODE (RAM + 0x1000)
#define VECTORS (RAM + 0x8000)
#define DATA (RAM + 0x9000)
#define NOWHERE 0x30000000u
#define SCCTRL 0x10001000u
#define REMAP_CLEAR 0x100u

enum {
    ADD_R0_1 = 0xe2800001,
    ADD_R1_1 = 0xe2811001,
    ADD_R2_1 = 0xe2822001,
    WFI = 0xe320f003,
    HERE = 0xeafffffe,
    BACK_2 = 0xeafffffc, /* b to the second instruction before */
    RETURN = 0xe25ef004  /* subs pc, lr, #4 */
};

typedef struct Fixture {
    JitMode mode;
    Machine *machine;
    Cpu *cpu; /* 0 */
    unsigned stops, last;
    bool time_over;
    Timer timer;
} Fixture;

/* Instructions: what should have stopped did not. */
#define TOO_MANY 10000000u

static bool look(void *opaque, uint64_t timeout_ns)
{
    Fixture *f = opaque;
    if (machine_stopped(f->machine, &f->last)) {
        f->stops++;
        return false;
    }
    return !timeout_ns && !f->time_over && machine_icount(f->machine) < TOO_MANY;
}

static void start(Fixture *f, unsigned cpus)
{
    MachineOptions options = {
        .cpus = cpus, .memory = 4 << 20, .deterministic = true, .jit = {.mode = f->mode, .threshold = 1}
    };
    f->machine = machine_new(&options, log_new(stderr), NULL);
    assert_non_null(f->machine);
    f->machine->poll = look;
    f->machine->poll_opaque = f;
    f->cpu = f->machine->cpu[0];
    f->stops = 0;
    f->time_over = false;
    cp_write(f->cpu, 15, 0, 12, 0, 0, VECTORS); /* VBAR */
    f->cpu->leave = 0;
    f->cpu->pc = CODE;
}

static int setup(void **state)
{
    start(*state, 1);
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    assert_null(f->machine->broken);
    machine_free(f->machine);
    return 0;
}

static void put(const Fixture *f, uint32_t address, const void *code, size_t size)
{
    code_cache_written(f->machine->code, address, (uint32_t)size);
    memcpy(f->machine->ram + (address - RAM), code, size);
}

#define PUT(f, address, type, ...) put(f, address, (const type[]){__VA_ARGS__}, sizeof((type[]){__VA_ARGS__}))

static void add(const Fixture *f, uint32_t address)
{
    Error err;
    assert_true(machine_add_breakpoint(f->machine, address, &err));
}

/* Lets it go on up to the next stop, which is to be there, after so many instructions. */
static void expect_stop(Fixture *f, uint32_t pc, uint64_t count)
{
    uint64_t before = machine_icount(f->machine);
    unsigned stops = f->stops;
    assert_int_equal(machine_run(f->machine), END_STOPPED);
    assert_int_equal(f->stops, stops + 1);
    assert_int_equal(f->machine->cpu[f->last]->pc, pc);
    assert_int_equal(machine_icount(f->machine) - before, count);
}

/* ---- Stops ------------------------------------------------------------------------------------------- */

static void in_the_middle_of_a_hot_block(void **state)
{
    Fixture *f = *state;
    PUT(f, CODE, uint32_t, ADD_R0_1, ADD_R1_1, BACK_2);
    machine_step(f->machine, 3000);
    add(f, CODE + 4);
    expect_stop(f, CODE + 4, 1);
    for (unsigned n = 0; n < 100; n++) {
        assert_int_equal(f->cpu->r[0], 1001 + n);
        assert_int_equal(f->cpu->r[1], 1000 + n);
        expect_stop(f, CODE + 4, 3);
    }
    Error err;
    assert_true(machine_remove_breakpoint(f->machine, CODE + 4, &err));
    machine_step(f->machine, 3000);
    assert_false(f->cpu->stopped);
    assert_int_equal(f->cpu->icount, 3000 + 1 + 300 + 3000);
}

static void every_instruction(void **state)
{
    Fixture *f = *state;
    PUT(f, CODE, uint32_t, ADD_R0_1, ADD_R1_1, BACK_2);
    for (unsigned n = 0; n < 3; n++)
        add(f, CODE + 4 * n);
    expect_stop(f, CODE, 0);
    for (unsigned n = 1; n < 30; n++)
        expect_stop(f, CODE + 4 * (n % 3), 1);
    assert_int_equal(f->cpu->r[0], 10);
}

static void in_an_it_block(void **state)
{
    Fixture *f = *state;
    PUT(f, CODE, uint16_t, 0x4280 /* cmp r0, r0 */, 0xbf0c /* ite eq */, 0x3101 /* addeq r1, #1 */,
        0x3201 /* addne r2, #1 */, 0xe7fa /* b to the start */);
    f->cpu->thumb = 1;
    add(f, CODE + 7); /* the Thumb bit of a symbol */
    expect_stop(f, CODE + 6, 3);
    for (unsigned n = 1; n < 20; n++) {
        assert_int_equal(f->cpu->r[1], n);
        assert_int_equal(f->cpu->itstate, 0x18);
        expect_stop(f, CODE + 6, 5);
    }
    assert_int_equal(f->cpu->r[2], 0);
}

static void across_pages(void **state)
{
    Fixture *f = *state;
    uint32_t end = CODE + PAGE_SIZE - 2;
    PUT(f, end, uint16_t, 0xf100, 0x0001 /* add.w r0, r0, #1 */, 0x3101 /* add r1, #1 */,
        0xe7fb /* b to the start */);
    f->cpu->thumb = 1;
    f->cpu->pc = end;
    machine_step(f->machine, 30);
    add(f, end);
    add(f, end + 2); /* no instruction begins there */
    expect_stop(f, end, 0);
    expect_stop(f, end, 3);
    assert_int_equal(f->cpu->r[0], 11);
}

static void where_the_budget_ends(void **state)
{
    Fixture *f = *state;
    PUT(f, CODE, uint32_t, ADD_R0_1, ADD_R1_1, BACK_2);
    add(f, CODE + 4);
    machine_step(f->machine, 1);
    assert_false(f->cpu->stopped);
    expect_stop(f, CODE + 4, 0);
    expect_stop(f, CODE + 4, 3);
}

/* The same memory at another address, and the same place in another page. */
static void elsewhere(void **state)
{
    Fixture *f = *state;
    BusAccess access = {.size = 4, .secure = true, .privileged = true};
    PUT(f, CODE, uint32_t, ADD_R0_1, ADD_R1_1, BACK_2);
    assert_int_equal(bus_write(f->machine->bus, SCCTRL, &access, REMAP_CLEAR), BUS_OK);
    add(f, CODE + 4);
    add(f, CODE + 8 + PAGE_SIZE);
    f->cpu->pc = CODE - RAM;
    assert_int_equal(machine_step_cpu(f->machine, 0, 3000), 3000);
    assert_int_equal(f->cpu->r[1], 1000);
    f->cpu->pc = CODE;
    expect_stop(f, CODE + 4, 1);
}

/* ---- Exceptions -------------------------------------------------------------------------------------- */

/* The interrupt comes while the machine stands at the breakpoint: the instruction is executed first. */
static void interrupt_while_stopped(void **state)
{
    Fixture *f = *state;
    PUT(f, CODE, uint32_t, ADD_R0_1, ADD_R1_1, BACK_2);
    PUT(f, VECTORS + 0x18, uint32_t, RETURN);
    f->cpu->i = false;
    add(f, CODE + 4);
    add(f, VECTORS + 0x18);
    expect_stop(f, CODE + 4, 1);
    cpu_interrupt_changed(f->cpu, EXC_IRQ, true);
    expect_stop(f, VECTORS + 0x18, 1);
    assert_int_equal(f->cpu->r[14], CODE + 12);
    cpu_interrupt_changed(f->cpu, EXC_IRQ, false);
    expect_stop(f, CODE + 4, 3);
    assert_int_equal(f->cpu->r[1], 1);
}

/* It pends when the CPU arrives: it is taken first. */
static void interrupt_on_arrival(void **state)
{
    Fixture *f = *state;
    PUT(f, CODE, uint32_t, ADD_R0_1, ADD_R1_1, BACK_2);
    PUT(f, VECTORS + 0x18, uint32_t, RETURN);
    f->cpu->i = false;
    add(f, CODE + 4);
    add(f, VECTORS + 0x18);
    machine_step(f->machine, 1);
    cpu_interrupt_changed(f->cpu, EXC_IRQ, true);
    expect_stop(f, VECTORS + 0x18, 0);
    assert_int_equal(f->cpu->r[14], CODE + 8);
    cpu_interrupt_changed(f->cpu, EXC_IRQ, false);
    expect_stop(f, CODE + 4, 1);
    assert_int_equal(f->cpu->r[1], 0);
}

static void after_waiting(void **state)
{
    Fixture *f = *state;
    PUT(f, CODE, uint32_t, WFI, ADD_R0_1, HERE);
    add(f, CODE + 4);
    assert_int_equal(machine_step_cpu(f->machine, 0, 10), 1);
    assert_true(f->cpu->attention & ATTN_HALTED);
    assert_int_equal(machine_run(f->machine), END_STOPPED);
    assert_int_equal(f->stops, 0);
    cpu_interrupt_changed(f->cpu, EXC_IRQ, true); /* masked: it wakes, and is not taken */
    expect_stop(f, CODE + 4, 0);
    assert_int_equal(machine_step_cpu(f->machine, 0, 2), 2);
    assert_int_equal(f->cpu->r[0], 1);
}

static void where_nothing_is(void **state)
{
    Fixture *f = *state;
    PUT(f, VECTORS + 0x0c, uint32_t, HERE);
    f->cpu->pc = NOWHERE;
    add(f, NOWHERE);
    add(f, VECTORS + 0x0c);
    expect_stop(f, VECTORS + 0x0c, 1);
    assert_int_equal(f->cpu->cp15.bank[0].ifar, NOWHERE);
}

static void after_a_reset(void **state)
{
    Fixture *f = *state;
    PUT(f, CODE, uint32_t, ADD_R0_1, HERE);
    add(f, 0);
    add(f, CODE + 4);
    expect_stop(f, CODE + 4, 1);
    machine_reset(f->machine);
    unsigned count;
    machine_breakpoints(f->machine, &count);
    assert_int_equal(count, 2);
    expect_stop(f, 0, 0);
    machine_reset(f->machine);
    expect_stop(f, 0, 0);
}

/* ---- Several CPUs ------------------------------------------------------------------------------------ */

/* A counter in memory that all CPUs count up, and one in r4 of each; r3 counts what failed. */
static void start_counters(Fixture *f)
{
    start(f, 3);
    PUT(f, CODE, uint32_t, 0xe1901f9f /* ldrex r1, [r0] */, ADD_R1_1, 0xe1802f91 /* strex r2, r1, [r0] */,
        0xe3520000 /* cmp r2, #0 */, 0x12833001 /* addne r3, r3, #1 */, 0xe2844001 /* add r4, r4, #1 */,
        0xeafffff8 /* b to the start */);
    for (unsigned n = 0; n < 3; n++) {
        f->machine->cpu[n]->pc = CODE;
        f->machine->cpu[n]->r[0] = DATA;
    }
}

static void time_is_over(void *opaque)
{
    Fixture *f = opaque;
    f->time_over = true;
    machine_yield(f->machine);
}

static void run_for(Fixture *f, uint64_t ns)
{
    timer_init(&f->timer, f->machine->clock, "test", 0, time_is_over, f);
    timer_set(&f->timer, clock_now(f->machine->clock) + ns);
    while (!f->time_over && machine_icount(f->machine) < TOO_MANY)
        assert_int_equal(machine_run(f->machine), END_STOPPED);
    timer_cancel(&f->timer);
}

/* With stops between load-exclusive and store-exclusive, all is as without them. */
static void nothing_is_different(void **state)
{
    enum { NS = 300001 };
    Fixture plain = *(Fixture *)*state, stopping = plain;
    start_counters(&plain);
    start_counters(&stopping);
    add(&stopping, CODE + 8);
    run_for(&plain, NS);
    run_for(&stopping, NS);
    assert_int_equal(plain.stops, 0);
    assert_true(stopping.stops > NS / 5 / 8);
    for (unsigned n = 0; n < 3; n++)
        assert_null(state_differs(plain.machine->cpu[n], stopping.machine->cpu[n]));
    assert_memory_equal(plain.machine->ram, stopping.machine->ram, 0x10000);
    assert_true(plain.cpu->r[4] > NS / 5 / 30);
    machine_free(plain.machine);
    machine_free(stopping.machine);
}

/* ---- Steps ------------------------------------------------------------------------------------------- */

static void steps(void **state)
{
    Fixture *f = *state;
    PUT(f, CODE, uint32_t, ADD_R0_1, ADD_R1_1, BACK_2);
    add(f, CODE + 4);
    unsigned cpu;
    assert_int_equal(machine_step_cpu(f->machine, 0, 100), 1);
    assert_true(machine_stopped(f->machine, &cpu));
    assert_false(machine_stopped(f->machine, &cpu));
    assert_int_equal(machine_step_cpu(f->machine, 0, 100), 3);
    assert_int_equal(machine_step_cpu(f->machine, 0, 3), 3);
    assert_true(machine_stopped(f->machine, &cpu));
    assert_false(machine_stopped(f->machine, &cpu));
    for (unsigned n = 0; n < 10; n++)
        assert_int_equal(machine_step_cpu(f->machine, 0, 1), 1);
    assert_false(machine_stopped(f->machine, &cpu));
    assert_int_equal(f->cpu->r[0], 6);
    assert_int_equal(f->cpu->r[1], 6);
    expect_stop(f, CODE + 4, 2);
}

static void one_by_one_or_at_once(void **state)
{
    Fixture one = *(Fixture *)*state, all = one;
    start_counters(&one);
    start_counters(&all);
    add(&one, CODE + 8);
    for (unsigned n = 0; n < 1000; n++)
        assert_int_equal(machine_step_cpu(one.machine, 1, 1), 1);
    assert_int_equal(machine_step_cpu(all.machine, 1, 1000), 1000);
    for (unsigned n = 0; n < 3; n++)
        assert_null(state_differs(one.machine->cpu[n], all.machine->cpu[n]));
    assert_int_equal(one.machine->cpu[0]->icount, 0);
    assert_int_equal(one.machine->cpu[2]->icount, 0);
    assert_int_equal(one.machine->cpu[1]->r[3], 0);
    assert_memory_equal(one.machine->ram, all.machine->ram, 0x10000);
    machine_free(one.machine);
    machine_free(all.machine);
}

/* While another CPU stepped, it may have stored. */
static void steps_of_another_cpu(void **state)
{
    Fixture f = *(Fixture *)*state;
    start_counters(&f);
    assert_int_equal(machine_step_cpu(f.machine, 0, 2), 2);
    assert_int_equal(machine_step_cpu(f.machine, 1, 3), 3);
    assert_int_equal(machine_step_cpu(f.machine, 0, 1), 1);
    assert_int_equal(f.cpu->r[2], 1);
    assert_int_equal(f.machine->cpu[1]->r[2], 0);
    machine_free(f.machine);
}

/* ---- The list ---------------------------------------------------------------------------------------- */

static void the_list(void **state)
{
    Fixture *f = *state;
    Error err;
    for (unsigned n = BREAKPOINTS_MOST; n-- > 0;)
        add(f, CODE + 0x402 * n);
    add(f, CODE);
    add(f, CODE + 1);
    const Breakpoints *list = code_cache_breakpoints(f->machine->code);
    assert_int_equal(list->count, BREAKPOINTS_MOST);
    assert_false(machine_add_breakpoint(f->machine, CODE + 2, &err));
    assert_string_equal(err.text, "there are 64 breakpoints already");
    for (unsigned n = 0; n < BREAKPOINTS_MOST; n++)
        assert_int_equal(list->address[n], CODE + 0x402 * n);
    assert_false(machine_remove_breakpoint(f->machine, CODE + 2, &err));
    assert_string_equal(err.text, "there is no breakpoint at 0x60001002");
    for (unsigned n = 0; n < BREAKPOINTS_MOST; n++)
        assert_true(machine_remove_breakpoint(f->machine, (CODE + 0x402 * n) | 1, &err));
    assert_int_equal(list->count, 0);
    for (unsigned n = 0; n < PAGE_SIZE; n++)
        assert_false(breakpoints_in_place(list, n));
}

#define TEST(name, setup, teardown)                                                                          \
    {                                                                                                        \
#name, name, setup, teardown, NULL                                                                   \
    }

int main(void)
{
    static const char *const groups[] = {"interpreted", "compiled", "verified"};
    int failed = 0;
    for (unsigned mode = JIT_OFF; mode <= JIT_VERIFY; mode++) {
        Fixture f = {.mode = (JitMode)mode};
        struct CMUnitTest tests[] = {
            TEST(in_the_middle_of_a_hot_block, setup, teardown),
            TEST(every_instruction, setup, teardown),
            TEST(in_an_it_block, setup, teardown),
            TEST(across_pages, setup, teardown),
            TEST(where_the_budget_ends, setup, teardown),
            TEST(elsewhere, setup, teardown),
            TEST(interrupt_while_stopped, setup, teardown),
            TEST(interrupt_on_arrival, setup, teardown),
            TEST(after_waiting, setup, teardown),
            TEST(where_nothing_is, setup, teardown),
            TEST(after_a_reset, setup, teardown),
            TEST(nothing_is_different, NULL, NULL),
            TEST(steps, setup, teardown),
            TEST(one_by_one_or_at_once, NULL, NULL),
            TEST(steps_of_another_cpu, NULL, NULL),
            TEST(the_list, setup, teardown),
        };
        for (unsigned n = 0; n < sizeof tests / sizeof *tests; n++)
            tests[n].initial_state = &f;
        failed += _cmocka_run_group_tests(groups[mode], tests, sizeof tests / sizeof *tests, NULL, NULL);
    }
    return failed;
}
