/* Lua scripts that drive the machine: --script, and the shorthands --until and --send. docs/scripting.md
 * describes what they can do.
 *
 * The script is a coroutine. An operation that waits yields; it is resumed between two instructions of the
 * guest, exactly where what it waited for happened. */
#ifndef ARMATURE_FRONTENDS_SCRIPT_H
#define ARMATURE_FRONTENDS_SCRIPT_H

#include "frontends/session.h"

typedef struct Script Script;

/* True if the options ask for a script or a shorthand. */
bool script_wanted(const Options *options);

/* Loads the script; it starts when the session runs. NULL with err set if it cannot be read or is no Lua. */
Script *script_new(Session *session, Error *err);
void script_free(Script *script); /* NULL is allowed */

#endif
