/* A compiled block as text: guest code, IR, host code. */
#ifndef ARMATURE_JIT_PRINT_H
#define ARMATURE_JIT_PRINT_H

#include <stdio.h>

#include "cpu/code_cache.h"
#include "jit/jit.h"

/* page: the virtual address of the page that the block is in, for the disassembly. Host code is disassembled
 * by objdump, where that is installed; otherwise it is written as hexadecimal digits. */
void jit_print_block(Jit *jit, Block *block, uint32_t page, FILE *out);

/* A block's host code: what is usually executed, and what is rarely. `at`: offset in the code buffer. */
typedef struct JitCode {
    const uint8_t *code;
    uint32_t size, at;
} JitCode;

/* False if the block was not compiled. */
bool jit_code_of(const Jit *jit, const Block *block, JitCode *usual, JitCode *rare);

#endif
