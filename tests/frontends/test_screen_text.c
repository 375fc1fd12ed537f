/* Fonts and the text that is read off pictures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>

#include "frontends/screen_font.h"
#include "frontends/screen_font_file.h"
#include "frontends/screen_text.h"
#include "tests/frontends/screen_font_data.h"

enum { WIDTH = 320, HEIGHT = 160, CELL = 16 };

static uint8_t glyphs[TEST_GLYPHS * CELL];
static uint32_t pixels[WIDTH * HEIGHT];
static uint64_t changed[HEIGHT];
static Frame frame;
static ScreenText *text;

static int setup(void **state)
{
    (void)state;
    test_font(glyphs, CELL);
    memset(pixels, 0, sizeof pixels);
    frame = (Frame){.width = WIDTH, .height = HEIGHT, .serial = 0, .pixels = pixels, .changed = changed};
    text = screen_text_new();
    assert_true(screen_text_add_font(text, screen_font_cp437(glyphs, TEST_GLYPHS, CELL)));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    screen_text_free(text);
    return 0;
}

/* What a controller does when the picture has changed. */
static void show(void)
{
    frame.serial++;
    for (unsigned y = 0; y < HEIGHT; y++)
        changed[y] = frame.serial;
}

static void draw(unsigned x, unsigned y, const char *line, uint32_t ink, uint32_t paper)
{
    test_draw(pixels, WIDTH, x, y, glyphs, CELL, line, ink, paper);
}

static void expect(const char *rows)
{
    size_t length;
    assert_true(screen_text_read(text, &frame, true));
    assert_string_equal(screen_text_rows(text, &length), rows);
    assert_int_equal(length, strlen(rows));
}

static void reads_a_console(void **state)
{
    (void)state;
    show();
    expect("");
    draw(0, 0, "Hello, world", 0xaaaaaa, 0);
    draw(0, 32, "login:", 0xffffff, 0x0000aa);
    show();
    expect("Hello, world \n\nlogin: \n");
    /* A row as wide as the screen has no blank behind it. */
    draw(0, 16, "0123456789012345678901234567890123456789", 1, 2);
    show();
    expect("Hello, world \n0123456789012345678901234567890123456789\nlogin: \n");
}

/* Only rows that changed are read: others may be anything. */
static void reads_what_changed(void **state)
{
    (void)state;
    draw(0, 0, "first", 1, 0);
    draw(0, 16, "second", 1, 0);
    show();
    expect("first \nsecond \n");
    draw(0, 0, "FIRST", 1, 0);
    draw(0, 16, "SECOND", 1, 0);
    frame.serial++;
    for (unsigned y = 16; y < 32; y++)
        changed[y] = frame.serial;
    expect("first \nSECOND \n");
    frame.resized = ++frame.serial;
    expect("FIRST \nSECOND \n");
}

static void finds_the_grid(void **state)
{
    (void)state;
    for (unsigned y = 0; y < 2 * CELL; y += 5)
        for (unsigned x = 0; x < 8; x++) {
            memset(pixels, 0, sizeof pixels);
            draw(x + 16, y, "window text", 5, 6);
            show();
            size_t length;
            assert_true(screen_text_read(text, &frame, true));
            const char *rows = screen_text_rows(text, &length), *found = strstr(rows, "window text");
            assert_non_null(found);
            ScreenPlace place = screen_text_place(text, (size_t)(found - rows) + 7);
            assert_int_equal(place.x, x + 16 + 7 * 8 + 4);
            assert_int_equal(place.y, y + CELL / 2);
        }
}

/* A thorough search is needed for that. */
static void hurries(void **state)
{
    (void)state;
    draw(3, 5, "window text", 5, 6);
    show();
    assert_false(screen_text_read(text, &frame, false));
    assert_true(screen_text_read(text, &frame, true));
    draw(3, 5, "window TEXT", 5, 6);
    show();
    assert_true(screen_text_read(text, &frame, false));
}

static void inverse_and_blocks(void **state)
{
    (void)state;
    draw(0, 0, "inverse", 0, 0xffffff);
    draw(64, 0, "more", 0xffffff, 0);
    /* The upper half block is the lower one with the colours exchanged: what is before tells. */
    draw(0, 16, "x\xdf\xdc y", 0x111111, 0x222222);
    show();
    expect("inverse more \nx\u2580\u2584 y \n");
}

static void cursors(void **state)
{
    (void)state;
    draw(0, 0, "$ ls", 7, 0);
    for (unsigned y = 14; y < 16; y++) /* under a blank */
        for (unsigned x = 32; x < 40; x++)
            pixels[y * WIDTH + x] = 7;
    draw(0, 16, "abc", 7, 0);
    for (unsigned y = 16 + 14; y < 32; y++) /* on a letter */
        for (unsigned x = 8; x < 16; x++)
            pixels[y * WIDTH + x] ^= 7;
    show();
    expect("$ ls \nabc \n");
}

/* There is nothing to tell the font by. */
static void hardly_anything(void **state)
{
    (void)state;
    for (unsigned y = 14; y < 16; y++)
        for (unsigned x = 0; x < 8; x++)
            pixels[y * WIDTH + x] = 7;
    show();
    expect("");
    draw(0, 16, "$ ", 7, 0);
    show();
    expect("\n$ \n");
}

static void what_is_no_text(void **state)
{
    (void)state;
    for (unsigned n = 0; n < WIDTH * HEIGHT; n++)
        pixels[n] = n * 2654435761u & 0xffffff;
    show();
    assert_false(screen_text_read(text, &frame, true));
    /* A part of the picture only. */
    memset(pixels, 0, sizeof pixels);
    draw(0, 0, "some text", 3, 4);
    pixels[20 * WIDTH + 3] = 1;
    pixels[20 * WIDTH + 4] = 2;
    show();
    expect("some text \n\ufffd \n");
    /* Smaller than a cell. */
    frame.width = 5;
    frame.height = 3;
    frame.resized = ++frame.serial;
    pixels[0] = 1;
    assert_false(screen_text_read(text, &frame, true));
}

static void two_fonts(void **state)
{
    (void)state;
    uint8_t small[TEST_GLYPHS * 8];
    test_font(small, 8);
    assert_true(screen_text_add_font(text, screen_font_cp437(small, TEST_GLYPHS, 8)));
    test_draw(pixels, WIDTH, 0, 0, small, 8, "small letters", 1, 0);
    show();
    expect("small letters \n");
    memset(pixels, 0, sizeof pixels);
    draw(0, 0, "large letters", 1, 0);
    show();
    expect("large letters \n");
}

/* A font that has every other letter in common, and is known first. */
static void similar_fonts(void **state)
{
    (void)state;
    uint8_t other[TEST_GLYPHS * CELL];
    ScreenText *both = screen_text_new();
    memcpy(other, glyphs, sizeof other);
    for (unsigned ch = 'a'; ch <= 'z'; ch += 3)
        other[ch * CELL + 5] ^= 0x24;
    assert_true(screen_text_add_font(both, screen_font_cp437(other, TEST_GLYPHS, CELL)));
    assert_true(screen_text_add_font(both, screen_font_cp437(glyphs, TEST_GLYPHS, CELL)));
    screen_text_free(text);
    text = both;
    test_draw(pixels, WIDTH, 0, 0, other, CELL, "the first font", 7, 0);
    show();
    expect("the first font \n");
    draw(0, 0, "and the second", 7, 0);
    show();
    expect("and the second \n");
}

/* ---- Fonts ------------------------------------------------------------------------------------------- */

static void found_in_memory(void **state)
{
    (void)state;
    static const unsigned heights[] = {8, 14, 16};
    enum { SIZE = 1 << 17 };
    uint8_t *memory = calloc(1, SIZE), data[TEST_GLYPHS * CELL];
    for (size_t n = 0; n < SIZE; n++)
        memory[n] = (uint8_t)(n * 2654435761u >> 13);
    memset(memory + 1000, 0xf0, 40);
    memset(memory + 1040, 0x0f, 16);
    for (unsigned n = 0; n < 3; n++) {
        test_font(data, heights[n]);
        memcpy(memory + 20000 * (n + 1) + 4 * n, data, TEST_GLYPHS * heights[n]);
    }
    ScreenFont *font[8];
    assert_int_equal(screen_font_find(memory, SIZE, font, 8), 3);
    for (unsigned n = 0; n < 3; n++) {
        assert_int_equal(screen_font_height(font[n]), heights[n]);
        const uint32_t *rows = screen_font_glyph(font[n], 'g');
        test_font(data, heights[n]);
        assert_int_equal(rows[3], (uint32_t)data['g' * heights[n] + 3] << 24);
        assert_int_equal(screen_font_match(font[n], rows), 'g');
        assert_int_equal(screen_font_match(font[n], screen_font_glyph(font[n], 0x2584)), 0x2584);
        screen_font_free(font[n]);
    }
    /* One that is cut off, and one whose blank is not blank. */
    assert_int_equal(screen_font_find(memory, 20000 + 255 * 8, font, 8), 0);
    memory[20000 + 32 * 8] = 1;
    assert_int_equal(screen_font_find(memory, 40000, font, 8), 0);
    free(memory);
}

/* PSF 2: 12 x 20 pixels, two characters, one of them with two names and a sequence. */
static size_t make_psf2(uint8_t *data)
{
    static const uint32_t header[] = {0x864ab572, 0, 32, 1, 2, 40, 20, 12};
    static const char table[] = "\xc2\xa0\x41\xfe\x42\x43\xff\xe2\x94\x80\xff";
    memcpy(data, header, sizeof header);
    for (unsigned n = 0; n < 80; n++)
        data[32 + n] = (uint8_t)(n * 37);
    memcpy(data + 112, table, sizeof table - 1);
    return 112 + sizeof table - 1;
}

static void psf_files(void **state)
{
    (void)state;
    uint8_t data[200], one[4 + TEST_GLYPHS * 2 + 1024] = {0x36, 0x04, 2, 2};
    size_t size = make_psf2(data);
    ScreenFont *font = screen_font_parse(data, size);
    assert_non_null(font);
    assert_int_equal(screen_font_width(font), 12);
    assert_int_equal(screen_font_height(font), 20);
    const uint32_t *rows = screen_font_glyph(font, 'A');
    assert_non_null(rows);
    assert_int_equal(rows[1], (uint32_t)(uint8_t)(2 * 37) << 24 | (uint32_t)((3 * 37) & 0xf0) << 16);
    assert_int_equal(screen_font_match(font, screen_font_glyph(font, 0x2500)), 0x2500);
    assert_null(screen_font_glyph(font, 'B')); /* a sequence is no name */
    screen_font_free(font);
    /* PSF 1: 8 x 2 pixels; character n is U+0100 + n. */
    for (unsigned n = 0; n < TEST_GLYPHS; n++) {
        one[4 + 2 * n] = (uint8_t)n;
        one[4 + 2 * n + 1] = 0x81;
        const uint8_t entry[] = {(uint8_t)n, 1, 0xff, 0xff};
        memcpy(one + 4 + 2 * TEST_GLYPHS + 4 * n, entry, 4);
    }
    font = screen_font_parse(one, sizeof one);
    assert_non_null(font);
    rows = screen_font_glyph(font, 0x0141);
    assert_non_null(rows);
    assert_int_equal(rows[0], 0x41000000);
    assert_int_equal(rows[1], 0x81000000);
    screen_font_free(font);
}

/* One narrow and one wide character, 'A' and U+0141, in the same chain: the mask is 0x1f. */
static size_t make_bgf(uint32_t *words)
{
    uint32_t *at = words;
    memcpy(at++, "BGF1", 4);
    const uint32_t header[] = {0, 16, 0x1f, 28, 28 + 32 * 4, 28 + 32 * 4 + 5 * 4};
    memcpy(at, header, sizeof header);
    at += 6;
    for (unsigned chain = 0; chain < 32; chain++)
        *at++ = chain == 1 ? 0 : 4;
    const uint32_t entries[] = {0x40 | 8, 0, 0x140 | 16, 16, 0};
    memcpy(at, entries, sizeof entries);
    at += 5;
    for (unsigned y = 0; y < 32; y++)
        *at++ = y < 16 ? (y + 1) << 24 : (y << 24 | (y + 100) << 16);
    return (size_t)(at - words) * 4;
}

static void bgf_files(void **state)
{
    (void)state;
    uint32_t words[100];
    size_t size = make_bgf(words);
    ScreenFont *font = screen_font_parse((uint8_t *)words, size);
    assert_non_null(font);
    assert_int_equal(screen_font_glyph(font, 'A')[5], 6u << 24);
    const uint32_t *wide = screen_font_glyph(font, 0x141);
    assert_int_equal(wide[0], 16u << 24);
    assert_int_equal(screen_font_glyph(font, GLYPH_REST)[0], 116u << 24);
    assert_int_equal(screen_font_match(font, wide), 0x141);
    screen_font_free(font);
}

/* A wide character is one character in the text, and two cells on the screen. */
static void wide_characters(void **state)
{
    (void)state;
    uint32_t words[100];
    ScreenFont *wide = screen_font_parse((uint8_t *)words, make_bgf(words));
    static const uint32_t line[] = {'A', 0x141, GLYPH_REST, 'A', 'A'};
    for (unsigned n = 0; n < 5; n++)
        for (unsigned y = 0; y < 16; y++)
            for (unsigned x = 0; x < 8; x++)
                pixels[y * WIDTH + 8 * n + x] = screen_font_glyph(wide, line[n])[y] >> (31 - x) & 1;
    assert_true(screen_text_add_font(text, wide));
    show();
    expect("A\u0141AA \n");
    assert_int_equal(screen_text_place(text, 3).column, 3);
    assert_int_equal(screen_text_place(text, 3).x, 28);
}

/* Whatever is damaged: no font, or one that can be used. */
static void damaged(const uint8_t *data, size_t size)
{
    uint32_t rows[FONT_HEIGHT_MOST] = {0}, random = 1;
    for (unsigned n = 0; n < 3000; n++) {
        size_t length = n < size ? n : size;
        uint8_t *copy = malloc(length ? length : 1);
        memcpy(copy, data, length);
        for (unsigned k = 0; n >= size && k < 3; k++) {
            random = random * 1103515245 + 12345;
            copy[(random >> 8) % (k ? size : 40)] = (uint8_t)(random >> 24);
        }
        ScreenFont *font = screen_font_parse(copy, length);
        if (font)
            screen_font_match(font, rows);
        screen_font_free(font);
        free(copy);
    }
}

static void damaged_files(void **state)
{
    (void)state;
    uint8_t data[200];
    uint32_t words[100];
    damaged(data, make_psf2(data));
    damaged((uint8_t *)words, make_bgf(words));
}

static void load(const char *path, bool fine)
{
    Error err;
    ScreenFont *font = screen_font_load(path, &err);
    assert_true(fine == (font != NULL));
    if (!font)
        assert_non_null(strstr(err.text, path));
    screen_font_free(font);
}

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

static void files(void **state)
{
    (void)state;
    char folder[] = "/tmp/armature-font-XXXXXX", path[100];
    uint8_t data[200];
    size_t size = make_psf2(data);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/font", folder);
    load(path, false);
    write_file(path, data, size);
    load(path, true);
    gzFile packed = gzopen(path, "wb");
    gzwrite(packed, data, (unsigned)size);
    gzclose(packed);
    load(path, true);
    assert_int_equal(truncate(path, 60), 0);
    load(path, false);
    write_file(path, "no font at all", 14);
    load(path, false);
    unlink(path);
    load(folder, false);
    rmdir(folder);
}

static size_t add_member(char *archive, const char *name, const void *data, size_t size)
{
    size_t length = strlen(name) + 1;
    int at = sprintf(archive, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1, 0100644, 0,
                     0, 1, 0, size, 0, 0, 0, 0, length, 0);
    memcpy(archive + at, name, length);
    size_t begin = ((size_t)at + length + 3) & ~(size_t)3;
    memcpy(archive + begin, data, size);
    return (begin + size + 3) & ~(size_t)3;
}

static void archives(void **state)
{
    (void)state;
    char path[] = "/tmp/armature-initrd-XXXXXX", archive[4096] = "";
    uint8_t data[200];
    uint32_t words[100];
    ScreenFont *font[4];
    size_t length = add_member(archive, "bin/sh", "not this", 8);
    length += add_member(archive + length, "lib/unifont.bgf", words, make_bgf(words));
    length += add_member(archive + length, "etc/no.psf", "no font", 7);
    length += add_member(archive + length, "etc/console.psf", data, make_psf2(data));
    length += add_member(archive + length, "TRAILER!!!", "", 0);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (unsigned packed = 0; packed < 2; packed++) {
        gzFile file = gzopen(path, packed ? "wb" : "wbT");
        gzwrite(file, archive, (unsigned)length);
        gzclose(file);
        assert_int_equal(screen_font_initrd(path, font, 4), 2);
        assert_int_equal(screen_font_width(font[0]), 8);
        assert_int_equal(screen_font_width(font[1]), 12);
        screen_font_free(font[0]);
        screen_font_free(font[1]);
    }
    for (size_t cut = 0; cut < length; cut += 13) {
        write_file(path, archive, cut);
        for (unsigned count = screen_font_initrd(path, font, 4); count > 0; count--)
            screen_font_free(font[count - 1]);
    }
    unlink(path);
    assert_int_equal(screen_font_initrd(path, font, 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_a_console, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_what_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(finds_the_grid, setup, teardown),
        cmocka_unit_test_setup_teardown(hurries, setup, teardown),
        cmocka_unit_test_setup_teardown(inverse_and_blocks, setup, teardown),
        cmocka_unit_test_setup_teardown(cursors, setup, teardown),
        cmocka_unit_test_setup_teardown(hardly_anything, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_text, setup, teardown),
        cmocka_unit_test_setup_teardown(two_fonts, setup, teardown),
        cmocka_unit_test_setup_teardown(similar_fonts, setup, teardown),
        cmocka_unit_test_setup_teardown(wide_characters, setup, teardown),
        cmocka_unit_test(found_in_memory),
        cmocka_unit_test(psf_files),
        cmocka_unit_test(bgf_files),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(files),
        cmocka_unit_test(archives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
