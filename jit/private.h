/* What the files of the driver share. */
#ifndef ARMATURE_JIT_PRIVATE_H
#define ARMATURE_JIT_PRIVATE_H

#include "jit/backend.h"
#include "jit/jit.h"

enum { CODE_BYTES = 96 << 20, BLOCKS_MAX = 1 << 19 };

typedef struct JitBlock {
    Block *block;
    X64Exits exits;
} JitBlock;

struct Jit {
    JitOptions options;
    CodeBuf buf;
    size_t runtime_end; /* what of buf is never dropped */
    X64Runtime runtime;
    Lower *lower;
    Ir *ir;
    JitBlock *blocks; /* [BLOCKS_MAX]; number 0 is none */
    uint32_t count;
    struct CodeCache *code;
    unsigned cpus;
    Cpu *const *peers;
    uint8_t left; /* LEAVE_* of the instruction that left compiled code */
    JitCounts counts;
    uint64_t *calls_by_row; /* by row of insn_table */
};

#endif
