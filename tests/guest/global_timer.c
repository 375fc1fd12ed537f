/* The global timer: counter, comparator, interrupt, auto-increment. */
#include "runtime.h"

#define GT(offset) (*word_at(GLOBAL_TIMER + (offset)))

static volatile uint32_t count, last;

static void handler(void)
{
    last = *word_at(GIC_CPU + 0xc);
    count++;
    GT(0x14) = 0x7fffffff; /* the event comes again as long as the counter is beyond the comparator */
    GT(12) = 1;
    *word_at(GIC_CPU + 0x10) = last;
}

static uint64_t global(void)
{
    uint32_t high, low;
    do {
        high = GT(4);
        low = GT(0);
    } while (GT(4) != high);
    return (uint64_t)high << 32 | low;
}

static void global_timer(void)
{
    GT(8) = 0;
    GT(0) = 0xfffffff0;
    GT(4) = 5;
    print("set %w %w\n", GT(4), GT(0));
    GT(8) = 1;
    while (GT(4) == 5)
        ;
    print("carried %w\n", GT(4));
    uint64_t a = global();
    for (volatile unsigned n = 0; n < 20000; n++)
        ;
    uint64_t b = global();
    print("counts up %s\n", b > a ? "ok" : "wrong");
    GT(8) = 0;
    GT(0) = 0;
    GT(4) = 0;
    GT(0x10) = 5000;
    GT(0x14) = 0;
    GT(0x18) = 700;
    print("compare %w %w increment %w\n", GT(0x10), GT(0x14), GT(0x18));
    GT(12) = 1;
    gic_enable(27);
    on_irq(handler);
    irq_on();
    GT(8) = 7; /* enable, compare, interrupt: single shot */
    while (!count)
        ;
    irq_off();
    print("interrupt %w, %d times\n", last, (int)count);
    GT(8) = 0;
    GT(12) = 1;
    GT(0) = 0;
    GT(4) = 0;
    GT(0x10) = 1000;
    GT(0x14) = 0;
    GT(8) = 0xb; /* auto-increment, no interrupt */
    while (!GT(12))
        ;
    uint32_t compare = GT(0x10), rest = (compare - 1000);
    for (; rest >= 700; rest -= 700)
        ;
    GT(8) = 0;
    print("auto-increment: %s, rest %d\n", compare > 1000 ? "moved" : "stayed", (int)rest);
    GT(12) = 1;
    print("control %w", GT(8));
    GT(8) = ~0u;
    print(" %w\n", GT(8));
    GT(8) = 0;
    gic_disable(27);
    on_irq(0);
}

int main(void)
{
    gic_init();
    global_timer();
    return 0;
}
