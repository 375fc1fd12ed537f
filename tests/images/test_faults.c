/* Hosts that fail: a file system that is full and then is not, media that cannot be read or written, flushes
 * that fail. The guest gets I/O errors, the user one line, and what was flushed stays. The linker wraps the
 * calls of images/. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "images/image.h"
#include "images/manage.h"
#include "tests/images/folder.h"

static struct {
    int read, write, sync, punch; /* errno of each call from now on; 0: none */
} inject;

ssize_t __real_pread(int fd, void *data, size_t length, off_t offset);
ssize_t __real_pwrite(int fd, const void *data, size_t length, off_t offset);
int __real_fdatasync(int fd);
int __real_fallocate(int fd, int mode, off_t offset, off_t length);
ssize_t __wrap_pread(int fd, void *data, size_t length, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *data, size_t length, off_t offset);
int __wrap_fdatasync(int fd);
ssize_t __real_preadv2(int fd, const struct iovec *parts, int count, off_t offset, int flags);
ssize_t __wrap_preadv2(int fd, const struct iovec *parts, int count, off_t offset, int flags);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t length);

static int failing(int error)
{
    errno = error;
    return error ? -1 : 0;
}

ssize_t __wrap_pread(int fd, void *data, size_t length, off_t offset)
{
    return failing(inject.read) ? -1 : __real_pread(fd, data, length, offset);
}

ssize_t __wrap_preadv2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
    return failing(inject.read) ? -1 : __real_preadv2(fd, parts, count, offset, flags);
}

/* In pieces, as a host may. */
ssize_t __wrap_pwrite(int fd, const void *data, size_t length, off_t offset)
{
    return failing(inject.write) ? -1 : __real_pwrite(fd, data, length > 3000 ? 3000 : length, offset);
}

int __wrap_fdatasync(int fd)
{
    return failing(inject.sync) ? -1 : __real_fdatasync(fd);
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t length)
{
    return failing(inject.punch) ? -1 : __real_fallocate(fd, mode, offset, length);
}

/* ---- A disk ------------------------------------------------------------------------------------------- */

enum { LENGTH = 64 << 10 };

static unsigned told;
static char text[1200];
static uint8_t data[LENGTH];

static void trouble(void *opaque, const char *line)
{
    (void)opaque;
    told++;
    snprintf(text, sizeof text, "%s", line);
}

static DiskImage image;
static Arrivals *arrivals;

static Disk *make(const ImageOptions *options)
{
    Error err;
    memset(&inject, 0, sizeof inject);
    if (!image_open(&image, options, &err))
        fail_msg("%s", err.text);
    arrivals = arrivals_new();
    Disk *disk = disk_new("disk0", image.ops, image.medium, &image.info, NULL, arrivals);
    disk_on_trouble(disk, trouble, NULL);
    told = 0;
    return disk;
}

static void drop(Disk *disk)
{
    disk_free(disk);
    arrivals_free(arrivals);
}

static void done(DiskRequest *request)
{
    (void)request;
}

static DiskResult ask(Disk *disk, DiskAction action, uint64_t offset, uint8_t with)
{
    DiskRequest request = {.action = action, .offset = offset, .length = LENGTH, .done = done};
    if (action == DISK_READ || action == DISK_WRITE)
        request.data = data;
    if (action == DISK_WRITE)
        memset(data, with, LENGTH);
    if (!disk_submit(disk, &request))
        disk_drain(disk);
    return request.result;
}

static void expect(Disk *disk, uint64_t offset, uint8_t with)
{
    assert_int_equal(ask(disk, DISK_READ, offset, 0), DISK_OK);
    for (unsigned n = 0; n < LENGTH; n++)
        if (data[n] != with)
            fail_msg("byte %u at %#llx is %02x, not %02x", n, (unsigned long long)offset, data[n], with);
}

/* ---- A full host --------------------------------------------------------------------------------------- */

static void fill_host(const char *path)
{
    static uint8_t zeros[4096];
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    while (__real_pwrite(fd, zeros, sizeof zeros, lseek(fd, sizeof zeros, SEEK_CUR) - (off_t)sizeof zeros) >
           0) {
    }
    close(fd);
}

static void full_and_not(const ImageOptions *options, const char *filler)
{
    Disk *disk = make(options);
    assert_int_equal(ask(disk, DISK_WRITE, 0, 0x11), DISK_OK);
    assert_int_equal(ask(disk, DISK_FLUSH, 0, 0), DISK_OK);
    fill_host(filler);
    for (unsigned n = 1; n < 20; n++)
        assert_int_equal(ask(disk, DISK_WRITE, n * LENGTH, 0x22), DISK_NO_SPACE);
    assert_int_equal(told, 1);
    assert_non_null(strstr(text, "No space left on device; the guest gets I/O errors: make room"));
    expect(disk, 0, 0x11);
    assert_int_equal(ask(disk, DISK_WRITE, 0, 0x33), DISK_OK); /* where there is space already */
    assert_int_equal(ask(disk, DISK_FLUSH, 0, 0), DISK_OK);
    assert_int_equal(unlink(filler), 0);
    for (unsigned n = 1; n < 20; n++)
        assert_int_equal(ask(disk, DISK_WRITE, n * LENGTH, (uint8_t)(0x40 + n)), DISK_OK);
    assert_int_equal(ask(disk, DISK_FLUSH, 0, 0), DISK_OK);
    drop(disk);
    disk = make(options);
    expect(disk, 0, 0x33);
    for (unsigned n = 1; n < 20; n++)
        expect(disk, n * LENGTH, (uint8_t)(0x40 + n));
    drop(disk);
}

/* In a mount namespace of its own. 77: not allowed here. */
static int on_small_host(void)
{
    char base[200], over[200], filler[200], place[200], raw[200];
    snprintf(place, sizeof place, "%s", in_folder("small"));
    snprintf(base, sizeof base, "%s", in_folder("full.img"));
    snprintf(over, sizeof over, "%.150s/over", place);
    snprintf(raw, sizeof raw, "%.150s/raw", place);
    snprintf(filler, sizeof filler, "%.150s/filler", place);
    mkdir(place, 0700);
    if (unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS))
        return 77;
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (mount("none", place, "tmpfs", 0, "size=4m"))
        return 77;
    put_file(base, 16 << 20, "x", 1, 0);
    full_and_not(&(ImageOptions){.path = base, .overlay = over}, filler);
    unlink(over);
    put_file(raw, 16 << 20, "x", 1, 0);
    full_and_not(&(ImageOptions){.path = raw}, filler);
    return 0;
}

static void test_full(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    int status;
    if (!child)
        _exit(on_small_host());
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

/* ---- Media that fail ----------------------------------------------------------------------------------- */

static void io_errors(const ImageOptions *options)
{
    Disk *disk = make(options);
    assert_int_equal(ask(disk, DISK_WRITE, 0, 0x11), DISK_OK);
    inject.write = EIO;
    assert_int_equal(ask(disk, DISK_WRITE, 0, 0x22), DISK_IO_ERROR);
    assert_int_equal(ask(disk, DISK_WRITE, 1 << 20, 0x22), DISK_IO_ERROR);
    assert_int_equal(told, 1);
    assert_non_null(strstr(text, "cannot write: Input/output error"));
    inject.write = 0;
    expect(disk, 0, 0x11);
    assert_int_equal(ask(disk, DISK_WRITE, 1 << 20, 0x33), DISK_OK);
    inject.read = EIO;
    assert_int_equal(ask(disk, DISK_READ, 5 << 20, 0), DISK_IO_ERROR);
    assert_int_equal(told, 2);
    assert_non_null(strstr(text, "cannot read: Input/output error"));
    inject.read = 0;
    expect(disk, 1 << 20, 0x33);
    inject.punch = EIO;
    assert_int_equal(ask(disk, DISK_DISCARD, 0, 0), DISK_IO_ERROR);
    assert_int_equal(ask(disk, DISK_ZERO, 0, 0), DISK_IO_ERROR);
    inject.punch = EOPNOTSUPP; /* a file system without holes */
    assert_int_equal(ask(disk, DISK_ZERO, 0, 0), DISK_OK);
    expect(disk, 0, 0);
    assert_int_equal(ask(disk, DISK_WRITE, 0, 0x44), DISK_OK);
    assert_int_equal(ask(disk, DISK_DISCARD, 0, 0), DISK_OK);
    expect(disk, 0, 0x44); /* there is nothing to give back */
    inject.punch = 0;
    drop(disk);
}

static void test_io_errors(void **state)
{
    (void)state;
    char base[200], over[200];
    snprintf(base, sizeof base, "%s", in_folder("io.img"));
    snprintf(over, sizeof over, "%s", in_folder("io.ovl"));
    put_file(base, 16 << 20, "x", 1, 0);
    io_errors(&(ImageOptions){.path = base, .overlay = over});
    io_errors(&(ImageOptions){.path = base, .temporary = true});
    io_errors(&(ImageOptions){.path = base});
}

/* After a flush that failed, the host has dropped what it could not write. */
static void lost(const ImageOptions *options)
{
    Disk *disk = make(options);
    assert_int_equal(ask(disk, DISK_WRITE, 0, 0x55), DISK_OK);
    inject.sync = EIO;
    assert_int_equal(ask(disk, DISK_FLUSH, 0, 0), DISK_IO_ERROR);
    assert_non_null(strstr(text, "cannot make changes durable"));
    inject.sync = 0;
    assert_int_equal(ask(disk, DISK_FLUSH, 0, 0), DISK_IO_ERROR);
    assert_non_null(strstr(text, "changes were lost"));
    drop(disk);
}

static void test_lost(void **state)
{
    (void)state;
    char base[200], over[200];
    Error err;
    OverlayInfo info;
    snprintf(base, sizeof base, "%s", in_folder("lost.img"));
    snprintf(over, sizeof over, "%s", in_folder("lost.ovl"));
    put_file(base, 16 << 20, "x", 1, 0);
    Disk *disk = make(&(ImageOptions){.path = base, .overlay = over});
    assert_int_equal(ask(disk, DISK_WRITE, LENGTH, 0x66), DISK_OK);
    drop(disk);
    lost(&(ImageOptions){.path = base, .overlay = over});
    assert_true(image_open(&image, &(ImageOptions){.path = over}, &err));
    image_overlay(&image, &info);
    assert_false(info.closed); /* it cannot claim so */
    assert_non_null(strstr(image.note, "broke off"));
    image_close(&image);
    disk = make(&(ImageOptions){.path = over});
    expect(disk, LENGTH, 0x66); /* what an earlier run had flushed */
    drop(disk);
    lost(&(ImageOptions){.path = base});
}

/* A flush that has no room for the table works when there is room again. */
static void test_table(void **state)
{
    (void)state;
    char base[200], over[200];
    snprintf(base, sizeof base, "%s", in_folder("table.img"));
    snprintf(over, sizeof over, "%s", in_folder("table.ovl"));
    put_file(base, 16 << 20, "x", 1, 0);
    Disk *disk = make(&(ImageOptions){.path = base, .overlay = over});
    for (unsigned n = 0; n < 6; n++) {
        assert_int_equal(ask(disk, DISK_WRITE, n * LENGTH, (uint8_t)(0x10 + n)), DISK_OK);
        inject.write = ENOSPC;
        assert_int_equal(ask(disk, DISK_FLUSH, 0, 0), DISK_NO_SPACE);
        assert_int_equal(ask(disk, DISK_FLUSH, 0, 0), DISK_NO_SPACE);
        inject.write = 0;
        assert_int_equal(ask(disk, DISK_FLUSH, 0, 0), DISK_OK);
    }
    assert_int_equal(ask(disk, DISK_WRITE, 6 * LENGTH, 0x16), DISK_OK);
    inject.write = ENOSPC; /* the process ends like that */
    drop(disk);
    inject.write = 0;
    disk = make(&(ImageOptions){.path = over});
    for (unsigned n = 0; n < 6; n++)
        expect(disk, n * LENGTH, (uint8_t)(0x10 + n));
    expect(disk, 7 * LENGTH, 0);
    drop(disk);
}

/* The image below is full, or cannot be written: the commit fails, nothing changes, and it goes on later. */
static void test_commit(void **state)
{
    (void)state;
    char base[200], over[200];
    Error err = {""};
    snprintf(base, sizeof base, "%s", in_folder("cfail.img"));
    snprintf(over, sizeof over, "%s", in_folder("cfail.ovl"));
    put_file(base, 16 << 20, "x", 1, 0);
    Disk *disk = make(&(ImageOptions){.path = base, .overlay = over});
    assert_int_equal(ask(disk, DISK_WRITE, LENGTH, 0x66), DISK_OK);
    assert_int_equal(ask(disk, DISK_WRITE, 3 * LENGTH, 0x77), DISK_OK);
    assert_int_equal(ask(disk, DISK_FLUSH, 0, 0), DISK_OK);
    inject.write = ENOSPC;
    assert_false(image_commit(&image, NULL, &err));
    assert_non_null(strstr(err.text, "No space left on device"));
    inject.write = 0;
    inject.read = EIO;
    assert_false(image_commit(&image, NULL, &err));
    inject.read = 0;
    expect(disk, LENGTH, 0x66);
    expect(disk, 3 * LENGTH, 0x77);
    assert_false(image_forget_changes(&image, &err)); /* what is below may be part new */
    if (!image_commit(&image, NULL, &err))
        fail_msg("%s", err.text);
    expect(disk, LENGTH, 0x66);
    drop(disk);
    disk = make(&(ImageOptions){.path = base, .overlay = over});
    expect(disk, 3 * LENGTH, 0x77);
    drop(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_full), cmocka_unit_test(test_io_errors),
                                       cmocka_unit_test(test_lost), cmocka_unit_test(test_table),
                                       cmocka_unit_test(test_commit)};
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
