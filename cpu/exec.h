/* The primitives that instruction bodies are written against, for execution: a value V is a uint32_t, an operation
 * computes it. A translator gives the same primitives another meaning. They sit at the level of the manual's
 * pseudo-code (DDI 0406C, appendix D16); where a name has a counterpart there, it behaves like it.
 *
 * Rules for bodies: C `if` only on decoded fields (Insn); on run-time values use select() and friends. Every memory
 * access comes before any register change, followed by `if (faulted(c)) return;`. */
#ifndef ARMATURE_CPU_EXEC_H
#define ARMATURE_CPU_EXEC_H

#include "cpu/cpu.h"
#include "cpu/insn.h"

typedef Cpu C;
typedef uint32_t V;     /* a 32-bit value */
typedef uint64_t V64;   /* a 64-bit value */

typedef struct AluOut {
    V value;
    V carry;    /* 0 or 1 */
    V overflow; /* bit 31 */
} AluOut;

typedef struct ShiftOut {
    V value;
    V carry;    /* 0 or 1 */
} ShiftOut;

/* ---- Registers and flags ----------------------------------------------------------------------------------- */

static inline V get_reg(C *c, unsigned n)
{
    return c->r[n];
}

/* n is not 15. */
static inline void set_reg(C *c, unsigned n, V value)
{
    c->r[n] = value;
}

static inline V imm(C *c, uint32_t value)
{
    (void)c;
    return value;
}

static inline V get_c(C *c)
{
    return c->cf;
}

static inline void set_nz(C *c, V result)
{
    c->nf = result;
    c->zf = result;
}

static inline void set_nzc(C *c, V result, V carry)
{
    set_nz(c, result);
    c->cf = carry;
}

static inline void set_nzcv(C *c, AluOut out)
{
    set_nzc(c, out.value, out.carry);
    c->vf = out.overflow;
}

/* Q |= condition (0 or 1). */
static inline void set_q_if(C *c, V condition)
{
    c->q |= condition != 0;
}

static inline V get_ge(C *c)
{
    return c->ge;
}

static inline void set_ge(C *c, V ge)
{
    c->ge = (uint8_t)ge;
}

/* ---- Arithmetic -------------------------------------------------------------------------------------------- */

static inline AluOut add_with_carry(C *c, V x, V y, V carry)
{
    (void)c;
    uint64_t sum = (uint64_t)x + y + carry;
    V value = (V)sum;
    return (AluOut){value, (V)(sum >> 32), (x ^ value) & (y ^ value)};
}

static inline V select(C *c, V condition, V if_true, V if_false)
{
    (void)c;
    return condition ? if_true : if_false;
}

/* The condition (0 to 13) as 0 or 1. */
static inline V condition_holds(const C *c, unsigned cond)
{
    V result;
    switch (cond >> 1) {
    case 0: result = c->zf == 0; break;
    case 1: result = c->cf; break;
    case 2: result = c->nf >> 31; break;
    case 3: result = c->vf >> 31; break;
    case 4: result = c->cf && c->zf; break;
    case 5: result = (c->nf ^ c->vf) >> 31 == 0; break;
    case 6: result = c->zf && (c->nf ^ c->vf) >> 31 == 0; break;
    default: return 1;
    }
    return result ^ (cond & 1);
}

/* Shift_C with an amount that is known when decoding: 1 to 32 (LSL: 0 to 31; RRX: 1). */
static inline ShiftOut shift_imm_c(C *c, V x, unsigned type, unsigned n)
{
    switch (type) {
    case SHIFT_LSL:
        return n ? (ShiftOut){x << n, x >> (32 - n) & 1} : (ShiftOut){x, c->cf};
    case SHIFT_LSR:
        return (ShiftOut){n == 32 ? 0 : x >> n, x >> (n - 1) & 1};
    case SHIFT_ASR:
        return (ShiftOut){n == 32 ? (V)((int32_t)x >> 31) : (V)((int32_t)x >> n), x >> (n - 1) & 1};
    case SHIFT_ROR:
        return (ShiftOut){x >> n | x << (32 - n), x >> (n - 1) & 1};
    default:
        return (ShiftOut){x >> 1 | c->cf << 31, x & 1};
    }
}

/* Shift_C with an amount from a register: any value of the low byte. */
ShiftOut shift_reg_c(C *c, V x, unsigned type, V amount);

/* The value of operand 2 (see Operand2), without and with its carry. */
static inline ShiftOut operand2_c(C *c, const Insn *i)
{
    switch (i->op2) {
    case OP2_IMM:
        return (ShiftOut){i->imm, i->imm_carry == IMM_CARRY_KEEP ? c->cf : (V)(i->imm_carry == IMM_CARRY_1)};
    case OP2_REG:
        return (ShiftOut){get_reg(c, i->rm), c->cf};
    case OP2_SHIFT_IMM:
        return shift_imm_c(c, get_reg(c, i->rm), i->shift_type, i->shift_n);
    default:
        return shift_reg_c(c, get_reg(c, i->rm), i->shift_type, get_reg(c, i->rs));
    }
}

static inline V operand2(C *c, const Insn *i)
{
    if (i->op2 == OP2_IMM)
        return i->imm;
    if (i->op2 == OP2_REG)
        return get_reg(c, i->rm);
    return operand2_c(c, i).value;
}

/* ---- Memory ------------------------------------------------------------------------------------------------ */

/* True if the instruction took an abort: return at once. */
static inline bool faulted(C *c)
{
    return c->leave & LEAVE_FAULT;
}

/* op: MEM_* of mmu.h. Values are zero-extended. */
static inline V load(C *c, V address, unsigned op)
{
    unsigned size = op & MEM_SIZE;
    const TlbEntry *e = tlb_entry(c->tlb, address);
    if (__builtin_expect(e->read == (address & (PAGE_MASK | (size - 1))), 1) && !(op & MEM_UNPRIV)) {
        const void *host = (const void *)(e->host + address);
        switch (size) {
        case 1: return *(const uint8_t *)host;
        case 2: return *(const uint16_t *)host;
        case 4: return *(const uint32_t *)host;
        }
    }
    return (V)mmu_load(c, address, op);
}

static inline void store(C *c, V address, V value, unsigned op)
{
    unsigned size = op & MEM_SIZE;
    const TlbEntry *e = tlb_entry(c->tlb, address);
    if (__builtin_expect(e->write == (address & (PAGE_MASK | (size - 1))), 1) && !(op & MEM_UNPRIV)) {
        void *host = (void *)(e->host + address);
        switch (size) {
        case 1: *(uint8_t *)host = (uint8_t)value; return;
        case 2: *(uint16_t *)host = (uint16_t)value; return;
        case 4: *(uint32_t *)host = value; return;
        }
    }
    mmu_store(c, address, value, op);
}

static inline V64 load64(C *c, V address, unsigned op)
{
    return mmu_load(c, address, op | MEM_64);
}

static inline void store64(C *c, V address, V64 value, unsigned op)
{
    mmu_store(c, address, value, op | MEM_64);
}

/* ---- Branches ---------------------------------------------------------------------------------------------- */

/* Goes to target in the current instruction set; target is aligned for it. */
static inline void branch_to(C *c, V target)
{
    c->pc = target;
    c->leave |= LEAVE_PC;
}

/* BranchWritePC, BXWritePC, LoadWritePC (ARMv7: as BX), ALUWritePC of the manual (A2.3.2). */
static inline void branch_write_pc(C *c, V target)
{
    branch_to(c, c->thumb ? target & ~1u : target & ~3u);
}

static inline void bx_write_pc(C *c, V target)
{
    c->thumb = target & 1;
    branch_to(c, target & 1 ? target & ~1u : target & ~3u);
}

static inline void load_write_pc(C *c, V target)
{
    bx_write_pc(c, target);
}

static inline void alu_write_pc(C *c, V target)
{
    if (c->thumb)
        branch_write_pc(c, target);
    else
        bx_write_pc(c, target);
}

/* Result of a data-processing instruction: a branch if n is 15. */
static inline void write_reg(C *c, unsigned n, V value)
{
    if (n == 15)
        alu_write_pc(c, value);
    else
        set_reg(c, n, value);
}

#endif
