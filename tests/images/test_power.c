/* The host loses power: of what was written since the last sync, any part may be on its medium, in any order,
 * and cut off between any two sectors. All writes of images/ to an overlay go through here (the linker wraps
 * the calls), so that such a medium can be made and looked at. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <cmocka.h>

#include "images/image.h"
#include "images/manage.h"
#include "tests/images/folder.h"
#include "tests/images/history.h"
#include "tests/images/opening.h"

enum { TABLES = 1 << 20, FRESH = 5 }; /* where data begin; crashes of one overlay, before it is full */
enum { FILE_MOST = 8 << 20, PENDING_MOST = 4000, CRASHES = 120, COMMITS = 60, STEPS_MOST = 36 };

/* ---- The media ----------------------------------------------------------------------------------------- */

typedef struct Change {
    uint64_t offset, length;
    uint8_t *data; /* NULL: a hole */
} Change;

typedef struct Medium {
    const char *path;
    ino_t file; /* 0: nobody watches */
    uint64_t size;
    uint8_t durable[FILE_MOST], left[FILE_MOST]; /* left: after the crash */
    struct timespec modified;                    /* then */
    Change pending[PENDING_MOST];
    unsigned count;
} Medium;

enum { MEDIA = 2 };

static Medium media[MEDIA];
static unsigned countdown; /* the power fails at that call */
static bool failed;

static uint32_t seed = 1;

static uint32_t chance(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(seed >> 4) * below >> 28);
}

static Medium *watched(int fd)
{
    struct stat status;
    for (unsigned n = 0; n < MEDIA; n++)
        if (media[n].file && !fstat(fd, &status) && status.st_ino == media[n].file)
            return &media[n];
    return NULL;
}

static void apply(uint8_t *to, const Change *change, uint64_t from, uint64_t length)
{
    if (change->data)
        memcpy(to + change->offset + from, change->data + from, length);
    else
        memset(to + change->offset + from, 0, length);
}

/* The parts of a change that made it, sector by sector; of header and table in smaller parts, since so small
 * a disk uses only one sector of its table's page. */
static void apply_some(uint8_t *to, const Change *change)
{
    unsigned luck = chance(4); /* none, some, most, all of it */
    for (uint64_t at = 0, part; at < change->length; at += part) {
        unsigned grain = change->offset < TABLES ? 16 : DISK_SECTOR;
        part = grain - (change->offset + at) % grain;
        part = part < change->length - at ? part : change->length - at;
        if (chance(3) < luck)
            apply(to, change, at, part);
    }
}

static void lose_power(void)
{
    failed = true;
    for (unsigned m = 0; m < MEDIA; m++) {
        Medium *medium = &media[m];
        struct stat status;
        if (!medium->file)
            continue;
        stat(medium->path, &status);
        medium->modified = status.st_mtim;
        memcpy(medium->left, medium->durable, medium->size);
        for (unsigned n = medium->count; n > 1; n--) { /* in any order */
            unsigned other = chance(n);
            Change swapped = medium->pending[n - 1];
            medium->pending[n - 1] = medium->pending[other];
            medium->pending[other] = swapped;
        }
        for (unsigned n = 0; n < medium->count; n++)
            apply_some(medium->left, &medium->pending[n]);
    }
}

static void note(int fd, uint64_t offset, const void *data, uint64_t length)
{
    Medium *medium = watched(fd);
    if (!medium || failed)
        return;
    assert_true(medium->count < PENDING_MOST && offset + length <= FILE_MOST);
    uint8_t *copy = data ? malloc(length) : NULL;
    if (copy)
        memcpy(copy, data, length);
    medium->pending[medium->count++] = (Change){offset, length, copy};
    if (countdown && !--countdown)
        lose_power();
}

ssize_t __real_pwrite(int fd, const void *data, size_t length, off_t offset);
int __real_fdatasync(int fd);
int __real_fallocate(int fd, int mode, off_t offset, off_t length);
ssize_t __wrap_pwrite(int fd, const void *data, size_t length, off_t offset);
int __wrap_fdatasync(int fd);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t length);

ssize_t __wrap_pwrite(int fd, const void *data, size_t length, off_t offset)
{
    note(fd, (uint64_t)offset, data, length);
    return __real_pwrite(fd, data, length, offset);
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t length)
{
    note(fd, (uint64_t)offset, NULL, (uint64_t)length);
    return __real_fallocate(fd, mode, offset, length);
}

static void forget(Medium *medium)
{
    for (unsigned n = 0; n < medium->count; n++)
        free(medium->pending[n].data);
    medium->count = 0;
}

int __wrap_fdatasync(int fd)
{
    Medium *medium = watched(fd);
    if (!medium || failed)
        return __real_fdatasync(fd);
    if (countdown && !--countdown) { /* in the middle of it */
        lose_power();
        return 0;
    }
    for (unsigned n = 0; n < medium->count; n++)
        apply(medium->durable, &medium->pending[n], 0, medium->pending[n].length);
    forget(medium);
    return __real_fdatasync(fd);
}

/* ---- Losing power -------------------------------------------------------------------------------------- */

static void watch(unsigned n, const char *path)
{
    Medium *medium = &media[n];
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_size <= FILE_MOST);
    medium->path = path;
    medium->size = (uint64_t)status.st_size;
    get_file(path, medium->durable, medium->size, 0);
    medium->file = status.st_ino;
}

static void start(unsigned calls)
{
    failed = false;
    countdown = calls;
}

/* The files are what the crash has left of them. */
static void look_at_what_is_left(void)
{
    if (!failed)
        lose_power();
    for (unsigned n = 0; n < MEDIA; n++) {
        Medium *medium = &media[n];
        if (!medium->file)
            continue;
        medium->file = 0;
        forget(medium);
        int fd = open(medium->path, O_WRONLY | O_TRUNC);
        assert_int_equal(__real_pwrite(fd, medium->left, medium->size, 0), medium->size);
        futimens(fd, (struct timespec[]){medium->modified, medium->modified});
        close(fd);
    }
}

/* ---- Tests --------------------------------------------------------------------------------------------- */

static History history;
static uint8_t now[HISTORY_BYTES], before[HISTORY_BYTES];

static void act(DiskImage *image, uint32_t step_seed, uint32_t number)
{
    static uint8_t data[100 * DISK_SECTOR];
    Step step = history_step(step_seed, number);
    uint64_t offset = (uint64_t)step.first * DISK_SECTOR, length = (uint64_t)step.count * DISK_SECTOR;
    DiskResult result = DISK_OK;
    history_note(&history, number, false);
    if (step.action == DISK_WRITE) {
        history_data(step_seed, number, data);
        result = image->ops->write(image->medium, offset, data, length, NULL);
    } else if (step.action == DISK_ZERO) {
        result = image->ops->zero(image->medium, offset, length, NULL);
    } else if (step.action == DISK_DISCARD) {
        result = image->ops->discard(image->medium, offset, length, NULL);
    } else {
        result = image->ops->flush(image->medium, NULL);
        history_note(&history, number, !failed);
    }
    assert_int_equal(result, DISK_OK);
}

static void check(const ImageOptions *options, unsigned crash)
{
    DiskImage image = opened(options);
    assert_int_equal(image.ops->read(image.medium, 0, now, sizeof now, NULL), DISK_OK);
    image_close(&image);
    int wrong = history_check(&history, now);
    if (wrong >= 0)
        fail_msg("after crash %u sector %d is what it cannot be", crash, wrong);
}

static void make_base(const char *path)
{
    for (unsigned n = 0; n < sizeof now; n++)
        now[n] = (uint8_t)(n * 31 + n / 512);
    put_file(path, sizeof now, now, sizeof now, 0);
}

/* A guest that writes, until the power fails, in the middle of anything. */
static void test_writing(void **state)
{
    (void)state;
    char base[200], over[200];
    snprintf(base, sizeof base, "%s", in_folder("power.img"));
    snprintf(over, sizeof over, "%s", in_folder("power.ovl"));
    make_base(base);
    ImageOptions options = {.path = base, .overlay = over};
    for (unsigned crash = 0; crash < CRASHES; crash++) {
        if (crash % FRESH == 0)
            unlink(over);
        DiskImage image = opened(&options);
        image_close(&image);
        watch(0, over);
        start(1 + chance(120));
        image = opened(&options);
        history_begin(&history, crash + 1, &image);
        for (uint32_t number = 0; number < STEPS_MOST && !failed; number++)
            act(&image, crash + 1, number);
        if (crash % 4 == 3 && !failed)
            image_close(&image); /* it may fail then, too */
        bool orderly = crash % 4 == 3 && !failed;
        if (!failed)
            lose_power();
        if (image.medium)
            image_close(&image);
        look_at_what_is_left();
        if (orderly)
            history_settle(&history); /* as good as a flush */
        check(&options, crash);
    }
}

/* The power fails during a commit: the disk reads the same, and the commit goes on. */
static void test_committing(void **state)
{
    (void)state;
    char base[200], over[200];
    Error err = {""};
    snprintf(base, sizeof base, "%s", in_folder("commit.img"));
    snprintf(over, sizeof over, "%s", in_folder("commit.ovl"));
    make_base(base);
    ImageOptions options = {.path = base, .overlay = over};
    for (unsigned crash = 0; crash < COMMITS; crash++) {
        DiskImage image = opened(&options);
        history_begin(&history, crash + 1, &image);
        for (uint32_t number = 0; number < 12; number++)
            act(&image, crash + 1, number);
        assert_int_equal(image.ops->read(image.medium, 0, before, sizeof before, NULL), DISK_OK);
        image_close(&image);
        watch(0, over);
        watch(1, base);
        start(1 + chance(40));
        image = opened(&options);
        image_commit(&image, NULL, &err);
        if (!failed)
            lose_power();
        image_close(&image);
        look_at_what_is_left();
        image = opened(&options);
        assert_int_equal(image.ops->read(image.medium, 0, now, sizeof now, NULL), DISK_OK);
        assert_memory_equal(now, before, sizeof now);
        if (crash % 2) {
            if (!image_commit(&image, NULL, &err))
                fail_msg("%s", err.text);
            get_file(base, now, sizeof now, 0);
            assert_memory_equal(now, before, sizeof now);
        }
        image_close(&image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_writing), cmocka_unit_test(test_committing)};
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
