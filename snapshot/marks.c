/* Each mark has its own set of pages that changed since then. Whenever a snapshot is made the pages that were
 * written since the last one (watch.h) are added to all of them. Memory whose writes nobody announces, flash,
 * is small or empty: its pages' hashes are compared with those of the last time. */
#include "snapshot/marks.h"

#include <stdlib.h>
#include <string.h>

#include "machine/checked.h"
#include "snapshot/page_hash.h"

enum { MARKS_MOST = 8 };

typedef struct Mark {
    uint64_t identity[2];
    PageSets changed;
} Mark;

struct SnapshotMarks {
    Machine *machine;
    Watch *watch[MACHINE_MEMORIES];   /* NULL: not watched */
    PageHash *hash[MACHINE_MEMORIES]; /* [pages], zeros: filled; NULL: watched */
    PageKey key;
    Mark mark[MARKS_MOST];
    unsigned count;       /* the oldest first */
    MachineMemory memory; /* that is looked at */
    unsigned number;
    uint8_t *seen; /* of unwatched memory: the pages that hold something */
};

void page_sets_init(PageSets *sets, const Machine *machine)
{
    MachineMemory memory;
    *sets = (PageSets){.bits = {NULL}};
    for (unsigned n = 0; machine_memory(machine, n, &memory); n++)
        sets->bits[n] = checked(calloc(memory.size / MEMORY_PAGE / 64 + 1, sizeof(uint64_t)));
}

void page_sets_free(PageSets *sets)
{
    for (unsigned n = 0; n < MACHINE_MEMORIES; n++) {
        free(sets->bits[n]);
        sets->bits[n] = NULL;
    }
}

SnapshotMarks *snapshot_marks_new(Machine *machine)
{
    SnapshotMarks *marks = checked(calloc(1, sizeof *marks));
    marks->machine = machine;
    page_key_init(&marks->key);
    return marks;
}

static void forget_oldest(SnapshotMarks *marks)
{
    page_sets_free(&marks->mark[0].changed);
    marks->count--;
    memmove(&marks->mark[0], &marks->mark[1], marks->count * sizeof marks->mark[0]);
}

void snapshot_marks_forget(SnapshotMarks *marks)
{
    while (marks->count)
        forget_oldest(marks);
}

void snapshot_marks_free(SnapshotMarks *marks)
{
    if (!marks)
        return;
    snapshot_marks_forget(marks);
    for (unsigned n = 0; n < MACHINE_MEMORIES; n++) {
        if (marks->watch[n])
            watches_remove(bus_watches(marks->machine->bus), marks->watch[n]);
        free(marks->hash[n]);
    }
    free(marks);
}

/* ---- What has changed since the last time -------------------------------------------------------------- */

static void set_pages(uint64_t *bits, uint32_t first, uint32_t end)
{
    for (uint32_t n = first; n < end;) {
        bool whole = n % 64 == 0 && end - n >= 64;
        bits[n / 64] |= whole ? UINT64_MAX : (uint64_t)1 << (n % 64);
        n += whole ? 64 : 1;
    }
}

static void changed(SnapshotMarks *marks, uint32_t first, uint32_t end)
{
    for (unsigned n = 0; n < marks->count; n++)
        set_pages(marks->mark[n].changed.bits[marks->number], first, end);
}

static void written(void *opaque, uint32_t pa, uint32_t size)
{
    SnapshotMarks *marks = opaque;
    uint32_t first = (pa - marks->memory.base) / MEMORY_PAGE;
    changed(marks, first, first + size / MEMORY_PAGE);
}

static void note_hash(SnapshotMarks *marks, uint32_t page, const PageHash *hash)
{
    PageHash *known = &marks->hash[marks->number][page];
    if (page_hash_equal(known, hash))
        return;
    *known = *hash;
    changed(marks, page, page + 1);
}

static void hash_page(void *opaque, uint32_t page, const uint8_t *data)
{
    SnapshotMarks *marks = opaque;
    PageHash hash = page_hash(&marks->key, data);
    note_hash(marks, page, &hash);
    marks->seen[page] = 1;
}

static void look_at_hashes(SnapshotMarks *marks)
{
    static const PageHash none;
    uint32_t pages = (uint32_t)(marks->memory.size / MEMORY_PAGE);
    PageHash **hash = &marks->hash[marks->number];
    if (!*hash)
        *hash = checked(calloc(pages, sizeof **hash));
    marks->seen = checked(calloc(pages, 1));
    memory_pages(&marks->memory, hash_page, marks);
    for (uint32_t page = 0; page < pages; page++)
        if (!marks->seen[page])
            note_hash(marks, page, &none);
    free(marks->seen);
}

static void look(SnapshotMarks *marks)
{
    Watches *watches = bus_watches(marks->machine->bus);
    for (marks->number = 0; machine_memory(marks->machine, marks->number, &marks->memory); marks->number++) {
        Watch **watch = &marks->watch[marks->number];
        if (!marks->memory.watched) {
            look_at_hashes(marks);
            continue;
        }
        if (!*watch)
            *watch = watches_add(watches, marks->memory.base, (uint32_t)marks->memory.size);
        watches_take(watches, *watch, written, marks);
    }
}

static void add(SnapshotMarks *marks, const uint64_t *identity)
{
    if (marks->count == MARKS_MOST)
        forget_oldest(marks);
    Mark *mark = &marks->mark[marks->count++];
    memcpy(mark->identity, identity, sizeof mark->identity);
    page_sets_init(&mark->changed, marks->machine);
}

static bool copy_changed(const SnapshotMarks *marks, const uint64_t *base, PageSets *changed)
{
    for (unsigned n = 0; base && n < marks->count; n++) {
        const Mark *mark = &marks->mark[n];
        MachineMemory memory;
        if (memcmp(mark->identity, base, sizeof mark->identity) != 0)
            continue;
        page_sets_init(changed, marks->machine);
        for (unsigned k = 0; machine_memory(marks->machine, k, &memory); k++)
            memcpy(changed->bits[k], mark->changed.bits[k],
                   (memory.size / MEMORY_PAGE / 64 + 1) * sizeof(uint64_t));
        return true;
    }
    return false;
}

bool marks_take(SnapshotMarks *marks, const uint64_t *base, const uint64_t *identity, PageSets *changed)
{
    *changed = (PageSets){.bits = {NULL}};
    look(marks);
    bool known = copy_changed(marks, base, changed);
    add(marks, identity);
    return known;
}

void snapshot_marks_loaded(SnapshotMarks *marks, const uint64_t *identity)
{
    MachineMemory memory;
    Machine *machine = marks->machine;
    snapshot_marks_forget(marks);
    bus_await(machine->bus);
    for (unsigned n = 0; machine_memory(machine, n, &memory); n++)
        if (memory.watched)
            watches_guard_all(bus_watches(machine->bus), memory.base, memory.size);
    for (unsigned n = 0; n < machine->options.cpus; n++)
        mmu_protect_all(machine->cpu[n]);
    look(marks);
    add(marks, identity);
    for (unsigned n = 0; n < DISK_SLOTS; n++)
        if (machine->env.disk[n].disk)
            disk_mark(machine->env.disk[n].disk, identity);
}
