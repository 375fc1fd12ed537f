/* Runs hostile guests: whatever they do, the machine must stay whole, its events must stay few, and the same
 * seed must give the same run. A failure names its seed; --seed N --runs 1 repeats it. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/fuzz/guest.h"
#include "tests/fuzz/seeds.h"

typedef struct Options {
    uint64_t seed;
    unsigned runs, seconds, cpus;
    bool verbose, once;
} Options;

/* Host seconds that a run may take before it counts as hung; it takes well under one. */
enum { HUNG = 120 };

/* Callbacks that a guest's own doings explain: a store can set a timer off, and a store-multiple several. */
static bool storm(const Guest *g)
{
    uint64_t callbacks = clock_callbacks(g->machine->clock);
    return callbacks > 1000 + 8 * machine_icount(g->machine);
}

/* A look from outside, as a debugger or monitor would take it: must not change anything. */
static void look(Guest *g)
{
    Machine *m = g->machine;
    Random random = g->random;
    uint8_t data[64];
    for (unsigned n = 0; n < 200; n++) {
        const Device *dev = m->device[random_below(&random, m->device_count)];
        device_peek((Device *)dev, random_below(&random, dev->type->window),
                    (uint8_t)random_below(&random, 5));
        Cpu *cpu = m->cpu[random_below(&random, m->options.cpus)];
        mmu_debug_read(cpu, code_address(&random, &g->places), data, random_below(&random, sizeof data));
        cpu_reg_of_mode(cpu, random_below(&random, 15), MODE_FIQ);
    }
}

/* Runs a guest to its end. */
static const char *run(uint64_t seed, const Options *options, FILE *log_out, State *state)
{
    State before;
    Guest *g = guest_new(seed, options->cpus, log_out);
    guest_run(g, UINT32_MAX);
    const char *wrong = g->wrong ? g->wrong : state_check(g->machine);
    if (!wrong && storm(g))
        wrong = "a storm of events";
    state_take(&before, g->machine);
    look(g);
    state_take(state, g->machine);
    if (!wrong && state_difference(&before, state, g->machine))
        wrong = "looking at the machine changed it";
    state->clock ^= g->output;
    if (options->verbose)
        printf("seed %llu: %u CPUs, %llu instructions, %llu callbacks, %u resets, state %016llx\n",
               (unsigned long long)seed, g->machine->options.cpus,
               (unsigned long long)machine_icount(g->machine),
               (unsigned long long)clock_callbacks(g->machine->clock), g->resets,
               (unsigned long long)state_sum(state));
    guest_free(g);
    return wrong;
}

static bool check_seed(uint64_t seed, const Options *options, FILE *log_out)
{
    State first, second;
    seeds_begin(seed, HUNG);
    const char *wrong = run(seed, options, log_out, &first);
    if (!wrong && !options->once) {
        if (seed % 16 == 0)
            mallopt(M_PERTURB, 0xc3); /* what was not initialised differs now */
        wrong = run(seed, options, log_out, &second);
        mallopt(M_PERTURB, 0);
    }
    if (wrong) {
        fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, wrong);
        return false;
    }
    if (options->once || !memcmp(&first, &second, sizeof first))
        return true;
    fprintf(stderr, "seed %llu: a second run went another way\n", (unsigned long long)seed);
    for (unsigned n = 0; n < MAX_CPUS; n++)
        if (first.cpu[n] != second.cpu[n])
            fprintf(stderr, "  cpu%u differs\n", n);
    for (unsigned n = 0; n < MAX_DEVICES; n++)
        if (first.device[n] != second.device[n])
            fprintf(stderr, "  device %u differs\n", n);
    fprintf(stderr, "  RAM %s, clock or output %s\n", first.ram == second.ram ? "is equal" : "differs",
            first.clock == second.clock ? "is equal" : "differs");
    return false;
}

static int usage(void)
{
    fputs("usage: fuzz_system [--seed N] [--runs N | --seconds N] [--cpus N] [--once] [--verbose]\n"
          "--once: run each seed once only, without the comparison\n",
          stderr);
    return 2;
}

static bool parse(Options *options, int argc, char **argv)
{
    for (int n = 1; n < argc; n++) {
        const char *value = n + 1 < argc ? argv[n + 1] : "";
        if (!strcmp(argv[n], "--verbose"))
            options->verbose = true;
        else if (!strcmp(argv[n], "--once"))
            options->once = true;
        else if (!strcmp(argv[n], "--seed") && ++n)
            options->seed = strtoull(value, NULL, 0);
        else if (!strcmp(argv[n], "--runs") && ++n)
            options->runs = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(argv[n], "--seconds") && ++n)
            options->seconds = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(argv[n], "--cpus") && ++n)
            options->cpus = (unsigned)strtoul(value, NULL, 0);
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    Options options = {.seed = 1, .runs = 40};
    if (!parse(&options, argc, argv))
        return usage();
    FILE *log_out = fopen("/dev/null", "w");
    if (!log_out)
        return 3;
    time_t end = time(NULL) + options.seconds;
    unsigned runs = 0, failed = 0;
    for (; options.seconds ? time(NULL) < end : runs < options.runs; runs++)
        failed += !check_seed(options.seed + runs, &options, log_out);
    fclose(log_out);
    printf("%u guests from seed %llu on, %u failed\n", runs, (unsigned long long)options.seed, failed);
    return failed != 0;
}
