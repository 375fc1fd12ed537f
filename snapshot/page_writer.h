/* Writes all memory of a capture, on threads of its own. */
#ifndef ARMATURE_SNAPSHOT_PAGE_WRITER_H
#define ARMATURE_SNAPSHOT_PAGE_WRITER_H

#include <stdatomic.h>

#include "snapshot/capture.h"
#include "snapshot/pages.h"

/* Pages in the order of their numbers; false: there are no more. */
typedef struct PageSource {
    /* A page with contents, copied. *page is where to look from, and what was found. */
    bool (*next)(void *opaque, unsigned memory, uint32_t *page, uint8_t *copy);
    void *opaque;
    unsigned memories;
} PageSource;

typedef struct PageProgress {
    atomic_bool cancel;
    atomic_uint_fast64_t done; /* bytes of memory behind us */
} PageProgress;

/* Everything that source has goes into chunks. False with err set if the host cannot write, or it was
 * cancelled. */
bool pages_write(ChunkWriter *writer, const PageSource *source, bool deflate, PageProgress *progress,
                 Error *err);

#endif
