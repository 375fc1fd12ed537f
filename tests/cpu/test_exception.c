/* Exception entry: vectors, return addresses, SPSR, masks, routing to Monitor mode. DDI 0406C B1.8 and B1.9.
 */
#include "one_cpu.h"

enum {
    SCTLR_V = 1 << 13,
    SCTLR_EE = 1 << 25,
    SCTLR_TE = 1 << 30,
    SCR_NS = 1,
    SCR_IRQ = 2,
    SCR_FIQ = 4,
    SCR_EA = 8,
    SCR_FW = 16,
    SCR_AW = 32
};
enum { VBAR_S = 0x60010000, VBAR_NS = 0x60020000, MVBAR = 0x60030000, PC = 0x60001234 };

static int setup(void **state)
{
    OneCpu *t = one_cpu_new(1);
    t->cpu->cp15.bank[0].vbar = VBAR_S;
    t->cpu->cp15.bank[1].vbar = VBAR_NS;
    t->cpu->cp15.mvbar = MVBAR;
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    one_cpu_free(*state);
    return 0;
}

/* Takes an exception; IRQ and FIQ come between instructions. */
static void raise(OneCpu *t, Exception exc, FaultKind kind, bool thumb, uint8_t itstate)
{
    Fault fault = {.kind = kind, .level = 2, .domain = 3, .va = 0xdead0000};
    begin(t, PC, thumb, itstate);
    switch (exc) {
    case EXC_UNDEFINED:
        exception_undefined(t->cpu);
        break;
    case EXC_SVC:
        exception_svc(t->cpu);
        break;
    case EXC_SMC:
        exception_smc(t->cpu);
        break;
    case EXC_PREFETCH_ABORT:
        exception_prefetch_abort(t->cpu, &fault);
        break;
    case EXC_DATA_ABORT:
        exception_data_abort(t->cpu, &fault);
        break;
    default:
        t->cpu->insn = NULL;
        t->cpu->pc = PC;
        t->cpu->itstate = itstate;
        exception_interrupt(t->cpu, exc);
        break;
    }
    assert_int_equal(t->cpu->leave & (LEAVE_PC | LEAVE_FAULT), LEAVE_PC | LEAVE_FAULT);
    end(t);
}

typedef struct Entry {
    Exception exc;
    FaultKind kind;
    uint32_t scr;
    CpuMode from;
    bool thumb;
    uint32_t psr_before; /* A, I, F */
    CpuMode to;          /* expect: */
    uint32_t pc, lr, psr;
} Entry;

#define AIF (PSR_A | PSR_I | PSR_F)

static const Entry entries[] = {
  /* clang-format off */
    /* return addresses, A32 and Thumb (tables B1-6 and B1-7); masks in Secure state */
    {EXC_UNDEFINED,      0, 0, MODE_USR, false, 0, MODE_UND, VBAR_S + 0x04, PC + 4, PSR_I},
    {EXC_UNDEFINED,      0, 0, MODE_USR, true,  0, MODE_UND, VBAR_S + 0x04, PC + 2, PSR_I},
    {EXC_SVC,            0, 0, MODE_USR, false, 0, MODE_SVC, VBAR_S + 0x08, PC + 4, PSR_I},
    {EXC_SVC,            0, 0, MODE_USR, true,  0, MODE_SVC, VBAR_S + 0x08, PC + 2, PSR_I},
    {EXC_SMC,            0, 0, MODE_SVC, false, 0, MODE_MON, MVBAR + 0x08,  PC + 4, AIF},
    {EXC_SMC,            0, 0, MODE_SVC, true,  0, MODE_MON, MVBAR + 0x08,  PC + 4, AIF},
    {EXC_PREFETCH_ABORT, FAULT_TRANSLATION, 0, MODE_USR, false, 0, MODE_ABT, VBAR_S + 0x0c, PC + 4, PSR_A | PSR_I},
    {EXC_PREFETCH_ABORT, FAULT_TRANSLATION, 0, MODE_USR, true,  0, MODE_ABT, VBAR_S + 0x0c, PC + 4, PSR_A | PSR_I},
    {EXC_DATA_ABORT,     FAULT_TRANSLATION, 0, MODE_USR, false, 0, MODE_ABT, VBAR_S + 0x10, PC + 8, PSR_A | PSR_I},
    {EXC_DATA_ABORT,     FAULT_TRANSLATION, 0, MODE_USR, true,  0, MODE_ABT, VBAR_S + 0x10, PC + 8, PSR_A | PSR_I},
    {EXC_IRQ,            0, 0, MODE_USR, false, 0, MODE_IRQ, VBAR_S + 0x18, PC + 4, PSR_A | PSR_I},
    {EXC_IRQ,            0, 0, MODE_SYS, true,  0, MODE_IRQ, VBAR_S + 0x18, PC + 4, PSR_A | PSR_I},
    {EXC_FIQ,            0, 0, MODE_USR, false, 0, MODE_FIQ, VBAR_S + 0x1c, PC + 4, AIF},
    {EXC_FIQ,            0, 0, MODE_USR, true,  0, MODE_FIQ, VBAR_S + 0x1c, PC + 4, AIF},
    /* masks that were set stay set */
    {EXC_SVC,            0, 0, MODE_SVC, false, AIF, MODE_SVC, VBAR_S + 0x08, PC + 4, AIF},
    /* Non-secure state: its own vectors; A and F only as SCR lets it */
    {EXC_IRQ,            0, SCR_NS, MODE_USR, false, 0, MODE_IRQ, VBAR_NS + 0x18, PC + 4, PSR_I},
    {EXC_IRQ,            0, SCR_NS | SCR_AW, MODE_USR, false, 0, MODE_IRQ, VBAR_NS + 0x18, PC + 4, PSR_A | PSR_I},
    {EXC_FIQ,            0, SCR_NS, MODE_USR, false, 0, MODE_FIQ, VBAR_NS + 0x1c, PC + 4, PSR_I},
    {EXC_FIQ,            0, SCR_NS | SCR_FW, MODE_USR, false, 0, MODE_FIQ, VBAR_NS + 0x1c, PC + 4, PSR_I | PSR_F},
    {EXC_DATA_ABORT,     FAULT_PERMISSION, SCR_NS, MODE_USR, false, 0, MODE_ABT, VBAR_NS + 0x10, PC + 8, PSR_I},
    /* routing to Monitor mode */
    {EXC_IRQ,            0, SCR_NS | SCR_IRQ, MODE_USR, false, 0, MODE_MON, MVBAR + 0x18, PC + 4, AIF},
    {EXC_FIQ,            0, SCR_NS | SCR_FIQ, MODE_USR, false, 0, MODE_MON, MVBAR + 0x1c, PC + 4, AIF},
    {EXC_FIQ,            0, SCR_IRQ, MODE_USR, false, 0, MODE_FIQ, VBAR_S + 0x1c, PC + 4, AIF},
    {EXC_DATA_ABORT,     FAULT_EXTERNAL, SCR_NS | SCR_EA, MODE_USR, false, 0, MODE_MON, MVBAR + 0x10, PC + 8, AIF},
    {EXC_PREFETCH_ABORT, FAULT_EXTERNAL_ON_WALK, SCR_EA, MODE_USR, false, 0, MODE_MON, MVBAR + 0x0c, PC + 4, AIF},
    {EXC_DATA_ABORT,     FAULT_TRANSLATION, SCR_NS | SCR_EA, MODE_USR, false, 0, MODE_ABT, VBAR_NS + 0x10, PC + 8, PSR_I},
    {EXC_SMC,            0, SCR_NS, MODE_SVC, false, 0, MODE_MON, MVBAR + 0x08, PC + 4, AIF},
  /* clang-format on */
};

static void test_entries(void **state)
{
    OneCpu *t = *state;
    Cpu *c = t->cpu;
    for (unsigned n = 0; n < sizeof entries / sizeof *entries; n++) {
        const Entry *e = &entries[n];
        c->cp15.scr = 0;
        cpu_switch_mode(c, MODE_SVC);
        cpsr_write(c, 0xf0000000 | e->psr_before, 0xf80f03c0);
        c->cp15.scr = e->scr;
        cpu_switch_mode(c, e->from);
        uint32_t spsr = 0xf0000000 | e->psr_before | (e->thumb ? PSR_T : 0) | e->from;
        uint64_t count = c->exceptions[e->exc];
        print_message("row %u\n", n);
        raise(t, e->exc, e->kind, e->thumb, 0);
        assert_int_equal(c->mode, e->to);
        assert_int_equal(c->pc, e->pc);
        assert_int_equal(c->r[14], e->lr);
        assert_int_equal(spsr_read(c), spsr);
        assert_int_equal(cpsr_read(c), 0xf0000000 | e->psr | e->to);
        assert_int_equal(c->secure, e->to == MODE_MON || !(e->scr & SCR_NS));
        assert_int_equal(c->exceptions[e->exc], count + 1);
    }
}

/* SPSR.IT: the state of the instruction itself, or, for calls, of the next one. */
static void test_itstate(void **state)
{
    OneCpu *t = *state;
    static const struct {
        Exception exc;
        uint8_t it, saved;
    } cases[] = {
        {EXC_UNDEFINED,  0x0c, 0x0c},
        {EXC_DATA_ABORT, 0x16, 0x16},
        {EXC_IRQ,        0xe3, 0xe3},
        {EXC_SVC,        0x06, 0x0c},
        {EXC_SVC,        0x08, 0x00},
        {EXC_SMC,        0xc3, 0xc6},
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        cpsr_write(t->cpu, MODE_SVC, PSR_MODE);
        raise(t, cases[n].exc, FAULT_TRANSLATION, true, cases[n].it);
        uint32_t spsr = spsr_read(t->cpu);
        print_message("case %u\n", n);
        assert_int_equal((spsr >> 25 & 3) | (spsr >> 8 & 0xfc), cases[n].saved);
        assert_int_equal(cpsr_read(t->cpu) & PSR_IT, 0);
    }
}

/* SCTLR.V, TE and EE of the state that takes the exception. */
static void test_sctlr(void **state)
{
    OneCpu *t = *state;
    Cpu *c = t->cpu;
    c->cp15.bank[0].sctlr |= SCTLR_V | SCTLR_TE | SCTLR_EE;
    raise(t, EXC_UNDEFINED, 0, false, 0);
    assert_int_equal(c->pc, 0xffff0004);
    assert_int_equal(cpsr_read(c) & (PSR_T | PSR_E), PSR_T | PSR_E);
    c->cp15.scr = SCR_NS;
    cpu_switch_mode(c, MODE_SVC);
    raise(t, EXC_UNDEFINED, 0, false, 0);
    assert_int_equal(c->pc, VBAR_NS + 4);
    assert_int_equal(cpsr_read(c) & (PSR_T | PSR_E), 0);
    raise(t, EXC_SMC, 0, false, 0);
    assert_int_equal(c->pc, MVBAR + 8);
    assert_int_equal(cpsr_read(c) & (PSR_T | PSR_E), PSR_T | PSR_E);
}

/* An exception in Monitor mode clears SCR.NS and is taken in Secure state. */
static void test_from_monitor(void **state)
{
    OneCpu *t = *state;
    Cpu *c = t->cpu;
    cpu_switch_mode(c, MODE_MON);
    c->cp15.scr = SCR_NS;
    raise(t, EXC_DATA_ABORT, FAULT_TRANSLATION, false, 0);
    assert_int_equal(c->cp15.scr, 0);
    assert_int_equal(c->mode, MODE_ABT);
    assert_int_equal(c->pc, VBAR_S + 0x10);
    assert_int_equal(c->cp15.bank[0].dfar, 0xdead0000);
    assert_int_equal(c->cp15.bank[1].dfar, 0);
}

static void test_fault_registers(void **state)
{
    OneCpu *t = *state;
    Cpu *c = t->cpu;
    c->cp15.scr = SCR_NS;
    cpu_switch_mode(c, MODE_SVC);
    raise(t, EXC_DATA_ABORT, FAULT_TRANSLATION, false, 0);
    assert_int_equal(c->cp15.bank[1].dfsr, 0x037);
    assert_int_equal(c->cp15.bank[1].dfar, 0xdead0000);
    assert_int_equal(c->cp15.bank[0].dfsr, 0);
    raise(t, EXC_PREFETCH_ABORT, FAULT_PERMISSION, false, 0);
    assert_int_equal(c->cp15.bank[1].ifsr, 0x00f);
    assert_int_equal(c->cp15.bank[1].ifar, 0xdead0000);
    c->cp15.bank[1].ifar = 0x5555;
    raise(t, EXC_PREFETCH_ABORT, FAULT_DEBUG, false, 0);
    assert_int_equal(c->cp15.bank[1].ifsr, 0x002);
    assert_int_equal(c->cp15.bank[1].ifar, 0x5555);
    c->cp15.scr = SCR_NS | SCR_EA;
    raise(t, EXC_DATA_ABORT, FAULT_EXTERNAL, false, 0);
    assert_int_equal(c->cp15.bank[0].dfsr, 0x1038);
    assert_int_equal(c->cp15.bank[1].dfsr, 0x037);
}

static void test_pending(void **state)
{
    OneCpu *t = *state;
    Cpu *c = t->cpu;
    cpsr_write(c, MODE_SYS, PSR_MODE | AIF);
    assert_false(exception_take_pending(c));
    cpu_interrupt_changed(c, EXC_IRQ, true);
    cpu_interrupt_changed(c, EXC_FIQ, true);
    assert_true(exception_take_pending(c));
    assert_int_equal(c->mode, MODE_FIQ);
    assert_false(exception_take_pending(c));
    cpsr_write(c, MODE_SYS | PSR_F, PSR_MODE | AIF);
    assert_true(exception_take_pending(c));
    assert_int_equal(c->mode, MODE_IRQ);
}

/* VIR in Non-secure state: taken there, masked by CPSR; the abort clears its bit. VCR overrides masks of what
 * goes to Monitor mode. */
static void test_virtual_interrupts(void **state)
{
    OneCpu *t = *state;
    Cpu *c = t->cpu;
    assert_true(mcr(t, 0, 12, 1, 1, 0x1c0));
    cpsr_write(c, MODE_SYS, PSR_MODE | AIF);
    assert_false(exception_take_pending(c));
    c->cp15.scr = SCR_NS | SCR_IRQ | SCR_FIQ;
    cpu_switch_mode(c, MODE_SYS);
    c->pc = PC;
    assert_true(exception_take_pending(c));
    assert_int_equal(c->pc, VBAR_NS + 0x10);
    assert_int_equal(c->cp15.bank[1].dfsr, 0x406);
    assert_int_equal(c->cp15.virtualization_interrupt, 0x0c0);
    assert_true(exception_take_pending(c));
    assert_int_equal(c->pc, VBAR_NS + 0x1c);
    cpsr_write(c, MODE_SYS | PSR_F, PSR_MODE | AIF);
    assert_true(exception_take_pending(c));
    assert_int_equal(c->pc, VBAR_NS + 0x18);
    assert_int_equal(c->mode, MODE_IRQ);
    cpsr_write(c, MODE_SYS | AIF, PSR_MODE | AIF);
    assert_false(exception_take_pending(c));
    cpu_interrupt_changed(c, EXC_IRQ, true);
    assert_false(exception_take_pending(c));
    c->cp15.virtualization_control = 1 << 7;
    assert_true(exception_take_pending(c));
    assert_int_equal(c->mode, MODE_MON);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_entries),
        TEST(test_itstate),
        TEST(test_sctlr),
        TEST(test_from_monitor),
        TEST(test_fault_registers),
        TEST(test_pending),
        TEST(test_virtual_interrupts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
