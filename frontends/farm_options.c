/* The farm's command line: its own options, and any of the emulator's, which go to every job. */
#include <stdlib.h>
#include <string.h>

#include "frontends/farm.h"
#include "frontends/farm_job.h"

/* ---- Values ----------------------------------------------------------------------------------- */

static bool set_number(void *target, const OptionDef *def, const char *value, unsigned least, unsigned most,
                       Error *err)
{
    size_t digits = strspn(value, "0123456789");
    unsigned long number = strtoul(value, NULL, 10);
    if (!digits || digits > 9 || value[digits] || number < least || number > most)
        return error_set(err, "give a number from %u to %u", least, most);
    *(unsigned *)((char *)target + def->field) = (unsigned)number;
    return true;
}

static bool set_jobs(void *target, const OptionDef *def, const char *value, Error *err)
{
    return set_number(target, def, value, 1, FARM_MOST_AT_ONCE, err);
}

static bool set_count(void *target, const OptionDef *def, const char *value, Error *err)
{
    return set_number(target, def, value, 0, 1000, err);
}

/* ---- The table -------------------------------------------------------------------------------- */

#define IN_FARM(name) offsetof(FarmOptions, name)

/* clang-format off */
static const OptionDef defs[] = {
    {"jobs", "N", NULL,
     GROUP_FARM, 0, set_jobs, IN_FARM(jobs), NULL,
     "how many machines run at once (default: one for each processor)", NULL},
    {"jobs-file", "FILE", NULL,
     GROUP_FARM, 0, option_set_text, IN_FARM(jobs_file), "files",
     "read jobs from a file, one a line: [NAME:] options and image, quoted as in a shell",
     "Empty lines and lines that begin with # are skipped. Relative file names begin at the file's folder. "
     "FILE - is stdin."},
    {"log-dir", "DIR", "farm-logs",
     GROUP_FARM, 0, option_set_text, IN_FARM(log_dir), "folders",
     "where each job's output goes, as NAME.log", NULL},
    {"time-limit", "SECONDS", NULL,
     GROUP_FARM, 0, option_set_seconds, IN_FARM(time_limit), NULL,
     "end everything after so much of the host's time", NULL},
    {"job-time-limit", "SECONDS", NULL,
     GROUP_FARM, 0, option_set_seconds, IN_FARM(job_limit), NULL,
     "end a job after so much of the host's time; --timeout limits the guest's time", NULL},
    {"retries", "N", "0",
     GROUP_FARM, 0, set_count, IN_FARM(retries), NULL,
     "try a failed job so many times more", NULL},
    {"fail-fast", NULL, NULL,
     GROUP_FARM, 0, option_set_switch, IN_FARM(fail_fast), NULL,
     "end everything when a job has failed for good", NULL},
    {"tail", "N", "10",
     GROUP_FARM, 0, set_count, IN_FARM(tail), NULL,
     "show so many of the last lines of a failed job's output", NULL},
    {"junit", "FILE", NULL,
     GROUP_FARM, 0, option_set_text, IN_FARM(junit), "files",
     "write the results as JUnit XML", NULL},
    {"help", NULL, NULL,
     GROUP_FARM, 0, option_set_switch, IN_FARM(help), NULL,
     "show this text", NULL},
};

static const OptionHabit habits[] = {
    {"j", "jobs"}, {"P", "jobs"}, {"h", "help"}, {"logs", "log-dir"}, {"results", "log-dir"}, {"halt", "fail-fast"},
    {"limit", "time-limit"}, {"max-procs", "jobs"}, {"a", "jobs-file"}, {"arg-file", "jobs-file"},
};
/* clang-format on */

const OptionTable farm_option_table = {defs, sizeof defs / sizeof *defs, habits,
                                       sizeof habits / sizeof *habits};

/* ---- Words ------------------------------------------------------------------------------------ */

void farm_words_add(Words *words, char *word)
{
    if (words->count + 2 > words->capacity) {
        words->capacity = words->capacity ? 2 * words->capacity : 16;
        words->word = realloc(words->word, words->capacity * sizeof *words->word);
        if (!words->word)
            abort();
    }
    words->word[words->count++] = word;
    words->word[words->count] = NULL;
}

void farm_words_free(Words *words)
{
    free(words->word);
    *words = (Words){0};
}

char *option_as_word(Settings *strings, const OptionWord *word, const char *folder)
{
    const OptionDef *def = word->def;
    char *value = word->value ? option_move_path(def, word->value, folder) : NULL;
    size_t size = strlen(def->name) + (value ? strlen(value) : 0) + sizeof "--no-=";
    char *text = settings_keep(strings, NULL, size);
    if (value)
        snprintf(text, size, "--%s=%s", def->name, value);
    else
        snprintf(text, size, "--no-%s", def->name);
    free(value);
    return text;
}

/* ---- The command line ------------------------------------------------------------------------- */

static bool is_own(const OptionDef *def)
{
    return def >= defs && def < defs + sizeof defs / sizeof *defs;
}

static bool take_option(Farm *farm, const OptionWord *word, Words *common, Error *err)
{
    const OptionDef *def = word->def;
    Error why;
    if (is_own(def)) {
        const char *value = word->value ? word->value : def->initial;
        if (!value)
            return error_set(err, "--no-%s: nothing is set by default", def->name);
        return def->set(&farm->options, def, value, &why) ||
               error_set(err, "--%s %.200s: %s", def->name, value, why.text);
    }
    if ((def->flags & OPTION_TYPED && strcmp(def->name, "config")) || !strcmp(def->name, "monitor"))
        return error_set(err, "--%s makes no sense for the jobs of a farm", def->name);
    if (!strcmp(def->name, "kernel"))
        return error_set(err, "--kernel: give the images as plain words, one for each job");
    farm_words_add(common, option_as_word(farm->strings, word, NULL));
    return true;
}

static bool take_words(Farm *farm, int argc, char **argv, Words *common, Words *plain, Error *err)
{
    const OptionTable *tables[] = {&farm_option_table, &option_table};
    bool script_args = false;
    for (int i = 1; i < argc && !farm->options.help; i++) {
        OptionWord word = {.def = option_find(&option_table, "script-arg", 10), .value = argv[i]};
        if (script_args)
            farm_words_add(common, option_as_word(farm->strings, &word, NULL));
        else if (!strcmp(argv[i], "--"))
            script_args = true;
        else if (argv[i][0] != '-' || !argv[i][1])
            farm_words_add(plain, argv[i]);
        else if (!option_read(tables, 2, argc, argv, &i, &word, err) ||
                 !take_option(farm, &word, common, err))
            return false;
    }
    return true;
}

bool farm_parse(Farm *farm, int argc, char **argv, Words *common, Words *plain, Error *err)
{
    farm->options.log_dir = "farm-logs";
    farm->options.tail = 10;
    if (!take_words(farm, argc, argv, common, plain, err))
        return false;
    if (!farm->options.help && !plain->count && !farm->options.jobs_file)
        return error_set(err, "give images to run, or --jobs-file; armature farm --help shows how");
    return true;
}
