/* What the translator's driver knows of the back end that makes host code. */
#ifndef ARMATURE_JIT_BACKEND_H
#define ARMATURE_JIT_BACKEND_H

#include "cpu/code_cache.h"
#include "jit/codebuf.h"
#include "jit/ir.h"
#include "jit/x64_asm.h"

/* What not every x86-64 processor has and code may use. */
enum { HOST_LZCNT = 1, HOST_SSSE3 = 2, HOST_SSE41 = 4 };

/* Those of this host. */
unsigned x64_host_features(void);

/* Routines made once, at the start of the code buffer (executable addresses). */
typedef struct X64Runtime {
    /* uint64_t enter(Cpu *cpu, const void *code): runs compiled code; returns what exit was given. */
    const uint8_t *enter;
    const uint8_t *exit;      /* jump: RAX is returned by enter */
    const uint8_t *call_insn; /* call: EAX = block number << 8 | instruction; leaves if it must */
    /* The same, but the rest of the block is interpreted; does not return. */
    const uint8_t *call_rest;
    const uint8_t *fp_host;  /* call: sets cpu->fp_host to what is possible; leaves registers alone */
    const uint8_t *exit_far; /* jump: EAX = guest address with Thumb bit, not in the jump cache */
    /* The same for a link to another page: what leaves is cpu->jit_exit. */
    const uint8_t *exit_link;
    /* call: looks at an unaligned address in register a, of which 2 or 4 bytes are read or written; if that
     * may go straight to memory, ZF is clear and temporary t has the page's entry. [write][4 bytes][t][a] */
    const uint8_t *odd[2][2][3][16];
    unsigned host; /* HOST_* that code may use: all that this host has, unless it is changed */
} X64Runtime;

/* A way out of a block to a known place, which can be linked. In another page that is good as long as a stamp
 * of the CPU says so: the branch is preceded by a comparison with it. Places are offsets in the code buffer.
 */
typedef struct X64Link {
    uint32_t patch;  /* of the branch's displacement */
    uint32_t other;  /* in another page: of that of the branch for other stamps, behind which is the lookup */
    uint32_t offset; /* of the target from the start of the page */
    uint8_t itstate; /* at the target */
    uint8_t thumb;
    bool far; /* in another page */
} X64Link;

/* Conditional branches that a block goes on behind, and exits of all kinds. */
enum { SIDE_EXITS = 3, X64_MAX_LINKS = SIDE_EXITS + 3 };

typedef struct X64Exits {
    X64Link link[X64_MAX_LINKS];
    unsigned links;
    /* Offsets in the code buffer: see x64_lower.c. */
    uint32_t far_entry, entry, again, end, stubs, stale, stubs_end;
} X64Exits;

/* What exit returns: number of the block << 8 | code. */
#define EXIT_NONE UINT64_MAX
enum { EXIT_LINK = 0, EXIT_BUDGET = 0x80, EXIT_STALE = 0x81, EXIT_FAR = 0x82, EXIT_LEFT = 0x83 };

typedef struct Lower Lower; /* working memory */
Lower *x64_lower_new(void); /* to be freed with free() */

/* Fills in what compiled code reads of the CPU's jit_* members. */
void x64_prepare_cpu(Cpu *cpu);

/* Makes the runtime at the buffer's current end. */
bool x64_make_runtime(CodeBuf *buf, X64Runtime *runtime);

/* What must be put right in a block's code when it gets its place and its number. */
typedef enum X64FixKind {
    FIX_RUNTIME, /* a displacement to a routine of the runtime */
    FIX_ACROSS,  /* a displacement from one part of the piece to the other */
    FIX_NUMBER   /* a constant that the block's number is added to, << 8 */
} X64FixKind;

typedef struct X64Fix {
    uint32_t kind : 2, at : 30; /* X64FixKind; offset in the piece */
} X64Fix;

enum { X64_PART_BYTES = 64 << 10, X64_MOST_FIXES = 4096 };

/* A block's host code before it has a place: it may be made by one thread and placed by another. What is
 * usually executed is at the start, what is rarely executed X64_PART_BYTES behind. */
typedef struct X64Piece {
    uint8_t code[2 * X64_PART_BYTES];
    uint32_t usual, rare; /* bytes in use */
    X64Exits exits;       /* offsets in the piece */
    X64Fix fix[X64_MOST_FIXES];
    unsigned fixes;
} X64Piece;

/* Host code for the block. False if it cannot be compiled. Reads and writes nothing but what it is given;
 * runtime is only read. */
bool x64_lower(Lower *lower, X64Piece *piece, const X64Runtime *runtime, Ir *ir, const Block *block);

/* Appends the piece's code to the buffer, as block `number`; exits: where it is there. False if there is no
 * room. */
bool x64_place(CodeBuf *buf, const X64Runtime *runtime, const X64Piece *piece, uint32_t number,
               X64Exits *exits);

/* Makes a link's branch go to `target`, or the entry of a block that is gone go elsewhere: offsets in the
 * buffer. */
void x64_link(CodeBuf *buf, const X64Link *link, uint32_t target);
/* What must be so for a link to another page: virtual addresses of the pages, the CPU's stamp number `which`.
 */
typedef struct FarLink {
    uint32_t from_page, page;
    unsigned which;
    uint32_t stamp;
} FarLink;

/* The same for a link to another page. */
void x64_link_far(CodeBuf *buf, const X64Link *link, uint32_t target, const FarLink *far);
void x64_redirect(CodeBuf *buf, uint32_t entry, uint32_t target);

/* With an instruction's number: it has a fast path, which was left. */
enum { JIT_SLOW = 0x80 };

/* Called by call_insn: executes the instruction by the interpreter's function. Returns JIT_GO_ON, JIT_LEAVE,
 * or the code that goes on for pc, of a block's far entry; jit_target and jit_budget are up to date then. */
const void *jit_call_insn(Cpu *cpu, uint32_t where);

/* The same for the instruction and those that follow it in the block; never JIT_GO_ON. */
const void *jit_call_rest(Cpu *cpu, uint32_t where);

#define JIT_GO_ON NULL
#define JIT_LEAVE ((const void *)1)

#endif
