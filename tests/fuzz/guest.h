/* A machine whose guest is hostile: memory, registers and page tables that a seed decides, and a push from
 * outside now and then, so that it never stands still for long. */
#ifndef ARMATURE_TESTS_FUZZ_GUEST_H
#define ARMATURE_TESTS_FUZZ_GUEST_H

#include "machine/machine.h"
#include "tests/fuzz/code.h"
#include "tests/fuzz/state.h"

typedef struct Guest {
    Random random;
    Machine *machine;
    Places places;
    Timer push; /* in virtual time; its callback moves CPUs elsewhere and types characters */
    unsigned pushes_left;
    unsigned resets;   /* how often the guest asked for one, or switched off */
    const char *wrong; /* what state_check() found, NULL if nothing */
    uint64_t output;   /* fingerprint of what the UARTs sent */
} Guest;

/* Makes the guest of a seed. cpus 0: the seed decides. log_out: where logs of some seeds go. */
Guest *guest_new(uint64_t seed, unsigned cpus, FILE *log_out);
/* The same for one that is honest (see Places), executed as jit says. */
Guest *guest_new_honest(uint64_t seed, unsigned cpus, FILE *log_out, JitOptions jit);
void guest_free(Guest *guest);

/* Runs until the machine stops: at a push at the latest, or because machine_stop() was called. */
void guest_step(Guest *guest);

/* Runs it up to its end, or, with `pushes`, at most until that many more pushes; false when it has ended. */
bool guest_run(Guest *guest, unsigned pushes);

#endif
