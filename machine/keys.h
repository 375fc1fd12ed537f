/* The keys of keys.def by name, position and scan code. */
#ifndef ARMATURE_MACHINE_KEYS_H
#define ARMATURE_MACHINE_KEYS_H

#include <stdint.h>

typedef struct Key {
    const char *name; /* "A", "LEFTCTRL" */
    uint16_t code;    /* of input events */
    uint16_t usage;   /* on the USB keyboard page */
    uint16_t scan;    /* PS/2, set 2; 0xe0xx: with the prefix; 0xe1: Pause */
} Key;

extern const Key keys[];
extern const unsigned key_count;

/* The row; NULL if there is none. Names in either case. */
const Key *key_by_code(uint16_t code);
const Key *key_by_usage(uint16_t usage);
const Key *key_by_name(const char *name);

#endif
