/* Says in words where each CPU is and why the machine may be silent. Looks at the machine only and changes
 * nothing; knows no frontend. To be called between instructions. */
#ifndef ARMATURE_MACHINE_DIAGNOSE_H
#define ARMATURE_MACHINE_DIAGNOSE_H

#include <stdint.h>

#include "machine/machine.h"
#include "machine/symbols.h"

enum { DIAGNOSE_SAMPLES = 2048 };

/* Where the CPUs were at many moments, so that a loop shows. Zero it, then call diagnose_sample() often
 * (every few hundred instructions or every millisecond); the last DIAGNOSE_SAMPLES per CPU are kept. */
typedef struct DiagnoseSamples {
    uint32_t pc[MAX_CPUS][DIAGNOSE_SAMPLES];
    bool asleep[MAX_CPUS]; /* at every moment so far */
    unsigned count;        /* taken so far */
} DiagnoseSamples;

void diagnose_sample(DiagnoseSamples *samples, const Machine *machine);

/* What is known beside the machine itself; everything may be NULL or 0. */
typedef struct DiagnoseHints {
    const Symbols *symbols;
    const DiagnoseSamples *samples;
    const char *output;      /* the last characters of the console, as text */
    uint64_t output_length;  /* how many characters the guest has sent in all */
    unsigned silent_seconds; /* host seconds without output */
} DiagnoseHints;

/* One line for each CPU: where it is, mode, MMU, interrupts, running or asleep. symbols may be NULL.
 * Allocated; the caller frees it. */
char *diagnose_cpus(Machine *machine, const Symbols *symbols);

/* The likely reason first, then the CPUs, their last exceptions, interrupts that wait, and what the kernel
 * wrote into its log buffer. hints may be NULL. Allocated; the caller frees it. */
char *diagnose_explain(Machine *machine, const DiagnoseHints *hints);

/* The last `lines` messages that a Linux kernel wrote to its log buffer, found in the guest's memory with or
 * without symbols; NULL if there are none. Allocated; the caller frees it. */
char *diagnose_kernel_log(Machine *machine, const Symbols *symbols, unsigned lines);

/* True if every CPU sleeps in WFI or WFE, or is held in reset: nothing but an interrupt makes it go on. */
bool diagnose_idle(const Machine *machine);

#endif
