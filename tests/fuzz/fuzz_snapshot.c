/* Hostile snapshots: files whose checksums are right and whose contents are not; of three, one is whole, one
 * is incremental, and one is below another. Whatever is in them, they are refused and change nothing, or they
 * are loaded, and the machine goes on without crash and without end. The machine has a disk with an overlay;
 * half of the files may be of other disks. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "images/image.h"
#include "machine/boot.h"
#include "snapshot/chunk.h"
#include "snapshot/machine_hash.h"
#include "snapshot/part_code.h"
#include "snapshot/snapshot.h"
#include "tests/fuzz/random.h"
#include "tests/fuzz/seeds.h"

enum { DISK = 300 << 10 };
enum { HUNG = 120, CHANGES = 6, INSTRUCTIONS = 20000, POLLS_MOST = 2000 };

static char good[80], good_changes[80], merged[80], bad[80], bad_base[80], image_path[80];
static unsigned polls;

static Machine *new_machine(void)
{
    Error err;
    const MachineOptions options = {
        .cpus = 2,
        .memory = 4 << 20,
        .deterministic = true,
        .jit = {.mode = JIT_ON, .threshold = 2},
        .semihosting = true,
        .test_device = true,
        .gpu = true,
        .virtio_disks = 1
    };
    DiskImage image;
    Machine *machine = machine_new(&options, log_new(NULL), &err);
    if (!machine || !image_open(&image, &(ImageOptions){.path = image_path, .temporary = true}, &err))
        seeds_die(err.text);
    Disk *disk = disk_new("disk0", image.ops, image.medium, &image.info, machine->clock, machine->arrivals);
    disk_slot_set(&machine->env.disk[DISK_SLOT_VIRTIO], disk);
    return machine;
}

static void free_machine(Machine *machine)
{
    disk_free(disk_slot_set(&machine->env.disk[DISK_SLOT_VIRTIO], NULL));
    machine_free(machine);
}

static void done(DiskRequest *request)
{
    (void)request;
}

/* All of the disk at once: data, the same data twice, and zeros. */
static void write_disk(Machine *machine, unsigned seed)
{
    static uint8_t data[DISK];
    Disk *disk = machine->env.disk[DISK_SLOT_VIRTIO].disk;
    DiskRequest request = {.action = DISK_WRITE, .length = DISK / 2, .data = data, .done = done};
    DiskRequest zeros = {.action = DISK_ZERO, .offset = DISK / 2, .length = DISK / 4, .done = done};
    for (unsigned n = 0; n < DISK; n++)
        data[n] = (uint8_t)(n / 1024 % 40 * 7 + n % 3 + n / 8192 % 2 * seed);
    disk_submit(disk, &request);
    disk_submit(disk, &zeros);
    disk_slot_set(&machine->env.disk[DISK_SLOT_VIRTIO], NULL); /* finishes both */
    disk_slot_set(&machine->env.disk[DISK_SLOT_VIRTIO], disk);
    if (request.result || zeros.result)
        seeds_die("the disk cannot be written");
}

/* What is on the disk, for who must not change it. */
static uint64_t disk_sum(Machine *machine)
{
    static uint8_t data[DISK];
    uint64_t sum = 0;
    Error err;
    if (!disk_peek(machine->env.disk[DISK_SLOT_VIRTIO].disk, 0, data, DISK, &err))
        seeds_die(err.text);
    for (unsigned n = 0; n < DISK; n++)
        sum = sum * 31 + data[n];
    return sum;
}

/* A guest may sleep for ever, with timers that go off and do not wake it. */
static bool poll(void *opaque, uint64_t timeout_ns)
{
    const Machine *machine = opaque;
    return polls++ < POLLS_MOST && timeout_ns != UINT64_MAX && machine_icount(machine) < machine->pause_at;
}

static void run(Machine *machine, uint64_t count)
{
    machine->poll = poll;
    machine->poll_opaque = machine;
    polls = 0;
    machine_pause_at(machine, machine_icount(machine) + count);
    machine_run(machine);
}

/* A machine in which something has happened already. */
static void make_good(void)
{
    Error err;
    Machine *machine = new_machine();
    if (!boot_load(machine, &(BootOptions){0}, &err))
        seeds_die(err.text);
    run(machine, 30000);
    serial_send(&machine->env.serial[0], "help\r", 5);
    input_send(machine->input, &(InputEvent){.kind = INPUT_KEY, .code = 30, .down = true});
    write_disk(machine, 0);
    SnapshotMarks *marks = snapshot_marks_new(machine);
    if (!snapshot_save(machine, bad_base, &(SnapshotWish){.compress = true, .marks = marks}, &err))
        seeds_die(err.text);
    run(machine, 30000);
    memset(machine->ram + 4096, 1, 8192);
    write_disk(machine, 1);
    if (!snapshot_save(machine, good_changes, &(SnapshotWish){.base = bad_base, .marks = marks}, &err))
        seeds_die(err.text);
    if (rename(bad_base, good))
        seeds_die("cannot rename");
    snapshot_marks_free(marks);
    free_machine(machine);
}

static uint32_t interesting(Random *random)
{
    static const uint32_t values[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff};
    return random_below(random, 2) ? values[random_below(random, sizeof values / sizeof *values)]
                                   : (uint32_t)random_next(random);
}

/* Where a value of a part is: what names are, is refused quickly. */
static uint32_t value_of_part(Random *random, const uint8_t *data, uint64_t size, ItemKind *found_kind)
{
    Cursor cursor = {data, size, false};
    char name[256];
    uint32_t found = 0, seen = 0;
    cursor_take_name(&cursor, name);
    cursor_take_name(&cursor, name);
    cursor_take32(&cursor);
    for (uint32_t fields = cursor_take32(&cursor); fields && !cursor.short_of; fields--) {
        cursor_take_name(&cursor, name);
        ItemKind kind = (ItemKind)cursor_take8(&cursor);
        uint32_t count = cursor_take32(&cursor), unit = item_size(kind);
        for (uint32_t n = 0; kind == ITEM_MEMORY && n < count && !cursor.short_of; n++) {
            uint32_t at = (uint32_t)(cursor.at - data);
            uint64_t bytes = cursor_take64(&cursor);
            cursor_take(&cursor, bytes);
            if (bytes && !cursor.short_of && random_below(random, ++seen) == 0)
                found = at + 8 + random_below(random, (uint32_t)bytes), *found_kind = kind;
        }
        if (!unit || !count)
            continue;
        uint32_t at = (uint32_t)(cursor.at - data) + unit * random_below(random, count);
        cursor_take(&cursor, (uint64_t)unit * count);
        if (random_below(random, ++seen) == 0) {
            found = at;
            *found_kind = kind;
        }
    }
    return found;
}

static void change(Random *random, const char *type, uint8_t *data, uint64_t *size)
{
    uint32_t value = interesting(random);
    if (!*size)
        return;
    bool runs = !strcmp(type, CHUNK_PAGES) && random_below(random, 2); /* where pages go */
    uint32_t at = random_below(random, runs && *size > 100 ? 100 : (uint32_t)*size);
    if ((!strcmp(type, CHUNK_PART) || !strcmp(type, CHUNK_DISK)) && random_below(random, 20)) {
        ItemKind kind = ITEM_MEMORY;
        at = value_of_part(random, data, *size, &kind);
        if (!at || at >= *size)
            return;
        if (kind == ITEM_BOOL) {
            data[at] ^= 1;
            return;
        }
        unsigned unit = item_size(kind) ? item_size(kind) : 1;
        unsigned bytes = *size - at < 4 || unit < 4 ? 1 : 1u << random_below(random, 3);
        memcpy(data + at, &value, bytes);
        return;
    }
    switch (random_below(random, 6)) {
    case 0:
        data[at] = (uint8_t)value;
        break;
    case 1:
        data[at] ^= (uint8_t)(1u << value % 8);
        break;
    case 2:
    case 3:
        if (*size - at >= 4)
            memcpy(data + at, &value, 4);
        break;
    case 4:
        for (unsigned n = 0; n < 16 && at + n < *size; n++)
            data[at + n] = (uint8_t)random_next(random);
        break;
    default:
        if (random_below(random, 8) == 0)
            *size = at;
        break;
    }
}

/* One of the last few chunks: the disk, and what is on it. */
static uint32_t of_disk(Random *random, const ChunkFile *file)
{
    uint32_t first = file->count - 1;
    while (first && strcmp(file->chunk[first].type, CHUNK_DISK) != 0)
        first--;
    return random_below(random, 3) ? file->count - 1 : first;
}

/* Copies a good file with changes; changes 0: as it is. */
static void make_bad(Random *random, const char *good, const char *bad, unsigned changes)
{
    ChunkFile file;
    ChunkWriter writer;
    Error err;
    FILE *out = fopen(bad, "wb");
    if (!out || !chunk_open(&file, CHUNKS_SNAPSHOT, good, &err) ||
        !chunk_begin(&writer, CHUNKS_SNAPSHOT, fileno(out), &err))
        seeds_die("the good file is not good");
    uint32_t victim[CHANGES];
    unsigned victims = changes ? 1 + random_below(random, changes) : 0;
    for (unsigned n = 0; n < victims; n++)
        victim[n] = random_below(random, 3) ? random_below(random, file.count) : of_disk(random, &file);
    for (unsigned n = 0; n < file.count; n++) {
        const Chunk *chunk = &file.chunk[n];
        uint8_t *data = malloc(chunk->length + 1);
        uint64_t size = chunk->length;
        bool drop = false, twice = false;
        if (!chunk_read(&file, chunk, data, &err))
            seeds_die(err.text);
        for (unsigned k = 0; k < victims; k++) {
            if (victim[k] != n)
                continue;
            drop |= random_below(random, 40) == 0;
            twice |= random_below(random, 40) == 0;
            for (unsigned times = 1 + random_below(random, 4); times; times--)
                change(random, chunk->type, data, &size);
        }
        for (int k = drop ? 0 : twice ? 2 : 1; k; k--)
            if (!chunk_write(&writer, chunk->type, data, size, &err))
                seeds_die(err.text);
        free(data);
    }
    if (!chunk_finish(&writer, &err))
        seeds_die(err.text);
    fclose(out);
    chunk_close(&file);
}

/* Everything that looks at a machine. */
static void use(Machine *machine, Random *random)
{
    static MachineHash hash;
    Error err;
    for (unsigned n = 0; n < machine->device_count; n++)
        for (uint32_t offset = 0; offset < machine->device[n]->type->window && offset < 0x400; offset += 4)
            device_peek(machine->device[n], offset, (uint8_t)random_below(random, 2));
    display_frame(machine->display);
    run(machine, INSTRUCTIONS);
    for (unsigned n = 0; n < 300; n++) {
        const Device *dev = machine->device[random_below(random, machine->device_count)];
        uint32_t value, at = dev->base + random_below(random, dev->type->window) / 4 * 4;
        BusAccess access = {4, (uint8_t)random_below(random, 2), true, true};
        if (dev->type->off_bus)
            continue;
        if (random_below(random, 2))
            bus_read(machine->bus, at, &access, &value);
        else
            bus_write(machine->bus, at, &access, interesting(random));
    }
    serial_send(&machine->env.serial[random_below(random, SERIAL_PORTS)], "x\ry", 3);
    input_send(machine->input, &(InputEvent){.kind = INPUT_KEY, .code = 31, .down = random_below(random, 2)});
    input_send(machine->input, &(InputEvent){.kind = INPUT_MOVE, .x = 5, .y = -7});
    run(machine, INSTRUCTIONS);
    display_frame(machine->display);
    machine_hash(machine, &hash);
    if (!snapshot_save(machine, bad, &(SnapshotWish){0}, &err))
        seeds_die(err.text);
    machine_reset(machine);
}

typedef struct Counts {
    unsigned refused, loaded;
} Counts;

/* Without a machine. */
static void look_at(Snapshot *snapshot)
{
    Error err;
    bool same;
    FILE *out = fopen("/dev/null", "w");
    Snapshot *other = snapshot_open(good_changes, &err);
    if (!out || !other)
        seeds_die("the good file is not good");
    snapshot_diff(other, snapshot, out, &same, &err);
    snapshot_diff(snapshot, other, out, &same, &err);
    snapshot_merge(snapshot, merged, true, &err);
    snapshot_close(other);
    fclose(out);
}

static void try_seed(uint64_t seed, Machine *machine, Counts *counts)
{
    static MachineHash before, after;
    Random random = {seed};
    Error err;
    seeds_begin(seed, HUNG);
    unsigned kind = seed % 3; /* whole, incremental, below an incremental one */
    if (kind)
        make_bad(&random, good, bad_base, kind == 2 ? CHANGES : 0);
    make_bad(&random, kind ? good_changes : good, bad, kind == 2 ? 0 : CHANGES);
    bool check = seed % 16 == 0;
    uint64_t sum = check ? disk_sum(machine) : 0;
    if (check)
        machine_hash(machine, &before);
    Snapshot *snapshot = snapshot_open(bad, &err);
    SnapshotDisk disk;
    for (unsigned n = 0; snapshot && n < snapshot_info(snapshot)->disks; n++)
        snapshot_disk(snapshot, n, &disk, &err);
    if (snapshot && seed % 2)
        snapshot_force(snapshot);
    bool loaded = snapshot && snapshot_load(snapshot, machine, &err);
    if (snapshot && seed % 5 == 0)
        look_at(snapshot);
    snapshot_close(snapshot);
    if (loaded) {
        use(machine, &random);
        counts->loaded++;
        return;
    }
    counts->refused++;
    if (getenv("FUZZ_VERBOSE"))
        puts(err.text);
    if (strlen(err.text) < 10)
        seeds_die("refused without a reason");
    if (!check)
        return;
    machine_hash(machine, &after);
    if (machine_hash_difference(&before, &after) || disk_sum(machine) != sum)
        seeds_die("it was refused, and changed the machine");
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    unsigned runs = 150, seconds = 0;
    char folder[] = "/dev/shm/armature-fuzz-XXXXXX";
    for (int n = 1; n + 1 < argc; n += 2) {
        if (!strcmp(argv[n], "--seed"))
            seed = strtoull(argv[n + 1], NULL, 0);
        else if (!strcmp(argv[n], "--runs"))
            runs = (unsigned)strtoul(argv[n + 1], NULL, 0);
        else if (!strcmp(argv[n], "--seconds"))
            seconds = (unsigned)strtoul(argv[n + 1], NULL, 0);
    }
    if (!mkdtemp(folder))
        return 3;
    snprintf(good, sizeof good, "%s/good", folder);
    snprintf(good_changes, sizeof good_changes, "%s/changes", folder);
    snprintf(bad, sizeof bad, "%s/bad", folder);
    snprintf(bad_base, sizeof bad_base, "%s/base", folder);
    snprintf(merged, sizeof merged, "%s/merged", folder);
    snprintf(image_path, sizeof image_path, "%s/image", folder);
    FILE *image = fopen(image_path, "wb");
    if (!image || ftruncate(fileno(image), DISK) || fclose(image))
        return 3;
    make_good();
    Machine *machine = new_machine();
    Counts counts = {0};
    time_t end = time(NULL) + seconds;
    for (unsigned n = 0; seconds ? time(NULL) < end : n < runs; n++)
        try_seed(seed + n, machine, &counts);
    free_machine(machine);
    unlink(image_path);
    unlink(good);
    unlink(good_changes);
    unlink(bad);
    unlink(bad_base);
    unlink(merged);
    rmdir(folder);
    printf("%u snapshots were loaded, %u refused\n", counts.loaded, counts.refused);
    return counts.loaded && counts.refused ? 0 : 1;
}
