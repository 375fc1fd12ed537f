/* The software TLB: address spaces, their tables, and maintenance.
 *
 * An address space owns one table per privilege. Which space is current follows from a key (ASID, DACR,
 * security state, MMU on or off), so that a change of CONTEXTIDR or DACR only selects another pointer.
 * Kernels that use domains for privileged-access-never write DACR at every entry and exit: the space used
 * before the current one is tried first. Global entries are held once per space, and maintenance visits every
 * space. */
#include "mmu/tlb.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"

enum { SPACES = 24, SCTLR_M = 1, MEGABYTES = 4096, SUPERSECTIONS = 256 };

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

/* How pages of physical memory may be written directly: not at all, through one table index, through several.
 */
enum { WRITER_NONE = 0, WRITER_INDEX = 1, WRITER_SEVERAL = 0xffff };

struct Mmu {
    Space *current, *previous;
    uint64_t uses;
    Space space[SPACES];
    uint16_t *writer; /* per physical page: WRITER_NONE, WRITER_INDEX + index, WRITER_SEVERAL */
    TlbTable missing; /* never matches: big-endian data accesses always take the slow path */
};

#define KEY_NONE UINT64_MAX
#define KEY_ON ((uint64_t)1 << 9)
#define KEY_SECURE ((uint64_t)1 << 8)

static void empty(TlbEntry *entry)
{
    entry->read = entry->write = entry->fetch = entry->page = TLB_NO_MATCH;
}

static void empty_table(TlbTable *table)
{
    for (unsigned n = 0; n < TLB_SIZE; n++)
        empty(&table->entry[n]);
}

Mmu *mmu_new(void)
{
    Mmu *mmu = calloc(1, sizeof *mmu);
    uint16_t *writer = calloc((size_t)1 << (32 - PAGE_BITS), sizeof *writer);
    if (!mmu || !writer)
        abort();
    mmu->writer = writer;
    for (unsigned n = 0; n < SPACES; n++)
        mmu->space[n].key = KEY_NONE;
    mmu->current = mmu->previous = &mmu->space[0];
    empty_table(&mmu->missing);
    return mmu;
}

void mmu_free(Mmu *mmu)
{
    if (!mmu)
        return;
    for (unsigned n = 0; n < SPACES; n++) {
        free(mmu->space[n].table[0]);
        free(mmu->space[n].table[1]);
    }
    free(mmu->writer);
    free(mmu);
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
    empty_table(table);
    mmu->current->table[privileged] = table;
    return table;
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
    cpu->tlb = cpu->e ? &mmu->missing : tlb_table(mmu, cpu_privileged(cpu));
}

TlbEntry *tlb_replace(Mmu *mmu, bool privileged, uint32_t va, uint32_t page_size)
{
    Space *space = mmu->current;
    TlbEntry *entry = tlb_entry(tlb_table(mmu, privileged), va);
    empty(entry);
    space->used[privileged] = true;
    if (page_size > PAGE_SIZE) {
        space->has_large = true;
        space->large[va >> 25] |= 1u << (va >> 20 & 31);
        if (page_size > 0x100000)
            space->super[va >> 29] |= 1u << (va >> 24 & 31);
    }
    return entry;
}

void tlb_allow_write(Mmu *mmu, TlbEntry *entry, uint32_t va)
{
    uint16_t *writer = &mmu->writer[entry->pa_page >> PAGE_BITS];
    uint16_t index = (uint16_t)(WRITER_INDEX + (va >> PAGE_BITS & (TLB_SIZE - 1)));
    *writer = *writer == WRITER_NONE || *writer == index ? index : WRITER_SEVERAL;
    entry->write = va & PAGE_MASK;
}

/* ---- Maintenance ------------------------------------------------------------------------------------ */

void mmu_flush_all(Cpu *cpu)
{
    for (unsigned n = 0; n < SPACES; n++)
        clear_space(&cpu->mmu->space[n]);
    mmu_select(cpu);
}

void mmu_flush_asid(Cpu *cpu, uint8_t asid)
{
    for (unsigned n = 0; n < SPACES; n++) {
        Space *space = &cpu->mmu->space[n];
        for (unsigned privileged = 0; privileged < 2; privileged++) {
            if (!space->used[privileged] || space->asid != asid)
                continue;
            TlbTable *table = space->table[privileged];
            for (unsigned i = 0; i < TLB_SIZE; i++)
                if (!table->entry[i].global)
                    empty(&table->entry[i]);
        }
    }
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

static void drop_va(const Space *space, TlbTable *table, const VaMatch *match)
{
    uint32_t va = match->va;
    bool same_asid = match->all_asids || space->asid == match->asid;
    bool large = space->large[va >> 25] >> (va >> 20 & 31) & 1;
    bool super = space->super[va >> 29] >> (va >> 24 & 31) & 1;
    if (super) {
        for (unsigned n = 0; n < TLB_SIZE; n++)
            drop_page(&table->entry[n], match, same_asid, 24);
    } else if (large) {
        for (uint32_t page = va & 0xfff00000, n = 0; n < 256; n++)
            drop_page(tlb_entry(table, page + n * PAGE_SIZE), match, same_asid, 20);
    } else {
        drop_page(tlb_entry(table, va), match, same_asid, PAGE_BITS);
    }
}

static void flush_match(Mmu *mmu, const VaMatch *match)
{
    for (unsigned n = 0; n < SPACES; n++)
        for (unsigned privileged = 0; privileged < 2; privileged++)
            if (mmu->space[n].used[privileged])
                drop_va(&mmu->space[n], mmu->space[n].table[privileged], match);
}

void mmu_flush_va(Cpu *cpu, uint32_t va, uint8_t asid)
{
    flush_match(cpu->mmu, &(VaMatch){va, false, asid});
}

void mmu_flush_va_all_asids(Cpu *cpu, uint32_t va)
{
    flush_match(cpu->mmu, &(VaMatch){va, true, 0});
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
        }
    }
}

static void forbid_write(TlbEntry *entry, uint32_t pa_page)
{
    if (entry->pa_page == pa_page)
        entry->write = TLB_NO_MATCH;
}

void mmu_protect_code(Cpu *cpu, uint32_t pa_page)
{
    Mmu *mmu = cpu->mmu;
    pa_page &= PAGE_MASK;
    uint16_t writer = mmu->writer[pa_page >> PAGE_BITS];
    if (writer == WRITER_NONE)
        return;
    mmu->writer[pa_page >> PAGE_BITS] = WRITER_NONE;
    for (unsigned n = 0; n < SPACES; n++) {
        for (unsigned privileged = 0; privileged < 2; privileged++) {
            if (!mmu->space[n].used[privileged])
                continue;
            TlbTable *table = mmu->space[n].table[privileged];
            if (writer != WRITER_SEVERAL) {
                forbid_write(&table->entry[writer - WRITER_INDEX], pa_page);
                continue;
            }
            for (unsigned i = 0; i < TLB_SIZE; i++)
                forbid_write(&table->entry[i], pa_page);
        }
    }
}
