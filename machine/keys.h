/* The keys of keys.def by name, position and scan code. */
#ifndef ARMATURE_MACHINE_KEYS_H
#define ARMATURE_MACHINE_KEYS_H

#include <stdint.h>

/* What a key does in scan code set 3 beside saying that it goes down; bits. */
typedef enum KeyKind {
    KEY_MAKE = 0,
    KEY_TYPEMATIC = 1, /* repeats */
    KEY_MAKE_BREAK = 2 /* says that it goes up */
} KeyKind;

enum { KEY_SETS = 3 };

typedef struct Key {
    const char *name; /* "A", "LEFTCTRL" */
    uint16_t code;    /* of input events */
    uint16_t usage;   /* on the USB keyboard page */
    /* PS/2, sets 1, 2 and 3; 0xe0xx: with the prefix; 0xe1: Pause; 0: none */
    uint16_t scan[KEY_SETS];
    uint8_t kind; /* KeyKind */
} Key;

extern const Key keys[];
extern const unsigned key_count;

/* Codes of input events by name: KEYCODE_LEFTCTRL. */
enum KeyCode {
#define KEY(name, code, usage, set1, set2, set3, kind) KEYCODE_##name = code,
#include "machine/keys.def"
#undef KEY
};

/* The row; NULL if there is none. Names in either case. */
const Key *key_by_code(uint16_t code);
const Key *key_by_usage(uint16_t usage);
const Key *key_by_name(const char *name);

#endif
