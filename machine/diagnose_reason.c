#define _GNU_SOURCE
#include "machine/diagnose_reason.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/boot_fdt.h"
#include "machine/kernel_text.h"
#include "roms/boot_params.h"

/* So often in a row is no accident; so few instructions lie between faults only in a loop. */
enum { SAME_FAULTS = 1000, TIGHT_LOOP = 4096, WIDE_LOOP = 1000000, SMALL_LOOP_BYTES = 64 };

enum { MOST_TREE = 2 << 20, COMMAND_LINE = 1024 };

/* Guest time beyond which nobody waits: a year. The clock's alarm is always set, decades ahead. */
#define FOR_EVER_NS UINT64_C(31536000000000000)

typedef struct Facts {
    Machine *machine;
    const DiagnoseHints *hints;
    const char *kernel_log;   /* NULL: there is none */
    KernelClue clue;          /* in the log or on the console */
    const char *tree_warning; /* the device tree is for another board; NULL: it is not, or there is none */
    bool has_command_line;
    char command_line[COMMAND_LINE];
} Facts;

/* ---- Facts ------------------------------------------------------------------------------------------- */

static void get_params(const Machine *m, BootParams *params)
{
    memcpy(params, m->rom + BOOT_PARAMS_OFFSET, sizeof *params);
    if (params->magic != BOOT_PARAMS_MAGIC)
        *params = (BootParams){0};
}

/* The tree that was handed over, as it lies in memory now (the guest may have used its place). */
static void look_at_tree(Facts *facts)
{
    const Machine *m = facts->machine;
    BootParams params;
    get_params(m, &params);
    const uint8_t *head = params.r2 ? bus_host(m->bus, params.r2, 8) : NULL;
    if (!head)
        return;
    uint32_t size = (uint32_t)head[4] << 24 | head[5] << 16 | head[6] << 8 | head[7];
    const uint8_t *host = size <= MOST_TREE ? bus_host(m->bus, params.r2, size) : NULL;
    if (!host)
        return;
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, host, size);
    TreeSource source = {.data = copy, .size = size};
    if (tree_check(&source, &facts->tree_warning, NULL)) {
        const char *text = tree_bootargs(&source);
        facts->has_command_line = true;
        snprintf(facts->command_line, sizeof facts->command_line, "%s", text ? text : "");
    }
    free(copy);
}

/* The kernel says which command line it got. */
static void look_at_kernel_log(Facts *facts)
{
    const char *label = "Kernel command line: ";
    const char *at = facts->kernel_log ? strstr(facts->kernel_log, label) : NULL;
    if (!at)
        return;
    at += strlen(label);
    facts->has_command_line = true;
    snprintf(facts->command_line, sizeof facts->command_line, "%.*s", (int)strcspn(at, "\n"), at);
}

bool diagnose_in_rom(const Machine *machine, uint32_t pc)
{
    const Region *region = bus_find(machine->bus, pc);
    return region && region->host && region->host == machine->rom;
}

const ExceptionRecord *diagnose_fault_loop(const Cpu *cpu)
{
    if (!cpu->recent_count || cpu->attention & (ATTN_HALTED | ATTN_RESET))
        return NULL;
    const ExceptionRecord *newest = &cpu->recent[(cpu->recent_count - 1) % EXCEPTION_RECORDS];
    uint64_t oldest = newest->icount;
    bool many = cpu->recent_count >= SAME_FAULTS;
    for (unsigned n = 0; n < EXCEPTION_RECORDS && n < cpu->recent_count; n++) {
        const ExceptionRecord *e = &cpu->recent[n];
        oldest = e->icount < oldest ? e->icount : oldest;
    }
    bool same = newest->times >= SAME_FAULTS;
    bool tight = many && newest->icount - oldest < TIGHT_LOOP;
    bool lately = cpu_icount(cpu) - newest->icount < (same ? WIDE_LOOP : TIGHT_LOOP);
    return (same || tight) && lately ? newest : NULL;
}

/* ---- Reasons ----------------------------------------------------------------------------------------- */

/* Each writes its sentence and returns true if it is the reason. In the order of the table below. */

static bool panicked(const Facts *facts, FILE *out)
{
    const char *label = "Kernel panic - not syncing: ";
    const char *texts[] = {facts->kernel_log, facts->hints->output};
    for (unsigned n = 0; n < 2; n++) {
        const char *at = texts[n] ? strstr(texts[n], label) : NULL;
        if (!at)
            continue;
        at += strlen(label);
        char *why = kernel_clue_explain(&facts->clue);
        fprintf(out, "the kernel panicked (\"%.*s\")%s%s", (int)strcspn(at, "\r\n"), at, why ? ": " : "",
                why ? why : "");
        free(why);
        return true;
    }
    return false;
}

static bool wrong_tree(const Facts *facts, FILE *out)
{
    if (!facts->tree_warning || facts->hints->output_length)
        return false;
    fprintf(out,
            "the device tree %s, so the kernel looks for its devices, the serial port among them, where this "
            "machine has none: leave --dtb out, or give vexpress-v2p-ca9.dtb",
            facts->tree_warning);
    return true;
}

static bool clue_found(const Facts *facts, FILE *out)
{
    char *why = kernel_clue_explain(&facts->clue);
    if (!why)
        return false;
    fprintf(out, "%s (kernel: \"%s\")", why, facts->clue.line);
    free(why);
    return true;
}

/* The value of the last console= of the command line; false if there is none. */
static bool last_console(const char *line, char *value, size_t size)
{
    bool found = false;
    for (const char *at = line; (at = strstr(at, "console="));) {
        bool word = at == line || at[-1] == ' ';
        at += strlen("console=");
        if (!word)
            continue;
        found = true;
        snprintf(value, size, "%.*s", (int)strcspn(at, " "), at);
    }
    return found;
}

static bool has_word(const char *line, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = line; (at = strstr(at, word)); at += length)
        if ((at == line || at[-1] == ' ') && (!at[length] || at[length] == ' ' || at[length] == '='))
            return true;
    return false;
}

/* What is wrong with the last console= of the command line, allocated; NULL if it is right. */
static char *wrong_console(const Facts *facts)
{
    char value[64] = "", *text = NULL;
    int length = 0;
    if (!last_console(facts->command_line, value, sizeof value))
        length = asprintf(
            &text, "there is no console= on its command line, so it prints nothing: add console=ttyAMA0 "
                   "to --append");
    else if (strncmp(value, "ttyAMA", 6) != 0)
        length = asprintf(
            &text,
            "its console is \"%s\" (console= on its command line), which this machine does not have: "
            "its serial ports are ttyAMA0 to ttyAMA3, use console=ttyAMA0",
            value);
    else if (strncmp(value, "ttyAMA0", 7) != 0)
        length = asprintf(
            &text,
            "its console is %s, which is not the first serial port: use console=ttyAMA0, or look at the "
            "other port (--serial, once more for each)",
            value);
    if (length < 0)
        abort();
    return text;
}

static bool no_console(const Facts *facts, FILE *out)
{
    if (facts->hints->output_length || !facts->has_command_line || !facts->kernel_log)
        return false;
    char *wrong = wrong_console(facts);
    if (wrong)
        fprintf(out, "the kernel runs, but %s", wrong);
    else
        fprintf(out,
                "the kernel runs and its console= is right, but it has not got as far as its serial port's "
                "driver: it "
                "is slow, or stuck before%s; earlycon=pl011,0x10009000 on the command line shows what comes "
                "before",
                has_word(facts->command_line, "quiet") ? " (and \"quiet\" hides messages)" : "");
    free(wrong);
    return true;
}

/* The same for what may be a kernel or not: it has no log yet, or one that cannot be read. */
static bool perhaps_no_console(const Facts *facts, FILE *out)
{
    if (facts->hints->output_length || !facts->has_command_line || facts->kernel_log)
        return false;
    char *wrong = wrong_console(facts);
    if (wrong)
        fprintf(out, "the guest runs without having written to a serial port; if it is a Linux kernel: %s",
                wrong);
    free(wrong);
    return wrong != NULL;
}

static bool fault_loop(const Facts *facts, FILE *out)
{
    const Machine *m = facts->machine;
    for (unsigned n = 0; n < m->options.cpus; n++) {
        const Cpu *cpu = m->cpu[n];
        const ExceptionRecord *e = diagnose_fault_loop(cpu);
        if (!e)
            continue;
        bool at_vectors = (e->pc & ~0x1fu) == (e->vector & ~0x1fu);
        fprintf(out, "%s takes exceptions over and over (%s at 0x%08x): ", cpu->name,
                exception_name((Exception)e->kind), e->pc);
        if (at_vectors)
            fprintf(
                out,
                "there is no code at its exception vectors (0x%08x), so that the first exception, whatever "
                "it "
                "was, leads into the next; the program has no vectors there, or is linked to another address "
                "or for another board",
                e->vector & ~0x1fu);
        else if (e->kind == EXC_UNDEFINED)
            fputs("the instruction does not exist on this CPU: the program is for another one, or jumped "
                  "into data",
                  out);
        else
            fputs("the exception's handler does not remove its cause", out);
        return true;
    }
    return false;
}

static bool early_stop(const Facts *facts, FILE *out)
{
    const Machine *m = facts->machine;
    DiagnoseLoop loop;
    Cpu *cpu = m->cpu[0];
    if (facts->kernel_log || cp15_bank(cpu)->sctlr & 1 || cpu->attention & ATTN_HALTED ||
        !diagnose_loop(facts->hints->samples, 0, &loop) || loop.last - loop.first > SMALL_LOOP_BYTES)
        return false;
    fprintf(out,
            "the program stopped itself early, in a small loop with the MMU off. A Linux kernel does so when "
            "it is "
            "not built for this CPU (a Cortex-A9: ARMv7 without LPAE)%s",
            facts->has_command_line ? "" : ", or finds no device tree (r2)");
    return true;
}

static bool in_monitor(const Facts *facts, FILE *out)
{
    const Machine *m = facts->machine;
    BootParams params;
    get_params(m, &params);
    if (params.flags & BOOT_PARAMS_ENTER || !diagnose_in_rom(m, m->cpu[0]->pc))
        return false;
    fputs("no program was given, and the boot ROM's monitor waits for a command", out);
    return true;
}

static bool sleeps_for_ever(const Facts *facts, FILE *out)
{
    const Machine *m = facts->machine;
    Cpu *cpu = m->cpu[0];
    uint64_t due = clock_next_due(m->clock), now = clock_now(m->clock);
    if (!diagnose_idle(m) || (due != CLOCK_NEVER && due < now + FOR_EVER_NS))
        return false;
    fprintf(out,
            "every CPU sleeps (%s) and no timer runs that could wake one: only input can, if the guest "
            "listens for it",
            cpu->halted_for_event ? "WFE" : "WFI");
    return true;
}

static bool idle(const Facts *facts, FILE *out)
{
    if (!diagnose_idle(facts->machine))
        return false;
    fputs("the guest is idle: every CPU sleeps until an interrupt comes. It waits for input, a timer or a "
          "device",
          out);
    return true;
}

static bool never_spoke(const Facts *facts, FILE *out)
{
    if (facts->hints->output_length || facts->kernel_log)
        return false;
    fputs("the guest runs, but never wrote to a serial port; its first one, a PL011, is at 0x10009000", out);
    return true;
}

static bool busy(const Facts *facts, FILE *out)
{
    (void)facts;
    fputs("none is evident: the guest is busy without saying anything; see where its CPUs are", out);
    return true;
}

typedef bool (*Reason)(const Facts *facts, FILE *out);

/* The most certain first. */
static const Reason reasons[] = {panicked,           wrong_tree, clue_found,  no_console,
                                 fault_loop,         early_stop, in_monitor,  sleeps_for_ever,
                                 perhaps_no_console, idle,       never_spoke, busy};

char *diagnose_reason(Machine *machine, const DiagnoseHints *hints, const char *kernel_log)
{
    static const DiagnoseHints none;
    Facts facts = {.machine = machine, .hints = hints ? hints : &none, .kernel_log = kernel_log};
    look_at_tree(&facts);
    look_at_kernel_log(&facts);
    if (kernel_log)
        kernel_clue_look_all(&facts.clue, kernel_log);
    if (facts.hints->output)
        kernel_clue_look_all(&facts.clue, facts.hints->output);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    for (unsigned n = 0; n < sizeof reasons / sizeof *reasons && !reasons[n](&facts, out); n++)
        ;
    fclose(out);
    return text;
}
