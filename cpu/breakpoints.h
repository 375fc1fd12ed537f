/* Addresses of instructions before which a CPU stops.
 *
 * They are virtual addresses, decoded code is kept by physical ones; what both have in common is the place
 * within the page. So an instruction at a place where a breakpoint lies in some page is not kept at all: it
 * is looked up, fetched and decoded whenever a CPU comes there, and compared with the list then. */
#ifndef ARMATURE_CPU_BREAKPOINTS_H
#define ARMATURE_CPU_BREAKPOINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "mmu/mmu.h"

enum { BREAKPOINTS_MOST = 64 };

typedef struct Breakpoints {
    uint32_t address[BREAKPOINTS_MOST]; /* ascending */
    unsigned count;
    uint64_t places[PAGE_SIZE / 2 / 64]; /* a bit for each halfword of a page */
} Breakpoints;

/* Bit 0, which tells Thumb code in a symbol's value, is ignored. */
bool breakpoints_at(const Breakpoints *list, uint32_t address);

/* False if it is there already, or there is no room. */
bool breakpoints_add(Breakpoints *list, uint32_t address);

/* False if it is not there. */
bool breakpoints_remove(Breakpoints *list, uint32_t address);

/* True if a breakpoint lies at the same place of some page. */
static inline bool breakpoints_in_place(const Breakpoints *list, uint32_t address)
{
    uint32_t place = (address & ~PAGE_MASK) / 2;
    return list->places[place / 64] >> (place % 64) & 1;
}

#endif
