/* Raw files: contents, holes, tails, what cannot be written, locks, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <signal.h>
#include <cmocka.h>

#include "images/image.h"
#include "tests/images/folder.h"
#include "tests/images/opening.h"

static DiskImage opened_file(const char *path, bool read_only)
{
    return opened(&(ImageOptions){.path = path, .read_only = read_only});
}

static void test_contents(void **state)
{
    (void)state;
    const char *path = in_folder("a.img");
    uint8_t data[3000], back[3000];
    for (unsigned n = 0; n < sizeof data; n++)
        data[n] = (uint8_t)(n * 7 + n / 256);
    put_file(path, 1000000, data, sizeof data, 5000); /* no multiple of anything */
    DiskImage image = opened_file(path, false);
    assert_int_equal(image.kind, IMAGE_FILE);
    assert_int_equal(image.info.size, 1000000);
    assert_false(image.info.read_only);
    assert_string_equal(image.info.name, path);
    assert_int_equal(image.ops->read(image.medium, 5000, back, sizeof back, NULL), DISK_OK);
    assert_memory_equal(data, back, sizeof data);
    assert_int_equal(image.ops->write(image.medium, 1000000 - 3000, data, 3000, NULL), DISK_OK);
    assert_int_equal(image.ops->flush(image.medium, NULL), DISK_OK);
    get_file(path, back, 3000, 1000000 - 3000);
    assert_memory_equal(data, back, sizeof data);
    memset(back, 0, sizeof back);
    assert_true(image.ops->read_now(image.medium, 5000, back, sizeof back)); /* it was written just now */
    assert_memory_equal(data, back, sizeof data);
    assert_true(image.ops->may_write_now(image.medium, 8192, 4096));
    assert_true(image.ops->may_write_now(image.medium, 5120, 512)); /* the page is in memory */
    image_close(&image);
}

static void test_holes(void **state)
{
    (void)state;
    enum { SIZE = 4 << 20 };
    const char *path = in_folder("holes.img");
    uint8_t *data = malloc(SIZE);
    memset(data, 0x5a, SIZE);
    put_file(path, SIZE, data, SIZE, 0);
    DiskImage image = opened_file(path, false);
    assert_int_equal(image.ops->flush(image.medium, NULL), DISK_OK);
    uint64_t before = allocated(path);
    assert_int_equal(image.ops->discard(image.medium, 1 << 20, 1 << 20, NULL), DISK_OK);
    if (allocated(path) > before - (1 << 20))
        fail_msg("discarding gave nothing back: %llu of %llu", (unsigned long long)allocated(path),
                 (unsigned long long)before);
    assert_int_equal(image.ops->zero(image.medium, 2 << 20, 12345, NULL), DISK_OK);
    assert_int_equal(image.ops->read(image.medium, 0, data, SIZE, NULL), DISK_OK);
    assert_int_equal(data[(1 << 20) - 1], 0x5a);
    assert_int_equal(data[2 << 20], 0);
    assert_int_equal(data[(2 << 20) + 12344], 0);
    assert_int_equal(data[(2 << 20) + 12345], 0x5a);
    image_close(&image);
    assert_int_equal(allocated(path) <= before - (1 << 20), 1);
    free(data);
}

static void test_read_only(void **state)
{
    (void)state;
    const char *path = in_folder("ro.img");
    put_file(path, 4096, "x", 1, 0);
    DiskImage image = opened_file(path, true);
    assert_true(image.info.read_only);
    image_close(&image);
    if (!geteuid())
        return; /* root may write to anything */
    chmod(path, 0444);
    image = opened_file(path, false);
    assert_true(image.info.read_only);
    assert_non_null(strstr(image.note, "read-only"));
    image_close(&image);
}

/* Runs attempt() in another process, which must find the file in use by this one. */
static void in_child(const char *path, bool read_only, const char *why)
{
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        DiskImage image;
        Error err = {""};
        bool ok = image_open(&image, &(ImageOptions){.path = path, .read_only = read_only}, &err);
        if (why ? ok || !strstr(err.text, why) : !ok)
            fprintf(stderr, "in another process: %s\n", ok ? "opened" : err.text);
        _exit(why ? ok || !strstr(err.text, why) : !ok);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static void test_locks(void **state)
{
    (void)state;
    char who[40];
    const char *path = in_folder("lock.img");
    put_file(path, 4096, "x", 1, 0);
    snprintf(who, sizeof who, "(process %d)", (int)getpid());
    DiskImage image = opened_file(path, false);
    refused(&(ImageOptions){.path = path}, "this machine itself");
    refused(&(ImageOptions){.path = path, .read_only = true}, "which writes to it");
    in_child(path, false, who);
    in_child(path, true, who);
    image_close(&image);
    image = opened_file(path, true);
    DiskImage other = opened_file(path, true);
    in_child(path, true, NULL);
    in_child(path, false, who);
    image_close(&other);
    image_close(&image);
    in_child(path, false, NULL);
}

static void test_refused(void **state)
{
    (void)state;
    const char *path = in_folder("refused.img");
    refused(&(ImageOptions){.path = in_folder("none")}, "cannot open");
    refused(&(ImageOptions){.path = folder}, "Is a directory");
    refused(&(ImageOptions){.path = folder, .read_only = true}, "a folder");
    refused(&(ImageOptions){.path = "/dev/null"}, "not a file or a block device");
    put_file(path, 0, "", 0, 0);
    refused(&(ImageOptions){.path = path}, "is empty");
    put_file(path, 4096, "QFI\xfb", 4, 0);
    refused(&(ImageOptions){.path = path}, "qemu-nbd");
    DiskImage image;
    assert_true(image_open(&image, &(ImageOptions){.path = path, .raw = true}, NULL));
    image_close(&image);
    put_file(path, 4096,
             "\xfd"
             "7zXZ\0",
             6, 0);
    refused(&(ImageOptions){.path = path}, "unxz");
    char *fifo = strdup(in_folder("fifo"));
    assert_int_equal(mkfifo(fifo, 0600), 0);
    refused(&(ImageOptions){.path = fifo, .read_only = true}, "something else");
    free(fifo);
}

/* A guest must not make something of its disk that the next run would open otherwise. */
static void test_guarded(void **state)
{
    (void)state;
    const char *path = in_folder("guard.img");
    uint8_t sector[DISK_SECTOR] = "QFI\xfb";
    Error err;
    put_file(path, 4096, "x", 1, 0);
    DiskImage image = opened_file(path, false);
    assert_int_equal(image.ops->write(image.medium, 0, sector, sizeof sector, &err), DISK_IO_ERROR);
    assert_non_null(strstr(err.text, "qcow2"));
    memcpy(sector, "ARMOVL\r\n", 8);
    assert_int_equal(image.ops->write(image.medium, 0, sector, sizeof sector, &err), DISK_IO_ERROR);
    assert_int_equal(image.ops->write(image.medium, DISK_SECTOR, sector, sizeof sector, &err), DISK_OK);
    image_close(&image);
    assert_true(image_open(&image, &(ImageOptions){.path = path, .raw = true}, NULL));
    assert_int_equal(image.ops->write(image.medium, 0, sector, sizeof sector, &err), DISK_OK);
    image_close(&image);
}

static void test_host_is_full(void **state)
{
    (void)state;
    static uint8_t data[64 << 10];
    const char *path = in_folder("full.img");
    Error err;
    put_file(path, 4 << 20, "x", 1, 0);
    DiskImage image = opened_file(path, false);
    struct rlimit before, limit = {.rlim_cur = 1 << 20};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    DiskResult result = image.ops->write(image.medium, 2 << 20, data, sizeof data, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(result, DISK_NO_SPACE);
    assert_non_null(strstr(err.text, "full.img: cannot write"));
    assert_int_equal(image.ops->write(image.medium, 2 << 20, data, sizeof data, &err), DISK_OK);
    /* Somebody cuts it off. */
    assert_int_equal(truncate(path, 1 << 20), 0);
    assert_int_equal(image.ops->read(image.medium, 2 << 20, data, sizeof data, &err), DISK_IO_ERROR);
    assert_non_null(strstr(err.text, "shorter"));
    image_close(&image);
}

static void test_probe(void **state)
{
    (void)state;
    uint8_t mbr[DISK_SECTOR] = {0};
    const char *what;
    mbr[510] = 0x55, mbr[511] = 0xaa;
    assert_int_equal(image_probe(mbr, sizeof mbr, &what), CONTENT_UNKNOWN); /* no partition */
    mbr[446 + 4] = 0x83;
    assert_int_equal(image_probe(mbr, sizeof mbr, &what), CONTENT_UNKNOWN); /* of no size */
    mbr[446 + 12] = 1;
    assert_int_equal(image_probe(mbr, sizeof mbr, &what), CONTENT_DISK);
    mbr[446] = 0x12;
    assert_int_equal(image_probe(mbr, sizeof mbr, &what), CONTENT_UNKNOWN);
    for (size_t size = 0; size < sizeof mbr; size++)
        assert_int_equal(image_probe(mbr, size, &what), CONTENT_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_contents),     cmocka_unit_test(test_holes),
                                       cmocka_unit_test(test_read_only),    cmocka_unit_test(test_locks),
                                       cmocka_unit_test(test_refused),      cmocka_unit_test(test_guarded),
                                       cmocka_unit_test(test_host_is_full), cmocka_unit_test(test_probe)};
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
