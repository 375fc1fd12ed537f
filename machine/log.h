/* One log per machine. Kinds are off until selected; a line is "kind source: text". */
#ifndef ARMATURE_MACHINE_LOG_H
#define ARMATURE_MACHINE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "machine/error.h"

typedef enum LogKind {
    LOG_GUEST,  /* the guest did something wrong */
    LOG_UNIMP,  /* the guest used something that is not modelled */
    LOG_IRQ,    /* interrupt lines and exceptions */
    LOG_MMU,    /* walks, faults, TLB maintenance */
    LOG_MMIO,   /* every device register access */
    LOG_EXEC,   /* every block entered */
    LOG_IN_ASM, /* guest code as it is decoded */
    LOG_BOOT,   /* what the loader put where */
    LOG_KINDS
} LogKind;

typedef struct Log Log;

/* Creates a log that writes to `out` (not owned). Never NULL. */
Log *log_new(FILE *out);
void log_free(Log *log);

/* Switches kinds on from a comma-separated list of names, or "all". */
bool log_select(Log *log, const char *kinds, Error *err);

/* The kinds' names, for help texts: log_kind_name(LOG_GUEST) is "guest". */
const char *log_kind_name(LogKind kind);

/* True if kind is on; check it before doing work for a log line. */
bool log_on(const Log *log, LogKind kind);

/* Writes a line if kind is on. source names the device or part ("uart0", "cpu1"). */
void log_line(Log *log, LogKind kind, const char *source, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* As log_line(), but a text that was already written by log_once() is dropped. Guest-controlled texts are
 * bounded: after 4,096 different ones nothing further is written. */
void log_once(Log *log, LogKind kind, const char *source, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
