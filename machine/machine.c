/* Runs a machine: its CPUs take turns, and between their slices everything else has its own. */
#include "machine/machine_parts.h"

#include <string.h>

#include "cpu/code_cache.h"
#include "machine/host_time.h"
#include "machine/machine_journal.h"
#include "machine/semihosting.h"

/* Instructions a CPU runs before the machine looks at timers and other CPUs again. */
enum { SLICE_ALONE = 50000, SLICE_SHARED = 5000 };

/* Host time: about what an instruction takes, so that slices end when timers are due; the shortest slice. */
enum { HOST_NS_PER_INSN = 8, SLICE_LEAST = 500 };

/* How often, in host time, the frontend is asked for input while the guest is busy. */
#define POLL_INTERVAL_NS 1000000u

uint64_t machine_icount(const Machine *machine)
{
    uint64_t sum = 0;
    for (unsigned n = 0; n < machine->options.cpus; n++)
        sum += cpu_icount(machine->cpu[n]);
    return sum;
}

/* Makes the running CPU come back after its current instruction. */
void machine_interrupt(Machine *m)
{
    Cpu *cpu = m->cpu[m->current_cpu];
    if (!cpu)
        return;
    cpu->leave |= cpu->insn ? LEAVE_CHECK : 0;
    cpu->icount_limit = cpu->icount;
}

void machine_break(Machine *m, const char *report)
{
    if (!m->broken)
        m->broken = strdup(report);
    m->request_pending = true;
    machine_interrupt(m);
}

/* Between instructions: nobody has to be told. */
void machine_drop_code(Machine *m, CodeFlush reason)
{
    code_cache_flush(m->code, reason);
    for (unsigned n = 0; n < m->options.cpus; n++)
        m->cpu[n]->leave = 0;
}

void machine_reset(Machine *machine)
{
    input_reset(machine->input);
    for (unsigned n = 0; n < NET_PORTS; n++) {
        net_reset(&machine->env.net[n]);
        machine->env.net[n].flows.count = 0;
    }
    for (unsigned n = 0; n < machine->device_count; n++)
        device_reset(machine->device[n]);
    for (unsigned n = 0; n < machine->options.cpus; n++)
        cpu_reset(machine->cpu[n]);
    semihosting_reset(machine->semihosting);
    machine_drop_code(machine, FLUSH_RESET);
    machine->request_pending = machine->yield = false;
    machine->next_cpu = 0;
    machine->slice_end = 0;
    machine->stopped_cpu = -1;
}

/* ---- Slices -------------------------------------------------------------------------------------------- */

/* How many instructions the next slice may have before a timer is due. */
static uint64_t slice_length(const Machine *m, uint64_t now, uint64_t most)
{
    uint64_t due = clock_next_due(m->clock);
    if (due == CLOCK_NEVER)
        return most;
    uint64_t wait = due > now ? due - now : 0;
    uint64_t ahead = m->options.deterministic ? (wait + MACHINE_NS_PER_INSN - 1) / MACHINE_NS_PER_INSN
                                              : SLICE_LEAST + machine_host_time(m, wait) / HOST_NS_PER_INSN;
    return ahead < 1 ? 1 : ahead < most ? ahead : most;
}

/* The nearest place ahead that somebody wants to have a look at. */
static uint64_t next_pause(const Machine *m, uint64_t icount)
{
    uint64_t pause = m->pause_at > icount ? m->pause_at : UINT64_MAX;
    return m->mark_at > icount && m->mark_at < pause ? m->mark_at : pause;
}

static void run_cpu(Machine *m, unsigned n, uint64_t count)
{
    Cpu *cpu = m->cpu[n];
    /* This CPU may write memory now; another one's store-exclusive after that must fail (DDI 0406C A3.4.2
     * lets it fail). */
    if (n != m->current_cpu)
        mmu_clear_exclusive(m->cpu[m->current_cpu]);
    m->current_cpu = n;
    m->idle_since = m->known = 0;
    m->running = true;
    cpu->stopped = cpu->watch_hit.hit = false;
    cpu->icount_limit = cpu->icount + count;
    uint64_t total = machine_icount(m), place = next_pause(m, total);
    if (place - total < count)
        cpu->icount_limit = cpu->icount + (place - total);
    if ((int)n == m->pause_cpu && m->pause_cpu_at > cpu->icount && m->pause_cpu_at < cpu->icount_limit)
        cpu->icount_limit = m->pause_cpu_at;
    uint64_t event = m->journal ? machine_next_event(m) : UINT64_MAX;
    if (event > total && event - total < cpu->icount_limit - cpu->icount)
        cpu->icount_limit = cpu->icount + (event - total);
    uint64_t overflow = pmu_next_overflow(cpu);
    if (overflow < cpu->icount_limit)
        cpu->icount_limit = overflow;
    cpu->attention &= (uint8_t)~ATTN_STOP;
    if (m->jit)
        jit_run(m->jit, cpu);
    else
        interp_run(cpu);
    m->running = false;
    pmu_check(cpu);
}

static bool can_run(const Machine *m, Cpu *cpu)
{
    if (cpu->attention & ATTN_RESET)
        return false;
    if (cpu->attention & ATTN_INPUT && semihosting_has_input(m->semihosting))
        cpu->attention &= (uint8_t)~ATTN_INPUT;
    if (cpu->attention & ATTN_INPUT)
        return cpu->attention & (ATTN_IRQ | ATTN_FIQ);
    if (!(cpu->attention & ATTN_HALTED))
        return true;
    return (cpu->attention & (ATTN_IRQ | ATTN_FIQ)) || (cpu->halted_for_event && cpu->event);
}

bool machine_all_sleep(Machine *m)
{
    for (unsigned n = 0; n < m->options.cpus; n++)
        if (can_run(m, m->cpu[n]))
            return false;
    return true;
}

/* How many instructions the CPU whose turn it is may run: those that are left of a slice that a breakpoint
 * interrupted, or a whole slice. */
static uint64_t slice_most(Machine *m)
{
    uint64_t end = m->slice_end, icount = m->cpu[m->next_cpu]->icount;
    m->slice_end = 0;
    if (end)
        return end > icount ? end - icount : 0;
    return m->options.cpus > 1 ? SLICE_SHARED : SLICE_ALONE;
}

void machine_settle(Machine *m)
{
    if (!m->options.deterministic) {
        clock_run_due(m->clock);
        return;
    }
    do
        clock_run_in_turn(m->clock, machine_own_timers_ran, m);
    while (clock_next_due(m->clock) <= clock_now(m->clock));
    machine_own_timers_ran(m);
}

/* A slice for the CPU whose turn it is. slice_end is set if the CPU is to go on with it: a breakpoint or
 * machine_pause_at() interrupts it. In deterministic runs it goes on after all that happens in between,
 * timers, yields, the journal's events: whether somebody watches must not show in the order of slices. */
static void run_slice(Machine *m, uint64_t most)
{
    Cpu *cpu = m->cpu[m->next_cpu];
    bool deterministic = m->options.deterministic;
    uint64_t before = cpu->icount, length = slice_length(m, clock_now(m->clock), most);
    uint64_t end = before + (deterministic ? most : length);
    uint64_t place = next_pause(m, machine_icount(m));
    run_cpu(m, m->next_cpu, length);
    bool pause = machine_icount(m) == place || ((int)m->next_cpu == m->pause_cpu &&
                                                before < m->pause_cpu_at && cpu->icount >= m->pause_cpu_at);
    bool goes_on = deterministic && cpu->icount != before;
    if (cpu->stopped)
        m->stopped_cpu = (int)m->next_cpu;
    if (cpu->stopped || pause)
        m->yield = true;
    if (cpu->stopped || ((pause || goes_on) && cpu->icount < end))
        m->slice_end = end;
}

/* What has happened meanwhile, after a slice. */
static void after_slice(Machine *m)
{
    if (m->options.deterministic && clock_next_due(m->clock) <= clock_now(m->clock))
        machine_settle(m);
    if (arrivals_waiting(m->arrivals))
        arrivals_deliver(m->arrivals);
}

/* Gives every CPU that can run a slice; false if none could. */
static bool run_slices(Machine *m)
{
    bool any = m->next_cpu > 0; /* only a whole round shows that none can run */
    while (m->next_cpu < m->options.cpus && !m->request_pending && !m->yield) {
        if (m->journal && machine_attend(m))
            continue;
        const Cpu *cpu = m->cpu[m->next_cpu];
        uint64_t before = cpu->icount, most = slice_most(m);
        bool runs = most && can_run(m, m->cpu[m->next_cpu]);
        if (runs)
            run_slice(m, most);
        any |= !most || cpu->icount != before || cpu->stopped;
        m->next_cpu += !m->slice_end;
        if (runs)
            after_slice(m);
    }
    if (m->next_cpu >= m->options.cpus)
        m->next_cpu = 0;
    return any;
}

/* ---- Running ------------------------------------------------------------------------------------------- */

/* Handles what a device asked for; true if the machine run ends. */
static bool handle_request(Machine *m, MachineEnd *end)
{
    if (m->broken) {
        *end = END_BROKEN;
        return true;
    }
    if (!m->request_pending)
        return false;
    m->request_pending = false;
    m->exit_code = m->env.exit_code;
    *end = m->request == REQUEST_POWER_OFF ? END_POWER_OFF
           : m->request == REQUEST_EXIT    ? END_GUEST_EXIT
                                           : END_REBOOT;
    return true;
}

MachineEnd machine_run(Machine *machine)
{
    MachineEnd end = END_STOPPED;
    uint64_t polled = host_ns();
    machine->stop_requested = false;
    while (!machine->stop_requested && !handle_request(machine, &end)) {
        machine_settle(machine);
        bool ran = run_slices(machine);
        uint64_t now = host_ns();
        if (ran && !machine->yield && now - polled < POLL_INTERVAL_NS)
            continue;
        polled = now;
        bool busy = ran || machine->yield;
        machine->yield = false;
        if (busy ? machine->poll && !machine->poll(machine->poll_opaque, 0) : !machine_idle(machine))
            break;
    }
    return end;
}

void machine_stop(Machine *machine)
{
    machine->stop_requested = true;
}

void machine_yield(Machine *machine)
{
    machine->yield = true;
    if (machine->running)
        machine_interrupt(machine);
}

void machine_pause_at(Machine *machine, uint64_t icount)
{
    machine->pause_at = icount;
}

void machine_pause_cpu_at(Machine *machine, int cpu, uint64_t icount)
{
    machine->pause_cpu = cpu;
    machine->pause_cpu_at = icount;
}

void machine_mark_at(Machine *machine, uint64_t icount)
{
    machine->mark_at = icount;
}

void machine_moved(Machine *machine)
{
    machine->idle_since = 0;
    machine->yield = true;
    machine->stopped_cpu = -1;
    for (unsigned n = 0; n < machine->options.cpus; n++)
        machine->cpu[n]->watch_hit.hit = false;
}

void machine_changed(Machine *machine)
{
    machine->known = 0;
}

/* ---- Steps --------------------------------------------------------------------------------------------- */

static void run_own_timers(Machine *m)
{
    if (m->journal) /* watchers wait: nothing may enter in the middle of a step */
        clock_run_own(m->clock);
    else
        clock_run_due(m->clock);
}

uint64_t machine_step_raw(Machine *machine, unsigned n, uint64_t count)
{
    Cpu *cpu = machine->cpu[n];
    uint64_t start = cpu->icount, target = start + count;
    uint32_t from = cpu->pc;
    run_own_timers(machine);
    while (cpu->icount < target && !machine->request_pending && can_run(machine, cpu)) {
        uint64_t before = cpu->icount;
        run_cpu(machine, n, slice_length(machine, clock_now(machine->clock), target - before));
        run_own_timers(machine);
        bool begins = cpu->stopped && cpu->icount == start && cpu->pc == from;
        if (cpu->stopped && !begins)
            machine->stopped_cpu = (int)n;
        if (!begins && (cpu->stopped || cpu->icount == before))
            break;
    }
    return cpu->icount - start;
}

uint64_t machine_step_cpu(Machine *machine, unsigned cpu, uint64_t count)
{
    return machine->journal ? machine_step_by_journal(machine, cpu, count)
                            : machine_step_raw(machine, cpu, count);
}

void machine_step(Machine *machine, uint64_t count)
{
    machine_step_cpu(machine, 0, count);
}
