/* Guest instructions to IR. */
#ifndef ARMATURE_JIT_TRANSLATE_H
#define ARMATURE_JIT_TRANSLATE_H

#include "cpu/code_cache.h"
#include "jit/ir.h"

/* Fills ir with what the block does. cpu is the one that is about to run it: what holds in its present
 * state is checked again when the code runs. Instructions without a translation become CALL_INSN, so that
 * every block has one. host: X64Runtime's. */
void translate_block(Ir *ir, Cpu *cpu, Block *block, unsigned host);

#endif
