/* The compiler's counters as a table. */
#include <stddef.h>
#include <stdlib.h>

#include "cpu/insn.h"
#include "jit/private.h"

typedef struct Row {
    const char *name;
    size_t offset;
    const char *help;
} Row;

/* clang-format off */
static const Row rows[] = {
    {"blocks",       offsetof(JitCounts, blocks),      "blocks compiled"},
    {"unfit",        offsetof(JitCounts, unfit),       "blocks that could not be compiled"},
    {"shortened",    offsetof(JitCounts, shortened),   "blocks that were cut to be compiled"},
    {"compile_us",   offsetof(JitCounts, compile_us),  "microseconds of host time spent on compiling"},
    {"worker_blocks",offsetof(JitCounts, worker_blocks),"blocks compiled by the other thread (--jit-thread)"},
    {"worker_missed",offsetof(JitCounts, worker_missed),"blocks that it was asked for and not ready with in time"},
    {"worker_stale", offsetof(JitCounts, worker_stale),"blocks that it was asked for and the guest changed meanwhile"},
    {"worker_us",    offsetof(JitCounts, worker_us),   "microseconds of host time that it spent on compiling"},
    {"waited_us",    offsetof(JitCounts, waited_us),   "microseconds that the CPU's thread waited for it"},
    {"guest_insns",  offsetof(JitCounts, insns),       "guest instructions in compiled blocks"},
    {"bytes",        offsetof(JitCounts, bytes),       "bytes of host code now"},
    {"dropped",      offsetof(JitCounts, dropped),     "compiled blocks whose memory was written"},
    {"emptied",      offsetof(JitCounts, emptied),     "how often all compiled code was dropped"},
    {"links",        offsetof(JitCounts, links),       "branches linked to their target"},
    {"interpreted",  offsetof(JitCounts, interpreted), "instructions run by the interpreter's loop"},
    {"compiled",     offsetof(JitCounts, compiled),    "instructions run by compiled code"},
    {"called",       offsetof(JitCounts, calls),       "of these, run by calling the interpreter's function"},
    {"slow",         offsetof(JitCounts, slow),        "of these, because their fast path was left"},
    {"entered",      offsetof(JitCounts, enters),      "how often the dispatcher entered compiled code"},
    {"second_jumps", offsetof(JitCounts, second),      "jumps found in the second part of the jump cache"},
    {"exits_link",   offsetof(JitCounts, exits[0]),    "exits: branch within the page that was not linked"},
    {"exits_budget", offsetof(JitCounts, exits[1]),    "exits: the budget of instructions was used up"},
    {"exits_stale",  offsetof(JitCounts, exits[2]),    "exits: the block was dropped"},
    {"exits_far",    offsetof(JitCounts, exits[3]),    "exits: target not in the jump cache"},
    {"exits_left",   offsetof(JitCounts, exits[4]),    "exits: an instruction needs a look or changed the flow"},
    {"verified",     offsetof(JitCounts, verified),    "blocks run both ways and compared (--jit=verify)"},
    {"unrepeated",   offsetof(JitCounts, unrepeated),  "blocks that cannot be run twice, as they reach devices"},
};
/* clang-format on */

_Static_assert(sizeof rows / sizeof *rows == JIT_STATS, "JIT_STATS is the number of rows");

JitStat jit_stat(const Jit *jit, unsigned n)
{
    JitCounts counts = jit_counts(jit);
    const uint64_t *value = (const uint64_t *)((const char *)&counts + rows[n].offset);
    return (JitStat){rows[n].name, rows[n].help, *value};
}

static int by_count(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return a < b ? 1 : a > b ? -1 : 0;
}

void jit_print_calls(const Jit *jit, FILE *out)
{
    enum { TOP = 40 };
    uint64_t(*sorted)[2] = calloc(insn_count, sizeof *sorted);
    if (!sorted)
        abort();
    for (unsigned row = 0; row < insn_count; row++) {
        sorted[row][0] = jit->calls_by_row[row];
        sorted[row][1] = row;
    }
    qsort(sorted, insn_count, sizeof *sorted, by_count);
    for (unsigned n = 0; n < TOP && n < insn_count && sorted[n][0]; n++)
        fprintf(out, "  %-24s %18llu\n", insn_table[sorted[n][1]].name, (unsigned long long)sorted[n][0]);
    free(sorted);
}
