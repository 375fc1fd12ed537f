/* An assembler for x86-64: each function appends one instruction. It knows nothing about Arm or the IR.
 *
 * Encodings: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2. The shortest encoding is
 * chosen (8-bit immediates and displacements, no REX prefix where none is needed). When the buffer has less
 * than X64_MAX_INSN bytes left, nothing is written, then or later, and `full` is set: callers look at it
 * once, at the end. Operands and widths that an instruction does not have are errors of the caller. */
#ifndef ARMATURE_JIT_X64_ASM_H
#define ARMATURE_JIT_X64_ASM_H

#include <stdbool.h>
#include <stdint.h>

enum { X64_MAX_INSN = 16 };

/* clang-format off */
typedef enum Reg {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15,
    REG_NONE = -1
} Reg;

typedef enum Xmm {
    XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7, XMM8, XMM9, XMM10, XMM11, XMM12, XMM13, XMM14, XMM15
} Xmm;
/* clang-format on */

/* Operand width in bits of general-purpose operations. */
typedef enum Width { W8 = 8, W16 = 16, W32 = 32, W64 = 64 } Width;

/* [base + index * scale + disp]. index REG_NONE: none (RSP cannot be one); base REG_NONE: none. scale: 1, 2,
 * 4 or 8. Without base and index, disp is an absolute address, sign-extended. */
typedef struct Mem {
    Reg base, index;
    uint8_t scale;
    int32_t disp;
} Mem;

static inline Mem mem_at(Reg base, int32_t disp)
{
    return (Mem){base, REG_NONE, 1, disp};
}

static inline Mem mem_index(Reg base, Reg index, unsigned scale, int32_t disp)
{
    return (Mem){base, index, (uint8_t)scale, disp};
}

/* Where code goes. `write` is the writable view, `run` the address at which the same byte executes (they may
 * be equal): relative branches are computed from `run`. */
typedef struct Asm {
    uint8_t *at, *end; /* writable view */
    int64_t to_run;    /* add to a writable address to get the executable one */
    bool full;
    struct NearList *nears; /* NULL: nobody wants to know */
} Asm;

enum { X64_MOST_NEARS = 4096 };

/* Where all 32-bit displacements of branches and calls are, so that code can be moved. One more sets `full`.
 */
typedef struct NearList {
    uint8_t *at[X64_MOST_NEARS]; /* writable view */
    unsigned count;
} NearList;

/* Condition codes as the hardware numbers them. */
/* clang-format off */
typedef enum Cc {
    CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A, CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G
} Cc;
/* clang-format on */

/* The opposite condition. */
static inline Cc cc_not(Cc cc)
{
    return (Cc)(cc ^ 1);
}

/* clang-format off */
/* In the order of the opcode field /r of 80-83. */
typedef enum AluOp { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP } AluOp;
/* In the order of the opcode field of C0-D3. */
typedef enum ShiftOp {
    SHIFT_OP_ROL, SHIFT_OP_ROR, SHIFT_OP_RCL, SHIFT_OP_RCR, SHIFT_OP_SHL, SHIFT_OP_SHR, SHIFT_OP_SAR = 7
} ShiftOp;
/* One-operand group F6/F7. */
typedef enum UnaryOp {
    UNARY_NOT = 2, UNARY_NEG = 3, UNARY_MUL = 4, UNARY_IMUL = 5, UNARY_DIV = 6, UNARY_IDIV = 7
} UnaryOp;
/* clang-format on */

/* ---- Moves ------------------------------------------------------------------------------------------- */

void x64_mov_rr(Asm *a, Width w, Reg dst, Reg src); /* W32 or W64 */
/* dst := imm, zero-extended from 32 bits if it fits (xor is not used: flags stay as they are). */
void x64_mov_ri(Asm *a, Reg dst, uint64_t imm);
/* Loads zero-extend to 64 bits; the signed ones sign-extend to 32 and zero-extend from there. */
void x64_load(Asm *a, Width w, Reg dst, Mem src);
void x64_load_signed(Asm *a, Width w, Reg dst, Mem src); /* W8, W16; W32 sign-extends to 64 (movsxd) */
void x64_store(Asm *a, Width w, Mem dst, Reg src);
void x64_store_imm(Asm *a, Width w, Mem dst, int32_t imm); /* W64: sign-extended */
void x64_movzx(Asm *a, Width from, Reg dst, Reg src);      /* W8, W16 -> 32 */
void x64_movsx(Asm *a, Width from, Reg dst, Reg src);      /* W8, W16 -> 32; W32 -> 64 */
void x64_lea(Asm *a, Width w, Reg dst, Mem src);
void x64_cmov(Asm *a, Cc cc, Width w, Reg dst, Reg src);
void x64_cmov_rm(Asm *a, Cc cc, Width w, Reg dst, Mem src);
void x64_setcc_r(Asm *a, Cc cc, Reg dst); /* the low byte only */
void x64_setcc_m(Asm *a, Cc cc, Mem dst);
void x64_xchg_rr(Asm *a, Width w, Reg x, Reg y);
void x64_push(Asm *a, Reg reg);
void x64_pop(Asm *a, Reg reg);

/* ---- Arithmetic -------------------------------------------------------------------------------------- */

void x64_alu_rr(Asm *a, AluOp op, Width w, Reg dst, Reg src); /* W8, W32, W64 */
void x64_alu_ri(Asm *a, AluOp op, Width w, Reg dst, int32_t imm);
void x64_alu_rm(Asm *a, AluOp op, Width w, Reg dst, Mem src);
void x64_alu_mr(Asm *a, AluOp op, Width w, Mem dst, Reg src);
void x64_alu_mi(Asm *a, AluOp op, Width w, Mem dst, int32_t imm); /* W8, W32, W64 */
void x64_test_rr(Asm *a, Width w, Reg x, Reg y);
void x64_test_ri(Asm *a, Width w, Reg x, int32_t imm); /* shortest: byte form where imm and x allow it */
void x64_test_mi(Asm *a, Width w, Mem x, int32_t imm);
void x64_shift_ri(Asm *a, ShiftOp op, Width w, Reg dst, unsigned n);
void x64_shift_cl(Asm *a, ShiftOp op, Width w, Reg dst);
void x64_shld_ri(Asm *a, Width w, Reg dst, Reg src, unsigned n);
void x64_shrd_ri(Asm *a, Width w, Reg dst, Reg src, unsigned n);
void x64_unary(Asm *a, UnaryOp op, Width w, Reg reg);
void x64_imul_rr(Asm *a, Width w, Reg dst, Reg src);
void x64_imul_rri(Asm *a, Width w, Reg dst, Reg src, int32_t imm);
void x64_cdq(Asm *a);
void x64_bswap(Asm *a, Width w, Reg reg);
void x64_bt_ri(Asm *a, Width w, Reg reg, unsigned bit);
void x64_bt_mi(Asm *a, Width w, Mem mem, unsigned bit);
void x64_bsr(Asm *a, Width w, Reg dst, Reg src);
void x64_cmc(Asm *a);
void x64_lock_cmpxchg(Asm *a, Width w, Mem dst, Reg src);
/* Only where the host has them. */
void x64_lzcnt(Asm *a, Width w, Reg dst, Reg src);                         /* LZCNT */
void x64_shiftx(Asm *a, ShiftOp op, Width w, Reg dst, Reg src, Reg count); /* BMI2: SHL, SHR, SAR */
void x64_rorx(Asm *a, Width w, Reg dst, Reg src, unsigned n);              /* BMI2 */
void x64_andn(Asm *a, Width w, Reg dst, Reg not_this, Reg with_this);      /* BMI1 */

/* ---- Control ----------------------------------------------------------------------------------------- */

/* A forward branch whose target is not known yet: the place of its 32-bit displacement, for x64_patch(). */
typedef uint8_t *Patch;

Patch x64_jcc(Asm *a, Cc cc);
Patch x64_jmp(Asm *a);
Patch x64_call(Asm *a);
/* Short forms, for targets within 127 bytes; the caller is sure of that. Without room all five return NULL,
 * which the two functions below take. */
Patch x64_jcc_short(Asm *a, Cc cc);
Patch x64_jmp_short(Asm *a);
/* To a known executable address within +-2 GiB (short form where possible). Where that is out of reach,
 * nothing is written and `full` is set. */
void x64_jcc_to(Asm *a, Cc cc, const void *run_target);
void x64_jmp_to(Asm *a, const void *run_target);
void x64_call_to(Asm *a, const void *run_target);
void x64_jmp_r(Asm *a, Reg reg);
void x64_jmp_m(Asm *a, Mem mem);
void x64_call_r(Asm *a, Reg reg);
void x64_ret(Asm *a);
void x64_int3(Asm *a);
void x64_nop(Asm *a, unsigned bytes); /* the recommended multi-byte forms */

/* Lets the branch at `patch` go to the writable address `target` (in the same buffer), and the same for the
 * short forms; asserts that it reaches. x64_patch() is also how a link between blocks is made later: the
 * displacement is written by one aligned-enough 4-byte store. */
void x64_patch(Patch patch, const uint8_t *target);
void x64_patch_short(Patch patch, const uint8_t *target);

/* ---- SSE and AVX ------------------------------------------------------------------------------------- */

/* The legacy-SSE instructions are described by mandatory prefix (0, 0x66, 0xf2, 0xf3), map (0x0f, 0x0f38,
 * 0x0f3a) and opcode, since there are hundreds; x64_sse.def names the ones in use (x64_sse.h). */
typedef struct SseOp {
    uint8_t prefix;
    uint16_t map;
    uint8_t opcode;
} SseOp;

void x64_sse_rr(Asm *a, SseOp op, Xmm dst, Xmm src);
void x64_sse_rm(Asm *a, SseOp op, Xmm dst, Mem src);
void x64_sse_mr(Asm *a, SseOp op, Mem dst, Xmm src); /* the store forms: MOVUPS 0x11, MOVAPS 0x29 ... */
void x64_sse_rri(Asm *a, SseOp op, Xmm dst, Xmm src, uint8_t imm);
void x64_sse_rmi(Asm *a, SseOp op, Xmm dst, Mem src, uint8_t imm);
void x64_sse_mri(Asm *a, SseOp op, Mem dst, Xmm src, uint8_t imm); /* PEXTRB and the like to memory */
/* Group forms: PSLLD xmm, imm and the like (op.opcode with /ext). */
void x64_sse_shift_i(Asm *a, SseOp op, unsigned ext, Xmm dst, uint8_t imm);
void x64_movd_xr(Asm *a, Width w, Xmm dst, Reg src); /* W32 MOVD, W64 MOVQ */
void x64_movd_rx(Asm *a, Width w, Reg dst, Xmm src);
void x64_cvt_rx(Asm *a, SseOp op, Width w, Reg dst, Xmm src); /* CVTTSD2SI, MOVMSKPS, PMOVMSKB ... */
void x64_cvt_xr(Asm *a, SseOp op, Width w, Xmm dst, Reg src); /* CVTSI2SD ... */
/* PINSRB, PINSRW, PINSRD (W32), PINSRQ (W64: PINSRD with REX.W); from memory: x64_sse_rmi(). */
void x64_pinsr(Asm *a, SseOp op, Width w, Xmm dst, Reg src, uint8_t imm);
/* PEXTRB, PEXTRW, PEXTRD (W32), PEXTRQ (W64: PEXTRD with REX.W), zero-extended; to memory: x64_sse_mri(). */
void x64_pextr(Asm *a, SseOp op, Width w, Reg dst, Xmm src, uint8_t imm);
void x64_ldmxcsr(Asm *a, Mem src);
void x64_stmxcsr(Asm *a, Mem dst);

#endif
