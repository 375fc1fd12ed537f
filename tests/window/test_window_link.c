/* What passes between the threads: pictures, commands, serial output; also with both threads busy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "frontends/window_link.h"

enum { WIDTH = 8, HEIGHT = 6 };

typedef struct Fixture {
    WindowLink *link;
    atomic_uint wakes;
    /* What the window has been told. */
    uint32_t width, height;
    unsigned sizes, rows, calls;
    uint32_t shown[WIDTH * HEIGHT];
    /* What the session shows. */
    uint32_t pixels[WIDTH * HEIGHT];
    uint64_t changed[HEIGHT];
    Frame frame;
} Fixture;

static void woken(void *opaque)
{
    ((Fixture *)opaque)->wakes++;
}

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    f->link = window_link_new(woken, f);
    f->frame =
        (Frame){.width = WIDTH, .height = HEIGHT, .frame_ns = 5, .pixels = f->pixels, .changed = f->changed};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    window_link_free(f->link);
    free(f);
    return 0;
}

static void size(void *opaque, uint32_t width, uint32_t height, uint32_t frame_ns)
{
    Fixture *f = opaque;
    f->width = width;
    f->height = height;
    f->sizes++;
    assert_int_equal(frame_ns, 5);
}

static void rows(void *opaque, uint32_t y, uint32_t count, uint32_t width, const uint32_t *pixels)
{
    Fixture *f = opaque;
    assert_true(width == f->width && y + count <= f->height);
    memcpy(f->shown + y * width, pixels, count * width * sizeof *pixels);
    f->rows += count;
    f->calls++;
}

static bool look(Fixture *f)
{
    WindowPicture sink = {size, rows, f};
    f->rows = f->calls = 0;
    return window_link_look(f->link, &sink);
}

static void change(Fixture *f, uint32_t y, uint32_t value)
{
    for (uint32_t x = 0; x < WIDTH; x++)
        f->pixels[y * WIDTH + x] = value + x;
    f->changed[y] = ++f->frame.serial;
}

static void only_rows_that_changed(void **state)
{
    Fixture *f = *state;
    assert_false(look(f));
    assert_true(window_link_show(f->link, &f->frame, 0));
    assert_true(look(f));
    assert_int_equal(f->sizes, 1);
    assert_int_equal(f->rows, HEIGHT); /* a new size: all of it */
    uint64_t seen = f->frame.serial;
    assert_true(window_link_show(f->link, &f->frame, seen));
    assert_false(look(f));
    change(f, 1, 100);
    change(f, 2, 200);
    change(f, 5, 300);
    assert_true(window_link_show(f->link, &f->frame, seen));
    assert_true(look(f));
    assert_int_equal(f->rows, 3);
    assert_int_equal(f->calls, 2);
    assert_int_equal(f->sizes, 1);
    assert_memory_equal(f->shown, f->pixels, sizeof f->pixels);
}

/* Rows that the window has not taken stay to be taken. */
static void pictures_add_up(void **state)
{
    Fixture *f = *state;
    window_link_show(f->link, &f->frame, 0);
    look(f);
    uint64_t seen = f->frame.serial;
    for (uint32_t y = 0; y < 3; y++) {
        change(f, y, y * 10);
        window_link_show(f->link, &f->frame, seen);
        seen = f->frame.serial;
    }
    assert_true(look(f));
    assert_int_equal(f->rows, 3);
    assert_memory_equal(f->shown, f->pixels, sizeof f->pixels);
}

static void dark_and_lost(void **state)
{
    Fixture *f = *state;
    Frame dark = {.frame_ns = 5};
    change(f, 3, 7);
    window_link_show(f->link, &f->frame, 0);
    look(f);
    window_link_forget(f->link);
    memset(f->shown, 0, sizeof f->shown);
    assert_true(look(f));
    assert_int_equal(f->sizes, 2);
    assert_memory_equal(f->shown, f->pixels, sizeof f->pixels);
    window_link_show(f->link, &dark, 99);
    assert_true(look(f));
    assert_int_equal(f->width, 0);
    assert_int_equal(f->rows, 0);
    window_link_forget(f->link);
    assert_true(look(f));
    window_link_show(f->link, &f->frame, 99);
    assert_true(look(f));
    assert_int_equal(f->rows, HEIGHT);
}

static void woken_once(void **state)
{
    Fixture *f = *state;
    window_link_note(f->link, false, "one");
    window_link_note(f->link, true, "two");
    assert_int_equal(f->wakes, 1);
    window_link_awake(f->link);
    window_link_report(f->link, &(WindowStatus){.running = true, .note = "not this", .notes = 77});
    assert_int_equal(f->wakes, 2);
    WindowStatus status;
    window_link_status(f->link, &status);
    assert_string_equal(status.note, "two");
    assert_int_equal(status.notes, 2);
    assert_true(status.running && status.note_is_path);
}

static bool readable(const Fixture *f)
{
    struct pollfd fd = {.fd = window_link_fd(f->link), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void commands(void **state)
{
    Fixture *f = *state;
    char text[] = "abc";
    assert_false(readable(f));
    window_link_send(f->link, &(WindowCommand){.kind = WINDOW_TYPE, .text = text, .length = 3});
    window_link_send(f->link, &(WindowCommand){.kind = WINDOW_PAUSE, .on = true});
    strcpy(text, "xyz");
    assert_true(readable(f));
    const WindowCommand *command = window_link_take(f->link);
    assert_int_equal(command->kind, WINDOW_TYPE);
    assert_string_equal(command->text, "abc");
    command = window_link_take(f->link);
    assert_true(command->kind == WINDOW_PAUSE && command->on);
    assert_null(window_link_take(f->link));
    assert_false(readable(f));
    window_link_send(f->link, &(WindowCommand){.kind = WINDOW_END}); /* and nobody takes it */
}

/* The newest characters are kept. */
static void what_ports_show(void **state)
{
    Fixture *f = *state;
    uint8_t data[64];
    char text[32];
    assert_int_equal(window_link_read(f->link, 2, data, sizeof data), 0);
    window_link_write(f->link, 2, (const uint8_t *)"hello", 5);
    assert_int_equal(window_link_read(f->link, 1, data, sizeof data), 0);
    assert_int_equal(window_link_read(f->link, 2, data, 3), 3);
    assert_int_equal(window_link_read(f->link, 2, data, sizeof data), 2);
    assert_memory_equal(data, "lo", 2);
    for (int n = 0; n < 100000; n++)
        window_link_write(f->link, 0, (const uint8_t *)text, (size_t)snprintf(text, sizeof text, "%07d", n));
    size_t total = 0, count;
    while ((count = window_link_read(f->link, 0, data, 7)) == 7)
        total += count;
    assert_in_range(total + count, 100000, 7 * 100000 - 1);
}

/* ---- Two threads -------------------------------------------------------------------------------------- */

enum { PICTURES = 20000 };

static void *session_thread(void *opaque)
{
    Fixture *f = opaque;
    uint64_t seen = 0;
    unsigned commands = 0;
    for (unsigned n = 0; n < PICTURES; n++) {
        change(f, n % HEIGHT, n);
        if (window_link_show(f->link, &f->frame, seen))
            seen = f->frame.serial;
        window_link_write(f->link, 0, (const uint8_t *)"x", 1);
        window_link_report(f->link, &(WindowStatus){.seconds = n});
        while (window_link_take(f->link))
            commands++;
    }
    while (!window_link_show(f->link, &f->frame, seen)) {
    }
    return (void *)(uintptr_t)commands;
}

static void both_busy(void **state)
{
    Fixture *f = *state;
    pthread_t id;
    WindowStatus status;
    void *taken;
    uint8_t data[256];
    size_t characters = 0;
    unsigned sent = 0;
    pthread_create(&id, NULL, session_thread, f);
    do {
        window_link_awake(f->link);
        look(f);
        window_link_send(f->link, &(WindowCommand){.kind = WINDOW_LET_GO});
        sent++;
        characters += window_link_read(f->link, 0, data, sizeof data);
        window_link_status(f->link, &status);
    } while (status.seconds < PICTURES - 1);
    pthread_join(id, &taken);
    look(f);
    assert_memory_equal(f->shown, f->pixels, sizeof f->pixels);
    unsigned left = 0;
    while (window_link_take(f->link))
        left++;
    assert_int_equal((unsigned)(uintptr_t)taken + left, sent);
    for (size_t count; (count = window_link_read(f->link, 0, data, sizeof data)); characters += count) {
    }
    assert_int_equal(characters, PICTURES);
    assert_true(f->wakes > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_rows_that_changed),
        TEST(pictures_add_up),
        TEST(dark_and_lost),
        TEST(woken_once),
        TEST(commands),
        TEST(what_ports_show),
        TEST(both_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
