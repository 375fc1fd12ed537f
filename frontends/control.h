/* The control socket: a UNIX socket on which programs call operations (JSON-RPC 2.0, one message a line) and
 * hear of events. docs/control.md is the protocol's description. */
#ifndef ARMATURE_FRONTENDS_CONTROL_H
#define ARMATURE_FRONTENDS_CONTROL_H

#include "frontends/session.h"

typedef struct Control Control;

/* Listens at path. NULL with err set if it is in use or cannot be made. */
Control *control_new(Session *session, const char *path, Error *err);
void control_free(Control *control); /* NULL is allowed; removes the socket */

/* Takes over a connected descriptor as one more client (tests). */
void control_adopt(Control *control, int fd);

#endif
