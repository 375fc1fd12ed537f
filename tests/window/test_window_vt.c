/* The terminal of a serial pane: what stands where after some output; and marking what is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "frontends/window_pane.h"
#include "frontends/window_vt.h"

static Vt *after(const char *text)
{
    Vt *vt = vt_new();
    vt_write(vt, (const uint8_t *)text, strlen(text));
    return vt;
}

static void expect_row(Vt *vt, unsigned row, const char *wanted)
{
    char *text = vt_line(vt, vt->top + row, 0, VT_COLUMNS);
    assert_string_equal(text, wanted);
    free(text);
}

static void expect_cursor(const Vt *vt, int x, int y)
{
    assert_int_equal(vt->x, x);
    assert_int_equal(vt->y, y);
}

static void lines(void **state)
{
    Vt *vt = after("one\r\ntwo\rT\n\tx\b\by\a");
    (void)state;
    expect_row(vt, 0, "one");
    expect_row(vt, 1, "Two");
    expect_row(vt, 2, "       yx");
    expect_cursor(vt, 8, 2);
    vt_free(vt);
}

static void wrapping(void **state)
{
    char text[100];
    (void)state;
    memset(text, 'a', 80);
    text[80] = 0;
    Vt *vt = after(text);
    expect_cursor(vt, 79, 0); /* the next character wraps, not this one */
    vt_write(vt, (const uint8_t *)"\r\nb", 3);
    expect_row(vt, 1, "b");
    vt_free(vt);
    vt = after(text);
    vt_write(vt, (const uint8_t *)"b", 1);
    expect_row(vt, 1, "b");
    vt_free(vt);
}

static void utf8(void **state)
{
    Vt *vt = after("\xc3\xa4\xe2\x94\x80\xf0\x9f\x98\x80.\x80.\xc3.\xff");
    (void)state;
    expect_row(vt, 0, "\xc3\xa4\xe2\x94\x80\xf0\x9f\x98\x80.\xef\xbf\xbd.\xef\xbf\xbd.\xef\xbf\xbd");
    vt_free(vt);
}

static void moving(void **state)
{
    Vt *vt = after("\x1b[5;10Hx\x1b[2A\x1b[3Dy\x1b[99;99Hz\x1b[H.\x1b[3Bw\x1b[Gv\x1b[20du");
    (void)state;
    expect_row(vt, 4, "         x");
    expect_row(vt, 2, "       y");
    expect_row(vt, 23, "                                                                               z");
    expect_row(vt, 0, ".");
    expect_row(vt, 3, "vw");
    expect_row(vt, 19, " u");
    vt_free(vt);
}

static void erasing(void **state)
{
    Vt *vt = after("abcdef\r\nghijkl\r\nmnopqr\x1b[2;3H\x1b[K\x1b[1;3H\x1b[1K\x1b[3;2H\x1b[2Px");
    (void)state;
    expect_row(vt, 0, "   def");
    expect_row(vt, 1, "gh");
    expect_row(vt, 2, "mxqr");
    vt_write(vt, (const uint8_t *)"\x1b[2;1H\x1b[J", 9);
    expect_row(vt, 0, "   def");
    expect_row(vt, 1, "");
    expect_row(vt, 2, "");
    vt_write(vt, (const uint8_t *)"\x1b[1;4H\x1b[2@\x1b[2J", 14);
    expect_row(vt, 0, "");
    vt_free(vt);
}

static void regions(void **state)
{
    Vt *vt = after("1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\n5");
    (void)state;
    expect_row(vt, 0, "1");
    expect_row(vt, 1, "3");
    expect_row(vt, 2, "5");
    expect_row(vt, 3, "4");
    vt_write(vt, (const uint8_t *)"\x1b[2;1H\x1bM6", 9);
    expect_row(vt, 1, "6");
    expect_row(vt, 2, "3");
    expect_row(vt, 3, "4");
    vt_write(vt, (const uint8_t *)"\x1b[L7\x1b[2;1H\x1b[M", 14);
    expect_row(vt, 1, "6");
    expect_row(vt, 2, "");
    vt_free(vt);
}

static void graphics(void **state)
{
    Vt *vt = after("\x1b(0lqk\x1b(Blqk\x1b[7mr\x1b[0;1mb\x1b[mn");
    (void)state;
    expect_row(vt, 0, "\xe2\x94\x8c\xe2\x94\x80\xe2\x94\x90lqkrbn");
    assert_true(vt->cell[0][6] & VT_REVERSE);
    assert_true(vt->cell[0][7] & VT_BOLD && !(vt->cell[0][7] & VT_REVERSE));
    assert_int_equal(vt->cell[0][8], 'n');
    vt_free(vt);
}

static void colours(void **state)
{
    Vt *vt = after("\x1b[31;47ma\x1b[39mb\x1b[1;38;5;7mc\x1b[49md");
    (void)state;
    assert_int_equal(vt->cell[0][0], 'a' | 2 << VT_INK | 8u << VT_PAPER);
    assert_int_equal(vt->cell[0][1], 'b' | 8u << VT_PAPER);
    assert_int_equal(vt->cell[0][2], 'c' | VT_BOLD | 8u << VT_PAPER);
    assert_int_equal(vt->cell[0][3], 'd' | VT_BOLD);
    vt_free(vt);
    vt = after("\x1b[90;107ma\x1b[97;100mb");
    assert_int_equal(vt->cell[0][0], 'a' | 1 << VT_INK | 8u << VT_PAPER);
    assert_int_equal(vt->cell[0][1], 'b' | 8 << VT_INK | 1u << VT_PAPER);
    vt_free(vt);
}

/* Neither titles nor unknown sequences leave anything behind. */
static void unknown(void **state)
{
    Vt *vt = after("a\x1b]0;title\ab\x1bP1$r\x1b\\c\x1b[?25ld\x1b[>0ce\x1b[1;2;3;4;5;6;7;8;9;10;11mf\x1bZg");
    (void)state;
    expect_row(vt, 0, "abcdefg");
    vt_free(vt);
}

/* Whatever comes, the cursor stays on the screen, and nothing outside of the cells is written. */
static void noise(void **state)
{
    static const char likely[] = "\x1b\x1b\x1b[[[;;?0123456789ABCDGHJKLMPX@dfmrn78DEMc()\r\n\b\t";
    Vt *vt = vt_new();
    (void)state;
    srand(7);
    for (unsigned n = 0; n < 400000; n++) {
        uint8_t ch = rand() % 4 ? (uint8_t)likely[(size_t)rand() % (sizeof likely - 1)] : (uint8_t)rand();
        vt_write(vt, &ch, 1);
        assert_in_range(vt->x, 0, VT_COLUMNS - 1);
        assert_in_range(vt->y, 0, VT_ROWS - 1);
        assert_true(vt->first < vt->last && vt->last < VT_ROWS);
    }
    vt_free(vt);
}

static void history(void **state)
{
    Vt *vt = vt_new();
    char text[32];
    (void)state;
    for (int n = 0; n < 5000; n++)
        vt_write(vt, (const uint8_t *)text, (size_t)snprintf(text, sizeof text, "%d\r\n", n));
    assert_int_equal(vt->top, 5000 - VT_ROWS + 1);
    char *line = vt_line(vt, vt_oldest(vt), 0, VT_COLUMNS);
    assert_int_equal(atoi(line), (int)vt_oldest(vt));
    assert_int_equal(vt->top - vt_oldest(vt), VT_LINES - VT_ROWS);
    free(line);
    vt_free(vt);
}

/* ---- The pane ----------------------------------------------------------------------------------------- */

enum { LEFT = 4 /* where a canvas that is just wide enough begins */ };

static void expect_marked(const Pane *pane, const char *wanted)
{
    char *text = pane_marked(pane);
    if (wanted)
        assert_string_equal(text, wanted);
    else
        assert_null(text);
    free(text);
}

static void marking(void **state)
{
    Pane *pane = pane_new();
    Canvas canvas;
    (void)state;
    canvas_init(&canvas);
    canvas_clear(&canvas, 640, 24 * FONT_HEIGHT);
    static const char text[] = "hello world\r\n  second\r\nthird";
    pane_write(pane, (const uint8_t *)text, sizeof text - 1);
    pane_draw(pane, &canvas, canvas.height);
    expect_marked(pane, NULL);
    pane_mark(pane, LEFT + 6 * FONT_WIDTH, 3, true);
    expect_marked(pane, NULL);
    pane_mark(pane, LEFT + 11 * FONT_WIDTH, 3, false);
    expect_marked(pane, "world");
    pane_mark(pane, LEFT + 4 * FONT_WIDTH, 2 * FONT_HEIGHT + 3, false);
    expect_marked(pane, "world\n  second\nthir");
    pane_mark(pane, LEFT, 0, false); /* backwards */
    expect_marked(pane, "hello");
    pane_mark(pane, -100, -100, false);
    expect_marked(pane, "hello");
    pane_mark(pane, 5000, 5000, true);
    expect_marked(pane, NULL);
    canvas_free(&canvas);
    pane_free(pane);
}

/* Scrolled back, the lines stay in place while new ones come. */
static void scrolling(void **state)
{
    Pane *pane = pane_new();
    Canvas canvas;
    char text[32];
    (void)state;
    canvas_init(&canvas);
    canvas_clear(&canvas, 640, 10 * FONT_HEIGHT);
    for (int n = 0; n < 100; n++)
        pane_write(pane, (const uint8_t *)text, (size_t)snprintf(text, sizeof text, "line %d\r\n", n));
    pane_scroll(pane, 30);
    for (int round = 0; round < 2; round++) {
        pane_draw(pane, &canvas, canvas.height);
        pane_mark(pane, LEFT, 0, true);
        pane_mark(pane, LEFT + 10 * FONT_WIDTH, 0, false);
        expect_marked(pane, "line 61"); /* rows 61 to 70 are seen, of 100 and the cursor's */
        pane_write(pane, (const uint8_t *)"more\r\nmore\r\n", 12);
    }
    pane_scroll(pane, 1 << 30);
    pane_draw(pane, &canvas, canvas.height);
    pane_mark(pane, LEFT, 0, true);
    pane_mark(pane, LEFT + 10 * FONT_WIDTH, 0, false);
    expect_marked(pane, "line 0");
    pane_newest(pane);
    pane_draw(pane, &canvas, canvas.height);
    pane_mark(pane, LEFT, 0, true);
    pane_mark(pane, LEFT + 10 * FONT_WIDTH, 0, false);
    expect_marked(pane, "line 95");
    canvas_free(&canvas);
    pane_free(pane);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),     cmocka_unit_test(wrapping), cmocka_unit_test(utf8),
        cmocka_unit_test(moving),    cmocka_unit_test(erasing),  cmocka_unit_test(regions),
        cmocka_unit_test(graphics),  cmocka_unit_test(colours),  cmocka_unit_test(unknown),
        cmocka_unit_test(noise),     cmocka_unit_test(history),  cmocka_unit_test(marking),
        cmocka_unit_test(scrolling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
