/* What --stats and --list-unmodelled show when a run is over. */
#ifndef ARMATURE_FRONTENDS_REPORT_H
#define ARMATURE_FRONTENDS_REPORT_H

#include <stdio.h>

#include "frontends/options.h"
#include "machine/machine.h"

/* Writes what the options ask for, if anything. */
void report_end(const Machine *machine, const Options *options, FILE *out);

#endif
