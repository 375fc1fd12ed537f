#define _GNU_SOURCE
#include "cpu/code_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    ARENA_BYTES = 192 << 20,
    SLOT_BITS = 19,
    SLOTS = 1 << SLOT_BITS,
    SLOTS_MAX = SLOTS / 4 * 3, /* so many are used before everything is dropped */
    PAGE_HASH_SIZE = 1 << 12
};

/* A physical page that holds blocks. */
typedef struct CodePage {
    uint32_t pa;
    uint64_t grains; /* which 64-byte pieces instructions of blocks lie in */
    Block *blocks;
    struct CodePage *hash_next;
} CodePage;

/* A place in the table of blocks, which is searched from the place its key hashes to up to a free one. The
 * key is beside the pointer, so that a search touches no block but the right one. */
typedef struct Slot {
    uint64_t key; /* SLOT_FREE, SLOT_GONE, or slot_key() */
    Block *block;
} Slot;

#define SLOT_FREE 0
#define SLOT_GONE 1

struct CodeCache {
    Slot *slot; /* [SLOTS] */
    unsigned slots_used;
    CodePage *page_hash[PAGE_HASH_SIZE];
    uint8_t page_has_code[(1u << 20) / 8]; /* by physical page number */
    uint8_t *arena;
    size_t used;
    bool flush_pending;
    uint64_t decoded, dropped, flushes[FLUSH_REASONS];
    Breakpoints breakpoints;
    CodeCacheHooks hooks;
    unsigned side_exits;
    uint32_t epoch; /* counts how often everything was dropped */
    unsigned cpus;
    Cpu *const *peers;
};

/* Zeros, in large pages if the host has them, since it is used at random. */
static void *large_memory(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        abort();
    (void)madvise(at, size, MADV_HUGEPAGE);
    return at;
}

CodeCache *code_cache_new(unsigned cpus, Cpu *const *peers)
{
    CodeCache *cache = calloc(1, sizeof *cache);
    if (!cache)
        abort();
    cache->arena = large_memory(ARENA_BYTES);
    cache->slot = large_memory(SLOTS * sizeof *cache->slot);
    cache->cpus = cpus;
    cache->peers = peers;
    decode_init();
    return cache;
}

void code_cache_free(CodeCache *cache)
{
    if (!cache)
        return;
    munmap(cache->slot, SLOTS * sizeof *cache->slot);
    munmap(cache->arena, ARENA_BYTES);
    free(cache);
}

bool code_cache_has_code(const CodeCache *cache, uint32_t pa)
{
    uint32_t page = pa >> PAGE_BITS;
    return cache->page_has_code[page / 8] >> (page % 8) & 1;
}

static void *arena_alloc(CodeCache *cache, size_t bytes)
{
    void *at = cache->arena + cache->used;
    cache->used += (bytes + 15) & ~(size_t)15;
    return at;
}

/* Drops everything; only between blocks, since the arena is used again. */
static void empty(CodeCache *cache)
{
    if (cache->slots_used) /* the kernel gives zeroed pages instead, as they are needed */
        madvise(cache->slot, SLOTS * sizeof *cache->slot, MADV_DONTNEED);
    cache->slots_used = 0;
    memset(cache->page_hash, 0, sizeof cache->page_hash);
    memset(cache->page_has_code, 0, sizeof cache->page_has_code);
    cache->used = 0;
    cache->flush_pending = false;
    cache->epoch++;
    if (cache->hooks.emptied)
        cache->hooks.emptied(cache->hooks.opaque);
}

void code_cache_set_hooks(CodeCache *cache, const CodeCacheHooks *hooks)
{
    cache->hooks = *hooks;
}

void code_cache_set_side_exits(CodeCache *cache, unsigned most)
{
    cache->side_exits = most;
}

Breakpoints *code_cache_breakpoints(CodeCache *cache)
{
    return &cache->breakpoints;
}

CodeCacheCounts code_cache_counts(const CodeCache *cache)
{
    CodeCacheCounts counts = {cache->decoded, cache->dropped, cache->epoch, {0}};
    memcpy(counts.flushes, cache->flushes, sizeof counts.flushes);
    return counts;
}

uint32_t code_cache_epoch(const CodeCache *cache)
{
    return cache->epoch;
}

/* Whatever runs now ends its block after the current instruction. */
static void interrupt_blocks(CodeCache *cache)
{
    for (unsigned n = 0; n < cache->cpus; n++)
        cache->peers[n]->leave |= LEAVE_CHECK;
}

void code_cache_flush(CodeCache *cache, CodeFlush reason)
{
    cache->flushes[reason]++;
    cache->flush_pending = true;
    interrupt_blocks(cache);
}

/* Never SLOT_FREE or SLOT_GONE. */
static uint64_t slot_key(BlockKey key)
{
    return (uint64_t)key.itstate << 40 | (uint64_t)key.thumb << 33 | (uint64_t)1 << 32 | key.pa;
}

static unsigned first_slot(uint64_t key)
{
    return (unsigned)(key * 0x9e3779b97f4a7c15u >> (64 - SLOT_BITS));
}

static Slot *next_slot(CodeCache *cache, Slot *slot)
{
    return slot == &cache->slot[SLOTS - 1] ? cache->slot : slot + 1;
}

static unsigned hash_page(uint32_t pa)
{
    return (pa >> PAGE_BITS) * 0x9e3779b1u >> 20;
}

Block *code_cache_find(CodeCache *cache, BlockKey key)
{
    if (__builtin_expect(cache->flush_pending, 0))
        empty(cache);
    uint64_t wanted = slot_key(key);
    Slot *slot = &cache->slot[first_slot(wanted)];
    while (slot->key != wanted && slot->key != SLOT_FREE)
        slot = next_slot(cache, slot);
    return slot->key == wanted ? slot->block : NULL;
}

static void enter_block(CodeCache *cache, Block *b)
{
    uint64_t key = slot_key(b->key);
    Slot *slot = &cache->slot[first_slot(key)];
    while (slot->key > SLOT_GONE)
        slot = next_slot(cache, slot);
    cache->slots_used += slot->key == SLOT_FREE;
    *slot = (Slot){key, b};
}

static void forget_block(CodeCache *cache, const Block *b)
{
    Slot *slot = &cache->slot[first_slot(slot_key(b->key))];
    while (slot->block != b)
        slot = next_slot(cache, slot);
    *slot = (Slot){SLOT_GONE, NULL};
}

static CodePage *find_page(const CodeCache *cache, uint32_t pa)
{
    CodePage *page = cache->page_hash[hash_page(pa)];
    while (page && page->pa != (pa & PAGE_MASK))
        page = page->hash_next;
    return page;
}

static CodePage *page_for(CodeCache *cache, uint32_t pa)
{
    CodePage *page = find_page(cache, pa);
    if (page)
        return page;
    page = arena_alloc(cache, sizeof *page);
    *page = (CodePage){.pa = pa & PAGE_MASK, .hash_next = cache->page_hash[hash_page(pa)]};
    cache->page_hash[hash_page(pa)] = page;
    return page;
}

/* From now on stores to the page come through code_cache_written(). */
static void protect_page(CodeCache *cache, uint32_t pa)
{
    if (code_cache_has_code(cache, pa))
        return;
    uint32_t number = pa >> PAGE_BITS;
    cache->page_has_code[number / 8] |= (uint8_t)(1u << (number % 8));
    for (unsigned n = 0; n < cache->cpus; n++)
        mmu_protect(cache->peers[n], pa & PAGE_MASK);
}

/* The grains that bytes [first, last] of a page touch. */
static uint64_t grain_mask(uint32_t first, uint32_t last)
{
    uint64_t from = ~(uint64_t)0 << (first >> CODE_GRAIN_BITS),
             to = ~(uint64_t)0 >> (63 - (last >> CODE_GRAIN_BITS));
    return from & to;
}

static uint64_t block_grains(const Block *b)
{
    return grain_mask(b->key.pa & ~PAGE_MASK, b->end_offset - 1u) | b->literals;
}

bool code_cache_shorten(Block *block)
{
    for (unsigned n = 0; n + 1u < block->count; n++) {
        const Insn *insn = &block->insn[n];
        if (!insn->may_fall)
            continue;
        block->count = (uint8_t)(n + 1);
        block->end_offset = insn->offset + insn->length;
        block->next_itstate = insn_next_itstate(insn);
        return true;
    }
    return false;
}

void code_cache_depend(CodeCache *cache, Block *block, uint64_t grains)
{
    block->literals |= grains;
    find_page(cache, block->key.pa)->grains |= block->literals;
}

/* Decodes the instruction at offset; false if it does not end within the page. */
static bool decode_at(Insn *insn, const uint8_t *host_page, uint32_t offset, BlockKey key)
{
    uint16_t half[2];
    uint32_t word;
    if (!key.thumb) {
        memcpy(&word, host_page + offset, 4);
        decode(insn, SET_A32, word, 0);
    } else {
        memcpy(half, host_page + offset, 2);
        if (!thumb_is_32bit(half[0])) {
            decode(insn, SET_T16, half[0], key.itstate);
        } else if (offset + 4 > PAGE_SIZE) {
            return false;
        } else {
            memcpy(half + 1, host_page + offset + 2, 2);
            decode(insn, SET_T32, (uint32_t)half[0] << 16 | half[1], key.itstate);
        }
    }
    insn->offset = (uint16_t)offset;
    return true;
}

/* Backwards it is a loop, behind which little is executed. */
static bool goes_on(const Insn *insn, bool thumb)
{
    uint32_t target = branch_offset(insn, thumb);
    return insn->may_fall && target > insn->offset && target < PAGE_SIZE;
}

static void decode_block(const CodeCache *cache, Block *b)
{
    BlockKey key = b->key;
    uint32_t offset = key.pa & ~PAGE_MASK;
    unsigned side_exits = cache->side_exits;
    while (b->count < BLOCK_MAX_INSNS && offset < PAGE_SIZE &&
           !breakpoints_in_place(&cache->breakpoints, offset)) {
        Insn *insn = &b->insn[b->count];
        if (!decode_at(insn, b->host_page, offset, key))
            break;
        b->count++;
        offset += insn->length;
        key.itstate = insn_next_itstate(insn);
        if (insn->ends_block && (side_exits == 0 || !goes_on(insn, key.thumb)))
            break;
        side_exits -= insn->ends_block;
    }
    b->end_offset = (uint16_t)offset;
    b->next_itstate = key.itstate;
}

Block *code_cache_decode(CodeCache *cache, BlockKey key, const uint8_t *host_page)
{
    if (breakpoints_in_place(&cache->breakpoints, key.pa))
        return NULL;
    size_t most = BLOCK_BYTES(BLOCK_MAX_INSNS);
    bool full = cache->slots_used >= SLOTS_MAX || cache->used + most + sizeof(CodePage) + 64 > ARENA_BYTES;
    cache->flushes[FLUSH_FULL] += full;
    if (full || cache->flush_pending)
        empty(cache);
    CodePage *page = page_for(cache, key.pa);
    Block *b = (Block *)(cache->arena + cache->used);
    memset(b, 0, sizeof *b);
    b->key = key;
    b->host_page = host_page;
    decode_block(cache, b);
    if (!b->count)
        return NULL;
    arena_alloc(cache, BLOCK_BYTES(b->count));
    b->valid = true;
    cache->decoded++;
    enter_block(cache, b);
    b->page_next = page->blocks;
    page->blocks = b;
    page->grains |= block_grains(b);
    protect_page(cache, key.pa);
    return b;
}

/* Drops the page's blocks that touch any of the grains. Links to them are checked for validity before use.
 * There may be none: the page's grains are those of blocks as they were decoded, which may since be shorter.
 */
static void drop_blocks(CodeCache *cache, CodePage *page, uint64_t grains)
{
    uint64_t left = 0, dropped = cache->dropped;
    Block **at = &page->blocks;
    while (*at) {
        Block *b = *at;
        if (block_grains(b) & grains) {
            b->valid = false;
            cache->dropped++;
            if (cache->hooks.dropped)
                cache->hooks.dropped(cache->hooks.opaque, b);
            forget_block(cache, b);
            *at = b->page_next;
        } else {
            left |= block_grains(b);
            at = &b->page_next;
        }
    }
    page->grains = left;
    if (!left)
        cache->page_has_code[page->pa >> PAGE_BITS >> 3] &= (uint8_t) ~(1u << (page->pa >> PAGE_BITS & 7));
    if (cache->dropped != dropped)
        interrupt_blocks(cache);
}

static void written_in_page(CodeCache *cache, uint32_t pa, uint32_t size)
{
    CodePage *page = find_page(cache, pa);
    uint32_t offset = pa & ~PAGE_MASK;
    uint64_t grains = grain_mask(offset, offset + size - 1);
    if (page && (page->grains & grains))
        drop_blocks(cache, page, grains);
}

void code_cache_written(CodeCache *cache, uint32_t pa, uint32_t size)
{
    uint64_t end = (uint64_t)pa + size;
    for (uint64_t at = pa; at < end;) {
        uint64_t stop = (at | (PAGE_SIZE - 1)) + 1;
        uint32_t part = (uint32_t)((stop < end ? stop : end) - at);
        if (code_cache_has_code(cache, (uint32_t)at))
            written_in_page(cache, (uint32_t)at, part);
        at += part;
    }
}
