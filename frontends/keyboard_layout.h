/* Which keys type a character, if the guest has a given keyboard layout set up. */
#ifndef ARMATURE_FRONTENDS_KEYBOARD_LAYOUT_H
#define ARMATURE_FRONTENDS_KEYBOARD_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct KeyboardLayout KeyboardLayout;

/* One key, with what is held meanwhile. */
typedef struct Keystroke {
    uint16_t code; /* see machine/keys.def */
    bool shift, altgr;
} Keystroke;

enum { KEYSTROKES_MOST = 2 /* for a character: a dead key and a letter */ };

/* NULL if there is none of that name ("us"). */
const KeyboardLayout *keyboard_layout_find(const char *name);
const char *keyboard_layout_name(const KeyboardLayout *layout);

/* The names of all, separated by blanks. */
extern const char keyboard_layout_names[];

/* How to type the character; returns the number of strokes, 0 if the layout lacks it. */
unsigned keyboard_layout_strokes(const KeyboardLayout *layout, uint32_t ch,
                                 Keystroke stroke[KEYSTROKES_MOST]);

/* The character at the beginning of UTF-8 text, and its length in bytes; 0 if that is no UTF-8. */
size_t utf8_decode(const char *text, size_t length, uint32_t *ch);
/* The reverse: writes up to 4 bytes, returns how many. */
size_t utf8_encode(uint32_t ch, char *text);

#endif
