#include "snapshot/page_table.h"

#include <stdlib.h>

#include "machine/checked.h"

enum { LEAF = 4096 };

void page_table_init(PageTable *table, uint64_t pages)
{
    *table = (PageTable){.leaf = checked(calloc(pages / LEAF + 1, sizeof *table->leaf)), .pages = pages};
}

void page_table_free(PageTable *table)
{
    for (uint64_t n = 0; table->leaf && n <= table->pages / LEAF; n++)
        free(table->leaf[n]);
    free(table->leaf);
    *table = (PageTable){.leaf = NULL};
}

void page_table_set(PageTable *table, uint64_t page, uint32_t number)
{
    uint32_t **leaf = &table->leaf[page / LEAF];
    if (!*leaf)
        *leaf = checked(calloc(LEAF, sizeof **leaf));
    (*leaf)[page % LEAF] = number;
}

uint32_t page_table_get(const PageTable *table, uint64_t page)
{
    const uint32_t *leaf = table->leaf[page / LEAF];
    return leaf ? leaf[page % LEAF] : PAGE_NONE;
}

uint64_t page_table_next(const PageTable *table, uint64_t page)
{
    while (page < table->pages && page_table_get(table, page) == PAGE_NONE)
        page = table->leaf[page / LEAF] ? page + 1 : (page / LEAF + 1) * LEAF;
    return page < table->pages ? page : table->pages;
}
