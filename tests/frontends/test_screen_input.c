/* Screen, keyboard and pointers as scripts have them, with a controller and input devices made for the test:
 * what arrives there, when, and what files come of it. The guest only waits. */
#define _GNU_SOURCE
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <png.h>

#include "frontends/client.h"
#include "frontends/options.h"
#include "frontends/screen_record.h"
#include "frontends/session.h"
#include "machine/display.h"
#include "machine/input.h"
#include "machine/keys.h"
#include "tests/frontends/screen_font_data.h"

enum { WIDTH = 320, HEIGHT = 160, CELL = 16, EVENTS_MOST = 4096 };

#define MILLISECOND UINT64_C(1000000)

typedef struct Seen {
    InputEvent event;
    uint64_t at;
} Seen;

typedef struct Fixture Fixture;
struct Fixture {
    char folder[64], script[100];
    Options options;
    Session *session;
    Machine *machine;
    /* The picture. */
    bool lit, dirty;
    uint32_t pixels[WIDTH * HEIGHT];
    uint8_t glyphs[TEST_GLYPHS * CELL];
    Timer timer; /* for what changes by itself */
    unsigned ticks;
    /* The devices. */
    bool driven[INPUT_KINDS];
    Seen seen[EVENTS_MOST];
    unsigned count;
    uint64_t busy_until;        /* the keyboard has no room before */
    uint64_t icount;            /* at the end of the last run */
    void (*before)(Fixture *f); /* the run begins */
    Client client[2];
    unsigned done;
};

static DisplayMode mode(void *opaque)
{
    const Fixture *f = opaque;
    return f->lit ? (DisplayMode){WIDTH, HEIGHT, 16 * MILLISECOND} : (DisplayMode){0};
}

static void changes(void *opaque, Display *display)
{
    Fixture *f = opaque;
    if (f->dirty)
        display_touch(display, 0, HEIGHT);
    f->dirty = false;
}

static void row(void *opaque, uint32_t y, uint32_t *pixels)
{
    memcpy(pixels, ((Fixture *)opaque)->pixels + y * WIDTH, WIDTH * sizeof *pixels);
}

static void draw(Fixture *f, unsigned line, const char *text)
{
    test_draw(f->pixels, WIDTH, 0, line * CELL, f->glyphs, CELL, text, 0xc0c0c0, 0x000080);
    f->dirty = true;
}

static bool keyboard_driven(void *opaque)
{
    return ((Fixture *)opaque)->driven[INPUT_KEYBOARD];
}

static bool mouse_driven(void *opaque)
{
    return ((Fixture *)opaque)->driven[INPUT_MOUSE];
}

static bool tablet_driven(void *opaque)
{
    return ((Fixture *)opaque)->driven[INPUT_TABLET];
}

static bool has_room(void *opaque)
{
    const Fixture *f = opaque;
    return f->count < EVENTS_MOST && clock_now(f->machine->clock) >= f->busy_until;
}

static void event(void *opaque, const InputEvent *event)
{
    Fixture *f = opaque;
    f->seen[f->count++] = (Seen){*event, clock_now(f->machine->clock)};
}

/* Every 100 ms: a picture that changes, and a keyboard that may have room again. */
static void tick(void *opaque)
{
    Fixture *f = opaque;
    char text[40];
    snprintf(text, sizeof text, "tick %u", ++f->ticks);
    if (f->lit)
        draw(f, 2, text);
    if (f->ticks == 10)
        draw(f, 4, "login: ");
    input_deliver(f->machine->input);
    timer_set(&f->timer, clock_now(f->machine->clock) + 100 * MILLISECOND);
}

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/armature-screen-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(chdir(f->folder), 0);
    snprintf(f->script, sizeof f->script, "%s/test.lua", f->folder);
    test_font(f->glyphs, CELL);
    f->lit = true;
    *state = f;
    return 0;
}

static void empty(const char *path)
{
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char name[400];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && unlink(name)) {
            empty(name);
            rmdir(name);
        }
    }
    if (folder)
        closedir(folder);
}

static int teardown(void **state)
{
    Fixture *f = *state;
    assert_int_equal(chdir("/"), 0);
    empty(f->folder);
    rmdir(f->folder);
    free(f);
    return 0;
}

static void connect(Fixture *f)
{
    static const DisplayOps display = {mode, changes, row, NULL, NULL};
    static const InputOps keyboard = {keyboard_driven, has_room, event},
                          mouse = {mouse_driven, has_room, event}, tablet = {tablet_driven, has_room, event};
    display_connect(f->machine->display, DISPLAY_GPU, &display, f);
    display_show(f->machine->display, DISPLAY_GPU);
    input_connect(f->machine->input, INPUT_KEYBOARD, &keyboard, f);
    input_connect(f->machine->input, INPUT_MOUSE, &mouse, f);
    input_connect(f->machine->input, INPUT_TABLET, &tablet, f);
    timer_init(&f->timer, f->machine->clock, "test", 500, tick, f);
    timer_set(&f->timer, 100 * MILLISECOND);
    /* As a kernel has it. */
    memcpy(f->machine->ram + (3 << 20) + 52, f->glyphs, sizeof f->glyphs);
}

/* Runs the script with more options, up to a NULL; returns the exit code. */
static int run(Fixture *f, const char *script, ...)
{
    char *argv[32] = {"armature",        "--serial", "none",    "--memory", "16M",
                      "--deterministic", "--script", f->script, "--load",   "loop.bin@0x60100000"};
    int argc = 10, code;
    Error err = {""};
    FILE *file = fopen(f->script, "w");
    assert_non_null(file);
    fputs(script, file);
    fclose(file);
    static const uint32_t loop[] = {0xe320f003 /* wfi */, 0xeafffffd /* b */};
    file = fopen("loop.bin", "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(loop, sizeof loop, 1, file), 1);
    fclose(file);
    va_list more;
    va_start(more, script);
    while ((argv[argc] = va_arg(more, char *)))
        argc++;
    va_end(more);
    f->count = f->ticks = 0;
    memset(f->pixels, 0, sizeof f->pixels);
    f->dirty = true;
    if (!options_parse(&f->options, argc, argv, &err))
        fail_msg("%s", err.text);
    f->session = session_new(&f->options, log_new(stderr), &code, &err);
    if (!f->session) {
        print_message("%s\n", err.text);
        options_free(&f->options);
        return code;
    }
    f->machine = session_machine(f->session);
    connect(f);
    draw(f, 0, "Armature test");
    if (f->before)
        f->before(f);
    code = session_run(f->session);
    f->icount = machine_icount(f->machine);
    if (session_end_text(f->session))
        print_message("%s\n", session_end_text(f->session));
    timer_cancel(&f->timer);
    for (unsigned n = 0; n < 2; n++)
        if (f->client[n].session)
            client_leave(&f->client[n]);
    session_free(f->session);
    options_free(&f->options);
    return code;
}

/* ---- The screen -------------------------------------------------------------------------------------- */

static void text_and_places(void **state)
{
    Fixture *f = *state;
    static const char script[] =
        "local w, h = screen_size() assert(w == 320 and h == 160)\n"
        "assert(screen_text() == 'Armature test\\n', screen_text())\n"
        "local n, text = wait_screen{'nothing', 'login: ', timeout = 5}\n"
        "assert(n == 2 and text == 'login: ')\n"
        "local at = status().guest_seconds\n"
        "assert(at >= 1 and at <= 1.05, at)\n"
        "assert(wait_screen(pattern 'tick (%d+) ', 5) == '10')\n"
        "assert(status().guest_seconds == at)\n"
        "local p = screen_find('test')\n"
        "assert(p.row == 0 and p.column == 9 and p.x == 76 and p.y == 8 and p.text == 'test')\n"
        "local ok, why = pcall(screen_find, 'gone') assert(not ok and why:find 'not on the screen', why)\n"
        "ok, why = pcall(wait_screen, 'gone', 0.5)\n"
        "assert(not ok and why:find 'wait_screen \"gone\": not within 0.5 seconds', why)\n"
        "ok, why = pcall(wait_screen, pattern '%b()') assert(not ok and why:find '%%b', why)\n"
        "ok, why = pcall(wait_screen, {}) assert(not ok and why:find 'give texts', why)\n";
    assert_int_equal(run(f, script, NULL), 0);
    uint64_t icount = f->icount;
    assert_int_equal(run(f, script, NULL), 0);
    assert_int_equal(f->icount, icount); /* to the instruction */
}

static void checksums(void **state)
{
    Fixture *f = *state;
    static const char script[] =
        "local sum = screen_checksum(0, 64, 64, 16)\n"
        "assert(sum ~= screen_checksum() and sum == screen_checksum(0, 64, 64, 16))\n"
        "sleep(0.5) assert(sum == screen_checksum(0, 64, 64, 16))\n"
        "sleep(0.6) local login = screen_checksum(0, 64, 64, 16) assert(sum ~= login)\n"
        "reset() wait_pixels(0, 64, 64, 16, login)\n"
        "assert(not pcall(wait_pixels, 0, 64, 64, 16, sum, 0.3))\n"
        "local ok, why = pcall(screen_checksum, 300, 0, 21, 1)\n"
        "assert(not ok and why:find 'not on the screen of 320 x 160', why)\n"
        "assert(screen_checksum(0, 0, 320, 160) == screen_checksum())\n"
        "assert(not pcall(screen_checksum, 320, 0))\n";
    assert_int_equal(run(f, script, NULL), 0);
}

static void dark(void **state)
{
    Fixture *f = *state;
    f->lit = false;
    static const char script[] =
        "local w, h = screen_size() assert(w == 0 and h == 0)\n"
        "for _, name in ipairs{'screenshot', 'screen_text', 'screen_checksum'} do\n"
        "  local ok, why = pcall(machine[name]) assert(not ok and why:find 'the screen is dark', why)\n"
        "end\n"
        "local ok, why = pcall(wait_screen, 'x', 0.1) assert(why:find 'not within 0.1 .*dark', why)\n"
        "ok, why = pcall(screen_find, 'x') assert(why:find 'dark', why)\n"
        "assert(not pcall(wait_pixels, 0, 0, 1, 1, 0, 0.1))\n";
    assert_int_equal(run(f, script, "--screenshot", "end.png", NULL), 0);
    assert_int_equal(access("end.png", F_OK), -1);
}

/* ---- Files ------------------------------------------------------------------------------------------- */

/* The pixels of a PNG file. */
static uint32_t *read_png(const char *path)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_file(&image, path))
        fail_msg("%s: %s", path, image.message);
    image.format = PNG_FORMAT_BGRA;
    assert_int_equal(image.width, WIDTH);
    assert_int_equal(image.height, HEIGHT);
    uint32_t *pixels = malloc(PNG_IMAGE_SIZE(image));
    assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    return pixels;
}

static void expect_picture(Fixture *f, const char *path)
{
    uint32_t *pixels = read_png(path);
    for (unsigned n = 0; n < WIDTH * HEIGHT; n++)
        if (pixels[n] != (f->pixels[n] | 0xff000000))
            fail_msg("%s: pixel %u is %08x", path, n, pixels[n]);
    free(pixels);
}

static unsigned files_in(const char *path)
{
    unsigned count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static void screenshots(void **state)
{
    Fixture *f = *state;
    static const char script[] =
        "assert(screenshot() == 'armature-1.png' and screenshot() == 'armature-2.png')\n"
        "assert(screenshot('named.png') == 'named.png' and screenshot('named.png') == 'named.png')\n"
        "for _, name in ipairs{'named', 'x.jpg', '.png', 'no/such/x.png', '/dev/null'} do\n"
        "  local ok, why = pcall(screenshot, name) assert(not ok and why:find('screenshot: .*' .. name), "
        "why)\n"
        "end\n"
        "sleep(0.35)\n";
    assert_int_equal(
        run(f, script, "--screenshot-at", "0.25", "--screenshot-at", "0.3", "--screenshot-at", "9", NULL), 0);
    expect_picture(f, "armature-0.3s.png");
    uint32_t *old = read_png("armature-0.25s.png");
    free(old);
    /* The script, the program and five pictures: nothing half done is left. */
    assert_int_equal(files_in("."), 7);
    assert_int_equal(run(f, "sleep(0.05) assert(screenshot() == 'end-1.png')", "--screenshot", "end.png",
                         "--screenshot-at", "0.01", NULL),
                     0);
    expect_picture(f, "end.png");
    expect_picture(f, "end-0.01s.png");
    assert_int_equal(run(f, "", "--screenshot", "no/such/end.png", NULL), 64);
    assert_int_equal(run(f, "", "--screenshot", "end.gif", NULL), 64);
    assert_int_equal(run(f, "", "--screen-font", "end.png", NULL), 64);
    assert_int_equal(run(f, "", "--record-screen", "x.mp4", NULL), 64);
    /* It became impossible while it ran. */
    assert_int_equal(mkdir("gone", 0777), 0);
    assert_int_equal(run(f, "os.remove('gone')", "--screenshot", "gone/end.png", NULL), 70);
}

static void by_signal(void **state)
{
    Fixture *f = *state;
    char script[200];
    snprintf(script, sizeof script,
             "os.execute('kill -USR1 %d') sleep(0.2) os.execute('kill -USR1 %d') sleep(0.2)", getpid(),
             getpid());
    assert_int_equal(run(f, script, NULL), 0);
    free(read_png("armature-1.png"));
    free(read_png("armature-2.png"));
}

static void video(void **state)
{
    Fixture *f = *state;
    assert_int_equal(
        run(f, "sleep(1.05) print(record_stop())", "--record-screen", "run.y4m", "--record-rate", "10", NULL),
        0);
    char header[100], frame[10];
    FILE *file = fopen("run.y4m", "rb");
    assert_non_null(file);
    assert_non_null(fgets(header, sizeof header, file));
    assert_string_equal(header, "YUV4MPEG2 W320 H160 F10:1 Ip A1:1 C444\n");
    unsigned frames = 0;
    uint8_t *planes = malloc(3 * WIDTH * HEIGHT), black = 0;
    while (fgets(frame, sizeof frame, file)) {
        assert_string_equal(frame, "FRAME\n");
        assert_int_equal(fread(planes, 1, 3 * WIDTH * HEIGHT, file), 3 * WIDTH * HEIGHT);
        black = planes[WIDTH * HEIGHT - 1];
        frames++;
    }
    assert_int_equal(frames, 11); /* at 0, 0.1 ... 1.0 */
    assert_int_equal(black, 16);
    /* The paper of the text is 0x000080: BT.601 in integers. */
    assert_int_equal(planes[7], 16 + ((25 * 0x80 + 128) >> 8));
    assert_int_equal(planes[WIDTH * HEIGHT + 7], 128 + ((112 * 0x80 + 128) >> 8));
    assert_int_equal(planes[2 * WIDTH * HEIGHT + 7], 128 + ((-18 * 0x80 + 128) >> 8));
    free(planes);
    fclose(file);
}

static void folder_of_pictures(void **state)
{
    Fixture *f = *state;
    static const char script[] =
        "record_start('frames', 50)\n"
        "assert(not pcall(record_start, 'others'))\n"
        "sleep(0.35) assert(record_stop() == 4) assert(not pcall(record_stop))\n"
        "local ok, why = pcall(record_start, 'frames') assert(why:find 'holds a recording', why)\n"
        "ok, why = pcall(record_start, 'f', 1000) assert(why:find '1 to 100', why)\n"
        "ok, why = pcall(record_start, 'test.lua') assert(not ok, why)\n"
        "ok, why = pcall(record_start, '') assert(why:find 'y4m', why)\n";
    assert_int_equal(run(f, script, NULL), 0);
    assert_int_equal(files_in("frames"), 5);
    FILE *file = fopen("frames/frames.ffconcat", "r");
    char line[100], name[100] = "";
    unsigned pictures = 0, durations = 0;
    double seconds, sum = 0;
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, "ffconcat version 1.0\n");
    while (fgets(line, sizeof line, file)) {
        pictures += sscanf(line, "file '%90[^']'", name) == 1;
        if (sscanf(line, "duration %lf", &seconds) == 1) {
            sum += seconds;
            durations++;
        }
    }
    fclose(file);
    assert_int_equal(pictures, 5);
    assert_int_equal(durations, 4);
    assert_true(sum > 0.3499 && sum < 0.3501);
    snprintf(line, sizeof line, "frames/%.90s", name);
    expect_picture(f, line);
}

/* Another size is another file; rates that do not divide a second keep their time. */
static void sizes_and_rates(void **state)
{
    (void)state;
    static uint32_t pixels[64];
    static uint64_t rows[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    Error err;
    uint64_t frames, taken = 0;
    Frame frame = {.width = 8, .height = 8, .serial = 1, .pixels = pixels, .changed = rows};
    Recording *recording = recording_new("a.y4m", 3, 1000, &err);
    assert_non_null(recording);
    for (uint64_t now = 1000; now <= 1000 + 2000 * MILLISECOND; now = recording_due(recording), taken++) {
        frame.width = taken < 3 ? 8 : taken == 4 ? 0 : 4;
        frame.height = frame.width;
        assert_true(recording_take(recording, &frame, now, &err));
        assert_true(recording_due(recording) > now);
    }
    assert_true(recording_end(recording, 0, &frames, &err));
    assert_int_equal(taken, 7);
    assert_int_equal(frames, 7);
    struct stat first, second;
    assert_int_equal(stat("a.y4m", &first), 0);
    assert_int_equal(stat("a-2.y4m", &second), 0);
    const size_t header = strlen("YUV4MPEG2 W8 H8 F3:1 Ip A1:1 C444\n");
    assert_int_equal(first.st_size, header + 3 * (6 + 3 * 64));
    assert_int_equal(second.st_size, header + 4 * (6 + 3 * 16));
    recording = recording_new("b", 3, 0, &err);
    assert_non_null(recording);
    frame.width = frame.height = 8;
    for (uint64_t now = 0; now <= 1000 * MILLISECOND; now = recording_due(recording)) {
        assert_true(recording_take(recording, &frame, now, &err));
        assert_true(recording_due(recording) > now);
    }
    assert_true(recording_end(recording, 1000 * MILLISECOND, &frames, &err));
    assert_int_equal(frames, 1);
    assert_null(recording_new("no/such/b.y4m", 3, 0, &err));
    assert_null(recording_new("no/such/b", 3, 0, &err));
}

/* ---- Input ------------------------------------------------------------------------------------------- */

/* What the devices got, as "+A -A": down and up. */
static const char *events(const Fixture *f)
{
    static char text[4096];
    char *to = text;
    *to = 0;
    for (unsigned n = 0; n < f->count; n++) {
        const InputEvent *e = &f->seen[n].event;
        const Key *key = e->kind == INPUT_KEY ? key_by_code(e->code) : NULL;
        to += sprintf(to, "%s", n ? " " : "");
        if (key)
            to += sprintf(to, "%c%s", e->down ? '+' : '-', key->name);
        else if (e->kind == INPUT_BUTTON)
            to += sprintf(to, "%cB%u", e->down ? '+' : '-', e->code - BUTTON_LEFT);
        else
            to += sprintf(to, "%c%d,%d", "kbmpw"[e->kind], e -> x, e -> y);
    }
    return text;
}

static void typing(void **state)
{
    Fixture *f = *state;
    f->driven[INPUT_KEYBOARD] = true;
    assert_int_equal(
        run(f, "machine.type('aB') typeline() assert(keyboard().keyboard and not keyboard().mouse)", NULL),
        0);
    assert_string_equal(events(f), "+A -A +LEFTSHIFT +B -B -LEFTSHIFT +ENTER -ENTER");
    for (unsigned n = 1; n < f->count; n++)
        assert_true(f->seen[n].at - f->seen[n - 1].at >= 15 * MILLISECOND);
    uint64_t last = f->seen[7].at;
    assert_int_equal(run(f, "machine.type('aB') typeline()", NULL), 0);
    assert_int_equal(f->seen[7].at, last);
    assert_int_equal(run(f, "typeline('@', 'fr', 0.002)", "--keyboard-layout", "de", NULL), 0);
    assert_string_equal(events(f), "+RIGHTALT +0 -0 -RIGHTALT +ENTER -ENTER");
    assert_true(f->seen[5].at - f->seen[0].at < 15 * MILLISECOND);
    assert_int_equal(run(f, "machine.type('y^')", "--keyboard-layout", "de", "--key-pause", "0.05", NULL), 0);
    assert_string_equal(events(f), "+Z -Z +GRAVE -GRAVE +SPACE -SPACE");
    assert_true(f->seen[1].at - f->seen[0].at >= 50 * MILLISECOND);
    static const char wrong[] =
        "local ok, why = pcall(machine.type, 'a\\u{e4}b') assert(why:find 'layout us has no key for "
        "\\u{e4}', why)\n"
        "ok, why = pcall(machine.type, 'a\\xff') assert(why:find 'no key for \\\\xff', why)\n"
        "ok, why = pcall(machine.type, 'a', 'xx') assert(why:find 'there are us uk de', why)\n"
        "ok, why = pcall(machine.type, ('a'):rep(70000)) assert(why:find 'at most 65536', why)\n"
        "machine.type('')\n";
    assert_int_equal(run(f, wrong, NULL), 0);
    assert_int_equal(f->count, 0);
}

static void chords(void **state)
{
    Fixture *f = *state;
    f->driven[INPUT_KEYBOARD] = true;
    static const char script[] =
        "press('ctrl+alt+F2') press('Enter') press('ctrl++') press('ctrl+C') press('altgr')\n"
        "press('pgup', 0.1) key_down('shift') key_down('a') key_up('a') key_up('all')\n";
    assert_int_equal(run(f, script, NULL), 0);
    assert_string_equal(events(f),
                        "+LEFTCTRL +LEFTALT +F2 -F2 -LEFTALT -LEFTCTRL +ENTER -ENTER "
                        "+LEFTCTRL +LEFTSHIFT +EQUAL -EQUAL -LEFTSHIFT -LEFTCTRL +LEFTCTRL +C -C -LEFTCTRL "
                        "+RIGHTALT -RIGHTALT +PAGEUP -PAGEUP +LEFTSHIFT +A -A -LEFTSHIFT");
    assert_true(f->seen[21].at - f->seen[20].at >= 100 * MILLISECOND);
    /* A character is the key that types it. */
    assert_int_equal(run(f, "press('ctrl+z') press('/')", "--keyboard-layout", "de", NULL), 0);
    assert_string_equal(events(f), "+LEFTCTRL +Y -Y -LEFTCTRL +LEFTSHIFT +7 -7 -LEFTSHIFT");
    static const char wrong[] =
        "for _, chord in ipairs{'', 'ctrl+', 'nokey', 'a+b+nokey', '\\u{e4}', ('x'):rep(5000),\n"
        "                      'a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r+s+t+u+v+w+x'} do\n"
        "  assert(not pcall(press, chord), chord) assert(not pcall(key_down, chord), chord)\n"
        "end\n"
        "local ok, why = pcall(press, 'bakspace') assert(why:find 'mean BACKSPACE', why)\n";
    assert_int_equal(run(f, wrong, NULL), 0);
    assert_int_equal(f->count, 0);
}

/* Nobody listens; or whoever does is slow. */
static void keys_wait(void **state)
{
    Fixture *f = *state;
    static const char script[] =
        "local ok, why = pcall(press, 'a', 0.01, 0.5)\n"
        "assert(why:find 'press a: the guest drives no keyboard .waited 0.5 seconds', why)\n";
    assert_int_equal(run(f, script, NULL), 0);
    f->driven[INPUT_KEYBOARD] = true;
    f->busy_until = 850 * MILLISECOND;
    assert_int_equal(run(f, "machine.type('ab') assert(status().guest_seconds >= 0.9)", NULL), 0);
    assert_string_equal(events(f), "+A -A +B -B");
    assert_int_equal(f->seen[0].at, 900 * MILLISECOND);
    /* Given up in the middle: nothing stays pressed. */
    f->busy_until = 0;
    assert_int_equal(run(f, "assert(not pcall(press, 'ctrl+alt+x', 0.1, 0.25)) sleep(0.1)", NULL), 0);
    assert_string_equal(events(f), "+LEFTCTRL +LEFTALT +X -X -LEFTALT -LEFTCTRL");
    f->busy_until = 0;
    assert_int_equal(run(f, "assert(not pcall(press, 'ctrl+alt+x', 0.1, 0.15)) sleep(0.1)", NULL), 0);
    assert_string_equal(events(f), "+LEFTCTRL +LEFTALT -LEFTALT -LEFTCTRL");
}

static void pointers(void **state)
{
    Fixture *f = *state;
    static const char none[] = "local function fails(what, f, ...) local ok, why = pcall(f, ...) assert(not "
                               "ok and why:find(what), why) end\n"
                               "fails('no mouse', mouse_move, 1, 1) fails('no tablet', mouse_to, 1, 1) "
                               "fails('no mouse and no tablet', click)\n"
                               "fails('no mouse and no tablet', wheel, 1)\n";
    assert_int_equal(run(f, none, NULL), 0);
    f->driven[INPUT_MOUSE] = true;
    static const char mouse[] =
        "local function fails(what, f, ...) local ok, why = pcall(f, ...) assert(not ok and why:find(what), "
        "why) end\n"
        "mouse_move(10, -5) click() double_click('right') wheel(-2) fails('no tablet', click, 'left', 3, 4)\n"
        "fails('the buttons are', click, 'lower') fails('give', wheel, 1000) fails('give', mouse_move, "
        "100000, 0)\n";
    assert_int_equal(run(f, mouse, NULL), 0);
    assert_string_equal(events(f), "m10,-5 +B0 -B0 +B1 -B1 +B1 -B1 w0,-2");
    f->driven[INPUT_TABLET] = true;
    static const char tablet[] =
        "local function fails(what, f, ...) local ok, why = pcall(f, ...) assert(not ok and why:find(what), "
        "why) end\n"
        "mouse_to(0, 0) mouse_to(319, 159) click('middle', 160, 80)\n"
        "fails('not on the screen of 320 x 160', mouse_to, 320, 0) fails('not on', mouse_to, 0, -1)\n"
        "fails('not on', click, 'left', 5, -1)\n";
    assert_int_equal(run(f, tablet, NULL), 0);
    assert_string_equal(events(f), "p0,0 p32767,32767 p16434,16486 +B2 -B2");
    f->lit = false;
    assert_int_equal(run(f, "local ok, why = pcall(mouse_to, 1, 1) assert(why:find 'dark', why)", NULL), 0);
}

static void done(Call *call, void *opaque)
{
    assert_null(call->error);
    ++*(unsigned *)opaque;
}

static void type_twice(Fixture *f)
{
    static const char *const texts[] = {"AB", "c"};
    for (unsigned n = 0; n < 2; n++) {
        json_t *arguments = json_pack("[s]", texts[n]);
        client_init(&f->client[n], f->session, "test");
        operation_call(&f->client[n], operation_find("type"), arguments, done, &f->done);
        json_decref(arguments);
    }
}

/* Two clients type at once: one after the other. */
static void two_at_once(void **state)
{
    Fixture *f = *state;
    f->driven[INPUT_KEYBOARD] = true;
    f->before = type_twice;
    assert_int_equal(run(f, "sleep(0.5)", NULL), 0);
    assert_string_equal(events(f), "+LEFTSHIFT +A -A -LEFTSHIFT +LEFTSHIFT +B -B -LEFTSHIFT +C -C");
    assert_int_equal(f->done, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_and_places, setup, teardown),
        cmocka_unit_test_setup_teardown(checksums, setup, teardown),
        cmocka_unit_test_setup_teardown(dark, setup, teardown),
        cmocka_unit_test_setup_teardown(screenshots, setup, teardown),
        cmocka_unit_test_setup_teardown(by_signal, setup, teardown),
        cmocka_unit_test_setup_teardown(video, setup, teardown),
        cmocka_unit_test_setup_teardown(folder_of_pictures, setup, teardown),
        cmocka_unit_test_setup_teardown(sizes_and_rates, setup, teardown),
        cmocka_unit_test_setup_teardown(typing, setup, teardown),
        cmocka_unit_test_setup_teardown(chords, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(pointers, setup, teardown),
        cmocka_unit_test_setup_teardown(two_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
