/* The letters of the screen: those of font_ascii.def. */
#ifndef ARMATURE_ROMS_FONT_H
#define ARMATURE_ROMS_FONT_H

enum { FONT_FIRST = ' ', FONT_LAST = '~', FONT_COLUMNS = 8 };

/* FONT_COLUMNS characters for each of `rows` rows from row `top` on, '#' is set; other rows are empty. */
typedef struct Glyph {
    unsigned char top, rows;
    const char *pixels;
} Glyph;

extern const Glyph font[FONT_LAST - FONT_FIRST + 1];

#endif
