#include "frontends/screen_font.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "machine/checked.h"

enum { CP437_GLYPHS = 256 };

struct ScreenFont {
    unsigned width, height, count, most;
    uint32_t *rows; /* [most * height] */
    uint32_t *text; /* [most]: the character */
    uint16_t *slot; /* hash table of glyph numbers + 1 */
    unsigned slots; /* a power of two */
};

/* clang-format off */
/* Code page 437 as Unicode, the graphic characters of the first 32 codes included. */
static const uint16_t cp437_low[32] = {
    ' ',    0x263a, 0x263b, 0x2665, 0x2666, 0x2663, 0x2660, 0x2022, 0x25d8, 0x25cb, 0x25d9, 0x2642, 0x2640, 0x266a,
    0x266b, 0x263c, 0x25ba, 0x25c4, 0x2195, 0x203c, 0x00b6, 0x00a7, 0x25ac, 0x21a8, 0x2191, 0x2193, 0x2192, 0x2190,
    0x221f, 0x2194, 0x25b2, 0x25bc,
};
static const uint16_t cp437_high[129] = {
    0x2302,
    0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef, 0x00ee, 0x00ec,
    0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00a2,
    0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310,
    0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556,
    0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c,
    0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559,
    0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df,
    0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229,
    0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2,
    0x25a0, 0x00a0,
};
/* clang-format on */

uint32_t screen_font_cp437_character(unsigned code)
{
    return code < 32 ? cp437_low[code] : code < 0x7f ? code : code < 256 ? cp437_high[code - 0x7f] : 0;
}

/* ---- The table of bitmaps ------------------------------------------------------------------------------ */

ScreenFont *screen_font_new(unsigned width, unsigned height, unsigned most)
{
    ScreenFont *font = checked(calloc(1, sizeof *font));
    *font = (ScreenFont){.width = width, .height = height, .most = most, .slots = 4};
    while (font->slots < 2 * most)
        font->slots *= 2;
    font->rows = checked(calloc((size_t)most * height, sizeof *font->rows));
    font->text = checked(calloc(most, sizeof *font->text));
    font->slot = checked(calloc(font->slots, sizeof *font->slot));
    return font;
}

void screen_font_free(ScreenFont *font)
{
    if (!font)
        return;
    free(font->rows);
    free(font->text);
    free(font->slot);
    free(font);
}

static uint32_t *glyph_rows(const ScreenFont *font, unsigned glyph)
{
    return font->rows + (size_t)glyph * font->height;
}

/* Where a bitmap is in the table, or would be. */
static uint16_t *find_slot(const ScreenFont *font, const uint32_t *rows)
{
    uint32_t hash = 2166136261u;
    for (unsigned y = 0; y < font->height; y++)
        hash = (hash ^ (rows[y] >> 16) ^ rows[y]) * 16777619u;
    for (unsigned at = (hash ^ hash >> 15) & (font->slots - 1);; at = (at + 1) & (font->slots - 1)) {
        uint16_t *slot = &font->slot[at];
        if (!*slot || !memcmp(glyph_rows(font, *slot - 1u), rows, font->height * sizeof *rows))
            return slot;
    }
}

unsigned screen_font_strangeness(uint32_t ch)
{
    return ch >= ' ' && ch < 0x7f           ? 0
           : ch >= 0x2500 && ch < 0x25a0    ? 1
           : ch != 0xa0 && ch != GLYPH_REST ? 2
                                            : 3;
}

void screen_font_put(ScreenFont *font, uint32_t ch, const uint32_t *rows)
{
    uint32_t mask = ~UINT32_C(0) << (FONT_WIDTH_MOST - font->width);
    if (!ch || font->count == font->most)
        return;
    for (unsigned y = 0; y < font->height; y++)
        glyph_rows(font, font->count)[y] = rows[y] & mask;
    font->text[font->count++] = ch;
    uint16_t *slot = find_slot(font, glyph_rows(font, font->count - 1));
    if (!*slot || screen_font_strangeness(ch) < screen_font_strangeness(font->text[*slot - 1]))
        *slot = (uint16_t)font->count;
}

unsigned screen_font_width(const ScreenFont *font)
{
    return font->width;
}

unsigned screen_font_height(const ScreenFont *font)
{
    return font->height;
}

uint32_t screen_font_match(const ScreenFont *font, const uint32_t *rows)
{
    uint16_t slot = *find_slot(font, rows);
    return slot ? font->text[slot - 1] : 0;
}

const uint32_t *screen_font_glyph(const ScreenFont *font, uint32_t ch)
{
    for (unsigned glyph = 0; glyph < font->count; glyph++)
        if (font->text[glyph] == ch)
            return glyph_rows(font, glyph);
    return NULL;
}

ScreenFont *screen_font_cp437(const uint8_t *glyphs, unsigned count, unsigned height)
{
    uint32_t rows[FONT_HEIGHT_MOST];
    ScreenFont *font = screen_font_new(8, height, count);
    for (unsigned n = 0; n < count; n++) {
        for (unsigned y = 0; y < height; y++)
            rows[y] = (uint32_t)glyphs[n * height + y] << 24;
        screen_font_put(font, screen_font_cp437_character(n), rows);
    }
    return font;
}

/* ---- In the guest's memory --------------------------------------------------------------------------- */

static size_t run_of(const uint8_t *from, size_t left, uint8_t value)
{
    size_t length = 0;
    while (length < left && from[length] == value)
        length++;
    return length;
}

static bool all(const uint8_t *glyphs, unsigned code, unsigned height, uint8_t value)
{
    return run_of(glyphs + (size_t)code * height, height, value) == height;
}

/* Rows of `top` and then of `bottom`, at least one of each. */
static bool halves(const uint8_t *glyph, unsigned height, uint8_t top, uint8_t bottom)
{
    size_t above = run_of(glyph, height, top);
    return above && above < height && run_of(glyph + above, height - above, bottom) == height - above;
}

/* The shapes that follow from the characters' meanings, whoever drew them. */
static bool is_cp437(const uint8_t *glyphs, unsigned height)
{
    bool blocks = all(glyphs, 0xdb, height, 0xff) && halves(glyphs + 0xdc * height, height, 0, 0xff) &&
                  halves(glyphs + 0xdf * height, height, 0xff, 0);
    bool blanks = all(glyphs, 0, height, 0) && all(glyphs, ' ', height, 0) && all(glyphs, 0xff, height, 0);
    if (!blocks || !blanks)
        return false;
    for (unsigned code = '!'; code < 0x7f; code++)
        if (all(glyphs, code, height, 0) ||
            !memcmp(glyphs + code * height, glyphs + (code + 1) * height, height))
            return false;
    return true;
}

/* In code page 437 the left half block is followed by the right one, which is seldom in other data. */
unsigned screen_font_find(const uint8_t *memory, size_t size, ScreenFont **font, unsigned most)
{
    enum { LEFT = 0xdd, HEIGHT_LEAST = 8 };
    static const uint32_t left_half = 0xf0f0f0f0;
    unsigned found = 0;
    for (size_t at = 0; at + sizeof left_half <= size && found < most; at += sizeof left_half) {
        if (memcmp(memory + at, &left_half, sizeof left_half))
            continue;
        size_t begin = at;
        while (begin && memory[begin - 1] == 0xf0)
            begin--;
        size_t height = run_of(memory + begin, size - begin, 0xf0), end = begin + height;
        at = end & ~(sizeof left_half - 1);
        if (height < HEIGHT_LEAST || height > FONT_HEIGHT_MOST || begin < LEFT * height ||
            size - begin < (CP437_GLYPHS - LEFT) * height || run_of(memory + end, size - end, 0x0f) != height)
            continue;
        const uint8_t *glyphs = memory + begin - LEFT * height;
        if (is_cp437(glyphs, (unsigned)height))
            font[found++] = screen_font_cp437(glyphs, CP437_GLYPHS, (unsigned)height);
    }
    return found;
}
