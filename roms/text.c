/* See text.h. */
#include "text.h"

#include "display.h"
#include "font.h"
#include "picture.h"

_Static_assert((int)FONT_COLUMNS == (int)TEXT_COLUMNS, "a glyph fills its cell");

enum { CURSOR_ROWS = 2 };

/* Left and right, in pixels, unless 80 columns would not fit between them. */
enum { MARGIN = 8, NARROW = 640 };

/* A program that the monitor started may have overwritten this: it is not trusted. */
static struct {
    bool on;
    uint32_t top, lines, columns;
    uint32_t line, column; /* of the next character; column may be just behind the last */
} terminal;

static void glyph_row(int32_t x, uint32_t y, const char *pixels, uint32_t colour, uint32_t background)
{
    for (int32_t start = 0, end; start < TEXT_COLUMNS; start = end) {
        bool set = pixels[start] == '#';
        for (end = start + 1; end < TEXT_COLUMNS; end++)
            if (set != (pixels[end] == '#'))
                break;
        display_span(y, x + start, x + end, set ? colour : background);
    }
}

static void glyph_draw(int32_t x, uint32_t y, char ch, uint32_t colour, uint32_t background)
{
    bool known = ch >= FONT_FIRST && ch <= FONT_LAST;
    const Glyph *glyph = &font[(known ? ch : '?') - FONT_FIRST];
    for (unsigned row = 0; row < TEXT_ROWS; row++) {
        if (row >= glyph->top && row < glyph->top + glyph->rows)
            glyph_row(x, y + row, glyph->pixels + (row - glyph->top) * FONT_COLUMNS, colour, background);
        else
            display_span(y + row, x, x + TEXT_COLUMNS, background);
    }
}

void text_draw(int32_t x, uint32_t y, const char *text, uint32_t colour, uint32_t background)
{
    for (; *text; text++, x += TEXT_COLUMNS)
        glyph_draw(x, y, *text, colour, background);
}

static uint32_t margin(void)
{
    return display_width() > NARROW ? MARGIN : 0;
}

void text_start(uint32_t top)
{
    terminal.lines = (display_height() - top) / TEXT_ROWS;
    terminal.columns = (display_width() - 2 * margin()) / TEXT_COLUMNS;
    terminal.top = top;
    terminal.line = terminal.column = 0;
    terminal.on = terminal.lines && top < display_height();
    if (terminal.on)
        display_fill(top, display_height() - top, COLOUR_BACKGROUND);
}

/* Whether the terminal lies on the screen, and the next character in the terminal. */
static bool is_sound(void)
{
    return terminal.on && terminal.top < display_height() && terminal.lines &&
           terminal.lines <= (display_height() - terminal.top) / TEXT_ROWS &&
           terminal.columns <= display_width() / TEXT_COLUMNS && terminal.line < terminal.lines &&
           terminal.column <= terminal.columns;
}

static uint32_t row_of_line(void)
{
    return terminal.top + terminal.line * TEXT_ROWS;
}

static void next_line(void)
{
    terminal.column = 0;
    if (++terminal.line < terminal.lines)
        return;
    terminal.line = terminal.lines - 1;
    display_scroll(terminal.top, terminal.top + terminal.lines * TEXT_ROWS, TEXT_ROWS);
    display_fill(row_of_line(), TEXT_ROWS, COLOUR_BACKGROUND);
}

static int32_t column_x(void)
{
    return (int32_t)(margin() + terminal.column * TEXT_COLUMNS);
}

void text_put(char ch)
{
    if (!is_sound())
        return;
    if (ch == '\n') {
        next_line();
    } else if (ch == '\r') {
        terminal.column = 0;
    } else if (ch == '\b') {
        if (terminal.column) {
            terminal.column--;
        } else if (terminal.line) { /* the line was wrapped */
            terminal.line--;
            terminal.column = terminal.columns - 1;
        }
    } else {
        if (terminal.column == terminal.columns)
            next_line();
        glyph_draw(column_x(), row_of_line(), ch, COLOUR_TEXT, COLOUR_BACKGROUND);
        terminal.column++;
    }
}

void text_cursor(bool show)
{
    if (!is_sound())
        return;
    for (uint32_t row = TEXT_ROWS - CURSOR_ROWS; row < TEXT_ROWS; row++)
        display_span(row_of_line() + row, column_x(), column_x() + TEXT_COLUMNS,
                     show ? COLOUR_TEXT : COLOUR_BACKGROUND);
}
