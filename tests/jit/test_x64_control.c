/* Branches, patches and no-operations against GNU as; targets out of reach; buffers without room. */
#include "tests/jit/gnu_as.h"

#define EACH(type, item, array) for (const type *item = array; item < array + COUNT(array); item++)

static const char *const cc_names[16] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                         "s", "ns", "p", "np", "l", "ge", "le", "g"};

static void test_nop(void **state)
{
    static const char *const texts[] = {
        "nop",
        "xchg ax, ax",
        "nop dword ptr [rax]",
        "{disp8} nop dword ptr [rax]",
        "{disp8} nop dword ptr [rax+rax*1]",
        "{disp8} nop word ptr [rax+rax*1]",
        "{disp32} nop dword ptr [rax]",
        "{disp32} nop dword ptr [rax+rax*1]",
        "{disp32} nop word ptr [rax+rax*1]",
    };
    Cases *c = *state;
    for (unsigned n = 1; n <= 9; n++) {
        x64_nop(&c->a, n);
        expect(c, "%s", texts[n - 1]);
    }
    for (unsigned n = 10; n < 15; n++) {
        x64_nop(&c->a, n);
        expect(c, "%s\n%s", texts[8], texts[n - 10]);
    }
    x64_nop(&c->a, 0);
    assert_ptr_equal(c->a.at, c->code);
    compare_with_gnu_as(c);
}

/* `.` is where the instruction starts, at whichever of the two addresses. */
static void test_branches(void **state)
{
    static const int distances[] = {0, 2, 1, -1, -126, -127, 129, 130, 200, -1000, 0x10000000, -0x10000000};
    static const int64_t to_runs[] = {0, 0x10000, -0x123456};
    Cases *c = *state;
    EACH(int64_t, to_run, to_runs) EACH(int, d, distances)
    {
        const void *target = (const void *)((intptr_t)c->code + (intptr_t)*to_run + *d);
        c->a.to_run = *to_run;
        x64_jmp_to(&c->a, target);
        expect(c, "jmp .%+d", *d);
        c->a.to_run = *to_run;
        x64_call_to(&c->a, target);
        expect(c, "call .%+d", *d);
        for (Cc cc = CC_O; cc <= CC_G; cc++) {
            c->a.to_run = *to_run;
            x64_jcc_to(&c->a, cc, target);
            expect(c, "j%s .%+d", cc_names[cc], *d);
        }
    }
    compare_with_gnu_as(c);
}

static void test_patches(void **state)
{
    static const int distances[] = {0, 2, -126, 129, 0x10000000, -0x10000000};
    Cases *c = *state;
    EACH(int, d, distances)
    {
        const uint8_t *target = (const uint8_t *)((uintptr_t)c->code + (intptr_t)*d);
        c->a.to_run = 0x5000; /* of no consequence: the two views are equally far apart everywhere */
        x64_patch(x64_jmp(&c->a), target);
        expect(c, "{disp32} jmp .%+d", *d);
        x64_patch(x64_call(&c->a), target);
        expect(c, "call .%+d", *d);
        for (Cc cc = CC_O; cc <= CC_G; cc++) {
            x64_patch(x64_jcc(&c->a, cc), target);
            expect(c, "{disp32} j%s .%+d", cc_names[cc], *d);
            if (*d < -126 || *d > 129)
                continue;
            x64_patch_short(x64_jcc_short(&c->a, cc), target);
            expect(c, "j%s .%+d", cc_names[cc], *d);
            x64_patch_short(x64_jmp_short(&c->a), target);
            expect(c, "jmp .%+d", *d);
        }
    }
    compare_with_gnu_as(c);
}

/* Exactly at the ends of what 32 bits reach, and one further. */
static void test_reach(void **state)
{
    (void)state;
    uint8_t code[64];
    for (int past = 0; past < 2; past++)
        for (int back = 0; back < 2; back++)
            for (int kind = 0; kind < 3; kind++) {
                Asm a = {.at = code, .end = code + sizeof code, .to_run = INT64_C(1) << 40};
                unsigned length = kind == 0 ? 6 : 5;
                int64_t disp = back ? (int64_t)INT32_MIN - past : (int64_t)INT32_MAX + past;
                const void *target = (const void *)((intptr_t)code + (intptr_t)a.to_run + length + disp);
                if (kind == 0)
                    x64_jcc_to(&a, CC_NE, target);
                else if (kind == 1)
                    x64_jmp_to(&a, target);
                else
                    x64_call_to(&a, target);
                assert_int_equal(a.full, past);
                assert_ptr_equal(a.at, code + (past ? 0 : length));
                int32_t written;
                memcpy(&written, code + length - 4, 4);
                if (!past)
                    assert_int_equal(written, disp);
            }
}

/* clang-format off */
static void all_moves(Asm *a, unsigned n)
{
    Mem m = {R12, R13, 8, INT32_MIN};
    switch (n) {
    case 0: x64_mov_rr(a, W64, R8, R9); break;
    case 1: x64_mov_ri(a, R8, UINT64_MAX / 3); break;
    case 2: x64_load(a, W64, R8, m); break;
    case 3: x64_load_signed(a, W32, R8, m); break;
    case 4: x64_store(a, W16, m, R8); break;
    case 5: x64_store_imm(a, W64, m, INT32_MAX); break;
    case 6: x64_movzx(a, W8, R8, R9); break;
    case 7: x64_movsx(a, W32, R8, R9); break;
    case 8: x64_lea(a, W64, R8, m); break;
    case 9: x64_cmov(a, CC_E, W64, R8, R9); break;
    case 10: x64_cmov_rm(a, CC_E, W64, R8, m); break;
    case 11: x64_setcc_r(a, CC_E, R8); break;
    case 12: x64_setcc_m(a, CC_E, m); break;
    case 13: x64_xchg_rr(a, W64, R8, R9); break;
    case 14: x64_push(a, R8); break;
    case 15: x64_pop(a, R8); break;
    }
}

static void all_arithmetic(Asm *a, unsigned n)
{
    Mem m = {R12, R13, 8, INT32_MIN};
    switch (n) {
    case 0: x64_alu_rr(a, ALU_ADD, W64, R8, R9); break;
    case 1: x64_alu_ri(a, ALU_ADD, W64, R8, INT32_MAX); break;
    case 2: x64_alu_rm(a, ALU_ADD, W16, R8, m); break;
    case 3: x64_alu_mr(a, ALU_ADD, W16, m, R8); break;
    case 4: x64_alu_mi(a, ALU_ADD, W64, m, INT32_MAX); break;
    case 5: x64_test_rr(a, W64, R8, R9); break;
    case 6: x64_test_ri(a, W64, R8, INT32_MIN); break;
    case 7: x64_test_mi(a, W64, m, INT32_MAX); break;
    case 8: x64_shift_ri(a, SHIFT_OP_SHL, W64, R8, 2); break;
    case 9: x64_shift_cl(a, SHIFT_OP_SHL, W64, R8); break;
    case 10: x64_shld_ri(a, W64, R8, R9, 2); break;
    case 11: x64_shrd_ri(a, W64, R8, R9, 2); break;
    case 12: x64_unary(a, UNARY_NEG, W64, R8); break;
    case 13: x64_imul_rr(a, W64, R8, R9); break;
    case 14: x64_imul_rri(a, W64, R8, R9, INT32_MAX); break;
    case 15: x64_cdq(a); break;
    case 16: x64_bswap(a, W64, R8); break;
    case 17: x64_bt_ri(a, W64, R8, 63); break;
    case 18: x64_bt_mi(a, W64, m, 63); break;
    case 19: x64_bsr(a, W64, R8, R9); break;
    case 20: x64_cmc(a); break;
    case 21: x64_lock_cmpxchg(a, W16, m, R8); break;
    case 22: x64_lzcnt(a, W64, R8, R9); break;
    case 23: x64_shiftx(a, SHIFT_OP_SAR, W64, R8, R9, R10); break;
    case 24: x64_rorx(a, W64, R8, R9, 1); break;
    case 25: x64_andn(a, W64, R8, R9, R10); break;
    }
}

/* The forward branches return no patch when they wrote nothing. */
static void all_control(Asm *a, unsigned n)
{
    Mem m = {R12, R13, 8, INT32_MIN};
    const uint8_t *far_away = a->at + 0x1000000;
    switch (n) {
    case 0: x64_patch(x64_jcc(a, CC_E), far_away); break;
    case 1: x64_patch(x64_jmp(a), far_away); break;
    case 2: x64_patch(x64_call(a), far_away); break;
    case 3: x64_patch_short(x64_jcc_short(a, CC_E), a->at); break;
    case 4: x64_patch_short(x64_jmp_short(a), a->at); break;
    case 5: x64_jcc_to(a, CC_E, far_away); break;
    case 6: x64_jmp_to(a, far_away); break;
    case 7: x64_call_to(a, far_away); break;
    case 8: x64_jmp_r(a, R8); break;
    case 9: x64_jmp_m(a, m); break;
    case 10: x64_call_r(a, R8); break;
    case 11: x64_ret(a); break;
    case 12: x64_int3(a); break;
    case 13: x64_nop(a, 9); break;
    }
}

static void all_sse(Asm *a, unsigned n)
{
    static const SseOp op = {0x66, 0x0f3a, 0x0f};
    Mem m = {R12, R13, 8, INT32_MIN};
    switch (n) {
    case 0: x64_sse_rr(a, op, XMM8, XMM9); break;
    case 1: x64_sse_rm(a, op, XMM8, m); break;
    case 2: x64_sse_mr(a, op, m, XMM8); break;
    case 3: x64_sse_rri(a, op, XMM8, XMM9, 1); break;
    case 4: x64_sse_rmi(a, op, XMM8, m, 1); break;
    case 5: x64_sse_mri(a, op, m, XMM8, 1); break;
    case 6: x64_sse_shift_i(a, op, 2, XMM8, 1); break;
    case 7: x64_movd_xr(a, W64, XMM8, R9); break;
    case 8: x64_movd_rx(a, W64, R8, XMM9); break;
    case 9: x64_cvt_rx(a, op, W64, R8, XMM9); break;
    case 10: x64_cvt_xr(a, op, W64, XMM8, R9); break;
    case 11: x64_pinsr(a, op, W64, XMM8, R9, 1); break;
    case 12: x64_pextr(a, op, W64, R8, XMM9, 1); break;
    case 13: x64_ldmxcsr(a, m); break;
    case 14: x64_stmxcsr(a, m); break;
    }
}
/* clang-format on */

/* Every function writes nothing into too little room, then or later, and stays in X64_MAX_INSN bytes. */
static void test_no_room(void **state)
{
    static const struct {
        void (*emit)(Asm *a, unsigned n);
        unsigned count;
    } groups[] = {
        {all_moves,      16},
        {all_arithmetic, 26},
        {all_control,    14},
        {all_sse,        15}
    };
    (void)state;
    for (unsigned g = 0; g < COUNT(groups); g++)
        for (unsigned n = 0; n < groups[g].count; n++)
            for (unsigned left = 0; left <= X64_MAX_INSN; left++) {
                uint8_t code[64], untouched[64];
                memset(code, 0xa5, sizeof code);
                memset(untouched, 0xa5, sizeof untouched);
                Asm a = {.at = code, .end = code + left};
                groups[g].emit(&a, n);
                assert_int_equal(a.full, left < X64_MAX_INSN);
                assert_int_equal(a.at > code, left == X64_MAX_INSN);
                assert_true(a.at <= a.end);
                assert_memory_equal(a.at, untouched, (size_t)(code + sizeof code - a.at));
                if (!a.full)
                    continue;
                a.end = code + sizeof code;
                groups[g].emit(&a, n);
                assert_ptr_equal(a.at, code);
            }
}

int main(void)
{
#define AGAINST_AS(test) cmocka_unit_test_setup_teardown(test, cases_new, cases_free)
    const struct CMUnitTest tests[] = {
        AGAINST_AS(test_nop),         AGAINST_AS(test_branches),      AGAINST_AS(test_patches),
        cmocka_unit_test(test_reach), cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
