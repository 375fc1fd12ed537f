#include "frontends/snapshot_options.h"

#include <stdlib.h>
#include <string.h>

#define IN_OPTIONS(name) offsetof(SnapshotOptions, name)

static bool set_keep(void *target, const OptionDef *def, const char *value, Error *err)
{
    SnapshotOptions *options = target;
    char *end;
    unsigned long keep = strtoul(value, &end, 10);
    (void)def;
    if (!keep || keep > 1000000 || *end || strspn(value, "0123456789") != strlen(value))
        return error_set(err, "give a number of files, at least 1");
    options->keep = (unsigned)keep;
    return true;
}

/* clang-format off */
static const OptionDef defs[] = {
    {"raw", NULL, NULL,
     GROUP_SNAPSHOT, 0, option_set_switch, IN_OPTIONS(raw), NULL,
     "convert, merge: do not compress; the file is larger, and quicker to load", NULL},
    {"keep", "N", NULL,
     GROUP_SNAPSHOT, 0, set_keep, 0, NULL,
     "prune: how many of the newest to keep; what these need is kept as well", NULL},
    {"delete", NULL, NULL,
     GROUP_SNAPSHOT, 0, option_set_switch, IN_OPTIONS(remove), NULL,
     "prune: delete the others; without it, they are only listed", NULL},
    {"help", NULL, NULL,
     GROUP_SNAPSHOT, 0, option_set_switch, IN_OPTIONS(help), NULL,
     "show this text", NULL},
};

static const OptionHabit habits[] = {
    {"h", "help"}, {"n", "keep"}, {"uncompressed", "raw"}, {"force", "delete"}, {"f", "delete"}, {"keep-last", "keep"},
};

static const ToolCommand commands[] = {
    {"info",    "FILE",             "what is in it, and what files it needs", NULL},
    {"verify",  "FILE",             "read and check all of it, and of the files that it needs", NULL},
    {"picture", "FILE OUT.png",     "the screen at that time", NULL},
    {"diff",    "FILE FILE",        "in which ways the second differs: exit code 0 if in none, 1 if it does, 2 for trouble", NULL},
    {"convert", "FILE OUT",         "the same, compressed or (--raw) not", NULL},
    {"merge",   "FILE OUT",         "the same, with all that it needs of others in one file", NULL},
    {"prune",   "FOLDER|FILE ...",  "list, or --delete, what is older than the newest --keep N and not needed by them", NULL},
};
/* clang-format on */

const OptionTable snapshot_option_table = {defs, sizeof defs / sizeof *defs, habits,
                                           sizeof habits / sizeof *habits};
const ToolCommands snapshot_commands = {"snapshot", commands, sizeof commands / sizeof *commands};
