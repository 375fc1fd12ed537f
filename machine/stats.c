/* Each counter is a row: what it is called and how it is read. Rows of a CPU appear once for each. */
#include "machine/stats.h"

#include <string.h>

#include "cpu/code_cache.h"
#include "machine/host_time.h"
#include "machine/unmodelled.h"

typedef struct Row {
    const char *name;
    const char *group;
    const char *unit;
    const char *help;
    double (*read)(const Machine *m, unsigned cpu);
    bool per_cpu;
    bool fraction;
} Row;

/* ---- How they are read ------------------------------------------------------------------------------ */

static double host_seconds(const Machine *m, unsigned cpu)
{
    (void)cpu;
    return (double)(host_ns() - m->built) / 1e9;
}

static double guest_seconds(const Machine *m, unsigned cpu)
{
    (void)cpu;
    return (double)clock_now(m->clock) / 1e9;
}

static double cpu_seconds(const Machine *m, unsigned cpu)
{
    (void)m;
    (void)cpu;
    return (double)host_clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9;
}

static double time_ratio(const Machine *m, unsigned cpu)
{
    double host = host_seconds(m, cpu);
    return host > 0 ? guest_seconds(m, cpu) / host : 0;
}

static double instructions(const Machine *m, unsigned cpu)
{
    return (double)cpu_icount(m->cpu[cpu]);
}

static double all_instructions(const Machine *m, unsigned cpu)
{
    (void)cpu;
    return (double)machine_icount(m);
}

static double mips(const Machine *m, unsigned cpu)
{
    double seconds = cpu_seconds(m, cpu);
    return seconds > 0 ? (double)machine_icount(m) / seconds / 1e6 : 0;
}

static double resets(const Machine *m, unsigned cpu)
{
    return (double)m->cpu[cpu]->exceptions[EXC_RESET];
}

static double undefined(const Machine *m, unsigned cpu)
{
    return (double)m->cpu[cpu]->exceptions[EXC_UNDEFINED];
}

static double supervisor_calls(const Machine *m, unsigned cpu)
{
    return (double)m->cpu[cpu]->exceptions[EXC_SVC];
}

static double monitor_calls(const Machine *m, unsigned cpu)
{
    return (double)m->cpu[cpu]->exceptions[EXC_SMC];
}

static double prefetch_aborts(const Machine *m, unsigned cpu)
{
    return (double)m->cpu[cpu]->exceptions[EXC_PREFETCH_ABORT];
}

static double data_aborts(const Machine *m, unsigned cpu)
{
    return (double)m->cpu[cpu]->exceptions[EXC_DATA_ABORT];
}

static double irqs(const Machine *m, unsigned cpu)
{
    return (double)m->cpu[cpu]->exceptions[EXC_IRQ];
}

static double fiqs(const Machine *m, unsigned cpu)
{
    return (double)m->cpu[cpu]->exceptions[EXC_FIQ];
}

static double tlb_fills(const Machine *m, unsigned cpu)
{
    return (double)mmu_counts(m->cpu[cpu]).fills;
}

static double tlb_flushes(const Machine *m, unsigned cpu)
{
    return (double)mmu_counts(m->cpu[cpu]).flushes;
}

static double blocks_decoded(const Machine *m, unsigned cpu)
{
    (void)cpu;
    return (double)code_cache_counts(m->code).decoded;
}

static double blocks_dropped(const Machine *m, unsigned cpu)
{
    (void)cpu;
    return (double)code_cache_counts(m->code).dropped;
}

static double cache_emptied(const Machine *m, unsigned cpu)
{
    (void)cpu;
    return (double)code_cache_counts(m->code).emptied;
}

static double idle_seconds(const Machine *m, unsigned cpu)
{
    (void)cpu;
    return (double)m->idle_ns / 1e9;
}

static double timer_events(const Machine *m, unsigned cpu)
{
    (void)cpu;
    return (double)clock_callbacks(m->clock);
}

static double display_looks(const Machine *m, unsigned cpu)
{
    (void)cpu;
    return (double)display_counts(m->display).looks;
}

static double display_pictures(const Machine *m, unsigned cpu)
{
    (void)cpu;
    return (double)display_counts(m->display).pictures;
}

static double display_rows(const Machine *m, unsigned cpu)
{
    (void)cpu;
    return (double)display_counts(m->display).rows;
}

static double display_shown(const Machine *m, unsigned cpu)
{
    (void)cpu;
    return (double)display_counts(m->display).shown;
}

static double unmodelled_registers(const Machine *m, unsigned cpu)
{
    (void)cpu;
    return (double)unmodelled_count(log_unmodelled_list(m->log));
}

/* ---- The table -------------------------------------------------------------------------------------- */

/* clang-format off */
static const Row rows[] = {
    {"host",          "time",         "s",    "host time since the machine was built",         host_seconds,     false, true},
    {"processor",     "time",         "s",    "processor time this program used",              cpu_seconds,      false, true},
    {"idle",          "time",         "s",    "host time with nothing to run",                 idle_seconds,     false, true},
    {"guest",         "time",         "s",    "virtual time",                                  guest_seconds,    false, true},
    {"ratio",         "time",         "",     "virtual time per host time",                    time_ratio,       false, true},
    {"instructions",  "instructions", "",     "begun by this CPU",                             instructions,     true,  false},
    {"all",           "instructions", "",     "begun by all CPUs",                             all_instructions, false, false},
    {"mips",          "instructions", "MIPS", "millions per second of processor time",         mips,             false, true},
    {"resets",        "exceptions",   "",     "resets",                                        resets,           true,  false},
    {"undefined",     "exceptions",   "",     "undefined instructions",                        undefined,        true,  false},
    {"svc",           "exceptions",   "",     "supervisor calls",                              supervisor_calls, true,  false},
    {"smc",           "exceptions",   "",     "secure monitor calls",                          monitor_calls,    true,  false},
    {"prefetch_aborts", "exceptions", "",     "prefetch aborts",                               prefetch_aborts,  true,  false},
    {"data_aborts",   "exceptions",   "",     "data aborts",                                   data_aborts,      true,  false},
    {"irqs",          "exceptions",   "",     "interrupts (IRQ) taken",                        irqs,             true,  false},
    {"fiqs",          "exceptions",   "",     "fast interrupts (FIQ) taken",                   fiqs,             true,  false},
    {"tlb_fills",     "memory",       "",     "entries put into the software TLB",             tlb_fills,        true,  false},
    {"tlb_flushes",   "memory",       "",     "TLB maintenance operations",                    tlb_flushes,      true,  false},
    {"timers",        "devices",      "",     "timers that ran out",                           timer_events,     false, false},
    {"unmodelled",    "devices",      "",     "registers used that are not modelled",          unmodelled_registers, false, false},
    {"looks",         "display",      "",     "looks at the screen, by the window and others", display_looks,    false, false},
    {"pictures",      "display",      "",     "of these, those that found something changed",  display_pictures, false, false},
    {"rows",          "display",      "",     "rows of pixels that had changed",               display_rows,     false, false},
    {"shown",         "display",      "",     "pictures that the window has shown",            display_shown,    false, false},
    {"decoded",       "blocks",       "",     "blocks of code decoded",                        blocks_decoded,   false, false},
    {"dropped",       "blocks",       "",     "blocks dropped because their memory was written", blocks_dropped, false, false},
    {"emptied",       "blocks",       "",     "how often all blocks were dropped",             cache_emptied,    false, false},
};
/* clang-format on */

enum { ROWS = sizeof rows / sizeof *rows };

/* Why all blocks were dropped: one counter each. */
static const struct {
    const char *name, *help;
} flushes[FLUSH_REASONS] = {
    [FLUSH_FULL] = {"full",        "of these, as there was no more room for blocks"       },
    [FLUSH_HOST_CODE] = {"host_code",   "asked for as there was no more room for compiled code"},
    [FLUSH_RESET] = {"reset",       "asked for by a reset"                                 },
    [FLUSH_MAP] = {"map",         "asked for as the memory map changed"                  },
    [FLUSH_BREAKPOINTS] = {"breakpoints", "asked for as breakpoints changed"                     },
};

static unsigned row_length(const Machine *m, const Row *row)
{
    return row->per_cpu ? m->options.cpus : 1;
}

/* After the rows come the reasons, the compiler's counters, and two for each device: register reads and
 * writes. */
unsigned stats_count(const Machine *machine)
{
    unsigned count = FLUSH_REASONS + 2 * machine->device_count + (machine->jit ? JIT_STATS : 0);
    for (unsigned r = 0; r < ROWS; r++)
        count += row_length(machine, &rows[r]);
    return count;
}

static void get_flush(const Machine *m, unsigned reason, Stat *stat)
{
    *stat = (Stat){.group = "blocks",
                   .unit = "",
                   .help = flushes[reason].help,
                   .value = (double)code_cache_counts(m->code).flushes[reason],
                   .whole = true};
    snprintf(stat->name, sizeof stat->name, "blocks.emptied_%s", flushes[reason].name);
}

static void get_jit(const Machine *m, unsigned n, Stat *stat)
{
    JitStat counter = jit_stat(m->jit, n);
    *stat = (Stat){
        .group = "jit", .unit = "", .help = counter.help, .value = (double)counter.value, .whole = true};
    snprintf(stat->name, sizeof stat->name, "jit.%s", counter.name);
}

static void get_device(const Machine *m, unsigned n, Stat *stat)
{
    const Device *dev = m->device[n / 2];
    bool writes = n % 2;
    *stat = (Stat){.group = "devices",
                   .unit = "",
                   .help = writes ? "register writes" : "register reads",
                   .value = (double)(writes ? dev->writes : dev->reads),
                   .whole = true};
    snprintf(stat->name, sizeof stat->name, "%s.%s", dev->name, writes ? "writes" : "reads");
}

void stats_get(const Machine *machine, unsigned n, Stat *stat)
{
    unsigned r = 0;
    for (; r < ROWS && n >= row_length(machine, &rows[r]); r++)
        n -= row_length(machine, &rows[r]);
    if (r == ROWS) {
        unsigned jit = machine->jit ? JIT_STATS : 0;
        if (n < FLUSH_REASONS)
            get_flush(machine, n, stat);
        else if (n - FLUSH_REASONS < jit)
            get_jit(machine, n - FLUSH_REASONS, stat);
        else
            get_device(machine, n - FLUSH_REASONS - jit, stat);
        return;
    }
    const Row *row = &rows[r];
    *stat = (Stat){.group = row->group,
                   .unit = row->unit,
                   .help = row->help,
                   .value = row->read(machine, n),
                   .whole = !row->fraction};
    if (row->per_cpu)
        snprintf(stat->name, sizeof stat->name, "%s.%s", machine->cpu[n]->name, row->name);
    else
        snprintf(stat->name, sizeof stat->name, "%s.%s", row->group, row->name);
}

/* Counters that exist many times and mostly stand still. */
static bool is_listing(const Stat *stat)
{
    return !strcmp(stat->group, "devices") || !strcmp(stat->group, "exceptions");
}

void stats_print(const Machine *machine, FILE *out)
{
    const char *group = "";
    for (unsigned n = 0; n < stats_count(machine); n++) {
        Stat stat;
        stats_get(machine, n, &stat);
        if (is_listing(&stat) && stat.value == 0)
            continue;
        if (strcmp(group, stat.group))
            fprintf(out, "%s\n", stat.group);
        group = stat.group;
        fprintf(out, "  %-24s %18.*f %-4s  %s\n", stat.name, stat.whole ? 0 : 3, stat.value, stat.unit,
                stat.help);
    }
    if (machine->jit) {
        fputs("instructions that compiled code called\n", out);
        jit_print_calls(machine->jit, out);
    }
}
