/* What the files of the driver share. */
#ifndef ARMATURE_JIT_PRIVATE_H
#define ARMATURE_JIT_PRIVATE_H

#include "jit/jit.h"
#include "jit/worker.h"

enum { CODE_BYTES = 96 << 20, BLOCKS_MAX = 1 << 19, THREAD_DELAY = 100000 };

typedef struct JitBlock {
    Block *block;
    X64Exits exits;
} JitBlock;

struct Jit {
    JitOptions options;
    CodeBuf buf;
    size_t runtime_end; /* what of buf is never dropped */
    X64Runtime runtime;
    Compiler compiler;
    Source *source;
    Result *result;
    Worker *worker; /* NULL: this thread compiles */
    /* Interpreted so often, a block is asked for, and not waited for any longer. */
    uint32_t ask_at, hot_at;
    Job *oldest, *newest; /* that the worker was asked for */
    unsigned asked;
    unsigned missed_in_row,
        without;   /* jobs missed; blocks that are compiled here before the worker is tried again */
    bool flushing; /* everything is dropped when the next block is looked for */
    uint64_t compile_ns, waited_ns;
    JitBlock *blocks; /* [most_blocks]; number 0 is none */
    uint32_t most_blocks;
    uint32_t count;
    struct CodeCache *code;
    unsigned cpus;
    Cpu *const *peers;
    uint8_t left; /* LEAVE_* of the instruction that left compiled code */
    JitCounts counts;
    FILE *perf_map; /* NULL: none */
    struct Verifier *verifier;
    JitDifference *difference; /* NULL: nobody is told */
    void *difference_opaque;
    uint64_t *calls_by_row; /* by row of insn_table */
};

/* Runs compiled code from the block on; returns what it exits with, the CPU's state complete. */
uint64_t jit_enter(Jit *jit, Cpu *cpu, const Block *block);

void jit_open_perf_map(Jit *jit);
void jit_map_block(const Jit *jit, const Block *block, uint32_t pc);

/* Logs a block that was just compiled by this thread. */
void jit_log_block(const Jit *jit, const Cpu *cpu, const Block *block, uint32_t pc);

#endif
