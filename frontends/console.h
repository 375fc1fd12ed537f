/* stdin as the keyboard of a serial port or of the monitor. A terminal is in raw mode meanwhile, so that all
 * keys go there, except the escape key, which reaches a menu. Pipes and files are passed on as they are.
 *
 * The console also serves job control (SIGTSTP, SIGCONT): the terminal is given back while the process is
 * stopped or in the background. */
#ifndef ARMATURE_FRONTENDS_CONSOLE_H
#define ARMATURE_FRONTENDS_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontends/session.h"
#include "machine/error.h"

typedef struct Console Console;

/* Takes the terminal on stdin, if it is one. port is the serial port that gets the input, NULL if none. One
 * per process. NULL with err set if the escape key makes no sense or the host fails. */
Console *console_new(Session *session, SerialPort *port, Error *err);
void console_free(Console *console); /* NULL is allowed */

/* Input goes to input(opaque, ...) instead of the port, until input is NULL. The data is what was typed,
 * without the escape key and what follows it; length 0: stdin has ended. */
void console_divert(Console *console, void (*input)(void *opaque, const uint8_t *data, size_t length),
                    void *opaque);
bool console_diverted(const Console *console);

/* Adds an entry to the menu: the escape key followed by `key` calls chosen(opaque). text, a constant, is what
 * the help says ("goes to the monitor and back"). */
void console_add_command(Console *console, char key, const char *text, void (*chosen)(void *opaque),
                         void *opaque);

/* "Ctrl-A", or NULL if there is no escape key (or no terminal). */
const char *console_escape_name(const Console *console);

#endif
