/* PL011 UART (DDI 0183): FIFOs, trigger levels, timeout, loop-back, errors, enables, and the wire to the
 * host. */
#include "tests/devices/harness.h"

enum { DR = 0x00, RSR = 0x04, FR = 0x18, IBRD = 0x24, FBRD = 0x28, LCR_H = 0x2c, CR = 0x30, IFLS = 0x34 };
enum { IMSC = 0x38, RIS = 0x3c, MIS = 0x40, ICR = 0x44 };
enum { ON = 0x301, LBE = 0x80, RTS = 0x800, DTR = 0x400, CTSEN = 0x8000, RTSEN = 0x4000, SIREN = 2 };
enum { FEN = 0x10, WLEN_8 = 0x60, BRK = 1, PEN = 2, EPS = 4 };
enum { CTS = 1, DSR = 2, DCD = 4, BUSY = 8, RXFE = 0x10, TXFF = 0x20, RXFF = 0x40, TXFE = 0x80, RI = 0x100 };
enum { RXI = 0x10, TXI = 0x20, RTI = 0x40, FEI = 0x80, BEI = 0x200, OEI = 0x400 };
enum { OUT_UART, OUT_MS, OUT_RX, OUT_TX, OUT_RT, OUT_E };

/* 24 MHz / (16 * 13.0) = 115385 baud: 32 bits last 277,333 ns. */
enum { TIMEOUT_NS = 277333 };

typedef struct Uart {
    Harness h;
    Device *dev;
} Uart;

static int setup(void **state)
{
    static Uart uart;
    harness_init(&uart.h, 1);
    uart.dev = harness_device(&uart.h, "pl011", "uart0", NULL);
    *state = &uart;
    return 0;
}

static int teardown(void **state)
{
    harness_done(&((Uart *)*state)->h);
    return 0;
}

static void start(Uart *u, uint32_t lcr_h, uint32_t cr)
{
    write_reg(u->dev, IBRD, 13);
    write_reg(u->dev, FBRD, 0);
    write_reg(u->dev, LCR_H, lcr_h);
    write_reg(u->dev, CR, cr);
}

static void type_text(Uart *u, const char *text)
{
    serial_send(&u->h.env.serial[0], text, strlen(text));
}

static void test_reset_state(void **state)
{
    Uart *u = *state;
    expect_reg(u->dev, CR, 0x300);
    expect_reg(u->dev, IFLS, 0x12);
    expect_reg(u->dev, FR, TXFE | RXFE | CTS | DSR | DCD);
    expect_reg(u->dev, RIS, 0);
    expect_reg(u->dev, 0xfe0, 0x11);
    expect_reg(u->dev, 0xfe4, 0x10);
    expect_reg(u->dev, 0xfe8, 0x34);
    expect_reg(u->dev, 0xfec, 0x00);
}

static void test_output(void **state)
{
    Uart *u = *state;
    start(u, FEN | WLEN_8, ON);
    for (const char *p = "Hello, world, this is more than one FIFO\n"; *p; p++)
        write_reg(u->dev, DR, (uint8_t)*p);
    expect_equal(u->h.output_length, 41);
    assert_memory_equal(u->h.output, "Hello, world", 12);
    expect_reg(u->dev, FR, TXFE | RXFE | CTS | DSR | DCD);
}

static void test_transmitter_waits_until_enabled(void **state)
{
    Uart *u = *state;
    start(u, FEN | WLEN_8, 0x300);
    for (unsigned n = 0; n < 33; n++)
        write_reg(u->dev, DR, 'a' + n % 26);
    expect_equal(u->h.output_length, 0);
    expect_reg(u->dev, FR, BUSY | TXFF | RXFE | CTS | DSR | DCD);
    write_reg(u->dev, CR, ON);
    expect_equal(u->h.output_length, 32);
    expect_reg(u->dev, RIS, TXI);
}

static void test_transmit_interrupt(void **state)
{
    Uart *u = *state;
    start(u, WLEN_8, ON);
    write_reg(u->dev, IMSC, TXI);
    expect_irq(u->dev, OUT_UART, false);
    write_reg(u->dev, DR, 'x');
    expect_reg(u->dev, MIS, TXI);
    expect_irq(u->dev, OUT_UART, true);
    expect_irq(u->dev, OUT_TX, true);
    write_reg(u->dev, ICR, TXI);
    expect_irq(u->dev, OUT_UART, false);
    expect_irq(u->dev, OUT_TX, false);
}

/* Filling the FIFO above its level takes the interrupt back. */
static void test_transmit_level(void **state)
{
    Uart *u = *state;
    start(u, FEN | WLEN_8, ON);
    write_reg(u->dev, IFLS, 2); /* 1/2 */
    write_reg(u->dev, DR, 'x');
    expect_reg(u->dev, RIS, TXI);
    write_reg(u->dev, CR, 0x300);
    for (unsigned n = 0; n < 16; n++)
        write_reg(u->dev, DR, 'y');
    expect_reg(u->dev, RIS, TXI);
    write_reg(u->dev, DR, 'y');
    expect_reg(u->dev, RIS, 0);
}

static void test_receive_without_fifo(void **state)
{
    Uart *u = *state;
    start(u, WLEN_8, ON);
    write_reg(u->dev, IMSC, RXI);
    type_text(u, "ab");
    expect_reg(u->dev, FR, TXFE | RXFF | CTS | DSR | DCD);
    expect_irq(u->dev, OUT_RX, true);
    expect_reg(u->dev, DR, 'a');
    expect_irq(u->dev, OUT_RX, true); /* the next character is there already */
    expect_reg(u->dev, DR, 'b');
    expect_irq(u->dev, OUT_RX, false);
    expect_reg(u->dev, FR, TXFE | RXFE | CTS | DSR | DCD);
    expect_reg(u->dev, DR, 0);
}

static void test_receive_levels(void **state)
{
    static const uint8_t level[5] = {4, 8, 16, 24, 28};
    Uart *u = *state;
    start(u, FEN | WLEN_8, ON);
    for (unsigned code = 0; code < 5; code++) {
        write_reg(u->dev, IFLS, code << 3);
        for (unsigned n = 1; n < level[code]; n++)
            type_text(u, "x");
        expect_reg(u->dev, RIS, 0);
        type_text(u, "x");
        expect_reg(u->dev, RIS, RXI);
        expect_reg(u->dev, DR, 'x');
        expect_reg(u->dev, RIS, 0);
        for (unsigned n = 1; n < level[code]; n++)
            expect_reg(u->dev, DR, 'x');
    }
}

static void test_receive_timeout(void **state)
{
    Uart *u = *state;
    start(u, FEN | WLEN_8, ON);
    write_reg(u->dev, IMSC, RTI);
    type_text(u, "a");
    step(&u->h, TIMEOUT_NS - 10);
    expect_irq(u->dev, OUT_RT, false);
    type_text(u, "b"); /* starts the wait anew */
    step(&u->h, TIMEOUT_NS - 10);
    expect_irq(u->dev, OUT_RT, false);
    step(&u->h, 20);
    expect_irq(u->dev, OUT_RT, true);
    expect_irq(u->dev, OUT_UART, true);
    expect_reg(u->dev, DR, 'a');
    expect_irq(u->dev, OUT_RT, true);
    expect_reg(u->dev, DR, 'b');
    expect_irq(u->dev, OUT_RT, false); /* emptied */
    step(&u->h, SECOND_NS);
    expect_irq(u->dev, OUT_RT, false);
}

static void test_timeout_cleared_and_again(void **state)
{
    Uart *u = *state;
    start(u, FEN | WLEN_8, ON);
    type_text(u, "a");
    step(&u->h, TIMEOUT_NS + 1);
    expect_reg(u->dev, RIS, RTI);
    write_reg(u->dev, ICR, RTI);
    expect_reg(u->dev, RIS, 0);
    step(&u->h, TIMEOUT_NS + 1);
    expect_reg(u->dev, RIS, RTI);
}

/* The divisor counts from the next write of LCR_H on. */
static void test_baud_rate_is_latched(void **state)
{
    Uart *u = *state;
    start(u, FEN | WLEN_8, ON);
    write_reg(u->dev, IBRD, 130);
    type_text(u, "a");
    step(&u->h, TIMEOUT_NS + 1);
    expect_reg(u->dev, RIS, RTI);
    read_reg(u->dev, DR);
    write_reg(u->dev, LCR_H, FEN | WLEN_8);
    type_text(u, "a");
    step(&u->h, 9 * TIMEOUT_NS);
    expect_reg(u->dev, RIS, 0);
    step(&u->h, 2 * TIMEOUT_NS);
    expect_reg(u->dev, RIS, RTI);
}

static void test_no_input_is_lost(void **state)
{
    Uart *u = *state;
    uint8_t text[1000];
    for (unsigned n = 0; n < sizeof text; n++)
        text[n] = (uint8_t)(n * 7);
    serial_send(&u->h.env.serial[0], text, 500); /* before the guest turned the UART on */
    expect_reg(u->dev, FR, TXFE | RXFE | CTS | DSR | DCD);
    start(u, FEN | WLEN_8, ON);
    expect_reg(u->dev, FR, TXFE | RXFF | CTS | DSR | DCD);
    serial_send(&u->h.env.serial[0], text + 500, 500);
    for (unsigned n = 0; n < sizeof text; n++)
        expect_reg(u->dev, DR, text[n]);
    expect_reg(u->dev, RSR, 0);
    expect_reg(u->dev, FR, TXFE | RXFE | CTS | DSR | DCD);
}

static void test_receiver_disabled(void **state)
{
    Uart *u = *state;
    start(u, FEN | WLEN_8, ON & ~0x200);
    type_text(u, "a");
    expect_reg(u->dev, FR, TXFE | RXFE | CTS | DSR | DCD);
    write_reg(u->dev, CR, ON);
    expect_reg(u->dev, DR, 'a');
}

static void test_loopback_and_overrun(void **state)
{
    Uart *u = *state;
    start(u, FEN | WLEN_8, ON | LBE);
    for (unsigned n = 0; n < 32; n++)
        write_reg(u->dev, DR, n);
    expect_reg(u->dev, FR, TXFE | RXFF);
    expect_reg(u->dev, RSR, 0);
    write_reg(u->dev, DR, 99);
    expect_equal(u->h.output_length, 0);
    expect_reg(u->dev, RSR, 8);
    expect_equal(read_reg(u->dev, RIS) & OEI, OEI);
    expect_reg(u->dev, DR, 0x800); /* bit 11 until there is room again */
    expect_reg(u->dev, DR, 1);
    expect_reg(u->dev, RSR, 8);
    write_reg(u->dev, RSR, 0);
    expect_reg(u->dev, RSR, 0);
    for (unsigned n = 2; n < 32; n++)
        expect_reg(u->dev, DR, n);
    expect_reg(u->dev, FR, TXFE | RXFE);
}

static void test_loopback_word_length(void **state)
{
    Uart *u = *state;
    for (unsigned wlen = 0; wlen < 4; wlen++) {
        start(u, FEN | wlen << 5, ON | LBE);
        write_reg(u->dev, DR, 0xff);
        expect_reg(u->dev, DR, 0xffu >> (3 - wlen));
    }
}

static void test_modem_lines(void **state)
{
    Uart *u = *state;
    start(u, FEN | WLEN_8, ON);
    expect_reg(u->dev, RIS, 0);
    write_reg(u->dev, CR, ON | LBE | RTS);
    expect_reg(u->dev, FR, TXFE | RXFE | CTS);
    expect_reg(u->dev, RIS, 0xc); /* DSR and DCD went away */
    write_reg(u->dev, ICR, 0x7ff);
    write_reg(u->dev, CR, ON | LBE | DTR | 0x3000);
    expect_reg(u->dev, FR, TXFE | RXFE | DSR | DCD | RI);
    expect_reg(u->dev, RIS, 0xf);
    write_reg(u->dev, IMSC, 0xf);
    expect_irq(u->dev, OUT_MS, true);
    expect_irq(u->dev, OUT_UART, true);
}

/* With CTSEN nothing is sent while CTS is not asserted; with RTSEN the receiver withdraws RTS at its level.
 */
static void test_hardware_flow_control(void **state)
{
    Uart *u = *state;
    start(u, FEN | WLEN_8, ON | LBE | CTSEN);
    write_reg(u->dev, DR, 'a');
    expect_reg(u->dev, FR, BUSY | RXFE);
    write_reg(u->dev, CR, ON | LBE | CTSEN | RTS);
    expect_reg(u->dev, DR, 'a');
    write_reg(u->dev, CR, ON | LBE | CTSEN | RTSEN);
    write_reg(u->dev, IFLS, 0); /* 4 characters */
    for (unsigned n = 0; n < 6; n++)
        write_reg(u->dev, DR, 'a' + n);
    expect_reg(u->dev, FR, BUSY); /* two wait */
    for (unsigned n = 0; n < 6; n++)
        expect_reg(u->dev, DR, 'a' + n);
    expect_reg(u->dev, RSR, 0);
}

static void test_break(void **state)
{
    Uart *u = *state;
    start(u, FEN | WLEN_8, ON | LBE);
    write_reg(u->dev, LCR_H, FEN | WLEN_8 | BRK);
    write_reg(u->dev, DR, 'x'); /* waits for the end of the break */
    expect_equal(read_reg(u->dev, RIS) & (BEI | FEI), BEI | FEI);
    expect_reg(u->dev, DR, 0x500);
    expect_reg(u->dev, RSR, 5);
    expect_reg(u->dev, FR, BUSY | RXFE);
    write_reg(u->dev, LCR_H, FEN | WLEN_8);
    expect_reg(u->dev, DR, 'x');
    expect_reg(u->dev, RSR, 0);
    write_reg(u->dev, IMSC, BEI);
    expect_irq(u->dev, OUT_E, true);
}

/* From the host a break arrives in its place among the characters, as one 0 that is marked. */
static void test_break_from_host(void **state)
{
    Uart *u = *state;
    start(u, FEN | WLEN_8, ON);
    write_reg(u->dev, IMSC, BEI | FEI);
    type_text(u, "a");
    serial_send_break(&u->h.env.serial[0]);
    expect_irq(u->dev, OUT_E, true);
    expect_irq(u->dev, OUT_UART, true);
    expect_reg(u->dev, MIS, BEI | FEI);
    serial_send_break(&u->h.env.serial[0]);
    serial_send(&u->h.env.serial[0], "\0b", 2);
    expect_reg(u->dev, DR, 'a');
    expect_reg(u->dev, RSR, 0);
    expect_reg(u->dev, DR, 0x500);
    expect_reg(u->dev, RSR, 5);
    expect_reg(u->dev, DR, 0x500);
    expect_reg(u->dev, DR, 0); /* a character 0 is no break */
    expect_reg(u->dev, RSR, 0);
    expect_reg(u->dev, DR, 'b');
    expect_equal(read_reg(u->dev, FR) & RXFE, RXFE);
    write_reg(u->dev, ICR, BEI | FEI);
    expect_irq(u->dev, OUT_E, false);
}

/* A break waits for room in the FIFO and for the receiver like a character, and none is lost. */
static void test_break_waits(void **state)
{
    Uart *u = *state;
    for (unsigned n = 0; n < 40; n++)
        serial_send_break(&u->h.env.serial[0]);
    type_text(u, "z");
    expect_reg(u->dev, RIS, 0);
    start(u, FEN | WLEN_8, ON);
    for (unsigned n = 0; n < 40; n++)
        expect_reg(u->dev, DR, 0x500);
    expect_reg(u->dev, DR, 'z');
    expect_equal(read_reg(u->dev, RIS) & OEI, 0);
}

/* With odd parity a low parity bit is wrong for a character 0, with even parity it is right (DDI 0183 table
 * 3-13). */
static void test_break_and_parity(void **state)
{
    Uart *u = *state;
    start(u, FEN | WLEN_8 | PEN, ON);
    serial_send_break(&u->h.env.serial[0]);
    expect_reg(u->dev, DR, 0x700);
    start(u, FEN | WLEN_8 | PEN | EPS, ON);
    serial_send_break(&u->h.env.serial[0]);
    expect_reg(u->dev, DR, 0x500);
}

static unsigned rooms;

static void count_room(void *opaque)
{
    assert_ptr_equal(opaque, &rooms);
    rooms++;
}

/* Senders are told once that the queue has become short. */
static void test_room(void **state)
{
    Uart *u = *state;
    SerialPort *port = &u->h.env.serial[0];
    rooms = 0;
    port->room = count_room;
    port->room_opaque = &rooms;
    start(u, FEN | WLEN_8, ON);
    for (unsigned n = 0; n < SERIAL_ROOM + 32 + 2; n++)
        type_text(u, "x");
    assert_int_equal(port->length, SERIAL_ROOM + 2);
    read_reg(u->dev, DR);
    assert_int_equal(rooms, 0);
    for (unsigned n = 0; n < SERIAL_ROOM + 33; n++)
        expect_reg(u->dev, DR, 'x');
    assert_int_equal(rooms, 1);
    assert_int_equal(port->length, 0);
}

static void test_fifo_off(void **state)
{
    Uart *u = *state;
    start(u, FEN | WLEN_8, ON);
    type_text(u, "abc");
    write_reg(u->dev, LCR_H, WLEN_8);
    expect_equal(read_reg(u->dev, FR) & RXFF, RXFF);
    expect_reg(u->dev, DR, 'a');
    expect_reg(u->dev, DR, 'b');
    expect_reg(u->dev, DR, 'c');
    expect_equal(read_reg(u->dev, FR) & RXFE, RXFE);
}

static void test_infrared_disconnects(void **state)
{
    Uart *u = *state;
    start(u, FEN | WLEN_8, ON | SIREN);
    write_reg(u->dev, DR, 'a');
    type_text(u, "b");
    expect_equal(u->h.output_length, 0);
    expect_equal(read_reg(u->dev, FR) & RXFE, RXFE);
    write_reg(u->dev, CR, ON);
    expect_reg(u->dev, DR, 'b');
}

static void test_byte_access_and_peek(void **state)
{
    Uart *u = *state;
    start(u, FEN | WLEN_8, ON);
    write_narrow(u->dev, DR, 1, 'z');
    expect_equal(u->h.output_length, 1);
    expect_equal(u->h.output[0], 'z');
    type_text(u, "q");
    device_peek(u->dev, DR, 0); /* takes nothing */
    expect_equal(read_narrow(u->dev, DR, 1), 'q');
}

static void test_bad_port(void **state)
{
    (void)state;
    Harness h;
    Error err = {""};
    harness_init(&h, 1);
    DeviceProps props = {{SERIAL_UARTS}};
    assert_null(device_new(device_type_find("pl011"), "uart9", &h.env, &props, 0, &err));
    assert_non_null(strstr(err.text, "uart9"));
    harness_done(&h);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_reset_state),
        CASE(test_output),
        CASE(test_transmitter_waits_until_enabled),
        CASE(test_transmit_interrupt),
        CASE(test_transmit_level),
        CASE(test_receive_without_fifo),
        CASE(test_receive_levels),
        CASE(test_receive_timeout),
        CASE(test_timeout_cleared_and_again),
        CASE(test_baud_rate_is_latched),
        CASE(test_no_input_is_lost),
        CASE(test_receiver_disabled),
        CASE(test_loopback_and_overrun),
        CASE(test_loopback_word_length),
        CASE(test_modem_lines),
        CASE(test_hardware_flow_control),
        CASE(test_break),
        CASE(test_break_from_host),
        CASE(test_break_waits),
        CASE(test_break_and_parity),
        CASE(test_room),
        CASE(test_fifo_off),
        CASE(test_infrared_disconnects),
        CASE(test_byte_access_and_peek),
        cmocka_unit_test(test_bad_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
