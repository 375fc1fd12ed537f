#include "machine/unmodelled.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2 * UNMODELLED_MOST };

struct Unmodelled {
    UnmodelledRow row[UNMODELLED_MOST];
    unsigned count;
    uint64_t not_listed;  /* accesses to registers that found no room */
    uint16_t slot[SLOTS]; /* hash table: row + 1, 0 = free */
};

Unmodelled *unmodelled_new(void)
{
    Unmodelled *table = calloc(1, sizeof *table);
    if (!table)
        abort();
    return table;
}

void unmodelled_free(Unmodelled *table)
{
    free(table);
}

/* FNV-1a. */
static unsigned hash(const char *source, const char *name, uint32_t offset)
{
    uint32_t h = 0x811c9dc5u ^ offset;
    for (const char *s = source; *s; s++)
        h = (h ^ (uint8_t)*s) * 0x01000193u;
    for (const char *s = name; *s; s++)
        h = (h ^ (uint8_t)*s) * 0x01000193u;
    return (h ^ h >> 15) % SLOTS;
}

static bool is_row(const UnmodelledRow *row, const char *source, const char *name, uint32_t offset)
{
    return row->offset == offset && !strncmp(row->source, source, sizeof row->source - 1) &&
           !strncmp(row->name, name, sizeof row->name - 1);
}

/* NULL if there is no room for another. */
static UnmodelledRow *find(Unmodelled *table, const char *source, const char *name, uint32_t offset,
                           uint32_t pc)
{
    unsigned slot = hash(source, name, offset);
    for (; table->slot[slot]; slot = (slot + 1) % SLOTS)
        if (is_row(&table->row[table->slot[slot] - 1], source, name, offset))
            return &table->row[table->slot[slot] - 1];
    if (table->count == UNMODELLED_MOST)
        return NULL;
    UnmodelledRow *row = &table->row[table->count++];
    table->slot[slot] = (uint16_t)table->count;
    snprintf(row->source, sizeof row->source, "%s", source);
    snprintf(row->name, sizeof row->name, "%s", name);
    row->offset = offset;
    row->first_pc = pc;
    return row;
}

bool unmodelled_note(Unmodelled *table, const char *source, const char *name, uint32_t offset, bool write,
                     uint32_t pc)
{
    UnmodelledRow *row = find(table, source, name, offset, pc);
    if (!row) {
        table->not_listed++;
        return false;
    }
    uint64_t *count = write ? &row->writes : &row->reads;
    return ++*count == 1;
}

unsigned unmodelled_count(const Unmodelled *table)
{
    return table->count;
}

const UnmodelledRow *unmodelled_row(const Unmodelled *table, unsigned n)
{
    return n < table->count ? &table->row[n] : NULL;
}

void unmodelled_print(const Unmodelled *table, FILE *out)
{
    if (!table->count) {
        fputs("Nothing was used that is not modelled.\n", out);
        return;
    }
    fputs("Used and not modelled:\n", out);
    fprintf(out, "%-12s %-32s %-8s %10s %10s  %s\n", "device", "register", "offset", "reads", "writes",
            "first at pc");
    for (unsigned n = 0; n < table->count; n++) {
        const UnmodelledRow *row = &table->row[n];
        char offset[16] = "-";
        if (row->offset != LOG_NO_OFFSET)
            snprintf(offset, sizeof offset, "0x%03x", row->offset);
        fprintf(out, "%-12s %-32s %-8s %10llu %10llu  0x%08x\n", row->source,
                row->name[0] ? row->name : "(none there)", offset, (unsigned long long)row->reads,
                (unsigned long long)row->writes, row->first_pc);
    }
    if (table->not_listed)
        fprintf(out, "%llu accesses to further registers, for which the table had no room\n",
                (unsigned long long)table->not_listed);
}
