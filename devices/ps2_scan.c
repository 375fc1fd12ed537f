#include "devices/ps2_scan.h"

#include "machine/input.h"
#include "machine/keys.h"

bool scan_is_down(const ScanState *s, uint16_t code)
{
    return s->down[code / 32] >> code % 32 & 1;
}

static void add(ScanCodes *codes, unsigned byte)
{
    if (codes->count < SCAN_LONGEST)
        codes->byte[codes->count++] = (uint8_t)byte;
}

static void add_code(const ScanState *s, ScanCodes *codes, uint16_t code, bool up)
{
    if (code >> 8)
        add(codes, code >> 8);
    if (up && s->set != 1)
        add(codes, 0xf0);
    add(codes, code | (up && s->set == 1 ? 0x80 : 0));
}

uint16_t scan_code(const ScanState *s, uint16_t code)
{
    const Key *key = key_by_code(code);
    return key ? key->scan[s->set - 1] : 0;
}

static void add_shift(const ScanState *s, ScanCodes *codes, uint16_t key, bool up)
{
    add_code(s, codes, 0xe000 | scan_code(s, key), up);
}

/* The keys that a keyboard of 84 keys had only on its keypad pretend that the shift keys and Num Lock are as
 * they would have to be there. */
static bool is_grey(uint16_t key)
{
    return (key >= KEYCODE_HOME && key <= KEYCODE_DELETE) || key == KEYCODE_KPSLASH;
}

static void add_pretence(const ScanState *s, ScanCodes *codes, uint16_t key, bool up)
{
    bool left = scan_is_down(s, KEYCODE_LEFTSHIFT), right = scan_is_down(s, KEYCODE_RIGHTSHIFT);
    bool numbers = s->leds & LED_NUM_LOCK && key != KEYCODE_KPSLASH;
    if (numbers && !left && !right)
        add_shift(s, codes, KEYCODE_LEFTSHIFT, up);
    if (!numbers && left)
        add_shift(s, codes, KEYCODE_LEFTSHIFT, !up);
    if (!numbers && right)
        add_shift(s, codes, KEYCODE_RIGHTSHIFT, !up);
}

static void add_grey(const ScanState *s, ScanCodes *codes, uint16_t key, bool up)
{
    if (!up)
        add_pretence(s, codes, key, up);
    add_code(s, codes, scan_code(s, key), up);
    if (up)
        add_pretence(s, codes, key, up);
}

static bool control_down(const ScanState *s)
{
    return scan_is_down(s, KEYCODE_LEFTCTRL) || scan_is_down(s, KEYCODE_RIGHTCTRL);
}

static bool alt_down(const ScanState *s)
{
    return scan_is_down(s, KEYCODE_LEFTALT) || scan_is_down(s, KEYCODE_RIGHTALT);
}

/* Print Screen is the keypad's asterisk with a shift key, or SysRq with Alt. */
static uint16_t print_screen_code(const ScanState *s)
{
    return !alt_down(s) ? scan_code(s, KEYCODE_SYSRQ) : s->set == 1 ? 0x54 : 0x84;
}

static void add_print_screen(const ScanState *s, ScanCodes *codes, bool up)
{
    bool shift = scan_is_down(s, KEYCODE_LEFTSHIFT) || scan_is_down(s, KEYCODE_RIGHTSHIFT);
    bool pretend = !shift && !control_down(s) && !alt_down(s);
    if (pretend && !up)
        add_shift(s, codes, KEYCODE_LEFTSHIFT, up);
    add_code(s, codes, print_screen_code(s), up);
    if (pretend && up)
        add_shift(s, codes, KEYCODE_LEFTSHIFT, up);
}

/* Pause says everything when it goes down: it is Num Lock with Control, or, with Control, Break. */
static void add_pause(const ScanState *s, ScanCodes *codes)
{
    uint16_t control = scan_code(s, KEYCODE_LEFTCTRL), num_lock = scan_code(s, KEYCODE_NUMLOCK);
    for (unsigned up = 0; up < 2; up++) {
        if (control_down(s)) {
            add_code(s, codes, 0xe000 | scan_code(s, KEYCODE_SCROLLLOCK), up);
        } else {
            add(codes, 0xe1);
            add_code(s, codes, control, up);
            add_code(s, codes, num_lock, up);
        }
    }
}

void scan_add_key(const ScanState *s, ScanCodes *codes, uint16_t key, bool up)
{
    uint16_t code = scan_code(s, key);
    if (!code)
        return;
    if (s->set == 3) {
        if (!up || s->kind[key] & KEY_MAKE_BREAK)
            add_code(s, codes, code, up);
    } else if (key == KEYCODE_PAUSE) {
        if (!up)
            add_pause(s, codes);
    } else if (key == KEYCODE_SYSRQ) {
        add_print_screen(s, codes, up);
    } else if (is_grey(key)) {
        add_grey(s, codes, key, up);
    } else {
        add_code(s, codes, code, up);
    }
}

void scan_add_repeat(const ScanState *s, ScanCodes *codes, uint16_t key)
{
    bool print_screen = key == KEYCODE_SYSRQ && s->set != 3;
    add_code(s, codes, print_screen ? print_screen_code(s) : scan_code(s, key), false);
}

bool scan_repeats(const ScanState *s, uint16_t key)
{
    if (!scan_code(s, key))
        return false;
    return s->set == 3 ? s->kind[key] & KEY_TYPEMATIC : key != KEYCODE_PAUSE;
}

void scan_note(ScanState *s, uint16_t key, bool down)
{
    uint32_t bit = 1u << key % 32;
    s->down[key / 32] = (s->down[key / 32] & ~bit) | (down ? bit : 0);
}

void scan_default_kinds(ScanState *s)
{
    for (unsigned n = 0; n < key_count; n++)
        if (keys[n].code < SCAN_KEYS)
            s->kind[keys[n].code] = keys[n].kind;
}

void scan_set_kind(ScanState *s, uint8_t code, uint8_t kind)
{
    for (unsigned n = 0; n < key_count; n++)
        if (keys[n].code < SCAN_KEYS && keys[n].scan[2] == code)
            s->kind[keys[n].code] = kind;
}
