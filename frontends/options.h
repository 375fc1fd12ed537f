/* The command line of `armature`. */
#ifndef ARMATURE_FRONTENDS_OPTIONS_H
#define ARMATURE_FRONTENDS_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "machine/boot.h"
#include "machine/error.h"
#include "machine/machine.h"

typedef struct Options {
    MachineOptions machine;
    BootOptions boot;
    const char *serial[SERIAL_PORTS]; /* "stdio", "none", "file:PATH" */
    unsigned serial_count;            /* how many were given */
    const char *log_kinds, *log_file;
    bool rtc_given;
    bool help, version;
} Options;

/* Fills options from the command line, with defaults for what is not there. The strings of argv are kept. */
bool options_parse(Options *options, int argc, char **argv, Error *err);

void options_help(FILE *out);

#endif
