/* Bodies: data processing, bit fields, reversals. */
#ifndef ARMATURE_CPU_SEM_DATA_H
#define ARMATURE_CPU_SEM_DATA_H

/* Rd = PC: a branch, or with S an exception return. */
static inline void write_pc(C *c, const Insn *i, V value)
{
    if (i->s)
        exception_return(c, value, get_spsr(c));
    else
        alu_write_pc(c, value);
}

static inline void arithmetic_result(C *c, const Insn *i, AluOut out)
{
    if (i->rd == 15) {
        write_pc(c, i, out.value);
        return;
    }
    set_reg(c, i->rd, out.value);
    if (i->s)
        set_nzcv(c, out);
}

static inline void logical_result(C *c, const Insn *i, V value, V carry)
{
    if (i->rd == 15) {
        write_pc(c, i, value);
        return;
    }
    set_reg(c, i->rd, value);
    if (i->s)
        set_nzc(c, value, carry);
}

/* Operand 2 with the shifter's carry, which only flag-setting instructions need. */
static inline ShiftOut logical_operand(C *c, const Insn *i)
{
    return i->s ? operand2_c(c, i) : (ShiftOut){operand2(c, i), imm(c, 0)};
}

/* ---- Logical ------------------------------------------------------------------------------------------- */

static inline void sem_and(C *c, const Insn *i)
{
    ShiftOut y = logical_operand(c, i);
    logical_result(c, i, and32(c, get_reg(c, i->rn), y.value), y.carry);
}

static inline void sem_eor(C *c, const Insn *i)
{
    ShiftOut y = logical_operand(c, i);
    logical_result(c, i, xor32(c, get_reg(c, i->rn), y.value), y.carry);
}

static inline void sem_orr(C *c, const Insn *i)
{
    ShiftOut y = logical_operand(c, i);
    logical_result(c, i, or32(c, get_reg(c, i->rn), y.value), y.carry);
}

static inline void sem_orn(C *c, const Insn *i)
{
    ShiftOut y = logical_operand(c, i);
    logical_result(c, i, or32(c, get_reg(c, i->rn), not32(c, y.value)), y.carry);
}

static inline void sem_bic(C *c, const Insn *i)
{
    ShiftOut y = logical_operand(c, i);
    logical_result(c, i, and32(c, get_reg(c, i->rn), not32(c, y.value)), y.carry);
}

/* Also LSL, LSR, ASR, ROR, RRX. */
static inline void sem_mov(C *c, const Insn *i)
{
    ShiftOut y = logical_operand(c, i);
    logical_result(c, i, y.value, y.carry);
}

static inline void sem_mvn(C *c, const Insn *i)
{
    ShiftOut y = logical_operand(c, i);
    logical_result(c, i, not32(c, y.value), y.carry);
}

static inline void sem_tst(C *c, const Insn *i)
{
    ShiftOut y = operand2_c(c, i);
    set_nzc(c, and32(c, get_reg(c, i->rn), y.value), y.carry);
}

static inline void sem_teq(C *c, const Insn *i)
{
    ShiftOut y = operand2_c(c, i);
    set_nzc(c, xor32(c, get_reg(c, i->rn), y.value), y.carry);
}

/* ---- Arithmetic ---------------------------------------------------------------------------------------- */

static inline void sem_add(C *c, const Insn *i)
{
    arithmetic_result(c, i, add_with_carry(c, get_reg(c, i->rn), operand2(c, i), imm(c, 0)));
}

static inline void sem_adc(C *c, const Insn *i)
{
    arithmetic_result(c, i, add_with_carry(c, get_reg(c, i->rn), operand2(c, i), get_c(c)));
}

static inline void sem_sub(C *c, const Insn *i)
{
    V y = not32(c, operand2(c, i));
    arithmetic_result(c, i, add_with_carry(c, get_reg(c, i->rn), y, imm(c, 1)));
}

static inline void sem_sbc(C *c, const Insn *i)
{
    V y = not32(c, operand2(c, i));
    arithmetic_result(c, i, add_with_carry(c, get_reg(c, i->rn), y, get_c(c)));
}

static inline void sem_rsb(C *c, const Insn *i)
{
    V x = not32(c, get_reg(c, i->rn));
    arithmetic_result(c, i, add_with_carry(c, x, operand2(c, i), imm(c, 1)));
}

static inline void sem_rsc(C *c, const Insn *i)
{
    V x = not32(c, get_reg(c, i->rn));
    arithmetic_result(c, i, add_with_carry(c, x, operand2(c, i), get_c(c)));
}

static inline void sem_cmp(C *c, const Insn *i)
{
    V y = not32(c, operand2(c, i));
    set_nzcv(c, add_with_carry(c, get_reg(c, i->rn), y, imm(c, 1)));
}

static inline void sem_cmn(C *c, const Insn *i)
{
    set_nzcv(c, add_with_carry(c, get_reg(c, i->rn), operand2(c, i), imm(c, 0)));
}

static inline void sem_adr(C *c, const Insn *i)
{
    V base = and32(c, get_reg(c, 15), imm(c, ~3u));
    write_reg(c, i->rd, add32(c, base, imm(c, i->add ? i->imm : -i->imm)));
}

/* ---- Moves and bit fields ------------------------------------------------------------------------------ */

static inline void sem_movw(C *c, const Insn *i)
{
    set_reg(c, i->rd, imm(c, i->imm));
}

static inline void sem_movt(C *c, const Insn *i)
{
    set_reg(c, i->rd, insert_bits(c, get_reg(c, i->rd), imm(c, i->imm), 16, 16));
}

static inline void sem_bfc(C *c, const Insn *i)
{
    set_reg(c, i->rd, insert_bits(c, get_reg(c, i->rd), imm(c, 0), i->imm, i->shift_n));
}

static inline void sem_bfi(C *c, const Insn *i)
{
    set_reg(c, i->rd, insert_bits(c, get_reg(c, i->rd), get_reg(c, i->rn), i->imm, i->shift_n));
}

static inline void sem_sbfx(C *c, const Insn *i)
{
    set_reg(c, i->rd, sbits(c, get_reg(c, i->rn), i->imm, i->shift_n));
}

static inline void sem_ubfx(C *c, const Insn *i)
{
    set_reg(c, i->rd, ubits(c, get_reg(c, i->rn), i->imm, i->shift_n));
}

static inline void sem_clz(C *c, const Insn *i)
{
    set_reg(c, i->rd, count_leading_zeros(c, get_reg(c, i->rm)));
}

static inline void sem_rbit(C *c, const Insn *i)
{
    set_reg(c, i->rd, reverse_bits(c, get_reg(c, i->rm)));
}

static inline void sem_rev(C *c, const Insn *i)
{
    set_reg(c, i->rd, reverse_bytes(c, get_reg(c, i->rm)));
}

static inline void sem_rev16(C *c, const Insn *i)
{
    set_reg(c, i->rd, rotate_right(c, reverse_bytes(c, get_reg(c, i->rm)), 16));
}

static inline void sem_revsh(C *c, const Insn *i)
{
    set_reg(c, i->rd, sbits(c, reverse_bytes(c, get_reg(c, i->rm)), 16, 16));
}

#endif
