/* The list of jobs: images from the command line, lines of a jobs file. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frontends/config.h"
#include "frontends/farm_job.h"

#define CONFIG_NAME "armature.conf"

/* ---- Names ------------------------------------------------------------------------------------ */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* name with only what every file system and report takes; never empty, never hidden. */
static char *plain_name(Settings *strings, const char *name, size_t length)
{
    enum { LONGEST = 100 };
    if (length > LONGEST) {
        name += length - LONGEST;
        length = LONGEST;
    }
    char *plain = settings_keep(strings, length ? name : "job", length ? length : 3);
    for (char *p = plain; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("._+-", *p))
            *p = '_';
    if (*plain == '.' || *plain == '-')
        *plain = '_';
    return plain;
}

static int compare_names(const void *a, const void *b)
{
    const Job *one = *(Job *const *)a, *other = *(Job *const *)b;
    int order = strcmp(one->name, other->name);
    return order ? order : (one > other) - (one < other);
}

static Job **sorted_jobs(Farm *farm)
{
    Job **sorted = calloc(farm->count + 1, sizeof *sorted);
    if (!sorted)
        abort();
    for (unsigned i = 0; i < farm->count; i++)
        sorted[i] = &farm->job[i];
    qsort(sorted, farm->count, sizeof *sorted, compare_names);
    return sorted;
}

/* Images of the same name in different folders are told apart by their folders: old-zImage, new-zImage. */
static void qualify_names(Farm *farm)
{
    Job **sorted = sorted_jobs(farm);
    for (unsigned i = 0, end; i < farm->count; i = end) {
        for (end = i + 1; end < farm->count && !strcmp(sorted[i]->name, sorted[end]->name);)
            end++;
        for (unsigned j = i; end > i + 1 && j < end; j++) {
            if (!sorted[j]->path)
                continue;
            const char *path = sorted[j]->path + strspn(sorted[j]->path, "./");
            char *name = settings_keep(farm->strings, path, strlen(path));
            for (char *slash = name; (slash = strchr(slash, '/'));)
                *slash = '-';
            sorted[j]->renamed = plain_name(farm->strings, name, strlen(name));
        }
    }
    for (unsigned i = 0; i < farm->count; i++)
        if (farm->job[i].renamed)
            farm->job[i].name = farm->job[i].renamed;
    for (unsigned i = 0; i < farm->count; i++)
        farm->job[i].renamed = NULL;
    free(sorted);
}

/* True if jobs share names. Those after the first get `-2`, `-3`, ... */
static bool number_names(Farm *farm)
{
    Job **sorted = sorted_jobs(farm);
    bool changed = false;
    for (unsigned i = 0, first = 0; i < farm->count; i++) {
        if (strcmp(sorted[i]->name, sorted[first]->name))
            first = i;
        if (i == first)
            continue;
        char name[160];
        int length = snprintf(name, sizeof name, "%s-%u", sorted[first]->name, i - first + 1);
        sorted[i]->renamed = settings_keep(farm->strings, name, (size_t)length);
        changed = true;
    }
    for (unsigned i = 0; i < farm->count; i++) {
        farm->job[i].name = farm->job[i].renamed ? farm->job[i].renamed : farm->job[i].name;
        farm->job[i].renamed = NULL;
    }
    free(sorted);
    return changed;
}

/* ---- Single jobs ------------------------------------------------------------------------------ */

static Job *add_job(Farm *farm)
{
    Job *more = realloc(farm->job, (farm->count + 1) * sizeof *more);
    if (!more)
        abort();
    farm->job = more;
    farm->job[farm->count] = (Job){.status_fd = -1};
    return &farm->job[farm->count++];
}

/* Replaces {name} and {number} in an option's value. */
static char *fill_in(const Farm *farm, const Job *job, const char *word)
{
    char number[16], *text;
    size_t size;
    snprintf(number, sizeof number, "%u", (unsigned)(job - farm->job) + 1);
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    while (*word) {
        bool name = !strncmp(word, "{name}", 6), count = !strncmp(word, "{number}", 8);
        if (name || count)
            fputs(name ? job->name : number, out);
        else
            fputc(*word, out);
        word += name ? 6 : count ? 8 : 1;
    }
    fclose(out);
    char *kept = settings_keep(farm->strings, text, size);
    free(text);
    return kept;
}

/* What an image on the command line means: a configuration, a folder with one, or something to boot. */
static char *image_word(Farm *farm, const char *path, const char **name, size_t *length, Error *err)
{
    struct stat status;
    char *text;
    *name = base_name(path);
    *length = strlen(*name);
    if (stat(path, &status)) {
        error_set(err, "cannot read image %.400s: %s", path, strerror(errno));
        return NULL;
    }
    bool folder = S_ISDIR(status.st_mode), config = *length > 5 && !strcmp(*name + *length - 5, ".conf");
    const char *format = folder ? "--config=%s/" CONFIG_NAME : config ? "--config=%s" : "--kernel=%s";
    int size = asprintf(&text, format, path);
    if (size < 0)
        abort();
    char *word = settings_keep(farm->strings, text, (size_t)size);
    free(text);
    *length -= config ? 5 : 0;
    if (folder && access(word + strlen("--config="), R_OK)) {
        error_set(err, "%.400s is a folder without a readable " CONFIG_NAME, path);
        return NULL;
    }
    return word;
}

static bool add_image(Farm *farm, const char *path, Error *err)
{
    const char *name;
    size_t length = strlen(path);
    char *trimmed = settings_keep(farm->strings, path, length);
    while (length > 1 && trimmed[length - 1] == '/')
        trimmed[--length] = 0;
    char *word = image_word(farm, trimmed, &name, &length, err);
    if (!word)
        return false;
    Job *job = add_job(farm);
    job->name = plain_name(farm->strings, name, length);
    job->path = trimmed;
    farm_words_add(&job->argv, word);
    return true;
}

/* ---- The jobs file ---------------------------------------------------------------------------- */

/* Cuts a line into words as a shell does: blanks separate, quotes and backslashes protect. In place. */
static bool split(char *line, Words *words, Error *err)
{
    char *from = line, *to = line;
    while (*(from += strspn(from, " \t\r"))) {
        if (*from == '#')
            return true;
        farm_words_add(words, to);
        char quote = 0;
        for (; *from && (quote || !strchr(" \t\r", *from)); from++) {
            if (quote ? *from == quote : *from == '\'' || *from == '"')
                quote = quote ? 0 : *from;
            else if (*from == '\\' && quote != '\'' && from[1])
                *to++ = *++from;
            else
                *to++ = *from;
        }
        if (quote)
            return error_set(err, "the closing %c is missing", quote);
        from += *from != 0;
        *to++ = 0;
    }
    return true;
}

typedef struct JobLine {
    Farm *farm;
    const char *folder;
    Job *job;
    const char *image; /* where the name comes from if the line gives none */
    bool script_args;
} JobLine;

static bool take_word(JobLine *line, int argc, char **argv, int *i, Error *err)
{
    const OptionTable *table = &option_table;
    const char *plain = line->script_args ? "script-arg" : "kernel";
    OptionWord word = {.def = option_find(table, plain, strlen(plain)), .value = argv[*i]};
    if (!line->script_args && !strcmp(argv[*i], "--")) {
        line->script_args = true;
        return true;
    }
    if (!line->script_args && argv[*i][0] == '-' && argv[*i][1]) {
        if (!option_read(&table, 1, argc, argv, i, &word, err))
            return false;
        if (word.def->flags & OPTION_TYPED && strcmp(word.def->name, "config"))
            return error_set(err, "--%s makes no sense for the jobs of a farm", word.def->name);
    }
    if (!strcmp(word.def->name, "kernel") || (!line->image && !strcmp(word.def->name, "config")))
        line->image = word.value;
    farm_words_add(&line->job->argv, option_as_word(line->farm->strings, &word, line->folder));
    return true;
}

static bool add_line(Farm *farm, char *text, const char *folder, unsigned number, Error *err)
{
    Words words = {0};
    JobLine line = {.farm = farm, .folder = folder};
    char name[32];
    if (!split(text, &words, err) || !words.count) {
        bool empty = !words.count;
        farm_words_free(&words);
        return empty;
    }
    line.job = add_job(farm);
    size_t first = strlen(words.word[0]);
    bool named = first > 1 && words.word[0][first - 1] == ':', ok = true;
    for (int i = named; ok && i < (int)words.count; i++)
        ok = take_word(&line, (int)words.count, words.word, &i, err);
    snprintf(name, sizeof name, "line-%u", number);
    const char *from = named ? words.word[0] : line.image ? base_name(line.image) : name;
    line.job->name = plain_name(farm->strings, from, strlen(from) - named);
    farm_words_free(&words);
    return ok;
}

static bool read_jobs_file(Farm *farm, Error *err)
{
    const char *path = farm->options.jobs_file, *shown = strcmp(path, "-") ? path : "stdin";
    const char *slash = strrchr(path, '/');
    const char *folder = slash ? settings_keep(farm->strings, path, (size_t)(slash - path)) : NULL;
    size_t length;
    struct stat status;
    char *text = config_load(strcmp(path, "-") ? path : "/dev/stdin", &length, err);
    if (!text)
        return false;
    if (stat(path, &status) || !S_ISREG(status.st_mode))
        folder = NULL;
    char *kept = settings_keep(farm->strings, text, length), *next = kept;
    free(text);
    for (unsigned number = 1; next; number++) {
        char *line = next, *newline = strchr(line, '\n');
        Error why;
        next = newline ? newline + 1 : NULL;
        if (newline)
            *newline = 0;
        if (!add_line(farm, line, folder, number, &why))
            return error_set(err, "%.400s:%u: %s", shown, number, why.text);
    }
    return true;
}

/* ---- All -------------------------------------------------------------------------------------- */

static bool ends_in_lua(const char *path)
{
    size_t length = strlen(path);
    return length > 4 && !strcmp(path + length - 4, ".lua");
}

/* What one job writes, another would overwrite. */
static bool check_outputs(const Farm *farm, const Words *common, Error *err)
{
    for (unsigned i = 0; farm->count > 1 && i < common->count; i++) {
        const char *name = common->word[i] + 2, *equals = strchr(name, '=');
        const OptionDef *def = equals ? option_find(&option_table, name, (size_t)(equals - name)) : NULL;
        if (!def || !(def->flags & OPTION_WRITES) || !option_path(def, equals + 1))
            continue;
        if (!strstr(equals, "{name}") && !strstr(equals, "{number}") &&
            strncmp(option_path(def, equals + 1), "/dev/", 5))
            return error_set(err, "--%s %.400s would be the same for all jobs; put {name} into it", def->name,
                             equals + 1);
    }
    return true;
}

/* Puts what all jobs have in common before what is the job's own, which wins. */
static bool complete_job(Farm *farm, Job *job, const Words *common, Error *err)
{
    Words own = job->argv;
    Options options;
    Error why;
    job->argv = (Words){0};
    farm_words_add(&job->argv, "armature");
    for (unsigned i = 0; i < common->count; i++)
        farm_words_add(&job->argv, fill_in(farm, job, common->word[i]));
    for (unsigned i = 0; i < own.count; i++)
        farm_words_add(&job->argv, fill_in(farm, job, own.word[i]));
    farm_words_free(&own);
    if (!options_parse(&options, (int)job->argv.count, job->argv.word, &why))
        return error_set(err, "job %s: %s", job->name, why.text);
    bool monitor = options.monitor;
    options_free(&options);
    return !monitor || error_set(err, "job %s: --monitor makes no sense for the jobs of a farm", job->name);
}

static bool complete_jobs(Farm *farm, const Words *common, Error *err)
{
    qualify_names(farm);
    while (number_names(farm))
        ;
    if (!farm->count)
        return error_set(err, "there are no jobs: no image, and no line in %.400s",
                         farm->options.jobs_file ? farm->options.jobs_file : "a jobs file");
    if (!check_outputs(farm, common, err))
        return false;
    for (unsigned i = 0; i < farm->count; i++)
        if (!complete_job(farm, &farm->job[i], common, err))
            return false;
    return true;
}

bool farm_make_jobs(Farm *farm, const Words *common, const Words *plain, Error *err)
{
    Words all = {0};
    bool script = plain->count && ends_in_lua(plain->word[0]), ok = true;
    farm->suite = script ? base_name(plain->word[0]) : "armature";
    if (script) {
        OptionWord word = {.def = option_find(&option_table, "script", 6), .value = plain->word[0]};
        farm_words_add(&all, option_as_word(farm->strings, &word, NULL));
        if (access(plain->word[0], R_OK))
            ok = error_set(err, "cannot read script %.400s: %s", plain->word[0], strerror(errno));
    }
    for (unsigned i = 0; i < common->count; i++) {
        if (script && !strncmp(common->word[i], "--script=", 9))
            ok = error_set(err, "there are two scripts: %.300s and %.300s", plain->word[0],
                           common->word[i] + 9);
        farm_words_add(&all, common->word[i]);
    }
    for (unsigned i = script; ok && i < plain->count; i++)
        ok = add_image(farm, plain->word[i], err);
    ok = ok && (!farm->options.jobs_file || read_jobs_file(farm, err)) && complete_jobs(farm, &all, err);
    farm_words_free(&all);
    return ok;
}
