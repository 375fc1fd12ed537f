/* Fonts of character consoles: which character has which bitmap. They come from PSF files (versions 1 and 2,
 * compressed or not), or from the guest's memory, where a kernel keeps its console's font. */
#ifndef ARMATURE_FRONTENDS_SCREEN_FONT_H
#define ARMATURE_FRONTENDS_SCREEN_FONT_H

#include <stddef.h>
#include <stdint.h>

#include "machine/error.h"

enum { FONT_WIDTH_MOST = 32, FONT_HEIGHT_MOST = 64, FONT_GLYPHS_MOST = 4096 };

typedef struct ScreenFont ScreenFont;

/* NULL with err set if the file is no font. */
ScreenFont *screen_font_load(const char *path, Error *err);

/* Fonts of 256 glyphs in the order of code page 437, 8 pixels wide, of any height, as kernels have them built
 * in: up to `most` of those that are in memory. Returns how many. */
unsigned screen_font_find(const uint8_t *memory, size_t size, ScreenFont **font, unsigned most);

/* A font from `count` glyphs in the order of code page 437, 8 pixels wide, a byte for each of `height` rows,
 * the leftmost pixel in bit 7. */
ScreenFont *screen_font_cp437(const uint8_t *glyphs, unsigned count, unsigned height);

void screen_font_free(ScreenFont *font); /* NULL is allowed */

unsigned screen_font_width(const ScreenFont *font);
unsigned screen_font_height(const ScreenFont *font);

/* The character with this bitmap, a word for each row, the leftmost pixel in bit 31; 0 if there is none. */
uint32_t screen_font_match(const ScreenFont *font, const uint32_t *rows);

/* The bitmap of a character; NULL if the font lacks it. */
const uint32_t *screen_font_glyph(const ScreenFont *font, uint32_t ch);

#endif
