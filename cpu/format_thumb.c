/* Formats of T16 and T32 that A32 has no counterpart of (see format.h). What the manual calls UNPREDICTABLE
 * is UNDEFINED where PC is written, stored to, or used as an index or a writable base; otherwise it just
 * executes. */
#include "cpu/format.h"

#define F(letter) FIELD_OF(f, letter)

/* ---- Helpers ---- */

static bool in_it_block(const Fields *f)
{
    return f->itstate & 0xf;
}

/* What a branch needs that only some encodings of a line are: outside IT blocks, or last in one. */
static bool branch_allowed(const Fields *f)
{
    return !in_it_block(f) || (f->itstate & 0xf) == 8;
}

/* T16 data processing sets the flags outside IT blocks; T32 says so itself. */
static bool sets_flags(const Insn *insn, const Fields *f)
{
    return insn->length == 2 ? !in_it_block(f) : F('S');
}

static void immediate(Insn *insn, uint32_t value)
{
    insn->op2 = OP2_IMM;
    insn->imm = value;
}

/* ---- Data processing: registers ---- */

bool fmt_thumb_dp_reg(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    insn->op2 = OP2_REG;
    insn->s = sets_flags(insn, f);
    return true;
}

bool fmt_t16_rdn_reg(Insn *insn, const Fields *f)
{
    fmt_thumb_dp_reg(insn, f);
    insn->rn = insn->rd;
    return true;
}

bool fmt_t16_mul(Insn *insn, const Fields *f)
{
    fmt_thumb_dp_reg(insn, f);
    insn->rm = insn->rd;
    return true;
}

/* These set no flags. */
bool fmt_t16_high_mov(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    insn->op2 = OP2_REG;
    return true;
}

bool fmt_t16_high_add(Insn *insn, const Fields *f)
{
    fmt_t16_high_mov(insn, f);
    insn->rn = insn->rd;
    return true;
}

bool fmt_t16_mov_pc(Insn *insn, const Fields *f)
{
    fmt_t16_high_mov(insn, f);
    insn->rd = 15;
    return true;
}

bool fmt_t16_add_pc(Insn *insn, const Fields *f)
{
    fmt_t16_mov_pc(insn, f);
    insn->rn = 15;
    return true;
}

bool fmt_t32_dp_shift(Insn *insn, const Fields *f)
{
    return fmt_dp_reg(insn, f) && insn->rd != 15;
}

/* ---- Shifts ---- */

static bool shift_by_immediate(Insn *insn, const Fields *f, ShiftType type)
{
    format_registers(insn, f);
    format_shift(insn, type, F('i'));
    insn->s = sets_flags(insn, f);
    return insn->rd != 15;
}

static bool shift_by_register(Insn *insn, const Fields *f, ShiftType type)
{
    format_registers(insn, f);
    insn->rm = insn->rd;
    insn->op2 = OP2_SHIFT_REG;
    insn->shift_type = (uint8_t)type;
    insn->s = sets_flags(insn, f);
    return true;
}

bool fmt_thumb_lsl_imm(Insn *insn, const Fields *f)
{
    return shift_by_immediate(insn, f, SHIFT_LSL);
}

bool fmt_thumb_lsr_imm(Insn *insn, const Fields *f)
{
    return shift_by_immediate(insn, f, SHIFT_LSR);
}

bool fmt_thumb_asr_imm(Insn *insn, const Fields *f)
{
    return shift_by_immediate(insn, f, SHIFT_ASR);
}

bool fmt_thumb_ror_imm(Insn *insn, const Fields *f)
{
    return shift_by_immediate(insn, f, SHIFT_ROR);
}

bool fmt_t16_lsl_reg(Insn *insn, const Fields *f)
{
    return shift_by_register(insn, f, SHIFT_LSL);
}

bool fmt_t16_lsr_reg(Insn *insn, const Fields *f)
{
    return shift_by_register(insn, f, SHIFT_LSR);
}

bool fmt_t16_asr_reg(Insn *insn, const Fields *f)
{
    return shift_by_register(insn, f, SHIFT_ASR);
}

bool fmt_t16_ror_reg(Insn *insn, const Fields *f)
{
    return shift_by_register(insn, f, SHIFT_ROR);
}

/* ---- Data processing: immediates ---- */

bool fmt_t16_dp_imm(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    immediate(insn, F('i'));
    insn->s = sets_flags(insn, f);
    return true;
}

bool fmt_t16_rdn_imm(Insn *insn, const Fields *f)
{
    fmt_t16_dp_imm(insn, f);
    insn->rn = insn->rd;
    return true;
}

bool fmt_t16_add_sp(Insn *insn, const Fields *f)
{
    insn->rd = (uint8_t)F('d');
    insn->rn = 13;
    immediate(insn, F('i') << 2);
    return true;
}

bool fmt_t16_adjust_sp(Insn *insn, const Fields *f)
{
    insn->rd = insn->rn = 13;
    immediate(insn, F('i') << 2);
    return true;
}

bool fmt_t16_adr(Insn *insn, const Fields *f)
{
    insn->rd = (uint8_t)F('d');
    insn->rn = 15;
    insn->add = true;
    immediate(insn, F('i') << 2);
    return true;
}

/* ThumbExpandImm_C. */
static void thumb_expand_immediate(Insn *insn, uint32_t imm12)
{
    static const uint32_t repeat[4] = {0x00000001, 0x00010001, 0x01000100, 0x01010101};
    if (imm12 >> 10 == 0) {
        immediate(insn, (imm12 & 0xff) * repeat[imm12 >> 8]);
        return;
    }
    unsigned rotation = imm12 >> 7;
    uint32_t byte = 0x80 | (imm12 & 0x7f);
    immediate(insn, byte >> rotation | byte << (32 - rotation));
    insn->imm_carry = insn->imm >> 31 ? IMM_CARRY_1 : IMM_CARRY_0;
}

bool fmt_t32_dp_imm(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    thumb_expand_immediate(insn, F('i'));
    return insn->rd != 15;
}

bool fmt_t32_plain_imm(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    immediate(insn, F('i'));
    return insn->rd != 15;
}

/* ADR is ADD or SUB of PC. */
bool fmt_t32_adr(Insn *insn, const Fields *f)
{
    insn->add = !(insn->raw >> 23 & 1);
    insn->rn = 15;
    insn->rd = (uint8_t)F('d');
    immediate(insn, F('i'));
    return insn->rd != 15;
}

bool fmt_t32_mov16(Insn *insn, const Fields *f)
{
    uint32_t low12 = F('i');
    insn->rd = (uint8_t)F('d');
    immediate(insn, F('j') << 12 | low12);
    return insn->rd != 15;
}

bool fmt_t32_subs_pc_lr(Insn *insn, const Fields *f)
{
    insn->rd = 15;
    insn->rn = 14;
    insn->s = true;
    immediate(insn, F('i'));
    return true;
}

/* ---- Single loads and stores: T16 ---- */

static bool positive_offset(Insn *insn, const Fields *f, uint32_t offset)
{
    format_registers(insn, f);
    insn->index = insn->add = true;
    immediate(insn, offset);
    return true;
}

bool fmt_t16_mem_word(Insn *insn, const Fields *f)
{
    return positive_offset(insn, f, F('i') << 2);
}

bool fmt_t16_mem_half(Insn *insn, const Fields *f)
{
    return positive_offset(insn, f, F('i') << 1);
}

bool fmt_t16_mem_byte(Insn *insn, const Fields *f)
{
    return positive_offset(insn, f, F('i'));
}

bool fmt_t16_mem_sp(Insn *insn, const Fields *f)
{
    positive_offset(insn, f, F('i') << 2);
    insn->rn = 13;
    return true;
}

bool fmt_t16_mem_pc(Insn *insn, const Fields *f)
{
    positive_offset(insn, f, F('i') << 2);
    insn->rn = 15;
    return true;
}

bool fmt_t16_mem_reg(Insn *insn, const Fields *f)
{
    positive_offset(insn, f, 0);
    insn->op2 = OP2_REG;
    return true;
}

/* ---- Single loads and stores: T32 ---- */

/* All of them have L in bit 20 and the size in bits 22:21. */
static bool is_load(const Insn *insn)
{
    return insn->raw >> 20 & 1;
}

static bool is_word(const Insn *insn)
{
    return (insn->raw >> 21 & 3) == 2;
}

static bool valid_access(Insn *insn, const Fields *f)
{
    if (!is_load(insn) && insn->rn == 15)
        return false;
    if (insn->wback && insn->rn == insn->rd)
        return false;
    if (insn->rd != 15)
        return true;
    if (!is_load(insn) || !is_word(insn))
        return false;
    insn->ends_block = true;
    return branch_allowed(f);
}

bool fmt_t32_mem_imm12(Insn *insn, const Fields *f)
{
    positive_offset(insn, f, F('i'));
    return valid_access(insn, f);
}

bool fmt_t32_mem_imm8(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    format_addressing(insn, f);
    immediate(insn, F('i'));
    return (insn->index || F('W')) && valid_access(insn, f);
}

/* Rt = PC is UNPREDICTABLE also for LDRT. */
bool fmt_t32_mem_unpriv(Insn *insn, const Fields *f)
{
    return fmt_t32_mem_imm12(insn, f) && insn->rd != 15;
}

bool fmt_t32_mem_literal(Insn *insn, const Fields *f)
{
    fmt_t32_pld_literal(insn, f);
    insn->rd = (uint8_t)F('d');
    return valid_access(insn, f);
}

bool fmt_t32_mem_reg(Insn *insn, const Fields *f)
{
    return fmt_t32_pld_reg(insn, f) && valid_access(insn, f);
}

bool fmt_t32_pld_imm12(Insn *insn, const Fields *f)
{
    return positive_offset(insn, f, F('i'));
}

bool fmt_t32_pld_imm8(Insn *insn, const Fields *f)
{
    positive_offset(insn, f, F('i'));
    insn->add = false;
    return true;
}

bool fmt_t32_pld_literal(Insn *insn, const Fields *f)
{
    positive_offset(insn, f, F('i'));
    insn->rn = 15;
    insn->add = F('U');
    return true;
}

bool fmt_t32_pld_reg(Insn *insn, const Fields *f)
{
    positive_offset(insn, f, 0);
    format_shift(insn, SHIFT_LSL, F('i'));
    return insn->rm != 15;
}

/* P = 0 with W = 0 is exclusive accesses and table branches. */
bool fmt_t32_mem_dual(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    format_addressing(insn, f);
    immediate(insn, F('i') << 2);
    if ((!insn->index && !F('W')) || insn->rd == 15 || insn->ra == 15)
        return false;
    if (insn->rn == 15)
        return is_load(insn) && !insn->wback;
    return !(insn->wback && (insn->rn == insn->rd || insn->rn == insn->ra));
}

/* ---- Exclusive accesses of two registers ---- */

bool fmt_t32_ldrexd(Insn *insn, const Fields *f)
{
    return fmt_ldrex(insn, f) && insn->rd != insn->ra;
}

bool fmt_t32_strexd(Insn *insn, const Fields *f)
{
    return fmt_strex(insn, f) && insn->rs != insn->ra;
}

/* ---- Multiple loads and stores ---- */

static bool increment_after(Insn *insn, unsigned rn, uint32_t list, bool write_back)
{
    insn->rn = (uint8_t)rn;
    insn->imm = list;
    insn->add = true;
    insn->wback = write_back;
    return list != 0;
}

bool fmt_t16_stm(Insn *insn, const Fields *f)
{
    return increment_after(insn, F('n'), F('i'), true);
}

bool fmt_t16_ldm(Insn *insn, const Fields *f)
{
    return increment_after(insn, F('n'), F('i'), !(F('i') >> F('n') & 1));
}

bool fmt_t16_pop(Insn *insn, const Fields *f)
{
    return increment_after(insn, 13, F('i'), true);
}

bool fmt_t16_pop_pc(Insn *insn, const Fields *f)
{
    return increment_after(insn, 13, F('i') | 1 << 15, true);
}

bool fmt_t16_push(Insn *insn, const Fields *f)
{
    bool valid = increment_after(insn, 13, F('i') | F('M') << 14, true);
    insn->add = false;
    insn->index = true;
    return valid;
}

/* Increment after (bits 24:23 are 01) or decrement before (10). */
/* Base and write-back come from the word: in the lines of PUSH and POP they are fixed bits. */
static bool t32_multiple(Insn *insn, const Fields *f)
{
    bool valid = increment_after(insn, insn->raw >> 16 & 15, F('i'), insn->raw >> 21 & 1);
    insn->index = insn->raw >> 24 & 1;
    insn->add = !insn->index;
    return valid;
}

bool fmt_t32_stm(Insn *insn, const Fields *f)
{
    bool valid = t32_multiple(insn, f);
    if (insn->wback && insn->imm >> insn->rn & 1)
        return false;
    return valid && insn->rn != 15 && !(insn->imm >> 15);
}

bool fmt_t32_ldm(Insn *insn, const Fields *f)
{
    bool to_pc = F('i') >> 15;
    insn->ends_block = to_pc;
    bool valid = t32_multiple(insn, f);
    if (insn->wback && insn->imm >> insn->rn & 1)
        return false;
    return valid && insn->rn != 15 && (!to_pc || branch_allowed(f));
}

/* SRS and RFE: bits 24:23 are 00 for decrement before, 11 for increment after. */
bool fmt_t32_srs(Insn *insn, const Fields *f)
{
    insn->add = insn->raw >> 24 & 1;
    insn->index = !insn->add;
    insn->wback = F('W');
    insn->imm = F('i');
    return true;
}

bool fmt_t32_rfe(Insn *insn, const Fields *f)
{
    insn->rn = (uint8_t)F('n');
    return fmt_t32_srs(insn, f) && insn->rn != 15;
}

/* ---- Branches ---- */

bool fmt_t16_b_cond(Insn *insn, const Fields *f)
{
    insn->cond = (uint8_t)F('c');
    insn->imm = (uint32_t)sign_extend(F('i') << 1, 9);
    insn->may_fall = true;
    return true;
}

bool fmt_t16_b(Insn *insn, const Fields *f)
{
    insn->imm = (uint32_t)sign_extend(F('i') << 1, 12);
    return true;
}

/* Bit 11 tells CBNZ from CBZ. */
bool fmt_t16_cbz(Insn *insn, const Fields *f)
{
    insn->rn = (uint8_t)F('n');
    insn->q = insn->raw >> 11 & 1;
    insn->imm = F('i') << 1;
    insn->may_fall = true;
    return true;
}

/* Conditions 111x are other encodings. */
bool fmt_t32_b_cond(Insn *insn, const Fields *f)
{
    uint32_t top = F('S') << 20 | F('K') << 19 | F('J') << 18;
    insn->cond = (uint8_t)F('c');
    insn->imm = (uint32_t)sign_extend(top | F('j') << 12 | F('i') << 1, 21);
    insn->may_fall = true;
    return insn->cond < 14;
}

/* Bits 24:22 of the displacement: S, I1, I2, with I = NOT(J EOR S). */
static uint32_t long_branch_top(const Fields *f)
{
    uint32_t s = F('S'), i1 = F('J') ^ s ^ 1, i2 = F('K') ^ s ^ 1;
    return s << 24 | i1 << 23 | i2 << 22;
}

bool fmt_t32_b(Insn *insn, const Fields *f)
{
    insn->imm = (uint32_t)sign_extend(long_branch_top(f) | F('j') << 12 | F('i') << 1, 25);
    return true;
}

bool fmt_t32_blx(Insn *insn, const Fields *f)
{
    insn->imm = (uint32_t)sign_extend(long_branch_top(f) | F('j') << 12 | F('i') << 2, 25);
    return true;
}

/* Bit 4 tells TBH from TBB. */
bool fmt_t32_tb(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    insn->q = insn->raw >> 4 & 1;
    return insn->rm != 15;
}

/* ---- System ---- */

/* imm: the ITSTATE that the next instruction is decoded with. Of condition AL there is no opposite, and NV is
 * none. */
bool fmt_t16_it(Insn *insn, const Fields *f)
{
    uint32_t cond = F('i') >> 4, mask = F('i') & 15;
    insn->imm = F('i');
    insn->starts_it = true;
    return cond < 14 || (cond == 14 && mask == 8);
}

bool fmt_t16_cps(Insn *insn, const Fields *f)
{
    insn->add = !F('I');
    insn->index = F('I');
    insn->q = (uint8_t)F('f');
    return insn->q != 0;
}
