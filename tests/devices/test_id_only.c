/* Devices without a model: a driver must find them, and give up or stay idle without waiting for ever. */
#include "tests/devices/harness.h"

typedef struct Identity {
    const char *type;
    uint32_t periph_id;
} Identity;

static void test_primecell_identification(void **state)
{
    (void)state;
    static const Identity identities[] = {
        {"pl050", 0x00041050},
        {"pl111", 0x00241111},
        {"pl180", 0x02041180},
        {"pl341", 0x00041341},
        {"pl354", 0x00041354}
    };
    Harness h;
    harness_init(&h, 1);
    for (unsigned n = 0; n < sizeof identities / sizeof *identities; n++) {
        Device *dev = harness_device(&h, identities[n].type, identities[n].type, NULL);
        for (unsigned k = 0; k < 4; k++) {
            expect_reg(dev, 0xfe0 + 4 * k, identities[n].periph_id >> (8 * k) & 0xff);
            expect_reg(dev, 0xff0 + 4 * k, 0xb105f00d >> (8 * k) & 0xff);
        }
    }
    harness_done(&h);
}

/* As U-Boot and Linux send CMD0 (no response) and CMD8 (a response that never comes). */
static void test_no_card(void **state)
{
    (void)state;
    enum { COMMAND = 0x0c, DATA_LENGTH = 0x28, DATA_CTRL = 0x2c, STATUS = 0x34, CLEAR = 0x38, MASK0 = 0x3c };
    Harness h;
    harness_init(&h, 1);
    Device *mci = harness_device(&h, "pl180", "mmc", NULL);
    write_reg(mci, COMMAND, 0);
    expect_reg(mci, STATUS, 0);
    write_reg(mci, COMMAND, 1 << 10);
    expect_reg(mci, STATUS, 1 << 7);
    write_reg(mci, CLEAR, 0x7ff);
    expect_reg(mci, STATUS, 0);
    write_reg(mci, MASK0, 1 << 2);
    write_reg(mci, COMMAND, 1 << 10 | 1 << 6 | 8);
    expect_reg(mci, STATUS, 1 << 2);
    expect_irq(mci, 0, true);
    expect_irq(mci, 1, false);
    write_reg(mci, CLEAR, 1 << 2);
    expect_irq(mci, 0, false);
    write_reg(mci, DATA_LENGTH, 8);
    write_reg(mci, DATA_CTRL, 3);
    step(&h, 1000);
    expect_reg(mci, STATUS, 1 << 3);
    harness_done(&h);
}

static void test_no_keyboard(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *kmi = harness_device(&h, "pl050", "kmi0", NULL);
    write_reg(kmi, 0x0c, 2);
    write_reg(kmi, 0x00, 0x14);
    write_reg(kmi, 0x08, 0xff);
    step(&h, SECOND_NS);
    expect_reg(kmi, 0x00, 0x14);
    expect_reg(kmi, 0x04, 0x43); /* may send, lines high, nothing received */
    expect_reg(kmi, 0x10, 0);
    expect_irq(kmi, 0, false);
    harness_done(&h);
}

static void test_display_keeps_its_mode(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *clcd = harness_device(&h, "pl111", "clcd0", NULL);
    write_reg(clcd, 0x10, 0x4c000004);
    expect_reg(clcd, 0x10, 0x4c000000);
    write_reg(clcd, 0x18, 0x82b);
    expect_reg(clcd, 0x18, 0x82b);
    write_reg(clcd, 0x3fc, 0x12345678);
    expect_reg(clcd, 0x3fc, 0x12345678);
    harness_done(&h);
}

static void test_usb_and_compact_flash(void **state)
{
    (void)state;
    Harness h;
    harness_init(&h, 1);
    Device *usb = harness_device(&h, "isp1761", "usb", NULL);
    Device *cf = harness_device(&h, "compact_flash", "cf", NULL);
    expect_reg(usb, 0x304, 0x00011761);
    write_reg(usb, 0x308, 0xdeadbabe);
    expect_reg(usb, 0x308, 0);
    expect_equal(read_narrow(cf, 0x1c, 1), 0xff);
    write_narrow(cf, 0x08, 1, 0x55);
    expect_equal(read_narrow(cf, 0x08, 1), 0xff);
    harness_done(&h);
}

static void test_memory_controller_states(void **state)
{
    (void)state;
    static const uint8_t states[][2] = {
        {0, 1},
        {3, 2},
        {1, 3},
        {2, 2},
        {0, 1},
        {3, 2},
        {4, 0}
    };
    Harness h;
    harness_init(&h, 1);
    Device *dmc = harness_device(&h, "pl341", "dmc", NULL);
    expect_equal(read_reg(dmc, 0) & 3, 0);
    for (unsigned n = 0; n < sizeof states / sizeof *states; n++) {
        write_reg(dmc, 4, states[n][0]);
        expect_equal(read_reg(dmc, 0) & 3, states[n][1]);
    }
    harness_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_primecell_identification),
        cmocka_unit_test(test_no_card),
        cmocka_unit_test(test_no_keyboard),
        cmocka_unit_test(test_display_keeps_its_mode),
        cmocka_unit_test(test_usb_and_compact_flash),
        cmocka_unit_test(test_memory_controller_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
