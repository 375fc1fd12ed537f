/* Formats of VFP instructions and of moves between core and extension registers. Registers are numbers of S
 * registers (0 to 31, letters Vx:X) or D registers (0 to 31, X:Vx); size is log2 of the bytes of an element.
 */
#include "cpu/format.h"

#define F(letter) FIELD_OF(f, letter)

static uint8_t single_register(uint32_t low4, uint32_t bit)
{
    return (uint8_t)(low4 << 1 | bit);
}

static uint8_t double_register(uint32_t low4, uint32_t bit)
{
    return (uint8_t)(bit << 4 | low4);
}

/* The operand d alone. */
static bool single_operand(Insn *insn, const Fields *f)
{
    insn->rd = single_register(F('d'), F('D'));
    insn->size = 2;
    return true;
}

static bool double_operand(Insn *insn, const Fields *f)
{
    insn->rd = double_register(F('d'), F('D'));
    insn->size = 3;
    return true;
}

bool fmt_vfp_s(Insn *insn, const Fields *f)
{
    insn->rn = single_register(F('n'), F('N'));
    insn->rm = single_register(F('m'), F('M'));
    insn->q = (uint8_t)F('E');
    return single_operand(insn, f);
}

bool fmt_vfp_d(Insn *insn, const Fields *f)
{
    insn->rn = double_register(F('n'), F('N'));
    insn->rm = double_register(F('m'), F('M'));
    insn->q = (uint8_t)F('E');
    return double_operand(insn, f);
}

bool fmt_vfp_s_from_d(Insn *insn, const Fields *f)
{
    insn->rd = single_register(F('d'), F('D'));
    insn->rm = double_register(F('m'), F('M'));
    insn->size = 3;
    return true;
}

bool fmt_vfp_d_from_s(Insn *insn, const Fields *f)
{
    insn->rd = double_register(F('d'), F('D'));
    insn->rm = single_register(F('m'), F('M'));
    insn->size = 3;
    return true;
}

/* VFPExpandImm: sign, an exponent of 3 bits around that of 1.0, a fraction of 4 bits. */
static uint32_t expand_imm(uint32_t imm8, unsigned exponent_bits)
{
    uint32_t sign = imm8 >> 7, b = imm8 >> 6 & 1, rest = imm8 & 0x3f;
    uint32_t repeated = b ? (1u << (exponent_bits - 3)) - 1 : 0;
    uint32_t top = (sign << 1 | !b) << (exponent_bits - 3) | repeated;
    return (top << 6 | rest) << (32 - 5 - exponent_bits);
}

bool fmt_vfp_imm_s(Insn *insn, const Fields *f)
{
    insn->imm = expand_imm(F('i'), 8);
    return fmt_vfp_s(insn, f);
}

bool fmt_vfp_imm_d(Insn *insn, const Fields *f)
{
    insn->imm = expand_imm(F('i'), 11);
    return fmt_vfp_d(insn, f);
}

bool fmt_vfp_half(Insn *insn, const Fields *f)
{
    insn->imm = 16 * F('T');
    return fmt_vfp_s(insn, f);
}

static void integer_format(Insn *insn, const Fields *f)
{
    insn->shift_n = 32;
    insn->s = !F('s');
    insn->q = (uint8_t)F('r');
}

bool fmt_vfp_int_s(Insn *insn, const Fields *f)
{
    fmt_vfp_s(insn, f);
    integer_format(insn, f);
    return true;
}

bool fmt_vfp_int_s_from_d(Insn *insn, const Fields *f)
{
    fmt_vfp_s_from_d(insn, f);
    integer_format(insn, f);
    return true;
}

bool fmt_vfp_int_d_from_s(Insn *insn, const Fields *f)
{
    fmt_vfp_d_from_s(insn, f);
    integer_format(insn, f);
    return true;
}

static bool fixed_format(Insn *insn, const Fields *f)
{
    insn->shift_n = F('x') ? 32 : 16;
    uint32_t imm5 = F('i') << 1 | F('l');
    insn->imm = insn->shift_n - imm5;
    insn->s = F('u');
    return imm5 <= insn->shift_n;
}

bool fmt_vfp_fixed_s(Insn *insn, const Fields *f)
{
    return fmt_vfp_s(insn, f) && fixed_format(insn, f);
}

bool fmt_vfp_fixed_d(Insn *insn, const Fields *f)
{
    return fmt_vfp_d(insn, f) && fixed_format(insn, f);
}

/* ---- Core registers ---- */

/* PC is no operand of the moves; nor is SP in Thumb. */
static bool core_register(const Fields *f, uint32_t reg)
{
    return reg != 15 && !(f->thumb && reg == 13);
}

static bool lane(Insn *insn, const Fields *f, unsigned size)
{
    insn->rd = (uint8_t)F('t');
    insn->rn = double_register(F('n'), F('N'));
    insn->imm = F('i');
    insn->size = (uint8_t)size;
    insn->s = F('u');
    return core_register(f, insn->rd);
}

bool fmt_vfp_lane_8(Insn *insn, const Fields *f)
{
    return lane(insn, f, 0);
}

bool fmt_vfp_lane_16(Insn *insn, const Fields *f)
{
    return lane(insn, f, 1);
}

bool fmt_vfp_lane_32(Insn *insn, const Fields *f)
{
    return lane(insn, f, 2);
}

bool fmt_vdup_core(Insn *insn, const Fields *f)
{
    static const uint8_t log2_size[] = {2, 1, 0};
    unsigned be = F('b') << 1 | F('e');
    if (be == 3)
        return false;
    insn->rd = (uint8_t)F('t');
    insn->rn = double_register(F('n'), F('N'));
    insn->size = log2_size[be];
    insn->q = (uint8_t)F('Q');
    return core_register(f, insn->rd) && !(insn->q && insn->rn & 1);
}

bool fmt_vfp_core_s(Insn *insn, const Fields *f)
{
    insn->rd = (uint8_t)F('t');
    insn->rn = single_register(F('n'), F('N'));
    insn->size = 2;
    return core_register(f, insn->rd);
}

static bool two_core_registers(Insn *insn, const Fields *f)
{
    insn->rd = (uint8_t)F('t');
    insn->ra = (uint8_t)F('a');
    return core_register(f, insn->rd) && core_register(f, insn->ra);
}

bool fmt_vmov_2s_core(Insn *insn, const Fields *f)
{
    insn->rm = single_register(F('m'), F('M'));
    insn->size = 2;
    return two_core_registers(insn, f) && insn->rm != 31;
}

bool fmt_vmov_core_2s(Insn *insn, const Fields *f)
{
    return fmt_vmov_2s_core(insn, f) && insn->rd != insn->ra;
}

bool fmt_vmov_d_core(Insn *insn, const Fields *f)
{
    insn->rm = double_register(F('m'), F('M'));
    insn->size = 3;
    return two_core_registers(insn, f);
}

bool fmt_vmov_core_d(Insn *insn, const Fields *f)
{
    return fmt_vmov_d_core(insn, f) && insn->rd != insn->ra;
}

bool fmt_vfp_special(Insn *insn, const Fields *f)
{
    insn->rd = (uint8_t)F('t');
    insn->rn = (uint8_t)F('r');
    return core_register(f, insn->rd);
}

/* ---- Loads and stores ---- */

static void load_store(Insn *insn, const Fields *f)
{
    insn->rn = (uint8_t)F('n');
    insn->imm = 4 * F('i');
    insn->add = F('U');
    insn->index = true;
}

bool fmt_vldr_s(Insn *insn, const Fields *f)
{
    load_store(insn, f);
    return single_operand(insn, f);
}

bool fmt_vldr_d(Insn *insn, const Fields *f)
{
    load_store(insn, f);
    return double_operand(insn, f);
}

/* Thumb has no stores relative to PC. */
bool fmt_vstr_s(Insn *insn, const Fields *f)
{
    return fmt_vldr_s(insn, f) && !(f->thumb && insn->rn == 15);
}

bool fmt_vstr_d(Insn *insn, const Fields *f)
{
    return fmt_vldr_d(insn, f) && !(f->thumb && insn->rn == 15);
}

/* The registers, `max` of them at most, must exist; there is no list of none. */
static bool register_list(Insn *insn, uint32_t count, uint32_t max)
{
    insn->shift_n = (uint8_t)count;
    return count > 0 && count <= max && insn->rd + count <= 32;
}

/* P and U: increment after or decrement before; the latter only with write-back (else it is VLDR). */
static bool multiple(Insn *insn, const Fields *f)
{
    insn->rn = (uint8_t)F('n');
    insn->index = F('P');
    insn->add = F('U');
    insn->wback = F('W');
    return insn->index != insn->add && !(insn->rn == 15 && (insn->wback || f->thumb));
}

static bool single_list(Insn *insn, const Fields *f)
{
    insn->imm = 4 * F('i');
    return single_operand(insn, f) && register_list(insn, F('i'), 32);
}

static bool double_list(Insn *insn, const Fields *f)
{
    insn->imm = 8 * F('i');
    return double_operand(insn, f) && register_list(insn, F('i'), 16);
}

bool fmt_vldm_s(Insn *insn, const Fields *f)
{
    return single_list(insn, f) && multiple(insn, f);
}

bool fmt_vldm_d(Insn *insn, const Fields *f)
{
    return double_list(insn, f) && multiple(insn, f);
}

/* FLDMX, FSTMX: an odd number of words, of which the last is stepped over. */
bool fmt_fldmx(Insn *insn, const Fields *f)
{
    bool valid = fmt_vldm_d(insn, f);
    insn->imm += 4;
    return valid;
}

static bool on_stack(Insn *insn, bool push)
{
    insn->rn = 13;
    insn->index = push;
    insn->add = !push;
    insn->wback = true;
    return true;
}

bool fmt_vpush_s(Insn *insn, const Fields *f)
{
    return single_list(insn, f) && on_stack(insn, true);
}

bool fmt_vpush_d(Insn *insn, const Fields *f)
{
    return double_list(insn, f) && on_stack(insn, true);
}

bool fmt_vpop_s(Insn *insn, const Fields *f)
{
    return single_list(insn, f) && on_stack(insn, false);
}

bool fmt_vpop_d(Insn *insn, const Fields *f)
{
    return double_list(insn, f) && on_stack(insn, false);
}
