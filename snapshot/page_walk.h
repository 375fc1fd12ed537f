/* All pages of a chain of files, one after the other: for who compares or merges, without a machine. */
#ifndef ARMATURE_SNAPSHOT_PAGE_WALK_H
#define ARMATURE_SNAPSHOT_PAGE_WALK_H

#include "snapshot/open.h"
#include "snapshot/pages.h"

/* A memory of the snapshot, or a disk behind them: numbers are those of its own file. */
typedef struct WalkMemory {
    char name[256];
    uint64_t pages;
    bool disk;
    uint8_t fill;
} WalkMemory;

enum { WALK_MEMORIES = MACHINE_MEMORIES + DISK_SLOTS };

typedef struct PageSink {
    void *opaque;
    /* A page; data NULL: all fill (of disks: zeros). What later files say replaces what was said. */
    bool (*put)(void *opaque, unsigned memory, uint32_t page, const uint8_t *data, Error *err);
    /* As the page `source` of the same file, which was put. */
    bool (*equal)(void *opaque, unsigned memory, uint32_t page, uint32_t source, Error *err);
} PageSink;

/* Describes what there is, [WALK_MEMORIES]; *count: how many. False with err set, which names the file, if it
 * is damaged. */
bool walk_memories(const Snapshot *snapshot, WalkMemory *memory, unsigned *count, Error *err);

/* The snapshot's chain is open. With disks_too, disks' blocks as well. Checks what it reads, but not that a
 * page is there once only (snapshot_verify() does). False with err set, which names the file. */
bool walk_pages(const Snapshot *snapshot, bool disks_too, const PageSink *sink, Error *err);

#endif
