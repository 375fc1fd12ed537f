#include "frontends/window_menu.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MARGIN = 16, TEXT_WIDTH = 60 * FONT_WIDTH, LINE = FONT_HEIGHT + 2 };
enum { PANEL = 0xf01c2733, EDGE = 0xff5b7a99, CHOSEN = 0xff35587a, TEXT = 0xffe6edf3, FAINT = 0xff9fb2c4 };

typedef struct Row {
    WindowAction action;
    int key;
    const char *text;
} Row;

static const Row actions[] = {
#define ACTION(name, key, text) {ACTION_##name, key, text},
#include "frontends/window_actions.def"
#undef ACTION
};
enum { ACTIONS = sizeof actions / sizeof *actions };

/* What hosts usually keep for themselves, as the operation `press` takes it. */
static const struct {
    const char *text, *keys;
} chords[] = {
    {"Ctrl+Alt+Del",       "ctrl+alt+delete"   },
    {"Ctrl+Alt+Backspace", "ctrl+alt+backspace"},
    {"Ctrl+Alt+F1",        "ctrl+alt+F1"       },
    {"Ctrl+Alt+F2",        "ctrl+alt+F2"       },
    {"Ctrl+Alt+F3",        "ctrl+alt+F3"       },
    {"Ctrl+Alt+F4",        "ctrl+alt+F4"       },
    {"Ctrl+Alt+F5",        "ctrl+alt+F5"       },
    {"Ctrl+Alt+F6",        "ctrl+alt+F6"       },
    {"Ctrl+Alt+F7",        "ctrl+alt+F7"       },
    {"Alt+F1",             "alt+F1"            },
    {"Alt+F2",             "alt+F2"            },
    {"Alt+F3",             "alt+F3"            },
    {"Alt+F4",             "alt+F4"            },
    {"Alt+Tab",            "alt+tab"           },
    {"Ctrl+Esc",           "ctrl+esc"          },
    {"Print",              "print"             },
    {"Alt+Print (SysRq)",  "alt+print"         },
    {"Super",              "super"             },
};
enum { CHORDS = sizeof chords / sizeof *chords };

WindowAction window_action_by_key(int key)
{
    for (unsigned n = 0; key && n < ACTIONS; n++)
        if (actions[n].key == key)
            return actions[n].action;
    return ACTION_NONE;
}

const char *window_menu_chord(const WindowMenu *menu)
{
    return chords[menu->chord].keys;
}

/* ---- Choosing ----------------------------------------------------------------------------------------- */

static int rows_of(const WindowMenu *menu)
{
    return menu->keys ? CHORDS : ACTIONS;
}

void window_menu_open(WindowMenu *menu)
{
    menu->open = true;
    menu->keys = false;
    menu->row = 0;
}

static WindowAction choose(WindowMenu *menu)
{
    if (!menu->keys && actions[menu->row].action == ACTION_KEYS) {
        menu->keys = true;
        menu->row = 0;
        return ACTION_NONE;
    }
    menu->open = false;
    if (!menu->keys)
        return actions[menu->row].action == ACTION_MENU ? ACTION_NONE : actions[menu->row].action;
    menu->chord = menu->row;
    return ACTION_CHORD;
}

WindowAction window_menu_key(WindowMenu *menu, MenuKey key)
{
    int rows = rows_of(menu);
    switch (key) {
    case MENU_UP:
        menu->row = (menu->row + rows - 1) % rows;
        break;
    case MENU_DOWN:
        menu->row = (menu->row + 1) % rows;
        break;
    case MENU_ENTER:
        return choose(menu);
    case MENU_BACK:
        menu->open = menu->keys;
        menu->keys = false;
        menu->row = 0;
        break;
    }
    return ACTION_NONE;
}

WindowAction window_menu_pointer(WindowMenu *menu, int x, int y, bool click)
{
    int row = (y - menu->y - MARGIN) / LINE - 1;
    bool inside = x >= menu->x && x < menu->x + TEXT_WIDTH + 2 * MARGIN && y >= menu->y &&
                  y < menu->y + (rows_of(menu) + 1) * LINE + 2 * MARGIN;
    if (inside && row >= 0 && row < rows_of(menu)) {
        menu->row = row;
        return click ? choose(menu) : ACTION_NONE;
    }
    menu->open &= inside || !click;
    return ACTION_NONE;
}

/* ---- Drawing ------------------------------------------------------------------------------------------ */

static void draw_row(const WindowMenu *menu, Canvas *canvas, int n, int x, int y)
{
    char key[24] = "";
    const char *text = menu->keys ? chords[n].text : actions[n].text;
    if (!menu->keys && actions[n].key)
        snprintf(key, sizeof key, "Ctrl+Alt+%c", toupper(actions[n].key));
    if (n == menu->row)
        canvas_fill(canvas, x - MARGIN / 2, y - 1, TEXT_WIDTH + MARGIN, LINE, CHOSEN);
    if (!menu->keys && menu->on[actions[n].action])
        canvas_text(canvas, x, y, "*", TEXT);
    canvas_text(canvas, x + 2 * FONT_WIDTH, y, text, TEXT);
    canvas_text(canvas, x + TEXT_WIDTH - canvas_text_width(key), y, key, FAINT);
}

void window_menu_draw(WindowMenu *menu, Canvas *canvas)
{
    int rows = rows_of(menu), width = TEXT_WIDTH + 2 * MARGIN, height = (rows + 1) * LINE + 2 * MARGIN;
    int x = (canvas->width - width) / 2, y = (canvas->height - height) / 2;
    menu->x = x = x < 0 ? 0 : x;
    /* In a window that is too low, the chosen row is always seen. */
    if (height > canvas->height) {
        int below = (menu->row + 2) * LINE + 2 * MARGIN - canvas->height;
        y = below > 0 ? -below : 0;
    }
    menu->y = y;
    canvas_fill(canvas, x, y, width, height, EDGE);
    canvas_fill(canvas, x + 1, y + 1, width - 2, height - 2, PANEL);
    canvas_text(canvas, x + MARGIN, y + MARGIN, menu->keys ? "Send keys (Esc: back)" : "Armature", FAINT);
    for (int n = 0; n < rows; n++)
        draw_row(menu, canvas, n, x + MARGIN, y + MARGIN + (n + 1) * LINE);
}
