/* Advanced SIMD instructions that only move lanes: VSWP, VTRN, VUZP, VZIP, VEXT, VTBL, VTBX, VDUP of a scalar
 * (DDI 0406C A7.4). */
#include "cpu/neon.h"
#include "cpu/neon_lanes.h"

/* ---- Two registers that both change. The result is UNKNOWN if they are the same. ---- */

typedef struct Pair {
    Vec d, m;
} Pair;

typedef Pair PairOp(Pair p, unsigned size, unsigned lanes);

INLINE void exchange(Cpu *c, const Insn *i, PairOp *op, unsigned size, bool q)
{
    Pair p = {read_vec(c, i->rd, q), read_vec(c, i->rm, q)};
    p = op(p, size, (q ? 16u : 8u) >> size);
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

INLINE Pair op_swp(Pair p, unsigned size, unsigned lanes)
{
    (void)size, (void)lanes;
    return (Pair){p.m, p.d};
}

/* Lanes of 2x2 matrices: odd ones of d against even ones of m. */
INLINE Pair op_trn(Pair p, unsigned size, unsigned lanes)
{
    Pair out = p;
    for (unsigned k = 0; k < lanes; k += 2) {
        out.d = lane_set(out.d, size, k + 1, lane_get(p.m, size, k));
        out.m = lane_set(out.m, size, k, lane_get(p.d, size, k + 1));
    }
    return out;
}

/* Lane k of d followed by m. */
INLINE uint64_t joined_lane(Pair p, unsigned size, unsigned lanes, unsigned k)
{
    return k < lanes ? lane_get(p.d, size, k) : lane_get(p.m, size, k - lanes);
}

INLINE Pair op_uzp(Pair p, unsigned size, unsigned lanes)
{
    Pair out = p;
    for (unsigned k = 0; k < lanes; k++) {
        out.d = lane_set(out.d, size, k, joined_lane(p, size, lanes, 2 * k));
        out.m = lane_set(out.m, size, k, joined_lane(p, size, lanes, 2 * k + 1));
    }
    return out;
}

INLINE Pair op_zip(Pair p, unsigned size, unsigned lanes)
{
    Pair out = p;
    for (unsigned k = 0; k < lanes; k++) {
        unsigned from = lanes / 2 + k / 2;
        out.d = lane_set(out.d, size, k, lane_get(k & 1 ? p.m : p.d, size, k / 2));
        out.m = lane_set(out.m, size, k, lane_get(k & 1 ? p.m : p.d, size, from));
    }
    return out;
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
