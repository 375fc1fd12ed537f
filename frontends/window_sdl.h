/* The window, as its parts see it. All of it belongs to the main thread. */
#ifndef ARMATURE_FRONTENDS_WINDOW_SDL_H
#define ARMATURE_FRONTENDS_WINDOW_SDL_H

#include <stdatomic.h>

#include "frontends/sdl_library.h"
#include "frontends/window.h"
#include "frontends/window_canvas.h"
#include "frontends/window_layout.h"
#include "frontends/window_menu.h"
#include "frontends/window_pane.h"
#include "frontends/window_slots.h"
#include "frontends/window_state.h"

struct Window {
    const Options *options;
    WindowLink *link;
    WindowStatus status;
    Uint32 wake;       /* the event that the session's thread sends */
    atomic_bool ended; /* the session's thread has nothing more to do */

    /* What is seen (window_sdl_view.c, window_sdl_size.c) */
    SDL_Window *window; /* NULL: not yet */
    SDL_Renderer *renderer;
    SDL_Texture *picture, *overlay;
    int picture_width, picture_height; /* 0: dark */
    int overlay_width, overlay_height;
    WindowBox box; /* where the picture was drawn last, in pixels of the output */
    int ui;        /* output pixels to a pixel of the canvas */
    float density; /* output pixels to a unit of the window system */
    Canvas canvas;
    WindowMenu menu;
    WindowSlots slots;
    Pane *pane[SERIAL_PORTS];
    int view; /* -1: the screen, else a serial port */
    WindowState state;
    char state_path[1024];         /* empty: nothing is remembered */
    bool sized;                    /* the window has a size that the user chose */
    int asked_width, asked_height; /* of the guest, for its picture */
    bool redraw;                   /* all; what follows: only the picture */
    bool picture_changed, hidden, told_shown;
    char note[WINDOW_NOTE + 80];
    Uint64 note_until; /* in ticks; 0: there is none */
    unsigned notes;    /* that were seen */

    /* What the user does (window_sdl_input.c) */
    SDL_Scancode held_back; /* the second of Ctrl and Alt: it may be a shortcut's */
    bool grabbed;           /* the mouse is the guest's alone */
    bool keyboard;          /* so are all keys */
    bool marking;
    bool rewinding;     /* the shortcut for it is held */
    Uint64 close_until; /* in ticks: closing again before ends the session */
};

/* ---- The view ---- */

bool view_create(Window *window); /* false: it cannot be shown, which was said */
void view_destroy(Window *window);
/* Takes what the session has for the window. */
void view_update(Window *window);
void view_draw(Window *window);
/* Something about the window itself has changed. */
void view_event(Window *window, const SDL_WindowEvent *event);
void view_lost(Window *window); /* what the host's graphics remembered */
void view_select(Window *window, int view);
void view_title(Window *window);
void view_note(Window *window, const char *text);
/* Milliseconds until something is to be drawn though nothing happened; -1: for ever. */
int view_timeout(const Window *window);

/* ---- Size and place ---- */

enum {
    WINDOW_LEAST = 160 /* units, in each direction */,
    WINDOW_BAR = FONT_HEIGHT + 2 /* rows of the status line */
};

/* Reads what is remembered, and where and how large the window is to be. */
void size_recall(Window *window, SDL_Rect *place);
void size_remember(Window *window);
/* Takes note of how many pixels a unit has. */
void size_measure(Window *window);
int size_of_bar(const Window *window); /* output pixels of the status line */
/* The guest has changed the mode: so does the window, unless it is how the user wants it. */
void size_follow_mode(Window *window);
/* The user has changed the size; a guest that can will follow. */
void size_changed(Window *window);
void size_original(Window *window);
void size_full_screen(Window *window);
/* The status line was switched on or off: the window grows or shrinks by it, so that the picture keeps its
 * size. */
void size_status_line(Window *window);

/* ---- Input ---- */

/* Of keyboard or mouse: for the guest, the menu or a pane. */
void input_event(Window *window, const SDL_Event *event);
void input_rewind(Window *window, bool on);
void input_let_go(Window *window);
/* The mouse belongs to the guest alone, or does not any more. */
void input_grab(Window *window, bool grab);
/* The guest drives other devices than before. */
void input_devices_changed(Window *window);
void input_cursor(Window *window);
void window_action(Window *window, WindowAction action);
void window_ask_to_close(Window *window);

static inline void window_command(Window *window, WindowCommandKind kind, bool on)
{
    window_link_send(window->link, &(WindowCommand){.kind = kind, .on = on});
}

#endif
