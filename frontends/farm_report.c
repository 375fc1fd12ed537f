/* What `armature farm` prints: a line for each job, the end of what failed ones said, a summary; and, on a
 * terminal, what every running job is at. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "frontends/exit_codes.h"
#include "frontends/farm_job.h"
#include "machine/host_time.h"

/* ---- Texts ------------------------------------------------------------------------------------ */

void job_explain(int code, char *text, size_t size)
{
    static const struct {
        int code;
        const char *text;
    } known[] = {
        {EXIT_OFF,     "passed"                         },
        {EXIT_USAGE,   "bad usage or unusable file"     },
        {EXIT_SCRIPT,  "the script failed"              },
        {EXIT_PANIC,   "kernel panic"                   },
        {EXIT_HANG,    "the guest hangs"                },
        {EXIT_TIMEOUT, "timeout"                        },
        {EXIT_REBOOT,  "the guest rebooted"             },
        {EXIT_HOST,    "the emulator or the host failed"},
    };
    if (code > EXIT_SIGNAL) {
        const char *name = sigabbrev_np(code - EXIT_SIGNAL);
        snprintf(text, size, "exit code %d, ended by signal %s%s", code, name ? "SIG" : "",
                 name ? name : "?");
        return;
    }
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].code == code) {
            snprintf(text, size, "exit code %d, %s", code, known[i].text);
            return;
        }
    snprintf(text, size, "exit code %d, chosen by the guest or the script", code);
}

/* The end of the job's output, allocated, with a NUL behind it. */
static char *read_end(const Job *job, size_t most, size_t *length)
{
    FILE *file = job->log ? fopen(job->log, "rbe") : NULL;
    char *text = malloc(most + 1);
    if (!text)
        abort();
    *length = 0;
    if (file && !fseek(file, 0, SEEK_END)) {
        long size = ftell(file);
        if (!fseek(file, size > (long)most ? size - (long)most : 0, SEEK_SET))
            *length = fread(text, 1, most, file);
    }
    if (file)
        fclose(file);
    text[*length] = 0;
    return text;
}

/* The end of an escape sequence of a terminal that begins at text: a letter ends most of them, BEL or ST
 * those that set titles. */
static const char *skip_escape(const char *text, const char *end)
{
    const char *at = text + 1;
    if (at == end)
        return at;
    if (*at == ']') {
        while (at < end && *at != '\a' && *at != '\n' && *at != '\x1b')
            at++;
        return at < end && *at == '\a' ? at + 1 : at;
    }
    if (*at != '[')
        return at + 1;
    for (at++; at < end && (unsigned char)*at >= ' ' && (unsigned char)*at < '@';)
        at++;
    return at < end && (unsigned char)*at >= '@' && (unsigned char)*at < 0x7f ? at + 1 : at;
}

/* Leaves text without what would move a terminal's cursor or change its colours. In place. */
static void make_plain(char *text, size_t length)
{
    const char *end = text + length;
    char *to = text;
    for (const char *from = text; from < end;) {
        unsigned char c = (unsigned char)*from;
        if (c == 0x1b) {
            from = skip_escape(from, end);
            continue;
        }
        if (c == '\t')
            *to++ = ' ';
        else if (c == '\n' || (c >= ' ' && c != 0x7f))
            *to++ = (char)c;
        from++;
    }
    *to = 0;
}

static bool is_empty(const char *line, const char *end)
{
    while (line < end && *line == ' ')
        line++;
    return line == end;
}

char *job_tail(const Job *job, unsigned lines)
{
    enum { MOST = 16384 };
    size_t length;
    char *text = read_end(job, MOST, &length);
    make_plain(text, length);
    char *end = text + strlen(text), *first = end, *to = text;
    for (unsigned count = 0; count < lines && first > text;) {
        char *stop = first[-1] == '\n' && first != text ? first - 1 : first;
        char *begin = stop;
        while (begin > text && begin[-1] != '\n')
            begin--;
        count += !is_empty(begin, stop);
        first = begin;
    }
    if (!lines)
        first = end;
    for (char *line = first; line < end;) {
        char *stop = strchrnul(line, '\n');
        size_t size = (size_t)(stop - line);
        if (!is_empty(line, stop)) {
            memmove(to, line, size);
            to += size;
            *to++ = '\n';
        }
        line = stop + (*stop != 0);
    }
    to = to > end ? end : to; /* a last line without a newline got one, for which there is room */
    *to = 0;
    return text;
}

static void print_time(uint64_t ns, FILE *out)
{
    unsigned long long seconds = ns / 1000000000u;
    if (seconds >= 3600)
        fprintf(out, "%llu:%02llu:%02llu", seconds / 3600, seconds / 60 % 60, seconds % 60);
    else
        fprintf(out, "%llu:%02llu", seconds / 60, seconds % 60);
}

/* ---- Lines ------------------------------------------------------------------------------------ */

void farm_report_start(const Farm *farm)
{
    printf("%u job%s, %u at a time; output in %s\n", farm->count, farm->count == 1 ? "" : "s",
           farm->options.jobs, farm->options.log_dir);
    fflush(stdout);
}

void farm_report_job(const Farm *farm, const Job *job, bool again)
{
    static const char *const words[] = {
        [JOB_PASSED] = "ok", [JOB_FAILED] = "FAILED", [JOB_BROKEN] = "FAILED", [JOB_LEFT] = "left"};
    farm_report_live(farm, true);
    printf("%-6s %7.1f s  %s", again ? "again" : words[job->state], (double)job->took / 1e9, job->name);
    if (job->state != JOB_PASSED || again)
        printf(": %s", job->reason);
    if (job->attempt > 1 || again)
        printf(" (attempt %u of %u)", job->attempt, farm->options.retries + 1);
    putchar('\n');
    if ((job->state == JOB_FAILED || job->state == JOB_BROKEN) && job->log) {
        char *tail = job_tail(job, farm->options.tail);
        for (char *line = tail, *next; *line; line = next) {
            next = strchrnul(line, '\n');
            printf("    | %.*s\n", (int)(next - line), line);
            next += *next != 0;
        }
        free(tail);
    }
    fflush(stdout);
}

void farm_report_end(const Farm *farm)
{
    farm_report_live(farm, true);
    printf("\n%u of %u jobs passed", farm->passed, farm->count);
    if (farm->failed)
        printf(", %u failed", farm->failed);
    if (farm->left)
        printf(", %u not finished (%s)", farm->left, farm->stop);
    fputs(", in ", stdout);
    print_time(host_ns() - farm->started, stdout);
    fputs("\n", stdout);
    for (unsigned i = 0; i < farm->count; i++) {
        const Job *job = &farm->job[i];
        if (job->state == JOB_FAILED || job->state == JOB_BROKEN)
            printf("  FAILED %s: %s%s%s%s\n", job->name, job->reason, job->log ? " (" : "",
                   job->log ? job->log : "", job->log ? ")" : "");
    }
    fflush(stdout);
}

/* ---- The live part ---------------------------------------------------------------------------- */

/* Prints as much of text as fits into `columns`. Bytes inside of UTF-8 characters take no column. */
static void print_cut(const char *text, unsigned columns)
{
    for (unsigned used = 0; *text && *text != '\n'; text++) {
        used += ((unsigned char)*text & 0xc0) != 0x80;
        if (used > columns)
            return;
        if ((unsigned char)*text >= ' ' && *text != 0x7f)
            putchar(*text);
    }
}

static void print_running(const Job *job, unsigned columns)
{
    char line[600], *tail = job->status[0] ? NULL : job_tail(job, 1);
    snprintf(line, sizeof line, "  %-20.30s %6.0f s  %.300s", job->name,
             (double)(host_ns() - job->started) / 1e9, tail ? tail : job->status);
    print_cut(line, columns);
    fputs("\x1b[K\n", stdout);
    free(tail);
}

void farm_report_live(const Farm *farm, bool clear)
{
    static unsigned drawn; /* lines on the terminal, of which a process has one */
    struct winsize window;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &window))
        return;
    unsigned columns = window.ws_col > 20 ? window.ws_col - 1 : 79,
             rows = window.ws_row > 4 ? window.ws_row : 24;
    unsigned waiting = farm->count - farm->passed - farm->failed - farm->left - farm->running, shown = 0;
    if (drawn)
        printf("\r\x1b[%uA\x1b[J", drawn);
    drawn = 0;
    if (clear) {
        fflush(stdout);
        return;
    }
    for (unsigned i = 0; i < farm->count && shown + 3 < rows; i++)
        if (farm->job[i].state == JOB_RUNS) {
            print_running(&farm->job[i], columns);
            shown++;
        }
    char line[200];
    int length =
        snprintf(line, sizeof line, "%u of %u done", farm->passed + farm->failed + farm->left, farm->count);
    if (farm->failed)
        length += snprintf(line + length, sizeof line - (size_t)length, ", %u failed", farm->failed);
    length += snprintf(line + length, sizeof line - (size_t)length, ", %u running, %u waiting", farm->running,
                       waiting);
    if (farm->stop)
        snprintf(line + length, sizeof line - (size_t)length, ", ending: %.80s", farm->stop);
    print_cut(line, columns - 10);
    fputs(", ", stdout);
    print_time(host_ns() - farm->started, stdout);
    putchar('\n');
    drawn = shown + 1;
    fflush(stdout);
}
