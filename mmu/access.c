/* Loads and stores that miss the fast path, instruction fetch, exclusive monitors.
 *
 * An access is translated first (both pages of one that crosses a page boundary), then performed; so nothing
 * is written when a part of it faults. All external aborts are synchronous and precise, also those of stores,
 * which the hardware may report late. */
#include <string.h>

#include "cpu/store_log.h"
#include "mmu/translate.h"

enum { EXCLUSIVE_GRANULE = 32 };

/* ---- Physical accesses ------------------------------------------------------------------------------ */

/* One piece of an access: it lies in one page. */
typedef struct Piece {
    uint32_t pa;
    uint8_t size;
    BusAccess bus;
} Piece;

/* The largest transaction that a device is asked for at once: naturally aligned, 4 bytes at most. */
static unsigned transaction_size(uint32_t pa, unsigned size)
{
    unsigned n = 4;
    while (n > size || pa & (n - 1))
        n >>= 1;
    return n;
}

static uint8_t *direct_host(const Cpu *cpu, uint32_t pa, unsigned size, bool write)
{
    const Region *region = bus_find(cpu->bus, pa);
    if (!region || !region->direct || (write && region->kind != REGION_RAM) ||
        (uint64_t)pa + size > region->base + region->size)
        return NULL;
    return region->host + (pa - region->base);
}

/* Constant sizes make each copy one host access, so that it is single-copy atomic when aligned. */
static uint64_t host_load(const uint8_t *host, unsigned size)
{
    uint64_t value = 0;
    switch (size) {
    case 1:
        memcpy(&value, host, 1);
        break;
    case 2:
        memcpy(&value, host, 2);
        break;
    case 4:
        memcpy(&value, host, 4);
        break;
    case 8:
        memcpy(&value, host, 8);
        break;
    default:
        memcpy(&value, host, size);
        break;
    }
    return value;
}

static void host_store(uint8_t *host, uint64_t value, unsigned size)
{
    switch (size) {
    case 1:
        memcpy(host, &value, 1);
        break;
    case 2:
        memcpy(host, &value, 2);
        break;
    case 4:
        memcpy(host, &value, 4);
        break;
    case 8:
        memcpy(host, &value, 8);
        break;
    default:
        memcpy(host, &value, size);
        break;
    }
}

static BusResult read_piece(const Cpu *cpu, const Piece *piece, uint64_t *value)
{
    const uint8_t *host = direct_host(cpu, piece->pa, piece->size, false);
    if (host) {
        *value = host_load(host, piece->size);
        return BUS_OK;
    }
    *value = 0;
    if (cpu->stores)
        cpu->stores->final = true;
    BusAccess access = piece->bus;
    for (unsigned done = 0; done < piece->size; done += access.size) {
        uint32_t part = 0;
        access.size = (uint8_t)transaction_size(piece->pa + done, piece->size - done);
        BusResult result = bus_read(cpu->bus, piece->pa + done, &access, &part);
        if (result != BUS_OK)
            return result;
        uint32_t mask = UINT32_MAX >> (32 - 8 * access.size);
        *value |= (uint64_t)(part & mask) << (8 * done);
    }
    return BUS_OK;
}

static BusResult write_piece(const Cpu *cpu, const Piece *piece, uint64_t value)
{
    uint8_t *host = direct_host(cpu, piece->pa, piece->size, true);
    if (host) {
        if (cpu->stores)
            store_log_add(cpu->stores, host, piece->size);
        if (has_code(cpu, piece->pa))
            code_cache_written(cpu->code, piece->pa, piece->size);
        watches_written(bus_watches(cpu->bus), piece->pa, piece->size);
        host_store(host, value, piece->size);
        return BUS_OK;
    }
    if (cpu->stores)
        cpu->stores->final = true;
    BusAccess access = piece->bus;
    for (unsigned done = 0; done < piece->size; done += access.size) {
        access.size = (uint8_t)transaction_size(piece->pa + done, piece->size - done);
        uint32_t mask = UINT32_MAX >> (32 - 8 * access.size);
        BusResult result =
            bus_write(cpu->bus, piece->pa + done, &access, (uint32_t)(value >> (8 * done)) & mask);
        if (result != BUS_OK)
            return result;
    }
    return BUS_OK;
}

/* ---- Watchpoints ------------------------------------------------------------------------------------ */

/* The access was made: the CPU stops after its instruction if somebody waits for that. */
static void note_access(Cpu *cpu, uint32_t va, unsigned op, AccessKind kind)
{
    if (!cpu->watchpoints || cpu->watch_hit.hit)
        return;
    bool write = kind == ACCESS_WRITE;
    const Watchpoint *at =
        watchpoints_find(cpu->watchpoints, va, op & MEM_SIZE, write ? WATCH_WRITE : WATCH_READ);
    if (!at)
        return;
    cpu->watch_hit = (WatchHit){true, write, va, cpu_insn_address(cpu), *at};
    cpu->stopped = true;
    cpu->leave |= LEAVE_CHECK;
    cpu->icount_limit = cpu->icount;
}

/* ---- Accesses by instructions ----------------------------------------------------------------------- */

/* An access after translation: one piece, or two if it crosses a page boundary. */
typedef struct Access {
    Piece piece[2];
    unsigned pieces;
} Access;

static bool take_abort(Cpu *cpu, const Fault *fault)
{
    exception_data_abort(cpu, fault);
    return false;
}

static bool privileged_access(const Cpu *cpu, unsigned op)
{
    return cpu_privileged(cpu) && !(op & MEM_UNPRIV);
}

/* Alignment that the instruction demands or that SCTLR.A demands of it. */
static uint32_t required_alignment(Cpu *cpu, unsigned op)
{
    uint32_t size = op & MEM_SIZE;
    uint32_t explicit_alignment = 1u << (op >> MEM_ALIGN_SHIFT & 15);
    if (op & MEM_ALIGN_SIZE)
        return size;
    if (op & MEM_ALIGN_4)
        return 4;
    if (explicit_alignment > 1)
        return explicit_alignment;
    return cp15_bank(cpu)->sctlr & SCTLR_A ? size : 1;
}

/* Alignment below which memory that is not Normal cannot be accessed. */
static uint32_t device_alignment(unsigned op)
{
    uint32_t size = op & MEM_SIZE;
    return op & MEM_ALIGN_4 && size > 4 ? 4 : size;
}

static bool check_alignment(Cpu *cpu, uint32_t va, AccessKind kind, uint32_t alignment)
{
    if (!(va & (alignment - 1)))
        return true;
    Fault fault = {.kind = FAULT_ALIGNMENT, .va = va, .write = kind == ACCESS_WRITE};
    return take_abort(cpu, &fault);
}

static bool add_piece(Cpu *cpu, Access *access, uint32_t va, unsigned size, AccessKind kind, unsigned op)
{
    bool privileged = privileged_access(cpu, op);
    Fault fault;
    const TlbEntry *entry = tlb_translate(cpu, va, kind, privileged, &fault);
    if (!entry)
        return take_abort(cpu, &fault);
    if (entry->type != MEM_NORMAL &&
        !check_alignment(cpu, va, kind, access->pieces ? 1 : device_alignment(op)))
        return false;
    access->piece[access->pieces++] = (Piece){
        .pa = entry->pa_page | (va & ~PAGE_MASK),
        .size = (uint8_t)size,
        .bus = {4, (uint8_t)cpu->number, !entry->ns, privileged},
    };
    return true;
}

/* Translates the access and makes all checks; false if it took an abort. */
static bool prepare(Cpu *cpu, Access *access, uint32_t va, AccessKind kind, unsigned op)
{
    unsigned size = op & MEM_SIZE;
    unsigned in_page = PAGE_SIZE - (va & ~PAGE_MASK);
    access->pieces = 0;
    if (!check_alignment(cpu, va, kind, required_alignment(cpu, op)))
        return false;
    if (va & (size - 1))
        count_event(cpu, PMU_UNALIGNED);
    if (size <= in_page)
        return add_piece(cpu, access, va, size, kind, op);
    return add_piece(cpu, access, va, in_page, kind, op) &&
           add_piece(cpu, access, va + in_page, size - in_page, kind, op);
}

static bool external_abort(Cpu *cpu, const Access *access, unsigned piece, uint32_t va, AccessKind kind,
                           BusResult result)
{
    Fault fault = {.va = piece ? va + access->piece[0].size : va, .write = kind == ACCESS_WRITE};
    fault_external(&fault, FAULT_EXTERNAL, result);
    fault_log_external(cpu, access->piece[piece].pa, result, kind == ACCESS_WRITE ? "store" : "load");
    return take_abort(cpu, &fault);
}

static bool perform_read(Cpu *cpu, const Access *access, uint32_t va, uint64_t *value)
{
    *value = 0;
    for (unsigned n = 0, shift = 0; n < access->pieces; shift += 8 * access->piece[n++].size) {
        uint64_t part;
        BusResult result = read_piece(cpu, &access->piece[n], &part);
        if (result != BUS_OK)
            return external_abort(cpu, access, n, va, ACCESS_READ, result);
        *value |= part << shift;
    }
    return true;
}

static bool perform_write(Cpu *cpu, const Access *access, uint32_t va, uint64_t value)
{
    for (unsigned n = 0; n < access->pieces; n++) {
        BusResult result = write_piece(cpu, &access->piece[n], value);
        if (result != BUS_OK)
            return external_abort(cpu, access, n, va, ACCESS_WRITE, result);
        value >>= 8 * access->piece[n].size & 63;
    }
    return true;
}

/* Big-endian data: the bytes of the access in reverse. */
static uint64_t swap(const Cpu *cpu, uint64_t value, unsigned op)
{
    if (!cpu->e || op & MEM_NO_SWAP)
        return value;
    return __builtin_bswap64(value) >> (64 - 8 * (op & MEM_SIZE));
}

/* Host memory of an access whose page's tag matches and which no alignment rule forbids: what the inlined
 * fast path leaves over (unaligned and 64-bit accesses). NULL: take the slow path. */
static uint8_t *fast_host(Cpu *cpu, const TlbEntry *entry, uint32_t tag, uint32_t va, unsigned op)
{
    unsigned size = op & MEM_SIZE;
    if (tag != (va & PAGE_MASK) || op & MEM_UNPRIV || (va & ~PAGE_MASK) > PAGE_SIZE - size)
        return NULL;
    uint32_t alignment = required_alignment(cpu, op);
    if (entry->type != MEM_NORMAL && alignment < device_alignment(op))
        alignment = device_alignment(op);
    if (va & (alignment - 1))
        return NULL;
    if (va & (size - 1))
        count_event(cpu, PMU_UNALIGNED);
    if (!cpu->fast->read[va >> PAGE_BITS] && !cpu->fast->write[va >> PAGE_BITS])
        translate_add_fast(cpu, entry, va, cpu_privileged(cpu));
    return (uint8_t *)(entry->host + va);
}

/* ---- Devices: most accesses that come here ---- */

/* In a page that several share. */
static const Region *device_in_part(const Cpu *cpu, uint32_t pa, unsigned size)
{
    const Region *region = bus_find(cpu->bus, pa);
    bool answers = region && region->ops && !region->direct && size <= region->size - (pa - region->base);
    return answers && !cpu->watchpoints ? region : NULL;
}

/* The device that answers an access which is one transaction of its, and whose page is in the TLB with all
 * that must be known. NULL: take the slow path. */
static inline const Region *device_at(const Cpu *cpu, const TlbEntry *entry, uint32_t va, unsigned op,
                                      unsigned may)
{
    unsigned size = op & MEM_SIZE;
    bool plain = size <= 4 && !(op & ~(unsigned)(MEM_SIZE | MEM_ALIGN_SIZE | MEM_NO_SWAP));
    if (entry->page != (va & PAGE_MASK) || va & (size - 1) || !(plain || op == (MEM_32 | MEM_ALIGN_4)) ||
        cpu->stores)
        return NULL;
    if (entry->may & may << TLB_DEVICE)
        return entry->device;
    return entry->may & may ? device_in_part(cpu, entry->pa_page | (va & ~PAGE_MASK), size) : NULL;
}

static inline BusAccess device_access(const Cpu *cpu, const TlbEntry *entry, unsigned op)
{
    return (BusAccess){op & MEM_SIZE, (uint8_t)cpu->number, !entry->ns, cpu_privileged(cpu)};
}

static void device_abort(Cpu *cpu, uint32_t pa, uint32_t va, AccessKind kind, BusResult result)
{
    Access access = {.piece = {{.pa = pa}}, .pieces = 1};
    external_abort(cpu, &access, 0, va, kind, result);
}

static uint32_t device_load(Cpu *cpu, const Region *region, const TlbEntry *entry, uint32_t va, unsigned op)
{
    BusAccess access = device_access(cpu, entry, op);
    uint32_t value = 0, pa = entry->pa_page | (va & ~PAGE_MASK);
    BusResult result = region->ops->read(region->opaque, pa - region->base, &access, &value);
    if (__builtin_expect(result != BUS_OK, 0)) {
        device_abort(cpu, pa, va, ACCESS_READ, result);
        return 0;
    }
    return value & UINT32_MAX >> (32 - 8 * access.size);
}

static void device_store(Cpu *cpu, const Region *region, const TlbEntry *entry, uint32_t va, uint64_t value,
                         unsigned op)
{
    BusAccess access = device_access(cpu, entry, op);
    uint32_t pa = entry->pa_page | (va & ~PAGE_MASK), mask = UINT32_MAX >> (32 - 8 * access.size);
    BusResult result = region->ops->write(region->opaque, pa - region->base, &access, (uint32_t)value & mask);
    if (__builtin_expect(result != BUS_OK, 0))
        device_abort(cpu, pa, va, ACCESS_WRITE, result);
}

uint64_t mmu_load(Cpu *cpu, uint32_t va, unsigned op)
{
    const TlbEntry *entry = tlb_entry(cpu->tlb, va);
    const uint8_t *host = fast_host(cpu, entry, entry->read, va, op);
    if (host)
        return host_load(host, op & MEM_SIZE);
    const Region *device = device_at(cpu, entry, va, op, TLB_MAY_READ);
    if (device)
        return swap(cpu, device_load(cpu, device, entry, va, op), op);
    Access access;
    uint64_t value;
    if (!prepare(cpu, &access, va, ACCESS_READ, op) || !perform_read(cpu, &access, va, &value))
        return 0;
    note_access(cpu, va, op, ACCESS_READ);
    return swap(cpu, value, op);
}

/* Once its code was dropped, a page may be written directly again. */
static void retag(Cpu *cpu, uint32_t va, unsigned op)
{
    bool privileged = privileged_access(cpu, op);
    TlbEntry *entry = tlb_entry(tlb_table(cpu->mmu, privileged), va);
    if (entry->page == (va & PAGE_MASK) && entry->write == TLB_NO_MATCH)
        tlb_set_tags(cpu, entry, va, privileged);
}

void mmu_store(Cpu *cpu, uint32_t va, uint64_t value, unsigned op)
{
    const TlbEntry *entry = tlb_entry(cpu->tlb, va);
    uint8_t *host = fast_host(cpu, entry, entry->write, va, op);
    if (host) {
        host_store(host, value, op & MEM_SIZE);
        return;
    }
    const Region *device = device_at(cpu, entry, va, op, TLB_MAY_WRITE);
    if (device) {
        device_store(cpu, device, entry, va, swap(cpu, value, op), op);
        return;
    }
    Access access;
    if (!prepare(cpu, &access, va, ACCESS_WRITE, op) ||
        !perform_write(cpu, &access, va, swap(cpu, value, op)))
        return;
    retag(cpu, va, op);
    note_access(cpu, va, op, ACCESS_WRITE);
}

bool mmu_probe(Cpu *cpu, uint32_t va, uint32_t size, AccessKind kind, unsigned op)
{
    if (!check_alignment(cpu, va, kind, required_alignment(cpu, op | ((op & MEM_SIZE) ? 0 : MEM_8))))
        return false;
    for (uint64_t done = 0; done < size;) {
        Access access = {.pieces = 0};
        uint32_t at = va + (uint32_t)done;
        if (!add_piece(cpu, &access, at, 1, kind, (op & ~(unsigned)MEM_SIZE) | MEM_8))
            return false;
        done += PAGE_SIZE - (at & ~PAGE_MASK);
    }
    return true;
}

/* ---- Exclusive monitors ----------------------------------------------------------------------------- */

uint64_t mmu_load_exclusive(Cpu *cpu, uint32_t va, unsigned op)
{
    Access access;
    uint64_t value;
    op |= MEM_ALIGN_SIZE;
    if (!prepare(cpu, &access, va, ACCESS_READ, op) || !perform_read(cpu, &access, va, &value))
        return 0;
    note_access(cpu, va, op, ACCESS_READ);
    cpu->exclusive_valid = true;
    cpu->exclusive_size = op & MEM_SIZE;
    cpu->exclusive_pa = access.piece[0].pa;
    return swap(cpu, value, op);
}

/* The other CPUs lose their reservations of what was just written. */
static void clear_peers(const Cpu *cpu, uint32_t pa)
{
    for (unsigned n = 0; cpu->peers && n < cpu->cpus; n++) {
        Cpu *peer = cpu->peers[n];
        if (peer && peer != cpu && (peer->exclusive_pa ^ pa) < EXCLUSIVE_GRANULE)
            peer->exclusive_valid = false;
    }
}

uint32_t mmu_store_exclusive(Cpu *cpu, uint32_t va, uint64_t value, unsigned op)
{
    Access access;
    op |= MEM_ALIGN_SIZE;
    if (!prepare(cpu, &access, va, ACCESS_WRITE, op))
        return 1;
    uint32_t pa = access.piece[0].pa;
    bool pass = cpu->exclusive_valid && cpu->exclusive_pa == pa && cpu->exclusive_size == (op & MEM_SIZE);
    cpu->exclusive_valid = false;
    if (!pass || !perform_write(cpu, &access, va, swap(cpu, value, op)))
        return 1;
    clear_peers(cpu, pa);
    retag(cpu, va, op);
    note_access(cpu, va, op, ACCESS_WRITE);
    return 0;
}

void mmu_clear_exclusive(Cpu *cpu)
{
    cpu->exclusive_valid = false;
}

/* ---- Instruction fetch ------------------------------------------------------------------------------ */

static bool take_prefetch_abort(Cpu *cpu, const Fault *fault)
{
    exception_prefetch_abort(cpu, fault);
    return false;
}

static bool fetch_external_abort(Cpu *cpu, uint32_t va, uint32_t pa, BusResult result)
{
    Fault fault = {.va = va};
    fault_external(&fault, FAULT_EXTERNAL, result);
    fault_log_external(cpu, pa, result, "instruction fetch");
    return take_prefetch_abort(cpu, &fault);
}

static const TlbEntry *translate_fetch(Cpu *cpu, uint32_t va, uint32_t *pa)
{
    Fault fault;
    const TlbEntry *entry = tlb_translate(cpu, va, ACCESS_FETCH, cpu_privileged(cpu), &fault);
    if (!entry) {
        take_prefetch_abort(cpu, &fault);
        return NULL;
    }
    *pa = entry->pa_page | (va & ~PAGE_MASK);
    return entry;
}

bool mmu_fetch_page(Cpu *cpu, uint32_t va, uint32_t *pa, const uint8_t **host_page)
{
    const TlbEntry *entry = translate_fetch(cpu, va, pa);
    if (!entry)
        return false;
    *host_page = NULL;
    if (entry->fetch == (va & PAGE_MASK))
        *host_page = (const uint8_t *)(entry->host + (va & PAGE_MASK));
    else if (!bus_find(cpu->bus, *pa))
        return fetch_external_abort(cpu, va, *pa, BUS_DECODE_ERROR);
    return true;
}

bool mmu_fetch_halfword(Cpu *cpu, uint32_t va, uint16_t *value)
{
    uint32_t pa;
    const TlbEntry *entry = translate_fetch(cpu, va, &pa);
    if (!entry)
        return false;
    uint64_t halfword;
    Piece piece = {
        pa, 2, {2, (uint8_t)cpu->number, !entry->ns, cpu_privileged(cpu)}
    };
    BusResult result = read_piece(cpu, &piece, &halfword);
    if (result != BUS_OK)
        return fetch_external_abort(cpu, va, pa, result);
    *value = (uint16_t)halfword;
    return true;
}
