/* The frame that frontends see: what changed, which controller is shown, other sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "machine/display.h"

/* A controller whose row y is of one colour. */
typedef struct Source {
    DisplayMode mode;
    uint32_t colour[16];
    uint32_t from, count; /* to be touched */
    unsigned drawn;       /* rows drawn so far */
    bool black;
} Source;

static DisplayMode source_mode(void *opaque)
{
    return ((Source *)opaque)->mode;
}

static void source_changes(void *opaque, Display *display)
{
    Source *s = opaque;
    display_touch(display, s->from, s->count);
    s->count = 0;
}

static void source_row(void *opaque, uint32_t y, uint32_t *pixels)
{
    Source *s = opaque;
    s->drawn++;
    for (uint32_t x = 0; x < s->mode.width; x++)
        pixels[x] = s->colour[y];
}

static void source_resize(void *opaque, uint32_t width, uint32_t height)
{
    ((Source *)opaque)->mode = (DisplayMode){width, height, 1};
}

static bool source_black(void *opaque)
{
    return ((Source *)opaque)->black;
}

static const DisplayOps fixed = {source_mode, source_changes, source_row, NULL, NULL};
static const DisplayOps flexible = {source_mode, source_changes, source_row, source_resize, source_black};

static Display *display;
static Source board, tile, gpu;

static int setup(void **state)
{
    (void)state;
    display = display_new();
    board = (Source){
        .mode = {4, 3, 20000000},
          .colour = {1, 2, 3       }
    };
    tile = (Source){
        .mode = {4, 3, 20000000},
          .colour = {4, 5, 6       }
    };
    gpu = (Source){
        .colour = {7, 8, 9, 10}
    };
    display_connect(display, DISPLAY_MOTHERBOARD, &fixed, &board);
    display_connect(display, DISPLAY_TILE, &fixed, &tile);
    display_connect(display, DISPLAY_GPU, &flexible, &gpu);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    display_free(display);
    return 0;
}

static void expect_rows(const Frame *frame, uint32_t first, uint32_t second, uint32_t third)
{
    assert_int_equal(frame->pixels[0], first);
    assert_int_equal(frame->pixels[frame->width], second);
    assert_int_equal(frame->pixels[3 * frame->width - 1], third);
}

static void test_only_what_changed(void **state)
{
    (void)state;
    const Frame *frame = display_frame(display);
    expect_rows(frame, 1, 2, 3);
    assert_int_equal(frame->frame_ns, 20000000);
    uint64_t serial = frame->serial;
    board.colour[1] = 20;
    assert_int_equal(display_frame(display)->serial, serial); /* nothing said so */
    board.drawn = 0;
    board.from = 1;
    board.count = 100; /* beyond the end */
    frame = display_frame(display);
    assert_int_equal(board.drawn, 2);
    assert_true(frame->changed[0] <= serial);
    assert_true(frame->changed[1] > serial);
    assert_true(frame->changed[2] <= serial); /* was drawn, and looks as before */
    expect_rows(frame, 1, 20, 3);
}

static void test_connector(void **state)
{
    (void)state;
    uint64_t serial = display_frame(display)->serial;
    display_switch(display, DISPLAY_TILE);
    const Frame *frame = display_frame(display);
    expect_rows(frame, 4, 5, 6);
    assert_int_equal(frame->output, DISPLAY_TILE);
    assert_true(frame->changed[0] > serial && frame->resized <= serial);
    gpu.mode = (DisplayMode){2, 3, 1};
    frame = display_frame(display);
    expect_rows(frame, 7, 8, 9);
    assert_int_equal(frame->output, DISPLAY_GPU);
    display_show(display, DISPLAY_MOTHERBOARD);
    expect_rows(display_frame(display), 1, 2, 3);
}

/* A GPU that shows nothing but black is of no use while the board shows something. */
static void test_black(void **state)
{
    (void)state;
    gpu.mode = (DisplayMode){2, 3, 1};
    gpu.black = true;
    expect_rows(display_frame(display), 1, 2, 3);
    gpu.black = false;
    expect_rows(display_frame(display), 7, 8, 9);
    gpu.black = true;
    board.mode.width = 0;
    assert_int_equal(display_frame(display)->output, DISPLAY_GPU);
    display_switch(display, DISPLAY_OUTPUTS);
    assert_int_equal(display_frame(display)->output, DISPLAY_GPU);
}

/* A wish also reaches a controller that is not seen yet. */
static void test_wish(void **state)
{
    (void)state;
    assert_false(display_resize(display, 3, 4));
    assert_int_equal(gpu.mode.width, 3);
    assert_int_equal(display_frame(display)->output, DISPLAY_GPU);
}

static void test_size(void **state)
{
    (void)state;
    uint64_t serial = display_frame(display)->serial;
    assert_false(display_resize(display, 8, 8));
    gpu.mode = (DisplayMode){2, 2, 1};
    assert_int_equal(display_frame(display)->height, 2);
    assert_true(display_resize(display, 5, 4));
    const Frame *frame = display_frame(display);
    assert_int_equal(frame->width, 5);
    assert_int_equal(frame->height, 4);
    assert_true(frame->resized > serial);
    for (unsigned y = 0; y < 4; y++)
        assert_int_equal(frame->changed[y], frame->serial);
    assert_int_equal(frame->pixels[19], 10);
}

/* A controller that shows nothing, and one that shows more than there can be. */
static void test_dark(void **state)
{
    (void)state;
    display_frame(display);
    board.mode.width = 0;
    const Frame *frame = display_frame(display);
    assert_int_equal(frame->width, 0);
    assert_int_equal(frame->height, 0);
    board.mode = (DisplayMode){DISPLAY_MOST + 1, 2, 1};
    assert_int_equal(display_frame(display)->width, 0);
    board.mode = (DisplayMode){4, 3, 1};
    expect_rows(display_frame(display), 1, 2, 3);
}

static void test_invalidated(void **state)
{
    (void)state;
    display_frame(display);
    board.colour[2] = 30;
    display_invalidate(display, DISPLAY_MOTHERBOARD);
    expect_rows(display_frame(display), 1, 2, 30);
}

/* A connector that shows none of the board's controllers, while the GPU still has its own. */
static void test_nothing_connected(void **state)
{
    (void)state;
    display_frame(display);
    display_switch(display, DISPLAY_OUTPUTS);
    const Frame *frame = display_frame(display);
    assert_int_equal(frame->width, 0);
    assert_int_equal(frame->output, DISPLAY_OUTPUTS);
    assert_false(display_resize(display, 8, 8));
    gpu.mode = (DisplayMode){2, 3, 1};
    expect_rows(display_frame(display), 7, 8, 9);
    gpu.mode.width = 0;
    display_switch(display, DISPLAY_MOTHERBOARD);
    expect_rows(display_frame(display), 1, 2, 3);
}

static void clock_is(void *opaque, uint32_t hz)
{
    *(uint32_t *)opaque = hz;
}

static void test_clocks(void **state)
{
    (void)state;
    uint32_t board_hz = 0, tile_hz = 0;
    display_on_clock(display, DISPLAY_MOTHERBOARD, clock_is, &board_hz);
    display_on_clock(display, DISPLAY_TILE, clock_is, &tile_hz);
    display_set_clock(display, DISPLAY_TILE, 25000000);
    display_set_clock(display, DISPLAY_GPU, 1); /* nobody cares */
    assert_int_equal(tile_hz, 25000000);
    assert_int_equal(board_hz, 0);
    expect_rows(display_frame(display), 1, 2, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_what_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connector, setup, teardown),
        cmocka_unit_test_setup_teardown(test_black, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wish, setup, teardown),
        cmocka_unit_test_setup_teardown(test_size, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dark, setup, teardown),
        cmocka_unit_test_setup_teardown(test_invalidated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_connected, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clocks, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
