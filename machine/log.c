#define _GNU_SOURCE
#include "machine/log.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "machine/unmodelled.h"

enum { ONCE_LIMIT = 4096, ONCE_SLOTS = 2 * ONCE_LIMIT, MAX_RANGES = 16, MAX_PATTERNS = 32 };

typedef struct Range {
    LogKind kind;
    uint32_t first, last;
} Range;

struct Log {
    FILE *out;
    unsigned kinds;
    unsigned limited; /* kinds that are on in ranges only */
    bool with_time, with_icount;
    Range range[MAX_RANGES];
    unsigned ranges;
    char *pattern[MAX_PATTERNS];
    bool leaves_out[MAX_PATTERNS];
    unsigned patterns;
    LogContext context;
    void (*before_line)(void *opaque);
    void *before_line_opaque;
    Unmodelled *unmodelled;
    unsigned once_count;
    uint64_t once[ONCE_SLOTS]; /* hashes of the texts already written; 0 = free */
};

static const char *const kind_names[LOG_KINDS] = {
    [LOG_GUEST] = "guest", [LOG_UNIMP] = "unimp",     [LOG_IRQ] = "irq",       [LOG_MMU] = "mmu",
    [LOG_MMIO] = "mmio",   [LOG_EXEC] = "exec",       [LOG_IN_ASM] = "in_asm", [LOG_BOOT] = "boot",
    [LOG_IR] = "ir",       [LOG_OUT_ASM] = "out_asm",
};

Log *log_new(FILE *out)
{
    Log *log = calloc(1, sizeof *log);
    if (!log)
        abort();
    log->out = out;
    log->unmodelled = unmodelled_new();
    return log;
}

static void forget_patterns(Log *log)
{
    while (log->patterns)
        free(log->pattern[--log->patterns]);
}

void log_free(Log *log)
{
    if (!log)
        return;
    forget_patterns(log);
    unmodelled_free(log->unmodelled);
    free(log);
}

void log_set_context(Log *log, const LogContext *context)
{
    log->context = *context;
}

void log_set_before_line(Log *log, void (*before)(void *opaque), void *opaque)
{
    log->before_line = before;
    log->before_line_opaque = opaque;
}

const char *log_kind_name(LogKind kind)
{
    return kind_names[kind];
}

/* ---- Selection -------------------------------------------------------------------------------------- */

static bool word_is(const char *word, size_t length, const char *name)
{
    return strlen(name) == length && !memcmp(name, word, length);
}

static bool unknown_kind(const char *word, size_t length, Error *err)
{
    char known[256] = "";
    for (unsigned k = 0; k < LOG_KINDS; k++) {
        strcat(known, kind_names[k]);
        strcat(known, ", ");
    }
    return error_set(err, "--log: unknown kind '%.*s'; known are %sall, none, time and icount", (int)length,
                     word, known);
}

static bool parse_number(const char **at, uint32_t *value)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(*at, &end, 0);
    bool ok = **at >= '0' && **at <= '9' && !errno && number <= UINT32_MAX;
    *value = (uint32_t)number;
    *at = end;
    return ok;
}

/* text is what follows the "@" of "exec@0xc0000000-0xc00fffff", length its length. */
static bool add_range(Log *log, LogKind kind, const char *text, size_t length, Error *err)
{
    const char *at = text;
    Range range = {.kind = kind};
    bool ok = parse_number(&at, &range.first);
    range.last = range.first;
    if (ok && *at == '-') {
        at++;
        ok = parse_number(&at, &range.last);
    }
    if (!ok || at != text + length || range.last < range.first)
        return error_set(err, "--log %s@%.*s: give an address or two, as in %s@0xc0000000-0xc00fffff",
                         kind_names[kind], (int)length, text, kind_names[kind]);
    if (log->ranges == MAX_RANGES)
        return error_set(err, "--log: at most %d address ranges are possible", MAX_RANGES);
    log->range[log->ranges++] = range;
    return true;
}

static bool select_kind(Log *log, LogKind kind, const char *at, size_t at_length, Error *err)
{
    unsigned bit = 1u << kind;
    if (!at) {
        log->kinds |= bit;
        log->limited &= ~bit;
        return true;
    }
    if (kind != LOG_EXEC && kind != LOG_IN_ASM && kind != LOG_IR && kind != LOG_OUT_ASM)
        return error_set(err, "--log %s@...: only exec, in_asm, ir and out_asm can be limited to addresses",
                         kind_names[kind]);
    if (!(log->kinds & bit))
        log->limited |= bit;
    log->kinds |= bit;
    return add_range(log, kind, at, at_length, err);
}

static bool select_word(Log *log, const char *word, size_t length, Error *err)
{
    if (word_is(word, length, "all")) {
        log->kinds = (1u << LOG_KINDS) - 1;
        log->limited = 0;
        return true;
    }
    if (word_is(word, length, "none")) {
        log->kinds = log->limited = log->ranges = 0;
        log->with_time = log->with_icount = false;
        return true;
    }
    if (word_is(word, length, "time"))
        return log->with_time = true;
    if (word_is(word, length, "icount"))
        return log->with_icount = true;
    const char *at = memchr(word, '@', length);
    size_t name_length = at ? (size_t)(at - word) : length;
    for (LogKind kind = 0; kind < LOG_KINDS; kind++)
        if (word_is(word, name_length, kind_names[kind]))
            return select_kind(log, kind, at ? at + 1 : NULL, at ? length - name_length - 1 : 0, err);
    return unknown_kind(word, length, err);
}

bool log_select(Log *log, const char *kinds, Error *err)
{
    for (const char *p = kinds;;) {
        size_t length = strcspn(p, ",");
        if (!select_word(log, p, length, err))
            return false;
        if (!p[length])
            return true;
        p += length + 1;
    }
}

bool log_filter(Log *log, const char *names, Error *err)
{
    forget_patterns(log);
    for (const char *p = names;;) {
        bool leaves_out = *p == '-';
        p += leaves_out;
        size_t length = strcspn(p, ",");
        if (!length)
            return error_set(err,
                             "--log-filter %s: a name is missing; give device or CPU names, as in "
                             "uart0,cpu*,-gic",
                             names);
        if (log->patterns == MAX_PATTERNS)
            return error_set(err, "--log-filter: at most %d names are possible", MAX_PATTERNS);
        log->leaves_out[log->patterns] = leaves_out;
        log->pattern[log->patterns] = strndup(p, length);
        if (!log->pattern[log->patterns++])
            abort();
        if (!p[length])
            return true;
        p += length + 1;
    }
}

/* The last pattern that fits decides; without any, what is not named is left out only if something else was
 * asked for. */
static bool source_wanted(const Log *log, const char *source)
{
    bool wanted = true;
    for (unsigned n = 0; n < log->patterns; n++)
        wanted &= log->leaves_out[n];
    for (unsigned n = 0; n < log->patterns; n++)
        if (!fnmatch(log->pattern[n], source, 0))
            wanted = !log->leaves_out[n];
    return wanted;
}

bool log_on(const Log *log, LogKind kind)
{
    return log->kinds >> kind & 1;
}

bool log_on_at(const Log *log, LogKind kind, uint32_t address)
{
    if (!log_on(log, kind))
        return false;
    if (!(log->limited >> kind & 1))
        return true;
    for (unsigned n = 0; n < log->ranges; n++) {
        const Range *range = &log->range[n];
        if (range->kind == kind && address >= range->first && address <= range->last)
            return true;
    }
    return false;
}

/* ---- Lines ------------------------------------------------------------------------------------------ */

static void write_line(Log *log, LogKind kind, const char *source, const char *text)
{
    const LogContext *context = &log->context;
    if (log->before_line)
        log->before_line(log->before_line_opaque);
    if (log->with_time && context->time) {
        uint64_t ns = context->time(context->opaque);
        fprintf(log->out, "[%5llu.%09llu] ", (unsigned long long)(ns / 1000000000u),
                (unsigned long long)(ns % 1000000000u));
    }
    if (log->with_icount && context->icount)
        fprintf(log->out, "#%llu ", (unsigned long long)context->icount(context->opaque));
    fprintf(log->out, "%s %s: %s\n", kind_names[kind], source, text);
}

void log_line(Log *log, LogKind kind, const char *source, const char *format, ...)
{
    if (!log_on(log, kind) || !source_wanted(log, source))
        return;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    write_line(log, kind, source, text);
}

/* FNV-1a over kind, source and text. */
static uint64_t hash_text(LogKind kind, const char *source, const char *text)
{
    uint64_t h = 0xcbf29ce484222325u ^ (unsigned)kind;
    for (const char *s = source; *s; s++)
        h = (h ^ (uint8_t)*s) * 0x100000001b3u;
    for (const char *s = text; *s; s++)
        h = (h ^ (uint8_t)*s) * 0x100000001b3u;
    return h ? h : 1;
}

void log_once(Log *log, LogKind kind, const char *source, const char *format, ...)
{
    if (!log_on(log, kind) || log->once_count >= ONCE_LIMIT || !source_wanted(log, source))
        return;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    uint64_t h = hash_text(kind, source, text);
    unsigned slot = (unsigned)(h % ONCE_SLOTS);
    while (log->once[slot] && log->once[slot] != h)
        slot = (slot + 1) % ONCE_SLOTS;
    if (log->once[slot])
        return;
    log->once[slot] = h;
    log->once_count++;
    write_line(log, kind, source, text);
}

void log_unmodelled(Log *log, const char *source, const char *name, uint32_t offset, bool write)
{
    const LogContext *context = &log->context;
    uint32_t pc = context->pc ? context->pc(context->opaque) : 0;
    if (!unmodelled_note(log->unmodelled, source, name, offset, write, pc) || !log_on(log, LOG_UNIMP))
        return;
    const char *verb = write ? "written" : "read";
    if (offset == LOG_NO_OFFSET)
        log_line(log, LOG_UNIMP, source, "%s at pc 0x%08x: not modelled", name, pc);
    else if (name[0])
        log_line(log, LOG_UNIMP, source, "register %s (offset 0x%03x) is not modelled: %s at pc 0x%08x", name,
                 offset, verb, pc);
    else
        log_line(log, LOG_UNIMP, source, "%s at offset 0x%03x, where no register is, at pc 0x%08x", verb,
                 offset, pc);
}

const Unmodelled *log_unmodelled_list(const Log *log)
{
    return log->unmodelled;
}
