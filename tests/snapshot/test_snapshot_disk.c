/* Snapshots of machines with disks: what was on them comes back, whatever is written while it is saved and
 * afterwards; disks that are others are refused. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>
#include <cmocka.h>

#include "tests/images/folder.h"
#include "tests/images/nbd_server.h"
#include "tests/snapshot/disk_machine.h"

enum { SIZE = 6000 * DISK_SECTOR, ODD = SIZE - 1300, ROUNDS = 5, CHANGES = 120 };

static uint8_t base_data[SIZE], model[SIZE], saved[SIZE], back[SIZE];
static const char *base, *over, *snap;

static void make_base(const char *path, uint64_t size)
{
    for (size_t n = 0; n < size; n++)
        base_data[n] = (uint8_t)(n * 2654435761u >> 13);
    unlink(path);
    put_file(path, size, base_data, size, 0);
    memset(base_data + size, 0, SIZE - size);
}

static DiskMachine started(const ImageOptions *options)
{
    DiskMachine m;
    Error err;
    if (!disk_machine_start(&m, options, &err))
        fail_msg("%s", err.text);
    return m;
}

static void check(DiskMachine *m, const uint8_t *wanted, const char *what)
{
    assert_int_equal(disk_machine_do(m, DISK_READ, 0, back, disk_size(m->disk)), DISK_OK);
    for (size_t n = 0; n < disk_size(m->disk); n++)
        if (back[n] != wanted[n])
            fail_msg("%s: byte %zu is %02x, not %02x", what, n, back[n], wanted[n]);
}

static void change(DiskMachine *m, unsigned times)
{
    uint64_t size = m->image.info.size;
    while (times--)
        assert_true(disk_machine_change(m, model));
    memset(model + size, 0, SIZE - size); /* the last sector has no more */
}

static void save(DiskMachine *m, const char *path, bool compress)
{
    Error err;
    if (!snapshot_save(m->machine, path, &(SnapshotWish){.compress = compress}, &err))
        fail_msg("%s", err.text);
}

static void load(DiskMachine *m, const char *path)
{
    Error err;
    if (!disk_machine_load(m, path, false, &err))
        fail_msg("%s", err.text);
}

static void refused(DiskMachine *m, const char *path, const char *why)
{
    Error err = {""};
    if (disk_machine_load(m, path, false, &err))
        fail_msg("it was loaded, although: %s", why);
    if (!strstr(err.text, why))
        fail_msg("not '%s' in: %s", why, err.text);
}

/* ---- Contents ------------------------------------------------------------------------------------------ */

/* Saves while the disk is written all the time; how often it was while the thread saved. */
static unsigned save_and_change(DiskMachine *m, bool compress)
{
    Error err;
    uint64_t done, all;
    unsigned meanwhile = 0;
    memcpy(saved, model, SIZE);
    SnapshotSave *s = snapshot_save_begin(m->machine, snap, &(SnapshotWish){.compress = compress}, &err);
    if (!s)
        fail_msg("%s", err.text);
    while (!snapshot_save_progress(s, &done, &all)) {
        change(m, 1);
        meanwhile++;
    }
    assert_true(all == done && all > SIZE + (1 << 20) - DISK_SECTOR * 3);
    change(m, 20);
    if (!snapshot_save_end(s, &err))
        fail_msg("%s", err.text);
    return meanwhile;
}

static void check_rounds(const ImageOptions *options, uint64_t size)
{
    Error err;
    if (options->path == base)
        make_base(base, size);
    unlink(over);
    memcpy(model, base_data, SIZE);
    DiskMachine m = started(options);
    unsigned meanwhile = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        m.seed += round;
        change(&m, CHANGES);
        meanwhile += save_and_change(&m, round % 2);
        change(&m, CHANGES);
        check(&m, model, "after saving");
        load(&m, snap);
        check(&m, saved, "loaded into the same machine");
        memcpy(model, saved, SIZE);
    }
    assert_true(meanwhile > 0);
    change(&m, CHANGES);
    disk_machine_end(&m);
    if (options->path == base) {
        get_file(base, back, size, 0);
        assert_memory_equal(back, base_data, size);
    }
    m = started(options);
    load(&m, snap);
    check(&m, saved, "loaded into another");
    change(&m, 5);
    load(&m, snap);
    disk_machine_end(&m);
    Snapshot *snapshot = snapshot_open(snap, &err);
    assert_non_null(snapshot);
    if (!snapshot_verify(snapshot, &err))
        fail_msg("%s", err.text);
    SnapshotDisk disk;
    assert_int_equal(snapshot_info(snapshot)->disks, 1);
    assert_true(snapshot_disk(snapshot, 0, &disk, &err));
    assert_string_equal(disk.slot, "disk0");
    assert_string_equal(disk.file, options->path);
    assert_true(disk.keeps_changes && disk.bytes > 1000);
    const char *raw = in_folder("converted.snap");
    assert_true(snapshot_convert(snapshot, raw, false, &err));
    snapshot_close(snapshot);
    m = started(options);
    load(&m, raw);
    check(&m, saved, "converted");
    disk_machine_end(&m);
}

static void test_temporary(void **state)
{
    (void)state;
    check_rounds(&(ImageOptions){.path = base, .temporary = true}, SIZE);
    check_rounds(&(ImageOptions){.path = base, .temporary = true}, ODD);
}

/* What was loaded is in the overlay's file. */
static void test_kept(void **state)
{
    (void)state;
    Error err;
    check_rounds(&(ImageOptions){.path = base, .overlay = over}, ODD);
    ImageCheck checked = {.repair = false};
    if (!image_check(over, &checked, &err))
        fail_msg("%s", err.text);
    DiskMachine m = started(&(ImageOptions){.path = over});
    check(&m, saved, "the overlay alone");
    change(&m, 1);
    load(&m, snap);
    check(&m, saved, "the overlay, by its own name");
    assert_int_equal(disk_machine_do(&m, DISK_FLUSH, 0, NULL, 0), DISK_OK);
    disk_machine_end(&m);
    char command[300];
    snprintf(command, sizeof command, "test $(ls %s | wc -l) = 4", folder); /* nothing is left over */
    assert_int_equal(system(command), 0);
}

/* ---- Other disks --------------------------------------------------------------------------------------- */

static void touch(const char *path, int seconds)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    const struct timespec time[2] = {
        status.st_atim, {status.st_mtim.tv_sec + seconds, 0}
    };
    assert_int_equal(utimensat(AT_FDCWD, path, time, 0), 0);
}

static void test_raw(void **state)
{
    (void)state;
    Error err;
    const ImageOptions raw = {.path = base}, temporary = {.path = base, .temporary = true};
    make_base(base, SIZE);
    memcpy(model, base_data, SIZE);
    DiskMachine m = started(&raw);
    change(&m, 3);
    save(&m, snap, true);
    load(&m, snap);
    disk_machine_end(&m);
    memcpy(saved, model, SIZE);
    m = started(&raw); /* nobody has written since */
    load(&m, snap);
    disk_machine_end(&m);
    m = started(&temporary);
    change(&m, 30);
    memcpy(model, saved, SIZE);
    load(&m, snap); /* as it was below */
    check(&m, saved, "an overlay over it");
    disk_machine_end(&m);
    m = started(&raw);
    load(&m, snap);
    change(&m, 1);
    refused(&m, snap, "changed on");
    check(&m, model, "refused");
    save(&m, snap, true);
    change(&m, 1);
    refused(&m, snap,
            "was changed since; with overlay=temp, changes become part of snapshots; --force loads");
    check(&m, model, "refused");
    assert_true(disk_machine_load(&m, snap, true, &err));
    check(&m, model, "forced");
    disk_machine_end(&m);
    m = started(&raw);
    refused(&m, snap, "changed on");
    disk_machine_end(&m);
}

/* A qcow2 image by a server: with an overlay as any other; without, nobody knows what happened to it. */
static void test_nbd(void **state)
{
    (void)state;
    Error err;
    char image[200], command[500];
    DiskImage none;
    snprintf(image, sizeof image, "%s", in_folder("a.qcow2"));
    assert_false(image_open(&none, &(ImageOptions){.path = "nbd:/nowhere"}, &err));
    if (!there("qemu-nbd") || !there("qemu-img") || strstr(err.text, "built without"))
        skip();
    make_base(base, SIZE);
    snprintf(command, sizeof command, "qemu-img convert -q -f raw -O qcow2 %s %s", base, image);
    assert_int_equal(system(command), 0);
    char *const words[] = {"qemu-nbd", "--persistent", "-f", "qcow2", "-k", nbd_socket(), image, NULL};
    pid_t pid = serve(words);
    check_rounds(&(ImageOptions){.path = address, .temporary = true}, SIZE);
    check_rounds(&(ImageOptions){.path = address, .overlay = over}, SIZE);
    const ImageOptions direct = {.path = address};
    memcpy(model, base_data, SIZE);
    DiskMachine m = started(&direct);
    save(&m, snap, true);
    disk_machine_end(&m);
    m = started(&direct);
    load(&m, snap); /* it was not written before */
    change(&m, 1);
    save(&m, snap, true);
    load(&m, snap);
    change(&m, 1);
    refused(&m, snap, "was changed since");
    save(&m, snap, true);
    disk_machine_end(&m);
    m = started(&direct);
    refused(&m, snap, "whether nbd:");
    assert_true(disk_machine_load(&m, snap, true, &err));
    check(&m, model, "forced");
    disk_machine_end(&m);
    end(pid);
}

/* A change at once after a save has another time, however coarse the clock of the file system is. */
static void test_quick_change(void **state)
{
    (void)state;
    make_base(base, SIZE);
    memcpy(model, base_data, SIZE);
    for (unsigned n = 0; n < 10; n++) {
        DiskMachine m = started(&(ImageOptions){.path = base});
        change(&m, 1);
        save(&m, snap, false);
        disk_machine_do(&m, DISK_WRITE, 8 * DISK_SECTOR * 40, back, DISK_SECTOR);
        disk_machine_end(&m);
        m = started(&(ImageOptions){.path = base});
        refused(&m, snap, "was changed on");
        disk_machine_end(&m);
    }
}

static void test_others(void **state)
{
    (void)state;
    Error err;
    const ImageOptions temporary = {.path = base, .temporary = true};
    make_base(base, SIZE);
    memcpy(model, base_data, SIZE);
    DiskMachine m = started(&temporary);
    change(&m, 10);
    save(&m, snap, true);
    disk_machine_end(&m);
    memcpy(saved, model, SIZE);
    m = started(&(ImageOptions){.path = base});
    refused(&m, snap, "has no overlay: add overlay=temp; --force");
    assert_true(disk_machine_load(&m, snap, true, &err));
    check(&m, base_data, "forced without overlay");
    disk_machine_end(&m);
    const char *other = in_folder("other.img");
    put_file(other, ODD, base_data, 4096, 0);
    m = started(&(ImageOptions){.path = other, .temporary = true});
    refused(&m, snap, "bytes");
    assert_false(disk_machine_load(&m, snap, true, &err));
    disk_machine_end(&m);
    touch(base, 10);
    m = started(&temporary);
    refused(&m, snap, "was changed on");
    check(&m, base_data, "refused");
    assert_true(disk_machine_load(&m, snap, true, &err));
    check(&m, saved, "forced");
    disk_machine_end(&m);
    m = started(&temporary);
    Disk *disk = disk_slot_set(&m.machine->env.disk[DISK_SLOT_VIRTIO], NULL);
    refused(&m, snap, "give it with --disk");
    assert_false(disk_machine_load(&m, snap, true, &err));
    disk_slot_set(&m.machine->env.disk[DISK_SLOT_VIRTIO], disk);
    disk_machine_end(&m);
}

/* After a commit, what is below is not what the snapshot was made with. */
static void test_commit(void **state)
{
    (void)state;
    Error err;
    make_base(base, SIZE);
    unlink(over);
    memcpy(model, base_data, SIZE);
    DiskMachine m = started(&(ImageOptions){.path = base, .overlay = over});
    change(&m, 30);
    save(&m, snap, true);
    change(&m, 3);
    if (!image_commit(&m.image, NULL, &err))
        fail_msg("%s", err.text);
    refused(&m, snap, "was changed");
    check(&m, model, "committed");
    save(&m, snap, true);
    change(&m, 3);
    assert_true(image_forget_changes(&m.image, &err));
    load(&m, snap);
    disk_machine_end(&m);
}

/* ---- A host that is full ------------------------------------------------------------------------------- */

static void test_full(void **state)
{
    (void)state;
    Error err;
    struct rlimit before, low;
    char first[8], now[8];
    make_base(base, SIZE);
    memcpy(model, base_data, SIZE);
    DiskMachine m = started(&(ImageOptions){.path = base, .temporary = true});
    save(&m, snap, true);
    get_file(snap, first, sizeof first, 0);
    memcpy(saved, model, SIZE);
    change(&m, 400);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    low = before;
    for (rlim_t most = 100; most < 2000000; most *= 3) {
        low.rlim_cur = most;
        setrlimit(RLIMIT_FSIZE, &low);
        SnapshotSave *s = snapshot_save_begin(m.machine, snap, &(SnapshotWish){.compress = false}, &err);
        bool ok = s && snapshot_save_end(s, &err);
        setrlimit(RLIMIT_FSIZE, &before);
        if (ok)
            fail_msg("%llu bytes were enough", (unsigned long long)most);
        assert_non_null(strstr(err.text, "File too large"));
        get_file(snap, now, sizeof now, 0);
        assert_memory_equal(first, now, sizeof now);
    }
    check(&m, model, "not saved");
    low.rlim_cur = 100000;
    setrlimit(RLIMIT_FSIZE, &low);
    DiskMachine unchanged = m;
    bool loaded = disk_machine_load(&m, snap, false, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_false(loaded);
    m = unchanged;
    check(&m, model, "not loaded");
    load(&m, snap);
    check(&m, saved, "loaded");
    disk_machine_end(&m);
}

/* ---- Time ---------------------------------------------------------------------------------------------- */

/* A large disk that was trimmed, all of it: holes are not read, nor written. */
static void test_holes(void **state)
{
    (void)state;
    static const uint64_t size = UINT64_C(64) << 30;
    struct stat status;
    const char *large = in_folder("large.img");
    uint8_t data[4096], word[8] = "armature";
    put_file(large, size, word, sizeof word, size - 4096);
    DiskMachine m = started(&(ImageOptions){.path = large, .temporary = true});
    assert_int_equal(disk_machine_do(&m, DISK_ZERO, 0, NULL, size), DISK_OK);
    for (uint64_t at = 0; at < size; at += size / 16) {
        memset(data, (int)(1 + at / (size / 16)), sizeof data);
        assert_int_equal(disk_machine_do(&m, DISK_WRITE, at, data, sizeof data), DISK_OK);
    }
    save(&m, snap, true);
    assert_int_equal(disk_machine_do(&m, DISK_WRITE, 8192, data, sizeof data), DISK_OK);
    load(&m, snap);
    for (uint64_t at = 0; at < size; at += size / 16) {
        assert_int_equal(disk_machine_do(&m, DISK_READ, at, data, sizeof data), DISK_OK);
        assert_int_equal(data[4095], 1 + at / (size / 16));
    }
    assert_int_equal(disk_machine_do(&m, DISK_READ, 8192, data, sizeof data), DISK_OK);
    assert_int_equal(data[0], 0);
    assert_int_equal(disk_machine_do(&m, DISK_READ, size - 4096, data, sizeof data), DISK_OK);
    assert_int_equal(data[0], 0);
    disk_machine_end(&m);
    assert_int_equal(stat(snap, &status), 0);
    assert_true(status.st_size < 1 << 20);
    unlink(large);
}

static int begin(void **state)
{
    static char paths[3][200];
    if (folder_make(state))
        return -1;
    base = strcpy(paths[0], in_folder("base.img"));
    over = strcpy(paths[1], in_folder("over.ovl"));
    snap = strcpy(paths[2], in_folder("file.snap"));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_temporary),    cmocka_unit_test(test_kept),   cmocka_unit_test(test_raw),
        cmocka_unit_test(test_quick_change), cmocka_unit_test(test_others), cmocka_unit_test(test_commit),
        cmocka_unit_test(test_nbd),          cmocka_unit_test(test_full),   cmocka_unit_test(test_holes),
    };
    return cmocka_run_group_tests(tests, begin, folder_remove);
}
