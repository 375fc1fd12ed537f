#include "tests/oracle/generate.h"

#include <string.h>

#include "cpu/insn.h"

/* Rows that a User-mode block cannot execute, or that end it in a way of their own, by the start of their
 * name. */
static const struct {
    const char *prefix, *reason;
} skipped[] = {
    {"SVC",        "system call"                             },
    {"SMC",        "privileged"                              },
    {"HVC",        "not on this CPU"                         },
    {"CPS",        "privileged"                              },
    {"SRS",        "privileged"                              },
    {"RFE",        "privileged"                              },
    {"SUBS_PC",    "exception return"                        },
    {"ERET",       "exception return"                        },
    {"BXJ",        "Jazelle"                                 },
    {"BKPT",       "stops the host's debugger interface"     },
    {"UDF",        "always undefined"                        },
    {"HLT",        "semihosting in QEMU's user mode"         },
    {"ENTERX",     "ThumbEE"                                 },
    {"LEAVEX",     "ThumbEE"                                 },
    {"WF",         "waits"                                   },
    {"SEV",        "hint with effect on other CPUs"          },
    {"YIELD",      "hint"                                    },
    {"DBG",        "hint"                                    },
    {"MCR",        "system register"                         },
    {"MRC",        "system register"                         },
    {"CDP",        "no such coprocessor"                     },
    {"LDC",        "no such coprocessor"                     },
    {"STC",        "no such coprocessor"                     },
    {"LDM_user",   "privileged"                              },
    {"STM_user",   "privileged"                              },
    {"LDM_return", "privileged"                              },
    {"LDM_exc",    "privileged"                              },
    {"MSR",        "tested by hand: most bits are privileged"},
    {"MRS",        "tested by hand: reads mode bits"         },
    {"VMSR",       "tested by hand: control bits"            },
    {"VMRS",       "tested by hand: identification registers"},
    {"SETEND",     "tested by hand"                          },
    {"B",          "branch"                                  },
    {"CBZ",        "branch"                                  },
    {"CBNZ",       "branch"                                  },
    {"TB",         "branch"                                  },
    {"IT",         "generated with its block"                },
    {"ISB",        "ends a block without effect"             },
    {"SWP",        "not enabled by SCTLR.SW on every host"   },
};

/* Rows whose names begin as those above but which are ordinary instructions. */
static const char *const not_skipped[] = {"BIC", "BF", "TBL"};

static bool starts(const char *name, const char *prefix)
{
    return !strncmp(name, prefix, strlen(prefix));
}

uint32_t rng_next(Rng *rng)
{
    rng->state += 0x9e3779b97f4a7c15u;
    uint64_t z = rng->state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ z >> 31) >> 16);
}

uint32_t rng_below(Rng *rng, uint32_t n)
{
    return (uint32_t)((uint64_t)rng_next(rng) * n >> 32);
}

static bool one_in(Rng *rng, uint32_t n)
{
    return rng_below(rng, n) == 0;
}

const char *generate_skip_reason(uint16_t row)
{
    const char *name = insn_table[row].name;
    if (strstr(name, "_pc"))
        return "branch";
    for (unsigned n = 0; n < sizeof not_skipped / sizeof *not_skipped; n++)
        if (starts(name, not_skipped[n]))
            return NULL;
    for (unsigned n = 0; n < sizeof skipped / sizeof *skipped; n++)
        if (starts(name, skipped[n].prefix))
            return skipped[n].reason;
    return NULL;
}

bool generate_wanted(uint16_t row, unsigned tables)
{
    return row && (tables >> insn_table[row].table & 1) && !generate_skip_reason(row);
}

/* ---- Encodings -------------------------------------------------------------------------------------- */

static unsigned pattern_width(const InsnInfo *info)
{
    return (unsigned)strlen(info->pattern);
}

/* Fills the free bits of the row's pattern at random. */
static uint32_t random_word(Rng *rng, const InsnInfo *info)
{
    uint32_t word = 0, random = rng_next(rng);
    for (unsigned n = 0; n < pattern_width(info); n++) {
        char ch = info->pattern[n];
        uint32_t bit = ch == '1' || ch == 'o' ? 1 : ch == '0' || ch == 'z' ? 0 : random >> n & 1;
        word = word << 1 | bit;
    }
    if (starts(info->pattern, "cccc"))
        word = (word & 0x0fffffff) | (one_in(rng, 4) ? rng_below(rng, 14) : 14u) << 28;
    return word;
}

static uint32_t field(const InsnInfo *info, uint32_t word, char letter)
{
    uint32_t value = 0;
    unsigned width = pattern_width(info);
    for (unsigned n = 0; n < width; n++)
        if (info->pattern[n] == letter)
            value = value << 1 | (word >> (width - 1 - n) & 1);
    return value;
}

static bool has(const InsnInfo *info, char letter)
{
    return strchr(info->pattern, letter);
}

static bool is_memory(const InsnInfo *info)
{
    static const char *const prefix[] = {"LDR", "STR", "LDM", "STM",   "PUSH", "POP",  "PLD",
                                         "PLI", "VLD", "VST", "VPUSH", "VPOP", "FLDM", "FSTM"};
    for (unsigned n = 0; n < sizeof prefix / sizeof *prefix; n++)
        if (starts(info->name, prefix[n]))
            return true;
    return false;
}

static bool is_vector(const InsnInfo *info)
{
    return info->table == TABLE_VFP || info->table == TABLE_NEON;
}

static bool is_thumb_row(const InsnInfo *info)
{
    return info->table == TABLE_T16 || info->table == TABLE_T32;
}

/* Registers that make an encoding UNPREDICTABLE, or its result depend on more than the oracle controls. */
static bool registers_ok(const InsnInfo *info, uint32_t word, bool thumb)
{
    static const char letters[] = "dnmsatlh";
    if (info->table == TABLE_NEON)
        return !is_memory(info) || field(info, word, 'n') < 13;
    for (const char *l = letters; *l; l++) {
        if (!has(info, *l) || (is_vector(info) && *l != 't' && *l != 'n'))
            continue;
        uint32_t value = field(info, word, *l);
        unsigned bits = 0;
        for (const char *p = info->pattern; *p; p++)
            bits += *p == *l;
        if (bits == 4 && (value == 15 || (thumb && value == 13)))
            return false;
    }
    return true;
}

/* ---- The block being built -------------------------------------------------------------------------- */

typedef struct Builder {
    Rng *rng;
    uint16_t half[2 * ORACLE_CODE_WORDS];
    unsigned halves;
    bool thumb;
    uint8_t itstate;
} Builder;

static void emit_a32(Builder *b, uint32_t word)
{
    b->half[b->halves++] = (uint16_t)word;
    b->half[b->halves++] = (uint16_t)(word >> 16);
}

static void emit_t32(Builder *b, uint32_t word)
{
    b->half[b->halves++] = (uint16_t)(word >> 16);
    b->half[b->halves++] = (uint16_t)word;
}

/* MOVW and MOVT. */
static void emit_constant(Builder *b, unsigned reg, uint32_t value)
{
    for (unsigned top = 0; top < 2; top++) {
        uint32_t v = top ? value >> 16 : value & 0xffff;
        if (b->thumb)
            emit_t32(b, 0xf2400000 | top << 23 | (v >> 12) << 16 | (v >> 11 & 1) << 26 | (v >> 8 & 7) << 12 |
                            reg << 8 | (v & 0xff));
        else
            emit_a32(b, 0xe3000000 | top << 22 | (v >> 12) << 16 | reg << 12 | (v & 0xfff));
    }
}

static bool list_of_registers(const InsnInfo *info)
{
    return starts(info->name, "LDM") || starts(info->name, "STM") || starts(info->name, "PUSH") ||
           starts(info->name, "POP");
}

/* True if the decoded memory instruction has one meaning and stays away from sp and pc. */
static bool memory_ok(const InsnInfo *info, const Insn *insn, bool thumb)
{
    if (insn->rn == 15 && insn->imm > 1024) /* beyond the block the two sides' code pages differ */
        return false;
    if (is_vector(info))
        return insn->rn != 15 && insn->rm != insn->rn;
    if (list_of_registers(info)) {
        bool base_listed = insn->imm >> insn->rn & 1;
        unsigned few = thumb ? 2 : 1;
        return (unsigned)__builtin_popcount(insn->imm) >= few && !(insn->imm & 0x8000) &&
               !(thumb && insn->imm & 0x2000) && !(base_listed && insn->wback);
    }
    bool pair = starts(info->name, "LDRD") || starts(info->name, "STRD") || starts(info->name, "LDREXD") ||
                starts(info->name, "STREXD");
    if (pair && ((!thumb && insn->rd & 1) || insn->rd >= 13 || insn->rd == insn->ra))
        return false;
    bool reg_offset = insn->op2 != OP2_IMM && !strstr(info->name, "REX");
    if (insn->wback && (insn->rd == insn->rn || (pair && insn->ra == insn->rn)))
        return false;
    if (reg_offset &&
        (insn->rm == insn->rn || insn->rm == 15 || (pair && (insn->rm == insn->rd || insn->rm == insn->ra))))
        return false;
    if (starts(info->name, "STREX") &&
        (insn->rd == insn->rn || insn->rs == insn->rd || insn->rs == insn->rn ||
         (pair && (insn->rs == insn->ra || insn->ra == insn->rn))))
        return false;
    return insn->rn != 15 || !insn->wback;
}

/* Points the base register into the data area, and keeps an offset register small. */
static void emit_memory_setup(Builder *b, const InsnInfo *info, const Insn *insn)
{
    bool exclusive = strstr(info->name, "REX"),
         doubles = strstr(info->name, "RD") || strstr(info->name, "XD");
    uint32_t address = ORACLE_DATA + 1024 + (rng_below(b->rng, 2048) & ~7u);
    if (!exclusive && !doubles && !list_of_registers(info) && one_in(b->rng, 4))
        address += rng_below(b->rng, 8);
    bool reg_offset = is_vector(info) ? insn->rm < 13 : insn->op2 != OP2_IMM && !exclusive;
    if (!exclusive && !doubles && !list_of_registers(info) && one_in(b->rng, 64))
        address = ORACLE_DATA + ORACLE_DATA_BYTES - rng_below(b->rng, 16) * 4;
    if (info->table == TABLE_NEON) /* QEMU does not check @align in all cases */
        address &= ~((1u << insn->rs) - 1);
    if (insn->rn != 15)
        emit_constant(b, insn->rn, address);
    /* A rotated offset could lead anywhere, into the runner's own code too. */
    bool rotated = insn->op2 == OP2_SHIFT_IMM && insn->shift_type >= SHIFT_ROR;
    if (reg_offset && insn->rm != insn->rn && insn->rm < 15)
        emit_constant(b, insn->rm, rotated ? 0 : rng_below(b->rng, 32) * (one_in(b->rng, 4) ? 1 : 4));
}

/* The result of exchanging lanes of a register with itself is UNKNOWN. */
static bool exchange_ok(const InsnInfo *info, const Insn *insn)
{
    bool exchanges = starts(info->name, "VSWP") || starts(info->name, "VTRN") || starts(info->name, "VUZP") ||
                     starts(info->name, "VZIP");
    return !exchanges || insn->rd != insn->rm;
}

/* Before a store-exclusive: the load-exclusive of the same size and address, or none at all. (A pair of
 * different sizes is UNPREDICTABLE.) */
static void emit_exclusive_load(Builder *b, uint32_t store)
{
    bool paired = one_in(b->rng, 2);
    if (!b->thumb)
        emit_a32(b, paired ? (store & 0x0ffffff0 & ~0xf000u) | 14u << 28 | 1 << 20 | 0xf | (store & 0xf) << 12
                           : 0xf57ff01f);
    else if (!paired)
        emit_t32(b, 0xf3bf8f2f);
    else
        emit_t32(b, store | 1 << 20 | ((store & 0xfff00000) == 0xe8400000 ? 0xf00 : 0xf));
}

/* Finds an acceptable encoding of the row in the builder's state. */
static bool choose_word(Builder *b, uint16_t row, uint32_t *word, Insn *insn)
{
    const InsnInfo *info = &insn_table[row];
    for (unsigned tries = 0; tries < 200; tries++) {
        uint32_t raw = random_word(b->rng, info), bits = raw;
        InsnSet set = info->table == TABLE_T16 ? SET_T16 : b->thumb ? SET_T32 : SET_A32;
        if (b->thumb && info->table == TABLE_NEON)
            bits = (raw >> 24 & 0xfe) == 0xf2 ? 0xef000000 | (raw >> 24 & 1) << 28 | (raw & 0xffffff)
                                              : 0xf9000000 | (raw & 0xffffff);
        else if (b->thumb && !is_thumb_row(info) && info->pattern[0] == 'c')
            bits = (raw & 0x0fffffff) | 0xe0000000;
        decode(insn, set, bits, b->itstate);
        if (insn->row != row || insn->starts_it || insn->ends_block)
            continue;
        if (!registers_ok(info, raw, b->thumb) || (is_memory(info) && !memory_ok(info, insn, b->thumb)))
            continue;
        if (!exchange_ok(info, insn))
            continue;
        *word = bits;
        return true;
    }
    return false;
}

static bool emit_random(Builder *b, uint16_t row, bool with_setup)
{
    const InsnInfo *info = &insn_table[row];
    uint32_t word;
    Insn insn;
    if (!choose_word(b, row, &word, &insn))
        return false;
    if (is_memory(info)) {
        if (!with_setup)
            return false;
        emit_memory_setup(b, info, &insn);
        if (starts(info->name, "STREX"))
            emit_exclusive_load(b, word);
    }
    if (info->table == TABLE_T16)
        b->half[b->halves++] = (uint16_t)word;
    else if (b->thumb)
        emit_t32(b, word);
    else
        emit_a32(b, word);
    return true;
}

static uint16_t random_row(Rng *rng, unsigned tables, bool thumb)
{
    for (;;) {
        uint16_t row = (uint16_t)(1 + rng_below(rng, insn_count - 1));
        const InsnInfo *info = &insn_table[row];
        bool fits = thumb ? info->table != TABLE_A32 : !is_thumb_row(info);
        if (fits && generate_wanted(row, tables))
            return row;
    }
}

static void emit_end(Builder *b)
{
    if (b->thumb) {
        if (b->halves & 1)
            b->half[b->halves++] = 0xbf00;
        emit_t32(b, 0xf8dff000); /* ldr.w pc, [pc] */
        emit_a32(b, ORACLE_STUB);
    } else {
        emit_a32(b, 0xe51ff004); /* ldr pc, [pc, #-4] */
        emit_a32(b, ORACLE_STUB);
    }
}

/* An IT instruction for the next 1 to 4 instructions. */
static void emit_it(Builder *b)
{
    uint8_t cond = (uint8_t)rng_below(b->rng, 14), mask = (uint8_t)(1 + rng_below(b->rng, 15));
    b->half[b->halves++] = (uint16_t)(0xbf00 | cond << 4 | mask);
    b->itstate = (uint8_t)(cond << 4 | mask);
}

/* ---- States ----------------------------------------------------------------------------------------- */

static uint32_t random_value(Rng *rng)
{
    static const uint32_t edges[] = {0,          1,          2,          0x7f,       0x80,
                                     0xff,       0x7fff,     0x8000,     0xffff,     0x10000,
                                     0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0xfffffffe,
                                     0x55555555, 0xaaaaaaaa, 31,         32,         33};
    if (one_in(rng, 3))
        return edges[rng_below(rng, sizeof edges / sizeof *edges)];
    return one_in(rng, 4) ? rng_below(rng, 64) : rng_next(rng);
}

static uint32_t random_single(Rng *rng)
{
    static const uint32_t edges[] = {0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000,
                                     0x7fc00000, 0xffc00001, 0x7f800001, 0xffbfffff, 0x00000001, 0x807fffff,
                                     0x00800000, 0x7f7fffff, 0xff7fffff, 0x4f000000, 0xcf000000, 0x4f800000,
                                     0x3f000000, 0x3effffff, 0x33800000, 0x477fe000, 0x477ff000, 0x38800000};
    if (one_in(rng, 2))
        return edges[rng_below(rng, sizeof edges / sizeof *edges)];
    if (one_in(rng, 2))
        return (rng_next(rng) & 0x83ffffff) + 0x3d000000;
    return rng_next(rng);
}

static uint64_t random_double(Rng *rng)
{
    static const uint64_t edges[] = {0,
                                     0x8000000000000000,
                                     0x3ff0000000000000,
                                     0x7ff0000000000000,
                                     0xfff0000000000000,
                                     0x7ff8000000000000,
                                     0x7ff0000000000001,
                                     0x0000000000000001,
                                     0x800fffffffffffff,
                                     0x0010000000000000,
                                     0x7fefffffffffffff,
                                     0x41dfffffffc00000,
                                     0xc1e0000000000000,
                                     0x41efffffffe00000,
                                     0x36a0000000000000,
                                     0x47efffffe0000000,
                                     0x380fffffffffffff};
    if (one_in(rng, 2))
        return edges[rng_below(rng, sizeof edges / sizeof *edges)];
    uint64_t value = (uint64_t)rng_next(rng) << 32 | rng_next(rng);
    return one_in(rng, 2) ? (value & 0x803fffffffffffff) + 0x3fd0000000000000 : value;
}

static void random_state(Rng *rng, OracleState *state)
{
    for (unsigned n = 0; n < 15; n++)
        state->r[n] = random_value(rng);
    state->cpsr = (rng_next(rng) & 0xf80f0000) | 0x10;
    state->fpscr = rng_next(rng) & 0xf00000 << 4;
    state->fpscr |= (rng_next(rng) & 0xf0c00000) | (one_in(rng, 2) ? rng_next(rng) & 0x0300009f : 0);
    state->fpscr &= 0xf3c0009f | (one_in(rng, 8) ? 1u << 26 : 0);
    for (unsigned n = 0; n < 32; n++) {
        if (one_in(rng, 3))
            state->d[n] = random_double(rng);
        else if (one_in(rng, 3))
            state->d[n] = (uint64_t)random_value(rng) << 32 | random_value(rng);
        else
            state->d[n] = (uint64_t)random_single(rng) << 32 | random_single(rng);
    }
}

/* ---- Cases ------------------------------------------------------------------------------------------ */

static void note(GenBlock *block, uint16_t row)
{
    block->row[block->rows++] = row;
}

/* Fills the block after its first instruction. */
static void emit_rest(Builder *b, unsigned tables, GenBlock *block)
{
    unsigned count = 1 + rng_below(b->rng, GEN_MAX_INSNS - 1);
    while (block->rows < count && b->halves < 2 * ORACLE_CODE_WORDS - 24) {
        if (b->thumb && !b->itstate && one_in(b->rng, 6))
            emit_it(b);
        uint16_t row = random_row(b->rng, tables, b->thumb);
        if (emit_random(b, row, !b->itstate)) {
            note(block, row);
            b->itstate = it_advance(b->itstate);
        }
    }
    while (b->itstate & 0xf) {
        b->half[b->halves++] = 0xbf00;
        b->itstate = it_advance(b->itstate);
    }
}

bool generate_case(Rng *rng, unsigned tables, uint16_t first, OracleCase *out, GenBlock *block)
{
    const InsnInfo *info = &insn_table[first];
    Builder b = {.rng = rng, .thumb = is_thumb_row(info)};
    if (!is_thumb_row(info) && info->table != TABLE_A32)
        b.thumb = one_in(rng, 2);
    memset(out, 0, sizeof *out);
    block->rows = 0;
    if (!emit_random(&b, first, true))
        return false;
    note(block, first);
    emit_rest(&b, tables, block);
    emit_end(&b);
    memcpy(out->code, b.half, 2 * b.halves);
    out->thumb = b.thumb;
    out->data_seed = rng_next(rng);
    random_state(rng, &out->in);
    return true;
}
