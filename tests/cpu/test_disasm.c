/* The disassembler, and with it patterns and formats, against capstone: random words of every line of the
 * tables, alone and in IT blocks, and words that are random altogether. Both texts are brought to one
 * spelling; every difference that remains must be one of those listed here with its reason. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <capstone/capstone.h>

#include "cpu/insn.h"

enum { ADDRESS = 0x10008, WORDS_PER_LINE = 150, RANDOM_WORDS = 30000, SHOWN_PER_LINE = 3, TEXT = 256 };

typedef struct Rng {
    uint64_t state;
} Rng;

/* splitmix64 */
static uint32_t next_random(Rng *rng)
{
    uint64_t z = rng->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)(z ^ z >> 31);
}

/* ---- Words ---- */

static bool has_condition(const InsnInfo *info)
{
    return info->table != TABLE_T16 && info->table != TABLE_T32 && info->pattern[0] == 'c';
}

/* Fixed and soft bits as the pattern says, the others random; the condition mostly "always". */
static uint32_t random_word(Rng *rng, const InsnInfo *info)
{
    uint32_t word = 0, bits = next_random(rng);
    for (const char *p = info->pattern; *p; p++, bits >>= 1) {
        bool one = *p == '1' || *p == 'o', zero = *p == '0' || *p == 'z' || *p == '-';
        word = word << 1 | (one || (!zero && (bits & 1)));
    }
    if (has_condition(info) && (word >> 28 == 15 || next_random(rng) % 4))
        word = (word & 0x0fffffff) | 0xe0000000;
    return word;
}

/* A line that serves both sets: its A32 word as T32 (the reverse of what decode() does). */
static uint32_t t32_form(uint32_t word)
{
    if (word >> 25 == 0x79)
        return 0xef000000 | (word >> 24 & 1) << 28 | (word & 0x00ffffff);
    if (word >> 24 == 0xf4)
        return 0xf9000000 | (word & 0x00ffffff);
    return word >> 28 == 15 ? word : 0xe0000000 | (word & 0x0fffffff);
}

static InsnSet set_of(const InsnInfo *info)
{
    return info->table == TABLE_T16 ? SET_T16 : info->table == TABLE_T32 ? SET_T32 : SET_A32;
}

static bool serves_t32(const InsnInfo *info)
{
    return info->table == TABLE_COP || info->table == TABLE_VFP || info->table == TABLE_NEON;
}

/* ---- One spelling ---- */

static const struct {
    const char *theirs, *ours;
} register_names[] = {
    {"sb", "r9" },
    {"sl", "r10"},
    {"fp", "r11"},
    {"ip", "r12"}
};

/* Copies letters, digits, dots and underlines; returns what follows them. */
static const char *copy_name(const char *p, char *out)
{
    char *start = out;
    while (isalnum((unsigned char)*p) || *p == '.' || *p == '_')
        *out++ = (char)tolower((unsigned char)*p++);
    *out = 0;
    for (size_t n = 0; n < sizeof register_names / sizeof *register_names; n++)
        if (strcmp(start, register_names[n].theirs) == 0)
            strcpy(start, register_names[n].ours);
    return p;
}

/* Integers of any base become hexadecimal without prefix. */
static const char *copy_number(const char *p, char *out)
{
    char *end;
    bool negative = *p == '-';
    size_t length = strspn(p + negative, "0123456789.eE+");
    if (strcspn(p + negative, ".") < length) {
        sprintf(out, "%.9g", strtod(p, &end));
        return end;
    }
    unsigned long long value = strtoull(p + negative, &end, 0);
    if (negative && value == 0)
        sprintf(out, "-0");
    else
        sprintf(out, "%llx", negative ? (unsigned long long)(uint32_t)-value : value);
    return end;
}

static void respell(const char *p, char *out)
{
    char *start = out;
    *out = 0;
    while (*p) {
        bool hash = *p == '#';
        if (isdigit((unsigned char)p[hash]) || (hash && p[1] == '-')) {
            p = copy_number(p + hash, out);
        } else if (isalpha((unsigned char)*p)) {
            p = copy_name(p, out);
        } else if (!isspace((unsigned char)*p) || (out > start && out[-1] != ' ' && p[1])) {
            out[0] = isspace((unsigned char)*p) ? ' ' : *p;
            out[1] = 0;
            p++;
        } else {
            p++;
        }
        out += strlen(out);
    }
}

/* ---- Differences that are expected ---- */

typedef struct Case {
    const char *line; /* name; of the line the word was made from if we refuse it, or "random" */
    InsnSet set;
    uint32_t raw;
    const char *ours, *theirs; /* "" if refused */
} Case;

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool any_prefix(const char *text, const char *const *prefixes)
{
    for (; *prefixes; prefixes++)
        if (begins(text, *prefixes))
            return true;
    return false;
}

static bool contains_word(const char *text, const char *word)
{
    for (const char *p = text; (p = strstr(p, word)); p++) {
        char before = p > text ? p[-1] : ' ', after = p[strlen(word)];
        if (!isalnum((unsigned char)before) && before != '_' && !isalnum((unsigned char)after))
            return true;
    }
    return false;
}

static bool contains_pc(const Case *c)
{
    return contains_word(c->theirs, "pc");
}

static bool contains_sp(const Case *c)
{
    return contains_word(c->theirs, "sp");
}

static bool t32_with_sp(const Case *c)
{
    return c->set == SET_T32 && contains_sp(c);
}

/* The same core register twice: as result and base, as two results. */
static bool repeats_register(const Case *c)
{
    unsigned seen = 0;
    const char *p = strchr(c->theirs, ' ');
    while (p && *p) {
        unsigned reg = 16;
        if (!isalnum((unsigned char)p[-1]) && *p == 'r' && isdigit((unsigned char)p[1]))
            reg = (unsigned)strtoul(p + 1, NULL, 10);
        else if (!isalnum((unsigned char)p[-1]) && (begins(p, "sp") || begins(p, "lr")))
            reg = *p == 's' ? 13 : 14;
        if (reg < 16 && seen >> reg & 1)
            return true;
        seen |= 1u << reg;
        p++;
    }
    return false;
}

static bool rn_is_pc(const Case *c)
{
    return (c->raw >> 16 & 15) == 15;
}

static bool odd_pair(const Case *c)
{
    unsigned rt = begins(c->theirs, "strexd") ? c->raw & 15 : c->raw >> 12 & 15;
    return c->set == SET_A32 && (rt & 1 || rt == 14);
}

static bool user_registers_and_write_back(const Case *c)
{
    return strchr(c->theirs, '!') && strchr(c->theirs, '^');
}

static bool bit_field_past_31(const Case *c)
{
    bool t32 = c->set == SET_T32;
    uint32_t lsb = t32 ? (c->raw >> 12 & 7) << 2 | (c->raw >> 6 & 3) : c->raw >> 7 & 31;
    uint32_t other = t32 ? c->raw & 31 : c->raw >> 16 & 31;
    return begins(c->theirs, "bf") ? other < lsb : lsb + other > 31;
}

static bool msr_of_nothing(const Case *c)
{
    return begins(c->theirs, "msr") && (c->raw >> (c->set == SET_T32 ? 8 : 16) & 15) == 0;
}

/* MRS and MSR of another mode's register: the virtualization extensions. */
static bool banked_register(const Case *c)
{
    static const char *const modes[] = {"_usr", "_fiq", "_irq", "_svc", "_abt", "_und", "_mon", "_hyp"};
    for (size_t n = 0; n < sizeof modes / sizeof *modes; n++)
        if (strstr(c->theirs, modes[n]))
            return true;
    return false;
}

static bool pointless_cps(const Case *c)
{
    if (!begins(c->theirs, "cps"))
        return false;
    if (c->set == SET_T16)
        return (c->raw & 7) == 0;
    unsigned shift = c->set == SET_T32 ? 9 : 18, imod = c->raw >> shift & 3, mode = c->raw & 31;
    unsigned m = c->raw >> (shift - 1) & 1, aif = c->raw >> (c->set == SET_T32 ? 5 : 6) & 7;
    return imod == 1 || (imod == 0) != (aif == 0) || (!m && (mode || !imod));
}

static bool it_of_always(const Case *c)
{
    return (c->raw >> 4 & 15) == 15 || ((c->raw >> 4 & 15) == 14 && (c->raw & 15) != 8);
}

/* Runs past the last extension register: capstone wraps around or cuts it off. */
static bool list_too_long(const Case *c)
{
    static const char *const multiple[] = {"vstm", "vldm", "fstm", "fldm", "vpush", "vpop", NULL};
    static const char *const structures[] = {"vld", "vst", "vtb", NULL};
    unsigned vd = c->raw >> 12 & 15, d = c->raw >> 22 & 1, count = c->raw & 0xff;
    if (any_prefix(c->theirs, multiple)) {
        bool single = !(c->raw >> 8 & 1);
        unsigned first = single ? vd << 1 | d : d << 4 | vd, registers = single ? count : count / 2;
        return first + registers > 32 || registers == 0 || (!single && registers > 16);
    }
    if (!any_prefix(c->theirs, structures))
        return false;
    int last = -1;
    for (const char *p = strchr(c->theirs, '{'); p && *p != '}'; p++) {
        bool start = p[-1] == '{' || p[-1] == ' ';
        int reg = start && *p == 'd' ? atoi(p + 1) : -1;
        if (start && (*p == 'f' || *p == 'm' || (reg >= 0 && reg <= last)))
            return true;
        last = reg >= 0 ? reg : last;
    }
    return false;
}

static bool negative_fraction_bits(const Case *c)
{
    return !(c->raw >> 7 & 1) && ((c->raw & 15) << 1 | (c->raw >> 5 & 1)) > 16;
}

static bool coprocessor_10_or_11(const Case *c)
{
    return (c->raw >> 9 & 7) == 5;
}

static bool list_has_sp(const Case *c)
{
    return c->raw >> 13 & 1;
}

static bool list_has_lr_and_pc(const Case *c)
{
    return (c->raw >> 14 & 3) == 3;
}

static bool list_of_one(const Case *c)
{
    return !strchr(c->ours, ',');
}

static bool different_rm(const Case *c)
{
    return (c->raw >> 16 & 15) != (c->raw & 15);
}

static bool vext_of_larger_elements(const Case *c)
{
    return begins(c->theirs, "vext") && !strstr(c->theirs, ".8 ");
}

/* A bit "should be" otherwise (which capstone takes for a condition). */
static bool soft_bits_wrong(const Case *c)
{
    for (unsigned line = 1; line < insn_count; line++) {
        const InsnInfo *info = &insn_table[line];
        if (strcmp(info->name, c->line) != 0)
            continue;
        unsigned width = (unsigned)strlen(info->pattern);
        for (unsigned n = 0; n < width; n++) {
            bool bit = c->raw >> (width - 1 - n) & 1;
            if ((info->pattern[n] == 'z' && bit) || (info->pattern[n] == 'o' && !bit))
                return true;
        }
    }
    return false;
}

static bool anything(const Case *c)
{
    (void)c;
    return true;
}

typedef struct Expected {
    const char *what; /* prefix of the line's name, or of capstone's text if we have no line */
    bool (*when)(const Case *c);
    const char *reason;
} Expected;

static bool listed(const Expected *list, const Case *c)
{
    for (; list->what; list++)
        if (begins(*c->ours ? c->line : c->theirs, list->what) && list->when(c))
            return true;
    return false;
}

/* Instructions that capstone knows and the Cortex-A9 does not have. */
static bool not_on_a9(const Case *c)
{
    static const char *const mnemonics[] = {"sdiv",  "udiv",   "vfma",   "vfms",  "vfnma",
                                            "vfnms", "vmaxnm", "vminnm", "vsel",  "vrint",
                                            "vcvta", "vcvtn",  "vcvtp",  "vcvtm", NULL};
    bool half_to_double = begins(c->theirs, "vcvt") && strstr(c->theirs, ".f64") && strstr(c->theirs, ".f16");
    return any_prefix(c->theirs, mnemonics) || half_to_double;
}

/* clang-format off */
static const Expected refused_by_us[] = {
    {"", not_on_a9, "not in the ARMv7-A of the Cortex-A9"},
    {"", contains_pc, "PC where it is UNPREDICTABLE"},
    {"", repeats_register, "write-back to a register transferred, or two results in one register"},
    {"ldrd", odd_pair, "odd Rt"}, {"strd", odd_pair, "odd Rt"},
    {"ldrexd", odd_pair, "odd Rt"}, {"strexd", odd_pair, "odd Rt"},
    {"msr", msr_of_nothing, "no field is written: UNPREDICTABLE"},
    {"msr", banked_register, "not on the Cortex-A9"}, {"mrs", banked_register, "not on the Cortex-A9"},
    {"cps", pointless_cps, "changes nothing, or masks without saying how: UNPREDICTABLE"},
    {"pop", contains_sp, "write-back to the register loaded"},
    {"bf", bit_field_past_31, "UNPREDICTABLE"},
    {"sbfx", bit_field_past_31, "UNPREDICTABLE"}, {"ubfx", bit_field_past_31, "UNPREDICTABLE"},
    {"stm", user_registers_and_write_back, "UNPREDICTABLE"}, {"ldm", user_registers_and_write_back, "UNPREDICTABLE"},
    {"v", list_too_long, "UNPREDICTABLE"}, {"f", list_too_long, "UNPREDICTABLE"},
    {"vcvt", negative_fraction_bits, "UNPREDICTABLE"},
    {"vm", t32_with_sp, "SP where it is UNPREDICTABLE"}, {"vdup", t32_with_sp, "the same"},
    {"stc2", coprocessor_10_or_11, "these do not belong to VFP"}, {"ldc2", coprocessor_10_or_11, "the same"},
    {"hvc", anything, "with a condition: UNPREDICTABLE"},
    {"rfe", rn_is_pc, "UNPREDICTABLE; capstone decodes another instruction"},
    {"it", it_of_always, "UNPREDICTABLE"},
    {NULL, NULL, NULL},
};

static const Expected refused_by_capstone[] = {
    {"", soft_bits_wrong, "bits that should be otherwise are no condition for us"},
    {"HINT_mem", anything, "unallocated memory hints are NOP"}, {"HINT_LDRSH", anything, "the same"},
    {"PLD_l_T1_h", anything, "bit 21 of PLD (literal) should be 0"},
    {"VMRS", anything, "no such register: executes as UNDEFINED"}, {"VMSR", anything, "the same"},
    {"STM", list_has_sp, "SP in lists of T32 just executes"}, {"LDM", list_has_sp, "the same"},
    {"PUSH_T2", list_has_sp, "the same"}, {"POP_T2", list_has_sp, "the same"},
    {"POP_T2", list_has_lr_and_pc, "LR with PC just executes"},
    {"FSTMX", anything, "registers above D15 just execute"}, {"FLDMX", anything, "the same"},
    {"HLT", anything, "of ARMv8; what has a line are the trap instructions of semihosting"},
    {"LEAVEX", anything, "ThumbEE"}, {"ENTERX", anything, "ThumbEE"},
    {NULL, NULL, NULL},
};

static const Expected other_texts[] = {
    {"PUSH_1", anything, "capstone prints STR"},
    {"POP", list_of_one, "capstone prints LDM for the form that assemblers do not use for one register"},
    {"PUSH", list_of_one, "the same"},
    {"ADD_r_T2", contains_sp, "capstone repeats the result as last operand"},
    {"ADR_T", anything, "capstone prints ADDW and SUBW of PC"},
    {"LDRD_i_T1", contains_pc, "capstone drops offset 0 from PC, here only"},
    {"CPS_T2", anything, "capstone drops the .w when the mode changes"},
    {"MOV_r_T2", anything, "capstone prints MOVS also in an IT block, where it sets no flags"},
    {"SUBS_PC_LR_T1", anything, "ERET is the name of offset 0 with the virtualization extensions"},
    {"UDF_T1", anything, "capstone prints TRAP for 0xfe"},
    {"RFE", soft_bits_wrong, "capstone decodes another instruction"},
    {"REV", different_rm, "capstone prints the first copy of Rm, UNPREDICTABLE if they differ"},
    {"RBIT", different_rm, "the same"}, {"CLZ", different_rm, "the same"},
    {"VMRS", anything, "register 5 is ARMv8's MVFR2"},
    {"VEXT", vext_of_larger_elements, "capstone prints VEXT.32 with an offset in bytes"},
    {NULL, NULL, NULL},
};
/* clang-format on */

/* ---- Comparing ---- */

typedef struct Comparison {
    csh arm, thumb;
    unsigned differences, compared;
    unsigned per_line[4096];
} Comparison;

/* What capstone says, or "". In an IT block: that of its second instruction. */
static void capstone_text(const Comparison *c, InsnSet set, uint32_t raw, uint8_t itstate, char *text)
{
    uint8_t bytes[6];
    unsigned at = itstate ? 2 : 0, length = set == SET_T16 ? 2 : 4;
    uint16_t it = (uint16_t)(0xbf00 | itstate);
    uint32_t memory = set == SET_T32 ? raw << 16 | raw >> 16 : raw;
    memcpy(bytes, &it, 2);
    memcpy(bytes + at, &memory, 4);
    cs_insn *insn = NULL;
    csh handle = set == SET_A32 ? c->arm : c->thumb;
    size_t count = cs_disasm(handle, bytes, at + length, ADDRESS - at, 2, &insn);
    const cs_insn *last = count ? &insn[count - 1] : NULL;
    *text = 0;
    if (last && last->address == ADDRESS && last->size == length)
        snprintf(text, TEXT, "%s %s", last->mnemonic, last->op_str);
    cs_free(insn, count);
}

/* "?" is what a text form that names an unknown operand comes to. */
static bool expected(const Case *c)
{
    if (strchr(c->ours, '?'))
        return false;
    if (strcmp(c->ours, c->theirs) == 0)
        return true;
    if (!*c->ours)
        return listed(refused_by_us, c);
    return listed(*c->theirs ? other_texts : refused_by_capstone, c);
}

static void compare(Comparison *c, InsnSet set, uint32_t raw, uint8_t itstate, unsigned line)
{
    Insn insn;
    char text[TEXT] = "", ours[2 * TEXT], theirs[2 * TEXT];
    decode(&insn, set, raw, itstate);
    if (insn.row)
        disassemble(&insn, ADDRESS, text, sizeof text);
    respell(text, ours);
    capstone_text(c, set, raw, itstate, text);
    respell(text, theirs);
    line = insn.row ? insn.row : line;
    Case this = {line ? insn_table[line].name : "random", set, raw, ours, theirs};
    c->compared++;
    if (expected(&this))
        return;
    c->differences++;
    if (c->per_line[line]++ < (line ? SHOWN_PER_LINE : 200))
        print_message("%-14s %08x it %02x [%s] capstone [%s]\n", this.line, raw, itstate, ours, theirs);
}

static void report(Comparison *c)
{
    print_message("%u words compared\n", c->compared);
    unsigned differences = c->differences;
    c->compared = c->differences = 0;
    assert_int_equal(differences, 0);
}

static void lines_agree_with_capstone(void **state)
{
    Comparison *c = *state;
    Rng rng = {1};
    for (unsigned line = 1; line < insn_count; line++) {
        const InsnInfo *info = &insn_table[line];
        for (unsigned n = 0; n < WORDS_PER_LINE; n++) {
            uint32_t word = random_word(&rng, info);
            compare(c, set_of(info), word, 0, line);
            if (serves_t32(info))
                compare(c, SET_T32, t32_form(word), 0, line);
        }
    }
    report(c);
}

static void lines_agree_in_it_blocks(void **state)
{
    Comparison *c = *state;
    Rng rng = {2};
    for (unsigned line = 1; line < insn_count; line++) {
        const InsnInfo *info = &insn_table[line];
        for (unsigned n = 0; n < WORDS_PER_LINE / 5; n++) {
            uint32_t word = random_word(&rng, info);
            uint8_t itstate = (uint8_t)((next_random(&rng) % 14) << 4 | 8);
            if (serves_t32(info))
                compare(c, SET_T32, t32_form(word), itstate, line);
            else if (set_of(info) != SET_A32 && !(info->flags & INSN_NOT_IN_IT))
                compare(c, set_of(info), word, itstate, line);
        }
    }
    report(c);
}

static void random_words_agree_with_capstone(void **state)
{
    Comparison *c = *state;
    Rng rng = {3};
    for (unsigned n = 0; n < RANDOM_WORDS; n++) {
        uint32_t word = next_random(&rng);
        compare(c, SET_A32, word, 0, 0);
        compare(c, SET_A32, word | 0xf0000000, 0, 0);
        compare(c, SET_T32, word | 0xe8000000, 0, 0);
    }
    for (uint32_t word = 0; !thumb_is_32bit((uint16_t)word); word++)
        compare(c, SET_T16, word, 0, 0);
    report(c);
}

static int setup(void **state)
{
    static Comparison c;
    *state = &c;
    decode_init();
    return cs_open(CS_ARCH_ARM, CS_MODE_ARM, &c.arm) || cs_open(CS_ARCH_ARM, CS_MODE_THUMB, &c.thumb);
}

static int teardown(void **state)
{
    Comparison *c = *state;
    return cs_close(&c->arm) || cs_close(&c->thumb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_agree_with_capstone),
        cmocka_unit_test(lines_agree_in_it_blocks),
        cmocka_unit_test(random_words_agree_with_capstone),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
