/* Pixels that we draw ourselves: 0xAARRGGBB, with texts in the font of machine/font.h. */
#ifndef ARMATURE_FRONTENDS_WINDOW_CANVAS_H
#define ARMATURE_FRONTENDS_WINDOW_CANVAS_H

#include <stddef.h>
#include <stdint.h>

#include "machine/font.h"

typedef struct Canvas {
    int width, height;
    uint32_t *pixels;
    Font *font;
} Canvas;

void canvas_init(Canvas *canvas);
void canvas_free(Canvas *canvas);

/* Everything becomes transparent; the size may be another. */
void canvas_clear(Canvas *canvas, int width, int height);

/* What lies outside is not drawn. */
void canvas_fill(Canvas *canvas, int x, int y, int width, int height, uint32_t colour);
void canvas_glyph(Canvas *canvas, int x, int y, uint32_t character, uint32_t colour);
void canvas_text(Canvas *canvas, int x, int y, const char *utf8, uint32_t colour);

/* How many bytes of text make a line of so many characters at most: up to a space if there is one, which is
 * not counted. */
size_t canvas_line(const char *utf8, int characters);

/* How wide the text is. */
int canvas_text_width(const char *utf8);

#endif
