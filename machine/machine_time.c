/* The machine's time: where it comes from, and what passes while all CPUs sleep. */
#include "machine/machine_parts.h"

#include <time.h>

#include "machine/host_time.h"
#include "machine/machine_journal.h"

uint64_t machine_time_from_icount(void *opaque)
{
    const Machine *m = opaque;
    return m->time_base + machine_icount(m) * MACHINE_NS_PER_INSN;
}

uint64_t machine_time_from_host(void *opaque)
{
    const Machine *m = opaque;
    if (m->held_at != CLOCK_NEVER)
        return m->held_at;
    uint64_t passed = host_ns() - m->host_base, scale = m->options.time_scale;
    return m->time_base + (scale ? muldiv64(passed, TIME_SCALE_ONE, scale) : passed);
}

/* How long that is for the host, rounded up; UINT64_MAX is for ever. */
uint64_t machine_host_time(const Machine *m, uint64_t ns)
{
    uint64_t scale = m->options.time_scale;
    if (!scale || ns == UINT64_MAX)
        return ns;
    unsigned __int128 host = ((unsigned __int128)ns * scale + TIME_SCALE_ONE - 1) / TIME_SCALE_ONE;
    return host > INT64_MAX ? INT64_MAX : (uint64_t)host;
}

void machine_set_time(Machine *machine, uint64_t now)
{
    if (machine->options.deterministic) {
        machine->time_base = now - machine_icount(machine) * MACHINE_NS_PER_INSN;
        return;
    }
    machine->time_base = now;
    machine->host_base = host_ns();
    if (machine->held_at != CLOCK_NEVER)
        machine->held_at = now;
}

void machine_set_date(Machine *machine, uint32_t seconds)
{
    enum { LOAD_REGISTER = 0x08 }; /* PL031 LR */
    const Device *clock = machine_device(machine, "rtc");
    const BusAccess access = {.size = 4, .cpu = BUS_DMA, .secure = true, .privileged = true};
    if (clock && clock->region)
        bus_write(machine->bus, clock->region->base + LOAD_REGISTER, &access, seconds);
    uint32_t since = (uint32_t)(clock_now(machine->clock) / 1000000000u);
    machine->options.rtc_base = machine->env.rtc_base = seconds - since;
}

void machine_hold_time(Machine *machine, bool hold)
{
    if (machine->options.deterministic || hold == (machine->held_at != CLOCK_NEVER))
        return;
    uint64_t now = clock_now(machine->clock);
    machine->held_at = hold ? now : CLOCK_NEVER;
    machine->time_base = now;
    machine->host_base = host_ns();
}

/* ---- While all CPUs sleep ------------------------------------------------------------------------------ */

/* Virtual time passes to the next timer, or as far as the journal's next event. */
static bool skip_idle_time(Machine *m, uint64_t due)
{
    uint64_t now = clock_now(m->clock), next = m->journal ? machine_idle_until(m, due) : due;
    bool forever = next >= MACHINE_END_OF_TIME && !m->yield;
    m->time_base += next >= MACHINE_END_OF_TIME || next < now ? 0 : next - now;
    if (m->options.deterministic && !forever)
        machine_settle(m);
    return m->poll ? m->poll(m->poll_opaque, forever ? UINT64_MAX : 0) : !forever;
}

void machine_pass_idle_time(Machine *m)
{
    if (!m->idle_since || !machine_all_sleep(m))
        return;
    uint64_t now = clock_now(m->clock), due = clock_next_due(m->clock), host = host_ns();
    uint64_t passed = host - m->idle_since, most = due > now ? due - now - 1 : 0;
    m->idle_since = host;
    if (now + passed < MACHINE_END_OF_TIME)
        m->time_base += passed < most ? passed : most;
}

void machine_stop_pacing(Machine *machine)
{
    machine_pass_idle_time(machine);
    machine->idle_since = 0;
}

/* The host waits as long as the guest would. What enters meanwhile makes virtual time pass to where the host
 * is (machine_pass_idle_time()); otherwise it passes all at once, at the end. */
static bool pace_idle_time(Machine *m, uint64_t due)
{
    uint64_t now = clock_now(m->clock), left = due > now ? due - now : 0;
    uint64_t wait = due >= MACHINE_END_OF_TIME ? UINT64_MAX : left;
    if (!m->idle_since)
        m->idle_since = host_ns();
    uint64_t passed = host_ns() - m->idle_since;
    return m->poll(m->poll_opaque, wait == UINT64_MAX ? wait : wait > passed ? wait - passed : 0);
}

static void end_of_paced_time(Machine *m)
{
    uint64_t now = clock_now(m->clock), due = clock_next_due(m->clock);
    if (!m->idle_since || due >= MACHINE_END_OF_TIME || due <= now || !machine_all_sleep(m) ||
        host_ns() - m->idle_since < due - now)
        return;
    m->time_base += due - now;
    m->idle_since = 0;
}

static bool is_paced(const Machine *m)
{
    return m->options.deterministic && m->options.paced && !m->turbo && m->poll && !machine_replays(m);
}

/* Nothing can run before the next timer or input. Returns false if the frontend wants to stop. */
static bool wait_for_something(Machine *m)
{
    uint64_t now = clock_now(m->clock), due = clock_next_due(m->clock);
    uint64_t wait = due == CLOCK_NEVER ? UINT64_MAX : due > now ? due - now : 0;
    if (is_paced(m))
        return pace_idle_time(m, due);
    if (m->options.deterministic || m->turbo)
        return skip_idle_time(m, due);
    wait = machine_host_time(m, wait);
    if (m->poll)
        return m->poll(m->poll_opaque, wait);
    if (wait && wait != UINT64_MAX) {
        struct timespec ts = {(time_t)(wait / 1000000000u), (long)(wait % 1000000000u)};
        nanosleep(&ts, NULL);
    }
    return wait != UINT64_MAX;
}

bool machine_idle(Machine *m)
{
    uint64_t before = host_ns();
    bool go_on = true;
    if (arrivals_sleep(m->arrivals, true))
        go_on = wait_for_something(m);
    arrivals_sleep(m->arrivals, false);
    arrivals_deliver(m->arrivals);
    end_of_paced_time(m);
    m->idle_ns += host_ns() - before;
    return go_on;
}
