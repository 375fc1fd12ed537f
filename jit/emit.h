/* The primitives that instruction bodies are written against, for translation: a value V is a reference into
 * the IR, an operation appends to it. cpu/exec.h gives the same names their other meaning, and documents
 * them. */
#ifndef ARMATURE_JIT_EMIT_H
#define ARMATURE_JIT_EMIT_H

#include "cpu/code_cache.h"
#include "cpu/cpu.h"
#include "jit/ir.h"
#include "jit/translate.h"

typedef struct V {
    IrRef ref;
} V;

typedef struct V64 {
    IrRef ref;
} V64;

/* What is known while one block is translated. */
typedef struct Translator {
    Ir *ir;
    const Source *source;
    const Insn *first; /* of the block */
    unsigned host;     /* for vec_op_exists() */
    uint64_t literals; /* pieces of the page that constants were taken from */
    const Insn *insn;  /* the instruction that is translated */
    bool thumb;
    bool must_call; /* the body met something that only the interpreter's function does */
    bool ended;     /* an unconditional exit was appended */
    IrRef slow;     /* this instruction's first operation that may leave the fast path, or none */
    bool capture;   /* registers that are set are only noted: */
    uint8_t captures, captured;
    IrRef capture_value;
    uint16_t written;     /* guest registers that this instruction set */
    IrRef reg[15];        /* what guest registers are known to hold, or IR_NO_REF */
    IrFlags flags;        /* what the flags are known to be, or IR_NO_REF */
    uint8_t flags_stored; /* bit f: field f of the CPU holds flags.value[f] already */
    uint8_t fp_known;     /* what was checked in this block (emit_simd.h) */
    IrRef fp_check;       /* the FP_ACCESS for VFP that was passed on the way here, or IR_NO_REF */
    IrRef fp_nzcv;        /* the FP_COMPARE whose result FPSCR has, or IR_NO_REF */
} Translator;

typedef Translator C;

typedef struct AluOut {
    V value, carry, overflow;
} AluOut;

typedef struct ShiftOut {
    V value, carry;
} ShiftOut;

typedef struct SatOut {
    V value, saturated;
} SatOut;

/* ---- Appending (emit.c) -------------------------------------------------------------------------------- */

IrRef emit_op(C *c, IrOp op, IrRef a, IrRef b, IrRef third, uint32_t imm);
IrRef emit_const(C *c, uint32_t value);
/* The same with simplifications: constants are folded, x + 0 is x ... */
IrRef emit_alu(C *c, IrOp op, IrRef a, IrRef b);
IrRef emit_unary(C *c, IrOp op, IrRef a, uint32_t imm);
bool emit_is_const(const C *c, IrRef ref, uint32_t *value);

/* An operation that may leave the fast path: which flags must be stored before is noted beside it. */
IrRef emit_slow(C *c, IrOp op, IrRef a, IrRef b, uint32_t imm);
/* Leaves the block for an offset in its page if the condition holds. False: there is no room for that. */
bool emit_exit_if(C *c, const IrCond *cond, uint32_t offset);

/* Stores flags that are only known as values into the CPU; they stay known. */
void emit_store_flags(C *c);
/* Everything that is known about guest state is forgotten: the CPU holds it. */
void emit_forget(C *c);

V get_reg(C *c, unsigned n);
void set_reg(C *c, unsigned n, V value);
AluOut add_with_carry(C *c, V x, V y, V carry);
V select(C *c, V condition, V if_true, V if_false);
V insert_bits(C *c, V x, V y, unsigned lsb, unsigned width);
V reverse_bits(C *c, V x);
SatOut signed_sat(C *c, V x, unsigned width);
SatOut unsigned_sat(C *c, V x, unsigned width);
SatOut signed_add_sat(C *c, V x, V y);
SatOut signed_sub_sat(C *c, V x, V y);
ShiftOut shift_imm_c(C *c, V x, unsigned type, unsigned n);
ShiftOut emit_shift_reg_c(C *c, V x, unsigned type, V amount);
V load(C *c, V address, unsigned op);
void store(C *c, V address, V value, unsigned op);
void load_words(C *c, V address, V *values, unsigned count);
void store_words(C *c, V address, const V *values, unsigned count);
void branch_to(C *c, V target);
void branch_if(C *c, V condition, V target);
void bx_write_pc(C *c, V target);

/* ---- Registers and flags ------------------------------------------------------------------------------- */

static inline V imm(C *c, uint32_t value)
{
    return (V){emit_const(c, value)};
}

static inline void set_flag(C *c, IrField field, IrRef value)
{
    c->flags.value[field] = value;
    c->flags_stored &= (uint8_t) ~(1u << field);
}

static inline V get_c(C *c)
{
    if (c->flags.value[FIELD_CF] == IR_NO_REF) {
        c->flags.value[FIELD_CF] = emit_op(c, IR_GET_FIELD, 0, 0, 0, FIELD_CF);
        c->flags_stored |= 1 << FIELD_CF;
    }
    return (V){c->flags.value[FIELD_CF]};
}

static inline void set_nz(C *c, V result)
{
    set_flag(c, FIELD_NF, result.ref);
    set_flag(c, FIELD_ZF, result.ref);
}

/* The carry that is there already may be given: it then stays where it is. */
static inline void set_nzc(C *c, V result, V carry)
{
    set_nz(c, result);
    if (carry.ref != c->flags.value[FIELD_CF])
        set_flag(c, FIELD_CF, carry.ref);
}

static inline void set_nzcv(C *c, AluOut out)
{
    set_nz(c, out.value);
    set_flag(c, FIELD_CF, out.carry.ref);
    set_flag(c, FIELD_VF, out.overflow.ref);
}

static inline void set_nz64(C *c, V high, V low)
{
    set_flag(c, FIELD_NF, high.ref);
    set_flag(c, FIELD_ZF, emit_alu(c, IR_OR, high.ref, low.ref));
}

static inline void set_q_if(C *c, V condition)
{
    emit_op(c, IR_OR_FIELD, condition.ref, 0, 0, FIELD_Q);
}

static inline V get_ge(C *c)
{
    return (V){emit_op(c, IR_GET_FIELD, 0, 0, 0, FIELD_GE)};
}

static inline void set_ge(C *c, V ge)
{
    emit_op(c, IR_SET_FIELD, ge.ref, 0, 0, FIELD_GE);
}

static inline V get_spsr(C *c)
{
    c->must_call = true;
    return imm(c, 0);
}

static inline void exception_return(C *c, V target, V psr)
{
    (void)target;
    (void)psr;
    c->must_call = true;
}

static inline bool in_thumb_state(const C *c)
{
    return c->thumb;
}

/* (The interpreter has a function of this name.) */
static inline ShiftOut shift_reg_c(C *c, V x, unsigned type, V amount)
{
    return emit_shift_reg_c(c, x, type, amount);
}

/* ---- Arithmetic and bits ------------------------------------------------------------------------------- */

static inline V add32(C *c, V x, V y)
{
    return (V){emit_alu(c, IR_ADD, x.ref, y.ref)};
}

static inline V sub32(C *c, V x, V y)
{
    return (V){emit_alu(c, IR_SUB, x.ref, y.ref)};
}

static inline V mul32(C *c, V x, V y)
{
    return (V){emit_alu(c, IR_MUL, x.ref, y.ref)};
}

static inline V and32(C *c, V x, V y)
{
    return (V){emit_alu(c, IR_AND, x.ref, y.ref)};
}

static inline V or32(C *c, V x, V y)
{
    return (V){emit_alu(c, IR_OR, x.ref, y.ref)};
}

static inline V xor32(C *c, V x, V y)
{
    return (V){emit_alu(c, IR_XOR, x.ref, y.ref)};
}

static inline V not32(C *c, V x)
{
    return (V){emit_unary(c, IR_NOT, x.ref, 0)};
}

static inline V shift_left(C *c, V x, unsigned n)
{
    return (V){emit_unary(c, IR_SHL, x.ref, n)};
}

static inline V rotate_right(C *c, V x, unsigned n)
{
    return (V){emit_unary(c, IR_ROR, x.ref, n)};
}

static inline V ubits(C *c, V x, unsigned lsb, unsigned width)
{
    return (V){emit_unary(c, IR_UBITS, x.ref, lsb | width << 8)};
}

static inline V sbits(C *c, V x, unsigned lsb, unsigned width)
{
    return (V){emit_unary(c, IR_SBITS, x.ref, lsb | width << 8)};
}

static inline V less_unsigned(C *c, V x, V y)
{
    return (V){emit_alu(c, IR_LTU, x.ref, y.ref)};
}

static inline V is_zero(C *c, V x)
{
    return (V){emit_unary(c, IR_EQZ, x.ref, 0)};
}

static inline V count_leading_zeros(C *c, V x)
{
    return (V){emit_unary(c, IR_CLZ, x.ref, 0)};
}

static inline V reverse_bytes(C *c, V x)
{
    return (V){emit_unary(c, IR_BSWAP, x.ref, 0)};
}

/* ---- 64-bit values ------------------------------------------------------------------------------------- */

static inline V64 pair64(C *c, V high, V low)
{
    return (V64){emit_op(c, IR_PAIR, high.ref, low.ref, 0, 0)};
}

static inline V64 sign_extend64(C *c, V x)
{
    return (V64){emit_op(c, IR_SEXT64, x.ref, 0, 0, 0)};
}

static inline V64 zero_extend64(C *c, V x)
{
    return (V64){emit_op(c, IR_ZEXT64, x.ref, 0, 0, 0)};
}

static inline V low32(C *c, V64 x)
{
    return (V){emit_op(c, IR_LOW, x.ref, 0, 0, 0)};
}

static inline V high32(C *c, V64 x)
{
    return (V){emit_op(c, IR_HIGH, x.ref, 0, 0, 0)};
}

static inline V64 umul64(C *c, V x, V y)
{
    return (V64){emit_op(c, IR_MULU64, x.ref, y.ref, 0, 0)};
}

static inline V64 smul64(C *c, V x, V y)
{
    return (V64){emit_op(c, IR_MULS64, x.ref, y.ref, 0, 0)};
}

static inline V64 add64(C *c, V64 x, V64 y)
{
    return (V64){emit_op(c, IR_ADD64, x.ref, y.ref, 0, 0)};
}

static inline V64 sub64(C *c, V64 x, V64 y)
{
    return (V64){emit_op(c, IR_SUB64, x.ref, y.ref, 0, 0)};
}

static inline V64 shift_left64(C *c, V64 x, unsigned n)
{
    return (V64){emit_op(c, IR_SHL64, x.ref, 0, 0, n)};
}

static inline V64 shift_right_signed64(C *c, V64 x, unsigned n)
{
    return (V64){emit_op(c, IR_SAR64, x.ref, 0, 0, n)};
}

/* The high word is not the sign of the low one. */
static inline V overflows32(C *c, V64 x)
{
    V sign = {emit_unary(c, IR_SAR, low32(c, x).ref, 31)};
    return xor32(c, is_zero(c, xor32(c, high32(c, x), sign)), imm(c, 1));
}

/* ---- Memory and branches ------------------------------------------------------------------------------- */

/* Faults are the slow path's business. */
static inline bool faulted(C *c)
{
    return c->must_call;
}

static inline V link_address(C *c, const Insn *i)
{
    return (V){emit_op(c, IR_PCREL, 0, 0, 0, (uint32_t)(i->offset + i->length) | c->thumb)};
}

#endif
