/* Hostile guest code: random words, random encodings of every table row, and short sequences that aim at
 * devices, system registers, modes and the code itself. */
#ifndef ARMATURE_TESTS_FUZZ_CODE_H
#define ARMATURE_TESTS_FUZZ_CODE_H

#include "machine/machine.h"
#include "tests/fuzz/random.h"

/* Code lies in chunks, each for one instruction set. */
enum { CHUNK = 512 };

typedef struct Places {
    const Machine *machine;
    uint32_t ram, ram_size; /* all of RAM */
    uint32_t code, chunks;  /* where the chunks are, and how many */
    uint32_t tables;        /* translation tables: 16 KiB of the first level, then second-level ones */
    uint32_t second_level;  /* how many of those */
    /* Nothing changes translations behind the TLB's back: that is what two engines may differ in. (Code that
     * writes such an instruction itself still may.) */
    bool honest;
} Places;

/* Whether the chunk at an address holds Thumb code. */
bool code_is_thumb(const Places *places, uint32_t address);

/* A place to go to in the chunks, with bit 0 set for Thumb. */
uint32_t code_target(Random *random, const Places *places);

/* An address worth accessing: of a device register, in RAM, at the end of something, anywhere. */
uint32_t code_address(Random *random, const Places *places);

/* Fills the chunk at an address of the guest; host is where its bytes are. */
void code_fill(Random *random, const Places *places, uint32_t address, uint8_t *host);

/* Writes exception vectors to host, where the guest has them at `address`, and handlers behind them. 512
 * bytes. */
void code_vectors(Random *random, const Places *places, uint32_t address, uint8_t *host);

/* A random encoding of some row that A32 (thumb: T32 or T16) code can contain. */
uint32_t code_word(Random *random, bool thumb, bool *is_16bit);

#endif
