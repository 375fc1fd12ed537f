/* A window with the guest's screen. It is served on the process's main thread, as window systems want it; the
 * session runs on another thread meanwhile. */
#ifndef ARMATURE_FRONTENDS_WINDOW_H
#define ARMATURE_FRONTENDS_WINDOW_H

#include <stdbool.h>

#include "frontends/options.h"
#include "frontends/window_link.h"
#include "machine/error.h"

typedef struct Window Window;

/* Whether these options, in this place (terminal, display), ask for a window. */
bool window_wanted(const Options *options);

/* Connects to the display. NULL with err set if there is none, or if the program was built without windows.
 * The window itself appears when the session runs. */
Window *window_open(const Options *options, Error *err);

/* Runs run(opaque, link) on another thread and serves the window until that returns, with what it returned.
 */
int window_run(Window *window, int (*run)(void *opaque, WindowLink *link), void *opaque);

void window_close(Window *window);

#endif
