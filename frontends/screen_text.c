#include "frontends/screen_text.h"

#include <stdlib.h>
#include <string.h>

#include "frontends/keyboard_layout.h"
#include "machine/checked.h"

enum { UNKNOWN = 0xfffd };

/* A grid of cells on the picture. */
typedef struct Grid {
    const ScreenFont *font; /* NULL: none fits */
    unsigned x, y, columns, rows;
} Grid;

struct ScreenText {
    ScreenFont *font[SCREEN_FONTS_MOST];
    unsigned fonts;
    Grid grid;
    uint32_t *cell;   /* [columns * rows]: characters */
    uint64_t serial;  /* of the frame that was read */
    uint64_t resized; /* its `resized` */
    DisplayOutput output;
    char *rows; /* see screen_text_rows() */
    size_t length;
};

ScreenText *screen_text_new(void)
{
    ScreenText *text = checked(calloc(1, sizeof *text));
    text->rows = checked(calloc(1, 1));
    return text;
}

void screen_text_free(ScreenText *text)
{
    if (!text)
        return;
    for (unsigned n = 0; n < text->fonts; n++)
        screen_font_free(text->font[n]);
    free(text->cell);
    free(text->rows);
    free(text);
}

bool screen_text_add_font(ScreenText *text, ScreenFont *font)
{
    if (text->fonts == SCREEN_FONTS_MOST)
        return false;
    text->font[text->fonts++] = font;
    return true;
}

unsigned screen_text_fonts(const ScreenText *text)
{
    return text->fonts;
}

/* ---- One cell ---------------------------------------------------------------------------------------- */

/* A cell of two colours: a bit for each pixel that is not the background. */
typedef struct Cell {
    uint32_t rows[FONT_HEIGHT_MOST];
    uint32_t colour[2]; /* background, foreground */
    unsigned set;       /* pixels of the foreground */
} Cell;

/* False if there are more than two colours. Which of them is the background is decided later: here, the first
 * pixel's. */
static bool take_cell(Cell *cell, const Frame *frame, const Grid *grid, unsigned column, unsigned row)
{
    unsigned width = screen_font_width(grid->font), height = screen_font_height(grid->font);
    const uint32_t *from =
        frame->pixels + (size_t)(grid->y + row * height) * frame->width + grid->x + column * width;
    uint32_t background = *from, foreground = background;
    cell->set = 0;
    for (unsigned y = 0; y < height; y++, from += frame->width) {
        uint32_t bits = 0;
        for (unsigned x = 0; x < width; x++) {
            if (from[x] == background)
                continue;
            if (foreground == background)
                foreground = from[x];
            if (from[x] != foreground)
                return false;
            bits |= UINT32_C(1) << (31 - x);
            cell->set++;
        }
        cell->rows[y] = bits;
    }
    cell->colour[0] = background;
    cell->colour[1] = foreground;
    return true;
}

static void invert(Cell *cell, unsigned width, unsigned from, unsigned to)
{
    uint32_t mask = ~UINT32_C(0) << (FONT_WIDTH_MOST - width);
    for (unsigned y = from; y < to; y++)
        cell->rows[y] ^= mask;
}

/* Many bitmaps are another character's with the colours exchanged (half blocks are): the background is more
 * likely that of the cell before, or else the colour with more pixels. */
static void choose_background(Cell *cell, const Grid *grid, uint32_t before)
{
    unsigned width = screen_font_width(grid->font), height = screen_font_height(grid->font);
    bool swap = before == cell->colour[1] || (before != cell->colour[0] && cell->set > width * height / 2);
    if (!swap)
        return;
    uint32_t first = cell->colour[0];
    invert(cell, width, 0, height);
    cell->colour[0] = cell->colour[1];
    cell->colour[1] = first;
}

/* A cursor inverts the lowest rows of a cell, as many as Linux's cursors may have. */
static uint32_t below_cursor(Cell *cell, const Grid *grid)
{
    unsigned width = screen_font_width(grid->font), height = screen_font_height(grid->font);
    const unsigned high[] = {2, 1, 3, height / 3, height / 2, height * 2 / 3};
    for (unsigned n = 0; n < sizeof high / sizeof *high; n++) {
        if (!high[n] || high[n] >= height)
            continue;
        invert(cell, width, height - high[n], height);
        uint32_t ch = screen_font_match(grid->font, cell->rows);
        invert(cell, width, height - high[n], height);
        if (ch)
            return ch;
    }
    return 0;
}

/* The character in a cell of two colours, with *background changed to that behind it; 0: none. */
static uint32_t match(Cell *cell, const Grid *grid, bool cursors, uint32_t *background)
{
    unsigned width = screen_font_width(grid->font), height = screen_font_height(grid->font);
    choose_background(cell, grid, *background);
    for (unsigned n = 0; n < 2; n++) {
        uint32_t ch = screen_font_match(grid->font, cell->rows);
        if (ch)
            *background = cell->colour[n];
        else if (cursors)
            ch = below_cursor(cell, grid);
        if (ch)
            return ch;
        invert(cell, width, 0, height);
    }
    return 0;
}

/* The character in a cell. *background: the colour behind the one before, and behind this. */
static uint32_t read_cell(const Frame *frame, const Grid *grid, unsigned column, unsigned row, bool cursors,
                          uint32_t *background)
{
    Cell cell;
    if (!take_cell(&cell, frame, grid, column, row))
        return UNKNOWN;
    if (cell.set) {
        uint32_t ch = match(&cell, grid, cursors, background);
        return ch ? ch : UNKNOWN;
    }
    *background = cell.colour[0];
    return ' ';
}

/* ---- Finding the grid -------------------------------------------------------------------------------- */

static Grid make_grid(const ScreenFont *font, const Frame *frame, unsigned x, unsigned y)
{
    Grid grid = {.font = font, .x = x, .y = y};
    grid.columns = frame->width > x ? (frame->width - x) / screen_font_width(font) : 0;
    grid.rows = frame->height > y ? (frame->height - y) / screen_font_height(font) : 0;
    return grid;
}

/* Letters and digits count: lines and blocks are in any picture. */
static bool is_telling(uint32_t ch)
{
    return (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') ||
           (ch >= 0xc0 && ch < 0x2000);
}

typedef struct Score {
    unsigned telling, known, unknown;
} Score;

/* Gives up early where nothing can be read. */
static Score score(const Frame *frame, const Grid *grid)
{
    enum { PATIENCE = 400, CURSORS_MOST = 8 };
    Score score = {0};
    uint32_t background = UINT32_MAX;
    for (unsigned row = 0; row < grid->rows; row++) {
        for (unsigned column = 0; column < grid->columns; column++) {
            uint32_t ch = read_cell(frame, grid, column, row, score.unknown < CURSORS_MOST, &background);
            score.unknown += ch == UNKNOWN;
            score.known += ch != UNKNOWN && ch != ' ';
            score.telling += is_telling(ch);
        }
        if (score.unknown > PATIENCE && score.telling * 8 < score.unknown)
            break;
    }
    return score;
}

/* More can be read than not: with another font of the same size, in part the same letters. */
static bool is_clear(const Score *score)
{
    return !score->unknown || (score->telling && score->known > score->unknown);
}

/* Nearly everything can be read: no other grid would do better. */
static bool is_certain(const Score *score)
{
    return !score->unknown || (score->telling && score->known > 8 * score->unknown);
}

static int worth(const Score *score)
{
    enum { LETTER = 8 };
    return (int)(LETTER * score->telling + score->known) - (int)score->unknown;
}

/* The better one of the best so far and another. */
static void try_grid(const Frame *frame, const Grid *grid, Grid *best, Score *most)
{
    if (!grid->columns || !grid->rows)
        return;
    Score got = score(frame, grid);
    bool first = !best->font && !got.unknown; /* nothing but blanks and cursors, maybe */
    if (!first && worth(&got) <= worth(most))
        return;
    *most = got;
    *best = *grid;
}

/* Text that begins anywhere, as in a window: worth something only if there is enough of it. */
static void search_everywhere(const ScreenText *text, const Frame *frame, Grid *best, Score *most)
{
    enum { LEAST = 4 };
    Grid found = *best;
    Score score = *most;
    for (unsigned n = 0; n < text->fonts; n++)
        for (unsigned y = 0; y < screen_font_height(text->font[n]); y++)
            for (unsigned x = 0; x < screen_font_width(text->font[n]); x++) {
                Grid grid = make_grid(text->font[n], frame, x, y);
                try_grid(frame, &grid, &found, &score);
            }
    if (score.telling <= LEAST)
        return;
    *best = found;
    *most = score;
}

/* The best of the grid that was used last, those in the corner and, if none is good enough, all. False: none.
 */
static bool find_grid(const ScreenText *text, const Frame *frame, bool thorough, Grid *best)
{
    Score most = {0};
    const Grid *last = &text->grid;
    *best = (Grid){0};
    if (last->font) {
        Grid grid = make_grid(last->font, frame, last->x, last->y);
        try_grid(frame, &grid, best, &most);
    }
    for (unsigned n = 0; n < text->fonts && !(best->font && is_certain(&most)); n++) {
        Grid grid = make_grid(text->font[n], frame, 0, 0);
        try_grid(frame, &grid, best, &most);
    }
    if (best->font && is_clear(&most))
        return true;
    if (thorough)
        search_everywhere(text, frame, best, &most);
    return thorough && best->font && most.telling;
}

/* ---- Reading ----------------------------------------------------------------------------------------- */

static bool row_changed(const ScreenText *text, const Frame *frame, unsigned row)
{
    unsigned height = screen_font_height(text->grid.font), from = text->grid.y + row * height;
    for (unsigned y = from; y < from + height; y++)
        if (frame->changed[y] > text->serial)
            return true;
    return false;
}

/* Reads the rows that changed, or all. */
static void read_rows(ScreenText *text, const Frame *frame, bool all)
{
    const Grid *grid = &text->grid;
    for (unsigned row = 0; row < grid->rows; row++) {
        uint32_t background = UINT32_MAX;
        if (!all && !row_changed(text, frame, row))
            continue;
        for (unsigned column = 0; column < grid->columns; column++)
            text->cell[row * grid->columns + column] = read_cell(frame, grid, column, row, true, &background);
    }
}

/* Whether what was just read still is text. */
static bool still_fits(const ScreenText *text)
{
    Score score = {0};
    for (unsigned n = 0; n < text->grid.columns * text->grid.rows; n++) {
        uint32_t ch = text->cell[n];
        score.unknown += ch == UNKNOWN;
        score.known += ch != UNKNOWN && ch != ' ';
        score.telling += is_telling(ch);
    }
    return is_certain(&score);
}

static size_t encode(uint32_t cell, char *text)
{
    return cell == GLYPH_REST ? 0 : utf8_encode(cell, text);
}

static void write_rows(ScreenText *text)
{
    const Grid *grid = &text->grid;
    free(text->rows);
    text->rows = checked(malloc((size_t)grid->rows * (4 * grid->columns + 1) + 1));
    size_t end = 0;
    text->length = 0;
    for (unsigned row = 0; row < grid->rows; row++) {
        const uint32_t *cell = text->cell + row * grid->columns;
        unsigned columns = grid->columns;
        while (columns && cell[columns - 1] == ' ')
            columns--;
        columns += columns && columns < grid->columns;
        for (unsigned n = 0; n < columns; n++)
            end += encode(cell[n], text->rows + end);
        text->rows[end++] = '\n';
        text->length = columns ? end : text->length;
    }
    text->rows[text->length] = 0;
}

static void show_nothing(ScreenText *text)
{
    text->length = 0;
    text->rows[0] = 0;
}

/* One colour all over. */
static bool is_empty(const Frame *frame)
{
    size_t count = (size_t)frame->width * frame->height;
    for (size_t n = 1; n < count; n++)
        if (frame->pixels[n] != frame->pixels[0])
            return false;
    return true;
}

static bool read_anew(ScreenText *text, const Frame *frame, bool thorough)
{
    Grid grid;
    if (is_empty(frame)) {
        show_nothing(text);
        text->serial = 0;
        return true;
    }
    if (!find_grid(text, frame, thorough, &grid)) {
        text->serial = 0;
        return false;
    }
    text->grid = grid;
    free(text->cell);
    text->cell = checked(calloc((size_t)grid.columns * grid.rows + 1, sizeof *text->cell));
    read_rows(text, frame, true);
    write_rows(text);
    return true;
}

bool screen_text_read(ScreenText *text, const Frame *frame, bool thorough)
{
    bool same =
        text->serial && text->grid.font && text->resized >= frame->resized && text->output == frame->output;
    text->resized = frame->resized;
    text->output = frame->output;
    if (same && text->serial == frame->serial)
        return true;
    if (same) {
        read_rows(text, frame, false);
        if (still_fits(text)) {
            text->serial = frame->serial;
            write_rows(text);
            return true;
        }
    }
    text->serial = frame->serial;
    return read_anew(text, frame, thorough);
}

const char *screen_text_rows(const ScreenText *text, size_t *length)
{
    *length = text->length;
    return text->rows;
}

ScreenPlace screen_text_place(const ScreenText *text, size_t offset)
{
    const Grid *grid = &text->grid;
    ScreenPlace place = {0};
    size_t begin = 0;
    char bytes[4];
    for (size_t n = 0; n < offset && n < text->length; n++) {
        place.row += text->rows[n] == '\n';
        begin = text->rows[n] == '\n' ? n + 1 : begin;
    }
    if (!grid->font || place.row >= grid->rows)
        return place;
    const uint32_t *cell = text->cell + place.row * grid->columns;
    for (size_t at = begin; at < offset && place.column + 1 < grid->columns; place.column++)
        at += encode(cell[place.column], bytes);
    while (cell[place.column] == GLYPH_REST && place.column + 1 < grid->columns)
        place.column++;
    unsigned width = screen_font_width(grid->font), height = screen_font_height(grid->font);
    place.x = grid->x + place.column * width + width / 2;
    place.y = grid->y + place.row * height + height / 2;
    return place;
}
