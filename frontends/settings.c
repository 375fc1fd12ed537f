/* Collects settings from the command line, the environment and configuration files. */
#include "frontends/settings.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "frontends/config.h"
#include "frontends/disk_spec.h"
#include "machine/checked.h"

extern char **environ;

typedef struct Kept {
    struct Kept *next;
    char text[];
} Kept;

Settings *settings_new(void)
{
    return checked(calloc(1, sizeof(Settings)));
}

void settings_free(Settings *settings)
{
    if (!settings)
        return;
    for (Kept *kept = settings->kept, *next; kept; kept = next) {
        next = kept->next;
        free(kept);
    }
    free(settings->list);
    free(settings);
}

char *settings_keep(Settings *settings, const char *text, size_t length)
{
    Kept *kept = checked(calloc(1, sizeof *kept + length + 1));
    if (text)
        memcpy(kept->text, text, length);
    kept->next = settings->kept;
    settings->kept = kept;
    return kept->text;
}

/* ---- Where settings come from ----------------------------------------------------------------- */

void settings_describe(const Setting *setting, char *text, size_t size)
{
    if (setting->source == SOURCE_COMMAND_LINE)
        snprintf(text, size, "command line");
    else if (setting->source == SOURCE_ENVIRONMENT)
        option_variable(setting->def, false, text, size);
    else if (setting->source == SOURCE_DEFAULT)
        snprintf(text, size, "built-in default");
    else
        snprintf(text, size, "%s:%u", setting->file, setting->line);
}

/* The setting as its author wrote it, and what is wrong with it. */
static bool complain(const Setting *setting, const char *why, Error *err)
{
    char variable[64];
    const char *name = setting->def->name, *value = setting->value;
    option_variable(setting->def, false, variable, sizeof variable);
    if (setting->source == SOURCE_COMMAND_LINE && !setting->def->argument)
        return error_set(err, "--%s=%.200s: %s", name, value, why);
    if (setting->source == SOURCE_COMMAND_LINE)
        return error_set(err, "--%s %.200s: %s", name, value, why);
    if (setting->source == SOURCE_ENVIRONMENT)
        return error_set(err, "%s=%.200s: %s", variable, value, why);
    return error_set(err, "%.400s:%u: %s = %.200s: %s", setting->file, setting->line, name, value, why);
}

bool settings_add(Settings *settings, Setting setting, Options *scratch, Error *err)
{
    Error why = {""};
    scratch->settings = settings;
    if (setting.value && !setting.def->set(scratch, setting.def, setting.value, &why))
        return complain(&setting, why.text, err);
    if (settings->count == settings->capacity) {
        settings->capacity = settings->capacity ? 2 * settings->capacity : 64;
        settings->list = checked(realloc(settings->list, settings->capacity * sizeof setting));
    }
    settings->list[settings->count++] = setting;
    return true;
}

unsigned settings_choose(const Settings *settings, const OptionDef *def, unsigned *chosen, unsigned most)
{
    unsigned source = SOURCE_DEFAULT, count = 0;
    for (unsigned i = 0; i < settings->count; i++)
        if (settings->list[i].def == def && settings->list[i].source > source)
            source = settings->list[i].source;
    for (unsigned i = 0; i < settings->count; i++) {
        if (settings->list[i].def != def || settings->list[i].source != source)
            continue;
        if (!settings->list[i].value || !(def->flags & OPTION_LIST))
            count = 0;
        if (settings->list[i].value && count < most)
            chosen[count++] = i;
    }
    return count;
}

/* ---- The command line ------------------------------------------------------------------------- */

static bool add_typed(Settings *settings, const OptionDef *def, const char *value, Options *scratch,
                      Error *err)
{
    unsigned before;
    if (def->flags & OPTION_ONCE && value && settings_choose(settings, def, &before, 1) &&
        settings->list[before].source == SOURCE_COMMAND_LINE)
        return error_set(err, "there are two %ss: %.300s and %.300s", def->name, settings->list[before].value,
                         value);
    Setting setting = {.def = def, .value = value, .source = SOURCE_COMMAND_LINE};
    return settings_add(settings, setting, scratch, err);
}

/* A plain argument is what to run: a disk if its contents say so, else a kernel. */
static void take_plain(Settings *settings, OptionWord *word)
{
    const OptionDef *disk = option_find(&option_table, "disk", 4);
    char *value = disk_spec_of_plain(word->value);
    if (value)
        *word = (OptionWord){.def = disk, .value = settings_keep(settings, value, strlen(value))};
    free(value);
}

bool settings_read_rest(Settings *settings, const char *name, int argc, char **argv, int rest, Error *err)
{
    Options scratch = {0};
    const OptionDef *def = option_find(&option_table, name, strlen(name));
    for (int i = rest; i < argc; i++) {
        OptionWord word = {.def = def, .value = argv[i]};
        if (!strcmp(name, "kernel"))
            take_plain(settings, &word);
        if (!add_typed(settings, word.def, word.value, &scratch, err))
            return false;
    }
    return true;
}

bool settings_read_command_line(Settings *settings, int argc, char **argv, int *rest, Error *err)
{
    const OptionTable *table = &option_table;
    const OptionDef *kernel = option_find(table, "kernel", 6);
    Options scratch = {0};
    *rest = argc;
    for (int i = 1; i < argc && !scratch.help; i++) {
        OptionWord word = {.def = kernel, .value = argv[i]};
        if (!strcmp(argv[i], "--")) {
            *rest = i + 1;
            return true;
        }
        if (argv[i][0] != '-' || !argv[i][1])
            take_plain(settings, &word);
        else if (!option_read(&table, 1, argc, argv, &i, &word, err))
            return false;
        if (!add_typed(settings, word.def, word.value, &scratch, err))
            return false;
    }
    return true;
}

/* ---- The environment -------------------------------------------------------------------------- */

/* A variable's value may hold several entries of a list, one a line. */
static bool add_variable(Settings *settings, const OptionDef *def, const char *value, Options *scratch,
                         Error *err)
{
    bool list = def->flags & OPTION_LIST;
    while (*value) {
        size_t length = list ? strcspn(value, "\n") : strlen(value);
        Setting setting = {.def = def, .source = SOURCE_ENVIRONMENT};
        setting.value = settings_keep(settings, value, length);
        if (length && !settings_add(settings, setting, scratch, err))
            return false;
        value += length + (value[length] == '\n');
    }
    return true;
}

/* ARMATURE_NO_NAME = yes */
static bool add_negated(Settings *settings, const OptionDef *def, const char *variable, const char *value,
                        Options *scratch, Error *err)
{
    Setting setting = {.def = def, .value = def->argument ? NULL : "no", .source = SOURCE_ENVIRONMENT};
    Error why;
    bool on = false;
    if (!option_parse_switch(value, &on, &why))
        return error_set(err, "%s=%.200s: %s", variable, value, why.text);
    return !on || settings_add(settings, setting, scratch, err);
}

static bool is_known(const char *name, size_t length)
{
    for (unsigned i = 0; i < option_table.count; i++)
        for (unsigned negated = 0; negated < 2; negated++) {
            char variable[64];
            option_variable(&option_table.defs[i], negated, variable, sizeof variable);
            if (strlen(variable) == length && !memcmp(variable, name, length))
                return true;
        }
    return false;
}

/* Variables of other programs may begin with ARMATURE_ too, so only what looks like a slip is an error. */
static bool check_names(Error *err)
{
    for (char **entry = environ; entry && *entry; entry++) {
        static const char prefix[] = "ARMATURE_";
        size_t length = strcspn(*entry, "="), skip = sizeof prefix - 1;
        char name[40], variable[64];
        if (strncmp(*entry, prefix, skip) || length - skip < 6 || length - skip >= sizeof name ||
            is_known(*entry, length))
            continue;
        for (size_t i = 0; i <= length - skip; i++)
            name[i] = i == length - skip          ? 0
                      : (*entry)[skip + i] == '_' ? '-'
                                                  : (char)tolower((unsigned char)(*entry)[skip + i]);
        const char *meant = option_suggest(&option_table, name);
        if (!meant)
            continue;
        option_variable(option_find(&option_table, meant, strlen(meant)), false, variable, sizeof variable);
        return error_set(err, "the environment sets %.*s, which is no option; did you mean %s?", (int)length,
                         *entry, variable);
    }
    return true;
}

bool settings_read_environment(Settings *settings, Error *err)
{
    Options scratch = {0};
    for (unsigned i = 0; i < option_table.count; i++) {
        const OptionDef *def = &option_table.defs[i];
        char variable[64];
        if (def->flags & OPTION_TYPED)
            continue;
        option_variable(def, false, variable, sizeof variable);
        const char *value = getenv(variable);
        if (value && !add_variable(settings, def, value, &scratch, err))
            return false;
        option_variable(def, true, variable, sizeof variable);
        value = getenv(variable);
        if (value && *value && !add_negated(settings, def, variable, value, &scratch, err))
            return false;
    }
    return check_names(err);
}

/* ---- Configuration files ---------------------------------------------------------------------- */

typedef struct FileReader {
    Settings *settings;
    Options scratch;
    unsigned source;
    const char *path;
    const char *folder; /* relative file names begin here; NULL: in the working directory */
} FileReader;

static bool unknown_name(const FileReader *reader, const char *name, unsigned line, Error *err)
{
    const char *plain = name + strspn(name, "-");
    const char *meant = option_suggest(&option_table, plain);
    if (meant)
        return error_set(err, "%.400s:%u: there is no option %.64s; did you mean %s?", reader->path, line,
                         name, meant);
    return error_set(err, "%.400s:%u: there is no option %.64s; armature --help lists them all", reader->path,
                     line, name);
}

static const char *resolve(FileReader *reader, const OptionDef *def, const char *value)
{
    char *moved = option_move_path(def, value, reader->folder);
    const char *kept = settings_keep(reader->settings, moved, strlen(moved));
    free(moved);
    return kept;
}

static bool add_entry(FileReader *reader, const OptionDef *def, const char *value, unsigned line, Error *err)
{
    const Settings *settings = reader->settings;
    for (unsigned i = 0; !(def->flags & OPTION_LIST) && i < settings->count; i++)
        if (settings->list[i].def == def && settings->list[i].source == reader->source)
            return error_set(err, "%.400s:%u: %s was already set in line %u", reader->path, line, def->name,
                             settings->list[i].line);
    Setting setting = {
        .def = def, .value = value, .source = reader->source, .file = reader->path, .line = line};
    return settings_add(reader->settings, setting, &reader->scratch, err);
}

static bool config_entry(void *opaque, const char *name, const char *value, unsigned line, Error *err)
{
    FileReader *reader = opaque;
    const OptionDef *def = option_find(&option_table, name, strlen(name));
    bool negated = !def && !strncmp(name, "no-", 3), on = false;
    Error why;
    if (negated)
        def = option_find(&option_table, name + 3, strlen(name + 3));
    if (!def)
        return unknown_name(reader, name, line, err);
    if (def->flags & OPTION_TYPED)
        return error_set(err, "%.400s:%u: %s belongs on the command line, not in a file", reader->path, line,
                         name);
    if (!negated)
        return add_entry(reader, def, resolve(reader, def, value), line, err);
    if (!option_parse_switch(value, &on, &why))
        return error_set(err, "%.400s:%u: %s = %.200s: %s", reader->path, line, name, value, why.text);
    return add_entry(reader, def, def->argument ? NULL : on ? "no" : "yes", line, err);
}

bool settings_read_text(Settings *settings, unsigned source, const char *path, const char *folder, char *text,
                        size_t length, Error *err)
{
    FileReader reader = {.settings = settings, .source = source, .path = path, .folder = folder};
    return config_parse(path, text, length, config_entry, &reader, err);
}

bool settings_read_file(Settings *settings, unsigned source, const char *path, Error *err)
{
    struct stat status;
    const char *slash = strrchr(path, '/'), *folder = ".";
    size_t length;
    char *text = config_load(path, &length, err);
    if (!text)
        return false;
    path = settings_keep(settings, path, strlen(path));
    if (slash)
        folder = settings_keep(settings, path, (size_t)(strrchr(path, '/') - path));
    /* A pipe has no folder that would make sense. Names beside a file in the working directory stay short. */
    if (!slash || stat(path, &status) || !S_ISREG(status.st_mode))
        folder = NULL;
    bool ok = settings_read_text(settings, source, path, folder, text, length, err);
    free(text);
    return ok;
}
