/* The window's menu: what it offers, and how it looks. */
#ifndef ARMATURE_FRONTENDS_WINDOW_MENU_H
#define ARMATURE_FRONTENDS_WINDOW_MENU_H

#include <stdbool.h>
#include <stdint.h>

#include "frontends/window_canvas.h"

typedef enum WindowAction {
    ACTION_NONE,
#define ACTION(name, key, text) ACTION_##name,
#include "frontends/window_actions.def"
#undef ACTION
    ACTION_CHORD, /* sends the keys of the menu's chord */
    WINDOW_ACTIONS
} WindowAction;

/* The action of a key that is pressed together with Ctrl and Alt; ACTION_NONE: it is the guest's. */
WindowAction window_action_by_key(int key);

typedef struct WindowMenu {
    bool open;
    bool keys;               /* it shows the keys that can be sent */
    int row;                 /* the chosen one */
    int x, y;                /* where it was drawn last */
    int chord;               /* chosen last */
    bool on[WINDOW_ACTIONS]; /* actions that are switches: they are on */
} WindowMenu;

typedef enum MenuKey { MENU_UP, MENU_DOWN, MENU_ENTER, MENU_BACK } MenuKey;

void window_menu_open(WindowMenu *menu);

/* What the user chose: ACTION_NONE for nothing yet. */
WindowAction window_menu_key(WindowMenu *menu, MenuKey key);
/* The pointer is at a place of the canvas, and maybe clicks there: outside, the menu closes. */
WindowAction window_menu_pointer(WindowMenu *menu, int x, int y, bool click);

void window_menu_draw(WindowMenu *menu, Canvas *canvas);

/* The keys that were chosen, as the operation `press` takes them. */
const char *window_menu_chord(const WindowMenu *menu);

#endif
