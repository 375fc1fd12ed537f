/* What the IR's floating-point and vector operations do: their imm. */
#ifndef ARMATURE_JIT_SIMD_H
#define ARMATURE_JIT_SIMD_H

#include <stdbool.h>

/* FP_BINARY, FP_UNARY, FP_SIGN. Results that are NaNs, and those whose underflow the host sees otherwise than
 * Arm, take the slow path; cumulative flags are the host's sticky ones. */
typedef enum FpOp {
    FP_OP_ADD,
    FP_OP_SUB,
    FP_OP_MUL,
    FP_OP_DIV,
    FP_OP_SQRT,
    FP_OP_TO_DOUBLE,
    FP_OP_TO_SINGLE,
    FP_OP_ABS,
    FP_OP_NEG
} FpOp;

enum {
    FP_OP = 0xff,
    FP_DOUBLE = 0x100,    /* operands are doubles */
    FP_LATER = 0x200,     /* the result goes into another operation, which looks whether it is a NaN */
    FP_SIGNALS = 0x400,   /* FP_COMPARE: quiet NaNs too */
    FP_ZERO = 0x800,      /* FP_COMPARE: with 0; b is not used */
    FP_UNSIGNED = 0x1000, /* FP_TO_INT, FP_FROM_INT */
    FP_NEAREST = 0x2000   /* FP_TO_INT: rounds to nearest rather than towards zero */
};

/* VEC_UNARY and VEC_BINARY: operations of the host on lanes, as far as it has them. */
typedef enum VecOp {
    VEC_AND,
    VEC_OR,
    VEC_XOR,
    VEC_AND_NOT, /* ~a & b */
    VEC_ADD,
    VEC_SUB,
    VEC_ADD_SAT, /* signed */
    VEC_ADD_SAT_U,
    VEC_SUB_SAT,
    VEC_SUB_SAT_U,
    VEC_EQ,
    VEC_GT, /* signed */
    VEC_MAX,
    VEC_MAX_U,
    VEC_MIN,
    VEC_MIN_U,
    VEC_MUL,
    VEC_MUL_HIGH, /* of the product of 16-bit lanes */
    VEC_MUL_HIGH_U,
    VEC_MUL_EVEN, /* lanes 0 and 2 of 32 bits to 64 bits */
    VEC_MUL_EVEN_U,
    VEC_AVERAGE, /* unsigned, rounded up */
    VEC_ZIP_LOW,
    VEC_ZIP_HIGH,
    VEC_PACK,   /* lanes of half the size, signed saturation; size is that of the result */
    VEC_PACK_U, /* of signed lanes to unsigned ones */
    VEC_SHUFFLE_BYTES,
    VEC_ALIGN, /* bytes `number` on of b:a (b the higher half) */
    VEC_BINARY_OPS,
    /* One operand */
    VEC_SHL = VEC_BINARY_OPS,
    VEC_SHR,
    VEC_SAR,
    VEC_SHL_BYTES,
    VEC_SHR_BYTES,
    VEC_ABS,
    VEC_WIDEN, /* the low lanes to twice their size */
    VEC_WIDEN_U,
    VEC_SHUFFLE_WORDS,      /* by two bits each of the number */
    VEC_SHUFFLE_LOW_HALVES, /* of 16 bits */
    VEC_SHUFFLE_HIGH_HALVES,
    VEC_LOW,      /* the upper half cleared */
    VEC_FROM_INT, /* of 32 bits, signed */
    VEC_OPS
} VecOp;

/* VEC_FLOAT */
typedef enum VecFloatOp {
    VEC_FADD,
    VEC_FSUB,
    VEC_FMUL,
    VEC_FMAX,
    VEC_FMIN,
    VEC_FEQ,
    VEC_FGE,
    VEC_FGT,
    VEC_FLE,
    VEC_FLT,
    VEC_FTOINT /* of a: signed, towards zero */
} VecFloatOp;

/* VEC_FLOAT: four lanes count rather than two. Results have all bits of the others undefined. */
enum { VEC_QUAD = 0x100, VEC_B_PLAIN = 0x200 /* b is a result that was looked at */ };

/* True if the host has the operation for lanes of 1 << size bytes. (The back end's, as is the meaning of
 * host.) */
bool vec_op_exists(VecOp op, unsigned size, unsigned host);

#endif
