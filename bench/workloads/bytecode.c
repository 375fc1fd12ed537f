/* An interpreter of a small register machine, dispatched by a switch; its program counts primes with a sieve
 * and follows Collatz chains. */
#include "workload.h"

#include <string.h>

typedef enum Op { MOVI, ADD, ADDI, MULI, SHRI, ANDI, LOAD, STORE, JGE, JNE, JMP, HALT } Op;

typedef struct Code {
    uint8_t op, a, b, c;
    int32_t value;
} Code;

/* clang-format off */
static const Code program[] = {
    /*  0 */ {MOVI, 1, 0, 0, 0},   /* r1: primes; r0: limit */
    /*  1 */ {MOVI, 2, 0, 0, 2},   /* r2: candidate */
    /*  2 */ {JGE, 2, 0, 0, 11},
    /*  3 */ {LOAD, 3, 2, 0, 0},   /* marked? */
    /*  4 */ {JNE, 3, 7, 0, 9},    /* r7 is 0 */
    /*  5 */ {ADDI, 1, 1, 0, 1},
    /*  6 */ {ADD, 4, 2, 2, 0},    /* r4: multiple */
    /*  7 */ {JGE, 4, 0, 0, 9},
    /*  8 */ {JMP, 0, 0, 0, 20},
    /*  9 */ {ADDI, 2, 2, 0, 1},
    /* 10 */ {JMP, 0, 0, 0, 2},
    /* 11 */ {MOVI, 5, 0, 0, 0},   /* r5: steps of all chains */
    /* 12 */ {MOVI, 2, 0, 0, 1},
    /* 13 */ {JGE, 2, 0, 0, 19},
    /* 14 */ {ADDI, 3, 2, 0, 0},   /* r3: chain */
    /* 15 */ {MOVI, 6, 0, 0, 1},
    /* 16 */ {JNE, 3, 6, 0, 24},
    /* 17 */ {ADDI, 2, 2, 0, 64},
    /* 18 */ {JMP, 0, 0, 0, 13},
    /* 19 */ {HALT, 0, 0, 0, 0},
    /* 20 */ {MOVI, 6, 0, 0, 1},   /* mark the multiples */
    /* 21 */ {STORE, 6, 4, 0, 0},
    /* 22 */ {ADD, 4, 4, 2, 0},
    /* 23 */ {JMP, 0, 0, 0, 7},
    /* 24 */ {ANDI, 4, 3, 0, 1},   /* one step */
    /* 25 */ {ADDI, 5, 5, 0, 1},
    /* 26 */ {JNE, 4, 7, 0, 29},
    /* 27 */ {SHRI, 3, 3, 0, 1},
    /* 28 */ {JMP, 0, 0, 0, 16},
    /* 29 */ {MULI, 3, 3, 0, 3},
    /* 30 */ {ADDI, 3, 3, 0, 1},
    /* 31 */ {JMP, 0, 0, 0, 16},
};
/* clang-format on */

#define LIMIT 8192

static uint8_t marked[LIMIT];

static void interpret(uint32_t *r)
{
    for (const Code *at = program;; at++) {
        switch ((Op)at->op) {
        case MOVI:
            r[at->a] = (uint32_t)at->value;
            break;
        case ADD:
            r[at->a] = r[at->b] + r[at->c];
            break;
        case ADDI:
            r[at->a] = r[at->b] + (uint32_t)at->value;
            break;
        case MULI:
            r[at->a] = r[at->b] * (uint32_t)at->value;
            break;
        case SHRI:
            r[at->a] = r[at->b] >> at->value;
            break;
        case ANDI:
            r[at->a] = r[at->b] & (uint32_t)at->value;
            break;
        case LOAD:
            r[at->a] = marked[r[at->b] % LIMIT];
            break;
        case STORE:
            marked[r[at->b] % LIMIT] = (uint8_t)r[at->a];
            break;
        case JGE:
            if (r[at->a] >= r[at->b])
                at = program + at->value - 1;
            break;
        case JNE:
            if (r[at->a] != r[at->b])
                at = program + at->value - 1;
            break;
        case JMP:
            at = program + at->value - 1;
            break;
        case HALT:
            return;
        }
    }
}

uint32_t run(unsigned units)
{
    uint32_t hash = 0;

    for (unsigned unit = 0; unit < 6 * units; unit++) {
        uint32_t r[8] = {LIMIT - unit % 100};
        memset(marked, 0, sizeof marked);
        interpret(r);
        hash = mix(mix(hash, r[1]), r[5]);
    }
    return hash;
}
