/* Private to the back end: where floats and vectors are.
 *
 * The guest's vector registers are in the CPU, always: what is written goes there at once. XMM registers hold
 * copies of some of them, which slow paths load again before they go on, and values of the IR, which live
 * within one guest instruction. An S or D register, and a value as wide, is in the low part of an XMM
 * register whose rest is 0. */
#ifndef ARMATURE_JIT_X64_XMM_H
#define ARMATURE_JIT_X64_XMM_H

#include "jit/x64_asm.h"
#include "jit/ir.h"

enum { XMMS = 16 };

typedef enum XmmKind { COPY_NONE, COPY_S, COPY_D, COPY_Q } XmmKind;

/* What XMM registers are copies of. */
typedef struct XmmCopies {
    uint8_t kind[XMMS]; /* XmmKind */
    uint8_t n[XMMS];    /* S or D register; of a Q register its first D register */
} XmmCopies;

typedef struct XmmState {
    XmmCopies copies;
    IrRef value[XMMS]; /* IR_NO_REF: none */
    bool pinned[XMMS];
    uint32_t used[XMMS]; /* when, by `clock` */
    uint32_t clock;
} XmmState;

/* What is looked at to find out whether the host's arithmetic on singles does as the standard FPSCR says. */
typedef enum FloatLookKind { LOOK_NONE, LOOK_OPERANDS, LOOK_SUM, LOOK_PRODUCT } FloatLookKind;

typedef struct FloatLook {
    uint8_t kind; /* FloatLookKind */
    bool quad;
    Xmm n, m, r, t[4]; /* operands, result, free registers */
    Reg mask;          /* free */
} FloatLook;

/* Whether bytes at an address that is not a multiple of their number may be accessed nevertheless. */
typedef struct SpanLook {
    uint8_t bytes, alignment; /* bytes 0: no look */
    Reg address, free;
} SpanLook;

/* What is looked at out of line before an unaligned access of 2 or 4 bytes: page is free until then. */
typedef struct OddLook {
    uint8_t bytes;
    bool write;
    Reg address, page;
} OddLook;

/* Constants in the CPU (jit_const). */
typedef enum XmmConst {
    CONST_ABS_S,
    CONST_ABS_D,
    CONST_SIGN_S,
    CONST_SIGN_D,
    CONST_LEAST_S, /* the least normal number */
    CONST_LEAST_D,
    CONST_ABS_4S,
    CONST_SIGN_4S,
    CONST_LEAST_4S,
    CONST_MOVE_4S, /* see find_unusual() */
    CONST_TOP_4S,
    CONST_MOVE_PRODUCT_4S,
    CONST_TOP_PRODUCT_4S,
    CONST_2_32, /* 2^32 and -1, singles and doubles */
    CONST_2_32_S,
    CONST_MINUS_1,
    CONST_MINUS_1_S,
    CONST_NZCV, /* words: FPSCR after a comparison that found less, equal, unordered */
    CONST_ONES,
    XMM_CONSTS
} XmmConst;

#endif
