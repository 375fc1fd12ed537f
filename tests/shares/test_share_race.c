/* While a program of the host swaps a folder of the share with a symbolic link that leads out, all the time,
 * a hostile guest tries every message by that name: nothing outside is read, changed, made or removed. Run as
 * `test_share_race [walk]`: as on a kernel without openat2. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/shares/p9_client.h"

#define RUN_NS 700000000u
#define MOST_NS 30000000000u

static bool walk_only;
static atomic_bool stop;
static atomic_uint swaps;

/* "in/place" is by turns the folder and the link to "outside". */
static void *swap(void *opaque)
{
    while (!atomic_load(&stop)) {
        if (!renameat2(AT_FDCWD, "in/place", AT_FDCWD, "in/other", RENAME_EXCHANGE))
            atomic_fetch_add(&swaps, 1);
    }
    return opaque;
}

static void put(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* All that is outside, as text. */
static void describe(char *text, size_t size)
{
    FILE *out = popen("cd outside; find . -printf '%p %y %m %s %n %T@ %C@\\n' | sort; cat file", "r");
    assert_non_null(out);
    text[fread(text, 1, size - 1, out)] = '\0';
    pclose(out);
}

static unsigned successes;

static void try(int error)
{
    successes += !error;
}

static void try_file(Client *c, uint32_t fid)
{
    if (call(c, TLOPEN, "dd", fid, D(2)))
        return;
    successes++;
    if (!call(c, TREAD, "dqd", fid, Q(0), D(100)))
        assert_false(p9_get32(&c->in) >= 6 && !memcmp(c->in.at, "secret", 6));
    try(call(c, TWRITE, "dqp", fid, Q(0), D(1), "i"));
}

static void try_all(Client *c)
{
    enum { F = 2, G, H };
    if (!call(c, TWALK, "ddws", D(ROOT), D(F), 1, "place")) {
        if (!call(c, TWALK, "ddws", D(F), D(G), 1, "file") && p9_get16(&c->in) == 1) {
            try(call(c, TSETATTR, "dddddqqqqq", D(G), D(0x1 | 0x8), D(0600), D(0), D(0), Q(6), Q(0), Q(0),
                     Q(0), Q(0)));
            try(call(c, TXATTRCREATE, "dsqd", D(G), "user.a", Q(0), D(0)));
            call(c, TCLUNK, "d", D(G));
        }
        if (!call(c, TWALK, "ddws", D(F), D(H), 1, "file") && p9_get16(&c->in) == 1) {
            try_file(c, H);
            try(call(c, TLINK, "dds", D(F), D(H), "linked"));
            call(c, TCLUNK, "d", D(H));
        }
        try(call(c, TUNLINKAT, "dsd", D(F), "victim", D(0)));
        try(call(c, TUNLINKAT, "dsd", D(F), "linked", D(0)));
        try(call(c, TMKDIR, "dsdd", D(F), "made", D(0755), D(0)));
        try(call(c, TUNLINKAT, "dsd", D(F), "made", D(0x200)));
        try(call(c, TSYMLINK, "dssd", D(F), "sym", "x", D(0)));
        try(call(c, TRENAMEAT, "dsds", D(F), "sym", D(ROOT), "sym"));
        try(call(c, TUNLINKAT, "dsd", D(ROOT), "sym", D(0)));
        try(call(c, TMKNOD, "dsdddd", D(F), "pipe", D(S_IFIFO | 0600), D(0), D(0), D(0)));
        try(call(c, TUNLINKAT, "dsd", D(F), "pipe", D(0)));
        try(call(c, TLCREATE, "dsddd", D(F), "victim", D(2), D(0644), D(0)));
        call(c, TCLUNK, "d", D(F));
    }
    if (!call(c, TWALK, "ddwss", D(ROOT), D(F), 2, "place", "file") && p9_get16(&c->in) == 2) {
        try_file(c, F);
        call(c, TCLUNK, "d", D(F));
    }
    if (!call(c, TWALK, "ddws", D(ROOT), D(F), 1, "place")) {
        if (!call(c, TLOPEN, "dd", D(F), D(0)) && !call(c, TREADDIR, "dqd", D(F), Q(0), D(1000)))
            assert_null(memmem(c->answer, c->answered, "only-outside", 12));
        call(c, TCLUNK, "d", D(F));
    }
}

static uint64_t now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* There was a race, and there was something to win. */
static bool was_a_race(unsigned rounds)
{
    return atomic_load(&swaps) > 100 && rounds > 100 && successes > 100;
}

static void test_race(void **state)
{
    (void)state;
    static char before[4096], after[4096];
    char parent[] = "/tmp/armature-race-XXXXXX", command[64];
    pthread_t thread;
    unsigned rounds = 0;
    assert_true(mkdtemp(parent) && !chdir(parent));
    assert_int_equal(mkdir("outside", 0755), 0);
    put("outside/file", "secret");
    put("outside/victim", "secret");
    put("outside/only-outside", "");
    assert_int_equal(mkdir("in", 0755) || mkdir("in/place", 0755) || symlink("../outside", "in/other"), 0);
    put("in/place/file", "inside");
    describe(before, sizeof before);
    Client *c = client_new("in", false, 0);
    if (walk_only)
        share_walk_only(c->share);
    assert_int_equal(client_attach(c, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, swap, NULL), 0);
    /* A busy host may let one of the two wait for long. */
    uint64_t enough = now() + RUN_NS, end = now() + MOST_NS;
    for (; now() < enough || (!was_a_race(rounds) && now() < end); rounds++)
        try_all(c);
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    client_free(c);
    describe(after, sizeof after);
    assert_string_equal(before, after);
    assert_true(was_a_race(rounds));
    snprintf(command, sizeof command, "rm -rf %s", parent);
    assert_int_equal(chdir("/") || system(command), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_race)};
    walk_only = argc > 1 && !strcmp(argv[1], "walk");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
