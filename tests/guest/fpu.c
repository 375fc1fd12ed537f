/* When VFP and NEON instructions may run: CPACR, FPEXC, ASEDIS, D32DIS, short vectors, unknown registers; and
 * the modes of FPSCR. */
#include "runtime.h"

enum { FULL = 0xf00000, PRIVILEGED = 0x500000, EN = 1 << 30 };

static void set(uint32_t cpacr, uint32_t fpexc)
{
    CP15_WRITE(0, c1, c0, 2, FULL);
    __asm__ volatile("vmsr fpexc, %0" ::"r"(fpexc));
    CP15_WRITE(0, c1, c0, 2, cpacr);
}

static void access(const char *text, uint32_t code)
{
    static const struct {
        const char *name;
        uint32_t cpacr, fpexc;
    } states[] = {
        {"full",            FULL,                       EN},
        {"off",             FULL,                       0 },
        {"denied",          0,                          EN},
        {"privileged",      PRIVILEGED,                 EN},
        {"privileged, off", PRIVILEGED,                 0 },
        {"cp10 only",       0x300000,                   EN},
        {"no simd",         FULL | 1u << 31,            EN},
        {"no d16",          FULL | 1u << 30 | 1u << 31, EN},
    };
    print("%s:", text);
    for (unsigned n = 0; n < sizeof states / sizeof *states; n++) {
        set(states[n].cpacr, states[n].fpexc);
        set_state();
        run_quietly(code, SVC | MASKED);
        print(" %s", after.kind == UNDEFINED ? "u" : after.kind == SUPERVISOR ? "+" : "?");
        set(states[n].cpacr, states[n].fpexc);
        run_quietly(code, USR | MASKED);
        print("%s", after.kind == UNDEFINED ? "u" : after.kind == SUPERVISOR ? "+" : "?");
    }
    set(FULL, EN);
    print("\n");
}

#define ACCESS(text) access(text, A32(text))
#define ACCESS_T32(text) access("t32 " text, T32(text))

static void accesses(void)
{
    print("svc and usr with: full, off, denied, privileged, privileged off, cp10 only, no simd, no d16\n");
    ACCESS("vadd.f32 s0, s1, s2");
    ACCESS("vadd.f64 d0, d1, d2");
    ACCESS("vadd.f64 d16, d1, d2");
    ACCESS("vadd.f32 d0, d1, d2");
    ACCESS("vadd.i32 q8, q1, q2");
    ACCESS("vmov s0, r0");
    ACCESS("vmov r0, r1, d0");
    ACCESS("vmov r0, r1, d20");
    ACCESS("vmov.8 d0[1], r0");
    ACCESS("vmov.32 d0[1], r0");
    ACCESS("vdup.16 d0, r0");
    ACCESS("vldr d0, [r1]");
    ACCESS("vldr d31, [r1]");
    ACCESS("vstm r1, {s0-s3}");
    ACCESS("vld1.8 {d0}, [r1]");
    ACCESS("vst4.8 {d0-d3}, [r1]");
    ACCESS("vmrs r0, fpscr");
    ACCESS("vmsr fpscr, r12");
    ACCESS("vmrs r0, fpexc");
    ACCESS("vmrs r0, fpsid");
    ACCESS("vmrs r0, mvfr0");
    ACCESS("vcmp.f32 s0, s1");
    ACCESS("vmrs apsr_nzcv, fpscr");
    ACCESS("vcvt.f32.s32 s0, s1");
    ACCESS("vcvtb.f32.f16 s0, s1");
    ACCESS("vmov.f32 s0, #1.0");
    ACCESS("cdp p10, 0, c0, c0, c0, 0");
    ACCESS(".inst 0xeef30a10");
    ACCESS(".inst 0xeee90a10");
    ACCESS_T32("vadd.f32 s0, s1, s2");
    ACCESS_T32("vadd.i8 d0, d1, d2");
    ACCESS_T32("vld1.8 {d0}, [r1]");
}

/* FPSCR.LEN other than 0: the Cortex-A9 leaves short vectors to software. */
static void short_vectors(void)
{
    static const uint32_t fpscr[] = {0, 1 << 16, 3 << 16 | 3 << 20, 3 << 20};
    for (unsigned n = 0; n < 4; n++) {
        print("FPSCR %x:", fpscr[n]);
        static uint32_t code[10];
        code[0] = A32("vadd.f32 s8, s9, s10");
        code[1] = A32("vadd.f32 s0, s1, s2");
        code[2] = A32("vadd.f64 d4, d5, d6");
        code[3] = A32("vmov.f32 s8, s9");
        code[4] = A32("vcmp.f32 s8, s9");
        code[5] = A32("vcvt.f64.f32 d4, s9");
        code[6] = A32("vldr s8, [r1]");
        code[7] = A32("vmov r0, s8");
        code[8] = A32("vadd.f32 q8, q9, q10");
        code[9] = A32("vabs.f64 d20, d21");
        for (unsigned k = 0; k < 10; k++) {
            __asm__ volatile("vmsr fpscr, %0" ::"r"(fpscr[n]));
            set_state();
            run_quietly(code[k], USR | MASKED);
            print(" %s", after.kind == UNDEFINED ? "und" : "ok");
        }
        uint32_t fpexc;
        __asm__ volatile("vmrs %0, fpexc; vmsr fpscr, %1" : "=&r"(fpexc) : "r"(0));
        print(" fpexc %x\n", fpexc & ~(1u << 29));
        set(FULL, EN);
    }
}

/* Rounding modes, flush to zero, default NaN, cumulative flags. */
static void modes(void)
{
    static const uint32_t a[] = {0x3f800000, 0x00000001, 0x7f7fffff, 0x7f800001,
                                 0xbf800000, 0x00800000, 0x3f800000};
    static const uint32_t b[] = {0x33000000, 0x00000001, 0x7f7fffff, 0x3f800000,
                                 0x33000000, 0x3f000000, 0x00000000};
    for (uint32_t mode = 0; mode < 8; mode++) {
        uint32_t fpscr = (mode & 3) << 22 | (mode & 4 ? 3u << 24 : 0);
        print("fpscr %x:", fpscr);
        for (unsigned n = 0; n < 7; n++) {
            uint32_t sum, product, quotient, flags;
            __asm__ volatile(
                "vmsr fpscr, %4; vmov s1, %5; vmov s2, %6; vadd.f32 s0, s1, s2; vmov %0, s0; vmul.f32 s0, "
                "s1, s2; vmov %1, s0; vdiv.f32 s0, s1, s2; vmov %2, s0; vmrs %3, fpscr"
                : "=&r"(sum), "=&r"(product), "=&r"(quotient), "=&r"(flags)
                : "r"(fpscr), "r"(a[n]), "r"(b[n]));
            print(" %w/%w/%w/%w", sum, product, quotient, flags & 0x9f);
        }
        print("\n");
    }
    __asm__ volatile("vmsr fpscr, %0" ::"r"(0));
}

/* Lazy switching, as kernels do it: trap at the first use, enable, go on. */
static void lazy(void)
{
    static const char *const names[] = {"vfp in svc", "neon in usr", "neon in an IT block"};
    uint32_t code[3];
    code[0] = A32("vmov s0, r2; vmov r0, s0");
    code[1] = A32("vdup.32 q15, r2; vmov r0, r1, d31");
    code[2] = T32("cmp r0, r0; itt eq; vmoveq s3, r2; vmoveq r0, s3");
    static const uint32_t mode[] = {SVC, USR, USR};
    for (unsigned n = 0; n < 3; n++) {
        set(FULL, 0);
        set_state();
        before.r[2] = 0x1234;
        run(names[n], code[n], mode[n] | MASKED);
        __asm__ volatile("vmsr fpexc, %0" ::"r"(EN));
        uint32_t psr = after.cpsr, skip = after.pc - (psr & PSR_T ? 2 : 4);
        for (unsigned k = 0; k < 13; k++)
            before.r[k] = after.r[k];
        run_quietly(skip | (psr & PSR_T ? 1 : 0), psr);
        print("  and again: kind %d r0 %w spsr %x\n", after.kind, after.r[0], after.cpsr);
    }
}

int main(void)
{
    make_flat_map();
    mmu_on();
    accesses();
    short_vectors();
    modes();
    lazy();
    return 0;
}
