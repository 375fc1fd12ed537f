/* Pages of the machine's memories and disks by one key each: taken out, and exchanged. Private to history/.
 */
#ifndef ARMATURE_HISTORY_EXCHANGE_H
#define ARMATURE_HISTORY_EXCHANGE_H

#include "history/page_set.h"
#include "machine/machine.h"

/* Of the page of memory at a home address; of block n of the disk in a slot. */
uint64_t memory_key(uint32_t pa);
uint64_t disk_key(unsigned slot, uint64_t block);

/* Adds what the page of memory has now; false: there is no memory. */
bool keep_memory(PageSet *set, const Machine *machine, uint64_t key);
bool keep_disk(PageSet *set, Machine *machine, uint64_t key, Error *err);

/* The machine gets the set's pages, and the set those that were there. Who follows writes to memory is told.
 * False with err set if a disk fails: nothing has changed then, as far as the disk lets itself be written. */
bool exchange(PageSet *set, Machine *machine, Error *err);

/* Undoes an exchange: memory in any case, disks if they let themselves be written. */
void exchange_back(PageSet *set, Machine *machine);

#endif
