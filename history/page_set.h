/* What pages were at some moment: those that have changed since, each once. Pages are of memories and of
 * disks; a key names one. */
#ifndef ARMATURE_HISTORY_PAGE_SET_H
#define ARMATURE_HISTORY_PAGE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_SET_PAGE = 4096 };

typedef struct SetPage {
    uint64_t key;
    uint8_t
        *data; /* [PAGE_SET_PAGE], owned; NULL: all bytes are what such a page has before anybody writes */
} SetPage;

/* All zeros is an empty set. */
typedef struct PageSet {
    SetPage *page; /* in the order in which they came */
    size_t count, capacity;
    uint32_t *slot; /* hash table: number in page + 1; 0: free */
    size_t slots;
    size_t full; /* pages with data */
} PageSet;

void page_set_free(PageSet *set); /* empty afterwards */

/* NULL: it has no such page. Valid until the set changes. */
SetPage *page_set_find(const PageSet *set, uint64_t key);

/* A page that it does not have. data: allocated, taken over, or NULL. */
void page_set_add(PageSet *set, uint64_t key, uint8_t *data);

/* Adds the pages of `from`, which is empty afterwards. Where both have one, `from`'s is kept if its are to
 * win. */
void page_set_merge(PageSet *set, PageSet *from, bool from_wins);

/* Memory that it takes. */
uint64_t page_set_bytes(const PageSet *set);

/* What a page with data takes at most, so that a budget can be kept before it is exceeded. */
enum { PAGE_SET_COST = PAGE_SET_PAGE + 64 };

#endif
