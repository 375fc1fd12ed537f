/* A guest's names never lead out of its folder: not by `..`, absolute paths, symbolic links, /proc, or
 * somebody who changes the folder meanwhile; and opening never waits and never reaches a device. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "machine/host_folder.h"

/* The parent of the folder holds what must not be reached. */
static char parent[64];
static HostFolder *folder;

enum { RW = HOST_READ | HOST_WRITE };

static void put(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static int make(bool walk)
{
    Error err;
    strcpy(parent, "/tmp/armature-folder-XXXXXX");
    if (!mkdtemp(parent) || chdir(parent))
        return -1;
    put("secret", "secret");
    mkdir("other", 0755);
    put("other/secret", "secret");
    mkdir("in", 0755);
    mkdir("in/sub", 0755);
    put("in/file", "inside");
    put("in/sub/file", "below");
    folder = host_folder_new("in", &err);
    if (folder && walk)
        host_folder_walk_only(folder);
    return folder ? 0 : -1;
}

static int setup(void **state)
{
    (void)state;
    return make(false);
}

static int setup_walk(void **state)
{
    (void)state;
    return make(true);
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    host_folder_free(folder);
    snprintf(command, sizeof command, "rm -rf %s", parent);
    return chdir("/") || system(command);
}

/* Opens; the descriptor, if there is one, is closed again. Returns 0 or the negative errno. */
static int try_open(const char *name, unsigned how)
{
    bool created;
    int fd = host_folder_open(folder, name, how, &created);
    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

static void expect_content(const char *name, const char *text)
{
    char got[64] = "";
    bool created;
    int fd = host_folder_open(folder, name, HOST_READ, &created);
    assert_true(fd >= 0);
    assert_true(read(fd, got, sizeof got - 1) >= 0);
    assert_string_equal(got, text);
    close(fd);
}

static void expect_secrets(void)
{
    char got[64] = "";
    const char *const names[] = {"secret", "other/secret"};
    for (unsigned n = 0; n < 2; n++) {
        int fd = open(names[n], O_RDONLY);
        assert_true(fd >= 0);
        assert_int_equal(read(fd, got, sizeof got), 6);
        assert_memory_equal(got, "secret", 6);
        close(fd);
    }
    assert_int_equal(access("new", F_OK), -1);
    assert_int_equal(access("other/new", F_OK), -1);
}

static void test_files(void **state)
{
    bool created;
    (void)state;
    expect_content("file", "inside");
    expect_content("./sub//file", "below");
    int fd = host_folder_open(folder, "sub/new", HOST_WRITE | HOST_CREATE, &created);
    assert_true(fd >= 0 && created);
    close(fd);
    assert_int_equal(access("in/sub/new", F_OK), 0);
    fd = host_folder_open(folder, "sub/new", HOST_WRITE | HOST_CREATE, &created);
    assert_true(fd >= 0 && !created);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
    assert_int_equal(try_open("missing", HOST_READ), -ENOENT);
    assert_int_equal(try_open("missing/file", HOST_WRITE | HOST_CREATE), -ENOENT);
    assert_int_equal(try_open("file/file", HOST_READ), -ENOTDIR);
    assert_int_equal(try_open("", HOST_READ), -ENOENT);
    assert_int_equal(try_open("sub", HOST_READ), -EISDIR);
    assert_int_equal(try_open(".", HOST_READ), -EISDIR);
    assert_true(try_open("sub/", HOST_WRITE | HOST_CREATE) < 0);
    assert_true(try_open("file/", HOST_READ) < 0);
}

/* Whatever is outside, for every call. */
static void expect_refused(const char *name)
{
    HostFreed freed;
    const unsigned how[] = {HOST_READ, HOST_WRITE, RW, HOST_WRITE | HOST_CREATE,
                            HOST_WRITE | HOST_CREATE | HOST_APPEND};
    for (unsigned n = 0; n < sizeof how / sizeof *how; n++)
        if (try_open(name, how[n]) >= 0)
            fail_msg("\"%s\" was opened", name);
    expect_secrets();
    if (strstr(name, "/etc/") || strstr(name, "/dev/"))
        return; /* a test that fails must do no harm */
    if (host_folder_remove(folder, name, &freed) >= 0)
        fail_msg("\"%s\" was removed", name);
    if (host_folder_rename(folder, name, "stolen", &freed) >= 0)
        fail_msg("\"%s\" was renamed", name);
    if (host_folder_rename(folder, "file", name, &freed) >= 0)
        fail_msg("a file was renamed to \"%s\"", name);
    expect_secrets();
}

static void test_paths_that_lead_out(void **state)
{
    static const char *const names[] = {"..",
                                        "../secret",
                                        "../other/secret",
                                        "../new",
                                        "sub/../../secret",
                                        "sub/../../new",
                                        "./../secret",
                                        "../in/../secret",
                                        "sub/../../other/new",
                                        "/etc/passwd",
                                        "/",
                                        "//etc/passwd",
                                        "/proc/self/cwd/secret",
                                        "/dev/null",
                                        "..//secret",
                                        "../in/file/../../secret"};
    char absolute[128];
    (void)state;
    for (unsigned n = 0; n < sizeof names / sizeof *names; n++)
        expect_refused(names[n]);
    snprintf(absolute, sizeof absolute, "%s/secret", parent);
    expect_refused(absolute);
    snprintf(absolute, sizeof absolute, "%s/in/../secret", parent);
    expect_refused(absolute);
}

static void test_links_that_lead_out(void **state)
{
    char absolute[128];
    (void)state;
    assert_int_equal(symlink("../secret", "in/link"), 0);
    assert_int_equal(symlink("..", "in/up"), 0);
    assert_int_equal(symlink("../new", "in/dangling"), 0);
    assert_int_equal(symlink("/", "in/root"), 0);
    assert_int_equal(symlink("up/other", "in/chain"), 0);
    assert_int_equal(symlink("/proc/self/cwd", "in/cwd"), 0);
    assert_int_equal(symlink("loop", "in/loop"), 0);
    snprintf(absolute, sizeof absolute, "%s/secret", parent);
    assert_int_equal(symlink(absolute, "in/absolute"), 0);
    snprintf(absolute, sizeof absolute, "root%s/secret", parent);
    const char *const names[] = {"link",           "up/secret",       "up/new",    "dangling",
                                 absolute,         "chain/secret",    "chain/new", "cwd/secret",
                                 "absolute",       "root/etc/passwd", "loop",      "loop/secret",
                                 "up/in/../secret"};
    for (unsigned n = 0; n < sizeof names / sizeof *names; n++)
        if (strcmp(names[n], "link") && strcmp(names[n], "dangling") && strcmp(names[n], "absolute") &&
            strcmp(names[n], "loop"))
            expect_refused(names[n]);
        else
            assert_int_equal(try_open(names[n], RW | HOST_CREATE), -EACCES);
    expect_secrets();
}

/* Links that stay inside work where the kernel can tell, and are refused elsewhere. */
static void test_links_inside(void **state)
{
    (void)state;
    assert_int_equal(symlink("sub/file", "in/link"), 0);
    assert_int_equal(symlink("../file", "in/sub/up"), 0);
    expect_content("link", "below");
    expect_content("sub/up", "inside");
    expect_content("sub/../file", "inside");
}

static void test_links_inside_walking(void **state)
{
    (void)state;
    assert_int_equal(symlink("sub/file", "in/link"), 0);
    assert_int_equal(symlink("sub", "in/dirlink"), 0);
    assert_int_equal(try_open("link", HOST_READ), -EACCES);
    assert_true(try_open("dirlink/file", HOST_READ) < 0);
    assert_int_equal(try_open("sub/../file", HOST_READ), -EACCES);
}

/* None of these may wait for the other end, or have an effect on a device. */
static void test_only_regular_files(void **state)
{
    HostFreed freed;
    (void)state;
    assert_int_equal(mkfifo("in/fifo", 0666), 0);
    assert_int_equal(try_open("fifo", HOST_READ), -EACCES);
    assert_int_equal(try_open("fifo", HOST_WRITE), -EACCES);
    assert_int_equal(try_open("fifo", RW | HOST_CREATE), -EACCES);
    assert_int_equal(host_folder_remove(folder, "fifo", &freed), -EACCES);
    assert_int_equal(host_folder_rename(folder, "file", "fifo", &freed), -EACCES);
    if (!mknod("in/null", S_IFCHR | 0666, 0x103)) {
        assert_int_equal(try_open("null", RW), -EACCES);
        assert_int_equal(host_folder_remove(folder, "null", &freed), -EACCES);
    }
    assert_int_equal(symlink("file", "in/link"), 0);
    assert_int_equal(host_folder_remove(folder, "link", &freed), -EACCES);
    assert_int_equal(host_folder_rename(folder, "link", "sub/link", &freed), -EACCES);
    assert_int_equal(host_folder_remove(folder, "sub", &freed), -EISDIR);
    assert_int_equal(host_folder_rename(folder, "sub", "sub2", &freed), -EISDIR);
    assert_int_equal(host_folder_rename(folder, "file", "sub", &freed), -EISDIR);
}

static void test_remove_and_rename(void **state)
{
    HostFreed freed;
    (void)state;
    assert_int_equal(host_folder_rename(folder, "file", "sub/moved", &freed), 0);
    assert_int_equal(freed.ino, 0);
    expect_content("sub/moved", "inside");
    assert_int_equal(host_folder_rename(folder, "sub/moved", "sub/file", &freed), 0);
    assert_int_equal(freed.bytes, 5);
    assert_true(freed.ino != 0);
    expect_content("sub/file", "inside");
    assert_int_equal(host_folder_rename(folder, "sub/file", "./sub/file", &freed), 0);
    assert_int_equal(freed.ino, 0);
    assert_int_equal(link("in/sub/file", "in/twin"), 0);
    assert_int_equal(host_folder_remove(folder, "twin", &freed), 0);
    assert_int_equal(freed.bytes, 0);
    assert_int_equal(host_folder_remove(folder, "sub/file", &freed), 0);
    assert_int_equal(freed.bytes, 6);
    assert_int_equal(host_folder_remove(folder, "sub/file", &freed), -ENOENT);
    assert_int_equal(host_folder_rename(folder, "sub/file", "x", &freed), -ENOENT);
}

/* ---- Somebody changes the folder meanwhile ----------------------------------------------------------- */

enum { ROUNDS = 3000 };

static atomic_bool stop;

/* "sub" is by turns a folder and a link that leads out; "swap" a file, a link that leads out, a FIFO. */
static void *change(void *opaque)
{
    (void)opaque;
    while (!atomic_load(&stop)) {
        syscall(SYS_renameat2, AT_FDCWD, "in/sub", AT_FDCWD, "in/evil", 2 /* RENAME_EXCHANGE */);
        unlink("in/tmp");
        if (!symlink("../secret", "in/tmp"))
            rename("in/tmp", "in/swap");
        if (!mkfifo("in/tmp", 0666))
            rename("in/tmp", "in/swap");
        int fd = open("in/tmp", O_WRONLY | O_CREAT, 0644);
        if (fd >= 0) {
            (void)!write(fd, "inside", 6);
            close(fd);
            rename("in/tmp", "in/swap");
        }
    }
    return NULL;
}

static void check_opened(int fd)
{
    char got[8] = "";
    struct stat st;
    if (fd < 0)
        return;
    assert_int_equal(fstat(fd, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    if (read(fd, got, 7) > 0)
        assert_string_not_equal(got, "secret");
    close(fd);
}

static void test_races(void **state)
{
    pthread_t thread;
    HostFreed freed;
    bool created;
    (void)state;
    assert_int_equal(symlink("../other", "in/evil"), 0);
    unlink("in/sub/file");
    put("in/sub/secret", "inside");
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&thread, NULL, change, NULL), 0);
    for (unsigned n = 0; n < ROUNDS; n++) {
        check_opened(host_folder_open(folder, "sub/secret", RW, &created));
        check_opened(host_folder_open(folder, "sub/new", HOST_WRITE | HOST_CREATE, &created));
        check_opened(host_folder_open(folder, "swap", HOST_READ, &created));
        check_opened(host_folder_open(folder, "swap", HOST_WRITE, &created));
        host_folder_remove(folder, "sub/new", &freed);
        host_folder_rename(folder, "sub/secret", "sub/moved", &freed);
        host_folder_rename(folder, "sub/moved", "sub/secret", &freed);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    expect_secrets();
    assert_int_equal(access("other/moved", F_OK), -1);
}

static void test_bad_folders(void **state)
{
    Error err = {""};
    (void)state;
    assert_null(host_folder_new("nowhere", &err));
    assert_non_null(strstr(err.text, "nowhere"));
    assert_null(host_folder_new("secret", &err));
}

#define BOTH(test)                                                                                           \
    cmocka_unit_test_setup_teardown(test, setup, teardown),                                                  \
        cmocka_unit_test_setup_teardown(test, setup_walk, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_files),
        BOTH(test_paths_that_lead_out),
        BOTH(test_links_that_lead_out),
        cmocka_unit_test_setup_teardown(test_links_inside, setup, teardown),
        cmocka_unit_test_setup_teardown(test_links_inside_walking, setup_walk, teardown),
        BOTH(test_only_regular_files),
        BOTH(test_remove_and_rename),
        BOTH(test_races),
        cmocka_unit_test_setup_teardown(test_bad_folders, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
