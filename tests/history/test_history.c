/* Sets of pages against an array; disks that go back with the machine, also where they fail. What machines do
 * is in there_and_back.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "history/history.h"
#include "history/page_set.h"

static uint32_t chance(uint32_t below)
{
    static uint32_t seed = 1;
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(seed >> 4) * below >> 28);
}

/* ---- Sets of pages ----------------------------------------------------------------------------------- */

enum { KEYS = 3000, NONE = -1, FILLED = -2 };

typedef struct Model {
    int value[KEYS]; /* NONE, FILLED, or the first byte */
    PageSet set;
} Model;

static uint64_t key_of(unsigned n)
{
    return n % 3 ? n : (uint64_t)n << 48 | n;
}

static void fill(Model *m, unsigned count)
{
    for (unsigned n = 0; n < KEYS; n++)
        m->value[n] = NONE;
    for (unsigned k = 0; k < count; k++) {
        unsigned n = chance(KEYS);
        if (m->value[n] != NONE)
            continue;
        uint8_t *data = chance(3) ? calloc(1, PAGE_SET_PAGE) : NULL;
        m->value[n] = FILLED;
        if (data)
            m->value[n] = data[0] = (uint8_t)chance(256);
        page_set_add(&m->set, key_of(n), data);
    }
}

static void compare(const Model *m)
{
    size_t count = 0, full = 0;
    for (unsigned n = 0; n < KEYS; n++) {
        const SetPage *page = page_set_find(&m->set, key_of(n));
        assert_int_equal(page != NULL, m->value[n] != NONE);
        if (!page)
            continue;
        assert_int_equal(page->data ? page->data[0] : FILLED, m->value[n]);
        count++;
        full += page->data != NULL;
    }
    assert_int_equal(m->set.count, count);
    assert_int_equal(m->set.full, full);
    assert_true(page_set_bytes(&m->set) >= full * PAGE_SET_PAGE);
    assert_true(page_set_bytes(&m->set) <= full * (uint64_t)PAGE_SET_COST + count * 64 + 4096);
}

static void page_sets(void **state)
{
    (void)state;
    static Model a, b;
    for (unsigned round = 0; round < 40; round++) {
        bool wins = round & 1;
        fill(&a, chance(KEYS));
        fill(&b, chance(round % 4 ? KEYS : 50));
        compare(&a);
        for (unsigned n = 0; n < KEYS; n++)
            if (b.value[n] != NONE && (a.value[n] == NONE || wins))
                a.value[n] = b.value[n];
        page_set_merge(&a.set, &b.set, wins);
        assert_int_equal(b.set.count, 0);
        compare(&a);
        page_set_free(&a.set);
    }
}

/* ---- Disks ------------------------------------------------------------------------------------------- */

#define RAM 0x60000000u
#define CODE (RAM + 0x1000)

enum { DISK_BYTES = 300 * 1024 + 512, REQUESTS = 16, COPIES = 300 };

typedef struct Fixture {
    Machine *machine;
    Disk *disk;
    History *history;
    uint8_t medium[DISK_BYTES];
    int fails_after; /* so many writes succeed; -1: all */
    DiskRequest request[REQUESTS];
    uint8_t data[REQUESTS][8192];
    bool busy[REQUESTS];
    struct {
        uint64_t icount;
        uint8_t bytes[DISK_BYTES];
    } * copy;
    unsigned copies;
    uint64_t made, goal;
    bool writes;
} Fixture;

static DiskResult read_medium(void *medium, uint64_t offset, void *data, uint64_t length, Error *err)
{
    const Fixture *f = medium;
    (void)err;
    memcpy(data, f->medium + offset, length);
    return DISK_OK;
}

static DiskResult write_medium(void *medium, uint64_t offset, const void *data, uint64_t length, Error *err)
{
    Fixture *f = medium;
    if (!f->fails_after) {
        error_set(err, "the medium is broken");
        return DISK_IO_ERROR;
    }
    f->fails_after -= f->fails_after > 0;
    memcpy(f->medium + offset, data, length);
    return DISK_OK;
}

static DiskResult flush_medium(void *medium, Error *err)
{
    (void)medium;
    (void)err;
    return DISK_OK;
}

static void close_medium(void *medium)
{
    (void)medium;
}

static const MediumOps array_ops = {
    .read = read_medium, .write = write_medium, .flush = flush_medium, .close = close_medium};

static void done(DiskRequest *request)
{
    Fixture *f = request->opaque;
    f->busy[request - f->request] = false;
}

/* A random change of the disk, from nowhere. */
static void change(Fixture *f)
{
    unsigned n = chance(REQUESTS);
    if (f->busy[n])
        return;
    uint64_t length = DISK_SECTOR * (1 + (uint64_t)chance(16));
    uint64_t offset = DISK_SECTOR * (uint64_t)chance((uint32_t)((DISK_BYTES - length) / DISK_SECTOR + 1));
    memset(f->data[n], chance(4) ? (int)chance(256) : 0, sizeof f->data[n]);
    f->busy[n] = true;
    f->request[n] = (DiskRequest){.action = chance(4) ? DISK_WRITE : DISK_ZERO,
                                  .offset = offset,
                                  .length = length,
                                  .data = f->data[n],
                                  .done = done,
                                  .opaque = f};
    if (disk_submit(f->disk, &f->request[n]))
        f->busy[n] = false;
}

static void note_checkpoint(Fixture *f)
{
    HistoryInfo info;
    history_info(f->history, &info);
    if (info.made == f->made || f->copies == COPIES)
        return;
    f->made = info.made;
    f->copy[f->copies].icount = info.now;
    memcpy(f->copy[f->copies++].bytes, f->medium, DISK_BYTES);
}

static bool look(void *opaque, uint64_t timeout_ns)
{
    Fixture *f = opaque;
    history_look(f->history);
    note_checkpoint(f);
    if (f->writes)
        change(f);
    return !timeout_ns && machine_icount(f->machine) < f->goal;
}

static void start(Fixture *f)
{
    static const uint32_t code[] = {0xe2800001, 0xe5810000, 0xeafffffc}; /* counts at r1 */
    const MachineOptions options = {.cpus = 1, .memory = 4 << 20, .deterministic = true, .virtio_disks = 1};
    const MediumInfo info = {.size = DISK_BYTES, .name = "array"};
    *f = (Fixture){.fails_after = -1, .writes = true, .goal = 3000000};
    f->copy = calloc(COPIES, sizeof *f->copy);
    f->machine = machine_new(&options, log_new(NULL), NULL);
    assert_non_null(f->machine);
    machine_make_journal(f->machine);
    f->disk = disk_new("disk0", &array_ops, f, &info, f->machine->clock, f->machine->arrivals);
    disk_slot_set(&f->machine->env.disk[DISK_SLOT_VIRTIO], f->disk);
    memcpy(f->machine->ram + (CODE - RAM), code, sizeof code);
    f->machine->cpu[0]->pc = CODE;
    f->machine->cpu[0]->r[1] = RAM + 0x8000;
    f->machine->poll = look;
    f->machine->poll_opaque = f;
    f->history = history_new(f->machine, 64 << 20);
    history_pace(f->history, 0, 20000);
    note_checkpoint(f);
    machine_run(f->machine);
    f->writes = false;
    assert_true(f->copies > 20);
    /* What was submitted is not in the journal, and must not be under way. */
    for (unsigned n = 0; n < REQUESTS; n++)
        if (f->busy[n])
            disk_take_back(f->disk, &f->request[n]);
}

static void finish(Fixture *f)
{
    history_free(f->history);
    disk_free(disk_slot_set(&f->machine->env.disk[DISK_SLOT_VIRTIO], NULL));
    machine_free(f->machine);
    free(f->copy);
}

static void check_disk(const Fixture *f, unsigned number)
{
    uint64_t icount = history_checkpoint(f->history, number);
    unsigned n = 0;
    while (n < f->copies && f->copy[n].icount != icount)
        n++;
    assert_true(n < f->copies);
    assert_memory_equal(f->medium, f->copy[n].bytes, DISK_BYTES);
}

static void disks_go_back(void **state)
{
    static Fixture f;
    Error err;
    (void)state;
    start(&f);
    uint8_t *end = malloc(DISK_BYTES);
    memcpy(end, f.medium, DISK_BYTES);
    unsigned known = f.copies;
    for (unsigned n = 0; n < 200; n++) {
        unsigned number = chance(known);
        assert_true(history_go_checkpoint(f.history, number, &err));
        check_disk(&f, number);
    }
    assert_true(history_in_past(f.history));
    assert_true(history_go_checkpoint(f.history, known, &err));
    assert_false(history_in_past(f.history));
    assert_memory_equal(f.medium, end, DISK_BYTES);
    free(end);
    finish(&f);
}

/* Nothing happens then, or the past is lost, and said to be; the machine goes on. */
static void disks_fail(void **state)
{
    static Fixture f;
    Error err;
    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        start(&f);
        f.fails_after = (int)(round * round);
        bool went = history_go_checkpoint(f.history, 2, &err);
        uint32_t counted = *(uint32_t *)(f.machine->ram + 0x8000), counts = f.machine->cpu[0]->r[0];
        assert_true(counted == counts || counted + 1 == counts); /* memory and registers are of one moment */
        if (!went) {
            assert_non_null(strstr(err.text, "the medium is broken"));
            assert_non_null(history_trouble(f.history));
            assert_false(history_in_past(f.history));
        }
        f.fails_after = -1;
        f.goal = machine_icount(f.machine) + 100000;
        machine_run(f.machine);
        assert_true(machine_icount(f.machine) >= f.goal);
        assert_true(history_go(f.history, machine_icount(f.machine), &err));
        finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_sets),
        cmocka_unit_test(disks_go_back),
        cmocka_unit_test(disks_fail),
    };
    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
