/* The CompactFlash slot: the task file, transfers one sector or many at a time, three ways of addressing,
 * errors, cards that come and go. */
#include "tests/devices/memory_disk.h"

enum {
    DATA = 0x00,
    ERROR = 0x04,
    COUNT = 0x08,
    LOW = 0x0c,
    MID = 0x10,
    HIGH = 0x14,
    SELECT = 0x18,
    STATUS = 0x1c
};
enum { CONTROL = 0x100 };
enum { ERR = 1, DRQ = 8, DRDY = 0x40, BSY = 0x80, READY = 0x50, ABRT = 4, IDNF = 0x10, UNC = 0x40 };
enum { LBA = 0x40, SLAVE = 0x10 };
enum { SECTORS = 3000 };

typedef struct Test {
    Harness h;
    MemoryDisk m;
    Device *dev;
} Test;

static DiskSlot *slot(Test *t)
{
    return &t->h.env.disk[DISK_SLOT_CF];
}

static Test *make(bool read_only)
{
    Test *t = calloc(1, sizeof *t);
    harness_init(&t->h, 1);
    t->dev = harness_device(&t->h, "compact_flash", "cf", NULL);
    expect_equal(read_narrow(t->dev, STATUS, 1), 0xff);
    memory_disk_init_as(&t->m, &t->h, SECTORS * DISK_SECTOR, true, read_only);
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

static uint32_t get(Test *t, uint32_t offset)
{
    return read_narrow(t->dev, offset, 1);
}

static void put(Test *t, uint32_t offset, uint32_t value)
{
    write_narrow(t->dev, offset, 1, value);
}

/* Waits until it is not busy, and returns the status. */
static uint32_t status(Test *t)
{
    for (unsigned n = 0; n < 100000 && get(t, STATUS) & BSY; n++)
        step(&t->h, 1000);
    return get(t, STATUS);
}

static void command(Test *t, uint32_t code, uint32_t lba, uint32_t count)
{
    put(t, COUNT, count);
    put(t, LOW, lba & 0xff);
    put(t, MID, lba >> 8 & 0xff);
    put(t, HIGH, lba >> 16 & 0xff);
    put(t, SELECT, LBA | lba >> 24);
    put(t, STATUS, code);
}

static void command_ext(Test *t, uint32_t code, uint32_t lba, uint32_t count)
{
    put(t, COUNT, count >> 8);
    put(t, LOW, lba >> 24);
    put(t, MID, 0);
    put(t, HIGH, 0);
    command(t, code, lba & 0xffffff, count & 0xff);
}

static void expect_sectors(Test *t, const uint8_t *bytes, unsigned sectors, unsigned block)
{
    for (unsigned n = 0; n < sectors * 256; n++) {
        uint16_t word;
        memcpy(&word, bytes + 2 * n, 2);
        if (n % (256 * block) == 0)
            expect_equal(status(t), READY | DRQ);
        expect_equal(read_narrow(t->dev, DATA, 2), word);
    }
    expect_equal(status(t), READY);
}

static void send_sectors(Test *t, uint8_t value, unsigned sectors, unsigned block)
{
    for (unsigned n = 0; n < sectors * 256; n++) {
        if (n % (256 * block) == 0)
            expect_equal(status(t), READY | DRQ);
        write_narrow(t->dev, DATA, 2, value * 0x101u);
    }
    expect_equal(status(t), READY);
}

static void expect_failure(Test *t, uint32_t error)
{
    expect_equal(status(t), READY | ERR);
    expect_equal(get(t, ERROR), error);
}

static void test_identify(void **state)
{
    (void)state;
    Test *t = make(false);
    uint16_t word[256];
    expect_equal(get(t, STATUS), READY);
    expect_equal(get(t, ERROR), 1);
    expect_equal(get(t, COUNT), 1);
    expect_equal(get(t, LOW), 1);
    command(t, 0xec, 0, 0);
    for (unsigned n = 0; n < 256; n++)
        word[n] = (uint16_t)read_narrow(t->dev, DATA, 2);
    expect_equal(status(t), READY);
    expect_equal(word[0], 0x848a);
    expect_equal(word[1] * word[3] * word[6], SECTORS / (16 * 63) * 16 * 63);
    expect_equal(word[60] | (uint32_t)word[61] << 16, SECTORS);
    expect_equal(word[100] | (uint32_t)word[101] << 16, SECTORS);
    expect_equal(word[10], 'S' << 8 | 'E');
    put(t, SELECT, SLAVE);
    expect_equal(get(t, STATUS), 0); /* nobody */
    done(t);
}

static void test_read(void **state)
{
    (void)state;
    Test *t = make(false);
    command(t, 0x20, 7, 3);
    assert_true(get(t, STATUS) & BSY);
    expect_sectors(t, t->m.bytes + 7 * 512, 3, 1);
    command(t, 0x20, 100, 0); /* 256 */
    expect_sectors(t, t->m.bytes + 100 * 512, 256, 1);
    command_ext(t, 0x24, 1000, 300);
    expect_sectors(t, t->m.bytes + 1000 * 512, 300, 1);
    command(t, 0xc4, 0, 1);
    expect_failure(t, ABRT); /* not set */
    command(t, 0xc6, 0, 8);
    expect_equal(status(t), READY);
    command(t, 0xc4, 50, 20);
    expect_sectors(t, t->m.bytes + 50 * 512, 20, 8);
    command(t, 0x40, 0, 0);
    expect_equal(status(t), READY);
    put(t, COUNT, 1); /* cylinder 1, head 2, sector 3 of 16 heads of 63 sectors */
    put(t, LOW, 3);
    put(t, MID, 1);
    put(t, HIGH, 0);
    put(t, SELECT, 2);
    put(t, STATUS, 0x20);
    expect_sectors(t, t->m.bytes + ((16 + 2) * 63 + 2) * 512, 1, 1);
    done(t);
}

static void test_write(void **state)
{
    (void)state;
    Test *t = make(false);
    command(t, 0x30, 5, 2);
    send_sectors(t, 0x55, 2, 1);
    assert_int_equal(t->m.bytes[5 * 512], 0x55);
    assert_int_equal(t->m.bytes[7 * 512 - 1], 0x55);
    assert_int_equal(t->m.operations[DISK_FLUSH], 0);
    command(t, 0xe7, 0, 0);
    expect_equal(status(t), READY);
    assert_int_equal(t->m.operations[DISK_FLUSH], 1);
    put(t, ERROR, 0x82); /* no write cache */
    command(t, 0xef, 0, 0);
    expect_equal(status(t), READY);
    command(t, 0xc6, 0, 16);
    command(t, 0xc5, 200, 200);
    send_sectors(t, 0x77, 200, 16);
    assert_int_equal(t->m.operations[DISK_FLUSH], 2);
    assert_int_equal(t->m.bytes[200 * 512], 0x77);
    assert_int_equal(t->m.bytes[400 * 512 - 1], 0x77);
    assert_int_not_equal(t->m.bytes[400 * 512], 0x77);
    done(t);
}

static void test_errors(void **state)
{
    (void)state;
    Test *t = make(false);
    command(t, 0x20, SECTORS, 1);
    expect_failure(t, IDNF);
    command(t, 0x20, SECTORS - 1, 2);
    expect_failure(t, IDNF);
    command(t, 0xc8, 0, 1); /* READ DMA */
    expect_failure(t, ABRT);
    t->m.fails = DISK_IO_ERROR;
    command(t, 0x20, 0, 1);
    expect_failure(t, UNC);
    t->m.fails = DISK_OK;
    command(t, 0x20, 0, 1);
    write_reg(t->dev, CONTROL, 4); /* a reset while it reads */
    expect_equal(get(t, STATUS), BSY);
    assert_int_equal(disk_under_way(t->m.disk), 0);
    write_reg(t->dev, CONTROL, 0);
    expect_equal(status(t), READY);
    command(t, 0x20, 0, 1);
    disk_slot_set(slot(t), NULL);
    expect_equal(get(t, STATUS), 0xff);
    disk_slot_set(slot(t), t->m.disk);
    expect_equal(get(t, STATUS), READY);
    done(t);
    t = make(true);
    command(t, 0x30, 0, 1);
    expect_failure(t, ABRT);
    done(t);
}

static void test_hostile(void **state)
{
    (void)state;
    static const uint8_t codes[] = {0x20, 0x24, 0x29, 0x30, 0x34, 0x39, 0x40,
                                    0x91, 0xc4, 0xc5, 0xc6, 0xe7, 0xec, 0xef};
    for (uint64_t seed = 1; seed < 20; seed++) {
        Test *t = make(false);
        uint64_t random = seed;
        for (unsigned n = 0; n < 5000; n++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            uint32_t value = (uint32_t)(random >> 32), what = value >> 4 & 15;
            if (what < 6)
                command(t, value & 1 ? codes[value % sizeof codes] : value & 0xff, value >> 8 & 0xfff,
                        value >> 20 & 31);
            else if (what < 11)
                for (unsigned k = 0; k < 300; k++)
                    (value & 1 ? write_reg(t->dev, DATA, value) : (void)read_reg(t->dev, DATA));
            else if (what < 12)
                write_narrow(t->dev, value >> 8 & 0x1fe, 2, value);
            else if (what < 13)
                disk_slot_set(slot(t), value >> 8 & 3 ? t->m.disk : NULL);
            else if (what < 14)
                t->dev->type->loaded(t->dev);
            else
                step(&t->h, value >> 12);
        }
        done(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identify), cmocka_unit_test(test_read),    cmocka_unit_test(test_write),
        cmocka_unit_test(test_errors),   cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
