/* Looks into a machine and changes it from outside: registers, memory, code. Nothing here has side effects in
 * the guest beyond what it says. To be called between instructions. */
#ifndef ARMATURE_MACHINE_INSPECT_H
#define ARMATURE_MACHINE_INSPECT_H

#include "machine/machine.h"

/* Registers by name, in small or capital letters: r0 to r15, sp, lr, pc; those of other modes as r8_fiq,
 * sp_irq, lr_svc, r13_usr; cpsr, spsr, spsr_abt; d0 to d31, s0 to s31, fpscr, fpexc; those of CP15 and CP14
 * that hold a value, by the manual's names (SCTLR, TTBR0; the copy of the current security state). Writing to
 * the latter changes the bits that software could change. False with err set if there is none of that name,
 * or if it does not take the value. */
bool inspect_read_register(Machine *machine, unsigned cpu, const char *name, uint64_t *value, Error *err);
bool inspect_write_register(Machine *machine, unsigned cpu, const char *name, uint64_t value, Error *err);

/* The names that show a CPU's state at one time, n from 0 on: core registers, PSRs, those of the MMU and of
 * faults. NULL after the last. */
const char *inspect_register_name(unsigned n);

/* "usr", "svc" ... of a CPU's mode. */
const char *inspect_mode(const Machine *machine, unsigned cpu);

/* "running", "waiting for an interrupt", "waiting for an event", "held in reset". */
const char *inspect_activity(const Machine *machine, unsigned cpu);

/* Memory at a physical address (cpu -1), or at a virtual one as the CPU sees it now, whatever the
 * permissions. Devices are left alone: false with err set, naming the address, if there is anything but
 * memory in the range; what lies before it may have been written. */
bool inspect_read_memory(Machine *machine, int cpu, uint32_t address, void *data, uint32_t size, Error *err);
bool inspect_write_memory(Machine *machine, int cpu, uint32_t address, const void *data, uint32_t size,
                          Error *err);

/* One instruction at a virtual address as the CPU sees it. Returns its length in bytes, 0 if nothing can be
 * read there. *raw: the word, or the halfwords with the first one on top. */
unsigned inspect_disassemble(Machine *machine, unsigned cpu, uint32_t address, bool thumb, uint32_t *raw,
                             char *text, unsigned size);

#endif
