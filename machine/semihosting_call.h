/* What the parts of semihosting share: one call, and how it ends. Private to machine/. */
#ifndef ARMATURE_MACHINE_SEMIHOSTING_CALL_H
#define ARMATURE_MACHINE_SEMIHOSTING_CALL_H

#include "machine/semihosting.h"
#include "machine/semihosting_files.h"

enum { CALL_CHUNK = 1 << 16, CALL_FIELDS = 4 };

#define CALL_FAILED UINT32_MAX

struct Semihosting {
    Machine *machine;
    SerialPort *console; /* NULL: the first serial port */
    Files files;
    int error; /* what SYS_ERRNO answers */
    char *command_line;
    uint32_t free_base, free_limit;
    uint64_t started;          /* virtual ns */
    uint8_t chunk[CALL_CHUNK]; /* on its way between the program and the host */
};

typedef struct Call {
    Semihosting *s;
    Cpu *cpu;
    uint32_t parameter;          /* r1 */
    uint32_t field[CALL_FIELDS]; /* of the block that it points to */
    uint32_t result;             /* for r0 */
    bool waits;                  /* nothing was done: there is no input */
} Call;

/* The error result, and its reason, a negative errno. */
void call_fail(Call *c, int64_t bad);
/* result is a negative errno, or the result. */
void call_finish(Call *c, int64_t result);

/* Words of the program's memory; false if it cannot access them. */
bool call_read_words(const Call *c, uint32_t address, uint32_t *word, unsigned count);
bool call_write_words(const Call *c, uint32_t address, const uint32_t *word, unsigned count);

/* ---- Calls on the console and files (semihosting_io.c) ------------------------------------------------- */

void call_open(Call *c);
void call_close(Call *c);
void call_writec(Call *c);
void call_write0(Call *c);
void call_write(Call *c);
void call_read(Call *c);
void call_readc(Call *c);
void call_istty(Call *c);
void call_seek(Call *c);
void call_flen(Call *c);
void call_remove(Call *c);
void call_rename(Call *c);
void call_tmpnam(Call *c);

#endif
