/* Turns what the user set, in all places, into Options. */
#define _GNU_SOURCE
#include "frontends/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontends/config.h"
#include "frontends/serial_spec.h"
#include "frontends/settings.h"
#include "snapshot/recording.h"

/* With --deterministic a run must not depend on today's date. */

/* Builds without libslirp have no network unless it is asked for. */
#ifdef ARMATURE_SLIRP
#define NET_DEFAULT "user"
#else
#define NET_DEFAULT "none"
#endif

/* ---- Which files are read --------------------------------------------------------------------- */

/* The user's own file, if there is one: $XDG_CONFIG_HOME/armature/config, else ~/.config/armature/config. */
static bool read_user_file(Settings *settings, Error *err)
{
    const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char path[4096];
    if (base && *base == '/')
        snprintf(path, sizeof path, "%s/armature/config", base);
    else if (home && *home == '/')
        snprintf(path, sizeof path, "%s/.config/armature/config", home);
    else
        return true;
    if (access(path, F_OK) && (errno == ENOENT || errno == ENOTDIR))
        return true;
    return settings_read_file(settings, SOURCE_USER_FILE, path, err);
}

/* ARMATURE_CONFIG names one file; --config may be given several times; --no-config (ARMATURE_NO_CONFIG)
 * leaves only those. */
static bool read_files(Settings *settings, Error *err)
{
    const OptionDef *config = option_find(&option_table, "config", 6);
    const char *variable = getenv("ARMATURE_CONFIG"), *no_files = getenv("ARMATURE_NO_CONFIG");
    unsigned source = SOURCE_FILE, typed = settings->count;
    bool none = false, given = false;
    if (no_files && *no_files && !option_parse_switch(no_files, &none, err))
        return error_set(err, "ARMATURE_NO_CONFIG=%.200s: give yes or no", no_files);
    for (unsigned i = 0; i < typed; i++) {
        none |= settings->list[i].def == config && !settings->list[i].value;
        given |= settings->list[i].def == config && settings->list[i].value;
    }
    if (!none && !read_user_file(settings, err))
        return false;
    if (!none && !given && variable && *variable)
        return settings_read_file(settings, source, variable, err);
    for (unsigned i = 0; i < typed; i++) {
        if (settings->list[i].def != config || !settings->list[i].value)
            continue;
        if (source == SOURCE_ENVIRONMENT)
            return error_set(err, "--config: there are too many files");
        if (!settings_read_file(settings, source++, settings->list[i].value, err))
            return false;
    }
    return true;
}

static bool is_set(const Settings *settings, const char *name)
{
    unsigned chosen;
    return settings_choose(settings, option_find(&option_table, name, strlen(name)), &chosen, 1);
}

static const char *typed(const Settings *settings, const char *name)
{
    unsigned chosen;
    bool any = settings_choose(settings, option_find(&option_table, name, strlen(name)), &chosen, 1);
    return any ? settings->list[chosen].value : NULL;
}

/* A file from somebody else must not start scripts, or write files. */
static bool may_be_recorded(const Setting *setting)
{
    const OptionDef *def = setting->def;
    return def->flags & OPTION_GUEST || !strcmp(def->name, "rtc") ||
           (!strcmp(def->name, "console") && setting->value && !strcmp(setting->value, "none"));
}

static bool check_recorded(const Settings *settings, const char *path, Error *err)
{
    for (unsigned n = 0; n < settings->count; n++) {
        const Setting *setting = &settings->list[n];
        if (setting->source == SOURCE_RECORDING && !may_be_recorded(setting))
            return error_set(err, "cannot use the recording %.400s: it sets %s, which no recording does",
                             path, setting->def->name);
    }
    return true;
}

/* What was recorded has to be the same machine, whatever the user's files and the environment say. */
static bool read_recording(Settings *settings, const char *path, Error *err)
{
    Recording *recording = recording_open(path, err);
    if (!recording)
        return false;
    char *text = strdup(recording_options(recording));
    if (!text)
        abort();
    bool ok = settings_read_text(settings, SOURCE_RECORDING, path, NULL, text, strlen(text), err) &&
              check_recorded(settings, path, err);
    free(text);
    recording_close(recording);
    return ok;
}

/* A request for help must be answered whatever the files and the environment hold. */
static bool read_all(Settings *settings, int argc, char **argv, Error *err)
{
    int rest;
    if (!settings_read_command_line(settings, argc, argv, &rest, err))
        return false;
    if (is_set(settings, "help") || is_set(settings, "version"))
        return true;
    if (typed(settings, "replay"))
        return read_recording(settings, typed(settings, "replay"), err) &&
               settings_read_rest(settings, is_set(settings, "script") ? "script-arg" : "kernel", argc, argv,
                                  rest, err);
    if (!read_files(settings, err) || !settings_read_environment(settings, err))
        return false;
    return settings_read_rest(settings, is_set(settings, "script") ? "script-arg" : "kernel", argc, argv,
                              rest, err);
}

/* ---- Values ----------------------------------------------------------------------------------- */

static bool console_has_terminal(const Options *options)
{
    return options->machine.console && !strcmp(options->serial[SERIAL_CONSOLE], "stdio");
}

/* What holds if nothing is set; for some options that depends on others. */
static const char *initial(const Options *options, const OptionDef *def)
{
    if (!strcmp(def->name, "rtc"))
        return options->machine.deterministic && !options->record ? FIXED_DATE : "host";
    if (!strcmp(def->name, "serial"))
        return options->monitor || console_has_terminal(options) ? "none" : "stdio";
    if (!strcmp(def->name, "net"))
        return options->machine.deterministic && !options->record ? "none" : NET_DEFAULT;
    return def->initial;
}

static bool store(Options *options, const OptionDef *def, Error *err)
{
    const Settings *settings = options->settings;
    unsigned *chosen = calloc(settings->count + 1, sizeof *chosen);
    if (!chosen)
        return error_set(err, "no memory");
    unsigned count = settings_choose(settings, def, chosen, settings->count);
    bool ok = true;
    for (unsigned i = 0; ok && i < count; i++)
        ok = def->set(options, def, settings->list[chosen[i]].value, err);
    free(chosen);
    if (!count && initial(options, def))
        ok = def->set(options, def, initial(options, def), err);
    return ok;
}

static bool store_all(Options *options, Error *err)
{
    /* Switches first, and --record: defaults of others depend on them. */
    options->record = typed(options->settings, "record");
    for (unsigned pass = 0; pass < 2; pass++)
        for (unsigned i = 0; i < option_table.count; i++)
            if (!option_table.defs[i].argument == !pass && !store(options, &option_table.defs[i], err))
                return false;
    options->rtc_given = is_set(options->settings, "rtc");
    options->watchdog_given = is_set(options->settings, "watchdog");
    while (options->serial_count < SERIAL_UARTS)
        options->serial[options->serial_count++] = "none";
    if (!options->machine.console)
        options->serial[SERIAL_CONSOLE] = "none";
    return true;
}

/* ---- What does not go together ---------------------------------------------------------------- */

/* NULL if def is not set to `value` (NULL: to anything but "no" and its default); else how the user set it.
 */
static const Setting *find_setting(const Options *options, const char *name, const char *value)
{
    const Settings *settings = options->settings;
    const OptionDef *def = option_find(&option_table, name, strlen(name));
    enum { MOST = 64 };
    unsigned chosen[MOST], count = settings_choose(settings, def, chosen, MOST);
    for (unsigned i = 0; i < count; i++) {
        const Setting *setting = &settings->list[chosen[i]];
        bool on = true, initial = def->initial && !strcmp(setting->value, def->initial);
        if (value           ? !strcmp(setting->value, value)
            : def->argument ? !initial
                            : option_parse_switch(setting->value, &on, NULL) && on)
            return setting;
    }
    return NULL;
}

/* "--monitor", or "monitor (FILE:3)". */
static const char *cite(const Setting *setting, char *text, size_t size)
{
    char where[512];
    const char *value = setting->def->argument && strlen(setting->value) < 100 ? setting->value : "";
    settings_describe(setting, where, sizeof where);
    if (setting->source == SOURCE_COMMAND_LINE)
        snprintf(text, size, "--%s%s%s", setting->def->name, *value ? " " : "", value);
    else
        snprintf(text, size, "%s%s%s (%.300s)", setting->def->name, *value ? " " : "", value, where);
    return text;
}

/* clang-format off */
static const struct { const char *one, *one_value, *other, *other_value, *why; } conflicts[] = {
    {"monitor", NULL, "serial", "stdio",
     "both want the terminal; give the port another place, as in --serial file:serial.log"},
    {"monitor", NULL, "script", NULL, "both drive the machine; leave one of them out"},
    {"until", NULL, "script", NULL, "both decide when the run ends; wait for the text in the script"},
    {"send", NULL, "script", NULL, "both type; send the text from the script"},
    {"record", NULL, "replay", NULL, "leave one of them out"},
    {"history", NULL, "record", NULL, "leave one of them out"},
    {"history", NULL, "replay", NULL, "leave one of them out"},
    {"history", NULL, "time-scale", NULL, "time follows the instructions then; leave one of them out"},
    {"history", NULL, "incoming", NULL, "the machine that comes has a time of its own; leave one of them out"},
    {"record", NULL, "time-scale", NULL, "time follows the instructions then; leave one of them out"},
    {"record", NULL, "incoming", NULL, "a recording begins with a machine that is switched on; leave one of them out"},
    {"replay", NULL, "incoming", NULL, "both say what the machine is; leave one of them out"},
    {"deterministic", NULL, "rtc", "host",
     "the run would depend on today's date; give a date, as in --rtc 2025-01-31"},
    {"deterministic", NULL, "time-scale", NULL,
     "time follows the instructions then, not the host's clock; leave one of them out"},
    {"load", NULL, "incoming", NULL, "both say what the machine is; leave one of them out"},
};

static const struct { const char *one, *needed; } needs[] = {
    {"semihosting-dir", "semihosting"},
    {"script-arg", "script"},
    {"log-filter", "log"},
};
/* clang-format on */

static bool check_pairs(const Options *options, Error *err)
{
    char a[420], b[420];
    for (unsigned i = 0; i < sizeof conflicts / sizeof *conflicts; i++) {
        const Setting *one = find_setting(options, conflicts[i].one, conflicts[i].one_value);
        const Setting *other = find_setting(options, conflicts[i].other, conflicts[i].other_value);
        if (one && other)
            return error_set(err, "%s and %s: %s", cite(one, a, sizeof a), cite(other, b, sizeof b),
                             conflicts[i].why);
    }
    for (unsigned i = 0; i < sizeof needs / sizeof *needs; i++) {
        const Setting *one = find_setting(options, needs[i].one, NULL);
        if (one && !find_setting(options, needs[i].needed, NULL))
            return error_set(err, "%s has no effect without --%s", cite(one, a, sizeof a), needs[i].needed);
    }
    return true;
}

/* Two that write to one file would overwrite each other's output. */
static bool check_outputs(const Options *options, Error *err)
{
    const char *path[SERIAL_PORTS + 3];
    SerialSpec spec[SERIAL_PORTS];
    unsigned count = 0;
    bool ok = true;
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        if (serial_spec_parse(&spec[n], options->serial[n], NULL) && spec[n].kind == SERIAL_FILE)
            path[count++] = spec[n].path;
    if (options->log_file)
        path[count++] = options->log_file;
    for (unsigned bank = 0; bank < 2; bank++)
        if (options->machine.flash[bank])
            path[count++] = options->machine.flash[bank];
    for (unsigned i = 0; ok && i < count; i++)
        for (unsigned j = 0; ok && j < i; j++)
            if (!strcmp(path[i], path[j]) && strncmp(path[i], "/dev/", 5))
                ok = error_set(err,
                               "%.400s is written by two of --serial, --console, --log-file, --flash0 and "
                               "--flash1; give "
                               "each a file of its own",
                               path[i]);
    for (unsigned n = 0; n < SERIAL_PORTS; n++)
        serial_spec_free(&spec[n]);
    return ok;
}

/* A hub with one cable is a slip of the pen. */
static bool check_hubs(const Options *options, Error *err)
{
    for (unsigned n = 0; n < options->net_count; n++) {
        unsigned number = options->machine.hub[options->net_port[n]], cables = 0;
        for (unsigned port = 0; port < NET_PORTS; port++)
            cables += options->machine.hub[port] == number;
        if (number && cables < 2)
            return error_set(
                err,
                "--net %.400s: nothing else is on this hub; give it once for each network that is "
                "to be on it, as in --net hub --net hub,model=lan9118",
                options->net[n]);
    }
    return true;
}

/* ---- All of it -------------------------------------------------------------------------------- */

bool options_parse(Options *options, int argc, char **argv, Error *err)
{
    *options = (Options){.status_fd = -1, .settings = settings_new()};
    bool ok = read_all(options->settings, argc, argv, err) && store_all(options, err) &&
              (options->help || options->version ||
               (check_pairs(options, err) && check_outputs(options, err) && check_hubs(options, err)));
    if (!ok)
        options_free(options);
    return ok;
}

void options_free(Options *options)
{
    settings_free(options->settings);
    options->settings = NULL;
}

/* ---- --print-config --------------------------------------------------------------------------- */

/* The value as it can be read from a file in any folder. */
static void print_value(const OptionDef *def, const char *value, FILE *out)
{
    char folder[4096], *whole = option_move_path(def, value, getcwd(folder, sizeof folder));
    fprintf(out, "%s = ", def->name);
    config_write_value(out, whole);
    free(whole);
    fputc('\n', out);
}

/* False if the option has no value at all. */
static bool print_option(const Options *options, const OptionDef *def, FILE *out)
{
    const Settings *settings = options->settings;
    unsigned *chosen = calloc(settings->count + 1, sizeof *chosen);
    unsigned count = chosen ? settings_choose(settings, def, chosen, settings->count) : 0;
    const char *value = initial(options, def);
    for (unsigned i = 0; i < count; i++) {
        const Setting *setting = &settings->list[chosen[i]];
        char where[4200];
        settings_describe(setting, where, sizeof where);
        for (char *p = where; *p; p++)
            *p = (unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p;
        fprintf(out, "# %s\n", where);
        print_value(def, setting->value, out);
    }
    free(chosen);
    if (!count && (value || !def->argument)) {
        fprintf(out, "# built-in default\n");
        print_value(def, value ? value : "no", out);
    }
    return count || value || !def->argument;
}

void options_print_config(const Options *options, FILE *out)
{
    for (OptionGroup group = 0; group < OPTION_GROUPS; group++) {
        const OptionDef *unset[64];
        unsigned count = 0, typed = 0;
        for (unsigned i = 0; i < option_table.count; i++) {
            const OptionDef *def = &option_table.defs[i];
            if (def->group != group || def->flags & OPTION_TYPED)
                continue;
            if (!typed++)
                fprintf(out, "%s# ---- %s ----\n", group ? "\n" : "", option_group_title(group));
            if (!print_option(options, def, out) && count < sizeof unset / sizeof *unset)
                unset[count++] = def;
        }
        for (unsigned i = 0; i < count; i++)
            fprintf(out, "%s%s%s", i ? ", " : "# not set: ", unset[i]->name, i + 1 == count ? "\n" : "");
    }
}

void options_print_machine(const Options *options, uint32_t rtc_base, FILE *out)
{
    const Settings *settings = options->settings;
    unsigned *chosen = calloc(settings->count + 1, sizeof *chosen);
    if (!chosen)
        abort();
    for (unsigned n = 0; n < option_table.count; n++) {
        const OptionDef *def = &option_table.defs[n];
        if (!(def->flags & OPTION_GUEST))
            continue;
        unsigned count = settings_choose(settings, def, chosen, settings->count);
        for (unsigned i = 0; i < count; i++)
            print_value(def, settings->list[chosen[i]].value, out);
        if (!count && initial(options, def))
            print_value(def, initial(options, def), out);
    }
    free(chosen);
    fprintf(out, "rtc = %u\n", rtc_base);
    if (options->machine.console)
        fprintf(out, "console = none\n");
}
