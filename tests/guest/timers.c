/* Timers: private timer, watchdog as a timer, SP804; only what does not depend on how fast the machine is. */
#include "runtime.h"

#define PT(offset) (*word_at(PRIVATE_TIMER + (offset)))
#define WD(offset) (*word_at(PRIVATE_TIMER + 0x20 + (offset)))
#define GT(offset) (*word_at(GLOBAL_TIMER + (offset)))
#define SP(offset) (*word_at(SP804 + (offset)))

static const char *ordered(uint32_t low, uint32_t value, uint32_t high)
{
    return low <= value && value <= high ? "ok" : "wrong";
}

static void delay(void)
{
    for (volatile unsigned n = 0; n < 20000; n++)
        ;
}

static void private_timer(void)
{
    print("reset %w %w %w %w\n", PT(0), PT(4), PT(8), PT(12));
    PT(0) = 0x7fffffff;
    print("load %w counter %w\n", PT(0), PT(4));
    PT(8) = 1;
    uint32_t a = PT(4);
    delay();
    uint32_t b = PT(4);
    PT(8) = 0;
    uint32_t c = PT(4);
    delay();
    print("counts down %s, stops %s\n", ordered(c, b, a - 1), ordered(c, PT(4), c));
    PT(4) = 0x1234;
    print("counter %w load %w\n", PT(4), PT(0));
    PT(8) = ~0u;
    print("control %w\n", PT(8));
    PT(8) = 0;
    PT(12) = 1;
    /* One shot: stops at 0, sets its flag once. */
    PT(0) = 100;
    PT(8) = 1;
    while (!PT(12))
        ;
    print("one shot: counter %w status %w control %w\n", PT(4), PT(12), PT(8));
    PT(12) = 0;
    print("writing 0: %w", PT(12));
    PT(12) = 1;
    print(", 1: %w\n", PT(12));
    delay();
    print("stays %w %w\n", PT(4), PT(12));
    /* Auto-reload. */
    PT(8) = 0;
    PT(0) = 1000;
    PT(8) = 3;
    unsigned rounds = 0;
    uint32_t highest = 0;
    while (rounds < 20) {
        uint32_t now = PT(4);
        highest = now > highest ? now : highest;
        if (PT(12)) {
            PT(12) = 1;
            rounds++;
        }
    }
    print("auto-reload: %d rounds, highest %s\n", (int)rounds, ordered(1, highest, 1000));
    PT(8) = 0;
    /* Twice the prescaler, half the speed: compared with the global timer. */
    static uint32_t took[2];
    for (unsigned n = 0; n < 2; n++) {
        PT(0) = 50000;
        PT(12) = 1;
        GT(8) = 1;
        uint32_t start = GT(0);
        PT(8) = 1 | (n ? 1 << 8 : 0);
        while (!PT(12))
            ;
        took[n] = GT(0) - start;
        PT(8) = 0;
    }
    print("took at least %s %s\n", ordered(50000, took[0], ~0u), ordered(100000, took[1], ~0u));
    PT(12) = 1;
}

/* Interrupt 29 with the whole way through the GIC. */
static volatile uint32_t counts[64];

static void handler(void)
{
    uint32_t id = *word_at(GIC_CPU + 0xc);
    counts[id & 0x3f]++;
    PT(12) = 1;
    WD(12) = 1;
    SP(0xc) = 0;
    SP(0x2c) = 0;
    *word_at(GIC_CPU + 0x10) = id;
}

/* Waits for interrupt `id` to come `times` more often. */
static void expect(const char *text, unsigned id, unsigned times)
{
    uint32_t start = counts[id];
    while (counts[id] - start < times)
        ;
    print("%s\n", text);
}

static void interrupts(void)
{
    gic_init();
    on_irq(handler);
    irq_on();
    gic_enable(29);
    PT(0) = 3000;
    PT(8) = 7;
    expect("private timer, 5 times", 29, 5);
    PT(8) = 5;
    delay();
    uint32_t start = counts[29];
    PT(0) = 3000;
    while (counts[29] == start)
        ;
    delay();
    print("private timer, one shot: %d\n", (int)(counts[29] - start));
    PT(8) = 0;
    gic_disable(29);
    gic_enable(30);
    WD(0) = 3000;
    WD(8) = 7;
    expect("watchdog as a timer, 3 times", 30, 3);
    print("watchdog %w %w\n", WD(8), WD(0x10));
    WD(8) = 0;
    gic_disable(30);
    gic_enable(34);
    SP(0) = 100;
    SP(8) = 0xe2;
    expect("SP804 timer 1, 3 times", 34, 3);
    SP(8) = 0x22;
    SP(0x20) = 100;
    SP(0x28) = 0xe2;
    expect("SP804 timer 2, 3 times", 34, 3);
    SP(0x28) = 0x22;
    gic_disable(34);
    irq_off();
    on_irq(0);
}

static void watchdog(void)
{
    print("watchdog reset %w %w %w %w %w\n", WD(0), WD(4), WD(8), WD(12), WD(16));
    WD(0) = 0x7fffffff;
    WD(8) = 8;
    print("mode %w", WD(8));
    WD(8) = 0;
    print(" stays %w", WD(8));
    WD(4) = 5;
    print(" counter %w", WD(4));
    WD(0x14) = 0x12345678;
    WD(0x14) = 0x87654320;
    print(" %w", WD(8));
    WD(0x14) = 0x12345678;
    WD(0x14) = 0x87654321;
    print(" disabled %w\n", WD(8));
}

static void sp804(void)
{
    SP(8) = 0x20;
    SP(0xc) = 0;
    print("ids");
    for (unsigned n = 0; n < 8; n++)
        print(" %w", SP(0xfe0 + 4 * n));
    print("\n");
    SP(0) = 0xffff1234;
    print("load %w value %w bgload %w\n", SP(0), SP(4), SP(0x18));
    SP(0x18) = 77;
    print("bgload: load %w value %w\n", SP(0), SP(4));
    SP(8) = 0xff;
    print("control %w\n", SP(8));
    SP(8) = 0x20;
    SP(0x28) = 0x20;
    /* Periodic, free running, one shot; RIS and MIS. */
    SP(0xc) = 0;
    SP(0) = 50;
    SP(8) = 0xe2;
    while (!SP(0x10))
        ;
    print("periodic: ris %w mis %w\n", SP(0x10), SP(0x14));
    SP(8) = 0xc2;
    print("without interrupt enable: ris %w mis %w\n", SP(0x10), SP(0x14));
    SP(0xc) = 1;
    while (!SP(0x10))
        ;
    uint32_t value = SP(4);
    print("again %s\n", ordered(0, value, 50));
    SP(8) = 0x20;
    SP(0) = 30;
    SP(0xc) = 1;
    SP(8) = 0xa3;
    while (!SP(0x10))
        ;
    print("one shot: value %w\n", SP(4));
    delay();
    print("stays %w\n", SP(4));
    SP(8) = 0x20;
    /* 16 bits. */
    SP(0) = 0x12340005;
    SP(0xc) = 1;
    SP(8) = 0xa0;
    while (!SP(0x10))
        ;
    do
        value = SP(4) & 0xffff;
    while (!value);
    print("16 bits, free running: goes on %s\n", ordered(0xff00, value, 0xffff));
    SP(8) = 0x20;
    SP(0xc) = 1;
    print("second timer %w %w %w\n", SP(0x20), SP(0x28), SP(0x30));
}

int main(void)
{
    private_timer();
    watchdog();
    interrupts();
    sp804();
    return 0;
}
