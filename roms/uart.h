/* The serial console of the boot ROM: UART0, polled. */
#ifndef ARMATURE_ROMS_UART_H
#define ARMATURE_ROMS_UART_H

#include <stdbool.h>
#include <stdint.h>

/* 115200 baud, 8 bits, no parity, from the motherboard's 24 MHz clock. */
void uart_init(void);

void uart_put(char ch);
char uart_get(void);
void uart_flush(void); /* waits until everything has left */

/* True if Ctrl-C was typed; other characters are kept for uart_get(). */
bool uart_interrupted(void);

/* %s, %c, %u, %x, %%; a width with leading zeros or, for %s, with spaces at the right: %08x, %-10s. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
