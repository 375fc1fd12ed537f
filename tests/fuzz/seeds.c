#include "tests/fuzz/seeds.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile uint64_t current_seed;

static void hung(int number)
{
    char text[64];
    (void)number;
    int length = snprintf(text, sizeof text, "seed %llu hangs\n", (unsigned long long)current_seed);
    if (write(STDERR_FILENO, text, (size_t)length) < 0)
        _exit(3);
    abort();
}

void seeds_begin(uint64_t seed, unsigned limit)
{
    current_seed = seed;
    signal(SIGALRM, hung);
    alarm(limit);
}

uint64_t seeds_current(void)
{
    return current_seed;
}

void seeds_die(const char *what)
{
    fprintf(stderr, "seed %llu: %s\n", (unsigned long long)current_seed, what);
    abort();
}

static uint64_t (*run_of_seed)(uint64_t seed);

static bool check_twice(uint64_t seed)
{
    if (run_of_seed(seed) == run_of_seed(seed))
        return true;
    fprintf(stderr, "seed %llu: a second run went another way\n", (unsigned long long)seed);
    return false;
}

int seeds_main_twice(int argc, char **argv, const char *noun, unsigned runs, unsigned limit,
                     uint64_t (*run)(uint64_t seed))
{
    run_of_seed = run;
    return seeds_main(argc, argv, noun, runs, limit, check_twice);
}

int seeds_main(int argc, char **argv, const char *noun, unsigned runs, unsigned limit,
               bool (*check)(uint64_t seed))
{
    uint64_t seed = 1;
    unsigned seconds = 0, done = 0, failed = 0;
    for (int n = 1; n + 1 < argc; n += 2) {
        if (!strcmp(argv[n], "--seed"))
            seed = strtoull(argv[n + 1], NULL, 0);
        else if (!strcmp(argv[n], "--runs"))
            runs = (unsigned)strtoul(argv[n + 1], NULL, 0);
        else if (!strcmp(argv[n], "--seconds"))
            seconds = (unsigned)strtoul(argv[n + 1], NULL, 0);
    }
    time_t end = time(NULL) + seconds;
    for (; seconds ? time(NULL) < end : done < runs; done++) {
        seeds_begin(seed + done, limit);
        failed += !check(seed + done);
    }
    printf("%u %s from seed %llu on, %u failed\n", done, noun, (unsigned long long)seed, failed);
    return failed != 0;
}
