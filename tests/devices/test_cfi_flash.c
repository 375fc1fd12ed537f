/* NOR flash bank of two 28F256J3 chips on a 32-bit bus: commands go to both at once, as drivers send them. */
#include "tests/devices/harness.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "devices/cfi_flash.h"

enum { BLOCK = 0x40000, BASE = 0x40000000 };
enum {
    READY = 0x80,
    ERASE_SUSPENDED = 0x40,
    ERASE_ERROR = 0x20,
    PROGRAM_ERROR = 0x10,
    PROGRAM_SUSPENDED = 4,
    LOCKED = 2
};

#define BOTH(x) ((uint32_t)(x) << 16 | (uint32_t)(x))
#define WORD_NS 8000u
#define ERASE_NS 2000000u

typedef struct Flash {
    Harness h;
    Device *dev;
    unsigned changes; /* of what the bus shows */
} Flash;

static void bus_changed(void *opaque, uint32_t base, uint64_t size)
{
    expect_equal(base, BASE);
    expect_equal(size, CFI_FLASH_BYTES);
    ((Flash *)opaque)->changes++;
}

static void place(Flash *f)
{
    Region region = {.name = "flash0",
                     .base = BASE,
                     .size = f->dev->type->window,
                     .kind = REGION_MMIO,
                     .ops = &device_mmio,
                     .opaque = f->dev};
    f->dev->type->map(f->dev, &region);
    f->dev->region = bus_add(f->h.env.bus, &region);
    bus_on_change(f->h.env.bus, bus_changed, f);
}

static int setup(void **state)
{
    static Flash flash;
    harness_init(&flash.h, 1);
    flash.dev = harness_device(&flash.h, "cfi_flash", "flash0", NULL);
    flash.changes = 0;
    place(&flash);
    *state = &flash;
    return 0;
}

static int teardown(void **state)
{
    harness_done(&((Flash *)*state)->h);
    return 0;
}

static uint32_t get(Flash *f, uint32_t offset)
{
    BusAccess access = access_as(0, true);
    uint32_t value = 0;
    assert_int_equal(bus_read(f->h.env.bus, BASE + offset, &access, &value), BUS_OK);
    return value;
}

static void put(Flash *f, uint32_t offset, uint32_t value)
{
    BusAccess access = access_as(0, true);
    assert_int_equal(bus_write(f->h.env.bus, BASE + offset, &access, value), BUS_OK);
}

static uint32_t wait_ready(Flash *f)
{
    step(&f->h, ERASE_NS);
    return get(f, 0);
}

static void program(Flash *f, uint32_t offset, uint32_t value)
{
    put(f, offset, BOTH(0x40));
    put(f, offset, value);
    expect_equal(get(f, offset), BOTH(0));
    step(&f->h, WORD_NS);
    expect_equal(get(f, offset), BOTH(READY));
    put(f, 0, BOTH(0xff));
}

static void test_erased_and_direct(void **state)
{
    Flash *f = *state;
    expect_equal(get(f, 0), 0xffffffff);
    expect_equal(get(f, CFI_FLASH_BYTES - 4), 0xffffffff);
    assert_true(f->dev->region->direct);
    assert_int_equal(f->dev->region->kind, REGION_ROM_DEVICE);
    put(f, 0, BOTH(0x70));
    assert_false(f->dev->region->direct);
    expect_equal(f->changes, 1);
    put(f, 0, BOTH(0xff));
    assert_true(f->dev->region->direct);
    expect_equal(f->changes, 2);
}

static void test_identification(void **state)
{
    Flash *f = *state;
    put(f, 0x555 * 4, BOTH(0x90));
    expect_equal(get(f, 0), BOTH(0x0089));
    expect_equal(get(f, 4), BOTH(0x001d));
    expect_equal(get(f, 5 * BLOCK + 8), BOTH(0)); /* not locked */
    expect_equal(get(f, 0x80 * 4), BOTH(0xfffe));
}

static uint32_t query(Flash *f, uint32_t place)
{
    uint32_t value = get(f, 4 * place);
    expect_equal(value >> 16, value & 0xffff);
    return value & 0xffff;
}

/* What a CFI driver derives: command set, sizes, geometry (JESD68). */
static void test_query(void **state)
{
    Flash *f = *state;
    put(f, 0x55 * 4, BOTH(0x98));
    expect_equal(query(f, 0x10), 'Q');
    expect_equal(query(f, 0x11), 'R');
    expect_equal(query(f, 0x12), 'Y');
    expect_equal(query(f, 0x13) | query(f, 0x14) << 8, 1);
    uint32_t primary = query(f, 0x15) | query(f, 0x16) << 8;
    expect_equal(query(f, primary), 'P');
    expect_equal(query(f, primary + 1), 'R');
    expect_equal(query(f, primary + 2), 'I');
    expect_equal(query(f, primary + 3), '1');
    expect_equal(2u << query(f, 0x27), CFI_FLASH_BYTES); /* two chips */
    expect_equal(1u << query(f, 0x2a), 32);
    expect_equal(query(f, 0x2c), 1);
    uint32_t blocks = (query(f, 0x2d) | query(f, 0x2e) << 8) + 1;
    uint32_t bytes = (query(f, 0x2f) | query(f, 0x30) << 8) * 256;
    expect_equal(blocks, 256);
    expect_equal(2 * bytes, BLOCK);
    expect_equal(1000u << query(f, 0x1f), WORD_NS);
    expect_equal(1000000u << query(f, 0x21), ERASE_NS);
}

static void test_one_chip_alone(void **state)
{
    Flash *f = *state;
    BusAccess half = access_as(0, true);
    half.size = 2;
    bus_write(f->h.env.bus, BASE + 2, &half, 0x90);
    expect_equal(get(f, 0), 0x0089ffff);
    bus_write(f->h.env.bus, BASE, &half, 0x70);
    expect_equal(get(f, 0), 0x00890080);
    uint32_t value = 0;
    BusAccess byte = access_as(0, true);
    byte.size = 1;
    bus_read(f->h.env.bus, BASE + 2, &byte, &value);
    expect_equal(value, 0x89);
}

static void test_program(void **state)
{
    Flash *f = *state;
    program(f, 0x1000, 0x12345678);
    expect_equal(get(f, 0x1000), 0x12345678);
    expect_equal(get(f, 0x1004), 0xffffffff);
    program(f, 0x1000, 0xf0f0f0f0); /* ones do not come back */
    expect_equal(get(f, 0x1000), 0x12345678 & 0xf0f0f0f0);
}

static void test_erase(void **state)
{
    Flash *f = *state;
    program(f, BLOCK - 4, 1);
    program(f, BLOCK, 2);
    program(f, 2 * BLOCK - 4, 3);
    program(f, 2 * BLOCK, 4);
    put(f, BLOCK, BOTH(0x20));
    put(f, BLOCK, BOTH(0xd0));
    expect_equal(get(f, 0), BOTH(0));
    step(&f->h, ERASE_NS - 1);
    expect_equal(get(f, 0), BOTH(0));
    step(&f->h, 1);
    expect_equal(get(f, 0), BOTH(READY));
    put(f, 0, BOTH(0xff));
    expect_equal(get(f, BLOCK - 4), 1);
    expect_equal(get(f, BLOCK), 0xffffffff);
    expect_equal(get(f, 2 * BLOCK - 4), 0xffffffff);
    expect_equal(get(f, 2 * BLOCK), 4);
}

static void test_buffered_program(void **state)
{
    Flash *f = *state;
    put(f, BLOCK, BOTH(0xe8));
    expect_equal(get(f, BLOCK), BOTH(READY)); /* extended status: the buffer is free */
    put(f, BLOCK, BOTH(15));
    for (uint32_t n = 0; n < 16; n++)
        put(f, BLOCK + 64 + 4 * n, 0x01010101 * n);
    put(f, BLOCK, BOTH(0xd0));
    expect_equal(get(f, BLOCK), BOTH(0));
    expect_equal(wait_ready(f), BOTH(READY));
    put(f, 0, BOTH(0xff));
    for (uint32_t n = 0; n < 16; n++)
        expect_equal(get(f, BLOCK + 64 + 4 * n), 0x01010101 * n);
    expect_equal(get(f, BLOCK + 128), 0xffffffff);
}

static void clear_status(Flash *f)
{
    put(f, 0, BOTH(0x50));
    put(f, 0, BOTH(0x70));
    expect_equal(get(f, 0), BOTH(READY));
}

static void test_sequence_errors(void **state)
{
    Flash *f = *state;
    const uint32_t sequence_error = BOTH(READY | ERASE_ERROR | PROGRAM_ERROR);
    put(f, 0, BOTH(0x20)); /* erase without its confirm */
    put(f, 0, BOTH(0xff));
    expect_equal(get(f, 0), sequence_error);
    clear_status(f);
    put(f, 0, BOTH(0xe8)); /* more than the buffer holds */
    put(f, 0, BOTH(16));
    expect_equal(get(f, 0), sequence_error);
    clear_status(f);
    put(f, 0, BOTH(0xe8)); /* a word of another block */
    put(f, 0, BOTH(1));
    put(f, BLOCK, 0);
    expect_equal(get(f, 0), sequence_error);
    clear_status(f);
    put(f, 0, BOTH(0xe8)); /* one word more than announced, in place of the confirm */
    put(f, 0, BOTH(0));
    put(f, 0, 0);
    put(f, 4, 0);
    expect_equal(get(f, 0), sequence_error);
    clear_status(f);
    put(f, 0, BOTH(0xff));
    expect_equal(get(f, 0), 0xffffffff);
}

static void test_locks(void **state)
{
    Flash *f = *state;
    put(f, BLOCK, BOTH(0x60));
    put(f, BLOCK, BOTH(0x01));
    expect_equal(wait_ready(f), BOTH(READY));
    put(f, 0, BOTH(0x90));
    expect_equal(get(f, BLOCK + 8), BOTH(1));
    expect_equal(get(f, 8), BOTH(0));
    put(f, BLOCK, BOTH(0x40));
    put(f, BLOCK, 0);
    expect_equal(get(f, 0), BOTH(READY | PROGRAM_ERROR | LOCKED));
    clear_status(f);
    put(f, BLOCK, BOTH(0x20));
    put(f, BLOCK, BOTH(0xd0));
    expect_equal(get(f, 0), BOTH(READY | ERASE_ERROR | LOCKED));
    clear_status(f);
    device_reset(f->dev); /* lock bits survive */
    put(f, BLOCK, BOTH(0x40));
    put(f, BLOCK, 0);
    expect_equal(get(f, 0), BOTH(READY | PROGRAM_ERROR | LOCKED));
    clear_status(f);
    put(f, 0, BOTH(0x60));
    put(f, 0, BOTH(0xd0)); /* clears all */
    expect_equal(wait_ready(f), BOTH(READY));
    program(f, BLOCK, 0x5a5a5a5a);
    expect_equal(get(f, BLOCK), 0x5a5a5a5a);
}

static void test_suspend_and_resume(void **state)
{
    Flash *f = *state;
    program(f, BLOCK, 0);
    put(f, BLOCK, BOTH(0x20));
    put(f, BLOCK, BOTH(0xd0));
    step(&f->h, ERASE_NS / 2);
    put(f, 0, BOTH(0xb0));
    expect_equal(get(f, 0), BOTH(READY | ERASE_SUSPENDED));
    put(f, 0, BOTH(0xff));
    expect_equal(get(f, 0), 0xffffffff); /* other blocks can be read */
    put(f, 0, BOTH(0x40));               /* and programmed, */
    put(f, 0, 0x77777777);
    put(f, 0, BOTH(0xb0)); /* which can be suspended too */
    expect_equal(get(f, 0), BOTH(READY | ERASE_SUSPENDED | PROGRAM_SUSPENDED));
    put(f, 0, BOTH(0xd0));
    expect_equal(get(f, 0), BOTH(ERASE_SUSPENDED));
    step(&f->h, WORD_NS);
    expect_equal(get(f, 0), BOTH(READY | ERASE_SUSPENDED));
    put(f, BLOCK, BOTH(0x40)); /* but not the block that is being erased */
    put(f, BLOCK, 0);
    expect_equal(get(f, 0), BOTH(READY | ERASE_SUSPENDED | PROGRAM_ERROR));
    put(f, 0, BOTH(0x50));
    put(f, 2 * BLOCK, BOTH(0x20)); /* nor can a second be erased */
    expect_equal(get(f, 0), BOTH(READY | ERASE_SUSPENDED | ERASE_ERROR | PROGRAM_ERROR));
    put(f, 0, BOTH(0x50));
    step(&f->h, SECOND_NS);
    put(f, 0, BOTH(0xd0));
    expect_equal(get(f, 0), BOTH(0));
    step(&f->h, ERASE_NS / 2 - 1);
    expect_equal(get(f, 0), BOTH(0));
    step(&f->h, 1);
    expect_equal(get(f, 0), BOTH(READY));
    put(f, 0, BOTH(0xff));
    expect_equal(get(f, BLOCK), 0xffffffff);
    expect_equal(get(f, 0), 0x77777777);
}

static void test_busy_ignores_commands(void **state)
{
    Flash *f = *state;
    put(f, 0, BOTH(0x20));
    put(f, 0, BOTH(0xd0));
    put(f, 0, BOTH(0xff));
    expect_equal(get(f, 0), BOTH(0));
    assert_false(f->dev->region->direct);
    device_reset(f->dev);
    expect_equal(get(f, 0), 0xffffffff);
    assert_true(f->dev->region->direct);
}

static void test_protection_register(void **state)
{
    Flash *f = *state;
    put(f, 0x85 * 4, BOTH(0xc0));
    put(f, 0x85 * 4, BOTH(0x1234));
    expect_equal(wait_ready(f), BOTH(READY));
    put(f, 0x81 * 4, BOTH(0xc0)); /* the factory's */
    put(f, 0x81 * 4, BOTH(0));
    expect_equal(get(f, 0), BOTH(READY | PROGRAM_ERROR | LOCKED));
    clear_status(f);
    put(f, 0x80 * 4, BOTH(0xc0)); /* lock the user's */
    put(f, 0x80 * 4, BOTH(0xfffd));
    wait_ready(f);
    put(f, 0x86 * 4, BOTH(0xc0));
    put(f, 0x86 * 4, BOTH(0));
    expect_equal(get(f, 0), BOTH(READY | PROGRAM_ERROR | LOCKED));
    put(f, 0, BOTH(0x90));
    expect_equal(get(f, 0x85 * 4), BOTH(0x1234));
    expect_equal(get(f, 0x86 * 4), BOTH(0xffff));
    expect_equal(get(f, 0x80 * 4), BOTH(0xfffc));
}

/* ---- Files --------------------------------------------------------------------------------------------- */

static void make_file(char *path, off_t size)
{
    strcpy(path, "/tmp/armature-flash-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "armature", 8, 0), 8);
    assert_int_equal(ftruncate(fd, size), 0);
    close(fd);
}

static uint32_t word_in_file(const char *path, off_t at)
{
    uint32_t word = 0;
    int fd = open(path, O_RDONLY);
    assert_int_equal(pread(fd, &word, 4, at), 4);
    close(fd);
    return word;
}

static void with_file(Flash *f, const char *path)
{
    harness_init(&f->h, 1);
    f->h.env.flash_path[0] = path;
    f->dev = harness_device(&f->h, "cfi_flash", "flash0", NULL);
    place(f);
}

static void test_whole_file_is_written_through(void **state)
{
    (void)state;
    Flash f = {0};
    char path[32];
    make_file(path, CFI_FLASH_BYTES);
    with_file(&f, path);
    expect_equal(get(&f, 0), 0x616d7261); /* "arma" */
    program(&f, 4, 0);
    harness_done(&f.h);
    expect_equal(word_in_file(path, 0), 0x616d7261);
    expect_equal(word_in_file(path, 4), 0);
    unlink(path);
}

static unsigned told;

static void trouble(void *machine, const char *source, const char *text)
{
    (void)machine;
    assert_string_equal(source, "flash0");
    assert_non_null(strstr(text, "cannot write"));
    told++;
}

/* The host cannot store what is programmed: the user hears of it once, and it is stored when it can be. */
static void test_host_fails(void **state)
{
    (void)state;
    Flash f = {0};
    char path[32];
    struct rlimit before, limit = {.rlim_cur = 4096};
    make_file(path, CFI_FLASH_BYTES);
    with_file(&f, path);
    f.h.env.trouble = trouble;
    told = 0;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    put(&f, 0x800000, BOTH(0x20)); /* make ones of zeros */
    put(&f, 0x800000, BOTH(0xd0));
    wait_ready(&f);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    program(&f, 0x800000, 0x11223344);
    program(&f, 0x800008, 0x55667788);
    program(&f, 0x900000, 0);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(told, 1);
    expect_equal(get(&f, 0x800000), 0x11223344);
    expect_equal(word_in_file(path, 0x800000), 0xffffffff);
    program(&f, 0x800010, 0);
    expect_equal(word_in_file(path, 0x800000), 0x11223344);
    expect_equal(word_in_file(path, 0x800008), 0x55667788);
    assert_int_equal(truncate(path, 0), 0); /* whatever others do to the file */
    expect_equal(get(&f, 0x800008), 0x55667788);
    memcpy(cfi_flash_contents(f.dev) + 0x1000000, "loaded", 6);
    harness_done(&f.h);
    expect_equal(word_in_file(path, 0x800008), 0x55667788);
    expect_equal(word_in_file(path, 0x1000000), 0x64616f6c);
    expect_equal(word_in_file(path, 0), 0x616d7261);
    unlink(path);
}

static void refuse(const char *path, const char *why);

static void test_file_is_locked(void **state)
{
    (void)state;
    Flash f = {0};
    char path[32];
    make_file(path, CFI_FLASH_BYTES);
    with_file(&f, path);
    refuse(path, "is in use by this machine itself");
    harness_done(&f.h);
    with_file(&f, path);
    harness_done(&f.h);
    unlink(path);
}

static void test_short_file_is_not_changed(void **state)
{
    (void)state;
    Flash f = {0};
    char path[32];
    make_file(path, 12);
    with_file(&f, path);
    expect_equal(get(&f, 8), 0);
    expect_equal(get(&f, 12), 0xffffffff);
    program(&f, 4, 0);
    expect_equal(get(&f, 4), 0);
    harness_done(&f.h);
    assert_int_not_equal(word_in_file(path, 4), 0);
    unlink(path);
}

static void refuse(const char *path, const char *why)
{
    Harness h;
    Error err = {""};
    harness_init(&h, 1);
    h.env.flash_path[0] = path;
    assert_null(device_new(device_type_find("cfi_flash"), "flash0", &h.env, NULL, 0, &err));
    if (!strstr(err.text, path) || !strstr(err.text, why))
        fail_msg("message is: %s", err.text);
    harness_done(&h);
}

static void test_bad_files(void **state)
{
    (void)state;
    char path[32];
    refuse("/nonexistent/flash.bin", "No such file");
    refuse("/tmp", "");
    make_file(path, CFI_FLASH_BYTES + 1);
    refuse(path, "67108865 bytes");
    unlink(path);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_erased_and_direct),
        CASE(test_identification),
        CASE(test_query),
        CASE(test_one_chip_alone),
        CASE(test_program),
        CASE(test_erase),
        CASE(test_buffered_program),
        CASE(test_sequence_errors),
        CASE(test_locks),
        CASE(test_suspend_and_resume),
        CASE(test_busy_ignores_commands),
        CASE(test_protection_register),
        cmocka_unit_test(test_whole_file_is_written_through),
        cmocka_unit_test(test_host_fails),
        cmocka_unit_test(test_file_is_locked),
        cmocka_unit_test(test_short_file_is_not_changed),
        cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
