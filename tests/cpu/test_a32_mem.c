/* A32 loads and stores: addresses, write-back, what is left after an abort. By hand from the manual. */
#include "tests/cpu/one_insn.h"

enum { DATA = RAM_BASE + 0x1000, NOWHERE = 0x20000000 };

/* text is what insn is the encoding of. */
static void a32(Bench *b, const char *text, uint32_t insn)
{
    uint8_t leave = run_a32(b, insn);
    if (leave & LEAVE_FAULT)
        fail_msg("%s took an exception, mode %02x", text, b->cpu->mode);
}

/* The instruction aborts and leaves the registers that Abort mode shares with Supervisor mode as they were.
 */
static void a32_aborts(Bench *b, const char *text, uint32_t insn)
{
    uint32_t before[13];
    memcpy(before, b->cpu->r, sizeof before);
    if (!(run_a32(b, insn) & LEAVE_FAULT) || b->cpu->mode != MODE_ABT)
        fail_msg("%s: no data abort, mode %02x", text, b->cpu->mode);
    assert_memory_equal(before, b->cpu->r, sizeof before);
    assert_int_equal(b->cpu->r[14], CODE_BASE + 8);
    cpu_switch_mode(b->cpu, MODE_SVC);
}

static void fill(Bench *b)
{
    for (uint32_t n = 0; n < 64; n++)
        set_ram_word(b, DATA - 128 + 4 * n, 0x80f1f2f3 + n * 0x01010101);
}

static int setup(void **state)
{
    Bench *b = malloc(sizeof *b);
    assert_non_null(b);
    bench_init(b);
    fill(b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    bench_done(*state);
    free(*state);
    return 0;
}

static void test_addressing(void **state)
{
    Bench *b = *state;
    uint32_t *r = b->cpu->r;
    r[1] = DATA;
    a32(b, "ldr r0, [r1]", 0xe5910000);
    assert_int_equal(r[0], ram_word(b, DATA));
    a32(b, "ldr r0, [r1, #8]", 0xe5910008);
    assert_int_equal(r[0], ram_word(b, DATA + 8));
    a32(b, "ldr r0, [r1, #-8]", 0xe5110008);
    assert_int_equal(r[0], ram_word(b, DATA - 8));
    assert_int_equal(r[1], DATA);
    a32(b, "ldr r0, [r1, #12]!", 0xe5b1000c);
    assert_int_equal(r[0], ram_word(b, DATA + 12));
    assert_int_equal(r[1], DATA + 12);
    a32(b, "ldr r0, [r1], #-12", 0xe411000c);
    assert_int_equal(r[0], ram_word(b, DATA + 12));
    assert_int_equal(r[1], DATA);
    r[2] = 5;
    a32(b, "ldr r0, [r1, r2, lsl #2]", 0xe7910102);
    assert_int_equal(r[0], ram_word(b, DATA + 20));
    a32(b, "ldr r0, [r1, -r2, lsl #2]!", 0xe7310102);
    assert_int_equal(r[1], DATA - 20);
    r[2] = 0xffffffe8;
    a32(b, "ldr r0, [r1], -r2, asr #1", 0xe61100c2);
    assert_int_equal(r[0], ram_word(b, DATA - 20));
    assert_int_equal(r[1], DATA - 8);
    r[1] = DATA;
    r[2] = 9;
    cpsr_write(b->cpu, PSR_C, PSR_C);
    r[1] = DATA + 0x80000000;
    r[2] = 8;
    a32(b, "ldr r0, [r1, r2, rrx]", 0xe7910062);
    assert_int_equal(r[0], ram_word(b, DATA + 4));
    set_ram_word(b, CODE_BASE + 8 - 16, 0x12345678);
    a32(b, "ldr r0, [pc, #-16]", 0xe51f0010);
    assert_int_equal(r[0], 0x12345678);
    r[13] = DATA;
    a32(b, "str r1, [sp, #-4]!", 0xe52d1004);
    assert_int_equal(r[13], DATA - 4);
    a32(b, "ldr r3, [sp], #4", 0xe49d3004);
    assert_int_equal(r[13], DATA);
    assert_int_equal(r[3], r[1]);
}

static void test_sizes(void **state)
{
    Bench *b = *state;
    uint32_t *r = b->cpu->r;
    set_ram_word(b, DATA, 0x8182fef4);
    set_ram_word(b, DATA + 4, 0x01020304);
    r[1] = DATA;
    a32(b, "ldrb r0, [r1, #1]", 0xe5d10001);
    assert_int_equal(r[0], 0xfe);
    a32(b, "ldrsb r0, [r1, #1]", 0xe1d100d1);
    assert_int_equal(r[0], 0xfffffffe);
    a32(b, "ldrh r0, [r1, #2]", 0xe1d100b2);
    assert_int_equal(r[0], 0x8182);
    a32(b, "ldrsh r0, [r1, #2]!", 0xe1f100f2);
    assert_int_equal(r[0], 0xffff8182);
    assert_int_equal(r[1], DATA + 2);
    r[2] = 2;
    a32(b, "ldrh r0, [r1], -r2", 0xe01100b2);
    assert_int_equal(r[1], DATA);
    a32(b, "ldrsb r0, [r1, r2]", 0xe19100d2);
    assert_int_equal(r[0], 0xffffff82);
    a32(b, "ldrd r4, r5, [r1]", 0xe1c140d0);
    assert_int_equal(r[4], 0x8182fef4);
    assert_int_equal(r[5], 0x01020304);
    a32(b, "strd r4, r5, [r1, #8]!", 0xe1e140f8);
    assert_int_equal(ram_word(b, DATA + 8), 0x8182fef4);
    assert_int_equal(ram_word(b, DATA + 12), 0x01020304);
    assert_int_equal(r[1], DATA + 8);
    r[0] = 0xaabbccdd;
    a32(b, "strb r0, [r1, #1]", 0xe5c10001);
    assert_int_equal(ram_word(b, DATA + 8), 0x8182ddf4);
    a32(b, "strh r0, [r1, #2]", 0xe1c100b2);
    assert_int_equal(ram_word(b, DATA + 8), 0xccddddf4);
    a32(b, "str pc, [r1]", 0xe581f000);
    assert_int_equal(ram_word(b, DATA + 8), CODE_BASE + 8);
}

static void test_big_endian(void **state)
{
    Bench *b = *state;
    uint32_t *r = b->cpu->r;
    set_ram_word(b, DATA, 0x11223344);
    set_ram_word(b, DATA + 4, 0x55667788);
    r[1] = DATA;
    a32(b, "setend be", 0xf1010200);
    a32(b, "ldr r0, [r1]", 0xe5910000);
    assert_int_equal(r[0], 0x44332211);
    a32(b, "ldrh r0, [r1]", 0xe1d100b0);
    assert_int_equal(r[0], 0x4433);
    a32(b, "ldrd r2, r3, [r1]", 0xe1c120d0);
    assert_int_equal(r[2], 0x44332211);
    assert_int_equal(r[3], 0x88776655);
    a32(b, "ldrexd r4, r5, [r1]", 0xe1b14f9f);
    assert_int_equal(r[4], 0x44332211);
    assert_int_equal(r[5], 0x88776655);
    a32(b, "strexd r6, r2, r3, [r1]", 0xe1a16f92);
    assert_int_equal(r[6], 0);
    assert_int_equal(ram_word(b, DATA), 0x11223344);
    assert_int_equal(ram_word(b, DATA + 4), 0x55667788);
    a32(b, "ldm r1, {r8, r9}", 0xe8910300);
    assert_int_equal(r[8], 0x44332211);
    a32(b, "setend le", 0xf1010000);
    a32(b, "ldr r0, [r1]", 0xe5910000);
    assert_int_equal(r[0], 0x11223344);
}

static void test_load_pc(void **state)
{
    Bench *b = *state;
    uint32_t *r = b->cpu->r;
    set_ram_word(b, DATA, 0x60002001);
    set_ram_word(b, DATA + 4, 0x60003000);
    r[1] = DATA;
    a32(b, "ldr pc, [r1], #4", 0xe491f004);
    assert_int_equal(b->cpu->pc, 0x60002000);
    assert_true(b->cpu->thumb);
    assert_int_equal(r[1], DATA + 4);
    a32(b, "ldm r1!, {pc}", 0xe8b18000);
    assert_int_equal(b->cpu->pc, 0x60003000);
    assert_false(b->cpu->thumb);
    assert_int_equal(r[1], DATA + 8);
}

static void test_multiple(void **state)
{
    Bench *b = *state;
    uint32_t *r = b->cpu->r;
    r[0] = DATA;
    a32(b, "ldmia r0, {r1, r4, r7}", 0xe8900092);
    assert_int_equal(r[1], ram_word(b, DATA));
    assert_int_equal(r[4], ram_word(b, DATA + 4));
    assert_int_equal(r[7], ram_word(b, DATA + 8));
    a32(b, "ldmib r0!, {r1, r4}", 0xe9b00012);
    assert_int_equal(r[1], ram_word(b, DATA + 4));
    assert_int_equal(r[4], ram_word(b, DATA + 8));
    assert_int_equal(r[0], DATA + 8);
    a32(b, "ldmda r0!, {r1, r4, r5}", 0xe8300032);
    assert_int_equal(r[1], ram_word(b, DATA));
    assert_int_equal(r[5], ram_word(b, DATA + 8));
    assert_int_equal(r[0], DATA - 4);
    a32(b, "ldmdb r0, {r0, r2}", 0xe9100005);
    assert_int_equal(r[0], ram_word(b, DATA - 12));
    assert_int_equal(r[2], ram_word(b, DATA - 8));
    r[13] = DATA;
    r[14] = 0x1234;
    a32(b, "push {r1, r2, sp, lr, pc}", 0xe92de006);
    assert_int_equal(r[13], DATA - 20);
    assert_int_equal(ram_word(b, DATA - 20), r[1]);
    assert_int_equal(ram_word(b, DATA - 8), 0x1234);
    assert_int_equal(ram_word(b, DATA - 4), CODE_BASE + 8);
    a32(b, "pop {r5, r6}", 0xe8bd0060);
    assert_int_equal(r[5], r[1]);
    assert_int_equal(r[6], r[2]);
    assert_int_equal(r[13], DATA - 12);
    r[0] = DATA;
    a32(b, "stmda r0!, {r5, r6}", 0xe8200060);
    assert_int_equal(ram_word(b, DATA - 4), r[5]);
    assert_int_equal(ram_word(b, DATA), r[6]);
    assert_int_equal(r[0], DATA - 8);
    a32(b, "stmib r0!, {r5, r6}", 0xe9a00060);
    assert_int_equal(ram_word(b, DATA - 4), r[5]);
    assert_int_equal(r[0], DATA);
    a32(b, "stmia r0!, {r0, r6}", 0xe8a00041);
    assert_int_equal(ram_word(b, DATA), DATA);
}

static void test_multiple_user(void **state)
{
    Bench *b = *state;
    uint32_t *r = b->cpu->r;
    cpu_set_reg_of_mode(b->cpu, 13, MODE_USR, 0x13131313);
    cpu_set_reg_of_mode(b->cpu, 14, MODE_USR, 0x14141414);
    r[13] = DATA;
    a32(b, "stmdb sp, {r0, sp, lr}^", 0xe94d6001);
    assert_int_equal(ram_word(b, DATA - 8), 0x13131313);
    assert_int_equal(ram_word(b, DATA - 4), 0x14141414);
    set_ram_word(b, DATA, 0x55);
    set_ram_word(b, DATA + 4, 0x66);
    a32(b, "ldmia sp, {r8, lr}^", 0xe8dd4100);
    assert_int_equal(r[8], 0x55);
    assert_int_equal(cpu_reg_of_mode(b->cpu, 14, MODE_USR), 0x66);
    assert_int_equal(r[13], DATA);
    cpu_switch_mode(b->cpu, MODE_FIQ);
    r[8] = 0xf1;
    r[13] = DATA;
    set_ram_word(b, DATA, 0x77);
    a32(b, "ldmia sp, {r8}^", 0xe8dd0100);
    assert_int_equal(r[8], 0xf1);
    assert_int_equal(cpu_reg_of_mode(b->cpu, 8, MODE_USR), 0x77);
    a32(b, "stmia sp, {r8}^", 0xe8cd0100);
    assert_int_equal(ram_word(b, DATA), 0x77);
}

/* Nothing answers at NOWHERE: an external abort. */
static void test_aborts(void **state)
{
    Bench *b = *state;
    uint32_t *r = b->cpu->r;
    for (unsigned n = 0; n < 13; n++)
        r[n] = 0x100 + n;
    r[1] = NOWHERE;
    a32_aborts(b, "ldr r0, [r1, #4]!", 0xe5b10004);
    a32_aborts(b, "str r0, [r1], #4", 0xe4810004);
    a32_aborts(b, "ldrb r0, [r1], r2", 0xe6d10002);
    a32_aborts(b, "strh r0, [r1, r2]!", 0xe1a100b2);
    a32_aborts(b, "ldrd r4, r5, [r1], #8", 0xe0c140d8);
    a32_aborts(b, "strd r4, r5, [r1], #8", 0xe0c140f8);
    a32_aborts(b, "ldmia r1!, {r4, r5}", 0xe8b10030);
    a32_aborts(b, "stmia r1!, {r4, r5}", 0xe8a10030);
    a32_aborts(b, "ldmdb r1!, {r4, pc}", 0xe9318010);
    a32_aborts(b, "ldrt r0, [r1], #4", 0xe4b10004);
    a32_aborts(b, "ldrex r0, [r1]", 0xe1910f9f);
    assert_int_equal(cp15_bank(b->cpu)->dfar, NOWHERE);
    r[1] = RAM_BASE + RAM_BYTES - 8;
    a32_aborts(b, "ldmia r1!, {r1, r4, r5, r6}", 0xe8b10072);
    assert_int_equal(cp15_bank(b->cpu)->dfar, RAM_BASE + RAM_BYTES);
    a32_aborts(b, "stmia r1!, {r4, r5, r6}", 0xe8a10070);
    assert_int_equal(cp15_bank(b->cpu)->dfar, RAM_BASE + RAM_BYTES);
}

/* These must be aligned whatever SCTLR.A and the memory type say. */
static void test_alignment(void **state)
{
    Bench *b = *state;
    uint32_t *r = b->cpu->r;
    enum { DFSR_ALIGNMENT = 1, DFSR_WRITE = 1 << 11 };
    r[1] = DATA + 2;
    a32_aborts(b, "ldmia r1, {r4, r5}", 0xe8910030);
    assert_int_equal(cp15_bank(b->cpu)->dfsr & 0xf, DFSR_ALIGNMENT);
    assert_int_equal(cp15_bank(b->cpu)->dfar, DATA + 2);
    a32_aborts(b, "stmia r1!, {r4, r5}", 0xe8a10030);
    assert_true(cp15_bank(b->cpu)->dfsr & DFSR_WRITE);
    a32_aborts(b, "ldrd r4, r5, [r1]", 0xe1c140d0);
    a32_aborts(b, "ldrex r4, [r1]", 0xe1914f9f);
    a32_aborts(b, "strex r4, r5, [r1]", 0xe1814f95);
    r[1] = DATA + 4;
    a32_aborts(b, "ldrexd r4, r5, [r1]", 0xe1b14f9f);
    a32(b, "ldrd r4, r5, [r1]", 0xe1c140d0);
    r[1] = DATA + 1;
    a32_aborts(b, "ldrexh r4, [r1]", 0xe1f14f9f);
    a32(b, "ldrexb r4, [r1]", 0xe1d14f9f);
}

static void test_exclusive(void **state)
{
    Bench *b = *state;
    uint32_t *r = b->cpu->r;
    r[1] = DATA;
    r[2] = 0xcafe0001;
    a32(b, "strex r0, r2, [r1]", 0xe1810f92);
    assert_int_equal(r[0], 1);
    assert_int_not_equal(ram_word(b, DATA), 0xcafe0001);
    a32(b, "ldrex r3, [r1]", 0xe1913f9f);
    assert_int_equal(r[3], ram_word(b, DATA));
    a32(b, "strex r0, r2, [r1]", 0xe1810f92);
    assert_int_equal(r[0], 0);
    assert_int_equal(ram_word(b, DATA), 0xcafe0001);
    a32(b, "strex r0, r3, [r1]", 0xe1810f93);
    assert_int_equal(r[0], 1);
    a32(b, "ldrex r3, [r1]", 0xe1913f9f);
    a32(b, "clrex", 0xf57ff01f);
    a32(b, "strex r0, r2, [r1]", 0xe1810f92);
    assert_int_equal(r[0], 1);
    a32(b, "ldrexb r3, [r1]", 0xe1d13f9f);
    assert_int_equal(r[3], 1);
    r[2] = 0x1234;
    a32(b, "strexb r0, r2, [r1]", 0xe1c10f92);
    assert_int_equal(r[0], 0);
    assert_int_equal(ram_word(b, DATA), 0xcafe0034);
    a32(b, "ldrexh r3, [r1]", 0xe1f13f9f);
    a32(b, "strexh r0, r2, [r1]", 0xe1e10f92);
    assert_int_equal(ram_word(b, DATA), 0xcafe1234);
    a32(b, "ldrexd r4, r5, [r1]", 0xe1b14f9f);
    assert_int_equal(r[4], 0xcafe1234);
    assert_int_equal(r[5], ram_word(b, DATA + 4));
    a32(b, "strexd r0, r2, r3, [r1]", 0xe1a10f92);
    assert_int_equal(r[0], 0);
    assert_int_equal(ram_word(b, DATA), r[2]);
    assert_int_equal(ram_word(b, DATA + 4), r[3]);
}

static void test_swap(void **state)
{
    Bench *b = *state;
    uint32_t *r = b->cpu->r;
    enum { SCTLR_SW = 1 << 10 };
    r[1] = DATA;
    r[2] = 0xabcd;
    set_ram_word(b, DATA, 0x1234);
    assert_true(run_a32(b, 0xe1010092) & LEAVE_FAULT); /* swp r0, r2, [r1] */
    assert_int_equal(b->cpu->mode, MODE_UND);
    cpu_switch_mode(b->cpu, MODE_SVC);
    cp15_bank(b->cpu)->sctlr |= SCTLR_SW;
    a32(b, "swp r0, r2, [r1]", 0xe1010092);
    assert_int_equal(r[0], 0x1234);
    assert_int_equal(ram_word(b, DATA), 0xabcd);
    r[2] = 0xff;
    a32(b, "swpb r2, r2, [r1]", 0xe1412092);
    assert_int_equal(r[2], 0xcd);
    assert_int_equal(ram_word(b, DATA), 0xabff);
    r[1] = NOWHERE;
    a32_aborts(b, "swp r0, r2, [r1]", 0xe1010092);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_addressing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_big_endian, setup, teardown),
        cmocka_unit_test_setup_teardown(test_load_pc, setup, teardown),
        cmocka_unit_test_setup_teardown(test_multiple, setup, teardown),
        cmocka_unit_test_setup_teardown(test_multiple_user, setup, teardown),
        cmocka_unit_test_setup_teardown(test_aborts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alignment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exclusive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_swap, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
