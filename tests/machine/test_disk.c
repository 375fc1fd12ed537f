/* Disks over a medium of the test's own: order, what is done at once, draining, failures, deterministic time.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "machine/disk.h"

enum { SIZE = 64 * DISK_SECTOR + 100, LOG = 256 };

typedef struct Medium {
    uint8_t data[SIZE];
    char log[LOG]; /* a letter for each operation, in the order in which they were made */
    unsigned ops;
    DiskResult fail; /* what every operation answers */
    const char *why;
    bool cached, quick, closed;
    unsigned slow_us; /* what a write takes */
    atomic_bool hold; /* operations wait until this is false */
} Medium;

static DiskResult note(Medium *m, char letter, Error *err)
{
    while (atomic_load(&m->hold))
        usleep(100);
    if (m->ops + 1 < LOG)
        m->log[m->ops++] = letter;
    if (m->fail)
        error_set(err, "%s", m->why);
    return m->fail;
}

static DiskResult medium_read(void *medium, uint64_t offset, void *data, uint64_t length, Error *err)
{
    Medium *m = medium;
    assert_true(offset + length <= SIZE);
    memcpy(data, m->data + offset, length);
    return note(m, 'r', err);
}

static DiskResult medium_write(void *medium, uint64_t offset, const void *data, uint64_t length, Error *err)
{
    Medium *m = medium;
    DiskResult result = note(m, 'w', err);
    usleep(m->slow_us);
    assert_true(offset + length <= SIZE);
    if (!result)
        memcpy(m->data + offset, data, length);
    return result;
}

static DiskResult medium_flush(void *medium, Error *err)
{
    return note(medium, 'f', err);
}

static DiskResult medium_discard(void *medium, uint64_t offset, uint64_t length, Error *err)
{
    assert_true(offset + length <= SIZE);
    return note(medium, 'd', err);
}

static bool medium_read_now(void *medium, uint64_t offset, void *data, uint64_t length)
{
    Medium *m = medium;
    if (m->cached)
        memcpy(data, m->data + offset, length);
    return m->cached;
}

static bool medium_may_write_now(void *medium, uint64_t offset, uint64_t length)
{
    assert_true(offset + length <= SIZE);
    return ((Medium *)medium)->quick;
}

static void medium_close(void *medium)
{
    ((Medium *)medium)->closed = true;
}

static const MediumOps ops = {.read = medium_read,
                              .write = medium_write,
                              .flush = medium_flush,
                              .discard = medium_discard,
                              .read_now = medium_read_now,
                              .may_write_now = medium_may_write_now,
                              .close = medium_close};

/* ---- A disk and what it needs ------------------------------------------------------------------------ */

typedef struct Setup {
    Medium medium;
    Arrivals *arrivals;
    Clock *clock;
    uint64_t now;
    Disk *disk;
    char done[LOG]; /* a letter for each request that is done */
    unsigned told;
    char text[200];
} Setup;

static uint64_t time_now(void *opaque)
{
    return *(uint64_t *)opaque;
}

static void trouble(void *opaque, const char *text)
{
    Setup *s = opaque;
    s->told++;
    snprintf(s->text, sizeof s->text, "%s", text);
}

static Setup *make(bool deterministic, bool read_only)
{
    Setup *s = calloc(1, sizeof *s);
    MediumInfo info = {.size = SIZE, .read_only = read_only, .serial = "S1", .name = "a.img"};
    s->medium.why = "a.img: broken";
    s->arrivals = arrivals_new();
    s->clock = clock_new(time_now, &s->now);
    s->disk = disk_new("disk0", &ops, &s->medium, &info, deterministic ? s->clock : NULL, s->arrivals);
    disk_on_trouble(s->disk, trouble, s);
    for (unsigned n = 0; n < SIZE; n++)
        s->medium.data[n] = (uint8_t)(n / DISK_SECTOR + 1);
    return s;
}

static void drop(Setup *s)
{
    atomic_store(&s->medium.hold, false);
    disk_free(s->disk);
    assert_true(s->medium.closed);
    clock_free(s->clock);
    arrivals_free(s->arrivals);
    free(s);
}

typedef struct Asked {
    DiskRequest request;
    Setup *setup;
    char name;
    uint8_t data[8 * DISK_SECTOR];
    DiskRequest *then; /* is submitted when this one is done */
    bool drains;
} Asked;

static void done(DiskRequest *request)
{
    Asked *asked = request->opaque;
    char *at = asked->setup->done + strlen(asked->setup->done);
    at[0] = asked->name;
    at[1] = 0;
    if (asked->then)
        assert_false(disk_submit(asked->setup->disk, asked->then));
    if (asked->drains)
        disk_drain(asked->setup->disk);
}

static void prepare(Asked *asked, Setup *s, char name, DiskAction action, unsigned sector, unsigned sectors)
{
    memset(asked, 0, sizeof *asked);
    asked->setup = s;
    asked->name = name;
    asked->request = (DiskRequest){.action = action,
                                   .offset = (uint64_t)sector * DISK_SECTOR,
                                   .length = (uint64_t)sectors * DISK_SECTOR,
                                   .data = action == DISK_READ || action == DISK_WRITE ? asked->data : NULL,
                                   .done = done,
                                   .opaque = asked};
}

static bool submit(Asked *asked, Setup *s, char name, DiskAction action, unsigned sector, unsigned sectors)
{
    prepare(asked, s, name, action, sector, sectors);
    return disk_submit(s->disk, &asked->request);
}

/* ---- Tests ------------------------------------------------------------------------------------------- */

static void test_order(void **state)
{
    (void)state;
    Setup *s = make(false, false);
    Asked a[4];
    atomic_store(&s->medium.hold, true);
    assert_false(submit(&a[0], s, 'a', DISK_WRITE, 3, 1));
    assert_false(submit(&a[1], s, 'b', DISK_READ, 3, 2));
    assert_false(submit(&a[2], s, 'c', DISK_FLUSH, 0, 0));
    assert_false(submit(&a[3], s, 'd', DISK_DISCARD, 0, 1));
    assert_int_equal(disk_under_way(s->disk), 4);
    assert_string_equal(s->done, "");
    atomic_store(&s->medium.hold, false);
    while (disk_under_way(s->disk))
        arrivals_deliver(s->arrivals);
    assert_string_equal(s->done, "abcd");
    assert_string_equal(s->medium.log, "wrfd");
    assert_int_equal(a[1].data[0], 0); /* what was written before */
    assert_int_equal(a[1].data[DISK_SECTOR], 5);
    const DiskStats *stats = disk_stats(s->disk);
    assert_int_equal(stats->requests[DISK_READ], 1);
    assert_int_equal(stats->bytes[DISK_READ], 2 * DISK_SECTOR);
    assert_int_equal(stats->requests[DISK_FLUSH], 1);
    assert_int_equal(stats->errors, 0);
    drop(s);
}

static void test_at_once(void **state)
{
    (void)state;
    Setup *s = make(false, false);
    Asked a[3];
    s->medium.cached = true;
    assert_true(submit(&a[0], s, 'a', DISK_READ, 7, 1));
    assert_int_equal(a[0].request.result, DISK_OK);
    assert_int_equal(a[0].data[0], 8);
    assert_int_equal(disk_stats(s->disk)->at_once, 1);
    /* A read must not overtake the write before it. */
    atomic_store(&s->medium.hold, true);
    assert_false(submit(&a[1], s, 'b', DISK_WRITE, 7, 1));
    assert_false(submit(&a[2], s, 'c', DISK_READ, 7, 1));
    atomic_store(&s->medium.hold, false);
    disk_drain(s->disk);
    assert_int_equal(a[2].data[0], 0);
    assert_string_equal(s->done, "bc");
    drop(s);
}

static void test_writes_at_once(void **state)
{
    (void)state;
    Setup *s = make(false, false);
    Asked a[3];
    assert_false(submit(&a[0], s, 'a', DISK_WRITE, 7, 1));
    disk_drain(s->disk);
    s->medium.quick = true;
    assert_true(submit(&a[0], s, 'a', DISK_WRITE, 7, 1));
    assert_int_equal(a[0].request.result, DISK_OK);
    assert_int_equal(disk_stats(s->disk)->at_once, 1);
    assert_int_equal(disk_stats(s->disk)->requests[DISK_WRITE], 2);
    /* What fails is told as if the thread had done it. */
    s->medium.fail = DISK_NO_SPACE;
    assert_true(submit(&a[0], s, 'a', DISK_WRITE, 7, 1));
    assert_int_equal(a[0].request.result, DISK_NO_SPACE);
    assert_int_equal(s->told, 1);
    s->medium.fail = DISK_OK;
    /* It must not overtake the flush before it. */
    atomic_store(&s->medium.hold, true);
    assert_false(submit(&a[1], s, 'b', DISK_FLUSH, 0, 0));
    assert_false(submit(&a[2], s, 'c', DISK_WRITE, 7, 1));
    atomic_store(&s->medium.hold, false);
    disk_drain(s->disk);
    assert_string_equal(s->done, "abc");
    drop(s);
}

/* A host that makes writers wait does not make the machine wait again and again. */
static void test_slow_writes(void **state)
{
    (void)state;
    Setup *s = make(false, false);
    Asked a[2];
    s->medium.quick = true;
    s->medium.slow_us = 6000;
    assert_true(submit(&a[0], s, 'a', DISK_WRITE, 7, 1));
    s->medium.slow_us = 0;
    assert_false(submit(&a[0], s, 'a', DISK_WRITE, 7, 1));
    disk_drain(s->disk);
    usleep(110000);
    assert_true(submit(&a[1], s, 'b', DISK_WRITE, 7, 1));
    drop(s);
}

static void test_drain(void **state)
{
    (void)state;
    Setup *s = make(false, false);
    Asked a[20], more;
    prepare(&more, s, 'z', DISK_FLUSH, 0, 0);
    for (unsigned n = 0; n < 20; n++)
        assert_false(submit(&a[n], s, (char)('a' + n), DISK_WRITE, n, 1));
    a[0].drains = true;         /* while the others are told */
    a[19].then = &more.request; /* draining means this one, too */
    disk_drain(s->disk);
    assert_int_equal(disk_under_way(s->disk), 0);
    assert_string_equal(s->done, "abcdefghijklmnopqrstz");
    disk_drain(s->disk);
    drop(s);
}

/* Wherever a request is when it is taken back, its device does not hear of it again. */
static void take_back(bool deterministic)
{
    Setup *s = make(deterministic, false);
    Asked a[6];
    atomic_store(&s->medium.hold, !deterministic);
    for (unsigned n = 0; n < 6; n++)
        assert_false(submit(&a[n], s, (char)('a' + n), DISK_WRITE, n, 1));
    disk_take_back(s->disk, &a[5].request);
    disk_take_back(s->disk, &a[2].request);
    atomic_store(&s->medium.hold, false);
    disk_take_back(s->disk, &a[0].request); /* perhaps the thread works on it */
    assert_int_equal(disk_under_way(s->disk), 3);
    s->now += 1000000000;
    clock_run_due(s->clock);
    disk_drain(s->disk);
    assert_int_equal(disk_under_way(s->disk), 0);
    assert_string_equal(s->done, "bde");
    drop(s);
}

static void test_take_back(void **state)
{
    (void)state;
    take_back(true);
    for (unsigned n = 0; n < 50; n++)
        take_back(false);
}

static void test_refused(void **state)
{
    (void)state;
    Setup *s = make(false, true);
    Asked a;
    assert_true(submit(&a, s, 'a', DISK_WRITE, 0, 1));
    assert_int_equal(a.request.result, DISK_READ_ONLY);
    assert_true(submit(&a, s, 'a', DISK_ZERO, 0, 1));
    assert_int_equal(a.request.result, DISK_READ_ONLY);
    assert_true(submit(&a, s, 'a', DISK_DISCARD, 0, 1));
    assert_int_equal(a.request.result, DISK_READ_ONLY);
    assert_true(submit(&a, s, 'a', DISK_READ, 65, 1));
    assert_int_equal(a.request.result, DISK_OUTSIDE);
    assert_true(submit(&a, s, 'a', DISK_READ, 64, 2));
    assert_int_equal(a.request.result, DISK_OUTSIDE);
    prepare(&a, s, 'a', DISK_READ, 0, 1);
    a.request.offset = UINT64_MAX - DISK_SECTOR + 1;
    assert_true(disk_submit(s->disk, &a.request));
    assert_int_equal(a.request.result, DISK_OUTSIDE);
    assert_false(submit(&a, s, 'f', DISK_FLUSH, 0, 0));
    disk_drain(s->disk);
    assert_int_equal(a.request.result, DISK_OK);
    assert_string_equal(s->medium.log, "");
    assert_int_equal(s->told, 0);
    drop(s);
}

/* The medium ends in the middle of a sector. */
static void test_tail(void **state)
{
    (void)state;
    Setup *s = make(false, false);
    Asked a;
    assert_int_equal(disk_size(s->disk), 65 * DISK_SECTOR);
    prepare(&a, s, 'a', DISK_READ, 63, 2);
    memset(a.data, 0xaa, sizeof a.data);
    disk_submit(s->disk, &a.request);
    disk_drain(s->disk);
    assert_int_equal(a.data[0], 64);
    assert_int_equal(a.data[DISK_SECTOR + 99], 65);
    assert_int_equal(a.data[DISK_SECTOR + 100], 0);
    assert_int_equal(a.data[2 * DISK_SECTOR - 1], 0);
    prepare(&a, s, 'b', DISK_WRITE, 64, 1);
    memset(a.data, 0x77, DISK_SECTOR);
    disk_submit(s->disk, &a.request);
    disk_drain(s->disk);
    assert_int_equal(a.request.result, DISK_OK);
    assert_int_equal(s->medium.data[SIZE - 1], 0x77);
    submit(&a, s, 'c', DISK_ZERO, 64, 1); /* this medium has no zero() */
    disk_drain(s->disk);
    assert_int_equal(s->medium.data[SIZE - 1], 0);
    drop(s);
}

/* Any bytes, without being a request. */
static void test_peek(void **state)
{
    (void)state;
    Setup *s = make(true, false);
    uint8_t data[DISK_SECTOR + 10];
    Error err;
    assert_true(disk_peek(s->disk, DISK_SECTOR - 5, data, 10, &err));
    assert_int_equal(data[4], 1);
    assert_int_equal(data[5], 2);
    assert_true(disk_peek(s->disk, disk_size(s->disk) - sizeof data, data, sizeof data, &err));
    assert_int_equal(data[9], 64);
    assert_int_equal(data[10 + 99], 65);
    assert_int_equal(data[10 + 100], 0);
    assert_false(disk_peek(s->disk, disk_size(s->disk) - 1, data, 2, &err));
    assert_false(disk_peek(s->disk, UINT64_MAX, data, 2, &err));
    assert_int_equal(disk_stats(s->disk)->requests[DISK_READ], 0);
    drop(s);
}

static void ask(Setup *s, DiskAction action, unsigned times)
{
    Asked a;
    for (unsigned n = 0; n < times; n++) {
        submit(&a, s, 'x', action, 0, action == DISK_FLUSH ? 0 : 1);
        disk_drain(s->disk);
        s->done[0] = 0;
        assert_int_equal(a.request.result, s->medium.fail);
    }
}

static void test_trouble(void **state)
{
    (void)state;
    Setup *s = make(false, false);
    s->medium.fail = DISK_NO_SPACE;
    ask(s, DISK_WRITE, 3);
    assert_int_equal(s->told, 1);
    assert_string_equal(s->text, "a.img: broken; the guest gets I/O errors: make room, then reboot it");
    assert_int_equal(disk_stats(s->disk)->errors, 3);
    /* Reads go well meanwhile, and some writes: still the same trouble. */
    s->medium.fail = DISK_OK;
    ask(s, DISK_READ, 200);
    ask(s, DISK_WRITE, 5);
    s->medium.fail = DISK_NO_SPACE;
    ask(s, DISK_WRITE, 2);
    assert_int_equal(s->told, 1);
    /* Another one is news, and so is the same after it was well for long. */
    s->medium.why = "a.img: really broken";
    ask(s, DISK_WRITE, 2);
    assert_int_equal(s->told, 2);
    assert_non_null(strstr(s->text, "a.img: really broken; "));
    s->medium.fail = DISK_OK;
    ask(s, DISK_WRITE, 100);
    s->medium.fail = DISK_NO_SPACE;
    ask(s, DISK_WRITE, 2);
    assert_int_equal(s->told, 3);
    ask(s, DISK_FLUSH, 2);
    assert_int_equal(s->told, 4);
    drop(s);
}

static void run_until(Setup *s, uint64_t now)
{
    s->now = now;
    clock_run_due(s->clock);
}

static void test_deterministic(void **state)
{
    (void)state;
    Setup *s = make(true, false);
    Asked a[3], again;
    s->medium.cached = true; /* must make no difference */
    s->now = 1000;
    assert_false(submit(&a[0], s, 'a', DISK_READ, 0, 2));
    assert_false(submit(&a[1], s, 'b', DISK_WRITE, 1, 1));
    assert_false(submit(&a[2], s, 'c', DISK_FLUSH, 0, 0));
    uint64_t due[] = {a[0].request.due, a[1].request.due, a[2].request.due};
    assert_true(due[0] > 1000 && due[1] > due[0] && due[2] > due[1]);
    disk_drain(s->disk);
    assert_int_equal(disk_under_way(s->disk), 3);
    run_until(s, due[0] - 1);
    assert_string_equal(s->done, "");
    run_until(s, due[0]);
    assert_string_equal(s->done, "a");
    assert_int_equal(a[0].data[DISK_SECTOR], 2);
    assert_int_equal(a[0].request.due, 0);
    run_until(s, due[2]);
    assert_string_equal(s->done, "abc");
    assert_string_equal(s->medium.log, "rwf");
    /* What a snapshot saved keeps its time. */
    prepare(&again, s, 'd', DISK_READ, 0, 1);
    again.request.due = due[2] + 12345;
    assert_false(disk_submit(s->disk, &again.request));
    run_until(s, due[2] + 12344);
    assert_string_equal(s->done, "abc");
    run_until(s, due[2] + 12345);
    assert_string_equal(s->done, "abcd");
    s->medium.fail = DISK_IO_ERROR;
    assert_false(submit(&a[0], s, 'e', DISK_READ, 0, 1));
    run_until(s, due[2] + 1000000);
    assert_int_equal(a[0].request.result, DISK_IO_ERROR);
    assert_int_equal(s->told, 1);
    drop(s);
}

/* The same requests, the same times. */
static void test_same_times(void **state)
{
    (void)state;
    uint64_t due[2][3];
    for (unsigned run = 0; run < 2; run++) {
        Setup *s = make(true, false);
        Asked a[3];
        for (unsigned n = 0; n < 3; n++) {
            submit(&a[n], s, 'a', DISK_READ, n, n + 1);
            due[run][n] = a[n].request.due;
            s->now += 7000;
        }
        drop(s);
    }
    assert_memory_equal(due[0], due[1], sizeof due[0]);
}

static void test_free_while_busy(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 50; round++) {
        Setup *s = make(round % 5 == 4, false);
        static Asked a[30];
        for (unsigned n = 0; n < 30; n++)
            submit(&a[n], s, 'a', n % 3 ? DISK_WRITE : DISK_READ, n, 2);
        if (round % 3 == 0)
            usleep(round * 10);
        drop(s);
    }
}

static void slot_changed(void *opaque)
{
    ++*(unsigned *)opaque;
}

static void test_slot(void **state)
{
    (void)state;
    Setup *s = make(false, false), *other = make(false, false);
    unsigned changes = 0;
    DiskSlot slot = {.changed = slot_changed, .changed_opaque = &changes};
    Asked a;
    assert_null(disk_slot_set(&slot, s->disk));
    submit(&a, s, 'a', DISK_WRITE, 0, 1);
    assert_ptr_equal(disk_slot_set(&slot, other->disk), s->disk);
    assert_string_equal(s->done, "a");
    assert_int_equal(changes, 2);
    assert_ptr_equal(disk_slot_set(&slot, NULL), other->disk);
    assert_null(slot.disk);
    assert_int_equal(changes, 3);
    drop(s);
    drop(other);
    s = make(true, false); /* in deterministic time, too, none is lost */
    assert_null(disk_slot_set(&slot, s->disk));
    assert_false(submit(&a, s, 'a', DISK_WRITE, 0, 1));
    disk_slot_set(&slot, NULL);
    assert_string_equal(s->done, "a");
    run_until(s, 1000000);
    drop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_writes_at_once),
        cmocka_unit_test(test_slow_writes),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_take_back),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_tail),
        cmocka_unit_test(test_peek),
        cmocka_unit_test(test_trouble),
        cmocka_unit_test(test_deterministic),
        cmocka_unit_test(test_same_times),
        cmocka_unit_test(test_free_while_busy),
        cmocka_unit_test(test_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
