/* What of a Cpu the interpreter and compiled code must agree in. */
#ifndef ARMATURE_JIT_STATE_H
#define ARMATURE_JIT_STATE_H

#include <stdio.h>

#include "cpu/cpu.h"

/* The name of the first part of the guest's state in which the two differ, NULL if there is none. Both are
 * between blocks. The tables of the TLB, timers and counters for statistics are left out. */
const char *state_differs(const Cpu *a, const Cpu *b);

/* Writes every part in which the two differ, a line each: "name  a  b". */
void state_print(const Cpu *a, const Cpu *b, const char *name_a, const char *name_b, FILE *out);

#endif
