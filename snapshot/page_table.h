/* A number for each page of a memory or disk, most of which have none. */
#ifndef ARMATURE_SNAPSHOT_PAGE_TABLE_H
#define ARMATURE_SNAPSHOT_PAGE_TABLE_H

#include <stdint.h>

#define PAGE_NONE 0u
#define PAGE_ZEROS UINT32_MAX

typedef struct PageTable {
    uint32_t **leaf; /* NULL: of PAGE_NONE */
    uint64_t pages;
} PageTable;

void page_table_init(PageTable *table, uint64_t pages);
void page_table_free(PageTable *table);
void page_table_set(PageTable *table, uint64_t page, uint32_t number);
uint32_t page_table_get(const PageTable *table, uint64_t page);
/* The first at or behind `page` that has a number; table->pages if there is none. */
uint64_t page_table_next(const PageTable *table, uint64_t page);

#endif
