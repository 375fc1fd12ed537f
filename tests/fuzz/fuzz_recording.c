/* Hostile recordings: files whose checksums are right and whose contents are not. They are refused, or
 * replayed by a machine with all its wires until the replay is found to go another way; without crash, and
 * without end.
 *
 *     fuzz_recording [--seed N] [--runs N] */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/boot.h"
#include "machine/inspect.h"
#include "snapshot/chunk.h"
#include "snapshot/recording.h"
#include "tests/fuzz/random.h"
#include "tests/fuzz/seeds.h"

enum { HUNG = 120, INSTRUCTIONS = 300000, POLLS_MOST = 3000, RECORDED_POLLS = 60 };

static char good[80], bad[80];
static unsigned polls;
static JournalChannel *hash;

static void no_handle(void *share, ShareRequest *request)
{
    (void)share;
    request->answered = 0;
}

static void no_reset(void *share)
{
    (void)share;
}

static const ShareOps no_share = {.handle = no_handle, .reset = no_reset};

static bool apply_hash(void *opaque, uint8_t what, const uint8_t *data, size_t size)
{
    char name[RECORDING_COMPONENT];
    bool sense = recording_compare_hash(opaque, what, data, size, name);
    if (*name)
        journal_fail(((Machine *)opaque)->journal, "%s differs", name);
    return sense;
}

static Machine *new_machine(void)
{
    Error err;
    const MachineOptions options = {
        .cpus = 2,
        .memory = 4 << 20,
        .deterministic = true,
        .jit = {.mode = JIT_ON, .threshold = 2},
        .semihosting = true,
        .test_device = true,
        .gpu = true,
        .virtio_nets = 1,
        .shares = 1,
        .console = true,
        .balloon = true
    };
    Machine *machine = machine_new(&options, log_new(NULL), &err);
    if (!machine || !boot_load(machine, &(BootOptions){0}, &err))
        seeds_die(err.text);
    share_port_connect(&machine->env.share[0], "share", &no_share, NULL, machine->clock, machine->arrivals);
    for (unsigned n = 0; n < NET_PORTS; n++)
        net_connect(&machine->env.net[n], true);
    machine_make_journal(machine);
    hash = journal_channel(machine->journal, "hash", apply_hash, machine);
    return machine;
}

static void free_machine(Machine *machine)
{
    share_port_disconnect(&machine->env.share[0]);
    machine_free(machine);
}

/* Something through every door. */
static void enter(Machine *machine, unsigned n)
{
    BalloonState state;
    Error err;
    uint8_t frame[80] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, [12] = 8, 6, [20] = (uint8_t)n};
    InputEvent event = {.kind = (InputEventKind)(n % 5), .code = 30, .down = true, .x = (int)n, .y = 9};
    switch (n % 12) {
    case 0:
        serial_send(&machine->env.serial[n / 12 % SERIAL_PORTS], "help\r", 5);
        break;
    case 1:
        serial_send_break(&machine->env.serial[0]);
        break;
    case 2:
        serial_resize(&machine->env.serial[SERIAL_CONSOLE], 80 + n, 25);
        break;
    case 3:
        input_send(machine->input, &event);
        break;
    case 4:
        net_receive(&machine->env.net[n / 12 % NET_PORTS], frame, sizeof frame);
        break;
    case 5:
        net_connect(&machine->env.net[NET_PORT_VIRTIO], n / 12 % 2);
        break;
    case 6:
        balloon_set_target(&machine->env.balloon, n);
        balloon_look(&machine->env.balloon, &state);
        break;
    case 7:
        display_resize(machine->display, 640 + n, 480);
        break;
    case 8:
        inspect_write_memory(machine, (int)(n / 12 % 3) - 1, 0x60000000 + 64 * n, frame, sizeof frame, &err);
        break;
    case 9:
        inspect_write_register(machine, n / 12 % 2, "r9", n, &err);
        break;
    case 10:
        machine_step_cpu(machine, n / 12 % 2, n);
        break;
    default:
        recording_note_hash(machine, hash, n % 24 < 12);
    }
}

static bool recording_poll(void *opaque, uint64_t timeout_ns)
{
    Machine *machine = opaque;
    (void)timeout_ns;
    enter(machine, polls);
    machine_pause_at(machine, machine_icount(machine) + 900);
    return ++polls < RECORDED_POLLS;
}

static void make_good(void)
{
    Error err;
    Machine *machine = new_machine();
    machine->poll = recording_poll;
    machine->poll_opaque = machine;
    machine_pause_at(machine, 1000);
    RecordingWriter *writer = recording_create(good, machine, "memory = 4M\n", &err);
    if (!writer)
        seeds_die(err.text);
    polls = 0;
    recording_note_hash(machine, hash, true);
    machine_run(machine);
    if (!recording_finish(writer, &err))
        seeds_die(err.text);
    free_machine(machine);
}

static void change(Random *random, uint8_t *data, uint64_t *size)
{
    uint32_t value = random_value(random), at = *size ? random_below(random, (uint32_t)*size) : 0;
    if (!*size)
        return;
    switch (random_below(random, 6)) {
    case 0:
        data[at] = (uint8_t)value;
        break;
    case 1:
        data[at] ^= (uint8_t)(1u << value % 8);
        break;
    case 2:
        if (*size - at >= 4)
            memcpy(data + at, &value, 4);
        break;
    case 3: /* the same inputs at other places */
        memmove(data + at, data + at / 2, *size - at);
        break;
    case 4:
        for (unsigned n = 0; n < 16 && at + n < *size; n++)
            data[at + n] = (uint8_t)random_next(random);
        break;
    default:
        if (random_one_in(random, 8))
            *size = at;
        break;
    }
}

/* Copies the good file with changes, mostly in its inputs. */
static void make_bad(Random *random)
{
    ChunkFile file;
    ChunkWriter writer;
    Error err;
    FILE *out = fopen(bad, "wb");
    if (!out || !chunk_open(&file, CHUNKS_RECORDING, good, &err) ||
        !chunk_begin(&writer, CHUNKS_RECORDING, fileno(out), &err))
        seeds_die("the good file is not good");
    for (unsigned n = 0; n < file.count; n++) {
        const Chunk *chunk = &file.chunk[n];
        uint8_t *data = malloc(chunk->length + 1);
        uint64_t size = chunk->length;
        if (!chunk_read(&file, chunk, data, &err))
            seeds_die(err.text);
        bool inputs = !strcmp(chunk->type, CHUNK_ENTRIES);
        unsigned changes = inputs ? random_below(random, 5) : random_one_in(random, 12);
        while (changes--)
            change(random, data, &size);
        if (!chunk_write(&writer, chunk->type, data, size, &err))
            seeds_die(err.text);
        free(data);
    }
    if (!chunk_finish(&writer, &err))
        seeds_die(err.text);
    fclose(out);
    chunk_close(&file);
}

static bool replaying_poll(void *opaque, uint64_t timeout_ns)
{
    const Machine *machine = opaque;
    return polls++ < POLLS_MOST && timeout_ns != UINT64_MAX && machine_icount(machine) < machine->pause_at &&
           !journal_diverged(machine->journal);
}

typedef struct Counts {
    unsigned refused, replayed, diverged;
} Counts;

static void try_seed(uint64_t seed, Counts *counts)
{
    Random random = {seed};
    Error err;
    seeds_begin(seed, HUNG);
    make_bad(&random);
    Recording *recording = recording_open(bad, &err);
    Machine *machine = recording ? new_machine() : NULL;
    bool fed = recording && recording_check_disks(recording, machine, &err) &&
               recording_feed(recording, machine->journal, &err);
    if (fed) {
        polls = 0;
        machine->poll = replaying_poll;
        machine->poll_opaque = machine;
        machine_pause_at(machine, INSTRUCTIONS);
        journal_replay(machine->journal, journal_first(machine->journal));
        machine_run(machine);
        counts->diverged += journal_diverged(machine->journal) != NULL;
    }
    counts->replayed += fed;
    counts->refused += !fed;
    recording_close(recording);
    if (machine)
        free_machine(machine);
}

int main(int argc, char **argv)
{
    uint64_t seed = 1, runs = 60;
    Counts counts = {0};
    for (int n = 1; n + 1 < argc; n += 2) {
        if (!strcmp(argv[n], "--seed"))
            seed = strtoull(argv[n + 1], NULL, 0);
        else if (!strcmp(argv[n], "--runs"))
            runs = strtoull(argv[n + 1], NULL, 0);
    }
    snprintf(good, sizeof good, "/dev/shm/armature-fuzz-recording-%d-good", (int)getpid());
    snprintf(bad, sizeof bad, "/dev/shm/armature-fuzz-recording-%d-bad", (int)getpid());
    make_good();
    for (uint64_t n = 0; n < runs; n++)
        try_seed(seed + n, &counts);
    unlink(good);
    unlink(bad);
    printf("%u refused, %u replayed, of which %u were found to go another way\n", counts.refused,
           counts.replayed, counts.diverged);
    return !(counts.refused && counts.diverged);
}
