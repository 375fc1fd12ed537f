/* What an overlay had at the moment of a snapshot, while its guest goes on writing: whoever comes first takes
 * a block, the thread that saves or the disk's, which copies it to another file before it changes it. The
 * overlay's own file is at any moment what it would be without all that. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "images/overlay_state.h"

struct OverlayPoint {
    pthread_mutex_t mutex; /* over all of it */
    OverlayTable waits;    /* blocks that the point has and nobody has taken yet */
    OverlayTable kept;     /* those that were copied */
    OverlayTable changed;  /* since the point was made, or made again */
    HostFile copies;       /* block n is at n * OVERLAY_BLOCK */
    uint64_t data, hole;   /* the piece of the overlay's file with data that was found last */
    bool failed;
    Error error;
};

/* The bytes of a block that the disk has. */
static uint64_t block_bytes(const Overlay *o, uint64_t block)
{
    uint64_t rest = o->header.size - block * OVERLAY_BLOCK;
    return rest < OVERLAY_BLOCK ? rest : OVERLAY_BLOCK;
}

/* If that cannot be done the save fails, and the guest goes on. */
static void keep_block(Overlay *o, OverlayPoint *p, uint64_t block)
{
    uint8_t data[OVERLAY_BLOCK] = {0};
    DiskResult result = DISK_OK;
    if (p->copies.fd < 0 && !host_file_temporary(&p->copies, o->base_path, &p->error))
        result = DISK_IO_ERROR;
    result = result
                 ? result
                 : host_file_read(&o->file, overlay_place(o, block), data, block_bytes(o, block), &p->error);
    result =
        result ? result : host_file_write(&p->copies, block * OVERLAY_BLOCK, data, OVERLAY_BLOCK, &p->error);
    p->failed = result != DISK_OK;
    table_set(&p->kept, block, block + 1, true);
    table_set(&p->waits, block, block + 1, false);
}

void overlay_keep(Overlay *o, uint64_t offset, uint64_t length)
{
    OverlayPoint *p = o->point;
    uint64_t end = overlay_blocks(offset + length);
    for (unsigned n = 0; length && n < o->marks; n++)
        table_set(&o->mark[n].changed, offset / OVERLAY_BLOCK, end, true);
    if (!p || !length)
        return;
    pthread_mutex_lock(&p->mutex);
    if (p->changed.blocks)
        table_set(&p->changed, offset / OVERLAY_BLOCK, end, true);
    for (uint64_t block = offset / OVERLAY_BLOCK; block < end && p->waits.present && !p->failed;) {
        if (table_has(&p->waits, block))
            keep_block(o, p, block++);
        else
            block = table_run(&p->waits, block, end);
    }
    pthread_mutex_unlock(&p->mutex);
}

/* ---- The machine's thread ------------------------------------------------------------------------------ */

/* One that cannot be written is an image like others. */
static bool identify(void *medium, MediumIdentity *identity, Error *err)
{
    Overlay *o = medium;
    OverlayBase self;
    const OverlayBase *is = &o->header.base;
    identity->keeps_changes = o->file.writable;
    if (o->header.flags & OVERLAY_COMMITTING)
        return error_set(err, "%s: a commit was interrupted; commit again first", o->file.path);
    if (!o->file.writable) {
        if (!image_identify(&overlay_ops, o, o->header.size, &o->file, &self, err))
            return false;
        is = &self;
    }
    snprintf(identity->file, sizeof identity->file, "%s",
             o->file.writable ? o->base.info.name : o->file.path);
    identity->size = is->size;
    identity->modified = is->modified;
    identity->sample = is->sample;
    identity->changes = o->commits;
    return true;
}

static void freeze(void *medium)
{
    Overlay *o = medium;
    OverlayPoint *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    pthread_mutex_init(&p->mutex, NULL);
    p->copies.fd = -1;
    if (o->file.writable) {
        table_init(&p->waits, o->header.size);
        table_init(&p->kept, o->header.size);
        table_init(&p->changed, o->header.size);
        memcpy(p->waits.bits, o->table.bits, (size_t)p->waits.pages * OVERLAY_BITS_BYTES);
        p->waits.present = o->table.present;
    }
    o->point = p;
}

void overlay_point_free(Overlay *o)
{
    OverlayPoint *p = o->point;
    if (!p)
        return;
    host_file_close(&p->copies);
    table_free(&p->waits);
    table_free(&p->kept);
    table_free(&p->changed);
    pthread_mutex_destroy(&p->mutex);
    free(p);
    o->point = NULL;
}

static uint64_t next_of(const OverlayTable *table, uint64_t block)
{
    if (block >= table->blocks || table_has(table, block))
        return block;
    return table_run(table, block, table->blocks);
}

/* What was copied has changed since, by definition. */
static void refreeze(void *medium)
{
    Overlay *o = medium;
    OverlayPoint *p = o->point;
    for (uint64_t block = 0, end; (block = next_of(&p->changed, block)) < p->changed.blocks; block = end) {
        end = table_run(&p->changed, block, p->changed.blocks);
        for (uint64_t n = block; n < end; n++)
            if (table_has(&o->table, n))
                table_set(&p->waits, n, n + 1, true);
    }
    table_set(&p->changed, 0, p->changed.blocks, false);
    table_set(&p->kept, 0, p->kept.blocks, false);
    p->data = p->hole = 0;
}

static void thaw(void *medium)
{
    overlay_point_free(medium);
}

/* ---- Marks ------------------------------------------------------------------------------------------- */

static void forget_oldest(Overlay *o)
{
    table_free(&o->mark[0].changed);
    o->marks--;
    memmove(&o->mark[0], &o->mark[1], o->marks * sizeof o->mark[0]);
}

void overlay_forget_marks(Overlay *o)
{
    while (o->marks)
        forget_oldest(o);
}

static void mark(void *medium, const uint64_t *id)
{
    Overlay *o = medium;
    if (!o->file.writable)
        return;
    if (o->marks == OVERLAY_MARKS)
        forget_oldest(o);
    OverlayMark *new = &o->mark[o->marks++];
    memcpy(new->id, id, sizeof new->id);
    table_init(&new->changed, o->header.size);
}

/* Of what the point has: a block that was changed is in the table, since only what forgets marks takes any
 * out. */
static bool since(void *medium, const uint64_t *id)
{
    Overlay *o = medium;
    OverlayTable *waits = &o->point->waits;
    for (unsigned n = 0; n < o->marks; n++) {
        const OverlayTable *changed = &o->mark[n].changed;
        if (memcmp(o->mark[n].id, id, sizeof o->mark[n].id) != 0)
            continue;
        for (uint64_t block = 0, end; block < waits->blocks; block = end) {
            end = table_run(changed, block, waits->blocks);
            if (!table_has(changed, block))
                table_set(waits, block, end, false);
        }
        return true;
    }
    return false;
}

/* ---- The thread that saves ----------------------------------------------------------------------------- */

/* Blocks that wait lie as they were when the point was made: what is a hole was one. */
static uint64_t blocks_in_hole(const Overlay *o, OverlayPoint *p, uint64_t block)
{
    uint64_t at = overlay_place(o, block), end = overlay_place(o, p->waits.blocks);
    if (at < p->data || at >= p->hole) {
        p->data = host_file_next_data(&o->file, at, end);
        p->hole = host_file_next_hole(&o->file, p->data, end);
    }
    return at < p->data ? (p->data - at) / OVERLAY_BLOCK : 0;
}

/* So many zeros in one step at most. */
enum { HOLES_MOST = 1 << 24 };

static MediumStep take(Overlay *o, OverlayPoint *p, uint64_t block, uint64_t *count, uint8_t *data)
{
    bool copied = table_has(&p->kept, block);
    uint64_t holes = copied ? 0 : blocks_in_hole(o, p, block);
    if (holes) {
        uint64_t end = table_run(&p->waits, block, block + (holes < HOLES_MOST ? holes : HOLES_MOST));
        *count = end - block;
        table_set(&p->waits, block, end, false);
        return STEP_ZEROS;
    }
    memset(data, 0, OVERLAY_BLOCK);
    *count = 1;
    DiskResult result =
        copied ? host_file_read(&p->copies, block * OVERLAY_BLOCK, data, OVERLAY_BLOCK, &p->error)
               : host_file_read(&o->file, overlay_place(o, block), data, block_bytes(o, block), &p->error);
    table_set(&p->waits, block, block + 1, false);
    p->failed = result != DISK_OK;
    return p->failed ? STEP_FAILED : STEP_DATA;
}

static MediumStep next(void *medium, uint64_t *block, uint64_t *count, uint8_t *data, Error *err)
{
    Overlay *o = medium;
    OverlayPoint *p = o->point;
    MediumStep step = STEP_END;
    pthread_mutex_lock(&p->mutex);
    uint64_t waiting = next_of(&p->waits, *block), kept = next_of(&p->kept, *block);
    *block = waiting < kept ? waiting : kept;
    if (!p->failed && *block < p->waits.blocks)
        step = take(o, p, *block, count, data);
    if (p->failed) {
        *err = p->error;
        step = STEP_FAILED;
    }
    pthread_mutex_unlock(&p->mutex);
    return step;
}

const MediumPointOps overlay_point_ops = {
    .identify = identify,
    .freeze = freeze,
    .refreeze = refreeze,
    .next = next,
    .thaw = thaw,
    .mark = mark,
    .since = since,
    .stage = overlay_stage,
    .renew = overlay_stage_renew,
    .put = overlay_stage_put,
    .again = overlay_stage_again,
    .get = overlay_stage_get,
    .ready = overlay_stage_ready,
    .swap = overlay_stage_swap,
    .drop = overlay_stage_drop,
};
