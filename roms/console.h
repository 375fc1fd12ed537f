/* The console of the boot ROM: UART0, and the screen and keyboard beside it. */
#ifndef ARMATURE_ROMS_CONSOLE_H
#define ARMATURE_ROMS_CONSOLE_H

#include <stdbool.h>

/* The serial port and the keyboard. What is printed appears on the screen from text_start() on. */
void console_start(void);

void console_put(char ch);
char console_get(void);
void console_flush(void); /* waits until everything has left */

/* True if Ctrl-C was typed; other characters are kept for console_get(). */
bool console_interrupted(void);

/* %s, %c, %u, %x, %%; a width with leading zeros or, for %s, with spaces at the right: %08x, %-10s. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
