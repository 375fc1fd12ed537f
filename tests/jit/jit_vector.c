/* VFP and Advanced SIMD instructions, compiled against interpreted: short loops of random encodings of every
 * line of vfp.def and neon.def on a few registers full of corner cases, with loads, stores and conditions
 * between them. Registers, FPSCR with its cumulative flags, and memory must be equal after each piece. A
 * failure is reduced to what it needs:
 *
 *     jit_vector [--seed N] [--cases N | --seconds N] [--only NAME] [--code]
 *
 * --only: of the lines whose name begins so, and some others. --code: prints what was compiled, or could not
 * be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jit/print.h"
#include "jit/private.h"
#include "tests/cpu/fp_operands.h"
#include "tests/jit/pair.h"

enum { MAX_CODE = 12, PIECES = 3 };

typedef struct Case {
    uint64_t seed;
    uint32_t code[MAX_CODE];
    unsigned count;
    uint32_t r[15], cpsr, fpscr, cpacr;
    uint64_t d[32];
    uint16_t piece[PIECES];
} Case;

static uint32_t below(Random *r, uint32_t n)
{
    return (uint32_t)((random64(r) >> 32) * n >> 32);
}

/* ---- Making a case ---------------------------------------------------------------------------------- */

static bool is_vector_row(const InsnInfo *info, const char *only)
{
    if (info->table != TABLE_VFP && info->table != TABLE_NEON)
        return false;
    return !only || !strncmp(info->name, only, strlen(only));
}

/* Registers are few, so that instructions meet: letters of vector registers keep their low three bits, most
 * of the time; bases are r1 to r3, which point to memory. */
static uint32_t field_mask(Random *r, const InsnInfo *info, char letter, bool few)
{
    bool memory = strchr(info->text, '[') || strstr(info->name, "LDM") || strstr(info->name, "STM") ||
                  strstr(info->name, "LDR") || strstr(info->name, "STR");
    if (memory && letter == 'n')
        return 3;
    if (memory && letter == 'm')
        return below(r, 2) ? 13 : 15;
    if (few && strchr("dnm", letter))
        return 7;
    if (few && strchr("DNM", letter))
        return 0;
    return UINT32_MAX;
}

static uint32_t fill(Random *r, const InsnInfo *info)
{
    uint32_t word = 0, value[128], mask[128];
    bool few = below(r, 4), always = below(r, 8);
    for (unsigned c = 0; c < 128; c++) {
        value[c] = (uint32_t)random64(r);
        mask[c] = UINT32_MAX;
    }
    unsigned width[128] = {0}, done[128] = {0};
    for (const char *p = info->pattern; *p; p++)
        width[(unsigned char)*p]++;
    for (unsigned c = 0; c < 128; c++) {
        mask[c] = field_mask(r, info, (char)c, few);
        value[c] &= mask[c];
    }
    for (const char *p = info->pattern; *p; p++) {
        unsigned c = (unsigned char)*p;
        unsigned bit = *p == '1' || *p == 'o'   ? 1
                       : *p == '0' || *p == 'z' ? 0
                                                : value[c] >> (width[c] - 1 - done[c]) & 1;
        done[c]++;
        word = word << 1 | bit;
    }
    if (info->pattern[0] == 'c')
        word = (word & 0x0fffffff) | (always ? 14 : word >> 28 == 15 ? 14 : word >> 28) << 28;
    return word;
}

static uint32_t vector_word(Random *r, const char *only)
{
    for (;;) {
        const InsnInfo *info = &insn_table[below(r, insn_count)];
        if (!is_vector_row(info, only))
            continue;
        bool special = !strcmp(info->name, "VMSR") || !strcmp(info->name, "VMRS");
        uint32_t word = fill(r, info);
        Insn insn;
        decode(&insn, SET_A32, word, 0);
        if ((insn.row == 0 || special) && below(r, 16))
            continue;
        return word;
    }
}

/* Between them: flags and registers are used by others, and pointers found again. */
static uint32_t other_word(Random *r, unsigned at)
{
    switch (below(r, 6)) {
    case 0:
        return 0xe2400000 | below(r, 3) << 16 | (4 + below(r, 3)) << 12 | below(r, 256); /* sub */
    case 1:
        return 0xe0900000 | (4 + below(r, 3)) << 16 | (4 + below(r, 3)) << 12 | (4 + below(r, 3)); /* adds */
    case 2:
        return below(r, 14) << 28 | 0x03a00000 | (4 + below(r, 3)) << 12 | below(r, 256); /* moveq ... */
    case 3:
        return 0xeef1fa10; /* vmrs apsr_nzcv, fpscr */
    case 4:
        return below(r, 14) << 28 | 0x0a000000 | (below(r, MAX_CODE - at) & 7); /* beq ... forwards */
    default:
        return 0xe0a00000 | (4 + below(r, 3)) << 16 | (4 + below(r, 3)) << 12 | 0x10 * 2; /* adc */
    }
}

static uint64_t vector_value(Random *r)
{
    switch (below(r, 4)) {
    case 0:
        return operand64(r);
    case 1:
        return (uint64_t)operand32(r) << 32 | operand32(r);
    case 2: {
        uint64_t x = random64(r), edges = x & 0x8080808080808080;
        return edges ^ (below(r, 2) ? 0 : 0x7f7f7f7f7f7f7f7f) ^ (x & 0x0101010101010101);
    }
    default:
        return random64(r);
    }
}

/* Factors whose product is rounded to the least normal number, and neighbours. */
static uint64_t tiny_factor(Random *r)
{
    static const uint64_t factor[] = {0x3f7fffff00800000, 0x008000003f7fffff, 0x3fefffffffffffff,
                                      0x0010000000000000, 0x3f7fffff3f7fffff, 0x0080000000800000,
                                      0x3f80000000800000, 0x3ff0000000000000};
    return factor[below(r, 8)] ^ (random64(r) & 0x8000000080000000) ^ (below(r, 4) ? 0 : random64(r) & 3);
}

static uint32_t data_pointer(Random *r)
{
    static const uint8_t page[] = {PAGE_DATA, PAGE_DATA_2,     PAGE_DATA_3,    PAGE_DATA_4,
                                   PAGE_DATA, PAGE_DATA_ALIAS, PAGE_READ_ONLY, PAGE_ORDERED};
    uint32_t offset = below(r, PAGE_SIZE / 16) * 16;
    if (!below(r, 4))
        offset = below(r, 2) ? PAGE_SIZE - below(r, 64) : below(r, PAGE_SIZE);
    return window((WindowPage)page[below(r, 16) ? below(r, 6) : below(r, 8)]) +
           (offset & (below(r, 4) ? ~3u : ~0u));
}

static uint32_t fpscr_value(Random *r)
{
    uint32_t flags = (uint32_t)random64(r) & (below(r, 2) ? 0xf0000000 : 0xf800009f);
    return below(r, 8) ? flags : flags | ((uint32_t)random64(r) & (below(r, 4) ? 0x03c00000 : 0x07f70000));
}

static void make_case(Case *c, uint64_t seed, const char *only)
{
    Random random = {seed * 0x2545f4914f6cdd1du + 0x9e3779b97f4a7c15u}, *r = &random;
    memset(c, 0, sizeof *c);
    c->seed = seed;
    unsigned count = 1 + below(r, MAX_CODE - 2);
    bool tiny = !below(r, 8);
    if (tiny && !only && below(r, 2))
        only = "VM"; /* VMUL, VMLA, VMLS ... */
    while (c->count < count) {
        unsigned at = c->count++;
        c->code[at] = below(r, 5) ? vector_word(r, below(r, 6) ? only : NULL) : other_word(r, at);
    }
    for (unsigned n = 0; n < 15; n++)
        c->r[n] = n < 4 ? data_pointer(r) : operand32(r);
    c->r[13] = 4 * below(r, 16);
    c->cpsr =
        MODE_SVC | PSR_A | PSR_I | PSR_F | ((uint32_t)random64(r) & 0xf0000000) | (below(r, 32) ? 0 : PSR_E);
    c->fpscr = fpscr_value(r);
    c->cpacr = below(r, 32) ? 0xf << 20 : below(r, 4) << 30 | 0xf << 20;
    for (unsigned n = 0; n < 32; n++)
        c->d[n] = tiny && below(r, 8) ? tiny_factor(r) : vector_value(r);
    for (unsigned n = 0; n < PIECES; n++)
        c->piece[n] = (uint16_t)(1 + below(r, n ? 60 : 20));
}

/* ---- Running it ------------------------------------------------------------------------------------- */

static void fill_memory(Pair *pair, const Case *c)
{
    static const uint8_t pages[] = {PAGE_DATA, PAGE_DATA_2, PAGE_DATA_3, PAGE_DATA_4};
    uint64_t data[64];
    Random random = {c->seed + 1};
    for (unsigned n = 0; n < 64; n++)
        data[n] = vector_value(&random);
    for (unsigned n = 0; n < sizeof pages; n++)
        for (unsigned at = 0; at < PAGE_SIZE; at += sizeof data)
            pair_write(pair, pair_offset((WindowPage)pages[n]) + at, data, sizeof data);
}

static void set_state(Cpu *cpu, const Case *c)
{
    cp_write(cpu, 15, 0, 1, 0, 2, c->cpacr);
    cpsr_write(cpu, c->cpsr, UINT32_MAX);
    memcpy(cpu->r, c->r, sizeof c->r);
    memcpy(cpu->v.d, c->d, sizeof c->d);
    cpu->fpscr = c->fpscr;
    fpu_update_access(cpu);
    cpu->pc = window(PAGE_CODE);
    cpu->itstate = 0;
    cpu->leave = 0;
}

static const char *run_case(Pair *pair, const Case *c, unsigned *piece)
{
    uint32_t code[2 * MAX_CODE];
    unsigned count = c->count;
    pair_reset(pair);
    fill_memory(pair, c);
    memcpy(code, c->code, sizeof c->code);
    while (count < 2 * MAX_CODE - 1)
        code[count++] = 0xe1a00000; /* nop: where branches lead */
    code[count] = 0xea000000 | ((0 - (count + 2)) & 0xffffff);
    pair_write(pair, pair_offset(PAGE_CODE), code, sizeof code);
    for (unsigned n = 0; n < 2; n++)
        set_state(pair->side[n].cpu, c);
    for (*piece = 0; *piece < PIECES; ++*piece) {
        pair_run(pair, c->piece[*piece]);
        const char *part = pair_differs(pair);
        if (part)
            return part;
    }
    return NULL;
}

/* ---- Reporting -------------------------------------------------------------------------------------- */

static bool fails(Pair *pair, const Case *c)
{
    unsigned piece;
    return run_case(pair, c, &piece);
}

static void reduce(Pair *pair, Case *c)
{
    for (unsigned n = 0; n < c->count;) {
        Case smaller = *c;
        memmove(&smaller.code[n], &smaller.code[n + 1], (c->count - n - 1) * sizeof *c->code);
        smaller.count--;
        if (fails(pair, &smaller))
            *c = smaller;
        else
            n++;
    }
    for (unsigned n = 1; n < 200; n++) {
        Case one = *c;
        one.piece[0] = (uint16_t)n;
        unsigned piece;
        if (run_case(pair, &one, &piece) && piece == 0) {
            *c = one;
            break;
        }
    }
}

static void print_code(const Case *c)
{
    char text[96];
    for (unsigned n = 0; n < c->count; n++) {
        Insn insn;
        decode(&insn, SET_A32, c->code[n], 0);
        disassemble(&insn, window(PAGE_CODE) + 4 * n, text, sizeof text);
        printf("    %08x  %-14s %s\n", c->code[n], insn_table[insn.row].name, text);
    }
}

static void report(Pair *pair, const Case *failed, bool code)
{
    Case c = *failed;
    unsigned piece;
    reduce(pair, &c);
    const char *part = run_case(pair, &c, &piece);
    printf("seed %llu: %s differs in piece %u of %u instructions; fpscr %08x cpsr %08x cpacr %08x\n",
           (unsigned long long)c.seed, part, piece, c.piece[piece % PIECES], c.fpscr, c.cpsr, c.cpacr);
    print_code(&c);
    for (unsigned n = 0; n < 32; n++)
        printf("%sd%-2u %016llx", n % 4 ? "  " : "\n    ", n, (unsigned long long)c.d[n]);
    for (unsigned n = 0; n < 15; n++)
        printf("%sr%-2u %08x", n % 8 ? "  " : "\n    ", n, c.r[n]);
    putchar('\n');
    pair_print(pair, stdout);
    Jit *jit = pair->side[1].jit;
    for (uint32_t n = jit->count > 4 ? jit->count - 4 : 1; code && n < jit->count; n++)
        jit_print_block(jit, jit->blocks[n].block, window(PAGE_CODE), stdout);
}

/* ---- The program ------------------------------------------------------------------------------------ */

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    unsigned cases = 30000, seconds = 0, failed = 0, done = 0;
    const char *only = NULL;
    bool code = false;
    for (int n = 1; n < argc; n++) {
        const char *value = n + 1 < argc ? argv[n + 1] : "0";
        if (!strcmp(argv[n], "--code"))
            code = true;
        else if (!strcmp(argv[n], "--seed"))
            seed = strtoull(value, NULL, 0), n++;
        else if (!strcmp(argv[n], "--cases"))
            cases = (unsigned)strtoul(value, NULL, 0), n++;
        else if (!strcmp(argv[n], "--seconds"))
            seconds = (unsigned)strtoul(value, NULL, 0), n++;
        else if (!strcmp(argv[n], "--only"))
            only = value, n++;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    Pair *pair = pair_new(&(JitOptions){.mode = JIT_ON});
    time_t end = time(NULL) + seconds;
    for (; failed < 4 && (seconds ? time(NULL) < end : done < cases); done++) {
        Case c;
        make_case(&c, seed + done, only);
        uint64_t unfit = jit_counts(pair->side[1].jit).unfit;
        if (fails(pair, &c)) {
            failed++;
            report(pair, &c, code);
        } else if (code && jit_counts(pair->side[1].jit).unfit != unfit) {
            printf("seed %llu: a block could not be compiled\n", (unsigned long long)c.seed);
            print_code(&c);
        }
    }
    JitCounts counts = jit_counts(pair->side[1].jit);
    printf("%u cases from seed %llu on, %u failed; %llu blocks compiled, %llu unfit; of %llu instructions "
           "%llu in "
           "compiled code, %llu of these by calls\n",
           done, (unsigned long long)seed, failed, (unsigned long long)counts.blocks,
           (unsigned long long)counts.unfit, (unsigned long long)(counts.compiled + counts.interpreted),
           (unsigned long long)counts.compiled, (unsigned long long)counts.calls);
    if (code)
        jit_print_calls(pair->side[1].jit, stdout);
    pair_free(pair);
    return failed != 0;
}
