/* The physical address space: what answers at which address.
 *
 * Regions never overlap. RAM and ROM have host memory behind them; MMIO regions call functions; a "ROM
 * device" (NOR flash in array mode) is read from host memory and written through functions. */
#ifndef ARMATURE_MACHINE_BUS_H
#define ARMATURE_MACHINE_BUS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/log.h"
#include "machine/watch.h"

typedef struct Bus Bus;

/* One transaction as the slave sees it. */
typedef struct BusAccess {
    uint8_t size; /* bytes: 1, 2 or 4, naturally aligned */
    uint8_t cpu;  /* which CPU asks; BUS_DMA for other masters */
    bool secure;  /* the AXI NS bit is clear */
    bool privileged;
} BusAccess;

enum { BUS_DMA = 0xff };

typedef enum BusResult {
    BUS_OK,
    BUS_DECODE_ERROR, /* nothing answers at the address: an external abort, decode error */
    BUS_SLAVE_ERROR   /* the slave refused: an external abort, slave error */
} BusResult;

typedef struct MmioOps {
    BusResult (*read)(void *opaque, uint32_t offset, const BusAccess *access, uint32_t *value);
    BusResult (*write)(void *opaque, uint32_t offset, const BusAccess *access, uint32_t value);
} MmioOps;

typedef enum RegionKind { REGION_RAM, REGION_ROM, REGION_MMIO, REGION_ROM_DEVICE } RegionKind;

typedef struct Region {
    const char *name; /* not owned */
    uint32_t base;
    uint64_t size; /* bytes; base + size <= 2^32 */
    RegionKind kind;
    uint8_t *host;      /* RAM, ROM, ROM_DEVICE; page-aligned where base is */
    const MmioOps *ops; /* MMIO, ROM_DEVICE */
    void *opaque;
    bool direct;   /* reads may go straight to host (always for RAM and ROM; ROM_DEVICE: array mode) */
    uint32_t home; /* set by bus_add(): base of the first region with the same host memory */
} Region;

Bus *bus_new(Log *log);
void bus_free(Bus *bus);

/* Adds a region (copied). Overlaps are a programming error (assert). Aliases of RAM are regions with the same
 * host memory at another base. Returns the bus's own copy, valid until the region is removed. */
Region *bus_add(Bus *bus, const Region *region);
void bus_remove(Bus *bus, Region *region);

/* The region that answers at pa, NULL if none. */
Region *bus_find(const Bus *bus, uint32_t pa);

/* The one address that stands for memory which is at several: pa in the region that was there first. Whatever
 * is kept by physical address (decoded code, TLB entries, exclusive monitors) is kept by this one. */
uint32_t bus_home(const Bus *bus, uint32_t pa);

/* True if the whole 4 KiB page at pa lies in one region. */
bool bus_page_uniform(const Bus *bus, uint32_t pa);

/* Called whenever what answers at some address changed (region added, removed, ROM device switched mode), so
 * that TLBs and decoded code forget it. base and size give the range. */
void bus_on_change(Bus *bus, void (*changed)(void *opaque, uint32_t base, uint64_t size), void *opaque);

/* Tells the bus that region->direct changed. */
void bus_region_changed(Bus *bus, Region *region);

/* Called before host memory of a RAM page is written through bus_write()/bus_dma_write(), so that decoded
 * code in it is dropped. CPU stores that hit their TLB have taken care of it themselves. */
void bus_on_write(Bus *bus, void (*written)(void *opaque, uint32_t pa, uint32_t size), void *opaque);

/* Host memory [host, host + size) has other contents now: everything that is watched there counts as written.
 */
void bus_host_changed(Bus *bus, const uint8_t *host, uint64_t size);

/* What is watched for writes, by home addresses. Whoever writes host memory himself asks watches_guard(). */
Watches *bus_watches(const Bus *bus);

/* Host memory [host, host + size) behind some region is being filled by another thread: whoever looks there
 * first has `wait` called, once, which returns when it is done. One range at a time. */
void bus_defer(Bus *bus, const uint8_t *host, uint64_t size, void (*wait)(void *opaque), void *opaque);

/* Waits now for what bus_defer() announced, if anything is left to wait for. */
void bus_await(Bus *bus);

/* Memory whose pages come from elsewhere when somebody first looks at them, all below `host`. */
typedef struct BusLazy {
    uint8_t *host;
    uint64_t size;                    /* bytes: whole pages */
    const atomic_uint_fast64_t *away; /* one bit for each page: it is not there yet */
    /* Any thread: sees to it that page number n is there; false: it cannot be had. */
    bool (*fetch)(void *opaque, uint32_t n);
    /* Machine's thread: a CPU or device needs page n, which cannot be had. It finds nothing at its address.
     */
    void (*failed)(void *opaque, uint32_t n);
    /* Any thread: the next piece of whole pages, at *from or behind, that came from elsewhere, or will;
     * false: none. */
    bool (*next)(void *opaque, uint64_t *from, uint64_t *to);
    /* Machine's thread: makes it ordinary memory, with all pages there. */
    void (*settle)(void *opaque);
    bool (*wanted)(void *opaque); /* whether settle() should be called soon */
    void (*release)(void *opaque);
    void *opaque;
} BusLazy;

/* Takes over what there is (copied), and releases what there was; NULL: there is none any more. */
void bus_set_lazy(Bus *bus, const BusLazy *lazy);
/* NULL: there is none. */
const BusLazy *bus_lazy(const Bus *bus);

/* Machine's thread, while it does not run: does what is wanted. True: look again within some seconds. */
bool bus_look_after_lazy(Bus *bus);

/* Machine's thread: waits for what bus_defer() announced, and makes all memory ordinary memory, for those who
 * look at it past the bus. */
void bus_settle(Bus *bus);

/* One naturally aligned access of access->size bytes. Values are little-endian, in the low bits. Writes to
 * ROM are ignored and logged as guest errors. */
BusResult bus_read(Bus *bus, uint32_t pa, const BusAccess *access, uint32_t *value);
BusResult bus_write(Bus *bus, uint32_t pa, const BusAccess *access, uint32_t value);

/* Block transfers by bus masters and loaders: RAM and ROM only; false if part of the range is something else
 * (what lies before that part was transferred). With to_rom, ROM can be written (loaders). */
bool bus_dma_read(Bus *bus, uint32_t pa, void *data, uint64_t size);
bool bus_dma_write(Bus *bus, uint32_t pa, const void *data, uint64_t size);
bool bus_load(Bus *bus, uint32_t pa, const void *data, uint64_t size);

/* The contents of [pa, pa+size), RAM and whole 4 KiB pages, are not needed any more: it reads as zero from
 * now on, and discard() may give the host's memory back. False if part of the range is not RAM (what lies
 * before was discarded). */
bool bus_discard(Bus *bus, uint32_t pa, uint64_t size);

/* discard() makes [host, host + size) of RAM zero, and says true, or false: then it is filled with zeros
 * here. */
void bus_on_discard(Bus *bus, bool (*discard)(void *opaque, uint8_t *host, uint64_t size), void *opaque);

/* Host pointer to [pa, pa+size) if that is one piece of RAM or ROM, else NULL. */
uint8_t *bus_host(const Bus *bus, uint32_t pa, uint64_t size);

#endif
