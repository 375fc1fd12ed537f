/* The font of font_8x16.def, for texts that the emulator draws itself. */
#ifndef ARMATURE_MACHINE_FONT_H
#define ARMATURE_MACHINE_FONT_H

#include <stdint.h>

enum { FONT_WIDTH = 8, FONT_HEIGHT = 16 };

/* Accents on their own have no character in Unicode that this font shows. */
enum {
    FONT_GRAVE = 0x110000,
    FONT_ACUTE,
    FONT_CIRCUMFLEX,
    FONT_TILDE,
    FONT_DIAERESIS,
    FONT_RING,
    FONT_CEDILLA
};

typedef struct Font Font;

Font *font_new(void);
void font_free(Font *font); /* NULL is allowed */

/* The rows of a character, from the top, the leftmost pixel in bit 7; a replacement for what it lacks. */
const uint8_t *font_glyph(const Font *font, uint32_t character);

#endif
