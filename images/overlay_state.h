/* An open overlay. Private to the files of overlays. */
#ifndef ARMATURE_IMAGES_OVERLAY_STATE_H
#define ARMATURE_IMAGES_OVERLAY_STATE_H

#include "images/overlay.h"
#include "images/overlay_table.h"

typedef struct OverlayPoint OverlayPoint;

struct Overlay {
    HostFile file;
    DiskImage base;  /* read-only */
    char *base_path; /* to open it by */
    OverlayHeader header;
    OverlayTable table;
    bool temporary, look;
    bool in_use; /* the file says that it is not closed */
    bool was_closed;
    uint32_t torn;
    unsigned depth;
    uint64_t commits;    /* since it was opened */
    OverlayPoint *point; /* what a snapshot saves; NULL: none is being saved */
    uint8_t block[OVERLAY_BLOCK];
};

Overlay *overlay_of(const DiskImage *image);

/* Everything that was written holds then. */
DiskResult overlay_flush(Overlay *overlay, Error *err);

/* Writes the header's other copy, durably. */
DiskResult overlay_write_header(Overlay *overlay, Error *err);

/* The file gets its size. */
bool overlay_make_room(Overlay *overlay, Error *err);

/* Before the first change: the file is in use, and not as it was when it was closed. */
DiskResult overlay_use(Overlay *overlay, Error *err);

/* The whole of what is between two blocks: its place in the file. */
uint64_t overlay_place(const Overlay *overlay, uint64_t block);

/* Before blocks in [offset, offset + length) change or go. */
void overlay_keep(Overlay *overlay, uint64_t offset, uint64_t length);
void overlay_point_free(Overlay *overlay);
extern const MediumOps overlay_ops;
extern const MediumPointOps overlay_point_ops;

/* The places for other changes; see MediumPointOps. */
void *overlay_stage(void *medium, Error *err);
void overlay_stage_renew(void *stage);
bool overlay_stage_put(void *stage, uint64_t block, uint64_t count, const uint8_t *data, Error *err);
bool overlay_stage_get(void *stage, uint64_t block, uint8_t *data, Error *err);
bool overlay_stage_ready(void *stage, Error *err);
bool overlay_stage_swap(void *stage, Error *err);
void overlay_stage_drop(void *stage);

void overlay_attach(DiskImage *image, Overlay *overlay);
void overlay_close(void *medium);

#endif
