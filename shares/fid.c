#include "shares/fid.h"

#include <stdlib.h>
#include <unistd.h>

static bool has_number(const void *item, const void *key)
{
    return ((const Fid *)item)->number == *(const uint32_t *)key;
}

Fid *fid_find(const Fids *fids, uint32_t number)
{
    return share_table_find(fids, number, has_number, &number);
}

Fid *fid_new(Fids *fids, uint32_t number, Node *node, uint32_t user)
{
    Fid *fid = must_have(calloc(1, sizeof *fid));
    fid->number = number;
    fid->node = node;
    fid->user = user;
    fid->fd = -1;
    share_table_add(fids, fid, number);
    return fid;
}

void fid_remove(Fids *fids, Nodes *nodes, Fid *fid)
{
    share_table_remove(fids, fid);
    if (fid->fd >= 0)
        close(fid->fd);
    listing_free(fid->listing);
    node_unref(nodes, fid->node);
    free(fid->value);
    free(fid);
}
