/* What the two sides of the instruction oracle exchange: the host writes an array of OracleCase to a file,
 * the runner (a static Arm program under qemu-arm) executes each and writes an array of OracleResult.
 *
 * A case is a block of code at ORACLE_CODE that ends by jumping to ORACLE_STUB, a state to start from, and a
 * seed for the data area. It runs in User mode. */
#ifndef ARMATURE_TESTS_ORACLE_H
#define ARMATURE_TESTS_ORACLE_H

#include <stdint.h>

#define ORACLE_CODE 0x20000000u  /* one page for code */
#define ORACLE_STUB 0x20000800u  /* where a block goes when it ends, entered in A32 state */
#define ORACLE_ENTRY 0x20000700u /* the runner's way in: ldr pc, [pc, #-4] and the target */
#define ORACLE_DATA 0x30000000u  /* data area: ORACLE_DATA_BYTES, then an unmapped page */
#define ORACLE_CODE_WORDS 96
#define ORACLE_DATA_BYTES 4096

typedef struct OracleState {
    uint32_t r[15];
    uint32_t cpsr;
    uint32_t fpscr;
    uint32_t pad;
    uint64_t d[32];
} OracleState;

typedef struct OracleCase {
    uint32_t code[ORACLE_CODE_WORDS];
    uint32_t thumb;
    uint32_t data_seed;
    OracleState in;
} OracleCase;

enum { ORACLE_ENDED, ORACLE_UNDEFINED, ORACLE_ABORT, ORACLE_TRAP, ORACLE_STUCK };

typedef struct OracleResult {
    uint32_t outcome;
    uint32_t pc; /* of the instruction that took an exception; 0 if the block ended */
    uint32_t data_hash;
    uint32_t pad;
    OracleState out;
} OracleResult;

/* The data area before a case runs, and the hash of it afterwards. */
static inline void oracle_fill(uint32_t *data, uint32_t seed)
{
    uint32_t x = seed | 1;
    for (unsigned n = 0; n < ORACLE_DATA_BYTES / 4; n++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        data[n] = x;
    }
}

static inline uint32_t oracle_hash(const uint32_t *data)
{
    uint32_t h = 2166136261u;
    for (unsigned n = 0; n < ORACLE_DATA_BYTES / 4; n++)
        h = (h ^ data[n]) * 16777619u;
    return h;
}

#endif
