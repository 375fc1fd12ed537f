/* The machine's memory page by page. */
#ifndef ARMATURE_SNAPSHOT_MEMORY_H
#define ARMATURE_SNAPSHOT_MEMORY_H

#include "machine/machine.h"
#include "snapshot/bytes.h"
#include "snapshot/chunk.h"

enum { MEMORY_PAGE = 4096 };

/* Calls page() for every page that is not all `fill`, in ascending order. Memory that nobody has ever touched
 * is not looked at. */
void memory_pages(const MachineMemory *memory, void (*page)(void *opaque, uint32_t page, const uint8_t *data),
                  void *opaque);

/* The next piece of whole pages, at *from or behind, that may hold something else than `fill`; false if there
 * is none. */
bool memory_next_data(const MachineMemory *memory, uint64_t *from, uint64_t *to);

/* The payload of the chunk that describes it, appended. */
void memory_encode(const MachineMemory *memory, Buffer *out);

/* What such a chunk says. */
typedef struct MemoryRecord {
    char name[256];
    uint64_t size; /* bytes */
    uint8_t fill;
} MemoryRecord;

/* Reads one; false with err set if it is damaged. */
bool memory_read_record(MemoryRecord *record, const ChunkFile *file, const Chunk *chunk, Error *err);

/* Whether every byte of a page is `fill`. */
bool memory_is_filled(const uint8_t *page, uint8_t fill);

#endif
