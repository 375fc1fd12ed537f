/* The sign is an A whose bar is the winding of a motor's armature. Everything is made of two shapes with
 * smooth edges, on grids that are scaled to the screen: struts, whose upper and lower edges are level, and
 * discs. */
#include "picture.h"

#include <stdbool.h>

#include "display.h"
#include "monitor.h"
#include "text.h"

enum { STEEL = 0xc3ccd4, COPPER = 0xd98a4b, DARK_COPPER = 0xa8622d, CORE = 0x5c6873 };

/* Lines of a row that are looked at for its edges. */
enum { LINES_LOG2 = 2, LINES = 1 << LINES_LOG2 };

/* Its left edge goes from (x0, y0) to the bottom at y1. */
typedef struct Strut {
    uint8_t x0, y0, y1, width;
    int16_t slope; /* of the left edge, to the right for each row, in 4096ths */
    uint32_t colour;
} Strut;

typedef struct Disc {
    uint8_t x, y, radius;
    uint32_t colour;
} Disc;

/* Where a grid lies on the screen: its origin in pixels, and 256ths of a pixel for each of its units. */
typedef struct Place {
    int32_t x, y, scale;
} Place;

#define STRUT(x0, y0, x1, y1, width, colour)                                                                 \
    {                                                                                                        \
        x0, y0, y1, width, (int16_t)(((x1) - (x0)) * 4096 / ((y1) - (y0))), colour                           \
    }
#define BEAM(x0, y0, x1, y1, colour) STRUT(x0, y0, x0, y1, (x1) - (x0), colour)

/* The sign, on a grid of 256 x 256. */
static const Strut sign[] = {
    STRUT(112, 28, 22, 232, 32, STEEL),
    STRUT(112, 28, 202, 232, 32, STEEL),
    BEAM(72, 150, 184, 174, CORE),
    STRUT(82, 138, 76, 186, 12, COPPER),
    STRUT(98, 138, 92, 186, 12, DARK_COPPER),
    STRUT(114, 138, 108, 186, 12, COPPER),
    STRUT(130, 138, 124, 186, 12, DARK_COPPER),
    STRUT(146, 138, 140, 186, 12, COPPER),
    STRUT(162, 138, 156, 186, 12, DARK_COPPER),
};
static const Disc joints[] = {
    {128, 32,  26, COPPER           },
    {128, 32,  11, COLOUR_BACKGROUND},
    {38,  226, 26, COPPER           },
    {38,  226, 11, COLOUR_BACKGROUND},
    {218, 226, 26, COPPER           },
    {218, 226, 11, COLOUR_BACKGROUND},
};

/* The letters of the name, on grids 48 x 64. */
static const Strut letter_a[] = {
    STRUT(18, 0, 0, 64, 11, STEEL),
    STRUT(18, 0, 36, 64, 11, STEEL),
    BEAM(10, 39, 38, 48, STEEL),
};
static const Strut letter_e[] = {
    BEAM(2, 0, 12, 64, STEEL),
    BEAM(12, 0, 42, 9, STEEL),
    BEAM(12, 27, 36, 36, STEEL),
    BEAM(12, 55, 42, 64, STEEL),
};
static const Strut letter_m[] = {
    BEAM(0, 0, 10, 64, STEEL),
    BEAM(38, 0, 48, 64, STEEL),
    STRUT(5, 0, 19, 42, 10, STEEL),
    STRUT(33, 0, 19, 42, 10, STEEL),
};
static const Strut letter_r[] = {
    BEAM(2, 0, 12, 64, STEEL),        BEAM(12, 0, 36, 9, STEEL),  BEAM(12, 28, 36, 37, STEEL),
    STRUT(30, 0, 36, 7, 6, STEEL),    BEAM(34, 7, 44, 30, STEEL), STRUT(34, 30, 28, 37, 10, STEEL),
    STRUT(18, 37, 34, 64, 12, STEEL),
};
static const Strut letter_t[] = {
    BEAM(0, 0, 46, 9, STEEL),
    BEAM(18, 9, 28, 64, STEEL),
};
static const Strut letter_u[] = {
    BEAM(1, 0, 11, 56, STEEL),        BEAM(36, 0, 46, 56, STEEL),  STRUT(1, 56, 8, 64, 10, STEEL),
    STRUT(36, 56, 29, 64, 10, STEEL), BEAM(11, 55, 36, 64, STEEL),
};

typedef struct Letter {
    const Strut *strut;
    unsigned count;
} Letter;

#define LETTER(table)                                                                                        \
    {                                                                                                        \
        table, sizeof table / sizeof *table                                                                  \
    }

static const Letter name[] = {
    LETTER(letter_a), LETTER(letter_r), LETTER(letter_m), LETTER(letter_a),
    LETTER(letter_t), LETTER(letter_u), LETTER(letter_r), LETTER(letter_e),
};

enum { LETTERS = sizeof name / sizeof *name, LETTER_WIDTH = 48, LETTER_HEIGHT = 64, LETTER_STEP = 58 };

/* ---- Shapes ---------------------------------------------------------------------------------- */

/* What a shape covers of the lines of one row, in 256ths of a pixel; empty where right is not greater. */
typedef struct Spans {
    unsigned lines_log2; /* 0: all lines are as the first */
    int32_t left[LINES], right[LINES];
} Spans;

static uint32_t coverage(const Spans *spans, int32_t x)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < 1u << spans->lines_log2; i++) {
        int32_t left = spans->left[i] > x * 256 ? spans->left[i] : x * 256;
        int32_t right = spans->right[i] < x * 256 + 256 ? spans->right[i] : x * 256 + 256;
        if (right > left)
            sum += (uint32_t)(right - left);
    }
    return sum >> spans->lines_log2;
}

static void paint_edge(uint32_t y, const Spans *spans, int32_t from, int32_t to, uint32_t colour)
{
    for (int32_t x = from; x < to; x++)
        display_blend(y, x, colour, coverage(spans, x));
}

static void paint(uint32_t y, const Spans *spans, uint32_t colour)
{
    int32_t left = spans->left[0], right = spans->right[0], inner_left = left, inner_right = right;
    for (unsigned i = 1; i < 1u << spans->lines_log2; i++) {
        left = spans->left[i] < left ? spans->left[i] : left;
        right = spans->right[i] > right ? spans->right[i] : right;
        inner_left = spans->left[i] > inner_left ? spans->left[i] : inner_left;
        inner_right = spans->right[i] < inner_right ? spans->right[i] : inner_right;
    }
    int32_t from = left >> 8, to = (right + 255) >> 8;
    int32_t full = (inner_left + 255) >> 8, end = inner_right >> 8;
    if (full >= end) { /* no pixel is full */
        paint_edge(y, spans, from, to, colour);
        return;
    }
    paint_edge(y, spans, from, full, colour);
    display_span(y, full, end, colour);
    paint_edge(y, spans, end, to, colour);
}

/* The middle of a row's line, in 256ths of a pixel from the grid's origin. */
static int32_t line_at(int32_t row, unsigned line)
{
    return row * 256 + (int32_t)(line * 2 + 1) * 256 / (2 * LINES);
}

static void strut_draw(const Place *place, const Strut *strut)
{
    int32_t top = strut->y0 * place->scale, bottom = strut->y1 * place->scale;
    int32_t origin = place->x * 256 + strut->x0 * place->scale, width = strut->width * place->scale;
    for (int32_t row = top >> 8; row * 256 < bottom; row++) {
        bool same = !strut->slope && row * 256 >= top && row * 256 + 256 <= bottom;
        Spans spans;
        spans.lines_log2 = same ? 0 : LINES_LOG2;
        for (unsigned i = 0; i < 1u << spans.lines_log2; i++) {
            int32_t y = line_at(row, i);
            bool covers = y >= top && y < bottom;
            spans.left[i] = origin + ((strut->slope * (y - top)) >> 12);
            spans.right[i] = spans.left[i] + (covers ? width : 0);
        }
        paint((uint32_t)(place->y + row), &spans, strut->colour);
    }
}

static int32_t square_root(int32_t square)
{
    int32_t root = 0;
    for (int32_t bit = 1 << 13; bit; bit >>= 1)
        if ((root + bit) * (root + bit) <= square)
            root += bit;
    return root;
}

static void disc_draw(const Place *place, const Disc *disc)
{
    int32_t centre = place->x * 256 + disc->x * place->scale, middle = disc->y * place->scale;
    int32_t radius = disc->radius * place->scale;
    for (int32_t row = (middle - radius) >> 8; row * 256 < middle + radius; row++) {
        Spans spans;
        spans.lines_log2 = LINES_LOG2;
        for (unsigned i = 0; i < LINES; i++) {
            int32_t y = line_at(row, i) - middle;
            int32_t half = y > -radius && y < radius ? square_root(radius * radius - y * y) : 0;
            spans.left[i] = centre - half;
            spans.right[i] = centre + half;
        }
        paint((uint32_t)(place->y + row), &spans, disc->colour);
    }
}

static void struts_draw(const Place *place, const Strut *strut, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        strut_draw(place, &strut[i]);
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* About a fifth of the screen's height: the sign's rows, and 256ths of a pixel for each unit of its grid. */
static int32_t sign_rows(void)
{
    return (int32_t)(display_height() * 53 >> 8);
}

/* 256ths of a pixel for each unit of the letters' grids. */
static int32_t letter_scale(void)
{
    return sign_rows() * 11 >> 4;
}

enum { CAPTION_GAP = 12 };

static int32_t name_top(void)
{
    return sign_rows() + (sign_rows() >> 4);
}

static int32_t caption_top(void)
{
    return name_top() + (LETTER_HEIGHT * letter_scale() >> 8) + CAPTION_GAP;
}

uint32_t picture_rows(void)
{
    return (uint32_t)caption_top() + TEXT_ROWS;
}

void picture_draw(uint32_t top)
{
    static const char caption[] = "Arm Versatile Express, CoreTile Express A9x4";
    int32_t middle = (int32_t)display_width() / 2, scale = letter_scale();
    Place place = {middle - sign_rows() / 2, (int32_t)top, sign_rows()};
    struts_draw(&place, sign, sizeof sign / sizeof *sign);
    for (unsigned i = 0; i < sizeof joints / sizeof *joints; i++)
        disc_draw(&place, &joints[i]);
    int32_t width = (LETTER_STEP * (LETTERS - 1) + LETTER_WIDTH) * scale >> 8;
    for (unsigned i = 0; i < LETTERS; i++) {
        Place at = {middle - width / 2 + (LETTER_STEP * (int32_t)i * scale >> 8), (int32_t)top + name_top(),
                    scale};
        struts_draw(&at, name[i].strut, name[i].count);
    }
    int32_t x = middle - (int32_t)(sizeof caption - 1) * TEXT_COLUMNS / 2;
    text_draw(x, top + (uint32_t)caption_top(), caption, COLOUR_DIM, COLOUR_BACKGROUND);
}
