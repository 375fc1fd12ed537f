/* The PS/2 keyboard at a PL050: scan codes, commands, typematic repeat, buffer, and how the user waits. */
#include "tests/devices/ps2_host.h"

enum { ACK = 0xfa, RESEND = 0xfe };

static int setup(void **state)
{
    static Ps2Host host;
    ps2_host_init(&host, "ps2_keyboard");
    ps2_host_send(&host, 0xf4);
    expect_bytes(&host, ACK);
    step(&host.h, 20 * MILLISECOND_NS);
    *state = &host;
    return 0;
}

static int teardown(void **state)
{
    harness_done(&((Ps2Host *)*state)->h);
    return 0;
}

static void press(Ps2Host *host, uint16_t key)
{
    user(host, INPUT_KEY, key, true, 0, 0);
}

static void release(Ps2Host *host, uint16_t key)
{
    user(host, INPUT_KEY, key, false, 0, 0);
}

static void select_set(Ps2Host *host, uint8_t set)
{
    expect_answer(host, 0xf0, ACK);
    expect_answer(host, set, ACK);
    expect_answer(host, 0xf4, ACK);
    step(&host->h, 20 * MILLISECOND_NS);
}

/* Presses and releases the key; what arrives is in `bytes`. */
static unsigned stroke(Ps2Host *host, uint16_t key, uint8_t *bytes, unsigned most)
{
    unsigned count = 0;
    press(host, key);
    release(host, key);
    for (int byte = ps2_host_get(host); byte != NOTHING; byte = ps2_host_get(host)) {
        assert_true(count < most);
        bytes[count++] = (uint8_t)byte;
    }
    return count;
}

/* ---- Scan codes --------------------------------------------------------------------------------------- */

/* Every key that has no rules of its own, in the sets 1 and 2, from its row of the table. */
static void test_all_plain_keys(void **state)
{
    Ps2Host *host = *state;
    for (uint8_t set = 1; set <= 2; set++) {
        select_set(host, set);
        for (unsigned n = 0; n < key_count; n++) {
            uint16_t scan = keys[n].scan[set - 1];
            uint8_t got[16], want[16];
            unsigned count = 0;
            if (keys[n].code == KEYCODE_PAUSE || keys[n].code == KEYCODE_SYSRQ)
                continue;
            for (unsigned up = 0; up < 2; up++) {
                if (scan >> 8)
                    want[count++] = 0xe0;
                if (up && set == 2)
                    want[count++] = 0xf0;
                want[count++] = (uint8_t)(scan | (up && set == 1 ? 0x80 : 0));
            }
            if (stroke(host, keys[n].code, got, sizeof got) != count || memcmp(got, want, count))
                fail_msg("set %u: %s", set, keys[n].name);
        }
    }
}

/* Some rows against the published tables of IBM's keyboard: key, set 1, set 2, set 3. */
static void test_published_codes(void **state)
{
    (void)state;
    static const struct {
        uint16_t key, set1, set2, set3;
    } rows[] = {
        {KEYCODE_ESC,        0x01,   0x76,   0x08},
        {KEYCODE_F1,         0x3b,   0x05,   0x07},
        {KEYCODE_F7,         0x41,   0x83,   0x37},
        {KEYCODE_F11,        0x57,   0x78,   0x56},
        {KEYCODE_F12,        0x58,   0x07,   0x5e},
        {KEYCODE_A,          0x1e,   0x1c,   0x1c},
        {KEYCODE_Q,          0x10,   0x15,   0x15},
        {KEYCODE_0,          0x0b,   0x45,   0x45},
        {KEYCODE_GRAVE,      0x29,   0x0e,   0x0e},
        {KEYCODE_BACKSPACE,  0x0e,   0x66,   0x66},
        {KEYCODE_BACKSLASH,  0x2b,   0x5d,   0x5c},
        {KEYCODE_102ND,      0x56,   0x61,   0x13},
        {KEYCODE_CAPSLOCK,   0x3a,   0x58,   0x14},
        {KEYCODE_LEFTSHIFT,  0x2a,   0x12,   0x12},
        {KEYCODE_RIGHTSHIFT, 0x36,   0x59,   0x59},
        {KEYCODE_LEFTCTRL,   0x1d,   0x14,   0x11},
        {KEYCODE_LEFTALT,    0x38,   0x11,   0x19},
        {KEYCODE_SPACE,      0x39,   0x29,   0x29},
        {KEYCODE_RIGHTALT,   0xe038, 0xe011, 0x39},
        {KEYCODE_RIGHTCTRL,  0xe01d, 0xe014, 0x58},
        {KEYCODE_INSERT,     0xe052, 0xe070, 0x67},
        {KEYCODE_DELETE,     0xe053, 0xe071, 0x64},
        {KEYCODE_LEFT,       0xe04b, 0xe06b, 0x61},
        {KEYCODE_HOME,       0xe047, 0xe06c, 0x6e},
        {KEYCODE_END,        0xe04f, 0xe069, 0x65},
        {KEYCODE_UP,         0xe048, 0xe075, 0x63},
        {KEYCODE_DOWN,       0xe050, 0xe072, 0x60},
        {KEYCODE_PAGEUP,     0xe049, 0xe07d, 0x6f},
        {KEYCODE_PAGEDOWN,   0xe051, 0xe07a, 0x6d},
        {KEYCODE_RIGHT,      0xe04d, 0xe074, 0x6a},
        {KEYCODE_NUMLOCK,    0x45,   0x77,   0x76},
        {KEYCODE_KP7,        0x47,   0x6c,   0x6c},
        {KEYCODE_KPSLASH,    0xe035, 0xe04a, 0x77},
        {KEYCODE_KPASTERISK, 0x37,   0x7c,   0x7e},
        {KEYCODE_KPMINUS,    0x4a,   0x7b,   0x84},
        {KEYCODE_KPPLUS,     0x4e,   0x79,   0x7c},
        {KEYCODE_KPENTER,    0xe01c, 0xe05a, 0x79},
        {KEYCODE_SYSRQ,      0xe037, 0xe07c, 0x57},
        {KEYCODE_SCROLLLOCK, 0x46,   0x7e,   0x5f},
        {KEYCODE_LEFTMETA,   0xe05b, 0xe01f, 0x8b},
        {KEYCODE_RIGHTMETA,  0xe05c, 0xe027, 0x8c},
        {KEYCODE_COMPOSE,    0xe05d, 0xe02f, 0x8d},
    };
    for (unsigned n = 0; n < sizeof rows / sizeof *rows; n++) {
        const Key *key = key_by_code(rows[n].key);
        if (key->scan[0] != rows[n].set1 || key->scan[1] != rows[n].set2 || key->scan[2] != rows[n].set3)
            fail_msg("%s", key->name);
    }
}

static void test_pause(void **state)
{
    Ps2Host *host = *state;
    press(host, KEYCODE_PAUSE);
    expect_bytes(host, 0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77);
    step(&host->h, 2 * SECOND_NS); /* does not repeat */
    release(host, KEYCODE_PAUSE);
    expect_nothing(host);
    press(host, KEYCODE_LEFTCTRL);
    press(host, KEYCODE_PAUSE);
    expect_bytes(host, 0x14, 0xe0, 0x7e, 0xe0, 0xf0, 0x7e);
    select_set(host, 1);
    press(host, KEYCODE_PAUSE);
    release(host, KEYCODE_PAUSE);
    press(host, KEYCODE_PAUSE);
    expect_bytes(host, 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
}

static void test_print_screen(void **state)
{
    Ps2Host *host = *state;
    press(host, KEYCODE_SYSRQ);
    expect_bytes(host, 0xe0, 0x12, 0xe0, 0x7c);
    release(host, KEYCODE_SYSRQ);
    expect_bytes(host, 0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12);
    press(host, KEYCODE_RIGHTSHIFT);
    press(host, KEYCODE_SYSRQ);
    release(host, KEYCODE_SYSRQ);
    expect_bytes(host, 0x59, 0xe0, 0x7c, 0xe0, 0xf0, 0x7c);
    release(host, KEYCODE_RIGHTSHIFT);
    press(host, KEYCODE_LEFTALT);
    press(host, KEYCODE_SYSRQ);
    release(host, KEYCODE_SYSRQ);
    expect_bytes(host, 0xf0, 0x59, 0x11, 0x84, 0xf0, 0x84);
}

/* The cursor keys pretend that Shift and Num Lock are not on. */
static void test_grey_keys(void **state)
{
    Ps2Host *host = *state;
    press(host, KEYCODE_LEFTSHIFT);
    press(host, KEYCODE_UP);
    release(host, KEYCODE_UP);
    expect_bytes(host, 0x12, 0xe0, 0xf0, 0x12, 0xe0, 0x75, 0xe0, 0xf0, 0x75, 0xe0, 0x12);
    press(host, KEYCODE_RIGHTSHIFT);
    expect_bytes(host, 0x59);
    press(host, KEYCODE_KPSLASH);
    expect_bytes(host, 0xe0, 0xf0, 0x12, 0xe0, 0xf0, 0x59, 0xe0, 0x4a);
    release(host, KEYCODE_KPSLASH);
    expect_bytes(host, 0xe0, 0xf0, 0x4a, 0xe0, 0x12, 0xe0, 0x59);
    expect_answer(host, 0xed, ACK);
    expect_answer(host, 2, ACK); /* Num Lock */
    press(host, KEYCODE_UP);
    expect_bytes(host, 0xe0, 0x75);
    release(host, KEYCODE_UP);
    release(host, KEYCODE_LEFTSHIFT);
    release(host, KEYCODE_RIGHTSHIFT);
    expect_bytes(host, 0xe0, 0xf0, 0x75, 0xf0, 0x12, 0xf0, 0x59);
    press(host, KEYCODE_DELETE);
    release(host, KEYCODE_DELETE);
    expect_bytes(host, 0xe0, 0x12, 0xe0, 0x71, 0xe0, 0xf0, 0x71, 0xe0, 0xf0, 0x12);
    press(host, KEYCODE_KPSLASH);
    expect_bytes(host, 0xe0, 0x4a);
}

/* In set 3 keys say by kind what they do; there are no prefixes. */
static void test_set_3_kinds(void **state)
{
    Ps2Host *host = *state;
    select_set(host, 3);
    press(host, KEYCODE_A); /* typematic */
    release(host, KEYCODE_A);
    expect_bytes(host, 0x1c);
    press(host, KEYCODE_LEFTCTRL); /* make and break */
    release(host, KEYCODE_LEFTCTRL);
    expect_bytes(host, 0x11, 0xf0, 0x11);
    press(host, KEYCODE_PAUSE); /* make only */
    step(&host->h, SECOND_NS);
    release(host, KEYCODE_PAUSE);
    expect_bytes(host, 0x62);
    press(host, KEYCODE_UP);
    step(&host->h, 550 * MILLISECOND_NS);
    expect_bytes(host, 0x63, 0x63);
    release(host, KEYCODE_UP);
    press(host, KEYCODE_POWER); /* has no code in this set */
    release(host, KEYCODE_POWER);
    expect_nothing(host);
}

static void expect_kind(Ps2Host *host, uint16_t key, bool repeats, bool breaks)
{
    uint8_t code = (uint8_t)key_by_code(key)->scan[2];
    press(host, key);
    assert_int_equal(ps2_host_get(host), code);
    step(&host->h, 600 * MILLISECOND_NS);
    assert_int_equal(ps2_host_get(host), repeats ? code : NOTHING);
    while (ps2_host_get(host) != NOTHING) {
    }
    release(host, key);
    assert_int_equal(ps2_host_get(host), breaks ? 0xf0 : NOTHING);
    assert_int_equal(ps2_host_get(host), breaks ? code : NOTHING);
}

static void test_set_key_types(void **state)
{
    Ps2Host *host = *state;
    static const bool kind[][2] = {
        {true,  false},
        {false, true },
        {false, false},
        {true,  true }
    };
    select_set(host, 3);
    for (unsigned n = 0; n < 4; n++) {
        expect_answer(host, 0xf7 + n, ACK);
        expect_kind(host, KEYCODE_A, kind[n][0], kind[n][1]);
        expect_kind(host, KEYCODE_F1, kind[n][0], kind[n][1]);
    }
    for (unsigned n = 0; n < 3;
         n++) { /* for A and F1 only, after all others were made typematic or make/break */
        expect_answer(host, n == 1 ? 0xf9 : 0xfa, ACK);
        expect_answer(host, 0xfb + n, ACK);
        expect_answer(host, 0x1c, ACK);
        expect_answer(host, 0x07, ACK);
        expect_answer(host, 0x00, ACK); /* no such key */
        expect_answer(host, 0xf4, ACK); /* ends the list */
        step(&host->h, 20 * MILLISECOND_NS);
        expect_kind(host, KEYCODE_A, kind[n][0], kind[n][1]);
        expect_kind(host, KEYCODE_F1, kind[n][0], kind[n][1]);
        expect_kind(host, KEYCODE_B, n != 1, n != 1);
    }
    expect_answer(host, 0xf6, ACK); /* set 2 again */
    expect_answer(host, 0xf4, ACK);
    select_set(host, 3);
    expect_kind(host, KEYCODE_A, true, false);
    expect_kind(host, KEYCODE_F1, false, false);
}

/* ---- Commands ----------------------------------------------------------------------------------------- */

static void test_simple_commands(void **state)
{
    Ps2Host *host = *state;
    expect_answer(host, 0xee, 0xee);
    expect_answer(host, 0xf2, ACK, 0xab, 0x83);
    expect_answer(host, 0xfe, 0x83); /* again */
    expect_answer(host, 0xef, RESEND);
    expect_answer(host, 0xf1, RESEND);
    expect_answer(host, 0x00, RESEND);
    expect_answer(host, 0xfe, 0x83); /* RESEND itself is not repeated */
    step(&host->h, 500 * MILLISECOND_NS);
    press(host, KEYCODE_A);
    expect_bytes(host, 0x1c);
    expect_answer(host, 0xfe, 0x1c);
}

static void test_lights(void **state)
{
    Ps2Host *host = *state;
    Input *input = host->h.env.input;
    static const unsigned leds[8] = {0,
                                     LED_SCROLL_LOCK,
                                     LED_NUM_LOCK,
                                     LED_SCROLL_LOCK | LED_NUM_LOCK,
                                     LED_CAPS_LOCK,
                                     LED_SCROLL_LOCK | LED_CAPS_LOCK,
                                     LED_NUM_LOCK | LED_CAPS_LOCK,
                                     LED_SCROLL_LOCK | LED_NUM_LOCK | LED_CAPS_LOCK};
    for (unsigned n = 1; n <= 8; n++) {
        expect_answer(host, 0xed, ACK);
        expect_answer(host, n % 8, ACK);
        assert_int_equal(input_leds(input), leds[n % 8]);
    }
    expect_answer(host, 0xed, ACK);
    expect_answer(host, 7, ACK);
    expect_answer(host, 0xed, ACK);
    expect_answer(host, 0xee, 0xee); /* a command instead of the lights */
    assert_int_equal(input_leds(input), leds[7]);
    expect_answer(host, 0xff, ACK);
    assert_int_equal(input_leds(input), 0);
}

static void test_scan_code_sets(void **state)
{
    Ps2Host *host = *state;
    for (unsigned set = 1; set <= 3; set++) {
        expect_answer(host, 0xf0, ACK);
        expect_answer(host, set, ACK);
        expect_answer(host, 0xf0, ACK);
        expect_answer(host, 0, ACK, (uint8_t)set);
    }
    expect_answer(host, 0xf0, ACK);
    expect_answer(host, 4, RESEND);
    expect_answer(host, 0xf5, ACK);
    expect_answer(host, 0xf0, ACK);
    expect_answer(host, 0, ACK, 2);
}

static void test_reset(void **state)
{
    Ps2Host *host = *state;
    select_set(host, 3);
    expect_answer(host, 0xf5, ACK);
    expect_answer(host, 0xff, ACK);
    step(&host->h, 480 * MILLISECOND_NS);
    expect_nothing(host);
    step(&host->h, 20 * MILLISECOND_NS);
    expect_bytes(host, 0xaa);
    expect_answer(host, 0xf0, ACK);
    expect_answer(host, 0, ACK, 2);
    press(host, KEYCODE_A);
    expect_nothing(host); /* the driver may not be done yet */
    step(&host->h, 500 * MILLISECOND_NS);
    expect_bytes(host, 0x1c); /* scanning is on after a reset */
}

/* ---- Typematic repeat --------------------------------------------------------------------------------- */

static unsigned repeats(Ps2Host *host, uint64_t ns)
{
    unsigned count = 0;
    for (uint64_t end = host->h.now + ns; host->h.now < end; step(&host->h, MILLISECOND_NS))
        if (read_reg(host->kmi, KMISTAT) & RXFULL)
            count += read_reg(host->kmi, KMIDATA) == 0x1c;
    return count;
}

static void test_typematic(void **state)
{
    Ps2Host *host = *state;
    press(host, KEYCODE_A);
    assert_int_equal(repeats(host, 495 * MILLISECOND_NS), 1);
    assert_int_equal(repeats(host, 10 * MILLISECOND_NS), 1);
    assert_int_equal(repeats(host, 10 * SECOND_NS), 109); /* 10.9 a second */
    press(host, KEYCODE_A);                               /* the host's own repetition */
    assert_int_equal(repeats(host, 90 * MILLISECOND_NS), 1);
    press(host, KEYCODE_B); /* the last key that went down repeats */
    assert_int_equal(repeats(host, 2 * SECOND_NS), 0);
    release(host, KEYCODE_B);
    assert_int_equal(repeats(host, 2 * SECOND_NS), 0);
}

static void test_typematic_rates(void **state)
{
    Ps2Host *host = *state;
    static const struct {
        uint8_t rate;
        unsigned delay_ms, per_minute;
    } rates[] = {
        {0x00, 250,  1800},
        {0x7f, 1000, 120 },
        {0x2b, 500,  655 },
        {0x54, 750,  300 }
    };
    for (unsigned n = 0; n < 4; n++) {
        expect_answer(host, 0xf3, ACK);
        expect_answer(host, rates[n].rate, ACK);
        press(host, KEYCODE_A);
        assert_int_equal(repeats(host, (rates[n].delay_ms - 2) * MILLISECOND_NS), 1);
        assert_int_equal(repeats(host, 4 * MILLISECOND_NS), 1);
        unsigned count = repeats(host, 60 * SECOND_NS);
        assert_in_range(count, rates[n].per_minute - 1, rates[n].per_minute + 1);
        release(host, KEYCODE_A);
        repeats(host, 10 * MILLISECOND_NS);
    }
    expect_answer(host, 0xf3, ACK);
    expect_answer(host, 0x80, RESEND);
}

/* ---- Buffer and user ---------------------------------------------------------------------------------- */

/* Sixteen bytes are kept, with the one that the interface holds and the code that says that some were lost.
 */
static void test_overrun(void **state)
{
    Ps2Host *host = *state;
    press(host, KEYCODE_A);
    step(&host->h, 60 * SECOND_NS);
    release(host, KEYCODE_A); /* waits for room */
    assert_int_equal(input_waiting(host->h.env.input), 1);
    for (unsigned n = 0; n < 17; n++)
        assert_int_equal(ps2_host_get(host), 0x1c);
    expect_bytes(host, 0x00, 0xf0, 0x1c);
}

/* Whatever the user does while the guest is busy arrives, in order. */
static void test_nothing_is_lost(void **state)
{
    Ps2Host *host = *state;
    for (unsigned n = 0; n < 200; n++) {
        press(host, n % 2 ? KEYCODE_Q : KEYCODE_UP);
        release(host, n % 2 ? KEYCODE_Q : KEYCODE_UP);
    }
    step(&host->h, SECOND_NS / 4);
    assert_true(input_waiting(host->h.env.input) > 300);
    for (unsigned n = 0; n < 200; n++) {
        static const uint8_t up[] = {0xe0, 0x75, 0xe0, 0xf0, 0x75}, q[] = {0x15, 0xf0, 0x15};
        const uint8_t *bytes = n % 2 ? q : up;
        for (unsigned k = 0; k < (n % 2 ? sizeof q : sizeof up); k++)
            assert_int_equal(ps2_host_get(host), bytes[k]);
    }
    expect_nothing(host);
    assert_int_equal(input_waiting(host->h.env.input), 0);
}

static void test_driven(void **state)
{
    Ps2Host *host = *state;
    Input *input = host->h.env.input;
    assert_true(input_driven(input, INPUT_KEYBOARD));
    expect_answer(host, 0xf5, ACK);
    step(&host->h, SECOND_NS);
    assert_false(input_driven(input, INPUT_KEYBOARD)); /* not scanning */
    press(host, KEYCODE_A);
    expect_answer(host, 0xf4, ACK);
    assert_false(input_driven(input, INPUT_KEYBOARD)); /* the driver gets a moment */
    step(&host->h, 20 * MILLISECOND_NS);
    assert_true(input_driven(input, INPUT_KEYBOARD));
    expect_bytes(host, 0x1c);
    write_reg(host->kmi, KMICR, 0);
    assert_false(input_driven(input, INPUT_KEYBOARD));
    write_reg(host->kmi, KMICR, KMIEN); /* a program that never talks to the keyboard */
    assert_false(input_driven(input, INPUT_KEYBOARD));
    step(&host->h, 500 * MILLISECOND_NS);
    assert_true(input_driven(input, INPUT_KEYBOARD));
    device_reset(host->kmi);
    assert_false(input_driven(input, INPUT_KEYBOARD));
}

/* A key that is held while the interface is switched off may go up at another keyboard. */
static void test_held_while_switched_off(void **state)
{
    Ps2Host *host = *state;
    press(host, KEYCODE_A);
    expect_bytes(host, 0x1c);
    write_reg(host->kmi, KMICR, 0);
    step(&host->h, SECOND_NS);
    write_reg(host->kmi, KMICR, KMIEN);
    step(&host->h, SECOND_NS);
    expect_nothing(host);
    press(host, KEYCODE_A);
    expect_bytes(host, 0x1c);
}

/* Keys wait while the keyboard waits for what a command is about. */
static void test_argument_stops_scanning(void **state)
{
    Ps2Host *host = *state;
    expect_answer(host, 0xed, ACK);
    press(host, KEYCODE_A);
    step(&host->h, SECOND_NS);
    expect_nothing(host);
    ps2_host_send(host, 0);
    expect_bytes(host, ACK, 0x1c);
}

/* Commands forget what was not sent yet if they set the keyboard up, and do not otherwise. */
static void test_commands_and_buffer(void **state)
{
    Ps2Host *host = *state;
    write_reg(host->kmi, KMICR, KMIEN | FKMIC);
    press(host, KEYCODE_A);
    write_reg(host->kmi, KMIDATA, 0xee);
    write_reg(host->kmi, KMICR, KMIEN);
    expect_bytes(host, 0xee, 0x1c);
    write_reg(host->kmi, KMICR, KMIEN | FKMIC);
    release(host, KEYCODE_A);
    write_reg(host->kmi, KMIDATA, 0xf4);
    write_reg(host->kmi, KMICR, KMIEN);
    expect_bytes(host, ACK);
}

/* ---- Hostile guests ----------------------------------------------------------------------------------- */

static uint32_t next(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (uint32_t)(*random >> 16);
}

static void act(Ps2Host *host, uint64_t *random)
{
    uint32_t some = next(random);
    switch (next(random) % 12) {
    case 0:
    case 1:
    case 2:
        write_reg(host->kmi, KMIDATA, next(random) % 4 ? 0xed + some % 19 : some);
        break;
    case 3:
        read_reg(host->kmi, KMIDATA);
        break;
    case 4:
        write_reg(host->kmi, KMICR, next(random) % 8 ? KMIEN | (some & 0x38) : some);
        break;
    case 5:
        write_reg(host->kmi, KMICLKDIV, next(random));
        break;
    case 6:
    case 7:
        user(host, INPUT_KEY, (uint16_t)(some % 130), next(random) % 2, 0, 0);
        break;
    case 8:
        if (next(random) % 64 == 0)
            device_reset(next(random) % 2 ? host->kmi : host->device);
        break;
    default:
        step(&host->h, some % (4 * MILLISECOND_NS) << (next(random) % 64 == 0 ? 10 : 0));
        break;
    }
}

/* Whatever happens, what the user did is not piled up inside, and afterwards the keyboard works as ever. */
static void test_random_use(void **state)
{
    Ps2Host *host = *state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t random = seed * 0x9e3779b97f4a7c15;
        for (unsigned n = 0; n < 10000; n++)
            act(host, &random);
        device_reset(host->kmi);
        input_reset(host->h.env.input);
        write_reg(host->kmi, KMICLKDIV, 2);
        write_reg(host->kmi, KMICR, KMIEN | RXINTREN);
        step(&host->h, SECOND_NS);
        while (ps2_host_get(host) != NOTHING) {
        }
        expect_answer(host, 0xff, ACK);
        step(&host->h, SECOND_NS);
        expect_bytes(host, 0xaa);
        expect_answer(host, 0xf4, ACK);
        step(&host->h, 20 * MILLISECOND_NS);
        press(host, KEYCODE_M);
        release(host, KEYCODE_M);
        expect_bytes(host, 0x3a, 0xf0, 0x3a);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_all_plain_keys),
        CASE(test_published_codes),
        CASE(test_pause),
        CASE(test_print_screen),
        CASE(test_grey_keys),
        CASE(test_set_3_kinds),
        CASE(test_set_key_types),
        CASE(test_simple_commands),
        CASE(test_lights),
        CASE(test_scan_code_sets),
        CASE(test_reset),
        CASE(test_typematic),
        CASE(test_typematic_rates),
        CASE(test_overrun),
        CASE(test_nothing_is_lost),
        CASE(test_driven),
        CASE(test_held_while_switched_off),
        CASE(test_argument_stops_scanning),
        CASE(test_commands_and_buffer),
        CASE(test_random_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
