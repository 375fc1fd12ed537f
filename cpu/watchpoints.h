/* Places in memory whose access stops a CPU, after the instruction.
 *
 * They are virtual addresses, as the CPU that makes the access sees them. No TLB entry of a page with such a
 * place lets accesses go straight to memory, so that each comes to mmu/access.c; and no compiled code takes a
 * constant from beside itself while there are any. An access counts that was made: one that takes an abort
 * does not, nor a store-exclusive that fails. Fetching instructions, bus masters and calls of semihosting do
 * not count. */
#ifndef ARMATURE_CPU_WATCHPOINTS_H
#define ARMATURE_CPU_WATCHPOINTS_H

#include <stdbool.h>
#include <stdint.h>

enum { WATCHPOINTS_MOST = 32 };

enum { WATCH_READ = 1, WATCH_WRITE = 2, WATCH_ACCESS = WATCH_READ | WATCH_WRITE };

typedef struct Watchpoint {
    uint32_t address, size; /* bytes, not 0; address + size <= 2^32 */
    unsigned kinds;         /* WATCH_* */
} Watchpoint;

typedef struct Watchpoints {
    Watchpoint item[WATCHPOINTS_MOST]; /* in the order in which they were added */
    unsigned count;
} Watchpoints;

/* The first access of the instruction that a CPU stopped after. */
typedef struct WatchHit {
    bool hit;
    bool write;
    uint32_t address; /* of the access */
    uint32_t pc;      /* of the instruction */
    Watchpoint at;
} WatchHit;

/* The first watchpoint that an access of `size` bytes of kind WATCH_READ or WATCH_WRITE meets; NULL: none. */
const Watchpoint *watchpoints_find(const Watchpoints *list, uint32_t address, uint32_t size, unsigned kind);

/* Whether some lie in the page of an address. */
bool watchpoints_in_page(const Watchpoints *list, uint32_t address);

/* False if there is no room. One that is there already, with the same place and size, gets these kinds. */
bool watchpoints_add(Watchpoints *list, const Watchpoint *watchpoint);

/* All that begin at the address; false if none does. */
bool watchpoints_remove(Watchpoints *list, uint32_t address);

#endif
