/* Why a guest that says nothing may say nothing. Private to machine/. */
#ifndef ARMATURE_MACHINE_DIAGNOSE_REASON_H
#define ARMATURE_MACHINE_DIAGNOSE_REASON_H

#include "machine/diagnose.h"

/* A stretch of code that the samples of a CPU lie in. */
typedef struct DiagnoseLoop {
    uint32_t first, last;
    unsigned places; /* different addresses seen */
} DiagnoseLoop;

/* False without samples. */
bool diagnose_loop(const DiagnoseSamples *samples, unsigned cpu, DiagnoseLoop *loop);

/* The last exception of a CPU if it takes the same one over and over, else NULL. */
const ExceptionRecord *diagnose_fault_loop(const Cpu *cpu);

/* True if the CPU is in the boot ROM. */
bool diagnose_in_rom(const Machine *machine, uint32_t pc);

/* A sentence without a full stop. kernel_log may be NULL. Allocated; never NULL. */
char *diagnose_reason(Machine *machine, const DiagnoseHints *hints, const char *kernel_log);

#endif
