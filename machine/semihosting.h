/* Semihosting: a program in the machine calls the host by trap instructions, as it would call a debugger. By
 * "Semihosting for AArch32 and AArch64", Arm, release 2025Q1. See docs/semihosting.md. */
#ifndef ARMATURE_MACHINE_SEMIHOSTING_H
#define ARMATURE_MACHINE_SEMIHOSTING_H

#include "machine/machine.h"

/* Switches semihosting on for all CPUs of the machine, whose options.semihosting_dir may name a folder. NULL
 * with err set if that cannot be used. */
Semihosting *semihosting_new(Machine *machine, Error *err);
void semihosting_free(Semihosting *semihosting); /* NULL is allowed */

/* Closes all handles, and starts time anew: when the machine is reset. NULL is allowed. */
void semihosting_reset(Semihosting *semihosting);

/* What SYS_GET_CMDLINE answers: the last component of the program's path (NULL: none), and its arguments
 * (NULL: none). Copied. */
void semihosting_set_command_line(Semihosting *semihosting, const char *program, const char *arguments);

/* The memory that SYS_HEAPINFO gives away, [base, limit). */
void semihosting_set_free_memory(Semihosting *semihosting, uint32_t base, uint32_t limit);

/* The console is the machine's first serial port, with what its UART has received, until the frontend gives
 * it a port of its own (not owned; NULL: the first serial port again). */
void semihosting_set_console(Semihosting *semihosting, SerialPort *port);

/* False while a call that waits for a character would wait again. */
bool semihosting_has_input(const Semihosting *semihosting);

/* What the host answers goes through the journal from now on. */
void semihosting_set_journal(Semihosting *semihosting, Journal *journal);

/* ---- Snapshots (semihosting_state.c) ---- */

typedef struct SemihostingState {
    int error;
    uint32_t free_base, free_limit;
    uint64_t started, grown;
    const char *command_line; /* NULL: none */
} SemihostingState;

void semihosting_state(const Semihosting *semihosting, SemihostingState *state);

/* The files that the guest has open: names, positions; not what is in them. Allocated. */
uint8_t *semihosting_save_files(const Semihosting *semihosting, size_t *size);

typedef struct SemihostingFiles SemihostingFiles;

/* Opens them once more, beside those that are open now. NULL with err set if they are damaged, or one of them
 * cannot be opened. */
SemihostingFiles *semihosting_reopen(const Semihosting *semihosting, const uint8_t *saved, size_t size,
                                     Error *err);
void semihosting_files_free(SemihostingFiles *files); /* NULL is allowed */

/* Takes files over. */
void semihosting_restore(Semihosting *semihosting, const SemihostingState *state, SemihostingFiles *files);

#endif
