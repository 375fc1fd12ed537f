/* Hostile guests, compiled against interpreted: two machines with the same seed run side by side, and must be equal
 * in everything whenever the outside pushes them. A failure names its seed:
 *
 *     fuzz_jit [--seed N] [--runs N | --seconds N] [--threshold N] [--cpus N] [--verify] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "jit/state.h"
#include "tests/fuzz/guest.h"

typedef struct Options {
    uint64_t seed;
    unsigned runs, seconds, cpus, threshold;
    bool verify;
} Options;

enum { HUNG = 120 }; /* host seconds */

static volatile uint64_t current_seed;

static void hung(int number)
{
    char text[80];
    (void)number;
    int length = snprintf(text, sizeof text, "seed %llu hangs\n", (unsigned long long)current_seed);
    if (write(STDERR_FILENO, text, (size_t)length) < 0)
        _exit(3);
    abort();
}

static void print_difference(const Guest *a, const Guest *b, const char *part)
{
    printf("seed %llu: %s differs with %u pushes left\n", (unsigned long long)current_seed, part, a->pushes_left);
    for (unsigned n = 0; n < a->machine->options.cpus; n++) {
        if (!state_differs(a->machine->cpu[n], b->machine->cpu[n]))
            continue;
        printf("  %s, interpreted at pc %08x:\n", a->machine->cpu[n]->name, a->machine->cpu[n]->pc);
        state_print(a->machine->cpu[n], b->machine->cpu[n], "interpreted", "compiled", stdout);
    }
    if (b->machine->broken)
        puts(b->machine->broken);
}

/* What differs now, NULL if nothing. */
static const char *difference(const Guest *a, const Guest *b)
{
    State x, y;
    if (b->machine->broken)
        return "a block";
    if (a->pushes_left != b->pushes_left || a->resets != b->resets)
        return "the way";
    state_take(&x, a->machine);
    state_take(&y, b->machine);
    const char *part = state_difference(&x, &y, a->machine);
    return part ? part : a->output != b->output ? "output" : NULL;
}

static bool check_seed(uint64_t seed, const Options *options, FILE *log_out, JitCounts *sum)
{
    JitOptions jit = {.mode = options->verify ? JIT_VERIFY : JIT_ON, .threshold = options->threshold};
    current_seed = seed;
    alarm(HUNG);
    Guest *a = guest_new(seed, options->cpus, log_out);
    Guest *b = guest_new_with(seed, options->cpus, log_out, jit);
    bool going = true;
    const char *part = NULL;
    while (going && !part) {
        going = guest_run(a, 1);
        guest_run(b, 1);
        part = difference(a, b);
        if (!part && (a->wrong || b->wrong))
            part = b->wrong ? b->wrong : a->wrong;
    }
    if (part)
        print_difference(a, b, part);
    JitCounts counts = jit_counts(b->machine->jit);
    sum->blocks += counts.blocks;
    sum->compiled += counts.compiled;
    sum->interpreted += counts.interpreted;
    guest_free(a);
    guest_free(b);
    return !part;
}

static bool parse(Options *options, int argc, char **argv)
{
    for (int n = 1; n < argc; n++) {
        const char *value = n + 1 < argc ? argv[n + 1] : "";
        if (!strcmp(argv[n], "--verify"))
            options->verify = true;
        else if (!strcmp(argv[n], "--seed") && ++n)
            options->seed = strtoull(value, NULL, 0);
        else if (!strcmp(argv[n], "--runs") && ++n)
            options->runs = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(argv[n], "--seconds") && ++n)
            options->seconds = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(argv[n], "--threshold") && ++n)
            options->threshold = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(argv[n], "--cpus") && ++n)
            options->cpus = (unsigned)strtoul(value, NULL, 0);
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    Options options = {.seed = 1, .runs = 20};
    if (!parse(&options, argc, argv)) {
        fputs("usage: fuzz_jit [--seed N] [--runs N | --seconds N] [--threshold N] [--cpus N] [--verify]\n", stderr);
        return 2;
    }
    signal(SIGALRM, hung);
    FILE *log_out = fopen("/dev/null", "w");
    if (!log_out)
        return 3;
    time_t end = time(NULL) + options.seconds;
    unsigned runs = 0, failed = 0;
    JitCounts sum = {0};
    for (; failed < 10 && (options.seconds ? time(NULL) < end : runs < options.runs); runs++)
        failed += !check_seed(options.seed + runs, &options, log_out, &sum);
    fclose(log_out);
    printf("%u guests from seed %llu on, %u failed; %llu blocks compiled, %llu instructions compiled, %llu interpreted\n",
           runs, (unsigned long long)options.seed, failed, (unsigned long long)sum.blocks,
           (unsigned long long)sum.compiled, (unsigned long long)sum.interpreted);
    return failed != 0;
}
