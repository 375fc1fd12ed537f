/* Disks that an NBD server has: qemu-nbd for qcow2 and other formats, nbdkit, and so on. Private to images/.
 */
#ifndef ARMATURE_IMAGES_NBD_H
#define ARMATURE_IMAGES_NBD_H

#include "images/image.h"

/* path: nbd:PATH (a UNIX socket, the default export), or an NBD URI with nbd (TCP) or nbd+unix. False with
 * err set. */
bool nbd_image_open(DiskImage *image, const ImageOptions *options, Error *err);

#endif
