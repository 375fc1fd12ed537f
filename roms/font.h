/* The letters of the console, drawn for this project. */
#ifndef ARMATURE_ROMS_FONT_H
#define ARMATURE_ROMS_FONT_H

/* A cell has 8 x 16 pixels. Rows FONT_TOP on and the first columns hold the glyph, the others stay empty. */
enum { FONT_FIRST = ' ', FONT_LAST = '~', FONT_TOP = 2, FONT_ROWS = 13, FONT_COLUMNS = 7 };

/* '#' is set. */
extern const char font[FONT_LAST - FONT_FIRST + 1][FONT_ROWS][FONT_COLUMNS + 1];

#endif
