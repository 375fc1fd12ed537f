/* Files of every released version of the format load, with all that is in them: tests/snapshot/released/ has
 * what each version wrote, compressed once more with gzip -9n.
 *
 *     test_released --make FILE      what the next release adds
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>

#include "images/image.h"
#include "machine/machine.h"
#include "snapshot/snapshot.h"

enum { MEMORY = 1 << 20, RAM = 0x60000000, DISK = 64 << 10, PAGE = 4096, UART0 = 0x10009000 };
enum { IBRD = 0x24, IMSC = 0x38, TIMER_LOAD = 0x10011000, ENTERED = 700, FOUND_MOST = 100 };

static char image_path[] = "/dev/shm/armature-test-released-XXXXXX", unpacked[100];

static Machine *new_machine(void)
{
    Error err;
    DiskImage image;
    const MachineOptions options = {
        .cpus = 2, .memory = MEMORY, .deterministic = true, .jit = {.mode = JIT_OFF}, .virtio_disks = 1};
    Machine *machine = machine_new(&options, log_new(NULL), &err);
    if (!machine || !image_open(&image, &(ImageOptions){.path = image_path, .temporary = true}, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(3);
    }
    Disk *disk = disk_new("disk0", image.ops, image.medium, &image.info, NULL, machine->arrivals);
    disk_slot_set(&machine->env.disk[DISK_SLOT_VIRTIO], disk);
    return machine;
}

static void free_machine(Machine *machine)
{
    disk_free(disk_slot_set(&machine->env.disk[DISK_SLOT_VIRTIO], NULL));
    machine_free(machine);
}

/* Page by page: nothing, bytes of its own, or those of another. */
static uint8_t memory_byte(uint32_t at)
{
    switch (at / PAGE % 4) {
    case 0:
        return 0;
    case 1:
        return (uint8_t)(at / PAGE);
    default:
        return (uint8_t)(at % PAGE * 7);
    }
}

/* Blocks: as the image is, zeros, bytes. */
static uint8_t disk_byte(uint32_t at)
{
    switch (at / PAGE % 4) {
    case 0:
        return 0xa5;
    case 1:
        return 0;
    default:
        return (uint8_t)(at / PAGE + at % 3);
    }
}

static void done(DiskRequest *request)
{
    (void)request;
}

static void write_disk(Machine *machine)
{
    static uint8_t data[PAGE];
    Disk *disk = machine->env.disk[DISK_SLOT_VIRTIO].disk;
    for (uint32_t at = 0; at < DISK; at += PAGE) {
        DiskRequest request = {
            .action = DISK_WRITE, .offset = at, .length = PAGE, .data = data, .done = done};
        if (at / PAGE % 4 == 0)
            continue;
        request.action = at / PAGE % 4 == 1 ? DISK_ZERO : DISK_WRITE;
        for (uint32_t n = 0; n < PAGE; n++)
            data[n] = disk_byte(at + n);
        if (!disk_submit(disk, &request))
            disk_drain(disk);
    }
}

static uint32_t bus(Machine *machine, uint32_t address)
{
    uint32_t value = 0;
    bus_read(machine->bus, address, &(BusAccess){4, 0, true, true}, &value);
    return value;
}

static void put(Machine *machine, uint32_t address, uint32_t value)
{
    bus_write(machine->bus, address, &(BusAccess){4, 0, true, true}, value);
}

static bool before_pause(void *opaque, uint64_t timeout_ns)
{
    const Machine *machine = opaque;
    (void)timeout_ns;
    return machine_icount(machine) < machine->pause_at;
}

static void run_until(Machine *machine, uint64_t icount)
{
    machine->poll = before_pause;
    machine->poll_opaque = machine;
    machine_pause_at(machine, icount);
    machine_run(machine);
}

static uint8_t *picture_of(const void *picture, size_t *size)
{
    *size = strlen(picture);
    return (uint8_t *)strdup(picture);
}

static int make(const char *path)
{
    static const uint32_t program[] = {0xe2800001, 0xeafffffd}; /* next: add r0, r0, #1; b next */
    Error err;
    Machine *machine = new_machine();
    for (uint32_t n = 0; n < MEMORY; n++)
        machine->ram[n] = memory_byte(n);
    bus_load(machine->bus, RAM, program, sizeof program);
    for (unsigned n = 0; n < 2; n++)
        machine->cpu[n]->pc = RAM;
    put(machine, UART0 + IBRD, 0x1234);
    put(machine, UART0 + IMSC, 0x50);
    put(machine, TIMER_LOAD, 0x89abcdef);
    write_disk(machine);
    run_until(machine, ENTERED);
    SnapshotWish wish = {.compress = !strstr(path, "raw"), .note = "of old", .host_time = 1800000000};
    wish.png = picture_of;
    wish.picture = "a picture";
    bool ok = snapshot_save(machine, path, &wish, &err);
    if (!ok)
        fprintf(stderr, "%s\n", err.text);
    free_machine(machine);
    return !ok;
}

static void check_machine(Machine *machine, const char *name)
{
    static uint8_t data[DISK];
    Error err;
    for (uint32_t n = 8; n < MEMORY; n++)
        if (machine->ram[n] != memory_byte(n))
            fail_msg("%s: byte %u of memory is %02x", name, n, machine->ram[n]);
    if (!disk_peek(machine->env.disk[DISK_SLOT_VIRTIO].disk, 0, data, DISK, &err))
        fail_msg("%s: %s", name, err.text);
    for (uint32_t n = 0; n < DISK; n++)
        if (data[n] != disk_byte(n))
            fail_msg("%s: byte %u of the disk is %02x", name, n, data[n]);
    assert_int_equal(bus(machine, UART0 + IBRD), 0x1234);
    assert_int_equal(bus(machine, UART0 + IMSC), 0x50);
    assert_int_equal(bus(machine, TIMER_LOAD), 0x89abcdef);
    assert_int_equal(machine_icount(machine), ENTERED);
    assert_int_equal(machine->cpu[0]->r[0] + machine->cpu[1]->r[0], ENTERED / 2);
    run_until(machine, 2 * ENTERED);
    assert_int_equal(machine->cpu[0]->r[0] + machine->cpu[1]->r[0], ENTERED);
}

static void unpack(const char *path)
{
    static uint8_t data[1 << 20];
    gzFile from = gzopen(path, "rbe");
    FILE *to = fopen(unpacked, "wb");
    assert_non_null(from);
    assert_non_null(to);
    int size = gzread(from, data, sizeof data);
    assert_in_range(size, 1, sizeof data - 1);
    assert_int_equal(fwrite(data, 1, (size_t)size, to), size);
    gzclose(from);
    fclose(to);
}

static void check_file(const char *path)
{
    Error err;
    size_t size;
    unpack(path);
    Snapshot *snapshot = snapshot_open(unpacked, &err);
    if (!snapshot || !snapshot_verify(snapshot, &err))
        fail_msg("%s", err.text);
    assert_string_equal(snapshot_info(snapshot)->note, "of old");
    assert_int_equal(snapshot_info(snapshot)->host_time, 1800000000);
    uint8_t *png = snapshot_png(snapshot, &size, &err);
    assert_int_equal(size, 9);
    assert_memory_equal(png, "a picture", 9);
    free(png);
    Machine *machine = new_machine();
    snapshot_force(snapshot); /* the image is a new one */
    if (!snapshot_load(snapshot, machine, &err))
        fail_msg("%s", err.text);
    snapshot_close(snapshot);
    check_machine(machine, path);
    free_machine(machine);
}

static void test_all(void **state)
{
    (void)state;
    unsigned found = 0;
    char path[600];
    DIR *folder = opendir(RELEASED);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        if (!strstr(entry->d_name, ".snap.gz"))
            continue;
        snprintf(path, sizeof path, "%s/%s", RELEASED, entry->d_name);
        check_file(path);
        found++;
    }
    closedir(folder);
    assert_in_range(found, 2, FOUND_MOST);
}

static bool make_image(void)
{
    int fd = mkstemp(image_path);
    FILE *image = fd < 0 ? NULL : fdopen(fd, "wb");
    for (unsigned n = 0; image && n < DISK; n++)
        fputc(0xa5, image);
    return image && !fclose(image);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
    if (!make_image())
        return 3;
    snprintf(unpacked, sizeof unpacked, "%s.snap", image_path);
    int failed =
        argc == 3 && !strcmp(argv[1], "--make") ? make(argv[2]) : cmocka_run_group_tests(tests, NULL, NULL);
    unlink(unpacked);
    unlink(image_path);
    return failed;
}
