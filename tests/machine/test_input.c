/* Keyboard and pointer events on their way to the device that the guest drives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "machine/input.h"
#include "machine/keys.h"

enum { SEEN = 64 };

typedef struct Sink {
    bool driven;
    unsigned room;
    InputEvent seen[SEEN];
    unsigned count;
} Sink;

static bool sink_driven(void *opaque)
{
    return ((Sink *)opaque)->driven;
}

static bool sink_has_room(void *opaque)
{
    return ((Sink *)opaque)->room;
}

static void sink_event(void *opaque, const InputEvent *event)
{
    Sink *s = opaque;
    assert_true(s->room && s->count < SEEN);
    s->room--;
    s->seen[s->count++] = *event;
}

static const InputOps ops = {sink_driven, sink_has_room, sink_event};

static Input *input;
static Sink keyboard, better_keyboard, mouse, tablet;

static int setup(void **state)
{
    (void)state;
    input = input_new();
    keyboard = better_keyboard = mouse = tablet = (Sink){.room = SEEN};
    input_connect(input, INPUT_KEYBOARD, &ops, &keyboard);
    input_connect(input, INPUT_MOUSE, &ops, &mouse);
    input_connect(input, INPUT_KEYBOARD, &ops, &better_keyboard);
    input_connect(input, INPUT_TABLET, &ops, &tablet);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    input_free(input);
    return 0;
}

static void key(const char *name, bool down)
{
    input_send(input, &(InputEvent){.kind = INPUT_KEY, .code = key_by_name(name)->code, .down = down});
}

static void expect_key(const Sink *sink, unsigned n, const char *name, bool down)
{
    assert_true(n < sink->count);
    assert_int_equal(sink->seen[n].kind, INPUT_KEY);
    assert_int_equal(sink->seen[n].code, key_by_name(name)->code);
    assert_int_equal(sink->seen[n].down, down);
}

static void test_keys_wait(void **state)
{
    (void)state;
    key("A", true);
    key("A", false);
    assert_int_equal(input_waiting(input), 2);
    keyboard.driven = true;
    keyboard.room = 1;
    input_deliver(input);
    assert_int_equal(input_waiting(input), 1);
    expect_key(&keyboard, 0, "A", true);
    keyboard.room = 1;
    input_deliver(input);
    expect_key(&keyboard, 1, "A", false);
    assert_int_equal(input_waiting(input), 0);
}

/* More than the first allocation holds, taken one by one: nothing is lost or changes places. */
static void test_long_queue(void **state)
{
    (void)state;
    keyboard.driven = true;
    keyboard.room = 0;
    for (unsigned n = 0; n < 1000; n++)
        key(n % 3 ? "B" : "C", true);
    for (unsigned n = 0; n < 1000; n++) {
        keyboard.room = 1;
        keyboard.count = 0;
        input_deliver(input);
        expect_key(&keyboard, 0, n % 3 ? "B" : "C", true);
    }
    assert_int_equal(input_waiting(input), 0);
}

static void test_best_device(void **state)
{
    (void)state;
    keyboard.driven = better_keyboard.driven = mouse.driven = true;
    key("X", true);
    assert_int_equal(keyboard.count, 0);
    expect_key(&better_keyboard, 0, "X", true);
    better_keyboard.driven = false;
    key("X", false);
    expect_key(&keyboard, 0, "X", false);
    assert_false(input_driven(input, INPUT_TABLET));
    input_send(input, &(InputEvent){.kind = INPUT_BUTTON, .code = BUTTON_LEFT, .down = true});
    assert_int_equal(mouse.count, 1);
    tablet.driven = true;
    assert_true(input_driven(input, INPUT_TABLET));
    input_send(input, &(InputEvent){.kind = INPUT_BUTTON, .code = BUTTON_LEFT});
    assert_int_equal(tablet.count, 1);
}

/* Pointers that nobody looks at are forgotten, and do not hold up the keyboard. */
static void test_no_pointer(void **state)
{
    (void)state;
    keyboard.driven = true;
    input_send(input, &(InputEvent){.kind = INPUT_MOVE, .x = 3});
    input_send(input, &(InputEvent){.kind = INPUT_POSITION, .x = 3});
    key("Y", true);
    assert_int_equal(input_waiting(input), 0);
    expect_key(&keyboard, 0, "Y", true);
}

static void test_movements_add_up(void **state)
{
    (void)state;
    mouse.driven = tablet.driven = true;
    mouse.room = tablet.room = 0;
    for (unsigned n = 0; n < 10; n++)
        input_send(input, &(InputEvent){.kind = INPUT_MOVE, .x = 2, .y = -1});
    input_send(input, &(InputEvent){.kind = INPUT_POSITION, .x = 5, .y = 5});
    input_send(input, &(InputEvent){.kind = INPUT_POSITION, .x = 6, .y = 7});
    assert_int_equal(input_waiting(input), 2);
    mouse.room = tablet.room = 9;
    input_deliver(input);
    assert_int_equal(mouse.count, 1);
    assert_int_equal(mouse.seen[0].x, 20);
    assert_int_equal(mouse.seen[0].y, -10);
    assert_int_equal(tablet.count, 1);
    assert_int_equal(tablet.seen[0].x, 6);
    assert_int_equal(tablet.seen[0].y, 7);
}

static void test_release(void **state)
{
    (void)state;
    keyboard.driven = mouse.driven = true;
    key("LEFTCTRL", true);
    key("LEFTALT", true);
    key("LEFTALT", false);
    key("LEFTALT", false); /* is up already */
    input_send(input, &(InputEvent){.kind = INPUT_BUTTON, .code = BUTTON_RIGHT, .down = true});
    input_send(input, &(InputEvent){.kind = INPUT_KEY, .code = INPUT_KEYS, .down = true}); /* no such key */
    assert_int_equal(keyboard.count, 3);
    input_release_all(input);
    assert_int_equal(keyboard.count, 4);
    expect_key(&keyboard, 3, "LEFTCTRL", false);
    assert_int_equal(mouse.count, 2);
    assert_int_equal(mouse.seen[1].code, BUTTON_RIGHT);
    assert_false(mouse.seen[1].down);
    input_release_all(input);
    assert_int_equal(keyboard.count, 4);
}

static void test_reset(void **state)
{
    (void)state;
    key("A", true);
    input_reset(input);
    keyboard.driven = true;
    input_deliver(input);
    input_release_all(input);
    assert_int_equal(keyboard.count, 0);
}

/* No two keys share a name, a code, a position or a scan code. */
static void test_key_table(void **state)
{
    (void)state;
    for (unsigned n = 0; n < key_count; n++) {
        assert_ptr_equal(key_by_name(keys[n].name), &keys[n]);
        assert_ptr_equal(key_by_code(keys[n].code), &keys[n]);
        assert_ptr_equal(key_by_usage(keys[n].usage), &keys[n]);
        assert_true(keys[n].code < BUTTON_LEFT);
        for (unsigned set = 0; set < KEY_SETS; set++)
            for (unsigned k = 0; k < n && keys[n].scan[set]; k++)
                assert_int_not_equal(keys[n].scan[set], keys[k].scan[set]);
    }
    assert_null(key_by_name("NONE"));
    assert_null(key_by_code(0));
    assert_null(key_by_usage(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_keys_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(test_best_device, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_pointer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_movements_add_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_release, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
        cmocka_unit_test(test_key_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
