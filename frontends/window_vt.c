/* See window_vt.h. */
#define _GNU_SOURCE
#include "frontends/window_vt.h"

#include <stdlib.h>
#include <string.h>

#include "frontends/keyboard_layout.h"

Vt *vt_new(void)
{
    Vt *vt = calloc(1, sizeof *vt);
    if (!vt)
        abort();
    vt->last = VT_ROWS - 1;
    return vt;
}

void vt_free(Vt *vt)
{
    free(vt);
}

static uint32_t *row_at(Vt *vt, int row)
{
    return vt->cell[(vt->top + (uint64_t)row) % VT_LINES];
}

static int limit(int value, int least, int most)
{
    return value < least ? least : value > most ? most : value;
}

/* ---- Moving ------------------------------------------------------------------------------------------- */

static void clear(Vt *vt, int row, int from, int to)
{
    memset(row_at(vt, row) + from, 0, (size_t)(to - from) * sizeof(uint32_t));
}

static void clear_rows(Vt *vt, int from, int to)
{
    for (int row = from; row < to; row++)
        clear(vt, row, 0, VT_COLUMNS);
}

/* Rows [first, last] move up by count (down, if negative); what goes is lost. */
static void move_rows(Vt *vt, int first, int last, int count)
{
    int rows = last - first + 1, distance = limit(count, -rows, rows);
    for (int n = 0; n < rows; n++) {
        int to = distance > 0 ? first + n : last - n, from = to + distance;
        if (from >= first && from <= last)
            memcpy(row_at(vt, to), row_at(vt, from), sizeof *vt->cell);
        else
            clear(vt, to, 0, VT_COLUMNS);
    }
}

static void new_line(Vt *vt)
{
    if (vt->y != vt->last) {
        vt->y += vt->y < VT_ROWS - 1;
    } else if (vt->first == 0 && vt->last == VT_ROWS - 1) {
        vt->top++;
        clear(vt, VT_ROWS - 1, 0, VT_COLUMNS);
    } else {
        move_rows(vt, vt->first, vt->last, 1);
    }
}

static void previous_line(Vt *vt)
{
    if (vt->y == vt->first)
        move_rows(vt, vt->first, vt->last, -1);
    else
        vt->y -= vt->y > 0;
}

static void go_to(Vt *vt, int x, int y)
{
    vt->x = limit(x, 0, VT_COLUMNS - 1);
    vt->y = limit(y, 0, VT_ROWS - 1);
    vt->wrap = false;
}

/* The DEC special graphics that Linux's console programs use. */
static uint32_t graphic(uint32_t character)
{
    static const struct {
        char from;
        uint16_t to;
    } set[] = {
        {'q', 0x2500},
        {'x', 0x2502},
        {'l', 0x250c},
        {'k', 0x2510},
        {'m', 0x2514},
        {'j', 0x2518},
        {'t', 0x251c},
        {'u', 0x2524},
        {'w', 0x252c},
        {'v', 0x2534},
        {'n', 0x253c},
        {'a', 0x2592},
        {'0', 0x2588},
        {'`', 0x25c6},
        {'~', 0xb7  },
    };
    for (size_t n = 0; n < sizeof set / sizeof *set; n++)
        if (character == (uint8_t)set[n].from)
            return set[n].to;
    return character;
}

static void put(Vt *vt, uint32_t character)
{
    if (vt->wrap) {
        vt->x = 0;
        vt->wrap = false;
        new_line(vt);
    }
    character = vt->graphics ? graphic(character) : character;
    row_at(vt, vt->y)[vt->x] = character | vt->style;
    if (vt->x == VT_COLUMNS - 1)
        vt->wrap = true;
    else
        vt->x++;
}

/* ---- Escape sequences --------------------------------------------------------------------------------- */

static void set_colour(Vt *vt, unsigned shift, unsigned colour)
{
    vt->style = (vt->style & ~((uint32_t)VT_COLOUR << shift)) | colour << shift;
}

static void set_style(Vt *vt, unsigned what)
{
    if (what == 0)
        vt->style = 0;
    else if (what == 1)
        vt->style |= VT_BOLD;
    else if (what == 7)
        vt->style |= VT_REVERSE;
    else if (what == 22)
        vt->style &= ~(uint32_t)VT_BOLD;
    else if (what == 27)
        vt->style &= ~(uint32_t)VT_REVERSE;
    else if ((what >= 30 && what <= 37) || what == 39)
        set_colour(vt, VT_INK, what == 39 ? 0 : what - 29);
    else if ((what >= 40 && what <= 47) || what == 49)
        set_colour(vt, VT_PAPER, what == 49 ? 0 : what - 39);
    else if (what >= 90 && what <= 97)
        set_colour(vt, VT_INK, what - 89);
    else if (what >= 100 && what <= 107)
        set_colour(vt, VT_PAPER, what - 99);
}

/* What follows 38 and 48 are colours of larger palettes, which are not shown. */
static void set_styles(Vt *vt)
{
    for (unsigned n = 0; n < vt->parameters && vt->parameter[n] != 38 && vt->parameter[n] != 48; n++)
        set_style(vt, vt->parameter[n]);
}

static void erase_display(Vt *vt, unsigned what)
{
    if (what == 0) {
        clear(vt, vt->y, vt->x, VT_COLUMNS);
        clear_rows(vt, vt->y + 1, VT_ROWS);
    } else if (what == 1) {
        clear_rows(vt, 0, vt->y);
        clear(vt, vt->y, 0, vt->x + 1);
    } else {
        clear_rows(vt, 0, VT_ROWS);
    }
}

static void erase_line(Vt *vt, unsigned what)
{
    clear(vt, vt->y, what == 0 ? vt->x : 0, what == 1 ? vt->x + 1 : VT_COLUMNS);
}

/* Cells of the cursor's row move to the right (left, if negative). */
static void move_cells(Vt *vt, int count)
{
    uint32_t *at = row_at(vt, vt->y) + vt->x;
    int cells = VT_COLUMNS - vt->x, distance = limit(count, -cells, cells);
    size_t kept = (size_t)(cells - abs(distance)), size = sizeof *at;
    if (distance > 0) {
        memmove(at + distance, at, kept * size);
        memset(at, 0, (size_t)distance * size);
    } else {
        memmove(at, at - distance, kept * size);
        memset(at + kept, 0, (size_t)-distance * size);
    }
}

static void set_region(Vt *vt)
{
    int first = (int)vt->parameter[0] - 1, last = (int)vt->parameter[1] - 1;
    vt->first = first < 0 ? 0 : first;
    vt->last = last < 0 || last >= VT_ROWS ? VT_ROWS - 1 : last;
    if (vt->first >= vt->last) {
        vt->first = 0;
        vt->last = VT_ROWS - 1;
    }
    go_to(vt, 0, 0);
}

static void move_region(Vt *vt, int count)
{
    if (vt->y >= vt->first && vt->y <= vt->last)
        move_rows(vt, vt->y, vt->last, count);
}

static void control_sequence(Vt *vt, uint8_t final)
{
    int count = vt->parameter[0] ? (int)vt->parameter[0] : 1;
    int second = vt->parameter[1] ? (int)vt->parameter[1] : 1;
    if (vt->private)
        return;
    switch (final) {
    case 'A':
        go_to(vt, vt->x, vt->y - count);
        break;
    case 'B':
        go_to(vt, vt->x, vt->y + count);
        break;
    case 'C':
        go_to(vt, vt->x + count, vt->y);
        break;
    case 'D':
        go_to(vt, vt->x - count, vt->y);
        break;
    case 'G':
        go_to(vt, count - 1, vt->y);
        break;
    case 'd':
        go_to(vt, vt->x, count - 1);
        break;
    case 'H':
    case 'f':
        go_to(vt, second - 1, count - 1);
        break;
    case 'J':
        erase_display(vt, vt->parameter[0]);
        break;
    case 'K':
        erase_line(vt, vt->parameter[0]);
        break;
    case 'L':
        move_region(vt, -count);
        break;
    case 'M':
        move_region(vt, count);
        break;
    case '@':
        move_cells(vt, count);
        break;
    case 'P':
        move_cells(vt, -count);
        break;
    case 'X':
        clear(vt, vt->y, vt->x, limit(vt->x + count, 0, VT_COLUMNS));
        break;
    case 'm':
        set_styles(vt);
        break;
    case 'r':
        set_region(vt);
        break;
    default:
        break;
    }
}

static void start_sequence(Vt *vt)
{
    memset(vt->parameter, 0, sizeof vt->parameter);
    vt->parameters = 1;
    vt->private = false;
    vt->state = VT_CSI;
}

static void in_sequence(Vt *vt, uint8_t ch)
{
    unsigned *parameter = &vt->parameter[vt->parameters - 1];
    if (ch >= '0' && ch <= '9')
        *parameter = *parameter < 1000 ? *parameter * 10 + (ch - '0') : *parameter;
    else if (ch == ';')
        vt->parameters += vt->parameters < VT_PARAMETERS;
    else if (ch >= 0x3c && ch <= 0x3f)
        vt->private = true;
    else if (ch >= 0x40 && ch <= 0x7e) {
        control_sequence(vt, ch);
        vt->state = VT_TEXT;
    }
}

static void reset(Vt *vt)
{
    clear_rows(vt, 0, VT_ROWS);
    vt->first = 0;
    vt->last = VT_ROWS - 1;
    vt->style = 0;
    vt->graphics = false;
    go_to(vt, 0, 0);
}

static void after_escape(Vt *vt, uint8_t ch)
{
    vt->state = VT_TEXT;
    switch (ch) {
    case '[':
        start_sequence(vt);
        break;
    case ']':
    case 'P':
        vt->state = VT_STRING;
        break;
    case '(':
    case ')':
        vt->charset_g0 = ch == '(';
        vt->state = VT_CHARSET;
        break;
    case '7':
        vt->saved_x = vt->x;
        vt->saved_y = vt->y;
        break;
    case '8':
        go_to(vt, vt->saved_x, vt->saved_y);
        break;
    case 'D':
        new_line(vt);
        break;
    case 'E':
        vt->x = 0;
        new_line(vt);
        break;
    case 'M':
        previous_line(vt);
        break;
    case 'c':
        reset(vt);
        break;
    default:
        break;
    }
}

/* ---- Characters --------------------------------------------------------------------------------------- */

static void control(Vt *vt, uint8_t ch)
{
    switch (ch) {
    case '\r':
        go_to(vt, 0, vt->y);
        break;
    case '\n':
    case 0x0b:
    case 0x0c:
        new_line(vt);
        break;
    case '\b':
        go_to(vt, vt->x - 1, vt->y);
        break;
    case '\t':
        go_to(vt, (vt->x / 8 + 1) * 8, vt->y);
        break;
    case 0x1b:
        vt->state = VT_ESCAPE;
        break;
    default:
        break;
    }
}

static void text(Vt *vt, uint8_t ch)
{
    if (vt->missing && (ch & 0xc0) == 0x80) {
        vt->partial = vt->partial << 6 | (ch & 0x3f);
        if (!--vt->missing)
            put(vt, vt->partial <= 0x10ffff ? vt->partial : 0xfffd);
        return;
    }
    if (vt->missing)
        put(vt, 0xfffd);
    vt->missing = 0;
    if (ch < 0x80) {
        put(vt, ch);
    } else if (ch >= 0xc2 && ch < 0xf5) {
        vt->missing = ch < 0xe0 ? 1 : ch < 0xf0 ? 2 : 3;
        vt->partial = ch & (0x3fu >> vt->missing);
    } else {
        put(vt, 0xfffd);
    }
}

static void feed(Vt *vt, uint8_t ch)
{
    if (vt->state == VT_STRING) {
        if (ch == 7 || ch == 0x1b)
            vt->state = ch == 7 ? VT_TEXT : VT_ESCAPE;
        return;
    }
    if (ch < 0x20) {
        control(vt, ch);
        return;
    }
    switch (vt->state) {
    case VT_ESCAPE:
        after_escape(vt, ch);
        break;
    case VT_CSI:
        in_sequence(vt, ch);
        break;
    case VT_CHARSET:
        if (vt->charset_g0)
            vt->graphics = ch == '0';
        vt->state = VT_TEXT;
        break;
    default:
        if (ch != 0x7f)
            text(vt, ch);
        break;
    }
}

void vt_write(Vt *vt, const uint8_t *data, size_t length)
{
    for (size_t n = 0; n < length; n++)
        feed(vt, data[n]);
}

/* ---- Reading ------------------------------------------------------------------------------------------ */

uint64_t vt_oldest(const Vt *vt)
{
    uint64_t history = VT_LINES - VT_ROWS;
    return vt->top < history ? 0 : vt->top - history;
}

char *vt_line(const Vt *vt, uint64_t line, int from, int to)
{
    const uint32_t *cell = vt->cell[line % VT_LINES];
    char *text = malloc((size_t)(to > from ? to - from : 0) * 4 + 1);
    if (!text)
        abort();
    size_t length = 0, kept = 0;
    for (int column = from; column < to; column++) {
        uint32_t character = cell[column] & VT_CHARACTER;
        length += utf8_encode(character ? character : ' ', text + length);
        if (character && character != ' ')
            kept = length;
    }
    text[kept] = 0;
    return text;
}
