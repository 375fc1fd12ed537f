#include "history/page_set.h"

#include <stdlib.h>

#include "machine/checked.h"

enum { SLOTS_LEAST = 64, MALLOC_OVERHEAD = 16 };

void page_set_free(PageSet *set)
{
    for (size_t n = 0; n < set->count; n++)
        free(set->page[n].data);
    free(set->page);
    free(set->slot);
    *set = (PageSet){0};
}

/* The slot that has the key, or the free one where it belongs. */
static size_t slot_of(const PageSet *set, uint64_t key)
{
    size_t n = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (set->slots - 1);
    while (set->slot[n] && set->page[set->slot[n] - 1].key != key)
        n = (n + 1) & (set->slots - 1);
    return n;
}

SetPage *page_set_find(const PageSet *set, uint64_t key)
{
    uint32_t number = set->slots ? set->slot[slot_of(set, key)] : 0;
    return number ? &set->page[number - 1] : NULL;
}

static void grow(PageSet *set)
{
    set->slots = set->slots ? 2 * set->slots : SLOTS_LEAST;
    set->capacity = set->slots / 2;
    set->page = checked(realloc(set->page, set->capacity * sizeof *set->page));
    free(set->slot);
    set->slot = checked(calloc(set->slots, sizeof *set->slot));
    for (size_t n = 0; n < set->count; n++)
        set->slot[slot_of(set, set->page[n].key)] = (uint32_t)n + 1;
}

void page_set_add(PageSet *set, uint64_t key, uint8_t *data)
{
    if (set->count == set->capacity)
        grow(set);
    set->page[set->count++] = (SetPage){key, data};
    set->slot[slot_of(set, key)] = (uint32_t)set->count;
    set->full += data != NULL;
}

static void merge_page(PageSet *set, SetPage page, bool wins)
{
    SetPage *own = page_set_find(set, page.key);
    if (!own) {
        page_set_add(set, page.key, page.data);
        return;
    }
    if (wins) {
        uint8_t *loses = own->data;
        set->full += (page.data != NULL) - (loses != NULL);
        own->data = page.data;
        page.data = loses;
    }
    free(page.data);
}

void page_set_merge(PageSet *set, PageSet *from, bool from_wins)
{
    if (from->count > set->count) { /* the smaller one is moved */
        PageSet swapped = *set;
        *set = *from;
        *from = swapped;
        from_wins = !from_wins;
    }
    for (size_t n = 0; n < from->count; n++) {
        merge_page(set, from->page[n], from_wins);
        from->page[n].data = NULL;
    }
    page_set_free(from);
}

uint64_t page_set_bytes(const PageSet *set)
{
    return set->full * (uint64_t)(PAGE_SET_PAGE + MALLOC_OVERHEAD) + set->capacity * sizeof *set->page +
           set->slots * sizeof *set->slot;
}
