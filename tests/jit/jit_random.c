/* Random instructions, compiled against interpreted: blocks filled from the patterns of the instruction
 * tables, with registers that mostly lead into a few pages of every kind (see pair.h), run in pieces of
 * random length. State and memory must be equal after each piece. A failure is reduced to the instructions
 * that it needs, and names its seed:
 *
 *     jit_random [--seed N] [--cases N | --seconds N] [--threshold N] [--thread] [--code-bytes N] [--blocks
 * N]
 *                [--keep]
 * [--code] [--breakpoints N] [--jit on|off|verify]
 *
 * --thread: another thread compiles (with a threshold of 2 or more). --code-bytes, --blocks: room for
 * compiled code, to have it run out. --keep: does not reduce. --code: prints what was compiled.
 * --breakpoints: up to N for each case; the side that has none then goes instruction by instruction, and
 * looks by itself where the other one must stop. --jit: what the other one does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jit/print.h"
#include "jit/private.h"
#include "tests/fuzz/code.h"
#include "tests/jit/pair.h"

enum { MAX_UNITS = 24, MAX_HALVES = 2 * MAX_UNITS + 8, MAX_PIECES = 40, MAX_BREAKPOINTS = 16 };

typedef struct Unit {
    uint32_t bits;
    uint8_t halves; /* 0: left out */
} Unit;

typedef struct Case {
    uint64_t seed;
    bool thumb;
    uint32_t start; /* va of the code */
    Unit unit[MAX_UNITS];
    unsigned units;
    uint32_t r[15], cpsr, fpscr;
    uint64_t d[32];
    uint8_t control; /* SCTLR bits to set, see apply_control() */
    uint16_t piece[MAX_PIECES];
    unsigned pieces;
    uint32_t breakpoint[MAX_BREAKPOINTS];
    unsigned breakpoints;
} Case;

/* Where a side that has no breakpoints would have to stop, and last did. */
typedef struct Stop {
    uint32_t pc;
    uint64_t icount;
    bool here;
} Stop;

/* ---- Making a case ---------------------------------------------------------------------------------- */

static uint32_t pointer(Random *r)
{
    static const uint8_t often[] = {PAGE_DATA, PAGE_DATA, PAGE_DATA, PAGE_DATA_2, PAGE_DATA_3, PAGE_DATA_4};
    WindowPage page = random_one_in(r, 4) ? (WindowPage)random_below(r, WINDOW_PAGES)
                                          : (WindowPage)often[random_below(r, sizeof often)];
    uint32_t offset = random_below(r, PAGE_SIZE / 4) * 4;
    if (random_one_in(r, 4))
        offset = random_below(r, 2) ? random_below(r, 64) : PAGE_SIZE - random_below(r, 64);
    if (random_one_in(r, 4))
        offset += random_below(r, 4);
    return window(page) + offset;
}

static uint32_t register_value(Random *r)
{
    switch (random_below(r, 4)) {
    case 0:
        return random_value(r);
    case 1:
        return random_below(r, 64);
    default:
        return pointer(r);
    }
}

/* System instructions lead elsewhere soon: few of them. */
static bool too_strong(Random *r, uint32_t bits, bool is_16bit, bool thumb)
{
    Insn insn;
    decode(&insn, is_16bit ? SET_T16 : thumb ? SET_T32 : SET_A32, bits, 0);
    const char *name = insn_table[insn.row].name;
    bool system = insn_table[insn.row].table == TABLE_COP || !strncmp(name, "MSR", 3) ||
                  !strncmp(name, "CPS", 3) || !strncmp(name, "RFE", 3) || !strncmp(name, "WF", 2);
    bool vector = insn_table[insn.row].table == TABLE_NEON || insn_table[insn.row].table == TABLE_VFP;
    return (insn.row == 0 || system) ? !random_one_in(r, 24) : vector && !random_one_in(r, 3);
}

static void add_unit(Case *c, uint32_t bits, bool is_16bit)
{
    c->unit[c->units++] = (Unit){bits, is_16bit ? 1 : 2};
}

/* A branch to somewhere near: conditional ones make links. */
static void add_branch(Case *c, Random *r)
{
    uint32_t back = random_below(r, 12);
    if (c->thumb)
        add_unit(c,
                 random_one_in(r, 2)
                     ? 0xd000 | random_below(r, 14) << 8 | ((random_below(r, 8) - back) & 0xff)
                     : 0xb100 | random_below(r, 2) << 11 | random_below(r, 8) << 3 |
                           random_below(r, 8) /* CBZ, CBNZ */,
                 true);
    else
        add_unit(c,
                 random_below(r, 15) << 28 | 0x0a000000 | random_below(r, 2) << 24 |
                     ((random_below(r, 8) - back) & 0xffffff),
                 false);
}

/* The flags set by one and used by another: what compiled code keeps in host flags. */
static void add_flags(Case *c, Random *r)
{
    static const uint32_t t16[] = {0x1800, 0x1a00, 0x4280, 0x42c0, 0x4140,
                                   0x4180, 0x4200, 0x4000, 0x1c00, 0x2800};
    static const uint32_t a32[] = {0xe0900000, 0xe0500000, 0xe1500000, 0xe1700000, 0xe0b00000,
                                   0xe0d00000, 0xe1100000, 0xe0100000, 0xe2900000, 0xe3500000,
                                   0xe0700000, 0xe2700000, 0xe2f00000};
    uint32_t bits = random_next(r);
    if (c->thumb)
        add_unit(c, t16[random_below(r, 10)] | (bits & 0x3f), true);
    else
        add_unit(c,
                 (a32[random_below(r, 13)] | (bits & 0x000ff00f)) &
                     (random_one_in(r, 4) ? ~0u : ~0x000ff000u | 0x00077000),
                 false);
}

static void add_random_unit(Case *c, Random *r)
{
    bool is_16bit;
    uint32_t bits;
    switch (random_below(r, 12)) {
    case 0:
        add_branch(c, r);
        return;
    case 1:
        add_flags(c, r);
        return;
    case 2:
        if (!c->thumb)
            break;
        add_unit(c, 0xbf00 | random_below(r, 15) << 4 | (1 + random_below(r, 15)), true);
        return;
    default:
        break;
    }
    do
        bits = code_word(r, c->thumb, &is_16bit);
    while (too_strong(r, bits, is_16bit, c->thumb));
    add_unit(c, bits, is_16bit);
}

static void choose_start(Case *c, Random *r)
{
    uint32_t offset = random_one_in(r, 4) ? PAGE_SIZE - 2 * random_below(r, 40) : 2 * random_below(r, 200);
    c->start = window(random_one_in(r, 8) ? PAGE_CODE_ALIAS : PAGE_CODE) + offset;
    if (!c->thumb)
        c->start &= ~3u;
}

static void choose_pieces(Case *c, Random *r)
{
    c->pieces = random_one_in(r, 4) ? MAX_PIECES : 2;
    for (unsigned n = 0; n < c->pieces; n++)
        c->piece[n] = (uint16_t)(1 + random_below(r, c->pieces == 2 ? 200 : random_one_in(r, 2) ? 1 : 12));
}

static void make_case(Case *c, uint64_t seed)
{
    Random random = {seed * 0x2545f4914f6cdd1du}, *r = &random;
    memset(c, 0, sizeof *c);
    c->seed = seed;
    c->thumb = random_one_in(r, 2);
    choose_start(c, r);
    unsigned units = 1 + random_below(r, MAX_UNITS - 1);
    while (c->units < units)
        add_random_unit(c, r);
    for (unsigned n = 0; n < 15; n++)
        c->r[n] = register_value(r);
    static const uint8_t modes[] = {MODE_SVC, MODE_USR, MODE_USR, MODE_SYS,
                                    MODE_FIQ, MODE_SVC, MODE_SVC, MODE_IRQ};
    c->cpsr = modes[random_below(r, 8)] | (random_next(r) & 0xf80f0000) | PSR_A | PSR_I | PSR_F |
              (random_one_in(r, 16) ? PSR_E : 0);
    c->fpscr = random_one_in(r, 2) ? 0 : random_next(r) & 0xf3c0009f;
    for (unsigned n = 0; n < 32; n++)
        c->d[n] = (uint64_t)random_value(r) << 32 | random_value(r);
    c->control = (uint8_t)(random_one_in(r, 16) ? 1 + random_below(r, 3) : 0);
    choose_pieces(c, r);
}

/* Mostly in the code; some in the handlers, in the same place of other pages, and where no instruction
 * begins.
 */
static void choose_breakpoints(Case *c, unsigned most)
{
    Random random = {c->seed * 0x9e3779b97f4a7c15u}, *r = &random;
    c->breakpoints = most ? 1 + random_below(r, most) : 0;
    for (unsigned n = 0; n < c->breakpoints; n++) {
        uint32_t address = c->start + 2 * random_below(r, 2 * c->units + 4);
        if (!c->thumb)
            address &= ~3u;
        if (random_one_in(r, 6))
            address = random_below(r, 2) ? window(PAGE_VECTORS) + 4 * random_below(r, 8)
                                         : address ^ random_below(r, 16) * PAGE_SIZE;
        c->breakpoint[n] = address | random_below(r, 2);
    }
}

/* ---- Running it ------------------------------------------------------------------------------------- */

/* What follows the units: back to the start, by a branch or through a register. */
static unsigned add_end(const Case *c, uint16_t *half, unsigned at)
{
    if (c->thumb) {
        uint32_t target = c->start | 1;
        if (at & 1 || c->start & 2)
            half[at++] = 0xbf00;
        if ((c->start + 2 * at) & 2)
            half[at++] = 0xbf00;
        half[at++] = 0xf8df; /* ldr.w pc, [pc] */
        half[at++] = 0xf000;
        half[at++] = (uint16_t)target;
        half[at++] = (uint16_t)(target >> 16);
    } else {
        half[at++] = 0xf004; /* ldr pc, [pc, #-4] */
        half[at++] = 0xe51f;
        half[at++] = (uint16_t)c->start;
        half[at++] = (uint16_t)(c->start >> 16);
    }
    return at;
}

static void write_code(Pair *pair, const Case *c)
{
    uint16_t half[MAX_HALVES + 8];
    unsigned at = 0;
    for (unsigned n = 0; n < c->units; n++) {
        const Unit *unit = &c->unit[n];
        if (unit->halves == 2)
            half[at++] = (uint16_t)(c->thumb ? unit->bits >> 16 : unit->bits);
        if (unit->halves)
            half[at++] = (uint16_t)(unit->halves == 1 || c->thumb ? unit->bits : unit->bits >> 16);
    }
    at = add_end(c, half, at);
    uint32_t offset = c->start % PAGE_SIZE, first = PAGE_SIZE - offset < 2 * at ? PAGE_SIZE - offset : 2 * at;
    uint32_t code = pair_offset(c->start >= window(PAGE_CODE_ALIAS) ? PAGE_CODE_ALIAS : PAGE_CODE);
    uint32_t second = c->start >= window(PAGE_CODE_ALIAS) ? UINT32_MAX : pair_offset(PAGE_CODE_2);
    pair_write(pair, code + offset % PAGE_SIZE, half, first);
    if (first < 2 * at && second != UINT32_MAX)
        pair_write(pair, second, (const uint8_t *)half + first, 2 * at - first);
}

static void apply_control(Cpu *cpu, unsigned control)
{
    uint32_t sctlr = cp_read(cpu, 15, 0, 1, 0, 0);
    if (control & 1)
        sctlr |= 1 << 1; /* A: alignment checks */
    if (control & 2)
        sctlr |= 1 << 30; /* TE: exceptions in Thumb state, which the handlers are not */
    cp_write(cpu, 15, 0, 1, 0, 0, sctlr);
    cpu->leave = 0;
}

static void set_state(Cpu *cpu, const Case *c)
{
    cpsr_write(cpu, c->cpsr | (c->thumb ? PSR_T : 0), UINT32_MAX);
    memcpy(cpu->r, c->r, sizeof c->r);
    memcpy(cpu->v.d, c->d, sizeof c->d);
    cpu->fpscr = c->fpscr;
    fpu_update_access(cpu);
    cpu->pc = c->start;
    cpu->itstate = 0;
    cpu->leave = 0;
    if (c->control)
        apply_control(cpu, c->control);
}

static bool is_breakpoint(const Case *c, uint32_t address)
{
    for (unsigned n = 0; n < c->breakpoints; n++)
        if ((c->breakpoint[n] & ~1u) == address)
            return true;
    return false;
}

/* Instruction by instruction up to the next breakpoint or to icount `end`. */
static void step_to(Side *s, const Case *c, uint64_t end, Stop *stop)
{
    const Cpu *cpu = s->cpu;
    for (uint64_t before = UINT64_MAX; cpu->icount < end && cpu->icount != before;) {
        bool was_here = stop->pc == cpu->pc && stop->icount == cpu->icount;
        bool asleep = cpu->attention & ATTN_HALTED;
        stop->here = !was_here && !asleep && is_breakpoint(c, cpu->pc);
        if (stop->here) {
            stop->pc = cpu->pc;
            stop->icount = cpu->icount;
            return;
        }
        before = cpu->icount;
        side_run(s, 1);
    }
}

/* As pair_run(), stopping on the way. */
static const char *run_piece(Pair *pair, const Case *c, unsigned count, Stop *stop)
{
    Side *plain = &pair->side[0], *stopping = &pair->side[1];
    uint64_t end = plain->cpu->icount + count;
    do {
        stop->here = false;
        step_to(plain, c, end, stop);
        side_run(stopping, end - stopping->cpu->icount);
        if (stopping->cpu->stopped != stop->here)
            return "where they stop";
        const char *part = pair_differs(pair);
        if (part)
            return part;
    } while (stop->here);
    return NULL;
}

/* NULL, or what differs; *piece is where. */
static const char *run_case(Pair *pair, const Case *c, unsigned *piece)
{
    pair_reset(pair);
    write_code(pair, c);
    for (unsigned n = 0; n < 2; n++)
        set_state(pair->side[n].cpu, c);
    if (c->breakpoints)
        side_break(&pair->side[1], c->breakpoint, c->breakpoints);
    Stop stop = {.icount = UINT64_MAX};
    for (*piece = 0; *piece < c->pieces; ++*piece) {
        const char *part = NULL;
        if (c->breakpoints) {
            part = run_piece(pair, c, c->piece[*piece], &stop);
        } else {
            pair_run(pair, c->piece[*piece]);
            part = pair_differs(pair);
        }
        if (part)
            return part;
    }
    return NULL;
}

/* ---- Reducing and reporting ------------------------------------------------------------------------- */

static bool fails(Pair *pair, const Case *c)
{
    unsigned piece;
    return run_case(pair, c, &piece);
}

/* In one piece, as short as it may be, if it still fails so. */
static void reduce_pieces(Pair *pair, Case *c)
{
    Case one = *c;
    unsigned sum = 0;
    for (unsigned n = 0; n < c->pieces; n++)
        sum += c->piece[n];
    one.pieces = 1;
    for (unsigned n = 1; n <= sum; n++) {
        one.piece[0] = (uint16_t)n;
        if (fails(pair, &one)) {
            *c = one;
            return;
        }
    }
}

static void reduce(Pair *pair, Case *c)
{
    reduce_pieces(pair, c);
    bool again = true;
    while (again) {
        again = false;
        for (unsigned n = 0; n < c->units; n++) {
            Case smaller = *c;
            memmove(&smaller.unit[n], &smaller.unit[n + 1], (c->units - n - 1) * sizeof *c->unit);
            smaller.units--;
            if (fails(pair, &smaller)) {
                *c = smaller;
                again = true;
            }
        }
    }
    Case plain = *c;
    for (unsigned n = 0; n < 15; n++) {
        plain = *c;
        plain.r[n] = 0;
        if (c->r[n] && fails(pair, &plain))
            *c = plain;
    }
    reduce_pieces(pair, c);
}

/* The addresses that the interpreter went by, at the end. */
static void print_way(Pair *pair, const Case *c, unsigned piece)
{
    enum { LAST = 12 };
    unsigned sum = 0, step;
    for (unsigned n = 0; n <= piece; n++)
        sum += c->piece[n];
    Case before = *c;
    before.pieces = 1;
    before.piece[0] = (uint16_t)(sum > LAST ? sum - LAST : 1);
    run_case(pair, &before, &step);
    fputs("    at the end it went by", stdout);
    for (step = 0; step < LAST; step++) {
        printf(" %08x", pair->side[0].cpu->pc);
        pair_run(pair, 1);
    }
    putchar('\n');
}

static void print_code(const Case *c)
{
    char text[96];
    uint8_t itstate = 0;
    uint32_t address = c->start;
    for (unsigned n = 0; n < c->units; n++) {
        Insn insn;
        InsnSet set = !c->thumb ? SET_A32 : c->unit[n].halves == 1 ? SET_T16 : SET_T32;
        decode(&insn, set, c->unit[n].bits, itstate);
        itstate = insn_next_itstate(&insn);
        disassemble(&insn, address, text, sizeof text);
        printf("    %08x  %08x  %-14s %s\n", address, c->unit[n].bits, insn_table[insn.row].name, text);
        address += 2u * c->unit[n].halves;
    }
}

/* What is compiled for the case. */
static void print_blocks(Pair *pair, const Case *c)
{
    Jit *jit = pair->side[1].jit;
    uint32_t first = jit->count;
    unsigned piece;
    run_case(pair, c, &piece);
    for (uint32_t n = first; n < jit->count; n++)
        jit_print_block(jit, jit->blocks[n].block, window(PAGE_CODE), stdout);
}

static void report(Pair *pair, const Case *failed, bool keep, bool code)
{
    Case c = *failed;
    unsigned piece = 0;
    if (!keep)
        reduce(pair, &c);
    const char *part = run_case(pair, &c, &piece);
    printf("seed %llu: %s differs in piece %u of %u instructions\n", (unsigned long long)c.seed, part, piece,
           c.piece[piece % MAX_PIECES]);
    print_code(&c);
    printf("    cpsr %08x fpscr %08x sctlr bits %u", c.cpsr, c.fpscr, c.control);
    for (unsigned n = 0; n < 15; n++)
        printf("%s r%u %08x", n % 8 ? "" : "\n   ", n, c.r[n]);
    for (unsigned n = 0; n < c.breakpoints; n++)
        printf("%s %08x", n ? "" : "\n    breakpoints", c.breakpoint[n]);
    putchar('\n');
    pair_print(pair, stdout);
    print_way(pair, &c, piece);
    putchar('\n');
    if (code)
        print_blocks(pair, &c);
}

/* The engine's own comparison, block by block, comes before the case's. */
static void print_difference(void *opaque, const char *text)
{
    (void)opaque;
    fputs(text, stdout);
}

/* ---- The program ------------------------------------------------------------------------------------ */

typedef struct Options {
    uint64_t seed;
    unsigned cases, seconds, threshold, code_bytes, most_blocks, breakpoints;
    JitMode mode;
    JitThread thread;
    bool keep, code;
} Options;

static bool parse_mode(Options *options, const char *text)
{
    static const char *const modes[] = {[JIT_OFF] = "off", [JIT_ON] = "on", [JIT_VERIFY] = "verify"};
    for (unsigned n = 0; n < sizeof modes / sizeof *modes; n++)
        if (!strcmp(text, modes[n])) {
            options->mode = (JitMode)n;
            return true;
        }
    return false;
}

static bool parse(Options *options, int argc, char **argv)
{
    for (int n = 1; n < argc; n++) {
        const char *value = n + 1 < argc ? argv[n + 1] : "";
        if (!strcmp(argv[n], "--keep"))
            options->keep = true;
        else if (!strcmp(argv[n], "--code"))
            options->code = true;
        else if (!strcmp(argv[n], "--seed") && ++n)
            options->seed = strtoull(value, NULL, 0);
        else if (!strcmp(argv[n], "--code-bytes") && ++n)
            options->code_bytes = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(argv[n], "--thread"))
            options->thread = JIT_THREAD_ON;
        else if (!strcmp(argv[n], "--blocks") && ++n)
            options->most_blocks = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(argv[n], "--cases") && ++n)
            options->cases = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(argv[n], "--seconds") && ++n)
            options->seconds = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(argv[n], "--threshold") && ++n)
            options->threshold = (unsigned)strtoul(value, NULL, 0);
        else if (!strcmp(argv[n], "--breakpoints") && ++n)
            options->breakpoints = (unsigned)strtoul(value, NULL, 0);
        else if (strcmp(argv[n], "--jit") || !parse_mode(options, value) || !++n)
            return false;
    }
    return options->breakpoints <= MAX_BREAKPOINTS;
}

static void print_counts(const Pair *pair, const Options *options, unsigned cases, unsigned failed)
{
    printf("%u cases from seed %llu on, %u failed", cases, (unsigned long long)options->seed, failed);
    if (options->breakpoints)
        printf("; %llu stops", (unsigned long long)pair->side[1].stops);
    if (!pair->side[1].jit) {
        putchar('\n');
        return;
    }
    JitCounts counts = jit_counts(pair->side[1].jit);
    printf("; %llu blocks compiled, %llu unfit, dropped %llu times; of %llu instructions %llu in compiled "
           "code, %llu of these by calls\n",
           (unsigned long long)counts.blocks, (unsigned long long)counts.unfit,
           (unsigned long long)counts.emptied, (unsigned long long)(counts.compiled + counts.interpreted),
           (unsigned long long)counts.compiled, (unsigned long long)counts.calls);
}

int main(int argc, char **argv)
{
    Options options = {.seed = 1, .cases = 20000, .mode = JIT_ON};
    if (!parse(&options, argc, argv)) {
        fputs("usage: jit_random [--seed N] [--cases N | --seconds N] [--threshold N] [--thread] "
              "[--code-bytes N] "
              "[--blocks N]\n                  [--keep] [--code] [--breakpoints N] [--jit on|off|verify]\n",
              stderr);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    JitOptions jit = {.mode = options.mode,
                      .thread = options.thread,
                      .threshold = options.threshold,
                      .code_bytes = options.code_bytes,
                      .most_blocks = options.most_blocks};
    Pair *pair = pair_new(options.mode == JIT_OFF ? NULL : &jit);
    if (options.mode == JIT_VERIFY)
        jit_on_difference(pair->side[1].jit, print_difference, NULL);
    time_t end = time(NULL) + options.seconds;
    unsigned cases = 0, failed = 0;
    for (; failed < 10 && (options.seconds ? time(NULL) < end : cases < options.cases); cases++) {
        Case c;
        make_case(&c, options.seed + cases);
        choose_breakpoints(&c, options.breakpoints);
        if (fails(pair, &c)) {
            failed++;
            report(pair, &c, options.keep, options.code);
        }
    }
    print_counts(pair, &options, cases, failed);
    pair_free(pair);
    return failed != 0;
}
