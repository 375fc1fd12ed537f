/* Prints what would be booted from a disk image, for disks.py; with --fuzz N, of N damaged copies of it that
 * the same seed makes alike. Then what is ours runs in this process, where sanitizers see it, and with
 * --everything also libext2fs. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/fuzz/random.h"
#include "volumes/bootable.h"
#include "volumes/find_kernel.h"

typedef struct Image {
    uint8_t *data;
    size_t size;
} Image;

static bool read_image(void *opaque, uint64_t offset, void *data, size_t length)
{
    const Image *image = opaque;
    if (offset > image->size || length > image->size - offset)
        abort();
    memcpy(data, image->data + offset, length);
    return true;
}

static unsigned long checksum(int fd)
{
    struct stat status;
    if (fd < 0 || fstat(fd, &status) || !status.st_size)
        return 0;
    void *data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    unsigned long sum = crc32(0, data, (uInt)status.st_size);
    munmap(data, (size_t)status.st_size);
    return sum;
}

static int show(const Source *disk, const char *append)
{
    Bootable b;
    Error err;
    if (!bootable_find(disk, append && strstr(append, "root="), &b, &err)) {
        printf("error: %s\n", err.text);
        return 0;
    }
    char *line = bootable_command_line(b.command_line, "console=ttyAMA0", append);
    printf("kernel: %s %08lx\n", b.kernel_name, checksum(b.kernel));
    if (b.initrd >= 0)
        printf("initrd: %s %08lx\n", b.initrd_name, checksum(b.initrd));
    printf("command line: %s\n", line);
    if (b.warning[0])
        printf("warning: %s\n", b.warning);
    free(line);
    bootable_close(&b);
    return 0;
}

/* Half of the damage goes where tables are: a file system's first blocks. */
static void damage(Image *image, Random *random)
{
    for (unsigned n = 1 + random_below(random, 24); n > 0; n--) {
        size_t range = random_one_in(random, 2)                            ? image->size
                       : random_one_in(random, 2) && image->size > 2 << 20 ? (1 << 20) + (64 << 10)
                                                                           : 16 << 10;
        range = range < image->size ? range : image->size;
        uint32_t value = random_value(random);
        size_t at = random_below(random, (uint32_t)(range - 4));
        memcpy(image->data + at, &value, 1 + random_below(random, 4));
    }
}

static bool is_ext(const DiskContents *contents)
{
    for (unsigned n = 0; n < contents->count; n++)
        if (contents->volume[n].ops && contents->volume[n].ops == ext_ops)
            return true;
    return false;
}

static unsigned fuzz_one(const Image *image, uint64_t seed, bool everything)
{
    Random random = {seed};
    Image copy = {malloc(image->size), image->size};
    DiskContents *contents = malloc(sizeof *contents);
    FoundKernel *found = malloc(sizeof *found);
    Source disk = {read_image, &copy, 0, copy.size};
    Bootable b;
    Error err;
    memcpy(copy.data, image->data, image->size);
    damage(&copy, &random);
    bool ok = false;
    const FileSystemOps *left_out = everything ? NULL : ext_ops;
    disk_contents_open(contents, &disk);
    if (!left_out || !is_ext(contents))
        ok = find_kernel(contents, false, found);
    disk_contents_close(contents);
    if (random_one_in(&random, 8) && bootable_find(&disk, false, &b, &err))
        bootable_close(&b);
    free(copy.data);
    free(contents);
    free(found);
    return ok;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "";
    int fd = open(path, O_RDONLY);
    struct stat status;
    Image image = {NULL, 0};
    if (fd >= 0 && !fstat(fd, &status) && status.st_size) {
        image.size = (size_t)status.st_size;
        image.data = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    if (!image.data || image.data == MAP_FAILED) {
        fprintf(stderr, "usage: show_disk IMAGE [APPEND | --fuzz COUNT [SEED [--everything]]]\n");
        return 2;
    }
    if (argc > 3 && !strcmp(argv[2], "--fuzz")) {
        unsigned count = (unsigned)atoi(argv[3]), booted = 0;
        uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
        for (unsigned n = 0; n < count; n++)
            booted += fuzz_one(&image, seed + n, argc > 5);
        printf("%u of %u damaged disks could be booted\n", booted, count);
        return 0;
    }
    return show(&(Source){read_image, &image, 0, image.size}, argc > 2 ? argv[2] : NULL);
}
