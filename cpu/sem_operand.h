/* What bodies share: operand 2, and writing a result that may be the PC. Like all sem_*.h it is compiled
 * twice: after exec.h it computes, after the translator's primitives it appends operations. */
#ifndef ARMATURE_CPU_SEM_OPERAND_H
#define ARMATURE_CPU_SEM_OPERAND_H

/* The value of operand 2 (see Operand2), with its carry and without. */
static inline ShiftOut operand2_c(C *c, const Insn *i)
{
    switch (i->op2) {
    case OP2_IMM:
        return (ShiftOut){imm(c, i->imm),
                          i->imm_carry == IMM_CARRY_KEEP ? get_c(c) : imm(c, i->imm_carry == IMM_CARRY_1)};
    case OP2_REG:
        return (ShiftOut){get_reg(c, i->rm), get_c(c)};
    case OP2_SHIFT_IMM:
        return shift_imm_c(c, get_reg(c, i->rm), i->shift_type, i->shift_n);
    default:
        return shift_reg_c(c, get_reg(c, i->rm), i->shift_type, get_reg(c, i->rs));
    }
}

static inline V operand2(C *c, const Insn *i)
{
    if (i->op2 == OP2_IMM)
        return imm(c, i->imm);
    if (i->op2 == OP2_REG)
        return get_reg(c, i->rm);
    return operand2_c(c, i).value;
}

/* BranchWritePC, LoadWritePC (ARMv7: as BX), ALUWritePC of the manual (A2.3.2). */
static inline void branch_write_pc(C *c, V target)
{
    branch_to(c, and32(c, target, imm(c, in_thumb_state(c) ? ~1u : ~3u)));
}

static inline void load_write_pc(C *c, V target)
{
    bx_write_pc(c, target);
}

static inline void alu_write_pc(C *c, V target)
{
    if (in_thumb_state(c))
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
