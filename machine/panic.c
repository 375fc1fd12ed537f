#define _GNU_SOURCE
#include "machine/panic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/kernel_text.h"

enum { LINE = 1100, FIELD = 160, CALLERS = 6 };

/* CPUs' time stamps may come in another order by a little. */
enum { DISORDER_US = 1000000 };

/* A panic this many lines after an oops followed from it. */
enum { SAME_TROUBLE = 24 };

typedef struct Report {
    char headline[FIELD]; /* what the kernel said first */
    char panic[FIELD];    /* after "Kernel panic - not syncing: " */
    char place[FIELD];    /* "PC is at" */
    char address[FIELD];  /* with symbol and line, if there are symbols */
    char process[FIELD];
    char kernel[FIELD]; /* version */
    char caller[CALLERS][FIELD];
    unsigned callers;
} Report;

struct Panic {
    const Symbols *symbols;
    char line[LINE];
    size_t length;
    uint64_t newest; /* time stamp, microseconds */
    PanicKind kind;
    bool complete;
    unsigned lines_since; /* the report was complete */
    Report report;
    KernelClue clue;
};

Panic *panic_new(const Symbols *symbols)
{
    Panic *panic = calloc(1, sizeof *panic);
    if (!panic)
        abort();
    panic->symbols = symbols;
    return panic;
}

void panic_free(Panic *panic)
{
    free(panic);
}

/* ---- Parts of a report ------------------------------------------------------------------------------- */

static const char *after(const char *text, const char *start)
{
    size_t length = strlen(start);
    return strncmp(text, start, length) ? NULL : text + length;
}

static void copy(char *field, const char *text, size_t length)
{
    snprintf(field, FIELD, "%.*s", (int)(length < FIELD ? length : FIELD - 1), text);
}

/* "CPU: 0 PID: 1 Comm: swapper/0 Not tainted 6.1.0-18-armmp #1 ..." (newer: a UID before the PID). */
static void take_process(Report *report, const char *text)
{
    const char *pid = strstr(text, "PID: "), *comm = strstr(text, " Comm: ");
    if (!pid || !comm || report->process[0])
        return;
    comm += strlen(" Comm: ");
    const char *end = strstr(comm, "Not tainted");
    if (!end)
        end = strstr(comm, "Tainted: ");
    size_t length = end ? (size_t)(end - comm) : strlen(comm);
    while (length && comm[length - 1] == ' ')
        length--;
    snprintf(report->process, FIELD, "%.*s (process %d) on CPU %d", (int)(length < 40 ? length : 40), comm,
             atoi(pid + 5), atoi(text + 5));
    const char *version = after(end ? end : "", "Not tainted ");
    if (version)
        copy(report->kernel, version, strcspn(version, " "));
}

/* "pc : [<c0123456>]    lr : [<c0234567>]    psr: 60000013" */
static void take_address(Panic *panic, const char *text)
{
    const char *hex = strstr(text, "[<");
    char *end;
    unsigned long address = hex ? strtoul(hex + 2, &end, 16) : 0;
    if (hex && *end == '>' && !panic->report.address[0])
        symbols_text(panic->symbols, (uint32_t)address, panic->report.address, FIELD);
}

static bool is_machinery(const char *name)
{
    static const char *const names[] = {"show_stack", "dump_stack", "dump_backtrace", "unwind_backtrace",
                                        "panic+",     "die+",       "__die",          "arm_notify_die"};
    for (unsigned n = 0; n < sizeof names / sizeof *names; n++)
        if (after(name, names[n]))
            return true;
    return false;
}

/* "[<c0311b4c>] (strlen) from [<c030b9b4>] (caller+0x20/0x24)", newer: "strlen from caller+0x20/0x24". */
static void take_caller(Report *report, const char *text)
{
    const char *from = strstr(text, " from ");
    bool old = after(text, "[<") != NULL;
    if (!from || report->callers == CALLERS)
        return;
    const char *name = from + strlen(" from ");
    if (old) {
        name = strstr(name, "] (");
        if (!name)
            return;
        name += 3;
    }
    size_t length = strcspn(name, " )");
    const char *plus = memchr(name, '+', length);
    if (plus && !is_machinery(name))
        copy(report->caller[report->callers++], name, length);
}

static void take_part(Panic *panic, const char *text)
{
    const char *rest;
    if (after(text, "CPU: "))
        take_process(&panic->report, text);
    else if ((rest = after(text, "PC is at ")) && !panic->report.place[0])
        copy(panic->report.place, rest, strcspn(rest, " "));
    else if (after(text, "pc : "))
        take_address(panic, text);
    else
        take_caller(&panic->report, text);
}

/* ---- Recognition ------------------------------------------------------------------------------------- */

static bool begins_oops(const char *text)
{
    static const char *const starts[] = {"Unable to handle kernel ",
                                         "Internal error: ",
                                         "kernel BUG at ",
                                         "BUG: ",
                                         "INFO: task ",
                                         "rcu: INFO: ",
                                         "watchdog: BUG: "};
    for (unsigned n = 0; n < sizeof starts / sizeof *starts; n++)
        if (after(text, starts[n]))
            return true;
    return false;
}

static PanicKind begin(Panic *panic, const char *text)
{
    bool follows = panic->kind != PANIC_NONE && (!panic->complete || panic->lines_since < SAME_TROUBLE);
    const char *why = after(text, "Kernel panic - not syncing");
    if (!why && !begins_oops(text))
        return PANIC_NONE;
    if (panic->kind == PANIC_PANIC || (!why && follows && !panic->complete))
        return PANIC_NONE;
    if (!why || !follows) {
        panic->report = (Report){0};
        kernel_clue_forget_report(&panic->clue);
        copy(panic->report.headline, text, strlen(text));
    }
    if (why)
        copy(panic->report.panic, why + strspn(why, ": "), strlen(why));
    panic->kind = why ? PANIC_PANIC : PANIC_OOPS;
    panic->complete = false;
    panic->lines_since = 0;
    return panic->kind;
}

static bool ends(const Panic *panic, const char *text)
{
    if (panic->kind == PANIC_PANIC)
        return after(text, "---[ end Kernel panic") || after(text, "Rebooting in ");
    return after(text, "---[ end trace") != NULL;
}

static PanicKind look(Panic *panic, const char *line)
{
    uint64_t time;
    const char *text = kernel_line_text(line, &time);
    if (time != UINT64_MAX && time + DISORDER_US < panic->newest)
        return PANIC_NONE;
    if (time != UINT64_MAX && time > panic->newest)
        panic->newest = time;
    if (panic->complete)
        panic->lines_since++;
    PanicKind begun = begin(panic, text);
    kernel_clue_look(&panic->clue, text);
    if (panic->kind != PANIC_NONE && !panic->complete) {
        take_part(panic, text);
        panic->complete = ends(panic, text);
    }
    return begun;
}

PanicKind panic_feed(Panic *panic, const void *data, size_t length)
{
    const char *at = data;
    PanicKind worst = PANIC_NONE;
    for (size_t n = 0; n < length; n++) {
        if (at[n] != '\n' && at[n] != '\r') {
            /* What is longer is no report. */
            if (panic->length < LINE - 1)
                panic->line[panic->length++] = at[n] ? at[n] : ' ';
            continue;
        }
        panic->line[panic->length] = 0;
        PanicKind begun = panic->length ? look(panic, panic->line) : PANIC_NONE;
        panic->length = 0;
        worst = begun > worst ? begun : worst;
    }
    return worst;
}

PanicKind panic_kind(const Panic *panic)
{
    return panic->kind;
}

bool panic_complete(const Panic *panic)
{
    return panic->complete;
}

char *panic_summary(const Panic *panic)
{
    if (panic->kind == PANIC_NONE)
        return NULL;
    const Report *r = &panic->report;
    char *text = NULL, *reason = kernel_clue_explain(&panic->clue);
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    if (panic->kind == PANIC_PANIC)
        fprintf(out, "the guest's kernel panicked: %s", r->panic[0] ? r->panic : "no reason given");
    else
        fprintf(out, "the guest's kernel reports: %s", r->headline);
    if (panic->kind == PANIC_PANIC && after(r->headline, "Kernel panic") == NULL)
        fprintf(out, "\n  after: %s", r->headline);
    if (reason)
        fprintf(out, "\n  likely reason: %s", reason);
    if (reason && !strstr(r->headline, panic->clue.line) && !strstr(panic->clue.line, r->panic))
        fprintf(out, " (kernel: \"%s\")", panic->clue.line);
    if (r->place[0] || r->address[0])
        fprintf(out, "\n  at %s%s%s", r->place, r->place[0] && r->address[0] ? ", pc " : "", r->address);
    if (r->process[0])
        fprintf(out, "\n  in %s%s%s", r->process, r->kernel[0] ? ", kernel " : "", r->kernel);
    for (unsigned n = 0; n < r->callers; n++)
        fprintf(out, "%s%s", n ? " < " : "\n  called by ", r->caller[n]);
    fclose(out);
    free(reason);
    return text;
}

void panic_close(Panic *panic)
{
    panic->complete = true;
    panic->lines_since = 0;
}

void panic_reset(Panic *panic)
{
    const Symbols *symbols = panic->symbols;
    *panic = (Panic){.symbols = symbols};
}
