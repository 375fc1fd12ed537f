/* One log per machine. Kinds are off until selected; a line is "kind source: text", after a prefix with time
 * and instruction count if that is wanted. docs/debugging.md describes --log and --log-filter. */
#ifndef ARMATURE_MACHINE_LOG_H
#define ARMATURE_MACHINE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "machine/error.h"

typedef enum LogKind {
    LOG_GUEST,   /* the guest did something wrong */
    LOG_UNIMP,   /* the guest used something that is not modelled */
    LOG_IRQ,     /* interrupt lines and exceptions */
    LOG_MMU,     /* walks, faults, TLB maintenance */
    LOG_MMIO,    /* every device register access */
    LOG_EXEC,    /* every block entered */
    LOG_IN_ASM,  /* guest code as it is decoded */
    LOG_IR,      /* intermediate representation of blocks as they are compiled */
    LOG_OUT_ASM, /* host code of blocks as they are compiled */
    LOG_BOOT,    /* what the loader put where */
    LOG_KINDS
} LogKind;

typedef struct Log Log;
typedef struct Unmodelled Unmodelled; /* machine/unmodelled.h */

/* Creates a log that writes to `out` (not owned). Never NULL. */
Log *log_new(FILE *out);
void log_free(Log *log);

/* Where the machine is: for the prefixes, and for who used what is not modelled. Members may be NULL. */
typedef struct LogContext {
    uint64_t (*time)(void *opaque);   /* virtual ns */
    uint64_t (*icount)(void *opaque); /* instructions begun by all CPUs */
    uint32_t (*pc)(void *opaque);     /* of the CPU whose turn it is */
    void *opaque;
} LogContext;

void log_set_context(Log *log, const LogContext *context);

/* before(opaque) is called before each line is written: whoever writes to the same terminal and holds
 * something back writes that first, so that the order is the guest's. NULL: nobody does. */
void log_set_before_line(Log *log, void (*before)(void *opaque), void *opaque);

/* Switches kinds on from a comma-separated list of names, or "all". "exec@0xc0000000-0xc00fffff" (also
 * in_asm@...) limits a kind to guest addresses; several ranges are possible. "time" and "icount" put a prefix
 * before each line, "none" switches everything off. */
bool log_select(Log *log, const char *kinds, Error *err);

/* Only lines of these sources are written: a comma-separated list of patterns ("uart*,cpu0"). A pattern after
 * a "-" leaves out; a list of only such ones leaves out of everything. Replaces an earlier list. */
bool log_filter(Log *log, const char *names, Error *err);

/* The kinds' names, for help texts: log_kind_name(LOG_GUEST) is "guest". */
const char *log_kind_name(LogKind kind);

/* True if kind is on; check it before doing work for a log line. */
bool log_on(const Log *log, LogKind kind);

/* True if kind is on for code at address: for LOG_EXEC and LOG_IN_ASM. */
bool log_on_at(const Log *log, LogKind kind, uint32_t address);

/* Writes a line if kind is on. source names the device or part ("uart0", "cpu1"). */
void log_line(Log *log, LogKind kind, const char *source, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* As log_line(), but a text that was already written by log_once() is dropped. Guest-controlled texts are
 * bounded: after 4,096 different ones nothing further is written. */
void log_once(Log *log, LogKind kind, const char *source, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Where there is no window: a coprocessor's register. */
#define LOG_NO_OFFSET UINT32_MAX

/* The guest read or wrote a register that is not modelled. Counts it for the list, and writes a line of kind
 * unimp for the first read and the first write. name is "" where no register is described; offset may be
 * LOG_NO_OFFSET. */
void log_unmodelled(Log *log, const char *source, const char *name, uint32_t offset, bool write);

/* What log_unmodelled() counted. */
const Unmodelled *log_unmodelled_list(const Log *log);

#endif
