/* Recordings: what was recorded is replayed; what was changed is found, and by whom; a file that is damaged
 * or not whole is refused, or good up to there. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "snapshot/recording.h"
#include "tests/machine/journal_guest.h"

enum { POLLS = 60 };

static char folder[] = "/dev/shm/armature-test-recording-XXXXXX", path[100];

/* ---- Recording and replaying ------------------------------------------------------------------------- */

typedef struct Run {
    Machine *machine;
    JournalChannel *hash;
    RecordingWriter *writer;
    unsigned polls, compared;
    char differs[RECORDING_COMPONENT];
    bool forever; /* until it is killed */
} Run;

static bool apply_hash(void *opaque, uint8_t what, const uint8_t *data, size_t size)
{
    Run *run = opaque;
    char name[RECORDING_COMPONENT];
    bool sense = recording_compare_hash(run->machine, what, data, size, name);
    run->compared++;
    if (*name && !*run->differs)
        memcpy(run->differs, name, sizeof name);
    return sense;
}

static void begin(Run *run, JitMode jit, unsigned cpus)
{
    *run = (Run){.machine = journal_guest(cpus, jit, true)};
    run->hash = journal_channel(run->machine->journal, "hash", apply_hash, run);
    run->machine->poll_opaque = run;
}

static bool recording_poll(void *opaque, uint64_t timeout_ns)
{
    Run *run = opaque;
    Error err;
    char text[2] = {(char)('a' + run->polls % 26), 0};
    if (timeout_ns) /* idle time passes, and then somebody looks */
        usleep(timeout_ns < 100000 ? 50 : 200);
    if (run->polls % 3 == 0)
        serial_send(&run->machine->env.serial[0], text, 1);
    if (timeout_ns || run->polls % 5 == 0)
        recording_note_hash(run->machine, run->hash, run->polls % 2);
    machine_pause_at(run->machine, machine_icount(run->machine) + 1 + run->polls * 977 % 5000);
    assert_true(recording_flush(run->writer, &err));
    return ++run->polls < POLLS || run->forever;
}

static bool replaying_poll(void *opaque, uint64_t timeout_ns)
{
    const Run *run = opaque;
    const Journal *journal = run->machine->journal;
    (void)timeout_ns;
    return !journal_diverged(journal) && !*run->differs && journal_next(journal) < journal_end(journal);
}

static void record(unsigned cpus, bool forever)
{
    Run run;
    Error err;
    begin(&run, JIT_ON, cpus);
    run.forever = forever;
    run.machine->poll = recording_poll;
    run.writer = recording_create(path, run.machine, "memory = 1M\n", &err);
    assert_non_null(run.writer);
    recording_note_hash(run.machine, run.hash, true);
    machine_run(run.machine);
    recording_note_hash(run.machine, run.hash, true);
    assert_int_equal(journal_bytes(run.machine->journal), 0); /* memory does not grow */
    assert_true(recording_finish(run.writer, &err));
    machine_free(run.machine);
}

/* What it is found by: "" if nothing is. change(): on the entries before the run. */
static const char *replay(unsigned cpus, JitMode jit, void (*change)(Journal *journal))
{
    static char found[300];
    static Run run;
    Error err;
    Recording *recording = recording_open(path, &err);
    if (!recording)
        fail_msg("%s", err.text);
    begin(&run, jit, cpus);
    assert_true(recording_feed(recording, run.machine->journal, &err));
    recording_close(recording);
    if (change)
        change(run.machine->journal);
    run.machine->poll = replaying_poll;
    journal_replay(run.machine->journal, 0);
    machine_run(run.machine);
    const char *diverged = journal_diverged(run.machine->journal);
    snprintf(found, sizeof found, "%s%s", run.differs, diverged ? diverged : "");
    assert_true(run.compared);
    machine_free(run.machine);
    return found;
}

static void test_same(void **state)
{
    (void)state;
    for (unsigned cpus = 1; cpus <= 4; cpus += 3) {
        record(cpus, false);
        assert_string_equal(replay(cpus, JIT_ON, NULL), "");
        assert_string_equal(replay(cpus, JIT_OFF, NULL), "");
    }
}

/* ---- Changes ----------------------------------------------------------------------------------------- */

static JournalEntry *typed(Journal *journal)
{
    unsigned uart = journal_channel_number(journal_channel_find(journal, "uart0"));
    uint64_t number = journal_end(journal) / 2;
    while (journal_entry(journal, number)->channel != uart)
        number++;
    return (JournalEntry *)journal_entry(journal, number);
}

static void change_character(Journal *journal)
{
    typed(journal)->data[1] ^= 1;
}

static void change_time(Journal *journal)
{
    typed(journal)->place.icount += 1;
}

static void change_channel(Journal *journal)
{
    typed(journal)->channel = journal_channel_number(journal_channel_find(journal, "uart1"));
}

static void change_kind(Journal *journal)
{
    typed(journal)->data[0] = '?';
}

/* One bit of one entry: the component that first differs is named. */
static void test_changed(void **state)
{
    (void)state;
    record(1, false);
    const char *found = replay(1, JIT_ON, change_character);
    if (strcmp(found, "serial0") != 0 && strcmp(found, "uart0") != 0 && strcmp(found, "cpu0") != 0 &&
        strcmp(found, "ram") != 0)
        fail_msg("found: '%s'", found);
    assert_string_not_equal(replay(1, JIT_ON, change_time), "");
    assert_string_not_equal(replay(1, JIT_ON, change_channel), "");
    assert_non_null(strstr(replay(1, JIT_ON, change_kind), "uart0: an input that makes no sense"));
}

/* ---- Files ------------------------------------------------------------------------------------------- */

static uint8_t *contents(size_t *size)
{
    struct stat status;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &status), 0);
    uint8_t *bytes = malloc((size_t)status.st_size);
    *size = fread(bytes, 1, (size_t)status.st_size, file);
    fclose(file);
    return bytes;
}

static void put_file(const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* However much is there: refused, or good up to there. */
static void test_cut_off(void **state)
{
    (void)state;
    Error err;
    size_t size, refused = 0, taken = 0;
    unsigned most = 0;
    record(1, false);
    uint8_t *bytes = contents(&size);
    for (size_t left = 0; left < size; left += left < 800 ? 7 : 331) {
        put_file(bytes, left);
        Recording *recording = recording_open(path, &err);
        refused += !recording;
        taken += recording != NULL;
        if (recording) {
            assert_false(recording_is_whole(recording));
            assert_true(recording_entries(recording) >= most);
            most = recording_entries(recording);
        }
        recording_close(recording);
    }
    assert_true(refused > 10 && taken > 10 && most > 10);
    put_file(bytes, size / 2);
    assert_string_equal(replay(1, JIT_ON, NULL), "");
    free(bytes);
}

/* A bit of any byte: never taken for what was recorded. */
static void test_damaged(void **state)
{
    (void)state;
    Error err;
    size_t size;
    record(1, false);
    uint8_t *bytes = contents(&size);
    for (size_t at = 0; at < size; at += at < 600 ? 1 : 53) {
        bytes[at] ^= (uint8_t)(1 << at % 8);
        put_file(bytes, size);
        Recording *recording = recording_open(path, &err);
        assert_true(!recording || !recording_is_whole(recording));
        recording_close(recording);
        bytes[at] ^= (uint8_t)(1 << at % 8);
    }
    free(bytes);
}

static void test_others(void **state)
{
    (void)state;
    Error err;
    put_file((const uint8_t *)"memory = 1M\n", 12);
    assert_null(recording_open(path, &err));
    assert_non_null(strstr(err.text, "it is no recording"));
    Run run;
    begin(&run, JIT_OFF, 1);
    assert_null(recording_create("/no/such/folder/x", run.machine, "", &err));
    assert_non_null(strstr(err.text, "/no/such/folder/x"));
    machine_free(run.machine);
}

/* What a killed recorder leaves behind is replayed up to there. */
static void test_killed(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 4; n++) {
        unlink(path);
        pid_t child = fork();
        if (!child) {
            record(1, true);
            _exit(0);
        }
        struct stat status = {.st_size = 0};
        while (status.st_size < 20000 + 7000 * n) {
            usleep(1000);
            if (stat(path, &status))
                status.st_size = 0;
        }
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_string_equal(replay(1, n % 2 ? JIT_OFF : JIT_ON, NULL), "");
    }
}

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/run.rec", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),    cmocka_unit_test(test_changed), cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_damaged), cmocka_unit_test(test_others),  cmocka_unit_test(test_killed),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
