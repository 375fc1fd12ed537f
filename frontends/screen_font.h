/* Fonts of character consoles: which character has which bitmap. */
#ifndef ARMATURE_FRONTENDS_SCREEN_FONT_H
#define ARMATURE_FRONTENDS_SCREEN_FONT_H

#include <stddef.h>
#include <stdint.h>

enum { FONT_WIDTH_MOST = 32, FONT_HEIGHT_MOST = 64, FONT_GLYPHS_MOST = 32767 };

/* The "character" in the second cell of a wide one. */
enum { GLYPH_REST = 1 };

typedef struct ScreenFont ScreenFont;

/* A font with room for `most` glyphs, up to FONT_GLYPHS_MOST, whose cells have that size, up to FONT_*_MOST.
 */
ScreenFont *screen_font_new(unsigned width, unsigned height, unsigned most);
void screen_font_free(ScreenFont *font); /* NULL is allowed */

/* Adds a glyph: a word for each row, the leftmost pixel in bit 31. What is more than there is room for is
 * left out, and so is ch 0. Of characters that look the same, the plainest will be found. */
void screen_font_put(ScreenFont *font, uint32_t ch, const uint32_t *rows);

/* How odd it would be to mean this character, of several that look the same: 0 for ASCII. */
unsigned screen_font_strangeness(uint32_t ch);

/* A font from `count` glyphs in the order of code page 437, 8 pixels wide, a byte for each of `height` rows,
 * the leftmost pixel in bit 7. */
ScreenFont *screen_font_cp437(const uint8_t *glyphs, unsigned count, unsigned height);
/* The character of a code of code page 437; 0 if that is none. */
uint32_t screen_font_cp437_character(unsigned code);

/* Fonts of 256 glyphs in the order of code page 437, 8 pixels wide, of any height, as kernels have them built
 * in: up to `most` of those that are in memory. Returns how many. */
unsigned screen_font_find(const uint8_t *memory, size_t size, ScreenFont **font, unsigned most);

unsigned screen_font_width(const ScreenFont *font);
unsigned screen_font_height(const ScreenFont *font);

/* The character with this bitmap; 0 if there is none. */
uint32_t screen_font_match(const ScreenFont *font, const uint32_t *rows);

/* The bitmap of a character; NULL if the font lacks it. */
const uint32_t *screen_font_glyph(const ScreenFont *font, uint32_t ch);

#endif
