#include "machine/bus.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BUS_PAGE_BITS = 12, BUS_PAGES = 1 << 20, MAX_REGIONS = 256 };
enum { PAGE_EMPTY = 0, PAGE_MIXED = 0xffff }; /* otherwise region number + 1 */

/* What bus_defer() announced; wait is NULL when there is nothing to wait for. */
typedef struct Deferred {
    uintptr_t host;
    uint64_t size;
    void (*wait)(void *opaque);
    void *opaque;
} Deferred;

struct Bus {
    Log *log;
    Watches *watches;
    Deferred *deferred;
    BusLazy lazy;                /* opaque NULL: there is none */
    Region *region[MAX_REGIONS]; /* NULL = free slot */
    Region *part[MAX_REGIONS];   /* those that do not fill their pages */
    unsigned parts;
    uint16_t page[BUS_PAGES]; /* what covers each 4 KiB page */
    void (*changed)(void *opaque, uint32_t base, uint64_t size);
    void *changed_opaque;
    void (*written)(void *opaque, uint32_t pa, uint32_t size);
    void *written_opaque;
    bool (*discard)(void *opaque, uint8_t *host, uint64_t size);
    void *discard_opaque;
};

Bus *bus_new(Log *log)
{
    Bus *bus = calloc(1, sizeof *bus);
    if (!bus)
        abort();
    bus->log = log;
    bus->watches = watches_new();
    bus->deferred = calloc(1, sizeof *bus->deferred);
    if (!bus->deferred)
        abort();
    return bus;
}

void bus_free(Bus *bus)
{
    if (!bus)
        return;
    bus_await(bus);
    bus_set_lazy(bus, NULL);
    free(bus->deferred);
    watches_free(bus->watches);
    for (unsigned n = 0; n < MAX_REGIONS; n++)
        free(bus->region[n]);
    free(bus);
}

static uint64_t region_end(const Region *region)
{
    return region->base + region->size;
}

static bool overlaps(const Region *region, uint64_t base, uint64_t end)
{
    return region->base < end && base < region_end(region);
}

/* What covers a page that no region fills: nothing, or parts of regions. */
static uint16_t partial_page(const Bus *bus, uint64_t start)
{
    for (unsigned n = 0; n < MAX_REGIONS; n++)
        if (bus->region[n] && overlaps(bus->region[n], start, start + (1u << BUS_PAGE_BITS)))
            return PAGE_MIXED;
    return PAGE_EMPTY;
}

/* Brings the page map up to date after region came or went; whole is the entry for the pages that it fills.
 */
static void map_pages(Bus *bus, const Region *region, uint16_t whole)
{
    uint64_t end = region_end(region);
    for (uint64_t page = region->base >> BUS_PAGE_BITS; page << BUS_PAGE_BITS < end; page++) {
        uint64_t start = page << BUS_PAGE_BITS, stop = start + (1u << BUS_PAGE_BITS);
        bool filled = region->base <= start && end >= stop;
        bus->page[page] = filled ? whole : partial_page(bus, start);
    }
}

static void list_parts(Bus *bus)
{
    uint64_t in_page = (1u << BUS_PAGE_BITS) - 1;
    bus->parts = 0;
    for (unsigned n = 0; n < MAX_REGIONS; n++)
        if (bus->region[n] && (bus->region[n]->base | bus->region[n]->size) & in_page)
            bus->part[bus->parts++] = bus->region[n];
}

static void notify_change(Bus *bus, const Region *region)
{
    if (!bus->changed)
        return;
    bus->changed(bus->changed_opaque, region->base, region->size);
    if (region->home != region->base)
        bus->changed(bus->changed_opaque, region->home, region->size);
}

static uint32_t find_home(const Bus *bus, const Region *region)
{
    for (unsigned n = 0; region->host && n < MAX_REGIONS; n++)
        if (bus->region[n] && bus->region[n]->host == region->host)
            return bus->region[n]->home;
    return region->base;
}

static uint32_t home_address(const Region *region, uint32_t pa)
{
    return pa - region->base + region->home;
}

Region *bus_add(Bus *bus, const Region *region)
{
    assert(region->size && region_end(region) <= (uint64_t)1 << 32);
    unsigned slot = MAX_REGIONS;
    for (unsigned n = MAX_REGIONS; n-- > 0;) {
        if (!bus->region[n])
            slot = n;
        else
            assert(!overlaps(bus->region[n], region->base, region_end(region)) && "bus regions overlap");
    }
    assert(slot < MAX_REGIONS);
    Region *copy = malloc(sizeof *copy);
    if (!copy)
        abort();
    *copy = *region;
    copy->home = find_home(bus, region);
    if (copy->kind == REGION_RAM || copy->kind == REGION_ROM)
        copy->direct = true;
    bus->region[slot] = copy;
    map_pages(bus, copy, (uint16_t)(slot + 1));
    list_parts(bus);
    notify_change(bus, copy);
    return copy;
}

void bus_remove(Bus *bus, Region *region)
{
    for (unsigned n = 0; n < MAX_REGIONS; n++) {
        if (bus->region[n] != region)
            continue;
        bus->region[n] = NULL;
        map_pages(bus, region, PAGE_EMPTY);
        list_parts(bus);
        notify_change(bus, region);
        free(region);
        return;
    }
    assert(!"region is not on this bus");
}

void bus_defer(Bus *bus, const uint8_t *host, uint64_t size, void (*wait)(void *opaque), void *opaque)
{
    bus_await(bus);
    *bus->deferred = (Deferred){(uintptr_t)host, size, wait, opaque};
}

void bus_await(Bus *bus)
{
    Deferred deferred = *bus->deferred;
    *bus->deferred = (Deferred){0};
    if (deferred.wait)
        deferred.wait(deferred.opaque);
}

void bus_set_lazy(Bus *bus, const BusLazy *lazy)
{
    BusLazy before = bus->lazy;
    bus->lazy = lazy ? *lazy : (BusLazy){0};
    if (before.opaque)
        before.release(before.opaque);
}

const BusLazy *bus_lazy(const Bus *bus)
{
    return bus->lazy.opaque ? &bus->lazy : NULL;
}

bool bus_look_after_lazy(Bus *bus)
{
    const BusLazy *lazy = bus_lazy(bus);
    if (lazy && lazy->wanted(lazy->opaque))
        lazy->settle(lazy->opaque);
    return lazy;
}

void bus_settle(Bus *bus)
{
    bus_await(bus);
    if (bus->lazy.opaque)
        bus->lazy.settle(bus->lazy.opaque);
}

static bool fetch_pages(const BusLazy *lazy, uint64_t first, uint64_t last)
{
    for (uint64_t n = first >> BUS_PAGE_BITS; n <= last >> BUS_PAGE_BITS; n++) {
        bool away = atomic_load_explicit(&lazy->away[n / 64], memory_order_acquire) >> n % 64 & 1;
        if (!away || lazy->fetch(lazy->opaque, (uint32_t)n))
            continue;
        lazy->failed(lazy->opaque, (uint32_t)n);
        return false;
    }
    return true;
}

/* What is found at pa may be used up to the end of its page, and through bus_host() for `size` bytes. False:
 * it cannot be had. */
static bool settle_near(const Bus *bus, const Region *region, uint32_t pa, uint64_t size)
{
    const Deferred *deferred = bus->deferred;
    const BusLazy *lazy = &bus->lazy;
    if ((!deferred->wait && !lazy->opaque) || !region || !region->host)
        return true;
    uint64_t in_page = (1u << BUS_PAGE_BITS) - 1;
    uintptr_t at = (uintptr_t)region->host + (pa - region->base);
    uintptr_t first = at & ~in_page, last = (at + (size ? size - 1 : 0)) | in_page;
    if (deferred->wait && first < deferred->host + deferred->size && deferred->host <= last)
        bus_await((Bus *)bus);
    uintptr_t start = (uintptr_t)lazy->host;
    return !lazy->opaque || first < start || last - start >= lazy->size ||
           fetch_pages(lazy, first - start, last - start);
}

Region *bus_find(const Bus *bus, uint32_t pa)
{
    uint16_t what = bus->page[pa >> BUS_PAGE_BITS];
    if (what != PAGE_MIXED) {
        Region *region = what ? bus->region[what - 1] : NULL;
        return settle_near(bus, region, pa, 0) ? region : NULL;
    }
    for (unsigned n = 0; n < bus->parts; n++)
        if (pa >= bus->part[n]->base && pa - bus->part[n]->base < bus->part[n]->size)
            return bus->part[n];
    return NULL;
}

uint32_t bus_home(const Bus *bus, uint32_t pa)
{
    const Region *region = bus_find(bus, pa);
    return region ? home_address(region, pa) : pa;
}

bool bus_page_uniform(const Bus *bus, uint32_t pa)
{
    return bus->page[pa >> BUS_PAGE_BITS] != PAGE_MIXED;
}

void bus_on_change(Bus *bus, void (*changed)(void *opaque, uint32_t base, uint64_t size), void *opaque)
{
    bus->changed = changed;
    bus->changed_opaque = opaque;
}

void bus_region_changed(Bus *bus, Region *region)
{
    notify_change(bus, region);
}

void bus_on_write(Bus *bus, void (*written)(void *opaque, uint32_t pa, uint32_t size), void *opaque)
{
    bus->written = written;
    bus->written_opaque = opaque;
}

Watches *bus_watches(const Bus *bus)
{
    return bus->watches;
}

/* Tells everybody who keeps something by what is in memory. */
static void note_write(Bus *bus, const Region *region, uint32_t pa, uint32_t size)
{
    uint32_t home = home_address(region, pa);
    watches_written(bus->watches, home, size);
    if (bus->written)
        bus->written(bus->written_opaque, home, size);
}

static uint32_t host_read(const uint8_t *host, unsigned size)
{
    uint32_t value = 0;
    memcpy(&value, host, size);
    return value;
}

void bus_host_changed(Bus *bus, const uint8_t *host, uint64_t size)
{
    for (unsigned n = 0; n < MAX_REGIONS; n++) {
        const Region *region = bus->region[n];
        if (region && region->host >= host && region->host < host + size && region->home == region->base)
            watches_written(bus->watches, region->base, (uint32_t)region->size);
    }
}

/* An access never reaches past its region, wherever the region ends. */
static bool inside(const Region *region, uint32_t pa, unsigned size)
{
    return (uint64_t)pa + size <= region_end(region);
}

BusResult bus_read(Bus *bus, uint32_t pa, const BusAccess *access, uint32_t *value)
{
    const Region *region = bus_find(bus, pa);
    if (!region || !inside(region, pa, access->size))
        return BUS_DECODE_ERROR;
    if (region->direct) {
        *value = host_read(region->host + (pa - region->base), access->size);
        return BUS_OK;
    }
    return region->ops->read(region->opaque, pa - region->base, access, value);
}

BusResult bus_write(Bus *bus, uint32_t pa, const BusAccess *access, uint32_t value)
{
    const Region *region = bus_find(bus, pa);
    if (!region || !inside(region, pa, access->size))
        return BUS_DECODE_ERROR;
    switch (region->kind) {
    case REGION_RAM:
        note_write(bus, region, pa, access->size);
        memcpy(region->host + (pa - region->base), &value, access->size);
        return BUS_OK;
    case REGION_ROM:
        log_line(bus->log, LOG_GUEST, region->name, "write of 0x%08x to read-only memory at 0x%08x", value,
                 pa);
        return BUS_OK;
    default:
        return region->ops->write(region->opaque, pa - region->base, access, value);
    }
}

/* Walks [pa, pa+size) region by region. */
static bool transfer(Bus *bus, uint32_t pa, uint8_t *data, uint64_t size, bool write, bool to_rom)
{
    while (size) {
        const Region *region = bus_find(bus, pa);
        if (!region || region->kind == REGION_MMIO || !region->host)
            return false;
        if (write && region->kind != REGION_RAM && !to_rom)
            return false;
        uint64_t part = region_end(region) - pa;
        if (part > size)
            part = size;
        uint8_t *host = region->host + (pa - region->base);
        if (!settle_near(bus, region, pa, part))
            return false;
        if (write) {
            note_write(bus, region, pa, (uint32_t)part);
            memcpy(host, data, part);
        } else {
            memcpy(data, host, part);
        }
        data += part;
        size -= part;
        pa += (uint32_t)part;
        if (size && pa == 0)
            return false;
    }
    return true;
}

void bus_on_discard(Bus *bus, bool (*discard)(void *opaque, uint8_t *host, uint64_t size), void *opaque)
{
    bus->discard = discard;
    bus->discard_opaque = opaque;
}

bool bus_discard(Bus *bus, uint32_t pa, uint64_t size)
{
    for (uint64_t part; size; pa += (uint32_t)part, size -= part) {
        const Region *region = bus_find(bus, pa);
        if (!region || region->kind != REGION_RAM)
            return false;
        part = region_end(region) - pa < size ? region_end(region) - pa : size;
        uint8_t *host = region->host + (pa - region->base);
        if (!settle_near(bus, region, pa, part))
            return false;
        note_write(bus, region, pa, (uint32_t)part);
        if (!bus->discard || !bus->discard(bus->discard_opaque, host, part))
            memset(host, 0, part);
    }
    return true;
}

bool bus_dma_read(Bus *bus, uint32_t pa, void *data, uint64_t size)
{
    return transfer(bus, pa, data, size, false, false);
}

bool bus_dma_write(Bus *bus, uint32_t pa, const void *data, uint64_t size)
{
    return transfer(bus, pa, (uint8_t *)data, size, true, false);
}

bool bus_load(Bus *bus, uint32_t pa, const void *data, uint64_t size)
{
    return transfer(bus, pa, (uint8_t *)data, size, true, true);
}

uint8_t *bus_host(const Bus *bus, uint32_t pa, uint64_t size)
{
    const Region *region = bus_find(bus, pa);
    if (!region || region->kind == REGION_MMIO || !region->host || pa + size > region_end(region))
        return NULL;
    if (!settle_near(bus, region, pa, size))
        return NULL;
    return region->host + (pa - region->base);
}
