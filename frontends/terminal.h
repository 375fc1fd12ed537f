/* The terminal on stdin, in raw mode while the guest or the monitor has it. It belongs to the process, so
 * there is one state for all. */
#ifndef ARMATURE_FRONTENDS_TERMINAL_H
#define ARMATURE_FRONTENDS_TERMINAL_H

#include <stdbool.h>

/* Switches the terminal on stdin to raw mode (again, if something else changed it); false if stdin is none,
 * or if this process is in the background of it. From the first call on the terminal is restored whenever the
 * process ends: by exit(), or by a signal that ends it. Output is still processed: a newline begins a line.
 */
bool terminal_take(void);

/* Gives it back as it was found. */
void terminal_release(void);

/* True if stdin is a terminal, and this process is the one it takes input for. */
bool terminal_in_foreground(void);

/* True while it is in raw mode. */
bool terminal_taken(void);

#endif
