/* The interrupt controller's security extensions: Secure interrupts as FIQ, Non-secure ones as IRQ, what
 * Non-secure software sees and may change, FIQ while an IRQ is handled, where SCR sends both. */
#include "runtime.h"

#define DIST(offset) (*word_at(GIC_DIST + (offset)))
#define CPU(offset) (*word_at(GIC_CPU + (offset)))
#define DIST8(offset) (*(volatile uint8_t *)(GIC_DIST + (offset)))

enum { CTLR = 0, PMR = 4, BPR = 8, IAR = 12, EOIR = 16, RPR = 20, HPPIR = 24, ABPR = 28 };
enum { SECURE = 1, NONSECURE = 2, ACK_CTL = 4, FIQ_EN = 8, SBPR = 16 };
enum { SCR_NS = 1, SCR_IRQ = 2, SCR_FIQ = 4 };

/* SGI id to this CPU; group: 0 Secure, 1 Non-secure (SATT). */
static void sgi(unsigned id, unsigned group)
{
    DIST(0xf00) = 2 << 24 | group << 15 | id;
    dsb();
}

static void inputs(const char *text)
{
    uint32_t isr = CP15_READ(0, c12, c1, 0);
    print("%s: irq %d fiq %d hppir %w rpr %w\n", text, (int)(isr >> 7 & 1), (int)(isr >> 6 & 1), CPU(HPPIR),
          CPU(RPR));
}

/* Reads or writes as Non-secure software would: from Monitor mode with SCR.NS the bus accesses stay Secure,
 * so SVC mode it is. An SMC comes back. */
static uint32_t nonsecure(uint32_t code, uint32_t r0, uint32_t r1)
{
    set_state();
    before.r[0] = r0;
    before.r[1] = r1;
    before.r[10] = code;
    run_quietly(A32("mov r11, #0xd3; orr r11, r11, #0x100; msr spsr_cxsf, r11; mov lr, r10; mrc p15, 0, r11, "
                    "c1, c1, 0; orr "
                    "r11, r11, #1; mcr p15, 0, r11, c1, c1, 0; isb; movs pc, lr"),
                MON | MASKED);
    return after.r[0];
}

static uint32_t ns_read(uint32_t address)
{
    return nonsecure(A32("ldr r0, [r0]; smc #0"), address, 0);
}

static void ns_write(uint32_t address, uint32_t value)
{
    nonsecure(A32("str r1, [r0]; smc #0"), address, value);
}

static void setup(uint32_t control)
{
    gic_init();
    DIST(0x80) = 0x0000ff00; /* SGIs 8 to 15 are Non-secure */
    DIST(CTLR) = 3;
    CPU(PMR) = 0xff;
    CPU(CTLR) = control;
    for (unsigned n = 0; n < 16; n++)
        DIST8(0x400 + n) = n < 8 ? 0x40 : 0xc0;
}

static void groups(void)
{
    setup(SECURE | NONSECURE | FIQ_EN);
    inputs("nothing");
    sgi(3, 0);
    inputs("secure");
    sgi(9, 1);
    inputs("secure and nonsecure");
    uint32_t a = CPU(IAR);
    inputs("secure acknowledged");
    CPU(EOIR) = a;
    inputs("secure ended");
    uint32_t b = CPU(IAR);
    print("iar %w, then without AckCtl %w\n", a, b);
    CPU(CTLR) = SECURE | NONSECURE | FIQ_EN | ACK_CTL;
    b = CPU(IAR);
    print("with AckCtl %w\n", b);
    CPU(EOIR) = b;
    inputs("ended");
    sgi(9, 0);
    inputs("SATT 0 does not reach a nonsecure SGI");
    CPU(CTLR) = SECURE | NONSECURE;
    sgi(3, 0);
    inputs("without FIQEn");
    CPU(EOIR) = CPU(IAR);
    CPU(CTLR) = NONSECURE | FIQ_EN;
    sgi(3, 0);
    sgi(9, 1);
    inputs("secure ones off at the interface");
    DIST(CTLR) = 1;
    inputs("nonsecure ones off at the distributor");
    DIST(CTLR) = 3;
    CPU(CTLR) = SECURE | NONSECURE | FIQ_EN | ACK_CTL;
    CPU(EOIR) = CPU(IAR);
    CPU(EOIR) = CPU(IAR);
    inputs("nothing");
}

static void views(void)
{
    setup(SECURE | NONSECURE | FIQ_EN);
    CP15_WRITE(0, c12, c0, 1, (uint32_t)monitor_vectors);
    print("ns: ICDDCR %w ICCICR %w\n", ns_read(GIC_DIST), ns_read(GIC_CPU));
    print("ns: priorities %x %x\n", ns_read(GIC_DIST + 0x400), ns_read(GIC_DIST + 0x408));
    ns_write(GIC_DIST + 0x408, 0x00804020);
    ns_write(GIC_DIST + 0x400, 0);
    print("after an ns write: s %x %x ns %x\n", DIST(0x408), DIST(0x400), ns_read(GIC_DIST + 0x408));
    print("ns: ICDISR %w\n", ns_read(GIC_DIST + 0x80));
    ns_write(GIC_DIST + 0x80, 0xffffffff);
    print("s: ICDISR %x\n", DIST(0x80));
    CPU(PMR) = 0xf0;
    print("ns: mask %w", ns_read(GIC_CPU + PMR));
    ns_write(GIC_CPU + PMR, 0x40);
    print(", written 40: s %w", CPU(PMR));
    CPU(PMR) = 0x60;
    ns_write(GIC_CPU + PMR, 0x40);
    print(", not while secure has it at %w: ns reads %w\n", CPU(PMR), ns_read(GIC_CPU + PMR));
    CPU(PMR) = 0xff;
    CPU(BPR) = 3;
    print("binary points: s %w ns %w alias %w", CPU(BPR), ns_read(GIC_CPU + BPR), CPU(ABPR));
    ns_write(GIC_CPU + BPR, 5);
    print(", ns writes 5: s %w ns %w alias %w\n", CPU(BPR), ns_read(GIC_CPU + BPR), CPU(ABPR));
    sgi(3, 0);
    print("secure pending: ns hppir %w iar %w\n", ns_read(GIC_CPU + HPPIR), ns_read(GIC_CPU + IAR));
    print("s: hppir %w\n", CPU(HPPIR));
    print("ns: pending %w", ns_read(GIC_DIST + 0x200));
    sgi(9, 1);
    print(" and with one of its own %w\n", ns_read(GIC_DIST + 0x200));
    uint32_t id = CPU(IAR);
    CPU(EOIR) = id;
    id = ns_read(GIC_CPU + IAR);
    print("ns acknowledges %w, rpr s %w ns %w\n", id, CPU(RPR), ns_read(GIC_CPU + RPR));
    ns_write(GIC_CPU + EOIR, id);
    inputs("ended");
    ns_write(GIC_CPU, 0);
    print("ns switches its side off: ICCICR %w\n", CPU(CTLR));
    ns_write(GIC_CPU, 1);
    ns_write(GIC_DIST, 0);
    print("ICCICR %w ICDDCR %w\n", CPU(CTLR), DIST(CTLR));
    ns_write(GIC_DIST + 0xf00, 2 << 24 | 3);
    DIST(CTLR) = 3;
    inputs("ns sends a secure SGI: nothing");
    ns_write(GIC_DIST + 0xf00, 2 << 24 | 10);
    inputs("ns sends its own");
    ns_write(GIC_CPU + EOIR, ns_read(GIC_CPU + IAR));
}

static void taking(void)
{
    setup(SECURE | NONSECURE | FIQ_EN | ACK_CTL);
    set_state();
    CP15_WRITE(0, c12, c0, 1, (uint32_t)monitor_vectors);
    sgi(3, 0);
    run("fiq", A32("nop; nop"), USR);
    run("fiq masked", A32("nop; nop"), USR | PSR_F);
    run("fiq before irq", T32("nop; nop"), SVC | PSR_A);
    CP15_WRITE(0, c1, c1, 0, SCR_FIQ);
    run("fiq to mon", A32("nop; nop"), USR);
    sgi(9, 1);
    run("both: fiq to mon", A32("nop; nop"), USR);
    run("both, fiq masked: the fiq stays in front", A32("nop; nop"), USR | PSR_F);
    CP15_WRITE(0, c1, c1, 0, SCR_IRQ);
    run("both: fiq stays", A32("nop; nop"), USR);
    run("both, fiq masked: nothing to mon", A32("nop; nop"), USR | PSR_F);
    CP15_WRITE(0, c1, c1, 0, 0);
    CPU(EOIR) = CPU(IAR);
    run("irq", A32("nop; nop"), SYS);
    CPU(EOIR) = CPU(IAR);
    run("nothing", A32("nop; svc 0"), SYS);
    before.r[8] = 0x88;
    sgi(3, 0);
    run("fiq bank", A32("mov r8, #0x77; mov r12, #0x66; cpsie f; nop"), SYS | PSR_F | PSR_I);
    CPU(EOIR) = CPU(IAR);
}

int main(void)
{
    groups();
    views();
    taking();
    return 0;
}
