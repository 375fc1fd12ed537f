/* One compilation, from a source to a piece of host code. */
#ifndef ARMATURE_JIT_COMPILE_H
#define ARMATURE_JIT_COMPILE_H

#include "jit/backend.h"
#include "jit/translate.h"

/* Working memory; each thread that compiles has its own. */
typedef struct Compiler {
    const X64Runtime *runtime;
    Ir *ir;
    Lower *lower;
    Block *cut; /* a shortened copy */
} Compiler;

typedef struct Result {
    X64Piece piece;
    uint64_t literals; /* pieces of the page that constants were taken from */
    bool fit;          /* there is code */
    uint8_t shortened; /* so often */
} Result;

void compiler_init(Compiler *compiler, const X64Runtime *runtime);
void compiler_free(Compiler *compiler);

/* A block for which the back end has not enough registers is tried again as a shorter one. The result depends
 * on the source and on nothing else. */
void compile(Compiler *compiler, const Source *source, Result *result);

#endif
