/* Two CPUs with equal worlds around them: one interprets, the other compiles every block. */
#ifndef ARMATURE_TESTS_JIT_PAIR_H
#define ARMATURE_TESTS_JIT_PAIR_H

#include "cpu/cpu.h"
#include "cpu/insn.h"
#include "jit/jit.h"

/* Physical memory. RAM holds the translation tables too. */
enum { PAIR_RAM = 0x60000000, PAIR_PAGES = 22, PAIR_RAM_BYTES = PAIR_PAGES * PAGE_SIZE };
enum { PAIR_ROM = 0x61000000, PAIR_DEVICE = 0x70000000 };

/* Virtual memory: one window of pages, flat elsewhere with the MMU off only. */
enum { WINDOW = 0x60000000 };

/* Pages of the window, in order. Data pages that follow each other are not neighbours in RAM. */
typedef enum WindowPage {
    PAGE_VECTORS, /* handlers, which go on behind the instruction */
    PAGE_CODE,    /* two pages */
    PAGE_CODE_2,
    PAGE_NOTHING,
    PAGE_DATA, /* two pages */
    PAGE_DATA_2,
    PAGE_READ_ONLY,
    PAGE_NOTHING_2,
    PAGE_ORDERED, /* RAM, Strongly-ordered */
    PAGE_DEVICE,
    PAGE_DATA_3,
    PAGE_PRIVILEGED,
    PAGE_DATA_ALIAS, /* of PAGE_DATA */
    PAGE_CODE_ALIAS, /* of PAGE_CODE */
    PAGE_ROM,
    PAGE_DATA_4,
    WINDOW_PAGES
} WindowPage;

static inline uint32_t window(WindowPage page)
{
    return WINDOW + PAGE_SIZE * page;
}

/* A device whose reads and writes depend on what it was told before. */
typedef struct PairDevice {
    uint32_t state, accesses;
    Cpu *cpu; /* now and then told to look up */
} PairDevice;

typedef struct Side {
    Log *log;
    Clock *clock;
    Bus *bus;
    Cpu *cpu;
    Cpu *peers[1];
    struct CodeCache *cache;
    Jit *jit; /* NULL: this side interprets */
    uint8_t *ram, *rom;
    PairDevice device;
    uint64_t stops; /* at breakpoints */
    Cpu fresh;      /* the CPU after pair_new(), to begin again from */
} Side;

typedef struct Pair {
    Side side[2];   /* interpreter, compiler */
    uint8_t *clean; /* RAM as it is before a case: tables and vectors */
} Pair;

Pair *pair_new(const JitOptions *options);
void pair_free(Pair *pair);

/* Everything as after pair_new(), but for decoded and compiled code, which stays where memory does not
 * differ. */
void pair_reset(Pair *pair);

/* Where the bytes of a page of the window are in RAM. */
uint32_t pair_offset(WindowPage page);

/* Writes to both sides' RAM as a debugger would: decoded code there is dropped. */
void pair_write(Pair *pair, uint32_t ram_offset, const void *data, uint32_t size);

/* Lets a side run `count` instructions, or less if it halts or stops at a breakpoint. */
void side_run(Side *side, uint64_t count);

/* Sets the breakpoints of a side, in place of those it had. */
void side_break(Side *side, const uint32_t *address, unsigned count);

/* Lets both run `count` instructions, or less if they halt. */
void pair_run(Pair *pair, uint64_t count);

/* NULL, or the name of what differs. */
const char *pair_differs(const Pair *pair);

/* Writes the differences. */
void pair_print(const Pair *pair, FILE *out);

#endif
