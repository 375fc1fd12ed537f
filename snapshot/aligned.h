/* Pages of memory that a file has at multiples of 4096, so that they can be mapped: a PAGE chunk says which
 * they are and has a checksum of each, the DATA chunk behind it has the pages. docs/snapshots.md has the
 * format. */
#ifndef ARMATURE_SNAPSHOT_ALIGNED_H
#define ARMATURE_SNAPSHOT_ALIGNED_H

#include "snapshot/pages.h"

/* Writes a unit; runs without contents of their own go into a chunk besides. False with err set if the host
 * cannot write. */
bool aligned_write(ChunkWriter *writer, const PageUnit *unit, Error *err);

/* Whether the payload of a PAGE chunk is of this kind. */
bool aligned_is(const uint8_t *payload, size_t size);

/* Fills everything of unit but data, and *at: where in the file the pages are, which the chunk number n says
 * with `payload`. sum: [UNIT_PAGES], hash64() of each page, seeded with its place in the file. False with err
 * set if it is damaged; the pages themselves are not looked at. */
bool aligned_decode(PageUnit *unit, uint64_t *sum, uint64_t *at, const ChunkFile *file, unsigned n,
                    const uint8_t *payload, Error *err);

/* As unit_decode(), for a chunk of either kind: reads the pages, too, and checks them. */
bool aligned_read(PageUnit *unit, const ChunkFile *file, unsigned n, const uint8_t *payload, Error *err);

#endif
