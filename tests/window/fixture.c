/* A machine with a display controller, a keyboard, a mouse and a tablet that exist only here, in a window,
 * for window.py: it prints what arrives, and keys change what it shows.
 *
 *     F1 to F4: 320x200, 640x480, 1024x768, dark; F5: a picture that moves, and stops; F6: the tablet is
 * driven, or not; F7: the mouse; F8: it follows the window's size, or not; F9: the keyboard is not driven any
 * more
 *
 * Usage: fixture [options of armature] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/session.h"
#include "frontends/window.h"
#include "frontends/window_session.h"

enum { KEY_F1 = 59 };

typedef struct Fixture {
    Options options;
    Log *log;
    DisplayMode mode;
    bool moves, tablet, mouse, follows, deaf;
    uint32_t time;
    unsigned long pictures;
} Fixture;

/* ---- The controller ----------------------------------------------------------------------------------- */

static DisplayMode mode(void *opaque)
{
    return ((Fixture *)opaque)->mode;
}

static void changes(void *opaque, Display *display)
{
    Fixture *f = opaque;
    if (!f->moves)
        return;
    f->time++;
    f->pictures++;
    display_touch(display, 0, f->mode.height);
}

/* As window.py computes it. */
static void row(void *opaque, uint32_t y, uint32_t *pixels)
{
    const Fixture *f = opaque;
    for (uint32_t x = 0; x < f->mode.width; x++)
        pixels[x] = ((x * 7 + f->time) & 255) << 16 | (y * 5 & 255) << 8 | ((x ^ y) & 255);
}

static void set_mode(Fixture *f, uint32_t width, uint32_t height)
{
    f->mode = (DisplayMode){width, height, 16666667};
    printf("mode %u %u\n", width, height);
}

static void resize(void *opaque, uint32_t width, uint32_t height)
{
    Fixture *f = opaque;
    printf("resize %u %u\n", width, height);
    if (f->follows)
        set_mode(f, width, height);
}

/* ---- Keyboard, mouse, tablet -------------------------------------------------------------------------- */

static bool keyboard_driven(void *opaque)
{
    return !((Fixture *)opaque)->deaf;
}

static bool mouse_driven(void *opaque)
{
    return ((Fixture *)opaque)->mouse;
}

static bool tablet_driven(void *opaque)
{
    return ((Fixture *)opaque)->tablet;
}

static bool has_room(void *opaque)
{
    (void)opaque;
    return true;
}

static void toggle(bool *what, const char *name)
{
    *what = !*what;
    printf("%s %d\n", name, *what);
}

static void function_key(Fixture *f, int key)
{
    switch (key) {
    case 1:
        set_mode(f, 320, 200);
        break;
    case 2:
        set_mode(f, 640, 480);
        break;
    case 3:
        set_mode(f, 1024, 768);
        break;
    case 4:
        set_mode(f, 0, 0);
        break;
    case 5:
        toggle(&f->moves, "moves");
        break;
    case 6:
        toggle(&f->tablet, "tablet");
        break;
    case 7:
        toggle(&f->mouse, "mouse");
        break;
    case 8:
        toggle(&f->follows, "follows");
        break;
    case 9:
        toggle(&f->deaf, "deaf");
        break;
    default:
        break;
    }
}

static void event(void *opaque, const InputEvent *event)
{
    static const char *const names[] = {"key", "button", "move", "position", "wheel"};
    if (event->kind == INPUT_KEY || event->kind == INPUT_BUTTON)
        printf("%s %u %d\n", names[event->kind], event->code, event->down);
    else
        printf("%s %d %d\n", names[event->kind], event->x, event->y);
    if (event->kind == INPUT_KEY && event->down)
        function_key(opaque, event->code - KEY_F1 + 1);
}

/* ---- The session -------------------------------------------------------------------------------------- */

static const DisplayOps display_ops = {mode, changes, row, resize, NULL};
static const InputOps keyboard_ops = {keyboard_driven, has_room, event};
static const InputOps mouse_ops = {mouse_driven, has_room, event};
static const InputOps tablet_ops = {tablet_driven, has_room, event};

static int run(void *opaque, WindowLink *link)
{
    Fixture *f = opaque;
    Error err;
    int code;
    Session *session = session_new(&f->options, f->log, &code, &err);
    if (!session) {
        fprintf(stderr, "fixture: %s\n", err.text);
        return code;
    }
    Machine *machine = session_machine(session);
    display_connect(machine->display, DISPLAY_GPU, &display_ops, f);
    input_connect(machine->input, INPUT_KEYBOARD, &keyboard_ops, f);
    input_connect(machine->input, INPUT_MOUSE, &mouse_ops, f);
    input_connect(machine->input, INPUT_TABLET, &tablet_ops, f);
    WindowSession *window = link ? window_session_attach(session, link) : NULL;
    code = session_run(session);
    window_session_detach(window);
    session_free(session);
    return code;
}

int main(int argc, char **argv)
{
    Fixture f = {
        .mode = {640, 480, 16666667}
    };
    Error err;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!options_parse(&f.options, argc, argv, &err)) {
        fprintf(stderr, "fixture: %s\n", err.text);
        return 64;
    }
    f.log = log_new(stderr);
    Window *window = window_open(&f.options, &err);
    if (!window) {
        fprintf(stderr, "fixture: %s\n", err.text);
        log_free(f.log);
        options_free(&f.options);
        return 70;
    }
    int code = window_run(window, run, &f);
    window_close(window);
    options_free(&f.options);
    printf("pictures %lu\nend %d\n", f.pictures, code);
    return code;
}
