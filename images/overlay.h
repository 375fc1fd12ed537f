/* Overlays: what a disk has that the image below it has not. docs/disks.md has the format of the file and why
 * it survives what it must survive. Private to images/ but for the magic number. */
#ifndef ARMATURE_IMAGES_OVERLAY_H
#define ARMATURE_IMAGES_OVERLAY_H

#include "images/host_file.h"
#include "images/image.h"
#include "images/manage.h"
#include "images/overlay_format.h"

typedef struct Overlay Overlay;

/* How deep overlays may lie on overlays. */
enum { OVERLAY_DEEPEST = 16 };

typedef struct OverlayOptions {
    DiskImage *base;       /* what is below, read-only, taken over (also after a failure) */
    const char *base_path; /* to open that by */
    bool base_raw;         /* that has no format, whatever it looks like */
    bool look;             /* without a lock */
    unsigned depth;        /* how many overlays are above */
    ImageCheck *check;     /* NULL: none */
} OverlayOptions;

/* Makes an image of the open overlay file, which is taken over (also after a failure). Without a base, what
 * the file names is opened. */
bool overlay_open(DiskImage *image, HostFile *file, const OverlayOptions *options, Error *err);

/* A new one in a file at path; size: bytes of its disk, 0: as the base. */
bool overlay_create(const char *path, const OverlayOptions *options, uint64_t size, Error *err);

/* One that vanishes. */
bool overlay_temporary(DiskImage *image, const OverlayOptions *options, Error *err);

HostFile *overlay_file(const DiskImage *image);

/* image_open() for what is below `depth` overlays. */
bool image_open_below(DiskImage *image, const ImageOptions *options, unsigned depth, Error *err);

/* What an image is known by; file: NULL if it has none with a time. */
bool image_identify(const MediumOps *ops, void *medium, uint64_t size, const HostFile *file, OverlayBase *id,
                    Error *err);

/* What a base is known by from now on, durably. */
bool overlay_identify(const DiskImage *base, OverlayBase *id, Error *err);

#endif
