/* Which pages of the machine's memory have changed since snapshots that were saved or loaded. Machine's
 * thread. */
#ifndef ARMATURE_SNAPSHOT_MARKS_H
#define ARMATURE_SNAPSHOT_MARKS_H

#include "snapshot/memory.h"
#include "snapshot/snapshot.h"

/* Sets of pages, a bit for each, by the numbers of machine_memory(). */
typedef struct PageSets {
    uint64_t *bits[MACHINE_MEMORIES];
} PageSets;

static inline bool page_set_has(const uint64_t *bits, uint32_t page)
{
    return bits[page / 64] >> (page % 64) & 1;
}

void page_sets_init(PageSets *sets, const Machine *machine);
void page_sets_free(PageSets *sets);

/* Memory as it is now, all of whose pages are guarded (watch.h), is what `identity` has; what has changed
 * since `base` is in `changed`, which becomes the caller's, or is empty and it returns false: that is not
 * known. base may be NULL. */
bool marks_take(SnapshotMarks *marks, const uint64_t *base, const uint64_t *identity, PageSets *changed);

#endif
