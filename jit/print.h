/* A compiled block as text: guest code, IR, host code. */
#ifndef ARMATURE_JIT_PRINT_H
#define ARMATURE_JIT_PRINT_H

#include <stdio.h>

#include "cpu/code_cache.h"
#include "jit/jit.h"

/* page: the virtual address of the page that the block is in, for the disassembly. Host code is disassembled
 * by objdump, where that is installed; otherwise it is written as hexadecimal digits. */
void jit_print_block(Jit *jit, const Block *block, uint32_t page, FILE *out);

/* Length of the block's host code in bytes and instructions' worth of it up to its exits; see tests/jit. 0:
 * none. */
uint32_t jit_code_of(const Jit *jit, const Block *block, const uint8_t **code);

#endif
