/* A debugger that speaks the GDB remote serial protocol, on a socket (--gdb). It sees the CPUs as threads 1
 * to n. While one is connected the machine stands still, except when it was told to go on. docs/gdb.md is for
 * its users.
 *
 * All of it is on the machine's thread, between instructions. */
#ifndef ARMATURE_FRONTENDS_GDB_H
#define ARMATURE_FRONTENDS_GDB_H

#include "frontends/session.h"

typedef struct Gdb Gdb;

/* Listens at the place that gdb_spec.h reads; with ",wait" the session is paused. The place is told on
 * stderr. NULL with err set if it is in use or cannot be made. place NULL: nowhere. */
Gdb *gdb_new(Session *session, const char *place, Error *err);
void gdb_free(Gdb *gdb); /* NULL is allowed */

/* The machine may have come to where a step ends: for the session's poll. NULL is allowed. */
void gdb_look(Gdb *gdb);

#endif
