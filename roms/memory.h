/* memory.S: large pieces of memory. Addresses are multiples of 4, sizes of 32 bytes. */
#ifndef ARMATURE_ROMS_MEMORY_H
#define ARMATURE_ROMS_MEMORY_H

#include <stdint.h>

void fill_memory(uint32_t address, uint32_t value, uint32_t bytes);

/* The destination lies below the source, or apart from it. */
void copy_memory(uint32_t to, uint32_t from, uint32_t bytes);

#endif
