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

/* The same for runs that give a fingerprint: a second run of a seed must give it again. */
int seeds_main_twice(int argc, char **argv, const char *noun, unsigned runs, unsigned limit,
                     uint64_t (*run)(uint64_t seed));

#endif
