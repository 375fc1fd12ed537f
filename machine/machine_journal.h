/* The machine and its journal, if it has one; it must, where nothing else is said. Private to machine/. */
#ifndef ARMATURE_MACHINE_MACHINE_JOURNAL_H
#define ARMATURE_MACHINE_MACHINE_JOURNAL_H

#include "machine/machine.h"

/* The journal replays; without a journal it does not. */
bool machine_replays(const Machine *machine);

/* For clock_run_in_turn(): the machine's timers have run. A journal is not needed. */
void machine_own_timers_ran(void *machine);

/* Where the next event of a replay is, UINT64_MAX: nowhere. */
uint64_t machine_next_event(const Machine *machine);

/* Before a slice: feeds the events of this place. True: there were some, or the run has gone another way. */
bool machine_attend(Machine *machine);

/* While all CPUs sleep and the next timer is due then: to what time they may. */
uint64_t machine_idle_until(Machine *machine, uint64_t due);

/* machine_step_cpu(). */
uint64_t machine_step_by_journal(Machine *machine, unsigned cpu, uint64_t count);

/* Doors of inspect.h; without a journal they are open. size: JOURNAL_ENTRY_MOST / 2 at most. */
bool machine_memory_enters(Machine *machine, int cpu, uint32_t address, const void *data, uint32_t size);
bool machine_register_enters(Machine *machine, unsigned cpu, const char *name, uint64_t value);

#endif
