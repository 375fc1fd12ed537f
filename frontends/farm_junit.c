/* The farm's results as JUnit XML, in the form that Jenkins, GitLab and others read. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frontends/farm_job.h"
#include "machine/new_file.h"
#include "machine/host_time.h"

enum { MOST_OUTPUT = 256 << 10 }; /* bytes of one job's output in the report; the log has all of it */

/* ---- Text ------------------------------------------------------------------------------------- */

/* The length of the UTF-8 character at text if XML may hold it, else 0. */
static size_t xml_character(const unsigned char *text, size_t length)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t c = text[0];
    size_t size = c < 0x80                ? 1
                  : c >= 0xc2 && c < 0xe0 ? 2
                  : c >= 0xe0 && c < 0xf0 ? 3
                  : c >= 0xf0 && c < 0xf5 ? 4
                                          : 0;
    if (!size || size > length)
        return 0;
    if (size > 1)
        c &= 0x7fu >> size;
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (text[i] & 0x3f);
    }
    bool control = c < ' ' && c != '\n' && c != '\t';
    bool none = (c >= 0xd800 && c < 0xe000) || c == 0xfffe || c == 0xffff || c > 0x10ffff || c == 0x7f;
    return c < least[size] || control || none ? 0 : size;
}

void junit_escape(FILE *out, const char *text, size_t length)
{
    const unsigned char *from = (const unsigned char *)text, *end = from + length;
    while (from < end) {
        size_t size = xml_character(from, (size_t)(end - from));
        const char *entity = *from == '&'   ? "&amp;"
                             : *from == '<' ? "&lt;"
                             : *from == '>' ? "&gt;"
                             : *from == '"' ? "&quot;"
                                            : NULL;
        if (entity)
            fputs(entity, out);
        else if (size)
            fwrite(from, 1, size, out);
        else if (*from != '\r' || from + 1 == end || from[1] != '\n') /* serial lines end in CR LF */
            fprintf(out, "\\x%02x", *from);
        from += size ? size : 1;
    }
}

/* In an attribute, where a newline would be read as a blank. */
static void attribute(FILE *out, const char *name, const char *text)
{
    fprintf(out, " %s=\"", name);
    for (const char *end; *text; text = end + (*end == '\n')) {
        end = strchrnul(text, '\n');
        junit_escape(out, text, (size_t)(end - text));
        if (*end)
            fputs("&#10;", out);
    }
    fputc('"', out);
}

/* ---- Test cases ------------------------------------------------------------------------------- */

static void write_log(FILE *out, const Job *job)
{
    char *text = malloc(MOST_OUTPUT), path[4400];
    FILE *log = fopen(job->log, "rbe");
    fputs("      <system-out>", out);
    if (log && text && !fseek(log, 0, SEEK_END)) {
        long size = ftell(log), skip = size > MOST_OUTPUT ? size - MOST_OUTPUT : 0;
        if (skip)
            fprintf(out, "(%ld bytes before this are only in the log)\n", skip);
        if (!fseek(log, skip, SEEK_SET))
            junit_escape(out, text, fread(text, 1, MOST_OUTPUT, log));
    }
    if (realpath(job->log, path)) { /* read by Jenkins and GitLab, which attach the file */
        fputs("\n[[ATTACHMENT|", out);
        junit_escape(out, path, strlen(path));
        fputs("]]\n", out);
    }
    fputs("</system-out>\n", out);
    if (log)
        fclose(log);
    free(text);
}

static void write_case(FILE *out, const Farm *farm, const Job *job)
{
    static const char *const element[] = {
        [JOB_FAILED] = "failure", [JOB_BROKEN] = "error", [JOB_LEFT] = "skipped"};
    fputs("    <testcase", out);
    attribute(out, "name", job->name);
    attribute(out, "classname", farm->suite);
    fprintf(out, " time=\"%.3f\">\n", (double)job->took / 1e9);
    if (job->state != JOB_PASSED) {
        fprintf(out, "      <%s", element[job->state]);
        attribute(out, "message", job->reason);
        if (job->state == JOB_LEFT) {
            fputs("/>\n", out);
        } else {
            char *tail = job_tail(job, farm->options.tail);
            fprintf(out, " type=\"%s\">", job->state == JOB_FAILED ? "failed" : "host");
            junit_escape(out, tail, strlen(tail));
            fprintf(out, "</%s>\n", element[job->state]);
            free(tail);
        }
    }
    for (unsigned i = 0; i < job->earlier.count; i++) { /* as Maven's Surefire reports retries */
        fprintf(out, "      <%s", job->state == JOB_PASSED ? "flakyFailure" : "rerunFailure");
        attribute(out, "message", job->earlier.word[i]);
        fputs(" type=\"failed\"/>\n", out);
    }
    if (job->log)
        write_log(out, job);
    fputs("    </testcase>\n", out);
}

/* ---- The file --------------------------------------------------------------------------------- */

static void write_suite(FILE *out, const Farm *farm)
{
    char when[64], host[256] = "";
    unsigned broken = 0;
    time_t now = time(NULL) - (time_t)((host_ns() - farm->started) / 1000000000u);
    struct tm tm;
    double seconds = (double)(host_ns() - farm->started) / 1e9;
    gmtime_r(&now, &tm);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
    gethostname(host, sizeof host - 1);
    for (unsigned i = 0; i < farm->count; i++)
        broken += farm->job[i].state == JOB_BROKEN;
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuites name=\"armature farm\" tests=\"%u\" failures=\"%u\" errors=\"%u\" time=\"%.3f\">\n"
            "  <testsuite",
            farm->count, farm->failed - broken, broken, seconds);
    attribute(out, "name", farm->suite);
    fprintf(out, " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.3f\" timestamp=\"%s\"",
            farm->count, farm->failed - broken, broken, farm->left, seconds, when);
    attribute(out, "hostname", host);
    fputs(">\n", out);
    for (unsigned i = 0; i < farm->count; i++)
        write_case(out, farm, &farm->job[i]);
    fputs("  </testsuite>\n</testsuites>\n", out);
}

static bool open_new(NewFile *file, const char *path, Error *err)
{
    Error why;
    if (new_file_open(file, path, false, &why))
        return true;
    new_file_drop(file);
    return error_set(err, "--junit: cannot write %.400s: %s", path, why.text);
}

bool junit_check(const char *path, Error *err)
{
    NewFile file;
    if (!open_new(&file, path, err))
        return false;
    new_file_drop(&file);
    return true;
}

/* Whoever waits for the file sees none or a whole one. */
bool junit_write(const Farm *farm, const char *path, Error *err)
{
    NewFile file;
    Error why;
    if (!open_new(&file, path, err))
        return false;
    FILE *out = new_file_stream(&file);
    if (out)
        write_suite(out, farm);
    bool ok = out && !ferror(out);
    if (!out || fclose(out) || !ok)
        ok = error_set(&why, "%s", strerror(errno));
    if (!ok || !new_file_keep(&file, &why))
        ok = error_set(err, "--junit: cannot write %.400s: %s", path, why.text);
    new_file_drop(&file);
    return ok;
}
