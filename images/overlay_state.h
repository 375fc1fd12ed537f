/* An open overlay. Private to the files of overlays. */
#ifndef ARMATURE_IMAGES_OVERLAY_STATE_H
#define ARMATURE_IMAGES_OVERLAY_STATE_H

#include "images/overlay.h"
#include "images/overlay_table.h"

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
    uint8_t block[OVERLAY_BLOCK];
};

Overlay *overlay_of(const DiskImage *image);

/* Everything that was written holds then. */
DiskResult overlay_flush(Overlay *overlay, Error *err);

/* Writes the header's other copy, durably. */
DiskResult overlay_write_header(Overlay *overlay, Error *err);

/* Before the first change: the file is in use, and not as it was when it was closed. */
DiskResult overlay_use(Overlay *overlay, Error *err);

/* The whole of what is between two blocks: its place in the file. */
uint64_t overlay_place(const Overlay *overlay, uint64_t block);

void overlay_attach(DiskImage *image, Overlay *overlay);
void overlay_close(void *medium);

#endif
