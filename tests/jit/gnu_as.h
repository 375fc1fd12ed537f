/* Compares what the assembler wrote with what GNU as makes of the same instructions as text. */
#ifndef ARMATURE_TESTS_JIT_GNU_AS_H
#define ARMATURE_TESTS_JIT_GNU_AS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jit/x64_asm.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { SLOT = 16, TEXT = 96 };

typedef struct Case {
    uint8_t bytes[SLOT]; /* padded with INT3 */
    char text[TEXT];     /* Intel syntax */
} Case;

typedef struct Cases {
    Case *list;
    size_t count, room;
    uint8_t code[2 * SLOT];
    Asm a; /* where the next instruction is written */
} Cases;

typedef struct OperandText {
    char text[TEXT / 2];
} OperandText;

/* Setup and teardown of a test: *state becomes an empty Cases. */
int cases_new(void **state);
int cases_free(void **state);

/* What was written to c->a since the last call is one instruction, and this is its text. */
void expect(Cases *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Hands all texts to GNU as and compares the bytes. */
void compare_with_gnu_as(Cases *c);

/* Names of operands. */
const char *reg_text(Width w, Reg reg);
OperandText mem_text(Mem mem);            /* "[rax+rcx*4+16]" */
const char *width_text(Width w);          /* "dword ptr" */
long long imm_text(Width w, int32_t imm); /* the immediate as the operand sees it */

/* Addresses: every base, every index with every scale, displacements at the edges. */
extern const Mem some_mems[];
extern const size_t some_mems_count;
extern const int32_t edge_disps[9];
extern const int32_t edge_imms[13];
extern const Width all_widths[4];

#endif
