/* Incremental snapshots: chains of files hold what the machine was each time, however the changes were found;
 * and a chain that is not whole is refused. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "snapshot/base_record.h"
#include "snapshot/machine_hash.h"
#include "snapshot/open.h"
#include "snapshot/page_hash.h"
#include "snapshot/hash64.h"
#include "tests/images/folder.h"
#include "tests/snapshot/disk_machine.h"

enum { SIZE = 3000 * DISK_SECTOR, MEMORY = 1 << 20, RAM = 0x60000000, PAGE = 4096, FILES = 6 };

static const char *base_image;
static uint8_t model[SIZE];
static MachineHash hash[FILES], now;
static uint8_t disk[FILES][SIZE];

/* But for the time, which goes on by the host's clock. */
static const char *difference_of(const MachineHash *a, const MachineHash *b)
{
    for (unsigned n = 0; n < a->count; n++)
        if (a->component[n].hash != b->component[n].hash && strcmp(a->component[n].name, "machine") != 0)
            return a->component[n].name;
    return NULL;
}

static uint8_t image_byte(size_t at)
{
    return (uint8_t)(at * 2654435761u >> 13);
}

static void fresh_model(void)
{
    for (size_t n = 0; n < SIZE; n++)
        model[n] = image_byte(n);
}

static int make_image(void **state)
{
    (void)state;
    fresh_model();
    put_file(base_image, SIZE, model, SIZE, 0);
    return 0;
}

static DiskMachine started(void)
{
    DiskMachine m;
    Error err;
    if (!disk_machine_start(&m, &(ImageOptions){.path = base_image, .temporary = true}, &err))
        fail_msg("%s", err.text);
    return m;
}

/* Some pages and blocks: of their own, equal to others, or cleared. */
static void change(DiskMachine *m)
{
    uint8_t page[PAGE];
    MachineMemory memory;
    for (unsigned n = 0; n < 30; n++) {
        uint32_t at = disk_machine_chance(m, MEMORY / PAGE), what = disk_machine_chance(m, 4);
        memset(page, what == 0 ? 0 : (int)what, PAGE);
        if (what > 2)
            for (unsigned k = 0; k < PAGE; k++)
                page[k] = (uint8_t)disk_machine_chance(m, 256);
        assert_true(bus_dma_write(m->machine->bus, RAM + at * PAGE, page, PAGE));
    }
    for (unsigned n = 0; machine_memory(m->machine, n, &memory); n++) /* flash: nobody is told */
        if (!memory.watched)
            memset(memory.host + PAGE * disk_machine_chance(m, 8),
                   (int)disk_machine_chance(m, 2) ? 0xff : 0x77, PAGE);
    for (unsigned n = 0; n < 12; n++)
        assert_true(disk_machine_change(m, model));
    m->machine->cpu[0]->r[3]++;
}

static char *name_of(unsigned n)
{
    static char path[FILES][300];
    snprintf(path[n], sizeof path[n], "%s/%u.snap", folder, n);
    return path[n];
}

static void save(DiskMachine *m, unsigned n, int base, SnapshotMarks *marks)
{
    Error err;
    SnapshotWish wish = {
        .compress = n % 2, .base = base < 0 ? NULL : name_of((unsigned)base), .marks = marks};
    if (!snapshot_save(m->machine, name_of(n), &wish, &err))
        fail_msg("%s", err.text);
    machine_hash(m->machine, &hash[n]);
    memcpy(disk[n], model, SIZE);
}

static void check_loaded(DiskMachine *m, unsigned n)
{
    static uint8_t back[SIZE];
    machine_hash(m->machine, &now);
    const char *difference = difference_of(&hash[n], &now);
    if (difference)
        fail_msg("file %u: %s", n, difference);
    assert_int_equal(disk_machine_do(m, DISK_READ, 0, back, SIZE), DISK_OK);
    for (size_t k = 0; k < SIZE; k++)
        if (back[k] != disk[n][k])
            fail_msg("file %u: byte %zu of the disk is %02x, not %02x", n, k, back[k], disk[n][k]);
}

static void check_file(unsigned n)
{
    Error err;
    DiskMachine m = started();
    if (!disk_machine_load(&m, name_of(n), false, &err))
        fail_msg("%s", err.text);
    check_loaded(&m, n);
    disk_machine_end(&m);
    Snapshot *snapshot = snapshot_open(name_of(n), &err);
    if (!snapshot || !snapshot_verify(snapshot, &err))
        fail_msg("%s", err.text);
    snapshot_close(snapshot);
}

static uint64_t size_of(unsigned n)
{
    struct stat status;
    assert_int_equal(stat(name_of(n), &status), 0);
    return (uint64_t)status.st_size;
}

/* Five files: 0 <- 1 <- 2, 0 <- 3, 2 <- 4. */
static void make_tree(bool marks)
{
    DiskMachine m = started();
    SnapshotMarks *known = marks ? snapshot_marks_new(m.machine) : NULL;
    fresh_model();
    change(&m);
    save(&m, 0, -1, known);
    for (unsigned n = 1; n < 5; n++) {
        change(&m);
        save(&m, n, n == 3 ? 0 : n == 4 ? 2 : (int)n - 1, known);
    }
    snapshot_marks_free(known);
    disk_machine_end(&m);
}

static void test_trees(void **state)
{
    (void)state;
    for (unsigned marks = 0; marks < 2; marks++) {
        make_tree(marks);
        for (unsigned n = 0; n < 5; n++)
            check_file(n);
    }
}

/* In another process: what was loaded is a base, too. */
static void test_after_a_load(void **state)
{
    (void)state;
    Error err;
    for (unsigned marks = 0; marks < 2; marks++) {
        make_tree(true);
        DiskMachine m = started();
        SnapshotMarks *known = marks ? snapshot_marks_new(m.machine) : NULL;
        Snapshot *snapshot = snapshot_open(name_of(2), &err);
        assert_true(snapshot_load(snapshot, m.machine, &err));
        if (known)
            snapshot_marks_loaded(known, snapshot_info(snapshot)->identity);
        snapshot_close(snapshot);
        memcpy(model, disk[2], SIZE);
        change(&m);
        save(&m, 5, 2, known);
        check_file(5);
        if (known) { /* memory is written behind everybody's back */
            snapshot_marks_forget(known);
            memset(m.machine->ram + 17 * PAGE, 0x3c, PAGE);
            save(&m, 5, 2, known);
            check_file(5);
        }
        snapshot_marks_free(known);
        disk_machine_end(&m);
    }
}

/* Nothing changed: there is next to nothing in the file but the state that is not memory. */
static void test_small(void **state)
{
    (void)state;
    DiskMachine m = started();
    SnapshotMarks *known = snapshot_marks_new(m.machine);
    fresh_model();
    for (uint32_t n = 0; n < MEMORY; n += 4)
        memcpy(m.machine->ram + n, &n, 4);
    save(&m, 0, -1, known);
    save(&m, 1, 0, known);
    save(&m, 2, 1, NULL);
    assert_in_range(size_of(1), 1000, size_of(0) - MEMORY / 2);
    assert_in_range(size_of(2), 1000, size_of(0) - MEMORY / 2);
    for (unsigned n = 0; n < 3; n++)
        check_file(n);
    snapshot_marks_free(known);
    disk_machine_end(&m);
}

static void test_merge_and_convert(void **state)
{
    (void)state;
    Error err;
    char sub[300], command[700];
    make_tree(true);
    Snapshot *snapshot = snapshot_open(name_of(4), &err);
    if (!snapshot_merge(snapshot, name_of(5), true, &err))
        fail_msg("%s", err.text);
    assert_false(snapshot_merge(snapshot, name_of(0), true, &err)); /* it is needed itself */
    snapshot_close(snapshot);
    hash[5] = hash[4];
    memcpy(disk[5], disk[4], SIZE);
    /* A file of the middle that is made one: those above it still fit. */
    snapshot = snapshot_open(name_of(2), &err);
    snprintf(sub, sizeof sub, "%s/sub", folder);
    snprintf(command, sizeof command, "mkdir -p %s && rm -f %s/*", sub, sub);
    assert_int_equal(system(command), 0);
    strcat(sub, "/2.snap");
    assert_true(snapshot_merge(snapshot, sub, false, &err));
    snapshot_close(snapshot);
    /* A file in another folder finds its base. */
    snapshot = snapshot_open(name_of(3), &err);
    strcpy(strrchr(sub, '/'), "/3.snap");
    assert_true(snapshot_convert(snapshot, sub, true, &err));
    assert_string_equal(snapshot_info(snapshot)->base, "0.snap");
    snapshot_close(snapshot);
    snapshot = snapshot_open(sub, &err);
    assert_string_equal(snapshot_info(snapshot)->base, "../0.snap");
    assert_true(snapshot_verify(snapshot, &err));
    snapshot_close(snapshot);
    strcpy(strrchr(sub, '/'), "/2.snap");
    assert_int_equal(rename(sub, name_of(2)), 0);
    check_file(4);
    snprintf(command, sizeof command, "rm -rf %s/sub %s/0.snap %s/1.snap", folder, folder, folder);
    assert_int_equal(system(command), 0);
    check_file(5);
    check_file(2);
    check_file(4);
}

static void test_diff(void **state)
{
    (void)state;
    Error err;
    bool same;
    char *text = NULL;
    size_t size;
    DiskMachine m = started();
    fresh_model();
    save(&m, 0, -1, NULL);
    memset(m.machine->ram + 3 * PAGE, 7, 2 * PAGE);
    m.machine->ram[9 * PAGE] = 1;
    m.machine->cpu[0]->r[3] = 0x1234;
    uint8_t block[PAGE] = {1};
    assert_int_equal(disk_machine_do(&m, DISK_WRITE, 2 * PAGE, block, PAGE), DISK_OK);
    save(&m, 1, 0, NULL);
    disk_machine_end(&m);
    Snapshot *a = snapshot_open(name_of(0), &err), *b = snapshot_open(name_of(1), &err);
    FILE *out = open_memstream(&text, &size);
    assert_true(snapshot_diff(a, b, out, &same, &err));
    fclose(out);
    assert_false(same);
    if (!strstr(text, "cpu0") || !strstr(text, "0x1234") || !strstr(text, "ram: 3 pages") ||
        !strstr(text, "0x3-0x4") || !strstr(text, "0x9") || !strstr(text, "disk0: 1 block"))
        fail_msg("%s", text);
    free(text);
    out = fopen("/dev/null", "w");
    assert_true(snapshot_diff(b, b, out, &same, &err));
    fclose(out);
    assert_true(same);
    snapshot_close(a);
    snapshot_close(b);
}

/* ---- Chains that are not whole ----------------------------------------------------------------------- */

static void refused(unsigned n, const char *why)
{
    Error err = {""};
    DiskMachine m = started();
    machine_hash(m.machine, &now);
    MachineHash *before = malloc(sizeof *before);
    *before = now;
    if (disk_machine_load(&m, name_of(n), false, &err))
        fail_msg("it was loaded, although: %s", why);
    if (!strstr(err.text, why) || !strstr(err.text, name_of(n)))
        fail_msg("not '%s' in: %s", why, err.text);
    machine_hash(m.machine, &now);
    assert_null(difference_of(before, &now));
    free(before);
    disk_machine_end(&m);
}

/* A copy of a file, with another base. */
static void rebase(unsigned from, unsigned to, const char *file, const uint64_t *identity)
{
    Error err;
    ChunkWriter writer;
    Buffer payload = {0};
    BaseRecord record = {
        .identity = {identity[0], identity[1]}
    };
    snprintf(record.file, sizeof record.file, "%s", file);
    base_record_encode(&record, &payload);
    Snapshot *snapshot = snapshot_open(name_of(from), &err);
    FILE *out = fopen(name_of(to), "wb");
    assert_non_null(out);
    assert_true(chunk_begin(&writer, CHUNKS_SNAPSHOT, fileno(out), &err));
    for (unsigned n = 0; n < snapshot->file.count; n++) {
        const Chunk *chunk = &snapshot->file.chunk[n];
        uint8_t *data = snapshot_payload(snapshot, chunk, &err);
        assert_non_null(data);
        assert_true(chunk_is(chunk, CHUNK_BASE)
                        ? chunk_write(&writer, CHUNK_BASE, payload.data, payload.size, &err)
                        : chunk_write(&writer, chunk->type, data, chunk->length, &err));
        free(data);
    }
    assert_true(chunk_finish(&writer, &err));
    fclose(out);
    snapshot_close(snapshot);
    buffer_free(&payload);
}

static void test_refused(void **state)
{
    (void)state;
    Error err;
    char away[300];
    make_tree(true);
    snprintf(away, sizeof away, "%s/away", folder);
    assert_int_equal(rename(name_of(1), away), 0);
    refused(2, "1.snap' is not good: No such file or directory");
    refused(4, "2.snap': its base");
    assert_int_equal(symlink("0.snap", name_of(1)), 0);
    refused(2, "1.snap' is another snapshot than the one it was made from");
    unlink(name_of(1));
    assert_int_equal(mkfifo(name_of(1), 0600), 0);
    refused(2, "it is no regular file");
    unlink(name_of(1));
    put_file(name_of(1), 100, model, 100, 0);
    refused(2, "it is no snapshot");
    assert_int_equal(rename(away, name_of(1)), 0);
    check_file(2);
    /* A circle: 3 needs 3; 1 needs 2, which needs 1. */
    Snapshot *snapshot = snapshot_open(name_of(3), &err);
    uint64_t identity[2] = {snapshot_info(snapshot)->identity[0], snapshot_info(snapshot)->identity[1]};
    snapshot_close(snapshot);
    rebase(3, 5, "5.snap", identity);
    refused(5, "is its own base");
    snapshot = snapshot_open(name_of(2), &err);
    identity[0] = snapshot_info(snapshot)->identity[0];
    identity[1] = snapshot_info(snapshot)->identity[1];
    snapshot_close(snapshot);
    rebase(1, 5, "2.snap", identity);
    assert_int_equal(rename(name_of(5), name_of(1)), 0);
    refused(2, "is its own base");
    refused(4, "is its own base");
    rebase(3, 5, "../../../../../../../../dev/zero", identity);
    refused(5, "it is no regular file");
}

static void expect_no_save(DiskMachine *m, unsigned n, unsigned base, const char *why)
{
    Error err = {""};
    SnapshotWish wish = {.base = name_of(base)};
    assert_false(snapshot_save(m->machine, name_of(n), &wish, &err));
    if (!strstr(err.text, why))
        fail_msg("not '%s' in: %s", why, err.text);
}

static void test_saves_refused(void **state)
{
    (void)state;
    Error err;
    make_tree(true);
    DiskMachine m = started();
    expect_no_save(&m, 2, 2, "needs the file that is there");
    expect_no_save(&m, 0, 4, "needs the file that is there");
    const MachineOptions options = {
        .cpus = 1, .memory = 2 << 20, .virtio_disks = 1, .jit = {.mode = JIT_OFF}};
    DiskMachine other = {.machine = machine_new(&options, log_new(NULL), &err)};
    unlink(name_of(5));
    expect_no_save(&other, 5, 0, "is of another machine");
    assert_int_not_equal(access(name_of(5), F_OK), 0);
    machine_free(other.machine);
    unlink(name_of(1));
    expect_no_save(&m, 5, 2, "1.snap' is not good");
    /* No longer than it may be. */
    save(&m, 0, -1, NULL);
    for (unsigned n = 1; n < CHAIN_MOST; n++) {
        char path[300];
        snprintf(path, sizeof path, "%s/long%u", folder, n);
        SnapshotWish wish = {.base = n == 1 ? name_of(0) : path};
        char before[300];
        snprintf(before, sizeof before, "%s/long%u", folder, n - 1);
        wish.base = n == 1 ? name_of(0) : before;
        if (!snapshot_save(m.machine, path, &wish, &err))
            fail_msg("%s", err.text);
    }
    char last[300];
    snprintf(last, sizeof last, "%s/long%u", folder, CHAIN_MOST - 1);
    assert_false(snapshot_save(m.machine, name_of(5), &(SnapshotWish){.base = last}, &err));
    assert_non_null(strstr(err.text, "armature snapshot merge"));
    DiskMachine loaded = started();
    if (!disk_machine_load(&loaded, last, false, &err))
        fail_msg("%s", err.text);
    disk_machine_end(&loaded);
    disk_machine_end(&m);
}

/* A wrong bit anywhere in any file of a chain. */
static void test_wrong_bits(void **state)
{
    (void)state;
    uint32_t random = 1;
    make_tree(true);
    static const unsigned below[] = {0, 1, 2};
    for (unsigned n = 0; n < 60; n++) {
        unsigned victim = below[n % 3];
        random = random * 1664525 + 1013904223;
        long at = (long)((random >> 4) % size_of(victim));
        FILE *file = fopen(name_of(victim), "r+b");
        fseek(file, at, SEEK_SET);
        int byte = fgetc(file);
        fseek(file, at, SEEK_SET);
        fputc(byte ^ 1 << n % 8, file);
        fclose(file);
        Error err = {""};
        DiskMachine m = started();
        bool loaded = disk_machine_load(&m, name_of(2), false, &err);
        if (loaded) /* a part of a file below that nobody needs */
            check_loaded(&m, 2);
        disk_machine_end(&m);
        Snapshot *snapshot = snapshot_open(name_of(2), &err);
        if (snapshot && snapshot_verify(snapshot, &err))
            fail_msg("byte %ld of file %u is wrong, and verify says nothing", at, victim);
        snapshot_close(snapshot);
        file = fopen(name_of(victim), "r+b");
        fseek(file, at, SEEK_SET);
        fputc(byte, file);
        fclose(file);
    }
    check_file(2);
}

/* A disk that is full, after any number of bytes: what was there is still there, and so is the base. */
static void test_full(void **state)
{
    (void)state;
    Error err;
    struct rlimit before, limit;
    unsigned failed = 0;
    signal(SIGXFSZ, SIG_IGN);
    make_tree(true);
    DiskMachine m = started();
    SnapshotMarks *known = snapshot_marks_new(m.machine);
    fresh_model();
    save(&m, 0, -1, known);
    change(&m);
    save(&m, 1, 0, known);
    getrlimit(RLIMIT_FSIZE, &before);
    for (uint64_t size = 0; size < size_of(1) + 50000; size += 17001) {
        SnapshotWish wish = {.compress = true, .base = name_of(0), .marks = size % 2 ? known : NULL};
        bool merge = size / 17001 % 3 == 2;
        Snapshot *snapshot = snapshot_open(name_of(1), &err);
        limit = before;
        limit.rlim_cur = size;
        setrlimit(RLIMIT_FSIZE, &limit);
        bool ok = merge ? snapshot_merge(snapshot, name_of(2), true, &err)
                        : snapshot_save(m.machine, name_of(1), &wish, &err);
        setrlimit(RLIMIT_FSIZE, &before);
        snapshot_close(snapshot);
        failed += !ok;
        if (!ok && !strstr(err.text, "File too large"))
            fail_msg("%s", err.text);
        check_file(1);
    }
    assert_in_range(failed, 5, 100);
    save(&m, 2, 1, known);
    check_file(2);
    char command[100];
    snprintf(command, sizeof command, "ls -A %s | grep -q '^\\.'", folder);
    assert_int_not_equal(system(command), 0); /* nothing is left over */
    snapshot_marks_free(known);
    disk_machine_end(&m);
}

/* ---- Hashes ------------------------------------------------------------------------------------------ */

/* Under XXH64 a change of a word's top bit is undone by the next word of its lane, whatever the seed is, if a
 * carry goes as one hopes: every second time. */
static void test_page_hash(void **state)
{
    (void)state;
    const uint64_t prime1 = UINT64_C(0x9e3779b185ebca87), prime2 = UINT64_C(0xc2b2ae3d27d4eb4f);
    uint64_t a[PAGE / 8] = {0}, b[PAGE / 8] = {0}, inverse = 1;
    static PageKey key;
    unsigned equal = 0;
    for (unsigned n = 0; n < 6; n++)
        inverse *= 2 - prime2 * inverse;
    assert_true(prime2 * inverse == 1);
    b[0] = UINT64_C(1) << 63;
    b[4] = -(prime1 << 30) * inverse;
    for (uint64_t seed = 0; seed < 64; seed++)
        equal += hash64(a, PAGE, seed * prime1) == hash64(b, PAGE, seed * prime1);
    assert_in_range(equal, 10, 54);
    for (unsigned n = 0; n < 64; n++) {
        page_key_init(&key);
        PageHash x = page_hash(&key, (uint8_t *)a), y = page_hash(&key, (uint8_t *)b);
        assert_false(page_hash_equal(&x, &y));
        memcpy(a + 7, b, 8);
        x = page_hash(&key, (uint8_t *)a);
        y = page_hash(&key, (uint8_t *)a);
        assert_true(page_hash_equal(&x, &y));
        a[7] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),         cmocka_unit_test(test_after_a_load),
        cmocka_unit_test(test_small),         cmocka_unit_test(test_merge_and_convert),
        cmocka_unit_test(test_diff),          cmocka_unit_test(test_refused),
        cmocka_unit_test(test_saves_refused), cmocka_unit_test(test_wrong_bits),
        cmocka_unit_test(test_full),          cmocka_unit_test(test_page_hash),
    };
    static char image[300];
    if (folder_make(NULL))
        return 3;
    snprintf(image, sizeof image, "%s/image", folder);
    base_image = image;
    return cmocka_run_group_tests(tests, make_image, folder_remove);
}
