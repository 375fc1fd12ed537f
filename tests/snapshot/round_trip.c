/* Saves and loads a machine at random instruction counts of a deterministic run. At each of them, everything
 * must be equal: the run that never stopped, the run that was saved there, the fresh machine that was loaded,
 * what it saves again (byte by byte), and where both are at the next count. Engines take turns.
 *
 * With --processes another process loads, while this one goes on. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "images/image.h"
#include "machine/boot.h"
#include "snapshot/machine_hash.h"
#include "snapshot/snapshot.h"

enum { POINTS_MOST = 2000, OTHER_WORDS = 64 };

typedef struct Options {
    MachineOptions machine;
    BootOptions boot;
    const char *send;             /* typed at the start */
    const char *disk[DISK_SLOTS]; /* images, whose changes are kept apart; NULL: none */
    const char *output;           /* what the first serial port shows is written there; NULL: nowhere */
    const char *loads;            /* this is another process, and loads there what was saved */
    uint64_t seed, least, most;
    unsigned points;
    bool compress, verbose, processes;
    char **words; /* the command line */
} Options;

static Options options = {
    .machine = {.cpus = 1, .memory = 64 << 20, .deterministic = true, .jit = {.threshold = 4}},
    .seed = 1,
    .points = 20,
    .most = UINT64_MAX,
};

static char folder[80] = "/dev/shm/armature-round-trip-XXXXXX", first[100], second[100], third[100];
static pid_t other; /* the process that loads; 0: none does */

/* What another process finds there. */
typedef struct Task {
    uint64_t at, until; /* instructions; until is 0 at the last point */
    JitMode jit;
    MachineHash now, then;
} Task;

static void stop(const char *what, uint64_t at, const char *detail)
{
    fprintf(stderr, "round_trip: seed %llu, instruction %llu: %s%s%s\n", (unsigned long long)options.seed,
            (unsigned long long)at, what, detail ? ": " : "", detail ? detail : "");
    exit(1);
}

static bool poll(void *opaque, uint64_t timeout_ns)
{
    const Machine *machine = opaque;
    return timeout_ns != UINT64_MAX && machine_icount(machine) != machine->pause_at;
}

static void insert_disk(Machine *machine, unsigned slot, const char *path)
{
    Error err;
    DiskImage image;
    const ImageOptions wanted = {.path = path, .temporary = true};
    if (!image_open(&image, &wanted, &err))
        stop(err.text, 0, NULL);
    static const char *const name[DISK_SLOTS] = {
        [DISK_SLOT_SD] = "sd", [DISK_SLOT_CF] = "cf", [DISK_SLOT_VIRTIO] = "disk0"};
    Disk *disk =
        disk_new(name[slot], image.ops, image.medium, &image.info, machine->clock, machine->arrivals);
    disk_slot_set(&machine->env.disk[slot], disk);
}

static void end_machine(Machine *machine)
{
    for (unsigned n = 0; n < DISK_SLOTS; n++)
        disk_free(disk_slot_set(&machine->env.disk[n], NULL));
    machine_free(machine);
}

static Machine *fresh_machine(JitMode jit, bool boot)
{
    Error err;
    MachineOptions wanted = options.machine;
    wanted.jit.mode = jit;
    Machine *machine = machine_new(&wanted, log_new(NULL), &err);
    if (!machine || (boot && !boot_load(machine, &options.boot, &err)))
        stop(err.text, 0, NULL);
    machine->poll = poll;
    machine->poll_opaque = machine;
    for (unsigned n = 0; n < DISK_SLOTS; n++)
        if (options.disk[n])
            insert_disk(machine, n, options.disk[n]);
    if (boot && options.send)
        serial_send(&machine->env.serial[0], options.send, strlen(options.send));
    return machine;
}

/* False if the guest ends before. */
static bool run_to(Machine *machine, uint64_t icount)
{
    if (machine_icount(machine) == icount)
        return true;
    machine_pause_at(machine, icount);
    return machine_run(machine) == END_STOPPED && machine_icount(machine) == icount;
}

static uint64_t next_random(void)
{
    options.seed = options.seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return options.seed >> 33 | options.seed << 31;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* How far the guest gets. */
static uint64_t length_of_run(void)
{
    Machine *machine = fresh_machine(JIT_ON, true);
    machine_pause_at(machine, options.most);
    machine_run(machine);
    uint64_t length = machine_icount(machine);
    end_machine(machine);
    return length;
}

static void same(const MachineHash *a, const MachineHash *b, uint64_t at, const char *what)
{
    const char *component = machine_hash_difference(a, b);
    if (component)
        stop(what, at, component);
}

static void name_files(void)
{
    snprintf(first, sizeof first, "%s/first", folder);
    snprintf(second, sizeof second, "%s/second", folder);
    snprintf(third, sizeof third, "%s/task", folder);
}

static void save(Machine *machine, const char *path, uint64_t at)
{
    Error err;
    const SnapshotWish wish = {.compress = options.compress};
    if (!snapshot_save(machine, path, &wish, &err))
        stop(err.text, at, NULL);
}

static Machine *load(const char *path, JitMode jit, uint64_t at)
{
    Error err;
    Machine *machine = fresh_machine(jit, false);
    Snapshot *snapshot = snapshot_open(path, &err);
    if (!snapshot || !snapshot_load(snapshot, machine, &err))
        stop(err.text, at, NULL);
    snapshot_close(snapshot);
    return machine;
}

static void same_files(uint64_t at)
{
    char command[240];
    snprintf(command, sizeof command, "cmp %s %s", first, second);
    if (system(command) != 0)
        stop("saved again, the file differs", at, NULL);
}

/* ---- In another process -------------------------------------------------------------------------------- */

/* What it loads, saves again, and reaches. */
static int load_here(void)
{
    static Task task;
    static MachineHash hash;
    snprintf(folder, sizeof folder, "%s", options.loads);
    name_files();
    FILE *file = fopen(third, "rb");
    if (!file || fread(&task, sizeof task, 1, file) != 1)
        stop("cannot read what to do", 0, third);
    fclose(file);
    Machine *machine = load(first, task.jit, task.at);
    save(machine, second, task.at);
    machine_hash(machine, &hash);
    same(&task.now, &hash, task.at, "loading changed, in another process");
    same_files(task.at);
    if (task.until) {
        if (!run_to(machine, task.until))
            stop("the loaded machine ended", task.at, NULL);
        machine_hash(machine, &hash);
        same(&task.then, &hash, task.at, "another process went another way, by the next point");
    }
    end_machine(machine);
    return 0;
}

static void await_other(void)
{
    int status = 0;
    if (other && (waitpid(other, &status, 0) != other || status))
        stop("another process failed", 0, NULL);
    other = 0;
}

static void load_elsewhere(const MachineHash *wanted, const uint64_t *point, unsigned n)
{
    static Task task;
    static const char *words[OTHER_WORDS];
    bool last = n + 1 == options.points;
    task = (Task){point[n], last ? 0 : point[n + 1], n % 2 ? JIT_ON : JIT_OFF, wanted[n], wanted[n + !last]};
    FILE *file = fopen(third, "wb");
    if (!file || fwrite(&task, sizeof task, 1, file) != 1 || fclose(file))
        stop("cannot write", point[n], third);
    unsigned count = 0;
    for (; options.words[count] && count < OTHER_WORDS - 3; count++)
        words[count] = options.words[count];
    words[count++] = "--loads";
    words[count++] = folder;
    words[count] = NULL;
    other = fork();
    if (!other) {
        execv("/proc/self/exe", (char **)words);
        _exit(1);
    }
}

static void check_point(Machine *machine, const MachineHash *wanted, const uint64_t *point, unsigned n)
{
    static MachineHash hash;
    uint64_t at = point[n];
    save(machine, first, at);
    machine_hash(machine, &hash);
    same(&wanted[n], &hash, at, "saving changed");
    if (options.processes) {
        load_elsewhere(wanted, point, n);
        return;
    }
    Machine *loaded = load(first, n % 2 ? JIT_ON : JIT_OFF, at);
    machine_hash(loaded, &hash);
    same(&wanted[n], &hash, at, "loading changed");
    save(loaded, second, at);
    same_files(at);
    if (n + 1 < options.points) {
        if (!run_to(loaded, point[n + 1]))
            stop("the loaded machine ended", at, NULL);
        machine_hash(loaded, &hash);
        same(&wanted[n + 1], &hash, at, "the loaded machine went another way, by the next point");
    }
    end_machine(loaded);
}

/* The board's own controller and two virtio devices. */
static void want_hub(MachineOptions *machine)
{
    machine->virtio_nets = NET_PORTS - NET_PORT_VIRTIO;
    memset(machine->hub, 1, sizeof machine->hub);
}

static void want_all_devices(MachineOptions *machine)
{
    machine->gpu = machine->rng = machine->console = machine->balloon = machine->test_device = true;
    machine->virtio_disks = machine->virtio_nets = 2;
    machine->shares = 1;
}

static void parse(int argc, char **argv)
{
    for (int n = 1; n < argc; n++) {
        const char *value = n + 1 < argc ? argv[n + 1] : "";
        if (!strcmp(argv[n], "--compress"))
            options.compress = true;
        else if (!strcmp(argv[n], "--verbose"))
            options.verbose = true;
        else if (!strcmp(argv[n], "--all-devices"))
            want_all_devices(&options.machine);
        else if (!strcmp(argv[n], "--semihosting"))
            options.machine.semihosting = true;
        else if (!strcmp(argv[n], "--hub"))
            want_hub(&options.machine);
        else if (!strcmp(argv[n], "--processes"))
            options.processes = true;
        else if (!strcmp(argv[n], "--disk") && ++n)
            options.disk[DISK_SLOT_VIRTIO] = value;
        else if (!strcmp(argv[n], "--sd") && ++n)
            options.disk[DISK_SLOT_SD] = value;
        else if (!strcmp(argv[n], "--cf") && ++n)
            options.disk[DISK_SLOT_CF] = value;
        else if (!strcmp(argv[n], "--output") && ++n)
            options.output = value;
        else if (!strcmp(argv[n], "--loads") && ++n)
            options.loads = value;
        else if (!strcmp(argv[n], "--seed") && ++n)
            options.seed = strtoull(value, NULL, 0);
        else if (!strcmp(argv[n], "--points") && ++n)
            options.points = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(argv[n], "--least") && ++n)
            options.least = strtoull(value, NULL, 0);
        else if (!strcmp(argv[n], "--most") && ++n)
            options.most = strtoull(value, NULL, 0);
        else if (!strcmp(argv[n], "--cpus") && ++n)
            options.machine.cpus = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(argv[n], "--memory") && ++n)
            options.machine.memory = strtoull(value, NULL, 0) << 20;
        else if (!strcmp(argv[n], "--send") && ++n)
            options.send = value;
        else if (!strcmp(argv[n], "--kernel") && ++n)
            options.boot.kernel = value;
        else if (!strcmp(argv[n], "--initrd") && ++n)
            options.boot.initrd = value;
        else if (!strcmp(argv[n], "--append") && ++n)
            options.boot.append = value;
        else
            stop("unknown option", 0, argv[n]);
    }
    if (options.points < 1 || options.points > POINTS_MOST)
        stop("too many points, or none", 0, NULL);
    options.words = argv;
    if (options.disk[DISK_SLOT_VIRTIO] && !options.machine.virtio_disks)
        options.machine.virtio_disks = 1;
}

static void write_output(void *opaque, uint8_t ch)
{
    fputc(ch, opaque);
}

/* The run that is never saved; half of the seeds compile. */
static void run_once(MachineHash *wanted, const uint64_t *point)
{
    Machine *machine = fresh_machine(options.seed & 1 ? JIT_ON : JIT_OFF, true);
    FILE *output = options.output ? fopen(options.output, "w") : NULL;
    if (options.output && !output)
        stop("cannot write", 0, options.output);
    machine->env.serial[0].output_opaque = output;
    machine->env.serial[0].output = output ? write_output : NULL;
    for (unsigned n = 0; n < options.points; n++) {
        if (!run_to(machine, point[n]))
            stop("the guest ended", point[n], NULL);
        machine_hash(machine, &wanted[n]);
    }
    end_machine(machine);
    if (output)
        fclose(output);
}

int main(int argc, char **argv)
{
    static uint64_t point[POINTS_MOST];
    parse(argc, argv);
    if (options.loads)
        return load_here();
    uint64_t length = length_of_run();
    if (length <= options.least + options.points)
        stop("the guest ends too early", length, NULL);
    for (unsigned n = 0; n < options.points; n++)
        point[n] = options.least + 1 + next_random() % (length - options.least - 1);
    qsort(point, options.points, sizeof *point, ascending);
    MachineHash *wanted = calloc(options.points, sizeof *wanted);
    run_once(wanted, point);
    if (!mkdtemp(folder))
        stop("cannot make a folder", 0, folder);
    name_files();
    Machine *machine = fresh_machine(options.seed & 1 ? JIT_OFF : JIT_ON, true);
    for (unsigned n = 0; n < options.points; n++) {
        if (!run_to(machine, point[n]))
            stop("the saved run ended", point[n], NULL);
        static MachineHash hash;
        machine_hash(machine, &hash);
        same(&wanted[n], &hash, point[n], "the engines, or earlier saves, differ");
        await_other();
        check_point(machine, wanted, point, n);
        if (options.verbose)
            printf("%llu: %016llx\n", (unsigned long long)point[n], (unsigned long long)wanted[n].all);
    }
    end_machine(machine);
    await_other();
    free(wanted);
    unlink(first);
    unlink(second);
    unlink(third);
    rmdir(folder);
    printf("%u points in %llu instructions\n", options.points, (unsigned long long)length);
    return 0;
}
