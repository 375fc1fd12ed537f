/* The assembler: moves and arithmetic. See x64_asm.h. */
#include "jit/x64_encode.h"

/* An opcode of a pair whose even member works on bytes and whose odd one on the other widths. */
static Op sized(Width w, uint16_t map, unsigned opcode)
{
    return (Op){w == W16 ? 0x66 : 0, w == W64 ? REX_W : 0, map, (uint8_t)(opcode | (w != W8))};
}

/* An opcode without a form for bytes. */
static Op wide(Width w, uint16_t map, unsigned opcode)
{
    assert(w != W8);
    return (Op){w == W16 ? 0x66 : 0, w == W64 ? REX_W : 0, map, (uint8_t)opcode};
}

/* The same opcode with the registers given used as bytes, if that is what they are. */
static Op with_bytes(Op op, Width w, Reg x, Reg y)
{
    if (w == W8 && ((x >= RSP && x <= RDI) || (y >= RSP && y <= RDI)))
        op.rex |= REX;
    return op;
}

/* Immediates as wide as the operand; 64-bit operands take 32 bits, sign-extended. */
static void put_imm(Asm *a, Width w, int32_t imm)
{
    if (w == W8)
        put8(a, (uint8_t)imm);
    else if (w == W16)
        put16(a, (uint16_t)imm);
    else
        put32(a, (uint32_t)imm);
}

void x64_put_rm(Asm *a, Op op, unsigned reg, Mem mem)
{
    assert(mem.index != RSP);
    assert(mem.scale == 1 || mem.scale == 2 || mem.scale == 4 || mem.scale == 8);
    if (mem.base == REG_NONE && mem.index != REG_NONE && mem.scale == 1)
        mem = mem_at(mem.index, mem.disp);
    bool base = mem.base != REG_NONE, index = mem.index != REG_NONE;
    put_op(a, op, reg, index ? (unsigned)mem.index : 0, base ? (unsigned)mem.base : 0);
    unsigned mod = fits8(mem.disp) ? 1 : 2;
    if (!base || (mem.disp == 0 && (mem.base & 7) != RBP))
        mod = 0;
    if (base && !index && (mem.base & 7) != RSP) {
        put_modrm(a, mod, reg, (unsigned)mem.base);
    } else {
        /* RSP as the index means none; RBP as the base with mod 0 means none and a 32-bit displacement. */
        unsigned scale = mem.scale == 8 ? 3 : mem.scale >> 1;
        put_modrm(a, mod, reg, RSP);
        put_modrm(a, scale, index ? (unsigned)mem.index : RSP, base ? (unsigned)mem.base : RBP);
    }
    if (mod == 1)
        put8(a, (uint8_t)mem.disp);
    else if (mod == 2 || !base)
        put32(a, (uint32_t)mem.disp);
}

/* ---- Moves ------------------------------------------------------------------------------------------- */

void x64_mov_rr(Asm *a, Width w, Reg dst, Reg src)
{
    if (room(a))
        put_rr(a, wide(w, 0, 0x89), src, dst);
}

void x64_mov_ri(Asm *a, Reg dst, uint64_t imm)
{
    if (!room(a))
        return;
    if (imm <= UINT32_MAX) {
        put_op(a, plain(0, 0xb8 | (dst & 7)), 0, 0, dst);
        put32(a, (uint32_t)imm);
    } else if (fits32((int64_t)imm)) {
        put_rr(a, wide(W64, 0, 0xc7), 0, dst);
        put32(a, (uint32_t)imm);
    } else {
        put_op(a, wide(W64, 0, 0xb8 | (dst & 7)), 0, 0, dst);
        put64(a, imm);
    }
}

void x64_load(Asm *a, Width w, Reg dst, Mem src)
{
    if (!room(a))
        return;
    if (w == W8 || w == W16)
        x64_put_rm(a, plain(0x0f, w == W8 ? 0xb6 : 0xb7), dst, src);
    else
        x64_put_rm(a, wide(w, 0, 0x8b), dst, src);
}

void x64_load_signed(Asm *a, Width w, Reg dst, Mem src)
{
    assert(w != W64);
    if (!room(a))
        return;
    if (w == W32)
        x64_put_rm(a, wide(W64, 0, 0x63), dst, src);
    else
        x64_put_rm(a, plain(0x0f, w == W8 ? 0xbe : 0xbf), dst, src);
}

void x64_store(Asm *a, Width w, Mem dst, Reg src)
{
    if (room(a))
        x64_put_rm(a, with_bytes(sized(w, 0, 0x88), w, src, REG_NONE), src, dst);
}

void x64_store_imm(Asm *a, Width w, Mem dst, int32_t imm)
{
    if (!room(a))
        return;
    x64_put_rm(a, sized(w, 0, 0xc6), 0, dst);
    put_imm(a, w, imm);
}

void x64_movzx(Asm *a, Width from, Reg dst, Reg src)
{
    assert(from == W8 || from == W16);
    if (room(a))
        put_rr(a, with_bytes(plain(0x0f, from == W8 ? 0xb6 : 0xb7), from, src, REG_NONE), dst, src);
}

void x64_movsx(Asm *a, Width from, Reg dst, Reg src)
{
    assert(from != W64);
    if (!room(a))
        return;
    if (from == W32)
        put_rr(a, wide(W64, 0, 0x63), dst, src);
    else
        put_rr(a, with_bytes(plain(0x0f, from == W8 ? 0xbe : 0xbf), from, src, REG_NONE), dst, src);
}

void x64_lea(Asm *a, Width w, Reg dst, Mem src)
{
    if (room(a))
        x64_put_rm(a, wide(w, 0, 0x8d), dst, src);
}

void x64_cmov(Asm *a, Cc cc, Width w, Reg dst, Reg src)
{
    if (room(a))
        put_rr(a, wide(w, 0x0f, 0x40 | cc), dst, src);
}

void x64_cmov_rm(Asm *a, Cc cc, Width w, Reg dst, Mem src)
{
    if (room(a))
        x64_put_rm(a, wide(w, 0x0f, 0x40 | cc), dst, src);
}

void x64_setcc_r(Asm *a, Cc cc, Reg dst)
{
    if (room(a))
        put_rr(a, with_bytes(plain(0x0f, 0x90 | cc), W8, dst, REG_NONE), 0, dst);
}

void x64_setcc_m(Asm *a, Cc cc, Mem dst)
{
    if (room(a))
        x64_put_rm(a, plain(0x0f, 0x90 | cc), 0, dst);
}

void x64_xchg_rr(Asm *a, Width w, Reg x, Reg y)
{
    if (!room(a))
        return;
    /* With two 32-bit RAX the short form would be NOP, which does not clear the upper half. */
    if (w != W8 && (x == RAX || y == RAX) && !(x == y && w == W32)) {
        Reg other = x == RAX ? y : x;
        put_op(a, wide(w, 0, 0x90 | (other & 7)), 0, 0, other);
    } else {
        put_rr(a, with_bytes(sized(w, 0, 0x86), w, x, y), y, x);
    }
}

void x64_push(Asm *a, Reg reg)
{
    if (room(a))
        put_op(a, plain(0, 0x50 | (reg & 7)), 0, 0, reg);
}

void x64_pop(Asm *a, Reg reg)
{
    if (room(a))
        put_op(a, plain(0, 0x58 | (reg & 7)), 0, 0, reg);
}

/* ---- Arithmetic -------------------------------------------------------------------------------------- */

void x64_alu_rr(Asm *a, AluOp op, Width w, Reg dst, Reg src)
{
    if (room(a))
        put_rr(a, with_bytes(sized(w, 0, op << 3), w, dst, src), src, dst);
}

void x64_alu_ri(Asm *a, AluOp op, Width w, Reg dst, int32_t imm)
{
    if (!room(a))
        return;
    if (w == W16)
        imm = (int16_t)imm;
    if (w != W8 && fits8(imm)) {
        put_rr(a, wide(w, 0, 0x83), op, dst);
        put8(a, (uint8_t)imm);
        return;
    }
    if (dst == RAX)
        put_op(a, sized(w, 0, op << 3 | 4), 0, 0, 0);
    else
        put_rr(a, with_bytes(sized(w, 0, 0x80), w, dst, REG_NONE), op, dst);
    put_imm(a, w, imm);
}

void x64_alu_rm(Asm *a, AluOp op, Width w, Reg dst, Mem src)
{
    if (room(a))
        x64_put_rm(a, with_bytes(sized(w, 0, op << 3 | 2), w, dst, REG_NONE), dst, src);
}

void x64_alu_mr(Asm *a, AluOp op, Width w, Mem dst, Reg src)
{
    if (room(a))
        x64_put_rm(a, with_bytes(sized(w, 0, op << 3), w, src, REG_NONE), src, dst);
}

void x64_alu_mi(Asm *a, AluOp op, Width w, Mem dst, int32_t imm)
{
    if (!room(a))
        return;
    if (w == W16)
        imm = (int16_t)imm;
    if (w != W8 && fits8(imm)) {
        x64_put_rm(a, wide(w, 0, 0x83), op, dst);
        put8(a, (uint8_t)imm);
    } else {
        x64_put_rm(a, sized(w, 0, 0x80), op, dst);
        put_imm(a, w, imm);
    }
}

void x64_test_rr(Asm *a, Width w, Reg x, Reg y)
{
    if (room(a))
        put_rr(a, with_bytes(sized(w, 0, 0x84), w, x, y), y, x);
}

void x64_test_ri(Asm *a, Width w, Reg x, int32_t imm)
{
    if (!room(a))
        return;
    /* Narrower where all flags come out the same: the result's sign must be clear in both widths. */
    if (w == W16)
        imm = (int16_t)imm;
    if (imm >= 0 && imm <= INT8_MAX)
        w = W8;
    else if (w == W64 && imm >= 0)
        w = W32;
    if (x == RAX)
        put_op(a, sized(w, 0, 0xa8), 0, 0, 0);
    else
        put_rr(a, with_bytes(sized(w, 0, 0xf6), w, x, REG_NONE), 0, x);
    put_imm(a, w, imm);
}

void x64_test_mi(Asm *a, Width w, Mem x, int32_t imm)
{
    if (!room(a))
        return;
    x64_put_rm(a, sized(w, 0, 0xf6), 0, x);
    put_imm(a, w, imm);
}

void x64_shift_ri(Asm *a, ShiftOp op, Width w, Reg dst, unsigned n)
{
    if (!room(a))
        return;
    put_rr(a, with_bytes(sized(w, 0, n == 1 ? 0xd0 : 0xc0), w, dst, REG_NONE), op, dst);
    if (n != 1)
        put8(a, n);
}

void x64_shift_cl(Asm *a, ShiftOp op, Width w, Reg dst)
{
    if (room(a))
        put_rr(a, with_bytes(sized(w, 0, 0xd2), w, dst, REG_NONE), op, dst);
}

void x64_shld_ri(Asm *a, Width w, Reg dst, Reg src, unsigned n)
{
    if (!room(a))
        return;
    put_rr(a, wide(w, 0x0f, 0xa4), src, dst);
    put8(a, n);
}

void x64_shrd_ri(Asm *a, Width w, Reg dst, Reg src, unsigned n)
{
    if (!room(a))
        return;
    put_rr(a, wide(w, 0x0f, 0xac), src, dst);
    put8(a, n);
}

void x64_unary(Asm *a, UnaryOp op, Width w, Reg reg)
{
    if (room(a))
        put_rr(a, with_bytes(sized(w, 0, 0xf6), w, reg, REG_NONE), op, reg);
}

void x64_imul_rr(Asm *a, Width w, Reg dst, Reg src)
{
    if (room(a))
        put_rr(a, wide(w, 0x0f, 0xaf), dst, src);
}

void x64_imul_rri(Asm *a, Width w, Reg dst, Reg src, int32_t imm)
{
    if (!room(a))
        return;
    if (w == W16)
        imm = (int16_t)imm;
    put_rr(a, wide(w, 0, fits8(imm) ? 0x6b : 0x69), dst, src);
    put_imm(a, fits8(imm) ? W8 : w, imm);
}

void x64_cdq(Asm *a)
{
    if (room(a))
        put8(a, 0x99);
}

void x64_bswap(Asm *a, Width w, Reg reg)
{
    assert(w == W32 || w == W64);
    if (room(a))
        put_op(a, wide(w, 0x0f, 0xc8 | (reg & 7)), 0, 0, reg);
}

void x64_bt_ri(Asm *a, Width w, Reg reg, unsigned bit)
{
    if (!room(a))
        return;
    put_rr(a, wide(w, 0x0f, 0xba), 4, reg);
    put8(a, bit);
}

void x64_bt_mi(Asm *a, Width w, Mem mem, unsigned bit)
{
    if (!room(a))
        return;
    x64_put_rm(a, wide(w, 0x0f, 0xba), 4, mem);
    put8(a, bit);
}

void x64_bsr(Asm *a, Width w, Reg dst, Reg src)
{
    if (room(a))
        put_rr(a, wide(w, 0x0f, 0xbd), dst, src);
}

void x64_cmc(Asm *a)
{
    if (room(a))
        put8(a, 0xf5);
}

void x64_lock_cmpxchg(Asm *a, Width w, Mem dst, Reg src)
{
    if (!room(a))
        return;
    put8(a, 0xf0);
    x64_put_rm(a, with_bytes(sized(w, 0x0f, 0xb0), w, src, REG_NONE), src, dst);
}

void x64_lzcnt(Asm *a, Width w, Reg dst, Reg src)
{
    assert(w == W32 || w == W64);
    Op op = wide(w, 0x0f, 0xbd);
    op.prefix = 0xf3;
    if (room(a))
        put_rr(a, op, dst, src);
}

/* Three-byte VEX with registers only. pp: 0 none, 1 0x66, 2 0xf3, 3 0xf2; map: 2 0x0f38, 3 0x0f3a. Register
 * numbers are stored inverted. */
static void put_vex(Asm *a, Width w, unsigned pp, unsigned map, unsigned opcode, Reg reg, Reg vvvv, Reg rm)
{
    assert(w == W32 || w == W64);
    put8(a, 0xc4);
    put8(a, (~reg << 4 & 0x80) | 0x40 | (~rm << 2 & 0x20) | map);
    put8(a, (w == W64) << 7 | (~vvvv & 15) << 3 | pp);
    put8(a, opcode);
    put_modrm(a, 3, reg, rm);
}

void x64_shiftx(Asm *a, ShiftOp op, Width w, Reg dst, Reg src, Reg count)
{
    assert(op == SHIFT_OP_SHL || op == SHIFT_OP_SHR || op == SHIFT_OP_SAR);
    unsigned pp = op == SHIFT_OP_SHL ? 1 : op == SHIFT_OP_SAR ? 2 : 3;
    if (room(a))
        put_vex(a, w, pp, 2, 0xf7, dst, count, src);
}

void x64_rorx(Asm *a, Width w, Reg dst, Reg src, unsigned n)
{
    if (!room(a))
        return;
    put_vex(a, w, 3, 3, 0xf0, dst, RAX, src);
    put8(a, n);
}

void x64_andn(Asm *a, Width w, Reg dst, Reg not_this, Reg with_this)
{
    if (room(a))
        put_vex(a, w, 0, 2, 0xf2, dst, not_this, with_this);
}
