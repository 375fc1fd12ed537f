/* The table walk against DDI 0406C B3.5 to B3.8: every descriptor kind, every fault, without a CPU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "mmu/mmu.h"

enum { M = 1, I = 1 << 12, EE = 1 << 25, TRE = 1 << 28, AFE = 1 << 29, CLIENTS = 0x55555555 };

/* Descriptors in memory. Words that are not listed read as 0; from 0xf0000000 on nothing answers, and from
 * 0xe0000000 on the slave refuses. */
typedef struct Word {
    uint32_t pa, value;
} Word;

static bool read_word(void *opaque, uint32_t pa, uint32_t *value, Fault *fault)
{
    *value = 0;
    if (pa >= 0xe0000000) {
        fault->decode_error = pa >= 0xf0000000;
        return false;
    }
    for (const Word *w = opaque; w->pa; w++)
        if (w->pa == pa)
            *value = w->value;
    return true;
}

static MmuRegs regs_with(uint32_t sctlr)
{
    return (MmuRegs){.sctlr = sctlr, .ttbr0 = 0x4000, .ttbr1 = 0x8000, .dacr = CLIENTS, .secure = true};
}

static bool walk(const MmuRegs *regs, const Word *memory, uint32_t va, AccessKind kind, bool privileged,
                 Translation *t, Fault *f)
{
    return mmu_walk(regs, read_word, (void *)memory, va, kind, privileged, t, f);
}

/* ---- Descriptor formats and table selection --------------------------------------------------------- */

typedef struct Mapping {
    const char *what;
    uint32_t ttbcr, va;
    Word memory[3];
    uint32_t pa, size; /* expect: */
    unsigned level, domain;
    bool global, shareable, fetch;
} Mapping;

static const Mapping mappings[] = {
  /* clang-format off */
    /* what               ttbcr va          descriptors                                    pa          size       L dom g  s  x */
    {"section",           0, 0x12345678, {{0x448c + 0x0, 0}, {0x4000 + 0x48c, 0xabc00c02}}, 0xabc45678, 0x100000,  1, 0, 1, 0, 1},
    {"section, domain 7", 0, 0x12345678, {{0x448c, 0xabc00c02 | 7 << 5}},                   0xabc45678, 0x100000,  1, 7, 1, 0, 1},
    {"section, nG",       0, 0x12345678, {{0x448c, 0xabc20c0e}},                            0xabc45678, 0x100000,  1, 0, 0, 0, 1},
    {"section, S",        0, 0x12345678, {{0x448c, 0xabc10c0e}},                            0xabc45678, 0x100000,  1, 0, 1, 1, 1},
    {"section, XN",       0, 0x12345678, {{0x448c, 0xabc00c1e}},                            0xabc45678, 0x100000,  1, 0, 1, 0, 0},
    {"supersection",      0, 0x12345678, {{0x448c, 0xab040c0e}},                            0xab345678, 0x1000000, 1, 0, 1, 0, 1},
    {"supersection, PA above 32 bits and domain bits ignored",
                          0, 0x12345678, {{0x448c, 0xabf40dee}},                            0xab345678, 0x1000000, 1, 0, 1, 0, 1},
    {"small page",        0, 0x12345678, {{0x448c, 0x10001 | 5 << 5}, {0x10000 + 0x45 * 4, 0xdeadb03e}},
                                                                                            0xdeadb678, 0x1000,    2, 5, 1, 0, 1},
    {"small page, XN",    0, 0x12345678, {{0x448c, 0x10001}, {0x10114, 0xdeadb03f}},        0xdeadb678, 0x1000,    2, 0, 1, 0, 0},
    {"small page, nG, S", 0, 0x12345678, {{0x448c, 0x10401}, {0x10514, 0xdeadbc3e}},        0xdeadb678, 0x1000,    2, 0, 0, 1, 1},
    {"large page",        0, 0x12345678, {{0x448c, 0x10001}, {0x10114, 0xdead003d}},        0xdead5678, 0x10000,   2, 0, 1, 0, 1},
    {"large page, XN",    0, 0x12345678, {{0x448c, 0x10001}, {0x10114, 0xdead803d}},        0xdead5678, 0x10000,   2, 0, 1, 0, 0},
    {"large page, nG, S", 0, 0x12345678, {{0x448c, 0x10001}, {0x10114, 0xdead0c3d}},        0xdead5678, 0x10000,   2, 0, 0, 1, 1},
    {"N=0 never uses TTBR1", 0, 0xffffffff, {{0x7ffc, 0x00100c0e}},                         0x001fffff, 0x100000,  1, 0, 1, 0, 1},
    {"N=1 low half: TTBR0", 1, 0x7ff00000, {{0x4000 + 0x7ff * 4, 0x00100c0e}},              0x00100000, 0x100000,  1, 0, 1, 0, 1},
    {"N=1 high half: TTBR1", 1, 0x80000000, {{0x8000 + 0x800 * 4, 0x00100c0e}},             0x00100000, 0x100000,  1, 0, 1, 0, 1},
    {"N=7 first 32 MiB",  7, 0x01f00004, {{0x4000 + 0x1f * 4, 0x00100c0e}},                 0x00100004, 0x100000,  1, 0, 1, 0, 1},
    {"N=7 above",         7, 0x02000000, {{0x8000 + 0x20 * 4, 0x00100c0e}},                 0x00100000, 0x100000,  1, 0, 1, 0, 1},
    {"PD1 leaves TTBR0",  0x21, 0x7ff00000, {{0x4000 + 0x7ff * 4, 0x00100c0e}},             0x00100000, 0x100000,  1, 0, 1, 0, 1},
    {"PD0 leaves TTBR1",  0x11, 0x80000000, {{0x8000 + 0x800 * 4, 0x00100c0e}},             0x00100000, 0x100000,  1, 0, 1, 0, 1},
  /* clang-format on */
};

static void test_mappings(void **state)
{
    (void)state;
    for (unsigned n = 0; n < sizeof mappings / sizeof *mappings; n++) {
        const Mapping *m = &mappings[n];
        Word memory[4] = {
            m->memory[0], m->memory[1], m->memory[2], {0, 0}
        };
        MmuRegs regs = regs_with(M);
        regs.ttbcr = m->ttbcr;
        Translation t;
        Fault f;
        print_message("%s\n", m->what);
        assert_true(walk(&regs, memory, m->va, ACCESS_READ, true, &t, &f));
        assert_int_equal(t.pa, m->pa);
        assert_int_equal(t.page_size, m->size);
        assert_int_equal(t.level, m->level);
        assert_int_equal(t.domain, m->domain);
        assert_int_equal(t.global, m->global);
        assert_int_equal(t.may_fetch, m->fetch);
        if (t.type == MEM_NORMAL)
            assert_int_equal(t.shareable, m->shareable);
        assert_false(t.ns);
    }
}

/* The attribute bits of TTBR0 (6:0) are no part of the table's address; with N = 7 bits 31:7 are. */
static void test_table_base(void **state)
{
    (void)state;
    static const Word memory[] = {
        {0x4080 + 0x1f * 4, 0x00100c0e},
        {0,                 0         }
    };
    MmuRegs regs = regs_with(M);
    regs.ttbcr = 7;
    regs.ttbr0 = 0x4080 | 0x6b;
    Translation t;
    Fault f;
    assert_true(walk(&regs, memory, 0x01f00000, ACCESS_READ, true, &t, &f));
    regs.ttbcr = 0;
    assert_false(walk(&regs, memory, 0x01f00000, ACCESS_READ, true, &t, &f));
}

static void test_big_endian_tables(void **state)
{
    (void)state;
    static const Word memory[] = {
        {0x448c,  0x01000100},
        {0x10114, 0x3eb0adde},
        {0,       0         }
    };
    MmuRegs regs = regs_with(M | EE);
    Translation t;
    Fault f;
    assert_true(walk(&regs, memory, 0x12345678, ACCESS_READ, true, &t, &f));
    assert_int_equal(t.pa, 0xdeadb678);
}

/* NS bits of descriptors count in Secure state only. */
static void test_non_secure(void **state)
{
    (void)state;
    static const Word memory[] = {
        {0x4000 + 4,  0x00180c0e},
        {0x4000 + 8,  0x10009   },
        {0x10000,     0x0000003e},
        {0x4000 + 12, 0x00100c0e},
        {0,           0         }
    };
    static const struct {
        bool secure;
        uint32_t va;
        bool ns;
    } cases[] = {
        {true,  0x100000, true },
        {true,  0x200000, true },
        {true,  0x300000, false},
        {false, 0x300000, true }
    };
    for (unsigned n = 0; n < 4; n++) {
        MmuRegs regs = regs_with(M);
        regs.secure = cases[n].secure;
        Translation t;
        Fault f;
        assert_true(walk(&regs, memory, cases[n].va, ACCESS_READ, true, &t, &f));
        assert_int_equal(t.ns, cases[n].ns);
    }
}

/* ---- Faults ----------------------------------------------------------------------------------------- */

typedef struct FaultCase {
    const char *what;
    uint32_t sctlr, ttbcr, dacr, va;
    AccessKind kind;
    Word memory[3];
    FaultKind fault; /* expect: */
    unsigned level, domain;
} FaultCase;

static const FaultCase fault_cases[] = {
  /* clang-format off */
    {"empty first level",       M, 0, CLIENTS, 0x12345678, ACCESS_READ, {{0x448c, 0}},          FAULT_TRANSLATION, 1, 0},
    {"reserved first level",    M, 0, CLIENTS, 0x12345678, ACCESS_READ, {{0x448c, 0xabc00c0f}}, FAULT_TRANSLATION, 1, 0},
    {"empty second level",      M, 0, CLIENTS, 0x12345678, ACCESS_READ, {{0x448c, 0x10001 | 5 << 5}}, FAULT_TRANSLATION, 2, 5},
    {"PD0",                     M, 0x10, CLIENTS, 0x12345678, ACCESS_READ, {{0x448c, 0xabc00c0e}}, FAULT_TRANSLATION, 1, 0},
    {"PD1",                     M, 0x21, CLIENTS, 0x80000000, ACCESS_READ, {{0xa000, 0xabc00c0e}}, FAULT_TRANSLATION, 1, 0},
    {"access flag, section",    M | AFE, 0, CLIENTS, 0x12345678, ACCESS_READ, {{0x448c, 0xabc0080e | 3 << 5}}, FAULT_ACCESS_FLAG, 1, 3},
    {"access flag, page",       M | AFE, 0, CLIENTS, 0x12345678, ACCESS_READ, {{0x448c, 0x10001 | 3 << 5}, {0x10114, 0xdeadb02e}}, FAULT_ACCESS_FLAG, 2, 3},
    {"access flag before domain", M | AFE, 0, 0, 0x12345678, ACCESS_READ, {{0x448c, 0xabc0080e}}, FAULT_ACCESS_FLAG, 1, 0},
    {"access flag even for managers", M | AFE, 0, UINT32_MAX, 0x12345678, ACCESS_READ, {{0x448c, 0xabc0080e}}, FAULT_ACCESS_FLAG, 1, 0},
    {"domain, section",         M, 0, CLIENTS & ~0xc0u, 0x12345678, ACCESS_READ, {{0x448c, 0xabc00c0e | 3 << 5}}, FAULT_DOMAIN, 1, 3},
    {"domain, page",            M, 0, CLIENTS & ~0xc0u, 0x12345678, ACCESS_READ, {{0x448c, 0x10001 | 3 << 5}, {0x10114, 0xdeadb03e}}, FAULT_DOMAIN, 2, 3},
    {"domain, reserved",        M, 0, 0xaaaaaaaa, 0x12345678, ACCESS_READ, {{0x448c, 0xabc00c0e}}, FAULT_DOMAIN, 1, 0},
    {"translation before domain", M, 0, 0, 0x12345678, ACCESS_READ, {{0x448c, 0x10001}}, FAULT_TRANSLATION, 2, 0},
    {"domain before permission", M, 0, 0, 0x12345678, ACCESS_WRITE, {{0x448c, 0xabc0000e}}, FAULT_DOMAIN, 1, 0},
    {"permission, section",     M, 0, CLIENTS, 0x12345678, ACCESS_WRITE, {{0x448c, 0xabc0840e | 9 << 5}}, FAULT_PERMISSION, 1, 9},
    {"permission, page",        M, 0, CLIENTS, 0x12345678, ACCESS_WRITE, {{0x448c, 0x10001 | 9 << 5}, {0x10114, 0xdeadb21e}}, FAULT_PERMISSION, 2, 9},
    {"XN, section",             M, 0, CLIENTS, 0x12345678, ACCESS_FETCH, {{0x448c, 0xabc00c1e}}, FAULT_PERMISSION, 1, 0},
    {"XN, page",                M, 0, CLIENTS, 0x12345678, ACCESS_FETCH, {{0x448c, 0x10001}, {0x10114, 0xdeadb03f}}, FAULT_PERMISSION, 2, 0},
  /* clang-format on */
};

static void test_faults(void **state)
{
    (void)state;
    for (unsigned n = 0; n < sizeof fault_cases / sizeof *fault_cases; n++) {
        const FaultCase *c = &fault_cases[n];
        Word memory[4] = {
            c->memory[0], c->memory[1], c->memory[2], {0, 0}
        };
        MmuRegs regs = regs_with(c->sctlr);
        regs.ttbcr = c->ttbcr;
        regs.dacr = c->dacr;
        Translation t;
        Fault f;
        print_message("%s\n", c->what);
        assert_false(walk(&regs, memory, c->va, c->kind, true, &t, &f));
        assert_int_equal(f.kind, c->fault);
        assert_int_equal(f.level, c->level);
        assert_int_equal(f.domain, c->domain);
        assert_int_equal(f.va, c->va);
        assert_int_equal(f.write, c->kind == ACCESS_WRITE);
    }
}

static void test_external_aborts_on_walk(void **state)
{
    (void)state;
    static const Word memory[] = {
        {0x4000, 0xe0000001},
        {0x4004, 0xf0000001},
        {0,      0         }
    };
    MmuRegs regs = regs_with(M);
    Translation t;
    Fault f;
    assert_false(walk(&regs, memory, 0, ACCESS_READ, true, &t, &f));
    assert_int_equal(f.kind, FAULT_EXTERNAL_ON_WALK);
    assert_int_equal(f.level, 2);
    assert_false(f.decode_error);
    assert_false(walk(&regs, memory, 0x100000, ACCESS_READ, true, &t, &f));
    assert_int_equal(f.level, 2);
    assert_true(f.decode_error);
    regs.ttbr0 = 0xf0000000;
    assert_false(walk(&regs, memory, 0, ACCESS_READ, true, &t, &f));
    assert_int_equal(f.kind, FAULT_EXTERNAL_ON_WALK);
    assert_int_equal(f.level, 1);
}

/* ---- Permissions ------------------------------------------------------------------------------------ */

enum { NO = 0, R = 1, W = 2, X = 4 };

static unsigned rights(const MmuRegs *regs, uint32_t descriptor, bool privileged)
{
    const Word memory[] = {
        {0x4000, descriptor},
        {0,      0         }
    };
    Translation t;
    Fault f;
    unsigned sum = 0;
    static const unsigned bit[] = {[ACCESS_READ] = R, [ACCESS_WRITE] = W, [ACCESS_FETCH] = X};
    for (AccessKind kind = ACCESS_READ; kind <= ACCESS_FETCH; kind++) {
        if (!walk(regs, memory, 0, kind, privileged, &t, &f))
            continue;
        sum |= bit[kind];
        assert_true(kind == ACCESS_READ ? t.may_read : kind == ACCESS_WRITE ? t.may_write : t.may_fetch);
    }
    return sum;
}

/* Tables B3-8 and B3-9. */
static void test_permissions(void **state)
{
    (void)state;
    static const struct {
        bool afe;
        unsigned ap, privileged, user;
    } cases[] = {
        {false, 0, NO,        NO       },
        {false, 1, R | W | X, NO       },
        {false, 2, R | W | X, R | X    },
        {false, 3, R | W | X, R | W | X},
        {false, 4, NO,        NO       },
        {false, 5, R | X,     NO       },
        {false, 6, R | X,     R | X    },
        {false, 7, R | X,     R | X    },
        {true,  0, NO,        NO       },
        {true,  1, R | W | X, NO       },
        {true,  2, NO,        NO       },
        {true,  3, R | W | X, R | W | X},
        {true,  4, NO,        NO       },
        {true,  5, R | X,     NO       },
        {true,  6, NO,        NO       },
        {true,  7, R | X,     R | X    },
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        MmuRegs regs = regs_with(cases[n].afe ? M | AFE : M);
        uint32_t section = 0xe | (cases[n].ap & 3) << 10 | (cases[n].ap & 4) << 13;
        print_message("AFE %d AP %u\n", cases[n].afe, cases[n].ap);
        assert_int_equal(rights(&regs, section, true), cases[n].privileged);
        assert_int_equal(rights(&regs, section, false), cases[n].user);
        assert_int_equal(rights(&regs, section | 0x10, true), cases[n].privileged & ~(unsigned)X);
    }
}

/* Manager domains check neither permissions nor XN. */
static void test_manager(void **state)
{
    (void)state;
    MmuRegs regs = regs_with(M);
    regs.dacr = 3;
    assert_int_equal(rights(&regs, 0x0000001e, false), R | W | X);
}

/* ---- Memory types ----------------------------------------------------------------------------------- */

/* Table B3-10. 0 non-cacheable, 1 write-back write-allocate, 2 write-through, 3 write-back. */
static void test_types_without_remap(void **state)
{
    (void)state;
    static const struct {
        unsigned tex, cb;
        MemType type;
        unsigned inner, outer;
        int shareable; /* -1: as S */
    } cases[] = {
        {0, 0, MEM_STRONGLY_ORDERED, 0, 0, 1 },
        {0, 1, MEM_DEVICE,           0, 0, 1 },
        {0, 2, MEM_NORMAL,           2, 2, -1},
        {0, 3, MEM_NORMAL,           3, 3, -1},
        {1, 0, MEM_NORMAL,           0, 0, -1},
        {1, 3, MEM_NORMAL,           1, 1, -1},
        {2, 0, MEM_DEVICE,           0, 0, 0 },
        {4, 0, MEM_NORMAL,           0, 0, -1},
        {4, 1, MEM_NORMAL,           1, 0, -1},
        {5, 2, MEM_NORMAL,           2, 1, -1},
        {6, 3, MEM_NORMAL,           3, 2, -1},
        {7, 0, MEM_NORMAL,           0, 3, -1},
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++)
        for (unsigned s = 0; s < 2; s++) {
            uint32_t section = 0xc02 | cases[n].tex << 12 | cases[n].cb << 2 | s << 16;
            const Word memory[] = {
                {0x4000, section},
                {0,      0      }
            };
            MmuRegs regs = regs_with(M);
            Translation t;
            Fault f;
            assert_true(walk(&regs, memory, 0, ACCESS_READ, true, &t, &f));
            print_message("TEX %u CB %u S %u\n", cases[n].tex, cases[n].cb, s);
            assert_int_equal(t.type, cases[n].type);
            assert_int_equal(t.inner, cases[n].inner);
            assert_int_equal(t.outer, cases[n].outer);
            assert_int_equal(t.shareable, cases[n].shareable < 0 ? (int)s : cases[n].shareable);
        }
}

/* B3.8.3 with the values Linux uses: PRRR 0xff0a81a8, NMRR 0x40e040e0. */
static void test_types_with_remap(void **state)
{
    (void)state;
    static const struct {
        unsigned n, s;
        MemType type;
        unsigned inner, outer;
        bool shareable, inner_shareable;
    } cases[] = {
        {0, 0, MEM_STRONGLY_ORDERED, 0, 0, true,  true },
        {1, 0, MEM_NORMAL,           0, 0, false, false},
        {1, 1, MEM_NORMAL,           0, 0, true,  true },
        {2, 1, MEM_NORMAL,           2, 2, true,  true },
        {3, 1, MEM_NORMAL,           3, 3, true,  true },
        {4, 0, MEM_DEVICE,           0, 0, false, false},
        {4, 1, MEM_DEVICE,           0, 0, true,  true },
        {7, 1, MEM_NORMAL,           1, 1, true,  true },
        {7, 0, MEM_NORMAL,           1, 1, false, false},
    };
    for (unsigned k = 0; k < sizeof cases / sizeof *cases; k++) {
        uint32_t section = 0xc02 | (cases[k].n & 3) << 2 | (cases[k].n & 4) << 10 | cases[k].s << 16;
        const Word memory[] = {
            {0x4000, section},
            {0,      0      }
        };
        MmuRegs regs = regs_with(M | TRE);
        regs.prrr = 0xff0a81a8;
        regs.nmrr = 0x40e040e0;
        Translation t;
        Fault f;
        assert_true(walk(&regs, memory, 0, ACCESS_READ, true, &t, &f));
        print_message("n %u S %u\n", cases[k].n, cases[k].s);
        assert_int_equal(t.type, cases[k].type);
        assert_int_equal(t.inner, cases[k].inner);
        assert_int_equal(t.outer, cases[k].outer);
        assert_int_equal(t.shareable, cases[k].shareable);
        assert_int_equal(t.inner_shareable, cases[k].inner_shareable);
    }
}

/* B3.2.1. */
static void test_mmu_off(void **state)
{
    (void)state;
    static const Word memory[] = {
        {0, 0}
    };
    MmuRegs regs = regs_with(TRE | AFE);
    regs.dacr = 0;
    Translation t;
    Fault f;
    assert_true(walk(&regs, memory, 0x87654321, ACCESS_WRITE, false, &t, &f));
    assert_int_equal(t.pa, 0x87654321);
    assert_int_equal(t.type, MEM_STRONGLY_ORDERED);
    assert_true(t.may_read && t.may_write && t.may_fetch && t.global && !t.ns);
    assert_true(walk(&regs, memory, 0x87654321, ACCESS_FETCH, false, &t, &f));
    assert_int_equal(t.type, MEM_NORMAL);
    assert_int_equal(t.inner, 0);
    assert_true(t.shareable);
    regs.sctlr |= I;
    assert_true(walk(&regs, memory, 0x87654321, ACCESS_FETCH, false, &t, &f));
    assert_int_equal(t.inner, 2);
    assert_false(t.shareable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mappings),
        cmocka_unit_test(test_table_base),
        cmocka_unit_test(test_big_endian_tables),
        cmocka_unit_test(test_non_secure),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_external_aborts_on_walk),
        cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_manager),
        cmocka_unit_test(test_types_without_remap),
        cmocka_unit_test(test_types_with_remap),
        cmocka_unit_test(test_mmu_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
