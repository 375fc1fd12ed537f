/* A process that saves and loads a machine with a disk is killed, again and again: the file at the snapshot's
 * path is always whole, and the disk that it holds is of one moment, also if it is incremental; an overlay
 * that a snapshot is loaded into is whole at any time, before or after. What those that were killed leave
 * beside a snapshot, on file systems without O_TMPFILE, is gone with its next save.
 *
 *     snapshot_killed [rounds [seed]] */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/images/folder.h"
#include "tests/machine/no_tmpfile.h"
#include "tests/snapshot/disk_machine.h"

enum { SIZE = 1 << 20, LONGEST_US = 30000, LONGEST_LIFE_US = 4000000 };

enum { SAVES, LOADS, SAVES_CHANGES, KINDS };

static char base[200], over[200], snap[200], changes[200], loaded[2][200];
static uint8_t data[SIZE];

static void must(bool ok, const char *what, const Error *err)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, err->text);
    exit(1);
}

/* The whole disk says which version it is of: each block in its own way. */
static void fill(uint32_t version)
{
    for (uint32_t at = 0; at < SIZE; at += 4) {
        uint32_t word = (version * 2654435761u) ^ (at & ~4095u);
        memcpy(data + at, &word, 4);
    }
}

static void write_version(DiskMachine *m, uint32_t version)
{
    fill(version);
    for (uint32_t at = 0; at < SIZE; at += SIZE / 16)
        if (disk_machine_do(m, DISK_WRITE, at, data + at, SIZE / 16))
            exit(2);
}

static void check_one_version(DiskMachine *m, const char *what)
{
    uint32_t first, word;
    Error err;
    error_set(&err, "the disk is of several moments");
    if (disk_machine_do(m, DISK_READ, 0, data, SIZE))
        exit(2);
    memcpy(&first, data, 4);
    for (uint32_t at = 0; at < SIZE; at += 4) {
        memcpy(&word, data + at, 4);
        must(word == (first ^ (at & ~4095u)), what, &err);
    }
}

/* ---- Who is killed ------------------------------------------------------------------------------------- */

/* Writes the next version while the last one is saved. */
static void save_for_ever(DiskMachine *m, uint32_t version)
{
    Error err;
    for (bool compress = false;; version++, compress = !compress) {
        SnapshotSave *save =
            snapshot_save_begin(m->machine, snap, &(SnapshotWish){.compress = compress}, &err);
        must(save, "save", &err);
        write_version(m, version);
        must(snapshot_save_end(save, &err), "save", &err);
    }
}

/* What has changed since a file that stays; memory as well, which says the same version. */
static void save_changes_for_ever(DiskMachine *m, uint32_t version)
{
    Error err;
    SnapshotMarks *marks = snapshot_marks_new(m->machine);
    Snapshot *snapshot = snapshot_open(loaded[0], &err);
    must(snapshot && snapshot_load(snapshot, m->machine, &err), "load", &err);
    snapshot_marks_loaded(marks, snapshot_info(snapshot)->identity);
    snapshot_close(snapshot);
    for (;; version++) {
        SnapshotWish wish = {.compress = version % 2, .base = loaded[0], .marks = version % 4 ? marks : NULL};
        write_version(m, version);
        bus_dma_write(m->machine->bus, 0x60000000, data, sizeof data / 2);
        must(snapshot_save(m->machine, changes, &wish, &err), "save", &err);
    }
}

static void load_for_ever(DiskMachine *m)
{
    Error err;
    for (unsigned n = 0;; n = !n)
        must(disk_machine_load(m, loaded[n], false, &err), "load", &err);
}

static void live(unsigned kind, uint32_t version)
{
    DiskMachine m;
    Error err;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    must(disk_machine_start(&m, &(ImageOptions){.path = base, .overlay = over}, &err), "start", &err);
    if (kind == SAVES)
        save_for_ever(&m, version);
    else if (kind == SAVES_CHANGES)
        save_changes_for_ever(&m, version);
    else
        load_for_ever(&m);
}

/* ---- Who kills ----------------------------------------------------------------------------------------- */

static void check_snapshot(const char *path, bool memory)
{
    DiskMachine m;
    Error err;
    must(disk_machine_start(&m, &(ImageOptions){.path = base, .temporary = true}, &err), "open", &err);
    must(disk_machine_load(&m, path, false, &err), "load", &err);
    check_one_version(&m, path);
    error_set(&err, "memory is of another version than the disk");
    must(!memory || !memcmp(data, m.machine->ram, sizeof data / 2), path, &err);
    disk_machine_end(&m);
}

static void check_overlay(unsigned kind)
{
    DiskMachine m;
    Error err;
    ImageCheck check = {.repair = false};
    must(image_check(over, &check, &err), "check", &err);
    must(disk_machine_start(&m, &(ImageOptions){.path = over}, &err), "open", &err);
    if (kind == LOADS)
        check_one_version(&m, over);
    disk_machine_end(&m);
}

/* What a process that was killed had not written all over is one version again. */
static void prepare(void)
{
    DiskMachine m;
    Error err;
    must(disk_machine_start(&m, &(ImageOptions){.path = over}, &err), "prepare", &err);
    must(disk_machine_load(&m, snap, false, &err), "prepare", &err);
    disk_machine_end(&m);
}

static unsigned seen; /* files of saves that were killed */

static ino_t number_of(const char *path)
{
    struct stat status;
    return stat(path, &status) ? 0 : status.st_ino;
}

/* How long the next process lives at most: so long that on this host, now, it gets something done. */
static uint32_t longest(uint32_t now, bool did_something)
{
    return did_something ? (now + LONGEST_US) / 2 : now < LONGEST_LIFE_US ? 2 * now : now;
}

/* Files of saves that did not come to their end; as many as those who were killed have left since each
 * snapshot's last save. */
static unsigned left_over(void)
{
    char command[100];
    unsigned files = 0;
    snprintf(command, sizeof command, "ls -A %s | grep -c '^[.].*[.]snap[.]'", folder);
    FILE *pipe = popen(command, "r");
    if (!pipe || fscanf(pipe, "%u", &files) != 1)
        exit(2);
    pclose(pipe);
    return files;
}

static void round_of(unsigned kind, uint32_t number, uint32_t random)
{
    prepare();
    no_tmpfile = number % 4;
    pid_t child = fork();
    int status;
    if (!child)
        live(kind, number * 1000);
    static uint32_t limit[KINDS] = {LONGEST_US, LONGEST_US, LONGEST_US};
    const char *saved = kind == SAVES_CHANGES ? changes : snap;
    ino_t before = number_of(saved);
    usleep(random % limit[kind]);
    kill(child, SIGKILL);
    if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
        exit(1);
    if (kind != LOADS)
        limit[kind] = longest(limit[kind], number_of(saved) != before);
    check_overlay(kind);
    check_snapshot(snap, false);
    if (!access(changes, F_OK))
        check_snapshot(changes, true);
    Error err;
    error_set(&err, "%u files are left of %u snapshots", left_over(), 2);
    must(left_over() <= 2, "killed saves", &err);
    seen += left_over();
}

static void make(const char *path, uint32_t version)
{
    DiskMachine m;
    Error err;
    must(disk_machine_start(&m, &(ImageOptions){.path = base, .temporary = true}, &err), "make", &err);
    write_version(&m, version);
    must(snapshot_save(m.machine, path, &(SnapshotWish){.compress = true}, &err), "make", &err);
    disk_machine_end(&m);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 40;
    uint32_t seed = argc > 2 ? (uint32_t)atoi(argv[2]) : 1;
    if (folder_make(NULL))
        return 3;
    snprintf(base, sizeof base, "%s/base", folder);
    snprintf(over, sizeof over, "%s/over", folder);
    snprintf(snap, sizeof snap, "%s/file.snap", folder);
    snprintf(changes, sizeof changes, "%s/changes.snap", folder);
    fill(0);
    put_file(base, SIZE, data, SIZE, 0);
    make(snap, 1);
    for (uint32_t n = 0; n < 2; n++) {
        snprintf(loaded[n], sizeof loaded[n], "%s/loaded%u", folder, n);
        make(loaded[n], 2 + n);
    }
    Error err;
    must(image_create_overlay(over, base, 0, &err), "overlay", &err);
    /* On a slow host most are killed before they have begun to save: until one was not. */
    for (uint32_t n = 0; n < rounds || (n < 20 * rounds && (!seen || access(changes, F_OK))); n++) {
        seed = seed * 1664525 + 1013904223;
        round_of(n % KINDS, n + 1, seed >> 8);
    }
    prepare();
    if (access(changes, F_OK)) {
        fprintf(stderr, "no incremental save was ever done\n");
        return 1;
    }
    make(snap, 1);
    make(changes, 1);
    error_set(&err, seen ? "%u files are left" : "no save was killed", left_over());
    must(seen && !left_over(), "killed saves", &err);
    char command[100]; /* loading has cleaned up */
    snprintf(command, sizeof command, "ls %s | grep -q load-", folder);
    if (!system(command)) {
        fprintf(stderr, "there are left-over files in %s\n", folder);
        return 1;
    }
    folder_remove(NULL);
    printf("%u processes were killed\n", rounds);
    return 0;
}
