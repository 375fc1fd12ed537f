/* What a PS/2 keyboard says about a key, in scan code sets 1, 2 and 3: the codes of machine/keys.def and the
 * rules for keys that send more than one. Keys are named by their code of input events. */
#ifndef ARMATURE_DEVICES_PS2_SCAN_H
#define ARMATURE_DEVICES_PS2_SCAN_H

#include <stdbool.h>
#include <stdint.h>

enum { SCAN_KEYS = 128, SCAN_LONGEST = 8 /* bytes at once */ };

/* What the codes depend on. */
typedef struct ScanState {
    uint32_t set;  /* 1 to 3 */
    uint32_t leds; /* LED_*: Num Lock changes what cursor keys send */
    uint32_t down[SCAN_KEYS / 32];
    uint8_t kind[SCAN_KEYS]; /* KeyKind in set 3 */
} ScanState;

typedef struct ScanCodes {
    uint8_t byte[SCAN_LONGEST];
    unsigned count;
} ScanCodes;

/* Keys below SCAN_KEYS. */
bool scan_is_down(const ScanState *s, uint16_t key);
void scan_note(ScanState *s, uint16_t key, bool down);

/* What the key is called in the set, with the prefix E0; 0: nothing. */
uint16_t scan_code(const ScanState *s, uint16_t key);

/* What the key sends when it goes up or down, while the others are as noted. */
void scan_add_key(const ScanState *s, ScanCodes *codes, uint16_t key, bool up);

/* What it sends again and again, and whether it does. */
void scan_add_repeat(const ScanState *s, ScanCodes *codes, uint16_t key);
bool scan_repeats(const ScanState *s, uint16_t key);

/* The kinds in set 3: as after power-on, and of the key with that code there. */
void scan_default_kinds(ScanState *s);
void scan_set_kind(ScanState *s, uint8_t code, uint8_t kind);

#endif
