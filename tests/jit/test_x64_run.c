/* Generated functions, run through the code buffer's executable view. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cpuid.h>

#include <cmocka.h>

#include "jit/codebuf.h"
#include "jit/x64_sse.h"

typedef uint64_t (*Function)(uint64_t x, uint64_t y);

typedef struct Code {
    CodeBuf buf;
    Asm a;
} Code;

static int code_new(void **state)
{
    Code *c = calloc(1, sizeof *c);
    Error err;
    if (!c || !codebuf_new(&c->buf, 1 << 16, &err))
        return -1;
    c->a = (Asm){.at = c->buf.write, .end = c->buf.write + c->buf.size, .to_run = c->buf.run - c->buf.write};
    *state = c;
    return 0;
}

static int code_free(void **state)
{
    Code *c = *state;
    codebuf_free(&c->buf);
    free(c);
    return 0;
}

/* The executable address of a place in the writable view. */
static const uint8_t *to_run(const Code *c, const uint8_t *at)
{
    return at + c->a.to_run;
}

static uint64_t run(const Code *c, const uint8_t *at, uint64_t x, uint64_t y)
{
    const uint8_t *entry = to_run(c, at);
    Function function;
    assert_false(c->a.full);
    memcpy(&function, &entry, sizeof function);
    return function(x, y);
}

/* 3 (x + y) - 7 through registers that need prefixes, and back. */
static void test_arithmetic(void **state)
{
    Code *c = *state;
    Asm *a = &c->a;
    x64_push(a, R12);
    x64_mov_rr(a, W64, R12, RDI);
    x64_alu_rr(a, ALU_ADD, W64, R12, RSI);
    x64_imul_rri(a, W64, R9, R12, 3);
    x64_alu_ri(a, ALU_SUB, W64, R9, 7);
    x64_mov_rr(a, W64, RAX, R9);
    x64_pop(a, R12);
    x64_ret(a);
    assert_int_equal(run(c, c->buf.write, 5, 6), 26);
    assert_int_equal(run(c, c->buf.write, 0, 0), (uint64_t)-7);
    assert_int_equal(run(c, c->buf.write, 1ull << 40, 1), 3 * ((1ull << 40) + 1) - 7);
}

static void test_immediates(void **state)
{
    static const uint64_t imms[] = {
        0,          1,         0x7fffffff,        0x80000000, 0xffffffff, 0x100000000, ~0ull, -0x80000000ull,
        1ull << 63, INT64_MAX, 0x0123456789abcdef};
    Code *c = *state;
    for (unsigned n = 0; n < sizeof imms / sizeof *imms; n++) {
        const uint8_t *at = c->a.at;
        x64_mov_ri(&c->a, R11, imms[n]);
        x64_mov_rr(&c->a, W64, RAX, R11);
        x64_ret(&c->a);
        assert_int_equal(run(c, at, 0, 0), imms[n]);
    }
}

/* What 32-bit operations leave in the upper half: nothing, even when they move a register to itself. */
static void test_upper_halves(void **state)
{
    Code *c = *state;
    Asm *a = &c->a;
    const uint64_t x = 0xfedcba9876543210;
    const uint8_t *tails[4];
    for (unsigned n = 0; n < 4; n++) {
        tails[n] = a->at;
        x64_mov_rr(a, W64, RAX, RDI);
        if (n == 0)
            x64_mov_rr(a, W32, RAX, RAX);
        else if (n == 1)
            x64_xchg_rr(a, W32, RAX, RAX);
        else if (n == 2)
            x64_movzx(a, W8, RAX, RDI);
        else
            x64_movsx(a, W16, RAX, RSI);
        x64_ret(a);
    }
    assert_int_equal(run(c, tails[0], x, 0), 0x76543210);
    assert_int_equal(run(c, tails[1], x, 0), 0x76543210);
    assert_int_equal(run(c, tails[2], x, 0), 0x10);
    assert_int_equal(run(c, tails[3], x, 0x8001), 0xffff8001);
}

/* The sum of 1 to x: a branch forwards, patched, and one back. */
static void test_loop(void **state)
{
    Code *c = *state;
    Asm *a = &c->a;
    x64_alu_rr(a, ALU_XOR, W32, RAX, RAX);
    const uint8_t *top = a->at;
    x64_test_rr(a, W64, RDI, RDI);
    Patch out = x64_jcc(a, CC_E);
    x64_alu_rr(a, ALU_ADD, W64, RAX, RDI);
    x64_alu_ri(a, ALU_SUB, W64, RDI, 1);
    x64_jmp_to(a, to_run(c, top));
    x64_patch(out, a->at);
    x64_ret(a);
    assert_int_equal(run(c, c->buf.write, 0, 0), 0);
    assert_int_equal(run(c, c->buf.write, 1, 0), 1);
    assert_int_equal(run(c, c->buf.write, 1000, 0), 500500);
}

/* For every condition: x64_jcc_to, x64_jcc_short, setcc and cmov agree with C after a comparison. */
static void test_conditions(void **state)
{
    static const int64_t values[] = {0, 1, -1, 2, -2, INT64_MAX, INT64_MIN};
    Code *c = *state;
    Asm *a = &c->a;
    for (Cc cc = CC_O; cc <= CC_G; cc++) {
        const uint8_t *taken = a->at;
        x64_alu_ri(a, ALU_OR, W32, RAX, 8);
        x64_ret(a);
        const uint8_t *entry = a->at;
        x64_mov_ri(a, RAX, 0);
        x64_mov_ri(a, RDX, 0);
        x64_mov_ri(a, RCX, 1);
        x64_alu_rr(a, ALU_CMP, W64, RDI, RSI);
        x64_cmov(a, cc, W32, RAX, RCX);
        x64_setcc_r(a, cc, RDX);
        x64_lea(a, W32, RAX, mem_index(RAX, RDX, 2, 0));
        Patch not_taken = x64_jcc_short(a, cc_not(cc));
        x64_lea(a, W32, RAX, mem_at(RAX, 4));
        x64_patch_short(not_taken, a->at);
        x64_jcc_to(a, cc, to_run(c, taken));
        x64_ret(a);
        for (unsigned n = 0; n < 49; n++) {
            int64_t x = values[n / 7], y = values[n % 7], difference;
            bool o = __builtin_sub_overflow(x, y, &difference), b = (uint64_t)x < (uint64_t)y, e = x == y;
            bool p = !(__builtin_popcount(difference & 0xff) & 1);
            bool even[8] = {o, b, e, b || e, difference < 0, p, x < y, x <= y};
            bool holds = even[cc / 2] != (cc & 1);
            assert_int_equal(run(c, entry, (uint64_t)x, (uint64_t)y), holds ? 15 : 0);
        }
    }
}

/* A link between two blocks, made and made anew after the code has run. */
static void test_patching(void **state)
{
    Code *c = *state;
    Asm *a = &c->a;
    const uint8_t *blocks[3];
    for (unsigned n = 0; n < 3; n++) {
        blocks[n] = a->at;
        x64_mov_ri(a, RAX, n + 100);
        x64_ret(a);
        x64_nop(a, 61 * (n + 1));
    }
    const uint8_t *entry = a->at;
    x64_nop(a, 23);
    Patch link = x64_jmp(a);
    const uint8_t *caller = a->at;
    x64_alu_ri(a, ALU_SUB, W64, RSP, 8);
    Patch called = x64_call(a);
    x64_alu_ri(a, ALU_ADD, W64, RSP, 8);
    x64_alu_ri(a, ALU_ADD, W32, RAX, 1000);
    x64_ret(a);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned n = 0; n < 3; n++) {
            x64_patch(link, blocks[n]);
            x64_patch(called, blocks[2 - n]);
            assert_int_equal(run(c, entry, 0, 0), n + 100);
            assert_int_equal(run(c, caller, 0, 0), 1102 - n);
        }
}

static uint64_t helper(uint64_t x, uint64_t y)
{
    return x * 1000 + y;
}

/* Calls: within the buffer, of a C function through a register, and jumps through a register and memory. */
static void test_calls(void **state)
{
    Code *c = *state;
    Asm *a = &c->a;
    const uint8_t *inner = a->at;
    x64_alu_ri(a, ALU_SUB, W64, RSP, 8);
    x64_mov_ri(a, R10, (uint64_t)(uintptr_t)helper);
    x64_call_r(a, R10);
    x64_alu_ri(a, ALU_ADD, W64, RSP, 8);
    x64_ret(a);
    const uint8_t *outer = a->at;
    x64_push(a, RBX);
    x64_call_to(a, to_run(c, inner));
    x64_alu_ri(a, ALU_ADD, W64, RAX, 5);
    x64_pop(a, RBX);
    x64_ret(a);
    assert_int_equal(run(c, outer, 3, 4), 3009);

    const uint8_t *by_register = a->at;
    x64_mov_ri(a, R11, (uint64_t)(uintptr_t)to_run(c, outer));
    x64_jmp_r(a, R11);
    assert_int_equal(run(c, by_register, 5, 6), 5011);

    const uint8_t *table[4] = {NULL, NULL, to_run(c, inner), to_run(c, outer)};
    const uint8_t *by_memory = a->at;
    x64_mov_ri(a, R11, (uint64_t)(uintptr_t)table);
    x64_jmp_m(a, mem_index(R11, RSI, 8, 16));
    assert_int_equal(run(c, by_memory, 7, 0), 7000);
    assert_int_equal(run(c, by_memory, 7, 1), 7006);
}

/* Loads and stores of each width leave the neighbours alone. */
static void test_memory(void **state)
{
    Code *c = *state;
    Asm *a = &c->a;
    uint8_t bytes[32], expected[32];
    for (unsigned n = 0; n < sizeof bytes; n++)
        bytes[n] = expected[n] = (uint8_t)(0x81 + n);
    /* RSI, whose low byte needs a prefix, at four places; then constants. */
    x64_store(a, W8, mem_at(RDI, 1), RSI);
    x64_store(a, W16, mem_at(RDI, 4), RSI);
    x64_store(a, W32, mem_at(RDI, 8), RSI);
    x64_store_imm(a, W16, mem_at(RDI, 14), 0x1234);
    x64_store(a, W64, mem_at(RDI, 16), RSI);
    x64_alu_mi(a, ALU_XOR, W8, mem_at(RDI, 25), 0xff);
    x64_load_signed(a, W8, RAX, mem_at(RDI, 0));
    x64_load(a, W8, RCX, mem_at(RDI, 0));
    x64_alu_rr(a, ALU_SUB, W64, RAX, RCX);
    x64_load_signed(a, W32, RCX, mem_at(RDI, 26));
    x64_alu_rr(a, ALU_ADD, W64, RAX, RCX);
    x64_ret(a);
    uint64_t value = 0x1122334455667788;
    memcpy(expected + 1, &value, 1);
    memcpy(expected + 4, &value, 2);
    memcpy(expected + 8, &value, 4);
    memcpy(expected + 14, "\x34\x12", 2);
    memcpy(expected + 16, &value, 8);
    expected[25] ^= 0xff;
    int32_t loaded;
    memcpy(&loaded, expected + 26, 4);
    uint64_t result = run(c, c->buf.write, (uint64_t)(uintptr_t)bytes, value);
    assert_memory_equal(bytes, expected, sizeof bytes);
    assert_int_equal(result, (uint64_t)0xffffff81 - 0x81 + (uint64_t)(int64_t)loaded);
}

/* The sequences of x64_nop() of every length are as long as asked and do nothing. */
static void test_nops(void **state)
{
    Code *c = *state;
    Asm *a = &c->a;
    for (unsigned n = 0; n < 40; n++) {
        const uint8_t *entry = a->at;
        x64_nop(a, n);
        assert_int_equal(a->at - entry, n);
        x64_lea(a, W64, RAX, mem_index(RDI, RSI, 4, 0));
        x64_ret(a);
        assert_int_equal(run(c, entry, 1, n), 1 + 4 * n);
    }
}

/* sqrt(x) + y in doubles with high registers, and the rounding mode of MXCSR. */
static void test_floating_point(void **state)
{
    Code *c = *state;
    Asm *a = &c->a;
    x64_cvt_xr(a, SSE_CVTSI2SD, W64, XMM9, RDI);
    x64_movd_xr(a, W64, XMM15, RSI);
    x64_sse_rr(a, SSE_SQRTSD, XMM8, XMM9);
    x64_sse_rr(a, SSE_ADDSD, XMM8, XMM15);
    x64_movd_rx(a, W64, RAX, XMM8);
    x64_ret(a);
    double y = 0.25, result;
    uint64_t bits;
    memcpy(&bits, &y, 8);
    bits = run(c, c->buf.write, 144, bits);
    memcpy(&result, &bits, 8);
    assert_true(result == 12.25);

    const uint8_t *entry = a->at;
    uint32_t saved = 0, up = 0x1f80 | 2 << 13;
    x64_stmxcsr(a, mem_at(RDI, 0));
    x64_ldmxcsr(a, mem_at(RDI, 4));
    x64_movd_xr(a, W64, XMM1, RSI);
    x64_cvt_rx(a, SSE_CVTSD2SI, W32, RAX, XMM1);
    x64_ldmxcsr(a, mem_at(RDI, 0));
    x64_ret(a);
    uint32_t words[2] = {saved, up};
    memcpy(&bits, &y, 8);
    assert_int_equal(run(c, entry, (uint64_t)(uintptr_t)words, bits), 1);
    assert_int_equal(words[0] & 0x6000, 0);
}

/* Lanes: spread a byte, compare, shift by an immediate, take out a mask. */
static void test_lanes(void **state)
{
    Code *c = *state;
    Asm *a = &c->a;
    uint8_t bytes[16];
    for (unsigned n = 0; n < 16; n++)
        bytes[n] = (uint8_t)(n % 5);
    x64_sse_rm(a, SSE_MOVDQU, XMM10, mem_at(RDI, 0));
    x64_movd_xr(a, W32, XMM2, RSI);
    x64_sse_rr(a, SSE_PUNPCKLBW, XMM2, XMM2);
    x64_sse_rri(a, SSE_PSHUFLW, XMM2, XMM2, 0);
    x64_sse_rri(a, SSE_PSHUFD, XMM2, XMM2, 0);
    x64_sse_rr(a, SSE_PCMPEQB, XMM2, XMM10);
    x64_cvt_rx(a, SSE_PMOVMSKB, W32, RAX, XMM2);
    x64_sse_shift_i(a, SSE_PSHIFTW_I, SSE_SLL, XMM10, 4);
    x64_sse_mr(a, SSE_MOVUPS_M, mem_at(RDI, 0), XMM10);
    x64_ret(a);
    unsigned mask = 0;
    for (unsigned n = 0; n < 16; n++)
        mask |= (unsigned)(n % 5 == 3) << n;
    assert_int_equal(run(c, c->buf.write, (uint64_t)(uintptr_t)bytes, 3), mask);
    for (unsigned n = 0; n < 16; n++)
        assert_int_equal(bytes[n], n % 5 << 4);
}

static bool host_has_lzcnt(void)
{
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && (ecx & 1 << 5);
}

/* The instructions of newer hosts, where this host has them. */
static void test_bmi(void **state)
{
    Code *c = *state;
    Asm *a = &c->a;
    if (!__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2") || !host_has_lzcnt())
        skip();
    x64_shiftx(a, SHIFT_OP_SHL, W32, RAX, RDI, RSI); /* x << y */
    x64_shiftx(a, SHIFT_OP_SAR, W32, R8, RDI, RSI);
    x64_alu_rr(a, ALU_XOR, W32, RAX, R8); /* ^ (x asr y) */
    x64_shiftx(a, SHIFT_OP_SHR, W32, R9, RDI, RSI);
    x64_rorx(a, W32, R9, R9, 9);
    x64_alu_rr(a, ALU_ADD, W32, RAX, R9); /* + (x lsr y) ror 9 */
    x64_andn(a, W32, R10, RSI, RDI);
    x64_alu_rr(a, ALU_SUB, W32, RAX, R10); /* - (x & ~y) */
    x64_lzcnt(a, W32, R11, RSI);
    x64_alu_rr(a, ALU_ADD, W32, RAX, R11); /* + clz(y) */
    x64_ret(a);
    for (unsigned y = 1; y < 32; y++) {
        uint32_t x = 0x9e3779b9 * y, right = x >> y;
        uint32_t result = (x << y) ^ (uint32_t)((int32_t)x >> y);
        result += (right >> 9 | right << 23) - (x & ~y) + (unsigned)__builtin_clz(y);
        assert_int_equal(run(c, c->buf.write, x, y), result);
    }
}

int main(void)
{
#define WITH_CODE(test) cmocka_unit_test_setup_teardown(test, code_new, code_free)
    const struct CMUnitTest tests[] = {
        WITH_CODE(test_arithmetic),     WITH_CODE(test_immediates), WITH_CODE(test_upper_halves),
        WITH_CODE(test_loop),           WITH_CODE(test_conditions), WITH_CODE(test_patching),
        WITH_CODE(test_calls),          WITH_CODE(test_memory),     WITH_CODE(test_nops),
        WITH_CODE(test_floating_point), WITH_CODE(test_lanes),      WITH_CODE(test_bmi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
