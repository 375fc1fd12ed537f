/* Where a machine stops for somebody who watches it: breakpoints and watchpoints. */
#include "machine/machine_parts.h"

#include <stdlib.h>

bool machine_add_breakpoint(Machine *machine, uint32_t address, Error *err)
{
    Breakpoints *list = code_cache_breakpoints(machine->code);
    if (breakpoints_at(list, address))
        return true;
    if (!breakpoints_add(list, address))
        return error_set(err, "there are %d breakpoints already", BREAKPOINTS_MOST);
    machine_drop_code(machine, FLUSH_BREAKPOINTS);
    return true;
}

bool machine_remove_breakpoint(Machine *machine, uint32_t address, Error *err)
{
    if (!breakpoints_remove(code_cache_breakpoints(machine->code), address))
        return error_set(err, "there is no breakpoint at 0x%08x", address);
    machine_drop_code(machine, FLUSH_BREAKPOINTS);
    return true;
}

bool machine_has_breakpoint(const Machine *machine, uint32_t address)
{
    return breakpoints_at(code_cache_breakpoints(machine->code), address);
}

const uint32_t *machine_breakpoints(const Machine *machine, unsigned *count)
{
    const Breakpoints *list = code_cache_breakpoints(machine->code);
    *count = list->count;
    return list->address;
}

/* TLBs let accesses to watched pages go straight no more, or again. What a guest sees of its TLB stays. */
static void watchpoints_changed(Machine *m)
{
    for (unsigned n = 0; n < m->options.cpus; n++) {
        size_t words;
        Cpu *cpu = m->cpu[n];
        cpu->watchpoints = m->watchpoints.count ? &m->watchpoints : NULL;
        uint32_t *entries = mmu_save(cpu, &words);
        mmu_flush_all(cpu);
        mmu_restore(cpu, entries, words);
        free(entries);
    }
    machine_drop_code(m, FLUSH_BREAKPOINTS);
}

bool machine_add_watchpoint(Machine *machine, uint32_t address, uint32_t size, unsigned kinds, Error *err)
{
    if (!size || size - 1 > UINT32_MAX - address)
        return error_set(err, "0x%08x: there is no memory of %u bytes", address, size);
    if (!watchpoints_add(&machine->watchpoints, &(Watchpoint){address, size, kinds}))
        return error_set(err, "there are %d watchpoints already", WATCHPOINTS_MOST);
    watchpoints_changed(machine);
    return true;
}

bool machine_remove_watchpoint(Machine *machine, uint32_t address, Error *err)
{
    if (!watchpoints_remove(&machine->watchpoints, address))
        return error_set(err, "there is no watchpoint at 0x%08x", address);
    watchpoints_changed(machine);
    return true;
}

const Watchpoints *machine_watchpoints(const Machine *machine)
{
    return &machine->watchpoints;
}

const WatchHit *machine_stop_hit(const Machine *machine, unsigned cpu)
{
    const WatchHit *hit = &machine->cpu[cpu]->watch_hit;
    return hit->hit ? hit : NULL;
}

bool machine_stopped(Machine *machine, unsigned *cpu)
{
    if (machine->stopped_cpu < 0)
        return false;
    *cpu = (unsigned)machine->stopped_cpu;
    machine->stopped_cpu = -1;
    return true;
}
