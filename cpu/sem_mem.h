/* Bodies: loads, stores, exclusive accesses. */
#ifndef ARMATURE_CPU_SEM_MEM_H
#define ARMATURE_CPU_SEM_MEM_H

#include "cpu/exec.h"

/* ---- Addresses ----------------------------------------------------------------------------------------- */

/* Rn; PC as a base is word-aligned. */
static inline V base_register(C *c, const Insn *i)
{
    V base = get_reg(c, i->rn);
    return i->rn == 15 ? and32(c, base, imm(c, ~3u)) : base;
}

/* Rn plus or minus the offset. */
static inline V offset_address(C *c, const Insn *i)
{
    V base = base_register(c, i);
    if (i->op2 == OP2_IMM)
        return add32(c, base, imm(c, i->add ? i->imm : -i->imm));
    V offset = operand2(c, i);
    return i->add ? add32(c, base, offset) : sub32(c, base, offset);
}

/* The address of the access, when offset_address is known. */
static inline V access_address(C *c, const Insn *i, V offset)
{
    return i->index ? offset : base_register(c, i);
}

static inline void write_back(C *c, const Insn *i, V offset)
{
    if (i->wback)
        set_reg(c, i->rn, offset);
}

/* ---- Single loads -------------------------------------------------------------------------------------- */

static inline void sem_ldr(C *c, const Insn *i)
{
    V offset = offset_address(c, i);
    V value = load(c, access_address(c, i, offset), MEM_32);
    if (faulted(c))
        return;
    write_back(c, i, offset);
    if (i->rd == 15)
        load_write_pc(c, value);
    else
        set_reg(c, i->rd, value);
}

/* All others cannot load PC. */
static inline V load_and_write_back(C *c, const Insn *i, unsigned op)
{
    V offset = offset_address(c, i);
    V value = load(c, access_address(c, i, offset), op);
    if (!faulted(c))
        write_back(c, i, offset);
    return value;
}

static inline void load_unsigned(C *c, const Insn *i, unsigned op)
{
    V value = load_and_write_back(c, i, op);
    if (faulted(c))
        return;
    set_reg(c, i->rd, value);
}

static inline void load_signed(C *c, const Insn *i, unsigned op)
{
    V value = load_and_write_back(c, i, op);
    if (faulted(c))
        return;
    set_reg(c, i->rd, sbits(c, value, 0, 8 * (op & MEM_SIZE)));
}

static inline void sem_ldrb(C *c, const Insn *i)
{
    load_unsigned(c, i, MEM_8);
}

static inline void sem_ldrh(C *c, const Insn *i)
{
    load_unsigned(c, i, MEM_16);
}

static inline void sem_ldrsb(C *c, const Insn *i)
{
    load_signed(c, i, MEM_8);
}

static inline void sem_ldrsh(C *c, const Insn *i)
{
    load_signed(c, i, MEM_16);
}

static inline void sem_ldrt(C *c, const Insn *i)
{
    load_unsigned(c, i, MEM_32 | MEM_UNPRIV);
}

static inline void sem_ldrbt(C *c, const Insn *i)
{
    load_unsigned(c, i, MEM_8 | MEM_UNPRIV);
}

static inline void sem_ldrht(C *c, const Insn *i)
{
    load_unsigned(c, i, MEM_16 | MEM_UNPRIV);
}

static inline void sem_ldrsbt(C *c, const Insn *i)
{
    load_signed(c, i, MEM_8 | MEM_UNPRIV);
}

static inline void sem_ldrsht(C *c, const Insn *i)
{
    load_signed(c, i, MEM_16 | MEM_UNPRIV);
}

/* ---- Single stores ------------------------------------------------------------------------------------- */

static inline void store_register(C *c, const Insn *i, unsigned op)
{
    V offset = offset_address(c, i);
    store(c, access_address(c, i, offset), get_reg(c, i->rd), op);
    if (faulted(c))
        return;
    write_back(c, i, offset);
}

static inline void sem_str(C *c, const Insn *i)
{
    store_register(c, i, MEM_32);
}

static inline void sem_strb(C *c, const Insn *i)
{
    store_register(c, i, MEM_8);
}

static inline void sem_strh(C *c, const Insn *i)
{
    store_register(c, i, MEM_16);
}

static inline void sem_strt(C *c, const Insn *i)
{
    store_register(c, i, MEM_32 | MEM_UNPRIV);
}

static inline void sem_strbt(C *c, const Insn *i)
{
    store_register(c, i, MEM_8 | MEM_UNPRIV);
}

static inline void sem_strht(C *c, const Insn *i)
{
    store_register(c, i, MEM_16 | MEM_UNPRIV);
}

/* ---- Dual ---------------------------------------------------------------------------------------------- */

static inline void sem_ldrd(C *c, const Insn *i)
{
    V word[2] = {imm(c, 0), imm(c, 0)};
    V offset = offset_address(c, i);
    load_words(c, access_address(c, i, offset), word, 2);
    if (faulted(c))
        return;
    write_back(c, i, offset);
    set_reg(c, i->rd, word[0]);
    set_reg(c, i->ra, word[1]);
}

static inline void sem_strd(C *c, const Insn *i)
{
    V word[2] = {get_reg(c, i->rd), get_reg(c, i->ra)};
    V offset = offset_address(c, i);
    store_words(c, access_address(c, i, offset), word, 2);
    if (faulted(c))
        return;
    write_back(c, i, offset);
}

/* ---- Multiple (imm: register list) --------------------------------------------------------------------- */

/* The lowest address of count words, and Rn afterwards. */
static inline V multiple_address(C *c, const Insn *i, V base, unsigned count)
{
    uint32_t first = i->add == i->index ? 4 : 0;
    return add32(c, base, imm(c, i->add ? first : first - 4 * count));
}

static inline V multiple_end(C *c, const Insn *i, V base, unsigned count)
{
    return add32(c, base, imm(c, i->add ? 4 * count : -4 * count));
}

/* Takes the lowest register off the list. */
static inline unsigned list_next(uint32_t *list)
{
    unsigned n = (unsigned)__builtin_ctz(*list);
    *list &= *list - 1;
    return n;
}

/* Loads the words of the list; after that Rn is written and r0 to r14 are set. A base register in the list
 * keeps the loaded value (UNPREDICTABLE with write-back). The word for PC is left in word[count - 1]. */
static inline void load_list(C *c, const Insn *i, V *word)
{
    unsigned count = i->count, n = 0;
    V base = get_reg(c, i->rn);
    load_words(c, multiple_address(c, i, base, count), word, count);
    if (faulted(c))
        return;
    write_back(c, i, multiple_end(c, i, base, count));
    for (uint32_t list = i->imm & 0x7fff; list; n++)
        set_reg(c, list_next(&list), word[n]);
}

static inline void sem_ldm(C *c, const Insn *i)
{
    V word[16];
    load_list(c, i, word);
    if (i->imm >> 15 && !faulted(c))
        load_write_pc(c, word[i->count - 1]);
}

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

static inline void sem_stm(C *c, const Insn *i)
{
    V word[16];
    unsigned count = i->count, n = 0;
    V base = get_reg(c, i->rn);
    for (uint32_t list = i->imm; list; n++)
        word[n] = get_reg(c, list_next(&list));
    store_words(c, multiple_address(c, i, base, count), word, count);
    if (faulted(c))
        return;
    write_back(c, i, multiple_end(c, i, base, count));
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

/* ---- Preloads ------------------------------------------------------------------------------------------ */

/* PLD, PLDW, PLI: hints; caches are not modelled. */
static inline void sem_pld(C *c, const Insn *i)
{
    (void)c;
    (void)i;
}

#endif
