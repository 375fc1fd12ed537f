/* Damaged and hostile overlay files: each is refused with one line of text, or is a disk that works, and that
 * reads the same when it is opened again. Half of the damage has right checksums, so that it gets past them.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "images/image.h"
#include "images/manage.h"
#include "images/overlay_format.h"
#include "tests/fuzz/random.h"
#include "tests/fuzz/seeds.h"

enum { BASE_BYTES = 600 * 1000, HUNG = 60, LOOKED_AT = 1 << 20 };

static char folder[64], base[100], over[100], good[100];
static unsigned opened;

static bool fail(uint64_t seed, const char *what, const char *text)
{
    printf("seed %llu: %s: %s\n", (unsigned long long)seed, what, text);
    return false;
}

static void copy_file(const char *from, const char *to)
{
    struct stat status;
    int in = open(from, O_RDONLY), out = open(to, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (in < 0 || out < 0 || fstat(in, &status))
        abort();
    uint8_t *data = malloc((size_t)status.st_size);
    if (!data || read(in, data, (size_t)status.st_size) != status.st_size ||
        write(out, data, (size_t)status.st_size) != status.st_size)
        abort();
    free(data);
    close(in);
    close(out);
}

/* A good one with something in it. */
static void make_good(void)
{
    static uint8_t data[BASE_BYTES];
    Error err;
    DiskImage image;
    for (unsigned n = 0; n < sizeof data; n++)
        data[n] = (uint8_t)(n * 31 + n / 512);
    int fd = open(base, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, data, sizeof data) != sizeof data)
        abort();
    close(fd);
    for (unsigned round = 0; round < 2; round++) {
        if (!image_open(&image, &(ImageOptions){.path = base, .overlay = good}, &err))
            abort();
        for (unsigned n = 0; n < 20; n++)
            image.ops->write(image.medium, n * 20480 + round * 512, data + n, 3000 / 512 * 512, NULL);
        image_close(&image);
    }
}

/* ---- Damage ------------------------------------------------------------------------------------------ */

static void right_checksum(uint8_t *page, unsigned at)
{
    memset(page + at, 0, 4);
    uint32_t crc = (uint32_t)crc32(crc32(0, NULL, 0), page, OVERLAY_PAGE);
    for (unsigned n = 0; n < 4; n++)
        page[at + n] = (uint8_t)(crc >> 8 * n);
}

static void damage_page(Random *random, uint8_t *page, bool header)
{
    static const unsigned members[] = {8, 16, 24, 32, 36, 40, 44, 48, 72, 80, 88, 92, 96};
    unsigned count = 1 + random_below(random, 3);
    for (unsigned n = 0; n < count; n++) {
        unsigned at = header && !random_one_in(random, 4)
                          ? members[random_below(random, sizeof members / sizeof *members)]
                          : random_below(random, OVERLAY_PAGE);
        uint32_t value = random_value(random);
        memcpy(page + at, &value, at + 4 <= OVERLAY_PAGE ? 1 + random_below(random, 4) : 1);
    }
    if (!random_one_in(random, 4))
        right_checksum(page, header ? 12 : 0);
}

static void damage(Random *random, int fd)
{
    uint8_t page[OVERLAY_PAGE];
    unsigned count = 1 + random_below(random, 3);
    for (unsigned n = 0; n < count; n++) {
        unsigned number = random_below(random, 4); /* both headers, both copies of the table's first page */
        if (pread(fd, page, sizeof page, number * OVERLAY_PAGE) != sizeof page)
            return;
        damage_page(random, page, number < 2);
        if (pwrite(fd, page, sizeof page, number * OVERLAY_PAGE) != sizeof page)
            abort();
    }
    if (random_one_in(random, 3)) {
        struct stat status;
        fstat(fd, &status);
        off_t size = random_one_in(random, 2) ? (off_t)random_value(random)
                                              : status.st_size + (off_t)random_below(random, 10000) - 5000;
        if (ftruncate(fd, size < 0 ? 0 : size))
            return;
    }
    if (random_one_in(random, 3) && ftruncate(fd, (off_t)1 << (20 + random_below(random, 24))))
        return; /* large enough for whatever the header says */
}

/* ---- What becomes of it
 * ------------------------------------------------------------------------------------ */

static bool check_message(uint64_t seed, const Error *err)
{
    bool good = *err->text && !strchr(err->text, '\n');
    return good || fail(seed, "no line of text", err->text);
}

static uint64_t some(const DiskImage *image)
{
    return image->info.size < LOOKED_AT ? image->info.size : LOOKED_AT;
}

static void use(Random *random, DiskImage *image)
{
    static uint8_t data[16384];
    uint64_t size = image->info.size, length = sizeof data < size ? sizeof data : size;
    for (unsigned n = 0; n < 6; n++) {
        uint64_t offset = ((uint64_t)random_next(random) << 32 | random_next(random)) % (size - length + 1);
        offset -= offset % DISK_SECTOR;
        switch (random_below(random, 5)) {
        case 0:
            image->ops->read(image->medium, offset, data, length, NULL);
            break;
        case 1:
            image->ops->zero(image->medium, offset, length, NULL);
            break;
        case 2:
            image->ops->discard(image->medium, offset, length, NULL);
            break;
        case 3:
            image->ops->flush(image->medium, NULL);
            break;
        default:
            image->ops->write(image->medium, offset, data, length, NULL);
        }
    }
}

static bool check(uint64_t seed)
{
    static uint8_t before[LOOKED_AT], after[LOOKED_AT];
    Random random = {seed * 0x2545f4914f6cdd1du};
    DiskImage image;
    Error err = {""};
    copy_file(good, over);
    int fd = open(over, O_RDWR);
    damage(&random, fd);
    close(fd);
    ImageCheck looking = {.repair = random_one_in(&random, 4), .accept_base = random_one_in(&random, 4)};
    if (random_one_in(&random, 3) && !image_check(over, &looking, &err) && !check_message(seed, &err))
        return false;
    ImageOptions options = {.path = random_one_in(&random, 2) ? over : base, .overlay = over};
    if (options.path == over)
        options.overlay = NULL;
    if (!image_open(&image, &options, &err))
        return check_message(seed, &err);
    opened++;
    use(&random, &image);
    bool known = !image.ops->read(image.medium, 0, before, some(&image), NULL);
    uint64_t length = some(&image);
    image_close(&image);
    if (!image_open(&image, &options, &err))
        return fail(seed, "not any more", err.text);
    bool same =
        !known || (!image.ops->read(image.medium, 0, after, length, NULL) && !memcmp(before, after, length));
    image_close(&image);
    return same || fail(seed, "it reads otherwise", "after it was closed");
}

int main(int argc, char **argv)
{
    snprintf(folder, sizeof folder, "%s/fuzz-overlay-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    if (!mkdtemp(folder))
        return 1;
    snprintf(base, sizeof base, "%s/base.img", folder);
    snprintf(over, sizeof over, "%s/over.ovl", folder);
    snprintf(good, sizeof good, "%s/good.ovl", folder);
    make_good();
    int result = seeds_main(argc, argv, "overlays", 600, HUNG, check);
    printf("%u of them could be opened\n", opened);
    unlink(base), unlink(over), unlink(good), rmdir(folder);
    return opened ? result : 1;
}
