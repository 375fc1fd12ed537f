/* What an option is. One row of a table describes it completely: how it is written, what it takes and means,
 * how it is parsed. Parsing, configuration files, environment, help, manual page and completion all read the
 * rows. The emulator's own rows are in option_table.c, those of `armature farm` in farm_options.c. */
#ifndef ARMATURE_FRONTENDS_OPTION_TABLE_H
#define ARMATURE_FRONTENDS_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "frontends/options.h"
#include "machine/error.h"

typedef enum OptionGroup {
    GROUP_RUN,
    GROUP_MACHINE,
    GROUP_NETWORK,
    GROUP_SERIAL,
    GROUP_SCRIPT,
    GROUP_SCREEN,
    GROUP_END,
    GROUP_INSIDE,
    GROUP_CONFIG,
    GROUP_FARM,
    GROUP_DISK, /* of `armature disk` */
    OPTION_GROUPS
} OptionGroup;

enum {
    OPTION_LIST = 1,        /* may be given again; a stronger source replaces the whole list */
    OPTION_ONCE = 2,        /* twice on a command line is a mistake */
    OPTION_TYPED = 4,       /* for the command line only */
    OPTION_ON = 8,          /* a switch that is on unless switched off: shown as --no-NAME */
    OPTION_PATH = 16,       /* the value is, or begins with, a file name */
    OPTION_PATH_COLON = 32, /* the value is KIND:PATH for some kinds, see option_path() */
    OPTION_MAY_LACK = 64,   /* the argument may be left out: then set() gets "" */
    OPTION_WRITES = 128,    /* the run writes to the file */
    OPTION_DISK = 256,      /* the value is as disk_spec.h says */
    OPTION_GUEST = 512      /* it decides what the guest is: part of recordings */
};

typedef struct OptionDef {
    const char *name;     /* without dashes */
    const char *argument; /* what the value is called; NULL: a switch, whose values are "yes" and "no" */
    const char *initial;  /* built-in default, as one would type it; NULL: none */
    OptionGroup group;
    unsigned flags;
    /* Stores a value in target (Options, FarmOptions), or says in err what would be right, without saying
     * where the value came from. The value stays valid as long as target. */
    bool (*set)(void *target, const struct OptionDef *def, const char *value, Error *err);
    size_t field; /* offset of the field in target, for the common setters */
    /* What a shell may offer: "files", "folders", "log" (its kinds), "topics" (of --help), or words; NULL:
     * nothing */
    const char *complete;
    const char *help;   /* one line */
    const char *detail; /* what more there is to say; NULL: nothing. Paragraphs are separated by "\n" */
} OptionDef;

/* A word that people type who come from elsewhere. */
typedef struct OptionHabit {
    const char *typed, *meant;
} OptionHabit;

typedef struct OptionTable {
    const OptionDef *defs;
    unsigned count;
    const OptionHabit *habits;
    unsigned habit_count;
} OptionTable;

extern const OptionTable option_table;

/* The short name that --help takes, and the title. */
const char *option_group_name(OptionGroup group);
const char *option_group_title(OptionGroup group);

/* NULL if there is no such option. */
const OptionDef *option_find(const OptionTable *table, const char *name, size_t length);

/* The nearest option's name to what was typed (without dashes), NULL if nothing is near. */
const char *option_suggest(const OptionTable *table, const char *typed);

/* One option of a command line. */
typedef struct OptionWord {
    const OptionDef *def;
    const char *value; /* NULL: --no-NAME of an option that takes a value */
} OptionWord;

/* Reads the option at argv[*i], which begins with "-", from the first of `count` tables that has it; moves *i
 * to its last word. */
bool option_read(const OptionTable *const *tables, unsigned count, int argc, char **argv, int *i,
                 OptionWord *word, Error *err);

/* The variable that sets an option: ARMATURE_NAME, or ARMATURE_NO_NAME. */
void option_variable(const OptionDef *def, bool negated, char *text, size_t size);

/* Where in value a file name begins; NULL if there is none. */
const char *option_path(const OptionDef *def, const char *value);

/* value with a relative file name in it put into folder (NULL: as it is). Allocated. */
char *option_move_path(const OptionDef *def, const char *value, const char *folder);

/* The words that a shell may offer as def's value, separated by blanks; files and folders are none. */
void option_offers(const OptionDef *def, char *text, size_t size);

/* yes, no, true, false, on, off, 1, 0. False with err set for anything else. */
bool option_parse_switch(const char *text, bool *on, Error *err);

/* Setters for many rows: the field is a const char *, or a bool. */
bool option_set_text(void *target, const OptionDef *def, const char *value, Error *err);
bool option_set_switch(void *target, const OptionDef *def, const char *value, Error *err);
/* Seconds with an optional fraction; the field is a uint64_t in nanoseconds. */
bool option_set_seconds(void *target, const OptionDef *def, const char *value, Error *err);

/* Parts of help texts: a group's heading and options, and all about one option. */
void option_help_group(FILE *out, const OptionTable *table, OptionGroup group);
void option_help_one(FILE *out, const OptionDef *def);

#endif
