/* The virtio console: characters both ways, buffers that are short of, the terminal's size. */
#include "tests/devices/virtio_driver.h"

enum { SIZE = 16, RECEIVE = 0, TRANSMIT = 1, F_SIZE = 1, F_EMERG_WRITE = 4 };

static Driver d;

static void make(void)
{
    driver_init(&d, "virtio_console", &(DeviceProps){{SERIAL_CONSOLE}});
}

static SerialPort *port(void)
{
    return &d.h.env.serial[SERIAL_CONSOLE];
}

static void expect_received(const char *text)
{
    uint32_t id, written;
    assert_true(driver_used(&d, RECEIVE, &id, &written));
    assert_int_equal(written, strlen(text));
    assert_memory_equal(at(&d, get32(&d, ring(RECEIVE, 16 * id))), text, written);
}

static void expect_nothing(void)
{
    uint32_t id, written;
    assert_false(driver_used(&d, RECEIVE, &id, &written));
}

static void offer(uint32_t address, uint32_t size)
{
    driver_offer(&d, RECEIVE, 1, &(Buffer){address, size, true});
    driver_notify(&d, RECEIVE);
}

static void test_output(void **state)
{
    (void)state;
    uint32_t id, written;
    make();
    driver_start(&d, 0, SIZE);
    expect_reg(d.dev, REG_DEVICE_ID, 3);
    memcpy(at(&d, DATA), "Hello, ", 7);
    memcpy(at(&d, DATA + 100), "world", 5);
    driver_offer(&d, TRANSMIT, 2,
                 (Buffer[]){
                     {DATA,       7, false},
                     {DATA + 100, 5, false}
    });
    driver_notify(&d, TRANSMIT);
    assert_true(driver_used(&d, TRANSMIT, &id, &written));
    assert_int_equal(written, 0);
    assert_int_equal(d.h.output_length, 12);
    assert_memory_equal(d.h.output, "Hello, world", 12);
    expect_irq(d.dev, 0, true);
    driver_done(&d);
}

/* Input waits for buffers, and buffers for input. */
static void test_input(void **state)
{
    (void)state;
    make();
    serial_send(port(), "early", 5);
    driver_start(&d, 0, SIZE);
    expect_nothing();
    offer(DATA, 3);
    expect_received("ear");
    offer(DATA + 16, 100);
    expect_received("ly");
    offer(DATA + 32, 100);
    expect_nothing();
    write_reg(d.dev, REG_INT_ACK, 3);
    expect_irq(d.dev, 0, false);
    serial_send(port(), "x", 1);
    expect_received("x");
    expect_irq(d.dev, 0, true);
    offer(DATA + 48, 100);
    serial_send_break(port());
    expect_received("");
    offer(DATA + 64, 1000);
    char long_text[601];
    memset(long_text, 'l', 600);
    long_text[600] = 0;
    serial_send(port(), long_text, 600);
    expect_received(long_text);
    driver_done(&d);
}

static void test_odd_buffers(void **state)
{
    (void)state;
    uint32_t id, written;
    make();
    driver_start(&d, 0, SIZE);
    driver_offer(&d, RECEIVE, 1, &(Buffer){DATA, 8, false}); /* cannot be written */
    driver_notify(&d, RECEIVE);
    serial_send(port(), "ab", 2);
    expect_received("");
    offer(DATA + 16, 8);
    expect_received("ab");
    driver_offer(&d, TRANSMIT, 1, &(Buffer){DATA, 8, true});
    driver_notify(&d, TRANSMIT);
    assert_true(driver_used(&d, TRANSMIT, &id, &written));
    assert_int_equal(d.h.output_length, 0);
    driver_expect_broken(&d, false);
    driver_done(&d);
}

static void test_size(void **state)
{
    (void)state;
    make();
    expect_equal(read_narrow(d.dev, REG_CONFIG, 2), 0);
    serial_resize(port(), 80, 25);
    expect_reg(d.dev, REG_CONFIG, 25 << 16 | 80);
    expect_reg(d.dev, REG_INT_STATUS, 0); /* nobody listens yet */
    driver_start(&d, F_SIZE, SIZE);
    serial_resize(port(), 80, 25); /* as it was */
    expect_reg(d.dev, REG_INT_STATUS, 0);
    driver_offer(&d, TRANSMIT, 1, &(Buffer){DATA, 1, false});
    driver_notify(&d, TRANSMIT);
    expect_reg(d.dev, REG_INT_STATUS, 3); /* now the driver has a terminal whose size it can set */
    write_reg(d.dev, REG_INT_ACK, 3);
    serial_resize(port(), 132, 43);
    expect_reg(d.dev, REG_CONFIG, 43 << 16 | 132);
    expect_reg(d.dev, REG_INT_STATUS, 2);
    expect_reg(d.dev, REG_CONFIG + 4, 1);
    device_reset(d.dev);
    expect_reg(d.dev, REG_CONFIG, 43 << 16 | 132);
    driver_done(&d);
}

static void test_emergency(void **state)
{
    (void)state;
    make();
    write_reg(d.dev, REG_CONFIG + 8, '!');
    assert_int_equal(d.h.output_length, 1);
    assert_int_equal(d.h.output[0], '!');
    driver_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output), cmocka_unit_test(test_input),     cmocka_unit_test(test_odd_buffers),
        cmocka_unit_test(test_size),   cmocka_unit_test(test_emergency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
