/* What fuzzers do whose seeds decide everything. */
#ifndef ARMATURE_TESTS_FUZZ_SEEDS_H
#define ARMATURE_TESTS_FUZZ_SEEDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

/* For programs with a main() of their own. A run that takes longer than `limit` host seconds is named by its
 * seed, and ends the program, as does seeds_die(), which says what is wrong with it. */
void seeds_begin(uint64_t seed, unsigned limit);
noreturn void seeds_die(const char *what);
/* The seed that seeds_begin() was told. */
uint64_t seeds_current(void);

/* The program: [--seed N] [--runs N | --seconds N]. Checks one seed after another, `runs` of them by default,
 * and says how many of what (noun) failed. limit: as above. */
int seeds_main(int argc, char **argv, const char *noun, unsigned runs, unsigned limit,
               bool (*check)(uint64_t seed));

/* The same for runs that give a fingerprint: a second run of a seed must give it again. */
int seeds_main_twice(int argc, char **argv, const char *noun, unsigned runs, unsigned limit,
                     uint64_t (*run)(uint64_t seed));

#endif
