/* What may happen to code that has been compiled, on a whole machine: its memory is written by others, its
 * page is mapped elsewhere or twice, an ASID gets another process, flash is programmed. The code that runs
 * must be the one that is there; and what need not be dropped must not be. docs/testing.md lists which hazard
 * is tested where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/code_cache.h"
#include "machine/machine.h"

enum { RAM_BYTES = 16 << 20, SYSTEM = 0x1f, PAGES = 8 };
#define RAM 0x60000000u
#define SCCTRL 0x10001000u
#define FLASH 0x40000000u
#define FREE 0x70000000u /* nothing is there */

/* A32 */
enum {
    MOV_R0_1 = 0xe3a00001,
    MOV_R0_2 = 0xe3a00002,
    MOV_R0_3 = 0xe3a00003,
    ADD_R0_1 = 0xe2800001,
    ADD_R0_16 = 0xe2800010,
    ADR_R4 = 0xe24f4008, /* sub r4, pc, #8: this instruction's address */
    LDR_R1_R2 = 0xe5921000,
    STR_R1_R2 = 0xe5821000,
    ADD_R1_1 = 0xe2811001,
    BX_LR = 0xe12fff1e,
    BLX_R3 = 0xe12fff33,
    B_SELF = 0xeafffffe
};

static uint32_t branch(uint32_t opcode, int32_t from, int32_t to)
{
    return opcode | (0xffffff & (uint32_t)((to - from - 8) >> 2));
}

#define B(from, to) branch(0xea000000, from, to)
#define BL(from, to) branch(0xeb000000, from, to)

/* Physical pages with code and data, translation tables of two address spaces. Virtual pages are at VA. */
#define VA 0x80000000u
#define PA(page) (RAM + 0x100000u + (page)*0x1000u)
#define V(page) (VA + (page)*0x1000u)
enum { FIRST_LEVEL = 0x4000, SECOND_LEVEL = 0x10000, SPACES = 2 };

static Machine *machine;
static Cpu *cpu;

/* ---- Memory and translations --------------------------------------------------------------------------- */

static void put(uint32_t pa, const uint32_t *words, unsigned count)
{
    assert_true(bus_dma_write(machine->bus, pa, words, 4 * count));
}

#define PUT(pa, ...)                                                                                         \
    put(pa, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static uint32_t get(uint32_t pa)
{
    uint32_t word;
    assert_true(bus_dma_read(machine->bus, pa, &word, 4));
    return word;
}

static void write_word(uint32_t pa, uint32_t value)
{
    BusAccess access = {.size = 4, .secure = true, .privileged = true};
    assert_int_equal(bus_write(machine->bus, pa, &access, value), BUS_OK);
}

/* A small page for all, Normal memory, not global unless it is said. */
static void map(unsigned space, unsigned page, uint32_t pa, bool global)
{
    PUT(RAM + SECOND_LEVEL + 0x400 * space + 4 * page, pa | 0x3e | (global ? 0 : 1 << 11));
}

static void cp15_write(unsigned crn, unsigned crm, unsigned opc2, uint32_t value)
{
    cp_write(cpu, 15, 0, crn, crm, opc2, value);
    cpu->leave = 0; /* asks the engine for a look, which jit_run() begins with */
}

/* As a kernel switches processes. */
static void enter_space(unsigned space, uint32_t asid)
{
    cp15_write(13, 0, 1, 0);
    cp15_write(2, 0, 0, RAM + FIRST_LEVEL * (space + 1));
    cp15_write(13, 0, 1, asid);
}

static void invalidate_asid(uint32_t asid)
{
    cp15_write(8, 7, 2, asid);
}

static void invalidate_page(unsigned page, uint32_t asid)
{
    cp15_write(8, 7, 1, V(page) | asid);
}

static void mmu_on(void)
{
    for (unsigned space = 0; space < SPACES; space++) {
        uint32_t first = RAM + FIRST_LEVEL * (space + 1);
        PUT(first + (VA >> 18), (RAM + SECOND_LEVEL + 0x400 * space) | 1);
        PUT(first + (RAM >> 18), RAM | 0xc0e, RAM | 0x100c0e); /* sections: RAM as it is, global */
    }
    cp15_write(3, 0, 0, 1);
    enter_space(0, 1);
    cp15_write(1, 0, 0, cp_read(cpu, 15, 0, 1, 0, 0) | 1);
}

/* ---- Running ------------------------------------------------------------------------------------------- */

static void run(uint32_t pc, unsigned count)
{
    cpu->pc = pc;
    machine_step(machine, count);
}

static int setup(void **state)
{
    (void)state;
    MachineOptions options = {
        .cpus = 1, .memory = RAM_BYTES, .deterministic = true, .jit = {.mode = JIT_ON, .threshold = 0}
    };
    machine = machine_new(&options, log_new(stderr), NULL);
    cpu = machine->cpu[0];
    cpsr_write(cpu, SYSTEM | PSR_I | PSR_F, UINT32_MAX);
    cpu->leave = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    machine_free(machine);
    return 0;
}

typedef struct Seen {
    JitCounts jit;
    CodeCacheCounts code;
    MmuCounts mmu;
} Seen;

static Seen look(void)
{
    return (Seen){jit_counts(machine->jit), code_cache_counts(machine->code), mmu_counts(cpu)};
}

/* Nothing was decoded, compiled, dropped or interpreted since. */
static void assert_no_code_changed(const Seen *before)
{
    Seen now = look();
    assert_int_equal(now.jit.blocks, before->jit.blocks);
    assert_int_equal(now.jit.dropped, before->jit.dropped);
    assert_int_equal(now.jit.emptied, before->jit.emptied);
    assert_int_equal(now.jit.links, before->jit.links);
    assert_int_equal(now.jit.interpreted, before->jit.interpreted);
    assert_int_equal(now.code.decoded, before->code.decoded);
    assert_int_equal(now.code.dropped, before->code.dropped);
}

/* ---- Address spaces ---------------------------------------------------------------------------------- */

/* Page 0 calls a function in page 1, which counts a word of page 2 up, for ever. */
enum { ROUND = 6 };

static void put_counter(void)
{
    PUT(PA(0), BL(0, 0x1000), B(4, 0));
    PUT(PA(1), LDR_R1_R2, ADD_R1_1, STR_R1_R2, BX_LR);
}

static void test_context_switch(void **state)
{
    (void)state;
    enum { SWITCHES = 500, WARM = 50, ROUNDS = 3 };
    put_counter();
    for (unsigned space = 0; space < SPACES; space++) {
        map(space, 0, PA(0), false);
        map(space, 1, PA(1), false);
        map(space, 2, PA(2 + space), false);
    }
    mmu_on();
    cpu->r[2] = V(2);
    for (unsigned n = 0; n < 2 * SPACES; n++) {
        enter_space(n % SPACES, 1 + n % SPACES);
        run(V(0), WARM * ROUND);
    }
    Seen before = look();
    for (unsigned n = 0; n < SWITCHES; n++) {
        enter_space(n % SPACES, 1 + n % SPACES);
        run(V(0), ROUNDS * ROUND);
    }
    assert_no_code_changed(&before);
    assert_int_equal(look().mmu.fills, before.mmu.fills);
    assert_int_equal(look().mmu.flushes, before.mmu.flushes);
    for (unsigned space = 0; space < SPACES; space++)
        assert_int_equal(get(PA(2 + space)), 2 * WARM + SWITCHES / SPACES * ROUNDS);
}

/* The same physical pages at other addresses, and in another address space at yet others. */
static void test_compiled_once(void **state)
{
    (void)state;
    PUT(PA(0), ADR_R4, MOV_R0_1, BL(8, 0x1000), B(12, 0));
    PUT(PA(1), ADD_R0_1, BX_LR);
    for (unsigned page = 0; page < 2; page++) {
        map(0, page, PA(page), false);
        map(0, 4 + page, PA(page), false);
        map(1, 2 + page, PA(page), false);
    }
    mmu_on();
    run(V(0), 60);
    assert_int_equal(cpu->r[4], V(0));
    Seen before = look();
    run(V(4), 60);
    assert_int_equal(cpu->r[4], V(4));
    enter_space(1, 2);
    run(V(2), 60);
    assert_int_equal(cpu->r[4], V(2));
    run(RAM + PA(0) % RAM, 60);
    assert_int_equal(cpu->r[4], PA(0));
    assert_int_equal(cpu->r[0], 2);
    assert_int_equal(look().jit.blocks, before.jit.blocks);
    assert_int_equal(look().code.decoded, before.code.decoded);
    assert_int_equal(look().jit.dropped, 0);
}

/* Page 0 calls page 1 by a branch that is linked and by one that looks its target up; page 1 is one of two
 * functions, 2 and 3 in RAM, which give 1 and 2. */
static void put_callers(void)
{
    PUT(PA(0), BL(0, 0x1000), ADD_R0_16, BLX_R3, B(12, 0));
    PUT(PA(2), MOV_R0_1, BX_LR);
    PUT(PA(3), MOV_R0_2, BX_LR);
}

/* Both calls find the function that gives `value`, at once and later. */
static void assert_calls(uint32_t value)
{
    enum { LINKED_CALL = 4, BOTH_CALLS = 3 };
    cpu->r[3] = V(1);
    run(V(0), LINKED_CALL);
    assert_int_equal(cpu->r[0], value + 16);
    machine_step(machine, BOTH_CALLS);
    assert_int_equal(cpu->r[0], value);
    run(V(0), 8 * 20);
    assert_int_equal(cpu->r[0], value);
}

static void test_asid_reused(void **state)
{
    (void)state;
    put_callers();
    for (unsigned space = 0; space < SPACES; space++) {
        map(space, 0, PA(0), false);
        map(space, 1, PA(2 + space), false);
    }
    mmu_on();
    for (unsigned n = 0; n < 10; n++) {
        /* ASID 1 is one process, then another; and so on. */
        enter_space(n % SPACES, 1);
        invalidate_asid(1);
        assert_calls(1 + n % SPACES);
        /* Others between them change nothing. */
        enter_space(1 - n % SPACES, 2 + n % SPACES);
        assert_calls(2 - n % SPACES);
        enter_space(n % SPACES, 1);
        assert_calls(1 + n % SPACES);
    }
    assert_int_equal(look().jit.dropped, 0);
}

static void test_page_remapped(void **state)
{
    (void)state;
    put_callers();
    map(0, 0, PA(0), false);
    map(0, 1, PA(2), false);
    mmu_on();
    assert_calls(1);
    for (unsigned n = 0; n < 10; n++) {
        map(0, 1, PA(3 - n % 2), false);
        invalidate_page(1, 1);
        assert_calls(2 - n % 2);
    }
    assert_int_equal(look().jit.dropped, 0);
}

/* Global pages, as the kernel's are: their links outlive switches, but no maintenance. */
static void test_global_page_remapped(void **state)
{
    (void)state;
    put_callers();
    for (unsigned space = 0; space < SPACES; space++) {
        map(space, 0, PA(0), true);
        map(space, 1, PA(2), true);
    }
    mmu_on();
    assert_calls(1);
    for (unsigned n = 0; n < 10; n++) {
        map(0, 1, PA(3 - n % 2), true);
        map(1, 1, PA(3 - n % 2), true);
        if (n % 3 == 0)
            cp15_write(8, 7, 3, V(1)); /* TLBIMVAA */
        else if (n % 3 == 1)
            cp15_write(8, 7, 0, 0); /* TLBIALL */
        else
            invalidate_page(1, 7); /* whatever the ASID */
        enter_space(n % SPACES, 1 + n % SPACES);
        assert_calls(2 - n % 2);
    }
}

/* The caller's own page goes elsewhere under its feet. */
static void test_caller_remapped(void **state)
{
    (void)state;
    put_callers();
    PUT(PA(4), BL(0, 0x2000), ADD_R0_16, BLX_R3, B(12, 0));
    map(0, 0, PA(0), false);
    map(0, 1, PA(2), false);
    map(0, 2, PA(3), false);
    mmu_on();
    for (unsigned n = 0; n < 6; n++) {
        map(0, 0, n % 2 ? PA(4) : PA(0), false);
        invalidate_page(0, 1);
        cpu->r[3] = V(1);
        run(V(0), 8 * 20 + 4);
        assert_int_equal(cpu->r[0], (n % 2 ? 2 : 1) + 16);
    }
}

/* ---- Written by others ------------------------------------------------------------------------------- */

/* A bus master writes code that runs, whole and in part, and code that is linked to. */
static void test_dma(void **state)
{
    (void)state;
    PUT(PA(0), BL(0, 0x80), B(4, 0));
    PUT(PA(0) + 0x80, MOV_R0_1, BX_LR);
    for (unsigned n = 0; n < 20; n++) {
        PUT(PA(0) + 0x80, n % 2 ? MOV_R0_2 : MOV_R0_1);
        run(PA(0), 4 * 10);
        assert_int_equal(cpu->r[0], 1 + n % 2);
    }
    assert_true(bus_dma_write(machine->bus, PA(0) + 0x80, "\x03", 1));
    run(PA(0), 4);
    assert_int_equal(cpu->r[0], 3);
    uint8_t page[0x1000] = {0};
    memcpy(page, (uint32_t[]){MOV_R0_3, B_SELF}, 8);
    assert_true(bus_dma_write(machine->bus, PA(0), page, sizeof page));
    cpu->r[0] = 0;
    run(PA(0), 4);
    assert_int_equal(cpu->r[0], 3);
}

/* Beside code, at the grain of 64 bytes, it drops nothing. */
static void test_dma_beside_code(void **state)
{
    (void)state;
    PUT(PA(0) + 0x40, MOV_R0_1, B(4, 0));
    run(PA(0) + 0x40, 20);
    Seen before = look();
    for (unsigned n = 0; n < 100; n++) {
        PUT(PA(0) + 0x3c, n);
        PUT(PA(0) + 0x80, n);
        run(PA(0) + 0x40, 20);
    }
    assert_no_code_changed(&before);
}

/* A device that writes to memory while an instruction accesses it. */
typedef struct Master {
    uint32_t pa, word;
} Master;

static BusResult master_read(void *opaque, uint32_t offset, const BusAccess *access, uint32_t *value)
{
    (void)opaque, (void)offset, (void)access;
    *value = 0;
    return BUS_OK;
}

static BusResult master_write(void *opaque, uint32_t offset, const BusAccess *access, uint32_t value)
{
    const Master *m = opaque;
    (void)offset, (void)access, (void)value;
    PUT(m->pa, m->word);
    return BUS_OK;
}

static void test_dma_by_this_instruction(void **state)
{
    (void)state;
    static const MmioOps ops = {master_read, master_write};
    Master master = {PA(0) + 0x40, MOV_R0_1};
    bus_add(machine->bus, &(Region){.name = "master",
                                    .base = FREE,
                                    .size = 0x1000,
                                    .kind = REGION_MMIO,
                                    .ops = &ops,
                                    .opaque = &master});
    PUT(PA(0), STR_R1_R2, B(4, 0x40));
    PUT(PA(0) + 0x40, MOV_R0_1, B(4, 0x80)); /* the instruction that is written */
    PUT(PA(0) + 0x80, B(0, -0x80));
    cpu->r[2] = FREE;
    for (unsigned n = 0; n < 20; n++) {
        master.word = n % 2 ? MOV_R0_2 : MOV_R0_1;
        run(PA(0), 5);
        assert_int_equal(cpu->r[0], 1 + n % 2);
        run(PA(0), 5 * 10);
        assert_int_equal(cpu->r[0], 1 + n % 2);
    }
    /* The block that the store is in. */
    master = (Master){PA(0) + 4, B(4, 0x80)};
    PUT(PA(0) + 0x80, MOV_R0_3, B_SELF);
    run(PA(0), 1);
    machine_step(machine, 3);
    run(PA(0), 5);
    assert_int_equal(cpu->r[0], 3);
}

/* ---- Data beside code -------------------------------------------------------------------------------- */

/* A loop counts a word at `data` of its own page up. */
static void count_beside_code(uint32_t data, unsigned rounds)
{
    PUT(PA(0) + 0x100, LDR_R1_R2, ADD_R1_1, STR_R1_R2, B(12, 0));
    PUT(PA(0) + data, 0);
    cpu->r[2] = PA(0) + data;
    run(PA(0) + 0x100, 4 * rounds);
    assert_int_equal(get(PA(0) + data), rounds);
}

static void test_data_in_the_page(void **state)
{
    (void)state;
    static const uint32_t elsewhere[] = {0, 0xfc, 0x140, 0xffc};
    count_beside_code(0, 20);
    for (unsigned n = 0; n < sizeof elsewhere / sizeof *elsewhere; n++) {
        count_beside_code(elsewhere[n], 20);
        Seen before = look();
        cpu->r[2] = PA(0) + elsewhere[n];
        run(PA(0) + 0x100, 4 * 1000);
        assert_int_equal(get(PA(0) + elsewhere[n]), 1020);
        assert_no_code_changed(&before);
    }
}

/* In the same 64 bytes each store drops what is there: the block, and the rest of it that goes on behind the
 * store. */
static void test_data_in_the_grain(void **state)
{
    (void)state;
    enum { ROUNDS = 1000 };
    PUT(PA(0) + 0x400, MOV_R0_1, B_SELF); /* code that has nothing to do with it */
    run(PA(0) + 0x400, 20);
    Seen before = look();
    count_beside_code(0x110, ROUNDS);
    Seen after = look();
    assert_in_range(after.code.dropped - before.code.dropped, 1, 2 * ROUNDS + 2);
    assert_in_range(after.code.decoded - before.code.decoded, 1, 2 * ROUNDS + 2);
    assert_int_equal(after.jit.emptied, before.jit.emptied);
    before = after;
    run(PA(0) + 0x400, 20);
    assert_no_code_changed(&before);
}

/* ---- Linked blocks
 * ------------------------------------------------------------------------------------------ */

/* Three blocks in a ring, of which one after the other is written while all are linked. */
static void test_ring(void **state)
{
    (void)state;
    uint32_t expected[3] = {1, 1, 1};
    for (unsigned n = 0; n < 3; n++)
        PUT(PA(0) + 0x100 * n, ADD_R0_1, B(4, n == 2 ? -0x200 : 0x100));
    run(PA(0), 6 * 20);
    for (unsigned n = 0; n < 60; n++) {
        unsigned which = n % 3;
        expected[which] = n % 7;
        Seen before = look();
        PUT(PA(0) + 0x100 * which, (ADD_R0_1 & ~0xffu) | expected[which]);
        cpu->r[0] = 0;
        run(PA(0), 6 * 10);
        assert_int_equal(cpu->r[0], 10 * (expected[0] + expected[1] + expected[2]));
        assert_int_equal(look().jit.dropped, before.jit.dropped + 1);
        assert_int_equal(look().jit.blocks, before.jit.blocks + 1);
    }
}

/* The code buffer is full while blocks are linked, and this again and again. */
static void test_exhaustion(void **state)
{
    (void)state;
    enum { FUNCTIONS = 900, STEP = 0x40, ROUNDS = 8 };
    machine_free(machine);
    MachineOptions options = {
        .cpus = 1,
        .memory = RAM_BYTES,
        .deterministic = true,
        .jit = {.mode = JIT_ON, .threshold = 0, .most_blocks = 500}
    };
    machine = machine_new(&options, log_new(stderr), NULL);
    cpu = machine->cpu[0];
    for (int n = 0; n < FUNCTIONS; n++)
        PUT(PA(0) + STEP * (unsigned)n, ADD_R0_1, B(4, n == FUNCTIONS - 1 ? -STEP * n : STEP));
    cpu->r[0] = 0;
    run(PA(0), 2 * FUNCTIONS * ROUNDS);
    assert_int_equal(cpu->r[0], FUNCTIONS * ROUNDS);
    assert_true(look().jit.emptied >= ROUNDS);
}

/* ---- Flash, remap
 * -------------------------------------------------------------------------------------------- */

enum {
    FLASH_PROGRAM = 0x00400040,
    FLASH_ERASE = 0x00200020,
    FLASH_CONFIRM = 0x00d000d0,
    FLASH_READ = 0x00ff00ff
};

/* Until the operation is done: time passes with instructions. */
static void wait_for_flash(void)
{
    PUT(PA(7), B_SELF);
    run(PA(7), 2000000);
    write_word(FLASH, FLASH_READ);
}

static void program(uint32_t offset, uint32_t word)
{
    write_word(FLASH + offset, FLASH_PROGRAM);
    write_word(FLASH + offset, word);
    wait_for_flash();
}

static void test_flash(void **state)
{
    (void)state;
    program(0x100, MOV_R0_3);
    program(0x104, B_SELF);
    run(FLASH + 0x100, 20);
    assert_int_equal(cpu->r[0], 3);
    assert_true(look().jit.compiled > 0);
    program(0x100, MOV_R0_1); /* programming clears bits */
    run(FLASH + 0x100, 20);
    assert_int_equal(cpu->r[0], 1);
    write_word(FLASH + 0x100, FLASH_ERASE);
    write_word(FLASH + 0x100, FLASH_CONFIRM);
    wait_for_flash();
    program(0x100, MOV_R0_2);
    program(0x104, B_SELF);
    run(FLASH + 0x100, 20);
    assert_int_equal(cpu->r[0], 2);
}

/* Called by address from RAM: what is at address 0 changes from the boot ROM to RAM. */
static void test_board_remap(void **state)
{
    (void)state;
    enum { AT = 0x8000 };
    assert_true(bus_load(machine->bus, AT, (uint32_t[]){MOV_R0_1, BX_LR}, 8));
    PUT(RAM + AT, MOV_R0_2, BX_LR);
    PUT(PA(0), BLX_R3, B(4, 0));
    cpu->r[3] = AT;
    run(PA(0), 4 * 20);
    assert_int_equal(cpu->r[0], 1);
    write_word(SCCTRL, 0x100);
    run(PA(0), 4 * 20);
    assert_int_equal(cpu->r[0], 2);
    cpu->r[3] = RAM + AT; /* the same memory, where it is always */
    run(PA(0), 4 * 20);
    Seen before = look();
    cpu->r[3] = AT;
    run(PA(0), 4 * 20);
    assert_int_equal(look().jit.blocks, before.jit.blocks);
    write_word(SCCTRL, 0);
    run(PA(0), 4 * 20);
    assert_int_equal(cpu->r[0], 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_context_switch),
        TEST(test_compiled_once),
        TEST(test_asid_reused),
        TEST(test_page_remapped),
        TEST(test_global_page_remapped),
        TEST(test_caller_remapped),
        TEST(test_dma),
        TEST(test_dma_beside_code),
        TEST(test_dma_by_this_instruction),
        TEST(test_data_in_the_page),
        TEST(test_data_in_the_grain),
        TEST(test_ring),
        TEST(test_exhaustion),
        TEST(test_flash),
        TEST(test_board_remap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
