/* What the IR's floating-point and vector operations do: their imm. */
#ifndef ARMATURE_JIT_SIMD_H
#define ARMATURE_JIT_SIMD_H

#include <stdbool.h>

/* FP_BINARY, FP_UNARY, FP_SIGN. Results that are NaNs, and those whose underflow the host sees otherwise than Arm, take
 * the slow path; cumulative flags are the host's sticky ones. */
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
    FP_DOUBLE = 0x100,   /* operands are doubles */
    FP_LATER = 0x200,    /* the result goes into another operation, which looks whether it is a NaN */
    FP_SIGNALS = 0x400,  /* FP_COMPARE: quiet NaNs too */
    FP_ZERO = 0x800,     /* FP_COMPARE: with 0; b is not used */
    FP_UNSIGNED = 0x1000, /* FP_TO_INT, FP_FROM_INT */
    FP_NEAREST = 0x2000  /* FP_TO_INT: rounds to nearest rather than towards zero */
};

#endif
