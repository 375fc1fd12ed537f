/* The interrupt controller: software-generated, private and shared interrupts, enabling, priorities,
 * preemption, masks, pending and active states, end of interrupt, configuration, targets. */
#include "runtime.h"

#define DIST(offset) (*word_at(GIC_DIST + (offset)))
#define CPU(offset) (*word_at(GIC_CPU + (offset)))
#define DIST8(offset) (*(volatile uint8_t *)(GIC_DIST + (offset)))

enum { CTLR = 0, PMR = 4, BPR = 8, IAR = 12, EOIR = 16, RPR = 20, HPPIR = 24 };
enum {
    ISENABLER = 0x100,
    ICENABLER = 0x180,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    PRIORITY = 0x400,
    TARGETS = 0x800,
    CONFIG = 0xc00,
    SGIR = 0xf00
};

static void sgi(unsigned id)
{
    DIST(SGIR) = 2 << 24 | id;
    dsb();
}

/* Whether the IRQ input is high. */
static unsigned input(void)
{
    return CP15_READ(0, c12, c1, 0) >> 7 & 1;
}

static void show(const char *text)
{
    print("%s: irq %d hppir %w rpr %w pending %x %x %x active %x %x\n", text, (int)input(), CPU(HPPIR),
          CPU(RPR), DIST(ISPENDR), DIST(ISPENDR + 4), DIST(ISPENDR + 8), DIST(ISACTIVER),
          DIST(ISACTIVER + 4));
}

static void identification(void)
{
    print("ICDDCR %w ICDICTR lines %w\n", DIST(0), DIST(4) & 0x1f);
    print("ICCICR %w ICCPMR %w ICCBPR %w ICCRPR %w ICCHPIR %w ICCIAR %w\n", CPU(0), CPU(4), CPU(8), CPU(0x14),
          CPU(0x18), CPU(0xc));
    print("enabled %x\n", DIST(ISENABLER));
    print("config %x %x %x\n", DIST(CONFIG), DIST(CONFIG + 4), DIST(CONFIG + 8));
    DIST(PRIORITY) = 0xffffffff;
    print("priorities %x", DIST(PRIORITY));
    DIST(PRIORITY + 24) = 0xffffffff;
    DIST(PRIORITY + 28) = 0xffffffff;
    print(" %x %x", DIST(PRIORITY + 24), DIST(PRIORITY + 28));
    DIST(PRIORITY + 32) = 0xffffffff;
    print(" %x\n", DIST(PRIORITY + 32));
    DIST8(PRIORITY + 33) = 0x12;
    print("byte access %x\n", DIST(PRIORITY + 32));
    CPU(PMR) = 0xff;
    print("mask %w\n", CPU(PMR));
    for (uint32_t n = 0; n < 8; n++) {
        CPU(BPR) = n;
        print("%w", CPU(BPR));
    }
    print("\n");
    CPU(BPR) = 0;
    DIST(TARGETS) = 0xffffffff;
    DIST(TARGETS + 32) = 0x01000100;
    print("targets %x %x %x\n", DIST(TARGETS), DIST(TARGETS + 28), DIST(TARGETS + 32));
}

static void software(void)
{
    gic_init();
    show("nothing");
    sgi(5);
    show("sgi 5");
    sgi(5);
    sgi(3);
    show("sgi 3 and 5");
    uint32_t a = CPU(IAR);
    show("acknowledged");
    uint32_t b = CPU(IAR);
    print("iar %w %w\n", a, b);
    sgi(3);
    show("sgi 3 again while active");
    CPU(EOIR) = a;
    show("ended");
    a = CPU(IAR);
    show("acknowledged");
    CPU(EOIR) = a;
    b = CPU(IAR);
    CPU(EOIR) = b;
    print("iar %w %w\n", a, b);
    show("nothing");
    /* SGIs are always enabled; pending bits of them are read-only. */
    DIST(ICENABLER) = 0xffffffff;
    DIST(ISPENDR) = 0xff;
    show("set pending of SGIs");
    /* Target list. */
    DIST(SGIR) = 0 << 24 | 1 << 16 | 9;
    show("target list");
    DIST(SGIR) = 0 << 24 | 2 << 16 | 10;
    DIST(SGIR) = 1 << 24 | 11;
    show("others: nobody");
    CPU(EOIR) = CPU(IAR);
    sgi(15);
    DIST(CTLR) = 0;
    show("distributor off");
    DIST(CTLR) = 1;
    CPU(CTLR) = 0;
    print("interface off: irq %d\n", (int)input());
    CPU(CTLR) = 1;
    show("both on");
    CPU(PMR) = 0xa0;
    show("masked");
    CPU(PMR) = 0xa8;
    show("unmasked");
    CPU(EOIR) = CPU(IAR);
}

static void priorities(void)
{
    gic_init();
    static const uint8_t priority[16] = {0x80, 0x40, 0x60, 0x40, 0x20, 0xf0, 0x88, 0x90};
    for (unsigned n = 0; n < 8; n++)
        DIST8(PRIORITY + n) = priority[n];
    for (unsigned n = 0; n < 8; n++)
        sgi(n);
    print("order:");
    for (unsigned n = 0; n < 9; n++) {
        uint32_t id = CPU(IAR), rpr = CPU(RPR);
        print(" %w/%w", id, rpr);
        CPU(EOIR) = id;
    }
    print("\n");
    /* Preemption: each higher one comes through, nothing else; the binary point makes groups. */
    sgi(0);
    uint32_t first = CPU(IAR);
    show("0x80 active");
    sgi(6);
    show("0x88 waits");
    sgi(2);
    show("0x60 preempts");
    uint32_t second = CPU(IAR);
    sgi(1);
    CPU(BPR) = 6;
    show("0x40 with binary point 6");
    CPU(BPR) = 4;
    show("0x40 with binary point 4");
    uint32_t third = CPU(IAR);
    print("ids %w %w %w rpr %w\n", first, second, third, CPU(RPR));
    CPU(EOIR) = third;
    print("rpr %w", CPU(RPR));
    CPU(EOIR) = second;
    print(" %w", CPU(RPR));
    CPU(EOIR) = first;
    print(" %w\n", CPU(RPR));
    show("0x88 left");
    CPU(EOIR) = CPU(IAR);
    CPU(BPR) = 0;
    /* A change of priority while pending counts. */
    sgi(0);
    sgi(5);
    DIST8(PRIORITY + 5) = 0x10;
    show("5 raised");
    CPU(EOIR) = CPU(IAR);
    CPU(EOIR) = CPU(IAR);
    show("nothing");
    /* The lowest priority that exists is never signalled with the highest mask. */
    DIST8(PRIORITY + 0) = 0xf8;
    CPU(PMR) = 0xf8;
    sgi(0);
    show("priority equals the mask");
    CPU(PMR) = 0xff;
    DIST8(PRIORITY + 0) = 0x80;
    CPU(EOIR) = CPU(IAR);
}

/* Shared interrupts made pending by hand: 95 has no source here. */
static void shared(void)
{
    gic_init();
    DIST(ISPENDR + 8) = 1u << 31;
    show("95 pending, disabled");
    gic_enable(95);
    show("enabled");
    DIST(ICPENDR + 8) = 1u << 31;
    show("cleared");
    DIST(ISPENDR + 8) = 1u << 31;
    uint32_t id = CPU(IAR);
    show("acknowledged");
    DIST(ISPENDR + 8) = 1u << 31;
    show("pending and active");
    CPU(EOIR) = id;
    show("ended");
    gic_disable(95);
    show("disabled");
    print("iar %w\n", CPU(IAR));
    gic_enable(95);
    CPU(EOIR) = CPU(IAR);
    /* Equal priorities: the lowest number. */
    gic_enable(94);
    gic_enable(40);
    DIST(ISPENDR + 8) = 3u << 30;
    DIST(ISPENDR + 4) = 1 << 8;
    for (unsigned n = 0; n < 4; n++) {
        id = CPU(IAR);
        print("%w ", id);
        CPU(EOIR) = id;
    }
    print("\n");
    gic_disable(94);
    gic_disable(95);
    gic_disable(40);
}

/* A level-sensitive source: SP804 timer 0/1, interrupt 34, kept high by its raw status. */
static void level(void)
{
    gic_init();
    gic_enable(34);
    *word_at(SP804 + 8) = 0;
    *word_at(SP804 + 0xc) = 0;
    *word_at(SP804 + 0) = 1;
    *word_at(SP804 + 8) = 0xa3; /* enable, interrupt, one shot, 32 bits */
    while (!*word_at(SP804 + 0x10))
        ;
    show("level high");
    uint32_t id = CPU(IAR);
    show("acknowledged, still high");
    CPU(EOIR) = id;
    show("ended, still high");
    DIST(ICPENDR + 4) = 4;
    show("clearing the pending bit does not help");
    *word_at(SP804 + 0xc) = 0;
    show("source cleared");
    print("iar %w\n", CPU(IAR));
    /* Edge-triggered: stays pending after the source is cleared. */
    DIST(CONFIG + 8) |= 2 << 4;
    print("config %x\n", DIST(CONFIG + 8) & 0x30);
    *word_at(SP804 + 0) = 1;
    *word_at(SP804 + 8) = 0xa3;
    while (!*word_at(SP804 + 0x10))
        ;
    *word_at(SP804 + 0xc) = 0;
    show("edge");
    id = CPU(IAR);
    CPU(EOIR) = id;
    print("iar %w\n", id);
    show("ended");
    DIST(CONFIG + 8) &= ~(2u << 4);
    *word_at(SP804 + 8) = 0x20;
}

static volatile uint32_t trace[16], traced;

static void nested(void)
{
    uint32_t id = CPU(IAR);
    trace[traced++ & 15] = id;
    if ((id & 0x3ff) == 4) {
        sgi(2);
        irq_on();
        for (volatile unsigned n = 0; n < 10; n++)
            ;
        irq_off();
        sgi(8);
        irq_on();
        for (volatile unsigned n = 0; n < 10; n++)
            ;
        irq_off();
        trace[traced++ & 15] = 0x44;
    }
    CPU(EOIR) = id;
}

static void handlers(void)
{
    gic_init();
    for (unsigned n = 0; n < 16; n++)
        DIST8(PRIORITY + n) = (uint8_t)(n << 4);
    on_irq(nested);
    irq_on();
    sgi(4);
    for (volatile unsigned n = 0; n < 10; n++)
        ;
    irq_off();
    on_irq(0);
    for (unsigned n = 0; n < traced; n++)
        print("%w ", trace[n]);
    print("\n");
}

int main(void)
{
    identification();
    software();
    priorities();
    shared();
    level();
    handlers();
    return 0;
}
