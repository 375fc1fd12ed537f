/* See window.h. The thread of the window waits for events: of the window system, and one that the session's
 * thread sends. */
#define _GNU_SOURCE
#include "frontends/window_sdl.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The session's thread ----------------------------------------------------------------------------- */

typedef struct Thread {
    Window *window;
    int (*run)(void *opaque, WindowLink *link);
    void *opaque;
    sigset_t signals;
    int code;
} Thread;

static void wake(void *opaque)
{
    Window *window = opaque;
    SDL_Event event = {.user = {.type = window->wake}};
    if (sdl.PushEvent(&event) < 0)
        window_link_awake(window->link); /* the queue is full: the next time, then */
}

static void *run_session(void *opaque)
{
    Thread *thread = opaque;
    pthread_sigmask(SIG_SETMASK, &thread->signals, NULL);
    thread->code = thread->run(thread->opaque, thread->window->link);
    atomic_store(&thread->window->ended, true);
    wake(thread->window);
    return NULL;
}

/* Signals that come from outside are the session's: this thread and those that SDL starts block them. */
static void block_signals(sigset_t *before)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS, SIGPROF};
    sigset_t set;
    sigfillset(&set);
    for (unsigned n = 0; n < sizeof own / sizeof *own; n++)
        sigdelset(&set, own[n]);
    pthread_sigmask(SIG_BLOCK, &set, before);
}

/* ---- Events ------------------------------------------------------------------------------------------- */

static void handle(Window *window, const SDL_Event *event)
{
    if (event->type == window->wake) {
        window_link_awake(window->link);
        view_update(window);
    } else if (event->type == SDL_QUIT) {
        window_ask_to_close(window);
    } else if (event->type == SDL_WINDOWEVENT) {
        view_event(window, &event->window);
    } else if (event->type == SDL_RENDER_TARGETS_RESET || event->type == SDL_RENDER_DEVICE_RESET) {
        view_lost(window);
    } else {
        input_event(window, event);
    }
}

/* Everything that has happened is handled before anything is drawn. */
static void serve(Window *window)
{
    SDL_Event event;
    int timeout = window->redraw ? 0 : view_timeout(window);
    if (timeout < 0 ? sdl.WaitEvent(&event) : sdl.WaitEventTimeout(&event, timeout))
        handle(window, &event);
    while (sdl.PollEvent(&event))
        handle(window, &event);
    view_draw(window);
}

int window_run(Window *window, int (*run)(void *opaque, WindowLink *link), void *opaque)
{
    Thread thread = {.window = window, .run = run, .opaque = opaque};
    pthread_t id;
    window->link = window_link_new(wake, window);
    pthread_sigmask(SIG_BLOCK, NULL, &thread.signals);
    sigset_t before;
    block_signals(&before);
    thread.signals = before;
    if (pthread_create(&id, NULL, run_session, &thread))
        abort();
    while (!atomic_load(&window->ended))
        serve(window);
    pthread_join(id, NULL);
    view_destroy(window);
    window_link_free(window->link);
    window->link = NULL;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return thread.code;
}

/* ---- Opening and closing ------------------------------------------------------------------------------ */

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

static void set_hints(void)
{
    /* Where only X11 can be meant, libraries of others need not complain that they are of no use. */
    if (is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY"))
        sdl.SetHint(SDL_HINT_VIDEODRIVER, "x11");
    sdl.SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    sdl.SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    sdl.SetHint(SDL_HINT_VIDEO_MINIMIZE_ON_FOCUS_LOSS, "0");
    sdl.SetHint(SDL_HINT_GRAB_KEYBOARD, "0");
    sdl.SetHint(SDL_HINT_APP_NAME, "Armature");
    /* Of use only where graphics are computed anyway: then straight into the window is the shortest way. */
    sdl.SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
    /* The window's contents are the guest's: the window manager should not think that it draws all the time.
     */
    sdl.SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
}

/* Where no display answers, SDL offers drivers that show nothing to anybody. */
static bool somebody_can_see(void)
{
    static const char *const blind[] = {"offscreen", "dummy", "evdev"};
    const char *driver = sdl.GetCurrentVideoDriver();
    for (unsigned n = 0; driver && n < sizeof blind / sizeof *blind; n++)
        if (!strcmp(driver, blind[n]) && !is_set("SDL_VIDEODRIVER"))
            return false;
    return driver;
}

Window *window_open(const Options *options, Error *err)
{
    sigset_t before;
    Error why;
    if (!sdl_load(&why)) {
        error_set(err, "%s, or use --display none", why.text);
        return NULL;
    }
    set_hints();
    block_signals(&before);
    bool ok = !sdl.Init(SDL_INIT_VIDEO);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ok && !somebody_can_see()) {
        sdl.Quit();
        ok = sdl.SetError("neither X11 nor Wayland answers") == 0;
    }
    if (!ok) {
        error_set(err,
                  "the display cannot be used (%s); DISPLAY or WAYLAND_DISPLAY must name one, or use "
                  "--display none",
                  sdl.GetError());
        return NULL;
    }
    Window *window = calloc(1, sizeof *window);
    if (!window)
        abort();
    window->options = options;
    window->view = -1;
    window->ui = 1;
    window->density = 1;
    window->wake = sdl.RegisterEvents(1);
    atomic_init(&window->ended, false);
    canvas_init(&window->canvas);
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        window->pane[n] = pane_new();
    return window;
}

void window_close(Window *window)
{
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        pane_free(window->pane[n]);
    canvas_free(&window->canvas);
    free(window);
    sdl.Quit();
}
