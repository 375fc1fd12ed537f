/* Writes what is derived from the tables of options at build time: the manual page and the completions of
 * shells. Run as: texts man|bash|zsh|fish TEMPLATE. A line @NAME@ of the template is replaced. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "frontends/disk_tool.h"
#include "frontends/farm.h"
#include "frontends/option_table.h"
#include "frontends/snapshot_options.h"

typedef struct Part {
    const char *format, *name;               /* "bash", "@OPTIONS@" */
    void (*write)(const OptionTable *table); /* or NULL */
    const OptionTable *table;
    void (*write_commands)(const ToolCommands *commands);
    const ToolCommands *commands;
} Part;

/* The negative form is what one types of a switch that is on. */
static const char *prefix(const OptionDef *def)
{
    return def->flags & OPTION_ON ? "no-" : "";
}

static bool is(const OptionDef *def, const char *complete)
{
    return def->complete && !strcmp(def->complete, complete);
}

/* ---- Manual page ------------------------------------------------------------------------------ */

static void roff(const char *text)
{
    for (bool begins = true; *text; text++) {
        if (*text == '\n')
            fputs("\n.IP\n", stdout);
        else if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else if (begins && (*text == '.' || *text == '\''))
            printf("\\&%c", *text);
        else
            putchar(*text);
        begins = *text == '\n';
    }
}

static void man_option(const OptionDef *def)
{
    char offers[8192];
    printf(".TP\n.B \\-\\-%s", *prefix(def) ? "no\\-" : "");
    roff(def->name);
    if (def->argument) {
        fputs(" \\fI", stdout);
        roff(def->argument);
        fputs("\\fR", stdout);
    }
    fputc('\n', stdout);
    roff(def->help);
    if (is(def, "log")) {
        option_offers(def, offers, sizeof offers);
        printf(": %s", offers);
    }
    if (def->argument && def->initial) {
        fputs(" (default: ", stdout);
        roff(def->initial);
        fputs(")", stdout);
    }
    fputs(".\n", stdout);
    if (def->detail) {
        fputs(".IP\n", stdout);
        roff(def->detail);
        fputc('\n', stdout);
    }
}

static void man_options(const OptionTable *table)
{
    for (OptionGroup group = 0; group < OPTION_GROUPS; group++) {
        bool titled = false;
        for (unsigned i = 0; i < table->count; i++) {
            if (table->defs[i].group != group)
                continue;
            if (!titled && group < GROUP_FARM)
                printf(".SS %s\n", option_group_title(group));
            titled = true;
            man_option(&table->defs[i]);
        }
    }
}

static void man_commands(const ToolCommands *commands)
{
    for (unsigned n = 0; n < commands->count; n++) {
        printf(".TP\n.B %s \\fI", commands->command[n].name);
        roff(commands->command[n].arguments);
        puts("\\fR");
        roff(commands->command[n].help);
        puts(".");
    }
}

static void man_title(const OptionTable *table)
{
    (void)table;
    printf(".TH ARMATURE 1 \"\" \"armature %s\" \"User Commands\"\n.ad l\n", ARMATURE_VERSION);
}

/* ---- bash ------------------------------------------------------------------------------------- */

static const char *bash_variable(const OptionTable *table)
{
    return table == &option_table            ? "names"
           : table == &farm_option_table     ? "farm_names"
           : table == &snapshot_option_table ? "snapshot_names"
                                             : "disk_names";
}

/* The names as words of a shell, with dashes. */
static void bash_names(const OptionTable *table)
{
    printf("    local %s='", bash_variable(table));
    for (unsigned i = 0; i < table->count; i++)
        printf("%s--%s%s", i ? " " : "", prefix(&table->defs[i]), table->defs[i].name);
    puts("'");
}

/* What follows an option: the kind of thing and the words. */
static void bash_values(const OptionTable *table)
{
    char offers[8192];
    for (unsigned i = 0; i < table->count; i++) {
        const OptionDef *def = &table->defs[i];
        if (!def->argument)
            continue;
        option_offers(def, offers, sizeof offers);
        const char *kind = is(def, "files")     ? "files"
                           : is(def, "folders") ? "folders"
                           : is(def, "log")     ? "list"
                           : *offers            ? "words"
                                                : "any";
        printf("    --%s) kind=%s words='%s' ;;\n", def->name, kind, offers);
    }
}

static void bash_negatives(const OptionTable *table)
{
    fputs("    local negatives='", stdout);
    for (unsigned i = 0; i < table->count; i++) {
        const OptionDef *def = &table->defs[i];
        if (!(def->flags & OPTION_TYPED) || !strcmp(def->name, "config"))
            printf("%s--no-%s", i ? " " : "", def->name);
    }
    puts("'");
}

static void bash_commands(const ToolCommands *commands)
{
    printf("    local %s_commands='", commands->tool);
    for (unsigned n = 0; n < commands->count; n++)
        printf("%s%s", n ? " " : "", commands->command[n].name);
    puts("'");
}

/* The emulator's --help serves the farm too. */
static bool is_double(const OptionTable *table, const OptionDef *def)
{
    return table != &option_table && option_find(&option_table, def->name, strlen(def->name));
}

/* ---- zsh -------------------------------------------------------------------------------------- */

/* Within single quotes, where _arguments gives [, ], : and \ a meaning. */
static void zsh_text(const char *text)
{
    for (; *text; text++) {
        if (strchr("[]:\\", *text))
            putchar('\\');
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    }
}

static void zsh_options(const OptionTable *table)
{
    char offers[8192];
    for (unsigned i = 0; i < table->count; i++) {
        const OptionDef *def = &table->defs[i];
        if (is_double(table, def))
            continue;
        option_offers(def, offers, sizeof offers);
        printf("    '%s--%s%s%s[", def->flags & OPTION_LIST ? "*" : "", prefix(def), def->name,
               def->argument ? "=" : "");
        zsh_text(def->help);
        putchar(']');
        if (def->argument) {
            fputs(def->flags & OPTION_MAY_LACK ? "::" : ":", stdout);
            zsh_text(def->argument);
            if (is(def, "files"))
                fputs(":_files", stdout);
            else if (is(def, "folders"))
                fputs(":_files -/", stdout);
            else if (is(def, "log"))
                printf(":_values -s , kind %s", offers);
            else if (!strcmp(def->name, "serial"))
                fputs(":_armature_serial", stdout);
            else
                printf(":(%s)", offers);
        }
        puts("'");
    }
}

static void zsh_commands(const ToolCommands *commands)
{
    for (unsigned n = 0; n < commands->count; n++) {
        printf("    '%s:", commands->command[n].name);
        zsh_text(commands->command[n].help);
        puts("'");
    }
}

/* ---- fish ------------------------------------------------------------------------------------- */

/* Within single quotes. */
static void fish_text(const char *text)
{
    for (; *text; text++)
        printf(*text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
}

static void fish_options(const OptionTable *table)
{
    char offers[8192];
    const char *when = table == &option_table        ? "not __armature_in ctl; and not __armature_in disk; "
                                                       "and not __armature_in snapshot"
                       : table == &farm_option_table ? "__armature_in farm"
                       : table == &snapshot_option_table ? "__armature_in snapshot"
                                                         : "__armature_in disk";
    for (unsigned i = 0; i < table->count; i++) {
        const OptionDef *def = &table->defs[i];
        if (is_double(table, def))
            continue;
        option_offers(def, offers, sizeof offers);
        printf("complete -c armature -n '%s' -l %s%s -d '", when, prefix(def), def->name);
        fish_text(def->help);
        putchar('\'');
        if (is(def, "files"))
            fputs(" -r -F", stdout);
        else if (is(def, "folders"))
            fputs(" -x -a '(__fish_complete_directories)'", stdout);
        else if (is(def, "log"))
            printf(" -x -a '(__fish_append , %s)'", offers);
        else if (!strcmp(def->name, "serial"))
            printf(" -r -F -a '%s'", offers);
        else if (def->argument)
            printf(" -x -a '%s'", offers);
        putchar('\n');
    }
}

static void fish_commands(const ToolCommands *commands)
{
    for (unsigned n = 0; n < commands->count; n++) {
        printf("complete -c armature -n '__armature_command_of %s' -f -a %s -d '", commands->tool,
               commands->command[n].name);
        fish_text(commands->command[n].help);
        puts("'");
    }
}

/* ---- The template ----------------------------------------------------------------------------- */

static const Part parts[] = {
    {"man",  "@TITLE@",             man_title,      NULL,                   NULL,          NULL              },
    {"man",  "@OPTIONS@",           man_options,    &option_table,          NULL,          NULL              },
    {"man",  "@FARM_OPTIONS@",      man_options,    &farm_option_table,     NULL,          NULL              },
    {"man",  "@DISK_COMMANDS@",     NULL,           NULL,                   man_commands,  &disk_commands    },
    {"man",  "@SNAPSHOT_COMMANDS@", NULL,           NULL,                   man_commands,  &snapshot_commands},
    {"man",  "@SNAPSHOT_OPTIONS@",  man_options,    &snapshot_option_table, NULL,          NULL              },
    {"man",  "@DISK_OPTIONS@",      man_options,    &disk_option_table,     NULL,          NULL              },
    {"bash", "@NAMES@",             bash_names,     &option_table,          NULL,          NULL              },
    {"bash", "@NEGATIVES@",         bash_negatives, &option_table,          NULL,          NULL              },
    {"bash", "@FARM_NAMES@",        bash_names,     &farm_option_table,     NULL,          NULL              },
    {"bash", "@VALUES@",            bash_values,    &option_table,          NULL,          NULL              },
    {"bash", "@FARM_VALUES@",       bash_values,    &farm_option_table,     NULL,          NULL              },
    {"bash", "@DISK_NAMES@",        bash_names,     &disk_option_table,     NULL,          NULL              },
    {"bash", "@DISK_COMMANDS@",     NULL,           NULL,                   bash_commands, &disk_commands    },
    {"bash", "@SNAPSHOT_COMMANDS@", NULL,           NULL,                   bash_commands, &snapshot_commands},
    {"bash", "@SNAPSHOT_NAMES@",    bash_names,     &snapshot_option_table, NULL,          NULL              },
    {"zsh",  "@OPTIONS@",           zsh_options,    &option_table,          NULL,          NULL              },
    {"zsh",  "@FARM_OPTIONS@",      zsh_options,    &farm_option_table,     NULL,          NULL              },
    {"zsh",  "@DISK_OPTIONS@",      zsh_options,    &disk_option_table,     NULL,          NULL              },
    {"zsh",  "@DISK_COMMANDS@",     NULL,           NULL,                   zsh_commands,  &disk_commands    },
    {"zsh",  "@SNAPSHOT_COMMANDS@", NULL,           NULL,                   zsh_commands,  &snapshot_commands},
    {"zsh",  "@SNAPSHOT_OPTIONS@",  zsh_options,    &snapshot_option_table, NULL,          NULL              },
    {"fish", "@OPTIONS@",           fish_options,   &option_table,          NULL,          NULL              },
    {"fish", "@FARM_OPTIONS@",      fish_options,   &farm_option_table,     NULL,          NULL              },
    {"fish", "@DISK_OPTIONS@",      fish_options,   &disk_option_table,     NULL,          NULL              },
    {"fish", "@DISK_COMMANDS@",     NULL,           NULL,                   fish_commands, &disk_commands    },
    {"fish", "@SNAPSHOT_COMMANDS@", NULL,           NULL,                   fish_commands, &snapshot_commands},
    {"fish", "@SNAPSHOT_OPTIONS@",  fish_options,   &snapshot_option_table, NULL,          NULL              },
};

static const Part *find_part(const char *format, const char *line)
{
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strcmp(parts[i].format, format) && !strncmp(line, parts[i].name, strlen(parts[i].name)))
            return &parts[i];
    return NULL;
}

int main(int argc, char **argv)
{
    FILE *template = argc == 3 ? fopen(argv[2], "r") : NULL;
    char *line = NULL;
    size_t size = 0;
    if (!template) {
        fprintf(stderr, "usage: %s man|bash|zsh|fish TEMPLATE\n", argv[0]);
        return 1;
    }
    while (getline(&line, &size, template) >= 0) {
        const Part *part = *line == '@' ? find_part(argv[1], line) : NULL;
        if (*line == '@' && !part) {
            fprintf(stderr, "%s: there is no part %s", argv[2], line);
            return 1;
        }
        if (part && part->write)
            part->write(part->table);
        else if (part)
            part->write_commands(part->commands);
        else
            fputs(line, stdout);
    }
    free(line);
    fclose(template);
    return fflush(stdout) != 0;
}
