#include "machine/font.h"

#include <stdlib.h>
#include <string.h>

enum { REPLACEMENT = 0xfffd };

typedef struct Drawing {
    uint32_t character;
    unsigned row;     /* GLYPH: the first; ACCENTED: where the accent begins */
    const char *rows; /* NULL: ACCENTED or LINES */
    uint32_t base, accent;
    const char *lines;
} Drawing;

static const Drawing drawings[] = {
#define GLYPH(character, row, rows) {character, row, rows, 0, 0, NULL},
#define ACCENTED(character, base, accent, row) {character, row, NULL, base, accent, NULL},
#define LINES(character, lines) {character, 0, NULL, 0, 0, lines},
#include "machine/font_8x16.def"
#undef GLYPH
#undef ACCENTED
#undef LINES
};

enum { DRAWINGS = sizeof drawings / sizeof *drawings };

struct Font {
    uint8_t glyph[DRAWINGS][FONT_HEIGHT];
    uint16_t latin1[256]; /* index of the drawing */
    uint16_t replacement;
};

static uint16_t find(uint32_t character, uint16_t otherwise)
{
    for (uint16_t n = 0; n < DRAWINGS; n++)
        if (drawings[n].character == character)
            return n;
    return otherwise;
}

static void draw_rows(uint8_t *glyph, const Drawing *drawing)
{
    for (size_t n = 0; drawing->rows[n]; n++)
        if (drawing->rows[n] == '#')
            glyph[drawing->row + n / FONT_WIDTH] |= (uint8_t)(0x80 >> n % FONT_WIDTH);
}

static void draw_lines(uint8_t *glyph, const char *lines)
{
    for (unsigned y = 0; y < FONT_HEIGHT; y++)
        if (strchr(lines, y < FONT_HEIGHT / 2 ? 'U' : 'D'))
            glyph[y] |= 0x10;
    glyph[FONT_HEIGHT / 2] |=
        (uint8_t)(0x10 | (strchr(lines, 'L') ? 0xf0 : 0) | (strchr(lines, 'R') ? 0x1f : 0));
}

/* What is accented comes after the letters and accents in the table. */
static void draw_accented(Font *font, unsigned n)
{
    const Drawing *drawing = &drawings[n];
    const uint8_t *accent = font->glyph[find(drawing->accent, font->replacement)];
    memcpy(font->glyph[n], font->glyph[find(drawing->base, font->replacement)], FONT_HEIGHT);
    for (unsigned y = 0; y + drawing->row < FONT_HEIGHT; y++)
        font->glyph[n][y + drawing->row] |= accent[y];
}

Font *font_new(void)
{
    Font *font = calloc(1, sizeof *font);
    if (!font)
        abort();
    font->replacement = find(REPLACEMENT, 0);
    for (unsigned n = 0; n < DRAWINGS; n++) {
        if (drawings[n].rows)
            draw_rows(font->glyph[n], &drawings[n]);
        else if (drawings[n].lines)
            draw_lines(font->glyph[n], drawings[n].lines);
        else
            draw_accented(font, n);
    }
    for (unsigned n = 0; n < 256; n++)
        font->latin1[n] = find(n, font->replacement);
    return font;
}

void font_free(Font *font)
{
    free(font);
}

const uint8_t *font_glyph(const Font *font, uint32_t character)
{
    return font->glyph[character < 256 ? font->latin1[character] : find(character, font->replacement)];
}
