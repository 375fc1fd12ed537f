/* PL011: registers, loop-back through its FIFOs, interrupts. */
#include "runtime.h"

#define UART1 0x1000a000u
#define U(offset) (*word_at(UART1 + (offset)))
enum {
    DR = 0,
    RSR = 4,
    FR = 0x18,
    IBRD = 0x24,
    FBRD = 0x28,
    LCRH = 0x2c,
    CR = 0x30,
    IFLS = 0x34,
    IMSC = 0x38,
    RIS = 0x3c,
    MIS = 0x40,
    ICR = 0x44
};

static void uart_registers(void)
{
    print("reset FR %w IBRD %w FBRD %w LCR_H %w CR %w IFLS %w IMSC %w RIS %w\n", U(FR) & 0xf8, U(IBRD),
          U(FBRD), U(LCRH), U(CR), U(IFLS), U(IMSC), U(RIS) & 0x7f0);
    print("id");
    for (unsigned n = 0; n < 8; n++)
        print(" %w", U(0xfe0 + 4 * n));
    print("\n");
    U(IBRD) = 0x12345;
    U(FBRD) = 0xff;
    U(IMSC) = 0xffff;
    U(IFLS) = 0xff;
    print("written IBRD %w FBRD %w IMSC %w IFLS %w\n", U(IBRD), U(FBRD), U(IMSC), U(IFLS));
    U(IMSC) = 0;
    U(IFLS) = 0x12;
}

static void uart_loop_back(void)
{
    U(CR) = 0;
    U(IBRD) = 1;
    U(FBRD) = 0;
    U(LCRH) = 0x70; /* 8 bits, FIFOs */
    U(ICR) = 0x7ff;
    U(CR) = 0x381; /* loop-back, both directions */
    U(DR) = 'A';
    while (U(FR) & 0x10)
        ;
    print("loop-back: %w\n", U(DR));
    for (unsigned n = 0; n < 16; n++)
        U(DR) = 'a' + n;
    while (U(FR) & 8)
        ;
    print("16 characters: FR %w RIS rx %w\n", U(FR) & 0x50, U(RIS) >> 4 & 1);
    for (unsigned n = 0; n < 16; n++)
        print("%c", (int)(U(DR) & 0xff));
    print(" then FR %w\n", U(FR) & 0x50);
    U(ICR) = 0x7ff;
    print("RIS rx after clearing %w\n", U(RIS) >> 4 & 1);
    U(LCRH) = 0x60;
    U(CR) = 0;
}

static volatile uint32_t interrupts;

static void on_uart(void)
{
    uint32_t id = *word_at(GIC_CPU + 0xc);
    print("irq %w mis %w\n", id, U(MIS) & 0x10);
    while (!(U(FR) & 0x10))
        print("  got %c\n", (int)(U(DR) & 0xff));
    U(ICR) = 0x7ff;
    *word_at(GIC_CPU + 0x10) = id;
    interrupts++;
}

static void uart_interrupts(void)
{
    gic_init();
    on_irq(on_uart);
    gic_enable(38);
    U(LCRH) = 0x60;
    U(IMSC) = 0x10;
    U(CR) = 0x381;
    irq_on();
    U(DR) = 'x';
    while (interrupts < 1)
        ;
    U(DR) = 'y';
    while (interrupts < 2)
        ;
    irq_off();
    gic_disable(38);
    U(IMSC) = 0;
    U(CR) = 0x300;
    on_irq(0);
}

int main(void)
{
    uart_registers();
    uart_loop_back();
    uart_interrupts();
    return 0;
}
