#include "machine/log.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { ONCE_LIMIT = 4096, ONCE_SLOTS = 2 * ONCE_LIMIT };

struct Log {
    FILE *out;
    unsigned kinds;
    unsigned once_count;
    uint64_t once[ONCE_SLOTS]; /* hashes of the texts already written; 0 = free */
};

static const char *const kind_names[LOG_KINDS] = {
    [LOG_GUEST] = "guest", [LOG_UNIMP] = "unimp", [LOG_IRQ] = "irq",       [LOG_MMU] = "mmu",
    [LOG_MMIO] = "mmio",   [LOG_EXEC] = "exec",   [LOG_IN_ASM] = "in_asm", [LOG_BOOT] = "boot",
};

Log *log_new(FILE *out)
{
    Log *log = calloc(1, sizeof *log);
    if (!log)
        abort();
    log->out = out;
    return log;
}

void log_free(Log *log)
{
    free(log);
}

const char *log_kind_name(LogKind kind)
{
    return kind_names[kind];
}

static bool select_one(Log *log, const char *name, size_t length)
{
    if (length == 3 && !memcmp(name, "all", 3)) {
        log->kinds = (1u << LOG_KINDS) - 1;
        return true;
    }
    for (unsigned k = 0; k < LOG_KINDS; k++) {
        if (strlen(kind_names[k]) == length && !memcmp(kind_names[k], name, length)) {
            log->kinds |= 1u << k;
            return true;
        }
    }
    return false;
}

bool log_select(Log *log, const char *kinds, Error *err)
{
    for (const char *p = kinds;;) {
        size_t length = strcspn(p, ",");
        if (!select_one(log, p, length))
            return error_set(
                err,
                "--log: unknown kind '%.*s'; known are guest, unimp, irq, mmu, mmio, exec, in_asm, "
                "boot and all",
                (int)length, p);
        if (!p[length])
            return true;
        p += length + 1;
    }
}

bool log_on(const Log *log, LogKind kind)
{
    return log->kinds >> kind & 1;
}

static void write_line(Log *log, LogKind kind, const char *source, const char *text)
{
    fprintf(log->out, "%s %s: %s\n", kind_names[kind], source, text);
}

void log_line(Log *log, LogKind kind, const char *source, const char *format, ...)
{
    if (!log_on(log, kind))
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
    if (!log_on(log, kind) || log->once_count >= ONCE_LIMIT)
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
