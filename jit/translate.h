/* Guest instructions to IR. */
#ifndef ARMATURE_JIT_TRANSLATE_H
#define ARMATURE_JIT_TRANSLATE_H

#include "cpu/code_cache.h"
#include "jit/ir.h"

/* Fills ir with what the block does. Instructions without a translation become CALL_INSN, so that every block
 * has one. */
void translate_block(Ir *ir, const Block *block);

#endif
