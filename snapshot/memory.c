/* Which pages were touched is what the host knows: data and holes of the files behind memory, or which pages
 * became private to the process (/proc/self/pagemap). */
#define _GNU_SOURCE
#include "snapshot/memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of an entry of pagemap (Linux, Documentation/admin-guide/mm/pagemap.rst). */
#define PAGE_PRESENT (UINT64_C(1) << 63)
#define PAGE_SWAPPED (UINT64_C(1) << 62)
#define PAGE_OF_FILE (UINT64_C(1) << 61)

void memory_encode(const MachineMemory *memory, Buffer *out)
{
    buffer_put_name(out, memory->name);
    buffer_put64(out, memory->size);
    buffer_put8(out, memory->fill);
}

bool memory_read_record(MemoryRecord *record, const ChunkFile *file, const Chunk *chunk, Error *err)
{
    uint8_t payload[300];
    if (chunk->length > sizeof payload)
        return error_set(err, "a memory's description is too long");
    if (!chunk_read(file, chunk, payload, err))
        return false;
    Cursor cursor = {payload, chunk->length, false};
    cursor_take_name(&cursor, record->name);
    record->size = cursor_take64(&cursor);
    record->fill = cursor_take8(&cursor);
    return (!cursor.short_of && !cursor.left) || error_set(err, "a memory's description is damaged");
}

bool memory_is_filled(const uint8_t *page, uint8_t fill)
{
    return page[0] == fill && !memcmp(page, page + 1, MEMORY_PAGE - 1);
}

bool memory_next_data(const MachineMemory *memory, uint64_t *from, uint64_t *to)
{
    const uint64_t in_page = MEMORY_PAGE - 1;
    if (*from >= memory->size)
        return false;
    *to = memory->size;
    if (!memory->fd)
        return true;
    off_t start = lseek(*memory->fd, (off_t)*from, SEEK_DATA);
    off_t end = start < 0 ? -1 : lseek(*memory->fd, start, SEEK_HOLE);
    if (start < 0)
        return false;
    *from = (uint64_t)start & ~in_page;
    if (end >= 0 && ((uint64_t)end + in_page) < memory->size)
        *to = ((uint64_t)end + in_page) & ~in_page;
    return true;
}

/* What the kernel says about each page; NULL if it does not, or if it says nothing about private ones. */
static uint64_t *page_map(const MachineMemory *memory)
{
    size_t bytes = memory->size / MEMORY_PAGE * sizeof(uint64_t);
    uint64_t *map = malloc(bytes);
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    off_t at = (off_t)((uintptr_t)memory->host / MEMORY_PAGE * sizeof(uint64_t));
    bool ok = map && fd >= 0 && pread(fd, map, bytes, at) == (ssize_t)bytes;
    if (fd >= 0)
        close(fd);
    if (ok)
        return map;
    free(map);
    return NULL;
}

static bool is_own(uint64_t entry)
{
    return entry & PAGE_SWAPPED || (entry & PAGE_PRESENT && !(entry & PAGE_OF_FILE));
}

void memory_pages(const MachineMemory *memory, void (*page)(void *opaque, uint32_t page, const uint8_t *data),
                  void *opaque)
{
    uint64_t *map = memory->blank ? page_map(memory) : NULL;
    for (uint64_t from = 0, to; memory_next_data(memory, &from, &to); from = to)
        for (uint64_t at = from; at < to; at += MEMORY_PAGE)
            if ((!map || is_own(map[at / MEMORY_PAGE])) && !memory_is_filled(memory->host + at, memory->fill))
                page(opaque, (uint32_t)(at / MEMORY_PAGE), memory->host + at);
    free(map);
}
