/* See font.h. */
#include "font.h"

const Glyph font[FONT_LAST - FONT_FIRST + 1] = {
#define GLYPH(character, top, pixels)                                                                        \
    [character - FONT_FIRST] = {top, (sizeof(pixels) - 1) / FONT_COLUMNS, pixels},
#include "font_ascii.def"
#undef GLYPH
};
