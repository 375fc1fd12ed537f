/* Reads the text of a character console off a picture: cells of a font's size in any two colours each. Which
 * font it is and where the cells begin is found out from the picture. Only what changed is read again. */
#ifndef ARMATURE_FRONTENDS_SCREEN_TEXT_H
#define ARMATURE_FRONTENDS_SCREEN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frontends/screen_font.h"
#include "machine/display.h"

typedef struct ScreenText ScreenText;

enum { SCREEN_FONTS_MOST = 16 };

ScreenText *screen_text_new(void);
void screen_text_free(ScreenText *text); /* NULL is allowed */

/* The font is taken over. One that was added earlier is preferred where several fit. False if there are too
 * many. */
bool screen_text_add_font(ScreenText *text, ScreenFont *font);
unsigned screen_text_fonts(const ScreenText *text);

/* Reads the picture. With `thorough`, cells are looked for at every place if the usual ones show no text,
 * which takes long. False if no font fits; an empty picture fits all. */
bool screen_text_read(ScreenText *text, const Frame *frame, bool thorough);

/* What the last successful reading found: rows of UTF-8, each with a newline at its end. Of the blanks before
 * that, one is left, so that prompts like "# " can be told from what they are part of. U+FFFD is what is no
 * character. Rows after the last one with text are left out. Valid until the next reading. */
const char *screen_text_rows(const ScreenText *text, size_t *length);

/* The place of the character at an offset of that text: row and column from 0, and the middle of its cell in
 * pixels. */
typedef struct ScreenPlace {
    unsigned row, column, x, y;
} ScreenPlace;
ScreenPlace screen_text_place(const ScreenText *text, size_t offset);

#endif
