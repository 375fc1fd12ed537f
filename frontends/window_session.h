/* The session's side of a window: does what the window's commands say, and shows it the picture, at most as
 * often as the panel would show another and only when the guest has run since. */
#ifndef ARMATURE_FRONTENDS_WINDOW_SESSION_H
#define ARMATURE_FRONTENDS_WINDOW_SESSION_H

#include "frontends/session.h"
#include "frontends/window_link.h"

typedef struct WindowSession WindowSession;

/* All on the session's thread. */
WindowSession *window_session_attach(Session *session, WindowLink *link);
void window_session_detach(WindowSession *window); /* NULL is allowed */

#endif
