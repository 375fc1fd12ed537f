#include "cpu/breakpoints.h"

#include <string.h>

/* Where the address is, or would have to be. */
static unsigned find(const Breakpoints *list, uint32_t address)
{
    unsigned n = 0;
    while (n < list->count && list->address[n] < address)
        n++;
    return n;
}

static void note_places(Breakpoints *list)
{
    memset(list->places, 0, sizeof list->places);
    for (unsigned n = 0; n < list->count; n++) {
        uint32_t place = (list->address[n] & ~PAGE_MASK) / 2;
        list->places[place / 64] |= (uint64_t)1 << (place % 64);
    }
}

bool breakpoints_at(const Breakpoints *list, uint32_t address)
{
    address &= ~1u;
    unsigned n = find(list, address);
    return n < list->count && list->address[n] == address;
}

bool breakpoints_add(Breakpoints *list, uint32_t address)
{
    address &= ~1u;
    unsigned n = find(list, address);
    if (list->count == BREAKPOINTS_MOST || breakpoints_at(list, address))
        return false;
    memmove(&list->address[n + 1], &list->address[n], (list->count - n) * sizeof *list->address);
    list->address[n] = address;
    list->count++;
    note_places(list);
    return true;
}

bool breakpoints_remove(Breakpoints *list, uint32_t address)
{
    address &= ~1u;
    unsigned n = find(list, address);
    if (!breakpoints_at(list, address))
        return false;
    list->count--;
    memmove(&list->address[n], &list->address[n + 1], (list->count - n) * sizeof *list->address);
    note_places(list);
    return true;
}
