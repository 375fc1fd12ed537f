/* Pages of memory on their way into chunks and back. docs/snapshots.md has the format. */
#ifndef ARMATURE_SNAPSHOT_PAGES_H
#define ARMATURE_SNAPSHOT_PAGES_H

#include "snapshot/bytes.h"
#include "snapshot/chunk.h"
#include "snapshot/memory.h"

enum {
    UNIT_PAGES = 512, /* pages with contents of their own in a chunk, at most */
    UNIT_RUNS = 1024,
    PAGES_RAW = 0,
    PAGES_DEFLATED = 1,
    PAGES_ALIGNED = 2 /* see aligned.h */
};

#define RUN_IS_DATA UINT32_MAX
#define RUN_IS_ZEROS (UINT32_MAX - 1) /* of memories: `fill` */

/* Pages that follow each other: with contents of their own, or all zeros, or all equal to the page `source`
 * of the same memory, which has contents of its own. */
typedef struct PageRun {
    uint32_t first, count, source;
} PageRun;

/* What becomes a chunk. */
typedef struct PageUnit {
    uint32_t memory, runs, pages;
    PageRun run[UNIT_RUNS];
    uint8_t data[UNIT_PAGES][MEMORY_PAGE];
} PageUnit;

bool unit_is_full(const PageUnit *unit);
/* Adds a page; source RUN_IS_DATA: with contents, which are in unit->data[unit->pages] already. */
void unit_add(PageUnit *unit, uint32_t page, uint32_t source);

/* Adds pages of zeros, of memories `fill`. */
void unit_add_zeros(PageUnit *unit, uint32_t page, uint32_t count);

/* The chunk's payload, appended to out. */
void unit_encode(const PageUnit *unit, bool deflate, Buffer *out);

/* The reverse: checks everything that can be checked without the machine. False with err set. */
bool unit_decode(PageUnit *unit, const uint8_t *payload, size_t size, Error *err);

#endif
