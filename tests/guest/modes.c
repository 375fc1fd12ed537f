/* Banked registers of all modes, SRS, RFE, CPS, user registers in LDM and STM, mode changes, vector bases. */
#include "runtime.h"

static void words(const char *text, uint32_t address, unsigned count)
{
    print("  %s:", text);
    for (unsigned n = 0; n < count; n++)
        print(" %w", word_at(address)[n]);
    print("\n");
}

static void clear(void)
{
    for (unsigned n = 0; n < 64; n++)
        word_at(SCRATCH)[n] = 0xeeeeeeee;
}

/* Gives every bank of sp, lr and SPSR a value, then looks at all of them from elsewhere. */
static void banks(void)
{
    static const char *const name[] = {"usr", "fiq", "irq", "svc", "abt", "und"};
    set_state();
    before.r[0] = SCRATCH;
    run_quietly(A32("mrs r12, cpsr\n"
                    ".irp m, 0x1f, 0x11, 0x12, 0x17, 0x1b, 0x13\n"
                    "cps #\\m; mov sp, #\\m; add sp, sp, #0x100; mov lr, #\\m; add lr, lr, #0x200\n"
                    ".if \\m != 0x1f; mov r1, #\\m; orr r1, r1, #0xa0000000; msr spsr_cxsf, r1; .endif\n"
                    ".endr\n"
                    ".irp m, 0x1f, 0x11, 0x12, 0x13, 0x17, 0x1b\n"
                    "cps #\\m; str sp, [r0], #4; str lr, [r0], #4\n"
                    ".if \\m != 0x1f; mrs r1, spsr; str r1, [r0], #4; .endif\n"
                    ".endr; cps #0x13"),
                SVC | MASKED);
    print("und was overwritten by the way in: sp %d\n", word_at(SCRATCH)[14] == 0x11b);
    for (unsigned n = 0, at = 0; n < 6; n++) {
        print("%s: sp %w lr %w", name[n], word_at(SCRATCH)[at], word_at(SCRATCH)[at + 1]);
        at += 2;
        if (n)
            print(" spsr %w", word_at(SCRATCH)[at++]);
        print("\n");
    }
}

/* r8 to r12 of FIQ mode. */
static void fiq_bank(void)
{
    set_state();
    before.r[0] = SCRATCH;
    clear();
    run_quietly(
        A32("cps #0x11; mov r8, #0xf8; mov r9, #0xf9; mov r10, #0xfa; mov r11, #0xfb; mov r12, #0xfc\n"
            "cps #0x1f; mov r8, #0x18; mov r9, #0x19; mov r10, #0x1a; mov r11, #0x1b; mov r12, #0x1c\n"
            "cps #0x11; stm r0!, {r8-r12}; cps #0x12; stm r0!, {r8-r12}; cps #0x11; stm r0, {r8-r12}^; add "
            "r0, r0, #20; stm r0, {r8-r12}; cps #0x13"),
        SVC | MASKED);
    words("fiq", SCRATCH, 5);
    words("irq", SCRATCH + 20, 5);
    words("stm ^ from fiq", SCRATCH + 40, 5);
    words("fiq again", SCRATCH + 60, 5);
}

static void user_registers(void)
{
    clear();
    set_state();
    before.r[0] = SCRATCH;
    RUN_A32(IRQ,
            "cps #0x1f; mov sp, #0x77; mov lr, #0x88; cps #0x12; stmib r0, {r7, sp, lr}^; ldm r0, {r1-r4}");
    words("stmib ^", SCRATCH, 4);
    RUN_A32(FIQ, "add r7, r0, #32; mov r8, #1; mov r12, #2; stmda r7, {r0, r8, r12, sp}^; ldmdb r7, {r1-r4}; "
                 "ldm r0, {r8, r12}^; nop; cps #0x1f; mov r5, r8; mov r6, r12; cps #0x11");
    words("stmda ^", SCRATCH, 10);
    RUN_A32(SVC, "ldm r0, {r1, sp, lr}^; nop; cps #0x1f; mov r2, sp; mov r3, lr; cps #0x13");
}

static void srs_and_rfe(void)
{
    clear();
    set_state();
    before.r[0] = SCRATCH + 64;
    before.lr = 0x1e1e1e10;
#define SRS(text)                                                                                            \
    clear();                                                                                                 \
    run(text,                                                                                                \
        A32("mov r2, #0xa0000000; orr r2, r2, #0xd0; msr spsr_cxsf, r2; cps #0x11; mov r3, sp; mov sp, r0; " \
            "cps #0x17; " text "; cps #0x11; mov r4, sp; mov sp, r3; cps #0x17"),                            \
        ABT | MASKED);                                                                                       \
    words("stack", SCRATCH + 48, 8)
    SRS("srsia sp, #0x11");
    SRS("srsia sp!, #0x11");
    SRS("srsib sp!, #0x11");
    SRS("srsda sp!, #0x11");
    SRS("srsdb sp!, #0x11");
    clear();
    before.sp = SCRATCH + 64;
    RUN_A32(ABT, "mov r2, #0x60000000; orr r2, r2, #0xdf; msr spsr_cxsf, r2; srsdb sp!, #0x17");
    words("stack", SCRATCH + 48, 8);
    RUN_T32(ABT, "mov r2, #0x60000000; orr r2, r2, #0xdf; msr spsr_cxsf, r2; srsia sp!, #0x17");
    words("stack", SCRATCH + 48, 8);
    /* RFE: four modes, to ARM and Thumb, writing back or not. */
    before.r[1] = A32("svc 0x77");
    before.r[2] = 0x600001df;
#define RFE(text) RUN_A32(SVC, "str r1, [r0]; str r2, [r0, #4]; mov r3, r0; mov r4, r0; " text)
    RFE("rfeia r3");
    RFE("rfeia r3!");
    RFE("add r3, r3, #8; rfedb r3!");
    RFE("add r3, r3, #4; rfeda r3!");
    RFE("sub r3, r3, #4; rfeib r3!");
    before.r[2] = 0x900001f0;
    before.r[1] = T32("nop; nop; svc 0x77") & ~1u;
    RFE("rfeia r3!");
    before.r[2] = 0x900001f2;
    RFE("rfeia r3!");
}

static void mode_changes(void)
{
    set_state();
    RUN_A32(SVC, "cps #0x1f; mrs r0, cpsr; cps #0x11; mrs r1, cpsr; cps #0x12; mrs r2, cpsr; cps #0x17; mrs "
                 "r3, cpsr; cps #0x1b; mrs r4, cpsr; cps #0x13; mrs r5, cpsr");
    RUN_A32(SVC, "cpsie i, #0x1f; mrs r0, cpsr; cpsid i; mrs r1, cpsr; cpsie a; mrs r2, cpsr; cpsid af, "
                 "#0x12; mrs r3, cpsr; cps #0x13");
    RUN_T32(SVC, "cpsie.w i, #0x1f; mrs r0, cpsr; cpsid i; mrs r1, cpsr; cpsie a; mrs r2, cpsr; cpsid.w af, "
                 "#0x12; mrs r3, cpsr; cps #0x13");
    RUN_A32(SVC, "mov r0, #0xd0; msr cpsr_c, r0");
    RUN_A32(SVC, "mvn r0, #0; msr cpsr_f, r0; mrs r1, cpsr");
    RUN_A32(SVC, "mvn r0, #0; msr cpsr_s, r0; mrs r1, cpsr");
    RUN_A32(SVC, "mov r0, #0x300; msr cpsr_x, r0; mrs r1, cpsr; setend le");
    RUN_A32(SVC, "mvn r0, #0; msr spsr_cxsf, r0; mrs r1, spsr");
    RUN_A32(SVC, "mov r0, #0; msr spsr_cxsf, r0; mvn r0, #0; msr spsr_f, r0; mrs r1, spsr; msr spsr_s, r0; "
                 "mrs r2, spsr; msr spsr_x, r0; mrs r3, spsr; msr spsr_c, r0; mrs r4, spsr");
    RUN_A32(SVC, "mov r0, #0; msr spsr_cxsf, r0; setend be; mrs r1, cpsr; setend le");
    RUN_A32(SYS, "mvn r0, #0; msr cpsr_f, #0xf0000000; mrs r1, cpsr; msr cpsr_f, #0; mrs r2, cpsr");
}

/* A copy of the vectors elsewhere: each jumps to the real one. */
static void put_vectors(uint32_t at)
{
    for (unsigned n = 0; n < 8; n++) {
        word_at(at)[n] = 0xe59ff018; /* ldr pc, [pc, #24] */
        word_at(at)[8 + n] = (uint32_t)&vectors[n];
    }
}

static void vector_bases(void)
{
    set_state();
    /* High vectors: the last section is mapped to RAM. */
    make_flat_map();
    map_section(0xfff00000, 0x60500000 | SECTION | SECTION_NORMAL | SECTION_AP_ALL);
    put_vectors(0x605f0000);
    mmu_on();
    print("VBAR %d\n", CP15_READ(0, c12, c0, 0) == (uint32_t)vectors);
    CP15_WRITE(0, c12, c0, 0, 0);
    SCTLR_WRITE(SCTLR_READ() | SCTLR_V);
    RUN_A32(USR, "svc 1");
    RUN_A32(USR, "udf #1");
    RUN_A32(USR, "bkpt #1");
    before.r[0] = 0;
    RUN_A32(USR, "ldr r0, [r0]");
    /* With SCTLR.V set VBAR does not count. */
    CP15_WRITE(0, c12, c0, 0, 0x12345660);
    RUN_T32(USR, "svc 1");
    print("VBAR reads %x\n", CP15_READ(0, c12, c0, 0));
    SCTLR_WRITE(SCTLR_READ() & ~(uint32_t)SCTLR_V);
    CP15_WRITE(0, c12, c0, 0, 0x60500000);
    put_vectors(0x60500000);
    RUN_T32(USR, "udf #1");
    /* Low vectors at address 0. */
    map_section(0, 0x60500000 | SECTION | SECTION_NORMAL | SECTION_AP_ALL);
    CP15_WRITE(0, c12, c0, 0, 0x1f);
    print("VBAR reads %x\n", CP15_READ(0, c12, c0, 0));
    RUN_T32(SYS, "svc 1");
    CP15_WRITE(0, c12, c0, 0, (uint32_t)vectors);
    mmu_off();
}

/* SCTLR.TE and SCTLR.EE set T and E of the handlers. These vectors branch, in the instruction set that is
 * expected, to code that notes CPSR, sets E to 0 and goes on at the usual vectors in A32. */
static void put_special_vectors(uint32_t at, bool thumb)
{
    for (unsigned n = 0; n < 8; n++) {
        uint32_t from = at + 4 * n, to = at + 0x100 + 32 * n, offset = to - from;
        volatile uint16_t *half = (volatile uint16_t *)from;
        if (thumb) {
            half[0] = 0xf000; /* b.w */
            half[1] = (uint16_t)(0xb800 | (offset - 4) >> 1);
        } else {
            *word_at(from) = 0xea000000 | (offset - 8) >> 2;
        }
        *word_at(to) = thumb ? 0xbf004778 : 0xe320f000; /* bx pc; nop */
        word_at(to)[1] = 0xe10fe000;                    /* mrs lr, cpsr */
        word_at(to)[2] = 0xf1010000;                    /* setend le */
        word_at(to)[3] = 0xe51ff004;                    /* ldr pc, [pc, #-4] */
        word_at(to)[4] = (uint32_t)&vectors[n];
    }
    CP15_WRITE(0, c12, c0, 0, at);
    TLBIALL();
}

static void handler_state(void)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } bits[] = {
        {"TE",      SCTLR_TE},
        {"EE",      SCTLR_EE},
        {"neither", 0       },
    };
    set_state();
    for (unsigned n = 0; n < 3; n++) {
        put_special_vectors(0x60510000, bits[n].bit == SCTLR_TE);
        SCTLR_WRITE(SCTLR_READ() | bits[n].bit);
        run_quietly(A32("svc 2"), USR | MASKED | PSR_E);
        print("%s: kind %d spsr %x handler %x", bits[n].name, after.kind, after.cpsr, after.pc);
        run_quietly(T32("udf #2"), USR | MASKED);
        print(", kind %d spsr %x handler %x\n", after.kind, after.cpsr, after.pc);
        SCTLR_WRITE(SCTLR_READ() & ~bits[n].bit);
    }
    CP15_WRITE(0, c12, c0, 0, (uint32_t)vectors);
}

int main(void)
{
    banks();
    fiq_bank();
    user_registers();
    srs_and_rfe();
    mode_changes();
    vector_bases();
    handler_state();
    return 0;
}
