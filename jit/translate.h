/* Guest instructions to IR. */
#ifndef ARMATURE_JIT_TRANSLATE_H
#define ARMATURE_JIT_TRANSLATE_H

#include "cpu/code_cache.h"
#include "jit/ir.h"

/* All that a translation depends on, as it was when the block was asked for: the translator looks at nothing
 * else, so that it may be another thread's. */
typedef struct Source {
    Block *block; /* a copy, of up to BLOCK_MAX_INSNS instructions */
    uint64_t
        grains; /* 64-byte pieces of the block's page that are in `page`: it may take constants from there */
    uint8_t *page;                  /* [PAGE_SIZE] */
    uint8_t world;                  /* Cpu.world, which is looked at again when the code runs */
    uint32_t cell[BLOCK_MAX_INSNS]; /* of an MRC: where its register is in the CPU, or NO_CELL if it must be
                                       called */
} Source;

#define NO_CELL UINT32_MAX

Source *source_new(void);
void source_free(Source *source);

/* Takes what there is of the block now; cpu is about to run it. */
void source_take(Source *source, Cpu *cpu, const Block *block);

/* True if the pieces of the page, which the host has at host_page, are as they were. */
bool source_holds(const Source *source, uint64_t grains, const uint8_t *host_page);

/* Fills ir with what the source's block does, or as much of it as `block`, a shortened copy, has.
 * Instructions without a translation become CALL_INSN, so that every block has one. host: X64Runtime's.
 * Returns the pieces of the page that constants were taken from: the block depends on them too. */
uint64_t translate_block(Ir *ir, const Source *source, const Block *block, unsigned host);

#endif
