/* Where the picture is, and what places of the window mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "frontends/window_layout.h"
#include "machine/input.h"

static void expect_box(WindowBox box, int x, int y, int width, int height)
{
    assert_int_equal(box.x, x);
    assert_int_equal(box.y, y);
    assert_int_equal(box.width, width);
    assert_int_equal(box.height, height);
}

static void multiples(void **state)
{
    (void)state;
    expect_box(window_fit((WindowBox){0, 0, 640, 480}, 640, 480, false), 0, 0, 640, 480);
    expect_box(window_fit((WindowBox){0, 0, 1279, 960}, 640, 480, false), 319, 240, 640, 480);
    expect_box(window_fit((WindowBox){0, 0, 1280, 1000}, 640, 480, false), 0, 20, 1280, 960);
    expect_box(window_fit((WindowBox){10, 20, 700, 500}, 320, 200, false), 40, 70, 640, 400);
}

static void smooth_or_too_small(void **state)
{
    (void)state;
    expect_box(window_fit((WindowBox){0, 0, 1000, 480}, 640, 480, true), 180, 0, 640, 480);
    expect_box(window_fit((WindowBox){0, 0, 800, 1000}, 640, 480, true), 0, 200, 800, 600);
    expect_box(window_fit((WindowBox){0, 0, 320, 480}, 640, 480, false), 0, 120, 320, 240);
    expect_box(window_fit((WindowBox){0, 0, 5, 5}, 4096, 1, false), 0, 2, 5, 1);
}

static void nothing_to_show(void **state)
{
    (void)state;
    expect_box(window_fit((WindowBox){3, 4, 100, 100}, 0, 0, false), 3, 4, 0, 0);
    expect_box(window_fit((WindowBox){3, 4, 0, -5}, 640, 480, true), 3, 4, 0, 0);
}

static void new_windows(void **state)
{
    (void)state;
    assert_int_equal(window_multiple(1920, 1080, 640, 480, 3), 1);
    assert_int_equal(window_multiple(1920, 1200, 640, 480, 3), 2);
    assert_int_equal(window_multiple(3840, 2160, 320, 200, 3), 3);
    assert_int_equal(window_multiple(800, 600, 1024, 768, 3), 1);
    assert_int_equal(window_multiple(800, 600, 0, 0, 3), 1);
}

static void positions(void **state)
{
    WindowBox box = {100, 50, 640, 480};
    int across, down;
    (void)state;
    window_position(box, 100, 50, &across, &down);
    assert_int_equal(across, 0);
    assert_int_equal(down, 0);
    window_position(box, 739, 529, &across, &down);
    assert_int_equal(across, INPUT_POSITION_MOST);
    assert_int_equal(down, INPUT_POSITION_MOST);
    window_position(box, -7, 5000, &across, &down);
    assert_int_equal(across, 0);
    assert_int_equal(down, INPUT_POSITION_MOST);
    window_position((WindowBox){0, 0, 0, 1}, 3, 0, &across, &down);
    assert_int_equal(across, 0);
    assert_true(window_inside(box, 100, 529));
    assert_false(window_inside(box, 99, 529));
    assert_false(window_inside(box, 100, 530));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiples),       cmocka_unit_test(smooth_or_too_small),
        cmocka_unit_test(nothing_to_show), cmocka_unit_test(new_windows),
        cmocka_unit_test(positions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
