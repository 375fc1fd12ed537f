/* Names for guest addresses, from an ELF file (vmlinux, any program) or from a System.map. */
#ifndef ARMATURE_MACHINE_SYMBOLS_H
#define ARMATURE_MACHINE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/error.h"

typedef struct Symbols Symbols;

enum { SYMBOLS_TEXT = 256 }; /* room that symbols_text() makes use of */

/* Reads path; what it is (ELF or System.map) is told by its contents. NULL with err set if it is neither, or
 * has no symbols. */
Symbols *symbols_load(const char *path, Error *err);
void symbols_free(Symbols *symbols); /* NULL is allowed */

unsigned symbols_count(const Symbols *symbols);

/* The address of "name" or "name+0x10" (decimal or 0x). False if there is no such symbol. symbols may be
 * NULL. */
bool symbols_address(const Symbols *symbols, const char *name, uint32_t *address);

/* The symbol that address lies in, and how far (may be NULL). NULL if there is none: symbols is NULL, or the
 * nearest one below ends before it. The name lives as long as symbols. */
const char *symbols_name(const Symbols *symbols, uint32_t address, uint32_t *offset);

/* Source file and line of address, from an ELF file's debug information. */
bool symbols_line(const Symbols *symbols, uint32_t address, const char **file, unsigned *line);

/* Writes "0xc0101234 (schedule+0x34, kernel/sched/core.c:123)", or as much of it as is known, to text (size
 * bytes; SYMBOLS_TEXT is plenty); returns text. */
const char *symbols_text(const Symbols *symbols, uint32_t address, char *text, size_t size);

#endif
