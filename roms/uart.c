/* See uart.h. */
#include "uart.h"

#include <stdint.h>

#include "monitor.h"

#define UART0 0x10009000u

enum { DR = 0x00, FR = 0x18, IBRD = 0x24, FBRD = 0x28, LCR_H = 0x2c, CR = 0x30 };
enum { IMSC = 0x38, IMSC_RX = 0x50 /* characters received, or waiting for long */ };
enum { FR_BUSY = 0x08, FR_RXFE = 0x10, FR_TXFF = 0x20 };

static volatile uint32_t *uart(unsigned offset)
{
    return word_at(UART0 + offset);
}

void uart_start(void)
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

bool uart_waiting(void)
{
    return !(*uart(FR) & FR_RXFE);
}

char uart_get(void)
{
    return (char)*uart(DR);
}

void uart_flush(void)
{
    while (*uart(FR) & FR_BUSY)
        ;
}

void uart_interrupt(bool on)
{
    *uart(IMSC) = on ? IMSC_RX : 0;
}
