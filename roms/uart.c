/* See uart.h. */
#include "uart.h"

#include <stdarg.h>
#include <stddef.h>

#define UART0 0x10009000u

enum { DR = 0x00, FR = 0x18, IBRD = 0x24, FBRD = 0x28, LCR_H = 0x2c, CR = 0x30 };
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

char uart_get(void)
{
    if (typed_next < typed_count)
        return typed[typed_next++];
    typed_count = typed_next = 0;
    while (*uart(FR) & FR_RXFE)
        ;
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
