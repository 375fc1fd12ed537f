/* PL050 (DDI 0143): registers, interrupts, the lines, and the time that bytes take. */
#include "tests/devices/ps2_host.h"

enum { BIT_NS = PS2_BIT_NS, FRAME_NS = 11 * BIT_NS, REQUEST_NS = 64000, SENT_NS = REQUEST_NS + 12 * BIT_NS };

static int setup_with(void **state, const char *type)
{
    static Ps2Host host;
    ps2_host_init(&host, type);
    *state = &host;
    return 0;
}

static int setup_keyboard(void **state)
{
    return setup_with(state, "ps2_keyboard");
}

static int setup_empty(void **state)
{
    return setup_with(state, NULL);
}

static int teardown(void **state)
{
    harness_done(&((Ps2Host *)*state)->h);
    return 0;
}

static void test_reset_state(void **state)
{
    Ps2Host *host = *state;
    ps2_host_send(host, 0xee);
    step(&host->h, MILLISECOND_NS);
    device_reset(host->kmi);
    expect_reg(host->kmi, KMICR, 0);
    expect_reg(host->kmi, KMISTAT, 0x43);
    expect_reg(host->kmi, KMIDATA, 0);
    expect_reg(host->kmi, KMICLKDIV, 0);
    expect_reg(host->kmi, KMIIR, 0);
    write_reg(host->kmi, KMICR, 0xffffffff);
    expect_reg(host->kmi, KMICR, 0x3f);
    write_reg(host->kmi, KMICLKDIV, 0xffffffff);
    expect_reg(host->kmi, KMICLKDIV, 0xf);
}

/* The interface asks for the line, the device takes the byte and acknowledges, then it answers. */
static void test_sending(void **state)
{
    Ps2Host *host = *state;
    write_reg(host->kmi, KMICR, KMIEN | RXINTREN | TXINTREN);
    expect_reg(host->kmi, KMIIR, 2);
    expect_irq(host->kmi, 0, true);
    expect_irq(host->kmi, 1, true);
    write_reg(host->kmi, KMIDATA, 0xee);
    expect_reg(host->kmi, KMIIR, 0);
    expect_irq(host->kmi, 0, false);
    expect_irq(host->kmi, 1, false);
    expect_reg(host->kmi, KMISTAT, TXBUSY | DATA_IN); /* the clock is held low */
    step(&host->h, SENT_NS - 1);
    expect_equal(read_reg(host->kmi, KMISTAT) & (TXBUSY | TXEMPTY), TXBUSY);
    expect_irq(host->kmi, 1, false);
    step(&host->h, 1);
    expect_equal(read_reg(host->kmi, KMISTAT) & (TXBUSY | TXEMPTY), TXEMPTY);
    expect_irq(host->kmi, 1, true);
    expect_irq(host->kmi, 2, false);
}

static void test_receiving(void **state)
{
    Ps2Host *host = *state;
    write_reg(host->kmi, KMIDATA, 0xee);
    step(&host->h, SENT_NS);
    expect_equal(read_reg(host->kmi, KMISTAT) & (RXBUSY | RXFULL), RXBUSY);
    step(&host->h, FRAME_NS - 1);
    expect_equal(read_reg(host->kmi, KMISTAT) & (RXBUSY | RXFULL), RXBUSY);
    expect_irq(host->kmi, 0, false);
    step(&host->h, 1);
    /* Six bits of EE are set, so that its parity bit is. The device must wait. */
    expect_reg(host->kmi, KMISTAT, TXEMPTY | RXFULL | RXPARITY | DATA_IN);
    expect_reg(host->kmi, KMIIR, 1);
    expect_irq(host->kmi, 0, true);
    expect_irq(host->kmi, 1, false);
    expect_irq(host->kmi, 2, true);
    device_peek(host->kmi, KMIDATA, 0); /* takes nothing */
    expect_irq(host->kmi, 2, true);
    expect_reg(host->kmi, KMIDATA, 0xee);
    expect_irq(host->kmi, 0, false);
    expect_irq(host->kmi, 2, false);
    expect_reg(host->kmi, KMISTAT, TXEMPTY | RXPARITY | CLK_IN | DATA_IN);
    expect_reg(host->kmi, KMIDATA, 0xee);
}

/* F2 is answered by FA AB 83: the receiver holds one byte, and the others wait in the keyboard. */
static void test_receiver_holds_one_byte(void **state)
{
    Ps2Host *host = *state;
    static const uint8_t id[] = {0xfa, 0xab, 0x83};
    write_reg(host->kmi, KMIDATA, 0xf2);
    for (unsigned n = 0; n < 3; n++) {
        step(&host->h, SECOND_NS);
        expect_reg(host->kmi, KMIDATA, id[n]);
    }
    step(&host->h, SECOND_NS);
    expect_equal(read_reg(host->kmi, KMISTAT) & RXFULL, 0);
    expect_equal(read_reg(host->kmi, KMISTAT) & RXPARITY, 0); /* of 83 */
}

/* What is on the lines is the frame: start bit, data from bit 0 on, odd parity, stop bit. */
static void test_lines(void **state)
{
    Ps2Host *host = *state;
    static const uint8_t ab[11] = {0, 1, 1, 0, 1, 0, 1, 0, 1, 0, 1};
    write_reg(host->kmi, KMIDATA, 0xf2);
    step(&host->h, SENT_NS + FRAME_NS);
    expect_reg(host->kmi, KMIDATA, 0xfa);
    for (unsigned bit = 0; bit < 11; bit++) {
        expect_equal(read_reg(host->kmi, KMISTAT) & (CLK_IN | DATA_IN), (uint32_t)(CLK_IN | ab[bit]));
        step(&host->h, BIT_NS / 2);
        expect_equal(read_reg(host->kmi, KMISTAT) & (CLK_IN | DATA_IN), ab[bit]);
        step(&host->h, BIT_NS / 2);
    }
    expect_reg(host->kmi, KMIDATA, 0xab);
}

/* Towards the device its acknowledgement follows the stop bit. */
static void test_lines_when_sending(void **state)
{
    Ps2Host *host = *state;
    static const uint8_t f2[12] = {0, 0, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0};
    write_reg(host->kmi, KMIDATA, 0xf2);
    step(&host->h, REQUEST_NS);
    for (unsigned bit = 0; bit < 12; bit++) {
        expect_equal(read_reg(host->kmi, KMISTAT) & DATA_IN, f2[bit]);
        step(&host->h, BIT_NS);
    }
}

/* The request lasts 512 periods of the divided clock. */
static void test_clock_divider(void **state)
{
    Ps2Host *host = *state;
    write_reg(host->kmi, KMICLKDIV, 5); /* 4 MHz instead of 8 */
    write_reg(host->kmi, KMIDATA, 0xee);
    step(&host->h, SENT_NS + REQUEST_NS - 1);
    expect_equal(read_reg(host->kmi, KMISTAT) & TXEMPTY, 0);
    step(&host->h, 1);
    expect_equal(read_reg(host->kmi, KMISTAT) & TXEMPTY, TXEMPTY);
}

/* A frame that is cut short before its parity bit is through comes again. */
static void test_clock_forced_low(void **state)
{
    Ps2Host *host = *state;
    write_reg(host->kmi, KMIDATA, 0xee);
    step(&host->h, SENT_NS + 5 * BIT_NS);
    write_reg(host->kmi, KMICR, KMIEN | FKMIC);
    expect_reg(host->kmi, KMISTAT, TXEMPTY | DATA_IN);
    step(&host->h, SECOND_NS);
    expect_reg(host->kmi, KMISTAT, TXEMPTY | DATA_IN);
    write_reg(host->kmi, KMICR, KMIEN);
    step(&host->h, FRAME_NS - 1);
    expect_equal(read_reg(host->kmi, KMISTAT) & RXFULL, 0);
    step(&host->h, 1);
    expect_reg(host->kmi, KMIDATA, 0xee);
    expect_nothing(host);
}

static void test_clock_forced_low_too_late(void **state)
{
    Ps2Host *host = *state;
    write_reg(host->kmi, KMIDATA, 0xee);
    step(&host->h, SENT_NS + 10 * BIT_NS);
    write_reg(host->kmi, KMICR, KMIEN | FKMIC);
    step(&host->h, BIT_NS);
    expect_reg(host->kmi, KMIDATA, 0xee);
    write_reg(host->kmi, KMICR, KMIEN);
    expect_nothing(host);
}

static void test_sending_is_cut_short(void **state)
{
    Ps2Host *host = *state;
    for (unsigned n = 0; n < 2; n++) {
        write_reg(host->kmi, KMIDATA, 0xee);
        step(&host->h, REQUEST_NS + 3 * BIT_NS);
        write_reg(host->kmi, KMICR, n ? 0 : KMIEN | FKMID);
        expect_equal(read_reg(host->kmi, KMISTAT) & (TXBUSY | TXEMPTY), 0);
        expect_equal(read_reg(host->kmi, KMISTAT) & (CLK_IN | DATA_IN), n ? CLK_IN | DATA_IN : CLK_IN);
        step(&host->h, SECOND_NS);
        expect_equal(read_reg(host->kmi, KMISTAT) & TXEMPTY, 0);
        write_reg(host->kmi, KMICR, KMIEN);
        step(&host->h, SENT_NS);
        expect_equal(read_reg(host->kmi, KMISTAT) & TXEMPTY, TXEMPTY);
        expect_bytes(host, 0xee);
    }
}

static void test_written_while_full(void **state)
{
    Ps2Host *host = *state;
    write_reg(host->kmi, KMIDATA, 0xee);
    write_reg(host->kmi, KMIDATA, 0xf2);
    step(&host->h, SENT_NS);
    expect_bytes(host, 0xee);
}

/* What a device says to an interface that is disabled, nobody hears. */
static void test_disabled(void **state)
{
    Ps2Host *host = *state;
    write_reg(host->kmi, KMIDATA, 0xf2);
    step(&host->h, SENT_NS);
    write_reg(host->kmi, KMICR, 0);
    expect_equal(read_reg(host->kmi, KMISTAT) & RXBUSY, 0);
    step(&host->h, SECOND_NS);
    write_reg(host->kmi, KMICR, KMIEN);
    expect_nothing(host);
    write_reg(host->kmi, KMICR, 0);
    write_reg(host->kmi, KMIDATA, 0xee); /* waits */
    step(&host->h, SECOND_NS);
    expect_equal(read_reg(host->kmi, KMISTAT) & (TXBUSY | TXEMPTY), 0);
    write_reg(host->kmi, KMICR, KMIEN);
    step(&host->h, SENT_NS);
    expect_bytes(host, 0xee);
}

/* Nobody takes the byte: the interface gives up after 2^17 periods of 8 MHz. */
static void test_nothing_plugged_in(void **state)
{
    Ps2Host *host = *state;
    write_reg(host->kmi, KMIDATA, 0xff);
    step(&host->h, REQUEST_NS + 16384000 - 1);
    expect_equal(read_reg(host->kmi, KMISTAT), TXBUSY | CLK_IN);
    step(&host->h, 1);
    expect_reg(host->kmi, KMISTAT, 0x43);
    expect_nothing(host);
}

/* During its self-test a keyboard does not listen. */
static void test_device_does_not_listen(void **state)
{
    Ps2Host *host = *state;
    expect_answer(host, 0xff, 0xfa);
    write_reg(host->kmi, KMIDATA, 0xee);
    step(&host->h, 17 * MILLISECOND_NS);
    expect_equal(read_reg(host->kmi, KMISTAT) & TXEMPTY, TXEMPTY);
    step(&host->h, 600 * MILLISECOND_NS);
    expect_bytes(host, 0xaa);
}

static void test_byte_access(void **state)
{
    Ps2Host *host = *state;
    write_narrow(host->kmi, KMIDATA, 1, 0xee);
    step(&host->h, 2 * MILLISECOND_NS + FRAME_NS);
    expect_equal(read_narrow(host->kmi, KMIDATA, 1), 0xee);
    write_narrow(host->kmi, KMIDATA + 1, 1, 0xee); /* not the byte that counts */
    expect_equal(read_reg(host->kmi, KMISTAT) & TXEMPTY, TXEMPTY);
}

static void test_bad_sockets(void **state)
{
    (void)state;
    Harness h;
    Error err = {""};
    harness_init(&h, 1);
    DeviceProps beyond = {{PS2_PORTS}}, first = {{0}};
    assert_null(device_new(device_type_find("pl050"), "kmi9", &h.env, &beyond, 0, &err));
    assert_non_null(strstr(err.text, "kmi9"));
    assert_null(device_new(device_type_find("ps2_mouse"), "mouse9", &h.env, &beyond, 0, &err));
    assert_non_null(strstr(err.text, "mouse9"));
    harness_device(&h, "ps2_mouse", "mouse", NULL);
    assert_null(device_new(device_type_find("ps2_keyboard"), "second", &h.env, &first, 0, &err));
    assert_non_null(strstr(err.text, "taken"));
    harness_done(&h);
}

#define WITH(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(test_reset_state, setup_keyboard),
        WITH(test_sending, setup_keyboard),
        WITH(test_receiving, setup_keyboard),
        WITH(test_receiver_holds_one_byte, setup_keyboard),
        WITH(test_lines, setup_keyboard),
        WITH(test_lines_when_sending, setup_keyboard),
        WITH(test_clock_divider, setup_keyboard),
        WITH(test_clock_forced_low, setup_keyboard),
        WITH(test_clock_forced_low_too_late, setup_keyboard),
        WITH(test_sending_is_cut_short, setup_keyboard),
        WITH(test_written_while_full, setup_keyboard),
        WITH(test_disabled, setup_keyboard),
        WITH(test_nothing_plugged_in, setup_empty),
        WITH(test_device_does_not_listen, setup_keyboard),
        WITH(test_byte_access, setup_keyboard),
        cmocka_unit_test(test_bad_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
