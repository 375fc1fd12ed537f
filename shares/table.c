#include "shares/table.h"

#include <stdlib.h>

enum { FIRST_BUCKETS = 64 };

void *must_have(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static void set_buckets(ShareTable *table, size_t buckets)
{
    table->buckets = buckets;
    table->bucket = must_have(calloc(buckets, sizeof *table->bucket));
}

void share_table_init(ShareTable *table)
{
    set_buckets(table, FIRST_BUCKETS);
    table->count = 0;
}

void share_table_done(ShareTable *table)
{
    free(table->bucket);
}

static ShareTableItem **first_of(const ShareTable *table, size_t hash)
{
    return &table->bucket[hash & (table->buckets - 1)];
}

void *share_table_find(const ShareTable *table, size_t hash, bool (*is)(const void *item, const void *key),
                       const void *key)
{
    ShareTableItem *item = *first_of(table, hash);
    while (item && (item->hash != hash || !is(item, key)))
        item = item->next;
    return item;
}

static void append(ShareTable *table, ShareTableItem *item)
{
    ShareTableItem **at = first_of(table, item->hash);
    while (*at)
        at = &(*at)->next;
    item->next = NULL;
    *at = item;
}

static void grow(ShareTable *table)
{
    ShareTableItem **old = table->bucket;
    size_t count = table->buckets;
    set_buckets(table, 2 * count);
    for (size_t n = 0; n < count; n++)
        for (ShareTableItem *item = old[n], *next; item; item = next) {
            next = item->next;
            append(table, item);
        }
    free(old);
}

void share_table_add(ShareTable *table, void *item, size_t hash)
{
    if (table->count >= table->buckets)
        grow(table);
    table->count++;
    ((ShareTableItem *)item)->hash = hash;
    append(table, item);
}

void share_table_remove(ShareTable *table, void *item)
{
    ShareTableItem **at = first_of(table, ((ShareTableItem *)item)->hash);
    while (*at != item)
        at = &(*at)->next;
    *at = (*at)->next;
    table->count--;
}

void share_table_each(ShareTable *table, void (*look)(void *opaque, void *item), void *opaque)
{
    for (size_t n = 0; n < table->buckets; n++)
        for (ShareTableItem *item = table->bucket[n], *next; item; item = next) {
            next = item->next;
            look(opaque, item);
        }
}
