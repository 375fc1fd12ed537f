/* T16 and T32: short programs, executed instruction by instruction, with results by hand from the manual:
 * flags, IT blocks, PC-relative forms, modified immediates, and what T32 adds to the shared bodies. */
#include "tests/cpu/one_insn.h"

#define N PSR_N
#define Z PSR_Z
#define C PSR_C
#define V PSR_V
#define Q PSR_Q
#define GE(bits) ((uint32_t)(bits) << 16)
#define FLAGS (PSR_N | PSR_Z | PSR_C | PSR_V | PSR_Q | PSR_GE)

enum { DATA = RAM_BASE + 0x4000, STACK = RAM_BASE + 0x8000 };

/* What memory holds before, but for the program. */
#define WORD(address) (0x80f1f2f3u + ((address)-RAM_BASE) / 4 * 0x01010101u)

/* r0 to r3 and flags before and after; where it is afterwards, relative to where it began, which is offset
 * after CODE_BASE. The text is what the code is the encoding of. */
typedef struct Program {
    const char *text;
    uint16_t code[16];
    unsigned steps;
    uint32_t before[4], psr_before, after[4], psr_after;
    int32_t pc;
    uint32_t offset;
} Program;

/* clang-format off */
static const Program flag_programs[] = {
    {"adds r0, r1, r2", {0x1888}, 1, {0, 0xffffffff, 1, 0}, V, {0, 0xffffffff, 1, 0}, Z | C, 2, 0},
    {"adds r0, r1, #7", {0x1dc8}, 1, {0, 0x7fffffff, 0, 0}, 0, {0x80000006, 0x7fffffff, 0, 0}, N | V, 2, 0},
    {"subs r0, #1", {0x3801}, 1, {0, 0, 0, 0}, C | V, {0xffffffff, 0, 0, 0}, N, 2, 0},
    {"subs r0, r1, r2", {0x1a88}, 1, {0, 5, 5, 0}, 0, {0, 5, 5, 0}, Z | C, 2, 0},
    {"movs r0, #0", {0x2000}, 1, {9, 0, 0, 0}, N | C | V, {0, 0, 0, 0}, Z | C | V, 2, 0},
    {"movs r0, r1", {0x0008}, 1, {0, 0x80000000, 0, 0}, C | V, {0x80000000, 0x80000000, 0, 0}, N | C | V, 2, 0},
    {"lsls r0, r1, #1", {0x0048}, 1, {0, 0x80000001, 0, 0}, V, {2, 0x80000001, 0, 0}, C | V, 2, 0},
    {"lsrs r0, r1, #32", {0x0808}, 1, {0, 0x80000001, 0, 0}, 0, {0, 0x80000001, 0, 0}, Z | C, 2, 0},
    {"asrs r0, r1, #32", {0x1008}, 1, {0, 0x80000001, 0, 0}, 0, {0xffffffff, 0x80000001, 0, 0}, N | C, 2, 0},
    {"lsls r0, r1", {0x4088}, 1, {3, 0, 0, 0}, C, {3, 0, 0, 0}, C, 2, 0},
    {"lsls r0, r1", {0x4088}, 1, {3, 0x20, 0, 0}, 0, {0, 0x20, 0, 0}, Z | C, 2, 0},
    {"lsrs r0, r1", {0x40c8}, 1, {0x80000000, 0x21, 0, 0}, C, {0, 0x21, 0, 0}, Z, 2, 0},
    {"asrs r0, r1", {0x4108}, 1, {0x80000000, 0xff, 0, 0}, 0, {0xffffffff, 0xff, 0, 0}, N | C, 2, 0},
    {"rors r0, r1", {0x41c8}, 1, {0x80000001, 0x20, 0, 0}, 0, {0x80000001, 0x20, 0, 0}, N | C, 2, 0},
    {"adcs r0, r1", {0x4148}, 1, {0x7fffffff, 0, 0, 0}, C, {0x80000000, 0, 0, 0}, N | V, 2, 0},
    {"sbcs r0, r1", {0x4188}, 1, {5, 5, 0, 0}, 0, {0xffffffff, 5, 0, 0}, N, 2, 0},
    {"rsbs r0, r1, #0", {0x4248}, 1, {0, 1, 0, 0}, C, {0xffffffff, 1, 0, 0}, N, 2, 0},
    {"muls r0, r1, r0", {0x4348}, 1, {0x10000, 0x10000, 0, 0}, N | C | V, {0, 0x10000, 0, 0}, Z | C | V, 2, 0},
    {"mvns r0, r1", {0x43c8}, 1, {0, 0xffffffff, 0, 0}, C, {0, 0xffffffff, 0, 0}, Z | C, 2, 0},
    {"bics r0, r1", {0x4388}, 1, {0xff, 0xf, 0, 0}, C | V, {0xf0, 0xf, 0, 0}, C | V, 2, 0},
    {"tst r0, r1", {0x4208}, 1, {1, 2, 0, 0}, C, {1, 2, 0, 0}, Z | C, 2, 0},
    {"cmp r0, r1", {0x4288}, 1, {0x80000000, 1, 0, 0}, 0, {0x80000000, 1, 0, 0}, C | V, 2, 0},
    {"cmn r0, r1", {0x42c8}, 1, {0xffffffff, 1, 0, 0}, 0, {0xffffffff, 1, 0, 0}, Z | C, 2, 0},
    {"mov r8, r0; cmp r8, r1", {0x4680, 0x4588}, 2, {1, 2, 0, 0}, 0, {1, 2, 0, 0}, N, 4, 0},
    {"mov r8, r0; add r8, r1; mov r2, r8", {0x4680, 0x4488, 0x4642}, 3, {0x7fffffff, 1, 0, 0}, C, {0x7fffffff, 1, 0x80000000, 0}, C, 6, 0},
    {"add sp, #8; add r0, sp, #4; sub sp, #508; mov r1, sp", {0xb002, 0xa801, 0xb0ff, 0x4669}, 4, {0, 0, 0, 0}, Z, {STACK + 12, STACK - 500, 0, 0}, Z, 8, 0},
    {"add.w r0, r1, r2", {0xeb01, 0x0002}, 1, {0, 0xffffffff, 1, 0}, N, {0, 0xffffffff, 1, 0}, N, 4, 0},
    {"adds.w r0, r1, r2, lsl #4", {0xeb11, 0x1002}, 1, {0, 0xfffffff0, 1, 0}, 0, {0, 0xfffffff0, 1, 0}, Z | C, 4, 0},
    {"orrs.w r0, r1, r2, lsr #1", {0xea51, 0x0052}, 1, {0, 0, 1, 0}, V, {0, 0, 1, 0}, Z | C | V, 4, 0},
    {"movs.w r0, r1", {0xea5f, 0x0001}, 1, {0, 0, 0, 0}, C, {0, 0, 0, 0}, Z | C, 4, 0},
    {"lsls.w r0, r1, r2", {0xfa11, 0xf002}, 1, {0, 1, 0x1f, 0}, C, {0x80000000, 1, 0x1f, 0}, N, 4, 0},
    {"ror.w r0, r1, #4", {0xea4f, 0x1031}, 1, {0, 0x12345678, 0, 0}, C, {0x81234567, 0x12345678, 0, 0}, C, 4, 0},
    {"rrxs r0, r1", {0xea5f, 0x0031}, 1, {0, 3, 0, 0}, C, {0x80000001, 3, 0, 0}, N | C, 4, 0},
    {"sxtb r0, r1; uxth r2, r1", {0xb248, 0xb28a}, 2, {0, 0x1234fe80, 0, 0}, N, {0xffffff80, 0x1234fe80, 0xfe80, 0}, N, 4, 0},
    {"rev r0, r1; rev16 r2, r1; revsh r3, r1", {0xba08, 0xba4a, 0xbacb}, 3, {0, 0x12345680, 0, 0}, 0, {0x80563412, 0x12345680, 0x34128056, 0xffff8056}, 0, 6, 0},
};

static const Program it_programs[] = {
    {"ite eq; addeq r0, r1, r2; subne r0, r1, r2", {0xbf0c, 0x1888, 0x1a88}, 3, {0, 0xffffffff, 1, 0}, Z, {0, 0xffffffff, 1, 0}, Z, 6, 0},
    {"ite eq; addeq r0, r1, r2; subne r0, r1, r2", {0xbf0c, 0x1888, 0x1a88}, 3, {0, 5, 5, 0}, C, {0, 5, 5, 0}, C, 6, 0},
    {"itttt hi; movhi r0, #1; movhi r1, #2; movhi r2, #3; movhi r3, #4", {0xbf81, 0x2001, 0x2102, 0x2203, 0x2304}, 5, {0, 0, 0, 0}, C, {1, 2, 3, 4}, C, 10, 0},
    {"itttt hi; movhi r0, #1; movhi r1, #2; movhi r2, #3; movhi r3, #4", {0xbf81, 0x2001, 0x2102, 0x2203, 0x2304}, 5, {0, 0, 0, 0}, C | Z, {0, 0, 0, 0}, C | Z, 10, 0},
    {"itete lt; movlt r0, #1; movge r1, #2; movlt r2, #3; movge r3, #4", {0xbfb5, 0x2001, 0x2102, 0x2203, 0x2304}, 5, {0, 0, 0, 0}, N, {1, 0, 3, 0}, N, 10, 0},
    {"iteet lt; movlt r0, #1; movge r1, #2; movge r2, #3; movlt r3, #4", {0xbfb3, 0x2001, 0x2102, 0x2203, 0x2304}, 5, {0, 0, 0, 0}, 0, {0, 2, 3, 0}, 0, 10, 0},
    {"it al; .inst.n 0x1888", {0xbfe8, 0x1888}, 2, {0, 0xffffffff, 1, 0}, V, {0, 0xffffffff, 1, 0}, V, 4, 0},
    {"it eq; moveq r0, #1; adds r1, #1", {0xbf08, 0x2001, 0x3101}, 3, {0, 0xffffffff, 0, 0}, 0, {0, 0, 0, 0}, Z | C, 6, 0},
    {"itt eq; cmpeq r0, #1; moveq r1, #1", {0xbf04, 0x2801, 0x2101}, 3, {1, 0, 0, 0}, Z, {1, 1, 0, 0}, Z | C, 6, 0},
    {"itt eq; cmpeq r0, #1; moveq r1, #1", {0xbf04, 0x2801, 0x2101}, 3, {2, 0, 0, 0}, Z, {2, 0, 0, 0}, C, 6, 0},
    {"ite ne; addne.w r0, r1, r2; subeq.w r0, r1, r2", {0xbf14, 0xeb01, 0x0002, 0xeba1, 0x0002}, 3, {0, 9, 2, 0}, Z, {7, 9, 2, 0}, Z, 10, 0},
    {"it eq; addseq.w r0, r1, r2", {0xbf08, 0xeb11, 0x0002}, 2, {0, 0xffffffff, 1, 0}, Z, {0, 0xffffffff, 1, 0}, Z | C, 6, 0},
    {"it eq; tsteq r0, r0", {0xbf08, 0x4200}, 2, {1, 0, 0, 0}, Z, {1, 0, 0, 0}, 0, 4, 0},
    {"it eq; lsleq r0, r1, #1", {0xbf08, 0x0048}, 2, {0, 0x80000000, 0, 0}, Z, {0, 0x80000000, 0, 0}, Z, 4, 0},
    {"it eq; muleq r0, r1, r0", {0xbf08, 0x4348}, 2, {3, 5, 0, 0}, Z, {0xf, 5, 0, 0}, Z, 4, 0},
    {"itt eq; moveq r0, #1; beq start + 40", {0xbf04, 0x2001, 0xe010}, 3, {0, 0, 0, 0}, Z, {1, 0, 0, 0}, Z, 40, 0},
    {"itt eq; moveq r0, #1; beq start + 40", {0xbf04, 0x2001, 0xe010}, 3, {0, 0, 0, 0}, 0, {0, 0, 0, 0}, 0, 6, 0},
    {"it ne; bne.w start + 400", {0xbf18, 0xf000, 0xb8c5}, 2, {0, 0, 0, 0}, 0, {0, 0, 0, 0}, 0, 400, 0},
    {"it eq; bleq start + 400", {0xbf08, 0xf000, 0xf8c5}, 2, {0, 0, 0, 0}, Z, {0, 0, 0, 0}, Z, 400, 0},
    {"it eq; bxeq lr", {0xbf08, 0x4770}, 2, {0, 0, 0, 0}, 0, {0, 0, 0, 0}, 0, 4, 0},
    {"it mi; ldrmi.w r0, [r1, #4]", {0xbf48, 0xf8d1, 0x0004}, 2, {0, DATA, 0, 0}, N, {WORD(DATA + 4), DATA, 0, 0}, N, 6, 0},
    {"it mi; ldrmi.w r0, [r1, #4]", {0xbf48, 0xf8d1, 0x0004}, 2, {0, DATA, 0, 0}, 0, {0, DATA, 0, 0}, 0, 6, 0},
};

static const Program pc_programs[] = {
    {"ldr r0, start + 8; nop; nop; nop; .word 0x12345678", {0x4801, 0xbf00, 0xbf00, 0xbf00, 0x5678, 0x1234}, 1, {0, 0, 0, 0}, 0, {0x12345678, 0, 0, 0}, 0, 2, 0},
    {"ldr r0, start + 6; nop; nop; .word 0x12345678", {0x4801, 0xbf00, 0xbf00, 0x5678, 0x1234}, 1, {0, 0, 0, 0}, 0, {0x12345678, 0, 0, 0}, 0, 2, 2},
    {"ldr.w r0, start + 6; nop; .word 0x12345678", {0xf8df, 0x0004, 0xbf00, 0x5678, 0x1234}, 1, {0, 0, 0, 0}, 0, {0x12345678, 0, 0, 0}, 0, 4, 2},
    {"ldrb.w r0, start + 9; nop; nop; .word 0x8234f678", {0xf89f, 0x0005, 0xbf00, 0xbf00, 0xf678, 0x8234}, 1, {0, 0, 0, 0}, 0, {0xf6, 0, 0, 0}, 0, 4, 0},
    {"ldrsb.w r0, start + 9; nop; nop; .word 0x8234f678", {0xf99f, 0x0005, 0xbf00, 0xbf00, 0xf678, 0x8234}, 1, {0, 0, 0, 0}, 0, {0xfffffff6, 0, 0, 0}, 0, 4, 0},
    {"ldrh.w r0, start + 8; nop; nop; .word 0x8234f678", {0xf8bf, 0x0004, 0xbf00, 0xbf00, 0xf678, 0x8234}, 1, {0, 0, 0, 0}, 0, {0xf678, 0, 0, 0}, 0, 4, 0},
    {"ldrsh.w r0, start + 10; nop; nop; .word 0x8234f678", {0xf9bf, 0x0006, 0xbf00, 0xbf00, 0xf678, 0x8234}, 1, {0, 0, 0, 0}, 0, {0xffff8234, 0, 0, 0}, 0, 4, 0},
    {"ldrd r0, r1, start + 8; nop; nop; .word 1; .word 2", {0xe9df, 0x0101, 0xbf00, 0xbf00, 0x0001, 0x0000, 0x0002, 0x0000}, 1, {0, 0, 0, 0}, 0, {1, 2, 0, 0}, 0, 4, 0},
    {"adr r0, start + 12; nop", {0xa002, 0xbf00}, 1, {0, 0, 0, 0}, 0, {CODE_BASE + 12, 0, 0, 0}, 0, 2, 0},
    {"adr r0, start + 10; nop", {0xa002, 0xbf00}, 1, {0, 0, 0, 0}, 0, {CODE_BASE + 12, 0, 0, 0}, 0, 2, 2},
    {"adr.w r0, start - 4", {0xf2af, 0x0008}, 1, {0, 0, 0, 0}, 0, {CODE_BASE, 0, 0, 0}, 0, 4, 4},
    {"add r0, pc", {0x4478}, 1, {1, 0, 0, 0}, C, {CODE_BASE + 7, 0, 0, 0}, C, 2, 2},
    {"mov r0, pc", {0x4678}, 1, {0, 0, 0, 0}, 0, {CODE_BASE + 6, 0, 0, 0}, 0, 2, 2},
    {"addw r0, pc, #5", {0xf20f, 0x0005}, 1, {0, 0, 0, 0}, 0, {CODE_BASE + 9, 0, 0, 0}, 0, 4, 2},
    {"b start + 100", {0xe030}, 1, {0, 0, 0, 0}, 0, {0, 0, 0, 0}, 0, 100, 0},
    {"b start - 100", {0xe7cc}, 1, {0, 0, 0, 0}, 0, {0, 0, 0, 0}, 0, -100, 0},
    {"bne start - 200", {0xd19a}, 1, {0, 0, 0, 0}, 0, {0, 0, 0, 0}, 0, -200, 0},
    {"bne start - 200", {0xd19a}, 1, {0, 0, 0, 0}, Z, {0, 0, 0, 0}, Z, 2, 0},
    {"bge.w start + 0xff000", {0xf2be, 0xaffe}, 1, {0, 0, 0, 0}, N | V, {0, 0, 0, 0}, N | V, 1044480, 0},
    {"bge.w start - 0x8000", {0xf6b7, 0xaffe}, 1, {0, 0, 0, 0}, 0, {0, 0, 0, 0}, 0, -32768, 0},
    {"b.w start + 0xfff000", {0xf3fe, 0x97fe}, 1, {0, 0, 0, 0}, 0, {0, 0, 0, 0}, 0, 16773120, 0},
    {"b.w start - 0x8000", {0xf7f7, 0xbffe}, 1, {0, 0, 0, 0}, 0, {0, 0, 0, 0}, 0, -32768, 0},
    {"cbz r0, start + 100", {0xb380}, 1, {0, 0, 0, 0}, 0, {0, 0, 0, 0}, 0, 100, 0},
    {"cbz r0, start + 100", {0xb380}, 1, {1, 0, 0, 0}, Z, {1, 0, 0, 0}, Z, 2, 0},
    {"cbnz r0, start + 128", {0xbbf0}, 1, {1, 0, 0, 0}, Z, {1, 0, 0, 0}, Z, 128, 0},
    {"cbnz r0, start + 128", {0xbbf0}, 1, {0, 0, 0, 0}, 0, {0, 0, 0, 0}, 0, 2, 0},
    {"tbb [pc, r0]; .byte 2; .byte 40", {0xe8df, 0xf000, 0x2802}, 1, {1, 0, 0, 0}, 0, {1, 0, 0, 0}, 0, 84, 0},
    {"tbh [pc, r0, lsl #1]; .short 2; .short 0x110", {0xe8df, 0xf010, 0x0002, 0x0110}, 1, {1, 0, 0, 0}, 0, {1, 0, 0, 0}, 0, 548, 0},
    {"tbb [r1, r0]", {0xe8d1, 0xf000}, 1, {2, DATA, 0, 0}, 0, {2, DATA, 0, 0}, 0, 4 + 2 * (WORD(DATA) >> 16 & 0xff), 0},
    {"add pc, r0", {0x4487}, 1, {0xa, 0, 0, 0}, 0, {0xa, 0, 0, 0}, 0, 14, 0},
    {"mov pc, r0", {0x4687}, 1, {CODE_BASE + 0x41, 0, 0, 0}, 0, {CODE_BASE + 0x41, 0, 0, 0}, 0, 64, 0},
};

static const Program immediate_programs[] = {
    {"mov.w r0, #0xab", {0xf04f, 0x00ab}, 1, {0, 0, 0, 0}, C, {0xab, 0, 0, 0}, C, 4, 0},
    {"mov.w r0, #0x00ab00ab", {0xf04f, 0x10ab}, 1, {0, 0, 0, 0}, 0, {0xab00ab, 0, 0, 0}, 0, 4, 0},
    {"mov.w r0, #0xab00ab00", {0xf04f, 0x20ab}, 1, {0, 0, 0, 0}, 0, {0xab00ab00, 0, 0, 0}, 0, 4, 0},
    {"mov.w r0, #0xabababab", {0xf04f, 0x30ab}, 1, {0, 0, 0, 0}, 0, {0xabababab, 0, 0, 0}, 0, 4, 0},
    {"movs.w r0, #0xab00ab00", {0xf05f, 0x20ab}, 1, {0, 0, 0, 0}, 0, {0xab00ab00, 0, 0, 0}, N, 4, 0},
    {"movs.w r0, #0xff000000", {0xf05f, 0x407f}, 1, {0, 0, 0, 0}, 0, {0xff000000, 0, 0, 0}, N | C, 4, 0},
    {"movs.w r0, #0x7f800000", {0xf05f, 0x40ff}, 1, {0, 0, 0, 0}, C, {0x7f800000, 0, 0, 0}, 0, 4, 0},
    {"movs.w r0, #0x1fe", {0xf45f, 0x70ff}, 1, {0, 0, 0, 0}, C, {0x1fe, 0, 0, 0}, 0, 4, 0},
    {"movs.w r0, #0x80000000", {0xf05f, 0x4000}, 1, {0, 0, 0, 0}, 0, {0x80000000, 0, 0, 0}, N | C, 4, 0},
    {"mvns r0, #0", {0xf07f, 0x0000}, 1, {0, 0, 0, 0}, C, {0xffffffff, 0, 0, 0}, N | C, 4, 0},
    {"ands r0, r1, #0x80000000", {0xf011, 0x4000}, 1, {0, 0x7fffffff, 0, 0}, 0, {0, 0x7fffffff, 0, 0}, Z | C, 4, 0},
    {"tst.w r0, #0x40000000", {0xf010, 0x4f80}, 1, {0x40000000, 0, 0, 0}, C, {0x40000000, 0, 0, 0}, 0, 4, 0},
    {"teq r0, #0xf0f0f0f0", {0xf090, 0x3ff0}, 1, {0xf0f0f0f0, 0, 0, 0}, C, {0xf0f0f0f0, 0, 0, 0}, Z | C, 4, 0},
    {"orn r0, r1, #0xff", {0xf061, 0x00ff}, 1, {0, 1, 0, 0}, 0, {0xffffff01, 1, 0, 0}, 0, 4, 0},
    {"bic r0, r1, #0xff00ff00", {0xf021, 0x20ff}, 1, {0, 0x12345678, 0, 0}, 0, {0x340078, 0x12345678, 0, 0}, 0, 4, 0},
    {"rsb.w r0, r1, #0x100", {0xf5c1, 0x7080}, 1, {0, 1, 0, 0}, 0, {0xff, 1, 0, 0}, 0, 4, 0},
    {"subs.w r0, r1, #0x100", {0xf5b1, 0x7080}, 1, {0, 0x100, 0, 0}, 0, {0, 0x100, 0, 0}, Z | C, 4, 0},
    {"addw r0, r1, #0xfff", {0xf601, 0x70ff}, 1, {0, 1, 0, 0}, C, {0x1000, 1, 0, 0}, C, 4, 0},
    {"subw r0, r1, #0xfff", {0xf6a1, 0x70ff}, 1, {0, 0, 0, 0}, 0, {0xfffff001, 0, 0, 0}, 0, 4, 0},
    {"movw r0, #0xf8ab; movt r0, #0x1234", {0xf64f, 0x00ab, 0xf2c1, 0x2034}, 2, {0, 0, 0, 0}, 0, {0x1234f8ab, 0, 0, 0}, 0, 8, 0},
    {"cmp.w r0, #0x10000", {0xf5b0, 0x3f80}, 1, {0x10000, 0, 0, 0}, 0, {0x10000, 0, 0, 0}, Z | C, 4, 0},
    {"cmn.w r0, #0x10000", {0xf510, 0x3f80}, 1, {0xffff0000, 0, 0, 0}, 0, {0xffff0000, 0, 0, 0}, Z | C, 4, 0},
};

static const Program media_programs[] = {
    {"bfi r0, r1, #4, #8", {0xf361, 0x100b}, 1, {0xdeadbeef, 0xa5, 0, 0}, 0, {0xdeadba5f, 0xa5, 0, 0}, 0, 4, 0},
    {"bfc r0, #8, #16", {0xf36f, 0x2017}, 1, {0xdeadbeef, 0, 0, 0}, 0, {0xde0000ef, 0, 0, 0}, 0, 4, 0},
    {"sbfx r0, r1, #4, #8; ubfx r2, r1, #31, #1", {0xf341, 0x1007, 0xf3c1, 0x72c0}, 2, {0, 0x80000f80, 0, 0}, 0, {0xfffffff8, 0x80000f80, 1, 0}, 0, 8, 0},
    {"ssat r0, #8, r1, asr #4", {0xf321, 0x1007}, 1, {0, 0x7fff, 0, 0}, 0, {0x7f, 0x7fff, 0, 0}, Q, 4, 0},
    {"usat r0, #8, r1, lsl #4", {0xf381, 0x1008}, 1, {0, 0xf, 0, 0}, 0, {0xf0, 0xf, 0, 0}, 0, 4, 0},
    {"ssat16 r0, #4, r1", {0xf321, 0x0003}, 1, {0, 0x7fff8000, 0, 0}, 0, {0x7fff8, 0x7fff8000, 0, 0}, Q, 4, 0},
    {"usat16 r0, #4, r1", {0xf3a1, 0x0004}, 1, {0, 0x3ffff, 0, 0}, 0, {0x30000, 0x3ffff, 0, 0}, Q, 4, 0},
    {"pkhbt r0, r1, r2, lsl #8; pkhtb r3, r1, r2, asr #32", {0xeac1, 0x2002, 0xeac1, 0x0322}, 2, {0, 0x12345678, 0x80abcdef, 0}, 0, {0xabcd5678, 0x12345678, 0x80abcdef, 0x1234ffff}, 0, 8, 0},
    {"sxtab16 r0, r1, r2, ror #8", {0xfa21, 0xf092}, 1, {0, 0x10001, 0x80007f00, 0}, 0, {0xff810080, 0x10001, 0x80007f00, 0}, 0, 4, 0},
    {"uxtb.w r0, r1, ror #24", {0xfa5f, 0xf0b1}, 1, {0, 0xab123456, 0, 0}, 0, {0xab, 0xab123456, 0, 0}, 0, 4, 0},
    {"rbit r0, r1; clz r2, r1", {0xfa91, 0xf0a1, 0xfab1, 0xf281}, 2, {0, 0x800001, 0, 0}, 0, {0x80000100, 0x800001, 8, 0}, 0, 8, 0},
    {"uadd8 r0, r1, r2; sel r3, r1, r2", {0xfa81, 0xf042, 0xfaa1, 0xf382}, 2, {0, 0xff01ff01, 0x2020202, 0}, 0, {0x1030103, 0xff01ff01, 0x2020202, 0xff02ff02}, GE(10), 8, 0},
    {"qadd r0, r1, r2; qsub r3, r1, r2", {0xfa82, 0xf081, 0xfa82, 0xf3a1}, 2, {0, 0x7fffffff, 1, 0}, 0, {0x7fffffff, 0x7fffffff, 1, 0x7ffffffe}, Q, 8, 0},
    {"qdadd r0, r1, r2", {0xfa82, 0xf091}, 1, {0, 1, 0x40000000, 0}, 0, {0x7fffffff, 1, 0x40000000, 0}, Q, 4, 0},
    {"mul r0, r1, r2; mla r3, r1, r2, r1", {0xfb01, 0xf002, 0xfb01, 0x1302}, 2, {0, 7, 6, 0}, N, {0x2a, 7, 6, 0x31}, N, 8, 0},
    {"mls r0, r1, r2, r3", {0xfb01, 0x3012}, 1, {0, 7, 6, 0x32}, 0, {8, 7, 6, 0x32}, 0, 4, 0},
    {"smull r0, r3, r1, r2", {0xfb81, 0x0302}, 1, {0, 0xffffffff, 2, 0}, 0, {0xfffffffe, 0xffffffff, 2, 0xffffffff}, 0, 4, 0},
    {"umlal r0, r3, r1, r2", {0xfbe1, 0x0302}, 1, {1, 0xffffffff, 2, 5}, 0, {0xffffffff, 0xffffffff, 2, 6}, 0, 4, 0},
    {"umaal r0, r3, r1, r2", {0xfbe1, 0x0362}, 1, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0, 4, 0},
    {"smlabt r0, r1, r2, r3", {0xfb11, 0x3012}, 1, {0, 0x50003, 0x70002, 1}, 0, {0x16, 0x50003, 0x70002, 1}, 0, 4, 0},
    {"smultb r0, r1, r2", {0xfb11, 0xf022}, 1, {0, 0x50003, 0x70002, 0}, 0, {0xa, 0x50003, 0x70002, 0}, 0, 4, 0},
    {"smlaltb r0, r3, r1, r2", {0xfbc1, 0x03a2}, 1, {1, 0x50003, 0x7fffe, 0}, 0, {0xfffffff7, 0x50003, 0x7fffe, 0xffffffff}, 0, 4, 0},
    {"smuadx r0, r1, r2; smusd r3, r1, r2", {0xfb21, 0xf012, 0xfb41, 0xf302}, 2, {0, 0x50003, 0x70002, 0}, 0, {0x1f, 0x50003, 0x70002, 0xffffffe3}, 0, 8, 0},
    {"smlald r0, r3, r1, r2", {0xfbc1, 0x03c2}, 1, {0xffffffff, 0x50003, 0x70002, 0}, 0, {0x28, 0x50003, 0x70002, 1}, 0, 4, 0},
    {"smmulr r0, r1, r2", {0xfb51, 0xf012}, 1, {0, 0x10000, 0x8000, 0}, 0, {1, 0x10000, 0x8000, 0}, 0, 4, 0},
    {"smulwt r0, r1, r2", {0xfb31, 0xf012}, 1, {0, 0x20000, 0x30000, 0}, 0, {6, 0x20000, 0x30000, 0}, 0, 4, 0},
    {"usad8 r0, r1, r2; usada8 r3, r1, r2, r3", {0xfb71, 0xf002, 0xfb71, 0x3302}, 2, {0, 0x1020304, 0x4030201, 0x64}, 0, {8, 0x1020304, 0x4030201, 0x6c}, 0, 8, 0},
};

static const Program memory_programs[] = {
    {"ldr r0, [r1, #4]; ldrh r2, [r1, #6]; ldrb r3, [r1, #1]", {0x6848, 0x88ca, 0x784b}, 3, {0, DATA, 0, 0}, 0, {WORD(DATA + 4), DATA, WORD(DATA + 4) >> 16, WORD(DATA) >> 8 & 0xff}, 0, 6, 0},
    {"ldr r0, [r1, r2]; ldrsb r3, [r1, r2]", {0x5888, 0x568b}, 2, {0, DATA, 4, 0}, 0, {WORD(DATA + 4), DATA, 4, (uint32_t)(int8_t)WORD(DATA + 4)}, 0, 4, 0},
    {"ldrsh r0, [r1, r2]; ldrb r3, [r1, r2]", {0x5e88, 0x5c8b}, 2, {0, DATA, 2, 0}, 0, {(uint32_t)(int16_t)(WORD(DATA) >> 16), DATA, 2, WORD(DATA) >> 16 & 0xff}, 0, 4, 0},
    {"str r0, [r1, #8]; ldr.w r2, [r1, #8]", {0x6088, 0xf8d1, 0x2008}, 2, {0x11223344, DATA, 0, 0}, 0, {0x11223344, DATA, 0x11223344, 0}, 0, 6, 0},
    {"strh r0, [r1, r2]; strb.w r3, [r1, #3]; ldr r0, [r1]", {0x5288, 0xf881, 0x3003, 0x6808}, 3, {0x1122aabb, DATA, 0, 0x77}, 0, {0x7700aabb | (WORD(DATA) & 0x00ff0000), DATA, 0, 0x77}, 0, 8, 0},
    {"str r0, [sp, #4]; ldr r1, [sp, #4]", {0x9001, 0x9901}, 2, {0xcafe, 0, 0, 0}, 0, {0xcafe, 0xcafe, 0, 0}, 0, 4, 0},
    {"ldr.w r0, [r1, r2, lsl #3]", {0xf851, 0x0032}, 1, {0, DATA, 1, 0}, 0, {WORD(DATA + 8), DATA, 1, 0}, 0, 4, 0},
    {"ldr r0, [r1, #-4]", {0xf851, 0x0c04}, 1, {0, DATA + 8, 0, 0}, 0, {WORD(DATA + 4), DATA + 8, 0, 0}, 0, 4, 0},
    {"ldr r0, [r1, #8]!; ldr r2, [r1], #-8", {0xf851, 0x0f08, 0xf851, 0x2908}, 2, {0, DATA, 0, 0}, 0, {WORD(DATA + 8), DATA, WORD(DATA + 8), 0}, 0, 8, 0},
    {"str r0, [r1, #-8]!; ldr r2, [r1], #8", {0xf841, 0x0d08, 0xf851, 0x2b08}, 2, {5, DATA + 8, 0, 0}, 0, {5, DATA + 8, 5, 0}, 0, 8, 0},
    {"ldrd r2, r0, [r1, #8]!", {0xe9f1, 0x2002}, 1, {0, DATA, 0, 0}, 0, {WORD(DATA + 12), DATA + 8, WORD(DATA + 8), 0}, 0, 4, 0},
    {"strd r2, r0, [r1], #8; ldr r3, [r1, #-8]; ldr r0, [r1, #-4]", {0xe8e1, 0x2002, 0xf851, 0x3c08, 0xf851, 0x0c04}, 3, {0x99, DATA, 0x88, 0}, 0, {0x99, DATA + 8, 0x88, 0x88}, 0, 12, 0},
    {"push {r0, r1, lr}; pop {r2, r3}; mov r0, sp", {0xb503, 0xbc0c, 0x4668}, 3, {1, 2, 0, 0}, 0, {STACK - 4, 2, 1, 2}, 0, 6, 0},
    {"push.w {r0, r8}; mov r1, sp; pop.w {r2, r3}", {0xe92d, 0x0101, 0x4669, 0xe8bd, 0x000c}, 3, {1, 0, 0, 0}, 0, {1, STACK - 8, 1, 0}, 0, 10, 0},
    {"stm r1!, {r0, r2}; ldmdb r1, {r2, r3}", {0xc105, 0xe911, 0x000c}, 2, {1, DATA, 2, 0}, 0, {1, DATA + 8, 1, 2}, 0, 6, 0},
    {"ldm r1, {r0, r1, r2}", {0xc907}, 1, {0, DATA, 0, 0}, 0, {WORD(DATA), WORD(DATA + 4), WORD(DATA + 8), 0}, 0, 2, 0},
    {"ldm r1!, {r0, r2}", {0xc905}, 1, {0, DATA, 0, 0}, 0, {WORD(DATA), DATA + 8, WORD(DATA + 4), 0}, 0, 2, 0},
    {"ldm.w r1!, {r0, r2, r3}", {0xe8b1, 0x000d}, 1, {0, DATA, 0, 0}, 0, {WORD(DATA), DATA + 12, WORD(DATA + 4), WORD(DATA + 8)}, 0, 4, 0},
    {"stmdb r1!, {r0, r2}; ldm r1, {r0, r3}", {0xe921, 0x0005, 0xe891, 0x0009}, 2, {3, DATA + 8, 4, 0}, 0, {3, DATA, 4, 4}, 0, 8, 0},
    {"ldrex r0, [r1, #8]; strex r2, r3, [r1, #8]; ldr r0, [r1, #8]", {0xe851, 0x0f02, 0xe841, 0x3202, 0x6888}, 3, {0, DATA, 0, 7}, 0, {7, DATA, 0, 7}, 0, 10, 0},
    {"ldrex r0, [r1]; clrex; strex r2, r3, [r1]; ldr r0, [r1]", {0xe851, 0x0f00, 0xf3bf, 0x8f2f, 0xe841, 0x3200, 0x6808}, 4, {0, DATA, 0, 7}, 0, {WORD(DATA), DATA, 1, 7}, 0, 14, 0},
    {"ldrexb r0, [r1]; strexb r2, r3, [r1]; ldrb r0, [r1]", {0xe8d1, 0x0f4f, 0xe8c1, 0x3f42, 0x7808}, 3, {0, DATA, 0, 7}, 0, {7, DATA, 0, 7}, 0, 10, 0},
    {"ldrexd r0, r3, [r1]; strexd r2, r3, r0, [r1]; ldr r0, [r1]; ldr r3, [r1, #4]", {0xe8d1, 0x037f, 0xe8c1, 0x3072, 0x6808, 0x684b}, 4, {0, DATA, 0, 0}, 0, {WORD(DATA + 4), DATA, 0, WORD(DATA)}, 0, 12, 0},
    {"ldrt r0, [r1, #4]; ldrbt r2, [r1, #3]", {0xf851, 0x0e04, 0xf811, 0x2e03}, 2, {0, DATA, 0, 0}, 0, {WORD(DATA + 4), DATA, WORD(DATA) >> 24, 0}, 0, 8, 0},
    {"ldr.w r0, [pc, #-0xe04]", {0xf85f, 0x0e04}, 1, {0, 0, 0, 0}, 0, {WORD(CODE_BASE + 0x1004 - 0xe04), 0, 0, 0}, 0, 4, 4096},
    {"ldrb.w r0, [pc, #-0xe04]", {0xf81f, 0x0e04}, 1, {0, 0, 0, 0}, 0, {WORD(CODE_BASE + 0x1004 - 0xe04) & 0xff, 0, 0, 0}, 0, 4, 4096},
    {"ldr.w r0, [pc, #-0x8]", {0xf85f, 0x0008}, 1, {0, 0, 0, 0}, 0, {WORD(CODE_BASE + 0xffc), 0, 0, 0}, 0, 4, 4096},
    {"pld [r1]; pli [pc, #-16]; dmb; dsb sy; isb; nop.w; yield; sev; dbg #3", {0xf891, 0xf000, 0xf91f, 0xf010, 0xf3bf, 0x8f5f, 0xf3bf, 0x8f4f, 0xf3bf, 0x8f6f, 0xf3af, 0x8000, 0xbf10, 0xbf40, 0xf3af, 0x80f3}, 9, {0, DATA, 0, 0}, C, {0, DATA, 0, 0}, C, 32, 0},
};
/* clang-format on */

/* ---- Running ---- */

static void place(Bench *b, uint32_t address, const uint16_t *code, unsigned halfwords)
{
    memcpy(b->ram + (address - RAM_BASE), code, 2 * halfwords);
}

static void reset(Bench *b)
{
    for (uint32_t address = RAM_BASE; address < RAM_BASE + RAM_BYTES; address += 4)
        set_ram_word(b, address, WORD(address));
    memset(b->cpu->r, 0, sizeof b->cpu->r);
    b->cpu->r[13] = STACK;
    b->cpu->r[14] = CODE_BASE + 1;
    cpsr_write(b->cpu, MODE_SVC | PSR_T, ~0u);
    b->cpu->thumb = 1;
    b->cpu->itstate = 0;
}

static uint16_t ram_half(const Bench *b, uint32_t address)
{
    uint16_t value;
    memcpy(&value, b->ram + (address - RAM_BASE), sizeof value);
    return value;
}

static bool holds(const Cpu *cpu, unsigned cond)
{
    uint32_t flags = cpsr_read(cpu);
    bool n = flags & N, z = flags & Z, c = flags & C, v = flags & V;
    const bool results[] = {z, c, n, v, c && !z, n == v, !z && n == v, true};
    return results[cond >> 1] ^ (cond & 1);
}

/* What the engine does for one instruction at pc. Returns cpu->leave. */
static uint8_t step(Bench *b)
{
    Cpu *cpu = b->cpu;
    Insn insn;
    uint16_t first = ram_half(b, cpu->pc);
    uint8_t itstate = cpu->itstate;
    if (thumb_is_32bit(first))
        decode(&insn, SET_T32, (uint32_t)first << 16 | ram_half(b, cpu->pc + 2), itstate);
    else
        decode(&insn, SET_T16, first, itstate);
    insn.offset = cpu->pc & ~PAGE_MASK;
    cpu->page_va = cpu->pc & PAGE_MASK;
    cpu->r[15] = cpu->pc + 4;
    cpu->insn = cpu->block_start = &insn;
    cpu->leave = 0;
    cpu->itstate = 0;
    if (holds(cpu, insn.cond))
        insn.exec(cpu, &insn);
    cpu->insn = NULL;
    if (!(cpu->leave & LEAVE_PC)) {
        cpu->pc += insn.length;
        cpu->itstate = insn_next_itstate(&insn);
    }
    return cpu->leave;
}

static void check_program(Bench *b, const Program *p)
{
    Cpu *cpu = b->cpu;
    uint32_t start = CODE_BASE + p->offset;
    reset(b);
    place(b, start, p->code, sizeof p->code / sizeof *p->code);
    memcpy(cpu->r, p->before, sizeof p->before);
    cpsr_write(cpu, p->psr_before, FLAGS);
    cpu->pc = start;
    for (unsigned n = 0; n < p->steps; n++)
        if (step(b) & LEAVE_FAULT)
            fail_msg("%s: exception in step %u", p->text, n + 1);
    for (unsigned n = 0; n < 4; n++)
        if (cpu->r[n] != p->after[n])
            fail_msg("%s: r%u is %08x, not %08x", p->text, n, cpu->r[n], p->after[n]);
    if ((cpsr_read(cpu) & FLAGS) != p->psr_after)
        fail_msg("%s: flags are %08x, not %08x", p->text, cpsr_read(cpu) & FLAGS, p->psr_after);
    if (cpu->pc != start + (uint32_t)p->pc)
        fail_msg("%s: pc is %08x, not %08x", p->text, cpu->pc, start + (uint32_t)p->pc);
    assert_int_equal(cpu->thumb, 1);
    assert_int_equal(cpu->itstate, 0);
}

#define CHECK_ALL(programs) check_all(*state, programs, sizeof programs / sizeof *programs)

static void check_all(Bench *b, const Program *programs, size_t count)
{
    for (size_t n = 0; n < count; n++)
        check_program(b, &programs[n]);
}

static void test_flags(void **state)
{
    CHECK_ALL(flag_programs);
}

static void test_it(void **state)
{
    CHECK_ALL(it_programs);
}

static void test_pc_relative(void **state)
{
    CHECK_ALL(pc_programs);
}

static void test_modified_immediates(void **state)
{
    CHECK_ALL(immediate_programs);
}

static void test_media(void **state)
{
    CHECK_ALL(media_programs);
}

static void test_memory(void **state)
{
    CHECK_ALL(memory_programs);
}

/* ---- Branches that change more than pc ---- */

/* Runs one instruction at start. */
static uint8_t run_at(Bench *b, uint32_t start, uint16_t first, uint16_t second)
{
    const uint16_t code[2] = {first, second};
    place(b, start, code, 2);
    b->cpu->pc = start;
    return step(b);
}

static void test_calls(void **state)
{
    Bench *b = *state;
    Cpu *cpu = b->cpu;
    reset(b);
    run_at(b, CODE_BASE + 2, 0xf000, 0xf87f); /* bl .+ 0x102 */
    assert_int_equal(cpu->pc, CODE_BASE + 2 + 4 + 0xfe);
    assert_int_equal(cpu->r[14], CODE_BASE + 7);
    run_at(b, CODE_BASE, 0xf7ff, 0xfffe); /* bl . */
    assert_int_equal(cpu->pc, CODE_BASE);
    assert_int_equal(cpu->r[14], CODE_BASE + 5);
    /* blx #0x100 from Align(PC, 4): to A32 */
    run_at(b, CODE_BASE + 2, 0xf000, 0xe880);
    assert_int_equal(cpu->pc, CODE_BASE + 4 + 0x100);
    assert_int_equal(cpu->r[14], CODE_BASE + 7);
    assert_int_equal(cpu->thumb, 0);
    reset(b);
    cpu->r[3] = CODE_BASE + 0x201;
    run_at(b, CODE_BASE, 0x4798, 0); /* blx r3 */
    assert_int_equal(cpu->pc, CODE_BASE + 0x200);
    assert_int_equal(cpu->r[14], CODE_BASE + 3);
    assert_int_equal(cpu->thumb, 1);
    run_at(b, CODE_BASE, 0x4778, 0); /* bx pc: to A32 */
    assert_int_equal(cpu->pc, CODE_BASE + 4);
    assert_int_equal(cpu->thumb, 0);
}

static void test_loads_to_pc(void **state)
{
    static const struct {
        const char *text;
        uint16_t first, second;
    } loads[] = {
        {"pop {pc}",           0xbd00, 0     },
        {"pop.w {r1, pc}",     0xe8bd, 0x8002},
        {"ldr.w pc, [sp]",     0xf8dd, 0xf000},
        {"ldr pc, [sp], #4",   0xf85d, 0xfb04},
        {"ldm.w r4, {r1, pc}", 0xe894, 0x8002},
    };
    Bench *b = *state;
    for (size_t n = 0; n < sizeof loads / sizeof *loads; n++) {
        for (uint32_t thumb = 0; thumb < 2; thumb++) {
            reset(b);
            b->cpu->r[4] = STACK;
            set_ram_word(b, STACK, CODE_BASE + 0x400 + thumb);
            set_ram_word(b, STACK + 4, CODE_BASE + 0x400 + thumb);
            assert_int_equal(run_at(b, CODE_BASE, loads[n].first, loads[n].second) & LEAVE_FAULT, 0);
            if (b->cpu->pc != CODE_BASE + 0x400 || b->cpu->thumb != thumb)
                fail_msg("%s goes to %08x, thumb %u", loads[n].text, b->cpu->pc, b->cpu->thumb);
        }
    }
}

/* ---- Exceptions ---- */

static void expect_undefined(Bench *b, const char *text, uint16_t first, uint16_t second, uint8_t itstate)
{
    const uint16_t code[2] = {first, second};
    reset(b);
    place(b, CODE_BASE, code, 2);
    cpsr_write(b->cpu, PSR_Z, PSR_Z);
    b->cpu->pc = CODE_BASE;
    b->cpu->itstate = itstate;
    if (!(step(b) & LEAVE_FAULT) || b->cpu->mode != MODE_UND)
        fail_msg("%s executes", text);
    uint32_t it = (itstate & 3u) << 25 | (itstate >> 2 & 0x3fu) << 10;
    assert_int_equal(b->cpu->r[14], CODE_BASE + 2);
    assert_int_equal(spsr_read(b->cpu) & (PSR_IT | PSR_T), it | PSR_T);
    assert_int_equal(b->cpu->itstate, 0);
}

static void test_undefined(void **state)
{
    Bench *b = *state;
    enum { EQ_LAST = 0x08, EQ_FIRST_OF_TWO = 0x04 };
    expect_undefined(b, "udf #0", 0xde00, 0, 0);
    expect_undefined(b, "udf.w #0", 0xf7f0, 0xa000, 0);
    expect_undefined(b, "hvc #0", 0xf7e0, 0x8000, 0);
    expect_undefined(b, "sdiv", 0xfb91, 0xf0f2, 0);
    expect_undefined(b, "enterx", 0xf3bf, 0x8f1f, 0);
    expect_undefined(b, "hlt", 0xba80, 0, 0);
    expect_undefined(b, "str.w r0, [pc]", 0xf8cf, 0x0000, 0);
    expect_undefined(b, "udfeq #0 in an IT block", 0xde00, 0, EQ_LAST);
    expect_undefined(b, "branch that is not last in its IT block", 0xe000, 0, EQ_FIRST_OF_TWO);
    expect_undefined(b, "bx lr that is not last", 0x4770, 0, EQ_FIRST_OF_TWO);
    expect_undefined(b, "ldr pc that is not last", 0xf8dd, 0xf000, EQ_FIRST_OF_TWO);
    expect_undefined(b, "ldm with pc that is not last", 0xe894, 0x8002, EQ_FIRST_OF_TWO);
    expect_undefined(b, "conditional branch in an IT block", 0xd001, 0, EQ_LAST);
    expect_undefined(b, "cbz in an IT block", 0xb108, 0, EQ_LAST);
    expect_undefined(b, "it in an IT block", 0xbf08, 0, EQ_LAST);
    expect_undefined(b, "cps in an IT block", 0xb672, 0, EQ_LAST);
}

/* The return address and the saved ITSTATE are those of the instruction after SVC. */
static void test_svc_in_it_block(void **state)
{
    static const uint16_t code[] = {0xbf06, 0xdf01, 0x2001,
                                    0x2102}; /* itte eq; svceq #1; moveq r0, #1; movne r1 */
    Bench *b = *state;
    reset(b);
    place(b, CODE_BASE, code, 4);
    cpsr_write(b->cpu, PSR_Z, PSR_Z);
    b->cpu->pc = CODE_BASE;
    step(b);
    assert_true(step(b) & LEAVE_FAULT);
    assert_int_equal(b->cpu->r[14], CODE_BASE + 4);
    assert_int_equal(spsr_read(b->cpu) & PSR_IT, 0x0c << 8);
}

/* BKPT in an IT block ignores the condition. */
static void test_bkpt_in_it_block(void **state)
{
    Bench *b = *state;
    reset(b);
    b->cpu->itstate = 0x08;
    run_at(b, CODE_BASE, 0xbe00, 0);
    assert_int_equal(b->cpu->mode, MODE_ABT);
    assert_int_equal(b->cpu->r[14], CODE_BASE + 4);
}

/* ---- System instructions ---- */

static void test_system(void **state)
{
    Bench *b = *state;
    Cpu *cpu = b->cpu;
    reset(b);
    run_at(b, CODE_BASE, 0xb672, 0); /* cpsid i */
    assert_true(cpu->i && !cpu->f);
    run_at(b, CODE_BASE, 0xb662, 0); /* cpsie i */
    assert_false(cpu->i);
    run_at(b, CODE_BASE, 0xf3af, 0x8772); /* cpsid if, #18 */
    assert_true(cpu->i && cpu->f && cpu->mode == MODE_IRQ);
    run_at(b, CODE_BASE, 0xb658, 0); /* setend be */
    assert_true(cpu->e);
    run_at(b, CODE_BASE, 0xb650, 0);
    assert_false(cpu->e);
    cpu->r[0] = 0x900f03d3;
    run_at(b, CODE_BASE, 0xf390, 0x8f00); /* msr spsr_fsxc, r0 */
    run_at(b, CODE_BASE, 0xf3ff, 0x8100); /* mrs r1, spsr */
    assert_int_equal(cpu->r[1], 0x900f03d3);
    cpu->r[0] = PSR_N | PSR_Q;
    run_at(b, CODE_BASE, 0xf380, 0x8800); /* msr apsr_nzcvq, r0 */
    run_at(b, CODE_BASE, 0xf3ef, 0x8100); /* mrs r1, apsr */
    assert_int_equal(cpu->r[1], PSR_N | PSR_Q | PSR_I | PSR_F | MODE_IRQ);
}

/* subs pc, lr, #4 in IRQ mode: back to the A32 User code that was interrupted. */
static void test_exception_return(void **state)
{
    Bench *b = *state;
    Cpu *cpu = b->cpu;
    reset(b);
    cpu_switch_mode(cpu, MODE_IRQ);
    spsr_write(cpu, MODE_USR | PSR_Z, ~0u);
    cpu->r[14] = CODE_BASE + 0x104;
    run_at(b, CODE_BASE, 0xf3de, 0x8f04);
    assert_int_equal(cpu->pc, CODE_BASE + 0x100);
    assert_int_equal(cpu->mode, MODE_USR);
    assert_int_equal(cpu->thumb, 0);
    assert_int_equal(cpsr_read(cpu) & FLAGS, PSR_Z);
}

/* srsdb sp!, #19 and rfeia sp!: LR and SPSR by the stack. */
static void test_srs_rfe(void **state)
{
    Bench *b = *state;
    Cpu *cpu = b->cpu;
    reset(b);
    cpu_switch_mode(cpu, MODE_IRQ);
    spsr_write(cpu, MODE_SVC | PSR_T | PSR_C, ~0u);
    cpu->r[14] = CODE_BASE + 0x222;
    run_at(b, CODE_BASE, 0xe82d, 0xc013);
    assert_int_equal(cpu_reg_of_mode(cpu, 13, MODE_SVC), STACK - 8);
    assert_int_equal(ram_word(b, STACK - 8), CODE_BASE + 0x222);
    assert_int_equal(ram_word(b, STACK - 4), MODE_SVC | PSR_T | PSR_C);
    cpu_switch_mode(cpu, MODE_SVC);
    run_at(b, CODE_BASE, 0xe9bd, 0xc000);
    assert_int_equal(cpu->r[13], STACK);
    assert_int_equal(cpu->pc, CODE_BASE + 0x222);
    assert_int_equal(cpu->thumb, 1);
    assert_int_equal(cpsr_read(cpu) & FLAGS, PSR_C);
}

static int setup(void **state)
{
    Bench *b = malloc(sizeof *b);
    assert_non_null(b);
    bench_init(b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    bench_done(*state);
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_it),
        cmocka_unit_test(test_pc_relative),
        cmocka_unit_test(test_modified_immediates),
        cmocka_unit_test(test_media),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_loads_to_pc),
        cmocka_unit_test(test_undefined),
        cmocka_unit_test(test_svc_in_it_block),
        cmocka_unit_test(test_bkpt_in_it_block),
        cmocka_unit_test(test_system),
        cmocka_unit_test(test_exception_return),
        cmocka_unit_test(test_srs_rfe),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
