/* What the serial ports are connected to on the host: Options.serial says it, serial_spec.h how.
 *
 * Every character that the guest sends is posted to the session (SESSION_OUTPUT) and waits in a buffer until
 * the host takes it. If that goes too slowly the guest is held, so that nothing is lost; a socket's or
 * pseudo-terminal's other side that takes nothing for 5 seconds is given up. */
#ifndef ARMATURE_FRONTENDS_SERIAL_BACKEND_H
#define ARMATURE_FRONTENDS_SERIAL_BACKEND_H

#include <stdbool.h>

#include "frontends/console.h"
#include "frontends/serial_spec.h"
#include "frontends/session.h"
#include "machine/error.h"

typedef struct SerialBackends SerialBackends;

/* Connects all ports of the session's machine, takes the terminal if a port is on it, and ignores SIGPIPE.
 * Where others can connect is told on stderr. NULL with err set if something cannot be opened. Needs
 * session_machine(), session_loop() and session_options(). */
SerialBackends *serial_backends_new(Session *session, Error *err);

/* Gives the terminal back, and writes what still waits: to stdout and files, with `wait` as long as it takes
 * (SIGINT, SIGTERM, SIGHUP and SIGQUIT, blocked or not, end that), without it as far as it goes at once; to
 * others within a second. The guest must not run any more. False with err set if output was lost. */
bool serial_backends_finish(SerialBackends *backends, bool wait, Error *err);

/* Disconnects; as serial_backends_finish() if that was not called, with lost output told on stderr. NULL is
 * allowed. */
void serial_backends_free(SerialBackends *backends, bool wait);

/* True while the guest must not run: too much of its output waits, or nobody has connected to a port with
 * `wait`. The session's poll then serves the loop until this is false or the session ends. */
bool serial_backends_hold(const SerialBackends *backends);

/* Writes what waits, as far as it goes at once. What does not, and failures, are left to the loop. */
void serial_backends_flush(SerialBackends *backends);

/* The same before a line of text on stderr: if that is where the first port's output goes, a line which the
 * guest has begun there is ended. */
void serial_backends_begin_line(SerialBackends *backends);

/* The console, NULL if no port is on stdio. */
Console *serial_backends_console(const SerialBackends *backends);

/* What a port is connected to, for messages: "stdio", "pty /dev/pts/3", "tcp 127.0.0.1:4000", "unix PATH",
 * "file PATH", "none". */
const char *serial_backend_place(const SerialBackends *backends, unsigned port);

#endif
