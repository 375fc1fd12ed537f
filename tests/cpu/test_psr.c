/* Program status registers, modes and banked registers: DDI 0406C B1.3. */
#include "one_cpu.h"

enum { SCTLR_NMFI = 1 << 27, SCR_NS = 1, SCR_FW = 1 << 4, SCR_AW = 1 << 5, NSACR_RFR = 1 << 19 };

static int setup(void **state)
{
    *state = one_cpu_new(1);
    return 0;
}

static int teardown(void **state)
{
    one_cpu_free(*state);
    return 0;
}

static Cpu *cpu_of(void **state)
{
    return ((OneCpu *)*state)->cpu;
}

static void test_reset(void **state)
{
    Cpu *c = cpu_of(state);
    assert_int_equal(cpsr_read(c) & 0x07ffffff, 0x1d3);
    assert_int_equal(c->pc, 0);
    assert_true(c->secure);
}

/* Every bit that exists reads back; J and the reserved bits stay 0. */
static void test_round_trip(void **state)
{
    Cpu *c = cpu_of(state);
    uint32_t flags = 0xf8000000;
    cpsr_write(c, 0xfef0ffff, ~(uint32_t)PSR_MODE);
    assert_int_equal(cpsr_read(c), flags | 0x06000000 | 0xfee0 | MODE_SVC | 0x100 | 0);
    cpsr_write(c, 0x000f0000, PSR_GE);
    assert_int_equal(c->ge, 0xf);
    cpsr_write(c, 0x00050000, 0x00030000);
    assert_int_equal(c->ge, 0xd);
    for (unsigned n = 0; n < 16; n++) {
        cpsr_write(c, n << 28, 0xf0000000);
        assert_int_equal(cpsr_read(c) >> 28, n);
    }
    for (unsigned bit = 28; bit < 32; bit++) {
        cpsr_write(c, 0, 0xf0000000);
        cpsr_write(c, 0xffffffff, 1u << bit);
        assert_int_equal(cpsr_read(c) >> 28, 1u << (bit - 28));
    }
}

/* ITSTATE of the executing instruction is what reading shows. */
static void test_itstate(void **state)
{
    OneCpu *t = *state;
    begin(t, 0x1000, true, 0xa5);
    assert_int_equal(cpsr_read(t->cpu) & PSR_IT, 1u << 25 | 0xa400);
    end(t);
    assert_int_equal(cpsr_read(t->cpu) & PSR_IT, 0);
}

static const uint8_t modes[] = {MODE_USR, MODE_FIQ, MODE_IRQ, MODE_SVC,
                                MODE_MON, MODE_ABT, MODE_UND, MODE_SYS};
enum { MODES = sizeof modes };

/* r13 and r14: one pair per bank, User and System share; r8 to r12: FIQ has its own. */
static void test_banks(void **state)
{
    Cpu *c = cpu_of(state);
    for (unsigned n = 0; n < MODES; n++) {
        cpu_switch_mode(c, modes[n]);
        for (unsigned r = 0; r < 15; r++)
            c->r[r] = modes[n] << 8 | r;
        spsr_write(c, modes[n] << 24, ~0u);
    }
    for (unsigned n = 0; n < MODES; n++) {
        cpu_switch_mode(c, modes[n]);
        uint32_t own = modes[n] == MODE_USR ? MODE_SYS : modes[n];
        uint32_t middle = modes[n] == MODE_FIQ ? MODE_FIQ : MODE_SYS;
        assert_int_equal(c->r[13], own << 8 | 13);
        assert_int_equal(c->r[14], own << 8 | 14);
        assert_int_equal(c->r[0], MODE_SYS << 8);
        for (unsigned r = 8; r < 13; r++)
            assert_int_equal(c->r[r], middle << 8 | r);
        assert_int_equal(spsr_read(c), own == MODE_SYS ? 0 : own << 24);
    }
}

/* From every mode, the registers of every mode. */
static void test_registers_of_other_modes(void **state)
{
    Cpu *c = cpu_of(state);
    for (unsigned n = 0; n < MODES; n++)
        for (unsigned k = 0; k < MODES; k++)
            for (unsigned r = 0; r < 15; r++) {
                uint32_t value = n << 16 | k << 8 | r;
                cpu_switch_mode(c, modes[n]);
                cpu_set_reg_of_mode(c, r, modes[k], value);
                assert_int_equal(cpu_reg_of_mode(c, r, modes[k]), value);
                cpu_switch_mode(c, modes[k]);
                assert_int_equal(c->r[r], value);
            }
}

static void test_valid_modes(void **state)
{
    Cpu *c = cpu_of(state);
    for (uint32_t m = 0; m < 32; m++)
        assert_int_equal(cpu_mode_valid(c, m), memchr(modes, (int)m, MODES) != NULL);
    c->cp15.scr = SCR_NS;
    cpu_switch_mode(c, MODE_SVC);
    assert_false(c->secure);
    assert_false(cpu_mode_valid(c, MODE_MON));
    assert_true(cpu_mode_valid(c, MODE_FIQ));
    c->cp15.nsacr = NSACR_RFR;
    assert_false(cpu_mode_valid(c, MODE_FIQ));
    cpsr_write(c, MODE_MON, PSR_MODE);
    assert_int_equal(c->mode, MODE_SVC);
    cpsr_write(c, 0x15, PSR_MODE);
    assert_int_equal(c->mode, MODE_SVC);
}

/* CPSRWriteByInstr. */
static void test_write_by_instr(void **state)
{
    OneCpu *t = *state;
    static const struct {
        const char *what;
        CpuMode mode;
        bool ns, nmfi;
        uint32_t scr, before, value;
        unsigned bytes;
        bool exception_return;
        uint32_t after; /* of bits 31:27, 26:25, 19:0 */
    } cases[] = {
        {"flags from User",                        MODE_USR, 0, 0, 0,               0x1d0, 0xf80f03df, 0xf, false, 0xf80f0210 | 0x1c0},
        {"bytes are separate: 3",                  MODE_SVC, 0, 0, 0,               0x1d3, 0xffffffff, 8,   false, 0xf80001d3        },
        {"bytes are separate: 2",                  MODE_SVC, 0, 0, 0,               0x1d3, 0xffffffff, 4,   false, 0x000f01d3        },
        {"bytes are separate: 1",                  MODE_SVC, 0, 0, 0,               0x0d3, 0xffffffff, 2,   false, 0x000003d3        },
        {"bytes are separate: 0",                  MODE_SVC, 0, 0, 0,               0x113, 0xffffffff, 1,   false, 0x000001df        },
        {"T and IT only at exception return",      MODE_SVC, 0, 0, 0,               0x1d3, 0x0600fc33, 0xf, false, 0x13              },
        {"exception return",                       MODE_SVC, 0, 0, 0,               0x1d3, 0x0600fc30, 0xf, true,  0x0600fc30        },
        {"exception return to Arm state drops IT", MODE_SVC, 0, 0, 0,               0x1d3, 0x0600fc10, 0xf, true,  0x10              },
        {"NMFI: F can be cleared",                 MODE_SVC, 0, 1, 0,               0x1d3, 0x193,      1,   false, 0x193             },
        {"NMFI: F cannot be set",                  MODE_SVC, 0, 1, 0,               0x193, 0x1d3,      1,   false, 0x193             },
        {"Non-secure: A and F are kept",           MODE_SVC, 1, 0, SCR_NS,          0x1d3, 0x013,      3,   false, 0x153             },
        {"Non-secure: SCR.FW",                     MODE_SVC, 1, 0, SCR_NS | SCR_FW, 0x1d3, 0x013,      3,   false, 0x113             },
        {"Non-secure: SCR.AW",                     MODE_SVC, 1, 0, SCR_NS | SCR_AW, 0x1d3, 0x013,      3,   false, 0x053             },
        {"illegal mode is ignored",                MODE_SVC, 0, 0, 0,               0x1d3, 0x0d4,      1,   false, 0x1d3             },
        {"Non-secure: no Monitor mode",            MODE_SVC, 1, 0, SCR_NS,          0x1d3, 0x0d6,      1,   false, 0x1d3             },
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        Cpu *c = t->cpu;
        cpu_reset(c);
        c->cp15.bank[cases[n].ns].sctlr |= cases[n].nmfi ? SCTLR_NMFI : 0;
        cpsr_write(c, cases[n].before, ~0u);
        c->cp15.scr = cases[n].scr;
        cpu_switch_mode(c, cases[n].mode);
        begin(t, 0x1000, false, 0);
        cpsr_write_by_instr(c, cases[n].value, cases[n].bytes, cases[n].exception_return);
        end(t);
        print_message("%s\n", cases[n].what);
        assert_int_equal(cpsr_read(c), cases[n].after);
    }
}

static void test_spsr_write(void **state)
{
    Cpu *c = cpu_of(state);
    spsr_write_by_instr(c, 0xffffffff, 0xf);
    assert_int_equal(spsr_read(c), 0xff0fffff);
    spsr_write_by_instr(c, 0, 5);
    assert_int_equal(spsr_read(c), 0xff00ff00);
    cpu_switch_mode(c, MODE_SYS);
    spsr_write_by_instr(c, 0xffffffff, 0xf);
    assert_int_equal(spsr_read(c), 0);
}

static void test_interrupt_inputs(void **state)
{
    Cpu *c = cpu_of(state);
    cpu_interrupt_changed(c, EXC_IRQ, true);
    assert_int_equal(c->attention, ATTN_IRQ);
    cpu_interrupt_changed(c, EXC_FIQ, true);
    cpu_interrupt_changed(c, EXC_IRQ, false);
    assert_int_equal(c->attention, ATTN_FIQ);
    cpu_interrupt_changed(c, EXC_FIQ, false);
    assert_int_equal(c->attention, 0);
}

static void test_counting(void **state)
{
    OneCpu *t = *state;
    Insn block[3] = {{.offset = 0x10}, {.offset = 0x14}, {.offset = 0x18}};
    t->cpu->icount = 100;
    t->cpu->pc = 0x4444;
    assert_int_equal(cpu_icount(t->cpu), 100);
    assert_int_equal(cpu_insn_address(t->cpu), 0x4444);
    t->cpu->page_va = 0x7000;
    t->cpu->block_start = block;
    t->cpu->insn = &block[2];
    assert_int_equal(cpu_icount(t->cpu), 102);
    assert_int_equal(cpu_insn_address(t->cpu), 0x7018);
    t->cpu->insn = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reset),
        TEST(test_round_trip),
        TEST(test_itstate),
        TEST(test_banks),
        TEST(test_registers_of_other_modes),
        TEST(test_valid_modes),
        TEST(test_write_by_instr),
        TEST(test_spsr_write),
        TEST(test_interrupt_inputs),
        TEST(test_counting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
