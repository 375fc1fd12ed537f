/* See console.h. */
#include "console.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "keyboard.h"
#include "text.h"
#include "uart.h"

enum { UART_INTERRUPT = 37, KEYBOARD_INTERRUPT = 44 };
enum { CTRL_C = 3 };

void console_start(void)
{
    uart_start();
    keyboard_start();
}

void console_put(char ch)
{
    uart_put(ch);
    text_put(ch);
}

void console_flush(void)
{
    uart_flush();
}

/* A character from either side; 0: none. */
static char next(void)
{
    while (uart_waiting()) {
        char ch = uart_get();
        if (ch)
            return ch;
    }
    return keyboard_get();
}

/* Characters that arrived while a command ran. */
static char typed[256];
static unsigned typed_count, typed_next;

bool console_interrupted(void)
{
    while (typed_count < sizeof typed) {
        char ch = next();
        if (!ch)
            return false;
        if (ch == CTRL_C) {
            typed_count = typed_next = 0;
            return true;
        }
        typed[typed_count++] = ch;
    }
    return false;
}

static void enable_interrupt(unsigned id, bool on)
{
    volatile uint32_t *distributor = (volatile uint32_t *)0x1e001000u;
    distributor[0x800 / 4 + id / 4] |= 1u << (id % 4 * 8);                 /* ICDIPTR: CPU 0 */
    distributor[((on ? 0x100 : 0x180) + id / 32 * 4) / 4] = 1u << id % 32; /* ICDISER, ICDICER */
    distributor[0] = on;                                                   /* ICDDCR */
}

/* Interrupts only end WFI; CPSR.I stays set and nobody is interrupted. */
static void wake_by_input(bool on)
{
    volatile uint32_t *cpu_interface = (volatile uint32_t *)0x1e000100u;
    uart_interrupt(on);
    keyboard_interrupt(on);
    enable_interrupt(UART_INTERRUPT, on);
    enable_interrupt(KEYBOARD_INTERRUPT, on);
    cpu_interface[1] = on ? 0xf0 : 0; /* ICCPMR */
    cpu_interface[0] = on;            /* ICCICR */
}

static void sleep_until_typed(void)
{
    wake_by_input(true);
    while (!uart_waiting() && !keyboard_waiting())
        __asm__ volatile("dsb\n\twfi" ::: "memory");
    wake_by_input(false);
}

char console_get(void)
{
    if (typed_next < typed_count && typed_count <= sizeof typed)
        return typed[typed_next++];
    typed_count = typed_next = 0;
    char ch = next();
    if (ch)
        return ch;
    text_cursor(true);
    for (; !ch; ch = next())
        sleep_until_typed();
    text_cursor(false);
    return ch;
}

static void put_text(const char *text, unsigned width)
{
    unsigned length = 0;
    for (; *text; text++, length++) {
        if (*text == '\n')
            console_put('\r');
        console_put(*text);
    }
    for (; length < width; length++)
        console_put(' ');
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
        console_put('0');
    while (count)
        console_put(digits[--count]);
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
            console_put((char)va_arg(args, int));
        else if (*format == 'u' || *format == 'x')
            put_number(va_arg(args, uint32_t), *format == 'u' ? 10 : 16, width);
        else
            console_put(*format);
    }
    va_end(args);
}
