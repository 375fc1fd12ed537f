/* The assembler: SSE. See x64_asm.h. */
#include "jit/x64_encode.h"

static Op legacy(SseOp op)
{
    return (Op){op.prefix, 0, op.map, op.opcode};
}

static Op legacy_wide(SseOp op, Width w)
{
    assert(w == W32 || w == W64);
    return (Op){op.prefix, w == W64 ? REX_W : 0, op.map, op.opcode};
}

void x64_sse_rr(Asm *a, SseOp op, Xmm dst, Xmm src)
{
    if (room(a))
        put_rr(a, legacy(op), dst, src);
}

void x64_sse_rm(Asm *a, SseOp op, Xmm dst, Mem src)
{
    if (room(a))
        x64_put_rm(a, legacy(op), dst, src);
}

void x64_sse_mr(Asm *a, SseOp op, Mem dst, Xmm src)
{
    if (room(a))
        x64_put_rm(a, legacy(op), src, dst);
}

void x64_sse_rri(Asm *a, SseOp op, Xmm dst, Xmm src, uint8_t imm)
{
    if (!room(a))
        return;
    put_rr(a, legacy(op), dst, src);
    put8(a, imm);
}

void x64_sse_rmi(Asm *a, SseOp op, Xmm dst, Mem src, uint8_t imm)
{
    if (!room(a))
        return;
    x64_put_rm(a, legacy(op), dst, src);
    put8(a, imm);
}

void x64_sse_mri(Asm *a, SseOp op, Mem dst, Xmm src, uint8_t imm)
{
    if (!room(a))
        return;
    x64_put_rm(a, legacy(op), src, dst);
    put8(a, imm);
}

void x64_sse_shift_i(Asm *a, SseOp op, unsigned ext, Xmm dst, uint8_t imm)
{
    if (!room(a))
        return;
    put_rr(a, legacy(op), ext, dst);
    put8(a, imm);
}

void x64_movd_xr(Asm *a, Width w, Xmm dst, Reg src)
{
    if (room(a))
        put_rr(a, legacy_wide((SseOp){0x66, 0x0f, 0x6e}, w), dst, src);
}

void x64_movd_rx(Asm *a, Width w, Reg dst, Xmm src)
{
    if (room(a))
        put_rr(a, legacy_wide((SseOp){0x66, 0x0f, 0x7e}, w), src, dst);
}

void x64_cvt_rx(Asm *a, SseOp op, Width w, Reg dst, Xmm src)
{
    if (room(a))
        put_rr(a, legacy_wide(op, w), dst, src);
}

void x64_cvt_xr(Asm *a, SseOp op, Width w, Xmm dst, Reg src)
{
    if (room(a))
        put_rr(a, legacy_wide(op, w), dst, src);
}

void x64_pinsr(Asm *a, SseOp op, Width w, Xmm dst, Reg src, uint8_t imm)
{
    if (!room(a))
        return;
    put_rr(a, legacy_wide(op, w), dst, src);
    put8(a, imm);
}

void x64_pextr(Asm *a, SseOp op, Width w, Reg dst, Xmm src, uint8_t imm)
{
    if (!room(a))
        return;
    put_rr(a, legacy_wide(op, w), src, dst);
    put8(a, imm);
}

void x64_ldmxcsr(Asm *a, Mem src)
{
    if (room(a))
        x64_put_rm(a, (Op){0, 0, 0x0f, 0xae}, 2, src);
}

void x64_stmxcsr(Asm *a, Mem dst)
{
    if (room(a))
        x64_put_rm(a, (Op){0, 0, 0x0f, 0xae}, 3, dst);
}
