/* Exclusive monitors on one CPU; WFI and WFE: what wakes them, and that they do not wake without reason. */
#include "runtime.h"

static void exclusives(void)
{
    set_state();
    *word_at(SCRATCH) = 7;
    before.r[0] = SCRATCH;
    before.r[1] = 5;
    RUN_BOTH(SVC, "ldrex r2, [r0]; strex r3, r1, [r0]; ldr r4, [r0]");
    RUN_BOTH(SVC, "clrex; strex r3, r1, [r0]");
    RUN_BOTH(SVC, "ldrex r2, [r0]; strex r3, r1, [r0]; strex r4, r1, [r0]");
    RUN_BOTH(SVC, "ldrex r2, [r0]; clrex; strex r3, r1, [r0]");
    RUN_A32(SVC, "ldrex r2, [r0]; add r0, r0, #8; strex r3, r1, [r0]");
    RUN_A32(SVC, "ldrexb r2, [r0]; strexb r3, r1, [r0]; ldr r4, [r0]");
    RUN_A32(SVC, "ldrexh r2, [r0]; strexh r3, r1, [r0]; ldr r4, [r0]");
    RUN_A32(SVC, "ldrexd r4, r5, [r0]; strexd r3, r4, r5, [r0]");
    RUN_A32(SVC, "ldrex r2, [r0]; ldrex r5, [r0]; strex r3, r1, [r0]; strex r4, r1, [r0]");
    RUN_A32(SVC, "add r6, r0, #16; ldrex r2, [r0]; ldrex r5, [r6]; strex r3, r1, [r0]; ldr r7, [r0]");
    RUN_A32(SVC, "ldrex r2, [r0]; ldr r5, [r0]; str r5, [r0, #32]; strex r3, r1, [r0]");
    RUN_A32(SVC, "ldrex r2, [r0]; mov r5, #1; mcr p15, 0, r5, c7, c10, 5; strex r3, r1, [r0]");
    RUN_T32(SVC, "ldrex r2, [r0, #1020]; strex r3, r1, [r0, #1020]");
    RUN_T32(SVC, "cmp r0, r0; ldrex r2, [r0]; itte eq; strexeq r3, r1, [r0]; moveq r4, #1; movne r4, #2");
    SCTLR_WRITE(SCTLR_READ() | SCTLR_SW);
    *word_at(SCRATCH) = 0x11223344;
    before.r[1] = 0xaabbccdd;
    RUN_A32(SVC, "swp r2, r1, [r0]; ldr r3, [r0]");
    RUN_A32(SVC, "swpb r2, r1, [r0]; ldr r3, [r0]");
    RUN_A32(SVC, "add r0, #3; swpb r1, r1, [r0]; ldr r3, [r0, #-3]");
    SCTLR_WRITE(SCTLR_READ() & ~(uint32_t)SCTLR_SW);
}

static volatile uint32_t ticks;

static void tick(void)
{
    uint32_t id = *word_at(GIC_CPU + 0xc);
    *word_at(PRIVATE_TIMER + 0xc) = 1;
    *word_at(GIC_CPU + 0x10) = id;
    ticks++;
}

static void start_timer(uint32_t load)
{
    *word_at(PRIVATE_TIMER + 8) = 0;
    *word_at(PRIVATE_TIMER + 0xc) = 1;
    *word_at(PRIVATE_TIMER) = load;
    *word_at(PRIVATE_TIMER + 8) = 5;
}

static void waits(void)
{
    gic_init();
    gic_enable(29);
    on_irq(tick);
    /* WFI wakes although the interrupt is masked; the interrupt is taken when it no longer is. */
    start_timer(20000);
    wfi();
    print("after wfi: %d ticks, status %w\n", (int)ticks, *word_at(PRIVATE_TIMER + 0xc));
    irq_on();
    __asm__ volatile("nop; nop" ::: "memory");
    irq_off();
    print("unmasked: %d ticks\n", (int)ticks);
    /* With a pending interrupt WFI does not sleep. */
    start_timer(100);
    while (!*word_at(PRIVATE_TIMER + 0xc))
        ;
    wfi();
    wfi();
    print("wfi with a pending interrupt goes on\n");
    irq_on();
    irq_off();
    print("%d ticks\n", (int)ticks);
    /* Unmasked: the handler runs, then the program goes on after WFI. */
    irq_on();
    start_timer(20000);
    wfi();
    irq_off();
    print("unmasked wfi: %d ticks\n", (int)ticks);
    /* Twenty sleeps, twenty ticks. */
    irq_on();
    for (unsigned n = 0; n < 20; n++) {
        uint32_t now = ticks;
        start_timer(2000);
        while (ticks == now)
            wfi();
    }
    irq_off();
    print("20 more: %d ticks\n", (int)ticks);
    /* SEV sets the event register: WFE takes it and goes on. */
    __asm__ volatile("sev; wfe" ::: "memory");
    print("sev, wfe\n");
    /* WFE in a loop until an interrupt. */
    irq_on();
    uint32_t now = ticks;
    start_timer(20000);
    while (ticks == now)
        __asm__ volatile("wfe" ::: "memory");
    irq_off();
    print("wfe: %d ticks\n", (int)(ticks - now));
    /* The old way to wait: CP15. */
    irq_on();
    now = ticks;
    start_timer(20000);
    while (ticks == now)
        CP15_WRITE(0, c7, c0, 4, 0);
    irq_off();
    print("cp15 wait: %d ticks\n", (int)(ticks - now));
    /* An IT block around WFI; Thumb encodings. */
    on_irq(0);
    set_state();
    start_timer(2000);
    run("wfi in an it block", T32("itt eq; wfieq; addeq r0, #1"), SVC | MASKED | PSR_Z);
    run("wfi not executed", T32("itt ne; wfine; addne r0, #1"), SVC | MASKED | PSR_Z);
    run("wfi, then the interrupt", A32("wfi; cpsie i; add r0, r0, #1; add r0, r0, #2"), SVC | PSR_I);
    uint32_t id = *word_at(GIC_CPU + 0xc);
    *word_at(PRIVATE_TIMER + 0xc) = 1;
    *word_at(GIC_CPU + 0x10) = id;
}

int main(void)
{
    make_flat_map();
    mmu_on();
    exclusives();
    waits();
    return 0;
}
