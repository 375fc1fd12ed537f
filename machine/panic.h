/* Recognises panics, oopses and similar reports of a Linux kernel in what it prints, and sums them up.
 *
 * Reports are recognised at the start of a line, after a level and a time stamp. A line whose time stamp lies
 * before one that was already seen is a repetition (somebody runs dmesg), and counts for nothing. */
#ifndef ARMATURE_MACHINE_PANIC_H
#define ARMATURE_MACHINE_PANIC_H

#include <stdbool.h>
#include <stddef.h>

#include "machine/symbols.h"

typedef enum PanicKind {
    PANIC_NONE,
    PANIC_OOPS, /* the kernel goes on, perhaps without the process */
    PANIC_PANIC /* it does not */
} PanicKind;

/* Watches the output of one serial port. */
typedef struct Panic Panic;

/* symbols (NULL: none) must outlive it. Never NULL. */
Panic *panic_new(const Symbols *symbols);
void panic_free(Panic *panic); /* NULL is allowed */

/* Looks at more output. Returns the kind of a report that began or got worse with it, else PANIC_NONE. */
PanicKind panic_feed(Panic *panic, const void *data, size_t length);

/* The report that is being collected or was the last. */
PanicKind panic_kind(const Panic *panic);

/* The kernel printed the line that ends a report ("---[ end ..."): nothing is missing any more. */
bool panic_complete(const Panic *panic);

/* What is known: what happened, where, in which process, first callers, likely reason; several lines.
 * Allocated; the caller frees it. NULL if there was no report. */
char *panic_summary(const Panic *panic);

/* Nothing more belongs to the report: what comes now is another, or a panic that follows from it. */
void panic_close(Panic *panic);

/* Forgets everything: the machine starts again. */
void panic_reset(Panic *panic);

#endif
