/* Tells another program what the run is at (--status-fd): `armature farm` shows it for each of its jobs. */
#ifndef ARMATURE_FRONTENDS_STATUS_H
#define ARMATURE_FRONTENDS_STATUS_H

#include "frontends/session.h"

/* Writes the texts of SESSION_PROGRESS, SESSION_PANIC and SESSION_SILENCE to the descriptor, a line each.
 * What the reader leaves lying is dropped. False with err set if the descriptor is not open. */
bool status_attach(Session *session, Error *err);

#endif
