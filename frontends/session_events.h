/* The session's queue of events and tasks: what is posted while an instruction executes is delivered after
 * it. */
#ifndef ARMATURE_FRONTENDS_SESSION_EVENTS_H
#define ARMATURE_FRONTENDS_SESSION_EVENTS_H

#include "frontends/session.h"

typedef struct SessionEvents SessionEvents;

SessionEvents *session_events_new(void);
void session_events_free(SessionEvents *events);

SessionListener *session_events_listen(SessionEvents *events,
                                       void (*event)(void *opaque, const SessionEvent *event), void *opaque);

/* Copies the event. True if it should be delivered at once, false if that may wait until the session looks at
 * the host anyway. */
bool session_events_post(SessionEvents *events, const SessionEvent *event);

void session_events_later(SessionEvents *events, SessionTask *task);
void session_events_not_later(SessionEvents *events, SessionTask *task);

/* Runs all tasks and delivers all events, also those that come up meanwhile; true if there were any. Does
 * nothing when called from one of them. */
bool session_events_deliver(SessionEvents *events);

#endif
