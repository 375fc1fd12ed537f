/* Encodings of the general-purpose instructions: every function with every register, width, kind of address
 * and edge of its immediates, against GNU as. Branches are in test_x64_control.c. */
#include "tests/jit/gnu_as.h"

#define EACH_REG(r) for (Reg r = RAX; r <= R15; r++)
#define EACH_MEM(m) for (const Mem *m = some_mems; m < some_mems + some_mems_count; m++)
#define EACH(type, item, array) for (const type *item = array; item < array + COUNT(array); item++)
#define M(m) mem_text(m).text

static const Width wide_widths[] = {W16, W32, W64};
static const Width big_widths[] = {W32, W64};
static const char *const cc_names[16] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                         "s", "ns", "p", "np", "l", "ge", "le", "g"};
static const char *const alu_names[8] = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
static const char *const shift_names[8] = {"rol", "ror", "rcl", "rcr", "shl", "shr", NULL, "sar"};

static void test_addresses(void **state)
{
    Cases *c = *state;
    unsigned dst = 0;
    for (int base = REG_NONE; base <= R15; base++)
        for (int index = REG_NONE; index <= R15; index++)
            for (unsigned scale = 1; scale <= 8; scale *= 2)
                EACH(int32_t, disp, edge_disps)
                {
                    if (index == RSP || (index == REG_NONE && scale > 1))
                        continue;
                    Mem mem = mem_index((Reg)base, (Reg)index, scale, *disp);
                    x64_load(&c->a, W64, (Reg)(dst & 15), mem);
                    expect(c, "mov %s, %s", reg_text(W64, (Reg)(dst & 15)), M(mem));
                    dst += 7;
                }
    compare_with_gnu_as(c);
}

static void test_mov_registers(void **state)
{
    Cases *c = *state;
    EACH_REG(x) EACH_REG(y)
    {
        EACH(Width, w, big_widths)
        {
            x64_mov_rr(&c->a, *w, x, y);
            expect(c, "mov %s, %s", reg_text(*w, x), reg_text(*w, y));
        }
        x64_movzx(&c->a, W8, x, y);
        expect(c, "movzx %s, %s", reg_text(W32, x), reg_text(W8, y));
        x64_movzx(&c->a, W16, x, y);
        expect(c, "movzx %s, %s", reg_text(W32, x), reg_text(W16, y));
        x64_movsx(&c->a, W8, x, y);
        expect(c, "movsx %s, %s", reg_text(W32, x), reg_text(W8, y));
        x64_movsx(&c->a, W16, x, y);
        expect(c, "movsx %s, %s", reg_text(W32, x), reg_text(W16, y));
        x64_movsx(&c->a, W32, x, y);
        expect(c, "movsxd %s, %s", reg_text(W64, x), reg_text(W32, y));
        EACH(Width, w, all_widths)
        {
            x64_xchg_rr(&c->a, *w, x, y);
            if (*w == W64 && x == RAX && y == RAX)
                expect(c, ".byte 0x48\nnop"); /* GNU as leaves the REX prefix out */
            else
                expect(c, "xchg %s, %s", reg_text(*w, x), reg_text(*w, y));
        }
    }
    compare_with_gnu_as(c);
}

static void test_mov_immediate(void **state)
{
    static const uint64_t imms[] = {0,
                                    1,
                                    127,
                                    128,
                                    255,
                                    0x7fffffff,
                                    0x80000000,
                                    0xffffffff,
                                    0x100000000,
                                    ~0ull,
                                    ~0ull - 1,
                                    -0x80000000ull,
                                    INT64_MAX,
                                    1ull << 63,
                                    -0x80000001ull,
                                    0x0123456789abcdef};
    Cases *c = *state;
    EACH_REG(r) EACH(uint64_t, imm, imms)
    {
        x64_mov_ri(&c->a, r, *imm);
        bool zero_extended = *imm <= UINT32_MAX;
        expect(c, "mov %s, %lld", reg_text(zero_extended ? W32 : W64, r), (long long)*imm);
    }
    compare_with_gnu_as(c);
}

static void test_loads_and_stores(void **state)
{
    Cases *c = *state;
    EACH_REG(r) EACH_MEM(m)
    {
        x64_load(&c->a, W8, r, *m);
        expect(c, "movzx %s, byte ptr %s", reg_text(W32, r), M(*m));
        x64_load(&c->a, W16, r, *m);
        expect(c, "movzx %s, word ptr %s", reg_text(W32, r), M(*m));
        x64_load(&c->a, W32, r, *m);
        expect(c, "mov %s, %s", reg_text(W32, r), M(*m));
        x64_load(&c->a, W64, r, *m);
        expect(c, "mov %s, %s", reg_text(W64, r), M(*m));
        x64_load_signed(&c->a, W8, r, *m);
        expect(c, "movsx %s, byte ptr %s", reg_text(W32, r), M(*m));
        x64_load_signed(&c->a, W16, r, *m);
        expect(c, "movsx %s, word ptr %s", reg_text(W32, r), M(*m));
        x64_load_signed(&c->a, W32, r, *m);
        expect(c, "movsxd %s, dword ptr %s", reg_text(W64, r), M(*m));
        EACH(Width, w, all_widths)
        {
            x64_store(&c->a, *w, *m, r);
            expect(c, "mov %s, %s", M(*m), reg_text(*w, r));
        }
        EACH(Width, w, big_widths)
        {
            x64_lea(&c->a, *w, r, *m);
            bool absolute = m->base == REG_NONE && m->index == REG_NONE;
            expect(c, "lea %s, %s", reg_text(*w, r), M(*m) + (absolute ? strlen("ds:") : 0));
        }
    }
    EACH_MEM(m) EACH(Width, w, all_widths) EACH(int32_t, imm, edge_imms)
    {
        x64_store_imm(&c->a, *w, *m, *imm);
        expect(c, "mov %s %s, %lld", width_text(*w), M(*m), imm_text(*w, *imm));
    }
    compare_with_gnu_as(c);
}

static void test_conditions(void **state)
{
    Cases *c = *state;
    for (Cc cc = CC_O; cc <= CC_G; cc++) {
        EACH_REG(x)
        {
            x64_setcc_r(&c->a, cc, x);
            expect(c, "set%s %s", cc_names[cc], reg_text(W8, x));
            EACH_REG(y) EACH(Width, w, big_widths)
            {
                x64_cmov(&c->a, cc, *w, x, y);
                expect(c, "cmov%s %s, %s", cc_names[cc], reg_text(*w, x), reg_text(*w, y));
            }
        }
        EACH_MEM(m)
        {
            x64_setcc_m(&c->a, cc, *m);
            expect(c, "set%s %s", cc_names[cc], M(*m));
            EACH(Width, w, big_widths)
            {
                Reg dst = (Reg)((m - some_mems) & 15);
                x64_cmov_rm(&c->a, cc, *w, dst, *m);
                expect(c, "cmov%s %s, %s", cc_names[cc], reg_text(*w, dst), M(*m));
            }
        }
    }
    compare_with_gnu_as(c);
}

static void test_cc_not(void **state)
{
    (void)state;
    assert_int_equal(cc_not(CC_O), CC_NO);
    assert_int_equal(cc_not(CC_AE), CC_B);
    assert_int_equal(cc_not(CC_BE), CC_A);
    assert_int_equal(cc_not(CC_G), CC_LE);
}

static void test_alu_registers(void **state)
{
    Cases *c = *state;
    for (AluOp op = ALU_ADD; op <= ALU_CMP; op++)
        EACH(Width, w, all_widths) EACH_REG(x)
        {
            EACH_REG(y)
            {
                x64_alu_rr(&c->a, op, *w, x, y);
                expect(c, "%s %s, %s", alu_names[op], reg_text(*w, x), reg_text(*w, y));
            }
            EACH(int32_t, imm, edge_imms)
            {
                x64_alu_ri(&c->a, op, *w, x, *imm);
                expect(c, "%s %s, %lld", alu_names[op], reg_text(*w, x), imm_text(*w, *imm));
            }
        }
    compare_with_gnu_as(c);
}

static void test_alu_memory(void **state)
{
    Cases *c = *state;
    for (AluOp op = ALU_ADD; op <= ALU_CMP; op++)
        EACH(Width, w, all_widths) EACH_MEM(m)
        {
            EACH_REG(r)
            {
                x64_alu_rm(&c->a, op, *w, r, *m);
                expect(c, "%s %s, %s", alu_names[op], reg_text(*w, r), M(*m));
                x64_alu_mr(&c->a, op, *w, *m, r);
                expect(c, "%s %s, %s", alu_names[op], M(*m), reg_text(*w, r));
            }
            EACH(int32_t, imm, edge_imms)
            {
                x64_alu_mi(&c->a, op, *w, *m, *imm);
                expect(c, "%s %s %s, %lld", alu_names[op], width_text(*w), M(*m), imm_text(*w, *imm));
            }
        }
    compare_with_gnu_as(c);
}

/* TEST with a non-negative immediate sets the same flags in the narrowest width that keeps its sign clear. */
static Width test_width(Width w, long long imm)
{
    if (imm >= 0 && imm <= 127)
        return W8;
    return w == W64 && imm >= 0 ? W32 : w;
}

static void test_test(void **state)
{
    Cases *c = *state;
    EACH(Width, w, all_widths)
    {
        EACH_REG(x)
        {
            EACH_REG(y)
            {
                x64_test_rr(&c->a, *w, x, y);
                expect(c, "test %s, %s", reg_text(*w, x), reg_text(*w, y));
            }
            EACH(int32_t, imm, edge_imms)
            {
                long long value = imm_text(*w, *imm);
                x64_test_ri(&c->a, *w, x, *imm);
                expect(c, "test %s, %lld", reg_text(test_width(*w, value), x), value);
            }
        }
        EACH_MEM(m) EACH(int32_t, imm, edge_imms)
        {
            x64_test_mi(&c->a, *w, *m, *imm);
            expect(c, "test %s %s, %lld", width_text(*w), M(*m), imm_text(*w, *imm));
        }
    }
    compare_with_gnu_as(c);
}

static void test_shifts(void **state)
{
    static const unsigned counts[] = {0, 1, 2, 7, 8, 31, 63};
    Cases *c = *state;
    EACH_REG(x)
    {
        for (unsigned op = 0; op < 8; op++)
            EACH(Width, w, all_widths)
            {
                if (!shift_names[op])
                    continue;
                x64_shift_cl(&c->a, (ShiftOp)op, *w, x);
                expect(c, "%s %s, cl", shift_names[op], reg_text(*w, x));
                EACH(unsigned, n, counts)
                {
                    x64_shift_ri(&c->a, (ShiftOp)op, *w, x, *n);
                    expect(c, "%s %s, %u", shift_names[op], reg_text(*w, x), *n);
                }
            }
        EACH_REG(y) EACH(Width, w, wide_widths) EACH(unsigned, n, counts)
        {
            x64_shld_ri(&c->a, *w, x, y, *n);
            expect(c, "shld %s, %s, %u", reg_text(*w, x), reg_text(*w, y), *n);
            x64_shrd_ri(&c->a, *w, x, y, *n);
            expect(c, "shrd %s, %s, %u", reg_text(*w, x), reg_text(*w, y), *n);
        }
    }
    compare_with_gnu_as(c);
}

static void test_multiply_and_unary(void **state)
{
    static const char *const names[8] = {NULL, NULL, "not", "neg", "mul", "imul", "div", "idiv"};
    Cases *c = *state;
    EACH_REG(x)
    {
        EACH(Width, w, all_widths) for (UnaryOp op = UNARY_NOT; op <= UNARY_IDIV; op++)
        {
            x64_unary(&c->a, op, *w, x);
            expect(c, "%s %s", names[op], reg_text(*w, x));
        }
        EACH_REG(y) EACH(Width, w, wide_widths)
        {
            x64_imul_rr(&c->a, *w, x, y);
            expect(c, "imul %s, %s", reg_text(*w, x), reg_text(*w, y));
            EACH(int32_t, imm, edge_imms)
            {
                x64_imul_rri(&c->a, *w, x, y, *imm);
                expect(c, "imul %s, %s, %lld", reg_text(*w, x), reg_text(*w, y), imm_text(*w, *imm));
            }
        }
    }
    compare_with_gnu_as(c);
}

static void test_bits(void **state)
{
    static const unsigned bits[] = {0, 1, 15, 31, 63};
    Cases *c = *state;
    EACH_REG(x) EACH(Width, w, big_widths)
    {
        x64_bswap(&c->a, *w, x);
        expect(c, "bswap %s", reg_text(*w, x));
        EACH(unsigned, bit, bits)
        {
            x64_bt_ri(&c->a, *w, x, *bit);
            expect(c, "bt %s, %u", reg_text(*w, x), *bit);
        }
        EACH_REG(y)
        {
            x64_bsr(&c->a, *w, x, y);
            expect(c, "bsr %s, %s", reg_text(*w, x), reg_text(*w, y));
            x64_lzcnt(&c->a, *w, x, y);
            expect(c, "lzcnt %s, %s", reg_text(*w, x), reg_text(*w, y));
            EACH(unsigned, n, bits)
            {
                x64_rorx(&c->a, *w, x, y, *n);
                expect(c, "rorx %s, %s, %u", reg_text(*w, x), reg_text(*w, y), *n);
            }
        }
    }
    EACH_MEM(m) EACH(Width, w, wide_widths) EACH(unsigned, bit, bits)
    {
        x64_bt_mi(&c->a, *w, *m, *bit);
        expect(c, "bt %s %s, %u", width_text(*w), M(*m), *bit);
    }
    compare_with_gnu_as(c);
}

static void test_three_registers(void **state)
{
    static const ShiftOp ops[] = {SHIFT_OP_SHL, SHIFT_OP_SHR, SHIFT_OP_SAR};
    Cases *c = *state;
    EACH(Width, w, big_widths) EACH_REG(x) EACH_REG(y) EACH_REG(z)
    {
        /* All pairs of two, with the third one following; all three at once would be 32768 cases. */
        if (((unsigned)x + y + z) % 4 != 0)
            continue;
        EACH(ShiftOp, op, ops)
        {
            x64_shiftx(&c->a, *op, *w, x, y, z);
            expect(c, "%sx %s, %s, %s", shift_names[*op], reg_text(*w, x), reg_text(*w, y), reg_text(*w, z));
        }
        x64_andn(&c->a, *w, x, y, z);
        expect(c, "andn %s, %s, %s", reg_text(*w, x), reg_text(*w, y), reg_text(*w, z));
    }
    compare_with_gnu_as(c);
}

static void test_memory_only_and_plain(void **state)
{
    Cases *c = *state;
    EACH_MEM(m)
    {
        EACH_REG(r) EACH(Width, w, all_widths)
        {
            x64_lock_cmpxchg(&c->a, *w, *m, r);
            expect(c, ".byte 0xf0\ncmpxchg %s, %s", M(*m), reg_text(*w, r)); /* LOCK comes first */
        }
        x64_jmp_m(&c->a, *m);
        expect(c, "jmp qword ptr %s", M(*m));
    }
    EACH_REG(r)
    {
        x64_push(&c->a, r);
        expect(c, "push %s", reg_text(W64, r));
        x64_pop(&c->a, r);
        expect(c, "pop %s", reg_text(W64, r));
        x64_jmp_r(&c->a, r);
        expect(c, "jmp %s", reg_text(W64, r));
        x64_call_r(&c->a, r);
        expect(c, "call %s", reg_text(W64, r));
    }
    x64_cdq(&c->a);
    expect(c, "cdq");
    x64_cmc(&c->a);
    expect(c, "cmc");
    x64_ret(&c->a);
    expect(c, "ret");
    x64_int3(&c->a);
    expect(c, "int3");
    compare_with_gnu_as(c);
}

int main(void)
{
#define AGAINST_AS(test) cmocka_unit_test_setup_teardown(test, cases_new, cases_free)
    const struct CMUnitTest tests[] = {
        AGAINST_AS(test_addresses),
        AGAINST_AS(test_mov_registers),
        AGAINST_AS(test_mov_immediate),
        AGAINST_AS(test_loads_and_stores),
        AGAINST_AS(test_conditions),
        cmocka_unit_test(test_cc_not),
        AGAINST_AS(test_alu_registers),
        AGAINST_AS(test_alu_memory),
        AGAINST_AS(test_test),
        AGAINST_AS(test_shifts),
        AGAINST_AS(test_multiply_and_unary),
        AGAINST_AS(test_bits),
        AGAINST_AS(test_three_registers),
        AGAINST_AS(test_memory_only_and_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
