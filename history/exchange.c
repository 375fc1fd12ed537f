#include "history/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/code_cache.h"

enum { SPACE_SHIFT = 48 };

uint64_t memory_key(uint32_t pa)
{
    return pa / PAGE_SET_PAGE;
}

uint64_t disk_key(unsigned slot, uint64_t block)
{
    return ((uint64_t)slot + 1) << SPACE_SHIFT | block;
}

static bool is_disk(uint64_t key)
{
    return key >> SPACE_SHIFT;
}

static bool all_are(const uint8_t *data, uint8_t fill)
{
    return data[0] == fill && !memcmp(data, data + 1, PAGE_SET_PAGE - 1);
}

/* NULL if all bytes are `fill`. */
static uint8_t *copy_of(const uint8_t *data, uint8_t fill)
{
    if (all_are(data, fill))
        return NULL;
    uint8_t *copy = malloc(PAGE_SET_PAGE);
    if (!copy)
        abort();
    return memcpy(copy, data, PAGE_SET_PAGE);
}

/* ---- Memory -------------------------------------------------------------------------------------------- */

static uint8_t *memory_page(const Machine *machine, uint64_t key, uint8_t *fill)
{
    MachineMemory memory;
    uint64_t pa = key * PAGE_SET_PAGE;
    for (unsigned n = 0; machine_memory(machine, n, &memory); n++) {
        if (pa < memory.base || pa - memory.base >= memory.size)
            continue;
        *fill = memory.fill;
        return memory.host + (pa - memory.base);
    }
    return NULL;
}

bool keep_memory(PageSet *set, const Machine *machine, uint64_t key)
{
    uint8_t fill;
    const uint8_t *host = memory_page(machine, key, &fill);
    if (host)
        page_set_add(set, key, copy_of(host, fill));
    return host;
}

static void exchange_memory(PageSet *set, SetPage *page, const Machine *machine)
{
    uint8_t fill;
    uint32_t pa = (uint32_t)(page->key * PAGE_SET_PAGE);
    uint8_t *host = memory_page(machine, page->key, &fill);
    uint8_t *there = copy_of(host, fill);
    watches_written(bus_watches(machine->bus), pa, PAGE_SET_PAGE);
    code_cache_written(machine->code, pa, PAGE_SET_PAGE);
    if (page->data)
        memcpy(host, page->data, PAGE_SET_PAGE);
    else
        memset(host, fill, PAGE_SET_PAGE);
    set->full += (there != NULL) - (page->data != NULL);
    free(page->data);
    page->data = there;
}

/* ---- Disks --------------------------------------------------------------------------------------------- */

typedef struct DiskBlock {
    Disk *disk;
    uint64_t offset, length;
} DiskBlock;

static bool find_block(const Machine *machine, uint64_t key, DiskBlock *block, Error *err)
{
    unsigned slot = (unsigned)(key >> SPACE_SHIFT) - 1;
    block->disk = slot < DISK_SLOTS ? machine->env.disk[slot].disk : NULL;
    block->offset = (key & ((UINT64_C(1) << SPACE_SHIFT) - 1)) * PAGE_SET_PAGE;
    uint64_t size = block->disk ? disk_size(block->disk) : 0;
    if (block->offset >= size)
        return error_set(err, "a disk is not there any more");
    block->length = size - block->offset < PAGE_SET_PAGE ? size - block->offset : PAGE_SET_PAGE;
    return true;
}

static bool read_block(const Machine *machine, uint64_t key, DiskBlock *block, uint8_t **copy, Error *err)
{
    uint8_t data[PAGE_SET_PAGE] = {0};
    if (!find_block(machine, key, block, err) ||
        !disk_peek(block->disk, block->offset, data, block->length, err))
        return false;
    *copy = copy_of(data, 0);
    return true;
}

bool keep_disk(PageSet *set, Machine *machine, uint64_t key, Error *err)
{
    DiskBlock block;
    uint8_t *copy;
    if (!read_block(machine, key, &block, &copy, err))
        return false;
    page_set_add(set, key, copy);
    return true;
}

static bool exchange_block(PageSet *set, SetPage *page, const Machine *machine, Error *err)
{
    DiskBlock block;
    uint8_t *there;
    if (!read_block(machine, page->key, &block, &there, err))
        return false;
    if (!disk_poke(block.disk, block.offset, page->data, block.length, err)) {
        free(there);
        return false;
    }
    set->full += (there != NULL) - (page->data != NULL);
    free(page->data);
    page->data = there;
    return true;
}

/* All of them, or none. */
static bool exchange_blocks(PageSet *set, const Machine *machine, Error *err)
{
    size_t n = 0;
    Error other;
    while (n < set->count && (!is_disk(set->page[n].key) || exchange_block(set, &set->page[n], machine, err)))
        n++;
    if (n == set->count)
        return true;
    while (n--)
        if (is_disk(set->page[n].key))
            exchange_block(set, &set->page[n], machine, &other);
    return false;
}

static void exchange_memories(PageSet *set, const Machine *machine)
{
    for (size_t n = 0; n < set->count; n++)
        if (!is_disk(set->page[n].key))
            exchange_memory(set, &set->page[n], machine);
}

bool exchange(PageSet *set, Machine *machine, Error *err)
{
    bool ok = exchange_blocks(set, machine, err);
    if (ok)
        exchange_memories(set, machine);
    return ok;
}

void exchange_back(PageSet *set, Machine *machine)
{
    Error err;
    exchange_blocks(set, machine, &err);
    exchange_memories(set, machine);
}
