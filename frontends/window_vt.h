/* What a serial port shows, as a terminal of 80 columns and 24 rows with history. Of a terminal's escape
 * sequences it knows those that consoles, editors and installers use. It never answers the
 * guest, since another terminal may be connected to the same port. */
#ifndef ARMATURE_FRONTENDS_WINDOW_VT_H
#define ARMATURE_FRONTENDS_WINDOW_VT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VT_COLUMNS = 80, VT_ROWS = 24, VT_LINES = 4096 /* with history */ };

/* A cell: a character, and how it looks. 0 is blank. */
enum {
    VT_CHARACTER = 0x1fffff,
    VT_REVERSE = 1 << 21,
    VT_BOLD = 1 << 22,
    VT_INK = 23,   /* 4 bits from here on: one more than the colour's number, 0: the usual one */
    VT_PAPER = 27, /* the same */
    VT_COLOUR = 15
};

enum { VT_PARAMETERS = 8 };

typedef enum VtState { VT_TEXT, VT_ESCAPE, VT_CSI, VT_CHARSET, VT_STRING } VtState;

/* Lines have numbers that only grow; the newest VT_LINES are in a ring. The screen is the last VT_ROWS of
 * them. */
typedef struct Vt {
    uint32_t cell[VT_LINES][VT_COLUMNS];
    uint64_t top; /* the screen's first line */
    int x, y;     /* the cursor */
    /* The rest is the interpreter's own. */
    int saved_x, saved_y;
    bool wrap;       /* the cursor is behind the last column */
    int first, last; /* rows that scroll */
    uint32_t style;
    bool graphics; /* G0 is the set of lines */
    VtState state;
    bool charset_g0;
    bool private; /* a sequence with `?` */
    unsigned parameter[VT_PARAMETERS], parameters;
    uint32_t partial; /* of UTF-8 */
    unsigned missing;
} Vt;

Vt *vt_new(void);
void vt_free(Vt *vt); /* NULL is allowed */

/* The guest sent this. */
void vt_write(Vt *vt, const uint8_t *data, size_t length);

/* The oldest line that is kept. */
uint64_t vt_oldest(const Vt *vt);

/* Columns [from, to) of a line as UTF-8, without the blanks at its end; allocated. */
char *vt_line(const Vt *vt, uint64_t line, int from, int to);

#endif
