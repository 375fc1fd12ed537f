/* Files that appear whole or not at all, with O_TMPFILE and without; what killed processes leave. */
#define _GNU_SOURCE
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "machine/new_file.h"
#include "tests/images/folder.h"
#include "tests/machine/no_tmpfile.h"

#define LEFT ".picture.0123abcd"

static char path[200];

/* Files in the folder, hidden ones as well. */
static unsigned count(void)
{
    unsigned files = 0;
    DIR *entries = opendir(folder);
    for (const struct dirent *entry; (entry = readdir(entries));)
        files += entry->d_type == DT_REG;
    closedir(entries);
    return files;
}

static void expect(const char *text)
{
    char data[20] = {0};
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(data, sizeof data, file));
    fclose(file);
    assert_string_equal(data, text);
}

static void write_text(NewFile *file, const char *text)
{
    Error err;
    if (!new_file_open(file, path, true, &err))
        fail_msg("%s", err.text);
    FILE *out = new_file_stream(file);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void keep(NewFile *file)
{
    Error err;
    if (!new_file_keep(file, &err))
        fail_msg("%s", err.text);
    new_file_drop(file);
}

static int begin(void **state)
{
    no_tmpfile = *state;
    if (folder_make(NULL))
        return -1;
    snprintf(path, sizeof path, "%s/picture", folder);
    return 0;
}

static void test_new_and_again(void **state)
{
    NewFile file;
    struct stat status;
    mode_t mask = umask(022);
    write_text(&file, "one");
    assert_int_equal(count(), *state ? 1 : 0);
    assert_int_equal(access(path, F_OK), -1);
    keep(&file);
    expect("one");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0644);
    write_text(&file, "two");
    expect("one");
    keep(&file);
    expect("two");
    assert_int_equal(count(), 1);
    umask(mask);
}

static void test_dropped(void **state)
{
    NewFile file;
    (void)state;
    write_text(&file, "one");
    new_file_drop(&file);
    assert_int_equal(count(), 0);
}

static void test_not_possible(void **state)
{
    NewFile file;
    Error err;
    char other[300];
    (void)state;
    snprintf(other, sizeof other, "%s/none/picture", folder);
    assert_false(new_file_open(&file, other, true, &err));
    assert_string_equal(err.text, "No such file or directory");
    new_file_drop(&file);
    assert_false(new_file_open(&file, folder, true, &err));
    assert_string_equal(err.text, "it is no regular file");
    new_file_drop(&file);
    assert_int_equal(access(folder, F_OK), 0);
}

/* Somebody makes the path while it is written: the last one is there in the end. */
static void test_two_at_once(void **state)
{
    NewFile first, second;
    (void)state;
    write_text(&first, "first");
    write_text(&second, "second");
    keep(&second);
    expect("second");
    keep(&first);
    expect("first");
    assert_int_equal(count(), 1);
}

static void leave(const char *name)
{
    put_file(in_folder(name), 3, "old", 3, 0);
}

static void test_left_over(void **state)
{
    static const char *const others[] = {".picture.0123abc",   ".picture.0123abcde", ".picture.0123ABCD",
                                         ".pictures.0123abcd", "picture.0123abcd",   ".0123abcd"};
    enum { OTHERS = sizeof others / sizeof *others };
    NewFile file;
    (void)state;
    for (unsigned n = 0; n < OTHERS; n++)
        leave(others[n]);
    assert_int_equal(mkdir(in_folder(".picture.00000000"), 0700), 0);
    assert_int_equal(symlink(others[0], in_folder(".picture.00000001")), 0);
    leave(LEFT);
    write_text(&file, "one");
    keep(&file);
    assert_int_equal(access(in_folder(LEFT), F_OK), -1);
    assert_int_equal(access(in_folder(".picture.00000000"), F_OK), 0);
    assert_int_equal(access(in_folder(".picture.00000001"), F_OK), 0);
    assert_int_equal(count(), OTHERS + 1);
}

static void test_somebody_writes(void **state)
{
    NewFile file;
    (void)state;
    leave(LEFT);
    int fd = open(in_folder(LEFT), O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    write_text(&file, "one");
    keep(&file);
    assert_int_equal(access(in_folder(LEFT), F_OK), 0);
    close(fd);
    write_text(&file, "two");
    keep(&file);
    assert_int_equal(access(in_folder(LEFT), F_OK), -1);
}

static void test_killed(void **state)
{
    NewFile file;
    int status, ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (!child) {
        write_text(&file, "half");
        if (write(ready[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    write_text(&file, "one"); /* the other is alive */
    assert_int_equal(count(), *state ? 2 : 0);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(count(), *state ? 2 : 0);
    keep(&file);
    write_text(&file, "two");
    keep(&file);
    assert_int_equal(count(), 1);
    expect("two");
    close(ready[0]);
    close(ready[1]);
}

#define TEST(function, named)                                                                                \
    {                                                                                                        \
#function named, function, begin, folder_remove, *named ? (void *)named : NULL                       \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_new_and_again, ""),   TEST(test_new_and_again, " named"),
        TEST(test_dropped, ""),         TEST(test_dropped, " named"),
        TEST(test_not_possible, ""),    TEST(test_not_possible, " named"),
        TEST(test_two_at_once, ""),     TEST(test_two_at_once, " named"),
        TEST(test_left_over, ""),       TEST(test_left_over, " named"),
        TEST(test_somebody_writes, ""), TEST(test_somebody_writes, " named"),
        TEST(test_killed, ""),          TEST(test_killed, " named"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
