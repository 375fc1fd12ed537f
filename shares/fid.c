#include "shares/fid.h"

#include <stdlib.h>
#include <unistd.h>

enum { FIRST_BUCKETS = 64 };

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

void fids_init(Fids *fids)
{
    *fids = (Fids){.buckets = FIRST_BUCKETS};
    fids->bucket = must(calloc(fids->buckets, sizeof *fids->bucket));
}

void fids_done(Fids *fids)
{
    free(fids->bucket);
}

static Fid **place(Fids *fids, uint32_t number)
{
    Fid **at = &fids->bucket[number & (fids->buckets - 1)];
    while (*at && (*at)->number != number)
        at = &(*at)->next;
    return at;
}

Fid *fid_find(Fids *fids, uint32_t number)
{
    return *place(fids, number);
}

static void grow(Fids *fids)
{
    Fid **old = fids->bucket;
    size_t count = fids->buckets;
    fids->buckets *= 2;
    fids->bucket = must(calloc(fids->buckets, sizeof *fids->bucket));
    for (size_t n = 0; n < count; n++)
        for (Fid *fid = old[n], *next; fid; fid = next) {
            next = fid->next;
            fid->next = NULL;
            *place(fids, fid->number) = fid;
        }
    free(old);
}

Fid *fid_new(Fids *fids, uint32_t number, Node *node, uint32_t user)
{
    if (fids->count >= fids->buckets)
        grow(fids);
    Fid *fid = must(calloc(1, sizeof *fid));
    fid->number = number;
    fid->node = node;
    fid->user = user;
    fid->fd = -1;
    *place(fids, number) = fid;
    fids->count++;
    return fid;
}

void fid_remove(Fids *fids, Nodes *nodes, Fid *fid)
{
    *place(fids, fid->number) = fid->next;
    fids->count--;
    if (fid->fd >= 0)
        close(fid->fd);
    listing_free(fid->listing);
    node_unref(nodes, fid->node);
    free(fid->value);
    free(fid);
}

void fids_each(Fids *fids, void (*look)(void *opaque, Fid *fid), void *opaque)
{
    for (size_t n = 0; n < fids->buckets; n++)
        for (Fid *fid = fids->bucket[n], *next; fid; fid = next) {
            next = fid->next;
            look(opaque, fid);
        }
}
