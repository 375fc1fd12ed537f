/* Watches a session for a guest that fell silent or whose kernel panicked, and says why. Attached to every
 * session: it also holds the symbols. docs/debugging.md gives the rules. */
#ifndef ARMATURE_FRONTENDS_WATCHDOG_H
#define ARMATURE_FRONTENDS_WATCHDOG_H

#include "frontends/session.h"
#include "machine/symbols.h"

typedef struct Watchdog Watchdog;

/* Reads --symbols, and begins to watch as the options say. To be called when machine, loop and listeners of
 * the session exist. NULL with err set if the symbols cannot be read. */
Watchdog *watchdog_attach(Session *session, Error *err);
void watchdog_detach(Watchdog *watchdog); /* NULL is allowed */

/* While a script waits with a time limit of its own, or sleeps, silence is no hang. Calls nest. */
void watchdog_hold(Watchdog *watchdog);
void watchdog_release(Watchdog *watchdog);

/* The guest switched off or wants to reboot. If that is the end of a panic, the session ends as for a panic
 * (unless it is to be ignored), and the answer is true. */
bool watchdog_guest_ended(Watchdog *watchdog);

/* NULL if there are none. */
const Symbols *watchdog_symbols(const Watchdog *watchdog);

/* The explanation as of now, silent or not. Allocated; the caller frees it. */
char *watchdog_explain(Watchdog *watchdog);

#endif
