/* Appends operations to the IR, with the simplifications that need no knowledge of what follows. */
#include "jit/emit.h"

#include <assert.h>
#include <string.h>

IrRef emit_op(C *c, IrOp op, IrRef a, IrRef b, IrRef third, uint32_t imm)
{
    Ir *ir = c->ir;
    if (ir->count >= IR_MAX) {
        c->must_call = true; /* the caller drops what was appended for this instruction */
        return IR_NO_REF;
    }
    ir->insn[ir->count] = (IrInsn){.op = (uint8_t)op, .a = a, .b = b, .c = third, .imm = imm};
    return (IrRef)ir->count++;
}

IrRef emit_const(C *c, uint32_t value)
{
    return emit_op(c, IR_CONST, 0, 0, 0, value);
}

bool emit_is_const(const C *c, IrRef ref, uint32_t *value)
{
    if (!ir_is(c->ir, ref, IR_CONST))
        return false;
    *value = c->ir->insn[ref].imm;
    return true;
}

static bool is_pcrel(const C *c, IrRef ref, uint32_t *offset)
{
    if (!ir_is(c->ir, ref, IR_PCREL))
        return false;
    *offset = c->ir->insn[ref].imm;
    return true;
}

static uint32_t fold(IrOp op, uint32_t x, uint32_t y)
{
    switch (op) {
    case IR_ADD:
        return x + y;
    case IR_SUB:
        return x - y;
    case IR_MUL:
        return x * y;
    case IR_AND:
        return x & y;
    case IR_OR:
        return x | y;
    case IR_XOR:
        return x ^ y;
    case IR_LTU:
        return x < y;
    case IR_LTS:
        return (int32_t)x < (int32_t)y;
    default:
        assert(!"an operation that can be folded");
        return 0;
    }
}

static bool commutes(IrOp op)
{
    return op == IR_ADD || op == IR_MUL || op == IR_AND || op == IR_OR || op == IR_XOR;
}

/* Operations on the address of the current page, whose low bits are known. */
static IrRef pcrel_alu(C *c, IrOp op, uint32_t offset, uint32_t y)
{
    uint32_t low = offset & 0xfff;
    switch (op) {
    case IR_ADD:
        return emit_op(c, IR_PCREL, 0, 0, 0, offset + y);
    case IR_SUB:
        return emit_op(c, IR_PCREL, 0, 0, 0, offset - y);
    case IR_AND:
        return (y | 0xfff) == UINT32_MAX ? emit_op(c, IR_PCREL, 0, 0, 0, offset - (low & ~y)) : IR_NO_REF;
    case IR_OR:
        return y <= 0xfff ? emit_op(c, IR_PCREL, 0, 0, 0, offset + (y & ~low)) : IR_NO_REF;
    case IR_XOR:
        return y <= 0xfff ? emit_op(c, IR_PCREL, 0, 0, 0, offset - low + (low ^ y)) : IR_NO_REF;
    default:
        return IR_NO_REF;
    }
}

/* a op y where that is a, or nothing: IR_NO_REF if it is neither. */
static IrRef identity(C *c, IrOp op, IrRef a, uint32_t y)
{
    bool zero_keeps = op == IR_ADD || op == IR_SUB || op == IR_OR || op == IR_XOR;
    if ((y == 0 && zero_keeps) || (y == UINT32_MAX && op == IR_AND) || (y == 1 && op == IR_MUL))
        return a;
    if (y == 0 && (op == IR_AND || op == IR_MUL || op == IR_LTU))
        return emit_const(c, 0);
    return IR_NO_REF;
}

IrRef emit_alu(C *c, IrOp op, IrRef a, IrRef b)
{
    uint32_t x, y, offset;
    bool const_a = emit_is_const(c, a, &x), const_b = emit_is_const(c, b, &y);
    if (const_a && const_b)
        return emit_const(c, fold(op, x, y));
    if (const_a && commutes(op)) {
        IrRef swap = a;
        a = b, b = swap;
        y = x;
        const_b = true;
    }
    IrRef simple = IR_NO_REF;
    if (const_b)
        simple = identity(c, op, a, y);
    if (!simple && const_b && is_pcrel(c, a, &offset))
        simple = pcrel_alu(c, op, offset, y);
    return simple ? simple : emit_op(c, op, a, b, 0, 0);
}

static uint32_t fold_bits(uint32_t x, uint32_t imm, bool is_signed)
{
    unsigned lsb = imm & 0xff, width = imm >> 8;
    uint32_t top = x << (32 - width - lsb);
    return is_signed ? (uint32_t)((int32_t)top >> (32 - width)) : top >> (32 - width);
}

static uint32_t fold_unary(IrOp op, uint32_t x, uint32_t imm)
{
    switch (op) {
    case IR_NOT:
        return ~x;
    case IR_SHL:
        return x << imm;
    case IR_SHR:
        return x >> imm;
    case IR_SAR:
        return (uint32_t)((int32_t)x >> imm);
    case IR_ROR:
        return imm ? x >> imm | x << (32 - imm) : x;
    case IR_UBITS:
    case IR_SBITS:
        return fold_bits(x, imm, op == IR_SBITS);
    case IR_CLZ:
        return x ? (uint32_t)__builtin_clz(x) : 32;
    case IR_BSWAP:
        return __builtin_bswap32(x);
    case IR_EQZ:
        return x == 0;
    default:
        assert(!"an operation that can be folded");
        return 0;
    }
}

IrRef emit_unary(C *c, IrOp op, IrRef a, uint32_t imm)
{
    uint32_t x;
    if (emit_is_const(c, a, &x))
        return emit_const(c, fold_unary(op, x, imm));
    bool shift = op == IR_SHL || op == IR_SHR || op == IR_SAR || op == IR_ROR;
    if (shift && imm == 0)
        return a;
    if ((op == IR_UBITS || op == IR_SBITS) && imm == 32 << 8)
        return a;
    return emit_op(c, op, a, 0, 0, imm);
}

/* ---- Guest state --------------------------------------------------------------------------------------- */

V get_reg(C *c, unsigned n)
{
    if (n == 15)
        return (V){emit_op(c, IR_PCREL, 0, 0, 0, c->insn->offset + (c->thumb ? 4u : 8u))};
    if (c->reg[n] == IR_NO_REF)
        c->reg[n] = emit_op(c, IR_GET_REG, 0, 0, 0, n);
    return (V){c->reg[n]};
}

void set_reg(C *c, unsigned n, V value)
{
    if (c->capture) {
        c->captures++;
        c->captured = (uint8_t)n;
        c->capture_value = value.ref;
        return;
    }
    emit_op(c, IR_SET_REG, value.ref, 0, 0, n);
    c->reg[n] = value.ref;
    c->written |= (uint16_t)(1u << n);
}

void emit_store_flags(C *c)
{
    for (IrField f = FIELD_NF; f <= FIELD_VF; f++) {
        if (c->flags.value[f] != IR_NO_REF && !(c->flags_stored >> f & 1))
            emit_op(c, IR_SET_FIELD, c->flags.value[f], 0, 0, f);
        if (c->flags.value[f] != IR_NO_REF)
            c->flags_stored |= (uint8_t)(1u << f);
    }
}

void emit_forget(C *c)
{
    for (unsigned n = 0; n < 15; n++)
        c->reg[n] = IR_NO_REF;
    c->flags = (IrFlags){{0}};
    c->flags_stored = 0;
    c->fp_nzcv = IR_NO_REF;
}

/* ---- Arithmetic ---------------------------------------------------------------------------------------- */

static AluOut alu_out(C *c, IrRef value)
{
    return (AluOut){
        {value}, {emit_op(c, IR_CARRY, value, 0, 0, 0)}, {emit_op(c, IR_OVERFLOW, value, 0, 0, 0)}};
}

/* x + y + carry, where y is ~z and carry 1 for subtractions. Additions of constants are not folded, since
 * their flags are wanted. */
AluOut add_with_carry(C *c, V x, V y, V carry)
{
    uint32_t cin = 0, value = 0, other = 0;
    bool known = emit_is_const(c, carry.ref, &cin);
    if (emit_is_const(c, x.ref, &value) && emit_is_const(c, y.ref, &other) && known) {
        uint64_t sum = (uint64_t)value + other + cin;
        uint32_t result = (uint32_t)sum;
        return (AluOut){imm(c, result), imm(c, (uint32_t)(sum >> 32)),
                        imm(c, ((value ^ result) & (other ^ result)) >> 31)};
    }
    if (ir_is(c->ir, x.ref, IR_NOT) && !ir_is(c->ir, y.ref, IR_NOT)) /* RSB: ~x + y */
        return add_with_carry(c, y, x, carry);
    if (known && emit_is_const(c, y.ref, &value) &&
        value == -cin) /* x - 0, as comparisons with 0 are, or x + 0 */
        return (AluOut){x, imm(c, cin), imm(c, 0)};
    bool inverted = ir_is(c->ir, y.ref, IR_NOT) || emit_is_const(c, y.ref, &value);
    IrRef z = ir_is(c->ir, y.ref, IR_NOT) ? c->ir->insn[y.ref].a : IR_NO_REF;
    if (known && cin == 0) {
        IrRef sum = emit_is_const(c, x.ref, &value) ? emit_op(c, IR_ADD, y.ref, x.ref, 0, 0)
                                                    : emit_op(c, IR_ADD, x.ref, y.ref, 0, 0);
        return alu_out(c, sum);
    }
    if (inverted && z == IR_NO_REF)
        z = emit_const(c, ~value);
    if (known && inverted)
        return alu_out(c, emit_op(c, IR_SUB, x.ref, z, 0, 0));
    if (inverted && z != IR_NO_REF)
        return alu_out(c, emit_op(c, IR_SBC, x.ref, z, carry.ref, 0));
    return alu_out(c, emit_op(c, IR_ADC, x.ref, y.ref, carry.ref, 0));
}

V select(C *c, V condition, V if_true, V if_false)
{
    uint32_t known;
    if (emit_is_const(c, condition.ref, &known))
        return known ? if_true : if_false;
    return (V){emit_op(c, IR_SELECT, condition.ref, if_true.ref, if_false.ref, 0)};
}

V insert_bits(C *c, V x, V y, unsigned lsb, unsigned width)
{
    uint32_t mask = (~(uint32_t)0 >> (32 - width)) << lsb, value;
    if (width == 32)
        return y;
    if (emit_is_const(c, y.ref, &value)) {
        IrRef cleared = emit_alu(c, IR_AND, x.ref, emit_const(c, ~mask));
        return (V){emit_alu(c, IR_OR, cleared, emit_const(c, value << lsb & mask))};
    }
    return (V){emit_op(c, IR_INSERT, x.ref, y.ref, 0, lsb | width << 8)};
}

static IrRef swap_bits(C *c, IrRef x, unsigned n, uint32_t mask)
{
    IrRef low = emit_alu(c, IR_AND, emit_unary(c, IR_SHR, x, n), emit_const(c, mask));
    IrRef high = emit_unary(c, IR_SHL, emit_alu(c, IR_AND, x, emit_const(c, mask)), n);
    return emit_alu(c, IR_OR, low, high);
}

V reverse_bits(C *c, V x)
{
    IrRef r = swap_bits(c, x.ref, 1, 0x55555555);
    r = swap_bits(c, r, 2, 0x33333333);
    r = swap_bits(c, r, 4, 0x0f0f0f0f);
    return (V){emit_unary(c, IR_BSWAP, r, 0)};
}

/* ---- Saturation ---------------------------------------------------------------------------------------- */

static SatOut saturate(C *c, V x, uint32_t top, uint32_t bottom)
{
    V high = {emit_alu(c, IR_LTS, emit_const(c, top), x.ref)};
    V low = {emit_alu(c, IR_LTS, x.ref, emit_const(c, bottom))};
    V value = select(c, high, imm(c, top), select(c, low, imm(c, bottom), x));
    return (SatOut){value, or32(c, high, low)};
}

SatOut signed_sat(C *c, V x, unsigned width)
{
    uint32_t top = 0x7fffffffu >> (32 - width);
    return saturate(c, x, top, ~top);
}

SatOut unsigned_sat(C *c, V x, unsigned width)
{
    return saturate(c, x, (1u << width) - 1, 0);
}

static SatOut saturate_overflow(C *c, V x, V result, V overflow)
{
    V limit = add32(c, ubits(c, x, 31, 1), imm(c, 0x7fffffff));
    return (SatOut){select(c, overflow, limit, result), overflow};
}

SatOut signed_add_sat(C *c, V x, V y)
{
    AluOut sum = add_with_carry(c, x, y, imm(c, 0));
    return saturate_overflow(c, x, sum.value, sum.overflow);
}

SatOut signed_sub_sat(C *c, V x, V y)
{
    AluOut difference = add_with_carry(c, x, not32(c, y), imm(c, 1));
    return saturate_overflow(c, x, difference.value, difference.overflow);
}

/* ---- Shifts -------------------------------------------------------------------------------------------- */

ShiftOut shift_imm_c(C *c, V x, unsigned type, unsigned n)
{
    switch (type) {
    case SHIFT_LSL:
        return n ? (ShiftOut){shift_left(c, x, n), ubits(c, x, 32 - n, 1)} : (ShiftOut){x, get_c(c)};
    case SHIFT_LSR:
        return (ShiftOut){n == 32 ? imm(c, 0) : (V){emit_unary(c, IR_SHR, x.ref, n)}, ubits(c, x, n - 1, 1)};
    case SHIFT_ASR:
        return (ShiftOut){{emit_unary(c, IR_SAR, x.ref, n == 32 ? 31 : n)}, ubits(c, x, n - 1, 1)};
    case SHIFT_ROR:
        return (ShiftOut){rotate_right(c, x, n), ubits(c, x, n - 1, 1)};
    default: {
        V top = shift_left(c, get_c(c), 31);
        return (ShiftOut){or32(c, (V){emit_unary(c, IR_SHR, x.ref, 1)}, top), ubits(c, x, 0, 1)};
    }
    }
}

ShiftOut emit_shift_reg_c(C *c, V x, unsigned type, V amount)
{
    static const uint8_t value_op[] = {IR_SHLV, IR_SHRV, IR_SARV, IR_RORV};
    static const uint8_t carry_op[] = {IR_SHLV_C, IR_SHRV_C, IR_SARV_C, IR_RORV_C};
    V carry = get_c(c);
    return (ShiftOut){{emit_op(c, value_op[type], x.ref, amount.ref, 0, 0)},
                      {emit_op(c, carry_op[type], x.ref, amount.ref, carry.ref, 0)}};
}

/* ---- Memory -------------------------------------------------------------------------------------------- */

/* With the operation goes which flags are not in the CPU yet. */
static IrRef emit_with_flags(C *c, IrOp op, IrRef a, IrRef b, uint32_t imm)
{
    Ir *ir = c->ir;
    if (ir->snaps >= IR_MAX_SNAPS) {
        c->must_call = true;
        return IR_NO_REF;
    }
    IrFlags pending = c->flags;
    bool any = false;
    for (IrField f = FIELD_NF; f <= FIELD_VF; f++) {
        if (c->flags_stored >> f & 1)
            pending.value[f] = IR_NO_REF;
        any |= pending.value[f] != IR_NO_REF;
    }
    IrRef ref = emit_op(c, op, a, b, 0, imm);
    if (any && ref != IR_NO_REF) {
        bool again = ir->snaps > 1 && !memcmp(&ir->snap[ir->snaps - 1], &pending, sizeof pending);
        if (!again)
            ir->snap[ir->snaps++] = pending;
        ir->insn[ref].snap = (uint16_t)(ir->snaps - 1);
    }
    return ref;
}

IrRef emit_slow(C *c, IrOp op, IrRef a, IrRef b, uint32_t imm)
{
    IrRef ref = emit_with_flags(c, op, a, b, imm);
    if (!c->slow)
        c->slow = (IrRef)c->ir->count;
    return ref;
}

static uint32_t access_imm(unsigned op)
{
    bool aligned = op & (MEM_ALIGN_SIZE | MEM_ALIGN_4) || op >> MEM_ALIGN_SHIFT;
    return (op & MEM_SIZE) | (aligned ? IR_ALIGNED : 0);
}

/* A constant beside the code, in its page: whoever may execute that may read it, and writing to it drops the
 * block. Big-endian data are not for compiled code. */
static bool literal(C *c, IrRef address, unsigned op, uint32_t *value)
{
    uint32_t offset, size = op & MEM_SIZE;
    if (!is_pcrel(c, address, &offset) || offset > PAGE_SIZE - size || offset % size)
        return false;
    uint64_t grain = (uint64_t)1 << (offset >> CODE_GRAIN_BITS);
    if (!(c->source->grains & grain))
        return false;
    *value = 0;
    memcpy(value, c->source->page + offset, size);
    c->literals |= grain;
    return true;
}

V load(C *c, V address, unsigned op)
{
    uint32_t value;
    c->must_call |= (op & MEM_UNPRIV) != 0;
    if (!c->must_call && literal(c, address.ref, op, &value))
        return (V){emit_const(c, value)};
    return (V){emit_slow(c, IR_LOAD, address.ref, 0, access_imm(op))};
}

void store(C *c, V address, V value, unsigned op)
{
    c->must_call |= (op & MEM_UNPRIV) != 0;
    emit_slow(c, IR_STORE, address.ref, value.ref, access_imm(op));
}

void load_words(C *c, V address, V *values, unsigned count)
{
    IrRef at = emit_slow(c, IR_WORDS_READ, address.ref, 0, count);
    for (unsigned n = 0; n < count; n++)
        values[n].ref = emit_op(c, IR_LOAD_AT, at, 0, 0, 4 * n);
}

void store_words(C *c, V address, const V *values, unsigned count)
{
    IrRef at = emit_slow(c, IR_WORDS_WRITE, address.ref, 0, count);
    for (unsigned n = 0; n < count; n++)
        emit_op(c, IR_STORE_AT, at, values[n].ref, 0, 4 * n);
}

/* ---- Branches ------------------------------------------------------------------------------------------ */

static void exit_to(C *c, IrRef target, bool thumb)
{
    uint32_t offset;
    emit_store_flags(c);
    if (is_pcrel(c, target, &offset)) {
        emit_op(c, IR_EXIT, 0, 0, 0, offset);
        return;
    }
    if (thumb)
        target = emit_alu(c, IR_OR, target, emit_const(c, 1));
    emit_op(c, IR_EXIT_TO, target, 0, 0, 0);
}

void branch_to(C *c, V target)
{
    exit_to(c, target.ref, c->thumb);
    c->ended = true;
}

void branch_if(C *c, V condition, V target)
{
    Ir *ir = c->ir;
    uint32_t one;
    IrRef test = condition.ref;
    bool inverted = ir_is(ir, test, IR_XOR) && emit_is_const(c, ir->insn[test].b, &one) && one == 1;
    if (inverted)
        test = ir->insn[test].a;
    emit_store_flags(c);
    IrRef skip;
    if (ir_is(ir, test, IR_EQZ)) { /* a comparison with zero is a condition by itself */
        IrCond cond = {.cond = inverted};
        cond.flags.value[FIELD_ZF] = ir->insn[test].a;
        ir->cond[ir->conds] = cond;
        skip = emit_op(c, IR_SKIP_UNLESS, 0, 0, 0, ir->conds++);
    } else {
        skip = emit_op(c, IR_SKIP_IF_ZERO, condition.ref, 0, 0, 0);
    }
    exit_to(c, target.ref, c->thumb);
    emit_op(c, IR_LABEL, 0, 0, 0, skip);
}

bool emit_exit_if(C *c, const IrCond *cond, uint32_t offset)
{
    Ir *ir = c->ir;
    if (ir->conds == IR_MAX_CONDS)
        return false;
    c->must_call = false;
    ir->cond[ir->conds] = *cond;
    return emit_with_flags(c, IR_EXIT_IF, 0, 0, ir->conds++ | offset << 16) != IR_NO_REF;
}

void bx_write_pc(C *c, V target)
{
    uint32_t offset;
    emit_store_flags(c);
    if (is_pcrel(c, target.ref, &offset))
        emit_op(c, IR_EXIT, 0, 0, (offset & 1) != c->thumb, offset & (offset & 1 ? ~1u : ~3u));
    else
        emit_op(c, IR_EXIT_TO, target.ref, 0, 0, 0);
    c->ended = true;
}
