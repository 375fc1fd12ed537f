/* Bodies: branches. */
#ifndef ARMATURE_CPU_SEM_BRANCH_H
#define ARMATURE_CPU_SEM_BRANCH_H

static inline V branch_target(C *c, const Insn *i)
{
    return add32(c, get_reg(c, 15), imm(c, i->imm));
}

static inline void sem_b(C *c, const Insn *i)
{
    branch_to(c, branch_target(c, i));
}

static inline void sem_bl(C *c, const Insn *i)
{
    set_reg(c, 14, link_address(c, i));
    branch_to(c, branch_target(c, i));
}

/* Changes the instruction set. */
static inline void sem_blx_imm(C *c, const Insn *i)
{
    V target = add32(c, and32(c, get_reg(c, 15), imm(c, ~3u)), imm(c, i->imm));
    V link = link_address(c, i);
    set_reg(c, 14, link);
    bx_write_pc(c, or32(c, target, xor32(c, and32(c, link, imm(c, 1)), imm(c, 1))));
}

static inline void sem_bx(C *c, const Insn *i)
{
    bx_write_pc(c, get_reg(c, i->rm));
}

static inline void sem_blx_reg(C *c, const Insn *i)
{
    V target = get_reg(c, i->rm);
    set_reg(c, 14, link_address(c, i));
    bx_write_pc(c, target);
}

/* Jazelle state cannot be entered (JMCR.JE is 0): the branch is taken as BX. */
static inline void sem_bxj(C *c, const Insn *i)
{
    bx_write_pc(c, get_reg(c, i->rm));
}

/* q: branch if not zero. */
static inline void sem_cbz(C *c, const Insn *i)
{
    V condition = xor32(c, is_zero(c, get_reg(c, i->rn)), imm(c, i->q));
    branch_if(c, condition, branch_target(c, i));
}

/* q: table of halfwords. */
static inline void sem_tbb(C *c, const Insn *i)
{
    V index = get_reg(c, i->rm);
    V address = add32(c, get_reg(c, i->rn), i->q ? shift_left(c, index, 1) : index);
    V entry = load(c, address, i->q ? MEM_16 : MEM_8);
    if (faulted(c))
        return;
    branch_write_pc(c, add32(c, get_reg(c, 15), shift_left(c, entry, 1)));
}

#endif
