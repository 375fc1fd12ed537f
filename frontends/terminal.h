/* The terminal that the program was started in, in raw mode while the guest has it. */
#ifndef ARMATURE_FRONTENDS_TERMINAL_H
#define ARMATURE_FRONTENDS_TERMINAL_H

#include <stdbool.h>

/* Switches the terminal on stdin to raw mode; false if stdin is none. From then on it is restored whenever
 * the process ends: by exit(), or by a signal that a fault raises. */
bool terminal_take(void);

/* Gives it back, and takes it again (job control). */
void terminal_release(void);
void terminal_retake(void);

#endif
