/* What the guest used and is not modelled: registers of devices and of the system coprocessors. One table per
 * machine, kept by its log. */
#ifndef ARMATURE_MACHINE_UNMODELLED_H
#define ARMATURE_MACHINE_UNMODELLED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "machine/log.h"

enum { UNMODELLED_MOST = 1024 };

typedef struct UnmodelledRow {
    char source[24];   /* device or CPU: "clcd", "cpu0" */
    char name[48];     /* as in the manual; "" where no register is described */
    uint32_t offset;   /* LOG_NO_OFFSET: a coprocessor's */
    uint32_t first_pc; /* of the first access */
    uint64_t reads, writes;
} UnmodelledRow;

Unmodelled *unmodelled_new(void); /* never NULL */
void unmodelled_free(Unmodelled *table);

/* Counts an access. pc is kept with the first one. True if it is the first of its kind at this register. When
 * the table is full, further registers are only counted as a whole. */
bool unmodelled_note(Unmodelled *table, const char *source, const char *name, uint32_t offset, bool write,
                     uint32_t pc);

/* Rows in the order in which they were first used. */
unsigned unmodelled_count(const Unmodelled *table);
const UnmodelledRow *unmodelled_row(const Unmodelled *table, unsigned n);

/* The table as text, for --list-unmodelled. */
void unmodelled_print(const Unmodelled *table, FILE *out);

#endif
