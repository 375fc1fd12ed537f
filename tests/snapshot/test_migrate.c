/* Machines that move while they run: what comes is what left; whatever happens on the way, never two of them
 * run, and the one that left goes on if the other one does not. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "machine/boot.h"
#include "snapshot/machine_hash.h"
#include "tests/images/folder.h"
#include "tests/snapshot/migrate_ends.h"

enum { MEMORY = 4 << 20, DISK = 300 << 10, MOST = 8 << 20 };

/* The monitor may have nothing to do. */
static bool poll_machine(void *opaque, uint64_t timeout_ns)
{
    const Machine *machine = opaque;
    return !timeout_ns && machine_icount(machine) < machine->pause_at;
}

static void run(Machine *machine, uint64_t count)
{
    machine->poll = poll_machine;
    machine->poll_opaque = machine;
    machine_pause_at(machine, machine_icount(machine) + count);
    machine_run(machine);
    machine->poll = NULL;
}

/* In the boot ROM's monitor; `disk` NULL: none. */
static Machine *new_machine(bool deterministic, const char *disk, bool temporary)
{
    Error err;
    const MachineOptions options = {.cpus = 2,
                                    .memory = MEMORY,
                                    .deterministic = deterministic,
                                    .jit = {.mode = JIT_OFF},
                                    .virtio_disks = disk ? 1 : 0};
    Machine *machine = machine_new(&options, log_new(NULL), &err);
    DiskImage image;
    if (!machine || !boot_load(machine, &(BootOptions){0}, &err))
        fail_msg("%s", err.text);
    if (disk) {
        if (!image_open(&image, &(ImageOptions){.path = disk, .temporary = temporary}, &err))
            fail_msg("%s", err.text);
        disk_slot_set(&machine->env.disk[DISK_SLOT_VIRTIO],
                      disk_new("disk0", image.ops, image.medium, &image.info,
                               deterministic ? machine->clock : NULL, machine->arrivals));
    }
    run(machine, 60000);
    return machine;
}

static uint64_t hash_of(Machine *machine)
{
    MachineHash *hash = malloc(sizeof *hash);
    machine_hash(machine, hash);
    uint64_t all = hash->all;
    free(hash);
    return all;
}

typedef struct Moved {
    MigrationEnd end;
    Error err;
    Leaver leaver;
    Comer comer;
    Wire wire;
} Moved;

static void move(Moved *m, Machine *machine, unsigned rounds, uint64_t downtime_ns)
{
    int comer;
    m->leaver.machine = machine;
    wire_start(&m->wire, &m->leaver.fd, &comer);
    comer_start(&m->comer, comer);
    m->end = leaver_go(&m->leaver, rounds, downtime_ns, &m->err);
    if (m->leaver.fd >= 0)
        close(m->leaver.fd);
    m->leaver.fd = -1;
    if (m->end == MIGRATION_REFUSED) {
        migration_free(m->leaver.migration);
        m->leaver.migration = NULL;
    }
    pthread_join(m->comer.thread, NULL);
    pthread_join(m->wire.thread, NULL);
}

static void end(Moved *m)
{
    leaver_end(&m->leaver);
    machine_end(m->comer.machine);
}

static Moved fresh(void)
{
    return (Moved){
        .wire = {.forth = SIZE_MAX, .back = SIZE_MAX, .flip = SIZE_MAX}
    };
}

static void same_memory(const Machine *a, const Machine *b)
{
    MachineMemory one, two;
    for (unsigned n = 0; machine_memory(a, n, &one) && machine_memory(b, n, &two); n++)
        assert_memory_equal(one.host, two.host, one.size);
}

/* ---- Tests ------------------------------------------------------------------------------------------- */

static void test_moves(void **state)
{
    (void)state;
    for (unsigned deterministic = 0; deterministic < 2; deterministic++) {
        Machine *machine = new_machine(deterministic, NULL, false);
        Moved m = fresh();
        MigrationProgress progress;
        uint64_t count = machine_icount(machine);
        move(&m, machine, 30, 50000000);
        if (m.end != MIGRATION_MOVED || !m.comer.runs)
            fail_msg("%s; %s", m.err.text, m.comer.err.text);
        migration_progress(m.leaver.migration, &progress);
        assert_true(progress.downtime_ns > 0 && progress.rounds > 0 && progress.bytes == m.wire.went);
        same_memory(machine, m.comer.machine);
        assert_int_equal(machine_icount(m.comer.machine), count);
        if (deterministic) {
            assert_int_equal(hash_of(machine), hash_of(m.comer.machine));
            run(machine, 40000);
            run(m.comer.machine, 40000);
            assert_int_equal(hash_of(machine), hash_of(m.comer.machine));
        }
        end(&m);
        machine_end(machine);
    }
}

/* Every page that is written while others are sent arrives as it was at the end: also one that becomes empty.
 */
static void write_somewhere(void *opaque)
{
    static uint32_t seed = 1;
    static const uint8_t zeros[4096];
    Machine *machine = opaque;
    for (unsigned n = 0; n < 200; n++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t at = machine_ram_base(machine) + (seed >> 8) % (MEMORY - 4096);
        if (n % 5)
            bus_dma_write(machine->bus, at, &seed, sizeof seed);
        else
            bus_dma_write(machine->bus, at & ~4095u, zeros, sizeof zeros);
    }
}

static void test_rounds(void **state)
{
    (void)state;
    Machine *machine = new_machine(false, NULL, false);
    Moved m = fresh();
    MigrationProgress progress;
    write_somewhere(machine);
    m.leaver.between = write_somewhere;
    m.leaver.opaque = machine;
    move(&m, machine, 9, 0);
    if (m.end != MIGRATION_MOVED)
        fail_msg("%s; %s", m.err.text, m.comer.err.text);
    migration_progress(m.leaver.migration, &progress);
    assert_int_equal(progress.rounds, 9);
    same_memory(machine, m.comer.machine);
    end(&m);
    machine_end(machine);
}

static void reset_memory(void *opaque)
{
    Leaver *leaver = opaque;
    memset(leaver->machine->ram + 5000, 0xa5, 20000); /* without a word */
    memset(leaver->machine->ram + 1000000, 0, 3000000);
    migration_all_changed(leaver->migration);
}

static void test_all_changed(void **state)
{
    (void)state;
    Machine *machine = new_machine(false, NULL, false);
    Moved m = fresh();
    memset(machine->ram + 900000, 0x77, 3000000);
    m.leaver.between = reset_memory;
    m.leaver.opaque = &m.leaver;
    move(&m, machine, 2, 0);
    if (m.end != MIGRATION_MOVED)
        fail_msg("%s; %s", m.err.text, m.comer.err.text);
    same_memory(machine, m.comer.machine);
    end(&m);
    machine_end(machine);
}

/* How many bytes go forth when all is well. */
static size_t length_of_way(Machine *machine)
{
    Moved m = fresh();
    move(&m, machine, 1, 0);
    assert_int_equal(m.end, MIGRATION_MOVED);
    end(&m);
    return m.wire.went;
}

static void cut(Machine *machine, size_t forth, size_t back, MigrationEnd wanted, bool runs)
{
    uint64_t before = hash_of(machine);
    Moved m = fresh();
    m.wire.forth = forth;
    m.wire.back = back;
    move(&m, machine, 1, 0);
    if (m.end != wanted || m.comer.runs != runs)
        fail_msg("cut after %zu and %zu bytes: end %d, runs %d: %s; %s", forth, back, m.end, m.comer.runs,
                 m.err.text, m.comer.err.text);
    assert_int_equal(hash_of(machine), before);
    end(&m);
}

/* Wherever the connection breaks: only behind the word that tells the other end to go on it is not known here
 * whether it does. */
static void test_cut(void **state)
{
    (void)state;
    enum { MESSAGE = 32 };
    Machine *machine = new_machine(true, NULL, false);
    size_t all = length_of_way(machine);
    const size_t places[] = {0,
                             1,
                             11,
                             12,
                             13,
                             40,
                             44,
                             45,
                             300,
                             all / 8,
                             all / 4,
                             all / 2,
                             all - MESSAGE - 5000,
                             all - 2 * MESSAGE - 2,
                             all - MESSAGE - 1};
    for (unsigned n = 0; n < sizeof places / sizeof *places; n++)
        cut(machine, places[n], SIZE_MAX, MIGRATION_REFUSED, false);
    cut(machine, SIZE_MAX, MESSAGE - 1, MIGRATION_REFUSED, false); /* the answer that it is ready */
    cut(machine, all - MESSAGE + 1, SIZE_MAX, MIGRATION_UNKNOWN, false);
    cut(machine, all - 1, SIZE_MAX, MIGRATION_UNKNOWN, false);
    cut(machine, SIZE_MAX, 2 * MESSAGE - 1, MIGRATION_UNKNOWN, true);
    cut(machine, SIZE_MAX, SIZE_MAX, MIGRATION_MOVED, true);
    machine_end(machine);
}

static void test_bit_flips(void **state)
{
    (void)state;
    Machine *machine = new_machine(true, NULL, false);
    size_t all = length_of_way(machine);
    uint64_t before = hash_of(machine), seed = 1;
    for (unsigned n = 0; n < 40; n++) {
        Moved m = fresh();
        seed = seed * 6364136223846793005 + 1442695040888963407;
        m.wire.flip = n < 12 ? n * 37 : (seed >> 16) % ((all - 32) * 8);
        move(&m, machine, 1, 0);
        if (m.end != MIGRATION_REFUSED || m.comer.runs)
            fail_msg("bit %zu: end %d, runs %d", m.wire.flip, m.end, m.comer.runs);
        assert_int_equal(hash_of(machine), before);
        end(&m);
    }
    machine_end(machine);
}

static void test_cancel(void **state)
{
    (void)state;
    Machine *machine = new_machine(false, NULL, false);
    Leaver leaver = {.machine = machine, .fd = -1};
    Error err;
    const MigrationWish wish = {.connect = leaver_connect, .connect_opaque = &leaver, .rounds = 3};
    int ends[2];
    assert_false(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends));
    leaver.fd = ends[0]; /* nobody reads at the other end */
    memset(machine->ram, 0x5a, MEMORY);
    leaver.migration = migration_begin(machine, &wish, &err);
    migration_cancel(leaver.migration);
    assert_int_equal(migration_step(leaver.migration, &err), MIGRATION_FAILED);
    assert_string_equal(err.text, "it was cancelled");
    migration_free(leaver.migration);
    close(ends[1]);
    machine_end(machine);
}

/* ---- Disks
 * ------------------------------------------------------------------------------------------------- */

static uint8_t model[DISK], back[DISK];
static const char *path;

static void done(DiskRequest *request)
{
    (void)request;
}

static DiskResult act(Machine *machine, DiskAction action, uint64_t offset, void *data, uint64_t length)
{
    Disk *disk = machine->env.disk[DISK_SLOT_VIRTIO].disk;
    DiskRequest request = {.action = action, .offset = offset, .length = length, .data = data, .done = done};
    if (!disk_submit(disk, &request))
        disk_drain(disk);
    return request.result;
}

static void change_disk(void *opaque)
{
    static uint32_t seed = 7;
    for (unsigned n = 0; n < 12; n++) {
        seed = seed * 1664525 + 1013904223;
        uint64_t offset = (uint64_t)((seed >> 8) % (DISK / DISK_SECTOR - 40)) * DISK_SECTOR;
        uint64_t length = (1 + (seed >> 4) % 40) * DISK_SECTOR;
        if (n % 3) {
            memset(model + offset, (int)(seed >> 24), length);
            assert_int_equal(act(opaque, DISK_WRITE, offset, model + offset, length), DISK_OK);
        } else {
            memset(model + offset, 0, length);
            assert_int_equal(act(opaque, DISK_ZERO, offset, NULL, length), DISK_OK);
        }
    }
}

static Machine *machine_with_disk(bool temporary)
{
    for (unsigned n = 0; n < DISK; n++)
        model[n] = (uint8_t)(n >> 9);
    unlink(path);
    put_file(path, DISK, model, DISK, 0);
    Machine *machine = new_machine(false, path, temporary);
    change_disk(machine);
    return machine;
}

static void check_disk(Machine *machine)
{
    assert_int_equal(act(machine, DISK_READ, 0, back, DISK), DISK_OK);
    assert_memory_equal(back, model, DISK);
}

static void test_overlay(void **state)
{
    (void)state;
    Machine *machine = machine_with_disk(true);
    for (unsigned times = 0; times < 3; times++) { /* and on from there */
        Moved m = fresh();
        m.comer.disk = path;
        m.comer.temporary = true;
        m.leaver.between = change_disk;
        m.leaver.opaque = machine;
        move(&m, machine, 6, 0);
        if (m.end != MIGRATION_MOVED)
            fail_msg("%s; %s", m.err.text, m.comer.err.text);
        check_disk(m.comer.machine);
        leaver_end(&m.leaver);
        machine_end(machine);
        machine = m.comer.machine;
        change_disk(machine);
        check_disk(machine);
    }
    machine_end(machine);
}

static bool can_open(DiskImage *image)
{
    Error err;
    return image_open(image, &(ImageOptions){.path = path}, &err);
}

static void test_lock(void **state)
{
    (void)state;
    DiskImage image;
    Machine *machine = machine_with_disk(false);
    Moved m = fresh();
    assert_false(can_open(&image));
    m.comer.disk = path;
    move(&m, machine, 3, 0);
    if (m.end != MIGRATION_MOVED)
        fail_msg("%s; %s", m.err.text, m.comer.err.text);
    check_disk(m.comer.machine);
    change_disk(m.comer.machine);
    leaver_end(&m.leaver);
    machine_end(machine);
    assert_false(can_open(&image)); /* the other one has it */
    check_disk(m.comer.machine);
    machine_end(m.comer.machine);
    assert_true(can_open(&image));
    image_close(&image);
}

/* A destination that fails and holds on to the disk: then none runs, and that is said. */
static void test_taken(void **state)
{
    (void)state;
    Machine *machine = machine_with_disk(false);
    Moved m = fresh();
    Error err;
    m.comer.disk = path;
    m.comer.keeps_disk = true;
    move(&m, machine, 1, 0);
    assert_int_equal(m.end, MIGRATION_TAKEN);
    assert_non_null(strstr(m.err.text, "keeps the disk"));
    assert_non_null(strstr(m.err.text, "is in use by"));
    assert_false(migration_take_back(m.leaver.migration, &err));
    machine_end(m.comer.machine);
    m.comer.machine = NULL;
    assert_true(migration_take_back(m.leaver.migration, &err));
    end(&m);
    change_disk(machine);
    check_disk(machine);
    machine_end(machine);
}

/* The same failure before the disks were let go of, and one with another disk. */
static void test_other_disk(void **state)
{
    (void)state;
    DiskImage image;
    Machine *machine = machine_with_disk(false);
    const char *other = in_folder("other");
    put_file(other, DISK, model, 100, 0);
    Moved m = fresh();
    m.comer.disk = other;
    move(&m, machine, 1, 0);
    assert_int_equal(m.end, MIGRATION_REFUSED);
    assert_non_null(strstr(m.err.text, "disk0"));
    end(&m);
    assert_false(can_open(&image)); /* it is ours again */
    change_disk(machine);
    check_disk(machine);
    machine_end(machine);
}

static int make(void **state)
{
    int result = folder_make(state);
    path = strdup(in_folder("disk.img"));
    return result;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves),       cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_all_changed), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_bit_flips),   cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_overlay),     cmocka_unit_test(test_lock),
        cmocka_unit_test(test_taken),       cmocka_unit_test(test_other_disk),
    };
    return cmocka_run_group_tests(tests, make, folder_remove);
}
