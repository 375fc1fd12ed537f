/* Which pages of memory an incremental snapshot holds: what differs from its base. Either that is known, or
 * the base's pages are read, and hashes compared. */
#ifndef ARMATURE_SNAPSHOT_DELTA_H
#define ARMATURE_SNAPSHOT_DELTA_H

#include "snapshot/marks.h"

typedef struct Delta Delta;

/* Machine's thread, memory guarded. base is owned by the delta, its chain open. marks may be NULL. */
Delta *delta_new(Machine *machine, Snapshot *base, SnapshotMarks *marks, const uint64_t *identity);
void delta_free(Delta *delta); /* NULL is allowed */

/* What follows is for the thread that saves, in this order. False with err set if the base is damaged or of
 * another machine. */
bool delta_prepare(Delta *delta, Error *err);
/* The first page from *page on that may differ; false if there is none. */
bool delta_next(const Delta *delta, unsigned memory, uint32_t *page);
/* Whether it does; data NULL: all `fill`. */
bool delta_differs(const Delta *delta, unsigned memory, uint32_t page, const uint8_t *data);

#endif
