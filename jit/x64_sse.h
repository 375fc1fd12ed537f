/* The SSE instructions by name: SSE_ADDSD and so on, as in x64_sse_rr(a, SSE_ADDSD, XMM0, XMM1). They are
 * constant objects, which not every compiler takes as the initialiser of a static table. */
#ifndef ARMATURE_JIT_X64_SSE_H
#define ARMATURE_JIT_X64_SSE_H

#include "jit/x64_asm.h"

#define SSE(name, prefix, map, opcode)                                                                       \
    __attribute__((unused)) static const SseOp SSE_##name = {prefix, map, opcode};
#include "jit/x64_sse.def"
#undef SSE

/* The extensions of the group forms SSE_PSHIFT{W,D,Q}_I for x64_sse_shift_i(). SRA: W and D only; the shifts
 * of the whole register by bytes, SRLDQ and SLLDQ: Q only. */
enum { SSE_SRL = 2, SSE_SRLDQ = 3, SSE_SRA = 4, SSE_SLL = 6, SSE_SLLDQ = 7 };

/* The conditions of CMPPS, CMPPD, CMPSS and CMPSD (their immediate). */
typedef enum SseCmp {
    SSE_CMP_EQ,
    SSE_CMP_LT,
    SSE_CMP_LE,
    SSE_CMP_UNORD,
    SSE_CMP_NEQ,
    SSE_CMP_NLT,
    SSE_CMP_NLE,
    SSE_CMP_ORD
} SseCmp;

/* The modes of ROUNDSS and its like (their immediate). */
enum {
    SSE_ROUND_NEAREST = 0,
    SSE_ROUND_DOWN = 1,
    SSE_ROUND_UP = 2,
    SSE_ROUND_ZERO = 3,
    SSE_ROUND_MXCSR = 4,
    SSE_ROUND_QUIET = 8
};

#endif
