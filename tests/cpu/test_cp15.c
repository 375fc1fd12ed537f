/* CP15 and CP14 registers: values, masks, banking, access rights. Cortex-A9 TRM chapter 4, DDI 0406C B3.17
 * and B4. */
#include "one_cpu.h"

enum { SCR_NS = 1 };

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

static void non_secure(OneCpu *t, CpuMode mode)
{
    t->cpu->cp15.scr |= SCR_NS;
    cpu_switch_mode(t->cpu, mode);
}

static void secure(OneCpu *t, CpuMode mode)
{
    t->cpu->cp15.scr &= ~(uint32_t)SCR_NS;
    cpu_switch_mode(t->cpu, mode);
}

/* Values after reset and after all ones were written. */
static void test_values(void **state)
{
    OneCpu *t = *state;
    static const struct {
        const char *name;
        uint8_t opc1, crn, crm, opc2;
        bool writable;
        uint32_t reset, ones;
    } cases[] = {
        {"MIDR",      0, 0,  0,  0, false, 0x410fc091, 0         },
        {"CTR",       0, 0,  0,  1, false, 0x83338003, 0         },
        {"MPIDR",     0, 0,  0,  5, false, 0x80000000, 0         },
        {"ID_PFR0",   0, 0,  1,  0, false, 0x00001231, 0         },
        {"ID_MMFR0",  0, 0,  1,  4, false, 0x00100103, 0         },
        {"ID_ISAR0",  0, 0,  2,  0, false, 0x00101111, 0         },
        {"ID space",  0, 0,  5,  3, false, 0,          0         },
        {"CLIDR",     1, 0,  0,  1, false, 0x09200003, 0         },
        {"CCSIDR",    1, 0,  0,  0, false, 0x701fe019, 0         },
        {"SCTLR",     0, 1,  0,  0, true,  0x00c50078, 0x72c57c7f},
        {"ACTLR",     0, 1,  0,  1, true,  0,          0x3cf     },
        {"CPACR",     0, 1,  0,  2, true,  0,          0xc0f00000},
        {"NSACR",     0, 1,  1,  2, true,  0,          0x000fcc00},
        {"TTBR0",     0, 2,  0,  0, true,  0,          0xffffffff},
        {"TTBCR",     0, 2,  0,  2, true,  0,          0x37      },
        {"DFSR",      0, 5,  0,  0, true,  0,          0x1cff    },
        {"IFSR",      0, 5,  0,  1, true,  0,          0x140f    },
        {"PRRR",      0, 10, 2,  0, true,  0x00098aa4, 0xff0fffff},
        {"NMRR",      0, 10, 2,  1, true,  0x44e048e0, 0xffffffff},
        {"VBAR",      0, 12, 0,  0, true,  0,          0xffffffe0},
        {"FCSEIDR",   0, 13, 0,  0, true,  0,          0         },
        {"CBAR",      4, 15, 0,  0, true,  0x1e000000, 0xffffe000},
        {"NEON busy", 0, 15, 1,  0, false, 0,          0         },
        {"PMCR",      0, 9,  12, 0, false, 0x41093000, 0         },
        {"TLBTR",     0, 0,  0,  3, false, 0x402,      0         },
    };
    bool taken;
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        cpu_reset(t->cpu);
        print_message("%s\n", cases[n].name);
        assert_int_equal(mrc(t, cases[n].opc1, cases[n].crn, cases[n].crm, cases[n].opc2, &taken),
                         cases[n].reset);
        assert_false(taken);
        if (!cases[n].writable)
            continue;
        assert_true(mcr(t, cases[n].opc1, cases[n].crn, cases[n].crm, cases[n].opc2, 0xffffffff));
        assert_int_equal(mrc(t, cases[n].opc1, cases[n].crn, cases[n].crm, cases[n].opc2, &taken),
                         cases[n].ones);
    }
}

static void test_cache_sizes(void **state)
{
    OneCpu *t = *state;
    bool taken;
    mcr(t, 2, 0, 0, 0, 1);
    assert_int_equal(mrc(t, 1, 0, 0, 0, &taken), 0x201fe019);
    mcr(t, 2, 0, 0, 0, 2);
    assert_int_equal(mrc(t, 1, 0, 0, 0, &taken), 0);
}

enum { U = 1, P = 2 };

/* Who may read and write. R and W: U user, P privileged, in Secure and in Non-secure state. */
static void test_rights(void **state)
{
    OneCpu *t = *state;
    static const struct {
        const char *name;
        uint8_t cp, opc1, crn, crm, opc2;
        unsigned secure_read, secure_write, ns_read, ns_write;
    } cases[] = {
        {"MIDR",         15, 0, 0,  0,  0, P,     0,     P,     0    },
        {"SCTLR",        15, 0, 1,  0,  0, P,     P,     P,     P    },
        {"SCR",          15, 0, 1,  1,  0, P,     P,     0,     0    },
        {"SDER",         15, 0, 1,  1,  1, P,     P,     0,     0    },
        {"NSACR",        15, 0, 1,  1,  2, P,     P,     P,     0    },
        {"MVBAR",        15, 0, 12, 0,  1, P,     P,     0,     0    },
        {"VBAR",         15, 0, 12, 0,  0, P,     P,     P,     P    },
        {"ISR",          15, 0, 12, 1,  0, P,     0,     P,     0    },
        {"CBAR",         15, 4, 15, 0,  0, U | P, P,     U | P, 0    },
        {"CP15ISB",      15, 0, 7,  5,  4, 0,     U | P, 0,     U | P},
        {"CP15DSB",      15, 0, 7,  10, 4, 0,     U | P, 0,     U | P},
        {"CP15DMB",      15, 0, 7,  10, 5, 0,     U | P, 0,     U | P},
        {"ICIALLU",      15, 0, 7,  5,  0, 0,     P,     0,     P    },
        {"DCCISW",       15, 0, 7,  14, 2, 0,     P,     0,     P    },
        {"TLBIALL",      15, 0, 8,  7,  0, 0,     P,     0,     P    },
        {"ATS12NSOPR",   15, 0, 7,  8,  4, 0,     P,     0,     0    },
        {"TPIDRURW",     15, 0, 13, 0,  2, U | P, U | P, U | P, U | P},
        {"TPIDRURO",     15, 0, 13, 0,  3, U | P, P,     U | P, P    },
        {"TPIDRPRW",     15, 0, 13, 0,  4, P,     P,     P,     P    },
        {"PMCCNTR",      15, 0, 9,  13, 0, P,     P,     P,     P    },
        {"PMUSERENR",    15, 0, 9,  14, 0, U | P, P,     U | P, P    },
        {"PMINTENSET",   15, 0, 9,  14, 1, P,     P,     P,     P    },
        {"TLB lockdown", 15, 0, 10, 0,  0, P,     P,     0,     0    },
        {"DBGDIDR",      14, 0, 0,  0,  0, U | P, 0,     U | P, 0    },
        {"TEECR",        14, 6, 0,  0,  0, P,     P,     P,     P    },
        {"TEEHBR",       14, 6, 1,  0,  0, U | P, U | P, U | P, U | P},
        {"JIDR",         14, 7, 0,  0,  0, U | P, 0,     U | P, 0    },
        {"JOSCR",        14, 7, 1,  0,  0, P,     P,     P,     P    },
        {"unallocated",  15, 3, 9,  2,  5, 0,     0,     0,     0    },
        {"trace",        14, 1, 0,  0,  0, 0,     0,     0,     0    },
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        for (unsigned which = 0; which < 8; which++) {
            bool ns = which & 1, user = which & 2, write = which & 4;
            cpu_reset(t->cpu);
            (ns ? non_secure : secure)(t, user ? MODE_USR : MODE_SVC);
            begin(t, 0x1000, false, 0);
            if (write)
                cp_write(t->cpu, cases[n].cp, cases[n].opc1, cases[n].crn, cases[n].crm, cases[n].opc2, 0);
            else
                cp_read(t->cpu, cases[n].cp, cases[n].opc1, cases[n].crn, cases[n].crm, cases[n].opc2);
            bool taken = end(t);
            unsigned rights = write ? (ns ? cases[n].ns_write : cases[n].secure_write)
                                    : (ns ? cases[n].ns_read : cases[n].secure_read);
            print_message("%s %s %s %s\n", cases[n].name, ns ? "Non-secure" : "Secure",
                          user ? "user" : "privileged", write ? "write" : "read");
            assert_int_equal(taken, !(rights & (user ? U : P)));
            assert_int_equal(t->cpu->mode, taken ? MODE_UND : user ? MODE_USR : MODE_SVC);
        }
    }
}

static void test_user_enables(void **state)
{
    OneCpu *t = *state;
    bool taken;
    mcr(t, 0, 9, 14, 0, 1); /* PMUSERENR.EN */
    begin(t, 0x1000, false, 0);
    cp_write(t->cpu, 14, 6, 0, 0, 0, 1); /* TEECR.XED */
    end(t);
    cpu_switch_mode(t->cpu, MODE_USR);
    mrc(t, 0, 9, 13, 0, &taken);
    assert_false(taken);
    mrc(t, 0, 9, 14, 1, &taken); /* PMINTENSET stays privileged */
    assert_true(taken);
    cpu_switch_mode(t->cpu, MODE_USR);
    begin(t, 0x1000, false, 0);
    cp_read(t->cpu, 14, 6, 1, 0, 0);
    assert_true(end(t));
}

/* Each state has its own copy; Monitor mode reaches the one that SCR.NS names. */
static void test_banking(void **state)
{
    OneCpu *t = *state;
    static const uint8_t banked[][4] = {
        {2, 0,  0, 0},
        {0, 2,  0, 0},
        {0, 2,  0, 1},
        {0, 3,  0, 0},
        {0, 5,  0, 0},
        {0, 6,  0, 0},
        {0, 6,  0, 2},
        {0, 7,  4, 0},
        {0, 10, 2, 1},
        {0, 12, 0, 0},
        {0, 13, 0, 1},
        {0, 13, 0, 2},
        {0, 13, 0, 3},
        {0, 13, 0, 4},
    };
    bool taken;
    for (unsigned n = 0; n < sizeof banked / sizeof *banked; n++) {
        const uint8_t *r = banked[n];
        uint32_t first = n ? 0x40 : 1, second = n ? 0x80 : 0;
        secure(t, MODE_SVC);
        mcr(t, r[0], r[1], r[2], r[3], first);
        non_secure(t, MODE_SVC);
        mcr(t, r[0], r[1], r[2], r[3], second);
        print_message("row %u\n", n);
        assert_int_equal(mrc(t, r[0], r[1], r[2], r[3], &taken), second);
        secure(t, MODE_MON);
        assert_int_equal(mrc(t, r[0], r[1], r[2], r[3], &taken), first);
        non_secure(t, MODE_MON);
        assert_true(t->cpu->secure);
        assert_int_equal(mrc(t, r[0], r[1], r[2], r[3], &taken), second);
        secure(t, MODE_SVC);
        assert_int_equal(mrc(t, r[0], r[1], r[2], r[3], &taken), first);
    }
}

/* Non-secure state sees of CPACR what NSACR leaves it, and of ACTLR only SMP with NSACR.NS_SMP. */
static void test_nsacr(void **state)
{
    OneCpu *t = *state;
    bool taken;
    mcr(t, 0, 1, 0, 2, 0x00f00000);
    mcr(t, 0, 1, 1, 2, 1 << 10 | 1 << 15);
    non_secure(t, MODE_SVC);
    assert_int_equal(mrc(t, 0, 1, 0, 2, &taken), 0x80300000);
    mcr(t, 0, 1, 0, 2, 0);
    secure(t, MODE_SVC);
    assert_int_equal(mrc(t, 0, 1, 0, 2, &taken), 0x00c00000);
    mcr(t, 0, 1, 0, 1, 0x9);
    non_secure(t, MODE_SVC);
    mcr(t, 0, 1, 0, 1, 0x3cf);
    assert_int_equal(mrc(t, 0, 1, 0, 1, &taken), 0x9);
    secure(t, MODE_SVC);
    mcr(t, 0, 1, 1, 2, 1 << 18);
    non_secure(t, MODE_SVC);
    mcr(t, 0, 1, 0, 1, 0x3c6);
    assert_int_equal(mrc(t, 0, 1, 0, 1, &taken), 0x49);
}

static void test_scr(void **state)
{
    OneCpu *t = *state;
    mcr(t, 0, 1, 1, 0, SCR_NS);
    assert_false(t->cpu->secure);
    assert_false(mcr(t, 0, 1, 1, 0, 0));
    assert_int_equal(t->cpu->mode, MODE_UND);
    assert_int_equal(t->cpu->cp15.scr, SCR_NS);
}

static void test_isr(void **state)
{
    OneCpu *t = *state;
    bool taken;
    cpu_interrupt_changed(t->cpu, EXC_IRQ, true);
    assert_int_equal(mrc(t, 0, 12, 1, 0, &taken), PSR_I);
    cpu_interrupt_changed(t->cpu, EXC_FIQ, true);
    assert_int_equal(mrc(t, 0, 12, 1, 0, &taken), PSR_I | PSR_F);
}

static void test_mpidr(void **state)
{
    (void)state;
    OneCpu *t = one_cpu_new(2);
    bool taken;
    t->cpu = t->peers[1];
    assert_int_equal(mrc(t, 0, 0, 0, 5, &taken), 0x80000001);
    one_cpu_free(t);
}

/* No numbers of an access can do harm, and none that is refused changes state. */
static void test_all_encodings(void **state)
{
    OneCpu *t = *state;
    for (unsigned cp = 14; cp < 16; cp++)
        for (unsigned key = 0; key < 1 << 14; key++) {
            unsigned opc1 = key >> 11, crn = key >> 7 & 15, crm = key >> 3 & 15, opc2 = key & 7;
            begin(t, 0x1000, false, 0);
            uint32_t value = cp_read(t->cpu, cp, opc1, crn, crm, opc2);
            if (end(t))
                assert_int_equal(value, 0);
            begin(t, 0x1000, false, 0);
            cp_write(t->cpu, cp, opc1, crn, crm, opc2, 0x5a5a5a5a * (key & 1));
            end(t);
            cpu_reset(t->cpu);
        }
    begin(t, 0x1000, false, 0);
    cp_read64(t->cpu, 15, 0, 2);
    assert_true(end(t));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_values),  TEST(test_cache_sizes),   TEST(test_rights), TEST(test_user_enables),
        TEST(test_banking), TEST(test_nsacr),         TEST(test_scr),    TEST(test_isr),
        TEST(test_mpidr),   TEST(test_all_encodings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
