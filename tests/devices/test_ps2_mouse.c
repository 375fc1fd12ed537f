/* The PS/2 mouse at a PL050: packets, modes, commands, wheel and five buttons, and how the user waits. */
#include "tests/devices/ps2_host.h"

enum { ACK = 0xfa, RESEND = 0xfe };

static int setup(void **state)
{
    static Ps2Host host;
    ps2_host_init(&host, "ps2_mouse");
    *state = &host;
    return 0;
}

static int teardown(void **state)
{
    harness_done(&((Ps2Host *)*state)->h);
    return 0;
}

static void command(Ps2Host *host, uint8_t byte)
{
    expect_answer(host, byte, ACK);
}

static void set(Ps2Host *host, uint8_t byte, uint8_t argument)
{
    command(host, byte);
    command(host, argument);
}

static void move(Ps2Host *host, int32_t x, int32_t y)
{
    user(host, INPUT_MOVE, 0, false, x, y);
}

static void wheel(Ps2Host *host, int32_t clicks)
{
    user(host, INPUT_WHEEL, 0, false, 0, clicks);
}

static void button(Ps2Host *host, uint16_t code, bool down)
{
    user(host, INPUT_BUTTON, code, down, 0, 0);
}

static void knock(Ps2Host *host, uint8_t first, uint8_t second, uint8_t third, uint8_t id)
{
    set(host, 0xf3, first);
    set(host, 0xf3, second);
    set(host, 0xf3, third);
    expect_answer(host, 0xf2, ACK, id);
    set(host, 0xf3, 100);
}

/* At the next sample. */
#define expect_packet(host, ...) step(&(host)->h, 10 * MILLISECOND_NS), expect_first_bytes(host, __VA_ARGS__)

/* Until the mouse has nothing more to say. */
static void drain(Ps2Host *host)
{
    for (unsigned idle = 0; idle < 10; idle++, step(&host->h, 20 * MILLISECOND_NS))
        while (ps2_host_get(host) != NOTHING)
            idle = 0;
}

/* ---- Packets ------------------------------------------------------------------------------------------ */

static void test_movement(void **state)
{
    Ps2Host *host = *state;
    command(host, 0xf4);
    move(host, 5, 0);
    expect_packet(host, 0x08, 5, 0);
    move(host, 0, 5); /* down: PS/2 counts upwards */
    expect_packet(host, 0x28, 0, 0xfb);
    move(host, -1, -1);
    expect_packet(host, 0x18, 0xff, 1);
    move(host, 255, -255);
    expect_packet(host, 0x08, 255, 255);
    move(host, -255, 255);
    expect_packet(host, 0x38, 1, 1);
    move(host, 0, 0);
    expect_nothing(host);
    wheel(host, 1); /* has none */
    expect_nothing(host);
}

/* What does not fit into one packet follows in the next ones, one for each sample. */
static void test_far_movement(void **state)
{
    Ps2Host *host = *state;
    command(host, 0xf4);
    move(host, 600, 300);
    expect_packet(host, 0x28, 255, 1);
    expect_packet(host, 0x28, 255, 0xd3);
    expect_packet(host, 0x08, 90, 0);
    step(&host->h, SECOND_NS);
    expect_nothing(host);
}

static void test_buttons(void **state)
{
    Ps2Host *host = *state;
    static const struct {
        uint16_t code;
        uint8_t bit;
    } buttons[] = {
        {BUTTON_LEFT,   1},
        {BUTTON_RIGHT,  2},
        {BUTTON_MIDDLE, 4}
    };
    command(host, 0xf4);
    for (unsigned n = 0; n < 3; n++) {
        button(host, buttons[n].code, true);
        button(host, buttons[n].code, false);
        expect_packet(host, (uint8_t)(8 | buttons[n].bit), 0, 0);
        expect_packet(host, 8, 0, 0);
    }
    button(host, BUTTON_SIDE, true); /* has none */
    button(host, BUTTON_SIDE, false);
    expect_nothing(host);
    button(host, BUTTON_LEFT, true);
    button(host, BUTTON_RIGHT, true);
    expect_packet(host, 9, 0, 0);
    expect_packet(host, 11, 0, 0);
}

static void test_scaling(void **state)
{
    Ps2Host *host = *state;
    static const uint8_t scaled[] = {0, 1, 1, 3, 6, 9, 12, 14};
    command(host, 0xe7);
    command(host, 0xf4);
    for (unsigned n = 1; n < sizeof scaled; n++) {
        move(host, (int32_t)n, (int32_t)n);
        expect_packet(host, 0x28, scaled[n], (uint8_t)-scaled[n]);
    }
    move(host, 200, 0);
    expect_packet(host, 0x08, 254, 0);
    expect_packet(host, 0x08, 146, 0);
    command(host, 0xe6);
    move(host, 3, 0);
    expect_packet(host, 0x08, 3, 0);
}

static void test_wheel(void **state)
{
    Ps2Host *host = *state;
    knock(host, 200, 100, 80, 3);
    command(host, 0xf4);
    wheel(host, 1); /* away from the user */
    expect_packet(host, 0x08, 0, 0, 0xff);
    wheel(host, -2);
    expect_packet(host, 0x08, 0, 0, 2);
    wheel(host, -9);
    expect_packet(host, 0x08, 0, 0, 7);
    expect_packet(host, 0x08, 0, 0, 2);
    move(host, 1, 0);
    expect_packet(host, 0x08, 1, 0, 0);
}

static void test_explorer(void **state)
{
    Ps2Host *host = *state;
    knock(host, 200, 100, 80, 3);
    knock(host, 200, 200, 80, 4);
    command(host, 0xf4);
    button(host, BUTTON_SIDE, true);
    expect_packet(host, 0x08, 0, 0, 0x10);
    button(host, BUTTON_EXTRA, true);
    expect_packet(host, 0x08, 0, 0, 0x30);
    wheel(host, 8);
    expect_packet(host, 0x08, 0, 0, 0x38);
    button(host, BUTTON_SIDE, false);
    wheel(host, -1);
    expect_packet(host, 0x08, 0, 0, 0x20);
    expect_packet(host, 0x08, 0, 0, 0x21);
    command(host, 0xf6); /* defaults leave the kind */
    expect_answer(host, 0xf2, ACK, 4);
    expect_answer(host, 0xff, ACK);
    step(&host->h, 500 * MILLISECOND_NS);
    expect_bytes(host, 0xaa, 0);
    expect_answer(host, 0xf2, ACK, 0);
}

/* Other rates, or the right ones in another order, are no knock. */
static void test_no_knock(void **state)
{
    Ps2Host *host = *state;
    knock(host, 200, 80, 100, 0);
    knock(host, 100, 200, 80, 0);
    knock(host, 200, 60, 80, 0);
}

/* ---- Modes -------------------------------------------------------------------------------------------- */

static void test_sample_rate(void **state)
{
    Ps2Host *host = *state;
    static const uint8_t rates[] = {10, 20, 40, 60, 80, 100, 200};
    for (unsigned n = 0; n < sizeof rates; n++) {
        set(host, 0xf3, rates[n]);
        command(host, 0xf4);
        unsigned packets = 0;
        for (uint64_t end = host->h.now + 2 * SECOND_NS; host->h.now < end;) {
            move(host, 1, 0);
            step(&host->h, MILLISECOND_NS / 2);
            if (read_reg(host->kmi, KMISTAT) & RXFULL)
                packets += read_reg(host->kmi, KMIDATA) == 8;
        }
        assert_in_range(packets, 2 * rates[n] - 2, 2 * rates[n] + 2);
        drain(host);
        command(host, 0xf5);
    }
}

static void test_remote_mode(void **state)
{
    Ps2Host *host = *state;
    command(host, 0xf0);
    move(host, 3, -4);
    move(host, 3, -4);
    step(&host->h, SECOND_NS);
    expect_nothing(host);
    expect_answer(host, 0xeb, ACK, 0x08, 6, 8);
    expect_answer(host, 0xeb, ACK, 0x08, 0, 0);
    command(host, 0xe7); /* counts only in stream mode */
    move(host, 6, 0);
    expect_answer(host, 0xeb, ACK, 0x08, 6, 0);
    button(host, BUTTON_LEFT, true);
    button(host, BUTTON_LEFT, false); /* waits until the mouse was asked */
    expect_answer(host, 0xeb, ACK, 0x09, 0, 0);
    expect_answer(host, 0xeb, ACK, 0x08, 0, 0);
    command(host, 0xea);
    command(host, 0xf4);
    move(host, 7, 0);
    expect_packet(host, 0x08, 14, 0);
}

static void test_overflow(void **state)
{
    Ps2Host *host = *state;
    command(host, 0xf0);
    move(host, 200, 0);
    move(host, 56, 0);
    expect_answer(host, 0xeb, ACK, 0x48, 255, 0);
    move(host, 255, 255);
    expect_answer(host, 0xeb, ACK, 0x28, 255, 1);
    move(host, -1000, 1000);
    expect_answer(host, 0xeb, ACK, 0xf8, 1, 1);
    expect_answer(host, 0xeb, ACK, 0x08, 0, 0);
}

static void test_wrap_mode(void **state)
{
    Ps2Host *host = *state;
    command(host, 0xf4);
    command(host, 0xee);
    for (unsigned byte = 0; byte < 0x100; byte++)
        if (byte != 0xec && byte != 0xff)
            expect_answer(host, (uint8_t)byte, (uint8_t)byte);
    move(host, 1, 0); /* is over before the mouse looks again */
    command(host, 0xec);
    expect_nothing(host);
    move(host, 2, 0);
    expect_packet(host, 0x08, 2, 0);
    command(host, 0xee);
    expect_answer(host, 0xff, ACK);
    step(&host->h, 500 * MILLISECOND_NS);
    expect_bytes(host, 0xaa, 0);
    expect_answer(host, 0xf2, ACK, 0);
}

/* ---- Commands ----------------------------------------------------------------------------------------- */

static void test_status(void **state)
{
    Ps2Host *host = *state;
    expect_answer(host, 0xe9, ACK, 0x00, 2, 100);
    set(host, 0xe8, 3);
    set(host, 0xf3, 40);
    command(host, 0xe7);
    command(host, 0xf4);
    expect_answer(host, 0xe9, ACK, 0x30, 3, 40);
    button(host, BUTTON_LEFT, true);
    expect_bytes(host, 0x09, 0, 0);
    expect_answer(host, 0xe9, ACK, 0x34, 3, 40);
    button(host, BUTTON_LEFT, false);
    button(host, BUTTON_MIDDLE, true);
    drain(host);
    command(host, 0xf0);
    expect_answer(host, 0xe9, ACK, 0x72, 3, 40);
    command(host, 0xf6);
    expect_answer(host, 0xe9, ACK, 0x02, 2, 100);
}

static void test_invalid_bytes(void **state)
{
    Ps2Host *host = *state;
    expect_answer(host, 0x00, RESEND);
    expect_answer(host, 0x00, 0xfc);
    expect_answer(host, 0xe5, RESEND);
    expect_answer(host, 0xf2, ACK, 0);
    expect_answer(host, 0xed, RESEND);
    expect_answer(host, 0xf2, ACK, 0);
    expect_answer(host, 0xe8, ACK);
    expect_answer(host, 4, RESEND);
    expect_answer(host, 0xf3, ACK);
    expect_answer(host, 50, RESEND);
    expect_answer(host, 0xe9, ACK, 0x00, 2, 100);
    expect_answer(host, 0xf3, ACK);
    expect_answer(host, 0xff, ACK); /* always resets */
    step(&host->h, 500 * MILLISECOND_NS);
    expect_bytes(host, 0xaa, 0x00);
}

static void test_resend(void **state)
{
    Ps2Host *host = *state;
    expect_answer(host, 0xfe, 0xaa, 0x00); /* since power-on nothing else was said */
    expect_answer(host, 0xe9, ACK, 0x00, 2, 100);
    expect_answer(host, 0xfe, ACK, 0x00, 2, 100);
    command(host, 0xf4);
    move(host, 9, 0);
    expect_bytes(host, 0x08, 9, 0);
    expect_answer(host, 0xfe, 0x08, 9, 0);
    expect_answer(host, 0xfe, 0x08, 9, 0);
}

/* A command ends the packet that is on its way. */
static void test_command_cuts_packet(void **state)
{
    Ps2Host *host = *state;
    command(host, 0xf4);
    move(host, 9, 9);
    assert_int_equal(ps2_host_get(host), 0x28);
    write_reg(host->kmi, KMIDATA, 0xf5);
    step(&host->h, 3 * MILLISECOND_NS);
    assert_int_equal(ps2_host_get(host), 9); /* this one was under way */
    expect_bytes(host, ACK);
}

/* ---- The user ----------------------------------------------------------------------------------------- */

static void test_driven(void **state)
{
    Ps2Host *host = *state;
    Input *input = host->h.env.input;
    assert_false(input_driven(input, INPUT_MOUSE));
    command(host, 0xf4);
    assert_true(input_driven(input, INPUT_MOUSE));
    write_reg(host->kmi, KMICR, 0);
    assert_false(input_driven(input, INPUT_MOUSE));
    write_reg(host->kmi, KMICR, KMIEN);
    command(host, 0xf5);
    assert_false(input_driven(input, INPUT_MOUSE));
    command(host, 0xf0);
    assert_true(input_driven(input, INPUT_MOUSE));
    expect_answer(host, 0xff, ACK);
    assert_false(input_driven(input, INPUT_MOUSE));
}

/* A busy guest gets every click, and the hand arrives where it went. */
static void test_nothing_is_lost(void **state)
{
    Ps2Host *host = *state;
    int32_t x = 0, y = 0;
    unsigned clicks = 0, packets = 0;
    command(host, 0xf4);
    for (unsigned n = 0; n < 50; n++) {
        move(host, 37, -11);
        move(host, 37, -11);
        button(host, BUTTON_LEFT, true);
        button(host, BUTTON_LEFT, false);
    }
    step(&host->h, SECOND_NS);
    assert_true(input_waiting(host->h.env.input) > 100);
    for (unsigned idle = 0, pressed = 0; idle < 5;) {
        int first = ps2_host_get(host);
        if (first == NOTHING) {
            idle++;
            step(&host->h, 20 * MILLISECOND_NS);
            continue;
        }
        idle = 0;
        packets++;
        x += ps2_host_get(host) - (first & 0x10 ? 256 : 0);
        y += ps2_host_get(host) - (first & 0x20 ? 256 : 0);
        clicks += first & 1 && !pressed;
        pressed = first & 1;
    }
    assert_int_equal(x, 50 * 74);
    assert_int_equal(y, 50 * 22);
    assert_int_equal(clicks, 50);
    assert_int_equal(packets, 151); /* the first movement did not wait for the second */
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
    static const InputEventKind kinds[] = {INPUT_MOVE, INPUT_WHEEL, INPUT_BUTTON};
    static const uint8_t arguments[] = {10, 20, 40, 60, 80, 100, 200, 3};
    uint32_t what = next(random) % 12, some = next(random);
    int32_t x = (int32_t)next(random) >> some % 32, y = (int32_t)next(random) >> (some >> 8) % 32;
    if (what < 3)
        write_reg(host->kmi, KMIDATA, next(random) % 4 ? 0xe6 + some % 26 : some);
    else if (what == 3)
        write_reg(host->kmi, KMIDATA, arguments[next(random) % sizeof arguments]);
    else if (what == 4)
        read_reg(host->kmi, KMIDATA);
    else if (what == 5)
        write_reg(host->kmi, KMICR, next(random) % 8 ? KMIEN | (some & 0x38) : some);
    else if (what < 8)
        user(host, kinds[some % 3], (uint16_t)(BUTTON_LEFT + some % 6), some & 8, x, y);
    else if (what == 8 && next(random) % 64 == 0)
        device_reset(next(random) % 2 ? host->kmi : host->device);
    else
        step(&host->h, some % (4 * MILLISECOND_NS) << (next(random) % 64 == 0 ? 10 : 0));
}

static void test_random_use(void **state)
{
    Ps2Host *host = *state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t random = seed * 0x9e3779b97f4a7c15;
        for (unsigned n = 0; n < 10000; n++)
            act(host, &random);
        device_reset(host->kmi);
        input_release_all(host->h.env.input);
        input_reset(host->h.env.input);
        write_reg(host->kmi, KMICLKDIV, 2);
        write_reg(host->kmi, KMICR, KMIEN | RXINTREN);
        step(&host->h, SECOND_NS);
        drain(host);
        expect_answer(host, 0xff, ACK);
        step(&host->h, SECOND_NS);
        expect_bytes(host, 0xaa, 0);
        command(host, 0xf4);
        move(host, 3, -2);
        int first = ps2_host_get(host);
        assert_int_equal(first & 0xf8, 8);
        expect_bytes(host, 3, 2);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_movement),      CASE(test_far_movement),    CASE(test_buttons),
        CASE(test_scaling),       CASE(test_wheel),           CASE(test_explorer),
        CASE(test_no_knock),      CASE(test_sample_rate),     CASE(test_remote_mode),
        CASE(test_overflow),      CASE(test_wrap_mode),       CASE(test_status),
        CASE(test_invalid_bytes), CASE(test_resend),          CASE(test_command_cuts_packet),
        CASE(test_driven),        CASE(test_nothing_is_lost), CASE(test_random_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
