/* A machine seen as a whole: fingerprints of its state, and what must always be true of it. */
#ifndef ARMATURE_TESTS_FUZZ_STATE_H
#define ARMATURE_TESTS_FUZZ_STATE_H

#include "machine/machine.h"

/* Fingerprints of the parts, so that a difference can be located. */
typedef struct State {
    uint64_t cpu[MAX_CPUS], device[MAX_DEVICES], ram, store, clock;
    unsigned cpus, devices;
} State;

void state_take(State *state, Machine *machine);

/* One fingerprint for everything. */
uint64_t state_sum(const State *state);

/* The name of the first part in which the two differ, NULL if there is none. */
const char *state_difference(const State *a, const State *b, const Machine *machine);

/* NULL, or what is wrong. To be called between instructions; changes nothing a guest could see. */
const char *state_check(Machine *machine);

#endif
