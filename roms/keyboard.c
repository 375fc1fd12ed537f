/* See keyboard.h. Keys that make no character (cursor and function keys) are left out, and so are the lights.
 */
#include "keyboard.h"

#include <stdint.h>

#include "monitor.h"

#define KMI0 0x10006000u

enum { CR = 0x00, STAT = 0x04, DATA = 0x08, CLKDIV = 0x0c };
enum { CR_ENABLE = 1 << 2, CR_RX_INTERRUPT = 1 << 4 };
enum { STAT_RXFULL = 1 << 4, STAT_TXEMPTY = 1 << 6 };
enum { DIVIDER = 2 /* 24 MHz to 8 MHz */, ENABLE_SCANNING = 0xf4 };

enum { RELEASED = 0xf0, EXTENDED = 0xe0 };
enum { LEFT_SHIFT = 0x12, CTRL = 0x14 /* the right one is extended */, CAPS_LOCK = 0x58, RIGHT_SHIFT = 0x59 };
enum { KEYPAD_SLASH = 0x4a, KEYPAD_ENTER = 0x5a /* extended */ };

/* More than a keyboard holds back: what arrives without end must not keep us. */
enum { AT_ONCE = 64 };

/* For each scan code without and with shift. */
/* clang-format off */
static const char characters[0x80][2] = {
    [0x0d] = "\t\t", [0x0e] = "`~", [0x15] = "qQ", [0x16] = "1!", [0x1a] = "zZ", [0x1b] = "sS", [0x1c] = "aA",
    [0x1d] = "wW", [0x1e] = "2@", [0x21] = "cC", [0x22] = "xX", [0x23] = "dD", [0x24] = "eE", [0x25] = "4$",
    [0x26] = "3#", [0x29] = "  ", [0x2a] = "vV", [0x2b] = "fF", [0x2c] = "tT", [0x2d] = "rR", [0x2e] = "5%",
    [0x31] = "nN", [0x32] = "bB", [0x33] = "hH", [0x34] = "gG", [0x35] = "yY", [0x36] = "6^", [0x3a] = "mM",
    [0x3b] = "jJ", [0x3c] = "uU", [0x3d] = "7&", [0x3e] = "8*", [0x41] = ",<", [0x42] = "kK", [0x43] = "iI",
    [0x44] = "oO", [0x45] = "0)", [0x46] = "9(", [0x49] = ".>", [0x4a] = "/?", [0x4b] = "lL", [0x4c] = ";:",
    [0x4d] = "pP", [0x4e] = "-_", [0x52] = "'\"", [0x54] = "[{", [0x55] = "=+", [0x5a] = "\r\r", [0x5b] = "]}",
    [0x5d] = "\\|", [0x66] = "\b\b",
    /* The keypad, as with NumLock. */
    [0x69] = "11", [0x6b] = "44", [0x6c] = "77", [0x70] = "00", [0x71] = "..", [0x72] = "22", [0x73] = "55",
    [0x74] = "66", [0x75] = "88", [0x79] = "++", [0x7a] = "33", [0x7b] = "--", [0x7c] = "**", [0x7d] = "99",
};
/* clang-format on */

static struct {
    bool released, extended; /* what the next code means */
    uint8_t shift, ctrl;     /* a bit for each of the two keys */
    bool caps_lock;
} state;

static volatile uint32_t *kmi(unsigned offset)
{
    return word_at(KMI0 + offset);
}

void keyboard_start(void)
{
    state.released = state.extended = state.caps_lock = false;
    state.shift = state.ctrl = 0;
    *kmi(CLKDIV) = DIVIDER;
    *kmi(CR) = CR_ENABLE;
    if (*kmi(STAT) & STAT_TXEMPTY)
        *kmi(DATA) = ENABLE_SCANNING;
}

static void hold(uint8_t *keys, uint8_t key, bool down)
{
    *keys = down ? *keys | key : *keys & (uint8_t)~key;
}

/* True if the code was a key that only changes what others mean. */
static bool is_modifier(uint8_t code, bool extended, bool down)
{
    if (code == CTRL)
        hold(&state.ctrl, extended ? 2 : 1, down);
    else if (!extended && (code == LEFT_SHIFT || code == RIGHT_SHIFT))
        hold(&state.shift, code == LEFT_SHIFT ? 1 : 2, down);
    else if (!extended && code == CAPS_LOCK)
        state.caps_lock ^= down;
    else
        return false;
    return true;
}

static char character(uint8_t code, bool extended)
{
    if (code >= sizeof characters / sizeof *characters ||
        (extended && code != KEYPAD_SLASH && code != KEYPAD_ENTER))
        return 0;
    char plain = characters[code][0];
    bool letter = plain >= 'a' && plain <= 'z';
    if (letter && state.ctrl)
        return (char)(plain & 0x1f);
    bool shifted = !extended && (state.shift != 0) != (letter && state.caps_lock);
    return characters[code][shifted];
}

/* What a code that arrived adds to the text; 0: nothing. Answers to commands are codes without a meaning. */
static char decode(uint8_t code)
{
    bool released = state.released, extended = state.extended;
    if (code == RELEASED || code == EXTENDED) {
        *(code == RELEASED ? &state.released : &state.extended) = true;
        return 0;
    }
    state.released = state.extended = false;
    if (is_modifier(code, extended, !released) || released)
        return 0;
    return character(code, extended);
}

bool keyboard_waiting(void)
{
    return *kmi(STAT) & STAT_RXFULL;
}

char keyboard_get(void)
{
    for (unsigned n = 0; n < AT_ONCE && keyboard_waiting(); n++) {
        char ch = decode((uint8_t)*kmi(DATA));
        if (ch)
            return ch;
    }
    return 0;
}

void keyboard_interrupt(bool on)
{
    *kmi(CR) = CR_ENABLE | (on ? CR_RX_INTERRUPT : 0);
}
