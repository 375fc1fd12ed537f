/* Every exception an instruction can cause, from A32 and Thumb and from every mode: return address, SPSR,
 * mode and masks of the handler. */
#include "runtime.h"

static const uint8_t modes[] = {USR, FIQ, IRQ, SVC, ABT, UND, SYS};

static void basic(void)
{
    RUN_BOTH(USR, "svc 5");
    RUN_BOTH(SVC, "svc 5");
    RUN_BOTH(USR, "udf #1");
    RUN_BOTH(SVC, "udf #1");
    RUN_T32(SVC, "udf.w #1");
    RUN_BOTH(USR, "bkpt #3");
    RUN_BOTH(SVC, "bkpt #3");
    RUN_T32(SVC, "nop.w; svc 1");
    RUN_T32(SVC, "nop; nop; udf #2");
}

static void from_every_mode(void)
{
    for (unsigned n = 0; n < sizeof modes; n++) {
        RUN_A32(modes[n], "svc 0");
        RUN_A32(modes[n], "udf #0");
        RUN_T32(modes[n], "bkpt #0");
        RUN_T32(modes[n], "udf #0");
    }
}

/* SPSR keeps the flags, GE, Q, E and the masks; the handler's CPSR has A and I set, F only from FIQ and
 * reset. */
static void psr_bits(void)
{
    static const uint32_t psr[] = {0xf80f0000, 0x88050000, 0x70000000, PSR_E, PSR_A, PSR_I, PSR_F};
    for (unsigned n = 0; n < sizeof psr / sizeof *psr; n++) {
        run("svc", A32("svc 0"), psr[n] | USR);
        run("udf", A32("udf #0"), psr[n] | SYS);
        run("bkpt", T32("bkpt #0"), psr[n] | USR);
    }
}

/* SVC and BKPT are subject to the IT block; the IT state is in SPSR, advanced for an SVC. */
static void in_it_blocks(void)
{
    uint32_t z = PSR_Z | USR | MASKED;
    run("it svc", T32("it eq; svceq 1"), z);
    run("ite svc", T32("ite eq; svceq 1; addne r0, #1"), z);
    run("itttt svc 2nd", T32("itttt eq; addeq r0, #1; svceq 1; addeq r1, #1; addeq r2, #1"), z);
    run("itete svc 3rd", T32("itete eq; addeq r0, #1; addne r1, #1; svceq 1; addne r2, #1"), z);
    run("it svc not taken", T32("it ne; svcne 1; adds r0, #1"), z);
    run("it udf", T32(".inst.n 0xbf04, 0xde01; adds r0, #1"), z);
    run("ite udf in else", T32(".inst.n 0xbf14; adds r0, #1; .inst.n 0xde01"), z);
    run("it bkpt", T32(".inst.n 0xbf04, 0xbe01; adds r0, #1"), z);
    run("it bkpt, condition false", T32(".inst.n 0xbf1c, 0xbe01; adds r0, #1"), z);
    run("it ldr abort", T32("itte eq; addeq r0, #1; ldreq r1, [r3]; addne r4, #1"), z);
    run("it conditional udf not taken", T32(".inst.n 0xbf18, 0xde01; adds r0, #1"), z);
    run("a32 svceq taken", A32("svceq 1"), z);
    run("a32 svcne", A32("svcne 1; add r0, r0, #1"), z);
    run("a32 udf with a condition that fails", A32(".inst 0x17f000f0; add r0, r0, #1"), z);
}

static void returns(void)
{
    before.lr = A32("svc 0x12");
    RUN_A32(SVC, "mrs r0, cpsr; bic r0, r0, #0x1f; orr r0, r0, #0x10; msr spsr_cxsf, r0; movs pc, lr");
    before.lr += 4;
    RUN_A32(SVC, "mrs r0, cpsr; bic r0, r0, #0x1f; orr r0, r0, #0x1f; msr spsr_cxsf, r0; subs pc, lr, #4");
    RUN_T32(SVC, "mrs r0, cpsr; bic r0, r0, #0x1f; orr r0, r0, #0x1f; msr spsr_cxsf, r0; subs pc, lr, #4");
    set_state();
    before.r[5] = T32("udf #9") & ~1u;
    before.r[6] = 0xa00f01f0; /* Thumb, N, C, GE */
    RUN_A32(SVC, "push {r5, r6}; rfeia sp!");
    RUN_A32(IRQ, "push {r5, r6}; ldr lr, [sp]; msr spsr_cxsf, r6; movs pc, lr");
    RUN_A32(ABT, "push {r5, r6}; mov r1, r5; push {r1}; msr spsr_cxsf, r6; ldm sp!, {pc}^");
    RUN_T32(SVC, "push {r5, r6}; rfeia sp!");
    /* Return into the middle of an IT block: one addition less. */
    before.r[5] = T32("adds r0, #1; adds r1, #1; adds r2, #1; svc 0x31") & ~1u;
    before.r[6] = 0x400001f0 | 2u << 25 | 1u << 10; /* IT = 0b00000110: eq, then else */
    RUN_A32(SVC, "push {r5, r6}; rfeia sp!");
    before.r[6] = 0x400001f0 | 0x0cu << 8; /* IT = 0b00001100: eq eq */
    RUN_A32(SVC, "push {r5, r6}; rfeia sp!");
    set_state();
}

static void thumbee_and_jazelle(void)
{
    RUN_T32(SVC, ".inst.w 0xf3bf8f1f"); /* ENTERX */
    before.r[0] = A32("svc 0x44");
    RUN_A32(SVC, "bxj r0");
    before.r[0] = T32("svc 0x44");
    RUN_A32(SVC, "bxj r0");
    RUN_T32(USR, "bxj r0");
    set_state();
}

/* Undefined encodings of the permanently undefined spaces, coprocessors that are not there, later extensions.
 */
static void undefined(void)
{
    RUN_A32(SVC, ".inst 0xe7ffffff");
    RUN_A32(SVC, ".inst 0xf7f000f0");
    RUN_A32(SVC, "cdp p1, 0, c0, c0, c0, 0");
    RUN_A32(SVC, "mcr p7, 0, r0, c0, c0, 0");
    RUN_A32(SVC, "ldc p5, c0, [r1]");
    RUN_A32(SVC, "mrrc p15, 0, r0, r1, c14");
    RUN_A32(SVC, "mrc p15, 0, r0, c14, c0, 0");
    RUN_A32(SVC, "mrc p15, 4, r0, c1, c1, 0");
    RUN_A32(SVC, ".inst 0xe710f112");           /* sdiv */
    RUN_A32(SVC, ".inst 0xe1900f9f");           /* ldrex */
    RUN_A32(SVC, ".inst 0xe1900c9f");           /* lda (ARMv8) */
    RUN_A32(SVC, ".inst 0xe1400070");           /* hvc */
    RUN_A32(SVC, ".inst 0xe160006e");           /* eret */
    RUN_A32(SVC, ".inst 0xe1010040");           /* crc32b */
    RUN_A32(SVC, ".inst 0xeea00a81");           /* vfma (VFPv4) */
    RUN_A32(SVC, ".inst 0xf2000c11");           /* vfma.f32 NEON */
    RUN_T32(SVC, ".inst.w 0xfb90f0f1");         /* sdiv: not on the Cortex-A9 */
    RUN_T32(SVC, ".inst.n 0xb900 | 0x20; nop"); /* cbnz */
    RUN_T32(SVC, ".inst.n 0xb6c0");             /* no such instruction */
    RUN_T32(SVC, ".inst.n 0xba80");             /* hlt of ARMv8 */
    RUN_T32(SVC, ".inst.w 0xf7f0a000");
    RUN_T32(SVC, ".inst.w 0xee000100");
}

int main(void)
{
    set_state();
    basic();
    from_every_mode();
    psr_bits();
    in_it_blocks();
    returns();
    thumbee_and_jazelle();
    undefined();
    return 0;
}
