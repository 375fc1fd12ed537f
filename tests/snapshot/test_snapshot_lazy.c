/* Snapshots that are not compressed: memory that is read when somebody looks at it. What was not saved is
 * never seen, whatever happens to the file meanwhile. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "snapshot/chunk.h"
#include "snapshot/machine_hash.h"
#include "snapshot/snapshot.h"

enum { MIB = 1 << 20, RAM = 0x60000000, MEMORY = 8 * MIB, PAGE = 4096 };
enum { ALONE = 1000 }; /* a page with contents between two without */

static char folder[] = "/dev/shm/armature-test-lazy-XXXXXX", path[100];
static MachineHash before, after;

static Machine *new_machine(void)
{
    Error err;
    const MachineOptions options = {.cpus = 1, .memory = MEMORY, .deterministic = true};
    Machine *machine = machine_new(&options, log_new(NULL), &err);
    assert_non_null(machine);
    return machine;
}

/* A program that adds up a word of each page of the first 2 MiB, writes into a quarter of them, and goes on.
 */
static void fill(Machine *machine)
{
    static const uint32_t program[] = {
        0xe3a00206, /* start: mov   r0, #0x60000000 */
        0xe2801602, /*        add   r1, r0, #0x200000 */
        0xe5902020, /* next:  ldr   r2, [r0, #0x20] */
        0xe0833002, /*        add   r3, r3, r2 */
        0xe3100a03, /*        tst   r0, #0x3000 */
        0x05803024, /*        streq r3, [r0, #0x24] */
        0xe2800a01, /*        add   r0, r0, #0x1000 */
        0xe1500001, /*        cmp   r0, r1 */
        0x1afffff8, /*        bne   next */
        0xeafffff5, /*        b     start */
    };
    uint32_t state = 7;
    for (uint32_t n = 0; n < 3 * MIB / 4; n++)
        ((uint32_t *)machine->ram)[n] = state = state * 1664525 + 1013904223;
    memset(machine->ram + ALONE * PAGE, 0x77, PAGE);
    assert_true(bus_load(machine->bus, RAM, program, sizeof program));
    machine->cpu[0]->pc = RAM;
}

/* A file with such a machine, and its hash in `before`. */
static void save(void)
{
    Error err;
    Machine *machine = new_machine();
    fill(machine);
    machine_hash(machine, &before);
    if (!snapshot_save(machine, path, &(SnapshotWish){0}, &err))
        fail_msg("%s", err.text);
    machine_free(machine);
}

static Machine *load(void)
{
    Error err;
    Machine *machine = new_machine();
    Snapshot *snapshot = snapshot_open(path, &err);
    if (!snapshot || !snapshot_load(snapshot, machine, &err))
        fail_msg("%s", err.text);
    snapshot_close(snapshot);
    assert_non_null(bus_lazy(machine->bus));
    return machine;
}

static bool is_away(const Machine *machine, unsigned page)
{
    return atomic_load(&bus_lazy(machine->bus)->away[page / 64]) >> page % 64 & 1;
}

static void expect_same(Machine *machine, const char *what)
{
    machine_hash(machine, &after);
    const char *difference = machine_hash_difference(&before, &after);
    if (difference)
        fail_msg("%s: %s is another", what, difference);
}

/* ---- What is read, and when -------------------------------------------------------------------------- */

static void test_only_what_is_needed(void **state)
{
    (void)state;
    save();
    Machine *machine = load();
    uint32_t word;
    assert_true(is_away(machine, 0) && is_away(machine, 100) && is_away(machine, ALONE));
    assert_false(is_away(machine, ALONE + 1));
    machine_step(machine, 2);
    assert_false(is_away(machine, 0));
    assert_true(is_away(machine, 100));
    assert_true(bus_dma_read(machine->bus, RAM + ALONE * PAGE + 8, &word, 4));
    assert_int_equal(word, 0x77777777);
    assert_false(is_away(machine, ALONE));
    assert_non_null(bus_host(machine->bus, RAM + 99 * PAGE, 3 * PAGE));
    assert_false(is_away(machine, 99) || is_away(machine, 101));
    assert_true(is_away(machine, 98) && is_away(machine, 102));
    machine_free(machine);
}

static void test_same_run(void **state)
{
    (void)state;
    Error err;
    Machine *whole = new_machine();
    fill(whole);
    assert_true(snapshot_save(whole, path, &(SnapshotWish){0}, &err));
    Machine *one = load(), *two = load();
    machine_step(whole, 100000);
    machine_hash(whole, &before);
    machine_step(one, 100000); /* what it writes, the other must not see */
    machine_step(two, 100000);
    expect_same(one, "the first");
    expect_same(two, "the second");
    Snapshot *snapshot = snapshot_open(path, &err);
    assert_true(snapshot_verify(snapshot, &err));
    snapshot_close(snapshot);
    machine_free(whole);
    machine_free(one);
    machine_free(two);
}

/* Saved again while most was not read yet, and written meanwhile. */
static void test_saved_again(void **state)
{
    (void)state;
    Error err;
    save();
    Machine *machine = load();
    machine_step(machine, 300);
    for (unsigned compress = 0; compress < 2; compress++) {
        machine_step(machine, 300);
        SnapshotSave *again = snapshot_save_begin(machine, path, &(SnapshotWish){.compress = compress}, &err);
        Machine *same = new_machine();
        machine_step(machine, 50000);
        if (!snapshot_save_end(again, &err))
            fail_msg("%s", err.text);
        Snapshot *snapshot = snapshot_open(path, &err);
        assert_true(snapshot_load(snapshot, same, &err));
        snapshot_close(snapshot);
        machine_step(same, 50000);
        machine_hash(same, &before);
        expect_same(machine, "the one that was saved");
        machine_free(same);
    }
    machine_free(machine);
}

/* Others that look at memory past the bus, and what is no longer needed. */
static void test_ordinary_memory(void **state)
{
    (void)state;
    save();
    Machine *machine = load();
    uint8_t page[PAGE];
    assert_true(bus_discard(machine->bus, RAM + 64 * PAGE, 3 * PAGE));
    const uint8_t *host = bus_host(machine->bus, RAM + 64 * PAGE, 3 * PAGE);
    for (unsigned n = 0; n < 3 * PAGE; n++)
        assert_int_equal(host[n], 0);
    assert_true(bus_dma_write(machine->bus, RAM + 80 * PAGE, "written", 8));
    bus_settle(machine->bus);
    for (unsigned n = 0; n < MEMORY / PAGE; n++) {
        assert_int_equal(pread(machine->ram_fd, page, PAGE, (off_t)n * PAGE), PAGE);
        assert_memory_equal(page, machine->ram + n * PAGE, PAGE);
    }
    assert_string_equal((char *)machine->ram + 80 * PAGE, "written");
    assert_int_equal(pwrite(machine->ram_fd, "file", 5, 90 * PAGE), 5);
    assert_string_equal((char *)machine->ram + 90 * PAGE, "file");
    machine_free(machine);
}

/* ---- Damage ------------------------------------------------------------------------------------------ */

/* Where a page of RAM is in the file. */
static off_t find_page(const Machine *machine, unsigned page)
{
    uint8_t data[PAGE];
    struct stat status;
    int fd = open(path, O_RDONLY);
    off_t at = 0;
    assert_int_equal(fstat(fd, &status), 0);
    while (at < status.st_size && pread(fd, data, PAGE, at) == PAGE &&
           memcmp(data, machine->ram + page * PAGE, PAGE))
        at += PAGE;
    close(fd);
    assert_true(at < status.st_size);
    return at;
}

static void damage(off_t at)
{
    uint8_t byte;
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* A file in which this page is wrong. */
static void save_damaged(unsigned page)
{
    Machine *machine = new_machine();
    fill(machine);
    save();
    damage(find_page(machine, page) + 123);
    machine_free(machine);
}

static void expect_broken(Machine *machine)
{
    assert_int_equal(machine_run(machine), END_BROKEN);
    assert_non_null(strstr(machine->broken, path));
    assert_non_null(strstr(machine->broken, "are not those that were written"));
}

static void test_wrong_page(void **state)
{
    (void)state;
    static const unsigned pages[] = {0, 1, 300, ALONE};
    for (unsigned n = 0; n < sizeof pages / sizeof *pages; n++) {
        Error err = {""};
        uint32_t word = 0x1234;
        unsigned page = pages[n];
        save_damaged(page);
        Machine *machine = load();
        assert_null(bus_host(machine->bus, RAM + page * PAGE, 4));
        assert_false(bus_dma_read(machine->bus, RAM + page * PAGE, &word, 4));
        assert_int_equal(word, 0x1234);
        expect_broken(machine);
        machine_free(machine);

        machine = load();
        assert_false(snapshot_save(machine, path, &(SnapshotWish){0}, &err));
        assert_non_null(strstr(err.text, "is damaged"));
        machine_free(machine);

        Snapshot *snapshot = snapshot_open(path, &err);
        assert_false(snapshot_verify(snapshot, &err));
        snapshot_close(snapshot);
        machine = load(); /* loading another over it is no problem */
        save();
        snapshot = snapshot_open(path, &err);
        assert_true(snapshot_load(snapshot, machine, &err));
        snapshot_close(snapshot);
        expect_same(machine, "a whole one");
        machine_free(machine);
    }
}

/* The CPU takes an abort, and the run is over: no register has what was in the page. */
static void test_cpu_meets_wrong_page(void **state)
{
    (void)state;
    save_damaged(7);
    Machine *machine = load();
    expect_broken(machine);
    assert_int_equal(machine->cpu[0]->r[0], RAM + 7 * PAGE);
    assert_true(machine_icount(machine) < 100);
    machine_free(machine);
}

/* ---- The file changes after it was loaded -------------------------------------------------------------- */

static bool host_has_leases(void)
{
    int fd = open(path, O_RDONLY);
    bool has = !fcntl(fd, F_SETLEASE, F_RDLCK);
    close(fd);
    return has;
}

static void overwrite(bool truncate)
{
    static uint8_t junk[MIB];
    int fd = open(path, O_WRONLY | (truncate ? O_TRUNC : 0));
    assert_true(fd >= 0);
    for (unsigned n = 0; !truncate && n < 3; n++)
        assert_int_equal(write(fd, junk, sizeof junk), sizeof junk);
    close(fd);
}

/* Who opens the file waits for the machine, which goes on. */
typedef struct Writer {
    pthread_t thread;
    bool truncate;
    atomic_bool done;
} Writer;

static void *write_over(void *opaque)
{
    Writer *writer = opaque;
    overwrite(writer->truncate);
    atomic_store(&writer->done, true);
    return NULL;
}

static bool until_written(void *opaque, uint64_t timeout_ns)
{
    Writer *writer = opaque;
    (void)timeout_ns;
    return !atomic_load(&writer->done);
}

static void check_overwritten(bool truncate, bool runs)
{
    save();
    Machine *machine = load(), *whole = new_machine();
    Writer writer = {.truncate = truncate};
    machine_step(machine, 200);
    assert_int_equal(pthread_create(&writer.thread, NULL, write_over, &writer), 0);
    machine->poll = until_written;
    machine->poll_opaque = &writer;
    if (runs)
        assert_int_equal(machine_run(machine), END_STOPPED);
    else
        while (!atomic_load(&writer.done))
            assert_true(bus_look_after_lazy(machine->bus));
    pthread_join(writer.thread, NULL);
    fill(whole);
    machine_step(whole, machine_icount(machine));
    machine_hash(whole, &before);
    expect_same(machine, "a machine whose file was overwritten");
    machine_free(whole);
    machine_free(machine);
}

static void test_overwritten(void **state)
{
    (void)state;
    save();
    if (!host_has_leases())
        skip();
    for (unsigned n = 0; n < 4; n++)
        check_overwritten(n & 1, n & 2);
}

/* Somebody has it open for writing already: pages are copied when they are needed, and checked. */
static void test_no_lease(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 3; n++) {
        save();
        int fd = open(path, O_RDWR);
        Machine *machine = load();
        machine_step(machine, 200);
        if (n)
            overwrite(n == 2);
        if (n)
            expect_broken(machine);
        else {
            Machine *whole = new_machine();
            fill(whole);
            machine_step(whole, 200);
            machine_hash(whole, &before);
            expect_same(machine, "a machine whose pages are copied");
            machine_free(whole);
        }
        machine_free(machine);
        close(fd);
    }
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/saved.snap", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_needed), cmocka_unit_test(test_same_run),
        cmocka_unit_test(test_saved_again),         cmocka_unit_test(test_ordinary_memory),
        cmocka_unit_test(test_wrong_page),          cmocka_unit_test(test_cpu_meets_wrong_page),
        cmocka_unit_test(test_overwritten),         cmocka_unit_test(test_no_lease),
    };
    return cmocka_run_group_tests_name("snapshot_lazy", tests, set_up, tear_down);
}
