/* A console font for tests: made of noise, but for the characters whose shape follows from their meaning. */
#ifndef ARMATURE_TESTS_FRONTENDS_SCREEN_FONT_DATA_H
#define ARMATURE_TESTS_FRONTENDS_SCREEN_FONT_DATA_H

#include <stdint.h>
#include <string.h>

enum { TEST_GLYPHS = 256 };

/* glyphs: [256 * height], in the order of code page 437. */
static inline void test_font(uint8_t *glyphs, unsigned height)
{
    uint32_t state = 1 + height;
    for (unsigned n = 0; n < TEST_GLYPHS * height; n++) {
        state = state * 1103515245 + 12345;
        /* Neither a whole row nor an empty one: no glyph is another's with a cursor. */
        glyphs[n] = (uint8_t)((state >> 16 & 0x7e) | 0x10);
    }
    static const struct {
        uint8_t code, top, bottom;
    } shapes[] = {
        {0x00, 0x00, 0x00},
        {0x20, 0x00, 0x00},
        {0xff, 0x00, 0x00},
        {0xdb, 0xff, 0xff},
        {0xdc, 0x00, 0xff},
        {0xdd, 0xf0, 0xf0},
        {0xde, 0x0f, 0x0f},
        {0xdf, 0xff, 0x00}
    };
    for (unsigned n = 0; n < sizeof shapes / sizeof *shapes; n++) {
        memset(glyphs + shapes[n].code * height, shapes[n].top, height / 2);
        memset(glyphs + shapes[n].code * height + height / 2, shapes[n].bottom, height - height / 2);
    }
}

/* Draws a row of characters whose cells are 8 pixels wide into a picture. */
static inline void test_draw(uint32_t *pixels, unsigned picture_width, unsigned x, unsigned y,
                             const uint8_t *glyphs, unsigned height, const char *text, uint32_t ink,
                             uint32_t paper)
{
    for (; *text; text++, x += 8)
        for (unsigned row = 0; row < height; row++)
            for (unsigned column = 0; column < 8; column++)
                pixels[(y + row) * picture_width + x + column] =
                    glyphs[(uint8_t)*text * height + row] >> (7 - column) & 1 ? ink : paper;
}

#endif
