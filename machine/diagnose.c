#define _GNU_SOURCE
#include "machine/diagnose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/insn.h"
#include "machine/board.h"
#include "machine/diagnose_reason.h"

enum { KERNEL_LOG_LINES = 12, EXCEPTIONS_SHOWN = 4 };

static FILE *text_open(char **text, size_t *size)
{
    FILE *out = open_memstream(text, size);
    if (!out)
        abort();
    return out;
}

static void write_place(FILE *out, const Symbols *symbols, uint32_t address)
{
    char text[SYMBOLS_TEXT];
    fputs(symbols_text(symbols, address, text, sizeof text), out);
}

/* ---- CPUs -------------------------------------------------------------------------------------------- */

static const char *mode_name(unsigned mode)
{
    static const char *const names[16] = {
        [0x0] = "User",    [0x1] = "FIQ",   [0x2] = "IRQ",       [0x3] = "Supervisor",
        [0x6] = "Monitor", [0x7] = "Abort", [0xb] = "Undefined", [0xf] = "System"};
    return mode >> 4 == 1 && names[mode & 15] ? names[mode & 15] : "unknown";
}

static const char *masks_name(const Cpu *cpu)
{
    static const char *const names[] = {"interrupts on", "IRQ masked", "FIQ masked", "IRQ and FIQ masked"};
    return names[cpu->i + 2 * cpu->f];
}

static const char *activity(const Machine *m, const Cpu *cpu)
{
    if (cpu->attention & ATTN_RESET)
        return "held in reset";
    if (!(cpu->attention & ATTN_HALTED))
        return "running";
    if (cpu->number && diagnose_in_rom(m, cpu->pc))
        return "asleep in the boot ROM until the kernel starts it";
    return cpu->halted_for_event ? "asleep (WFE)" : "asleep (WFI)";
}

static void write_cpu(FILE *out, Machine *m, unsigned n, const Symbols *symbols)
{
    Cpu *cpu = m->cpu[n];
    fprintf(out, "%s: pc ", cpu->name);
    write_place(out, symbols, cpu_insn_address(cpu));
    fprintf(out, ", %s mode%s, %s, MMU %s, %s, %s, %llu instructions", mode_name(cpu->mode),
            cpu->thumb ? " (Thumb)" : "", cpu->secure ? "Secure" : "Non-secure",
            cp15_bank(cpu)->sctlr & 1 ? "on" : "off", masks_name(cpu), activity(m, cpu),
            (unsigned long long)cpu_icount(cpu));
}

char *diagnose_cpus(Machine *machine, const Symbols *symbols)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = text_open(&text, &size);
    for (unsigned n = 0; n < machine->options.cpus; n++) {
        write_cpu(out, machine, n, symbols);
        fputc('\n', out);
    }
    fclose(out);
    return text;
}

bool diagnose_idle(const Machine *machine)
{
    for (unsigned n = 0; n < machine->options.cpus; n++)
        if (!(machine->cpu[n]->attention & (ATTN_HALTED | ATTN_RESET)))
            return false;
    return true;
}

/* ---- Exceptions -------------------------------------------------------------------------------------- */

/* DDI 0406C tables B3-23 and B4-5: status bits 10 and 3:0. */
static const char *fault_name(uint32_t fsr)
{
    static const char *const names[32] = {
        [0x01] = "alignment fault",
        [0x02] = "debug event (BKPT)",
        [0x03] = "access flag fault, section",
        [0x04] = "fault on cache maintenance",
        [0x05] = "translation fault: no section is mapped there",
        [0x06] = "access flag fault, page",
        [0x07] = "translation fault: no page is mapped there",
        [0x08] = "external abort: nothing answers at the address",
        [0x09] = "domain fault, section",
        [0x0b] = "domain fault, page",
        [0x0c] = "external abort on the first level of a table walk",
        [0x0d] = "permission fault, section",
        [0x0e] = "external abort on the second level of a table walk",
        [0x0f] = "permission fault, page",
        [0x16] = "asynchronous external abort",
    };
    const char *name = names[(fsr & 0xf) | (fsr >> 6 & 0x10)];
    return name ? name : "unknown fault";
}

static void write_instruction(FILE *out, const ExceptionRecord *e)
{
    bool thumb = e->cpsr & PSR_T;
    Insn insn;
    char text[96];
    InsnSet set = !thumb ? SET_A32 : e->raw > UINT16_MAX ? SET_T32 : SET_T16;
    decode(&insn, set, e->raw, 0);
    disassemble(&insn, e->pc, text, sizeof text);
    fprintf(out, ", instruction 0x%08x \"%s\"", e->raw, text);
}

static void write_exception(FILE *out, const ExceptionRecord *e, const Symbols *symbols)
{
    fprintf(out, "%s at ", exception_name((Exception)e->kind));
    write_place(out, symbols, e->pc);
    if (e->kind == EXC_DATA_ABORT)
        fprintf(out, " on a %s of 0x%08x: %s (DFSR 0x%03x, domain %u)", e->fsr & 1 << 11 ? "write" : "read",
                e->far, fault_name(e->fsr), e->fsr, e->fsr >> 4 & 15);
    else if (e->kind == EXC_PREFETCH_ABORT)
        fprintf(out, ": %s (IFSR 0x%03x, IFAR 0x%08x)", fault_name(e->fsr), e->fsr, e->far);
    if (e->has_insn && e->kind != EXC_SVC && e->kind != EXC_SMC)
        write_instruction(out, e);
    if (e->times > 1)
        fprintf(out, ", %llu times in a row", (unsigned long long)e->times);
}

static void write_exceptions(FILE *out, const Cpu *cpu, const Symbols *symbols)
{
    uint64_t kept = cpu->recent_count < EXCEPTION_RECORDS ? cpu->recent_count : EXCEPTION_RECORDS;
    const uint64_t *count = cpu->exceptions;
    fprintf(out,
            "  exceptions of %s: %llu IRQ, %llu FIQ, %llu SVC, %llu undefined, %llu prefetch and %llu data "
            "aborts%s\n",
            cpu->name, (unsigned long long)count[EXC_IRQ], (unsigned long long)count[EXC_FIQ],
            (unsigned long long)count[EXC_SVC], (unsigned long long)count[EXC_UNDEFINED],
            (unsigned long long)count[EXC_PREFETCH_ABORT], (unsigned long long)count[EXC_DATA_ABORT],
            kept ? "; the last faults, newest first:" : "");
    for (uint64_t n = 0; n < kept && n < EXCEPTIONS_SHOWN; n++) {
        fputs("    ", out);
        write_exception(out, &cpu->recent[(cpu->recent_count - 1 - n) % EXCEPTION_RECORDS], symbols);
        fputc('\n', out);
    }
}

/* ---- Interrupts -------------------------------------------------------------------------------------- */

/* Registers of the GIC (IHI 0048A chapter 4). */
enum {
    ICDDCR = 0x000,
    ICDISER = 0x100,
    ICDISPR = 0x200,
    ICDABR = 0x300,
    ICDIPR = 0x400,
    ICDIPTR = 0x800,
    ICCICR = 0x00,
    ICCPMR = 0x04,
    ICCRPR = 0x14,
    IDS = 96,
    MOST_LISTED = 6
};

typedef struct Gic {
    Device *distributor, *interface;
} Gic;

static bool id_bit(Device *dev, uint32_t bank, unsigned id, uint8_t cpu)
{
    return device_peek(dev, bank + id / 32 * 4, cpu) >> id % 32 & 1;
}

static uint8_t id_byte(Device *dev, uint32_t bank, unsigned id, uint8_t cpu)
{
    return (uint8_t)(device_peek(dev, bank + (id & ~3u), cpu) >> 8 * (id & 3));
}

static const char *source_of(unsigned id)
{
    static const char *const private[32] = {[27] = "global timer",
                                            [28] = "FIQ pin",
                                            [29] = "private timer",
                                            [30] = "private watchdog",
                                            [31] = "IRQ pin"};
    const Board *board = &vexpress_a9;
    if (id < 16)
        return "from another CPU";
    if (id < 32)
        return private[id] ? private[id] : "?";
    for (unsigned n = 0; n < board->device_count; n++)
        for (unsigned k = 0; k < board->device[n].lines; k++)
            if (!board->device[n].line[k].device && board->device[n].line[k].input == id - 32)
                return board->device[n].name;
    return "?";
}

/* Why a pending interrupt is not taken, or that it will be. */
static const char *why_waiting(const Gic *gic, const Cpu *cpu, unsigned id)
{
    uint8_t n = (uint8_t)cpu->number;
    bool several = cpu->cpus > 1 && id >= 32;
    if (!id_bit(gic->distributor, ICDISER, id, n))
        return "not enabled in the distributor (ICDISER)";
    if (!(device_peek(gic->distributor, ICDDCR, n) & 3))
        return "the distributor is off (ICDDCR)";
    if (several && !(id_byte(gic->distributor, ICDIPTR, id, n) >> n & 1))
        return "not for this CPU (ICDIPTR)";
    if (!(device_peek(gic->interface, ICCICR, n) & 3))
        return "the CPU interface is off (ICCICR)";
    uint8_t priority = id_byte(gic->distributor, ICDIPR, id, n);
    if (priority >= device_peek(gic->interface, ICCPMR, n))
        return "its priority is not above the mask (ICCPMR)";
    if (id_bit(gic->distributor, ICDABR, id, n))
        return "it is being handled and was not ended (ICCEOIR)";
    if (priority >= device_peek(gic->interface, ICCRPR, n))
        return "another interrupt is being handled and was not ended (ICCEOIR)";
    if (cpu->attention & ATTN_FIQ)
        return cpu->f ? "the CPU masks FIQ (CPSR.F)" : "about to be taken";
    return cpu->i ? "the CPU masks IRQ (CPSR.I)" : "about to be taken";
}

static void write_interrupts(FILE *out, Machine *m, const Cpu *cpu)
{
    Gic gic = {machine_device(m, "gic"), machine_device(m, "gic_cpu")};
    unsigned listed = 0;
    for (unsigned id = 0; gic.distributor && gic.interface && id < IDS; id++) {
        uint8_t n = (uint8_t)cpu->number;
        /* A CPU that sleeps may wait for one that it forgot to enable. */
        bool wanted = id_bit(gic.distributor, ICDISER, id, n) || cpu->attention & ATTN_HALTED;
        bool mine = id < 32 || cpu->cpus == 1 || id_byte(gic.distributor, ICDIPTR, id, n) >> n & 1;
        if (!wanted || !mine || !id_bit(gic.distributor, ICDISPR, id, n))
            continue;
        if (listed++ == 0)
            fprintf(out, "  interrupts pending for %s:\n", cpu->name);
        if (listed <= MOST_LISTED)
            fprintf(out, "    %u (%s): %s\n", id, source_of(id), why_waiting(&gic, cpu, id));
    }
    if (listed > MOST_LISTED)
        fprintf(out, "    and %u more\n", listed - MOST_LISTED);
}

/* ---- Loops ------------------------------------------------------------------------------------------- */

void diagnose_sample(DiagnoseSamples *samples, const Machine *machine)
{
    for (unsigned n = 0; n < machine->options.cpus; n++) {
        const Cpu *cpu = machine->cpu[n];
        bool asleep = cpu->attention & (ATTN_HALTED | ATTN_RESET);
        samples->asleep[n] = asleep && (samples->asleep[n] || !samples->count);
        samples->pc[n][samples->count % DIAGNOSE_SAMPLES] = cpu_insn_address(cpu);
    }
    samples->count++;
}

static int compare_words(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

bool diagnose_loop(const DiagnoseSamples *samples, unsigned cpu, DiagnoseLoop *loop)
{
    unsigned count = !samples ? 0 : samples->count < DIAGNOSE_SAMPLES ? samples->count : DIAGNOSE_SAMPLES;
    if (!count)
        return false;
    uint32_t pc[DIAGNOSE_SAMPLES];
    memcpy(pc, samples->pc[cpu], count * sizeof *pc);
    qsort(pc, count, sizeof *pc, compare_words);
    *loop = (DiagnoseLoop){.first = pc[0], .last = pc[count - 1], .places = 1};
    for (unsigned n = 1; n < count; n++)
        loop->places += pc[n] != pc[n - 1];
    return true;
}

/* Where it was most often, by function or by page. */
static void write_busiest(FILE *out, const DiagnoseSamples *samples, unsigned cpu, const Symbols *symbols)
{
    unsigned count = samples->count < DIAGNOSE_SAMPLES ? samples->count : DIAGNOSE_SAMPLES;
    uint32_t best = 0;
    unsigned most = 0, run = 0;
    uint32_t start[DIAGNOSE_SAMPLES];
    for (unsigned n = 0; n < count; n++) {
        uint32_t offset, pc = samples->pc[cpu][n];
        start[n] = symbols_name(symbols, pc, &offset) ? pc - offset : pc & ~(uint32_t)0xfff;
    }
    qsort(start, count, sizeof *start, compare_words);
    for (unsigned n = 0; n < count; n++) {
        run = n && start[n] == start[n - 1] ? run + 1 : 1;
        if (run > most) {
            most = run;
            best = start[n];
        }
    }
    fprintf(out, "; of %u samples %u lie in %s", count, most, symbols ? "" : "the page at ");
    write_place(out, symbols, best);
}

static void write_loop(FILE *out, const Machine *m, unsigned n, const DiagnoseHints *hints)
{
    DiagnoseLoop loop;
    const Cpu *cpu = m->cpu[n];
    if (!hints || cpu->attention & (ATTN_HALTED | ATTN_RESET) || !diagnose_loop(hints->samples, n, &loop))
        return;
    uint32_t bytes = loop.last - loop.first + (cpu->thumb ? 2 : 4);
    if (loop.places == 1)
        fputs("; it stays at that instruction", out);
    else if (bytes <= 4096)
        fprintf(out, "; it loops within %u bytes from 0x%08x to 0x%08x", bytes, loop.first, loop.last);
    else
        write_busiest(out, hints->samples, n, hints->symbols);
}

/* ---- The whole --------------------------------------------------------------------------------------- */

static void write_kernel_log(FILE *out, const char *log)
{
    fputs("  the last messages in the kernel's log buffer:\n", out);
    for (const char *line = log; *line;) {
        size_t length = strcspn(line, "\n");
        fprintf(out, "    %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

char *diagnose_explain(Machine *machine, const DiagnoseHints *hints)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = text_open(&text, &size);
    const Symbols *symbols = hints ? hints->symbols : NULL;
    char *log = diagnose_kernel_log(machine, symbols, 400);
    char *reason = diagnose_reason(machine, hints, log);
    char *tail = log ? diagnose_kernel_log(machine, symbols, KERNEL_LOG_LINES) : NULL;
    if (hints && hints->silent_seconds)
        fprintf(out, "the guest has said nothing for %u seconds. ", hints->silent_seconds);
    fprintf(out, "Likely reason: %s.\n", reason);
    for (unsigned n = 0; n < machine->options.cpus; n++) {
        fputs("  ", out);
        write_cpu(out, machine, n, symbols);
        write_loop(out, machine, n, hints);
        fputc('\n', out);
        write_exceptions(out, machine->cpu[n], symbols);
        write_interrupts(out, machine, machine->cpu[n]);
    }
    if (tail)
        write_kernel_log(out, tail);
    fclose(out);
    free(log);
    free(reason);
    free(tail);
    return text;
}
