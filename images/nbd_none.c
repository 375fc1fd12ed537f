/* Stands in for nbd.c in builds without libnbd. */
#include "images/nbd.h"

bool nbd_image_open(DiskImage *image, const ImageOptions *options, Error *err)
{
    (void)image;
    return error_set(err, "%s: this armature was built without libnbd", options->path);
}
