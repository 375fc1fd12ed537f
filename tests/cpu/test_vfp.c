/* VFP instructions: who may execute them, special registers, moves, loads and stores, and each operation
 * once. */
#include "tests/cpu/one_insn.h"

#include "cpu/fp.h"

#define ONE 0x3f800000u
#define TWO 0x40000000u
#define THREE 0x40400000u

enum { FPEXC_EN = 1 << 30, FPEXC_DEX = 1 << 29 };

static void write_cpacr(Bench *b, uint32_t value)
{
    b->cpu->cp15.cpacr = value;
    fpu_update_access(b->cpu);
}

static void write_fpexc(Bench *b, uint32_t value)
{
    b->cpu->fpexc = value;
    fpu_update_access(b->cpu);
}

static void write_fpscr(Bench *b, uint32_t value)
{
    b->cpu->fpscr = value;
    fpu_update_access(b->cpu);
}

/* SVC mode, everything enabled. */
static Bench enabled_bench(void)
{
    Bench b;
    bench_init(&b);
    b.cpu->fpexc = FPEXC_EN;
    write_cpacr(&b, 0xf << 20);
    return b;
}

static void executes(Bench *b, uint32_t raw)
{
    CpuMode mode = b->cpu->mode;
    if (run_a32(b, raw) & LEAVE_FAULT)
        fail_msg("%#x was refused", raw);
    assert_int_equal(b->cpu->mode, mode);
}

/* Undefined Instruction is taken; the mode is then put back. */
static void refused(Bench *b, uint32_t raw)
{
    CpuMode mode = b->cpu->mode;
    if (!(run_a32(b, raw) & LEAVE_FAULT))
        fail_msg("%#x was executed", raw);
    assert_int_equal(b->cpu->mode, MODE_UND);
    cpu_switch_mode(b->cpu, mode);
}

/* ---- Access ---- */

enum {
    VADD_S0_S1_S2 = 0xee300a81,
    VADD_D0_D1_D2 = 0xee310b02,
    VADD_D16_D1_D2 = 0xee710b02,
    VADD_D0_D1_D31 = 0xee310b2f,
    VMOV_8_D1_3_R2 = 0xee412b70,
    VMOV_32_D1_1_R2 = 0xee212b10,
    VMRS_FPSID = 0xeef00a10,
    VMRS_FPSCR = 0xeef10a10,
    VMRS_MVFR1 = 0xeef60a10,
    VMRS_MVFR0 = 0xeef70a10,
    VMRS_FPEXC = 0xeef80a10,
    VMRS_FPINST = 0xeef90a10,
    VMRS_FLAGS = 0xeef1fa10,
    VMSR_FPSID = 0xeee00a10,
    VMSR_FPSCR = 0xeee10a10,
    VMSR_FPEXC = 0xeee80a10,
    VMSR_FPINST = 0xeee90a10,
    VADD_I8_D0_D1_D2 = 0xf2010802
};

static void access_by_cpacr(void **state)
{
    (void)state;
    Bench b = enabled_bench();
    write_cpacr(&b, 0);
    refused(&b, VADD_S0_S1_S2);
    refused(&b, VMRS_FPEXC);
    write_cpacr(&b, 0xa << 20); /* reserved */
    refused(&b, VADD_S0_S1_S2);
    write_cpacr(&b, 0x5 << 20); /* privileged modes only */
    executes(&b, VADD_S0_S1_S2);
    executes(&b, VMRS_FPEXC);
    cpu_switch_mode(b.cpu, MODE_USR);
    refused(&b, VADD_S0_S1_S2);
    refused(&b, VMRS_FPSCR);
    write_cpacr(&b, 0xf << 20);
    executes(&b, VADD_S0_S1_S2);
    executes(&b, VMRS_FPSCR);
    executes(&b, VADD_I8_D0_D1_D2);
    bench_done(&b);
}

static void access_by_fpexc(void **state)
{
    (void)state;
    Bench b = enabled_bench();
    write_fpexc(&b, 0);
    refused(&b, VADD_S0_S1_S2);
    refused(&b, VADD_I8_D0_D1_D2);
    refused(&b, VMRS_FPSCR);
    refused(&b, VMSR_FPSCR);
    refused(&b, VMRS_FLAGS);
    executes(&b, VMRS_FPSID);
    executes(&b, VMRS_MVFR0);
    executes(&b, VMRS_FPEXC);
    assert_int_equal(b.cpu->r[0], 0);
    b.cpu->r[0] = FPEXC_EN;
    executes(&b, VMSR_FPEXC);
    executes(&b, VADD_S0_S1_S2);
    cpu_switch_mode(b.cpu, MODE_USR);
    executes(&b, VADD_S0_S1_S2);
    refused(&b, VMRS_FPEXC);
    refused(&b, VMRS_FPSID);
    refused(&b, VMSR_FPEXC);
    bench_done(&b);
}

static void access_from_the_non_secure_state(void **state)
{
    (void)state;
    Bench b = enabled_bench();
    b.cpu->cp15.scr = 1; /* NS */
    b.cpu->secure = false;
    b.cpu->cp15.nsacr = 0;
    fpu_update_access(b.cpu);
    refused(&b, VADD_S0_S1_S2);
    b.cpu->cp15.nsacr = 3 << 10;
    fpu_update_access(b.cpu);
    executes(&b, VADD_D0_D1_D31);
    executes(&b, VADD_I8_D0_D1_D2);
    b.cpu->cp15.nsacr = 3 << 10 | 1 << 15; /* NSASEDIS */
    fpu_update_access(b.cpu);
    executes(&b, VADD_D0_D1_D31);
    refused(&b, VADD_I8_D0_D1_D2);
    b.cpu->cp15.nsacr = 3 << 10 | 3 << 14; /* and NSD32DIS */
    fpu_update_access(b.cpu);
    executes(&b, VADD_D0_D1_D2);
    refused(&b, VADD_D0_D1_D31);
    b.cpu->cp15.scr = 0;
    b.cpu->secure = true;
    fpu_update_access(b.cpu);
    executes(&b, VADD_D0_D1_D31);
    bench_done(&b);
}

static void disabled_registers_and_simd(void **state)
{
    (void)state;
    Bench b = enabled_bench();
    write_cpacr(&b, 0xf << 20 | 1u << 31); /* ASEDIS */
    refused(&b, VADD_I8_D0_D1_D2);
    refused(&b, VMOV_8_D1_3_R2);
    refused(&b, 0xeee61b10); /* vdup.8 q3, r1 */
    executes(&b, VMOV_32_D1_1_R2);
    executes(&b, VADD_D16_D1_D2);
    write_cpacr(&b, 0xf << 20 | 3u << 30); /* and D32DIS */
    executes(&b, VADD_S0_S1_S2);
    executes(&b, VADD_D0_D1_D2);
    executes(&b, VMRS_FPSCR);
    refused(&b, VADD_D16_D1_D2);
    refused(&b, VADD_D0_D1_D31);
    refused(&b, 0xee212b90); /* vmov.32 d17[1], r2 */
    refused(&b, 0xec432b34); /* vmov d20, r2, r3 */
    b.cpu->r[1] = RAM_BASE + 0x1000;
    refused(&b, 0xed21fb08); /* vstmdb r1!, {d15-d18} */
    refused(&b, 0xeddf3b04); /* vldr d19, [pc, #16] */
    assert_int_equal(b.cpu->r[1], RAM_BASE + 0x1000);
    bench_done(&b);
}

/* Short vectors are not there: the support code is told by FPEXC.DEX. */
static void length_and_stride(void **state)
{
    (void)state;
    Bench b = enabled_bench();
    b.cpu->r[0] = 1 << 16;
    executes(&b, VMSR_FPSCR);
    executes(&b, VMRS_FPSCR);
    assert_int_equal(b.cpu->r[0], 1 << 16);
    refused(&b, VADD_S0_S1_S2);
    assert_int_equal(b.cpu->fpexc, FPEXC_EN | FPEXC_DEX);
    refused(&b, 0xeeb00a60);  /* vmov.f32 s0, s1 */
    refused(&b, 0xeeb70a00);  /* vmov.f32 s0, #1.0 */
    refused(&b, 0xee000a81);  /* vmla.f32 s0, s1, s2 */
    executes(&b, 0xeeb40a60); /* vcmp.f32 s0, s1 */
    executes(&b, 0xeebd0ae0); /* vcvt.s32.f32 s0, s1 */
    executes(&b, 0xee021a90); /* vmov s5, r1 */
    executes(&b, VADD_I8_D0_D1_D2);
    refused(&b, VMRS_FPINST);
    write_fpscr(&b, 3 << 20); /* stride alone does nothing */
    executes(&b, VADD_S0_S1_S2);
    bench_done(&b);
}

/* ---- Special registers ---- */

static void special_registers(void **state)
{
    (void)state;
    Bench b = enabled_bench();
    executes(&b, VMRS_FPSID);
    assert_int_equal(b.cpu->r[0], 0x41033090);
    executes(&b, VMRS_MVFR0);
    assert_int_equal(b.cpu->r[0], 0x10110222);
    executes(&b, VMRS_MVFR1);
    assert_int_equal(b.cpu->r[0], 0x01111111);
    b.cpu->r[0] = 0xffffffff;
    executes(&b, VMSR_FPSID); /* read-only */
    executes(&b, VMSR_FPEXC);
    executes(&b, VMRS_FPEXC);
    assert_int_equal(b.cpu->r[0], FPEXC_EN | FPEXC_DEX);
    b.cpu->r[0] = 0xffffffff;
    executes(&b, VMSR_FPSCR);
    executes(&b, VMRS_FPSCR);
    assert_int_equal(b.cpu->r[0], 0xfff7009f); /* no trap enables */
    refused(&b, VMRS_FPINST);
    refused(&b, VMSR_FPINST);
    refused(&b, 0xeef0fa10); /* vmrs pc, fpsid */
    write_fpscr(&b, FPSCR_Z | FPSCR_C);
    executes(&b, VMRS_FLAGS);
    assert_int_equal(cpsr_read(b.cpu) >> 28, 6);
    write_fpscr(&b, FPSCR_N | FPSCR_V);
    executes(&b, VMRS_FLAGS);
    assert_int_equal(cpsr_read(b.cpu) >> 28, 9);
    bench_done(&b);
}

/* ---- Arithmetic ---- */

static void arithmetic_instructions(void **state)
{
    (void)state;
    static const struct {
        uint32_t raw, want; /* s0 := with s0 = 3, s1 = 1, s2 = 2 */
    } single[] = {
        {0xee300a81, THREE     }, /* vadd */
        {0xee300ac1, 0xbf800000}, /* vsub */
        {0xee200a81, TWO       }, /* vmul */
        {0xee200ac1, 0xc0000000}, /* vnmul */
        {0xee800a81, 0x3f000000}, /* vdiv */
        {0xee000a81, 0x40a00000}, /* vmla:  3 + 2 */
        {0xee000ac1, ONE       }, /* vmls:  3 - 2 */
        {0xee100ac1, 0xc0a00000}, /* vnmla: -3 - 2 */
        {0xee100a81, 0xbf800000}, /* vnmls: -3 + 2 */
        {0xeeb00a60, ONE       }, /* vmov s0, s1 */
        {0xeeb10a60, 0xbf800000}, /* vneg s0, s1 */
        {0xeeb10ae0, ONE       }, /* vsqrt s0, s1 */
        {0xeeb70a00, ONE       }, /* vmov #1.0 */
        {0xeeb30a0f, 0x41f80000}, /* vmov #31.0 */
    };
    Bench b = enabled_bench();
    for (unsigned n = 0; n < sizeof single / sizeof *single; n++) {
        b.cpu->v.s[0] = THREE;
        b.cpu->v.s[1] = ONE;
        b.cpu->v.s[2] = TWO;
        executes(&b, single[n].raw);
        assert_int_equal(b.cpu->v.s[0], single[n].want);
    }
    b.cpu->v.d[1] = 0xbff0000000000000;
    executes(&b, 0xeeb00bc1); /* vabs.f64 d0, d1 */
    assert_int_equal(b.cpu->v.d[0], 0x3ff0000000000000);
    executes(&b, 0xeebc0b00); /* vmov.f64 d0, #-0.125 */
    assert_int_equal(b.cpu->v.d[0], 0xbfc0000000000000);
    b.cpu->v.d[31] = 0x4000000000000000;
    executes(&b, VADD_D0_D1_D31);
    assert_int_equal(b.cpu->v.d[0], 0x3ff0000000000000);
    assert_int_equal(b.cpu->fpscr, 0);
    executes(&b, 0xeeb50bc0); /* vcmpe.f64 d0, #0 */
    assert_int_equal(b.cpu->fpscr, FPSCR_C);
    bench_done(&b);
}

static void undefined_encodings(void **state)
{
    (void)state;
    Bench b = enabled_bench();
    b.cpu->r[1] = RAM_BASE + 0x1000;
    refused(&b, 0xeea00a81);           /* vfma.f32 s0, s1, s2: VFPv4 */
    refused(&b, 0xeea10b02);           /* vfma.f64 d0, d1, d2 */
    refused(&b, 0xee910b02);           /* vfnms.f64 d0, d1, d2 */
    refused(&b, 0xee800ac1);           /* vdiv with bit 6 set */
    refused(&b, 0xeebe0a68);           /* vcvt.s16.f32 with -1 fraction bits */
    refused(&b, 0xeeb20b60);           /* vcvtb with a double */
    refused(&b, 0xee200bd0);           /* vmov to a lane, reserved size */
    refused(&b, 0xeee01b30);           /* vdup, reserved size */
    refused(&b, 0xeee71b10);           /* vdup.8 with an odd q register */
    refused(&b, 0xec432a3f);           /* vmov s31, s32, r2, r3 */
    refused(&b, 0xec522b34);           /* vmov r2, r2, d20 */
    refused(&b, 0xec911a00);           /* vldmia r1, {} */
    refused(&b, 0xecd1fa20);           /* vldmia r1, {s31-} */
    refused(&b, 0xec910b22);           /* vldmia r1, {d0-d16} */
    refused(&b, 0xed911b22 | 1 << 21); /* P, U and W set */
    refused(&b, 0xfe300a81);           /* condition 1111 */
    bench_done(&b);
}

static void conversion_instructions(void **state)
{
    (void)state;
    Bench b = enabled_bench();
    uint32_t *s = b.cpu->v.s;
    uint64_t *d = b.cpu->v.d;
    s[1] = 0xbc003c01;
    executes(&b, 0xeeb20a60); /* vcvtb.f32.f16 s0, s1 */
    assert_int_equal(s[0], 0x3f802000);
    executes(&b, 0xeeb20ae0); /* vcvtt.f32.f16 s0, s1 */
    assert_int_equal(s[0], 0xbf800000);
    s[0] = 0x11112222, s[1] = TWO;
    executes(&b, 0xeeb30ae0); /* vcvtt.f16.f32 s0, s1 */
    assert_int_equal(s[0], 0x40002222);
    executes(&b, 0xeeb30a60); /* vcvtb.f16.f32 s0, s1 */
    assert_int_equal(s[0], 0x40004000);
    d[0] = 0xc004000000000000; /* -2.5 */
    executes(&b, 0xeebe0b46);  /* vcvt.s16.f64 d0, d0, #4 */
    assert_int_equal(d[0], 0xffffffffffffffd8);
    executes(&b, 0xeeba0b60); /* vcvt.f64.s16 d0, d0, #15 */
    assert_int_equal(d[0], 0xbf54000000000000);
    s[0] = 0x3f400000;
    executes(&b, 0xeebf0a40); /* vcvt.u16.f32 s0, s0, #16 */
    assert_int_equal(s[0], 0xc000);
    s[0] = 0x80000000;
    executes(&b, 0xeebb0ac0); /* vcvt.f32.u32 s0, s0, #32 */
    assert_int_equal(s[0], 0x3f000000);
    b.cpu->fpscr = (uint32_t)FP_RP << FP_RMODE_SHIFT;
    d[1] = 0x3ff4000000000000;
    executes(&b, 0xeebd0b41); /* vcvtr.s32.f64 s0, d1: 1.25 upwards */
    assert_int_equal(s[0], 2);
    executes(&b, 0xeebc0bc1); /* vcvt.u32.f64 s0, d1 */
    assert_int_equal(s[0], 1);
    s[1] = 0xffffffff;
    executes(&b, 0xeef81b60); /* vcvt.f64.u32 d17, s1 */
    assert_int_equal(d[17], 0x41efffffffe00000);
    executes(&b, 0xeef81be0); /* vcvt.f64.s32 d17, s1 */
    assert_int_equal(d[17], 0xbff0000000000000);
    s[1] = 0x01000001;
    executes(&b, 0xeeb80ae0); /* vcvt.f32.s32 s0, s1 */
    assert_int_equal(s[0], 0x4b800001);
    s[1] = THREE;
    executes(&b, 0xeeb73ae0); /* vcvt.f64.f32 d3, s1 */
    assert_int_equal(d[3], 0x4008000000000000);
    s[1] = 0;
    executes(&b, 0xeef70bc3); /* vcvt.f32.f64 s1, d3 */
    assert_int_equal(s[1], THREE);
    bench_done(&b);
}

/* ---- Moves ---- */

static void lanes(void **state)
{
    (void)state;
    Bench b = enabled_bench();
    uint64_t *d = b.cpu->v.d;
    b.cpu->r[1] = 0x1234fedc;
    b.cpu->r[2] = 0xaabbccdd;
    b.cpu->r[3] = 0x11223344;
    executes(&b, VMOV_8_D1_3_R2);
    assert_int_equal(d[1], 0x00000000dd000000);
    executes(&b, VMOV_32_D1_1_R2);
    assert_int_equal(d[1], 0xaabbccdddd000000);
    executes(&b, 0xee223b30); /* vmov.16 d2[2], r3: lane 2 */
    assert_int_equal(d[2], 0x0000334400000000);
    executes(&b, 0xeef10b30); /* vmov.u8 r0, d1[5] */
    assert_int_equal(b.cpu->r[0], 0xcc);
    executes(&b, 0xee710b30); /* vmov.s8 r0, d1[5] */
    assert_int_equal(b.cpu->r[0], 0xffffffcc);
    executes(&b, 0xeeb10b70); /* vmov.u16 r0, d1[3] */
    assert_int_equal(b.cpu->r[0], 0xaabb);
    executes(&b, 0xee310b70); /* vmov.s16 r0, d1[3] */
    assert_int_equal(b.cpu->r[0], 0xffffaabb);
    d[31] = 0x8000000100000002;
    executes(&b, 0xee3f0b90); /* vmov.32 r0, d31[1] */
    assert_int_equal(b.cpu->r[0], 0x80000001);
    executes(&b, 0xeee61b10); /* vdup.8 q3, r1 */
    assert_int_equal(d[6], 0xdcdcdcdcdcdcdcdc);
    assert_int_equal(d[7], 0xdcdcdcdcdcdcdcdc);
    d[8] = 0;
    executes(&b, 0xee871b30); /* vdup.16 d7, r1 */
    assert_int_equal(d[7], 0xfedcfedcfedcfedc);
    assert_int_equal(d[8], 0);
    executes(&b, 0xeea01b90); /* vdup.32 q8 (d16), r1 */
    assert_int_equal(d[16], 0x1234fedc1234fedc);
    bench_done(&b);
}

static void core_register_moves(void **state)
{
    (void)state;
    Bench b = enabled_bench();
    b.cpu->r[1] = 0x11111111;
    b.cpu->r[2] = 0x22222222;
    b.cpu->r[3] = 0x33333333;
    executes(&b, 0xee021a90); /* vmov s5, r1 */
    assert_int_equal(b.cpu->v.s[5], 0x11111111);
    executes(&b, 0xec432a1f); /* vmov s30, s31, r2, r3 */
    assert_int_equal(b.cpu->v.d[15], 0x3333333322222222);
    executes(&b, 0xee1f1a90); /* vmov r1, s31 */
    assert_int_equal(b.cpu->r[1], 0x33333333);
    executes(&b, 0xec432b34); /* vmov d20, r2, r3 */
    assert_int_equal(b.cpu->v.d[20], 0x3333333322222222);
    b.cpu->v.d[20] = 0x5555555544444444;
    executes(&b, 0xec532b34); /* vmov r2, r3, d20 */
    assert_int_equal(b.cpu->r[2], 0x44444444);
    assert_int_equal(b.cpu->r[3], 0x55555555);
    b.cpu->v.s[3] = 6, b.cpu->v.s[4] = 7;
    executes(&b, 0xec532a31); /* vmov r2, r3, s3, s4 */
    assert_int_equal(b.cpu->r[2], 6);
    assert_int_equal(b.cpu->r[3], 7);
    bench_done(&b);
}

/* ---- Loads and stores ---- */

enum { DATA = RAM_BASE + 0x1000 };

static void fill(Bench *b)
{
    for (unsigned n = 0; n < 64; n++)
        set_ram_word(b, DATA + 4 * n, 0x01010101 * n);
    b->cpu->r[1] = DATA + 32;
}

static void single_loads_and_stores(void **state)
{
    (void)state;
    Bench b = enabled_bench();
    fill(&b);
    executes(&b, 0xedd11a02); /* vldr s3, [r1, #8] */
    assert_int_equal(b.cpu->v.s[3], 0x0a0a0a0a);
    executes(&b, 0xed113b02); /* vldr d3, [r1, #-8] */
    assert_int_equal(b.cpu->v.d[3], 0x0707070706060606);
    executes(&b, 0xedc11a00); /* vstr s3, [r1] */
    assert_int_equal(ram_word(&b, DATA + 32), 0x0a0a0a0a);
    executes(&b, 0xed813b01); /* vstr d3, [r1, #4] */
    assert_int_equal(ram_word(&b, DATA + 36), 0x06060606);
    assert_int_equal(ram_word(&b, DATA + 40), 0x07070707);
    set_ram_word(&b, CODE_BASE + 8 + 16, 0x12345678);
    set_ram_word(&b, CODE_BASE + 8 + 20, 0x9abcdef0);
    executes(&b, 0xeddf3b04); /* vldr d19, [pc, #16] */
    assert_int_equal(b.cpu->v.d[19], 0x9abcdef012345678);
    bench_done(&b);
}

static void multiple_loads_and_stores(void **state)
{
    (void)state;
    Bench b = enabled_bench();
    uint64_t *d = b.cpu->v.d;
    fill(&b);
    executes(&b, 0xecd10a04); /* vldmia r1, {s1-s4} */
    assert_int_equal(b.cpu->v.s[1], 0x08080808);
    assert_int_equal(b.cpu->v.s[4], 0x0b0b0b0b);
    assert_int_equal(b.cpu->r[1], DATA + 32);
    executes(&b, 0xecb11b06); /* vldmia r1!, {d1-d3} */
    assert_int_equal(d[1], 0x0909090908080808);
    assert_int_equal(d[3], 0x0d0d0d0d0c0c0c0c);
    assert_int_equal(b.cpu->r[1], DATA + 56);
    executes(&b, 0xed311b06); /* vldmdb r1!, {d1-d3} */
    assert_int_equal(d[1], 0x0909090908080808);
    assert_int_equal(b.cpu->r[1], DATA + 32);
    executes(&b, 0xecb11b05); /* fldmiax r1!, {d1-d2}: 5 words further */
    assert_int_equal(d[2], 0x0b0b0b0b0a0a0a0a);
    assert_int_equal(b.cpu->r[1], DATA + 52);
    executes(&b, 0xed211b05); /* fstmdbx r1!, {d1-d2} */
    assert_int_equal(b.cpu->r[1], DATA + 32);
    assert_int_equal(ram_word(&b, DATA + 48), 0x0c0c0c0c);
    d[15] = 15, d[18] = 18;
    executes(&b, 0xed21fb08); /* vstmdb r1!, {d15-d18} */
    assert_int_equal(b.cpu->r[1], DATA);
    assert_int_equal(ram_word(&b, DATA), 15);
    assert_int_equal(ram_word(&b, DATA + 24), 18);
    b.cpu->r[13] = DATA + 128;
    d[8] = 0x8888, d[9] = 0x999900000000;
    executes(&b, 0xed2d8b04); /* vpush {d8-d9} */
    assert_int_equal(b.cpu->r[13], DATA + 112);
    executes(&b, 0xecbdab04); /* vpop {d10-d11} */
    assert_int_equal(b.cpu->r[13], DATA + 128);
    assert_int_equal(d[10], 0x8888);
    assert_int_equal(d[11], 0x999900000000);
    executes(&b, 0xed6d0a01); /* vpush {s1} */
    assert_int_equal(b.cpu->r[13], DATA + 124);
    bench_done(&b);
}

static void big_endian_doublewords(void **state)
{
    (void)state;
    Bench b = enabled_bench();
    set_ram_word(&b, DATA, 0x44332211);
    set_ram_word(&b, DATA + 4, 0x88776655);
    b.cpu->r[1] = DATA + 8;
    cpsr_write(b.cpu, PSR_E, PSR_E);
    executes(&b, 0xed113b02); /* vldr d3, [r1, #-8] */
    assert_int_equal(b.cpu->v.d[3], 0x1122334455667788);
    b.cpu->r[1] = DATA + 12;
    executes(&b, 0xed813b01); /* vstr d3, [r1, #4] */
    assert_int_equal(ram_word(&b, DATA + 16), 0x44332211);
    assert_int_equal(ram_word(&b, DATA + 20), 0x88776655);
    bench_done(&b);
}

/* A fault, here at the end of memory and by alignment, leaves all registers alone. */
static void faults(void **state)
{
    (void)state;
    Bench b = enabled_bench();
    b.cpu->v.d[1] = 0x1111, b.cpu->v.d[3] = 0x3333;
    b.cpu->r[1] = RAM_BASE + RAM_BYTES - 16;
    assert_true(run_a32(&b, 0xecb11b06) & LEAVE_FAULT); /* vldmia r1!, {d1-d3} */
    assert_int_equal(b.cpu->mode, MODE_ABT);
    assert_int_equal(b.cpu->r[1], RAM_BASE + RAM_BYTES - 16);
    assert_int_equal(b.cpu->v.d[1], 0x1111);
    assert_true(run_a32(&b, 0xece10a05) & LEAVE_FAULT); /* vstmia r1!, {s1-s5} */
    assert_int_equal(b.cpu->r[1], RAM_BASE + RAM_BYTES - 16);
    b.cpu->r[1] = DATA + 2; /* not a word's address, though SCTLR.A is 0 */
    static const uint32_t unaligned[] = {0xedd11a02, 0xed113b02, 0xedc11a00,
                                         0xed813b01, 0xecb11b06, 0xece10a05};
    for (unsigned n = 0; n < sizeof unaligned / sizeof *unaligned; n++) {
        cpu_switch_mode(b.cpu, MODE_SVC);
        assert_true(run_a32(&b, unaligned[n]) & LEAVE_FAULT);
        assert_int_equal(b.cpu->mode, MODE_ABT);
        assert_int_equal(b.cpu->cp15.bank[0].dfsr & 0x40f, 1); /* alignment */
    }
    assert_int_equal(b.cpu->v.d[3], 0x3333);
    assert_int_equal(b.cpu->r[1], DATA + 2);
    bench_done(&b);
}

/* The same bits in T32; there, PC is no base of stores and lists, and SP no operand of moves. */
static void thumb(void **state)
{
    (void)state;
    Bench b = enabled_bench();
    b.cpu->v.s[1] = ONE, b.cpu->v.s[2] = TWO;
    assert_false(run_insn(&b, SET_T32, VADD_S0_S1_S2) & LEAVE_FAULT);
    assert_int_equal(b.cpu->v.s[0], THREE);
    set_ram_word(&b, CODE_BASE + 4 + 16, 0x12345678);
    assert_false(run_insn(&b, SET_T32, 0xeddf3b04) & LEAVE_FAULT); /* vldr d19, [pc, #16] */
    assert_int_equal(b.cpu->v.d[19], 0x12345678);
    static const uint32_t refused_in_thumb[] = {
        0xedcf3b04, /* vstr d19, [pc, #16] */
        0xec9f1b06, /* vldmia pc, {d1-d3} */
        0xee02da90, /* vmov s5, sp */
    };
    for (unsigned n = 0; n < 3; n++) {
        cpu_switch_mode(b.cpu, MODE_SVC);
        assert_true(run_insn(&b, SET_T32, refused_in_thumb[n]) & LEAVE_FAULT);
        assert_int_equal(b.cpu->mode, MODE_UND);
    }
    bench_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_by_cpacr),
        cmocka_unit_test(access_by_fpexc),
        cmocka_unit_test(access_from_the_non_secure_state),
        cmocka_unit_test(disabled_registers_and_simd),
        cmocka_unit_test(length_and_stride),
        cmocka_unit_test(special_registers),
        cmocka_unit_test(arithmetic_instructions),
        cmocka_unit_test(undefined_encodings),
        cmocka_unit_test(conversion_instructions),
        cmocka_unit_test(lanes),
        cmocka_unit_test(core_register_moves),
        cmocka_unit_test(single_loads_and_stores),
        cmocka_unit_test(multiple_loads_and_stores),
        cmocka_unit_test(big_endian_doublewords),
        cmocka_unit_test(faults),
        cmocka_unit_test(thumb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
