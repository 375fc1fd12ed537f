/* Decoded code, kept by physical address so that every mapping and every process shares it.
 *
 * A block is a run of instructions within one page that is entered at its first one. It is found by physical
 * address, instruction set and ITSTATE, which together are all that decoding depends on. Blocks within one
 * page are linked to the blocks that follow them. Writes to memory that holds blocks drop them, at a grain of
 * 64 bytes; a page that holds some is never written through the TLB's fast path. When the arena is full,
 * everything is dropped. */
#ifndef ARMATURE_CPU_CODE_CACHE_H
#define ARMATURE_CPU_CODE_CACHE_H

#include "cpu/insn.h"

typedef struct Block Block;

enum { BLOCK_MAX_INSNS = 64 };

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
    Block *hash_next, *page_next;
    Insn insn[];
};

typedef struct CodeCache CodeCache;

/* The valid block for key, NULL if there is none yet. */
Block *code_cache_find(CodeCache *cache, BlockKey key);

/* Decodes a block at key from host_page (the host address of the page of key.pa) and enters it. NULL if it
 * cannot be kept: its first instruction crosses into the next page. */
Block *code_cache_decode(CodeCache *cache, BlockKey key, const uint8_t *host_page);

/* Changes whenever all blocks were dropped: pointers to blocks that were taken before must not be used. */
uint32_t code_cache_epoch(const CodeCache *cache);

#endif
