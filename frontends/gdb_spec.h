/* What --gdb takes: where a debugger connects to. docs/gdb.md explains it to users. */
#ifndef ARMATURE_FRONTENDS_GDB_SPEC_H
#define ARMATURE_FRONTENDS_GDB_SPEC_H

#include "frontends/serial_spec.h"

/* PORT, HOST:PORT or unix:PATH, with ",wait": the machine starts when the debugger says so. spec->kind
 * becomes SERIAL_TCP_LISTEN or SERIAL_UNIX; serial_spec_free() frees it, also after a failure. */
bool gdb_spec_parse(SerialSpec *spec, const char *text, Error *err);

#endif
