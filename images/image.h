/* Disk images: makes a medium (machine/disk.h) of what the user names. docs/disks.md explains them to users.
 *
 * An image is a raw file or block device, an overlay over another image, or an export of an NBD server. Media
 * are stacked by their operations alone: what an overlay lies upon may be any image, another overlay too. */
#ifndef ARMATURE_IMAGES_IMAGE_H
#define ARMATURE_IMAGES_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/disk.h"

typedef enum ImageKind { IMAGE_FILE, IMAGE_DEVICE, IMAGE_OVERLAY, IMAGE_NBD } ImageKind;

typedef struct ImageOptions {
    const char *path;    /* a file, a block device, or nbd:PATH, nbd+unix://... */
    const char *overlay; /* a file that keeps the changes, made if it does not exist; NULL: none */
    bool temporary;      /* changes are kept in an overlay that vanishes with the run */
    bool read_only;
    bool look; /* just to look at it: no lock, and others may write meanwhile */
    bool raw;  /* whatever the contents look like, they are the disk's */
} ImageOptions;

typedef struct DiskImage {
    ImageKind kind;
    const MediumOps *ops;
    void *medium;
    MediumInfo info; /* serial is empty */
    char note[512];  /* one line for the user: what is not as asked for; "": nothing */
} DiskImage;

/* Opens, and locks against other writers, in this process or another. False with err set. */
bool image_open(DiskImage *image, const ImageOptions *options, Error *err);

/* Closes what no Disk has taken over; flushes nothing. */
void image_close(DiskImage *image);

/* "file", "block device", "overlay", "NBD". */
const char *image_kind_name(ImageKind kind);

/* ---- What contents are --------------------------------------------------------------------------- */

typedef enum ImageContent {
    CONTENT_UNKNOWN,
    CONTENT_DISK,      /* a partition table or a file system */
    CONTENT_OVERLAY,   /* of Armature */
    CONTENT_FOREIGN,   /* an image format of another program */
    CONTENT_COMPRESSED /* must be unpacked first */
} ImageContent;

/* Enough of a file's beginning to tell. */
enum { IMAGE_PROBE_BYTES = 68 << 10 };

/* From the first bytes; *what (may be NULL) is "a qcow2 image" or so. Kernels are none of these. */
ImageContent image_probe(const uint8_t *data, size_t size, const char **what);

/* Whether the plain argument of the command line names a disk rather than a kernel. */
bool image_is_disk(const char *path);

#endif
