/* The instruction table, with the interpreter's function of each line: the bodies of sem_*.h compiled against exec.h. */
#include "cpu/exec.h"
#include "cpu/format.h"
#include "cpu/insn.h"

#include "cpu/sem_data.h"
#include "cpu/sem_mul.h"
#include "cpu/sem_media.h"
#include "cpu/sem_mem.h"
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

const unsigned insn_count = sizeof insn_table / sizeof *insn_table;
