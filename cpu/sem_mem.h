/* Bodies: loads and stores. */
#ifndef ARMATURE_CPU_SEM_MEM_H
#define ARMATURE_CPU_SEM_MEM_H

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

/* ---- Preloads ------------------------------------------------------------------------------------------ */

/* PLD, PLDW, PLI: hints; caches are not modelled. */
static inline void sem_pld(C *c, const Insn *i)
{
    (void)c;
    (void)i;
}

#endif
