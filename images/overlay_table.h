/* Which blocks an overlay has: a bit for each, in memory, and in pages of the file. Every page is there
 * twice; the copy with the greater sequence number holds, and the other one is written next, so that a write
 * that is cut off leaves what was there before. Private to images/. */
#ifndef ARMATURE_IMAGES_OVERLAY_TABLE_H
#define ARMATURE_IMAGES_OVERLAY_TABLE_H

#include "images/host_file.h"
#include "images/overlay_format.h"

typedef struct TablePage {
    uint64_t sequence; /* of the copy that holds; 0: never written */
    uint8_t copy;      /* 0 or 1 */
    bool dirty;        /* differs from it */
    bool written;      /* dirty, and the other copy is up to date, but perhaps not on the host's medium */
} TablePage;

typedef struct OverlayTable {
    uint64_t blocks, present;
    uint32_t pages, dirty;
    uint8_t *bits; /* OVERLAY_BITS_BYTES for each page */
    TablePage *page;
} OverlayTable;

void table_init(OverlayTable *table, uint64_t size);
void table_free(OverlayTable *table);

/* Reads it. *torn: how many pages were cut off in writing and are now what they were before; *lost: how many
 * are whole in neither copy, and were taken as empty if `repair`, else an error. check: what table_check()
 * said when the file was closed, NULL: it was not. */
bool table_load(OverlayTable *table, HostFile *file, const uint32_t *check, bool repair, uint32_t *torn,
                uint32_t *lost, Error *err);

/* Writes the pages that changed. They hold when the file is synced; then table_saved(). */
DiskResult table_save(OverlayTable *table, HostFile *file, Error *err);
void table_saved(OverlayTable *table);

/* Over the sequence numbers of all pages. */
uint32_t table_check(const OverlayTable *table);

bool table_has(const OverlayTable *table, uint64_t block);
/* Up to `end`, where the first block is that is otherwise than `block`. */
uint64_t table_run(const OverlayTable *table, uint64_t block, uint64_t end);
void table_set(OverlayTable *table, uint64_t block, uint64_t end, bool has);

#endif
