/* How much host code short guest sequences become: a file lists them with the numbers that were reviewed, and
 * this compiles each and compares. The file is the list of cases too; docs/testing.md tells how to add one.
 *
 *     jit_quality FILE               compares; what differs is shown, old above new
 *     jit_quality FILE --update      writes the numbers and texts anew
 *     jit_quality FILE --show TEXT   IR and host code of the cases that have TEXT in their line
 *
 * Nothing is executed, and what the host has is what the file says, so the numbers are the same everywhere.
 */
#define _GNU_SOURCE
#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>

#include "jit/backend.h"
#include "jit/translate.h"
#include "tests/jit/pair.h"

enum { MAX_WORDS = 32, START = 0x100 /* in the page */, VIRTUAL_PAGE = 0x10000 };

typedef struct Case {
    bool thumb;
    uint32_t word[MAX_WORDS];
    bool is_16bit[MAX_WORDS];
    unsigned words;
} Case;

typedef struct Numbers {
    unsigned ir, fast, stubs, bytes; /* operations, host instructions on the fast path, in stubs */
    unsigned called;                 /* guest instructions that call the interpreter's function */
} Numbers;

typedef struct Bench {
    uint8_t page[PAGE_SIZE]; /* with the case that is compiled */
    Pair *pair;              /* whose interpreter's CPU is looked at, and does not run */
    CodeBuf buf;
    X64Runtime runtime;
    size_t runtime_end;
    Lower *lower;
    Source *source;
    X64Piece piece;
    Ir ir;
    csh capstone;
    uint32_t pa; /* of the next case */
    const char *show;
    Numbers total;
    unsigned cases;
} Bench;

static void die(const char *what, const char *line)
{
    fprintf(stderr, "jit_quality: %s: %s\n", what, line);
    exit(2);
}

/* ---- Lines of the file ------------------------------------------------------------------------------- */

/* "host: lzcnt sse4.1" */
static unsigned parse_host(const char *text)
{
    return (strstr(text, "lzcnt") ? HOST_LZCNT : 0) | (strstr(text, "ssse3") ? HOST_SSSE3 : 0) |
           (strstr(text, "sse4.1") ? HOST_SSE41 : 0);
}

/* "A32  5 4 6 58  e0810002 e3500000: text". False if the line is none of a case. */
static bool parse_case(const char *line, Case *c)
{
    char set[4];
    int at;
    *c = (Case){0};
    if (sscanf(line, "%3s %*s %*s %*s %*s%n", set, &at) != 1 || (strcmp(set, "A32") && strcmp(set, "T32")))
        return false;
    c->thumb = set[0] == 'T';
    for (const char *rest = line + at; c->words < MAX_WORDS;) {
        char digits[16];
        int length;
        if (sscanf(rest, " %15[0-9a-f]%n", digits, &length) != 1)
            break;
        c->word[c->words] = (uint32_t)strtoul(digits, NULL, 16);
        c->is_16bit[c->words++] = strlen(digits) == 4;
        rest += length;
        if (*rest == ':')
            break;
    }
    return c->words > 0;
}

static void print_case(const Case *c, const Numbers *n, const Block *block, FILE *out)
{
    fprintf(out, "%s %4u %4u %4u %5u  ", c->thumb ? "T32" : "A32", n->ir, n->fast, n->stubs, n->bytes);
    for (unsigned k = 0; k < c->words; k++)
        fprintf(out, c->is_16bit[k] ? "%s%04x" : "%s%08x", k ? " " : "", c->word[k]);
    fputs(": ", out);
    for (unsigned k = 0; k < block->count; k++) {
        char text[96];
        disassemble(&block->insn[k], VIRTUAL_PAGE + block->insn[k].offset, text, sizeof text);
        fprintf(out, "%s%s", k ? "; " : "", text);
    }
    if (n->called)
        fprintf(out, " (%u called)", n->called);
    fputc('\n', out);
}

/* ---- Compiling --------------------------------------------------------------------------------------- */

/* A page with the case's code, in the midst of instructions that do nothing. */
static void fill_page(const Case *c, uint8_t *page)
{
    uint32_t at = START;
    for (unsigned n = 0; n < PAGE_SIZE; n += 4)
        memcpy(page + n, &(uint32_t){c->thumb ? 0xbf00bf00 : 0xe320f000}, 4);
    for (unsigned n = 0; n < c->words; n++) {
        uint32_t word = c->word[n];
        unsigned size = c->is_16bit[n] ? 2 : 4;
        if (c->thumb && size == 4)
            word = word << 16 | word >> 16;
        memcpy(page + at, &word, size);
        at += size;
    }
}

/* The block of just these instructions. */
static Block *decode_case(Bench *b, const Case *c, const char *line)
{
    fill_page(c, b->page);
    Block *block = code_cache_decode(b->pair->side[0].cache,
                                     (BlockKey){.pa = b->pa + START, .thumb = c->thumb}, b->page);
    b->pa += PAGE_SIZE;
    if (!block || block->count < c->words)
        die("an instruction before the last one ends the block", line);
    block->count = (uint8_t)c->words;
    const Insn *last = &block->insn[c->words - 1];
    block->end_offset = (uint16_t)(last->offset + last->length);
    return block;
}

/* Host instructions in [from, to); shown if out is given. */
static unsigned count_host(const Bench *b, const uint8_t *from, const uint8_t *to, FILE *out,
                           const char *line)
{
    unsigned count = 0;
    size_t size = (size_t)(to - from);
    uint64_t address = 0;
    cs_insn *insn = cs_malloc(b->capstone);
    for (; size && cs_disasm_iter(b->capstone, &from, &size, &address, insn); count++)
        if (out)
            fprintf(out, "    %s %s\n", insn->mnemonic, insn->op_str);
    cs_free(insn, 1);
    if (size)
        die("capstone cannot read the host code", line);
    return count;
}

static void count_ir(const Ir *ir, Numbers *n)
{
    for (unsigned at = 1; at < ir->count; at++) {
        n->ir += ir->insn[at].op != IR_NOP && ir->insn[at].op != IR_INSN;
        n->called += ir->insn[at].op == IR_CALL_INSN;
    }
}

static Numbers compile_case(Bench *b, Block *block, const char *line)
{
    Numbers n = {0};
    X64Exits exits;
    FILE *out = b->show && strstr(line, b->show) ? stdout : NULL;
    codebuf_reset(&b->buf, b->runtime_end);
    source_take(b->source, b->pair->side[0].cpu, block);
    translate_block(&b->ir, b->source, block, b->runtime.host);
    ir_optimise(&b->ir);
    count_ir(&b->ir, &n);
    if (out) {
        fprintf(out, "%s  IR\n", line);
        ir_print(&b->ir, out);
    }
    if (!x64_lower(b->lower, &b->piece, &b->runtime, &b->ir, block) ||
        !x64_place(&b->buf, &b->runtime, &b->piece, 1, &exits))
        die("not compiled", line);
    const uint8_t *code = b->buf.write;
    n.bytes = exits.end - exits.far_entry + exits.stubs_end - exits.stubs;
    n.fast = count_host(b, code + exits.entry, code + exits.end, out, line);
    if (out)
        fputs("  stubs\n", out);
    n.stubs = count_host(b, code + exits.stubs, code + exits.stubs_end, out, line);
    return n;
}

static void add_total(Bench *b, const Numbers *n)
{
    b->cases++;
    b->total.ir += n->ir;
    b->total.fast += n->fast;
    b->total.stubs += n->stubs;
    b->total.bytes += n->bytes;
}

/* What the line should be. */
static char *renew(Bench *b, const char *line)
{
    char *text = NULL;
    size_t size;
    Case c;
    if (!strncmp(line, "host:", 5))
        b->runtime.host = parse_host(line);
    if (!parse_case(line, &c)) {
        if (line[0] != '#' && line[0] != '\n' && strncmp(line, "host:", 5))
            die("neither a case nor a comment", line);
        return strdup(line);
    }
    FILE *out = open_memstream(&text, &size);
    Block *block = decode_case(b, &c, line);
    Numbers n = compile_case(b, block, line);
    add_total(b, &n);
    print_case(&c, &n, block, out);
    fclose(out);
    return text;
}

/* ---- The whole file ---------------------------------------------------------------------------------- */

static void bench_init(Bench *b, const char *show)
{
    Error err;
    *b = (Bench){.pair = pair_new(NULL),
                 .lower = x64_lower_new(),
                 .source = source_new(),
                 .pa = PAIR_RAM,
                 .show = show};
    if (!codebuf_new(&b->buf, 1 << 20, &err) || !x64_make_runtime(&b->buf, &b->runtime) ||
        cs_open(CS_ARCH_X86, CS_MODE_64, &b->capstone))
        die("cannot begin", "no memory for code, or no capstone");
    b->runtime_end = b->buf.used;
    b->runtime.host = 0;
    code_cache_set_side_exits(b->pair->side[0].cache, SIDE_EXITS);
}

static void bench_free(Bench *b)
{
    cs_close(&b->capstone);
    codebuf_free(&b->buf);
    free(b->lower);
    source_free(b->source);
    pair_free(b->pair);
}

/* Number of lines that differ; the new file goes to out. */
static unsigned compare(Bench *b, FILE *file, FILE *out)
{
    char *line = NULL;
    size_t size = 0;
    unsigned different = 0;
    while (getline(&line, &size, file) > 0) {
        char *now = renew(b, line);
        fputs(now, out);
        if (strcmp(line, now) && !b->show) {
            printf("old %snew %s", line, now);
            different++;
        }
        free(now);
    }
    free(line);
    return different;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file))
        die("cannot write", path);
}

int main(int argc, char **argv)
{
    bool update = argc == 3 && !strcmp(argv[2], "--update");
    const char *show = argc == 4 && !strcmp(argv[2], "--show") ? argv[3] : NULL;
    char *text = NULL;
    size_t size;
    Bench b;
    if (argc != 2 && !update && !show) {
        fputs("usage: jit_quality FILE [--update | --show TEXT]\n", stderr);
        return 2;
    }
    FILE *file = fopen(argv[1], "r");
    if (!file)
        die("cannot read", argv[1]);
    FILE *out = open_memstream(&text, &size);
    bench_init(&b, show);
    unsigned different = compare(&b, file, out);
    fclose(out);
    fclose(file);
    printf("%u cases, %u differ; together %u IR operations, %u host instructions, %u in stubs, %u bytes\n",
           b.cases, different, b.total.ir, b.total.fast, b.total.stubs, b.total.bytes);
    if (update)
        write_file(argv[1], text);
    else if (different)
        printf("If the new numbers are as they should be: %s %s --update\n", argv[0], argv[1]);
    bench_free(&b);
    free(text);
    return different && !update;
}
