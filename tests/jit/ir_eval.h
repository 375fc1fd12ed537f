/* What operations of the IR mean, as plain C: integers, guest registers, flags and conditional pieces. */
#ifndef ARMATURE_TESTS_JIT_IR_EVAL_H
#define ARMATURE_TESTS_JIT_IR_EVAL_H

#include "jit/ir.h"

typedef struct IrState {
    uint32_t reg[15];
    uint32_t field[IR_FIELDS]; /* as in the Cpu: Q and GE are bytes there */
    uint32_t page_va;
} IrState;

/* Executes the operations up to the exit: 0 if it is the last one, otherwise the number of the EXIT_IF,
 * from 1. */
unsigned ir_eval(const Ir *ir, IrState *state);

/* The value of a pure operation of integers from those of its operands. */
uint64_t ir_eval_op(const IrInsn *insn, uint64_t a, uint64_t b, uint64_t c);

#endif
