/* Encodings of the SSE instructions: every row of x64_sse.def under its own name, against GNU as. */
#include <ctype.h>

#include "jit/x64_sse.h"
#include "tests/jit/gnu_as.h"

#define EACH_MEM(m) for (const Mem *m = some_mems; m < some_mems + some_mems_count; m++)
#define M(m) mem_text(m).text

typedef struct Row {
    const char *name;
    SseOp op;
} Row;

/* clang-format off */
static const Row rows[] = {
#define SSE(name, prefix, map, opcode) {#name, {prefix, map, opcode}},
#include "jit/x64_sse.def"
#undef SSE
};
/* clang-format on */

/* How a row is written as text; what is in no list takes xmm, xmm and xmm, memory. */
/* clang-format off */
typedef enum Kind {
    PLAIN, WITH_IMM, STORE, REGS_ONLY, MEMORY_ONLY, TO_REG, FROM_REG, INSERT, EXTRACT, SHIFT
} Kind;

static const struct {
    Kind kind;
    const char *names;
} kinds[] = {
    {WITH_IMM, " CMPSS CMPSD CMPPS CMPPD ROUNDPS ROUNDPD ROUNDSS ROUNDSD SHUFPS SHUFPD PSHUFD PSHUFLW PSHUFHW "
               "PALIGNR BLENDPS BLENDPD PBLENDW INSERTPS "},
    {STORE, " MOVSS_M MOVSD_M MOVUPS_M MOVUPD_M MOVAPS_M MOVAPD_M MOVDQA_M MOVDQU_M MOVD_M MOVQ_M MOVLPS_M "
            "MOVHPS_M "},
    {REGS_ONLY, " MOVHLPS MOVLHPS "},
    {MEMORY_ONLY, " MOVLPS MOVHPS MOVD "},
    {TO_REG, " MOVMSKPS MOVMSKPD PMOVMSKB CVTTSS2SI CVTTSD2SI CVTSS2SI CVTSD2SI "},
    {FROM_REG, " CVTSI2SS CVTSI2SD "},
    {INSERT, " PINSRB PINSRW PINSRD "},
    {EXTRACT, " PEXTRB PEXTRW PEXTRD "},
    {SHIFT, " PSHIFTW_I PSHIFTD_I PSHIFTQ_I "},
};
/* clang-format on */

static Kind kind_of(const char *name)
{
    char word[32];
    snprintf(word, sizeof word, " %s ", name);
    for (size_t n = 0; n < COUNT(kinds); n++)
        if (strstr(kinds[n].names, word))
            return kinds[n].kind;
    return PLAIN;
}

/* The mnemonic: lower case and without _M. */
static OperandText mnemonic(const char *name)
{
    OperandText t;
    size_t n = 0;
    for (; name[n] && name[n] != '_'; n++)
        t.text[n] = (char)tolower((unsigned char)name[n]);
    t.text[n] = '\0';
    return t;
}

static void registers(Cases *c, const Row *row, Kind kind, Xmm x, Xmm y)
{
    OperandText name = mnemonic(row->name);
    if (kind == WITH_IMM) {
        /* Only the conditions 0 to 7 exist in the legacy compares; the others take any byte. */
        uint8_t imm = (uint8_t)(strncmp(row->name, "CMP", 3) == 0 ? x & 7 : x * 17 ^ 0x80);
        x64_sse_rri(&c->a, row->op, x, y, imm);
        expect(c, "%s xmm%d, xmm%d, %u", name.text, x, y, imm);
    } else if (kind == PLAIN || kind == REGS_ONLY) {
        x64_sse_rr(&c->a, row->op, x, y);
        expect(c, "%s xmm%d, xmm%d", name.text, x, y);
    }
}

static void memory(Cases *c, const Row *row, Kind kind, Xmm x, Mem mem)
{
    OperandText name = mnemonic(row->name);
    if (kind == WITH_IMM) {
        x64_sse_rmi(&c->a, row->op, x, mem, 5);
        expect(c, "%s xmm%d, %s, 5", name.text, x, M(mem));
    } else if (kind == INSERT) {
        x64_sse_rmi(&c->a, row->op, x, mem, 1);
        expect(c, "%s xmm%d, %s, 1", name.text, x, M(mem));
    } else if (kind == EXTRACT) {
        x64_sse_mri(&c->a, row->op, mem, x, 1);
        expect(c, "%s %s, xmm%d, 1", name.text, M(mem), x);
    } else if (kind == STORE) {
        x64_sse_mr(&c->a, row->op, mem, x);
        expect(c, "%s %s, xmm%d", name.text, M(mem), x);
    } else if (kind == PLAIN || kind == MEMORY_ONLY) {
        x64_sse_rm(&c->a, row->op, x, mem);
        expect(c, "%s xmm%d, %s", name.text, x, M(mem));
    } else if (kind == FROM_REG) {
        x64_sse_rm(&c->a, row->op, x, mem);
        expect(c, "%s xmm%d, dword ptr %s", name.text, x, M(mem));
    }
}

/* Every register in each place with each row; all pairs with one row of each map. */
static void test_registers(void **state)
{
    Cases *c = *state;
    for (const Row *row = rows; row < rows + COUNT(rows); row++) {
        bool all = strcmp(row->name, "ADDPS") == 0 || strcmp(row->name, "PSHUFB") == 0 ||
                   strcmp(row->name, "PALIGNR") == 0 || strcmp(row->name, "MOVSD") == 0;
        for (unsigned x = 0; x < 16; x++)
            for (unsigned y = 0; y < 16; y++)
                if (all || y == (x * 7 + 3) % 16 || y == (x * 5 + 9) % 16)
                    registers(c, row, kind_of(row->name), (Xmm)x, (Xmm)y);
    }
    compare_with_gnu_as(c);
}

static void test_memory(void **state)
{
    Cases *c = *state;
    for (const Row *row = rows; row < rows + COUNT(rows); row++)
        EACH_MEM(m)
    memory(c, row, kind_of(row->name), (Xmm)((m - some_mems + (row - rows)) & 15), *m);
    for (unsigned x = 0; x < 16; x++)
        EACH_MEM(m)
        {
            x64_sse_rm(&c->a, SSE_ADDSD, (Xmm)x, *m);
            expect(c, "addsd xmm%u, %s", x, M(*m));
            x64_sse_mr(&c->a, SSE_MOVUPS_M, *m, (Xmm)x);
            expect(c, "movups %s, xmm%u", M(*m), x);
        }
    compare_with_gnu_as(c);
}

static void reg_and_xmm(Cases *c, const Row *row, Reg r, Xmm x, Width w)
{
    OperandText name = mnemonic(row->name);
    const char *reg = reg_text(w, r);
    switch (kind_of(row->name)) {
    case TO_REG:
        /* The masks have no 64-bit form worth a prefix, and GNU as writes none. */
        if (w == W64 && !strstr(row->name, "CVT"))
            break;
        x64_cvt_rx(&c->a, row->op, w, r, x);
        expect(c, "%s %s, xmm%d", name.text, reg, x);
        break;
    case FROM_REG:
        x64_cvt_xr(&c->a, row->op, w, x, r);
        expect(c, "%s xmm%d, %s", name.text, x, reg);
        break;
    case INSERT:
        if (w == W64 && strcmp(row->name, "PINSRD") != 0)
            break;
        x64_pinsr(&c->a, row->op, w, x, r, 1);
        expect(c, "%s xmm%d, %s, 1", w == W64 ? "pinsrq" : name.text, x, reg);
        break;
    case EXTRACT:
        if (w == W64 && strcmp(row->name, "PEXTRD") != 0)
            break;
        x64_pextr(&c->a, row->op, w, r, x, 1);
        /* PEXTRW has two encodings; ours is that of the store. */
        expect(c, "%s%s %s, xmm%d, 1", strcmp(row->name, "PEXTRW") == 0 ? "{store} " : "",
               w == W64 ? "pextrq" : name.text, reg, x);
        break;
    default:
        break;
    }
}

static void test_general_registers(void **state)
{
    static const Width widths[] = {W32, W64};
    Cases *c = *state;
    for (Reg r = RAX; r <= R15; r++)
        for (unsigned x = 0; x < 16; x++)
            for (const Width *w = widths; w < widths + COUNT(widths); w++) {
                for (const Row *row = rows; row < rows + COUNT(rows); row++)
                    reg_and_xmm(c, row, r, (Xmm)x, *w);
                const char *name = *w == W64 ? "movq" : "movd", *reg = reg_text(*w, r);
                x64_movd_xr(&c->a, *w, (Xmm)x, r);
                expect(c, "%s xmm%u, %s", name, x, reg);
                x64_movd_rx(&c->a, *w, r, (Xmm)x);
                expect(c, "%s %s, xmm%u", name, reg, x);
            }
    compare_with_gnu_as(c);
}

static void test_shifts(void **state)
{
    const struct {
        SseOp op;
        unsigned ext;
        const char *name;
    } shifts[] = {
        {SSE_PSHIFTW_I, SSE_SRL,   "psrlw" },
        {SSE_PSHIFTW_I, SSE_SRA,   "psraw" },
        {SSE_PSHIFTW_I, SSE_SLL,   "psllw" },
        {SSE_PSHIFTD_I, SSE_SRL,   "psrld" },
        {SSE_PSHIFTD_I, SSE_SRA,   "psrad" },
        {SSE_PSHIFTD_I, SSE_SLL,   "pslld" },
        {SSE_PSHIFTQ_I, SSE_SRL,   "psrlq" },
        {SSE_PSHIFTQ_I, SSE_SLL,   "psllq" },
        {SSE_PSHIFTQ_I, SSE_SRLDQ, "psrldq"},
        {SSE_PSHIFTQ_I, SSE_SLLDQ, "pslldq"},
    };
    static const uint8_t counts[] = {0, 1, 15, 31, 63, 128, 255};
    Cases *c = *state;
    for (size_t n = 0; n < COUNT(shifts); n++)
        for (unsigned x = 0; x < 16; x++)
            for (size_t k = 0; k < COUNT(counts); k++) {
                x64_sse_shift_i(&c->a, shifts[n].op, shifts[n].ext, (Xmm)x, counts[k]);
                expect(c, "%s xmm%u, %u", shifts[n].name, x, counts[k]);
            }
    compare_with_gnu_as(c);
}

static void test_mxcsr(void **state)
{
    Cases *c = *state;
    EACH_MEM(m)
    {
        x64_ldmxcsr(&c->a, *m);
        expect(c, "ldmxcsr %s", M(*m));
        x64_stmxcsr(&c->a, *m);
        expect(c, "stmxcsr %s", M(*m));
    }
    compare_with_gnu_as(c);
}

/* The constants are the rows, and no name in the lists above is misspelt. */
static void test_names(void **state)
{
    (void)state;
    size_t n = 0;
#define SSE(name, prefix_, map_, opcode_)                                                                    \
    assert_int_equal(SSE_##name.prefix, rows[n].op.prefix);                                                  \
    assert_int_equal(SSE_##name.map, rows[n].op.map);                                                        \
    assert_int_equal(SSE_##name.opcode, rows[n++].op.opcode);
#include "jit/x64_sse.def"
#undef SSE
    assert_int_equal(n, COUNT(rows));
    for (size_t k = 0; k < COUNT(kinds); k++) {
        size_t words = 0, found = 0;
        for (const char *at = kinds[k].names; at[1]; at++)
            words += *at == ' ';
        for (size_t r = 0; r < COUNT(rows); r++)
            found += kind_of(rows[r].name) == kinds[k].kind;
        assert_int_equal(found, words);
    }
}

int main(void)
{
#define AGAINST_AS(test) cmocka_unit_test_setup_teardown(test, cases_new, cases_free)
    const struct CMUnitTest tests[] = {
        AGAINST_AS(test_registers), AGAINST_AS(test_memory), AGAINST_AS(test_general_registers),
        AGAINST_AS(test_shifts),    AGAINST_AS(test_mxcsr),  cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
