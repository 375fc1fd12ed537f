/* What is done to images besides reading and writing them: by `armature disk`, and by operations while a
 * machine has them. */
#ifndef ARMATURE_IMAGES_MANAGE_H
#define ARMATURE_IMAGES_MANAGE_H

#include "images/image.h"

/* ---- Open images: no request may be under way ------------------------------------------------------ */

typedef struct OverlayInfo {
    const char *path; /* of the overlay; NULL: temporary */
    const char *base; /* of what is below */
    uint64_t changed; /* bytes of the disk that are the overlay's */
    bool committing;  /* a commit was interrupted: what is below is part old, part new */
    bool closed;      /* the last run ended properly; else what it had flushed is there */
    uint32_t torn;    /* pages of the table that are as before a write that was cut off */
} OverlayInfo;

/* False: the image is no overlay. */
bool image_overlay(const DiskImage *image, OverlayInfo *info);

/* Bytes that it takes on the host, without what is below; UINT64_MAX: not known. */
uint64_t image_allocated(const DiskImage *image);

/* Who has the file of an image, for messages; false: nobody. */
bool image_holder(const char *path, char *who, size_t size);

typedef struct ImagePart {
    unsigned number;            /* of the partition, 0: the whole disk */
    uint64_t start, size;       /* bytes */
    char system[32], label[64]; /* of files: "ext4"; "": none known */
} ImagePart;

/* What is on the disk: the name of its partition table ("gpt", "dos"; NULL: none) and its partitions, or its
 * one file system. False if this build cannot tell, for lack of libblkid. */
bool image_parts(DiskImage *image, char table[32], ImagePart *parts, unsigned most, unsigned *count);

typedef struct ImageProgress {
    void (*report)(void *opaque, uint64_t done, uint64_t total); /* bytes; NULL: nobody listens */
    void *opaque;
} ImageProgress;

/* Writes an overlay's changes to what is below it; the overlay is empty then. When it fails or is interrupted
 * at any moment, the disk reads as before, and committing again goes on. */
bool image_commit(DiskImage *image, const ImageProgress *progress, Error *err);

/* Forgets an overlay's changes: the disk reads as what is below. */
bool image_forget_changes(DiskImage *image, Error *err);

/* ---- Files ----------------------------------------------------------------------------------------- */

/* A new raw image of so many bytes, all of them holes. */
bool image_create_raw(const char *path, uint64_t size, Error *err);
/* A new overlay over the image at base; size: of its disk, 0: as the base. */
bool image_create_overlay(const char *path, const char *base, uint64_t size, Error *err);
/* shrink: it may become smaller, and what was there is lost. */
bool image_resize(const char *path, uint64_t size, bool shrink, Error *err);

typedef struct ImageCheck {
    bool repair;      /* what is lost in an overlay's table is taken as not changed */
    bool accept_base; /* what is below is taken for what it should be */
    uint32_t torn, lost;
} ImageCheck;

/* Looks through an overlay, all of it; raw images are always well. False with err set if it cannot be used.
 */
bool image_check(const char *path, ImageCheck *check, Error *err);

#endif
