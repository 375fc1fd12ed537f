/* The primitives that instruction bodies are written against, for execution: a value V is a uint32_t, an
 * operation computes it. A translator gives the same primitives another meaning. They sit at the level of the
 * manual's pseudo-code (DDI 0406C, appendix D16); where a name has a counterpart there, it behaves like it.
 *
 * Rules for bodies: C `if` only on decoded fields (Insn); on run-time values use select() and friends. Every
 * memory access comes before any register change, followed by `if (faulted(c)) return;`. */
#ifndef ARMATURE_CPU_EXEC_H
#define ARMATURE_CPU_EXEC_H

#include "cpu/cpu.h"
#include "cpu/insn.h"

typedef Cpu C;
typedef uint32_t V;   /* a 32-bit value */
typedef uint64_t V64; /* a 64-bit value */

typedef struct AluOut {
    V value;
    V carry;    /* 0 or 1 */
    V overflow; /* 0 or 1 */
} AluOut;

typedef struct ShiftOut {
    V value;
    V carry; /* 0 or 1 */
} ShiftOut;

typedef struct SatOut {
    V value;
    V saturated; /* 0 or 1 */
} SatOut;

/* ---- Registers and flags ------------------------------------------------------------------------------- */

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

/* N and Z of a 64-bit result. */
static inline void set_nz64(C *c, V high, V low)
{
    c->nf = high;
    c->zf = high | low;
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

static inline bool in_user_or_system_mode(const C *c)
{
    return c->mode == MODE_USR || c->mode == MODE_SYS;
}

static inline V get_spsr(C *c)
{
    return spsr_read(c);
}

/* ---- Arithmetic ---------------------------------------------------------------------------------------- */

static inline AluOut add_with_carry(C *c, V x, V y, V carry)
{
    (void)c;
    uint64_t sum = (uint64_t)x + y + carry;
    V value = (V)sum;
    return (AluOut){value, (V)(sum >> 32), ((x ^ value) & (y ^ value)) >> 31};
}

static inline V select(C *c, V condition, V if_true, V if_false)
{
    (void)c;
    return condition ? if_true : if_false;
}

/* For each condition, the set of NZCV values (bit numbers) under which it holds. */
static const uint16_t condition_sets[16] = {
    0xf0f0, 0x0f0f, 0xcccc, 0x3333, 0xff00, 0x00ff, 0xaaaa, 0x5555,
    0x0c0c, 0xf3f3, 0xaa55, 0x55aa, 0x0a05, 0xf5fa, 0xffff, 0xffff,
};

/* The condition (0 to 14) as 0 or 1. */
static inline V condition_holds(const C *c, unsigned cond)
{
    unsigned nzcv = c->nf >> 31 << 3 | (c->zf == 0) << 2 | c->cf << 1 | c->vf;
    return condition_sets[cond] >> nzcv & 1;
}

/* ---- Bits ---------------------------------------------------------------------------------------------- */

static inline V add32(C *c, V x, V y)
{
    (void)c;
    return x + y;
}

static inline V sub32(C *c, V x, V y)
{
    (void)c;
    return x - y;
}

static inline V mul32(C *c, V x, V y)
{
    (void)c;
    return x * y;
}

static inline V and32(C *c, V x, V y)
{
    (void)c;
    return x & y;
}

static inline V or32(C *c, V x, V y)
{
    (void)c;
    return x | y;
}

static inline V xor32(C *c, V x, V y)
{
    (void)c;
    return x ^ y;
}

static inline V not32(C *c, V x)
{
    (void)c;
    return ~x;
}

/* x << n for n from 0 to 31. */
static inline V shift_left(C *c, V x, unsigned n)
{
    (void)c;
    return x << n;
}

/* ROR(x, n) for n from 0 to 31. */
static inline V rotate_right(C *c, V x, unsigned n)
{
    (void)c;
    return x >> n | x << (-n & 31);
}

/* UInt(x<lsb+width-1:lsb>), width from 1 to 32. */
static inline V ubits(C *c, V x, unsigned lsb, unsigned width)
{
    (void)c;
    return x << (32 - width - lsb) >> (32 - width);
}

/* SInt(x<lsb+width-1:lsb>). */
static inline V sbits(C *c, V x, unsigned lsb, unsigned width)
{
    (void)c;
    return (V)((int32_t)(x << (32 - width - lsb)) >> (32 - width));
}

/* x with x<lsb+width-1:lsb> replaced by the low bits of y. */
static inline V insert_bits(C *c, V x, V y, unsigned lsb, unsigned width)
{
    (void)c;
    uint32_t mask = (~(uint32_t)0 >> (32 - width)) << lsb;
    return (x & ~mask) | (y << lsb & mask);
}

static inline V less_unsigned(C *c, V x, V y)
{
    (void)c;
    return x < y;
}

static inline V is_zero(C *c, V x)
{
    (void)c;
    return x == 0;
}

static inline V count_leading_zeros(C *c, V x)
{
    (void)c;
    return x ? (V)__builtin_clz(x) : 32;
}

static inline V reverse_bytes(C *c, V x)
{
    (void)c;
    return __builtin_bswap32(x);
}

static inline V reverse_bits(C *c, V x)
{
    (void)c;
    x = (x >> 1 & 0x55555555) | (x & 0x55555555) << 1;
    x = (x >> 2 & 0x33333333) | (x & 0x33333333) << 2;
    x = (x >> 4 & 0x0f0f0f0f) | (x & 0x0f0f0f0f) << 4;
    return __builtin_bswap32(x);
}

/* ---- Saturation ---------------------------------------------------------------------------------------- */

/* SignedSatQ of SInt(x), width from 1 to 32. */
static inline SatOut signed_sat(C *c, V x, unsigned width)
{
    (void)c;
    int32_t top = (int32_t)(0x7fffffffu >> (32 - width));
    int32_t value = (int32_t)x;
    int32_t result = value > top ? top : value < ~top ? ~top : value;
    return (SatOut){(V)result, result != value};
}

/* UnsignedSatQ of SInt(x), width from 0 to 31. */
static inline SatOut unsigned_sat(C *c, V x, unsigned width)
{
    (void)c;
    int32_t top = (int32_t)((1u << width) - 1);
    int32_t value = (int32_t)x;
    int32_t result = value > top ? top : value < 0 ? 0 : value;
    return (SatOut){(V)result, result != value};
}

/* SignedSatQ(SInt(x) + SInt(y), 32) and of the difference. */
static inline SatOut signed_add_sat(C *c, V x, V y)
{
    (void)c;
    V sum = x + y;
    bool overflow = ((x ^ sum) & (y ^ sum)) >> 31;
    return overflow ? (SatOut){0x7fffffff + (x >> 31), 1} : (SatOut){sum, 0};
}

static inline SatOut signed_sub_sat(C *c, V x, V y)
{
    (void)c;
    V difference = x - y;
    bool overflow = ((x ^ y) & (x ^ difference)) >> 31;
    return overflow ? (SatOut){0x7fffffff + (x >> 31), 1} : (SatOut){difference, 0};
}

/* ---- 64-bit values ------------------------------------------------------------------------------------- */

static inline V64 pair64(C *c, V high, V low)
{
    (void)c;
    return (V64)high << 32 | low;
}

static inline V64 sign_extend64(C *c, V x)
{
    (void)c;
    return (V64)(int64_t)(int32_t)x;
}

static inline V64 zero_extend64(C *c, V x)
{
    (void)c;
    return x;
}

static inline V low32(C *c, V64 x)
{
    (void)c;
    return (V)x;
}

static inline V high32(C *c, V64 x)
{
    (void)c;
    return (V)(x >> 32);
}

static inline V64 umul64(C *c, V x, V y)
{
    (void)c;
    return (V64)x * y;
}

static inline V64 smul64(C *c, V x, V y)
{
    (void)c;
    return (V64)((int64_t)(int32_t)x * (int32_t)y);
}

static inline V64 add64(C *c, V64 x, V64 y)
{
    (void)c;
    return x + y;
}

static inline V64 sub64(C *c, V64 x, V64 y)
{
    (void)c;
    return x - y;
}

static inline V64 shift_left64(C *c, V64 x, unsigned n)
{
    (void)c;
    return x << n;
}

static inline V64 shift_right_signed64(C *c, V64 x, unsigned n)
{
    (void)c;
    return (V64)((int64_t)x >> n);
}

/* 1 if x is not SInt(x<31:0>). */
static inline V overflows32(C *c, V64 x)
{
    (void)c;
    return x != (V64)(int64_t)(int32_t)x;
}

/* ---- Shifted operands ---------------------------------------------------------------------------------- */

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

/* ---- Memory -------------------------------------------------------------------------------------------- */

/* True if the instruction took an abort: return at once. */
static inline bool faulted(C *c)
{
    return c->leave & LEAVE_FAULT;
}

/* op: MEM_* of mmu.h. Values are zero-extended. */
static inline V load(C *c, V address, unsigned op)
{
    unsigned size = op & MEM_SIZE;
    uintptr_t page = c->fast->read[address >> PAGE_BITS];
    if (__builtin_expect(page && !(address & (size - 1)), 1) && !(op & MEM_UNPRIV)) {
        const void *host = (const void *)(page + address);
        switch (size) {
        case 1:
            return *(const uint8_t *)host;
        case 2:
            return *(const uint16_t *)host;
        case 4:
            return *(const uint32_t *)host;
        }
    }
    return (V)mmu_load(c, address, op);
}

static inline void store(C *c, V address, V value, unsigned op)
{
    unsigned size = op & MEM_SIZE;
    uintptr_t page = c->fast->write[address >> PAGE_BITS];
    if (__builtin_expect(page && !(address & (size - 1)), 1) && !(op & MEM_UNPRIV)) {
        void *host = (void *)(page + address);
        switch (size) {
        case 1:
            *(uint8_t *)host = (uint8_t)value;
            return;
        case 2:
            *(uint16_t *)host = (uint16_t)value;
            return;
        case 4:
            *(uint32_t *)host = value;
            return;
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

/* Slow paths of the two below. */
void load_words_slow(C *c, V address, V *values, unsigned count, unsigned op);
void store_words_slow(C *c, V address, const V *values, unsigned count, unsigned op);

/* count words from address on, which must be word-aligned (else: alignment fault). Nothing is in values after
 * a fault; words below the one that faults may have been stored. */
static inline void load_words(C *c, V address, V *values, unsigned count)
{
    uintptr_t page = c->fast->read[address >> PAGE_BITS];
    if (__builtin_expect(!page || address & 3 || (address & ~PAGE_MASK) + 4 * count > PAGE_SIZE, 0)) {
        load_words_slow(c, address, values, count, MEM_32 | MEM_ALIGN_4);
        return;
    }
    const uint32_t *host = (const uint32_t *)(page + address);
    for (unsigned n = 0; n < count; n++)
        values[n] = host[n];
}

static inline void store_words(C *c, V address, const V *values, unsigned count)
{
    uintptr_t page = c->fast->write[address >> PAGE_BITS];
    if (__builtin_expect(!page || address & 3 || (address & ~PAGE_MASK) + 4 * count > PAGE_SIZE, 0)) {
        store_words_slow(c, address, values, count, MEM_32 | MEM_ALIGN_4);
        return;
    }
    uint32_t *host = (uint32_t *)(page + address);
    for (unsigned n = 0; n < count; n++)
        host[n] = values[n];
}

/* ---- Branches ------------------------------------------------------------------------------------------ */

/* Goes to target in the current instruction set; target is aligned for it. */
static inline void branch_to(C *c, V target)
{
    c->pc = target;
    c->leave |= LEAVE_PC;
}

/* The same if condition (0 or 1). */
static inline void branch_if(C *c, V condition, V target)
{
    if (condition)
        branch_to(c, target);
}

/* What BL leaves in LR: the address of the next instruction, with bit 0 set in Thumb state. */
static inline V link_address(C *c, const Insn *i)
{
    return (c->page_va + i->offset + i->length) | c->thumb;
}

static inline bool in_thumb_state(const C *c)
{
    return c->thumb;
}

/* BXWritePC of the manual (A2.3.2). */
static inline void bx_write_pc(C *c, V target)
{
    c->thumb = target & 1;
    branch_to(c, target & 1 ? target & ~1u : target & ~3u);
}

/* Exception return: CPSR := psr as CPSRWriteByInstr, then BranchWritePC(target) in the state that results.
 * UNDEFINED in User and System mode. */
void exception_return(C *c, V target, V psr);

#endif
