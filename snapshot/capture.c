#include "snapshot/capture.h"

#include <assert.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "machine/checked.h"

/* What became of a page. */
enum { WAITS, BEING_COPIED, TAKEN, KEPT };

typedef struct Kept {
    MachineMemory memory;
    atomic_uchar *state; /* [pages] */
    uint8_t **page;      /* [pages]: copies of those that were written; NULL: none, or all filled */
    uint32_t pages;
} Kept;

struct Capture {
    Machine *machine;
    Kept kept[MACHINE_MEMORIES];
    unsigned count;
};

static uint8_t *copy_of(const Kept *kept, uint32_t page)
{
    const uint8_t *from = kept->memory.host + (size_t)page * MEMORY_PAGE;
    if (memory_is_filled(from, kept->memory.fill))
        return NULL;
    return memcpy(checked(malloc(MEMORY_PAGE)), from, MEMORY_PAGE);
}

/* Machine's thread: the page is about to be written. */
static void keep(Kept *kept, uint32_t page)
{
    unsigned char state = WAITS;
    if (atomic_compare_exchange_strong(&kept->state[page], &state, BEING_COPIED)) {
        kept->page[page] = copy_of(kept, page);
        atomic_store_explicit(&kept->state[page], KEPT, memory_order_release);
        return;
    }
    while (atomic_load_explicit(&kept->state[page], memory_order_acquire) == BEING_COPIED)
        sched_yield();
}

static void before_write(void *opaque, uint32_t pa)
{
    Capture *capture = opaque;
    for (unsigned n = 0; n < capture->count; n++) {
        Kept *kept = &capture->kept[n];
        uint32_t page = (pa - kept->memory.base) / MEMORY_PAGE;
        if (kept->memory.watched && pa >= kept->memory.base && page < kept->pages)
            keep(kept, page);
    }
}

/* Memory whose writes nobody announces: all that is in it is copied now. */
static void keep_page(void *opaque, uint32_t page, const uint8_t *data)
{
    Kept *kept = opaque;
    kept->page[page] = memcpy(checked(malloc(MEMORY_PAGE)), data, MEMORY_PAGE);
}

static void keep_all(Kept *kept)
{
    memory_pages(&kept->memory, keep_page, kept);
    for (uint32_t page = 0; page < kept->pages; page++)
        atomic_init(&kept->state[page], KEPT);
}

Capture *capture_begin(Machine *machine)
{
    Capture *capture = checked(calloc(1, sizeof *capture));
    capture->machine = machine;
    bus_await(machine->bus);
    for (MachineMemory memory; machine_memory(machine, capture->count, &memory); capture->count++) {
        Kept *kept = &capture->kept[capture->count];
        kept->memory = memory;
        kept->pages = (uint32_t)(memory.size / MEMORY_PAGE);
        kept->state = checked(calloc(kept->pages, sizeof *kept->state));
        kept->page = checked(calloc(kept->pages, sizeof *kept->page));
        if (memory.watched)
            watches_guard_all(bus_watches(machine->bus), memory.base, memory.size);
        else
            keep_all(kept);
    }
    for (unsigned n = 0; n < machine->options.cpus; n++)
        mmu_protect_all(machine->cpu[n]);
    watches_before_write(bus_watches(machine->bus), before_write, capture);
    return capture;
}

void capture_end(Capture *capture)
{
    if (!capture)
        return;
    watches_not_before_write(bus_watches(capture->machine->bus), before_write, capture);
    for (unsigned n = 0; n < capture->count; n++) {
        Kept *kept = &capture->kept[n];
        for (uint32_t page = 0; page < kept->pages; page++)
            free(kept->page[page]);
        free(kept->page);
        free(kept->state);
    }
    free(capture);
}

static bool take_copy(Kept *kept, uint32_t page, uint8_t *copy)
{
    uint8_t *from = kept->page[page];
    kept->page[page] = NULL;
    if (!from)
        return false;
    memcpy(copy, from, MEMORY_PAGE);
    free(from);
    return true;
}

bool capture_page(Capture *capture, unsigned memory, uint32_t page, uint8_t *copy)
{
    Kept *kept = &capture->kept[memory];
    unsigned char state = WAITS;
    if (atomic_compare_exchange_strong(&kept->state[page], &state, BEING_COPIED)) {
        const uint8_t *from = kept->memory.host + (size_t)page * MEMORY_PAGE;
        bool filled = memory_is_filled(from, kept->memory.fill);
        if (!filled)
            memcpy(copy, from, MEMORY_PAGE);
        atomic_store_explicit(&kept->state[page], TAKEN, memory_order_release);
        return !filled;
    }
    while (atomic_load_explicit(&kept->state[page], memory_order_acquire) == BEING_COPIED)
        sched_yield();
    assert(atomic_load(&kept->state[page]) == KEPT);
    return take_copy(kept, page, copy);
}

/* What else is in this memory than its own file has. */
static const BusLazy *lazy_of(const Capture *capture, unsigned memory)
{
    const BusLazy *lazy = bus_lazy(capture->machine->bus);
    return lazy && lazy->host == capture->kept[memory].memory.host ? lazy : NULL;
}

bool capture_fetch(Capture *capture, unsigned memory, uint32_t page, Error *err)
{
    const BusLazy *lazy = lazy_of(capture, memory);
    return !lazy || lazy->fetch(lazy->opaque, page) ||
           error_set(err, "the file that its memory was loaded from is damaged");
}

bool capture_next_data(Capture *capture, unsigned memory, uint64_t *from, uint64_t *to)
{
    const BusLazy *lazy = lazy_of(capture, memory);
    uint64_t other = *from, end;
    bool own = memory_next_data(&capture->kept[memory].memory, from, to);
    if (!lazy || !lazy->next(lazy->opaque, &other, &end))
        return own;
    if (own && *from <= other) {
        *to = *to > other && *from < other ? other : *to;
        return true;
    }
    *to = own && *from < end ? *from : end;
    *from = other;
    return true;
}
