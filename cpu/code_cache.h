/* Decoded code, kept by physical address so that every mapping and every process shares it.
 *
 * A block is a run of instructions within one page that is entered at its first one. For a compiler it may go
 * on behind conditional branches forward, by which it is left at several places. It is found by physical
 * address, instruction set and ITSTATE, which together are all that decoding depends on. Blocks within one
 * page are linked to the blocks that follow them. No block contains an instruction at the place in its page
 * where a breakpoint lies. Writes to memory that holds blocks drop them, at a grain of
 * 64 bytes; a page that holds some is never written through the TLB's fast path. When the arena is full,
 * everything is dropped. */
#ifndef ARMATURE_CPU_CODE_CACHE_H
#define ARMATURE_CPU_CODE_CACHE_H

#include "cpu/breakpoints.h"
#include "cpu/insn.h"

typedef struct Block Block;

enum { BLOCK_MAX_INSNS = 64, CODE_GRAIN_BITS = 6 /* 64 grains of 64 bytes in a page */ };
#define BLOCK_UNFIT UINT32_MAX

/* What distinguishes blocks at one physical address. */
typedef struct BlockKey {
    uint32_t pa;
    uint8_t thumb, itstate;
} BlockKey;

struct Block {
    BlockKey key;
    bool valid;
    uint8_t count;
    uint16_t end_offset;  /* in the page, of the byte after the last instruction */
    uint8_t next_itstate; /* at the fall-through */
    Block *link[2];       /* successor in the same page: 0 fall-through, 1 branch taken */
    Block *page_next;
    const uint8_t *host_page; /* of key.pa */
    uint64_t literals;        /* 64-byte pieces of the page that its compiled code took constants from */
    uint32_t heat;            /* how often it was interpreted */
    uint32_t jit;             /* number of its compiled code, 0: none, BLOCK_UNFIT: cannot be compiled */
    Insn insn[];
};

/* Of a block of so many instructions. */
#define BLOCK_BYTES(insns) (sizeof(Block) + (insns) * sizeof(Insn))

typedef struct CodeCache CodeCache;

/* Whoever keeps something by blocks: dropped() is called when a block becomes invalid, emptied() after all
 * did. */
typedef struct CodeCacheHooks {
    void (*dropped)(void *opaque, Block *block);
    void (*emptied)(void *opaque);
    void *opaque;
} CodeCacheHooks;

void code_cache_set_hooks(CodeCache *cache, const CodeCacheHooks *hooks);

/* How many conditional branches a block may go on behind; none at first. For blocks that are decoded from now
 * on. */
void code_cache_set_side_exits(CodeCache *cache, unsigned most);

/* Where a direct branch goes, as an offset in its page; not below the page's size if that is in another. */
static inline uint32_t branch_offset(const Insn *insn, bool thumb)
{
    return insn->offset + (thumb ? 4u : 8u) + insn->imm;
}

/* The valid block for key, NULL if there is none yet. */
Block *code_cache_find(CodeCache *cache, BlockKey key);

/* Decodes a block at key from host_page (the host address of the page of key.pa) and enters it. NULL if it
 * cannot be kept: its first instruction crosses into the next page, or a breakpoint may lie there. */
Block *code_cache_decode(CodeCache *cache, BlockKey key, const uint8_t *host_page);

/* Cuts the block behind its first conditional branch; false if it ends there anyway. */
bool code_cache_shorten(Block *block);

/* The block depends on these grains of its page too (bit n: the n-th): it is dropped when they are written.
 */
void code_cache_depend(CodeCache *cache, Block *block, uint64_t grains);

/* To be changed between instructions, with code_cache_flush() after it. */
Breakpoints *code_cache_breakpoints(CodeCache *cache);

/* Since the start, for statistics. */
typedef struct CodeCacheCounts {
    uint64_t decoded;                /* blocks */
    uint64_t dropped;                /* blocks, because the guest wrote to their memory */
    uint64_t emptied;                /* how often everything was dropped */
    uint64_t flushes[FLUSH_REASONS]; /* and how often that was asked for, by reason */
} CodeCacheCounts;

CodeCacheCounts code_cache_counts(const CodeCache *cache);

/* Changes whenever all blocks were dropped: pointers to blocks that were taken before must not be used. */
uint32_t code_cache_epoch(const CodeCache *cache);

#endif
