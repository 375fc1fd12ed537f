/* The journal: its list; and runs that are the same when they are replayed, wherever their input came, with
 * either engine, one CPU or several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "machine/inspect.h"
#include "machine/journal.h"
#include "machine/machine.h"
#include "snapshot/machine_hash.h"
#include "tests/machine/journal_guest.h"

/* ---- The list ------------------------------------------------------------------------------------------ */

static JournalPlace now;
static char fed[64];

static void where(void *opaque, JournalPlace *place)
{
    (void)opaque;
    *place = now;
}

static bool feed(void *opaque, uint8_t what, const uint8_t *data, size_t size)
{
    size_t length = strlen(fed);
    snprintf(fed + length, sizeof fed - length, "%s%c%.*s ", (const char *)opaque, what, (int)size,
             (const char *)data);
    return what != '?';
}

static Journal *journal;
static JournalChannel *a, *b;

static int make(void **state)
{
    (void)state;
    journal = journal_new(where, NULL);
    a = journal_channel(journal, "a", feed, "A");
    b = journal_channel(journal, "b", feed, "B");
    now = (JournalPlace){.icount = 10};
    fed[0] = 0;
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    journal_free(journal);
    return 0;
}

/* 10: Ax1, 20: By22, 20: result of B, 30: Az */
static void record(void)
{
    journal_record(journal);
    assert_true(journal_event(a, 'x', "1", 1));
    now.icount = 20;
    assert_true(journal_event(b, 'y', "22", 2));
    journal_keep(b, "answer", 6);
    now.icount = 30;
    assert_true(journal_event(a, 'z', NULL, 0));
}

static void test_doors(void **state)
{
    (void)state;
    assert_true(journal_event(NULL, 'x', "1", 1));
    assert_true(journal_event(a, 'x', "1", 1));
    assert_int_equal(journal_end(journal), 0); /* off */
    record();
    assert_int_equal(journal_end(journal), 4);
    assert_true(journal_entry(journal, 1)->place.settled == false);
    journal_replay(journal, 0);
    assert_false(journal_event(a, 'q', NULL, 0));
    assert_false(journal_open(a));
    assert_int_equal(journal_end(journal), 4);
    assert_int_equal(journal_next_event(journal)->place.icount, 10);
    journal_apply(journal);
    journal_apply(journal);
    size_t size;
    assert_memory_equal(journal_recall(b, &size), "answer", 6);
    assert_int_equal(size, 6);
    assert_int_equal(journal_next_event(journal)->place.icount, 30);
    journal_apply(journal);
    assert_string_equal(fed, "Ax1 By22 Az ");
    assert_null(journal_next_event(journal));
    assert_null(journal_diverged(journal));
}

static void test_diverged(void **state)
{
    (void)state;
    size_t size;
    record();
    journal_replay(journal, 1);
    assert_null(journal_recall(b, &size)); /* an event comes first */
    assert_non_null(strstr(journal_diverged(journal), "b: "));
    journal_replay(journal, 2);
    assert_null(journal_diverged(journal));
    journal_apply(journal); /* nobody asked for the result */
    assert_non_null(strstr(journal_diverged(journal), "b: "));
    journal_replay(journal, 2);
    assert_null(journal_recall(a, &size)); /* another's */
    assert_non_null(journal_diverged(journal));
    journal_cut(journal, 0);
    journal_record(journal);
    journal_event(a, '?', NULL, 0);
    journal_replay(journal, 0);
    journal_apply(journal);
    assert_non_null(strstr(journal_diverged(journal), "a: "));
}

static void test_numbers(void **state)
{
    (void)state;
    record();
    assert_int_equal(journal_find(journal, 0), 0);
    assert_int_equal(journal_find(journal, 11), 1);
    assert_int_equal(journal_find(journal, 20), 1);
    assert_int_equal(journal_find(journal, 31), 4);
    uint64_t bytes = journal_bytes(journal);
    journal_forget(journal, 2);
    assert_int_equal(journal_first(journal), 2);
    assert_null(journal_entry(journal, 1));
    assert_int_equal(journal_entry(journal, 3)->place.icount, 30);
    assert_int_equal(journal_find(journal, 0), 2);
    assert_true(journal_bytes(journal) < bytes);
    journal_replay(journal, 3);
    journal_forget(journal, 4); /* the replay needs it */
    assert_int_equal(journal_first(journal), 3);
    journal_cut(journal, journal_next(journal));
    assert_int_equal(journal_end(journal), 3);
    assert_null(journal_next_event(journal));
    journal_record(journal);
    journal_event(b, 'n', NULL, 0);
    assert_int_equal(journal_next(journal), 4);
    for (unsigned n = 0; n < 1000; n++) {
        journal_event(b, 'n', "abc", 3);
        journal_forget(journal, journal_end(journal) - 10);
    }
    assert_int_equal(journal_end(journal), 1004);
    assert_int_equal(journal_first(journal), 994);
    journal_forget(journal, 1004);
    assert_int_equal(journal_bytes(journal), 0);
}

static unsigned ignored, sunk;

static void on_ignored(void *opaque, const char *channel)
{
    (void)opaque;
    ignored += !strcmp(channel, "a");
}

static void sink(void *opaque, const JournalEntry *entry)
{
    (void)opaque;
    (void)entry;
    sunk++;
}

static void test_listeners(void **state)
{
    (void)state;
    ignored = sunk = 0;
    journal_on_ignored(journal, on_ignored, NULL);
    journal_on_entry(journal, sink, NULL);
    record();
    assert_int_equal(sunk, 4);
    journal_replay(journal, 0);
    journal_event(a, 'x', NULL, 0);
    journal_event(a, 'x', NULL, 0);
    assert_int_equal(ignored, 1);
    assert_int_equal(sunk, 4);
    journal_cut(journal, 0);
    journal_keep_nothing(journal, true);
    record();
    assert_int_equal(journal_bytes(journal), 0);
    assert_int_equal(journal_first(journal), 4);
}

static void test_append(void **state)
{
    (void)state;
    JournalEntry entry = {.place = {.icount = 5}, .channel = 1, .size = 2, .data = (uint8_t *)"yz"};
    assert_true(journal_append(journal, &entry));
    entry.place.icount = 4;
    assert_false(journal_append(journal, &entry)); /* before the last one */
    entry.place.icount = 6;
    entry.channel = 2;
    assert_false(journal_append(journal, &entry));
    entry.channel = 1;
    entry.size = 0;
    assert_false(journal_append(journal, &entry));
    entry.size = JOURNAL_ENTRY_MOST + 1;
    assert_false(journal_append(journal, &entry));
    assert_int_equal(journal_end(journal), 1);
}

/* ---- A machine --------------------------------------------------------------------------------------- */

enum { HASHES = 30 };

typedef struct Recording {
    MachineHash hash[HASHES];
    uint64_t icount[HASHES], time[HASHES];
    unsigned hashes, polls;
    Machine *machine;
    JournalChannel *marks;
    unsigned seed;
} Recording;

/* A mark in the journal stops both runs at the same place. */
static bool mark(void *opaque, uint8_t what, const uint8_t *data, size_t size)
{
    Recording *run = opaque;
    (void)data;
    (void)size;
    assert_int_equal(what, 'm');
    unsigned n = run->hashes++;
    assert_true(n < HASHES);
    machine_hash(run->machine, &run->hash[n]);
    run->icount[n] = machine_icount(run->machine);
    run->time[n] = clock_now(run->machine->clock);
    return true;
}

static unsigned random_below(Recording *run, unsigned most)
{
    run->seed = run->seed * 1103515245 + 12345;
    return (run->seed >> 16) % most;
}

/* The host, at moments that are its own. */
static bool recording_poll(void *opaque, uint64_t timeout_ns)
{
    Recording *run = opaque;
    Machine *m = run->machine;
    Error err;
    char text[3] = "ab";
    if (timeout_ns) {
        uint64_t most = 50000 + random_below(run, 200000), wait = timeout_ns < most ? timeout_ns : most;
        nanosleep(&(struct timespec){0, (long)wait}, NULL);
    }
    text[0] = (char)('a' + random_below(run, 26));
    switch (random_below(run, 12)) {
    case 0:
    case 1:
    case 2:
        serial_send(&m->env.serial[0], text, 1 + random_below(run, 2));
        break;
    case 3:
        input_send(m->input, &(InputEvent){.kind = INPUT_KEY, .code = 30, .down = true});
        input_send(m->input, &(InputEvent){.kind = INPUT_KEY, .code = 30, .down = false});
        break;
    case 4:
        assert_true(inspect_write_memory(m, -1, RAM + 0x2000, text, 2, &err));
        break;
    case 5:
        assert_true(inspect_write_register(m, 0, "r8", random_below(run, 1000), &err));
        break;
    case 6:
        machine_step_cpu(m, m->options.cpus - 1, random_below(run, 300));
        break;
    case 7:
    case 8:
        if (run->hashes < HASHES && run->polls % 3 == 0) {
            journal_event(run->marks, 'm', NULL, 0);
            mark(run, 'm', NULL, 0);
        }
        break;
    default:
        machine_yield(m);
    }
    run->polls++;
    /* The next look at the host: anywhere, not only between slices. */
    machine_pause_at(m, machine_icount(m) + 1 + random_below(run, 9000));
    return run->hashes < HASHES;
}

static bool replaying_poll(void *opaque, uint64_t timeout_ns)
{
    Recording *run = opaque;
    (void)timeout_ns;
    serial_send(&run->machine->env.serial[0], "ignored", 7);
    /* Who looks, or steps the only CPU, changes nothing. */
    if (run->machine->options.cpus == 1)
        machine_step_cpu(run->machine, 0, random_below(run, 200));
    machine_pause_at(run->machine, machine_icount(run->machine) + 1 + random_below(run, 20000));
    return run->hashes < HASHES && !journal_diverged(run->machine->journal);
}

static void watch(Recording *run, Machine *machine)
{
    run->machine = machine;
    run->marks = journal_channel(machine->journal, "marks", mark, run);
    machine->poll_opaque = run;
}

static void copy_entries(Journal *to, const Journal *from)
{
    for (uint64_t n = journal_first(from); n < journal_end(from); n++)
        assert_true(journal_append(to, journal_entry(from, n)));
}

static void compare(const Recording *one, const Recording *two)
{
    assert_int_equal(two->hashes, HASHES);
    for (unsigned n = 0; n < HASHES; n++) {
        assert_int_equal(one->icount[n], two->icount[n]);
        assert_int_equal(one->time[n], two->time[n]);
        const char *difference = machine_hash_difference(&one->hash[n], &two->hash[n]);
        if (difference)
            fail_msg("mark %u at %llu: %s", n, (unsigned long long)one->icount[n], difference);
    }
}

static void replay(const Recording *first, unsigned cpus, JitMode jit)
{
    Machine *machine = journal_guest(cpus, jit, true);
    Recording *run = calloc(1, sizeof *run);
    watch(run, machine);
    copy_entries(machine->journal, first->machine->journal);
    machine->poll = replaying_poll;
    journal_replay(machine->journal, 0);
    machine_run(machine);
    if (journal_diverged(machine->journal))
        fail_msg("%s", journal_diverged(machine->journal));
    compare(first, run);
    machine_free(machine);
    free(run);
}

static void check_same(unsigned cpus, bool paced, unsigned seed)
{
    Machine *machine = journal_guest(cpus, JIT_ON, paced);
    Recording *first = calloc(1, sizeof *first);
    first->seed = seed;
    watch(first, machine);
    machine->poll = recording_poll;
    journal_record(machine->journal);
    machine_run(machine);
    assert_true(journal_end(machine->journal) > HASHES);
    for (unsigned n = 0; n < cpus; n++)
        assert_true(cpu_icount(machine->cpu[n]) > 1000);
    replay(first, cpus, JIT_ON);
    replay(first, cpus, JIT_OFF);
    machine_free(machine);
    free(first);
}

/* ARMATURE_JOURNAL_SEEDS: more. */
static unsigned seeds(void)
{
    const char *text = getenv("ARMATURE_JOURNAL_SEEDS");
    return text ? (unsigned)atoi(text) : 3;
}

static void test_one_cpu(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed < seeds(); seed++)
        check_same(1, true, seed);
    check_same(1, false, 9);
}

static void test_four_cpus(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed < seeds(); seed++)
        check_same(4, true, seed);
    check_same(2, false, 9);
}

/* Idle time passes on the host, too, but not while a journal is replayed. */
static void test_paced(void **state)
{
    (void)state;
    struct timespec before, after;
    Machine *machine = journal_guest(1, JIT_ON, true);
    Recording *run = calloc(1, sizeof *run);
    run->machine = machine;
    clock_gettime(CLOCK_MONOTONIC, &before);
    run->hashes = 0;
    watch(run, machine);
    machine->poll = recording_poll;
    run->seed = 5;
    journal_record(machine->journal);
    machine_run(machine);
    clock_gettime(CLOCK_MONOTONIC, &after);
    uint64_t host = (uint64_t)(after.tv_sec - before.tv_sec) * 1000000000u + (uint64_t)after.tv_nsec -
                    (uint64_t)before.tv_nsec;
    uint64_t idle = clock_now(machine->clock) - machine_icount(machine) * 5;
    assert_true(idle > 0 && host >= idle);
    machine_free(machine);
    free(run);
}

/* ---- Failures of the host ---------------------------------------------------------------------------- */

enum { BLOCK = 512, REQUESTS = 4 };

static bool host_fails;
static unsigned requests_done;
static DiskResult results[REQUESTS];

/* The third block cannot be read, but something comes. */
static DiskResult read_block(void *medium, uint64_t offset, void *data, uint64_t length, Error *err)
{
    bool bad = host_fails && offset == 2 * BLOCK;
    (void)medium;
    memset(data, bad ? 0xbd : 0x60, length);
    if (!bad)
        return DISK_OK;
    error_set(err, "a bad block");
    return DISK_IO_ERROR;
}

static DiskResult no_flush(void *medium, Error *err)
{
    (void)medium;
    (void)err;
    return DISK_OK;
}

static void no_close(void *medium)
{
    (void)medium;
}

static void request_done(DiskRequest *request)
{
    results[request->offset / BLOCK] = request->result;
    requests_done++;
}

static bool until_done(void *opaque, uint64_t timeout_ns)
{
    (void)opaque;
    (void)timeout_ns;
    return requests_done < REQUESTS;
}

/* A guest reads four blocks; returns the sum of what it got. */
static unsigned read_blocks(Machine *machine, bool fails)
{
    static const MediumOps ops = {.read = read_block, .flush = no_flush, .close = no_close};
    static uint8_t data[REQUESTS][BLOCK];
    const MediumInfo info = {.size = REQUESTS * BLOCK, .read_only = true};
    DiskRequest request[REQUESTS];
    DiskSlot *slot = &machine->env.disk[DISK_SLOT_SD];
    unsigned sum = 0;
    Disk *disk = disk_new("sd", &ops, NULL, &info, machine->clock, machine->arrivals);
    host_fails = fails;
    requests_done = 0;
    slot->changed = NULL; /* the card is the test's */
    disk_slot_set(slot, disk);
    for (unsigned n = 0; n < REQUESTS; n++) {
        request[n] = (DiskRequest){
            .action = DISK_READ, .offset = n * BLOCK, .length = BLOCK, .data = data[n], .done = request_done};
        assert_false(disk_submit(disk, &request[n]));
    }
    machine->poll = until_done;
    machine_run(machine);
    for (unsigned n = 0; n < REQUESTS * BLOCK; n++)
        sum += data[n / BLOCK][n % BLOCK];
    disk_free(disk_slot_set(slot, NULL));
    return sum;
}

/* They come again on a host that does not fail; one that fails where it did not is found. */
static void test_failures(void **state)
{
    (void)state;
    Machine *first = journal_guest(1, JIT_ON, false), *second = journal_guest(1, JIT_OFF, false),
            *third = journal_guest(1, JIT_OFF, false);
    journal_record(first->journal);
    unsigned sum = read_blocks(first, true);
    assert_int_equal(results[1], DISK_OK);
    assert_int_equal(results[2], DISK_IO_ERROR);
    assert_int_equal(journal_end(first->journal), 1);
    copy_entries(second->journal, first->journal);
    journal_replay(second->journal, 0);
    assert_int_equal(read_blocks(second, false), sum);
    assert_int_equal(results[2], DISK_IO_ERROR);
    assert_int_equal(results[3], DISK_OK);
    assert_null(journal_diverged(second->journal));
    journal_replay(third->journal, 0);
    read_blocks(third, true);
    assert_non_null(strstr(journal_diverged(third->journal), "sd: the host failed"));
    machine_free(first);
    machine_free(second);
    machine_free(third);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_doors, make, unmake),
        cmocka_unit_test_setup_teardown(test_diverged, make, unmake),
        cmocka_unit_test_setup_teardown(test_numbers, make, unmake),
        cmocka_unit_test_setup_teardown(test_listeners, make, unmake),
        cmocka_unit_test_setup_teardown(test_append, make, unmake),
        cmocka_unit_test(test_one_cpu),
        cmocka_unit_test(test_four_cpus),
        cmocka_unit_test(test_paced),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
