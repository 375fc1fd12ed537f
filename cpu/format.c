/* Formats of A32, many of them shared with T16 and T32 (see format.h). */
#include "cpu/format.h"

#define F(letter) FIELD_OF(f, letter)

/* ---- Helpers ---------------------------------------------------------------------------------------- */

void format_registers(Insn *insn, const Fields *f)
{
    insn->rd = (uint8_t)F('d');
    insn->rn = (uint8_t)F('n');
    insn->rm = (uint8_t)F('m');
    insn->rs = (uint8_t)F('s');
    insn->ra = (uint8_t)F('a');
    insn->s = F('S');
}

void format_addressing(Insn *insn, const Fields *f)
{
    insn->index = F('P');
    insn->add = F('U');
    insn->wback = !F('P') || F('W');
}

void format_shift(Insn *insn, unsigned type, unsigned imm5)
{
    insn->op2 = OP2_SHIFT_IMM;
    insn->shift_type = (uint8_t)type;
    insn->shift_n = (uint8_t)imm5;
    if (imm5)
        return;
    if (type == SHIFT_LSL) {
        insn->op2 = OP2_REG;
    } else if (type == SHIFT_ROR) {
        insn->shift_type = SHIFT_RRX;
        insn->shift_n = 1;
    } else {
        insn->shift_n = 32;
    }
}

void format_result(Insn *insn)
{
    if (insn->rd == 15)
        insn->ends_block = true;
}

/* A32ExpandImm_C. */
static void expand_immediate(Insn *insn, uint32_t imm12)
{
    unsigned rotation = imm12 >> 8 << 1;
    uint32_t byte = imm12 & 0xff;
    insn->op2 = OP2_IMM;
    insn->imm = rotation ? byte >> rotation | byte << (32 - rotation) : byte;
    if (rotation)
        insn->imm_carry = insn->imm >> 31 ? IMM_CARRY_1 : IMM_CARRY_0;
}

/* True if a register named by the pattern is PC. Absent fields read 0. */
static bool names_pc(const Insn *insn)
{
    return insn->rd == 15 || insn->rn == 15 || insn->rm == 15 || insn->rs == 15 || insn->ra == 15;
}

/* ---- Plain ------------------------------------------------------------------------------------------ */

bool fmt_none(Insn *insn, const Fields *f)
{
    (void)insn;
    (void)f;
    return true;
}

bool fmt_imm(Insn *insn, const Fields *f)
{
    insn->imm = F('i');
    return true;
}

/* ---- Data processing -------------------------------------------------------------------------------- */

bool fmt_dp_imm(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    expand_immediate(insn, F('i'));
    format_result(insn);
    return true;
}

bool fmt_dp_reg(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    format_shift(insn, F('t'), F('i'));
    format_result(insn);
    return true;
}

static bool shift_by_register(Insn *insn, const Fields *f, ShiftType type)
{
    format_registers(insn, f);
    insn->op2 = OP2_SHIFT_REG;
    insn->shift_type = (uint8_t)type;
    return !names_pc(insn);
}

bool fmt_dp_rsr(Insn *insn, const Fields *f)
{
    return shift_by_register(insn, f, F('t'));
}

static bool shift_by_immediate(Insn *insn, const Fields *f, ShiftType type)
{
    format_registers(insn, f);
    format_shift(insn, type, F('i'));
    format_result(insn);
    return true;
}

bool fmt_lsl_imm(Insn *insn, const Fields *f)
{
    return shift_by_immediate(insn, f, SHIFT_LSL);
}

bool fmt_lsr_imm(Insn *insn, const Fields *f)
{
    return shift_by_immediate(insn, f, SHIFT_LSR);
}

bool fmt_asr_imm(Insn *insn, const Fields *f)
{
    return shift_by_immediate(insn, f, SHIFT_ASR);
}

bool fmt_ror_imm(Insn *insn, const Fields *f)
{
    return shift_by_immediate(insn, f, SHIFT_ROR);
}

bool fmt_lsl_reg(Insn *insn, const Fields *f)
{
    return shift_by_register(insn, f, SHIFT_LSL);
}

bool fmt_lsr_reg(Insn *insn, const Fields *f)
{
    return shift_by_register(insn, f, SHIFT_LSR);
}

bool fmt_asr_reg(Insn *insn, const Fields *f)
{
    return shift_by_register(insn, f, SHIFT_ASR);
}

bool fmt_ror_reg(Insn *insn, const Fields *f)
{
    return shift_by_register(insn, f, SHIFT_ROR);
}

bool fmt_movw(Insn *insn, const Fields *f)
{
    insn->rd = (uint8_t)F('d');
    insn->imm = F('i');
    return insn->rd != 15;
}

/* ---- Multiplication, media, bit fields -------------------------------------------------------------- */

bool fmt_registers(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    insn->q = (uint8_t)(F('M') | F('N') << 1 | F('X') | F('R'));
    return !names_pc(insn);
}

bool fmt_long(Insn *insn, const Fields *f)
{
    return fmt_registers(insn, f) && insn->rd != insn->ra;
}

static bool shifted_operand(Insn *insn, const Fields *f, ShiftType type)
{
    format_registers(insn, f);
    format_shift(insn, type, F('i'));
    return !names_pc(insn);
}

bool fmt_pkhbt(Insn *insn, const Fields *f)
{
    return shifted_operand(insn, f, SHIFT_LSL);
}

bool fmt_pkhtb(Insn *insn, const Fields *f)
{
    return shifted_operand(insn, f, SHIFT_ASR);
}

bool fmt_usat(Insn *insn, const Fields *f)
{
    insn->imm = F('w');
    return shifted_operand(insn, f, F('t') ? SHIFT_ASR : SHIFT_LSL);
}

bool fmt_ssat(Insn *insn, const Fields *f)
{
    bool valid = fmt_usat(insn, f);
    insn->imm++;
    return valid;
}

bool fmt_extend(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    insn->shift_n = (uint8_t)(8 * F('r'));
    return !names_pc(insn);
}

bool fmt_bfi(Insn *insn, const Fields *f)
{
    uint32_t lsb = F('l'), msb = F('w');
    format_registers(insn, f);
    insn->imm = lsb;
    insn->shift_n = (uint8_t)(msb - lsb + 1);
    return !names_pc(insn) && msb >= lsb;
}

bool fmt_bfx(Insn *insn, const Fields *f)
{
    uint32_t lsb = F('l'), width = F('w') + 1;
    format_registers(insn, f);
    insn->imm = lsb;
    insn->shift_n = (uint8_t)width;
    return !names_pc(insn) && lsb + width <= 32;
}

/* ---- Single loads and stores ------------------------------------------------------------------------ */

/* Write-back to PC, or to the register transferred, is UNPREDICTABLE. */
static bool valid_write_back(const Insn *insn)
{
    return !insn->wback || (insn->rn != 15 && insn->rn != insn->rd);
}

bool fmt_str_imm(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    format_addressing(insn, f);
    insn->op2 = OP2_IMM;
    insn->imm = F('i');
    return valid_write_back(insn);
}

bool fmt_ldr_imm(Insn *insn, const Fields *f)
{
    bool valid = fmt_str_imm(insn, f);
    format_result(insn);
    return valid;
}

bool fmt_part_imm(Insn *insn, const Fields *f)
{
    return fmt_str_imm(insn, f) && insn->rd != 15;
}

bool fmt_str_reg(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    format_addressing(insn, f);
    format_shift(insn, F('t'), F('i'));
    return valid_write_back(insn) && insn->rm != 15;
}

bool fmt_ldr_reg(Insn *insn, const Fields *f)
{
    bool valid = fmt_str_reg(insn, f);
    format_result(insn);
    return valid;
}

bool fmt_part_reg(Insn *insn, const Fields *f)
{
    return fmt_str_reg(insn, f) && insn->rd != 15;
}

/* rd is even, and R14 would pair with PC. P = 0 with W = 1 is no encoding of LDRD and STRD. */
static bool valid_pair(Insn *insn, const Fields *f)
{
    insn->ra = insn->rd + 1;
    bool valid_rn = !insn->wback || insn->rn != insn->ra;
    return !(insn->rd & 1) && insn->rd != 14 && valid_rn && !(F('W') && !F('P'));
}

bool fmt_strd_imm(Insn *insn, const Fields *f)
{
    return fmt_str_imm(insn, f) && valid_pair(insn, f);
}

bool fmt_ldrd_imm(Insn *insn, const Fields *f)
{
    return fmt_strd_imm(insn, f);
}

bool fmt_strd_reg(Insn *insn, const Fields *f)
{
    return fmt_str_reg(insn, f) && valid_pair(insn, f);
}

bool fmt_ldrd_reg(Insn *insn, const Fields *f)
{
    return fmt_strd_reg(insn, f) && insn->rm != insn->rd && insn->rm != insn->ra;
}

bool fmt_pld_imm(Insn *insn, const Fields *f)
{
    insn->rn = (uint8_t)F('n');
    insn->index = true;
    insn->add = F('U');
    insn->op2 = OP2_IMM;
    insn->imm = F('i');
    return true;
}

bool fmt_pld_reg(Insn *insn, const Fields *f)
{
    fmt_pld_imm(insn, f);
    insn->imm = 0;
    insn->rm = (uint8_t)F('m');
    format_shift(insn, F('t'), F('i'));
    return insn->rm != 15;
}

/* ---- Multiple, exclusive, swap ---------------------------------------------------------------------- */

bool fmt_stm(Insn *insn, const Fields *f)
{
    insn->rn = (uint8_t)F('n');
    insn->imm = F('i');
    insn->index = F('P');
    insn->add = F('U');
    insn->wback = F('W');
    return insn->rn != 15 && insn->imm != 0;
}

bool fmt_ldm(Insn *insn, const Fields *f)
{
    bool valid = fmt_stm(insn, f);
    if (insn->imm >> 15)
        insn->ends_block = true;
    return valid;
}

bool fmt_stm_user(Insn *insn, const Fields *f)
{
    return fmt_stm(insn, f) && !insn->wback;
}

bool fmt_ldm_user(Insn *insn, const Fields *f)
{
    return fmt_stm_user(insn, f);
}

bool fmt_ldm_return(Insn *insn, const Fields *f)
{
    fmt_stm(insn, f);
    insn->imm |= 1u << 15;
    return insn->rn != 15;
}

bool fmt_push(Insn *insn, const Fields *f)
{
    insn->rn = 13;
    insn->imm = F('i');
    insn->index = insn->wback = true;
    return insn->imm != 0;
}

bool fmt_pop(Insn *insn, const Fields *f)
{
    bool valid = fmt_push(insn, f);
    insn->index = false;
    insn->add = true;
    if (insn->imm >> 15)
        insn->ends_block = true;
    return valid;
}

bool fmt_push_one(Insn *insn, const Fields *f)
{
    insn->rd = (uint8_t)F('d');
    insn->rn = 13;
    insn->op2 = OP2_IMM;
    insn->imm = 4;
    insn->index = insn->wback = true;
    return insn->rd != 13;
}

bool fmt_pop_one(Insn *insn, const Fields *f)
{
    bool valid = fmt_push_one(insn, f);
    insn->index = false;
    insn->add = true;
    format_result(insn);
    return valid;
}

bool fmt_ldrex(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    insn->imm = 4 * F('i');
    return !names_pc(insn);
}

bool fmt_strex(Insn *insn, const Fields *f)
{
    return fmt_ldrex(insn, f) && insn->rs != insn->rn && insn->rs != insn->rd;
}

bool fmt_ldrexd(Insn *insn, const Fields *f)
{
    bool valid = fmt_ldrex(insn, f);
    return valid_pair(insn, f) && valid;
}

bool fmt_strexd(Insn *insn, const Fields *f)
{
    bool valid = fmt_strex(insn, f);
    return valid_pair(insn, f) && valid && insn->rs != insn->ra;
}

bool fmt_swp(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    return !names_pc(insn) && insn->rn != insn->rd && insn->rn != insn->rm;
}

/* ---- Branches --------------------------------------------------------------------------------------- */

/* B and BL. */
bool fmt_branch(Insn *insn, const Fields *f)
{
    insn->imm = (uint32_t)sign_extend(F('i') << 2, 26);
    insn->may_fall = insn->cond < 14 && !(insn->raw >> 24 & 1);
    return true;
}

bool fmt_blx_imm(Insn *insn, const Fields *f)
{
    insn->imm = (uint32_t)sign_extend(F('i') << 2 | F('H') << 1, 26);
    return true;
}

bool fmt_bx(Insn *insn, const Fields *f)
{
    insn->rm = (uint8_t)F('m');
    return true;
}

bool fmt_blx_reg(Insn *insn, const Fields *f)
{
    return fmt_bx(insn, f) && insn->rm != 15;
}

/* ---- System ----------------------------------------------------------------------------------------- */

bool fmt_mrs(Insn *insn, const Fields *f)
{
    insn->rd = (uint8_t)F('d');
    insn->size = (uint8_t)F('R');
    return insn->rd != 15;
}

/* Only the flags and GE can change without the next instruction depending on it. */
static bool msr_mask(Insn *insn, const Fields *f)
{
    insn->size = (uint8_t)F('R');
    insn->q = (uint8_t)F('k');
    if (!insn->size && insn->q & 3)
        insn->ends_block = true;
    return insn->q != 0;
}

bool fmt_msr_imm(Insn *insn, const Fields *f)
{
    expand_immediate(insn, F('i'));
    return msr_mask(insn, f);
}

bool fmt_msr_reg(Insn *insn, const Fields *f)
{
    insn->op2 = OP2_REG;
    insn->rm = (uint8_t)F('n');
    return msr_mask(insn, f) && insn->rm != 15;
}

bool fmt_cps(Insn *insn, const Fields *f)
{
    uint32_t imod = F('I');
    insn->size = (uint8_t)F('M');
    insn->add = imod == 2;
    insn->index = imod == 3;
    insn->q = (uint8_t)F('f');
    insn->imm = F('i');
    if (imod == 1 || (imod == 0 && !insn->size) || (insn->imm && !insn->size))
        return false;
    return (imod != 0) == (insn->q != 0);
}

bool fmt_setend(Insn *insn, const Fields *f)
{
    insn->q = (uint8_t)F('E');
    return true;
}

bool fmt_srs(Insn *insn, const Fields *f)
{
    insn->index = F('P');
    insn->add = F('U');
    insn->wback = F('W');
    insn->imm = F('i');
    return true;
}

bool fmt_rfe(Insn *insn, const Fields *f)
{
    insn->rn = (uint8_t)F('n');
    return fmt_srs(insn, f) && insn->rn != 15;
}

bool fmt_bkpt(Insn *insn, const Fields *f)
{
    insn->imm = F('i');
    return insn->cond == 14;
}

/* ---- Coprocessors ----------------------------------------------------------------------------------- */

static bool coprocessor(Insn *insn, const Fields *f)
{
    format_registers(insn, f);
    insn->size = (uint8_t)F('p');
    insn->shift_type = (uint8_t)F('j');
    insn->shift_n = (uint8_t)F('k');
    return insn->size != 10 && insn->size != 11;
}

bool fmt_cdp(Insn *insn, const Fields *f)
{
    return coprocessor(insn, f);
}

bool fmt_mcr(Insn *insn, const Fields *f)
{
    return coprocessor(insn, f) && insn->rd != 15;
}

bool fmt_mrc(Insn *insn, const Fields *f)
{
    return coprocessor(insn, f);
}

bool fmt_mcrr(Insn *insn, const Fields *f)
{
    return coprocessor(insn, f) && insn->rd != 15 && insn->ra != 15;
}

bool fmt_mrrc(Insn *insn, const Fields *f)
{
    return fmt_mcrr(insn, f) && insn->rd != insn->ra;
}

bool fmt_ldc(Insn *insn, const Fields *f)
{
    bool valid = coprocessor(insn, f);
    insn->index = F('P');
    insn->add = F('U');
    insn->wback = F('W');
    insn->imm = 4 * F('i');
    insn->q = (uint8_t)F('L');
    bool addressing = insn->index || insn->add || insn->wback;
    return valid && addressing && !(insn->wback && insn->rn == 15);
}

/* An access at [rn]; imm is for the coprocessor. */
bool fmt_ldc_option(Insn *insn, const Fields *f)
{
    bool valid = coprocessor(insn, f);
    insn->add = true;
    insn->imm = F('i');
    insn->q = (uint8_t)F('L');
    return valid;
}
