/* Writes all memory and all changes to disks of a capture, on threads of its own. */
#ifndef ARMATURE_SNAPSHOT_PAGE_WRITER_H
#define ARMATURE_SNAPSHOT_PAGE_WRITER_H

#include <stdatomic.h>

#include "snapshot/capture.h"
#include "snapshot/pages.h"

/* Pages in the order of their numbers. */
typedef struct PageSource {
    /* The next page with contents, copied, or of a disk *count pages of zeros. *page is where to look from,
     * and what was found. FAILED: err says why. */
    MediumStep (*next)(void *opaque, unsigned memory, uint64_t *page, uint64_t *count, uint8_t *copy,
                       Error *err);
    void *opaque;
    unsigned memories; /* and disks */
    unsigned aligned;  /* of them: the first ones, to be mapped unless they are deflated */
} PageSource;

typedef struct PageProgress {
    atomic_bool cancel;
    atomic_uint_fast64_t done; /* bytes of memory and disks behind us */
} PageProgress;

/* Everything that source has goes into chunks. False with err set if the host cannot write, or it was
 * cancelled. */
bool pages_write(ChunkWriter *writer, const PageSource *source, bool deflate, PageProgress *progress,
                 Error *err);

#endif
