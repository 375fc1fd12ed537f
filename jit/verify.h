/* Compiled blocks run both ways (--jit=verify). Private to the driver. */
#ifndef ARMATURE_JIT_VERIFY_H
#define ARMATURE_JIT_VERIFY_H

#include "cpu/code_cache.h"
#include "jit/jit.h"

typedef struct Verifier Verifier;

Verifier *verifier_new(void);
void verifier_free(Verifier *verifier);

/* Runs the block at pc, which is compiled and fits into icount_limit, in the interpreter, takes that back,
 * runs the compiled code, and compares. What the interpreter did is kept where it cannot be repeated (device
 * registers). Compiled code must not be linked. True if there is no difference, and as long as there was none
 * before: the first is handed to jit_on_difference()'s hook. */
bool verify_block(Jit *jit, Cpu *cpu, Block *block);

#endif
