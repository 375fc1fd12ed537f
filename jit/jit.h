/* The block compiler: hot blocks of the code cache become host code. */
#ifndef ARMATURE_JIT_JIT_H
#define ARMATURE_JIT_JIT_H

#include <stdio.h>

#include "cpu/cpu.h"
#include "machine/error.h"

typedef struct Jit Jit;

typedef enum JitMode { JIT_OFF, JIT_ON, JIT_VERIFY } JitMode;

/* Whether another thread compiles; JIT_THREAD_AUTO: if the process may use several processors, and nothing is
 * verified. */
typedef enum JitThread { JIT_THREAD_OFF, JIT_THREAD_ON, JIT_THREAD_AUTO } JitThread;

typedef struct JitOptions {
    JitMode mode;
    JitThread thread;
    bool repeatable;    /* what is compiled when must not depend on the host */
    bool perf_map;      /* write /tmp/perf-PID.map, by which Linux's perf names compiled code */
    unsigned threshold; /* a block is compiled when it was interpreted so often */
    /* Bytes of host code and number of blocks after which everything is dropped; 0: enough for most guests.
     */
    uint32_t code_bytes, most_blocks;
    /* Instructions after which a block that the other thread was asked for is taken, hot or not; 0: what
     * measured best.
     */
    uint32_t thread_delay;
    /* Called on that thread before it compiles a block, for tests; NULL: nothing. */
    void (*worker_hook)(void *opaque);
    void *worker_opaque;
} JitOptions;

enum { JIT_DEFAULT_THRESHOLD = 8 };

typedef struct JitCounts {
    uint64_t blocks;      /* compiled */
    uint64_t unfit;       /* blocks that could not be compiled */
    uint64_t insns;       /* guest instructions in them */
    uint64_t bytes;       /* host code now */
    uint64_t dropped;     /* compiled blocks whose memory was written */
    uint64_t emptied;     /* times that everything was dropped */
    uint64_t links;       /* branches patched */
    uint64_t interpreted; /* guest instructions executed by the interpreter's loop */
    uint64_t compiled;    /* guest instructions executed by compiled code, calls included */
    uint64_t calls;       /* of which executed by calling the interpreter's function */
    uint64_t enters;      /* times compiled code was entered */
    uint64_t slow;        /* instructions whose fast path was left, for the interpreter's function */
    uint64_t second;      /* jumps found in the second part of the jump cache */
    uint64_t shortened;   /* blocks that were cut to be compiled */
    uint64_t compile_us; /* host time that the CPU's thread spent on compiling, handing over and installing */
    uint64_t worker_blocks; /* compiled by the other thread */
    uint64_t worker_missed; /* asked for, but compiled by the CPU's thread, as the other one was not ready */
    uint64_t worker_stale;  /* asked for, but not wanted any more: the guest changed the code or a constant */
    uint64_t worker_us;     /* host time that the other thread spent on compiling */
    uint64_t waited_us;     /* host time that the CPU's thread waited for the other one */
    uint64_t verified;      /* blocks executed both ways and compared */
    uint64_t unrepeated;    /* blocks that could not be executed twice */
    uint64_t exits[5];      /* by kind: link, budget, stale, far, left */
} JitCounts;

/* One for all CPUs that share the code cache. NULL with err set if the host refuses memory for code. */
Jit *jit_new(const JitOptions *options, struct CodeCache *code, unsigned cpus, Cpu *const *peers, Error *err);
void jit_free(Jit *jit);

/* JIT_VERIFY: the first difference between compiled code and the interpreter is handed over, as text of many
 * lines. The hook has to stop the machine: nothing is compared any more. */
typedef void JitDifference(void *opaque, const char *report);
void jit_on_difference(Jit *jit, JitDifference *hook, void *opaque);

/* As interp_run(): runs until icount reaches icount_limit or attention demands the machine. */
void jit_run(Jit *jit, Cpu *cpu);

JitCounts jit_counts(const Jit *jit);

/* The counters as a table: n from 0 to JIT_STATS - 1. */
typedef struct JitStat {
    const char *name, *help;
    uint64_t value;
} JitStat;

enum { JIT_STATS = 27 };

JitStat jit_stat(const Jit *jit, unsigned n);

/* Writes how often which instructions were executed by calling the interpreter's function, most often first.
 */
void jit_print_calls(const Jit *jit, FILE *out);

#endif
