#include "history/checkpoints.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "machine/checked.h"

/* So many are kept as long as possible: with distances that double, they reach back a million times as far as
 * the nearest is. */
enum { KEEP_MOST = 400, KEEP_LEAST = 24 };

/* ---- One ----------------------------------------------------------------------------------------------- */

/* Most of a state is registers that are zero and tables that repeat themselves. */
static void pack(Checkpoint *checkpoint, const uint8_t *state, size_t size)
{
    uLongf packed = compressBound(size);
    uint8_t *to = checked(malloc(packed));
    if (compress2(to, &packed, state, size, 1) != Z_OK)
        abort();
    checkpoint->state = checked(realloc(to, packed));
    checkpoint->packed = packed;
    checkpoint->size = size;
}

uint8_t *checkpoint_state(const Checkpoint *checkpoint)
{
    uLongf size = checkpoint->size;
    uint8_t *state = checked(malloc(size + 1));
    if (uncompress(state, &size, checkpoint->state, checkpoint->packed) != Z_OK || size != checkpoint->size)
        abort();
    return state;
}

static uint64_t bytes_of(const Checkpoint *checkpoint)
{
    return sizeof *checkpoint + checkpoint->packed + page_set_bytes(&checkpoint->pages);
}

static void free_one(Checkpoint *checkpoint)
{
    free(checkpoint->state);
    page_set_free(&checkpoint->pages);
}

/* ---- The list ------------------------------------------------------------------------------------------ */

void checkpoints_count(Checkpoints *all)
{
    all->bytes = all->capacity * sizeof *all->item;
    for (unsigned n = 0; n < all->count; n++)
        all->bytes += bytes_of(&all->item[n]) - sizeof *all->item;
}

Checkpoint *checkpoints_add(Checkpoints *all, const uint8_t *state, size_t size)
{
    if (all->count == all->capacity) {
        all->capacity = 2 * all->capacity + 16;
        all->item = checked(realloc(all->item, all->capacity * sizeof *all->item));
    }
    Checkpoint *checkpoint = &all->item[all->count++];
    *checkpoint = (Checkpoint){0};
    pack(checkpoint, state, size);
    checkpoints_count(all);
    return checkpoint;
}

static void take_out(Checkpoints *all, unsigned n)
{
    free_one(&all->item[n]);
    all->count--;
    memmove(&all->item[n], &all->item[n + 1], (all->count - n) * sizeof *all->item);
    all->at -= n < all->at;
    checkpoints_count(all);
}

/* Before the machine's place the older contents are those that lead to the checkpoint before; behind it the
 * newer ones lead to the one after. */
static void merge_into_former(Checkpoints *all, unsigned n)
{
    page_set_merge(&all->item[n - 1].pages, &all->item[n].pages, n > all->at);
    take_out(all, n);
}

void checkpoints_cut(Checkpoints *all, unsigned n)
{
    while (all->count > n + 1)
        free_one(&all->item[--all->count]);
    if (all->count)
        page_set_free(&all->item[all->count - 1].pages);
    checkpoints_count(all);
}

void checkpoints_free(Checkpoints *all)
{
    for (unsigned n = 0; n < all->count; n++)
        free_one(&all->item[n]);
    free(all->item);
    *all = (Checkpoints){0};
}

/* ---- Thinning ------------------------------------------------------------------------------------------ */

/* The gap that would be left, as a part of how long ago that is: the smallest one is missed least. */
static double loss(const Checkpoints *all, unsigned n)
{
    const Checkpoint *item = all->item;
    uint64_t now = item[all->count - 1].icount;
    return (double)(item[n + 1].icount - item[n - 1].icount) / (double)(now - item[n].icount + 1);
}

/* 0: none may go. */
static unsigned least_missed(const Checkpoints *all)
{
    unsigned best = 0;
    for (unsigned n = 1; n + 1 < all->count; n++)
        if (n != all->at && (!best || loss(all, n) < loss(all, best)))
            best = n;
    return best;
}

static bool thin_once(Checkpoints *all)
{
    unsigned n = all->count > KEEP_LEAST ? least_missed(all) : 0;
    if (n)
        merge_into_former(all, n);
    else if (all->at > 0)
        take_out(all, 0);
    else if ((n = least_missed(all)))
        merge_into_former(all, n);
    else
        return false;
    return true;
}

bool checkpoints_thin(Checkpoints *all, uint64_t most)
{
    while (all->bytes > most || all->count > KEEP_MOST)
        if (!thin_once(all))
            return all->bytes <= most;
    return true;
}
