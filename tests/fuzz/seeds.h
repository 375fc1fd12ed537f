/* What fuzzers do whose seeds decide everything. */
#ifndef ARMATURE_TESTS_FUZZ_SEEDS_H
#define ARMATURE_TESTS_FUZZ_SEEDS_H

#include <stdbool.h>
#include <stdint.h>

/* The program: [--seed N] [--runs N | --seconds N]. Checks one seed after another, `runs` of them by default,
 * and says how many of what (noun) failed. A seed that takes longer than `limit` host seconds is named, and
 * ends the program. */
int seeds_main(int argc, char **argv, const char *noun, unsigned runs, unsigned limit,
               bool (*check)(uint64_t seed));

#endif
