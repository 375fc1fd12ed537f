#include "cpu/watchpoints.h"

#include <stddef.h>

#include "cpu/cpu.h"

static uint32_t last_byte(const Watchpoint *watchpoint)
{
    return watchpoint->address + (watchpoint->size - 1);
}

/* The access may go over the end of the address space, to its beginning. */
static bool meets(const Watchpoint *watchpoint, uint32_t address, uint32_t size)
{
    return address - watchpoint->address < watchpoint->size || watchpoint->address - address < size;
}

const Watchpoint *watchpoints_find(const Watchpoints *list, uint32_t address, uint32_t size, unsigned kind)
{
    for (unsigned n = 0; n < list->count; n++)
        if (list->item[n].kinds & kind && meets(&list->item[n], address, size))
            return &list->item[n];
    return NULL;
}

bool watchpoints_in_page(const Watchpoints *list, uint32_t address)
{
    uint32_t page = address & PAGE_MASK;
    for (unsigned n = 0; n < list->count; n++)
        if ((list->item[n].address & PAGE_MASK) <= page && page <= last_byte(&list->item[n]))
            return true;
    return false;
}

bool watchpoints_add(Watchpoints *list, const Watchpoint *watchpoint)
{
    for (unsigned n = 0; n < list->count; n++) {
        if (list->item[n].address != watchpoint->address || list->item[n].size != watchpoint->size)
            continue;
        list->item[n].kinds = watchpoint->kinds;
        return true;
    }
    if (list->count == WATCHPOINTS_MOST)
        return false;
    list->item[list->count++] = *watchpoint;
    return true;
}

bool watchpoints_remove(Watchpoints *list, uint32_t address)
{
    unsigned kept = 0, before = list->count;
    for (unsigned n = 0; n < before; n++)
        if (list->item[n].address != address)
            list->item[kept++] = list->item[n];
    list->count = kept;
    return kept != before;
}
