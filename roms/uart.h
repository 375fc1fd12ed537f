/* UART0, polled. */
#ifndef ARMATURE_ROMS_UART_H
#define ARMATURE_ROMS_UART_H

#include <stdbool.h>

/* 115200 baud, 8 bits, no parity, from the motherboard's 24 MHz clock. */
void uart_start(void);

void uart_put(char ch);
void uart_flush(void); /* waits until everything has left */

/* Whether a character has arrived; takes it; whether the next one raises the interrupt. */
bool uart_waiting(void);
char uart_get(void);
void uart_interrupt(bool on);

#endif
