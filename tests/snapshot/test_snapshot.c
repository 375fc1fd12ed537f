/* Files of snapshots: the machine goes on while they are written, and nothing but what was written is loaded.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "snapshot/machine_hash.h"
#include "snapshot/part_code.h"
#include "snapshot/snapshot.h"

enum { MIB = 1 << 20, RAM = 0x60000000, MEMORY = 24 * MIB };

static char folder[] = "/dev/shm/armature-test-snapshot-XXXXXX", path[100];
static MachineHash before, after;

static Machine *new_machine(unsigned cpus, uint64_t memory, JitMode jit)
{
    Error err;
    const MachineOptions options = {
        .cpus = cpus, .memory = memory, .deterministic = true, .jit = {.mode = jit, .threshold = 2}
    };
    Machine *machine = machine_new(&options, log_new(NULL), &err);
    assert_non_null(machine);
    return machine;
}

/* A program that writes all over the memory, round after round, by stores of every kind: each word becomes
 * something that was not there before. */
static void start_writer(Machine *machine)
{
    static const uint32_t program[] = {
        0xe59f0028, /*        ldr   r0, =0x60100000 */
        0xe59f1028, /*        ldr   r1, =0x61700000 */
        0xe2822001, /* next:  add   r2, r2, #1 */
        0xe4802404, /*        str   r2, [r0], #0x404 */
        0xe1c020b6, /*        strh  r2, [r0, #6] */
        0xe5c02009, /*        strb  r2, [r0, #9] */
        0xe1a03000, /*        mov   r3, r0 */
        0xe1934f9f, /*        ldrex r4, [r3] */
        0xe1835f92, /*        strex r5, r2, [r3] */
        0xe1500001, /*        cmp   r0, r1 */
        0xbafffff6, /*        blt   next */
        0xeafffff3, /*        b     start */
        0x60100000, 0x61700000,
    };
    uint32_t state = 1;
    for (uint32_t n = 0; n < MEMORY / 4; n++) {
        state = state * 1664525 + 1013904223;
        ((uint32_t *)machine->ram)[n] = n / 1024 % 4 ? state : 0; /* a page of zeros now and then */
    }
    assert_true(bus_load(machine->bus, RAM, program, sizeof program));
    machine->cpu[0]->pc = RAM;
    machine->cpu[0]->r[2] = 0x12345600;
}

static bool still_saving(void *opaque, uint64_t timeout_ns)
{
    uint64_t done, all;
    (void)timeout_ns;
    return !snapshot_save_progress(opaque, &done, &all);
}

static void load_into(Machine *machine)
{
    Error err;
    Snapshot *snapshot = snapshot_open(path, &err);
    if (!snapshot || !snapshot_load(snapshot, machine, &err))
        fail_msg("%s", err.text);
    snapshot_close(snapshot);
}

static void save_now(Machine *machine)
{
    Error err;
    if (!snapshot_save(machine, path, &(SnapshotWish){0}, &err))
        fail_msg("%s", err.text);
}

/* What is saved is the moment at which it began, whatever CPU and DMA write meanwhile. */
static void check_writing_meanwhile(JitMode jit, bool compress)
{
    Error err;
    Machine *machine = new_machine(1, MEMORY, jit);
    start_writer(machine);
    machine_pause_at(machine, 200000); /* TLBs are warm */
    machine->poll = NULL;
    machine_step(machine, 200000);
    machine_hash(machine, &before);
    SnapshotSave *save = snapshot_save_begin(machine, path, &(SnapshotWish){.compress = compress}, &err);
    assert_non_null(save);
    const uint32_t dma[4] = {1, 2, 3, 4};
    assert_true(bus_dma_write(machine->bus, RAM + MEMORY - 8192, dma, sizeof dma));
    assert_true(bus_dma_write(machine->bus, 0x4c000000, dma, sizeof dma));
    machine->poll = still_saving;
    machine->poll_opaque = save;
    machine_run(machine);
    uint64_t meanwhile = machine_icount(machine);
    assert_true(snapshot_save_end(save, &err));
    machine_hash(machine, &after);
    assert_string_not_equal(machine_hash_difference(&before, &after), "");
    Machine *loaded = new_machine(1, MEMORY, JIT_OFF);
    load_into(loaded);
    machine_hash(loaded, &after);
    assert_null(machine_hash_difference(&before, &after));
    assert_true(meanwhile > machine_icount(loaded) + 1000);
    machine_free(loaded);
    machine_free(machine);
}

static void test_writing_meanwhile(void **state)
{
    (void)state;
    check_writing_meanwhile(JIT_ON, true);
    check_writing_meanwhile(JIT_OFF, false);
}

/* ---- What is refused --------------------------------------------------------------------------------- */

static uint8_t *file_bytes(size_t *size)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &status), 0);
    uint8_t *bytes = malloc((size_t)status.st_size);
    *size = fread(bytes, 1, (size_t)status.st_size, file);
    fclose(file);
    return bytes;
}

static void put_file(const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void expect_refused(Machine *machine, const char *what)
{
    Error err = {""};
    Snapshot *snapshot = snapshot_open(path, &err);
    bool loaded = snapshot && snapshot_load(snapshot, machine, &err);
    snapshot_close(snapshot);
    if (loaded)
        fail_msg("%s was loaded", what);
    if (!strstr(err.text, path))
        fail_msg("%s: the message does not name the file: %s", what, err.text);
    machine_hash(machine, &after);
    const char *difference = machine_hash_difference(&before, &after);
    if (difference)
        fail_msg("%s changed %s", what, difference);
}

static void test_damage(void **state)
{
    (void)state;
    enum { TRIES = 24 };
    size_t size;
    Machine *machine = new_machine(2, 2 * MIB, JIT_OFF), *other = new_machine(2, 2 * MIB, JIT_OFF);
    Error err;
    memset(machine->ram + 5000, 0x5a, 100000);
    assert_true(snapshot_save(machine, path, &(SnapshotWish){.compress = true}, &err));
    uint8_t *bytes = file_bytes(&size);
    machine_hash(other, &before);
    for (unsigned n = 0; n < TRIES; n++) {
        put_file(bytes, size * n / TRIES);
        expect_refused(other, "a file that is cut off");
    }
    uint64_t random = 1;
    for (unsigned n = 0; n < TRIES; n++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        size_t at = n < 20 ? n : (random >> 20) % size;
        bytes[at] ^= 1 << (n % 8);
        put_file(bytes, size);
        expect_refused(other, "a file with a wrong bit");
        bytes[at] ^= 1 << (n % 8);
    }
    put_file(bytes, size);
    FILE *file = fopen(path, "ab");
    fputc(0, file);
    fclose(file);
    expect_refused(other, "a file with something behind it");
    put_file((const uint8_t *)"\x7f"
                              "ELF and more of that",
             20);
    expect_refused(other, "a foreign file");
    unlink(path);
    expect_refused(other, "no file");
    put_file(bytes, size);
    load_into(other);
    free(bytes);
    machine_free(machine);
    machine_free(other);
}

static void expect_message(Machine *machine, const char *part)
{
    Error err = {""};
    Snapshot *snapshot = snapshot_open(path, &err);
    assert_false(snapshot && snapshot_load(snapshot, machine, &err));
    snapshot_close(snapshot);
    if (!strstr(err.text, part))
        fail_msg("no '%s' in: %s", part, err.text);
}

static void test_other_machines(void **state)
{
    (void)state;
    Machine *machine = new_machine(2, 2 * MIB, JIT_OFF);
    save_now(machine);
    Machine *other = new_machine(1, 2 * MIB, JIT_OFF);
    expect_message(other, "no part 'cpu1'");
    machine_free(other);
    other = new_machine(2, 3 * MIB, JIT_OFF);
    expect_message(other, "--memory: 2097152, this one 3145728");
    machine_free(other);
    machine_free(machine);
}

static void test_options(void **state)
{
    (void)state;
    Error err;
    MachineOptions options = {0};
    Machine *machine = new_machine(3, 2 * MIB, JIT_OFF);
    save_now(machine);
    machine_free(machine);
    Snapshot *snapshot = snapshot_open(path, &err);
    assert_non_null(snapshot);
    assert_true(snapshot_options(snapshot, &options, &err));
    assert_int_equal(options.cpus, 3);
    assert_int_equal(options.memory, 2 * MIB);
    assert_true(options.deterministic);
    assert_true(snapshot_verify(snapshot, &err));
    snapshot_close(snapshot);
    assert_true(snapshot_is(path));
    assert_false(snapshot_is("/dev/null"));
}

/* ---- Saving ------------------------------------------------------------------------------------------ */

static unsigned files_in_folder(void)
{
    char command[140];
    snprintf(command, sizeof command, "exit $(ls -A %s | wc -l)", folder);
    return (unsigned)WEXITSTATUS(system(command));
}

static void test_cancelled(void **state)
{
    (void)state;
    Error err;
    size_t size;
    put_file((const uint8_t *)"what was there", 14);
    Machine *machine = new_machine(1, MEMORY, JIT_OFF);
    start_writer(machine);
    SnapshotSave *save = snapshot_save_begin(machine, path, &(SnapshotWish){.compress = true}, &err);
    assert_non_null(save);
    snapshot_save_cancel(save);
    assert_false(snapshot_save_end(save, &err));
    assert_non_null(strstr(err.text, "cancelled"));
    uint8_t *bytes = file_bytes(&size);
    assert_int_equal(size, 14);
    assert_memory_equal(bytes, "what was there", 14);
    free(bytes);
    assert_int_equal(files_in_folder(), 1);
    assert_null(snapshot_save_begin(machine, "/nowhere/at/all", &(SnapshotWish){0}, &err));
    assert_non_null(strstr(err.text, "/nowhere/at/all"));
    assert_null(snapshot_save_begin(machine, "/dev/null", &(SnapshotWish){0}, &err));
    machine_free(machine);
}

/* Compressed and converted files hold the same. */
static void test_convert(void **state)
{
    (void)state;
    Error err;
    char raw[120];
    snprintf(raw, sizeof raw, "%s.raw", path);
    Machine *machine = new_machine(1, MEMORY, JIT_OFF);
    start_writer(machine);
    machine_hash(machine, &before);
    assert_true(snapshot_save(machine, path, &(SnapshotWish){.compress = true, .note = "a note"}, &err));
    Snapshot *snapshot = snapshot_open(path, &err);
    assert_true(snapshot_convert(snapshot, raw, false, &err));
    assert_string_equal(snapshot_info(snapshot)->note, "a note");
    snapshot_close(snapshot);
    machine_free(machine);
    machine = new_machine(1, MEMORY, JIT_OFF);
    assert_int_equal(rename(raw, path), 0);
    load_into(machine);
    machine_hash(machine, &after);
    assert_null(machine_hash_difference(&before, &after));
    machine_free(machine);
}

/* ---- Versions ------------------------------------------------------------------------------------------ */

typedef struct Old {
    uint32_t a;
    uint64_t b[2];
} Old;

typedef struct New {
    uint32_t a, c;
    uint64_t b[2];
} New;

static const FieldDef old_fields[] = {
    {"a", FIELD_U32, offsetof(Old, a), 1, 1, NULL},
    {"b", FIELD_U64, offsetof(Old, b), 2, 1, NULL},
};
static const FieldDef new_fields[] = {
    {"b", FIELD_U64, offsetof(New, b), 2, 1, NULL},
    {"c", FIELD_U32, offsetof(New, c), 1, 2, NULL},
    {"a", FIELD_U32, offsetof(New, a), 1, 1, NULL},
};

static void test_versions(void **state)
{
    (void)state;
    Error err;
    Old old = {
        1, {2, 3}
    };
    New new = {
        9, 9, {9, 9}
    };
    Part old_part = {
        .name = "x", .type = "t", .version = 1, .base = &old, .fields = old_fields, .field_count = 2};
    Part new_part = {
        .name = "x", .type = "t", .version = 2, .base = &new, .fields = new_fields, .field_count = 3};
    Buffer saved = {0};
    StagedPart stage;
    part_encode(&old_part, &saved);
    assert_true(part_stage(&stage, &new_part, saved.data, saved.size, &err));
    part_apply(&stage, &new);
    part_unstage(&stage);
    assert_int_equal(new.a, 1);
    assert_int_equal(new.c, 0);
    assert_int_equal(new.b[1], 3);
    saved.size = 0;
    part_encode(&new_part, &saved);
    assert_false(part_stage(&stage, &old_part, saved.data, saved.size, &err));
    assert_non_null(strstr(err.text, "x: its state is of version 2"));
    part_unstage(&stage);
    old_part.version = 2;
    assert_false(part_stage(&stage, &old_part, saved.data, saved.size, &err));
    assert_non_null(strstr(err.text, "does not know its field 'c'"));
    part_unstage(&stage);
    buffer_free(&saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writing_meanwhile), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_other_machines),    cmocka_unit_test(test_options),
        cmocka_unit_test(test_cancelled),         cmocka_unit_test(test_convert),
        cmocka_unit_test(test_versions),
    };
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/file.snap", folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    rmdir(folder);
    return failed;
}
