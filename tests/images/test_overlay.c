/* Overlays against a plain array that every operation is done to as well; what is durable when; damage;
 * commit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "images/image.h"
#include "images/manage.h"
#include "images/overlay_format.h"
#include "tests/images/folder.h"
#include "tests/images/opening.h"

enum { SIZE = 3 * 1000 * 1000 + 300 }; /* ends within a block, and within a sector */

static uint8_t base_data[SIZE], model[SIZE], back[SIZE];

static uint32_t seed = 1;

static uint32_t chance(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(seed >> 4) * below >> 28);
}

static void fill(uint8_t *data, size_t length)
{
    for (size_t n = 0; n < length; n++)
        data[n] = (uint8_t)chance(256);
}

static void make_base(const char *path)
{
    fill(base_data, sizeof base_data);
    put_file(path, SIZE, base_data, SIZE, 0);
    memcpy(model, base_data, SIZE);
}

static void check_all(DiskImage *image)
{
    Error err = {""};
    if (image->ops->read(image->medium, 0, back, image->info.size, &err))
        fail_msg("%s", err.text);
    for (size_t n = 0; n < image->info.size; n++)
        if (back[n] != model[n])
            fail_msg("byte %zu is %02x, not %02x", n, back[n], model[n]);
}

/* One random operation on disk and model. */
static void act(DiskImage *image)
{
    static uint8_t data[100000];
    uint64_t size = image->info.size, offset = chance((uint32_t)size / DISK_SECTOR + 1) * DISK_SECTOR;
    uint64_t length = (uint64_t)chance(chance(2) ? 16 : 190) * DISK_SECTOR;
    if (chance(2)) { /* whole blocks, as guests do */
        offset = offset / OVERLAY_BLOCK * OVERLAY_BLOCK;
        length = (length + OVERLAY_BLOCK - 1) / OVERLAY_BLOCK * OVERLAY_BLOCK;
    }
    if (offset + length > size)
        length = size - offset;
    if (!length)
        return;
    Error err = {""};
    DiskResult result = DISK_OK;
    switch (chance(8)) {
    case 0:
        result = image->ops->zero(image->medium, offset, length, &err);
        memset(model + offset, 0, length);
        break;
    case 1: /* anything may be there then, but the same until it is written */
        result = image->ops->discard(image->medium, offset, length, &err);
        image->ops->read(image->medium, offset, model + offset, length, NULL);
        break;
    case 2:
        result = image->ops->flush(image->medium, &err);
        break;
    case 3:
        if (image->ops->read_now(image->medium, offset, data, length))
            assert_memory_equal(data, model + offset, length);
        break;
    case 4:
        result = image->ops->read(image->medium, offset, data, length, &err);
        assert_memory_equal(data, model + offset, length);
        break;
    default:
        fill(data, length < 600 ? length : 600);
        result = image->ops->write(image->medium, offset, data, length, &err);
        memcpy(model + offset, data, length);
    }
    if (result)
        fail_msg("%s", err.text);
}

static void check_base(const char *path)
{
    get_file(path, back, SIZE, 0);
    assert_memory_equal(back, base_data, SIZE);
}

static void random_rounds(const ImageOptions *options)
{
    for (unsigned round = 0; round < 6; round++) {
        DiskImage image = opened(options);
        if (options->temporary)
            memcpy(model, base_data, SIZE);
        check_all(&image);
        for (unsigned n = 0; n < 150; n++)
            act(&image);
        check_all(&image);
        image_close(&image);
        check_base(options->path);
    }
}

static void test_kept(void **state)
{
    (void)state;
    const char *base = in_folder("kept.img"), *over = in_folder("kept.ovl");
    make_base(base);
    random_rounds(&(ImageOptions){.path = base, .overlay = over});
    DiskImage image = opened(&(ImageOptions){.path = over}); /* names its base itself */
    assert_int_equal(image.kind, IMAGE_OVERLAY);
    OverlayInfo info;
    assert_true(image_overlay(&image, &info));
    assert_true(info.closed);
    assert_int_equal(info.torn, 0);
    check_all(&image);
    image_close(&image);
}

/* Processes that end between settled operations, and flush only now and then. */
static void end_settled(const ImageOptions *options, const char *result)
{
    DiskImage image = opened(options);
    for (unsigned n = 10 + chance(60); n > 0; n--) {
        act(&image);
        if (image.ops->settle(image.medium, NULL))
            _exit(1);
    }
    put_file(result, SIZE, model, SIZE, 0);
    _exit(0);
}

static void test_settled(void **state)
{
    (void)state;
    const ImageOptions options = {.path = in_folder("settled.img"), .overlay = in_folder("settled.ovl")};
    const char *result = in_folder("settled.model");
    make_base(options.path);
    for (unsigned round = 0; round < 20; round++) {
        int status;
        chance(2);
        fflush(NULL);
        pid_t child = fork();
        if (!child)
            end_settled(&options, result);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        get_file(result, model, SIZE, 0);
        unlink(result);
        DiskImage image = opened(&options);
        check_all(&image);
        seed += round;
        act(&image);
        image_close(&image);
    }
    check_base(options.path);
}

static void test_temporary(void **state)
{
    (void)state;
    const char *base = in_folder("temp.img");
    make_base(base);
    random_rounds(&(ImageOptions){.path = base, .temporary = true});
}

static void test_chain(void **state)
{
    (void)state;
    char base[200], one[200], two[200];
    Error err;
    snprintf(base, sizeof base, "%s", in_folder("chain.img"));
    snprintf(one, sizeof one, "%s", in_folder("chain.1"));
    snprintf(two, sizeof two, "%s", in_folder("chain.2"));
    make_base(base);
    random_rounds(&(ImageOptions){.path = base, .overlay = one});
    assert_true(image_create_overlay(two, one, 0, &err));
    DiskImage image = opened(&(ImageOptions){.path = two});
    check_all(&image);
    for (unsigned n = 0; n < 200; n++)
        act(&image);
    check_all(&image);
    refused(&(ImageOptions){.path = one}, "in use"); /* what others lie upon does not change */
    Error why;
    if (!image_commit(&image, NULL, &why))
        fail_msg("%s", why.text);
    check_all(&image);
    image_close(&image);
    image = opened(&(ImageOptions){.path = two});
    check_all(&image);
    image_close(&image);
    image = opened(&(ImageOptions){.path = one});
    check_all(&image);
    image_close(&image);
    check_base(base);
}

/* Space goes where data go, and comes back. */
static void test_sparse(void **state)
{
    (void)state;
    const char *base = in_folder("sparse.img"), *over = in_folder("sparse.ovl");
    uint64_t size = UINT64_C(20) << 30;
    static uint8_t data[1 << 20];
    memset(data, 7, sizeof data);
    put_file(base, size, "x", 1, 0);
    DiskImage image = opened(&(ImageOptions){.path = base, .overlay = over});
    assert_int_equal(image.info.size, size);
    assert_int_equal(image.ops->write(image.medium, size - sizeof data, data, sizeof data, NULL), DISK_OK);
    assert_int_equal(image.ops->flush(image.medium, NULL), DISK_OK);
    uint64_t with = allocated(over);
    assert_in_range(with, sizeof data, 8 * sizeof data);
    assert_int_equal(image.ops->discard(image.medium, size - sizeof data, sizeof data, NULL), DISK_OK);
    assert_true(allocated(over) <= with - sizeof data);
    assert_int_equal(image.ops->read(image.medium, size - sizeof data, data, sizeof data, NULL), DISK_OK);
    assert_int_equal(data[12345], 0);
    assert_int_equal(image.ops->discard(image.medium, 0, size, NULL), DISK_OK); /* all of it */
    image_close(&image);
    image = opened(&(ImageOptions){.path = over});
    assert_int_equal(image.ops->read(image.medium, 0, data, 4096, NULL), DISK_OK);
    assert_int_equal(data[0], 0);
    image_close(&image);
}

/* ---- Commit ------------------------------------------------------------------------------------------ */

static void test_commit(void **state)
{
    (void)state;
    const char *base = in_folder("commit.img"), *over = in_folder("commit.ovl");
    Error err = {""};
    OverlayInfo info;
    make_base(base);
    DiskImage image = opened(&(ImageOptions){.path = base, .overlay = over});
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned n = 0; n < 100; n++)
            act(&image);
        if (!image_commit(&image, NULL, &err))
            fail_msg("%s", err.text);
        check_all(&image);
        assert_true(image_overlay(&image, &info));
        assert_int_equal(info.changed, 0);
        assert_false(info.committing);
        get_file(base, back, SIZE, 0);
        assert_memory_equal(back, model, SIZE);
    }
    image_close(&image);
    image = opened(&(ImageOptions){.path = base, .overlay = over});
    check_all(&image);
    /* Somebody reads what is below: nothing happens. */
    act(&image), act(&image), act(&image), act(&image);
    DiskImage reader = opened(&(ImageOptions){.path = base, .read_only = true});
    assert_false(image_commit(&image, NULL, &err));
    assert_non_null(strstr(err.text, "in use"));
    check_all(&image);
    image_close(&reader);
    assert_true(image_commit(&image, NULL, &err));
    check_all(&image);
    memcpy(base_data, model, SIZE);
    for (unsigned n = 0; n < 50; n++)
        act(&image);
    assert_true(image_forget_changes(&image, &err));
    memcpy(model, base_data, SIZE);
    check_all(&image);
    image_close(&image);
    image = opened(&(ImageOptions){.path = over});
    check_all(&image);
    image_close(&image);
    /* A guest cannot make another format of what is below. */
    image = opened(&(ImageOptions){.path = over});
    static uint8_t block[OVERLAY_BLOCK] = OVERLAY_MAGIC;
    assert_int_equal(image.ops->write(image.medium, 0, block, sizeof block, &err), DISK_OK);
    assert_false(image_commit(&image, NULL, &err));
    assert_non_null(strstr(err.text, "format=raw"));
    image_close(&image);
}

static void test_commit_temporary(void **state)
{
    (void)state;
    const char *base = in_folder("ctemp.img");
    Error err;
    make_base(base);
    DiskImage image = opened(&(ImageOptions){.path = base, .temporary = true});
    for (unsigned n = 0; n < 100; n++)
        act(&image);
    assert_true(image_commit(&image, NULL, &err));
    check_all(&image);
    image_close(&image);
    get_file(base, back, SIZE, 0);
    assert_memory_equal(back, model, SIZE);
}

/* ---- What is below has changed ----------------------------------------------------------------------- */

static void test_base_changed(void **state)
{
    (void)state;
    char base[200], over[200];
    snprintf(base, sizeof base, "%s", in_folder("changed.img"));
    snprintf(over, sizeof over, "%s", in_folder("changed.ovl"));
    make_base(base);
    DiskImage image = opened(&(ImageOptions){.path = base, .overlay = over});
    for (unsigned n = 0; n < 20; n++)
        act(&image);
    image_close(&image);
    usleep(20000);
    put_file(base, SIZE, base_data, 1, 0); /* the same, but who knows */
    refused(&(ImageOptions){.path = over}, "--accept-base");
    refused(&(ImageOptions){.path = base, .overlay = over}, "--accept-base");
    ImageCheck check = {.accept_base = true};
    Error err = {""};
    if (!image_check(over, &check, &err))
        fail_msg("%s", err.text);
    image = opened(&(ImageOptions){.path = over});
    check_all(&image);
    image_close(&image);
    assert_int_equal(truncate(base, SIZE - 1), 0);
    refused(&(ImageOptions){.path = over}, "bytes");
    assert_int_equal(unlink(base), 0);
    refused(&(ImageOptions){.path = over}, "lies over another image: cannot open");
}

/* Both can be moved together. */
static void test_moved(void **state)
{
    (void)state;
    char base[300], over[300], moved[200], command[1400];
    snprintf(moved, sizeof moved, "%s", in_folder("moved"));
    snprintf(base, sizeof base, "%s/b.img", in_folder("here"));
    snprintf(over, sizeof over, "%s/o.ovl", in_folder("here"));
    assert_int_equal(mkdir(in_folder("here"), 0700), 0);
    make_base(base);
    DiskImage image = opened(&(ImageOptions){.path = base, .overlay = over});
    for (unsigned n = 0; n < 20; n++)
        act(&image);
    image_close(&image);
    assert_int_equal(rename(in_folder("here"), moved), 0);
    snprintf(over, sizeof over, "%s/o.ovl", moved);
    image = opened(&(ImageOptions){.path = over});
    check_all(&image);
    image_close(&image);
    snprintf(command, sizeof command, "cp --sparse=always -p %s %s/copy && cmp -s %s %s/copy", over, moved,
             over, moved);
    assert_int_equal(system(command), 0);
    snprintf(over, sizeof over, "%s/copy", moved);
    image = opened(&(ImageOptions){.path = over});
    check_all(&image);
    image_close(&image);
    /* A loop. */
    Error err;
    snprintf(base, sizeof base, "%s", in_folder("none"));
    assert_false(image_create_overlay(over, base, 0, &err));
}

/* ---- Size -------------------------------------------------------------------------------------------- */

static void test_resize(void **state)
{
    (void)state;
    enum { LARGE = 200 << 20 }; /* two pages of the table */
    const char *base = in_folder("size.img"), *over = in_folder("size.ovl");
    static uint8_t block[OVERLAY_BLOCK], got[OVERLAY_BLOCK];
    Error err = {""};
    memset(block, 0x42, sizeof block);
    put_file(base, 1 << 20, "x", 1, 0);
    assert_true(image_create_overlay(over, base, 0, &err));
    if (!image_resize(over, LARGE, false, &err))
        fail_msg("%s", err.text);
    DiskImage image = opened(&(ImageOptions){.path = over});
    assert_int_equal(image.info.size, LARGE);
    assert_int_equal(image.ops->read(image.medium, LARGE - 4096, got, 4096, &err), DISK_OK);
    assert_int_equal(got[0], 0);
    for (uint64_t at = 0; at < LARGE; at += 10 << 20)
        assert_int_equal(image.ops->write(image.medium, at, block, sizeof block, &err), DISK_OK);
    image_close(&image);
    assert_false(image_resize(over, 15 << 20, false, &err));
    assert_non_null(strstr(err.text, "--shrink"));
    assert_true(image_resize(over, 15 << 20, true, &err));
    if (!image_resize(over, LARGE, false, &err))
        fail_msg("%s", err.text);
    image = opened(&(ImageOptions){.path = over});
    for (uint64_t at = 0; at < LARGE; at += 10 << 20) { /* what was behind the end is gone */
        assert_int_equal(image.ops->read(image.medium, at, got, sizeof got, &err), DISK_OK);
        assert_int_equal(got[100], at < 15 << 20 ? 0x42 : 0);
        assert_int_equal(image.ops->write(image.medium, at, block, sizeof block, &err), DISK_OK);
    }
    image_close(&image);
    image = opened(&(ImageOptions){.path = over});
    assert_int_equal(image.ops->read(image.medium, 190 << 20, got, sizeof got, &err), DISK_OK);
    assert_memory_equal(got, block, sizeof got);
    image_close(&image);
    assert_false(image_resize(over, UINT64_C(1) << 40, false, &err));
    assert_non_null(strstr(err.text, "room for"));
    image = opened(&(ImageOptions){.path = over});
    if (!image_commit(&image, NULL, &err)) /* what is below grows */
        fail_msg("%s", err.text);
    image_close(&image);
    image = opened(&(ImageOptions){.path = base, .read_only = true});
    assert_int_equal(image.info.size, LARGE);
    assert_int_equal(image.ops->read(image.medium, 190 << 20, got, sizeof got, &err), DISK_OK);
    assert_memory_equal(got, block, sizeof got);
    image_close(&image);
    assert_true(image_resize(base, 5 << 20, true, &err));
    assert_false(image_resize(base, 1 << 20, false, &err));
    assert_true(image_resize(base, 1 << 20, true, &err));
}

/* ---- Damage ------------------------------------------------------------------------------------------ */

static void flip(const char *path, uint64_t offset)
{
    uint8_t byte;
    get_file(path, &byte, 1, offset);
    byte ^= 0x10;
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
    close(fd);
}

static void test_damage(void **state)
{
    (void)state;
    char base[200], over[200];
    ImageCheck check = {0};
    Error err = {""};
    snprintf(base, sizeof base, "%s", in_folder("damage.img"));
    snprintf(over, sizeof over, "%s", in_folder("damage.ovl"));
    make_base(base);
    for (unsigned round = 0; round < 2; round++) { /* both copies of the only page are written then */
        DiskImage image = opened(&(ImageOptions){.path = base, .overlay = over});
        for (unsigned n = 0; n < 40; n++)
            act(&image);
        image_close(&image);
    }
    assert_true(image_check(over, &check, &err));
    /* One copy of the header may be lost. */
    flip(over, 200);
    DiskImage image = opened(&(ImageOptions){.path = over, .read_only = true});
    check_all(&image);
    image_close(&image);
    flip(over, OVERLAY_PAGE + 200);
    refused(&(ImageOptions){.path = over}, "its header is damaged");
    flip(over, OVERLAY_PAGE + 200);
    flip(over, 200);
    /* A page of the table that was whole at the end. */
    bool found = false;
    for (unsigned copy = 0; copy < 2; copy++) {
        uint64_t at = OVERLAY_TABLE + copy * OVERLAY_PAGE + 100;
        flip(over, at);
        if (image_open(&image, &(ImageOptions){.path = over, .read_only = true}, &err)) {
            image_close(&image);
        } else {
            assert_non_null(strstr(err.text, "damaged"));
            found = true;
        }
        flip(over, at);
    }
    assert_true(found);
    flip(over, OVERLAY_TABLE + 100);
    flip(over, OVERLAY_TABLE + OVERLAY_PAGE + 100);
    refused(&(ImageOptions){.path = over}, "1 pages of its table are lost");
    check = (ImageCheck){.repair = true};
    assert_true(image_check(over, &check, &err));
    assert_int_equal(check.lost, 1);
    image = opened(&(ImageOptions){.path = over});
    memcpy(model, base_data, SIZE); /* all of it is as below */
    check_all(&image);
    image_close(&image);
    struct stat status;
    assert_int_equal(stat(over, &status), 0);
    assert_int_equal(truncate(over, status.st_size - 1), 0);
    refused(&(ImageOptions){.path = over}, "cut off");
    assert_int_equal(truncate(over, 5000), 0);
    refused(&(ImageOptions){.path = over}, "too short");
    refused(&(ImageOptions){.path = base, .overlay = base}, "names the image itself");
}

/* A page whose writing was cut off by the end of the host: what was flushed before holds. */
static void test_torn(void **state)
{
    (void)state;
    char base[200], over[200], crashed[200], command[500];
    OverlayInfo info;
    snprintf(base, sizeof base, "%s", in_folder("torn.img"));
    snprintf(over, sizeof over, "%s", in_folder("torn.ovl"));
    snprintf(crashed, sizeof crashed, "%s", in_folder("torn.now"));
    make_base(base);
    DiskImage image = opened(&(ImageOptions){.path = base, .overlay = over});
    static uint8_t block[OVERLAY_BLOCK];
    memset(block, 1, sizeof block);
    for (unsigned n = 0; n < 5; n++) {
        image.ops->write(image.medium, n * 8192, block, sizeof block, NULL);
        assert_int_equal(image.ops->flush(image.medium, NULL), DISK_OK);
        memcpy(model + n * 8192, block, sizeof block);
        snprintf(command, sizeof command, "cp -p --sparse=always %s %s", over, crashed);
        assert_int_equal(system(command), 0); /* the file as it is now, not closed */
        DiskImage as_it_was = opened(&(ImageOptions){
            .path = base,
            .overlay = crashed,
        });
        check_all(&as_it_was);
        image_overlay(&as_it_was, &info);
        assert_false(info.closed);
        image_close(&as_it_was);
        assert_int_equal(system(command), 0);
        flip(crashed, OVERLAY_TABLE + (n % 2 ? 0 : OVERLAY_PAGE) + 3000); /* the newest copy */
        memcpy(model + n * 8192, base_data + n * 8192, sizeof block);
        as_it_was = opened(&(ImageOptions){.path = base, .overlay = crashed});
        check_all(&as_it_was);
        image_overlay(&as_it_was, &info);
        assert_int_equal(info.torn, 1);
        image_close(&as_it_was);
        as_it_was =
            opened(&(ImageOptions){.path = base, .overlay = crashed}); /* mended, or closed as it is */
        check_all(&as_it_was);
        image_close(&as_it_was);
        memcpy(model + n * 8192, block, sizeof block);
    }
    image_close(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_settled),
        cmocka_unit_test(test_temporary),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_sparse),
        cmocka_unit_test(test_commit),
        cmocka_unit_test(test_commit_temporary),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_base_changed),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_torn),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
