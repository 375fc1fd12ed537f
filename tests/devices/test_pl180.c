/* PL180 with an SD card: identification, transfers through the FIFO, errors as the registers say them,
 * erasing, protected groups, cards that come and go. */
#include "tests/devices/memory_disk.h"

enum {
    POWER = 0x00,
    CLOCK = 0x04,
    ARGUMENT = 0x08,
    COMMAND = 0x0c,
    RESP_COMMAND = 0x10,
    RESPONSE = 0x14,
    DATA_TIMER = 0x24,
    DATA_LENGTH = 0x28,
    DATA_CTRL = 0x2c,
    DATA_COUNT = 0x30,
    STATUS = 0x34,
    CLEAR = 0x38,
    MASK0 = 0x3c,
    MASK1 = 0x40,
    FIFO_COUNT = 0x48,
    FIFO = 0x80
};
enum { CRC_FAIL = 1, TIMEOUT = 4, DATA_TIMEOUT = 8, RESP_END = 0x40, SENT = 0x80, DATA_END = 0x100 };
enum {
    RX_AVAILABLE = 1 << 21,
    TX_FULL = 1 << 16,
    RX_ACTIVE = 1 << 13,
    TX_ACTIVE = 1 << 12,
    HALF_FULL = 1 << 15
};
enum { SHORT = 0x40, LONG = 0xc0, NONE = 0 };
enum { IDLE = 0, STBY = 3, TRAN = 4, DATA = 5, RCV = 6, PRG = 7 };
enum { SECTORS = 1000, WAIT = 1000 };

typedef struct Test {
    Harness h;
    MemoryDisk m;
    Device *dev;
    uint32_t rca;
} Test;

static DiskSlot *slot(Test *t)
{
    return &t->h.env.disk[DISK_SLOT_SD];
}

static void wait(Test *t)
{
    step(&t->h, WAIT * MILLISECOND_NS);
}

/* Sends a command, and returns the flags that it leaves. */
static uint32_t command(Test *t, uint32_t index, uint32_t argument, uint32_t response)
{
    write_reg(t->dev, CLEAR, 0x7ff);
    write_reg(t->dev, ARGUMENT, argument);
    write_reg(t->dev, COMMAND, index | response | 1 << 10);
    return read_reg(t->dev, STATUS) & (CRC_FAIL | TIMEOUT | RESP_END | SENT);
}

static void expect_command(Test *t, uint32_t index, uint32_t argument, uint32_t response)
{
    expect_equal(command(t, index, argument, response), response == NONE ? SENT : RESP_END);
}

/* The status by CMD13. */
static uint32_t card_status(Test *t)
{
    expect_command(t, 13, t->rca << 16, SHORT);
    return read_reg(t->dev, RESPONSE);
}

static uint32_t state_of(Test *t)
{
    return card_status(t) >> 9 & 15;
}

/* An application command. */
static uint32_t application(Test *t, uint32_t index, uint32_t argument)
{
    expect_command(t, 55, t->rca << 16, SHORT);
    assert_true(read_reg(t->dev, RESPONSE) & 1 << 5);
    return command(t, index, argument, SHORT);
}

static void identify(Test *t)
{
    t->rca = 0;
    write_reg(t->dev, POWER, 3);
    write_reg(t->dev, CLOCK, 0x100);
    write_reg(t->dev, DATA_TIMER, 24000);
    expect_command(t, 0, 0, NONE);
    expect_command(t, 8, 0x1a5, SHORT);
    expect_reg(t->dev, RESPONSE, 0x1a5);
    expect_equal(application(t, 41, 0x40300000), CRC_FAIL); /* R3 has no CRC */
    assert_true(read_reg(t->dev, RESPONSE) >> 31);
    expect_reg(t->dev, RESP_COMMAND, 0x3f);
    expect_command(t, 2, 0, LONG);
    expect_command(t, 3, 0, SHORT);
    t->rca = read_reg(t->dev, RESPONSE) >> 16;
    expect_reg(t->dev, RESP_COMMAND, 3);
    expect_equal(state_of(t), STBY);
    expect_command(t, 7, t->rca << 16, SHORT);
    expect_equal(state_of(t), TRAN);
}

static Test *make(uint64_t bytes, bool read_only)
{
    Test *t = calloc(1, sizeof *t);
    harness_init(&t->h, 1);
    t->dev = harness_device(&t->h, "pl180", "mmc", NULL);
    memory_disk_init_as(&t->m, &t->h, bytes, true, read_only);
    disk_slot_set(slot(t), t->m.disk);
    return t;
}

static void done(Test *t)
{
    disk_slot_set(slot(t), NULL);
    memory_disk_done(&t->m);
    harness_done(&t->h);
    free(t);
}

static void begin_data(Test *t, uint32_t bytes, bool from_card)
{
    write_reg(t->dev, DATA_LENGTH, bytes);
    write_reg(t->dev, DATA_CTRL, 9 << 4 | (from_card ? 3 : 1));
}

static void expect_words(Test *t, const uint8_t *bytes, uint32_t count)
{
    for (uint32_t n = 0; n < count; n += 4) {
        uint32_t word;
        memcpy(&word, bytes + n, 4);
        assert_true(read_reg(t->dev, STATUS) & RX_AVAILABLE);
        expect_reg(t->dev, FIFO, word);
    }
}

/* Writes words as long as there is room, and lets the card work. */
static void send_words(Test *t, uint8_t value, uint32_t count)
{
    for (uint32_t n = 0; n < count; n += 4) {
        while (read_reg(t->dev, STATUS) & TX_FULL)
            step(&t->h, 1000);
        write_reg(t->dev, FIFO, value * 0x01010101u);
    }
    wait(t);
}

static uint32_t bits(const uint32_t *reg, unsigned high, unsigned low)
{
    uint32_t value = 0;
    for (unsigned bit = high + 1; bit-- > low;)
        value = value << 1 | (reg[3 - bit / 32] >> bit % 32 & 1);
    return value;
}

static uint64_t csd_capacity(Test *t)
{
    uint32_t csd[4];
    command(t, 7, 0, NONE);
    expect_command(t, 9, t->rca << 16, LONG);
    for (unsigned n = 0; n < 4; n++)
        csd[n] = read_reg(t->dev, RESPONSE + 4 * n);
    expect_command(t, 7, t->rca << 16, SHORT);
    if (bits(csd, 127, 126))
        return (uint64_t)(bits(csd, 69, 48) + 1) << 19;
    return (uint64_t)(bits(csd, 73, 62) + 1) << (bits(csd, 49, 47) + 2) << bits(csd, 83, 80);
}

static void test_identification(void **state)
{
    (void)state;
    Test *t = make(SECTORS * 512, false);
    expect_equal(command(t, 8, 0x1a5, SHORT), TIMEOUT); /* no power */
    expect_irq(t->dev, 2, true);
    expect_irq(t->dev, 3, false);
    identify(t);
    assert_true(csd_capacity(t) >= SECTORS * 512 && csd_capacity(t) < (SECTORS + 8) * 512);
    expect_equal(command(t, 13, (t->rca ^ 1) << 16, SHORT), TIMEOUT); /* somebody else's */
    expect_equal(command(t, 5, 0, SHORT), TIMEOUT);                   /* not an I/O card */
    assert_true(card_status(t) & 1 << 22);
    assert_false(card_status(t) & 1 << 22);
    begin_data(t, 8, true);
    write_reg(t->dev, DATA_CTRL, 3 << 4 | 3);
    expect_equal(application(t, 51, 0), RESP_END);
    expect_words(t, (const uint8_t[]){0x02, 0x05, 0x80, 0x02, 0, 0, 0, 0}, 8);
    assert_true(read_reg(t->dev, STATUS) & DATA_END);
    done(t);
}

/* Any size: the CSD says the next one that it can. */
static void test_capacity(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {512, 12345 * 512, 64 << 20, (64 << 20) + 512, 3 << 20};
    for (unsigned n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        Test *t = make(sizes[n], false);
        identify(t);
        uint64_t capacity = csd_capacity(t);
        assert_true(capacity >= sizes[n] && capacity - sizes[n] <= 512 * 1024);
        done(t);
    }
}

static void test_read(void **state)
{
    (void)state;
    Test *t = make(SECTORS * 512, false);
    identify(t);
    write_reg(t->dev, MASK0, DATA_END);
    write_reg(t->dev, MASK1, HALF_FULL);
    begin_data(t, 512, true);
    expect_command(t, 17, 5 * 512, SHORT);
    assert_false(read_reg(t->dev, STATUS) & RX_AVAILABLE); /* the disk has not answered */
    assert_true(read_reg(t->dev, STATUS) & RX_ACTIVE);
    expect_irq(t->dev, 1, false);
    wait(t);
    expect_irq(t->dev, 1, true);
    expect_reg(t->dev, DATA_COUNT, 0);
    expect_reg(t->dev, FIFO_COUNT, 0);
    expect_words(t, t->m.bytes + 5 * 512, 512 - 4);
    expect_irq(t->dev, 0, false);
    expect_words(t, t->m.bytes + 6 * 512 - 4, 4);
    expect_irq(t->dev, 0, true);
    expect_irq(t->dev, 1, false);
    expect_equal(state_of(t), TRAN);
    begin_data(t, 100 * 512, true); /* many blocks, until CMD12 */
    expect_command(t, 18, 7 * 512, SHORT);
    for (unsigned n = 0; n < 100; n++) {
        wait(t);
        expect_words(t, t->m.bytes + (7 + n) * 512, 512);
    }
    assert_true(read_reg(t->dev, STATUS) & DATA_END);
    expect_equal(state_of(t), DATA);
    expect_command(t, 12, 0, SHORT);
    expect_equal(state_of(t), TRAN);
    expect_command(t, 23, 2, SHORT); /* two blocks */
    begin_data(t, 1024, true);
    expect_command(t, 18, 0, SHORT);
    wait(t);
    expect_words(t, t->m.bytes, 1024);
    expect_equal(state_of(t), TRAN);
    expect_command(t, 16, 16, SHORT); /* part of a block */
    write_reg(t->dev, DATA_LENGTH, 16);
    write_reg(t->dev, DATA_CTRL, 4 << 4 | 3);
    expect_command(t, 17, 512 + 32, SHORT);
    wait(t);
    expect_words(t, t->m.bytes + 512 + 32, 16);
    done(t);
}

static void test_write(void **state)
{
    (void)state;
    Test *t = make(SECTORS * 512, false);
    identify(t);
    expect_command(t, 24, 3 * 512, SHORT);
    begin_data(t, 512, false);
    for (unsigned n = 0; n < 128; n++)
        write_reg(t->dev, FIFO, 0x55555555);
    assert_false(read_reg(t->dev, STATUS) & DATA_END); /* busy */
    expect_equal(state_of(t), PRG);
    wait(t);
    assert_true(read_reg(t->dev, STATUS) & DATA_END || state_of(t) == TRAN);
    assert_int_equal(t->m.bytes[3 * 512], 0x55);
    assert_int_equal(t->m.bytes[4 * 512 - 1], 0x55);
    expect_command(t, 25, 10 * 512, SHORT);
    begin_data(t, 127 * 512, false);
    send_words(t, 0x77, 127 * 512);
    assert_int_equal(t->m.operations[DISK_WRITE], 1); /* the card waits for more */
    expect_equal(state_of(t), RCV);
    expect_command(t, 12, 0, SHORT);
    wait(t);
    expect_equal(state_of(t), TRAN);
    assert_int_equal(t->m.operations[DISK_WRITE], 2);
    assert_int_equal(t->m.bytes[10 * 512], 0x77);
    assert_int_equal(t->m.bytes[137 * 512 - 1], 0x77);
    assert_int_not_equal(t->m.bytes[137 * 512], 0x77);
    write_reg(t->dev, DATA_LENGTH, 4);
    write_reg(t->dev, DATA_CTRL, 2 << 4 | 3);
    expect_equal(application(t, 22, 0), RESP_END);
    expect_reg(t->dev, FIFO, 127u << 24);
    done(t);
}

static void test_errors(void **state)
{
    (void)state;
    Test *t = make(SECTORS * 512 - 3 * 512, false);
    identify(t);
    expect_command(t, 17, 4000 * 512, SHORT);
    assert_true(read_reg(t->dev, RESPONSE) >> 31);
    expect_command(t, 17, 100, SHORT); /* across blocks */
    assert_true(read_reg(t->dev, RESPONSE) & 1 << 30);
    expect_command(t, 24, 512 * 998, SHORT); /* beyond the medium, within the CSD's capacity */
    begin_data(t, 512, false);
    send_words(t, 1, 512);
    assert_true(card_status(t) & (1 << 19 | 1u << 31));
    t->m.fails = DISK_IO_ERROR;
    expect_command(t, 24, 0, SHORT);
    begin_data(t, 512, false);
    send_words(t, 1, 512);
    assert_true(card_status(t) & 1 << 19);
    begin_data(t, 512, true);
    expect_command(t, 17, 0, SHORT);
    wait(t);
    assert_true(read_reg(t->dev, STATUS) & DATA_TIMEOUT);
    expect_command(t, 12, 0, SHORT);
    t->m.fails = DISK_OK;
    begin_data(t, 512, true); /* no command: the card sends nothing for 24,000 of its cycles of 12 MHz */
    step(&t->h, MILLISECOND_NS);
    assert_false(read_reg(t->dev, STATUS) & DATA_TIMEOUT);
    step(&t->h, 2 * MILLISECOND_NS);
    assert_true(read_reg(t->dev, STATUS) & DATA_TIMEOUT);
    done(t);
    t = make(SECTORS * 512, true);
    expect_irq(t->dev, 3, true);
    identify(t);
    expect_command(t, 24, 0, SHORT);
    begin_data(t, 512, false);
    send_words(t, 1, 512);
    assert_true(card_status(t) & 1 << 26);
    done(t);
}

static void test_erase_and_protection(void **state)
{
    (void)state;
    enum { GROUP = 16384 };
    Test *t = make(3 * GROUP * 512, false);
    identify(t);
    expect_command(t, 28, GROUP * 512, SHORT); /* protects the second group */
    write_reg(t->dev, DATA_LENGTH, 4);
    write_reg(t->dev, DATA_CTRL, 2 << 4 | 3);
    expect_command(t, 30, 0, SHORT);
    expect_reg(t->dev, FIFO, 2u << 24);
    expect_command(t, 24, GROUP * 512, SHORT);
    begin_data(t, 512, false);
    send_words(t, 1, 512);
    assert_true(card_status(t) & 1 << 26);
    expect_command(t, 32, 2 * 512, SHORT);
    expect_command(t, 33, (2 * GROUP + 1) * 512, SHORT);
    expect_command(t, 38, 0, SHORT);
    expect_equal(state_of(t), PRG);
    for (unsigned n = 0; n < 100; n++)
        wait(t);
    uint32_t status = card_status(t);
    assert_true(status & 1 << 15);
    assert_int_equal(status >> 9 & 15, TRAN);
    assert_int_not_equal(t->m.bytes[1 * 512 + 1], 0);
    assert_int_equal(t->m.bytes[2 * 512 + 1], 0);
    assert_int_equal(t->m.bytes[GROUP * 512 - 1], 0);
    assert_int_not_equal(t->m.bytes[GROUP * 512 + 1], 0);
    assert_int_equal(t->m.bytes[(2 * GROUP + 1) * 512 + 1], 0);
    assert_int_not_equal(t->m.bytes[(2 * GROUP + 2) * 512 + 1], 0);
    expect_command(t, 38, 0, SHORT);
    assert_true(read_reg(t->dev, RESPONSE) & 1 << 28 || card_status(t) & 1 << 28); /* out of sequence */
    done(t);
}

static void test_come_and_go(void **state)
{
    (void)state;
    Test *t = make(SECTORS * 512, false);
    identify(t);
    begin_data(t, 512, true);
    expect_command(t, 17, 0, SHORT);
    disk_slot_set(slot(t), NULL);
    expect_irq(t->dev, 2, false);
    expect_equal(command(t, 13, t->rca << 16, SHORT), TIMEOUT);
    wait(t);
    disk_slot_set(slot(t), t->m.disk);
    expect_irq(t->dev, 2, true);
    expect_equal(command(t, 13, t->rca << 16, SHORT), TIMEOUT); /* it has forgotten its address */
    identify(t);
    write_reg(t->dev, POWER, 0);
    identify(t);
    done(t);
}

/* Random registers and commands with a medium: nothing breaks. */
static void test_hostile(void **state)
{
    (void)state;
    static const uint8_t likely[] = {0,  2,  3,  7,  6,  8,  9,  12, 13, 16, 17, 18, 22,
                                     23, 24, 25, 27, 28, 30, 32, 33, 38, 41, 51, 55};
    for (uint64_t seed = 1; seed < 20; seed++) {
        Test *t = make(SECTORS * 512, false);
        uint64_t random = seed;
        identify(t);
        for (unsigned n = 0; n < 5000; n++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            uint32_t value = (uint32_t)(random >> 32), what = value >> 4 & 15;
            if (what < 5)
                command(t, likely[value % sizeof likely],
                        value >> 8 & 1 ? t->rca << 16 : value >> 12 & 0xfff0, SHORT);
            else if (what < 8)
                begin_data(t, value >> 8 & 0x1ffc, value & 1);
            else if (what < 12)
                for (unsigned k = 0; k < 200; k++)
                    (value & 1 ? write_reg(t->dev, FIFO, value) : (void)read_reg(t->dev, FIFO));
            else if (what < 13)
                write_reg(t->dev, value >> 8 & 0xfc, value);
            else if (what < 14)
                disk_slot_set(slot(t), value >> 8 & 3 ? t->m.disk : NULL);
            else if (what < 15)
                t->dev->type->loaded(t->dev);
            else
                step(&t->h, value >> 12);
        }
        wait(t);
        done(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identification), cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_read),           cmocka_unit_test(test_write),
        cmocka_unit_test(test_errors),         cmocka_unit_test(test_erase_and_protection),
        cmocka_unit_test(test_come_and_go),    cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
