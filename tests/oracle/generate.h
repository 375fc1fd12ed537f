/* Random blocks of user-mode instructions from the tables' patterns. */
#ifndef ARMATURE_TESTS_GENERATE_H
#define ARMATURE_TESTS_GENERATE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/oracle/oracle.h"

typedef struct Rng {
    uint64_t state;
} Rng;

uint32_t rng_next(Rng *rng);
/* 0 to below n - 1. */
uint32_t rng_below(Rng *rng, uint32_t n);

enum { GEN_A32 = 1, GEN_T16 = 2, GEN_T32 = 4, GEN_COP = 8, GEN_VFP = 16, GEN_NEON = 32, GEN_ALL = 63 };

enum { GEN_MAX_INSNS = 12 };

/* A generated block: which rows of insn_table it uses, for the coverage count. */
typedef struct GenBlock {
    uint16_t row[GEN_MAX_INSNS];
    unsigned rows;
} GenBlock;

/* Why a row is never generated; NULL if it is. */
const char *generate_skip_reason(uint16_t row);

/* True if the row's table is one of `tables` and the row can be generated. */
bool generate_wanted(uint16_t row, unsigned tables);

/* Makes a case whose first random instruction is of row `first`. False if no acceptable encoding was found.
 */
bool generate_case(Rng *rng, unsigned tables, uint16_t first, OracleCase *out, GenBlock *block);

#endif
