/* Advanced SIMD instructions that only move lanes: VSWP, VTRN, VUZP, VZIP, VEXT, VTBL, VTBX, VDUP of a scalar
 * (DDI 0406C A7.4). */
#include "cpu/neon.h"
#include "cpu/neon_lanes.h"

/* ---- Two registers that both change. The result is UNKNOWN if they are the same. ---- */

typedef struct Pair {
    Vec d, m;
} Pair;

typedef Pair PairOp(Pair p, unsigned size, bool q);

INLINE void exchange(Cpu *c, const Insn *i, PairOp *op, unsigned size, bool q)
{
    Pair p = {read_vec(c, i->rd, q), read_vec(c, i->rm, q)};
    p = op(p, size, q);
    write_vec(c, i->rd, q, p.d);
    write_vec(c, i->rm, q, p.m);
}

INLINE void exchange_by_length(Cpu *c, const Insn *i, PairOp *op, unsigned size)
{
    if (i->q)
        exchange(c, i, op, size, true);
    else
        exchange(c, i, op, size, false);
}

INLINE void exchange_by_size(Cpu *c, const Insn *i, PairOp *op)
{
    switch (i->size) {
    case 0:
        exchange_by_length(c, i, op, 0);
        break;
    case 1:
        exchange_by_length(c, i, op, 1);
        break;
    default:
        exchange_by_length(c, i, op, 2);
    }
}

INLINE Pair op_swp(Pair p, unsigned size, bool q)
{
    (void)size, (void)q;
    return (Pair){p.m, p.d};
}

/* Odd lanes of d against even lanes of m: halves of lanes of twice the size. */
INLINE Pair op_trn(Pair p, unsigned size, bool q)
{
    unsigned bits = 8u << size, wide = size + 1;
    Vec even = v_dup((1ull << bits) - 1, wide);
    (void)q;
    return (Pair){(p.d & even) | v_shl(p.m, bits, wide), v_shr(p.d, bits, wide, false) | (p.m & ~even)};
}

INLINE Pair op_uzp(Pair p, unsigned size, bool q)
{
    Pair out;
    if (!q) {
        v_unzip(p.d, p.m, size, &out.d, &out.m);
        return out;
    }
    unsigned bits = 8u << size, wide = size + 1;
    Vec odd_d = v_narrow(v_shr(p.d, bits, wide, false), size),
        odd_m = v_narrow(v_shr(p.m, bits, wide, false), size);
    out.d = (Vec){v_narrow(p.d, size)[0], v_narrow(p.m, size)[0]};
    out.m = (Vec){odd_d[0], odd_m[0]};
    return out;
}

/* Lanes of two doublewords, alternating. */
INLINE Vec interleaved(uint64_t first, uint64_t second, unsigned size)
{
    Vec even = v_widen((Vec){first, 0}, size, false), odd = v_widen((Vec){second, 0}, size, false);
    return even | v_shl(odd, 8u << size, size + 1);
}

INLINE Pair op_zip(Pair p, unsigned size, bool q)
{
    Vec low = interleaved(p.d[0], p.m[0], size);
    if (q)
        return (Pair){low, interleaved(p.d[1], p.m[1], size)};
    return (Pair){
        low, (Vec){low[1], 0}
    };
}

void neon_vswp(Cpu *c, const Insn *i)
{
    exchange_by_length(c, i, op_swp, 0);
}

void neon_vtrn(Cpu *c, const Insn *i)
{
    exchange_by_size(c, i, op_trn);
}

void neon_vuzp(Cpu *c, const Insn *i)
{
    exchange_by_size(c, i, op_uzp);
}

void neon_vzip(Cpu *c, const Insn *i)
{
    exchange_by_size(c, i, op_zip);
}

/* ---- Extract, duplicate, table lookup ---- */

/* The register's length of bytes from byte imm of n followed by m. */
void neon_vext(Cpu *c, const Insn *i)
{
    unsigned length = i->q ? 16 : 8;
    uint8_t bytes[32];
    memcpy(bytes, &c->v.d[i->rn], length);
    memcpy(bytes + length, &c->v.d[i->rm], length);
    memcpy(&c->v.d[i->rd], bytes + i->imm, length);
}

void neon_vdup(Cpu *c, const Insn *i)
{
    uint64_t scalar = c->v.d[i->rm] >> ((8u << i->size) * i->imm);
    write_vec(c, i->rd, i->q, v_dup(scalar, i->size));
}

/* Bytes of the table (ra doublewords from rn on) by the indexes in rm; beyond the table: what `result` has.
 */
INLINE void look_up(Cpu *c, const Insn *i, uint64_t result)
{
    uint8_t table[32], bytes[8], indexes[8];
    memcpy(table, &c->v.d[i->rn], 8u * i->ra);
    memcpy(indexes, &c->v.d[i->rm], 8);
    memcpy(bytes, &result, 8);
    for (unsigned k = 0; k < 8; k++)
        if (indexes[k] < 8u * i->ra)
            bytes[k] = table[indexes[k]];
    memcpy(&c->v.d[i->rd], bytes, 8);
}

void neon_vtbl(Cpu *c, const Insn *i)
{
    look_up(c, i, 0);
}

void neon_vtbx(Cpu *c, const Insn *i)
{
    look_up(c, i, c->v.d[i->rd]);
}
