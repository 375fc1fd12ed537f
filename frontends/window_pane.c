#include "frontends/window_pane.h"

#include <stdlib.h>
#include <string.h>

#include "frontends/window_vt.h"

enum { MARGIN = 4 };
enum { PAPER = 0xff10151b, INK = 0xffc9d3dc, BRIGHT = 0xffffffff, CURSOR = 0xff7aa2c8, MARKED = 0xff35587a };

typedef struct Place {
    uint64_t line;
    int column;
} Place;

struct Pane {
    Vt *vt;
    uint64_t back;    /* how many lines it is scrolled back */
    uint64_t drawn;   /* the line that was drawn at the top */
    int rows, x;      /* that were drawn, and from where */
    uint64_t fitting; /* rows that there was room for */
    bool marked;
    Place from, to; /* in the order in which the user went there; `to` is behind the last column */
};

Pane *pane_new(void)
{
    Pane *pane = calloc(1, sizeof *pane);
    if (!pane)
        abort();
    pane->vt = vt_new();
    return pane;
}

void pane_free(Pane *pane)
{
    if (!pane)
        return;
    vt_free(pane->vt);
    free(pane);
}

/* ---- History ------------------------------------------------------------------------------------------ */

void pane_scroll(Pane *pane, int lines)
{
    uint64_t all = pane->vt->top + VT_ROWS - vt_oldest(pane->vt), back = pane->back;
    uint64_t most = all > pane->fitting ? all - pane->fitting : 0;
    if (lines < 0)
        back = back > (uint64_t)-lines ? back - (uint64_t)-lines : 0;
    else
        back += (uint64_t)lines;
    pane->back = back < most ? back : most;
}

void pane_newest(Pane *pane)
{
    pane->back = 0;
}

void pane_write(Pane *pane, const uint8_t *data, size_t length)
{
    uint64_t before = pane->vt->top;
    vt_write(pane->vt, data, length);
    if (pane->back) {
        pane->back += pane->vt->top - before;
        pane_scroll(pane, 0);
    }
    if (pane->marked && (pane->from.line < vt_oldest(pane->vt) || pane->to.line < vt_oldest(pane->vt)))
        pane->marked = false;
}

/* ---- Marking ------------------------------------------------------------------------------------------ */

static bool before(Place a, Place b)
{
    return a.line < b.line || (a.line == b.line && a.column < b.column);
}

static void order(const Pane *pane, Place *first, Place *end)
{
    bool forward = before(pane->from, pane->to);
    *first = forward ? pane->from : pane->to;
    *end = forward ? pane->to : pane->from;
}

void pane_mark(Pane *pane, int x, int y, bool begin)
{
    int row = y / FONT_HEIGHT, column = (x - pane->x + FONT_WIDTH / 2) / FONT_WIDTH;
    row = row < 0 ? 0 : row >= pane->rows ? pane->rows - 1 : row;
    column = column < 0 ? 0 : column > VT_COLUMNS ? VT_COLUMNS : column;
    Place place = {pane->drawn + (uint64_t)(row < 0 ? 0 : row), column};
    if (begin)
        pane->from = place;
    pane->to = place;
    pane->marked = !begin && (before(pane->from, pane->to) || before(pane->to, pane->from));
}

char *pane_marked(const Pane *pane)
{
    Place first, end;
    if (!pane->marked)
        return NULL;
    order(pane, &first, &end);
    size_t length = 0;
    char *text = NULL;
    for (uint64_t line = first.line; line <= end.line; line++) {
        char *part = vt_line(pane->vt, line, line == first.line ? first.column : 0,
                             line == end.line ? end.column : VT_COLUMNS);
        size_t more = strlen(part);
        text = realloc(text, length + more + 2);
        if (!text)
            abort();
        memcpy(text + length, part, more);
        length += more;
        if (line < end.line)
            text[length++] = '\n';
        text[length] = 0;
        free(part);
    }
    return text;
}

/* ---- Drawing ------------------------------------------------------------------------------------------ */

static bool is_marked(const Pane *pane, Place place)
{
    Place first, end;
    order(pane, &first, &end);
    return pane->marked && !before(place, first) && before(place, end);
}

/* number: one more than the terminal's, 0: the usual one. */
static uint32_t colour(uint32_t number, uint32_t usual)
{
    static const uint32_t colours[] = {0xff202830, 0xffd0413c, 0xff4ea65a, 0xffc9a037,
                                       0xff3f6fc4, 0xffa85fb8, 0xff3fa5b0, 0xffb4bcc4};
    return number && number <= sizeof colours / sizeof *colours ? colours[number - 1] : usual;
}

static void draw_cell(const Pane *pane, Canvas *canvas, Place place, int y)
{
    const Vt *vt = pane->vt;
    uint32_t cell = vt->cell[place.line % VT_LINES][place.column];
    uint32_t ink = colour(cell >> VT_INK & VT_COLOUR, cell & VT_BOLD ? BRIGHT : INK);
    uint32_t paper = colour(cell >> VT_PAPER & VT_COLOUR, PAPER);
    int x = pane->x + place.column * FONT_WIDTH;
    if (cell & VT_REVERSE) {
        uint32_t swapped = paper;
        paper = ink;
        ink = swapped;
    }
    if (place.line == vt->top + (uint64_t)vt->y && place.column == vt->x) {
        paper = CURSOR;
        ink = PAPER;
    }
    if (is_marked(pane, place)) {
        paper = MARKED;
        ink = BRIGHT;
    }
    if (paper != PAPER)
        canvas_fill(canvas, x, y, FONT_WIDTH, FONT_HEIGHT, paper);
    if ((cell & VT_CHARACTER) > ' ')
        canvas_glyph(canvas, x, y, cell & VT_CHARACTER, ink);
}

/* The last line to be seen is the screen's, but not one below the cursor that would push the cursor out. */
void pane_draw(Pane *pane, Canvas *canvas, int height)
{
    const Vt *vt = pane->vt;
    uint64_t rows = height > 0 ? (uint64_t)(height / FONT_HEIGHT) : 0;
    uint64_t end = vt->top + (rows < VT_ROWS && (uint64_t)vt->y < rows ? rows : VT_ROWS) - pane->back;
    uint64_t oldest = vt_oldest(vt);
    pane->fitting = rows;
    end = end < oldest ? oldest : end;
    pane->drawn = end - oldest > rows ? end - rows : oldest;
    pane->rows = (int)(end - pane->drawn);
    pane->x = (canvas->width - VT_COLUMNS * FONT_WIDTH) / 2;
    pane->x = pane->x < MARGIN ? MARGIN : pane->x;
    canvas_fill(canvas, 0, 0, canvas->width, height, PAPER);
    for (int row = 0; row < pane->rows; row++)
        for (int column = 0; column < VT_COLUMNS; column++)
            draw_cell(pane, canvas, (Place){pane->drawn + (uint64_t)row, column}, row * FONT_HEIGHT);
}
