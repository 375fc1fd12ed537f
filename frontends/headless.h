/* Runs a machine without a window: its serial ports go to the terminal or to files. */
#ifndef ARMATURE_FRONTENDS_HEADLESS_H
#define ARMATURE_FRONTENDS_HEADLESS_H

#include "machine/error.h"
#include "machine/machine.h"

typedef struct Headless Headless;

/* Connects the machine's serial ports to where[0] ... ("stdio", "none", "file:PATH") and takes the terminal.
 * From then on signals are handled when the machine polls. NULL with err set if a file cannot be written. */
Headless *headless_new(Machine *machine, const char *const where[SERIAL_PORTS], Error *err);

/* Writes what is still buffered, and gives the terminal back. */
void headless_free(Headless *headless);

/* After the machine stopped: the signal that ended it, 0 if the user left or none. */
int headless_signal(const Headless *headless);

/* False with err set if output was lost. */
bool headless_output_ok(const Headless *headless, Error *err);

#endif
