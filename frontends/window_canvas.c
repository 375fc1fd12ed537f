#include "frontends/window_canvas.h"

#include <stdlib.h>
#include <string.h>

#include "frontends/keyboard_layout.h"

void canvas_init(Canvas *canvas)
{
    *canvas = (Canvas){.font = font_new()};
}

void canvas_free(Canvas *canvas)
{
    font_free(canvas->font);
    free(canvas->pixels);
}

void canvas_clear(Canvas *canvas, int width, int height)
{
    size_t count = (size_t)width * (size_t)height;
    if (!canvas->pixels || width != canvas->width || height != canvas->height) {
        free(canvas->pixels);
        canvas->pixels = malloc(count * sizeof *canvas->pixels + 1);
        if (!canvas->pixels)
            abort();
        canvas->width = width;
        canvas->height = height;
    }
    memset(canvas->pixels, 0, count * sizeof *canvas->pixels);
}

void canvas_fill(Canvas *canvas, int x, int y, int width, int height, uint32_t colour)
{
    int right = x + width < canvas->width ? x + width : canvas->width;
    int bottom = y + height < canvas->height ? y + height : canvas->height;
    for (int row = y < 0 ? 0 : y; row < bottom; row++)
        for (int column = x < 0 ? 0 : x; column < right; column++)
            canvas->pixels[(size_t)row * (size_t)canvas->width + (size_t)column] = colour;
}

void canvas_glyph(Canvas *canvas, int x, int y, uint32_t character, uint32_t colour)
{
    const uint8_t *rows = font_glyph(canvas->font, character);
    for (int row = 0; row < FONT_HEIGHT; row++)
        for (int column = 0; rows[row] && column < FONT_WIDTH; column++)
            if (rows[row] & 0x80 >> column)
                canvas_fill(canvas, x + column, y + row, 1, 1, colour);
}

/* The next character of UTF-8 text that is not empty; of what is none, a replacement for each byte. */
static uint32_t next_character(const char **text, size_t *left)
{
    uint32_t character = 0;
    size_t length = utf8_decode(*text, *left, &character);
    if (!length) {
        length = 1;
        character = 0xfffd;
    }
    *text += length;
    *left -= length;
    return character;
}

void canvas_text(Canvas *canvas, int x, int y, const char *utf8, uint32_t colour)
{
    for (size_t left = strlen(utf8); left; x += FONT_WIDTH)
        canvas_glyph(canvas, x, y, next_character(&utf8, &left), colour);
}

size_t canvas_line(const char *utf8, int characters)
{
    const char *at = utf8, *space = NULL;
    for (size_t left = strlen(utf8); left; characters--) {
        if (*at == ' ')
            space = at;
        if (characters <= 0 && at > utf8)
            return (size_t)((space && space > utf8 ? space : at) - utf8);
        next_character(&at, &left);
    }
    return (size_t)(at - utf8);
}

int canvas_text_width(const char *utf8)
{
    int width = 0;
    for (size_t left = strlen(utf8); left; width += FONT_WIDTH)
        next_character(&utf8, &left);
    return width;
}
