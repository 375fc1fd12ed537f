#include "snapshot/delta.h"

#include <stdlib.h>
#include <string.h>

#include "snapshot/page_hash.h"
#include "snapshot/page_walk.h"

struct Delta {
    Snapshot *base;
    bool known;       /* which pages have changed */
    PageSets changed; /* if so */
    struct {
        char name[32];
        uint32_t pages;
        uint8_t fill;
        PageHash *hash; /* of the base, [pages], zeros: filled; NULL if it is known what has changed */
    } memory[MACHINE_MEMORIES];
    unsigned count;
    unsigned map[WALK_MEMORIES]; /* what the base's memories are here; MACHINE_MEMORIES: disks */
    PageKey key;
};

Delta *delta_new(Machine *machine, Snapshot *base, SnapshotMarks *marks, const uint64_t *identity)
{
    Delta *delta = calloc(1, sizeof *delta);
    MachineMemory memory;
    if (!delta)
        abort();
    delta->base = base;
    for (; machine_memory(machine, delta->count, &memory); delta->count++) {
        strncpy(delta->memory[delta->count].name, memory.name, sizeof delta->memory[0].name - 1);
        delta->memory[delta->count].pages = (uint32_t)(memory.size / MEMORY_PAGE);
        delta->memory[delta->count].fill = memory.fill;
    }
    delta->known = marks && marks_take(marks, snapshot_info(base)->identity, identity, &delta->changed);
    return delta;
}

void delta_free(Delta *delta)
{
    if (!delta)
        return;
    page_sets_free(&delta->changed);
    for (unsigned n = 0; n < delta->count; n++)
        free(delta->memory[n].hash);
    snapshot_close(delta->base);
    free(delta);
}

/* ---- The base's pages ---------------------------------------------------------------------------------- */

static bool put(void *opaque, unsigned number, uint32_t page, const uint8_t *data, Error *err)
{
    Delta *delta = opaque;
    PageHash *hash = &delta->memory[delta->map[number]].hash[page];
    (void)err;
    *hash = data && !memory_is_filled(data, delta->memory[delta->map[number]].fill)
                ? page_hash(&delta->key, data)
                : (PageHash){{0}};
    return true;
}

static bool equal(void *opaque, unsigned number, uint32_t page, uint32_t source, Error *err)
{
    Delta *delta = opaque;
    PageHash *hash = delta->memory[delta->map[number]].hash;
    (void)err;
    hash[page] = hash[source];
    return true;
}

static unsigned find(const Delta *delta, const WalkMemory *memory)
{
    unsigned n = 0;
    while (n < delta->count && strcmp(delta->memory[n].name, memory->name) != 0)
        n++;
    return n;
}

/* All memories, and no others. */
static bool map_base(Delta *delta, Error *err)
{
    WalkMemory memory[WALK_MEMORIES];
    unsigned count, found = 0;
    if (!walk_memories(delta->base, memory, &count, err))
        return false;
    for (unsigned n = 0; n < count; n++) {
        unsigned k = memory[n].disk ? MACHINE_MEMORIES : find(delta, &memory[n]);
        delta->map[n] = k;
        if (memory[n].disk)
            continue;
        if (k == delta->count || memory[n].pages != delta->memory[k].pages ||
            memory[n].fill != delta->memory[k].fill || delta->memory[k].hash)
            return error_set(err, "'%s' is of another machine: '%s' is not the same",
                             snapshot_path(delta->base), memory[n].name);
        if (!(delta->memory[k].hash = calloc(delta->memory[k].pages, sizeof(PageHash))))
            return error_set(err, "not enough memory");
        found++;
    }
    return found == delta->count ||
           error_set(err, "'%s' is of another machine, with less memory", snapshot_path(delta->base));
}

bool delta_prepare(Delta *delta, Error *err)
{
    const PageSink sink = {delta, put, equal};
    if (delta->known)
        return true;
    page_key_init(&delta->key);
    return map_base(delta, err) && walk_pages(delta->base, false, &sink, err);
}

/* ---- Asking -------------------------------------------------------------------------------------------- */

bool delta_next(const Delta *delta, unsigned memory, uint32_t *page)
{
    uint32_t at = *page, pages = delta->memory[memory].pages;
    const uint64_t *bits = delta->changed.bits[memory];
    while (delta->known && at < pages && !page_set_has(bits, at))
        at = bits[at / 64] ? at + 1 : (at | 63) + 1;
    *page = at;
    return at < pages;
}

bool delta_differs(const Delta *delta, unsigned memory, uint32_t page, const uint8_t *data)
{
    if (delta->known)
        return true;
    PageHash hash = data ? page_hash(&delta->key, data) : (PageHash){{0}};
    return !page_hash_equal(&hash, &delta->memory[memory].hash[page]);
}
