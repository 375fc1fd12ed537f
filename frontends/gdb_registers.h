/* The registers that a debugger sees, and their description for it ("Debugging with GDB", appendix "Target
 * Descriptions"). Their bytes are in little-endian order. */
#ifndef ARMATURE_FRONTENDS_GDB_REGISTERS_H
#define ARMATURE_FRONTENDS_GDB_REGISTERS_H

#include "machine/machine.h"

/* Bytes of the longest. */
enum { GDB_REGISTER_MOST = 16 };

/* target.xml: allocated. */
char *gdb_registers_xml(void);

/* How many there are: in the order of a `g` packet, n from 0 on. */
unsigned gdb_register_count(void);
/* Number n in that order, by the number that the protocol gives it; -1: there is none. */
int gdb_register_by_number(uint32_t number);
unsigned gdb_register_bytes(unsigned n);

/* bytes: as many as it has. False (err set) if the CPU has none of that name now, or does not take the value.
 */
bool gdb_register_read(Machine *machine, unsigned cpu, unsigned n, uint8_t *bytes);
bool gdb_register_write(Machine *machine, unsigned cpu, unsigned n, const uint8_t *bytes, Error *err);

#endif
