/* A bare-metal program to be debugged by session.py: what a debugger looks at, and nothing else. */
#include <stdint.h>

#define REG32(address) (*(volatile uint32_t *)(address))

typedef struct Node {
    int value;
    struct Node *next;
} Node;

int written[4] = {10, 20, 30, 40};
volatile uint8_t flags[8];
volatile int rounds, endless;
volatile double ratio = 1.5;
static Node nodes[3];

void _start(void) __attribute__((naked, section(".text.start")));

void _start(void)
{
    __asm__ volatile("ldr sp, =0x60100000\n"
                     "mov r0, #0xf00000\n"
                     "mcr p15, 0, r0, c1, c0, 2\n"
                     "isb\n"
                     "mov r0, #0x40000000\n"
                     "vmsr fpexc, r0\n"
                     "mov r11, #0\n"
                     "mov lr, #0\n"
                     "b main\n");
}

__attribute__((noinline)) int add(int a, int b)
{
    int sum = a + b;
    return sum;
}

__attribute__((noinline, target("thumb"))) int twice(int value)
{
    int result = value * 2;
    return result;
}

__attribute__((noinline)) int recurse(int depth)
{
    if (depth == 0)
        return 1;
    return recurse(depth - 1) + depth;
}

__attribute__((noinline)) void write_some(int value)
{
    written[1] = value;
    written[2] = written[0] + value;
    flags[5] = (uint8_t)value;
}

__attribute__((noinline)) double scale(double value)
{
    ratio = value * 2.0;
    return ratio;
}

/* The CPU's own timer ends the sleep; its interrupt is masked. */
__attribute__((noinline)) void nap(void)
{
    REG32(0x1e001100) = 1u << 29; /* GICD_ISENABLER0 */
    REG32(0x1e001000) = 1;        /* GICD_CTLR */
    REG32(0x1e000104) = 0xf0;     /* GICC_PMR */
    REG32(0x1e000100) = 1;        /* GICC_CTLR */
    REG32(0x1e000600) = 20000;    /* private timer: load, then go, with its interrupt */
    REG32(0x1e000608) = 5;
    __asm__ volatile("sleeping: wfi\n"
                     "woken: nop\n");
    REG32(0x1e000608) = 0;
    REG32(0x1e00060c) = 1;
}

__attribute__((noinline)) void power_off(void)
{
    REG32(0x100000a4) = 0xc0800000; /* SYS_CFGCTRL: shut down */
    for (;;)
        ;
}

int main(void)
{
    for (int n = 0; n < 3; n++) {
        nodes[n].value = n * 100;
        nodes[n].next = n < 2 ? &nodes[n + 1] : 0;
    }
    int total = add(2, 3);
    total += twice(total);
    total += recurse(4);
    for (int n = 0; n < 5; n++) {
        rounds = n;
        write_some(total + n);
    }
    scale(4.25);
    nap();
    while (endless)
        rounds++;
    power_off();
    return total;
}
