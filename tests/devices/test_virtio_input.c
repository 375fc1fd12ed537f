/* The virtio keyboard, mouse and tablet: what they say of themselves, and what arrives. */
#include "tests/devices/virtio_driver.h"

enum { EVENTS, STATUS, SIZE = 16 };
enum { ID_NAME = 1, ID_SERIAL, ID_DEVIDS, PROP_BITS = 0x10, EV_BITS, ABS_INFO };
enum { SELECT = REG_CONFIG, SUBSEL, CONFIG_SIZE, UNION = REG_CONFIG + 8 };

static Driver d;
static unsigned offered; /* event buffers */

static void make(InputKind kind)
{
    driver_init(&d, "virtio_input", &(DeviceProps){{kind}});
    offered = 0;
}

static void offer_events(unsigned count)
{
    for (unsigned n = 0; n < count; n++, offered++)
        driver_offer(&d, EVENTS, 1, &(Buffer){DATA + 8 * (offered % SIZE), 8, true});
    driver_notify(&d, EVENTS);
}

static void make_and_start(InputKind kind)
{
    make(kind);
    driver_start(&d, F_INDIRECT | F_EVENT_INDEX, SIZE);
    offer_events(SIZE);
}

/* Selects, and expects so many bytes. */
static void expect_size(unsigned select, unsigned subsel, unsigned size)
{
    write_narrow(d.dev, SELECT, 1, select);
    write_narrow(d.dev, SUBSEL, 1, subsel);
    if (read_narrow(d.dev, CONFIG_SIZE, 1) != size)
        fail_msg("select 0x%x, %u: %u bytes, not %u", select, subsel, read_narrow(d.dev, CONFIG_SIZE, 1),
                 size);
}

static bool bit(unsigned n)
{
    return read_narrow(d.dev, UNION + n / 8, 1) >> n % 8 & 1;
}

static void expect_event(uint16_t type, uint16_t code, int32_t value)
{
    uint32_t id, written;
    if (!driver_used(&d, EVENTS, &id, &written))
        fail_msg("no event where %u %u %d should be", type, code, value);
    assert_int_equal(written, 8);
    uint32_t address = get32(&d, ring(EVENTS, 16 * id));
    if (get16(&d, address) != type || get16(&d, address + 2) != code ||
        (int32_t)get32(&d, address + 4) != value)
        fail_msg("event %u %u %d, not %u %u %d", get16(&d, address), get16(&d, address + 2),
                 (int32_t)get32(&d, address + 4), type, code, value);
}

static void expect_no_event(void)
{
    uint32_t id, written;
    assert_false(driver_used(&d, EVENTS, &id, &written));
}

static void send(InputEvent event)
{
    input_send(d.h.env.input, &event);
}

static void test_keyboard_identity(void **state)
{
    (void)state;
    make(INPUT_KEYBOARD);
    expect_reg(d.dev, REG_DEVICE_ID, 18);
    expect_size(0, 0, 0);
    expect_size(ID_NAME, 0, 24);
    char name[32] = "";
    for (unsigned n = 0; n < 24; n++)
        name[n] = (char)read_narrow(d.dev, UNION + n, 1);
    assert_string_equal(name, "Armature virtio keyboard");
    expect_size(ID_NAME, 1, 0);
    expect_size(ID_SERIAL, 0, 0);
    expect_size(PROP_BITS, 0, 0);
    expect_size(ID_DEVIDS, 0, 8);
    expect_equal(read_narrow(d.dev, UNION, 2), 6);
    expect_size(EV_BITS, 1, 16); /* keys */
    assert_true(bit(30) && bit(1) && bit(125) && !bit(0) && !bit(0x110));
    expect_size(EV_BITS, 2, 0);
    expect_size(EV_BITS, 3, 0);
    expect_size(EV_BITS, 0x11, 1);
    expect_equal(read_narrow(d.dev, UNION, 1), 7);
    expect_size(EV_BITS, 0x14, 1);
    expect_size(ABS_INFO, 0, 0);
    expect_equal(read_narrow(d.dev, UNION, 4), 0);
    expect_size(0xff, 0xff, 0);
    driver_done(&d);
}

static void test_pointer_identities(void **state)
{
    (void)state;
    make(INPUT_MOUSE);
    expect_size(EV_BITS, 1, 0x114 / 8 + 1);
    assert_true(bit(0x110) && bit(0x114) && !bit(30));
    expect_size(EV_BITS, 2, 2);
    expect_equal(read_narrow(d.dev, UNION, 2), 0x143);
    expect_size(EV_BITS, 3, 0);
    expect_size(EV_BITS, 0x11, 0);
    driver_done(&d);
    make(INPUT_TABLET);
    expect_size(EV_BITS, 1, 0x114 / 8 + 1);
    expect_size(EV_BITS, 2, 2);
    expect_equal(read_narrow(d.dev, UNION, 2), 0x140);
    expect_size(EV_BITS, 3, 1);
    expect_equal(read_narrow(d.dev, UNION, 1), 3);
    expect_size(ABS_INFO, 0, 20);
    expect_size(ABS_INFO, 1, 20);
    expect_reg(d.dev, UNION, 0);
    expect_reg(d.dev, UNION + 4, INPUT_POSITION_MOST);
    expect_size(ABS_INFO, 2, 0);
    driver_done(&d);
}

static void test_keys(void **state)
{
    (void)state;
    make_and_start(INPUT_KEYBOARD);
    assert_true(input_driven(d.h.env.input, INPUT_KEYBOARD));
    send((InputEvent){.kind = INPUT_KEY, .code = 30, .down = true});
    expect_event(1, 30, 1);
    expect_event(0, 0, 0);
    expect_no_event();
    expect_irq(d.dev, 0, true);
    expect_reg(d.dev, REG_INT_STATUS, 1);
    send((InputEvent){.kind = INPUT_KEY, .code = 30, .down = true}); /* repeats are the guest's */
    expect_no_event();
    send((InputEvent){.kind = INPUT_KEY, .code = 30});
    expect_event(1, 30, 0);
    expect_event(0, 0, 0);
    driver_done(&d);
}

static void test_mouse(void **state)
{
    (void)state;
    make_and_start(INPUT_MOUSE);
    send((InputEvent){.kind = INPUT_MOVE, .x = -3, .y = 4});
    expect_event(2, 0, -3);
    expect_event(2, 1, 4);
    expect_event(0, 0, 0);
    send((InputEvent){.kind = INPUT_MOVE, .y = -1});
    expect_event(2, 1, -1);
    expect_event(0, 0, 0);
    send((InputEvent){.kind = INPUT_MOVE});
    expect_no_event();
    send((InputEvent){.kind = INPUT_WHEEL, .x = 1, .y = -1});
    expect_event(2, 6, 1);
    expect_event(2, 8, -1);
    expect_event(0, 0, 0);
    send((InputEvent){.kind = INPUT_BUTTON, .code = BUTTON_MIDDLE, .down = true});
    expect_event(1, 0x112, 1);
    expect_event(0, 0, 0);
    driver_done(&d);
}

static void test_tablet(void **state)
{
    (void)state;
    make_and_start(INPUT_TABLET);
    send((InputEvent){.kind = INPUT_POSITION, .x = 0, .y = INPUT_POSITION_MOST});
    expect_event(3, 0, 0);
    expect_event(3, 1, INPUT_POSITION_MOST);
    expect_event(0, 0, 0);
    send((InputEvent){.kind = INPUT_BUTTON, .code = BUTTON_LEFT, .down = true});
    expect_event(1, 0x110, 1);
    expect_event(0, 0, 0);
    driver_done(&d);
}

/* A report goes as a whole or waits, and so does what comes after it. */
static void test_waits_for_buffers(void **state)
{
    (void)state;
    make(INPUT_KEYBOARD);
    driver_start(&d, 0, SIZE);
    send((InputEvent){.kind = INPUT_KEY, .code = 30, .down = true});
    assert_false(input_driven(d.h.env.input, INPUT_KEYBOARD)); /* not yet listening */
    offer_events(2);
    assert_true(input_driven(d.h.env.input, INPUT_KEYBOARD));
    expect_no_event();
    assert_int_equal(input_waiting(d.h.env.input), 1);
    offer_events(2);
    expect_event(1, 30, 1);
    expect_event(0, 0, 0);
    send((InputEvent){.kind = INPUT_KEY, .code = 30});
    expect_no_event();
    assert_true(input_driven(d.h.env.input, INPUT_KEYBOARD)); /* only busy */
    offer_events(4);
    expect_event(1, 30, 0);
    expect_event(0, 0, 0);
    write_reg(d.dev, REG_STATUS, 0);
    assert_false(input_driven(d.h.env.input, INPUT_KEYBOARD));
    driver_done(&d);
}

static void send_status(uint16_t type, uint16_t code, uint32_t value, uint32_t size)
{
    uint32_t id, written;
    put16(&d, DATA + 0x100, type);
    put16(&d, DATA + 0x102, code);
    put32(&d, DATA + 0x104, value);
    driver_offer(&d, STATUS, 1, &(Buffer){DATA + 0x100, size, false});
    driver_notify(&d, STATUS);
    assert_true(driver_used(&d, STATUS, &id, &written));
    assert_int_equal(written, 0);
}

static void test_lights(void **state)
{
    (void)state;
    make_and_start(INPUT_KEYBOARD);
    static const unsigned leds[] = {LED_NUM_LOCK, LED_CAPS_LOCK, LED_SCROLL_LOCK};
    for (uint16_t n = 0; n < 3; n++) {
        send_status(0x11, n, 1, 8);
        assert_int_equal(input_leds(d.h.env.input), leds[n]);
        send_status(0x11, n, 0, 8);
        assert_int_equal(input_leds(d.h.env.input), 0);
    }
    send_status(0x11, 3, 1, 8);
    send_status(0x12, 0, 1, 8);
    send_status(0x11, 0, 1, 7);
    assert_int_equal(input_leds(d.h.env.input), 0);
    driver_expect_broken(&d, false);
    driver_done(&d);
}

/* Buffers that are too small get what fits, buffers that cannot be written get nothing. */
static void test_odd_buffers(void **state)
{
    (void)state;
    make(INPUT_KEYBOARD);
    driver_start(&d, 0, SIZE);
    uint32_t id, written;
    uint16_t a = driver_offer(&d, EVENTS, 1, &(Buffer){DATA, 3, true});
    uint16_t b = driver_offer(&d, EVENTS, 1, &(Buffer){DATA + 8, 8, false});
    driver_offer(&d, EVENTS, 1, &(Buffer){DATA + 16, 8, true});
    driver_notify(&d, EVENTS);
    send((InputEvent){.kind = INPUT_KEY, .code = 30, .down = true});
    assert_true(driver_used(&d, EVENTS, &id, &written));
    assert_true(id == a && written == 3);
    assert_memory_equal(at(&d, DATA), "\1\0\36\0", 4);
    assert_true(driver_used(&d, EVENTS, &id, &written));
    assert_true(id == b && written == 0);
    driver_done(&d);
}

static void test_bad_kind(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Error err;
    assert_null(device_new(device_type_find("virtio_input"), "x", &h.env, &(DeviceProps){{3}}, 0, &err));
    assert_non_null(strstr(err.text, "kind 3"));
    harness_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keyboard_identity),
        cmocka_unit_test(test_pointer_identities),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_mouse),
        cmocka_unit_test(test_tablet),
        cmocka_unit_test(test_waits_for_buffers),
        cmocka_unit_test(test_lights),
        cmocka_unit_test(test_odd_buffers),
        cmocka_unit_test(test_bad_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
