/* What the user set, and where: the list of all assignments from all sources, from which the strongest are
 * chosen. Also keeps the strings that options point to. */
#ifndef ARMATURE_FRONTENDS_SETTINGS_H
#define ARMATURE_FRONTENDS_SETTINGS_H

#include <stdio.h>

#include "frontends/option_table.h"

/* In ascending order of strength. Each --config file is one more than the one before. */
enum {
    SOURCE_DEFAULT,
    SOURCE_USER_FILE,
    SOURCE_FILE,
    SOURCE_ENVIRONMENT = 1000,
    SOURCE_RECORDING,
    SOURCE_COMMAND_LINE
};

typedef struct Setting {
    const OptionDef *def;
    const char *value; /* NULL: whatever was set before is taken back (--no-NAME) */
    unsigned source;
    const char *file; /* of a configuration file, with its line */
    unsigned line;
} Setting;

typedef struct Settings {
    Setting *list;
    unsigned count, capacity;
    struct Kept *kept;
} Settings;

Settings *settings_new(void);
void settings_free(Settings *settings); /* NULL is allowed */

/* A copy of length bytes of text that lives as long as settings. */
char *settings_keep(Settings *settings, const char *text, size_t length);

/* Adds a setting after its value was checked on `scratch`, an Options that collects what this source says.
 * False with err set, which names the source. */
bool settings_add(Settings *settings, Setting setting, Options *scratch, Error *err);

/* The settings of def that count, in the order in which they were given: copies their indices into `chosen`
 * (room for `most`) and returns how many there are. 0: the built-in default holds. */
unsigned settings_choose(const Settings *settings, const OptionDef *def, unsigned *chosen, unsigned most);

/* Reads the command line's words after the first, up to "--" or a request for help. *rest is the index of
 * what follows "--", argc if nothing does: whose words they are depends on all sources. */
bool settings_read_command_line(Settings *settings, int argc, char **argv, int *rest, Error *err);
/* Words behind "--" as values of `name`. */
bool settings_read_rest(Settings *settings, const char *name, int argc, char **argv, int rest, Error *err);
bool settings_read_environment(Settings *settings, Error *err);
bool settings_read_file(Settings *settings, unsigned source, const char *path, Error *err);
/* As settings_read_file(), from text that is already there (and is cut into pieces); folder is where relative
 * file names begin, NULL: the working directory. */
bool settings_read_text(Settings *settings, unsigned source, const char *path, const char *folder, char *text,
                        size_t length, Error *err);

/* Where a setting comes from, for comments: "command line", "ARMATURE_MEMORY", "FILE:3". */
void settings_describe(const Setting *setting, char *text, size_t size);

#endif
