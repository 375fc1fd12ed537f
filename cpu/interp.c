/* The instruction table, with the interpreter's function of each line: the bodies of sem_*.h compiled against
 * exec.h. */
#include "cpu/exec.h"
#include "cpu/exec_vfp.h"
#include "cpu/format.h"
#include "cpu/insn.h"

#include "cpu/sem_operand.h"
#include "cpu/sem_data.h"
#include "cpu/sem_mul.h"
#include "cpu/sem_media.h"
#include "cpu/sem_mem.h"
#include "cpu/sem_mem_special.h"
#include "cpu/sem_branch.h"
#include "cpu/sem_system.h"
#include "cpu/sem_vfp.h"
#include "cpu/sem_neon.h"

/* clang-format off */
#define INSN(name, pattern, format, body, flags, text) {#name, pattern, format, body, flags, text, TABLE, 0, 0},

InsnInfo insn_table[] = {
    /* Row 0: whatever no line describes. */
    {"UNDEFINED", "", NULL, sem_undefined, INSN_ENDS, "<undefined>", TABLE_A32, 0, 0},
#define TABLE TABLE_A32
#include "cpu/a32.def"
#undef TABLE
#define TABLE TABLE_COP
#include "cpu/cop.def"
#undef TABLE
#define TABLE TABLE_VFP
#include "cpu/vfp.def"
#undef TABLE
#define TABLE TABLE_NEON
#include "cpu/neon.def"
#undef TABLE
#define TABLE TABLE_T16
#include "cpu/t16.def"
#undef TABLE
#define TABLE TABLE_T32
#include "cpu/t32.def"
#undef TABLE
};
/* clang-format on */

/* ---- Forms ---------------------------------------------------------------------------------------------
 *
 * The commonest instructions with the commonest kinds of operands: the same bodies, compiled with the kind as
 * a constant, so that the tests on it vanish. bench/interp.py shows what they are worth. */

#define FORM static inline __attribute__((always_inline)) void

/* Data processing that does not write PC. */
FORM data_form(C *c, const Insn *i, InsnBody *body, Operand2 op2, bool s)
{
    Insn form = *i;
    if (form.rd == 15)
        __builtin_unreachable();
    form.op2 = op2;
    form.s = s;
    body(c, &form);
}

static void add_imm(C *c, const Insn *i)
{
    data_form(c, i, sem_add, OP2_IMM, false);
}

static void add_reg(C *c, const Insn *i)
{
    data_form(c, i, sem_add, OP2_REG, false);
}

static void add_shifted(C *c, const Insn *i)
{
    data_form(c, i, sem_add, OP2_SHIFT_IMM, false);
}

static void adds_imm(C *c, const Insn *i)
{
    data_form(c, i, sem_add, OP2_IMM, true);
}

static void adds_reg(C *c, const Insn *i)
{
    data_form(c, i, sem_add, OP2_REG, true);
}

static void sub_imm(C *c, const Insn *i)
{
    data_form(c, i, sem_sub, OP2_IMM, false);
}

static void sub_reg(C *c, const Insn *i)
{
    data_form(c, i, sem_sub, OP2_REG, false);
}

static void subs_imm(C *c, const Insn *i)
{
    data_form(c, i, sem_sub, OP2_IMM, true);
}

static void subs_reg(C *c, const Insn *i)
{
    data_form(c, i, sem_sub, OP2_REG, true);
}

static void mov_imm(C *c, const Insn *i)
{
    data_form(c, i, sem_mov, OP2_IMM, false);
}

static void movs_imm(C *c, const Insn *i)
{
    data_form(c, i, sem_mov, OP2_IMM, true);
}

static void mov_reg(C *c, const Insn *i)
{
    data_form(c, i, sem_mov, OP2_REG, false);
}

static void mov_shifted(C *c, const Insn *i)
{
    data_form(c, i, sem_mov, OP2_SHIFT_IMM, false);
}

static void movs_shifted(C *c, const Insn *i)
{
    data_form(c, i, sem_mov, OP2_SHIFT_IMM, true);
}

static void and_imm(C *c, const Insn *i)
{
    data_form(c, i, sem_and, OP2_IMM, false);
}

static void and_reg(C *c, const Insn *i)
{
    data_form(c, i, sem_and, OP2_REG, false);
}

static void orr_imm(C *c, const Insn *i)
{
    data_form(c, i, sem_orr, OP2_IMM, false);
}

static void orr_reg(C *c, const Insn *i)
{
    data_form(c, i, sem_orr, OP2_REG, false);
}

static void orr_shifted(C *c, const Insn *i)
{
    data_form(c, i, sem_orr, OP2_SHIFT_IMM, false);
}

static void eor_reg(C *c, const Insn *i)
{
    data_form(c, i, sem_eor, OP2_REG, false);
}

static void eor_shifted(C *c, const Insn *i)
{
    data_form(c, i, sem_eor, OP2_SHIFT_IMM, false);
}

static void bic_imm(C *c, const Insn *i)
{
    data_form(c, i, sem_bic, OP2_IMM, false);
}

/* Comparisons have no result register, and always set flags. */
FORM compare_form(C *c, const Insn *i, InsnBody *body, Operand2 op2)
{
    Insn form = *i;
    form.op2 = op2;
    form.s = true;
    body(c, &form);
}

static void cmp_imm(C *c, const Insn *i)
{
    compare_form(c, i, sem_cmp, OP2_IMM);
}

static void cmp_reg(C *c, const Insn *i)
{
    compare_form(c, i, sem_cmp, OP2_REG);
}

static void tst_imm(C *c, const Insn *i)
{
    compare_form(c, i, sem_tst, OP2_IMM);
}

static void tst_reg(C *c, const Insn *i)
{
    compare_form(c, i, sem_tst, OP2_REG);
}

/* Loads and stores at a base plus an offset, without PC and without write-back. */
FORM memory_form(C *c, const Insn *i, InsnBody *body, Operand2 op2)
{
    Insn form = *i;
    if (form.rd == 15 || form.rn == 15)
        __builtin_unreachable();
    form.op2 = op2;
    form.add = form.index = true;
    form.wback = false;
    body(c, &form);
}

static void ldr_imm(C *c, const Insn *i)
{
    memory_form(c, i, sem_ldr, OP2_IMM);
}

static void ldr_reg(C *c, const Insn *i)
{
    memory_form(c, i, sem_ldr, OP2_REG);
}

static void ldr_shifted(C *c, const Insn *i)
{
    memory_form(c, i, sem_ldr, OP2_SHIFT_IMM);
}

static void ldrb_imm(C *c, const Insn *i)
{
    memory_form(c, i, sem_ldrb, OP2_IMM);
}

static void ldrb_reg(C *c, const Insn *i)
{
    memory_form(c, i, sem_ldrb, OP2_REG);
}

static void ldrh_imm(C *c, const Insn *i)
{
    memory_form(c, i, sem_ldrh, OP2_IMM);
}

static void str_imm(C *c, const Insn *i)
{
    memory_form(c, i, sem_str, OP2_IMM);
}

static void strb_imm(C *c, const Insn *i)
{
    memory_form(c, i, sem_strb, OP2_IMM);
}

static void strh_imm(C *c, const Insn *i)
{
    memory_form(c, i, sem_strh, OP2_IMM);
}

typedef enum FormShape { FORM_DATA, FORM_DATA_S, FORM_COMPARE, FORM_MEMORY } FormShape;

/* clang-format off */
static const struct {
    InsnBody *body;
    FormShape shape;
    Operand2 op2;
    InsnBody *exec;
} forms[] = {
    {sem_ldr,  FORM_MEMORY,  OP2_IMM,       ldr_imm},
    {sem_ldr,  FORM_MEMORY,  OP2_REG,       ldr_reg},
    {sem_ldr,  FORM_MEMORY,  OP2_SHIFT_IMM, ldr_shifted},
    {sem_ldrb, FORM_MEMORY,  OP2_IMM,       ldrb_imm},
    {sem_ldrb, FORM_MEMORY,  OP2_REG,       ldrb_reg},
    {sem_ldrh, FORM_MEMORY,  OP2_IMM,       ldrh_imm},
    {sem_str,  FORM_MEMORY,  OP2_IMM,       str_imm},
    {sem_strb, FORM_MEMORY,  OP2_IMM,       strb_imm},
    {sem_strh, FORM_MEMORY,  OP2_IMM,       strh_imm},
    {sem_cmp,  FORM_COMPARE, OP2_IMM,       cmp_imm},
    {sem_cmp,  FORM_COMPARE, OP2_REG,       cmp_reg},
    {sem_tst,  FORM_COMPARE, OP2_IMM,       tst_imm},
    {sem_tst,  FORM_COMPARE, OP2_REG,       tst_reg},
    {sem_add,  FORM_DATA,    OP2_IMM,       add_imm},
    {sem_add,  FORM_DATA,    OP2_REG,       add_reg},
    {sem_add,  FORM_DATA,    OP2_SHIFT_IMM, add_shifted},
    {sem_add,  FORM_DATA_S,  OP2_IMM,       adds_imm},
    {sem_add,  FORM_DATA_S,  OP2_REG,       adds_reg},
    {sem_sub,  FORM_DATA,    OP2_IMM,       sub_imm},
    {sem_sub,  FORM_DATA,    OP2_REG,       sub_reg},
    {sem_sub,  FORM_DATA_S,  OP2_IMM,       subs_imm},
    {sem_sub,  FORM_DATA_S,  OP2_REG,       subs_reg},
    {sem_mov,  FORM_DATA,    OP2_IMM,       mov_imm},
    {sem_mov,  FORM_DATA_S,  OP2_IMM,       movs_imm},
    {sem_mov,  FORM_DATA,    OP2_REG,       mov_reg},
    {sem_mov,  FORM_DATA,    OP2_SHIFT_IMM, mov_shifted},
    {sem_mov,  FORM_DATA_S,  OP2_SHIFT_IMM, movs_shifted},
    {sem_and,  FORM_DATA,    OP2_IMM,       and_imm},
    {sem_and,  FORM_DATA,    OP2_REG,       and_reg},
    {sem_orr,  FORM_DATA,    OP2_IMM,       orr_imm},
    {sem_orr,  FORM_DATA,    OP2_REG,       orr_reg},
    {sem_orr,  FORM_DATA,    OP2_SHIFT_IMM, orr_shifted},
    {sem_eor,  FORM_DATA,    OP2_REG,       eor_reg},
    {sem_eor,  FORM_DATA,    OP2_SHIFT_IMM, eor_shifted},
    {sem_bic,  FORM_DATA,    OP2_IMM,       bic_imm},
};
/* clang-format on */

static bool has_shape(const Insn *insn, FormShape shape)
{
    switch (shape) {
    case FORM_DATA:
    case FORM_DATA_S:
        return insn->rd != 15 && insn->s == (shape == FORM_DATA_S);
    case FORM_COMPARE:
        return true;
    default:
        return insn->rd != 15 && insn->rn != 15 && insn->add && insn->index && !insn->wback;
    }
}

InsnBody *interp_form(const Insn *insn)
{
    for (unsigned n = 0; n < sizeof forms / sizeof *forms; n++)
        if (forms[n].body == insn->exec && forms[n].op2 == insn->op2 && has_shape(insn, forms[n].shape))
            return forms[n].exec;
    return insn->exec;
}

const unsigned insn_count = sizeof insn_table / sizeof *insn_table;
