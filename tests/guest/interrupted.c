/* Interrupts everywhere: a fast timer interrupts loops of IT blocks, of multiple loads and stores, of
 * exclusives and of long multiplications; what the loops compute must not depend on it. */
#include "runtime.h"

enum { TIMER_ID = 29, RELOAD = 2500 };

static volatile uint32_t ticks, wrong_id;

static void tick(void)
{
    uint32_t id = *word_at(GIC_CPU + 0xc) & 0x3ff;
    wrong_id += id != TIMER_ID;
    *word_at(PRIVATE_TIMER + 0xc) = 1;
    *word_at(GIC_CPU + 0x10) = id;
    ticks++;
    /* Disturb what an interrupt handler may disturb. */
    __asm__ volatile("cmp r0, r0; mov r1, #0x7b; mov r2, #0x7c; mov r3, #0x7d; mov r12, #0x7e" ::
                         : "r1", "r2", "r3", "r12", "cc");
}

/* Runs a loop until enough interrupts came in it, each time with the same result. */
#define LOOP(name, set, interwork, text)                                                                     \
    do {                                                                                                     \
        uint32_t first = 0, runs = 0, different = 0, since = ticks;                                          \
        uint32_t code = CODE(set, interwork, "push {r4-r12, lr}\n" text "\npop {r4-r12, pc}\n");             \
        while (ticks - since < 200) {                                                                        \
            register uint32_t r0 __asm__("r0") = SCRATCH;                                                    \
            __asm__ volatile("blx %1"                                                                        \
                             : "+r"(r0)                                                                      \
                             : "r"(code)                                                                     \
                             : "r1", "r2", "r3", "r12", "lr", "cc", "memory");                               \
            if (!runs++)                                                                                     \
                first = r0;                                                                                  \
            different += r0 != first;                                                                        \
        }                                                                                                    \
        print("%s: %x, different %d\n", name, first, (int)different);                                        \
    } while (0)

static void loops(void)
{
    LOOP("it blocks", ".thumb", 1,
         "mov r4, #0; mov r5, #0; mov r6, #0; movw r7, #2000\n"
         "1: ands r3, r7, #1; itete ne; addne r4, #1; addeq r5, #1; addne r6, r4; subeq r6, r5\n"
         "ands r3, r7, #2; itttt eq; eoreq r6, r6, r7; addeq r4, #3; addeq r5, #5; addeq r6, #7\n"
         "ands r3, r7, #4; itt ne; lslne r6, r6, #1; orrne r6, #1\n"
         "ands r3, r7, #8; it eq; rsbeq r6, r6, #0\n"
         "tst r7, #16; iteet ne; movne r3, r6; mvneq r3, r6; addeq r3, #1; addne r3, #2\n"
         "add r6, r3; subs r7, #1; bne 1b; mov r0, r6\n");
    LOOP("flags set in it blocks", ".thumb", 1,
         "mov r4, #0; movw r7, #3000\n"
         "1: tst r7, #1; ittte ne; addne r4, #1; cmpne r4, #50; addne r4, #2; addeq r4, #4\n"
         "subs r7, #1; bne 1b; mov r0, r4\n");
    LOOP("branches out of it blocks", ".thumb", 1,
         "mov r4, #0; movw r7, #3000\n"
         "1: tst r7, #3; itt eq; addeq r4, #5; beq 2f; add r4, #1\n"
         "2: tst r7, #5; itte ne; addne r4, #3; eorne r4, r4, r7; addeq r4, #2\n"
         "subs r7, #1; bne 1b; mov r0, r4\n");
    LOOP("conditional A32", ".arm", 0,
         "mov r4, #0; movw r7, #4000\n"
         "1: tst r7, #1; addne r4, r4, #1; addeq r4, r4, r7; tst r7, #6; eorne r4, r4, r7, lsl #3; subeqs "
         "r4, r4, #3\n"
         "adcs r4, r4, #0; subs r7, r7, #1; bne 1b; mov r0, r4\n");
    LOOP("multiple loads and stores", ".arm", 0,
         "mov r2, #0; movw r3, #500; mov r1, r0\n"
         "1: mov r4, r3; add r5, r3, #1; add r6, r3, #2; add r7, r3, #3; stm r1!, {r4-r7}; stmdb r1!, "
         "{r4-r7}\n"
         "ldmia r1, {r8-r11}; add r2, r2, r8; eor r2, r2, r9, ror #3; add r2, r2, r10; sub r2, r2, r11\n"
         "push {r2, r8}; ldr r2, [sp], #4; add r2, r2, #1; add sp, sp, #4\n"
         "subs r3, r3, #1; bne 1b; mov r0, r2\n");
    LOOP(
        "exclusives", ".arm", 0,
        "mov r1, #0; str r1, [r0]; movw r3, #1000\n"
        "1: ldrex r1, [r0]; add r1, r1, #3; strex r2, r1, [r0]; cmp r2, #0; bne 1b; subs r3, r3, #1; bne 1b\n"
        "ldr r0, [r0]\n");
    LOOP("VFP and NEON", ".arm", 0,
         "movw r3, #500; vmov.i32 q0, #1; vmov.i32 q1, #3; vmov.f32 s31, #1.5; vmov.f32 s30, #1.0\n"
         "1: vadd.i32 q0, q0, q1; vmul.i32 q1, q1, q0; veor q1, q1, q0; vadd.f32 s30, s30, s31; vpush "
         "{d0-d3}; vpop {d0-d3}\n"
         "subs r3, r3, #1; bne 1b; vadd.i32 q0, q0, q1; vadd.i32 d0, d0, d1; vmov r0, r1, d0; vmov r2, s30; "
         "add r0, r0, r1; eor r0, r0, r2\n");
    LOOP("interworking calls", ".arm", 0,
         "mov r4, #0; movw r3, #1000; b 1f\n"
         ".thumb; 3: tst r3, #1; ite ne; addne r4, #7; subeq r4, #2; bx lr\n"
         ".arm; .balign 4; 1: blx 3b; add r4, r4, #1; subs r3, r3, #1; bne 1b; mov r0, r4\n");
    LOOP("table branches", ".thumb", 1,
         "mov r4, #0; movw r7, #1000\n"
         "1: and r3, r7, #3; tbb [pc, r3]\n"
         "9: .byte (2f - 9b) / 2, (3f - 9b) / 2, (4f - 9b) / 2, (5f - 9b) / 2\n"
         "2: add r4, #1; b 6f; 3: add r4, #10; b 6f; 4: sub r4, #3; b 6f; 5: eor r4, r4, r7; 6: subs r7, #1; "
         "bne 1b; mov r0, r4\n");
}

/* Every SPSR that the interrupt sees must have an IT state that fits the place: run the code under test with
 * the raw handler and look. */
static void look_at_spsr(void)
{
    on_irq(0);
    gic_disable(TIMER_ID);
    *word_at(PRIVATE_TIMER + 8) = 0;
    *word_at(PRIVATE_TIMER + 0xc) = 1;
    *word_at(GIC_DIST + 0xf00) = 2 << 24 | 3;
    set_state();
    run("irq at once, thumb", T32("itt eq; addeq r0, #1; addeq r0, #1"), SVC | PSR_F | PSR_Z);
    run("irq at once, usr", A32("nop; nop"), USR);
    run("irq after cpsie", A32("nop; cpsie i; nop; nop; mov r0, #1"), SVC | PSR_I);
    run("irq after msr", A32("mrs r0, cpsr; bic r0, r0, #0x80; msr cpsr_c, r0; mov r1, #0; mov r2, #2"),
        SVC | PSR_I);
    run("irq after cpsie in thumb", T32("nop; cpsie i; nop; nop"), SVC | PSR_I);
    run("irq after return to user mode",
        A32("mrs r0, cpsr; bic r0, r0, #0x9f; orr r0, r0, #0x10; msr spsr_cxsf, r0; movs pc, lr"),
        SVC | PSR_I);
    run("masked", A32("nop; nop; svc 0"), SVC | PSR_I);
    uint32_t id = *word_at(GIC_CPU + 0xc);
    *word_at(GIC_CPU + 0x10) = id;
    print("id %w\n", id);
    run("none", A32("cpsie i; nop; nop; svc 0"), SVC | PSR_I);
}

int main(void)
{
    make_flat_map();
    mmu_on();
    gic_init();
    gic_enable(TIMER_ID);
    on_irq(tick);
    *word_at(PRIVATE_TIMER + 0) = RELOAD;
    *word_at(PRIVATE_TIMER + 8) = 7;
    irq_on();
    loops();
    irq_off();
    print("wrong ids %d\n", (int)wrong_id);
    look_at_spsr();
    return 0;
}
