/* Advanced SIMD element and structure loads and stores (DDI 0406C A8.8.320 to A8.8.327, A8.8.404 to
 * A8.8.411), by hand from the manual: where elements go, write-back, alignment, byte order, what an abort
 * leaves. */
#include <inttypes.h>

#include "tests/cpu/one_neon.h"

enum {
    DATA = RAM_BASE + 0x2000,
    TABLES = RAM_BASE + 0x8000,   /* first level */
    TABLES_2 = RAM_BASE + 0xc000, /* second level, for PAGED */
    PAGED = 0x70000000            /* one page, mapped to DATA; the next is not */
};

static const uint64_t UNTOUCHED = 0xeeeeeeeeeeeeeeee;

/* Memory at DATA is 00 01 02 ...; the doublewords listed get values, the others none. */
typedef struct Load {
    const char *text;
    uint32_t insn;
    uint32_t increment; /* of r0; r1 is 0x100 */
    struct {
        uint8_t reg;
        uint64_t value;
    } want[4]; /* ends at NONE */
} Load;

enum { NONE = 31 };

/* clang-format off */
static const Load loads[] = {
    {"vld1.8 {d0}, [r0]", 0xf420070f, 0, {{0, 0x0706050403020100}, {NONE, 0}, {NONE, 0}, {NONE, 0}}},
    {"vld1.16 {d0-d2}, [r0]!", 0xf420064d, 24,
     {{0, 0x0706050403020100}, {1, 0x0f0e0d0c0b0a0908}, {2, 0x1716151413121110}, {NONE, 0}}},
    {"vld1.64 {d0-d3}, [r0:256], r1", 0xf42002f1, 0x100,
     {{0, 0x0706050403020100}, {1, 0x0f0e0d0c0b0a0908}, {2, 0x1716151413121110}, {3, 0x1f1e1d1c1b1a1918}}},
    {"vld2.8 {d0, d1}, [r0]", 0xf420080f, 0,
     {{0, 0x0e0c0a0806040200}, {1, 0x0f0d0b0907050301}, {NONE, 0}, {NONE, 0}}},
    {"vld2.16 {d0, d2}, [r0]", 0xf420094f, 0,
     {{0, 0x0d0c090805040100}, {2, 0x0f0e0b0a07060302}, {NONE, 0}, {NONE, 0}}},
    {"vld2.32 {d0-d3}, [r0]", 0xf420038f, 0,
     {{0, 0x0b0a090803020100}, {1, 0x1b1a191813121110}, {2, 0x0f0e0d0c07060504}, {3, 0x1f1e1d1c17161514}}},
    {"vld3.8 {d0, d2, d4}, [r0]!", 0xf420050d, 24,
     {{0, 0x15120f0c09060300}, {2, 0x1613100d0a070401}, {4, 0x1714110e0b080502}, {NONE, 0}}},
    {"vld3.16 {d0-d2}, [r0:64]", 0xf420045f, 0,
     {{0, 0x13120d0c07060100}, {1, 0x15140f0e09080302}, {2, 0x171611100b0a0504}, {NONE, 0}}},
    {"vld4.8 {d0-d3}, [r0]", 0xf420000f, 0,
     {{0, 0x1c1814100c080400}, {1, 0x1d1915110d090501}, {2, 0x1e1a16120e0a0602}, {3, 0x1f1b17130f0b0703}}},
    {"vld4.32 {d0, d2, d4, d6}, [r0], r1", 0xf4200181, 0x100,
     {{0, 0x1312111003020100}, {2, 0x1716151407060504}, {4, 0x1b1a19180b0a0908}, {6, 0x1f1e1d1c0f0e0d0c}}},
    {"vld1.8 {d0[3]}, [r0]!", 0xf4a0006d, 1, {{0, 0xeeeeeeee00eeeeee}, {NONE, 0}, {NONE, 0}, {NONE, 0}}},
    {"vld2.16 {d0[1], d2[1]}, [r0]", 0xf4a0056f, 0,
     {{0, 0xeeeeeeee0100eeee}, {2, 0xeeeeeeee0302eeee}, {NONE, 0}, {NONE, 0}}},
    {"vld3.32 {d0[1]-d2[1]}, [r0]!", 0xf4a00a8d, 12,
     {{0, 0x03020100eeeeeeee}, {1, 0x07060504eeeeeeee}, {2, 0x0b0a0908eeeeeeee}, {NONE, 0}}},
    {"vld4.8 {d0[7]-d3[7]}, [r0:32], r1", 0xf4a003f1, 0x100,
     {{0, 0x00eeeeeeeeeeeeee}, {1, 0x01eeeeeeeeeeeeee}, {2, 0x02eeeeeeeeeeeeee}, {3, 0x03eeeeeeeeeeeeee}}},
    {"vld1.16 {d0[], d1[]}, [r0]!", 0xf4a00c6d, 2,
     {{0, 0x0100010001000100}, {1, 0x0100010001000100}, {NONE, 0}, {NONE, 0}}},
    {"vld2.8 {d0[], d2[]}, [r0]", 0xf4a00d2f, 0,
     {{0, 0x0000000000000000}, {2, 0x0101010101010101}, {NONE, 0}, {NONE, 0}}},
    {"vld3.32 {d0[]-d2[]}, [r0]", 0xf4a00e8f, 0,
     {{0, 0x0302010003020100}, {1, 0x0706050407060504}, {2, 0x0b0a09080b0a0908}, {NONE, 0}}},
    {"vld4.16 {d0[]-d3[]}, [r0], r1", 0xf4a00f41, 0x100,
     {{0, 0x0100010001000100}, {1, 0x0302030203020302}, {2, 0x0504050405040504}, {3, 0x0706070607060706}}},
    {"vld4.32 {d0[]-d3[]}, [r0:128]", 0xf4a00fdf, 0,
     {{0, 0x0302010003020100}, {1, 0x0706050407060504}, {2, 0x0b0a09080b0a0908}, {3, 0x0f0e0d0c0f0e0d0c}}},
};

/* Registers are 00 01 02 ... from d0 on, memory 0xee; bytes lists what is stored. */
static const struct {
    const char *text;
    uint32_t insn, increment;
    unsigned bytes;
    uint8_t want[32];
} stores[] = {
    {"vst1.32 {d0, d1}, [r0]!", 0xf4000a8d, 16, 16,
     {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
    {"vst2.8 {d0-d3}, [r0]", 0xf400030f, 0, 32,
     {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31}},
    {"vst3.8 {d0-d2}, [r0]", 0xf400040f, 0, 24,
     {0, 8, 16, 1, 9, 17, 2, 10, 18, 3, 11, 19, 4, 12, 20, 5, 13, 21, 6, 14, 22, 7, 15, 23}},
    {"vst4.16 {d0, d2, d4, d6}, [r0], r1", 0xf4000141, 0x100, 32,
     {0, 1, 16, 17, 32, 33, 48, 49, 2, 3, 18, 19, 34, 35, 50, 51, 4, 5, 20, 21, 36, 37, 52, 53, 6, 7, 22, 23, 38, 39, 54, 55}},
    {"vst1.16 {d0[2]}, [r0]", 0xf480048f, 0, 2, {4, 5}},
    {"vst3.8 {d0[1]-d2[1]}, [r0]", 0xf480022f, 0, 3, {1, 9, 17}},
};
/* clang-format on */

static uint8_t *data(Bench *b)
{
    return b->ram + (DATA - RAM_BASE);
}

static void set_registers(Bench *b, uint64_t value)
{
    for (unsigned n = 0; n < 32; n++)
        b->cpu->v.d[n] = value;
    b->cpu->r[1] = 0x100;
}

static void check_load(Bench *b, const Load *t)
{
    uint64_t want[32];
    for (unsigned n = 0; n < 32; n++)
        want[n] = UNTOUCHED;
    for (unsigned n = 0; n < 4 && t->want[n].reg != NONE; n++)
        want[t->want[n].reg] = t->want[n].value;
    for (unsigned n = 0; n < 32; n++)
        if (b->cpu->v.d[n] != want[n])
            fail_msg("%s: d%u is %016" PRIx64 ", not %016" PRIx64, t->text, n, b->cpu->v.d[n], want[n]);
}

/* The first access of a page misses the TLB, the second goes straight to memory: both must give the same. */
static void test_loads(void **state)
{
    Bench *b = *state;
    for (unsigned k = 0; k < 64; k++)
        data(b)[k] = (uint8_t)k;
    for (unsigned n = 0; n < 2 * sizeof loads / sizeof *loads; n++) {
        const Load *t = &loads[n / 2];
        set_registers(b, UNTOUCHED);
        b->cpu->r[0] = DATA;
        if (n % 2 == 0)
            mmu_flush_all(b->cpu);
        neon(b, t->text, n % 2 ? SET_T32 : SET_A32, t->insn);
        check_load(b, t);
        assert_int_equal(b->cpu->r[0], DATA + t->increment);
    }
}

static void test_stores(void **state)
{
    Bench *b = *state;
    for (unsigned n = 0; n < 2 * sizeof stores / sizeof *stores; n++) {
        uint8_t want[64];
        for (unsigned k = 0; k < 256; k++)
            b->cpu->v.b[k] = (uint8_t)k;
        memset(want, 0xee, sizeof want);
        memset(data(b), 0xee, sizeof want);
        memcpy(want, stores[n / 2].want, stores[n / 2].bytes);
        b->cpu->r[0] = DATA;
        b->cpu->r[1] = 0x100;
        if (n % 2 == 0)
            mmu_flush_all(b->cpu);
        neon(b, stores[n / 2].text, n % 2 ? SET_T32 : SET_A32, stores[n / 2].insn);
        if (memcmp(data(b), want, sizeof want))
            fail_msg("%s: memory is wrong", stores[n / 2].text);
        assert_int_equal(b->cpu->r[0], DATA + stores[n / 2].increment);
    }
}

/* An index register that is the base: its old value is added. */
static void test_index_is_base(void **state)
{
    Bench *b = *state;
    b->cpu->r[0] = DATA;
    neon(b, "vld1.32 {d0}, [r0], r0", SET_A32, 0xf4200780);
    assert_int_equal(b->cpu->r[0], (uint32_t)DATA * 2);
}

/* ---- With the MMU on: Normal memory ---- */

/* RAM is a section of Normal memory; PAGED one small page. */
static void map(Bench *b)
{
    const uint32_t normal = 1 << 2 | 1 << 3;
    set_ram_word(b, TABLES + 4 * (RAM_BASE >> 20), RAM_BASE | 2 | normal | 3 << 10);
    set_ram_word(b, TABLES + 4 * ((uint32_t)PAGED >> 20), TABLES_2 | 1);
    set_ram_word(b, TABLES_2, DATA | 2 | normal | 3 << 4);
    cp_write(b->cpu, 15, 0, 2, 0, 0, TABLES);
    cp_write(b->cpu, 15, 0, 3, 0, 0, 1);
    cp_write(b->cpu, 15, 0, 1, 0, 0, cp_read(b->cpu, 15, 0, 1, 0, 0) | 1);
}

static bool aborts(Bench *b, uint32_t insn)
{
    bool aborted = run_a32(b, insn) & LEAVE_FAULT && b->cpu->mode == MODE_ABT;
    cpu_switch_mode(b->cpu, MODE_SVC);
    return aborted;
}

static void test_unaligned(void **state)
{
    Bench *b = *state;
    map(b);
    for (unsigned k = 0; k < 64; k++)
        data(b)[k] = (uint8_t)k;
    for (unsigned n = 0; n < 2; n++) {
        b->cpu->r[0] = DATA + 1;
        neon(b, "vld1.64 {d0}, [r0]", SET_A32, 0xf42007cf);
        assert_int_equal(b->cpu->v.d[0], 0x0807060504030201);
        neon(b, "vst1.64 {d0}, [r0]", SET_A32, 0xf40007cf);
        assert_int_equal(data(b)[1], 1);
    }
}

/* SCTLR.A: elements must be aligned, 64-bit ones as words are. */
static void test_strict_alignment(void **state)
{
    Bench *b = *state;
    map(b);
    cp_write(b->cpu, 15, 0, 1, 0, 0, cp_read(b->cpu, 15, 0, 1, 0, 0) | 2);
    for (unsigned n = 0; n < 2; n++) {
        b->cpu->r[0] = DATA + 1;
        assert_true(aborts(b, 0xf420074f));  /* vld1.16 {d0}, [r0] */
        assert_false(aborts(b, 0xf420070f)); /* vld1.8 {d0}, [r0] */
        b->cpu->r[0] = DATA + 2;
        assert_false(aborts(b, 0xf420074f));
        assert_true(aborts(b, 0xf42007cf)); /* vld1.64 {d0}, [r0] */
        assert_true(aborts(b, 0xf400078f)); /* vst1.32 {d0}, [r0] */
        b->cpu->r[0] = DATA + 4;
        assert_false(aborts(b, 0xf42007cf));
        assert_false(aborts(b, 0xf40007cf)); /* vst1.64 {d0}, [r0] */
    }
}

/* @align holds for the address, whatever SCTLR.A says, on both paths. The fault is an alignment fault. */
static void test_explicit_alignment(void **state)
{
    static const struct {
        const char *text;
        uint32_t insn, alignment;
    } cases[] = {
        {"vld1.8 {d0}, [r0:64]",            0xf420071f, 8 },
        {"vst1.8 {d0}, [r0:64]",            0xf400071f, 8 },
        {"vld1.8 {d0-d3}, [r0:256]",        0xf420023f, 32},
        {"vld1.32 {d0[1]}, [r0:32]",        0xf4a008bf, 4 },
        {"vst4.32 {d0[0]-d3[0]}, [r0:128]", 0xf4800b2f, 16},
        {"vld4.32 {d0[]-d3[]}, [r0:128]",   0xf4a00fdf, 16},
    };
    Bench *b = *state;
    map(b);
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++)
        for (unsigned cold = 0; cold < 2; cold++)
            for (uint32_t offset = 0; offset <= 64; offset += cases[n].alignment / 2) {
                b->cpu->r[0] = DATA + offset;
                if (cold)
                    mmu_flush_all(b->cpu);
                if (aborts(b, cases[n].insn) != (offset % cases[n].alignment != 0))
                    fail_msg("%s at offset %u", cases[n].text, offset);
                if (offset % cases[n].alignment)
                    assert_int_equal(cp_read(b->cpu, 15, 0, 5, 0, 0) & 0x40f, 1);
            }
}

/* The second page is not there: nothing changes, the fault address is the first byte of it. */
static void test_abort_in_second_page(void **state)
{
    static const uint32_t insns[] = {
        0xf420064d, /* vld1.16 {d0-d2}, [r0]! */
        0xf420000f, /* vld4.8 {d0-d3}, [r0] */
        0xf4a00a8d, /* vld3.32 {d0[1]-d2[1]}, [r0]! */
        0xf4a00e8f, /* vld3.32 {d0[]-d2[]}, [r0] */
        0xf4000a8d, /* vst1.32 {d0, d1}, [r0]! */
        0xf400030f, /* vst2.8 {d0-d3}, [r0] */
        0xf4800a8d, /* vst3.32 {d0[1]-d2[1]}, [r0]! */
    };
    Bench *b = *state;
    map(b);
    memset(data(b), 0x77, PAGE_SIZE);
    for (unsigned n = 0; n < sizeof insns / sizeof *insns; n++) {
        set_registers(b, UNTOUCHED);
        b->cpu->r[0] = PAGED + PAGE_SIZE - 8;
        assert_true(aborts(b, insns[n]));
        assert_int_equal(b->cpu->r[0], PAGED + PAGE_SIZE - 8);
        for (unsigned k = 0; k < 32; k++)
            assert_int_equal(b->cpu->v.d[k], UNTOUCHED);
        assert_int_equal(data(b)[PAGE_SIZE - 8], 0x77);
        assert_int_equal(data(b)[PAGE_SIZE - 1], 0x77);
        assert_int_equal(cp_read(b->cpu, 15, 0, 6, 0, 0), PAGED + PAGE_SIZE);
        assert_int_equal(cp_read(b->cpu, 15, 0, 5, 0, 0) & 0x40f, 7); /* translation fault, page */
    }
}

/* Each element is swapped by itself; 64-bit elements as a whole. */
static void test_big_endian(void **state)
{
    Bench *b = *state;
    for (unsigned k = 0; k < 16; k++)
        data(b)[k] = (uint8_t)k;
    b->cpu->r[0] = DATA;
    cpsr_write(b->cpu, PSR_E, PSR_E);
    neon(b, "vld1.8 {d0}, [r0]", SET_A32, 0xf420070f);
    assert_int_equal(b->cpu->v.d[0], 0x0706050403020100);
    neon(b, "vld1.16 {d0}, [r0]", SET_A32, 0xf420074f);
    assert_int_equal(b->cpu->v.d[0], 0x0607040502030001);
    neon(b, "vld1.64 {d0}, [r0]", SET_A32, 0xf42007cf);
    assert_int_equal(b->cpu->v.d[0], 0x0001020304050607);
    neon(b, "vld2.16 {d0, d2}, [r0]", SET_A32, 0xf420094f);
    assert_int_equal(b->cpu->v.d[0], 0x0c0d080904050001);
    assert_int_equal(b->cpu->v.d[2], 0x0e0f0a0b06070203);
    b->cpu->v.d[0] = 0x1122334455667788;
    neon(b, "vst1.64 {d0}, [r0]", SET_A32, 0xf40007cf);
    assert_memory_equal(data(b), "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
    neon(b, "vst1.16 {d0[2]}, [r0]", SET_A32, 0xf480048f);
    assert_memory_equal(data(b), "\x33\x44\x33\x44", 4);
    neon(b, "vst1.32 {d0}, [r0]", SET_A32, 0xf400078f);
    assert_memory_equal(data(b), "\x55\x66\x77\x88\x11\x22\x33\x44", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_loads, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_stores, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_index_is_base, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_unaligned, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_strict_alignment, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_explicit_alignment, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_abort_in_second_page, neon_setup, neon_teardown),
        cmocka_unit_test_setup_teardown(test_big_endian, neon_setup, neon_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
