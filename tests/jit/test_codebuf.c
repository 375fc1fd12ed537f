/* The code buffer: two views of the same bytes, neither both writable and executable; sizes, errors, what is
 * given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "jit/codebuf.h"

static const uint8_t return_7[] = {0xb8, 7, 0, 0, 0, 0xc3}; /* mov eax, 7; ret */

static int run(const uint8_t *code)
{
    int (*function)(void);
    memcpy(&function, &code, sizeof function);
    return function();
}

static CodeBuf new_buffer(size_t size)
{
    CodeBuf buf;
    Error err = {""};
    if (!codebuf_new(&buf, size, &err))
        fail_msg("%s", err.text);
    return buf;
}

static void test_two_views(void **state)
{
    (void)state;
    CodeBuf buf = new_buffer(1 << 20);
    assert_int_equal(buf.size, 1 << 20);
    assert_int_equal(buf.used, 0);
    assert_ptr_not_equal(buf.write, buf.run);
    /* First, middle and last bytes: the same memory from end to end. */
    size_t places[] = {0, buf.size / 2 + 3, buf.size - sizeof return_7};
    for (unsigned n = 0; n < 3; n++) {
        memcpy(buf.write + places[n], return_7, sizeof return_7);
        assert_memory_equal(buf.run + places[n], return_7, sizeof return_7);
        assert_int_equal(run(buf.run + places[n]), 7);
        buf.write[places[n] + 1] = (uint8_t)(n + 40);
        assert_int_equal(run(buf.run + places[n]), (int)n + 40);
    }
    codebuf_free(&buf);
}

static void write_to(uint8_t *place)
{
    *(volatile uint8_t *)place = 0xc3;
}

static void call(uint8_t *place)
{
    run(place);
}

/* The signal that ends a process which does this; 0 if it gets through. */
static int signal_of(void (*act)(uint8_t *), uint8_t *place)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        /* Sanitizers and cmocka catch it otherwise. */
        signal(SIGSEGV, SIG_DFL);
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        act(place);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_protection(void **state)
{
    (void)state;
    CodeBuf buf = new_buffer(8192);
    memcpy(buf.write + 4096, return_7, sizeof return_7);
    assert_int_equal(signal_of(write_to, buf.write + 4096), 0);
    assert_int_equal(signal_of(call, buf.run + 4096), 0);
    memcpy(buf.write + 4096, return_7, sizeof return_7);
    assert_int_equal(signal_of(call, buf.write + 4096), SIGSEGV);
    assert_int_equal(signal_of(write_to, buf.run + 4096), SIGSEGV);
    codebuf_free(&buf);
}

/* The permissions of the mapping around an address ("rw-s"), or "" where nothing is mapped. */
static void mapping_at(const void *address, char out[5])
{
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    char line[512];
    out[0] = '\0';
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        char permissions[5];
        if (sscanf(line, "%lx-%lx %4s", &from, &to, permissions) == 3 && (uintptr_t)address >= from &&
            (uintptr_t)address < to)
            memcpy(out, permissions, 5);
    }
    fclose(maps);
}

static unsigned open_files(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void test_mappings(void **state)
{
    (void)state;
    char permissions[5];
    unsigned files = open_files();
    CodeBuf buf = new_buffer(3 * 4096);
    uint8_t *write = buf.write, *run_view = buf.run;
    mapping_at(write, permissions);
    assert_string_equal(permissions, "rw-s");
    mapping_at(write + buf.size - 1, permissions);
    assert_string_equal(permissions, "rw-s");
    mapping_at(run_view, permissions);
    assert_string_equal(permissions, "r-xs");
    mapping_at(run_view + buf.size - 1, permissions);
    assert_string_equal(permissions, "r-xs");
    assert_int_equal(open_files(), files);

    codebuf_free(&buf);
    mapping_at(write, permissions);
    assert_string_equal(permissions, "");
    mapping_at(run_view, permissions);
    assert_string_equal(permissions, "");
    assert_null(buf.write);
    assert_null(buf.run);
    assert_int_equal(buf.size, 0);
    codebuf_free(&buf); /* nothing left to free */
}

static void test_sizes(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t sizes[][2] = {
        {1,        page    },
        {page - 1, page    },
        {page,     page    },
        {page + 1, 2 * page},
        {5 * page, 5 * page}
    };
    for (unsigned n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        CodeBuf buf = new_buffer(sizes[n][0]);
        assert_int_equal(buf.size, sizes[n][1]);
        buf.write[buf.size - 1] = 0xc3;
        assert_int_equal(buf.run[buf.size - 1], 0xc3);
        codebuf_free(&buf);
    }
}

/* Nothing but the buffer's size in address space: a large one costs no memory until it is used. */
static void test_untouched(void **state)
{
    (void)state;
    CodeBuf buf = new_buffer(1u << 30);
    assert_int_equal(buf.size, 1u << 30);
    memcpy(buf.write + buf.size - 64, return_7, sizeof return_7);
    assert_int_equal(run(buf.run + buf.size - 64), 7);
    codebuf_free(&buf);
}

static void expect_error(size_t size, const char *part)
{
    CodeBuf buf;
    memset(&buf, 0xff, sizeof buf);
    Error err = {""};
    assert_false(codebuf_new(&buf, size, &err));
    if (!strstr(err.text, part) || strchr(err.text, '\n'))
        fail_msg("no \"%s\" in \"%s\"", part, err.text);
    assert_null(buf.write);
    assert_null(buf.run);
    codebuf_free(&buf);
    assert_false(codebuf_new(&buf, size, NULL));
}

static void test_wrong_sizes(void **state)
{
    (void)state;
    expect_error(0, "0 bytes");
    expect_error((size_t)1 << 31, "2 GiB");
    expect_error(INT32_MAX, "2 GiB"); /* rounded up, it would not fit either */
    expect_error(SIZE_MAX, "2 GiB");
    expect_error((size_t)1 << 40, "2 GiB");
}

/* A host that refuses the file: no descriptors left. */
static void test_refused(void **state)
{
    (void)state;
    struct rlimit old, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    expect_error(4096, "memfd_create: ");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

/* A host that refuses a view: address space for less than the first one, or for the first one only. */
static void test_no_address_space(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__)
    skip(); /* the sanitizer's own mappings are beyond any limit */
#endif
    enum { SIZE = 1 << 30 };
    unsigned files = open_files();
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%ld", &pages), 1);
    fclose(statm);
    size_t in_use = (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
    static const char *const views[] = {"writable view: ", "executable view: "};
    struct rlimit old, limit;
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    for (unsigned n = 0; n < 2; n++) {
        limit = old;
        limit.rlim_cur = in_use + n * SIZE + SIZE / 2;
        assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
        expect_error(SIZE, views[n]);
        assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    }
    assert_int_equal(open_files(), files);
    /* What was mapped of the failures was given back. */
    long now = 0;
    statm = fopen("/proc/self/statm", "r");
    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%ld", &now), 1);
    fclose(statm);
    assert_true((size_t)now * (size_t)sysconf(_SC_PAGESIZE) < in_use + SIZE / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_views), cmocka_unit_test(test_protection),
        cmocka_unit_test(test_mappings),  cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_untouched), cmocka_unit_test(test_wrong_sizes),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_no_address_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
