/* What the boot ROM puts on the screen, at every size, and its monitor's use of screen and keyboard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "machine/boot.h"
#include "machine/display.h"
#include "machine/input.h"
#include "machine/keys.h"
#include "roms/boot_params.h"
#include "machine/font.h"

/* As in roms/picture.h; what the display makes of them depends on its depth. */
enum { BACKGROUND = 0x10161c, TEXT = 0xd8dee4, STEEL = 0xc3ccd4, COPPER = 0xd98a4b };
enum { CELL_WIDTH = 8, CELL_HEIGHT = 16, MOST_LINES = 64, MOST_COLUMNS = 128 };
/* Instructions: more than starting takes, and drawing a line. Polls: what nothing here takes. */
enum { MANY_INSTRUCTIONS = 60000000, SLICE = 400000, MANY_POLLS = 20000 };

static char directory[] = "/tmp/armature-test-XXXXXX";
static char program[64];
static Machine *machine;
static BootOptions options;
static Error err;
static char output[1 << 16]; /* of the first serial port, without \r */
static size_t output_length;

/* ---- Helpers --------------------------------------------------------------------------------- */

static void take_output(void *opaque, uint8_t ch)
{
    (void)opaque;
    if (ch != '\r' && output_length < sizeof output - 1)
        output[output_length++] = (char)ch;
    output[output_length] = 0;
}

static void make_machine(BootDisplay display)
{
    if (machine)
        machine_free(machine);
    MachineOptions wanted = {.cpus = 1, .memory = 16 << 20, .deterministic = true};
    machine = machine_new(&wanted, log_new(stderr), &err);
    assert_non_null(machine);
    machine->env.serial[0].output = take_output;
    options = (BootOptions){.display = display};
    output_length = 0;
}

/* What run_until() waits for. */
static const char *awaited;
static unsigned polls;

static bool has_come(void)
{
    size_t length = strlen(awaited);
    return output_length >= length && !strcmp(output + output_length - length, awaited);
}

static bool poll_until(void *opaque, uint64_t timeout_ns)
{
    (void)opaque;
    return !has_come() && timeout_ns != UINT64_MAX && polls++ < MANY_POLLS;
}

/* Runs until the text is the last on the serial port. */
static void run_until(const char *text)
{
    awaited = text;
    polls = 0;
    machine->poll = poll_until;
    machine_run(machine);
    if (!has_come())
        fail_msg("\"%s\" did not come after \"%s\"", text, output);
    machine_step(machine, SLICE); /* what follows on the screen */
}

static void start_monitor(BootDisplay display)
{
    make_machine(display);
    assert_true(boot_load(machine, &options, &err));
    run_until("\n> ");
}

/* Starts what only loops, and runs until it does. */
static void start_program(void)
{
    options.kernel = program;
    assert_true(boot_load(machine, &options, &err));
    for (unsigned n = 0; n < MANY_INSTRUCTIONS / SLICE && machine->cpu[0]->pc < 0x60000000u; n++)
        machine_step(machine, SLICE);
    assert_int_equal(machine->cpu[0]->pc >> 24, 0x60);
}

static void command(const char *text)
{
    output_length = 0;
    serial_send(&machine->env.serial[0], text, strlen(text));
    run_until("\n> ");
}

static uint32_t seen(uint32_t colour)
{
    if (options.display.bits == 32)
        return colour;
    uint32_t red = colour >> 19 & 0x1f, green = colour >> 10 & 0x3f, blue = colour >> 3 & 0x1f;
    return (red << 3 | red >> 2) << 16 | (green << 2 | green >> 4) << 8 | (blue << 3 | blue >> 2);
}

static const Frame *frame(void)
{
    const Frame *frame = display_frame(machine->display);
    assert_int_equal(frame->width, options.display.width);
    assert_int_equal(frame->height, options.display.height);
    assert_int_equal(frame->output, DISPLAY_MOTHERBOARD);
    return frame;
}

static uint32_t pixel(const Frame *frame, uint32_t x, uint32_t y)
{
    return frame->pixels[y * frame->width + x];
}

/* Where pixels that are not background lie, and how many of a colour there are. */
typedef struct Found {
    uint32_t left, right, top, bottom, count;
} Found;

static Found find(uint32_t colour)
{
    Found found = {UINT32_MAX, 0, UINT32_MAX, 0, 0};
    const uint32_t *at = frame()->pixels, background = seen(BACKGROUND), wanted = seen(colour);
    for (uint32_t y = 0; y < options.display.height; y++)
        for (uint32_t x = 0; x < options.display.width; x++, at++) {
            found.count += *at == wanted;
            if (*at == background)
                continue;
            found.left = x < found.left ? x : found.left;
            found.right = x > found.right ? x : found.right;
            found.top = y < found.top ? y : found.top;
            found.bottom = y;
        }
    return found;
}

/* ---- Reading the screen ---------------------------------------------------------------------- */

static Font *letters; /* the ROM's are among them */

static bool is_glyph(const Frame *frame, char ch, uint32_t left, uint32_t top)
{
    uint32_t text = seen(TEXT), background = seen(BACKGROUND);
    const uint8_t *glyph = font_glyph(letters, (uint8_t)ch);
    for (uint32_t y = 0; y < CELL_HEIGHT; y++)
        for (uint32_t x = 0; x < CELL_WIDTH; x++) {
            bool set = glyph[y] >> (7 - x) & 1;
            if (pixel(frame, left + x, top + y) != (set ? text : background))
                return false;
        }
    return true;
}

/* Where the text begins. */
static uint32_t margin(void)
{
    return options.display.width > 640 ? 8 : 0;
}

/* 0: no character at all. */
static char read_cell(const Frame *frame, uint32_t left, uint32_t top)
{
    for (char ch = ' '; ch <= '~'; ch++)
        if (is_glyph(frame, ch, left, top))
            return ch;
    return 0;
}

/* The row of pixels at which the line begins that starts with the text, UINT32_MAX if there is none. */
static uint32_t find_line(const char *text)
{
    const Frame *now = frame();
    for (uint32_t y = 0; y + CELL_HEIGHT <= now->height; y++) {
        uint32_t n = 0;
        while (text[n] && is_glyph(now, text[n], margin() + n * CELL_WIDTH, y))
            n++;
        if (!text[n])
            return y;
    }
    return UINT32_MAX;
}

static void read_line(uint32_t y, char line[MOST_COLUMNS + 1])
{
    const Frame *now = frame();
    unsigned columns = (now->width - 2 * margin()) / CELL_WIDTH, length = 0;
    for (unsigned n = 0; n < columns; n++) {
        line[n] = read_cell(now, margin() + n * CELL_WIDTH, y);
        length = line[n] && line[n] != ' ' ? n + 1 : length;
    }
    line[length] = 0;
}

/* The serial output's lines, from the one that begins with `first` on, stand one below the other, but for the
 * last, the prompt, in which the cursor is. */
static void expect_same_words(const char *first)
{
    uint32_t y = find_line(first);
    assert_int_not_equal(y, UINT32_MAX);
    unsigned lines = 0;
    for (const char *at = strstr(output, first); strchr(at, '\n'); y += CELL_HEIGHT, lines++) {
        char line[MOST_COLUMNS + 1], wanted[256];
        size_t length = strcspn(at, "\n");
        snprintf(wanted, sizeof wanted, "%.*s", (int)length, at);
        read_line(y, line);
        assert_string_equal(line, wanted);
        at += length + 1;
    }
    assert_true(lines > 5);
    assert_true(is_glyph(frame(), '>', margin(), y));
}

/* ---- The picture ----------------------------------------------------------------------------- */

static void expect_picture(BootDisplay size)
{
    make_machine(size);
    memset(machine->vram, 0xa5, BOOT_FRAME_BYTES);
    start_program();
    Found copper = find(COPPER), steel = find(STEEL);
    /* In the middle, symmetric but for rounding, a good part of the screen's height. */
    assert_in_range(copper.left + copper.right, size.width - 12, size.width + 12);
    assert_in_range(copper.top + copper.bottom, size.height - 12, size.height + 12);
    assert_true(copper.bottom - copper.top > size.height / 4);
    assert_true(copper.count > 50 && steel.count > copper.count / 4);
    /* Nothing behind the frame was touched. */
    assert_int_equal(machine->vram[boot_display_bytes(&size)], 0xa5);
}

static void test_picture(void **state)
{
    (void)state;
    static const BootDisplay sizes[] = {
        {1024, 768,  16},
        {1024, 768,  32},
        {800,  600,  32},
        {640,  480,  16},
        {320,  200,  16},
        {336,  201,  32},
        {1024, 1024, 32},
        {320,  1024, 16},
        {1024, 200,  16},
    };
    for (unsigned n = 0; n < sizeof sizes / sizeof *sizes; n++)
        expect_picture(sizes[n]);
}

/* 60 frames in a second where the clock generator reaches that. */
static void test_timing(void **state)
{
    (void)state;
    static const struct {
        BootDisplay size;
        uint32_t least, most; /* nanoseconds for a frame */
    } cases[] = {
        {{1024, 768, 16},  16660000, 16680000}, /* VESA's: 60.004 Hz */
        {{800, 600, 16},   16570000, 16590000}, /* 60.317 Hz */
        {{640, 480, 16},   16670000, 16690000}, /* 59.94 Hz */
        {{1024, 600, 16},  16660000, 16672000},
        {{1024, 1024, 32}, 21900000, 22000000}, /* 65 MHz are the most */
        {{320, 200, 16},   6400000,  6450000 }, /* 23.75 MHz the least */
    };
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        make_machine(cases[n].size);
        start_program();
        assert_in_range(frame()->frame_ns, cases[n].least, cases[n].most);
    }
}

static void test_none(void **state)
{
    (void)state;
    make_machine((BootDisplay){.bits = 16});
    memset(machine->vram, 0xa5, BOOT_FRAME_BYTES);
    start_program();
    assert_int_equal(display_frame(machine->display)->width, 0);
    assert_int_equal(machine->vram[0], 0xa5);
    start_monitor((BootDisplay){.bits = 16});
    assert_int_equal(display_frame(machine->display)->width, 0);
}

/* What the user loads into the picture is shown as it is. */
static void test_picture_of_the_users(void **state)
{
    (void)state;
    make_machine((BootDisplay){640, 480, 32});
    options.load[0] = (BootLoad){program, BOOT_FRAME_BASE};
    options.load_count = 1;
    start_program();
    uint32_t first;
    memcpy(&first, machine->vram, 4);
    assert_int_equal(pixel(frame(), 0, 0), first & 0xffffff);
    assert_int_equal(find(COPPER).count, 0);
}

static void test_after_a_reset(void **state)
{
    (void)state;
    start_monitor((BootDisplay){640, 480, 16});
    uint32_t copper = find(COPPER).count;
    for (unsigned n = 0; n < 40; n++)
        command("dev\r");
    machine_reset(machine);
    assert_int_equal(display_frame(machine->display)->width, 0);
    output_length = 0;
    run_until("\n> ");
    assert_int_equal(find(COPPER).count, copper);
    expect_same_words("Armature ");
}

/* ---- The monitor ----------------------------------------------------------------------------- */

static void test_greeting(void **state)
{
    (void)state;
    start_monitor((BootDisplay){1024, 768, 16});
    expect_same_words("Armature ");
    assert_true(find(COPPER).count > 50);
    start_monitor((BootDisplay){800, 600, 32});
    expect_same_words("Armature ");
}

static void test_scrolling(void **state)
{
    (void)state;
    start_monitor((BootDisplay){1024, 768, 16});
    uint32_t copper = find(COPPER).count;
    for (unsigned n = 0; n < 9; n++)
        command("help\r");
    expect_same_words("help      ");
    assert_int_equal(find(COPPER).count, copper); /* the picture stays */
    assert_int_equal(find_line("Armature "), UINT32_MAX);
}

/* Lines longer than the screen go on below; characters that are taken back there, too. */
static void test_wrapping(void **state)
{
    (void)state;
    start_monitor((BootDisplay){320, 480, 16}); /* 40 columns */
    const char *text = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH\b\b\b\b\b\b\b\b\b\b\bxyz";
    serial_send(&machine->env.serial[0], text, strlen(text));
    run_until("xyz");
    char line[MOST_COLUMNS + 1];
    uint32_t y = find_line("> abc");
    assert_int_not_equal(y, UINT32_MAX);
    read_line(y, line);
    assert_string_equal(line, "> abcdefghijklmnopqrstuvwxyz0123456xyz");
    read_line(y + CELL_HEIGHT, line);
    assert_string_equal(line, "");
}

static void key(const char *name, bool down)
{
    const Key *key = key_by_name(name);
    assert_non_null(key);
    InputEvent event = {.kind = INPUT_KEY, .code = key->code, .down = down};
    input_send(machine->input, &event);
}

static void strike(const char *name)
{
    key(name, true);
    key(name, false);
}

static void test_keyboard(void **state)
{
    (void)state;
    start_monitor((BootDisplay){640, 480, 16});
    output_length = 0;
    strike("A");
    key("LEFTCTRL", true);
    strike("U"); /* the line so far is dropped */
    key("LEFTCTRL", false);
    strike("CAPSLOCK");
    key("RIGHTSHIFT", true);
    strike("M");
    key("RIGHTSHIFT", false);
    strike("CAPSLOCK");
    strike("D");
    strike("UP"); /* no character */
    strike("SPACE");
    strike("1");
    strike("F");
    strike("X");
    strike("BACKSPACE");
    for (const char *f = "FF0000"; *f; f++)
        strike((char[]){*f, 0});
    strike("SPACE");
    strike("1");
    strike("KPENTER");
    run_until("\n> ");
    assert_non_null(strstr(output, "md 1f"));
    assert_non_null(strstr(output, "\n1fff0000: ea000006"));
    output_length = 0;
    key("LEFTSHIFT", true);
    for (const char *name[] = {"A", "2", "SLASH", NULL}, **n = name; *n; n++)
        strike(*n);
    key("LEFTSHIFT", false);
    key("CAPSLOCK", true);
    key("CAPSLOCK", false);
    strike("B");
    strike("2");
    strike("ENTER");
    run_until("\n> ");
    assert_non_null(strstr(output, "\"A@?B2\" is no command"));
}

/* A program under the monitor has destroyed its variables and the controller's registers: the next exception
 * puts everything right. */
static void test_destroyed(void **state)
{
    (void)state;
    static const uint32_t values[] = {0xffffffff, 0x11111111, 0x7fffffff, 0x80000000, 0x00000400};
    for (unsigned n = 0; n < sizeof values / sizeof *values; n++) {
        char text[64];
        start_monitor((BootDisplay){640, 480, 16});
        command("mw 1001f000 0 7\r");
        for (uint32_t i = 0; i < 0x1000; i += 4) /* .bss */
            memcpy(machine->psram + 0x1ff0000 + i, &values[n], 4);
        output_length = 0;
        snprintf(text, sizeof text, "\r\rmd 20000000\r\r\r");
        serial_send(&machine->env.serial[0], text, strlen(text));
        run_until("\n> ");
        command("md 20000000\r");
        frame();
        command("info\r");
        assert_non_null(strstr(output, "16 MiB"));
    }
}

/* ---- Setup ----------------------------------------------------------------------------------- */

static int setup(void **state)
{
    static const uint32_t loop[] = {0xe320f003, 0xeafffffd, 0xe1a00000, 0xe1a00000}; /* wfi, b ., 2 x nop */
    (void)state;
    letters = font_new();
    if (!mkdtemp(directory))
        return 1;
    snprintf(program, sizeof program, "%s/loop", directory);
    FILE *file = fopen(program, "wb");
    return !file || fwrite(loop, sizeof loop, 1, file) != 1 || fclose(file);
}

static int teardown(void **state)
{
    (void)state;
    if (machine)
        machine_free(machine);
    font_free(letters);
    unlink(program);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_picture),       cmocka_unit_test(test_timing),
        cmocka_unit_test(test_none),          cmocka_unit_test(test_picture_of_the_users),
        cmocka_unit_test(test_after_a_reset), cmocka_unit_test(test_greeting),
        cmocka_unit_test(test_scrolling),     cmocka_unit_test(test_wrapping),
        cmocka_unit_test(test_keyboard),      cmocka_unit_test(test_destroyed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
