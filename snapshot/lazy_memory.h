/* Memory that is read out of a file page by page, when somebody first looks at it. Until then nothing is
 * checked; a page that turns out not to be what was saved is given to nobody, and stops the machine.
 *
 * Where the host tells us before anybody changes the file (a lease, fcntl(2) F_SETLEASE), the file is mapped,
 * so that machines share the pages that they do not write; otherwise pages are copied. */
#ifndef ARMATURE_SNAPSHOT_LAZY_MEMORY_H
#define ARMATURE_SNAPSHOT_LAZY_MEMORY_H

#include "machine/machine.h"

typedef struct LazyMemory LazyMemory;

/* For memory of so many pages. The file is duplicated, path copied. NULL with err set if the host refuses. */
LazyMemory *lazy_new(int fd, const char *path, uint32_t pages, Error *err);
void lazy_free(LazyMemory *lazy); /* NULL is allowed */

/* Any thread, each page once: its contents are at offset of the file, a multiple of 4096, and hash64() of
 * them with the offset as the seed is sum. */
void lazy_put(LazyMemory *lazy, uint32_t page, uint64_t offset, uint64_t sum);
/* A page that is equal to one that was put; false if that was not. */
bool lazy_put_equal(LazyMemory *lazy, uint32_t page, uint32_t source);

/* Machine's thread: all pages were put, memory->host was just mapped from *memory->fd. From now on it belongs
 * to the machine's bus, which frees it. */
void lazy_start(LazyMemory *lazy, Machine *machine, const MachineMemory *memory);

#endif
