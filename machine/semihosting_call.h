/* What the parts of semihosting share: one call, and how it ends. Private to machine/. */
#ifndef ARMATURE_MACHINE_SEMIHOSTING_CALL_H
#define ARMATURE_MACHINE_SEMIHOSTING_CALL_H

#include "machine/semihosting.h"
#include "machine/semihosting_files.h"

enum { SEMIHOST_CHUNK = 1 << 16, SEMIHOST_FIELDS = 4 };

#define SEMIHOST_FAILED UINT32_MAX

struct Semihosting {
    Machine *machine;
    SerialPort *console; /* NULL: the first serial port */
    Files files;
    int error; /* what SYS_ERRNO answers */
    char *command_line;
    uint32_t free_base, free_limit;
    uint64_t started;              /* virtual ns */
    JournalChannel *channel;       /* NULL: no journal */
    uint8_t chunk[SEMIHOST_CHUNK]; /* on its way between the program and the host */
};

typedef struct SemihostCall {
    Semihosting *s;
    Cpu *cpu;
    uint32_t parameter;              /* r1 */
    uint32_t field[SEMIHOST_FIELDS]; /* of the block that it points to */
    uint32_t result;                 /* for r0 */
    bool waits;                      /* nothing was done: there is no input */
} SemihostCall;

/* The error result, and its reason, a negative errno. */
void semihost_fail(SemihostCall *c, int64_t bad);
/* result is a negative errno, or the result. */
void semihost_finish(SemihostCall *c, int64_t result);

/* Words of the program's memory; false if it cannot access them. */
bool semihost_read_words(const SemihostCall *c, uint32_t address, uint32_t *word, unsigned count);
bool semihost_write_words(const SemihostCall *c, uint32_t address, const uint32_t *word, unsigned count);

/* ---- What the host answers (semihosting_host.c): as the functions of semihosting_files.h
 * -------------------- */

/* 0, or -EACCES: there are no files. */
int semihost_files_allowed(Semihosting *s);
int semihost_files_open(Semihosting *s, const char *name, uint32_t mode);
int64_t semihost_files_read(Semihosting *s, OpenFile *file, void *data, size_t size);
int64_t semihost_files_write(Semihosting *s, OpenFile *file, const void *data, size_t size);
int semihost_files_seek(Semihosting *s, OpenFile *file, uint32_t at);
int64_t semihost_files_length(Semihosting *s, OpenFile *file);
int semihost_files_remove(Semihosting *s, const char *name);
int semihost_files_rename(Semihosting *s, const char *from, const char *to);

/* ---- Calls on the console and files (semihosting_io.c) ------------------------------------------------- */

void semihost_open(SemihostCall *c);
void semihost_close(SemihostCall *c);
void semihost_writec(SemihostCall *c);
void semihost_write0(SemihostCall *c);
void semihost_write(SemihostCall *c);
void semihost_read(SemihostCall *c);
void semihost_readc(SemihostCall *c);
void semihost_istty(SemihostCall *c);
void semihost_seek(SemihostCall *c);
void semihost_flen(SemihostCall *c);
void semihost_remove(SemihostCall *c);
void semihost_rename(SemihostCall *c);
void semihost_tmpnam(SemihostCall *c);

#endif
