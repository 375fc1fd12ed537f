/* Advanced SIMD: lanes to other places, registers to and from memory. */
#include "jit/emit_neon.h"

/* ---- Permutations ---- */

/* op: log2 of the bytes of a group. */
void emit_reverse(C *c, const Insn *i, unsigned op)
{
    IrRef x = neon_get_m(c, i);
    if (i->size == 0)
        x = lanes_binary(c, VEC_OR, 3, lanes_unary(c, VEC_SHL, 1, 8, x), lanes_unary(c, VEC_SHR, 1, 8, x));
    if (i->size <= 1 && op > 1) {
        unsigned order = op == 3 ? 0x1b : 0xb1;
        x = lanes_unary(c, VEC_SHUFFLE_HIGH_HALVES, 1, order,
                        lanes_unary(c, VEC_SHUFFLE_LOW_HALVES, 1, order, x));
    } else if (i->size == 2) {
        x = lanes_unary(c, VEC_SHUFFLE_WORDS, 2, 0xb1, x);
    }
    neon_put_low(c, i, x);
}

void emit_vext(C *c, const Insn *i, unsigned op)
{
    IrRef n = neon_get_n(c, i), m = neon_get_m(c, i);
    (void)op;
    if (i->q)
        neon_put(c, i, lanes_with_number(c, IR_VEC_BINARY, VEC_ALIGN, 0, i->imm, m, n));
    else
        neon_put_low(c, i, lanes_unary(c, VEC_SHR_BYTES, 0, i->imm, lanes_binary(c, VEC_ZIP_LOW, 3, n, m)));
}

void emit_vdup(C *c, const Insn *i, unsigned op)
{
    (void)op;
    neon_put_low(c, i, neon_get_scalar(c, i));
}

static void put_two(C *c, const Insn *i, IrRef d, IrRef m)
{
    neon_set(c, i->rd, i->q, i->q ? d : lanes_low_half(c, d));
    neon_set(c, i->rm, i->q, i->q ? m : lanes_low_half(c, m));
}

void emit_vswp(C *c, const Insn *i, unsigned op)
{
    IrRef d = neon_get_d(c, i), m = neon_get_m(c, i);
    (void)op;
    IrRef copy = lanes_binary(c, VEC_OR, 3, d, d); /* registers are read where they are used */
    neon_set(c, i->rd, i->q, m);
    neon_set(c, i->rm, i->q, copy);
}

void emit_vtrn(C *c, const Insn *i, unsigned op)
{
    unsigned bits = 8u << i->size, wide = i->size + 1u;
    IrRef d = neon_get_d(c, i), m = neon_get_m(c, i), even = lanes_splat(c, (1ull << bits) - 1, wide);
    (void)op;
    IrRef first =
        lanes_binary(c, VEC_OR, 3, lanes_binary(c, VEC_AND, 3, d, even), lanes_left(c, m, wide, bits));
    IrRef second = lanes_binary(c, VEC_OR, 3, lanes_right_unsigned(c, d, wide, bits),
                                lanes_binary(c, VEC_AND_NOT, 3, even, m));
    put_two(c, i, first, second);
}

void emit_vzip(C *c, const Insn *i, unsigned op)
{
    IrRef d = neon_get_d(c, i), m = neon_get_m(c, i), low = lanes_binary(c, VEC_ZIP_LOW, i->size, d, m);
    (void)op;
    put_two(c, i, low,
            i->q ? lanes_binary(c, VEC_ZIP_HIGH, i->size, d, m) : lanes_unary(c, VEC_SHR_BYTES, 0, 8, low));
}

void emit_vuzp(C *c, const Insn *i, unsigned op)
{
    unsigned bits = 8u << i->size, wide = i->size + 1u;
    IrRef d = neon_get_d(c, i), m = neon_get_m(c, i);
    (void)op;
    if (!i->q)
        d = m = lanes_binary(c, VEC_ZIP_LOW, 3, d, m);
    IrRef odd_d = lanes_right_unsigned(c, d, wide, bits), odd_m = lanes_right_unsigned(c, m, wide, bits);
    IrRef odd = lanes_narrow_two(c, odd_d, odd_m, i->size);
    put_two(c, i, lanes_narrow_two(c, d, m, i->size), odd);
}

/* Indexes from 16 on have their top bit set, which gives 0; a table of 8 bytes has zeros behind. */
void emit_vtbl(C *c, const Insn *i, unsigned op)
{
    (void)op;
    c->must_call |= i->ra > 2;
    IrRef table = neon_get(c, i->rn, false);
    if (i->ra == 2)
        table = lanes_binary(c, VEC_ZIP_LOW, 3, table, neon_get(c, i->rn + 1u, false));
    IrRef index = lanes_binary(c, VEC_ADD_SAT_U, 0, neon_get(c, i->rm, false), lanes_splat(c, 0x70, 0));
    neon_set(c, i->rd, false, lanes_low_half(c, lanes_binary(c, VEC_SHUFFLE_BYTES, 0, table, index)));
}

/* ---- Memory ---- */

static void write_back_bytes(C *c, const Insn *i, V base, unsigned bytes)
{
    if (i->rm == 13)
        set_reg(c, i->rn, add32(c, base, imm(c, bytes)));
    else if (i->rm != 15)
        set_reg(c, i->rn, add32(c, base, get_reg(c, i->rm)));
}

static uint32_t span(const Insn *i, unsigned bytes)
{
    unsigned element = i->size < 2 ? i->size : 2;
    return bytes | (i->rs > element ? i->rs : element) << 8;
}

/* Of one element: if an alignment is demanded it is the element's size. */
static unsigned element_access(const Insn *i)
{
    return 1u << i->size | (i->rs ? MEM_ALIGN_SIZE : 0);
}

/* ---- Structures of two and four elements, which are taken apart and put together in registers ---- */

static IrRef load_16(C *c, IrRef at, unsigned offset)
{
    return emit_op(c, IR_LOAD_X, at, 0, 0, offset | 16u << 16);
}

static void store_16(C *c, IrRef at, unsigned offset, IrRef value)
{
    emit_op(c, IR_STORE_X, at, value, 0, offset | 16u << 16);
}

/* The halves of both to two doublewords. */
static void set_halves(C *c, unsigned reg, unsigned spacing, IrRef both)
{
    if (spacing == 1 && !(reg & 1)) {
        neon_set(c, reg, true, both);
        return;
    }
    IrRef high = lanes_unary(c, VEC_SHR_BYTES, 0, 8, both);
    neon_set(c, reg, false, lanes_low_half(c, both));
    neon_set(c, reg + spacing, false, high);
}

static void load_twos(C *c, const Insn *i, IrRef at)
{
    unsigned groups = i->ra / 2, bits = 8u << i->size, wide = i->size + 1u;
    IrRef first = load_16(c, at, 0), second = groups == 2 ? load_16(c, at, 16) : first;
    IrRef even = lanes_narrow_two(c, first, second, i->size);
    IrRef odd = lanes_narrow_two(c, lanes_right_unsigned(c, first, wide, bits),
                                 lanes_right_unsigned(c, second, wide, bits), i->size);
    if (groups == 2) {
        set_halves(c, i->rd, 1, even);
        set_halves(c, i->rd + i->shift_n, 1, odd);
    } else {
        neon_set(c, i->rd, false, lanes_low_half(c, even));
        neon_set(c, i->rd + i->shift_n, false, lanes_low_half(c, odd));
    }
}

static void store_twos(C *c, const Insn *i, IrRef at)
{
    for (unsigned group = 0; group < i->ra / 2u; group++) {
        IrRef first = neon_get(c, i->rd + group, false),
              second = neon_get(c, i->rd + group + i->shift_n, false);
        store_16(c, at, 16 * group, lanes_binary(c, VEC_ZIP_LOW, i->size, first, second));
    }
}

static void load_fours(C *c, const Insn *i, IrRef at)
{
    IrRef x = load_16(c, at, 0), y = load_16(c, at, 16);
    for (unsigned round = i->size; round < 3; round++) {
        IrRef low = lanes_binary(c, VEC_ZIP_LOW, i->size, x, y);
        y = lanes_binary(c, VEC_ZIP_HIGH, i->size, x, y);
        x = low;
    }
    set_halves(c, i->rd, i->shift_n, x);
    set_halves(c, i->rd + 2u * i->shift_n, i->shift_n, y);
}

static void store_fours(C *c, const Insn *i, IrRef at)
{
    IrRef d[4];
    for (unsigned n = 0; n < 4; n++)
        d[n] = neon_get(c, i->rd + n * i->shift_n, false);
    IrRef x = lanes_binary(c, VEC_ZIP_LOW, i->size, d[0], d[1]),
          y = lanes_binary(c, VEC_ZIP_LOW, i->size, d[2], d[3]);
    store_16(c, at, 0, lanes_binary(c, VEC_ZIP_LOW, i->size + 1, x, y));
    store_16(c, at, 16, lanes_binary(c, VEC_ZIP_HIGH, i->size + 1, x, y));
}

void emit_vld_multiple(C *c, const Insn *i, unsigned op)
{
    (void)op;
    c->must_call |= i->q == 3;
    V base = get_reg(c, i->rn);
    IrRef at = emit_slow(c, IR_SPAN_READ, base.ref, 0, span(i, 8u * i->ra));
    if (i->q == 1)
        emit_load_registers(c, at, 2u * i->rd, 2u * i->ra);
    else if (i->q == 2)
        load_twos(c, i, at);
    else
        load_fours(c, i, at);
    write_back_bytes(c, i, base, 8u * i->ra);
}

void emit_vst_multiple(C *c, const Insn *i, unsigned op)
{
    (void)op;
    c->must_call |= i->q == 3;
    V base = get_reg(c, i->rn);
    IrRef at = emit_slow(c, IR_SPAN_WRITE, base.ref, 0, span(i, 8u * i->ra));
    if (i->q == 1)
        emit_store_registers(c, at, 2u * i->rd, 2u * i->ra);
    else if (i->q == 2)
        store_twos(c, i, at);
    else
        store_fours(c, i, at);
    write_back_bytes(c, i, base, 8u * i->ra);
}

/* One element: the lane's word is changed as an integer. */
void emit_vld_lane(C *c, const Insn *i, unsigned op)
{
    unsigned byte = 8u * i->rd + (i->imm << i->size);
    (void)op;
    c->must_call |= i->q != 1;
    V base = get_reg(c, i->rn), x = load(c, base, element_access(i));
    if (i->size < 2)
        x = insert_bits(c, (V){emit_op(c, IR_GET_WORD, 0, 0, 0, byte / 4)}, x, byte % 4 * 8, 8u << i->size);
    emit_op(c, IR_SET_WORD, x.ref, 0, 0, byte / 4);
    write_back_bytes(c, i, base, 1u << i->size);
}

void emit_vst_lane(C *c, const Insn *i, unsigned op)
{
    unsigned byte = 8u * i->rd + (i->imm << i->size);
    (void)op;
    c->must_call |= i->q != 1;
    V base = get_reg(c, i->rn), x = {emit_op(c, IR_GET_WORD, 0, 0, 0, byte / 4)};
    if (i->size < 2)
        x = ubits(c, x, byte % 4 * 8, 8u << i->size);
    store(c, base, x, element_access(i));
    write_back_bytes(c, i, base, 1u << i->size);
}

void emit_vld_all(C *c, const Insn *i, unsigned op)
{
    (void)op;
    c->must_call |= i->q != 1;
    V base = get_reg(c, i->rn), x = load(c, base, element_access(i));
    IrRef all = emit_op(c, IR_VEC_DUP, x.ref, 0, 0, (uint32_t)i->size << 8);
    if (i->ra == 2 && !(i->rd & 1)) {
        neon_set(c, i->rd, true, all);
    } else {
        IrRef low = lanes_low_half(c, all);
        for (unsigned n = 0; n < i->ra; n++)
            neon_set(c, i->rd + n, false, low);
    }
    write_back_bytes(c, i, base, 1u << i->size);
}

void emit_vdup_core(C *c, const Insn *i)
{
    emit_fp_access(c, FP_ACCESS_SIMD);
    IrRef all = emit_op(c, IR_VEC_DUP, get_reg(c, i->rd).ref, 0, 0, (uint32_t)i->size << 8);
    neon_set(c, i->rn, i->q, i->q ? all : lanes_low_half(c, all));
}
