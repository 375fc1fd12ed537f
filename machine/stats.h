/* Counters of a machine, as one table of named numbers. */
#ifndef ARMATURE_MACHINE_STATS_H
#define ARMATURE_MACHINE_STATS_H

#include <stdio.h>

#include "machine/machine.h"

typedef struct Stat {
    char name[48];     /* "cpu0.instructions", "time.guest" */
    const char *group; /* "instructions": a heading */
    const char *unit;  /* "ns", "", "MIPS" ... */
    const char *help;
    double value;
    bool whole; /* value is a count, without a fraction */
} Stat;

/* How many counters this machine has (it depends on the CPUs), and the n-th. */
unsigned stats_count(const Machine *machine);
void stats_get(const Machine *machine, unsigned n, Stat *stat);

/* All of them, one a line under their groups; zeros of counters that list kinds are left out. */
void stats_print(const Machine *machine, FILE *out);

#endif
