/* Runs a machine while inputs come at moments of the host's choosing, takes its hash at random places, and
 * goes back and forth between them: at each, the hash must be what it was when the machine came there first,
 * and nothing may be printed twice. Then it goes another way from the past, several times. The budget is
 * looked at all the time. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "history/history.h"
#include "machine/boot.h"
#include "snapshot/machine_hash.h"

enum { PLACES_MOST = 4000, OUTPUT_MOST = 1 << 22 };

typedef struct Options {
    MachineOptions machine;
    BootOptions boot;
    const char *send; /* typed again and again, a few characters at a time */
    uint64_t seed, least, most, budget, between;
    unsigned places, visits;
    bool verbose;
} Options;

static Options options = {
    .machine = {.cpus = 1, .memory = 64 << 20, .deterministic = true, .jit = {.threshold = 4}},
    .seed = 1,
    .places = 40,
    .visits = 120,
    .most = 20000000,
    .budget = 256 << 20,
    .between = 300000,
};

typedef struct Run {
    Machine *machine;
    History *history;
    uint64_t icount[PLACES_MOST], goal;
    MachineHash *hash;             /* [PLACES_MOST] */
    uint64_t printed[PLACES_MOST]; /* characters before that place */
    unsigned known;
    char *output;
    size_t length, typed;
    bool types, fixed;
} Run;

static void stop(const char *what, uint64_t at, const char *detail)
{
    fprintf(stderr, "there_and_back: seed %llu, instruction %llu: %s%s%s\n", (unsigned long long)options.seed,
            (unsigned long long)at, what, detail ? ": " : "", detail ? detail : "");
    exit(1);
}

static uint64_t next_random(void)
{
    static uint64_t state;
    state = state ? state : options.seed;
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return state >> 33;
}

static void printed(void *opaque, uint8_t ch)
{
    Run *run = opaque;
    if (run->length == OUTPUT_MOST)
        stop("the guest says too much", machine_icount(run->machine), NULL);
    run->output[run->length++] = (char)ch;
}

/* Something comes from outside, whenever. */
static void type(Run *run)
{
    size_t length = options.send ? strlen(options.send) : 0;
    if (!run->types || !length || history_in_past(run->history) || next_random() % 4)
        return;
    serial_send(&run->machine->env.serial[0], options.send + run->typed++ % length, 1);
    if (!(next_random() % 4))
        input_send(run->machine->input, &(InputEvent){.kind = INPUT_MOVE, .x = 3, .y = -2});
}

static void check_budget(const Run *run)
{
    HistoryInfo info;
    history_info(run->history, &info);
    if (info.bytes > options.budget || info.most_bytes > options.budget)
        stop("the budget is exceeded", info.now, NULL);
}

static bool poll(void *opaque, uint64_t timeout_ns)
{
    Run *run = opaque;
    history_look(run->history);
    check_budget(run);
    if (history_trouble(run->history))
        stop(history_trouble(run->history), machine_icount(run->machine), NULL);
    if (machine_icount(run->machine) != run->goal) /* inputs at a place come behind it */
        type(run);
    return machine_icount(run->machine) != run->goal &&
           (timeout_ns != UINT64_MAX || (run->types && options.send));
}

static void start(Run *run, JitMode jit)
{
    Error err;
    MachineOptions wanted = options.machine;
    wanted.jit.mode = jit;
    *run =
        (Run){.types = true, .output = malloc(OUTPUT_MOST), .hash = calloc(PLACES_MOST, sizeof *run->hash)};
    run->machine = machine_new(&wanted, log_new(NULL), &err);
    if (!run->machine || !run->output || !run->hash || !boot_load(run->machine, &options.boot, &err))
        stop(err.text, 0, NULL);
    machine_make_journal(run->machine);
    run->machine->poll = poll;
    run->machine->poll_opaque = run;
    run->machine->env.serial[0].output = printed;
    run->machine->env.serial[0].output_opaque = run;
    run->history = history_new(run->machine, options.budget);
    history_pace(run->history, 0, options.between);
}

static void finish(Run *run)
{
    history_free(run->history);
    machine_free(run->machine);
    free(run->output);
    free(run->hash);
}

/* False if the guest ends before. */
static bool run_to(Run *run, uint64_t icount)
{
    run->goal = icount;
    if (machine_icount(run->machine) == icount)
        return true;
    machine_pause_at(run->machine, icount);
    MachineEnd end = machine_run(run->machine);
    return end == END_STOPPED && machine_icount(run->machine) == icount;
}

static void take(Run *run, uint64_t icount)
{
    run->icount[run->known] = icount;
    run->printed[run->known] = run->machine->env.serial[0].sent;
    machine_hash(run->machine, &run->hash[run->known++]);
}

static void visit(Run *run, unsigned n)
{
    static MachineHash hash;
    Error err;
    uint64_t icount = run->icount[n];
    size_t before = run->length;
    HistoryInfo info;
    history_info(run->history, &info);
    bool known = history_go(run->history, icount, &err);
    if (!known && icount >= info.begin)
        stop(err.text, icount, NULL);
    if (!known)
        return;
    if (!run_to(run, icount))
        stop("the past ends", icount, NULL);
    machine_hash(run->machine, &hash);
    const char *component = machine_hash_difference(&run->hash[n], &hash);
    if (component)
        stop("it is another place", icount, component);
    if (run->machine->env.serial[0].sent != run->printed[n])
        stop("it has said something else", icount, NULL);
    if (run->length != before)
        stop("it said something again", icount, NULL);
}

static void take_places(Run *run, uint64_t most)
{
    uint64_t from = machine_icount(run->machine), step = (most - from) / (options.places + 1) + 1;
    for (unsigned n = 0; n < options.places && run->known < PLACES_MOST; n++) {
        uint64_t at = machine_icount(run->machine) + 1 + next_random() % (2 * step);
        if (at > most || !run_to(run, at))
            break;
        take(run, at);
    }
}

static void visit_all(Run *run)
{
    for (unsigned n = 0; n < options.visits && run->known; n++)
        visit(run, (unsigned)(next_random() % run->known));
}

/* What was behind the place is not known any more. */
static void diverge(Run *run)
{
    unsigned n = run->known / 2 + (unsigned)(next_random() % (run->known - run->known / 2));
    visit(run, n);
    if (machine_icount(run->machine) != run->icount[n])
        return;
    history_diverge(run->history);
    run->known = n + 1;
    if (run->length != run->machine->env.serial[0].sent)
        run->length = run->machine->env.serial[0].sent;
}

/* How far the guest gets, if nobody types. */
static uint64_t length_of_run(void)
{
    Run *run = calloc(1, sizeof *run);
    start(run, JIT_ON);
    run->types = false;
    run_to(run, options.most);
    uint64_t length = machine_icount(run->machine);
    finish(run);
    free(run);
    return length;
}

static void there_and_back(JitMode jit)
{
    Run *run = calloc(1, sizeof *run);
    HistoryInfo info;
    start(run, jit);
    if (options.least)
        run_to(run, options.least);
    take_places(run, options.most);
    if (run->known < 2)
        stop("the guest does not run", 0, NULL);
    visit_all(run);
    for (unsigned n = 0; n < 3; n++) {
        diverge(run);
        take_places(run, options.most);
        visit_all(run);
    }
    history_info(run->history, &info);
    if (options.verbose)
        printf("%u places up to %llu; %u checkpoints from %llu, %llu made, %llu dropped, %llu lost; %.1f MB, "
               "%.1f at most\n",
               run->known, (unsigned long long)info.end, info.checkpoints, (unsigned long long)info.begin,
               (unsigned long long)info.made, (unsigned long long)info.dropped, (unsigned long long)info.lost,
               (double)info.bytes / 1e6, (double)info.most_bytes / 1e6);
    finish(run);
    free(run);
}

static void want_all_devices(MachineOptions *machine)
{
    machine->gpu = machine->rng = machine->console = machine->balloon = machine->test_device = true;
    machine->virtio_disks = machine->virtio_nets = 2;
}

static void parse(int argc, char **argv)
{
    for (int n = 1; n < argc; n++) {
        const char *value = n + 1 < argc ? argv[n + 1] : "";
        if (!strcmp(argv[n], "--verbose"))
            options.verbose = true;
        else if (!strcmp(argv[n], "--all-devices"))
            want_all_devices(&options.machine);
        else if (!strcmp(argv[n], "--seed") && ++n)
            options.seed = strtoull(value, NULL, 0);
        else if (!strcmp(argv[n], "--places") && ++n)
            options.places = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(argv[n], "--visits") && ++n)
            options.visits = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(argv[n], "--least") && ++n)
            options.least = strtoull(value, NULL, 0);
        else if (!strcmp(argv[n], "--most") && ++n)
            options.most = strtoull(value, NULL, 0);
        else if (!strcmp(argv[n], "--between") && ++n)
            options.between = strtoull(value, NULL, 0);
        else if (!strcmp(argv[n], "--budget") && ++n)
            options.budget = strtoull(value, NULL, 0) << 20;
        else if (!strcmp(argv[n], "--cpus") && ++n)
            options.machine.cpus = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(argv[n], "--memory") && ++n)
            options.machine.memory = strtoull(value, NULL, 0) << 20;
        else if (!strcmp(argv[n], "--send") && ++n)
            options.send = value;
        else if (!strcmp(argv[n], "--kernel") && ++n)
            options.boot.kernel = value;
        else if (!strcmp(argv[n], "--initrd") && ++n)
            options.boot.initrd = value;
        else if (!strcmp(argv[n], "--append") && ++n)
            options.boot.append = value;
        else
            stop("unknown option", 0, argv[n]);
    }
    if (options.places < 2 || options.places > PLACES_MOST / 8)
        stop("too many places, or too few", 0, NULL);
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    options.most = length_of_run();
    there_and_back(JIT_OFF);
    there_and_back(JIT_ON);
    return 0;
}
