/* When blocks are compiled, and by whom. */
#ifndef ARMATURE_JIT_HOT_H
#define ARMATURE_JIT_HOT_H

#include "jit/private.h"

/* Block.jit: 0, the number of compiled code, FIRST_JOB + the number of a job, or BLOCK_UNFIT. */
#define FIRST_JOB (BLOCK_UNFIT - WORKER_JOBS - 1)

static inline bool is_compiled(const Block *block)
{
    return block->jit && block->jit < FIRST_JOB;
}

void hot_init(Jit *jit);
void hot_free(Jit *jit);

/* A block that is not compiled is about to run. True if it is compiled now. */
bool hot_block(Jit *jit, Cpu *cpu, Block *block);

/* Takes the blocks whose time has come. */
void hot_take_due(Jit *jit);

/* The block became invalid; all did. */
void hot_dropped(Jit *jit, Block *block);
void hot_emptied(Jit *jit);

#endif
