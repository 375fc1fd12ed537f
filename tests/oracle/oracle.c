/* The instruction oracle: random blocks run on our CPU and under QEMU's user mode must agree in registers,
 * flags, FPSCR and memory. Prints the coverage of the tables.
 *
 *     oracle --runner PROGRAM [--seed N] [--blocks N] [--tables a32,t16,t32,vfp,neon] [--row NAME]
 * [--jit] [--verbose] */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu/insn.h"
#include "tests/oracle/generate.h"
#include "tests/oracle/subject.h"

enum { BATCH = 20000, MAX_REPORTS = 20, MAX_ROWS = 2048 };

/* Flags that both sides must agree on: NZCVQ and GE. */
#define CPSR_COMPARED 0xf80f0000u

typedef struct Run {
    const char *qemu, *runner, *only_row;
    unsigned tables;
    uint64_t seed;
    unsigned long blocks, differences, instructions, ended, aborted, undefined, stray;
    unsigned long covered[MAX_ROWS];
    bool verbose, jit;
    char folder[64];
} Run;

static void dump_code(const OracleCase *c)
{
    const uint16_t *half = (const uint16_t *)c->code;
    char text[128];
    uint8_t itstate = 0;
    for (unsigned n = 0; n < 2 * ORACLE_CODE_WORDS;) {
        uint32_t address = ORACLE_CODE + 2 * n, raw;
        InsnSet set = !c->thumb ? SET_A32 : thumb_is_32bit(half[n]) ? SET_T32 : SET_T16;
        raw = set == SET_T16   ? half[n]
              : set == SET_T32 ? (uint32_t)half[n] << 16 | half[n + 1]
                               : (uint32_t)half[n + 1] << 16 | half[n];
        if (raw == 0xe51ff004 || raw == 0xf8dff000)
            return;
        Insn insn;
        decode(&insn, set, raw, itstate);
        itstate = insn_next_itstate(&insn);
        disassemble(&insn, address, text, sizeof text);
        printf("    %08x  %08x  %-28s %s\n", address, raw, insn_table[insn.row].name, text);
        n += insn.length / 2;
    }
}

static void report(const Run *run, unsigned long number, const OracleCase *c, const OracleResult *theirs,
                   const OracleResult *ours)
{
    printf("difference in block %lu (seed %llu):\n", number, (unsigned long long)run->seed);
    dump_code(c);
    printf("    outcome: theirs %u at %08x, ours %u at %08x; data %08x, ours %08x\n", theirs->outcome,
           theirs->pc, ours->outcome, ours->pc, theirs->data_hash, ours->data_hash);
    for (unsigned n = 0; n < 15; n++)
        if (theirs->out.r[n] != ours->out.r[n])
            printf("    r%u: in %08x, theirs %08x, ours %08x\n", n, c->in.r[n], theirs->out.r[n],
                   ours->out.r[n]);
    if ((theirs->out.cpsr ^ ours->out.cpsr) & CPSR_COMPARED)
        printf("    cpsr: in %08x, theirs %08x, ours %08x\n", c->in.cpsr, theirs->out.cpsr, ours->out.cpsr);
    if (theirs->out.fpscr != ours->out.fpscr)
        printf("    fpscr: in %08x, theirs %08x, ours %08x\n", c->in.fpscr, theirs->out.fpscr,
               ours->out.fpscr);
    for (unsigned n = 0; n < 32; n++)
        if (theirs->out.d[n] != ours->out.d[n])
            printf("    d%u: in %016llx, theirs %016llx, ours %016llx\n", n, (unsigned long long)c->in.d[n],
                   (unsigned long long)theirs->out.d[n], (unsigned long long)ours->out.d[n]);
}

/* After an abort in the middle of a multiple load or store it is free which words were stored and which
 * vector registers were loaded (DDI 0406C B2.4). */
static bool equal(const OracleResult *a, const OracleResult *b)
{
    return a->outcome == b->outcome && a->pc == b->pc &&
           (a->outcome == ORACLE_ABORT || a->data_hash == b->data_hash) &&
           !memcmp(a->out.r, b->out.r, sizeof a->out.r) && !((a->out.cpsr ^ b->out.cpsr) & CPSR_COMPARED) &&
           a->out.fpscr == b->out.fpscr &&
           (a->outcome == ORACLE_ABORT || !memcmp(a->out.d, b->out.d, sizeof a->out.d));
}

static bool run_theirs(const Run *run, const char *cases, const char *results)
{
    pid_t pid = fork();
    if (pid == 0) {
        execlp(run->qemu, run->qemu, "-cpu", "cortex-a9", run->runner, cases, results, (char *)NULL);
        perror(run->qemu);
        _exit(127);
    }
    int status = 0;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void *read_all(const char *path, size_t bytes)
{
    FILE *file = fopen(path, "rb");
    void *data = malloc(bytes);
    if (!file || !data || fread(data, 1, bytes, file) != bytes) {
        fprintf(stderr, "oracle: %s is shorter than expected: the runner stopped early\n", path);
        exit(2);
    }
    fclose(file);
    return data;
}

static void write_all(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, bytes, file) != bytes || fclose(file)) {
        perror(path);
        exit(2);
    }
}

static bool row_wanted(const Run *run, uint16_t row)
{
    return generate_wanted(row, run->tables) &&
           (!run->only_row || !strcmp(insn_table[row].name, run->only_row));
}

/* Generates cases whose first rows go round the tables, so that every row gets its share. */
static unsigned generate_batch(Run *run, Rng *rng, unsigned count, OracleCase *cases, GenBlock *blocks)
{
    static uint16_t next = 1;
    unsigned made = 0, failures = 0;
    while (made < count && failures < 100000) {
        next = next + 1u < insn_count ? (uint16_t)(next + 1) : 1;
        if (row_wanted(run, next) && generate_case(rng, run->tables, next, &cases[made], &blocks[made]))
            made++;
        else
            failures++;
    }
    return made;
}

/* QEMU's user mode has the runner's stack there, of which our side knows nothing: a case that gets there by
 * chance shows nothing. */
static bool met_their_stack(const Subject *subject, const OracleResult *theirs, const OracleResult *ours)
{
    enum { STACK = 0x40000000, STACK_BYTES = 9 << 20 };
    return ours->outcome == ORACLE_ABORT && theirs->outcome != ORACLE_ABORT &&
           subject_fault_address(subject) - STACK < STACK_BYTES;
}

static void compare_batch(Run *run, Subject *subject, unsigned count, const OracleCase *cases,
                          const GenBlock *blocks, const OracleResult *theirs)
{
    for (unsigned n = 0; n < count; n++, run->blocks++) {
        OracleResult ours;
        subject_run(subject, &cases[n], &ours);
        run->instructions += blocks[n].rows;
        run->ended += theirs[n].outcome == ORACLE_ENDED;
        run->aborted += theirs[n].outcome == ORACLE_ABORT;
        run->undefined += theirs[n].outcome == ORACLE_UNDEFINED;
        for (unsigned k = 0; theirs[n].outcome == ORACLE_ENDED && k < blocks[n].rows; k++)
            run->covered[blocks[n].row[k]]++;
        bool stack = met_their_stack(subject, &theirs[n], &ours);
        run->stray += stack;
        if (stack || equal(&theirs[n], &ours))
            continue;
        if (run->differences++ < MAX_REPORTS || run->verbose)
            report(run, run->blocks, &cases[n], &theirs[n], &ours);
    }
}

/* Prints which rows ran to the end of a block, and returns how many wanted ones never did. */
static unsigned print_coverage(const Run *run)
{
    unsigned wanted = 0, missing = 0;
    for (uint16_t row = 1; row < insn_count; row++) {
        if (!row_wanted(run, row))
            continue;
        wanted++;
        if (!run->covered[row]) {
            missing++;
            printf("not covered: %s\n", insn_table[row].name);
        }
    }
    for (uint16_t row = 1; run->verbose && row < insn_count; row++)
        if ((run->tables >> insn_table[row].table & 1) && generate_skip_reason(row))
            printf("left out: %s (%s)\n", insn_table[row].name, generate_skip_reason(row));
    printf("coverage: %u of %u rows\n", wanted - missing, wanted);
    return missing;
}

static unsigned parse_tables(const char *list)
{
    static const char *const names[] = {"a32", "t16", "t32", "cop", "vfp", "neon"};
    unsigned tables = 0;
    for (unsigned n = 0; n < 6; n++)
        if (strstr(list, names[n]))
            tables |= 1u << n;
    return tables;
}

static void parse(Run *run, int argc, char **argv, unsigned long *blocks)
{
    static const struct option options[] = {
        {"runner", 1, 0, 'r'},
        {"seed",       1, 0, 's'},
        {"blocks",        1, 0, 'b'},
        {"tables", 1, 0, 't'},
        {"jit",     0, 0, 'j'},
        {"verbose", 0, 0, 'v'},
        {"row",       1, 0, 'o'},
        {"qemu",        1, 0, 'q'},
        {0      }
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'r':
            run->runner = optarg;
            break;
        case 'q':
            run->qemu = optarg;
            break;
        case 's':
            run->seed = strtoull(optarg, NULL, 0);
            break;
        case 'b':
            *blocks = strtoul(optarg, NULL, 0);
            break;
        case 't':
            run->tables = parse_tables(optarg);
            break;
        case 'o':
            run->only_row = optarg;
            break;
        case 'v':
            run->verbose = true;
            break;
        case 'j':
            run->jit = true;
            break;
        default:
            exit(2);
        }
    }
    if (!run->runner || !run->tables) {
        fprintf(stderr, "oracle: --runner PROGRAM is needed, and --tables must name at least one table\n");
        exit(2);
    }
}

static void run_batches(Run *run, unsigned long blocks)
{
    char cases_path[96], results_path[96];
    strcpy(run->folder, "/tmp/oracle.XXXXXX");
    if (!mkdtemp(run->folder)) {
        perror("mkdtemp");
        exit(2);
    }
    snprintf(cases_path, sizeof cases_path, "%s/cases", run->folder);
    snprintf(results_path, sizeof results_path, "%s/results", run->folder);
    Rng rng = {run->seed};
    OracleCase *cases = malloc(BATCH * sizeof *cases);
    GenBlock *made = malloc(BATCH * sizeof *made);
    Subject *subject = subject_new(run->jit);
    while (run->blocks < blocks) {
        unsigned long left = blocks - run->blocks;
        unsigned count = generate_batch(run, &rng, left < BATCH ? (unsigned)left : BATCH, cases, made);
        if (!count)
            break;
        write_all(cases_path, cases, count * sizeof *cases);
        if (!run_theirs(run, cases_path, results_path)) {
            fprintf(stderr, "oracle: the runner failed\n");
            exit(2);
        }
        OracleResult *theirs = read_all(results_path, count * sizeof *theirs);
        compare_batch(run, subject, count, cases, made, theirs);
        free(theirs);
    }
    subject_free(subject);
    free(cases);
    free(made);
    unlink(cases_path);
    unlink(results_path);
    rmdir(run->folder);
}

int main(int argc, char **argv)
{
    static Run run = {.qemu = "qemu-arm", .tables = GEN_ALL, .seed = 1};
    unsigned long blocks = 100000;
    parse(&run, argc, argv, &blocks);
    decode_init();
    run_batches(&run, blocks);
    unsigned missing = print_coverage(&run);
    printf("%lu blocks (seed %llu), %lu instructions: %lu ended, %lu aborted, %lu undefined, %lu stray; "
           "%lu differences\n",
           run.blocks, (unsigned long long)run.seed, run.instructions, run.ended, run.aborted, run.undefined,
           run.stray, run.differences);
    return run.differences || (missing && !run.only_row) ? 1 : 0;
}
