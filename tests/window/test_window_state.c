/* What is remembered: written and read again, and files full of something else. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "frontends/window_state.h"

typedef struct Fixture {
    char folder[64], path[128];
} Fixture;

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    strcpy(f->folder, "/tmp/window-state-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    setenv("XDG_STATE_HOME", f->folder, 1);
    *state = f;
    return !window_state_path(f->path, sizeof f->path);
}

static int teardown(void **state)
{
    Fixture *f = *state;
    char folder[96];
    snprintf(folder, sizeof folder, "%s/armature", f->folder);
    unlink(f->path);
    rmdir(folder);
    rmdir(f->folder);
    free(f);
    return 0;
}

static void put(const Fixture *f, const char *text, size_t length)
{
    FILE *file = fopen(f->path, "w");
    assert_non_null(file);
    fwrite(text, 1, length, file);
    fclose(file);
}

static void written_and_read(void **state)
{
    Fixture *f = *state;
    WindowState wanted = {.placed = true, .x = -30, .y = 40, .width = 800, .height = 600, .smooth = true},
                got;
    assert_true(window_state_write(&wanted, f->path));
    window_state_read(&got, f->path);
    assert_memory_equal(&wanted, &got, sizeof got);
    wanted = (WindowState){.maximized = true, .status = true};
    assert_true(window_state_write(&wanted, f->path));
    window_state_read(&got, f->path);
    assert_memory_equal(&wanted, &got, sizeof got);
}

static void no_file(void **state)
{
    Fixture *f = *state;
    WindowState got = {.width = 7}, none = {0};
    window_state_read(&got, f->path);
    assert_memory_equal(&got, &none, sizeof got);
    window_state_read(&got, f->folder);
    assert_memory_equal(&got, &none, sizeof got);
    assert_false(window_state_write(&none, "/proc/none/armature/window"));
}

/* Only what makes sense is taken, and half a size is none. */
static void garbage(void **state)
{
    Fixture *f = *state;
    WindowState got, any = {.width = 1, .height = 1};
    assert_true(window_state_write(&any, f->path));
    static const char text[] = "x = 12\ny = 99999999999999999999\nwidth = 0\nheight = 480\n\0\xff\xfe= 3\n"
                               "smooth = 1\nmaximized = 2\nstatus = yes\nstatus = 1 1\n==\n";
    put(f, text, sizeof text - 1);
    window_state_read(&got, f->path);
    WindowState wanted = {.smooth = true};
    assert_memory_equal(&got, &wanted, sizeof got);
    char noise[20000];
    for (unsigned seed = 1; seed < 20; seed++) {
        srand(seed);
        for (size_t n = 0; n < sizeof noise; n++)
            noise[n] = (char)rand();
        put(f, noise, sizeof noise);
        window_state_read(&got, f->path);
        wanted = (WindowState){0};
        assert_memory_equal(&got, &wanted, sizeof got);
    }
}

static void places(void **state)
{
    char path[64];
    (void)state;
    assert_false(window_state_path(path, 10));
    setenv("XDG_STATE_HOME", "not/absolute", 1);
    setenv("HOME", "/home/somebody", 1);
    assert_true(window_state_path(path, sizeof path));
    assert_string_equal(path, "/home/somebody/.local/state/armature/window");
    unsetenv("HOME");
    assert_false(window_state_path(path, sizeof path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(written_and_read, setup, teardown),
        cmocka_unit_test_setup_teardown(no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(garbage, setup, teardown),
        cmocka_unit_test_setup_teardown(places, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
