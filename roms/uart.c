/* See uart.h. */
#include "uart.h"

#include <stdarg.h>
#include <stddef.h>

#define UART0 0x10009000u

enum { DR = 0x00, FR = 0x18, IBRD = 0x24, FBRD = 0x28, LCR_H = 0x2c, CR = 0x30 };
enum { IMSC = 0x38, IMSC_RX = 0x50 /* characters received, or waiting for long */ };
enum { FR_BUSY = 0x08, FR_RXFE = 0x10, FR_TXFF = 0x20 };

static volatile uint32_t *uart(unsigned offset)
{
    return (volatile uint32_t *)(uintptr_t)(UART0 + offset);
}

void uart_init(void)
{
    *uart(CR) = 0;
    /* 24 MHz / (16 * 115200) = 13 + 1/64 */
    *uart(IBRD) = 13;
    *uart(FBRD) = 1;
    *uart(LCR_H) = 0x70; /* 8 bits, FIFOs on */
    *uart(CR) = 0x301;   /* receive, transmit, enable */
}

void uart_put(char ch)
{
    while (*uart(FR) & FR_TXFF)
        ;
    *uart(DR) = (uint8_t)ch;
}

/* Characters that arrived while a command ran. */
static char typed[256];
static unsigned typed_count, typed_next;

bool uart_interrupted(void)
{
    while (!(*uart(FR) & FR_RXFE) && typed_count < sizeof typed) {
        char ch = (char)*uart(DR);
        if (ch == 3) {
            typed_count = typed_next = 0;
            return true;
        }
        typed[typed_count++] = ch;
    }
    return false;
}

/* The interrupt controller: UART0 is interrupt 37. It only ends WFI; CPSR.I stays set and nobody is
 * interrupted. */
static void wake_by_uart(bool on)
{
    volatile uint32_t *distributor = (volatile uint32_t *)0x1e001000u;
    volatile uint32_t *cpu_interface = (volatile uint32_t *)0x1e000100u;
    *uart(IMSC) = on ? IMSC_RX : 0;
    distributor[0x800 / 4 + 37 / 4] |= 1u << (37 % 4 * 8);                 /* ICDIPTR9: CPU 0 */
    distributor[((on ? 0x100 : 0x180) + 37 / 32 * 4) / 4] = 1u << 37 % 32; /* ICDISER1, ICDICER1 */
    distributor[0] = on;                                                   /* ICDDCR */
    cpu_interface[1] = on ? 0xf0 : 0;                                      /* ICCPMR */
    cpu_interface[0] = on;                                                 /* ICCICR */
}

static void sleep_until_typed(void)
{
    wake_by_uart(true);
    while (*uart(FR) & FR_RXFE)
        __asm__ volatile("dsb\n\twfi" ::: "memory");
    wake_by_uart(false);
}

char uart_get(void)
{
    if (typed_next < typed_count)
        return typed[typed_next++];
    typed_count = typed_next = 0;
    sleep_until_typed();
    return (char)*uart(DR);
}

void uart_flush(void)
{
    while (*uart(FR) & FR_BUSY)
        ;
}

static void put_text(const char *text, unsigned width)
{
    unsigned length = 0;
    for (; *text; text++, length++) {
        if (*text == '\n')
            uart_put('\r');
        uart_put(*text);
    }
    for (; length < width; length++)
        uart_put(' ');
}

static void put_number(uint32_t value, unsigned base, unsigned width)
{
    char digits[10];
    unsigned count = 0;
    do { /* two constant bases: no division routine is linked */
        digits[count++] = "0123456789abcdef"[base == 10 ? value % 10 : value % 16];
        value = base == 10 ? value / 10 : value / 16;
    } while (value);
    for (unsigned i = count; i < width; i++)
        uart_put('0');
    while (count)
        uart_put(digits[--count]);
}

void print(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    for (; *format; format++) {
        if (*format != '%') {
            char text[2] = {*format, 0};
            put_text(text, 0);
            continue;
        }
        unsigned width = 0;
        format += format[1] == '-' ? 2 : 1;
        for (; *format >= '0' && *format <= '9'; format++)
            width = width * 10 + (unsigned)(*format - '0');
        if (*format == 's')
            put_text(va_arg(args, const char *), width);
        else if (*format == 'c')
            uart_put((char)va_arg(args, int));
        else if (*format == 'u' || *format == 'x')
            put_number(va_arg(args, uint32_t), *format == 'u' ? 10 : 16, width);
        else
            uart_put(*format);
    }
    va_end(args);
}
