#include "frontends/script_report.h"

#include <stdlib.h>
#include <string.h>

#include "frontends/operation.h"
#include "frontends/transcript.h"
#include "frontends/watchdog.h"
#include "machine/diagnose.h"

enum { LINES = 20, LINE_MOST = 200 };

static const char *last_lines(const char *text, const char *end)
{
    unsigned lines = 0;
    const char *at = end;
    for (; at > text; at--)
        if (at[-1] == '\n' && at != end && ++lines == LINES)
            break;
    return at;
}

/* A carriage return before a newline is no news. */
static size_t line_length(const char *line, const char *end)
{
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    size_t length = (size_t)((newline ? newline : end) - line);
    while (length && line[length - 1] == '\r')
        length--;
    return length;
}

static void print_output(Session *session, unsigned port, FILE *out)
{
    size_t length;
    const char *text = (const char *)transcript_text(session_transcript(session, port), 0, &length);
    const char *end = text + length;
    if (!length)
        return;
    fprintf(out, "The last output of serial port %u:\n", port);
    for (const char *line = last_lines(text, end), *next; line < end; line = next) {
        size_t long_is = line_length(line, end);
        char *shown = text_one_line(line, long_is > LINE_MOST ? LINE_MOST : long_is);
        fprintf(out, "  | %s%s\n", shown, long_is > LINE_MOST ? "..." : "");
        free(shown);
        next = memchr(line, '\n', (size_t)(end - line));
        next = next ? next + 1 : end;
    }
}

void script_report(Session *session, FILE *out)
{
    Watchdog *watchdog = session_watchdog(session);
    for (unsigned port = 0; port < SERIAL_PORTS; port++)
        print_output(session, port, out);
    char *cpus = diagnose_cpus(session_machine(session), watchdog ? watchdog_symbols(watchdog) : NULL);
    fputs(cpus, out);
    size_t length = strlen(cpus);
    if (length && cpus[length - 1] != '\n')
        fputc('\n', out);
    free(cpus);
}
