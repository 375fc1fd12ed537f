/* Spoiled and truncated images: each is refused with one line of text, or loads and leaves a machine that
 * runs. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "machine/boot.h"
#include "machine/boot_fdt.h"
#include "machine/boot_image.h"
#include "tests/fuzz/images.h"

enum { MIB = 1 << 20, HUNG = 60 };

typedef struct Fuzz {
    Machine *machine[2]; /* a small one and one of the usual kind */
    FuzzImage image;
    int fd; /* a file with the image's contents */
    char path[64];
    const char *kind;
    uint64_t seed;
    size_t length; /* of a truncated image */
    unsigned refused, loaded, failed;
} Fuzz;

static const Fuzz *current;

static void hung(int number)
{
    (void)number;
    char text[200];
    int length = snprintf(text, sizeof text, "%s, seed %llu, %zu bytes: hangs\n", current->kind,
                          (unsigned long long)current->seed, current->image.size);
    if (write(STDOUT_FILENO, text, (size_t)length) < 0)
        _exit(3);
    abort();
}

static void fail(Fuzz *f, const char *what)
{
    printf("%s, seed %llu, %zu bytes: %s\n", f->kind, (unsigned long long)f->seed, f->image.size, what);
    f->failed++;
}

/* One line that says something. */
static void check_message(Fuzz *f, const Error *err)
{
    if (!err->text[0] || strlen(err->text) >= sizeof err->text)
        fail(f, "refused without a message");
    for (const char *p = err->text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            fail(f, "the message is not one plain line");
            return;
        }
}

/* ---- The recognisers, on memory that ends where the file does --------------------------------------- */

static void check_parts(Fuzz *f, const Image *image, const uint8_t *data, size_t size)
{
    if (!image->parts || image->parts > IMAGE_MAX_PARTS || !image->format)
        fail(f, "recognised without parts");
    for (unsigned n = 0; n < image->parts; n++) {
        const ImagePart *part = &image->part[n];
        if (part->size > part->memory_size)
            fail(f, "a part is larger than its memory");
        if (!image->owned && (part->data < data || part->data + part->size > data + size))
            fail(f, "a part lies outside the file");
    }
}

static void recognise(Fuzz *f, ImageUse use, const uint8_t *data, size_t size)
{
    Error err = {""};
    FileView file = {.path = "file", .data = data, .size = size};
    Image image;
    const char *warning;
    const uint8_t *part;
    size_t part_size;
    bool ok = true;
    if (use == USE_KERNEL) {
        ok = image_recognise(&image, &file, 0x60000000, 16 * MIB, &err);
        if (ok)
            check_parts(f, &image, data, size);
        image_free(&image);
    } else if (use == USE_INITRD) {
        ok = initrd_recognise(&file, &part, &part_size, &warning, &err);
        if (ok && (part < data || part + part_size > data + size))
            fail(f, "the initrd lies outside the file");
    }
    if (!ok)
        check_message(f, &err);
}

static void complete_tree(Fuzz *f, const uint8_t *data, size_t size)
{
    Error err = {""};
    const char *warning;
    TreeSource source = {data, size, "file"};
    TreeChanges changes = {.ram_base = 0x60000000,
                           .ram_size = 256 * MIB,
                           .cpus = 1 + size % 4,
                           .bootargs = size % 3 ? "console=ttyAMA0" : NULL,
                           .initrd_start = 0x68000000,
                           .initrd_end = 0x68000000 + size % 2};
    if (!tree_check(&source, &warning, &err)) {
        check_message(f, &err);
        return;
    }
    tree_bootargs(&source);
    tree_has_console(&source);
    uint32_t room = tree_room(&source, &changes);
    uint8_t *out = malloc(room);
    if (!out)
        abort();
    if (!tree_complete(&source, &changes, out, room, &err))
        check_message(f, &err);
    free(out);
}

static void check_exact(Fuzz *f, ImageUse use)
{
    uint8_t *data = malloc(f->image.size);
    if (!data)
        abort();
    memcpy(data, f->image.data, f->image.size);
    if (use == USE_TREE)
        complete_tree(f, data, f->image.size);
    else
        recognise(f, use, data, f->image.size);
    free(data);
}

/* ---- The whole loader ------------------------------------------------------------------------------- */

static void write_file(const Fuzz *f)
{
    if (ftruncate(f->fd, 0) || pwrite(f->fd, f->image.data, f->image.size, 0) != (ssize_t)f->image.size)
        abort();
}

/* The kernel that goes with an initrd or a device tree. */
static const char *plain_kernel(void)
{
    static char path[64];
    static FuzzImage kernel;
    if (path[0])
        return path;
    int fd = memfd_create("kernel", 0);
    image_kinds[0].make(&kernel);
    if (fd < 0 || write(fd, kernel.data, kernel.size) != (ssize_t)kernel.size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return path;
}

static void load(Fuzz *f, ImageUse use, Random *random)
{
    Error err = {""};
    Machine *m = f->machine[random_below(random, 2)];
    BootOptions options = {.kernel = use == USE_KERNEL ? f->path : plain_kernel(),
                           .initrd = use == USE_INITRD ? f->path : NULL,
                           .dtb = use == USE_TREE ? f->path : NULL,
                           .append = random_one_in(random, 4) ? "quiet" : NULL};
    if (use == USE_TREE && random_one_in(random, 2))
        options.display = (BootDisplay){.width = 640, .height = 480, .bits = 16};
    if (random_one_in(random, 8)) {
        options.kernel = use == USE_KERNEL ? NULL : options.kernel;
        options.load[options.load_count++] = (BootLoad){f->path, random_value(random)};
        options.load[options.load_count++] = (BootLoad){f->path, 0x60000000 + random_value(random) % MIB};
    }
    options.has_entry = random_one_in(random, 8);
    options.entry = random_value(random);
    write_file(f);
    machine_reset(m);
    if (!boot_load(m, &options, &err)) {
        f->refused++;
        check_message(f, &err);
        return;
    }
    f->loaded++;
    machine_step(m, 200);
}

static void check(Fuzz *f, ImageUse use, Random *random)
{
    alarm(HUNG);
    check_exact(f, use);
    load(f, use, random);
}

/* Every length up to the whole; of long images every length of the headers and a sample of the rest. */
static void truncate_all(Fuzz *f, const ImageKind *kind)
{
    Random random = {1};
    kind->make(&f->image);
    size_t whole = f->image.size;
    for (size_t length = 1; length <= whole; length += length < 0x400 || length + 64 > whole ? 1 : 61) {
        kind->make(&f->image);
        f->image.size = length;
        alarm(HUNG);
        check_exact(f, kind->use);
        if (length % 16 == 1 || length == whole)
            load(f, kind->use, &random);
    }
}

static void spoil(Fuzz *f, const ImageKind *kind, uint64_t seed)
{
    Random random = {seed * 0x2545f4914f6cdd1du};
    f->seed = seed;
    kind->make(&f->image);
    image_spoil(&f->image, &random);
    check(f, kind->use, &random);
}

/* A file without an end is refused before the host runs out of memory. */
static void check_endless(Fuzz *f)
{
    Error err = {""};
    FileView file;
    f->kind = "endless file";
    alarm(HUNG);
    if (file_open(&file, "kernel", "/dev/zero", &err)) {
        fail(f, "read to its end");
        file_close(&file);
    }
    check_message(f, &err);
}

static Machine *make_machine(unsigned cpus, uint64_t memory)
{
    MachineOptions options = {.cpus = cpus, .memory = memory, .deterministic = true};
    Machine *m = machine_new(&options, log_new(stderr), NULL);
    if (!m)
        abort();
    return m;
}

/* Big initrds are copied while the guest already runs: whatever happens to the file or the machine meanwhile.
 */
static void check_big_initrd(Fuzz *f)
{
    Error err = {""};
    uint32_t word;
    BootOptions options = {.kernel = plain_kernel(), .initrd = f->path};
    BusAccess access = {.size = 4, .secure = true, .privileged = true};
    f->kind = "big initrd";
    alarm(HUNG);
    for (unsigned n = 0; n < 24; n++) {
        Machine *m = make_machine(1, 64 * MIB);
        if (ftruncate(f->fd, 8 * MIB) || pwrite(f->fd, "070701", 6, 0) != 6)
            abort();
        if (!boot_load(m, &options, &err))
            fail(f, "refused");
        if (n % 2 && ftruncate(f->fd, n % 4 < 2 ? 0 : 5000))
            abort();
        if (n % 3 == 0)
            machine_step(m, 1000);
        if (n % 3 == 1)
            bus_read(m->bus, 0x64000000 - 8 * MIB, &access, &word);
        if (n % 5 == 0) {
            machine_reset(m);
            boot_load(m, &options, &err);
        }
        machine_free(m);
    }
}

/* ---- Main ------------------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    unsigned seconds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 0, runs = 400;
    static Fuzz fuzz;
    Fuzz *f = &fuzz;
    current = f;
    signal(SIGALRM, hung);
    int null = open("/dev/null", O_WRONLY);
    f->fd = memfd_create("image", 0);
    if (f->fd < 0 || null < 0)
        return 3;
    snprintf(f->path, sizeof f->path, "/proc/self/fd/%d", f->fd);
    f->machine[0] = make_machine(1, 2 * MIB);
    f->machine[1] = make_machine(4, 64 * MIB);
    dup2(null, STDERR_FILENO); /* warnings */
    time_t end = time(NULL) + seconds;
    check_endless(f);
    check_big_initrd(f);
    for (unsigned n = 0; n < image_kind_count; n++) {
        f->kind = image_kinds[n].name;
        truncate_all(f, &image_kinds[n]);
    }
    for (unsigned run = 0; seconds ? time(NULL) < end : run < runs; run++)
        for (unsigned n = 0; n < image_kind_count; n++) {
            f->kind = image_kinds[n].name;
            spoil(f, &image_kinds[n], seed + run);
        }
    printf("%u images refused, %u loaded, %u failures\n", f->refused, f->loaded, f->failed);
    machine_free(f->machine[0]);
    machine_free(f->machine[1]);
    return f->failed != 0;
}
