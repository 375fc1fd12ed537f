/* The menu and its keys; and the font, by what its letters look like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "frontends/window_menu.h"

static void shortcuts(void **state)
{
    (void)state;
    assert_int_equal(window_action_by_key('m'), ACTION_MENU);
    assert_int_equal(window_action_by_key('g'), ACTION_GRAB);
    assert_int_equal(window_action_by_key('5'), ACTION_SERIAL3);
    assert_int_equal(window_action_by_key('x'), ACTION_NONE);
    assert_int_equal(window_action_by_key(0), ACTION_NONE);
}

/* Every key stands for one action only, and guests need Ctrl+Alt with the keys that are no letters or digits.
 */
static void keys_are_unique(void **state)
{
    static const int keys[] = {
#define ACTION(name, key, text) key,
#include "frontends/window_actions.def"
#undef ACTION
    };
    (void)state;
    for (size_t n = 0; n < sizeof keys / sizeof *keys; n++) {
        assert_true(!keys[n] || (keys[n] >= 'a' && keys[n] <= 'z') || (keys[n] >= '0' && keys[n] <= '9'));
        for (size_t k = 0; k < n; k++)
            assert_true(!keys[n] || keys[n] != keys[k]);
    }
}

static void by_keys(void **state)
{
    WindowMenu menu = {0};
    (void)state;
    window_menu_open(&menu);
    assert_int_equal(window_menu_key(&menu, MENU_DOWN), ACTION_NONE);
    assert_int_equal(window_menu_key(&menu, MENU_ENTER), ACTION_GRAB);
    assert_false(menu.open);
    window_menu_open(&menu);
    window_menu_key(&menu, MENU_UP);
    assert_int_equal(window_menu_key(&menu, MENU_ENTER), ACTION_QUIT);
    window_menu_open(&menu);
    assert_int_equal(window_menu_key(&menu, MENU_ENTER), ACTION_NONE);
    assert_false(menu.open);
}

static void chords(void **state)
{
    WindowMenu menu = {0};
    (void)state;
    window_menu_open(&menu);
    window_menu_key(&menu, MENU_UP);
    window_menu_key(&menu, MENU_UP);
    assert_int_equal(window_menu_key(&menu, MENU_ENTER), ACTION_NONE);
    assert_true(menu.open && menu.keys);
    window_menu_key(&menu, MENU_BACK);
    assert_true(menu.open && !menu.keys);
    window_menu_key(&menu, MENU_UP);
    window_menu_key(&menu, MENU_UP);
    window_menu_key(&menu, MENU_ENTER);
    assert_int_equal(window_menu_key(&menu, MENU_ENTER), ACTION_CHORD);
    assert_string_equal(window_menu_chord(&menu), "ctrl+alt+delete");
    assert_false(menu.open);
}

static void by_pointer(void **state)
{
    WindowMenu menu = {0};
    Canvas canvas;
    (void)state;
    canvas_init(&canvas);
    canvas_clear(&canvas, 640, 480);
    window_menu_open(&menu);
    window_menu_draw(&menu, &canvas);
    /* The second row is the third line of text. */
    assert_int_equal(window_menu_pointer(&menu, menu.x + 50, menu.y + 16 + 2 * 18 + 9, false), ACTION_NONE);
    assert_int_equal(menu.row, 1);
    assert_int_equal(window_menu_pointer(&menu, menu.x + 50, menu.y + 16 + 2 * 18 + 9, true), ACTION_GRAB);
    window_menu_open(&menu);
    assert_int_equal(window_menu_pointer(&menu, menu.x - 5, menu.y + 50, false), ACTION_NONE);
    assert_true(menu.open);
    assert_int_equal(window_menu_pointer(&menu, menu.x - 5, menu.y + 50, true), ACTION_NONE);
    assert_false(menu.open);
    canvas_free(&canvas);
}

/* In a window that is too small for the menu nothing is drawn outside, and all rows can be reached. */
static void small_windows(void **state)
{
    Canvas canvas;
    (void)state;
    canvas_init(&canvas);
    for (int size = 0; size < 400; size += 13) {
        WindowMenu menu = {0};
        window_menu_open(&menu);
        for (int n = 0; n < 25; n++) {
            canvas_clear(&canvas, size, size / 2);
            window_menu_draw(&menu, &canvas);
            window_menu_key(&menu, MENU_DOWN);
        }
    }
    canvas_free(&canvas);
}

/* ---- The font ----------------------------------------------------------------------------------------- */

static void glyphs_differ(void **state)
{
    Font *font = font_new();
    (void)state;
    for (uint32_t a = '!'; a < 0x100; a++) {
        if ((a >= 0x7f && a <= 0xa0))
            continue;
        assert_memory_not_equal(font_glyph(font, a), font_glyph(font, 0xfffd), FONT_HEIGHT);
        for (uint32_t b = '!'; b < a; b++)
            if (b < 0x7f || b > 0xa0)
                assert_memory_not_equal(font_glyph(font, a), font_glyph(font, b), FONT_HEIGHT);
    }
    font_free(font);
}

static void shapes(void **state)
{
    static const uint8_t blank[FONT_HEIGHT],
        letter_l[FONT_HEIGHT] = {0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0xfc};
    static const uint8_t corner[FONT_HEIGHT] = {0,    0,    0,    0,    0,    0,    0,    0,
                                                0x1f, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10};
    Font *font = font_new();
    (void)state;
    assert_memory_equal(font_glyph(font, ' '), blank, FONT_HEIGHT);
    assert_memory_equal(font_glyph(font, 'L'), letter_l, FONT_HEIGHT);
    assert_memory_equal(font_glyph(font, 0x250c), corner, FONT_HEIGHT);
    assert_memory_equal(font_glyph(font, 0x4e2d), font_glyph(font, 0xfffd), FONT_HEIGHT);
    /* An accented letter is the letter and something above it. */
    const uint8_t *a = font_glyph(font, 'A'), *accented = font_glyph(font, 0xc4);
    assert_memory_equal(a + 2, accented + 2, FONT_HEIGHT - 2);
    assert_int_not_equal(accented[0] | accented[1], 0);
    font_free(font);
}

static void text_is_drawn(void **state)
{
    Canvas canvas;
    (void)state;
    canvas_init(&canvas);
    canvas_clear(&canvas, 40, 20);
    canvas_text(&canvas, 8, 1, "L\xc3\xa4\xff", 0xff123456);
    assert_int_equal(canvas_text_width("L\xc3\xa4\xff"), 24);
    assert_int_equal(canvas.pixels[3 * 40 + 8], 0xff123456);
    assert_int_equal(canvas.pixels[3 * 40 + 9], 0);
    canvas_text(&canvas, -4, -9, "MMMMMMMMMM", 0xffffffff);
    canvas_text(&canvas, 36, 18, "MMMMMMMMMM", 0xffffffff);
    canvas_free(&canvas);
}

static void lines_break(void **state)
{
    (void)state;
    assert_int_equal(canvas_line("", 5), 0);
    assert_int_equal(canvas_line("abc", 5), 3);
    assert_int_equal(canvas_line("abcde", 5), 5);
    assert_int_equal(canvas_line("abcdef", 5), 5);
    assert_int_equal(canvas_line("ab cdef", 5), 2);
    assert_int_equal(canvas_line("abcde f", 5), 5);
    assert_int_equal(canvas_line(" abcdef", 5), 5); /* no empty lines */
    assert_int_equal(canvas_line("\xc3\xa4\xc3\xa4\xc3\xa4", 2), 4);
    assert_int_equal(canvas_line("abc", 0), 1); /* something, or there would be no end */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shortcuts),     cmocka_unit_test(keys_are_unique), cmocka_unit_test(by_keys),
        cmocka_unit_test(chords),        cmocka_unit_test(by_pointer),      cmocka_unit_test(small_windows),
        cmocka_unit_test(glyphs_differ), cmocka_unit_test(shapes),          cmocka_unit_test(text_is_drawn),
        cmocka_unit_test(lines_break),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
