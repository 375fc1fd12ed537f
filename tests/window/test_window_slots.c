/* Slots: whose they are, what is read from them, and how they are chosen. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <cmocka.h>

#include "frontends/screen_png.h"
#include "frontends/window_slots.h"
#include "frontends/window_state.h"
#include "snapshot/snapshot.h"

static char home[] = "/tmp/armature-slots-XXXXXX";

static void folder_of(const Options *options, char *path)
{
    assert_true(slots_folder(options, path, 1024));
}

static void whose_they_are(void **state)
{
    char one[1024], other[1024], wanted[1100];
    (void)state;
    Options options = {.boot = {.kernel = "/tmp/a kernel"}};
    folder_of(&options, one);
    snprintf(wanted, sizeof wanted, "%s/armature/slots/a-kernel-", home);
    assert_memory_equal(one, wanted, strlen(wanted));
    assert_int_equal(strlen(one), strlen(wanted) + 16);
    options.machine.memory = 5 << 20; /* built otherwise: then the load says so */
    folder_of(&options, other);
    assert_string_equal(one, other);
    options.boot.kernel = "/tmp/x/../a kernel"; /* no such file: as it stands */
    folder_of(&options, other);
    assert_string_not_equal(one, other);
    assert_int_equal(chdir("/tmp"), 0);
    options.boot.kernel = "/proc/self/../self/exe";
    folder_of(&options, one);
    char *exe = realpath("/proc/self/exe", NULL);
    options.boot.kernel = exe; /* the same file by another name */
    folder_of(&options, other);
    assert_string_equal(one, other);
    options.disk[options.disk_count++] = "debian.img,overlay=temp";
    folder_of(&options, one);
    assert_string_not_equal(one, other);
    assert_non_null(strstr(one, "/debian.img-"));
    options.disk[0] = "debian.img"; /* the same disk, used otherwise */
    folder_of(&options, other);
    assert_string_equal(one, other);
    options.snapshot = "/tmp/a.snap"; /* what the run began with is another question */
    folder_of(&options, other);
    assert_string_equal(one, other);
    options = (Options){.snapshot = "/tmp/a.snap"};
    folder_of(&options, one);
    options = (Options){0};
    folder_of(&options, other);
    assert_string_not_equal(one, other);
    assert_non_null(strstr(other, "/rom-"));
    free(exe);
}

/* Left half red, right half blue: a Frame's width and height. */
static uint8_t *halves(const void *picture, size_t *size)
{
    Frame frame = *(const Frame *)picture;
    uint32_t *pixels = malloc((size_t)frame.width * frame.height * sizeof *pixels);
    for (uint32_t n = 0; n < frame.width * frame.height; n++)
        pixels[n] = n % frame.width < frame.width / 2 ? 0xff0000 : 0x0000ff;
    frame.pixels = pixels;
    uint8_t *png = screen_png_bytes(&frame, size);
    free(pixels);
    return png;
}

static uint8_t *text(const void *picture, size_t *size)
{
    *size = strlen(picture);
    return (uint8_t *)strdup(picture);
}

static void save(const char *path, uint8_t *(*png)(const void *picture, size_t *size), const void *picture)
{
    Error err;
    Machine *machine = machine_new(&(MachineOptions){.cpus = 1, .memory = 1 << 20, .deterministic = true},
                                   log_new(NULL), &err);
    assert_non_null(machine);
    assert_true(snapshot_save(
        machine, path, &(SnapshotWish){.compress = true, .png = png, .picture = picture, .host_time = 86400},
        &err));
    machine_free(machine);
}

static void what_is_read(void **state)
{
    static const struct {
        uint32_t width, height;
        int across, down;
    } sizes[] = {
        {1024, 768, 96, 72},
        {2000, 100, 96, 4 },
        {10,   600, 1,  72},
        {40,   30,  40, 30},
        {1,    1,   1,  1 },
    };
    char path[1100], folder[1024];
    static Slot slot;
    (void)state;
    folder_of(&(Options){0}, folder);
    assert_true(slot_path(folder, 9, path, sizeof path));
    assert_non_null(strstr(path, "/10.snap"));
    assert_false(slot_path(folder, 9, path, 20));
    assert_true(slot_path(folder, 9, path, sizeof path) && window_state_folders(path));
    slot_read(&slot, path);
    assert_false(slot.used);
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        save(path, halves, &(Frame){.width = sizes[n].width, .height = sizes[n].height});
        slot_read(&slot, path);
        assert_true(slot.used);
        assert_memory_equal(slot.date, "1970-01-0", 9);
        assert_non_null(strstr(slot.text, "0.0 s, 0."));
        assert_int_equal(slot.width, sizes[n].across);
        assert_int_equal(slot.height, sizes[n].down);
        if (slot.width > 1) {
            assert_int_equal(slot.thumbnail[0], 0xffff0000);
            assert_int_equal(slot.thumbnail[slot.width * slot.height - 1], 0xff0000ff);
        }
    }
    save(path, text, "no picture at all");
    slot_read(&slot, path);
    assert_true(slot.used && !slot.width);
    assert_int_equal(truncate(path, 1000), 0);
    slot_read(&slot, path);
    assert_true(slot.used && !slot.width);
    assert_string_equal(slot.text, "cannot be used");
    unlink(path);
}

static void choosing(void **state)
{
    static WindowSlots slots;
    Canvas canvas;
    (void)state;
    canvas_init(&canvas);
    canvas_clear(&canvas, 1024, 768);
    folder_of(&(Options){0}, slots.folder);
    window_slots_open(&slots, true);
    window_slots_draw(&slots, &canvas);
    assert_int_equal(slots.columns, 2);
    slots.slot[3].used = true;
    assert_int_equal(window_slots_digit(&slots, 4), -1); /* in use */
    assert_true(slots.open && slots.sure == 3);
    window_slots_draw(&slots, &canvas);
    assert_int_equal(window_slots_key(&slots, SLOTS_UP), -1);
    assert_int_equal(slots.chosen, 1);
    assert_int_equal(window_slots_key(&slots, SLOTS_DOWN), -1);
    assert_int_equal(window_slots_key(&slots, SLOTS_ENTER), -1); /* somewhere else meanwhile: asked again */
    assert_int_equal(window_slots_key(&slots, SLOTS_ENTER), 3);
    assert_false(slots.open);
    slots.open = true;
    assert_int_equal(window_slots_digit(&slots, 0), 9);
    slots.open = true;
    slots.saving = false;
    assert_int_equal(window_slots_digit(&slots, 1), -1); /* empty */
    assert_true(slots.open);
    assert_int_equal(window_slots_digit(&slots, 4), 3);
    slots.open = true;
    window_slots_draw(&slots, &canvas);
    assert_int_equal(window_slots_pointer(&slots, slots.x + 16 + 450, slots.y + 16 + 18 + 120, true), 3);
    slots.open = true;
    assert_int_equal(window_slots_pointer(&slots, slots.x + 16 + 450, slots.y + 16 + 18 + 40, true), -1);
    assert_int_equal(slots.chosen, 1);
    assert_int_equal(window_slots_pointer(&slots, slots.x - 1, slots.y + 40, false), -1);
    assert_true(slots.open);
    assert_int_equal(window_slots_pointer(&slots, slots.x - 1, slots.y + 40, true), -1);
    assert_false(slots.open);
    for (int size = 0; size < 700; size += 31) /* nothing is drawn outside */
        for (int n = 0; n < 10; n++) {
            canvas_clear(&canvas, size, size / 2);
            window_slots_draw(&slots, &canvas);
            window_slots_key(&slots, SLOTS_DOWN);
            window_slots_key(&slots, SLOTS_RIGHT);
        }
    canvas_free(&canvas);
}

static void whether_they_fit(void **state)
{
    char path[100];
    struct statvfs status;
    (void)state;
    snprintf(path, sizeof path, "%s/1.snap", home);
    assert_int_equal(statvfs(home, &status), 0);
    uint64_t free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    assert_true(slots_fit(path, free_bytes / 100)); /* others write there, too */
    assert_false(slots_fit(path, free_bytes / 4));
    assert_false(slots_fit(path, UINT64_MAX));
    assert_false(slots_fit("/nonexistent/1.snap", 1));
}

static int set_up(void **state)
{
    (void)state;
    return !mkdtemp(home) || setenv("XDG_STATE_HOME", home, 1) || setenv("TZ", "UTC", 1);
}

static int tear_down(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", home);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whose_they_are),
        cmocka_unit_test(what_is_read),
        cmocka_unit_test(choosing),
        cmocka_unit_test(whether_they_fit),
    };
    return cmocka_run_group_tests_name("window_slots", tests, set_up, tear_down);
}
