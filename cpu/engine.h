/* The interpreter's run loop in parts, for a dispatcher that has faster code for some blocks. */
#ifndef ARMATURE_CPU_ENGINE_H
#define ARMATURE_CPU_ENGINE_H

#include "cpu/code_cache.h"

/* Between blocks, when cpu->attention is not 0: wakes the CPU, takes interrupts. False: it cannot go on now.
 */
bool engine_attend(Cpu *cpu);

/* The block at pc, decoded if need be. NULL: an abort was taken, one instruction was run another way, or a
 * breakpoint was reached; pc and icount are up to date. */
Block *engine_lookup(Cpu *cpu);

/* Interprets the block at pc, or as much of it as icount_limit allows; at least one instruction, which the
 * caller made sure of. Returns LEAVE_*. */
uint8_t engine_step(Cpu *cpu, const Block *block);

/* Executes instruction number n of the block, after the n before it were done: icount is that at the block's
 * start. True if the block must be left; pc, ITSTATE and icount are up to date then, and *leave is LEAVE_*.
 */
bool engine_run_one(Cpu *cpu, const Block *block, unsigned n, uint8_t *leave);

/* Runs the block from its n-th instruction, whose condition holds, on. Returns what was in cpu->leave. */
uint8_t engine_run_from(Cpu *cpu, const Block *block, unsigned n);

#endif
