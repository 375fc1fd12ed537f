/* What the user does with keyboard and mouse: for the guest, for the window itself, or for a serial port. */
#define _GNU_SOURCE
#include "frontends/window_sdl.h"

#include <stdlib.h>
#include <string.h>

#include "machine/keys.h"

enum { CLOSE_MS = 60000, WHEEL_LINES = 3, PAGE_LINES = 20 };

/* ---- To the guest ------------------------------------------------------------------------------------- */

static void send(Window *window, InputEvent event)
{
    window_link_send(window->link, &(WindowCommand){.kind = WINDOW_INPUT, .event = event});
}

/* SDL's scan codes are the numbers of the USB keyboard page. */
static void send_key(Window *window, SDL_Scancode scancode, bool down)
{
    const Key *key = key_by_usage((uint16_t)scancode);
    if (key)
        send(window, (InputEvent){.kind = INPUT_KEY, .code = key->code, .down = down});
}

/* Something else than a key shows that no shortcut follows. */
static void flush_held_back(Window *window)
{
    SDL_Scancode held = window->held_back;
    window->held_back = SDL_SCANCODE_UNKNOWN;
    if (held)
        send_key(window, held, true);
}

void input_let_go(Window *window)
{
    window->held_back = SDL_SCANCODE_UNKNOWN;
    window_command(window, WINDOW_LET_GO, true);
}

static void send_text(Window *window, WindowCommandKind kind, const char *text)
{
    window_link_send(window->link, &(WindowCommand){.kind = kind, .text = text, .length = strlen(text)});
}

/* ---- Grabbing ----------------------------------------------------------------------------------------- */

void input_cursor(Window *window)
{
    int x, y;
    sdl.GetMouseState(&x, &y);
    x = (int)((float)x * window->density);
    y = (int)((float)y * window->density);
    bool guest_draws = window->view < 0 && !window->menu.open && !window->slots.open && window->status.tablet;
    sdl.ShowCursor(guest_draws && window_inside(window->box, x, y) ? SDL_DISABLE : SDL_ENABLE);
}

void input_grab(Window *window, bool grab)
{
    bool mouse = grab && window->status.mouse && !window->status.tablet;
    if (mouse != window->grabbed)
        sdl.SetRelativeMouseMode(mouse ? SDL_TRUE : SDL_FALSE);
    window->grabbed = mouse;
    if (!grab)
        window->keyboard = false;
    sdl.SetWindowKeyboardGrab(window->window, window->keyboard ? SDL_TRUE : SDL_FALSE);
    view_title(window);
    input_cursor(window);
}

void input_devices_changed(Window *window)
{
    if (window->grabbed && (!window->status.mouse || window->status.tablet))
        input_grab(window, window->keyboard);
    input_cursor(window);
}

/* ---- Actions ------------------------------------------------------------------------------------------ */

void window_ask_to_close(Window *window)
{
    Uint64 now = sdl.GetTicks64();
    if (window->status.off || window->close_until) {
        window_command(window, WINDOW_END, true);
        return;
    }
    window->close_until = now + CLOSE_MS;
    window_command(window, WINDOW_POWER, true);
    view_title(window);
}

static void serial_text(Window *window, const char *text, size_t length)
{
    pane_newest(window->pane[window->view]);
    window_link_send(window->link, &(WindowCommand){.kind = WINDOW_SERIAL,
                                                    .port = (unsigned)window->view,
                                                    .text = text,
                                                    .length = length});
}

/* Each end of a line, whichever system's, becomes one Enter; the text's new length. */
static size_t unify_lines(char *text)
{
    size_t length = 0;
    char before = 0, ch;
    for (const char *at = text; (ch = *at++); before = ch)
        if (ch != '\n' || before != '\r')
            text[length++] = ch == '\n' ? '\r' : ch;
    text[length] = 0;
    return length;
}

static void paste(Window *window)
{
    char *text = sdl.GetClipboardText();
    size_t length = text ? unify_lines(text) : 0;
    if (!length)
        view_note(window, "The clipboard has no text");
    else if (window->view < 0)
        send_text(window, WINDOW_TYPE, text);
    else
        serial_text(window, text, length);
    sdl.free(text);
}

static void copy(Window *window)
{
    char *text = window->view >= 0 ? pane_marked(window->pane[window->view]) : NULL;
    if (text)
        sdl.SetClipboardText(text);
    view_note(window, text ? "Copied" : "Nothing is marked: mark text of a serial port with the mouse");
    free(text);
}

static void grab_all(Window *window)
{
    bool grab = !window->keyboard && !window->grabbed;
    window->keyboard = grab;
    input_grab(window, grab);
}

static void toggle(Window *window, WindowAction action, bool *what)
{
    *what = !*what;
    window->menu.on[action] = *what;
}

static void open_slots(Window *window, bool saving)
{
    input_grab(window, false);
    if (*window->slots.folder ||
        slots_folder(window->options, window->slots.folder, sizeof window->slots.folder))
        window_slots_open(&window->slots, saving);
    else
        view_note(window, "There is no place for slots: neither HOME nor XDG_STATE_HOME is set");
}

static void use_slot(Window *window, int n)
{
    const WindowSlots *slots = &window->slots;
    char path[1100];
    if (n < 0)
        return;
    if (!slot_path(slots->folder, (unsigned)n, path, sizeof path) ||
        (slots->saving && !window_state_folders(path))) {
        view_note(window, "The folder for slots cannot be made");
        return;
    }
    window_link_send(window->link, &(WindowCommand){.kind = slots->saving ? WINDOW_SAVE : WINDOW_LOAD,
                                                    .port = (unsigned)n + 1,
                                                    .text = path,
                                                    .length = strlen(path)});
}

static void do_action(Window *window, WindowAction action)
{
    switch (action) {
    case ACTION_MENU:
        input_grab(window, false);
        window_menu_open(&window->menu);
        break;
    case ACTION_KEYS:
        input_grab(window, false);
        window_menu_open(&window->menu);
        window->menu.keys = true;
        break;
    case ACTION_SAVE:
    case ACTION_LOAD:
        open_slots(window, action == ACTION_SAVE);
        break;
    case ACTION_DELETE:
        send_text(window, WINDOW_PRESS, "ctrl+alt+delete");
        break;
    case ACTION_GRAB:
        grab_all(window);
        break;
    case ACTION_FULL_SCREEN:
        size_full_screen(window);
        break;
    case ACTION_SMOOTH:
        toggle(window, action, &window->state.smooth);
        break;
    case ACTION_STATUS:
        toggle(window, action, &window->state.status);
        size_status_line(window);
        break;
    case ACTION_ORIGINAL:
        size_original(window);
        break;
    case ACTION_COPY:
        copy(window);
        break;
    case ACTION_PASTE:
        paste(window);
        break;
    case ACTION_CHORD:
        send_text(window, WINDOW_PRESS, window_menu_chord(&window->menu));
        break;
    default:
        break;
    }
}

static void do_command(Window *window, WindowAction action)
{
    switch (action) {
    case ACTION_SCREENSHOT:
        window_command(window, WINDOW_SCREENSHOT, true);
        break;
    case ACTION_PAUSE:
        window_command(window, WINDOW_PAUSE, !window->status.paused);
        break;
    case ACTION_TURBO:
        window_command(window, WINDOW_TURBO, !window->status.turbo);
        break;
    case ACTION_REWIND: /* from the menu, a moment back */
        window_command(window, WINDOW_REWIND, true);
        window_command(window, WINDOW_REWIND, false);
        break;
    case ACTION_RESET:
        window_command(window, WINDOW_RESET, true);
        break;
    case ACTION_POWER:
        window_command(window, WINDOW_POWER, true);
        break;
    case ACTION_QUIT:
        window_command(window, WINDOW_END, true);
        break;
    default:
        break;
    }
}

void window_action(Window *window, WindowAction action)
{
    if (action == ACTION_NONE)
        return;
    if (action >= ACTION_SCREEN && action <= ACTION_SERIAL4) {
        input_grab(window, false);
        view_select(window, (int)action - ACTION_SERIAL0);
    } else {
        do_action(window, action);
        do_command(window, action);
    }
    input_cursor(window);
    window->redraw = true;
}

/* ---- Keys --------------------------------------------------------------------------------------------- */

static bool is_control(SDL_Scancode scancode)
{
    return scancode == SDL_SCANCODE_LCTRL || scancode == SDL_SCANCODE_RCTRL;
}

/* Of the two Alt keys the right one is AltGr on many keyboards. */
static bool completes_prefix(const SDL_Keysym *key)
{
    return (is_control(key->scancode) && key->mod & KMOD_LALT) ||
           (key->scancode == SDL_SCANCODE_LALT && key->mod & KMOD_CTRL);
}

static WindowAction shortcut(const Window *window, const SDL_Keysym *key)
{
    bool prefix = key->mod & KMOD_CTRL && key->mod & KMOD_LALT;
    WindowAction action = prefix ? window_action_by_key(key->sym) : ACTION_NONE;
    return window->keyboard && action != ACTION_GRAB ? ACTION_NONE : action;
}

static void menu_key(Window *window, SDL_Keycode key)
{
    WindowAction action = ACTION_NONE;
    if (key == SDLK_UP || key == SDLK_DOWN)
        window_menu_key(&window->menu, key == SDLK_UP ? MENU_UP : MENU_DOWN);
    else if (key == SDLK_RETURN || key == SDLK_KP_ENTER || key == SDLK_SPACE)
        action = window_menu_key(&window->menu, MENU_ENTER);
    else if (key == SDLK_ESCAPE)
        window_menu_key(&window->menu, MENU_BACK);
    window->redraw = true;
    window_action(window, action);
}

static void slots_key(Window *window, SDL_Keycode key)
{
    static const struct {
        SDL_Keycode key;
        SlotsKey what;
    } keys[] = {
        {SDLK_UP,       SLOTS_UP   },
        {SDLK_DOWN,     SLOTS_DOWN },
        {SDLK_LEFT,     SLOTS_LEFT },
        {SDLK_RIGHT,    SLOTS_RIGHT},
        {SDLK_RETURN,   SLOTS_ENTER},
        {SDLK_KP_ENTER, SLOTS_ENTER},
        {SDLK_SPACE,    SLOTS_ENTER},
        {SDLK_ESCAPE,   SLOTS_BACK },
    };
    WindowSlots *slots = &window->slots;
    int chosen = -1;
    if (key >= SDLK_0 && key <= SDLK_9)
        chosen = window_slots_digit(slots, (int)(key - SDLK_0));
    else if (key >= SDLK_KP_1 && key <= SDLK_KP_0)
        chosen = window_slots_digit(slots, (int)(key - SDLK_KP_1 + 1) % 10);
    for (size_t n = 0; n < sizeof keys / sizeof *keys; n++)
        if (keys[n].key == key)
            chosen = window_slots_key(slots, keys[n].what);
    window->redraw = true;
    use_slot(window, chosen);
    input_cursor(window);
}

/* What a terminal sends for keys that are no text. */
static void pane_key(Window *window, const SDL_Keysym *key)
{
    static const struct {
        SDL_Keycode key;
        const char *text;
    } keys[] = {
        {SDLK_RETURN,    "\r"     },
        {SDLK_KP_ENTER,  "\r"     },
        {SDLK_BACKSPACE, "\x7f"   },
        {SDLK_TAB,       "\t"     },
        {SDLK_ESCAPE,    "\x1b"   },
        {SDLK_UP,        "\x1b[A" },
        {SDLK_DOWN,      "\x1b[B" },
        {SDLK_RIGHT,     "\x1b[C" },
        {SDLK_LEFT,      "\x1b[D" },
        {SDLK_HOME,      "\x1b[1~"},
        {SDLK_END,       "\x1b[4~"},
        {SDLK_INSERT,    "\x1b[2~"},
        {SDLK_DELETE,    "\x1b[3~"},
        {SDLK_PAGEUP,    "\x1b[5~"},
        {SDLK_PAGEDOWN,  "\x1b[6~"},
    };
    Pane *pane = window->pane[window->view];
    bool control = key->mod & KMOD_CTRL && !(key->mod & KMOD_ALT);
    if (key->mod & KMOD_SHIFT && (key->sym == SDLK_PAGEUP || key->sym == SDLK_PAGEDOWN)) {
        pane_scroll(pane, key->sym == SDLK_PAGEUP ? PAGE_LINES : -PAGE_LINES);
    } else if (control && key->sym >= '@' && key->sym <= 'z') {
        serial_text(window, (char[]){(char)(key->sym & 0x1f)}, 1);
    } else {
        for (size_t n = 0; n < sizeof keys / sizeof *keys; n++)
            if (keys[n].key == key->sym)
                serial_text(window, keys[n].text, strlen(keys[n].text));
    }
    window->redraw = true;
}

/* The second of Ctrl and Alt is held back until it is clear whether a shortcut follows, so that the guest
 * does not see Ctrl+Alt go down for nothing. */
static void guest_key(Window *window, const SDL_KeyboardEvent *event)
{
    SDL_Scancode scancode = event->keysym.scancode, held = window->held_back;
    bool down = event->state == SDL_PRESSED;
    if (event->repeat)
        return; /* the guest's keyboard repeats by itself */
    if (down && !held && completes_prefix(&event->keysym)) {
        window->held_back = scancode;
        return;
    }
    if (held && (down || scancode == held))
        flush_held_back(window);
    send_key(window, scancode, down);
}

void input_rewind(Window *window, bool on)
{
    if (on == window->rewinding)
        return;
    window->rewinding = on;
    window_command(window, WINDOW_REWIND, on);
}

/* The shortcut ends with the first of its keys that is let go. */
static bool ends_rewinding(const Window *window, const SDL_KeyboardEvent *event)
{
    bool of_shortcut = window_action_by_key(event->keysym.sym) == ACTION_REWIND ||
                       is_control(event->keysym.scancode) || event->keysym.scancode == SDL_SCANCODE_LALT;
    return window->rewinding && event->state == SDL_RELEASED && of_shortcut;
}

static void key_event(Window *window, const SDL_KeyboardEvent *event)
{
    bool down = event->state == SDL_PRESSED;
    WindowAction action = down ? shortcut(window, &event->keysym) : ACTION_NONE;
    if (action != ACTION_NONE && event->repeat)
        return;
    if (ends_rewinding(window, event))
        input_rewind(window, false);
    if (window->menu.open && action == ACTION_MENU) {
        window->menu.open = false;
        window->redraw = true;
    } else if (action != ACTION_NONE) {
        window->menu.open = window->slots.open = false;
        input_let_go(window);
        if (action == ACTION_REWIND)
            input_rewind(window, true);
        else
            window_action(window, action);
    } else if (window->menu.open) {
        if (down)
            menu_key(window, event->keysym.sym);
    } else if (window->slots.open) {
        if (down)
            slots_key(window, event->keysym.sym);
    } else if (window->view < 0) {
        guest_key(window, event);
    } else if (down) {
        pane_key(window, &event->keysym);
    }
}

static void text_event(Window *window, const char *text)
{
    bool control = sdl.GetModState() & KMOD_CTRL;
    if (window->view >= 0 && !window->menu.open && !window->slots.open && !control)
        serial_text(window, text, strlen(text));
}

/* ---- The mouse ---------------------------------------------------------------------------------------- */

/* A place in units of the window system as pixels of the output. */
static int scaled(const Window *window, int units)
{
    return (int)((float)units * window->density);
}

static void send_position(Window *window, int x, int y)
{
    int across, down;
    window_position(window->box, x, y, &across, &down);
    send(window, (InputEvent){.kind = INPUT_POSITION, .x = across, .y = down});
}

static void pane_mouse(Window *window, int x, int y, bool begin)
{
    pane_mark(window->pane[window->view], x / window->ui, y / window->ui, begin);
    window->redraw = true;
}

static void motion(Window *window, const SDL_MouseMotionEvent *event)
{
    int x = scaled(window, event->x), y = scaled(window, event->y);
    if (window->menu.open) {
        window_menu_pointer(&window->menu, x / window->ui, y / window->ui, false);
        window->redraw = true;
    } else if (window->slots.open) {
        window_slots_pointer(&window->slots, x / window->ui, y / window->ui, false);
        window->redraw = true;
    } else if (window->view >= 0) {
        if (window->marking)
            pane_mouse(window, x, y, false);
    } else if (window->grabbed) {
        send(window, (InputEvent){.kind = INPUT_MOVE,
                                  .x = scaled(window, event->xrel),
                                  .y = scaled(window, event->yrel)});
    } else if (window->status.tablet) {
        send_position(window, x, y);
        input_cursor(window);
    }
}

static void guest_button(Window *window, const SDL_MouseButtonEvent *event, int x, int y)
{
    static const uint16_t codes[] = {[SDL_BUTTON_LEFT] = BUTTON_LEFT,
                                     [SDL_BUTTON_MIDDLE] = BUTTON_MIDDLE,
                                     [SDL_BUTTON_RIGHT] = BUTTON_RIGHT,
                                     [SDL_BUTTON_X1] = BUTTON_SIDE,
                                     [SDL_BUTTON_X2] = BUTTON_EXTRA};
    bool down = event->state == SDL_PRESSED, tablet = window->status.tablet;
    if (down && !tablet && window->status.mouse && !window->grabbed) {
        input_grab(window, true);
        return;
    }
    if (event->button >= sizeof codes / sizeof *codes || !codes[event->button])
        return;
    if (down && (tablet ? !window_inside(window->box, x, y) : !window->grabbed))
        return;
    flush_held_back(window);
    if (tablet)
        send_position(window, x, y);
    send(window, (InputEvent){.kind = INPUT_BUTTON, .code = codes[event->button], .down = down});
}

static void button(Window *window, const SDL_MouseButtonEvent *event)
{
    int x = scaled(window, event->x), y = scaled(window, event->y);
    bool down = event->state == SDL_PRESSED;
    if (window->menu.open) {
        if (down)
            window_action(window, window_menu_pointer(&window->menu, x / window->ui, y / window->ui, true));
        window->redraw = true;
    } else if (window->slots.open) {
        if (down)
            use_slot(window, window_slots_pointer(&window->slots, x / window->ui, y / window->ui, true));
        window->redraw = true;
    } else if (window->view < 0) {
        guest_button(window, event, x, y);
    } else if (event->button == SDL_BUTTON_LEFT) {
        window->marking = down;
        pane_mouse(window, x, y, down);
    } else if (event->button == SDL_BUTTON_MIDDLE && down) {
        paste(window);
    }
}

static void wheel(Window *window, const SDL_MouseWheelEvent *event)
{
    int sign = event->direction == SDL_MOUSEWHEEL_FLIPPED ? -1 : 1;
    if (window->menu.open || window->slots.open)
        return;
    if (window->view >= 0) {
        pane_scroll(window->pane[window->view], sign * event->y * WHEEL_LINES);
        window->redraw = true;
    } else if (window->status.tablet || window->grabbed) {
        flush_held_back(window);
        send(window, (InputEvent){.kind = INPUT_WHEEL, .x = sign * event->x, .y = sign * event->y});
    }
}

void input_event(Window *window, const SDL_Event *event)
{
    if (!window->window)
        return;
    switch (event->type) {
    case SDL_KEYDOWN:
    case SDL_KEYUP:
        key_event(window, &event->key);
        break;
    case SDL_TEXTINPUT:
        text_event(window, event->text.text);
        break;
    case SDL_MOUSEMOTION:
        motion(window, &event->motion);
        break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        button(window, &event->button);
        break;
    case SDL_MOUSEWHEEL:
        wheel(window, &event->wheel);
        break;
    default:
        break;
    }
}
