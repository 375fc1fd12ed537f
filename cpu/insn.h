/* A decoded instruction, and the tables it is decoded by.
 *
 * Each line of a .def file is one encoding:
 *
 *     INSN(name, "bit pattern", FORMAT, body, flags, "text form")
 *
 * Pattern: 32 (T16: 16) characters, bit 31 first. 0 and 1 are fixed; z and o are "should be zero" and "should
 * be one" (they do not take part in decoding; test generators set them); '-' is a bit that does not matter; a
 * letter is a bit of the field of that letter, pieces of one letter joined from the left. 'c' as "cccc" in
 * bits 31:28 of A32 is the condition and excludes 1111. Of two lines that match, the one with more fixed bits
 * wins; a line whose FORMAT function returns false is UNDEFINED (no other line is tried).
 *
 * FORMAT names a function in format.c that turns the fields into operands of Insn. A32, T16 and T32 lines
 * share formats and bodies. See docs/adding-an-instruction.md. */
#ifndef ARMATURE_CPU_INSN_H
#define ARMATURE_CPU_INSN_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/cpu.h"

typedef struct Insn Insn;
typedef void InsnBody(Cpu *cpu, const Insn *insn);

/* How the second operand is made (Insn.op2). */
typedef enum Operand2 {
    OP2_IMM,       /* imm; carry out: imm_carry */
    OP2_REG,       /* rm */
    OP2_SHIFT_IMM, /* rm shifted by shift_n, 1 to 32 (RRX: 1) */
    OP2_SHIFT_REG  /* rm shifted by the low byte of rs */
} Operand2;

typedef enum ShiftType { SHIFT_LSL, SHIFT_LSR, SHIFT_ASR, SHIFT_ROR, SHIFT_RRX } ShiftType;

/* What an immediate does to the carry flag. */
enum { IMM_CARRY_KEEP, IMM_CARRY_0, IMM_CARRY_1 };

struct Insn {
    InsnBody *exec;
    uint32_t raw;    /* the encoding; T16 in the low half, T32 first halfword on top */
    uint32_t imm;    /* immediate, offset, displacement, register list, mask: what the format says */
    uint16_t row;    /* in insn_table */
    uint16_t offset; /* of the instruction in its page */
    uint8_t length;  /* 2 or 4 */
    uint8_t cond;    /* 0 to 14; 14 = always */
    uint8_t itstate; /* ITSTATE when this instruction executes (0 outside IT blocks) */
    uint8_t rd, rn, rm, rs, ra; /* ra: accumulator, Rt2, RdLo */
    uint8_t op2, shift_type, shift_n, imm_carry;
    bool s;                 /* sets flags */
    bool add, index, wback; /* addressing: U, P, W as in the manual's pseudo-code */
    uint8_t size;    /* NEON element size log2, VFP precision, coprocessor number: what the format says */
    uint8_t q;       /* NEON: 1 = quadword; else what the format says */
    uint8_t count;   /* how many bits are set in the low half of imm: registers in a list */
    bool ends_block; /* branches, and whatever may change how the next instruction is decoded or executed */
    bool may_fall;   /* a direct branch, which a condition decides: a block may go on behind it */
    bool starts_it;  /* IT: imm is the new ITSTATE */
};

/* Fields of an encoding by letter: f->v['d' & 63]. Lower-case a-z and upper-case A-Z do not collide. */
typedef struct Fields {
    uint32_t v[64];
    bool thumb; /* decoding T16 or T32 */
    uint8_t itstate;
} Fields;

#define FIELD_OF(f, letter) ((f)->v[(letter)&63])

typedef bool InsnFormat(Insn *insn, const Fields *fields);

/* Line flags. */
enum {
    INSN_ENDS = 1,       /* always ends a block */
    INSN_UNCOND = 2,     /* T16/T32: not affected by IT (BKPT, CPS, IT itself ...) */
    INSN_NOT_IN_IT = 4,  /* UNPREDICTABLE in an IT block: executes as UNDEFINED there */
    INSN_LAST_IN_IT = 8, /* in an IT block only as its last instruction; elsewhere UNDEFINED */
    INSN_NEON = 16,      /* needs Advanced SIMD enabled */
    INSN_VFP = 32,       /* needs VFP enabled */
    INSN_FIRST = 64      /* wins over every line without this flag that matches too */
};

typedef enum InsnSet { SET_A32, SET_T32, SET_T16, INSN_SETS } InsnSet;

typedef struct InsnInfo {
    const char *name; /* "ADC_r" */
    const char *pattern;
    InsnFormat *format;
    InsnBody *exec; /* the interpreter's function */
    uint32_t flags;
    const char *text;
    uint8_t table; /* which .def file: InsnTable */
    /* computed from the pattern */
    uint32_t mask, value; /* fixed bits */
} InsnInfo;

/* The .def files. COP and VFP and NEON serve A32 and T32: T32 instructions in the coprocessor space have the
 * same bits with cond = 1110 or 1111, NEON ones are brought into their A32 form first. */
typedef enum InsnTable {
    TABLE_A32,
    TABLE_T16,
    TABLE_T32,
    TABLE_COP,
    TABLE_VFP,
    TABLE_NEON,
    INSN_TABLES
} InsnTable;

extern InsnInfo insn_table[];
extern const unsigned insn_count;

/* The function that executes a decoded instruction fastest: its line's, or one for its kind of operands
 * (interp.c). */
InsnBody *interp_form(const Insn *insn);

/* Builds the decode index from the tables; asserts that no two lines are ambiguous. Call once before
 * decoding; further calls do nothing. */
void decode_init(void);

/* Decodes one instruction. set: SET_A32 (raw is the word) or SET_T32/T16 (raw as in Insn.raw; the caller
 * looked at the first halfword with thumb_is_32bit()). Always fills *insn; what is not allocated becomes the
 * UNDEFINED body. */
void decode(Insn *insn, InsnSet set, uint32_t raw, uint8_t itstate);

static inline bool thumb_is_32bit(uint16_t first_halfword)
{
    return first_halfword >= 0xe800;
}

/* ITSTATE after one instruction of the block (ITAdvance). */
static inline uint8_t it_advance(uint8_t itstate)
{
    return itstate & 7 ? (uint8_t)((itstate & 0xe0) | ((itstate << 1) & 0x1f)) : 0;
}

/* ITSTATE for the instruction that follows: IT starts a block (its format leaves the new ITSTATE in imm). */
static inline uint8_t insn_next_itstate(const Insn *insn)
{
    return insn->starts_it ? (uint8_t)insn->imm : it_advance(insn->itstate);
}

/* Disassembles into text (at least 96 bytes), for the instruction at address. */
void disassemble(const Insn *insn, uint32_t address, char *text, unsigned size);

#endif
