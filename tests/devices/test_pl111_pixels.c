/* PL111 (DDI 0293): what is on the screen, in every format, against a reference that picks single bits as the
 * manual's tables of FIFO bits do. */
#include "tests/devices/clcd.h"

#include <math.h>

enum { WIDTH = 48, HEIGHT = 5 }; /* rows of 1 bpp begin in the middle of words */

/* ---- The reference ------------------------------------------------------------------------------------ */

static uint32_t word_at(const uint8_t *bytes)
{
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* Pixel number n of a frame. */
static uint32_t pixel_value(const uint8_t *frame, uint32_t control, uint32_t n)
{
    static const unsigned sizes[] = {1, 2, 4, 8, 16, 32, 16, 16};
    unsigned size = sizes[control >> 1 & 7], at = n * size % 32, byte = at / 8, in_byte = at % 8, low;
    bool bebo = control & BEBO, bepo = control & BEPO;
    uint32_t word = word_at(frame + n * size / 32 * 4);
    if (size == 32)
        return word;
    if (size == 16)
        return (bebo ? word >> (16 - at) : word >> at) & 0xffff;
    low = (bebo ? 3 - byte : byte) * 8 + (bepo ? 8 - size - in_byte : in_byte);
    return word >> low & ((1u << size) - 1);
}

/* Eight bits from fewer, which are repeated. */
static uint32_t eight(uint32_t value, unsigned bits)
{
    uint32_t result = 0;
    for (unsigned n = 0; n < 8; n++)
        result = result << 1 | (value >> (bits - 1 - n % bits) & 1);
    return result;
}

static void components(uint32_t control, uint32_t value, bool palette, uint32_t *rgb)
{
    unsigned code = palette ? 4 : control >> 1 & 7;
    static const unsigned bits[][3] = {
        [4] = {5, 5, 5},
          [5] = {8, 8, 8},
          [6] = {5, 6, 5},
          [7] = {4, 4, 4}
    };
    for (unsigned n = 0, at = 0; n < 3; at += bits[code][n++]) {
        uint32_t component = value >> at & ((1u << bits[code][n]) - 1);
        rgb[n] = code == 4 ? eight(component << 1 | value >> 15, 6) : eight(component, bits[code][n]);
    }
}

static uint32_t gray(uint32_t value)
{
    static const double duty[] = {
        0,      1 / 9., 1 / 5., 4 / 15.,  3 / 9., 2 / 5., 4 / 9., 1 / 2.,
        5 / 9., 3 / 5., 6 / 9., 11 / 15., 4 / 5., 8 / 9., 1,      1,
    };
    return (uint32_t)lround(duty[value >> 4] * 255);
}

static uint32_t reference(const uint8_t *frame, const uint32_t *palette, uint32_t control, uint32_t n)
{
    uint32_t value = pixel_value(frame, control, n), rgb[3];
    bool indexed = (control >> 1 & 7) < 4;
    if (indexed) {
        bool upper = control & BEBO ? !(value & 1) : value & 1;
        value = palette[value / 2] >> (upper ? 16 : 0) & 0xffff;
    }
    components(control, value, indexed, rgb);
    for (unsigned k = 0; k < 3 && !(control & TFT); k++)
        rgb[k] = gray(rgb[k]);
    if (!(control & TFT) && control & BW)
        rgb[1] = rgb[2] = rgb[0];
    return control & BGR ? rgb[2] << 16 | rgb[1] << 8 | rgb[0] : rgb[0] << 16 | rgb[1] << 8 | rgb[2];
}

/* ---- Formats ------------------------------------------------------------------------------------------ */

static void check_format(const uint32_t *palette, uint32_t control)
{
    clcd_show(&clcd, MEMORY + 0x1000, control);
    write_reg(clcd.dev, LPBASE, MEMORY + 0x4000);
    clcd_show(&clcd, MEMORY + 0x1000, control); /* takes the lower panel over, too */
    const Frame *frame = clcd_frame(&clcd);
    bool dual = control & DUAL && !(control & TFT);
    assert_int_equal(frame->width, WIDTH);
    assert_int_equal(frame->height, dual ? 2 * HEIGHT : HEIGHT);
    for (uint32_t n = 0; n < frame->width * frame->height; n++) {
        bool lower = n >= WIDTH * HEIGHT;
        const uint8_t *memory = clcd.memory + (lower ? 0x4000 : 0x1000);
        uint32_t want = reference(memory, palette, control, lower ? n - WIDTH * HEIGHT : n);
        if (frame->pixels[n] != want)
            fail_msg("LCDControl 0x%04x: pixel %u is 0x%06x, expected 0x%06x", control, n, frame->pixels[n],
                     want);
    }
}

static void test_formats(void **state)
{
    (void)state;
    static const uint32_t panels[] = {TFT, TFT | BW | DUAL, 0, BW, DUAL, DUAL | BW};
    uint32_t palette[128];
    clcd_random(clcd.memory, sizeof clcd.memory, 1);
    clcd_random(palette, sizeof palette, 2);
    for (uint32_t n = 0; n < 128; n++)
        write_reg(clcd.dev, PALETTE + 4 * n, palette[n]);
    clcd_size(&clcd, WIDTH, HEIGHT);
    for (unsigned panel = 0; panel < sizeof panels / sizeof *panels; panel++)
        for (uint32_t code = 0; code < 8; code++)
            for (uint32_t order = 0; order < 8; order++)
                check_format(palette, panels[panel] | BPP(code) | order << 8);
}

/* Some pixels by hand. */
static void test_colours(void **state)
{
    (void)state;
    static const uint16_t pixels[] = {0xf800, 0x07e0, 0x001f, 0xffff, 0x7fff, 0x0f00, 0};
    memcpy(clcd.memory, pixels, sizeof pixels);
    clcd_size(&clcd, 16, 1);
    clcd_show(&clcd, MEMORY, TFT | BPP(6));
    const uint32_t *got = clcd_frame(&clcd)->pixels;
    expect_equal(got[0], 0x0000ff); /* blue is the highest component */
    expect_equal(got[1], 0x00ff00);
    expect_equal(got[2], 0xff0000);
    expect_equal(got[3], 0xffffff);
    expect_equal(got[6], 0);
    clcd_show(&clcd, MEMORY, TFT | BPP(6) | BGR);
    expect_equal(clcd_frame(&clcd)->pixels[0], 0xff0000);
    clcd_show(&clcd, MEMORY, TFT | BPP(4));
    got = clcd_frame(&clcd)->pixels;
    expect_equal(got[3], 0xffffff); /* the intensity bit makes the difference */
    expect_equal(got[4], 0xfbfbfb);
    clcd_show(&clcd, MEMORY, TFT | BPP(7));
    expect_equal(clcd_frame(&clcd)->pixels[5], 0x0000ff);
}

/* ---- Cursor ------------------------------------------------------------------------------------------- */

/* Sets one pixel of the image to a code: bytes in order, pixels from a byte's top down. */
static void cursor_pixel(uint32_t size, uint32_t image, uint32_t x, uint32_t y, uint32_t code)
{
    uint32_t byte = image * 256 + (y * size + x) / 4, shift = 6 - 2 * (x % 4);
    uint32_t old = read_narrow(clcd.dev, CURSOR_IMAGE + byte, 1);
    write_narrow(clcd.dev, CURSOR_IMAGE + byte, 1, (old & ~(3u << shift)) | code << shift);
}

static uint32_t code_at(uint32_t x, uint32_t y, uint32_t image)
{
    return (x * 7 + y * 3 + image + x * y / 5) & 3;
}

static void draw_cursor(uint32_t size, uint32_t image)
{
    for (uint32_t y = 0; y < size; y++)
        for (uint32_t x = 0; x < size; x++)
            cursor_pixel(size, image, x, y, code_at(x, y, image));
}

static void check_cursor(uint32_t size, uint32_t image, uint32_t x, uint32_t y, uint32_t clip_x,
                         uint32_t clip_y)
{
    write_reg(clcd.dev, CURSOR_CTRL, 1 | image << 4);
    write_reg(clcd.dev, CURSOR_CONFIG, size == 64);
    write_reg(clcd.dev, CURSOR_XY, y << 16 | x);
    write_reg(clcd.dev, CURSOR_CLIP, clip_y << 8 | clip_x);
    const Frame *frame = clcd_frame(&clcd);
    for (uint32_t py = 0; py < frame->height; py++)
        for (uint32_t px = 0; px < frame->width; px++) {
            uint32_t want = 0x123456, ix = px - x + clip_x, iy = py - y + clip_y;
            bool inside = px >= x && py >= y && ix < size && iy < size;
            uint32_t code = code_at(ix, iy, image);
            if (inside && code != 2)
                want = code == 3 ? 0xedcba9 : code ? 0xaabbcc : 0x112233;
            if (frame->pixels[py * frame->width + px] != want)
                fail_msg("cursor of %u, image %u at %u,%u clipped by %u,%u: pixel %u,%u is 0x%06x, expected "
                         "0x%06x",
                         size, image, x, y, clip_x, clip_y, px, py, frame->pixels[py * frame->width + px],
                         want);
        }
}

static void test_cursor(void **state)
{
    (void)state;
    static const uint32_t at[][4] = {
        {0,    0,    0,  0 },
        {5,    7,    0,  0 },
        {60,   40,   0,  0 },
        {95,   79,   0,  0 },
        {96,   0,    0,  0 },
        {0,    80,   0,  0 },
        {1023, 1023, 0,  0 },
        {0,    0,    9,  4 },
        {0,    50,   31, 31},
        {3,    3,    32, 0 },
        {90,   10,   63, 0 },
        {0,    10,   0,  63},
    };
    clcd_size(&clcd, 96, 80);
    for (uint32_t n = 0; n < 96 * 80; n++)
        memcpy(clcd.memory + 4 * n, &(uint32_t){0x563412}, 4);
    clcd_show(&clcd, MEMORY, TFT | BPP(5));
    write_reg(clcd.dev, CURSOR_PALETTE, 0x332211);
    write_reg(clcd.dev, CURSOR_PALETTE + 4, 0xccbbaa);
    draw_cursor(64, 0);
    for (unsigned n = 0; n < sizeof at / sizeof *at; n++)
        check_cursor(64, 0, at[n][0], at[n][1], at[n][2], at[n][3]);
    for (uint32_t image = 0; image < 4; image++) {
        draw_cursor(32, image);
        for (unsigned n = 0; n < sizeof at / sizeof *at; n++)
            check_cursor(32, image, at[n][0], at[n][1], at[n][2], at[n][3]);
    }
    write_reg(clcd.dev, CURSOR_CTRL, 0);
    expect_equal(clcd_frame(&clcd)->pixels[0], 0x123456);
}

/* BGR swaps the frame's components; STN panels show the cursor in their shades. */
static void test_cursor_colours(void **state)
{
    (void)state;
    clcd_size(&clcd, 32, 32);
    write_reg(clcd.dev, CURSOR_PALETTE, 0x80ff40);
    write_reg(clcd.dev, CURSOR_CTRL, 1); /* colour 0 everywhere */
    clcd_show(&clcd, MEMORY, TFT | BPP(6) | BGR);
    expect_equal(clcd_frame(&clcd)->pixels[0], 0x40ff80);
    clcd_show(&clcd, MEMORY, BPP(6));
    expect_equal(clcd_frame(&clcd)->pixels[0], gray(0x40) << 16 | gray(0xff) << 8 | gray(0x80));
    clcd_show(&clcd, MEMORY, BPP(6) | BW | BGR);
    expect_equal(clcd_frame(&clcd)->pixels[0], gray(0x40) * 0x010101);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, clcd_setup, clcd_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_formats),
        CASE(test_colours),
        CASE(test_cursor),
        CASE(test_cursor_colours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
