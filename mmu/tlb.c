/* The software TLB: address spaces, their tables, and maintenance.
 *
 * An address space owns one table per privilege. Which space is current follows from a key (ASID, DACR,
 * security state, MMU on or off), so that a change of CONTEXTIDR or DACR only selects another pointer.
 * Kernels that use domains for privileged-access-never write DACR at every entry and exit: the space used
 * before the current one is tried first. Global entries are held once per space, and maintenance visits every
 * space. */
#define _GNU_SOURCE
#include "mmu/tlb.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu/cpu.h"

enum { SPACES = 24, WORLDS = 8, SCTLR_M = 1, SCTLR_A = 2, MEGABYTES = 4096, SUPERSECTIONS = 256 };

typedef struct Space {
    uint64_t key;
    uint64_t last_use;
    TlbTable *table[2]; /* by privilege, allocated when first used */
    bool used[2];       /* has entries */
    uint8_t asid;
    /* Where entries came from descriptors larger than a page: invalidating any address drops all of them. */
    bool has_large;
    uint32_t large[MEGABYTES / 32];
    uint32_t super[SUPERSECTIONS / 32];
} Space;

/* At which va pages of physical memory may be written directly: nowhere, at one page number, at several. */
enum { WRITER_NONE = 0, WRITER_PAGE = 1, WRITER_SEVERAL = -1 };

/* So many pages are entered in a FastTlb before it is emptied as a whole. */
enum { FILLED_MAX = 1 << 15 };

struct Mmu {
    Space *current, *previous;
    uint64_t uses;
    Space space[SPACES];
    int32_t *writer; /* per physical page: WRITER_NONE, WRITER_PAGE + page number of va, WRITER_SEVERAL */
    MmuCounts counts;
    uint32_t global[MEGABYTES /
                    32]; /* bit set: a global entry of this MiB was filled since the last flush of all */
    /* What global jumps depend on beside va: as the key of a space, without the ASID. */
    struct World {
        uint64_t key;
        uint32_t stamp[2]; /* by privilege, 0: needs a new one */
    } world[WORLDS];
    unsigned worlds;
    uint64_t world_pages[64]; /* bit set: a page with these low number bits is the target of a global jump */
    uint32_t world_large[MEGABYTES / 32]; /* targets in sections, by MiB */
    uint32_t last_stamp;
    TlbTable missing; /* never matches: big-endian data accesses always take the slow path */
};

#define KEY_NONE UINT64_MAX
#define KEY_ON ((uint64_t)1 << 9)
#define KEY_SECURE ((uint64_t)1 << 8)

static void empty(TlbEntry *entry)
{
    entry->read = entry->write = entry->fetch = entry->page = TLB_NO_MATCH;
    entry->may = 0;
}

/* Calls drop() for every entry of the table's jumps that may be in use. */
static void each_jump(TlbTable *table, void (*drop)(JumpEntry *jumps, unsigned n))
{
    for (unsigned n = 0; n < JUMP_ENTRIES; n++)
        drop(table->jumps, n);
    for (unsigned window = 0; table->windows >> window; window++)
        for (unsigned n = 0; table->windows >> window & 1 && n < JUMP_WINDOW; n++)
            drop(table->jumps, JUMP_ENTRIES + window * JUMP_WINDOW + n);
}

static void forget_jumps(TlbTable *table)
{
    if (!table->has_jumps)
        return;
    each_jump(table, jump_forget);
    table->windows = 0;
    memset(table->jump_pages, 0, sizeof table->jump_pages);
    table->has_jumps = false;
    table->stamp = 0;
}

static void empty_fast(TlbTable *table)
{
    FastTlb *fast = table->fast;
    if (table->filled_count == FILLED_MAX) {
        madvise(fast, sizeof *fast, MADV_DONTNEED);
    } else {
        for (unsigned n = 0; n < table->filled_count; n++)
            fast->read[table->filled[n] >> 1] = fast->write[table->filled[n] >> 1] = 0;
    }
    table->filled_count = 0;
}

static void empty_table(TlbTable *table)
{
    for (unsigned n = 0; n < TLB_SIZE; n++)
        empty(&table->entry[n]);
    empty_fast(table);
    forget_jumps(table);
    memset(table->occupied, 0, sizeof table->occupied);
}

static void occupy(TlbTable *table, uint32_t va)
{
    table->occupied[va >> 25] |= 1u << (va >> 20 & 31);
}

static void *new_memory(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        abort();
    return at;
}

/* The memory of a table, which is all zeros; most of it is never touched. */
static void init_table(TlbTable *table)
{
    table->fast = new_memory(sizeof *table->fast);
    table->jumps = new_memory(JUMP_ALL * sizeof *table->jumps);
    table->windows = 1; /* its first entry is no empty one as long as it is all zeros */
    table->filled = new_memory(FILLED_MAX * sizeof *table->filled);
    table->filled_count = 0;
    table->has_jumps = true;
    empty_table(table);
}

static void free_table(TlbTable *table)
{
    munmap(table->fast, sizeof *table->fast);
    munmap(table->jumps, JUMP_ALL * sizeof *table->jumps);
    munmap(table->filled, FILLED_MAX * sizeof *table->filled);
}

Mmu *mmu_new(void)
{
    Mmu *mmu = calloc(1, sizeof *mmu);
    int32_t *writer = calloc((size_t)1 << (32 - PAGE_BITS), sizeof *writer);
    if (!mmu || !writer)
        abort();
    mmu->writer = writer;
    for (unsigned n = 0; n < SPACES; n++)
        mmu->space[n].key = KEY_NONE;
    mmu->current = mmu->previous = &mmu->space[0];
    init_table(&mmu->missing);
    return mmu;
}

void mmu_free(Mmu *mmu)
{
    if (!mmu)
        return;
    for (unsigned n = 0; n < SPACES; n++) {
        for (unsigned privileged = 0; privileged < 2; privileged++) {
            if (mmu->space[n].table[privileged])
                free_table(mmu->space[n].table[privileged]);
            free(mmu->space[n].table[privileged]);
        }
    }
    free_table(&mmu->missing);
    free(mmu->writer);
    free(mmu);
}

MmuCounts mmu_counts(const Cpu *cpu)
{
    return cpu->mmu->counts;
}

static void clear_space(Space *space)
{
    for (unsigned privileged = 0; privileged < 2; privileged++) {
        if (space->used[privileged])
            empty_table(space->table[privileged]);
        space->used[privileged] = false;
    }
    if (space->has_large) {
        memset(space->large, 0, sizeof space->large);
        memset(space->super, 0, sizeof space->super);
        space->has_large = false;
    }
}

static uint64_t space_key(Cpu *cpu)
{
    const Cp15Banked *bank = cp15_bank(cpu);
    uint64_t secure = cpu->secure ? KEY_SECURE : 0;
    if (!(bank->sctlr & SCTLR_M))
        return secure;
    return (uint64_t)bank->dacr << 32 | KEY_ON | secure | (bank->contextidr & 0xff);
}

/* The space of the key; if there is none, the one that was not used for longest is emptied for it. */
static Space *find_space(Mmu *mmu, uint64_t key)
{
    Space *oldest = &mmu->space[0];
    for (unsigned n = 0; n < SPACES; n++) {
        Space *space = &mmu->space[n];
        if (space->key == key)
            return space;
        if (space->last_use < oldest->last_use)
            oldest = space;
    }
    clear_space(oldest);
    oldest->key = key;
    oldest->asid = (uint8_t)key;
    return oldest;
}

TlbTable *tlb_table(Mmu *mmu, bool privileged)
{
    TlbTable *table = mmu->current->table[privileged];
    if (table)
        return table;
    table = calloc(1, sizeof *table);
    if (!table)
        abort();
    init_table(table);
    mmu->current->table[privileged] = table;
    return table;
}

static bool page_in(const uint64_t *pages, uint32_t page)
{
    return pages[page >> 6 & 63] >> (page & 63) & 1;
}

static void add_page(uint64_t *pages, uint32_t page)
{
    pages[page >> 6 & 63] |= (uint64_t)1 << (page & 63);
}

static void forget_global_jumps(Mmu *mmu)
{
    mmu->worlds = 0;
    memset(mmu->world_pages, 0, sizeof mmu->world_pages);
    memset(mmu->world_large, 0, sizeof mmu->world_large);
}

static struct World *find_world(Mmu *mmu, uint64_t key)
{
    for (unsigned n = 0; n < mmu->worlds; n++)
        if (mmu->world[n].key == key)
            return &mmu->world[n];
    if (mmu->worlds == WORLDS)
        forget_global_jumps(mmu);
    mmu->world[mmu->worlds] = (struct World){
        key, {0, 0}
    };
    return &mmu->world[mmu->worlds++];
}

/* No two CPUs have a stamp in common, since they share the code that compares it. (After 2^27 changes a stamp
 * may come again: a guest that flushes so often within the life of a jump jumps to where code of it once was,
 * in memory it may execute.) */
static uint32_t valid_stamp(const Cpu *cpu, uint32_t *stamp)
{
    enum { MOST = 1 << 27 };
    Mmu *mmu = cpu->mmu;
    if (*stamp == 0) {
        mmu->last_stamp = mmu->last_stamp % MOST + 1;
        *stamp = mmu->last_stamp * 4 + cpu->number % 4;
    }
    return *stamp;
}

static void refresh_stamps(Cpu *cpu)
{
    Mmu *mmu = cpu->mmu;
    bool privileged = cpu_privileged(cpu);
    cpu->stamp[STAMP_SPACE] = valid_stamp(cpu, &tlb_table(mmu, privileged)->stamp);
    struct World *world = find_world(mmu, mmu->current->key & ~(uint64_t)0xff);
    cpu->stamp[STAMP_GLOBAL] = valid_stamp(cpu, &world->stamp[privileged]);
}

void mmu_select(Cpu *cpu)
{
    Mmu *mmu = cpu->mmu;
    uint64_t key = space_key(cpu);
    if (mmu->current->key != key) {
        Space *space = mmu->previous->key == key ? mmu->previous : find_space(mmu, key);
        mmu->previous = mmu->current;
        mmu->current = space;
        space->last_use = ++mmu->uses;
    }
    TlbTable *table = tlb_table(mmu, cpu_privileged(cpu));
    cpu->tlb = cpu->e ? &mmu->missing : table;
    cpu->fast = cpu->tlb->fast;
    cpu->jumps = table->jumps;
    uint32_t sctlr = cp15_bank(cpu)->sctlr;
    cpu->unaligned = sctlr & SCTLR_M && !(sctlr & SCTLR_A) && !cpu->cp15.pmu.pmcnten;
    cpu->world = (uint8_t)(cpu_privileged(cpu) | cpu->secure << 1 | (cpu->cp15.scr & 1) << 2);
    refresh_stamps(cpu);
}

TlbEntry *tlb_replace(Mmu *mmu, bool privileged, uint32_t va, uint32_t page_size)
{
    Space *space = mmu->current;
    TlbEntry *entry = tlb_entry(tlb_table(mmu, privileged), va);
    empty(entry);
    occupy(tlb_table(mmu, privileged), va);
    mmu->counts.fills++;
    space->used[privileged] = true;
    if (page_size > PAGE_SIZE) {
        space->has_large = true;
        space->large[va >> 25] |= 1u << (va >> 20 & 31);
        if (page_size > 0x100000)
            space->super[va >> 29] |= 1u << (va >> 24 & 31);
    }
    return entry;
}

void tlb_note_global(Mmu *mmu, uint32_t va, uint32_t page_size)
{
    uint32_t first = (va & ~(page_size - 1)) >> 20, count = page_size > 0x100000 ? page_size >> 20 : 1;
    for (uint32_t n = first; n < first + count; n++)
        mmu->global[n / 32] |= 1u << (n % 32);
}

void tlb_note_writer(Mmu *mmu, uint32_t pa_page, uint32_t va)
{
    int32_t *writer = &mmu->writer[pa_page >> PAGE_BITS], page = WRITER_PAGE + (int32_t)(va >> PAGE_BITS);
    *writer = *writer == WRITER_NONE || *writer == page ? page : WRITER_SEVERAL;
}

void tlb_allow_write(Mmu *mmu, TlbEntry *entry, uint32_t va)
{
    tlb_note_writer(mmu, entry->pa_page, va);
    entry->write = va & PAGE_MASK;
}

void tlb_add_fast(Mmu *mmu, bool privileged, uint32_t va, uintptr_t offset, bool read, bool write,
                  bool global)
{
    TlbTable *table = tlb_table(mmu, privileged);
    uint32_t page = va >> PAGE_BITS;
    occupy(table, va);
    if (table->filled_count == FILLED_MAX)
        empty_fast(table);
    if (!table->fast->read[page] && !table->fast->write[page])
        table->filled[table->filled_count++] = page << 1 | global;
    table->fast->read[page] = read ? offset : 0;
    table->fast->write[page] = write ? offset : 0;
    mmu->current->used[privileged] = true;
}

void mmu_add_jump(Cpu *cpu, uint32_t key, const void *code)
{
    bool privileged = cpu_privileged(cpu);
    TlbTable *table = tlb_table(cpu->mmu, privileged);
    const TlbEntry *entry = tlb_entry(table, key);
    if (entry->page != (key & PAGE_MASK))
        return;
    JumpEntry *jump = jump_entry(table->jumps, key);
    bool occupied = jump_entry(table->jumps, jump->key) == jump;
    if (occupied && jump->key != key) {
        *jump_second_entry(table->jumps, jump->key) = *jump;
        table->windows |= (uint16_t)(1u << jump_window(jump->key));
    }
    *jump = (JumpEntry){key, entry->global, code};
    add_page(table->jump_pages, key >> PAGE_BITS);
    table->has_jumps = true;
    cpu->mmu->current->used[privileged] = true;
}

static void note_global_target(Mmu *mmu, uint32_t va)
{
    const Space *space = mmu->current;
    bool super = space->super[va >> 29] >> (va >> 24 & 31) & 1;
    if (super)
        for (uint32_t n = 0; n < 16; n++)
            mmu->world_large[va >> 25] |= 1u << ((va >> 20 & 16) + n);
    else if (space->large[va >> 25] >> (va >> 20 & 31) & 1)
        mmu->world_large[va >> 25] |= 1u << (va >> 20 & 31);
    else
        add_page(mmu->world_pages, va >> PAGE_BITS);
}

uint32_t mmu_jump_stamp(Cpu *cpu, uint32_t from_va, uint32_t to_va, unsigned *which)
{
    Mmu *mmu = cpu->mmu;
    TlbTable *table = tlb_table(mmu, cpu_privileged(cpu));
    const TlbEntry *from = tlb_entry(table, from_va), *to = tlb_entry(table, to_va);
    if (to->page != (to_va & PAGE_MASK))
        return 0;
    bool global = from->page == (from_va & PAGE_MASK) && from->global && to->global;
    *which = global ? STAMP_GLOBAL : STAMP_SPACE;
    if (global)
        note_global_target(mmu, to_va);
    return cpu->stamp[*which];
}

void mmu_forget_jumps(Cpu *cpu)
{
    for (unsigned n = 0; n < SPACES; n++)
        for (unsigned privileged = 0; privileged < 2; privileged++)
            if (cpu->mmu->space[n].table[privileged])
                forget_jumps(cpu->mmu->space[n].table[privileged]);
    forget_global_jumps(cpu->mmu);
    refresh_stamps(cpu);
}

/* ---- Maintenance ------------------------------------------------------------------------------------ */

void mmu_flush_all(Cpu *cpu)
{
    cpu->mmu->counts.flushes++;
    for (unsigned n = 0; n < SPACES; n++)
        clear_space(&cpu->mmu->space[n]);
    memset(cpu->mmu->global, 0, sizeof cpu->mmu->global);
    forget_global_jumps(cpu->mmu);
    mmu_select(cpu);
}

static void drop_local_fast(TlbTable *table)
{
    FastTlb *fast = table->fast;
    if (table->filled_count == FILLED_MAX) {
        empty_fast(table);
        return;
    }
    unsigned kept = 0;
    for (unsigned n = 0; n < table->filled_count; n++) {
        uint32_t page = table->filled[n] >> 1;
        if (!(table->filled[n] & 1))
            fast->read[page] = fast->write[page] = 0;
        else if (fast->read[page] || fast->write[page])
            table->filled[kept++] = table->filled[n];
    }
    table->filled_count = kept;
}

static void forget_local_jump(JumpEntry *jumps, unsigned n)
{
    if (!jumps[n].global)
        jump_forget(jumps, n);
}

static void drop_local_jumps(TlbTable *table)
{
    if (table->has_jumps)
        each_jump(table, forget_local_jump);
    table->stamp = 0;
}

void mmu_flush_asid(Cpu *cpu, uint8_t asid)
{
    cpu->mmu->counts.flushes++;
    for (unsigned n = 0; n < SPACES; n++) {
        Space *space = &cpu->mmu->space[n];
        for (unsigned privileged = 0; privileged < 2; privileged++) {
            if (!space->used[privileged] || space->asid != asid)
                continue;
            TlbTable *table = space->table[privileged];
            for (unsigned i = 0; i < TLB_SIZE; i++)
                if (!table->entry[i].global)
                    empty(&table->entry[i]);
            drop_local_fast(table);
            drop_local_jumps(table);
        }
    }
    refresh_stamps(cpu);
}

/* Which entries an operation by address drops. */
typedef struct VaMatch {
    uint32_t va;
    bool all_asids;
    uint8_t asid;
} VaMatch;

static void drop_page(TlbEntry *entry, const VaMatch *match, bool same_asid, unsigned shift)
{
    if (entry->page != TLB_NO_MATCH && entry->page >> shift == match->va >> shift &&
        (same_asid || entry->global))
        empty(entry);
}

static void drop_page_jumps(TlbTable *table, uint32_t va)
{
    uint32_t page = va >> PAGE_BITS;
    if (!page_in(table->jump_pages, page))
        return;
    table->stamp = 0;
    unsigned first = (va & JUMP_MASK & PAGE_MASK) / 4, window = jump_window(va);
    unsigned second = JUMP_ENTRIES + window * JUMP_WINDOW;
    bool both = table->windows >> window & 1;
    for (unsigned n = 0; n < JUMP_WINDOW; n++) {
        if (table->jumps[first + n].key >> PAGE_BITS == page)
            jump_forget(table->jumps, first + n);
        if (both && table->jumps[second + n].key >> PAGE_BITS == page)
            jump_forget(table->jumps, second + n);
    }
}

/* Whoever is in the fast table or the jumps goes, whatever its ASID: that is allowed, and known to be right.
 */
static void drop_fast(TlbTable *table, uint32_t va, unsigned shift)
{
    uint32_t first = va >> shift << (shift - PAGE_BITS), pages = 1u << (shift - PAGE_BITS);
    memset(&table->fast->read[first], 0, pages * sizeof *table->fast->read);
    memset(&table->fast->write[first], 0, pages * sizeof *table->fast->write);
    if (shift == PAGE_BITS)
        drop_page_jumps(table, va);
    else
        forget_jumps(table);
}

static void drop_va(const Space *space, TlbTable *table, const VaMatch *match)
{
    uint32_t va = match->va;
    bool same_asid = match->all_asids || space->asid == match->asid;
    bool large = space->large[va >> 25] >> (va >> 20 & 31) & 1;
    bool super = space->super[va >> 29] >> (va >> 24 & 31) & 1;
    if (!super && !(table->occupied[va >> 25] >> (va >> 20 & 31) & 1))
        return;
    if (super) {
        for (unsigned n = 0; n < TLB_SIZE; n++)
            drop_page(&table->entry[n], match, same_asid, 24);
    } else if (large) {
        for (uint32_t page = va & 0xfff00000, n = 0; n < 256; n++)
            drop_page(tlb_entry(table, page + n * PAGE_SIZE), match, same_asid, 20);
    } else {
        drop_page(tlb_entry(table, va), match, same_asid, PAGE_BITS);
    }
    drop_fast(table, va, super ? 24 : large ? 20 : PAGE_BITS);
}

static void flush_match(Cpu *cpu, const VaMatch *match)
{
    Mmu *mmu = cpu->mmu;
    uint32_t va = match->va;
    bool everywhere = match->all_asids || mmu->global[va >> 25] >> (va >> 20 & 31) & 1;
    mmu->counts.flushes++;
    for (unsigned n = 0; n < SPACES; n++) {
        const Space *space = &mmu->space[n];
        if (!everywhere && space->asid != match->asid)
            continue;
        for (unsigned privileged = 0; privileged < 2; privileged++)
            if (space->used[privileged])
                drop_va(space, space->table[privileged], match);
    }
    if (everywhere &&
        (mmu->world_large[va >> 25] >> (va >> 20 & 31) & 1 || page_in(mmu->world_pages, va >> PAGE_BITS)))
        forget_global_jumps(mmu);
    refresh_stamps(cpu);
}

void mmu_flush_va(Cpu *cpu, uint32_t va, uint8_t asid)
{
    flush_match(cpu, &(VaMatch){va, false, asid});
}

void mmu_flush_va_all_asids(Cpu *cpu, uint32_t va)
{
    flush_match(cpu, &(VaMatch){va, true, 0});
}

void mmu_flush_physical(Cpu *cpu, uint32_t pa, uint64_t size)
{
    uint64_t first = pa & PAGE_MASK, end = pa + size;
    for (unsigned n = 0; n < SPACES; n++) {
        for (unsigned privileged = 0; privileged < 2; privileged++) {
            if (!cpu->mmu->space[n].used[privileged])
                continue;
            TlbTable *table = cpu->mmu->space[n].table[privileged];
            for (unsigned i = 0; i < TLB_SIZE; i++)
                if (table->entry[i].pa_page >= first && table->entry[i].pa_page < end)
                    empty(&table->entry[i]);
            empty_fast(table);
            forget_jumps(table);
        }
    }
    forget_global_jumps(cpu->mmu);
    refresh_stamps(cpu);
}

static void forbid_write(TlbTable *table, uint32_t page, uint32_t pa_page)
{
    TlbEntry *entry = &table->entry[page & (TLB_SIZE - 1)];
    if (entry->pa_page == pa_page)
        entry->write = TLB_NO_MATCH;
    table->fast->write[page] = 0;
}

/* The page is written at several places: all pages of the table that lead to host_page. */
static void forbid_writes(TlbTable *table, uint32_t pa_page, uintptr_t host_page)
{
    for (unsigned i = 0; i < TLB_SIZE; i++)
        if (table->entry[i].pa_page == pa_page)
            table->entry[i].write = TLB_NO_MATCH;
    for (unsigned n = 0; n < table->filled_count; n++) {
        uint32_t page = table->filled[n] >> 1;
        if (table->fast->write[page] + ((uintptr_t)page << PAGE_BITS) == host_page)
            table->fast->write[page] = 0;
    }
}

void mmu_protect(Cpu *cpu, uint32_t pa_page)
{
    Mmu *mmu = cpu->mmu;
    pa_page &= PAGE_MASK;
    int32_t writer = mmu->writer[pa_page >> PAGE_BITS];
    const Region *region = bus_find(cpu->bus, pa_page);
    if (writer == WRITER_NONE || !region)
        return;
    uintptr_t host_page = (uintptr_t)region->host + (pa_page - region->base);
    mmu->writer[pa_page >> PAGE_BITS] = WRITER_NONE;
    for (unsigned n = 0; n < SPACES; n++) {
        for (unsigned privileged = 0; privileged < 2; privileged++) {
            TlbTable *table = mmu->space[n].table[privileged];
            if (!mmu->space[n].used[privileged])
                continue;
            if (writer == WRITER_SEVERAL)
                forbid_writes(table, pa_page, host_page);
            else
                forbid_write(table, (uint32_t)(writer - WRITER_PAGE), pa_page);
        }
    }
}

void mmu_protect_all(Cpu *cpu)
{
    for (unsigned n = 0; n < SPACES; n++) {
        const Space *space = &cpu->mmu->space[n];
        for (unsigned privileged = 0; privileged < 2; privileged++) {
            if (!space->used[privileged])
                continue;
            TlbTable *table = space->table[privileged];
            for (unsigned i = 0; i < TLB_SIZE; i++)
                table->entry[i].write = TLB_NO_MATCH;
            for (unsigned i = 0; i < table->filled_count; i++)
                table->fast->write[table->filled[i] >> 1] = 0;
        }
    }
}

/* ---- Snapshots -------------------------------------------------------------------------------------- */

/* A record of words for each space, then `entries` of SAVED_ENTRY words. */
typedef struct SavedSpace {
    uint32_t key[2], last_use[2], large[MEGABYTES / 32], super[SUPERSECTIONS / 32], entries;
} SavedSpace;

typedef struct SavedEntry {
    uint32_t page, pa_page;
    uint32_t how; /* HOW_* */
} SavedEntry;

typedef struct SavedMmu {
    uint32_t current, previous, uses[2], global[MEGABYTES / 32];
} SavedMmu;

enum {
    HOW_MAY = TLB_MAY,
    HOW_TYPE_SHIFT = 3,
    HOW_GLOBAL = 1 << 5,
    HOW_NS = 1 << 6,
    HOW_PRIVILEGED = 1 << 7,
    HOW_ALL = (1 << 8) - 1,
    MMU_WORDS = sizeof(SavedMmu) / 4,
    SPACE_WORDS = sizeof(SavedSpace) / 4,
    ENTRY_WORDS = sizeof(SavedEntry) / 4
};

static uint32_t save_entries(const Space *space, SavedEntry *out)
{
    uint32_t count = 0;
    for (unsigned privileged = 0; privileged < 2; privileged++) {
        for (unsigned n = 0; space->used[privileged] && n < TLB_SIZE; n++) {
            const TlbEntry *entry = &space->table[privileged]->entry[n];
            if (entry->page == TLB_NO_MATCH)
                continue;
            uint32_t how = (entry->may & TLB_MAY) | (uint32_t)entry->type << HOW_TYPE_SHIFT;
            how |= (entry->global ? HOW_GLOBAL : 0) | (entry->ns ? HOW_NS : 0);
            how |= privileged ? HOW_PRIVILEGED : 0;
            out[count++] = (SavedEntry){entry->page, entry->pa_page, how};
        }
    }
    return count;
}

static void split(uint64_t value, uint32_t *word)
{
    word[0] = (uint32_t)value;
    word[1] = (uint32_t)(value >> 32);
}

static uint64_t join(const uint32_t *word)
{
    return word[0] | (uint64_t)word[1] << 32;
}

uint32_t *mmu_save(const Cpu *cpu, size_t *count)
{
    const Mmu *mmu = cpu->mmu;
    size_t most = MMU_WORDS + SPACES * (SPACE_WORDS + 2 * TLB_SIZE * (size_t)ENTRY_WORDS);
    *count = 0;
    if (!cpu->counts_refills)
        return NULL;
    uint32_t *word = calloc(most, sizeof *word), *at = word;
    if (!word)
        abort();
    SavedMmu *all = (SavedMmu *)at;
    all->current = (uint32_t)(mmu->current - mmu->space);
    all->previous = (uint32_t)(mmu->previous - mmu->space);
    split(mmu->uses, all->uses);
    memcpy(all->global, mmu->global, sizeof all->global);
    at += MMU_WORDS;
    for (unsigned n = 0; n < SPACES; n++) {
        const Space *space = &mmu->space[n];
        SavedSpace *saved = (SavedSpace *)at;
        split(space->key, saved->key);
        split(space->last_use, saved->last_use);
        memcpy(saved->large, space->large, sizeof saved->large);
        memcpy(saved->super, space->super, sizeof saved->super);
        saved->entries = save_entries(space, (SavedEntry *)(at + SPACE_WORDS));
        at += SPACE_WORDS + saved->entries * ENTRY_WORDS;
    }
    *count = (size_t)(at - word);
    return word;
}

static bool entry_possible(const SavedEntry *entry)
{
    bool aligned = !(entry->page & ~PAGE_MASK) && !(entry->pa_page & ~PAGE_MASK);
    return aligned && !(entry->how & ~(uint32_t)HOW_ALL) && (entry->how >> HOW_TYPE_SHIFT & 3) <= MEM_NORMAL;
}

const char *mmu_saved_problem(const uint32_t *word, size_t count)
{
    const SavedMmu *all = (const SavedMmu *)word;
    if (!count)
        return NULL;
    if (count < MMU_WORDS || all->current >= SPACES || all->previous >= SPACES)
        return "the address space";
    word += MMU_WORDS;
    count -= MMU_WORDS;
    for (unsigned n = 0; n < SPACES; n++) {
        const SavedSpace *saved = (const SavedSpace *)word;
        if (count < SPACE_WORDS || saved->entries > 2 * TLB_SIZE ||
            count - SPACE_WORDS < saved->entries * (size_t)ENTRY_WORDS)
            return "the length";
        const SavedEntry *entry = (const SavedEntry *)(word + SPACE_WORDS);
        for (uint32_t k = 0; k < saved->entries; k++)
            if (!entry_possible(&entry[k]))
                return "an entry";
        word += SPACE_WORDS + saved->entries * ENTRY_WORDS;
        count -= SPACE_WORDS + saved->entries * (size_t)ENTRY_WORDS;
    }
    return count ? "the length" : NULL;
}

static void restore_entry(Cpu *cpu, const SavedEntry *saved)
{
    bool privileged = saved->how & HOW_PRIVILEGED;
    TlbEntry *entry = tlb_entry(tlb_table(cpu->mmu, privileged), saved->page);
    empty(entry);
    occupy(tlb_table(cpu->mmu, privileged), saved->page);
    cpu->mmu->current->used[privileged] = true;
    entry->page = saved->page;
    entry->pa_page = saved->pa_page;
    entry->may = saved->how & HOW_MAY;
    entry->type = saved->how >> HOW_TYPE_SHIFT & 3;
    entry->global = saved->how & HOW_GLOBAL;
    entry->ns = saved->how & HOW_NS;
    tlb_set_tags(cpu, entry, saved->page, privileged);
}

void mmu_restore(Cpu *cpu, const uint32_t *word, size_t count)
{
    Mmu *mmu = cpu->mmu;
    const SavedMmu *all = (const SavedMmu *)word;
    if (!count)
        return;
    mmu_flush_all(cpu);
    memcpy(mmu->global, all->global, sizeof mmu->global);
    word += MMU_WORDS;
    for (unsigned n = 0; n < SPACES; n++) {
        const SavedSpace *saved = (const SavedSpace *)word;
        const SavedEntry *entry = (const SavedEntry *)(word + SPACE_WORDS);
        Space *space = &mmu->space[n];
        space->key = join(saved->key);
        space->asid = (uint8_t)space->key;
        space->last_use = join(saved->last_use);
        space->has_large = true;
        memcpy(space->large, saved->large, sizeof space->large);
        memcpy(space->super, saved->super, sizeof space->super);
        mmu->current = space;
        for (uint32_t k = 0; k < saved->entries; k++)
            restore_entry(cpu, &entry[k]);
        word += SPACE_WORDS + saved->entries * ENTRY_WORDS;
    }
    mmu->uses = join(all->uses);
    mmu->current = &mmu->space[all->current];
    mmu->previous = &mmu->space[all->previous];
    mmu_select(cpu);
}
