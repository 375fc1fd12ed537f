/* Performance monitors: DDI 0406C C12, Cortex-A9 TRM chapter 11. */
#include "one_cpu.h"

enum { E = 1, P = 2, C = 4, D = 8 };

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

/* opc2 of the registers in c12, c13 and c14. */
static void pm_write(OneCpu *t, unsigned crm, unsigned opc2, uint32_t value)
{
    assert_true(mcr(t, 0, 9, crm, opc2, value));
}

static uint32_t pm_read(OneCpu *t, unsigned crm, unsigned opc2)
{
    bool taken;
    uint32_t value = mrc(t, 0, 9, crm, opc2, &taken);
    assert_false(taken);
    return value;
}

static void select_event(OneCpu *t, unsigned counter, unsigned event)
{
    pm_write(t, 12, 5, counter);
    pm_write(t, 13, 1, event);
}

static uint32_t count_of(OneCpu *t, unsigned counter)
{
    pm_write(t, 12, 5, counter);
    return pm_read(t, 13, 2);
}

static void test_cycles(void **state)
{
    OneCpu *t = *state;
    pm_write(t, 12, 1, 1u << 31);
    t->cpu->icount += 100;
    assert_int_equal(pm_read(t, 13, 0), 0); /* PMCR.E is clear */
    pm_write(t, 12, 0, E);
    t->cpu->icount += 100;
    assert_int_equal(pm_read(t, 13, 0), 100);
    pm_write(t, 13, 0, 0xfffffff0);
    t->cpu->icount += 0x20;
    assert_int_equal(pm_read(t, 13, 0), 0x10);
    assert_int_equal(pm_read(t, 12, 3), 1u << 31);
    pm_write(t, 12, 3, 1u << 31);
    assert_int_equal(pm_read(t, 12, 3), 0);
    pm_write(t, 12, 0, E | C);
    assert_int_equal(pm_read(t, 13, 0), 0);
    assert_int_equal(pm_read(t, 12, 0), 0x41093000 | E);
    pm_write(t, 12, 2, 1u << 31);
    t->cpu->icount += 100;
    assert_int_equal(pm_read(t, 13, 0), 0);
}

/* The divider loses nothing between readings. */
static void test_divider(void **state)
{
    OneCpu *t = *state;
    pm_write(t, 12, 1, 1u << 31);
    pm_write(t, 12, 0, E | D | C);
    for (unsigned n = 0; n < 64; n++) {
        t->cpu->icount += 33;
        pm_read(t, 13, 0);
    }
    assert_int_equal(pm_read(t, 13, 0), 33);
}

static void test_events(void **state)
{
    OneCpu *t = *state;
    select_event(t, 0, 0x08);
    select_event(t, 1, 0x09);
    select_event(t, 2, 0x00);
    select_event(t, 3, 0x68);
    select_event(t, 4, 0x7f);
    pm_write(t, 12, 1, 0x1f);
    pm_write(t, 12, 0, E);
    t->cpu->icount += 50;
    begin(t, 0x1000, false, 0);
    exception_svc(t->cpu);
    end(t);
    pm_write(t, 12, 4, 0x3f);
    pm_write(t, 12, 4, 0x04);
    assert_int_equal(count_of(t, 0), 50);
    assert_int_equal(count_of(t, 1), 1);
    assert_int_equal(count_of(t, 2), 2);
    assert_int_equal(count_of(t, 3), 50);
    assert_int_equal(count_of(t, 4), 0);
    assert_int_equal(count_of(t, 31), 0);
    pm_write(t, 12, 0, E | P);
    assert_int_equal(count_of(t, 0), 0);
}

static void test_tlb_refills(void **state)
{
    OneCpu *t = *state;
    select_event(t, 0, 0x05);
    pm_write(t, 12, 1, 1);
    pm_write(t, 12, 0, E);
    mmu_load(t->cpu, RAM_BASE, MEM_32);
    mmu_load(t->cpu, RAM_BASE + 4, MEM_32);
    mmu_load(t->cpu, RAM_BASE + 0x1000, MEM_32);
    assert_int_equal(count_of(t, 0), 2);
}

static void line(void *opaque, unsigned input, bool level)
{
    (void)input;
    *(bool *)opaque = level;
}

static void test_overflow_interrupt(void **state)
{
    OneCpu *t = *state;
    bool irq = false;
    t->cpu->pmu_irq = (IrqLine){line, &irq, 0, false};
    t->cpu->icount = 1000;
    t->cpu->icount_limit = 1000000;
    assert_true(pmu_next_overflow(t->cpu) == UINT64_MAX);
    select_event(t, 2, 0x68);
    pm_write(t, 13, 2, 0xffffff00);
    pm_write(t, 12, 1, 4);
    pm_write(t, 14, 1, 4);
    pm_write(t, 12, 0, E);
    assert_int_equal(pmu_next_overflow(t->cpu), 1256);
    assert_int_equal(t->cpu->icount_limit, 1256);
    t->cpu->icount = 1255;
    pmu_check(t->cpu);
    assert_false(irq);
    t->cpu->icount = 1256;
    pmu_check(t->cpu);
    assert_true(irq);
    assert_int_equal(count_of(t, 2), 0);
    pm_write(t, 12, 3, 4);
    assert_false(irq);
    pm_write(t, 12, 4, 0); /* nothing */
    pm_write(t, 14, 2, 4);
    assert_int_equal(pm_read(t, 14, 1), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_cycles),
        TEST(test_divider),
        TEST(test_events),
        TEST(test_tlb_refills),
        TEST(test_overflow_interrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
