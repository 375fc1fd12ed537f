/* A hash table of items that its users allocate. Private to shares/. */
#ifndef ARMATURE_SHARES_TABLE_H
#define ARMATURE_SHARES_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* The first member of what is kept in a table. */
typedef struct ShareTableItem {
    struct ShareTableItem *next; /* in its bucket */
    size_t hash;
} ShareTableItem;

typedef struct ShareTable {
    ShareTableItem **bucket;
    size_t buckets, count;
} ShareTable;

void share_table_init(ShareTable *table);
void share_table_done(ShareTable *table); /* frees no items */

/* The item of that hash for which is() says so; NULL: there is none. */
void *share_table_find(const ShareTable *table, size_t hash, bool (*is)(const void *item, const void *key),
                       const void *key);

/* The item is in no table. */
void share_table_add(ShareTable *table, void *item, size_t hash);
void share_table_remove(ShareTable *table, void *item);

/* Calls look for each; it may remove the item that it gets. */
void share_table_each(ShareTable *table, void (*look)(void *opaque, void *item), void *opaque);

/* memory, or the end of the program: the host has none left. */
void *must_have(void *memory);

#endif
