/* Configuration files: lines "name = value". docs/configuration.md describes the format. */
#ifndef ARMATURE_FRONTENDS_CONFIG_H
#define ARMATURE_FRONTENDS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "machine/error.h"

enum { CONFIG_MOST_BYTES = 1 << 20 };

/* What is done with each entry: name and value are valid during the call only. err gets the whole message. */
typedef bool ConfigEntry(void *opaque, const char *name, const char *value, unsigned line, Error *err);

/* Calls entry for each line that sets something, in order, until one returns false. text is cut into pieces
 * and needs a NUL at text[length]; file is its name, for messages. */
bool config_parse(const char *file, char *text, size_t length, ConfigEntry *entry, void *opaque, Error *err);

/* The contents of a file, allocated, with a NUL behind them; NULL with err set. */
char *config_load(const char *path, size_t *length, Error *err);

/* Writes value so that config_parse() reads the same: plain, or in quotes where that is needed. */
void config_write_value(FILE *out, const char *value);

#endif
