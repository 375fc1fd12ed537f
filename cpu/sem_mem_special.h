/* Bodies: loads and stores that are rare or heavy, as plain C on the CPU's state: exclusive accesses, swaps,
 * and the forms of LDM and STM for exception handlers. */
#ifndef ARMATURE_CPU_SEM_MEM_SPECIAL_H
#define ARMATURE_CPU_SEM_MEM_SPECIAL_H

#include "cpu/sem_mem.h"

/* ---- Multiple, for exception handlers ------------------------------------------------------------------ */

/* LDM with PC and ^. */
static inline void sem_ldm_return(C *c, const Insn *i)
{
    if (in_user_or_system_mode(c)) {
        exception_undefined(c);
        return;
    }
    V word[16];
    load_list(c, i, word);
    if (!faulted(c))
        exception_return(c, word[i->count - 1], get_spsr(c));
}

/* The registers of User mode: no write-back. */
static inline void sem_ldm_user(C *c, const Insn *i)
{
    if (in_user_or_system_mode(c)) {
        exception_undefined(c);
        return;
    }
    V word[16];
    unsigned count = i->count, n = 0;
    load_words(c, multiple_address(c, i, get_reg(c, i->rn), count), word, count);
    if (faulted(c))
        return;
    for (uint32_t list = i->imm; list; n++)
        cpu_set_reg_of_mode(c, list_next(&list), MODE_USR, word[n]);
}

static inline void sem_stm_user(C *c, const Insn *i)
{
    if (in_user_or_system_mode(c)) {
        exception_undefined(c);
        return;
    }
    V word[16];
    unsigned count = i->count, n = 0;
    for (uint32_t list = i->imm; list; n++) {
        unsigned reg = list_next(&list);
        word[n] = reg == 15 ? get_reg(c, 15) : cpu_reg_of_mode(c, reg, MODE_USR);
    }
    store_words(c, multiple_address(c, i, get_reg(c, i->rn), count), word, count);
}

/* ---- Exclusive ----------------------------------------------------------------------------------------- */

static inline void load_exclusive(C *c, const Insn *i, unsigned op)
{
    V value = (V)mmu_load_exclusive(c, add32(c, get_reg(c, i->rn), imm(c, i->imm)), op | MEM_ALIGN_SIZE);
    if (faulted(c))
        return;
    set_reg(c, i->rd, value);
}

static inline void sem_ldrex(C *c, const Insn *i)
{
    load_exclusive(c, i, MEM_32);
}

static inline void sem_ldrexb(C *c, const Insn *i)
{
    load_exclusive(c, i, MEM_8);
}

static inline void sem_ldrexh(C *c, const Insn *i)
{
    load_exclusive(c, i, MEM_16);
}

/* Rt is the word at the lower address, in both byte orders. */
static inline void sem_ldrexd(C *c, const Insn *i)
{
    V64 value = mmu_load_exclusive(c, get_reg(c, i->rn), MEM_64 | MEM_ALIGN_SIZE);
    if (faulted(c))
        return;
    set_reg(c, i->rd, c->e ? high32(c, value) : low32(c, value));
    set_reg(c, i->ra, c->e ? low32(c, value) : high32(c, value));
}

static inline void store_exclusive(C *c, const Insn *i, V64 value, unsigned op)
{
    V address = add32(c, get_reg(c, i->rn), imm(c, i->imm));
    V status = mmu_store_exclusive(c, address, value, op | MEM_ALIGN_SIZE);
    if (faulted(c))
        return;
    set_reg(c, i->rs, status);
}

static inline void sem_strex(C *c, const Insn *i)
{
    store_exclusive(c, i, get_reg(c, i->rd), MEM_32);
}

static inline void sem_strexb(C *c, const Insn *i)
{
    store_exclusive(c, i, ubits(c, get_reg(c, i->rd), 0, 8), MEM_8);
}

static inline void sem_strexh(C *c, const Insn *i)
{
    store_exclusive(c, i, ubits(c, get_reg(c, i->rd), 0, 16), MEM_16);
}

static inline void sem_strexd(C *c, const Insn *i)
{
    V first = get_reg(c, i->rd), second = get_reg(c, i->ra);
    store_exclusive(c, i, c->e ? pair64(c, first, second) : pair64(c, second, first), MEM_64);
}

static inline void sem_clrex(C *c, const Insn *i)
{
    (void)i;
    mmu_clear_exclusive(c);
}

/* ---- Swap (rm: the register stored) -------------------------------------------------------------------- */

static inline void swap_register(C *c, const Insn *i, unsigned op)
{
    enum { SCTLR_SW = 1 << 10 };
    if (!(cp15_bank(c)->sctlr & SCTLR_SW)) {
        exception_undefined(c);
        return;
    }
    V address = get_reg(c, i->rn);
    V value = load(c, address, op);
    if (faulted(c))
        return;
    store(c, address, get_reg(c, i->rm), op);
    if (faulted(c))
        return;
    set_reg(c, i->rd, value);
}

static inline void sem_swp(C *c, const Insn *i)
{
    swap_register(c, i, MEM_32 | MEM_ALIGN_4);
}

static inline void sem_swpb(C *c, const Insn *i)
{
    swap_register(c, i, MEM_8);
}

#endif
