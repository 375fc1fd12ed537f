#include "tests/jit/ir_eval.h"

#include <assert.h>
#include <stdlib.h>

static uint32_t rotate(uint32_t x, unsigned n)
{
    n &= 31;
    return n ? x >> n | x << (32 - n) : x;
}

static uint32_t shift_by(IrOp op, uint32_t x, unsigned n)
{
    switch (op) {
    case IR_SHLV:
        return n < 32 ? x << n : 0;
    case IR_SHRV:
        return n < 32 ? x >> n : 0;
    case IR_SARV:
        return (uint32_t)((int32_t)x >> (n < 32 ? n : 31));
    default:
        return rotate(x, n);
    }
}

/* The bit that went out last, n is not 0. */
static uint32_t shifted_out(IrOp op, uint32_t x, unsigned n)
{
    switch (op) {
    case IR_SHLV_C:
        return n <= 32 ? x >> (32 - n) & 1 : 0;
    case IR_SHRV_C:
        return n <= 32 ? x >> (n - 1) & 1 : 0;
    case IR_SARV_C:
        return x >> (n <= 32 ? n - 1 : 31) & 1;
    default:
        return x >> ((n - 1) & 31) & 1;
    }
}

static uint32_t bits(uint32_t x, uint32_t imm, bool is_signed)
{
    unsigned lsb = imm & 0xff, width = imm >> 8;
    uint32_t mask = UINT32_MAX >> (32 - width), value = x >> lsb & mask;
    return is_signed && value >> (width - 1) ? value | ~mask : value;
}

static uint32_t insert(uint32_t x, uint32_t y, uint32_t imm)
{
    uint32_t mask = UINT32_MAX >> (32 - (imm >> 8)) << (imm & 0xff);
    return (x & ~mask) | (y << (imm & 0xff) & mask);
}

static uint32_t byte_swap(uint32_t x)
{
    return x >> 24 | (x >> 8 & 0xff00) | (x << 8 & 0xff0000) | x << 24;
}

static uint32_t leading_zeros(uint32_t x)
{
    uint32_t n = 0;
    while (n < 32 && !(x >> (31 - n) & 1))
        n++;
    return n;
}

/* clang-format off */
uint64_t ir_eval_op(const IrInsn *insn, uint64_t a, uint64_t b, uint64_t c)
{
    uint32_t x = (uint32_t)a, y = (uint32_t)b, z = (uint32_t)c;
    switch ((IrOp)insn->op) {
    case IR_CONST: return insn->imm;
    case IR_ADD: return x + y;
    case IR_SUB: return x - y;
    case IR_ADC: return x + y + z;
    case IR_SBC: return x + ~y + z;
    case IR_MUL: return x * y;
    case IR_AND: return x & y;
    case IR_OR: return x | y;
    case IR_XOR: return x ^ y;
    case IR_NOT: return ~x;
    case IR_SHL: return x << insn->imm;
    case IR_SHR: return x >> insn->imm;
    case IR_SAR: return (uint32_t)((int32_t)x >> insn->imm);
    case IR_ROR: return rotate(x, insn->imm);
    case IR_SHLV: case IR_SHRV: case IR_SARV: case IR_RORV: return shift_by((IrOp)insn->op, x, y & 0xff);
    case IR_SHLV_C: case IR_SHRV_C: case IR_SARV_C: case IR_RORV_C:
        return y & 0xff ? shifted_out((IrOp)insn->op, x, y & 0xff) : z;
    case IR_UBITS: return bits(x, insn->imm, false);
    case IR_SBITS: return bits(x, insn->imm, true);
    case IR_INSERT: return insert(x, y, insn->imm);
    case IR_CLZ: return leading_zeros(x);
    case IR_BSWAP: return byte_swap(x);
    case IR_LTU: return x < y;
    case IR_LTS: return (int32_t)x < (int32_t)y;
    case IR_EQZ: return x == 0;
    case IR_SELECT: return x ? y : z;
    case IR_MULU64: return (uint64_t)x * y;
    case IR_MULS64: return (uint64_t)((int64_t)(int32_t)x * (int32_t)y);
    case IR_PAIR: return (uint64_t)x << 32 | y;
    case IR_ZEXT64: return x;
    case IR_SEXT64: return (uint64_t)(int64_t)(int32_t)x;
    case IR_ADD64: return a + b;
    case IR_SUB64: return a - b;
    case IR_SHL64: return a << insn->imm;
    case IR_SAR64: return (uint64_t)((int64_t)a >> insn->imm);
    case IR_LOW: return x;
    case IR_HIGH: return a >> 32;
    default:
        assert(!"an operation that can be computed");
        return 0;
    }
}
/* clang-format on */

/* Carry or overflow of the addition or subtraction `of`, from its operands. */
static uint32_t flag_of(IrOp flag, const IrInsn *of, uint32_t x, uint32_t y, uint32_t z)
{
    bool subtract = of->op == IR_SUB || of->op == IR_SBC;
    uint32_t carry = of->op == IR_ADD ? 0 : of->op == IR_SUB ? 1 : z;
    uint32_t other = subtract ? ~y : y;
    uint64_t sum = (uint64_t)x + other + carry;
    if (flag == IR_CARRY)
        return (uint32_t)(sum >> 32);
    return ((x ^ (uint32_t)sum) & (other ^ (uint32_t)sum)) >> 31;
}

static bool holds(const IrCond *cond, const uint64_t *value, const IrState *state)
{
    uint32_t f[4];
    for (IrField n = FIELD_NF; n <= FIELD_VF; n++)
        f[n] = cond->flags.value[n] ? (uint32_t)value[cond->flags.value[n]] : state->field[n];
    bool n = f[FIELD_NF] >> 31, z = f[FIELD_ZF] == 0, c = f[FIELD_CF], v = f[FIELD_VF];
    const bool base[] = {z, c, n, v, c && !z, n == v, !z && n == v};
    return base[cond->cond / 2] ^ (cond->cond & 1);
}

static unsigned label_after(const Ir *ir, unsigned at)
{
    while (ir->insn[at].op != IR_LABEL)
        at++;
    return at;
}

unsigned ir_eval(const Ir *ir, IrState *state)
{
    unsigned exits = 0;
    uint64_t *value = calloc(IR_MAX, sizeof *value);
    if (!value)
        abort();
    for (unsigned at = 1; at < ir->count && ir->insn[at].op != IR_EXIT; at++) {
        const IrInsn *insn = &ir->insn[at], *of = &ir->insn[insn->a];
        uint32_t a = (uint32_t)value[insn->a];
        switch ((IrOp)insn->op) {
        case IR_NOP:
        case IR_INSN:
        case IR_LABEL:
            break;
        case IR_PCREL:
            value[at] = state->page_va + insn->imm;
            break;
        case IR_GET_REG:
            value[at] = state->reg[insn->imm];
            break;
        case IR_SET_REG:
            state->reg[insn->imm] = a;
            break;
        case IR_GET_FIELD:
            value[at] = state->field[insn->imm];
            break;
        case IR_SET_FIELD:
            state->field[insn->imm] = a;
            break;
        case IR_OR_FIELD:
            state->field[insn->imm] |= a;
            break;
        case IR_CARRY:
        case IR_OVERFLOW:
            value[at] = flag_of((IrOp)insn->op, of, (uint32_t)value[of->a], (uint32_t)value[of->b],
                                (uint32_t)value[of->c]);
            break;
        case IR_SELECT_IF:
            value[at] = holds(&ir->cond[insn->imm], value, state) ? value[insn->a] : value[insn->b];
            break;
        case IR_SKIP_UNLESS:
            if (!holds(&ir->cond[insn->imm], value, state))
                at = label_after(ir, at);
            break;
        case IR_EXIT_IF:
            exits++;
            if (!holds(ir_condition(ir, insn), value, state))
                break;
            for (IrField f = FIELD_NF; insn->snap && f <= FIELD_VF; f++)
                if (ir->snap[insn->snap].value[f] != IR_NO_REF)
                    state->field[f] = (uint32_t)value[ir->snap[insn->snap].value[f]];
            free(value);
            return exits;
        case IR_SKIP_IF_ZERO:
            if (!a)
                at = label_after(ir, at);
            break;
        default:
            value[at] = ir_eval_op(insn, value[insn->a], value[insn->b], value[insn->c]);
            break;
        }
    }
    free(value);
    return 0;
}
