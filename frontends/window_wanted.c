#include <stdlib.h>
#include <unistd.h>

#include "frontends/window.h"

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

/* A window is for somebody who sits there: runs that end by themselves, or are driven by a program, have none
 * unless it was asked for. */
bool window_wanted(const Options *options)
{
    bool driven = options->script || options->until_count || options->send || options->timeout_ns ||
                  options->status_fd >= 0 || !isatty(STDIN_FILENO);
    if (options->window != WINDOW_AUTO)
        return options->window == WINDOW_ALWAYS;
    return !driven && (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY"));
}
