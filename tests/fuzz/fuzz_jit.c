/* Hostile guests, compiled against interpreted: two machines with the same seed run side by side, and must be
 * equal in everything whenever the outside pushes them. A failure names its seed:
 *
 *     fuzz_jit [--seed N] [--runs N | --seconds N] [--threshold N] [--thread] [--cpus N] [--verify] [--find]
 *     fuzz_jit --seeds N,N... [...]
 *
 * --find: looks for the instruction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cpu/insn.h"
#include "jit/state.h"
#include "tests/fuzz/guest.h"
#include "tests/fuzz/seeds.h"

typedef struct Options {
    uint64_t seed;
    unsigned runs, seconds, cpus, threshold;
    bool verify, find, thread;
    const char *seeds; /* these, instead of some in a row; NULL */
} Options;

enum { HUNG = 120 }; /* host seconds */

static void print_difference(const Guest *a, const Guest *b, const char *part)
{
    printf("seed %llu: %s differs with %u pushes left\n", (unsigned long long)seeds_current(), part,
           a->pushes_left);
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

/* Stops a guest before any other CPU has its turn. */
static void stop(void *opaque)
{
    machine_stop(opaque);
    machine_yield(opaque);
}

typedef struct Two {
    Guest *a, *b; /* interpreted, compiled */
} Two;

static Two two_new(uint64_t seed, const Options *options, FILE *log_out)
{
    JitOptions jit = {.mode = options->verify ? JIT_VERIFY : JIT_ON,
                      .thread = options->thread ? JIT_THREAD_ON : JIT_THREAD_OFF,
                      .threshold = options->threshold};
    return (Two){guest_new_honest(seed, options->cpus, log_out, (JitOptions){.mode = JIT_OFF}),
                 guest_new_honest(seed, options->cpus, log_out, jit)};
}

static void two_free(Two two)
{
    guest_free(two.a);
    guest_free(two.b);
}

static void run_until(Guest *g, uint64_t when)
{
    Timer timer;
    Clock *clock = g->machine->clock;
    timer_init(&timer, clock, "until", 101, stop, g->machine);
    timer_set(&timer, when);
    while (g->pushes_left && clock_now(clock) < when)
        guest_step(g);
    timer_cancel(&timer);
}

static Two two_at(uint64_t seed, const Options *options, FILE *log_out, uint64_t when)
{
    Two two = two_new(seed, options, log_out);
    run_until(two.a, when);
    run_until(two.b, when);
    return two;
}

static void print_code(Cpu *cpu)
{
    char text[96];
    uint16_t half[2];
    uint8_t itstate = cpu->itstate;
    for (uint32_t n = 0, at = cpu->pc; n < 3 && mmu_debug_read(cpu, at, half, 4); n++) {
        Insn insn;
        bool wide = cpu->thumb && thumb_is_32bit(half[0]);
        uint32_t raw = wide ? (uint32_t)half[0] << 16 | half[1] : (uint32_t)half[1] << 16 | half[0];
        decode(&insn,
               !cpu->thumb ? SET_A32
               : wide      ? SET_T32
                           : SET_T16,
               cpu->thumb && !wide ? half[0] : raw, itstate);
        disassemble(&insn, at, text, sizeof text);
        printf("    %08x  %08x  %s\n", at, insn.raw, text);
        at += insn.length;
        itstate = insn_next_itstate(&insn);
    }
}

/* Looks for the first instruction after which the two differ, and shows them before and after it. */
static void find(uint64_t seed, const Options *options, FILE *log_out, uint64_t wrong)
{
    enum { INSN_NS = 5 };
    uint64_t right = 0;
    while (wrong - right > INSN_NS) {
        uint64_t middle = right + (wrong - right) / 2;
        Two two = two_at(seed, options, log_out, middle);
        *(difference(two.a, two.b) ? &wrong : &right) = middle;
        two_free(two);
    }
    printf("first difference between %llu and %llu ns of virtual time\n", (unsigned long long)right,
           (unsigned long long)wrong);
    Two two = two_at(seed, options, log_out, right);
    for (unsigned n = 0; n < two.a->machine->options.cpus; n++) {
        const Cpu *cpu = two.a->machine->cpu[n];
        printf("  %s before: pc %08x cpsr %08x icount %llu\n", cpu->name, cpu->pc, cpsr_read(cpu),
               (unsigned long long)cpu->icount);
        print_code(two.a->machine->cpu[n]);
    }
    two_free(two);
    two = two_at(seed, options, log_out, wrong);
    const char *part = difference(two.a, two.b);
    print_difference(two.a, two.b, part ? part : "nothing");
    two_free(two);
}

static bool check_seed(uint64_t seed, const Options *options, FILE *log_out, JitCounts *sum)
{
    seeds_begin(seed, HUNG);
    Two two = two_new(seed, options, log_out);
    const char *part = NULL;
    while (two.a->pushes_left && !part) {
        guest_step(two.a);
        guest_step(two.b);
        part = difference(two.a, two.b);
        if (!part && (two.a->wrong || two.b->wrong))
            part = two.b->wrong ? two.b->wrong : two.a->wrong;
    }
    if (part)
        print_difference(two.a, two.b, part);
    JitCounts counts = jit_counts(two.b->machine->jit);
    sum->blocks += counts.blocks;
    sum->compiled += counts.compiled;
    sum->interpreted += counts.interpreted;
    uint64_t now = clock_now(two.a->machine->clock);
    two_free(two);
    if (part && options->find)
        find(seed, options, log_out, now);
    return !part;
}

static bool parse(Options *options, int argc, char **argv)
{
    for (int n = 1; n < argc; n++) {
        const char *value = n + 1 < argc ? argv[n + 1] : "";
        if (!strcmp(argv[n], "--verify"))
            options->verify = true;
        else if (!strcmp(argv[n], "--thread"))
            options->thread = true;
        else if (!strcmp(argv[n], "--find"))
            options->find = true;
        else if (!strcmp(argv[n], "--seed") && ++n)
            options->seed = strtoull(value, NULL, 0);
        else if (!strcmp(argv[n], "--seeds") && ++n)
            options->seeds = value;
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
        fputs("usage: fuzz_jit [--seed N] [--runs N | --seconds N] [--threshold N] [--thread] [--cpus N] "
              "[--verify] [--find] [--seeds N,N...]\n",
              stderr);
        return 2;
    }
    FILE *log_out = fopen("/dev/null", "w");
    if (!log_out)
        return 3;
    time_t end = time(NULL) + options.seconds;
    unsigned runs = 0, failed = 0;
    JitCounts sum = {0};
    for (char *at = (char *)options.seeds; at && *at >= '0' && *at <= '9'; at += *at == ',', runs++)
        failed += !check_seed(strtoull(at, &at, 0), &options, log_out, &sum);
    for (; !options.seeds && failed < 10 && (options.seconds ? time(NULL) < end : runs < options.runs);
         runs++)
        failed += !check_seed(options.seed + runs, &options, log_out, &sum);
    fclose(log_out);
    printf("%u guests from seed %llu on, %u failed; %llu blocks compiled, %llu instructions compiled, %llu "
           "interpreted\n",
           runs, (unsigned long long)options.seed, failed, (unsigned long long)sum.blocks,
           (unsigned long long)sum.compiled, (unsigned long long)sum.interpreted);
    return failed != 0;
}
