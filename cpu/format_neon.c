/* Formats of Advanced SIMD encodings: from fields to operands. False means UNDEFINED (or UNPREDICTABLE where
 * register numbers would leave the bank).
 *
 * rd, rn, rm   numbers of the first doubleword register of an operand, whatever its length; loads and stores:
 * rn is the base, rm the index register (15: no write-back, 13: write-back of the size of the transfer) size
 * log2 of the element size in bytes: that of the narrower elements where there are two q            operands
 * are quadwords (rd, rn, rm even) s            elements are signed index, imm   rm is a scalar: element imm
 * of doubleword register rm imm          shift amount, fraction bits, modified immediate (low 32 bits; its 8
 * bits for VMOV.I64), position
 *
 * Lists of VLDn, VSTn, VTBL:
 * q            n, the elements of a structure              ra        registers in the list
 * shift_n      distance of the registers of a structure    shift_type LIST_*
 * rs           log2 of the required alignment in bytes     imm       the lane */
#include "cpu/format.h"
#include "cpu/neon.h"

static unsigned reg_number(const Fields *f, char top, char low)
{
    return FIELD_OF(f, top) << 4 | FIELD_OF(f, low);
}

static void set_operands(Insn *insn, const Fields *f)
{
    insn->rd = (uint8_t)reg_number(f, 'D', 'd');
    insn->rn = (uint8_t)reg_number(f, 'N', 'n');
    insn->rm = (uint8_t)reg_number(f, 'M', 'm');
    insn->size = (uint8_t)FIELD_OF(f, 's');
    insn->q = (uint8_t)FIELD_OF(f, 'Q');
    insn->s = !FIELD_OF(f, 'U');
}

static bool odd(uint8_t reg)
{
    return reg & 1;
}

/* ---- Three registers ---- */

bool fmt_neon_3same(Insn *insn, const Fields *f)
{
    set_operands(insn, f);
    return !(insn->q && odd(insn->rd | insn->rn | insn->rm));
}

bool fmt_neon_3same_no64(Insn *insn, const Fields *f)
{
    return fmt_neon_3same(insn, f) && insn->size != 3;
}

bool fmt_neon_3same_16_32(Insn *insn, const Fields *f)
{
    return fmt_neon_3same_no64(insn, f) && insn->size != 0;
}

bool fmt_neon_3same_f(Insn *insn, const Fields *f)
{
    bool defined = fmt_neon_3same(insn, f);
    insn->size = 2;
    return defined;
}

bool fmt_neon_long(Insn *insn, const Fields *f)
{
    set_operands(insn, f);
    return insn->size != 3 && !odd(insn->rd);
}

bool fmt_neon_long_16_32(Insn *insn, const Fields *f)
{
    return fmt_neon_long(insn, f) && insn->size != 0;
}

bool fmt_neon_wide(Insn *insn, const Fields *f)
{
    return fmt_neon_long(insn, f) && !odd(insn->rn);
}

bool fmt_neon_high(Insn *insn, const Fields *f)
{
    set_operands(insn, f);
    return insn->size != 3 && !odd(insn->rn | insn->rm);
}

/* ---- Two registers and a scalar ---- */

static bool scalar_operands(Insn *insn, const Fields *f)
{
    set_operands(insn, f);
    insn->index = true;
    if (insn->size == 1) {
        insn->imm = insn->rm >> 3;
        insn->rm &= 7;
    } else {
        insn->imm = insn->rm >> 4;
        insn->rm &= 15;
    }
    return insn->size == 1 || insn->size == 2;
}

bool fmt_neon_scalar(Insn *insn, const Fields *f)
{
    return scalar_operands(insn, f) && !(insn->q && odd(insn->rd | insn->rn));
}

bool fmt_neon_scalar_f(Insn *insn, const Fields *f)
{
    set_operands(insn, f);
    insn->size = 2;
    insn->index = true;
    insn->imm = insn->rm >> 4;
    insn->rm &= 15;
    return !(insn->q && odd(insn->rd | insn->rn));
}

bool fmt_neon_scalar_long(Insn *insn, const Fields *f)
{
    return scalar_operands(insn, f) && !odd(insn->rd);
}

/* ---- Two registers and a shift amount ---- */

/* The leading one of L:imm6 gives the element size; 0000xxx belongs to the modified immediates. */
static bool shift_operands(Insn *insn, const Fields *f)
{
    uint32_t limm = FIELD_OF(f, 'L') << 6 | FIELD_OF(f, 'i');
    set_operands(insn, f);
    if (limm < 8)
        return false;
    insn->size = (uint8_t)(28 - __builtin_clz(limm));
    insn->imm = limm;
    return !(insn->q && odd(insn->rd | insn->rm));
}

bool fmt_neon_shift_right(Insn *insn, const Fields *f)
{
    bool defined = shift_operands(insn, f);
    insn->imm = (16u << insn->size) - insn->imm;
    return defined;
}

bool fmt_neon_shift_left(Insn *insn, const Fields *f)
{
    bool defined = shift_operands(insn, f);
    insn->imm -= 8u << insn->size;
    return defined;
}

bool fmt_neon_shift_narrow(Insn *insn, const Fields *f)
{
    return fmt_neon_shift_right(insn, f) && !odd(insn->rm);
}

bool fmt_neon_shift_long(Insn *insn, const Fields *f)
{
    return fmt_neon_shift_left(insn, f) && !odd(insn->rd);
}

static bool movl(Insn *insn, const Fields *f, uint8_t size)
{
    set_operands(insn, f);
    insn->size = size;
    return !odd(insn->rd);
}

bool fmt_neon_movl_8(Insn *insn, const Fields *f)
{
    return movl(insn, f, 0);
}

bool fmt_neon_movl_16(Insn *insn, const Fields *f)
{
    return movl(insn, f, 1);
}

bool fmt_neon_movl_32(Insn *insn, const Fields *f)
{
    return movl(insn, f, 2);
}

bool fmt_neon_fixed(Insn *insn, const Fields *f)
{
    set_operands(insn, f);
    insn->size = 2;
    insn->imm = 64 - FIELD_OF(f, 'i');
    return FIELD_OF(f, 'i') >= 32 && !(insn->q && odd(insn->rd | insn->rm));
}

/* ---- One register and a modified immediate: AdvSIMDExpandImm (A7.4.6) ---- */

static bool modified_immediate(Insn *insn, const Fields *f, uint8_t size, uint32_t value)
{
    set_operands(insn, f);
    insn->size = size;
    insn->imm = value;
    return !(insn->q && odd(insn->rd));
}

bool fmt_neon_imm_32(Insn *insn, const Fields *f)
{
    return modified_immediate(insn, f, 2, FIELD_OF(f, 'i') << 8 * FIELD_OF(f, 'C'));
}

bool fmt_neon_imm_16(Insn *insn, const Fields *f)
{
    return modified_immediate(insn, f, 1, (FIELD_OF(f, 'i') << 8 * FIELD_OF(f, 'C')) * 0x10001);
}

bool fmt_neon_imm_ones(Insn *insn, const Fields *f)
{
    uint32_t imm8 = FIELD_OF(f, 'i');
    return modified_immediate(insn, f, 2, FIELD_OF(f, 'C') ? imm8 << 16 | 0xffff : imm8 << 8 | 0xff);
}

bool fmt_neon_imm_8(Insn *insn, const Fields *f)
{
    return modified_immediate(insn, f, 0, FIELD_OF(f, 'i') * 0x01010101);
}

bool fmt_neon_imm_64(Insn *insn, const Fields *f)
{
    return modified_immediate(insn, f, 3, FIELD_OF(f, 'i'));
}

bool fmt_neon_imm_f32(Insn *insn, const Fields *f)
{
    uint32_t imm8 = FIELD_OF(f, 'i');
    uint32_t exponent = imm8 & 0x40 ? 0x3e000000 : 0x40000000;
    return modified_immediate(insn, f, 2, (imm8 & 0x80) << 24 | exponent | (imm8 & 0x3f) << 19);
}

/* ---- Two registers, miscellaneous ---- */

bool fmt_neon_2reg(Insn *insn, const Fields *f)
{
    set_operands(insn, f);
    return !(insn->q && odd(insn->rd | insn->rm));
}

bool fmt_neon_2reg_no64(Insn *insn, const Fields *f)
{
    return fmt_neon_2reg(insn, f) && insn->size != 3;
}

bool fmt_neon_2reg_8_16(Insn *insn, const Fields *f)
{
    return fmt_neon_2reg(insn, f) && insn->size < 2;
}

bool fmt_neon_2reg_f(Insn *insn, const Fields *f)
{
    bool defined = fmt_neon_2reg(insn, f);
    insn->size = 2;
    return defined;
}

/* Doublewords of two words cannot be zipped: that is VTRN.32. */
bool fmt_neon_zip(Insn *insn, const Fields *f)
{
    return fmt_neon_2reg_no64(insn, f) && !(insn->size == 2 && !insn->q);
}

bool fmt_neon_2reg_narrow(Insn *insn, const Fields *f)
{
    set_operands(insn, f);
    return insn->size != 3 && !odd(insn->rm);
}

bool fmt_neon_shll_max(Insn *insn, const Fields *f)
{
    set_operands(insn, f);
    insn->imm = 8u << insn->size;
    return insn->size != 3 && !odd(insn->rd);
}

bool fmt_neon_to_half(Insn *insn, const Fields *f)
{
    set_operands(insn, f);
    insn->size = 1;
    return !odd(insn->rm);
}

bool fmt_neon_from_half(Insn *insn, const Fields *f)
{
    set_operands(insn, f);
    insn->size = 1;
    return !odd(insn->rd);
}

/* ---- Extract, table lookup, duplicate ---- */

bool fmt_neon_vext(Insn *insn, const Fields *f)
{
    set_operands(insn, f);
    insn->imm = FIELD_OF(f, 'i');
    return insn->q ? !odd(insn->rd | insn->rn | insn->rm) : insn->imm < 8;
}

bool fmt_neon_vtbl(Insn *insn, const Fields *f)
{
    set_operands(insn, f);
    insn->ra = (uint8_t)(FIELD_OF(f, 'l') + 1);
    return insn->rn + insn->ra <= 32;
}

bool fmt_neon_vdup(Insn *insn, const Fields *f)
{
    uint32_t imm4 = FIELD_OF(f, 'i');
    set_operands(insn, f);
    insn->index = true;
    if ((imm4 & 7) == 0)
        return false;
    insn->size = (uint8_t)__builtin_ctz(imm4);
    insn->imm = imm4 >> (insn->size + 1);
    return !(insn->q && odd(insn->rd));
}

/* ---- Element and structure loads and stores (A7.7) ---- */

static bool list_fits(const Insn *insn)
{
    unsigned last = insn->rd + (insn->q - 1u) * insn->shift_n + (insn->ra / insn->q - 1u);
    return insn->rn != 15 && last < 32;
}

/* n: elements of a structure; regs: registers of the list; spacing: from one element's register to the
 * next's. */
static void set_list(Insn *insn, const Fields *f, ListKind kind, unsigned n, unsigned regs, unsigned spacing)
{
    insn->rd = (uint8_t)reg_number(f, 'D', 'd');
    insn->rn = (uint8_t)FIELD_OF(f, 'n');
    insn->rm = (uint8_t)FIELD_OF(f, 'm');
    insn->size = (uint8_t)FIELD_OF(f, 's');
    insn->q = (uint8_t)n;
    insn->ra = (uint8_t)regs;
    insn->shift_n = (uint8_t)spacing;
    insn->shift_type = kind;
    insn->wback = insn->rm != 15;
}

/* max_align: the greatest allowed value of the alignment field (log2 of the alignment is that + 2). */
static bool multiple(Insn *insn, const Fields *f, unsigned n, unsigned regs, unsigned spacing,
                     unsigned max_align)
{
    uint32_t align = FIELD_OF(f, 'a');
    set_list(insn, f, LIST_WHOLE, n, regs, spacing);
    insn->rs = (uint8_t)(align ? align + 2 : 0);
    return align <= max_align && !(n > 1 && insn->size == 3) && list_fits(insn);
}

/* The type field is t:t:1:t. */
bool fmt_neon_multiple_1(Insn *insn, const Fields *f)
{
    switch (FIELD_OF(f, 't')) {
    case 3:
        return multiple(insn, f, 1, 1, 1, 1);
    case 4:
        return multiple(insn, f, 1, 2, 1, 2);
    case 2:
        return multiple(insn, f, 1, 3, 1, 1);
    case 0:
        return multiple(insn, f, 1, 4, 1, 3);
    default:
        return false;
    }
}

bool fmt_neon_multiple_2(Insn *insn, const Fields *f)
{
    return multiple(insn, f, 2, 2, FIELD_OF(f, 't') + 1, 2);
}

bool fmt_neon_multiple_22(Insn *insn, const Fields *f)
{
    return multiple(insn, f, 2, 4, 2, 3);
}

bool fmt_neon_multiple_3(Insn *insn, const Fields *f)
{
    return multiple(insn, f, 3, 3, FIELD_OF(f, 't') + 1, 1);
}

bool fmt_neon_multiple_4(Insn *insn, const Fields *f)
{
    return multiple(insn, f, 4, 4, FIELD_OF(f, 't') + 1, 3);
}

/* One lane: index_align has the index on top, then the spacing (not for bytes), then the alignment. */
static bool lane(Insn *insn, const Fields *f, unsigned n)
{
    uint32_t index_align = FIELD_OF(f, 'i'), size = FIELD_OF(f, 's');
    bool spaced = n > 1 && size > 0 && index_align >> size & 1;
    set_list(insn, f, LIST_LANE, n, n, spaced ? 2 : 1);
    insn->imm = index_align >> (size + 1);
    return size < 3 && list_fits(insn);
}

/* The bits of index_align below the spacing bit (or below the index if there is none). */
static uint32_t lane_align_bits(const Insn *insn, const Fields *f)
{
    uint32_t bits = insn->size == 0 ? 1 : insn->size;
    return FIELD_OF(f, 'i') & ((1u << bits) - 1);
}

bool fmt_neon_lane_1(Insn *insn, const Fields *f)
{
    if (!lane(insn, f, 1))
        return false;
    uint32_t low = FIELD_OF(f, 'i') & ((1u << (insn->size + 1)) - 1); /* all below the index */
    uint32_t aligned = insn->size == 2 ? 3 : insn->size;
    if (low)
        insn->rs = insn->size;
    return low == 0 || (insn->size > 0 && low == aligned);
}

bool fmt_neon_lane_2(Insn *insn, const Fields *f)
{
    if (!lane(insn, f, 2))
        return false;
    uint32_t align = lane_align_bits(insn, f);
    insn->rs = align ? insn->size + 1 : 0;
    return align <= 1;
}

bool fmt_neon_lane_3(Insn *insn, const Fields *f)
{
    return lane(insn, f, 3) && lane_align_bits(insn, f) == 0;
}

bool fmt_neon_lane_4(Insn *insn, const Fields *f)
{
    if (!lane(insn, f, 4))
        return false;
    uint32_t align = lane_align_bits(insn, f);
    if (insn->size == 2)
        insn->rs = (uint8_t)(align ? align + 2 : 0);
    else
        insn->rs = align ? insn->size + 2 : 0;
    return align <= 2;
}

/* One element or structure to all lanes: T is the spacing, for VLD1 the number of registers. */
static bool all_lanes(Insn *insn, const Fields *f, unsigned n, unsigned log2_align)
{
    unsigned spacing = FIELD_OF(f, 't') + 1;
    set_list(insn, f, LIST_ALL, n, n == 1 ? spacing : n, spacing);
    insn->rs = (uint8_t)(FIELD_OF(f, 'a') ? log2_align : 0);
    return insn->size < 3 && list_fits(insn);
}

bool fmt_neon_all_1(Insn *insn, const Fields *f)
{
    uint32_t size = FIELD_OF(f, 's');
    return !(size == 0 && FIELD_OF(f, 'a')) && all_lanes(insn, f, 1, size);
}

bool fmt_neon_all_2(Insn *insn, const Fields *f)
{
    return all_lanes(insn, f, 2, FIELD_OF(f, 's') + 1);
}

bool fmt_neon_all_3(Insn *insn, const Fields *f)
{
    return !FIELD_OF(f, 'a') && all_lanes(insn, f, 3, 0);
}

/* Size 11 is that of words with an alignment of 16 bytes. */
bool fmt_neon_all_4(Insn *insn, const Fields *f)
{
    uint32_t size = FIELD_OF(f, 's');
    bool defined = all_lanes(insn, f, 4, size == 2 ? 3 : size + 2);
    if (size < 3)
        return defined;
    insn->size = 2;
    insn->rs = 4;
    return FIELD_OF(f, 'a') && list_fits(insn);
}
