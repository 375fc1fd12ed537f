/* What the files that make up the machine know of each other. Private to machine/. */
#ifndef ARMATURE_MACHINE_MACHINE_PARTS_H
#define ARMATURE_MACHINE_MACHINE_PARTS_H

#include "cpu/code_cache.h"
#include "machine/machine.h"

/* ---- machine.c: running ---- */

/* Makes the CPU that executes come back after its current instruction. */
void machine_interrupt(Machine *machine);

/* Runs the timers that are due. */
void machine_settle(Machine *machine);

/* No CPU has anything to execute before something happens. */
bool machine_all_sleep(Machine *machine);

/* Decoded and compiled code is dropped, between instructions: nobody has to be told. */
void machine_drop_code(Machine *machine, CodeFlush reason);

/* machine_step_cpu() that nobody is told of. */
uint64_t machine_step_raw(Machine *machine, unsigned cpu, uint64_t count);

/* ---- machine_time.c: virtual time, and what passes while all CPUs sleep ---- */

/* Deterministic time: every instruction takes this long. */
enum { MACHINE_NS_PER_INSN = 5 };

/* Idle time is not skipped beyond this, 73 years: what is due later (the clock's alarm, timers that a guest
 * set as far away as they go) does not come, and virtual time cannot overflow. */
#define MACHINE_END_OF_TIME (UINT64_C(1) << 61)

/* Sources of the clock; opaque is the machine. */
uint64_t machine_time_from_icount(void *machine);
uint64_t machine_time_from_host(void *machine);

/* How long so many ns of virtual time are for the host, rounded up; UINT64_MAX is for ever. */
uint64_t machine_host_time(const Machine *machine, uint64_t ns);

/* Waits, or skips time, until the next timer or input. False if the frontend wants to stop. */
bool machine_idle(Machine *machine);

/* For options.paced: while all CPUs sleep, virtual time passes to where the host's is, but not to the next
 * timer. */
void machine_pass_idle_time(Machine *machine);

/* ---- machine_memory.c: what is behind which addresses ---- */

/* Makes the memory of the board and maps it. False with err set if the host has too little. */
bool machine_make_memory(Machine *machine, Error *err);
void machine_free_memory(Machine *machine);

/* Maps a device's window, at base. */
Region *machine_map_device(Machine *machine, Device *dev, uint32_t base);

/* Changes what is at address 0; for the IrqLine of the output that asks for it: input is of no account. */
void machine_remap(void *machine, unsigned input, bool after);

#endif
