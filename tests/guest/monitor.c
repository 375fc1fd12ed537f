/* Security state: SMC, Monitor mode, SCR, the registers that are banked, what Non-secure state may not touch,
 * where aborts and interrupts go. */
#include "runtime.h"

enum { SCR_NS = 1, SCR_IRQ = 2, SCR_FIQ = 4, SCR_EA = 8, SCR_FW = 16, SCR_AW = 32 };

#define TO_NS "mrc p15, 0, r11, c1, c1, 0; orr r11, r11, #1; mcr p15, 0, r11, c1, c1, 0; isb\n"
#define TO_SECURE "mrc p15, 0, r11, c1, c1, 0; bic r11, r11, #1; mcr p15, 0, r11, c1, c1, 0; isb\n"

static uint32_t scr(void)
{
    return CP15_READ(0, c1, c1, 0);
}

static void smc(void)
{
    set_state();
    RUN_A32(SVC, "smc #0");
    RUN_T32(SVC, "smc #0");
    RUN_T32(IRQ, "nop; smc #0");
    RUN_A32(USR, "smc #0");
    RUN_A32(SVC, "cmp r0, r0; smcne #0; adds r0, r0, #1");
    run("it smc", T32("it eq; smceq #0"), SVC | MASKED | PSR_Z);
    run("itt smc", T32("ite ne; movne r0, #1; smceq #0"), SVC | MASKED | PSR_Z);
    run("smc masks", A32("smc #0"), SVC);
    RUN_A32(SVC, "cps #0x16; mrs r0, cpsr");
    RUN_A32(MON, "smc #0");
    RUN_A32(MON, "svc #0");
    RUN_A32(MON, "udf #0");
    RUN_A32(MON, "bkpt #0");
}

/* Each register: written in Secure state, then through Monitor mode with SCR.NS set, then both read. */
#define BANKED(name, numbers, mask)                                                                          \
    do {                                                                                                     \
        set_state();                                                                                         \
        before.r[0] = 0xa5a5a5a5 & (mask);                                                                   \
        before.r[1] = 0x5a5a5a5a & (mask);                                                                   \
        run_quietly(A32("mrc p15, 0, r6, " numbers "\n" TO_NS "mrc p15, 0, r7, " numbers "\n" TO_SECURE      \
                        "mcr p15, 0, r0, " numbers "\n" TO_NS "mrc p15, 0, r2, " numbers                     \
                        "\nmcr p15, 0, r1, " numbers "; mrc p15, 0, r3, " numbers "\n" TO_SECURE             \
                        "mrc p15, 0, r4, " numbers "; mcr p15, 0, r6, " numbers "\n" TO_NS                   \
                        "mrc p15, 0, r5, " numbers "\nmcr p15, 0, r7, " numbers "\n" TO_SECURE "cps #0x13"), \
                    MON | MASKED);                                                                           \
        print("%s: %s", name, after.kind == SUPERVISOR ? "" : "refused ");                                   \
        print("ns before %s, then s %x ns %x\n", after.r[2] == after.r[7] ? "own" : "shared", after.r[4],    \
              after.r[5]);                                                                                   \
    } while (0)

static void banked(void)
{
    BANKED("SCTLR", "c1, c0, 0", 0x00004000);
    BANKED("CSSELR is shared or not, IFSR", "c5, c0, 1", 0x0000140f);
    BANKED("DFSR", "c5, c0, 0", 0x00001cff);
    BANKED("DFAR", "c6, c0, 0", ~0u);
    BANKED("IFAR", "c6, c0, 2", ~0u);
    BANKED("TTBR0", "c2, c0, 0", 0xffffc000);
    BANKED("TTBR1", "c2, c0, 1", 0xffffc000);
    BANKED("TTBCR", "c2, c0, 2", 7);
    BANKED("DACR", "c3, c0, 0", ~0u);
    BANKED("PAR", "c7, c4, 0", 0xfffff000);
    BANKED("PRRR", "c10, c2, 0", 0x000fffff);
    BANKED("NMRR", "c10, c2, 1", ~0u);
    BANKED("VBAR", "c12, c0, 0", ~31u);
    BANKED("CONTEXTIDR", "c13, c0, 1", ~0u);
    BANKED("TPIDRURW", "c13, c0, 2", ~0u);
    BANKED("TPIDRURO", "c13, c0, 3", ~0u);
    BANKED("TPIDRPRW", "c13, c0, 4", ~0u);
    BANKED("MVBAR", "c12, c0, 1", ~31u);
    BANKED("CPACR", "c1, c0, 2", 0x00f00000);
    BANKED("PMUSERENR", "c9, c14, 0", 1);
    BANKED("SDER", "c1, c1, 1", 3);
    CP15_WRITE(0, c12, c0, 0, (uint32_t)vectors);
    CP15_WRITE(0, c12, c0, 1, (uint32_t)monitor_vectors);
    CP15_WRITE(0, c9, c14, 0, 0);
    CP15_WRITE(0, c1, c0, 2, 0xf00000);
    __asm__ volatile("vmsr fpexc, %0" ::"r"(0x40000000));
}

/* Runs code in Non-secure SVC mode. An SMC ends it; so does an exception that goes to Monitor mode.
 * Exceptions of the Non-secure state end in an SMC too: r12 tells which one. */
__asm__(".arm\n\t.balign 32\n.global ns_vectors\nns_vectors:\n\tb .\n\tb ns1\n\tb ns2\n\tb ns3\n\tb ns4\n\tb "
        ".\n\tb ns6\n\tb ns7\n"
        ".macro ns_vector n\nns\\n: mov r12, #\\n; mov r10, lr; mrs r9, spsr; mrs r8, cpsr\n"
        "mrc p15, 0, r7, c5, c0, 0; mrc p15, 0, r6, c6, c0, 0; smc #1; .endm\n"
        "ns_vector 1; ns_vector 2; ns_vector 3; ns_vector 4; ns_vector 6; ns_vector 7\n");
extern uint32_t ns_vectors[];

static void run_nonsecure(const char *text, uint32_t code, uint32_t psr)
{
    before.r[11] = psr;
    before.r[10] = code;
    before.r[12] = 0;
    run_quietly(
        A32("msr spsr_cxsf, r11; mov lr, r10; mrc p15, 0, r11, c1, c1, 0; orr r11, r11, #1\n"
            "mcr p15, 0, r11, c1, c1, 0; isb; ldr r11, =0x11111111; ldr r10, =0x10101010; movs pc, lr"),
        MON | MASKED);
    print("%s: kind %d spsr %x scr %w", text, after.kind, after.cpsr, after.scr);
    if (after.r[12])
        print(", in ns: kind %d pc+%d spsr %x handler %x", after.r[12], (int)(after.r[10] - (code & ~1u)),
              after.r[9], after.r[8]);
    else
        print(" pc+%d", (int)(after.pc - (code & ~1u)));
    if (after.r[12] == DATA_ABORT)
        print(" dfsr %w dfar %w", after.r[7], after.r[6]);
    for (unsigned n = 0; n < 6; n++)
        if (after.r[n] != before.r[n])
            print(" r%d=%w", n, after.r[n]);
    print("\n");
}

#define NS_SVC (SVC | MASKED)
#define NS(text) run_nonsecure(text, A32(text "; smc #0"), NS_SVC)
#define NS_PSR(text, psr) run_nonsecure(text, A32(text "; smc #0"), psr)

static void nonsecure(void)
{
    set_state();
    run_quietly(A32(TO_NS "mcr p15, 0, r0, c12, c0, 0\n" TO_SECURE "cps #0x13"), MON | MASKED);
    before.r[0] = (uint32_t)ns_vectors;
    run_quietly(A32(TO_NS "mcr p15, 0, r0, c12, c0, 0\n" TO_SECURE "cps #0x13"), MON | MASKED);
    set_state();
    NS("nop");
    NS_PSR("nop; nop", SYS | PSR_F);
    run_nonsecure("thumb", T32("nop; smc #0"), NS_SVC | PSR_T);
    NS("svc 1");
    NS("udf 1");
    NS("bkpt 1");
    NS("add r1, r1, #1; ldrex r0, [r1]");
    NS_PSR("mov r0, #1; svc 1", USR);
    /* What is there only for Secure state. */
    NS("mrc p15, 0, r0, c1, c1, 0");
    NS("mcr p15, 0, r0, c1, c1, 0");
    NS("mrc p15, 0, r0, c1, c1, 1");
    NS("mrc p15, 0, r0, c12, c0, 1");
    NS("mrc p15, 0, r0, c1, c1, 2; mov r0, #1");
    NS("mcr p15, 0, r0, c1, c1, 2");
    NS("mcr p15, 0, r0, c7, c8, 4");
    NS("cps #0x16; mrs r0, cpsr");
    NS("mrs r0, cpsr; bic r0, r0, #0x1f; orr r0, r0, #0x16; msr cpsr_c, r0; mrs r0, cpsr");
    NS("mcr p15, 0, r0, c7, c8, 0; mov r0, #1");
    /* The FPU belongs to Non-secure state only where NSACR says so. */
    CP15_WRITE(0, c1, c1, 2, 0);
    NS("mrc p15, 0, r0, c1, c0, 2");
    NS("vmrs r0, fpexc");
    NS("vmov r0, s0");
    NS("mvn r0, #0; mcr p15, 0, r0, c1, c0, 2; mrc p15, 0, r0, c1, c0, 2");
    CP15_WRITE(0, c1, c1, 2, 0xc00);
    NS("vmrs r0, fpexc");
    NS("vmov r0, s0; mov r0, #1");
    NS("mrc p15, 0, r0, c1, c1, 2");
    /* CPSR.F and CPSR.A can be changed only with SCR.FW and SCR.AW. */
    for (uint32_t bits = 0; bits <= 0x30; bits += 0x10) {
        CP15_WRITE(0, c1, c1, 0, bits);
        NS_PSR("mrs r0, cpsr; cpsie af; mrs r1, cpsr; cpsid af; mrs r2, cpsr; mov r3, #0x13; msr cpsr_cx, "
               "r3; mrs r3, cpsr",
               NS_SVC);
        NS_PSR("mrs r0, cpsr; cpsid af; mrs r1, cpsr", SVC);
        NS_PSR("bkpt 0", SVC);
    }
    CP15_WRITE(0, c1, c1, 0, 0);
}

/* Interrupts: an SGI to this CPU, which is Secure (group 0), as IRQ or FIQ. */
static void interrupts(void)
{
    gic_init();
    set_state();
    for (uint32_t route = 0; route <= SCR_IRQ; route += SCR_IRQ) {
        CP15_WRITE(0, c1, c1, 0, route);
        *word_at(GIC_DIST + 0xf00) = 2 << 24 | 5;
        run("irq from secure usr", A32("nop; nop; nop; nop"), USR);
        run("irq from secure svc thumb", T32("nop; nop; nop; nop"), SVC | PSR_F);
        NS_PSR("nop; nop; nop", SYS);
        NS_PSR("mrs r0, cpsr", SYS | PSR_I);
        uint32_t id = *word_at(GIC_CPU + 0xc);
        *word_at(GIC_CPU + 0x10) = id;
        print("acknowledged %w\n", id);
    }
    CP15_WRITE(0, c1, c1, 0, 0);
    *word_at(GIC_CPU) = 0;
    *word_at(GIC_DIST) = 0;
}

int main(void)
{
    CP15_WRITE(0, c12, c0, 1, (uint32_t)monitor_vectors);
    print("SCR %x\n", scr());
    smc();
    banked();
    nonsecure();
    interrupts();
    return 0;
}
