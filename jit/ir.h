/* The intermediate representation of one block: a list of operations in order, each defining at most one
 * value, which is known by its index. It is made by translate.c, cleaned by opt.c, and turned into host code
 * by the lowering. Nothing here is about Arm except that guest registers and flags are read and written by
 * number. */
#ifndef ARMATURE_JIT_IR_H
#define ARMATURE_JIT_IR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef enum IrOp {
#define IR_OP(name, operands, result, effects) IR_##name,
#include "jit/ir_ops.def"
#undef IR_OP
    IR_OPS
} IrOp;

typedef enum IrType { IR_NONE, IR_V32, IR_V64, IR_V128 } IrType;
typedef enum IrEffect { IR_PURE, IR_STATE, IR_EFFECT, IR_SLOW } IrEffect;

typedef struct IrOpInfo {
    const char *name;
    uint8_t operands, result, effect;
} IrOpInfo;

extern const IrOpInfo ir_ops[IR_OPS];

/* Fields of the CPU beside its registers. */
typedef enum IrField { FIELD_NF, FIELD_ZF, FIELD_CF, FIELD_VF, FIELD_Q, FIELD_GE, IR_FIELDS } IrField;

typedef uint16_t IrRef; /* index of an operation; 0 is none (the first operation is a NOP) */

#define IR_NO_REF ((IrRef)0)

enum { IR_MAX = 4096, IR_MAX_CONDS = 192, IR_MAX_SNAPS = 128, IR_SIGNED = 0x80 };

/* With the size of a LOAD or STORE: an unaligned address is a fault, whatever the CPU's state. */
enum { IR_ALIGNED = 0x10 };

/* For what a value is used: itself, or only the flags of the operation that makes it. */
enum { IR_USED_VALUE = 1, IR_USED_FLAGS = 2 };

typedef struct IrInsn {
    uint8_t op;
    uint8_t hint; /* guest register that the value is going to, + 1; 0: none (opt.c) */
    uint8_t used; /* IR_USED_* (opt.c) */
    IrRef a, b, c;
    uint32_t imm;
    IrRef last;    /* the last operation that needs this value; 0: nobody does (opt.c) */
    uint16_t snap; /* SLOW operations and EXIT_IF: flags that are not in the CPU yet (index of an IrFlags), 0:
                      none */
} IrInsn;

/* Where the flags are: values, or IR_NO_REF for what the CPU's field holds. */
typedef struct IrFlags {
    IrRef value[4]; /* by FIELD_NF ... FIELD_VF */
} IrFlags;

/* A condition over flags: holds as the manual's condition number cond (0 to 13) says. */
typedef struct IrCond {
    IrFlags flags;
    uint8_t cond;
} IrCond;

typedef struct Ir {
    IrInsn insn[IR_MAX];
    unsigned count;
    IrCond cond[IR_MAX_CONDS];
    unsigned conds;
    IrFlags snap[IR_MAX_SNAPS];
    unsigned snaps;
} Ir;

static inline bool ir_is(const Ir *ir, IrRef ref, IrOp op)
{
    return ref != IR_NO_REF && ir->insn[ref].op == op;
}

/* The condition that an operation depends on, or NULL. */
const IrCond *ir_condition(const Ir *ir, const IrInsn *insn);

/* Which flags a condition looks at: bit f for field f. */
uint8_t ir_cond_needs(unsigned cond);

/* True if no operation between the two (exclusive) has host code that changes host flags. */
bool ir_keeps_host_flags(const Ir *ir, IrRef from, IrRef to);

void ir_reset(Ir *ir);

/* Drops what nobody needs, finds last uses and hints. */
void ir_optimise(Ir *ir);

/* Writes the operations as text, one a line. */
void ir_print(const Ir *ir, FILE *out);

#endif
