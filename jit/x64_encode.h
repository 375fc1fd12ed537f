/* The parts an x86-64 instruction is made of: prefixes, REX, opcode, ModRM, SIB, displacement, immediate.
 * Private to x64_asm.c and x64_asm_sse.c. */
#ifndef ARMATURE_JIT_X64_ENCODE_H
#define ARMATURE_JIT_X64_ENCODE_H

#include <assert.h>
#include <string.h>

#include "jit/x64_asm.h"

/* REX with no bit set makes SPL, BPL, SIL and DIL of what would be AH, CH, DH and BH. */
enum { REX = 0x40, REX_W = 0x48 };

typedef struct Op {
    uint8_t prefix; /* 0x66, 0xf2 or 0xf3 where the opcode or the width wants it, else 0 */
    uint8_t rex;    /* 0, REX or REX_W; the bits of register numbers come on top */
    uint16_t map;   /* 0 (one-byte opcodes), 0x0f, 0x0f38, 0x0f3a */
    uint8_t opcode;
} Op;

/* An opcode without prefix or width. */
static inline Op plain(uint16_t map, unsigned opcode)
{
    return (Op){0, 0, map, (uint8_t)opcode};
}

/* Room for one instruction? Once it is refused, every later one is too: what is there stays a prefix of the
 * program. */
static inline bool room(Asm *a)
{
    if (a->end - a->at < X64_MAX_INSN)
        a->full = true;
    return !a->full;
}

static inline void put8(Asm *a, unsigned value)
{
    *a->at++ = (uint8_t)value;
}

static inline void put16(Asm *a, uint16_t value)
{
    memcpy(a->at, &value, sizeof value);
    a->at += sizeof value;
}

static inline void put32(Asm *a, uint32_t value)
{
    memcpy(a->at, &value, sizeof value);
    a->at += sizeof value;
}

static inline void put64(Asm *a, uint64_t value)
{
    memcpy(a->at, &value, sizeof value);
    a->at += sizeof value;
}

static inline bool fits8(int64_t value)
{
    return value == (int8_t)value;
}

static inline bool fits32(int64_t value)
{
    return value == (int32_t)value;
}

/* Everything up to the opcode. Of the numbers only bit 3 counts here: reg is ModRM.reg, index SIB.index, rm
 * ModRM.rm, SIB.base or the register in the opcode. */
static inline void put_op(Asm *a, Op op, unsigned reg, unsigned index, unsigned rm)
{
    if (op.prefix)
        put8(a, op.prefix);
    unsigned bits = (reg >> 1 & 4) | (index >> 2 & 2) | (rm >> 3 & 1);
    if (op.rex || bits)
        put8(a, REX | op.rex | bits);
    if (op.map)
        put8(a, 0x0f);
    if (op.map > 0xff)
        put8(a, op.map & 0xff);
    put8(a, op.opcode);
}

static inline void put_modrm(Asm *a, unsigned mod, unsigned reg, unsigned rm)
{
    put8(a, mod << 6 | (reg & 7) << 3 | (rm & 7));
}

/* op reg, rm with two registers (or an opcode extension as reg). */
static inline void put_rr(Asm *a, Op op, unsigned reg, unsigned rm)
{
    put_op(a, op, reg, 0, rm);
    put_modrm(a, 3, reg, rm);
}

/* op reg, mem. */
void x64_put_rm(Asm *a, Op op, unsigned reg, Mem mem);

#endif
