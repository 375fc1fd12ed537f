/* Operations on keyboard, mouse and tablet. */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "frontends/hands.h"
#include "frontends/keyboard_layout.h"
#include "frontends/operation_functions.h"
#include "frontends/screen.h"
#include "frontends/suggest.h"
#include "machine/keys.h"

/* More than that at once is a mistake. */
enum { TYPED_MOST = 1 << 16, CHORD_KEYS_MOST = 8 };

static Input *input_of(const Call *call)
{
    return session_machine(call->client->session)->input;
}

static InputEvent key_event(uint16_t code, bool down)
{
    return (InputEvent){.kind = INPUT_KEY, .code = code, .down = down};
}

/* ---- Typing ------------------------------------------------------------------------------------------ */

/* NULL, and the call has failed, if there is no such layout. */
static const KeyboardLayout *layout_named(Call *call, const char *name)
{
    if (!strcmp(name, "default"))
        return session_options(call->client->session)->keyboard_layout;
    const KeyboardLayout *layout = keyboard_layout_find(name);
    if (!layout)
        call_fail(call, "%s: there is no keyboard layout %.40s; there are %s", call->operation->name, name,
                  keyboard_layout_names);
    return layout;
}

static void add_stroke(Movements *movements, const Keystroke *stroke)
{
    uint16_t held = key_by_name(stroke->altgr ? "RIGHTALT" : "LEFTSHIFT")->code;
    bool holds = stroke->shift || stroke->altgr;
    if (holds)
        movements_add(movements, key_event(held, true));
    movements_add(movements, key_event(stroke->code, true));
    movements_add(movements, key_event(stroke->code, false));
    if (holds)
        movements_add(movements, key_event(held, false));
}

static void no_key(Call *call, const KeyboardLayout *layout, const char *text, size_t length)
{
    char *shown = text_one_line(text, length);
    call_fail(call, "%s: the keyboard layout %s has no key for %s (another: layout=, or --keyboard-layout)",
              call->operation->name, keyboard_layout_name(layout), shown);
    free(shown);
}

/* False, and the call has failed, if a character cannot be typed. */
static bool add_text(Call *call, Movements *movements, const KeyboardLayout *layout, const Bytes *text)
{
    const char *from = (const char *)text->data;
    for (size_t at = 0, length; at < text->length; at += length) {
        Keystroke stroke[KEYSTROKES_MOST];
        uint32_t ch = 0;
        length = utf8_decode(from + at, text->length - at, &ch);
        unsigned count = length ? keyboard_layout_strokes(layout, ch, stroke) : 0;
        if (!count) {
            no_key(call, layout, from + at, length ? length : 1);
            return false;
        }
        for (unsigned n = 0; n < count; n++)
            add_stroke(movements, &stroke[n]);
    }
    return true;
}

static void type_text(Call *call, const Bytes *text, const char *layout_name, uint64_t pause,
                      uint64_t timeout, bool enter)
{
    static const Bytes newline = {(uint8_t *)"\n", 1};
    Movements movements = {0};
    char *what;
    const KeyboardLayout *layout = layout_named(call, layout_name);
    if (!layout)
        return;
    if (text->length > TYPED_MOST) {
        call_fail(call, "%s: at most %d bytes at once", call->operation->name, TYPED_MOST);
        return;
    }
    if (!add_text(call, &movements, layout, text) ||
        (enter && !add_text(call, &movements, layout, &newline))) {
        movements_free(&movements);
        return;
    }
    if (asprintf(&what, "%s: typing", call->operation->name) < 0)
        abort();
    hands_perform(call, &movements, pause, timeout, what);
}

void op_type(Call *call, const Bytes *text, const char *layout, uint64_t pause, uint64_t timeout)
{
    type_text(call, text, layout, pause, timeout, false);
}

void op_typeline(Call *call, const Bytes *text, const char *layout, uint64_t pause, uint64_t timeout)
{
    type_text(call, text, layout, pause, timeout, true);
}

/* ---- Keys by name ------------------------------------------------------------------------------------ */

/* clang-format off */
static const struct { const char *alias, *key; } aliases[] = {
    {"ctrl", "LEFTCTRL"}, {"control", "LEFTCTRL"}, {"alt", "LEFTALT"}, {"shift", "LEFTSHIFT"},
    {"altgr", "RIGHTALT"}, {"meta", "LEFTMETA"}, {"super", "LEFTMETA"}, {"win", "LEFTMETA"}, {"cmd", "LEFTMETA"},
    {"return", "ENTER"}, {"escape", "ESC"}, {"del", "DELETE"}, {"ins", "INSERT"}, {"pgup", "PAGEUP"},
    {"page_up", "PAGEUP"}, {"pgdn", "PAGEDOWN"}, {"page_down", "PAGEDOWN"}, {"bksp", "BACKSPACE"},
    {"caps_lock", "CAPSLOCK"}, {"num_lock", "NUMLOCK"}, {"scroll_lock", "SCROLLLOCK"}, {"print", "SYSRQ"},
    {"printscreen", "SYSRQ"}, {"menu", "COMPOSE"}, {"break", "PAUSE"}, {"spacebar", "SPACE"},
};
/* clang-format on */

static const char *key_name(const void *table, unsigned n)
{
    return ((const Key *)table)[n].name;
}

static void unknown_key(Call *call, const char *name)
{
    char upper[41] = "";
    for (unsigned n = 0; name[n] && n + 1 < sizeof upper; n++)
        upper[n] = (char)toupper((unsigned char)name[n]);
    const char *near = suggest(upper, keys, key_count, key_name);
    char *shown = text_one_line(name, strlen(name) > 40 ? 40 : strlen(name));
    call_fail(call, near ? "%s: there is no key %s; did you mean %s?" : "%s: there is no key %s%s",
              call->operation->name, *shown ? shown : "\"\"", near ? near : "");
    free(shown);
}

/* What a name means: a character means the key that types it, with what must be held. Letters stand for their
 * keys, in either case. False, and the call has failed, if there is no such key. */
static bool key_stroke(Call *call, const char *name, Keystroke *stroke)
{
    Keystroke strokes[KEYSTROKES_MOST];
    uint32_t ch;
    size_t length = utf8_decode(name, strlen(name), &ch);
    const Key *key = key_by_name(name);
    for (unsigned n = 0; !key && n < sizeof aliases / sizeof *aliases; n++)
        if (!strcasecmp(aliases[n].alias, name))
            key = key_by_name(aliases[n].key);
    if (length && !name[length]) {
        ch = ch < 0x80 ? (uint32_t)tolower((int)ch) : ch;
        const KeyboardLayout *layout = session_options(call->client->session)->keyboard_layout;
        if (keyboard_layout_strokes(layout, ch, strokes) == 1) {
            *stroke = strokes[0];
            return true;
        }
        no_key(call, layout, name, length);
        return false;
    }
    if (!key) {
        unknown_key(call, name);
        return false;
    }
    *stroke = (Keystroke){.code = key->code};
    return true;
}

typedef struct Chord {
    uint16_t code[3 * CHORD_KEYS_MOST];
    unsigned count;
} Chord;

static void chord_add(Chord *chord, uint16_t code)
{
    for (unsigned n = 0; n < chord->count; n++)
        if (chord->code[n] == code)
            return;
    chord->code[chord->count++] = code;
}

static bool chord_add_name(Call *call, Chord *chord, const char *name)
{
    Keystroke stroke;
    if (chord->count > 2 * CHORD_KEYS_MOST) {
        call_fail(call, "%s: too many keys at once", call->operation->name);
        return false;
    }
    if (!key_stroke(call, name, &stroke))
        return false;
    if (stroke.shift)
        chord_add(chord, key_by_name("LEFTSHIFT")->code);
    if (stroke.altgr)
        chord_add(chord, key_by_name("RIGHTALT")->code);
    chord_add(chord, stroke.code);
    return true;
}

/* "ctrl+alt+F2"; "ctrl++" is Ctrl and plus. */
static bool parse_chord(Call *call, const char *text, Chord *chord)
{
    char *copy = strdup(text), *at = copy;
    bool ok = true;
    if (!copy)
        abort();
    for (bool more = true; ok && more;) {
        char *plus = *at ? strchr(at + 1, '+') : NULL;
        more = plus;
        if (plus)
            *plus = 0;
        ok = chord_add_name(call, chord, at);
        at = plus ? plus + 1 : at;
    }
    free(copy);
    return ok;
}

void op_press(Call *call, const char *chord_text, uint64_t hold, uint64_t timeout)
{
    Chord chord = {0};
    Movements movements = {0};
    char *what;
    if (!parse_chord(call, chord_text, &chord))
        return;
    for (unsigned n = 0; n < chord.count; n++)
        movements_add(&movements, key_event(chord.code[n], true));
    for (unsigned n = chord.count; n-- > 0;)
        movements_add(&movements, key_event(chord.code[n], false));
    if (asprintf(&what, "press %s", chord_text) < 0)
        abort();
    hands_perform(call, &movements, hold, timeout, what);
}

static void move_key(Call *call, const char *name, bool down)
{
    Chord chord = {0};
    if (!parse_chord(call, name, &chord))
        return;
    for (unsigned n = 0; n < chord.count; n++) {
        InputEvent event = key_event(chord.code[down ? n : chord.count - 1 - n], down);
        input_send(input_of(call), &event);
    }
}

void op_key_down(Call *call, const char *key)
{
    move_key(call, key, true);
}

void op_key_up(Call *call, const char *key)
{
    if (!strcmp(key, "all"))
        input_release_all(input_of(call));
    else
        move_key(call, key, false);
}

json_t *op_keyboard(Call *call)
{
    const Input *input = input_of(call);
    unsigned leds = input_leds(input);
    return json_pack("{s:b, s:b, s:b, s:b, s:b, s:b, s:I, s:s}", "keyboard",
                     input_driven(input, INPUT_KEYBOARD), "mouse", input_driven(input, INPUT_MOUSE), "tablet",
                     input_driven(input, INPUT_TABLET), "num_lock", !!(leds & LED_NUM_LOCK), "caps_lock",
                     !!(leds & LED_CAPS_LOCK), "scroll_lock", !!(leds & LED_SCROLL_LOCK), "waiting",
                     (json_int_t)input_waiting(input), "layout",
                     keyboard_layout_name(session_options(call->client->session)->keyboard_layout));
}

/* ---- Pointers ---------------------------------------------------------------------------------------- */

/* False, and the call has failed, if nothing would come of it. */
static bool needs_pointer(Call *call, bool tablet_only)
{
    const Input *input = input_of(call);
    if (input_driven(input, INPUT_TABLET) || (!tablet_only && input_driven(input, INPUT_MOUSE)))
        return true;
    call_fail(call, "%s: the guest drives no %s", call->operation->name,
              tablet_only ? "tablet, so that no position can be pointed at; mouse_move moves a mouse"
                          : "mouse and no tablet");
    return false;
}

static int32_t position(uint32_t pixel, uint32_t size)
{
    return size > 1 ? (int32_t)((uint64_t)pixel * INPUT_POSITION_MOST / (size - 1)) : 0;
}

/* False, and the call has failed, if that is no place on the screen. */
static bool point_at(Call *call, int64_t x, int64_t y, InputEvent *event)
{
    Error err;
    Screen *screen = session_screen(call->client->session);
    if (!needs_pointer(call, true))
        return false;
    if (!screen_is_lit(screen, &err)) {
        call_fail(call, "%s: %s", call->operation->name, err.text);
        return false;
    }
    const Frame *frame = screen_frame(screen);
    if (x < 0 || y < 0 || x >= frame->width || y >= frame->height) {
        call_fail(call, "%s: %lld, %lld is not on the screen of %u x %u pixels", call->operation->name,
                  (long long)x, (long long)y, frame->width, frame->height);
        return false;
    }
    *event = (InputEvent){.kind = INPUT_POSITION,
                          .x = position((uint32_t)x, frame->width),
                          .y = position((uint32_t)y, frame->height)};
    return true;
}

void op_mouse_move(Call *call, int dx, int dy)
{
    enum { MOST = 32767 };
    if (dx < -MOST || dx > MOST || dy < -MOST || dy > MOST)
        call_fail(call, "mouse_move: give -%d to %d", MOST, MOST);
    else if (!input_driven(input_of(call), INPUT_MOUSE))
        call_fail(call, "mouse_move: the guest drives no mouse%s",
                  input_driven(input_of(call), INPUT_TABLET) ? "; mouse_to points at a place" : "");
    else
        input_send(input_of(call), &(InputEvent){.kind = INPUT_MOVE, .x = dx, .y = dy});
}

void op_mouse_to(Call *call, int x, int y)
{
    InputEvent event;
    if (point_at(call, x, y, &event))
        input_send(input_of(call), &event);
}

static bool button_code(Call *call, const char *name, uint16_t *code)
{
    static const char *const names[] = {"left", "right", "middle", "side", "extra"};
    for (unsigned n = 0; n < sizeof names / sizeof *names; n++)
        if (!strcasecmp(names[n], name)) {
            *code = (uint16_t)(BUTTON_LEFT + n);
            return true;
        }
    call_fail(call, "%s: the buttons are left, right, middle, side and extra", call->operation->name);
    return false;
}

static void click(Call *call, const char *button, int x, int y, unsigned times)
{
    Movements movements = {0};
    InputEvent event;
    uint16_t code;
    if (!button_code(call, button, &code) || !needs_pointer(call, false))
        return;
    if (x != -1 || y != -1) {
        if (!point_at(call, x, y, &event))
            return;
        movements_add(&movements, event);
    }
    for (unsigned n = 0; n < 2 * times; n++)
        movements_add(&movements, (InputEvent){.kind = INPUT_BUTTON, .code = code, .down = n % 2 == 0});
    hands_perform(call, &movements, UINT64_MAX, UINT64_MAX, strdup(call->operation->name));
}

void op_click(Call *call, const char *button, int x, int y)
{
    click(call, button, x, y, 1);
}

void op_double_click(Call *call, const char *button, int x, int y)
{
    click(call, button, x, y, 2);
}

void op_wheel(Call *call, int clicks)
{
    enum { MOST = 100 };
    if (clicks < -MOST || clicks > MOST)
        call_fail(call, "wheel: give -%d to %d", MOST, MOST);
    else if (needs_pointer(call, false))
        input_send(input_of(call), &(InputEvent){.kind = INPUT_WHEEL, .y = clicks});
}
