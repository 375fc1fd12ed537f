/* The disassembler: writes the text form of an instruction's line, with what stands in braces replaced by
 * operands. Unified syntax (UAL). Each operand name is a row of the table at the end. */
#include "cpu/insn.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cpu/neon.h"

typedef struct Out {
    char *text;
    unsigned size, used;
    uint32_t address;
} Out;

typedef void OperandWriter(Out *out, const Insn *i);

__attribute__((format(printf, 2, 3))) static void put(Out *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out->text + out->used, out->size - out->used, format, args);
    va_end(args);
    out->used += (unsigned)n;
    if (out->used >= out->size)
        out->used = out->size - 1;
}

/* ---- Names ---- */

static const char *const reg_names[16] = {"r0", "r1", "r2",  "r3",  "r4",  "r5", "r6", "r7",
                                          "r8", "r9", "r10", "r11", "r12", "sp", "lr", "pc"};
static const char *const cond_names[16] = {"eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc",
                                           "hi", "ls", "ge", "lt", "gt", "le", "al", "nv"};
static const char *const shift_names[] = {"lsl", "lsr", "asr", "ror", "rrx"};
static const char *const barrier_names[16] = {NULL, NULL, "oshst", "osh", NULL, NULL, "nshst", "nsh",
                                              NULL, NULL, "ishst", "ish", NULL, NULL, "st",    "sy"};

static void put_reg(Out *out, unsigned reg)
{
    put(out, "%s", reg_names[reg & 15]);
}

static bool is_thumb(const Insn *i)
{
    uint8_t table = insn_table[i->row].table;
    return table == TABLE_T16 || table == TABLE_T32;
}

/* ---- Mnemonic suffixes ---- */

static void put_cond(Out *out, const Insn *i)
{
    if (i->cond < 14)
        put(out, "%s", cond_names[i->cond]);
}

static void put_s(Out *out, const Insn *i)
{
    if (i->s)
        put(out, "s");
}

static void put_half_n(Out *out, const Insn *i)
{
    put(out, "%c", i->q & 2 ? 't' : 'b');
}

static void put_half_m(Out *out, const Insn *i)
{
    put(out, "%c", i->q & 1 ? 't' : 'b');
}

static void put_swap(Out *out, const Insn *i)
{
    put(out, "%s", i->q ? "x" : "");
}

static void put_round(Out *out, const Insn *i)
{
    put(out, "%s", i->q ? "r" : "");
}

/* Increment after is the default and has no suffix. */
static void put_addressing_mode(Out *out, const Insn *i)
{
    if (!i->add)
        put(out, "%s", i->index ? "db" : "da");
    else if (i->index)
        put(out, "ib");
}

/* The same where it has one. */
static void put_full_addressing_mode(Out *out, const Insn *i)
{
    put(out, "%c%c", i->add ? 'i' : 'd', i->index ? 'b' : 'a');
}

static void put_interrupt_mode(Out *out, const Insn *i)
{
    put(out, "%s", i->add ? "ie" : i->index ? "id" : "");
}

/* The T and E of IT, from the mask bits above the lowest one set. */
static void put_it_mask(Out *out, const Insn *i)
{
    unsigned mask = i->imm & 15, first = i->imm >> 4 & 1;
    for (unsigned bit = 3; mask & ((1u << bit) - 1); bit--)
        put(out, "%c", (mask >> bit & 1) == first ? 't' : 'e');
}

static void put_it_cond(Out *out, const Insn *i)
{
    put(out, "%s", cond_names[i->imm >> 4 & 15]);
}

static void put_long(Out *out, const Insn *i)
{
    put(out, "%s", i->q ? "l" : "");
}

/* ---- Core registers and operand 2 ---- */

static void put_rd(Out *out, const Insn *i)
{
    put_reg(out, i->rd);
}

static void put_rn(Out *out, const Insn *i)
{
    put_reg(out, i->rn);
}

static void put_rm(Out *out, const Insn *i)
{
    put_reg(out, i->rm);
}

static void put_rs(Out *out, const Insn *i)
{
    put_reg(out, i->rs);
}

static void put_ra(Out *out, const Insn *i)
{
    put_reg(out, i->ra);
}

/* MRC to PC writes the flags. */
static void put_rd_or_flags(Out *out, const Insn *i)
{
    put(out, "%s", i->rd == 15 ? "apsr_nzcv" : reg_names[i->rd]);
}

static void put_shift(Out *out, const Insn *i)
{
    if (i->op2 == OP2_SHIFT_REG)
        put(out, ", %s %s", shift_names[i->shift_type], reg_names[i->rs]);
    else if (i->op2 == OP2_SHIFT_IMM && i->shift_type == SHIFT_RRX)
        put(out, ", rrx");
    else if (i->op2 == OP2_SHIFT_IMM)
        put(out, ", %s #%u", shift_names[i->shift_type], i->shift_n);
}

static void put_imm(Out *out, const Insn *i)
{
    put(out, "#%u", i->imm);
}

static void put_imm_hex(Out *out, const Insn *i)
{
    put(out, "#0x%x", i->imm);
}

/* A32 has several encodings of most modified immediates: those that an assembler would not choose show their
 * parts, byte and rotation. */
static void put_modified_immediate(Out *out, const Insn *i)
{
    unsigned rotation = i->raw >> 7 & 30, byte = i->raw & 0xff, least = 0;
    while (least < 30 && ((i->imm << least | (least ? i->imm >> (32 - least) : 0)) & ~0xffu))
        least += 2;
    if (!is_thumb(i) && rotation != least)
        put(out, "#%u, #%u", byte, rotation);
    else
        put_imm(out, i);
}

static void put_operand2(Out *out, const Insn *i)
{
    if (i->op2 == OP2_IMM) {
        put_modified_immediate(out, i);
        return;
    }
    put_reg(out, i->rm);
    put_shift(out, i);
}

static void put_shift_amount(Out *out, const Insn *i)
{
    put(out, "#%u", i->shift_n);
}

static void put_rotation(Out *out, const Insn *i)
{
    if (i->shift_n)
        put(out, ", ror #%u", i->shift_n);
}

static void put_width(Out *out, const Insn *i)
{
    put(out, "#%u", i->shift_n);
}

/* ---- Addresses and lists ---- */

static void put_offset(Out *out, const Insn *i)
{
    const char *sign = i->add ? "" : "-";
    if (i->op2 == OP2_IMM) {
        put(out, "#%s%u", sign, i->imm);
        return;
    }
    put(out, "%s%s", sign, reg_names[i->rm & 15]);
    put_shift(out, i);
}

/* [rn], [rn, offset], [rn, offset]!, [rn], offset. */
static void put_memory(Out *out, const Insn *i)
{
    bool literal = i->rn == 15 && is_thumb(i);
    bool no_offset = i->op2 == OP2_IMM && i->imm == 0 && i->add && !literal;
    put(out, "[%s", reg_names[i->rn & 15]);
    if (!i->index || (no_offset && !i->wback))
        put(out, "]");
    if (i->index && no_offset && !i->wback)
        return;
    put(out, ", ");
    put_offset(out, i);
    if (i->index)
        put(out, "]%s", i->wback ? "!" : "");
}

/* Inside the brackets of accesses that add a positive offset, if they have one. */
static void put_displacement(Out *out, const Insn *i)
{
    if (i->imm)
        put(out, ", #%u", i->imm);
}

static void put_write_back(Out *out, const Insn *i)
{
    put(out, "%s", i->wback ? "!" : "");
}

static void put_list(Out *out, const Insn *i)
{
    const char *before = "{";
    for (unsigned reg = 0; reg < 16; reg++) {
        if (i->imm >> reg & 1) {
            put(out, "%s%s", before, reg_names[reg]);
            before = ", ";
        }
    }
    put(out, "}");
}

static void put_list_of_one(Out *out, const Insn *i)
{
    put(out, "{%s}", reg_names[i->rd & 15]);
}

static uint32_t pc_of(const Out *out, const Insn *i)
{
    return out->address + (is_thumb(i) ? 4 : 8);
}

static void put_target(Out *out, const Insn *i)
{
    put(out, "0x%x", pc_of(out, i) + i->imm);
}

static void put_blx_target(Out *out, const Insn *i)
{
    put(out, "0x%x", (pc_of(out, i) & ~3u) + i->imm);
}

/* ---- System ---- */

/* MSR names the fields of its mask; those of APSR alone go by its name. */
static void put_psr(Out *out, const Insn *i)
{
    static const char *const apsr_fields[4] = {"", "_g", "_nzcvq", "_nzcvqg"};
    if (i->size) {
        put(out, "spsr");
    } else if (!(i->q & 3)) {
        put(out, "apsr%s", apsr_fields[i->q >> 2 & 3]);
        return;
    } else {
        put(out, "cpsr");
    }
    if (i->q)
        put(out, "_%s%s%s%s", i->q & 8 ? "f" : "", i->q & 4 ? "s" : "", i->q & 2 ? "x" : "",
            i->q & 1 ? "c" : "");
}

/* The masks that CPS changes, and the mode if it changes that. */
static void put_masks_and_mode(Out *out, const Insn *i)
{
    put(out, "%s%s%s", i->q & 4 ? "a" : "", i->q & 2 ? "i" : "", i->q & 1 ? "f" : "");
    if (i->size & 1)
        put(out, "%s#%u", i->q ? ", " : "", i->imm);
}

static void put_endian(Out *out, const Insn *i)
{
    put(out, "%s", i->q ? "be" : "le");
}

static void put_barrier(Out *out, const Insn *i)
{
    const char *name = barrier_names[i->imm & 15];
    if (name)
        put(out, "%s", name);
    else
        put(out, "#0x%x", i->imm);
}

static void put_isb_option(Out *out, const Insn *i)
{
    if (i->imm == 15)
        put(out, "sy");
    else
        put(out, "#0x%x", i->imm);
}

static void put_coprocessor(Out *out, const Insn *i)
{
    put(out, "p%u", i->size);
}

static void put_opc1(Out *out, const Insn *i)
{
    put(out, "#%u", i->shift_type);
}

static void put_opc2(Out *out, const Insn *i)
{
    put(out, "#%u", i->shift_n);
}

static void put_crd(Out *out, const Insn *i)
{
    put(out, "c%u", i->rd);
}

static void put_crn(Out *out, const Insn *i)
{
    put(out, "c%u", i->rn);
}

static void put_crm(Out *out, const Insn *i)
{
    put(out, "c%u", i->rm);
}

static void put_option(Out *out, const Insn *i)
{
    put(out, "{%u}", i->imm);
}

/* ---- VFP and Advanced SIMD (rd, rn, rm: see format_vfp.c, format_neon.c) ---- */

static void put_d(Out *out, unsigned reg)
{
    put(out, "d%u", reg);
}

static void put_q(Out *out, unsigned reg)
{
    put(out, "q%u", reg / 2);
}

/* A vector of the length of the operation. */
static void put_vector(Out *out, const Insn *i, unsigned reg)
{
    if (i->q)
        put_q(out, reg);
    else
        put_d(out, reg);
}

static void put_fd(Out *out, const Insn *i)
{
    put_vector(out, i, i->rd);
}

static void put_fn(Out *out, const Insn *i)
{
    put_vector(out, i, i->rn);
}

static void put_fm(Out *out, const Insn *i)
{
    put_vector(out, i, i->rm);
}

static void put_dd(Out *out, const Insn *i)
{
    put_d(out, i->rd);
}

static void put_dn(Out *out, const Insn *i)
{
    put_d(out, i->rn);
}

static void put_dm(Out *out, const Insn *i)
{
    put_d(out, i->rm);
}

static void put_qd(Out *out, const Insn *i)
{
    put_q(out, i->rd);
}

static void put_qn(Out *out, const Insn *i)
{
    put_q(out, i->rn);
}

static void put_qm(Out *out, const Insn *i)
{
    put_q(out, i->rm);
}

static void put_s_reg(Out *out, unsigned reg)
{
    put(out, "s%u", reg);
}

static void put_sd(Out *out, const Insn *i)
{
    put_s_reg(out, i->rd);
}

static void put_sn(Out *out, const Insn *i)
{
    put_s_reg(out, i->rn);
}

static void put_sm(Out *out, const Insn *i)
{
    put_s_reg(out, i->rm);
}

static void put_sm_next(Out *out, const Insn *i)
{
    put_s_reg(out, i->rm + 1u);
}

static void put_register_run(Out *out, const Insn *i, char kind)
{
    for (unsigned n = 0; n < i->shift_n; n++)
        put(out, "%s%c%u", n ? ", " : "{", kind, i->rd + n);
    put(out, "}");
}

static void put_s_list(Out *out, const Insn *i)
{
    put_register_run(out, i, 's');
}

static void put_d_list(Out *out, const Insn *i)
{
    put_register_run(out, i, 'd');
}

static void put_lane(Out *out, const Insn *i)
{
    put(out, "d%u[%u]", i->rn, i->imm);
}

static void put_dup(Out *out, const Insn *i)
{
    put_vector(out, i, i->rn);
}

/* In VFP's conversions and moves s says "unsigned". */
static void put_sign(Out *out, const Insn *i)
{
    put(out, "%c", i->s ? 'u' : 's');
}

static void put_fixed_type(Out *out, const Insn *i)
{
    put(out, "%c%u", i->s ? 'u' : 's', i->shift_n);
}

static void put_bottom_or_top(Out *out, const Insn *i)
{
    put(out, "%c", i->imm ? 't' : 'b');
}

static void put_e(Out *out, const Insn *i)
{
    put(out, "%s", i->q ? "e" : "");
}

/* VCVTR rounds as FPSCR says, VCVT towards zero. */
static void put_r(Out *out, const Insn *i)
{
    put(out, "%s", i->q ? "" : "r");
}

/* Numbers without a register behind them execute as UNDEFINED; show them somehow. */
static void put_fp_special(Out *out, const Insn *i)
{
    static const char *const names[16] = {[0] = "fpsid", [1] = "fpscr",  [6] = "mvfr1",   [7] = "mvfr0",
                                          [8] = "fpexc", [9] = "fpinst", [10] = "fpinst2"};
    const char *name = names[i->rn & 15];
    if (name)
        put(out, "%s", name);
    else
        put(out, "fp%u", i->rn);
}

static void put_scalar(Out *out, const Insn *i)
{
    put(out, "d%u[%u]", i->rm, i->imm);
}

static void put_data_type(Out *out, const Insn *i)
{
    put(out, ".%c%u", i->s ? 's' : 'u', 8u << i->size);
}

static void put_wide_data_type(Out *out, const Insn *i)
{
    put(out, ".%c%u", i->s ? 's' : 'u', 16u << i->size);
}

static void put_element_size(Out *out, const Insn *i)
{
    put(out, "%u", 8u << i->size);
}

static void put_wide_element_size(Out *out, const Insn *i)
{
    put(out, "%u", 16u << i->size);
}

/* Of VMOV.I64, imm has one bit for each byte. */
static void put_vector_immediate(Out *out, const Insn *i)
{
    if (i->size < 3) {
        put(out, "#0x%x", i->size == 2 ? i->imm : i->imm & ((1u << (8 << i->size)) - 1));
        return;
    }
    unsigned long long value = 0;
    for (unsigned n = 0; n < 8; n++)
        if (i->imm >> n & 1)
            value |= 0xffull << 8 * n;
    put(out, "#0x%llx", value);
}

/* imm is the upper half. */
static void put_double_immediate(Out *out, const Insn *i)
{
    uint64_t bits = (uint64_t)i->imm << 32;
    double value;
    memcpy(&value, &bits, sizeof value);
    put(out, "#%e", value);
}

static void put_float_immediate(Out *out, const Insn *i)
{
    float value;
    memcpy(&value, &i->imm, sizeof value);
    put(out, "#%e", (double)value);
}

/* The registers of VLDn and VSTn. */
static void put_structure_list(Out *out, const Insn *i)
{
    char lane[8] = "";
    if (i->shift_type == LIST_LANE)
        snprintf(lane, sizeof lane, "[%u]", i->imm & 7);
    else if (i->shift_type == LIST_ALL)
        snprintf(lane, sizeof lane, "[]");
    unsigned elements = i->q ? i->q : 1, registers = i->ra / elements;
    for (unsigned n = 0; n < i->ra; n++) {
        unsigned reg = i->rd + n / registers * i->shift_n + n % registers;
        put(out, "%sd%u%s", n ? ", " : "{", reg, lane);
    }
    put(out, "}");
}

static void put_table_list(Out *out, const Insn *i)
{
    for (unsigned n = 0; n < i->ra; n++)
        put(out, "%sd%u", n ? ", " : "{", i->rn + n);
    put(out, "}");
}

static void put_alignment(Out *out, const Insn *i)
{
    if (i->rs)
        put(out, ":%u", 8u << i->rs);
}

/* Write-back by the size of the transfer or by a register. */
static void put_vector_write_back(Out *out, const Insn *i)
{
    if (i->rm == 13)
        put(out, "!");
    else if (i->rm != 15)
        put(out, ", %s", reg_names[i->rm & 15]);
}

/* ---- The names ---- */

/* clang-format off */
static const struct {
    const char *name;
    OperandWriter *put;
} operands[] = {
    {"c", put_cond}, {"s", put_s},
    {"x", put_half_n}, {"y", put_half_m}, {"swap", put_swap}, {"round", put_round},
    {"am", put_addressing_mode}, {"iadb", put_full_addressing_mode}, {"imod", put_interrupt_mode}, {"long", put_long},
    {"it_mask", put_it_mask}, {"it_cond", put_it_cond},
    {"rd", put_rd}, {"rn", put_rn}, {"rm", put_rm}, {"rs", put_rs}, {"ra", put_ra}, {"rd_flags", put_rd_or_flags},
    {"op2", put_operand2}, {"shift_n", put_shift_amount}, {"rot", put_rotation},
    {"imm", put_imm}, {"imm_hex", put_imm_hex}, {"sat", put_imm}, {"lsb", put_imm}, {"width", put_width},
    {"mem", put_memory}, {"offset", put_offset}, {"disp", put_displacement}, {"wb", put_write_back},
    {"list", put_list}, {"list_one", put_list_of_one}, {"target", put_target}, {"blx_target", put_blx_target},
    {"psr", put_psr}, {"aif", put_masks_and_mode}, {"mode", put_imm}, {"endian", put_endian},
    {"barrier", put_barrier}, {"isb_option", put_isb_option},
    {"coproc", put_coprocessor}, {"opc1", put_opc1}, {"opc2", put_opc2},
    {"crd", put_crd}, {"crn", put_crn}, {"crm", put_crm}, {"option", put_option},
    {"fd", put_fd}, {"fn", put_fn}, {"fm", put_fm},
    {"dd", put_dd}, {"dn", put_dn}, {"dm", put_dm}, {"qd", put_qd}, {"qn", put_qn}, {"qm", put_qm},
    {"sd", put_sd}, {"sn", put_sn}, {"sm", put_sm}, {"sm1", put_sm_next}, {"slist", put_s_list}, {"dlist", put_d_list},
    {"lane", put_lane}, {"dup", put_dup}, {"us", put_sign}, {"fixed", put_fixed_type}, {"fbits", put_imm},
    {"bt", put_bottom_or_top}, {"e", put_e}, {"r", put_r}, {"fpreg", put_fp_special},
    {"scalar", put_scalar}, {"dt", put_data_type}, {"wdt", put_wide_data_type},
    {"esize", put_element_size}, {"wsize", put_wide_element_size},
    {"vimm", put_vector_immediate}, {"fimm", put_float_immediate}, {"fimm_d", put_double_immediate},
    {"vlist", put_structure_list}, {"tlist", put_table_list}, {"align", put_alignment}, {"vwb", put_vector_write_back},
};
/* clang-format on */

/* An unknown name shows as "?name?", which a test looks for. */
static void put_operand(Out *out, const Insn *i, const char *name, unsigned length)
{
    for (unsigned n = 0; n < sizeof operands / sizeof *operands; n++) {
        if (strncmp(operands[n].name, name, length) == 0 && !operands[n].name[length]) {
            operands[n].put(out, i);
            return;
        }
    }
    put(out, "?%.*s?", (int)length, name);
}

static void put_undefined(Out *out, const Insn *i)
{
    if (i->length == 2)
        put(out, ".inst.n 0x%04x", i->raw);
    else
        put(out, ".inst 0x%08x", i->raw);
}

void disassemble(const Insn *insn, uint32_t address, char *text, unsigned size)
{
    Out out = {.text = text, .size = size, .address = address};
    if (insn->row == 0) {
        put_undefined(&out, insn);
        return;
    }
    for (const char *p = insn_table[insn->row].text; *p; p++) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        if (!end) {
            put(&out, "%c", *p);
            continue;
        }
        put_operand(&out, insn, p + 1, (unsigned)(end - p - 1));
        p = end;
    }
}
