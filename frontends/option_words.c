/* What all tables of options share: finding rows, reading words of a command line, common setters. */
#include "frontends/option_table.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "frontends/disk_spec.h"
#include "frontends/suggest.h"

/* ---- Finding ---------------------------------------------------------------------------------- */

const OptionDef *option_find(const OptionTable *table, const char *name, size_t length)
{
    for (unsigned i = 0; i < table->count; i++)
        if (strlen(table->defs[i].name) == length && !memcmp(table->defs[i].name, name, length))
            return &table->defs[i];
    return NULL;
}

static const char *name_at(const void *table, unsigned n)
{
    return ((const OptionTable *)table)->defs[n].name;
}

const char *option_suggest(const OptionTable *table, const char *typed)
{
    for (unsigned i = 0; i < table->habit_count; i++)
        if (!strcmp(typed, table->habits[i].typed))
            return table->habits[i].meant;
    return suggest(typed, table, table->count, name_at);
}

void option_variable(const OptionDef *def, bool negated, char *text, size_t size)
{
    snprintf(text, size, "ARMATURE_%s%s", negated ? "NO_" : "", def->name);
    for (char *p = text; *p; p++)
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
}

const char *option_path(const OptionDef *def, const char *value)
{
    static const char *const kinds[] = {"file", "unix", "pty", "wav"};
    const char *colon = strchr(value, ':');
    if (def->flags & OPTION_PATH)
        return *value ? value : NULL;
    if (!(def->flags & OPTION_PATH_COLON) || !colon || !colon[1])
        return NULL;
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i]) == (size_t)(colon - value) && !memcmp(kinds[i], value, strlen(kinds[i])))
            return colon + 1;
    return NULL;
}

char *option_move_path(const OptionDef *def, const char *value, const char *folder)
{
    if (def->flags & OPTION_DISK && folder)
        return disk_spec_move(value, folder);
    const char *path = option_path(def, value);
    bool moves = path && *path != '/' && folder;
    bool doubled = def->flags & OPTION_PATH_COLON && strncmp(value, "wav:", 4); /* which has no options */
    char *whole = malloc(strlen(value) + (moves ? 2 * strlen(folder) : 0) + 2), *to = whole;
    if (!whole)
        abort();
    if (moves) {
        memcpy(to, value, (size_t)(path - value));
        to += path - value;
        for (const char *from = folder; *from; from++) {
            *to++ = *from;
            if (doubled && *from == ',')
                *to++ = ',';
        }
        *to++ = '/';
        value = path;
    }
    strcpy(to, value);
    return whole;
}

void option_offers(const OptionDef *def, char *text, size_t size)
{
    const char *complete = def->complete ? def->complete : "";
    size_t at = 0;
    *text = 0;
    if (!strcmp(complete, "files") || !strcmp(complete, "folders"))
        return;
    if (strcmp(complete, "log") && strcmp(complete, "topics")) {
        snprintf(text, size, "%s", complete);
        return;
    }
    for (LogKind kind = 0; !strcmp(complete, "log") && kind < LOG_KINDS && at < size; kind++)
        at += (size_t)snprintf(text + at, size - at, "%s ", log_kind_name(kind));
    if (!strcmp(complete, "log") && at < size)
        snprintf(text + at, size - at, "all");
    for (OptionGroup group = 0; !strcmp(complete, "topics") && group < GROUP_FARM && at < size; group++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", at ? " " : "", option_group_name(group));
    for (unsigned i = 0; !strcmp(complete, "topics") && i < option_table.count && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, " %s", option_table.defs[i].name);
}

/* ---- Words of a command line ------------------------------------------------------------------ */

/* What dashes a word begins with: "-smp" is a habit, "--smp" a slip. */
static bool unknown(const OptionTable *const *tables, unsigned count, const char *word, size_t length,
                    Error *err)
{
    char typed[64];
    snprintf(typed, sizeof typed, "%.*s", (int)(length < sizeof typed ? length : sizeof typed - 1), word);
    const char *plain = typed + strspn(typed, "-");
    for (unsigned i = 0; i < count; i++) {
        const char *negated = !strncmp(plain, "no-", 3) ? option_suggest(tables[i], plain + 3) : NULL;
        const char *meant = option_suggest(tables[i], plain);
        if (meant)
            return error_set(err, "there is no option %s; did you mean --%s?", typed, meant);
        if (negated)
            return error_set(err, "there is no option %s; did you mean --no-%s?", typed, negated);
    }
    return error_set(err, "there is no option %s; armature --help lists them all", typed);
}

static bool read_switch(OptionWord *word, bool negated, const char *value, Error *err)
{
    bool on = false;
    Error why;
    if (value && negated)
        return error_set(err, "--no-%s takes no value", word->def->name);
    if (value && !option_parse_switch(value, &on, &why))
        return error_set(err, "--%s=%s: %s", word->def->name, value, why.text);
    word->value = (value ? on : !negated) ? "yes" : "no";
    return true;
}

bool option_read(const OptionTable *const *tables, unsigned count, int argc, char **argv, int *i,
                 OptionWord *word, Error *err)
{
    const char *typed = argv[*i], *name = typed + 2, *equals = strchr(typed, '=');
    size_t length = equals ? (size_t)(equals - typed) : strlen(typed);
    bool dashes = length > 2 && !strncmp(typed, "--", 2), negated = dashes && !strncmp(name, "no-", 3);
    *word = (OptionWord){0};
    for (unsigned t = 0; dashes && t < count && !word->def; t++)
        word->def = option_find(tables[t], name, length - 2);
    if (word->def)
        negated = false;
    for (unsigned t = 0; negated && t < count && !word->def; t++)
        word->def = option_find(tables[t], name + 3, length - 5);
    const OptionDef *def = word->def;
    if (!def)
        return unknown(tables, count, typed, length, err);
    if (!def->argument)
        return read_switch(word, negated, equals ? equals + 1 : NULL, err);
    if (negated)
        return equals ? error_set(err, "--no-%s takes no value", def->name) : true;
    if (equals)
        word->value = equals + 1;
    else if (*i + 1 < argc)
        word->value = argv[++*i];
    else if (def->flags & OPTION_MAY_LACK)
        word->value = "";
    else
        return error_set(err, "--%s needs a value: --%s %s", def->name, def->name, def->argument);
    return true;
}

/* ---- Values ----------------------------------------------------------------------------------- */

bool option_parse_switch(const char *text, bool *on, Error *err)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(text, words[i])) {
            *on = i & 1;
            return true;
        }
    return error_set(err, "give yes or no");
}

bool option_set_text(void *target, const OptionDef *def, const char *value, Error *err)
{
    (void)err;
    *(const char **)((char *)target + def->field) = value;
    return true;
}

bool option_set_switch(void *target, const OptionDef *def, const char *value, Error *err)
{
    return option_parse_switch(value, (bool *)((char *)target + def->field), err);
}

bool option_set_seconds(void *target, const OptionDef *def, const char *value, Error *err)
{
    const char *fraction = value + strspn(value, "0123456789");
    size_t digits = (size_t)(fraction - value),
           rest = *fraction == '.' ? strspn(fraction + 1, "0123456789") : 0;
    bool plain = digits && digits <= 9 && !fraction[rest + (*fraction == '.')] && (*fraction != '.' || rest);
    if (!plain)
        return error_set(err, "give seconds, as in --%s 30 or --%s 0.5", def->name, def->name);
    uint64_t ns = strtoull(value, NULL, 10) * 1000000000u, unit = 100000000;
    for (size_t i = 1; i <= rest && unit; i++, unit /= 10)
        ns += (uint64_t)(fraction[i] - '0') * unit;
    *(uint64_t *)((char *)target + def->field) = ns;
    return true;
}
