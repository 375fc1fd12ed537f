/* What --print-config prints, for its tests. */
#ifndef ARMATURE_TESTS_FRONTENDS_PRINTED_CONFIG_H
#define ARMATURE_TESTS_FRONTENDS_PRINTED_CONFIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/options.h"

/* The caller frees it. */
static inline char *printed_config(const Options *options)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        abort();
    options_print_config(options, out);
    fclose(out);
    return text;
}

/* Leaves the lines that set something. */
static inline void keep_values(char *text)
{
    char *to = text;
    for (char *line = text, *next; *line; line = next) {
        next = line + strcspn(line, "\n");
        next += *next == '\n';
        if (*line != '#' && *line != '\n') {
            memmove(to, line, (size_t)(next - line));
            to += next - line;
        }
    }
    *to = 0;
}

#endif
