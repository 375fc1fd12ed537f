/* A32 branches, exceptions, status registers, mode changes, hints, coprocessor access: by hand from the
 * manual. */
#include "tests/cpu/one_insn.h"

enum { DATA = RAM_BASE + 0x1000 };

static int setup(void **state)
{
    Bench *b = malloc(sizeof *b);
    assert_non_null(b);
    bench_init(b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    bench_done(*state);
    free(*state);
    return 0;
}

/* text is what insn is the encoding of. */
static void a32(Bench *b, const char *text, uint32_t insn)
{
    uint8_t leave = run_a32(b, insn);
    if (leave & LEAVE_FAULT)
        fail_msg("%s took an exception, mode %02x", text, b->cpu->mode);
}

static void a32_undefined(Bench *b, const char *text, uint32_t insn)
{
    CpuMode before = b->cpu->mode;
    if (!(run_a32(b, insn) & LEAVE_FAULT) || b->cpu->mode != MODE_UND)
        fail_msg("%s is not undefined, mode %02x", text, b->cpu->mode);
    assert_int_equal(b->cpu->r[14], CODE_BASE + 4);
    cpu_switch_mode(b->cpu, before);
}

static void expect_branch(Bench *b, uint32_t pc, bool thumb)
{
    assert_int_equal(b->cpu->pc, pc);
    assert_int_equal(b->cpu->thumb, thumb);
}

static void test_branches(void **state)
{
    Bench *b = *state;
    uint32_t *r = b->cpu->r;
    a32(b, "b .+0x100", 0xea00003e);
    expect_branch(b, CODE_BASE + 0x100, false);
    a32(b, "b .-0x1000000", 0xeabffffe);
    expect_branch(b, CODE_BASE - 0x1000000, false);
    a32(b, "bl .+8", 0xeb000000);
    expect_branch(b, CODE_BASE + 8, false);
    assert_int_equal(r[14], CODE_BASE + 4);
    assert_int_equal(run_a32(b, 0xfb000000), LEAVE_PC); /* blx .+10 */
    expect_branch(b, CODE_BASE + 10, true);
    assert_int_equal(r[14], CODE_BASE + 4);
    assert_int_equal(run_a32(b, 0xfafffffe), LEAVE_PC); /* blx . */
    expect_branch(b, CODE_BASE, true);
    r[3] = 0x60004001;
    a32(b, "bx r3", 0xe12fff13);
    expect_branch(b, 0x60004000, true);
    a32(b, "bxj r3", 0xe12fff23);
    expect_branch(b, 0x60004000, true);
    a32(b, "blx r3", 0xe12fff33);
    expect_branch(b, 0x60004000, true);
    assert_int_equal(r[14], CODE_BASE + 4);
    r[14] = 0x60005000;
    a32(b, "blx lr", 0xe12fff3e);
    expect_branch(b, 0x60005000, false);
    assert_int_equal(r[14], CODE_BASE + 4);
    a32(b, "mov pc, r3", 0xe1a0f003);
    expect_branch(b, 0x60004000, true);
    r[2] = 0x60000000;
    r[4] = 0x1000;
    a32(b, "add pc, r2, r4, lsl #2", 0xe082f104);
    expect_branch(b, 0x60004000, false);
    a32(b, "bne .+0x100", 0x1a00003e);
    expect_branch(b, CODE_BASE + 0x100, false);
    cpsr_write(b->cpu, PSR_Z, PSR_Z);
    a32(b, "bne .+0x100", 0x1a00003e);
    expect_branch(b, CODE_BASE + 4, false);
}

static void test_exceptions(void **state)
{
    Bench *b = *state;
    uint32_t *r = b->cpu->r;
    enum { IFSR_DEBUG = 2 };
    cpu_switch_mode(b->cpu, MODE_USR);
    assert_true(run_a32(b, 0xef00002a) & LEAVE_FAULT); /* svc #42 */
    assert_int_equal(b->cpu->mode, MODE_SVC);
    assert_int_equal(b->cpu->pc, 8);
    assert_int_equal(r[14], CODE_BASE + 4);
    assert_int_equal(spsr_read(b->cpu) & PSR_MODE, MODE_USR);
    assert_true(run_a32(b, 0xe1200070) & LEAVE_FAULT); /* bkpt #0 */
    assert_int_equal(b->cpu->mode, MODE_ABT);
    assert_int_equal(b->cpu->pc, 12);
    assert_int_equal(r[14], CODE_BASE + 4);
    assert_int_equal(cp15_bank(b->cpu)->ifsr & 0x40f, IFSR_DEBUG);
    a32_undefined(b, "udf #1", 0xe7f000f1);
    assert_true(run_a32(b, 0xe1600070) & LEAVE_FAULT); /* smc #0 */
    assert_int_equal(b->cpu->mode, MODE_MON);
    assert_int_equal(r[14], CODE_BASE + 4);
    cpu_switch_mode(b->cpu, MODE_USR);
    a32_undefined(b, "smc #0", 0xe1600070);
}

static void test_mrs_msr(void **state)
{
    Bench *b = *state;
    uint32_t *r = b->cpu->r;
    cpsr_write(b->cpu, PSR_N | PSR_C | PSR_Q | 0x50000, PSR_N | PSR_Z | PSR_C | PSR_V | PSR_Q | PSR_GE);
    a32(b, "mrs r0, cpsr", 0xe10f0000);
    assert_int_equal(r[0], PSR_N | PSR_C | PSR_Q | 0x50000 | PSR_A | PSR_I | PSR_F | MODE_SVC);
    r[1] = PSR_Z | PSR_V | 0xa0000 | MODE_USR;
    a32(b, "msr cpsr_f, r1", 0xe128f001);
    a32(b, "mrs r0, cpsr", 0xe10f0000);
    assert_int_equal(r[0], PSR_Z | PSR_V | 0x50000 | PSR_A | PSR_I | PSR_F | MODE_SVC);
    a32(b, "msr cpsr_s, r1", 0xe124f001);
    a32(b, "mrs r0, cpsr", 0xe10f0000);
    assert_int_equal(r[0], PSR_Z | PSR_V | 0xa0000 | PSR_A | PSR_I | PSR_F | MODE_SVC);
    r[13] = 0x1313;
    a32(b, "msr cpsr_c, #0x12", 0xe321f012);
    assert_int_equal(b->cpu->mode, MODE_IRQ);
    assert_false(b->cpu->i);
    assert_int_equal(cpu_reg_of_mode(b->cpu, 13, MODE_SVC), 0x1313);
    r[1] = 0xf80f03ff;
    a32(b, "msr spsr_fsxc, r1", 0xe16ff001);
    a32(b, "mrs r0, spsr", 0xe14f0000);
    assert_int_equal(r[0], 0xf80f03ff);
    a32(b, "msr spsr_c, #0x10", 0xe361f010);
    assert_int_equal(spsr_read(b->cpu), 0xf80f0310);
    cpu_switch_mode(b->cpu, MODE_USR);
    r[1] = 0xf0000013;
    a32(b, "msr cpsr_fc, r1", 0xe129f001);
    assert_int_equal(b->cpu->mode, MODE_USR);
    a32(b, "mrs r0, cpsr", 0xe10f0000);
    assert_int_equal(r[0] & 0xf000001f, 0xf0000000 | MODE_USR);
    a32_undefined(b, "msr spsr_c, #0x10", 0xe361f010);
    a32_undefined(b, "mrs r0, spsr", 0xe14f0000);
}

static void test_cps(void **state)
{
    Bench *b = *state;
    Cpu *c = b->cpu;
    a32(b, "cpsie if", 0xf10800c0);
    assert_true(c->a && !c->i && !c->f);
    a32(b, "cpsid i, #0x12", 0xf10e0092);
    assert_true(c->a && c->i && !c->f);
    assert_int_equal(c->mode, MODE_IRQ);
    a32(b, "cpsie a", 0xf1080100);
    assert_true(!c->a && c->i);
    a32(b, "cps #0x1f", 0xf102001f);
    assert_int_equal(c->mode, MODE_SYS);
    assert_true(!c->a && c->i && !c->f);
    a32(b, "cpsid aif, #0x10", 0xf10e01d0);
    assert_true(c->a && c->i && c->f);
    a32(b, "cpsie if", 0xf10800c0);
    assert_true(c->i && c->f);
    a32(b, "cps #0x13", 0xf1020013);
    assert_int_equal(c->mode, MODE_USR);
    a32(b, "setend be", 0xf1010200);
    assert_true(c->e);
}

/* IRQ mode, with an SPSR that says System mode, Z, and Thumb if asked for. */
static void enter_irq(Bench *b, bool thumb)
{
    b->cpu->thumb = 0;
    cpu_switch_mode(b->cpu, MODE_IRQ);
    spsr_write(b->cpu, PSR_Z | MODE_SYS | (thumb ? PSR_T : 0), ~0u);
    cpsr_write(b->cpu, 0, PSR_Z);
    b->cpu->r[14] = 0x60008006;
}

static void expect_returned(Bench *b, uint32_t pc, bool thumb)
{
    expect_branch(b, pc, thumb);
    assert_int_equal(b->cpu->mode, MODE_SYS);
    assert_true(cpsr_read(b->cpu) & PSR_Z);
    assert_false(b->cpu->i);
}

static void test_exception_return(void **state)
{
    Bench *b = *state;
    uint32_t *r = b->cpu->r;
    enter_irq(b, false);
    a32(b, "subs pc, lr, #4", 0xe25ef004);
    expect_returned(b, 0x60008000, false);
    enter_irq(b, true);
    a32(b, "subs pc, lr, #4", 0xe25ef004);
    expect_returned(b, 0x60008002, true);
    enter_irq(b, true);
    a32(b, "movs pc, lr", 0xe1b0f00e);
    expect_returned(b, 0x60008006, true);
    enter_irq(b, false);
    r[13] = DATA;
    set_ram_word(b, DATA, 0x1111);
    set_ram_word(b, DATA + 4, 0x6000a000);
    a32(b, "ldmia sp!, {r1, pc}^", 0xe8fd8002);
    expect_returned(b, 0x6000a000, false);
    assert_int_equal(r[1], 0x1111);
    assert_int_equal(cpu_reg_of_mode(b->cpu, 13, MODE_IRQ), DATA + 8);
    a32_undefined(b, "movs pc, lr", 0xe1b0f00e);
    r[13] = DATA;
    a32_undefined(b, "ldmia sp!, {r1, pc}^", 0xe8fd8002);
    a32_undefined(b, "ldmia sp, {r1}^", 0xe8dd0002);
    a32_undefined(b, "stmia sp, {r1}^", 0xe8cd0002);
}

/* The IT bits of the PSR are restored, and kept by an engine that sees LEAVE_PC. */
static void test_return_into_it_block(void **state)
{
    Bench *b = *state;
    enter_irq(b, true);
    spsr_write(b->cpu, PSR_T | MODE_SYS | 0x04000400, ~0u); /* ITSTATE 0x06 */
    a32(b, "subs pc, lr, #4", 0xe25ef004);
    assert_true(b->cpu->leave & LEAVE_PC);
    assert_int_equal(b->cpu->itstate, 0x06);
}

static void test_srs_rfe(void **state)
{
    Bench *b = *state;
    uint32_t *r = b->cpu->r;
    cpu_set_reg_of_mode(b->cpu, 13, MODE_SVC, DATA);
    enter_irq(b, false);
    a32(b, "srsdb sp!, #0x13", 0xf96d0513);
    assert_int_equal(ram_word(b, DATA - 8), 0x60008006);
    assert_int_equal(ram_word(b, DATA - 4), PSR_Z | MODE_SYS);
    assert_int_equal(cpu_reg_of_mode(b->cpu, 13, MODE_SVC), DATA - 8);
    a32(b, "srsib sp, #0x13", 0xf9cd0513);
    assert_int_equal(ram_word(b, DATA - 4), 0x60008006);
    a32(b, "srsda sp!, #0x13", 0xf86d0513);
    assert_int_equal(ram_word(b, DATA - 12), 0x60008006);
    assert_int_equal(ram_word(b, DATA - 8), PSR_Z | MODE_SYS);
    assert_int_equal(cpu_reg_of_mode(b->cpu, 13, MODE_SVC), DATA - 16);
    r[1] = DATA;
    set_ram_word(b, DATA, 0x6000b000);
    set_ram_word(b, DATA + 4, PSR_Z | MODE_SYS);
    a32(b, "rfeia r1!", 0xf8b10a00);
    expect_returned(b, 0x6000b000, false);
    assert_int_equal(r[1], DATA + 8);
    enter_irq(b, false);
    a32(b, "rfedb r1!", 0xf9310a00);
    expect_returned(b, 0x6000b000, false);
    assert_int_equal(r[1], DATA);
    a32_undefined(b, "srsia sp, #0x13", 0xf8cd0513);
    cpu_switch_mode(b->cpu, MODE_USR);
    a32_undefined(b, "rfeia r1", 0xf8910a00);
    a32_undefined(b, "srsia sp, #0x13", 0xf8cd0513);
}

static void send_event(Cpu *cpu)
{
    cpu->event = true;
}

static void test_hints(void **state)
{
    Bench *b = *state;
    Cpu *c = b->cpu;
    a32(b, "nop", 0xe320f000);
    a32(b, "yield", 0xe320f001);
    a32(b, "dmb", 0xf57ff05f);
    a32(b, "dsb", 0xf57ff04f);
    a32(b, "dbg #3", 0xe320f0f3);
    a32(b, "pld [r0, #4]", 0xf5d0f004);
    a32(b, "pldw [r0, r1]", 0xf790f001);
    a32(b, "pli [pc, #-4]", 0xf45ff004);
    assert_int_equal(c->attention, 0);
    a32(b, "wfi", 0xe320f003);
    assert_int_equal(c->attention, ATTN_HALTED);
    assert_false(c->halted_for_event);
    assert_true(c->leave & LEAVE_CHECK);
    c->attention = 0;
    c->event = true;
    a32(b, "wfe", 0xe320f002);
    assert_int_equal(c->attention, 0);
    assert_false(c->event);
    a32(b, "wfe", 0xe320f002);
    assert_int_equal(c->attention, ATTN_HALTED);
    assert_true(c->halted_for_event);
    c->attention = 0;
    a32(b, "sev", 0xe320f004);
    c->send_event = send_event;
    a32(b, "sev", 0xe320f004);
    assert_true(c->event);
}

static void test_coprocessors(void **state)
{
    Bench *b = *state;
    uint32_t *r = b->cpu->r;
    a32(b, "mrc p15, 0, r0, c0, c0, 0", 0xee100f10);
    assert_int_equal(r[0], 0x410fc091);
    r[1] = 0x12345678;
    a32(b, "mcr p15, 0, r1, c13, c0, 3", 0xee0d1f70);
    a32(b, "mrc p15, 0, r2, c13, c0, 3", 0xee1d2f70);
    assert_int_equal(r[2], 0x12345678);
    a32_undefined(b, "mcr p6, 0, r1, c0, c0, 0", 0xee001610);
    a32_undefined(b, "mrrc p15, 15, r1, r2, c15", 0xec521fff);
    a32_undefined(b, "cdp p15, 0, c1, c0, c0, 0", 0xee001f00);
    a32_undefined(b, "mcr2 p15, 0, r1, c13, c0, 3", 0xfe0d1f70);
    a32_undefined(b, "ldc p6, c0, [r1]", 0xed910600);
    a32_undefined(b, "stc2 p14, c5, [r1]", 0xfd815e00);
    cpu_switch_mode(b->cpu, MODE_USR);
    a32_undefined(b, "mcr p15, 0, r1, c13, c0, 3", 0xee0d1f70);
    a32(b, "mrc p15, 0, r2, c13, c0, 3", 0xee1d2f70);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_branches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exceptions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mrs_msr, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exception_return, setup, teardown),
        cmocka_unit_test_setup_teardown(test_return_into_it_block, setup, teardown),
        cmocka_unit_test_setup_teardown(test_srs_rfe, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hints, setup, teardown),
        cmocka_unit_test_setup_teardown(test_coprocessors, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
