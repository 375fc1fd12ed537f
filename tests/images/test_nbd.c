/* Disks on NBD servers: qcow2 through qemu-nbd, and nbdkit; a server that lets nobody write; one that dies.
 * Servers that are not installed are left out. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "images/image.h"
#include "images/manage.h"
#include "tests/images/folder.h"
#include "tests/images/nbd_server.h"

enum { SIZE = 8 << 20, LENGTH = 300 * 1024 };

static DiskImage opened(const ImageOptions *options)
{
    DiskImage image;
    Error err;
    for (unsigned n = 0; !image_open(&image, options, &err); n++) {
        if (n == 100)
            fail_msg("%s", err.text);
        usleep(20000);
    }
    return image;
}

static uint8_t data[LENGTH], back[LENGTH];

static void put(DiskImage *image, uint64_t offset, uint8_t with)
{
    Error err;
    memset(data, with, sizeof data);
    if (image->ops->write(image->medium, offset, data, sizeof data, &err))
        fail_msg("%s", err.text);
}

static void expect(DiskImage *image, uint64_t offset, uint8_t with)
{
    Error err;
    memset(data, with, sizeof data);
    if (image->ops->read(image->medium, offset, back, sizeof back, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(data, back, sizeof data);
}

static void use(void)
{
    ImageOptions options = {.path = address};
    DiskImage image = opened(&options);
    assert_int_equal(image.kind, IMAGE_NBD);
    assert_int_equal(image.info.size, SIZE);
    assert_false(image.info.read_only);
    put(&image, 512, 0x31);
    assert_int_equal(image.ops->zero(image.medium, 0, 512, NULL), DISK_OK);
    assert_int_equal(image.ops->discard(image.medium, 4 << 20, 1 << 20, NULL), DISK_OK);
    assert_int_equal(image.ops->flush(image.medium, NULL), DISK_OK);
    image_close(&image);
    /* An overlay over it. */
    ImageOptions over = {.path = address, .temporary = true};
    image = opened(&over);
    expect(&image, 512, 0x31);
    put(&image, 1024, 0x32);
    expect(&image, 1024, 0x32);
    image_close(&image);
    char kept[200];
    snprintf(kept, sizeof kept, "%s", in_folder("nbd.ovl"));
    unlink(kept);
    over = (ImageOptions){.path = address, .overlay = kept};
    image = opened(&over);
    put(&image, 2 << 20, 0x33);
    image_close(&image);
    over = (ImageOptions){.path = kept};
    image = opened(&over);
    expect(&image, 512, 0x31);
    expect(&image, 2 << 20, 0x33);
    Error err;
    if (!image_commit(&image, NULL, &err))
        fail_msg("%s", err.text);
    image_close(&image);
    image = opened(&options);
    expect(&image, 2 << 20, 0x33);
    image_close(&image);
}

static void test_qemu_nbd(void **state)
{
    (void)state;
    char command[400], file[200];
    if (!there("qemu-nbd") || !there("qemu-img"))
        skip();
    snprintf(file, sizeof file, "%s", in_folder("a.qcow2"));
    snprintf(command, sizeof command, "qemu-img create -q -f qcow2 %s 8M", file);
    assert_int_equal(system(command), 0);
    char *const words[] = {"qemu-nbd",   "--persistent",    "--shared=4", "-k",
                           nbd_socket(), "--discard=unmap", file,         NULL};
    pid_t pid = serve(words);
    use();
    end(pid);
    char *const reading[] = {"qemu-nbd", "--persistent", "-r", "-k", nbd_socket(), file, NULL};
    pid = serve(reading);
    DiskImage image = opened(&(ImageOptions){.path = address});
    assert_true(image.info.read_only);
    assert_non_null(strstr(image.note, "read-only"));
    expect(&image, 2 << 20, 0x33);
    image_close(&image);
    end(pid);
}

static void test_nbdkit(void **state)
{
    (void)state;
    if (!there("nbdkit"))
        skip();
    char uri[260];
    char *const words[] = {"nbdkit", "-f", "-U", nbd_socket(), "memory", "8M", NULL};
    pid_t pid = serve(words);
    use();
    snprintf(uri, sizeof uri, "nbd+unix:///?socket=%s", nbd_socket());
    DiskImage image = opened(&(ImageOptions){.path = uri});
    expect(&image, 2 << 20, 0x33);
    image_close(&image);
    end(pid);
}

static void trouble(void *opaque, const char *text)
{
    (void)text;
    assert_non_null(strstr(text, "the NBD server is gone"));
    ++*(unsigned *)opaque;
}

static void done(DiskRequest *request)
{
    (void)request;
}

static void test_death(void **state)
{
    (void)state;
    if (!there("nbdkit"))
        skip();
    unsigned told = 0;
    char *const words[] = {"nbdkit", "-f", "-U", nbd_socket(), "memory", "8M", NULL};
    pid_t pid = serve(words);
    DiskImage image = opened(&(ImageOptions){.path = address});
    put(&image, 0, 1);
    Arrivals *arrivals = arrivals_new();
    Disk *disk = disk_new("disk0", image.ops, image.medium, &image.info, NULL, arrivals);
    disk_on_trouble(disk, trouble, &told);
    end(pid);
    for (unsigned n = 0; n < 5; n++) {
        DiskRequest request = {.action = DISK_READ, .length = 4096, .data = data, .done = done};
        assert_false(disk_submit(disk, &request));
        disk_drain(disk);
        assert_int_equal(request.result, DISK_IO_ERROR);
    }
    assert_int_equal(told, 1);
    disk_free(disk);
    arrivals_free(arrivals);
    Error err;
    assert_false(image_open(&image, &(ImageOptions){.path = address}, &err));
    assert_non_null(strstr(err.text, "cannot connect to the NBD server"));
    assert_false(image_open(&image, &(ImageOptions){.path = "nbd+unix:///?nonsense"}, &err));
    char *const other[] = {"python3", "-c",
                           "import socket, sys, time; s = socket.socket(socket.AF_UNIX); "
                           "s.bind(sys.argv[1]); s.listen(); s.accept()[0].send(b'hello, what is it? ' * 9)",
                           nbd_socket(), NULL};
    if (there("python3")) { /* no NBD server */
        pid = serve(other);
        assert_false(image_open(&image, &(ImageOptions){.path = address}, &err));
        end(pid);
    }
}

static int begin(void **state)
{
    return folder_make(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_qemu_nbd), cmocka_unit_test(test_nbdkit),
                                       cmocka_unit_test(test_death)};
    return cmocka_run_group_tests(tests, begin, folder_remove);
}
