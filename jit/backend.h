/* What the translator's driver knows of the back end that makes host code. */
#ifndef ARMATURE_JIT_BACKEND_H
#define ARMATURE_JIT_BACKEND_H

#include "cpu/code_cache.h"
#include "jit/codebuf.h"
#include "jit/ir.h"
#include "jit/x64_asm.h"

/* Routines made once, at the start of the code buffer (executable addresses). */
typedef struct X64Runtime {
    /* uint64_t enter(Cpu *cpu, const void *code): runs compiled code; returns what exit was given. */
    const uint8_t *enter;
    const uint8_t *exit;       /* jump: RAX is returned by enter */
    const uint8_t *call_insn;  /* call: EAX = block number << 8 | instruction; leaves if it must */
    const uint8_t *exit_far;   /* jump: EAX = guest address with Thumb bit, not in the jump cache */
    bool has_lzcnt;
} X64Runtime;

/* A way out of a block to a known place in the same page, which can be linked. */
typedef struct X64Link {
    Patch patch;    /* the branch's displacement */
    uint32_t stub;  /* where it goes while it is not linked: offset in the code buffer */
    uint16_t offset; /* of the target in the page */
    uint8_t itstate; /* at the target */
} X64Link;

enum { X64_MAX_LINKS = 4 };

typedef struct X64Exits {
    X64Link link[X64_MAX_LINKS];
    unsigned links;
    uint32_t far_entry, entry, stale; /* offsets in the code buffer: see x64_lower.c */
} X64Exits;

/* What exit returns: number of the block << 8 | code. */
#define EXIT_NONE UINT64_MAX
enum { EXIT_LINK = 0, EXIT_BUDGET = 0x80, EXIT_STALE = 0x81, EXIT_FAR = 0x82, EXIT_LEFT = 0x83 };

typedef struct Lower Lower; /* working memory */
Lower *x64_lower_new(void); /* to be freed with free() */

/* Makes the runtime at the buffer's current end. */
bool x64_make_runtime(CodeBuf *buf, X64Runtime *runtime);

/* Appends host code for the block. False if it does not fit (buf is as before then) or cannot be compiled. */
bool x64_lower(Lower *lower, CodeBuf *buf, const X64Runtime *runtime, Ir *ir, const Block *block, uint32_t number,
               X64Exits *exits, bool *full);

/* Makes a link's branch go to `target`, or the entry of a block that is gone go elsewhere: offsets in the
 * buffer. */
void x64_link(CodeBuf *buf, Patch patch, uint32_t target);
void x64_redirect(CodeBuf *buf, uint32_t entry, uint32_t target);

/* Called by call_insn: executes the instruction by the interpreter's function. Returns JIT_GO_ON, JIT_LEAVE, or the code
 * that goes on for pc, of a block's far entry; jit_target and jit_budget are up to date then. */
const void *jit_call_insn(Cpu *cpu, uint32_t where);

#define JIT_GO_ON NULL
#define JIT_LEAVE ((const void *)1)

#endif
