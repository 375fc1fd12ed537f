/* What is there instead of a window if the program was built without SDL. */
#include "frontends/window.h"

struct Window {
    int nothing;
};

Window *window_open(const Options *options, Error *err)
{
    (void)options;
    error_set(err, "this program was built without SDL 2, which windows need");
    return NULL;
}

int window_run(Window *window, int (*run)(void *opaque, WindowLink *link), void *opaque)
{
    (void)window;
    return run(opaque, NULL);
}

void window_close(Window *window)
{
    (void)window;
}
