/* Operations on vectors: each is an instruction of the host, or a few. */
#include <stddef.h>

#include "cpu/fp.h"
#include "jit/simd.h"
#include "jit/x64_lower.h"
#include "jit/x64_sse.h"

/* Extensions that an operation needs. */
typedef enum Level { SSE2, SSSE3, SSE41 } Level;

typedef struct VecInsn {
    SseOp op; /* opcode 0: none */
    uint8_t level;
    uint8_t group; /* shifts by an immediate: the opcode's extension */
} VecInsn;

#define P66(opcode)                                                                                          \
    {                                                                                                        \
        {0x66, 0x0f, opcode}, SSE2, 0                                                                        \
    }
#define P38(opcode, level)                                                                                   \
    {                                                                                                        \
        {0x66, 0x0f38, opcode}, level, 0                                                                     \
    }
#define SHIFT(opcode, group)                                                                                 \
    {                                                                                                        \
        {0x66, 0x0f, opcode}, SSE2, group                                                                    \
    }
#define NO                                                                                                   \
    {                                                                                                        \
        {0, 0, 0}, 0, 0                                                                                      \
    }

/* By the size of lanes: 1, 2, 4, 8 bytes. */
/* clang-format off */
static const VecInsn table[VEC_OPS][4] = {
    [VEC_AND]        = {P66(0xdb), P66(0xdb), P66(0xdb), P66(0xdb)},
    [VEC_OR]         = {P66(0xeb), P66(0xeb), P66(0xeb), P66(0xeb)},
    [VEC_XOR]        = {P66(0xef), P66(0xef), P66(0xef), P66(0xef)},
    [VEC_AND_NOT]    = {P66(0xdf), P66(0xdf), P66(0xdf), P66(0xdf)},
    [VEC_ADD]        = {P66(0xfc), P66(0xfd), P66(0xfe), P66(0xd4)},
    [VEC_SUB]        = {P66(0xf8), P66(0xf9), P66(0xfa), P66(0xfb)},
    [VEC_ADD_SAT]    = {P66(0xec), P66(0xed), NO, NO},
    [VEC_ADD_SAT_U]  = {P66(0xdc), P66(0xdd), NO, NO},
    [VEC_SUB_SAT]    = {P66(0xe8), P66(0xe9), NO, NO},
    [VEC_SUB_SAT_U]  = {P66(0xd8), P66(0xd9), NO, NO},
    [VEC_EQ]         = {P66(0x74), P66(0x75), P66(0x76), P38(0x29, SSE41)},
    [VEC_GT]         = {P66(0x64), P66(0x65), P66(0x66), NO},
    [VEC_MAX]        = {P38(0x3c, SSE41), P66(0xee), P38(0x3d, SSE41), NO},
    [VEC_MAX_U]      = {P66(0xde), P38(0x3e, SSE41), P38(0x3f, SSE41), NO},
    [VEC_MIN]        = {P38(0x38, SSE41), P66(0xea), P38(0x39, SSE41), NO},
    [VEC_MIN_U]      = {P66(0xda), P38(0x3a, SSE41), P38(0x3b, SSE41), NO},
    [VEC_MUL]        = {NO, P66(0xd5), P38(0x40, SSE41), NO},
    [VEC_MUL_HIGH]   = {NO, P66(0xe5), NO, NO},
    [VEC_MUL_HIGH_U] = {NO, P66(0xe4), NO, NO},
    [VEC_MUL_EVEN]   = {NO, NO, P38(0x28, SSE41), NO},
    [VEC_MUL_EVEN_U] = {NO, NO, P66(0xf4), NO},
    [VEC_AVERAGE]    = {P66(0xe0), P66(0xe3), NO, NO},
    [VEC_ZIP_LOW]    = {P66(0x60), P66(0x61), P66(0x62), P66(0x6c)},
    [VEC_ZIP_HIGH]   = {P66(0x68), P66(0x69), P66(0x6a), P66(0x6d)},
    [VEC_PACK]       = {P66(0x63), P66(0x6b), NO, NO},
    [VEC_PACK_U]     = {P66(0x67), P38(0x2b, SSE41), NO, NO},
    [VEC_SHUFFLE_BYTES] = {P38(0x00, SSSE3), NO, NO, NO},
    [VEC_ALIGN]      = {{{0x66, 0x0f3a, 0x0f}, SSSE3, 0}, NO, NO, NO},
    [VEC_SHL]        = {NO, SHIFT(0x71, SSE_SLL), SHIFT(0x72, SSE_SLL), SHIFT(0x73, SSE_SLL)},
    [VEC_SHR]        = {NO, SHIFT(0x71, SSE_SRL), SHIFT(0x72, SSE_SRL), SHIFT(0x73, SSE_SRL)},
    [VEC_SAR]        = {NO, SHIFT(0x71, SSE_SRA), SHIFT(0x72, SSE_SRA), NO},
    [VEC_SHL_BYTES]  = {SHIFT(0x73, SSE_SLLDQ), NO, NO, NO},
    [VEC_SHR_BYTES]  = {SHIFT(0x73, SSE_SRLDQ), NO, NO, NO},
    [VEC_ABS]        = {P38(0x1c, SSSE3), P38(0x1d, SSSE3), P38(0x1e, SSSE3), NO},
    [VEC_WIDEN]      = {P38(0x20, SSE41), P38(0x23, SSE41), P38(0x25, SSE41), NO},
    [VEC_WIDEN_U]    = {P38(0x30, SSE41), P38(0x33, SSE41), P38(0x35, SSE41), NO},
    [VEC_SHUFFLE_WORDS]       = {P66(0x70), P66(0x70), P66(0x70), P66(0x70)},
    [VEC_SHUFFLE_LOW_HALVES]  = {NO, {{0xf2, 0x0f, 0x70}, SSE2, 0}, NO, NO},
    [VEC_SHUFFLE_HIGH_HALVES] = {NO, {{0xf3, 0x0f, 0x70}, SSE2, 0}, NO, NO},
    [VEC_LOW]        = {{{0xf3, 0x0f, 0x7e}, SSE2, 0}, NO, NO, NO},
    [VEC_FROM_INT]   = {NO, NO, {{0, 0x0f, 0x5b}, SSE2, 0}, NO},
};
/* clang-format on */

bool vec_op_exists(VecOp op, unsigned size, unsigned host)
{
    static const unsigned needs[] = {[SSE2] = 0, [SSSE3] = HOST_SSSE3, [SSE41] = HOST_SSE41};
    const VecInsn *insn = &table[op][size];
    bool known = insn->op.opcode != 0 || op == VEC_SHUFFLE_BYTES;
    return known && !(needs[insn->level] & ~host);
}

static void lower_vec_unary(Lower *l, const IrInsn *insn)
{
    unsigned op = insn->imm & 0xff;
    const VecInsn *vec = &table[op][insn->imm >> 8 & 3];
    uint8_t number = (uint8_t)(insn->imm >> 16);
    Xmm x;
    if (vec->group) {
        x = copy_xmm(l, insn->a);
        x64_sse_shift_i(l->a, vec->op, vec->group, x, number);
    } else {
        Xmm from = use_xmm(l, insn->a);
        x = scratch_xmm(l);
        if (op == VEC_SHUFFLE_WORDS || op == VEC_SHUFFLE_LOW_HALVES || op == VEC_SHUFFLE_HIGH_HALVES)
            x64_sse_rri(l->a, vec->op, x, from, number);
        else
            x64_sse_rr(l->a, vec->op, x, from);
    }
    define_xmm(l, x);
}

static void lower_vec_binary(Lower *l, const IrInsn *insn)
{
    unsigned op = insn->imm & 0xff;
    const VecInsn *vec = &table[op][insn->imm >> 8 & 3];
    Xmm y = use_xmm(l, insn->b), x = copy_xmm(l, insn->a);
    if (op == VEC_ALIGN)
        x64_sse_rri(l->a, vec->op, x, y, (uint8_t)(insn->imm >> 16));
    else
        x64_sse_rr(l->a, vec->op, x, y);
    define_xmm(l, x);
}

static void lower_vec_const(Lower *l, const IrInsn *insn)
{
    uint64_t value = (uint64_t)insn_of(l, insn->b)->imm << 32 | insn_of(l, insn->a)->imm;
    Xmm x = scratch_xmm(l);
    if (value == 0) {
        x64_sse_rr(l->a, SSE_PXOR, x, x);
    } else if (value == UINT64_MAX && insn->imm) {
        x64_sse_rr(l->a, SSE_PCMPEQD, x, x);
    } else {
        Reg reg = scratch(l);
        x64_mov_ri(l->a, reg, value);
        x64_movd_xr(l->a, W64, x, reg);
        if (insn->imm)
            x64_sse_rr(l->a, SSE_PUNPCKLQDQ, x, x);
    }
    define_xmm(l, x);
}

static void lower_vec_dup(Lower *l, const IrInsn *insn)
{
    unsigned size = insn->imm >> 8 & 3;
    Xmm x = scratch_xmm(l);
    x64_movd_xr(l->a, W32, x, use_reg(l, insn->a));
    if (size == 0)
        x64_sse_rr(l->a, SSE_PUNPCKLBW, x, x);
    if (size <= 1)
        x64_sse_rri(l->a, SSE_PSHUFLW, x, x, 0);
    x64_sse_rri(l->a, SSE_PSHUFD, x, x, 0);
    define_xmm(l, x);
}

static void lower_saturated(Lower *l, const IrInsn *insn)
{
    Xmm y = use_xmm(l, insn->b), x = copy_xmm(l, insn->a);
    Reg mask = scratch(l);
    clobber_flags(l);
    x64_sse_rr(l->a, SSE_PCMPEQB, x, y);
    x64_cvt_rx(l->a, SSE_PMOVMSKB, W32, mask, x);
    x64_alu_ri(l->a, ALU_CMP, W32, mask, 0xffff);
    Patch none = x64_jcc_short(l->a, CC_E);
    x64_alu_mi(l->a, ALU_OR, W32, CPU_FIELD(fpscr), FPSCR_QC);
    x64_patch_short(none, l->a->at);
}

/* ---- Singles ------------------------------------------------------------------------------------------
 *
 * The standard FPSCR flushes denormal numbers to zero, the host's arithmetic does not: so operands are looked
 * at before and results afterwards. What is looked for first is anything below the least normal number, zeros
 * too; a second look, out of line, lets zeros pass. Whoever takes the slow path after an operation has raised
 * flags for it that the guest's may lack, all of them "inexact": FPSCR must have this one already. */

static void magnitude(Lower *l, Xmm to, Xmm from)
{
    x64_sse_rr(l->a, SSE_MOVAPS, to, from);
    x64_sse_rm(l->a, SSE_ANDPS, to, const_mem(CONST_ABS_4S));
}

/* Into u: lanes of v that are denormal. */
static void find_denormals(Lower *l, const FloatLook *look, Xmm u, Xmm v)
{
    Xmm small = look->t[2], zero = look->t[3];
    magnitude(l, u, v);
    x64_sse_rm(l->a, SSE_MOVAPS, small, const_mem(CONST_LEAST_4S));
    x64_sse_rr(l->a, SSE_PCMPGTD, small, u);
    x64_sse_rr(l->a, SSE_PXOR, zero, zero);
    x64_sse_rr(l->a, SSE_PCMPEQD, u, zero);
    x64_sse_rr(l->a, SSE_PANDN, u, small);
}

static void or_unordered(Lower *l, const FloatLook *look, Xmm acc, Xmm x, Xmm y)
{
    x64_sse_rr(l->a, SSE_MOVAPS, look->t[2], x);
    x64_sse_rri(l->a, SSE_CMPPS, look->t[2], y, SSE_CMP_UNORD);
    x64_sse_rr(l->a, SSE_POR, acc, look->t[2]);
}

/* Into acc: lanes where the product r is tiny though no operand is zero. */
static void find_tiny_product(Lower *l, const FloatLook *look, Xmm acc)
{
    Xmm u = look->t[1], zero = look->t[3];
    x64_sse_rr(l->a, SSE_XORPS, zero, zero);
    x64_sse_rr(l->a, SSE_MOVAPS, acc, look->n);
    x64_sse_rri(l->a, SSE_CMPPS, acc, zero, SSE_CMP_EQ);
    x64_sse_rri(l->a, SSE_CMPPS, zero, look->m, SSE_CMP_EQ);
    x64_sse_rr(l->a, SSE_ORPS, acc, zero);
    magnitude(l, u, look->r);
    x64_sse_rm(l->a, SSE_MOVAPS, look->t[2], const_mem(CONST_LEAST_4S));
    x64_sse_rri(l->a, SSE_CMPPS, look->t[2], u, SSE_CMP_NLT);
    x64_sse_rr(l->a, SSE_PANDN, acc, look->t[2]);
}

static void test_lanes(Lower *l, const FloatLook *look, Xmm lanes)
{
    x64_cvt_rx(l->a, SSE_MOVMSKPS, W32, look->mask, lanes);
    x64_test_ri(l->a, W32, look->mask, look->quad ? 15 : 3);
}

void second_look(Lower *l, const SlowSite *site)
{
    const FloatLook *look = &site->look;
    Xmm acc = look->t[0], u = look->t[1];
    switch (look->kind) {
    case LOOK_OPERANDS:
        find_denormals(l, look, acc, look->n);
        find_denormals(l, look, u, look->m);
        x64_sse_rr(l->a, SSE_POR, acc, u);
        or_unordered(l, look, acc, look->n, look->m);
        break;
    case LOOK_SUM:
        find_denormals(l, look, acc, look->r);
        or_unordered(l, look, acc, look->r, look->r);
        break;
    default:
        find_tiny_product(l, look, acc);
        or_unordered(l, look, acc, look->r, look->r);
    }
    test_lanes(l, look, acc);
    x64_jcc_to(l->a, CC_E, site->back + l->a->to_run);
}

/* Into x: lanes of v that are NaNs, or below the least normal number (products: not above it). As integers,
 * for quiet NaNs must raise no flag: what is in between lies at the lower end when that is moved to the least
 * integer. */
static void find_unusual(Lower *l, Xmm x, Xmm v, bool product)
{
    magnitude(l, x, v);
    x64_sse_rm(l->a, SSE_PADDD, x, const_mem(product ? CONST_MOVE_PRODUCT_4S : CONST_MOVE_4S));
    x64_sse_rm(l->a, SSE_PCMPGTD, x, const_mem(product ? CONST_TOP_PRODUCT_4S : CONST_TOP_4S));
}

static void leave_if_unusual(Lower *l, FloatLook *look, FloatLookKind kind, bool b_is_plain)
{
    Xmm acc = look->t[0];
    SlowSite *site = new_site(l);
    look->kind = (uint8_t)kind;
    site->look = *look;
    find_unusual(l, acc, kind == LOOK_OPERANDS ? look->n : look->r, kind == LOOK_PRODUCT);
    if (kind == LOOK_OPERANDS && !b_is_plain && look->m != look->n) {
        find_unusual(l, look->t[1], look->m, false);
        x64_sse_rr(l->a, SSE_POR, acc, look->t[1]);
    }
    test_lanes(l, look, acc);
    leave_if(l, site, CC_NE);
    site->back = l->a->at;
}

static void leave_if_never_inexact(Lower *l)
{
    SlowSite *site = new_site(l);
    x64_test_mi(l->a, W8, CPU_FIELD(fpscr), FPSCR_IXC);
    leave_if(l, site, CC_E);
}

/* Equal operands differ at most in the sign of zero. t: scratch. */
static void max_min(Lower *l, Xmm r, Xmm n, Xmm m, Xmm t, bool max)
{
    Asm *a = l->a;
    x64_sse_rr(a, SSE_MOVAPS, r, n); /* n op m, and m op n: the second operand if they are equal */
    x64_sse_rr(a, max ? SSE_MAXPS : SSE_MINPS, r, m);
    x64_sse_rr(a, SSE_MOVAPS, t, m);
    x64_sse_rr(a, max ? SSE_MAXPS : SSE_MINPS, t, n);
    x64_sse_rr(a, max ? SSE_ANDPS : SSE_ORPS, r, t);
}

/* What does not fit becomes the least integer. */
static void convert_to_int(Lower *l, const FloatLook *look)
{
    SlowSite *site = new_site(l);
    x64_sse_rr(l->a, SSE_CVTTPS2DQ, look->r, look->n);
    x64_sse_rm(l->a, SSE_MOVAPS, look->t[0], const_mem(CONST_SIGN_4S));
    x64_sse_rr(l->a, SSE_PCMPEQD, look->t[0], look->r);
    test_lanes(l, look, look->t[0]);
    leave_if(l, site, CC_NE);
}

static void lower_vec_float(Lower *l, const IrInsn *insn)
{
    static const SseOp arithmetic[] = {
        [VEC_FADD] = {0, 0x0f, 0x58},
          [VEC_FSUB] = {0, 0x0f, 0x5c},
          [VEC_FMUL] = {0, 0x0f, 0x59}
    };
    unsigned op = insn->imm & 0xff;
    bool rounds = op <= VEC_FMUL;
    FloatLook look = {.quad = insn->imm & VEC_QUAD};
    look.n = use_xmm(l, insn->a);
    look.m = use_xmm(l, insn->b);
    look.r = scratch_xmm(l);
    for (unsigned n = 0; n < 4; n++)
        look.t[n] = scratch_xmm(l);
    look.mask = scratch(l);
    clobber_flags(l);
    if (rounds)
        leave_if_never_inexact(l);
    leave_if_unusual(l, &look, LOOK_OPERANDS, insn->imm & VEC_B_PLAIN);
    if (op == VEC_FTOINT) {
        convert_to_int(l, &look);
    } else if (op == VEC_FMAX || op == VEC_FMIN) {
        max_min(l, look.r, look.n, look.m, look.t[0], op == VEC_FMAX);
    } else if (!rounds) {
        static const uint8_t predicate[] = {[VEC_FEQ] = SSE_CMP_EQ,
                                            [VEC_FGE] = SSE_CMP_LE,
                                            [VEC_FGT] = SSE_CMP_LT,
                                            [VEC_FLE] = SSE_CMP_LE,
                                            [VEC_FLT] = SSE_CMP_LT};
        bool swapped = op == VEC_FGE || op == VEC_FGT;
        x64_sse_rr(l->a, SSE_MOVAPS, look.r, swapped ? look.m : look.n);
        x64_sse_rri(l->a, SSE_CMPPS, look.r, swapped ? look.n : look.m, predicate[op]);
    } else {
        x64_sse_rr(l->a, SSE_MOVAPS, look.r, look.n);
        x64_sse_rr(l->a, arithmetic[op], look.r, look.m);
        leave_if_unusual(l, &look, op == VEC_FMUL ? LOOK_PRODUCT : LOOK_SUM, false);
    }
    define_xmm(l, look.r);
}

void lower_vec(Lower *l, const IrInsn *insn)
{
    switch (insn->op) {
    case IR_VEC_CONST:
        lower_vec_const(l, insn);
        break;
    case IR_VEC_UNARY:
        lower_vec_unary(l, insn);
        break;
    case IR_VEC_BINARY:
        lower_vec_binary(l, insn);
        break;
    case IR_VEC_DUP:
        lower_vec_dup(l, insn);
        break;
    case IR_VEC_SATURATED:
        lower_saturated(l, insn);
        break;
    default:
        lower_vec_float(l, insn);
    }
    end_xmm(l);
}
